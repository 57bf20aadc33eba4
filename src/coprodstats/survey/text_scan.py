"""A first look at the bytes of a text file: bytes that are no text, NUL, lines that never end."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from coprodstats.errors import EncodingError, Fault, Found, ResourceLimitError, SchemaError, listed
from coprodstats.survey.file_format import codec

_BLOCK = 1024**2
LONGEST_LINE = 64 * 1024**2
_MOST_SHOWN = 20


def scan_text(stream: BinaryIO, encoding: str, name: str) -> list[Found]:
    r"""Return what keeps a file from being text in its encoding.

    Parameters
    ----------
    stream
        The file; it is left at its beginning.
    encoding
        The declared encoding.
    name
        What messages call the file.

    Raises
    ------
    ResourceLimitError
        If a line is longer than 64 MiB: what follows would need as much memory.

    Examples
    --------
    >>> import io
    >>> [str(fault) for _, fault in scan_text(io.BytesIO(b"id\n1\0\n"), "utf-8", "a.csv")][0][:40]
    'a.csv: line 2, column 2: a NUL byte (1 i'
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    wide = codec(encoding).startswith(("utf-16", "utf-32"))
    n_nul, undecodable, length = 0, False, 0
    while block := stream.read(_BLOCK):
        length = _length_after(block, length, name)
        n_nul += 0 if wide else block.count(0)
        if not undecodable:
            try:
                decoder.decode(block)
            except UnicodeError:
                undecodable = True
    if not undecodable:
        try:
            decoder.decode(b"", final=True)
        except UnicodeError:
            undecodable = True
    found: list[Found] = []
    if undecodable:
        found.append((EncodingError, _undecodable_fault(stream, encoding, name, wide=wide)))
    if n_nul:
        found.append((SchemaError, _nul_fault(stream, encoding, name, n_nul)))
    stream.seek(0)
    return found


def _length_after(block: bytes, length: int, name: str) -> int:
    """Return the length of the line that is open after a block, and refuse one without end."""
    ends = [place for place in (block.find(b"\n"), block.find(b"\r")) if place >= 0]
    longest = length + (min(ends) if ends else len(block))
    if longest > LONGEST_LINE:
        found = f"a line is longer than {LONGEST_LINE // 1024**2} MiB"
        raise ResourceLimitError(Fault(where=name, found=found, allowed="a table with one row per line"))
    return len(block) - 1 - max(block.rfind(b"\n"), block.rfind(b"\r")) if ends else longest


def _undecodable_fault(stream: BinaryIO, encoding: str, name: str, *, wide: bool) -> Fault:
    remedy = f"export the file as {encoding}"
    if wide:
        return Fault(where=name, found=f"the bytes are no text in {encoding}", remedy=remedy)
    places: list[str] = []
    n_lines, first = 0, b""
    stream.seek(0)
    # A line that is scanned here is at most LONGEST_LINE long.
    for number, line in enumerate(stream, start=1):
        plain = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        try:
            plain.decode(encoding)
        except UnicodeDecodeError as error:
            n_lines += 1
            first = first or plain[error.start : error.start + 1]
            if len(places) < _MOST_SHOWN:
                column = len(plain[: error.start].decode(encoding, errors="replace")) + 1
                places.append(f"line {number}, column {column}: byte 0x{plain[error.start]:02X}")
    more = f" and {n_lines - len(places):,} more lines" if n_lines > len(places) else ""
    found = f"{listed(places, _MOST_SHOWN)}{more} is not {encoding.upper()}"
    other = "cp1252" if codec(encoding) != "cp1252" else "latin-1"
    meant = first.decode(other, errors="replace")
    hint = f"; {other} would make {meant!r} of the first" if meant.isprintable() and meant else ""
    return Fault(
        where=name,
        found=found,
        allowed=f"text in {encoding}",
        remedy=f'{remedy}, or declare what it is: [file] encoding = "{other}"{hint}',
    )


def _nul_fault(stream: BinaryIO, encoding: str, name: str, count: int) -> Fault:
    stream.seek(0)
    number, line = next((number, line) for number, line in enumerate(stream, start=1) if b"\0" in line)
    place = line.find(b"\0")
    column = len(line[:place].removeprefix(codecs.BOM_UTF8).decode(encoding, errors="replace")) + 1
    found = f"line {number}, column {column}: a NUL byte ({count:,} in the file)"
    return Fault(where=name, found=found, remedy="the file is damaged or is no text; export it again")
