"""One pass over the blocks of a cumulative-link likelihood: its value, score and information at a point.

Symbols are those of `coprodstats.models.likelihood`; sums run over blocks in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coprodstats.models.blocks import Block, Rows, longest_block
from coprodstats.models.links import Link, interval_derivatives
from coprodstats.survey.lines import working
from coprodstats.survey.products import symmetric_products

Floats = NDArray[np.float64]

# Odds are computed from linear predictors up to this size: exp(700) is finite.
MODERATE = 350.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """The weighted log-likelihood at one point, its gradient (q,) and minus its Hessian (q, q)."""

    loglik: float
    score: Floats
    information: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class End:
    """Derivatives of a block's weighted log-likelihood by the threshold above it, or by the one below.

    Attributes
    ----------
    first
        Of each row, by the threshold, less ``shared`` times its weight, shape (m,).
    mixed
        Of each row, by the threshold and the linear predictor, shape (m,).
    shared
        The part of the first derivative that is the same for all rows of unit weight.
    """

    first: Floats
    mixed: Floats
    shared: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Derived:
    """A block's weighted log-likelihood with its derivatives.

    Attributes
    ----------
    loglik
        Its sum.
    ends
        The thresholds of the block, as positions among all, and the derivatives by each: one or two.
    coupling
        Sum of the second derivatives by both thresholds.
    """

    loglik: float
    ends: tuple[tuple[int, End], ...]
    coupling: float = 0.0

    @property
    def residual(self) -> Floats:
        """Minus the derivative by the linear predictor of each row, shape (m,)."""
        (_, one), *others = self.ends
        return one.first + others[0][1].first if others else one.first

    @property
    def curvature(self) -> Floats:
        """Minus the second derivative by the linear predictor of each row, shape (m,)."""
        (_, one), *others = self.ends
        return one.mixed + others[0][1].mixed if others else one.mixed


def evaluate(theta: Floats, rows: Rows, link: Link) -> Evaluation:
    """Return log-likelihood, score and information at one point.

    Parameters
    ----------
    theta
        Thresholds, then slopes, shape (K-1+p,).
    rows
        The data.
    link
        The link.

    Returns
    -------
    Evaluation
        Where thresholds are not increasing, a log-likelihood of -inf and no derivatives.
    """
    n_cuts, p = rows.n_cuts, len(rows.x)
    score, info = np.zeros(n_cuts + p), np.zeros((n_cuts + p, n_cuts + p))
    if np.any(np.diff(theta[:n_cuts]) <= 0):
        return Evaluation(loglik=-np.inf, score=score * np.nan, information=info * np.nan)
    loglik = 0.0
    with working(p + 3, longest_block(rows)) as work:
        for block, d in derived_blocks(theta, rows, link):
            x, w = rows.x[:, block.rows], rows.w[block.rows]
            products = _products(d, x, work)
            loglik += d.loglik
            score[n_cuts:] -= products[p]
            info[n_cuts:, n_cuts:] += products[:p]
            for (cut, end), by_slope in zip(d.ends, products[p + 1 :], strict=True):
                score[cut] += end.first.sum()
                if end.shared:
                    score[cut] += end.shared * w.sum()
                info[cut, cut] += end.mixed.sum() + d.coupling
                info[cut, n_cuts:] -= by_slope
            if len(d.ends) > 1:
                k = block.category
                info[k - 1, k] -= d.coupling
                info[k, k - 1] -= d.coupling
    info[n_cuts:, :n_cuts] = info[:n_cuts, n_cuts:].T
    return Evaluation(loglik=loglik, score=score, information=info)


def gradient(theta: Floats, rows: Rows, link: Link) -> Floats:
    """Return the score at one point, shape (q,); see `evaluate`."""
    n_cuts = rows.n_cuts
    score = np.zeros(n_cuts + len(rows.x))
    for block, d in derived_blocks(theta, rows, link, value=False):
        score[n_cuts:] -= rows.x[:, block.rows] @ d.residual
        for cut, end in d.ends:
            score[cut] += end.first.sum()
            if end.shared:
                score[cut] += end.shared * rows.w[block.rows].sum()
    return score


def _products(d: Derived, x: Floats, work: Floats) -> Floats:
    """Return x diag(curvature) x', then the products of x with residual and mixed derivatives, by line."""
    p, m = x.shape
    left = work[: p + 1 + len(d.ends), :m]
    np.multiply(x, d.curvature, out=left[:p])
    left[p] = d.residual
    for line, (_, end) in zip(left[p + 1 :], d.ends, strict=True):
        line[:] = end.mixed
    return symmetric_products(left, x)


def derived_blocks(
    theta: Floats, rows: Rows, link: Link, *, value: bool = True
) -> Iterator[tuple[Block, Derived]]:
    """Yield each block with its log-likelihood and derivatives at one point; see `evaluate`.

    Without ``value`` the log-likelihood may be left out: NaN.
    """
    cuts, slopes = theta[: rows.n_cuts], theta[rows.n_cuts :]
    plain = link.name == "logit" and bool(np.abs(cuts).max() < MODERATE)
    known = rows.offset is None and rows.bounds is not None
    moderate = known and bool(np.abs(slopes) @ rows.bounds < MODERATE)
    for block in rows.blocks:
        eta = slopes @ rows.x[:, block.rows]
        if rows.offset is not None:
            eta += rows.offset[block.rows]
        w = rows.w[block.rows]
        if plain and (moderate or (eta.max() < MODERATE and eta.min() > -MODERATE)):
            yield block, _logit(eta, w, block.category, cuts, value=value)
        else:
            yield block, _general(eta, w, block.category, cuts, link)


def _logit(eta: Floats, w: Floats, k: int, cuts: Floats, *, value: bool) -> Derived:
    """Return the derivatives for the logistic distribution, with one exponential and one logarithm by row.

    Notes
    -----
    P = F(u) - F(l) = F(u) (1 - F(l)) (1 - exp(l - u)), and u - l is the distance d of the thresholds, so that
    log P is the sum of two binary log-likelihoods and log(1 - exp(-d)). Its derivatives are 1 - F(u) + g and
    -F(l) - g with g = 1 / (exp(d) - 1), and the mixed one is g (1 + g). All is made of sums and products
    of positive numbers: nothing cancels in either tail.
    """
    odds = np.exp(eta, out=eta)
    last = len(cuts)
    if k in (0, last):
        against = odds * np.exp(-cuts[0]) if k == 0 else np.exp(cuts[-1]) / odds
        loglik = -float(w @ np.log1p(against)) if value else np.nan
        first, mixed = _one_end(against, w)
        end = End(first=first if k == 0 else np.negative(first, out=first), mixed=mixed)
        return Derived(loglik=loglik, ends=((0 if k == 0 else last - 1, end),))
    gap, total = cuts[k] - cuts[k - 1], float(w.sum())
    shared = float(1.0 / np.expm1(gap))
    above = odds * np.exp(-cuts[k])  # (1 - F(u)) / F(u)
    below = np.exp(cuts[k - 1]) / odds  # F(l) / (1 - F(l))
    loglik = np.nan
    if value:
        excess = above + below
        excess += np.exp(-gap)  # the product of both: of 1 / (F(u) (1 - F(l))) over 1
        loglik = total * np.log(-np.expm1(-gap)) - w @ np.log1p(excess, out=excess)
    upper, mixed_upper = _one_end(above, w)
    lower, mixed_lower = _one_end(below, w)
    return Derived(
        loglik=float(loglik),
        ends=(
            (k - 1, End(first=np.negative(lower, out=lower), mixed=mixed_lower, shared=-shared)),
            (k, End(first=upper, mixed=mixed_upper, shared=shared)),
        ),
        coupling=total * shared * (1.0 + shared),
    )


def _one_end(against: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Return the weighted probability of a side, of its odds, and that times the one of the other side."""
    inside = against + 1.0
    np.divide(1.0, inside, out=inside)
    against *= w
    against *= inside
    inside *= against
    return against, inside


def _general(eta: Floats, w: Floats, k: int, cuts: Floats, link: Link) -> Derived:
    lower = cuts[k - 1] - eta if k > 0 else np.full_like(eta, -np.inf)
    upper = cuts[k] - eta if k < len(cuts) else np.full_like(eta, np.inf)
    d = interval_derivatives(link, lower, upper)
    both = w * d.upper_lower
    below = (k - 1, End(first=w * d.lower, mixed=-(w * d.lower_lower + both)))
    above = (k, End(first=w * d.upper, mixed=-(w * d.upper_upper + both)))
    return Derived(
        loglik=float(w @ d.log_p),
        ends=(below,) * (k > 0) + (above,) * (k < len(cuts)),
        coupling=float(both.sum()),
    )
