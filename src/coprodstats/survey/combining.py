"""Several files of one study, each with a codebook of its own, as one survey."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import (
    ArgumentError,
    Fault,
    Found,
    InputError,
    SchemaError,
    UnexpectedCodeError,
    did_you_mean,
    listed,
    raise_found,
)
from coprodstats.survey.answers import LONGEST_CODE, MISSING_CODE, Answers, read_answers
from coprodstats.survey.declarations import NUMBERS, Codebook, Variable
from coprodstats.survey.harmonise import OWN_UNITS, FileMap, Harmonise
from coprodstats.survey.log import how_many
from coprodstats.survey.numbers import as_number
from coprodstats.survey.reading import SurveyData

_Line = tuple[str, str, str, int]


def combine(surveys: Mapping[str, SurveyData], codebook: Codebook) -> SurveyData:
    """Combine the surveys of several files, as the codebook's table ``harmonise`` declares it.

    Parameters
    ----------
    surveys
        Name of each file in ``harmonise.files`` to its survey, read with a codebook of its own.
    codebook
        The common codebook. Its variable ``harmonise.source`` gets the name of the file.

    Returns
    -------
    SurveyData
        The rows of all files, in the order of ``harmonise.files``, with common codes; its ``sources`` tell
        what became of each file, and so does the log of `clean`.

    Raises
    ------
    ArgumentError
        If the surveys are not those that the codebook declares.
    SchemaError
        If columns are absent, or present and neither used nor left out.
    UnexpectedCodeError
        If codes have no common code, or would silently change their meaning.
    InputError
        If several of these are found; it holds all faults.

    Notes
    -----
    - A variable with a table ``codes`` takes only what stands there; numbers, ids, strata and PSUs that it
      doesn't name stay as they are. Without such a table codes must mean the same in both codebooks, by
      their labels and reasons.
    - What a file's codebook declares missing must be missing in the common one.
    - Ids, strata and PSUs begin anew in each file, so that their codes get the file's name in front, as in
      ``DE:17``, unless ``harmonise.shared`` names them.
    - Rules for cleaning are those of the common codebook; of a file's own only ``recode`` is applied.

    Examples
    --------
    >>> trust = Variable(name="trust", label="Trust", kind="nominal", values={"1": "yes", "2": "no"})
    >>> vertrauen = Variable(name="v1", label="V", kind="nominal", values={"j": "ja", "n": "nein"})
    >>> land = Variable(name="land", label="Land", kind="nominal", values={"UK": "UK", "DE": "Germany"})
    >>> codes = FileMap(columns={"trust": "v1"}, codes={"trust": {"j": "1", "n": "2"}})
    >>> common = Codebook(
    ...     title="Two countries",
    ...     synthetic=True,
    ...     variables={"land": land, "trust": trust},
    ...     harmonise=Harmonise(source="land", files={"UK": FileMap(), "DE": codes}),
    ... )
    >>> def survey(variable: Variable, answers: list[str]) -> SurveyData:
    ...     own = Codebook(title="", synthetic=True, variables={variable.name: variable})
    ...     return SurveyData(frame=pd.DataFrame({variable.name: answers}, dtype="str"), codebook=own)
    >>> both = combine({"UK": survey(trust, ["2"]), "DE": survey(vertrauen, ["j", "n"])}, common)
    >>> both.frame.to_numpy().tolist()
    [['UK', '2'], ['DE', '1'], ['DE', '2']]
    >>> both.sources[both.sources["rule"] == "recoded"].to_numpy().tolist()
    [['DE', 'recoded', 'trust', 2]]
    """
    harmonise = _declared(surveys, codebook)
    files = [
        _File(name, surveys[name], harmonise.files[name], codebook, harmonise) for name in harmonise.files
    ]
    frame = pd.DataFrame(
        {
            name: pd.concat([file.column(name) for file in files], ignore_index=True)
            for name in codebook.variables
        }
    )
    for file in files:
        file.check_columns()
    raise_found([found for file in files for found in file.found], InputError)
    lines = [line for file in files for line in file.lines]
    sources = pd.DataFrame(lines, columns=["source", "rule", "variable", "rows"])
    hashes = "".join(f"{file.name} {file.survey.sha256}\n" for file in files)
    return SurveyData(
        frame=frame,
        codebook=codebook,
        source=listed([file.survey.source for file in files]),
        sha256=hashlib.sha256(hashes.encode("utf-8")).hexdigest(),
        warnings=tuple(f"{file.name}: {text}" for file in files for text in file.survey.warnings),
        sources=sources.astype(dict.fromkeys(("source", "rule", "variable"), "str")),
    )


def _declared(surveys: Mapping[str, SurveyData], codebook: Codebook) -> Harmonise:
    if codebook.harmonise is None:
        remedy = "declare [harmonise] with source, and [harmonise.files.NAME] for each file"
        fault = Fault(where=f"combine: {codebook.source}", found="no files are declared", remedy=remedy)
        raise ArgumentError(fault)
    declared = list(codebook.harmonise.files)
    faults = [
        Fault(
            where="combine",
            found=f"{codebook.source} declares no file {name!r}",
            allowed=listed(declared),
            remedy=did_you_mean(name, declared),
        )
        for name in surveys
        if name not in declared
    ]
    faults += [
        Fault(where="combine", found=f"{codebook.source} declares the file {name!r}, which is not given")
        for name in declared
        if name not in surveys
    ]
    if faults:
        raise ArgumentError(*faults)
    return codebook.harmonise


@dataclass(slots=True)
class _File:
    """One file on its way into the common survey."""

    name: str
    survey: SurveyData
    file: FileMap
    codebook: Codebook
    harmonise: Harmonise
    found: list[Found] = field(default_factory=list)
    lines: list[_Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines.append((self.name, "rows", "", self.survey.n_rows))

    def column(self, name: str) -> pd.Series:
        """Return the file's codes of a common variable."""
        if name == self.harmonise.source:
            return self._constant(self.name)
        if name in self.file.not_asked:
            self.lines.append((self.name, "not asked", name, self.survey.n_rows))
            return self._constant(self.file.not_asked[name])
        own = self.file.columns.get(name, name)
        if own not in self.survey.frame:
            self._refuse_absent(name, own)
            return self._constant("")
        if own != name:
            self.lines.append((self.name, "renamed", name, self.survey.n_rows))
        answers = read_answers(self.survey.frame[own], self.survey.codebook.variables[own])
        targets = self._targets(name, answers)
        changed = int(answers.coded.counts()[targets != answers.coded.codes].sum())
        if name in self.file.codes or answers.variable.recode or changed:
            self.lines.append((self.name, "recoded", name, changed))
        array = pd.array(targets, dtype="str")
        return pd.Series(array.take(answers.coded.position, allow_fill=True))

    def _constant(self, code: str) -> pd.Series:
        return pd.Series(pd.array([code], dtype="str").take(np.zeros(self.survey.n_rows, dtype=np.intp)))

    def _refuse_absent(self, name: str, own: str) -> None:
        columns = list(self.survey.codebook.variables)
        remedy = did_you_mean(own, columns) or (
            f"name its column in harmonise.files.{self.name}.columns, or a missing code in its not_asked"
        )
        fault = Fault(
            where=self._where(name), found=f"{self.survey.source} has no column {own!r}", remedy=remedy
        )
        self.found.append((SchemaError, fault))

    def check_columns(self) -> None:
        """Record columns that are neither used nor left out, and those left out that aren't there."""
        file, columns = self.file, list(self.survey.codebook.variables)
        here = [name for name in self.codebook.variables if name not in file.not_asked]
        used = {file.columns.get(name, name) for name in here}
        where = f"{self.name} ({self.survey.source})"
        if unused := [name for name in columns if name not in used and name not in file.leave_out]:
            remedy = f"list them in harmonise.files.{self.name}.leave_out, or say which variable they are"
            fault = Fault(where=where, found=f"columns have no place: {listed(unused)}", remedy=remedy)
            self.found.append((SchemaError, fault))
        for name in file.leave_out:
            if name not in columns or name in used:
                found = f"{name!r} is left out and used" if name in used else f"there is no column {name!r}"
                near = did_you_mean(name, [other for other in columns if other not in used])
                self.found.append((SchemaError, Fault(where=where, found=found, remedy=near)))
        self.lines += [(self.name, "left out", name, self.survey.n_rows) for name in file.leave_out]

    def _where(self, name: str) -> str:
        return f"{self.name} ({self.survey.source}): {name}"

    def _targets(self, name: str, answers: Answers) -> NDArray[np.object_]:
        """Return the common code of each of the file's codes."""
        variable, mapped = self.codebook.variables[name], self.file.codes.get(name)
        there = answers.coded.counts() > 0
        targets = np.array([_target(code, mapped, variable) for code in answers.meant], dtype=object)
        missing = np.array([_is_missing(code, variable) for code in targets], dtype=bool)
        was_missing = np.array([rule == MISSING_CODE for rule, _ in answers.verdicts])
        was_missing = np.append(was_missing, False)[answers.verdict]
        self._refuse(name, answers, there & (targets == ""), "codes that no common code is declared for")
        self._refuse(
            name,
            answers,
            there & was_missing & ~missing & (targets != ""),
            "codes that the file's codebook declares missing would become answers",
        )
        if mapped is None:
            same = [_means_the_same(code, answers.variable, variable) for code in answers.meant]
            self._refuse(
                name,
                answers,
                there & ~np.array(same, dtype=bool) & (was_missing == missing),
                f"codes that don't mean the same in {self.survey.codebook.source} and {self.codebook.source}",
            )
            self._refuse(
                name,
                answers,
                there & missing & ~was_missing,
                f"codes that {self.codebook.source} declares missing are answers in the file",
            )
        if variable.kind in OWN_UNITS and name not in self.harmonise.shared:
            prefixed = np.array([f"{self.name}:{code}" for code in targets], dtype=object)
            targets = np.where(missing, targets, prefixed)
        return targets

    def _refuse(self, name: str, answers: Answers, wrong: NDArray[np.bool_], found: str) -> None:
        if not wrong.any():
            return
        counts, common = answers.coded.counts(), self.codebook.variables[name]
        known = {*answers.variable.codes, *answers.variable.missing, *common.codes, *common.missing}
        is_code = answers.variable.kind in {"nominal", "ordinal"}
        told, hidden = [], 0
        for code, n in sorted(zip(answers.meant[wrong], counts[wrong].tolist(), strict=True)):
            # Undeclared text may be a respondent's own words, which messages don't repeat.
            if code in known or (is_code and len(code) <= LONGEST_CODE):
                told.append(f"{code!r} in {how_many(n)} rows")
            else:
                hidden += n
        told += [f"others in {how_many(hidden)} rows"] if hidden else []
        table = f"[harmonise.files.{self.name}.codes.{name}]"
        fault = Fault(
            where=self._where(name),
            found=f"{found}: {listed(told)}",
            allowed=listed([*common.codes, *common.missing]),
            remedy=f"say in {table} which common code each of the file's codes is",
        )
        self.found.append((UnexpectedCodeError, fault))


def _target(code: str, mapped: Mapping[str, str] | None, variable: Variable) -> str:
    """Return the common code, or an empty text if there is none."""
    if mapped is None:
        return code
    if code in mapped:
        return mapped[code]
    if variable.kind not in NUMBERS:
        return "" if variable.codes else code  # ids, strata and PSUs mean themselves
    number = as_number(code)
    if number is None:
        return ""
    return next((target for other, target in mapped.items() if as_number(other) == number), code)


def _is_missing(code: str, variable: Variable) -> bool:
    if code in variable.missing:
        return True
    number = as_number(code) if variable.kind in NUMBERS else None
    return number is not None and any(as_number(other) == number for other in variable.missing)


def _means_the_same(code: str, ours: Variable, common: Variable) -> bool:
    """Say whether a code has one meaning in the file's and in the common codebook."""
    if (ours.kind in NUMBERS) != (common.kind in NUMBERS):
        return False
    if code in ours.missing or code in common.missing:
        return _alike(ours.missing.get(code), common.missing.get(code))
    if not common.codes:  # numbers, ids, strata and PSUs mean themselves
        return True
    declared = code in ours.codes and code in common.codes
    return declared and _alike(dict(ours.values)[code], dict(common.values)[code])


def _alike(one: str | None, other: str | None) -> bool:
    # Where only one codebook declares a code missing, another fault tells it.
    return one is None or other is None or one.strip().casefold() == other.strip().casefold()
