"""Codes numbered without gaps, and the first row of each, without sorting the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]

# Rows that are searched for numbers at first, and how many times as far as before one looks then: most turn
# up there.
SOME_ROWS = 4_096
FURTHER = 8
# Rows that are worked on at once: few enough to stay in the processor's cache.
PIECE = 32_768


def pieces(n: int) -> Iterator[slice]:
    """Yield n rows in pieces."""
    for start in range(0, n, PIECE):
        yield slice(start, min(start + PIECE, n))


def extent(codes: NDArray[np.integer[Any]]) -> tuple[int, int]:
    """Return the lowest and the highest of some codes, which are read once for both."""
    ends = [(codes[rows].min(), codes[rows].max()) for rows in pieces(len(codes))]
    return int(min(low for low, _ in ends)), int(max(high for _, high in ends))


def _further(n: int) -> Iterator[slice]:
    """Yield n rows in pieces that grow."""
    start, stop = 0, SOME_ROWS
    while start < n:
        yield slice(start, min(stop, n))
        start, stop = stop, FURTHER * stop


def occurring(codes: NDArray[np.integer[Any]], n_possible: int, *, lowest: int = 0) -> NDArray[np.bool_]:
    """Return which of the codes from ``lowest`` on occur, shape (n_possible,)."""
    seen = np.zeros(n_possible, dtype=bool)
    for rows in _further(len(codes)):
        seen[_from_zero(codes[rows], lowest)] = True
        if seen.all():  # most often after the first piece
            break
    return seen


def numbered(codes: NDArray[np.integer[Any]], n_possible: int, *, lowest: int = 0) -> tuple[Ints, Ints]:
    """Return codes numbered without gaps, in their order.

    Parameters
    ----------
    codes
        A code from ``lowest`` to ``lowest`` + ``n_possible`` - 1 for each row, shape (n,).
    n_possible
        How many codes there may be: a table of this size is made.
    lowest
        The lowest code.

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
    seen = occurring(codes[:PIECE], n_possible, lowest=lowest)  # most often all that occur
    number = np.empty(len(codes), dtype=np.intp)
    if not _looked_up(codes, lowest, seen, number):
        seen = occurring(codes, n_possible, lowest=lowest)
        _looked_up(codes, lowest, seen, number)
    return number, first_rows(number, int(np.count_nonzero(seen)))


def _from_zero(codes: NDArray[np.integer[Any]], lowest: int) -> Ints:
    found = codes.astype(np.intp, copy=False)
    return found - lowest if lowest else found


def _looked_up(codes: NDArray[np.integer[Any]], lowest: int, seen: NDArray[np.bool_], number: Ints) -> bool:
    """Return whether all codes are among those seen, and number them if so."""
    gapless = seen.all()
    table = np.where(seen, np.cumsum(seen) - 1, -1)
    for rows in pieces(len(codes)):
        part = _from_zero(codes[rows], lowest)
        if gapless:
            number[rows] = part
        elif np.take(table, part, out=number[rows], mode="clip").min() < 0:  # "raise" goes through a buffer
            return False
    return True


def first_rows(number: Ints, m: int) -> Ints:
    """Return the first row of each number 0 … m-1, all of which occur, shape (m,)."""
    if m == len(number):
        first = np.empty_like(number)
        first[number] = np.arange(m)
        return first
    first = np.full(m, -1, dtype=np.intp)
    for piece in _further(len(number)):
        part = number[piece]
        rows = np.flatnonzero(first[part] < 0)[::-1]  # of several rows the last that is written stays
        first[part[rows]] = piece.start + rows
        if (first >= 0).all():
            break
    return first
