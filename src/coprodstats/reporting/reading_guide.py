"""What to read in the time there is: minutes counted from the words of each document."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from coprodstats.reporting.document import (
    Block,
    BulletList,
    Callout,
    DefinitionList,
    Document,
    FigureBlock,
    Paragraph,
    TableBlock,
)
from coprodstats.reporting.findings import Findings
from coprodstats.reporting.language import listing, say
from coprodstats.reporting.sentences import count_words
from coprodstats.reporting.span import Text, code, plain

WORDS_PER_MINUTE = 200
"""A usual rate of silent reading of non-fiction is 175 to 300 (Brysbaert 2019, Journal of Memory and
Language 109, 104047); the slower part of it, as readers stop at tables and figures."""


def reading_guide(findings: Findings, files: Mapping[str, Document]) -> DefinitionList:
    """Return what to read by the time a reader has.

    Parameters
    ----------
    findings
        All numbers; where there are claims, the guide names them.
    files
        The documents by the name of their file, such as ``"briefing.html"``, shortest first. A report is
        given as it is before its guide is in it.
    """
    items: list[tuple[Text, Text]] = [
        (_time(minutes(document)), (code(name), say("guide.colon"), say(f"guide.{document.kind}")))
        for name, document in files.items()
    ]
    longer = [say("guide.methods"), *([say("guide.claims")] if findings.claims else []), say("guide.results")]
    items.append((say("guide.longer"), listing(longer) + "."))
    return DefinitionList(items=tuple(items))


def minutes(document: Document) -> int:
    """Return how long a document takes to read, in whole minutes, one at least.

    Parameters
    ----------
    document
        The document; its words are those of texts, titles and notes, not the cells of tables, which are
        looked up rather than read.
    """
    return max(1, math.ceil(words_of(document) / WORDS_PER_MINUTE))


def words_of(document: Document) -> int:
    """Return how many words a document has outside the cells of its tables.

    Examples
    --------
    >>> from coprodstats.reporting.document import Section
    >>> intro = Section(key="intro", heading="In short", blocks=(Paragraph(text="Hello, 12 readers."),))
    >>> words_of(Document(title="A report", sections=(intro,)))
    7
    """
    texts = [document.title, document.subtitle, document.banner, *document.footer]
    for section in document.walk():
        texts += [section.heading, *(plain(text) for block in section.blocks for text in _texts(block))]
    return sum(count_words(text) for text in texts)


def _texts(block: Block) -> Iterator[Text]:
    match block:
        case Paragraph():
            yield block.text
        case Callout():
            yield from (block.title, block.text)
        case BulletList():
            yield from block.items
        case DefinitionList():
            for pair in block.items:
                yield from pair
        case TableBlock():
            yield from (block.table.title, block.table.n, block.table.source, *block.table.notes)
        case FigureBlock():
            figure = block.figure
            yield from (figure.title, figure.subtitle, figure.n, figure.source, *figure.notes)


def _time(n: int) -> str:
    return say("guide.minutes", n=n)
