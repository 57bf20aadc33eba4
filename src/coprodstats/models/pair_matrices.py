"""Products and inverses of small matrices with twice the digits of a double; see `double_double`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coprodstats.models import double_double as dd
from coprodstats.models.double_double import Pair

Floats = NDArray[np.float64]

# Entries of a product before they are summed that are held at a time.
ENTRIES = 200_000


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
    """Return the sum over the second axis, by halves, which are added in place."""
    high, low = terms
    size = high.shape[1]
    if size == 0:
        return high.sum(axis=1), low.sum(axis=1)
    while size > 1:
        half = size // 2
        joined = dd.add(
            (high[:, :half], low[:, :half]), (high[:, size - half : size], low[:, size - half : size])
        )
        high[:, :half], low[:, :half] = joined
        size -= half
    return high[:, 0], low[:, 0]


def transposed(a: Pair) -> Pair:
    """Return the transpose of a matrix."""
    return a[0].T, a[1].T


def inverse(a: Pair) -> Pair:
    """Return the inverse of a well-conditioned matrix, by a step of Newton's iteration from that in doubles.

    Notes
    -----
    X + X (I - A X) has an error of the square of that of X (Schulz 1933, *ZAMM* 13, 57-59). The correction is
    so small that doubles hold it. One step doubles the digits.
    """
    found = dd.pair(np.asarray(np.linalg.inv(a[0]), dtype=np.float64))
    rest = dd.rounded(dd.subtract(dd.pair(np.eye(len(a[0]))), product(a, found)))
    return dd.add(found, dd.pair(found[0] @ rest))


def sandwich(bread: Floats, filling: Floats) -> Floats:
    """Return bread filling bread', rounded once: the same whatever the BLAS library, shape (m, m)."""
    found = dd.rounded(product(product(dd.pair(bread), dd.pair(filling)), dd.pair(bread.T)))
    return (found + found.T) / 2
