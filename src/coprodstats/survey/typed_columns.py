"""Columns that a file or a data frame holds as numbers, dates or categories, written as codes."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pyarrow as pa

from coprodstats.errors import Fault
from coprodstats.survey.raw_table import text_column, without_blanks

_EXACT = 2**53
_MOST_EXACT_DIGITS = 15


def typed_column(column: pa.Array) -> pa.DictionaryArray:
    """Return a typed column as text.

    Whole numbers are written without a point, other numbers with as many digits as tell them apart, dates as
    ``2008-05-01``, dates with a time as ``2008-05-01T12:30:00``, truth values as ``true`` and ``false``,
    categories as themselves. Not-a-number and blank texts are null.

    Parameters
    ----------
    column
        An array of one of the types that `column_fault` lets pass.

    Examples
    --------
    >>> typed_column(pa.array([1.0, 2.5, None])).to_pylist()
    ['1', '2.5', None]
    """
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    if pa.types.is_string(column.type):
        return without_blanks(column).dictionary_encode()
    return text_column(column, typed_text)


def typed_text(cell: Any) -> str | None:
    """Write one cell as a codebook would.

    Examples
    --------
    >>> typed_text(True), typed_text(9007199254740993), typed_text(0.1), typed_text(" ")
    ('true', '9007199254740993', '0.1', None)
    """
    text = "" if cell is None else _written(cell)
    return text if text.strip() else None


def _written(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        whole = cell.is_integer() and abs(cell) <= _EXACT
        return "" if math.isnan(cell) else (str(int(cell)) if whole else repr(cell))
    if isinstance(cell, Decimal):
        text = format(cell, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat().removesuffix("T00:00:00")
    return str(cell)


def column_fault(column: str, type_: pa.DataType, where: str) -> Fault | None:
    """Return what is wrong with the type of a column, or None.

    Parameters
    ----------
    column
        Its name.
    type_
        Its type.
    where
        What messages call the file.
    """
    inner = type_.value_type if pa.types.is_dictionary(type_) else type_
    scalar = (
        pa.types.is_null(inner)
        or pa.types.is_boolean(inner)
        or pa.types.is_integer(inner)
        or pa.types.is_floating(inner)
        or pa.types.is_decimal(inner)
        or pa.types.is_string(inner)
        or pa.types.is_large_string(inner)
        or pa.types.is_string_view(inner)
        or pa.types.is_date(inner)
        or pa.types.is_time(inner)
        or pa.types.is_timestamp(inner)
    )
    if scalar:
        return None
    return Fault(
        where=f"{where}: {column}",
        found="the cells are neither texts, numbers, dates nor true and false",
        remedy="write the column as text, or leave it out",
    )


def inexact_columns(table: pa.Table, names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of floats with whole numbers that a float can't tell from their neighbours.

    Parameters
    ----------
    table
        Columns as text.
    names
        The columns whose cells were floats.
    """
    return tuple(name for name in names if has_inexact(table[name].unique().to_pylist()))


def has_inexact(codes: Iterable[str | None]) -> bool:
    """Say whether floats, written as text, hold a whole number that a float can't tell from its neighbours.

    Examples
    --------
    >>> has_inexact(["9007199254740993"]), has_inexact(["1", "0.1", None])
    (False, False)
    >>> has_inexact(["9007199254740994.0"])
    True
    """
    long = (float(code) for code in codes if code is not None and len(code) > _MOST_EXACT_DIGITS)
    return any(abs(number) > _EXACT and number.is_integer() for number in long)
