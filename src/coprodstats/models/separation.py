"""Exact detection of separation: whether the maximum-likelihood estimate exists, before it is sought."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from coprodstats.errors import Fault, ModelError, SeparationError
from coprodstats.models.matrix import Column
from coprodstats.models.sample import Sample

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# The linear programme works on columns of unit size: a certificate below this is rounding.
TOLERANCE = 1e-7
# Shown instead of a count that could single out respondents.
SMALL_COUNT = 10
# Overlap is looked for in this many rows first, with so many extremes of each column; see `some_rows`.
FEW_ROWS = 800
EXTREMES = 12


def separating_direction(x: Floats, y: Ints, n_cuts: int) -> Floats | None:
    """Return a direction in which the likelihood never falls, or None if the estimate is finite.

    Parameters
    ----------
    x
        Predictors of the rows with positive weight, full column rank, of similar size, shape (n, p).
    y
        Categories 0 … K-1, shape (n,).
    n_cuts
        K-1.

    Returns
    -------
    numpy.ndarray or None
        Direction of (thresholds, slopes), largest entry 1, shape (K-1+p,): its non-zero slopes are the
        coefficients that run off to infinity, with their signs.

    Raises
    ------
    ModelError
        If the linear programme is not solved: nothing is said then, and nothing fitted.

    Notes
    -----
    Konis (2007, DPhil thesis, Oxford), extended from binary to cumulative models: a row in category k gives
    (threshold_k - x'b) >= 0 if k is not the highest and (x'b - threshold_{k-1}) >= 0 if it is not the lowest.
    The largest sum of these under -1 <= direction <= 1 is positive exactly if the data are
    separated, completely or quasi-completely (Albert and Anderson 1984, *Biometrika* 71, 1-10).

    Examples
    --------
    >>> x = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> separating_direction(x, np.array([0, 1, 0, 1]), 1) is None
    True
    >>> separating_direction(x, np.array([0, 0, 1, 1]), 1)[1] > 0
    np.True_
    """
    some = some_rows(x, y)
    if len(some) < len(y):
        rows = constraint_rows(x[some], y[some], n_cuts)
        # What separates all rows separates these, or is orthogonal to them; at full rank nothing is.
        if has_full_rank(rows) and separating(rows) is None:
            return None
    return separating(constraint_rows(x, y, n_cuts))


def some_rows(x: Floats, y: Ints) -> Ints:
    """Return rows that show overlap if it is plain: evenly spaced ones, and the extremes of every column."""
    wanted = max(FEW_ROWS, 30 * x.shape[1])
    if len(y) <= 2 * wanted:
        return np.arange(len(y))
    even = np.linspace(0, len(y) - 1, wanted).astype(np.intp)
    extremes = np.argpartition(x, (EXTREMES, len(y) - EXTREMES), axis=0)
    chosen = [even, extremes[:EXTREMES].ravel(), extremes[-EXTREMES:].ravel()]
    return np.unique(np.concatenate(chosen))


def has_full_rank(rows: Floats) -> bool:
    """Return whether no direction is orthogonal to all rows."""
    unit = rows / np.maximum(np.sqrt((rows**2).sum(axis=0)), np.finfo(float).tiny)
    return bool(np.linalg.eigvalsh(unit.T @ unit)[0] > TOLERANCE)


def separating(rows: Floats) -> Floats | None:
    """Return the direction that raises the rows' sum most without lowering any, or None if there is none."""
    size = np.abs(rows).max(axis=0)
    size[size == 0] = 1.0
    rows = rows / size
    objective = rows.sum(axis=0)
    solved = linprog(
        -objective / len(rows),
        A_ub=sparse.csr_array(-rows),
        b_ub=np.zeros(len(rows)),
        bounds=[(-1.0, 1.0)] * rows.shape[1],
        method="highs",
    )
    if not solved.success:  # the programme is feasible (0) and bounded, so this is numerical trouble
        raise ModelError(
            Fault(
                where="separation",
                found="the linear programme that looks for it was not solved, so that no fit can be trusted",
                remedy="rescale predictors of very different size, or merge sparse categories",
            )
        )
    gains = rows @ solved.x
    # A direction that lowers a row is none. Should rounding hide a true one, the fit itself can't converge.
    if gains.max() <= TOLERANCE or gains.min() < -TOLERANCE:
        return None
    direction = solved.x / size
    direction[np.abs(solved.x) < TOLERANCE] = 0.0
    return np.asarray(direction / np.abs(direction).max())


def constraint_rows(x: Floats, y: Ints, n_cuts: int) -> Floats:
    """Return the distinct rows (gradients of the two ends) that a separating direction must not lower."""
    distinct = np.unique(np.column_stack([y, x]), axis=0)
    category, predictors = distinct[:, 0].astype(int), distinct[:, 1:]
    unit = np.eye(n_cuts)
    low, high = category < n_cuts, category > 0
    upper_ends = np.hstack([unit[category[low]], -predictors[low]])
    lower_ends = np.hstack([-unit[category[high] - 1], predictors[high]])
    return np.vstack([upper_ends, lower_ends])


def refuse_separation(
    outcome: str,
    sample: Sample,
    rows: pd.DataFrame,
    *,
    standard: Floats,
    inverse: Floats,
    columns: tuple[Column, ...],
) -> None:
    """Stop if the outcome is predicted perfectly, and say by what.

    Parameters
    ----------
    outcome
        The outcome's name.
    sample, rows
        The rows used, and their predictors.
    standard, inverse
        Standardised predictors, shape (n, p), and the matrix that made them of the raw ones.
    columns
        What the predictors' columns stand for.

    Raises
    ------
    SeparationError
        Naming each term whose estimate would be infinite.
    """
    n_cuts = len(sample.categories) - 1
    direction = separating_direction(standard, sample.y, n_cuts)
    if direction is None:
        return
    slopes = inverse @ direction[n_cuts:]
    slopes[np.abs(slopes) < 1e-6 * np.abs(slopes).max()] = 0.0
    infinite = [(column, np.sign(b)) for column, b in zip(columns, slopes, strict=True) if b != 0]
    # Levels that miss the reference's reason all name it: once is enough.
    faults = dict.fromkeys(
        Fault(
            where=f"outcome {outcome!r}",
            found=separated_by(rows, sample, column)
            or f"its categories are separated by {column.name}, alone or with other terms: "
            f"the estimate would be {'+' if sign > 0 else '−'}infinity",
            remedy="merge it with another category in the codebook, or leave the term out",
        )
        for column, sign in infinite
    )
    raise SeparationError(*faults)


def separated_by(rows: pd.DataFrame, sample: Sample, column: Column) -> str:
    """Say which level goes with a single category, if that is what separates."""
    if len(column.variables) != 1 or not column.level:
        return ""
    variable = column.variables[0]
    labels = rows[variable].astype(str)
    extremes = (0, len(sample.categories) - 1)
    for level, role in ((column.level, ""), (column.reference, ", the reference")):
        marked = (labels == level).to_numpy()
        seen = np.unique(sample.y[marked])
        if len(seen) == 1 and seen[0] in extremes:
            count = int(marked.sum())
            size = f"all {count}" if count >= SMALL_COUNT else f"all of the fewer than {SMALL_COUNT}"
            return (
                f"it is {sample.categories[seen[0]]!r} for {size} respondents with "
                f"{variable} = {level!r}{role}, "
                f"so that the estimate for {column.name if not role else variable} would be infinite"
            )
    return ""
