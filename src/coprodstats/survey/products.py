"""Products of lines of numbers that depend neither on the order of rows nor on the BLAS library.

See `coprodstats.survey.lines` for how numbers are cut in two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coprodstats.survey.lines import BITS, BLOCK, cut, line_bounds

Floats = NDArray[np.float64]

# OpenBLAS multiplies matrices of up to so many products of numbers without rearranging them: twice as fast.
SMALL_PRODUCT = 1_000_000
SHORTEST_PIECE = 512


def line_products(left: Floats, right: Floats) -> Floats:
    """Return left right', shape (a, b), of lines of numbers, shapes (a, m) and (b, m)."""
    piece = left.shape[1]
    while len(left) * len(right) * piece > SMALL_PRODUCT and piece > SHORTEST_PIECE:
        piece = -(-piece // 2)
    found = np.asarray(left[:, :piece] @ right[:, :piece].T)
    for start in range(piece, left.shape[1], piece):
        found += left[:, start : start + piece] @ right[:, start : start + piece].T
    return found


def symmetric_products(left: Floats, right: Floats) -> Floats:
    """Return left right', shape (b, a), of lines of which the first a of the left ones make it symmetric.

    Half of what is found in two places is computed once.
    """
    a = len(right)
    half = a // 2
    found = np.empty((len(left), a))
    found[half:] = line_products(left[half:], right)
    # With a line more: of lines with themselves numpy takes another product, which is slower.
    found[:half, : half + 1] = line_products(left[:half], right[: half + 1])
    found[:half, half:] = found[half:a, :half].T
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

    def plus_square(
        self, lines: Floats, bounds: Floats, work: tuple[Floats, Floats], scale: float | None = None
    ) -> LineSum:
        """Return the sum with the products of a block's first lines and all of them, not quite symmetric.

        The mean of it and its transpose is the sum of the products. Lines are overwritten.

        Parameters
        ----------
        lines
            At most `BLOCK` numbers each, shape (b, m); the first a of them are the left ones.
        bounds
            Powers of two that they don't exceed but for the scale, shape (b, 1).
        work
            Arrays to work in, shape (b, m) each.
        scale
            A power of two that lines have been multiplied by, so that none exceeds 2**(`BITS` - 1): they are
            cut at the point then.
        """
        a = len(self.high)
        high, low = work
        if scale is None:
            cut(lines, bounds, BITS - 1, work)
        else:  # a pass less
            np.rint(lines, out=high)
            np.subtract(lines, high, out=low)
        exact = symmetric_products(high, high[:a]).T
        small = np.empty_like(exact)
        if len(lines) > a:  # those on the right only
            small[:, a:] = line_products(high[:a], low[a:]) + line_products(low[:a], lines[a:])
        lines[:a] += high[:a]
        small[:, :a] = line_products(lines[:a], low[:a])
        if scale is not None:  # twice, as its square may be beyond all numbers
            exact = exact / scale / scale
            small = small / scale / scale
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
