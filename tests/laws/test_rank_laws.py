"""Columns that are combinations of others: against the rank of whole numbers, which is exact."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from coprodstats.models.rank import independent


def rank(x: np.ndarray) -> int:
    """Return the rank of an intercept and some columns of small whole numbers."""
    return int(np.linalg.matrix_rank(np.column_stack([np.ones(len(x)), x])))


@given(
    x=hnp.arrays(int, st.tuples(st.integers(2, 9), st.integers(0, 6)), elements=st.integers(-2, 2)),
    scale=st.sampled_from([1.0, 0.1, 1e-6, 1e8]),
    seed=st.integers(0, 99),
)
def test_columns_that_are_kept_have_the_rank_and_others_are_made_of_no_more_than_they_need(
    x: np.ndarray, scale: float, seed: int
) -> None:
    w = np.random.default_rng(seed).uniform(0.5, 3, len(x))
    kept, made_of = independent(x * scale, w)
    assert sorted([*kept, *made_of]) == list(range(x.shape[1]))
    assert [j for j in range(x.shape[1]) if rank(x[:, : j + 1]) > rank(x[:, :j])] == kept
    for j, parts in made_of.items():
        assert rank(x[:, [*parts, j]]) == rank(x[:, parts])
        for k in parts:
            fewer = [part for part in parts if part != k]
            assert rank(x[:, [*fewer, j]]) > rank(x[:, fewer])
