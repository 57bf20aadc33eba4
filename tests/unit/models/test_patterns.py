from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats.models import patterns
from coprodstats.models.patterns import Patterns, find_patterns

N = 4_000


def columns(seed: int = 1) -> dict[str, pd.Series]:
    rng = np.random.default_rng(seed)
    return {
        "kind": pd.Series(pd.Categorical.from_codes(rng.integers(0, 3, N), ["a", "b", "c"])),
        "size": pd.Series(rng.choice([-1.5, 0.0, 2.0, 1e9], N)),
        "late": pd.Series(pd.Categorical.from_codes(rng.integers(0, 2, N), [False, True])),
    }


def is_partition(found: Patterns, given: dict[str, pd.Series], y: np.ndarray) -> bool:
    """Rows share a pattern exactly if they agree in everything, and the first of each is one of its own."""
    table = pd.DataFrame(given).assign(y=y)
    wanted = table.groupby(list(table.columns), observed=True).ngroup().to_numpy()
    pairs = set(zip(wanted.tolist(), found.of_row.tolist(), strict=True))
    same = len(pairs) == len(set(wanted)) == len(found.first)
    return same and np.array_equal(found.of_row[found.first], np.arange(len(found.first)))


def test_rows_that_agree_share_a_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.random.default_rng(2).integers(0, 4, N)
    found = find_patterns(columns(), y)
    assert found is not None
    assert len(found.first) == 3 * 4 * 2 * 4
    assert is_partition(found, columns(), y)
    # Combinations beyond the largest code are numbered anew on the way.
    monkeypatch.setattr(patterns, "LARGE_CODE", 10)
    again = find_patterns(columns(), y)
    assert again is not None
    assert is_partition(again, columns(), y)


@pytest.mark.parametrize(
    "case", ["continuous", "few rows for each", "all different by an outcome of many codes"]
)
def test_what_would_save_little_is_left_alone(case: str) -> None:
    rng = np.random.default_rng(3)
    given, y = columns(), rng.integers(0, 2, N)
    if case == "continuous":
        given["age"] = pd.Series(rng.uniform(18, 90, N))
    elif case == "few rows for each":
        given |= {f"item{j}": pd.Series(pd.Categorical(rng.integers(0, 5, N))) for j in range(4)}
    else:
        y = rng.permutation(N)
    assert find_patterns(given, y) is None


def test_a_part_that_recurs_by_chance_deceives_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every third row, the first to be looked at, is the same; the others are all different.
    values = np.arange(N, dtype=float)
    values[::3] = 0.0
    monkeypatch.setattr(patterns, "SOME_VALUES", N // 3)
    monkeypatch.setattr(patterns, "SOME_ROWS", N // 3)
    assert find_patterns({"x": pd.Series(values)}, np.arange(N) % 2) is None
