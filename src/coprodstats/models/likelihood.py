"""The likelihood kernel of cumulative-link models: arrays only; two categories are the binary model.

Symbols: ``x`` (n, p) predictors without an intercept, ``y`` (n,) categories 0 … K-1, ``w`` (n,) weights,
``cuts`` (K-1,) thresholds, ``b`` (p,) slopes, ``theta`` = (cuts, b); P(Y <= k) = F(cuts_k - x'b - offset),
with ``offset`` (n,) a part of the linear predictor that is known, none by default.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from coprodstats.models.blocks import Rows, category_weights, one_in, sort_rows
from coprodstats.models.evaluation import Evaluation, evaluate, gradient
from coprodstats.models.links import Derivatives, Link, interval_derivatives, log_interval

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
# from it: that is some errors from the maximum of all, and costs an eighth of the passes that it saves.
MANY_ROWS = 5_000
THINNING = 8
NEAR = 0.5
MAX_ITERATIONS = 60
MAX_HALVINGS = 40
# Below this the information, relative to its scale, is singular to working precision.
SINGULAR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """How well the maximum was found.

    Attributes
    ----------
    converged
        Whether the gradient vanishes *and* the information is positive definite.
    iterations
        Newton iterations.
    gradient
        Length of the score in standard-error units, sqrt(s' I^-1 s), at the solution.
    smallest_eigenvalue
        Smallest eigenvalue of the information per unit of weight, predictors standardised and orthogonal.
    condition
        Condition number of that information.
    digits
        Correct significant digits of the least exact coefficient, by the size of the last Newton step and a
        bound on the rounding of the score.
    """

    converged: bool
    iterations: int
    gradient: float
    smallest_eigenvalue: float
    condition: float
    digits: int


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


def interval_ends(
    theta: Floats, x: Floats, y: Ints, n_cuts: int, *, offset: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return lower and upper ends of each row's interval, cut - x'b - offset, shape (n,) each."""
    padded = np.concatenate([[-np.inf], theta[:n_cuts], [np.inf]])
    eta = x @ theta[n_cuts:]
    if offset is not None:
        eta += offset
    return padded[y] - eta, padded[y + 1] - eta


def log_likelihood(
    theta: Floats, x: Floats, y: Ints, w: Floats, n_cuts: int, link: Link, *, offset: Floats | None = None
) -> float:
    """Return the weighted log-likelihood, -inf where thresholds are not increasing."""
    if np.any(np.diff(theta[:n_cuts]) <= 0):
        return -np.inf
    lower, upper = interval_ends(theta, x, y, n_cuts, offset=offset)
    return float(w @ log_interval(link, lower, upper))


def derivatives(
    theta: Floats, x: Floats, y: Ints, n_cuts: int, link: Link, *, offset: Floats | None = None
) -> Derivatives:
    """Return each row's log-probability with first and second derivatives by its interval's ends."""
    lower, upper = interval_ends(theta, x, y, n_cuts, offset=offset)
    return interval_derivatives(link, lower, upper)


def row_scores(d: Derivatives, x: Floats, y: Ints, n_cuts: int) -> Floats:
    """Return unweighted scores of each row, shape (n, K-1+p)."""
    cuts = _at_cuts(d.upper, d.lower, y, n_cuts)
    return np.hstack([cuts, -x * (d.upper + d.lower)[:, None]])


def score(d: Derivatives, x: Floats, y: Ints, w: Floats, n_cuts: int) -> Floats:
    """Return the weighted score, shape (K-1+p,)."""
    cuts = _by_cut(w * d.upper, w * d.lower, y, n_cuts)
    return np.concatenate([cuts, -(x.T @ (w * (d.upper + d.lower)))])


def information(d: Derivatives, x: Floats, y: Ints, w: Floats, n_cuts: int) -> Floats:
    """Return the observed information (minus the Hessian), shape (K-1+p, K-1+p)."""
    uu, ll, ul = w * d.upper_upper, w * d.lower_lower, w * d.upper_lower
    p = x.shape[1]
    hessian = np.empty((n_cuts + p, n_cuts + p))
    hessian[:n_cuts, :n_cuts] = np.diag(_by_cut(uu, ll, y, n_cuts))
    inner = np.bincount(y, ul, minlength=n_cuts + 1)[1:n_cuts]  # rows with two thresholds of their own
    k = np.arange(n_cuts - 1)
    hessian[k, k + 1] = inner
    hessian[k + 1, k] = inner
    hessian[n_cuts:, n_cuts:] = x.T @ (x * (uu + ll + 2 * ul)[:, None])
    cross = -(_at_cuts(uu + ul, ll + ul, y, n_cuts).T @ x)
    hessian[:n_cuts, n_cuts:] = cross
    hessian[n_cuts:, :n_cuts] = cross.T
    return -hessian


def _at_cuts(upper: Floats, lower: Floats, y: Ints, n_cuts: int) -> Floats:
    """Return each row's two numbers in the columns of the thresholds above and below it, shape (n, K-1)."""
    laid = np.zeros((len(y), n_cuts))
    has_upper, has_lower = np.flatnonzero(y < n_cuts), np.flatnonzero(y > 0)
    laid[has_upper, y[has_upper]] = upper[has_upper]
    laid[has_lower, y[has_lower] - 1] = lower[has_lower]
    return laid


def _by_cut(upper: Floats, lower: Floats, y: Ints, n_cuts: int) -> Floats:
    as_upper = np.bincount(y, upper, minlength=n_cuts + 1)[:n_cuts]
    as_lower = np.bincount(y, lower, minlength=n_cuts + 1)[1:]
    return np.asarray(as_upper + as_lower)


def starting_values(y: Ints, w: Floats, n_cuts: int, p: int, link: Link) -> Floats:
    """Return thresholds that fit the weighted shares of the categories, and zero slopes."""
    return _without_predictors(np.bincount(y, w, n_cuts + 1).astype(float), p, link)


def _without_predictors(sizes: Floats, p: int, link: Link) -> Floats:
    """Return thresholds that fit the categories' weights, shape (K,), and zero slopes."""
    shares = np.cumsum(sizes)[:-1] / sizes.sum()
    grid = np.linspace(-8.0, 8.0, 4001)
    cuts = np.interp(shares, np.exp(link.log_cdf(grid)), grid)
    # Shares below the grid's resolution would tie; thresholds must increase.
    return np.concatenate([cuts + 1e-6 * np.arange(len(cuts)), np.zeros(p)])


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
        theta, here = _start(rows, link, start)
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


def _start(rows: Rows, link: Link, few: Thinned | None) -> tuple[Floats, Evaluation]:
    """Return the fit without predictors; of many rows a point from the fit of a few, where that is better."""
    sizes = category_weights(rows)
    if few is None and len(rows.w) > MANY_ROWS:
        some = one_in(rows, THINNING)
        fit = maximise_rows(some, link, enough=is_near)
        few = Thinned(fit=fit, one_in=len(rows.w) / len(some.w))
    if few is not None:
        begin = _nearer(few, rows, link)
        there = _tried(begin, rows, link)
        if there.loglik > sizes @ np.log(sizes / sizes.sum()):
            return begin, there
    theta = _without_predictors(sizes, len(rows.x), link)
    if rows.offset is not None:
        theta[: rows.n_cuts] += np.average(rows.offset, weights=rows.w)
    return theta, evaluate(theta, rows, link)


def is_near(size: float, _bend: float) -> bool:
    """Return whether a step of some size, in standard errors, ends near enough to a maximum to begin from."""
    return size < NEAR


def _nearer(few: Thinned, rows: Rows, link: Link) -> Floats:
    """Return a point near the maximum, by a step from that of some of the rows, shape (q,).

    Their information, times the rows for each, differs from that of all by some per cent: a step with it
    leaves as much of the way.
    """
    theta, information = few.fit.theta + few.fit.last_step, few.fit.information * few.one_in
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        moved = theta + ascent_step(information, gradient(theta, rows, link))
    return theta if np.any(np.diff(moved[: rows.n_cuts]) <= 0) else moved


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


def certify(
    estimate: Estimate, d: Derivatives, x: Floats, y: Ints, w: Floats, to_user: Floats
) -> Convergence:
    """Return how exact an estimate is, in the parametrisation that the user sees.

    Parameters
    ----------
    estimate
        The maximum, in standardised coordinates.
    d
        Derivatives at the maximum.
    x, y, w
        The data of the fit.
    to_user
        Matrix that turns standardised coordinates into the user's, shape (K-1+p, K-1+p).
    """
    terms = row_scores(d, x, y, len(estimate.theta) - x.shape[1]) * w[:, None]
    return certificate(estimate, np.sqrt((terms**2).sum(axis=0)), float(w.sum()), to_user)


def certificate(estimate: Estimate, score_size: Floats, total: float, to_user: Floats) -> Convergence:
    """Return how exact the maximum of any likelihood is; see `certify` for that of this one.

    Parameters
    ----------
    estimate
        The maximum, in standardised coordinates, q of them.
    score_size
        Root of the sum over rows of squared weighted scores, shape (q,).
    total
        Sum of the weights.
    to_user
        Matrix that turns standardised coordinates into the user's, shape (q, q).

    Notes
    -----
    The error left is the next Newton step (Elden, Wittmeyer-Koch and Nielsen 2004, the method-independent
    error theorem) plus the rounding of the score, sqrt(sum of squared terms) times a few units in the last
    place, carried through the inverse information.
    """
    values = np.linalg.eigvalsh(estimate.information) / total
    rounding = 8 * np.finfo(float).eps * score_size
    positive = values[0] > SINGULAR * values[-1]
    digits = 0
    if positive:
        inverse = np.linalg.inv(estimate.information)
        user = to_user @ estimate.theta
        error = np.abs(to_user) @ (np.abs(estimate.last_step) + np.abs(inverse) @ rounding)
        error += np.finfo(float).eps * (np.abs(to_user) @ np.abs(estimate.theta))
        relative = error / np.maximum(np.abs(user), np.finfo(float).tiny)
        digits = int(np.clip(np.floor(-np.log10(max(relative.max(), 1e-16))), 0, 15))
    gradient = float(np.sqrt(estimate.decrement))
    return Convergence(
        converged=bool(positive and not estimate.stalled and gradient < 1e-6),
        iterations=estimate.iterations,
        gradient=gradient,
        smallest_eigenvalue=float(values[0]),
        condition=float(values[-1] / values[0]) if values[0] > 0 else np.inf,
        digits=digits,
    )
