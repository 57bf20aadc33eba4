"""Many weighted maxima of one cumulative-link likelihood at once, by Newton's method: arrays only.

Symbols as in `likelihood`; B sets of weights (a block of replicates) are fitted together. Rows are sorted by
category, so that each row's interval is known by its position, and products of predictors ``x_i x_i'`` are
laid out as rows of length p(p+1)/2, so that one matrix product gives the Hessians of all B. Nothing of shape
(B, n, p) is ever made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coprodstats.models.interval_sums import Sums, interval_sums, log_probabilities
from coprodstats.models.links import Link
from coprodstats.models.search import NEGLIGIBLE, SINGULAR
from coprodstats.survey.lines import working

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

# A Newton step of this many standard errors leaves an error of about its square: below rounding.
STEP_TOLERANCE = 1e-7
# Newton's steps shrink quadratically. On separated data each is at least exp(-1/2) = 0.61 of the one before.
SHRINKING = 0.5
MAX_ITERATIONS = 25
# Rows at a time: four arrays of shape (B, ROWS) stay in the processor's cache.
ROWS = 512
# Products of predictors are kept if they are no more numbers than this (128 MB), else made when needed.
KEPT_PRODUCTS = 16_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SortedRows:
    """The data of a cumulative-link model, sorted by category.

    Attributes
    ----------
    order
        Position of each row in the data as given, shape (n,).
    x
        Predictors with a first column of ones, shape (n, 1+p).
    offset
        Known part of the linear predictor, shape (n,), or None.
    starts
        First row of each category, and n, shape (K+1,).
    left, right
        Columns of ``x`` whose products make the Hessian of the slopes, shape (p(p+1)/2,) each.
    products
        Those products, shape (n, p(p+1)/2), or None where they would take too much memory.
    """

    order: Ints
    x: Floats
    offset: Floats | None
    starts: Ints
    left: Ints
    right: Ints
    products: Floats | None

    @property
    def n_cuts(self) -> int:
        """Number of thresholds, K-1."""
        return len(self.starts) - 2

    def pieces(self) -> Iterator[tuple[int, slice]]:
        """Yield (category, rows) for pieces of at most ``ROWS`` rows of one category."""
        for k in range(self.n_cuts + 1):
            for start in range(self.starts[k], self.starts[k + 1], ROWS):
                yield k, slice(start, min(start + ROWS, int(self.starts[k + 1])))

    def products_of(self, rows: slice) -> Floats:
        """Return the products of predictors in some rows, shape (rows, p(p+1)/2)."""
        if self.products is not None:
            return self.products[rows]
        x = self.x[rows]
        return x[:, self.left] * x[:, self.right]


def sort_rows(x: Floats, y: Ints, n_cuts: int, offset: Floats | None = None) -> SortedRows:
    """Return data sorted by category, for `newton` and `log_likelihoods`.

    Parameters
    ----------
    x
        Predictors without an intercept, shape (n, p).
    y
        Categories 0 … K-1, shape (n,).
    n_cuts
        K-1.
    offset
        Known part of the linear predictor, shape (n,).
    """
    n, p = x.shape
    order = np.argsort(y, kind="stable")
    sorted_x = np.hstack([np.ones((n, 1)), x[order]])
    left, right = (index + 1 for index in np.triu_indices(p))
    few = n * len(left) <= KEPT_PRODUCTS
    return SortedRows(
        order=order,
        x=sorted_x,
        offset=None if offset is None else offset[order],
        starts=np.searchsorted(y[order], np.arange(n_cuts + 2)),
        left=left,
        right=right,
        products=sorted_x[:, left] * sorted_x[:, right] if few else None,
    )


def newton(rows: SortedRows, w: Floats, start: Floats, link: Link) -> tuple[Floats, Bools]:
    """Maximise a weighted log-likelihood under each of many sets of weights.

    Parameters
    ----------
    rows
        The data.
    w
        Weights in the order of ``rows``, shape (B, n).
    start
        Where all begin, such as the maximum under the sampling weights, shape (K-1+p,).
    link
        The link.

    Returns
    -------
    theta : numpy.ndarray
        The maxima, shape (B, K-1+p).
    found : numpy.ndarray
        Which of them were found, shape (B,). The others want a fit of their own: their information was not
        positive definite, their thresholds crossed or their steps did not shrink.

    Notes
    -----
    Full Newton steps, each set of weights leaving when its own step is small. A maximum is told by a
    positive definite information and steps that shrink to nothing; the likelihood itself is not computed.
    Where steps show that it will do, the last one takes the information of the one before.
    """
    n_cuts = rows.n_cuts
    theta = np.tile(start, (len(w), 1))
    found = np.zeros(len(w), dtype=bool)
    active = np.arange(len(w))
    size = np.full(len(w), np.inf)
    for iteration in range(MAX_ITERATIONS):
        # At first all are at the same place: what depends on it alone is computed once.
        here = start[None, :] if iteration == 0 else theta[active]
        score, information = totals(rows, w, here, link)
        step, length = _steps(score, information)
        moved = theta[active] + step
        sound = (length < SHRINKING * size) & (np.diff(moved[:, :n_cuts], axis=1) > 0).all(axis=1)
        theta[active[sound]] = moved[sound]
        done = sound & (length < STEP_TOLERANCE)
        if iteration > 0:  # quadratic convergence: the next step is of about length (length / size)^2
            done |= sound & (length**3 < NEGLIGIBLE * size**2)
            last = np.flatnonzero(sound & ~done & (2 * length**5 < NEGLIGIBLE * size**4))
            at, shrunk = active[last], (length[last] / size[last]) ** 2
            theta[at], done[last] = _last_step(rows, w[last], theta[at], information[last], shrunk, link)
        found[active[done]] = True
        going = sound & ~done
        if not going.any():
            break
        if not going.all():
            w = w[going]
        active, size = active[going], length[going]
    return theta, found


def _last_step(
    rows: SortedRows, w: Floats, theta: Floats, information: Floats, shrunk: Floats, link: Link
) -> tuple[Floats, Bools]:
    """Return where a step leads that takes the information of the place before, and which are there.

    That information is wrong by about twice the step since then, so that such a step leaves an error of about
    ``2 shrunk`` times its length, the square of how much the last step was shorter than the one before.
    """
    if len(w) == 0:
        return theta, np.zeros(0, dtype=bool)
    step, length = _steps(scores(rows, w, theta, link), information)
    return theta + step, 2 * shrunk * length < NEGLIGIBLE


def _steps(score: Floats, information: Floats) -> tuple[Floats, Floats]:
    """Return Newton steps (B, q) and their lengths in standard errors (B,), infinite where there is none."""
    length = np.full(len(score), np.inf)
    step = np.zeros_like(score)
    usable = np.flatnonzero(np.isfinite(score).all(axis=1) & np.isfinite(information).all(axis=(1, 2)))
    usable = usable[_positive(information[usable])]
    step[usable] = np.linalg.solve(information[usable], score[usable][:, :, None])[:, :, 0]
    curvature = np.diagonal(information[usable], axis1=1, axis2=2)
    length[usable] = np.max(np.abs(step[usable]) * np.sqrt(curvature), axis=1)
    return step, length


def _positive(information: Floats) -> Bools:
    """Return which matrices are positive definite by more than rounding, shape (B,)."""
    try:
        lower = np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        values = np.linalg.eigvalsh(information)
        return np.asarray(values[:, 0] > SINGULAR * values[:, -1])
    pivots = np.diagonal(lower, axis1=1, axis2=2) ** 2
    return np.asarray(np.min(pivots / np.diagonal(information, axis1=1, axis2=2), axis=1) > SINGULAR)


def totals(rows: SortedRows, w: Floats, theta: Floats, link: Link) -> tuple[Floats, Floats]:
    """Return weighted scores (B, q) and observed informations (B, q, q).

    Parameters
    ----------
    rows
        The data.
    w
        Weights, shape (B, n).
    theta
        Where, shape (B, q), or (1, q) for the same place under all weights.
    link
        The link.
    """
    many, n_cuts, p = len(w), rows.n_cuts, rows.x.shape[1] - 1
    score = np.zeros((many, n_cuts + p))
    cuts = np.zeros((many, n_cuts, n_cuts))
    cross = np.zeros((many, n_cuts, 1 + p))
    packed = np.zeros((many, len(rows.left)))
    for k, piece, sums in _sums(rows, w, theta, link):
        x = rows.x[piece]
        _add_score(score, sums, k, n_cuts)
        for above, second in zip(sums.aboves, sums.seconds, strict=True):
            cross[:, k if above else k - 1] += second @ x
        if len(sums.aboves) == 2:
            cuts[:, k - 1, k] -= sums.mixed
        packed -= sums.curved() @ rows.products_of(piece)
    return score, _information(cuts, cross, packed, rows)


def scores(rows: SortedRows, w: Floats, theta: Floats, link: Link) -> Floats:
    """Return weighted scores alone, shape (B, q); see `totals`."""
    score = np.zeros((len(w), theta.shape[1]))
    for k, _, sums in _sums(rows, w, theta, link, curved=False):
        _add_score(score, sums, k, rows.n_cuts)
    return score


def _sums(
    rows: SortedRows, w: Floats, theta: Floats, link: Link, *, curved: bool = True
) -> Iterator[tuple[int, slice, Sums]]:
    """Yield each piece's category, its rows, and what they add to derivatives, which lasts until the next."""
    with working(4, len(w) * ROWS) as memory:
        for k, piece in rows.pieces():
            size = piece.stop - piece.start
            work = memory[:, : len(w) * size].reshape(4, len(w), size)
            eta, low, high = _predictor(rows, piece, k, theta, out=work[3, : len(theta)])
            x = rows.x[piece]
            yield k, piece, interval_sums(link, w[:, piece], eta, low, high, x=x, work=work, curved=curved)


def _add_score(score: Floats, sums: Sums, k: int, n_cuts: int) -> None:
    """Add what rows of category k add to scores."""
    score[:, n_cuts:] -= sums.along[:, 1:]
    for above, first in zip(sums.aboves, sums.firsts, strict=True):
        score[:, k if above else k - 1] += first


def log_likelihoods(rows: SortedRows, w: Floats, theta: Floats, link: Link) -> Floats:
    """Return the weighted log-likelihood of each set of weights at its own parameters, shape (B,).

    Parameters
    ----------
    rows
        The data.
    w
        Weights, shape (B, n).
    theta
        Parameters with thresholds that increase, shape (B, q).
    link
        The link.
    """
    found = np.zeros(len(w))
    for k, piece in rows.pieces():
        found += np.vecdot(w[:, piece], log_probabilities(link, *_predictor(rows, piece, k, theta)))
    return found


def _predictor(
    rows: SortedRows, piece: slice, k: int, theta: Floats, out: Floats | None = None
) -> tuple[Floats, Floats | None, Floats | None]:
    """Return the linear predictors of rows of category k, and the thresholds around it."""
    n_cuts = rows.n_cuts
    eta = np.matmul(theta[:, n_cuts:], rows.x[piece, 1:].T, out=out)
    if rows.offset is not None:
        eta += rows.offset[piece]
    low = theta[:, k - 1 : k] if k > 0 else None
    high = theta[:, k : k + 1] if k < n_cuts else None
    return eta, low, high


def _information(cuts: Floats, cross: Floats, packed: Floats, rows: SortedRows) -> Floats:
    """Return the informations from their parts.

    A row's log-likelihood depends on its ends by u and l; moving both is what an intercept does, so that the
    second derivative by a threshold alone is that along both ends (the first column of ``cross``) less the
    mixed one.
    """
    many, n_cuts, width = cross.shape
    information = np.zeros((many, n_cuts + width - 1, n_cuts + width - 1))
    k = np.arange(n_cuts)
    information[:, k, k] = -cross[:, :, 0] - cuts.sum(axis=1) - cuts.sum(axis=2)
    information[:, :n_cuts, :n_cuts] += cuts + cuts.transpose(0, 2, 1)
    information[:, :n_cuts, n_cuts:] = cross[:, :, 1:]
    information[:, n_cuts:, :n_cuts] = cross[:, :, 1:].transpose(0, 2, 1)
    left, right = rows.left - 1 + n_cuts, rows.right - 1 + n_cuts
    information[:, left, right] = packed
    information[:, right, left] = packed
    return information
