"""The decimal mark of the numbers in a text file: as declared, or where the file leaves no doubt, a point."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from coprodstats.errors import DelimiterError, Fault, Found, SchemaError, listed
from coprodstats.survey.file_format import FileFormat
from coprodstats.survey.raw_table import joined, rewritten

_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_POINT = re.compile(r"[+-]?[0-9]+\.[0-9]+")
# 1.234 may be one and a bit, or one thousand two hundred and thirty-four; 0.234 and 12.5 may not.
_DOUBTFUL = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
_MOST_SHOWN = 20


def with_decimal_points(
    table: pa.Table,
    columns: Sequence[str],
    declared: FileFormat,
    name: str,
    line_of: Callable[[int], int],
) -> tuple[pa.Table, list[Found]]:
    """Write the numbers of a table with a decimal point, or say why their mark is in doubt.

    Parameters
    ----------
    table
        Columns as text.
    columns
        Those that the codebook declares as numbers.
    declared
        The decimal mark, if declared.
    name
        What messages call the file.
    line_of
        Turns the position of a row into its line.

    Returns
    -------
    tuple
        The table, and faults.

    Notes
    -----
    Without a declaration numbers have a decimal point, unless every number with a point in the file has one
    to three digits before it and three after it: then the point may separate thousands.
    """
    texts = {column: table[column].unique().to_pylist() for column in columns}
    if declared.decimal == ",":
        return _from_commas(table, texts, name, line_of)
    found: list[Found] = []
    for column, codes in texts.items():
        if commas := [code for code in codes if code and _COMMA.fullmatch(code)]:
            shown = _lines(table[column], commas, line_of)
            told = f"{shown}: this looks like a decimal comma"
            remedy = 'declare it in the codebook: [file] decimal = ","'
            allowed = "digits with a decimal point, such as 42.5"
            found.append(
                (SchemaError, Fault(where=f"{name}: {column}", found=told, allowed=allowed, remedy=remedy))
            )
    if not declared.decimal:
        found += _doubts(table, texts, name, line_of)
    return table, found


def _from_commas(
    table: pa.Table, texts: dict[str, list[str | None]], name: str, line_of: Callable[[int], int]
) -> tuple[pa.Table, list[Found]]:
    found: list[Found] = []
    for column, codes in texts.items():
        if points := [code for code in codes if code and "." in code and not code.startswith(".")]:
            shown = _lines(table[column], points, line_of)
            told = f"{shown}: a number with a point, though the decimal mark is a comma"
            remedy = "export the numbers without marks between thousands"
            found.append((DelimiterError, Fault(where=f"{name}: {column}", found=told, remedy=remedy)))
        if not any(code and _COMMA.fullmatch(code) for code in codes):
            continue
        chunks = [
            rewritten(chunk, [_pointed(text) for text in chunk.dictionary.to_pylist()])
            for chunk in table[column].chunks
        ]
        table = table.set_column(table.column_names.index(column), column, joined(chunks))
    return table, found


def _pointed(text: str) -> str:
    return text.replace(",", ".") if _COMMA.fullmatch(text) else text


def _doubts(
    table: pa.Table, texts: dict[str, list[str | None]], name: str, line_of: Callable[[int], int]
) -> list[Found]:
    with_point = {
        column: [code for code in codes if code and _POINT.fullmatch(code)] for column, codes in texts.items()
    }
    numbers = [code for codes in with_point.values() for code in codes]
    if not numbers or not all(_DOUBTFUL.fullmatch(code) for code in numbers):
        return []
    found: list[Found] = []
    for column, codes in with_point.items():
        if codes:
            shown = _lines(table[column], codes, line_of)
            told = f"{shown}: the point may be a decimal mark or separate thousands"
            remedy = 'declare it in the codebook: [file] decimal = "." or ","'
            found.append((DelimiterError, Fault(where=f"{name}: {column}", found=told, remedy=remedy)))
    return found


def _lines(column: pa.ChunkedArray, codes: list[str], line_of: Callable[[int], int]) -> str:
    places = pc.is_in(column.cast(pa.string()), value_set=pa.array(codes))
    rows = pc.indices_nonzero(places).to_pylist()
    shown = listed([line_of(row) for row in rows[:_MOST_SHOWN]], _MOST_SHOWN)
    more = f" and {len(rows) - _MOST_SHOWN:,} more" if len(rows) > _MOST_SHOWN else ""
    return f"line {shown}{more}" if len(rows) == 1 else f"lines {shown}{more}"
