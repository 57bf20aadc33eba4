from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, replace
from decimal import Decimal
from types import ModuleType
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprodstats.errors import ReportError
from coprodstats.reporting import document as doc
from coprodstats.reporting import format as fmt
from coprodstats.reporting.table import Cell, Column, Table
from coprodstats.reporting.theme import Theme
from coprodstats.reporting.workbook import Number, sheets, shown
from coprodstats.reporting.xlsx import render_xlsx

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
PRINTED_NUMBER = re.compile(rf"[+{fmt.MINUS}]?\d[\d,]*(?:\.\d+)?%?")
INJECTIONS = (
    '=HYPERLINK("https://example.org","here")', "＝1+1", "<script>alert(1)</script>", "{{7*7}}", r"$\int$",
    "@SUM(A1)", "+1+1", "-1+1", "\t=1+1", " =1+1", "https://example.org", "mailto:a@example.org", "_x0041_",
)  # fmt: skip


# ---- a reader of workbooks, which shows a number as its format says


@dataclass(frozen=True)
class Read:
    """A cell as a reader sees it, with what tells how it is stored."""

    text: str
    kind: str
    style: Element


@dataclass(frozen=True)
class Page:
    name: str
    root: Element
    cells: dict[str, Read]
    tables: tuple[Element, ...]

    def grid(self) -> list[list[str]]:
        """The texts of the page's table, its headers first."""
        first, last = self.tables[0].get("ref", "").split(":")
        (left, top), (right, bottom) = split(first), split(last)
        return [
            [self.cells[f"{letter(column)}{row}"].text for column in range(left, right + 1)]
            for row in range(top, bottom + 1)
        ]


def split(place: str) -> tuple[int, int]:
    match = re.fullmatch(r"([A-Z]+)(\d+)", place)
    assert match is not None
    column = 0
    for one in match[1]:
        column = column * 26 + ord(one) - 64
    return column, int(match[2])


def letter(column: int) -> str:
    return chr(64 + column) if column <= 26 else chr(64 + (column - 1) // 26) + chr(65 + (column - 1) % 26)


def displayed(value: str, code: str) -> str:
    """Show a number as a spreadsheet does; knows the few codes that this package writes."""
    number = Decimal(repr(float(value)))
    parts = code.split(";")
    assert len(parts) in (2, 3)
    chosen = parts[1] if number < 0 else parts[2] if number == 0 and len(parts) == 3 else parts[0]
    match = re.fullmatch(r'(\+|"−")?(#,##)?0(?:\.(0+))?(%)?', chosen)
    assert match is not None
    sign, grouped, decimals, percent = match.groups()
    scaled = abs(number) * (100 if percent else 1)
    digits = f"{scaled:{',' if grouped else ''}.{len(decimals or '')}f}"
    return f"{(sign or '').strip(chr(34))}{digits}{percent or ''}"


def unescaped(text: str) -> str:
    """Read a text as a spreadsheet does, to which ``_x0041_`` is an A unless its first sign is escaped."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def read(data: bytes) -> list[Page]:
    parts = {
        name: fromstring(content)  # noqa: S314  (this test had it written)
        for name, content in members(data).items()
    }
    strings = [
        unescaped("".join(t.text or "" for t in one.iter(f"{MAIN}t")))
        for one in parts["xl/sharedStrings.xml"]
    ]
    styles = next(parts["xl/styles.xml"].iter(f"{MAIN}cellXfs"))
    codes = {
        one.get("numFmtId"): one.get("formatCode", "") for one in parts["xl/styles.xml"].iter(f"{MAIN}numFmt")
    }
    pages = []
    names = [sheet.get("name", "") for sheet in parts["xl/workbook.xml"].iter(f"{MAIN}sheet")]
    for number, name in enumerate(names, start=1):
        root = parts[f"xl/worksheets/sheet{number}.xml"]
        cells = {}
        for cell in root.iter(f"{MAIN}c"):
            style = styles[int(cell.get("s", "0"))]
            value = cell.findtext(f"{MAIN}v", "")
            kind = cell.get("t", "n")
            text = strings[int(value)] if kind == "s" else displayed(value, codes[style.get("numFmtId")])
            cells[cell.get("r", "")] = Read(text=text, kind=kind, style=style)
        links = parts.get(f"xl/worksheets/_rels/sheet{number}.xml.rels")
        targets = [] if links is None else [link.get("Target", "") for link in links]
        tables = tuple(parts[target.replace("..", "xl")] for target in targets)
        pages.append(Page(name=name, root=root, cells=cells, tables=tables))
    return pages


# ---- documents


@pytest.fixture(scope="module")
def document(demo: ModuleType) -> doc.Document:
    made: doc.Document = demo.document()
    return made


@pytest.fixture(scope="module")
def book(document: doc.Document) -> bytes:
    return render_xlsx(document)


@pytest.fixture(scope="module")
def pages(book: bytes) -> list[Page]:
    return read(book)


def small(*tables: Table, banner: str = "") -> doc.Document:
    blocks = tuple(doc.TableBlock(table=table) for table in tables)
    return doc.Document(
        title="Title", sections=(doc.Section(key="s", heading="S", blocks=blocks),), banner=banner
    )


def table(columns: list[Column], rows: list[list[str]], **more: Any) -> Table:
    cells = tuple(tuple(Cell(value=text, text=text) for text in row) for row in rows)
    words = {"key": "one", "title": "One", "n": "12", "source": "Invented"} | more
    return Table(columns=tuple(columns), rows=cells, **words)


ROW = Column(key="row", label="Row")


# ---- the checklist of the UK Government Analysis Function, point by point


def test_tables_are_marked_up_and_have_names_that_mean_something(pages: list[Page]) -> None:
    names = [page.tables[0].get("displayName", "") for page in pages[1:]]
    assert [len(page.tables) for page in pages] == [0] + [1] * (len(pages) - 1)  # the cover has none
    assert len(set(names)) == len(names)
    assert names[:4] == ["Contents", "Notes", "Table_1_hostile_table", "Figure_1_forest_data"]
    for name in names:
        assert re.fullmatch(r"[A-Za-z_]\w{0,254}", name)
        assert not re.fullmatch(r"(?i)[a-z]{1,3}\d+|r\d*c\d*", name)  # what reads as the address of a cell


def test_no_cell_is_merged_and_no_row_or_column_is_hidden(pages: list[Page]) -> None:
    for page in pages:
        assert not list(page.root.iter(f"{MAIN}mergeCell"))
        assert not [e for tag in ("row", "col") for e in page.root.iter(f"{MAIN}{tag}") if e.get("hidden")]


def test_no_cell_of_a_table_is_empty(pages: list[Page]) -> None:
    for page in pages[1:]:
        assert all(text.strip() for row in page.grid() for text in row)


def test_tables_have_one_row_of_different_headers_that_are_its_column_names(pages: list[Page]) -> None:
    for page in pages[1:]:
        (marked,) = page.tables
        assert marked.get("headerRowCount", "1") == "1"
        names = [column.get("name", "") for column in marked.iter(f"{MAIN}tableColumn")]
        assert names == page.grid()[0]
        assert len({name.casefold() for name in names}) == len(names)


def test_all_text_is_wrapped(pages: list[Page]) -> None:
    for page in pages:
        for cell in page.cells.values():
            alignment = cell.style.find(f"{MAIN}alignment")
            assert alignment is not None
            assert alignment.get("wrapText") == "1"


def test_no_filters_no_frozen_panes_no_page_headers(pages: list[Page]) -> None:
    for page in pages:
        roots = (page.root, *page.tables)
        tags = {element.tag.removeprefix(MAIN) for root in roots for element in root.iter()}
        assert not tags & {"autoFilter", "pane", "headerFooter", "drawing", "legacyDrawing"}


def test_no_fills(book: bytes) -> None:
    styles = fromstring(members(book)["xl/styles.xml"])  # noqa: S314
    assert {one.get("patternType") for one in styles.iter(f"{MAIN}patternFill")} == {"none", "gray125"}


def test_every_sheet_has_a_title_in_its_first_cell_that_is_tagged_as_a_heading(
    pages: list[Page], book: bytes
) -> None:
    styles = fromstring(members(book)["xl/styles.xml"])  # noqa: S314
    (heading,) = [one for one in styles.iter(f"{MAIN}cellStyle") if one.get("name") == "Heading 1"]
    assert heading.get("builtinId") == "16"
    bases = next(styles.iter(f"{MAIN}cellStyleXfs"))
    assert int(heading.get("xfId", "")) < len(bases) == int(bases.get("count", ""))
    for page in pages:
        assert page.cells["A1"].text.strip()
        assert page.cells["A1"].style.get("xfId") == heading.get("xfId")
        others = [cell for place, cell in page.cells.items() if place != "A1"]
        assert not [cell for cell in others if cell.style.get("xfId") == heading.get("xfId")]


def test_sheets_stand_in_order_under_different_names(pages: list[Page], document: doc.Document) -> None:
    names = [page.name for page in pages]
    assert names == ["Cover", "Contents", "Notes", *document.numbers().values()]
    assert all(len(name) <= 31 for name in names)


def test_tables_begin_in_column_a_below_all_else(pages: list[Page]) -> None:
    for page in pages[1:]:
        first, last = page.tables[0].get("ref", "").split(":")
        assert first.startswith("A")
        bottom = split(last)[1]
        assert all(split(place)[1] <= bottom for place in page.cells)
        top = split(first)[1]
        above = {split(place)[1] for place in page.cells if split(place)[1] < top}
        assert above == set(range(1, top))  # no empty row above, and nothing beside it
        assert all(place.startswith("A") for place in page.cells if split(place)[1] < top)


def test_columns_are_wide_enough_to_read(pages: list[Page]) -> None:
    for page in pages:
        widths = [float(column.get("width", "0")) for column in page.root.iter(f"{MAIN}col")]
        assert widths
        assert all(12 <= width <= 92 for width in widths)


def test_the_first_cell_of_the_first_sheet_is_where_the_reader_begins(pages: list[Page], book: bytes) -> None:
    assert b"activeTab" not in members(book)["xl/workbook.xml"]
    assert not [s for page in pages for s in page.root.iter(f"{MAIN}selection")]


def test_shorthand_is_explained_where_it_stands(pages: list[Page]) -> None:
    told = {page.name: [cell.text for cell in page.cells.values()] for page in pages}
    assert "Shorthand: [x]: not available." in told["Table 1"]
    assert not [text for text in told["Figure 2"] if text.startswith("Shorthand")]
    assert "Shorthand in the tables: [x]: not available." in told["Cover"]


def test_notes_are_numbered_and_explained_on_their_own_sheet() -> None:
    columns, rows = [ROW], [["a"]]
    both = small(
        table(columns, rows, notes=("First.", "Second.")), table(columns, rows, key="two", notes=("Second.",))
    )
    notes, one, two = read(render_xlsx(both))[2:]
    assert notes.grid() == [
        ["Note number", "Note text", "Worksheets"],
        ["note 1", "First.", "Table 1"],
        ["note 2", "Second.", "Table 1, Table 2"],
    ]
    assert one.cells["A1"].text == "Table 1: One [note 1] [note 2]"
    assert two.cells["A1"].text == "Table 2: One [note 2]"


def test_contents_lead_to_every_sheet(pages: list[Page]) -> None:
    contents = pages[1]
    rows = contents.grid()[1:]
    assert [row[0] for row in rows] == [page.name for page in pages[2:]]
    links = {link.get("ref"): link.get("location") for link in contents.root.iter(f"{MAIN}hyperlink")}
    top = split(contents.tables[0].get("ref", "").split(":")[0])[1]
    for position, row in enumerate(rows, start=top + 1):
        assert links[f"B{position}"] == f"'{row[0]}'!A1"


def test_a_warning_about_the_data_stands_on_every_sheet() -> None:
    data = small(table([ROW], [["a"]]), table([ROW], [["a"]], key="two"), banner="These data are synthetic.")
    for page in read(render_xlsx(data)):
        if page.name != "Contents":
            assert "These data are synthetic." in [cell.text for cell in page.cells.values()]


def test_the_cover_names_the_organisation() -> None:
    data = replace(small(table([ROW], [["a"]])), theme=Theme(organisation="Ministry of Tests"))
    cover, *others = read(render_xlsx(data))
    assert "Ministry of Tests" in [cell.text for cell in cover.cells.values()]
    assert not [page for page in others if "Ministry of Tests" in [c.text for c in page.cells.values()]]


# ---- numbers


@given(
    st.floats(-1e7, 1e7, allow_nan=False),
    st.integers(0, 4),
    st.sampled_from(["number", "percent", "points", "odds_ratio"]),
)
def test_any_number_is_shown_as_it_is_printed(value: float, digits: int, role: Any) -> None:
    text = Column(key="a", label="A", role=role, digits=digits).text(value)
    read_back = shown(text)
    if isinstance(read_back, Number):
        assert displayed(repr(float(read_back.value)), read_back.code) == text
    else:
        assert text.startswith("<") or "∞" in text


def test_an_estimate_and_its_limits_stand_in_three_columns() -> None:
    column = Column(key="v", label="Share (95% interval)", role="percent", low="l", high="h")
    page = read(
        render_xlsx(small(table([ROW, column], [["a", "46% (41% to 50%)"], ["b", "[c]"], ["c", "5%"]])))
    )[-1]
    assert page.grid() == [
        ["Row", "Share", "Share, lower limit of the 95% interval", "Share, upper limit of the 95% interval"],
        ["a", "46%", "41%", "50%"],
        ["b", "[c]", "[c]", "[c]"],
        ["c", "5%", "[x]", "[x]"],
    ]


def test_an_interval_alone_stands_in_two_columns() -> None:
    column = Column(key="v", label="Range", role="points", low="l", high="h", show="interval")
    page = read(render_xlsx(small(table([ROW, column], [["a", "−3.3 to +2.3"]]))))[-1]
    assert page.grid() == [["Row", "Range, lower limit", "Range, upper limit"], ["a", "−3.3", "+2.3"]]


def test_intervals_that_a_table_holds_as_text_are_numbers_too() -> None:
    columns = [ROW, Column(key="v", label="Share or mean"), Column(key="w", label="In words")]
    rows = [["a", "46% (41% to 50%)", "5 (about)"], ["b", "45.5 (44.6 to 46.4)", "6"]]
    page = read(render_xlsx(small(table(columns, rows))))[-1]
    assert page.grid()[2] == ["b", "45.5", "44.6", "46.4", "6"]
    assert [page.cells[f"{column}7"].kind for column in "ABCDE"] == ["s", "n", "n", "n", "s"]


def test_what_is_no_number_stays_as_it_is() -> None:
    column = Column(key="p", label="p", role="p_value")
    page = read(render_xlsx(small(table([ROW, column], [["a", "<0.001"], ["b", "0.031"], ["c", ""]]))))[-1]
    assert [row[1] for row in page.grid()] == ["p", "<0.001", "0.031", "[z]"]
    assert "Shorthand: [z]: not applicable." in [cell.text for cell in page.cells.values()]


def test_groups_become_a_column_and_no_label_occurs_twice() -> None:
    columns = [Column(key="a", label="Group"), Column(key="b", label="group")]
    page = read(render_xlsx(small(table(columns, [["x", "y"], ["z", "w"]], groups=("One", "Two")))))[-1]
    assert page.grid() == [["Group", "Group (2)", "group (3)"], ["One", "x", "y"], ["Two", "z", "w"]]


# ---- text


@pytest.fixture(scope="module")
def hostile() -> bytes:
    columns = [Column(key=str(i), label=text) for i, text in enumerate(INJECTIONS)]
    made = table(
        columns,
        [list(INJECTIONS)],
        title=INJECTIONS[0],
        source=INJECTIONS[5],
        notes=INJECTIONS,
        groups=("=1+1",),
    )
    return render_xlsx(small(made, banner=INJECTIONS[0]))


def test_no_text_becomes_a_formula_or_an_address(hostile: bytes) -> None:
    for name, content in members(hostile).items():
        assert not re.search(rb"<f[ >/]|<calculatedColumnFormula|<definedName|TargetMode", content), name
        assert not re.search(r"externalLink|vba|macro|embeddings|connections|customXml", name)
    for page in read(hostile):
        assert all(link.get(RELATED) is None for link in page.root.iter(f"{MAIN}hyperlink"))


def test_hostile_texts_come_out_as_text_and_stay_text_when_edited(hostile: bytes) -> None:
    page = read(hostile)[-1]
    header, row = page.grid()
    assert row[1:] == [text.replace("\t", " ") for text in INJECTIONS]
    assert len(header) == len(row)
    marked = {c.text for c in page.cells.values() if c.style.get("quotePrefix") == "1" and c.kind == "s"}
    plain = {c.text for c in page.cells.values() if c.style.get("quotePrefix") != "1" and c.kind == "s"}
    assert {
        '=HYPERLINK("https://example.org","here")',
        "＝1+1",
        "@SUM(A1)",
        "+1+1",
        "-1+1",
        " =1+1",
    } <= marked
    assert not [text for text in plain if text.lstrip().startswith(("=", "+", "-", "@", "＝"))]


def test_letters_that_xml_cannot_hold_are_replaced() -> None:
    page = read(render_xlsx(small(table([ROW], [["a\x00b\nc"]]))))[-1]
    assert page.grid()[1] == ["a\N{REPLACEMENT CHARACTER}b c"]


def test_a_text_too_long_for_a_cell_is_refused() -> None:
    with pytest.raises(ReportError, match=r"worksheet 'Table 1': a text is longer than the 32767 letters"):
        render_xlsx(small(table([ROW], [["a" * 32_768]])))


def test_a_document_without_tables_has_no_workbook() -> None:
    section = doc.Section(key="s", heading="S", blocks=(doc.Paragraph(text="Text."),))
    with pytest.raises(ReportError, match="the document has no table and no figure"):
        render_xlsx(doc.Document(title="Title", sections=(section,)))


# ---- the file


def test_the_same_document_gives_the_same_bytes(document: doc.Document, book: bytes) -> None:
    assert render_xlsx(document) == book
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_properties_are_title_subject_and_language_alone(book: bytes, document: doc.Document) -> None:
    root = fromstring(members(book)["docProps/core.xml"])  # noqa: S314
    found = {child.tag.rpartition("}")[2]: child.text for child in root}
    assert found == {"title": document.title, "subject": document.subtitle, "language": "en-GB"}


def test_sheets_hold_what_the_document_holds(document: doc.Document) -> None:
    made = {sheet.name: sheet for sheet in sheets(document)}
    for number, data in zip(document.numbers().values(), document.tables(), strict=False):
        assert len(made[number].rows) == len(data.rows)
