"""Observed against predicted shares: how well models say who does something."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import canvas as cv
from coprodstats.reporting.figures.record import Caption, Figure
from coprodstats.reporting.language import say
from coprodstats.reporting.lettering import text_width
from coprodstats.reporting.style import OUTCOMES, PAPER, QUIET_INK, SMALL_SIZE, Series
from coprodstats.reporting.table import Column

_SIDE = 3.75
_TOP, _BOTTOM, _LEFT, _GAP = 0.72, 0.52, 0.62, 0.62


def calibration_plot(frame: pd.DataFrame, caption: Caption, *, series: Sequence[Series] = OUTCOMES) -> Figure:
    """Draw the observed share of each group against the predicted one, a panel per outcome.

    Parameters
    ----------
    frame
        Columns ``model, group, predicted, observed, conf_low, conf_high, n``, as the calibration of
        `goodness_of_fit` gives them: groups of respondents by predicted probability, and the interval of the
        observed share.
    caption
        The figure's words.
    series
        The outcomes, one panel each.

    Raises
    ------
    ArgumentError
        If a column or an outcome is absent.
    """
    where = f"figure {caption.key!r}"
    numeric = ["group", "predicted", "observed", "conf_low", "conf_high", "n"]
    data = cv.clean_frame(where, frame, ["model"], numeric, unique=["model", "group"])
    cv.require_values(where, "model", [one.name for one in series], data)
    data = cv.in_series_order(data, series, ["group"]).astype({"group": "int64", "n": "int64"})
    with cv.drawing():
        return cv.finished(
            _draw(data, series),
            caption,
            data,
            [
                Column(key="group", label=say("figures.group"), role="count"),
                Column(key="n", label=say("figures.respondents"), role="count"),
                Column(key="predicted", label=say("figures.predicted"), role="percent", digits=1),
                _observed(),
            ],
            alt=_alt(data, series),
            description=_description(data, series),
            group="outcome",
        )


def _observed() -> Column:
    label = say("figures.with_interval", label=say("figures.observed"))
    return Column(key="observed", label=label, role="percent", digits=1, low="conf_low", high="conf_high")


def within(data: pd.DataFrame) -> tuple[int, int]:
    """Return how many intervals of the observed share hold the predicted one, and how many there are."""
    there = data[data["conf_low"].notna() & data["conf_high"].notna()]
    holds = (there["conf_low"] <= there["predicted"]) & (there["predicted"] <= there["conf_high"])
    return int(holds.sum()), len(there)


def _draw(data: pd.DataFrame, series: Sequence[Series]) -> Sheet:
    paper, base = cv.sheet(_TOP + _SIDE + _BOTTOM)
    bounds = [data[name] * 100 for name in ("predicted", "observed", "conf_low", "conf_high")]
    low, high = cv.limits(bounds)
    span = (max(low, 0.0), min(high, 100.0))
    for position, one in enumerate(series):
        left = _LEFT + position * (_SIDE + _GAP)
        cv.interval_mark(base, left + 0.08, np.nan, np.nan, 0.18, one)
        cv.write(base, left + 0.22, 0.18, one.label, bold=True)
        cv.write(base, left, 0.48, say("figures.observed"), size=SMALL_SIZE)
        axes = cv.panel(paper, left, _TOP, _SIDE, _SIDE, xlim=span, ylim=span)
        cv.value_axis(axes, "percent", say("figures.predicted"), bins=5)
        cv.upright_axis(axes, "percent", bins=5)
        axes.plot(span, span, color=QUIET_INK, linewidth=1.1, dashes=(3.0, 2.0), zorder=2)
        _diagonal_key(base, left + _SIDE)
        _points(axes, data[data["model"] == one.name], one)
    return paper


def _diagonal_key(base: Axes, right: float) -> None:
    text = say("figures.as_predicted")
    start = right - text_width(text, SMALL_SIZE) - 0.06
    base.plot([start - 0.4, start], [0.48, 0.48], color=QUIET_INK, linewidth=1.1, dashes=(3.0, 2.0))
    cv.write(base, right, 0.48, text, size=SMALL_SIZE, align="right")


def _points(axes: Axes, own: pd.DataFrame, one: Series) -> None:
    rows = own[["predicted", "observed", "conf_low", "conf_high"]] * 100
    for x, y, low, high in rows.itertuples(index=False, name=None):
        if np.isfinite([low, high]).all():
            axes.plot([x, x], [low, high], color=one.colour, linewidth=1.9, zorder=3)
        axes.plot(
            [x],
            [y],
            linestyle="none",
            marker=one.marker,
            markersize=6.2,
            color=one.colour,
            markeredgecolor=PAPER,
            markeredgewidth=0.7,
            zorder=4,
        )


def _alt(data: pd.DataFrame, series: Sequence[Series]) -> list[str]:
    sentences = []
    for one in series:
        own = data[data["model"] == one.name]
        holds, n = within(own)
        low, high = (fmt.percent(own["predicted"].agg(how)) for how in ("min", "max"))
        ends = {"low": low, "high": high}
        sentences.append(say("figures.calibration_within", outcome=one.label, holds=holds, all=n, **ends))
    return [say("figures.calibration_alt"), *sentences]


def _description(data: pd.DataFrame, series: Sequence[Series]) -> list[str]:
    observed = _observed()
    sentences = [say("figures.calibration_told")]
    for one in series:
        own = data.loc[data["model"] == one.name, ["predicted", "observed", "conf_low", "conf_high"]]
        pairs = [
            say("figures.calibration_pair", predicted=fmt.percent(p, 1), observed=observed.text(*rest))
            for p, *rest in own.itertuples(index=False, name=None)
        ]
        sentences.append(say("figures.line", name=one.label, told=cv.told(pairs)))
    return sentences
