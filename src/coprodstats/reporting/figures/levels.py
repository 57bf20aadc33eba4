"""Levels of both outcomes by group, as dots with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from coprodstats.reporting.figures import canvas as cv
from coprodstats.reporting.figures.record import Caption, Figure
from coprodstats.reporting.language import say
from coprodstats.reporting.lettering import widest
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.style import OUTCOMES, SMALL_SIZE, Series
from coprodstats.reporting.table import Column

_ROW = 0.42
_TOP, _BOTTOM = 0.5, 0.5


def levels_by_group(
    frame: pd.DataFrame,
    caption: Caption,
    *,
    group_label: str | None = None,
    value_label: str | None = None,
    unit: cv.Unit = "percent",
    digits: int = 0,
    series: Sequence[Series] = OUTCOMES,
    axis: tuple[float, float] | None = None,
) -> Figure:
    """Draw levels with their intervals, one row per group, in the frame's order of groups.

    Parameters
    ----------
    frame
        Columns ``group, model, estimate, conf_low, conf_high``; ``model`` holds the names of ``series``.
    caption
        The figure's words.
    group_label
        Heads the groups in the table; "Country" by default.
    value_label
        What the axis shows; a share of adults by default.
    unit
        ``"percent"`` for shares between 0 and 1, ``"number"`` for numbers drawn as they are, such as an
        index from 0 to 100.
    digits
        Decimals of the printed numbers.
    series
        The outcomes.
    axis
        Ends of the axis as drawn; ``None`` takes 0 to 100, or from 0 to what numbers need if they exceed 100.

    Raises
    ------
    ArgumentError
        If a column or an outcome is absent.
    """
    where = f"figure {caption.key!r}"
    value_label = value_label or say("figures.share_of_adults")
    data = cv.clean_frame(
        where, frame, ["group", "model"], ["estimate", "conf_low", "conf_high"], unique=["group", "model"]
    )
    cv.require_values(where, "model", [one.name for one in series], data)
    groups = list(dict.fromkeys(data["group"]))
    data = cv.in_series_order(data, series, [])
    value = Column(
        key="estimate",
        label=say("figures.with_interval", label=value_label),
        role=unit,
        digits=digits,
        low="conf_low",
        high="conf_high",
    )
    with cv.drawing():
        paper, axes = _draw(data, groups, series, unit, axis)
        cv.value_axis(axes, unit, value_label, bins=10)
        for one in series:
            _marks(axes, data, groups, one, value)
        return cv.finished(
            paper,
            caption,
            data,
            [Column(key="group", label=group_label or say("figures.country")), value],
            alt=_alt(data, series, value),
            description=_description(data, groups, value),
            group="outcome",
        )


def _draw(
    data: pd.DataFrame,
    groups: Sequence[str],
    series: Sequence[Series],
    unit: cv.Unit,
    axis: tuple[float, float] | None,
) -> tuple[Sheet, Axes]:
    body = _ROW * len(groups)
    paper, base = cv.sheet(_TOP + body + _BOTTOM)
    left = min(widest(groups) + 0.3, 3.0)
    bounds = [data[name] * cv.factor(unit) for name in ("estimate", "conf_high")]
    xlim = axis or (0.0, max(100.0, cv.limits(bounds, include=[0.0])[1]))
    cv.row_labels(base, groups, top=_TOP, row=_ROW, width=left)
    cv.series_key(base, left, 0.22, series)
    return paper, cv.panel(paper, left, _TOP, cv.WIDTH - left - 0.35, body, xlim=xlim, ylim=(body, 0))


def _marks(axes: Axes, data: pd.DataFrame, groups: Sequence[str], one: Series, value: Column) -> None:
    times = cv.factor("number" if value.role == "number" else "percent")
    room = (axes.get_xlim()[1] - axes.get_xlim()[0]) * 0.012
    alone = replace(value, low="", high="", show="both")
    names = list(dict.fromkeys(data["model"]))
    shift = cv.offsets(len(names), 0.085)[names.index(one.name)]
    own = data.loc[data["model"] == one.name, ["group", "estimate", "conf_low", "conf_high"]]
    for group, *numbers in own.itertuples(index=False, name=None):
        x, low, high = (number * times for number in numbers)
        y = _ROW * (groups.index(group) + 0.5) + shift
        cv.interval_mark(axes, x, low, high, y, one)
        if pd.notna(x):
            right = x if pd.isna(high) else max(x, high)
            cv.write(axes, right + room, y, alone.text(numbers[0]), size=SMALL_SIZE - 0.5)


def _texts(data: pd.DataFrame, value: Column) -> list[str]:
    rows = data[["estimate", "conf_low", "conf_high"]].itertuples(index=False, name=None)
    return [value.text(*row) for row in rows]


def _alt(data: pd.DataFrame, series: Sequence[Series], value: Column) -> list[str]:
    sentences = []
    for one in series:
        own = data[data["model"] == one.name].sort_values("estimate", kind="stable")
        low, high = own.iloc[[0]], own.iloc[[-1]]
        ends = {
            "low": _texts(low, value)[0],
            "low_group": low["group"].iloc[0],
            "high": _texts(high, value)[0],
            "high_group": high["group"].iloc[0],
        }
        sentences.append(say("figures.levels_ends", outcome=one.label, **ends))
    return [*sentences, say("figures.brackets")]


def _description(data: pd.DataFrame, groups: Sequence[str], value: Column) -> list[str]:
    sentences = [f"{value.label}."]
    for group in groups:
        own = data[data["group"] == group]
        pairs = zip(own["outcome"], _texts(own, value), strict=True)
        told = cv.told(f"{lower_first(name)} {text}" for name, text in pairs)
        sentences.append(say("figures.line", name=group, told=told))
    return sentences
