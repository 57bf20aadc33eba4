"""Weighted means and proportions with design-based intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import ArgumentError, Fault, InsufficientDataError, did_you_mean, listed
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import ResolvedDesign, SurveyDesign, design_df, resolve_design
from coprodstats.survey.display import record_html
from coprodstats.survey.domains import Domain, domain_rows
from coprodstats.survey.ratios import ratio_covariance
from coprodstats.survey.weighting import Weighting, calibrated_design

Interval = Literal["logit", "korn-graubard", "wilson"]
Precision = Literal["ok", "review", "suppress"]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

COLUMNS = ("estimate", "std_error", "df", "conf_low", "conf_high", "n", "n_weighted", "design_effect")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionRules:
    """When a proportion is precise enough to be shown; the thresholds are a setting.

    The defaults follow the presentation standards of the US National Center for Health Statistics (Parker,
    Talih, Malec and others 2017, *Vital and Health Statistics* 2(175)) as the CDC's R package surveytable
    states them. They were not compared with the printed text: check them against it before you quote it.

    Attributes
    ----------
    min_n
        Respondents, and effective respondents ``p (1 - p) / V`` (at most as many), below which a proportion
        is flagged ``"suppress"``.
    narrow, wide
        Widths of the Korn-Graubard interval: at most ``narrow`` is ``"ok"``, at least ``wide`` is
        ``"suppress"``.
    relative
        Between the two: a width of more than this multiple of the proportion is ``"suppress"``; of more than
        this multiple of its complement ``"review"``.
    min_df
        Degrees of freedom below which a proportion that could be shown is flagged ``"review"``; proportions
        of exactly 0 and 1 are, too.

    Raises
    ------
    ArgumentError
        If a threshold is negative, or ``narrow`` exceeds ``wide``.

    Examples
    --------
    >>> PrecisionRules(min_n=50).wide
    0.3
    """

    min_n: float = 30
    narrow: float = 0.05
    wide: float = 0.30
    relative: float = 1.30
    min_df: float = 8

    def __post_init__(self) -> None:
        thresholds = (self.min_n, self.narrow, self.wide, self.relative, self.min_df)
        if not all(threshold >= 0 for threshold in thresholds) or self.narrow > self.wide:
            raise ArgumentError(
                Fault(
                    where="PrecisionRules",
                    found=f"the thresholds are {listed(thresholds)}",
                    allowed="numbers of at least 0, narrow at most wide",
                )
            )

    def _repr_html_(self) -> str:
        return record_html(self)


def means(
    data: CleanedSurvey | pd.DataFrame,
    variable: str,
    *,
    by: str | None = None,
    domain: Domain | None = None,
    design: SurveyDesign | None = None,
    weighting: Weighting | None = None,
) -> pd.DataFrame:
    """Return weighted means of a numeric variable, in all or by group.

    Parameters
    ----------
    data
        A cleaned survey, which brings its design, or a DataFrame.
    variable
        A numeric column; rows where it is missing are left out, their PSUs are not.
    by
        A categorical column; each group is a domain of the whole design.
    domain
        True for each row to be described; the design keeps the others. Groups outside it have no line.
    design
        The sampling design.
    weighting
        Calibration of the design's weights (`rake`, `post_stratify`, `calibrate`): its weights are used, and
        the variance takes it into account.

    Returns
    -------
    pandas.DataFrame
        Columns ``[by,] estimate, std_error, df, conf_low, conf_high, n, n_weighted, design_effect``.

    Raises
    ------
    ArgumentError
        If a column is absent or of the wrong type.
    DesignError
        If ``weighting`` was not made from the design's weights and these rows, or a replicate leaves a group
        without weight.

    Notes
    -----
    Ratio mean with linearised variance, or with that of the mean in each replicate if the design has
    replicate weights, as ``svymean`` and ``svyby`` of the R package survey. The design
    effect compares that variance with ``S^2 / n``, ``S^2`` the population variance estimated with the
    weights: simple random sampling with replacement, on any scale of the weights (``deff = "replace"``).

    Examples
    --------
    >>> means(pd.DataFrame({"score": [10.0, 20.0, 60.0]}), "score")["estimate"].tolist()
    [30.0]
    """
    frame, bound = bind(data, design, weighting)
    require_columns(frame, (variable,), by, taken=COLUMNS)
    inside = domain_rows(domain, frame)
    if not pd.api.types.is_numeric_dtype(frame[variable]):
        raise ArgumentError(
            Fault(
                where=f"means: {variable!r}",
                found="it is not numeric",
                remedy="proportions(...) for categories",
            )
        )
    values = frame[variable].to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(values).any():
        raise ArgumentError(
            Fault(where=f"means: {variable!r}", found=f"{int(np.isinf(values).sum())} values are infinite")
        )
    rows = []
    for label, group in _groups(frame, by, inside):
        rows_used = group & ~np.isnan(values)
        df = _df(bound, rows_used, _named("means", variable, by, label))
        found = _mean(np.nan_to_num(values), rows_used, bound, df)
        half = stats.t.isf(0.025, found.df) * found.std_error
        rows.append((*label, *_row(found, found.estimate - half, found.estimate + half)))
    return pd.DataFrame(rows, columns=[*([by] if by else []), *COLUMNS])


def proportions(
    data: CleanedSurvey | pd.DataFrame,
    variable: str,
    *,
    by: str | None = None,
    domain: Domain | None = None,
    design: SurveyDesign | None = None,
    weighting: Weighting | None = None,
    interval: Interval = "logit",
    precision: PrecisionRules | None = None,
) -> pd.DataFrame:
    """Return the weighted proportion in each category of a variable, in all or by group.

    Parameters
    ----------
    data, by, domain, design, weighting
        As for `means`.
    variable
        A categorical, logical or text column.
    interval
        ``"logit"``: on the logit scale, undefined at 0 and 1; ``"korn-graubard"``: Clopper and Pearson's
        exact limits at an effective sample size; ``"wilson"``: the score interval at one.
    precision
        Thresholds of the precision flag; none means the defaults of `PrecisionRules`.

    Returns
    -------
    pandas.DataFrame
        Columns ``[by,] category, estimate, std_error, df, conf_low, conf_high, n, n_weighted, design_effect,
        precision``; ``n`` is the number of respondents in the group, ``precision`` is ``"ok"``, ``"review"``
        or ``"suppress"``.

    Raises
    ------
    ArgumentError
        If a column is absent or of the wrong type, or there is no such interval.
    DesignError
        If ``weighting`` was not made from the design's weights and these rows, or a replicate leaves a group
        without weight.

    Notes
    -----
    Variances as for `means`. Logit: ``svyciprop(method = "logit")`` of the R package survey, with replicate
    weights its ``"xlogit"``. Korn-Graubard (1998, *Survey Methodology*
    24, 193-201; ``method = "beta"``): with ``m = p (1 - p) / V (t_{n-1} / t_d)^2`` the limits are the
    quantiles of Beta(m p, m (1 - p) + 1) and Beta(m p + 1, m (1 - p)). Wilson: the p' with ``(p - p')^2 =
    t_d^2 p' (1 - p') / m``, ``m = p (1 - p) / V`` (Wilson 1927; for surveys Dean and Pagano 2015, *Journal of
    Survey Statistics and Methodology* 3, 484-503). At 0 and 1, where V is 0, ``m`` rests on the number of
    respondents. The ratio of t quantiles counts as 1 where a group has fewer respondents than degrees of
    freedom. The design effect is that of `means`; it is undefined at 0 and 1.

    Examples
    --------
    >>> proportions(pd.DataFrame({"joins": ["no", "no", "no", "yes"]}), "joins")["estimate"].tolist()
    [0.75, 0.25]
    """
    frame, bound = bind(data, design, weighting)
    require_columns(frame, (variable,), by, taken=("category", *COLUMNS, "precision"))
    inside = domain_rows(domain, frame)
    _require_interval(interval)
    rules = _rules(precision)
    column = frame[variable]
    if pd.api.types.is_float_dtype(column):
        raise ArgumentError(
            Fault(where=f"proportions: {variable!r}", found="it is numeric", remedy="means(...) for numbers")
        )
    codes = column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype("category")
    rows = []
    for label, group in _groups(frame, by, inside):
        rows_used = group & column.notna().to_numpy()
        df = _df(bound, rows_used, _named("proportions", variable, by, label))
        for category in codes.cat.categories:
            found = _mean((codes == category).to_numpy(dtype=float), rows_used, bound, df)
            limits = _row(found, *_LIMITS[interval](found))
            rows.append((*label, category, *limits, _precision(found, rules)))
    return pd.DataFrame(rows, columns=[*([by] if by else []), "category", *COLUMNS, "precision"])


def bind(
    data: CleanedSurvey | pd.DataFrame, design: SurveyDesign | None, weighting: Weighting | None
) -> tuple[pd.DataFrame, ResolvedDesign]:
    """Return the data as a frame, and the design bound to its rows with the weights to be used.

    Raises
    ------
    ArgumentError
        If one of them is something else.
    """
    faults = [
        Fault(where=argument, found=f"it is a {type(value).__name__}", allowed=allowed)
        for argument, value, kinds, allowed in (
            ("data", data, CleanedSurvey | pd.DataFrame, "a cleaned survey or a DataFrame"),
            ("design", design, SurveyDesign | None, "a SurveyDesign"),
            ("weighting", weighting, Weighting | None, "what rake(...) returns"),
        )
        if not isinstance(value, kinds)
    ]
    if faults:
        raise ArgumentError(*faults)
    frame = data.frame if isinstance(data, CleanedSurvey) else data
    if design is None and isinstance(data, CleanedSurvey):
        design = data.design
    bound = resolve_design(design, frame)
    return frame, bound if weighting is None else calibrated_design(bound, weighting)


def require_columns(
    frame: pd.DataFrame, names: tuple[str, ...], by: str | None = None, *, taken: tuple[str, ...] = ()
) -> None:
    """Raise unless a frame has each column that is named, once.

    Parameters
    ----------
    frame
        The data.
    names
        Columns.
    by
        Another, beside which the result has the columns ``taken``; or None.
    taken
        Names that ``by`` can't have.

    Raises
    ------
    ArgumentError
        With everything that is wrong.
    """
    faults = []
    for name in (*names, *([] if by is None else [by])):
        found = int((frame.columns == name).sum()) if isinstance(name, str) else 0
        if found > 1:
            faults.append(Fault(where="data", found=f"there are {found} columns {name!r}", allowed="one"))
        elif not found:
            near = did_you_mean(str(name), map(str, frame.columns))
            remedy = near or f"columns: {listed(list(frame.columns))}"
            faults.append(Fault(where="data", found=f"there is no column {name!r}", remedy=remedy))
    if by in taken:
        already = f"the result has a column {by!r} already"
        faults.append(Fault(where="by", found=already, remedy="rename it"))
    if faults:
        raise ArgumentError(*faults)


def _require_interval(interval: str) -> None:
    if interval not in _LIMITS:
        raise ArgumentError(
            Fault(
                where="proportions: interval",
                found=f"{interval!r} is not one",
                allowed=listed(get_args(Interval)),
                remedy=did_you_mean(str(interval), _LIMITS),
            )
        )


def _rules(precision: Any) -> PrecisionRules:
    if precision is None:
        return PrecisionRules()
    if not isinstance(precision, PrecisionRules):
        found = f"it is a {type(precision).__name__}"
        raise ArgumentError(Fault(where="proportions: precision", found=found, allowed="PrecisionRules(...)"))
    return precision


def _groups(frame: pd.DataFrame, by: str | None, inside: Bools) -> Iterator[tuple[tuple[object, ...], Bools]]:
    if by is None:
        yield (), inside
        return
    column = frame[by] if isinstance(frame[by].dtype, pd.CategoricalDtype) else frame[by].astype("category")
    for level in column.cat.categories:
        group = inside & (column == level).to_numpy(dtype=bool)
        # A group that a domain leaves empty is passed over; one that is empty anyway is a fault.
        if group.any() or inside.all() or not inside.any():
            yield (level,), group


def _named(function: str, variable: str, by: str | None, label: tuple[object, ...]) -> str:
    return f"{function}: {variable!r}" + (f" where {by} = {label[0]!r}" if by else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mean:
    """A weighted mean of a domain with what its intervals need."""

    estimate: float
    std_error: float
    df: int
    n: int
    n_weighted: float
    design_effect: float


def _row(found: _Mean, low: float, high: float) -> tuple[float, ...]:
    ends = (found.n, found.n_weighted, found.design_effect)
    return (found.estimate, found.std_error, found.df, low, high, *ends)


def _df(bound: ResolvedDesign, domain: Bools, where: str) -> int:
    if not (bound.weights[domain] > 0).any():
        raise InsufficientDataError(
            Fault(
                where=where,
                found="no respondent has a value and a positive weight",
                remedy="drop the variable, or merge the group with another",
            )
        )
    return design_df(bound, domain)


def _mean(values: Floats, domain: Bools, bound: ResolvedDesign, df: int) -> _Mean:
    w = np.where(domain, bound.weights, 0.0)
    among = values[w > 0]
    # A constant is its own mean to the last digit: shares of 0 and 1 are told by equality.
    estimate = float(among[0] if np.ptp(among) == 0 else w @ values / w.sum())
    ones = np.ones((len(w), 1))
    variance = float(ratio_covariance(values[:, None], ones, np.array([estimate]), bound, domain)[0, 0])
    spread = float(w @ (values - estimate) ** 2 / w.sum())
    return _Mean(
        estimate=estimate,
        std_error=float(np.sqrt(variance)),
        df=df,
        n=len(among),
        n_weighted=float(bound.weights[domain].sum()),
        design_effect=variance * (len(among) - 1) / spread if spread > 0 else np.nan,
    )


def _logit_limits(found: _Mean) -> tuple[float, float]:
    estimate, std_error = found.estimate, found.std_error
    if not 0 < estimate < 1:
        return np.nan, np.nan
    centre = np.log(estimate / (1 - estimate))
    half = stats.t.isf(0.025, found.df) * std_error / (estimate * (1 - estimate))
    return float(1 / (1 + np.exp(half - centre))), float(1 / (1 + np.exp(-half - centre)))


def _korn_graubard_limits(found: _Mean) -> tuple[float, float]:
    p = min(max(found.estimate, 0.0), 1.0)
    if found.std_error == 0 and 0 < p < 1:
        return p, p
    least = stats.t.isf(0.025, max(found.n - 1, 1)) / stats.t.isf(0.025, found.df)
    m = _effective_n(found) * min(float(least), 1.0) ** 2
    low = stats.beta.ppf(0.025, m * p, m * (1 - p) + 1) if p > 0 else 0.0
    high = stats.beta.isf(0.025, m * p + 1, m * (1 - p)) if p < 1 else 1.0
    return float(low), float(high)


def _wilson_limits(found: _Mean) -> tuple[float, float]:
    p = min(max(found.estimate, 0.0), 1.0)
    if found.std_error == 0 and 0 < p < 1:
        return p, p
    ratio = stats.t.isf(0.025, found.df) ** 2 / _effective_n(found)
    centre, half = p + ratio / 2, np.sqrt(ratio * p * (1 - p) + ratio**2 / 4)
    low, high = (centre - half) / (1 + ratio), (centre + half) / (1 + ratio)
    return float(low) if p > 0 else 0.0, float(high) if p < 1 else 1.0


_LIMITS = {"logit": _logit_limits, "korn-graubard": _korn_graubard_limits, "wilson": _wilson_limits}


def _effective_n(found: _Mean) -> float:
    """Return how many independent respondents would give this variance; all of them where it is 0."""
    p = found.estimate
    return p * (1 - p) / found.std_error**2 if 0 < p < 1 and found.std_error > 0 else float(found.n)


def _precision(found: _Mean, rules: PrecisionRules) -> Precision:
    p = found.estimate
    if min(found.n, _effective_n(found)) < rules.min_n:
        return "suppress"
    if not 0 < p < 1:
        return "review"
    low, high = _korn_graubard_limits(found)
    width = high - low
    narrow = width <= rules.narrow
    if not narrow and (width >= rules.wide or width > rules.relative * p):
        return "suppress"
    if found.df < rules.min_df or (not narrow and width > rules.relative * (1 - p)):
        return "review"
    return "ok"
