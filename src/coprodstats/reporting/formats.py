"""The formats of a run: what each is called, which documents it takes, and the module that writes it.

A run has a report and a briefing. `render_formats` writes one of them in those of the formats asked for that
take a document of its kind, so that a run calls it twice with the same names: once with the report
(``report.html``, ``report.pdf``, ``tables.xlsx``, ``tables/<key>.tex`` …) and once with the briefing
(``briefing.html``, ``briefing.pdf``, ``slides.pptx`` …). A run in a second language puts all of it into a
folder of its own. Modules are loaded when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from coprodstats.errors import ArgumentError, Fault, did_you_mean, listed
from coprodstats.reporting.language import speaking

if TYPE_CHECKING:
    from coprodstats.reporting.document import Document, DocumentKind

Renderer = Callable[..., Mapping[str, bytes]]
"""Document, stem of the file's name, and the run's results (CSV by name), to contents by file name.

A format that takes a template has a keyword ``template`` for its bytes.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format that documents are written in.

    Attributes
    ----------
    title
        What readers call it.
    home
        The module below this folder that writes it.
    renderer
        The function there, a `Renderer`.
    documents
        The kinds of documents that it takes.
    packages
        The packages whose version can change its bytes, beside those that every run records.
    check_template
        The function there that refuses an unusable template, an organisation's own file that gives the
        document its look; empty if the format takes none.
    """

    title: str
    home: str
    renderer: str
    documents: tuple[DocumentKind, ...] = ("report", "briefing")
    packages: tuple[str, ...] = ()
    check_template: str = ""

    def load(self) -> Renderer:
        """Return the renderer; its module is imported now and not before."""
        module = import_module(f"coprodstats.reporting.{self.home}")
        return cast("Renderer", getattr(module, self.renderer))

    def check(self, template: bytes) -> None:
        """Refuse a template that the format can't use."""
        getattr(import_module(f"coprodstats.reporting.{self.home}"), self.check_template)(template)


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "html": Format(title="web page", home="html", renderer="html_files"),
        "docx": Format(
            title="Word document",
            home="docx",
            renderer="docx_files",
            packages=("lxml", "pillow", "python-docx"),
            check_template="open_template",
        ),
        "pdf": Format(
            title="PDF",
            home="pdf",
            renderer="pdf_files",
            packages=("fontpkg-atkinson-hyperlegible", "typst"),
        ),
        "md": Format(title="Markdown", home="markdown", renderer="markdown_files"),
        "xlsx": Format(
            title="workbook of tables",
            home="xlsx",
            renderer="xlsx_files",
            documents=("report",),
            packages=("xlsxwriter",),
        ),
        "ods": Format(
            title="OpenDocument workbook of tables", home="ods", renderer="ods_files", documents=("report",)
        ),
        "pptx": Format(
            title="slides",
            home="pptx",
            renderer="pptx_files",
            documents=("briefing",),
            packages=("lxml", "pillow", "python-pptx"),
        ),
        "tex": Format(title="LaTeX tables", home="latex", renderer="latex_files", documents=("report",)),
    }
)
"""Every format by the name that an analysis file uses; ``html`` is always written."""


def format_faults(where: str, names: Sequence[str]) -> list[Fault]:
    """Return a fault for each format that is unknown, and one if ``html`` is not there.

    Examples
    --------
    >>> [fault.found for fault in format_faults("formats", ["html", "word"])]
    ["'word' is no format that a report is written in"]
    """
    faults = [
        Fault(
            where=where,
            found=f"{name!r} is no format that a report is written in",
            allowed=listed(list(FORMATS), 20),
            remedy=did_you_mean(name, list(FORMATS)),
        )
        for name in names
        if name not in FORMATS
    ]
    if "html" not in names:
        found = "'html' is not there, and the other formats stand beside it"
        faults.append(Fault(where=where, found=found, remedy='formats = ["html", ...]'))
    return faults


def format_packages(names: Sequence[str]) -> tuple[str, ...]:
    """Return the packages whose versions can change the bytes of these formats, in the order of their names.

    Examples
    --------
    >>> format_packages(["html"])
    ()
    """
    return tuple(sorted({package for name in names for package in FORMATS[name].packages}))


def render_formats(
    document: Document,
    names: Sequence[str],
    *,
    stem: str = "",
    results: Mapping[str, bytes],
    templates: Mapping[str, bytes] = MappingProxyType({}),
    progress: Callable[[str], None] | None = None,
) -> dict[str, bytes]:
    """Return a document in several formats, as contents by file name.

    Formats that take no document of its kind are passed over: tables come from the report, slides from the
    briefing.

    Parameters
    ----------
    document
        The document.
    names
        The formats, from `FORMATS`.
    stem
        The files' name without its ending; empty for the document's kind.
    results
        The run's results as CSV, by file name; a format that can hold attachments holds them.
    templates
        Files that give formats their look, by format.
    progress
        Called with what is written next.

    Raises
    ------
    ArgumentError
        If a format is unknown or takes no template, or two formats write a file of the same name.
    """
    faults = [*format_faults("formats", names), *_template_faults(names, templates)]
    if faults:
        raise ArgumentError(*faults)
    files: dict[str, bytes] = {}
    taken = [name for name in dict.fromkeys(names) if document.kind in FORMATS[name].documents]
    for name in taken:
        if progress:
            progress(f"writing the {document.kind}: {FORMATS[name].title}")
        given = {"template": templates[name]} if name in templates else {}
        with speaking(document.language):
            made = FORMATS[name].load()(document, stem or document.kind, results, **given)
        twice = sorted(set(made) & set(files))
        if twice:
            found = f"{listed(twice)} is written by another format too"
            raise ArgumentError(Fault(where=f"format {name!r}", found=found))
        files |= made
    return files


def check_templates(templates: Mapping[str, bytes]) -> None:
    """Refuse templates that can't be used, before anything is computed.

    Parameters
    ----------
    templates
        Files that give formats their look, by format.

    Raises
    ------
    ReportError
        If one is no file of its format, or holds what a report must not hold.
    """
    for name, data in templates.items():
        FORMATS[name].check(data)


def _template_faults(names: Sequence[str], templates: Mapping[str, bytes]) -> list[Fault]:
    takers = [name for name in names if name in FORMATS and FORMATS[name].check_template]
    return [
        Fault(
            where="templates", found=f"{name!r} is not written, or takes no template", allowed=listed(takers)
        )
        for name in templates
        if name not in takers
    ]
