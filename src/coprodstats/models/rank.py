"""Predictors that are exact combinations of others, found and named."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import Fault, RankDeficiencyError, listed
from coprodstats.models.coding import Column

Floats = NDArray[np.float64]

# Relative size below which a column is a combination of the others; columns are centred and of unit length.
RANK_TOLERANCE = 1e-9


def rank_deficient(x: Floats, w: Floats, columns: tuple[Column, ...]) -> None:
    """Refuse predictors that are exact combinations of others, by name.

    Raises
    ------
    RankDeficiencyError
        Naming each such column and those it is made of.
    """
    centred = (x - np.average(x, axis=0, weights=w)) * np.sqrt(w)[:, None]
    size = np.sqrt((centred**2).sum(axis=0))
    unit = centred / np.where(size > 0, size, 1.0)
    faults = []
    kept: list[int] = []
    basis = np.empty_like(unit, order="F")
    for j, column in enumerate(columns):
        before = basis[:, : len(kept)]
        rest = unit[:, j] - before @ (before.T @ unit[:, j])
        rest -= before @ (before.T @ rest)
        length = np.sqrt(rest @ rest)
        if size[j] > 0 and length > RANK_TOLERANCE:
            basis[:, len(kept)] = rest / length
            kept.append(j)
            continue
        made_of = np.linalg.lstsq(unit[:, kept], unit[:, j], rcond=None)[0] if kept else np.empty(0)
        parts = [columns[k].name for k, b in zip(kept, made_of, strict=True) if abs(b) > 1e-6]
        found = "it does not vary among the rows used"
        if parts:
            found = f"it is an exact combination of {listed(parts)} (and the intercept)"
        faults.append(Fault(where=f"predictor {column.name!r}", found=found, remedy="leave one of them out"))
    if faults:
        raise RankDeficiencyError(*faults)


def refuse_too_many(n_rows: int, columns: tuple[Column, ...]) -> None:
    """Refuse more columns than respondents can tell apart.

    Raises
    ------
    RankDeficiencyError
        Naming the terms and how many columns each makes.
    """
    if len(columns) + 1 < n_rows:  # one more for the intercept
        return
    width = pd.Series([column.term for column in columns]).value_counts(sort=False)
    raise RankDeficiencyError(
        Fault(
            where="predictors",
            found=f"they make {len(columns)} columns for {n_rows} rows "
            f"({listed([f'{term}: {count}' for term, count in width.items()])})",
            allowed="fewer columns, with the intercept, than rows",
            remedy="leave terms out, or merge levels",
        )
    )
