"""Predicted probabilities along a variable, for both outcomes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import canvas as cv
from coprodstats.reporting.figures.record import Caption, Figure
from coprodstats.reporting.language import say
from coprodstats.reporting.lettering import safe, widest
from coprodstats.reporting.style import OUTCOMES, PAPER, Series
from coprodstats.reporting.table import Column

_HEIGHT = 4.1
_TOP, _BOTTOM, _LEFT = 0.45, 0.52, 0.6


def prediction_lines(
    frame: pd.DataFrame,
    caption: Caption,
    *,
    variable_label: str | None = None,
    value_label: str | None = None,
    series: Sequence[Series] = OUTCOMES,
    full_axis: bool = True,
) -> Figure:
    """Draw average predicted probabilities along a variable, with their intervals as bands.

    Parameters
    ----------
    frame
        Columns ``model, value, estimate, conf_low, conf_high``: probabilities between 0 and 1, as
        `average_predictions` gives them, with a column ``model`` that holds the names of ``series``.
    caption
        The figure's words.
    variable_label
        The name of the variable with its unit, under the axis; age in years by default.
    value_label
        What is predicted, a probability by default; stands above the axis and heads the table.
    series
        The outcomes.
    full_axis
        Whether the axis goes from 0% to 100%, so that no difference looks larger than it is.

    Raises
    ------
    ArgumentError
        If a column or an outcome is absent.
    """
    where = f"figure {caption.key!r}"
    variable_label = variable_label or say("figures.age_in_years")
    value_label = value_label or say("figures.predicted_probability")
    data = cv.clean_frame(
        where, frame, ["model"], ["value", "estimate", "conf_low", "conf_high"], unique=["model", "value"]
    )
    cv.require_values(where, "model", [one.name for one in series], data)
    data = cv.in_series_order(data, series, ["value"])
    with cv.drawing():
        return cv.finished(
            _draw(data, series, variable_label, value_label, full_axis=full_axis),
            caption,
            data,
            prediction_columns(data, variable_label, value_label),
            alt=_alt(data, series, variable_label),
            description=_description(data, series, variable_label),
            group="outcome",
        )


def _draw(
    data: pd.DataFrame, series: Sequence[Series], variable_label: str, value_label: str, *, full_axis: bool
) -> Sheet:
    paper, base = cv.sheet(_HEIGHT)
    edge = cv.WIDTH - widest([one.label for one in series], bold=True) - 0.55
    span = (float(data["value"].min()), float(data["value"].max()))
    bounds = [data[name] * 100 for name in ("estimate", "conf_low", "conf_high")]
    low, high = cv.limits(bounds)
    ylim = (0.0, 100.0) if full_axis else (max(low, 0.0), min(high, 100.0))
    axes = cv.panel(paper, _LEFT, _TOP, edge - _LEFT, _HEIGHT - _TOP - _BOTTOM, xlim=span, ylim=ylim)
    cv.write(base, 0.06, 0.16, value_label)
    cv.value_axis(axes, "number", variable_label, bins=9)
    cv.upright_axis(axes, "percent")
    for one in series:
        draw_line(axes, data[data["model"] == one.name], one)
    _names(axes, data, series, span[1], ylim)
    return paper


def draw_line(axes: Axes, own: pd.DataFrame, one: Series, *, marks: int = 8) -> None:
    """Draw one outcome's line with its band and about so many marks."""
    x = own["value"].to_numpy()
    low, high = (own[name].to_numpy() * 100 for name in ("conf_low", "conf_high"))
    axes.fill_between(x, low, high, color=one.colour, alpha=0.2, linewidth=0, zorder=2)
    sns.lineplot(
        x=x,
        y=own["estimate"].to_numpy() * 100,
        ax=axes,
        color=one.colour,
        linewidth=2.2,
        errorbar=None,
        zorder=3,
    )
    line = axes.lines[-1]
    if one.dashes:
        line.set_dashes(one.dashes)
    line.set(marker=one.marker, markersize=5.5, markeredgecolor=PAPER, markeredgewidth=0.7, clip_on=False)
    line.set_markevery(max(1, len(x) // marks))
    axes.set_ylabel("")


def _names(
    axes: Axes, data: pd.DataFrame, series: Sequence[Series], end: float, ylim: tuple[float, float]
) -> None:
    """Name each line at its right end; names that would touch are moved apart."""
    ends = [float(data[data["model"] == one.name]["estimate"].iloc[-1] * 100) for one in series]
    apart = (ylim[1] - ylim[0]) * 0.075
    places = cv.spread(ends, apart)
    for one, share, place in zip(series, ends, places, strict=True):
        axes.annotate(
            safe(f"{one.label} {fmt.percent(share / 100)}"),
            (end, place),
            xytext=(8, 0),
            textcoords="offset points",
            verticalalignment="center",
            fontweight="bold",
            parse_math=False,
            annotation_clip=False,
        )


def prediction_columns(data: pd.DataFrame, variable_label: str, value_label: str) -> list[Column]:
    """Return the columns that print predictions along a variable."""
    decimals = max(cv.decimals(value) for value in data["value"])
    return [
        Column(key="value", label=variable_label, role="number", digits=decimals),
        Column(
            key="estimate",
            label=say("figures.with_interval", label=value_label),
            role="percent",
            digits=1,
            low="conf_low",
            high="conf_high",
        ),
    ]


def _alt(data: pd.DataFrame, series: Sequence[Series], variable_label: str) -> list[str]:
    low, high = (cv.tick_labels([data["value"].agg(how)], "number")[0] for how in ("min", "max"))
    ways = []
    for one in series:
        own = data[data["model"] == one.name]
        first, last = (fmt.percent_estimate(*_numbers(own)[end]) for end in (0, -1))
        ways.append(say("figures.lines_way", outcome=one.label, first=first, last=last))
    return [say("figures.lines_ends", variable=variable_label, low=low, high=high, ways=cv.told(ways))]


def _numbers(own: pd.DataFrame) -> list[tuple[float, float, float]]:
    return list(own[["estimate", "conf_low", "conf_high"]].itertuples(index=False, name=None))


def _description(data: pd.DataFrame, series: Sequence[Series], variable_label: str) -> list[str]:
    sentences = [say("figures.lines_told", variable=variable_label)]
    for one in series:
        own = data[data["model"] == one.name]
        places = cv.tick_labels(own["value"].tolist(), "number")
        shares = [fmt.percent_estimate(*row) for row in _numbers(own)]
        told = cv.told(
            say("figures.at", place=place, share=share) for place, share in zip(places, shares, strict=True)
        )
        sentences.append(say("figures.line", name=one.label, told=told))
    return sentences
