"""Margins by two things at once, as a table of coloured cells with the numbers in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from coprodstats.reporting import format as fmt
from coprodstats.reporting.certainty import Estimate
from coprodstats.reporting.colour import mixed
from coprodstats.reporting.figures import canvas as cv
from coprodstats.reporting.figures.record import Caption, Figure
from coprodstats.reporting.language import say
from coprodstats.reporting.lettering import text_width, two_lines, widest
from coprodstats.reporting.style import (
    ABOVE,
    BELOW,
    INK,
    OUTCOMES,
    PAPER,
    QUIET_INK,
    SMALL_SIZE,
    Series,
    ink_on,
)
from coprodstats.reporting.table import Column

_ROW = 0.42
_HEAD = 0.28
_TALL_HEAD = 0.42
_BLOCK = 0.36
_KEY = 0.62
_NEUTRAL = "#F7F7F7"
_SWATCH = 0.34


def heat_map(
    frame: pd.DataFrame,
    caption: Caption,
    *,
    row_label: str | None = None,
    column_label: str | None = None,
    series: Sequence[Series] = OUTCOMES,
    ends: tuple[str, str] = (BELOW, ABOVE),
) -> Figure:
    """Draw differences of probabilities by row and column, one block of cells per outcome.

    A cell's colour says how far its margin is from zero and on which side; the number in it says so too. A
    margin whose 95% interval excludes zero is bold behind a triangle that points to its side.

    Parameters
    ----------
    frame
        Columns ``row, column, model, estimate, conf_low, conf_high``; rows and columns are drawn in the
        frame's order. A cell without numbers says that there are none.
    caption
        The figure's words.
    row_label, column_label
        Head rows and columns in the table.
    series
        The outcomes.
    ends
        The colours of the most negative and the most positive margin.

    Raises
    ------
    ArgumentError
        If a column or an outcome is absent.
    """
    where = f"figure {caption.key!r}"
    names = ["row", "column", "model"]
    data = cv.clean_frame(where, frame, names, ["estimate", "conf_low", "conf_high"], unique=names)
    cv.require_values(where, "model", [one.name for one in series], data)
    data = cv.in_series_order(data, series, [])
    value = Column(
        key="estimate",
        label=say("figures.margin"),
        role="points",
        digits=1,
        low="conf_low",
        high="conf_high",
    )
    with cv.drawing():
        return cv.finished(
            _draw(data, series, ends),
            caption,
            data,
            [
                Column(key="row", label=row_label or say("figures.row")),
                Column(key="column", label=column_label or say("figures.group")),
                value,
            ],
            alt=_alt(data, series, value),
            description=_description(data, value),
            group="outcome",
        )


def _draw(data: pd.DataFrame, series: Sequence[Series], ends: tuple[str, str]) -> Sheet:
    rows, columns = (list(dict.fromkeys(data[name])) for name in ("row", "column"))
    left = min(widest(rows) + 0.3, 2.6)
    width = (cv.WIDTH - left - 0.05) / len(columns)
    head = _HEAD if widest(columns, SMALL_SIZE) < width - 0.06 else _TALL_HEAD
    block = _BLOCK + head + _ROW * len(rows)
    paper, base = cv.sheet(_KEY + block * len(series) + 0.08 * (len(series) - 1) + 0.04)
    most = float(data["estimate"].abs().max())
    most = most if most > 0 else 1.0
    _key(base, most, ends)
    for position, one in enumerate(series):
        top = _KEY + (block + 0.08) * position
        cv.interval_mark(base, 0.12, float("nan"), float("nan"), top + 0.16, one)
        cv.write(base, 0.3, top + 0.16, one.label, bold=True)
        for at, name in enumerate(columns):
            lines = two_lines(name, width - 0.06, SMALL_SIZE)
            middle = left + width * (at + 0.5)
            cv.write(base, middle, top + _BLOCK + head / 2, "", size=SMALL_SIZE, align="center", lines=lines)
        own = data[data["model"] == one.name]
        for row, name in enumerate(rows):
            y = top + _BLOCK + head + _ROW * row
            lines = two_lines(name, left - 0.15, SMALL_SIZE)
            cv.write(base, 0.04, y + _ROW / 2, "", size=SMALL_SIZE, lines=lines)
            cells = own[own["row"] == name].set_index("column").reindex(columns)
            numbers = cells[["estimate", "conf_low", "conf_high"]].itertuples(index=False, name=None)
            for at, cell in enumerate(numbers):
                _cell(base, (left + width * at, y), width, cell, most, ends)
    return paper


def _cell(
    base: Axes,
    corner: tuple[float, float],
    width: float,
    numbers: tuple[float, float, float],
    most: float,
    ends: tuple[str, str],
) -> None:
    colour = cell_colour(numbers[0] / most, ends)
    x, y = corner
    base.barh(y + _ROW / 2, width, _ROW, x, color=colour, edgecolor=PAPER, linewidth=2.0, zorder=2)
    text = cell_text(*numbers)
    ink = ink_on(colour)
    cv.write(base, x + width / 2, y + _ROW / 2, text, bold=is_clear(*numbers), align="center", colour=ink)


def cell_colour(share: float, ends: tuple[str, str] = (BELOW, ABOVE)) -> str:
    """Return the colour of a margin, given as a share of the largest one; darker is farther from zero.

    Examples
    --------
    >>> cell_colour(-1.0), cell_colour(0.0), cell_colour(1.0), cell_colour(float("nan"))
    ('#A6480A', '#F7F7F7', '#542788', '#FFFFFF')
    """
    if not np.isfinite(share):
        return PAPER
    return mixed(_NEUTRAL, ends[1] if share > 0 else ends[0], min(abs(share), 1.0))


def cell_text(estimate: float, low: float, high: float) -> str:
    """Return what stands in a cell: percentage points, behind a triangle if the interval excludes zero.

    Examples
    --------
    >>> cell_text(0.031, 0.01, 0.05), cell_text(-0.031, -0.05, -0.01), cell_text(0.031, -0.01, 0.07)
    ('▲ +3.1', '▼ −3.1', '+3.1')
    """
    sign = ("▲ " if low > 0 else "▼ ") if is_clear(estimate, low, high) else ""
    return sign + fmt.points(estimate)


def is_clear(estimate: float, low: float, high: float) -> bool:
    """Tell whether an interval excludes zero, also as it is printed; one that is missing does not.

    Examples
    --------
    >>> is_clear(0.031, 0.01, 0.05), is_clear(0.031, 0.0001, 0.06)
    (True, False)
    """
    if not np.isfinite([low, high]).all():
        return False
    return Estimate(value=estimate, low=low, high=high).is_clear


def _key(base: Axes, most: float, ends: tuple[str, str]) -> None:
    x = 0.06
    for share in (-1.0, -0.5, 0.0, 0.5, 1.0):
        text = fmt.points(share * most)
        colour = cell_colour(share, ends)
        base.barh(0.2, _SWATCH, 0.2, x, color=colour, edgecolor=QUIET_INK, linewidth=0.7, zorder=3)
        cv.write(base, x + _SWATCH + 0.07, 0.2, text, size=SMALL_SIZE, colour=INK)
        x += _SWATCH + 0.07 + text_width(text, SMALL_SIZE) + 0.16
    cv.write(base, x + 0.04, 0.2, say("figures.percentage_points"), size=SMALL_SIZE)
    cv.write(base, 0.06, 0.47, say("figures.heat_key"), size=SMALL_SIZE)


def clear_cells(data: pd.DataFrame) -> tuple[int, int, int]:
    """Return how many margins are clearly above zero, clearly below, and there at all."""
    numbers = data[["estimate", "conf_low", "conf_high"]].itertuples(index=False, name=None)
    there = [cell for cell in numbers if not pd.isna(cell[0])]
    clear = [cell for cell in there if is_clear(*cell)]
    return sum(cell[1] > 0 for cell in clear), sum(cell[2] < 0 for cell in clear), len(there)


def _alt(data: pd.DataFrame, series: Sequence[Series], value: Column) -> list[str]:
    sentences = []
    for one in series:
        above, below, cells = clear_cells(data[data["model"] == one.name])
        sentences.append(say("figures.heat_clear", outcome=one.label, above=above, below=below, cells=cells))
    there = data[data["estimate"].notna()]
    if len(there):
        sizes = there["estimate"].to_numpy()
        for key, row in (("low", sizes.argmin()), ("high", sizes.argmax())):
            at = there.iloc[int(row)]
            text = value.text(at["estimate"], at["conf_low"], at["conf_high"])
            place = say("figures.heat_place", row=at["row"], column=at["column"])
            sentences.append(say(f"figures.heat_{key}", place=place, text=text))
    return sentences


def _description(data: pd.DataFrame, value: Column) -> list[str]:
    sentences = [say("figures.heat_told")]
    for (outcome, row), own in data.groupby(["outcome", "row"], sort=False):
        cells = own[["column", "estimate", "conf_low", "conf_high"]].itertuples(index=False, name=None)
        told = cv.told(f"{column} {value.text(*numbers)}" for column, *numbers in cells)
        sentences.append(say("figures.line", name=f"{outcome}, {row}", told=told))
    return sentences
