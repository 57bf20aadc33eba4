"""Population margins and totals, checked against the data they are to calibrate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, Fault, did_you_mean
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import SurveyDesign, resolve_design
from coprodstats.survey.log import how_many

Floats = NDArray[np.float64]
Margins = Mapping[str | tuple[str, ...], Mapping[Any, float] | pd.Series]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PopulationTotals:
    """What is to be calibrated to what.

    Attributes
    ----------
    function
        The public function that was called, for messages.
    index
        Index of the data, n rows.
    base
        Weights to start from, shape (n,).
    matrix
        Values of the calibration variables, 1 and 0 for cells, shape (n, m).
    totals
        Their population totals, shape (m,).
    names
        Cells and variables in words.
    population
        The grand total of the margins, or 0 without margins.
    """

    function: str
    index: pd.Index = field(repr=False)
    base: Floats
    matrix: Floats
    totals: Floats
    names: tuple[str, ...]
    population: float

    def sizes(self) -> Floats:
        """Return what a deviation is relative to: the total, or for a signed variable its absolute values."""
        signed = (self.matrix < 0).any(axis=0) | (self.totals <= 0)
        absolute = np.maximum(np.abs(self.totals), np.abs(self.matrix).T @ self.base)
        return np.where(signed, absolute, self.totals)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Block:
    """One margin or numeric total, as columns of the calibration matrix."""

    label: str
    names: tuple[str, ...]
    matrix: Floats
    totals: Floats
    categorical: bool


def population_totals(
    function: str,
    data: CleanedSurvey | pd.DataFrame,
    margins: Margins,
    totals: Mapping[str, float],
    weights: str | None,
    tolerance: float,
) -> PopulationTotals:
    """Check declared margins and totals against the data, all faults at once.

    Parameters
    ----------
    function
        The public function that was called, for messages.
    data
        A cleaned survey or a DataFrame.
    margins
        Population totals of categories, by column or tuple of columns.
    totals
        Population totals of numeric columns.
    weights
        Column of the weights to start from.
    tolerance
        How far grand totals of the margins may be from each other, relative to the largest.

    Returns
    -------
    PopulationTotals
        Calibration variables with their totals.

    Raises
    ------
    ArgumentError
        If anything declared doesn't fit the data.
    """
    frame = data.frame if isinstance(data, CleanedSurvey) else data
    if weights is None and isinstance(data, CleanedSurvey) and data.design is not None:
        weights = data.design.weights
    base = resolve_design(SurveyDesign(weights=weights), frame).weights
    faults: list[Fault] = []
    blocks: list[_Block] = []
    for key, given in margins.items():
        columns = (key,) if isinstance(key, str) else tuple(key)
        _add(faults, blocks, _margin(function, frame, base, columns, dict(given.items())))
    for name, total in totals.items():
        _add(faults, blocks, _numeric(function, frame, base, name, total))
    if not margins and not totals:
        faults.append(Fault(where=f"{function}: margins", found="none is given", allowed="one at least"))
    faults += _unequal_grand_totals(function, blocks, tolerance)
    if faults:
        raise ArgumentError(*faults)
    return PopulationTotals(
        function=function,
        index=frame.index,
        base=base,
        matrix=np.hstack([block.matrix for block in blocks]),
        totals=np.concatenate([block.totals for block in blocks]),
        names=tuple(name for block in blocks for name in block.names),
        population=next((float(block.totals.sum()) for block in blocks if block.categorical), 0.0),
    )


def _add(faults: list[Fault], blocks: list[_Block], found: _Block | list[Fault]) -> None:
    if isinstance(found, _Block):
        blocks.append(found)
    else:
        faults += found


def _margin(
    function: str, frame: pd.DataFrame, base: Floats, columns: tuple[str, ...], given: dict[Any, float]
) -> _Block | list[Fault]:
    label = " × ".join(columns)
    where = f"{function}: margin {label!r}"
    faults = _unusable_columns(where, frame, base, columns)
    if faults:
        return faults
    rows = _cells(frame, columns)
    live = base > 0
    counts = Counter(cell for cell, counted in zip(rows, live, strict=True) if counted)
    undeclared = sorted((cell for cell in counts if cell not in given), key=str)
    empty = [cell for cell in given if cell not in counts]
    faults += [
        Fault(
            where=where,
            found=f"the data have {_words(cell)} ({how_many(counts[cell])} rows), which has no total",
            remedy=did_you_mean(str(cell), map(str, given)) or "declare its population total",
        )
        for cell in undeclared
    ]
    faults += [
        Fault(
            where=where,
            found=f"no respondent with a positive weight is {_words(cell)}",
            remedy="merge it with another category, in the data and in the margin",
        )
        for cell in empty
    ]
    faults += [
        Fault(where=where, found=f"the total of {_words(cell)} is {total!r}", allowed="finite, above 0")
        for cell, total in given.items()
        if not _is_number(total) or not (np.isfinite(total) and total > 0)
    ]
    if faults:
        return faults
    position = {cell: j for j, cell in enumerate(given)}
    codes = np.array(
        [position.get(cell, -1) if counted else -1 for cell, counted in zip(rows, live, strict=True)]
    )
    matrix = (codes[:, None] == np.arange(len(given))).astype(float)
    return _Block(
        label=label,
        names=tuple(f"{label} = {_words(cell)}" for cell in given),
        matrix=matrix,
        totals=np.array(list(given.values()), dtype=float),
        categorical=True,
    )


def _numeric(
    function: str, frame: pd.DataFrame, base: Floats, name: str, total: float
) -> _Block | list[Fault]:
    where = f"{function}: total {name!r}"
    faults = _unusable_columns(where, frame, base, (name,))
    if not faults and not pd.api.types.is_numeric_dtype(frame[name]):
        faults.append(Fault(where=where, found="the column is not numeric", remedy="a margin for categories"))
    if not _is_number(total) or not np.isfinite(total):
        faults.append(Fault(where=where, found=f"it is {total!r}", allowed="a finite number"))
    if faults:
        return faults
    values = np.where(base > 0, frame[name].to_numpy(dtype=float, na_value=np.nan), 0.0)
    if not np.isfinite(values).all():
        return [Fault(where=where, found="some values are infinite", allowed="finite numbers")]
    return _Block(
        label=name,
        names=(name,),
        matrix=values[:, None],
        totals=np.array([float(total)]),
        categorical=False,
    )


def _unusable_columns(where: str, frame: pd.DataFrame, base: Floats, columns: tuple[str, ...]) -> list[Fault]:
    faults = []
    for name in columns:
        if name not in frame.columns:
            near = did_you_mean(name, map(str, frame.columns))
            faults.append(
                Fault(
                    where=where, found=f"there is no column {name!r}", remedy=near or "a column of the data"
                )
            )
            continue
        missing = int((frame[name].isna().to_numpy() & (base > 0)).sum())
        if missing:
            faults.append(
                Fault(
                    where=where,
                    found=f"{name!r} is missing in {how_many(missing)} rows",
                    allowed="a value in every row with a positive weight",
                    remedy="give the missing a category and a total of their own, or exclude them and say so",
                )
            )
    return faults


def _unequal_grand_totals(function: str, blocks: list[_Block], tolerance: float) -> list[Fault]:
    sums = {block.label: float(block.totals.sum()) for block in blocks if block.categorical}
    if not sums or max(sums.values()) - min(sums.values()) <= tolerance * max(sums.values()):
        return []
    return [
        Fault(
            where=f"{function}: margins",
            found="grand totals differ: " + ", ".join(f"{k} {total:.10g}" for k, total in sums.items()),
            allowed="the same population in every margin",
            remedy="scale each margin to one grand total",
        )
    ]


def _cells(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[Any]:
    values = [frame[name].astype(object).tolist() for name in columns]
    return values[0] if len(values) == 1 else list(zip(*values, strict=True))


def _words(cell: object) -> str:
    return ", ".join(map(str, cell)) if isinstance(cell, tuple) else repr(cell)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
