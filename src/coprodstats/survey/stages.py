"""Strata, sampling units and finite populations of every stage, read from a frame and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import DesignError, Fault, listed
from coprodstats.survey.declared_design import SurveyDesign
from coprodstats.survey.numbering import extent, first_rows, numbered, pieces
from coprodstats.survey.resolved import Stage

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Labels = Sequence[Any] | NDArray[Any] | pd.Index

FEW_PAIRS = 100_000
# Strata are read from sampling units where these have so many rows on average.
ROWS_PER_UNIT = 4


def bind_stages(design: SurveyDesign, frame: pd.DataFrame) -> tuple[Stage, ...]:
    """Return each stage of a design over the rows of a frame.

    Parameters
    ----------
    design
        The design.
    frame
        The data, n rows.

    Raises
    ------
    DesignError
        If strata or units are missing, ids recur across strata without ``nested`` being declared, or a
        finite population is impossible.

    Notes
    -----
    As ``svydesign`` of the R package survey: units of a later stage, and its strata, lie within the units of
    the stage before, so that their ids may begin anew in each.
    """
    faults: list[Fault] = []
    units = [_codes(frame, psu, "psu", faults) for _, psu, _ in design.stages]
    first = None if faults else _first_stage(frame, design.stages[0][0], *units[0])
    stages = [] if first is None else [first]
    strata = [_codes(frame, name, "strata", faults) for name, _, _ in design.stages[len(stages) :]]
    if faults:
        raise DesignError(*faults)
    for number, of_rows in enumerate(strata, start=len(stages)):
        parent, parents = np.broadcast_to(np.intp(0), len(frame)), ("",)[: len(frame)]
        if number:
            above, (unit, labels) = stages[-1], units[number - 1]
            parent = above.unit
            parents = tuple(str(labels[name]) for name in unit[first_rows(parent, above.n_units)])
        stages.append(_stage(design, number, of_rows, units[number], parent, parents))
    return _with_fractions(design, frame, tuple(stages)) if design.has_fpc else tuple(stages)


def _first_stage(frame: pd.DataFrame, name: str | None, unit: Ints, units: Labels) -> Stage | None:
    """Return the first stage from the strata of units: to number those of many rows takes long.

    None if units are many, or lie in several strata, or strata are neither categories nor whole numbers.
    """
    stratum, labels = np.zeros(len(units), dtype=np.intp), ("all",)[: len(unit)]
    if name is not None:
        found = _whole_numbers(frame[name])
        if found is None or len(units) * ROWS_PER_UNIT > len(unit):
            return None
        values, categories = found
        of_unit = values[first_rows(unit, len(units))]
        held, stratum = np.unique(of_unit, return_inverse=True)
        missing = categories is not None and len(held) > 0 and held[0] < 0
        if missing or not _constant_within(unit, of_unit, values):
            return None
        labels = tuple(map(str, held if categories is None else categories[held]))
    nested, unit_stratum = _in_order(unit, stratum, len(labels))
    return _bound(nested, unit_stratum, np.zeros(len(labels), dtype=np.intp), labels)


def _stage(
    design: SurveyDesign,
    number: int,
    strata: tuple[Ints, Labels],
    units: tuple[Ints, Labels],
    parent: Ints,
    parents: tuple[str, ...],
) -> Stage:
    """Return a stage from the strata and units of the rows, within the units of the stage before."""
    (stratum, names), (unit, unit_names) = strata, units
    within, owner = _crossed(parent, len(parents), stratum, len(names))
    labels = list(map(str, names))
    if number:
        first = stratum[first_rows(within, len(owner))]
        labels = [_joined(parents[c], labels[name]) for c, name in zip(owner, first, strict=True)]
    nested, unit_stratum = _crossed(within, len(owner), unit, len(unit_names))
    unique = len(_crossed(parent, len(parents), unit, len(unit_names))[1]) if number else len(unit_names)
    _refuse_recurring(design, number, len(unit_stratum), unique)
    return _bound(nested, unit_stratum, owner, labels)


def _bound(unit: Ints, unit_stratum: Ints, parent: Ints, labels: Labels) -> Stage:
    return Stage(
        unit=unit,
        unit_stratum=unit_stratum,
        stratum_parent=parent,
        fraction=np.zeros(len(parent)),
        labels=tuple(map(str, labels)),
    )


def inverse_fractions(stages: tuple[Stage, ...]) -> Floats | None:
    """Return the weights that the fractions of all stages imply, shape (n,); None if any is infinite."""
    sampled = np.prod([stage.fraction[stage.unit_stratum[stage.unit]] for stage in stages], axis=0)
    return np.asarray(1 / sampled) if (sampled > 0).all() else None


def _codes(frame: pd.DataFrame, name: str | None, role: str, faults: list[Fault]) -> tuple[Ints, Labels]:
    """Return a column as 0, 1, … without gaps, and the label of each number, in their order."""
    n = len(frame)
    if name is None:
        if role == "strata":
            return np.zeros(n, dtype=np.intp), ("all",)[:n]
        return np.arange(n, dtype=np.intp), range(n)
    column = frame[name]
    found = _tabled(column) if n else None
    if found is not None:
        return found
    missing = int(column.isna().sum())
    if missing:
        faults.append(
            Fault(
                where=f"{role} {name!r}",
                found=f"{missing} rows have no value",
                remedy="complete the column, or exclude those rows before analysis and say so",
            )
        )
    codes, labels = pd.factorize(column, sort=True)
    return codes.astype(np.intp), labels


def _tabled(column: pd.Series) -> tuple[Ints, Labels] | None:
    """Return what `_codes` does for categories, or whole numbers not far apart: a table takes no sorting."""
    found = _whole_numbers(column)
    if found is None:
        return None
    values, categories = found
    low, high = extent(values)
    if (categories is not None and low < 0) or high - low >= max(len(values), FEW_PAIRS):
        return None
    number, first = numbered(values, high - low + 1, lowest=low)
    return number, values[first] if categories is None else categories[values[first]]


def _whole_numbers(column: pd.Series) -> tuple[NDArray[np.integer[Any]], pd.Index | None] | None:
    """Return a column's whole numbers, or the codes of its categories and these; None if it has neither.

    Where a category is missing its code is negative.
    """
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return np.asarray(column.array.codes), dtype.categories
    if isinstance(dtype, np.dtype) and dtype.kind in "iu" and np.can_cast(dtype, np.intp):
        return column.to_numpy(), None
    return None


def _crossed(outer: Ints, n_outer: int, inner: Ints, n_inner: int) -> tuple[Ints, Ints]:
    """Return the pair of each row as 0, 1, …, and the outer part of each pair.

    All of the ``n_outer`` and ``n_inner`` parts occur.
    """
    if n_outer <= 1:  # a single unit, whose parts are numbered already
        return inner, np.zeros(n_inner, dtype=np.intp)
    owner = outer[first_rows(inner, n_inner)]
    if _constant_within(inner, owner, outer):
        return _in_order(inner, owner, n_outer)
    pair = outer * n_inner + inner
    if n_outer * n_inner <= max(len(pair), FEW_PAIRS):
        index, first = numbered(pair, n_outer * n_inner)
        return index, outer[first]
    _, first, index = np.unique(pair, return_index=True, return_inverse=True)
    return index.astype(np.intp), outer[first]


def _constant_within(unit: Ints, of_unit: NDArray[Any], values: NDArray[Any]) -> bool:
    """Return whether each row has the value of its unit."""
    return all((of_unit.take(unit[rows], mode="clip") == values[rows]).all() for rows in pieces(len(unit)))


def _in_order(unit: Ints, owner: Ints, n_owners: int) -> tuple[Ints, Ints]:
    """Return units numbered in the order of what they lie in, and that of each."""
    if (owner[1:] >= owner[:-1]).all():
        return unit, owner
    order = np.argsort(owner.astype(np.min_scalar_type(n_owners)), kind="stable")  # few bits sort fast
    rank = np.empty_like(order)
    rank[order] = np.arange(len(owner))
    return rank[unit], owner[order]


def _joined(unit: str, stratum: str) -> str:
    return unit if stratum == "all" else f"{unit}/{stratum}"


def _refuse_recurring(design: SurveyDesign, number: int, nested: int, unique: int) -> None:
    if nested == unique or design.nested is True:
        return
    strata, psu, _ = design.stages[number]
    unit = "unit" if number else "PSU"
    raise DesignError(
        Fault(
            where=f"psu {psu!r}",
            found=f"{unit} ids recur in several strata of {strata!r}: read as nested there are "
            f"{nested} {unit}s, read as unique ids {unique}",
            remedy="SurveyDesign(..., nested=True) if the ids are numbered anew in each stratum; "
            f"otherwise correct the file: a {unit} lies in one stratum",
        )
    )


def _with_fractions(
    design: SurveyDesign, frame: pd.DataFrame, stages: tuple[Stage, ...]
) -> tuple[Stage, ...]:
    values, faults = _fpc_values(design, frame)
    if faults:
        raise DesignError(*faults)
    # As in R, all stages give numbers or all give fractions: 1 is both the whole and a single unit.
    numbers = any((given > 1).any() for given in values.values())
    finite = [
        replace(stage, fraction=_fractions(stage, fpc, values[fpc], faults, numbers=numbers))
        if fpc
        else stage
        for stage, (_, _, fpc) in zip(stages, design.stages, strict=True)
    ]
    if faults:
        raise DesignError(*faults)
    return tuple(finite)


def _fpc_values(design: SurveyDesign, frame: pd.DataFrame) -> tuple[dict[str, Floats], list[Fault]]:
    values: dict[str, Floats] = {}
    faults = []
    for _, _, fpc in design.stages:
        if fpc is None or fpc in values:
            continue
        given = pd.to_numeric(frame[fpc], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        values[fpc] = given
        bad = int((~(given >= 0)).sum())
        if bad:
            found = f"{bad} rows have no value, a negative one, or text"
            faults.append(Fault(where=f"fpc {fpc!r}", found=found, allowed="numbers of at least 0"))
    together = np.concatenate(list(values.values()))
    if not faults and (together > 1).any() and (together < 1).any():
        mixed = {name: int((given < 1).sum()) for name, given in values.items()}
        counts = ", ".join(
            f"{name!r} has {n} rows below 1 and {len(frame) - n} from 1" for name, n in mixed.items()
        )
        faults.append(
            Fault(
                where="fpc",
                found=f"fractions and numbers are mixed: {counts}",
                allowed="at all stages sampling fractions (at most 1), or at all numbers (at least 1)",
            )
        )
    return values, faults


def _fractions(stage: Stage, fpc: str, values: Floats, faults: list[Fault], *, numbers: bool) -> Floats:
    stratum = stage.unit_stratum[stage.unit]
    low, high = np.full(stage.n_strata, np.inf), np.full(stage.n_strata, -np.inf)
    np.minimum.at(low, stratum, values)
    np.maximum.at(high, stratum, values)
    several = np.flatnonzero(low != high)
    few = np.flatnonzero((low == high) & numbers & (low < stage.sizes))
    where = f"fpc {fpc!r}"
    if len(several):
        names = listed([stage.labels[h] for h in several])
        found = f"{len(several)} strata have several values ({names})"
        faults.append(Fault(where=where, found=found, allowed="one value per stratum"))
    if len(few):
        names = listed([f"{stage.labels[h]}: {stage.sizes[h]} of {low[h]:g}" for h in few])
        found = f"{len(few)} strata have more sampled units than the population ({names})"
        faults.append(Fault(where=where, found=found))
    return stage.sizes / low if numbers and not len(few) else low
