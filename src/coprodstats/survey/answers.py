"""One column of codes to typed answers, with a reason for every one that is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import Fault, listed
from coprodstats.survey.coded import Coded, Mask
from coprodstats.survey.declarations import NUMBERS
from coprodstats.survey.log import how_many
from coprodstats.survey.numbers import as_number

if TYPE_CHECKING:
    from coprodstats.survey.declarations import Variable

RECODED, MISSING_CODE, BLANK, UNDECLARED, NOT_A_NUMBER, OUT_OF_RANGE, COLLAPSED, REVERSED = (
    "recoded",
    "missing code",
    "blank",
    "undeclared code",
    "not a number",
    "out of range",
    "collapsed",
    "reversed",
)
_USUAL_MISSING = {"8", "9", "77", "88", "99", "-1", "998", "999"}
_INFINITE = re.compile(r"[+-]?(inf(inity)?|∞)", re.IGNORECASE)
# Longer texts are answers in the respondent's words, which messages don't repeat.
LONGEST_CODE = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """A column of codes (k different ones in n rows), each judged by what the codebook says about it.

    Attributes
    ----------
    variable
        What the codes mean.
    coded
        The codes as they are in the file.
    meant
        The codes (k) after recoding.
    numbers
        The codes (k) as numbers, NaN where they are none; empty if the variable holds no numbers.
    verdicts
        ``(rule, reason)`` of everything that makes an answer of this variable missing, in the order applied.
    verdict
        Position (k) among the verdicts, -1 for a code that is an answer.
    """

    variable: Variable
    coded: Coded
    meant: NDArray[np.object_]
    numbers: NDArray[np.float64]
    verdicts: tuple[tuple[str, str], ...]
    verdict: NDArray[np.intp]

    @property
    def answered(self) -> Mask:
        """Which rows (n) have an answer."""
        return self.coded.spread(self.verdict < 0, blank=False)

    def touched(self, rule: str) -> Mask:
        """Which rows (n) a rule changes or makes missing."""
        if rule == RECODED:
            return self.coded.spread(self.meant != self.coded.codes, blank=False)
        if rule == COLLAPSED:
            return self.coded.spread(self._label_changes(), blank=False)
        if rule == REVERSED:
            return self.answered
        by_rule = np.array([name == rule for name, _ in self.verdicts])
        # The verdict -1 picks the value at the end, the one of answers.
        return self.coded.spread(np.append(by_rule, False)[self.verdict], blank=rule == BLANK)

    def with_reason(self, reasons: tuple[str, ...]) -> Mask:
        """Which rows (n) are missing for one of some reasons."""
        chosen = np.array([reason in reasons for _, reason in self.verdicts])
        return self.coded.spread(np.append(chosen, False)[self.verdict], blank=BLANK in reasons)

    def rows(self, kept: Mask) -> Answers:
        """Return the same for some of the rows."""
        return replace(self, coded=self.coded.rows(kept))

    def cells(self) -> list[tuple[str, str, int]]:
        """Return ``(rule, reason, cells)`` for each rule of the variable, in the order applied."""
        counts, n_blank = self.coded.counts(), int(self.coded.blank.sum())
        out = self.verdict >= 0
        per_verdict = np.bincount(self.verdict[out], counts[out], minlength=len(self.verdicts)).astype(int)
        told: list[tuple[str, str, int]] = []
        if self.variable.recode:
            told.append((RECODED, "", int(counts[self.meant != self.coded.codes].sum())))
        for (rule, reason), n in zip(self.verdicts, per_verdict, strict=True):
            told.append((rule, reason, n_blank if rule == BLANK else int(n)))
        labels = self.variable.label_by_code
        for label in self.variable.collapse:
            into = np.array([labels.get(code) == label for code in self.meant], dtype=bool)
            told.append((COLLAPSED, label, int(counts[self._label_changes() & into].sum())))
        if self.variable.reverse:
            told.append((REVERSED, "", int(counts[~out].sum())))
        return told

    def _label_changes(self) -> Mask:
        changes = self.variable.merged_codes
        return np.array([code in changes for code in self.meant], dtype=bool)

    def reasons(self) -> pd.Series:
        """Return the reason where the answer is missing, NA elsewhere (n), as a categorical."""
        known = list(dict.fromkeys(reason for _, reason in self.verdicts))
        place = np.array([*(known.index(reason) for _, reason in self.verdicts), -1], dtype=np.int8)
        codes = self.coded.spread(place[self.verdict], blank=known.index(BLANK))
        return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(known, dtype="str")))

    def typed(self, texts: pd.Series) -> pd.Series:
        """Return the answers, NA where missing.

        Parameters
        ----------
        texts
            The column (n) as it is in the file.

        Returns
        -------
        Series
            Text for an id; a categorical of labels for nominal and ordinal (ordered) variables, and of codes
            for strata and PSUs; floats for numbers and weights.
        """
        valid, variable = self.verdict < 0, self.variable
        if variable.kind == "id":
            return texts if valid.all() else texts.where(self.answered)
        if variable.kind in NUMBERS:
            values = self.coded.spread(np.where(valid, self.numbers, np.nan), np.nan)
            if variable.reverse and variable.range is not None:
                values = variable.range[0] + variable.range[1] - values
            return pd.Series(values)
        labels = variable.label_by_code
        if not labels:
            there = valid & (self.coded.counts() > 0)
            labels = {code: code for code in sorted(map(str, self.meant[there]))}
        levels = {label: level for level, label in enumerate(dict.fromkeys(labels.values()))}
        codes = zip(self.meant, valid, strict=True)
        level = [levels.get(labels.get(code, ""), -1) if fits else -1 for code, fits in codes]
        smallest = np.min_scalar_type(-max(len(levels), 1))
        answers = pd.Categorical.from_codes(
            self.coded.spread(np.array(level, dtype=smallest), -1),
            categories=pd.Index(list(levels), dtype="str"),
            ordered=variable.kind == "ordinal",
        )
        return pd.Series(answers)

    def faults(self, source: str) -> list[Fault]:
        """Return what the codebook doesn't allow in these rows; ``source`` is what messages call the file."""
        where, variable, found = f"{source}: {self.variable.name}", self.variable, []
        there = self.coded.counts() > 0
        for place, (rule, _) in enumerate(self.verdicts):
            places = np.flatnonzero((self.verdict == place) & there).tolist()
            if places and rule == UNDECLARED and variable.undeclared == "error":
                found.append(self._undeclared(places, where))
            elif places and rule == NOT_A_NUMBER and variable.not_a_number == "error":
                found.append(self._not_a_number(places, where))
            elif places and rule == OUT_OF_RANGE and variable.out_of_range == "error":
                found.append(self._out_of_range(places, where))
        return found

    def _total(self, places: list[int]) -> int:
        return int(self.coded.counts()[places].sum())

    def _undeclared(self, places: list[int], where: str) -> Fault:
        variable, codes, counts = self.variable, self.coded.codes, self.coded.counts()
        declared = [*variable.codes, *variable.missing]
        shown = [place for place in places if len(codes[place]) <= LONGEST_CODE]
        shown.sort(key=lambda place: (-int(counts[place]), codes[place]))
        parts = [_described(codes[place], int(counts[place]), declared) for place in shown]
        if long := [place for place in places if len(codes[place]) > LONGEST_CODE]:
            parts.append(
                f"texts of more than {LONGEST_CODE} characters in {how_many(self._total(long))} rows"
            )
        remedy = f"declare them in variables.{variable.name}.values or .missing"
        return Fault(
            where=where,
            found=f"codes that the codebook does not declare: {listed(parts)}",
            allowed=listed(declared),
            remedy=f'{remedy}, or set undeclared = "missing"',
        )

    def _not_a_number(self, places: list[int], where: str) -> Fault:
        codes = self.coded.codes
        commas = [place for place in places if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", codes[place])]
        found = f"text where a number belongs in {how_many(self._total(places))} rows"
        if commas:
            found += f", {how_many(self._total(commas))} of which look like a decimal comma"
        if infinite := [place for place in places if _INFINITE.fullmatch(codes[place])]:
            found += f", {how_many(self._total(infinite))} of which are infinite"
        allowed = "digits with a decimal point, such as 42.5"
        remedy = 'set not_a_number = "missing"' if self.variable.kind == "numeric" else "mend the file"
        return Fault(where=where, found=found, allowed=allowed, remedy=remedy)

    def _out_of_range(self, places: list[int], where: str) -> Fault:
        low, high = self.variable.range or (0.0, 0.0)
        found = f"numbers outside {low:g} to {high:g} in {how_many(self._total(places))} rows"
        usual = sorted({self.coded.codes[place] for place in places} & _USUAL_MISSING)
        found += f", among them {listed(usual)}, which look like missing codes" if usual else ""
        listing = f"list missing codes in variables.{self.variable.name}.missing"
        remedy = f'{listing}, or set out_of_range = "missing"'
        return Fault(where=where, found=found, allowed=f"range = [{low:g}, {high:g}]", remedy=remedy)


def read_answers(column: pd.Series, variable: Variable) -> Answers:
    """Judge the codes of one variable; nothing is counted or refused yet.

    Parameters
    ----------
    column
        Codes as text (n); a blank cell is NA.
    variable
        What the codes mean.
    """
    coded = Coded.of(column)
    is_number = variable.kind in NUMBERS
    meant, numbers = coded.codes, _numbers(coded.codes) if is_number else np.empty(0)
    if variable.recode:
        found = _matched(meant, numbers, variable.recode)
        meant = np.array(
            [code if new is None else new for code, new in zip(meant, found, strict=True)], dtype=object
        )
        numbers = _numbers(meant) if is_number else numbers
    reasons = list(dict.fromkeys(variable.missing.values()))
    verdicts = [(MISSING_CODE, reason) for reason in reasons] + [(BLANK, BLANK)]
    place = {reason: position for position, reason in enumerate(reasons)}
    verdict = np.array(
        [-1 if reason is None else place[reason] for reason in _matched(meant, numbers, variable.missing)],
        dtype=np.intp,
    )

    def judge(rule: str, wrong: Mask) -> None:
        verdict[(verdict < 0) & wrong] = len(verdicts)
        verdicts.append((rule, rule))

    if variable.kind in {"nominal", "ordinal"}:
        declared = set(variable.codes)
        judge(UNDECLARED, np.array([code not in declared for code in meant], dtype=bool))
    elif is_number:
        judge(NOT_A_NUMBER, np.isnan(numbers))
        if variable.range is not None:
            judge(OUT_OF_RANGE, ~((numbers >= variable.range[0]) & (numbers <= variable.range[1])))
    return Answers(
        variable=variable,
        coded=coded,
        meant=meant,
        numbers=numbers,
        verdicts=tuple(verdicts),
        verdict=verdict,
    )


def _numbers(codes: NDArray[np.object_]) -> NDArray[np.float64]:
    return np.array([as_number(code) for code in codes], dtype=float)


def _matched(
    codes: NDArray[np.object_], numbers: NDArray[np.float64], declared: Mapping[str, str]
) -> list[str | None]:
    """Return what is declared for each code; 99 and 99.0 are the same number, so also the same code."""
    found: list[str | None] = [declared.get(code) for code in codes]
    for code, meaning in declared.items():
        number = as_number(code) if len(numbers) else None
        if number is not None:
            for place in np.flatnonzero(numbers == number):
                found[place] = found[place] or meaning
    return found


def _described(code: str, count: int, declared: list[str]) -> str:
    hints = [f"nearest declared code {near!r}"] if (near := _nearest(code, declared)) else []
    if code in _USUAL_MISSING:
        hints.append("looks like a missing code")
    return f"{code!r} in {how_many(count)} rows" + (f" ({'; '.join(hints)})" if hints else "")


def _nearest(code: str, declared: list[str]) -> str:
    """Return the declared code that a code was probably meant to be."""
    folded = {other.strip().casefold(): other for other in declared}
    number = as_number(code.strip())
    numbers = {other: value for other in declared if (value := as_number(other)) is not None}
    if number is not None and numbers:
        return min(numbers, key=lambda other: abs(numbers[other] - number))
    near = get_close_matches(code.strip().casefold(), list(folded), n=1)
    return folded[near[0]] if near else ""
