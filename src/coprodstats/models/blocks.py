"""The data of a cumulative-link likelihood in blocks of rows that share a category.

Symbols are those of `coprodstats.models.likelihood`. Within a block the thresholds are two numbers, so that
nothing is looked up by row; a block fits the processor's cache, so that a pass reads memory once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from math import fsum
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from coprodstats.survey.lines import AT_ONCE, aligned, line_bounds
from coprodstats.survey.numbering import Codes

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Rows of a block: twenty numbers of each take 650 kB, which a second-level cache holds.
BLOCK_ROWS = 4096
# Rows that are sorted among themselves: a column of them fits that cache too, so that sorting is cheap.
SORTED_ROWS = 65_536
# Rows are chosen by the fractional part of a sum of about such multiples of their numbers, all different.
MULTIPLE = 37.0
GOLDEN = 0.6180339887498949
# Groups by which rows are sorted within categories, if there are no more of both together.
MOST_GROUPS = 32_768


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
class Places:
    """Which row in blocks each respondent is.

    Attributes
    ----------
    order
        The respondent, or the pattern that respondents share, that each row is, shape (m,).
    pattern
        Pattern of each respondent, shape (n,), or None where each has a row.
    """

    order: Ints
    pattern: Codes | None = None

    def row(self) -> Ints:
        """Return the row of each respondent, shape (n,); it is made anew each time."""
        found = np.empty_like(self.order)
        found[self.order] = np.arange(len(self.order))
        return found if self.pattern is None else np.take(found, self.pattern, mode="clip")


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
        place, ends = _counting_sort(key, n_groups * (n_cuts + 1))
        np.add(place, first, out=order[part])
        blocks += _blocks_of(ends[n_groups::n_groups], first)
    return order, tuple(blocks)


def _counting_sort(key: NDArray[np.int32], n_keys: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the stable order of keys 0 … n_keys - 1, and where each begins and ends in it, (n_keys + 1,).

    It is what a matrix with a single entry per column becomes when it is turned from columns to rows: twice
    as fast as numpy's sort.
    """
    n = len(key)
    columns = np.arange(n + 1, dtype=np.int32)
    matrix = sparse.csc_array((np.ones(n, dtype=np.int8), key, columns), shape=(n_keys, n))
    found = matrix.tocsr()
    return np.asarray(found.indices), np.asarray(found.indptr)


def _blocks_of(ends: NDArray[np.int32], first: int) -> Iterator[Block]:
    """Yield the blocks of categories that lie one after another from a row on, by where each ends."""
    start = 0
    for k, end in enumerate(ends.tolist()):
        if start < end:
            yield from _parts(k, first + start, first + end)
        start = end


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


def one_in(rows: Rows, many: int) -> Rows:
    """Return about one in so many rows as data of their own: the same rows, whatever the order of all.

    Parameters
    ----------
    rows
        The data.
    many
        One in how many.

    Notes
    -----
    A row is taken by the fractional part of a sum of multiples of its predictors. Where too many rows are
    alike for that, every so many are taken as they lie. Of a category that has none then, all are.
    """
    factors = MULTIPLE * (1.0 + np.arange(1, len(rows.x) + 1) * GOLDEN % 1.0)
    chosen = []
    for block in rows.blocks:
        key = factors @ rows.x[:, block.rows]
        if rows.offset is not None:
            key += MULTIPLE * rows.offset[block.rows]
        key -= np.floor(key)
        chosen.append(np.flatnonzero(key < 1 / many))
    count, aim = sum(map(len, chosen)), len(rows.w) / many
    if not aim / 2 <= count <= aim * 2:
        chosen = [np.arange(-b.rows.start % many, b.rows.stop - b.rows.start, many) for b in rows.blocks]
    present = {b.category for b, part in zip(rows.blocks, chosen, strict=True) if len(part)}
    for i, block in enumerate(rows.blocks):
        if block.category not in present:
            chosen[i] = np.arange(block.rows.stop - block.rows.start)
    return _taken(rows, chosen)


def _taken(rows: Rows, chosen: list[Ints]) -> Rows:
    """Return some rows of each block as data of their own."""
    place = np.concatenate([b.rows.start + part for b, part in zip(rows.blocks, chosen, strict=True)])
    x = aligned(len(rows.x), len(place))
    for line, taken in zip(rows.x, x, strict=True):
        np.take(line, place, out=taken, mode="clip")
    return Rows(
        x=x,
        w=rows.w[place],
        offset=None if rows.offset is None else rows.offset[place],
        n_cuts=rows.n_cuts,
        blocks=tuple(_joined(rows.blocks, [len(part) for part in chosen])),
        bounds=rows.bounds,
    )


def _joined(blocks: tuple[Block, ...], sizes: list[int]) -> Iterator[Block]:
    """Yield blocks of some sizes one after another, those of neighbours with the same category as few."""
    start = 0
    of_blocks = zip([block.category for block in blocks], sizes, strict=True)
    for category, run in groupby(of_blocks, key=itemgetter(0)):
        end = start + sum(size for _, size in run)
        if start < end:
            yield from _parts(category, start, end)
        start = end


def longest_block(rows: Rows) -> int:
    """Return the number of rows of the longest block."""
    return int(max(block.rows.stop - block.rows.start for block in rows.blocks))


def bounds_of(rows: Rows) -> Floats:
    """Return powers of two that no number of a line of predictors exceeds, shape (p, 1)."""
    return line_bounds(rows.x) if rows.bounds is None else rows.bounds


def category_weights(rows: Rows) -> Floats:
    """Return the weight of the rows of each category, shape (K,)."""
    sums: list[list[float]] = [[] for _ in range(rows.n_cuts + 1)]
    for block in rows.blocks:
        sums[block.category].append(float(rows.w[block.rows].sum()))
    return np.array([fsum(of_category) for of_category in sums])
