"""Names for columns whose own can't stand in formulas: short, readable, different from each other."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from coprodstats.survey.declared_variables import name_fault

_LONGEST = 32
_PLAIN = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "Ø": "O", "Æ": "Ae"})


def fit_names(columns: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return a name that can stand in formulas for every column, its own wherever that can.

    Parameters
    ----------
    columns
        Names of the columns in the file.
    taken
        Names that something else in the codebook has.

    Examples
    --------
    >>> fit_names(["age", "Q1. Trust in the police", "Q1. Trust in the police?", "lambda", "2 Größe"])
    ... # doctest: +NORMALIZE_WHITESPACE
    {'age': 'age', 'Q1. Trust in the police': 'Q1_Trust_in_the_police',
     'Q1. Trust in the police?': 'Q1_Trust_in_the_police_2', 'lambda': 'lambda_', '2 Größe': 'q2_Grosse'}
    """
    names = list(columns)
    fit = {column: column for column in names if not name_fault(column)}
    used = {name.casefold() for name in (*fit, *taken)}
    for position, column in enumerate(names, start=1):
        if column in fit:
            continue
        stem = _stem(column) or f"column_{position}"
        name, number = stem, 1
        while name.casefold() in used or name_fault(name):
            number += 1
            name = f"{stem}_" if number == 2 and name_fault(stem) else f"{stem}_{number}"
        used.add(name.casefold())
        fit[column] = name
    return {column: fit[column] for column in names}


def _stem(column: str) -> str:
    """Return the words of a name in plain letters and digits, cut after a whole word."""
    letters = unicodedata.normalize("NFKD", column.translate(_PLAIN))
    plain = "".join(char for char in letters if not unicodedata.combining(char))
    stem = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")
    stem = f"q{stem}" if stem[:1].isdigit() else stem
    if len(stem) > _LONGEST:
        stem = stem[: _LONGEST + 1].rpartition("_")[0] or stem[:_LONGEST]
    return stem
