"""How well a score orders an ordered outcome: Somers' D and the AUC, and each row's influence on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Scores that agree to this many decimals are ties: identical predictors differ by rounding at most.
TIE_DECIMALS = 12


def somers_d(score: Floats, y: Ints, weights: Floats) -> float:
    """Return Somers' D: (concordant - discordant pairs) / pairs that differ in an ordered outcome.

    Parameters
    ----------
    score
        The score, shape (n,); values equal to 12 decimals are ties.
    y
        Categories 0 … K-1, shape (n,).
    weights
        Weights, shape (n,); a pair counts the product of its weights.

    Notes
    -----
    Somers (1962), *American Sociological Review* 27, 799-811. For two categories (D + 1) / 2 is the area
    under the ROC curve.

    Examples
    --------
    >>> somers_d(np.array([0.1, 0.3, 0.3, 0.8]), np.array([0, 0, 1, 1]), np.ones(4))
    0.75
    """
    return somers_d_influence(score, y, weights)[0]


def somers_d_influence(score: Floats, y: Ints, weights: Floats) -> tuple[float, Floats]:
    """Return Somers' D and the weighted influence of each row on it, shape (n,).

    Parameters
    ----------
    score, y, weights
        As for `somers_d`.

    Notes
    -----
    D = N / P with N and P sums over pairs of ``w_i w_j a_ij`` and ``w_i w_j b_ij``, where a is 1, -1 or 0 for
    concordant, discordant and tied pairs and b is 1 for pairs that differ in the outcome. The influence is
    ``w_i (sum_j w_j a_ij - D sum_j w_j b_ij) / P``, and sums to zero. Of two categories and equal weights it
    is the sum of DeLong, DeLong and Clarke-Pearson's structural components (1988, *Biometrics* 44, 837-845).

    Examples
    --------
    >>> d, z = somers_d_influence(np.array([0.1, 0.3, 0.3, 0.8]), np.array([0, 0, 1, 1]), np.ones(4))
    >>> d, z.tolist()
    (0.75, [0.125, -0.125, -0.125, 0.125])
    """
    distinct, tie = np.unique(np.round(score, TIE_DECIMALS), return_inverse=True)
    n_categories = int(y.max()) + 1
    cells = len(distinct) * n_categories
    counted = np.bincount(tie * n_categories + y, weights, minlength=cells)
    table: Floats = counted.reshape(-1, n_categories).astype(float)
    totals = table.sum(axis=0)
    below = np.cumsum(table, axis=0) - table  # weight at lower scores, by category
    above = totals - below - table
    concordant = _lower(below) + _higher(above)
    discordant = _higher(below) + _lower(above)
    surplus = (concordant - discordant)[tie, y]
    differing = totals.sum() - totals[y]
    pairs = float(weights @ differing) / 2
    d = float(weights @ surplus) / 2 / pairs
    return d, np.asarray(weights * (surplus - d * differing) / pairs)


def _lower(by_category: Floats) -> Floats:
    """Return sums over lower categories."""
    return np.asarray(np.cumsum(by_category, axis=1) - by_category)


def _higher(by_category: Floats) -> Floats:
    """Return sums over higher categories."""
    return np.asarray(by_category.sum(axis=1, keepdims=True) - np.cumsum(by_category, axis=1))
