"""Parquet files, read as codes, with the checksums of their pages verified.

This runs in a process of its own: the parser is C++ code.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from coprodstats.errors import (
    Fault,
    InputError,
    ResourceLimitError,
    SchemaError,
    TruncatedInputError,
    raise_found,
)
from coprodstats.survey.column_names import header_faults
from coprodstats.survey.limits import MOST_COLUMNS, MOST_ROWS
from coprodstats.survey.metadata import FileMetadata, ValueType, VariableMetadata
from coprodstats.survey.raw_table import RawBatches, Remarks
from coprodstats.survey.typed_columns import column_fault, has_inexact, typed_column

_ROWS_AT_ONCE = 100_000
# How much of a column is read ahead; without a limit it is all that a group of rows holds of it.
_BYTES_AT_ONCE = 1024**2


def parquet_metadata(stream: BinaryIO, name: str) -> FileMetadata:
    """Read only names, types and labels of a Parquet file.

    Raises
    ------
    TruncatedInputError, SchemaError, ResourceLimitError
        As `read_parquet`.
    """
    return _opened(stream, name)[1]


def read_parquet(
    stream: BinaryIO, name: str, keep: Collection[str] | None = None
) -> tuple[RawBatches, FileMetadata]:
    """Read a Parquet file some rows at a time.

    Parameters
    ----------
    stream
        The file.
    name
        What messages call the file.
    keep
        Names of the columns wanted; the pages of others are never read. None for all.

    Returns
    -------
    tuple
        The columns as text, as `typed_column` writes them, and what the file says about them.

    Raises
    ------
    TruncatedInputError
        If the file is truncated or a page isn't what its checksum says; perhaps only with a later batch.
    SchemaError
        If a column wanted holds anything but texts, numbers, dates, or true and false.
    ResourceLimitError
        If it has too many columns or rows.
    InputError
        If it is empty.
    """
    file, metadata = _opened(stream, name)
    kept = tuple(column for column in metadata.variables if keep is None or column in keep)
    schema = file.schema_arrow
    if faults := [fault for one in kept if (fault := column_fault(one, schema.field(one).type, name))]:
        raise SchemaError(*faults)
    if not metadata.n_rows:
        raise InputError(Fault(where=name, found="the file holds no rows"))
    remarks = Remarks()
    batches = _batches(file, metadata.n_rows, kept, remarks, name)
    names = tuple(metadata.variables)
    return RawBatches(names=names, kept=kept, batches=batches, remarks=remarks), metadata


def _opened(stream: BinaryIO, name: str) -> tuple[pq.ParquetFile, FileMetadata]:
    with _understood(name):
        # Whole files are read ahead otherwise, whatever their size.
        file = pq.ParquetFile(
            stream, page_checksum_verification=True, memory_map=False, buffer_size=_BYTES_AT_ONCE
        )
        metadata = _metadata(file, file.schema_arrow, name)
    _refuse(metadata, file.schema_arrow, name)
    return file, metadata


def _batches(
    file: pq.ParquetFile, n_told: int, kept: Sequence[str], remarks: Remarks, name: str
) -> Iterator[list[pa.DictionaryArray]]:
    floats = [column for column in kept if pa.types.is_floating(file.schema_arrow.field(column).type)]
    n_rows = 0
    with _understood(name):
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=list(kept)) if kept else ():
            n_rows += batch.num_rows
            texts = {column: typed_column(batch.column(column)) for column in kept}
            for column in floats:
                if column not in remarks.inexact and has_inexact(texts[column].dictionary.to_pylist()):
                    remarks.inexact.append(column)
            yield list(texts.values())
    if kept and n_rows != n_told:
        found = f"the file says {n_told} rows and holds {n_rows}"
        raise TruncatedInputError(Fault(where=name, found=found, remedy="copy or export the file again"))


@contextmanager
def _understood(name: str) -> Iterator[None]:
    """Put what the parser says about damage into words of this package."""
    try:
        yield
    except pa.ArrowMemoryError:
        raise MemoryError from None
    except (pa.ArrowException, OSError, ValueError, LookupError, OverflowError) as error:
        found = "the Parquet reader can't make sense of the file; it is truncated or damaged"
        raise TruncatedInputError(
            Fault(where=name, found=found, remedy="copy or export the file again")
        ) from error


def _metadata(file: pq.ParquetFile, schema: pa.Schema, name: str) -> FileMetadata:
    variables = {}
    for field in schema:
        said = {key.decode(): text.decode() for key, text in (field.metadata or {}).items()}
        variables[field.name] = VariableMetadata(
            name=field.name, label=said.get("label", ""), type=_type(field.type), values=_values(said)
        )
    return FileMetadata(source=name, format="parquet", variables=variables, n_rows=file.metadata.num_rows)


def _values(said: dict[str, str]) -> dict[str, str]:
    """Return value labels that other programs leave beside a column, as JSON."""
    try:
        found: Any = json.loads(said.get("value_labels", "{}"))
    except ValueError:
        return {}
    return {str(code): str(label) for code, label in found.items()} if isinstance(found, dict) else {}


def _type(found: pa.DataType) -> ValueType:
    if pa.types.is_dictionary(found):
        return _type(found.value_type)
    if pa.types.is_temporal(found):
        return "date"
    number = pa.types.is_integer(found) or pa.types.is_floating(found) or pa.types.is_decimal(found)
    return "number" if number else "text"


def _refuse(metadata: FileMetadata, schema: pa.Schema, name: str) -> None:
    if len(schema) > MOST_COLUMNS:
        found = f"the file has {len(schema):,} columns"
        raise ResourceLimitError(Fault(where=name, found=found, allowed=f"at most {MOST_COLUMNS:,}"))
    if (metadata.n_rows or 0) > MOST_ROWS:
        found = f"the file says that it holds {metadata.n_rows:,} rows"
        raise ResourceLimitError(Fault(where=name, found=found, allowed=f"at most {MOST_ROWS:,}"))
    raise_found(header_faults(schema.names, name), InputError)
