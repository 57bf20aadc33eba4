"""Answers to the ordinal items, as stacked bars."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from coprodstats.errors import ArgumentError, Fault
from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import canvas as cv
from coprodstats.reporting.figures.record import Caption, Figure
from coprodstats.reporting.style import ANSWER_RAMP, PAPER, SMALL_SIZE, ink_on
from coprodstats.reporting.table import Column

_ROW = 0.34
_BAR = 0.25
_HEADING = 0.36
_TOP, _BOTTOM = 0.5, 0.5


def item_bars(
    frame: pd.DataFrame,
    caption: Caption,
    *,
    categories: Sequence[str] = ("never", "sometimes", "often"),
    value_label: str = "Share of adults",
) -> Figure:
    """Draw the shares of ordered answers as one stacked bar per item, items grouped under headings.

    Parameters
    ----------
    frame
        Columns ``group, item, category, estimate``, shares between 0 and 1; groups and items are drawn in
        the frame's order.
    caption
        The figure's words.
    categories
        The answers, lowest first; two or three of them.
    value_label
        What the axis shows.

    Raises
    ------
    ArgumentError
        If a column or an answer is absent, or the shares of an item do not add up to 1.
    """
    where = f"figure {caption.key!r}"
    data = cv.clean_frame(
        where, frame, ["group", "item", "category"], ["estimate"], unique=["group", "item", "category"]
    )
    wide = _wide(where, data, categories)
    with cv.drawing():
        return cv.finished(
            _draw(wide, categories, value_label),
            caption,
            data,
            [
                Column(key="item", label="Activity"),
                *(Column(key=name, label=name.capitalize(), role="percent") for name in categories),
            ],
            printed=wide,
            alt=_alt(wide, categories),
            description=_description(wide, categories),
            group="group",
        )


def _wide(where: str, data: pd.DataFrame, categories: Sequence[str]) -> pd.DataFrame:
    if not 2 <= len(categories) <= len(ANSWER_RAMP):
        found = f"{len(categories)} categories"
        raise ArgumentError(Fault(where=where, found=found, allowed=f"2 to {len(ANSWER_RAMP)}"))
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


def _draw(wide: pd.DataFrame, categories: Sequence[str], value_label: str) -> Sheet:
    headings = wide["group"].ne(wide["group"].shift()).sum()
    body = _ROW * len(wide) + _HEADING * headings
    paper, base = cv.sheet(_TOP + body + _BOTTOM)
    left = min(cv.widest(list(wide["item"])) + 0.35, 3.6)
    axes = cv.panel(paper, left, _TOP, cv.WIDTH - left - 0.2, body, xlim=(0, 100), ylim=(body, 0))
    _key(base, left, categories)
    cv.value_axis(axes, "percent", value_label, bins=5)
    top, group = 0.0, None
    for row in wide.to_dict("records"):
        if row["group"] != group:
            group = row["group"]
            cv.write(base, 0.04, _TOP + top + _HEADING * 0.56, group, bold=True)
            top += _HEADING
        middle = top + _ROW / 2
        size = 10.0 if cv.text_width(row["item"]) <= left - 0.3 else SMALL_SIZE
        lines = cv.wrapped(row["item"], left - 0.3, size)[:2]
        cv.write(base, 0.18, _TOP + middle, "", size=size, lines=lines)
        _bar(axes, middle, [row[name] * 100 for name in categories], _ramp(categories))
        top += _ROW
    return paper


def _ramp(categories: Sequence[str]) -> tuple[str, ...]:
    return ANSWER_RAMP if len(categories) == len(ANSWER_RAMP) else (ANSWER_RAMP[0], ANSWER_RAMP[-1])


def _bar(axes: Axes, middle: float, shares: Sequence[float], colours: Sequence[str]) -> None:
    start = 0.0
    for share, colour in zip(shares, colours, strict=True):
        axes.barh(middle, share, _BAR, start, color=colour, edgecolor=PAPER, linewidth=1.0, zorder=3)
        if share >= 5:
            text = fmt.percent(share / 100)
            cv.write(axes, start + share / 2, middle, text, size=8.5, align="center", colour=ink_on(colour))
        start += share


def _key(base: Axes, left: float, categories: Sequence[str]) -> None:
    x = left
    for name, colour in zip(categories, _ramp(categories), strict=True):
        base.barh(0.22, 0.2, 0.15, x, color=colour, linewidth=0, zorder=3)
        cv.write(base, x + 0.28, 0.22, name.capitalize())
        x += 0.28 + cv.text_width(name.capitalize()) + 0.3


def _alt(wide: pd.DataFrame, categories: Sequence[str]) -> list[str]:
    most = categories[-1]
    ordered = wide.sort_values(most, kind="stable")
    low, high = ordered.iloc[0], ordered.iloc[-1]
    first, last = (f"{row['item']}, {fmt.percent(row[most])}" for row in (high, low))
    return [f"Answers to {len(wide)} items. Done {most} by the most: {first}; by the fewest: {last}."]


def _description(wide: pd.DataFrame, categories: Sequence[str]) -> list[str]:
    sentences = ["Weighted shares of the answers to each item."]
    for row in wide.to_dict("records"):
        told = ", ".join(f"{name} {fmt.percent(row[name])}" for name in categories)
        sentences.append(f"{row['group']}, {row['item']}: {told}.")
    return sentences
