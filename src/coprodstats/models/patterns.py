"""Respondents who are alike in outcome and predictors, to be fitted together: the same fit, but faster."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.models.coding import values_of
from coprodstats.survey.numbering import Codes, first_rows, numbered, pieces

Ints = NDArray[np.intp]

# Patterns are looked for among this many rows first, and made where there are this many rows for each.
SOME_ROWS = 2_048
ROWS_PER_PATTERN = 4
# Fewer rows than these that are like others may be so by chance.
FEW_MET = 8
# Values of a number are counted among so many rows; more different ones than half of these are not a code.
SOME_VALUES = 512
# Codes are kept below this size by numbering those that occur anew.
LARGE_CODE = 2**52


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patterns:
    """Groups of rows that are alike.

    Attributes
    ----------
    first
        A row of each pattern, shape (m,).
    of_row
        Pattern of each row, in as few bytes as that needs, shape (n,).
    """

    first: Ints
    of_row: Codes


def find_patterns(columns: dict[str, pd.Series], y: Ints) -> Patterns | None:
    """Return the patterns of outcome and predictors, or None where they would save little.

    Parameters
    ----------
    columns
        Predictors as floats and categoricals, n rows each.
    y
        Codes of the outcome, shape (n,).

    Examples
    --------
    >>> kind = pd.Series(pd.Categorical(["a", "b"] * 50))
    >>> found = find_patterns({"kind": kind}, np.arange(100) % 2)
    >>> len(found.first), found.of_row[:4].tolist()
    (2, [0, 1, 0, 1])
    >>> find_patterns({"age": pd.Series(np.arange(100.0))}, np.arange(100) % 2) is None
    True
    """
    n = len(y)
    values = [values_of(column) for column in columns.values()]
    if not _promising(values, y):
        return None
    code, size = _combined([y, *values])
    if size <= n:
        of_row, first = numbered(code, size, small=True)
    else:
        of_row, distinct = pd.factorize(code)
        first = first_rows(of_row, len(distinct))
    return Patterns(first=first, of_row=of_row) if len(first) * ROWS_PER_PATTERN <= n else None


def _promising(values: list[NDArray[Any]], y: Ints) -> bool:
    """Return whether patterns recur among a few rows, the first test being the cheapest."""
    few = slice(None, None, 1 + len(y) // SOME_VALUES)
    some = slice(None, None, 1 + len(y) // SOME_ROWS)
    for column in values:
        seen = column[few]
        if column.dtype.kind == "f" and 2 * len(np.unique(seen)) > len(seen):
            return False
    codes, _ = _combined([y[some], *(column[some] for column in values)])
    # s draws from m patterns, all as frequent, are of m (1 - exp(-s / m)) different ones.
    most = len(y) / ROWS_PER_PATTERN
    expected = most * (1 - np.exp(-len(codes) / most))
    return bool(len(np.unique(codes)) <= min(expected, len(codes) - FEW_MET))


def _combined(columns: list[NDArray[Any]]) -> tuple[NDArray[np.signedinteger[Any]], int]:
    """Return a number for each row, the same for the same combination of values only, and how many may be."""
    coded = [pd.factorize(column)[0] if column.dtype.kind == "f" else column for column in columns]
    widths = [int(codes.max()) + 1 for codes in coded]
    many = [j for j in range(2, len(coded)) if prod(widths[: j + 1]) > LARGE_CODE]
    if many:
        code, _ = pd.factorize(_combined(coded[: many[0]])[0])
        return _combined([code, *coded[many[0] :]])
    # The fewer bytes a number has, the faster it is made.
    code = np.empty(len(coded[0]), dtype=np.min_scalar_type(-prod(widths)))
    for rows in pieces(len(code)):
        part = code[rows]
        part[:] = coded[0][rows]
        for codes, width in zip(coded[1:], widths[1:], strict=True):
            part *= width
            part += codes[rows]
    return code, prod(widths)
