"""Small multiples: predicted probabilities along a variable, one panel per country or other group."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import canvas as cv
from coprodstats.reporting.figures.lines import draw_line, prediction_columns
from coprodstats.reporting.figures.record import Caption, Figure
from coprodstats.reporting.language import say
from coprodstats.reporting.lettering import wrapped
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.style import OUTCOMES, SMALL_SIZE, Series
from coprodstats.reporting.table import Column

_HEIGHT = 1.75
_TOP, _HEAD, _FOOT = 0.72, 0.26, 0.36
_LEFT, _GAP, _END = 0.55, 0.28, 0.5
_ACROSS = 3


def prediction_panels(
    frame: pd.DataFrame,
    caption: Caption,
    *,
    variable_label: str | None = None,
    value_label: str | None = None,
    group_label: str | None = None,
    series: Sequence[Series] = OUTCOMES,
) -> Figure:
    """Draw average predicted probabilities along a variable, a panel for each group, all on one scale.

    Parameters
    ----------
    frame
        Columns ``group, model, value, estimate, conf_low, conf_high``: probabilities between 0 and 1, as
        `average_predictions` gives them; groups are drawn in the frame's order.
    caption
        The figure's words.
    variable_label
        The name of the variable with its unit, under the axes; age in years by default.
    value_label
        What is predicted, a probability by default; stands above the panels and heads the table.
    group_label
        Heads the groups in the table; "Country" by default.
    series
        The outcomes.

    Raises
    ------
    ArgumentError
        If a column or an outcome is absent.
    """
    where = f"figure {caption.key!r}"
    unique = ["group", "model", "value"]
    numeric = ["value", "estimate", "conf_low", "conf_high"]
    data = cv.clean_frame(where, frame, ["group", "model"], numeric, unique=unique)
    cv.require_values(where, "model", [one.name for one in series], data)
    variable, value = (
        variable_label or say("figures.age_in_years"),
        value_label or say("figures.predicted_probability"),
    )
    groups = list(dict.fromkeys(data["group"]))
    data = cv.in_series_order(
        data.assign(_panel=data["group"].map(groups.index)), series, ["_panel", "value"]
    )
    data = data.sort_values("_panel", kind="stable").drop(columns="_panel").reset_index(drop=True)
    with cv.drawing():
        return cv.finished(
            _draw(data, groups, series, variable, value),
            caption,
            data,
            [
                Column(key="group", label=group_label or say("figures.country")),
                *prediction_columns(data, variable, value),
            ],
            alt=_alt(data, groups, series, variable),
            description=_description(data, groups, series, variable),
            group="outcome",
            printed=cv.in_series_order(data, series, []),
        )


def _draw(
    data: pd.DataFrame, groups: Sequence[str], series: Sequence[Series], variable: str, value: str
) -> Sheet:
    across = min(_ACROSS, len(groups))
    down = -(-len(groups) // across)
    step = _HEAD + _HEIGHT + _FOOT
    paper, base = cv.sheet(_TOP + step * down + 0.16)
    width = (cv.WIDTH - _LEFT - across * _END - (across - 1) * _GAP) / across
    span = (float(data["value"].min()), float(data["value"].max()))
    cv.line_key(base, _LEFT, 0.18, series)
    cv.write(base, 0.06, 0.5, value, size=SMALL_SIZE)
    for position, group in enumerate(groups):
        column, row = position % across, position // across
        left, top = _LEFT + column * (width + _END + _GAP), _TOP + row * step
        cv.write(base, left, top + 0.1, wrapped(group, width + _END, bold=True)[0], bold=True)
        axes = cv.panel(paper, left, top + _HEAD, width, _HEIGHT, xlim=span, ylim=(0.0, 100.0))
        cv.value_axis(axes, "number", "", bins=4)
        cv.upright_axis(axes, "percent", bins=2)
        if column:
            axes.set_yticklabels([])
        for one in series:
            draw_line(axes, data[(data["group"] == group) & (data["model"] == one.name)], one, marks=4)
        _ends(axes, data[data["group"] == group], series, span[1])
    cv.write(base, _LEFT, _TOP + step * down + 0.02, variable, size=SMALL_SIZE)
    return paper


def _ends(axes: Axes, own: pd.DataFrame, series: Sequence[Series], end: float) -> None:
    """Write each line's last share at its end."""
    last = [own[own["model"] == one.name]["estimate"].iloc[-1] for one in series]
    places = cv.spread([share * 100 for share in last], 11.0)
    for share, place in zip(last, places, strict=True):
        axes.annotate(
            fmt.percent(share),
            (end, place),
            xytext=(6, 0),
            textcoords="offset points",
            verticalalignment="center",
            fontsize=SMALL_SIZE,
            parse_math=False,
            annotation_clip=False,
        )


def _ways(own: pd.DataFrame, series: Sequence[Series]) -> list[str]:
    ways = []
    for one in series:
        numbers = own.loc[own["model"] == one.name, ["estimate", "conf_low", "conf_high"]]
        first, last = (fmt.percent_estimate(*numbers.iloc[row]) for row in (0, -1))
        ways.append(say("figures.lines_way", outcome=lower_first(one.label), first=first, last=last))
    return ways


def _alt(data: pd.DataFrame, groups: Sequence[str], series: Sequence[Series], variable: str) -> list[str]:
    low, high = (cv.tick_labels([data["value"].agg(how)], "number")[0] for how in ("min", "max"))
    sentences = [say("figures.panels_span", n=len(groups), variable=variable, low=low, high=high)]
    for one in series:
        own = data[(data["model"] == one.name) & (data["value"] == data["value"].max())]
        least, most = (own.loc[own["estimate"].agg(how)] for how in ("idxmin", "idxmax"))
        texts = [fmt.percent_estimate(*at[["estimate", "conf_low", "conf_high"]]) for at in (least, most)]
        ends = {"low": texts[0], "low_group": least["group"], "high": texts[1], "high_group": most["group"]}
        sentences.append(say("figures.panels_ends", outcome=one.label, value=high, **ends))
    return [*sentences, say("figures.brackets")]


def _description(
    data: pd.DataFrame, groups: Sequence[str], series: Sequence[Series], variable: str
) -> list[str]:
    low, high = (cv.tick_labels([data["value"].agg(how)], "number")[0] for how in ("min", "max"))
    sentences = [say("figures.panels_told", variable=variable, low=low, high=high)]
    for group in groups:
        ways = cv.told(_ways(data[data["group"] == group], series))
        sentences.append(say("figures.line", name=group, told=ways))
    return sentences
