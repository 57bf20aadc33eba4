"""Checking a survey file and its codebook before an analysis: faults, and what is worth a look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Literal

import pandas as pd

from coprodstats.errors import CodebookError, CoprodstatsError, listed
from coprodstats.survey.answers import Answers
from coprodstats.survey.cleaning import CleanedSurvey, clean
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.declarations import Codebook, Variable
from coprodstats.survey.display import record_html
from coprodstats.survey.draft_records import tidy
from coprodstats.survey.draft_words import means_missing
from coprodstats.survey.log import empty_table, how_many
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
        A fault stops an analysis; a warning goes into its report; a note is for whoever checks.
    code
        Code of the error or warning, where there is one.
    where, found, allowed, remedy
        As in `Fault`.
    """

    severity: Literal["fault", "warning", "note"]
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
        Faults, then warnings, then notes.
    error
        The error that an analysis would stop with, or None.
    cleaned
        The cleaned survey, if there is no fault.
    """

    findings: tuple[Finding, ...]
    error: CoprodstatsError | None = None
    cleaned: CleanedSurvey | None = None

    def notes(self) -> list[Finding]:
        """Return the notes, which stop nothing."""
        return [finding for finding in self.findings if finding.severity == "note"]

    def warnings(self) -> list[Finding]:
        """Return the warnings, which stop nothing and go into reports."""
        return [finding for finding in self.findings if finding.severity == "warning"]

    def rules(self) -> pd.DataFrame:
        """Return what each cleaning rule touches, also nothing: ``rule, action, detail, rows, cells``.

        Without a cleaned survey, because of faults, there are no rows.
        """
        return empty_table("rules") if self.cleaned is None else self.cleaned.log.rules.copy()

    def to_frame(self) -> pd.DataFrame:
        """Return all in one table: ``severity, code, where, found, allowed, remedy``.

        Rules stand after the findings, each as severity ``rule`` with the rows and cells that it touches.
        """
        rows = [[getattr(finding, column) for column in _COLUMNS] for finding in self.findings]
        rows += [
            [
                "rule",
                "",
                f"{rule}: {detail}" if detail else rule,
                f"{action}: {n} rows, {cells} cells",
                "",
                "",
            ]
            for rule, action, detail, n, cells in self.rules().itertuples(index=False)
        ]
        return pd.DataFrame(rows, columns=_COLUMNS, dtype="str")

    def _repr_html_(self) -> str:
        return record_html(self, tables={"findings": self.to_frame()})


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
        labels that differ from the file's own, and answers off the route; warnings are those of `clean`.

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
        warnings = _warnings((*declared.warnings, *survey.warnings), survey.source)
        return Checked(findings=(*_faults(error), *warnings, *notes), error=error)
    return Checked(findings=(*_warnings(cleaned.warnings, survey.source), *notes), cleaned=cleaned)


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


def _warnings(texts: Iterable[str], source: str) -> Iterator[Finding]:
    for text in texts:
        coded = re.fullmatch(r"\[(W-[A-Z]\d+)\] (.*)", text)
        code, found = coded.groups() if coded else ("", text)
        yield Finding(severity="warning", code=code, where=source, found=found)


def _notes(survey: SurveyData, said: Mapping[str, VariableMetadata]) -> Iterator[Finding]:
    codebook, columns = survey.codebook, read_columns(survey.frame, survey.codebook.variables)
    for name, variable in codebook.variables.items():
        where = f"{codebook.source}: variables.{name}"
        yield from _never(columns[name], where)
        if variable.file_column in said:
            yield from _other_wording(variable, said[variable.file_column], where)
            yield from _other_labels(variable, said[variable.file_column], where)
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


def _other_wording(variable: Variable, said: VariableMetadata, where: str) -> Iterator[Finding]:
    """Yield a variable's label or question that is another one in the file; a name is no label."""
    label, question = tidy(said.label), tidy(said.question)
    here = (variable.label, variable.question)
    for key, own, file_own in (("label", variable.label, label), ("question", variable.question, question)):
        named = own.casefold() in {"", variable.name.casefold(), variable.file_column.casefold()}
        # A draft puts the name behind a label that several columns share.
        alike = any(other.casefold().startswith(file_own.casefold()) for other in here)
        if file_own and not named and not alike:
            found = f"the file's own {key} is {file_own!r}, here it is {own!r}"
            yield Finding(severity="note", where=f"{where}.{key}", found=found)


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
