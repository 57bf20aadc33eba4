"""How uneven weights are, and weights held within limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq

from coprodstats.errors import ArgumentError, Fault
from coprodstats.survey.design import SurveyDesign, resolve_design
from coprodstats.survey.display import record_html

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightDiagnostics:
    """How uneven weights are; rows of weight zero are counted and left out of the rest.

    Attributes
    ----------
    n, n_zero
        Rows with a positive weight, and rows of weight zero.
    total, mean
        Sum and mean of the positive weights.
    minimum, maximum, ratio
        The smallest and the largest positive weight, and the largest over the smallest.
    kish_effect
        ``n sum(w^2) / sum(w)^2``, one plus the squared coefficient of variation: the factor by which uneven
        weights raise the variance of a mean that is unrelated to them (Kish 1965, *Survey Sampling*).
    effective_n
        ``n`` divided by ``kish_effect``.
    largest_percent_share
        Share of the total that the largest 1 % of weights hold (at least one row).

    Examples
    --------
    >>> weight_diagnostics([1.0, 1.0, 2.0]).ratio
    2.0
    """

    n: int
    n_zero: int
    total: float
    mean: float
    minimum: float
    maximum: float
    ratio: float
    kish_effect: float
    effective_n: float
    largest_percent_share: float

    def _repr_html_(self) -> str:
        return record_html(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrimmedWeights:
    """Weights held within limits.

    Attributes
    ----------
    weights
        The weights after trimming.
    n_raised, n_lowered
        How many weights ended on the lower and on the upper limit without having been there.
    scale
        What the other weights were multiplied by.
    total_before, total_after
        Sums of the weights.

    Examples
    --------
    >>> trimmed = trim_weights([1.0, 1.0, 2.0, 8.0], upper=5.0)
    >>> trimmed.weights.tolist(), trimmed.n_lowered
    ([1.75, 1.75, 3.5, 5.0], 1)
    """

    weights: pd.Series
    n_raised: int
    n_lowered: int
    scale: float
    total_before: float
    total_after: float

    def _repr_html_(self) -> str:
        return record_html(self)


def weight_diagnostics(weights: pd.Series | Floats | list[float]) -> WeightDiagnostics:
    """Return how uneven weights are: Kish's effect, effective n, extremes.

    Parameters
    ----------
    weights
        The weights, shape (n,).

    Returns
    -------
    WeightDiagnostics
        The measures.

    Raises
    ------
    WeightError
        If weights are negative, missing, infinite or all zero.

    Examples
    --------
    >>> found = weight_diagnostics([1.0, 1.0, 1.0, 3.0])
    >>> round(found.kish_effect, 6), found.effective_n
    (1.333333, 3.0)
    """
    values = _series(weights).to_numpy()
    w = np.sort(values[values > 0])
    n, total = len(w), float(w.sum())
    kish = float(n * (w @ w) / total**2)
    largest = -(-n // 100)
    return WeightDiagnostics(
        n=n,
        n_zero=int(len(values) - n),
        total=total,
        mean=total / n,
        minimum=float(w[0]),
        maximum=float(w[-1]),
        ratio=float(w[-1] / w[0]),
        kish_effect=kish,
        effective_n=n / kish,
        largest_percent_share=float(w[-largest:].sum() / total),
    )


def trim_weights(
    weights: pd.Series | Floats | list[float],
    *,
    lower: float | None = None,
    upper: float | None = None,
    redistribute: bool = True,
) -> TrimmedWeights:
    """Return weights held within limits, and how many had to be.

    Parameters
    ----------
    weights
        The weights, shape (n,); those of zero stay zero.
    lower, upper
        The limits, on the scale of the weights; none is no limit.
    redistribute
        Whether the sum of the weights is kept: the weights are multiplied by a common factor before they are
        limited, so that those within the limits keep their ratios. Otherwise they are only cut off.

    Returns
    -------
    TrimmedWeights
        The weights and the counts. Margins met before are not met after: compare ``Weighting.to_frame()``.

    Raises
    ------
    ArgumentError
        If no limit is given, or no weights within the limits have that sum.
    WeightError
        If weights are negative, missing, infinite or all zero.

    Examples
    --------
    >>> trim_weights([1.0, 1.0, 2.0, 8.0], upper=4.0, redistribute=False).weights.tolist()
    [1.0, 1.0, 2.0, 4.0]
    """
    series = _series(weights)
    values = series.to_numpy()
    live = values > 0
    w = values[live]
    low, high = (0.0 if lower is None else lower), (np.inf if upper is None else upper)
    _require_limits(lower, upper, w, redistribute=redistribute)
    scale = _common_factor(w, low, high) if redistribute else 1.0
    trimmed = values.copy()
    trimmed[live] = np.clip(scale * w, low, high)
    return TrimmedWeights(
        weights=pd.Series(trimmed, index=series.index, name=series.name),
        n_raised=int((scale * w < low).sum()),
        n_lowered=int((scale * w > high).sum()),
        scale=scale,
        total_before=float(values.sum()),
        total_after=float(trimmed.sum()),
    )


def _series(weights: pd.Series | Floats | list[float]) -> pd.Series:
    series = weights if isinstance(weights, pd.Series) else pd.Series(weights, dtype=float)
    checked = resolve_design(SurveyDesign(weights="weights"), pd.DataFrame({"weights": series})).weights
    return pd.Series(checked, index=series.index, name=series.name)


def _require_limits(lower: float | None, upper: float | None, w: Floats, *, redistribute: bool) -> None:
    low, high = (0.0 if lower is None else lower), (np.inf if upper is None else upper)
    where = "trim_weights"
    found = ""
    if lower is None and upper is None:
        found = "no limit is given"
    elif not 0 <= low < high or np.isinf(low):
        found = f"the limits are {low!r} and {high!r}"
    elif redistribute and not low * len(w) <= w.sum() <= high * len(w):
        found = f"no {len(w)} weights between {low!r} and {high!r} add up to {w.sum():.10g}"
    if found:
        raise ArgumentError(
            Fault(where=where, found=found, allowed="0 <= lower < upper, around the mean of the weights")
        )


def _common_factor(w: Floats, low: float, high: float) -> float:
    """Return the factor c for which weights c w, limited, have the sum of w: that sum grows with c."""
    total = w.sum()

    def excess(log_factor: float) -> float:
        return float(np.clip(np.exp(log_factor) * w, low, high).sum() - total)

    if abs(excess(0.0)) <= 1e-14 * total:
        return 1.0
    ends = [bound / value for bound in (low, high) for value in (w.min(), w.max()) if 0 < bound < np.inf]
    start, stop = np.log(min(*ends, 1e-3) / 2), np.log(max(*ends, 1e3) * 2)
    scaled = w * np.exp(brentq(excess, start, stop, xtol=1e-15, rtol=1e-14))
    free = (scaled > low) & (scaled < high)
    limited = np.clip(scaled, low, high)[~free].sum()
    return float((total - limited) / w[free].sum()) if free.any() else float(scaled[0] / w[0])
