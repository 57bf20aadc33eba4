"""Cumulative-link likelihood under Jeffreys' prior, which keeps separated estimates finite: arrays only.

Symbols as in `likelihood`; further ``m`` = K-1 predictors per row ``eta_k = cut_k - x'b - offset``, ``Z``
(m, q) their derivative by theta, ``R`` (K, m) that of each category's log-probability by eta, ``p`` (K,) the
probabilities, ``E = R' diag(p) R`` a row's expected information on eta, ``I`` = sum of ``w Z' E Z`` and ``V``
its inverse. The criterion is ``log-likelihood + log|I| / 2``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from coprodstats.models import likelihood
from coprodstats.models.likelihood import Estimate
from coprodstats.models.links import Link, log_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Rows at a time: the tensors of a block stay small whatever the sample.
BLOCK = 4096

# Derivative of each link's `pdf_slope`, F''/F'.
_BEND: dict[str, Callable[[Floats], Floats]] = {
    "logit": lambda z: -2.0 * np.exp(-np.abs(z) - 2.0 * np.log1p(np.exp(-np.abs(z)))),
    "probit": lambda z: np.full_like(z, -1.0),
    "cloglog": lambda z: -np.exp(np.minimum(z, 700.0)),
    "loglog": lambda z: -np.exp(np.minimum(-z, 700.0)),
    "cauchit": lambda z: -2.0 * (1.0 - z * z) / (1.0 + z * z) ** 2,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """The data of one penalised fit.

    Attributes
    ----------
    x
        Predictors, standardised for good conditioning, shape (n, p).
    y
        Categories 0 … K-1, shape (n,).
    w
        Positive weights, shape (n,); their scale matters, see `maximise`.
    n_cuts
        K-1.
    link
        The link.
    offset
        Known part of each row's linear predictor, shape (n,), or None.
    """

    x: Floats
    y: Ints
    w: Floats
    n_cuts: int
    link: Link
    offset: Floats | None = None

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.n_cuts + int(self.x.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PenalisedEstimate:
    """The maximum of a penalised likelihood.

    Attributes
    ----------
    estimate
        Where it is, as the kernel gives it: ``loglik`` without the penalty, ``information`` the penalised
        likelihood's (minus its Hessian).
    fisher
        Expected information ``I``, shape (q, q).
    criterion
        The penalised log-likelihood.
    """

    estimate: Estimate
    fisher: Floats
    criterion: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """What a block of rows contributes; shapes start with the rows."""

    rows: slice
    w: Floats
    z: Floats  # (n, m, q)
    p: Floats  # (n, K)
    r: Floats  # (n, K, m)
    e: Floats  # (n, m, m)
    slope: Floats  # (n, m)
    bend: Floats  # (n, m)


def maximise(
    problem: Problem, *, start: Floats | None = None, held: Floats | None = None
) -> PenalisedEstimate:
    """Maximise the log-likelihood plus half the log-determinant of the expected information.

    Parameters
    ----------
    problem
        The data. The penalty weighs as much as it would for ``sum(w)`` independent respondents.
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
    while stalled and iterations < likelihood.MAX_ITERATIONS:
        iterations += 1
        parts = derivatives(problem, theta)
        step = _step(parts, held)
        if np.max(np.abs(step) * np.sqrt(np.diag(parts.fisher))) < likelihood.STEP_TOLERANCE:
            theta, stalled = theta + step, False
            continue
        moved = _halved(problem, theta, step, value)
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
    if not np.isfinite(loglik):
        return -np.inf
    sign, log_det = np.linalg.slogdet(fisher_information(problem, theta))
    return loglik + 0.5 * float(log_det) if sign > 0 else -np.inf


def fisher_information(problem: Problem, theta: Floats) -> Floats:
    """Return the expected information, shape (q, q)."""
    total = np.zeros((problem.size, problem.size))
    for part in _blocks(problem, theta):
        total += _sandwich(part, part.e)
    return (total + total.T) / 2


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
    fisher = fisher_information(problem, theta)
    v = np.linalg.inv(fisher)
    rows = _plain_scores(problem, theta)
    penalty, curved = np.zeros(q), np.zeros((q, q))
    changes = np.zeros((q, q, q))  # dI / dtheta_j
    for part in _blocks(problem, theta):
        h = part.z @ v @ part.z.transpose(0, 2, 1)
        pushed = np.einsum("nkq,nk->nq", part.z, _push(part, h))
        penalty += part.w @ pushed
        rows[part.rows] += pushed
        curved += _sandwich(part, _push_slope(part, h))
        of_e = _information_slopes(part)
        for j in range(q):
            changes[j] += _sandwich(part, np.einsum("nl,nlkh->nkh", part.z[:, :, j], of_e))
    turned = v @ changes @ v
    hessian = _plain_information(problem, theta) - curved + 0.5 * np.einsum("jab,kba->jk", turned, changes)
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
    for part in _blocks(problem, theta):
        for j in range(problem.size):
            spread = part.z @ found.turned[j] @ part.z.transpose(0, 2, 1)
            rows[part.rows, j] -= 0.5 * np.einsum("nkl,nkl->n", part.e, spread)
    if fixed_total:
        rows += found.penalty / problem.w.sum()
    return rows


def score_size(problem: Problem, theta: Floats) -> Floats:
    """Return the size of the score's terms, shape (q,), to which its rounding is proportional.

    The penalty's terms are made of the inverse information, and lose digits with its condition.
    """
    found = derivatives(problem, theta)
    plain = _plain_scores(problem, theta)
    weights = problem.w[:, None]
    of_penalty = np.sqrt(((weights * (found.rows - plain)) ** 2).sum(axis=0))
    size = np.sqrt(((weights * plain) ** 2).sum(axis=0)) + np.linalg.cond(found.fisher) * of_penalty
    return np.asarray(size, dtype=np.float64)


def _start(problem: Problem) -> Floats:
    theta = likelihood.starting_values(problem.y, problem.w, problem.n_cuts, problem.x.shape[1], problem.link)
    if problem.offset is not None:
        theta[: problem.n_cuts] += np.average(problem.offset, weights=problem.w)
    return theta


def _step(found: Derivatives, held: Floats | None) -> Floats:
    """Return the Newton step, or Fisher scoring's where the Hessian is indefinite."""
    try:
        factor = linalg.cho_factor(found.hessian)
    except linalg.LinAlgError:
        factor = linalg.cho_factor(found.fisher)
    step = linalg.cho_solve(factor, found.score)
    if held is not None:
        along = linalg.cho_solve(factor, held)
        step = step - along * (held @ step) / (held @ along)
    return np.asarray(step)


def _halved(problem: Problem, theta: Floats, step: Floats, value: float) -> tuple[Floats, float] | None:
    """Return the first of step, step/2, … that does not lower the criterion, with its value."""
    for halvings in range(likelihood.MAX_HALVINGS):
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


def _blocks(problem: Problem, theta: Floats) -> Iterator[_Rows]:
    m = problem.n_cuts
    for start in range(0, len(problem.x), BLOCK):
        rows = slice(start, start + BLOCK)
        x = problem.x[rows]
        along = x @ theta[m:]
        if problem.offset is not None:
            along = along + problem.offset[rows]
        eta = theta[:m] - along[:, None]
        ends = np.full((len(x), m + 2), np.inf)
        ends[:, 0] = -np.inf
        ends[:, 1:-1] = eta
        log_p = log_interval(problem.link, ends[:, :-1], ends[:, 1:])
        log_f = problem.link.log_pdf(eta)
        k = np.arange(m)
        r = np.zeros((len(x), m + 1, m))
        r[:, k, k] = np.exp(log_f - log_p[:, :-1])
        r[:, k + 1, k] = -np.exp(log_f - log_p[:, 1:])
        p = np.exp(log_p)
        z = np.zeros((len(x), m, problem.size))
        z[:, k, k] = 1.0
        z[:, :, m:] = -x[:, None, :]
        yield _Rows(
            rows=rows,
            w=problem.w[rows],
            z=z,
            p=p,
            r=r,
            e=(r * p[:, :, None]).transpose(0, 2, 1) @ r,
            slope=problem.link.pdf_slope(eta),
            bend=_BEND[problem.link.name](eta),
        )


def _sandwich(part: _Rows, middle: Floats) -> Floats:
    """Return the sum of ``w Z' middle Z`` over rows, shape (q, q)."""
    q = part.z.shape[2]
    right = (middle @ part.z) * part.w[:, None, None]
    return np.asarray(part.z.reshape(-1, q).T @ right.reshape(-1, q))


def _push(part: _Rows, h: Floats) -> Floats:
    """Return ``a``: half the derivative of ``sum(H * E)`` by eta with H fixed, shape (n, m)."""
    rh = part.r @ h
    quadratic = (rh * part.r).sum(axis=2, keepdims=True)
    weighted = part.r * part.p[:, :, None]
    return np.asarray((weighted * (part.slope[:, None, :] * rh - quadratic / 2)).sum(axis=1))


def _push_slope(part: _Rows, h: Floats) -> Floats:
    """Return the derivative of ``a`` by eta with H fixed, shape (n, m, m)."""
    slope, rh = part.slope, part.r @ h
    quadratic = (rh * part.r).sum(axis=2, keepdims=True)
    weighted = part.r * part.p[:, :, None]
    turned = slope[:, None, :]
    own = (weighted * (turned * (turned * rh - quadratic / 2) + part.bend[:, None, :] * rh)).sum(axis=1)
    crossed = slope[:, :, None] * ((weighted * rh).transpose(0, 2, 1) @ part.r)
    found = slope[:, :, None] * slope[:, None, :] * h * part.e - crossed - crossed.transpose(0, 2, 1)
    found += (weighted * quadratic).transpose(0, 2, 1) @ part.r
    k = np.arange(slope.shape[1])
    found[:, k, k] += own
    return np.asarray(found)


def _information_slopes(part: _Rows) -> Floats:
    """Return the derivative of ``E`` by each eta_l, first axis after the rows, shape (n, m, m, m)."""
    m = part.slope.shape[1]
    found = -np.einsum("nc,ncl,nck,nch->nlkh", part.p, part.r, part.r, part.r, optimize=True)
    turned = part.slope[:, :, None] * part.e
    k = np.arange(m)
    found[:, k, k, :] += turned
    found[:, k, :, k] += turned.transpose(1, 0, 2)
    return np.asarray(found)
