from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from coprodstats.survey.polychoric import (
    bivariate_normal_cdf,
    cell_probabilities,
    polychoric,
    polychoric_matrix,
)


@pytest.mark.parametrize(
    ("h", "k", "rho"),
    [(0, 0, 0.5), (0.3, -1.2, 0.7), (-1, 0, 0.2), (0, 1.3, -0.9), (2, 2.5, 0.99), (-3, -3, -0.5), (1, -1, 0)],
)
def test_bivariate_normal_against_a_30_digit_integral(h: float, k: float, rho: float) -> None:
    mpmath.mp.dps = 30
    root = mpmath.sqrt(1 - mpmath.mpf(rho) ** 2)
    points = [-14, -7, -4, *[x for x in (-2, -1, 0, 1) if x < h], h]
    wanted = mpmath.quad(lambda t: mpmath.npdf(t) * mpmath.ncdf((k - rho * t) / root), points)
    # Owen's T is right to about one unit in the last place of 1.
    assert float(bivariate_normal_cdf(np.array(float(h)), np.array(float(k)), rho)) == pytest.approx(
        float(wanted), abs=3e-16
    )


@given(st.floats(-0.95, 0.95), st.lists(st.floats(0.05, 1.0), min_size=2, max_size=5), st.integers(2, 4))
@settings(max_examples=60, deadline=None)
def test_a_table_of_exact_probabilities_gives_its_correlation(
    rho: float, rows: list[float], columns: int
) -> None:
    a = ndtri(np.cumsum(rows)[:-1] / np.sum(rows))
    b = ndtri(np.arange(1, columns) / columns)
    table = 5000 * cell_probabilities(a, b, rho)
    assert polychoric(table) == pytest.approx(rho, abs=1e-7)
    assert polychoric(table.T) == pytest.approx(polychoric(table), abs=1e-9)
    assert polychoric(table[::-1]) == pytest.approx(-polychoric(table), abs=1e-9)


def test_tables_at_the_edge() -> None:
    assert polychoric(np.diag([10.0, 20.0, 30.0])) == 1.0
    assert polychoric(np.diag([10.0, 20.0])[::-1]) == -1.0
    assert np.isnan(polychoric(np.array([[3.0, 4.0], [0.0, 0.0]])))
    assert polychoric(np.outer([1.0, 2.0, 1.0], [3.0, 1.0])) == pytest.approx(0.0, abs=1e-12)


def test_an_empty_category_is_left_out() -> None:
    table = np.array([[30.0, 10.0], [12.0, 40.0]])
    assert polychoric(np.insert(table, 1, 0.0, axis=0)) == polychoric(table)


def test_pairs_that_disagree_are_smoothed_into_correlations() -> None:
    """x goes with y, y with z, z against x, each pair answered by other people."""
    rng = np.random.default_rng(0)
    one = (rng.random(300) < 0.5).astype(int)
    other = np.where(rng.random(300) < 0.97, one, 1 - one)
    blank = np.full(300, -1)
    codes = np.vstack(
        [
            np.column_stack([one, other, blank]),
            np.column_stack([blank, one, other]),
            np.column_stack([one, blank, 1 - other]),
        ]
    )
    found = polychoric_matrix(codes, (2, 2, 2), np.ones(len(codes)))
    assert found.smoothed
    assert np.linalg.eigvalsh(found.matrix)[0] > 0
    assert np.diag(found.matrix) == pytest.approx(1.0)
    assert found.pairs[0, 1] == 300


def test_weights_count() -> None:
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 3, (200, 2))
    weights = rng.integers(1, 4, 200)
    repeated = np.repeat(codes, weights, axis=0)
    weighted = polychoric_matrix(codes, (3, 3), weights.astype(float)).matrix
    assert weighted == pytest.approx(
        polychoric_matrix(repeated, (3, 3), np.ones(len(repeated))).matrix, abs=1e-12
    )
