"""Design matrices of a sample with predictors changed, and the columns' derivative by one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.models.formula import polynomial_degree
from coprodstats.models.matrix import DesignSpec, rebuild_matrix

Floats = NDArray[np.float64]

# Functions through which a predictor is not a polynomial of low degree; see `column_derivatives`.
_CURVED = ("log(", "exp(", "sqrt(", "bs(", "cr(", "poly(")

# Weights of f(x + k h), k = -2 … 2 about the (shifted) centre, for f'(x); Fornberg (1988).
_CENTRAL = (1 / 12, -8 / 12, 0.0, 8 / 12, -1 / 12)
_FORWARD = (-25 / 12, 48 / 12, -36 / 12, 16 / 12, -3 / 12)
_BACKWARD = (3 / 12, -16 / 12, 36 / 12, -48 / 12, 25 / 12)


def matrices_at(
    spec: DesignSpec, frame: pd.DataFrame, x: Floats, settings: Sequence[Mapping[str, Any]]
) -> Iterator[Floats]:
    """Yield the design matrix with some predictors set to one value each in all rows, for each setting.

    Parameters
    ----------
    spec
        The columns.
    frame
        The rows' predictors, n rows.
    x
        Their design matrix, shape (n, p).
    settings
        Predictors and their values; every setting is of the same predictors.

    Raises
    ------
    ModelError
        If a level is not known, or a transformation is not defined at a value.
    """
    names = settings[0].keys()
    columns = [j for j, column in enumerate(spec.columns) if names & set(column.variables)]
    if all(set(spec.columns[j].variables) <= names for j in columns):
        # They depend on nothing else: one row per setting tells them all.
        first = frame.iloc[[0] * len(settings)].reset_index(drop=True)
        values = {name: [setting[name] for setting in settings] for name in names}
        for row in rebuild_matrix(spec, with_values(first, values)):
            changed = x.copy()
            changed[:, columns] = row[columns]
            yield changed
        return
    for setting in settings:
        yield rebuild_matrix(spec, with_values(frame, setting))


def with_values(frame: pd.DataFrame, values: Mapping[str, Any]) -> pd.DataFrame:
    """Return a frame with some columns set; `pandas.DataFrame.assign` knows none named ``self``."""
    changed = frame.copy(deep=False)
    for name, value in values.items():
        changed[name] = value
    return changed


def matrix_shifted(spec: DesignSpec, frame: pd.DataFrame, x: Floats, name: str, by: float) -> Floats:
    """Return the design matrix with a number added to one numeric predictor in all rows.

    Parameters
    ----------
    spec, frame, x
        As for `matrices_at`.
    name
        The predictor.
    by
        The number.

    Raises
    ------
    ModelError
        If a transformation is not defined at some value.
    """
    columns = _columns_of(spec, name)
    if _plain(spec, columns, name):
        changed = x.copy()
        changed[:, columns] += by
        return changed
    return rebuild_matrix(spec, with_values(frame, {name: frame[name].to_numpy(dtype=float) + by}))


def column_derivatives(
    spec: DesignSpec, frame: pd.DataFrame, x: Floats, name: str, observed: Floats
) -> Floats:
    """Return the derivative of each column by one numeric predictor at each row, shape (n, p).

    Parameters
    ----------
    spec, frame, x
        As for `matrices_at`.
    name
        The predictor.
    observed
        Its values in the data: steps follow their spread, and stay within their range.

    Notes
    -----
    A five-point difference is exact for polynomials up to the fourth degree at any step, so that plain terms,
    products and powers take a step of a standard deviation, as a power of two, which adds without rounding.
    Higher powers, logarithms, roots and splines take a small step, one-sided near the ends of the data, where
    splines stop.
    """
    moved = np.zeros_like(x)
    columns = _columns_of(spec, name)
    if _plain(spec, columns, name):
        moved[:, columns] = 1.0
        return moved
    values = frame[name].to_numpy(dtype=float)
    curved = _curved(spec, name)
    step = 2.0 ** np.round(np.log2(float(np.std(observed)))) * (2.0**-9 if curved else 1.0)
    shift = np.zeros(len(values))
    if curved:
        shift = np.where(values - 2 * step < observed.min(), 2.0, shift)
        shift = np.where(values + 2 * step > observed.max(), -2.0, shift)

    def at(offset: float) -> Floats:
        return rebuild_matrix(spec, with_values(frame, {name: values + (offset + shift) * step}))[:, columns]

    total = np.zeros((len(values), len(columns)))
    stencils = {0.0: _CENTRAL, 2.0: _FORWARD, -2.0: _BACKWARD}
    for position, offset in enumerate((-2.0, -1.0, 0.0, 1.0, 2.0)):
        weight = np.select([shift == s for s in stencils], [stencils[s][position] for s in stencils])
        if np.any(weight != 0):
            total += weight[:, None] * at(offset)
    moved[:, columns] = total / step
    return moved


def weighted_sd(values: Floats, weights: Floats) -> float:
    """Return the weighted standard deviation, the root of the weighted mean square deviation."""
    centre = np.average(values, weights=weights)
    return float(np.sqrt(np.average((values - centre) ** 2, weights=weights)))


def weighted_quantile(values: Floats, weights: Floats, share: float) -> float:
    """Return the smallest value below or at which at least a share of the weight lies.

    Examples
    --------
    >>> weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0]), 0.5)
    2.0
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    # Sums that reach the share by arithmetic must not miss it by rounding.
    return float(values[order][np.searchsorted(reached, share - 1e-12)])


def _columns_of(spec: DesignSpec, name: str) -> list[int]:
    return [j for j, column in enumerate(spec.columns) if name in column.variables]


def _plain(spec: DesignSpec, columns: list[int], name: str) -> bool:
    return all(spec.columns[j].term == name for j in columns)


def _curved(spec: DesignSpec, name: str) -> bool:
    """Return whether some term is no polynomial of at most the fourth degree in one predictor."""
    terms = [[factor.expr for factor in term.factors] for term in spec.formula.terms]
    return any(mark + name in expression for term in terms for expression in term for mark in _CURVED) or any(
        sum(polynomial_degree(expression, name) for expression in term) > 4 for term in terms
    )
