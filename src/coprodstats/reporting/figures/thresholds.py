"""Slopes of an ordinal model at each of its thresholds, against the one slope that the model gives to all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from coprodstats.errors import ArgumentError, Fault
from coprodstats.reporting.colour import mixed
from coprodstats.reporting.figures import canvas as cv
from coprodstats.reporting.figures.forest import TermLabel
from coprodstats.reporting.figures.record import Caption, Figure
from coprodstats.reporting.figures.sectors import row_name
from coprodstats.reporting.language import say
from coprodstats.reporting.lettering import widest
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.style import OUTCOMES, PAPER, QUIET_INK, SMALL_SIZE, Series
from coprodstats.reporting.table import Column

_STEP = 0.17
_PAD = 0.2
_BOTTOM = 0.5
_GAP = 0.25
_KEY = 0.25
_BOUNDS = ["estimate", "conf_low", "conf_high"]
MARKERS = ("o", "s", "^", "D", "v", "P")
"""One for each threshold, lowest first; also the most thresholds that can be drawn."""


def threshold_slopes(
    frame: pd.DataFrame,
    caption: Caption,
    *,
    labels: Sequence[TermLabel],
    series: Sequence[Series] = OUTCOMES,
    axis_label: str | None = None,
) -> Figure:
    """Draw each predictor's slope at every threshold over the interval of the common slope.

    Parameters
    ----------
    frame
        Columns ``model, term, split, estimate, conf_low, conf_high`` on the scale of the link; the common
        slope has an empty ``split``. Thresholds are drawn in the frame's order, up to six per outcome.
    caption
        The figure's words.
    labels
        The rows, in order; only these terms are drawn.
    series
        The outcomes, one panel each.
    axis_label
        The unit, under each axis; log-odds by default.

    Raises
    ------
    ArgumentError
        If a column, a term, an outcome or the common slope of a term is absent, or there are more than six
        thresholds.
    """
    where = f"figure {caption.key!r}"
    unique = ["model", "term", "split"]
    data = cv.clean_frame(where, frame, unique, _BOUNDS, unique=unique)
    cv.require_values(where, "model", [one.name for one in series], data)
    for one in series:
        common = data[(data["model"] == one.name) & (data["split"] == "")]
        cv.require_values(f"{where}, {one.name}, common slope", "term", [row.term for row in labels], common)
    splits = {one.name: _splits(data, one.name) for one in series}
    most = max(len(names) for names in splits.values())
    if not 0 < most <= len(MARKERS):
        allowed = f"1 to {len(MARKERS)}"
        raise ArgumentError(Fault(where=where, found=f"{most} thresholds", allowed=allowed))
    names = {row.term: row_name(row) for row in labels}
    data = _ordered(data, series, names)
    with cv.drawing():
        return cv.finished(
            _draw(data, names, splits, series, axis_label or say("figures.log_odds")),
            caption,
            data,
            [
                Column(key="label", label=say("figures.term")),
                Column(key="threshold", label=say("figures.threshold")),
                _value(),
            ],
            alt=_alt(data, series),
            description=_description(data, series),
            group="outcome",
        )


def _value() -> Column:
    label = say("figures.with_interval", label=say("figures.slope"))
    return Column(key="estimate", label=label, role="number", digits=2, low="conf_low", high="conf_high")


def _splits(data: pd.DataFrame, name: str) -> list[str]:
    return [split for split in dict.fromkeys(data.loc[data["model"] == name, "split"]) if split]


def _ordered(data: pd.DataFrame, series: Sequence[Series], names: Mapping[str, str]) -> pd.DataFrame:
    order = {term: position for position, term in enumerate(names)}
    data = data[data["term"].isin(order)].assign(label=lambda d: d["term"].map(names))
    data = cv.in_series_order(data.assign(_row=data["term"].map(order)), series, ["_row"])
    common = say("figures.all_thresholds")
    return data.drop(columns="_row").assign(threshold=[split or common for split in data["split"]])


def outside_common(data: pd.DataFrame) -> tuple[int, int]:
    """Return how many slopes at thresholds have intervals without the common slope, and how many there are.

    Parameters
    ----------
    data
        The frame of `threshold_slopes`, of one outcome.
    """
    common = data[data["split"] == ""].set_index("term")["estimate"]
    own = data[(data["split"] != "") & data["conf_low"].notna()]
    at = own["term"].map(common)
    return int(((own["conf_low"] > at) | (own["conf_high"] < at)).sum()), len(own)


def _draw(
    data: pd.DataFrame,
    names: Mapping[str, str],
    splits: Mapping[str, Sequence[str]],
    series: Sequence[Series],
    axis_label: str,
) -> Sheet:
    most = max(len(own) for own in splits.values())
    row = _PAD + _STEP * most
    top = 0.42 + _KEY * (most + 1)
    body = row * len(names)
    paper, base = cv.sheet(top + body + _BOTTOM)
    left = min(max(widest(list(names.values())) + 0.25, 1.2), 3.0)
    width = (cv.WIDTH - left - 0.1 - _GAP * (len(series) - 1)) / len(series)
    xlim = cv.limits([data[name] for name in _BOUNDS], include=[0.0])
    cv.row_labels(base, list(names.values()), top=top, row=row, width=left)
    for position, one in enumerate(series):
        start = left + position * (width + _GAP)
        cv.write(base, start, 0.16, one.label, bold=True)
        _key(base, start, one, splits[one.name])
        axes = cv.panel(paper, start, top, width, body, xlim=xlim, ylim=(body, 0))
        cv.value_axis(axes, "number", axis_label, bins=4)
        axes.axvline(0.0, color=QUIET_INK, linewidth=1.0, zorder=2)
        own = data[data["model"] == one.name]
        for at, term in enumerate(names):
            _row(axes, own[own["term"] == term], one, splits[one.name], row * at, row)
    return paper


def _row(
    axes: Axes, own: pd.DataFrame, one: Series, splits: Sequence[str], top: float, height: float
) -> None:
    rows = {split: numbers for split, *numbers in own[["split", *_BOUNDS]].itertuples(index=False, name=None)}
    x, low, high = rows[""]
    inset = 0.05
    if np.isfinite([low, high]).all():
        middle, thick = top + height / 2, height - 2 * inset
        axes.barh(middle, high - low, thick, low, color=_pale(one), linewidth=0, zorder=1.5)
    axes.plot([x, x], [top + inset, top + height - inset], color=one.colour, linewidth=2.0, zorder=3)
    for shift, split, marker in zip(cv.offsets(len(splits), _STEP / 2), splits, MARKERS, strict=False):
        if split in rows:
            x, low, high = rows[split]
            cv.interval_mark(axes, x, low, high, top + height / 2 + shift, _shaped(one, marker))


def _pale(one: Series) -> str:
    return mixed(PAPER, one.colour, 0.28)


def _shaped(one: Series, marker: str) -> Series:
    return Series(name=one.name, label=one.label, colour=one.colour, marker=marker)


def _key(base: Axes, left: float, one: Series, splits: Sequence[str]) -> None:
    base.barh(0.44, 0.3, 0.16, left, color=_pale(one), linewidth=0, zorder=2)
    base.plot([left + 0.15] * 2, [0.36, 0.52], color=one.colour, linewidth=2.0, zorder=3)
    cv.write(base, left + 0.38, 0.44, say("figures.all_thresholds"), size=SMALL_SIZE)
    for position, (split, marker) in enumerate(zip(splits, MARKERS, strict=False), start=1):
        y = 0.44 + _KEY * position
        cv.interval_mark(base, left + 0.15, left, left + 0.3, y, _shaped(one, marker))
        cv.write(base, left + 0.38, y, split, size=SMALL_SIZE)


def _alt(data: pd.DataFrame, series: Sequence[Series]) -> list[str]:
    sentences = []
    for one in series:
        outside, n = outside_common(data[data["model"] == one.name])
        sentences.append(say("figures.thresholds_outside", outcome=one.label, outside=outside, all=n))
    return [say("figures.thresholds_alt"), *sentences]


def _description(data: pd.DataFrame, series: Sequence[Series]) -> list[str]:
    value = _value()
    sentences = [say("figures.thresholds_told")]
    for one in series:
        own = data[data["model"] == one.name]
        for label, rows in own.groupby("label", sort=False):
            parts = rows[["threshold", *_BOUNDS]].itertuples(index=False, name=None)
            told = cv.told(f"{lower_first(split)} {value.text(*numbers)}" for split, *numbers in parts)
            sentences.append(say("figures.line", name=f"{one.label}, {label}", told=told))
    return sentences
