"""The likelihood kernel of cumulative-link models, row by row; two categories are the binary model.

Symbols: ``x`` (n, p) predictors without an intercept, ``y`` (n,) categories 0 … K-1, ``w`` (n,) weights,
``cuts`` (K-1,) thresholds, ``b`` (p,) slopes, ``theta`` = (cuts, b); P(Y <= k) = F(cuts_k - x'b - offset),
with ``offset`` (n,) a part of the linear predictor that is known, none by default.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coprodstats.models.links import Derivatives, Link, interval_derivatives, log_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


def interval_ends(
    theta: Floats, x: Floats, y: Ints, n_cuts: int, *, offset: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return lower and upper ends of each row's interval, cut - x'b - offset, shape (n,) each."""
    padded = np.concatenate([[-np.inf], theta[:n_cuts], [np.inf]])
    eta = x @ theta[n_cuts:]
    if offset is not None:
        eta += offset
    return padded[y] - eta, padded[y + 1] - eta


def log_likelihood(
    theta: Floats, x: Floats, y: Ints, w: Floats, n_cuts: int, link: Link, *, offset: Floats | None = None
) -> float:
    """Return the weighted log-likelihood, -inf where thresholds are not increasing."""
    if np.any(np.diff(theta[:n_cuts]) <= 0):
        return -np.inf
    lower, upper = interval_ends(theta, x, y, n_cuts, offset=offset)
    return float(w @ log_interval(link, lower, upper))


def derivatives(
    theta: Floats, x: Floats, y: Ints, n_cuts: int, link: Link, *, offset: Floats | None = None
) -> Derivatives:
    """Return each row's log-probability with first and second derivatives by its interval's ends."""
    lower, upper = interval_ends(theta, x, y, n_cuts, offset=offset)
    return interval_derivatives(link, lower, upper)


def row_scores(d: Derivatives, x: Floats, y: Ints, n_cuts: int) -> Floats:
    """Return unweighted scores of each row, shape (n, K-1+p)."""
    cuts = _at_cuts(d.upper, d.lower, y, n_cuts)
    return np.hstack([cuts, -x * (d.upper + d.lower)[:, None]])


def score(d: Derivatives, x: Floats, y: Ints, w: Floats, n_cuts: int) -> Floats:
    """Return the weighted score, shape (K-1+p,)."""
    cuts = _by_cut(w * d.upper, w * d.lower, y, n_cuts)
    return np.concatenate([cuts, -(x.T @ (w * (d.upper + d.lower)))])


def information(d: Derivatives, x: Floats, y: Ints, w: Floats, n_cuts: int) -> Floats:
    """Return the observed information (minus the Hessian), shape (K-1+p, K-1+p)."""
    uu, ll, ul = w * d.upper_upper, w * d.lower_lower, w * d.upper_lower
    p = x.shape[1]
    hessian = np.empty((n_cuts + p, n_cuts + p))
    hessian[:n_cuts, :n_cuts] = np.diag(_by_cut(uu, ll, y, n_cuts))
    inner = np.bincount(y, ul, minlength=n_cuts + 1)[1:n_cuts]  # rows with two thresholds of their own
    k = np.arange(n_cuts - 1)
    hessian[k, k + 1] = inner
    hessian[k + 1, k] = inner
    hessian[n_cuts:, n_cuts:] = x.T @ (x * (uu + ll + 2 * ul)[:, None])
    cross = -(_at_cuts(uu + ul, ll + ul, y, n_cuts).T @ x)
    hessian[:n_cuts, n_cuts:] = cross
    hessian[n_cuts:, :n_cuts] = cross.T
    return -hessian


def _at_cuts(upper: Floats, lower: Floats, y: Ints, n_cuts: int) -> Floats:
    """Return each row's two numbers in the columns of the thresholds above and below it, shape (n, K-1)."""
    laid = np.zeros((len(y), n_cuts))
    has_upper, has_lower = np.flatnonzero(y < n_cuts), np.flatnonzero(y > 0)
    laid[has_upper, y[has_upper]] = upper[has_upper]
    laid[has_lower, y[has_lower] - 1] = lower[has_lower]
    return laid


def _by_cut(upper: Floats, lower: Floats, y: Ints, n_cuts: int) -> Floats:
    as_upper = np.bincount(y, upper, minlength=n_cuts + 1)[:n_cuts]
    as_lower = np.bincount(y, lower, minlength=n_cuts + 1)[1:]
    return np.asarray(as_upper + as_lower)
