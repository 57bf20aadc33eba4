"""Design matrices of plain names and factors, coded from the columns themselves as formulaic codes them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.models.formula import ParsedFormula, named_reference, plain_column

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Levels = Mapping[str, tuple[Any, ...]]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One factor of a term: a number, or a categorical predictor under treatment contrasts.

    Attributes
    ----------
    expression
        The factor as it is written, such as ``C(country)``.
    variable
        The column it is made of.
    levels
        The column's levels; none for a number.
    base
        Position of the reference level.
    """

    expression: str
    variable: str
    levels: tuple[Any, ...] = ()
    base: int = 0

    @property
    def marked(self) -> tuple[int | None, ...]:
        """Positions of the levels that have a column each; a number has one column, for None."""
        return tuple(k for k in range(len(self.levels)) if k != self.base) if self.levels else (None,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The terms of a formula, the intercept left out, with what each is made of."""

    terms: tuple[tuple[str, tuple[Factor, ...]], ...]

    def base_of(self, variable: str) -> Any:
        """Return the reference level of a categorical predictor, where it is first used."""
        return next(f.levels[f.base] for _, term in self.terms for f in term if f.variable == variable)


def plan_of(formula: ParsedFormula, levels: Levels) -> Plan | None:
    """Return how to code a formula without formulaic, or None if only formulaic can.

    Parameters
    ----------
    formula
        The parsed formula.
    levels
        Levels of the categorical predictors.

    Returns
    -------
    Plan or None
        For formulas of names, ``C(name)`` and ``C(name, Treatment(level))`` in which interactions come with
        the terms that they are of (``a:b`` with ``a`` and ``b``): each factor then leaves out its reference.
    """
    terms = [[factor.expr for factor in term.factors] for term in formula.terms if str(term) != "1"]
    known = {expression: _factor(expression, levels) for term in terms for expression in term}
    present: set[frozenset[str]] = {frozenset(), *map(frozenset, terms)}
    for term in terms:
        for expression in term:
            factor = known[expression]
            if factor is None or (factor.levels and frozenset(term) - {expression} not in present):
                return None
    names = (str(term) for term in formula.terms if str(term) != "1")
    return Plan(
        terms=tuple((name, tuple(known[e] for e in term)) for name, term in zip(names, terms, strict=True))  # type: ignore[misc]
    )


def _factor(expression: str, levels: Levels) -> Factor | None:
    name = plain_column(expression)
    if name is not None:
        return Factor(expression=expression, variable=name, levels=levels.get(name, ()))
    named = named_reference(expression)
    if named is None:
        return None
    name, base = named
    return Factor(expression=expression, variable=name, levels=levels[name], base=levels[name].index(base))


def columns_of(plan: Plan) -> tuple[Column, ...]:
    """Return what the columns of a plan stand for, in formulaic's order and by its names."""
    return tuple(column for name, term in plan.terms for column in _columns(name, term))


def _columns(name: str, term: tuple[Factor, ...]) -> Iterator[Column]:
    variables = tuple(dict.fromkeys(factor.variable for factor in term))
    bases = ":".join(str(f.levels[f.base]) for f in term if f.levels)
    for marks in marks_of(term):
        pairs = list(zip(term, marks, strict=True))
        parts = [f.expression if k is None else f"{f.expression}[T.{f.levels[k]}]" for f, k in pairs]
        level = ":".join(str(f.levels[k]) for f, k in pairs if k is not None)
        yield Column(name=":".join(parts), term=name, level=level, reference=bases, variables=variables)


def marks_of(term: tuple[Factor, ...]) -> Iterator[tuple[int | None, ...]]:
    """Yield for each column of a term which level of each factor it marks, None for a number."""
    # The levels of the first factor change fastest.
    for marks in product(*(factor.marked for factor in reversed(term))):
        yield tuple(reversed(marks))


def coded(plan: Plan, prepared: Mapping[str, pd.Series], rows: Ints | None = None) -> Iterator[NDArray[Any]]:
    """Yield the columns of the design matrix, numbers or true and false, shape (n,) each.

    Parameters
    ----------
    plan
        The terms.
    prepared
        The predictors as floats and categoricals of the plan's levels.
    rows
        The n rows wanted; all by default.
    """
    values = {name: values_of(column) for name, column in prepared.items()}
    if rows is not None:
        values = {name: column[rows] for name, column in values.items()}
    for _, term in plan.terms:
        for marks in marks_of(term):
            parts = (
                values[f.variable] if k is None else values[f.variable] == k
                for f, k in zip(term, marks, strict=True)
            )
            with np.errstate(over="ignore"):  # a product that is not finite is told of by its name
                column = reduce(np.multiply, parts)
            yield column


def values_of(column: pd.Series) -> NDArray[Any]:
    """Return a column of numbers as an array, and that of a categorical's codes."""
    return column.array.codes if isinstance(column.dtype, pd.CategoricalDtype) else column.to_numpy()


def surely_finite(plan: Plan, finite: Container[str]) -> list[bool]:
    """Return for each column of the matrix whether it is finite as its one number is: products may overflow.

    Parameters
    ----------
    plan
        The terms.
    finite
        Predictors that are known to be finite.
    """
    numbers = [[factor.variable for factor in term if not factor.levels] for _, term in plan.terms]
    sure = [not of or (len(of) == 1 and of[0] in finite) for of in numbers]
    return [known for known, (_, term) in zip(sure, plan.terms, strict=True) for _ in marks_of(term)]
