"""Rules for whole rows: which rows repeat others, were rushed, or answer too little."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.survey.answers import Answers
from coprodstats.survey.cleaning_rules import ItemNonresponse, SameAnswers, Speeders, StraightLining
from coprodstats.survey.coded import Coded, Mask
from coprodstats.survey.declarations import NOT_ASKED

Columns = Mapping[str, Answers]
_SUBSTANTIVE = ("nominal", "ordinal", "numeric")
_MOST_GROUPS = 2**62


def repeats(column: Coded, among: Mask, *, keep_first: bool) -> Mask:
    """Return the rows whose code another row has too.

    Parameters
    ----------
    column
        The codes (n); blank cells repeat nothing.
    among
        The rows (n) that are compared.
    keep_first
        Whether the first row of each code is left out.

    Examples
    --------
    >>> ids = Coded.of(pd.Series(["1", "2", "1", None], dtype="str"))
    >>> repeats(ids, np.ones(4, dtype=bool), keep_first=True).tolist()
    [False, False, True, False]
    """
    return _repeats(column.position.astype(np.int64), among & ~column.blank, keep_first=keep_first)


def _repeats(group: NDArray[np.int64], among: Mask, *, keep_first: bool) -> Mask:
    found = np.zeros(len(group), dtype=bool)
    found[among] = pd.Series(group[among]).duplicated(keep="first" if keep_first else False)
    return found


def same_answers(columns: Columns, rule: SameAnswers, among: Mask, *, speed: str = "") -> Mask:
    """Return the rows that have the same codes as another row in all variables compared.

    Codes are compared after recoding, missing codes and blanks included; a row without any answer among the
    variables repeats nothing, since it says nothing.

    Parameters
    ----------
    columns
        The judged columns (n rows).
    rule
        What is compared; with ``"keep first"`` the first row of each kind is left out.
    among
        The rows (n) that are compared.
    speed
        The variable that holds the duration, which is no answer.
    """
    names = rule.variables or tuple(
        name for name, column in columns.items() if column.variable.kind in _SUBSTANTIVE and name != speed
    )
    says_something = np.zeros_like(among)
    for name in names:
        says_something |= columns[name].answered
    group = _groups((_meant(columns[name]) for name in names), len(among))
    return _repeats(group, among & says_something, keep_first=rule.action == "keep first")


def _meant(column: Answers) -> Coded:
    """Return a column with one position per meaning: recoding may make two codes one."""
    place, codes = pd.factorize(column.meant)
    position = column.coded.spread(place.astype(column.coded.position.dtype), -1)
    return Coded(codes=codes, position=position)


def _groups(columns: Iterable[Coded], n: int) -> NDArray[np.int64]:
    """Return a number for each row (n), the same one for rows that agree in all columns."""
    group, size = np.zeros(n, dtype=np.int64), 1
    for column in columns:
        choices = len(column.codes) + 1  # and blank
        if size * choices >= _MOST_GROUPS:
            group, seen = pd.factorize(group)
            size = len(seen)
        group = group * choices + column.position + 1
        size *= choices
    return group


def with_limit(rule: Speeders, column: Answers, among: Mask) -> Speeders:
    """Return the rule with the time that it comes to; a share is one of the median over some rows (n).

    The limit stays with the cleaned survey: the median of the rows kept is another one, and cleaning again
    must not find new speeders.
    """
    if rule.least is not None or rule.share_of_median is None:
        return rule
    times = _times(column)[among]
    times = times[~np.isnan(times)]
    if not len(times):
        return rule
    return Speeders(
        duration=rule.duration,
        action=rule.action,
        least=rule.share_of_median * float(np.median(times)),
        share_of_median=rule.share_of_median,
    )


def speeders(column: Answers, least: float) -> Mask:
    """Return the rows (n) that took less than a time; a row without a time is none of them."""
    return np.asarray(_times(column) < least)


def _times(column: Answers) -> NDArray[np.float64]:
    return column.coded.spread(np.where(column.verdict < 0, column.numbers, np.nan), np.nan)


def straight_lines(columns: Columns, rule: StraightLining) -> Mask:
    """Return the rows (n) whose answered items all have one code, if enough were answered."""
    known: dict[str | float, int] = {}
    first, answered, alike = None, None, None
    for name in rule.items:
        column = columns[name]
        # 5 and 5.0 are one number, and so the same answer.
        keys = column.numbers.tolist() if len(column.numbers) else column.meant.tolist()
        place = np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int32)
        codes = column.coded.spread(np.where(column.verdict < 0, place, -1).astype(np.int32), -1)
        if first is None or answered is None or alike is None:
            first, answered, alike = codes.copy(), np.zeros(len(codes), int), np.ones(len(codes), bool)
        there = codes >= 0
        first = np.where(first < 0, codes, first)
        alike &= ~there | (codes == first)
        answered += there
    if first is None or answered is None or alike is None:
        return np.zeros(0, dtype=bool)
    return alike & (answered >= rule.min_items)


def too_few_answers(columns: Columns, rule: ItemNonresponse) -> Mask:
    """Return the rows (n) in which more than the accepted share of the items asked is missing."""
    n_missing: NDArray[np.int64] | int = 0
    n_asked: NDArray[np.int64] | int = 0
    for name in rule.items:
        asked = ~columns[name].with_reason((NOT_ASKED, *rule.not_counted))
        n_missing = n_missing + (asked & ~columns[name].answered)
        n_asked = n_asked + asked.astype(np.int64)
    # A share such as 0.1 of 10 items is 1 item, though 0.1 * 10 may come out a hair below it.
    return np.asarray(n_missing > rule.max_share * n_asked + 1e-9)
