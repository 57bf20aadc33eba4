"""The maximum of a cumulative-link likelihood settled beyond the digits of a double.

A fit in doubles ends within some 1e-13 standard errors of the maximum, at a point that depends on the order
of rows, the BLAS library and its threads. Here the score is evaluated with twice the digits, at estimates of
twice the digits, and Newton's method goes on with the information of the fit (iterative refinement), until
what is left is far below the last bit. Information and scores are then taken at that point, from sums that
don't depend on the order of rows (`coprodstats.survey.sums`).

Symbols are those of `coprodstats.models.likelihood`; data are in blocks of one category.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from coprodstats.models import double_double as dd
from coprodstats.models.blocks import BLOCK_ROWS, Block, Rows
from coprodstats.models.double_double import Pair
from coprodstats.models.exact_rows import derivative, logistic_constants
from coprodstats.models.likelihood import Estimate
from coprodstats.models.links import Link, interval_derivatives
from coprodstats.models.pair_matrices import inverse, product, transposed
from coprodstats.models.scores import CumulativeScores
from coprodstats.survey.sums import BITS, CutLines, LineSum, cut, line_bounds, power_above

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Steps end when so many standard errors are expected to be left: far less than moves the last bit.
NEGLIGIBLE = 1e-19
MOST_STEPS = 4
# A fit that is further from the maximum has not converged, or its rows are beyond the range of doubles.
LARGE_STEP = 1e-5
# Relative error of an information in doubles.
ROUGH = 1e-12
# What the rounding of predictors is taken to do to estimates: three units in the last place.
ROUNDING = 3 * 2.0**-53


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settled:
    """A maximum with twice the digits, and what is computed there.

    Attributes
    ----------
    theta
        Thresholds, then slopes, shape (q,).
    information
        Minus the Hessian, shape (q, q).
    residual, above, below
        Derivatives of each row, weighted; see `coprodstats.models.scores.CumulativeScores`, shape (n,).
    error
        Bound on the error of ``theta`` in standard errors (those of the inverse information).
    """

    theta: Pair
    information: Pair
    residual: Floats
    above: Floats
    below: Floats
    error: float

    def estimate(self, near: Estimate) -> Estimate:
        """Return the maximum rounded to doubles, with the likelihood of the fit in doubles ``near`` it."""
        return replace(
            near,
            theta=dd.rounded(self.theta),
            information=dd.rounded(self.information),
            last_step=np.zeros_like(near.theta),
            decrement=self.error**2,
        )

    def scores(self, rows: Rows, place: Ints, w: Floats) -> CumulativeScores:
        """Return the scores of respondents with weights ``w``, (n,), each of them row ``place``."""
        return CumulativeScores(
            rows=rows, residual=self.residual, above=self.above, below=self.below, place=place, w=w
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Data:
    """The data, bounds of its predictors, and arrays to work in: memory that is new is slow."""

    rows: Rows
    link: Link
    size: Floats
    work: Floats

    @classmethod
    def of(cls, rows: Rows, link: Link) -> _Data:
        p = len(rows.x)
        longest = min(BLOCK_ROWS, len(rows.w))
        return cls(rows=rows, link=link, size=line_bounds(rows.x), work=np.empty((5, p + 3, longest)))

    def arrays(self, start: int, count: int, lines: int, m: int) -> Floats:
        """Return some of the arrays, shape (count, lines, m)."""
        return self.work[start : start + count, :lines, :m]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Derived:
    """Derivatives of a block's rows in doubles, weighted; see `coprodstats.models.blocks.Derived`.

    Attributes
    ----------
    residual, curvature
        Minus the first and second derivative by the linear predictor, shape (m,).
    first, mixed
        First derivatives by the threshold below and the one above, and the second ones by it and the linear
        predictor, 0 where there is no threshold, shape (2, m).
    coupling
        Second derivative by both thresholds, shape (m,).
    """

    residual: Floats
    curvature: Floats
    first: Floats
    mixed: Floats
    coupling: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reported:
    """A settled maximum in the parameters that are reported.

    Attributes
    ----------
    estimates
        Estimates, shape (q,).
    bread
        Matrix from scores to influences, shape (q, q).
    naive
        Inverse information, shape (q, q).
    digits
        Correct significant digits of the least exact estimate.
    """

    estimates: Floats
    bread: Floats
    naive: Floats
    digits: int


def settle(rows: Rows, link: Link, start: Floats, information: Floats) -> Settled | None:
    """Return the maximum near a fit in doubles.

    Parameters
    ----------
    rows
        The data.
    link
        The link.
    start
        The fit: thresholds, then slopes, shape (q,).
    information
        Minus the Hessian there, shape (q, q).

    Returns
    -------
    Settled or None
        None if the fit is not near a maximum, or rows of it are beyond the range of doubles.

    Notes
    -----
    A score of error e gives estimates of error ``information^-1 e``; the error of the information only slows
    Newton's steps down (Higham 2002, *Accuracy and Stability of Numerical Algorithms*, ch. 12).
    """
    data = _Data.of(rows, link)
    try:
        factor = linalg.cho_factor(information)
    except linalg.LinAlgError:  # no maximum
        return None
    scale = np.sqrt(np.diag(information))
    theta, length, root = dd.pair(start), np.inf, np.sqrt(len(rows.w))
    for _ in range(MOST_STEPS):
        step = linalg.cho_solve(factor, dd.rounded(_score(theta, data)))
        length = float(np.abs(step * scale).max())
        if not length < LARGE_STEP:
            return None
        theta = dd.add(theta, dd.pair(step))
        # What the curvature's own change leaves is the square of the step, over the root of the rows.
        if length * (length / root + ROUGH) < NEGLIGIBLE:
            break
    residual, above, below = (np.zeros(len(rows.w)) for _ in range(3))
    p = len(rows.x)
    derived = _derived(theta, data)
    sums = [LineSum.zero(p + 1, p + 3) for _ in range(rows.n_cuts + 1)]
    for block in rows.blocks:
        parts = _cut_block(data, block)
        d = derived(_linear_predictor(theta, data, block, parts), rows.w[block.rows], block.category)
        lines, bounds = _curved_lines(d, data, block)
        first, second = data.arrays(3, 2, *lines.shape)
        sums[block.category] = sums[block.category].plus(parts, lines, bounds=bounds, work=(first, second))
        residual[block.rows] = d.residual
        below[block.rows], above[block.rows] = d.first
    return Settled(
        theta=theta,
        information=_information(sums, rows.n_cuts, p),
        residual=residual,
        above=above,
        below=below,
        error=length * (length + ROUGH) + 2.0**-60,
    )


def reported(found: Settled, centre: Floats, turn: Floats, to_reported: Floats) -> Reported:
    """Return a settled maximum in the parameters that are reported.

    Parameters
    ----------
    found
        The maximum, of the predictors ``(x - centre) turn``.
    centre, turn
        What made them, shapes (p,) and (p, p).
    to_reported
        Matrix from thresholds and slopes of ``x`` to the reported parameters, which reorders them and changes
        signs, shape (q, q).

    Notes
    -----
    The predictors themselves are rounded: as if each had another last bit, which moves an estimate by a few
    units in the last place of itself or of its standard error.
    """
    q, p = len(found.theta[0]), len(centre)
    to_raw = dd.pair(np.eye(q))
    shift = product(dd.pair(centre[None, :]), dd.pair(turn))
    to_raw[0][: q - p, q - p :], to_raw[1][: q - p, q - p :] = shift
    to_raw[0][q - p :, q - p :] = turn
    carry = to_reported @ to_raw[0], to_reported @ to_raw[1]
    naive = inverse(found.information)
    bread = product(carry, naive)
    estimates = dd.rounded(product(carry, (found.theta[0][:, None], found.theta[1][:, None])))[:, 0]
    errors = np.sqrt(np.diag(naive[0]))
    rounding = ROUNDING * (np.abs(found.theta[0]) + errors)
    error = np.abs(carry[0]) @ (rounding + found.error * errors)
    relative = np.max(error / np.maximum(np.abs(estimates), np.finfo(float).tiny))
    return Reported(
        estimates=estimates,
        bread=dd.rounded(bread),
        naive=dd.rounded(product(bread, transposed(carry))),
        digits=int(np.clip(np.floor(-np.log10(relative)), 0, 15)),
    )


def _cut_block(data: _Data, block: Block) -> CutLines:
    """Return a block's predictors after a line of ones, cut in two."""
    x = data.rows.x[:, block.rows]
    high, low = data.arrays(0, 2, len(x) + 1, x.shape[1])
    high[0], low[0] = 1.0, 0.0
    cut(x, data.size, BITS, (high[1:], low[1:]))
    return CutLines(high=high, low=low)


def _linear_predictor(theta: Pair, data: _Data, block: Block, parts: CutLines) -> Pair:
    """Return each row's linear predictor.

    The products of the first parts of slopes and predictors, and their sum, are exact.
    """
    n_cuts, size, offset = data.rows.n_cuts, data.size[:, 0], data.rows.offset
    slopes, tail = theta[0][n_cuts:], theta[1][n_cuts:]
    contribution = slopes * size
    first, _ = cut(contribution, power_above(np.abs(contribution).max(initial=0.0)), BITS - 1)
    first = first / size
    rest = (slopes - first) + tail
    eta = dd.quick_two_sum(first @ parts.high[1:], rest @ parts.high[1:] + slopes @ parts.low[1:])
    return eta if offset is None else dd.add(eta, dd.pair(offset[block.rows]))


def _score(theta: Pair, data: _Data) -> Pair:
    """Return the weighted score, shape (q,)."""
    n_cuts, p = data.rows.n_cuts, len(data.rows.x)
    sums = [LineSum.zero(p + 1, 2) for _ in range(n_cuts + 1)]
    rows_of = derivative(data.link.name, (theta[0][:n_cuts], theta[1][:n_cuts]))
    for block in data.rows.blocks:
        k, w = block.category, data.rows.w[block.rows]
        parts = _cut_block(data, block)
        eta = _linear_predictor(theta, data, block, parts)
        values, rests = data.arrays(2, 2, 2, len(w))
        for i, end in enumerate(rows_of(eta, k)):
            values[i], rests[i] = (0.0, 0.0) if end is None else _weighted(end, w)
        sums[k] = sums[k].plus(parts, values, rest=rests)
    return _laid_score([s.high for s in sums], n_cuts), _laid_score([s.low for s in sums], n_cuts)


def _weighted(x: Pair, w: Floats) -> Pair:
    p, e = dd.two_product(x[0], w)
    e += x[1] * w
    return p, e


def _laid_score(sums: list[Floats], n_cuts: int) -> Floats:
    """Return the score from the sums by category: to each threshold, and minus to the slopes."""
    above, below = np.array([s[:, 0] for s in sums]), np.array([s[:, 1] for s in sums])
    cuts = above[:n_cuts, 0] + below[1:, 0]
    return np.concatenate([cuts, -(above[:, 1:] + below[:, 1:]).sum(axis=0)])


def _derived(theta: Pair, data: _Data) -> Callable[[Pair, Floats, int], _Derived]:
    """Return what gives the derivatives of rows in doubles, from linear predictors, weights and category."""
    cuts = theta[0][: data.rows.n_cuts], theta[1][: data.rows.n_cuts]
    if data.link.name == "logit":
        odds, shared = logistic_constants(cuts)
        return partial(_logistic, odds=odds[0], shared=np.concatenate([[0.0], shared[0], [0.0]]))
    return partial(_of_link, cuts=dd.rounded(cuts), link=data.link)


def _logistic(eta: Pair, w: Floats, k: int, *, odds: Floats, shared: Floats) -> _Derived:
    """Return the derivatives for the logistic distribution, as `coprodstats.models.blocks` does.

    A library's exponential differs between processors in its last bit; that of `double_double` does not.
    """
    grown = dd.exp_rounded(eta[0])
    grown += grown * eta[1]
    first, mixed = np.zeros((2, len(w))), np.zeros((2, len(w)))
    residual = np.zeros_like(w)
    for end in (0, 1):
        if not 0 <= k - 1 + end < len(odds):
            continue
        against = grown * odds[k - 1 + end]
        inside = 1.0 + against
        np.divide(1.0, inside, out=inside)  # F at this end
        np.multiply(w, inside, out=first[end])
        against *= first[end]  # the weight of 1 - F
        np.multiply(against, inside, out=mixed[end])
        if end:
            first[end] = against
            residual += against
        else:
            np.negative(first[end], out=first[end])
            residual += first[end]
    if shared[k]:
        against = w * shared[k]
        first[0] -= against
        first[1] += against
    coupling = w * (shared[k] * (1.0 + shared[k]))
    return _Derived(
        residual=residual, curvature=mixed[0] + mixed[1], first=first, mixed=mixed, coupling=coupling
    )


def _of_link(eta: Pair, w: Floats, k: int, *, cuts: Floats, link: Link) -> _Derived:
    along = dd.rounded(eta)
    lower = cuts[k - 1] - along if k > 0 else np.full_like(along, -np.inf)
    upper = cuts[k] - along if k < len(cuts) else np.full_like(along, np.inf)
    d = interval_derivatives(link, lower, upper)
    both = w * d.upper_lower
    mixed = -np.stack([w * d.lower_lower + both, w * d.upper_upper + both])
    mixed[0] *= k > 0
    mixed[1] *= k < len(cuts)
    return _Derived(
        residual=w * (d.upper + d.lower),
        curvature=mixed[0] + mixed[1],
        first=np.stack([w * d.lower, w * d.upper]),
        mixed=mixed,
        coupling=both,
    )


def _curved_lines(d: _Derived, data: _Data, block: Block) -> tuple[Floats, Floats]:
    """Return the lines whose products with ones and predictors make up the information, and their bounds.

    Predictors times curvature, then the mixed derivatives by the threshold below and above, and the second
    derivative by both, shape (p+3, m).
    """
    x = data.rows.x[:, block.rows]
    lines = data.arrays(2, 1, len(x) + 3, x.shape[1])[0]
    np.multiply(x, d.curvature, out=lines[:-3])
    lines[-3:-1] = d.mixed
    lines[-1] = d.coupling
    largest = power_above(np.abs(d.curvature).max())
    return lines, np.concatenate([data.size * largest, line_bounds(lines[-3:])])


def _information(sums: list[LineSum], n_cuts: int, p: int) -> Pair:
    """Return the information from the products by category, shape (q, q)."""
    found = dd.pair(np.zeros((n_cuts + p, n_cuts + p)))
    for k, total in enumerate(sums):
        laid = [_laid_information(part, k, n_cuts) for part in (total.high, total.low)]
        found = dd.add(found, (laid[0], laid[1]))
    # Predictors times curvature are rounded, so that the sums of their products are not quite symmetric.
    return dd.scale(dd.add(found, transposed(found)), np.array([0.5]))


def _laid_information(products: Floats, k: int, n_cuts: int) -> Floats:
    """Return one category's part of the information; see `_curved_lines`."""
    p = len(products) - 1
    laid = np.zeros((n_cuts + p, n_cuts + p))
    laid[n_cuts:, n_cuts:] = products[1:, :p]
    coupling = products[0, -1]
    for column, position in ((p, k - 1), (p + 1, k)):
        if 0 <= position < n_cuts:
            laid[position, position] = products[0, column] + coupling
            laid[position, n_cuts:] = laid[n_cuts:, position] = -products[1:, column]
    if 0 < k < n_cuts:
        laid[k - 1, k] = laid[k, k - 1] = -coupling
    return laid
