"""The document as a Word file: real headings, lists and tables, pictures with alternative texts, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from docx.oxml.ns import qn

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
from coprodstats.reporting.docx_elements import (
    Setting,
    field_marks,
    item_of,
    new_list,
    paragraph,
    picture,
    table,
)
from coprodstats.reporting.docx_pages import height_of
from coprodstats.reporting.docx_template import Look, finished_docx, open_template, text_height
from coprodstats.reporting.figures.record import Figure
from coprodstats.reporting.language import said, say
from coprodstats.reporting.picture import picture_size, png_from_svg
from coprodstats.reporting.span import Span, Text, link, plain, strong
from coprodstats.reporting.table import Table, legend_line
from coprodstats.reporting.two_pages import second_page

_DATA = "data of "
"""In front of the key of a figure: the place of its numbers. No key holds a space."""
_LOGO = "the logo"
_LOGO_INCHES = (2.4, 0.6)
"""The most that a logo is wide and high."""
BRIEFING_SCALES = (1.0, 0.97, 0.94, 0.91, 0.88, 0.85, 0.82, 0.79, 0.76)
"""Sizes at which a briefing is tried on its two pages; at the last one it may run over."""
_CLOSE = 0.55
_BRIEFING_MARGIN = 964
_SAFE = 0.97
"""How much of a page may be filled by what is only measured about."""


def docx_files(
    document: Document,
    stem: str,
    results: Mapping[str, bytes],  # noqa: ARG001
    *,
    template: bytes | None = None,
) -> dict[str, bytes]:
    """Return the Word file of a document by name; the results stay outside it."""
    return {f"{stem}.docx": render_docx(document, template=template)}


def render_docx(document: Document, *, template: bytes | None = None) -> bytes:
    """Return a document as a Word file.

    Headings, lists, captions, tables with header rows and pictures with alternative texts are Word's own, so
    that a screen reader and another template understand them; the numbers of the figures stand in an
    appendix, as tables. The file has no author, no date and nothing that runs; the same document gives the
    same bytes.

    Parameters
    ----------
    document
        The document.
    template
        A ``.docx`` or ``.dotx`` file whose styles, headers and footers are used; ``None`` for the package's
        own.

    Raises
    ------
    ReportError
        If the template is no Word file, lacks styles, or holds macros or content from elsewhere.

    Examples
    --------
    >>> intro = Section(key="intro", heading="2 < 3", blocks=(Paragraph(text="Hello."),))
    >>> render_docx(Document(title="Demo", sections=(intro,)))[:2]
    b'PK'
    """
    scales = BRIEFING_SCALES if document.kind == "briefing" and template is None else (1.0,)
    for scale in scales:
        word = open_template(template, _look(document, scale))
        setting = Setting.of(word, _keys(document))
        parts = list(_parts(setting, document, masthead=template is None))
        if scale == scales[-1] or _fits(setting, parts):
            break
    end = word.element.body[-1]
    for part in parts:
        end.addprevious(part)
    return finished_docx(
        word, title=document.title, subject=document.subtitle, language=document.language_tag
    )


def _look(document: Document, scale: float) -> Look:
    theme = document.theme
    look = Look(accent=theme.colours.accent, text=theme.fonts.text, headings=theme.fonts.headings)
    if document.kind == "report":
        return look
    return replace(look, scale=scale, space=_CLOSE, margin=_BRIEFING_MARGIN)


def _keys(document: Document) -> list[str]:
    figures = document.figures()
    keys = [section.key for section in document.walk()]
    keys += [*(data.key for data in document.tables()), *(figure.key for figure in figures)]
    return [*keys, *(_DATA + figure.key for figure in figures), _LOGO]


def _fits(setting: Setting, parts: Sequence[Any]) -> bool:
    """Return whether the parts fit the two pages that one of them divides."""
    turns = [
        i for i, part in enumerate(parts) if part.find(f"{qn('w:pPr')}/{qn('w:pageBreakBefore')}") is not None
    ]
    pages = [parts[: turns[0]], parts[turns[0] :]] if turns else [parts]
    room = text_height(setting.word) / 20 * _SAFE
    return all(height_of(setting, page) <= room for page in pages)


def _parts(setting: Setting, document: Document, *, masthead: bool) -> Iterator[Any]:
    if masthead:
        yield from _masthead(setting, document)
    yield paragraph(setting, document.title, "Title")
    if document.subtitle:
        yield paragraph(setting, document.subtitle, "Subtitle")
    if document.banner:
        yield paragraph(setting, document.banner, "Report Callout")
    if document.kind == "report":
        yield from _contents(setting, document)
    numbers = document.numbers()
    for section in document.sections:
        yield from _section(setting, section, numbers, level=1, turn=second_page(document))
    if document.figures() and document.kind == "report":
        yield from _figure_data(setting, document, numbers)
    for line in document.footer:
        yield paragraph(setting, line, "Report Note")


def _masthead(setting: Setting, document: Document) -> Iterator[Any]:
    """Yield the logo and the name of the organisation; one that gives a template has them there."""
    theme = document.theme
    if theme.logo is not None:
        wide, high = _LOGO_INCHES
        scale = min(wide / theme.logo.width, high / theme.logo.height)
        size = (theme.logo.width * scale, theme.logo.height * scale)
        number, alt = setting.places[_LOGO], theme.logo.alt
        drawing = picture(setting, theme.logo.png, number=number, name="logo", inches=size, alt=alt)
        yield paragraph(setting, [drawing], "Report Figure")
    if theme.organisation:
        yield paragraph(setting, strong(theme.organisation), "Report Note")


def _contents(setting: Setting, document: Document) -> Iterator[Any]:
    """Yield the contents as Word's own list, which a reader can bring up to date with page numbers."""
    yield paragraph(setting, say("formats.contents"), "TOC Heading")
    begin, end = field_marks(r'TOC \o "1-2" \h \z \u')
    entries = [
        entry
        for outer in document.sections
        for entry in [(outer, "TOC 1"), *((inner, "TOC 2") for inner in outer.sections)]
    ]
    for position, (section, style) in enumerate(entries):
        made = paragraph(setting, Span(text=section.heading, target=f"#{section.key}"), style)
        if position == 0:
            for mark in reversed(begin):
                made.insert(1, mark)
        if position == len(entries) - 1:
            made.append(end)
        yield made


def _section(
    setting: Setting, section: Section, numbers: Mapping[str, str], *, level: int, turn: str
) -> Iterator[Any]:
    break_ = {"pageBreakBefore": None} if section.key == turn else {}
    yield paragraph(setting, section.heading, f"Heading {level}", key=section.key, **break_)
    for block in section.blocks:
        # A briefing has no pages for the numbers behind its figures: they are in the report.
        yield from _block(setting, block, numbers, with_data=not turn)
    for inner in section.sections:
        yield from _section(setting, inner, numbers, level=level + 1, turn=turn)


def _block(setting: Setting, block: Block, numbers: Mapping[str, str], *, with_data: bool) -> Iterator[Any]:
    match block:
        case Paragraph():
            yield paragraph(setting, block.text)
        case BulletList():
            yield from _list(setting, block)
        case Callout():
            if block.title:
                yield paragraph(setting, block.title, "Report Callout Title")
            yield paragraph(setting, block.text, "Report Callout")
        case DefinitionList():
            for term, meaning in block.items:
                yield paragraph(setting, term, "Report Term")
                yield paragraph(setting, meaning, "Report Meaning")
        case TableBlock():
            caption = say("formats.caption", number=numbers[block.table.key], title=block.table.title)
            yield from _table(setting, block.table, caption, key=block.table.key)
        case FigureBlock():
            yield from _figure(setting, block.figure, numbers[block.figure.key], with_data=with_data)


def _list(setting: Setting, block: BulletList) -> Iterator[Any]:
    number = new_list(setting) if block.ordered else 0
    for item in block.items:
        if block.ordered:
            yield paragraph(setting, item, "List Number", numPr=item_of(number))
        else:
            yield paragraph(setting, item, "List Bullet")


def _table(setting: Setting, data: Table, caption: str, *, key: str) -> Iterator[Any]:
    yield paragraph(setting, caption, "Caption", key=key)
    about = (said("formats.based_on", n=data.n), said("formats.source", source=data.source))
    yield table(setting, data, caption=caption, description=" ".join(map(plain, about)))
    legend = (legend_line(data.legend),) if data.legend else ()
    yield from _foot(setting, (*data.notes, *legend), data.n, data.source)


def _foot(setting: Setting, notes: tuple[str, ...], n: str, source: str) -> Iterator[Any]:
    lines: list[Text] = [*notes, said("formats.based_on", n=n), said("formats.source", source=source)]
    for line in lines:
        yield paragraph(setting, line, "Report Note")
    # Two tables without a paragraph between them would be one to Word, and text would stick to the note.
    yield paragraph(setting, "", "Report Note")


def _figure(setting: Setting, figure: Figure, number: str, *, with_data: bool) -> Iterator[Any]:
    yield paragraph(
        setting, say("formats.caption", number=number, title=figure.title), "Caption", key=figure.key
    )
    yield paragraph(setting, figure.subtitle, "Report Note", keepNext=None)
    drawing = picture(
        setting,
        png_from_svg(figure.svg),
        number=setting.places[figure.key],
        name=figure.key,
        inches=picture_size(figure.svg),
        alt=figure.alt,
    )
    yield paragraph(setting, [drawing], "Report Figure")
    if with_data:
        told = link(say("formats.as_numbers", number=number), f"#{_DATA}{figure.key}")
        yield paragraph(setting, (told, "."), "Report Note")
    yield from _foot(setting, figure.notes, figure.n, figure.source)


def _figure_data(setting: Setting, document: Document, numbers: Mapping[str, str]) -> Iterator[Any]:
    yield paragraph(setting, say("formats.numbers"), "Heading 1")
    for figure in document.figures():
        caption = say("formats.data_of", number=numbers[figure.key], title=figure.title)
        yield from _table(setting, figure.table, caption, key=_DATA + figure.key)
