from __future__ import annotations

import math
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprodstats.errors import ArgumentError
from coprodstats.reporting import format as fmt

FINITE = st.floats(allow_nan=False, allow_infinity=False)
MODEST = st.floats(min_value=-1e6, max_value=1e6)


def back(text: str) -> Decimal:
    return Decimal(text.replace(fmt.MINUS, "-").replace(",", "").rstrip("%"))


@given(MODEST, st.integers(0, 5))
def test_a_written_number_is_within_half_a_unit_of_its_last_decimal(value: float, digits: int) -> None:
    written = back(fmt.number(value, digits))
    # Ten significant digits come first: they cost at most half a unit of the tenth.
    slack = Decimal(abs(value)) * Decimal("5e-10")
    assert abs(written - Decimal(value)) <= Decimal(10) ** -digits / 2 + slack


@given(FINITE, st.integers(0, 6))
def test_text_has_a_true_minus_and_never_a_negative_zero(value: float, digits: int) -> None:
    text = fmt.number(value, digits)
    assert "-" not in text
    assert not (text.startswith(fmt.MINUS) and back(text) == 0)
    assert len(text.partition(".")[2]) == digits


@given(MODEST, st.integers(0, 4))
def test_the_sign_flips_with_the_number(value: float, digits: int) -> None:
    assert back(fmt.number(-value, digits)) == -back(fmt.number(value, digits))


@given(MODEST, MODEST, st.integers(0, 4))
def test_rounding_keeps_the_order(one: float, other: float, digits: int) -> None:
    low, high = sorted((one, other))
    assert back(fmt.number(low, digits)) <= back(fmt.number(high, digits))


@given(st.floats(0, 1))
def test_a_p_value_is_never_zero_nor_one(p: float) -> None:
    text = fmt.p_value(p)
    assert text in ("<0.001", ">0.999") or 0 < back(text) < 1


@given(st.floats(-700, 700))
def test_an_odds_ratio_is_never_written_as_zero(log_odds: float) -> None:
    assert fmt.odds_ratio(log_odds).strip("0.") != ""


@given(FINITE)
def test_significant_digits_are_stable(value: float) -> None:
    once = fmt.significant(value)
    assert fmt.significant(once) == once
    assert math.copysign(1, fmt.significant(-0.0)) == 1


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.125, 2, "0.12"),  # a tie goes to the even digit
        (0.375, 2, "0.38"),
        (2.675, 2, "2.68"),  # the double is below, the decimal that people see is a tie
        (0.1 + 0.2, 1, "0.3"),
        (-0.004, 2, "0.00"),
        (1234567.891, 1, "1,234,567.9"),
        (1e300, 0, f"{10**300:,}"),
        (math.inf, 2, "∞"),
        (-math.inf, 2, "−∞"),
    ],
)
def test_numbers_by_hand(value: float, digits: int, text: str) -> None:
    assert fmt.number(value, digits) == text


def test_noise_in_the_last_bits_changes_no_text() -> None:
    assert fmt.number(0.125) == fmt.number(0.12500000000000003) == fmt.number(0.12499999999999999)


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA, pd.NaT])
def test_a_missing_number_is_a_shorthand_everywhere(missing: float) -> None:
    assert fmt.number(missing) == fmt.percent(missing) == fmt.points(missing) == fmt.p_value(missing) == "[x]"
    assert fmt.count(missing) == fmt.odds_ratio(missing) == fmt.interval(missing, 1.0) == "[x]"
    assert fmt.estimate(missing, missing, missing) == "[x]"
    assert fmt.estimate(1.0, missing, missing) == "1.00"
    assert fmt.number(missing, missing="[ref]") == "[ref]"


def test_percentages_and_points() -> None:
    assert fmt.percent_estimate(0.125, 0.1, 0.155, 1) == "12.5% (10.0% to 15.5%)"
    assert fmt.points_estimate(-0.0204, -0.03, 0.0, 1) == "−2.0 (−3.0 to 0.0)"
    assert fmt.points(0.021, 1, sign=False) == "2.1"


def test_odds_ratios_are_exponentials() -> None:
    assert fmt.odds_ratio_estimate(math.log(1.5), math.log(0.5), math.log(4.5)) == "1.50 (0.50 to 4.50)"
    assert fmt.odds_ratio(1000.0) == "∞"


def test_a_p_value_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ArgumentError, match="no probability"):
        fmt.p_value(1.5)


def test_an_unknown_shorthand_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"not declared"):
        fmt.meaning("[q]")


def test_negative_decimals_are_refused() -> None:
    with pytest.raises(ArgumentError, match="negative count of decimals"):
        fmt.number(1.0, -1)
