"""The tables of a document as an Excel workbook: real tables, numbers as numbers, text that stays text."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import xlsxwriter

from coprodstats.reporting.document import Document
from coprodstats.reporting.workbook import Number, Sheet
from coprodstats.reporting.workbook_layout import (
    FONT,
    HEAD,
    LINK,
    SIZE,
    TITLE,
    checked_sheets,
    column_letters,
    row_height,
    sides,
    written,
)
from coprodstats.reporting.writing import FORMULA_STARTS
from coprodstats.reporting.zip_archive import core_properties, normalise_zip, xml_text

_OPTIONS = {
    "in_memory": True,
    "strings_to_numbers": False,
    "strings_to_formulas": False,
    "strings_to_urls": False,
}
_TITLE_STYLE = 999
"""Stands for the named style of titles until the workbook is closed and its number is known."""


def xlsx_files(document: Document, stem: str, results: Mapping[str, bytes]) -> dict[str, bytes]:  # noqa: ARG001
    """Return a document's workbook by name: ``tables.xlsx`` of a report, ``brief-tables.xlsx`` of a brief."""
    return {"tables.xlsx" if stem == "report" else f"{stem}-tables.xlsx": render_xlsx(document)}


def render_xlsx(document: Document) -> bytes:
    """Return the tables of a document, and the data of its figures, as an Excel workbook.

    It follows the UK Government Analysis Function's rules for spreadsheets: cover, contents, notes, then one
    marked-up and named table a sheet with one row of headers, no merged, empty or hidden cells, no filters,
    no frozen panes, no colours, wrapped text, shorthand explained, worksheet titles tagged as headings.

    A number is stored as it is displayed, with a number format that displays it as every other format does.
    No text is a formula or an address, whatever it begins with. The file has no author and no date; the same
    document gives the same bytes.

    Raises
    ------
    ReportError
        If the document has no table and no figure, or a text is longer than a cell can hold.

    Examples
    --------
    >>> from coprodstats.reporting.document import Section, TableBlock
    >>> from coprodstats.reporting.table import Cell, Column, Table
    >>> columns = (Column(key="a", label="Country"),)
    >>> cells = (Cell(value="FR", text="FR"),)
    >>> one = Table(key="one", title="Names", n="12", source="S", columns=columns, rows=(cells,))
    >>> section = Section(key="s", heading="S", blocks=(TableBlock(table=one),))
    >>> render_xlsx(Document(title="Demo", sections=(section,)))[:2]
    b'PK'
    """
    made = checked_sheets(document)
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, _OPTIONS) as book:
        looks = _Looks(book=book)
        for sheet in made:
            _write(book, looks, sheet)
    data = buffer.getvalue()
    properties = core_properties(
        title=document.title, subject=document.subtitle, language=document.language_tag
    )
    styles = _with_title_style(_member(data, "xl/styles.xml"))
    return normalise_zip(data, replace={"docProps/core.xml": properties, "xl/styles.xml": styles})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Looks:
    """The formats of cells; a workbook would hold a format as often as it is made."""

    book: Any
    made: dict[tuple[str, str], Any] = field(default_factory=dict)

    def of(self, kind: str, detail: str = "") -> Any:
        """Return the format of a kind of cell: ``title``, ``head``, ``text``, ``link`` or ``number``."""
        if (kind, detail) not in self.made:
            self.made[kind, detail] = self._new(kind, detail)
        return self.made[kind, detail]

    def _new(self, kind: str, detail: str) -> Any:
        properties: dict[str, Any] = {
            "font_name": FONT,
            "font_size": SIZE,
            "text_wrap": True,
            "valign": "top",
        }
        if kind == "title":
            properties |= {"bold": True, "font_size": 15}
        elif kind == "head":
            properties |= {"bold": True, "bottom": 1, "align": detail or "left", "valign": "bottom"}
        elif kind == "link":
            properties |= {"underline": 1, "font_color": LINK}
        elif kind == "number":
            properties |= {"num_format": detail, "align": "right"}
        elif kind == "text":
            properties |= {"align": detail or "left"}
        made = self.book.add_format(properties)
        if kind == "title":
            made.xf_id = _TITLE_STYLE
        return made

    def text(self, text: str, kind: str = "text", detail: str = "") -> Any:
        """Return the format of a text; what a reader's confirming would calculate is marked as text."""
        if not text.lstrip().startswith(FORMULA_STARTS):
            return self.of(kind, detail)
        key = (f"{kind} as text", detail)
        if key not in self.made:
            self.made[key] = self._new(kind, detail)
            self.made[key].set_quote_prefix()
        return self.made[key]


def _write(book: Any, looks: _Looks, sheet: Sheet) -> None:
    page = book.add_worksheet(sheet.name)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    widths = column_letters(sheet)
    for position, width in enumerate(widths):
        page.set_column(position, position, width)
    page.set_row(0, row_height([sheet.title], widths[:1], TITLE))
    _write_text(page, 0, 0, sheet.title, looks.text(sheet.title, "title"))
    for row, line in enumerate(sheet.lines, start=1):
        page.set_row(row, row_height([line.text], widths[:1]))
        if line.sheet:
            _write_link(page, row, 0, line.text, line.sheet, looks)
        else:
            _write_text(page, row, 0, line.text, looks.text(xml_text(line.text)))
    if sheet.table:
        _write_table(page, len(sheet.lines) + 1, sheet, looks, widths)


def _write_table(page: Any, top: int, sheet: Sheet, looks: _Looks, widths: Sequence[int]) -> None:
    where = sides(sheet)
    columns = [
        {"header": label, "header_format": looks.text(label, "head", side)}
        for label, side in zip(sheet.header, where, strict=True)
    ]
    bottom, right = top + len(sheet.rows), len(sheet.header) - 1
    options = {"name": sheet.table, "columns": columns, "style": None, "autofilter": False}
    page.add_table(top, 0, bottom, right, options)
    page.set_row(top, row_height(sheet.header, widths, HEAD))
    for row, values in enumerate(sheet.rows, start=top + 1):
        page.set_row(row, row_height([written(value) for value in values], widths))
        for column, value in enumerate(values):
            if sheet.links and column == right:
                _write_link(page, row, column, str(value), sheet.links[row - top - 1], looks)
            elif isinstance(value, Number):
                page.write_number(row, column, float(value.value), looks.of("number", value.code))
            else:
                _write_text(page, row, column, value, looks.text(value, "text", where[column]))


def _write_text(page: Any, row: int, column: int, text: str, look: Any) -> None:
    page.write_string(row, column, xml_text(text), look)


def _write_link(page: Any, row: int, column: int, text: str, sheet: str, looks: _Looks) -> None:
    page.write_url(row, column, f"internal:'{sheet}'!A1", looks.text(text, "link"), xml_text(text))


def _member(data: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name).decode("utf-8")


def _with_title_style(styles: str) -> bytes:
    """Return a workbook's styles with titles of sheets named as headings, which xlsxwriter can't say."""
    count = int(re.search(r'<cellStyleXfs count="(\d+)"', styles)[1])  # type: ignore[index]
    font = re.search(rf'fontId="(\d+)"[^>]*xfId="{_TITLE_STYLE}"', styles)[1]  # type: ignore[index]
    base = f'<xf numFmtId="0" fontId="{font}" fillId="0" borderId="0" applyFont="1"/>'
    name = f'<cellStyle name="Heading 1" xfId="{count}" builtinId="16" customBuiltin="1"/>'
    named = int(re.search(r'<cellStyles count="(\d+)"', styles)[1])  # type: ignore[index]
    for old, new in (
        (f'<cellStyleXfs count="{count}"', f'<cellStyleXfs count="{count + 1}"'),
        ("</cellStyleXfs>", f"{base}</cellStyleXfs>"),
        (f'xfId="{_TITLE_STYLE}"', f'xfId="{count}"'),
        (f'<cellStyles count="{named}"', f'<cellStyles count="{named + 1}"'),
        ("</cellStyles>", f"{name}</cellStyles>"),
    ):
        styles = styles.replace(old, new)
    return styles.encode("utf-8")
