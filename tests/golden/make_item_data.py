"""Make data/items.csv: nine items of two correlated traits, with weights, strata, PSUs and missing answers.

    python tests/golden/make_item_data.py

Seeded; made once and committed, so that a new random stream of NumPy changes nothing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
SEED = 1951
ITEMS = tuple(f"a{k}" for k in range(1, 6)) + tuple(f"b{k}" for k in range(1, 5))
CUTS = ((-1.0, 0.0, 1.0), (-0.5, 0.8), (-1.5, -0.4, 0.3, 1.2), (0.2, 1.0, 1.8), (-0.8, 0.5, 1.4),
        (-1.0, 0.4, 1.1), (0.0, 0.9), (-0.6, 0.2, 0.9), (0.5,))  # fmt: skip
LOADINGS = (0.8, 0.7, 0.75, 0.6, 0.5, 0.8, 0.7, 0.65, 0.6)


def make() -> pd.DataFrame:
    """Return 1,200 respondents in 12 strata of 5 PSUs."""
    rng = np.random.default_rng(SEED)
    n = 1200
    psu = np.repeat(np.arange(60), 20)
    shared = rng.normal(size=60)[psu]
    traits = rng.multivariate_normal([0, 0], [[1, 0.45], [0.45, 1]], n) * 0.9 + 0.43 * shared[:, None]
    frame = pd.DataFrame(
        {"stratum": psu // 5 + 1, "psu": psu + 1, "weight": rng.uniform(0.4, 2.6, n).round(2)}
    )
    for k, (name, cuts, loading) in enumerate(zip(ITEMS, CUTS, LOADINGS, strict=True)):
        latent = loading * traits[:, int(name[0] == "b")] + np.sqrt(1 - loading**2) * rng.normal(size=n)
        answers = np.searchsorted(cuts, latent).astype(float)
        answers[rng.random(n) < 0.02 + 0.01 * (k % 3)] = np.nan
        frame[name] = pd.array(answers, dtype="Int64")
    return frame


if __name__ == "__main__":
    (HERE / "data" / "items.csv").write_text(
        make().to_csv(index=False, lineterminator="\n"), encoding="utf-8"
    )
