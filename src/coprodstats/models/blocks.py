"""One pass over the data of a cumulative-link likelihood, in blocks of rows that share a category.

Symbols are those of `coprodstats.models.likelihood`. Within a block the thresholds are two numbers, so that
nothing is looked up by row; a block fits the processor's cache, so that a pass reads memory once. Sums run
over blocks in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from coprodstats.models.links import Link, interval_derivatives
from coprodstats.survey.sums import AT_ONCE, aligned, line_bounds, line_products

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Rows of a block: twenty numbers of each take 650 kB, which a second-level cache holds.
BLOCK_ROWS = 4096
# Rows that are sorted among themselves: a column of them fits that cache too, so that sorting is cheap.
SORTED_ROWS = 65_536
# Groups by which rows are sorted within categories, if there are no more of both together.
MOST_GROUPS = 32_768
# Odds are computed from linear predictors up to this size: exp(700) is finite.
MODERATE = 350.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Neighbouring rows of one category."""

    category: int
    rows: slice


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """The data of one likelihood, in blocks of one category.

    Attributes
    ----------
    x
        Predictors, one per line, shape (p, n).
    w
        Weights, shape (n,).
    offset
        Known part of the linear predictor, shape (n,), or None.
    n_cuts
        K-1.
    blocks
        The blocks in their order.
    bounds
        Powers of two that no number of a line exceeds, shape (p, 1), where they are known.
    """

    x: Floats
    w: Floats
    offset: Floats | None
    n_cuts: int
    blocks: tuple[Block, ...]
    bounds: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """The weighted log-likelihood at one point, its gradient (q,) and minus its Hessian (q, q)."""

    loglik: float
    score: Floats
    information: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class End:
    """Derivatives of a block's weighted log-likelihood by the threshold above it, or by the one below.

    Attributes
    ----------
    first
        Of each row, by the threshold, less ``shared`` times its weight, shape (m,).
    mixed
        Of each row, by the threshold and the linear predictor, shape (m,).
    shared
        The part of the first derivative that is the same for all rows of unit weight.
    """

    first: Floats
    mixed: Floats
    shared: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Derived:
    """A block's weighted log-likelihood with its derivatives.

    Attributes
    ----------
    loglik
        Its sum.
    ends
        The thresholds of the block, as positions among all, and the derivatives by each: one or two.
    coupling
        Sum of the second derivatives by both thresholds.
    """

    loglik: float
    ends: tuple[tuple[int, End], ...]
    coupling: float = 0.0

    @property
    def residual(self) -> Floats:
        """Minus the derivative by the linear predictor of each row, shape (m,)."""
        (_, one), *others = self.ends
        return one.first + others[0][1].first if others else one.first

    @property
    def curvature(self) -> Floats:
        """Minus the second derivative by the linear predictor of each row, shape (m,)."""
        (_, one), *others = self.ends
        return one.mixed + others[0][1].mixed if others else one.mixed


def sorted_order(y: Ints, n_cuts: int, within: Ints | None = None) -> tuple[Ints, tuple[Block, ...]]:
    """Return an order of rows in which categories lie together, and the blocks that it makes.

    Parameters
    ----------
    y
        Categories 0 … K-1, shape (n,).
    n_cuts
        K-1.
    within
        Groups of the rows, to lie together within the categories if there are not too many, shape (n,).
    """
    order = np.empty(len(y), dtype=np.intp)
    blocks: list[Block] = []
    n_groups = 1 if within is None else int(within.max()) + 1
    if n_groups * (n_cuts + 1) > MOST_GROUPS:
        n_groups = 1
    for first in range(0, len(y), SORTED_ROWS):
        part = slice(first, first + SORTED_ROWS)
        key = y[part].astype(np.int32)
        if n_groups > 1 and within is not None:
            key *= n_groups
            key += within[part]
        np.add(_counting_sort(key, n_groups * (n_cuts + 1)), first, out=order[part])
        blocks += _blocks_of(np.bincount(y[part], minlength=n_cuts + 1), first)
    return order, tuple(blocks)


def _counting_sort(key: NDArray[np.int32], n_keys: int) -> NDArray[np.int32]:
    """Return the stable order of keys 0 … n_keys - 1.

    It is what a matrix with a single entry per column becomes when it is turned from columns to rows: twice
    as fast as numpy's sort.
    """
    n = len(key)
    columns = np.arange(n + 1, dtype=np.int32)
    matrix = sparse.csc_array((np.ones(n, dtype=np.int8), key, columns), shape=(n_keys, n))
    return np.asarray(matrix.tocsr().indices)


def _blocks_of(counts: Ints, first: int) -> Iterator[Block]:
    ends = first + np.cumsum(counts)
    for k, (size, end) in enumerate(zip(counts.tolist(), ends.tolist(), strict=True)):
        if size:
            yield from _parts(k, end - size, end)


def _parts(category: int, start: int, end: int) -> Iterator[Block]:
    """Yield neighbouring rows as blocks of about equal size, which begin where memory is `aligned`."""
    before = start - start % AT_ONCE
    for left in range(-(-(end - before) // BLOCK_ROWS), 0, -1):
        size = -(-(end - before) // left)
        before += size + -size % AT_ONCE
        yield Block(category=category, rows=slice(start, min(before, end)))
        start = before


def sort_rows(
    x: Floats, y: Ints, w: Floats, n_cuts: int, *, offset: Floats | None = None
) -> tuple[Rows, Ints]:
    """Return the data in blocks, and which row of the data each of theirs is.

    Parameters
    ----------
    x
        Predictors, shape (n, p).
    y
        Categories 0 … K-1, shape (n,).
    w
        Weights, shape (n,).
    n_cuts
        K-1.
    offset
        Known part of the linear predictor, shape (n,).
    """
    order, blocks = sorted_order(y, n_cuts)
    lines = np.empty((x.shape[1], len(y)))
    for line, column in zip(lines, x.T, strict=True):
        np.take(column, order, out=line, mode="clip")  # "raise" would go through a buffer
    sorted_offset = None if offset is None else offset[order]
    return Rows(x=lines, w=w[order], offset=sorted_offset, n_cuts=n_cuts, blocks=blocks), order


def every(rows: Rows, step: int, x: Floats | None = None) -> Rows:
    """Return every so many rows, as data of their own; their predictors, (p, m), may be given."""
    if x is None:
        x = aligned(len(rows.x), -(-len(rows.w) // step))
        x[:] = rows.x[:, ::step]
    return Rows(
        x=x,
        w=np.ascontiguousarray(rows.w[::step]),
        offset=None if rows.offset is None else rows.offset[::step],
        n_cuts=rows.n_cuts,
        blocks=tuple(_thinned(rows.blocks, step)),
    )


def _thinned(blocks: tuple[Block, ...], step: int) -> Iterator[Block]:
    """Yield the blocks of every so many rows, those of neighbours with the same category as one."""
    start = stop = 0
    for block, after in pairwise([*blocks, None]):
        assert block is not None  # noqa: S101  (only the last is)
        stop = -(-block.rows.stop // step)
        size = 0 if after is None else -(-after.rows.stop // step) - start
        if after is None or after.category != block.category or size > BLOCK_ROWS:
            if start < stop:
                yield Block(category=block.category, rows=slice(start, stop))
            start = stop


def bounds_of(rows: Rows) -> Floats:
    """Return powers of two that no number of a line of predictors exceeds, shape (p, 1)."""
    return line_bounds(rows.x) if rows.bounds is None else rows.bounds


def category_weights(rows: Rows) -> Floats:
    """Return the weight of each category, shape (K,)."""
    categories = [block.category for block in rows.blocks]
    sizes = [rows.w[block.rows].sum() for block in rows.blocks]
    return np.asarray(np.bincount(categories, sizes, rows.n_cuts + 1), dtype=float)


def evaluate(theta: Floats, rows: Rows, link: Link) -> Evaluation:
    """Return log-likelihood, score and information at one point.

    Parameters
    ----------
    theta
        Thresholds, then slopes, shape (K-1+p,).
    rows
        The data.
    link
        The link.

    Returns
    -------
    Evaluation
        Where thresholds are not increasing, a log-likelihood of -inf and no derivatives.
    """
    n_cuts, p = rows.n_cuts, len(rows.x)
    score, info = np.zeros(n_cuts + p), np.zeros((n_cuts + p, n_cuts + p))
    if np.any(np.diff(theta[:n_cuts]) <= 0):
        return Evaluation(loglik=-np.inf, score=score * np.nan, information=info * np.nan)
    loglik = 0.0
    work = aligned(p + 3, min(BLOCK_ROWS, len(rows.w)))
    for block, d in derived_blocks(theta, rows, link):
        x, w = rows.x[:, block.rows], rows.w[block.rows]
        products = _products(d, x, work)
        loglik += d.loglik
        score[n_cuts:] -= products[p]
        info[n_cuts:, n_cuts:] += products[:p]
        for (cut, end), by_slope in zip(d.ends, products[p + 1 :], strict=True):
            score[cut] += end.first.sum()
            if end.shared:
                score[cut] += end.shared * w.sum()
            info[cut, cut] += end.mixed.sum() + d.coupling
            info[cut, n_cuts:] -= by_slope
        if len(d.ends) > 1:
            k = block.category
            info[k - 1, k] -= d.coupling
            info[k, k - 1] -= d.coupling
    info[n_cuts:, :n_cuts] = info[:n_cuts, n_cuts:].T
    return Evaluation(loglik=loglik, score=score, information=info)


def gradient(theta: Floats, rows: Rows, link: Link) -> Floats:
    """Return the score at one point, shape (q,); see `evaluate`."""
    n_cuts = rows.n_cuts
    score = np.zeros(n_cuts + len(rows.x))
    for block, d in derived_blocks(theta, rows, link):
        score[n_cuts:] -= rows.x[:, block.rows] @ d.residual
        for cut, end in d.ends:
            score[cut] += end.first.sum()
            if end.shared:
                score[cut] += end.shared * rows.w[block.rows].sum()
    return score


def _products(d: Derived, x: Floats, work: Floats) -> Floats:
    """Return x diag(curvature) x', then the products of x with residual and mixed derivatives, by line."""
    p, m = x.shape
    left = work[: p + 1 + len(d.ends), :m]
    np.multiply(x, d.curvature, out=left[:p])
    left[p] = d.residual
    for line, (_, end) in zip(left[p + 1 :], d.ends, strict=True):
        line[:] = end.mixed
    return line_products(left, x)


def derived_blocks(theta: Floats, rows: Rows, link: Link) -> Iterator[tuple[Block, Derived]]:
    """Yield each block with its log-likelihood and derivatives at one point; see `evaluate`."""
    cuts, slopes = theta[: rows.n_cuts], theta[rows.n_cuts :]
    plain = link.name == "logit" and bool(np.abs(cuts).max() < MODERATE)
    for block in rows.blocks:
        eta = slopes @ rows.x[:, block.rows]
        if rows.offset is not None:
            eta += rows.offset[block.rows]
        w = rows.w[block.rows]
        if plain and eta.max() < MODERATE and eta.min() > -MODERATE:
            yield block, _logit(eta, w, block.category, cuts)
        else:
            yield block, _general(eta, w, block.category, cuts, link)


def _logit(eta: Floats, w: Floats, k: int, cuts: Floats) -> Derived:
    """Return the derivatives for the logistic distribution, with one exponential and one logarithm by row.

    Notes
    -----
    P = F(u) - F(l) = F(u) (1 - F(l)) (1 - exp(l - u)), and u - l is the distance d of the thresholds, so that
    log P is the sum of two binary log-likelihoods and log(1 - exp(-d)). Its derivatives are 1 - F(u) + g and
    -F(l) - g with g = 1 / (exp(d) - 1), and the mixed one is g (1 + g). All is made of sums and products
    of positive numbers: nothing cancels in either tail.
    """
    odds = np.exp(eta, out=eta)
    last = len(cuts)
    if k in (0, last):
        against = odds * np.exp(-cuts[0]) if k == 0 else np.exp(cuts[-1]) / odds
        loglik = -float(w @ np.log1p(against))
        first, mixed = _one_end(against, w)
        end = End(first=first if k == 0 else np.negative(first, out=first), mixed=mixed)
        return Derived(loglik=loglik, ends=((0 if k == 0 else last - 1, end),))
    gap, total = cuts[k] - cuts[k - 1], float(w.sum())
    shared = float(1.0 / np.expm1(gap))
    above = odds * np.exp(-cuts[k])  # (1 - F(u)) / F(u)
    below = np.exp(cuts[k - 1]) / odds  # F(l) / (1 - F(l))
    excess = above + below
    excess += np.exp(-gap)  # the product of both: of 1 / (F(u) (1 - F(l))) over 1
    loglik = total * np.log(-np.expm1(-gap)) - w @ np.log1p(excess, out=excess)
    upper, mixed_upper = _one_end(above, w)
    lower, mixed_lower = _one_end(below, w)
    return Derived(
        loglik=float(loglik),
        ends=(
            (k - 1, End(first=np.negative(lower, out=lower), mixed=mixed_lower, shared=-shared)),
            (k, End(first=upper, mixed=mixed_upper, shared=shared)),
        ),
        coupling=total * shared * (1.0 + shared),
    )


def _one_end(against: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Return the weighted probability of a side, of its odds, and that times the one of the other side."""
    inside = against + 1.0
    np.divide(1.0, inside, out=inside)
    against *= w
    against *= inside
    inside *= against
    return against, inside


def _general(eta: Floats, w: Floats, k: int, cuts: Floats, link: Link) -> Derived:
    lower = cuts[k - 1] - eta if k > 0 else np.full_like(eta, -np.inf)
    upper = cuts[k] - eta if k < len(cuts) else np.full_like(eta, np.inf)
    d = interval_derivatives(link, lower, upper)
    both = w * d.upper_lower
    below = (k - 1, End(first=w * d.lower, mixed=-(w * d.lower_lower + both)))
    above = (k, End(first=w * d.upper, mixed=-(w * d.upper_upper + both)))
    return Derived(
        loglik=float(w @ d.log_p),
        ends=(below,) * (k > 0) + (above,) * (k < len(cuts)),
        coupling=float(both.sum()),
    )
