"""What is on the slides: five of them, made from a briefing, whatever program shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
from coprodstats.reporting.span import Text, plain, spans
from coprodstats.reporting.table import Table, legend_line

MOST_COLUMNS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The first slide.

    Attributes
    ----------
    title, subtitle
        Those of the briefing.
    headline
        What was found, in a sentence; or empty.
    notes
        What a speaker may say or look up.
    """

    title: str
    subtitle: str
    headline: Text
    notes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """A slide of sentences, one a point."""

    title: str
    points: tuple[Text, ...]
    notes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A slide of a figure, whose headline is the slide's title."""

    title: str
    figure: Figure
    foot: tuple[Text, ...]
    notes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A slide of a table, whose title is the slide's."""

    title: str
    table: Table
    foot: tuple[Text, ...]
    notes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A slide of sections side by side: pairs of heading and points."""

    title: str
    columns: tuple[tuple[str, tuple[Text, ...]], ...]
    notes: str


Slide = Opening | Points | Picture | Grid | Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Deck:
    """All slides, in order, and the briefing that they come from: its title, banner, language and theme."""

    briefing: Document
    slides: tuple[Slide, ...]


def build_deck(briefing: Document) -> Deck:
    """Return the slides of a briefing: title with a headline, findings, chart, table, what follows.

    The findings are the first list of the briefing, the chart and the table its first ones, and what follows
    are the first two sections after the findings that hold words alone. What a briefing lacks has no slide.

    Examples
    --------
    >>> found = Section(key="found", heading="What we found", blocks=(BulletList(items=("One.", "Two.")),))
    >>> deck = build_deck(Document(title="Demo", sections=(found,), kind="briefing"))
    >>> [type(slide).__name__ for slide in deck.slides]
    ['Opening', 'Points']
    """
    sections = tuple(briefing.walk())
    home = next((section for section in sections if _points(section)), None)
    found = () if home is None else _points(home)
    slides: list[Slide] = [_opening(briefing, found)]
    if home is not None:
        slides.append(Points(title=home.heading, points=found, notes=_said(home.blocks)))
    slides += [_picture(figure) for figure in briefing.figures()[:1]]
    slides += [_grid(table) for table in briefing.tables()[:1]]
    later = sections[sections.index(home) + 1 :] if home is not None else sections
    slides += _closing([section for section in later if _of_words(section)][:MOST_COLUMNS])
    return Deck(briefing=briefing, slides=tuple(slides))


def _opening(briefing: Document, found: Sequence[Text]) -> Opening:
    blocks = [block for section in briefing.walk() for block in section.blocks]
    keys = [block.text for block in blocks if isinstance(block, Callout) and block.kind == "key"]
    headline = next(iter([*keys, *map(_strong_part, found)]), "")
    notes = "\n".join(filter(None, (briefing.subtitle, briefing.banner, *briefing.footer)))
    return Opening(title=briefing.title, subtitle=briefing.subtitle, headline=headline, notes=notes)


def _strong_part(text: Text) -> Text:
    """Return what of a text is of strong importance; all of it if nothing is marked."""
    return tuple(span for span in spans(text) if span.style == "strong") or text


def _picture(figure: Figure) -> Picture:
    foot = (figure.subtitle, said("slides.foot", n=figure.n, source=figure.source))
    notes = "\n".join((figure.subtitle, figure.description, *figure.notes, *_about(figure.n, figure.source)))
    return Picture(title=figure.title, figure=figure, foot=foot, notes=notes)


def _grid(table: Table) -> Grid:
    legend = (legend_line(table.legend),) if table.legend else ()
    foot = (*legend, said("slides.foot", n=table.n, source=table.source))
    notes = "\n".join((*table.notes, *legend, *_about(table.n, table.source)))
    return Grid(title=table.title, table=table, foot=foot, notes=notes)


def _about(n: str, source: str) -> tuple[str, str]:
    return plain(said("formats.based_on", n=n)), plain(said("formats.source", source=source))


def _closing(sections: Sequence[Section]) -> list[Slide]:
    if not sections:
        return []
    columns = tuple((section.heading, tuple(_texts(section.blocks))) for section in sections)
    title = say("slides.closing") if len(sections) > 1 else sections[0].heading
    notes = "\n".join(_said(section.blocks) for section in sections)
    return [Columns(title=title, columns=columns, notes=notes)]


def _points(section: Section) -> tuple[Text, ...]:
    return next((block.items for block in section.blocks if isinstance(block, BulletList)), ())


def _of_words(section: Section) -> bool:
    shown = [block for block in section.blocks if isinstance(block, FigureBlock | TableBlock)]
    return bool(section.blocks) and not shown


def _said(blocks: Sequence[Block]) -> str:
    return "\n".join(plain(text) for text in _texts(blocks))


def _texts(blocks: Sequence[Block]) -> Iterator[Text]:
    """Yield the texts of blocks, one a point."""
    for block in blocks:
        match block:
            case Paragraph() | Callout():
                yield block.text
            case BulletList():
                yield from block.items
            case DefinitionList():
                for term, meaning in block.items:
                    yield said("formats.definition", term=plain(term), meaning=plain(meaning))
            case _:
                pass
