"""How unequal the weights are, and what that costs."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure as Sheet

from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import canvas as cv
from coprodstats.reporting.figures.record import Caption, Figure
from coprodstats.reporting.language import say
from coprodstats.reporting.style import DARK_BLUE, INK, PAPER, SMALL_SIZE
from coprodstats.reporting.table import Column

_HEIGHT = 2.5
_TOP, _BOTTOM, _LEFT = 0.62, 0.52, 0.6


def weight_columns(
    frame: pd.DataFrame, caption: Caption, *, respondents: int, effective: float, colour: str = DARK_BLUE
) -> Figure:
    """Draw the shares of respondents by weight, and say how many equal weights would tell as much.

    Parameters
    ----------
    frame
        Columns ``low, high, share``: bins of weights in multiples of their mean, of equal width and side by
        side, and the shares of respondents in them.
    caption
        The figure's words.
    respondents
        How many respondents there are.
    effective
        How many respondents of equal weight would tell as much about a mean: ``(sum w)^2 / sum w^2`` (Kish
        1965, *Survey Sampling*).
    colour
        Of the columns.

    Raises
    ------
    ArgumentError
        If a column is absent.
    """
    where = f"figure {caption.key!r}"
    data = cv.clean_frame(where, frame, [], ["low", "high", "share"], unique=["low"])
    data = data.sort_values("low", kind="stable").reset_index(drop=True)
    digits = max(cv.decimals(edge) for edge in [*data["low"], *data["high"]])
    with cv.drawing():
        return cv.finished(
            _draw(data, respondents, effective, colour),
            caption,
            data,
            [
                Column(key="low", label=say("figures.weight_from"), role="number", digits=digits),
                Column(key="high", label=say("figures.weight_below"), role="number", digits=digits),
                Column(key="share", label=say("figures.share_of_respondents"), role="percent", digits=1),
            ],
            alt=_alt(data, respondents, effective, digits),
            description=_description(data, digits),
        )


def _draw(data: pd.DataFrame, respondents: int, effective: float, colour: str) -> Sheet:
    paper, base = cv.sheet(_TOP + _HEIGHT + _BOTTOM)
    first, last = float(data["low"].iloc[0]), float(data["high"].iloc[-1])
    width = (last - first) / len(data)
    top = cv.limits([data["share"] * 100], include=[0.0], pad=0.1)[1]
    span = (min(first, 0.0), last)
    axes = cv.panel(paper, _LEFT, _TOP, cv.WIDTH - _LEFT - 0.15, _HEIGHT, xlim=span, ylim=(0.0, top))
    cv.write(base, 0.06, 0.18, say("figures.share_of_respondents"))
    cv.value_axis(axes, "number", say("figures.weight_axis"), bins=10)
    cv.upright_axis(axes, "percent", bins=4)
    axes.bar(
        data["low"],
        data["share"] * 100,
        width,
        align="edge",
        color=colour,
        edgecolor=PAPER,
        linewidth=0.8,
        zorder=3,
    )
    axes.axvline(1.0, color=INK, linewidth=1.1, dashes=(3.0, 2.0), zorder=4)
    room = (span[1] - span[0]) / (cv.WIDTH - _LEFT - 0.15) * 0.08
    cv.write(axes, 1.0 + room, top * 0.96, say("figures.mean_weight"), size=SMALL_SIZE)
    told = say("figures.effective", n=respondents, effective=fmt.count(round(effective)))
    cv.write(base, cv.WIDTH - 0.15, 0.18, told, align="right")
    return paper


def _alt(data: pd.DataFrame, respondents: int, effective: float, digits: int) -> list[str]:
    most = data.iloc[int(data["share"].to_numpy().argmax())]
    low, high = (fmt.number(edge, digits) for edge in (data["low"].iloc[0], data["high"].iloc[-1]))
    peak = [fmt.number(most[name], digits) for name in ("low", "high")]
    return [
        say("figures.weights_span", low=low, high=high),
        say("figures.weights_peak", low=peak[0], high=peak[1], share=fmt.percent(most["share"])),
        say("figures.effective", n=respondents, effective=fmt.count(round(effective))) + ".",
    ]


def _description(data: pd.DataFrame, digits: int) -> list[str]:
    bins = [
        say(
            "figures.weights_bin",
            low=fmt.number(low, digits),
            high=fmt.number(high, digits),
            share=fmt.percent(share, 1),
        )
        for low, high, share in data[["low", "high", "share"]].itertuples(index=False, name=None)
    ]
    return [say("figures.line", name=say("figures.weights_told"), told=cv.told(bins))]
