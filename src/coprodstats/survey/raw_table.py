"""What a reader of one file format hands on: columns of text, and what the file says about missing codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawTable:
    """The columns of a file as text.

    Attributes
    ----------
    table
        One column per column of the file, in its order; text, each different text held once. A blank cell is
        null.
    declared_missing
        Name to the codes that the file itself declares missing and that occur in it or are listed one by one.
    inexact
        Names of columns of numbers so large that the format may have rounded them.
    warnings
        What a reader noticed that prevents nothing.
    """

    table: pa.Table
    declared_missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    inexact: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)

    @property
    def columns(self) -> dict[str, list[str | None]]:
        """The cells by column, for tables that are small."""
        return {name: self.table[name].to_pylist() for name in self.table.column_names}


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
