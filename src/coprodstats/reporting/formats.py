"""The formats of a document: what each is called, and the module that writes it, loaded when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from coprodstats.errors import ArgumentError, Fault, did_you_mean, listed
from coprodstats.reporting.language import speaking

if TYPE_CHECKING:
    from coprodstats.reporting.document import Document

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
    packages
        The packages whose version can change its bytes, beside those that every run records.
    check_template
        The function there that refuses an unusable template, an organisation's own file that gives the
        document its look; empty if the format takes none.
    """

    title: str
    home: str
    renderer: str
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
            title="workbook of tables", home="xlsx", renderer="xlsx_files", packages=("xlsxwriter",)
        ),
    }
)
"""Every format by the name that an analysis file uses; ``html`` is always written."""

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "about_data": "About these data",
        "as_numbers": "{number} as text and numbers",
        "attachment": "Results: {name}",
        "back_to": "Back to {number}",
        "based_on": "Based on",
        "contents": "Contents",
        "data_of": "Data of {number}: {title}",
        "numbers": "The numbers behind the figures",
        "numbers_of": "Numbers behind {number}",
        "page": "Page {page} of {pages}",
        "part": "part {part} of {parts}",
        "source": "Source",
    }
)
"""The words that a format itself adds, as the web page has them."""


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
    stem: str = "report",
    results: Mapping[str, bytes],
    templates: Mapping[str, bytes] = MappingProxyType({}),
) -> dict[str, bytes]:
    """Return a document in several formats, as contents by file name.

    Parameters
    ----------
    document
        The document.
    names
        The formats, from `FORMATS`.
    stem
        The files' name without its ending.
    results
        The run's results as CSV, by file name; a format that can hold attachments holds them.
    templates
        Files that give formats their look, by format.

    Raises
    ------
    ArgumentError
        If a format is unknown or takes no template, or two formats write a file of the same name.
    """
    faults = [*format_faults("formats", names), *_template_faults(names, templates)]
    if faults:
        raise ArgumentError(*faults)
    files: dict[str, bytes] = {}
    for name in dict.fromkeys(names):
        given = {"template": templates[name]} if name in templates else {}
        with speaking(document.language):
            made = FORMATS[name].load()(document, stem, results, **given)
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
