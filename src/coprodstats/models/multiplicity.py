"""P values adjusted for the number of tests, and tests of equivalence: arrays only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Adjust = Literal["holm", "bh"]


def holm(p_values: Floats) -> Floats:
    """Return Holm's step-down adjusted p values (Holm 1979, *Scandinavian Journal of Statistics* 6, 65-70).

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    adjusted = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    stepped = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0) if len(order) else stepped
    return adjusted


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Return Benjamini and Hochberg's adjusted p values (1995, *JRSS B* 57, 289-300); NaN stays NaN.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.04, 0.04]
    """
    adjusted = np.full(len(p_values), np.nan)
    known = ~np.isnan(p_values)
    if known.any():
        adjusted[known] = stats.false_discovery_control(p_values[known], method="bh")
    return adjusted


ADJUSTMENTS: dict[Adjust, Callable[[Floats], Floats]] = {"holm": holm, "bh": benjamini_hochberg}


def equivalence_p(difference: Floats, std_error: Floats, df: float, bound: float) -> Floats:
    """Return the larger p value of two one-sided tests that a difference lies within ±bound, shape (m,).

    Notes
    -----
    Schuirmann (1987), *Journal of Pharmacokinetics and Biopharmaceutics* 15, 657-680.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = (bound - np.abs(difference)) / std_error
    certain = np.where(np.abs(difference) < bound, 0.0, 1.0)
    return np.asarray(np.where(std_error > 0, stats.t.sf(inside, df), certain))
