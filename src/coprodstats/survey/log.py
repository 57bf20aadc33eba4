"""The account of what cleaning did: rows in, rows excluded, cells changed, answers left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from coprodstats.errors import ArgumentError, CoprodstatsError, Fault, InputError, did_you_mean, listed
from coprodstats.survey.display import record_html
from coprodstats.survey.log_file import read_tables, write_tables

_LEAST_SHOWN = 10
_KIND = "coprodstats cleaning log"
_COUNTS = ("rows_in", "rows_kept")
_TABLES = {
    "sources": {"source": "str", "rule": "str", "variable": "str", "rows": "int64"},
    "excluded": {"reason": "str", "rows": "int64"},
    "cells": {"rule": "str", "variable": "str", "reason": "str", "cells": "int64"},
    "valid": {"variable": "str", "valid": "int64", "missing": "int64"},
    "missing": {"variable": "str", "reason": "str", "cells": "int64"},
    "rules": {"rule": "str", "action": "str", "detail": "str", "rows": "int64", "cells": "int64"},
    "warnings": {"warning": "str"},
}
_FLAG = "flag"


def how_many(count: int) -> str:
    """Write a count of respondents for a message, in which small counts are not told.

    Examples
    --------
    >>> how_many(1250), how_many(3)
    ('1250', 'fewer than 10')
    """
    return str(count) if count >= _LEAST_SHOWN else f"fewer than {_LEAST_SHOWN}"


def empty_table(name: str) -> pd.DataFrame:
    """Return a table of the log without rows.

    Examples
    --------
    >>> list(empty_table("excluded"))
    ['reason', 'rows']
    """
    return pd.DataFrame({column: pd.Series([], dtype=kind) for column, kind in _TABLES[name].items()})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CleaningLog:
    """What happened to every row and cell; it can't be made unless it adds up.

    Attributes
    ----------
    rows_in
        Rows of the file.
    rows_kept
        Rows of the cleaned survey.
    excluded
        ``reason, rows``: every reason for exclusion, also those that excluded nothing, in the order applied.
    cells
        ``rule, variable, reason, cells``: every rule and the cells that it made missing or turned round, also
        where these are 0. A rule that concerns no variable has one line with an empty variable.
    valid
        ``variable, valid, missing``: answers of the rows kept.
    missing
        ``variable, reason, cells``: the missing ones by reason.
    rules
        ``rule, action, detail, rows, cells``: every rule in the order applied, and the rows and cells that it
        touched, also none. The actions are ``exclude``, ``change``, ``make missing``, ``make`` (a column)
        and ``flag``; a row that a rule touches in several cells is one row.
    sources
        ``source, rule, variable, rows``: the rows of each file that was combined, and what became of their
        columns; empty for a single file.
    warnings
        ``warning``: what the codebook, the reader and the weights give to think about.
    """

    rows_in: int
    rows_kept: int
    excluded: pd.DataFrame = field(repr=False)
    cells: pd.DataFrame = field(repr=False)
    valid: pd.DataFrame = field(repr=False)
    missing: pd.DataFrame = field(repr=False)
    rules: pd.DataFrame = field(default_factory=lambda: empty_table("rules"), repr=False)
    sources: pd.DataFrame = field(default_factory=lambda: empty_table("sources"), repr=False)
    warnings: pd.DataFrame = field(default_factory=lambda: empty_table("warnings"), repr=False)

    def __post_init__(self) -> None:
        self.reconcile()

    def reconcile(self) -> None:
        """Check that rows and cells add up.

        Raises
        ------
        CoprodstatsError
            If rows in are not rows kept plus rows excluded, or answers and missing answers are not all rows.
        """
        sums = []
        n_excluded = int(self.excluded["rows"].sum())
        if self.rows_in != self.rows_kept + n_excluded:
            sums.append(f"{self.rows_in} rows in, {self.rows_kept} kept, {n_excluded} excluded")
        from_files = self.sources.loc[self.sources["rule"] == "rows", "rows"]
        if len(from_files) and from_files.sum() != self.rows_in:
            sums.append(f"{self.rows_in} rows in, {from_files.sum()} in the files")
        told_twice = self.rules[self.rules["action"] == "exclude"]
        if len(self.rules) and told_twice["rows"].sum() != n_excluded:
            sums.append(f"{told_twice['rows'].sum()} rows excluded by the rules, {n_excluded} by reason")
        totals = self.valid["valid"] + self.valid["missing"]
        by_reason = self.missing.groupby("variable")["cells"].sum()
        told = self.valid["variable"].map(by_reason).fillna(0)
        wrong = self.valid.loc[(totals != self.rows_kept) | (told != self.valid["missing"]), "variable"]
        if len(wrong):
            sums.append(f"answers and missing answers are not all rows in {listed(list(wrong))}")
        if sums:
            remedy = "this is a mistake of the package: please report it"
            raise CoprodstatsError(*(Fault(where="CleaningLog", found=text, remedy=remedy) for text in sums))

    def missing_by_reason(self) -> pd.DataFrame:
        """Return the missing answers by variable and reason: ``variable, reason, cells``."""
        return self.missing.copy()

    def flow(self) -> list[tuple[str, int]]:
        """Return the steps from the rows of the file to the rows kept, as label and number of rows.

        Examples
        --------
        >>> excluded = pd.DataFrame({"reason": ["empty row"], "rows": [1]})
        >>> none = pd.DataFrame({"variable": [], "reason": [], "cells": [], "valid": [], "missing": []})
        >>> log = CleaningLog(
        ...     rows_in=5, rows_kept=4, excluded=excluded, cells=none, valid=none, missing=none
        ... )
        >>> log.flow()
        [('rows in the file', 5), ('excluded: empty row', 1), ('rows kept', 4)]
        """
        steps = self.steps()
        steps = steps[steps["kind"].isin(["in", "excluded", "kept"])]
        told = [
            f"excluded: {label}" if kind == "excluded" else label
            for kind, label in zip(steps["kind"], steps["label"], strict=True)
        ]
        return list(zip(told, map(int, steps["rows"]), strict=True))

    def steps(self) -> pd.DataFrame:
        """Return the steps of the flow as ``kind, label, rows``, with the files and flags beside them.

        The kinds are ``in`` (rows of the file), ``part`` (those of one file of several), ``excluded``,
        ``kept`` and ``flagged`` (of the rows kept).
        """
        files = self.sources[self.sources["rule"] == "rows"]
        flags = self.rules[self.rules["action"] == _FLAG]
        steps = [
            ("in", "rows in the files" if len(files) else "rows in the file", self.rows_in),
            *(("part", name, rows) for name, rows in zip(files["source"], files["rows"], strict=True)),
            *(
                ("excluded", reason, rows)
                for reason, rows in zip(self.excluded["reason"], self.excluded["rows"], strict=True)
            ),
            ("kept", "rows kept", self.rows_kept),
            *(("flagged", rule, rows) for rule, rows in zip(flags["rule"], flags["rows"], strict=True)),
        ]
        return pd.DataFrame(steps, columns=["kind", "label", "rows"]).astype({"kind": "str", "label": "str"})

    def equals(self, other: CleaningLog) -> bool:
        """Say whether another log tells the same."""
        same = (self.rows_in, self.rows_kept) == (other.rows_in, other.rows_kept)
        tables = [(getattr(self, name), getattr(other, name)) for name in _TABLES]
        return same and all(
            ours.reset_index(drop=True).equals(theirs.reset_index(drop=True)) for ours, theirs in tables
        )

    def to_file(self, path: str | PathLike[str]) -> None:
        """Write the log as JSON, the same bytes for the same log; `read_log` reads it.

        Parameters
        ----------
        path
            The file, whose name ends in ``.json``; it is replaced.

        Raises
        ------
        ArgumentError
            If the name ends otherwise or the file can't be written.
        """
        counts = {name: int(getattr(self, name)) for name in _COUNTS}
        tables = {name: getattr(self, name)[list(columns)] for name, columns in _TABLES.items()}
        write_tables(Path(path), _KIND, counts, tables)

    def to_frame(self) -> pd.DataFrame:
        """Return the whole log as one table: ``stage, rule, variable, reason, rows, cells``.

        The stages are ``source`` (of combined files, whose name is the reason), ``rows in``, ``excluded``,
        ``rows kept``, ``cells``, ``missing``, ``flagged`` and ``warning``, whose text is the reason; a number
        that a stage doesn't have is NA.
        """
        flagged = self.rules.loc[self.rules["action"] == _FLAG, ["rule", "detail", "rows"]]
        parts = [
            self.sources.rename(columns={"source": "reason"}).assign(stage="source"),
            pd.DataFrame({"stage": ["rows in"], "rows": [self.rows_in]}),
            self.excluded.assign(stage="excluded"),
            pd.DataFrame({"stage": ["rows kept"], "rows": [self.rows_kept]}),
            self.cells.assign(stage="cells"),
            self.missing.assign(stage="missing"),
            flagged.rename(columns={"detail": "reason"}).assign(stage="flagged"),
            self.warnings.rename(columns={"warning": "reason"}).assign(stage="warning"),
        ]
        columns = ["stage", "rule", "variable", "reason", "rows", "cells"]
        table = pd.concat([part for part in parts if len(part)], ignore_index=True).reindex(columns=columns)
        texts = {column: table[column].fillna("").astype("str") for column in columns[:4]}
        return table.assign(**texts, rows=table["rows"].astype("Int64"), cells=table["cells"].astype("Int64"))

    def __repr__(self) -> str:
        return f"<CleaningLog: {self.rows_in} rows in, {self.rows_kept} kept>"

    def _repr_html_(self) -> str:
        return record_html(self, tables={"what was done": self.to_frame()})


def read_log(path: str | PathLike[str]) -> CleaningLog:
    """Read a log that `CleaningLog.to_file` wrote.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    CleaningLog
        The log as it was written.

    Raises
    ------
    InputError
        If the file is no such log, or what it tells doesn't add up.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> excluded = pd.DataFrame({"reason": ["empty row"], "rows": [1]})
    >>> log = CleaningLog(
    ...     rows_in=5,
    ...     rows_kept=4,
    ...     excluded=excluded,
    ...     cells=empty_table("cells"),
    ...     valid=empty_table("valid"),
    ...     missing=empty_table("missing"),
    ... )
    >>> with TemporaryDirectory() as folder:
    ...     log.to_file(f"{folder}/log.json")
    ...     read_log(f"{folder}/log.json")
    <CleaningLog: 5 rows in, 4 kept>
    """
    file = Path(path)
    counts, tables = read_tables(file, _KIND, _COUNTS, _TABLES)
    try:
        return CleaningLog(rows_in=counts["rows_in"], rows_kept=counts["rows_kept"], **tables)
    except CoprodstatsError as error:
        remedy = "read the file that the log wrote, unchanged"
        faults = [Fault(where=file.name, found=fault.found, remedy=remedy) for fault in error.faults]
        raise InputError(*faults) from None


def count_by_reason(reasons: pd.DataFrame) -> pd.DataFrame:
    """Count missing answers by variable and reason.

    Parameters
    ----------
    reasons
        One column per variable; the reason where the answer is missing, NA elsewhere.

    Returns
    -------
    DataFrame
        ``variable, reason, cells``, in the order of the columns, most frequent reason first.
    """
    counts = [(str(name), *pair) for name in reasons for pair in _ranked(reasons[name])]
    return _counts(counts, "cells")


def complete_cases(reasons: pd.DataFrame, variables: Sequence[str]) -> pd.DataFrame:
    """Count the rows that a model on some variables loses, each by its first missing variable.

    Parameters
    ----------
    reasons
        One column per variable; the reason where the answer is missing, NA elsewhere.
    variables
        The variables of the model; a row is counted at the first of them that is missing.

    Returns
    -------
    DataFrame
        ``variable, reason, rows``. Its sum is the number of rows of ``reasons`` less the complete ones.

    Raises
    ------
    ArgumentError
        If there is no such column.

    Examples
    --------
    >>> gaps = {"age": [None, "blank", "blank"], "gender": [None, "refused", None]}
    >>> reasons = pd.DataFrame(gaps, dtype="str")
    >>> complete_cases(reasons, ["gender", "age"])
      variable   reason  rows
    0   gender  refused     1
    1      age    blank     1
    """
    unknown = [name for name in variables if name not in reasons]
    if unknown:
        known = [str(name) for name in reasons]
        raise ArgumentError(
            *(
                Fault(where="complete_cases", found=f"no column {name!r}", remedy=did_you_mean(name, known))
                for name in unknown
            )
        )
    complete = np.ones(len(reasons), dtype=bool)
    counts: list[tuple[str, str, int]] = []
    for name in dict.fromkeys(variables):
        counts += [(name, *pair) for pair in _ranked(reasons.loc[complete, name])]
        complete &= reasons[name].isna().to_numpy()
    return _counts(counts, "rows")


def _ranked(reasons: pd.Series) -> list[tuple[str, int]]:
    if isinstance(reasons.dtype, pd.CategoricalDtype):
        # Cells with an answer have the code -1; they are counted at the front and left out.
        totals = np.bincount(reasons.cat.codes + 1, minlength=1 + len(reasons.cat.categories))[1:]
        counts = {reason: n for reason, n in zip(reasons.cat.categories, totals, strict=True) if n}
    else:
        counts = reasons.value_counts().to_dict()
    # Equal counts are put in the order of the alphabet: the order of rows must not show.
    return sorted(
        ((str(reason), int(n)) for reason, n in counts.items()), key=lambda pair: (-pair[1], pair[0])
    )


def _counts(counts: list[tuple[str, str, int]], unit: str) -> pd.DataFrame:
    table = pd.DataFrame(counts, columns=["variable", "reason", unit])
    return table.astype({"variable": "str", "reason": "str", unit: "int64"})
