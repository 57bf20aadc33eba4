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
# Share of a column of unit length below which it is no part of a combination.
LEAST_SHARE = 1e-6


def rank_deficient(x: Floats, w: Floats, columns: tuple[Column, ...]) -> None:
    """Refuse predictors that are exact combinations of others, by name.

    Raises
    ------
    RankDeficiencyError
        Naming each such column and those it is made of.
    """
    kept, made_of = independent(x, w)
    faults = []
    for j in np.setdiff1d(np.arange(len(columns)), kept):
        parts = [columns[k].name for k in made_of[j]]
        found = "it does not vary among the rows used"
        if parts:
            found = f"it is an exact combination of {listed(parts)} (and the intercept)"
        faults.append(
            Fault(where=f"predictor {columns[j].name!r}", found=found, remedy="leave one of them out")
        )
    if faults:
        raise RankDeficiencyError(*faults)


def independent(x: Floats, w: Floats) -> tuple[list[int], dict[int, list[int]]]:
    """Return which columns are no combinations of others, and what the rest are made of.

    Parameters
    ----------
    x
        Predictors, shape (n, p).
    w
        Positive weights of the rows, shape (n,).

    Returns
    -------
    kept : list of int
        The columns that are no combination of an intercept and those before them.
    made_of : dict of int to list of int
        Of each other column the kept ones that it is made of; none if it does not vary.
    """
    centred = (x - np.average(x, axis=0, weights=w)) * np.sqrt(w)[:, None]
    size = np.sqrt((centred**2).sum(axis=0))
    varying = (np.ptp(x, axis=0) > 0) & (size > 0)  # what does not vary may differ from its mean by rounding
    unit = centred / np.where(varying, size, 1.0)
    kept: list[int] = []
    made_of: dict[int, list[int]] = {}
    basis = np.empty_like(unit, order="F")
    for j in range(unit.shape[1]):
        before = basis[:, : len(kept)]
        rest = unit[:, j] - before @ (before.T @ unit[:, j])
        rest -= before @ (before.T @ rest)
        length = np.sqrt(rest @ rest)
        if not varying[j]:
            made_of[j] = []
        elif length > RANK_TOLERANCE:
            basis[:, len(kept)] = rest / length
            kept.append(j)
        else:
            shares = np.linalg.lstsq(unit[:, kept], unit[:, j], rcond=None)[0]
            made_of[j] = [k for k, share in zip(kept, shares, strict=True) if abs(share) > LEAST_SHARE]
    return kept, made_of


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
