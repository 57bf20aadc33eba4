"""A briefing as five slides in PowerPoint's format: titles, lists and tables, alternative texts, notes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from pptx.dml.color import RGBColor
from pptx.util import Emu, Inches, Pt

from coprodstats.reporting.document import Document
from coprodstats.reporting.picture import picture_size, png_from_svg
from coprodstats.reporting.pptx_template import (
    ALONE,
    BODY,
    COLUMNS,
    MARGIN,
    OPENING,
    PLACES,
    POINTS,
    Box,
    add_slide,
    finished_pptx,
    move,
    open_presentation,
    side_by_side,
)
from coprodstats.reporting.slides import (
    MOST_COLUMNS,
    Columns,
    Deck,
    Grid,
    Opening,
    Picture,
    Points,
    Slide,
    build_deck,
)
from coprodstats.reporting.span import Text, plain, spans
from coprodstats.reporting.style import QUIET_INK
from coprodstats.reporting.table import Table
from coprodstats.reporting.text_fit import column_widths, fitting_size
from coprodstats.reporting.zip_archive import xml_text

# python-pptx has no types for its colours.
_Colour: Any = RGBColor
_TITLE_SIZES = (28, 26, 24, 22, 20)
_OPENING_SIZES = (40, 36, 32, 28, 24)
_POINT_SIZES = (24, 22, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11)
_CELL_SIZES = (20, 18, 16, 14, 13, 12, 11, 10, 9)
_FOOT_SIZE = 12
_BETWEEN = 0.45
"""Space between points, in sizes of their letters."""
_PADDING = 0.2
"""Space inside a box of text, left and right together, in inches."""
_BULLET = 0.3125
_SHOWN = Box(left=BODY.left + 0.1, top=BODY.top, width=BODY.width - 0.2, height=BODY.height)
"""Room for a picture or a table, which begins where the letters of the title do."""
_LOGO = Box(left=MARGIN, top=0.55, width=4.0, height=0.9)


def pptx_files(document: Document, stem: str, results: Mapping[str, bytes]) -> dict[str, bytes]:  # noqa: ARG001
    """Return the slides of a briefing by name: ``slides.pptx``."""
    return {"slides.pptx" if stem == "briefing" else f"{stem}-slides.pptx": render_pptx(build_deck(document))}


def render_pptx(deck: Deck) -> bytes:
    """Return slides as a PowerPoint file.

    Every slide has a title; findings are lists, the table is a table with a row of headers, the figure is a
    picture with an alternative text, and what stands behind them is in the speaker's notes. Text is in the
    briefing's language, read from title to foot. The file has no author and no date, nothing in it runs, and
    the same deck gives the same bytes.

    Examples
    --------
    >>> from coprodstats.reporting.document import BulletList, Section
    >>> found = Section(key="found", heading="What we found", blocks=(BulletList(items=("One.",)),))
    >>> render_pptx(build_deck(Document(title="Demo", sections=(found,), kind="briefing")))[:2]
    b'PK'
    """
    briefing = deck.briefing
    presentation = open_presentation(briefing.theme)
    for slide in deck.slides:
        page = _page(presentation, slide, briefing)
        page.notes_slide.notes_text_frame.text = "\n".join(map(xml_text, slide.notes.split("\n")))
    return finished_pptx(
        presentation, title=briefing.title, subject=briefing.subtitle, language=briefing.language_tag
    )


def _page(presentation: Any, slide: Slide, briefing: Document) -> Any:
    layout = {Opening: OPENING, Points: POINTS, Columns: COLUMNS}.get(type(slide), ALONE)
    page = add_slide(presentation, layout, briefing.banner)
    _write_title(page, slide.title, PLACES[layout][0], _OPENING_SIZES if layout == OPENING else _TITLE_SIZES)
    match slide:
        case Opening():
            _write_opening(page, slide, briefing)
        case Points():
            _write_points(page, 1, slide.points, _point_size(slide.points, BODY))
        case Columns():
            _write_columns(page, slide)
        case Picture():
            _write_picture(page, slide)
        case Grid():
            _write_grid(page, slide)
    return page


def _write_title(page: Any, title: str, box: Box, sizes: Sequence[int]) -> None:
    frame = page.shapes.title.text_frame
    size = fitting_size([title], width=box.width - _PADDING, height=box.height - 0.1, sizes=sizes, bold=True)
    _write(frame.paragraphs[0], title, size)


def _write_opening(page: Any, slide: Opening, briefing: Document) -> None:
    frame = page.placeholders[1].text_frame
    box = PLACES[OPENING][1]
    texts: list[Text] = [text for text in (slide.subtitle, slide.headline) if plain(text)]
    if briefing.theme.organisation:
        texts.append(briefing.theme.organisation)
    size = fitting_size(
        [plain(text) for text in texts],
        width=box.width - _PADDING,
        height=box.height,
        sizes=_POINT_SIZES,
        between=1.0,
    )
    for position, text in enumerate(texts):
        paragraph = frame.paragraphs[0] if position == 0 else frame.add_paragraph()
        paragraph.space_before = Pt(0 if position == 0 else size)
        _write(paragraph, text, size, bold=text is slide.headline)
    logo = briefing.theme.logo
    if logo is not None:
        scale = min(_LOGO.width / logo.width, _LOGO.height / logo.height)
        picture = page.shapes.add_picture(
            io.BytesIO(logo.png),
            Inches(_LOGO.left),
            Inches(_LOGO.top),
            Inches(logo.width * scale),
            Inches(logo.height * scale),
        )
        _name(picture, "Logo", logo.alt)


def _point_size(points: Sequence[Text], box: Box) -> float:
    return fitting_size(
        [plain(point) for point in points],
        width=box.width - _PADDING - _BULLET,
        height=box.height - 0.1,
        sizes=_POINT_SIZES,
        between=_BETWEEN,
    )


def _write_points(page: Any, number: int, points: Sequence[Text], size: float) -> None:
    frame = page.placeholders[number].text_frame
    for position, point in enumerate(points):
        paragraph = frame.paragraphs[0] if position == 0 else frame.add_paragraph()
        _write(paragraph, point, size)


def _write_columns(page: Any, slide: Columns) -> None:
    places = side_by_side(_share(slide))
    for number, box in places.items():
        move(page.placeholders[number], box)
    size = min(
        _point_size(points, places[2 * position + 2]) for position, (_, points) in enumerate(slide.columns)
    )
    for position, (heading, points) in enumerate(slide.columns):
        _write(page.placeholders[2 * position + 1].text_frame.paragraphs[0], heading, 20)
        _write_points(page, 2 * position + 2, points, size)
    for number in range(2 * len(slide.columns) + 1, 2 * MOST_COLUMNS + 1):
        # An empty placeholder would be read out and ask for text.
        empty = page.placeholders[number].element
        empty.getparent().remove(empty)


def _share(slide: Columns) -> float:
    """Return how much of the width the first column gets: the more, the longer its text is."""
    letters = [sum(len(plain(point)) for point in points) for _, points in slide.columns]
    return min(max(letters[0] / max(sum(letters), 1), 0.4), 0.62) if len(letters) > 1 else 1.0


def _write_picture(page: Any, slide: Picture) -> None:
    width, height = picture_size(slide.figure.svg)
    foot = _foot_height(slide.foot)
    scale = min(_SHOWN.width / width, (_SHOWN.height - foot) / height)
    picture = page.shapes.add_picture(
        io.BytesIO(png_from_svg(slide.figure.svg)),
        Inches(_SHOWN.left + (_SHOWN.width - width * scale) / 2),
        Inches(_SHOWN.top + (_SHOWN.height - foot - height * scale) / 2),
        Inches(width * scale),
        Inches(height * scale),
    )
    _name(picture, slide.figure.key, slide.figure.alt)
    _write_foot(page, slide.foot, BODY.top + BODY.height - foot, foot)
    _last_is_foot(page)


def _write_grid(page: Any, slide: Grid) -> None:
    foot = _foot_height(slide.foot)
    data = slide.table
    size, widths, heights = _table_layout(data, _SHOWN.width, _SHOWN.height - foot)
    rows = len(data.rows) + sum(bool(heading) for heading, _ in data.blocks) + 1
    frame = page.shapes.add_table(
        rows, len(data.columns), *map(Inches, (_SHOWN.left, _SHOWN.top, _SHOWN.width, sum(heights)))
    )
    _name(frame, data.key, data.title)
    made = frame.table
    for column, width in zip(made.columns, widths, strict=True):
        column.width = Emu(width)
    for row, height in zip(made.rows, heights, strict=True):
        row.height = Inches(height)
    for row, texts in zip(made.rows, _texts(data), strict=True):
        for position, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
            cell.margin_top = cell.margin_bottom = Inches(0.03)
            paragraph = cell.text_frame.paragraphs[0]
            paragraph.alignment = 3 if data.columns[position].numeric and position else 1
            _write(paragraph, text, size, bold=len([t for t in texts if t]) == 1 and position == 0)
    _write_foot(page, slide.foot, BODY.top + BODY.height - foot, foot)
    _last_is_foot(page)


def _texts(data: Table) -> list[list[str]]:
    """Return the texts of a table's rows: the headers, then each group's heading and rows."""
    rows = [[column.label for column in data.columns]]
    for heading, block in data.blocks:
        rows += [[heading, *[""] * (len(data.columns) - 1)]] if heading else []
        rows += [[cell.text for cell in row] for row in block]
    return rows


def _table_layout(data: Table, width: float, height: float) -> tuple[float, list[int], list[float]]:
    """Return the size of letters at which a table fits, its columns' widths and its rows' heights."""
    total = int(Inches(width))
    for size in _CELL_SIZES:
        letter, padding = Pt(size) * 0.53, Inches(_PADDING)
        widths = column_widths(data, total, letter=letter, padding=padding)
        heights = []
        for texts in _texts(data):
            lines = max(
                -(-len(text) * letter // (room - padding)) if text else 1
                for text, room in zip(texts, widths, strict=True)
            )
            heights.append(lines * size * 1.2 / 72 + 0.06)
        if sum(heights) <= height:
            break
    return size, widths, heights


def _foot_height(foot: Sequence[Text]) -> float:
    return len(foot) * _FOOT_SIZE * 1.25 / 72 + 0.1


def _write_foot(page: Any, foot: Sequence[Text], top: float, height: float) -> None:
    box = page.shapes.add_textbox(Inches(BODY.left), Inches(top), Inches(BODY.width), Inches(height))
    box.text_frame.word_wrap = True
    size = fitting_size(
        [plain(text) for text in foot],
        width=BODY.width - _PADDING,
        height=height,
        sizes=(_FOOT_SIZE, 11, 10, 9),
    )
    for position, text in enumerate(foot):
        paragraph = box.text_frame.paragraphs[0] if position == 0 else box.text_frame.add_paragraph()
        _write(paragraph, text, size, colour=QUIET_INK)


def _last_is_foot(page: Any) -> None:
    """Put the slide's foot and number behind what was added: they are read last."""
    tree = page.shapes._spTree  # noqa: SLF001
    for shape in list(page.placeholders):
        if shape.element.ph.get("type") in ("ftr", "sldNum"):
            tree.append(shape.element)


def _write(paragraph: Any, text: Text, size: float, *, bold: bool = False, colour: str = "") -> None:
    for span in spans(text):
        if not span.text:
            continue
        run = paragraph.add_run()
        run.text = xml_text(span.text)
        run.font.size = Pt(size)
        if bold or span.style == "strong":
            run.font.bold = True
        if span.style == "emphasis":
            run.font.italic = True
        if colour:
            run.font.color.rgb = _Colour(*bytes.fromhex(colour.lstrip("#")))


def _name(shape: Any, name: str, alt: str) -> None:
    shape.name = name
    next(shape.element.iter("{*}cNvPr")).set("descr", xml_text(alt))
