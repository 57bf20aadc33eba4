"""The open workbook: the rules of the Analysis Function, and LibreOffice shows what is printed."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from xml.etree.ElementTree import Element, fromstring

import pytest

from coprodstats.errors import ReportError
from coprodstats.reporting import document as doc
from coprodstats.reporting.language import speaking
from coprodstats.reporting.ods import render_ods
from coprodstats.reporting.table import Cell, Column, Table
from coprodstats.reporting.workbook import Number, sheets
from coprodstats.reporting.xlsx import render_xlsx

OASIS = "{urn:oasis:names:tc:opendocument:xmlns:"
TABLE, TEXT, STYLE, OFFICE, FO = (
    f"{OASIS}{name}:1.0}}" for name in ("table", "text", "style", "office", "xsl-fo-compatible")
)
# Every sheet as a file of its own, with cells as they are shown.
AS_SHOWN = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,true,false,false,-1"


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def content(data: bytes, name: str = "content.xml") -> Element:
    return fromstring(members(data)[name])  # noqa: S314  (this package wrote it)


def rows_of(page: Element) -> Iterator[list[Element]]:
    for row in page.iter(f"{TABLE}table-row"):
        yield list(row.iter(f"{TABLE}table-cell"))


def text_of(cell: Element) -> str:
    """Return a cell's text; an element stands for each space that XML would drop."""
    paragraph = cell.find(f"{TEXT}p")
    assert paragraph is not None
    out = ""
    for element in paragraph.iter():
        out += " " if element.tag == f"{TEXT}s" else element.text or ""
        out += element.tail or "" if element is not paragraph else ""
    return out


@pytest.fixture(scope="module")
def document(demo_document: doc.Document) -> doc.Document:
    return demo_document


@pytest.fixture(scope="module")
def book(document: doc.Document) -> bytes:
    return render_ods(document)


@pytest.fixture(scope="module")
def pages(book: bytes) -> dict[str, Element]:
    return {page.get(f"{TABLE}name", ""): page for page in content(book).iter(f"{TABLE}table")}


def small(*rows: list[str], columns: list[Column], banner: str = "") -> doc.Document:
    cells = tuple(tuple(Cell(value=text, text=text) for text in row) for row in rows)
    table = Table(key="one", title="One", n="12", source="Invented", columns=tuple(columns), rows=cells)
    section = doc.Section(key="s", heading="S", blocks=(doc.TableBlock(table=table),))
    return doc.Document(title="Title", sections=(section,), banner=banner)


# ---- the checklist of the UK Government Analysis Function, point by point


def test_it_holds_the_sheets_of_the_excel_workbook(
    pages: dict[str, Element], document: doc.Document, office: ModuleType
) -> None:
    assert list(pages) == list(office.workbook(render_xlsx(document)))
    assert list(pages) == ["Cover", "Contents", "Notes", *document.numbers().values()]


def test_another_program_reads_the_same_cells_from_both_workbooks(
    book: bytes, document: doc.Document, office: ModuleType
) -> None:
    assert office.workbook(book) == office.workbook(render_xlsx(document))


def test_tables_are_named_ranges_with_a_header_below_all_else(
    book: bytes, pages: dict[str, Element], document: doc.Document
) -> None:
    named = list(content(book).iter(f"{TABLE}database-range"))
    assert len(named) == len(pages) - 1  # the cover has none
    names = [one.get(f"{TABLE}name", "") for one in named]
    assert names[:4] == ["Contents", "Notes", "Table_1_hostile_table", "Figure_1_forest_data"]
    assert len(set(names)) == len(names)
    made = [sheet for sheet in sheets(document) if sheet.table]
    for one, (name, page), sheet in zip(named, list(pages.items())[1:], made, strict=True):
        assert one.get(f"{TABLE}contains-header") == "true"
        address = re.fullmatch(
            r"'(.+)'\.A(\d+):'(.+)'\.([A-Z]+)(\d+)", one.get(f"{TABLE}target-range-address", "")
        )
        assert address is not None
        assert address[1] == address[3] == name
        rows = list(rows_of(page))
        top, bottom = int(address[2]), int(address[5])
        assert bottom == len(rows)
        assert [text_of(cell) for cell in rows[top - 1]] == list(sheet.header)
        assert {len(row) for row in rows[: top - 1]} == {1}
        assert {len(row) for row in rows[top - 1 :]} == {ord(address[4]) - ord("A") + 1}
        heads = list(page.iter(f"{TABLE}table-header-rows"))
        assert [[text_of(c) for c in row] for row in rows_of(heads[0])] == [list(sheet.header)]


def test_no_cell_is_empty_merged_or_hidden(pages: dict[str, Element]) -> None:
    for page in pages.values():
        assert all(text_of(cell).strip() for row in rows_of(page) for cell in row)
        for element in page.iter():
            assert not any("spanned" in name or "repeated" in name for name in element.attrib)
            assert element.get(f"{TABLE}visibility", "visible") == "visible"
            assert element.tag != f"{TABLE}covered-table-cell"


def test_every_sheet_has_a_title_in_its_first_cell_that_is_a_heading(
    book: bytes, pages: dict[str, Element]
) -> None:
    parents = {
        s.get(f"{STYLE}name"): s.get(f"{STYLE}parent-style-name") for s in content(book).iter(f"{STYLE}style")
    }
    named = {
        s.get(f"{STYLE}name"): s.get(f"{STYLE}display-name")
        for s in content(book, "styles.xml").iter(f"{STYLE}style")
    }
    for page in pages.values():
        first, *others = [cell for row in rows_of(page) for cell in row]
        assert named[parents[first.get(f"{TABLE}style-name")]] == "Heading 1"
        assert all(named[parents[cell.get(f"{TABLE}style-name")]] != "Heading 1" for cell in others)


def test_all_text_is_wrapped_and_nothing_is_coloured_behind(book: bytes) -> None:
    styles = content(book, "styles.xml")
    [base] = [s for s in styles.iter(f"{STYLE}style") if s.get(f"{STYLE}name") == "Default"]
    assert [p.get(f"{FO}wrap-option") for p in base.iter(f"{STYLE}table-cell-properties")] == ["wrap"]
    for root in (styles, content(book)):
        assert not [e for e in root.iter() if e.get(f"{FO}background-color")]


def test_contents_lead_to_every_sheet(pages: dict[str, Element]) -> None:
    links = [a.get("{http://www.w3.org/1999/xlink}href") for a in pages["Contents"].iter(f"{TEXT}a")]
    assert links == [f"#'{name}'.A1" for name in list(pages)[2:]]


# ---- text and file


def test_no_text_is_a_formula_and_none_becomes_one_when_edited(demo: ModuleType) -> None:
    columns = [Column(key=str(i), label=text) for i, text in enumerate(demo.HOSTILE)]
    data = render_ods(small(list(demo.HOSTILE), columns=columns, banner="=1+1"))
    root = content(data)
    assert not [e for e in root.iter() if e.get(f"{TABLE}formula") is not None]
    as_text = {
        s.get(f"{STYLE}name")
        for s in root.iter(f"{STYLE}style")
        if s.get(f"{STYLE}data-style-name") == "as_text"
    }
    cells = [cell for page in root.iter(f"{TABLE}table") for row in rows_of(page) for cell in row]
    starts = [cell for cell in cells if text_of(cell).startswith("=")]
    assert len(starts) == 4  # the banner on the cover and above the table, a header, a cell
    assert all(cell.get(f"{TABLE}style-name") in as_text for cell in starts)


def test_spaces_and_signs_come_out_as_they_are(office: ModuleType) -> None:
    text = "  two  spaces & <tags> "
    data = render_ods(small([text], columns=[Column(key="a", label="A")]))
    assert office.workbook(data)["Table 1"][-1] == [text]


def test_the_same_document_gives_the_same_bytes_led_by_its_type(document: doc.Document, book: bytes) -> None:
    assert render_ods(document) == book
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        infos = archive.infolist()
    assert infos[0].filename == "mimetype"
    assert {(info.compress_type, info.date_time) for info in infos} == {(0, (1980, 1, 1, 0, 0, 0))}


def test_the_properties_are_title_subject_and_language_alone(book: bytes, document: doc.Document) -> None:
    [meta] = content(book, "meta.xml")
    found = {child.tag.rpartition("}")[2]: child.text for child in meta}
    assert found == {"title": document.title, "subject": document.subtitle, "language": "en-GB"}


def test_a_document_without_tables_has_no_workbook() -> None:
    section = doc.Section(key="s", heading="S", blocks=(doc.Paragraph(text="Text."),))
    with pytest.raises(ReportError, match="the document has no table and no figure"):
        render_ods(doc.Document(title="Title", sections=(section,)))


# ---- what LibreOffice shows


def french(document: doc.Document) -> doc.Document:
    rows = [["a", "−1\u202f234,50", "+2,1", "46\u202f% (41\u202f% à 50\u202f%)", "<0,001"]]
    rows.append(["b", "0,00", "−0,3", "5,25\u202f% (1,00\u202f% à 9,00\u202f%)", "[x]"])
    labels = ("Ligne", "Nombre", "Points", "Part (intervalle à 95\u202f%)", "p")
    roles = ("text", "number", "points", "percent", "p_value")
    columns = [
        Column(key=label, label=label, role=role, **({"low": "l", "high": "h"} if role == "percent" else {}))
        for label, role in zip(labels, roles, strict=True)
    ]
    with speaking("fr"):
        return small(*rows, columns=columns, banner=document.banner)


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_shows_each_number_as_it_is_printed(
    book: bytes, document: doc.Document, tmp_path: Path
) -> None:
    other = french(document)
    with speaking("fr"):
        (tmp_path / "fr.ods").write_bytes(render_ods(other))
    (tmp_path / "en.ods").write_bytes(book)
    (tmp_path / "xl.xlsx").write_bytes(render_xlsx(document))
    command = [
        "soffice",
        "--headless",
        f"-env:UserInstallation=file://{tmp_path}/office",
        "--convert-to",
        AS_SHOWN,
    ]
    names = ["en.ods", "fr.ods", "xl.xlsx"]
    subprocess.run([*command, *names], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    for stem, shown, language in (("en", document, "en"), ("xl", document, "en"), ("fr", other, "fr")):
        with speaking(language):
            made = sheets(shown)
        for sheet in made:
            with (tmp_path / f"{stem}-{sheet.name}.csv").open(encoding="utf-8", newline="") as file:
                # LibreOffice 7 sets thousands apart by the wider of two spaces that do not break.
                lines = [[cell.replace("\xa0", "\u202f") for cell in row] for row in csv.reader(file)]
            found = [[cell for cell in line if cell] for line in lines]
            rows = [[v.printed if isinstance(v, Number) else v for v in row] for row in sheet.rows]
            assert found[len(found) - len(rows) :] == rows, f"{stem}: {sheet.name}"
            assert found[0] == [sheet.title]
