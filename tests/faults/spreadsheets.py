"""Small workbooks written by hand, so that a test can put anything into them that a program might."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
# Number formats 14 and 22 are a date and a date with a time.
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3">'
    '<xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="22" applyNumberFormat="1"/>'
    "</cellXfs></styleSheet>"
)
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns"


def letters(column: int) -> str:
    """Return a spreadsheet's name of a column, counted from 0."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def cell(content: object, place: str) -> str:
    """Return a cell; a text that begins with ``<`` is XML already."""
    if content is None:
        return ""
    if isinstance(content, str) and content.startswith("<c"):
        return content.replace("<c", f'<c r="{place}"', 1)
    if isinstance(content, bool):
        return f'<c r="{place}" t="b"><v>{int(content)}</v></c>'
    if isinstance(content, (int, float)):
        return f'<c r="{place}"><v>{content!r}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(str(content))}</t></is></c>'


def day(serial: float) -> str:
    """Return a cell with a date."""
    return f'<c s="1"><v>{serial}</v></c>'


def sheet_xml(rows: Sequence[Sequence[object]], merged: Sequence[str] = ()) -> str:
    lines = [
        f'<row r="{number}">'
        + "".join(cell(content, f"{letters(place)}{number}") for place, content in enumerate(row))
        + "</row>"
        for number, row in enumerate(rows, start=1)
    ]
    areas = "".join(f'<mergeCell ref="{area}"/>' for area in merged)
    after = f'<mergeCells count="{len(merged)}">{areas}</mergeCells>' if merged else ""
    return f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData>{after}</worksheet>'


def xlsx(
    rows: Sequence[Sequence[object]],
    *,
    merged: Sequence[str] = (),
    date1904: bool = False,
    more: Mapping[str, Sequence[Sequence[object]]] | None = None,
    parts: Mapping[str, str] | None = None,
) -> bytes:
    """Return a workbook; ``more`` are further sheets by name, ``parts`` replaces or adds parts."""
    sheets = {"data": sheet_xml(rows, merged)} | {name: sheet_xml(one) for name, one in (more or {}).items()}
    listed = "".join(
        f'<sheet name="{name}" sheetId="{i}" r:id="rId{i}"/>' for i, name in enumerate(sheets, start=1)
    )
    links = "".join(
        f'<Relationship Id="rId{i}" Type="{_LINKS}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    setting = '<workbookPr date1904="1"/>' if date1904 else ""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{kind}.worksheet+xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    content = {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        f'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main'
        f'+xml"/><Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>{types}</Types>',
        "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}">{setting}<sheets>{listed}'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}'
        f'<Relationship Id="rId99" Type="{_LINKS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
        **{f"xl/worksheets/sheet{i}.xml": text for i, text in enumerate(sheets.values(), start=1)},
        **(parts or {}),
    }
    return package(content)


def ods(rows: Sequence[Sequence[object]]) -> bytes:
    """Return an OpenDocument spreadsheet with one sheet."""

    def one(content: object) -> str:
        if content is None:
            return "<table:table-cell/>"
        if isinstance(content, str) and content.startswith("<table:"):
            return content
        if isinstance(content, (int, float)):
            return (
                f'<table:table-cell office:value-type="float" office:value="{content!r}"><text:p>{content!r}'
                "</text:p></table:table-cell>"
            )
        words = f"<text:p>{escape(str(content))}</text:p>"
        return f'<table:table-cell office:value-type="string">{words}</table:table-cell>'

    lines = "".join(f"<table:table-row>{''.join(map(one, row))}</table:table-row>" for row in rows)
    text = (
        f'{_HEAD}<office:document-content xmlns:office="{_OFFICE}:office:1.0" '
        f'xmlns:table="{_OFFICE}:table:1.0" xmlns:text="{_OFFICE}:text:1.0" '
        f'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:'
        f'xmlns:calcext:1.0" office:version="1.2"><office:body><office:spreadsheet><table:table '
        f'table:name="data">{lines}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    manifest = (
        f'{_HEAD}<manifest:manifest xmlns:manifest="{_OFFICE}:manifest:1.0"><manifest:file-entry '
        'manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
        "</manifest:manifest>"
    )
    return package(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": text,
            "META-INF/manifest.xml": manifest,
        }
    )


def package(parts: Mapping[str, str | bytes]) -> bytes:
    """Return a zip archive of texts."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
