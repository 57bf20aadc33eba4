"""The ``cleaning`` table of a codebook."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast, get_args

from coprodstats.errors import did_you_mean, listed
from coprodstats.survey.cleaning_rules import (
    CleaningRules,
    DuplicateRule,
    ErrorOrDrop,
    ItemNonresponse,
    RowAction,
    SameAnswers,
    SameAnswersAction,
    Speeders,
    StraightLining,
)
from coprodstats.survey.declarations import NOT_ASKED, Variable
from coprodstats.survey.toml_table import TomlTable

_KEYS = (
    "duplicate_ids",
    "empty_rows",
    "missing_design",
    "ignore_columns",
    "same_answers",
    "speeders",
    "straight_lining",
    "item_nonresponse",
)
_FEWEST_ITEMS = 3  # two items that agree are no pattern


def read_cleaning(
    table: TomlTable, variables: Mapping[str, Variable], names: tuple[str, ...]
) -> CleaningRules:
    """Read the rules for rows and columns; faults are added to the table's list.

    Parameters
    ----------
    table
        The table ``cleaning``; an absent one is empty.
    variables
        The variables that could be read.
    names
        All names of variables, also of those with faults.
    """
    table.refuse_unknown(_KEYS)
    ignored = table.texts("ignore_columns", exact=True) or ()
    # Of a variable with faults only the name is known.
    columns = {variables[name].file_column if name in variables else name for name in names}
    if declared := [name for name in ignored if name in columns]:
        table.fault(f"declared as variables too: {listed(declared)}", key="ignore_columns")
    rows = get_args(ErrorOrDrop)
    return CleaningRules(
        duplicate_ids=cast("DuplicateRule", table.choice("duplicate_ids", get_args(DuplicateRule), "error")),
        empty_rows=cast("ErrorOrDrop", table.choice("empty_rows", rows, "error")),
        missing_design=cast("ErrorOrDrop", table.choice("missing_design", rows, "error")),
        ignore_columns=ignored,
        same_answers=_same_answers(table.table("same_answers"), names) if "same_answers" in table else None,
        speeders=_speeders(table.table("speeders"), variables, names) if "speeders" in table else None,
        straight_lining=_batteries(table.tables("straight_lining"), variables, names),
        item_nonresponse=_nonresponse(table.table("item_nonresponse"), variables, names)
        if "item_nonresponse" in table
        else None,
    )


def _same_answers(table: TomlTable, names: tuple[str, ...]) -> SameAnswers | None:
    table.refuse_unknown(("action", "variables"))
    action = table.choice("action", get_args(SameAnswersAction), None)
    variables = _variables(table, "variables", names) if "variables" in table else ()
    return SameAnswers(action=cast("SameAnswersAction", action), variables=variables) if action else None


def _speeders(table: TomlTable, variables: Mapping[str, Variable], names: tuple[str, ...]) -> Speeders | None:
    table.refuse_unknown(("duration", "action", "least", "share_of_median"))
    action, duration = _action(table), table.text("duration", None)
    _check_known(table, "duration", [duration], names)
    if duration in variables and variables[duration].kind != "numeric":
        table.fault(f"{duration!r} is {variables[duration].kind}", key="duration", allowed="numeric")
    if ("least" in table) == ("share_of_median" in table):
        found = "both least and share_of_median are given" if "least" in table else "no limit is given"
        table.fault(found, allowed="one of least (a time) and share_of_median (such as 0.4)")
    least = table.number("least", None) if "least" in table else None
    share = table.number("share_of_median", None) if "share_of_median" in table else None
    if least is not None and least <= 0:
        table.fault("the time is not above 0", key="least", allowed="a number above 0")
    if share is not None and not 0 < share < 1:
        table.fault("the share is not within 0–1", key="share_of_median", allowed="above 0, below 1")
    if not action or not duration:
        return None
    return Speeders(duration=duration, action=action, least=least, share_of_median=share)


def _batteries(
    tables: Mapping[str, TomlTable], variables: Mapping[str, Variable], names: tuple[str, ...]
) -> dict[str, StraightLining]:
    read = {}
    for name, table in tables.items():
        if not re.fullmatch(r"[A-Za-z0-9_]+", name):
            table.fault(f"{name!r} can't be part of the name of a column", allowed="letters, digits and _")
        table.refuse_unknown(("items", "action", "min_items"))
        action, items = _action(table), _items(table, variables, names)
        least = table.whole("min_items", least=_FEWEST_ITEMS) or len(items)
        if items and (len(items) < least or len(items) < _FEWEST_ITEMS):
            allowed = f"{_FEWEST_ITEMS} to {max(len(items), _FEWEST_ITEMS)} of at least {_FEWEST_ITEMS} items"
            table.fault(f"{least} items are needed of {len(items)}", key="min_items", allowed=allowed)
        if action:
            read[name] = StraightLining(items=items, action=action, min_items=least)
    return read


def _nonresponse(
    table: TomlTable, variables: Mapping[str, Variable], names: tuple[str, ...]
) -> ItemNonresponse | None:
    table.refuse_unknown(("items", "action", "max_share", "not_counted"))
    action, items = _action(table), _items(table, variables, names)
    allowed = "0 or more, below 1, such as max_share = 0.5"
    share = table.number("max_share", None)
    if "max_share" not in table:
        table.fault("'max_share' is missing", allowed=allowed)
    elif share is not None and not 0 <= share < 1:
        table.fault("the share is not within 0–1", key="max_share", allowed=allowed)
    reasons = {reason for name in items if name in variables for reason in variables[name].missing.values()}
    reasons |= {NOT_ASKED for name in items if name in variables and variables[name].asked_if}
    not_counted = table.texts("not_counted") or ()
    for reason in not_counted:
        if reason not in reasons:
            table.fault(
                f"{reason!r} is no reason of these items",
                key="not_counted",
                allowed=listed(sorted(reasons)),
                remedy=did_you_mean(reason, reasons),
            )
    if not action or share is None:
        return None
    return ItemNonresponse(items=items, action=action, max_share=share, not_counted=not_counted)


def _action(table: TomlTable) -> RowAction | None:
    return cast("RowAction | None", table.choice("action", get_args(RowAction), None) or None)


def _items(table: TomlTable, variables: Mapping[str, Variable], names: tuple[str, ...]) -> tuple[str, ...]:
    items = _variables(table, "items", names)
    for name in items:
        if name in variables and variables[name].kind not in {"nominal", "ordinal", "numeric"}:
            found = f"{name!r} is of kind {variables[name].kind!r}"
            table.fault(found, key="items", allowed="nominal, ordinal or numeric variables")
    return items


def _variables(table: TomlTable, key: str, names: tuple[str, ...]) -> tuple[str, ...]:
    found, allowed = table.texts(key), 'a list of variables, such as ["a", "b"]'
    if found is None:
        table.fault(f"{key!r} is missing", allowed=allowed)
    elif not found and isinstance(table.content[key], list):
        table.fault("no variables are listed", key=key, allowed=allowed)
    if not found:
        return ()
    _check_known(table, key, found, names)
    return found


def _check_known(
    table: TomlTable, key: str, found: tuple[str, ...] | list[str], names: tuple[str, ...]
) -> None:
    for name in found:
        if name and name not in names:
            table.fault(f"no variable is named {name!r}", key=key, remedy=did_you_mean(name, names))
