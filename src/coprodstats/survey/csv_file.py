"""CSV files, read strictly: every cell as the text that it is, or a fault that says where."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Sequence

from coprodstats.errors import Fault, InputError, listed
from coprodstats.survey.raw_table import RawTable

_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_LONGEST_CELL = 1_000_000


def parse_csv(data: bytes, name: str) -> RawTable:
    r"""Parse a CSV file: UTF-8, commas, one header line, fields quoted with ``"`` where needed.

    Parameters
    ----------
    data
        The bytes of the file.
    name
        What messages call the file.

    Returns
    -------
    RawTable
        The columns as text; a blank cell is None. A line without any character is a row of blank cells.

    Raises
    ------
    InputError
        If the bytes can't be read as one table without guessing.

    Examples
    --------
    >>> parse_csv(b"id,country\n007,NA\n008,\n", "survey.csv").columns
    {'id': ['007', '008'], 'country': ['NA', None]}
    """
    text = _decoded(data, name)
    lines, records = _records(text, name)
    if not records:
        raise InputError(Fault(where=name, found="the file is empty", allowed="a header line and rows"))
    header, rows = records[0], records[1:]
    faults = _delimiter_faults(header, name) or [
        *_header_faults(header, name),
        *_width_faults(lines, records, name),
    ]
    if not faults and not rows:
        faults.append(Fault(where=name, found="there is a header but not a single row"))
    if faults:
        raise InputError(*faults)
    blank_row = [""] * len(header)
    cells = zip(*(row or blank_row for row in rows), strict=True)
    return RawTable(columns={key: _with_blanks(column) for key, column in zip(header, cells, strict=True)})


def _with_blanks(column: Sequence[str]) -> list[str | None]:
    blank = {text for text in set(column) if not text.strip()}
    return [None if text in blank else text for text in column]


def _decoded(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The marker at the start of the file is not among the bytes that `error.start` counts.
        start = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        line, column = _place(data[:start].decode("utf-8-sig"))
        found = f"line {line}, column {column}: byte 0x{data[start]:02X} is not UTF-8"
        remedy = "export the file as UTF-8; it may be Windows-1252 or Latin-1 now"
        raise InputError(Fault(where=name, found=found, allowed="UTF-8", remedy=remedy)) from None
    if "\0" in text:
        line, column = _place(text[: text.index("\0")])
        found = f"line {line}, column {column}: a NUL byte ({text.count(chr(0))} in the file)"
        remedy = "the file is damaged or is no text; export it again"
        raise InputError(Fault(where=name, found=found, remedy=remedy))
    return text


def _place(before: str) -> tuple[int, int]:
    """Return line and column, both from 1, of the character after a text."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _records(text: str, name: str) -> tuple[list[int], list[list[str]]]:
    """Split a text into records, with the line on which each begins."""
    starts, records, begin = [], [], 1
    # The limit belongs to the csv module as a whole, so it is put back.
    limit = csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for record in reader:
            starts.append(begin)
            records.append(record)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise InputError(_syntax_fault(str(error), begin, name)) from None
    finally:
        csv.field_size_limit(limit)
    return starts, records


def _syntax_fault(message: str, line: int, name: str) -> Fault:
    if "limit" in message:
        return Fault(where=name, found=f"line {line}: a cell is longer than 1,000,000 characters")
    if "unexpected end" in message:
        found = f"a quote that opens in the record at line {line} never closes"
    else:
        found = f"the record at line {line}: a closing quote is not followed by a comma"
    remedy = 'write a quote inside a quoted field twice: "she said ""yes"""'
    return Fault(where=name, found=found, remedy=remedy)


def _delimiter_faults(header: list[str], name: str) -> list[Fault]:
    written = ",".join(header)
    for delimiter, plural in _OTHER_DELIMITERS.items():
        n_other = written.count(delimiter)
        if n_other >= len(header):
            found = (
                f"{len(header)} column found by commas"
                if len(header) == 1
                else f"{len(header)} columns by commas"
            )
            return [
                Fault(
                    where=name,
                    found=f"{found}, {n_other + 1} by {plural}",
                    allowed="fields separated by commas, numbers with a decimal point",
                    remedy="export the file with commas and decimal points",
                )
            ]
    return []


def _header_faults(header: list[str], name: str) -> list[Fault]:
    places: dict[str, list[int]] = {}
    for position, column in enumerate(header, start=1):
        places.setdefault(unicodedata.normalize("NFC", column).strip().casefold(), []).append(position)
    faults = []
    if "" in places:
        nameless = places.pop("")
        faults.append(Fault(where=name, found=f"columns without a name at positions {listed(nameless)}"))
    for positions in places.values():
        if len(positions) > 1:
            written = listed([repr(header[position - 1]) for position in positions])
            faults.append(
                Fault(
                    where=name,
                    found=f"columns at positions {listed(positions)} have the same name: {written}",
                    allowed="names that differ by more than capitals, spaces and the encoding of accents",
                )
            )
    return faults


def _width_faults(starts: list[int], records: list[list[str]], name: str) -> list[Fault]:
    width = len(records[0])
    bad = [
        (line, record)
        for line, record in zip(starts, records, strict=True)
        if record and len(record) != width
    ]
    if not bad:
        return []
    shown = listed([f"line {line} has {len(record)}" for line, record in bad], 20)
    trailing = len(bad) == len(records) - 1 and all(
        len(record) == width + 1 and not record[-1] for _, record in bad
    )
    remedy = "quote the fields that hold a comma, or mend the export"
    if trailing:
        remedy = "every row ends with a comma that the header lacks: remove it"
    n_rows = len(records) - 1
    found = f"{len(bad)} of {n_rows} rows have another number of fields than the header ({width}): {shown}"
    return [Fault(where=name, found=found, remedy=remedy)]
