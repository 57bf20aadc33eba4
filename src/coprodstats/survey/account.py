"""The account of a cleaning: what every rule did, put together as a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from coprodstats.survey.coded import Mask
from coprodstats.survey.log import CleaningLog, count_by_reason, empty_table

if TYPE_CHECKING:
    from coprodstats.survey.declarations import Codebook
    from coprodstats.survey.row_rules import Columns
    from coprodstats.survey.row_selection import Selection

_MAKE_MISSING = ("missing code", "blank", "undeclared code", "not a number", "out of range")
# What rules for cells do, in the order applied.
_ACTIONS = {
    "recoded": "change",
    **dict.fromkeys(_MAKE_MISSING, "make missing"),
    "collapsed": "change",
    "reversed": "change",
    "converted": "make",
    "not derived": "make missing",
}
_ALWAYS = (*_MAKE_MISSING, "reversed", "not derived")  # logged even where no variable declares them


def account(
    frame: pd.DataFrame,
    reasons: pd.DataFrame,
    *,
    columns: Columns,
    codebook: Codebook,
    selection: Selection,
    flags: Mapping[str, Mask],
    sources: pd.DataFrame | None = None,
    warnings: Sequence[str] = (),
) -> CleaningLog:
    """Return the log of a cleaning.

    Parameters
    ----------
    frame, reasons
        The cleaned answers and the reasons of missing ones, in the rows kept.
    columns
        The judged columns of the rows kept.
    codebook
        What was declared.
    selection
        What happened to rows.
    flags
        The rows flagged, by the name of the flag.
    sources
        What combining did to each file, if there are several.
    warnings
        What is worth telling and stops nothing.
    """
    n_missing = [int(frame[name].isna().sum()) for name in frame]
    cells = _cells(frame, reasons, columns, codebook)
    parts = [
        _rules_for_rows(selection),
        _rules_for_cells(frame, reasons, columns, cells),
        _rules_for_flags(selection, flags),
    ]
    rules = pd.DataFrame(
        [line for part in parts for line in part], columns=["rule", "action", "detail", "rows", "cells"]
    )
    return CleaningLog(
        rows_in=len(selection.kept),
        rows_kept=len(frame),
        excluded=selection.excluded,
        cells=cells,
        valid=pd.DataFrame(
            {
                "variable": pd.Series(frame.columns, dtype="str"),
                "valid": [len(frame) - n for n in n_missing],
                "missing": n_missing,
            }
        ),
        missing=count_by_reason(reasons),
        rules=rules.astype(dict.fromkeys(("rule", "action", "detail"), "str")),
        sources=empty_table("sources") if sources is None else sources,
        warnings=pd.DataFrame({"warning": pd.Series(list(warnings), dtype="str")}),
    )


def _derived(codebook: Codebook) -> list[str]:
    return [*codebook.conversions, *codebook.indices, *codebook.outcomes]


def _cells(frame: pd.DataFrame, reasons: pd.DataFrame, columns: Columns, codebook: Codebook) -> pd.DataFrame:
    """Return ``rule, variable, reason, cells`` for every rule, in the order applied."""
    entries = [
        (rule, name, reason, n) for name, column in columns.items() for rule, reason, n in column.cells()
    ]
    entries += [("converted", name, "", int(frame[name].notna().sum())) for name in codebook.conversions]
    made = _derived(codebook)
    told = count_by_reason(reasons[made])
    for name in made:
        own = told[told["variable"] == name].sort_values("reason")
        entries += [
            ("not derived", name, str(reason), int(n))
            for reason, n in zip(own["reason"], own["cells"], strict=True)
        ]
        entries += [] if len(own) else [("not derived", name, "", 0)]
    applied = {rule for rule, *_ in entries}
    entries += [(rule, "", "", 0) for rule in _ALWAYS if rule not in applied]
    entries.sort(key=lambda entry: list(_ACTIONS).index(entry[0]))
    cells = pd.DataFrame(entries, columns=["rule", "variable", "reason", "cells"])
    return cells.astype({"rule": "str", "variable": "str", "reason": "str", "cells": "int64"})


_Line = tuple[str, str, str, int, int]


def _rules_for_rows(selection: Selection) -> list[_Line]:
    speed = selection.rules.speeders
    details = {speed.rule: speed.detail} if speed else {}
    excluded = zip(selection.excluded["reason"], selection.excluded["rows"], strict=True)
    return [(reason, "exclude", details.get(reason, ""), int(rows), 0) for reason, rows in excluded]


def _rules_for_flags(selection: Selection, flags: Mapping[str, Mask]) -> list[_Line]:
    speed, declared = selection.rules.speeders, selection.rules.flags
    details = {speed.rule: speed.detail} if speed else {}
    named = [(declared[name].rule, rows) for name, rows in flags.items()]
    return [(rule, "flag", details.get(rule, ""), int(rows.sum()), 0) for rule, rows in named]


def _rules_for_cells(
    frame: pd.DataFrame,
    reasons: pd.DataFrame,
    columns: Columns,
    cells: pd.DataFrame,
) -> list[_Line]:
    lines: list[_Line] = []
    for rule in cells["rule"].unique():
        own = cells[(cells["rule"] == rule) & (cells["cells"] > 0)]
        touched = np.zeros(len(frame), dtype=bool)
        for name in own["variable"].unique():
            if rule == "converted":
                touched |= frame[name].notna().to_numpy()
            elif rule == "not derived":
                touched |= reasons[name].notna().to_numpy()
            else:
                touched |= columns[name].touched(rule)
        lines.append((str(rule), _ACTIONS[rule], "", int(touched.sum()), int(own["cells"].sum())))
    return lines
