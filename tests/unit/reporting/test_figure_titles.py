"""Headlines never say what their numbers don't: random numbers in, sentences taken apart again."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coprodstats.reporting import figure_titles as titles
from coprodstats.reporting.language import speaking
from coprodstats.reporting.style import OUTCOMES

NAMES = [one.name for one in OUTCOMES]
LANGUAGES = st.sampled_from(["en", "fr"])
share = st.floats(0, 1).map(lambda x: round(x, 4))
point = st.floats(-0.4, 0.4).map(lambda x: round(x, 5))
NUMBER = re.compile(r"[+−]?\d+(?:[.,]\d+)?")


def numbers(text: str) -> list[float]:
    """Return the numbers of a sentence, true minus signs and decimal commas read as such."""
    return [float(n.replace("−", "-").replace(",", ".")) for n in NUMBER.findall(text)]


def rounded(value: float, digits: int = 0) -> tuple[float, float]:
    """Return between which numbers a reader may see a value: rounding is half to even of its decimals."""
    # Half a unit and a little, for ties.
    half = 0.5 * 10.0**-digits + 1e-9
    return value - half, value + half


def assert_prints(found: float, value: float, digits: int = 0) -> None:
    low, high = rounded(value, digits)
    assert low <= found <= high


@given(share, share, LANGUAGES)
def test_levels_are_the_levels(first: float, second: float, code: str) -> None:
    with speaking(code):
        found = numbers(titles.levels_title(dict(zip(NAMES, (first, second), strict=True)), OUTCOMES))
    assert_prints(found[0], 100 * first)
    assert_prints(found[1], 100 * second)


@given(st.lists(share, min_size=1, max_size=6), LANGUAGES)
def test_items_named_are_those_with_the_least_and_the_most(shares: list[float], code: str) -> None:
    items = [f"item {chr(65 + i)}" for i in range(len(shares))]
    frame = pd.DataFrame({"item": items, "category": "often", "estimate": shares})
    other = frame.assign(category="never", estimate=[1 - s for s in shares])
    with speaking(code):
        text = titles.items_title(pd.concat([other, frame]), "often")
    named = re.findall(r"item [A-Z]", text)
    if named:
        assert shares[items.index(named[0])] == min(shares)
        assert shares[items.index(named[1])] == max(shares)
        assert_prints(numbers(text)[0], 100 * min(shares))
        assert_prints(numbers(text)[1], 100 * max(shares))
    else:  # all are printed as the same share
        assert 100 * (max(shares) - min(shares)) <= 1 + 1e-9
        assert_prints(numbers(text)[0], 100 * min(shares))


@given(st.lists(share, min_size=4, max_size=4), LANGUAGES)
def test_ends_are_the_first_and_the_last_value(shares: list[float], code: str) -> None:
    frame = pd.DataFrame({"model": NAMES * 3, "value": [20, 20, 50, 50, 85.5, 85.5]})
    frame["estimate"] = [*shares[:2], 0.5, 0.5, *shares[2:]]
    with speaking(code):
        found = numbers(titles.ends_title(frame, "age", OUTCOMES))
    assert (found[0], found[3]) == (20, 85.5)
    for shown, value in zip([*found[1:3], *found[4:]], shares, strict=True):
        assert_prints(shown, 100 * value)


@given(st.lists(st.tuples(share, share, share, share), min_size=1, max_size=4), LANGUAGES)
def test_changes_hold_every_groups_change(ends: list[tuple[float, ...]], code: str) -> None:
    rows = [
        (model, value, f"g{k}", own[2 * i + j])
        for k, own in enumerate(ends)
        for i, model in enumerate(NAMES)
        for j, value in enumerate((20.0, 80.0))
    ]
    frame = pd.DataFrame(rows, columns=["model", "value", "group", "estimate"])
    with speaking(code):
        text = titles.changes_title(frame, "age", OUTCOMES)
    told = text.split(": ")[1] if code == "en" else text.split("\N{NARROW NO-BREAK SPACE}: ")[1]
    parts = re.split(r" (?:and|et) ", told)
    for i, part in enumerate(parts):
        changes = [100 * (own[2 * i + 1] - own[2 * i]) for own in ends]
        found = numbers(part)
        assert_prints(found[0], min(changes))
        assert_prints(found[-1], max(changes))


intervals = st.tuples(point, point, point).map(sorted)


@settings(max_examples=60)
@given(st.lists(intervals, min_size=1, max_size=8), LANGUAGES)
def test_cells_counted_as_clear_exclude_zero(cells: list[list[float]], code: str) -> None:
    rows = [(name, middle, low, high) for name in NAMES for low, middle, high in cells]
    frame = pd.DataFrame(rows, columns=["model", "estimate", "conf_low", "conf_high"])
    with speaking(code):
        text = titles.heat_title(frame, "Belief", OUTCOMES)
    surely_above = sum(low > 0.0006 for low, _, _ in cells)
    surely_below = sum(high < -0.0006 for _, _, high in cells)
    for part in re.split(r"\s?; ", text):
        above, n, *below = [int(x) for x in numbers(part)]
        assert n == len(cells)
        assert surely_above <= above <= sum(low > 0 for low, _, _ in cells)
        assert surely_below <= (below or [0])[0] <= sum(high < 0 for _, _, high in cells)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_difference_of_slopes_is_said_where_the_test_shows_one(first: float, second: float) -> None:
    text = titles.thresholds_title(dict(zip(NAMES, (first, second), strict=True)), OUTCOMES)
    for part, p in zip(text.split("; "), (first, second), strict=True):
        assert ("no clear sign" in part) == (p >= 0.05)
        shown = re.search(r"p (=|<|>) ?([\d.]+)\)", part)
        assert shown is not None
        if shown[1] == "=":
            assert_prints(float(shown[2]), p, 3)
        else:
            assert (p < 0.001) if shown[1] == "<" else (p > 0.999)


def test_no_test_is_said_to_be_none() -> None:
    text = titles.thresholds_title({"individual": float("nan"), "collective": 0.01}, OUTCOMES)
    assert text == (
        "Individual: no test of slopes between thresholds; "
        "Collective: slopes differ between thresholds (p = 0.010)"
    )


@given(st.lists(st.tuples(share, share, share), min_size=1, max_size=10), LANGUAGES)
def test_groups_that_agree_are_counted(groups: list[tuple[float, ...]], code: str) -> None:
    rows = [(name, p, *sorted(ends)) for name in NAMES for p, *ends in groups]
    frame = pd.DataFrame(rows, columns=["model", "predicted", "conf_low", "conf_high"])
    agree = sum(min(ends) <= p <= max(ends) for p, *ends in groups)
    with speaking(code):
        assert numbers(titles.calibration_title(frame, OUTCOMES)) == [agree, len(groups)] * 2


@pytest.mark.parametrize("code", ["en", "fr"])
def test_no_headline_speaks_of_effects(code: str) -> None:
    frame = pd.DataFrame({"model": NAMES, "estimate": 0.1, "conf_low": 0.05, "conf_high": 0.15})
    with speaking(code):
        text = titles.heat_title(frame, "Belief", OUTCOMES)
    assert not re.search(r"(?i)\b(effects?|effets?|causes?)\b", text)
