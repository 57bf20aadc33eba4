"""Derivatives of log(F(u) - F(l)) under many sets of weights, for rows of one category: arrays only.

Symbols: ``w`` (B, rows) weights, ``eta`` (B, rows) or (1, rows) linear predictors, ``low`` and ``high``
(B, 1) or (1, 1) thresholds below and above the category, None where there is none; a row's interval is
l = low - eta, u = high - eta.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coprodstats.models.links import Link, log_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class End:
    """What one end of the interval adds.

    Attributes
    ----------
    above
        Whether it is the upper end.
    first
        Weighted sum of the derivatives by this end, shape (B,).
    second
        Weighted change of those derivatives when both ends move together, as slopes move them, (B, rows).
    """

    above: bool
    first: Floats
    second: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sums:
    """What rows of one category add to the derivatives under each set of weights.

    Attributes
    ----------
    along
        Weighted derivatives when both ends move together, shape (B, rows).
    mixed
        Weighted sum of the mixed second derivatives, shape (B,); 0 with a single end.
    ends
        The finite ends.
    """

    along: Floats
    mixed: Floats | float
    ends: tuple[End, ...]

    def curved(self) -> Floats:
        """Return weighted second derivatives when both ends move together, shape (B, rows)."""
        one, *other = (end.second for end in self.ends)
        return one + other[0] if other else one


def interval_sums(link: Link, w: Floats, eta: Floats, low: Floats | None, high: Floats | None) -> Sums:
    """Return the derivatives' sums; what overflows gives numbers that are not finite, without a warning."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if link.name == "logit":
            return _logistic(w, eta, low, high)
        return _general(link, w, eta, low, high)


def log_probabilities(link: Link, eta: Floats, low: Floats | None, high: Floats | None) -> Floats:
    """Return log(F(u) - F(l)) of each row, shape (B, rows)."""
    if low is not None and high is not None:
        return log_interval(link, low - eta, high - eta)
    if high is not None:
        return link.log_cdf(high - eta)
    assert low is not None  # noqa: S101  (one category is no model)
    return link.log_sf(low - eta)


def _general(link: Link, w: Floats, eta: Floats, low: Floats | None, high: Floats | None) -> Sums:
    log_p = log_probabilities(link, eta, low, high)
    firsts, slopes = [], []
    for cut, sign in ((high, 1.0), (low, -1.0)):
        if cut is not None:
            end = cut - eta
            firsts.append(sign * np.exp(link.log_pdf(end) - log_p))
            slopes.append(link.pdf_slope(end))
    mixed = -firsts[0] * firsts[1] if len(firsts) == 2 else np.zeros(1)
    aboves = (True, False) if len(firsts) == 2 else (high is not None,)
    ends = tuple(
        End(above=above, first=(w * first).sum(axis=1), second=w * (first * (slope - first) + mixed))
        for above, first, slope in zip(aboves, firsts, slopes, strict=True)
    )
    return Sums(along=w * sum(firsts), mixed=(w * mixed).sum(axis=1), ends=ends)


def _logistic(w: Floats, eta: Floats, low: Floats | None, high: Floats | None) -> Sums:
    """Return the same for the logistic distribution, whose log-probability falls into three parts.

    ``F(u) - F(l) = F(u) (1 - F(l)) (1 - exp(l - u))``, and u - l is the same in all rows. With ``narrow`` the
    derivative of the third part, those by u and l are ``1 - F(u) + narrow`` and ``-F(l) - narrow``.
    """
    odds = np.exp(eta)
    total = w.sum(axis=1)
    narrow = 1 / np.expm1(high - low)[:, 0] if low is not None and high is not None else np.zeros(1)
    along = np.zeros_like(w) if high is None else -w
    ends = []
    for cut, above in ((high, True), (low, False)):
        if cut is None:
            continue
        below = np.exp(-cut) * odds
        below += 1
        np.reciprocal(below, out=below)  # F at this end
        weighted = w * below
        along += weighted
        share = weighted.sum(axis=1)
        first = total * (1 + narrow) - share if above else -total * narrow - share
        below -= 1
        weighted *= below
        ends.append(End(above=above, first=first, second=weighted))
    np.negative(along, out=along)
    return Sums(along=along, mixed=total * narrow * (1 + narrow), ends=tuple(ends))
