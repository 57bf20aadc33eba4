from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from coprodstats.models.least_squares import least_squares
from coprodstats.models.standard import standardise


def birth_years(n: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A year and its square, as they are: 2e5 is what their condition multiplies rounding by."""
    rng = np.random.default_rng(3)
    year = rng.integers(1918, 1991, n).astype(float)
    x = np.column_stack([year, year**2, rng.normal(size=n)])
    y = 50 + 0.01 * (year - 1954) + 0.001 * (year - 1954) ** 2 + 10 * rng.normal(size=n)
    return x, y, rng.uniform(0.3, 3.0, n)


def exactly(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> list[mp.mpf]:
    """Solve the normal equations in fifty digits."""
    with mp.workdps(50):
        columns = [[mp.mpf(1), *map(mp.mpf, row)] for row in x.tolist()]
        q = len(columns[0])
        left, right = mp.zeros(q), mp.zeros(q, 1)
        for row, outcome, weight in zip(columns, y.tolist(), w.tolist(), strict=True):
            for i in range(q):
                right[i] += mp.mpf(weight) * row[i] * mp.mpf(outcome)
                for j in range(q):
                    left[i, j] += mp.mpf(weight) * row[i] * row[j]
        return list(mp.lu_solve(left, right))


def fitted(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, object]:
    centre, inverse, _ = standardise(x, w)
    found = least_squares(x, y, w, centre=centre, inverse=inverse)
    slopes = inverse @ found.theta[1:]
    return np.concatenate([[found.theta[0] - centre @ slopes], slopes]), found


def test_a_year_and_its_square_to_the_last_digits() -> None:
    x, y, w = birth_years()
    ours, found = fitted(x, y, w)
    wanted = exactly(x, y, w)
    error = max(abs(float((mp.mpf(float(a)) - b) / b)) for a, b in zip(ours, wanted, strict=True))
    assert error < 1e-14  # three roundings: out of long double, and the two products that undo the centring
    assert found.refinements == 2
    # Plain double precision does not reach this.
    rough = np.linalg.lstsq(np.column_stack([np.ones(len(y)), x]) * w[:, None] ** 0.5, y * w**0.5)[0]
    assert max(abs(float((mp.mpf(float(a)) - b) / b)) for a, b in zip(rough, wanted, strict=True)) > 1e-14


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long double is no longer than double here")
def test_where_long_double_is_no_longer_than_double(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, w = birth_years()
    wanted = exactly(x, y, w)
    _, long = fitted(x, y, w)
    monkeypatch.setattr(np, "longdouble", np.float64)
    ours, short = fitted(x, y, w)
    error = max(abs(float((mp.mpf(float(a)) - b) / b)) for a, b in zip(ours, wanted, strict=True))
    # It still ends, is told in `rounding`, and is as good as that.
    assert short.rounding > 1000 * long.rounding
    assert error < max(short.rounding, 1e-14)
    assert short.refinements < 20


def test_the_parts_of_the_fit() -> None:
    x, y, w = birth_years()
    centre, inverse, standard = standardise(x, w)
    found = least_squares(x, y, w, centre=centre, inverse=inverse)
    columns = np.column_stack([np.ones(len(y)), standard])
    assert found.columns == pytest.approx(columns, rel=1e-9, abs=1e-9)
    assert found.residuals == pytest.approx(y - columns @ found.theta, abs=1e-10)
    assert columns.T @ (w * found.residuals) == pytest.approx(np.zeros(4), abs=1e-9)
