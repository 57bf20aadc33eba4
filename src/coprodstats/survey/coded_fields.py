"""The fields of a Triple-S data file as columns of codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from coprodstats.errors import Fault, Found, SchemaError, listed
from coprodstats.survey.raw_table import rewritten
from coprodstats.survey.triple_s import Field, Layout

_PADDED = re.compile(r"^([+-]?)0+(?=[0-9])")
_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a record that is read on its own: a field, or a sub-field of one.

    Attributes
    ----------
    name
        What its column is called until answers are made of it.
    start, finish
        First and last position, from 1.
    """

    name: str
    start: int
    finish: int


def parts_of(one: Field, layout: Layout) -> list[Part]:
    """Return the pieces of a field.

    Examples
    --------
    >>> likes = Field(name="likes", kind="multiple", start=5, finish=8, codes=("1",), subfields=2, width=2)
    >>> layout = Layout(source="s.sss", is_csv=False, skip=0, fields=(likes,))
    >>> [(part.start, part.finish) for part in parts_of(likes, layout)]
    [(5, 6), (7, 8)]
    """
    if not one.subfields or (layout.is_csv and one.finish == one.start):
        return [Part(name=one.name, start=one.start, finish=one.start if layout.is_csv else one.finish)]
    width = 1 if layout.is_csv else one.width
    begins = range(one.start, one.start + one.subfields * width, width)
    return [Part(name=f"{one.name}/{begin}", start=begin, finish=begin + width - 1) for begin in begins]


def wanted_fields(layout: Layout, keep: Collection[str] | None) -> list[Field]:
    """Return the fields that columns wanted are made of; None for all."""
    return [one for one in layout.fields if keep is None or not set(one.columns).isdisjoint(keep)]


def answers(
    table: pa.Table, layout: Layout, keep: Collection[str] | None, name: str, line_of: Callable[[int], int]
) -> tuple[pa.Table, list[Found]]:
    """Make columns of codes of the pieces of records.

    Parameters
    ----------
    table
        The pieces of `wanted_fields`, as texts.
    layout
        What they are.
    keep
        Names of the columns wanted; None for all.
    name
        What messages call the file.
    line_of
        Turns the position of a row into its line.

    Returns
    -------
    tuple
        Codes without the zeros and spaces that fill them up; several answers as one column for each code, 1
        if it was chosen, 0 if not, blank if the whole question is. And faults.
    """
    made = _Made(table=table, layout=layout, name=name, line_of=line_of)
    columns: dict[str, pa.ChunkedArray] = {}
    for one in wanted_fields(layout, keep):
        found = made.several(one) if one.kind == "multiple" else [made.single(one)]
        columns |= {
            column: cells
            for column, cells in zip(one.columns, found, strict=True)
            if keep is None or column in keep
        }
    return pa.table(columns), made.faults


@dataclass(slots=True, kw_only=True)
class _Made:
    """Answers made of pieces, and what is wrong with these."""

    table: pa.Table
    layout: Layout
    name: str
    line_of: Callable[[int], int]
    faults: list[Found] = field(default_factory=list)

    def single(self, one: Field) -> pa.ChunkedArray:
        encoded = self._encoded(one.name)
        texts = encoded.dictionary.to_pylist()
        return pa.chunked_array([rewritten(encoded, [_code(text, one) for text in texts])])

    def several(self, one: Field) -> Iterator[pa.ChunkedArray]:
        chosen = self._subfields(one) if one.subfields else self._characters(one)
        for rows, blank in chosen:
            yield pa.chunked_array([_marked(rows, blank)])

    def _characters(self, one: Field) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        """Yield who chose each code, of texts with a character 0 or 1 for each."""
        encoded = self._encoded(one.name)
        texts = encoded.dictionary.to_pylist()
        highest = max(map(int, one.codes))
        odd = [text for text in texts if len(text) < highest or not set(text) <= {"0", "1"}]
        told = f"not {highest} or more characters 0 or 1, one for each code"
        self._refuse(one, encoded, odd, told)
        places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        for code in one.codes:
            has = np.array([*(text[int(code) - 1 : int(code)] == "1" for text in texts), False])
            yield has[places], places < 0

    def _subfields(self, one: Field) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        """Yield who chose each code, of sub-fields that hold codes."""
        blank = np.ones(self.table.num_rows, dtype=bool)
        cells: list[tuple[list[set[int]], NDArray[np.signedinteger[Any]]]] = []
        known = {0, *map(int, one.codes)}
        parts = parts_of(one, self.layout)
        for part in parts:
            encoded = self._encoded(part.name)
            texts = encoded.dictionary.to_pylist()
            numbers = [_numbers(text, one, one.subfields // len(parts)) for text in texts]
            odd = [text for text, held in zip(texts, numbers, strict=True) if not held <= known]
            self._refuse(one, encoded, odd, "a sub-field with none of the codes", start=part.start)
            places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            cells.append((numbers, places))
            blank &= places < 0
        for code in map(int, one.codes):
            has = [
                np.array([*(code in held for held in numbers), False])[places] for numbers, places in cells
            ]
            yield np.logical_or.reduce(has), blank

    def _encoded(self, part: str) -> pa.DictionaryArray:
        column = self.table[part].unify_dictionaries().combine_chunks()
        return column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()

    def _refuse(
        self, one: Field, encoded: pa.DictionaryArray, odd: Sequence[str], told: str, *, start: int = 0
    ) -> None:
        if odd:
            rows = pc.indices_nonzero(
                pc.is_in(encoded.cast(pa.string()), value_set=pa.array(odd))
            ).to_pylist()
            shown = listed([self.line_of(row) for row in rows[:_MOST_SHOWN]], _MOST_SHOWN)
            more = f" and {len(rows) - _MOST_SHOWN:,} more" if len(rows) > _MOST_SHOWN else ""
            place = f"{'field' if self.layout.is_csv else 'column'} {start or one.start}"
            lines = "line" if len(rows) == 1 else "lines"
            found = f"{lines} {shown}{more}, {place}: {told} that {self.layout.source} declares"
            self.faults.append((SchemaError, Fault(where=f"{self.name}: {one.name}", found=found)))


def _numbers(text: str, one: Field, count: int) -> set[int]:
    """Return the codes that a piece with so many sub-fields holds; -1 for what is none."""
    if count == 1:
        pieces = [text]
    elif len(text) != count * one.width:
        return {-1}
    else:
        pieces = [text[begin : begin + one.width] for begin in range(0, len(text), one.width)]
    plain = [piece.strip(" ") or "0" for piece in pieces]
    return {int(piece) if piece.isascii() and piece.isdecimal() else -1 for piece in plain}


def _code(text: str, one: Field) -> str | None:
    """Return a cell without what fills it up, as the page writes its code."""
    if one.kind == "character":
        return text.rstrip(" ") or None
    plain = text.strip(" ")
    if plain in one.codes or one.kind in {"date", "time"}:
        return plain or None
    return _PADDED.sub(r"\1", plain) or None


def _marked(rows: NDArray[np.bool_], blank: NDArray[np.bool_]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(rows.astype(np.int8), mask=blank), pa.array(["0", "1"]))
