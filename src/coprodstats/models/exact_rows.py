"""First derivatives of the rows of a cumulative-link likelihood with more digits than a double has.

For rows of one category k with linear predictor eta: the derivatives of log P by the threshold above,
u = cut_k - eta, and by the one below, l = cut_{k-1} - eta, P = F(u) - F(l). Errors are below 2**-60 of the
larger of the derivative and one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from coprodstats.models import double_double as dd
from coprodstats.models.double_double import Pair

Floats = NDArray[np.float64]
Ends = tuple[Pair | None, Pair | None]

_LARGEST = Decimal(dd.LARGEST_EXPONENT)
# Linear predictors of the logit link are held within these, and thresholds are to lie far within: so are odds
# numbers, and probabilities of what is held too small to count.
REACH = dd.LARGEST_EXPONENT / 2
LARGEST_CUT = REACH - 100.0
# Bits of a probability that is an exact multiple of a power of two.
SHORT_BITS = 26


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowDerivatives:
    """Derivatives of the rows of one category.

    Attributes
    ----------
    above, below
        By the threshold above, less ``shared``, and by the one below, plus ``shared``: sums of a number of
        at most 27 bits, the product of which with one of 26 is exact, and a rest; shape (m,) each, None where
        there is no threshold.
    shared
        A part that is the same for all rows.
    kept
        What serves to compute the rows' second derivatives near by, shape (m,): for the logit link the odds
        of being above the threshold above, or below where that is all there is; eta for the others.
    """

    above: Pair | None
    below: Pair | None
    shared: Pair
    kept: Floats


# From linear predictors and a category to the derivatives.
Derivative = Callable[[Pair, int], RowDerivatives]


def derivative(link: str, cuts: Pair, largest: float = np.inf) -> Derivative:
    """Return what gives the derivatives of rows of a category under a link, for some thresholds.

    Parameters
    ----------
    link
        The link's name.
    cuts
        The thresholds, shape (K-1,).
    largest
        What no linear predictor exceeds in size.
    """
    if link == "logit":
        return _logit(cuts, REACH if largest > REACH else None)
    by_ends = _BY_ENDS[link]

    def rows(eta: Pair, k: int) -> RowDerivatives:
        above = (cuts[0][k : k + 1], cuts[1][k : k + 1]) if k < len(cuts[0]) else None
        below = (cuts[0][k - 1 : k], cuts[1][k - 1 : k]) if k > 0 else None
        upper, lower = by_ends(eta, above, below)
        return RowDerivatives(
            above=_shortened(upper), below=_shortened(lower), shared=dd.pair(0.0), kept=dd.rounded(eta)
        )

    return rows


def _shortened(x: Pair | None) -> Pair | None:
    if x is None:
        return None
    short, rest = dd.split(x[0])
    rest += x[1]
    return short, rest


def _odds(cuts: Pair) -> Pair:
    """Return exp(-cut) of each threshold."""
    with dd.decimal_digits():
        return dd.constants([(-max(min(v, _LARGEST), -_LARGEST)).exp() for v in _decimals(cuts)])


def shared_parts(cuts: Pair) -> Pair:
    """Return 1 / (exp(distance) - 1) of each threshold with the next."""
    with dd.decimal_digits():
        between = pairwise(_decimals(cuts))
        return dd.constants([1 / (min(two - one, _LARGEST).exp() - 1) for one, two in between])


def _decimals(x: Pair) -> list[Decimal]:
    return [Decimal(high) + Decimal(low) for high, low in zip(*map(list, x), strict=True)]


def _logit(cuts: Pair, most: float | None) -> Derivative:
    """Return the derivatives for the logistic distribution; linear predictors are held within ±``most``.

    Notes
    -----
    P = F(u) (1 - F(l)) (1 - exp(l - u)), so that they are 1 - F(u) + g and -F(l) - g with
    g = 1 / (exp(u - l) - 1), and 1 / F(u) = 1 + exp(eta) exp(-cut_k).
    """
    n_cuts = len(cuts[0])
    odds, shared = _odds(cuts), shared_parts(cuts)
    tables = [_times_table((odds[0][j : j + 1], odds[1][j : j + 1])) for j in range(n_cuts)]

    def rows(eta: Pair, k: int) -> RowDerivatives:
        parts = dd.exp_parts(eta, most)
        short, rest, kept = _inverse_of_one_plus(tables[min(k, n_cuts - 1)], *parts)
        if k == n_cuts:
            below = np.negative(short, out=short), np.negative(rest, out=rest)
            return RowDerivatives(above=None, below=below, shared=dd.pair(0.0), kept=kept)
        above = np.subtract(1.0, short, out=short), np.negative(rest, out=rest)
        if k == 0:
            return RowDerivatives(above=above, below=None, shared=dd.pair(0.0), kept=kept)
        short, rest, _ = _inverse_of_one_plus(tables[k - 1], *parts)
        below = np.negative(short, out=short), np.negative(rest, out=rest)
        between = shared[0][k - 1 : k], shared[1][k - 1 : k]
        return RowDerivatives(above=above, below=below, shared=between, kept=kept)

    return rows


def _times_table(constant: Pair) -> Pair:
    """Return the table of exponentials times a constant, as numbers of 26 bits and rests."""
    high, low = dd.multiply(dd.exponentials(), constant)
    short, rest = dd.split(high)
    rest += low
    return short, rest


def _inverse_of_one_plus(
    table: Pair, place: dd.Ints, factor: Floats, grown: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return 1 / (1 + a) as a multiple of 2**-26 and a rest, and a: a constant times an exponential.

    With q the quotient in doubles, rounded to such a multiple, it is q + (1 - q (1 + a)) / (1 + a), and the
    product of q with the first part of a is exact.
    """
    first, second = table[0].take(place), table[1].take(place)
    rest = first + second
    rest *= grown
    rest += second
    first *= factor
    rest *= factor
    whole = first + rest
    quotient = whole + 1.0
    np.divide(1.0, quotient, out=quotient)
    short = np.add(quotient, _ROUND_SHORT, out=second)
    short -= _ROUND_SHORT
    first *= short
    left = 1.0 - short
    left -= first
    left -= np.multiply(rest, short, out=rest)
    left *= quotient
    return short, left, whole


# Added and taken away again, it leaves a multiple of 2**-26 of a number below one.
_ROUND_SHORT = 1.5 * 2.0 ** (52 - SHORT_BITS)


def _cloglog(eta: Pair, above: Pair | None, below: Pair | None) -> Ends:
    """Return the derivatives for F(z) = 1 - exp(-exp(z)).

    Notes
    -----
    With d = exp(u) - exp(l) they are exp(u) / (exp(d) - 1) and -exp(l) exp(d) / (exp(d) - 1); exp(l) is zero
    without a threshold below, and d infinite without one above.
    """
    upper_exp = None if above is None else dd.exp(dd.subtract(above, eta))
    lower_exp = None if below is None else dd.exp(dd.subtract(below, eta))
    if upper_exp is None:
        assert lower_exp is not None  # noqa: S101  (a row has an end)
        return None, dd.negative(lower_exp)
    distance = upper_exp if lower_exp is None else dd.subtract(upper_exp, lower_exp)
    grown = dd.reciprocal(dd.expm1(distance))
    upper = dd.multiply(upper_exp, grown)
    lower = None if lower_exp is None else dd.negative(dd.multiply(lower_exp, _one_plus(grown)))
    return upper, lower


def _loglog(eta: Pair, above: Pair | None, below: Pair | None) -> Ends:
    """Return the derivatives for F(z) = exp(-exp(-z)): those of cloglog on the reversed scale."""
    reversed_above = None if below is None else dd.negative(below)
    reversed_below = None if above is None else dd.negative(above)
    upper, lower = _cloglog(dd.negative(eta), reversed_above, reversed_below)
    return _negated(lower), _negated(upper)


def _cauchit(eta: Pair, above: Pair | None, below: Pair | None) -> Ends:
    """Return the derivatives for the Cauchy distribution.

    Notes
    -----
    P = arctan((u - l) / (1 + u l)) / pi, or pi / 2 + arctan(u) where an end is infinite; both as the
    two-argument arc tangent, which knows the quadrant. The density is 1 / (pi (1 + z z)).
    """
    upper = None if above is None else dd.subtract(above, eta)
    lower = None if below is None else dd.subtract(below, eta)
    if upper is not None and lower is not None:
        angle = dd.arctan2(dd.subtract(upper, lower), _one_plus(dd.multiply(upper, lower)))
    elif upper is not None:
        angle = dd.arctan2(dd.pair(np.ones_like(upper[0])), dd.negative(upper))
    else:
        assert lower is not None  # noqa: S101  (a row has an end)
        angle = dd.arctan2(dd.pair(np.ones_like(lower[0])), lower)

    def ratio(z: Pair) -> Pair:
        return dd.reciprocal(dd.multiply(_one_plus(dd.multiply(z, z)), angle))

    return None if upper is None else ratio(upper), None if lower is None else dd.negative(ratio(lower))


def _probit(eta: Pair, above: Pair | None, below: Pair | None) -> Ends:
    """Return the derivatives for the normal distribution.

    Notes
    -----
    With the Mills ratio m(z) = (1 - F(z)) / f(z) for z >= 0, an interval on one side of zero is
    P = f(near) (m(near) - m(far) f(far) / f(near)), and one around zero is 1 less its two tails.
    """
    upper = None if above is None else dd.subtract(above, eta)
    lower = None if below is None else dd.subtract(below, eta)
    if upper is None or lower is None:
        z = upper if upper is not None else dd.negative(lower)  # type: ignore[arg-type]
        ratio = dd.divide(_half_density(z), _normal(z))
        return (ratio, None) if lower is None else (None, dd.negative(ratio))
    # On the negative side all is small: intervals above zero are turned there.
    turn = upper[0] + lower[0] > 0
    near = _where(turn, dd.negative(lower), upper)
    far = _where(turn, dd.negative(upper), lower)
    probability = dd.subtract(_normal(near), _normal(far))
    first = dd.divide(_half_density(near), probability)
    second = dd.divide(_half_density(far), probability)
    return _where(turn, second, first), dd.negative(_where(turn, first, second))


def _normal(z: Pair) -> Pair:
    """Return F(z) of the normal distribution, times sqrt(2 pi)."""
    size = _where(z[0] < 0, dd.negative(z), z)
    tail = dd.multiply(_half_density(z), dd.mills(size))
    return _where(z[0] < 0, tail, dd.subtract(dd.root_two_pi(), tail))


def _half_density(z: Pair) -> Pair:
    """Return exp(-z z / 2)."""
    square = dd.multiply(z, z)
    return dd.exp((-0.5 * square[0], -0.5 * square[1]))


def _one_plus(x: Pair) -> Pair:
    return dd.add(dd.pair(1.0), x)


def _negated(x: Pair | None) -> Pair | None:
    return None if x is None else dd.negative(x)


def _where(condition: NDArray[np.bool_], one: Pair, two: Pair) -> Pair:
    return np.where(condition, one[0], two[0]), np.where(condition, one[1], two[1])


_BY_ENDS = {"probit": _probit, "cloglog": _cloglog, "loglog": _loglog, "cauchit": _cauchit}
