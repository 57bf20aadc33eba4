"""SPSS files, read as codes: labels are not applied and user-missing codes stay."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import pyreadstat

from coprodstats.errors import Fault, InputError
from coprodstats.survey.raw_table import RawTable


def parse_sav(data: bytes, name: str) -> RawTable:
    """Parse an SPSS file (``.sav``).

    Parameters
    ----------
    data
        The bytes of the file.
    name
        What messages call the file.

    Returns
    -------
    RawTable
        The columns as text: numbers as `code_text` writes them, strings without the spaces that SPSS pads
        them with on the right, system-missing and blank strings as None.

    Raises
    ------
    InputError
        If the file is truncated, damaged or empty.
    """
    # `user_missing` keeps "refused" apart from "not asked"; dates stay the numbers that they are in the file.
    try:
        raw, meta = pyreadstat.read_sav(
            io.BytesIO(data),
            user_missing=True,
            apply_value_formats=False,
            disable_datetime_conversion=True,
            output_format="dict",
        )
    except Exception as error:  # the reader raises several families of errors, some of them built in
        found = "the SPSS reader can't make sense of the file; it is truncated or damaged"
        raise InputError(Fault(where=name, found=found, remedy="copy or export the file again")) from error
    columns = {column: _as_text(cells) for column, cells in raw.items()}
    table = RawTable(columns=columns, declared_missing=_declared_missing(raw, meta.missing_ranges))
    if not table.n_rows:
        raise InputError(Fault(where=name, found="the file holds no rows"))
    return table


def code_text(number: float) -> str:
    """Write a number as a codebook writes it: whole numbers without a point, others exactly.

    Examples
    --------
    >>> code_text(1.0), code_text(42.5), code_text(-1.0)
    ('1', '42.5', '-1')
    """
    # Above 2**53 a float may stand for several whole numbers, so it is not written as one.
    return str(int(number)) if number.is_integer() and abs(number) <= 2**53 else repr(number)


def _as_text(cells: Iterable[Any]) -> list[str | None]:
    cells = list(cells)
    texts = {cell: _cell_text(cell) for cell in set(cells)}
    return [texts[cell] for cell in cells]


def _cell_text(cell: Any) -> str | None:
    if cell is None or cell != cell:  # noqa: PLR0124  (NaN alone differs from itself)
        return None
    if isinstance(cell, str):
        return cell.rstrip(" ") or None
    return code_text(float(cell))


def _declared_missing(
    raw: Mapping[str, Iterable[Any]], ranges: Mapping[str, Any]
) -> dict[str, tuple[str, ...]]:
    declared = {}
    for column, limits in ranges.items():
        single = [limit["lo"] for limit in limits if limit["lo"] == limit["hi"]]
        wide = [limit for limit in limits if limit["lo"] != limit["hi"]]
        present = {
            cell
            for cell in (set(raw[column]) if wide else ())
            if isinstance(cell, float) and any(limit["lo"] <= cell <= limit["hi"] for limit in wide)
        }
        texts = [_cell_text(cell) for cell in [*single, *sorted(present)]]
        declared[column] = tuple(dict.fromkeys(text for text in texts if text))
    return declared
