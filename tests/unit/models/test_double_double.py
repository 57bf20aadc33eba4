"""Pairs of doubles against mpmath with 60 digits."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from coprodstats.models import double_double as dd
from coprodstats.models.pair_matrices import inverse, product, sandwich

CONTEXT = mp.mp.clone()
CONTEXT.dps = 60
# What is promised of the functions; of sums, products and quotients far more.
FUNCTION, ARITHMETIC = CONTEXT.mpf(2) ** -68, CONTEXT.mpf(2) ** -100


def exact(high: float, low: float) -> mp.mpf:
    return CONTEXT.mpf(float(high)) + CONTEXT.mpf(float(low))


def pairs(values: np.ndarray) -> dd.Pair:
    """Return values with low parts of their own, below half a unit in the last place."""
    share = np.random.default_rng(8).uniform(-0.5, 0.5, len(values))
    return values, values * share * 2.0**-53


def worst(found: dd.Pair, truth: list) -> mp.mpf:
    found = np.broadcast_arrays(*found)
    return max(abs(exact(h, l) / t - 1) for h, l, t in zip(*found, truth, strict=True))


@pytest.fixture(scope="module")
def spread() -> np.ndarray:
    rng = np.random.default_rng(9)
    return np.concatenate(
        [rng.uniform(-600, 600, 60), rng.normal(size=60), rng.normal(size=60) * 1e-3, [1e-9, 40.0]]
    )


@pytest.mark.parametrize("name", ["exp", "expm1", "arctan"])
def test_functions(name, spread):
    x = pairs(spread)
    function = {"exp": CONTEXT.exp, "expm1": CONTEXT.expm1, "arctan": CONTEXT.atan}[name]
    assert worst(getattr(dd, name)(x), [function(exact(*p)) for p in zip(*x, strict=True)]) < FUNCTION


def test_mills_ratio():
    rng = np.random.default_rng(10)
    x = pairs(
        np.concatenate([[0.0, 1e-6, 8.37, 8.38, 11.8, 11.9], rng.uniform(0, 37, 60), rng.uniform(0, 3, 40)])
    )
    truth = [
        CONTEXT.erfc(v / CONTEXT.sqrt(2)) * CONTEXT.exp(v * v / 2) * CONTEXT.sqrt(CONTEXT.pi / 2)
        for v in (exact(*p) for p in zip(*x, strict=True))
    ]
    assert worst(dd.mills(x), truth) < FUNCTION


def test_angles_of_all_quadrants_above_the_axis():
    x = np.array([3.0, -3.0, 0.01, -0.01, 1.0, -1.0, 1e8, -1e8])
    found = dd.arctan2(dd.pair(np.ones(8)), dd.pair(x))
    assert worst(found, [CONTEXT.atan2(1, v) for v in x.tolist()]) < FUNCTION


def test_arithmetic(spread):
    x, y = pairs(spread), pairs(spread[::-1] + 0.5)
    a, b = ([exact(*p) for p in zip(*side, strict=True)] for side in (x, y))
    assert worst(dd.multiply(x, y), [u * v for u, v in zip(a, b, strict=True)]) < ARITHMETIC
    assert worst(dd.divide(x, y), [u / v for u, v in zip(a, b, strict=True)]) < ARITHMETIC
    assert worst(dd.reciprocal(y), [1 / v for v in b]) < ARITHMETIC
    assert worst(dd.scale(x, np.array([1 / 3])), [u * exact(1 / 3, 0) for u in a]) < ARITHMETIC
    larger = [max(abs(u), abs(v)) for u, v in zip(a, b, strict=True)]
    error = [abs(exact(*p) - u - v) for p, u, v in zip(zip(*dd.add(x, y), strict=True), a, b, strict=True)]
    assert max(e / size for e, size in zip(error, larger, strict=True)) < ARITHMETIC


def test_the_rounded_exponential_is_a_double_from_the_truth(spread):
    units = [
        abs(CONTEXT.mpf(float(h)) - CONTEXT.exp(CONTEXT.mpf(v))) / float(np.spacing(h))
        for h, v in zip(dd.exp_rounded(spread), spread.tolist(), strict=True)
    ]
    assert max(units) < 0.52


def test_matrices():
    rng = np.random.default_rng(12)
    a = rng.normal(size=(9, 9)) + 4 * np.eye(9)
    truth = CONTEXT.matrix(a.tolist())
    found = inverse(dd.pair(a))
    rest = (
        CONTEXT.matrix(
            [[exact(h, l) for h, l in zip(*rows, strict=True)] for rows in zip(*found, strict=True)]
        )
        * truth
    )
    assert max(abs(rest[i, j] - (i == j)) for i in range(9) for j in range(9)) < CONTEXT.mpf(10) ** -28
    long = rng.normal(size=(3, 400)), rng.normal(size=(400, 300))
    high, low = product(dd.pair(long[0]), dd.pair(long[1]))
    assert exact(high[1, 2], low[1, 2]) == pytest.approx(
        CONTEXT.fdot(long[0][1].tolist(), long[1][:, 2].tolist()), abs=1e-28
    )
    rests = [2.0**-55 * part * rng.uniform(-1, 1, part.shape) for part in long]
    high, low = product((long[0], rests[0]), (long[1], rests[1]))
    row = [exact(h, l) for h, l in zip(long[0][1], rests[0][1], strict=True)]
    column = [exact(h, l) for h, l in zip(long[1][:, 2], rests[1][:, 2], strict=True)]
    # as is promised: 400 times 2**-100 of the largest entries
    bound = 400 * 2.0**-100 * np.abs(long[0][1]).max() * np.abs(long[1][:, 2]).max()
    assert abs(exact(high[1, 2], low[1, 2]) - CONTEXT.fdot(row, column)) < bound
    middle = a @ a.T
    assert sandwich(a, middle) == pytest.approx(a @ middle @ a.T, rel=1e-12)
    assert product(dd.pair(np.empty((2, 0))), dd.pair(np.empty((0, 3))))[0].tolist() == [[0.0] * 3] * 2
