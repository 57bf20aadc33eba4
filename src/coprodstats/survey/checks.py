"""Checking a survey file and its codebook before an analysis: faults, and what is worth a look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Literal

import pandas as pd

from coprodstats.errors import CodebookError, CoprodstatsError, listed
from coprodstats.survey.answers import Answers
from coprodstats.survey.cleaning import CleanedSurvey, clean
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.declarations import Codebook, Variable
from coprodstats.survey.draft_records import tidy
from coprodstats.survey.draft_words import means_missing
from coprodstats.survey.log import how_many
from coprodstats.survey.metadata import VariableMetadata
from coprodstats.survey.metadata_reading import read_metadata
from coprodstats.survey.reading import SurveyData, read_survey
from coprodstats.survey.routing import read_columns, route_counts

_COLUMNS = ["severity", "code", "where", "found", "allowed", "remedy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of a check.

    Attributes
    ----------
    severity
        A fault stops an analysis; a note doesn't.
    code
        Code of the error, empty for a note.
    where, found, allowed, remedy
        As in `Fault`.
    """

    severity: Literal["fault", "note"]
    where: str
    found: str
    code: str = ""
    allowed: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checked:
    """What a check found.

    Attributes
    ----------
    findings
        Faults, then notes.
    error
        The error that an analysis would stop with, or None.
    cleaned
        The cleaned survey, if there is no fault.
    """

    findings: tuple[Finding, ...]
    error: CoprodstatsError | None = None
    cleaned: CleanedSurvey | None = None

    def notes(self) -> list[Finding]:
        """Return the findings that stop nothing."""
        return [finding for finding in self.findings if finding.severity == "note"]

    def to_frame(self) -> pd.DataFrame:
        """Return the findings as a table: ``severity, code, where, found, allowed, remedy``."""
        rows = [[getattr(finding, column) for column in _COLUMNS] for finding in self.findings]
        return pd.DataFrame(rows, columns=_COLUMNS, dtype="str")


def check_survey(path: str | PathLike[str], codebook: str | PathLike[str]) -> Checked:
    r"""Check a survey file against its codebook; nothing is raised and nothing is written.

    Parameters
    ----------
    path
        The survey file.
    codebook
        The codebook file.

    Returns
    -------
    Checked
        All faults that can be found at once: those of the codebook first, since without one the file isn't
        read; then those of the file; then those of its codes. Notes tell of declared codes that never occur,
        labels that differ from the file's own, and answers off the route.

    Raises
    ------
    InputError
        If the file changes between reading its codes and its labels.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> text = '[variables.sex]\nlabel = "Sex"\nkind = "nominal"\nvalues = { 1 = "man", 2 = "woman" }'
    >>> with TemporaryDirectory() as folder:
    ...     survey, codebook = Path(folder) / "survey.csv", Path(folder) / "codebook.toml"
    ...     _ = survey.write_text("sex\n1\n1\n")
    ...     _ = codebook.write_text(text)
    ...     checked = check_survey(survey, codebook)
    >>> [finding.found for finding in checked.notes()]
    ['declared, and never occurs: 2']
    """
    try:
        declared = read_codebook(codebook)
    except CodebookError as error:
        return Checked(findings=tuple(_faults(error)), error=error)
    try:
        survey = read_survey(path, declared)
    except CoprodstatsError as error:
        return Checked(findings=tuple(_faults(error)), error=error)
    notes = tuple(_notes(survey, read_metadata(path, declared.file).variables))
    try:
        cleaned = clean(survey)
    except CoprodstatsError as error:
        return Checked(findings=(*_faults(error), *notes), error=error)
    return Checked(findings=notes, cleaned=cleaned)


def _faults(error: CoprodstatsError) -> Iterator[Finding]:
    for fault in error.faults:
        yield Finding(
            severity="fault",
            code=error.code,
            where=fault.where,
            found=fault.found,
            allowed=fault.allowed,
            remedy=fault.remedy,
        )


def _notes(survey: SurveyData, said: Mapping[str, VariableMetadata]) -> Iterator[Finding]:
    codebook, columns = survey.codebook, read_columns(survey.frame, survey.codebook.variables)
    for warning in survey.warnings:
        yield Finding(severity="note", where=survey.source, found=warning)
    for name, variable in codebook.variables.items():
        where = f"{codebook.source}: variables.{name}"
        yield from _never(columns[name], where)
        if name in said:
            yield from _other_labels(variable, said[name], where)
    yield from _off_route(columns, codebook, survey.source)


def _never(column: Answers, where: str) -> Iterator[Finding]:
    occurring = {*column.coded.codes, *column.meant}
    variable = column.variable
    for key, codes in (("values", variable.codes), ("missing", tuple(variable.missing))):
        absent = [code for code in codes if code not in occurring]
        if absent and variable.kind in {"nominal", "ordinal"}:
            yield Finding(
                severity="note", where=f"{where}.{key}", found=f"declared, and never occurs: {listed(absent)}"
            )


def _other_labels(variable: Variable, said: VariableMetadata, where: str) -> Iterator[Finding]:
    declared, own = dict(variable.values), dict(said.values)
    labels = {code: tidy(label) for code, label in own.items()}
    other = [
        f"{code} is {labels[code]!r} there and {label!r} here"
        for code, label in declared.items()
        if code in labels and not label.casefold().startswith(labels[code].casefold())
    ]
    if other:
        found = f"labels differ from the file's own: {listed(other, 6)}"
        yield Finding(severity="note", where=f"{where}.values", found=found)
    lacking = [code for code in declared if means_missing(labels.get(code, ""))]
    if lacking:
        found = f"an answer here, and by the file's label a missing one: {listed(lacking)}"
        remedy = f"move it to variables.{variable.name}.missing"
        yield Finding(severity="note", where=f"{where}.values", found=found, remedy=remedy)


def _off_route(columns: Mapping[str, Answers], codebook: Codebook, source: str) -> Iterator[Finding]:
    for count in route_counts(columns):
        told = {
            "answered outside the route": count.answered_outside,
            "blank inside the route": count.blank_inside,
            "blank, and the question before too": count.unknown,
        }
        parts = [f"{how_many(n)} rows {words}" for words, n in told.items() if n]
        before = listed(
            [codebook.variables[name].label for name in columns[count.variable].variable.asked_if]
        )
        if parts:
            found = f"asked by the answer to {before}: {listed(parts)}"
            yield Finding(severity="note", where=f"{source}: {count.variable}", found=found)
