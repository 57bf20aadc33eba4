"""How large letters may be so that a text fits where it stands, and how wide columns of a table are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from matplotlib.ft2font import FT2Font, LoadFlags

from coprodstats.reporting.lettering import font_file
from coprodstats.reporting.table import Table

_NARROWER = 0.885
"""Widths of letters in the fonts of offices, as a share of those that are measured, on the safe side."""
_SIZE = 100.0
_LONGEST = 48
"""Letters of a cell that count: longer texts are broken into lines anyway."""


def fitting_size(
    texts: Sequence[str],
    *,
    width: float,
    height: float,
    sizes: Sequence[float],
    line: float = 1.2,
    between: float = 0.0,
    bold: bool = False,
) -> float:
    """Return the largest size of letters at which texts fit a box, or the smallest of those offered.

    Parameters
    ----------
    texts
        Paragraphs.
    width, height
        Of the box, in inches.
    sizes
        Sizes in points, largest first.
    line, between
        Height of a line and space between paragraphs, both in sizes of the letters.
    bold
        Whether the letters are bold.

    Examples
    --------
    >>> fitting_size(["word " * 40], width=4.0, height=1.0, sizes=(40, 20, 10))
    10
    """
    for size in sizes:
        lines = sum(count_lines(text, 72 * width / size, bold=bold) for text in texts)
        needed = (lines * line + max(len(texts) - 1, 0) * between) * size / 72
        if needed <= height:
            return size
    return sizes[-1]


def count_lines(text: str, width: float, *, bold: bool = False) -> int:
    """Return how many lines a text needs in a width, which is measured in sizes of its letters.

    Examples
    --------
    >>> count_lines("one two three", 100.0), count_lines("one two three", 3.0)
    (1, 3)
    """
    lines, filled = 1, 0.0
    space = _advance(" ", bold=bold)
    for word in text.split(" "):
        length = sum(_advance(letter, bold=bold) for letter in word)
        if filled and filled + space + length > width:
            lines, filled = lines + 1, length
        else:
            filled += (space if filled else 0.0) + length
        # A word that is longer than a line is broken.
        more, filled = divmod(filled, width) if filled > width else (0, filled)
        lines += int(more)
    return lines


@cache
def _advance(letter: str, *, bold: bool) -> float:
    """Return the width of a letter in sizes of the letters."""
    glyph = _font(bold=bold).load_char(ord(letter), flags=LoadFlags.NO_HINTING)
    return float(glyph.linearHoriAdvance) / 65536 / _SIZE * _NARROWER


@cache
def _font(*, bold: bool) -> Any:
    # A font of its own: figures set the sizes of those that they share.
    font = FT2Font(str(font_file(bold=bold)))
    font.set_size(_SIZE, 72)
    return font


def column_widths(data: Table, total: int, *, letter: float, padding: float) -> list[int]:
    """Return the widths of a table's columns, which add up to ``total``.

    Every column gets room for its longest word; what is left goes to those with longer texts.

    Parameters
    ----------
    data
        The table.
    total
        All the room there is.
    letter, padding
        Width of a letter on average, and of the space beside a cell's text, in units of ``total``.

    Examples
    --------
    >>> from coprodstats.reporting.table import Cell, Column
    >>> columns = (Column(key="a", label="Country"), Column(key="b", label="n", role="count"))
    >>> row = (Cell(value="FR", text="FR"), Cell(value=1000, text="1,000"))
    >>> demo = Table(key="t", title="T", n="1", source="S", columns=columns, rows=(row,))
    >>> column_widths(demo, 9000, letter=92, padding=130)
    [5108, 3892]
    """
    columns = [
        [column.label, *(row[position].text for row in data.rows)]
        for position, column in enumerate(data.columns)
    ]
    # Spaces within a number don't break.
    least = [max(len(word) for text in texts for word in [*text.split(" "), ""]) for texts in columns]
    most = [
        max(low, *(min(len(text), _LONGEST) for text in texts))
        for low, texts in zip(least, columns, strict=True)
    ]
    low = [letters * letter + padding for letters in least]
    high = [letters * letter + padding for letters in most]
    if sum(high) <= total:
        wanted = [total * width / sum(high) for width in high]
    elif sum(low) >= total:
        wanted = [total * width / sum(low) for width in low]
    else:
        share = (total - sum(low)) / (sum(high) - sum(low))
        wanted = [a + (b - a) * share for a, b in zip(low, high, strict=True)]
    widths = [int(width) for width in wanted]
    widths[0] += total - sum(widths)
    return widths
