"""What the tests read back from a report, in each format: its tables as texts, as a reader gets them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pikepdf
from markdown_it import MarkdownIt
from markdown_it.token import Token

from coprodstats.reporting.document import Document
from coprodstats.reporting.table import Table

Texts = list[list[str]]
"""A table as rows of texts: its headings, then its rows, a group's heading as a row of one text."""

# CommonMark with pipe tables and struck text; raw HTML stays on, so that any that got through is seen.
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def one_line(text: str) -> str:
    return " ".join(re.split(r"[ \t\r\n]+", text)).strip(" ")


def printed(table: Table) -> Texts:
    """Return what a table of the document should look like in every format."""
    rows = [[one_line(column.label) for column in table.columns]]
    for heading, block in table.blocks:
        rows += [[one_line(heading)]] if heading else []
        rows += [[one_line(cell.text) for cell in row] for row in block]
    return rows


def all_printed(document: Document) -> list[Texts]:
    """Return all tables of a document, those of figures included, in reading order."""
    found = []
    for section in document.walk():
        for block in section.blocks:
            table = getattr(block, "table", None) or getattr(getattr(block, "figure", None), "table", None)
            if table is not None:
                found.append(printed(table))
    return found


# ---- web page


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[Texts] = []
        self.cell: list[str] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            assert self.cell is not None
            self.tables[-1][-1].append(one_line("".join(self.cell)))
            self.cell = None

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.append(data)


def html_tables(data: bytes) -> list[Texts]:
    return _Page(data.decode("utf-8")).tables


# ---- Markdown


def text_of(token: Token) -> str:
    """Return what a reader sees of an inline token."""
    return "".join(
        child.content
        for child in token.children or ()
        if child.type in ("text", "code_inline", "text_special")
    )


def tables_of(tokens: list[Token]) -> list[Texts]:
    found: list[Texts] = []
    for i, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            # A group's heading is set in bold, and the other cells of its row are empty.
            kinds = [child.type for child in tokens[i + 2].children or ()]
            grouped = tokens[i + 1].type == "td_open" and "strong_open" in kinds
            found[-1].append([])
        elif token.type in ("th_open", "td_open") and not (grouped and found[-1][-1]):
            found[-1][-1].append(text_of(tokens[i + 1]))
        elif token.type in ("th_open", "td_open"):
            assert text_of(tokens[i + 1]) == ""
    return found


def markdown_tables(data: bytes) -> list[Texts]:
    return tables_of(MARKDOWN.parse(data.decode("utf-8")))


# ---- PDF, as a screen reader walks it: element by element, each with the text that is marked as its own


class TaggedPdf:
    """A tagged PDF: its elements, and the text of each."""

    def __init__(self, data: bytes) -> None:
        self.pdf = pikepdf.open(io.BytesIO(data))
        self.root = self.pdf.Root.StructTreeRoot
        self._texts: dict[tuple[Any, int], str] = {}
        for page in self.pdf.pages:
            self._read(page)

    def elements(self, kind: str) -> list[Any]:
        return [element for element in self._walk(self.root.K[0]) if f"/{kind}" == element.S]

    def kids(self, element: Any) -> list[Any]:
        return [kid for kid in self._kids(element) if isinstance(kid, pikepdf.Dictionary) and "/S" in kid]

    def text(self, element: Any) -> str:
        return one_line("".join(self._runs(element)))

    def _runs(self, element: Any) -> Iterator[str]:
        for kid in self._kids(element):
            if isinstance(kid, int):
                yield self._texts.get((element.Pg.objgen, kid), "")
            elif "/S" in kid:
                yield from self._runs(kid)
            elif "/MCID" in kid:
                page = kid.get("/Pg", element.get("/Pg"))
                yield self._texts.get((page.objgen, int(kid.MCID)), "")

    def named(self) -> dict[str, Any]:
        """Return the elements that others refer to, by name."""
        names = self.root.IDTree.Names
        return {str(names[i]): names[i + 1] for i in range(0, len(names), 2)}

    def _kids(self, element: Any) -> list[Any]:
        kids = element.get("/K", [])
        return list(kids) if isinstance(kids, pikepdf.Array) else [kids]

    def _walk(self, element: Any) -> Iterator[Any]:
        yield element
        for kid in self.kids(element):
            yield from self._walk(kid)

    def _read(self, page: Any) -> None:
        letters: dict[str, dict[int, str]] = {
            name: _letters(font.ToUnicode.read_bytes())
            for name, font in page.Resources.get("/Font", {}).items()
        }
        marks: list[int | None] = []
        font: dict[int, str] = {}
        for operands, operator in pikepdf.parse_content_stream(page):
            match str(operator):
                case "BDC" | "BMC":
                    told = operands[1] if len(operands) > 1 else None
                    marked = isinstance(told, pikepdf.Dictionary) and "/MCID" in told
                    marks.append(int(told.MCID) if marked else None)
                case "EMC":
                    marks.pop()
                case "Tf":
                    font = letters[str(operands[0])]
                case "ET":
                    # What follows stands elsewhere: on the next line, or in another font.
                    self._add(page, marks, "")
                case "Tj" | "TJ":
                    shown = operands[0] if str(operator) == "TJ" else [operands[0]]
                    for run in shown:
                        if isinstance(run, pikepdf.String):
                            codes = bytes(run)
                            pairs = zip(codes[::2], codes[1::2], strict=True)
                            self._add(page, marks, "".join(font[256 * high + low] for high, low in pairs))

    def _add(self, page: Any, marks: list[int | None], text: str) -> None:
        for mark in reversed(marks):
            if mark is not None:
                key = (page.objgen, mark)
                self._texts[key] = self._texts.get(key, "") + text
                return


def _letters(cmap: bytes) -> dict[int, str]:
    """Return the letters of a font by code, from its table of single letters and of runs."""
    found = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", cmap, re.DOTALL):
        for code, letters in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            found[int(code, 16)] = bytes.fromhex(letters.decode()).decode("utf-16-be")
    assert b"beginbfrange" not in cmap
    return found


def pdf_tables(data: bytes) -> list[Texts]:
    tagged = TaggedPdf(data)
    return [
        [
            [tagged.text(cell) for cell in tagged.kids(row)]
            for part in tagged.kids(table)
            if part.S in ("/THead", "/TBody")
            for row in tagged.kids(part)
        ]
        for table in tagged.elements("Table")
    ]
