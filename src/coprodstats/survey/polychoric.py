"""Polychoric correlations: how two ordered answers would correlate if each were a normal score cut in steps.

Arrays only. Symbols: ``a`` (K-1,) and ``b`` (L-1,) the cuts of two items, ``rho`` their correlation,
``table`` (K, L) weighted counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import ndtr, ndtri, owens_t

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# A correlation this near ±1 is the edge of the scale: hardly an answer contradicts it.
EDGE = 0.9999
# Share of the largest eigenvalue below which a correlation matrix is singular, and to which it is raised.
LEAST_EIGENVALUE = 1e-6
# Below this a cell's probability, a difference of four, is rounding.
SMALLEST = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Polychoric:
    """Polychoric correlations of several items.

    Attributes
    ----------
    matrix
        The correlations, shape (items, items).
    pairs
        Respondents who answered both items, shape (items, items).
    at_edge
        Which correlations have no estimate short of ±1 (0 where an item doesn't vary), shape (items, items).
    smoothed
        Whether negative eigenvalues were raised, so that the matrix is one of correlations.
    """

    matrix: Floats
    pairs: Ints
    at_edge: NDArray[np.bool_]
    smoothed: bool


def polychoric_matrix(codes: Ints, n_categories: tuple[int, ...], weights: Floats) -> Polychoric:
    """Return the polychoric correlations of items, each pair from those who answered both.

    Parameters
    ----------
    codes
        Answers as 0 … K-1, -1 where there is none, shape (n, items).
    n_categories
        Number of categories of each item.
    weights
        Sampling weights, shape (n,).

    Notes
    -----
    Two steps (Olsson 1979, *Psychometrika* 44, 443-460): cuts from the weighted margins of the pair's table,
    then the correlation by maximum likelihood of its cells; empty cells stay empty. With weights it is the
    pseudo-likelihood, which estimates the population's. A matrix of pairs that has negative eigenvalues has
    them raised to a small positive number, and is scaled to a unit diagonal.

    Examples
    --------
    >>> rng = np.random.default_rng(4)
    >>> z = rng.normal(size=(4000, 1)) + rng.normal(size=(4000, 2))  # a correlation of one half
    >>> codes = (z > -0.5).astype(int) + (z > 1.0)
    >>> polychoric_matrix(codes, (3, 3), np.ones(4000)).matrix.round(1).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    items = codes.shape[1]
    matrix, pairs = np.eye(items), np.zeros((items, items), dtype=np.intp)
    at_edge = np.zeros((items, items), dtype=bool)
    for i in range(items):
        pairs[i, i] = int((codes[:, i] >= 0).sum())
        for j in range(i):
            both = (codes[:, i] >= 0) & (codes[:, j] >= 0) & (weights > 0)
            pairs[i, j] = pairs[j, i] = int(both.sum())
            table = cross_table(
                codes[both, i], codes[both, j], weights[both], n_categories[i], n_categories[j]
            )
            rho = polychoric(table)
            if np.isnan(rho):  # one of the two does not vary among those who answered both
                matrix[i, j] = matrix[j, i] = 0.0
                at_edge[i, j] = at_edge[j, i] = True
                continue
            matrix[i, j] = matrix[j, i] = rho
            at_edge[i, j] = at_edge[j, i] = abs(rho) >= EDGE
    values = np.linalg.eigvalsh(matrix)
    smoothed = bool(values[0] < LEAST_EIGENVALUE * values[-1])
    return Polychoric(
        matrix=_smoothed(matrix) if smoothed else matrix, pairs=pairs, at_edge=at_edge, smoothed=smoothed
    )


def cross_table(one: Ints, two: Ints, weights: Floats, k: int, m: int) -> Floats:
    """Return the weighted counts of two items' answers, shape (k, m)."""
    return np.bincount(one * m + two, weights, minlength=k * m).reshape(k, m).astype(float)


def polychoric(table: Floats) -> float:
    """Return the polychoric correlation of a table of weighted counts; ±1 where nothing contradicts it.

    Parameters
    ----------
    table
        Weighted counts, shape (K, L); categories that nobody chose are left out.

    Returns
    -------
    float
        The correlation, NaN if an item does not vary.
    """
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return float("nan")
    share = table / table.sum()
    a = ndtri(np.cumsum(share.sum(axis=1))[:-1])
    b = ndtri(np.cumsum(share.sum(axis=0))[:-1])
    low, high = (_score(rho, a, b, share) for rho in (-EDGE, EDGE))
    if low <= 0:
        return -1.0
    if high >= 0:
        return 1.0
    return float(optimize.brentq(_score, -EDGE, EDGE, args=(a, b, share), xtol=1e-14))


def _score(rho: float, a: Floats, b: Floats, share: Floats) -> float:
    """Return the derivative of the log-likelihood per respondent by the correlation."""
    density = np.zeros((len(a) + 2, len(b) + 2))
    x, y = a[:, None], b[None, :]
    free = 1 - rho * rho
    density[1:-1, 1:-1] = np.exp(-(x * x - 2 * rho * x * y + y * y) / (2 * free)) / (
        2 * np.pi * np.sqrt(free)
    )
    slope = np.diff(np.diff(density, axis=0), axis=1)
    p = cell_probabilities(a, b, rho)
    known = p > SMALLEST
    # Answers that a strong correlation makes impossible speak for a weaker one, as loudly as can be.
    against = np.sign(rho) * share[~known].sum() / SMALLEST
    return float((share[known] * slope[known] / p[known]).sum() - against)


def cell_probabilities(a: Floats, b: Floats, rho: float) -> Floats:
    """Return the probability of each cell of two cut normal scores, shape (K, L)."""
    whole = np.zeros((len(a) + 2, len(b) + 2))
    whole[1:-1, 1:-1] = bivariate_normal_cdf(a[:, None], b[None, :], rho)
    whole[-1, 1:-1], whole[1:-1, -1], whole[-1, -1] = ndtr(b), ndtr(a), 1.0
    return np.diff(np.diff(whole, axis=0), axis=1)


def bivariate_normal_cdf(h: Floats, k: Floats, rho: float) -> Floats:
    """Return P(X <= h, Y <= k) of standard normal X and Y with a correlation, by Owen's T.

    Parameters
    ----------
    h, k
        Finite numbers that broadcast together.
    rho
        Correlation, strictly between -1 and 1.

    Notes
    -----
    Owen (1956), *Annals of Mathematical Statistics* 27, 1075-1090, eq. 2.1.

    Examples
    --------
    >>> float(bivariate_normal_cdf(np.array(0.0), np.array(0.0), 0.5).round(12)) == round(1 / 3, 12)
    True
    """
    h, k = np.broadcast_arrays(np.asarray(h, dtype=float), np.asarray(k, dtype=float))
    root = np.sqrt((1 - rho) * (1 + rho))
    # A zero takes the limit from above; the sign convention below then holds for it as well.
    h, k = np.where(h == 0, 1e-300, h), np.where(k == 0, 1e-300, k)
    with np.errstate(over="ignore"):
        at_h, at_k = (k / h - rho) / root, (h / k - rho) / root
    whole = 0.5 * (ndtr(h) + ndtr(k)) - owens_t(h, at_h) - owens_t(k, at_k)
    return np.asarray(np.where(h * k < 0, whole - 0.5, whole))


def _smoothed(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    raised = (vectors * np.maximum(values, LEAST_EIGENVALUE * values[-1])) @ vectors.T
    size = np.sqrt(np.diag(raised))
    return np.asarray(raised / np.outer(size, size))
