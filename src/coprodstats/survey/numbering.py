"""Codes numbered without gaps, and the first row of each, without sorting the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", np.float64, np.intp)
Codes = NDArray[np.integer[Any]]
Ints = NDArray[np.intp]

# Rows that are searched for codes at first, and how many times as far as before one looks then: most turn up
# there.
SOME_ROWS = 4_096
FURTHER = 8
# All codes that occur are taken to be among so many rows for each possible one, until another one turns up.
ROWS_PER_CODE = 64
# Rows that are worked on at once: few enough to stay in the processor's cache.
PIECE = 32_768


def pieces(n: int) -> Iterator[slice]:
    """Yield n rows in pieces."""
    for start in range(0, n, PIECE):
        yield slice(start, min(start + PIECE, n))


def copied(values: NDArray[Any], dtype: type[Number]) -> tuple[NDArray[Number], float, float]:
    """Return a copy of numbers as another type, the lowest and the highest; these are NaN if any number is.

    Examples
    --------
    >>> copied(np.array([3, 1, 2], dtype=np.int8), np.intp)
    (array([3, 1, 2]), 1.0, 3.0)
    """
    found = np.empty(len(values), dtype=dtype)
    low, high = np.full((2, -(-len(values) // PIECE)), np.nan)
    for number, rows in enumerate(pieces(len(values))):
        part = found[rows]
        part[:] = values[rows]
        low[number], high[number] = part.min(), part.max()
    return found, float(low.min(initial=np.inf)), float(high.max(initial=-np.inf))


def extent(codes: Codes) -> tuple[int, int]:
    """Return the lowest and the highest of some codes, which are read once for both."""
    ends = [(codes[rows].min(), codes[rows].max()) for rows in pieces(len(codes))]
    return int(min(low for low, _ in ends)), int(max(high for _, high in ends))


def _further(n: int) -> Iterator[slice]:
    """Yield n rows in pieces that grow."""
    start, stop = 0, SOME_ROWS
    while start < n:
        yield slice(start, min(stop, n))
        start, stop = stop, FURTHER * stop


def occurring(codes: Codes, n_possible: int) -> NDArray[np.bool_]:
    """Return which of the codes 0 … n_possible - 1 occur, shape (n_possible,)."""
    seen = np.zeros(n_possible, dtype=bool)
    for rows in _further(len(codes)):
        seen[_from_zero(codes[rows], 0)] = True
        if seen.all():  # most often after the first piece
            break
    return seen


def numbered(
    codes: Codes, n_possible: int, *, lowest: int = 0, small: bool = False
) -> tuple[NDArray[Any], Ints]:
    """Return codes numbered without gaps, in their order.

    Parameters
    ----------
    codes
        A code from ``lowest`` to ``lowest`` + ``n_possible`` - 1 for each row, shape (n,).
    n_possible
        How many codes there may be: a table of this size is made.
    lowest
        The lowest code.
    small
        Whether numbers are to have as few bytes as ``n_possible`` of them need.

    Returns
    -------
    number : numpy.ndarray
        The number of each row's code, shape (n,).
    first : numpy.ndarray
        The first row of each number, shape (m,).

    Examples
    --------
    >>> number, first = numbered(np.array([7, 2, 7, 5]), 9)
    >>> number.tolist(), first.tolist()
    ([2, 0, 2, 1], [1, 3, 0])
    """
    number = np.empty(len(codes), dtype=np.min_scalar_type(-n_possible) if small else np.intp)
    for some in (max(PIECE, ROWS_PER_CODE * n_possible), len(codes)):
        first = _first_rows(codes[:some], n_possible, lowest)
        met = first >= 0
        if _looked_up(codes, lowest, met, number):
            break
    return number, first[met]


def _from_zero(codes: Codes, lowest: int) -> Ints:
    found = codes.astype(np.intp, copy=False)
    return found - lowest if lowest else found


def _looked_up(codes: Codes, lowest: int, met: NDArray[np.bool_], number: Codes) -> bool:
    """Return whether all codes are among those met, and number them if so."""
    table = None if met.all() else np.where(met, np.cumsum(met) - 1, -1).astype(number.dtype)
    for rows in pieces(len(codes)):
        part = _from_zero(codes[rows], lowest)
        if table is None:  # without a gap
            number[rows] = part
        elif np.take(table, part, out=number[rows], mode="clip").min() < 0:  # "raise" goes through a buffer
            return False
    return True


def first_rows(number: Codes, m: int) -> Ints:
    """Return the first row of each number 0 … m-1, all of which occur, shape (m,)."""
    if m == len(number):
        first = np.empty(m, dtype=np.intp)
        first[number] = np.arange(m)
        return first
    return _first_rows(number, m, 0)


def _first_rows(codes: Codes, n_possible: int, lowest: int) -> Ints:
    """Return the first row of each code from ``lowest`` on, -1 where it does not occur, (n_possible,)."""
    first = np.full(n_possible, -1, dtype=np.intp)
    for piece in _further(len(codes)):
        part = _from_zero(codes[piece], lowest)
        rows = np.flatnonzero(first[part] < 0)[::-1]  # of several rows the last that is written stays
        first[part[rows]] = piece.start + rows
        if (first >= 0).all():
            break
    return first
