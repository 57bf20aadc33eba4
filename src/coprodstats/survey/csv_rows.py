"""The rows of a CSV file, a block at a time: their cells, the lines that they begin on, what is wrong."""

from __future__ import annotations

import csv
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from coprodstats.errors import Fault, Found, InputError, ResourceLimitError, SchemaError, listed
from coprodstats.survey.compact import Columns
from coprodstats.survey.csv_block import Records, batches_of, plain_records
from coprodstats.survey.limits import LONGEST_CELL, MOST_ROWS
from coprodstats.survey.memory import check_room
from coprodstats.survey.text_source import TextSource, lines_of

_CELLS_AT_ONCE = 1_000_000
_MOST_SHOWN = 20
_MARKS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}


@contextmanager
def cells_limited() -> Iterator[None]:
    """Refuse cells of more than `LONGEST_CELL` characters while it lasts."""
    # The limit belongs to the csv module as a whole, so it is put back.
    limit = csv.field_size_limit(LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


@dataclass(slots=True)
class RowLines:
    """On which line of the file each row begins, as the rows from which on the two drift apart.

    Examples
    --------
    >>> lines = RowLines()
    >>> lines.add(0, first_line=2, within=None)
    >>> lines.add(3, first_line=5, within=np.array([0, 2, 3]))
    >>> [lines.of(row) for row in range(6)]
    [2, 3, 4, 5, 7, 8]
    """

    _rows: array[int] = field(default_factory=lambda: array("q"))
    _ahead: array[int] = field(default_factory=lambda: array("q"))

    def add(self, row: int, *, first_line: int, within: NDArray[np.signedinteger[Any]] | None) -> None:
        """Add rows from ``row`` on: each one line from ``first_line`` on, or ``within`` lines after it."""
        if within is None:
            self._drift(row, first_line - row)
            return
        ahead = within - np.arange(len(within)) + first_line - row
        for place in np.flatnonzero(np.diff(ahead, prepend=ahead[0] - 1)).tolist():
            self._drift(row + place, int(ahead[place]))

    def _drift(self, row: int, ahead: int) -> None:
        if not self._ahead or self._ahead[-1] != ahead:
            self._rows.append(row)
            self._ahead.append(ahead)

    def of(self, row: int) -> int:
        """Return the line of a row, both from where they begin: 1 and 0."""
        return row + self._ahead[bisect_right(self._rows, row) - 1]


@dataclass(slots=True)
class CsvRows:
    """The rows read so far, by column, and what is wrong with them.

    Attributes
    ----------
    name
        What messages call the file.
    header
        Names of all columns.
    kept
        Positions of the columns wanted.
    delimiter
        What separates fields.
    trailing
        Whether rows end with a delimiter that the header lacks.
    told_by
        What says how many fields a row has.
    """

    name: str
    header: Sequence[str]
    kept: Sequence[int]
    delimiter: str
    trailing: bool
    told_by: str = "the header"
    n_rows: int = 0
    lines: RowLines = field(default_factory=RowLines)
    columns: Columns = field(init=False)
    n_bad: int = 0
    n_trailing: int = 0
    shown: list[str] = field(default_factory=list)
    fatal: list[Found] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.columns = Columns([self.header[place] for place in self.kept])

    def read(self, source: TextSource, tell: Callable[[], object]) -> None:
        """Read all rows; ``tell`` is called after every block."""
        width = len(self.header)
        before = source.n_lines
        while not self.fatal and (block := source.block()):
            records = plain_records(block, self.delimiter, width, trailing=self.trailing)
            if records is not None:
                self._add_plain(records, before + 1)
            else:
                self._add_odd(block, source, before)
            before = source.n_lines
            if self.n_rows > MOST_ROWS:
                fault = Fault(where=self.name, found=f"the file has more than {MOST_ROWS:,} rows")
                self.fatal.append((ResourceLimitError, fault))
            check_room(self.columns.nbytes, self.n_rows, self.name)
            tell()

    def _add_plain(self, records: Records, first_line: int) -> None:
        self.lines.add(self.n_rows, first_line=first_line, within=records.lines)
        self.n_rows += records.n_rows
        width, kept = len(self.header), dict(zip(self.kept, self.columns.types, strict=True))
        for batch in batches_of(records, self.delimiter, width, kept, trailing=self.trailing):
            self.columns.add(batch)

    def _add_odd(self, block: bytes, source: TextSource, before: int) -> None:
        """Read a block record by record; one that the block cuts is read to its end."""
        taken, last = before, source.n_lines

        def feed() -> Iterator[str]:
            nonlocal taken
            for line in lines_of(block):
                taken += 1
                yield line
            while line := source.line():
                taken += 1
                yield line

        reader = csv.reader(feed(), strict=True, delimiter=self.delimiter)
        rows: list[list[str]] = []
        begins = array("q")
        at_once = max(1, _CELLS_AT_ONCE // len(self.header))
        first_line = before + 1
        try:
            while taken < last:
                first_line = taken + 1
                begins.append(taken - before)
                rows.append(self._fitted(next(reader), first_line))
                if len(rows) == at_once:
                    self._flush(rows)
        except csv.Error as error:
            self.fatal.append(syntax_fault(str(error), first_line, self.name))
            return
        self.lines.add(self.n_rows, first_line=before + 1, within=np.frombuffer(begins, dtype=np.int64))
        self.n_rows += len(begins)
        self._flush(rows)

    def _fitted(self, record: list[str], line: int) -> list[str]:
        """Return a record with as many fields as the header has; all blank if it has others."""
        width = len(self.header)
        if self.trailing and len(record) == width + 1 and not record[-1]:
            return record[:-1]
        if len(record) == width and not self.trailing:
            return record
        if record:
            self.n_bad += 1
            self.n_trailing += len(record) == width + 1 and not record[-1]
            if len(self.shown) <= _MOST_SHOWN:
                self.shown.append(f"line {line} has {len(record)}")
        return [""] * width

    def _flush(self, rows: list[list[str]]) -> None:
        if rows:
            cells = list(zip(*rows, strict=True))
            self.columns.add(pa.array(cells[place], pa.string()).dictionary_encode() for place in self.kept)
            rows.clear()

    def faults(self) -> list[Found]:
        """Return what is wrong with the rows."""
        found = [*self.fatal]
        if self.n_bad:
            found.append((SchemaError, self._width_fault()))
        if not found and not self.n_rows:
            fault = Fault(where=self.name, found="there is a header but not a single row")
            found.append((InputError, fault))
        return found

    def _width_fault(self) -> Fault:
        mark = _MARKS[self.delimiter]
        told = listed(self.shown[:_MOST_SHOWN], _MOST_SHOWN)
        more = self.n_bad - min(len(self.shown), _MOST_SHOWN)
        told += f", … ({more:,} more)" if more else ""
        remedy = f"quote the fields that hold a {mark}, or mend the export"
        allowed = ""
        if self.trailing:
            allowed = f"rows that end with a {mark}, as declared by file.trailing_delimiter"
        elif self.n_trailing == self.n_bad == self.n_rows:
            remedy = (
                f"every row ends with a {mark} that the header lacks: remove it, or declare "
                "[file] trailing_delimiter = true"
            )
        found = f"{self.n_bad:,} of {self.n_rows:,} rows have another number of fields than {self.told_by}"
        return Fault(
            where=self.name, found=f"{found} ({len(self.header)}): {told}", allowed=allowed, remedy=remedy
        )


def syntax_fault(message: str, line: int, name: str) -> Found:
    """Return the fault that the csv module's message about the record at a line means."""
    if "limit" in message:
        found = f"line {line}: a cell is longer than {LONGEST_CELL:,} characters"
        return ResourceLimitError, Fault(where=name, found=found)
    if "unexpected end" in message:
        found = f"a quote that opens in the record at line {line} never closes"
    else:
        found = f"the record at line {line}: a closing quote is not followed by a delimiter"
    remedy = 'write a quote inside a quoted field twice: "she said ""yes"""'
    return SchemaError, Fault(where=name, found=found, remedy=remedy)
