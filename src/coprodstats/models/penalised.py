"""Cumulative-link likelihood under Jeffreys' prior, which keeps separated estimates finite: arrays only.

Symbols as in `likelihood` and `jeffreys`; further ``I`` = sum of ``w Z' E Z``, the expected information, and
``V`` its inverse. The criterion is ``log-likelihood + log|I| / 2``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from coprodstats.models import likelihood, search
from coprodstats.models.jeffreys import (
    Problem,
    information_changes,
    information_root,
    pushed,
    pushed_slope,
    row_blocks,
    sandwich,
)
from coprodstats.models.search import Estimate

Floats = NDArray[np.float64]

# A step moves no linear predictor by more than this.
MAX_MOVE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PenalisedEstimate:
    """The maximum of a penalised likelihood.

    Attributes
    ----------
    estimate
        Where it is, as the kernel gives it: ``loglik`` without the penalty, ``information`` the criterion's
        (minus its Hessian).
    fisher
        Expected information ``I``, shape (q, q); the observed one without a prior.
    criterion
        The penalised log-likelihood.
    """

    estimate: Estimate
    fisher: Floats
    criterion: float


def maximise(
    problem: Problem, *, start: Floats | None = None, held: Floats | None = None
) -> PenalisedEstimate:
    """Maximise the log-likelihood plus half the log-determinant of the expected information.

    Parameters
    ----------
    problem
        The data.
    start
        Starting values of theta; by default the thresholds of the categories' shares, and no slopes.
    held
        A linear combination of theta that keeps its starting value, shape (q,); by default none.

    Returns
    -------
    PenalisedEstimate
        The maximum; its ``estimate`` is stalled if no step increased the criterion any more.

    Notes
    -----
    Firth (1993), *Biometrika* 80, 27-38; Heinze and Schemper (2002), *Statistics in Medicine* 21, 2409-2419.
    The information vanishes, and with it the penalised likelihood, towards every end of the parameter space,
    so that a finite maximum exists also for separated data (for two categories Kosmidis and Firth 2021,
    *Biometrika* 108, 71-82). With two categories and the logit link the first-order bias is removed;
    otherwise this is Jeffreys' prior alone. Newton's method with the exact Hessian; where that is indefinite,
    a step of Fisher scoring.
    """
    theta = _start(problem) if start is None else start.copy()
    value = criterion(problem, theta)
    stalled, iterations = True, 0
    while stalled and iterations < search.MAX_ITERATIONS:
        iterations += 1
        parts = derivatives(problem, theta)
        step = _step(parts, held)
        if np.max(np.abs(step) * np.sqrt(np.diag(parts.fisher))) < search.STEP_TOLERANCE:
            theta, stalled = theta + step, False
            continue
        moved = _halved(problem, theta, _shortened(problem, step), value)
        if moved is None:
            break
        theta, value = moved
    parts = derivatives(problem, theta)
    step = _step(parts, held)
    estimate = Estimate(
        theta=theta,
        loglik=_log_likelihood(problem, theta),
        information=parts.hessian,
        iterations=iterations,
        last_step=step,
        decrement=abs(float(step @ parts.hessian @ step)),
        stalled=stalled,
    )
    return PenalisedEstimate(estimate=estimate, fisher=parts.fisher, criterion=criterion(problem, theta))


def criterion(problem: Problem, theta: Floats) -> float:
    """Return the penalised log-likelihood, -inf where thresholds are not increasing or nothing is known."""
    loglik = _log_likelihood(problem, theta)
    if not (problem.prior and np.isfinite(loglik)):
        return loglik
    with np.errstate(divide="ignore"):
        return loglik + float(np.log(np.abs(np.diag(information_root(problem, theta)))).sum())


def fisher_information(problem: Problem, theta: Floats) -> Floats:
    """Return the expected information, shape (q, q)."""
    root = information_root(problem, theta)
    return np.asarray(root.T @ root)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Derivatives:
    """Derivatives of the criterion at one theta.

    Attributes
    ----------
    fisher
        Expected information ``I``, shape (q, q).
    score
        Gradient of the penalised log-likelihood, shape (q,).
    penalty
        The penalty's part of it, shape (q,).
    hessian
        Minus the penalised log-likelihood's second derivatives, shape (q, q).
    turned
        ``V dI/dtheta_j V`` for each j, shape (q, q, q).
    rows
        Each row's ``s_i + Z_i' a_i``: score and share of the penalty's gradient, unweighted, shape (n, q).
    """

    fisher: Floats
    score: Floats
    penalty: Floats
    hessian: Floats
    turned: Floats
    rows: Floats


def derivatives(problem: Problem, theta: Floats) -> Derivatives:
    """Return the criterion's gradient and Hessian.

    Notes
    -----
    With ``H = Z V Z'`` of a row, the gradient of ``log|I| / 2`` is the sum of ``w Z'a``, where
    ``a_l = sum_c p_c R_cl (slope_l (R_c H)_l - R_c H R_c' / 2)`` and ``slope = F''/F'``. For two categories
    and the logit link ``w a = h (1/2 - p)`` with the leverage h, as Heinze and Schemper have it.
    """
    q = problem.size
    rows, information = _plain_scores(problem, theta), _plain_information(problem, theta)
    fisher = information
    penalty, curved, turned = np.zeros(q), np.zeros((q, q)), np.zeros((q, q, q))
    if problem.prior:
        root = information_root(problem, theta)
        inverse = linalg.solve_triangular(root, np.eye(q))
        fisher, v = root.T @ root, inverse @ inverse.T
        changes = np.zeros((q, q, q))  # dI / dtheta_j
        for part in row_blocks(problem, theta):
            half = part.z @ inverse
            h = half @ half.transpose(0, 2, 1)
            shares = np.einsum("nkq,nk->nq", part.z, pushed(part, h))
            rows[part.rows] += shares
            penalty += part.w @ shares
            curved += sandwich(part, pushed_slope(part, h))
            changes += information_changes(part)
        turned = v @ changes @ v
        curved -= 0.5 * np.einsum("jab,kba->jk", turned, changes)
    hessian = information - curved
    return Derivatives(
        fisher=fisher,
        score=problem.w @ rows,
        penalty=penalty,
        hessian=(hessian + hessian.T) / 2,
        turned=turned,
        rows=rows,
    )


def influence_scores(problem: Problem, theta: Floats, *, fixed_total: bool) -> Floats:
    """Return the derivative of the penalised score by each row's weight, shape (n, q).

    Parameters
    ----------
    problem
        The data.
    theta
        The maximum.
    fixed_total
        Whether weights are scaled to a total that stays when one of them changes.

    Notes
    -----
    ``s_i + Z_i' a_i - c_i`` with ``c_ij = tr(V I_i V dI/dtheta_j) / 2``: a row adds to the score, to the
    penalty's gradient, and to the information from which that gradient is made. Solved by the penalised
    Hessian and times the weight this is the derivative of the estimate by the weight: the infinitesimal
    jackknife (Jaeckel 1972), exact for this estimator.
    """
    found = derivatives(problem, theta)
    rows = found.rows.copy()
    for part in row_blocks(problem, theta):
        for j in range(problem.size):
            spread = part.z @ found.turned[j] @ part.z.transpose(0, 2, 1)
            rows[part.rows, j] -= 0.5 * np.einsum("nkl,nkl->n", part.e, spread)
    if fixed_total:
        rows += found.penalty / problem.w.sum()
    return rows


def score_size(problem: Problem, theta: Floats) -> Floats:
    """Return the size of the score's terms, shape (q,), to which its rounding is proportional.

    The penalty's terms are made of the information's inverse root, and lose digits with its condition.
    """
    found = derivatives(problem, theta)
    plain = _plain_scores(problem, theta)
    weights = problem.w[:, None]
    of_penalty = np.sqrt(((weights * (found.rows - plain)) ** 2).sum(axis=0))
    size = np.sqrt(((weights * plain) ** 2).sum(axis=0)) + np.sqrt(np.linalg.cond(found.fisher)) * of_penalty
    return np.asarray(size, dtype=np.float64)


def _start(problem: Problem) -> Floats:
    theta = search.starting_values(problem.y, problem.w, problem.n_cuts, problem.x.shape[1], problem.link)
    if problem.offset is not None:
        theta[: problem.n_cuts] += np.average(problem.offset, weights=problem.w)
    return theta


def _step(found: Derivatives, held: Floats | None) -> Floats:
    """Return the Newton step, or Fisher scoring's where the Hessian is indefinite."""
    free = np.eye(len(found.score)) if held is None else linalg.null_space(held[None, :])
    score = free.T @ found.score
    try:
        factor = linalg.cho_factor(free.T @ found.hessian @ free)
    except linalg.LinAlgError:
        factor = linalg.cho_factor(free.T @ found.fisher @ free)
    return np.asarray(free @ linalg.cho_solve(factor, score))


def _shortened(problem: Problem, step: Floats) -> Floats:
    """Return a step that moves no linear predictor further than is sensible.

    Where little is known, a whole step may lead to where nothing is, and the criterion is flat.
    """
    m = problem.n_cuts
    along = problem.x @ step[m:]
    furthest = max(np.abs(step[:m] - bound).max() for bound in (along.min(), along.max()))
    return np.asarray(step * min(1.0, MAX_MOVE / furthest))


def _halved(problem: Problem, theta: Floats, step: Floats, value: float) -> tuple[Floats, float] | None:
    """Return the first of step, step/2, … that does not lower the criterion, with its value."""
    for halvings in range(search.MAX_HALVINGS):
        candidate = theta + step / 2.0**halvings
        reached = criterion(problem, candidate)
        if reached > value - 1e-13 * abs(value):  # rounding of a sum of n terms
            return candidate, reached
    return None


def _log_likelihood(problem: Problem, theta: Floats) -> float:
    return likelihood.log_likelihood(
        theta, problem.x, problem.y, problem.w, problem.n_cuts, problem.link, offset=problem.offset
    )


def _plain_scores(problem: Problem, theta: Floats) -> Floats:
    x, y, n_cuts = problem.x, problem.y, problem.n_cuts
    d = likelihood.derivatives(theta, x, y, n_cuts, problem.link, offset=problem.offset)
    return likelihood.row_scores(d, x, y, n_cuts)


def _plain_information(problem: Problem, theta: Floats) -> Floats:
    x, y, n_cuts = problem.x, problem.y, problem.n_cuts
    d = likelihood.derivatives(theta, x, y, n_cuts, problem.link, offset=problem.offset)
    return likelihood.information(d, x, y, problem.w, n_cuts)
