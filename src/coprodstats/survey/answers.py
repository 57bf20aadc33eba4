"""One column of codes to typed answers, with a reason for every one that is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import Fault, listed
from coprodstats.survey.declarations import NUMBERS
from coprodstats.survey.log import how_many
from coprodstats.survey.numbers import as_number

if TYPE_CHECKING:
    from coprodstats.survey.declarations import Variable

BLANK, UNDECLARED, NOT_A_NUMBER, OUT_OF_RANGE = "blank", "undeclared code", "not a number", "out of range"
_USUAL_MISSING = {"8", "9", "77", "88", "99", "-1", "998", "999"}
# Longer texts are answers in the respondent's words, which messages don't repeat.
_LONGEST_CODE = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """A cleaned column.

    Attributes
    ----------
    typed
        Typed answers, NA where missing.
    reasons
        The reason where the answer is missing, NA elsewhere.
    cells
        ``(rule, reason, cells)`` for every rule that concerns the variable.
    faults
        What the codebook doesn't allow.
    """

    typed: pd.Series
    reasons: pd.Series
    cells: tuple[tuple[str, str, int], ...]
    faults: tuple[Fault, ...]


@dataclass(slots=True)
class _Distinct:
    """The different codes of a column; all rules look at each code once, whatever the number of rows."""

    codes: list[str]
    counts: NDArray[np.int64]
    position: NDArray[np.intp]  # of each cell among the codes, -1 if blank
    reasons: list[str | None] = field(default_factory=list)
    rules: list[tuple[str, str, int]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def open(self) -> list[int]:
        """Return the positions of the codes that no rule has made missing."""
        return [place for place, reason in enumerate(self.reasons) if reason is None]

    def set_missing(self, places: list[int], rule: str, reason: str) -> None:
        for place in places:
            self.reasons[place] = reason
        self.rules.append((rule, reason, self.total(places)))

    def total(self, places: list[int]) -> int:
        return int(self.counts[places].sum())


def read_answers(codes: pd.Series, variable: Variable, source: str) -> Answers:
    """Turn the codes of one variable into typed answers.

    Parameters
    ----------
    codes
        Codes as text; a blank cell is NA.
    variable
        What the codes mean.
    source
        What messages call the file.

    Returns
    -------
    Answers
        Text for an id; a categorical of labels for nominal and ordinal (ordered) variables, and of codes for
        strata and PSUs; floats for numbers and weights.
    """
    position, uniques = pd.factorize(codes)
    distinct = _Distinct(
        codes=[str(code) for code in uniques],
        counts=np.bincount(position[position >= 0], minlength=len(uniques)),
        position=position,
        reasons=[None] * len(uniques),
    )
    where = f"{source}: {variable.name}"
    numbers = [as_number(code) if variable.kind in NUMBERS else None for code in distinct.codes]
    _apply_missing_codes(distinct, variable, numbers)
    distinct.rules.append((BLANK, BLANK, int((position < 0).sum())))
    if variable.kind in {"nominal", "ordinal"}:
        _refuse_undeclared(distinct, variable, where)
    elif variable.kind in NUMBERS:
        _refuse_text(distinct, variable, where, numbers)
        _refuse_out_of_range(distinct, variable, where, numbers)
    values = _typed(distinct, variable, numbers, codes)
    if variable.reverse:
        distinct.rules.append(("reversed", "", int(values.notna().sum())))
    reasons = np.array([*distinct.reasons, BLANK], dtype=object)[position]
    return Answers(
        typed=values,
        reasons=pd.Series(reasons, index=codes.index, dtype="str"),
        cells=tuple(distinct.rules),
        faults=tuple(distinct.faults),
    )


def _apply_missing_codes(distinct: _Distinct, variable: Variable, numbers: list[float | None]) -> None:
    # 99 and 99.0 are the same number, so they are the same missing code of a numeric variable.
    by_number = {as_number(code): reason for code, reason in variable.missing.items()}
    by_number.pop(None, None)
    found: dict[str, list[int]] = {reason: [] for reason in variable.missing.values()}
    for place, (code, number) in enumerate(zip(distinct.codes, numbers, strict=True)):
        reason = variable.missing.get(code) or (None if number is None else by_number.get(number))
        if reason is not None:
            found[reason].append(place)
    for reason, places in found.items():
        distinct.set_missing(places, "missing code", reason)


def _refuse_undeclared(distinct: _Distinct, variable: Variable, where: str) -> None:
    places = [place for place in distinct.open() if distinct.codes[place] not in variable.codes]
    if places and variable.undeclared == "error":
        distinct.faults.append(_undeclared_fault(distinct, places, variable, where))
    distinct.set_missing(places, UNDECLARED, UNDECLARED)


def _undeclared_fault(distinct: _Distinct, places: list[int], variable: Variable, where: str) -> Fault:
    declared = [*variable.codes, *variable.missing]
    shown = sorted(place for place in places if len(distinct.codes[place]) <= _LONGEST_CODE)
    shown.sort(key=lambda place: (-int(distinct.counts[place]), distinct.codes[place]))
    parts = [_described(distinct.codes[place], int(distinct.counts[place]), declared) for place in shown]
    if long := [place for place in places if len(distinct.codes[place]) > _LONGEST_CODE]:
        parts.append(
            f"texts of more than {_LONGEST_CODE} characters in {how_many(distinct.total(long))} rows"
        )
    return Fault(
        where=where,
        found=f"codes that the codebook does not declare: {listed(parts)}",
        allowed=listed(declared),
        remedy=f'declare them in variables.{variable.name}.values or .missing, or set undeclared = "missing"',
    )


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


def _refuse_text(distinct: _Distinct, variable: Variable, where: str, numbers: list[float | None]) -> None:
    places = [place for place in distinct.open() if numbers[place] is None]
    if places and variable.not_a_number == "error":
        commas = [place for place in places if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", distinct.codes[place])]
        found = f"text where a number belongs in {how_many(distinct.total(places))} rows"
        if commas:
            found += f", {how_many(distinct.total(commas))} of which look like a decimal comma"
        remedy = 'set not_a_number = "missing"' if variable.kind == "numeric" else "mend the file"
        distinct.faults.append(
            Fault(
                where=where, found=found, allowed="digits with a decimal point, such as 42.5", remedy=remedy
            )
        )
    distinct.set_missing(places, NOT_A_NUMBER, NOT_A_NUMBER)


def _refuse_out_of_range(
    distinct: _Distinct, variable: Variable, where: str, numbers: list[float | None]
) -> None:
    if variable.range is None:
        return
    low, high = variable.range
    outside = [place for place in distinct.open() if not low <= (numbers[place] or 0.0) <= high]
    if outside and variable.out_of_range == "error":
        found = f"numbers outside {low:g} to {high:g} in {how_many(distinct.total(outside))} rows"
        usual = sorted({distinct.codes[place] for place in outside} & _USUAL_MISSING)
        found += f", among them {listed(usual)}, which look like missing codes" if usual else ""
        remedy = f'list missing codes in variables.{variable.name}.missing, or set out_of_range = "missing"'
        distinct.faults.append(
            Fault(where=where, found=found, allowed=f"range = [{low:g}, {high:g}]", remedy=remedy)
        )
    distinct.set_missing(outside, OUT_OF_RANGE, OUT_OF_RANGE)


def _typed(
    distinct: _Distinct, variable: Variable, numbers: list[float | None], codes: pd.Series
) -> pd.Series:
    valid = set(distinct.open())
    if variable.kind == "id":
        kept = np.array([place in valid for place in range(len(distinct.codes))] + [False])
        return codes.where(kept[distinct.position])
    if variable.kind in NUMBERS:
        points = [number if place in valid else None for place, number in enumerate(numbers)]
        array = np.array([*points, None], dtype=float)[distinct.position]
        if variable.reverse and variable.range is not None:
            array = variable.range[0] + variable.range[1] - array
        return pd.Series(array, index=codes.index)
    ordered = variable.kind == "ordinal"
    known = variable.codes or tuple(sorted(distinct.codes[place] for place in valid))
    labels = variable.labels or known
    levels = {code: level for level, code in enumerate(known)}
    level = [levels[code] if place in valid else -1 for place, code in enumerate(distinct.codes)]
    values = pd.Categorical.from_codes(
        np.array([*level, -1])[distinct.position], categories=pd.Index(labels, dtype="str"), ordered=ordered
    )
    return pd.Series(values, index=codes.index)
