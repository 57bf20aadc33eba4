"""What a reader of one file format hands on: columns of text, and what the file says about missing codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawTable:
    """The columns of a file as text.

    Attributes
    ----------
    table
        The columns that were asked for, in the order of the file: texts, or codes for texts. A blank cell is
        null.
    names
        Names of all columns of the file, in its order; those of the table if none are given.
    declared_missing
        Name to the codes that the file itself declares missing and that occur in it or are listed one by one.
    inexact
        Names of columns of numbers so large that the format may have rounded them.
    warnings
        What a reader noticed that prevents nothing.
    """

    table: pa.Table
    names: tuple[str, ...] = ()
    declared_missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    inexact: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.names:
            object.__setattr__(self, "names", tuple(self.table.column_names))

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)

    @property
    def columns(self) -> dict[str, list[str | None]]:
        """The cells by column, for tables that are small."""
        return {name: self.table[name].to_pylist() for name in self.table.column_names}


@dataclass(slots=True, kw_only=True, eq=False)
class Remarks:
    """What a reader noticed by the end of a file.

    Attributes
    ----------
    declared_missing, inexact, warnings
        As in `RawTable`.
    """

    declared_missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    inexact: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawBatches:
    """A file some rows at a time.

    Attributes
    ----------
    names
        Names of all columns of the file, in its order.
    kept
        Names of those that are read.
    batches
        For each part of the rows one array of texts for each column kept. They can be had once.
    remarks
        Complete once the last batch has been had.
    """

    names: tuple[str, ...]
    kept: tuple[str, ...]
    batches: Iterator[Sequence[pa.DictionaryArray]]
    remarks: Remarks


TEXT = pa.dictionary(pa.int32(), pa.string())


def text_column(cells: Any, write: Callable[[Any], str | None]) -> pa.DictionaryArray:
    """Return cells as text, each different cell written once.

    Parameters
    ----------
    cells
        A sequence of cells of one type, None where blank, or an Arrow array.
    write
        Turns a cell into text, or None if it is blank after all.

    Examples
    --------
    >>> text_column([2.0, None, 2.0], lambda number: f"{number:g}").to_pylist()
    ['2', None, '2']
    """
    encoded = cells if isinstance(cells, pa.Array) else pa.array(cells)
    if not isinstance(encoded, pa.DictionaryArray):
        encoded = encoded.dictionary_encode()
    return rewritten(encoded, [write(cell) for cell in encoded.dictionary.to_pylist()])


def without_blanks(texts: pa.Array) -> pa.Array:
    """Return texts with null for those that hold nothing, or nothing but spaces.

    Examples
    --------
    >>> without_blanks(pa.array(["1", "", " ", None])).to_pylist()
    ['1', None, None, None]
    """
    # What is a space here is one to Python, too.
    blank = pc.or_(pc.utf8_is_space(texts), pc.equal(pc.binary_length(texts), 0))
    return pc.if_else(blank, pa.scalar(None, texts.type), texts)


def rewritten(encoded: pa.DictionaryArray, texts: Sequence[str | None]) -> pa.DictionaryArray:
    """Return the same cells with other texts, of which several may be equal or None.

    Parameters
    ----------
    encoded
        The cells.
    texts
        One text for each entry of its dictionary.
    """
    known: dict[str, int] = {}
    place = [-1 if text is None else known.setdefault(text, len(known)) for text in texts]
    old = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    new = np.array([*place, -1], dtype=np.int32)[old]
    indices = pa.array(new, mask=new < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(known), type=pa.string()))


def joined(chunks: Sequence[pa.DictionaryArray]) -> pa.ChunkedArray:
    """Return chunks of one column as a column whose chunks share one dictionary."""
    return pa.chunked_array(list(chunks), type=TEXT).unify_dictionaries()


def replaced(column: pa.ChunkedArray, pattern: str, by: str) -> pa.ChunkedArray:
    r"""Return a column of texts in which a pattern is replaced; different texts must stay different.

    Examples
    --------
    >>> column = pa.chunked_array([pa.array(["1,5", "2"]).dictionary_encode()])
    >>> replaced(column, "^([0-9]+),([0-9]+)$", r"\1.\2").to_pylist()
    ['1.5', '2']
    """
    if not pa.types.is_dictionary(column.type):
        return pc.replace_substring_regex(column, pattern, by)
    chunks = [
        pa.DictionaryArray.from_arrays(
            chunk.indices, pc.replace_substring_regex(chunk.dictionary, pattern, by)
        )
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, type=column.type)


def text_size(column: pa.ChunkedArray) -> int:
    """Return about how many bytes a column takes as plain text, each cell for itself.

    Examples
    --------
    >>> text_size(pa.chunked_array([pa.array(["12", "3", "3"]).dictionary_encode()]))
    28
    """
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes) + 4 * len(column)
    size = 8 * len(column)
    for chunk in column.chunks:
        codes = chunk.indices.drop_null().to_numpy(zero_copy_only=False)
        size += int(np.bincount(codes) @ _lengths(chunk.dictionary)[: codes.max(initial=-1) + 1])
    return size


def _lengths(texts: pa.Array) -> NDArray[np.int64]:
    return np.asarray(pc.binary_length(texts).fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int64)
