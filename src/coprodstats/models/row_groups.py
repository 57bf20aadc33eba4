"""Groups of a model's respondents over which margins and predictions are averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, Fault, did_you_mean, listed
from coprodstats.models.results import FittedModel
from coprodstats.survey.sums import binned

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
By = str | pd.Series | Sequence[str | pd.Series] | None
Contrast = Literal["reference", "pairwise", "sequential"]

MOST_GROUPS = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowGroups:
    """The groups that rows of a sample fall into, and what is reported of them.

    Attributes
    ----------
    code
        Group of each row as 0, 1, …, shape (n,).
    n_groups
        Number of groups; each has a row at least.
    labels
        What is reported: one row per entry, one column per variable of ``by``; no column without ``by``.
    combine
        The entries as combinations of groups: the groups themselves, or differences; shape (entries, groups).
    """

    code: Ints
    n_groups: int
    labels: pd.DataFrame
    combine: Floats

    @property
    def columns(self) -> list[str]:
        """The variables of ``by``."""
        return [str(name) for name in self.labels.columns]

    def rows(self) -> list[Ints | slice]:
        """Return the rows of each group."""
        if self.n_groups == 1:
            return [slice(None)]
        return [np.flatnonzero(self.code == g) for g in range(self.n_groups)]

    def shares(self, weights: Floats) -> Floats:
        """Return each row's share of its group's weight, shape (n,)."""
        return np.asarray(weights / binned(self.code, weights, self.n_groups)[self.code])


def pairs_of(size: int, contrast: Contrast) -> list[tuple[int, int]]:
    """Return which of several things, the reference first, are subtracted: (a, b) for a minus b.

    Examples
    --------
    >>> pairs_of(3, "pairwise")
    [(1, 0), (2, 0), (2, 1)]
    """
    if contrast == "reference":
        return [(k, 0) for k in range(1, size)]
    if contrast == "sequential":
        return [(k, k - 1) for k in range(1, size)]
    return [(b, a) for b in range(size) for a in range(b)]


def difference_matrix(pairs: Sequence[tuple[int, int]], size: int) -> Floats:
    """Return the matrix that takes differences of several things, shape (pairs, size)."""
    matrix = np.zeros((len(pairs), size))
    for row, (plus, minus) in enumerate(pairs):
        matrix[row, [plus, minus]] = 1.0, -1.0
    return matrix


def row_groups(
    model: FittedModel, by: By, *, contrast_by: Contrast | None = None, asked: str, taken: Sequence[str] = ()
) -> RowGroups:
    """Return the groups of a model's rows.

    Parameters
    ----------
    model
        The model.
    by
        Names of its predictors, or Series over the rows of its data or of its sample; None for one group.
    contrast_by
        Which differences between groups are reported, rather than the groups: against the first, all pairs,
        or of each from the one before it.
    asked
        The function that asks, for messages.
    taken
        Names of columns that the result has already.

    Raises
    ------
    ArgumentError
        If there is no such predictor, a Series does not fit, a row has no group, or there are too many.
    """
    faults: list[Fault] = []
    if contrast_by is not None and contrast_by not in get_args(Contrast):
        faults.append(
            Fault(where=f"{asked}: contrast_by", found=f"{contrast_by!r}", allowed=listed(get_args(Contrast)))
        )
    if by is None:
        if contrast_by is not None and not faults:
            faults.append(Fault(where=f"{asked}: contrast_by", found="there are no groups", remedy="by=…"))
        if faults:
            raise ArgumentError(*faults)
        everyone = np.zeros(len(model.sample), dtype=np.intp)
        return RowGroups(code=everyone, n_groups=1, labels=pd.DataFrame(index=[0]), combine=np.eye(1))
    columns = {}
    for one in list(by) if isinstance(by, list | tuple) else [by]:
        found = _column(model, one, f"{asked}: by")
        if isinstance(found, Fault):
            faults.append(found)
        elif found.name in taken or found.name in columns:
            remedy = "rename it, or leave it out"
            faults.append(
                Fault(
                    where=f"{asked}: by",
                    found=f"the result has a column {found.name!r} already",
                    remedy=remedy,
                )
            )
        else:
            columns[str(found.name)] = found
    if not faults and not columns:
        faults.append(Fault(where=f"{asked}: by", found="no variable is named", allowed="one at least"))
    if faults:
        raise ArgumentError(*faults)
    return _grouped(columns, contrast_by, asked)


def _grouped(columns: dict[str, pd.Series], contrast_by: Contrast | None, asked: str) -> RowGroups:
    frame = pd.DataFrame({name: column.to_numpy() for name, column in columns.items()})
    codes, levels = zip(*(_coded(column) for column in columns.values()), strict=True)
    combined = np.ravel_multi_index(codes, [len(found) for found in levels])
    kept, first, code = np.unique(combined, return_index=True, return_inverse=True)
    if len(kept) > MOST_GROUPS or (contrast_by is not None and len(kept) < 2):
        raise ArgumentError(
            Fault(
                where=f"{asked}: by",
                found=f"{listed(list(columns))} makes {len(kept)} groups",
                allowed=f"at most {MOST_GROUPS} groups; for contrasts two at least",
                remedy="pd.cut(frame['age'], [17, 39, 64, 120]) groups a numeric variable",
            )
        )
    labels = frame.iloc[first].reset_index(drop=True)
    combine = np.eye(len(kept))
    if contrast_by is not None:
        pairs = pairs_of(len(kept), contrast_by)
        combine = difference_matrix(pairs, len(kept))
        labels = pd.DataFrame([_difference_label(labels, a, b) for a, b in pairs])
    return RowGroups(code=code.astype(np.intp), n_groups=len(kept), labels=labels, combine=combine)


def _difference_label(labels: pd.DataFrame, plus: int, minus: int) -> dict[str, str]:
    named = {}
    for name in labels.columns:
        one, two = str(labels[name].iloc[plus]), str(labels[name].iloc[minus])
        named[str(name)] = one if one == two else f"{one} - {two}"
    return named


def _coded(column: pd.Series) -> tuple[Ints, list[Any]]:
    """Return a column as 0, 1, … in the order of its categories, or sorted."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy().astype(np.intp), list(column.cat.categories)
    codes, levels = pd.factorize(column, sort=True)
    return codes.astype(np.intp), list(levels)


def _column(model: FittedModel, one: object, where: str) -> pd.Series | Fault:
    if isinstance(one, pd.Series):
        return _aligned(model, one, where)
    known = list(map(str, model.sample.columns))
    if not isinstance(one, str) or one not in known:
        named = repr(one) if isinstance(one, str | int) else f"a {type(one).__name__}"
        return Fault(
            where=where,
            found=f"{named} is not a predictor of model {model.name!r}",
            allowed=f"{listed(known)}, or a Series with the index of the data",
            remedy=did_you_mean(str(one), known),
        )
    return model.sample[one]


def _aligned(model: FittedModel, series: pd.Series, where: str) -> pd.Series | Fault:
    """Return the part of a Series that belongs to a model's sample."""
    if not isinstance(series.name, str) or not series.name:
        return Fault(where=where, found="a Series without a name", remedy="series.rename('age_group')")
    part = series
    if len(series) == len(model.used) and len(series) != len(model.sample):
        part = series[model.used]
    if not part.index.equals(model.sample.index):
        return Fault(
            where=where,
            found=f"{series.name!r} does not have the index of the model's data",
            allowed=f"the {len(model.used)} rows of the data, or the {len(model.sample)} of the sample",
        )
    gaps = int(part.isna().sum())
    if gaps:
        return Fault(
            where=where,
            found=f"{series.name!r} has no value in {gaps} rows of the model's sample",
            remedy="fillna, so that each respondent belongs to a group",
        )
    return part
