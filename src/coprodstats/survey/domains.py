"""Subpopulations: rows that are analysed while the whole design is kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, Fault

Bools = NDArray[np.bool_]
Domain = pd.Series | NDArray[np.bool_]


def domain_rows(domain: Domain | None, frame: pd.DataFrame) -> Bools:
    """Return the rows of a subpopulation, all without one, shape (n,).

    Parameters
    ----------
    domain
        True for each row inside; a Series with the index of the frame, or an array.
    frame
        The data, n rows.

    Raises
    ------
    ArgumentError
        If it is not one true or false per row of the frame.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [20, 50]})
    >>> domain_rows(frame["age"] < 40, frame).tolist()
    [True, False]
    """
    if domain is None:
        return np.ones(len(frame), dtype=bool)
    values = np.asarray(domain)
    faults = []
    if values.shape != (len(frame),):
        found = f"it has shape {values.shape}, the data have {len(frame)} rows"
        faults.append(Fault(where="domain", found=found, remedy="domain=frame['age'] < 40"))
    elif pd.isna(values).any() or not np.isin(values, (True, False)).all():
        found = "it holds something other than true and false"
        faults.append(Fault(where="domain", found=found, allowed="true or false"))
    elif isinstance(domain, pd.Series) and not domain.index.equals(frame.index):
        faults.append(Fault(where="domain", found="its index is not that of the data"))
    if faults:
        raise ArgumentError(*faults)
    return values.astype(bool)
