"""How the columns and codes of several files become those of one codebook: the table ``harmonise``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from coprodstats.errors import did_you_mean, listed
from coprodstats.survey.declarations import NUMBERS, Variable
from coprodstats.survey.numbers import as_number
from coprodstats.survey.toml_table import TomlTable

_KEYS = ("source", "shared", "files")
_FILE_KEYS = ("columns", "codes", "not_asked", "leave_out")
OWN_UNITS = ("id", "stratum", "psu")
"""Kinds whose codes begin anew in each file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMap:
    """How one file of several becomes part of the common survey.

    Attributes
    ----------
    columns
        Common variable to the file's column, where their names differ.
    codes
        Common variable to the file's codes, and each of them to the common code.
    not_asked
        Common variable that the file lacks to the missing code that all its rows get.
    leave_out
        Columns of the file's own codebook that the common one has no use for.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    not_asked: Mapping[str, str] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Harmonise:
    """How several files become one survey.

    Attributes
    ----------
    source
        The nominal variable that says which file a row is from; its codes are the names of the files.
    files
        Name of a file to its mapping.
    shared
        Ids, strata and PSUs whose codes mean the same in all files; the codes of others get the name of
        their file in front.
    """

    source: str
    files: Mapping[str, FileMap]
    shared: tuple[str, ...] = ()


def read_harmonise(
    table: TomlTable, variables: Mapping[str, Variable], names: tuple[str, ...]
) -> Harmonise | None:
    """Read how files are combined; None if nothing is declared or the declaration is faulty.

    Parameters
    ----------
    table
        The table ``harmonise``; faults are added to its list.
    variables
        The variables that could be read.
    names
        All names of variables, also of those with faults.
    """
    if not table.content:
        return None
    before = len(table.faults)
    table.refuse_unknown(_KEYS)
    source = table.text("source", None)
    files = {name: _read_file(part, variables, names) for name, part in table.tables("files").items()}
    if len(files) < 2:
        table.fault(f"{len(files)} files are declared", key="files", allowed="two or more")
    _check_source(table, source, variables, names, files)
    shared = table.texts("shared") or ()
    units = tuple(name for name, variable in variables.items() if variable.kind in OWN_UNITS)
    for name in shared:
        if name not in units:
            found = (
                f"{name!r} is no id, stratum or PSU" if name in names else f"no variable is named {name!r}"
            )
            table.fault(found, key="shared", allowed=listed(units), remedy=did_you_mean(name, units))
    if len(table.faults) > before:
        return None
    return Harmonise(source=source, files=files, shared=shared)


def _check_source(
    table: TomlTable,
    source: str,
    variables: Mapping[str, Variable],
    names: tuple[str, ...],
    files: Mapping[str, FileMap],
) -> None:
    if source and source not in names:
        table.fault(f"no variable is named {source!r}", key="source", remedy=did_you_mean(source, names))
    if source not in variables:
        return
    variable = variables[source]
    if variable.kind != "nominal" or variable.recode:
        table.fault(f"{source!r} is no plain nominal variable", key="source", allowed="kind = 'nominal'")
    for name in files:
        if name not in variable.codes:
            allowed = listed(variable.codes)
            near = did_you_mean(name, variable.codes)
            table.fault(f"{source} has no code {name!r}", key=f"files.{name}", allowed=allowed, remedy=near)
        named = {*files[name].columns, *files[name].codes, *files[name].not_asked}
        if source in named:
            table.fault(f"{source!r} is the name of the file itself", key=f"files.{name}")


def _read_file(table: TomlTable, variables: Mapping[str, Variable], names: tuple[str, ...]) -> FileMap:
    table.refuse_unknown(_FILE_KEYS)
    columns, not_asked = table.codes("columns"), table.codes("not_asked")
    parent = table.table("codes")
    codes = {name: parent.codes(name) for name in parent.content}
    for key, found in (("columns", columns), ("not_asked", not_asked), ("codes", codes)):
        for name in found:
            if name not in names:
                table.fault(f"no variable is named {name!r}", key=key, remedy=did_you_mean(name, names))
    for name, code in not_asked.items():
        if name in columns or name in codes:
            table.fault(f"{name!r} has answers and is not asked", key="not_asked")
        if name in variables and code not in variables[name].missing:
            allowed = listed(list(variables[name].missing)) or f"a code of variables.{name}.missing"
            table.fault(f"{code!r} is no missing code of {name!r}", key="not_asked", allowed=allowed)
    for name, mapped in codes.items():
        if name in variables:
            _check_targets(table, variables[name], mapped)
    return FileMap(
        columns=columns, codes=codes, not_asked=not_asked, leave_out=table.texts("leave_out") or ()
    )


def _check_targets(table: TomlTable, variable: Variable, mapped: Mapping[str, str]) -> None:
    declared = [*variable.codes, *variable.missing]
    for code, target in mapped.items():
        if variable.codes and target not in declared:
            table.fault(
                f"code {code!r} becomes {target!r}, which {variable.name} does not declare",
                key=f"codes.{variable.name}",
                allowed=listed(declared),
                remedy=did_you_mean(target, declared),
            )
        elif variable.kind in NUMBERS and as_number(target) is None and target not in variable.missing:
            table.fault(f"{target!r} is no number", key=f"codes.{variable.name}")
