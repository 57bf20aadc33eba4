"""The tables of a document as the sheets of a workbook, to the rules of the UK Government Analysis Function.

A cover, contents, notes, then one table a sheet, headed by one row, beginning in column A, with what explains
it above and nothing below. A cell holds one number or one text, so that an estimate and the limits of its
interval stand in three columns. Numbers are rounded as the document shows them: what is read here is what is
read there, and unrounded numbers are in the run's results.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from coprodstats.reporting import format as fmt
from coprodstats.reporting.document import Document
from coprodstats.reporting.formats import LABELS
from coprodstats.reporting.table import Column, Table
from coprodstats.reporting.zip_archive import xml_text

_NUMBER = re.compile(rf"[+{fmt.MINUS}]?\d[\d,]*(?:\.\d+)?%?")
_BOTH = re.compile(r"(?P<value>\S+) \((?P<low>\S+) to (?P<high>\S+)\)")
_LIMITS = re.compile(r"(?P<low>\S+) to (?P<high>\S+)")
_LEVEL = re.compile(r" \((\d+(?:\.\d+)?% interval)\)$")
_NOT_APPLICABLE = "[z]"
_CONTENTS = "Contents"
_NOTES = "Notes"
_SINGLE = "This worksheet contains one table."


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number as the document shows it.

    Attributes
    ----------
    value
        The rounded number; a percentage divided by 100.
    decimals
        How many are shown.
    percent, signed, grouped
        Whether it is shown with a percent sign, a plus sign if positive, thousands apart.
    """

    value: Decimal
    decimals: int
    percent: bool
    signed: bool
    grouped: bool

    @property
    def code(self) -> str:
        """How a spreadsheet is told to show it.

        Examples
        --------
        >>> shown("+2.1").code, shown("46%").code
        ('+#,##0.0;"−"#,##0.0;#,##0.0', '#,##0%;"−"#,##0%')
        """
        digits = "#,##0" if self.grouped else "0"
        plain = digits + ("." + "0" * self.decimals if self.decimals else "") + "%" * self.percent
        negative = f'"{fmt.MINUS}"{plain}'
        return f"+{plain};{negative};{plain}" if self.signed else f"{plain};{negative}"


Value = Number | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line above a table or on the cover; ``sheet`` makes it a link to that sheet."""

    text: str
    sheet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One worksheet.

    Attributes
    ----------
    name
        On its tab.
    title
        In its first cell.
    lines
        Below the title, one a row.
    table
        The name of its table; empty if it has none.
    header
        The labels of the columns, no two alike.
    rows
        The table's rows, each as long as the header, without empty cells.
    links
        The sheet that the last cell of each row leads to; empty if there are no links.
    """

    name: str
    title: str
    lines: tuple[Line, ...]
    table: str = ""
    header: tuple[str, ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()
    links: tuple[str, ...] = ()


def shown(text: str) -> Value:
    """Read a printed number back; what is no number stays text.

    Examples
    --------
    >>> shown("−1,234.50").value, shown("<0.001")
    (Decimal('-1234.50'), '<0.001')
    """
    if not _NUMBER.fullmatch(text):
        return text
    digits = text.strip(f"+{fmt.MINUS}%").replace(",", "")
    value = Decimal(digits) * (-1 if text.startswith(fmt.MINUS) else 1)
    percent = text.endswith("%")
    return Number(
        value=value / 100 if percent else value,
        decimals=len(digits.partition(".")[2]),
        percent=percent,
        signed=text.startswith("+"),
        grouped="," in text or abs(value) < 1000,
    )


def sheets(document: Document) -> tuple[Sheet, ...]:
    """Return the sheets of a document's workbook: cover, contents, notes, tables, then the figures' data.

    Examples
    --------
    >>> from coprodstats.reporting.document import Section, TableBlock
    >>> from coprodstats.reporting.table import Cell
    >>> cells = (Cell(value="FR", text="FR"), Cell(value=0.5, text="50%"))
    >>> columns = (Column(key="a", label="Country"), Column(key="b", label="Share", role="percent"))
    >>> one = Table(key="one", title="Shares", n="12", source="S", columns=columns, rows=(cells,))
    >>> section = Section(key="s", heading="S", blocks=(TableBlock(table=one),))
    >>> [sheet.name for sheet in sheets(Document(title="Demo", sections=(section,)))]
    ['Cover', 'Contents', 'Table 1']
    """
    notes = _numbered_notes(document)
    numbers = document.numbers()
    made = [
        _table_sheet(numbers[data.key], data.title, data, document.banner, notes)
        for data in document.tables()
    ]
    for figure in document.figures():
        number = numbers[figure.key]
        title = LABELS["data_of"].format(number=number, title=figure.title)
        found = [*(notes[note] for note in figure.notes), *(notes[note] for note in figure.table.notes)]
        made.append(_sheet_of(number, title, figure.table, document.banner, found, figure.subtitle))
    front = [_contents(made, has_notes=bool(notes)), *([_notes(notes, document)] if notes else [])]
    return (_cover(document, made), *front, *made)


def _numbered_notes(document: Document) -> dict[str, int]:
    notes = [note for data in document.tables() for note in data.notes]
    notes += [note for figure in document.figures() for note in (*figure.notes, *figure.table.notes)]
    return {note: number for number, note in enumerate(dict.fromkeys(notes), start=1)}


def _table_sheet(number: str, title: str, data: Table, banner: str, notes: dict[str, int]) -> Sheet:
    return _sheet_of(number, f"{number}: {title}", data, banner, [notes[note] for note in data.notes], "")


def _sheet_of(
    number: str, title: str, data: Table, banner: str, notes: Sequence[int], subtitle: str
) -> Sheet:
    header, rows = _laid_out(data)
    used = {value for row in rows for value in row if isinstance(value, str)}
    legend = [f"{short}: {fmt.meaning(short)}" for short in fmt.SHORTHAND if short in used]
    about = f"{_SINGLE} Its notes are on the worksheet {_NOTES}, by number." if notes else _SINGLE
    texts = [about, subtitle, banner, f"{LABELS['based_on']}: {data.n}", f"{LABELS['source']}: {data.source}"]
    texts.append(f"Shorthand: {'; '.join(legend)}." if legend else "")
    marks = "".join(f" [note {note}]" for note in dict.fromkeys(notes))
    return Sheet(
        name=number,
        title=title + marks,
        lines=(
            *(Line(text=text) for text in texts if text),
            Line(text="Back to the contents", sheet=_CONTENTS),
        ),
        table=_table_name(number, data.key),
        header=header,
        rows=rows,
    )


def _table_name(number: str, key: str) -> str:
    return re.sub(r"\W", "_", f"{number} {key}")


def _laid_out(data: Table) -> tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]]:
    """Return the header and the rows of a table, one datum a cell."""
    shapes = [
        _shape(column, [row[position].text for row in data.rows], first=position == 0)
        for position, column in enumerate(data.columns)
    ]
    group = ["Group"] if data.groups else []
    labels = group + [
        label for column, shape in zip(data.columns, shapes, strict=True) for label in _labels(column, shape)
    ]
    rows = []
    for position, row in enumerate(data.rows):
        values: list[Value] = [_filled(data.groups[position])] if data.groups else []
        for cell, shape in zip(row, shapes, strict=True):
            values += _values(cell.text, shape)
        rows.append(tuple(values))
    return tuple(_distinct(labels)), tuple(rows)


def _shape(column: Column, texts: Sequence[str], *, first: bool) -> str:
    """Return what the cells of a column hold: ``text``, ``number``, ``limits`` or ``both``."""
    if column.role == "text":
        intervals = [bool(_BOTH.fullmatch(text)) for text in texts if text and text not in fmt.SHORTHAND]
        return "both" if intervals and all(intervals) and not first else "text"
    if not column.low or column.show == "estimate":
        return "number"
    return "limits" if column.show == "interval" else "both"


def _labels(column: Column, shape: str) -> Iterator[str]:
    label = xml_text(column.label)
    if shape in ("text", "number"):
        yield label
        return
    level = _LEVEL.search(label)
    base = _LEVEL.sub("", label)
    suffix = f" of the {level[1]}" if level else ""
    if shape == "both":
        yield base
    yield f"{base}, lower limit{suffix}"
    yield f"{base}, upper limit{suffix}"


def _values(text: str, shape: str) -> list[Value]:
    if shape == "text":
        return [_filled(text)]
    if shape == "number":
        return [shown(_filled(text))]
    whole = (_BOTH if shape == "both" else _LIMITS).fullmatch(text)
    if whole:
        return [shown(part) for part in whole.groups()]
    # An estimate without an interval, or a shorthand that stands for all of it.
    rest = text if text in fmt.SHORTHAND else fmt.MISSING
    return [shown(_filled(text)), *[rest] * (2 if shape == "both" else 1)]


def _filled(text: str) -> str:
    return xml_text(text) if text.strip() else _NOT_APPLICABLE


def _distinct(labels: Sequence[str]) -> Iterator[str]:
    """Yield labels, with a number after those that a spreadsheet would take for the same."""
    seen: dict[str, int] = {}
    for label in labels:
        seen[label.casefold()] = count = seen.get(label.casefold(), 0) + 1
        yield label if count == 1 else f"{label} ({count})"


def _cover(document: Document, made: Sequence[Sheet]) -> Sheet:
    used = {value for sheet in made for row in sheet.rows for value in row if isinstance(value, str)}
    legend = [f"{short}: {fmt.meaning(short)}" for short in fmt.SHORTHAND if short in used]
    lines = [
        document.subtitle,
        document.banner,
        "This workbook holds the tables of the report and the numbers of its figures, one table a worksheet. "
        "Numbers are rounded as the report shows them.",
        f"Shorthand in the tables: {'; '.join(legend)}." if legend else "",
        *document.footer,
    ]
    return Sheet(
        name="Cover",
        title=document.title,
        lines=(
            *(Line(text=text) for text in lines if text),
            Line(text="Go to the contents", sheet=_CONTENTS),
        ),
    )


def _contents(made: Sequence[Sheet], *, has_notes: bool) -> Sheet:
    rows = [(_NOTES, "Notes on the tables")] if has_notes else []
    rows += [(sheet.name, sheet.title) for sheet in made]
    rows = [(name, re.sub(r"( \[note \d+\])+$", "", title).removeprefix(f"{name}: ")) for name, title in rows]
    return Sheet(
        name=_CONTENTS,
        title="Contents",
        lines=(Line(text=_SINGLE),),
        table="Contents",
        header=("Worksheet", "Title"),
        rows=tuple(rows),
        links=tuple(name for name, _ in rows),
    )


def _notes(notes: dict[str, int], document: Document) -> Sheet:
    numbers = document.numbers()
    used: dict[str, list[str]] = {note: [] for note in notes}
    for data in document.tables():
        for note in dict.fromkeys(data.notes):
            used[note].append(numbers[data.key])
    for figure in document.figures():
        for note in dict.fromkeys((*figure.notes, *figure.table.notes)):
            used[note].append(numbers[figure.key])
    return Sheet(
        name=_NOTES,
        title="Notes",
        lines=(Line(text=_SINGLE), Line(text="Back to the contents", sheet=_CONTENTS)),
        table="Notes",
        header=("Note number", "Note text", "Worksheets"),
        rows=tuple(
            (f"note {number}", _filled(note), ", ".join(used[note])) for note, number in notes.items()
        ),
    )
