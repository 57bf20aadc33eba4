"""The table: cells that keep their value beside their text, with a title, a source and an n, always."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import pandas as pd

from coprodstats.errors import ArgumentError, Fault, did_you_mean, listed
from coprodstats.reporting import format as fmt
from coprodstats.reporting.language import say

Role = Literal["text", "count", "number", "percent", "points", "p_value", "odds_ratio"]
Show = Literal["estimate", "interval", "both"]

KEY = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
"""What the key of a table, figure or section looks like: it becomes a file name and an anchor."""

_DIGITS: Mapping[str, int] = {"number": 2, "percent": 0, "points": 1, "odds_ratio": 2}
_WITH_INTERVAL: Mapping[str, tuple[Callable[..., str], Callable[..., str]]] = {
    "number": (fmt.interval, fmt.estimate),
    "percent": (fmt.percent_interval, fmt.percent_estimate),
    "points": (fmt.points_interval, fmt.points_estimate),
    "odds_ratio": (fmt.odds_ratio_interval, fmt.odds_ratio_estimate),
}
_ALONE: Mapping[str, Callable[..., str]] = {
    "number": fmt.number,
    "percent": fmt.percent,
    "points": fmt.points,
    "odds_ratio": fmt.odds_ratio,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table: where its values come from and how they are written.

    Attributes
    ----------
    key
        The column of the frame that holds the value.
    label
        The heading.
    role
        How values are written: shares between 0 and 1 for ``percent`` and ``points``, log-odds for
        ``odds_ratio``.
    digits
        Decimals; ``None`` takes the role's usual number (number 2, percent 0, points 1, odds ratio 2).
    low, high
        The columns of the frame that hold the interval; both or neither.
    show
        What a cell shows when there is an interval: the estimate, the interval or both.
    missing
        What stands for a missing value, one of `format.SHORTHAND`; or nothing, for a text column.
    """

    key: str
    label: str
    role: Role = "text"
    digits: int | None = None
    low: str = ""
    high: str = ""
    show: Show = "both"
    missing: str = fmt.MISSING

    def __post_init__(self) -> None:
        faults = list(_column_faults(self))
        if faults:
            raise ArgumentError(*faults)

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers, which are set flush right."""
        return self.role != "text"

    def text(self, value: Any, low: Any = None, high: Any = None) -> str:
        """Write one value of this column, with its interval if the column has one.

        Examples
        --------
        >>> Column(key="p", label="p", role="p_value").text(0.0001)
        '<0.001'
        """
        if self.role == "text":
            return self.missing if fmt.is_missing(value) else str(value)
        if self.role in ("count", "p_value"):
            write = fmt.count if self.role == "count" else fmt.p_value
            return write(value, missing=self.missing)
        digits = _DIGITS[self.role] if self.digits is None else self.digits
        if not self.low or self.show == "estimate":
            return _ALONE[self.role](value, digits, missing=self.missing)
        bounds, both = _WITH_INTERVAL[self.role]
        if self.show == "interval":
            return bounds(low, high, digits, missing=self.missing)
        return both(value, low, high, digits, missing=self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: the value for the next program, the text for the reader."""

    value: Any
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """A table as it is printed, in any format.

    Attributes
    ----------
    key
        Short name in lower case; becomes the anchor and the file name.
    title
        What the table shows.
    n
        How many respondents it rests on, in words, such as ``"4,951 respondents in 5 countries"``.
    source
        Where the numbers come from.
    columns
        The columns; the first one heads the rows.
    rows
        Rows of cells, each as long as ``columns``.
    notes
        Sentences under the table.
    groups
        Heading of the group that each row belongs to, or nothing at all; equal neighbours form a group.

    Raises
    ------
    ArgumentError
        If the title, the source or the n is empty, or rows and columns do not fit together.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"country": ["DK", "FR"], "share": [0.123, None]})
    >>> columns = [Column(key="country", label="Country"), Column(key="share", label="Share", role="percent")]
    >>> table = Table.from_frame(
    ...     frame, columns, key="levels", title="Levels", n="2,000 respondents", source="Invented data"
    ... )
    >>> [[cell.text for cell in row] for row in table.rows]
    [['DK', '12%'], ['FR', '[x]']]
    >>> table.legend
    ('[x]: not available',)
    """

    key: str
    title: str
    n: str
    source: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        faults = [*key_faults("table", self.key), *_wording_faults(self), *_shape_faults(self)]
        if faults:
            raise ArgumentError(*faults)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        columns: Sequence[Column],
        *,
        key: str,
        title: str,
        n: str,
        source: str,
        notes: Sequence[str] = (),
        group: str = "",
    ) -> Table:
        """Lay a tidy frame out as a table, one row each, in the frame's order.

        Parameters
        ----------
        frame
            One row per row of the table.
        columns
            What to show, in order; the first column heads the rows.
        key, title, n, source, notes
            See the attributes.
        group
            The column of the frame that groups the rows, or empty.

        Raises
        ------
        ArgumentError
            If a column is not in the frame, or the table would be incomplete.
        """
        wanted = [name for column in columns for name in (column.key, column.low, column.high) if name]
        require_columns(f"table {key!r}", frame, [*wanted, *([group] if group else [])])
        return cls(
            key=key,
            title=title,
            n=n,
            source=source,
            notes=tuple(notes),
            columns=tuple(columns),
            rows=tuple(_row(record, columns) for record in frame.to_dict("records")),
            groups=tuple(str(name) for name in frame[group]) if group else (),
        )

    @property
    def legend(self) -> tuple[str, ...]:
        """What each shorthand that occurs in the cells means."""
        texts = {cell.text for row in self.rows for cell in row}
        return legend_of(texts)

    @property
    def blocks(self) -> tuple[tuple[str, tuple[tuple[Cell, ...], ...]], ...]:
        """The rows by group, as pairs of heading and rows; one pair without heading without groups."""
        if not self.groups:
            return (("", self.rows),)
        blocks: list[tuple[str, list[tuple[Cell, ...]]]] = []
        for group, row in zip(self.groups, self.rows, strict=True):
            if not blocks or blocks[-1][0] != group:
                blocks.append((group, []))
            blocks[-1][1].append(row)
        return tuple((group, tuple(rows)) for group, rows in blocks)

    def to_frame(self) -> pd.DataFrame:
        """Return the values, one column per key."""
        return pd.DataFrame([[cell.value for cell in row] for row in self.rows], columns=self._names())

    def to_text_frame(self) -> pd.DataFrame:
        """Return the printed texts, one column per label."""
        labels = [column.label for column in self.columns]
        return pd.DataFrame([[cell.text for cell in row] for row in self.rows], columns=labels, dtype="str")

    def _names(self) -> list[str]:
        return [column.key for column in self.columns]


def legend_of(texts: Collection[str]) -> tuple[str, ...]:
    """Return what each shorthand among some texts means, in the language spoken.

    Examples
    --------
    >>> legend_of(["12%", "[x]"])
    ('[x]: not available',)
    """
    return tuple(
        say("table.shorthand", short=short, meaning=fmt.meaning(short))
        for short in fmt.SHORTHAND
        if short in texts
    )


def legend_line(legend: Sequence[str]) -> str:
    """Return the meanings of shorthand as one line; empty if there is none.

    Examples
    --------
    >>> legend_line(["[c]: confidential", "[x]: not available"])
    '[c]: confidential; [x]: not available.'
    """
    return f"{say('table.shorthand_joint').join(legend)}." if legend else ""


def key_faults(what: str, key: str) -> list[Fault]:
    """Return the fault of a key that can't be an anchor and a file name, if there is one."""
    if KEY.fullmatch(key):
        return []
    allowed = "lower-case letters and digits, joined by - or _, beginning with a letter"
    return [
        Fault(where=f"{what} {key!r}", found="the key can't be an anchor and a file name", allowed=allowed)
    ]


def require_columns(where: str, frame: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise if a frame lacks a column.

    Raises
    ------
    ArgumentError
        One fault for every missing column.
    """
    there = [str(name) for name in frame.columns]
    faults = [
        Fault(
            where=where,
            found=f"the frame has no column {name!r}",
            allowed=f"columns {listed(there)}",
            remedy=did_you_mean(name, there),
        )
        for name in dict.fromkeys(names)
        if name not in there
    ]
    if faults:
        raise ArgumentError(*faults)


def _row(record: Mapping[Any, Any], columns: Sequence[Column]) -> tuple[Cell, ...]:
    return tuple(
        Cell(
            value=record[column.key],
            text=column.text(record[column.key], record.get(column.low), record.get(column.high)),
        )
        for column in columns
    )


def _column_faults(column: Column) -> list[Fault]:
    where = f"column {column.key!r}"
    faults = []
    if not column.key or not column.label.strip():
        faults.append(Fault(where=where, found="the key or the label is empty"))
    for found, options in ((column.role, get_args(Role)), (column.show, get_args(Show))):
        if found not in options:
            remedy = did_you_mean(found, options)
            faults.append(
                Fault(where=where, found=f"{found!r} is unknown", allowed=listed(options), remedy=remedy)
            )
    if bool(column.low) != bool(column.high):
        faults.append(Fault(where=where, found="an interval needs both low and high"))
    if column.low and column.role not in _WITH_INTERVAL:
        allowed = listed(list(_WITH_INTERVAL))
        faults.append(Fault(where=where, found=f"{column.role} takes no interval", allowed=allowed))
    if column.show != "both" and not column.low:
        faults.append(
            Fault(where=where, found=f"show={column.show!r} needs an interval", remedy="low=, high=")
        )
    if column.digits is not None and (column.role not in _DIGITS or column.digits < 0):
        faults.append(Fault(where=where, found=f"{column.role} takes no digits={column.digits}"))
    return faults


def _wording_faults(table: Table) -> list[Fault]:
    return [
        Fault(where=f"table {table.key!r}", found=f"the {name} is empty", remedy=f"{name}=...")
        for name, text in (("title", table.title), ("n", table.n), ("source", table.source))
        if not text.strip()
    ]


def _shape_faults(table: Table) -> list[Fault]:
    where = f"table {table.key!r}"
    faults = []
    if not table.columns or not table.rows:
        faults.append(Fault(where=where, found="there are no columns or no rows"))
    labels = [column.label for column in table.columns]
    if len(set(labels)) < len(labels):
        faults.append(Fault(where=where, found="two columns have the same label", allowed="one label each"))
    uneven = sum(len(row) != len(table.columns) for row in table.rows)
    if uneven:
        found = f"{uneven} rows do not have {len(table.columns)} cells"
        faults.append(Fault(where=where, found=found))
    if table.groups and len(table.groups) != len(table.rows):
        found = f"{len(table.groups)} group headings for {len(table.rows)} rows"
        faults.append(Fault(where=where, found=found))
    return faults
