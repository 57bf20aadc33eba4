"""The letters of figures, and how wide texts are in them: the font files that matplotlib brings.

Under its own name the family would be looked for among the machine's fonts too: another release of it has
other outlines, and the list of fonts that matplotlib keeps may be that of an installation that is gone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.font_manager import fontManager, get_font, ttfFontProperty

from coprodstats.reporting import format as fmt
from coprodstats.reporting.style import FONT, TEXT_SIZE

_SPACE = re.compile(r"[^\S\u00a0\u2007\u202f]+")
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


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(str(font_file())).get_charmap())


def safe(text: str) -> str:
    r"""Return text on one line, with a sign in place of letters that the font lacks.

    Examples
    --------
    >>> safe("rate of $x_1$\n(%)")
    'rate of $x_1$ (%)'
    """
    # Spaces that don't break a line, as within a number, stay.
    line = _SPACE.sub(" ", unicodedata.normalize("NFC", str(text))).strip(" ")
    known = _glyphs()
    return "".join(letter if ord(letter) in known else "\N{REPLACEMENT CHARACTER}" for letter in line)


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = TEXT_SIZE, *, bold: bool = False) -> float:
    """Return how wide a line of text is, in inches."""
    font = get_font(str(font_file(bold=bold)))
    font.set_size(size, 72)
    font.set_text(safe(text), 0.0)
    return fmt.significant(font.get_width_height()[0] / 64 / 72, 6)


def widest(texts: Sequence[str], size: float = TEXT_SIZE, *, bold: bool = False) -> float:
    """Return the width of the widest of some lines of text, in inches."""
    return max((text_width(text, size, bold=bold) for text in texts), default=0.0)


def wrapped(text: str, width: float, size: float = TEXT_SIZE, *, bold: bool = False) -> list[str]:
    """Break text into lines of at most ``width`` inches; a single long word is cut."""
    lines: list[str] = []
    for word in safe(text).split(" "):
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(joined, size, bold=bold) <= width:
            lines[-1] = joined
        else:
            lines.append(_cut(word, width, size, bold=bold))
    return lines or [""]


def _cut(word: str, width: float, size: float, *, bold: bool) -> str:
    if text_width(word, size, bold=bold) <= width:
        return word
    while word and text_width(word + "…", size, bold=bold) > width:
        word = word[:-1]
    return word + "…"


def two_lines(text: str, width: float, size: float = TEXT_SIZE, *, bold: bool = False) -> list[str]:
    """Break text into at most two lines; what does not fit is marked by an ellipsis."""
    lines = wrapped(text, width, size, bold=bold)
    return lines if len(lines) < 3 else [lines[0], f"{lines[1]} …"]
