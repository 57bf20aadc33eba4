"""SPSS and Stata files, read as codes: labels are not applied and user-missing codes stay.

This runs in a process of its own: the parser is C code that crafted files have crashed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyreadstat

from coprodstats.errors import Fault, InputError, ResourceLimitError, TruncatedInputError
from coprodstats.survey.file_format import Format
from coprodstats.survey.limits import MOST_COLUMNS, MOST_ROWS
from coprodstats.survey.metadata import FileMetadata, Level, VariableMetadata
from coprodstats.survey.raw_table import RawBatches, Remarks, text_column

_PROGRAMS = {"sav": "SPSS", "por": "SPSS", "dta": "Stata"}
_READERS = {"sav": "read_sav", "por": "read_por", "dta": "read_dta"}
_CELLS_AT_ONCE = 8_000_000
_MOST_PARTS = 16
_EXACT = 2**53
_DATES = ("DATE", "ADATE", "EDATE", "JDATE", "SDATE", "DATETIME", "YMDHMS", "TIME", "DTIME", "MTIME")


def read_stat(
    stream: BinaryIO, name: str, format_: Format, keep: Collection[str] | None = None
) -> tuple[RawBatches, FileMetadata]:
    """Read an SPSS or Stata file some rows at a time.

    Parameters
    ----------
    stream
        The file.
    name
        What messages call the file.
    format_
        ``"sav"`` (also ``.zsav``), ``"por"`` or ``"dta"``.
    keep
        Names of the columns wanted; None for all.

    Returns
    -------
    tuple
        The columns as text, and what the file says about them. Numbers are written as `code_text` writes
        them, strings without the spaces that SPSS pads them with on the right; system-missing and blank
        strings are null; Stata's ``.a`` to ``.z`` are those codes.

    Raises
    ------
    TruncatedInputError
        If the file is truncated or damaged; perhaps only with a later batch.
    InputError
        If it is empty.
    """
    metadata = stat_metadata(stream, name, format_)
    _refuse_size(metadata, name)
    kept = tuple(column for column in metadata.variables if keep is None or column in keep)
    wanted = {column: metadata.variables[column] for column in kept}
    remarks = Remarks()
    batches = _batches(_parts(stream, name, format_, metadata, kept), metadata.n_rows, wanted, remarks, name)
    names = tuple(metadata.variables)
    return RawBatches(names=names, kept=kept, batches=batches, remarks=remarks), metadata


def _batches(
    parts: Iterator[Mapping[str, Sequence[Any]]],
    n_told: int | None,
    wanted: Mapping[str, VariableMetadata],
    remarks: Remarks,
    name: str,
) -> Iterator[list[pa.DictionaryArray]]:
    n_rows = 0
    met: dict[str, set[str]] = {column: set() for column in wanted}
    for part in parts:
        n_rows += len(next(iter(part.values()), []))
        texts = {
            column: _encoded(part[column], text=variable.type == "text")
            for column, variable in wanted.items()
        }
        for column, variable in wanted.items():
            codes = [code for code in texts[column].dictionary.to_pylist() if code is not None]
            met[column].update(_missing_among(codes, variable))
            inexact = variable.type == "number" and _has_inexact(codes)
            if inexact and column not in remarks.inexact:
                remarks.inexact.append(column)
        yield list(texts.values())
    if wanted and n_told is not None and n_rows != n_told:
        found = f"the file says {n_told:,} rows and holds {n_rows:,}"
        raise TruncatedInputError(Fault(where=name, found=found, remedy="copy or export the file again"))
    if wanted and not n_rows:
        raise InputError(Fault(where=name, found="the file holds no rows"))
    for column, variable in wanted.items():
        stata = sorted(code for code in met[column] if code.startswith("."))
        numbers = sorted((code for code in met[column] if not code.startswith(".")), key=float)
        if missing := tuple(dict.fromkeys([*variable.missing, *numbers, *stata])):
            remarks.declared_missing[column] = missing


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
    stream: BinaryIO, name: str, format_: Format, metadata: FileMetadata, kept: Sequence[str]
) -> Iterator[Mapping[str, Sequence[Any]]]:
    if not kept:
        return
    # Every part is found by passing over all rows before it, so there are not too many of them.
    at_once = max(_CELLS_AT_ONCE // len(kept), (metadata.n_rows or 0) // _MOST_PARTS, 1)
    chosen = {} if len(kept) == len(metadata.variables) else {"usecols": list(kept)}
    offset = 0
    while True:
        part, _ = _read(stream, name, format_, row_offset=offset, row_limit=at_once, **chosen)
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


def _missing_among(codes: Sequence[str], variable: VariableMetadata) -> Iterator[str]:
    """Yield the codes that the file declares missing by a range, and Stata's letters."""
    for code in codes:
        if code.startswith("."):
            if variable.type != "text":
                yield code
        elif any(low <= float(code) <= high for low, high in variable.missing_ranges):
            yield code


def _has_inexact(codes: Sequence[str]) -> bool:
    """Say whether there is a whole number that a float can't tell from its neighbours."""
    numbers = (float(code) for code in codes if not code.startswith("."))
    return any(abs(number) > _EXACT and number.is_integer() for number in numbers)
