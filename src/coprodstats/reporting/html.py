"""The document as one HTML file: no script, no network, and every string of the data as text."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

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
from coprodstats.reporting.figures.record import Figure
from coprodstats.reporting.span import plain, spans
from coprodstats.reporting.table import Column

_KINDS: Mapping[type[Any], str] = {
    Paragraph: "paragraph",
    BulletList: "list",
    Callout: "callout",
    DefinitionList: "definitions",
    TableBlock: "table",
    FigureBlock: "figure",
}


def render_html(document: Document) -> str:
    """Return a document as one self-contained HTML page.

    The page has no script and asks for nothing over the network; its content security policy allows the
    one style sheet inside it, by its hash, and nothing else. The same document gives the same text.

    Examples
    --------
    >>> from coprodstats.reporting.document import Document, Section
    >>> section = Section(key="hello", heading="2 < 3", blocks=(Paragraph(text="<b>"),))
    >>> page = render_html(Document(title="Demo", sections=(section,)))
    >>> "2 &lt; 3" in page, "<p>&lt;b&gt;</p>" in page
    (True, True)
    """
    css = _resource("report.css")
    template = _environment().from_string(_resource("report.html.j2"))
    return template.render(
        document=document,
        numbers=document.numbers(),
        # The style sheet is a file of this package; everything else is escaped by the template.
        css=Markup(css),  # noqa: S704
        css_hash=_csp_hash(css),
    )


def html_files(document: Document, stem: str, results: Mapping[str, bytes]) -> dict[str, bytes]:  # noqa: ARG001
    """Return the document as one page; a page holds no attachments, so that ``results`` stay beside it."""
    return {f"{stem}.html": render_html(document).encode("utf-8")}


def _resource(name: str) -> str:
    return (files("coprodstats.reporting") / "templates" / name).read_text(encoding="utf-8")


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(kind=_kind, spans=spans, plain=plain, drawing=_drawing, cell_class=_cell_class)
    return environment


def _kind(block: Block) -> str:
    return _KINDS[type(block)]


def _drawing(figure: Figure) -> Markup:
    # `finish_svg` refused everything but shapes, and escaped the title and the description.
    return Markup(figure.svg)  # noqa: S704


def _cell_class(column: Column) -> str:
    return "number" if column.numeric else "words"
