"""The empty presentation that slides are put into: wide pages in the look of a theme."""

from __future__ import annotations

import io
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pptx import Presentation
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.opc.oxml import serialize_part_xml
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.oxml.xmlchemy import OxmlElement
from pptx.util import Inches

from coprodstats.reporting.style import INK, QUIET_INK
from coprodstats.reporting.theme import Theme
from coprodstats.reporting.zip_archive import core_properties, normalise_zip, xml_text

WIDTH, HEIGHT = 13.333, 7.5
MARGIN = 0.65
FONT = "Arial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where something stands on a slide, in inches."""

    left: float
    top: float
    width: float
    height: float


_INNER = WIDTH - 2 * MARGIN
_GAP = 0.5
TITLE = Box(left=MARGIN, top=0.42, width=_INNER, height=1.05)
BODY = Box(left=MARGIN, top=1.62, width=_INNER, height=5.05)
_FOOT = Box(left=MARGIN, top=6.8, width=_INNER - 1.2, height=0.5)
_NUMBER = Box(left=WIDTH - MARGIN - 1.0, top=6.8, width=1.0, height=0.5)


def side_by_side(share: float) -> dict[int, Box]:
    """Return where two columns with headings stand, the first of which has a share of the width.

    Examples
    --------
    >>> [round(box.width, 2) for box in side_by_side(0.6).values()]
    [6.92, 6.92, 4.61, 4.61]
    """
    first = (_INNER - _GAP) * share
    left, width = MARGIN + first + _GAP, _INNER - _GAP - first
    return {
        1: Box(left=MARGIN, top=1.6, width=first, height=0.5),
        2: Box(left=MARGIN, top=2.15, width=first, height=4.55),
        3: Box(left=left, top=1.6, width=width, height=0.5),
        4: Box(left=left, top=2.15, width=width, height=4.55),
    }


OPENING, POINTS, COLUMNS, ALONE = "Title Slide", "Title and Content", "Comparison", "Title Only"
PLACES: Mapping[str, Mapping[int, Box]] = {
    OPENING: {
        0: Box(left=MARGIN, top=1.75, width=_INNER, height=1.6),
        1: Box(left=MARGIN, top=3.5, width=_INNER, height=2.6),
    },
    POINTS: {0: TITLE, 1: BODY},
    COLUMNS: {0: TITLE, **side_by_side(0.5)},
    ALONE: {0: TITLE},
}
"""Where the placeholders of each layout stand, by their number."""

_ON_MASTER = {0: TITLE, 1: BODY}
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_BAND = f"""<p:sp xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:a="{_DRAWING}">
<p:nvSpPr><p:cNvPr id="90" name="Band"/><p:cNvSpPr/><p:nvPr userDrawn="1"/></p:nvSpPr>
<p:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{{width}}" cy="{{height}}"/></a:xfrm>
<a:prstGeom prst="rect"><a:avLst/></a:prstGeom><a:solidFill><a:schemeClr val="accent1"/></a:solidFill>
<a:ln><a:noFill/></a:ln></p:spPr><p:txBody><a:bodyPr/><a:lstStyle/><a:p/></p:txBody></p:sp>"""
_DATE, _FOOTER, _SLIDE_NUMBER = "dt", "ftr", "sldNum"


def open_presentation(theme: Theme) -> Any:
    """Return an empty presentation of wide pages, with the colours and fonts of a theme."""
    made = Presentation()
    made.slide_width, made.slide_height = Inches(WIDTH), Inches(HEIGHT)
    for layout in [one for one in made.slide_layouts if one.name not in PLACES]:
        made.slide_layouts.remove(layout)
    master = made.slide_master
    _paint(master.part.part_related_by(RT.THEME), theme)
    _style_texts(master.element)
    _place(master, _ON_MASTER)
    _add_band(master)
    for layout in made.slide_layouts:
        _place(layout, PLACES[layout.name])
    _style_opening(made.slide_layouts.get_by_name(OPENING))
    _style_columns(made.slide_layouts.get_by_name(COLUMNS))
    return made


def add_slide(presentation: Any, layout: str, footer: str) -> Any:
    """Return a new slide of a layout, with a line at its foot and its number."""
    slide = presentation.slides.add_slide(presentation.slide_layouts.get_by_name(layout))
    for shape in slide.slide_layout.placeholders:
        kind = shape.element.ph.get("type")
        if kind == _SLIDE_NUMBER or (kind == _FOOTER and footer):
            slide.shapes._spTree.append(_copied(shape, footer if kind == _FOOTER else ""))  # noqa: SLF001
    return slide


def _copied(shape: Any, text: str) -> Any:
    """Return a placeholder of the layout for a slide: its kind, and its text if it has one of its own."""
    copied = deepcopy(shape.element)
    for words in copied.iter(qn("a:t")):
        words.text = "‹#›"
    if text:
        body = copied.find(qn("p:txBody"))
        for paragraph in body.findall(qn("a:p")):
            body.remove(paragraph)
        words = OxmlElement("a:t")
        words.text = xml_text(text)
        body.append(_holding("a:p", _holding("a:r", OxmlElement("a:rPr"), words)))
    place = copied.find(qn("p:spPr"))
    for child in list(place):
        place.remove(child)
    return copied


def _holding(tag: str, *children: Any) -> Any:
    made = OxmlElement(tag)
    for child in children:
        made.append(child)
    return made


def finished_pptx(presentation: Any, *, title: str, subject: str, language: str) -> bytes:
    """Return a presentation as bytes that depend on its content alone."""
    for slide in presentation.slides:
        for page in (slide, slide.notes_slide):
            _name_language(page.element, language)
    # Asking for the properties makes the part, whose author and clock are replaced below.
    _ = presentation.core_properties
    package = presentation.part.package
    for owner in (package, presentation.part):
        relations = owner._rels  # noqa: SLF001  (the package offers no other way)
        for key, relation in list(relations.items()):
            if relation.reltype.endswith(("/thumbnail", "/printerSettings")):
                relations.pop(key)
    buffer = io.BytesIO()
    presentation.save(buffer)
    properties = core_properties(title=title, subject=subject, language=language)
    return normalise_zip(buffer.getvalue(), replace={"docProps/core.xml": properties})


def _name_language(page: Any, language: str) -> None:
    for tag in ("a:r", "a:fld"):
        for run in page.iter(qn(tag)):
            properties = run.find(qn("a:rPr"))
            if properties is None:
                properties = OxmlElement("a:rPr")
                run.insert(0, properties)
            properties.set("lang", language)
    for end in page.iter(qn("a:endParaRPr")):
        end.set("lang", language)


def _paint(part: Any, theme: Theme) -> None:
    """Write the theme's colours and fonts into the presentation's own theme."""
    root = parse_xml(part.blob)
    colours = {
        "dk1": INK,
        **dict.fromkeys(("dk2", "accent1", "hlink", "folHlink"), theme.colours.accent),
        "accent2": theme.colours.collective,
        "accent3": theme.colours.individual,
    }
    for name, colour in colours.items():
        slot = next(root.iter(qn(f"a:{name}")))
        for child in list(slot):
            slot.remove(child)
        painted = OxmlElement("a:srgbClr")
        painted.set("val", colour.lstrip("#").upper())
        slot.append(painted)
    fonts = {"majorFont": theme.fonts.headings or theme.fonts.text, "minorFont": theme.fonts.text}
    for kind, font in fonts.items():
        next(root.iter(qn(f"a:{kind}"))).find(qn("a:latin")).set("typeface", font or FONT)
    part._blob = serialize_part_xml(root)  # noqa: SLF001


def _style_texts(master: Any) -> None:
    title = next(master.iter(qn("p:titleStyle"))).find(qn("a:lvl1pPr"))
    title.set("algn", "l")
    look = title.find(qn("a:defRPr"))
    look.set("sz", "2800")
    look.set("b", "1")
    look.find(f"{qn('a:solidFill')}/{qn('a:schemeClr')}").set("val", "accent1")
    body = next(master.iter(qn("p:bodyStyle"))).find(qn("a:lvl1pPr"))
    for name, value in (("marL", "285750"), ("indent", "-285750")):
        body.set(name, value)
    body.find(qn("a:defRPr")).set("sz", "2200")
    body.find(f"{qn('a:spcBef')}/{qn('a:spcPct')}").set("val", "45000")


def _place(page: Any, boxes: Mapping[int, Box]) -> None:
    for shape in page.placeholders:
        kind = shape.element.ph.get("type")
        if kind == _DATE:
            shape.element.getparent().remove(shape.element)
        elif kind in (_FOOTER, _SLIDE_NUMBER):
            move(shape, _FOOT if kind == _FOOTER else _NUMBER)
            _style_small(shape.element, "l" if kind == _FOOTER else "r")
        elif shape.placeholder_format.idx in boxes:
            move(shape, boxes[shape.placeholder_format.idx])


def move(shape: Any, box: Box) -> None:
    """Put a shape into a box."""
    shape.left, shape.top = Inches(box.left), Inches(box.top)
    shape.width, shape.height = Inches(box.width), Inches(box.height)


def _style_small(shape: Any, side: str) -> None:
    body = shape.find(qn("p:txBody"))
    old = body.find(qn("a:lstStyle"))
    colour = f'<a:solidFill><a:srgbClr val="{QUIET_INK.lstrip("#")}"/></a:solidFill>'
    level = f'<a:lvl1pPr algn="{side}"><a:defRPr sz="1100">{colour}</a:defRPr></a:lvl1pPr>'
    body.replace(old, parse_xml(f'<a:lstStyle xmlns:a="{_DRAWING}">{level}</a:lstStyle>'))


def _add_band(master: Any) -> None:
    """Draw a band of the accent colour along the top, where no screen reader meets it: on the master."""
    tree = next(master.element.iter(qn("p:spTree")))
    tree.insert(2, parse_xml(_BAND.format(width=Inches(WIDTH), height=Inches(0.14))))


def _style_opening(layout: Any) -> None:
    for shape in layout.placeholders:
        for level in shape.element.iter(qn("a:lvl1pPr")):
            if shape.placeholder_format.idx in (0, 1):
                level.set("algn", "l")
        for fill in shape.element.iter(qn("a:schemeClr")):
            if shape.placeholder_format.idx == 1:
                fill.set("val", "tx1")
                for tint in list(fill):
                    fill.remove(tint)
        if shape.placeholder_format.idx == 0:
            shape.text_frame.vertical_anchor = None
            shape.element.find(f"{qn('p:txBody')}/{qn('a:bodyPr')}").set("anchor", "b")


def _style_columns(layout: Any) -> None:
    for shape in layout.placeholders:
        size = {1: "2000", 2: "1800", 3: "2000", 4: "1800"}.get(shape.placeholder_format.idx)
        for level in shape.element.iter(qn("a:lvl1pPr")):
            if size:
                level.find(qn("a:defRPr")).set("sz", size)
