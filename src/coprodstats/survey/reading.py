"""Reading a survey file: its codes as they are, one column per variable of the codebook."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from coprodstats.errors import Fault, InputError, did_you_mean, listed
from coprodstats.survey.csv_file import parse_csv
from coprodstats.survey.numbers import as_number
from coprodstats.survey.sav_file import parse_sav

if TYPE_CHECKING:
    from coprodstats.survey.declarations import Codebook, Variable
    from coprodstats.survey.raw_table import RawTable

_PARSERS = {".csv": parse_csv, ".sav": parse_sav}
_MOST_BYTES = 2 * 1024**3
_BEGINNINGS = {
    b"$FL2": "an SPSS file",
    b"$FL3": "a compressed SPSS file",
    b"PK\x03\x04": "a zip archive, such as an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF",
    b"PAR1": "a Parquet file",
    b"<stata_dta>": "a Stata file",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurveyData:
    """A survey as codes, not yet cleaned.

    Attributes
    ----------
    frame
        One column per variable of the codebook, in its order; all cells are text, a blank cell is NA.
    codebook
        What the codes mean.
    source
        Name of the file, without its folder.
    sha256
        Hash of the bytes of the file.
    """

    frame: pd.DataFrame = field(repr=False)
    codebook: Codebook
    source: str = "data frame"
    sha256: str = ""

    def __post_init__(self) -> None:
        expected = list(self.codebook.variables)
        if list(self.frame.columns) != expected:
            raise InputError(
                *_column_faults(list(self.frame.columns), self.codebook, self.source, strict=True)
            )
        other = [name for name in expected if self.frame[name].dtype != "str"]
        if other:
            found = f"columns are not text: {listed(other)}"
            raise InputError(Fault(where=self.source, found=found, allowed="codes as text, dtype str"))

    @property
    def n_rows(self) -> int:
        """Number of rows, empty ones included."""
        return len(self.frame)

    def __repr__(self) -> str:
        return f"<SurveyData {self.source!r}: {self.n_rows} rows, {self.frame.shape[1]} columns>"


def read_survey(path: str | PathLike[str], codebook: Codebook) -> SurveyData:
    r"""Read a survey file as codes; nothing is converted and nothing is guessed.

    Parameters
    ----------
    path
        A ``.csv`` file (UTF-8, commas) or an SPSS ``.sav`` file.
    codebook
        Declares every column of the file, apart from those in its ``cleaning.ignore_columns``.

    Returns
    -------
    SurveyData
        One column of text per variable. An SPSS number is written without a point if it is whole, so that
        both formats of one survey give the same codes.

    Raises
    ------
    InputError
        If the file can't be read without guessing, or its columns are not those of the codebook.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from coprodstats.survey.declarations import Codebook, Variable
    >>> id_ = Variable(name="id", label="Respondent", kind="id")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "survey.csv"
    ...     _ = path.write_text("id\n0017\n", encoding="utf-8")
    ...     survey = read_survey(path, Codebook(title="", synthetic=False, variables={"id": id_}))
    >>> survey
    <SurveyData 'survey.csv': 1 rows, 1 columns>
    >>> survey.frame["id"].tolist()
    ['0017']
    """
    file = Path(path)
    name = file.name
    data = _bytes_of(file)
    _check_beginning(data, file)
    table = _PARSERS[file.suffix.lower()](data, name)
    faults = _column_faults(list(table.columns), codebook, name)
    faults += _missing_code_faults(table, codebook, name)
    if faults:
        raise InputError(*faults)
    frame = pd.DataFrame({key: pd.array(table.columns[key], dtype="str") for key in codebook.variables})
    return SurveyData(frame=frame, codebook=codebook, source=name, sha256=hashlib.sha256(data).hexdigest())


def _bytes_of(file: Path) -> bytes:
    fault = None
    if not file.is_file():
        found = "this is a folder" if file.is_dir() else "no such file"
        fault = Fault(where=str(file.name), found=found, remedy="check the path and the working directory")
    elif file.suffix.lower() not in _PARSERS:
        found = f"files that end in {file.suffix!r} can't be read"
        fault = Fault(where=file.name, found=found, allowed=listed(list(_PARSERS)))
    elif file.stat().st_size > _MOST_BYTES:
        fault = Fault(where=file.name, found="the file is larger than 2 GiB")
    if fault:
        raise InputError(fault)
    return file.read_bytes()


def _check_beginning(data: bytes, file: Path) -> None:
    looks = next((kind for start, kind in _BEGINNINGS.items() if data.startswith(start)), "")
    if data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        looks = "a web page, perhaps a login page"
    is_spss = looks in {"an SPSS file", "a compressed SPSS file"}
    if not data:
        fault = Fault(where=file.name, found="the file is empty")
    elif file.suffix.lower() == ".sav" and not is_spss:
        found = f"the name says SPSS, the content is {looks or 'something else'}"
        fault = Fault(where=file.name, found=found, allowed="a file that begins with $FL2 or $FL3")
    elif file.suffix.lower() == ".csv" and looks:
        fault = Fault(
            where=file.name, found=f"the name says CSV, the content is {looks}", allowed="UTF-8 text"
        )
    else:
        return
    raise InputError(fault)


def _column_faults(columns: list[str], codebook: Codebook, name: str, *, strict: bool = False) -> list[Fault]:
    ignored = () if strict else codebook.cleaning.ignore_columns
    absent = [column for column in codebook.variables if column not in columns]
    unknown = [column for column in columns if column not in codebook.variables and column not in ignored]
    faults = [
        Fault(
            where=name,
            found=f"there is no column {column!r}, which {codebook.source} declares",
            remedy=did_you_mean(column, unknown),
        )
        for column in absent
    ]
    if unknown:
        near = [hint for column in unknown if (hint := did_you_mean(column, absent))]
        faults.append(
            Fault(
                where=name,
                found=f"{codebook.source} does not declare columns: {listed([repr(c) for c in unknown])}",
                remedy="; ".join(near) or "declare them, or list them as cleaning.ignore_columns",
            )
        )
    if not faults and strict:
        faults.append(Fault(where=name, found="the columns are not in the order of the codebook"))
    return faults


def _missing_code_faults(table: RawTable, codebook: Codebook, name: str) -> list[Fault]:
    """Find codes that the file declares missing and the codebook takes for answers."""
    faults = []
    for column, codes in table.declared_missing.items():
        variable = codebook.variables.get(column)
        taken = [code for code in codes if variable is not None and _is_answer(code, variable)]
        if taken:
            found = f"{listed(taken)} declared missing by the file, taken for answers by {codebook.source}"
            remedy = f"list them in variables.{column}.missing with their reasons"
            faults.append(Fault(where=f"{name}: {column}", found=found, remedy=remedy))
    return faults


def _is_answer(code: str, variable: Variable) -> bool:
    if code in variable.missing:
        return False
    if variable.kind in {"nominal", "ordinal"}:
        return code in variable.codes
    if variable.kind != "numeric":
        return True
    number = as_number(code)
    if number is None or variable.range is None:
        return number is not None
    return variable.range[0] <= number <= variable.range[1]
