"""Sums and products that depend neither on the order of rows nor on the BLAS library or its threads.

A double is cut at a fixed place into a high part of few bits, whose products and sums a double holds
exactly, whatever their order, and a low part that is at most 2**-21 of the largest: rounding in the sums of
the low parts is below 2**-73 of the size of a term, far below the last bit of the result (Rump, Ogita and
Oishi 2008, *SIAM Journal on Scientific Computing* 31, 189-224; Ozaki, Ogita, Oishi and Rump 2012,
*Numerical Algorithms* 59, 95-118).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from coprodstats.survey.two_threads import by_halves

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# 21 bits on one side and 20 on the other, and the sum over 4,096 rows: 53 bits.
BITS = 21
BLOCK = 4096
# Single lines are summed in pieces of so many numbers, which stay in the processor's cache.
PIECE = 32_768
# OpenBLAS multiplies matrices of up to so many products of numbers without rearranging them: twice as fast.
SMALL_PRODUCT = 1_000_000
SHORTEST_PIECE = 512
# Numbers that the processor handles at once, and numbers in a page of memory. Lines that begin pages apart
# would share places in its cache, and are kept a little further apart.
AT_ONCE = 8
PAGE = 512
PADDING = 64
# Runs of neighbours of one group are added up as such if there are so many numbers in each.
NUMBERS_PER_RUN = 8


def aligned(lines: int, length: int) -> Floats:
    """Return memory for lines of numbers, shape (lines, length), each from a boundary of 64 bytes on.

    Numbers on both sides of such a boundary are read and written half as fast.
    """
    apart = -(-length // AT_ONCE) * AT_ONCE
    if apart % PAGE == 0:
        apart += PADDING
    memory = np.empty(lines * apart + AT_ONCE)
    first = -(memory.__array_interface__["data"][0] // memory.itemsize) % AT_ONCE
    return memory[first : first + lines * apart].reshape(lines, apart)[:, :length]


def cut(
    values: Floats, size: Floats | float, bits: int, out: tuple[Floats, Floats] | None = None
) -> tuple[Floats, Floats]:
    """Return values as the sum of multiples of ``size / 2**bits`` and rests of at most half of that.

    Parameters
    ----------
    values
        Numbers.
    size
        Powers of two, at least as large as any of them; broadcast to ``values``.
    bits
        How many bits the first part keeps.
    out
        Arrays to hold the parts.
    """
    # Added and taken away again, it rounds to a multiple of its last bit.
    anchor = size * (1.5 * 2.0 ** (52 - bits))
    high, low = (None, None) if out is None else out
    high = np.add(values, anchor, out=high)
    high -= anchor
    return high, np.subtract(values, high, out=low)


def power_above(size: Floats) -> Floats:
    """Return the smallest powers of two that are not below some sizes; 1 for zero.

    Examples
    --------
    >>> power_above(np.array([0.3, 0.0, 4.0, 5.0])).tolist()
    [0.5, 1.0, 4.0, 8.0]
    """
    mantissa, exponent = np.frexp(size)
    exact = mantissa == 0.5
    return np.where(size > 0, np.ldexp(1.0, exponent - exact), 1.0)


def binned(group: Ints, values: Floats, n_groups: int) -> Floats:
    """Return the sums of numbers by group, whatever their order, shape (groups,).

    Parameters
    ----------
    group
        Group of each number, 0 … n_groups - 1, shape (n,).
    values
        The numbers, shape (n,).
    n_groups
        Number of groups.

    Examples
    --------
    >>> binned(np.zeros(3, dtype=np.intp), np.array([1e17, 1.0, -1e17]), 1).tolist()
    [1.0]
    """
    if len(values) == 0:
        return np.zeros(n_groups)
    high, low = binned_parts(group, values, n_groups)
    return np.asarray(high + low)


def binned_parts(
    group: Ints, values: Floats, n_groups: int, *, within: tuple[Ints, int] | None = None
) -> tuple[Floats, Floats]:
    """Return the sums of numbers by group as an exact part and a small rest; see `binned`.

    Of groups ``within`` others, of which there are so many, group is that of the latter.
    """
    if within is not None:
        n_groups *= within[1]
    bound, bits = _exact_cut(values)

    def of_part(part: slice) -> tuple[Floats, Floats]:
        places, numbers = group[part], values[part]
        if within is not None:
            places = places * within[1]
            places += within[0][part]
        if n_groups > PIECE:  # to make so large a table takes as long as to look for places in it
            high, low = cut(numbers, bound, bits)
            one, two = (np.bincount(places, part_, n_groups) for part_ in (high, low))
            return np.asarray(one, dtype=np.float64), np.asarray(two, dtype=np.float64)
        exact, small = np.zeros((2, n_groups))
        for rows, high, low in _pieces(numbers, bound, bits):
            exact += np.bincount(places[rows], high, n_groups)
            small += np.bincount(places[rows], low, n_groups)
        return exact, small

    (exact, small), *others = by_halves(of_part, len(values))
    for more_exact, more_small in others:
        exact += more_exact
        small += more_small
    return exact, small


def binned_lines(
    group: Ints,
    lines: Floats,
    n_groups: int,
    *,
    factor: Floats | None = None,
    others: Sequence[Floats] = (),
    bounds: Floats | None = None,
) -> Floats:
    """Return the sums by group of lines of numbers, whatever their order, shape (a + b, groups).

    Parameters
    ----------
    group
        Group of each number of a line, 0 … n_groups - 1, shape (m,).
    lines
        The numbers, shape (a, m).
    n_groups
        Number of groups.
    factor
        What these lines are multiplied by, shape (m,).
    others
        b further lines, which are not, shape (m,) each.
    bounds
        Powers of two that no number of ``lines`` exceeds, shape (a, 1); they are looked for if not given.

    Examples
    --------
    >>> binned_lines(np.array([0, 1, 0]), np.array([[1e17, 1.0, -1e17]]), 2).tolist()
    [[0.0, 1.0]]
    """
    a, m = lines.shape
    changes = np.ones(m, dtype=bool)
    np.not_equal(group[1:], group[:-1], out=changes[1:])
    changes[::BLOCK] = True
    begins = np.flatnonzero(changes)
    if len(begins) * NUMBERS_PER_RUN > m:
        each = (line if factor is None else line * factor for line in lines)
        return np.array([binned(group, line, n_groups) for line in chain(each, others)])
    # Neighbours of one group are added up first: that takes far less than to look for the place of each.
    bounds = line_bounds(lines) if bounds is None else bounds
    if factor is not None:
        bounds = bounds * line_bounds(factor[None])
    bounds = np.concatenate([bounds, *(line_bounds(line[None]) for line in others)])
    count = len(bounds)
    work = aligned(3 * count, min(BLOCK, m))
    highs, lows = np.empty((2, count, len(begins)))
    runs = np.searchsorted(begins, np.arange(0, m + BLOCK, BLOCK))
    for start, one, two in zip(range(0, m, BLOCK), runs, runs[1:], strict=False):
        part = slice(start, min(start + BLOCK, m))
        values, high, low = (work[k * count : (k + 1) * count, : part.stop - start] for k in range(3))
        np.multiply(lines[:, part], 1.0 if factor is None else factor[part], out=values[:a])
        for line, value in zip(others, values[a:], strict=True):
            value[:] = line[part]
        cut(values, bounds, _exact_bits(m), (high, low))
        first = begins[one:two] - start
        np.add.reduceat(high, first, axis=1, out=highs[:, one:two])
        np.add.reduceat(low, first, axis=1, out=lows[:, one:two])
    of = group[begins]
    both = zip(highs, lows, strict=True)
    return np.array([np.bincount(of, one, n_groups) + np.bincount(of, two, n_groups) for one, two in both])


def _exact_cut(values: Floats) -> tuple[Floats, int]:
    """Return the size and the bits to which numbers are cut for their first parts to add up exactly."""
    n = len(values)
    pieces = [values[start : start + PIECE] for start in range(0, n, PIECE)]
    largest = max(max(float(piece.max()), -float(piece.min())) for piece in pieces)
    return power_above(np.asarray(largest)), _exact_bits(n)


def _pieces(
    values: Floats, bound: Floats, bits: int, piece: int = PIECE
) -> Iterator[tuple[slice, Floats, Floats]]:
    """Yield numbers in pieces, cut in two parts.

    A piece's parts last until the next one: whole lines of them would take longer to lay out than to add up.
    """
    work = np.empty((2, min(piece, len(values))))
    for start in range(0, len(values), piece):
        rows = slice(start, min(start + piece, len(values)))
        part = work[:, : rows.stop - rows.start]
        yield rows, *cut(values[rows], bound, bits, (part[0], part[1]))


def _exact_bits(n: int) -> int:
    """Return of how many bits n numbers may be for their sum to be exact."""
    return 52 - (n - 1).bit_length()


def sums_by(values: Floats, group: Ints, n_groups: int) -> Floats:
    """Return the sums of rows by group, whatever the order of the rows, shape (groups, p).

    Parameters
    ----------
    values
        Numbers, shape (n, p).
    group
        Group of each row, 0 … n_groups - 1, shape (n,).
    n_groups
        Number of groups.
    """
    n, p = values.shape
    if 0 < n <= BLOCK:  # all columns at once: each call costs more than so few numbers
        cell = (group[:, None] * p + np.arange(p)).ravel()
        bounds = line_bounds(values.T).T
        parts = cut(values, bounds, _exact_bits(n))
        sums = (np.bincount(cell, part.ravel(), n_groups * p) for part in parts)
        return np.asarray(sum(sums)).reshape(n_groups, p)
    found = np.empty((n_groups, p))
    for j, column in enumerate(values.T):
        found[:, j] = binned(group, np.ascontiguousarray(column), n_groups)
    return found


def total(values: Floats) -> float:
    """Return the sum of numbers, whatever their order.

    Examples
    --------
    >>> total(np.array([1e17, 1.0, -1e17]))
    1.0
    """
    if len(values) == 0:
        return 0.0
    exact = small = 0.0
    for _, high, low in _pieces(values, *_exact_cut(values)):
        exact += float(high.sum())
        small += float(low.sum())
    return exact + small


def cross_products(left: Floats, right: Floats) -> Floats:
    """Return left' right, whatever the order of the rows, shape (a, b).

    Parameters
    ----------
    left, right
        Numbers, shapes (n, a) and (n, b).

    Examples
    --------
    >>> cross_products(np.array([[1e9], [1.0], [-1e9]]), np.array([[1e9], [1.0], [1e9]])).tolist()
    [[1.0]]
    """
    total = LineSum.zero(left.shape[1], right.shape[1])
    for start in range(0, len(left), BLOCK):
        a = np.ascontiguousarray(left[start : start + BLOCK].T)
        b = a if right is left else np.ascontiguousarray(right[start : start + BLOCK].T)
        total = total.plus(cut_lines(a), b)
    found = total.rounded()
    return (found + found.T) / 2 if right is left else found


def line_products(left: Floats, right: Floats) -> Floats:
    """Return left right', shape (a, b), of lines of numbers, shapes (a, m) and (b, m)."""
    piece = left.shape[1]
    while len(left) * len(right) * piece > SMALL_PRODUCT and piece > SHORTEST_PIECE:
        piece = -(-piece // 2)
    found = np.asarray(left[:, :piece] @ right[:, :piece].T)
    for start in range(piece, left.shape[1], piece):
        found += left[:, start : start + piece] @ right[:, start : start + piece].T
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CutLines:
    """Lines of numbers as sums of a part of `BITS` bits and a rest, shape (a, m) each."""

    high: Floats
    low: Floats


def cut_lines(lines: Floats) -> CutLines:
    """Return lines, (a, m), cut in two."""
    high, low = cut(lines, line_bounds(lines), BITS)
    return CutLines(high=high, low=low)


def line_bounds(lines: Floats) -> Floats:
    """Return powers of two that no number of a line exceeds in size, shape (a, 1)."""
    largest = np.maximum(lines.max(axis=1, initial=0.0), -lines.min(axis=1, initial=0.0))
    return power_above(largest)[:, None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LineSum:
    """A sum over blocks of the products of lines, as an unevaluated sum of two doubles, shape (a, b)."""

    high: Floats
    low: Floats

    @classmethod
    def zero(cls, a: int, b: int) -> LineSum:
        """Return the sum of nothing."""
        return cls(high=np.zeros((a, b)), low=np.zeros((a, b)))

    def rounded(self) -> Floats:
        """Return it as doubles."""
        return self.high + self.low

    def parts(self) -> tuple[Floats, Floats]:
        """Return it as the nearest doubles and what they lack."""
        high = self.high + self.low
        return high, (self.high - high) + self.low

    def plus(self, left: CutLines, right: Floats) -> LineSum:
        """Return the sum with the products of a block's lines added.

        Parameters
        ----------
        left
            Lines of at most `BLOCK` numbers, shape (a, m).
        right
            The others, shape (b, m).
        """
        first, second = cut(right, line_bounds(right), BITS - 1)
        small = line_products(left.high, second)
        small += line_products(left.low, right)
        return self._with(line_products(left.high, first), small)

    def plus_cut(self, left: Floats, right: Floats) -> LineSum:
        """Return the sum with the products of a block's lines added, all of them cut in two.

        Parameters
        ----------
        left
            First parts of at most `BITS` bits, then rests, of at most `BLOCK` numbers each, shape (2a, m).
        right
            First parts of one bit less, then rests, shape (2b, m).
        """
        a, b = self.high.shape
        found = line_products(left, right)
        return self._with(found[:a, :b], found[:a, b:] + found[a:, :b] + found[a:, b:])

    def plus_square(self, lines: Floats, bounds: Floats, work: tuple[Floats, Floats]) -> LineSum:
        """Return the sum with the products of a block's first lines and all of them, not quite symmetric.

        The mean of it and its transpose is the sum of the products. Lines are overwritten.

        Parameters
        ----------
        lines
            At most `BLOCK` numbers each, shape (b, m); the first a of them are the left ones.
        bounds
            Powers of two that they don't exceed, shape (b, 1).
        work
            Arrays to work in, shape (b, m) each.
        """
        a = len(self.high)
        high, low = cut(lines, bounds, BITS - 1, work)
        # In two parts: a product of lines with themselves, taken as one, is slower than any other.
        exact = np.concatenate([line_products(high[: a // 2], high), line_products(high[a // 2 : a], high)])
        small = np.empty_like(exact)
        if len(lines) > a:  # those on the right only
            small[:, a:] = line_products(high[:a], low[a:]) + line_products(low[:a], lines[a:])
        lines[:a] += high[:a]
        small[:, :a] = line_products(lines[:a], low[:a])
        return self._with(exact, small)

    def plus_total(self, values: Floats) -> LineSum:
        """Return the sum of numbers, shape (1, 1), with those of a block added, shape (m,)."""
        ones = np.ones((1, len(values)))
        return self.plus(CutLines(high=ones, low=np.zeros_like(ones)), values[None])

    def _with(self, exact: Floats, small: Floats) -> LineSum:
        total = self.high + exact
        part = total - self.high  # Knuth's two-sum: what the sum rounds away is kept
        lost = (self.high - (total - part)) + (exact - part)
        return LineSum(high=total, low=self.low + (lost + small))


def settled_product(rows: Floats, matrix: Floats) -> Floats:
    """Return rows @ matrix, the same for a row wherever it stands, shape (n, b).

    Parameters
    ----------
    rows
        Numbers, shape (n, a).
    matrix
        Numbers, shape (a, b).
    """
    found = np.empty((len(rows), matrix.shape[1]))
    for start in range(0, len(rows), BLOCK):
        lines = np.zeros((matrix.shape[1], len(found[start : start + BLOCK])))
        for column, factors in zip(rows[start : start + BLOCK].T, matrix, strict=True):
            for j in np.flatnonzero(factors):
                lines[j] += column * factors[j]
        found[start : start + BLOCK] = lines.T
    return found
