"""The answers to several items as arrays: positions of ordered categories, and scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, Fault, InsufficientDataError, did_you_mean, listed
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.scales import item_scores

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# More different values than this are a measurement rather than steps of an answer.
MOST_CATEGORIES = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemAnswers:
    """Answers to items that point the same way.

    Attributes
    ----------
    names
        The items.
    codes
        Positions of the answers among the categories that occur, 0 … K-1, -1 without one, shape (n, items).
    n_categories
        Number of categories that occur, by item.
    scores
        What the index adds up: 0-100 for items of a codebook, positions otherwise; NaN without an answer.
    """

    names: tuple[str, ...]
    codes: Ints
    n_categories: tuple[int, ...]
    scores: Floats

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Which rows answered every item, shape (n,)."""
        return np.asarray((self.codes >= 0).all(axis=1))


def item_answers(
    data: CleanedSurvey | pd.DataFrame, items: str | Sequence[str], *, fewest: int, asked: str
) -> ItemAnswers:
    """Return the answers to an index's items or to some columns.

    Parameters
    ----------
    data
        A cleaned survey or a DataFrame.
    items
        The name of an index of the codebook, or columns: ordered categories, or numbers of a few steps.
    fewest
        Least number of items.
    asked
        The function that asks, for messages.

    Raises
    ------
    ArgumentError
        With all that is wrong with the items.
    InsufficientDataError
        If an item has the same answer everywhere.
    """
    frame = data.frame if isinstance(data, CleanedSurvey) else data
    names = _names(data, items, asked)
    if len(names) < fewest:
        found = f"{len(names)} {'item' if len(names) == 1 else 'items'} ({listed(names)})"
        raise ArgumentError(Fault(where=f"{asked}: items", found=found, allowed=f"{fewest} at least"))
    faults = [fault for name in names for fault in _faults(frame, name, asked)]
    if faults:
        raise ArgumentError(*faults)
    coded = [_positions(frame[name]) for name in names]
    codes = np.column_stack([positions for positions, _ in coded])
    alike = [name for name, (_, values) in zip(names, coded, strict=True) if values < 2]
    if alike:
        raise InsufficientDataError(
            *(Fault(where=f"{asked}: {n!r}", found="all its answers are the same") for n in alike)
        )
    known = isinstance(data, CleanedSurvey) and all(name in data.codebook.variables for name in names)
    scores = (
        item_scores(frame, [data.codebook.variables[name] for name in names]).to_numpy()
        if known and isinstance(data, CleanedSurvey)
        else np.column_stack([_own_scores(frame[name]) for name in names])
    )
    return ItemAnswers(
        names=tuple(names), codes=codes, n_categories=tuple(values for _, values in coded), scores=scores
    )


def _names(data: CleanedSurvey | pd.DataFrame, items: str | Sequence[str], asked: str) -> list[str]:
    if not isinstance(items, str):
        return list(dict.fromkeys(items))
    indices = data.codebook.indices if isinstance(data, CleanedSurvey) else {}
    if items in indices:
        return list(indices[items].items.names)
    found = f"{items!r} is not an index of the codebook" if indices else f"{items!r} is a single name"
    raise ArgumentError(
        Fault(
            where=f"{asked}: items",
            found=found,
            allowed=listed(list(indices)) if indices else "a list of columns",
            remedy=did_you_mean(items, indices),
        )
    )


def _faults(frame: pd.DataFrame, name: str, asked: str) -> list[Fault]:
    where = f"{asked}: {name!r}"
    if name not in frame.columns:
        remedy = did_you_mean(name, map(str, frame.columns))
        return [Fault(where=where, found="the data have no such column", remedy=remedy)]
    column = frame[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        if column.cat.ordered or len(column.cat.categories) == 2:
            return []
        remedy = "declare it ordinal in the codebook, or pd.Categorical(..., ordered=True)"
        return [Fault(where=where, found="its categories have no declared order", remedy=remedy)]
    if not pd.api.types.is_numeric_dtype(column):
        found = f"its type is {column.dtype}"
        return [Fault(where=where, found=found, allowed="ordered categories, or numbers of a few steps")]
    values = column.dropna().nunique()
    if values > MOST_CATEGORIES:
        found = f"it has {values} different numbers"
        return [Fault(where=where, found=found, allowed=f"at most {MOST_CATEGORIES}", remedy="leave it out")]
    return []


def _positions(column: pd.Series) -> tuple[Ints, int]:
    """Return positions among the values that occur, and how many there are."""
    ordered = isinstance(column.dtype, pd.CategoricalDtype)
    raw = column.cat.codes.to_numpy().astype(float) if ordered else column.to_numpy(float, na_value=np.nan)
    raw = np.where(raw < 0, np.nan, raw) if ordered else raw
    values, position = np.unique(raw[~np.isnan(raw)], return_inverse=True)
    codes = np.full(len(raw), -1, dtype=np.intp)
    codes[~np.isnan(raw)] = position
    return codes, len(values)


def _own_scores(column: pd.Series) -> Floats:
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return column.to_numpy(dtype=float, na_value=np.nan)
    codes = column.cat.codes.to_numpy().astype(float)
    return np.where(codes < 0, np.nan, codes)
