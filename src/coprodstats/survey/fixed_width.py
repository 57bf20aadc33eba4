"""Data files in which every variable has its positions on the line, as a Triple-S page declares them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from coprodstats.errors import Fault, Found, InputError, ResourceLimitError, SchemaError, listed, raise_found
from coprodstats.survey.coded_fields import Part, answers, parts_of, wanted_fields
from coprodstats.survey.compact import Columns
from coprodstats.survey.limits import MOST_ROWS
from coprodstats.survey.memory import check_room
from coprodstats.survey.opening import OpenFile
from coprodstats.survey.raw_table import RawTable
from coprodstats.survey.text_scan import scan_text
from coprodstats.survey.text_source import lines_of, text_source
from coprodstats.survey.triple_s import Layout

_MOST_SHOWN = 20
# Lines are laid out as a table of characters, so they are taken in portions of so many.
_CHARACTERS_AT_ONCE = 8 * 1024**2


def read_fixed_width(
    file: OpenFile,
    layout: Layout,
    encoding: str,
    *,
    keep: Collection[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[RawTable, Callable[[int], int]]:
    """Read a data file by the positions of its variables.

    Parameters
    ----------
    file
        The data file.
    layout
        The positions.
    encoding
        Its encoding; positions count characters.
    keep
        Names of the columns wanted; the others are checked and left out. None for all.
    progress
        Called with the bytes read so far and their number.

    Returns
    -------
    tuple
        The columns as codes, and a function that turns the position of a row into its line.

    Raises
    ------
    InputError
        If lines are too short, or hold characters where no variable is: with all faults, or as one of its
        classes if that is what they all are.
    """
    found = scan_text(file.stream, encoding, file.name)
    source = text_source(file.stream, encoding)
    for _ in range(layout.skip):
        source.line()
    parts = [part for one in wanted_fields(layout, keep) for part in parts_of(one, layout)]
    lines = _Lines(name=file.name, layout=layout, parts=parts, columns=Columns([part.name for part in parts]))
    while block := source.block():
        texts = [line.rstrip("\r\n") for line in lines_of(block)]
        at_once = max(1, _CHARACTERS_AT_ONCE // max(layout.length, *map(len, texts)))
        for begin in range(0, len(texts), at_once):
            lines.add(texts[begin : begin + at_once])
        check_room(lines.columns.nbytes, lines.n_rows, file.name)
        if lines.n_rows > MOST_ROWS:
            told = f"the file has more than {MOST_ROWS:,} rows"
            raise ResourceLimitError(Fault(where=file.name, found=told))
        if progress:
            progress(min(file.stream.tell(), file.size), file.size)
    first = layout.skip + 1

    def line_of(row: int) -> int:
        return row + first

    found += lines.faults(line_of)
    made, faults = answers(lines.columns.table(), layout, keep, file.name, line_of)
    raise_found([*found, *faults], InputError)
    return RawTable(table=made, names=layout.columns), line_of


@dataclass(slots=True, kw_only=True)
class _Lines:
    """The lines read so far, by piece, and what is wrong with them."""

    name: str
    layout: Layout
    parts: Sequence[Part]
    columns: Columns
    n_rows: int = 0
    short: list[tuple[int, int]] = field(default_factory=list)
    outside: list[tuple[int, int]] = field(default_factory=list)
    n_short: int = 0
    n_outside: int = 0

    def add(self, texts: Sequence[str]) -> None:
        length = self.layout.length
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        width = max(length, int(lengths.max()))
        cells = np.array(texts, dtype=f"U{width}").view("U1").reshape(len(texts), width)
        short = np.flatnonzero(lengths < length)
        self.n_short += len(short)
        self.short += [(self.n_rows + row, int(lengths[row])) for row in short[:_MOST_SHOWN].tolist()]
        self._look_outside(cells)
        # Shorter lines end in NUL characters here, which numpy takes for nothing.
        self.columns.add(_texts(cells[:, part.start - 1 : part.finish]) for part in self.parts)
        self.n_rows += len(texts)

    def _look_outside(self, cells: NDArray[np.str_]) -> None:
        declared = np.zeros(cells.shape[1], dtype=bool)
        for one in self.layout.fields:
            declared[one.start - 1 : one.finish] = True
        places = np.flatnonzero(~declared)
        odd = cells[:, places]
        rows, at = np.nonzero((odd != " ") & (odd != ""))
        first = np.unique(rows, return_index=True)[1]
        self.n_outside += len(first)
        self.outside += [
            (self.n_rows + int(rows[one]), int(places[at[one]]) + 1) for one in first[:_MOST_SHOWN].tolist()
        ]

    def faults(self, line_of: Callable[[int], int]) -> list[Found]:
        found: list[Found] = []
        length, page = self.layout.length, self.layout.source
        if self.n_short:
            shown = [f"line {line_of(row)} has {size}" for row, size in self.short[:_MOST_SHOWN]]
            told = f"{self.n_short:,} of {self.n_rows:,} lines are shorter than the {length} characters"
            found.append(self._fault(f"{told} that {page} declares: {listed(shown, _MOST_SHOWN)}"))
        if self.n_outside:
            shown = [f"line {line_of(row)}, column {place}" for row, place in self.outside[:_MOST_SHOWN]]
            told = (
                f"{self.n_outside:,} of {self.n_rows:,} lines hold characters where {page} declares nothing"
            )
            remedy = f"use the page that belongs to this file, or describe these positions in {page}"
            found.append(self._fault(f"{told}: {listed(shown, _MOST_SHOWN)}", remedy))
        if not self.n_rows:
            found.append((InputError, Fault(where=self.name, found="there is not a single row")))
        return found

    def _fault(self, found: str, remedy: str = "export the file again") -> Found:
        return SchemaError, Fault(where=self.name, found=found, remedy=remedy)


def _texts(cells: NDArray[np.str_]) -> pa.DictionaryArray:
    width = cells.shape[1]
    return pa.array(np.ascontiguousarray(cells).view(f"U{width}").ravel()).dictionary_encode()
