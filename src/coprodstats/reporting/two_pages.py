"""Where a briefing turns the page."""

from __future__ import annotations

from coprodstats.reporting.document import Document, FigureBlock

BRIEFING_PAGES = 2
"""Pages of a briefing, front and back of a sheet of A4."""


def second_page(document: Document) -> str:
    """Return the key of the section that begins the second page of a briefing; empty for a report.

    The first page ends with the first figure; without one, with the first section.

    Examples
    --------
    >>> from coprodstats.reporting.document import Paragraph, Section
    >>> sections = [Section(key=key, heading=key, blocks=(Paragraph(text="x"),)) for key in ("a", "b")]
    >>> second_page(Document(title="Demo", sections=tuple(sections), kind="briefing"))
    'b'
    """
    if document.kind != "briefing":
        return ""
    drawn = [
        position
        for position, section in enumerate(document.sections)
        if any(isinstance(block, FigureBlock) for inner in section.walk() for block in inner.blocks)
    ]
    after = document.sections[(drawn[0] if drawn else 0) + 1 :]
    return after[0].key if after else ""
