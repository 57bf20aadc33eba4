"""The document as one Markdown file: CommonMark with pipe tables, and every string of the data as text."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import quote

from coprodstats.reporting.document import (
    Block,
    BulletList,
    Callout,
    DefinitionList,
    Document,
    FigureBlock,
    Paragraph,
    Section,
    TableBlock,
)
from coprodstats.reporting.figures.record import Figure
from coprodstats.reporting.language import said, say
from coprodstats.reporting.span import Span, Text, spans
from coprodstats.reporting.table import Table, legend_line

_SPACE = re.compile(r"[ \t\r\n\f\v]+")
# What begins a link, emphasis, code, a tag, an entity or a cell, and what more some sites read as markup:
# struck text, mathematics, an account, a template, a symbol by name, an address without brackets.
_INLINE = re.compile(r"[\\`*_\[\]{<>&|~$@]|(?<={)%|:(?=//|[\w+-]+:)|(?<=www)\.", re.IGNORECASE)
# What begins a heading, a list, a rule, or underlines the line above as a heading.
_BLOCK = re.compile(r"^(?P<number>\d{1,9}(?=[.)](\s|$)))?(?P<mark>(?(number)[.)]|[#=+-]))")
_EDGES = {"plain": "", "strong": "**", "emphasis": "_", "code": ""}


def markdown_files(document: Document, stem: str, results: Mapping[str, bytes]) -> dict[str, bytes]:  # noqa: ARG001
    """Return the document as one Markdown file; it refers to the drawings that a run writes beside it."""
    return {f"{stem}.md": render_markdown(document).encode("utf-8")}


def render_markdown(document: Document) -> str:
    r"""Return a document as Markdown: CommonMark with pipe tables, without any HTML.

    It says what the web page says. A drawing is a reference to its file in ``figures/``, and its numbers
    follow as text and as a table. Links inside the document lead to the heading above their target, by the
    anchor that code hosts give headings. Nothing in a text is read as markup, and the same document gives
    the same text.

    Examples
    --------
    >>> from coprodstats.reporting.document import Document, Section
    >>> section = Section(key="hello", heading="2 < 3", blocks=(Paragraph(text="*no*"),))
    >>> print(render_markdown(Document(title="Demo", sections=(section,))))
    # Demo
    <BLANKLINE>
    ## Contents
    <BLANKLINE>
    - [2 \< 3](#2--3)
    <BLANKLINE>
    ## 2 \< 3
    <BLANKLINE>
    \*no\*
    <BLANKLINE>
    """
    anchors = heading_anchors(document)
    numbers = document.numbers()
    parts = [_heading(1, document.title)]
    if document.subtitle:
        parts.append(_line(document.subtitle))
    if document.banner:
        parts.append(_quote([f"**{say('formats.about_data')}**", _line(document.banner)]))
    if document.kind == "report":
        parts += [f"## {say('formats.contents')}", _contents(document, anchors)]
    for section in document.sections:
        parts += _section(section, 2, anchors, numbers)
    if document.footer:
        parts += ["---", *map(_line, document.footer)]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    r"""Return text as it stands inside a line of Markdown, with nothing in it read as markup.

    Examples
    --------
    >>> escaped("a|b_c <script>"), escaped("](javascript:x)")
    ('a\\|b\\_c \\<script\\>', '\\](javascript:x)')
    """
    return _INLINE.sub(lambda match: f"\\{match.group()}", _SPACE.sub(" ", text))


def inline(text: Text, anchors: Mapping[str, str]) -> str:
    r"""Return text with its styles and links.

    Parameters
    ----------
    text
        The text.
    anchors
        The heading's anchor by key of what a link may lead to.

    Examples
    --------
    >>> inline(("It ", Span(text="is ", style="strong"), "so"), {})
    'It **is** so'
    >>> inline(("un", Span(text="certain", style="strong"), "ty"), {})
    'u&#110;**certain**&#116;y'
    """
    out, closed = "", False
    for span in _merged(spans(text)):
        piece = _piece(span, anchors)
        emphasised = span.style in ("strong", "emphasis") and not span.target
        # Stars and underlines between letters are no emphasis; a letter written as its number ends in
        # punctuation, and beside punctuation they always are.
        if emphasised and piece[:1] in "*_" and not _is_edge(out[-1:]):
            out = f"{out[:-1]}{_as_number(out[-1])}"
        if closed and not _is_edge(piece[:1]):
            piece = f"{_as_number(piece[0])}{piece[1:]}"
        closed = emphasised and piece[-1:] in "*_"
        out += piece
    return out


def _is_edge(letter: str) -> bool:
    return not letter or letter.isspace() or letter in string.punctuation


def _as_number(letter: str) -> str:
    return f"&#{ord(letter)};"


def _merged(parts: Iterable[Span]) -> list[Span]:
    """Return spans without empty ones, neighbours of one style as one: ``**a****b**`` is no emphasis."""
    merged: list[Span] = []
    for part in parts:
        if merged and (merged[-1].style, merged[-1].target) == (part.style, part.target):
            merged[-1] = replace(part, text=merged[-1].text + part.text)
        elif part.text:
            merged.append(part)
    return merged


def _piece(span: Span, anchors: Mapping[str, str]) -> str:
    text = _SPACE.sub(" ", span.text)
    inner = text.strip(" ")
    if not inner:
        return text
    # Spaces stand outside the stars and the brackets.
    before, after = text[: text.index(inner)], text[text.index(inner) + len(inner) :]
    edge = _EDGES[span.style]
    styled = _code(inner) if span.style == "code" else f"{edge}{escaped(inner)}{edge}"
    if span.target.startswith("#"):
        styled = f"[{styled}](#{anchors[span.target[1:]]})"
    elif span.target:
        styled = f"[{styled}](<{_address(span.target)}>)"
    return f"{before}{styled}{after}"


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if "`" in (text[0], text[-1]) else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _address(target: str) -> str:
    return re.sub(r"[\s<>\\]", lambda match: quote(match.group()), target)


def heading_anchors(document: Document) -> dict[str, str]:
    """Return the anchor of the heading that each section, table and figure stands under, by its key.

    Code hosts and editors make anchors from headings: lower case, spaces as hyphens, without punctuation,
    and with a number where two headings are alike.

    Examples
    --------
    >>> one = Section(key="one", heading="How sure?", blocks=(Paragraph(text="Very."),))
    >>> two = Section(key="two", heading="How sure!", blocks=(Paragraph(text="Not at all."),))
    >>> heading_anchors(Document(title="Two", sections=(one, two)))
    {'one': 'how-sure', 'two': 'how-sure-1'}
    """
    # Two pages need no contents.
    above = [document.title] if document.kind == "briefing" else [document.title, say("formats.contents")]
    seen = Counter(map(_slug, above))
    anchors = {}
    for section in document.walk():
        slug = _slug(section.heading)
        anchor = f"{slug}-{seen[slug]}" if seen[slug] else slug
        seen[slug] += 1
        anchors[section.key] = anchor
        for block in section.blocks:
            if isinstance(block, TableBlock):
                anchors[block.table.key] = anchor
            elif isinstance(block, FigureBlock):
                anchors[block.figure.key] = anchor
    return anchors


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", _SPACE.sub(" ", heading).strip().lower()).replace(" ", "-")


def _line(text: Text, anchors: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return text as a paragraph on one line, whose beginning is no heading, list or rule."""
    line = inline(text, anchors).strip(" ")
    return _BLOCK.sub(lambda match: f"{match['number'] or ''}\\{match['mark']}", line, count=1)


def _heading(level: int, text: str) -> str:
    line = escaped(text).strip(" ")
    # Number signs at the end of a heading would close it.
    return f"{'#' * level} {line[:-1]}\\#" if line.endswith("#") else f"{'#' * level} {line}"


def _contents(document: Document, anchors: Mapping[str, str]) -> str:
    lines = []
    for outer in document.sections:
        for section in outer.walk():
            indent = "" if section is outer else "  "
            lines.append(f"{indent}- [{escaped(section.heading)}](#{anchors[section.key]})")
    return "\n".join(lines)


def _section(
    section: Section, level: int, anchors: Mapping[str, str], numbers: Mapping[str, str]
) -> Iterator[str]:
    yield _heading(level, section.heading)
    for block in section.blocks:
        yield from _block(block, anchors, numbers)
    for inner in section.sections:
        yield from _section(inner, level + 1, anchors, numbers)


def _block(block: Block, anchors: Mapping[str, str], numbers: Mapping[str, str]) -> Iterator[str]:
    match block:
        case Paragraph():
            yield _line(block.text, anchors)
        case BulletList():
            marks = [f"{i}." if block.ordered else "-" for i in range(1, len(block.items) + 1)]
            lines = [_line(item, anchors) for item in block.items]
            yield "\n".join(f"{mark} {line}" for mark, line in zip(marks, lines, strict=True))
        case Callout():
            title = [f"**{escaped(block.title).strip(' ')}**"] if block.title else []
            yield _quote([*title, _line(block.text, anchors)])
        case DefinitionList():
            yield "\n".join(_definition(term, meaning, anchors) for term, meaning in block.items)
        case TableBlock():
            yield from _table(block.table, f"{numbers[block.table.key]}. {block.table.title}")
            yield from _foot(block.table.notes, block.table.legend, block.table.n, block.table.source)
        case FigureBlock():
            yield from _figure(block.figure, numbers[block.figure.key])


def _quote(paragraphs: Sequence[str]) -> str:
    return "\n>\n".join(f"> {paragraph}" for paragraph in paragraphs)


def _definition(term: Text, meaning: Text, anchors: Mapping[str, str]) -> str:
    bold = tuple(replace(span, style="strong") if span.style == "plain" else span for span in spans(term))
    return f"- {_line(bold, anchors)}: {inline(meaning, anchors).strip(' ')}"


def _figure(figure: Figure, number: str) -> Iterator[str]:
    yield f"**{escaped(f'{number}. {figure.title}').strip(' ')}**"
    yield _line(figure.subtitle)
    yield f"![{escaped(figure.alt).strip(' ')}](figures/{figure.key}.svg)"
    yield from _foot(figure.notes, (), figure.n, figure.source)
    yield f"**{say('formats.as_numbers', number=number)}**"
    yield _line(figure.description)
    yield from _table(figure.table, say("formats.data_of", number=number, title=figure.title))
    yield from _legend(figure.table.legend)


def _table(table: Table, title: str) -> Iterator[str]:
    yield f"**{escaped(title).strip(' ')}**"
    numeric = [False, *(column.numeric for column in table.columns[1:])]
    lines = [
        _row(escaped(column.label) for column in table.columns),
        _row("---:" if right else ":---" for right in numeric),
    ]
    for heading, rows in table.blocks:
        if heading.strip():
            lines.append(_row([f"**{escaped(heading).strip(' ')}**", *[""] * (len(table.columns) - 1)]))
        lines += [_row(escaped(cell.text) for cell in row) for row in rows]
    yield "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.strip(' ') for cell in cells)} |"


def _foot(notes: Sequence[str], legend: Sequence[str], n: str, source: str) -> Iterator[str]:
    yield from map(_line, notes)
    yield from _legend(legend)
    yield _line(said("formats.based_on", n=n))
    yield _line(said("formats.source", source=source))


def _legend(legend: Sequence[str]) -> Iterator[str]:
    if legend:
        yield _line(legend_line(legend))
