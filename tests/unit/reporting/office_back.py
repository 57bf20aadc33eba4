"""What the tests read back from office files and from LaTeX: tables as texts, as a reader gets them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from xml.etree.ElementTree import Element, fromstring

import python_calamine

Texts = list[list[str]]
"""A table as rows of texts: its headings, then its rows, a group's heading as a row of one text."""

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
MINUS = "−"
# What a number looks like in each language: thousands, decimal mark, percent sign.
NUMBERS = {
    "en": re.compile(rf"[+{MINUS}]?\d+(?:,\d{{3}})*(?:\.\d+)?%?"),
    "fr": re.compile(rf"[+{MINUS}]?\d+(?:\u202f\d{{3}})*(?:,\d+)?(?:\u202f%)?"),
}
MARKS = {"en": (",", "."), "fr": ("\u202f", ",")}


def part(data: bytes, name: str) -> Element:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return fromstring(archive.read(name))  # noqa: S314  (this package wrote it)


def one_line(text: str) -> str:
    return " ".join(re.split(r"[ \t\r\n]+", text)).strip(" ")


def _without_gaps(texts: list[str], *, heading: bool) -> list[str]:
    """Return a row; the heading of a group stands alone in its row."""
    return texts[:1] if heading and not any(texts[1:]) else texts


def docx_tables(data: bytes) -> list[Texts]:
    return [
        [
            _without_gaps(
                [
                    one_line("".join(t.text or "" for t in cell.iter(f"{WORD}t")))
                    for cell in row.iter(f"{WORD}tc")
                ],
                heading=next(row.iter(f"{WORD}rStyle"), None) is not None,
            )
            for row in table.iter(f"{WORD}tr")
        ]
        for table in part(data, "word/document.xml").iter(f"{WORD}tbl")
    ]


def docx_paragraphs(data: bytes) -> list[str]:
    root = part(data, "word/document.xml")
    return ["".join(t.text or "" for t in p.iter(f"{WORD}t")) for p in root.iter(f"{WORD}p")]


def slides(data: bytes) -> list[Element]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if re.fullmatch(r"ppt/slides/slide\d+\.xml", name)]
    return [part(data, name) for name in sorted(names, key=lambda name: int(re.sub(r"\D", "", name)))]


def slide_texts(slide: Element) -> list[str]:
    """Return the paragraphs of a slide, those of its table included."""
    return ["".join(t.text or "" for t in p.iter(f"{DRAWING}t")) for p in slide.iter(f"{DRAWING}p")]


def pptx_tables(data: bytes) -> list[Texts]:
    return [
        [
            _without_gaps(
                [one_line("".join(slide_texts(cell))) for cell in row.iter(f"{DRAWING}tc")],
                heading=any(run.get("b") == "1" for run in row.iter(f"{DRAWING}rPr")),
            )
            for row in table.iter(f"{DRAWING}tr")
        ]
        for slide in slides(data)
        for table in slide.iter(f"{DRAWING}tbl")
    ]


# ---- workbooks: one number or one text a cell


def workbook(data: bytes) -> dict[str, list[list[object]]]:
    """Return the cells of each sheet as another program reads them."""
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def table_of(rows: list[list[object]]) -> list[list[object]]:
    """Return a sheet's table, its headers first: all that stands below the lines of one cell."""
    top = next((i for i, row in enumerate(rows) if sum(cell != "" for cell in row) > 1), None)
    if top is None:
        # A table of one column begins below the link to the contents.
        top = max(i for i, row in enumerate(rows) if str(row[0]).startswith(("Back", "Retour"))) + 1
    return rows[top:]


def numbers_in(cells: list[object], language: str) -> list[float]:
    """Return all numbers of a row, in order, whether they stand there as numbers or in a text."""
    found = []
    for cell in cells:
        if isinstance(cell, float | int):
            found.append(float(cell))
        else:
            found += [value(text, language) for text in NUMBERS[language].findall(str(cell))]
    return found


def value(text: str, language: str) -> float:
    thousands, decimal = MARKS[language]
    bare = text.rstrip("%").rstrip("\u202f").replace(thousands, "").replace(decimal, ".").replace(MINUS, "-")
    return float(Decimal(bare) / (100 if text.endswith("%") else 1))


# ---- LaTeX

_COMMANDS = {
    r"\textbackslash{}": "\\", r"\{": "{", r"\}": "}", r"\$": "$", r"\&": "&", r"\#": "#", r"\%": "%",
    r"\_": "_", r"\textasciicircum{}": "^", r"\textasciitilde{}": "~", r"\textless{}": "<",
    r"\textgreater{}": ">", r"\textbar{}": "|", r"\char34{}": '"', r"\textasciigrave{}": "`", "{[}": "[",
    "{]}": "]", "{*}": "*", r"\textendash{}": "–", r"\textquoteright{}": "’", r"\guillemotleft{}": "«",
    r"\guillemotright{}": "»", r"\ensuremath{-}": MINUS, r"\ensuremath{\infty}": "∞", r"\,": "\u202f",
    r"\quad ": "", r"\textemdash{}": "—", r"\textellipsis{}": "…", "{}": "",
}  # fmt: skip
_TOKEN = re.compile("|".join(map(re.escape, _COMMANDS)) + r"|\\[A-Za-z]+|\\.|[&{}]|[^\\&{}]")


def latex_text(source: str) -> str:
    """Return what LaTeX sets for a source; fails at a command that only a text could have brought in."""
    out = ""
    for token in _TOKEN.findall(source):
        if token in _COMMANDS:
            out += _COMMANDS[token]
        else:
            assert token[0] not in "\\&{}$%#_^~", f"{token!r} in {source!r}"
            out += token
    return one_line(out)


def _cells(line: str) -> Iterator[str]:
    r"""Yield the cells of a line: what stands between ampersands, each ``\shortstack`` as its lines."""
    for source in re.split(r"(?<!\\)&", line.removesuffix(r"\\")):
        stacked = re.fullmatch(r"\s*\\shortstack\[[lr]\]\{(.*)\}\s*", source)
        text = stacked[1].replace(r"\\", " ") if stacked else source
        yield latex_text(text.strip())


def latex_table(source: str) -> Texts:
    lines = source.split("\n")
    rows: Texts = []
    # A long table says its header once for its first page and once for the others.
    header = lines[lines.index(r"\toprule") + 1]
    start = r"\endfoot" if r"\endfoot" in lines else r"\midrule"
    end = r"\end{longtable}" if r"\endfoot" in lines else r"\bottomrule"
    body = lines[lines.index(start) + 1 : lines.index(end, lines.index(start))]
    for line in [header, *body]:
        grouped = re.fullmatch(r"\\multicolumn\{\d+\}\{l\}\{\\emph\{(.*)\}\} \\\\", line)
        if grouped:
            rows.append([latex_text(grouped[1])])
        elif line != r"\addlinespace":
            rows.append(list(_cells(line)))
    return rows
