"""Heat map and small multiples: what is drawn is what was given, and readable without colour."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprodstats.errors import ArgumentError
from coprodstats.reporting.colour import SIGHTS, apart, lab
from coprodstats.reporting.figures import Caption, Figure, heat_map, prediction_panels
from coprodstats.reporting.figures.heat import cell_colour, cell_text
from coprodstats.reporting.style import ABOVE, BELOW, COLLECTIVE, INDIVIDUAL, contrast, ink_on

SVG = "{http://www.w3.org/2000/svg}"
WORDS = Caption(key="f", title="Headline", subtitle="Measure", n="12 people", source="Invented")
# Percentage points as a reader sees them, two outcomes by two rows by two columns.
CELLS = {
    ("individual", "Safety", "North"): (0.05, 0.01, 0.09),
    ("individual", "Safety", "South"): (-0.02, -0.06, 0.02),
    ("individual", "Health", "North"): (0.0, -0.03, 0.03),
    ("individual", "Health", "South"): (np.nan, np.nan, np.nan),
    ("collective", "Safety", "North"): (0.1, 0.06, 0.14),
    ("collective", "Safety", "South"): (-0.08, -0.12, -0.04),
    ("collective", "Health", "North"): (0.04, 0.0001, 0.08),
    ("collective", "Health", "South"): (0.03, -0.01, 0.07),
}


def heat(cells: dict[tuple[str, str, str], tuple[float, float, float]] = CELLS) -> Figure:
    rows = [(*place, *numbers) for place, numbers in cells.items()]
    columns = ["model", "row", "column", "estimate", "conf_low", "conf_high"]
    return heat_map(pd.DataFrame(rows, columns=columns), WORDS)


def shapes(svg: str, tag: str = "path") -> list[ET.Element]:
    return list(ET.fromstring(svg).iter(f"{SVG}{tag}"))  # noqa: S314  (drawn by this test)


def centre(path: ET.Element) -> tuple[float, float]:
    numbers = np.array([float(n) for n in re.findall(r"-?[\d.]+", path.get("d", ""))]).reshape(-1, 2)
    return tuple(np.round((numbers.min(axis=0) + numbers.max(axis=0)) / 2, 1))


def test_each_cell_has_the_colour_of_its_number_where_it_belongs() -> None:
    # White lines two points wide part the cells; those around markers are thinner.
    drawn = [s for s in shapes(heat().svg) if (s.get("stroke"), s.get("stroke-width")) == ("#ffffff", "2")]
    assert len(drawn) == len(CELLS)
    for (place, numbers), shape in zip(CELLS.items(), drawn, strict=True):
        share = numbers[0] / 0.1
        assert shape.get("fill", "").lower() == cell_colour(share).lower(), place
    places = [centre(shape) for shape in drawn]
    assert len({x for x, _ in places}) == 2
    assert len({y for _, y in places}) == 4
    assert [y for _, y in places] == sorted(y for _, y in places)


def test_the_words_count_what_is_clear_as_it_is_printed() -> None:
    figure = heat()
    # 0.01 to 8.0 points is printed as "0.0 to +8.0", which touches zero.
    assert "Individual: 1 of 3 margins clearly above zero, 0 clearly below." in figure.alt
    assert "Collective: 1 of 4 margins clearly above zero, 1 clearly below." in figure.alt
    assert "Lowest: Safety in South, −8.0 (−12.0 to −4.0)." in figure.alt
    assert "South [x]" in figure.description
    assert [row[-1].text for row in figure.table.rows] == [
        "+5.0 (+1.0 to +9.0)",
        "−2.0 (−6.0 to +2.0)",
        "0.0 (−3.0 to +3.0)",
        "[x]",
        "+10.0 (+6.0 to +14.0)",
        "−8.0 (−12.0 to −4.0)",
        "+4.0 (0.0 to +8.0)",
        "+3.0 (−1.0 to +7.0)",
    ]


numbers = st.floats(-0.3, 0.3).map(lambda x: round(x, 6))


@given(numbers, numbers, numbers)
def test_a_cell_says_its_side_without_colour(one: float, two: float, three: float) -> None:
    low, estimate, high = sorted((one, two, three))
    text = cell_text(estimate, low, high)
    assert ("▲" in text) <= (low > 0)
    assert ("▼" in text) <= (high < 0)
    # An end that rounds to zero is printed as zero: then there is no triangle.
    if round(100 * low, 1) > 0.1:
        assert text.startswith("▲ +")
    if round(100 * high, 1) < -0.1:
        assert text.startswith("▼ −")


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_a_cell_farther_from_zero_is_darker_and_its_number_can_be_read(one: float, other: float) -> None:
    nearer, farther = sorted((one, other), key=abs)
    if nearer * farther >= 0:
        # A colour on a screen has 256 steps, which moves lightness by up to about half a unit.
        assert lab(cell_colour(farther))[0] <= lab(cell_colour(nearer))[0] + 0.6
    assert contrast(cell_colour(one), ink_on(cell_colour(one))) >= 4.5


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_both_sides_are_told_apart_by_every_kind_of_sight(sight, share: float) -> None:
    assert apart(cell_colour(-share), cell_colour(share), sight) >= 10
    assert apart(BELOW, ABOVE, sight) >= 20


def panels(groups: tuple[str, ...]) -> tuple[pd.DataFrame, Figure]:
    rows = [
        (group, model, value, 0.2 + 0.1 * k + 0.005 * value * (1 if model == "individual" else -0.5))
        for k, group in enumerate(groups)
        for model in ("individual", "collective")
        for value in (20, 40, 60, 80)
    ]
    frame = pd.DataFrame(rows, columns=["group", "model", "value", "estimate"])
    frame = frame.assign(conf_low=frame["estimate"] - 0.05, conf_high=frame["estimate"] + 0.05)
    return frame, prediction_panels(frame, WORDS)


@pytest.mark.parametrize("n", [1, 3, 4])
def test_each_group_has_its_own_panel_on_one_scale(n: int) -> None:
    frame, figure = panels(tuple("ABCD"[:n]))
    for one in (INDIVIDUAL, COLLECTIVE):
        marked = {"fill": one.colour.lower(), "stroke": "#ffffff"}
        uses = [use for use in shapes(figure.svg, "use") if marked.items() <= use.attrib.items()]
        places = np.array([(float(use.get("x", "nan")), float(use.get("y", "nan"))) for use in uses])
        marks = places[1:].reshape(n, 4, 2)  # the key's mark comes first
        values = frame.loc[frame["model"] == one.name, "estimate"].to_numpy().reshape(n, 4)
        slopes = [np.polyfit(own, drawn[:, 1], 1) for own, drawn in zip(values, marks, strict=True)]
        for (slope, _), own, drawn in zip(slopes, values, marks, strict=True):
            # A share of 1 is 1.75 inches of 72 points high; upwards is negative.
            assert slope == pytest.approx(-1.75 * 72, rel=1e-3)
            fitted = np.polyval(np.polyfit(own, drawn[:, 1], 1), own)
            assert np.allclose(drawn[:, 1], fitted, atol=0.02)


def test_the_words_of_panels_say_the_ends() -> None:
    _, figure = panels(("A", "B"))
    # 0.2 + 0.005 * 80 = 0.6 in A and 0.7 in B; 0.2 - 0.0025 * 80 = 0 in A and 0.1 in B.
    assert "Individual at 80: 60% (55% to 65%) (A) to 70% (65% to 75%) (B)." in figure.alt
    assert "Collective at 80: 0% (−5% to 5%) (A) to 10% (5% to 15%) (B)." in figure.alt
    assert len(figure.data) == 16


def test_two_numbers_for_one_cell_are_refused() -> None:
    frame = pd.DataFrame({"model": ["individual"] * 2, "row": "a", "column": "b", "estimate": 0.1})
    with pytest.raises(ArgumentError, match="1 rows repeat another row's row, column, model"):
        heat_map(frame.assign(conf_low=0.0, conf_high=0.2), WORDS)
