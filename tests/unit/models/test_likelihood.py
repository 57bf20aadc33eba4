from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, logit, ologit
from coprodstats.models import likelihood, search
from coprodstats.models.convergence import certificate
from coprodstats.models.links import LINKS

N_CUTS = 3


def problem(seed: int = 5, n: int = 60, n_cuts: int = N_CUTS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    y = np.concatenate([np.arange(n_cuts + 1), rng.integers(0, n_cuts + 1, n - n_cuts - 1)])
    return x, y, rng.uniform(0.5, 3.0, n)


THETA = np.array([-0.9, 0.1, 1.3, 0.4, -0.25])


def central(f: Callable[[np.ndarray], np.ndarray | float], at: np.ndarray) -> np.ndarray:
    h = 1e-5
    return np.array([(f(at + h * e) - f(at - h * e)) / (2 * h) for e in np.eye(len(at))])


@pytest.mark.parametrize("name", LINKS)
def test_the_score_is_the_slope_of_the_log_likelihood(name: str) -> None:
    x, y, w = problem()
    link = LINKS[name]
    d = likelihood.derivatives(THETA, x, y, N_CUTS, link)
    ours = likelihood.score(d, x, y, w, N_CUTS)
    wanted = central(lambda t: likelihood.log_likelihood(t, x, y, w, N_CUTS, link), THETA)
    assert ours == pytest.approx(wanted, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("name", LINKS)
def test_the_information_is_minus_the_slope_of_the_score(name: str) -> None:
    x, y, w = problem()
    link = LINKS[name]

    def score(theta: np.ndarray) -> np.ndarray:
        d = likelihood.derivatives(theta, x, y, N_CUTS, link)
        return likelihood.score(d, x, y, w, N_CUTS)

    d = likelihood.derivatives(THETA, x, y, N_CUTS, link)
    ours = likelihood.information(d, x, y, w, N_CUTS)
    assert ours == pytest.approx(-central(score, THETA), rel=1e-6, abs=1e-6)
    assert ours == pytest.approx(ours.T, rel=1e-12)


@pytest.mark.parametrize("name", LINKS)
def test_scores_of_rows_add_up_to_the_score(name: str) -> None:
    x, y, w = problem()
    d = likelihood.derivatives(THETA, x, y, N_CUTS, LINKS[name])
    rows = likelihood.row_scores(d, x, y, N_CUTS)
    assert w @ rows == pytest.approx(likelihood.score(d, x, y, w, N_CUTS), rel=1e-12, abs=1e-12)


def test_thresholds_out_of_order_have_no_likelihood() -> None:
    x, y, w = problem()
    theta = np.array([0.5, 0.1, 1.3, 0.4, -0.25])
    assert likelihood.log_likelihood(theta, x, y, w, N_CUTS, LINKS["logit"]) == -np.inf


@pytest.mark.parametrize("name", LINKS)
def test_starting_values_reproduce_the_weighted_shares(name: str) -> None:
    _, y, w = problem()
    start = search.starting_values(y, w, N_CUTS, 2, LINKS[name])
    shares = [w[y <= k].sum() / w.sum() for k in range(N_CUTS)]
    assert np.exp(LINKS[name].log_cdf(start[:N_CUTS])) == pytest.approx(shares, abs=1e-4)
    assert (start[N_CUTS:] == 0).all()


@pytest.mark.parametrize("name", LINKS)
def test_any_start_leads_to_the_same_maximum(name: str) -> None:
    x, y, w = problem()
    usual = search.maximise(x, y, w, n_cuts=N_CUTS, link=LINKS[name])
    start = np.array([-2.0, 0.5, 2.5, -1.0, 1.0])
    other = search.maximise(x, y, w, n_cuts=N_CUTS, link=LINKS[name], start=start)
    assert other.theta == pytest.approx(usual.theta, rel=1e-10, abs=1e-10)
    assert not usual.stalled


@pytest.mark.parametrize("name", LINKS)
def test_an_offset_in_the_span_of_the_predictors_moves_the_parameters_and_nothing_else(name: str) -> None:
    # cut - x'b - (h + x'c) = (cut - h) - x'(b + c): the same fit, its parameters moved by h and -c.
    x, y, w = problem()
    known = np.array([0.7, -0.3])
    plain = search.maximise(x, y, w, n_cuts=N_CUTS, link=LINKS[name])
    moved = search.maximise(x, y, w, n_cuts=N_CUTS, link=LINKS[name], offset=0.4 + x @ known)
    assert moved.theta[:N_CUTS] == pytest.approx(plain.theta[:N_CUTS] + 0.4, rel=1e-10, abs=1e-10)
    assert moved.theta[N_CUTS:] == pytest.approx(plain.theta[N_CUTS:] - known, rel=1e-10, abs=1e-10)
    assert moved.loglik == pytest.approx(plain.loglik, rel=1e-13)
    assert moved.information == pytest.approx(plain.information, rel=1e-9, abs=1e-9)


def test_a_binary_fit_without_predictors_and_with_an_offset_solves_its_one_equation() -> None:
    # The score of the threshold t is sum w (y - 1 / (1 + exp(t - offset))) = 0.
    _, y, w = problem(n_cuts=1)
    offset = np.linspace(-2, 2, len(y))
    found = search.maximise(np.empty((len(y), 0)), y, w, n_cuts=1, link=LINKS["logit"], offset=offset)
    assert w @ (y - 1 / (1 + np.exp(found.theta[0] - offset))) == pytest.approx(0, abs=1e-12)


# --- 50 digits: the same estimator written again in mpmath, from its definition ---

CDF: dict[str, Callable[[mpmath.mpf], mpmath.mpf]] = {
    "logit": lambda z: 1 / (1 + mpmath.exp(-z)),
    "probit": mpmath.ncdf,
    "cloglog": lambda z: 1 - mpmath.exp(-mpmath.exp(z)),
    "loglog": lambda z: mpmath.exp(-mpmath.exp(-z)),
    "cauchit": lambda z: mpmath.mpf(1) / 2 + mpmath.atan(z) / mpmath.pi,
}


class Exact:
    """One observation's log-likelihood and its derivatives by differentiation in 50-digit arithmetic."""

    def __init__(self, frame: pd.DataFrame, link: str) -> None:
        self.cdf = CDF[link]
        self.x = [mpmath.mpf(float(v)) for v in frame["x"]]
        self.y = [int(v) for v in frame["code"]]
        self.w = [mpmath.mpf(float(v)) for v in frame["w"]]

    def row(self, i: int, theta: list[mpmath.mpf]) -> mpmath.mpf:
        cut_low, cut_high, b = theta
        eta = self.x[i] * b
        top = [self.cdf(cut_low - eta), self.cdf(cut_high - eta), mpmath.mpf(1)]
        return mpmath.log(top[self.y[i]] - (top[self.y[i] - 1] if self.y[i] else 0))

    def derivatives(self, i: int, theta: list[mpmath.mpf]) -> tuple[mpmath.matrix, mpmath.matrix]:
        h = mpmath.mpf(10) ** -15  # errors of h² = 1e-30 in the first, and of 1e-30 in the second derivatives

        def moved(*steps: tuple[int, int]) -> mpmath.mpf:
            point = list(theta)
            for j, sign in steps:
                point[j] += sign * h
            return self.row(i, point)

        first = mpmath.matrix([(moved((j, 1)) - moved((j, -1))) / (2 * h) for j in range(3)])
        second = mpmath.matrix(3, 3)
        for j in range(3):
            for k in range(3):
                corners = moved((j, 1), (k, 1)) - moved((j, 1), (k, -1)) - moved((j, -1), (k, 1))
                second[j, k] = (corners + moved((j, -1), (k, -1))) / (4 * h * h)
        return first, second

    def fit(self, start: np.ndarray) -> tuple[list[mpmath.mpf], list[list[mpmath.mpf]], mpmath.matrix]:
        theta = [mpmath.mpf(float(t)) for t in start]
        for _ in range(4):  # Newton squares the error: from 1e-8 to below 1e-50
            parts = [self.derivatives(i, theta) for i in range(len(self.y))]
            gradient, hessian = mpmath.matrix(3, 1), mpmath.matrix(3, 3)
            for w, (first, second) in zip(self.w, parts, strict=True):
                gradient += w * first
                hessian += w * second
            step = mpmath.lu_solve(-hessian, gradient)
            theta = [t + s for t, s in zip(theta, step, strict=True)]
        inverse = (-hessian) ** -1
        return theta, [inverse * (w * first) for w, (first, _) in zip(self.w, parts, strict=True)], inverse


def tiny() -> pd.DataFrame:
    code = [0, 1, 2, 0, 1, 2, 2, 1, 0, 2, 1, 0]
    return pd.DataFrame(
        {
            "x": [0.5, 1.25, 2.0, -0.75, 0.25, -1.0, 1.5, -0.5, 1.0, 0.75, 1.75, -1.25],
            "w": [1.0, 2.5, 0.5, 1.25, 3.0, 0.75, 1.0, 1.5, 2.0, 1.0, 0.25, 1.75],
            "psu": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6],
            "stratum": [1] * 6 + [2] * 6,
            "code": code,
            "y": pd.Categorical.from_codes(code, categories=["low", "mid", "high"], ordered=True),
        }
    )


def linearised(influence: list[mpmath.matrix], frame: pd.DataFrame) -> mpmath.matrix:
    """sum over strata of n/(n-1) times the squared deviations of PSU totals from their mean."""
    variance = mpmath.matrix(3, 3)
    for _, rows in frame.groupby("stratum"):
        totals = [sum((influence[i] for i in g.index), mpmath.matrix(3, 1)) for _, g in rows.groupby("psu")]
        n = len(totals)
        mean = sum(totals, mpmath.matrix(3, 1)) / n
        for total in totals:
            variance += (total - mean) * (total - mean).T * mpmath.mpf(n) / (n - 1)
    return variance


@pytest.mark.parametrize("link", CDF)
def test_estimates_and_standard_errors_have_twelve_digits(link: str) -> None:
    frame = tiny()
    design = SurveyDesign(weights="w", strata="stratum", psu="psu")
    model = ologit("y ~ x", frame, link=link, design=design)
    with mpmath.workdps(50):
        slope, *cuts = model.estimates
        theta, influence, _ = Exact(frame, link).fit(np.array([*cuts, slope]))
        variance = linearised(influence, frame)
        wanted = [theta[2], theta[0], theta[1]]
        errors = [mpmath.sqrt(variance[j, j]) for j in (2, 0, 1)]
    assert model.estimates == pytest.approx([float(v) for v in wanted], rel=1e-12)
    assert model.bse.to_numpy() == pytest.approx([float(v) for v in errors], rel=1e-12)
    assert model.convergence.digits >= 12


def test_the_model_based_covariance_is_the_inverse_information_of_50_digits() -> None:
    frame = tiny()
    model = ologit("y ~ x", frame, design=SurveyDesign(weights="w"), covariance="model")
    with mpmath.workdps(50):
        slope, *cuts = model.estimates
        _, _, inverse = Exact(frame, "logit").fit(np.array([*cuts, slope]))
    order = [2, 0, 1]
    wanted = np.array([[float(inverse[j, k]) for k in order] for j in order])
    assert model.covariance_matrix == pytest.approx(wanted, rel=1e-11)


# --- the certificate ---


def test_the_claimed_digits_are_there_on_many_random_fits() -> None:
    rng = np.random.default_rng(11)
    for _ in range(10):
        n = int(rng.integers(40, 150))
        frame = pd.DataFrame({"x": rng.normal(rng.normal() * 50, 10 ** rng.uniform(-2, 2), n)})
        frame["y"] = (rng.random(n) < 0.5).astype(int)
        model = logit("y ~ x", frame)
        claimed = model.convergence.digits
        theta = [mpmath.mpf(v) for v in model.estimates]
        with mpmath.workdps(50):
            exact = exact_logit(frame, theta)
        for ours, true in zip(model.estimates, exact, strict=True):
            assert abs(ours - true) <= abs(true) * mpmath.mpf(10) ** -claimed, (claimed, ours)


def exact_logit(frame: pd.DataFrame, theta: list[mpmath.mpf]) -> list[mpmath.mpf]:
    rows = [(mpmath.mpf(1), mpmath.mpf(float(x)), int(y)) for x, y in frame[["x", "y"]].to_numpy()]
    for _ in range(3):
        gradient, information = mpmath.matrix(2, 1), mpmath.matrix(2, 2)
        for one, x, y in rows:
            p = 1 / (1 + mpmath.exp(-(theta[0] + theta[1] * x)))
            column = mpmath.matrix([one, x])
            gradient += column * (y - p)
            information += column * column.T * p * (1 - p)
        step = mpmath.lu_solve(information, gradient)
        theta = [theta[0] + step[0], theta[1] + step[1]]
    return theta


def test_a_search_that_is_cut_short_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, w = problem()
    monkeypatch.setattr(search, "MAX_ITERATIONS", 1)
    found = search.maximise(x, y, w, n_cuts=N_CUTS, link=LINKS["logit"])
    d = likelihood.derivatives(found.theta, x, y, N_CUTS, LINKS["logit"])
    terms = likelihood.row_scores(d, x, y, N_CUTS) * w[:, None]
    told = certificate(found, np.sqrt((terms**2).sum(axis=0)), float(w.sum()), np.eye(5))
    assert found.stalled
    assert not told.converged
    assert told.gradient > 1e-6
