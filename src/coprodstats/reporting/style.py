"""One look for all figures: palette, series and matplotlib settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

DARK_BLUE = "#12436D"
ORANGE = "#F46A25"
TURQUOISE = "#28A197"
DARK_PINK = "#801650"
GREY = "#BFBFBF"
"""For rules and connecting lines only: its contrast is too low for text or marks."""

INK = "#1D1D1F"
QUIET_INK = "#55585C"
PAPER = "#FFFFFF"
BLACK = "#000000"
BAND = "#F4F5F7"
"""Behind every other row, so that the eye keeps its line."""

ANSWERS = "#0B4F4A"
"""The highest of ordered answers; another hue than the outcomes, so that the two are not confused."""

BELOW, ABOVE = "#A6480A", "#542788"
"""The ends of the scale of differences; two hues that no deficiency of colour vision makes one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One of the things compared: its name in the frames, its label, and two cues that tell it apart.

    Attributes
    ----------
    name
        The value in the frames' ``model`` column.
    label
        What readers see.
    colour
        Hexadecimal colour; at least 3:1 against white.
    marker
        A matplotlib marker, the second cue of points.
    dashes
        On and off lengths in points, the second cue of lines; empty for a solid line.
    """

    name: str
    label: str
    colour: str
    marker: str
    dashes: tuple[float, ...] = ()


INDIVIDUAL = Series(name="individual", label="Individual", colour=DARK_BLUE, marker="o")
COLLECTIVE = Series(name="collective", label="Collective", colour=ORANGE, marker="s", dashes=(5.0, 1.6))
OUTCOMES = (INDIVIDUAL, COLLECTIVE)
"""The two forms of co-production, in the order in which they are always drawn."""

FONT = "coprodstats DejaVu Sans"
"""Our name for the DejaVu Sans that matplotlib brings; see `coprodstats.reporting.lettering`."""

TEXT_SIZE = 10.0
SMALL_SIZE = 9.0

SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "font.family": [FONT],
        "font.size": TEXT_SIZE,
        # Labels come from codebooks: `$` and `_` in them are letters, not mathematics.
        "text.parse_math": False,
        "text.usetex": False,
        "text.color": INK,
        "axes.edgecolor": QUIET_INK,
        "axes.labelcolor": INK,
        "axes.labelsize": SMALL_SIZE,
        "axes.linewidth": 0.8,
        "axes.spines.left": False,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.axisbelow": True,
        "axes.unicode_minus": True,
        "axes.formatter.use_locale": False,
        "figure.facecolor": PAPER,
        "axes.facecolor": "none",
        "grid.color": "#DEE0E3",
        "grid.linewidth": 0.7,
        "xtick.color": QUIET_INK,
        "xtick.labelcolor": INK,
        "xtick.labelsize": SMALL_SIZE,
        "xtick.major.size": 3.0,
        "xtick.major.width": 0.8,
        "ytick.labelsize": SMALL_SIZE,
        "ytick.major.size": 0.0,
        "lines.solid_capstyle": "butt",
        "path.simplify": False,
        "svg.fonttype": "path",
        "svg.hashsalt": "coprodstats",
        "svg.image_inline": True,
    }
)
"""matplotlib settings, to be used inside ``matplotlib.rc_context`` and never set for good."""


def luminance(colour: str) -> float:
    """Return the relative luminance of a hexadecimal colour, 0 (black) to 1 (white), after WCAG 2.2.

    Examples
    --------
    >>> luminance("#FFFFFF"), luminance("#000000")
    (1.0, 0.0)
    """
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two hexadecimal colours, 1 to 21, after WCAG 2.2.

    Examples
    --------
    >>> contrast("#000000", "#FFFFFF")
    21.0
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink_on(background: str) -> str:
    """Return the ink, dark or white, that reads better on a background.

    Examples
    --------
    >>> ink_on(DARK_BLUE), ink_on(PAPER)
    ('#FFFFFF', '#1D1D1F')
    """
    best = max((PAPER, INK), key=lambda ink: contrast(ink, background))
    # On any colour either white or black has a contrast of 4.58 to 1 or more.
    return best if contrast(best, background) >= 4.5 else BLACK
