"""Standard errors, t tests and intervals of estimates: arrays in, a frame out."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import Fault

Floats = NDArray[np.float64]

LEVEL = 0.95


def interval_frame(estimate: Floats, covariance: Floats, df: float, *, level: float = LEVEL) -> pd.DataFrame:
    """Return estimates with standard errors, t tests against zero and intervals.

    Parameters
    ----------
    estimate
        Estimates, shape (m,).
    covariance
        Their covariance, shape (m, m).
    df
        Degrees of freedom; infinite for the normal distribution.
    level
        Probability with which an interval covers.

    Returns
    -------
    pandas.DataFrame
        Columns ``estimate, std_error, statistic, df, p_value, conf_low, conf_high``; where the standard error
        is zero there is no test.
    """
    std_error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(std_error > 0, estimate / std_error, np.nan)
    half = stats.t.isf((1 - level) / 2, df) * std_error
    return pd.DataFrame(
        {
            "estimate": estimate,
            "std_error": std_error,
            "statistic": statistic,
            "df": df,
            "p_value": 2 * stats.t.sf(np.abs(statistic), df),
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        }
    )


def bounded_interval(
    estimate: Floats,
    std_error: Floats,
    df: float | Floats,
    *,
    bounds: tuple[float, float] | None = (0.0, 1.0),
    level: float = LEVEL,
) -> tuple[Floats, Floats]:
    """Return intervals of quantities that lie between two bounds, made on the logit scale between them.

    Parameters
    ----------
    estimate, std_error
        Estimates and their standard errors, shape (m,).
    df
        Degrees of freedom, of all or of each, shape (m,).
    bounds
        Where the quantities lie; None for no bounds: plain t intervals.
    level
        Probability with which an interval covers.

    Returns
    -------
    low, high : numpy.ndarray
        The intervals' ends, shape (m,); undefined (NaN) for estimates on or beyond a bound.

    Examples
    --------
    >>> low, high = bounded_interval(np.array([50.0]), np.array([10.0]), 60.0, bounds=(0.0, 100.0))
    >>> [round(float(end), 1) for end in (*low, *high)]
    [31.0, 69.0]
    """
    quantile = stats.t.isf((1 - level) / 2, df)
    if bounds is None:
        return estimate - quantile * std_error, estimate + quantile * std_error
    start, width = bounds[0], bounds[1] - bounds[0]
    share = (estimate - start) / width
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = np.log(share) - np.log1p(-share)
        half = quantile * (std_error / width) / (share * (1 - share))
        low, high = 1 / (1 + np.exp(half - centre)), 1 / (1 + np.exp(-half - centre))
    inside = (share > 0) & (share < 1)
    return (
        np.where(inside, start + width * low, np.nan),
        np.where(inside, start + width * high, np.nan),
    )


def logit_interval(estimate: Floats, std_error: Floats, df: float) -> tuple[Floats, Floats]:
    """Return 95 % intervals of proportions made on the logit scale; undefined at 0 and 1."""
    return bounded_interval(estimate, std_error, df)


def level_faults(level: object, asked: str) -> list[Fault]:
    """Return a fault if a level of confidence is no number between 0 and 1."""
    fine = isinstance(level, int | float) and not isinstance(level, bool) and 0 < level < 1
    if fine:
        return []
    return [Fault(where=f"{asked}: level", found=f"{level!r}", allowed="between 0 and 1, such as 0.95")]
