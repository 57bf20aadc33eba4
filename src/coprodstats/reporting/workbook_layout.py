"""How wide and how high the cells of a workbook are, and what no workbook can hold."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from coprodstats.errors import Fault, ReportError
from coprodstats.reporting.document import Document
from coprodstats.reporting.workbook import Number, Sheet, Value, sheets

FONT = "Arial"
SIZE = 11
TITLE, HEAD = 1.4, 1.1
"""How much larger the letters of titles and headers are than the others."""
LINK = "#12436D"

_MOST_LETTERS = 32_767
_NARROW, _WIDE, _COVER = 12, 50, 90
"""Bounds of a column's width, in letters; a text on the cover and a link get the widest."""
_PER_UNIT = 1.05
"""How many letters of a text fit into the width of one digit, on the safe side."""
_LINE = 14.5
"""Height of a line of text in points."""


def checked_sheets(document: Document) -> tuple[Sheet, ...]:
    """Return the sheets of a document's workbook.

    Raises
    ------
    ReportError
        If the document has no table and no figure, or a text is longer than a cell can hold.
    """
    made = sheets(document)
    faults = []
    if not document.tables() and not document.figures():
        found = "the document has no table and no figure, so that there is nothing to put into a workbook"
        faults.append(Fault(where="workbook", found=found))
    for sheet in made:
        texts = [sheet.title, *(line.text for line in sheet.lines), *sheet.header]
        texts += [value for row in sheet.rows for value in row if isinstance(value, str)]
        if max(len(text) for text in texts) > _MOST_LETTERS:
            found = f"a text is longer than the {_MOST_LETTERS} letters of a cell"
            faults.append(Fault(where=f"worksheet {sheet.name!r}", found=found))
    if faults:
        raise ReportError(*faults)
    return made


def sides(sheet: Sheet) -> list[str]:
    """Return where the texts of each column stand: right where the column holds numbers."""
    return [
        "right" if any(isinstance(row[position], Number) for row in sheet.rows) else "left"
        for position in range(len(sheet.header))
    ]


def column_letters(sheet: Sheet) -> list[int]:
    """Return the widths of the columns in letters: as wide as their texts, within bounds."""
    lines = max((len(line.text) for line in sheet.lines), default=0)
    if not sheet.header:
        return [min(lines, _COVER)]
    widths = []
    for position, label in enumerate(sheet.header):
        longest = max([len(written(row[position])) for row in sheet.rows] + [len(label) // 3 + 4])
        most = _COVER if sheet.links and position == len(sheet.header) - 1 else _WIDE
        widths.append(min(max(longest + 2, _NARROW), most))
    return [max(widths[0], min(lines, _WIDE)), *widths[1:]]


def row_height(texts: Sequence[str], letters: Sequence[int], look: float = 1.0) -> float:
    """Return the height of a row in points: not every program finds it for wrapped text by itself.

    Parameters
    ----------
    texts
        The texts of its cells.
    letters
        The widths of their columns.
    look
        How much larger than others their letters are.

    Examples
    --------
    >>> row_height(["one two"], [90]), row_height(["one two"], [4])
    (15.5, 30.0)
    """
    lines = max(
        len(textwrap.wrap(text, max(int(width * _PER_UNIT / look), 1))) or 1
        for text, width in zip(texts, letters, strict=True)
    )
    return _LINE * look * lines + 1.0


def written(value: Value) -> str:
    """Return a value about as long as it is shown."""
    return f"{value.value:,f}+%" if isinstance(value, Number) else value
