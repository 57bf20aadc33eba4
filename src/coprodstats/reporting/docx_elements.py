"""What a Word document is made of: paragraphs, runs, links, bookmarks, fields, tables and pictures."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docx.document import Document as WordDocument
from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.shape import CT_Inline
from docx.shared import Emu

from coprodstats.reporting.docx_template import list_definition, style_ids, text_width
from coprodstats.reporting.span import Span, Text, spans
from coprodstats.reporting.table import Column, Table
from coprodstats.reporting.text_fit import column_widths
from coprodstats.reporting.zip_archive import xml_text

_RUN_STYLES: Mapping[str, str] = {"strong": "Strong", "emphasis": "Emphasis", "code": "Report Code"}
_LETTER = 92
"""Width of a letter in a table's cell, on average, in twentieths of a point."""
_PADDING = 130
_EMU_PER_TWIP = 635


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """The Word document in the making, and the names by which its parts refer to each other.

    Attributes
    ----------
    word
        The document: links, pictures and lists are registered there.
    styles
        Ids of styles by name in lower case.
    places
        Numbers of bookmarks by key of section, table or figure.
    width
        Between the margins, in twentieths of a point.
    """

    word: WordDocument
    styles: Mapping[str, str]
    places: Mapping[str, int]
    width: int

    @classmethod
    def of(cls, word: WordDocument, keys: Iterable[str]) -> Setting:
        """Return the setting of a document whose bookmarks have these keys."""
        places = {key: number for number, key in enumerate(keys, start=1)}
        return cls(word=word, styles=style_ids(word), places=places, width=text_width(word))

    def style(self, name: str) -> str:
        """Return the id of a style."""
        return self.styles[name.lower()]


def element(tag: str, *children: Any, **attributes: str | int) -> Any:
    """Return an element of Word's language, with attributes of the same language.

    Examples
    --------
    >>> element("b", val=0).attrib.values()
    ['0']
    """
    made = OxmlElement(f"w:{tag}", {qn(f"w:{name}"): str(value) for name, value in attributes.items()})
    for child in children:
        made.append(child)
    return made


def run(text: str, style: str = "") -> Any:
    """Return a run of text; every letter of it is text."""
    properties = [element("rPr", element("rStyle", val=style))] if style else []
    words = element("t")
    words.text = xml_text(text)
    words.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    return element("r", *properties, words)


def inline(setting: Setting, text: Text) -> list[Any]:
    """Return any text as runs and links."""
    return [_span(setting, span) for span in spans(text) if span.text]


def _span(setting: Setting, span: Span) -> Any:
    if not span.target:
        style = _RUN_STYLES.get(span.style, "")
        return run(span.text, setting.style(style) if style else "")
    inner = run(span.text, setting.style("Hyperlink"))
    if span.target.startswith("#"):
        return element("hyperlink", inner, anchor=f"_part{setting.places[span.target[1:]]}", history=1)
    made = element("hyperlink", inner, history=1)
    made.set(qn("r:id"), setting.word.part.relate_to(span.target, RT.HYPERLINK, is_external=True))
    return made


def paragraph(
    setting: Setting, content: Text | list[Any], style: str = "", *, key: str = "", **properties: Any
) -> Any:
    """Return a paragraph.

    Parameters
    ----------
    setting
        The document.
    content
        Text, or runs that are made already.
    style
        The name of its style; empty for the document's default.
    key
        The key of what begins here, which becomes a bookmark.
    **properties
        Further properties by tag, each with the value of its ``val``; ``None`` for a property without.
    """
    runs = list(content) if isinstance(content, list) else inline(setting, content)
    kept = [element("pStyle", val=setting.style(style))] if style else []
    for tag, value in properties.items():
        kept.append(
            value if hasattr(value, "tag") else element(tag, **({} if value is None else {"val": value}))
        )
    if key:
        number = setting.places[key]
        start = element("bookmarkStart", id=number, name=f"_part{number}")
        runs = [start, *runs, element("bookmarkEnd", id=number)]
    return element("p", *([element("pPr", *kept)] if kept else []), *runs)


def new_list(setting: Setting) -> int:
    """Return the number of a new numbered list, which begins at 1."""
    definition = list_definition(setting.word)
    number = setting.word.part.numbering_part.element.add_num(definition)
    number.add_lvlOverride(ilvl=0).add_startOverride(1)
    return int(number.numId)


def item_of(number: int) -> Any:
    """Return the property that makes one paragraph an item of a numbered list."""
    return element("numPr", element("ilvl", val=0), element("numId", val=number))


def field_marks(instruction: str) -> tuple[list[Any], Any]:
    """Return the runs that begin a field, and the one that ends it; between them stands what it shows."""
    code = element("instrText")
    code.text = f" {instruction} "
    begin = [element("r", element("fldChar", fldCharType="begin")), element("r", code)]
    begin.append(element("r", element("fldChar", fldCharType="separate")))
    return begin, element("r", element("fldChar", fldCharType="end"))


def picture(
    setting: Setting, png: bytes, *, number: int, name: str, inches: tuple[float, float], alt: str
) -> Any:
    """Return the run of a picture, as wide as the page allows."""
    relation, _ = setting.word.part.get_or_add_image(io.BytesIO(png))
    width = min(setting.width * _EMU_PER_TWIP, round(inches[0] * 914_400))
    height = round(width * inches[1] / inches[0])
    drawing = CT_Inline.new_pic_inline(number, relation, f"{name}.png", Emu(width), Emu(height))
    for side in ("distT", "distB", "distL", "distR"):
        drawing.set(side, "0")
    drawing.docPr.set("name", name)
    drawing.docPr.set("descr", xml_text(alt))
    return element("r", element("drawing", drawing))


def table(setting: Setting, data: Table, *, caption: str, description: str) -> Any:
    """Return a table: its first row and first column are marked as headers, its rows don't break."""
    widths = column_widths(data, setting.width, letter=_LETTER, padding=_PADDING)
    look = element("tblLook", firstRow=1, lastRow=0, firstColumn=1, lastColumn=0, noHBand=1, noVBand=1)
    head = element(
        "tblPr",
        element("tblStyle", val=setting.style("Report Table")),
        element("tblW", w=sum(widths), type="dxa"),
        element("tblLayout", type="fixed"),
        look,
        element("tblCaption", val=xml_text(caption)),
        element("tblDescription", val=xml_text(description)),
    )
    grid = element("tblGrid", *(element("gridCol", w=width) for width in widths))
    return element("tbl", head, grid, *_rows(setting, data, widths))


def _rows(setting: Setting, data: Table, widths: Sequence[int]) -> list[Any]:
    labels: list[Text] = [column.label for column in data.columns]
    rows = [_row(setting, data.columns, labels, widths, header=True)]
    for heading, cells in data.blocks:
        if heading:
            texts: list[Text] = [Span(text=heading, style="strong"), *[""] * (len(widths) - 1)]
            rows.append(_row(setting, data.columns, texts, widths, together=True))
        rows += [_row(setting, data.columns, [cell.text for cell in row], widths) for row in cells]
    return rows


def _row(
    setting: Setting,
    columns: Sequence[Column],
    texts: Sequence[Text],
    widths: Sequence[int],
    *,
    header: bool = False,
    together: bool = False,
) -> Any:
    properties = [element("cantSplit"), *([element("tblHeader")] if header else [])]
    cells = []
    for position, (column, text, width) in enumerate(zip(columns, texts, widths, strict=True)):
        format_: dict[str, Any] = {"keepNext": None} if header or together else {}
        if column.numeric and position:
            format_ |= {"jc": "right"}
        words = paragraph(setting, text, "Report Cell", **format_)
        cells.append(element("tc", element("tcPr", element("tcW", w=width, type="dxa")), words))
    return element("tr", element("trPr", *properties), *cells)
