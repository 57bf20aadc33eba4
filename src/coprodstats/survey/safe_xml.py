"""XML pages of metadata, parsed without entities, so that a small page can't grow into a large one."""

from __future__ import annotations

from typing import BinaryIO, NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

from coprodstats.errors import Fault, FormatError, ResourceLimitError, TruncatedInputError
from coprodstats.survey.limits import MOST_XML_BYTES

_DEEPEST = 100


def parse_xml(stream: BinaryIO, name: str) -> ElementTree.Element:
    r"""Parse an XML page; namespaces are left out of the names of elements.

    Parameters
    ----------
    stream
        The page.
    name
        What messages call the file.

    Returns
    -------
    xml.etree.ElementTree.Element
        The root.

    Raises
    ------
    ResourceLimitError
        If the page defines entities, is nested too deeply or is larger than 64 MiB.
    TruncatedInputError
        If the page ends before its end.
    FormatError
        If it is no XML.

    Examples
    --------
    >>> import io
    >>> parse_xml(io.BytesIO(b'<a xmlns="urn:x"><b>text</b></a>'), "page.xml").findtext("b")
    'text'
    """
    data = stream.read(MOST_XML_BYTES + 1)
    if len(data) > MOST_XML_BYTES:
        raise ResourceLimitError(Fault(where=name, found="the page is larger than 64 MiB"))
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise ResourceLimitError(
                Fault(where=name, found=f"elements are nested more than {_DEEPEST} deep")
            )
        builder.start(_local(tag), {_local(key): value for key, value in attributes.items()})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_local(tag))

    def entity(*_: object) -> NoReturn:
        found = f"line {parser.CurrentLineNumber}: the page defines an entity"
        allowed = "plain XML; entities can make a small page grow without end"
        raise ResourceLimitError(Fault(where=name, found=found, allowed=allowed))

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = entity
    parser.ExternalEntityRefHandler = entity
    try:
        parser.Parse(data, True)  # noqa: FBT003  (expat's own signature)
        return builder.close()
    except expat.ExpatError as error:
        found = f"line {error.lineno}, column {error.offset + 1}: this is no well-formed XML"
        ended = error.code in {
            expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
            expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
        }
        family = TruncatedInputError if ended else FormatError
        raise family(Fault(where=name, found=found, remedy="export the page again")) from None
    except (LookupError, ValueError):
        raise FormatError(Fault(where=name, found="the page is in an encoding that isn't known")) from None


def _local(tag: str) -> str:
    return tag.rpartition(" ")[2]


def text_of(element: ElementTree.Element | None) -> str:
    """Return all text below an element, with single spaces; an absent element has none."""
    return "" if element is None else " ".join("".join(element.itertext()).split())
