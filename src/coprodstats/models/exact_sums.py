"""Score and information of a cumulative-link likelihood summed with twice the digits of a double.

Rows are taken block by block. Predictors and derivatives are cut in two, so that the products of the first
parts are exact and those of the others small (`coprodstats.survey.lines`): the sums depend neither on the
order of rows nor on the BLAS library. Symbols are those of `coprodstats.models.likelihood`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from coprodstats.models import double_double as dd
from coprodstats.models.blocks import Block, Rows, bounds_of, longest_block
from coprodstats.models.double_double import Pair
from coprodstats.models.exact_rows import SHORT_BITS, derivative, shared_parts
from coprodstats.models.links import Link, interval_derivatives
from coprodstats.models.pair_matrices import transposed
from coprodstats.survey.lines import BITS, cut, next_power, power_above, working
from coprodstats.survey.products import CutLines, LineSum

Floats = NDArray[np.float64]

# Lines of which no bound is more than so many times another's are cut at one place: the smaller ones' first
# parts have three bits less then.
ALIKE = 8.0
# Links whose rows all have a curvature of at least 0, and mixed derivatives too (Pratt 1981, see
# `coprodstats.models.search.maximise`).
LOG_CONCAVE = ("logit", "probit", "cloglog", "loglog")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Workplace:
    """The data, bounds of predictors and weights, and lines to work in: memory that is new is slow.

    Attributes
    ----------
    rows, link
        The data and the link.
    bounds
        Powers of two that no number of a line exceeds: of ones, the predictors, and ones, shape (p + 2, 1).
    heaviest
        A power of two that no weight exceeds.
    work
        Lines as long as a block at most: three times one for each predictor, one of ones and one more.
    """

    rows: Rows
    link: Link
    bounds: Floats
    heaviest: float
    work: Floats

    @classmethod
    @contextmanager
    def of(cls, rows: Rows, link: Link) -> Iterator[Workplace]:
        """Lend a place to work on some data."""
        with working(3 * (len(rows.x) + 2), longest_block(rows)) as work:
            yield cls(
                rows=rows,
                link=link,
                bounds=np.concatenate([[[1.0]], bounds_of(rows), [[1.0]]]),
                heaviest=next_power(float(rows.w.max())),
                work=work,
            )

    def lines(self, start: int, count: int, m: int) -> Floats:
        """Return some of the lines to work in, shape (count, m)."""
        return self.work[start : start + count, :m]

    def cut_block(self, block: Block) -> Floats:
        """Return a block's predictors after a line of ones, cut in two: the first 2(1+p) lines, (2(1+p), m).

        First the first parts, then the rests.
        """
        x = self.rows.x[:, block.rows]
        p, m = x.shape
        lines = self.lines(0, 2 * (p + 1), m)
        lines[0], lines[p + 1] = 1.0, 0.0
        cut(x, self.bounds[1:-1], BITS, (lines[1 : p + 1], lines[p + 2 :]))
        return lines


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Derived:
    """Derivatives of a block's rows in doubles, weighted; see `coprodstats.models.evaluation.Derived`.

    Attributes
    ----------
    residual, curvature
        Minus the first and second derivative by the linear predictor, shape (m,).
    above, below
        First derivatives by the thresholds above and below, shape (m,); None without one.
    mixed
        Second derivative by the threshold above and the linear predictor, shape (m,); None in the lowest and
        the highest category, where the curvature is all there is.
    coupling
        Second derivative by both thresholds, shape (m,); None there too.
    """

    residual: Floats
    curvature: Floats
    above: Floats | None = None
    below: Floats | None = None
    mixed: Floats | None = None
    coupling: Floats | None = None


# From what a score kept of rows, by how much their linear predictors have moved since, weights and category.
Derive = Callable[[Floats, Floats, Floats, int], Derived]


def _bound(values: Floats) -> float:
    return next_power(max(float(values.max()), -float(values.min())))


def exact_score(theta: Floats, place: Workplace, kept: Floats) -> Pair:
    """Return the weighted score, shape (q,).

    Parameters
    ----------
    theta
        Thresholds, then slopes, shape (q,).
    place
        The data.
    kept
        Is overwritten by what `derived_at` starts from, shape (n,).
    """
    rows, n_cuts, p = place.rows, place.rows.n_cuts, len(place.rows.x)
    sums = [LineSum.zero(p + 1, 1 + (0 < k < n_cuts)) for k in range(n_cuts + 1)]
    weights = np.zeros((2, n_cuts + 1))
    shared = [dd.pair(0.0)] * (n_cuts + 1)
    size = place.bounds[1:-1, 0]
    largest = np.inf if rows.offset is not None else float(np.abs(theta[n_cuts:]) @ size)
    derivatives = derivative(place.link.name, dd.pair(theta[:n_cuts]), largest)
    slopes = _cut_slopes(theta[n_cuts:], size)
    for block in rows.blocks:
        k, w = block.category, rows.w[block.rows]
        parts = place.cut_block(block)
        eta = dd.quick_two_sum(*(slopes @ parts))
        if rows.offset is not None:
            eta = dd.add(eta, dd.pair(rows.offset[block.rows]))
        found = derivatives(eta, k)
        kept[block.rows], shared[k] = found.kept, found.shared
        ends = [end for end in (found.above, found.below) if end is not None]
        # The product of a short part and the first of the weights is exact; so is the sum of the latter.
        few, rest = cut(w, place.heaviest, SHORT_BITS - 1)
        if len(ends) > 1:  # elsewhere nothing is shared
            weights[:, k] += few.sum(), rest.sum()
        values = place.lines(len(parts), 2 * len(ends), len(w))
        for first, second, end in zip(values[: len(ends)], values[len(ends) :], ends, strict=True):
            product = np.multiply(few, end[0], out=few) if end is ends[-1] else few * end[0]
            cut(product, _bound(product), BITS - 1, (first, second))
            np.add(second, rest * end[0], out=second)
            np.add(second, np.multiply(w, end[1], out=end[1]), out=second)
        sums[k] = sums[k].plus_cut(parts, values)
    return _laid_score(sums, shared, dd.two_sum(weights[0], weights[1]))


def _cut_slopes(slopes: Floats, size: Floats) -> Floats:
    """Return what to multiply ones and predictors, cut in two, by for linear predictors, shape (2, 2(1+p)).

    The first line's products are exact, and so is their sum; the second's are far smaller.
    """
    contribution = slopes * size
    first, _ = cut(contribution, power_above(np.abs(contribution).max(initial=0.0)), BITS - 1)
    first = first / size
    none, nothing = np.zeros(1), np.zeros_like(first)
    exact = np.concatenate([none, first, none, nothing])
    return np.stack([exact, np.concatenate([none, slopes - first, none, slopes])])


def _laid_score(sums: list[LineSum], shared: list[Pair], weights: Pair) -> Pair:
    """Return the score from the sums by category: to each threshold, and minus to the slopes."""
    n_cuts, p = len(sums) - 1, len(sums[0].high) - 1
    score = dd.pair(np.zeros(n_cuts + p))
    for k, found in enumerate(sums):
        common = dd.multiply(shared[k], (weights[0][k : k + 1], weights[1][k : k + 1]))
        high, low = found.parts()
        ends = [(position, sign) for position, sign in ((k, 1.0), (k - 1, -1.0)) if 0 <= position < n_cuts]
        for end, (position, sign) in enumerate(ends):
            values = high[:, end], low[:, end]
            at_cut = dd.add(_first(values), (sign * common[0], sign * common[1]))
            laid = np.zeros((2, n_cuts + p))
            laid[:, position] = at_cut[0][0], at_cut[1][0]
            laid[:, n_cuts:] = -values[0][1:], -values[1][1:]
            score = dd.add(score, (laid[0], laid[1]))
    return score


def _first(x: Pair) -> Pair:
    return x[0][:1], x[1][:1]


def derived_at(cuts: Pair, moved: Floats, link: Link) -> Derive:
    """Return what gives the derivatives of rows in doubles.

    Parameters
    ----------
    cuts
        Thresholds, shape (K-1,).
    moved
        By how much they have moved since the score, shape (K-1,).
    link
        The link.
    """
    if link.name == "logit":
        return partial(_logistic, moved_cuts=moved, shared=shared_parts(cuts)[0])
    return partial(_of_link, cuts=dd.rounded(cuts), link=link)


def _logistic(
    kept: Floats, moved: Floats, w: Floats, k: int, *, moved_cuts: Floats, shared: Floats
) -> Derived:
    """Return the derivatives for the logistic distribution, as `coprodstats.models.evaluation` does.

    A library's exponential differs between processors in its last bit; that of `double_double` does not.
    """
    last = len(moved_cuts) - 1
    moved -= moved_cuts[min(k, last)]
    moved *= kept
    moved += kept  # the odds of being above the threshold: it has moved by little
    first, other, curvature = _logistic_end(moved, w)
    if k > last:
        np.negative(first, out=first)
        return Derived(residual=first, curvature=curvature, below=first)
    if k == 0:
        return Derived(residual=other, curvature=curvature, above=other)
    common = shared[k - 1]
    moved *= 1.0 + 1.0 / common  # at the threshold below
    below, _, lower = _logistic_end(moved, w)
    np.negative(below, out=below)
    residual = other + below
    both = w * common
    other += both
    below -= both
    lower += curvature
    both *= 1.0 + common
    return Derived(
        residual=residual, curvature=lower, above=other, below=below, mixed=curvature, coupling=both
    )


def _logistic_end(odds: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the weights of F, of 1 - F and of their product at a threshold, of the odds of being above."""
    inside = odds + 1.0
    np.divide(1.0, inside, out=inside)
    first = w * inside
    other = first * odds
    return first, other, np.multiply(other, inside, out=inside)


def _of_link(kept: Floats, moved: Floats, w: Floats, k: int, *, cuts: Floats, link: Link) -> Derived:
    along = kept + moved
    lower = cuts[k - 1] - along if k > 0 else np.full_like(along, -np.inf)
    upper = cuts[k] - along if k < len(cuts) else np.full_like(along, np.inf)
    d = interval_derivatives(link, lower, upper)
    both = w * d.upper_lower
    by_lower, by_upper = -(w * d.lower_lower + both), -(w * d.upper_upper + both)
    inner = 0 < k < len(cuts)
    return Derived(
        residual=w * (d.upper + d.lower),
        curvature=by_lower + by_upper if inner else by_lower if k > 0 else by_upper,
        above=w * d.upper if k < len(cuts) else None,
        below=w * d.lower if k > 0 else None,
        mixed=by_upper if inner else None,
        coupling=both if inner else None,
    )


def exact_information(
    place: Workplace, derive: Derive, moved: Floats, kept: Floats, above: Floats, below: Floats
) -> Pair:
    """Return the information, shape (q, q), and each row's derivatives.

    Parameters
    ----------
    place
        The data.
    derive
        What `derived_at` returns.
    moved
        By how much the slopes have moved since the score, shape (p,).
    kept
        What the score has kept; it is overwritten by the residuals, shape (n,).
    above, below
        Are overwritten by the derivatives by thresholds where a row has them, shape (n,).
    """
    rows, n_cuts = place.rows, place.rows.n_cuts
    a = len(rows.x) + 1
    sums = [LineSum.zero(a, a + (0 < k < n_cuts)) for k in range(n_cuts + 1)]
    couplings = [LineSum.zero(1, 1) for _ in sums]
    for block in rows.blocks:
        k, part = block.category, block.rows
        # Linear predictors have moved by so little that the rounding of the products doesn't matter.
        d = derive(kept[part], moved @ rows.x[:, part], rows.w[part], k)
        kept[part] = d.residual
        if d.above is not None:
            above[part] = d.above
        if d.below is not None:
            below[part] = d.below
        if d.coupling is not None:
            couplings[k] = couplings[k].plus_total(d.coupling)
        sums[k] = _curved(sums[k], d, place, block)
    return _laid_information(sums, couplings)


def _curved(sums: LineSum, d: Derived, place: Workplace, block: Block) -> LineSum:
    """Return the sums of a category with those of a block added: what makes up the information.

    Ones and predictors times curvature and themselves, and, between two thresholds, times the mixed
    derivative by the one above, shape (1+p, 1+p) or (1+p, 2+p); not quite symmetric.
    """
    x = place.rows.x[:, block.rows]
    a, b = sums.high.shape
    high, low, lines = (place.lines(start, b, x.shape[1]) for start in (0, b, 2 * b))
    if place.link.name not in LOG_CONCAVE:
        lines = place.lines(2 * a, b, x.shape[1])
        lines[0] = d.curvature
        np.multiply(x, d.curvature, out=lines[1:a])
        if d.mixed is not None:
            lines[a] = d.mixed
        parts = place.cut_block(block)
        return sums.plus(CutLines(high=parts[:a], low=parts[a:]), lines)
    root = lines[0]
    np.sqrt(np.maximum(d.curvature, 0.0, out=d.curvature), out=root)
    bounds = place.bounds[:b] * next_power(float(root.max()))
    scale = None
    if d.mixed is not None:
        lines[a] = np.divide(d.mixed, root, out=d.mixed, where=root > 0)
    if bounds.max() <= ALIKE * bounds.min():
        scale = 2.0 ** (BITS - 1) / float(bounds.max())
        root *= scale
        lines[a:] *= scale
    np.multiply(x, root, out=lines[1:a])
    return sums.plus_square(lines, bounds, (high, low), scale)


def _laid_information(sums: list[LineSum], couplings: list[LineSum]) -> Pair:
    """Return the information from the sums by category, shape (q, q)."""
    n_cuts, a = len(sums) - 1, len(sums[0].high)
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
