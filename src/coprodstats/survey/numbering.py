"""Codes numbered without gaps, and the first row of each, without sorting the rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]

# Rows that are searched for the first of each number at first; most turn up there.
SOME_ROWS = 4_096


def numbered(codes: Ints, n_possible: int) -> tuple[Ints, Ints]:
    """Return codes numbered without gaps, in their order.

    Parameters
    ----------
    codes
        A code from 0 to ``n_possible`` - 1 for each row, shape (n,).
    n_possible
        How many codes there may be: a table of this size is made.

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
    occurring = np.flatnonzero(np.bincount(codes, minlength=n_possible))
    table = np.empty(n_possible, dtype=np.intp)
    table[occurring] = np.arange(len(occurring))
    number = table[codes]
    return number, first_rows(number, len(occurring))


def first_rows(number: Ints, m: int) -> Ints:
    """Return the first row of each number 0 … m-1, all of which occur, shape (m,)."""
    first = np.full(m, -1, dtype=np.intp)
    start, stop = 0, SOME_ROWS
    while start < len(number) and (first < 0).any():
        part = number[start:stop]
        rows = np.flatnonzero(first[part] < 0)[::-1]  # of several rows the last that is written stays
        first[part[rows]] = start + rows
        start, stop = stop, 8 * stop
    return first
