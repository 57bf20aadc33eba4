r"""The tables of a document in LaTeX, one file each, for a paper that reads them with ``\input``."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence

from coprodstats.reporting import format as fmt
from coprodstats.reporting.document import Document
from coprodstats.reporting.language import said
from coprodstats.reporting.span import Text, spans
from coprodstats.reporting.table import Column, Table, legend_line
from coprodstats.reporting.zip_archive import xml_text

_SIGNS: Mapping[str, str] = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "`": r"\textasciigrave{}",
    # A bracket or a star right after \\ or a rule would be read as its argument.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "\N{EN DASH}": r"\textendash{}",
    "\N{EM DASH}": r"\textemdash{}",
    "\N{HORIZONTAL ELLIPSIS}": r"\textellipsis{}",
    "\N{LEFT SINGLE QUOTATION MARK}": r"\textquoteleft{}",
    "\N{RIGHT SINGLE QUOTATION MARK}": r"\textquoteright{}",
    "\N{LEFT DOUBLE QUOTATION MARK}": r"\textquotedblleft{}",
    "\N{RIGHT DOUBLE QUOTATION MARK}": r"\textquotedblright{}",
    "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}": r"\guillemotleft{}",
    "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}": r"\guillemotright{}",
    "\N{NO-BREAK SPACE}": "~",
    "\N{NARROW NO-BREAK SPACE}": r"\,",
    fmt.MINUS: r"\ensuremath{-}",
    "\N{INFINITY}": r"\ensuremath{\infty}",
    "\N{PLUS-MINUS SIGN}": r"\ensuremath{\pm}",
    "\N{MULTIPLICATION SIGN}": r"\ensuremath{\times}",
    "\N{LESS-THAN OR EQUAL TO}": r"\ensuremath{\leq}",
    "\N{GREATER-THAN OR EQUAL TO}": r"\ensuremath{\geq}",
    "\N{GREEK SMALL LETTER ALPHA}": r"\ensuremath{\alpha}",
    "\N{GREEK SMALL LETTER BETA}": r"\ensuremath{\beta}",
    "\N{GREEK SMALL LETTER THETA}": r"\ensuremath{\theta}",
    "\N{GREEK SMALL LETTER CHI}": r"\ensuremath{\chi}",
    "\N{SUPERSCRIPT TWO}": r"\ensuremath{^2}",
    "\N{RIGHTWARDS ARROW}": r"\ensuremath{\rightarrow}",
}
_SPECIAL = re.compile("[" + "".join(map(re.escape, _SIGNS)) + "]")
# Two of these would be set as one sign.
_PAIRS = re.compile(r"-(?=-)|,(?=,)|'(?=')")
_STYLES = {"plain": "%s", "strong": r"\textbf{%s}", "emphasis": r"\emph{%s}", "code": r"\texttt{%s}"}
_LONG_TEXT = 28
"""A text column with a longer text breaks its lines."""
_LABEL = 10
"""Letters that the line of a label may have, even where the column is narrower."""
_PAGE = 94
"""Letters of a line that are shared out to columns of long texts."""
_EM = 0.47
"""Width of a letter, on average, in ems."""
_SIZES = ((80, r"\normalsize"), (90, r"\small"), (102, r"\footnotesize"), (math.inf, r"\scriptsize"))
"""How many letters of a line fit a page of usual width, by the size of the letters."""
_LONG_TABLE = 45
"""A table of more lines than that runs over pages."""


def latex_files(document: Document, stem: str, results: Mapping[str, bytes]) -> dict[str, bytes]:  # noqa: ARG001
    """Return the tables of a document as LaTeX by file name: ``tables/<key>.tex`` of a report."""
    folder = "tables" if stem == "report" else f"{stem}-tables"
    return {f"{folder}/{data.key}.tex": latex_table(data).encode("utf-8") for data in document.tables()}


def latex_table(data: Table) -> str:
    r"""Return a table in LaTeX; it needs the packages ``booktabs``, ``array`` and, if long, ``longtable``.

    Rules, caption and notes are those of papers: the notes stand under the table, smaller. Nothing in a text
    is a command. The signs that this package writes are commands that pdfLaTeX knows; letters of other
    scripts stand as they are, for LuaLaTeX and XeLaTeX. The label is ``tab:`` and the key.

    Examples
    --------
    >>> from coprodstats.reporting.table import Cell
    >>> columns = (Column(key="a", label="Country"), Column(key="b", label="Share", role="percent"))
    >>> row = (Cell(value="A & B", text="A & B"), Cell(value=0.5, text="50%"))
    >>> one = Table(key="one", title="Shares", n="12", source="S", columns=columns, rows=(row,))
    >>> print(latex_table(one))  # doctest: +ELLIPSIS
    % Needs \usepackage[T1]{fontenc} \usepackage{array} \usepackage{booktabs}
    \begin{table}[htbp]
    \centering
    \caption{Shares}
    \label{tab:one}
    \normalsize
    \begin{tabular}{lr}
    \toprule
    Country & Share \\
    \midrule
    A \& B & 50\% \\
    \bottomrule
    ...
    """
    long = _lines(data) > _LONG_TABLE
    lines = _long_table(data) if long else _short_table(data)
    packages = [r"[T1]{fontenc}", "{array}", "{booktabs}", *(["{longtable}"] if long else [])]
    needs = " ".join(rf"\usepackage{package}" for package in packages)
    return "\n".join([f"% Needs {needs}", *lines, ""])


def latex_text(text: str) -> str:
    r"""Return text that LaTeX sets as it stands.

    Examples
    --------
    >>> print(latex_text(r"50% of $\int$ [x]"))
    50\% of \$\textbackslash{}int\$ {[}x{]}
    """
    apart = _PAIRS.sub(lambda match: f"{match.group()}\0", xml_text(text))
    return _SPECIAL.sub(lambda match: _SIGNS[match.group()], apart).replace("\0", "{}")


def _short_table(data: Table) -> list[str]:
    return [
        r"\begin{table}[htbp]",
        r"\centering",
        rf"\caption{{{latex_text(data.title)}}}",
        rf"\label{{tab:{data.key}}}",
        _size(data),
        rf"\begin{{tabular}}{{{_columns(data)}}}",
        r"\toprule",
        _head(data),
        r"\midrule",
        *_body(data),
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\medskip",
        *_foot(data),
        r"\end{table}",
    ]


def _long_table(data: Table) -> list[str]:
    return [
        rf"\begingroup{_size(data)}",
        rf"\begin{{longtable}}{{{_columns(data)}}}",
        rf"\caption{{{latex_text(data.title)}}}\label{{tab:{data.key}}}\\",
        r"\toprule",
        _head(data),
        r"\midrule",
        r"\endfirsthead",
        r"\toprule",
        _head(data),
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *_body(data),
        r"\end{longtable}",
        r"\endgroup",
        *_foot(data),
    ]


def _letters(data: Table) -> list[int]:
    """Return how many letters each column is wide, once labels and long texts are broken into lines."""
    cells = [max(len(row[position].text) for row in data.rows) for position in range(len(data.columns))]
    words = [max(len(line) for line in _label_lines(data, position)) for position in range(len(cells))]
    short = [max(pair) for pair in zip(cells, words, strict=True)]
    long = [
        width if not column.numeric and width > _LONG_TEXT else 0
        for column, width in zip(data.columns, cells, strict=True)
    ]
    left = _PAGE - sum(width for width, text in zip(short, long, strict=True) if not text) - 2 * len(short)
    return [
        max(_LONG_TEXT - 6, min(text, left * text // sum(long))) if text else width
        for width, text in zip(short, long, strict=True)
    ]


def _columns(data: Table) -> str:
    """Return the columns' alignment; columns of long texts have a width, in which lines are broken."""
    sides = []
    for position, (column, letters) in enumerate(zip(data.columns, _letters(data), strict=True)):
        if not column.numeric and max(len(row[position].text) for row in data.rows) > _LONG_TEXT:
            sides.append(rf">{{\raggedright\arraybackslash}}p{{{letters * _EM:.1f}em}}")
        else:
            sides.append(_side(column, position))
    return "".join(sides)


def _lines(data: Table) -> float:
    """Return how many lines the table's body has on paper."""
    widths = _letters(data)
    cells = [
        max(math.ceil(len(cell.text) / width) for cell, width in zip(row, widths, strict=True) if width)
        for row in data.rows
    ]
    headings = 1.5 * len(data.blocks) if data.groups else 0.0
    return sum(cells) + headings


def _size(data: Table) -> str:
    """Return the size of letters at which the table fits a page of usual width."""
    letters = sum(_letters(data)) + 2 * len(data.columns)
    return next(size for most, size in _SIZES if letters <= most)


def _label_lines(data: Table, position: int) -> list[str]:
    column = data.columns[position]
    longest = max(len(row[position].text) for row in data.rows)
    return textwrap.wrap(column.label, max(longest, _LABEL), break_long_words=False) or [column.label]


def _side(column: Column, position: int) -> str:
    return "r" if column.numeric and position else "l"


def _head(data: Table) -> str:
    labels = []
    for position, column in enumerate(data.columns):
        lines = [latex_text(line) for line in _label_lines(data, position)]
        side = _side(column, position)
        broken = r"\\".join(lines)
        labels.append(rf"\shortstack[{side}]{{{broken}}}" if len(lines) > 1 else broken)
    return _row(labels)


def _body(data: Table) -> list[str]:
    lines = []
    for position, (heading, rows) in enumerate(data.blocks):
        if heading:
            lines += [r"\addlinespace"] if position else []
            lines.append(rf"\multicolumn{{{len(data.columns)}}}{{l}}{{\emph{{{latex_text(heading)}}}}} \\")
        indent = r"\quad " if heading else ""
        for first, *others in rows:
            lines.append(_row([indent + latex_text(first.text), *(latex_text(cell.text) for cell in others)]))
    return lines


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _foot(data: Table) -> list[str]:
    lines: list[Text] = [*data.notes, *([legend_line(data.legend)] if data.legend else [])]
    lines += [said("formats.based_on", n=data.n), said("formats.source", source=data.source)]
    return [r"{\footnotesize\raggedright", *(rf"{_inline(line)}\par" for line in lines), "}"]


def _inline(text: Text) -> str:
    return "".join(_STYLES[span.style] % latex_text(span.text) for span in spans(text))
