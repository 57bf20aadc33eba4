"""Numbers to text, once and for every format: rounded half to even, with a true minus sign.

Every number is first cut to the ten significant digits that the CSV files hold, so that a reader who
rounds a figure of the CSV finds the figure of the table, on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from types import MappingProxyType

import pandas as pd

from coprodstats.errors import ArgumentError, Fault, listed
from coprodstats.reporting.language import say, spoken

MINUS = "\N{MINUS SIGN}"
SIGNIFICANT_DIGITS = 10
"""Significant digits kept of any number: the last bits of a double depend on the processor."""

MISSING = "[x]"
SHORTHAND: Mapping[str, str] = MappingProxyType(
    {
        "[c]": "confidential",
        "[low]": "low",
        "[ref]": "reference",
        "[u]": "unreliable",
        "[x]": "not_available",
        "[z]": "not_applicable",
    }
)
"""What stands in a cell instead of a number (after the UK Analysis Function), and its text's name."""

Number = float | int | None

# 400 digits hold the largest double written out; the default context of 28 would refuse it.
_WIDE = Context(prec=400)


def is_missing(value: object) -> bool:
    """Tell whether a cell holds no value: ``None``, ``NaN``, ``NA`` or ``NaT``.

    Examples
    --------
    >>> is_missing(None), is_missing(float("nan")), is_missing(0)
    (True, True, False)
    """
    return (
        value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value))
    )


def significant(value: float, digits: int = SIGNIFICANT_DIGITS) -> float:
    """Round to significant digits; zero has no sign, infinities and NaN stay.

    Examples
    --------
    >>> significant(0.1 + 0.2), significant(-0.0)
    (0.3, 0.0)
    """
    short = float(f"{float(value):.{digits}g}") + 0.0
    # Only the very largest doubles are rounded beyond what a double holds.
    return short if math.isfinite(short) else float(value)


def rounded(value: float, digits: int) -> Decimal:
    """Round half to even to ``digits`` decimals, starting from the decimal that a reader sees.

    Examples
    --------
    >>> rounded(2.675, 2), rounded(0.125, 2)
    (Decimal('2.68'), Decimal('0.12'))
    """
    return _quantized(_decimal(value), digits)


def number(value: Number, digits: int = 2, *, sign: bool = False, missing: str = MISSING) -> str:
    """Write a number with a fixed count of decimals.

    Parameters
    ----------
    value
        The number; missing gives ``missing``.
    digits
        Decimals.
    sign
        Whether a positive number gets a plus sign, as differences do.
    missing
        What stands for a missing value, one of `SHORTHAND` or any other text.

    Examples
    --------
    >>> number(-1234.5678), number(-0.001), number(0.5, 1, sign=True), number(None)
    ('−1,234.57', '0.00', '+0.5', '[x]')
    """
    return missing if is_missing(value) else _text(_decimal(value), digits, sign=sign)


def interval(low: Number, high: Number, digits: int = 2, *, missing: str = MISSING) -> str:
    """Write an interval in words, which no minus sign can blur.

    Examples
    --------
    >>> interval(-0.08, 0.16)
    '−0.08 to 0.16'
    """
    if is_missing(low) or is_missing(high):
        return missing
    return _span(number(low, digits), number(high, digits))


def estimate(value: Number, low: Number, high: Number, digits: int = 2, *, missing: str = MISSING) -> str:
    """Write an estimate with its interval.

    Examples
    --------
    >>> estimate(0.12, 0.08, 0.16)
    '0.12 (0.08 to 0.16)'
    """
    return _with_interval(number(value, digits, missing=missing), interval(low, high, digits, missing=""))


def percent(share: Number, digits: int = 0, *, missing: str = MISSING) -> str:
    """Write a share between 0 and 1 as a percentage.

    Examples
    --------
    >>> percent(0.456), percent(0.456, 1)
    ('46%', '45.6%')
    """
    return missing if is_missing(share) else _text(_decimal(share) * 100, digits) + spoken().percent


def percent_interval(low: Number, high: Number, digits: int = 0, *, missing: str = MISSING) -> str:
    """Write an interval of shares as percentages.

    Examples
    --------
    >>> percent_interval(0.41, 0.5)
    '41% to 50%'
    """
    if is_missing(low) or is_missing(high):
        return missing
    return _span(percent(low, digits), percent(high, digits))


def percent_estimate(
    share: Number, low: Number, high: Number, digits: int = 0, *, missing: str = MISSING
) -> str:
    """Write a share and its interval as percentages.

    Examples
    --------
    >>> percent_estimate(0.456, 0.41, 0.5)
    '46% (41% to 50%)'
    """
    return _with_interval(
        percent(share, digits, missing=missing), percent_interval(low, high, digits, missing="")
    )


def points(
    difference: Number, digits: int = 1, *, sign: bool = True, unit: str = "", missing: str = MISSING
) -> str:
    """Write a difference of two shares in percentage points.

    Parameters
    ----------
    difference
        A difference on the 0–1 scale.
    digits
        Decimals.
    sign
        Whether a positive difference gets a plus sign.
    unit
        Words after the number, such as ``"percentage points"``.
    missing
        What stands for a missing value.

    Examples
    --------
    >>> points(0.0213), points(-0.007, unit="points"), points(0.0)
    ('+2.1', '−0.7 points', '0.0')
    """
    if is_missing(difference):
        return missing
    text = _text(_decimal(difference) * 100, digits, sign=sign)
    return f"{text} {unit}" if unit else text


def points_interval(low: Number, high: Number, digits: int = 1, *, missing: str = MISSING) -> str:
    """Write an interval of a difference of two shares, in percentage points.

    Examples
    --------
    >>> points_interval(-0.033, 0.023)
    '−3.3 to +2.3'
    """
    if is_missing(low) or is_missing(high):
        return missing
    return _span(points(low, digits), points(high, digits))


def points_estimate(
    difference: Number, low: Number, high: Number, digits: int = 1, *, missing: str = MISSING
) -> str:
    """Write a difference of two shares and its interval, in percentage points.

    Examples
    --------
    >>> points_estimate(0.028, 0.023, 0.033)
    '+2.8 (+2.3 to +3.3)'
    """
    return _with_interval(
        points(difference, digits, missing=missing), points_interval(low, high, digits, missing="")
    )


def p_value(p: Number, *, missing: str = MISSING) -> str:
    """Write a p value to three decimals, never as zero and never as one.

    Raises
    ------
    ArgumentError
        If the number is outside 0–1.

    Examples
    --------
    >>> p_value(0.00004), p_value(0.0312), p_value(1.0)
    ('<0.001', '0.031', '>0.999')
    """
    if p is None or is_missing(p):
        return missing
    if not 0 <= p <= 1:
        raise ArgumentError(Fault(where="p_value", found=f"{p!r} is no probability", allowed="0 to 1"))
    exact = _decimal(p)
    if exact < Decimal("0.001"):
        return "<" + localised("0.001")
    return ">" + localised("0.999") if exact > Decimal("0.999") else _text(exact, 3)


def count(n: Number, *, missing: str = MISSING) -> str:
    """Write a count with thousands separators; a weighted count is rounded to a whole number.

    Examples
    --------
    >>> count(4951), count(4950.5)
    ('4,951', '4,950')
    """
    return number(n, 0, missing=missing)


def odds_ratio(log_odds: Number, digits: int = 2, *, missing: str = MISSING) -> str:
    """Write a log-odds coefficient as an odds ratio.

    Examples
    --------
    >>> odds_ratio(0.0), odds_ratio(-20.0), odds_ratio(0.6931471806)
    ('1.00', '<0.01', '2.00')
    """
    if log_odds is None or is_missing(log_odds):
        return missing
    ratio = math.exp(log_odds) if log_odds < 700 else math.inf
    least = Decimal(1).scaleb(-digits)
    # An odds ratio of 0.00 would say that the odds vanish.
    return "<" + localised(str(least)) if _decimal(ratio) < least / 2 else _text(_decimal(ratio), digits)


def odds_ratio_interval(low: Number, high: Number, digits: int = 2, *, missing: str = MISSING) -> str:
    """Write an interval of log-odds as an interval of odds ratios.

    Examples
    --------
    >>> odds_ratio_interval(0.0, 0.6931471806)
    '1.00 to 2.00'
    """
    if is_missing(low) or is_missing(high):
        return missing
    return _span(odds_ratio(low, digits), odds_ratio(high, digits))


def odds_ratio_estimate(
    log_odds: Number, low: Number, high: Number, digits: int = 2, *, missing: str = MISSING
) -> str:
    """Write a log-odds coefficient and its interval as odds ratios.

    Examples
    --------
    >>> odds_ratio_estimate(0.6931471806, 0.0, 1.0986122887)
    '2.00 (1.00 to 3.00)'
    """
    ratio = odds_ratio(log_odds, digits, missing=missing)
    return _with_interval(ratio, odds_ratio_interval(low, high, digits, missing=""))


def meaning(shorthand: str) -> str:
    """Return what a shorthand such as ``"[x]"`` means.

    Raises
    ------
    ArgumentError
        If the shorthand is not declared.

    Examples
    --------
    >>> meaning("[x]")
    'not available'
    """
    if shorthand not in SHORTHAND:
        fault = Fault(
            where="shorthand", found=f"{shorthand!r} is not declared", allowed=listed(list(SHORTHAND))
        )
        raise ArgumentError(fault)
    return say(f"format.{SHORTHAND[shorthand]}")


def localised(text: str) -> str:
    """Return a number written with points and commas in the style of the language spoken.

    Examples
    --------
    >>> from coprodstats.reporting.language import speaking
    >>> with speaking("fr"):
    ...     localised("1,234.5") == "1\N{NARROW NO-BREAK SPACE}234,5"
    True
    """
    language = spoken()
    return text.translate({ord(","): language.thousands, ord("."): language.decimal})


def _span(low: str, high: str) -> str:
    return say("format.interval", low=low, high=high)


def _with_interval(value: str, bounds: str) -> str:
    return f"{value} ({bounds})" if bounds else value


def _decimal(value: Number) -> Decimal:
    return Decimal(f"{float('nan') if value is None else float(value):.{SIGNIFICANT_DIGITS}g}")


def _quantized(exact: Decimal, digits: int) -> Decimal:
    if digits < 0 or not exact.is_finite():
        what = "a negative count of decimals" if digits < 0 else "a number that is not finite"
        raise ArgumentError(Fault(where="rounding", found=what, allowed="finite numbers, 0 or more decimals"))
    return exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN, _WIDE)


def _text(exact: Decimal, digits: int, *, sign: bool = False) -> str:
    if exact.is_infinite():
        return ("+" if sign else "") + "∞" if exact > 0 else f"{MINUS}∞"
    value = _quantized(exact, digits)
    lead = MINUS if value < 0 else "+" if sign and value > 0 else ""
    return lead + localised(f"{value.copy_abs():,f}")
