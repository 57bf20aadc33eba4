"""The document model: sections and blocks as plain data, from which each renderer makes its format.

No markup is ever data here: every string is text and comes out as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from coprodstats.errors import ArgumentError, Fault, did_you_mean, listed
from coprodstats.reporting.explored import Explorer
from coprodstats.reporting.figures.record import Figure
from coprodstats.reporting.language import LANGUAGES, say, speaking, spoken
from coprodstats.reporting.span import Text, spans
from coprodstats.reporting.table import Table, key_faults
from coprodstats.reporting.theme import DEFAULT_THEME, Theme

CalloutKind = Literal["key", "note", "warning"]
DocumentKind = Literal["report", "briefing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph."""

    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class BulletList:
    """A list; ``ordered`` numbers it."""

    items: tuple[Text, ...]
    ordered: bool = False

    def __post_init__(self) -> None:
        if not self.items:
            raise ArgumentError(Fault(where="list", found="it has no items"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Callout:
    """A boxed paragraph: a key finding, a note or a warning."""

    kind: CalloutKind
    text: Text
    title: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(CalloutKind):
            raise ArgumentError(_unknown("callout", self.kind, get_args(CalloutKind)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionList:
    """Terms and what they mean, as pairs."""

    items: tuple[tuple[Text, Text], ...]

    def __post_init__(self) -> None:
        if not self.items:
            raise ArgumentError(Fault(where="list of definitions", found="it has no items"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBlock:
    """A table."""

    table: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplorerBlock(TableBlock):
    """A table of predictions for typical profiles; where a format can, readers choose another profile."""

    explorer: Explorer


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureBlock:
    """A figure; its data follow it as a table."""

    figure: Figure


Block = Paragraph | BulletList | Callout | DefinitionList | TableBlock | FigureBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section: a heading, blocks, and sections one level below."""

    key: str
    heading: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()

    def walk(self) -> Iterator[Section]:
        """Yield this section, then those below it, in reading order."""
        yield self
        for section in self.sections:
            yield from section.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole report or briefing.

    Attributes
    ----------
    title, subtitle
        The masthead.
    sections
        Sections in reading order, two levels deep at most.
    banner
        A warning that stands above everything, such as that the data are synthetic; or empty.
    footer
        Lines under everything: what made the report.
    language
        The code of its language; the one spoken when it is made.
    kind
        A report has contents and numbered tables; a briefing is laid out on two A4 pages.
    theme
        The look of the organisation that publishes it.

    Raises
    ------
    ArgumentError
        If a key is used twice, a link leads nowhere, or sections are nested too deeply.

    Examples
    --------
    >>> intro = Section(key="intro", heading="Introduction", blocks=(Paragraph(text="Hello."),))
    >>> [section.heading for section in Document(title="A report", sections=(intro,)).walk()]
    ['Introduction']
    """

    title: str
    sections: tuple[Section, ...]
    subtitle: str = ""
    banner: str = ""
    footer: tuple[str, ...] = ()
    language: str = field(default_factory=lambda: spoken().code)
    kind: DocumentKind = "report"
    theme: Theme = DEFAULT_THEME

    def __post_init__(self) -> None:
        faults = [*_outline_faults(self), *_key_faults(self), *_link_faults(self)]
        if faults:
            raise ArgumentError(*faults)

    def walk(self) -> Iterator[Section]:
        """Yield every section in reading order."""
        for section in self.sections:
            yield from section.walk()

    def tables(self) -> tuple[Table, ...]:
        """Return the tables in reading order."""
        return tuple(block.table for block in self.blocks() if isinstance(block, TableBlock))

    def figures(self) -> tuple[Figure, ...]:
        """Return the figures in reading order."""
        return tuple(block.figure for block in self.blocks() if isinstance(block, FigureBlock))

    def numbers(self) -> dict[str, str]:
        """Return the printed number of every table and figure, such as ``"Table 2"``, by key."""
        tables = enumerate(self.tables(), start=1)
        figures = enumerate(self.figures(), start=1)
        with speaking(self.language):
            named = {table.key: say("document.table", number=i) for i, table in tables}
            return named | {figure.key: say("document.figure", number=i) for i, figure in figures}

    @property
    def language_tag(self) -> str:
        """The language's name in files (BCP 47), such as ``"en-GB"``."""
        return LANGUAGES[self.language].tag

    def blocks(self) -> Iterator[Block]:
        """Yield every block in reading order."""
        for section in self.walk():
            yield from section.blocks


def _unknown(what: str, found: str, options: Sequence[str]) -> Fault:
    remedy = did_you_mean(found, options)
    return Fault(where=what, found=f"{found!r} is unknown", allowed=listed(options), remedy=remedy)


def _outline_faults(document: Document) -> list[Fault]:
    faults = []
    if not document.title.strip() or not document.sections:
        faults.append(Fault(where="document", found="the title is empty or there are no sections"))
    if document.language not in LANGUAGES:
        faults.append(_unknown("document language", document.language, list(LANGUAGES)))
    if document.kind not in get_args(DocumentKind):
        faults.append(_unknown("document kind", document.kind, get_args(DocumentKind)))
    for section in document.walk():
        faults += key_faults("section", section.key)
        if not section.heading.strip():
            faults.append(Fault(where=f"section {section.key!r}", found="the heading is empty"))
    for section in (inner for outer in document.sections for inner in outer.sections):
        if section.sections:
            found = "sections are nested three deep"
            faults.append(Fault(where=f"section {section.key!r}", found=found, allowed="two levels"))
    return faults


def _keys(document: Document) -> list[str]:
    keys = [section.key for section in document.walk()]
    keys += [table.key for table in document.tables()]
    return keys + [figure.key for figure in document.figures()]


def _key_faults(document: Document) -> list[Fault]:
    keys = _keys(document)
    return [
        Fault(where=f"document: {key!r}", found="the key is used more than once", allowed="one key each")
        for key in sorted({key for key in keys if keys.count(key) > 1})
    ]


def _link_faults(document: Document) -> list[Fault]:
    known = set(_keys(document))
    return [
        Fault(
            where=f"section {section.key!r}",
            found=f"the link {span.text!r} leads to {span.target!r}, which is not in the document",
            remedy=did_you_mean(span.target[1:], known),
        )
        for section in document.walk()
        for block in section.blocks
        for text in _texts(block)
        for span in spans(text)
        if span.target.startswith("#") and span.target[1:] not in known
    ]


def _texts(block: Block) -> Sequence[Text]:
    match block:
        case Paragraph() | Callout():
            return (block.text,)
        case BulletList():
            return block.items
        case DefinitionList():
            return tuple(text for pair in block.items for text in pair)
        case _:
            return ()
