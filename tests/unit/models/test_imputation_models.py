from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, stats
from scipy.special import expit, log_softmax, logit

from coprodstats.errors import InsufficientDataError
from coprodstats.models.imputation_models import (
    PRIOR_SCALE,
    _normal_draw,
    draw_nominal,
    draw_normal,
    draw_ordered,
    match_means,
    nearest_donors,
    nominal_mode,
    ordered_mode,
)

Floats = NDArray[np.float64]


def minimum(negative: Callable[[Floats], float], start: Floats) -> Floats:
    return optimize.minimize(negative, start, method="BFGS", options={"gtol": 1e-7}).x


def predictors(rng: np.random.Generator, n: int) -> Floats:
    return np.column_stack([rng.normal(0, 0.5, n), rng.random(n) < 0.3]).astype(float)


@pytest.mark.parametrize("n_categories", [2, 4])
def test_the_mode_of_ordered_categories_is_that_of_the_penalised_likelihood(n_categories: int) -> None:
    rng = np.random.default_rng(5)
    x = predictors(rng, 60)
    y = np.digitize(x @ [1.0, -0.7] + rng.logistic(size=60), np.linspace(-1, 1, n_categories - 1))

    def negative(theta: Floats) -> float:
        cuts, b = np.cumsum(np.append(theta[0], np.exp(theta[1:-2]))), theta[-2:]
        upper = np.append(cuts, np.inf)[y] - x @ b
        lower = np.append(-np.inf, cuts)[y] - x @ b
        return float(-np.log(expit(upper) - expit(lower)).sum() + b @ b / (2 * PRIOR_SCALE**2))

    found = minimum(negative, np.zeros(n_categories + 1))
    expected = [*np.cumsum(np.append(found[0], np.exp(found[1:-2]))), *found[-2:]]
    # BFGS stops at a gradient of 1e-7, the search for the mode after a step of a thousandth of a deviation.
    np.testing.assert_allclose(ordered_mode(x, y, n_categories)[0], expected, atol=2e-5)


def test_the_mode_of_nominal_categories_is_that_of_the_penalised_likelihood() -> None:
    rng = np.random.default_rng(6)
    x = predictors(rng, 80)
    y = rng.integers(0, 3, 80)

    def negative(theta: Floats) -> float:
        b = theta.reshape(2, 3)
        eta = np.column_stack([np.zeros(80), b[:, 0] + x @ b[:, 1:].T])
        likelihood = log_softmax(eta, axis=1)[np.arange(80), y].sum()
        return float(-likelihood + (b[:, 1:] ** 2).sum() / (2 * PRIOR_SCALE**2))

    mode, precision = nominal_mode(x, y, 3)
    np.testing.assert_allclose(mode, minimum(negative, np.zeros(6)), atol=2e-5)
    # Minus the Hessian, by second differences of the objective along two directions.
    for direction in rng.normal(size=(2, 6)):
        step = 1e-3 * direction
        second = (negative(mode + step) - 2 * negative(mode) + negative(mode - step)) / 1e-6
        assert direction @ precision @ direction == pytest.approx(second, rel=1e-4)


def test_draws_from_a_precision_have_its_inverse_as_covariance() -> None:
    covariance = np.array([[2.0, 0.6], [0.6, 0.5]])
    rng = np.random.default_rng(7)
    draws = np.array(
        [_normal_draw(np.array([1.0, -1.0]), np.linalg.inv(covariance), rng) for _ in range(4000)]
    )
    # 4,000 draws: a standard error of 2 % for a variance.
    np.testing.assert_allclose(np.cov(draws.T), covariance, rtol=0.1)
    np.testing.assert_allclose(draws.mean(axis=0), [1.0, -1.0], atol=0.1)


def test_categories_are_drawn_with_the_probabilities_of_the_posterior() -> None:
    rng = np.random.default_rng(8)
    # Without predictors the posterior of a share k/n is nearly Beta(k, n - k), so that its mean is k/n.
    y = np.repeat([0, 1, 2], [30, 50, 20])
    x, x_new = np.zeros((100, 0)), np.zeros((1, 0))
    for draw in (draw_ordered, draw_nominal):
        drawn = [draw(x, y, x_new, n_categories=3, rng=rng)[0][0] for _ in range(1000)]
        shares = np.bincount(drawn, minlength=3) / 1000
        np.testing.assert_allclose(shares, [0.3, 0.5, 0.2], atol=4 * 0.5 / np.sqrt(1000))


def test_the_share_of_a_category_varies_between_draws_as_its_posterior_does() -> None:
    rng = np.random.default_rng(9)
    y = np.repeat([0, 1], [60, 40])
    x, x_new = np.zeros((100, 0)), np.zeros((100_000, 0))
    logits = [logit(draw_ordered(x, y, x_new, n_categories=2, rng=rng)[0].mean()) for _ in range(400)]
    # The variance of a log odds is 1/60 + 1/40; a standard deviation from 400 draws is known to 3.5 %.
    assert np.std(logits) == pytest.approx(np.sqrt(1 / 60 + 1 / 40), rel=0.12)


@pytest.mark.parametrize("draw", [draw_ordered, draw_nominal])
def test_a_category_that_a_predictor_tells_perfectly_gives_no_silly_draws(draw: Callable[..., tuple]) -> None:
    rng = np.random.default_rng(10)
    marked = np.zeros(400)
    marked[:6] = 1
    y = np.where(marked == 1, 1, rng.random(400) < 0.3).astype(np.intp)
    x_new = np.repeat([[0.0], [1.0]], 200, axis=0)
    draws = np.array([draw(marked[:, None], y, x_new, n_categories=2, rng=rng)[0] for _ in range(200)])
    ordinary, told = draws[:, :200].mean(axis=1), draws[:, 200:].mean(axis=1)
    # The others are not touched: their share is that observed, with its own uncertainty.
    assert ordinary.mean() == pytest.approx(y[marked == 0].mean(), abs=0.01)
    # Six of six: mostly the same, and never the opposite for all.
    assert told.mean() > 0.85
    assert told.min() > 0.1


def test_a_category_of_one_respondent_is_drawn_about_as_often() -> None:
    rng = np.random.default_rng(11)
    y = np.zeros(300, dtype=np.intp)
    y[100:299], y[299] = 1, 2
    x = rng.normal(0, 0.5, (300, 3))
    for draw in (draw_ordered, draw_nominal):
        shares = [(draw(x, y, x, n_categories=3, rng=rng)[0] == 2).mean() for _ in range(200)]
        assert 1 / 1500 < np.mean(shares) < 1 / 60


def test_a_new_value_of_a_normal_sample_has_students_distribution() -> None:
    rng = np.random.default_rng(12)
    y = np.array([4.0, 1.0, 7.0, 3.0, 9.0, 5.0])
    x, x_new = np.zeros((6, 0)), np.zeros((1, 0))
    drawn = np.array([draw_normal(x, y, x_new, rng=rng)[0] for _ in range(4000)])
    # The posterior predictive distribution: Gelman and others, Bayesian Data Analysis, section 3.2.
    standard = (drawn - y.mean()) / (y.std(ddof=1) * np.sqrt(1 + 1 / 6))
    assert stats.kstest(standard, stats.t(5).cdf).pvalue > 0.01


def test_the_predictive_mean_follows_the_line_and_spreads_away_from_the_centre() -> None:
    rng = np.random.default_rng(13)
    x = rng.normal(size=(400, 1))
    y = 2 + 3 * x[:, 0] + rng.normal(size=400)
    x_new = np.array([[0.0], [4.0]])
    drawn = np.array([draw_normal(x, y, x_new, rng=rng) for _ in range(4000)])
    design = np.column_stack([np.ones(400), x])
    b, residual, *_ = np.linalg.lstsq(design, y)
    new = np.column_stack([np.ones(2), x_new])
    s2 = residual[0] / 398
    variance = s2 * 398 / 396 * (1 + np.einsum("ij,jk,ik->i", new, np.linalg.inv(design.T @ design), new))
    np.testing.assert_allclose(drawn.mean(axis=0), new @ b, atol=4 * np.sqrt(variance.max() / 4000))
    np.testing.assert_allclose(drawn.var(axis=0), variance, rtol=0.1)


def test_predictors_that_depend_on_each_other_are_as_good_as_those_that_don_t() -> None:
    rng = np.random.default_rng(14)
    x = rng.normal(size=(50, 2))
    y = x @ [1.0, 2.0] + rng.normal(size=50)
    twice = np.column_stack([x, x.sum(axis=1), np.ones(50)])
    one, two = (draw_normal(each, y, each, rng=np.random.default_rng(1)) for each in (x, twice))
    assert two.std() == pytest.approx(one.std(), rel=0.3)


def test_too_many_predictors_for_a_linear_model_are_refused() -> None:
    x = 1000 * np.random.default_rng(15).normal(size=(8, 30))
    with pytest.raises(InsufficientDataError, match="8 observed values for 30 predictors"):
        draw_normal(x, x[:, 0], x, rng=np.random.default_rng(1))


@pytest.mark.parametrize("donors", [1, 3, 50])
def test_donors_are_the_nearest(donors: int) -> None:
    rng = np.random.default_rng(16)
    predicted, target = rng.normal(size=30), np.append(rng.normal(size=20), [-9.0, 9.0])
    nearest = [set(np.argsort(np.abs(predicted - t))[:donors]) for t in target]
    taken: list[set[int]] = [set() for _ in target]
    for _ in range(60):
        for place, row in enumerate(nearest_donors(predicted, target, donors=donors, rng=rng)):
            taken[place].add(int(row))
    assert all(found <= allowed for found, allowed in zip(taken, nearest, strict=True))
    if donors == 3:
        assert taken == nearest  # each of three was taken at least once in sixty draws


def test_ties_are_broken_by_chance() -> None:
    rng = np.random.default_rng(17)
    predicted = np.zeros(10)
    rows = [nearest_donors(predicted, np.array([0.0]), donors=2, rng=rng)[0] for _ in range(2000)]
    counts = np.bincount(rows, minlength=10)
    assert stats.chisquare(counts).pvalue > 0.001


def test_rounding_decides_nothing() -> None:
    rng = np.random.default_rng(20)
    predicted, target = np.repeat(rng.normal(size=10), 20), rng.normal(size=30)
    noisy = predicted * (1 + 1e-15 * rng.choice([-1, 0, 1], 200))
    one, two = (nearest_donors(p, target, donors=5, rng=np.random.default_rng(3)) for p in (predicted, noisy))
    assert one.tolist() == two.tolist()


def test_matched_values_are_observed_ones_and_follow_the_predictors() -> None:
    rng = np.random.default_rng(18)
    x = rng.normal(size=(300, 1))
    y = np.round(10 * np.exp(x[:, 0]) + rng.normal(size=300))
    low, high = (match_means(x, y, np.full((50, 1), at), donors=5, rng=rng) for at in (-1.0, 1.0))
    assert set(low) | set(high) <= set(y)
    assert low.mean() < high.mean()
