"""Link functions of cumulative models as logarithms, so that no tail underflows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

Floats = NDArray[np.float64]
LinkName = Literal["logit", "probit", "cloglog", "loglog", "cauchit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The distribution function F in P(Y <= k) = F(threshold_k - x'b), on the log scale.

    Attributes
    ----------
    name
        The link's name, as in the R package ordinal; ``"identity"`` for models of a mean itself.
    log_cdf
        log F(z).
    log_sf
        log (1 - F(z)).
    log_pdf
        log F'(z).
    pdf_slope
        F''(z) / F'(z), bounded where F' underflows.
    """

    name: LinkName | Literal["identity"]
    log_cdf: Callable[[Floats], Floats]
    log_sf: Callable[[Floats], Floats]
    log_pdf: Callable[[Floats], Floats]
    pdf_slope: Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Derivatives:
    """Log-likelihood of each row and its derivatives by the two ends of the row's interval, shape (n,)."""

    log_p: Floats
    upper: Floats
    lower: Floats
    upper_upper: Floats
    lower_lower: Floats
    upper_lower: Floats


def log1mexp(x: Floats) -> Floats:
    """Return log(1 - exp(x)) for x <= 0 without cancellation (Maechler 2012, R package Rmpfr)."""
    near = x > -np.log(2.0)
    with np.errstate(divide="ignore"):
        return np.where(
            near, np.log(-np.expm1(np.where(near, x, -1.0))), np.log1p(-np.exp(np.minimum(x, -0.5)))
        )


def _exp(z: Floats) -> Floats:
    # exp(700) is still finite; beyond it the log-probability is below any that can matter.
    return np.exp(np.minimum(z, 700.0))


def _gumbel_log_cdf(z: Floats) -> Floats:
    # log(1 - exp(-t)) = log t - t/2 + O(t^2): exp(z) itself is zero below -745.
    return np.where(z < -30.0, z - _exp(z) / 2, log1mexp(-_exp(np.maximum(z, -30.0))))


def _softplus(z: Floats) -> Floats:
    # log(1 + exp(z)); three times as fast as numpy.logaddexp(0, z), which is not vectorised.
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def _cauchy_log_cdf(z: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(np.arctan2(1.0, -z) / np.pi)


LINKS: dict[LinkName, Link] = {
    "logit": Link(
        name="logit",
        log_cdf=lambda z: -_softplus(-z),
        log_sf=lambda z: -_softplus(z),
        log_pdf=lambda z: -np.abs(z) - 2.0 * np.log1p(np.exp(-np.abs(z))),
        pdf_slope=lambda z: -np.tanh(z / 2),
    ),
    "probit": Link(
        name="probit",
        log_cdf=log_ndtr,
        log_sf=lambda z: np.asarray(log_ndtr(-z)),
        log_pdf=lambda z: -0.5 * z * z - 0.5 * np.log(2 * np.pi),
        pdf_slope=lambda z: -z,
    ),
    "cloglog": Link(
        name="cloglog",
        log_cdf=_gumbel_log_cdf,
        log_sf=lambda z: -_exp(z),
        log_pdf=lambda z: z - _exp(z),
        pdf_slope=lambda z: 1.0 - _exp(z),
    ),
    "loglog": Link(
        name="loglog",
        log_cdf=lambda z: -_exp(-z),
        log_sf=lambda z: _gumbel_log_cdf(-z),
        log_pdf=lambda z: -z - _exp(-z),
        pdf_slope=lambda z: _exp(-z) - 1.0,
    ),
    "cauchit": Link(
        name="cauchit",
        log_cdf=_cauchy_log_cdf,
        log_sf=lambda z: _cauchy_log_cdf(-z),
        log_pdf=lambda z: -np.log(np.pi) - np.log1p(z * z),
        pdf_slope=lambda z: -2.0 * z / (1.0 + z * z),
    ),
}


def log_interval(link: Link, lower: Floats, upper: Floats) -> Floats:
    """Return log(F(upper) - F(lower)) for lower < upper, either of which may be infinite.

    Parameters
    ----------
    link
        The link.
    lower, upper
        Ends of the intervals, shape (n,).

    Notes
    -----
    The logistic case factorises: F(u) - F(l) = F(u) (1 - F(l)) (1 - exp(l - u)). Elsewhere the difference is
    taken in the tail in which both numbers are small.
    """
    if link.name == "logit":
        return link.log_cdf(upper) + link.log_sf(lower) + log1mexp(np.minimum(lower - upper, 0.0))
    in_upper_tail = link.log_sf(lower) < link.log_cdf(lower)
    larger = np.where(in_upper_tail, link.log_sf(lower), link.log_cdf(upper))
    smaller = np.where(in_upper_tail, link.log_sf(upper), link.log_cdf(lower))
    return larger + log1mexp(np.minimum(smaller - larger, 0.0))


def interval_derivatives(link: Link, lower: Floats, upper: Floats) -> Derivatives:
    """Return log(F(upper) - F(lower)) with its derivatives by both ends, 0 by an end that is infinite.

    Parameters
    ----------
    link
        The link.
    lower, upper
        Ends of the intervals, shape (n,).
    """
    log_p = log_interval(link, lower, upper)
    du = _ratio(link, upper, log_p)
    dl = -_ratio(link, lower, log_p)
    u, l = np.where(np.isfinite(upper), upper, 0.0), np.where(np.isfinite(lower), lower, 0.0)
    return Derivatives(
        log_p=log_p,
        upper=du,
        lower=dl,
        upper_upper=du * (link.pdf_slope(u) - du),
        lower_lower=dl * (link.pdf_slope(l) - dl),
        upper_lower=-du * dl,
    )


def _ratio(link: Link, z: Floats, log_p: Floats) -> Floats:
    finite = np.isfinite(z)
    safe = np.where(finite, z, 0.0)
    return np.where(finite, np.exp(link.log_pdf(safe) - np.where(finite, log_p, 0.0)), 0.0)
