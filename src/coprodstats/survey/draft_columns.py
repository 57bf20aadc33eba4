"""Guessing what one column of a survey file holds, from its labels, its codes and how often they occur."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from coprodstats.errors import listed
from coprodstats.survey.draft_missing import missing_codes
from coprodstats.survey.draft_records import LEAST_SHOWN, Column, Guess, tidy
from coprodstats.survey.draft_words import NAMES, order_of, partly_ordered, speaks_of
from coprodstats.survey.metadata import VariableMetadata
from coprodstats.survey.numbers import as_number
from coprodstats.survey.toml_lines import OPEN
from coprodstats.survey.toml_table import duplicates

_MOST_CATEGORIES = 30
_LONGEST_CATEGORY = 40
_MOST_UNLABELLED = 12
_SHORTEST_NUMERIC_SCALE = 7
_DATE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}([ T].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}( .*)?|\d{1,2}:\d{2}(:\d{2})?"
)


def guess_column(column: Column) -> Guess:
    """Guess what a column holds that has no part in the sampling design.

    Parameters
    ----------
    column
        The column.

    Returns
    -------
    Guess
        With a question wherever the file leaves a doubt.

    Examples
    --------
    >>> said = VariableMetadata(name="q1", label="Helps", values={"1": "often", "2": "never", "9": "Refused"})
    >>> guess = guess_column(Column(said=said, counts={"1": 40, "2": 60}, n_rows=100))
    >>> guess.kind, guess.values, guess.missing
    ('ordinal', {'2': 'never', '1': 'often'}, {'9': 'Refused'})
    """
    found = Guess(
        name=column.name,
        label=label_of(column.said),
        kind="left out",
        question=tidy(column.said.question) if column.said.label else "",
        topic=_topic(column.said),
    )
    if why := _useless(column):
        return replace(found, why=why)
    missing, asked = missing_codes(column)
    found = replace(found, missing=missing, questions={"missing": asked} if asked else {})
    valid = [code for code in column.counts if code not in missing]
    if not valid:
        return replace(found, why="every entry is a missing code")
    return _answers(found, column, valid)


def _useless(column: Column) -> str:
    if not column.counts:
        return "no row has an entry"
    if column.said.type == "date" or all(_DATE.fullmatch(code) for code in column.counts):
        return "dates or times; analyses don't use them"
    return ""


def _answers(found: Guess, column: Column, valid: Sequence[str]) -> Guess:
    said = column.said
    labels = {code: tidy(label) or code for code, label in said.values.items() if code not in found.missing}
    unlabelled = [code for code in valid if code not in labels]
    if any(as_number(code) is None for code in valid):
        return _texts(found, column, labels, valid) if unlabelled else _labelled(found, labels, (), said)
    if not labels or len(unlabelled) >= max(_MOST_UNLABELLED, len(labels)):
        return _unlabelled(found, column, valid, labels)
    return _labelled(found, labels, unlabelled, said)


def label_of(said: VariableMetadata) -> str:
    """Return what readers should see: the file's label or question, else the name in words.

    Examples
    --------
    >>> label_of(VariableMetadata(name="trust_police"))
    'Trust police'
    """
    words = tidy(said.label or said.question)
    if not words:
        words = tidy(said.name.replace("_", " ")) or "column"
        words = words[0].upper() + words[1:]
    return words


def _labelled(
    found: Guess, labels: Mapping[str, str], unlabelled: Sequence[str], said: VariableMetadata
) -> Guess:
    numbers = {code: as_number(code) for code in (*labels, *unlabelled)}
    if unlabelled and all(number is not None for number in numbers.values()):
        ends = sorted(numbers[code] or 0.0 for code in labels)
        inside = all(ends[0] < (numbers[code] or 0.0) < ends[-1] for code in unlabelled)
        points = ends[-1] - ends[0] + 1
        if inside and points >= _SHORTEST_NUMERIC_SCALE:
            worded = sorted(labels, key=lambda code: numbers[code] or 0.0)
            why = f"a scale from {labels[worded[0]]!r} to {labels[worded[-1]]!r}; only its ends have words"
            return replace(found, kind="numeric", range=(ends[0], ends[-1]), unit="points", why=why)
        wording = {code: code if inside else OPEN for code in unlabelled}
        both = sorted({**labels, **wording}.items(), key=lambda item: numbers[item[0]] or 0.0)
        labels = dict(both)
        if not inside:
            asked = f"What does {listed(unlabelled)} mean, which has no label in the file?"
            found = replace(found, questions={**found.questions, "values": asked})
    return _ordered(replace(found, values=_distinct(labels)), said)


def _ordered(found: Guess, said: VariableMetadata) -> Guess:
    # Points between the worded ends of a scale are called by their codes.
    labels = [label for code, label in found.values.items() if label not in {OPEN, code}]
    labels = labels or list(found.values.values())
    direction = order_of(labels)
    if direction:
        values = found.values if direction > 0 else dict(reversed(list(found.values.items())))
        turned = "" if direction > 0 else "; written from lowest to highest, other than in the file"
        why = f"ordered by the words of its labels{turned}"
        return replace(found, kind="ordinal", values=values, why=why)
    if len(labels) > 2 and (said.level == "ordinal" or partly_ordered(labels)):
        asked = (
            'Do the values run from lowest to highest as written? "ordinal" if so (turn them round if they '
            'run the other way), "nominal" if they have no order.'
        )
        return replace(found, kind=OPEN, questions={**found.questions, "kind": asked})
    return replace(found, kind="nominal", why="labelled; its labels show no order")


def _distinct(values: Mapping[str, str]) -> dict[str, str]:
    again = {text.casefold() for text in duplicates(label for label in values.values() if label != OPEN)}
    return {
        code: f"{label} ({code})" if label.casefold() in again else label for code, label in values.items()
    }


def _unlabelled(found: Guess, column: Column, valid: Sequence[str], ends: Mapping[str, str]) -> Guess:
    numbers = {code: as_number(code) or 0.0 for code in valid}
    whole = all(number.is_integer() for number in numbers.values())
    if len(valid) == 1 and not ends:
        return replace(found, kind="left out", why="every entry is the same")
    if not (whole and len(valid) <= _MOST_UNLABELLED) or found.topic in {"age", "birth year"} or ends:
        limits = _limits(numbers, column.counts, found.missing)
        return _measured(replace(found, kind="numeric", range=limits, why="numbers without labels"))
    order = sorted(valid, key=lambda code: numbers[code])
    if len(order) >= _SHORTEST_NUMERIC_SCALE:
        asked = (
            'What are these numbers? "numeric" for amounts and long scales; otherwise "ordinal" or '
            '"nominal", and a line values = { code = "label" } below.'
        )
        return replace(found, kind=OPEN, questions={**found.questions, "kind": asked})
    questions = {
        **found.questions,
        "kind": 'What are these numbers? "ordinal" if they stand for ordered answers (lowest first), '
        '"nominal" for categories without order, "numeric" for amounts.',
        "values": 'What does each code mean? Take the line out if the kind is "numeric".',
    }
    return replace(found, kind=OPEN, values=dict.fromkeys(order, OPEN), questions=questions)


def _measured(found: Guess) -> Guess:
    if found.topic == "age":
        return replace(found, unit="years", step=10.0, step_label="10 years", why="age in years")
    if found.topic == "birth year":
        return replace(found, unit="calendar years", step=10.0, step_label="10 years", why="years of birth")
    return found


def _limits(
    numbers: Mapping[str, float], counts: Mapping[str, int], missing: Mapping[str, str]
) -> tuple[float, float] | None:
    """Return a range that holds all numbers and tells no single respondent's."""
    low, high = min(numbers.values()), max(numbers.values())
    if low == high:
        return None
    shared = {number for code, number in numbers.items() if counts.get(code, 0) >= LEAST_SHOWN}
    unit = 10.0 ** math.floor(math.log10(high - low))
    below = low if low in shared else math.floor(low / unit) * unit
    above = high if high in shared else math.ceil(high / unit) * unit
    for code in missing:
        number = as_number(code)
        if number is not None and high < number <= above:
            above = max(high, number - 1)
        elif number is not None and below <= number < low:
            below = min(low, number + 1)
    blocked = any((number := as_number(code)) is not None and below <= number <= above for code in missing)
    return None if blocked else (below, above)


def _texts(found: Guess, column: Column, labels: Mapping[str, str], valid: Sequence[str]) -> Guess:
    longest = max(len(code) for code in valid)
    n_valid = sum(column.counts[code] for code in valid)
    if longest > _LONGEST_CATEGORY or len(valid) > min(_MOST_CATEGORIES, max(2.0, n_valid / LEAST_SHOWN)):
        return replace(
            found, kind="left out", missing={}, questions={}, why="answers in respondents' own words"
        )
    shown = [code for code in valid if code in labels or column.counts[code] >= LEAST_SHOWN]
    values = dict(labels) | {code: labels.get(code) or tidy(code) or code for code in sorted(shown)}
    if len(shown) < len(valid):
        asked = (
            f"Some texts that fewer than {LEAST_SHOWN} rows share are not shown here. Declare them among the "
            'values, or write "missing" to count them as missing.'
        )
        found = replace(found, undeclared=OPEN, questions={**found.questions, "undeclared": asked})
    if not values:
        return replace(
            found, kind="left out", missing={}, questions={}, why="answers in respondents' own words"
        )
    order = _worded_order(values)
    guess = _ordered(replace(found, values=_distinct(order)), column.said)
    why = "ordered by its words" if guess.kind == "ordinal" else "a few texts; their words show no order"
    return replace(guess, why=why)


def _worded_order(values: Mapping[str, str]) -> dict[str, str]:
    """Return texts in the order that their words have, if every next one fits in."""
    ordered: list[tuple[str, str]] = []
    for item in values.items():
        for place in range(len(ordered) + 1):
            trial = [*ordered[:place], item, *ordered[place:]]
            if len(trial) < 2 or order_of([label for _, label in trial]) > 0:
                ordered = trial
                break
        else:
            return dict(values)
    return dict(ordered)


def _topic(said: VariableMetadata) -> str:
    design = {"id", "weight", "stratum", "psu", "fpc"}
    return next((t for t in NAMES if t not in design and speaks_of(t, said.name, said.label)), "")
