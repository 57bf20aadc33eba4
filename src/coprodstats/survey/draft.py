"""Drafting a codebook from a survey file: what its columns probably are, and what has to be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePath

import pandas as pd

from coprodstats.survey.declared_variables import name_fault
from coprodstats.survey.draft_columns import guess_column, label_of
from coprodstats.survey.draft_design import design_rules, guess_design
from coprodstats.survey.draft_records import Column, Draft, Guess, tidy
from coprodstats.survey.file_format import FileFormat
from coprodstats.survey.metadata import FileMetadata, VariableMetadata
from coprodstats.survey.toml_table import duplicates


def draft_survey(codes: pd.DataFrame, said: FileMetadata, file: FileFormat | None = None) -> Draft:
    """Guess what the columns of a survey are.

    Parameters
    ----------
    codes
        The cells of the file as text, NA where blank.
    said
        What the file, or a page that comes with it, says about its columns.
    file
        How the file is written, where its name doesn't say it.

    Returns
    -------
    Draft
        A guess for every column, and questions where the file leaves a doubt.

    Examples
    --------
    >>> codes = pd.DataFrame({"respid": ["1", "2", "3", "4"], "sex": ["1", "2", "2", "1"]}, dtype="str")
    >>> sex = VariableMetadata(name="sex", label="Sex", values={"1": "man", "2": "woman"})
    >>> said = FileMetadata(source="survey.sav", format="sav", variables={"sex": sex})
    >>> [(guess.name, guess.kind) for guess in draft_survey(codes, said).guesses.values()]
    [('respid', 'id'), ('sex', 'nominal')]
    """
    columns = {
        name: Column(
            said=said.variables.get(name) or VariableMetadata(name=name),
            counts={str(code): int(count) for code, count in codes[name].value_counts().items()},
            n_rows=len(codes),
        )
        for name in map(str, codes.columns)
    }
    usable = {name: column for name, column in columns.items() if not name_fault(name)}
    design = guess_design(usable, said.weight)
    guesses = {
        name: design.get(name) or (guess_column(column) if name in usable else _unusable(column))
        for name, column in columns.items()
    }
    guesses = _with_own_labels(guesses)
    return Draft(
        source=said.source,
        title=tidy(said.title) or PurePath(said.source).name.partition(".")[0].replace("_", " "),
        n_rows=len(codes),
        guesses=guesses,
        rules=tuple(design_rules(codes, guesses)),
        file=file or FileFormat(),
    )


def _unusable(column: Column) -> Guess:
    why = "its name can't stand in formulas: rename it in the file if you need it"
    return Guess(name=column.name, label=label_of(column.said), kind="left out", why=why)


def _with_own_labels(guesses: Mapping[str, Guess]) -> dict[str, Guess]:
    """Add the name to labels that several columns share, since readers tell columns apart by them."""
    shared = {label.casefold() for label in duplicates(_labels(guesses.values()))}
    return {
        name: replace(guess, label=f"{guess.label} ({name})") if guess.label.casefold() in shared else guess
        for name, guess in guesses.items()
    }


def _labels(guesses: Iterable[Guess]) -> list[str]:
    return [guess.label for guess in guesses if guess.kind != "left out"]
