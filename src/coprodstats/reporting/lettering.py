"""The letters of figures: the font files that matplotlib brings, whatever fonts the machine has.

Under its own name the family would be looked for among the machine's fonts too: another release of it has
other outlines, and the list of fonts that matplotlib keeps may be that of an installation that is gone.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.font_manager import fontManager, get_font, ttfFontProperty

from coprodstats.reporting.style import FONT

_FILES = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}


def font_file(*, bold: bool = False) -> Path:
    """Return the file of the font that figures are lettered in."""
    return Path(mpl.get_data_path()) / "fonts" / "ttf" / _FILES[bold]


@cache
def know_font() -> None:
    """Make the family `coprodstats.reporting.style.FONT` known to matplotlib: these files, and no others."""
    for bold in _FILES:
        entry = ttfFontProperty(get_font(str(font_file(bold=bold))))
        fontManager.ttflist.append(replace(entry, name=FONT))
