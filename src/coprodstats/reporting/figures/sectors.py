"""Small multiples: the same estimates of both outcomes, one panel per sector."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from coprodstats.reporting.figures import canvas as cv
from coprodstats.reporting.figures.forest import TermLabel
from coprodstats.reporting.figures.record import Caption, Figure
from coprodstats.reporting.language import say
from coprodstats.reporting.lettering import widest, wrapped
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.style import OUTCOMES, QUIET_INK, Series
from coprodstats.reporting.table import Column

_ROW = 0.44
_TOP, _BOTTOM = 0.8, 0.5
_GAP = 0.2


def sector_panels(
    frame: pd.DataFrame,
    caption: Caption,
    *,
    labels: Sequence[TermLabel],
    unit: cv.Unit = "points",
    digits: int | None = None,
    series: Sequence[Series] = OUTCOMES,
    axis_label: str | None = None,
) -> Figure:
    """Draw both outcomes' estimates in one panel per sector, on one scale.

    Parameters
    ----------
    frame
        Columns ``sector, model, term, estimate, conf_low, conf_high``; sectors are drawn in the frame's
        order, two to five of them.
    caption
        The figure's words.
    labels
        The rows, in order; only these terms are drawn. A label's group is set before its label.
    unit
        ``"points"`` for differences of probabilities, ``"number"`` for numbers drawn as they are.
    digits
        Decimals of the table; ``None`` takes 1 for points, 2 for numbers.
    series
        The outcomes.
    axis_label
        The unit, under each axis; percentage points by default.

    Raises
    ------
    ArgumentError
        If a column, a term or an outcome is absent.
    """
    where = f"figure {caption.key!r}"
    data = cv.clean_frame(
        where,
        frame,
        ["sector", "model", "term"],
        ["estimate", "conf_low", "conf_high"],
        unique=["sector", "model", "term"],
    )
    cv.require_values(where, "model", [one.name for one in series], data)
    cv.require_values(where, "term", [row.term for row in labels], data)
    names = {row.term: row_name(row) for row in labels}
    order = {term: position for position, term in enumerate(names)}
    sectors = list(dict.fromkeys(data["sector"]))
    data = data[data["term"].isin(names)].assign(label=lambda d: d["term"].map(names))
    data = data.assign(_row=data["term"].map(order), _panel=data["sector"].map(sectors.index))
    data = cv.in_series_order(data, series, ["_panel", "_row"])
    data = data.sort_values(["_panel", "_row"], kind="stable").drop(columns=["_row", "_panel"])
    value = Column(
        key="estimate",
        label=say("figures.with_interval", label=say("figures.estimate")),
        role=unit,
        digits=digits,
        low="conf_low",
        high="conf_high",
    )
    with cv.drawing():
        return cv.finished(
            _draw(data, sectors, names, series, unit, axis_label or say("figures.percentage_points")),
            caption,
            data,
            [
                Column(key="label", label=say("figures.term")),
                Column(key="outcome", label=say("figures.outcome")),
                value,
            ],
            alt=_alt(data, sectors, series),
            description=_description(data, sectors, value),
            group="sector",
        )


def row_name(row: TermLabel) -> str:
    """Return a row's name where there are no headings: its group before its label."""
    return say("figures.member", group=row.group, label=row.label) if row.group else row.label


def _draw(
    data: pd.DataFrame,
    sectors: Sequence[str],
    names: dict[str, str],
    series: Sequence[Series],
    unit: cv.Unit,
    axis_label: str,
) -> Sheet:
    body = _ROW * len(names)
    paper, base = cv.sheet(_TOP + body + _BOTTOM)
    left = min(max(widest(list(names.values())) + 0.25, 1.2), 3.1)
    width = (cv.WIDTH - left - 0.1 - _GAP * (len(sectors) - 1)) / len(sectors)
    parts = [data[name] * cv.factor(unit) for name in ("estimate", "conf_low", "conf_high")]
    xlim = cv.limits(parts, include=[0.0])
    cv.series_key(base, left, 0.2, series)
    cv.row_labels(base, list(names.values()), top=_TOP, row=_ROW, width=left)
    for position, sector in enumerate(sectors):
        start = left + position * (width + _GAP)
        axes = cv.panel(paper, start, _TOP, width, body, xlim=xlim, ylim=(body, 0))
        cv.write(base, start, 0.58, wrapped(sector, width, bold=True)[0], bold=True)
        cv.value_axis(axes, unit, axis_label, bins=4)
        axes.axvline(0.0, color=QUIET_INK, linewidth=1.0, zorder=2)
        _marks(axes, data[data["sector"] == sector], list(names), series, cv.factor(unit))
    return paper


def _marks(
    axes: Axes, own: pd.DataFrame, terms: Sequence[str], series: Sequence[Series], times: float
) -> None:
    for shift, one in zip(cv.offsets(len(series), 0.09), series, strict=True):
        rows = own[own["model"] == one.name][["term", "estimate", "conf_low", "conf_high"]]
        for term, *numbers in rows.itertuples(index=False, name=None):
            x, low, high = (number * times for number in numbers)
            cv.interval_mark(axes, x, low, high, _ROW * (terms.index(term) + 0.5) + shift, one)


def _alt(data: pd.DataFrame, sectors: Sequence[str], series: Sequence[Series]) -> list[str]:
    clear = data[(data["conf_low"] > 0) | (data["conf_high"] < 0)]
    sentences = [say("figures.sectors_clear", each=int(data["term"].nunique()))]
    for one in series:
        own = clear[clear["model"] == one.name]
        counts = [
            say("figures.count_in", count=int((own["sector"] == sector).sum()), sector=sector)
            for sector in sectors
        ]
        sentences.append(say("figures.line", name=one.label, told=", ".join(counts)))
    return sentences


def _description(data: pd.DataFrame, sectors: Sequence[str], value: Column) -> list[str]:
    sentences = [say("figures.estimates_told")]
    for sector in sectors:
        own = data[data["sector"] == sector]
        rows = own[["label", "outcome", "estimate", "conf_low", "conf_high"]].itertuples(
            index=False, name=None
        )
        told = cv.told(
            f"{label}, {lower_first(outcome)} {value.text(*rest)}" for label, outcome, *rest in rows
        )
        sentences.append(say("figures.line", name=sector, told=told))
    return sentences
