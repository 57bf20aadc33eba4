"""The maximum of a cumulative-link likelihood settled beyond the digits of a double.

A fit in doubles ends within some 1e-13 standard errors of the maximum, at a point that depends on the order
of rows, the BLAS library and its threads. Here the score is evaluated with twice the digits, at estimates of
twice the digits, and Newton's method goes on with the information of the fit (iterative refinement), until
what is left is far below the last bit. Information and scores are then taken at that point, from sums that
don't depend on the order of rows (`coprodstats.survey.sums`); that is so near that what its rows are made of
follows from the last score's.

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
from coprodstats.models.exact_rows import SHORT_BITS, derivative, logistic_constants
from coprodstats.models.likelihood import Estimate
from coprodstats.models.links import Link, interval_derivatives
from coprodstats.models.pair_matrices import inverse, product, transposed
from coprodstats.models.scores import CumulativeScores
from coprodstats.survey.sums import (
    BITS,
    PADDING,
    CutLines,
    LineSum,
    binned_parts,
    cut,
    line_bounds,
    power_above,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# What may be left of a step, in standard errors: far less than moves the last bit.
NEGLIGIBLE = 1e-17
# The last score is taken at a multiple of about so many standard errors: rounding doesn't reach it.
GRID = 2.0**-34
# How exact the information is to be, relative to it.
INFORMATION = 3e-16
MOST_STEPS = 4
# A fit that is further from the maximum has not converged, or its rows are beyond the range of doubles.
LARGE_STEP = 1e-5
# First derivatives by two thresholds, as two parts each.
VALUE_LINES = 4
# Links whose rows all have a curvature of at least 0, and mixed derivatives too (Pratt 1981, see
# `coprodstats.models.likelihood`).
LOG_CONCAVE = ("logit", "probit", "cloglog", "loglog")
# What the rounding of predictors is taken to do to estimates: three units in the last place.
ROUNDING = 3 * 2.0**-53


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settled:
    """A maximum with twice the digits, and what is computed there.

    Attributes
    ----------
    theta
        Thresholds, then slopes, shape (q,).
    information, naive
        Minus the Hessian, and its inverse, shape (q, q).
    residual, above, below
        Derivatives of each row, weighted; see `coprodstats.models.scores.CumulativeScores`, shape (n,).
    error
        Bound on the error of ``theta`` in standard errors (those of the inverse information).
    """

    theta: Pair
    information: Pair
    naive: Pair
    residual: Floats
    above: Floats
    below: Floats
    error: float

    def estimate(self, near: Estimate) -> Estimate:
        """Return the maximum rounded to doubles, with the likelihood that the fit ``near`` it leads to."""
        return replace(
            near,
            theta=dd.rounded(self.theta),
            loglik=near.loglik + near.decrement / 2,
            information=dd.rounded(self.information),
            iterations=near.iterations + 1,
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
    """The data, bounds of predictors and weights, and arrays to work in: memory that is new is slow."""

    rows: Rows
    link: Link
    size: Floats
    heaviest: Floats
    work: Floats

    @classmethod
    def of(cls, rows: Rows, link: Link) -> _Data:
        p = len(rows.x)
        longest = min(BLOCK_ROWS, len(rows.w))
        return cls(
            rows=rows,
            link=link,
            size=line_bounds(rows.x),
            heaviest=power_above(rows.w.max()),
            work=np.empty((3 * (p + 2) + VALUE_LINES, longest + PADDING)),
        )

    def lines(self, start: int, count: int, m: int) -> Floats:
        """Return some of the lines to work in, shape (count, m)."""
        return self.work[start : start + count, :m]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Derived:
    """Derivatives of a block's rows in doubles, weighted; see `coprodstats.models.blocks.Derived`.

    Attributes
    ----------
    residual, curvature
        Minus the first and second derivative by the linear predictor, shape (m,).
    first
        First derivatives by the threshold below and the one above, 0 where there is none, shape (2, m).
    mixed
        Second derivative by the threshold above and the linear predictor, 0 without one, shape (m,).
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


def near_enough(size: float, bend: float) -> bool:
    """Return whether `settle` may take over from a search that is a step of some size from the maximum.

    Parameters
    ----------
    size
        The next step's largest component, in standard errors.
    bend
        About by how much one of that size 1 changes the information, relative to it.
    """
    left = bend * size**2
    return bend * left**2 < NEGLIGIBLE and bend**2 * size * left < INFORMATION


def settle(rows: Rows, link: Link, near: Estimate) -> Settled | None:
    """Return the maximum near a fit in doubles.

    Parameters
    ----------
    rows
        The data.
    link
        The link.
    near
        The fit, a small step from the maximum (`near_enough`).

    Returns
    -------
    Settled or None
        None if the fit is not near a maximum, or rows of it are beyond the range of doubles.

    Notes
    -----
    A score of error e gives estimates of error ``information^-1 e``; the error of the information only slows
    Newton's steps down (Higham 2002, *Accuracy and Stability of Numerical Algorithms*, ch. 12). So the last
    step is taken twice: first with the information of the fit, to where that of the maximum is to all digits;
    then with that.
    """
    data = _Data.of(rows, link)
    try:
        factor = linalg.cho_factor(near.information)
    except linalg.LinAlgError:  # no maximum
        return None
    scale, bend = np.sqrt(np.diag(near.information)), near.bend if near.bend > 0 else 1.0
    rough = bend * float(np.abs(near.last_step * scale).max())
    grid = power_above(GRID / scale)
    base, step = near.theta, near.last_step
    score, kept, length = dd.pair(step), np.empty(len(rows.w)), np.inf
    for _ in range(MOST_STEPS):
        # The same point under all orders of rows, but where rounding leads to both sides of a border.
        base = np.rint((base + step) / grid) * grid
        score = _score(base, data, kept)
        step = linalg.cho_solve(factor, dd.rounded(score))
        length = float(np.abs(step * scale).max())
        if not length < LARGE_STEP:
            return None
        if bend * length**2 < NEGLIGIBLE and bend * length * rough < INFORMATION:
            break
    residual, above, below = kept, np.zeros(len(rows.w)), np.zeros(len(rows.w))
    p = len(rows.x)
    derived = _derived(dd.two_sum(base, step), data)
    sums = [LineSum.zero(p + 1, p + 1 + (0 < k < rows.n_cuts)) for k in range(rows.n_cuts + 1)]
    couplings = [LineSum.zero(1, 1) for _ in sums]
    for block in rows.blocks:
        # Linear predictors have moved by so little that the rounding of the products doesn't matter.
        moved = step[rows.n_cuts :] @ rows.x[:, block.rows]
        d = derived(kept[block.rows], moved, rows.w[block.rows], block.category)
        k = block.category
        sums[k] = _curved(sums[k], d, data, block)
        if 0 < k < rows.n_cuts:
            couplings[k] = couplings[k].plus_total(d.coupling)
        residual[block.rows] = d.residual
        below[block.rows], above[block.rows] = d.first
    information = _information(sums, couplings, rows.n_cuts)
    naive = inverse(information)
    last = product(naive, (score[0][:, None], score[1][:, None]))
    return Settled(
        theta=dd.add(dd.pair(base), (last[0][:, 0], last[1][:, 0])),
        information=information,
        naive=naive,
        residual=residual,
        above=above,
        below=below,
        error=bend * length**2 + 2.0**-60,
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
    naive = found.naive
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
    """Return a block's predictors after a line of ones, cut in two: the first 2(1+p) lines to work in."""
    x = data.rows.x[:, block.rows]
    high, low = (data.lines(start, len(x) + 1, x.shape[1]) for start in (0, len(x) + 1))
    high[0], low[0] = 1.0, 0.0
    cut(x, data.size, BITS, (high[1:], low[1:]))
    return CutLines(high=high, low=low)


def _cut_slopes(slopes: Floats, size: Floats) -> tuple[Floats, Floats]:
    """Return what to multiply the first parts of ones and predictors by, exactly, and then both parts.

    The products of the first parts of slopes and predictors, and their sum, are exact.
    """
    contribution = slopes * size
    first, _ = cut(contribution, power_above(np.abs(contribution).max(initial=0.0)), BITS - 1)
    first = first / size
    return np.concatenate([[0.0], first]), np.concatenate([[0.0], slopes - first, [0.0], slopes])


def _score(theta: Floats, data: _Data, kept: Floats) -> Pair:
    """Return the weighted score, shape (q,); ``kept`` is overwritten by what `_derived` starts from."""
    rows, n_cuts, p = data.rows, data.rows.n_cuts, len(data.rows.x)
    sums = [LineSum.zero(p + 1, 2) for _ in range(n_cuts + 1)]
    shared = [dd.pair(0.0)] * (n_cuts + 1)
    derivatives = derivative(data.link.name, dd.pair(theta[:n_cuts]))
    few_slopes, slopes = _cut_slopes(theta[n_cuts:], data.size[:, 0])
    for block in rows.blocks:
        k, w = block.category, rows.w[block.rows]
        parts = _cut_block(data, block)
        eta = dd.quick_two_sum(few_slopes @ parts.high, slopes @ data.lines(0, 2 * (p + 1), len(w)))
        if rows.offset is not None:
            eta = dd.add(eta, dd.pair(rows.offset[block.rows]))
        found = derivatives(eta, k)
        kept[block.rows], shared[k] = found.kept, found.shared
        # The product of a short part and the first of the weights is exact.
        few, rest = cut(w, data.heaviest, SHORT_BITS - 1)
        values, rests = data.lines(2 * (p + 1), VALUE_LINES, len(w)).reshape(2, 2, -1)
        for i, end in enumerate((found.above, found.below)):
            if end is None:
                values[i], rests[i] = 0.0, 0.0
                continue
            np.multiply(few, end[0], out=values[i])
            np.multiply(rest, end[0], out=rests[i])
            rests[i] += np.multiply(w, end[1], out=end[1])
        sums[k] = sums[k].plus(parts, values, rest=rests)
    return _laid_score(sums, shared, rows)


def _laid_score(sums: list[LineSum], shared: list[Pair], rows: Rows) -> Pair:
    """Return the score from the sums by category: to each threshold, and minus to the slopes."""
    n_cuts, p = rows.n_cuts, len(rows.x)
    weights = _category_weights(rows)
    score = dd.pair(np.zeros(n_cuts + p))
    for k, found in enumerate(sums):
        common = dd.multiply(shared[k], (weights[0][k : k + 1], weights[1][k : k + 1]))
        high, low = found.parts()
        for end, (position, sign) in enumerate(((k, 1.0), (k - 1, -1.0))):
            if 0 <= position < n_cuts:
                values = high[:, end], low[:, end]
                at_cut = dd.add(_first(values), (sign * common[0], sign * common[1]))
                laid = np.zeros((2, n_cuts + p))
                laid[:, position] = at_cut[0][0], at_cut[1][0]
                laid[:, n_cuts:] = -values[0][1:], -values[1][1:]
                score = dd.add(score, (laid[0], laid[1]))
    return score


def _first(x: Pair) -> Pair:
    return x[0][:1], x[1][:1]


def _category_weights(rows: Rows) -> Pair:
    """Return the weight of each category, shape (K,)."""
    category = np.repeat(
        [block.category for block in rows.blocks],
        [block.rows.stop - block.rows.start for block in rows.blocks],
    )
    return dd.quick_two_sum(*binned_parts(category, rows.w, rows.n_cuts + 1))


def _derived(theta: Pair, data: _Data) -> Callable[[Floats, Floats, Floats, int], _Derived]:
    """Return what gives the derivatives of rows in doubles.

    It takes what a score kept of the rows, by how much their linear predictors have moved since, their
    weights and category.
    """
    cuts = theta[0][: data.rows.n_cuts], theta[1][: data.rows.n_cuts]
    if data.link.name == "logit":
        odds, shared = logistic_constants(cuts)
        return partial(_logistic, odds=odds[0], shared=np.concatenate([[0.0], shared[0], [0.0]]))
    return partial(_of_link, cuts=dd.rounded(cuts), link=data.link)


def _logistic(kept: Floats, moved: Floats, w: Floats, k: int, *, odds: Floats, shared: Floats) -> _Derived:
    """Return the derivatives for the logistic distribution, as `coprodstats.models.blocks` does.

    A library's exponential differs between processors in its last bit; that of `double_double` does not.
    """
    grown = kept * moved
    grown += kept
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
    coupling = float(shared[k] * (1.0 + shared[k]))
    return _Derived(
        residual=residual, curvature=mixed[0] + mixed[1], first=first, mixed=mixed[1], coupling=w * coupling
    )


def _of_link(kept: Floats, moved: Floats, w: Floats, k: int, *, cuts: Floats, link: Link) -> _Derived:
    along = kept + moved
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
        mixed=mixed[1],
        coupling=both,
    )


def _curved(sums: LineSum, d: _Derived, data: _Data, block: Block) -> LineSum:
    """Return the sums of a category with those of a block added: what makes up the information.

    Ones and predictors times curvature and themselves, and, between two thresholds, times the mixed
    derivative by the one above, shape (1+p, 1+p) or (1+p, 2+p); not quite symmetric.
    """
    x = data.rows.x[:, block.rows]
    a, b = sums.high.shape
    lines = data.lines(2 * b, b, x.shape[1])
    if data.link.name not in LOG_CONCAVE:
        parts = _cut_block(data, block)
        lines[0], lines[a:] = d.curvature, d.mixed
        np.multiply(x, d.curvature, out=lines[1:a])
        return sums.plus(parts, lines)
    root = np.sqrt(np.maximum(d.curvature, 0.0, out=d.curvature))
    lines[0] = root
    np.multiply(x, root, out=lines[1:a])
    if b > a:
        lines[a] = np.divide(d.mixed, root, out=d.mixed, where=root > 0)
    bounds = np.ones((b, 1))
    bounds[1:a] = data.size
    bounds *= power_above(root.max())
    return sums.plus_square(lines, bounds, (data.lines(0, b, len(root)), data.lines(b, b, len(root))))


def _information(sums: list[LineSum], couplings: list[LineSum], n_cuts: int) -> Pair:
    """Return the information from the sums by category, shape (q, q)."""
    a = len(sums[0].high)
    found = dd.pair(np.zeros((n_cuts + a - 1, n_cuts + a - 1)))
    for k, (products, coupling) in enumerate(zip(sums, couplings, strict=True)):
        high, low = products.parts()
        square = high[:, :a], low[:, :a]
        square = dd.scale(dd.add(square, transposed(square)), np.array([0.5]))
        above = below = square[0][0], square[1][0]
        if 0 < k < n_cuts:
            above = high[:, a], low[:, a]
            below = dd.subtract(below, above)
        both = coupling.parts()
        laid = np.zeros((2, n_cuts + a - 1, n_cuts + a - 1))
        laid[:, n_cuts:, n_cuts:] = square[0][1:, 1:], square[1][1:, 1:]
        for cut_, mixed in ((k - 1, below), (k, above)):
            if 0 <= cut_ < n_cuts:
                laid[:, cut_, cut_] = np.ravel(dd.add(_first(mixed), (both[0][0], both[1][0])))
                laid[:, cut_, n_cuts:] = laid[:, n_cuts:, cut_] = -mixed[0][1:], -mixed[1][1:]
        if 0 < k < n_cuts:
            laid[:, k - 1, k] = laid[:, k, k - 1] = -both[0][0, 0], -both[1][0, 0]
        found = dd.add(found, (laid[0], laid[1]))
    return found
