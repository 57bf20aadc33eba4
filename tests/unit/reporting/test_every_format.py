"""Every number reads the same in every format: the tables are taken out of each and compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coprodstats.reporting.document import Document, Section, TableBlock
from coprodstats.reporting.formats import FORMATS, render_formats
from coprodstats.reporting.table import Column, Table

READ = {"html": "html_tables", "md": "markdown_tables", "pdf": "pdf_tables"}
NUMBER = re.compile(r"[+−<>]?\d[\d,]*(?:\.\d+)?%?")


@pytest.fixture(scope="module")
def files(demo_document: Document) -> dict[str, bytes]:
    return render_formats(demo_document, list(READ), results={})


def tables(read_back: ModuleType, name: str, data: bytes) -> list[list[list[str]]]:
    read: Callable[[bytes], list[list[list[str]]]] = getattr(read_back, READ[name])
    return read(data)


def numbers(table: list[list[str]]) -> list[str]:
    return sorted(NUMBER.findall(" ".join(text for row in table for text in row)))


@pytest.mark.parametrize("name", READ)
def test_every_table_reads_as_in_the_document(
    name: str, files: dict[str, bytes], demo_document: Document, read_back: ModuleType
) -> None:
    # Some formats set the numbers of the figures behind everything else.
    found = tables(read_back, name, files[f"report.{name}"])
    assert sorted(found) == sorted(read_back.all_printed(demo_document))


def test_every_number_is_in_every_format(files: dict[str, bytes], read_back: ModuleType) -> None:
    by_format = {name: tables(read_back, name, files[f"report.{name}"]) for name in READ}
    counted = {name: sorted(map(numbers, found)) for name, found in by_format.items()}
    assert sum(map(len, counted["html"])) > 400
    assert counted["md"] == counted["pdf"] == counted["html"]


# Estimates, intervals, counts, shares and p values of every size and sign, and what stands for none.
VALUES = st.one_of(
    st.none(),
    st.floats(-1e6, 1e6, allow_nan=False),
    st.floats(-1e-3, 1e-3, allow_nan=False),
)
ROLES = ("number", "percent", "points", "odds_ratio", "p_value")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(st.tuples(*[VALUES] * 4), min_size=1, max_size=6))
def test_any_number_reads_the_same(rows: list[tuple[float | None, ...]], read_back: ModuleType) -> None:
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
    table = Table.from_frame(frame, columns, key="any", title="Any", n="some", source="Invented")
    section = Section(key="section", heading="Section", blocks=(TableBlock(table=table),))
    document = Document(title="Numbers", sections=(section,))
    made = render_formats(document, list(READ), results={})
    for name in READ:
        assert tables(read_back, name, made[f"report.{name}"]) == [read_back.printed(table)], name


def test_every_format_that_shows_tables_is_read_back() -> None:
    # Other formats have tests of their own.
    assert set(READ) <= set(FORMATS)
