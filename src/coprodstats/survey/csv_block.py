"""Blocks of a CSV file that hold nothing odd, read at once.

A block is proven to be a table before a parser sees it: every record has its number of fields, every quote
opens or closes a field or is one of two. What isn't proven is left to the slower reader, which says what is
wrong with it and where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from numpy.typing import NDArray

from coprodstats.survey.limits import LONGEST_CELL

_FEED, _RETURN, _QUOTE = b'\n\r"'
_MARK = b"\xef\xbb\xbf"
# What the parser hands from one thread to the next; longer than any record.
_AT_ONCE = 2 * LONGEST_CELL


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Records:
    """The records of a block.

    Attributes
    ----------
    block
        The bytes, UTF-8.
    n_rows
        Number of records.
    lines
        Line within the block (n_rows) on which each record begins, from 0; None if each is one line.
    """

    block: bytes
    n_rows: int
    lines: NDArray[np.int64] | None


def plain_records(block: bytes, delimiter: str, width: int, *, trailing: bool) -> Records | None:
    r"""Return the records of a block if it is beyond doubt what they are, else None.

    Parameters
    ----------
    block
        Whole lines, UTF-8.
    delimiter
        What separates fields.
    width
        Number of fields of each record.
    trailing
        Whether every record ends with a delimiter that is no field's.

    Examples
    --------
    >>> plain_records(b'1,"a,b"\n2,c\n', ",", 2, trailing=False).n_rows
    2
    >>> plain_records(b"1,2,3\n", ",", 2, trailing=False) is None
    True
    """
    if block.startswith(_MARK) or (b"\r" in block and block.count(b"\r") != block.count(b"\r\n")):
        return None
    cells = np.frombuffer(block, dtype=np.uint8)
    ends, marks = np.flatnonzero(cells == _FEED), np.flatnonzero(cells == ord(delimiter))
    all_ends = ends
    if b'"' in block:
        quotes = np.flatnonzero(cells == _QUOTE)
        if not _are_paired(cells, quotes, ord(delimiter)):
            return None
        ends, marks = (places[np.searchsorted(quotes, places) % 2 == 0] for places in (ends, marks))
    if not block.endswith(b"\n"):
        ends = np.append(ends, len(cells))
    fields = np.diff(np.searchsorted(marks, ends), prepend=0) + 1
    if (fields != width + trailing).any():
        return None
    last = ends - 1
    last = last - (cells[last] == _RETURN)
    lengths = last - np.append(-1, ends[:-1])
    # An empty line is a row of blank cells, which the parser would take for something else.
    if lengths.max() > LONGEST_CELL or lengths.min() < 1:
        return None
    if trailing and (cells[last] != ord(delimiter)).any():
        return None
    lines = None
    if len(ends) - (not block.endswith(b"\n")) != len(all_ends):
        lines = np.append(0, np.searchsorted(all_ends, ends[:-1]) + 1)
    return Records(block=block, n_rows=len(ends), lines=lines)


def _are_paired(cells: NDArray[np.uint8], quotes: NDArray[np.intp], mark: int) -> bool:
    """Say whether every quote opens or closes a field, or is one of two next to each other inside one."""
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    before = cells[opening[opening > 0] - 1]
    after = cells[closing[closing < len(cells) - 1] + 1]
    begins = (before == mark) | (before == _FEED) | (before == _QUOTE)
    stops = (after == mark) | (after == _FEED) | (after == _RETURN) | (after == _QUOTE)
    return bool(begins.all() and stops.all())


def batches_of(
    records: Records, delimiter: str, width: int, kept: Mapping[int, pa.DataType], *, trailing: bool
) -> Iterator[list[pa.Array]]:
    """Yield some columns of a block as texts, some rows at a time.

    Parameters
    ----------
    records
        What `plain_records` found.
    delimiter, width, trailing
        As it was given them.
    kept
        Position to type of the columns wanted: texts, or codes for texts.
    """
    every = [str(place) for place in range(width + trailing)]
    wanted = {every[place]: type_ for place, type_ in kept.items()}
    table = arrow_csv.read_csv(
        pa.py_buffer(records.block),
        read_options=arrow_csv.ReadOptions(column_names=every, block_size=_AT_ONCE, use_threads=False),
        parse_options=arrow_csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=records.lines is not None, ignore_empty_lines=False
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=wanted, include_columns=list(wanted), null_values=[], check_utf8=False
        ),
    )
    for batch in table.unify_dictionaries().combine_chunks().to_batches() if wanted else ():
        yield batch.columns
