"""Headers of rows and groups for the tables of a PDF, of which Typst tags the headers of columns only.

Typst writes a PDF as plain objects one after another, and a table of their places behind them. The elements
of tables are changed in place, and the places written anew. Anything that looks otherwise is refused.
"""

from __future__ import annotations

import re
from itertools import pairwise

from coprodstats.errors import Fault, ReportError

_XREF = re.compile(
    rb"xref\n0 (\d+)\n((?:\d{10} \d{5} [nf]\r\n)+)(trailer\n.*\nstartxref\n)\d+(\n%%EOF)\s*", re.DOTALL
)
_ELEMENT = re.compile(rb"\d+ 0 obj\n<</Type/StructElem/S/(\w+)/P \d+ 0 R")
_KIDS = re.compile(rb"/K\[((?:\d+ 0 R ?)+)\]")
_NAME = re.compile(rb"/ID\(([^()]+)\)")
_HEADERS = re.compile(rb"/Headers\[[^\]]*\]")
_NAMES = b"/IDTree<</Names["

Chunks = dict[int, bytes]
"""The objects of a file by number, each with its own first and last line."""


def tag_row_headers(pdf: bytes) -> bytes:
    """Return a PDF in which the first cell of each row is the header of that row.

    Each cell then names its headers: that of its column, that of its group of rows if there is one, and that
    of its row (ISO 32000-1, table 349). The same bytes in give the same bytes out.

    Parameters
    ----------
    pdf
        A tagged PDF of Typst.

    Raises
    ------
    ReportError
        If the file isn't built as Typst builds one.
    """
    tail = _XREF.fullmatch(pdf, pdf.rfind(b"\nxref\n") + 1)
    if tail is None:
        raise _strange("its table of objects")
    entries = tail[2].split(b"\r\n")[:-1]
    places = {n: int(entry[:10]) for n, entry in enumerate(entries) if entry.endswith(b"n")}
    order = sorted(places, key=lambda n: places[n])
    ends = [*(places[n] for n in order), tail.start()]
    chunks = {n: pdf[start:end] for n, (start, end) in zip(order, pairwise(ends), strict=True)}
    names: dict[bytes, int] = {}
    for number in [n for n in order if _kind(chunks[n]) == b"Table"]:
        names |= _tag_table(chunks, number)
    if names:
        _register(chunks, names)
    return _joined(pdf[: ends[0]], chunks, entries, tail)


def _joined(head: bytes, chunks: Chunks, entries: list[bytes], tail: re.Match[bytes]) -> bytes:
    lines, place = list(entries), len(head)
    for number, chunk in chunks.items():
        lines[number] = b"%010d%s" % (place, entries[number][10:])
        place += len(chunk)
    table = b"".join(line + b"\r\n" for line in lines)
    return b"".join(
        [head, *chunks.values(), b"xref\n0 %s\n" % tail[1], table, tail[3], b"%d" % place, tail[4]]
    )


def _kind(chunk: bytes) -> bytes:
    found = _ELEMENT.match(chunk)
    return found[1] if found else b""


def _kids(chunk: bytes) -> list[int]:
    found = _KIDS.search(chunk)
    if found is None:
        raise _strange("an element of a table")
    return [int(number) for number in found[1].split(b" ")[::3]]


def _tag_table(chunks: Chunks, table: int) -> dict[bytes, int]:
    """Tag one table; return its rows' headers by the names that they get."""
    parts = [n for n in _kids(chunks[table]) if _kind(chunks[n]) in (b"THead", b"TBody")]
    columns: list[bytes] = []
    group: list[bytes] = []
    names = {}
    for row in (row for part in parts for row in _kids(chunks[part])):
        cells = _kids(chunks[row])
        if _kind(chunks[cells[0]]) == b"TH":
            heads = [_name_of(chunks[cell]) for cell in cells]
            if not columns:
                columns = heads
            else:
                group = heads
                # Typst names all columns here, and each cell below would be under every one of them.
                chunks[cells[0]] = _with_headers(chunks[cells[0]], [])
            continue
        if len(cells) != len(columns):
            raise _strange("a row of a table")
        name = b"R%08d" % cells[0]
        names[name] = cells[0]
        for cell, column in zip(cells, columns, strict=True):
            own = [name] if cell != cells[0] else []
            chunks[cell] = _with_headers(chunks[cell], [column, *group, *own])
        chunks[cells[0]] = _as_header(chunks[cells[0]], name)
    return names


def _name_of(chunk: bytes) -> bytes:
    found = _NAME.search(chunk)
    if found is None:
        raise _strange("a header of a table")
    return found[1]


def _with_headers(chunk: bytes, names: list[bytes]) -> bytes:
    listed = b"".join(b"(%s)" % name for name in names)
    changed, count = _HEADERS.subn(b"/Headers[%s]" % listed, chunk)
    if count != 1:
        raise _strange("a cell of a table")
    return changed


def _as_header(chunk: bytes, name: bytes) -> bytes:
    changed, count = re.subn(
        rb"/S/TD(/P \d+ 0 R)/A\[<</O/Table/Headers",
        rb"/S/TH\1/ID(%s)/A[<</O/Table/Scope/Row/Headers" % name,
        chunk,
    )
    if count != 1:
        raise _strange("the first cell of a row")
    return changed


def _register(chunks: Chunks, names: dict[bytes, int]) -> None:
    """Add names to the file's list, which is sorted: R stands before the U of Typst's own."""
    homes = [n for n, chunk in chunks.items() if b"/Type/StructTreeRoot" in chunk and _NAMES in chunk]
    if len(homes) != 1:
        raise _strange("its list of headers")
    [home] = homes
    added = b"".join(b"(%s)%d 0 R" % (name, names[name]) for name in sorted(names))
    chunks[home] = chunks[home].replace(_NAMES, _NAMES + added, 1)


def _strange(what: str) -> ReportError:
    found = f"{what} is not as Typst 0.15 writes it"
    return ReportError(Fault(where="PDF", found=found, remedy="the locked version of typst"))
