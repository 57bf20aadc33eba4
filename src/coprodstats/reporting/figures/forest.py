"""The heart of the report: both outcomes on one axis, and their difference beside it, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from coprodstats.errors import ArgumentError, Fault
from coprodstats.reporting.figures import canvas as cv
from coprodstats.reporting.figures.record import Caption, Figure
from coprodstats.reporting.language import listing, say
from coprodstats.reporting.lettering import text_width, two_lines, widest
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.style import BAND, INK, OUTCOMES, QUIET_INK, SMALL_SIZE, Series
from coprodstats.reporting.table import Column

_ROW = 0.36
_HEADING = 0.29
_TALL_HEADING = 0.42
_LABELS = 3.0
_GROUP_GAP = 0.07
_TOP = 0.78
_BOTTOM = 0.5
_GUTTER = 0.16
_OFFSET = 0.085
_KEY_GAP = 0.18


@dataclass(frozen=True, slots=True, kw_only=True)
class TermLabel:
    """What readers see for a term of a model.

    Attributes
    ----------
    term
        The value in the frames' ``term`` column, such as ``"gender[T.woman]"``.
    label
        The row's words, such as ``"Women (compared with men)"``.
    group
        The variable that the row belongs to; rows of one group stand together under its name. Empty for a
        variable that has one row.
    """

    term: str
    label: str
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line of the drawing: a row with its marks, or the heading of a group."""

    label: str
    top: float
    height: float
    term: str = ""
    indent: float = 0.0

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


class _Look(NamedTuple):
    """How the numbers are drawn; the parameters are explained at `comparison_forest`."""

    series: Sequence[Series]
    unit: cv.Unit
    digits: int | None
    axis_label: str
    difference_label: str


def comparison_forest(
    intervals: pd.DataFrame,
    differences: pd.DataFrame,
    caption: Caption,
    *,
    labels: Sequence[TermLabel],
    unit: cv.Unit = "points",
    digits: int | None = None,
    series: Sequence[Series] = OUTCOMES,
    axis_label: str | None = None,
    difference_label: str | None = None,
) -> Figure:
    """Draw each outcome's estimates and, beside them, their differences.

    Parameters
    ----------
    intervals
        Columns ``model, term, estimate, conf_low, conf_high``; ``model`` holds the names of ``series``.
    differences
        Columns ``term, difference, conf_low, conf_high``, as `Comparison.to_frame` gives them.
    caption
        The figure's words.
    labels
        The rows, in order; only these terms are drawn.
    unit
        ``"points"`` for differences of probabilities (drawn in percentage points), ``"number"`` for
        numbers drawn as they are, such as log-odds.
    digits
        Decimals of the printed differences and of the table; ``None`` takes 1 for points, 2 for numbers.
    series
        The outcomes, in the order in which they are subtracted from (last minus first).
    axis_label
        The unit, under both axes; percentage points by default.
    difference_label
        The head of the right panel; by default the last outcome minus the first.

    Raises
    ------
    ArgumentError
        If a column or a term is absent.
    """
    where = f"figure {caption.key!r}"
    shown = _joined(where, intervals, differences, labels, series)
    lines = _lines(labels)
    label = difference_label or say(
        "figures.minus", second=series[-1].label, first=lower_first(series[0].label)
    )
    look = _Look(series, unit, digits, axis_label or say("figures.percentage_points"), label)
    with cv.drawing():
        return cv.finished(
            _draw(shown, lines, look),
            caption,
            shown,
            _columns(series, unit, digits, label),
            alt=_alt(shown, series, unit, digits),
            description=_description(shown, series, unit, digits),
            group="group" if any(label.group for label in labels) else "",
        )


def _joined(
    where: str,
    intervals: pd.DataFrame,
    differences: pd.DataFrame,
    labels: Sequence[TermLabel],
    series: Sequence[Series],
) -> pd.DataFrame:
    terms = [label.term for label in labels]
    if not terms or len(set(terms)) < len(terms):
        raise ArgumentError(Fault(where=where, found="there are no labels, or one term has two labels"))
    bounds = ["conf_low", "conf_high"]
    pair = ["model", "term"]
    long = cv.clean_frame(where, intervals, pair, ["estimate", *bounds], unique=pair)
    apart = cv.clean_frame(where, differences, ["term"], ["difference", *bounds], unique=["term"])
    data = pd.DataFrame(
        {
            "group": [row.group or row.label for row in labels],
            "label": [row.label for row in labels],
            "term": terms,
        }
    )
    for one in series:
        own = long[long["model"] == one.name]
        cv.require_values(f"{where}, {one.name}", "term", terms, own)
        indexed = own.set_index("term")
        for column in ("estimate", *bounds):
            data[f"{one.name}_{column}"] = indexed[column].reindex(terms).to_numpy()
    cv.require_values(f"{where}, differences", "term", terms, apart)
    indexed = apart.set_index("term")
    for column, name in (("difference", "estimate"), *((bound, bound) for bound in bounds)):
        data[f"difference_{name}"] = indexed[column].reindex(terms).to_numpy()
    return data


def _lines(labels: Sequence[TermLabel]) -> list[_Line]:
    lines: list[_Line] = []
    top, group = 0.0, ""
    for row in labels:
        if row.group and row.group != group:
            top += _GROUP_GAP if lines else 0.0
            height = _HEADING if text_width(row.group, bold=True) < _LABELS - 0.2 else _TALL_HEADING
            lines.append(_Line(label=row.group, top=top, height=height))
            top += height
        elif not row.group and group:
            top += _GROUP_GAP
        group = row.group
        indent = 0.16 if row.group else 0.0
        lines.append(_Line(label=row.label, top=top, height=_ROW, term=row.term, indent=indent))
        top += _ROW
    return lines


def _draw(shown: pd.DataFrame, lines: Sequence[_Line], look: _Look) -> Sheet:
    series, unit = look.series, look.unit
    body = lines[-1].top + lines[-1].height
    paper, base = cv.sheet(_TOP + body + _BOTTOM)
    texts = _texts(shown, _difference(), unit, look.digits)
    edge = cv.WIDTH - widest(texts, SMALL_SIZE) - 0.06
    start = min(max(widest([line.label for line in lines], bold=True) + 0.3, 1.6), _LABELS)
    _bands(base, lines)
    _row_labels(base, lines, start)
    groups: tuple[Sequence[Series], ...] = (series, (_difference(),))
    least = sum(0.38 + text_width(one.label) for one in series) + _KEY_GAP * len(series)
    places, spans = _panels(start, edge, [_limits(shown, group, unit) for group in groups], least)
    ticks = cv.round_ticks(*max(spans, key=lambda span: span[1] - span[0]), 6)
    step = ticks[1] - ticks[0]
    for (left, right), xlim, group in zip(places, spans, groups, strict=True):
        axes = cv.panel(paper, left, _TOP, right - left, body, xlim=xlim, ylim=(body, 0))
        cv.value_axis(axes, unit, look.axis_label, step=step)
        _marks(axes, shown, lines, group, unit)
    _heads(base, places, series, look.difference_label)
    for line, text in zip((line for line in lines if line.term), texts, strict=True):
        cv.write(base, cv.WIDTH - 0.03, _TOP + line.middle, text, size=SMALL_SIZE, align="right")
    return paper


def _difference() -> Series:
    return Series(name="difference", label=say("figures.difference"), colour=INK, marker="D")


def _bands(base: Axes, lines: Sequence[_Line]) -> None:
    for line in [line for line in lines if line.term][::2]:
        base.axhspan(_TOP + line.top, _TOP + line.top + line.height, color=BAND, linewidth=0, zorder=0)


def _row_labels(base: Axes, lines: Sequence[_Line], width: float) -> None:
    for line in lines:
        room, bold = width - line.indent - 0.12, not line.term
        size = 10.0 if text_width(line.label, bold=bold) <= room else SMALL_SIZE
        lines_shown = two_lines(line.label, room, size, bold=bold)
        cv.write(base, 0.04 + line.indent, _TOP + line.middle, "", size=size, bold=bold, lines=lines_shown)


def _limits(shown: pd.DataFrame, series: Sequence[Series], unit: cv.Unit) -> tuple[float, float]:
    columns = [f"{one.name}_{part}" for one in series for part in ("estimate", "conf_low", "conf_high")]
    return cv.limits([shown[column] * cv.factor(unit) for column in columns], include=[0.0])


def _panels(
    start: float, edge: float, spans: Sequence[tuple[float, float]], least: float
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Return the places and limits of both panels: a unit is equally long in both."""
    room = edge - start - 2 * _GUTTER
    lengths = [high - low for low, high in spans]
    share = max(min(max(lengths[0] / sum(lengths), 0.42), 0.6), least / room)
    widths = (room * share, room * (1 - share))
    per_inch = max(length / width for length, width in zip(lengths, widths, strict=True))
    missing = [(per_inch * width - length) / 2 for length, width in zip(lengths, widths, strict=True)]
    wider = [(low - extra, high + extra) for (low, high), extra in zip(spans, missing, strict=True)]
    second = start + widths[0] + _GUTTER
    return [(start, start + widths[0]), (second, second + widths[1])], wider


def _marks(
    axes: Axes, shown: pd.DataFrame, lines: Sequence[_Line], series: Sequence[Series], unit: cv.Unit
) -> None:
    axes.axvline(0.0, color=QUIET_INK, linewidth=1.0, zorder=2)
    middles = [line.middle for line in lines if line.term]
    for shift, one in zip(cv.offsets(len(series), _OFFSET), series, strict=True):
        for middle, (x, low, high) in zip(middles, _bounds(shown, one, unit), strict=True):
            cv.interval_mark(axes, x, low, high, middle + shift, one)


def _bounds(shown: pd.DataFrame, one: Series, unit: cv.Unit) -> list[tuple[float, float, float]]:
    parts = [shown[f"{one.name}_{part}"] * cv.factor(unit) for part in ("estimate", "conf_low", "conf_high")]
    return list(zip(*parts, strict=True))


def _heads(
    base: Axes, places: Sequence[tuple[float, float]], series: Sequence[Series], difference_label: str
) -> None:
    (left, _), (right, _) = places
    cv.write(base, left, 0.18, say("figures.each_outcome"), bold=True)
    cv.series_key(base, left, 0.5, series, gap=_KEY_GAP)
    cv.write(base, right, 0.18, say("figures.difference"), bold=True)
    cv.interval_mark(base, right + 0.15, right, right + 0.3, 0.5, _difference())
    cv.write(base, right + 0.38, 0.5, difference_label)
    head, edge = say("figures.interval_head"), cv.WIDTH - 0.03
    apart = edge - text_width(head, SMALL_SIZE) - right - 0.38 - text_width(difference_label)
    cv.write(base, edge, 0.5 if apart > _KEY_GAP else 0.18, head, size=SMALL_SIZE, align="right")


def _column(one: Series, unit: cv.Unit, digits: int | None, label: str) -> Column:
    return Column(
        key=f"{one.name}_estimate",
        label=label,
        role=unit,
        digits=digits,
        low=f"{one.name}_conf_low",
        high=f"{one.name}_conf_high",
    )


def _columns(
    series: Sequence[Series], unit: cv.Unit, digits: int | None, difference_label: str
) -> list[Column]:
    outcomes = [_column(one, unit, digits, say("figures.with_interval", label=one.label)) for one in series]
    last = _column(_difference(), unit, digits, say("figures.forest_difference", label=difference_label))
    return [Column(key="label", label=say("figures.term")), *outcomes, last]


def _texts(shown: pd.DataFrame, one: Series, unit: cv.Unit, digits: int | None) -> list[str]:
    column = _column(one, unit, digits, "text")
    parts = (shown[name] for name in (column.key, column.low, column.high))
    return [column.text(*row) for row in zip(*parts, strict=True)]


def _alt(shown: pd.DataFrame, series: Sequence[Series], unit: cv.Unit, digits: int | None) -> list[str]:
    apart = ((shown["difference_conf_low"] > 0) | (shown["difference_conf_high"] < 0)).sum()
    sizes = shown["difference_estimate"].abs().fillna(-1.0)
    row = int(sizes.to_numpy().argmax())
    largest = _texts(shown, _difference(), unit, digits)[row]
    both = listing([lower_first(one.label) for one in series])
    return [
        say("figures.forest_clear", clear=int(apart), all=len(shown), both=both),
        say("figures.forest_largest", label=shown["label"][row], text=largest),
        say("figures.forest_marks"),
    ]


def _description(
    shown: pd.DataFrame, series: Sequence[Series], unit: cv.Unit, digits: int | None
) -> list[str]:
    named = [(lower_first(one.label), _texts(shown, one, unit, digits)) for one in (*series, _difference())]
    sentences = [say("figures.forest_told")]
    for row, (group, label) in enumerate(zip(shown["group"], shown["label"], strict=True)):
        name = label if group == label else f"{group}, {label}"
        texts = cv.told(f"{what} {own[row]}" for what, own in named)
        sentences.append(say("figures.line", name=name, told=texts))
    return sentences
