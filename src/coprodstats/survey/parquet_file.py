"""Parquet files, read as codes, with the checksums of their pages verified.

This runs in a process of its own: the parser is C++ code.
"""

from __future__ import annotations

import json
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
from coprodstats.survey.raw_table import RawTable, joined
from coprodstats.survey.typed_columns import column_fault, inexact_columns, typed_column

_ROWS_AT_ONCE = 100_000


def read_parquet(
    stream: BinaryIO, name: str, *, only_metadata: bool = False
) -> tuple[RawTable | None, FileMetadata]:
    """Read a Parquet file.

    Parameters
    ----------
    stream
        The file.
    name
        What messages call the file.
    only_metadata
        Whether only names, types and labels are wanted.

    Returns
    -------
    tuple
        The columns as text, as `typed_column` writes them, and what the file says about them.

    Raises
    ------
    TruncatedInputError
        If the file is truncated or a page isn't what its checksum says.
    SchemaError
        If a column holds anything but texts, numbers, dates, or true and false.
    ResourceLimitError
        If it has too many columns or rows.
    InputError
        If it is empty.
    """
    try:
        # Whole files are read ahead otherwise, whatever their size.
        file = pq.ParquetFile(stream, page_checksum_verification=True, memory_map=False)
        schema = file.schema_arrow
        metadata = _metadata(file, schema, name)
        _refuse(metadata, schema, name)
        if only_metadata:
            return None, metadata
        columns = list(metadata.variables)
        chunks: dict[str, list[pa.DictionaryArray]] = {column: [] for column in columns}
        n_rows = 0
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=columns):
            n_rows += batch.num_rows
            for column in columns:
                chunks[column].append(typed_column(batch.column(column)))
    except (pa.ArrowException, OSError, ValueError, LookupError, OverflowError) as error:
        if isinstance(error, pa.ArrowMemoryError):
            raise MemoryError from None
        found = "the Parquet reader can't make sense of the file; it is truncated or damaged"
        raise TruncatedInputError(
            Fault(where=name, found=found, remedy="copy or export the file again")
        ) from error
    if n_rows != metadata.n_rows:
        found = f"the file says {metadata.n_rows} rows and holds {n_rows}"
        raise TruncatedInputError(Fault(where=name, found=found, remedy="copy or export the file again"))
    if not n_rows:
        raise InputError(Fault(where=name, found="the file holds no rows"))
    table = pa.table({column: joined(parts) for column, parts in chunks.items()})
    inexact = inexact_columns(table, [field.name for field in schema if pa.types.is_floating(field.type)])
    return RawTable(table=table, inexact=inexact), metadata


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
    if faults := [fault for field in schema if (fault := column_fault(field.name, field.type, name))]:
        raise SchemaError(*faults)
