"""The ``variables`` tables of a codebook: what each kind of variable may declare."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import cast, get_args

from coprodstats.errors import listed
from coprodstats.survey.declarations import NUMBERS, Kind, Refusal, Variable
from coprodstats.survey.declared_changes import read_collapse, read_recode
from coprodstats.survey.toml_table import TomlTable, duplicates, folded

_NEEDS_LABEL = {"nominal", "ordinal", "numeric"}
_COMMON = ("label", "kind", "missing", "column")
_ASKED = ("question", "asked_if")
_KEYS: dict[str, tuple[str, ...]] = {
    "id": (),
    "nominal": (*_ASKED, "values", "undeclared", "recode", "collapse"),
    "ordinal": (*_ASKED, "values", "undeclared", "recode", "collapse", "reverse", "scores"),
    "numeric": (
        *_ASKED,
        "recode",
        "range",
        "out_of_range",
        "not_a_number",
        "reverse",
        "unit",
        "step",
        "step_label",
    ),
    "weight": (),
    "stratum": ("recode",),
    "psu": ("recode",),
    "fpc": (),
    "replicate weight": (),
}
ALL_KEYS = tuple(dict.fromkeys([*_COMMON, *(key for keys in _KEYS.values() for key in keys)]))
# What formulas already use: functions of the allow-list and the name of the constant.
_RESERVED = {"C", "I", "Intercept", "bs", "center", "cr", "exp", "log", "poly", "scale", "sqrt"}


def name_fault(name: str) -> str:
    """Return why a name can't stand in a formula, or an empty string.

    Examples
    --------
    >>> name_fault("saf_lock")
    ''
    >>> name_fault("log")
    'log means something else in formulas'
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        return f"{name!r} can't stand in a formula"
    if name in _RESERVED or keyword.iskeyword(name):
        return f"{name} means something else in formulas"
    return ""


def read_variable(name: str, table: TomlTable) -> Variable | None:
    """Read one variable; None if not even its kind is known.

    Parameters
    ----------
    name
        Name of the variable.
    table
        Its table; faults are added to the table's list.
    """
    kind = table.choice("kind", get_args(Kind), None)
    if not kind:
        table.refuse_unknown(ALL_KEYS)
        return None
    _refuse_keys(table, kind)
    kind = cast("Kind", kind)
    values, missing = _values(table, kind), table.codes("missing")
    variable = Variable(
        name=name,
        label=table.text("label", None if kind in _NEEDS_LABEL else name),
        kind=kind,
        values=values,
        missing=missing,
        range=_range(table),
        reverse=table.flag("reverse"),
        unit=table.text("unit"),
        step=_step(table),
        step_label=table.text("step_label"),
        undeclared=_refusal(table, "undeclared"),
        out_of_range=_refusal(table, "out_of_range"),
        not_a_number=_refusal(table, "not_a_number"),
        scores=table.numbers("scores"),
        asked_if=_asked_if(table),
        question=table.text("question"),
        column=_column(table, name),
        recode=read_recode(table, kind, values, missing) if "recode" in table else {},
        collapse=read_collapse(table, kind, values) if "collapse" in table else {},
    )
    _check_codes(table, variable)
    _check_numbers(table, variable)
    return variable


def _refuse_keys(table: TomlTable, kind: str) -> None:
    allowed = (*_COMMON, *_KEYS[kind])
    known_elsewhere = [key for key in table.content if key in ALL_KEYS and key not in allowed]
    for key in known_elsewhere:
        table.fault(f"{key!r} does not belong to kind {kind!r}", allowed=listed(allowed, 20))
    unknown = {key: value for key, value in table.content.items() if key not in known_elsewhere}
    TomlTable(table.where, unknown, table.faults).refuse_unknown(allowed)


def _column(table: TomlTable, name: str) -> str:
    # The same name said twice is no other name.
    column = table.text("column", name, exact=True)
    return "" if column == name else column


def check_columns(variables: Mapping[str, Variable], tables: Mapping[str, TomlTable]) -> None:
    """Record variables that would be read from one and the same column as faults of their tables.

    Parameters
    ----------
    variables
        The variables that could be read.
    tables
        The table of each variable; faults are added to their list.
    """
    readers: dict[str, str] = {}
    for name, variable in variables.items():
        other = readers.setdefault(variable.file_column, name)
        if other != name:
            found = f"the column {variable.file_column!r} is that of {other!r} too"
            remedy = "one variable per column; conversions, indices and outcomes make others of it"
            tables[name].fault(found, key="column", remedy=remedy)


def _asked_if(table: TomlTable) -> dict[str, tuple[str, ...]]:
    route = table.table("asked_if")
    if "asked_if" in table and not route.content:
        route.fault("no question is named", allowed='asked_if = { helps = ["1", "2"] }')
    return {name: route.texts(name) or () for name in route.content}


def _refusal(table: TomlTable, key: str) -> Refusal:
    return cast("Refusal", table.choice(key, get_args(Refusal), "error") or "error")


def _values(table: TomlTable, kind: str) -> dict[str, str]:
    if "values" not in _KEYS[kind]:
        return {}
    values = table.codes("values")
    least = 2 if kind == "ordinal" else 1
    if len(values) < least:
        allowed = f'{least} or more for kind {kind!r}, such as values = {{ 1 = "label", 2 = "label" }}'
        table.fault(f"too few values are declared: {len(values)}", key="values", allowed=allowed)
    values = _told_apart(table, values)
    if kind == "ordinal" and table.content.get("reverse") is True:
        return dict(reversed(values.items()))
    return values


def _told_apart(table: TomlTable, values: dict[str, str]) -> dict[str, str]:
    """Return the values with the code behind labels that several codes share, which are never merged."""
    again = {folded(label) for label in duplicates(values.values())}
    if not again:
        return values
    shared = [label for label in dict.fromkeys(values.values()) if folded(label) in again]
    table.warn(
        f"several codes share a label, and are told apart by their codes: {listed(shared)}",
        key="values",
        remedy='give each code a label of its own, and merge with collapse = { "new" = ["a", "b"] }',
    )
    return {code: f"{label} ({code})" if folded(label) in again else label for code, label in values.items()}


def _range(table: TomlTable) -> tuple[float, float] | None:
    found = table.numbers("range")
    if found is None or (not found and not isinstance(table.content["range"], list)):
        return None
    if len(found) != 2 or found[0] >= found[1]:
        table.fault("the range is not a low and a higher number", key="range", allowed="range = [low, high]")
        return None
    return found[0], found[1]


def _step(table: TomlTable) -> float:
    step = table.number("step", 1.0)
    if step is None or step <= 0:
        table.fault("the step is not above 0", key="step", allowed="a number above 0")
        return 1.0
    return step


def _check_codes(table: TomlTable, variable: Variable) -> None:
    both = [code for code in variable.values if code in variable.missing]
    if both:
        table.fault(
            f"codes are both a value and missing: {listed(both)}", remedy="keep each code in one place"
        )
    if repeated := duplicates(variable.values.values()):
        table.fault(
            f"labels are there more than once: {listed(repeated)}",
            key="values",
            remedy='give each code a label of its own, and merge with collapse = { "new" = ["a", "b"] }',
        )
    scores = variable.scores
    if scores is not None and variable.kind == "ordinal":
        rising = all(low < high for low, high in pairwise(scores))
        if len(scores) != len(variable.labels) or not rising:
            allowed = f"{len(variable.labels)} rising numbers, one per value, lowest value first"
            table.fault("the scores don't fit the values", key="scores", allowed=allowed)


def _check_numbers(table: TomlTable, variable: Variable) -> None:
    _check_same_numbers(table, variable)
    if variable.kind != "numeric":
        return
    if variable.range is None:
        for key in ("reverse", "out_of_range"):
            if key in table:
                table.fault(f"{key!r} needs a range", key=key, allowed="range = [low, high]")
        return
    low, high = variable.range
    inside = [
        code for code in variable.missing if (value := _as_number(code)) is not None and low <= value <= high
    ]
    if inside:
        table.fault(
            f"codes are both missing and inside the range: {listed(inside)}",
            remedy="end the range before the missing codes",
        )


def _check_same_numbers(table: TomlTable, variable: Variable) -> None:
    reasons: dict[float, str] = {}
    for code, reason in variable.missing.items() if variable.kind in NUMBERS else ():
        number = _as_number(code)
        if number is not None and reasons.setdefault(number, reason) != reason:
            found = f"code {code!r} is the same number as another one with another reason"
            table.fault(found, key="missing", remedy="keep one of them")


def _as_number(code: str) -> float | None:
    try:
        return float(code)
    except ValueError:
        return None
