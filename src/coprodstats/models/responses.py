"""How linear predictors become what margins speak of: the probability of each category, or a mean.

Symbols: ``eta`` (n, m) linear predictors, ``v`` the number of values (the K categories, or 1 for a mean).
Each model's predictors are ``eta_j = cut_j + sign (x' slope_map_j slopes + offset)``, so that one chain rule
serves all models; ``theta`` = (cuts, slopes).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from coprodstats.models.links import Link, log_interval
from coprodstats.survey.lines import BLOCK
from coprodstats.survey.products import LineSum, cut_lines, settled_product

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Response:
    """The values that follow from linear predictors, with their derivatives.

    Attributes
    ----------
    name
        What kind it is.
    sign
        -1 where a larger ``x' slopes`` moves thresholds down, as in cumulative models; 1 where it adds.
    values
        From ``eta`` (n, m) to the values, shape (n, v).
    first
        From ``eta`` to their derivatives by ``eta``, shape (n, v, m).
    second
        From ``eta`` to their second derivatives, shape (n, v, m, m).
    bounds
        Where the values lie: (0, 1) for probabilities, (low, high) for a bounded mean, None without limits.
    """

    name: str
    sign: float
    values: Callable[[Floats], Floats]
    first: Callable[[Floats], Floats]
    second: Callable[[Floats], Floats]
    bounds: tuple[float, float] | None = (0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """The values of a model as a function of its parameters and a design matrix.

    Attributes
    ----------
    response
        From linear predictors to values.
    slope_map
        For each linear predictor the matrix from all slopes to its coefficients, shape (m, p, s).
    """

    response: Response
    slope_map: Floats

    @property
    def n_values(self) -> int:
        """Number of values that the response gives."""
        m = len(self.slope_map)
        return int(self.response.first(np.zeros((1, m))).shape[1])


# Below it 1 - exp(x) has no relative error above 10 roundings.
FAR = -0.1


def linear_predictors(surface: Surface, theta: Floats, x: Floats, offset: Floats | None = None) -> Floats:
    """Return the linear predictors of each row of a design matrix, shape (n, m)."""
    along = _along(surface, theta, x)
    if offset is not None:
        along = along + offset[:, None]
    return np.asarray(theta[: len(surface.slope_map)] + surface.response.sign * along)


def _along(surface: Surface, theta: Floats, x: Floats) -> Floats:
    """Return each row's x' slopes for every linear predictor, (n, m), or (n, 1) if they are the same."""
    coefficients = surface.slope_map @ theta[len(surface.slope_map) :]
    if (coefficients == coefficients[0]).all():
        coefficients = coefficients[:1]
    return settled_product(x, coefficients.T)


def row_values(surface: Surface, theta: Floats, x: Floats, offset: Floats | None = None) -> Floats:
    """Return the values of each row of a design matrix, shape (n, v)."""
    return surface.response.values(linear_predictors(surface, theta, x, offset))


def averaged_values(
    surface: Surface, theta: Floats, x: Floats, share: Floats, offset: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return each row's values (n, v), and the gradient of their averages by theta, shape (v, q).

    Parameters
    ----------
    surface, theta
        The model.
    x
        Design matrix, shape (n, p).
    share
        Weights of the average, summing to 1, shape (n,).
    offset
        What is added to ``x' slopes``, shape (n,).
    """
    rows = []
    gradient = _Gradient.zero(surface, x.shape[1])
    for block in _blocks(len(x)):
        eta = linear_predictors(surface, theta, x[block], None if offset is None else offset[block])
        rows.append(surface.response.values(eta))
        gradient = gradient.plus(surface.response.first(eta) * share[block, None, None], x[block])
    return np.concatenate(rows), gradient.by_theta(surface)


def averaged_slopes(
    surface: Surface, theta: Floats, x: Floats, moved: Floats, share: Floats, offset: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return the values' derivative along a change of the design matrix, and its average's gradient.

    Parameters
    ----------
    surface, theta, x, share, offset
        As for `averaged_values`.
    moved
        Derivative of the design matrix by a predictor, shape (n, p).

    Returns
    -------
    per_row : numpy.ndarray
        Derivative of each row's values, shape (n, v).
    gradient : numpy.ndarray
        Gradient of the weighted average by theta, shape (v, q).
    """
    rows = []
    bent = direct = _Gradient.zero(surface, x.shape[1])
    for block in _blocks(len(x)):
        eta = linear_predictors(surface, theta, x[block], None if offset is None else offset[block])
        speed = np.broadcast_to(surface.response.sign * _along(surface, theta, moved[block]), eta.shape)
        first = surface.response.first(eta)
        rows.append(np.einsum("nvm,nm->nv", first, speed))
        turned = np.einsum("nvml,nl->nvm", surface.response.second(eta), speed)
        bent = bent.plus(turned * share[block, None, None], x[block])
        direct = direct.plus(first * share[block, None, None], moved[block])
    gradient = bent.by_theta(surface)
    m = len(surface.slope_map)
    gradient[:, m:] += direct.by_theta(surface)[:, m:]
    return np.concatenate(rows), gradient


def row_slopes(
    surface: Surface, theta: Floats, x: Floats, moved: Floats, offset: Floats | None = None
) -> Floats:
    """Return the derivative of each row's values along a change of the design matrix, shape (n, v).

    Parameters
    ----------
    surface, theta, x, moved, offset
        As for `averaged_slopes`, which gives the same numbers with the gradient of their average.
    """
    eta = linear_predictors(surface, theta, x, offset)
    first = surface.response.first(eta)
    speed = np.broadcast_to(surface.response.sign * _along(surface, theta, moved), eta.shape)
    return np.asarray(np.einsum("nvm,nm->nv", first, speed))


def row_gradients(surface: Surface, theta: Floats, x: Floats, offset: Floats | None = None) -> Floats:
    """Return the gradient of each row's values by theta, shape (n, v, q)."""
    first = surface.response.first(linear_predictors(surface, theta, x, offset))
    slopes = surface.response.sign * np.einsum("nvm,np,mps->nvs", first, x, surface.slope_map, optimize=True)
    return np.concatenate([first, slopes], axis=2)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Gradient:
    """The sum over rows of weighted derivatives by eta, each times one and times a design matrix's row.

    Attributes
    ----------
    products
        The sums, shape (1+p, v m).
    """

    products: LineSum

    @classmethod
    def zero(cls, surface: Surface, p: int) -> _Gradient:
        return cls(products=LineSum.zero(1 + p, surface.n_values * len(surface.slope_map)))

    def plus(self, weighted: Floats, x: Floats) -> _Gradient:
        """Return the sum with more rows: derivatives (rows, v, m) and design matrix (rows, p)."""
        lines = np.ascontiguousarray(weighted.reshape(len(x), -1).T)
        left = cut_lines(np.vstack([np.ones(len(x)), x.T]))
        return _Gradient(products=self.products.plus(left, lines))

    def by_theta(self, surface: Surface) -> Floats:
        """Return it carried to theta, shape (v, q)."""
        m = len(surface.slope_map)
        sums = self.products.rounded().reshape(-1, surface.n_values, m)
        slopes = surface.response.sign * np.einsum("pvm,mps->vs", sums[1:], surface.slope_map)
        return np.hstack([sums[0], slopes])


def _blocks(n: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, n, BLOCK)]


def parallel_map(m: int, p: int) -> Floats:
    """Return the slope map of models whose predictors share their slopes, shape (m, p, p)."""
    return np.broadcast_to(np.eye(p), (m, p, p))


def cumulative(link: Link) -> Response:
    """Return the response of cumulative models: P(Y = k) = F(eta_k) - F(eta_{k-1})."""

    def values(eta: Floats) -> Floats:
        probability = _logistic_steps(eta) if link.name == "logit" else _steps(link, eta)
        # Where predictors cross, as partial proportional odds may outside their data, nothing lies between.
        crossed = eta[:, 1:] <= eta[:, :-1]
        if crossed.any():
            below = np.exp(link.log_cdf(eta))
            probability[:, 1:-1] = np.where(crossed, np.diff(below, axis=1), probability[:, 1:-1])
        return probability

    def first(eta: Floats) -> Floats:
        return _stepped(np.exp(link.log_pdf(eta)))

    def second(eta: Floats) -> Floats:
        curved = _stepped(np.exp(link.log_pdf(eta)) * link.pdf_slope(eta))
        return np.asarray(curved[:, :, :, None] * np.eye(eta.shape[1]))

    return Response(name=f"cumulative {link.name}", sign=-1.0, values=values, first=first, second=second)


def mean_of_predictor() -> Response:
    """Return the response of linear models: the mean is the linear predictor."""

    def first(eta: Floats) -> Floats:
        return np.ones((len(eta), 1, 1))

    def second(eta: Floats) -> Floats:
        return np.zeros((len(eta), 1, 1, 1))

    return Response(
        name="linear mean", sign=1.0, values=lambda eta: eta, first=first, second=second, bounds=None
    )


def mean_of_logit(low: float, high: float) -> Response:
    """Return the response of fractional models: the mean lies between two bounds by the logistic function."""
    width = high - low

    def values(eta: Floats) -> Floats:
        return np.asarray(low + width * expit(eta))

    def first(eta: Floats) -> Floats:
        return np.asarray(width * expit(eta) * expit(-eta))[:, :, None]

    def second(eta: Floats) -> Floats:
        return np.asarray(first(eta) * -np.tanh(eta / 2)[:, :, None])[:, :, :, None]

    return Response(
        name="fractional logit mean", sign=1.0, values=values, first=first, second=second, bounds=(low, high)
    )


def _steps(link: Link, eta: Floats) -> Floats:
    """Return F(eta_k) - F(eta_{k-1}) for increasing eta, shape (n, m+1)."""
    ends = np.full((len(eta), eta.shape[1] + 2), np.inf)
    ends[:, 0] = -np.inf
    ends[:, 1:-1] = eta
    with np.errstate(invalid="ignore"):
        return np.asarray(np.exp(log_interval(link, ends[:, :-1], ends[:, 1:])))


def _logistic_steps(eta: Floats) -> Floats:
    """Return the same for the logistic distribution: F(u) (1 - F(l)) (1 - exp(l - u)) loses no digit."""
    small = np.exp(-np.abs(eta))
    large = 1 / (1 + small)
    small *= large
    below, above = np.where(eta > 0, large, small), np.where(eta > 0, small, large)
    apart = eta[:, :-1] - eta[:, 1:]
    with np.errstate(over="ignore", invalid="ignore"):
        # NumPy's exp is many times as fast as its expm1, and as good away from zero.
        inner = 1 - np.exp(apart) if apart.max(initial=-1.0) < FAR else -np.expm1(apart)
        between = below[:, 1:] * above[:, :-1] * inner
    return np.hstack([below[:, :1], between, above[:, -1:]])


def _stepped(density: Floats) -> Floats:
    """Return derivatives of F(eta_k) - F(eta_{k-1}): the density at k, minus that at k - 1, (n, m+1, m)."""
    n, m = density.shape
    laid = np.zeros((n, m + 1, m))
    k = np.arange(m)
    laid[:, k, k] = density
    laid[:, k + 1, k] = -density
    return laid
