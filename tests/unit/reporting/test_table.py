from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from coprodstats.errors import ArgumentError
from coprodstats.reporting.table import Cell, Column, Table

FRAME = pd.DataFrame(
    {
        "term": ["age", "gender", "country"],
        "estimate": [0.021, -0.007, None],
        "low": [0.018, -0.02, None],
        "high": [0.024, 0.006, None],
        "p": [0.0001, 0.3, None],
        "n": [4951, 4951, 4951],
        "block": ["who", "who", "where"],
    }
)
COLUMNS = [
    Column(key="term", label="Term"),
    Column(key="estimate", label="Points", role="points", low="low", high="high"),
    Column(key="p", label="p", role="p_value"),
    Column(key="n", label="n", role="count"),
]
WORDS: dict[str, Any] = {"key": "t", "title": "T", "n": "4,951 people", "source": "Invented"}


def test_cells_keep_the_value_beside_the_text() -> None:
    table = Table.from_frame(FRAME, COLUMNS, **WORDS)
    assert [cell.text for cell in table.rows[0]] == ["age", "+2.1 (+1.8 to +2.4)", "<0.001", "4,951"]
    assert table.rows[0][1].value == 0.021
    assert [cell.text for cell in table.rows[2]] == ["country", "[x]", "[x]", "4,951"]
    assert table.to_frame()["n"].tolist() == [4951, 4951, 4951]
    assert list(table.to_text_frame().columns) == ["Term", "Points", "p", "n"]


def test_shorthand_is_explained_only_where_it_occurs() -> None:
    assert Table.from_frame(FRAME, COLUMNS, **WORDS).legend == ("[x]: not available",)
    assert Table.from_frame(FRAME.head(2), COLUMNS, **WORDS).legend == ()


def test_an_interval_can_have_a_column_of_its_own() -> None:
    alone = Column(key="estimate", label="Points", role="points", low="low", high="high", show="estimate")
    bounds = Column(key="estimate", label="Interval", role="points", low="low", high="high", show="interval")
    table = Table.from_frame(FRAME, [COLUMNS[0], alone, bounds], **WORDS)
    assert [cell.text for cell in table.rows[1]] == ["gender", "−0.7", "−2.0 to +0.6"]


def test_equal_neighbours_form_a_group() -> None:
    table = Table.from_frame(FRAME, COLUMNS, group="block", **WORDS)
    assert [(heading, len(rows)) for heading, rows in table.blocks] == [("who", 2), ("where", 1)]
    assert Table.from_frame(FRAME, COLUMNS, **WORDS).blocks[0][0] == ""


@pytest.mark.parametrize("name", ["title", "n", "source"])
def test_no_table_without_title_n_and_source(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"the {name} is empty"):
        Table.from_frame(FRAME, COLUMNS, **{**WORDS, name: "  "})


def test_all_faults_come_at_once() -> None:
    row = (Cell(value=1, text="1"), Cell(value=2, text="2"))
    with pytest.raises(ArgumentError, match="4 faults") as caught:
        Table(key="No key", title="", n="", source="S", columns=(COLUMNS[0],), rows=(row,))
    assert "1 rows do not have 1 cells" in str(caught.value)


def test_a_table_needs_rows() -> None:
    with pytest.raises(ArgumentError, match="no columns or no rows"):
        Table.from_frame(FRAME.head(0), COLUMNS, **WORDS)


def test_an_absent_column_is_named_with_its_neighbour() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'estimate'"):
        Table.from_frame(FRAME, [COLUMNS[0], Column(key="estimat", label="E", role="number")], **WORDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"role": "percnt"}, "did you mean 'percent'"),
        ({"role": "number", "low": "low"}, "needs both low and high"),
        ({"role": "p_value", "low": "low", "high": "high"}, "takes no interval"),
        ({"role": "number", "show": "interval"}, "needs an interval"),
        ({"role": "text", "digits": 2}, "takes no digits"),
        ({"label": " "}, "is empty"),
    ],
)
def test_a_column_refuses_what_it_would_ignore(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Column(**{"key": "k", "label": "K", **arguments})


def test_two_columns_of_one_label_are_refused() -> None:
    with pytest.raises(ArgumentError, match="same label"):
        Table.from_frame(FRAME, [COLUMNS[0], Column(key="n", label="Term")], **WORDS)
