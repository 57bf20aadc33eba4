"""Common factors: the highest maximum to the last digits, whatever the order of the respondents."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from coprodstats.survey.factors import factor_solution
from coprodstats.survey.polychoric import polychoric_matrix

Floats = NDArray[np.float64]


def two_traits(n: int = 400) -> Floats:
    """Return answers to eight items of two traits of one strength, one factor of which has two maxima."""
    rng = np.random.default_rng(3)
    traits = rng.normal(size=(n, 2)).repeat(4, axis=1) + 0.4 * rng.normal(size=(n, 1))
    return np.digitize(traits + rng.normal(size=(n, 8)), [-1, 0, 1])


@pytest.mark.parametrize("n_factors", [1, 2])
def test_the_order_of_respondents_moves_nothing(n_factors: int) -> None:
    answers = two_traits()
    weights = np.random.default_rng(4).gamma(4, 0.25, len(answers))
    order = np.random.default_rng(5).permutation(len(answers))
    one, other = (
        factor_solution(polychoric_matrix(answers[rows], (4,) * 8, weights[rows]).matrix, n_factors)
        for rows in (np.arange(len(answers)), order)
    )
    # The correlations themselves move by some 1e-15: sums are taken in another order.
    np.testing.assert_allclose(other.loadings, one.loadings, atol=1e-12)
    np.testing.assert_allclose(other.correlation, one.correlation, atol=1e-12)


def test_one_factor_is_the_better_of_two_maxima() -> None:
    """Two unrelated traits: the factor is that of the stronger one, not what lies nearest to a start."""
    loadings = np.array([0.6, 0.6, 0.6, 0.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, 0.7, 0.7, 0.7])
    matrix = sum(np.outer(one, one) for one in loadings)
    np.fill_diagonal(matrix, 1.0)
    found = factor_solution(matrix, 1).loadings[:, 0]
    np.testing.assert_allclose(found, loadings[1], atol=1e-12)


def test_two_factors_are_those_that_made_the_correlations() -> None:
    """Loadings of a simple structure, factors correlated 0.3: quartimin's complexity is 0 there."""
    pattern = np.array([[0.8, 0], [0.7, 0], [0.6, 0], [0, 0.5], [0, 0.6], [0, 0.7]])
    between = np.array([[1, 0.3], [0.3, 1]])
    matrix = pattern @ between @ pattern.T
    np.fill_diagonal(matrix, 1.0)
    found = factor_solution(matrix, 2)
    np.testing.assert_allclose(found.loadings, pattern, atol=1e-7)
    np.testing.assert_allclose(found.correlation, between, atol=1e-7)
    assert not found.heywood
