"""CSV files, read strictly: every cell as the text that it is, or a fault that says where."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from coprodstats.errors import (
    DelimiterError,
    Fault,
    Found,
    InputError,
    ResourceLimitError,
    raise_found,
)
from coprodstats.survey.coded_fields import answers, parts_of, wanted_fields
from coprodstats.survey.column_names import header_faults
from coprodstats.survey.csv_rows import CsvRows, cells_limited, syntax_fault
from coprodstats.survey.file_format import DELIMITERS, FileFormat
from coprodstats.survey.limits import MOST_COLUMNS
from coprodstats.survey.opening import OpenFile
from coprodstats.survey.raw_table import RawTable
from coprodstats.survey.text_scan import scan_text
from coprodstats.survey.text_source import TextSource, text_source
from coprodstats.survey.triple_s import Layout

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CsvTable:
    """What a CSV file holds, and on which line each row begins.

    Attributes
    ----------
    table
        The columns as text.
    line_of
        Turns the position of a row, from 0, into its line, from 1.
    """

    table: RawTable
    line_of: Callable[[int], int]


def read_csv(
    file: OpenFile,
    declared: FileFormat,
    *,
    keep: Collection[str] | None = None,
    layout: Layout | None = None,
    progress: Progress | None = None,
) -> CsvTable:
    r"""Read a CSV file: one header line, fields quoted with ``"`` where needed.

    Parameters
    ----------
    file
        The file.
    declared
        Delimiter, encoding, and whether rows end with a delimiter.
    keep
        Names of the columns wanted; the others are checked and left out. None for all.
    layout
        What the fields are, if a Triple-S page says it and not a header.
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
    >>> import io
    >>> data = io.BytesIO(b"id,country\n007,NA\n008,\n")
    >>> file = OpenFile(name="s.csv", plain_name="s.csv", stream=data, size=23, packed=data)
    >>> read_csv(file, FileFormat()).table.columns
    {'id': ['007', '008'], 'country': ['NA', None]}
    """
    found = scan_text(file.stream, declared.encoding, file.name)
    delimiter = delimiter_of(file, declared)
    with cells_limited():
        source = text_source(file.stream, declared.encoding)
        if layout is None:
            header, faults = _header(source, file, declared, delimiter)
        else:
            header, faults = _declared_header(source, file, layout, delimiter), []
        found += faults
        if not any(family in {DelimiterError, ResourceLimitError} for family, _ in faults):
            kept = _kept(header, keep, layout)
            rows = CsvRows(file.name, header, kept, delimiter, declared.trailing_delimiter)
            rows.told_by = layout.source if layout else rows.told_by
            rows.read(source, lambda: progress and progress(min(file.stream.tell(), file.size), file.size))
            found += rows.faults()
    table = rows.columns.table() if not found else None
    if layout is not None and table is not None:
        header = list(layout.columns)
        table, faults = answers(table, layout, keep, file.name, rows.lines.of)
        found += faults
    raise_found(found, InputError)
    return CsvTable(table=RawTable(table=table, names=tuple(header)), line_of=rows.lines.of)


def _declared_header(source: TextSource, file: OpenFile, layout: Layout, delimiter: str) -> list[str]:
    """Pass over the records before the first answers, and return a name for every field."""
    reader = csv.reader(iter(source.line, ""), strict=True, delimiter=delimiter)
    try:
        for _ in range(layout.skip):
            next(reader, None)
    except csv.Error as error:
        raise_found([syntax_fault(str(error), 1, file.name)], InputError)
    names = {part.start: part.name for one in layout.fields for part in parts_of(one, layout)}
    return [names.get(place, f"field {place}") for place in range(1, layout.length + 1)]


def _kept(header: Sequence[str], keep: Collection[str] | None, layout: Layout | None) -> list[int]:
    if layout is not None:
        keep = {part.name for one in wanted_fields(layout, keep) for part in parts_of(one, layout)}
    return [place for place, name in enumerate(header) if keep is None or name in keep]


def csv_header(file: OpenFile, declared: FileFormat) -> list[str]:
    """Return the names of the columns of a CSV file.

    Raises
    ------
    InputError
        If the header can't be read without guessing.
    """
    found = scan_text(file.stream, declared.encoding, file.name)
    delimiter = delimiter_of(file, declared)
    with cells_limited():
        source = text_source(file.stream, declared.encoding)
        header, faults = _header(source, file, declared, delimiter)
    raise_found([*found, *faults], InputError)
    return header


def delimiter_of(file: OpenFile, declared: FileFormat) -> str:
    """Return the declared delimiter, or the one that the name of the file says."""
    name = PurePath(file.plain_name)
    return declared.delimiter or ("\t" if name.suffix.lower() == ".tsv" else ",")


def _header(
    source: TextSource, file: OpenFile, declared: FileFormat, delimiter: str
) -> tuple[list[str], list[Found]]:
    reader = csv.reader(iter(source.line, ""), strict=True, delimiter=delimiter)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise_found([syntax_fault(str(error), 1, file.name)], InputError)
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
