"""How important each predictor is, under two measures, and how sure its first rank is."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from coprodstats.errors import ArgumentError, Fault
from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import canvas as cv
from coprodstats.reporting.figures.record import Caption, Figure
from coprodstats.reporting.language import say
from coprodstats.reporting.lettering import text_width, widest, wrapped
from coprodstats.reporting.style import DARK_BLUE, SMALL_SIZE
from coprodstats.reporting.table import Column

_ROW = 0.36
_TOP, _BOTTOM = 0.58, 0.5
_GAP = 0.3
_MARK = "#6F7479"


def rank_bars(
    frame: pd.DataFrame,
    caption: Caption,
    *,
    digits: int = 3,
    highlight: str = "",
    predictor_label: str | None = None,
    colour: str = DARK_BLUE,
) -> Figure:
    """Draw the importance of predictors, one panel per measure, with their share of first ranks.

    Parameters
    ----------
    frame
        Columns ``measure, predictor, importance, rank_1_share``: one or two measures, drawn in the
        frame's order; shares between 0 and 1 of the bootstrap draws in which the predictor came first.
    caption
        The figure's words.
    digits
        Decimals of the importance.
    highlight
        The predictor that the text is about; it is drawn dark, the others grey.
    predictor_label
        Heads the predictors in the table.
    colour
        The dark colour.

    Raises
    ------
    ArgumentError
        If a column is absent, or the highlighted predictor does not occur.
    """
    where = f"figure {caption.key!r}"
    data = cv.clean_frame(
        where,
        frame,
        ["measure", "predictor"],
        ["importance", "rank_1_share"],
        unique=["measure", "predictor"],
    )
    measures = list(dict.fromkeys(data["measure"]))
    if len(measures) > 2:
        found = f"{len(measures)} measures"
        raise ArgumentError(Fault(where=where, found=found, allowed="1 or 2", remedy="draw two figures"))
    if highlight:
        cv.require_values(where, "predictor", [highlight], data)
    first = data[data["measure"] == measures[0]].sort_values("importance", ascending=False, kind="stable")
    order = list(dict.fromkeys([*first["predictor"], *data["predictor"]]))
    data = data.assign(_m=data["measure"].map(measures.index), _p=data["predictor"].map(order.index))
    data = data.sort_values(["_m", "_p"], kind="stable").drop(columns=["_m", "_p"]).reset_index(drop=True)
    with cv.drawing():
        return cv.finished(
            _draw(data, measures, order, digits, highlight, colour),
            caption,
            data,
            [
                Column(key="predictor", label=predictor_label or say("figures.predictor")),
                Column(key="importance", label=say("figures.importance"), role="number", digits=digits),
                Column(key="rank_1_share", label=say("figures.first_in_draws"), role="percent"),
            ],
            alt=_alt(data, measures, digits),
            description=_description(data, measures, digits),
            group="measure",
        )


def _draw(
    data: pd.DataFrame,
    measures: Sequence[str],
    order: Sequence[str],
    digits: int,
    highlight: str,
    colour: str,
) -> Sheet:
    body = _ROW * len(order)
    paper, base = cv.sheet(_TOP + body + _BOTTOM)
    left = min(widest(order) + 0.25, 3.3)
    width = (cv.WIDTH - left - _GAP * (len(measures) - 1)) / len(measures)
    cv.row_labels(base, order, top=_TOP, row=_ROW, width=left, bold=highlight)
    for position, measure in enumerate(measures):
        start = left + position * (width + _GAP)
        share_at = start + width - 0.05
        bars = width - text_width(say("figures.first_in_draws"), SMALL_SIZE) - 0.5
        own = data[data["measure"] == measure].set_index("predictor").reindex(list(order))
        top = cv.limits([own["importance"]], include=[0.0])[1]
        axes = cv.panel(paper, start, _TOP, bars, body, xlim=(0.0, top), ylim=(body, 0))
        cv.value_axis(axes, "number", say("figures.importance"), bins=3)
        cv.write(base, start, 0.18, wrapped(measure, width, bold=True)[0], bold=True)
        cv.write(base, share_at, 0.42, say("figures.first_in_draws"), size=SMALL_SIZE, align="right")
        dark = {highlight} if highlight else set(order)
        _bars(base, axes, own, share_at, digits, dark=dark, colour=colour)
    return paper


def _bars(
    base: Axes, axes: Axes, own: pd.DataFrame, share_at: float, digits: int, *, dark: set[str], colour: str
) -> None:
    top = axes.get_xlim()[1]
    for row, (name, importance, share) in enumerate(
        own[["importance", "rank_1_share"]].itertuples(name=None)
    ):
        middle = _ROW * (row + 0.5)
        shade = colour if name in dark else _MARK
        axes.barh(middle, importance, 0.2, color=shade, linewidth=0, zorder=3)
        text = fmt.number(importance, digits)
        cv.write(axes, importance + top * 0.02, middle, text, size=8.5)
        bold = dark == {name}
        cv.write(base, share_at, _TOP + middle, fmt.percent(share), size=SMALL_SIZE, bold=bold, align="right")


def _alt(data: pd.DataFrame, measures: Sequence[str], digits: int) -> list[str]:
    sentences = []
    for measure in measures:
        own = data[data["measure"] == measure].sort_values("importance", ascending=False, kind="stable")
        first = own.iloc[0]
        sentences.append(
            say(
                "figures.ranks_first",
                measure=measure,
                predictor=first["predictor"],
                importance=fmt.number(first["importance"], digits),
                share=fmt.percent(first["rank_1_share"]),
            )
        )
    return sentences


def _description(data: pd.DataFrame, measures: Sequence[str], digits: int) -> list[str]:
    sentences = [say("figures.ranks_told")]
    for measure in measures:
        own = data[data["measure"] == measure]
        rows = own[["predictor", "importance", "rank_1_share"]].itertuples(index=False, name=None)
        told = cv.told(
            f"{name} {fmt.number(size, digits)}, {fmt.percent(share)}" for name, size, share in rows
        )
        sentences.append(say("figures.line", name=measure, told=told))
    return sentences
