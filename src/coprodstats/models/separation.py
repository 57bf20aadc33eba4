"""Exact detection of separation: whether the maximum-likelihood estimate exists, before it is sought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from coprodstats.errors import Fault, ModelError, SeparationError
from coprodstats.models.blocks import Rows, one_in, sort_rows
from coprodstats.models.coding import Column
from coprodstats.models.links import LINKS
from coprodstats.models.sample import Sample
from coprodstats.models.search import THINNING, Estimate, Thinned, is_near, maximise_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# The linear programme works on columns of unit size: a certificate below this is rounding.
TOLERANCE = 1e-7
SOLVER = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
# It begins with so many rows, and takes in up to so many that it has overlooked at a time.
PROGRAMME_ROWS = 1_500
# A logistic fit that takes its last step so many standard errors from the maximum ends near enough to show
# that there is one; a search that takes more steps is on its way to infinity, or nearly.
NEARER = 1e-3
STEPS = 10
# Below this the smallest eigenvalue of an information, relative to the largest, may be rounding.
RESOLVED = 1e-9
# Shown instead of a count that could single out respondents.
SMALL_COUNT = 10
# From this many rows on one in so many is looked at first.
MANY_ROWS = 20_000
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
    A logistic fit shows that a maximum exists (`has_maximum`), first one to some of the rows: what separates
    all separates these. Where it shows nothing, a linear programme decides (Konis 2007, DPhil thesis at
    Oxford), extended from binary to cumulative models: a row in category k gives (threshold_k - x'b) >= 0 if
    k is not the highest and (x'b - threshold_{k-1}) >= 0 if it is not the lowest. The largest sum of these
    under -1 <= direction <= 1 is positive exactly if the data are separated, completely or quasi-completely
    (Albert and Anderson 1984, *Biometrika* 71, 1-10).

    Examples
    --------
    >>> x = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> separating_direction(x, np.array([0, 1, 0, 1]), 1) is None
    True
    >>> separating_direction(x, np.array([0, 0, 1, 1]), 1)[1] > 0
    np.True_
    """
    rows, _ = sort_rows(x, y, np.ones(len(y)), n_cuts)
    found = overlap(rows)
    return None if found.shown else separating(constraint_rows(x, y, n_cuts), likely=found.fit.theta)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overlap:
    """What a logistic fit shows of the existence of a maximum.

    Attributes
    ----------
    shown
        Whether it shows that there is one.
    fit
        The fit.
    one_in
        It is to about one in so many rows: to all where this is 1.
    """

    shown: bool
    fit: Estimate
    one_in: float = 1.0

    @property
    def start(self) -> Estimate | Thinned:
        """From where to look for the maximum of all rows."""
        return self.fit if self.one_in == 1 else Thinned(fit=self.fit, one_in=self.one_in)


def overlap(rows: Rows, some: Rows | None = None) -> Overlap:
    """Return a logistic fit to some of the rows if that shows that a maximum exists, else one to all.

    One in so many (`THINNING`) of many rows may be given: to take them takes time.
    """
    logit, start = LINKS["logit"], None
    if len(rows.w) > MANY_ROWS:
        some = one_in(rows, THINNING) if some is None else some
        share = len(rows.w) / len(some.w)
        found = maximise_rows(some, logit, enough=is_near, most=STEPS)
        shown = has_maximum(found, some)
        if not shown:
            found = maximise_rows(some, logit, start=found, tolerance=NEARER, most=STEPS)
            shown = has_maximum(found, some)
        if shown:
            return Overlap(shown=True, fit=found, one_in=share)
        start = Thinned(fit=found, one_in=share)
    found = maximise_rows(rows, logit, start=start, tolerance=NEARER, most=STEPS)
    return Overlap(shown=has_maximum(found, rows), fit=found)


def has_maximum(near: Estimate, rows: Rows) -> bool:
    """Return whether a point proves that a cumulative logit likelihood has a maximum, one and finite.

    Parameters
    ----------
    near
        A point near the maximum, if there is one.
    rows
        The data.

    Returns
    -------
    bool
        False proves nothing.

    Notes
    -----
    Minus the log-likelihood, g, is a sum of log(1 + exp(.)) of linear functions and of -log(1 - exp(-d)) of
    the distances d of neighbouring thresholds. Along a direction v, of which a linear function is s and a
    distance changes by c, their third derivatives are at most |s| and |c| coth(d / 2) times the second (Bach
    2010, *Electronic Journal of Statistics* 4, 384-414, for the first), so that g''(t) >= g''(0) exp(-S t)
    with S the largest of |s| and |c| (1 + 4 / d), which holds for c <= d / 2. Integrated twice with S <= 1/2:
    g(v) >= g(0) - D r + 0.42 r^2 for all v of length r in the metric of the information, D the Newton
    decrement. For r = 3 D this is above g(0) all around, and g, being convex, has its minimum within. The
    bound is to hold by a factor of 2 (S <= 1/2, not 1), rounding of D and of the eigenvalue by far less.
    """
    n_cuts = rows.n_cuts
    values = np.linalg.eigvalsh(near.information)
    if not values[0] > RESOLVED * values[-1]:
        return False
    longest = 3 * np.sqrt(near.decrement / values[0])
    steepest = np.sqrt(2) * (1 + 4 / np.diff(near.theta[:n_cuts])).max(initial=0.0)
    if rows.bounds is not None and longest * max(steepest, np.sqrt(1 + (rows.bounds**2).sum())) <= 0.5:
        return True  # no row is longer than that
    norms = [np.sqrt(1 + (rows.x[:, b.rows] ** 2).sum(axis=0).max()) for b in rows.blocks]
    return bool(longest * max(steepest, *norms) <= 0.5)


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


def separating(rows: Floats, *, likely: Floats | None = None) -> Floats | None:
    """Return the direction that raises the rows' sum most without lowering any, or None if there is none.

    Parameters
    ----------
    rows
        What a direction must not lower, shape (m, q).
    likely
        A direction that lowers few, if any is known, shape (q,): it tells which rows matter.

    Notes
    -----
    The programme is solved for few rows. If its solution lowers others, the lowest of them are taken in,
    until it lowers none: it is then the solution for all.
    """
    size = np.abs(rows).max(axis=0)
    size[size == 0] = 1.0
    rows = rows / size
    objective = rows.sum(axis=0)
    gains = np.zeros(len(rows)) if likely is None else rows @ (likely * size)
    kept = np.zeros(len(rows), dtype=bool)
    kept[:: 1 + len(rows) // PROGRAMME_ROWS] = True
    kept[np.argsort(gains, kind="stable")[:PROGRAMME_ROWS]] = True
    while True:
        solution = _solve(objective, rows[kept])
        gains = rows @ solution
        lowered = np.flatnonzero((gains < -TOLERANCE) & ~kept)
        if len(lowered) == 0:
            break
        kept[lowered[np.argsort(gains[lowered], kind="stable")[:PROGRAMME_ROWS]]] = True
    # A direction that lowers a row is none. Should rounding hide a true one, the fit itself can't converge.
    if gains.max() <= TOLERANCE or gains.min() < -TOLERANCE:
        return None
    direction = solution / size
    direction[np.abs(solution) < TOLERANCE] = 0.0
    return np.asarray(direction / np.abs(direction).max())


def _solve(objective: Floats, rows: Floats) -> Floats:
    """Return the direction within -1 … 1 that raises an objective most without lowering any row."""
    distinct = np.unique(rows, axis=0)
    solved = linprog(
        -objective / max(np.abs(objective).max(), np.finfo(float).tiny),
        A_ub=sparse.csr_array(-distinct),
        b_ub=np.zeros(len(distinct)),
        bounds=[(-1.0, 1.0)] * rows.shape[1],
        method="highs",
        options=SOLVER,
    )
    if not solved.success:  # the programme is feasible (0) and bounded, so this is numerical trouble
        raise ModelError(
            Fault(
                where="separation",
                found="the linear programme that looks for it was not solved, so that no fit can be trusted",
                remedy="rescale predictors of very different size, or merge sparse categories",
            )
        )
    return np.asarray(solved.x)


def constraint_rows(x: Floats, y: Ints, n_cuts: int) -> Floats:
    """Return the rows (gradients of the two ends) that a separating direction must not lower."""
    unit = np.eye(n_cuts)
    low, high = y < n_cuts, y > 0
    upper_ends = np.hstack([unit[y[low]], -x[low]])
    lower_ends = np.hstack([-unit[y[high] - 1], x[high]])
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
