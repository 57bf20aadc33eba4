"""Every number reads the same in every format and language: tables are taken out of each and compared."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from coprodstats.reporting.document import BulletList, Document, Section, TableBlock
from coprodstats.reporting.formats import FORMATS, render_formats
from coprodstats.reporting.language import speaking
from coprodstats.reporting.span import strong
from coprodstats.reporting.table import Column, Table

Texts = list[list[str]]
WHOLE = ("html", "md", "pdf", "docx")
"""Formats that hold every table of a report, those behind its figures included, as texts."""
WORKBOOKS = ("xlsx", "ods")
LANGUAGES = ("en", "fr")


def texts_of(name: str, files: Mapping[str, bytes], read_back: ModuleType, office: ModuleType) -> list[Texts]:
    data = files[f"report.{name}"]
    return office.docx_tables(data) if name == "docx" else getattr(read_back, f"{TITLES[name]}_tables")(data)


TITLES = {"html": "html", "md": "markdown", "pdf": "pdf"}


def as_read(tables: list[Texts], name: str) -> list[Texts]:
    """Return tables as the reader of a format can tell them: a PDF's fonts have no narrow space."""
    if name != "pdf":
        return tables
    return [[[text.replace("\u202f", " ") for text in row] for row in table] for table in tables]


def same(found: list[Texts], expected: list[Texts], name: str) -> bool:
    # Some formats set the numbers of the figures behind everything else.
    return sorted(as_read(found, name)) == sorted(as_read(expected, name))


@pytest.fixture(scope="module", params=LANGUAGES)
def document(request: pytest.FixtureRequest, demo: ModuleType) -> Document:
    with speaking(request.param):
        made: Document = demo.document()
    return made


@pytest.fixture(scope="module")
def files(document: Document) -> dict[str, bytes]:
    return render_formats(document, [*WHOLE, *WORKBOOKS, "tex"], results={})


@pytest.mark.parametrize("name", WHOLE)
def test_every_table_reads_as_in_the_document(
    name: str, files: dict[str, bytes], document: Document, read_back: ModuleType, office: ModuleType
) -> None:
    found = texts_of(name, files, read_back, office)
    assert same(found, read_back.all_printed(document), name)


def test_latex_tables_read_as_in_the_document(
    files: dict[str, bytes], document: Document, read_back: ModuleType, office: ModuleType
) -> None:
    for table in document.tables():
        found = office.latex_table(files[f"tables/{table.key}.tex"].decode())
        assert found == read_back.printed(table)


@pytest.mark.parametrize("name", WORKBOOKS)
def test_every_number_is_a_number_in_the_workbooks(
    name: str, files: dict[str, bytes], document: Document, office: ModuleType
) -> None:
    sheets = office.workbook(files[f"tables.{name}"])
    figures = {figure.key: figure.table for figure in document.figures()}
    shown = {table.key: table for table in document.tables()} | figures
    for key, number in document.numbers().items():
        found = [office.numbers_in(row, document.language) for row in office.table_of(sheets[number])[1:]]
        assert found == expected_numbers(shown[key], document.language, office), number


def expected_numbers(table: Table, language: str, office: ModuleType) -> list[list[float]]:
    return [
        office.numbers_in([heading, *(cell.text for cell in row)], language)
        for heading, rows in table.blocks
        for row in rows
    ]


# Estimates, intervals, counts, shares and p values of every size and sign, and what stands for none.
VALUES = st.one_of(
    st.none(),
    st.floats(-1e6, 1e6, allow_nan=False),
    st.floats(-1e-3, 1e-3, allow_nan=False),
)


def table_of_any(rows: list[tuple[float | None, ...]]) -> Table:
    frame = pd.DataFrame(rows, columns=["a", "b", "c", "d"], dtype=float)
    frame["odds_ratio"] = frame["d"].clip(-5, 5)
    frame["p_value"] = frame["c"].abs().clip(0, 1)
    frame.insert(0, "row", [f"row {i}" for i in range(len(frame))])
    columns = [
        Column(key="row", label="Row"),
        Column(key="a", label="Number", role="number", low="b", high="c"),
        Column(key="b", label="Percent", role="percent", digits=1),
        Column(key="c", label="Points", role="points"),
        Column(key="odds_ratio", label="Odds ratio", role="odds_ratio"),
        Column(key="p_value", label="p", role="p_value"),
    ]
    return Table.from_frame(frame, columns, key="any", title="Any", n="some", source="Invented")


# A failing example is small enough as it comes; making it smaller would render thousands of documents.
@settings(max_examples=6, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.tuples(*[VALUES] * 4), min_size=1, max_size=6),
    language=st.sampled_from(LANGUAGES),
)
def test_any_number_reads_the_same(
    rows: list[tuple[float | None, ...]], language: str, read_back: ModuleType, office: ModuleType
) -> None:
    with speaking(language):
        table = table_of_any(rows)
        section = Section(key="section", heading="Section", blocks=(TableBlock(table=table),))
        document = Document(title="Numbers", sections=(section,))
    made = render_formats(document, [*WHOLE, *WORKBOOKS, "tex"], results={})
    printed = [read_back.printed(table)]
    for name in WHOLE:
        assert same(texts_of(name, made, read_back, office), printed, name), name
    assert [office.latex_table(made["tables/any.tex"].decode())] == printed
    for name in WORKBOOKS:
        rows_found = office.table_of(office.workbook(made[f"tables.{name}"])[document.numbers()["any"]])[1:]
        found = [office.numbers_in(row, language) for row in rows_found]
        # An estimate that is missing has no limits either: the workbook has room for them all the same.
        assert found == expected_numbers(table, language, office), name


def briefing(language: str) -> Document:
    with speaking(language):
        table = table_of_any([(0.25, 0.125, 1234.5, 0.5), (-0.5, 0.0, 2.0, -1.0)])
        found: tuple[Any, ...] = ((strong("One goes with 12,5."), " More: −3.4."), "Of 1,234 people, 56% do.")
        return Document(
            title="A briefing",
            sections=(
                Section(key="found", heading="Found", blocks=(BulletList(items=found),)),
                Section(key="table", heading="Table", blocks=(TableBlock(table=table),)),
            ),
            kind="briefing",
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_headlines_and_the_table_of_a_briefing_read_the_same_in_every_format(
    language: str, read_back: ModuleType, office: ModuleType
) -> None:
    document = briefing(language)
    made = render_formats(document, [*WHOLE, "pptx"], results={})
    assert set(made) == {*(f"briefing.{name}" for name in WHOLE), "slides.pptx"}
    printed = [read_back.printed(table) for table in document.tables()]
    renamed = {name.replace("briefing", "report"): data for name, data in made.items()}
    for name in WHOLE:
        assert same(texts_of(name, renamed, read_back, office), printed, name), name
    assert office.pptx_tables(made["slides.pptx"]) == printed
    headlines = ["One goes with 12,5. More: −3.4.", "Of 1,234 people, 56% do."]
    assert set(headlines) <= set(office.docx_paragraphs(made["briefing.docx"]))
    assert set(headlines) <= {
        text for slide in office.slides(made["slides.pptx"]) for text in office.slide_texts(slide)
    }


def test_every_format_that_shows_tables_is_read_back() -> None:
    assert {*WHOLE, *WORKBOOKS, "tex", "pptx"} == set(FORMATS)
