"""Indices and outcomes: items to scores, scores to indices, answers and indices to ordered categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.survey.conversions import Conversion, converted

if TYPE_CHECKING:
    from coprodstats.survey.declarations import Index, Items, Outcome, Variable

# An index of exactly 75 may be computed as 74.99999999999999; bands are not decided by rounding.
_ROUNDING = 1e-9


def item_scores(frame: pd.DataFrame, variables: Sequence[Variable]) -> pd.DataFrame:
    """Score items 0–100.

    Ordinal values are equal steps from lowest to highest unless the codebook gives ``scores``; numbers are
    placed within their range.

    Parameters
    ----------
    frame
        Cleaned answers: ordered categoricals and numbers.
    variables
        The items, ordinal or numeric with a range.

    Returns
    -------
    DataFrame
        One column per item, 0–100, NaN where there is no answer.

    Examples
    --------
    >>> from coprodstats.survey.declarations import Variable
    >>> item = Variable(name="q", label="Q", kind="ordinal", values={"1": "never", "2": "often"})
    >>> answers = pd.Categorical(["often", None, "never"], categories=item.labels, ordered=True)
    >>> item_scores(pd.DataFrame({"q": answers}), [item])["q"].tolist()
    [100.0, nan, 0.0]
    """
    return pd.DataFrame({item.name: _scores(frame[item.name], item) for item in variables}, index=frame.index)


def _scores(answers: pd.Series, item: Variable) -> NDArray[np.float64]:
    if item.range is not None:
        low, high = item.range
        return 100.0 * (answers.to_numpy(dtype=float) - low) / (high - low)
    points = np.asarray(item.scores or range(len(item.labels)), dtype=float)
    points = 100.0 * (points - points[0]) / (points[-1] - points[0])
    # The code of a missing answer is -1, which picks the NaN at the end.
    return np.append(points, np.nan)[answers.cat.codes.to_numpy()]


def index_values(scores: pd.DataFrame, *, needed: int) -> pd.Series:
    """Return the mean of the answered items.

    Parameters
    ----------
    scores
        Items scored 0–100, NaN where there is no answer.
    needed
        Least number of answered items; with fewer the index is missing.

    Returns
    -------
    Series
        The index, 0–100.

    Examples
    --------
    >>> scores = pd.DataFrame({"a": [0.0, 50.0], "b": [100.0, np.nan]})
    >>> index_values(scores, needed=2).tolist()
    [50.0, nan]
    """
    return scores.mean(axis=1).where(scores.notna().sum(axis=1) >= needed)


def reached(frame: pd.DataFrame, items: Sequence[str], at_least: str) -> tuple[pd.Series, pd.Series]:
    """Count the items whose answer is at least a given value, and the items answered.

    Parameters
    ----------
    frame
        Cleaned answers, ordered categoricals.
    items
        Columns of the items.
    at_least
        The lowest value that counts, as a label.

    Returns
    -------
    tuple of Series
        Number of items that reach the value; number of items answered.
    """
    columns = [frame[item] for item in items]
    n_reached = np.sum([_reaches(column, at_least) for column in columns], axis=0)
    n_answered = np.sum([column.notna().to_numpy() for column in columns], axis=0)
    return pd.Series(n_reached, index=frame.index), pd.Series(n_answered, index=frame.index)


def _reaches(answers: pd.Series, at_least: str) -> NDArray[np.bool_]:
    lowest = answers.cat.categories.tolist().index(at_least)
    return np.asarray(answers.cat.codes, dtype=np.intp) >= lowest


def outcome_values(frame: pd.DataFrame, outcome: Outcome) -> pd.Series:
    """Derive an outcome.

    ``any`` is the second label where at least one item reaches ``at_least``; ``count`` is the number of items
    that do; ``bands`` cut an index or numeric variable. An outcome of items is missing where fewer items were
    answered than the codebook asks for.

    Parameters
    ----------
    frame
        Cleaned answers, and the indices.
    outcome
        What to derive.

    Returns
    -------
    Series
        An ordered categorical, lowest category first.
    """
    if outcome.items is None:
        return _bands(frame[outcome.of], outcome)
    n_reached, n_answered = reached(frame, outcome.items.names, outcome.at_least)
    # "any" is a count that is cut at one; a top code cuts it where the codebook says.
    level = n_reached.clip(upper=len(outcome.labels) - 1)
    return _ordered(level.where(n_answered >= outcome.items.needed, -1), outcome.labels)


def _bands(values: pd.Series, outcome: Outcome) -> pd.Series:
    level = pd.Series(np.digitize(values.to_numpy(dtype=float) + _ROUNDING, outcome.cuts), index=values.index)
    return _ordered(level.where(values.notna(), -1), outcome.labels)


def _ordered(level: pd.Series, labels: tuple[str, ...]) -> pd.Series:
    categories = pd.Index(labels, dtype="str")
    values = pd.Categorical.from_codes(level.to_numpy(), categories=categories, ordered=True)
    return pd.Series(values, index=level.index)


def derived(
    frame: pd.DataFrame,
    reasons: pd.DataFrame,
    variables: Mapping[str, Variable],
    indices: Mapping[str, Index],
    outcomes: Mapping[str, Outcome],
    conversions: Mapping[str, Conversion] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return all conversions, indices and outcomes, and for each missing one the reason.

    Parameters
    ----------
    frame, reasons
        Cleaned answers and the reasons of missing ones.
    variables, indices, outcomes, conversions
        The declarations.

    Returns
    -------
    tuple of DataFrame
        Values and reasons, one column per conversion, then per index, then per outcome.
    """
    values: dict[str, pd.Series] = {}
    why: dict[str, pd.Series] = {}
    for name, conversion in (conversions or {}).items():
        values[name], why[name] = converted(frame, reasons, conversion)
        variables = {**variables, name: conversion.variable}
    frame = pd.concat([frame, pd.DataFrame(values)], axis=1) if values else frame
    reasons = pd.concat([reasons, pd.DataFrame(why)], axis=1) if why else reasons
    for name, index in indices.items():
        scores = item_scores(frame, [variables[item] for item in index.items.names])
        values[name] = index_values(scores, needed=index.items.needed)
        why[name] = _reason_of(index.items, values[name], reasons)
    for name, outcome in outcomes.items():
        if outcome.items is not None:
            values[name] = outcome_values(frame, outcome)
            why[name] = _reason_of(outcome.items, values[name], reasons)
            continue
        source, gaps = (values, why) if outcome.of in values else (frame, reasons)
        values[name] = outcome_values(pd.DataFrame({outcome.of: source[outcome.of]}), outcome)
        why[name] = gaps[outcome.of]
    return pd.DataFrame(values, index=frame.index), pd.DataFrame(why, index=frame.index)


def _reason_of(items: Items, values: pd.Series, reasons: pd.DataFrame) -> pd.Series:
    if len(items.names) == 1:
        # Why the only item is missing says more than that it is.
        return reasons[items.names[0]]
    categories = pd.Index([items.shortfall], dtype="str")
    place = np.where(values.isna(), 0, -1).astype(np.int8)
    return pd.Series(pd.Categorical.from_codes(place, categories=categories), index=values.index)
