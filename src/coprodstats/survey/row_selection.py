"""Which rows of a survey are kept: every rule in its fixed order, every exclusion counted by reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from coprodstats.errors import (
    CoprodstatsError,
    DesignError,
    DuplicateIdError,
    Fault,
    InputError,
    WeightError,
    listed,
)
from coprodstats.survey.answers import BLANK
from coprodstats.survey.coded import Mask
from coprodstats.survey.log import how_many
from coprodstats.survey.row_rules import (
    Columns,
    repeats,
    same_answers,
    speeders,
    straight_lines,
    too_few_answers,
    with_limit,
)

if TYPE_CHECKING:
    from coprodstats.survey.cleaning_rules import CleaningRules
    from coprodstats.survey.declarations import Codebook, Kind

Found = tuple[type[CoprodstatsError], Fault]
_DESIGN_KINDS: tuple[Kind, ...] = ("weight", "stratum", "psu", "fpc", "replicate weight")
_USUAL_KINDS = _DESIGN_KINDS[:3]  # logged even where no column has that kind


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """The outcome of the rules for rows.

    Attributes
    ----------
    kept
        Which rows (n) are kept.
    excluded
        ``reason, rows``, in the order applied, also where no row is.
    rules
        The rules, with the limits that shares came to.
    found
        What the codebook doesn't allow.
    """

    kept: Mask
    excluded: pd.DataFrame
    rules: CleaningRules
    found: list[Found]


def select_rows(columns: Columns, codebook: Codebook, source: str, n_rows: int) -> Selection:
    """Apply the rules for rows.

    Parameters
    ----------
    columns
        The judged columns, each of ``n_rows`` rows.
    codebook
        The rules, and what the columns are.
    source
        What messages call the file.
    n_rows
        Number of rows.
    """
    chosen = _Chosen(columns, codebook, source, n_rows)
    chosen.empty_rows()
    chosen.repeated_ids()
    chosen.same_answers()
    for kind in _DESIGN_KINDS:
        chosen.lacking(kind)
    chosen.speeders()
    chosen.straight_lines()
    chosen.too_few_answers()
    excluded = {
        "reason": pd.array(list(chosen.steps), dtype="str"),
        "rows": [int(step.sum()) for step in chosen.steps.values()],
    }
    return Selection(
        kept=chosen.kept, excluded=pd.DataFrame(excluded), rules=chosen.rules, found=chosen.found
    )


class _Chosen:
    """The rows that are left after each rule, and what the rules found so far."""

    def __init__(self, columns: Columns, codebook: Codebook, source: str, n_rows: int) -> None:
        self.columns, self.codebook, self.source = columns, codebook, source
        self.rules = codebook.cleaning
        self.kept = np.ones(n_rows, dtype=bool)
        self.empty = np.ones(n_rows, dtype=bool)
        for column in columns.values():
            self.empty &= column.coded.blank
        self.steps: dict[str, Mask] = {}
        self.found: list[Found] = []

    def exclude(self, reason: str, rows: Mask) -> None:
        self.steps[reason] = rows & self.kept
        self.kept &= ~rows

    def empty_rows(self) -> None:
        strict = self.rules.empty_rows == "error"
        if strict and self.empty.any():
            found = f"{how_many(int(self.empty.sum()))} rows have no entry at all"
            remedy = 'set cleaning.empty_rows = "drop"'
            self.found.append((InputError, Fault(where=self.source, found=found, remedy=remedy)))
        self.exclude("empty row", self.empty & (not strict))

    def repeated_ids(self) -> None:
        name, rule = self.codebook.named("id"), self.rules.duplicate_ids
        again = np.zeros_like(self.kept)
        if name:
            column = self.columns[name]
            among = self.kept & column.answered
            again = repeats(column.coded, among, keep_first=rule == "keep first")
            if rule == "error" and again.any():
                n_ids = len(np.unique(column.coded.position[again]))
                fault = Fault(
                    where=f"{self.source}: {name}",
                    found=f"{how_many(n_ids)} ids occur more than once, in {how_many(int(again.sum()))} rows",
                    allowed="one row per id",
                    remedy='set cleaning.duplicate_ids = "keep first" or "drop all"',
                )
                self.found.append((DuplicateIdError, fault))
        self.exclude("repeated id", again & (rule != "error"))

    def same_answers(self) -> None:
        rule = self.rules.same_answers
        if rule is None or rule.action == "flag":
            return
        speed = self.rules.speeders.duration if self.rules.speeders else ""
        again = same_answers(self.columns, rule, self.kept, speed=speed)
        if rule.action == "error" and again.any():
            found = f"{how_many(int(again.sum()))} rows have the same answers as another row"
            remedy = 'set cleaning.same_answers.action = "flag", "keep first" or "drop all"'
            self.found.append((InputError, Fault(where=self.source, found=found, remedy=remedy)))
        self.exclude("same answers", again & (rule.action != "error"))

    def lacking(self, kind: Kind) -> None:
        names = self.codebook.all_named(kind)
        if not names and kind not in _USUAL_KINDS:
            return
        lacking = np.zeros_like(self.kept)
        for name in names:
            column = self.columns[name]
            # Text for a weight is not a missing weight: it is a fault of its own.
            lacking |= column.with_reason((BLANK, *column.variable.missing.values()))
        lacking &= self.kept & ~self.empty
        strict = self.rules.missing_design == "error"
        if strict and lacking.any():
            fault = Fault(
                where=f"{self.source}: {listed(names)}",
                found=f"{how_many(int(lacking.sum()))} rows have no {kind}",
                remedy='set cleaning.missing_design = "drop"',
            )
            self.found.append((WeightError if kind == "weight" else DesignError, fault))
        self.exclude(f"missing {kind}", lacking & (not strict))

    def speeders(self) -> None:
        rule = self.rules.speeders
        if rule is None:
            return
        column = self.columns[rule.duration]
        rule = with_limit(rule, column, self.kept)
        self.rules = replace(self.rules, speeders=rule)
        if rule.least is None:
            if self.kept.any():
                found = "no row has a time, so that there is no median"
                remedy = "set cleaning.speeders.least instead of share_of_median, or remove the rule"
                fault = Fault(where=f"{self.source}: {rule.duration}", found=found, remedy=remedy)
                self.found.append((InputError, fault))
        elif rule.action == "exclude":
            self.exclude("speeder", speeders(column, rule.least))

    def straight_lines(self) -> None:
        for name, rule in self.rules.straight_lining.items():
            if rule.action == "exclude":
                self.exclude(f"straight-lining: {name}", straight_lines(self.columns, rule))

    def too_few_answers(self) -> None:
        rule = self.rules.item_nonresponse
        if rule is not None and rule.action == "exclude":
            self.exclude("item nonresponse", too_few_answers(self.columns, rule))


def flag_rows(columns: Columns, rules: CleaningRules, n_rows: int) -> dict[str, Mask]:
    """Return the flags of the rows kept, by name, in the order of ``rules.flags``.

    Parameters
    ----------
    columns
        The judged columns of the rows kept: flags speak of these only, so that cleaning again, which sees no
        other rows, sets the same flags.
    rules
        The rules, limits found.
    n_rows
        Number of rows kept.
    """
    speed = rules.speeders
    masks: dict[str, Mask] = {}
    if rules.same_answers is not None and rules.same_answers.action == "flag":
        everyone = np.ones(n_rows, dtype=bool)
        duration = speed.duration if speed else ""
        masks["same answers"] = same_answers(columns, rules.same_answers, everyone, speed=duration)
    if speed is not None and speed.least is not None:
        masks[speed.rule] = speeders(columns[speed.duration], speed.least)
    for name, battery in rules.straight_lining.items():
        masks[f"straight-lining: {name}"] = straight_lines(columns, battery)
    if rules.item_nonresponse is not None:
        masks["item nonresponse"] = too_few_answers(columns, rules.item_nonresponse)
    return {name: masks[flag.rule] for name, flag in rules.flags.items() if flag.rule in masks}
