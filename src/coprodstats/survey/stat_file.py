"""SPSS and Stata files, read as codes: labels are not applied and user-missing codes stay.

This runs in a process of its own: the parser is C code that crafted files have crashed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyreadstat

from coprodstats.errors import Fault, InputError, ResourceLimitError, TruncatedInputError
from coprodstats.survey.file_format import Format
from coprodstats.survey.limits import MOST_COLUMNS, MOST_ROWS
from coprodstats.survey.metadata import FileMetadata, Level, VariableMetadata
from coprodstats.survey.raw_table import RawTable, joined, text_column

_PROGRAMS = {"sav": "SPSS", "por": "SPSS", "dta": "Stata"}
_READERS = {"sav": "read_sav", "por": "read_por", "dta": "read_dta"}
_CELLS_AT_ONCE = 8_000_000
_MOST_PARTS = 16
_EXACT = 2**53
_DATES = ("DATE", "ADATE", "EDATE", "JDATE", "SDATE", "DATETIME", "YMDHMS", "TIME", "DTIME", "MTIME")


def read_stat(stream: BinaryIO, name: str, format_: Format) -> tuple[RawTable, FileMetadata]:
    """Read an SPSS or Stata file.

    Parameters
    ----------
    stream
        The file.
    name
        What messages call the file.
    format_
        ``"sav"`` (also ``.zsav``), ``"por"`` or ``"dta"``.

    Returns
    -------
    tuple
        The columns as text, and what the file says about them. Numbers are written as `code_text` writes
        them, strings without the spaces that SPSS pads them with on the right; system-missing and blank
        strings are null; Stata's ``.a`` to ``.z`` are those codes.

    Raises
    ------
    TruncatedInputError
        If the file is truncated or damaged.
    InputError
        If it is empty.
    """
    metadata = stat_metadata(stream, name, format_)
    n_columns = len(metadata.variables)
    _refuse_size(metadata, name)
    chunks: dict[str, list[pa.DictionaryArray]] = {column: [] for column in metadata.variables}
    texts = {column for column, variable in metadata.variables.items() if variable.type == "text"}
    n_rows = 0
    # Every part is found by passing over all rows before it, so there are not too many of them.
    at_once = max(_CELLS_AT_ONCE // max(n_columns, 1), (metadata.n_rows or 0) // _MOST_PARTS, 1)
    for part in _parts(stream, name, format_, at_once):
        n_rows += len(next(iter(part.values()), []))
        for column, cells in part.items():
            chunks[column].append(_encoded(cells, text=column in texts))
    if metadata.n_rows is not None and n_rows != metadata.n_rows:
        found = f"the file says {metadata.n_rows:,} rows and holds {n_rows:,}"
        raise TruncatedInputError(Fault(where=name, found=found, remedy="copy or export the file again"))
    if not n_rows:
        raise InputError(Fault(where=name, found="the file holds no rows"))
    columns = {column: joined(parts) for column, parts in chunks.items()}
    return (
        RawTable(
            table=pa.table(columns),
            declared_missing=_declared_missing(metadata, columns),
            inexact=_inexact(metadata, columns),
        ),
        metadata,
    )


def stat_metadata(stream: BinaryIO, name: str, format_: Format) -> FileMetadata:
    """Read only what an SPSS or Stata file says about its variables.

    Raises
    ------
    TruncatedInputError
        If the file is truncated or damaged.
    """
    _, meta = _read(stream, name, format_, metadataonly=True)
    variables = {column: _variable(column, meta, format_) for column in meta.column_names}
    # A portable file and some files of other programs don't say how many rows they hold.
    n_rows = meta.number_rows if isinstance(meta.number_rows, int) and meta.number_rows >= 0 else None
    return FileMetadata(
        source=name,
        format=format_,
        variables=variables,
        title=meta.file_label or "",
        n_rows=n_rows,
        notes=tuple(str(note) for note in meta.notes or ()),
    )


def _read(stream: BinaryIO, name: str, format_: Format, **options: Any) -> tuple[Any, Any]:
    stream.seek(0)
    # `user_missing` keeps "refused" apart from "not asked"; dates stay the numbers that they are in the file.
    if format_ != "por":
        options["user_missing"] = True
    try:
        return cast(
            "tuple[Any, Any]",
            getattr(pyreadstat, _READERS[format_])(
                stream,
                apply_value_formats=False,
                disable_datetime_conversion=True,
                output_format="dict",
                **options,
            ),
        )
    except MemoryError:
        raise
    except Exception as error:  # the reader raises several families of errors, some of them built in
        program = _PROGRAMS[format_]
        found = f"the {program} reader can't make sense of the file; it is truncated or damaged"
        fault = Fault(where=name, found=found, remedy="copy or export the file again")
        raise TruncatedInputError(fault) from error


def _parts(
    stream: BinaryIO, name: str, format_: Format, at_once: int
) -> Iterator[Mapping[str, Sequence[Any]]]:
    offset = 0
    while True:
        part, _ = _read(stream, name, format_, row_offset=offset, row_limit=at_once)
        n_rows = len(next(iter(part.values()), []))
        if n_rows or not offset:
            yield part
        if n_rows < at_once:
            return
        offset += n_rows


def _refuse_size(metadata: FileMetadata, name: str) -> None:
    if len(metadata.variables) > MOST_COLUMNS:
        found = f"the file has {len(metadata.variables):,} columns"
        raise ResourceLimitError(Fault(where=name, found=found, allowed=f"at most {MOST_COLUMNS:,}"))
    if (metadata.n_rows or 0) > MOST_ROWS:
        found = f"the file says that it holds {metadata.n_rows:,} rows"
        raise ResourceLimitError(Fault(where=name, found=found, allowed=f"at most {MOST_ROWS:,}"))


def _encoded(cells: Sequence[Any], *, text: bool) -> pa.DictionaryArray:
    try:
        return text_column(pa.array(cells, type=pa.string() if text else pa.float64()), cell_text)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # Numbers with Stata's `a` to `z` among them.
        texts = {cell: f".{cell}" if isinstance(cell, str) else cell_text(cell) for cell in set(cells)}
        return pa.array([texts[cell] for cell in cells], type=pa.string()).dictionary_encode()


def cell_text(cell: Any) -> str | None:
    """Write a cell of an SPSS or Stata file as text; None if it is missing or blank."""
    if cell is None or cell != cell:  # noqa: PLR0124  (NaN alone differs from itself)
        return None
    if isinstance(cell, str):
        return cell.rstrip(" ") or None
    return code_text(float(cell))


def code_text(number: float) -> str:
    """Write a number as a codebook writes it: whole numbers without a point, others exactly.

    Examples
    --------
    >>> code_text(1.0), code_text(42.5), code_text(-1.0)
    ('1', '42.5', '-1')
    """
    # Above 2**53 a float may stand for several whole numbers, so it is not written as one.
    return str(int(number)) if number.is_integer() and abs(number) <= _EXACT else repr(number)


def _variable(column: str, meta: Any, format_: Format) -> VariableMetadata:
    shown = str(meta.original_variable_types.get(column) or "")
    text = meta.readstat_variable_types.get(column) == "string"
    stated = meta.variable_measure.get(column)
    letters = shown.lstrip("%-0123456789tc") if format_ == "dta" else shown.rstrip("0123456789.")
    dated = shown.startswith(("%t", "%-t", "%d")) if format_ == "dta" else letters in _DATES
    limits = meta.missing_ranges.get(column, ())
    single = [limit["lo"] for limit in limits if limit["lo"] == limit["hi"]]
    wide = [limit for limit in limits if limit["lo"] != limit["hi"] and not isinstance(limit["lo"], str)]
    values = meta.variable_value_labels.get(column, {})
    codes = {_code(code, text=text): str(label) for code, label in values.items()}
    stata = [code for code in codes if code and code.startswith(".") and not text]
    return VariableMetadata(
        name=column,
        label=meta.column_names_to_labels.get(column) or "",
        type="date" if dated else ("text" if text else "number"),
        level=cast("Level", stated) if stated in {"nominal", "ordinal", "scale"} else "unknown",
        values={code: label for code, label in codes.items() if code is not None},
        missing=tuple(
            dict.fromkeys(
                [code for code in (_code(code, text=text) for code in single) if code is not None] + stata
            )
        ),
        missing_ranges=tuple((float(limit["lo"]), float(limit["hi"])) for limit in wide),
        format=shown,
    )


def _code(code: Any, *, text: bool) -> str | None:
    # A letter among the codes of a number is one of Stata's missing values.
    return f".{code}" if isinstance(code, str) and not text else cell_text(code)


def _declared_missing(
    metadata: FileMetadata, columns: Mapping[str, pa.ChunkedArray]
) -> dict[str, tuple[str, ...]]:
    declared = {}
    for column, variable in metadata.variables.items():
        present: list[str] = []
        if variable.missing_ranges:
            present = [
                code
                for code in _distinct(columns[column])
                if any(low <= float(code) <= high for low, high in variable.missing_ranges)
            ]
        stata = [
            code
            for code in columns[column].unique().to_pylist()
            if code and code.startswith(".") and variable.type != "text"
        ]
        codes = dict.fromkeys([*variable.missing, *sorted(present, key=float), *sorted(stata)])
        if codes:
            declared[column] = tuple(codes)
    return declared


def _distinct(column: pa.ChunkedArray) -> list[str]:
    codes = column.unique().to_pylist()
    return [code for code in codes if code is not None and not code.startswith(".")]


def _inexact(metadata: FileMetadata, columns: Mapping[str, pa.ChunkedArray]) -> tuple[str, ...]:
    """Return the columns with whole numbers that a float can't tell from their neighbours."""
    return tuple(
        column
        for column, variable in metadata.variables.items()
        if variable.type == "number"
        and any(abs(float(code)) > _EXACT and float(code).is_integer() for code in _distinct(columns[column]))
    )
