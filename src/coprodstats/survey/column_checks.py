"""The columns of a file held against its codebook, before any answer is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from coprodstats.errors import Fault, Found, SchemaError, did_you_mean, listed
from coprodstats.survey.column_names import lookalike
from coprodstats.survey.numbers import as_number
from coprodstats.survey.raw_table import RawTable

if TYPE_CHECKING:
    from coprodstats.survey.declarations import Codebook, Variable


def column_faults(columns: list[str], codebook: Codebook, name: str, *, strict: bool = False) -> list[Found]:
    """Return the columns that are in the file or the codebook and not in both.

    Columns have the names of the file; with ``strict`` those of the variables, and then ignored columns and
    another order are faults too.
    """
    ignored = () if strict else codebook.cleaning.ignore_columns
    declared = list(codebook.variables) if strict else [v.file_column for v in codebook.variables.values()]
    absent = [column for column in declared if column not in columns]
    unknown = [column for column in columns if column not in declared and column not in ignored]
    faults = [
        Fault(
            where=name,
            found=f"there is no column {column!r}, which {codebook.source} declares",
            remedy=did_you_mean(column, unknown),
        )
        for column in absent
    ]
    if unknown:
        near = [hint for column in unknown if (hint := did_you_mean(column, absent))]
        near += [_foreign_letters(column, absent) for column in unknown if lookalike(column, absent)]
        faults.append(
            Fault(
                where=name,
                found=f"{codebook.source} does not declare columns: {listed([repr(c) for c in unknown])}",
                remedy="; ".join(near) or "declare them, or list them as cleaning.ignore_columns",
            )
        )
    if not faults and strict:
        faults.append(Fault(where=name, found="the columns are not in the order of the codebook"))
    return [(SchemaError, fault) for fault in faults]


def named_as_declared(raw: RawTable, codebook: Codebook) -> RawTable:
    """Return the declared columns of a table under the names of their variables, in the order of the file.

    Examples
    --------
    >>> from coprodstats.survey.declarations import Codebook, Variable
    >>> trust = Variable(name="trust", label="Trust", kind="id", column="Q1. Trust")
    >>> codebook = Codebook(title="", synthetic=False, variables={"trust": trust})
    >>> raw = RawTable(table=pa.table({"Q1. Trust": ["1"], "other": ["2"]}))
    >>> named_as_declared(raw, codebook).table.column_names
    ['trust']
    """
    names = {variable.file_column: name for name, variable in codebook.variables.items()}
    declared = [column for column in raw.table.column_names if column in names]
    if all(names[column] == column for column in declared):
        return raw
    return replace(
        raw,
        table=raw.table.select(declared).rename_columns([names[column] for column in declared]),
        declared_missing={
            names[column]: codes for column, codes in raw.declared_missing.items() if column in names
        },
        inexact=tuple(names[column] for column in raw.inexact if column in names),
    )


def _foreign_letters(column: str, known: Sequence[str]) -> str:
    meant = lookalike(column, known)
    return f"it looks like {meant[0]!r} and holds {listed(meant[1])}" if meant else ""


def lookalike_faults(column: pa.ChunkedArray, variable: Variable, name: str) -> list[Found]:
    """Find codes that look like declared ones and are written with other characters."""
    declared = [*variable.codes, *variable.missing]
    if variable.kind not in {"nominal", "ordinal"} or not declared:
        return []
    known = set(declared)
    odd = [
        meant
        for code in column.unique().to_pylist()
        if code is not None
        and code not in known
        and not code.isascii()
        and (meant := lookalike(code, declared))
    ]
    return [
        (
            SchemaError,
            Fault(
                where=f"{name}: {variable.name}",
                found=f"a code looks like {other!r} and holds {listed(points)}",
                allowed=listed(declared),
                remedy="type it again in the file",
            ),
        )
        for other, points in odd
    ]


def inexact_faults(raw: RawTable, codebook: Codebook, name: str) -> list[Found]:
    """Find identifiers that the format of the file has rounded."""
    exact = {"id", "stratum", "psu"}
    return [
        (
            SchemaError,
            Fault(
                where=f"{name}: {column}",
                found="numbers beyond 9,007,199,254,740,992 are rounded in this format, and these are names",
                allowed="long identifiers as text",
                remedy="export the column as text",
            ),
        )
        for column in raw.inexact
        if column in codebook.variables and codebook.variables[column].kind in exact
    ]


def missing_code_faults(table: RawTable, codebook: Codebook, name: str) -> list[Fault]:
    """Find codes that the file declares missing and the codebook takes for answers."""
    faults = []
    for column, codes in table.declared_missing.items():
        variable = codebook.variables.get(column)
        taken = [code for code in codes if variable is not None and _is_answer(code, variable)]
        if taken:
            found = f"{listed(taken)} declared missing by the file, taken for answers by {codebook.source}"
            remedy = f"list them in variables.{column}.missing with their reasons"
            faults.append(Fault(where=f"{name}: {column}", found=found, remedy=remedy))
    return faults


def _is_answer(code: str, variable: Variable) -> bool:
    if code in variable.missing:
        return False
    if variable.kind in {"nominal", "ordinal"}:
        return code in variable.codes
    if variable.kind != "numeric":
        return True
    number = as_number(code)
    if number is None or variable.range is None:
        return number is not None
    return variable.range[0] <= number <= variable.range[1]
