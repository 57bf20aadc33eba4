from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from coprodstats.reporting import style
from coprodstats.reporting.colour import shades

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
DEFICIENCIES = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    "none": np.eye(3).tolist(),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    ratios = TO_XYZ @ np.clip(rgb, 0, 1) / (TO_XYZ @ np.ones(3))
    f = np.where(ratios > (6 / 29) ** 3, np.cbrt(ratios), ratios / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_the_outcomes_are_told_apart_by_every_kind_of_sight(deficiency: str) -> None:
    seen = [lab(np.array(DEFICIENCIES[deficiency]) @ linear(one.colour)) for one in style.OUTCOMES]
    assert np.linalg.norm(seen[0] - seen[1]) >= 30


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_neighbouring_answers_are_told_apart_by_every_kind_of_sight(deficiency: str) -> None:
    shades_of_three = shades(style.ANSWERS, 3)
    seen = [lab(np.array(DEFICIENCIES[deficiency]) @ linear(colour)) for colour in shades_of_three]
    assert all(np.linalg.norm(one - other) >= 20 for one, other in combinations(seen, 2))


def test_the_outcomes_are_told_apart_without_colour() -> None:
    one, other = style.OUTCOMES
    assert one.marker != other.marker
    assert one.dashes != other.dashes
    assert style.contrast(one.colour, other.colour) >= 3


@pytest.mark.parametrize("colour", [one.colour for one in style.OUTCOMES])
def test_marks_stand_out_from_paper(colour: str) -> None:
    assert style.contrast(colour, style.PAPER) >= 3


@pytest.mark.parametrize("ink", [style.INK, style.QUIET_INK])
@pytest.mark.parametrize("ground", [style.PAPER, style.BAND])
def test_text_can_be_read(ink: str, ground: str) -> None:
    assert style.contrast(ink, ground) >= 4.5


@pytest.mark.parametrize("ground", [*shades(style.ANSWERS, 7), style.DARK_BLUE, "#7C7C7C"])
def test_text_on_bars_can_be_read(ground: str) -> None:
    assert style.contrast(style.ink_on(ground), ground) >= 4.5


def test_contrast_is_symmetric_and_known() -> None:
    assert style.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)  # WCAG's textbook grey
    assert style.contrast("#FFFFFF", "#777777") == style.contrast("#777777", "#FFFFFF")
