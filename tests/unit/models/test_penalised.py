from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise, product

import mpmath as mp
import numpy as np
import pytest

from coprodstats.models import jeffreys, likelihood, search
from coprodstats.models.convergence import certificate
from coprodstats.models.jeffreys import Problem
from coprodstats.models.links import LINKS
from coprodstats.models.penalised import (
    criterion,
    derivatives,
    fisher_information,
    influence_scores,
    maximise,
    score_size,
)


def problem(n_cuts: int, link: str = "logit", n: int = 40, *, separated: bool = True) -> Problem:
    """Random data whose second predictor, an indicator, goes with the highest category alone."""
    rng = np.random.default_rng(7)
    x = np.column_stack([rng.normal(size=n), (rng.random(n) < 0.2).astype(float)])
    y = rng.integers(0, n_cuts + 1, n)
    y[: n_cuts + 1] = np.arange(n_cuts + 1)
    if separated:
        y[x[:, 1] == 1] = n_cuts
    w = rng.uniform(0.5, 2.0, n)
    return Problem(x=x, y=y, w=w * n / w.sum(), n_cuts=n_cuts, link=LINKS[link])  # type: ignore[index]


CASES = list(product((1, 2, 4), LINKS))


@pytest.mark.parametrize(("n_cuts", "link"), CASES)
def test_gradient_and_hessian_are_those_of_the_criterion(n_cuts: int, link: str) -> None:
    data = problem(n_cuts, link)
    theta = np.concatenate([np.linspace(-1.0, 1.0, n_cuts) if n_cuts > 1 else [0.2], [0.3, -0.4]])
    found = derivatives(data, theta)
    steps = 1e-5 * np.eye(len(theta))
    slope = [(criterion(data, theta + h) - criterion(data, theta - h)) / 2e-5 for h in steps]
    bend = [(derivatives(data, theta + h).score - derivatives(data, theta - h).score) / 2e-5 for h in steps]
    # Central differences of 1e-5: errors of 1e-10 times the third derivative, and of rounding over the step.
    assert found.score == pytest.approx(slope, rel=1e-7, abs=1e-7)
    assert found.hessian == pytest.approx(-np.array(bend), rel=1e-6, abs=1e-6)


# --- an independent derivation: probabilities only, everything else by differences of 50-digit numbers ---

F: dict[str, Callable[[mp.mpf], mp.mpf]] = {
    "logit": lambda z: 1 / (1 + mp.exp(-z)),
    "cauchit": lambda z: mp.atan(z) / mp.pi + mp.mpf(1) / 2,
}


def probabilities(theta: list[mp.mpf], x: np.ndarray, n_cuts: int, link: str) -> list[mp.mpf]:
    eta = sum(mp.mpf(float(v)) * b for v, b in zip(x, theta[n_cuts:], strict=True))
    ends = [mp.mpf(0), *(F[link](cut - eta) for cut in theta[:n_cuts]), mp.mpf(1)]
    return [high - low for low, high in pairwise(ends)]


def exact_criterion(data: Problem, theta: list[mp.mpf]) -> mp.mpf:
    h, q = mp.mpf(10) ** -20, len(theta)
    total, information = mp.mpf(0), mp.zeros(q)
    for x, y, w in zip(data.x, data.y, data.w, strict=True):
        p = probabilities(theta, x, data.n_cuts, data.link.name)
        total += mp.mpf(float(w)) * mp.log(p[y])
        slopes = []
        for j in range(q):
            up = [t + (h if k == j else 0) for k, t in enumerate(theta)]
            down = [t - (h if k == j else 0) for k, t in enumerate(theta)]
            sides = [probabilities(t, x, data.n_cuts, data.link.name) for t in (up, down)]
            slopes.append([(a - b) / (2 * h) for a, b in zip(*sides, strict=True)])
        for i in range(q):
            for j in range(q):
                information[i, j] += mp.mpf(float(w)) * sum(
                    slopes[i][c] * slopes[j][c] / p[c] for c in range(len(p))
                )
    return total + mp.log(mp.det(information)) / 2


def exact_newton_step(data: Problem, theta: np.ndarray) -> np.ndarray:
    at = [mp.mpf(float(t)) for t in theta]
    h, q = mp.mpf(10) ** -10, len(at)

    def value(*moves: tuple[int, int]) -> mp.mpf:
        return exact_criterion(data, [t + sum(s * h for j, s in moves if j == k) for k, t in enumerate(at)])

    here, up, down = value(), [value((j, 1)) for j in range(q)], [value((j, -1)) for j in range(q)]
    gradient, hessian = mp.zeros(q, 1), mp.zeros(q)
    for i in range(q):
        gradient[i] = (up[i] - down[i]) / (2 * h)
        for j in range(i + 1):
            both = value((i, 1), (j, 1)) - up[i] - up[j] + here
            hessian[i, j] = hessian[j, i] = both / h**2
    step = mp.lu_solve(hessian, -gradient)
    return np.array([float(s) for s in step])


@pytest.mark.parametrize(("n_cuts", "link"), [(1, "logit"), (2, "logit"), (1, "cauchit")])
def test_the_maximum_in_fifty_digits(n_cuts: int, link: str) -> None:
    data = problem(n_cuts, link, n=14)
    found = maximise(data)
    theta = found.estimate.theta
    with mp.workdps(50):
        assert float(exact_criterion(data, list(map(mp.mpf, theta)))) == pytest.approx(
            found.criterion, rel=1e-13
        )
        step = exact_newton_step(data, theta)  # what is left to the true maximum
    assert np.abs(step / theta).max() < 1e-12
    q = len(theta)
    claimed = certificate(found.estimate, score_size(data, theta), float(data.w.sum()), np.eye(q)).digits
    assert 11 <= claimed <= -np.log10(max(np.abs(step / theta).max(), 1e-16))


@pytest.mark.parametrize("n_cuts", [1, 3])
def test_the_maximum_does_not_depend_on_the_start(n_cuts: int) -> None:
    data = problem(n_cuts)
    usual = maximise(data)
    rng = np.random.default_rng(3)
    for _ in range(5):
        start = np.concatenate([np.sort(rng.normal(0, 2, n_cuts)), rng.normal(0, 2, 2)])
        other = maximise(data, start=start)
        assert other.estimate.theta == pytest.approx(usual.estimate.theta, rel=1e-10)
        assert other.criterion == pytest.approx(usual.criterion, rel=1e-14)


@pytest.mark.parametrize("fixed_total", [True, False])
@pytest.mark.parametrize("n_cuts", [1, 3])
def test_influence_is_the_derivative_by_a_weight(n_cuts: int, *, fixed_total: bool) -> None:
    data = problem(n_cuts)
    found = maximise(data)
    scores = influence_scores(data, found.estimate.theta, fixed_total=fixed_total)
    influence = np.linalg.solve(found.estimate.information, scores.T).T

    def refit(row: int, by: float) -> np.ndarray:
        w = data.w.copy()
        w[row] += by
        scale = data.w.sum() / w.sum() if fixed_total else 1.0
        return maximise(replace(data, w=w * scale)).estimate.theta

    h = 1e-4
    for row in (0, 5, int(np.flatnonzero(data.x[:, 1])[0])):
        derivative = (refit(row, h) - refit(row, -h)) / (2 * h)
        assert influence[row] == pytest.approx(derivative, rel=1e-6, abs=1e-8)


def test_influences_of_weights_that_are_scaled_sum_to_zero() -> None:
    data = problem(2)
    scores = influence_scores(data, maximise(data).estimate.theta, fixed_total=True)
    assert data.w @ scores == pytest.approx(np.zeros(4), abs=1e-11)


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = problem(2, separated=False)
    theta = np.array([-0.5, 0.6, 0.1, 0.2])
    whole = derivatives(data, theta)
    monkeypatch.setattr(jeffreys, "BLOCK_NUMBERS", 1)
    assert data.block < len(data.x) / 2
    parts = derivatives(data, theta)
    assert parts.score == pytest.approx(whole.score, rel=1e-11)
    assert parts.hessian == pytest.approx(whole.hessian, rel=1e-11)
    assert criterion(data, theta) == pytest.approx(
        likelihood.log_likelihood(theta, data.x, data.y, data.w, 2, data.link)
        + np.linalg.slogdet(fisher_information(data, theta))[1] / 2,
        rel=1e-12,
    )


def test_an_offset_is_a_slope_that_is_known() -> None:
    data = problem(2, separated=False)
    theta = np.array([-0.5, 0.6, 0.1, 0.2])
    known = replace(data, x=data.x[:, :1], offset=0.2 * data.x[:, 1])
    assert derivatives(known, theta[:3]).rows[:, 2] == pytest.approx(
        derivatives(replace(data, x=data.x[:, :1], offset=data.x[:, 1] * 0.2), theta[:3]).rows[:, 2]
    )
    without = derivatives(replace(data, prior=False), theta)
    assert derivatives(replace(known, prior=False), theta[:3]).score == pytest.approx(without.score[:3])


def test_without_a_prior_it_is_the_maximum_of_the_likelihood() -> None:
    data = replace(problem(3, separated=False), prior=False)
    found = maximise(data)
    plain = search.maximise(data.x, data.y, data.w, n_cuts=3, link=data.link)
    assert found.estimate.theta == pytest.approx(plain.theta, rel=1e-12)
    assert found.criterion == pytest.approx(plain.loglik, rel=1e-14)
    assert found.estimate.information == pytest.approx(plain.information, rel=1e-9)


def test_a_combination_that_is_held() -> None:
    data = problem(2)
    held = np.array([0.0, 0.0, 1.0, -0.5])
    top = maximise(data)
    start = top.estimate.theta + held
    found = maximise(data, start=start, held=held)
    assert held @ found.estimate.theta == pytest.approx(held @ start, rel=1e-12)
    assert found.criterion < top.criterion
    # At a constrained maximum the gradient points along what is held.
    score = derivatives(data, found.estimate.theta).score
    assert score - held * (held @ score) / (held @ held) == pytest.approx(np.zeros(4), abs=1e-8)
