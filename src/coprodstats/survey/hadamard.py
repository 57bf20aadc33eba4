"""Hadamard matrices: orthogonal columns of plus and minus one, by which replicates are balanced."""

from __future__ import annotations

from functools import cache
from itertools import count

import numpy as np
from numpy.typing import NDArray

Signs = NDArray[np.int8]


def hadamard_matrix(least: int) -> Signs:
    """Return a Hadamard matrix of the least order, at least ``least``, that is built here.

    Parameters
    ----------
    least
        Least number of rows wanted, at least 1.

    Returns
    -------
    numpy.ndarray
        Signs whose first row is all 1, so that the others add up to 0; shape (order, order).

    Notes
    -----
    Orders 1 and 2; prime p of the form 4k + 3 gives order p + 1, of the form 4k + 1 order 2 (p + 1) (Paley
    1933, *Journal of Mathematics and Physics* 12, 311-320); every order gives its double (Sylvester). Orders
    such as 52 and 92, which need more, are passed over for the next.

    Examples
    --------
    >>> matrix = hadamard_matrix(10).astype(int)
    >>> matrix.shape, bool((matrix @ matrix.T == 12 * np.eye(12)).all())
    ((12, 12), True)
    """
    return next(matrix for order in count(max(least, 1)) if (matrix := _built(order)) is not None).copy()


@cache
def _built(order: int) -> Signs | None:
    if order <= 2:
        matrix = np.array([[1, 1], [1, -1]])[:order, :order]
    elif order % 4:
        return None
    elif order % 4 == 0 and _is_prime(order - 1):
        matrix = _paley_one(order - 1)
    elif order % 8 == 4 and _is_prime(order // 2 - 1):
        matrix = _paley_two(order // 2 - 1)
    elif (half := _built(order // 2)) is not None:
        matrix = np.kron([[1, 1], [1, -1]], half)
    else:
        return None
    # Columns with a minus in the first row change their sign: rows stay orthogonal.
    return np.asarray(matrix * matrix[0], dtype=np.int8)


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % factor for factor in range(2, int(number**0.5) + 1))


def _jacobsthal(prime: int) -> NDArray[np.intp]:
    """Return 1 where row minus column is a square modulo the prime, -1 where not, 0 on the diagonal."""
    character = np.full(prime, -1)
    character[np.arange(1, prime) ** 2 % prime] = 1
    character[0] = 0
    return np.asarray(character[np.subtract.outer(np.arange(prime), np.arange(prime)) % prime])


def _paley_one(prime: int) -> NDArray[np.intp]:
    core = _jacobsthal(prime) + np.eye(prime, dtype=int)
    bordered = np.ones((prime + 1, prime + 1), dtype=int)
    bordered[1:, 1:] = core
    bordered[1:, 0] = -1
    return bordered


def _paley_two(prime: int) -> NDArray[np.intp]:
    conference = np.ones((prime + 1, prime + 1), dtype=int)
    conference[1:, 1:] = _jacobsthal(prime)
    conference[0, 0] = 0
    identity = np.eye(prime + 1, dtype=int)
    return np.asarray(np.kron(conference, [[1, 1], [1, -1]]) + np.kron(identity, [[1, -1], [-1, -1]]))
