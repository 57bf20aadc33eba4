"""Drafting a codebook from a survey file: what its columns probably are, and what has to be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePath

import pandas as pd

from coprodstats.survey.draft_batteries import batteries
from coprodstats.survey.draft_columns import guess_column
from coprodstats.survey.draft_design import design_rules, guess_design
from coprodstats.survey.draft_names import fit_names
from coprodstats.survey.draft_records import OUTCOMES, Column, Draft, Guess, tidy
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
    fit = fit_names(map(str, codes.columns), taken=OUTCOMES)
    columns = {
        name: _column(codes[column], column, said.variables.get(column), name) for column, name in fit.items()
    }
    design = guess_design(columns, fit.get(said.weight, ""))
    guesses = {
        name: replace(
            design.get(name) or guess_column(columns[name]), column=column if column != name else ""
        )
        for column, name in fit.items()
    }
    guesses = _with_own_labels(guesses | batteries(guesses))
    return Draft(
        source=said.source,
        title=tidy(said.title) or PurePath(said.source).name.partition(".")[0].replace("_", " "),
        n_rows=len(codes),
        guesses=guesses,
        rules=tuple(design_rules(codes.rename(columns=fit), guesses)),
        file=file or FileFormat(),
    )


def _column(cells: pd.Series, column: str, said: VariableMetadata | None, name: str) -> Column:
    said = said or VariableMetadata(name=column)
    # A name that can't stand in formulas is often the question itself.
    label = said.label or ("" if name == column else column)
    counts = {str(code): int(count) for code, count in cells.value_counts().items()}
    return Column(said=replace(said, name=name, label=label), counts=counts, n_rows=len(cells))


def _with_own_labels(guesses: Mapping[str, Guess]) -> dict[str, Guess]:
    """Add the name to labels that several columns share, since readers tell columns apart by them."""
    shared = {label.casefold() for label in duplicates(_labels(guesses.values()))}
    return {
        name: replace(guess, label=f"{guess.label} ({name})") if guess.label.casefold() in shared else guess
        for name, guess in guesses.items()
    }


def _labels(guesses: Iterable[Guess]) -> list[str]:
    return [guess.label for guess in guesses if guess.kind != "left out"]
