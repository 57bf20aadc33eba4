"""The trace of imputation chains, and whether they have met."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

# Chains whose joint spread exceeds that within them by this factor have not met, unless chance explains it.
R_HAT_LIMIT = 1.2
CHANCE = 0.001


def trace_frame(variables: Sequence[str], traces: Floats) -> pd.DataFrame:
    """Return the trace as a table: ``variable, imputation, iteration, mean, std``.

    Parameters
    ----------
    variables
        The imputed variables.
    traces
        Mean and standard deviation of their imputed values, shape (m, iterations, variables, 2).
    """
    number, iteration, position = (a.ravel() for a in np.indices(traces.shape[:3]))
    frame = pd.DataFrame(
        {
            "variable": np.array([*variables, ""], dtype=object)[position],
            "imputation": number + 1,
            "iteration": iteration + 1,
            "mean": traces[..., 0].ravel(),
            "std": traces[..., 1].ravel(),
        }
    )
    return frame.astype({"variable": "str"})


def scale_reductions(variables: Sequence[str], traces: Floats) -> pd.DataFrame:
    """Return the potential scale reduction of each variable: ``variable, r_hat_mean, r_hat_std``.

    Parameters
    ----------
    variables, traces
        As for `trace_frame`.
    """
    reductions = {
        f"r_hat_{what}": [scale_reduction(traces[:, :, k, j]) for k in range(len(variables))]
        for j, what in enumerate(("mean", "std"))
    }
    return pd.DataFrame({"variable": pd.Series(list(variables), dtype="str"), **reductions})


def not_met(reductions: pd.DataFrame, *, m: int, iterations: int) -> list[str]:
    """Return the variables whose chains have not met: a scale reduction above the limit, and above chance.

    Parameters
    ----------
    reductions
        What `scale_reductions` returned.
    m, iterations
        Number of chains and their length.
    """
    n = iterations - iterations // 2
    if n < 2:
        return []
    by_chance = np.sqrt((n - 1) / n + stats.f.isf(CHANCE, m - 1, m * (n - 1)) / n)
    worst = reductions[["r_hat_mean", "r_hat_std"]].max(axis=1)
    return list(reductions.loc[worst > max(R_HAT_LIMIT, by_chance), "variable"])


def scale_reduction(chains: Floats) -> float:
    """Return the potential scale reduction of the later half of some chains.

    Parameters
    ----------
    chains
        One row per chain, shape (m, iterations).

    Returns
    -------
    float
        About 1 where the chains have met; NaN with fewer than two iterations in the later half.

    Notes
    -----
    sqrt(((n - 1)/n W + V) / W), W the mean variance within chains of n values and V the variance of their
    means (Gelman and Rubin 1992, *Statistical Science* 7, 457-472).

    Examples
    --------
    >>> round(scale_reduction(np.array([[9.0, 9.0, 0.0, 1.0], [9.0, 9.0, 1.0, 2.0]])), 4)
    1.2247
    """
    later = chains[:, chains.shape[1] // 2 :]
    n = later.shape[1]
    if n < 2:
        return float("nan")
    within, between = later.var(axis=1, ddof=1).mean(), later.mean(axis=1).var(ddof=1)
    if within == 0:
        return 1.0 if between == 0 else float("inf")
    return float(np.sqrt(((n - 1) / n * within + between) / within))
