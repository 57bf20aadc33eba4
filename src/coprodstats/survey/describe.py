"""Weighted means and proportions with design-based intervals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import ArgumentError, Fault, InsufficientDataError, did_you_mean, listed
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import (
    ResolvedDesign,
    SurveyDesign,
    design_df,
    design_variance,
    resolve_design,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

COLUMNS = ("estimate", "std_error", "df", "conf_low", "conf_high", "n", "n_weighted")


def means(
    data: CleanedSurvey | pd.DataFrame,
    variable: str,
    *,
    by: str | None = None,
    design: SurveyDesign | None = None,
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
    design
        The sampling design.

    Returns
    -------
    pandas.DataFrame
        Columns ``[by,] estimate, std_error, df, conf_low, conf_high, n, n_weighted``.

    Raises
    ------
    ArgumentError
        If a column is absent or of the wrong type.

    Notes
    -----
    Ratio mean with linearised variance, as ``svymean`` and ``svyby`` of the R package survey.

    Examples
    --------
    >>> means(pd.DataFrame({"score": [10.0, 20.0, 60.0]}), "score")["estimate"].tolist()
    [30.0]
    """
    frame, bound = _bind(data, design)
    _require(frame, variable, by)
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
    for label, domain in _groups(frame, by, ~np.isnan(values)):
        where = _named("means", variable, by, label)
        estimate, std_error, df = _mean(np.nan_to_num(values), domain, bound, where)
        half = stats.t.isf(0.025, df) * std_error
        row = (estimate, std_error, df, estimate - half, estimate + half, *_bases(domain, bound))
        rows.append((*label, *row))
    return pd.DataFrame(rows, columns=[*([by] if by else []), *COLUMNS])


def proportions(
    data: CleanedSurvey | pd.DataFrame,
    variable: str,
    *,
    by: str | None = None,
    design: SurveyDesign | None = None,
) -> pd.DataFrame:
    """Return the weighted proportion in each category of a variable, in all or by group.

    Parameters
    ----------
    data, by, design
        As for `means`.
    variable
        A categorical, logical or text column.

    Returns
    -------
    pandas.DataFrame
        Columns ``[by,] category, estimate, std_error, df, conf_low, conf_high, n, n_weighted``; ``n`` is the
        number of respondents in the group. Intervals are made on the logit scale, undefined at 0 and 1.

    Raises
    ------
    ArgumentError
        If a column is absent or of the wrong type.

    Notes
    -----
    As ``svyciprop(method = "logit")`` of the R package survey.

    Examples
    --------
    >>> proportions(pd.DataFrame({"joins": ["no", "no", "no", "yes"]}), "joins")["estimate"].tolist()
    [0.75, 0.25]
    """
    frame, bound = _bind(data, design)
    _require(frame, variable, by)
    column = frame[variable]
    if pd.api.types.is_float_dtype(column):
        raise ArgumentError(
            Fault(where=f"proportions: {variable!r}", found="it is numeric", remedy="means(...) for numbers")
        )
    codes = column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype("category")
    rows = []
    for label, domain in _groups(frame, by, column.notna().to_numpy()):
        where = _named("proportions", variable, by, label)
        for category in codes.cat.categories:
            estimate, std_error, df = _mean((codes == category).to_numpy(dtype=float), domain, bound, where)
            low, high = _logit_limits(estimate, std_error, df)
            rows.append((*label, category, estimate, std_error, df, low, high, *_bases(domain, bound)))
    return pd.DataFrame(rows, columns=[*([by] if by else []), "category", *COLUMNS])


def _bind(
    data: CleanedSurvey | pd.DataFrame, design: SurveyDesign | None
) -> tuple[pd.DataFrame, ResolvedDesign]:
    if isinstance(data, CleanedSurvey):
        frame = data.frame
        return frame, resolve_design(design if design is not None else data.design, frame)
    return data, resolve_design(design, data)


def _require(frame: pd.DataFrame, variable: str, by: str | None) -> None:
    faults = [
        Fault(
            where="data",
            found=f"there is no column {name!r}",
            remedy=did_you_mean(name, map(str, frame.columns)) or f"columns: {listed(list(frame.columns))}",
        )
        for name in (variable, *([by] if by else []))
        if name not in frame.columns
    ]
    if faults:
        raise ArgumentError(*faults)


def _groups(frame: pd.DataFrame, by: str | None, valid: Bools) -> Iterator[tuple[tuple[object, ...], Bools]]:
    if by is None:
        yield (), valid
        return
    column = frame[by] if isinstance(frame[by].dtype, pd.CategoricalDtype) else frame[by].astype("category")
    for level in column.cat.categories:
        yield (level,), valid & (column == level).to_numpy(dtype=bool)


def _named(function: str, variable: str, by: str | None, label: tuple[object, ...]) -> str:
    return f"{function}: {variable!r}" + (f" where {by} = {label[0]!r}" if by else "")


def _mean(values: Floats, domain: Bools, bound: ResolvedDesign, where: str) -> tuple[float, float, int]:
    w = np.where(domain, bound.weights, 0.0)
    if w.sum() <= 0:
        raise InsufficientDataError(
            Fault(
                where=where,
                found="no respondent has a value and a positive weight",
                remedy="drop the variable, or merge the group with another",
            )
        )
    estimate = float(w @ values / w.sum())
    influence = (w * (values - estimate) / w.sum())[:, None]
    variance = design_variance(influence, bound)[0, 0]
    return estimate, float(np.sqrt(variance)), design_df(bound, domain)


def _bases(domain: Bools, bound: ResolvedDesign) -> tuple[int, float]:
    return int((domain & (bound.weights > 0)).sum()), float(bound.weights[domain].sum())


def _logit_limits(estimate: float, std_error: float, df: int) -> tuple[float, float]:
    if not 0 < estimate < 1:
        return np.nan, np.nan
    centre = np.log(estimate / (1 - estimate))
    half = stats.t.isf(0.025, df) * std_error / (estimate * (1 - estimate))
    return float(1 / (1 + np.exp(half - centre))), float(1 / (1 + np.exp(-half - centre)))
