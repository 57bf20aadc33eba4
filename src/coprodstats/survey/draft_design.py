"""Which columns of a survey file say who was asked and how they were drawn: ids, weights, strata, PSUs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from coprodstats.errors import listed
from coprodstats.survey.draft_columns import label_of
from coprodstats.survey.draft_missing import missing_codes
from coprodstats.survey.draft_records import Column, Guess, Rule
from coprodstats.survey.draft_words import speaks_of
from coprodstats.survey.numbers import as_number
from coprodstats.survey.toml_lines import OPEN

_FEWEST_REPLICATES = 8
_NEAR_ONE = (0.7, 1.4)
_NEARLY_ALL = 0.9
_LONGEST_ID = 40


def guess_design(columns: Mapping[str, Column], weight: str) -> dict[str, Guess]:
    """Return guesses for the columns that are ids, weights, strata or PSUs, or might be.

    Parameters
    ----------
    columns
        The columns of the file by name.
    weight
        Name of the column that the file itself uses as weight, or an empty string.
    """
    found = _replicates(columns)
    for guess in (_ids, lambda left: _weights(left, weight), _strata, _psus, _populations):
        found |= guess({name: column for name, column in columns.items() if name not in found})
    return found


def design_rules(codes: pd.DataFrame, guesses: Mapping[str, Guess]) -> list[Rule]:
    """Return the rules about rows and the design that the file itself makes necessary.

    Parameters
    ----------
    codes
        The cells as text, NA where blank.
    guesses
        Guesses for all columns.
    """
    named: dict[str, list[str]] = {}
    for guess in guesses.values():
        named.setdefault(guess.kind, []).append(guess.name)
    used = [guess.name for guess in guesses.values() if guess.kind != "left out"]
    rules = []
    if named.get("id") and codes[named["id"][0]].dropna().duplicated().any():
        asked = 'Ids occur more than once. "keep first" of such rows, "drop all" of them, or "error"?'
        rules.append(Rule(table="cleaning", key="duplicate_ids", value=OPEN, question=asked))
    if used and codes[used].isna().all(axis=1).any():
        asked = 'Some rows are empty. "drop" them, or "error"?'
        rules.append(Rule(table="cleaning", key="empty_rows", value=OPEN, question=asked))
    drawn = [name for kind in ("weight", "stratum", "psu") for name in named.get(kind, [])]
    if drawn and codes[drawn].isna().any(axis=None):
        asked = f'Some rows have no entry in {listed(drawn)}. "drop" them, or "error"?'
        rules.append(Rule(table="cleaning", key="missing_design", value=OPEN, question=asked))
    if "replicate weight" in named:
        asked = 'How were the replicate weights made? "brr", "fay", "jk1", "jkn", "bootstrap" or "sdr".'
        rules.append(Rule(table="design", key="replicate_method", value=OPEN, question=asked))
    elif named.get("psu"):
        rules += _psu_rules(codes, named.get("stratum", [""])[0], named["psu"][0])
    return rules


def _psu_rules(codes: pd.DataFrame, stratum: str, psu: str) -> list[Rule]:
    pairs = codes[[psu] if not stratum else [stratum, psu]].dropna().drop_duplicates()
    rules = []
    if stratum:
        crossing = pairs.groupby(psu)[stratum].size() > 1
        if crossing.mean() > 0.5:
            why = "most codes of PSUs occur in several strata, so they begin anew in each"
            rules.append(Rule(table="design", key="nested", value=True, why=why))
        elif crossing.any():
            asked = (
                "Some codes of PSUs occur in several strata. true if they are different PSUs; otherwise mend "
                "the file."
            )
            rules.append(Rule(table="design", key="nested", value=OPEN, question=asked))
    per_stratum = pairs.groupby(stratum)[psu].size() if stratum else pd.Series([len(pairs)])
    if (per_stratum == 1).any():
        asked = (
            "Strata with a single PSU say nothing about the spread within them. "
            '"adjust" (cautious), "average", "remove", or "error"?'
        )
        rules.append(Rule(table="design", key="lonely_psu", value=OPEN, question=asked))
    return rules


def _numbers(column: Column) -> np.ndarray:
    """Return all numbers of a column, each as often as it occurs; empty if it holds anything else."""
    missing, _ = missing_codes(column)
    kept = {code: count for code, count in column.counts.items() if code not in missing}
    numbers = [as_number(code) for code in kept]
    if None in numbers or not numbers:
        return np.array([])
    return np.repeat(np.array(numbers, dtype=float), list(kept.values()))


def _named(column: Column, kind: str) -> Guess:
    missing = {code: reason for code, reason in missing_codes(column)[0].items() if reason != OPEN}
    return Guess(name=column.name, label=label_of(column.said), kind=kind, missing=missing)  # type: ignore[arg-type]


def _replicates(columns: Mapping[str, Column]) -> dict[str, Guess]:
    families: dict[str, list[str]] = {}
    for name in columns:
        if match := re.fullmatch(r"(.*?[A-Za-z_])(\d+)", name):
            families.setdefault(match[1], []).append(name)
    found: dict[str, Guess] = {}
    for stem, names in families.items():
        words = re.search(r"rep|brr|jk|boot|fstr|wt|wgt|weight|gewicht|poids", stem.casefold())
        if words and len(names) >= _FEWEST_REPLICATES and all(_weighs(columns[name]) for name in names):
            why = f"one of {len(names)} columns of weights in a row"
            found |= {name: replace(_named(columns[name], "replicate weight"), why=why) for name in names}
    return found


def _weighs(column: Column) -> bool:
    """Say whether a column might hold weights: numbers of 0 or more, not all whole, some of them above 0."""
    numbers = _numbers(column)
    many = len(set(numbers)) > 2 and not column.said.values  # noqa: PD011  (no data frame)
    return many and numbers.min() >= 0 and bool((numbers % 1 != 0).any() or numbers.mean() > 1000)


def _ids(columns: Mapping[str, Column]) -> dict[str, Guess]:
    # Sampling units may be the respondents themselves.
    drawn = {name for name, column in columns.items() if speaks_of("psu", name, column.said.label)}
    unique = [name for name, column in columns.items() if name not in drawn and _identifies(column)]
    named = [name for name in unique if speaks_of("id", name, columns[name].said.label)]
    if named:
        return {
            named[0]: replace(_named(columns[named[0]], "id"), why="its name; nearly all codes differ")
        } | {
            name: replace(_named(columns[name], "left out"), why="nearly every row has a code of its own")
            for name in unique
            if name != named[0]
        }
    whole = [name for name in unique if not any(as_number(code) is None for code in columns[name].counts)]
    if not whole:
        return {}
    asked = 'Every row has a number of its own here. "id" if it names the respondent, otherwise "numeric".'
    return {whole[0]: replace(_named(columns[whole[0]], OPEN), questions={"kind": asked})}


def _identifies(column: Column) -> bool:
    n_filled = column.n_rows - column.n_blank
    if not n_filled or len(column.counts) < _NEARLY_ALL * n_filled or len(column.counts) < 3:
        return False
    if column.said.type == "date" or column.said.values:  # noqa: PD011  (no data frame)
        return False
    short = all(len(code) <= _LONGEST_ID and " " not in code for code in column.counts)
    numbers = [as_number(code) for code in column.counts]
    return short and all(number is None or number.is_integer() for number in numbers)


def _weights(columns: Mapping[str, Column], weight: str) -> dict[str, Guess]:
    likely = {name: column for name, column in columns.items() if name == weight or _weighs(column)}
    named = [name for name, column in likely.items() if speaks_of("weight", name, column.said.label)]
    if weight in likely or len(named) == 1:
        name = weight if weight in likely else named[0]
        why = (
            "the file itself weights by it" if name == weight else f"its name or label; {_mean(likely[name])}"
        )
        rest = [other for other in named if other != name]
        return {name: replace(_named(likely[name], "weight"), why=why)} | {
            other: replace(_named(likely[other], "left out"), why="another weight") for other in rest
        }
    if named:
        asked = (
            f'{len(named)} columns look like weights: {listed(named)}. "weight" for the one that the '
            'survey\'s documentation tells to use, "numeric" for the others.'
        )
        return {name: replace(_named(likely[name], OPEN), questions={"kind": asked}) for name in named}
    nameless = [
        name for name, column in likely.items() if _NEAR_ONE[0] < _numbers(column).mean() < _NEAR_ONE[1]
    ]
    asked = 'Positive numbers around 1. "weight" if they are the survey\'s weights, otherwise "numeric".'
    return {name: replace(_named(likely[name], OPEN), questions={"kind": asked}) for name in nameless[:1]}


def _mean(column: Column) -> str:
    mean = _numbers(column).mean()
    return "mean near 1" if _NEAR_ONE[0] < mean < _NEAR_ONE[1] else "numbers above 0"


def _strata(columns: Mapping[str, Column]) -> dict[str, Guess]:
    return _first(columns, "stratum", lambda column: 2 <= len(column.counts) <= column.n_rows / 4)


def _psus(columns: Mapping[str, Column]) -> dict[str, Guess]:
    return _first(columns, "psu", lambda column: 2 <= len(column.counts) <= column.n_rows)


def _populations(columns: Mapping[str, Column]) -> dict[str, Guess]:
    asked = (
        '"fpc" if this is the number of units in the population, or the share of them that was drawn, for '
        'each stratum; otherwise "numeric".'
    )
    named = [name for name, one in columns.items() if speaks_of("fpc", name) and len(_numbers(one))]
    return {name: replace(_named(columns[name], OPEN), questions={"kind": asked}) for name in named}


def _first(columns: Mapping[str, Column], kind: str, fits: Callable[[Column], bool]) -> dict[str, Guess]:
    named: Sequence[str] = [
        name for name, column in columns.items() if speaks_of(kind, name, column.said.label) and fits(column)
    ]
    if not named:
        return {}
    if len(named) == 1:
        return {named[0]: replace(_named(columns[named[0]], kind), why="its name or label")}
    asked = (
        f'{len(named)} columns look like {kind} columns: {listed(named)}. "{kind}" for the one that the '
        "survey's documentation names; move the names of the others to ignore_columns."
    )
    return {name: replace(_named(columns[name], OPEN), questions={"kind": asked}) for name in named}
