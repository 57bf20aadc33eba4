"""Solving for calibrated weights: arrays only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Distance = Literal["linear", "raking"]

# Singular values, and eigenvalues of the information, below this share of the largest are dependence: every
# margin's cells add up to the same total.
DEPENDENCE = 1e-10
FLAT = 1e-13

# A Newton step that changes a weight by more than this share is not the last: weights that margins force to
# zero shrink by a constant factor, while every total is met better and better, until they are this small
# beside the weights before.
SETTLED = 0.1
VANISHED = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalibrationTask:
    """What weights are to reproduce, and when they are near enough.

    Attributes
    ----------
    matrix
        Values of the calibration variables, shape (n, m).
    totals
        Their population totals, shape (m,).
    sizes
        What deviations are relative to, shape (m,).
    population
        The grand total of the margins, or 0 without margins.
    distance
        ``"linear"`` or ``"raking"``.
    tolerance
        Largest deviation allowed, relative to ``sizes``.
    max_iterations
        Newton steps allowed.
    """

    matrix: Floats
    totals: Floats
    sizes: Floats
    population: float
    distance: Distance
    tolerance: float
    max_iterations: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """Calibrated weights, shape (n,), and how they were reached."""

    weights: Floats
    iterations: int
    settled: bool = True


def solve_calibration(base: Floats, task: CalibrationTask) -> Solution:
    """Solve ``sum d F(x'b) x = t`` by Newton's method on its convex dual, halving steps that overshoot.

    Parameters
    ----------
    base
        The weights before, shape (n,).
    task
        What they are to reproduce.

    Returns
    -------
    Solution
        The weights when they met the totals, or after ``max_iterations``: that they do is for the caller to
        see. ``settled`` is false if some weights were still shrinking towards zero.
    """
    distance = task.distance
    # Columns on a common scale; margins let the weights start at the population's size, which changes nothing
    # of the solution.
    size = np.sqrt(np.maximum(base @ task.matrix**2 / base.sum(), 0.0))
    size[size == 0] = 1.0
    x, t = task.matrix / size, task.totals / size
    d = base * (task.population / base.sum() if task.population else 1.0)
    allowed = task.tolerance * task.sizes / size
    b = np.zeros(len(t))
    weights, slope = _weights_at(x @ b, d, distance)
    met, settled, iterations = False, False, 0
    while iterations < task.max_iterations:
        iterations += 1
        step = _solved(x.T @ (slope[:, None] * x), t - x.T @ weights)
        b = _descended(b, step, x, t, d, distance)
        before, (weights, slope) = weights, _weights_at(x @ b, d, distance)
        if met:  # the step after the tolerance is met costs little and leaves rounding only
            break
        settled = distance == "linear" or bool((np.abs(weights - before) <= SETTLED * before).all())
        met = settled and bool((np.abs(t - x.T @ weights) <= allowed).all())
    settled &= distance == "linear" or not (weights < VANISHED * d).any()
    return Solution(weights=weights, iterations=iterations, settled=bool(settled))


def deviations(weights: Floats, task: CalibrationTask) -> Floats:
    """Return how far each total is from its population total, relative to its size, shape (m,)."""
    found = np.abs(task.matrix.T @ weights - task.totals) / task.sizes
    return np.asarray(np.where(np.isfinite(found), found, np.inf))


def recalibrated(replicates: Floats, task: CalibrationTask) -> tuple[Floats, Floats]:
    """Return the weights of each replicate calibrated on its own, and how far its totals are.

    Parameters
    ----------
    replicates
        Full weights of each replicate, shape (n, R); a linear calibration may make single ones negative.
    task
        What each is to reproduce.

    Returns
    -------
    tuple
        Calibrated weights, shape (n, R), and deviations of totals, shape (R, m), infinite where weights were
        still shrinking towards zero.

    Notes
    -----
    Rows with the same calibration variables get the same factor: only their total weight matters.
    """
    patterns, member = np.unique(task.matrix, axis=0, return_inverse=True)
    member = member.ravel()
    sums = np.column_stack([np.bincount(member, column, minlength=len(patterns)) for column in replicates.T])
    collapsed = replace(task, matrix=patterns)
    missed = np.empty((replicates.shape[1], len(task.totals)))
    calibrated = np.empty_like(replicates)
    for r, base in enumerate(sums.T):
        found = solve_calibration(base, collapsed)
        missed[r] = deviations(found.weights, collapsed) if found.settled else np.inf
        factor = np.divide(found.weights, base, out=np.zeros_like(base), where=base != 0)
        calibrated[:, r] = replicates[:, r] * factor[member]
    return calibrated, missed


def orthonormal_basis(columns: Floats) -> Floats:
    """Return an orthonormal basis of the span of columns, shape (n, rank)."""
    norms = np.linalg.norm(columns, axis=0)
    scaled = columns / np.where(norms > 0, norms, 1.0)
    left, values, _ = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray(left[:, values > DEPENDENCE * values[0]])


def _weights_at(eta: Floats, d: Floats, distance: Distance) -> tuple[Floats, Floats]:
    if distance == "linear":
        return d * (1 + eta), d
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.where(d != 0, d * np.exp(eta), 0.0)
    return weights, weights


def _solved(information: Floats, misfit: Floats) -> Floats:
    values, vectors = np.linalg.eigh(information)
    kept = values > FLAT * values[-1]
    return np.asarray(vectors[:, kept] @ ((vectors[:, kept].T @ misfit) / values[kept]))


def _descended(b: Floats, step: Floats, x: Floats, t: Floats, d: Floats, distance: Distance) -> Floats:
    if distance == "linear":
        return b + step

    def dual(at: Floats) -> float:
        with np.errstate(over="ignore"):
            return float(d @ np.exp(x @ at) - t @ at)

    start, length = dual(b), 1.0
    slack = 1e-12 * (abs(start) + 1)
    while length > 1e-10 and not dual(b + length * step) <= start + slack:
        length /= 2
    return b + length * step
