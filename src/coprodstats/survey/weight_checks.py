"""Weights held, while a survey is cleaned, against what weights can be and usually are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from coprodstats.errors import Fault, Found, WeightError
from coprodstats.survey.log import how_many

if TYPE_CHECKING:
    from coprodstats.survey.answers import Answers

MOST_OVER_MEDIAN = 50.0
MOST_DESIGN_EFFECT = 4.0
"""Beyond either limit weights are extreme: a few respondents decide, and the others hardly count."""


def weight_faults(columns: Mapping[str, Answers], source: str) -> list[Found]:
    """Return what weights can't be: text, negative, or all zero.

    Parameters
    ----------
    columns
        The judged columns, of the rows kept.
    source
        What messages call the file.
    """
    found: list[Found] = []
    for name, column in columns.items():
        if column.variable.kind != "weight":
            continue
        where, counts = f"{source}: {name}", column.coded.counts()
        weighs = (column.verdict < 0) & (counts > 0)
        negative = weighs & (column.numbers < 0)
        if negative.any():
            told = f"{how_many(int(counts[negative].sum()))} rows have a negative weight"
            allowed = "numbers of at least 0"
            remedy = f"mend the file, or declare the code in variables.{name}.missing"
            found.append((WeightError, Fault(where=where, found=told, allowed=allowed, remedy=remedy)))
        elif weighs.any() and not column.numbers[weighs].any():
            told, allowed = "all weights are zero", "at least one weight above 0"
            found.append((WeightError, Fault(where=where, found=told, allowed=allowed)))
    return found


def uneven(weights: NDArray[np.float64]) -> str:
    """Return in words how weights are extreme, or an empty text.

    Parameters
    ----------
    weights
        The weights, shape (n,), of at least 0.

    Notes
    -----
    ``n sum(w^2) / sum(w)^2`` is Kish's design effect (1965, *Survey Sampling*); n divided by it is the
    effective number of respondents. Rows of weight zero are left out.

    Examples
    --------
    >>> uneven(np.ones(100))
    ''
    >>> uneven(np.append(np.ones(99), 60.0))
    "the largest is 60 times the median, Kish's design effect is 14.6: 100 rows tell as much as n_eff = 6.83"
    """
    weights = weights[weights > 0]
    if not len(weights):
        return ""
    ratio = float(weights.max() / np.median(weights))
    effect = len(weights) * float(np.square(weights).sum()) / float(weights.sum()) ** 2
    if ratio <= MOST_OVER_MEDIAN and effect <= MOST_DESIGN_EFFECT:
        return ""
    return (
        f"the largest is {_short(ratio)} times the median, Kish's design effect is {_short(effect)}: "
        f"{len(weights):,} rows tell as much as n_eff = {_short(len(weights) / effect)}"
    )


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
