"""Reading a survey file that has no codebook yet: its codes, what it says about them, how it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from os import PathLike
from pathlib import Path

import pandas as pd
import pyarrow as pa

from coprodstats.errors import DelimiterError, EncodingError, Fault, InputError, SchemaError, raise_found
from coprodstats.survey.child_process import read_in_child
from coprodstats.survey.column_names import header_faults
from coprodstats.survey.csv_file import read_csv
from coprodstats.survey.evidence import check_evidence
from coprodstats.survey.file_format import SHEETS, SUFFIXES, FileFormat, format_of
from coprodstats.survey.fixed_width import read_fixed_width
from coprodstats.survey.metadata import FileMetadata, VariableMetadata
from coprodstats.survey.metadata_reading import read_layout, read_metadata
from coprodstats.survey.opening import OpenFile, open_survey_file
from coprodstats.survey.raw_table import RawTable

_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


def read_undescribed(
    path: str | PathLike[str], *, labels: str | PathLike[str] | None = None
) -> tuple[pd.DataFrame, FileMetadata, FileFormat]:
    """Read a survey file without a codebook.

    Parameters
    ----------
    path
        The file.
    labels
        A page that describes it (DDI-Codebook or Triple-S), if it has no labels of its own.

    Returns
    -------
    tuple
        The cells as text, NA where blank; what is said about the columns; and how the file is written, as far
        as its name doesn't say it. Delimiter, encoding and decimal mark of a text file are found by trying.

    Raises
    ------
    InputError
        If the file can't be read in any of the usual ways.
    """
    raw, said, file = _read_somehow(path, labels)
    codes = _frame(raw.table)
    if said.format in {"csv", "fixed", *SHEETS} and _has_decimal_commas(codes):
        file = replace(file, decimal=",")
        codes = codes.apply(lambda column: column.str.replace(f"^({_COMMA.pattern})$", _pointed, regex=True))
    return codes, _described(said, labels), file


def read_cells(path: str | PathLike[str]) -> pd.DataFrame:
    """Read a table that is no survey: its cells as the text that they are, NA where blank.

    Raises
    ------
    InputError
        If the file can't be read in any of the usual ways.
    """
    return _frame(_read_somehow(path)[0].table)


def _read_somehow(
    path: str | PathLike[str], labels: str | PathLike[str] | None = None
) -> tuple[RawTable, FileMetadata, FileFormat]:
    first: InputError | None = None
    for declared in _ways():
        try:
            with open_survey_file(path) as file:
                if SUFFIXES.get(Path(file.plain_name).suffix.lower()) == "fixed":
                    return _read_positions(file, path, labels, declared)
                return (*_read(file, declared), declared)
        except InputError as error:
            first = first or error
            # Of another class are faults that neither delimiter nor encoding cures.
            if type(error) not in {InputError, DelimiterError, EncodingError}:
                break
    raise first or InputError()


def _read_positions(
    file: OpenFile, path: str | PathLike[str], labels: str | PathLike[str] | None, declared: FileFormat
) -> tuple[RawTable, FileMetadata, FileFormat]:
    """Read a file of fixed positions by the page that describes it, which lies beside it."""
    if labels is None:
        found = "where the answers stand on a line is told by no page"
        remedy = "name the Triple-S page beside the file: --labels survey.sss"
        raise SchemaError(Fault(where=file.name, found=found, remedy=remedy))
    page = Path(path).parent / Path(labels).name
    layout = read_layout(page, root=page.parent)
    check_evidence(file, "fixed", declared.encoding)
    table, _ = read_fixed_width(file, layout, declared.encoding)
    variables = {name: VariableMetadata(name=name) for name in layout.columns}
    said = FileMetadata(source=file.name, format="fixed", variables=variables)
    return table, said, replace(declared, delimiter="", layout=page.name)


def _ways() -> Iterator[FileFormat]:
    for encoding in ("utf-8", "cp1252", "utf-16"):
        for delimiter in ("", ";", "\t", "|"):
            yield FileFormat(delimiter=delimiter, encoding=encoding)


def _read(file: OpenFile, declared: FileFormat) -> tuple[RawTable, FileMetadata]:
    format_ = format_of(file.plain_name, FileFormat())
    if format_ != "csv":
        declared = FileFormat()
    check_evidence(file, format_, declared.encoding)
    if format_ == "csv":
        table = read_csv(file, declared).table
        variables = {name: VariableMetadata(name=name) for name in table.table.column_names}
        return table, FileMetadata(source=file.name, format="csv", variables=variables)
    found, said = read_in_child(file, format_, declared)
    assert found is not None  # noqa: S101  (answers were asked for)
    raise_found(header_faults(found.table.column_names, file.name), InputError)
    return found, said


def _frame(table: pa.Table) -> pd.DataFrame:
    text = pd.StringDtype(na_value=float("nan"))
    return pd.DataFrame(
        {name: pd.array(table[name].cast(pa.large_string()), dtype=text) for name in table.column_names}
    )


def _has_decimal_commas(codes: pd.DataFrame) -> bool:
    """Say whether a column holds nothing but numbers, some of them with a decimal comma."""
    for name in codes:
        cells = codes[name].dropna().unique()
        if len(cells) and all(_NUMBER.fullmatch(cell) for cell in cells) and any("," in c for c in cells):
            return True
    return False


def _pointed(number: re.Match[str]) -> str:
    return number[0].replace(",", ".")


def _described(said: FileMetadata, labels: str | PathLike[str] | None) -> FileMetadata:
    if labels is None:
        return said
    page = read_metadata(labels)
    known = {name: page.variables.get(name, variable) for name, variable in said.variables.items()}
    return replace(said, variables=known, title=page.title or said.title, weight=page.weight or said.weight)
