"""The models of ordered categories as functions of their linear predictors, and the kernel on top of them."""

from __future__ import annotations

from itertools import pairwise

import mpmath
import numpy as np
import pandas as pd
import pytest

from coprodstats import adjacent_categories, continuation_ratio, ologit
from coprodstats.models.category_models import (
    CategoryModel,
    adjacent_model,
    continuation_model,
    cumulative_model,
)
from coprodstats.models.links import LINKS
from coprodstats.models.vector_likelihood import (
    BLOCK,
    Problem,
    evaluate,
    maximise,
    row_scores,
    starting_theta,
)

MODELS = [
    adjacent_model(),
    *(make(link) for make in (cumulative_model, continuation_model) for link in LINKS.values()),
]
NAMES = [f"{m.name}, {m.link.name}" for m in MODELS]


def distribution(link: str, z: mpmath.mpf) -> mpmath.mpf:
    return {
        "logit": lambda: 1 / (1 + mpmath.exp(-z)),
        "probit": lambda: mpmath.ncdf(z),
        "cloglog": lambda: 1 - mpmath.exp(-mpmath.exp(z)),
        "loglog": lambda: mpmath.exp(-mpmath.exp(-z)),
        "cauchit": lambda: mpmath.mpf(1) / 2 + mpmath.atan(z) / mpmath.pi,
    }[link]()


def probabilities(model: CategoryModel, eta: list[mpmath.mpf]) -> list[mpmath.mpf]:
    """The definitions, in the arithmetic of mpmath."""
    if model.name == "adjacent categories":
        odds = [mpmath.exp(mpmath.fsum(eta[k:])) for k in range(len(eta) + 1)]
        return [o / mpmath.fsum(odds) for o in odds]
    below = [distribution(model.link.name, e) for e in eta]
    if model.name == "cumulative":
        ends = [mpmath.mpf(0), *below, mpmath.mpf(1)]
        return [high - low for low, high in pairwise(ends)]
    found, reached = [], mpmath.mpf(1)
    for stop in below:
        found.append(reached * stop)
        reached *= 1 - stop
    return [*found, reached]


def increasing(rng: np.random.Generator, n: int, m: int) -> np.ndarray:
    return np.cumsum(rng.uniform(0.2, 1.2, (n, m)), axis=1) + rng.uniform(-3, 1, (n, 1))


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_log_probabilities_and_derivatives_are_those_of_the_definition(model: CategoryModel) -> None:
    eta = increasing(np.random.default_rng(1), 3, 3)
    with mpmath.workdps(40):
        for row in eta:
            exact = [mpmath.mpf(float(e)) for e in row]
            for k in range(4):

                def log_p(*e: mpmath.mpf, category: int = k) -> mpmath.mpf:
                    return mpmath.log(probabilities(model, list(e))[category])

                found = model.rows(row[None], k)
                # double precision; near-cancelling log-probabilities lose a digit or two
                assert found.log_p[0] == pytest.approx(float(log_p(*exact)), rel=1e-12)
                for j in range(3):
                    first = tuple(int(i == j) for i in range(3))
                    assert found.gradient[0, j] == pytest.approx(
                        float(mpmath.diff(log_p, tuple(exact), first)), rel=1e-11, abs=1e-14
                    )
                    for i in range(3):
                        second = tuple(int(a == j) + int(a == i) for a in range(3))
                        assert found.curvature[0, j, i] == pytest.approx(
                            float(mpmath.diff(log_p, tuple(exact), second)), rel=1e-10, abs=1e-13
                        )


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_responses_sum_to_one_and_their_derivatives_are_differences(model: CategoryModel) -> None:
    eta = increasing(np.random.default_rng(2), 5, 3)
    response = model.response
    assert response.values(eta).sum(axis=1) == pytest.approx(np.ones(5), abs=1e-14)
    assert response.first(eta).sum(axis=1) == pytest.approx(np.zeros((5, 3)), abs=1e-14)
    assert response.second(eta).sum(axis=1) == pytest.approx(np.zeros((5, 3, 3)), abs=1e-13)
    h = 1e-5  # central differences: an error of some h² and of rounding / h
    for j in range(3):
        step = h * np.eye(3)[j]
        first = (response.values(eta + step) - response.values(eta - step)) / (2 * h)
        assert response.first(eta)[:, :, j] == pytest.approx(first, abs=1e-9)
        second = (response.first(eta + step) - response.first(eta - step)) / (2 * h)
        assert response.second(eta)[:, :, :, j] == pytest.approx(second, abs=1e-9)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_far_predictors_give_probabilities_without_a_warning(model: CategoryModel) -> None:
    eta = np.array([[-800.0, -790.0], [-800.0, 800.0], [790.0, 800.0]])
    assert model.response.values(eta).sum(axis=1) == pytest.approx(np.ones(3), abs=1e-12)
    assert np.isfinite(model.response.first(eta)).all()
    assert np.isfinite(model.response.second(eta)).all()


def test_crossed_cumulative_predictors_have_no_likelihood() -> None:
    crossed = np.array([[1.0, 0.5]])
    model = cumulative_model(LINKS["logit"])
    assert model.rows(crossed, 1).log_p[0] == -np.inf
    assert np.isfinite(model.rows(crossed, 0).log_p[0])  # its own category has a probability
    assert model.response.values(crossed)[0, 1] < 0


def problem(model: CategoryModel, n: int = 60, f: int = 1, c: int = 2, *, offset: bool = True) -> Problem:
    rng = np.random.default_rng(5)
    columns = rng.normal(size=(n, f + c))
    y = np.clip(np.digitize(columns.sum(axis=1) * 0.5 + rng.logistic(size=n), [-1.0, 0.3, 1.4]), 0, 3)
    return Problem(
        model=model,
        own=columns[:, :f],
        shared=columns[:, f:],
        y=y,
        w=rng.uniform(0.5, 2.0, n),
        m=3,
        offset=rng.normal(0, 0.3, n) if offset else None,
    )


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
@pytest.mark.parametrize(("f", "c"), [(1, 2), (0, 2), (2, 0), (0, 0)])
def test_score_and_information_are_differences_of_the_likelihood(
    model: CategoryModel, f: int, c: int
) -> None:
    at = problem(model, f=f, c=c)
    theta = starting_theta(at) + 0.02 * np.arange(at.size)
    here, h = evaluate(theta, at), 1e-5
    assert row_scores(theta, at).T @ at.w == pytest.approx(here.score, rel=1e-12, abs=1e-12)
    for j in range(at.size):
        step = h * np.eye(at.size)[j]
        up, down = evaluate(theta + step, at), evaluate(theta - step, at)
        assert here.score[j] == pytest.approx((up.loglik - down.loglik) / (2 * h), abs=1e-7)
        assert -here.information[j] == pytest.approx((up.score - down.score) / (2 * h), abs=1e-6)


def test_rows_beyond_one_block_count_as_the_others() -> None:
    model = continuation_model(LINKS["logit"])
    small = problem(model, offset=False)
    times = BLOCK // 20
    large = Problem(
        model=model,
        own=np.tile(small.own, (times, 1)),
        shared=np.tile(small.shared, (times, 1)),
        y=np.tile(small.y, times),
        w=np.tile(small.w, times),
        m=3,
    )
    one, many = maximise(small), maximise(large)
    assert np.bincount(large.y).max() > BLOCK
    assert many.theta == pytest.approx(one.theta, rel=1e-10)
    assert many.loglik == pytest.approx(times * one.loglik, rel=1e-12)


def test_a_start_without_likelihood_is_stalled_not_followed() -> None:
    at = problem(cumulative_model(LINKS["logit"]))
    crossed = starting_theta(at)
    crossed[:3] = crossed[:3][::-1]
    assert maximise(at, start=crossed).stalled


# --- the maximum to thirty digits, by steps in the arithmetic of mpmath ---


def exact_maximum(frame: pd.DataFrame, theta: np.ndarray, information: np.ndarray, model: CategoryModel):
    """Return the maximum near ``theta`` = (slopes of x by split, slope of z, thresholds).

    Newton's steps with the inverse information in double precision leave an error of 1e-12 or so of the last
    one, so that four of them are exact to more digits than are looked at.
    """
    m = 2
    rows = [(mpmath.mpf(a), mpmath.mpf(b), int(k)) for a, b, k in frame[["x", "z", "code"]].to_numpy()]

    def loglik(at: list[mpmath.mpf]) -> mpmath.mpf:
        total = mpmath.mpf(0)
        for x, z, k in rows:
            eta = [at[m + 1 + j] - x * at[j] - z * at[m] for j in range(m)]
            total += mpmath.log(probabilities(model, eta)[k])
        return total

    at = [mpmath.mpf(float(t)) for t in theta]
    inverse = np.linalg.inv(information)
    h = mpmath.mpf(10) ** -18
    for _ in range(4):
        gradient = []
        for j in range(len(at)):
            up, down = list(at), list(at)
            up[j], down[j] = at[j] + h, at[j] - h
            gradient.append((loglik(up) - loglik(down)) / (2 * h))
        at = [
            t + mpmath.fsum(mpmath.mpf(float(v)) * g for v, g in zip(row, gradient, strict=True))
            for t, row in zip(at, inverse, strict=True)
        ]
    return [float(t) for t in at]


@pytest.mark.parametrize(
    ("fitter", "model"),
    [
        (ologit, cumulative_model(LINKS["logit"])),
        (adjacent_categories, adjacent_model()),
        (continuation_ratio, continuation_model(LINKS["logit"])),
    ],
    ids=["partial proportional odds", "adjacent categories", "continuation ratio"],
)
def test_the_maximum_in_high_precision(fitter, model: CategoryModel) -> None:
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"x": rng.normal(size=50).round(3), "z": rng.normal(size=50).round(3)})
    frame["code"] = np.digitize(0.7 * frame["x"] - 0.3 * frame["z"] + rng.logistic(size=50), [-0.6, 0.9])
    frame["y"] = pd.Categorical.from_codes(frame["code"], ["low", "mid", "high"], ordered=True)
    fitted = fitter("y ~ x + z", frame, nonparallel="x", covariance="model")
    with mpmath.workdps(50):
        exact = exact_maximum(frame, fitted.estimates, np.linalg.inv(fitted.covariance_matrix), model)
    # the certificate promises this many digits of the least exact coefficient
    assert fitted.convergence.digits >= 13
    assert fitted.estimates == pytest.approx(exact, rel=10.0**-fitted.convergence.digits)
