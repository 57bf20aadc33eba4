"""CSV files, read strictly: every cell as the text that it is, or a fault that says where."""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePath

import pyarrow as pa

from coprodstats.errors import (
    DelimiterError,
    Fault,
    Found,
    InputError,
    ResourceLimitError,
    SchemaError,
    listed,
    raise_found,
)
from coprodstats.survey.column_names import header_faults
from coprodstats.survey.file_format import DELIMITERS, FileFormat, codec
from coprodstats.survey.limits import LONGEST_CELL, MOST_COLUMNS, MOST_ROWS
from coprodstats.survey.opening import OpenFile
from coprodstats.survey.raw_table import RawTable, joined, rewritten
from coprodstats.survey.text_scan import scan_text

Progress = Callable[[int, int], None]
_CELLS_AT_ONCE = 1_000_000
_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CsvTable:
    """What a CSV file holds, and on which line each row begins.

    Attributes
    ----------
    table
        The columns as text.
    lines
        The line of each row, from 1.
    """

    table: RawTable
    lines: array[int]


def read_csv(file: OpenFile, declared: FileFormat, *, progress: Progress | None = None) -> CsvTable:
    r"""Read a CSV file: one header line, fields quoted with ``"`` where needed.

    Parameters
    ----------
    file
        The file.
    declared
        Delimiter, encoding, and whether rows end with a delimiter.
    progress
        Called with the bytes read so far and their number.

    Returns
    -------
    CsvTable
        The columns as text; a blank cell is null. A line without any character is a row of blank cells.

    Raises
    ------
    InputError
        If the bytes can't be read as one table without guessing: with all faults, or as one of its classes
        if that is what they all are.

    Examples
    --------
    >>> data = io.BytesIO(b"id,country\n007,NA\n008,\n")
    >>> file = OpenFile(name="s.csv", plain_name="s.csv", stream=data, size=23, packed=data)
    >>> read_csv(file, FileFormat()).table.columns
    {'id': ['007', '008'], 'country': ['NA', None]}
    """
    found = scan_text(file.stream, declared.encoding, file.name)
    delimiter = delimiter_of(file, declared)
    with _records(file, declared, delimiter) as records:
        header, faults = _header(records, file, declared, delimiter)
        found += faults
        if not any(family in {DelimiterError, ResourceLimitError} for family, _ in faults):
            body = _Body(name=file.name, header=header, delimiter=delimiter, declared=declared)
            _read_rows(records, body, file, progress)
            found += body.faults()
    raise_found(found, InputError)
    return CsvTable(table=RawTable(table=body.table()), lines=body.lines)


def csv_header(file: OpenFile, declared: FileFormat) -> list[str]:
    """Return the names of the columns of a CSV file.

    Raises
    ------
    InputError
        If the header can't be read without guessing.
    """
    found = scan_text(file.stream, declared.encoding, file.name)
    delimiter = delimiter_of(file, declared)
    with _records(file, declared, delimiter) as records:
        header, faults = _header(records, file, declared, delimiter)
    raise_found([*found, *faults], InputError)
    return header


def delimiter_of(file: OpenFile, declared: FileFormat) -> str:
    """Return the declared delimiter, or the one that the name of the file says."""
    name = PurePath(file.plain_name)
    return declared.delimiter or ("\t" if name.suffix.lower() == ".tsv" else ",")


@dataclass(slots=True)
class _Records:
    """Records one by one, with the line on which each begins."""

    reader: Iterator[list[str]]
    line_num: Callable[[], int]
    name: str
    delimiter: str
    line: int = 1

    def next(self) -> list[str] | None:
        self.line = self.line_num() + 1
        return next(self.reader, None)


@contextmanager
def _records(file: OpenFile, declared: FileFormat, delimiter: str) -> Iterator[_Records]:
    file.stream.seek(0)
    encoding = "utf-8-sig" if codec(declared.encoding) == "utf-8" else declared.encoding
    # Bytes that are no text were found by the scan; here they must not hide other faults.
    text = io.TextIOWrapper(file.stream, encoding=encoding, errors="replace", newline="")
    # The limit belongs to the csv module as a whole, so it is put back.
    limit = csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(text, strict=True, delimiter=delimiter)
    try:
        yield _Records(reader, lambda: reader.line_num, file.name, delimiter)
    finally:
        csv.field_size_limit(limit)
        text.detach()


def _header(
    records: _Records, file: OpenFile, declared: FileFormat, delimiter: str
) -> tuple[list[str], list[Found]]:
    try:
        header = records.next()
    except csv.Error as error:
        raise_found([_syntax_fault(str(error), records)], InputError)
    if not header:
        raise InputError(Fault(where=file.name, found="the file is empty", allowed="a header line and rows"))
    if declared.trailing_delimiter and len(header) > 1 and not header[-1]:
        header = header[:-1]
    if len(header) > MOST_COLUMNS:
        found = f"the header has {len(header):,} columns"
        fault = Fault(where=file.name, found=found, allowed=f"at most {MOST_COLUMNS:,}")
        return header, [(ResourceLimitError, fault)]
    wrong = _delimiter_faults(header, file, declared, delimiter)
    return header, wrong or header_faults(header, file.name)


def _delimiter_faults(header: list[str], file: OpenFile, declared: FileFormat, used: str) -> list[Found]:
    written = used.join(header)
    for delimiter, plural in DELIMITERS.items():
        count = written.count(delimiter)
        least = 1 if declared.delimiter else len(header)
        if delimiter == used or count < least or (declared.delimiter and len(header) > 1):
            continue
        columns = f"{len(header)} column" + ("s" if len(header) > 1 else "")
        found = f"{columns} found by {DELIMITERS[used]}, {count + 1} by {plural}"
        shown = "\\t" if delimiter == "\t" else delimiter
        remedy = f'declare it in the codebook: [file] delimiter = "{shown}"'
        if delimiter != "," and _holds_decimal_commas(file, delimiter):
            remedy += ', decimal = ","'
        fault = Fault(
            where=file.name, found=found, allowed=f"fields separated by {DELIMITERS[used]}", remedy=remedy
        )
        return [(DelimiterError, fault)]
    return []


def _holds_decimal_commas(file: OpenFile, delimiter: str) -> bool:
    file.stream.seek(0)
    head = file.stream.read(64 * 1024).decode("ascii", errors="replace")
    mark = re.escape(delimiter)
    return bool(re.search(rf'(^|{mark}|\n)"?[+-]?[0-9]+,[0-9]+"?({mark}|\r|\n|$)', head))


@dataclass(slots=True)
class _Body:
    """The rows read so far, by column, and what is wrong with them."""

    name: str
    header: list[str]
    delimiter: str
    declared: FileFormat
    lines: array[int] = field(default_factory=lambda: array("q"))
    chunks: list[list[pa.DictionaryArray]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    n_bad: int = 0
    n_trailing: int = 0
    shown: list[str] = field(default_factory=list)
    fatal: list[Found] = field(default_factory=list)

    def add_bad(self, line: int, record: list[str]) -> None:
        self.n_bad += 1
        self.n_trailing += len(record) == len(self.header) + 1 and not record[-1]
        if len(self.shown) <= _MOST_SHOWN:
            self.shown.append(f"line {line} has {len(record)}")

    def flush(self) -> None:
        if not self.rows:
            return
        if not self.chunks:
            self.chunks = [[] for _ in self.header]
        for chunks, cells in zip(self.chunks, zip(*self.rows, strict=True), strict=True):
            encoded = pa.array(cells, type=pa.string()).dictionary_encode()
            texts = encoded.dictionary.to_pylist()
            if any(not text.strip() for text in texts):
                encoded = rewritten(encoded, [text if text.strip() else None for text in texts])
            chunks.append(encoded)
        self.rows.clear()

    def table(self) -> pa.Table:
        columns = [joined(chunks) for chunks in self.chunks]
        return pa.table(dict(zip(self.header, columns, strict=True)))

    def faults(self) -> list[Found]:
        found = [*self.fatal]
        if self.n_bad:
            found.append((SchemaError, self._width_fault()))
        if not found and not self.lines:
            fault = Fault(where=self.name, found="there is a header but not a single row")
            found.append((InputError, fault))
        return found

    def _width_fault(self) -> Fault:
        n_rows, width = len(self.lines), len(self.header)
        marks = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
        mark = marks[self.delimiter]
        told = listed(self.shown[:_MOST_SHOWN], _MOST_SHOWN)
        more = self.n_bad - min(len(self.shown), _MOST_SHOWN)
        told += f", … ({more:,} more)" if more else ""
        remedy = f"quote the fields that hold a {mark}, or mend the export"
        allowed = ""
        if self.declared.trailing_delimiter:
            allowed = f"rows that end with a {mark}, as declared by file.trailing_delimiter"
        elif self.n_trailing == self.n_bad == n_rows:
            remedy = (
                f"every row ends with a {mark} that the header lacks: remove it, or declare "
                "[file] trailing_delimiter = true"
            )
        found = f"{self.n_bad:,} of {n_rows:,} rows have another number of fields than the header ({width})"
        return Fault(where=self.name, found=f"{found}: {told}", allowed=allowed, remedy=remedy)


def _read_rows(records: _Records, body: _Body, file: OpenFile, progress: Progress | None) -> None:
    width = len(body.header)
    trailing = body.declared.trailing_delimiter
    blank = [""] * width
    at_once = max(1, _CELLS_AT_ONCE // width)
    try:
        while (record := records.next()) is not None:
            body.lines.append(records.line)
            if trailing and len(record) == width + 1 and not record[-1]:
                del record[-1]
            elif len(record) != width or trailing:
                if record:
                    body.add_bad(records.line, record)
                record = blank
            body.rows.append(record)
            if len(body.rows) == at_once:
                body.flush()
                if len(body.lines) > MOST_ROWS:
                    fault = Fault(where=file.name, found=f"the file has more than {MOST_ROWS:,} rows")
                    body.fatal.append((ResourceLimitError, fault))
                    return
                if progress:
                    progress(min(file.stream.tell(), file.size), file.size)
        body.flush()
    except csv.Error as error:
        body.fatal.append(_syntax_fault(str(error), records))


def _syntax_fault(message: str, records: _Records) -> Found:
    line = records.line
    if "limit" in message:
        found = f"line {line}: a cell is longer than {LONGEST_CELL:,} characters"
        return ResourceLimitError, Fault(where=records.name, found=found)
    if "unexpected end" in message:
        found = f"a quote that opens in the record at line {line} never closes"
    else:
        found = f"the record at line {line}: a closing quote is not followed by a delimiter"
    remedy = 'write a quote inside a quoted field twice: "she said ""yes"""'
    return SchemaError, Fault(where=records.name, found=found, remedy=remedy)
