from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from coprodstats.reporting.narrative import (
    Estimate,
    difference_sentence,
    level_sentence,
    likelihood_sentence,
    lower_first,
)

NUMBER = r"([+−]?\d+(?:\.\d+)?)"


@st.composite
def estimates(draw: st.DrawFn, low: float = -1.0, high: float = 1.0) -> Estimate:
    ends = st.floats(low, high, allow_nan=False)
    # Small numbers are where rounding tells lies.
    near = st.floats(-0.002, 0.002, allow_nan=False) if low < 0 else ends
    three = sorted(draw(st.tuples(*(st.one_of(ends, near) for _ in range(3)))))
    return Estimate(value=three[1], low=three[0], high=three[2])


def numbers(text: str) -> list[Decimal]:
    return [Decimal(n.replace("−", "-").replace("+", "")) for n in re.findall(NUMBER, text)]


def span(text: str) -> tuple[Decimal, Decimal]:
    found = re.search(rf"95% interval {NUMBER}%? to {NUMBER}%?\)", text)
    assert found is not None, text
    low, high = (Decimal(n.replace("−", "-").replace("+", "")) for n in found.groups())
    return low, high


def as_printed(share: float) -> float:
    return float(Decimal(f"{share:.10g}") * 100)


@given(estimates())
def test_a_likelihood_says_what_the_interval_says(e: Estimate) -> None:
    text = likelihood_sentence("Women, compared with men,", "to help", e)
    low, high = span(text)
    assert low <= high
    if text.startswith("We could not tell"):
        # As printed, the interval holds or touches zero, and it is printed with its signs.
        assert low <= 0 <= high
        assert "more or less likely" in text
        assert float(low) == pytest.approx(as_printed(e.low), abs=0.0500001)
        assert float(high) == pytest.approx(as_printed(e.high), abs=0.0500001)
        return
    assert e.low > 0 or e.high < 0
    assert (" more likely " in text) == (e.value > 0)
    assert (" less likely " in text) == (e.value < 0)
    size = Decimal(re.search(rf"were {NUMBER} percentage", text).group(1))
    assert 0 < low <= size <= high
    assert float(size) == pytest.approx(abs(as_printed(e.value)), abs=0.0500001)
    assert float(low) == pytest.approx(min(abs(as_printed(e.low)), abs(as_printed(e.high))), abs=0.0500001)
    assert float(high) == pytest.approx(max(abs(as_printed(e.low)), abs(as_printed(e.high))), abs=0.0500001)


@given(estimates())
def test_a_difference_is_told_only_if_the_printed_interval_leaves_zero_out(e: Estimate) -> None:
    text = difference_sentence("age", e, first="one", second="other")
    low, high = span(text)
    assert "other minus one" in text or text.startswith("We could not tell")
    if text.startswith("We could not tell"):
        assert low <= 0 <= high
        return
    shown = Decimal(re.search(rf"differ by {NUMBER} points", text).group(1).replace("−", "-").strip("+"))
    assert low <= shown <= high
    assert low > 0 or high < 0
    assert (shown > 0) == (e.value > 0)


@given(estimates())
def test_both_kinds_of_sentence_are_sure_of_the_same_numbers(e: Estimate) -> None:
    one = likelihood_sentence("They", "to help", e).startswith("We could not")
    two = difference_sentence("age", e, first="a", second="b").startswith("We could not")
    assert one == two
    flipped = Estimate(value=-e.value, low=-e.high, high=-e.low)
    assert flipped.is_clear == e.is_clear


@given(estimates())
def test_more_doubt_never_makes_a_sentence_surer(e: Estimate) -> None:
    assume(not e.is_clear)
    wider = Estimate(value=e.value, low=e.low - 0.01, high=e.high + 0.01)
    assert likelihood_sentence("They", "to help", wider).startswith("We could not tell")


@given(estimates(low=0.0))
def test_a_level_is_neither_none_nor_all_unless_it_is(e: Estimate) -> None:
    text = level_sentence("to help", e)
    if 0 < e.value < 1:
        assert "About 0 in 100" not in text
        assert "About 100 in 100" not in text
    low, high = span(text)
    assert low <= high
    about = re.match(r"About (\d+) in 100", text)
    if about is not None:
        assert float(about.group(1)) == pytest.approx(100 * e.value, abs=0.5000001)
        assert low <= int(about.group(1)) <= high


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.002, "Fewer than 1 in 100 people were estimated to help (95% interval 0.1% to 0.4%)."),
        (0.998, "More than 99 in 100 people were estimated to help (95% interval 99.6% to 99.9%)."),
        (0.295, "About 30 in 100 people were estimated to help (95% interval 25% to 35%)."),
    ],
)
def test_levels_in_words(value: float, said: str) -> None:
    ends = {0.002: (0.001, 0.004), 0.998: (0.996, 0.999), 0.295: (0.25, 0.35)}[value]
    assert level_sentence("to help", Estimate(value=value, low=ends[0], high=ends[1])) == said


def test_an_interval_that_is_printed_as_touching_zero_is_not_clear() -> None:
    # 0.04 to 1.2 points: printed as 0.0 to 1.2.
    e = Estimate(value=0.006, low=0.0004, high=0.012)
    text = likelihood_sentence("Women, compared with men,", "to help", e)
    assert text == (
        "We could not tell whether women, compared with men, were more or less likely to help "
        "(estimate +0.6 points, 95% interval 0.0 to 1.2)."
    )
    assert Estimate(value=0.006, low=0.0006, high=0.012).is_clear


def test_numbers_that_are_missing_are_never_clear() -> None:
    nan = float("nan")
    e = Estimate(value=0.1, low=nan, high=nan)
    assert not e.is_clear
    assert "[x]" in likelihood_sentence("They", "to help", e)
    assert level_sentence("to help", Estimate(value=1.0, low=nan, high=nan)).startswith("About 100 in 100")


@pytest.mark.parametrize(
    ("text", "middle"),
    [("Women", "women"), ("EU citizens", "EU citizens"), ("", ""), ("A group", "a group"), ("X", "x")],
)
def test_the_beginning_of_a_phrase_in_the_middle_of_a_sentence(text: str, middle: str) -> None:
    assert lower_first(text) == middle
