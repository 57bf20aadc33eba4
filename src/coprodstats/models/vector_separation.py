"""Whether a likelihood of K-1 linear predictors has a finite maximum, and only one, before it is sought."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from coprodstats.models.rank import RANK_TOLERANCE
from coprodstats.models.separation import has_full_rank, separating, some_rows
from coprodstats.models.vector_likelihood import Problem

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NoMaximum:
    """Why a likelihood has no finite maximum, or more than one.

    Attributes
    ----------
    direction
        Direction of theta, largest entry 1, in which the likelihood never falls, shape (q,).
    flat
        Whether it does not change along it at all; otherwise its non-zero slopes run off to infinity.
    """

    direction: Floats
    flat: bool


def no_maximum(problem: Problem) -> NoMaximum | None:
    """Return a direction of theta in which the likelihood never falls, or None if its maximum is finite.

    Parameters
    ----------
    problem
        The likelihood, columns of similar size.

    Raises
    ------
    ModelError
        If the linear programme is not solved.

    Notes
    -----
    The criterion of Albert and Anderson (1984, *Biometrika* 71, 1-10), by linear programming as for the
    models with one slope per column (`separation.separating_direction`), on each model's own inequalities: a
    cumulative model's interval must not shrink at either end; the predictor of a continuation ratio must not
    fall where a respondent stops, nor rise where they go on, as in the binary models it is made of; in an
    adjacent-category logit, a multinomial logit, no other category may gain on the one observed.

    The likelihood is flat where no respondent tells what a slope at one split is: where a column does not
    vary, say, among those whose category lies beside that split.
    """
    some = some_rows(np.hstack([problem.own, problem.shared]), problem.y)
    if len(some) < len(problem.y):
        kept = np.zeros(len(problem.y), dtype=bool)
        kept[some] = True
        rows = constraint_rows(problem.rows(kept))
        if has_full_rank(rows) and separating(rows) is None:
            return None
    rows = constraint_rows(problem)
    direction = separating(rows)
    if direction is not None:
        return NoMaximum(direction=direction, flat=False)
    orthogonal = _orthogonal(rows)
    return None if orthogonal is None else NoMaximum(direction=orthogonal, flat=True)


def _orthogonal(rows: Floats) -> Floats | None:
    """Return a direction orthogonal to all rows, largest entry 1, or None."""
    size = np.sqrt((rows**2).sum(axis=0))
    if not size.all():
        return np.asarray((size == 0).astype(float))
    _, values, directions = np.linalg.svd(rows / size, full_matrices=len(rows) < rows.shape[1])
    if len(values) == rows.shape[1] and values[-1] > RANK_TOLERANCE * values[0]:
        return None
    direction = directions[-1] / size
    return np.asarray(direction / np.abs(direction).max())


def constraint_rows(problem: Problem) -> Floats:
    """Return the distinct rows that a direction of theta must not lower, shape (any, q)."""
    distinct = _distinct(problem)
    found = []
    for category in range(problem.m + 1):
        members = distinct.y == category
        own, shared = distinct.own[members], distinct.shared[members]
        for combination in problem.model.cone(category, problem.m):
            cuts = np.broadcast_to(combination, (len(own), problem.m))
            free = combination[None, :, None] * own[:, None, :]
            found.append(np.hstack([cuts, -free.reshape(len(own), -1), -combination.sum() * shared]))
    return np.vstack(found)


def _distinct(problem: Problem) -> Problem:
    f = problem.own.shape[1]
    rows = np.unique(np.column_stack([problem.y, problem.own, problem.shared]), axis=0)
    return replace(
        problem,
        y=rows[:, 0].astype(np.intp),
        own=rows[:, 1 : 1 + f],
        shared=rows[:, 1 + f :],
        w=np.ones(len(rows)),
        offset=None,
    )
