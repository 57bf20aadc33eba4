"""The design matrix: columns that know their term, level and reference, and can be rebuilt for new data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import (
    EmptyCategoryError,
    Fault,
    FormulaError,
    InsufficientDataError,
    ModelError,
    did_you_mean,
    listed,
)
from coprodstats.models.coding import Column, Plan, coded, columns_of, plan_of, surely_finite, values_of
from coprodstats.models.column_kinds import kind_of
from coprodstats.models.formula import ParsedFormula, named_reference
from coprodstats.models.formulaic_coding import (
    columns_of_state,
    materialise,
    materialise_again,
    reference_of,
)
from coprodstats.models.sample import Columns
from coprodstats.survey.numbering import occurring

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Prepared = dict[str, pd.Series]
Levels = dict[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DesignSpec:
    """What is needed to rebuild a design matrix for other data.

    Attributes
    ----------
    formula
        The parsed formula.
    columns
        The columns, without the intercept.
    levels
        For each categorical predictor its levels in order.
    state
        How the columns are coded: a plan, or formulaic's model specification (contrasts, centres, knots).
    """

    formula: ParsedFormula
    columns: tuple[Column, ...]
    levels: Levels
    state: Any

    def is_factor(self, variable: str) -> bool:
        """Return whether a predictor is categorical."""
        return variable in self.levels

    def reference(self, variable: str) -> Any:
        """Return the reference level of a categorical predictor."""
        if isinstance(self.state, Plan):
            return self.state.base_of(variable)
        return reference_of(self.state, variable, self.levels[variable])


def prepare_columns(columns: Columns, formula: ParsedFormula) -> tuple[Prepared, Levels]:
    """Return the predictors as floats and categoricals, with each categorical's levels.

    Raises
    ------
    ModelError
        If a predictor is neither numeric, logical, text nor categorical.
    """
    prepared: Prepared = {}
    levels: Levels = {}
    faults = []
    for name in formula.predictors:
        column = columns[name]
        kind = kind_of(column)
        if kind == "categories":
            # The order of an ordered predictor plays no part: treatment contrasts against the first level.
            prepared[name] = column.cat.as_unordered() if column.cat.ordered else column
            levels[name] = tuple(column.cat.categories)
        elif kind == "truth":
            prepared[name] = pd.Series(pd.Categorical(column, categories=[False, True]), index=column.index)
            levels[name] = (False, True)
        elif kind == "numbers" and name not in formula.factors:
            prepared[name] = _as_floats(column)
        elif kind == "text" or name in formula.factors:
            prepared[name] = column.astype("category")
            levels[name] = tuple(prepared[name].cat.categories)
        else:
            faults.append(
                Fault(
                    where=f"predictor {name!r}",
                    found=f"its type is {column.dtype}",
                    allowed="numbers, text or categories",
                )
            )
    if faults:
        raise ModelError(*faults)
    return prepared, levels


def _as_floats(column: pd.Series) -> pd.Series:
    if column.dtype == np.float64:
        return column
    return pd.Series(column.to_numpy(dtype=float, na_value=np.nan), index=column.index)


def build_matrix(formula: ParsedFormula, frame: pd.DataFrame) -> tuple[Floats, DesignSpec]:
    """Build the design matrix of complete rows.

    Parameters
    ----------
    formula
        The parsed formula.
    frame
        The rows used, complete in all predictors, shape (n, any).

    Returns
    -------
    x : numpy.ndarray
        Predictors without the intercept, shape (n, p).
    spec : DesignSpec
        What rebuilds the same columns for other data.

    Raises
    ------
    EmptyCategoryError
        If a level of a categorical predictor has no row.
    FormulaError
        If a reference level is named that the predictor does not have.
    InsufficientDataError
        If a predictor does not vary.
    ModelError
        If a transformation yields something that is not finite.
    """
    columns, spec = design_columns(read_predictors(formula, frame))
    return _laid_out(columns, len(frame), len(spec.columns)), spec


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictors:
    """The predictors of a formula, checked, and how they are coded.

    Attributes
    ----------
    formula
        The parsed formula.
    columns
        The predictors as floats and categoricals, n rows.
    levels
        For each categorical predictor its levels in order.
    plan
        How the terms are coded, or None where formulaic does it.
    finite
        Those that are known to be finite.
    """

    formula: ParsedFormula
    columns: Prepared
    levels: Levels
    plan: Plan | None
    finite: frozenset[str] = frozenset()


def read_predictors(
    formula: ParsedFormula, columns: Columns, finite: frozenset[str] = frozenset()
) -> Predictors:
    """Return the predictors of complete rows, some known to be finite; see `build_matrix` for errors."""
    prepared, levels = prepare_columns(columns, formula)
    _refuse_empty_levels(prepared, levels)
    _refuse_constant(prepared, levels)
    _refuse_unknown_reference(formula, levels)
    plan = plan_of(formula, levels)
    return Predictors(formula=formula, columns=prepared, levels=levels, plan=plan, finite=finite)


def design_columns(
    predictors: Predictors, rows: Ints | None = None
) -> tuple[Iterator[NDArray[Any]], DesignSpec]:
    """Return the columns of the design matrix, one after another, and what rebuilds it.

    Parameters
    ----------
    predictors
        The predictors.
    rows
        The rows wanted, where there is a plan; all by default.
    """
    formula, plan = predictors.formula, predictors.plan
    if plan is not None:
        found: Iterable[NDArray[Any]] = coded(plan, predictors.columns, rows)
        state, described = plan, columns_of(plan)
    else:
        matrix, state = materialise(formula, predictors.columns)
        found, described = matrix.T, columns_of_state(state)
    spec = DesignSpec(formula=formula, columns=described, levels=predictors.levels, state=state)
    return _finite(found, spec, predictors.finite), spec


def rebuild_matrix(spec: DesignSpec, frame: pd.DataFrame) -> Floats:
    """Build the same columns for other data.

    Parameters
    ----------
    spec
        A specification made by `build_matrix`.
    frame
        Complete rows with all predictors, shape (m, any).

    Returns
    -------
    numpy.ndarray
        Predictors without the intercept, shape (m, p).

    Raises
    ------
    ModelError
        If a predictor is absent or missing in some rows, or holds a level that the model has not seen.
    """
    prepared = _conform(spec, frame)
    planned = isinstance(spec.state, Plan)
    found = coded(spec.state, prepared) if planned else materialise_again(spec.state, prepared).T
    return _laid_out(_finite(found, spec), len(frame), len(spec.columns))


def _laid_out(columns: Iterable[NDArray[Any]], n: int, p: int) -> Floats:
    """Return columns as a matrix, shape (n, p), each of them in one piece."""
    matrix = np.empty((n, p), order="F")
    for j, column in enumerate(columns):
        matrix[:, j] = column
    return matrix


def _conform(spec: DesignSpec, frame: pd.DataFrame) -> Prepared:
    if not isinstance(frame, pd.DataFrame):
        raise ModelError(
            Fault(where="new data", found=f"it is a {type(frame).__name__}", allowed="a DataFrame")
        )
    faults = [
        Fault(where=f"new data: column {name!r}", found="it is absent, but the model needs it")
        for name in spec.formula.predictors
        if name not in frame.columns
    ]
    faults += [
        Fault(where=f"new data: column {name!r}", found="it occurs twice")
        for name in spec.formula.predictors
        if (frame.columns == name).sum() > 1
    ]
    if faults:
        raise ModelError(*faults)
    conformed: Prepared = {}
    for name in spec.formula.predictors:
        column = frame[name]
        gaps = int(column.isna().sum())
        if gaps:
            faults.append(Fault(where=f"new data: column {name!r}", found=f"{gaps} rows have no value"))
            continue
        if name in spec.levels:
            codes, values = pd.factorize(column)
            unseen = [value for value in values if value not in spec.levels[name]]
            if unseen:
                faults.append(
                    Fault(
                        where=f"new data: column {name!r}",
                        found=f"{len(unseen)} levels that the model has not seen ({listed(unseen)})",
                        allowed=listed(spec.levels[name]),
                    )
                )
                continue
            # Levels are found by equality, so that 0 and 1 are False and True, as 1.0 is 1.
            level = np.array([spec.levels[name].index(value) for value in values], dtype=np.intp)
            known = pd.Categorical.from_codes(level[codes], list(spec.levels[name]))  # type: ignore[call-overload]
            conformed[name] = pd.Series(known, index=frame.index)
        elif kind_of(column) in ("numbers", "truth"):
            conformed[name] = _as_floats(column)
        else:
            faults.append(
                Fault(where=f"new data: column {name!r}", found="it is not numeric", allowed="numbers")
            )
    if faults:
        raise ModelError(*faults)
    return conformed


def _refuse_empty_levels(prepared: Prepared, levels: Levels) -> None:
    faults = []
    for name, declared in levels.items():
        found = occurring(values_of(prepared[name]), len(declared))
        faults += [
            Fault(
                where=f"predictor {name!r}",
                found=f"level {str(level)!r} has no respondent among the {len(prepared[name])} rows used",
                remedy=f"merge it with another level in the codebook, or drop it with "
                f"frame[{name!r}].cat.remove_unused_categories()",
            )
            for level, there in zip(declared, found, strict=True)
            if not there
        ]
    if faults:
        raise EmptyCategoryError(*faults)


def _refuse_constant(prepared: Prepared, levels: Levels) -> None:
    faults = [
        Fault(
            where=f"predictor {name!r}",
            found=f"it has the same value in all {len(column)} rows used",
            remedy="leave it out of the formula",
        )
        for name, column in prepared.items()
        if (len(levels[name]) < 2 if name in levels else _is_constant(column.to_numpy()))
    ]
    if faults:
        raise InsufficientDataError(*faults)


def _is_constant(values: Floats) -> bool:
    return bool((values[: 1 + len(values) // 1000] == values[0]).all() and (values == values[0]).all())


def _refuse_unknown_reference(formula: ParsedFormula, levels: Levels) -> None:
    factors = dict.fromkeys(factor.expr for term in formula.terms for factor in term.factors)
    named = [found for expression in factors if (found := named_reference(expression)) is not None]
    faults = [
        Fault(
            where=f"formula '{formula.text}'",
            found=f"{name!r} has no level {level!r} to be the reference",
            allowed=listed(levels[name]),
            remedy=did_you_mean(str(level), map(str, levels[name])),
        )
        for name, level in named
        if level not in levels[name]
    ]
    if faults:
        raise FormulaError(*faults)


def _finite(
    columns: Iterable[NDArray[Any]], spec: DesignSpec, finite: frozenset[str] = frozenset()
) -> Iterator[NDArray[Any]]:
    """Yield columns as long as all are finite; raise, when all have been seen, what is not."""
    p = len(spec.columns)
    sure = surely_finite(spec.state, finite) if isinstance(spec.state, Plan) else [False] * p
    faults = []
    for values, known, column in zip(columns, sure, spec.columns, strict=True):
        # A sum is finite only if its terms are; it may overflow though they are.
        with np.errstate(over="ignore", invalid="ignore"):
            fine = known or np.isfinite(values.sum()) or np.isfinite(values).all()
        if fine:
            yield values
            continue
        faults.append(
            Fault(
                where=f"term {column.name!r}",
                found=f"{int((~np.isfinite(values)).sum())} rows give a number that is not finite",
                remedy="check the range of the variable (logarithms need positive numbers)",
            )
        )
    if faults:
        raise ModelError(*faults)
