from __future__ import annotations

import numpy as np
import pytest

from coprodstats.survey import stages


@pytest.mark.parametrize("few", [0, 10**6])
def test_pairs_are_numbered_in_order_by_table_and_by_sorting(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "FEW_PAIRS", few)
    rng = np.random.default_rng(2)
    for n in (1, 2, 30, 60):
        outer, inner = rng.integers(0, 5, n), rng.integers(0, 400, n) % (n + 3)
        index, owner, first = stages._crossed(outer, inner)
        pairs = list(zip(outer.tolist(), inner.tolist(), strict=True))
        distinct = sorted(set(pairs))
        assert [distinct[k] for k in index] == pairs
        assert owner.tolist() == [pair[0] for pair in distinct]
        assert first.tolist() == [pairs.index(pair) for pair in distinct]
