"""Derivatives of log(F(u) - F(l)) under many sets of weights, for rows of one category: arrays only.

Symbols: ``w`` (B, rows) weights, ``eta`` (B, rows) or (1, rows) linear predictors, ``low`` and ``high``
(B, 1) or (1, 1) thresholds below and above the category, None where there is none; a row's interval is
l = low - eta, u = high - eta. ``x`` (rows, 1+p) are predictors with a first column of ones, so that a
product with them also sums rows. ``work`` (3 or more, B, rows) is memory that is written over, and so is
``eta``: to lay out as much anew takes several times as long as what is done with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coprodstats.models.links import Link, log_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sums:
    """What rows of one category add to the derivatives under each set of weights.

    Attributes
    ----------
    along
        Weighted sum of x times the derivatives when both ends move together, shape (B, 1+p).
    mixed
        Weighted sum of the mixed second derivatives, shape (B,); 0 with a single end.
    aboves
        Of each finite end, whether it is the upper one.
    firsts
        Weighted sum of the derivatives by each, shape (B,).
    seconds
        Weighted change of those derivatives when both ends move together, as slopes move them, (B, rows);
        none where they are not asked for.
    """

    along: Floats
    mixed: Floats | float
    aboves: tuple[bool, ...]
    firsts: tuple[Floats, ...]
    seconds: tuple[Floats, ...]

    def curved(self) -> Floats:
        """Return weighted second derivatives when both ends move together, shape (B, rows).

        They lie where ``seconds`` did.
        """
        one, *other = self.seconds
        return np.add(one, other[0], out=one) if other else one


def interval_sums(
    link: Link,
    w: Floats,
    eta: Floats,
    low: Floats | None,
    high: Floats | None,
    *,
    x: Floats,
    work: Floats,
    curved: bool = True,
) -> Sums:
    """Return the derivatives' sums, of which ``seconds`` lie in ``work``.

    What overflows gives numbers that are not finite, without a warning.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if link.name == "logit":
            return _logistic(w, eta, low, high, x, work, curved=curved)
        return _general(link, w, eta, low, high, x, curved=curved)


def log_probabilities(link: Link, eta: Floats, low: Floats | None, high: Floats | None) -> Floats:
    """Return log(F(u) - F(l)) of each row, shape (B, rows)."""
    if low is not None and high is not None:
        return log_interval(link, low - eta, high - eta)
    if high is not None:
        return link.log_cdf(high - eta)
    assert low is not None  # noqa: S101  (one category is no model)
    return link.log_sf(low - eta)


def _general(
    link: Link, w: Floats, eta: Floats, low: Floats | None, high: Floats | None, x: Floats, *, curved: bool
) -> Sums:
    log_p = log_probabilities(link, eta, low, high)
    ends = [(cut - eta, sign) for cut, sign in ((high, 1.0), (low, -1.0)) if cut is not None]
    firsts = [sign * np.exp(link.log_pdf(end) - log_p) for end, sign in ends]
    mixed = -firsts[0] * firsts[1] if len(ends) == 2 else np.zeros(1)
    slopes = [link.pdf_slope(end) for end, _ in ends] if curved else []
    return Sums(
        along=(w * sum(firsts)) @ x,
        mixed=(w * mixed).sum(axis=1),
        aboves=tuple(sign > 0 for _, sign in ends),
        firsts=tuple((w * first).sum(axis=1) for first in firsts),
        seconds=tuple(
            w * (first * (slope - first) + mixed) for first, slope in zip(firsts, slopes, strict=False)
        ),
    )


def _logistic(
    w: Floats, eta: Floats, low: Floats | None, high: Floats | None, x: Floats, work: Floats, *, curved: bool
) -> Sums:
    """Return the same for the logistic distribution, whose log-probability falls into three parts.

    ``F(u) - F(l) = F(u) (1 - F(l)) (1 - exp(l - u))``, and u - l is the same in all rows. With ``narrow`` the
    derivative of the third part, those by u and l are ``1 - F(u) + narrow`` and ``-F(l) - narrow``.
    """
    odds = np.exp(eta, out=eta)
    below = work[0, : len(eta)]
    narrow = 1 / np.expm1(high - low)[:, 0] if low is not None and high is not None else np.zeros(1)
    weights = w @ x
    total = weights[:, 0]
    along = np.zeros_like(weights) if high is None else weights
    aboves, firsts, seconds = [], [], []
    for cut, above in ((high, True), (low, False)):
        if cut is None:
            continue
        np.multiply(odds, np.exp(-cut), out=below)
        below += 1
        np.reciprocal(below, out=below)  # F at this end
        weighted = np.multiply(w, below, out=work[2 if above else 1])
        share = weighted @ x
        along = along - share
        aboves.append(above)
        firsts.append((total * (1 + narrow) if above else -total * narrow) - share[:, 0])
        if curved:
            below -= 1
            weighted *= below
            seconds.append(weighted)
    return Sums(
        along=along,
        mixed=total * narrow * (1 + narrow),
        aboves=tuple(aboves),
        firsts=tuple(firsts),
        seconds=tuple(seconds),
    )
