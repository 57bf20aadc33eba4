"""The likelihood of K-1 linear predictors, some of whose slopes are their own: arrays only.

Symbols: ``own`` (n, f) columns with a slope for each predictor, ``shared`` (n, c) columns with one slope,
``w`` (n,) weights, m = K-1; ``eta_k = cuts_k - own'b_k - shared'c - offset`` and ``theta`` = (cuts, b_1, …,
b_m, c), of length q = m + m f + c. What the categories make of ``eta`` is a `CategoryModel`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from coprodstats.models.category_models import CategoryModel
from coprodstats.models.search import MAX_HALVINGS, MAX_ITERATIONS, STEP_TOLERANCE, Estimate, ascent_step

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Rows at a time: second derivatives of a block stay in the processor's cache.
BLOCK = 8192


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """One weighted likelihood.

    Attributes
    ----------
    model
        What the categories make of the predictors.
    own
        Columns with a slope for each predictor, shape (n, f); f may be 0.
    shared
        Columns with one slope, shape (n, c); c may be 0.
    y
        Categories 0 … K-1, shape (n,).
    w
        Positive weights, shape (n,).
    m
        Number of predictors, K-1.
    offset
        Known part of each row's predictors, shape (n,), or None.
    """

    model: CategoryModel
    own: Floats
    shared: Floats
    y: Ints
    w: Floats
    m: int
    offset: Floats | None = None

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.m + self.m * int(self.own.shape[1]) + int(self.shared.shape[1])

    def rows(self, kept: NDArray[np.bool_]) -> Problem:
        """Return the problem of some of the rows."""
        offset = None if self.offset is None else self.offset[kept]
        return replace(
            self,
            own=self.own[kept],
            shared=self.shared[kept],
            y=self.y[kept],
            w=self.w[kept],
            offset=offset,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """The log-likelihood with its score, shape (q,), and observed information, shape (q, q)."""

    loglik: float
    score: Floats
    information: Floats


def predictors(theta: Floats, problem: Problem, rows: Ints | slice = slice(None)) -> Floats:
    """Return the linear predictors of some rows, shape (n, m)."""
    m, f = problem.m, problem.own.shape[1]
    own = theta[m : m + m * f].reshape(m, f)
    along = problem.shared[rows] @ theta[m + m * f :]
    if problem.offset is not None:
        along = along + problem.offset[rows]
    return np.asarray(theta[:m] - problem.own[rows] @ own.T - along[:, None])


def evaluate(theta: Floats, problem: Problem) -> Evaluation:
    """Return the weighted log-likelihood and its derivatives; -inf where a row has no probability."""
    q = problem.size
    loglik, score, hessian = 0.0, np.zeros(q), np.zeros((q, q))
    for category, rows in _blocks(problem):
        w = problem.w[rows]
        d = problem.model.rows(predictors(theta, problem, rows), category)
        loglik += float(w @ d.log_p)
        if not np.isfinite(loglik):
            return Evaluation(loglik=-np.inf, score=score, information=-hessian)
        own, shared = problem.own[rows], problem.shared[rows]
        score += _score(d.gradient * w[:, None], own, shared)
        hessian += _hessian(d.curvature * w[:, None, None], own, shared)
    return Evaluation(loglik=loglik, score=score, information=-hessian)


def row_scores(theta: Floats, problem: Problem) -> Floats:
    """Return unweighted scores of each row, shape (n, q)."""
    scores = np.empty((len(problem.y), problem.size))
    for category, rows in _blocks(problem):
        gradient = problem.model.rows(predictors(theta, problem, rows), category).gradient
        own = gradient[:, :, None] * problem.own[rows][:, None, :]
        shared = problem.shared[rows] * gradient.sum(axis=1)[:, None]
        scores[rows] = np.hstack([gradient, -own.reshape(len(rows), -1), -shared])
    return scores


def maximise(problem: Problem, *, start: Floats | None = None, tolerance: float = STEP_TOLERANCE) -> Estimate:
    """Maximise the weighted log-likelihood by Newton's method with step halving.

    Parameters
    ----------
    problem
        The likelihood; columns standardised for good conditioning.
    start
        Starting values of theta, shape (q,); by default thresholds that fit the shares, and zero slopes.
    tolerance
        Size, in standard errors, of the Newton step after which no further one is taken.

    Returns
    -------
    Estimate
        The maximum; ``stalled`` if no step increased the likelihood any more.

    Notes
    -----
    A step at which some row's category has no probability, as where cumulative predictors cross, counts as
    one that lowers the likelihood, and is halved. Log-likelihoods are concave in the predictors, and so in
    theta, but for the cauchit link: cumulative models by Pratt (1981, *JASA* 76, 103-106), adjacent
    categories as an exponential family, continuation ratios as binary models of each category reached.
    """
    theta = starting_theta(problem) if start is None else start.copy()
    at = evaluate(theta, problem)
    stalled = True
    iterations = 0
    while stalled and iterations < MAX_ITERATIONS and np.isfinite(at.loglik):
        iterations += 1
        step = ascent_step(at.information, at.score)
        small = np.max(np.abs(step) * np.sqrt(np.abs(np.diag(at.information)))) < tolerance
        if small:  # the last step is taken as it is: its likelihood differs by rounding only
            theta, stalled = theta + step, False
            at = evaluate(theta, problem)
            continue
        moved = _halved(theta, step, at.loglik, problem)
        if moved is None:
            break
        theta, at = moved
    step = ascent_step(at.information, at.score)
    return Estimate(
        theta=theta,
        loglik=at.loglik,
        information=at.information,
        iterations=iterations,
        last_step=step,
        decrement=abs(float(at.score @ step)),
        stalled=stalled,
    )


def starting_theta(problem: Problem) -> Floats:
    """Return thresholds that fit the weighted shares of the categories, and zero slopes, shape (q,)."""
    theta = np.zeros(problem.size)
    theta[: problem.m] = problem.model.start(problem.y, problem.w)
    if problem.offset is not None:
        theta[: problem.m] += np.average(problem.offset, weights=problem.w)
    return theta


def _halved(theta: Floats, step: Floats, loglik: float, problem: Problem) -> tuple[Floats, Evaluation] | None:
    """Return the first of step, step/2, … that does not lower the likelihood, and what it is there."""
    for halvings in range(MAX_HALVINGS):
        candidate = theta + step / 2.0**halvings
        there = evaluate(candidate, problem)
        if there.loglik > loglik - 1e-13 * abs(loglik):  # rounding of a sum of n terms
            return candidate, there
    return None


def _blocks(problem: Problem) -> Iterator[tuple[int, Ints]]:
    """Yield positions of rows that share a category."""
    for category in range(problem.m + 1):
        members = np.flatnonzero(problem.y == category)
        for start in range(0, len(members), BLOCK):
            yield category, members[start : start + BLOCK]


def _score(gradient: Floats, own: Floats, shared: Floats) -> Floats:
    total = gradient.sum(axis=1)
    return np.concatenate([gradient.sum(axis=0), -(gradient.T @ own).ravel(), -(total @ shared)])


def _hessian(curvature: Floats, own: Floats, shared: Floats) -> Floats:
    """Return the sum over rows of second derivatives by theta, shape (q, q)."""
    n, m, _ = curvature.shape
    f, c = own.shape[1], shared.shape[1]
    by_row = curvature.sum(axis=2)  # (n, m): of each predictor with all
    cut, free, common = slice(0, m), slice(m, m + m * f), slice(m + m * f, m + m * f + c)
    hessian = np.empty((m + m * f + c, m + m * f + c))
    hessian[cut, cut] = curvature.sum(axis=0)
    # Over (predictor, predictor, column): thresholds of one predictor with the own slopes of another.
    hessian[cut, free] = -(curvature.reshape(n, m * m).T @ own).reshape(m, m * f)
    hessian[cut, common] = -(by_row.T @ shared)
    for j in range(m):
        rows = slice(m + j * f, m + (j + 1) * f)
        for k in range(j, m):
            block = own.T @ (own * curvature[:, j, k, None])
            columns = slice(m + k * f, m + (k + 1) * f)
            hessian[rows, columns] = block
            hessian[columns, rows] = block
        hessian[rows, common] = own.T @ (shared * by_row[:, j, None])
    hessian[common, common] = shared.T @ (shared * by_row.sum(axis=1)[:, None])
    for above, beside in ((cut, free), (cut, common), (free, common)):
        hessian[beside, above] = hessian[above, beside].T
    return hessian
