"""What a reader of one file format hands on: columns of text, and what the file says about missing codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawTable:
    """The columns of a file as text.

    Attributes
    ----------
    columns
        Name to cells, in the order of the file; a blank cell is None.
    declared_missing
        Name to the codes that the file itself declares missing and that occur in it or are listed one by one.
    """

    columns: Mapping[str, list[str | None]]
    declared_missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), []))
