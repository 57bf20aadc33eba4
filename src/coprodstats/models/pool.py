"""Models, comparisons and tables estimated on each completed data set, combined by Rubin's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import (
    ArgumentError,
    CoprodstatsError,
    Fault,
    InsufficientDataError,
    ModelError,
    listed,
)
from coprodstats.models.comparison import Comparison
from coprodstats.models.intervals import bounded_interval, interval_frame
from coprodstats.models.multiplicity import ADJUSTMENTS, equivalence_p
from coprodstats.models.pooled import Pooled
from coprodstats.models.pooling import RubinEstimate, combine, joint_test
from coprodstats.models.results import FittedModel
from coprodstats.models.wald import WaldTest
from coprodstats.survey.cleaning import CleanedSurvey

Floats = NDArray[np.float64]
Completed: TypeAlias = CleanedSurvey | pd.DataFrame
Result: TypeAlias = FittedModel | Comparison | pd.DataFrame

ADDED_COLUMNS = ("riv", "fmi")


@overload
def pool(completed: Iterable[Completed], estimate: Callable[[Any], Result]) -> Pooled: ...


@overload
def pool(
    completed: Iterable[Completed], estimate: Callable[[Any], Mapping[str, Result]]
) -> dict[str, Pooled]: ...


def pool(
    completed: Iterable[Completed], estimate: Callable[[Any], Result | Mapping[str, Result]]
) -> Pooled | dict[str, Pooled]:
    """Estimate the same on each completed data set and combine by Rubin's rules.

    Parameters
    ----------
    completed
        What `coprodstats.impute` returns, or completed data sets from elsewhere, two at least.
    estimate
        A function of one completed data set. It returns a fitted model, a comparison, or a table such as that
        of `coprodstats.margins`; or several of them by name.

    Returns
    -------
    Pooled or dict of str to Pooled
        ``to_frame()`` has the columns of what was returned, and ``riv`` and ``fmi``.

    Raises
    ------
    ArgumentError
        If there are fewer than two data sets, or the function returns something else.
    ModelError
        If the results of two data sets do not have the same rows.
    CoprodstatsError
        What the function raises, with the number of the data set.

    Notes
    -----
    Models are combined on the scale of their coefficients, margins and differences on their own. The degrees
    of freedom of complete data are those that each result states, for a survey those of the design; formulas
    and sources are in `coprodstats.models.pooling`. A table is combined row by row: its columns before
    ``estimate`` are labels, ``n`` and ``n_weighted`` are averaged, intervals are made as in the table (by t,
    or on the logit scale), and what describes one data set only, such as a design effect, is left out.

    Examples
    --------
    >>> from coprodstats import impute, logit
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"age": rng.integers(18, 90, 200), "joins": rng.random(200) < 0.4})
    >>> frame["joins"] = frame["joins"].astype("boolean").mask(rng.random(200) < 0.2)
    >>> found = pool(impute(frame, ["age", "joins"], m=5, seed=2), lambda data: logit("joins ~ age", data))
    >>> found.names, list(found.to_frame().columns[-3:])
    (('Intercept', 'age'), ['note', 'riv', 'fmi'])
    """
    results = [_estimated(estimate, data, number) for number, data in enumerate(completed, start=1)]
    if len(results) < 2:
        found = f"there are {len(results)} completed data sets"
        raise ArgumentError(Fault(where="pool: completed", found=found, allowed="two at least"))
    named = [result for result in results if isinstance(result, Mapping)]
    if not named:
        return _pooled(results, "estimate")
    if len(named) < len(results) or any(list(result) != list(named[0]) for result in named):
        found = "it does not give the same names for each data set"
        raise ArgumentError(Fault(where="pool: estimate", found=found, allowed=listed(list(named[0]))))
    return {name: _pooled([result[name] for result in named], name) for name in named[0]}


def _estimated(
    estimate: Callable[[Any], Result | Mapping[str, Result]], data: Completed, number: int
) -> Result | Mapping[str, Result]:
    try:
        return estimate(data)
    except CoprodstatsError as error:
        faults = [
            replace(fault, where=f"completed data set {number}: {fault.where}") for fault in error.faults
        ]
        raise type(error)(*faults) from error


def _pooled(results: Sequence[Any], name: str) -> Pooled:
    for kind, combined in _COMBINED.items():
        if all(isinstance(result, kind) for result in results):
            return combined(results)
    raise ArgumentError(
        Fault(
            where="pool: estimate",
            found=f"{name!r} is a {type(results[0]).__name__}",
            allowed="a fitted model, a comparison, a table of estimates, or several of them by name",
        )
    )


def _pooled_models(models: Sequence[FittedModel]) -> Pooled:
    first = models[0]
    frame = _averaged([model.to_frame().drop(columns="note") for model in models], "estimate")
    found = combine(
        np.array([model.estimates for model in models]),
        np.array([model.covariance_matrix for model in models]),
        complete_df=min(model.df for model in models),
    )
    warnings = _distinct(warning for model in models for warning in model.warnings)
    frame = _with_estimates(frame, found, "estimate")
    frame.insert(
        len(frame.columns) - len(ADDED_COLUMNS), "note", "; ".join([*warnings, f"{found.m} imputations"])
    )
    return Pooled(
        m=found.m,
        estimates=found,
        names=tuple(p.name for p in first.parameters),
        terms=tuple(p.term for p in first.parameters),
        df_rule=first.df_rule,
        test=None,
        warnings=warnings,
        _frame=frame,
    )


def _pooled_comparisons(comparisons: Sequence[Comparison]) -> Pooled:
    first = comparisons[0]
    frame = _averaged([c.to_frame() for c in comparisons], "difference", means=first.names)
    found = _differences(comparisons)
    frame = _with_estimates(frame, found, "difference")
    frame["p_adjusted"] = ADJUSTMENTS[first.adjust](frame["p_value"].to_numpy())
    if first.equivalence is not None:
        p = [
            equivalence_p(found.estimate[[k]], found.std_error[[k]], float(df), first.equivalence)[0]
            for k, df in enumerate(found.df)
        ]
        frame["p_equivalence"] = p
    warnings = _distinct(caveat for c in comparisons for caveat in c.caveats)
    against_first = tuple((0, k) for k in range(1, len(first.names)))
    joint = _differences([replace(c, pairs=against_first) for c in comparisons])
    test = WaldTest(
        statistic=np.nan, df_num=0, df_denom=first.df, p_value=np.nan, n_restrictions=0, null=first.test.null
    )
    try:
        test = joint_test(joint, rule=first.df_rule, null=first.test.null)
    except InsufficientDataError as error:
        warnings = _distinct([*warnings, *(f"No joint test: {fault.found}." for fault in error.faults)])
    return Pooled(
        m=found.m,
        estimates=found,
        names=tuple(frame["term"]),
        terms=tuple(frame["term"]),
        df_rule=first.df_rule,
        test=test,
        warnings=warnings,
        _frame=frame,
    )


def _differences(comparisons: Sequence[Comparison]) -> RubinEstimate:
    pairs = [c.differences() for c in comparisons]
    return combine(
        np.array([difference for difference, _ in pairs]),
        np.array([covariance for _, covariance in pairs]),
        complete_df=min(c.df for c in comparisons),
    )


def _pooled_tables(tables: Sequence[pd.DataFrame]) -> Pooled:
    needed = ("estimate", "std_error", "df", "conf_low", "conf_high")
    absent = [column for column in needed if column not in tables[0]]
    if absent:
        found = f"its columns lack {listed(absent)}"
        raise ArgumentError(Fault(where="pool: estimate", found=found, allowed="a table of estimates"))
    interval = _interval_of(tables[0])
    frame = _averaged(tables, "estimate")
    errors = np.array([table["std_error"] for table in tables])
    found_ = combine(
        np.array([table["estimate"] for table in tables]),
        errors[:, :, None] ** 2 * np.eye(errors.shape[1]),
        complete_df=np.min([table["df"] for table in tables], axis=0).astype(float),
    )
    frame = _with_estimates(frame, found_, "estimate")
    frame["conf_low"], frame["conf_high"] = interval(frame)
    return Pooled(
        m=found_.m, estimates=found_, names=(), terms=(), df_rule=None, test=None, warnings=(), _frame=frame
    )


def _interval(frame: pd.DataFrame, *, bounds: tuple[float, float] | None) -> tuple[Floats, Floats]:
    """Return 95 % intervals of a table, made by t, or on the logit scale between bounds."""
    columns = frame[["estimate", "std_error", "df"]].to_numpy(dtype=float).T
    return bounded_interval(*columns, bounds=bounds)


def _interval_of(table: pd.DataFrame) -> Callable[[pd.DataFrame], tuple[Floats, Floats]]:
    """Return the rule by which a table made its intervals: with the bounds that it tells, if it does."""
    ends = table[["conf_low", "conf_high"]].to_numpy(dtype=float).T
    for bounds in (None, table.attrs.get("bounds", (0.0, 1.0))):
        interval = partial(_interval, bounds=bounds)
        if np.allclose(interval(table), ends, rtol=1e-6, atol=1e-12, equal_nan=True):
            return interval
    raise ArgumentError(
        Fault(
            where="pool: estimate",
            found="its intervals are neither 95 % t intervals nor such intervals on the logit scale",
            remedy="leave level and interval at their defaults, and the table as it was made",
        )
    )


def _averaged(frames: Sequence[pd.DataFrame], estimate: str, means: Sequence[str] = ()) -> pd.DataFrame:
    """Return the first frame without what belongs to one data set only, numbers averaged.

    Parameters
    ----------
    frames
        One per completed data set.
    estimate
        Column of the estimates; what stands before it are labels, which must be the same in all.
    means
        Columns before it that are numbers to be averaged, as ``n`` and ``n_weighted`` are.
    """
    first = frames[0]
    numbers = [*means, *(c for c in ("n", "n_weighted") if c in first)]
    before = list(first.columns[: first.columns.get_loc(estimate)])
    labels = [column for column in before if column not in numbers]
    for position, frame in enumerate(frames, start=1):
        if list(frame.columns) != list(first.columns) or not frame[labels].equals(first[labels]):
            raise ModelError(
                Fault(
                    where="pool",
                    found=f"data set {position} gives other rows than data set 1",
                    remedy="merge categories that are so rare that some data set has none",
                )
            )
    kept = [c for c in first.columns if c in (*before, *_ESTIMATION, estimate, *numbers)]
    averaged = first[kept].copy()
    for column in numbers:
        if not all(frame[column].equals(first[column]) for frame in frames):
            averaged[column] = np.mean([frame[column] for frame in frames], axis=0)
    return averaged


def _with_estimates(frame: pd.DataFrame, found: RubinEstimate, estimate: str) -> pd.DataFrame:
    made = interval_frame(found.estimate, found.covariance, 1.0).assign(df=found.df)
    made["p_value"] = 2 * stats.t.sf(np.abs(made["statistic"]), made["df"])
    made["conf_low"], made["conf_high"] = _interval(made, bounds=None)
    made = made.rename(columns={"estimate": estimate})
    changed = {str(c): made[c].to_numpy() for c in made if c in frame}
    return frame.assign(**changed, riv=found.riv, fmi=found.fmi)


def _distinct(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


_ESTIMATION = (
    "std_error", "statistic", "df", "p_value", "p_adjusted", "p_equivalence", "conf_low", "conf_high",
)  # fmt: skip
_COMBINED: dict[type, Callable[[Sequence[Any]], Pooled]] = {
    FittedModel: _pooled_models,
    Comparison: _pooled_comparisons,
    pd.DataFrame: _pooled_tables,
}
