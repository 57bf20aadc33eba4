"""A column of codes in which every different code is looked at once, whatever the number of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coded:
    """The different codes of a column, and which of them stands in each row.

    Attributes
    ----------
    codes
        The different codes (k), as text.
    position
        Position of each row's code (n), -1 where the cell is blank.
    """

    codes: NDArray[np.object_]
    position: NDArray[np.signedinteger[Any]]

    @classmethod
    def of(cls, column: pd.Series) -> Coded:
        """Look up the different codes of a column.

        Examples
        --------
        >>> coded = Coded.of(pd.Series(["2", None, "1", "2"], dtype="str"))
        >>> coded.codes.tolist(), coded.position.tolist()
        (['2', '1'], [0, -1, 1, 0])
        """
        position, codes = pd.factorize(column)
        # A million rows of some sixty questions take one byte a cell, not eight.
        small = np.min_scalar_type(-max(len(codes), 1))
        return cls(codes=codes.to_numpy(dtype=object), position=position.astype(small))

    @property
    def blank(self) -> Mask:
        """Which rows (n) have no entry."""
        return self.position < 0

    def counts(self) -> NDArray[np.int64]:
        """Return how often each code occurs (k)."""
        return np.bincount(self.position[self.position >= 0], minlength=len(self.codes))

    def spread(self, per_code: NDArray[Any], blank: object) -> NDArray[Any]:
        """Give every row (n) what its code has, and blank cells a value of their own.

        Examples
        --------
        >>> coded = Coded.of(pd.Series(["2", None, "1"], dtype="str"))
        >>> coded.spread(np.array([20.0, 10.0]), np.nan).tolist()
        [20.0, nan, 10.0]
        """
        # The position of a blank cell, -1, picks the value at the end.
        values: NDArray[Any] = np.append(per_code, np.asarray(blank, dtype=per_code.dtype))
        return np.asarray(values[self.position])

    def rows(self, kept: Mask) -> Coded:
        """Return the column with some of its rows; codes that no row has any more stay listed."""
        return self if kept.all() else replace(self, position=self.position[kept])
