"""A model fitted under each set of replicate weights.

Cumulative models (logistic ones among them) are fitted in blocks by exact Newton steps, all replicates of a
block at once (`batched`); other families one by one. Blocks depend on the data alone and are put together in
order, so that the same bits come out whatever the number of jobs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from coprodstats.errors import ConvergenceError, CoprodstatsError, Fault, listed
from coprodstats.models import search
from coprodstats.models.batched import newton, sort_rows
from coprodstats.models.convergence import certificate
from coprodstats.models.fan_out import in_blocks
from coprodstats.models.links import Link
from coprodstats.models.prepare import Prepared
from coprodstats.models.replicate_draws import Failure
from coprodstats.models.search import Estimate

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]
# From a sample, other weights of its rows (n,) and where to start, to the estimates (q,).
Refit = Callable[[Prepared, Floats, Floats | None], Floats]

# Replicates that are fitted at once, fewer if their weights would be more numbers than this: 128 MB for each
# job, and as much again once some of them are done.
BLOCK = 64
BLOCK_NUMBERS = 16_000_000
# Information per respondent, in units of one standard deviation, below which there is no estimate: on
# separated data it is below 1e-16 when the score has vanished.
NO_INFORMATION = 1e-10
NO_MAXIMUM = (
    "the likelihood has no finite maximum: "
    "the outcome is separated, or a column does not vary, or only with others"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReplicateFits:
    """The fits of all replicates.

    Attributes
    ----------
    theta
        Estimates in the coordinates of the fit, shape (R, q); NaN where a replicate failed or does not
        count (its ``rscales`` are 0).
    failures
        The replicates that failed.
    """

    theta: Floats
    failures: tuple[Failure, ...]


def cumulative_replicates(ready: Prepared, start: Floats, *, link: Link) -> ReplicateFits:
    """Return a cumulative model with one slope per column, fitted under each set of replicate weights.

    Parameters
    ----------
    ready
        The sample; its design has replicate weights.
    start
        Estimates under the sampling weights, in the coordinates of ``ready.standard``, shape (q,).
    link
        The link.
    """
    rows = sort_rows(ready.standard, ready.sample.y, len(ready.sample.categories) - 1, ready.offset)
    alone = partial(cumulative_refit, link=link)

    as_given = np.argsort(rows.order)

    def fit(weights: Floats) -> list[Floats | str]:
        theta, found = newton(rows, weights, start, link)
        return [
            theta[r] if found[r] else _attempt(alone, ready, w[as_given], None) for r, w in enumerate(weights)
        ]

    return _fit_all(ready, fit, len(start), rows.order, block_size(len(rows.order)))


def serial_replicates(ready: Prepared, start: Floats, *, refit: Refit) -> ReplicateFits:
    """Return a model of any family, fitted under each set of replicate weights one by one.

    Parameters
    ----------
    ready
        The sample; its design has replicate weights.
    start
        Estimates under the sampling weights, shape (q,).
    refit
        The fit of this family under other weights.
    """

    def fit(weights: Floats) -> list[Floats | str]:
        return [_attempt(refit, ready, w, start) for w in weights]

    n = len(ready.sample.y)
    return _fit_all(ready, fit, len(start), np.arange(n), max(1, block_size(n) // 8))


def cumulative_refit(ready: Prepared, weights: Floats, start: Floats | None, *, link: Link) -> Floats:
    """Return the maximum of a cumulative model under other weights, found with care, shape (q,).

    Parameters
    ----------
    ready
        The sample.
    weights
        Other weights of its rows, on any scale, shape (n,).
    start
        Where to start; None for the fit without predictors.
    link
        The link.

    Raises
    ------
    ConvergenceError
        If these weights give no finite maximum; it says why.
    """
    live = live_rows(ready, weights)
    n_cuts = len(ready.sample.categories) - 1
    w = weights[live] * (live.sum() / weights.sum())
    offset = None if ready.offset is None else ready.offset[live]
    x, y = ready.standard[live], ready.sample.y[live]
    found = search.maximise(x, y, w, n_cuts=n_cuts, link=link, start=start, offset=offset)
    require_maximum(ready, found, float(w.sum()))
    return found.theta


def live_rows(ready: Prepared, weights: Floats) -> Bools:
    """Return which rows have a weight, shape (n,).

    Raises
    ------
    ConvergenceError
        If no weight is left in some category; it names the category.
    """
    categories = ready.sample.categories
    shares = np.bincount(ready.sample.y, weights, minlength=len(categories))
    empty = [categories[k] for k in np.flatnonzero(shares <= 0)]
    if empty:
        found = f"no respondent in category {listed(empty)}"
        raise ConvergenceError(Fault(where=f"model {ready.name!r}", found=found))
    return np.asarray(weights != 0)


def require_maximum(ready: Prepared, found: Estimate, total: float) -> None:
    """Refuse a fit under replicate weights that did not find a finite maximum.

    Raises
    ------
    ConvergenceError
        If the score does not vanish, or the information is singular or vanishes with it.
    """
    q = len(found.theta)
    certified = certificate(found, np.zeros(q), total, np.eye(q))
    if not certified.converged or certified.smallest_eigenvalue < NO_INFORMATION:
        raise ConvergenceError(Fault(where=f"model {ready.name!r}", found=NO_MAXIMUM))


def _attempt(refit: Refit, ready: Prepared, weights: Floats, start: Floats | None) -> Floats | str:
    """Return the estimates under other weights, or why there are none."""
    try:
        return refit(ready, weights, start)
    except CoprodstatsError as error:
        return error.faults[0].found


def block_size(n: int) -> int:
    """Return how many sets of n weights are fitted at once."""
    return int(np.clip(BLOCK_NUMBERS // n, 1, BLOCK))


def _fit_all(
    ready: Prepared,
    fit: Callable[[Floats], list[Floats | str]],
    n_parameters: int,
    order: Ints,
    size: int,
) -> ReplicateFits:
    """Return the fits of all replicates, in blocks; ``fit`` gets the weights (B, n) of rows in an order."""
    replication = ready.bound.replication
    assert replication is not None  # noqa: S101  (the caller has looked)
    used = np.flatnonzero(ready.sample.used)[order]
    counted = np.flatnonzero(replication.rscales > 0)

    def work(block: Ints) -> list[Floats | str]:
        return fit(np.take(replication.weights.T[block], used, axis=1))

    theta = np.full((replication.n_replicates, n_parameters), np.nan)
    failures = []
    blocks = (counted[a : a + size] for a in range(0, len(counted), size))
    results = in_blocks(work, blocks, len(counted))
    for r, found in zip(counted, results, strict=True):
        if isinstance(found, str):
            failures.append(Failure(name=replication.names[r], reason=found))
        else:
            theta[r] = found
    return ReplicateFits(theta=theta, failures=tuple(failures))
