"""The cleaning rules of a codebook: what happens to rows, and under which name rows are flagged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ErrorOrDrop = Literal["error", "drop"]
DuplicateRule = Literal["error", "keep first", "drop all"]
SameAnswersAction = Literal["error", "keep first", "drop all", "flag"]
RowAction = Literal["exclude", "flag"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SameAnswers:
    """Rows with the same codes in all of some variables, whatever their ids.

    Attributes
    ----------
    action
        ``"error"``, ``"keep first"``, ``"drop all"`` or ``"flag"``.
    variables
        The variables compared; if none is given, all nominal, ordinal and numeric ones but the duration.
    """

    action: SameAnswersAction
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Speeders:
    """Rows answered in less time than it takes to read the questions.

    Attributes
    ----------
    duration
        The numeric variable that holds the time; a row without it is no speeder.
    action
        ``"exclude"`` or ``"flag"``.
    least
        Shortest time that is believed. None until cleaning has found it from ``share_of_median``.
    share_of_median
        The shortest time as a share (0–1) of the median time, if declared so.
    """

    duration: str
    action: RowAction
    least: float | None = None
    share_of_median: float | None = None

    @property
    def rule(self) -> str:
        """What the log calls the rule."""
        return "speeder"

    @property
    def detail(self) -> str:
        """The limit in words.

        Examples
        --------
        >>> Speeders(duration="minutes", action="flag", least=4.8, share_of_median=0.4).detail
        'minutes under 4.8, 0.4 of the median'
        """
        limit = "" if self.least is None else f"{self.duration} under {self.least:g}"
        share = "" if self.share_of_median is None else f"{self.share_of_median:g} of the median"
        return ", ".join(filter(None, (limit, share)))


@dataclass(frozen=True, slots=True, kw_only=True)
class StraightLining:
    """Rows that give one and the same code to every answered item of a battery.

    Attributes
    ----------
    items
        The items, which share their codes. Codes count as they were ticked, before reversal.
    action
        ``"exclude"`` or ``"flag"``.
    min_items
        Least number of answered items for which the rule holds.
    """

    items: tuple[str, ...]
    action: RowAction
    min_items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemNonresponse:
    """Rows in which too large a share of the items has no answer.

    Attributes
    ----------
    items
        The items.
    action
        ``"exclude"`` or ``"flag"``.
    max_share
        Largest share (0–1) of missing items that is accepted.
    not_counted
        Reasons, such as "not applicable", with which an item counts neither as missing nor as asked; so
        does an item that its route left out.
    """

    items: tuple[str, ...]
    action: RowAction
    max_share: float
    not_counted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A column that marks rows and that nothing uses unless it is named.

    Attributes
    ----------
    name, label
        Name in formulas; what readers see.
    rule
        The rule that marks the rows, as the log calls it.
    """

    name: str
    label: str
    rule: str


def flag_name(rule: str) -> str:
    """Return the name of the column of a rule's flags.

    Examples
    --------
    >>> flag_name("straight-lining: trust")
    'flag_straight_lining_trust'
    """
    return f"flag_{re.sub('[^A-Za-z0-9]+', '_', rule)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CleaningRules:
    """What to do with rows and columns that can't be used as they are.

    Attributes
    ----------
    duplicate_ids
        Rows whose id occurs more than once.
    empty_rows
        Rows without any entry in a declared column.
    missing_design
        Rows without a weight, stratum or PSU.
    ignore_columns
        Columns of the file that are left unread.
    same_answers, speeders, item_nonresponse
        Rows that may be no honest interview; None if nothing is declared.
    straight_lining
        Name of a battery to its rule.
    """

    duplicate_ids: DuplicateRule = "error"
    empty_rows: ErrorOrDrop = "error"
    missing_design: ErrorOrDrop = "error"
    ignore_columns: tuple[str, ...] = ()
    same_answers: SameAnswers | None = None
    speeders: Speeders | None = None
    straight_lining: Mapping[str, StraightLining] = field(default_factory=dict)
    item_nonresponse: ItemNonresponse | None = None

    @property
    def flags(self) -> dict[str, Flag]:
        """The columns that rules with the action ``"flag"`` make, by name, in the order of the rules.

        Examples
        --------
        >>> rules = CleaningRules(same_answers=SameAnswers(action="flag"))
        >>> rules.flags["flag_same_answers"].label
        'Same answers as another row'
        """
        declared: list[tuple[str, str, SameAnswers | Speeders | StraightLining | ItemNonresponse | None]] = [
            ("same answers", "Same answers as another row", self.same_answers),
            ("speeder", "Answered faster than the limit", self.speeders),
            *(
                (f"straight-lining: {n}", f"One answer to all of {n}", r)
                for n, r in self.straight_lining.items()
            ),
            ("item nonresponse", "Too few answers", self.item_nonresponse),
        ]
        flags = [
            Flag(name=flag_name(rule), label=label, rule=rule)
            for rule, label, declaration in declared
            if declaration is not None and declaration.action == "flag"
        ]
        return {flag.name: flag for flag in flags}
