"""From rows in to rows kept, with what was excluded and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, get_args

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.patches import FancyBboxPatch

from coprodstats.errors import ArgumentError, Fault, listed
from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import canvas as cv
from coprodstats.reporting.figures.record import Caption, Figure
from coprodstats.reporting.language import say
from coprodstats.reporting.lettering import text_width, wrapped
from coprodstats.reporting.style import BAND, DARK_BLUE, INK, QUIET_INK, SMALL_SIZE, ink_on
from coprodstats.reporting.table import Column

if TYPE_CHECKING:
    from coprodstats.survey.log import CleaningLog

FlowKind = Literal["in", "part", "excluded", "kept", "flagged"]
# Kinds that stand beside the way: rows that leave it, and rows that are on it anyway.
_BESIDE = ("excluded", "part", "flagged")

_BOX = 0.62
_SIDE = 0.5
_GAP = 0.2
_MAIN = (0.3, 3.5)
_ASIDE = (4.5, 8.9)


def cleaning_flow(
    steps: pd.DataFrame | Sequence[tuple[str, int]], caption: Caption, *, colour: str = DARK_BLUE
) -> Figure:
    """Draw the way from the rows of the file to the rows that are used.

    Parameters
    ----------
    steps
        A frame with columns ``kind``, ``label`` and ``rows``, in order; or pairs of label and rows, of which
        the first is ``in``, the last ``kept`` and those between ``excluded``. There may be several ``kept``
        on the way; ``part`` (one file of several) and ``flagged`` take no row away.
    caption
        The figure's words.
    colour
        Of the boxes on the way.

    Raises
    ------
    ArgumentError
        If the steps do not begin with ``in`` and end with ``kept``, or the rows do not add up.

    Examples
    --------
    >>> words = Caption(key="flow", title="Most are kept", subtitle="Rows", n="12 rows", source="Invented")
    >>> figure = cleaning_flow([("Rows in the file", 12), ("Empty", 2), ("Kept", 10)], words)
    >>> figure.alt
    'Of 12 rows, 10 are kept (83.3%). Excluded: Empty, 2.'
    """
    where = f"figure {caption.key!r}"
    data = cv.clean_frame(where, _as_frame(steps), ["kind", "label"], ["rows"])
    faults = _faults(where, data)
    if faults:
        raise ArgumentError(*faults)
    with cv.drawing():
        return cv.finished(
            _draw(data, colour),
            caption,
            data.astype({"rows": "int64"}),
            [
                Column(key="label", label=say("figures.step")),
                Column(key="happens", label=say("figures.what_happens")),
                Column(key="rows", label=say("figures.rows"), role="count"),
            ],
            printed=data.assign(happens=[say(f"figures.kind_{kind}") for kind in data["kind"]]),
            alt=_alt(data),
            description=_description(data),
        )


def flow_diagram(
    log: CleaningLog,
    source: str | None = None,
    *,
    worded: Callable[[str], str] = str,
    colour: str = DARK_BLUE,
) -> Figure:
    """Draw what cleaning did to the rows of a survey.

    Parameters
    ----------
    log
        The log. Rules that excluded nothing are in its tables and not in the drawing; flags always are.
    source
        Where the numbers come from, as readers see it; the cleaning log by default.
    worded
        What gives a rule of the log in the words of the reader's language.
    colour
        Of the boxes on the way.

    Returns
    -------
    Figure
        Its ``svg`` is the drawing, with a title and a description; its ``table`` has the same numbers.

    Raises
    ------
    ArgumentError
        If ``source`` is empty.

    Examples
    --------
    >>> from coprodstats.survey.log import CleaningLog, empty_table
    >>> none = {name: empty_table(name) for name in ("cells", "valid", "missing")}
    >>> excluded = pd.DataFrame({"reason": ["empty row", "repeated id"], "rows": [2, 0]})
    >>> figure = flow_diagram(CleaningLog(rows_in=12, rows_kept=10, excluded=excluded, **none))
    >>> figure.title
    '10 of 12 rows of the file are kept'
    >>> figure.alt
    'Of 12 rows, 10 are kept (83.3%). Excluded: Empty row, 2.'
    """
    files = "files" if len(log.sources) else "file"
    caption = Caption(
        key="cleaning-flow",
        title=say(f"figures.flow_title_{files}", kept=log.rows_kept, all=log.rows_in),
        subtitle=say("figures.flow_subtitle"),
        n=say(f"figures.flow_n_{files}", all=log.rows_in),
        source=say("figures.flow_source") if source is None else source,
    )
    steps = log.steps()
    steps = steps[(steps["kind"] != "excluded") | (steps["rows"] > 0)]
    ends = {"in": say(f"figures.rows_in_{files}"), "kept": say("figures.rows_kept")}
    labels = [
        ends.get(kind) or (label if kind == "part" else _capital(worded(label)))
        for kind, label in zip(steps["kind"], steps["label"], strict=True)
    ]
    return cleaning_flow(steps.assign(label=labels), caption, colour=colour)


def _capital(label: str) -> str:
    return label[:1].upper() + label[1:]


def _as_frame(steps: pd.DataFrame | Sequence[tuple[str, int]]) -> pd.DataFrame:
    if isinstance(steps, pd.DataFrame):
        return steps
    kinds = ["in", *["excluded"] * (len(steps) - 2), "kept"][: len(steps)]
    return pd.DataFrame(
        {"kind": kinds, "label": [label for label, _ in steps], "rows": [rows for _, rows in steps]}
    )


def _faults(where: str, data: pd.DataFrame) -> list[Fault]:
    kinds = list(data["kind"])
    unknown = sorted(set(kinds) - set(get_args(FlowKind)))
    if unknown:
        return [
            Fault(where=where, found=f"unknown kinds {listed(unknown)}", allowed=listed(get_args(FlowKind)))
        ]
    way = [kind for kind in kinds if kind not in {"part", "flagged"}]
    if kinds[0] != "in" or kinds.count("in") != 1 or way[-1] != "kept":
        return [Fault(where=where, found="the steps do not go from one 'in' to a 'kept'")]
    faults, left = [], 0.0
    rows_in, parts = float(data["rows"].iloc[0]), data.loc[data["kind"] == "part", "rows"]
    if len(parts) and parts.sum() != rows_in:
        found = f"the files have {fmt.count(float(parts.sum()))} rows, {fmt.count(rows_in)} come in"
        faults.append(Fault(where=where, found=found, remedy="list every file with its rows"))
    for kind, label, rows in data[["kind", "label", "rows"]].itertuples(index=False, name=None):
        if kind == "kept" and rows != left:
            found = f"{label!r}: {fmt.count(left)} rows are left, {fmt.count(rows)} are given"
            faults.append(Fault(where=where, found=found, remedy="list every exclusion with its rows"))
        if kind in {"in", "kept", "excluded"}:
            left = left - rows if kind == "excluded" else rows
    return faults


def _draw(data: pd.DataFrame, colour: str) -> Sheet:
    tops, height = _places(list(data["kind"]))
    paper, base = cv.sheet(height)
    spine = sum(_MAIN) / 2
    main = [(top, kind) for top, kind in zip(tops, data["kind"], strict=True) if kind not in _BESIDE]
    for (above, _), (below, _) in pairwise(main):
        _arrow(base, (spine, above + _BOX), (spine, below))
    below_the_way = [top for top in tops if top > main[-1][0]]
    if below_the_way:
        _tie(base, (spine, main[-1][0] + _BOX), (spine, below_the_way[-1] + _SIDE / 2))
    rows_in = float(data["rows"].iloc[0])
    for top, (kind, label, rows) in zip(
        tops, data[["kind", "label", "rows"]].itertuples(index=False, name=None), strict=True
    ):
        if kind in _BESIDE:
            ends = (spine, top + _SIDE / 2), (_ASIDE[0], top + _SIDE / 2)
            _arrow(base, *ends) if kind == "excluded" else _tie(base, *ends)
            beside = say(f"figures.beside_{kind}", label=label)
            _box(base, _ASIDE, top, _SIDE, beside, fmt.count(rows))
        else:
            share = "" if kind == "in" or not rows_in else f" ({fmt.percent(rows / rows_in, 1)})"
            _box(base, _MAIN, top, _BOX, label, fmt.count(rows) + share, colour=colour)
    return paper


def _places(kinds: Sequence[str]) -> tuple[list[float], float]:
    tops, top = [], 0.06
    for kind in kinds:
        tops.append(top)
        top += (_SIDE if kind in _BESIDE else _BOX) + _GAP
    return tops, top - _GAP + 0.06


def _box(
    base: Axes,
    place: tuple[float, float],
    top: float,
    height: float,
    label: str,
    number: str,
    *,
    colour: str = "",
) -> None:
    left, right = place
    main = bool(colour)
    face, edge, ink = (colour, colour, ink_on(colour)) if main else (BAND, QUIET_INK, INK)
    base.add_patch(
        FancyBboxPatch(
            (left, top),
            right - left,
            height,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=face,
            edgecolor=edge,
            linewidth=0.8,
            zorder=3,
        )
    )
    room = right - left - 0.4 - (0 if main else text_width(number, bold=True))
    size = 10.0 if main or text_width(label) <= room else SMALL_SIZE
    lines = wrapped(label, room, size)[: 1 if main else 2]
    if main:
        middle = (left + right) / 2
        cv.write(base, middle, top + height * 0.31, "", size=size, align="center", lines=lines, colour=ink)
        cv.write(base, middle, top + height * 0.7, number, bold=True, align="center", colour=ink)
    else:
        cv.write(base, left + 0.14, top + height / 2, "", size=size, lines=lines)
        cv.write(base, right - 0.14, top + height / 2, number, bold=True, align="right")


def _arrow(base: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    base.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": QUIET_INK, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0},
        zorder=1,
    )


def _tie(base: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    base.plot(
        [start[0], end[0]], [start[1], end[1]], color=QUIET_INK, linewidth=1.1, dashes=(2.0, 2.0), zorder=1
    )


def _alt(data: pd.DataFrame) -> list[str]:
    first = float(data["rows"].iloc[0])
    last = float(data.loc[data["kind"] == "kept", "rows"].iloc[-1])
    share = f" ({fmt.percent(last / first, 1)})" if first else ""
    out = data[data["kind"] == "excluded"]
    marked = data[data["kind"] == "flagged"]
    excluded, flagged = (
        cv.told(f"{label}, {fmt.count(rows)}" for label, rows in zip(own["label"], own["rows"], strict=True))
        for own in (out, marked)
    )
    return [
        say("figures.flow_kept", all=fmt.count(first), kept=fmt.count(last), share=share),
        say("figures.flow_excluded", told=excluded) if excluded else say("figures.flow_none_excluded"),
        say("figures.flow_flagged", told=flagged) if flagged else "",
    ]


def _description(data: pd.DataFrame) -> list[str]:
    rows = data[["kind", "label", "rows"]].itertuples(index=False, name=None)
    return [
        say(f"figures.flow_told_{kind}", label=label, rows=fmt.count(number)) for kind, label, number in rows
    ]
