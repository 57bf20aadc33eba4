"""Cleaning: from codes to typed answers, every step logged, nothing lost without a count."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import (
    CoprodstatsError,
    DesignError,
    DuplicateIdError,
    Fault,
    InputError,
    UnexpectedCodeError,
    listed,
)
from coprodstats.survey.answers import BLANK, Answers, read_answers
from coprodstats.survey.declared_sampling import sampling_design
from coprodstats.survey.design import SurveyDesign
from coprodstats.survey.log import CleaningLog, count_by_reason, how_many
from coprodstats.survey.scales import derived

if TYPE_CHECKING:
    from coprodstats.survey.declarations import Codebook, Kind
    from coprodstats.survey.reading import SurveyData

_RULES = (
    "missing code",
    "blank",
    "undeclared code",
    "not a number",
    "out of range",
    "reversed",
    "not derived",
)
_DESIGN_KINDS: tuple[Kind, ...] = ("weight", "stratum", "psu", "fpc", "replicate weight")
_USUAL_KINDS = _DESIGN_KINDS[:3]  # logged even where no column has that kind
_Mask = NDArray[np.bool_]
_Found = tuple[type[CoprodstatsError], Fault]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CleanedSurvey:
    """A survey that is ready for analysis, with the account of how it came about.

    Attributes
    ----------
    log
        What happened to every row and cell.
    codebook
        The codebook with the item mapping in use.
    design
        The sampling design that the codebook declares, or None.
    survey
        The codes of the rows kept, as they were read.
    """

    _frame: pd.DataFrame
    _reasons: pd.DataFrame
    log: CleaningLog
    codebook: Codebook
    design: SurveyDesign | None
    survey: SurveyData = field(repr=False)

    @property
    def frame(self) -> pd.DataFrame:
        """A copy of the answers: variables, then indices, then outcomes; rows in the order of the file."""
        return self._frame.copy()

    @property
    def reasons(self) -> pd.DataFrame:
        """A copy of the reasons: same shape, the reason where the answer is missing, NA elsewhere."""
        return self._reasons.copy()

    @property
    def mapping(self) -> str:
        """Name of the item mapping in use, or an empty string."""
        return self.codebook.mapping

    @property
    def source(self) -> str:
        """Name of the survey file."""
        return self.survey.source

    @property
    def sha256(self) -> str:
        """Hash of the bytes of the survey file."""
        return self.survey.sha256

    def label_of(self, column: str) -> str:
        """Return the label of a column.

        Parameters
        ----------
        column
            Name of a variable, index or outcome.

        Raises
        ------
        ArgumentError
            If there is no such column.
        """
        return self.codebook.label_of(column)

    def __repr__(self) -> str:
        rows, columns = self._frame.shape
        mapping = f", mapping {self.mapping!r}" if self.mapping else ""
        return f"<CleanedSurvey {self.source!r}: {rows} rows, {columns} columns{mapping}>"


def clean(survey: SurveyData, *, mapping: str | None = None) -> CleanedSurvey:
    """Clean a survey by the rules of its codebook.

    The steps, always in this order: empty rows; repeated ids; rows without weight, stratum or PSU; missing
    codes; blanks; undeclared codes; text for numbers; numbers out of range; reversal; indices and outcomes.
    Rows are compared as they are in the file; an id that is itself missing repeats nothing.

    Parameters
    ----------
    survey
        Codes as read.
    mapping
        Name of the item mapping for indices and outcomes; the default is the codebook's first.

    Returns
    -------
    CleanedSurvey
        Cleaning its ``survey`` again changes nothing and excludes no row.

    Raises
    ------
    UnexpectedCodeError
        If codes or numbers are not declared and the codebook doesn't say what to do with them.
    DuplicateIdError
        If ids repeat and the codebook doesn't say what to do.
    DesignError
        If rows lack a weight, stratum or PSU and the codebook doesn't say what to do.
    InputError
        If several of these are found, or no row is left; it holds all faults.
    ArgumentError
        If no mapping has that name.

    Examples
    --------
    >>> from coprodstats.survey.declarations import Codebook, Variable
    >>> from coprodstats.survey.reading import SurveyData
    >>> trust = Variable(
    ...     name="trust",
    ...     label="Trust",
    ...     kind="ordinal",
    ...     values={"1": "low", "2": "high"},
    ...     missing={"8": "don't know"},
    ... )
    >>> codebook = Codebook(title="", synthetic=False, variables={"trust": trust})
    >>> codes = pd.DataFrame({"trust": ["2", "8", "1"]}, dtype="str")
    >>> cleaned = clean(SurveyData(frame=codes, codebook=codebook))
    >>> cleaned.frame["trust"].tolist()
    ['high', nan, 'low']
    >>> cleaned.log.missing_by_reason()
      variable      reason  cells
    0    trust  don't know      1
    """
    survey = replace(survey, frame=survey.frame.reset_index(drop=True))
    if mapping is not None:
        survey = replace(survey, codebook=survey.codebook.with_mapping(mapping))
    kept, excluded, found = _select_rows(survey)
    rows = survey.frame.loc[kept].reset_index(drop=True)
    answers = {
        name: read_answers(rows[name], variable, survey.source)
        for name, variable in survey.codebook.variables.items()
    }
    found += [(UnexpectedCodeError, fault) for answer in answers.values() for fault in answer.faults]
    if not found and not len(rows):
        found.append((InputError, Fault(where=survey.source, found="no row is left after cleaning")))
    _raise(found)
    return _assembled(replace(survey, frame=rows), answers, rows_in=survey.n_rows, excluded=excluded)


def _raise(found: list[_Found]) -> None:
    """Raise all faults at once: as their own class if they share it, else as their family."""
    families = {family for family, _ in found}
    if families:
        family = families.pop() if len(families) == 1 else InputError
        raise family(*(fault for _, fault in found))


def _assembled(
    survey: SurveyData, answers: dict[str, Answers], *, rows_in: int, excluded: pd.DataFrame
) -> CleanedSurvey:
    codebook = survey.codebook
    values = pd.DataFrame({name: answer.typed for name, answer in answers.items()})
    reasons = pd.DataFrame({name: answer.reasons for name, answer in answers.items()})
    made, why = derived(values, reasons, codebook.variables, codebook.indices, codebook.outcomes)
    frame, reasons = pd.concat([values, made], axis=1), pd.concat([reasons, why], axis=1)
    missing = count_by_reason(reasons)
    n_missing = frame.isna().sum()
    valid = pd.DataFrame(
        {
            "variable": pd.Series(frame.columns, dtype="str"),
            "valid": (len(frame) - n_missing).to_numpy(),
            "missing": n_missing.to_numpy(),
        }
    )
    log = CleaningLog(
        rows_in=rows_in,
        rows_kept=len(frame),
        excluded=excluded,
        cells=_cells(answers, why),
        valid=valid,
        missing=missing,
    )
    design = sampling_design(codebook.variables, codebook.sampling)
    return CleanedSurvey(
        _frame=frame, _reasons=reasons, log=log, codebook=codebook, design=design, survey=survey
    )


def _cells(answers: dict[str, Answers], why: pd.DataFrame) -> pd.DataFrame:
    entries = [
        (rule, name, reason, n) for name, answer in answers.items() for rule, reason, n in answer.cells
    ]
    for name in why:
        counts = why[name].value_counts().sort_index()
        entries += [("not derived", str(name), str(reason), int(n)) for reason, n in counts.items()]
        entries += [] if len(counts) else [("not derived", str(name), "", 0)]
    applied = {rule for rule, *_ in entries}
    entries += [(rule, "", "", 0) for rule in _RULES if rule not in applied]
    entries.sort(key=lambda entry: _RULES.index(entry[0]))
    cells = pd.DataFrame(entries, columns=["rule", "variable", "reason", "cells"])
    return cells.astype({"rule": "str", "variable": "str", "reason": "str", "cells": "int64"})


def _select_rows(survey: SurveyData) -> tuple[_Mask, pd.DataFrame, list[_Found]]:
    """Return the rows to keep, the excluded ones by reason, and what the codebook doesn't allow."""
    rules, source = survey.codebook.cleaning, survey.source
    found: list[_Found] = []
    empty = survey.frame.isna().all(axis=1).to_numpy()
    if rules.empty_rows == "error" and empty.any():
        found.append((InputError, _empty_fault(source, int(empty.sum()))))
    steps = {"empty row": empty if rules.empty_rows == "drop" else np.zeros_like(empty)}
    kept = ~steps["empty row"]
    repeated, fault = _repeated_ids(survey, kept)
    found += [(DuplicateIdError, fault)] if fault else []
    steps["repeated id"] = repeated
    kept &= ~repeated
    for kind in _DESIGN_KINDS:
        names = survey.codebook.all_named(kind)
        if not names and kind not in _USUAL_KINDS:
            continue
        lacking = kept & ~empty & _lacking(survey, names)
        if rules.missing_design == "error" and lacking.any():
            found.append((DesignError, _lacking_fault(survey, kind, names, int(lacking.sum()))))
            lacking = np.zeros_like(empty)
        steps[f"missing {kind}"] = lacking
        kept &= ~lacking
    counts = {
        "reason": pd.array(list(steps), dtype="str"),
        "rows": [int(step.sum()) for step in steps.values()],
    }
    return kept, pd.DataFrame(counts), found


def _repeated_ids(survey: SurveyData, kept: _Mask) -> tuple[_Mask, Fault | None]:
    none = np.zeros_like(kept)
    name = survey.codebook.named("id")
    if not name:
        return none, None
    rule = survey.codebook.cleaning.duplicate_ids
    answers = read_answers(survey.frame[name], survey.codebook.variables[name], survey.source)
    ids = answers.typed[kept].dropna()
    again = ids.duplicated(keep="first" if rule == "keep first" else False)
    if rule == "error" and again.any():
        n_rows, n_ids = int(again.sum()), int(ids[again].nunique())
        return none, Fault(
            where=f"{survey.source}: {name}",
            found=f"{how_many(n_ids)} ids occur more than once, in {how_many(n_rows)} rows",
            allowed="one row per id",
            remedy='set cleaning.duplicate_ids = "keep first" or "drop all"',
        )
    repeated = np.zeros_like(kept)
    repeated[again.index[again]] = True
    return repeated, None


def _lacking(survey: SurveyData, names: tuple[str, ...]) -> _Mask:
    lacking = np.zeros(survey.n_rows, dtype=bool)
    for name in names:
        variable = survey.codebook.variables[name]
        reasons = read_answers(survey.frame[name], variable, survey.source).reasons
        # Text for a weight is not a missing weight: it is a fault of its own.
        lacking |= reasons.isin([BLANK, *variable.missing.values()]).to_numpy()
    return lacking


def _empty_fault(source: str, count: int) -> Fault:
    return Fault(
        where=source,
        found=f"{how_many(count)} rows have no entry at all",
        remedy='set cleaning.empty_rows = "drop"',
    )


def _lacking_fault(survey: SurveyData, kind: Kind, names: tuple[str, ...], count: int) -> Fault:
    return Fault(
        where=f"{survey.source}: {listed(names)}",
        found=f"{how_many(count)} rows have no {kind}",
        remedy='set cleaning.missing_design = "drop"',
    )
