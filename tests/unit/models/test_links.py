from __future__ import annotations

import mpmath
import numpy as np
import pytest

from coprodstats.models.links import LINKS, log1mexp, log_interval

mpmath.mp.dps = 60

# F, 1 - F and F' of each distribution, from their definitions and to 60 digits.
EXACT = {
    "logit": (
        lambda z: 1 / (1 + mpmath.exp(-z)),
        lambda z: 1 / (1 + mpmath.exp(z)),
        lambda z: mpmath.exp(-z) / (1 + mpmath.exp(-z)) ** 2,
    ),
    "probit": (mpmath.ncdf, lambda z: mpmath.erfc(z / mpmath.sqrt(2)) / 2, mpmath.npdf),
    "cloglog": (
        lambda z: -mpmath.expm1(-mpmath.exp(z)),
        lambda z: mpmath.exp(-mpmath.exp(z)),
        lambda z: mpmath.exp(z - mpmath.exp(z)),
    ),
    "loglog": (
        lambda z: mpmath.exp(-mpmath.exp(-z)),
        lambda z: -mpmath.expm1(-mpmath.exp(-z)),
        lambda z: mpmath.exp(-z - mpmath.exp(-z)),
    ),
    "cauchit": (
        lambda z: mpmath.atan2(1, -z) / mpmath.pi,
        lambda z: mpmath.atan2(1, z) / mpmath.pi,
        lambda z: 1 / (mpmath.pi * (1 + z * z)),
    ),
}
POINTS = (-35.0, -8.0, -1.5, -0.01, 0.0, 0.3, 2.0, 6.0, 20.0)
INTERVALS = (
    (-800.0, -799.0), (-41.0, -40.0), (-3.0, -2.5), (-1.0, 1.0), (-0.1, 40.0), (-1e-3, 1e-3), (2.5, 3.0),
    (40.0, 41.0), (799.0, 800.0), (-np.inf, -30.0), (-np.inf, 0.5), (0.5, np.inf), (30.0, np.inf),
)  # fmt: skip


def exact_interval(name: str, lower: float, upper: float) -> mpmath.mpf:
    """log(F(u) - F(l)) with enough digits that no tail cancels."""
    cdf, sf, _ = EXACT[name]
    with mpmath.workdps(2_000):
        low, high = mpmath.mpf(lower), mpmath.mpf(upper)
        if lower == -np.inf:
            return mpmath.log(cdf(high))
        if upper == np.inf:
            return mpmath.log(sf(low))
        return mpmath.log(sf(low) - sf(high) if lower > 0 else cdf(high) - cdf(low))


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("part", ["log_cdf", "log_sf", "log_pdf"])
def test_logarithms_are_those_of_60_digit_arithmetic(name: str, part: str) -> None:
    exact = EXACT[name][("log_cdf", "log_sf", "log_pdf").index(part)]
    ours = getattr(LINKS[name], part)(np.array(POINTS))
    for z, value in zip(POINTS, ours, strict=True):
        wanted = mpmath.log(exact(mpmath.mpf(z)))
        # Near probability 1 the logarithm is tiny: there its absolute size is what counts.
        assert abs(value - wanted) <= 1e-13 * abs(wanted) + 2e-16, z


@pytest.mark.parametrize("name", LINKS)
def test_the_slope_of_the_log_density_is_that_of_its_difference_quotient(name: str) -> None:
    log_density = lambda z: mpmath.log(EXACT[name][2](z))  # noqa: E731
    for z in (-3.0, -0.5, 0.0, 1.2, 3.0):
        wanted = mpmath.diff(log_density, mpmath.mpf(z))
        assert LINKS[name].pdf_slope(np.array([z]))[0] == pytest.approx(float(wanted), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize(("lower", "upper"), INTERVALS)
def test_probabilities_of_intervals_keep_their_digits_in_the_tails(
    name: str, lower: float, upper: float
) -> None:
    ours = log_interval(LINKS[name], np.array([lower]), np.array([upper]))[0]
    if (name, lower) == ("cloglog", 799.0) or (name, lower) == ("loglog", -800.0):
        assert ours == -np.inf  # the logarithm itself is beyond the largest double
        return
    wanted = float(exact_interval(name, lower, upper))
    assert ours == pytest.approx(wanted, rel=1e-13, abs=2e-16)


@pytest.mark.parametrize("name", LINKS)
def test_the_distribution_and_its_complement_meet_at_one(name: str) -> None:
    z = np.linspace(-5, 5, 41)
    total = np.exp(LINKS[name].log_cdf(z)) + np.exp(LINKS[name].log_sf(z))
    assert total == pytest.approx(np.ones(41), abs=1e-14)


def test_cloglog_and_loglog_mirror_each_other() -> None:
    z = np.linspace(-6, 6, 25)
    assert LINKS["cloglog"].log_cdf(z) == pytest.approx(LINKS["loglog"].log_sf(-z), rel=1e-15)


@pytest.mark.parametrize("x", [-1e-300, -1e-12, -0.3, -np.log(2), -0.7, -40.0, -800.0])
def test_log1mexp_against_60_digits(x: float) -> None:
    wanted = float(mpmath.log(-mpmath.expm1(mpmath.mpf(x))))
    assert log1mexp(np.array([x]))[0] == pytest.approx(wanted, rel=1e-15)


def test_log1mexp_of_zero_is_minus_infinity_without_a_warning() -> None:
    assert log1mexp(np.zeros(1))[0] == -np.inf
