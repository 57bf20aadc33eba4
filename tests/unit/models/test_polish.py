"""The settled maximum: what it leaves of the score, and what it gives up on."""

from __future__ import annotations

from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest

from coprodstats.models import double_double as dd
from coprodstats.models import search
from coprodstats.models.blocks import Rows, sort_rows
from coprodstats.models.evaluation import evaluate
from coprodstats.models.exact_rows import derivative
from coprodstats.models.links import LINKS
from coprodstats.models.polish import Settled, near_enough, settle

CONTEXT = mp.mp.clone()
# Tails of the normal distribution at 25 standard deviations cancel 140 digits.
CONTEXT.dps = 300
F = {
    "logit": lambda z: 1 / (1 + CONTEXT.exp(-z)),
    "probit": CONTEXT.ncdf,
    "cloglog": lambda z: -CONTEXT.expm1(-CONTEXT.exp(z)),
    "loglog": lambda z: CONTEXT.exp(-CONTEXT.exp(-z)),
    "cauchit": lambda z: CONTEXT.atan(z) / CONTEXT.pi + CONTEXT.mpf(1) / 2,
}
DENSITY = {
    "logit": lambda z: CONTEXT.exp(-z) / (1 + CONTEXT.exp(-z)) ** 2,
    "probit": CONTEXT.npdf,
    "cloglog": lambda z: CONTEXT.exp(z - CONTEXT.exp(z)),
    "loglog": lambda z: CONTEXT.exp(-z - CONTEXT.exp(-z)),
    "cauchit": lambda z: 1 / (CONTEXT.pi * (1 + z * z)),
}


def data(n: int, n_cuts: int, *, offset: bool = False) -> Rows:
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, 3))
    known = rng.normal(size=n) if offset else None
    latent = x @ [0.5, -0.3, 0.1] + rng.logistic(size=n) + (0 if known is None else known)
    y = np.digitize(latent, np.linspace(-1, 1, n_cuts))
    return sort_rows(x, y, rng.uniform(0.5, 2, n), n_cuts, offset=known)[0]


def exact(pair: dd.Pair, i: int) -> mp.mpf:
    return CONTEXT.mpf(float(pair[0][i])) + CONTEXT.mpf(float(pair[1][i]))


@pytest.mark.parametrize(("above", "below"), [(0.7, None), (None, -0.3), (0.7, -0.3), (0.7, 0.699)])
@pytest.mark.parametrize("link", LINKS)
def test_derivatives_of_rows(link, above, below):
    # Linear predictors as far out as a double's range lets the likelihood of the link be computed.
    reach = {"cloglog": 5, "loglog": 5}.get(link, 25)
    eta = np.linspace(-reach, reach, 41)
    cuts = np.array([cut for cut in (below, above) if cut is not None])
    found = derivative(link, dd.pair(cuts))(dd.pair(eta), 0 if below is None else 1)
    shared = exact(found.shared, 0)
    for i, at in enumerate(eta.tolist()):
        ends = [None if cut is None else CONTEXT.mpf(cut) - CONTEXT.mpf(at) for cut in (above, below)]
        p = (1 if ends[0] is None else F[link](ends[0])) - (0 if ends[1] is None else F[link](ends[1]))
        for sign, end, value in zip((1, -1), ends, (found.above, found.below), strict=True):
            if end is None:
                assert value is None
                continue
            truth = sign * DENSITY[link](end) / p
            # 2**-60 of the larger of the derivative and one, as is promised
            assert abs(exact(value, i) + sign * shared - truth) < CONTEXT.mpf(2) ** -60 * max(1, abs(truth))
            # the first part's product with a number of 26 bits is exact
            assert CONTEXT.mpf(float(value[0][i])) * (2**26 - 1) == float(value[0][i]) * (2**26 - 1)


def test_linear_predictors_known_to_be_small_need_no_bounds() -> None:
    eta = dd.pair(np.linspace(-40, 40, 99))
    cuts = dd.pair(np.array([-0.4, 0.9]))
    for k in range(3):
        known, unknown = (derivative("logit", cuts, largest)(eta, k) for largest in (40.0, np.inf))
        assert np.array_equal(known.kept, unknown.kept)
        for one, other in ((known.above, unknown.above), (known.below, unknown.below)):
            assert one is other or np.array_equal(one, other)
    beyond = dd.pair(np.array([800.0, -900.0]))
    found = derivative("logit", cuts, 900.0)(beyond, 0)  # a bound that does not serve: odds are held
    assert np.isfinite(found.kept).all()


def left(found: Settled, rows: Rows, link: str, information: np.ndarray) -> float:
    """Return the largest component of the step that is left, in standard errors, from the exact score."""
    n_cuts, p = rows.n_cuts, len(rows.x)
    score = [CONTEXT.mpf(0)] * (n_cuts + p)
    for block in rows.blocks:
        for i in range(block.rows.start, block.rows.stop):
            x = [CONTEXT.mpf(v) for v in rows.x[:, i].tolist()]
            eta = CONTEXT.fdot(x, [exact(found.theta, n_cuts + j) for j in range(p)])
            eta += 0 if rows.offset is None else CONTEXT.mpf(float(rows.offset[i]))
            k, w = block.category, CONTEXT.mpf(float(rows.w[i]))
            upper = None if k == n_cuts else exact(found.theta, k) - eta
            lower = None if k == 0 else exact(found.theta, k - 1) - eta
            chance = (1 if upper is None else F[link](upper)) - (0 if lower is None else F[link](lower))
            for sign, end, position in ((1, upper, k), (-1, lower, k - 1)):
                if end is not None:
                    part = sign * w * DENSITY[link](end) / chance
                    score[position] += part
                    score[n_cuts:] = [s - part * v for s, v in zip(score[n_cuts:], x, strict=True)]
    step = np.linalg.solve(information, [float(s) for s in score])
    return float(np.abs(step * np.sqrt(np.diag(information))).max())


@pytest.mark.parametrize("enough", [None, near_enough])
@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("link", LINKS)
def test_the_score_at_the_settled_maximum_is_beyond_the_last_bit(link, offset, enough):
    rows = data(60, 2, offset=offset)
    fit = search.maximise_rows(rows, LINKS[link], enough=enough)
    found = settle(rows, LINKS[link], fit)
    assert found is not None
    assert left(found, rows, link, fit.information) < 1e-17  # 2**-60 per row at worst


@pytest.mark.parametrize("size", [300.0, 700.0, 1e4])
def test_rows_beyond_the_range_of_odds_do_not_unsettle(size):
    rows = data(60, 2)
    far = [b.rows.start if b.category == 0 else b.rows.stop - 1 for b in rows.blocks if b.category != 1]
    rows.x[0, far] = -size, size
    fit = search.maximise_rows(rows, LINKS["logit"])
    found = settle(rows, LINKS["logit"], fit)
    assert found is not None
    assert left(found, rows, "logit", fit.information) < 1e-17


def test_thresholds_beyond_the_range_of_odds_are_given_up():
    rows = data(60, 2)
    fit = search.maximise_rows(rows, LINKS["logit"])
    rows = replace(rows, offset=np.full(len(rows.w), 1e3))
    apart = replace(fit, theta=fit.theta + np.repeat([1e3, 0.0], [2, 3]))
    assert settle(rows, LINKS["logit"], apart) is None


@pytest.mark.parametrize("link", LINKS)
def test_information_is_that_of_the_kernel(link):
    rows = data(9_000, 3)  # several blocks of some categories
    fit = search.maximise_rows(rows, LINKS[link])
    found = settle(rows, LINKS[link], fit)
    there = evaluate(found.theta[0], rows, LINKS[link])
    # the kernel's own sums of 9,000 doubles
    assert found.information[0] == pytest.approx(there.information, rel=1e-11, abs=1e-10)
    assert np.array_equal(found.information[0], found.information[0].T)
    assert found.error < 1e-17


def beside(rows: Rows, link: str, size: float, bend: float) -> search.Estimate:
    """Return a fit that ends some conditional standard errors from the maximum, and says how it bends."""
    best = search.maximise_rows(rows, LINKS[link])
    signs = np.where(np.arange(len(best.theta)) % 2, 1.0, -1.0)
    theta = best.theta + signs * size / np.sqrt(np.diag(best.information))
    here = evaluate(theta, rows, LINKS[link])
    step = np.linalg.solve(here.information, here.score)
    return replace(
        best,
        theta=theta,
        loglik=here.loglik,
        information=here.information,
        last_step=step,
        decrement=float(here.score @ step),
        bend=bend,
    )


@pytest.mark.parametrize("link", LINKS)
def test_the_likelihood_is_that_of_the_maximum(link: str) -> None:
    rows = data(9_000, 2)
    found = settle(rows, LINKS[link], beside(rows, link, 0.01, 0.01))
    there = evaluate(found.theta[0], rows, LINKS[link])
    # a sum of 9,000 doubles; half of the decrement alone would be off by some 1e-8
    assert found.loglik == pytest.approx(there.loglik, rel=0, abs=1e-10)


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_a_fit_that_bends_more_than_it_says_is_settled_as_exactly(link: str) -> None:
    rows = data(60, 2)
    near = settle(rows, LINKS[link], beside(rows, link, 1e-9, 1.0))
    found = settle(rows, LINKS[link], beside(rows, link, 0.02, 1e-6))
    assert near is not None
    assert found is not None
    # a step by the information of such a fit would leave an error of 1e-13 in that of the maximum
    assert found.theta[0] == pytest.approx(near.theta[0], rel=1e-15, abs=0)
    assert found.information[0] == pytest.approx(near.information[0], rel=2e-15, abs=0)
    assert found.error < 1e-17


def test_it_gives_up_far_from_a_maximum():
    rows = data(60, 2)
    fit = search.maximise_rows(rows, LINKS["logit"])
    assert settle(rows, LINKS["logit"], replace(fit, theta=fit.theta + 0.1)) is None
    assert settle(rows, LINKS["logit"], replace(fit, information=-fit.information)) is None
