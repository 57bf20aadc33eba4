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
# From the linear predictor and the cuts above and below (one of them None) to the derivatives by each.
Derivative = Callable[[Pair, Pair | None, Pair | None], tuple[Pair | None, Pair | None]]


def logit(eta: Pair, above: Pair | None, below: Pair | None) -> tuple[Pair | None, Pair | None]:
    """Return the derivatives for the logistic distribution.

    Notes
    -----
    P = F(u) (1 - F(l)) (1 - exp(l - u)), so that they are 1 - F(u) + g and -F(l) - g with
    g = 1 / (exp(u - l) - 1), and 1 / F(u) = 1 + exp(eta) exp(-cut_k).
    """
    cuts = [cut for cut in (above, below) if cut is not None]
    shared = dd.pair(np.zeros(1))
    if above is not None and below is not None:
        shared = dd.reciprocal(dd.expm1(dd.subtract(above, below)))
    # Both ends at once, by line: 1 + exp(eta) exp(-cut), its reciprocal, and what that is taken from.
    high, low = (np.concatenate([cut[part] for cut in cuts])[:, None] for part in (0, 1))
    against = _times_constants(dd.exp(eta), dd.exp((-high, -low)))
    s, e = dd.two_sum(np.ones(1), against[0])
    f, g = _reciprocal(s, e + against[1])
    constants = [dd.add(dd.pair(np.ones(1)), shared)] * (above is not None)
    constants += [dd.negative(shared)] * (below is not None)
    high, low = (np.concatenate([constant[part] for constant in constants])[:, None] for part in (0, 1))
    s, e = dd.two_sum(high, -f)
    e += low - g
    upper = None if above is None else (s[0], e[0])
    lower = None if below is None else (s[-1], e[-1])
    return upper, lower


def _times_constants(x: Pair, constants: Pair) -> Pair:
    """Return x, (m,), times constants, (k, 1); not normalised."""
    x1, x2 = dd.split(x[0])
    c1, c2 = dd.split(constants[0])
    p = x[0] * constants[0]
    e = x1 * c1
    e -= p
    e += x1 * c2
    e += x2 * c1
    e += x2 * c2
    e += x[0] * constants[1]
    e += x[1] * constants[0]
    return p, e


def _reciprocal(high: Floats, low: Floats) -> Pair:
    """Return 1 / (high + low), not normalised."""
    q = 1.0 / high
    p, e = dd.two_product(q, high)
    rest = 1.0 - p
    rest -= e
    rest -= q * low
    rest *= q
    return q, rest


def cloglog(eta: Pair, above: Pair | None, below: Pair | None) -> tuple[Pair | None, Pair | None]:
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


def loglog(eta: Pair, above: Pair | None, below: Pair | None) -> tuple[Pair | None, Pair | None]:
    """Return the derivatives for F(z) = exp(-exp(-z)): those of cloglog on the reversed scale."""
    reversed_above = None if below is None else dd.negative(below)
    reversed_below = None if above is None else dd.negative(above)
    upper, lower = cloglog(dd.negative(eta), reversed_above, reversed_below)
    return _negated(lower), _negated(upper)


def cauchit(eta: Pair, above: Pair | None, below: Pair | None) -> tuple[Pair | None, Pair | None]:
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


def probit(eta: Pair, above: Pair | None, below: Pair | None) -> tuple[Pair | None, Pair | None]:
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


DERIVATIVES: dict[str, Derivative] = {
    "logit": logit,
    "probit": probit,
    "cloglog": cloglog,
    "loglog": loglog,
    "cauchit": cauchit,
}
