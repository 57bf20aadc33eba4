"""The Word file that a report is poured into: the package's own, or one that an organisation gives."""

from __future__ import annotations

import io
import re
import zipfile
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any
from xml.sax.saxutils import quoteattr

import docx
from docx.document import Document as WordDocument
from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.oxml import parse_xml
from docx.oxml.ns import qn

from coprodstats.errors import Fault, ReportError, listed
from coprodstats.reporting.style import DARK_BLUE
from coprodstats.reporting.zip_archive import core_properties, normalise_zip, zip_of

REQUIRED_STYLES = ("Title", "Subtitle", "Heading 1", "Heading 2", "List Bullet", "List Number", "Caption")
"""Styles that a template must have, by Word's English names: what makes a report look like the house's."""

OWN_STYLES = (
    "TOC 1", "TOC 2", "TOC Heading", "Strong", "Emphasis", "Hyperlink", "Report Code", "Report Callout",
    "Report Callout Title", "Report Term", "Report Meaning", "Report Figure", "Report Note", "Report Cell",
    "Report Table",
)  # fmt: skip
"""Styles that are added to a template which doesn't have them."""

_WHERE = "Word template"
_PLAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_AS_TEMPLATE = "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml"
_ACTIVE = re.compile(r"vbaProject|vbaData|/activeX/|/embeddings/|/externalLinks/", re.IGNORECASE)
_FIELDS = re.compile(
    r"\b(DDE|DDEAUTO|LINK|INCLUDETEXT|INCLUDEPICTURE|IMPORT|DATABASE|MACROBUTTON|GOTOBUTTON)\b", re.IGNORECASE
)
_PERSONAL = ("/comments", "/commentsExtended", "/people", "/customXml", "/glossaryDocument")
_MARGIN = re.compile(r'(w:(?:top|right|bottom|left)=)"\d+"')
_LETTERS = re.compile(r'(<w:szC?s? w:val=)"(\d+)"')
_SPACING = re.compile(r'(w:(?:before|after)=)"(\d+)"')
_HEADINGS = re.compile(r'(w:styleId="(?:Title|Heading\d|TOCHeading)">.*?<w:rPr>)', re.DOTALL)
_MOST_BYTES = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the package's own template looks.

    Attributes
    ----------
    accent
        The colour of headings, links and boxes, hexadecimal.
    text, headings
        Names of fonts; empty for the template's own.
    scale
        How large letters are, and the space between paragraphs, compared with the template's own.
    space
        How large the space between paragraphs is beside that.
    margin
        Between the edge of the page and the text, in twentieths of a point.
    """

    accent: str = DARK_BLUE
    text: str = ""
    headings: str = ""
    scale: float = 1.0
    space: float = 1.0
    margin: int = 1134


def open_template(template: bytes | None = None, look: Look | None = None) -> WordDocument:
    """Return an empty Word document with the styles of a template.

    Its headers, footers, page size and styles are kept, its text, properties and link to another template go.

    Parameters
    ----------
    template
        A ``.docx`` or ``.dotx`` file; ``None`` for the package's own.
    look
        How the package's own template looks; an organisation's looks as it does.

    Raises
    ------
    ReportError
        If it is no Word file, lacks styles, or holds macros, embedded objects or content from elsewhere.

    Examples
    --------
    >>> open_template().element.body.tag.rpartition("}")[2]
    'body'
    """
    look = look or Look()
    data = _own_template(look) if template is None else _as_document(template)
    try:
        document = docx.Document(io.BytesIO(data))
    except (KeyError, ValueError, AttributeError, SyntaxError, zipfile.BadZipFile) as error:
        raise ReportError(_no_word_file()) from error
    faults = [*_style_faults(document), *_outside_faults(document)]
    if faults:
        raise ReportError(*faults)
    _add_own_styles(document, look)
    _empty(document)
    return document


def finished_docx(document: WordDocument, *, title: str, subject: str, language: str) -> bytes:
    """Return a Word document as bytes that depend on its content alone."""
    _set_language(document, language)
    # Asking for the properties makes the part, whose author and clock are replaced below.
    _ = document.core_properties
    buffer = io.BytesIO()
    document.save(buffer)
    properties = core_properties(title=title, subject=subject, language=language)
    return normalise_zip(buffer.getvalue(), replace={"docProps/core.xml": properties})


def style_ids(document: WordDocument) -> dict[str, str]:
    """Return the id of every style by its name in lower case, which is how files and users agree on names."""
    styles = document.styles.element
    return {
        style.find(qn("w:name")).get(qn("w:val"), "").lower(): style.get(qn("w:styleId"), "")
        for style in styles.iterchildren(qn("w:style"))
        if style.find(qn("w:name")) is not None
    }


def text_width(document: WordDocument) -> int:
    """Return the width between the margins in twentieths of a point."""
    page = document.sections[-1]
    width, left, right = page.page_width, page.left_margin, page.right_margin
    if width is None or left is None or right is None:
        return 9638
    return int((width - left - right) / 635)


def text_height(document: WordDocument) -> int:
    """Return the height between the margins in twentieths of a point."""
    page = document.sections[-1]
    height, top, bottom = page.page_height, page.top_margin, page.bottom_margin
    if height is None or top is None or bottom is None:
        return 14570
    return int((height - top - bottom) / 635)


@cache
def _own_template(look: Look) -> bytes:
    members = dict(_files(files("coprodstats.reporting") / "templates" / "docx"))
    styles = members["word/styles.xml"].decode("utf-8")
    page = members["word/document.xml"].decode("utf-8")
    members["word/styles.xml"] = _restyled(styles, look).encode("utf-8")
    members["word/document.xml"] = _MARGIN.sub(rf'\1"{look.margin}"', page).encode("utf-8")
    return zip_of(members)


def _restyled(styles: str, look: Look) -> str:
    """Return the template's styles in another look; its letters are measured in half points."""
    styles = styles.replace(DARK_BLUE.lstrip("#"), look.accent.lstrip("#").upper())
    styles = _LETTERS.sub(lambda found: f'{found[1]}"{round(int(found[2]) * look.scale)}"', styles)
    space = look.scale * look.space
    styles = _SPACING.sub(lambda found: f'{found[1]}"{round(int(found[2]) * space)}"', styles)
    if look.text:
        styles = styles.replace('"Arial"', quoteattr(look.text))
    if look.headings and look.headings != look.text:
        font = (
            f"<w:rFonts {' '.join(f'w:{kind}={quoteattr(look.headings)}' for kind in ('ascii', 'hAnsi'))}/>"
        )
        styles = _HEADINGS.sub(rf"\1{font}", styles)
    return styles


def _files(folder: Traversable, prefix: str = "") -> list[tuple[str, bytes]]:
    found = []
    for entry in folder.iterdir():
        name = prefix + entry.name
        found += _files(entry, f"{name}/") if entry.is_dir() else [(name, entry.read_bytes())]
    return found


def _no_word_file() -> Fault:
    return Fault(where=_WHERE, found="it is no Word document", allowed="a .docx or .dotx file")


def _as_document(template: bytes) -> bytes:
    """Return a template as a plain document, having looked at its parts without opening them."""
    try:
        with zipfile.ZipFile(io.BytesIO(template)) as archive:
            members = archive.infolist()
            too_big = sum(member.file_size for member in members) > _MOST_BYTES
            types = b"" if too_big else archive.read("[Content_Types].xml")
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, NotImplementedError) as error:
        raise ReportError(_no_word_file()) from error
    faults = []
    if too_big:
        faults.append(Fault(where=_WHERE, found=f"it unpacks to more than {_MOST_BYTES // 1_000_000} MB"))
    active = [member.filename for member in members if _ACTIVE.search(member.filename)]
    if active:
        found = f"it holds macros or embedded objects: {listed(active)}"
        faults.append(Fault(where=_WHERE, found=found, remedy="save it as .docx without them"))
    if faults:
        raise ReportError(*faults)
    changed = types.replace(_AS_TEMPLATE.encode(), _PLAIN.encode())
    return normalise_zip(template, replace={"[Content_Types].xml": changed})


def _style_faults(document: WordDocument) -> list[Fault]:
    known = style_ids(document)
    missing = [name for name in REQUIRED_STYLES if name.lower() not in known]
    faults = []
    if missing:
        found = f"it has no style {listed(missing, 10)}"
        remedy = "use each style once in Word, delete the text, save: Word stores only styles that were used"
        faults.append(
            Fault(where=_WHERE, found=found, allowed=listed(list(REQUIRED_STYLES), 10), remedy=remedy)
        )
    if "List Number" not in missing and list_definition(document) is None:
        remedy = "give the style List Number a numbered list in Word"
        faults.append(Fault(where=_WHERE, found="its style List Number numbers nothing", remedy=remedy))
    return faults


def list_definition(document: WordDocument) -> int | None:
    """Return the id of the abstract list behind the style List Number; None if there is none."""
    identity = style_ids(document).get("list number")
    for style in document.styles.element.iterchildren(qn("w:style")):
        number = style.find(f"{qn('w:pPr')}/{qn('w:numPr')}/{qn('w:numId')}")
        if style.get(qn("w:styleId")) == identity and number is not None:
            return _abstract_list(document, number.get(qn("w:val")))
    return None


def _abstract_list(document: WordDocument, number: str | None) -> int | None:
    for num in document.part.numbering_part.element.iterchildren(qn("w:num")):
        abstract = num.find(qn("w:abstractNumId"))
        if num.get(qn("w:numId")) == number and abstract is not None:
            return int(abstract.get(qn("w:val"), "0"))
    return None


def _outside_faults(document: WordDocument) -> list[Fault]:
    """Return a fault for what the document would fetch or start; its attached template is cut off instead."""
    package = document.part.package
    faults = []
    for part in [] if package is None else package.iter_parts():
        for key, relation in list(part.rels.items()):
            if relation.reltype.endswith("/attachedTemplate"):
                del part.rels[key]
            elif relation.is_external and relation.reltype != RT.HYPERLINK:
                kind = relation.reltype.rpartition("/")[2]
                remedy = "embed it in the template"
                faults.append(
                    Fault(where=_WHERE, found=f"it takes a part from elsewhere: {kind}", remedy=remedy)
                )
        field = _FIELDS.search(_instructions(part.blob)) if part.partname.endswith(".xml") else None
        if field:
            faults.append(
                Fault(where=_WHERE, found=f"it holds the field {field[1].upper()}", remedy="remove it")
            )
    return faults


def _instructions(blob: bytes) -> str:
    """Return what the fields of a part say; Word may split one instruction over several elements."""
    root = parse_xml(blob)
    simple = [element.get(qn("w:instr"), "") for element in root.iter(qn("w:fldSimple"))]
    return " ".join([*simple, "".join(element.text or "" for element in root.iter(qn("w:instrText")))])


def _add_own_styles(document: WordDocument, look: Look) -> None:
    known = style_ids(document)
    own = docx.Document(io.BytesIO(_own_template(look))).styles.element
    names = {name.lower() for name in OWN_STYLES}
    normal = known.get("normal", "Normal")
    for style in own.iterchildren(qn("w:style")):
        name = style.find(qn("w:name")).get(qn("w:val"), "").lower()
        if name not in names or name in known:
            continue
        added = deepcopy(style)
        base = added.find(qn("w:basedOn"))
        if base is not None and base.get(qn("w:val")) == "Normal":
            base.set(qn("w:val"), normal)
        if base is not None and base.get(qn("w:val")) == "TableNormal" and "normal table" not in known:
            added.remove(base)
        document.styles.element.append(added)


def _empty(document: WordDocument) -> None:
    """Take out the text, the properties and whatever else says who wrote the template, when and where."""
    body = document.element.body
    for child in list(body):
        if child.tag != qn("w:sectPr"):
            body.remove(child)
    settings = document.settings.element
    for tag in ("w:attachedTemplate", "w:rsids", "w:mailMerge", "w:documentProtection", "w:trackRevisions"):
        for child in settings.findall(qn(tag)):
            settings.remove(child)
    package = document.part.package
    for key, relation in [] if package is None else list(package.rels.items()):
        if relation.reltype != RT.OFFICE_DOCUMENT:
            del package.rels[key]
    for key, relation in list(document.part.rels.items()):
        if relation.reltype.endswith(_PERSONAL):
            del document.part.rels[key]


def _set_language(document: WordDocument, language: str) -> None:
    """Say the language once, for the whole document, and nowhere else."""
    styles = document.styles.element
    for element in list(styles.iter(qn("w:lang"))):
        element.getparent().remove(element)
    run = _child(_child(_child(styles, "w:docDefaults", first=True), "w:rPrDefault", first=True), "w:rPr")
    run.append(parse_xml(f'<w:lang xmlns:w="{_NAMESPACE}" w:val="{language}"/>'))


def _child(parent: Any, tag: str, *, first: bool = False) -> Any:
    found = parent.find(qn(tag))
    if found is None:
        found = parse_xml(f'<{tag} xmlns:w="{_NAMESPACE}"/>')
        parent.insert(0, found) if first else parent.append(found)
    return found


_NAMESPACE = qn("w:p")[1:].partition("}")[0]
