"""The document as one HTML file: nothing from the network, and every string of the data as text.

The page's only script is that of the explorer, where there is one; everything else works without.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from coprodstats.reporting import format as fmt
from coprodstats.reporting.document import (
    Block,
    BulletList,
    Callout,
    DefinitionList,
    Document,
    ExplorerBlock,
    FigureBlock,
    Paragraph,
    TableBlock,
)
from coprodstats.reporting.explored import Explorer
from coprodstats.reporting.figures.record import Figure
from coprodstats.reporting.html_theme import theme_css
from coprodstats.reporting.language import said, say, speaking, spoken
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.span import plain, spans
from coprodstats.reporting.table import Column, legend_line

_KINDS: Mapping[type[Any], str] = {
    Paragraph: "paragraph",
    BulletList: "list",
    Callout: "callout",
    DefinitionList: "definitions",
    TableBlock: "table",
    ExplorerBlock: "explorer",
    FigureBlock: "figure",
}


def render_html(document: Document) -> str:
    """Return a document as one self-contained HTML page.

    The page asks for nothing over the network; its content security policy allows the style sheet inside it
    and, if the document has an explorer, that one's script, by their hashes, and nothing else. The same
    document gives the same text.

    Examples
    --------
    >>> from coprodstats.reporting.document import Document, Section
    >>> section = Section(key="hello", heading="2 < 3", blocks=(Paragraph(text="<b>"),))
    >>> page = render_html(Document(title="Demo", sections=(section,)))
    >>> "2 &lt; 3" in page, "<p>&lt;b&gt;</p>" in page
    (True, True)
    """
    explored = any(isinstance(block, ExplorerBlock) for block in document.blocks())
    template = _environment().from_string(_resource("report.html.j2"))
    sheets = ["report.css", *(["explorer.css"] if explored else [])]
    sheets += ["briefing.css"] if document.kind == "briefing" else []
    css = "".join(map(_resource, sheets)) + theme_css(document.theme)
    with speaking(document.language):
        return template.render(
            document=document,
            numbers=document.numbers(),
            # Files of this package, and colours; everything else is escaped by the template.
            css=Markup(css),  # noqa: S704
            script=Markup(_resource("explorer.js") if explored else ""),  # noqa: S704
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
    environment.globals.update(say=say, said=said)
    environment.filters.update(
        kind=_kind,
        spans=spans,
        plain=plain,
        drawing=_drawing,
        cell_class=_cell_class,
        csp_hash=_csp_hash,
        data_uri=_data_uri,
        explorer_data=_explorer_data,
        legend_line=legend_line,
        lower_first=lower_first,
        percent=fmt.percent,
    )
    return environment


def _kind(block: Block) -> str:
    return _KINDS[type(block)]


def _drawing(figure: Figure) -> Markup:
    # `finish_svg` refused everything but shapes, and escaped the title and the description.
    return Markup(figure.svg)  # noqa: S704


def _cell_class(column: Column) -> str:
    return "number" if column.numeric else "words"


def _data_uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def _explorer_data(explorer: Explorer) -> dict[str, Any]:
    """Return what an explorer's script reads: the model, and texts with the fields that it fills in."""
    first, second = explorer.labels
    words = {
        "decimal": spoken().decimal,
        "percent": spoken().percent,
        "interval": say("format.interval", low="{low}", high="{high}"),
        "covers": say("explorer.interval", interval="{interval}"),
        "status": say(
            "explorer.status",
            first_label=first,
            second_label=second,
            first="{first}",
            second="{second}",
            difference="{difference}",
        ),
    }
    return {"model": explorer.model(), "words": words}
