"""What a draft of a codebook starts from and what it guesses: records, and how texts are made fit for it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from coprodstats.survey.declarations import Kind
from coprodstats.survey.file_format import FileFormat
from coprodstats.survey.metadata import VariableMetadata
from coprodstats.survey.toml_table import odd_characters

LEAST_SHOWN = 10
"""Texts, and ends of a range, that fewer respondents share are not written into a draft."""
OUTCOMES = {
    "individual_any": ("people do on their own", "Individual co-production: at least one activity"),
    "collective_any": ("people do together with others", "Collective co-production: at least one activity"),
}
"""Names of the two drafted outcomes, what they are about, and their labels."""
GuessedKind = Kind | Literal["?", "left out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a file.

    Attributes
    ----------
    said
        What the file says about it.
    counts
        How often each code occurs, blanks aside.
    n_rows
        Number of rows, blanks included.
    """

    said: VariableMetadata
    counts: Mapping[str, int]
    n_rows: int

    @property
    def name(self) -> str:
        """Name of the column."""
        return self.said.name

    @property
    def n_blank(self) -> int:
        """Number of blank cells."""
        return self.n_rows - sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What a column is taken for.

    Attributes
    ----------
    name, label, kind, values, missing, range, unit, step, step_label, undeclared, question
        As in a codebook; ``"?"`` where that is asked.
    topic
        What the column is about, such as ``"age"``; empty if that is unknown.
    why
        What the guess rests on, in words for a comment.
    questions
        Key to the question that is asked there.
    column
        Name of the column in the file, where it is another than ``name``; else empty.
    """

    name: str
    label: str
    kind: GuessedKind
    values: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    range: tuple[float, float] | None = None
    unit: str = ""
    step: float = 1.0
    step_label: str = ""
    undeclared: str = ""
    question: str = ""
    topic: str = ""
    why: str = ""
    questions: Mapping[str, str] = field(default_factory=dict)
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule about rows or the design that the file makes necessary.

    Attributes
    ----------
    table, key
        Where it stands in the codebook.
    value
        Its value; ``"?"`` if it is asked.
    question, why
        What is asked; what it rests on.
    """

    table: Literal["cleaning", "design"]
    key: str
    value: str | bool
    question: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All that is guessed about a survey file.

    Attributes
    ----------
    source
        Name of the file.
    title
        Title of the survey.
    n_rows
        Number of rows.
    guesses
        Name of the column to what it is taken for, in the order of the file.
    rules
        Rules about rows and the design.
    file
        How the file is written.
    """

    source: str
    title: str
    n_rows: int
    guesses: Mapping[str, Guess]
    rules: tuple[Rule, ...] = ()
    file: FileFormat = field(default_factory=FileFormat)

    def used(self) -> list[Guess]:
        """Return the guesses for columns that the codebook declares."""
        return [guess for guess in self.guesses.values() if guess.kind != "left out"]

    def left_out(self) -> list[Guess]:
        """Return the guesses for columns that the codebook ignores."""
        return [guess for guess in self.guesses.values() if guess.kind == "left out"]

    def of_kind(self, *kinds: str) -> list[Guess]:
        """Return the guesses of these kinds."""
        return [guess for guess in self.guesses.values() if guess.kind in kinds]


def tidy(text: str) -> str:
    """Return a text as codebooks want it: composed accents, plain spaces, nothing that can't be seen.

    Examples
    --------
    >>> tidy(" Very" + chr(0xA0) + " often" + chr(0x200B))
    'Very often'
    """
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(" " if odd_characters(f"x{char}x") else char for char in composed)
    return " ".join(kept.split())
