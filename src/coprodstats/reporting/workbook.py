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
from functools import cache

from coprodstats.reporting import format as fmt
from coprodstats.reporting.document import Document
from coprodstats.reporting.language import Language, said, say, spoken
from coprodstats.reporting.span import plain
from coprodstats.reporting.table import Column, Table, legend_line, legend_of
from coprodstats.reporting.zip_archive import xml_text

_LEVEL = re.compile(r" \(([^()]*\d[^()]*%[^()]*)\)$")
_NOT_APPLICABLE = "[z]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number as the document shows it.

    Attributes
    ----------
    printed
        How the document shows it.
    value
        The rounded number; a percentage divided by 100.
    decimals
        How many are shown.
    percent
        What is shown after a percentage; empty after any other number.
    signed, grouped
        Whether it is shown with a plus sign if positive, thousands apart.
    """

    printed: str
    value: Decimal
    decimals: int
    percent: str
    signed: bool
    grouped: bool

    @property
    def code(self) -> str:
        """How a spreadsheet is told to show it; it puts its own marks for points and commas.

        Examples
        --------
        >>> shown("+2.1").code, shown("46%").code
        ('+#,##0.0;"−"#,##0.0;#,##0.0', '#,##0%;"−"#,##0%')
        """
        space = self.percent.removesuffix("%")
        sign = f'"{space}"%' if space else self.percent
        digits = ("#,##0" if self.grouped else "0") + ("." + "0" * self.decimals if self.decimals else "")
        negative = f'"{fmt.MINUS}"{digits}{sign}'
        return f"+{digits}{sign};{negative};{digits}{sign}" if self.signed else f"{digits}{sign};{negative}"


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
    """Read a number back that is printed in the language spoken; what is no number stays text.

    Examples
    --------
    >>> shown("−1,234.50").value, shown("<0.001")
    (Decimal('-1234.50'), '<0.001')
    """
    language = spoken()
    if not _number_pattern(language).fullmatch(text):
        return text
    percent = language.percent if text.endswith(language.percent) else ""
    bare = text.removesuffix(percent).lstrip(f"+{fmt.MINUS}").replace(language.thousands, "")
    value = Decimal(bare.replace(language.decimal, ".")) * (-1 if text.startswith(fmt.MINUS) else 1)
    return Number(
        printed=text,
        value=value / 100 if percent else value,
        decimals=len(bare.partition(language.decimal)[2]),
        percent=percent,
        signed=text.startswith("+"),
        grouped=language.thousands in text.removesuffix(percent) or abs(value) < 1000,
    )


@cache
def _number_pattern(language: Language) -> re.Pattern[str]:
    thousands, decimal, percent = map(re.escape, (language.thousands, language.decimal, language.percent))
    return re.compile(rf"[+{fmt.MINUS}]?\d[\d{thousands}]*(?:{decimal}\d+)?(?:{percent})?")


@cache
def _patterns(interval: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what an interval of the language looks like, with the estimate before it and alone."""
    # Spaces within a number don't break, and are no spaces here.
    limits = re.escape(interval).replace("LOW", "(?P<low>[^ ]+)").replace("HIGH", "(?P<high>[^ ]+)")
    return re.compile(rf"(?P<value>[^ ]+) \({limits}\)"), re.compile(limits)


def _with_limits(text: str) -> re.Match[str] | None:
    return _patterns(say("format.interval", low="LOW", high="HIGH"))[0].fullmatch(text)


def _limits(text: str) -> re.Match[str] | None:
    return _patterns(say("format.interval", low="LOW", high="HIGH"))[1].fullmatch(text)


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
    titles = [data.title for data in document.tables()]
    for figure in document.figures():
        number = numbers[figure.key]
        title = say("formats.data_of", number=number, title=figure.title)
        found = [*(notes[note] for note in figure.notes), *(notes[note] for note in figure.table.notes)]
        titles.append(title)
        made.append(_sheet_of(number, title, figure.table, document.banner, found, figure.subtitle))
    front = [_contents(made, titles, has_notes=bool(notes)), *([_notes(notes, document)] if notes else [])]
    return (_cover(document, made), *front, *made)


def _numbered_notes(document: Document) -> dict[str, int]:
    notes = [note for data in document.tables() for note in data.notes]
    notes += [note for figure in document.figures() for note in (*figure.notes, *figure.table.notes)]
    return {note: number for number, note in enumerate(dict.fromkeys(notes), start=1)}


def _table_sheet(number: str, title: str, data: Table, banner: str, notes: dict[str, int]) -> Sheet:
    heading = say("formats.caption", number=number, title=title)
    return _sheet_of(number, heading, data, banner, [notes[note] for note in data.notes], "")


def _sheet_of(
    number: str, title: str, data: Table, banner: str, notes: Sequence[int], subtitle: str
) -> Sheet:
    header, rows = _laid_out(data)
    single = say("workbook.single")
    texts = [
        say("workbook.has_notes", notes=say("workbook.notes")) if notes else single,
        subtitle,
        banner,
        plain(said("formats.based_on", n=data.n)),
        plain(said("formats.source", source=data.source)),
        _shorthand("workbook.shorthand", rows),
    ]
    marks = "".join(f" [{say('workbook.note', number=note)}]" for note in dict.fromkeys(notes))
    return Sheet(
        name=number,
        title=title + marks,
        lines=(
            *(Line(text=text) for text in texts if text),
            _back(),
        ),
        table=_table_name(number, data.key),
        header=header,
        rows=rows,
    )


def _shorthand(key: str, rows: Sequence[tuple[Value, ...]]) -> str:
    used = {value for row in rows for value in row if isinstance(value, str)}
    legend = legend_line(legend_of(used)).removesuffix(".")
    return say(key, shorthand=legend) if legend else ""


def _back() -> Line:
    return Line(text=say("workbook.to_contents_again"), sheet=say("workbook.contents"))


def _table_name(*words: str) -> str:
    return re.sub(r"\W", "_", " ".join(words))


def _laid_out(data: Table) -> tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]]:
    """Return the header and the rows of a table, one datum a cell."""
    shapes = [
        _shape(column, [row[position].text for row in data.rows], first=position == 0)
        for position, column in enumerate(data.columns)
    ]
    group = [say("workbook.group")] if data.groups else []
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
        intervals = [bool(_with_limits(text)) for text in texts if text and text not in fmt.SHORTHAND]
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
    if shape == "both":
        yield base
    for limit in ("lower_limit", "upper_limit"):
        if level:
            yield say(f"workbook.{limit}_of", label=base, level=level[1])
        else:
            yield say(f"workbook.{limit}", label=base)


def _values(text: str, shape: str) -> list[Value]:
    if shape == "text":
        return [_filled(text)]
    if shape == "number":
        return [shown(_filled(text))]
    whole = _with_limits(text) if shape == "both" else _limits(text)
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
    rows = [row for sheet in made for row in sheet.rows]
    lines = [
        document.theme.organisation,
        document.subtitle,
        document.banner,
        say("workbook.about"),
        _shorthand("workbook.shorthand_in_tables", rows),
        *document.footer,
    ]
    to_contents = Line(text=say("workbook.to_contents"), sheet=say("workbook.contents"))
    return Sheet(
        name=say("workbook.cover"),
        title=document.title,
        lines=(*(Line(text=text) for text in lines if text), to_contents),
    )


def _contents(made: Sequence[Sheet], titles: Sequence[str], *, has_notes: bool) -> Sheet:
    rows = [(say("workbook.notes"), say("workbook.notes_on_tables"))] if has_notes else []
    rows += [(sheet.name, title) for sheet, title in zip(made, titles, strict=True)]
    return Sheet(
        name=say("workbook.contents"),
        title=say("workbook.contents"),
        lines=(Line(text=say("workbook.single")),),
        table=_table_name(say("workbook.contents")),
        header=(say("workbook.worksheet"), say("workbook.title")),
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
        name=say("workbook.notes"),
        title=say("workbook.notes"),
        lines=(Line(text=say("workbook.single")), _back()),
        table=_table_name(say("workbook.notes")),
        header=tuple(say(f"workbook.{column}") for column in ("note_number", "note_text", "worksheets")),
        rows=tuple(
            (say("workbook.note", number=number), _filled(note), ", ".join(used[note]))
            for note, number in notes.items()
        ),
    )
