"""Spreadsheets, Excel's and OpenDocument's, read as codes.

This runs in a process of its own: what it reads is a compressed archive of unknown size.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import python_calamine

from coprodstats.errors import (
    Fault,
    Found,
    InputError,
    ResourceLimitError,
    SchemaError,
    TruncatedInputError,
    did_you_mean,
    listed,
    raise_found,
)
from coprodstats.survey.column_names import header_faults
from coprodstats.survey.limits import LONGEST_CELL, MOST_COLUMNS
from coprodstats.survey.metadata import FileMetadata, VariableMetadata
from coprodstats.survey.raw_table import RawBatches, Remarks, joined
from coprodstats.survey.sheet_cells import cell_faults
from coprodstats.survey.typed_columns import typed_text

_CELLS_AT_ONCE = 500_000
# Spreadsheets keep fifteen digits of a number.
_EXACT = 10**15
# Excel believes that 1900 was a leap year, so that dates before March 1900 are one day off or not.
_FIRST_SURE_DAY = dt.date(1900, 3, 1)


def read_sheet(
    stream: BinaryIO,
    name: str,
    format_: str,
    keep: Collection[str] | None = None,
    *,
    sheet: str = "",
    header_rows: int = 1,
) -> tuple[RawBatches, FileMetadata]:
    """Read a sheet.

    Parameters
    ----------
    stream
        The workbook.
    name
        What messages call the file.
    format_
        ``"xlsx"`` or ``"ods"``.
    keep
        Names of the columns wanted; the others are checked and left out. None for all.
    sheet
        Name of the sheet; empty if there is only one.
    header_rows
        Rows above the data. The last holds the names; where it is blank, the next one above does.

    Returns
    -------
    tuple
        The columns as text, as `typed_text` writes cells, and their names.

    Raises
    ------
    TruncatedInputError
        If the file is damaged.
    SchemaError
        If cells hold errors or formulas without a result, a column mixes dates and numbers, or the header
        isn't one row of names.
    InputError
        If several sheets could be meant, or there are no rows.
    """
    used = _sheet(stream, name, sheet)
    found: list[Found] = [(SchemaError, fault) for fault in cell_faults(stream, name, format_, used.name)]
    rows = _rows(used)
    header = list(islice(rows, header_rows))
    if not header:
        raise InputError(Fault(where=name, found="the sheet is empty", allowed="a header and rows"))
    names = _names(header)
    if len(names) > MOST_COLUMNS:
        told = f"the sheet has {len(names):,} columns"
        raise ResourceLimitError(Fault(where=name, found=told, allowed=f"at most {MOST_COLUMNS:,}"))
    found += _header_faults(used, name, names, header_rows)
    body = _Body(names=names)
    for row in rows:
        body.add(row)
    body.flush()
    found += body.faults(name, header_rows)
    raise_found(found, InputError)
    if not body.n_rows:
        raise InputError(Fault(where=name, found="there is a header but not a single row"))
    kept = tuple(column for column in names if keep is None or column in keep)
    batches = (batch.columns for batch in body.table().select(kept).to_batches())
    remarks = Remarks(inexact=sorted(body.inexact))
    table = RawBatches(names=tuple(names), kept=kept, batches=batches, remarks=remarks)
    variables = {column: VariableMetadata(name=column, type=body.type_of(column)) for column in names}
    metadata = FileMetadata(source=name, format=format_, variables=variables, n_rows=body.n_rows)
    return table, metadata


def _sheet(stream: BinaryIO, name: str, sheet: str) -> Any:
    try:
        book = python_calamine.load_workbook(stream)
        names = [
            one.name for one in book.sheets_metadata if one.typ == python_calamine.SheetTypeEnum.WorkSheet
        ]
        if sheet and sheet not in names:
            told = f"there is no sheet {sheet!r}"
            fault = Fault(where=name, found=told, allowed=listed(names), remedy=did_you_mean(sheet, names))
            raise InputError(fault)
        if not sheet and len(names) != 1:
            told = f"there are {len(names)} sheets: {listed([repr(one) for one in names])}"
            remedy = 'name one in the codebook: [file] sheet = "…"'
            raise InputError(Fault(where=name, found=told, allowed="one sheet, or its name", remedy=remedy))
        return book.get_sheet_by_name(sheet or names[0])
    except (python_calamine.CalamineError, OSError, ValueError, KeyError) as error:
        told = "the reader of spreadsheets can't make sense of the file; it is truncated or damaged"
        fault = Fault(where=name, found=told, remedy="copy or export the file again")
        raise TruncatedInputError(fault) from error


def _rows(sheet: Any) -> Iterator[list[Any]]:
    """Yield rows from the first of the sheet, whether or not anything is in it, all of one width."""
    if sheet.end is None:
        return
    width = sheet.end[1] + 1
    for row in sheet.iter_rows():
        yield [*row, *[""] * (width - len(row))]


def _names(header: Sequence[Sequence[Any]]) -> list[str]:
    names = []
    for cells in zip(*header, strict=True):
        texts = [typed_text(cell) for cell in reversed(cells)]
        names.append(next((text for text in texts if text), ""))
    while names and not names[-1]:
        names.pop()
    return names


def _header_faults(sheet: Any, name: str, names: list[str], header_rows: int) -> list[Found]:
    merged = [place for place in sheet.merged_cell_ranges or () if place[0][0] < header_rows]
    remedy = "say in the codebook how many rows are above the data: [file] header_rows = 2"
    where = f"{name}: sheet {sheet.name!r}"
    # With several rows declared, group titles above the last of them may be merged.
    if [place for place in merged if place[1][0] >= header_rows or header_rows == 1]:
        found = "there are merged cells in the header"
        return [(SchemaError, Fault(where=where, found=found, allowed="one name per column", remedy=remedy))]
    if nameless := [place for place, column in enumerate(names, start=1) if not column]:
        found = f"columns without a name at positions {listed(nameless)}"
        return [(SchemaError, Fault(where=where, found=found, allowed="one name per column", remedy=remedy))]
    return header_faults(names, name)


@dataclass(slots=True)
class _Body:
    """The rows read so far, by column, with what kinds of cells each column holds."""

    names: list[str]
    rows: list[list[Any]] = field(default_factory=list)
    n_rows: int = 0
    chunks: list[list[pa.DictionaryArray]] = field(default_factory=list)
    kinds: list[set[str]] = field(default_factory=list)
    inexact: set[str] = field(default_factory=set)
    beyond: list[int] = field(default_factory=list)
    early: set[str] = field(default_factory=set)
    long: set[str] = field(default_factory=set)

    def add(self, row: list[Any]) -> None:
        self.n_rows += 1
        width = len(self.names)
        if any(cell != "" for cell in row[width:]):
            self.beyond.append(self.n_rows)
        self.rows.append(row[:width])
        if len(self.rows) * width >= _CELLS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        if not self.chunks:
            self.chunks = [[] for _ in self.names]
            self.kinds = [set() for _ in self.names]
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.names)
        for place, cells in enumerate(columns):
            # 1 and true are equal, so the type belongs to the key.
            texts = {(type(cell), cell): self._text(place, cell) for cell in set(cells)}
            for cell in cells:
                if (type(cell), cell) not in texts:
                    texts[type(cell), cell] = self._text(place, cell)
            plain = pa.array([texts[type(cell), cell] for cell in cells], type=pa.string())
            self.chunks[place].append(plain.dictionary_encode())
        self.rows.clear()

    def _text(self, place: int, cell: Any) -> str | None:
        column = self.names[place]
        if isinstance(cell, dt.timedelta):
            self.kinds[place].add("date")
            return str(cell)
        if isinstance(cell, (dt.date, dt.time)):
            self.kinds[place].add("date")
            day = cell.date() if isinstance(cell, dt.datetime) else cell
            if isinstance(day, dt.date) and day < _FIRST_SURE_DAY:
                self.early.add(column)
        elif isinstance(cell, (int, float)) and not isinstance(cell, bool):
            self.kinds[place].add("number")
            if abs(cell) >= _EXACT:
                self.inexact.add(column)
        elif isinstance(cell, str) and cell.strip():
            self.kinds[place].add("text")
            if len(cell) > LONGEST_CELL:
                self.long.add(column)
        return typed_text(cell)

    def faults(self, name: str, header_rows: int) -> list[Found]:
        found: list[Found] = []
        if self.beyond:
            rows = listed([row + header_rows for row in self.beyond[:20]], 20)
            told = f"there are cells to the right of the header in row {rows}"
            remedy = "name the columns, or say how many rows are above the data: [file] header_rows = 2"
            found.append((SchemaError, Fault(where=name, found=told, remedy=remedy)))
        for column, kinds in zip(self.names, self.kinds, strict=True):
            if {"date", "number"} <= kinds:
                told = "some cells are dates and some are numbers"
                remedy = "give the whole column one format; a number among dates may be a date, or not"
                found.append((SchemaError, Fault(where=f"{name}: {column}", found=told, remedy=remedy)))
        for column in sorted(self.early):
            told = "there are dates before 1 March 1900, which spreadsheets disagree about"
            found.append(
                (SchemaError, Fault(where=f"{name}: {column}", found=told, remedy="write such dates as text"))
            )
        for column in sorted(self.long):
            told = f"a cell is longer than {LONGEST_CELL:,} characters"
            found.append((ResourceLimitError, Fault(where=f"{name}: {column}", found=told)))
        return found

    def type_of(self, column: str) -> Any:
        kinds = self.kinds[self.names.index(column)]
        for kind in ("text", "date", "number"):
            if kind in kinds:
                return kind
        return "unknown"

    def table(self) -> pa.Table:
        return pa.table({name: joined(part) for name, part in zip(self.names, self.chunks, strict=True)})
