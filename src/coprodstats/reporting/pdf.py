"""The document as one PDF: tagged for screen readers, fit for archives, with the results attached."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from coprodstats.errors import Fault, ReportError
from coprodstats.reporting import style
from coprodstats.reporting.colour import mixed
from coprodstats.reporting.document import (
    Block,
    BulletList,
    Callout,
    DefinitionList,
    Document,
    FigureBlock,
    Paragraph,
    Section,
    TableBlock,
)
from coprodstats.reporting.figures.record import Figure
from coprodstats.reporting.language import said, say
from coprodstats.reporting.lettering import safe
from coprodstats.reporting.pdf_tags import tag_row_headers
from coprodstats.reporting.span import Text, spans
from coprodstats.reporting.table import Table, legend_line
from coprodstats.reporting.theme import Theme
from coprodstats.reporting.two_pages import BRIEFING_PAGES, second_page

DATE = (2000, 1, 1)
"""Both standards ask for a date, and the same run gives the same bytes on any day: every PDF has this one."""

FONTS = ("Atkinson Hyperlegible", "DejaVu Sans")
CODE_FONTS = ("DejaVu Sans Mono",)
_LOGO_SIZE = (55.0, 13.0)
"""The most that a logo is wide and high, in millimetres."""
_PAGE = re.compile(rb"/Type\s*/Page\b")
_SECONDS = 946_684_800  # DATE since 1970
_WARNING = {"edge": "#8A3A06", "fill": "#FDF1EA"}
SCALES = (1.12, 1.08, 1.04, 1.0, 0.97, 0.94, 0.91, 0.88, 0.85, 0.82)
"""Sizes at which a briefing is tried on its two pages; at the last one it may run over."""


def pdf_files(document: Document, stem: str, results: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the document as one PDF that holds the results as attachments."""
    return {f"{stem}.pdf": render_pdf(document, results)}


def render_pdf(document: Document, results: Mapping[str, bytes]) -> bytes:
    """Return a document as PDF/UA-1 and PDF/A-3a.

    It says what the web page says; the numbers behind the figures stand at the end. Headings, lists, tables
    with the headers of columns and rows, and the drawings' alternative texts are tagged. Only the fonts that
    this package depends on are used, and letters that they lack come out as the replacement character.

    Parameters
    ----------
    document
        The document.
    results
        Files to attach, CSV by name.

    Returns
    -------
    bytes
        The PDF, the same for the same document and results.

    Raises
    ------
    ReportError
        If the document can't be made to meet both standards, or a font is not there.

    Examples
    --------
    >>> from coprodstats.reporting.document import Document, Section
    >>> section = Section(key="hello", heading="Hello", blocks=(Paragraph(text="Text."),))
    >>> render_pdf(Document(title="Demo", sections=(section,)), {})[:8]
    b'%PDF-1.7'
    """
    scales = SCALES if document.kind == "briefing" else (1.0,)
    with TemporaryDirectory() as folder:
        for scale in scales:
            pdf = _compiled(document, page_data(document, results, scale=scale), Path(folder))
            if len(_PAGE.findall(pdf)) <= BRIEFING_PAGES:
                break
    return tag_row_headers(pdf)


def _compiled(document: Document, data: Mapping[str, Any], folder: Path) -> bytes:
    import typst  # noqa: PLC0415  (80 MB that only this format needs)

    template = (files("coprodstats.reporting") / "templates" / "report.typ").read_bytes()
    logo = document.theme.logo
    if logo is not None:
        (folder / data["logo"]["file"]).write_bytes(logo.svg or logo.png)
    # The logo is all that the template can read: whatever else it tried is outside this folder.
    compiler = typst.Compiler(
        template,
        root=folder,
        font_paths=typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=_font_folders(document)
        ),
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        package_path=folder,
        package_cache_path=folder,
    )
    try:
        # For archives (ISO 19005-3) and for screen readers (ISO 14289-1), both at once.
        pdf, warnings = compiler.compile_with_warnings(pdf_standards=["a-3a", "ua-1"], timestamp=_SECONDS)
    except typst.TypstError as error:
        raise ReportError(_refused(document, error.message)) from error
    if warnings:
        raise ReportError(*(_refused(document, warning.message) for warning in warnings))
    return cast("bytes", pdf)


def _refused(document: Document, message: str) -> Fault:
    return Fault(where=f"PDF of {document.title!r}", found=f"Typst could not set it as it must be: {message}")


def _font_folders(document: Document) -> list[str]:
    import matplotlib as mpl  # noqa: PLC0415  (its fonts are the figures' fonts)

    return [
        *(str(file) for file in document.theme.fonts.files),
        str(files("fontpkg_atkinson_hyperlegible") / "files"),
        str(Path(mpl.get_data_path()) / "fonts" / "ttf"),
    ]


def page_data(document: Document, results: Mapping[str, bytes], *, scale: float = 1.0) -> dict[str, Any]:
    """Return all that the template says, as plain data; ``scale`` makes a briefing's letters smaller."""
    numbers, theme = document.numbers(), document.theme
    figures = document.figures() if document.kind == "report" else ()
    turn = second_page(document)
    language, _, region = document.language_tag.partition("-")
    return {
        "title": safe(document.title),
        "subtitle": safe(document.subtitle),
        "banner": safe(document.banner),
        "footer": [safe(line) for line in document.footer],
        "kind": document.kind,
        "organisation": safe(theme.organisation),
        "logo": _logo(theme),
        "language": language,
        "region": region.lower() or None,
        "date": dict(zip(("year", "month", "day"), DATE, strict=True)),
        "words": {
            "about-data": say("formats.about_data"),
            "contents": say("formats.contents"),
            "numbers": say("formats.numbers"),
            # Typst knows which page it is.
            "page": say("formats.page", page="{page}", pages="{pages}"),
            "part": say("formats.part", part="{part}", parts="{parts}"),
        },
        "look": {
            "ink": style.INK,
            "quiet": style.QUIET_INK,
            "accent": theme.colours.accent,
            "hair": "#D5D8DC",
            "callouts": _callouts(theme.colours.accent),
            "fonts": [*([theme.fonts.text] if theme.fonts.files else []), *FONTS],
            "code-fonts": CODE_FONTS,
            "scale": scale,
        },
        "sections": [
            _section(section, level, numbers) | {"turns": section.key == turn}
            for outer in document.sections
            for level, section in [(1, outer), *((2, inner) for inner in outer.sections)]
        ],
        "numbers": [_numbers_of(figure, numbers[figure.key]) for figure in figures],
        "files": [_attachment(name, results[name]) for name in sorted(results)],
    }


def _logo(theme: Theme) -> dict[str, Any] | None:
    logo = theme.logo
    if logo is None:
        return None
    wide, high = _LOGO_SIZE
    file = "logo.svg" if logo.svg else "logo.png"
    return {"file": file, "alt": safe(logo.alt), "height": min(high, wide * logo.height / logo.width)}


def _callouts(accent: str) -> dict[str, dict[str, str]]:
    own = {"edge": accent, "fill": mixed(accent, style.PAPER, 0.93)}
    return {"key": own, "note": own, "warning": _WARNING}


def _section(section: Section, level: int, numbers: Mapping[str, str]) -> dict[str, Any]:
    blocks = [_block(block, numbers) for block in section.blocks]
    return {"level": level, "key": section.key, "heading": safe(section.heading), "blocks": blocks}


def _block(block: Block, numbers: Mapping[str, str]) -> dict[str, Any]:
    match block:
        case Paragraph():
            return {"kind": "paragraph", "text": _inline(block.text)}
        case BulletList():
            return {"kind": "list", "ordered": block.ordered, "items": [_inline(i) for i in block.items]}
        case Callout():
            title, text = safe(block.title), _inline(block.text)
            return {"kind": "callout", "look": block.kind, "title": title, "text": text}
        case DefinitionList():
            items = [(_inline(term), _inline(meaning)) for term, meaning in block.items]
            return {"kind": "definitions", "items": items}
        case TableBlock():
            table = block.table
            foot = _foot(table.notes, table.legend, table.n, table.source)
            shown = _table(table, numbers[table.key], table.title)
            return {"kind": "table", "table": {**shown, "key": table.key, "foot": foot}}
        case FigureBlock():
            return {"kind": "figure", "figure": _figure(block.figure, numbers[block.figure.key])}


def _inline(text: Text) -> list[dict[str, str]]:
    """Return spans whose letters the fonts have; the spaces at their ends stay."""
    return [{**asdict(span), "text": _with_ends(span.text)} for span in spans(text)]


def _with_ends(text: str) -> str:
    inner = safe(text)
    if not inner:
        return " " if " " in text else ""
    return f"{' ' * text.startswith(' ')}{inner}{' ' * text.endswith(' ')}"


def _table(table: Table, number: str, title: str) -> dict[str, Any]:
    return {
        "number": number,
        "title": safe(title),
        "columns": [
            {"label": safe(column.label), "numeric": column.numeric and i > 0}
            for i, column in enumerate(table.columns)
        ],
        "blocks": [
            {"heading": safe(heading), "rows": [[safe(cell.text) for cell in row] for row in rows]}
            for heading, rows in table.blocks
        ],
    }


def _figure(figure: Figure, number: str) -> dict[str, Any]:
    return {
        "key": figure.key,
        "number": number,
        "title": safe(figure.title),
        "subtitle": safe(figure.subtitle),
        "alt": safe(figure.alt),
        "svg": figure.svg,
        "foot": _foot(figure.notes, (), figure.n, figure.source),
        "see": say("formats.numbers_of", number=number),
    }


def _numbers_of(figure: Figure, number: str) -> dict[str, Any]:
    shown = _table(figure.table, say("formats.numbers_of", number=number), figure.title)
    foot = [_inline(text) for text in _legend(figure.table.legend)]
    return {
        "figure": figure.key,
        "table": {**shown, "key": f"{figure.key}--numbers", "foot": foot},
        "back": say("formats.back_to", number=number),
    }


def _foot(notes: Sequence[str], legend: Sequence[str], n: str, source: str) -> list[list[dict[str, str]]]:
    about = (said("formats.based_on", n=n), said("formats.source", source=source))
    lines: list[Text] = [*notes, *_legend(legend), *about]
    return [_inline(line) for line in lines]


def _legend(legend: Sequence[str]) -> Sequence[str]:
    return (legend_line(legend),) if legend else ()


def _attachment(name: str, data: bytes) -> dict[str, str]:
    description = say("formats.attachment", name=name.rpartition(".")[0])
    return {"name": name, "text": data.decode("utf-8"), "mime": "text/csv", "description": description}
