"""How records show themselves in notebooks: a name, facts, tables and notes, as HTML.

All of it is text, whatever the data say; there are no ids, no clock and no colours, so that two displays
don't meet in one page, tomorrow's is the same, and it reads on a light and on a dark screen. What single
respondents answered is never part of it: notebooks are shared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from html import escape
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any

import pandas as pd

MOST_ROWS = 60
"""Rows of a table that are shown; what is left out is said."""

_NOTES = ("warnings", "caveats", "notes", "sentences")
Content = pd.DataFrame | Sequence[Mapping[str, Any]]
_NO_TABLES: Mapping[str, Content] = MappingProxyType({})


def record_html(
    record: Any,
    *,
    title: str = "",
    facts: Mapping[str, Any] | None = None,
    tables: Mapping[str, Content] = _NO_TABLES,
    notes: Sequence[str] | None = None,
) -> str:
    """Return how a notebook shows a record.

    Parameters
    ----------
    record
        A dataclass.
    title
        What stands above; the name of its class by default.
    facts
        Single values by name; by default the record's own public ones that are numbers or short texts.
    tables
        Tables by their captions: frames, or a mapping for each row.
    notes
        Sentences below; by default the record's warnings, caveats, notes or sentences.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Found:
    ...     share_first: float
    >>> record_html(Found(0.25))[:34]
    '<div><p><strong>Found</strong></p>'
    """
    shown = facts if facts is not None else dict(_own_facts(record))
    said = notes if notes is not None else _own_notes(record)
    parts = [f"<p><strong>{escape(title or type(record).__name__)}</strong></p>"]
    if shown:
        rows = "".join(
            f"<tr>{_cell(name.replace('_', ' '), row=True)}{_cell(written(value))}</tr>"
            for name, value in shown.items()
        )
        parts.append(f"<table><tbody>{rows}</tbody></table>")
    parts += [_table(caption, pd.DataFrame(rows)) for caption, rows in tables.items() if len(rows)]
    parts += [f"<p>{escape(note)}</p>" for note in said]
    return f"<div>{''.join(parts)}</div>"


def columns_table(frame: pd.DataFrame, declared: Mapping[str, Any]) -> pd.DataFrame:
    """Return a table of a frame's columns: name, declared label, type, and how many rows have a value.

    Parameters
    ----------
    frame
        The frame.
    declared
        What a codebook declares, with a ``label`` each, by column.
    """
    return pd.DataFrame(
        {
            "name": [str(name) for name in frame.columns],
            "label": [getattr(declared.get(str(name)), "label", "") for name in frame.columns],
            "type": [str(dtype) for dtype in frame.dtypes],
            "valid": frame.notna().sum().to_numpy(),
        }
    )


def written(value: Any) -> str:
    """Return a value as a notebook shows it: whole numbers whole, others to four decimals or one digit.

    Examples
    --------
    >>> written(3.0), written(-0.12345), written(0.00000123), written(float("nan")), written(("a", 2))
    ('3', '-0.1235', '1.2e-06', '', 'a, 2')
    """
    if isinstance(value, Mapping):
        return "; ".join(f"{written(name)}: {written(one)}" for name, one in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(written(one) for one in value)
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if isinstance(value, bool) or not isinstance(value, Real) or isinstance(value, Integral):
        return str(value)
    number = float(value)
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    return f"{number:.1e}" if 0 < abs(number) < 5e-5 else f"{number:.4f}"


def _own_facts(record: Any) -> Iterator[tuple[str, Any]]:
    for field in fields(record):
        value = getattr(record, field.name)
        if not field.name.startswith("_") and field.name not in _NOTES and _is_short(value):
            yield field.name, value


def _is_short(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value) and all(_is_short(one) for one in value.values())
    if isinstance(value, tuple):
        return bool(value) and all(_is_short(one) for one in value)
    return isinstance(value, Real) or (isinstance(value, str) and bool(value))


def _own_notes(record: Any) -> tuple[str, ...]:
    found = (getattr(record, name, ()) for name in _NOTES)
    return tuple(note for notes in found if isinstance(notes, tuple) for note in notes)


def _table(caption: str, frame: pd.DataFrame) -> str:
    """Return a table whose first column heads its rows; an index with names of its own is that column."""
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    numeric = [pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]
    head = "".join(
        f'<th scope="col" style="text-align: {"right" if right else "left"}">{escape(str(name))}</th>'
        for name, right in zip(frame.columns, numeric, strict=True)
    )
    rows = "".join(_row(row, numeric) for row in frame.head(MOST_ROWS).itertuples(index=False, name=None))
    left = len(frame) - MOST_ROWS
    said = f"{caption} (the first {MOST_ROWS} of {len(frame)} rows)" if left > 0 else caption
    return (
        f'<table><caption style="text-align: left">{escape(said)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(row: tuple[Any, ...], numeric: Sequence[bool]) -> str:
    cells = [_cell(written(value), right=right) for value, right in zip(row[1:], numeric[1:], strict=True)]
    return f"<tr>{_cell(written(row[0]), row=True)}{''.join(cells)}</tr>"


def _cell(text: str, *, row: bool = False, right: bool = False) -> str:
    side = "right" if right else "left"
    tag = 'th scope="row"' if row else "td"
    return f'<{tag} style="text-align: {side}">{escape(text)}</{tag[:2]}>'
