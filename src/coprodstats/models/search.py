"""The search for the maximum of a cumulative-link likelihood by Newton's method, over data in blocks.

Symbols are those of `coprodstats.models.likelihood`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from coprodstats.models.blocks import Rows, category_weights, one_in, sort_rows
from coprodstats.models.evaluation import Evaluation, evaluate, gradient
from coprodstats.models.links import Link

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# A Newton step below this many standard errors squares to below rounding when it has been taken.
STEP_TOLERANCE = 1e-9
# A step of fewer standard errors is about the rounding of the score: it need not be taken.
NEGLIGIBLE = 1e-13
# A step of fewer changes the likelihood by so little that it may seem to fall.
SMALL = 1e-3
# One of fewer says nothing of how the information changes.
ROUNDED = 1e-11
# From this many rows on the search begins near the maximum of one in so many, less than NEAR standard errors
# from it: that is some errors from the maximum of all, and costs an eighth of the passes that it saves. Steps
# with their information, at most so many, lead nearer.
MANY_ROWS = 10_000
THINNING = 8
NEAR = 0.5
STEPS_NEARER = 2
MAX_ITERATIONS = 60
MAX_HALVINGS = 40
# Below this the information, relative to its scale, is singular to working precision.
SINGULAR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate:
    """The maximum of one weighted likelihood.

    Attributes
    ----------
    theta
        Thresholds, then slopes, shape (K-1+p,).
    loglik
        Weighted log-likelihood.
    information
        Observed information, shape (K-1+p, K-1+p).
    iterations
        Newton iterations.
    last_step
        Newton step that would come next, shape (K-1+p,): the error that is left.
    decrement
        s' I^-1 s at ``theta``.
    stalled
        Whether the search stopped for want of progress before the gradient vanished.
    bend
        About by how much a step of one standard error changes the information, relative to it.
    """

    theta: Floats
    loglik: float
    information: Floats
    iterations: int
    last_step: Floats
    decrement: float
    stalled: bool
    bend: float = np.nan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Thinned:
    """A fit to about one in so many rows: the maximum for all is looked for from there.

    Attributes
    ----------
    fit
        The fit, a small step (`is_near`) from the maximum, if there is one.
    one_in
        Rows for each of its own.
    """

    fit: Estimate
    one_in: float


def starting_values(y: Ints, w: Floats, n_cuts: int, p: int, link: Link) -> Floats:
    """Return thresholds that fit the weighted shares of the categories, and zero slopes."""
    return _without_predictors(np.bincount(y, w, n_cuts + 1).astype(float), p, link)


def _without_predictors(sizes: Floats, p: int, link: Link) -> Floats:
    """Return thresholds that fit the categories' weights, shape (K,), and zero slopes."""
    shares = np.cumsum(sizes)[:-1] / sizes.sum()
    cuts = np.interp(shares, *_distribution(link))
    # Shares below the grid's resolution would tie; thresholds must increase.
    return np.concatenate([cuts + 1e-6 * np.arange(len(cuts)), np.zeros(p)])


@cache
def _distribution(link: Link) -> tuple[Floats, Floats]:
    """Return F at points of a grid, and these, shape (m,) each."""
    grid = np.linspace(-8.0, 8.0, 4001)
    return np.exp(link.log_cdf(grid)), grid


def maximise(
    x: Floats,
    y: Ints,
    w: Floats,
    *,
    n_cuts: int,
    link: Link,
    start: Floats | None = None,
    tolerance: float = STEP_TOLERANCE,
    offset: Floats | None = None,
) -> Estimate:
    """Maximise the weighted log-likelihood by Newton's method with step halving.

    Parameters
    ----------
    x
        Predictors, standardised for good conditioning, shape (n, p).
    y
        Categories 0 … K-1, shape (n,).
    w
        Positive weights, shape (n,).
    n_cuts
        K-1.
    link
        The link.
    start
        Starting values of theta; by default the fit without predictors.
    tolerance
        Size, in standard errors, of the Newton step after which no further one is taken.
    offset
        Known part of each row's linear predictor, x'b + offset, shape (n,); by default none.

    Returns
    -------
    Estimate
        The maximum; ``stalled`` if no step increased the likelihood any more.

    Notes
    -----
    Logit, probit, cloglog and loglog have concave log-likelihoods (Pratt 1981, *JASA* 76, 103-106), so that
    Newton with halving finds the one maximum. For the cauchit link the information may be indefinite away
    from the maximum; its eigenvalues are then taken by absolute value.
    """
    rows, _ = sort_rows(x, y, w, n_cuts, offset=offset)
    return maximise_rows(rows, link, start=start, tolerance=tolerance)


def maximise_rows(
    rows: Rows,
    link: Link,
    *,
    start: Floats | Estimate | Thinned | None = None,
    tolerance: float = STEP_TOLERANCE,
    most: int | None = None,
    enough: Callable[[float, float], bool] | None = None,
) -> Estimate:
    """Maximise the weighted log-likelihood of data in blocks; see `maximise`.

    Parameters
    ----------
    rows
        The data.
    link
        The link.
    start
        Starting values of theta, or an estimate from the same data, to be made more exact, or the maximum for
        some of the rows; by default the latter is found first where there are many rows.
    tolerance
        As for `maximise`.
    most
        Newton steps to take at most.
    enough
        Whether to end where the next step is of some size, in standard errors, and the information bends as
        `Estimate.bend` says; the step is left to the caller.
    """
    iterations, bend = 0, np.nan
    if isinstance(start, Estimate):
        theta, iterations, bend = start.theta, start.iterations, start.bend
        here = Evaluation(
            loglik=start.loglik, score=start.information @ start.last_step, information=start.information
        )
    elif start is None or isinstance(start, Thinned):
        theta, here, bend = _start(rows, link, start)
    else:
        theta, here = start, evaluate(start, rows, link)
    step, size = _next_step(here)
    before, settled = np.nan, size < NEGLIGIBLE or (enough is not None and enough(size, bend))
    last = iterations + (MAX_ITERATIONS if most is None else most)
    while not settled and iterations < last and np.isfinite(here.loglik):
        iterations += 1
        # Steps shrink quadratically: the next is expected to be of about the size that is compared.
        settled = size < tolerance or size * (size / before) ** 2 < max(NEGLIGIBLE, tolerance**2)
        moved = _first_gain(theta, step, here, rows, link, at_once=settled and size < SMALL)
        if moved is None:
            settled = False
            break
        (theta, here), before = moved, size
        step, size = _next_step(here)
        if size > ROUNDED or np.isnan(bend):
            bend = max(size / before**2, 1 / np.sqrt(len(rows.w)))
        settled = settled or size < NEGLIGIBLE or (enough is not None and enough(size, bend))
    return Estimate(
        theta=theta,
        loglik=here.loglik,
        information=here.information,
        iterations=iterations,
        last_step=step,
        decrement=abs(float(here.score @ step)),
        stalled=not settled,
        bend=bend,
    )


def _start(rows: Rows, link: Link, few: Thinned | None) -> tuple[Floats, Evaluation, float]:
    """Return the fit without predictors; of many rows a point from the fit of a few, where that is better.

    And how the information bends, as far as is known (`Estimate.bend`).
    """
    sizes = category_weights(rows)
    if few is None and len(rows.w) > MANY_ROWS:
        some = one_in(rows, THINNING)
        fit = maximise_rows(some, link, enough=is_near)
        few = Thinned(fit=fit, one_in=len(rows.w) / len(some.w))
    if few is not None:
        begin = _nearer(few, rows, link)
        there = _tried(begin, rows, link)
        if there.loglik > sizes @ np.log(sizes / sizes.sum()):
            return begin, there, few.fit.bend  # its standard errors are larger: rather too much
    theta = _without_predictors(sizes, len(rows.x), link)
    if rows.offset is not None:
        theta[: rows.n_cuts] += np.average(rows.offset, weights=rows.w)
    return theta, evaluate(theta, rows, link), np.nan


def is_near(size: float, _bend: float) -> bool:
    """Return whether a step of some size, in standard errors, ends near enough to a maximum to begin from."""
    return size < NEAR


def _nearer(few: Thinned, rows: Rows, link: Link) -> Floats:
    """Return a point near the maximum, by steps from that of some of the rows, shape (q,).

    Their information, times the rows for each, differs from that of all by some per cent: a step with it
    leaves as much of the way. Two take less time than one with the information of all.
    """
    theta, information = few.fit.theta + few.fit.last_step, few.fit.information * few.one_in
    before = np.inf
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        for _ in range(STEPS_NEARER):
            score = gradient(theta, rows, link)
            step = ascent_step(information, score)
            moved, length = theta + step, float(score @ step)
            if np.any(np.diff(moved[: rows.n_cuts]) <= 0) or not length < before:
                break
            theta, before = moved, length
    return theta


def _next_step(at: Evaluation) -> tuple[Floats, float]:
    """Return Newton's step, and its largest component in standard errors."""
    step = ascent_step(at.information, at.score)
    return step, float(np.max(np.abs(step) * np.sqrt(np.abs(np.diag(at.information)))))


def _first_gain(
    theta: Floats, step: Floats, here: Evaluation, rows: Rows, link: Link, *, at_once: bool
) -> tuple[Floats, Evaluation] | None:
    """Return the first of step, step/2, … that does not lower the likelihood, and what it is there.

    With ``at_once`` it is the step itself, after which the likelihood differs by rounding only.
    """
    for halvings in range(MAX_HALVINGS):
        candidate = theta + step / 2.0**halvings
        there = _tried(candidate, rows, link)
        if at_once or there.loglik > here.loglik - 1e-13 * abs(here.loglik):  # rounding of a sum of n terms
            return candidate, there
    return None


def _tried(theta: Floats, rows: Rows, link: Link) -> Evaluation:
    """Return the evaluation at a point that may be far off; where it is no number, a likelihood of -inf."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        found = evaluate(theta, rows, link)
    return found if np.isfinite(found.information).all() else replace(found, loglik=-np.inf)


def ascent_step(info: Floats, s: Floats) -> Floats:
    """Return Newton's step; where the information is not positive definite, one that ascends all the same."""
    _, step, indefinite = lapack.dposv(info, s)
    if not indefinite:
        return np.asarray(step)
    values, vectors = np.linalg.eigh(info)
    size = np.maximum(np.abs(values), SINGULAR * np.abs(values).max())
    return np.asarray(vectors @ ((vectors.T @ s) / size))
