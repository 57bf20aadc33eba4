"""What the categories of an outcome say of K-1 linear predictors, one record per model of ordered categories.

Symbols: ``eta`` (n, m) linear predictors with m = K-1, ``F`` the link's distribution function. In each model
``eta_k = threshold_k - x'b_k - offset`` speaks for the *lower* side of the split ``k | k+1``:

* cumulative: ``P(Y <= k) = F(eta_k)``;
* adjacent categories: ``P(Y = k) / P(Y = k+1) = exp(eta_k)``;
* continuation ratio: ``P(Y = k | Y >= k) = F(eta_k)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from coprodstats.models.links import LINKS, Link, log_interval
from coprodstats.models.responses import Response, cumulative
from coprodstats.models.search import starting_values

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowDerivatives:
    """Log-probability of each row's category with its derivatives by the linear predictors.

    Attributes
    ----------
    log_p
        Log-probability, -inf where there is none, shape (n,).
    gradient, curvature
        First and second derivatives, shape (n, m) and (n, m, m).
    """

    log_p: Floats
    gradient: Floats
    curvature: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CategoryModel:
    """One model of ordered categories.

    Attributes
    ----------
    name
        What kind it is.
    link
        The link.
    response
        From linear predictors to the probability of each category.
    rows
        From the linear predictors of rows that are in one category, and that category, to derivatives.
    cone
        From a category and m to the combinations of predictors, shape (any, m), which a direction must not
        lower if the likelihood of a row in that category is not to fall along it, however far one goes.
    start
        From categories and weights to thresholds that fit the weighted shares, about.
    """

    name: str
    link: Link
    response: Response
    rows: Callable[[Floats, int], RowDerivatives]
    cone: Callable[[int, int], Floats]
    start: Callable[[Ints, Floats], Floats]


def cumulative_model(link: Link) -> CategoryModel:
    """Return the cumulative model, P(Y <= k) = F(eta_k); its predictors must increase with k."""

    def rows(eta: Floats, category: int) -> RowDerivatives:
        n, m = eta.shape
        lower = eta[:, category - 1] if category > 0 else np.full(n, -np.inf)
        upper = eta[:, category] if category < m else np.full(n, np.inf)
        gradient, curvature = np.zeros((n, m)), np.zeros((n, m, m))
        inside = lower < upper
        if not inside.all():  # no probability, and no derivative: such predictors are stepped back from
            return RowDerivatives(
                log_p=np.where(inside, 0.0, -np.inf), gradient=gradient, curvature=curvature
            )
        log_p = log_interval(link, lower, upper)
        if category < m:
            up = np.exp(link.log_pdf(upper) - log_p)
            gradient[:, category] = up
            curvature[:, category, category] = up * (link.pdf_slope(upper) - up)
        if category > 0:
            down = -np.exp(link.log_pdf(lower) - log_p)
            gradient[:, category - 1] = down
            curvature[:, category - 1, category - 1] = down * (link.pdf_slope(lower) - down)
        if 0 < category < m:
            mixed = -up * down
            curvature[:, category, category - 1] = curvature[:, category - 1, category] = mixed
        return RowDerivatives(log_p=log_p, gradient=gradient, curvature=curvature)

    def cone(category: int, m: int) -> Floats:
        unit = np.eye(m)
        return np.vstack([unit[category : category + 1], -unit[max(category - 1, 0) : category]])

    def start(y: Ints, w: Floats) -> Floats:
        return starting_values(y, w, int(y.max()), 0, link)

    return CategoryModel(
        name="cumulative", link=link, response=cumulative(link), rows=rows, cone=cone, start=start
    )


def adjacent_model() -> CategoryModel:
    """Return the adjacent-category logit, log P(Y = k) - log P(Y = k+1) = eta_k."""

    def rows(eta: Floats, category: int) -> RowDerivatives:
        n, m = eta.shape
        relative = np.zeros((n, m + 1))  # to the highest category
        relative[:, :m] = np.cumsum(eta[:, ::-1], axis=1)[:, ::-1]
        log_all = relative - logsumexp(relative, axis=1, keepdims=True)
        p = np.exp(log_all)
        below = np.cumsum(p, axis=1)[:, :m]
        above = np.cumsum(p[:, ::-1], axis=1)[:, ::-1][:, 1:]
        k = np.arange(m)
        return RowDerivatives(
            log_p=log_all[:, category],
            gradient=np.where(category <= k, above, -below),
            curvature=-below[:, np.minimum.outer(k, k)] * above[:, np.maximum.outer(k, k)],
        )

    def cone(category: int, m: int) -> Floats:
        # log P(Y = y) - log P(Y = k) is the sum of the predictors between the two categories.
        k = np.arange(m)
        lower = [-((k >= other) & (k < category)).astype(float) for other in range(category)]
        higher = [((k >= category) & (k < other)).astype(float) for other in range(category + 1, m + 1)]
        return np.array([*lower, *higher])

    def start(y: Ints, w: Floats) -> Floats:
        shares = np.bincount(y, w)
        return np.asarray(np.log(shares[:-1] / shares[1:]))

    return CategoryModel(
        name="adjacent categories",
        link=LINKS["logit"],
        response=_response("adjacent categories", rows),
        rows=rows,
        cone=cone,
        start=start,
    )


def continuation_model(link: Link) -> CategoryModel:
    """Return the continuation-ratio model, P(Y = k | Y >= k) = F(eta_k)."""

    def rows(eta: Floats, category: int) -> RowDerivatives:
        n, m = eta.shape
        log_p, gradient, curvature = np.zeros(n), np.zeros((n, m)), np.zeros((n, m, m))
        for k in range(min(category + 1, m)):
            z = eta[:, k]
            stops = k == category
            log_side = link.log_cdf(z) if stops else link.log_sf(z)
            hazard = np.exp(link.log_pdf(z) - log_side)
            slope = hazard if stops else -hazard
            log_p += log_side
            gradient[:, k] = slope
            curvature[:, k, k] = slope * (link.pdf_slope(z) - slope)
        return RowDerivatives(log_p=log_p, gradient=gradient, curvature=curvature)

    def cone(category: int, m: int) -> Floats:
        unit = np.eye(m)
        return np.vstack([-unit[:category], unit[category : category + 1]])

    def start(y: Ints, w: Floats) -> Floats:
        found = []
        for k in range(int(y.max())):
            reached = y >= k
            found.append(starting_values((y[reached] > k).astype(np.intp), w[reached], 1, 0, link)[0])
        return np.array(found)

    return CategoryModel(
        name=f"continuation ratio {link.name}",
        link=link,
        response=_response(f"continuation ratio {link.name}", rows),
        rows=rows,
        cone=cone,
        start=start,
    )


def _response(name: str, rows: Callable[[Floats, int], RowDerivatives]) -> Response:
    """Return the probabilities of all categories from the derivatives of their logarithms."""

    def each(eta: Floats) -> list[tuple[Floats, RowDerivatives]]:
        found = [rows(eta, category) for category in range(eta.shape[1] + 1)]
        return [(np.exp(one.log_p), one) for one in found]

    def values(eta: Floats) -> Floats:
        return np.column_stack([p for p, _ in each(eta)])

    def first(eta: Floats) -> Floats:
        return np.stack([p[:, None] * one.gradient for p, one in each(eta)], axis=1)

    def second(eta: Floats) -> Floats:
        return np.stack(
            [
                p[:, None, None] * (one.gradient[:, :, None] * one.gradient[:, None, :] + one.curvature)
                for p, one in each(eta)
            ],
            axis=1,
        )

    return Response(name=name, sign=-1.0, values=values, first=first, second=second)
