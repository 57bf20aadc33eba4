"""Products and inverses of small matrices with twice the digits of a double; see `double_double`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coprodstats.models import double_double as dd
from coprodstats.models.double_double import Pair
from coprodstats.survey.lines import cut, power_above

Floats = NDArray[np.float64]

# Bits of a double.
BITS = 53


def product(a: Pair, b: Pair) -> Pair:
    """Return the product of a (m, k) and b (k, n), to k 2**-100 of the largest entries of row and column.

    Notes
    -----
    Both are cut, along the rows of one and the columns of the other, into parts of so few bits that the
    products of parts are exact whatever the BLAS library (Ozaki, Ogita, Oishi and Rump 2012, *Numerical
    Algorithms* 59, 95-118), and a tail. What is not exact is below 2**-54: doubles hold enough of it.

    Examples
    --------
    >>> third = np.array([[1 / 3]]), np.array([[2.0**-54 / 3]])
    >>> high, low = product(third, dd.pair(np.array([[3.0]])))
    >>> float(high[0, 0]), abs(float(low[0, 0])) < 1e-31
    (1.0, True)
    """
    bits = (BITS - a[0].shape[1].bit_length()) // 2
    (a1, a2, a3), a_tail = _parts(a, 1, bits)
    (b1, b2, b3), b_tail = _parts(b, 0, bits)
    high, low = dd.two_sum(a1 @ b1, a1 @ b2)
    for exact in (a2 @ b1, a2 @ b2, a1 @ b3, a3 @ b1):
        high, lost = dd.two_sum(high, exact)
        low += lost
    low += a[0] @ b_tail + a_tail @ b[0] + (a2 @ b3 + a3 @ b2 + a3 @ b3)
    return dd.quick_two_sum(high, low)


def _parts(x: Pair, axis: int, bits: int) -> tuple[tuple[Floats, Floats, Floats], Floats]:
    """Return a matrix as three parts of so many bits along an axis, and what they lack."""
    size = power_above(np.abs(x[0]).max(axis=axis, keepdims=True, initial=0.0))
    first, rest = cut(x[0], size, bits)
    second, rest = cut(rest, size * 2.0**-bits, bits)
    third, rest = cut(rest, size * 2.0 ** (-2 * bits), bits)
    return (first, second, third), rest + x[1]


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
