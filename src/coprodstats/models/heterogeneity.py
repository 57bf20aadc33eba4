"""How much estimates of several groups differ beyond their sampling error: arrays only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Floats = NDArray[np.float64]

# Below this share of the largest eigenvalue a covariance (as correlations) is singular; as in Wald tests.
DEPENDENCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Heterogeneity:
    """Heterogeneity of G estimates, and their random-effects summary.

    Attributes
    ----------
    q, q_df, q_p_value
        Cochran's Q about the best common value, its degrees of freedom G - 1, and its chi-squared p value.
    i_squared
        Share of the variation that is not sampling error, max(0, (Q - df) / Q), between 0 and 1.
    tau
        Standard deviation of the true values between groups, by restricted maximum likelihood.
    mean
        Estimated mean of the true values.
    std_error
        Its standard error by Hartung and Knapp, never below the plain one.
    df
        Degrees of freedom of its t interval, G - 1.
    conf_low, conf_high
        Its 95 % interval.
    predict_low, predict_high
        95 % interval for the true value of another group.
    """

    q: float
    q_df: int
    q_p_value: float
    i_squared: float
    tau: float
    mean: float
    std_error: float
    df: int
    conf_low: float
    conf_high: float
    predict_low: float
    predict_high: float


def heterogeneity(estimate: Floats, covariance: Floats) -> Heterogeneity | None:
    """Return the heterogeneity of estimates whose errors may be correlated; None if that can't be said.

    Parameters
    ----------
    estimate
        One estimate per group, shape (G,), G of at least 2.
    covariance
        Their sampling covariance, shape (G, G), taken as known.

    Returns
    -------
    Heterogeneity or None
        None if the covariance is singular: the groups' errors are not free of each other.

    Notes
    -----
    With V the covariance, ``Q = e' V^-1 e`` with e the residuals from the generalised least squares mean;
    I² after Higgins and Thompson (2002), *Statistics in Medicine* 21, 1539-1558. The true values are taken as
    normal with variance τ² about a mean, so that the estimates have covariance V + τ² I; τ² by restricted
    maximum likelihood (Viechtbauer 2005, *Journal of Educational and Behavioral Statistics* 30, 261-293); the
    mean's standard error after Hartung and Knapp (2001), *Statistics in Medicine* 20, 3875-3889, with the
    same quadratic form for correlated errors, and at least the plain one (Röver, Knapp and Friede 2015, *BMC
    Medical Research Methodology* 15, 99); the prediction interval after Higgins, Thompson and
    Spiegelhalter (2009), *JRSS A* 172, 137-159, on G - 1 degrees of freedom, as R's metafor makes it.

    Examples
    --------
    >>> found = heterogeneity(np.array([0.1, 0.4, 0.9]), np.diag([0.01, 0.01, 0.01]))
    >>> round(found.q, 2), round(found.i_squared, 2), round(found.mean, 3)
    (32.67, 0.94, 0.467)
    """
    size = np.sqrt(np.diag(covariance))
    if not np.all(size > 0):
        return None
    values = np.linalg.eigvalsh(covariance / np.outer(size, size))
    if values[0] <= DEPENDENCE * values[-1]:
        return None
    groups = len(estimate)
    q, _, _ = _about_mean(estimate, covariance, 0.0)
    tau2 = _restricted_tau2(estimate, covariance)
    spread, mean, variance = _about_mean(estimate, covariance, tau2)
    # Never below the plain standard error, which a lucky agreement of few groups would otherwise be.
    std_error = float(np.sqrt(variance * max(1.0, spread / (groups - 1))))
    half = stats.t.isf(0.025, groups - 1)
    reach = half * np.sqrt(std_error**2 + tau2)
    return Heterogeneity(
        q=q,
        q_df=groups - 1,
        q_p_value=float(stats.chi2.sf(q, groups - 1)),
        i_squared=max(0.0, (q - (groups - 1)) / q) if q > 0 else 0.0,
        tau=float(np.sqrt(tau2)),
        mean=mean,
        std_error=std_error,
        df=groups - 1,
        conf_low=mean - half * std_error,
        conf_high=mean + half * std_error,
        predict_low=float(mean - reach),
        predict_high=float(mean + reach),
    )


def _about_mean(estimate: Floats, covariance: Floats, tau2: float) -> tuple[float, float, float]:
    """Return the quadratic form about the generalised least squares mean, that mean, and its variance."""
    precision = np.linalg.inv(covariance + tau2 * np.eye(len(estimate)))
    variance = 1.0 / precision.sum()
    mean = variance * float(precision.sum(axis=0) @ estimate)
    e = estimate - mean
    return float(e @ precision @ e), float(mean), float(variance)


def _restricted_tau2(estimate: Floats, covariance: Floats) -> float:
    """Return τ² where the restricted likelihood is greatest, 0 if it falls from there."""
    # Beyond the estimates' own spread the likelihood only falls; a grid guards against a second peak.
    top = 4.0 * float(np.var(estimate)) * len(estimate) + float(np.mean(np.diag(covariance)))
    grid = np.concatenate([[0.0], top * np.linspace(0.0, 1.0, 201)[1:] ** 3])
    heights = [_restricted_loglik(t, estimate, covariance) for t in grid]
    best = int(np.argmax(heights))
    if best == 0 and _restricted_score(0.0, estimate, covariance) <= 0:
        return 0.0
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    # The score's zero is found to full precision; the likelihood's peak is flat.
    return float(optimize.brentq(_restricted_score, low, high, args=(estimate, covariance), xtol=1e-300))


def _restricted_loglik(tau2: float, estimate: Floats, covariance: Floats) -> float:
    spread, _, variance = _about_mean(estimate, covariance, tau2)
    _, logdet = np.linalg.slogdet(covariance + tau2 * np.eye(len(estimate)))
    return float(-0.5 * (logdet - np.log(variance) + spread))


def _restricted_score(tau2: float, estimate: Floats, covariance: Floats) -> float:
    """Return the derivative of the restricted log-likelihood by τ²."""
    precision = np.linalg.inv(covariance + tau2 * np.eye(len(estimate)))
    column = precision.sum(axis=0)
    projection = precision - np.outer(column, column) / column.sum()
    residual = projection @ estimate
    return float(0.5 * (residual @ residual - np.trace(projection)))
