"""What a reader's browser needs to predict for a profile: two models, cut down to a few predictors.

The other predictors stay at given values and become part of the intercept. Numbers are counted from where
their control starts, so that ten digits of the covariance are ten digits of a prediction's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from coprodstats.models.coding import Factor, Plan, columns_of, marks_of
from coprodstats.models.joint import event_parameters, joint_parameters
from coprodstats.models.results import FittedModel
from coprodstats.reporting.format import significant

Floats = NDArray[np.float64]
Product = tuple[tuple[str, str | None], ...]
"""A column of the design matrix: each variable with the level that it marks, or with None for its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberControl:
    """A numeric predictor that a reader sets.

    Attributes
    ----------
    name, label, unit
        Its column, and what readers see.
    low, high, step
        The values that can be chosen.
    start
        The value at the beginning.
    digits
        Decimals of its values.
    """

    name: str
    label: str
    unit: str
    low: float
    high: float
    step: float
    start: float
    digits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelControl:
    """A categorical predictor that a reader sets.

    Attributes
    ----------
    name, label
        Its column, and what readers see.
    options
        The levels, each as it stands in the data and as readers see it.
    start
        The level at the beginning, as it stands in the data.
    """

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    start: str


Control = NumberControl | LevelControl


@dataclass(frozen=True, slots=True, kw_only=True)
class Explorer:
    """Two models over a few predictors, and what a page shows of them.

    Attributes
    ----------
    controls
        What a reader chooses.
    labels
        The two outcomes' labels, in the order of subtraction.
    events
        What each probability is of.
    held
        The other predictors and what each is held at, in words; or empty.
    products
        Columns of the design matrix, the intercept (an empty product) among them, p in all.
    coefficients
        For each model the logit's coefficients, shape (2, p).
    covariance
        Their joint covariance, the first model's, then the second's, shape (2p, 2p).
    quantiles
        What standard errors are multiplied with: for each model and for the difference.
    """

    controls: tuple[Control, ...]
    labels: tuple[str, str]
    events: tuple[str, str]
    held: str
    products: tuple[Product, ...]
    coefficients: tuple[tuple[float, ...], ...]
    covariance: tuple[tuple[float, ...], ...]
    quantiles: tuple[float, float, float]

    def model(self) -> dict[str, Any]:
        """Return what the page computes from, as plain data."""
        numbers = [control for control in self.controls if isinstance(control, NumberControl)]
        return {
            "centres": {control.name: control.start for control in numbers},
            "coefficients": self.coefficients,
            "covariance": self.covariance,
            "products": self.products,
            "quantiles": self.quantiles,
        }


def shared_plan(models: Sequence[FittedModel]) -> Plan | None:
    """Return how two models code the same predictors, or None if a browser can't do it as they do.

    It can for logistic and cumulative logit models of names, factors and their products.
    """
    plans = [model.spec.state for model in models]
    plain = all(isinstance(plan, Plan) for plan in plans) and plans[0] == plans[1]
    logit = all(model.response.name == "cumulative logit" for model in models)
    usual = all(model.offset is None and not model.nonparallel for model in models)
    joint = all(model.covariance != "model" for model in models)
    return plans[0] if plain and logit and usual and joint else None


def explored_model(
    models: tuple[FittedModel, FittedModel],
    starts: tuple[int, int],
    *,
    typical: Mapping[str, Any],
    chosen: Sequence[str],
    df: float,
) -> dict[str, Any]:
    """Return the last four fields of an `Explorer`.

    Parameters
    ----------
    models
        Two models with a `shared_plan`.
    starts
        Position of the lowest category of each model's event.
    typical
        A value for every predictor: what the ones not chosen are held at, and numbers are counted from.
    chosen
        The predictors that a reader sets.
    df
        Degrees of freedom of the difference.
    """
    parameters, joint = joint_parameters(models)
    products, cut_down = _cut_down(models[0].spec.state, typical, chosen)
    first, second = (cut_down @ event_parameters(m, s) for m, s in zip(models, starts, strict=True))
    both = np.zeros((2 * len(products), len(parameters)))
    both[: len(products), : first.shape[1]] = first
    both[len(products) :, first.shape[1] :] = second
    degrees = (models[0].df, models[1].df, df)
    return {
        "products": products,
        "coefficients": _short((both @ parameters).reshape(2, -1)),
        "covariance": _short(both @ joint @ both.T),
        "quantiles": tuple(significant(float(stats.t.isf(0.025, df))) for df in degrees),
    }


def _short(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(significant(value) for value in row) for row in matrix.tolist())


def _cut_down(
    plan: Plan, typical: Mapping[str, Any], chosen: Sequence[str]
) -> tuple[tuple[Product, ...], Floats]:
    """Return the products of the chosen predictors, p of them, and the matrix (p, 1+q) from all columns."""
    found: dict[Product, dict[int, float]] = {(): {0: 1.0}}
    for column, factors in enumerate(_products(plan), start=1):
        for product, share in _expanded(factors, typical, chosen):
            shares = found.setdefault(product, {})
            shares[column] = shares.get(column, 0.0) + share
    matrix = np.zeros((len(found), 1 + len(columns_of(plan))))
    for row, shares in enumerate(found.values()):
        matrix[row, list(shares)] = list(shares.values())
    return tuple(found), matrix


def _products(plan: Plan) -> Iterator[list[tuple[Factor, int | None]]]:
    for _, term in plan.terms:
        yield from (list(zip(term, marks, strict=True)) for marks in marks_of(term))


def _expanded(
    factors: Sequence[tuple[Factor, int | None]], typical: Mapping[str, Any], chosen: Sequence[str]
) -> Iterator[tuple[Product, float]]:
    """Multiply out a product in which each chosen number is its typical value plus a deviation from it."""
    held = [f for f in factors if f[0].variable not in chosen]
    marked = [f for f in factors if f[0].variable in chosen and f[1] is not None]
    numbers = [f[0].variable for f in factors if f[0].variable in chosen and f[1] is None]
    share = prod(_value(factor, mark, typical[factor.variable]) for factor, mark in held)
    if not share:
        return
    levels = tuple((f.variable, str(f.levels[k])) for f, k in marked if k is not None)
    for size in range(len(numbers) + 1):
        for moving in combinations(numbers, size):
            still = prod(float(typical[name]) for name in numbers if name not in moving)
            yield (*levels, *((name, None) for name in moving)), share * still


def _value(factor: Factor, mark: int | None, value: Any) -> float:
    return float(value) if mark is None else float(factor.levels[mark] == value)
