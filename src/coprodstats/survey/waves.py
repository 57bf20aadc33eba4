"""What is different in another wave of a survey: columns, codes, meanings, missing answers, rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from coprodstats.errors import ArgumentError, Fault
from coprodstats.survey.answers import LONGEST_CODE
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.cleaning_rules import flag_name
from coprodstats.survey.declarations import Variable
from coprodstats.survey.display import record_html
from coprodstats.survey.log import CleaningLog
from coprodstats.survey.reading import SurveyData
from coprodstats.survey.routing import read_columns

# What a codebook lists code by code; ids, PSUs and numbers are others in every wave.
_LISTED = ("nominal", "ordinal", "stratum")
_LONG = f"texts of more than {LONGEST_CODE} characters"
_SENTENCES = {
    "rows": "{old:,.0f} rows before, {new:,.0f} now",
    "column is new": "{variable}: a new column",
    "column is gone": "{variable}: the column is gone",
    "kind differs": "{variable}: {item}",
    "meaning differs": "{variable}: code {item} has another meaning",
    "code is new": "{variable}: code {item} is new, in {new:,.0f} rows",
    "code is gone": "{variable}: code {item} is gone, which {old:,.0f} rows had",
    "reason is new": "{variable}: missing with a new reason, {item}, in {new:.1%} of the rows",
    "reason is gone": "{variable}: nobody is missing as {item} any more, {old:.1%} of the rows were",
    "missing": "{variable}: {new:.1%} of the rows are missing, {old:.1%} were",
    "missing by reason": "{variable}: {new:.1%} of the rows are missing as {item}, {old:.1%} were",
}
_Line = tuple[str, str, str, float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WaveChanges:
    """What is different in another wave.

    Attributes
    ----------
    least_change
        Smallest change of a share of missing answers that is told.
    """

    least_change: float
    _table: pd.DataFrame = field(repr=False)

    @property
    def same(self) -> bool:
        """Whether nothing but the number of rows is different."""
        return bool((self._table["change"] == "rows").all())

    @property
    def notes(self) -> tuple[str, ...]:
        """The changes in words, one sentence each."""
        lines = [{str(key): value for key, value in line.items()} for line in self._table.to_dict("records")]
        return tuple(_SENTENCES[line["change"]].format_map(line) for line in lines)

    def to_frame(self) -> pd.DataFrame:
        """Return the changes as ``variable, change, item, old, new``.

        ``item`` is the code or the reason; ``old`` and ``new`` are numbers of rows, for missing answers and
        their reasons shares of all rows (0–1), and NA where there is no number.
        """
        return self._table.copy()

    def __repr__(self) -> str:
        return f"<WaveChanges: {len(self._table) - 1} changes besides the number of rows>"

    def _repr_html_(self) -> str:
        return record_html(self, tables={"changes": self.to_frame()})


def compare_waves(
    old: SurveyData | CleanedSurvey | CleaningLog,
    new: SurveyData | CleanedSurvey,
    *,
    least_change: float = 0.05,
) -> WaveChanges:
    r"""Say what is different in another wave of a survey.

    Surveys are compared as they were read, so that a wave whose new codes `clean` refuses can be looked at
    first. Codes are compared for nominal and ordinal variables and strata, after recoding.

    Parameters
    ----------
    old
        The earlier wave; of a log alone, such as one kept in a file, only columns, rows and missing answers
        are known, and these are those of the rows kept.
    new
        The later wave, read with the same codebook or with another.
    least_change
        Smallest change of a share of missing answers (0–1) that is told; a reason that is new or gone is
        told in any case.

    Returns
    -------
    WaveChanges
        A table and sentences; `same` if nothing but the number of rows is different.

    Raises
    ------
    ArgumentError
        If ``least_change`` is no share.

    Examples
    --------
    >>> from coprodstats.survey.declarations import Codebook
    >>> trust = Variable(name="trust", label="Trust", kind="nominal", values={"1": "yes", "2": "no"})
    >>> codebook = Codebook(title="", synthetic=True, variables={"trust": trust})
    >>> def wave(codes: list[str]) -> SurveyData:
    ...     return SurveyData(frame=pd.DataFrame({"trust": codes}, dtype="str"), codebook=codebook)
    >>> changes = compare_waves(wave(["1", "2", "1", "1"]), wave(["1", "3"]))
    >>> print("\n".join(changes.notes))
    4 rows before, 2 now
    trust: code 2 is gone, which 1 rows had
    trust: code 3 is new, in 1 rows
    trust: 50.0% of the rows are missing, 0.0% were
    trust: missing with a new reason, undeclared code, in 50.0% of the rows
    """
    if not (isinstance(least_change, int | float) and 0 <= least_change <= 1):
        fault = Fault(where="compare_waves: least_change", found="this is no share", allowed="0 to 1")
        raise ArgumentError(fault)
    before, now = _wave_of(old), _wave_of(new)
    lines: list[_Line] = [("", "rows", "", before.rows, now.rows)]
    for name in {**before.missing, **now.missing}:
        lines += _column_changes(name, before, now, least_change)
    table = pd.DataFrame(lines, columns=["variable", "change", "item", "old", "new"])
    types = {"variable": "str", "change": "str", "item": "str", "old": "float64", "new": "float64"}
    return WaveChanges(least_change=least_change, _table=table.astype(types))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wave:
    """What is known of one wave: rows, and by variable codes and reasons with their numbers of rows."""

    rows: int
    missing: Mapping[str, Mapping[str, int]]
    codes: Mapping[str, Mapping[str, int]]
    variables: Mapping[str, Variable]


def _wave_of(given: SurveyData | CleanedSurvey | CleaningLog) -> _Wave:
    if isinstance(given, CleaningLog):
        made = set(given.cells.loc[given.cells["rule"].isin(["converted", "not derived"]), "variable"])
        made |= {flag_name(rule) for rule in given.rules.loc[given.rules["action"] == "flag", "rule"]}
        # A log also tells of what was made of the columns; a survey as read doesn't have that.
        known = [name for name in given.valid["variable"] if name not in made]
        missing: dict[str, dict[str, int]] = {name: {} for name in known}
        told = given.missing_by_reason()
        for name, reason, n in zip(told["variable"], told["reason"], told["cells"], strict=True):
            if name in missing:
                missing[name][reason] = int(n)
        return _Wave(rows=given.rows_kept, missing=missing, codes={}, variables={})
    survey = given.survey if isinstance(given, CleanedSurvey) else given
    variables = survey.codebook.variables
    columns = read_columns(survey.frame, variables)
    counts = {
        name: dict(zip(column.meant.tolist(), column.coded.counts().tolist(), strict=True))
        for name, column in columns.items()
        if column.variable.kind in _LISTED
    }
    reasons = {name: column.reasons().value_counts() for name, column in columns.items()}
    return _Wave(
        rows=survey.n_rows,
        missing={
            name: {str(reason): int(n) for reason, n in found.items() if n} for name, found in reasons.items()
        },
        codes=counts,
        variables=variables,
    )


def _column_changes(name: str, before: _Wave, now: _Wave, least_change: float) -> Iterator[_Line]:
    if name not in now.missing:
        yield name, "column is gone", "", math.nan, math.nan
        return
    if name not in before.missing:
        yield name, "column is new", "", math.nan, math.nan
        return
    if name in before.variables and name in now.variables:
        yield from _meanings(name, before.variables[name], now.variables[name])
    if name in before.codes and name in now.codes:
        yield from _codes(name, _short(before.codes[name]), _short(now.codes[name]))
    yield from _gaps(name, before, now, least_change)


def _meanings(name: str, before: Variable, now: Variable) -> Iterator[_Line]:
    if before.kind != now.kind:
        yield name, "kind differs", f"{before.kind} before, {now.kind} now", math.nan, math.nan
    ours, theirs = ({**variable.missing, **variable.label_by_code} for variable in (before, now))
    for code in ours:
        if code in theirs and ours[code] != theirs[code]:
            yield name, "meaning differs", code, math.nan, math.nan


def _short(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts by code, recoded ones together, and respondents' own words without telling them."""
    told: dict[str, int] = {}
    for code, n in counts.items():
        key = code if len(code) <= LONGEST_CODE else _LONG
        told[key] = told.get(key, 0) + n
    return told


def _codes(name: str, before: Mapping[str, int], now: Mapping[str, int]) -> Iterator[_Line]:
    for code in sorted({**before, **now}):
        old, new = before.get(code, 0), now.get(code, 0)
        if old and not new:
            yield name, "code is gone", code, old, 0
        elif new and not old:
            yield name, "code is new", code, 0, new


def _gaps(name: str, before: _Wave, now: _Wave, least_change: float) -> Iterator[_Line]:
    old, new = _shares(before, name), _shares(now, name)
    totals = sum(old.values()), sum(new.values())
    if _moved(*totals, least_change):
        yield name, "missing", "", *totals
    for reason in sorted({**old, **new}):
        pair = old.get(reason, 0.0), new.get(reason, 0.0)
        if not pair[0]:
            yield name, "reason is new", reason, *pair
        elif not pair[1]:
            yield name, "reason is gone", reason, *pair
        elif _moved(*pair, least_change):
            yield name, "missing by reason", reason, *pair


def _shares(wave: _Wave, name: str) -> dict[str, float]:
    return {reason: n / wave.rows for reason, n in wave.missing[name].items() if n}


def _moved(old: float, new: float, least_change: float) -> bool:
    # A change of exactly 0.05 may come out a hair below it.
    return old != new and abs(new - old) >= least_change - 1e-9
