from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats.survey import stages


@pytest.mark.parametrize("dtype", ["int64", "int8", "Int64", "str"])
@pytest.mark.parametrize("few", [0, 10**6])
def test_units_of_any_type_are_numbered_in_their_order(
    dtype: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "FEW_PAIRS", few)
    values = np.array([5, -100, 27, 5, 5, 100, -100])
    frame = pd.DataFrame({"unit": pd.Series(values).astype(dtype)})
    codes, labels = stages._codes(frame, "unit", "psu", [])
    assert [labels[k] for k in codes] == frame["unit"].tolist()
    assert list(labels) == sorted(frame["unit"].unique())


@pytest.mark.parametrize("few", [0, 10**6])
def test_pairs_are_numbered_in_order_by_table_and_by_sorting(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "FEW_PAIRS", few)
    rng = np.random.default_rng(2)
    for n in (1, 2, 30, 60):
        outer, inner = rng.integers(0, 5, n), rng.integers(0, 400, n) % (n + 3)
        outer, inner = (np.unique(part, return_inverse=True)[1] for part in (outer, inner))
        index, owner = stages._crossed(outer, int(outer.max()) + 1, inner, int(inner.max()) + 1)
        pairs = list(zip(outer.tolist(), inner.tolist(), strict=True))
        distinct = sorted(set(pairs))
        assert [distinct[k] for k in index] == pairs
        assert owner.tolist() == [pair[0] for pair in distinct]
