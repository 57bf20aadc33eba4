"""Rows for which a model's lines cross, so that a category would have a negative probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coprodstats.errors import Fault, ModelError
from coprodstats.models.responses import row_values
from coprodstats.models.results import FittedModel
from coprodstats.models.separation import SMALL_COUNT

Floats = NDArray[np.float64]


def crossing_rows(values: Floats) -> int:
    """Return for how many rows some probability is negative.

    Parameters
    ----------
    values
        Probabilities of each category, shape (n, K).

    Examples
    --------
    >>> crossing_rows(np.array([[0.2, 0.8], [1.1, -0.1]]))
    1
    """
    return int((values < 0).any(axis=1).sum())


def crossing_words(count: int) -> str:
    """Say that lines cross for some rows, in a sentence that singles out nobody."""
    rows = f"{count:,} rows" if count >= SMALL_COUNT else f"fewer than {SMALL_COUNT} rows"
    return (
        f"for {rows} the slopes that differ between splits make lines cross, so that a category has a "
        "negative probability"
    )


def refuse_crossings(model: FittedModel, x: Floats, offset: Floats | None, rows: str) -> None:
    """Refuse rows for which a model with slopes by split would give negative probabilities.

    Parameters
    ----------
    model
        The model.
    x, offset
        Design matrix of the rows, shape (n, p), and their offset, shape (n,), or None.
    rows
        Which rows they are, for the message, such as ``"new data"``.

    Raises
    ------
    ModelError
        With the number of rows.
    """
    if not model.nonparallel:
        return
    count = crossing_rows(row_values(model.surface, model.theta, x, offset))
    if count:
        raise ModelError(
            Fault(
                where=f"model {model.name!r}: {rows}",
                found=crossing_words(count),
                remedy="nonparallel=... for fewer terms, or rows nearer to those of the sample",
            )
        )
