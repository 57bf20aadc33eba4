"""Stacked bars of two to seven ordered answers."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from coprodstats.errors import ArgumentError
from coprodstats.reporting.colour import SIGHTS, apart, lab, shades
from coprodstats.reporting.figures import Caption, item_bars
from coprodstats.reporting.style import ANSWERS, PAPER, contrast, ink_on

SVG = "{http://www.w3.org/2000/svg}"
WORDS = Caption(key="f", title="Headline", subtitle="Measure", n="12 people", source="Invented")


def answers(n: int) -> pd.DataFrame:
    weights = np.arange(1, n + 1) / np.arange(1, n + 1).sum()
    rows = [("g", f"item {i}", f"c{k}", weights[k - i]) for i in range(2) for k in range(n)]
    return pd.DataFrame(rows, columns=["group", "item", "category", "estimate"])


@pytest.mark.parametrize("n", [2, 5, 7])
def test_segments_are_as_long_as_their_shares(n: int) -> None:
    frame = answers(n)
    figure = item_bars(frame, WORDS, categories=[f"c{k}" for k in range(n)])
    root = ET.fromstring(figure.svg)  # noqa: S314  (drawn by this test)
    lengths = []
    for path in root.iter(f"{SVG}path"):
        if path.get("stroke") == "#ffffff":  # white lines part the segments
            points = np.array([float(x) for x in re.findall(r"-?[\d.]+", path.get("d", ""))]).reshape(-1, 2)
            lengths.append((path.get("fill", "").upper(), float(np.ptp(points[:, 0]))))
    assert [colour for colour, _ in lengths] == list(shades(ANSWERS, n)) * 2
    total = sum(length for _, length in lengths) / 2
    # Places are written to a hundredth of a point.
    assert np.allclose([length / total for _, length in lengths], frame["estimate"], atol=2e-4)


@pytest.mark.parametrize("n", [1, 8])
def test_one_answer_and_eight_are_refused(n: int) -> None:
    with pytest.raises(ArgumentError, match=f"{n} categories"):
        item_bars(answers(n), WORDS, categories=[f"c{k}" for k in range(n)])


def test_intervals_are_said_where_there_are_some() -> None:
    frame = answers(2)
    plain = item_bars(frame, WORDS, categories=["c0", "c1"])
    assert plain.alt.startswith("Highest share answering “c1”: item 0, 67%. Lowest: item 1, 33%.")
    bounded = frame.assign(conf_low=frame["estimate"] - 0.1, conf_high=frame["estimate"] + 0.1)
    figure = item_bars(bounded, WORDS, categories=["c0", "c1"])
    assert "item 0, 67% (57% to 77%)" in figure.alt
    assert "95% intervals in brackets" in figure.alt


@pytest.mark.parametrize("n", range(2, 8))
def test_answers_get_darker_step_by_step_for_every_kind_of_sight(n: int) -> None:
    ramp = shades(ANSWERS, n)
    for one, other in pairwise(ramp):
        assert lab(one)[0] > lab(other)[0] + 5
        # White lines and numbers part neighbours as well; lightness has no room for more steps of ten.
        assert min(apart(one, other, sight) for sight in SIGHTS) >= (10 if n <= 5 else 6)
    assert all(contrast(colour, ink_on(colour)) >= 4.5 for colour in ramp)
    assert contrast(ramp[-1], PAPER) >= 4.5
