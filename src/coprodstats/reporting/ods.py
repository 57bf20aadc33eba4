"""The tables of a document as an OpenDocument spreadsheet: the same sheets as the Excel workbook's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

from coprodstats.reporting.document import Document
from coprodstats.reporting.ods_styles import Styles, common_styles, element, fonts
from coprodstats.reporting.workbook import Line, Sheet, Value
from coprodstats.reporting.workbook_layout import (
    HEAD,
    TITLE,
    checked_sheets,
    column_letters,
    row_height,
    sides,
    written,
)
from coprodstats.reporting.zip_archive import xml_text, zip_of

_MIME = "application/vnd.oasis.opendocument.spreadsheet"
_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
_SPACES: Mapping[str, str] = {
    "office": f"{_OASIS}:office:1.0",
    "table": f"{_OASIS}:table:1.0",
    "text": f"{_OASIS}:text:1.0",
    "style": f"{_OASIS}:style:1.0",
    "fo": f"{_OASIS}:xsl-fo-compatible:1.0",
    "number": f"{_OASIS}:datastyle:1.0",
    "svg": f"{_OASIS}:svg-compatible:1.0",
    "meta": f"{_OASIS}:meta:1.0",
    "manifest": f"{_OASIS}:manifest:1.0",
    "xlink": "http://www.w3.org/1999/xlink",
    "dc": "http://purl.org/dc/elements/1.1/",
}
_GAP = re.compile("^ +|(?<= ) +")


def ods_files(document: Document, stem: str, results: Mapping[str, bytes]) -> dict[str, bytes]:  # noqa: ARG001
    """Return a document's workbook by name: ``tables.ods`` of a report."""
    return {"tables.ods" if stem == "report" else f"{stem}-tables.ods": render_ods(document)}


def render_ods(document: Document) -> bytes:
    """Return the tables of a document, and the data of its figures, as an OpenDocument spreadsheet.

    It holds the sheets of the Excel workbook (`xlsx.render_xlsx`), to the same rules, in the open format that
    the UK Government Analysis Function prefers: tables are named ranges with a row of headers, titles of
    sheets have the named style of headings, and numbers are numbers whose format names the document's
    language, so that they are shown as every other format shows them. No text is a formula.

    The file has no author and no date; the same document gives the same bytes.

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
    >>> render_ods(Document(title="Demo", sections=(section,)))[30:38]
    b'mimetype'
    """
    made = checked_sheets(document)
    language, _, country = document.language_tag.partition("-")
    styles = Styles(language=language, country=country)
    tables = [_sheet(sheet, styles) for sheet in made]
    ranges = [_range(sheet) for sheet in made if sheet.table]
    body = element("office:spreadsheet", {}, *tables, element("table:database-ranges", {}, *ranges))
    content = [
        fonts(),
        element("office:automatic-styles", {}, *styles.made.values()),
        element("office:body", {}, body),
    ]
    members = {
        "mimetype": _MIME.encode("ascii"),
        "META-INF/manifest.xml": _manifest(),
        "content.xml": _root("office:document-content", *content),
        "meta.xml": _root("office:document-meta", _meta(document)),
        "styles.xml": _root("office:document-styles", *common_styles(language, country)),
    }
    return zip_of(members, first="mimetype")


def _sheet(sheet: Sheet, styles: Styles) -> str:
    letters = column_letters(sheet)
    columns = [element("table:table-column", {"table:style-name": styles.column(n)}) for n in letters]
    look = styles.text(sheet.title, "title")
    rows = [_row([_text_cell(sheet.title, look)], row_height([sheet.title], letters[:1], TITLE), styles)]
    rows += [
        _row([_line_cell(line, styles)], row_height([line.text], letters[:1]), styles) for line in sheet.lines
    ]
    if sheet.table:
        rows += _table_rows(sheet, letters, styles)
    own = {"style:name": "ta", "style:family": "table", "style:master-page-name": "Default"}
    styles.made.setdefault("ta", element("style:style", own))
    return element("table:table", {"table:name": sheet.name, "table:style-name": "ta"}, *columns, *rows)


def _table_rows(sheet: Sheet, letters: Sequence[int], styles: Styles) -> list[str]:
    where = sides(sheet)
    heads = [
        _text_cell(label, styles.text(label, "head", side))
        for label, side in zip(sheet.header, where, strict=True)
    ]
    header = _row(heads, row_height(sheet.header, letters, HEAD), styles)
    rows = [element("table:table-header-rows", {}, header)]
    for position, values in enumerate(sheet.rows):
        cells = [_value_cell(value, side, styles) for value, side in zip(values, where, strict=True)]
        if sheet.links:
            cells[-1] = _line_cell(Line(text=str(values[-1]), sheet=sheet.links[position]), styles)
        rows.append(_row(cells, row_height([written(value) for value in values], letters), styles))
    return rows


def _row(cells: Iterable[str], height: float, styles: Styles) -> str:
    return element("table:table-row", {"table:style-name": styles.row(height)}, *cells)


def _line_cell(line: Line, styles: Styles) -> str:
    if not line.sheet:
        return _text_cell(line.text, styles.text(line.text, "text"))
    target = {"xlink:type": "simple", "xlink:href": f"#{_place(line.sheet, 0, 0)}"}
    link = element("text:a", target, _words(line.text))
    return _cell("string", styles.text(line.text, "link"), link)


def _value_cell(value: Value, side: str, styles: Styles) -> str:
    if isinstance(value, str):
        return _text_cell(value, styles.text(value, "text", side))
    kind = "percentage" if value.percent else "float"
    return _cell(kind, styles.number(value), escape(value.printed), {"office:value": str(value.value)})


def _text_cell(text: str, style: str) -> str:
    return _cell("string", style, _words(text))


def _cell(kind: str, style: str, inner: str, more: Mapping[str, str] | None = None) -> str:
    attributes = {"table:style-name": style, "office:value-type": kind, **(more or {})}
    return element("table:table-cell", attributes, element("text:p", {}, inner))


def _range(sheet: Sheet) -> str:
    top = len(sheet.lines) + 1
    first = _place(sheet.name, top, 0)
    last = _place(sheet.name, top + len(sheet.rows), len(sheet.header) - 1)
    attributes = {
        "table:name": sheet.table,
        "table:target-range-address": f"{first}:{last}",
        "table:contains-header": "true",
    }
    return element("table:database-range", attributes)


def _place(sheet: str, row: int, column: int) -> str:
    """Return the address of a cell; rows and columns are counted from 0.

    Examples
    --------
    >>> _place("Table 1", 7, 27)
    "'Table 1'.AB8"
    """
    letters, left = "", column + 1
    while left:
        left, letter = divmod(left - 1, 26)
        letters = chr(ord("A") + letter) + letters
    quoted = sheet.replace("'", "''")
    return f"'{quoted}'.{letters}{row + 1}"


def _words(text: str) -> str:
    """Return text as it stands in a paragraph, where several spaces would be one."""
    marked = _GAP.sub(lambda run: "\0" * len(run.group()), xml_text(text))
    return escape(marked).replace("\0", "<text:s/>")


def _root(name: str, *inner: str) -> bytes:
    spaces = {f"xmlns:{prefix}": address for prefix, address in _SPACES.items() if prefix != "manifest"}
    whole = element(name, {**spaces, "office:version": "1.3"}, *inner)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{whole}\n'.encode()


def _manifest() -> bytes:
    entries = {"/": _MIME, "content.xml": "text/xml", "meta.xml": "text/xml", "styles.xml": "text/xml"}
    parts = [
        element("manifest:file-entry", {"manifest:full-path": path, "manifest:media-type": kind})
        for path, kind in entries.items()
    ]
    about = {"xmlns:manifest": _SPACES["manifest"], "manifest:version": "1.3"}
    whole = element("manifest:manifest", about, *parts)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{whole}\n'.encode()


def _meta(document: Document) -> str:
    values = {
        "dc:title": document.title,
        "dc:subject": document.subtitle,
        "dc:language": document.language_tag,
    }
    parts = [element(tag, {}, escape(xml_text(text))) for tag, text in values.items() if text]
    return element("office:meta", {}, *parts)
