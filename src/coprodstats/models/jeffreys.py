"""The expected information of cumulative-link models and its derivatives, row by row: arrays only.

Symbols as in `likelihood`; further ``m`` = K-1 predictors per row ``eta_k = cut_k - x'b - offset``, ``Z``
(m, q) their derivative by theta, ``R`` (K, m) that of each category's log-probability by eta, ``p`` (K,) the
probabilities, ``slope`` = F''/F' at eta, and ``E = R' diag(p) R`` a row's expected information on eta.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from coprodstats.models.links import Link, log_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Numbers in the largest tensor of a block of rows, (n, m, m, q, q), whatever the sample.
BLOCK_NUMBERS = 1_000_000

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
    """The data of one fit.

    Attributes
    ----------
    x
        Predictors, standardised for good conditioning, shape (n, p).
    y
        Categories 0 … K-1, shape (n,).
    w
        Positive weights, shape (n,); the prior weighs as much as it would for ``sum(w)`` respondents.
    n_cuts
        K-1.
    link
        The link.
    offset
        Known part of each row's linear predictor, shape (n,), or None.
    prior
        Whether Jeffreys' prior weighs in.
    """

    x: Floats
    y: Ints
    w: Floats
    n_cuts: int
    link: Link
    offset: Floats | None = None
    prior: bool = True

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.n_cuts + int(self.x.shape[1])

    @property
    def block(self) -> int:
        """Rows that are handled at a time."""
        return max(16, BLOCK_NUMBERS // (self.n_cuts * self.size) ** 2)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowBlock:
    """What a block of n rows contributes to the expected information.

    Attributes
    ----------
    rows
        Which rows.
    w
        Their weights, shape (n,).
    z, p, r, e
        ``Z`` (n, m, q), ``p`` (n, K), ``R`` (n, K, m) and ``E`` (n, m, m).
    slope, bend
        F''/F' at eta and its derivative, shape (n, m).
    """

    rows: slice
    w: Floats
    z: Floats
    p: Floats
    r: Floats
    e: Floats
    slope: Floats
    bend: Floats


def row_blocks(problem: Problem, theta: Floats) -> Iterator[RowBlock]:
    """Yield what blocks of rows contribute at one theta."""
    m = problem.n_cuts
    for start in range(0, len(problem.x), problem.block):
        rows = slice(start, start + problem.block)
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
        yield RowBlock(
            rows=rows,
            w=problem.w[rows],
            z=z,
            p=p,
            r=r,
            e=(r * p[:, :, None]).transpose(0, 2, 1) @ r,
            slope=problem.link.pdf_slope(eta),
            bend=_BEND[problem.link.name](eta),
        )


def information_root(problem: Problem, theta: Floats) -> Floats:
    """Return the upper triangle whose square is the expected information, shape (q, q).

    Made of the rows themselves by orthogonal steps: where the outcome is separated, squares would have lost
    the digits in which the information differs from none.
    """
    root = np.zeros((0, problem.size))
    for part in row_blocks(problem, theta):
        weighted = part.r * np.sqrt(part.w[:, None] * part.p)[:, :, None]
        rows = (weighted @ part.z).reshape(-1, problem.size)
        root = linalg.qr(np.vstack([root, rows]), mode="r")[0][: problem.size]
    return root


def sandwich(part: RowBlock, middle: Floats) -> Floats:
    """Return the sum of ``w Z' middle Z`` over rows, shape (q, q)."""
    q = part.z.shape[2]
    right = (middle @ part.z) * part.w[:, None, None]
    return np.asarray(part.z.reshape(-1, q).T @ right.reshape(-1, q))


def pushed(part: RowBlock, h: Floats) -> Floats:
    """Return ``a``: half the derivative of ``sum(H * E)`` by eta with H fixed, shape (n, m)."""
    rh = part.r @ h
    quadratic = (rh * part.r).sum(axis=2, keepdims=True)
    weighted = part.r * part.p[:, :, None]
    return np.asarray((weighted * (part.slope[:, None, :] * rh - quadratic / 2)).sum(axis=1))


def pushed_slope(part: RowBlock, h: Floats) -> Floats:
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


def information_changes(part: RowBlock) -> Floats:
    """Return the derivative of the sum of ``w Z' E Z`` over rows by each theta_j, shape (q, q, q)."""
    z, q = part.z, part.z.shape[2]
    right = information_slopes(part) @ z[:, None] * part.w[:, None, None, None]
    pairs = z[:, :, None, :, None] * z[:, None, :, None, :]
    return np.asarray((pairs.reshape(-1, q * q).T @ right.reshape(-1, q)).reshape(q, q, q))


def information_slopes(part: RowBlock) -> Floats:
    """Return the derivative of ``E`` by each eta_l, first axis after the rows, shape (n, m, m, m)."""
    m = part.slope.shape[1]
    found = -np.einsum("nc,ncl,nck,nch->nlkh", part.p, part.r, part.r, part.r, optimize=True)
    turned = part.slope[:, :, None] * part.e
    k = np.arange(m)
    found[:, k, k, :] += turned
    found[:, k, :, k] += turned.transpose(1, 0, 2)
    return np.asarray(found)
