"""Columns as imputation sees them: typed answers to positions and numbers, and back, and to predictors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, EmptyCategoryError, Fault, InsufficientDataError, listed

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
Kind = Literal["binary", "ordinal", "nominal", "numeric"]

# More different texts than this are ids or answers in the respondent's words, not categories.
MOST_CATEGORIES = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coded:
    """A column as numbers.

    Attributes
    ----------
    name
        The column's name.
    kind
        ``"binary"``, ``"ordinal"``, ``"nominal"`` or ``"numeric"``.
    numbers
        The values, or their positions among the categories; NaN where missing, shape (n,).
    categories
        The categories in their order; empty for numbers.
    """

    name: str
    kind: Kind
    numbers: Floats
    categories: tuple[Any, ...]


def coded(column: pd.Series, live: Bools) -> Coded:
    """Return a column as numbers.

    Parameters
    ----------
    column
        Categories, texts, logical values or numbers.
    live
        The rows that count, shape (n,).

    Raises
    ------
    ArgumentError
        If its type is none of these, or it has more than `MOST_CATEGORIES` different texts.
    InsufficientDataError
        If no row has a value, or all have the same.
    EmptyCategoryError
        If no row has a declared category.
    """
    name, where = str(column.name), f"impute: variable {column.name!r}"
    present = column[live].dropna()
    if present.empty:
        found = f"0 of {int(live.sum())} rows have a value"
        raise InsufficientDataError(Fault(where=where, found=found, remedy="leave it out"))
    kind, values, categories = _typed(column, present, where)
    counted = values[live & ~np.isnan(values)]
    if np.ptp(counted) == 0:
        found = "all of its values are the same"
        raise InsufficientDataError(Fault(where=where, found=found, remedy="leave it out"))
    counts = np.bincount(counted.astype(np.intp), minlength=len(categories)) if categories else np.ones(1)
    if (counts == 0).any():
        unseen = listed([repr(str(categories[k])) for k in np.flatnonzero(counts == 0)])
        raise EmptyCategoryError(
            Fault(
                where=where,
                found=f"no respondent has {unseen}, so that nothing tells when it would be imputed",
                remedy="merge it with another in the codebook, or column.cat.remove_unused_categories()",
            )
        )
    return Coded(name=name, kind=kind, numbers=values, categories=categories)


def _typed(column: pd.Series, present: pd.Series, where: str) -> tuple[Kind, Floats, tuple[Any, ...]]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = tuple(column.cat.categories)
        values = np.where(column.isna(), np.nan, column.cat.codes)
        ordered: Kind = "ordinal" if column.cat.ordered else "nominal"
        return ("binary" if len(categories) == 2 else ordered), values, categories
    if present.isin((True, False)).all() and not pd.api.types.is_string_dtype(present):
        logical = column.astype("Float64" if column.dtype == "boolean" else float)
        positions = logical.to_numpy(dtype=float, na_value=np.nan)
        return "binary", np.asarray(positions, dtype=np.float64), (False, True)
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        if np.isinf(values).any():
            raise ArgumentError(Fault(where=where, found="some of its values are infinite"))
        return "numeric", values, ()
    if pd.api.types.infer_dtype(present, skipna=True) == "string":
        labels = sorted(present.unique())
        if len(labels) > MOST_CATEGORIES:
            raise ArgumentError(
                Fault(
                    where=where,
                    found=f"it holds {len(labels)} different texts, as ids and free answers do",
                    allowed=f"at most {MOST_CATEGORIES} categories",
                    remedy="leave it out",
                )
            )
        places = column.map({label: float(k) for k, label in enumerate(labels)}).to_numpy(dtype=float)
        return ("binary" if len(labels) == 2 else "nominal"), places, tuple(labels)
    raise ArgumentError(
        Fault(
            where=where,
            found=f"its type is {column.dtype}",
            allowed="categories, numbers, logical values, text",
        )
    )


def filled(column: pd.Series, found: Coded, rows: Ints, values: Floats) -> pd.Series:
    """Return a column with values put in, in its own type where that can hold them.

    Parameters
    ----------
    column
        The column, with missing values.
    found
        The same as numbers.
    rows
        Where to put values, as positions.
    values
        Numbers or positions of categories, shape of ``rows``.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy().copy()
        codes[rows] = values.astype(codes.dtype)
        return pd.Series(
            pd.Categorical.from_codes(codes, dtype=column.dtype), index=column.index, name=column.name
        )
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        whole = pd.api.types.is_integer_dtype(column) and np.array_equal(values, np.rint(values))
        changed = column if whole or pd.api.types.is_float_dtype(column) else column.astype("Float64")
        numbers = changed.array.copy()
        numbers[rows] = values
        return pd.Series(numbers, index=column.index, name=column.name)
    answers = column.astype(object)
    answers.iloc[rows] = np.array(found.categories, dtype=object)[values.astype(np.intp)]
    if pd.api.types.is_string_dtype(column.dtype) and column.dtype != object:
        return answers.astype(column.dtype)
    if found.categories == (False, True):
        return answers.astype("boolean" if column.dtype == "boolean" or answers.isna().any() else bool)
    return answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """How a variable's values become predictors.

    Attributes
    ----------
    n_categories
        Number of categories, 0 for a number.
    reference
        The category without a column of its own: the most frequent one.
    centre, scale
        What numbers are centred at and divided by: mean and two standard deviations of those observed.
    """

    n_categories: int
    reference: int = 0
    centre: float = 0.0
    scale: float = 1.0

    @property
    def width(self) -> int:
        """Number of columns."""
        return max(self.n_categories - 1, 1)

    def columns(self, values: Floats) -> Floats:
        """Return the predictors of some values, shape (len(values), width)."""
        if not self.n_categories:
            return ((values - self.centre) / self.scale)[:, None]
        others = [k for k in range(self.n_categories) if k != self.reference]
        return np.asarray(values[:, None] == np.array(others), dtype=float)


def coding_of(values: Floats, n_categories: int) -> Coding:
    """Return how a variable's values, NaN where missing, become predictors."""
    seen = values[~np.isnan(values)]
    if n_categories:
        counts = np.bincount(seen.astype(np.intp), minlength=n_categories)
        return Coding(n_categories=n_categories, reference=int(np.argmax(counts)))
    spread = float(seen.std())
    return Coding(n_categories=0, centre=float(seen.mean()), scale=2 * spread if spread > 0 else 1.0)
