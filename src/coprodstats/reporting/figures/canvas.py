"""What every figure is drawn with: a sheet measured in inches from its top left corner, and safe text."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Sheet
from matplotlib.ticker import MaxNLocator, MultipleLocator

from coprodstats.errors import ArgumentError, Fault
from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures.record import Caption, Figure, data_table, shortened
from coprodstats.reporting.language import say, spoken
from coprodstats.reporting.lettering import know_font, safe, text_width, two_lines
from coprodstats.reporting.style import BAND, INK, PAPER, SETTINGS, SMALL_SIZE, TEXT_SIZE, Series
from coprodstats.reporting.svg import finish_svg
from coprodstats.reporting.table import Column, require_columns

WIDTH = 9.2
"""Inches; on a page of the report a point of the drawing is then about a pixel and a third."""

Unit = Literal["points", "percent", "number"]
_NO_CLOCK = {"Date": None, "Creator": None, "Format": None, "Type": None}


@contextmanager
def drawing() -> Iterator[None]:
    """Draw under the house style; the caller's matplotlib settings are as before afterwards."""
    know_font()
    settings: dict[Any, Any] = {**sns.axes_style("ticks"), **SETTINGS}
    with mpl.rc_context(settings):
        yield


def sheet(height: float, width: float = WIDTH) -> tuple[Sheet, Axes]:
    """Return an empty sheet and axes over all of it, in inches from the top left corner."""
    paper = Sheet(figsize=(width, height))
    FigureCanvasSVG(paper)
    return paper, panel(paper, 0, 0, width, height, xlim=(0, width), ylim=(height, 0), bare=True)


def panel(
    paper: Sheet,
    left: float,
    top: float,
    width: float,
    height: float,
    *,
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    bare: bool = False,
) -> Axes:
    """Return axes at a place given in inches from the top left corner."""
    full_width, full_height = paper.get_size_inches()
    bottom = full_height - top - height
    axes = paper.add_axes(
        (left / full_width, bottom / full_height, width / full_width, height / full_height),
        xlim=xlim,
        ylim=ylim,
    )
    axes.set_yticks([])
    if bare:
        axes.set_axis_off()
    return axes


def round_ticks(low: float, high: float, bins: int, step: float = 0.0) -> list[float]:
    """Return round ticks between two ends, at most ``bins`` + 1 of them, or one every ``step``.

    Examples
    --------
    >>> round_ticks(-4.0, 11.0, 4), round_ticks(-4.0, 11.0, 4, step=10.0)
    ([0.0, 5.0, 10.0], [0.0, 10.0])
    """
    locator = MultipleLocator(step) if step else MaxNLocator(nbins=bins, steps=[1, 2, 2.5, 5, 10])
    return [fmt.significant(tick) for tick in locator.tick_values(low, high) if low <= tick <= high]


def value_axis(axes: Axes, unit: Unit, label: str, *, bins: int = 5, step: float = 0.0) -> None:
    """Write the horizontal axis: few round ticks in the house's numbers, a quiet grid, a label."""
    ticks = round_ticks(*axes.get_xlim(), bins, step)
    axes.set_xticks(ticks, tick_labels(ticks, unit))
    axes.grid(visible=True, axis="x")
    axes.set_xlabel(safe(label), labelpad=5)


def upright_axis(axes: Axes, unit: Unit, *, bins: int = 5) -> None:
    """Write the vertical axis: few round ticks in the house's numbers and a quiet grid."""
    ticks = round_ticks(*axes.get_ylim(), bins)
    axes.set_yticks(ticks, tick_labels(ticks, unit))
    axes.grid(visible=True, axis="y")


def spread(places: Sequence[float], apart: float) -> list[float]:
    """Move places up and down until neighbours are at least ``apart``, keeping their order and their middle.

    Examples
    --------
    >>> spread([10.0, 11.0, 50.0], 4.0)
    [8.5, 12.5, 50.0]
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    clusters = [([i], places[i]) for i in order]
    merged: list[tuple[list[int], float]] = []
    for members, centre in clusters:
        merged.append((members, centre))
        while len(merged) > 1 and _touching(merged[-2], merged[-1], apart):
            (one, low), (other, high) = merged[-2:]
            both = [*one, *other]
            merged[-2:] = [(both, (low * len(one) + high * len(other)) / len(both))]
    moved = list(places)
    for members, centre in merged:
        for position, member in enumerate(members):
            moved[member] = centre + (position - (len(members) - 1) / 2) * apart
    return moved


def _touching(one: tuple[list[int], float], other: tuple[list[int], float], apart: float) -> bool:
    return other[1] - one[1] < apart * (len(one[0]) + len(other[0])) / 2


def tick_labels(ticks: Sequence[float], unit: Unit) -> list[str]:
    """Write ticks with the decimals that they need, all the same.

    Examples
    --------
    >>> tick_labels([-2.5, 0.0, 2.5], "points"), tick_labels([0.0, 50.0], "percent")
    (['−2.5', '0.0', '+2.5'], ['0%', '50%'])
    """
    most = max((decimals(tick) for tick in ticks), default=0)
    suffix = spoken().percent if unit == "percent" else ""
    return [fmt.number(tick, most, sign=unit == "points") + suffix for tick in ticks]


def decimals(value: float) -> int:
    """Return how many decimals a number needs, six at most.

    Examples
    --------
    >>> decimals(30.0), decimals(2.5)
    (0, 1)
    """
    return max(0, -int(fmt.rounded(value, 6).normalize().as_tuple().exponent))


def factor(unit: Unit) -> float:
    """Return what a value is multiplied with before it is drawn: shares are drawn as percentages."""
    return 1.0 if unit == "number" else 100.0


def limits(values: Sequence[Any], *, include: Sequence[float] = (), pad: float = 0.06) -> tuple[float, float]:
    """Return axis limits around all finite values, with some room."""
    all_values = np.concatenate([np.asarray(v, dtype=float).ravel() for v in [*values, list(include)]])
    finite = all_values[np.isfinite(all_values)]
    if finite.size == 0:
        return (-1.0, 1.0)
    low, high = float(finite.min()), float(finite.max())
    room = (high - low) * pad or abs(high) * pad or 1.0
    return (fmt.significant(low - room), fmt.significant(high + room))


def offsets(n: int, half: float) -> list[float]:
    """Return the vertical shifts, in inches, that set ``n`` marks of a row apart.

    Examples
    --------
    >>> offsets(2, 0.1), offsets(1, 0.1)
    ([-0.1, 0.1], [0.0])
    """
    return [(position - (n - 1) / 2) * 2 * half for position in range(n)]


def interval_mark(axes: Axes, x: float, low: float, high: float, y: float, series: Series) -> None:
    """Draw a point with its interval."""
    if np.isfinite([low, high]).all():
        axes.plot([low, high], [y, y], color=series.colour, linewidth=1.9, zorder=3)
    if np.isfinite(x):
        size = 6.4 if series.marker == "o" else 5.8
        axes.plot(
            [x],
            [y],
            linestyle="none",
            marker=series.marker,
            markersize=size,
            color=series.colour,
            markeredgecolor=PAPER,
            markeredgewidth=0.7,
            zorder=4,
        )


def series_key(
    base: Axes, x: float, y: float, series: Sequence[Series], *, gap: float = 0.3, size: float = TEXT_SIZE
) -> float:
    """Name the series in a row, each after its own mark; return where the row ends, in inches."""
    for one in series:
        interval_mark(base, x + 0.15, x, x + 0.3, y, one)
        write(base, x + 0.38, y, one.label, size=size)
        x += 0.38 + text_width(one.label, size) + gap
    return x


def line_key(base: Axes, x: float, y: float, series: Sequence[Series], *, gap: float = 0.3) -> None:
    """Name the lines of series in a row, each after a piece of its own."""
    for one in series:
        (line,) = base.plot([x, x + 0.45], [y, y], color=one.colour, linewidth=2.2, zorder=3)
        if one.dashes:
            line.set_dashes(one.dashes)
        interval_mark(base, x + 0.225, np.nan, np.nan, y, one)
        write(base, x + 0.55, y, one.label)
        x += 0.55 + text_width(one.label) + gap


def write(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    *,
    size: float = TEXT_SIZE,
    bold: bool = False,
    align: Literal["left", "center", "right"] = "left",
    vertical: Literal["center", "top", "bottom", "baseline"] = "center",
    colour: str = INK,
    lines: Sequence[str] = (),
) -> None:
    """Write text as it is: nothing in it is markup. ``lines`` replaces ``text`` by several lines."""
    shown = "\n".join(safe(line) for line in lines) if lines else safe(text)
    axes.text(
        x,
        y,
        shown,
        fontsize=size,
        fontweight="bold" if bold else "normal",
        horizontalalignment=align,
        verticalalignment="center_baseline" if vertical == "center" and not lines else vertical,
        color=colour,
        linespacing=1.25,
        parse_math=False,
        zorder=6,
    )


def row_labels(
    base: Axes, labels: Sequence[str], *, top: float, row: float, width: float, bold: str = ""
) -> None:
    """Write the labels of equally high rows, two lines at most, with a band behind every other row."""
    for position, label in enumerate(labels):
        start = top + row * position
        if position % 2 == 0:
            base.axhspan(start, start + row, color=BAND, linewidth=0, zorder=0)
        fits = text_width(label, bold=label == bold) <= width - 0.15
        size = TEXT_SIZE if fits else SMALL_SIZE
        lines = two_lines(label, width - 0.15, size, bold=label == bold)
        write(base, 0.04, start + row / 2, "", size=size, bold=label == bold, lines=lines)


def told(parts: Iterable[str]) -> str:
    """Join parts of a sentence that have commas of their own.

    Examples
    --------
    >>> told(["age, 3", "gender, 4"])
    'age, 3; gender, 4'
    """
    return say("figures.semicolon").join(parts)


def finished(
    paper: Sheet,
    caption: Caption,
    data: pd.DataFrame,
    columns: Sequence[Column],
    *,
    alt: Sequence[str],
    description: Sequence[str],
    group: str = "",
    printed: pd.DataFrame | None = None,
) -> Figure:
    """Turn a drawn sheet into a figure record.

    Parameters
    ----------
    paper
        The drawing.
    caption
        The author's words; what they leave empty is filled from ``alt`` and ``description``.
    data, columns, group
        The numbers drawn, and how they are printed.
    alt
        Sentences for the alternative text, most important first; those that do not fit are left out.
    description
        Sentences of the long description.
    printed
        The frame behind the table, where it is laid out otherwise than ``data``.
    """
    short = caption.alt or shortened(alt)
    long = caption.description or " ".join(description)
    return Figure(
        key=caption.key,
        title=caption.title,
        subtitle=caption.subtitle,
        n=caption.n,
        source=caption.source,
        notes=caption.notes,
        alt=short,
        description=long,
        svg=finish_svg(_raw_svg(paper), key=caption.key, title=caption.title, description=short),
        data=data.reset_index(drop=True),
        table=data_table(caption, data if printed is None else printed, columns, group),
    )


def _raw_svg(paper: Sheet) -> str:
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # A letter that the font lacks was replaced before; what else matplotlib says is no reader's concern.
        warnings.simplefilter("ignore")
        paper.savefig(buffer, format="svg", metadata=_NO_CLOCK)
    return buffer.getvalue()


def clean_frame(
    where: str,
    frame: pd.DataFrame,
    names: Sequence[str],
    numeric: Sequence[str],
    *,
    unique: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the named columns with their numbers cut to ten significant digits.

    Raises
    ------
    ArgumentError
        If a column is absent, a number column holds something else, there are no rows, or two rows agree in
        the columns that should tell them apart.
    """
    require_columns(where, frame, [*names, *numeric])
    if frame.empty:
        raise ArgumentError(Fault(where=where, found="the frame has no rows"))
    chosen = frame.loc[:, [*names, *numeric]].reset_index(drop=True).copy()
    for name in numeric:
        if not pd.api.types.is_numeric_dtype(chosen[name]):
            raise ArgumentError(Fault(where=where, found=f"column {name!r} does not hold numbers"))
        chosen[name] = [fmt.significant(value) for value in chosen[name].astype(float)]
    for name in names:
        chosen[name] = chosen[name].astype(str)
    twice = int(chosen.duplicated(list(unique)).sum()) if unique else 0
    if twice:
        found = f"{twice} rows repeat another row's {', '.join(unique)}"
        raise ArgumentError(Fault(where=where, found=found, allowed="one row each", remedy="select first"))
    return chosen


def in_series_order(data: pd.DataFrame, series: Sequence[Series], by: Sequence[str]) -> pd.DataFrame:
    """Return the rows of the series, in their order, with their labels in a column ``outcome``."""
    parts = []
    for one in series:
        own = data[data["model"] == one.name].assign(outcome=one.label)
        parts.append(own.sort_values(list(by), kind="stable") if by else own)
    return pd.concat(parts, ignore_index=True)


def require_values(where: str, column: str, wanted: Sequence[str], frame: pd.DataFrame) -> None:
    """Raise if a wanted value does not occur in a column.

    Raises
    ------
    ArgumentError
        One fault per absent value.
    """
    there = set(frame[column])
    faults = [
        Fault(
            where=where, found=f"{column} {name!r} has no row in the frame", allowed=", ".join(sorted(there))
        )
        for name in wanted
        if name not in there
    ]
    if faults:
        raise ArgumentError(*faults)
