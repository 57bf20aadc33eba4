"""Design matrices with transformations or whole-rank factors, coded by formulaic; what their columns are."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import Fault, ModelError
from coprodstats.models.coding import Column
from coprodstats.models.formula import ParsedFormula

Floats = NDArray[np.float64]


def _context() -> dict[str, Any]:
    from formulaic.transforms import cubic_spline  # noqa: PLC0415  (loaded with formulaic)
    from formulaic.transforms.contrasts import TreatmentContrasts  # noqa: PLC0415
    from formulaic.utils.stateful_transforms import stateful_transform  # noqa: PLC0415

    def cr(data: Any, df: int, _state: Any = None) -> Any:
        # Uncentred, a natural spline spans the intercept, which every model here has.
        inner = cubic_spline.natural_cubic_spline.__wrapped__
        return inner(data, df=df, constraints="center", _state=_state)

    return {"Treatment": TreatmentContrasts, "cr": stateful_transform(cr), "sqrt": np.sqrt}


def materialise(formula: ParsedFormula, prepared: dict[str, pd.Series]) -> tuple[Floats, Any]:
    """Return formulaic's matrix without the intercept, shape (n, p), and its state; see `build_matrix`."""
    from formulaic import model_matrix  # noqa: PLC0415
    from formulaic.errors import FormulaicError  # noqa: PLC0415

    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            frame = pd.DataFrame(prepared)
            matrix = model_matrix(formula.terms, frame, context=_context(), na_action="ignore")
    except (FormulaicError, ValueError, TypeError, KeyError) as error:
        raise ModelError(
            Fault(
                where=f"formula '{formula.text}'",
                found="a transformation can't be computed for these data",
                remedy="check reference levels, and that numeric functions are applied to numbers",
            )
        ) from error
    return np.asarray(matrix, dtype=float)[:, 1:], matrix.model_spec


def materialise_again(state: Any, prepared: dict[str, pd.Series]) -> Floats:
    """Return the same columns for other data, shape (m, p); see `rebuild_matrix`."""
    from formulaic.errors import FormulaicError  # noqa: PLC0415  (loaded with formulaic)

    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            matrix = state.get_model_matrix(pd.DataFrame(prepared), context=_context(), na_action="ignore")
    except (FormulaicError, ValueError, TypeError) as error:
        raise ModelError(
            Fault(
                where="new data",
                found="a transformation can't be computed for these values",
                remedy="stay within the range of the data that the model was fitted to: splines end there",
            )
        ) from error
    return np.asarray(matrix, dtype=float)[:, 1:]


def columns_of_state(state: Any) -> tuple[Column, ...]:
    """Return what the columns of a matrix of formulaic's stand for."""
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
                    references.append(str(base) if mark == f"{expr}[T.{level}]" else "")
    return ":".join(levels), ":".join(references)


def _base_level(base: Any, levels: Any) -> Any:
    # Formulaic marks "no base named" by a class of its own; the first level is then the reference.
    return base if base in list(levels) else next(iter(levels))


def _variables_of(expression: str) -> list[str]:
    without_labels = re.sub(r"\"[^\"]*\"|'[^']*'", "", expression)
    words = re.findall(r"[^\W\d]\w*(?!\w|\s*[(=])", without_labels)
    return list(dict.fromkeys(words))


def reference_of(state: Any, variable: str, levels: tuple[Any, ...]) -> Any:
    """Return the reference level of a categorical predictor."""
    for factors in state.term_factors.values():
        for factor in factors:
            contrast = state.factor_contrasts.get(factor)
            if contrast is not None and variable in _variables_of(factor.expr):
                return _base_level(getattr(contrast.contrasts, "base", None), levels)
    return levels[0]
