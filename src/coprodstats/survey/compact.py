"""Columns that are put together batch by batch and take little room: each different text is held once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from coprodstats.survey.raw_table import TEXT, without_blanks

# Codes of one or two bytes reach so far; a column of more different texts, such as ids, is kept as text.
_MOST_TEXTS = 2**15
_Codes = NDArray[np.signedinteger[Any]]


@dataclass(slots=True)
class Columns:
    """Some columns of a file, batch by batch; blank cells become null.

    Attributes
    ----------
    names
        Their names.

    Examples
    --------
    >>> columns = Columns(["q"])
    >>> for cells in (["1", None, "2"], ["2", " "]):
    ...     columns.add([pa.array(cells).dictionary_encode()])
    >>> columns.table()["q"].to_pylist()
    ['1', None, '2', '2', None]
    """

    names: Sequence[str]
    _parts: list[_Parts] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._parts = [_Parts() for _ in self.names]

    def add(self, batch: Iterable[pa.Array]) -> None:
        """Add the next rows: for each column one array of texts, or of codes for texts."""
        for parts, cells in zip(self._parts, batch, strict=True):
            parts.add(cells)

    @property
    def types(self) -> list[pa.DataType]:
        """How each column is best given: as codes, or as plain texts if there are too many different ones."""
        return [pa.string() if parts.plain else TEXT for parts in self._parts]

    @property
    def nbytes(self) -> int:
        """Bytes that the cells take."""
        return sum(parts.nbytes for parts in self._parts)

    def table(self) -> pa.Table:
        """Return the columns, of texts or of codes for texts, and forget them."""
        columns = {name: parts.column() for name, parts in zip(self.names, self._parts, strict=True)}
        self._parts = []
        return pa.table(columns)


@dataclass(slots=True)
class _Parts:
    """One column: codes for texts, or plain texts once there are too many different ones."""

    known: dict[str, int] = field(default_factory=dict)
    codes: list[_Codes] = field(default_factory=list)
    plain: list[pa.Array] = field(default_factory=list)
    nbytes: int = 0

    def add(self, cells: pa.Array) -> None:
        if pa.types.is_dictionary(cells.type):
            texts = without_blanks(cells.dictionary)
            if not self.plain and self._add_codes(cells.indices, texts.to_pylist()):
                return
            cells = texts.take(cells.indices)
        else:
            cells = without_blanks(cells)
        self.plain.append(cells)
        self.nbytes += cells.nbytes

    def _add_codes(self, indices: pa.Array, texts: list[str | None]) -> bool:
        """Add cells as codes, unless there are too many different texts."""
        known = self.known
        place = [-1 if text is None else known.setdefault(text, len(known)) for text in texts]
        if len(known) > _MOST_TEXTS:
            self._make_plain()
            return False
        smallest = np.int8 if len(known) <= np.iinfo(np.int8).max else np.int16
        # A blank cell is -1, which picks the place at the end.
        at = indices.fill_null(-1).to_numpy(zero_copy_only=False)
        self.codes.append(np.array([*place, -1], dtype=smallest)[at])
        self.nbytes += self.codes[-1].nbytes
        return True

    def _make_plain(self) -> None:
        texts = pa.array(self.known, type=pa.string())
        self.plain = [texts.take(_nullable(codes)) for codes in self.codes]
        self.nbytes = sum(text.nbytes for text in self.plain)
        self.known, self.codes = {}, []

    def column(self) -> pa.ChunkedArray:
        if self.plain:
            return pa.chunked_array(self.plain, type=pa.string())
        codes = np.concatenate(self.codes) if self.codes else np.empty(0, np.int8)
        self.codes = []
        texts = pa.array(self.known, type=pa.string())
        return pa.chunked_array([pa.DictionaryArray.from_arrays(_nullable(codes), texts)])


def _nullable(codes: _Codes) -> pa.Array:
    return pa.array(codes, mask=codes < 0)
