"""First derivatives of the rows of a cumulative-link likelihood with more digits than a double has.

For rows of one category k with linear predictor eta: the derivatives of log P by the threshold above,
u = cut_k - eta, and by the one below, l = cut_{k-1} - eta, P = F(u) - F(l). All are pairs of doubles
(`coprodstats.models.double_double`); errors are below 2**-60 of the larger of the derivative and one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from coprodstats.models import double_double as dd
from coprodstats.models.double_double import Pair

Floats = NDArray[np.float64]
# From linear predictors and a category to the derivatives by the threshold above and the one below.
Derivative = Callable[[Pair, int], tuple[Pair | None, Pair | None]]


def derivative(link: str, cuts: Pair) -> Derivative:
    """Return what gives the derivatives of rows of a category under a link, for some thresholds.

    Parameters
    ----------
    link
        The link's name.
    cuts
        The thresholds, shape (K-1,).
    """
    if link == "logit":
        return _logit(cuts)
    by_ends = _BY_ENDS[link]

    def rows(eta: Pair, k: int) -> tuple[Pair | None, Pair | None]:
        above = (cuts[0][k : k + 1], cuts[1][k : k + 1]) if k < len(cuts[0]) else None
        below = (cuts[0][k - 1 : k], cuts[1][k - 1 : k]) if k > 0 else None
        return by_ends(eta, above, below)

    return rows


def logistic_constants(cuts: Pair) -> tuple[Pair, Pair]:
    """Return exp(-cut) of each threshold, and 1 / (exp(distance) - 1) of each with the next."""
    high, low = cuts
    gaps = dd.subtract((high[1:], low[1:]), (high[:-1], low[:-1]))
    return dd.exp(dd.negative(cuts)), dd.reciprocal(dd.expm1(gaps))


def _logit(cuts: Pair) -> Derivative:
    """Return the derivatives for the logistic distribution.

    Notes
    -----
    P = F(u) (1 - F(l)) (1 - exp(l - u)), so that they are 1 - F(u) + g and -F(l) - g with
    g = 1 / (exp(u - l) - 1), and 1 / F(u) = 1 + exp(eta) exp(-cut_k).
    """
    n_cuts = len(cuts[0])
    odds, shared = logistic_constants(cuts)
    # What F is taken from, by category: 1 + g above, -g below.
    zero = np.zeros(1)
    padded = np.concatenate([zero, shared[0], zero]), np.concatenate([zero, shared[1], zero])
    tops, bottoms = dd.add(dd.pair(1.0), padded), dd.negative(padded)

    def rows(eta: Pair, k: int) -> tuple[Pair | None, Pair | None]:
        # Both ends at once, by line: the one above first.
        ends = [j for j in (k, k - 1) if 0 <= j < n_cuts]
        against = _times_constants(dd.exp(eta), (odds[0][ends, None], odds[1][ends, None]))
        s, e = dd.two_sum(np.ones(1), against[0])
        e += against[1]
        f, g = dd.raw_reciprocal(s, e)
        sides = [tops if j == k else bottoms for j in ends]
        s, e = dd.two_sum(np.array([[side[0][k]] for side in sides]), np.negative(f, out=f))
        e += np.array([[side[1][k]] for side in sides])
        e -= g
        return (s[0], e[0]) if k < n_cuts else None, (s[-1], e[-1]) if k > 0 else None

    return rows


def _times_constants(x: Pair, constants: Pair) -> Pair:
    """Return x, (m,), times constants, (k, 1); not normalised."""
    p, e = dd.two_product(constants[0], x[0])
    t = x[0] * constants[1]
    e += t
    e += np.multiply(x[1], constants[0], out=t)
    return p, e


def _cloglog(eta: Pair, above: Pair | None, below: Pair | None) -> tuple[Pair | None, Pair | None]:
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


def _loglog(eta: Pair, above: Pair | None, below: Pair | None) -> tuple[Pair | None, Pair | None]:
    """Return the derivatives for F(z) = exp(-exp(-z)): those of cloglog on the reversed scale."""
    reversed_above = None if below is None else dd.negative(below)
    reversed_below = None if above is None else dd.negative(above)
    upper, lower = _cloglog(dd.negative(eta), reversed_above, reversed_below)
    return _negated(lower), _negated(upper)


def _cauchit(eta: Pair, above: Pair | None, below: Pair | None) -> tuple[Pair | None, Pair | None]:
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


def _probit(eta: Pair, above: Pair | None, below: Pair | None) -> tuple[Pair | None, Pair | None]:
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
