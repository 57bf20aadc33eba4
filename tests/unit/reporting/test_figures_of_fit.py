"""Thresholds, calibration and weights: what is drawn is what was given."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from coprodstats.errors import ArgumentError
from coprodstats.reporting.figures import (
    Caption,
    TermLabel,
    calibration_plot,
    threshold_slopes,
    weight_columns,
)
from coprodstats.reporting.style import COLLECTIVE, DARK_BLUE, INDIVIDUAL

SVG = "{http://www.w3.org/2000/svg}"
WORDS = Caption(key="f", title="Headline", subtitle="Measure", n="12 people", source="Invented")


def marks(svg: str, colour: str) -> np.ndarray:
    root = ET.fromstring(svg)  # noqa: S314  (drawn by this test)
    uses = [use for use in root.iter(f"{SVG}use") if use.get("fill", "").lower() == colour.lower()]
    return np.array([(float(use.get("x", "nan")), float(use.get("y", "nan"))) for use in uses])


def straight(values: np.ndarray, places: np.ndarray) -> float:
    """Return points per unit, having checked that values and places lie on one line."""
    slope, start = np.polyfit(values, places, 1)
    # Places are written to a hundredth of a point.
    assert np.allclose(start + slope * values, places, atol=0.03)
    return float(slope)


# Two terms, two thresholds; the second threshold of term b is apart from the common slope.
SLOPES = [("a", "", 0.2), ("a", "low", 0.25), ("a", "mid", 0.18), ("b", "", -0.1), ("b", "low", -0.1)]
SLOPES += [("b", "mid", 0.4)]


def slopes() -> pd.DataFrame:
    frame = pd.DataFrame(SLOPES, columns=["term", "split", "estimate"])
    both = pd.concat([frame.assign(model=name) for name in ("individual", "collective")])
    return both.assign(conf_low=both["estimate"] - 0.1, conf_high=both["estimate"] + 0.1)


LABELS = [TermLabel(term="a", label="A"), TermLabel(term="b", label="B")]


def test_thresholds_stand_where_their_slopes_are() -> None:
    figure = threshold_slopes(slopes(), WORDS, labels=LABELS)
    for one in (INDIVIDUAL, COLLECTIVE):
        places = marks(figure.svg, one.colour)[2:]  # two marks of the key come first
        assert straight(np.array([0.25, 0.18, -0.1, 0.4]), places[:, 0]) > 0
        assert (np.diff(places[:, 1]) > 0).all()
    assert "Individual: the intervals of 1 of 4 slopes exclude the common slope." in figure.alt
    assert "mid 0.40 (0.30 to 0.50)" in figure.description
    assert [row[1].text for row in figure.table.rows[:3]] == ["One slope for all thresholds", "low", "mid"]


def test_thresholds_are_told_apart_without_colour() -> None:
    figure = threshold_slopes(slopes(), WORDS, labels=LABELS)
    root = ET.fromstring(figure.svg)  # noqa: S314  (drawn by this test)
    href = "{http://www.w3.org/1999/xlink}href"
    used = {
        use.get(href) for use in root.iter(f"{SVG}use") if use.get("fill", "").lower() == DARK_BLUE.lower()
    }
    assert len(used) == 2


def test_a_term_without_a_common_slope_is_named() -> None:
    frame = slopes()
    frame = frame[(frame["split"] != "") | (frame["term"] != "b")]
    with pytest.raises(ArgumentError, match="common slope: term 'b' has no row"):
        threshold_slopes(frame, WORDS, labels=LABELS)


def test_more_thresholds_than_marks_are_refused() -> None:
    parts = [slopes().query("split == ''").assign(split=f"s{i}") for i in range(7)]
    frame = pd.concat([slopes().query("split == ''"), *parts])
    with pytest.raises(ArgumentError, match="7 thresholds"):
        threshold_slopes(frame, WORDS, labels=LABELS)


def groups() -> pd.DataFrame:
    predicted, observed = np.array([0.1, 0.3, 0.5, 0.7]), np.array([0.12, 0.25, 0.55, 0.71])
    rows = {"group": [1, 2, 3, 4], "predicted": predicted, "observed": observed, "n": 50}
    frame = pd.DataFrame(rows)
    both = pd.concat([frame.assign(model=name) for name in ("individual", "collective")])
    half = [0.03, 0.04, 0.1, np.nan] * 2
    return both.assign(conf_low=both["observed"] - half, conf_high=both["observed"] + half)


def test_calibration_is_drawn_on_two_equal_scales() -> None:
    figure = calibration_plot(groups(), WORDS)
    for one in (INDIVIDUAL, COLLECTIVE):
        places = marks(figure.svg, one.colour)[1:]
        across = straight(np.array([0.1, 0.3, 0.5, 0.7]), places[:, 0])
        up = straight(np.array([0.12, 0.25, 0.55, 0.71]), places[:, 1])
        assert across == pytest.approx(-up, rel=1e-3)
    # 0.12 ± 0.03 holds 0.1; 0.25 ± 0.04 does not hold 0.3; 0.55 ± 0.1 holds 0.5; the last has no interval.
    assert "95% intervals of observed shares hold it in 2 of 3 groups" in figure.alt
    assert figure.table.rows[3][-1].text == "71.0%"


def test_weights_are_columns_as_high_as_their_shares() -> None:
    shares = [0.1, 0.5, 0.0, 0.4]
    frame = pd.DataFrame({"low": [0.5, 1.0, 1.5, 2.0], "high": [1.0, 1.5, 2.0, 2.5], "share": shares})
    figure = weight_columns(frame, WORDS, respondents=900, effective=712.3)
    root = ET.fromstring(figure.svg)  # noqa: S314  (drawn by this test)
    columns = [p for p in root.iter(f"{SVG}path") if p.get("fill", "").lower() == DARK_BLUE.lower()]
    sizes = []
    for column in columns:
        points = np.array([float(n) for n in re.findall(r"-?[\d.]+", column.get("d", ""))]).reshape(-1, 2)
        sizes.append(np.ptp(points, axis=0))
    heights = np.array([height for _, height in sizes])
    assert straight(np.array(shares), heights) == pytest.approx(heights.max() / 0.5, rel=1e-3)
    assert len({round(width, 1) for width, _ in sizes}) == 1
    assert figure.alt == (
        "Weights from 0.5 to 2.5 times their mean. Most respondents in one column: 50%, from 1.0 to 1.5. "
        "900 respondents tell as much about a mean as 712 with equal weights."
    )
