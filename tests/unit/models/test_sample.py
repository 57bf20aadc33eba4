from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats.models.formula import parse_formula
from coprodstats.models.sample import draw_sample
from coprodstats.survey.design import resolve_design

N = 6
GAPS = np.array([False, True, False, False, True, False])
COLUMNS = {
    "float": pd.Series(np.where(GAPS, np.nan, 1.5)),
    "single": pd.Series(np.where(GAPS, np.nan, 1.5), dtype="float32"),
    "nullable": pd.Series([1, 2, 3, 4, 5, 6], dtype="Int64").mask(GAPS),
    "logical": pd.Series([True, False] * 3, dtype="boolean").mask(GAPS),
    "text": pd.Series(["a", "b"] * 3, dtype="str").mask(GAPS),
    "object": pd.Series(["a", None, "b", "c", None, "d"], dtype="object"),
    "category": pd.Series(pd.Categorical(["a", None, "b", "a", None, "b"])),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_type_of_column_says_which_values_are_missing(kind: str) -> None:
    frame = pd.DataFrame({"y": [0, 1] * 3, "x": COLUMNS[kind]})
    drawn = draw_sample(
        parse_formula("y ~ x", ("y", "x")),
        frame,
        None,
        resolve_design(None, frame),
        np.ones(N, bool),
        "logit",
    )
    assert np.array_equal(drawn.used, ~GAPS)
    assert drawn.dropped.to_dict("records") == [{"variable": "x", "reason": "missing", "rows": 2}]


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 2, 3, 4, 5, 6]),
        np.array([True, False] * 3),
        # sums that are not finite though all values are there
        np.array([1.5e308] * 5 + [1.0]),
        np.array([np.inf, -np.inf, 1, 2, 3, 4]),
    ],
)
def test_nothing_is_lost_where_nothing_is_missing(values: np.ndarray) -> None:
    frame = pd.DataFrame({"y": [0, 1] * 3, "x": values})
    drawn = draw_sample(
        parse_formula("y ~ x", ("y", "x")),
        frame,
        None,
        resolve_design(None, frame),
        np.ones(N, bool),
        "logit",
    )
    assert drawn.used.all()
    assert list(drawn.dropped.columns) == ["variable", "reason", "rows"]
    assert len(drawn.dropped) == 0
