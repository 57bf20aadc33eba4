"""Arithmetic with twice the digits of a double: numbers as unevaluated sums of two doubles, elementwise.

A number is a pair ``(high, low)`` with ``high`` the double nearest to the sum. Sums, products and quotients
of doubles are rounded alike on every machine, so that these functions give the same bits everywhere, which
a library's exponential and an 80-bit format do not. Errors are below 2**-100 of the larger operand for sums,
products and quotients, and below 2**-68 of the result for the functions.

Operands are arrays of at least one dimension, and are broadcast; results are worked out in place, which is
twice as fast as in new memory.

Dekker (1971), *Numerische Mathematik* 18, 224-242; Knuth (1969), *The Art of Computer Programming* 2, 4.2.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal, localcontext
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pair = tuple[Floats, Floats]

_SPLITTER = 134217729.0  # 2**27 + 1
# exp(x) is tabulated at this many steps between powers of two.
_STEPS = 256
# Beyond this neither exp(x) nor exp(-x) is far from the ends of a double's range.
LARGEST_EXPONENT = 690.0
_DIGITS = 45


def two_sum(a: Floats, b: Floats) -> Pair:
    """Return a + b exactly."""
    s = a + b
    t = s - a
    e = s - t
    np.subtract(a, e, out=e)
    np.subtract(b, t, out=t)
    e += t
    return s, e


def quick_two_sum(a: Floats, b: Floats) -> Pair:
    """Return a + b exactly, where |a| >= |b| or a is zero."""
    s = a + b
    e = s - a
    np.subtract(b, e, out=e)
    return s, e


def split(a: Floats) -> Pair:
    """Return a as the sum of two numbers of 26 bits each."""
    c = _SPLITTER * a
    high = c - a
    np.subtract(c, high, out=high)
    return high, np.subtract(a, high, out=c)


def two_product(a: Floats, b: Floats) -> Pair:
    """Return a b exactly."""
    return product_of_halves(a, split(a), b, split(b))


def product_of_halves(a: Floats, a_halves: Pair, b: Floats, b_halves: Pair) -> Pair:
    """Return a b exactly, both being split already."""
    (a1, a2), (b1, b2) = a_halves, b_halves
    p = a * b
    e = a1 * b1
    e -= p
    t = a1 * b2
    e += t
    e += np.multiply(a2, b1, out=t)
    e += np.multiply(a2, b2, out=t)
    return p, e


def add(x: Pair, y: Pair) -> Pair:
    """Return x + y, to 2**-104 of the larger of the two."""
    s, e = two_sum(x[0], y[0])
    e += x[1] + y[1]
    return quick_two_sum(s, e)


def negative(x: Pair) -> Pair:
    """Return -x."""
    return -x[0], -x[1]


def subtract(x: Pair, y: Pair) -> Pair:
    """Return x - y."""
    return add(x, negative(y))


def multiply(x: Pair, y: Pair) -> Pair:
    """Return x y."""
    p, e = two_product(x[0], y[0])
    t = x[0] * y[1]
    e += t
    e += np.multiply(x[1], y[0], out=t)
    return quick_two_sum(p, e)


def scale(x: Pair, a: Floats) -> Pair:
    """Return x times a double."""
    p, e = two_product(x[0], a)
    e += x[1] * a
    return quick_two_sum(p, e)


def reciprocal(y: Pair) -> Pair:
    """Return 1 / y."""
    return quick_two_sum(*raw_reciprocal(*y))


def raw_reciprocal(high: Floats, low: Floats) -> Pair:
    """Return 1 / (high + low) as a number and a correction that may be larger than half its last bit."""
    q = 1.0 / high
    p, e = two_product(q, high)
    np.subtract(1.0, p, out=p)
    p -= e
    p -= np.multiply(q, low, out=e)
    p *= q
    return q, p


def divide(x: Pair, y: Pair) -> Pair:
    """Return x / y."""
    q = x[0] / y[0]
    p, e = two_product(q, y[0])
    np.subtract(x[0], p, out=p)
    p -= e
    p += x[1]
    p -= np.multiply(q, y[1], out=e)
    p /= y[0]
    return quick_two_sum(q, p)


def pair(a: Floats | float) -> Pair:
    """Return a double as a pair."""
    high = np.atleast_1d(np.asarray(a, dtype=float))
    return high, np.zeros_like(high)


def rounded(x: Pair) -> Floats:
    """Return the double nearest to a pair."""
    return x[0] + x[1]


def exp(x: Pair) -> Pair:
    """Return exp(x), with x held within ±`LARGEST_EXPONENT`.

    Notes
    -----
    exp(x) = 2**m 2**(j/256) exp(r) with |r| < ln 2 / 512; the middle factor is tabulated.
    """
    return _of_reduced(*_reduced(x))


def _of_reduced(power: Ints, grown: Pair) -> Pair:
    j = power & (_STEPS - 1)
    high, low = exponentials()
    t, tail = high.take(j), low.take(j)
    p, e = two_product(t, grown[0])
    s, f = quick_two_sum(t, p)
    f += e
    f += tail
    f += np.multiply(t, grown[1], out=e)
    f += np.multiply(tail, grown[0], out=e)
    high, low = quick_two_sum(s, f)
    factor = _power(power >> 8)
    high *= factor
    low *= factor
    return high, low


def expm1(x: Pair) -> Pair:
    """Return exp(x) - 1 without cancellation near zero, with x held within ±`LARGEST_EXPONENT`."""
    power, grown = _reduced(x, near_zero=True)
    there = add(_of_reduced(power, grown), pair(-1.0))
    near = power == 0
    return np.where(near, grown[0], there[0]), np.where(near, grown[1], there[1])


def exp_rounded(x: Floats) -> Floats:
    """Return exp(x) as a double, right to 0.51 units in its last place, with x held as for `exp`.

    Examples
    --------
    >>> exp_rounded(np.array([0.0, 1.0, -745.0])).tolist() == [1.0, np.e, float(np.exp(-690.0))]
    True
    """
    return exp_of_parts(*exp_parts((x, np.zeros(1))))


def exp_parts(x: Pair, most: float | None = LARGEST_EXPONENT) -> tuple[Ints, Floats, Floats]:
    """Return what exp(x) is made of, with x held within ±``most``, if it isn't anyway, to 2**-62 of it.

    Returns
    -------
    place, factor, grown
        exp(x) is entry ``place`` of the table `exponentials`, times the power of two ``factor``, times
        1 + ``grown``, which is below 2**-9.
    """
    high, low = x if most is None else _held(x, most)
    unit, first, second, third = _logarithm_of_two()
    k = high * unit
    np.rint(k, out=k)
    # k times the first part of ln 2 / 256, and the difference of neighbours, are exact.
    t = k * first
    r = np.subtract(high, t)
    r -= np.subtract(np.multiply(k, second + third, out=t), low, out=t)
    s = r * (1 / 120)
    for factor in (1 / 24, 1 / 6, 0.5):
        s += factor
        s *= r
    s *= r
    r += s
    power = k.astype(np.int64)
    place = power & (_STEPS - 1)
    power >>= 8
    return place, _power(power), r


def exp_of_parts(place: Ints, factor: Floats, grown: Floats) -> Floats:
    """Return exp(x) as a double; see `exp_parts`."""
    table, tail = exponentials()
    found = table.take(place)
    rest = grown * found
    rest += tail.take(place)
    found += rest
    found *= factor
    return found


def _held(x: Pair, most: float = LARGEST_EXPONENT) -> Pair:
    """Return x held within ±``most``."""
    high, low = x
    if high.size and max(float(high.max()), -float(high.min())) > most:
        inside = np.abs(high) <= most
        high, low = np.clip(high, -most, most), np.where(inside, low, 0.0)
    return high, low


def _reduced(x: Pair, *, near_zero: bool = False) -> tuple[Ints, Pair]:
    """Return k and exp(r) - 1 of x = k ln 2 / 256 + r, the latter to 2**-71, or 2**-80 of itself."""
    high, low = _held(x)
    unit, first, second, third = _logarithm_of_two()
    k = high * unit
    np.rint(k, out=k)
    # k times the first two parts of ln 2 / 256, and the difference of neighbours, are exact.
    t = k * first
    np.subtract(high, t, out=t)
    r, e = two_sum(t, k * -second)
    e += low
    e -= np.multiply(k, third, out=t)
    r, e = quick_two_sum(r, e)
    cubic = r * (1 / 720)
    for factor in (1 / 120, 1 / 24):
        cubic += factor
        cubic *= r
    cubic += 1 / 6
    if near_zero:
        square, f = two_product(r, r)
        s, g = two_sum(r, 0.5 * square)
        g += square * r * (cubic + r**4 / 5040) + (0.5 * f + e * (1.0 + r))
        return k.astype(np.int64), quick_two_sum(s, g)
    cubic *= r
    cubic += 0.5
    cubic *= r
    cubic *= r
    cubic += e
    return k.astype(np.int64), quick_two_sum(r, cubic)


def _power(exponent: Ints) -> Floats:
    """Return 2.0**exponent."""
    bits = exponent + 1023
    bits <<= 52
    return bits.view(np.float64)


def arctan(x: Pair) -> Pair:
    """Return the arc tangent of x.

    Notes
    -----
    Beyond 1 it is pi/2 less that of 1/x; within, arctan x = arctan t + arctan((x - t) / (1 + x t)) with t
    the nearest of 257 tabulated points.
    """
    sign = np.where(x[0] < 0, -1.0, 1.0)
    size = (x[0] * sign, x[1] * sign)
    large = size[0] > 1.0
    inverse = reciprocal((np.where(large, size[0], 1.0), np.where(large, size[1], 0.0)))
    inner = np.where(large, inverse[0], size[0]), np.where(large, inverse[1], size[1])
    j = np.rint(inner[0] * 256.0).astype(np.int64)
    t = j / 256.0
    w = divide(add(inner, (-t, np.zeros_like(t))), add(pair(1.0), scale(inner, t)))
    square = w[0] * w[0]
    higher = w[0] * square * (-1 / 3 + square * (1 / 5 + square * (-1 / 7 + square / 9)))
    high, low = _arc_tangents()
    found = add((high.take(j), low.take(j)), quick_two_sum(w[0], w[1] + higher))
    turned = subtract(_half_pi(), found)
    chosen = np.where(large, turned[0], found[0]), np.where(large, turned[1], found[1])
    return chosen[0] * sign, chosen[1] * sign


def arctan2(y: Pair, x: Pair) -> Pair:
    """Return the angle of the point (x, y) for y > 0, between 0 and pi."""
    steep = y[0] > np.abs(x[0])
    top = np.where(steep, -x[0], y[0]), np.where(steep, -x[1], y[1])
    bottom = np.where(steep, y[0], x[0]), np.where(steep, y[1], x[1])
    angle = arctan(divide(top, bottom))
    base = np.where(steep, 1.0, np.where(x[0] < 0, 2.0, 0.0))  # right angles
    return add(scale(_half_pi(), base), angle)


def mills(x: Pair) -> Pair:
    """Return the Mills ratio of the normal distribution, (1 - F(x)) / F'(x), for x >= 0."""
    return multiply(scaled_erfc(multiply(x, _root_half())), _root_half_pi())


def root_two_pi() -> Pair:
    """Return the square root of 2 pi."""
    return scale(_root_half_pi(), np.array([2.0]))


def scaled_erfc(x: Pair) -> Pair:
    """Return exp(x x) erfc(x) for x >= 0.

    Notes
    -----
    The midpoint rule with step h on the real line, whose error is of the size exp(-pi**2 / h**2), with the
    residue of the pole that it leaves out (Chiarella and Reichel 1968, *Mathematics of Computation* 22,
    137-143; Hunter and Regan 1972, the same 26, 539-541).
    """
    square = multiply(x, x)
    total = pair(np.zeros_like(x[0]))
    for node, weight in _midpoints():
        total = add(total, divide(weight, add(square, node)))
    factor, turn, last = _midpoint_constants()
    smooth = multiply(multiply(total, x), factor)
    # The pole's residue, 2 exp(x x) / (1 + exp(2 pi x / h)), has no part left of the real line's nodes.
    has_pole = x[0] < last
    held = np.where(has_pole, x[0], 0.0), np.where(has_pole, x[1], 0.0)
    along = multiply(held, turn)
    pole = divide(scale(exp(subtract(multiply(held, held), along)), np.array([2.0])), _one_plus_exp(along))
    return add(smooth, (np.where(has_pole, pole[0], 0.0), np.where(has_pole, pole[1], 0.0)))


def _one_plus_exp(along: Pair) -> Pair:
    """Return 1 + exp(-along)."""
    return add(pair(1.0), exp(negative(along)))


# --- constants, from decimal arithmetic ---


@contextmanager
def decimal_digits() -> Iterator[None]:
    """Work out decimal numbers to more digits than a pair has."""
    with localcontext() as context:
        context.prec = _DIGITS
        yield


def constants(values: Sequence[Decimal]) -> Pair:
    """Return the pairs nearest to decimal numbers."""
    highs = [float(value) for value in values]
    rests = [float(value - Decimal(high)) for value, high in zip(values, highs, strict=True)]
    return np.array(highs), np.array(rests)


def constant(value: Decimal) -> Pair:
    """Return the pair nearest to a decimal number, shape (1,)."""
    return constants([value])


@cache
def _logarithm_of_two() -> tuple[float, float, float, float]:
    """Return 256 / ln 2 and ln 2 / 256 as the sum of two numbers of 32 bits and a rest."""
    with decimal_digits():
        unit = Decimal(2).ln() / _STEPS
        parts = []
        rest = unit
        for bits in (41, 73):  # ln 2 / 256 is below 2**-8: 32 bits of it, and 32 more
            part = float((rest * Decimal(2) ** bits).to_integral_value()) / 2.0**bits
            parts.append(part)
            rest -= Decimal(part)
        return float(1 / unit), parts[0], parts[1], float(rest)


@cache
def exponentials() -> Pair:
    """Return 2**(j / 256), j = 0 … 255."""
    with decimal_digits():
        unit = Decimal(2).ln() / _STEPS
        return constants([(unit * j).exp() for j in range(_STEPS)])


@cache
def _pi() -> Decimal:
    """Return pi by Machin's formula."""
    with localcontext() as context:
        context.prec = _DIGITS + 5
        return 4 * (4 * _decimal_arctan(Decimal(1) / 5) - _decimal_arctan(Decimal(1) / 239))


def _decimal_arctan(x: Decimal) -> Decimal:
    """Return the arc tangent of 0 <= x <= 1, halving the angle until the series is short."""
    halvings = 0
    while x > Decimal("0.05"):
        x = x / (1 + (1 + x * x).sqrt())
        halvings += 1
    total, power, k = Decimal(0), x, 1
    while abs(power) > Decimal(10) ** -(_DIGITS + 5):
        total += power / k
        power, k = -power * x * x, k + 2
    return total * Decimal(2**halvings)


@cache
def _half_pi() -> Pair:
    return constant(_pi() / 2)


@cache
def _root_half() -> Pair:
    with decimal_digits():
        return constant(Decimal("0.5").sqrt())


@cache
def _root_half_pi() -> Pair:
    with decimal_digits():
        return constant((_pi() / 2).sqrt())


@cache
def _arc_tangents() -> Pair:
    with decimal_digits():
        return constants([_decimal_arctan(Decimal(j) / 256) for j in range(257)])


# A step of 3/8: the rule's error is of the size exp(-pi**2 / h**2) = 3e-31.
_STEP = Decimal("0.375")


@cache
def _midpoints() -> tuple[tuple[Pair, Pair], ...]:
    """Return the squares of the positive midpoints, and exp of minus them, until they are negligible."""
    with decimal_digits():
        nodes = [((k + Decimal("0.5")) * _STEP) ** 2 for k in range(22)]
        return tuple((constant(node), constant((-node).exp())) for node in nodes)


@cache
def _midpoint_constants() -> tuple[Pair, Pair, float]:
    """Return 2 h / pi, 2 pi / h and pi / h."""
    with decimal_digits():
        return (
            constant(2 * _STEP / _pi()),
            constant(2 * _pi() / _STEP),
            float(_pi() / _STEP),
        )
