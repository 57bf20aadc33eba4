"""What a column holds, as far as models ask."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

Kind = Literal["numbers", "truth", "categories", "text", "other"]

# By numpy's letters: to ask pandas takes many times as long.
_KINDS: dict[str, Kind] = {
    "i": "numbers",
    "u": "numbers",
    "f": "numbers",
    "c": "numbers",
    "b": "truth",
    "O": "text",
}


def kind_of(column: pd.Series) -> Kind:
    """Return what a column holds by its type; objects count as text.

    Examples
    --------
    >>> kind_of(pd.Series([1.5])), kind_of(pd.Series([True])), kind_of(pd.Series(["a"]))
    ('numbers', 'truth', 'text')
    """
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return _KINDS.get(dtype.kind, "other")
    if isinstance(dtype, pd.CategoricalDtype):
        return "categories"
    if pd.api.types.is_bool_dtype(dtype):
        return "truth"
    if pd.api.types.is_numeric_dtype(dtype):
        return "numbers"
    return "text" if pd.api.types.is_string_dtype(dtype) else "other"
