"""The decimal mark of the numbers in a text file: as declared, or where the file leaves no doubt, a point."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from coprodstats.errors import DelimiterError, Fault, Found, SchemaError, listed
from coprodstats.survey.file_format import FileFormat
from coprodstats.survey.raw_table import replaced

_COMMA = r"^([+-]?[0-9]+),([0-9]+)$"
_POINT = r"^[+-]?[0-9]+\.[0-9]+$"
# A point anywhere but at the beginning, where it is one of Stata's missing codes.
_ANY_POINT = r"(?s)^[^.].*\."
# 1.234 may be one and a bit, or one thousand two hundred and thirty-four; 0.234 and 12.5 may not.
_DOUBTFUL = r"^[+-]?[1-9][0-9]{0,2}\.[0-9]{3}$"
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
    texts = {column: table[column].unique().cast(pa.string()).drop_null() for column in columns}
    if declared.decimal == ",":
        return _from_commas(table, texts, name, line_of)
    found: list[Found] = []
    for column, cells in texts.items():
        commas = _those(cells, _COMMA)
        if len(commas):
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
    table: pa.Table, texts: dict[str, pa.Array], name: str, line_of: Callable[[int], int]
) -> tuple[pa.Table, list[Found]]:
    found: list[Found] = []
    for column, cells in texts.items():
        points = _those(cells, _ANY_POINT)
        if len(points):
            shown = _lines(table[column], points, line_of)
            told = f"{shown}: a number with a point, though the decimal mark is a comma"
            remedy = "export the numbers without marks between thousands"
            found.append((DelimiterError, Fault(where=f"{name}: {column}", found=told, remedy=remedy)))
        elif len(_those(cells, _COMMA)):
            place = table.column_names.index(column)
            table = table.set_column(place, column, replaced(table[column], _COMMA, r"\1.\2"))
    return table, found


def _doubts(
    table: pa.Table, texts: dict[str, pa.Array], name: str, line_of: Callable[[int], int]
) -> list[Found]:
    with_point = {column: _those(cells, _POINT) for column, cells in texts.items()}
    if any(len(_those(cells, _DOUBTFUL)) < len(cells) for cells in with_point.values()):
        return []
    found: list[Found] = []
    for column, cells in with_point.items():
        if len(cells):
            shown = _lines(table[column], cells, line_of)
            told = f"{shown}: the point may be a decimal mark or separate thousands"
            remedy = 'declare it in the codebook: [file] decimal = "." or ","'
            found.append((DelimiterError, Fault(where=f"{name}: {column}", found=told, remedy=remedy)))
    return found


def _those(cells: pa.Array, pattern: str) -> pa.Array:
    return cells.filter(pc.match_substring_regex(cells, pattern))


def _lines(column: pa.ChunkedArray, cells: pa.Array, line_of: Callable[[int], int]) -> str:
    places = pc.is_in(column.cast(pa.string()), value_set=cells)
    rows = pc.indices_nonzero(places).to_pylist()
    shown = listed([line_of(row) for row in rows[:_MOST_SHOWN]], _MOST_SHOWN)
    more = f" and {len(rows) - _MOST_SHOWN:,} more" if len(rows) > _MOST_SHOWN else ""
    return f"line {shown}{more}" if len(rows) == 1 else f"lines {shown}{more}"
