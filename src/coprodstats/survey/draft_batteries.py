"""Batteries: columns of one name and a number, answered on one scale that the file has no words for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from coprodstats.survey.draft_records import Guess
from coprodstats.survey.toml_lines import OPEN

_FEWEST_ITEMS = 3
_FEWEST_POINTS = 4


def batteries(guesses: Mapping[str, Guess]) -> dict[str, Guess]:
    """Return guesses for items of batteries, whose points are called by their codes.

    Three columns or more with one name and a number, whose codes are the same four whole numbers or more, are
    items on a scale. Which end of it means what nobody knows; that a higher number is more of it is all that
    its order says.

    Parameters
    ----------
    guesses
        Guesses for all columns.

    Examples
    --------
    >>> asked = {"kind": "What are these numbers?", "values": "What does each code mean?"}
    >>> scale = dict.fromkeys("1234", OPEN)
    >>> items = [
    ...     Guess(name=name, label=name, kind=OPEN, values=scale, questions=asked)
    ...     for name in ("a1", "a2", "a3", "b")
    ... ]
    >>> found = batteries({item.name: item for item in items})
    >>> list(found), found["a1"].kind, found["a1"].values["4"]
    (['a1', 'a2', 'a3'], 'ordinal', '4')
    """
    families: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name, guess in guesses.items():
        wordless = guess.kind == OPEN and guess.values and set(guess.values.values()) == {OPEN}
        if (
            wordless
            and len(guess.values) >= _FEWEST_POINTS
            and (match := re.fullmatch(r"(.*?)\d+[a-z]?", name))
        ):
            families.setdefault((match[1], tuple(guess.values)), []).append(name)
    return {
        name: _item(guesses[name], len(names))
        for names in families.values()
        if len(names) >= _FEWEST_ITEMS
        for name in names
    }


def _item(guess: Guess, n_items: int) -> Guess:
    codes = list(guess.values)
    why = (
        f"one of {n_items} columns with the codes {codes[0]} to {codes[-1]} and no words for them: write "
        "words in place of the numbers, and turn the values round if the lowest code is the most"
    )
    asked = {key: question for key, question in guess.questions.items() if key not in {"kind", "values"}}
    return replace(guess, kind="ordinal", values={code: code for code in codes}, questions=asked, why=why)
