"""Offsets: a known part of the linear predictor, read from a column of the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import Fault, did_you_mean, listed
from coprodstats.models.column_kinds import kind_of

Floats = NDArray[np.float64]


def offset_faults(name: str | None, outcome: str, frame: pd.DataFrame) -> list[Fault]:
    """Return what is wrong with a column that is to be an offset; missing values are not.

    Parameters
    ----------
    name
        The column, or None for no offset.
    outcome
        The formula's outcome.
    frame
        The data.
    """
    if name is None:
        return []
    columns = [str(column) for column in frame.columns]
    if not isinstance(name, str) or name not in columns:
        remedy = did_you_mean(str(name), columns) or f"the columns are {listed(columns)}"
        return [Fault(where="offset", found=f"the data have no column {name!r}", remedy=remedy)]
    if name == outcome:
        return [Fault(where="offset", found=f"{name!r} is the outcome", allowed="another numeric column")]
    return _value_faults(frame[name], f"offset {name!r}")


def read_offset(rows: pd.DataFrame, name: str) -> Floats:
    """Return a complete numeric column as numbers, shape (n,)."""
    return np.asarray(rows[name].to_numpy(dtype=float))


def _value_faults(column: pd.Series, where: str) -> list[Fault]:
    if kind_of(column) != "numbers":
        return [Fault(where=where, found=f"its type is {column.dtype}", allowed="numbers")]
    infinite = int(np.isinf(column.to_numpy(dtype=float, na_value=np.nan)).sum())
    if infinite:
        return [Fault(where=where, found=f"{infinite} rows are not finite", allowed="finite numbers")]
    return []
