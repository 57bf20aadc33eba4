"""Answers to the ordinal items, as stacked bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from coprodstats.errors import ArgumentError, Fault
from coprodstats.reporting import format as fmt
from coprodstats.reporting.colour import shades
from coprodstats.reporting.figures import canvas as cv
from coprodstats.reporting.figures.record import Caption, Figure
from coprodstats.reporting.language import say
from coprodstats.reporting.lettering import text_width, two_lines, widest
from coprodstats.reporting.style import ANSWERS, PAPER, QUIET_INK, SMALL_SIZE, ink_on
from coprodstats.reporting.table import Column

_ROW = 0.34
_BAR = 0.25
_HEADING = 0.36
_KEY, _BOTTOM = 0.26, 0.5
MOST_ANSWERS = 7
"""The most answers that a bar can hold and still be read."""


def item_bars(
    frame: pd.DataFrame,
    caption: Caption,
    *,
    categories: Sequence[str] = ("never", "sometimes", "often"),
    value_label: str | None = None,
    colour: str = ANSWERS,
) -> Figure:
    """Draw the shares of ordered answers as one stacked bar per item, items grouped under headings.

    Parameters
    ----------
    frame
        Columns ``group, item, category, estimate``, shares between 0 and 1, and where there are intervals
        ``conf_low, conf_high``; groups and items are drawn in the frame's order.
    caption
        The figure's words.
    categories
        The answers, lowest first; two to seven of them.
    value_label
        What the axis shows; a share of adults by default.
    colour
        Of the highest answer; the others are lighter, step by step.

    Raises
    ------
    ArgumentError
        If a column or an answer is absent, or the shares of an item do not add up to 1.
    """
    where = f"figure {caption.key!r}"
    if not 2 <= len(categories) <= MOST_ANSWERS:
        found = f"{len(categories)} categories"
        raise ArgumentError(Fault(where=where, found=found, allowed=f"2 to {MOST_ANSWERS}"))
    bounds = [name for name in ("conf_low", "conf_high") if name in frame.columns]
    data = cv.clean_frame(
        where,
        frame,
        ["group", "item", "category"],
        ["estimate", *bounds],
        unique=["group", "item", "category"],
    )
    wide = _wide(where, data, categories)
    highest = data[data["category"] == categories[-1]].reset_index(drop=True)
    with cv.drawing():
        return cv.finished(
            _draw(wide, categories, value_label or say("figures.share_of_adults"), colour),
            caption,
            data,
            [
                Column(key="item", label=say("figures.activity")),
                *(Column(key=name, label=_capital(name), role="percent") for name in categories),
            ],
            printed=wide,
            alt=_alt(highest, categories[-1]),
            description=_description(wide, categories),
            group="group",
        )


def _wide(where: str, data: pd.DataFrame, categories: Sequence[str]) -> pd.DataFrame:
    cv.require_values(where, "category", categories, data)
    items = data[["group", "item"]].drop_duplicates()
    for name in categories:
        own = data.loc[data["category"] == name, ["group", "item", "estimate"]]
        items = items.merge(own.rename(columns={"estimate": name}), how="left", validate="one_to_one")
    total = items[list(categories)].sum(axis=1)
    wrong = items.loc[(total - 1).abs() > 1e-6, "item"]
    if len(wrong):
        found = f"the shares do not add up to 1 for {', '.join(wrong)}"
        raise ArgumentError(Fault(where=where, found=found, remedy="leave out missing answers, then divide"))
    return items.reset_index(drop=True)


def _draw(wide: pd.DataFrame, categories: Sequence[str], value_label: str, colour: str) -> Sheet:
    headings = wide["group"].ne(wide["group"].shift()).sum()
    body = _ROW * len(wide) + _HEADING * headings
    left = min(widest(list(wide["item"])) + 0.35, 3.6)
    rows = _key_rows(categories, cv.WIDTH - left)
    start = 0.24 + _KEY * len(rows)
    paper, base = cv.sheet(start + body + _BOTTOM)
    axes = cv.panel(paper, left, start, cv.WIDTH - left - 0.2, body, xlim=(0, 100), ylim=(body, 0))
    ramp = shades(colour, len(categories))
    _key(base, left, rows, dict(zip(categories, ramp, strict=True)))
    cv.value_axis(axes, "percent", value_label, bins=5)
    top, group = 0.0, None
    for row in wide.to_dict("records"):
        if row["group"] != group:
            group = row["group"]
            cv.write(base, 0.04, start + top + _HEADING * 0.56, group, bold=True)
            top += _HEADING
        middle = top + _ROW / 2
        size = 10.0 if text_width(row["item"]) <= left - 0.3 else SMALL_SIZE
        lines = two_lines(row["item"], left - 0.3, size)
        cv.write(base, 0.18, start + middle, "", size=size, lines=lines)
        _bar(axes, middle, [row[name] * 100 for name in categories], ramp)
        top += _ROW
    return paper


def _bar(axes: Axes, middle: float, shares: Sequence[float], colours: Sequence[str]) -> None:
    left, right = axes.get_xlim()
    per_inch = (right - left) / axes.get_window_extent().width * axes.figure.dpi
    start = 0.0
    for share, colour in zip(shares, colours, strict=True):
        axes.barh(middle, share, _BAR, start, color=colour, edgecolor=PAPER, linewidth=1.0, zorder=3)
        text = fmt.percent(share / 100)
        if share > (text_width(text, 8.5) + 0.06) * per_inch:
            cv.write(axes, start + share / 2, middle, text, size=8.5, align="center", colour=ink_on(colour))
        start += share
    # The lightest answers are almost as light as the paper: a line says where the bar ends.
    axes.barh(middle, start, _BAR, 0.0, color="none", edgecolor=QUIET_INK, linewidth=0.7, zorder=4)


def _key_rows(categories: Sequence[str], room: float) -> list[list[str]]:
    rows: list[list[str]] = [[]]
    used = 0.0
    for name in categories:
        width = 0.58 + text_width(_capital(name))
        if rows[-1] and used + width > room:
            rows.append([])
            used = 0.0
        rows[-1].append(name)
        used += width
    return rows


def _key(base: Axes, left: float, rows: Sequence[Sequence[str]], colours: Mapping[str, str]) -> None:
    for row, names in enumerate(rows):
        x, y = left, 0.22 + _KEY * row
        for name in names:
            base.barh(y, 0.2, 0.15, x, color=colours[name], edgecolor=QUIET_INK, linewidth=0.7, zorder=3)
            cv.write(base, x + 0.28, y, _capital(name))
            x += 0.58 + text_width(_capital(name))


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _alt(highest: pd.DataFrame, category: str) -> list[str]:
    shares = highest["estimate"].to_numpy()
    low, high = (highest.iloc[int(row)] for row in (shares.argmin(), shares.argmax()))
    return [
        say("figures.items_high", category=category, item=high["item"], share=_share(high)),
        say("figures.items_low", item=low["item"], share=_share(low)),
        say("figures.brackets") if "conf_low" in highest else "",
        say("figures.items_shown", n=len(highest)),
    ]


def _share(row: pd.Series) -> str:
    return fmt.percent_estimate(row["estimate"], row.get("conf_low"), row.get("conf_high"))


def _description(wide: pd.DataFrame, categories: Sequence[str]) -> list[str]:
    sentences = [say("figures.items_told")]
    for row in wide.to_dict("records"):
        told = ", ".join(f"{name} {fmt.percent(row[name])}" for name in categories)
        sentences.append(say("figures.line", name=f"{row['group']}, {row['item']}", told=told))
    return sentences
