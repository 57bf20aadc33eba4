"""Tables and counts in a JSON file, the same bytes for the same content, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from coprodstats.errors import ArgumentError, Fault, InputError, listed

_MOST_BYTES = 50_000_000


def write_tables(
    path: Path, kind: str, counts: Mapping[str, int], tables: Mapping[str, pd.DataFrame]
) -> None:
    """Write tables of texts and whole numbers.

    Parameters
    ----------
    path
        The file, whose name ends in ``.json``; it is replaced.
    kind
        What the file is, kept in it.
    counts, tables
        What is written, by name.

    Raises
    ------
    ArgumentError
        If the name ends otherwise or the file can't be written.
    """
    where = path.name
    if path.suffix.lower() != ".json":
        found = f"the name ends in {path.suffix!r}"
        raise ArgumentError(Fault(where=where, found=found, allowed="a name that ends in .json"))
    content = {"kind": kind, **counts, **{name: _plain(table) for name, table in tables.items()}}
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    try:
        path.write_bytes(text.encode("utf-8"))
    except OSError as error:
        remedy = "check that the folder is there and may be written to"
        fault = Fault(where=where, found="the file can't be written", remedy=remedy)
        raise ArgumentError(fault) from error


def _plain(table: pd.DataFrame) -> dict[str, list[Any]]:
    return {str(name): table[name].tolist() for name in table}


def read_tables(
    path: Path, kind: str, counts: tuple[str, ...], columns: Mapping[str, Mapping[str, str]]
) -> tuple[dict[str, int], dict[str, pd.DataFrame]]:
    """Read what `write_tables` wrote.

    Parameters
    ----------
    path
        The file.
    kind
        What the file should be.
    counts
        Names of the counts.
    columns
        Name of each table to its columns, and each column to its type, ``"str"`` or ``"int64"``.

    Raises
    ------
    InputError
        If the file is no such file, with all that is wrong.
    """
    content = _content(path, kind)
    faults = []

    def refuse(name: str, found: str) -> None:
        faults.append(Fault(where=f"{path.name}: {name}", found=found, remedy="write the file again"))

    numbers = {name: content.get(name) for name in counts}
    for name, number in numbers.items():
        if not _fits(number, "int64"):
            refuse(name, "this is no whole number")
    tables: dict[str, pd.DataFrame] = {}
    for name, types in columns.items():
        found = content.get(name)
        if not isinstance(found, dict) or list(found) != list(types):
            refuse(name, f"this is no table with the columns {listed(list(types))}")
            continue
        cells = {column: found[column] for column in types}
        wrong = [column for column, kind_ in types.items() if not _all_fit(cells[column], kind_)]
        if wrong or len({len(column) for column in cells.values()}) > 1:
            refuse(name, f"columns don't hold what they should: {listed(wrong or list(types))}")
            continue
        tables[name] = pd.DataFrame(
            {column: pd.Series(cells[column], dtype=kind_) for column, kind_ in types.items()}
        )
    if faults:
        raise InputError(*faults)
    return {name: int(str(number)) for name, number in numbers.items()}, tables


def _all_fit(cells: object, kind: str) -> bool:
    return isinstance(cells, list) and all(_fits(cell, kind) for cell in cells)


def _fits(value: object, kind: str) -> bool:
    if kind == "str":
        return isinstance(value, str)
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _content(path: Path, kind: str) -> dict[str, Any]:
    fault = None
    content: object = None
    if not path.is_file():
        fault = Fault(where=path.name, found="no such file", remedy="check the path")
    elif path.stat().st_size > _MOST_BYTES:
        fault = Fault(where=path.name, found="the file is larger than 50 MB")
    else:
        try:
            content = json.loads(path.read_bytes().decode("utf-8"))
        except (ValueError, RecursionError):
            fault = Fault(where=path.name, found="this is not JSON")
    if fault is None and not (isinstance(content, dict) and content.get("kind") == kind):
        fault = Fault(where=path.name, found=f"this is no {kind}", remedy="log.to_file(path) writes one")
    if fault is not None or not isinstance(content, dict):
        raise InputError(*([fault] if fault else []))
    return content
