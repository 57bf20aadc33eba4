"""Reading a survey file: its codes as they are, one column per variable of the codebook."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from coprodstats.errors import (
    Fault,
    InputError,
    ResourceLimitError,
    SchemaError,
    listed,
    raise_found,
)
from coprodstats.survey.child_process import read_in_child
from coprodstats.survey.column_checks import (
    column_faults,
    inexact_faults,
    lookalike_faults,
    missing_code_faults,
    named_as_declared,
)
from coprodstats.survey.column_names import header_faults
from coprodstats.survey.csv_file import read_csv
from coprodstats.survey.decimal_marks import with_decimal_points
from coprodstats.survey.declarations import NUMBERS
from coprodstats.survey.display import columns_table, record_html
from coprodstats.survey.evidence import check_evidence
from coprodstats.survey.file_format import SHEETS, FileFormat, format_of
from coprodstats.survey.fixed_width import read_fixed_width
from coprodstats.survey.limits import MOST_COLUMNS, MOST_ROWS
from coprodstats.survey.memory import check_fits
from coprodstats.survey.metadata_reading import read_layout
from coprodstats.survey.opening import OpenFile, open_survey_file
from coprodstats.survey.raw_table import RawTable, text_size
from coprodstats.survey.triple_s import Layout
from coprodstats.survey.typed_columns import column_fault, inexact_columns, typed_column

if TYPE_CHECKING:
    from coprodstats.survey.declarations import Codebook

ReadingProgress = Callable[[int, int], None]
_ROW_LIMITS = (65_536, 1_048_576)
_TEXT = pd.StringDtype(na_value=float("nan"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurveyData:
    """A survey as codes, not yet cleaned.

    Attributes
    ----------
    frame
        One column per variable of the codebook, in its order; all cells are text, a blank cell is NA. Columns
        are of dtype ``str``, or categories of such texts.
    codebook
        What the codes mean.
    source
        Name of the file, without its folder.
    sha256
        Hash of the bytes of the file.
    warnings
        What the reader noticed that prevents nothing.
    sources
        What `combine` did to each file: ``source, rule, variable, rows``; None for a single file.
    """

    frame: pd.DataFrame = field(repr=False)
    codebook: Codebook
    source: str = "data frame"
    sha256: str = ""
    warnings: tuple[str, ...] = ()
    sources: pd.DataFrame | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        expected = list(self.codebook.variables)
        if list(self.frame.columns) != expected:
            found = column_faults(list(self.frame.columns), self.codebook, self.source, strict=True)
            raise_found(found, InputError)
        other = [name for name in expected if not _is_text(self.frame[name].dtype)]
        if other:
            found_types = f"columns are not text: {listed(other)}"
            raise InputError(
                Fault(
                    where=self.source,
                    found=found_types,
                    allowed="codes as text, dtype str",
                    remedy="survey_from_frame(frame, codebook) writes typed columns as codes",
                )
            )

    @property
    def n_rows(self) -> int:
        """Number of rows, empty ones included."""
        return len(self.frame)

    def __repr__(self) -> str:
        return f"<SurveyData {self.source!r}: {self.n_rows} rows, {self.frame.shape[1]} columns>"

    def _repr_html_(self) -> str:
        return record_html(
            self,
            facts={"source": self.source, "rows": self.n_rows},
            tables={"columns": columns_table(self.frame, self.codebook.columns)},
        )


def _is_text(dtype: object) -> bool:
    return dtype == "str" or (isinstance(dtype, pd.CategoricalDtype) and dtype.categories.dtype == "str")


def read_survey(
    path: str | PathLike[str],
    codebook: Codebook,
    *,
    root: str | PathLike[str] | None = None,
    compact: bool = False,
    progress: ReadingProgress | None = None,
) -> SurveyData:
    r"""Read a survey file as codes; nothing is converted and nothing is guessed.

    Parameters
    ----------
    path
        A ``.csv``, ``.tsv``, ``.asc`` (Triple-S), ``.sav``, ``.zsav``, ``.por``, ``.dta``, ``.parquet``,
        ``.xlsx`` or ``.ods`` file, also as ``.gz`` or alone in a ``.zip``.
    codebook
        Declares every column of the file, apart from those in its ``cleaning.ignore_columns``, and in its
        table ``file`` how the file is written.
    root
        The folder that the file must lie in, links followed; None if any place will do.
    compact
        Whether columns whose texts repeat become categories, which take one or two bytes a cell: large
        surveys have room for that, and cleaning them is faster. Cleaned answers are the same.
    progress
        Called while the file is read, with how much has been read and how much there is: bytes of a text
        file, rows of the others.

    Returns
    -------
    SurveyData
        One column of text per variable. A number of a binary format is written without a point if it is
        whole, so that all formats of one survey give the same codes; Stata's ``.a`` to ``.z`` are codes.

    Raises
    ------
    InputError
        If the file can't be read without guessing, or its columns are not those of the codebook: with all
        faults, or as one of its classes if that is what they all are.

    Notes
    -----
    Files are read some megabytes at a time and only declared columns are kept, so that memory grows with the
    number of rows times that of the variables and with nothing else; spreadsheets alone are read at once.
    Every byte of a text file is checked, also of columns that are left out. Binary formats are parsed in a
    process of its own with limited memory and time.

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
    declared = codebook.file
    with open_survey_file(path, root=root, sha256=declared.sha256) as file:
        keep = frozenset(variable.file_column for variable in codebook.variables.values())
        layout = None
        if declared.layout:
            folder = Path(path).parent
            layout = read_layout(folder / declared.layout, root=folder if root is None else root)
        table, line_of = _read(file, declared, layout, keep, progress)
        survey = _checked(table, codebook, file.name, line_of, has_marks=_has_marks(file, declared))
        del table
        return SurveyData(
            frame=_frame(survey, codebook, file.name, compact=compact),
            codebook=codebook,
            source=file.name,
            sha256=file.digest(),
            warnings=survey.warnings,
        )


def survey_from_frame(frame: pd.DataFrame, codebook: Codebook, *, source: str = "data frame") -> SurveyData:
    """Take a data frame for a survey; its cells are written as codes.

    Parameters
    ----------
    frame
        One column per variable, and those of the codebook's ``cleaning.ignore_columns``; the index is left
        out.
    codebook
        What the codes mean.
    source
        What messages call the frame.

    Returns
    -------
    SurveyData
        Whole numbers as text without a point, other numbers with as many digits as tell them apart, truth
        values as ``true`` and ``false``, dates as ``2008-05-01``, categories as themselves; NaN, NA and None
        are blank.

    Raises
    ------
    InputError
        If the columns are not those of the codebook, or cells are neither texts, numbers nor dates.

    Examples
    --------
    >>> from coprodstats.survey.declarations import Codebook, Variable
    >>> age = Variable(name="age", label="Age", kind="numeric")
    >>> codebook = Codebook(title="", synthetic=False, variables={"age": age})
    >>> survey_from_frame(pd.DataFrame({"age": [44.0, None]}), codebook).frame["age"].tolist()
    ['44', nan]
    """
    names = [str(name) for name in frame.columns]
    found = header_faults(names, source)
    columns, arrays = {}, {}
    for position, name in enumerate(names):
        array, fault = _arrow(frame.iloc[:, position], name, source)
        if fault:
            found.append((SchemaError, fault))
            continue
        arrays[name] = array
        columns[name] = pa.chunked_array([typed_column(array)])
    raise_found(found, InputError)
    if not len(frame):
        raise InputError(Fault(where=source, found="there is not a single row"))
    floats = [name for name, array in arrays.items() if pa.types.is_floating(array.type)]
    table = pa.table(columns)
    raw = RawTable(table=table, inexact=inexact_columns(table, floats))
    survey = _checked(raw, codebook, source, lambda row: row + 1, has_marks=False)
    return SurveyData(frame=_frame(survey, codebook, source), codebook=codebook, source=source)


def _arrow(column: pd.Series, name: str, source: str) -> tuple[pa.Array, Fault | None]:
    try:
        array = pa.Array.from_pandas(column)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        found = "the cells are not all of one type"
        remedy = "write the column as text, or as numbers"
        return None, Fault(where=f"{source}: {name}", found=found, remedy=remedy)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array, column_fault(name, array.type, source)


def _has_marks(file: OpenFile, declared: FileFormat) -> bool:
    """Say whether numbers of the format are text, with a decimal mark of its own."""
    return format_of(file.plain_name, declared) in {"csv", "fixed", *SHEETS}


def _read(
    file: OpenFile,
    declared: FileFormat,
    layout: Layout | None,
    keep: Collection[str],
    progress: ReadingProgress | None,
) -> tuple[RawTable, Callable[[int], int]]:
    format_ = format_of(file.plain_name, declared)
    check_evidence(file, format_, declared.encoding)
    _refuse_other_layout(file, format_, layout)
    if format_ == "csv":
        read = read_csv(file, declared, keep=keep, layout=layout, progress=progress)
        return read.table, read.line_of
    if layout is not None:
        return read_fixed_width(file, layout, declared.encoding, keep=keep, progress=progress)
    table, _ = read_in_child(file, format_, declared, keep=keep, progress=progress)
    assert table is not None  # noqa: S101  (answers were asked for)
    raise_found(header_faults(table.names, file.name), InputError)
    first = declared.header_rows + 1 if format_ in SHEETS else 1
    return table, lambda row: row + first


def _refuse_other_layout(file: OpenFile, format_: str, layout: Layout | None) -> None:
    if layout is not None and layout.is_csv != (format_ == "csv"):
        counted = {True: "fields of a CSV file", False: "characters of lines"}
        found = f"{layout.source} counts {counted[layout.is_csv]}, and this file is read as the other"
        remedy = f'say what it is: [file] format = "{"csv" if layout.is_csv else "fixed"}"'
        raise SchemaError(Fault(where=file.name, found=found, remedy=remedy))


def _checked(
    raw: RawTable, codebook: Codebook, name: str, line_of: Callable[[int], int], *, has_marks: bool
) -> RawTable:
    columns = list(raw.names)
    if len(columns) > MOST_COLUMNS or raw.n_rows > MOST_ROWS:
        told = f"there are {raw.n_rows:,} rows and {len(columns):,} columns"
        allowed = f"at most {MOST_ROWS:,} and {MOST_COLUMNS:,}"
        raise ResourceLimitError(Fault(where=name, found=told, allowed=allowed))
    found = column_faults(columns, codebook, name)
    raw = named_as_declared(raw, codebook)
    columns = raw.table.column_names
    found += [(InputError, fault) for fault in missing_code_faults(raw, codebook, name)]
    found += inexact_faults(raw, codebook, name)
    present = {key: variable for key, variable in codebook.variables.items() if key in columns}
    table = raw.table
    if has_marks:
        numbers = [key for key, variable in present.items() if variable.kind in NUMBERS]
        table, marks = with_decimal_points(table, numbers, codebook.file, name, line_of)
        found += marks
    for key, variable in present.items():
        found += lookalike_faults(table[key], variable, name)
    raise_found(found, InputError)
    return RawTable(table=table, warnings=(*raw.warnings, *_row_limit_warnings(raw.n_rows, name)))


def _row_limit_warnings(n_rows: int, name: str) -> list[str]:
    """Warn of a file that ends where a spreadsheet or an export of one does."""
    return [
        f"[W-I144] {name}: {rows:,} rows is the most that such a spreadsheet holds; rows may be missing"
        for limit in _ROW_LIMITS
        for rows in (limit, limit - 1)
        if n_rows == rows
    ]


def _frame(raw: RawTable, codebook: Codebook, name: str, *, compact: bool = False) -> pd.DataFrame:
    table = raw.table
    if not compact:
        check_fits(sum(text_size(table[key]) for key in codebook.variables), name)
    columns = {}
    for key, variable in codebook.variables.items():
        # Names of respondents don't repeat, or shouldn't.
        is_coded = compact and variable.kind != "id" and pa.types.is_dictionary(table[key].type)
        columns[key] = _categories(table[key]) if is_coded else _texts(table[key])
    return pd.DataFrame(columns, copy=False)


def _texts(column: pa.ChunkedArray) -> pd.Series:
    return pd.Series(pd.array(column.cast(pa.large_string()), dtype=_TEXT))


def _categories(column: pa.ChunkedArray) -> pd.Series:
    coded = column.unify_dictionaries().combine_chunks()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    texts = pd.Index(pd.array(coded.dictionary.cast(pa.large_string()), dtype=_TEXT))
    return pd.Series(pd.Categorical.from_codes(codes, categories=texts))
