"""The design matrix: columns that know their term, level and reference, and can be rebuilt for new data."""

from __future__ import annotations

import re
import warnings
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
    RankDeficiencyError,
    did_you_mean,
    listed,
)
from coprodstats.models.formula import ParsedFormula, named_reference

Floats = NDArray[np.float64]

# Relative size below which a column is a combination of the others; columns are centred and of unit length.
RANK_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a design matrix.

    Attributes
    ----------
    name
        The parameter's name, such as ``country[T.DK]``.
    term
        The term it belongs to, such as ``country`` or ``age:country``.
    level
        The level that it marks; empty for numeric terms; several joined by ``:`` in interactions.
    reference
        The level it is compared with, in the same form.
    variables
        The data's columns from which it is made.
    """

    name: str
    term: str
    level: str
    reference: str
    variables: tuple[str, ...]


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
        Formulaic's model specification (contrasts, centres, knots).
    """

    formula: ParsedFormula
    columns: tuple[Column, ...]
    levels: dict[str, tuple[Any, ...]]
    state: Any

    def is_factor(self, variable: str) -> bool:
        """Return whether a predictor is categorical."""
        return variable in self.levels

    def reference(self, variable: str) -> Any:
        """Return the reference level of a categorical predictor."""
        for term in self.state.term_factors:
            for factor in self.state.term_factors[term]:
                contrast = self.state.factor_contrasts.get(factor)
                if contrast is not None and variable in _variables_of(factor.expr):
                    base = getattr(contrast.contrasts, "base", None)
                    return _base_level(base, self.levels[variable])
        return self.levels[variable][0]


def prepare_frame(
    frame: pd.DataFrame, formula: ParsedFormula
) -> tuple[pd.DataFrame, dict[str, tuple[Any, ...]]]:
    """Return the predictors as floats and categoricals, with each categorical's levels.

    Raises
    ------
    ModelError
        If a predictor is neither numeric, logical, text nor categorical.
    """
    prepared: dict[str, pd.Series] = {}
    levels: dict[str, tuple[Any, ...]] = {}
    faults = []
    for name in formula.predictors:
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            # The order of an ordered predictor plays no part: treatment contrasts against the first level.
            prepared[name] = column.cat.as_unordered() if column.cat.ordered else column
            levels[name] = tuple(column.cat.categories)
        elif pd.api.types.is_bool_dtype(column):
            prepared[name] = pd.Series(pd.Categorical(column, categories=[False, True]), index=column.index)
            levels[name] = (False, True)
        elif pd.api.types.is_numeric_dtype(column) and name not in formula.factors:
            prepared[name] = pd.Series(column.to_numpy(dtype=float, na_value=np.nan), index=column.index)
        elif name in formula.factors or pd.api.types.is_string_dtype(column) or column.dtype == object:
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
    return pd.DataFrame(prepared), levels


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
    prepared, levels = prepare_frame(frame, formula)
    _refuse_empty_levels(prepared, levels)
    _refuse_constant(prepared, levels)
    _refuse_unknown_reference(formula, levels)
    matrix, state = _materialise(formula, prepared)
    columns = _columns(state)
    spec = DesignSpec(formula=formula, columns=columns, levels=levels, state=state)
    _refuse_nonfinite(matrix, columns)
    return matrix, spec


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
    from formulaic.errors import FormulaicError  # noqa: PLC0415  (loaded with formulaic)

    prepared = _conform(spec, frame)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            matrix = spec.state.get_model_matrix(prepared, context=_context(), na_action="ignore")
    except (FormulaicError, ValueError, TypeError) as error:
        raise ModelError(
            Fault(
                where="new data",
                found="a transformation can't be computed for these values",
                remedy="stay within the range of the data that the model was fitted to: splines end there",
            )
        ) from error
    values = np.asarray(matrix, dtype=float)[:, 1:]
    _refuse_nonfinite(values, spec.columns)
    return values


def rank_deficient(x: Floats, w: Floats, columns: tuple[Column, ...]) -> None:
    """Refuse predictors that are exact combinations of others, by name.

    Raises
    ------
    RankDeficiencyError
        Naming each such column and those it is made of, or the terms if there are more columns than rows.
    """
    _refuse_too_many(x, columns)
    centred = (x - np.average(x, axis=0, weights=w)) * np.sqrt(w)[:, None]
    size = np.sqrt((centred**2).sum(axis=0))
    unit = centred / np.where(size > 0, size, 1.0)
    faults = []
    kept: list[int] = []
    basis = np.empty_like(unit, order="F")
    for j, column in enumerate(columns):
        before = basis[:, : len(kept)]
        rest = unit[:, j] - before @ (before.T @ unit[:, j])
        rest -= before @ (before.T @ rest)
        length = np.sqrt(rest @ rest)
        if size[j] > 0 and length > RANK_TOLERANCE:
            basis[:, len(kept)] = rest / length
            kept.append(j)
            continue
        made_of = np.linalg.lstsq(unit[:, kept], unit[:, j], rcond=None)[0] if kept else np.empty(0)
        parts = [columns[k].name for k, b in zip(kept, made_of, strict=True) if abs(b) > 1e-6]
        found = "it does not vary among the rows used"
        if parts:
            found = f"it is an exact combination of {listed(parts)} (and the intercept)"
        faults.append(Fault(where=f"predictor {column.name!r}", found=found, remedy="leave one of them out"))
    if faults:
        raise RankDeficiencyError(*faults)


def _refuse_too_many(x: Floats, columns: tuple[Column, ...]) -> None:
    if len(columns) + 1 < len(x):  # one more for the intercept
        return
    width = pd.Series([column.term for column in columns]).value_counts(sort=False)
    raise RankDeficiencyError(
        Fault(
            where="predictors",
            found=f"they make {len(columns)} columns for {len(x)} rows "
            f"({listed([f'{term}: {count}' for term, count in width.items()])})",
            allowed="fewer columns, with the intercept, than rows",
            remedy="leave terms out, or merge levels",
        )
    )


def _context() -> dict[str, Any]:
    from formulaic.transforms import cubic_spline  # noqa: PLC0415  (loaded with formulaic)
    from formulaic.transforms.contrasts import TreatmentContrasts  # noqa: PLC0415
    from formulaic.utils.stateful_transforms import stateful_transform  # noqa: PLC0415

    def cr(data: Any, df: int, _state: Any = None) -> Any:
        # Uncentred, a natural spline spans the intercept, which every model here has.
        inner = cubic_spline.natural_cubic_spline.__wrapped__
        return inner(data, df=df, constraints="center", _state=_state)

    return {"Treatment": TreatmentContrasts, "cr": stateful_transform(cr), "sqrt": np.sqrt}


def _materialise(formula: ParsedFormula, prepared: pd.DataFrame) -> tuple[Floats, Any]:
    from formulaic import model_matrix  # noqa: PLC0415
    from formulaic.errors import FormulaicError  # noqa: PLC0415

    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            matrix = model_matrix(formula.terms, prepared, context=_context(), na_action="ignore")
    except (FormulaicError, ValueError, TypeError, KeyError) as error:
        raise ModelError(
            Fault(
                where=f"formula '{formula.text}'",
                found="a transformation can't be computed for these data",
                remedy="check reference levels, and that numeric functions are applied to numbers",
            )
        ) from error
    return np.asarray(matrix, dtype=float)[:, 1:], matrix.model_spec


def _columns(state: Any) -> tuple[Column, ...]:
    columns: list[Column] = []
    names = list(state.column_names)
    for term, indices in state.term_indices.items():
        text = str(term)
        if text == "1":
            continue
        factors = [factor.expr for factor in term.factors]
        variables = tuple(dict.fromkeys(v for expr in factors for v in _variables_of(expr)))
        # In the order of the term's name: the contrasts' own order varies.
        known = {f.expr: s for f, s in state.factor_contrasts.items()}
        bases = {expr: known[expr] for expr in factors if expr in known}
        for index in indices:
            level, reference = _level_of(names[index], bases)
            columns.append(
                Column(name=names[index], term=text, level=level, reference=reference, variables=variables)
            )
    return tuple(columns)


def _level_of(name: str, bases: dict[str, Any]) -> tuple[str, str]:
    levels, references = [], []
    for expr, state in bases.items():
        for level in state.levels:
            for mark in (f"{expr}[T.{level}]", f"{expr}[{level}]"):
                # Parts of an interaction are joined by ':', which may also occur inside a label.
                if re.search(rf"(^|:){re.escape(mark)}(:|$)", name):
                    levels.append(str(level))
                    base = _base_level(getattr(state.contrasts, "base", None), state.levels)
                    references.append(str(base) if "[T." in mark else "")
    return ":".join(levels), ":".join(references)


def _base_level(base: Any, levels: Any) -> Any:
    # Formulaic marks "no base named" by a class of its own; the first level is then the reference.
    return base if base in list(levels) else next(iter(levels))


def _variables_of(expression: str) -> list[str]:
    without_labels = re.sub(r"\"[^\"]*\"|'[^']*'", "", expression)
    words = re.findall(r"[^\W\d]\w*(?!\w|\s*[(=])", without_labels)
    return list(dict.fromkeys(words))


def _conform(spec: DesignSpec, frame: pd.DataFrame) -> pd.DataFrame:
    if not isinstance(frame, pd.DataFrame):
        raise ModelError(
            Fault(where="new data", found=f"it is a {type(frame).__name__}", allowed="a DataFrame")
        )
    faults = [
        Fault(where=f"new data: column {name!r}", found="it is absent, but the model needs it")
        for name in spec.formula.predictors
        if name not in frame.columns
    ]
    if faults:
        raise ModelError(*faults)
    conformed: dict[str, pd.Series] = {}
    for name in spec.formula.predictors:
        column = frame[name]
        gaps = int(column.isna().sum())
        if gaps:
            faults.append(Fault(where=f"new data: column {name!r}", found=f"{gaps} rows have no value"))
            continue
        if name in spec.levels:
            unseen = [value for value in pd.unique(column) if value not in spec.levels[name]]
            if unseen:
                faults.append(
                    Fault(
                        where=f"new data: column {name!r}",
                        found=f"{len(unseen)} levels that the model has not seen ({listed(unseen)})",
                        allowed=listed(spec.levels[name]),
                    )
                )
                continue
            conformed[name] = pd.Series(
                pd.Categorical(column, categories=list(spec.levels[name])), index=frame.index
            )
        elif pd.api.types.is_numeric_dtype(column):
            conformed[name] = pd.Series(column.to_numpy(dtype=float, na_value=np.nan), index=frame.index)
        else:
            faults.append(
                Fault(where=f"new data: column {name!r}", found="it is not numeric", allowed="numbers")
            )
    if faults:
        raise ModelError(*faults)
    return pd.DataFrame(conformed)


def _refuse_empty_levels(prepared: pd.DataFrame, levels: dict[str, tuple[Any, ...]]) -> None:
    faults = []
    for name, declared in levels.items():
        counts = prepared[name].value_counts(sort=False)
        faults += [
            Fault(
                where=f"predictor {name!r}",
                found=f"level {str(level)!r} has no respondent among the {len(prepared)} rows used",
                remedy=f"merge it with another level in the codebook, or drop it with "
                f"frame[{name!r}].cat.remove_unused_categories()",
            )
            for level in declared
            if counts[level] == 0
        ]
    if faults:
        raise EmptyCategoryError(*faults)


def _refuse_constant(prepared: pd.DataFrame, levels: dict[str, tuple[Any, ...]]) -> None:
    faults = [
        Fault(
            where=f"predictor {name!r}",
            found=f"it has the same value in all {len(prepared)} rows used",
            remedy="leave it out of the formula",
        )
        for name in prepared.columns
        if (len(levels[name]) < 2 if name in levels else prepared[name].min() == prepared[name].max())
    ]
    if faults:
        raise InsufficientDataError(*faults)


def _refuse_unknown_reference(formula: ParsedFormula, levels: dict[str, tuple[Any, ...]]) -> None:
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


def _refuse_nonfinite(matrix: Floats, columns: tuple[Column, ...]) -> None:
    bad = [not np.isfinite(values).all() for values in matrix.T]
    if any(bad):
        raise ModelError(
            *(
                Fault(
                    where=f"term {column.name!r}",
                    found=f"{int((~np.isfinite(matrix[:, j])).sum())} rows give a number that is not finite",
                    remedy="check the range of the variable (logarithms need positive numbers)",
                )
                for j, column in enumerate(columns)
                if bad[j]
            )
        )
