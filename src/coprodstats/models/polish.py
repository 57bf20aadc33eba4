"""The maximum of a cumulative-link likelihood settled beyond the digits of a double.

A fit in doubles ends near the maximum, at a point whose last digits depend on the order of rows, the BLAS
library and its threads. Newton's method goes on with the information of the fit (iterative refinement): with
scores in doubles to within a part of a grid, then with one of twice the digits, at the point of the grid
that is nearest to the maximum and so the same for all orders. What is left then is far below the last bit.
Information and scores are taken there, from sums that don't depend on the order of rows
(`coprodstats.survey.products`); it is so near that what its rows are made of follows from the last score's.

Symbols are those of `coprodstats.models.likelihood`; data are in blocks of one category.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from coprodstats.models import double_double as dd
from coprodstats.models.blocks import Places, Rows
from coprodstats.models.double_double import Pair
from coprodstats.models.evaluation import gradient
from coprodstats.models.exact_rows import LARGEST_CUT
from coprodstats.models.exact_sums import Workplace, derived_at, exact_information, exact_score
from coprodstats.models.links import Link
from coprodstats.models.pair_matrices import inverse, product, transposed
from coprodstats.models.scores import CumulativeScores, GroupWeights
from coprodstats.models.search import Estimate
from coprodstats.survey.lines import power_above

Floats = NDArray[np.float64]
Factor = tuple[Floats, bool]  # of scipy.linalg.cho_factor

# The last score is taken at a multiple of about so many standard errors, the one nearest to the maximum: the
# same under all orders of rows. The square of what is left to go is far less than moves the last bit.
GRID = 2.0**-36
# Scores in doubles lead to within this share of the grid, so that one with twice the digits mostly does.
WITHIN = 2.0**-4
# How exact the information is to be, relative to it.
INFORMATION = 3e-16
MOST_STEPS = 4
# How often the information is taken at most: again with steps by what was found first.
MOST_ROUNDS = 2
# A change of the information by less, relative to it, may be that of its rounding.
ROUNDED = 1e-11
# A fit that is further from the maximum has not converged, or its rows are beyond the range of doubles.
LARGE_STEP = 1e-5
# What the rounding of predictors is taken to do to estimates: three units in the last place.
ROUNDING = 3 * 2.0**-53


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settled:
    """A maximum with twice the digits, and what is computed there.

    Attributes
    ----------
    theta
        Thresholds, then slopes, shape (q,).
    information, naive
        Minus the Hessian, and its inverse, shape (q, q).
    residual, above, below
        Derivatives of each row, weighted; see `coprodstats.models.scores.CumulativeScores`, shape (n,).
    error
        Bound on the error of ``theta`` in standard errors (those of the inverse information).
    loglik
        Log-likelihood, in doubles.
    """

    theta: Pair
    information: Pair
    naive: Pair
    residual: Floats
    above: Floats
    below: Floats
    error: float
    loglik: float

    def estimate(self, near: Estimate) -> Estimate:
        """Return the maximum rounded to doubles, and what else the fit ``near`` it tells of the search."""
        return replace(
            near,
            theta=dd.rounded(self.theta),
            loglik=self.loglik,
            information=dd.rounded(self.information),
            iterations=near.iterations + 1,
            last_step=np.zeros_like(near.theta),
            decrement=self.error**2,
        )

    def scores(
        self,
        rows: Rows,
        places: Places,
        weights: Floats,
        by_unit: GroupWeights | None = None,
        *,
        scale: float = 1.0,
    ) -> CumulativeScores:
        """Return the scores of respondents, whose weights, shape (n,), are multiplied by a scale."""
        return CumulativeScores(
            rows=rows,
            residual=self.residual,
            above=self.above,
            below=self.below,
            places=places,
            weights=weights,
            scale=scale,
            by_unit=by_unit,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reported:
    """A settled maximum in the parameters that are reported.

    Attributes
    ----------
    estimates
        Estimates, shape (q,).
    parts
        Matrix from scores to influences with twice the digits, shape (q, q).
    carry
        Matrix from the fit's own parameters to the reported ones, likewise.
    digits
        Correct significant digits of the least exact estimate.
    """

    estimates: Floats
    parts: Pair
    carry: Pair
    digits: int

    @property
    def bread(self) -> Floats:
        """Matrix from scores to influences, shape (q, q)."""
        return dd.rounded(self.parts)

    @property
    def naive(self) -> Floats:
        """Inverse information, shape (q, q)."""
        return dd.rounded(product(self.parts, transposed(self.carry)))


def near_enough(size: float, bend: float) -> bool:
    """Return whether `settle` may take over from a search that is a step of some size from the maximum.

    Parameters
    ----------
    size
        The next step's largest component, in standard errors.
    bend
        About by how much one of that size 1 changes the information, relative to it.
    """
    return bend**2 * size * GRID < INFORMATION


def settle(rows: Rows, link: Link, near: Estimate) -> Settled | None:
    """Return the maximum near a fit in doubles.

    Parameters
    ----------
    rows
        The data.
    link
        The link.
    near
        The fit, a small step from the maximum (`near_enough`).

    Returns
    -------
    Settled or None
        None if the fit is not near a maximum, or rows of it are beyond the range of doubles.

    Notes
    -----
    A score of error e gives estimates of error ``information^-1 e``; the error of the information only slows
    Newton's steps down (Higham 2002, *Accuracy and Stability of Numerical Algorithms*, ch. 12). That of the
    fit serves for all steps but the last, which is taken twice: first with it, to where the information of
    the maximum is to all digits; then with that. If the two differ by too much for that, both are taken anew.
    """
    if link.name == "logit" and np.abs(near.theta[: rows.n_cuts]).max() > LARGEST_CUT:
        return None
    try:
        factor = linalg.cho_factor(near.information)
        with Workplace.of(rows, link) as place:
            return _settled(place, near, factor)
    except linalg.LinAlgError:  # no maximum
        return None


def _settled(place: Workplace, near: Estimate, factor: Factor) -> Settled | None:
    """Return the maximum near a fit, whose information is factored; see `settle`."""
    rows, link = place.rows, place.link
    scale, bend = np.sqrt(np.diag(near.information)), near.bend if near.bend > 0 else 1.0
    grid = power_above(GRID / scale)
    closer, gain = _closer(near, bend, factor, rows, link)
    nearest = np.rint(closer / grid) * grid
    kept, above, below = np.empty(len(rows.w)), np.zeros(len(rows.w)), np.zeros(len(rows.w))
    for _ in range(MOST_ROUNDS):
        found = _nearest_score(place, factor, nearest, grid, scale, kept)
        if found is None:
            return None
        base, score, step = found
        cuts = slice(rows.n_cuts)
        derive = derived_at(dd.two_sum(base[cuts], step[cuts]), step[cuts], link)
        information = exact_information(place, derive, step[rows.n_cuts :], kept, above, below)
        naive = inverse(information)
        last = naive[0] @ dd.rounded(score)  # so small that doubles hold it
        # Where the step was not that of the maximum's own information, rows are a little beside it.
        bend = max(bend, _bend(near, dd.rounded(information), factor, base, scale))
        if bend * float(np.abs((last - step) * scale).max()) < INFORMATION:
            break
        factor, nearest = linalg.cho_factor(dd.rounded(information)), base
    return Settled(
        theta=dd.two_sum(base, last),
        information=information,
        naive=naive,
        residual=kept,
        above=above,
        below=below,
        error=bend * float(np.abs(step * scale).max()) ** 2 + 2.0**-60,
        loglik=near.loglik + gain,
    )


def _nearest_score(
    place: Workplace, factor: Factor, nearest: Floats, grid: Floats, scale: Floats, kept: Floats
) -> tuple[Floats, Pair, Floats] | None:
    """Return the point of the grid nearest to the maximum, the score there and the step that is left.

    None if it is far off.
    """
    base, score, step = nearest, dd.pair(nearest), nearest
    for _ in range(MOST_STEPS):
        base = nearest
        with np.errstate(over="ignore", invalid="ignore"):  # what is no number is no small step
            score = exact_score(base, place, kept)
        step = linalg.cho_solve(factor, dd.rounded(score), check_finite=False)
        if not float(np.abs(step * scale).max()) < LARGE_STEP:
            return None
        nearest = np.rint((base + step) / grid) * grid
        if np.array_equal(nearest, base):
            break
    return base, score, step


def _bend(near: Estimate, information: Floats, factor: Factor, base: Floats, scale: Floats) -> float:
    """Return by how much a step of one standard error changes the information, relative to it.

    As seen between a fit, whose information is factored, and a point; 0 if they are too close to tell.
    """
    size = float(np.abs((base - near.theta) * scale).max())
    change = linalg.cho_solve(factor, information - near.information, check_finite=False)
    relative = float(np.sqrt(np.abs(np.trace(change @ change))))  # Frobenius' norm of the whitened change
    return relative / size if relative > ROUNDED and size > 0 else 0.0


def _closer(near: Estimate, bend: float, factor: Factor, rows: Rows, link: Link) -> tuple[Floats, float]:
    """Return a point well within the grid from the maximum, by steps with the information of a fit.

    And by how much the likelihood is higher there than at the fit: along the fit's next step s its slope is
    s' score at both ends, and its curvature at the first -s' information s, whose value is the slope there.
    Of the polynomial with these the integral is half the first slope and a third of the second.
    """
    begin = theta = near.theta + near.last_step
    gain = near.decrement / 2
    size = float(np.abs(near.last_step * np.sqrt(np.diag(near.information))).max())
    left = bend * size**2
    while near_enough(size, bend) and WITHIN * GRID < left < size:
        score = gradient(theta, rows, link)
        if theta is begin:
            gain += float(near.last_step @ score) / 3
        theta = theta + linalg.cho_solve(factor, score, check_finite=False)
        left *= bend * size
    return theta, gain


def reported(found: Settled, centre: Floats, turn: Floats, to_reported: Floats) -> Reported:
    """Return a settled maximum in the parameters that are reported.

    Parameters
    ----------
    found
        The maximum, of the predictors ``(x - centre) turn``.
    centre, turn
        What made them, shapes (p,) and (p, p).
    to_reported
        Matrix from thresholds and slopes of ``x`` to the reported parameters, which reorders them and changes
        signs, shape (q, q).

    Notes
    -----
    The predictors themselves are rounded: as if each had another last bit, which moves an estimate by a few
    units in the last place of itself or of its standard error.
    """
    q, p = len(found.theta[0]), len(centre)
    to_raw = dd.pair(np.eye(q))
    to_raw[0][: q - p, q - p :], to_raw[1][: q - p, q - p :] = _shift(centre, turn)
    to_raw[0][q - p :, q - p :] = turn
    carry = to_reported @ to_raw[0], to_reported @ to_raw[1]
    naive = found.naive
    both = [np.column_stack(part) for part in zip(naive, found.theta, strict=True)]
    high, low = product(carry, (both[0], both[1]))
    estimates = high[:, q] + low[:, q]
    errors = np.sqrt(np.diag(naive[0]))
    rounding = ROUNDING * (np.abs(found.theta[0]) + errors)
    error = np.abs(carry[0]) @ (rounding + found.error * errors)
    relative = np.max(error / np.maximum(np.abs(estimates), np.finfo(float).tiny))
    return Reported(
        estimates=estimates,
        parts=(high[:, :q], low[:, :q]),
        carry=carry,
        digits=int(np.clip(np.floor(-np.log10(relative)), 0, 15)),
    )


def _shift(centre: Floats, turn: Floats) -> Pair:
    """Return centre turn, shape (p,)."""
    scales = np.diag(turn)
    if np.array_equal(turn, np.diag(scales)):  # predictors are not turned
        return dd.multiply(dd.pair(centre), dd.pair(scales))
    high, low = product(dd.pair(centre[None, :]), dd.pair(turn))
    return high[0], low[0]
