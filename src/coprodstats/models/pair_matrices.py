"""Products and inverses of small matrices with twice the digits of a double; see `double_double`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coprodstats.models import double_double as dd
from coprodstats.models.double_double import Pair

Floats = NDArray[np.float64]

# Entries of a product before they are summed that are held at a time.
ENTRIES = 200_000
# Each doubles the digits of an inverse in doubles.
REFINEMENTS = 3


def product(a: Pair, b: Pair) -> Pair:
    """Return the matrix product of a (m, k) and b (k, n).

    Examples
    --------
    >>> third = np.array([[1 / 3]]), np.array([[2.0**-54 / 3]])
    >>> high, low = product(third, dd.pair(np.array([[3.0]])))
    >>> float(high[0, 0]), abs(float(low[0, 0])) < 1e-31
    (1.0, True)
    """
    (m, k), n = a[0].shape, b[0].shape[1]
    high, low = np.empty((m, n)), np.empty((m, n))
    step = max(1, ENTRIES // max(1, k * n))
    for start in range(0, m, step):
        rows = slice(start, start + step)
        terms = dd.multiply((a[0][rows, :, None], a[1][rows, :, None]), (b[0][None], b[1][None]))
        high[rows], low[rows] = _summed(terms)
    return high, low


def _summed(terms: Pair) -> Pair:
    """Return the sum over the second axis, by halves."""
    while terms[0].shape[1] > 1:
        half = terms[0].shape[1] // 2
        odd = terms[0][:, 2 * half :], terms[1][:, 2 * half :]
        halves = [(terms[0][:, part], terms[1][:, part]) for part in (slice(half), slice(half, 2 * half))]
        joined = dd.add(*halves)
        terms = np.concatenate([joined[0], odd[0]], axis=1), np.concatenate([joined[1], odd[1]], axis=1)
    if terms[0].shape[1] == 0:
        shape = terms[0].shape[0], terms[0].shape[2]
        return np.zeros(shape), np.zeros(shape)
    return terms[0][:, 0], terms[1][:, 0]


def transposed(a: Pair) -> Pair:
    """Return the transpose of a matrix."""
    return a[0].T, a[1].T


def inverse(a: Pair) -> Pair:
    """Return the inverse of a well-conditioned matrix, by Newton's iteration from that in doubles.

    Notes
    -----
    X + X (I - A X) has an error of the square of that of X (Schulz 1933, *ZAMM* 13, 57-59).
    """
    found = dd.pair(np.asarray(np.linalg.inv(a[0]), dtype=np.float64))
    one = np.eye(len(a[0]))
    for _ in range(REFINEMENTS):
        rest = dd.subtract(dd.pair(one), product(a, found))
        found = dd.add(found, product(found, rest))
    return found


def sandwich(bread: Floats, filling: Floats) -> Floats:
    """Return bread filling bread', rounded once: the same whatever the BLAS library, shape (m, m)."""
    found = dd.rounded(product(product(dd.pair(bread), dd.pair(filling)), dd.pair(bread.T)))
    return (found + found.T) / 2
