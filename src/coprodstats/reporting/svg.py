"""The SVG that matplotlib writes, made fit for a page: named, described, without styles or clashing ids."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from xml.etree import ElementTree as ET

from coprodstats.errors import Fault, ReportError

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"

_NUMBER = re.compile(r"-?\d+\.\d+")
_TRANSLATE = re.compile(r"translate\([^)]*\)")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_ALLOWED = {"svg", "g", "defs", "path", "use", "clipPath", "rect", "title", "desc", "style", "metadata"}
_CENT = Decimal("0.01")


def finish_svg(raw: str, *, key: str, title: str, description: str) -> str:
    """Return an SVG drawing that can stand in a page beside others.

    Ids and references get the key in front; style rules become attributes, so that the page's content
    security policy may refuse inline styles; metadata, comments and the document type go; coordinates
    are kept to a hundredth of a point, which hides the last bits in which processors differ.

    Parameters
    ----------
    raw
        What matplotlib's SVG writer gave.
    key
        The figure's key, in front of every id.
    title, description
        The accessible name and description.

    Raises
    ------
    ReportError
        If the drawing holds an element that a figure has no use for, such as a script.
    """
    root = ET.fromstring(raw)  # noqa: S314  (matplotlib wrote it a moment ago)
    _check_elements(root, key)
    _remove(root, {"metadata", "style"})
    _keep_used_ids(root, key)
    for element in root.iter():
        _plain_attributes(element)
    _name(root, key, title, description)
    return ET.tostring(root, encoding="unicode") + "\n"


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _check_elements(root: ET.Element, key: str) -> None:
    strange = sorted({_local(element.tag) for element in root.iter()} - _ALLOWED)
    if strange:
        found = f"the drawing holds {', '.join(strange)}"
        raise ReportError(Fault(where=f"figure {key!r}", found=found, allowed=", ".join(sorted(_ALLOWED))))


def _remove(root: ET.Element, names: set[str]) -> None:
    for parent in list(root.iter()):
        for child in [child for child in parent if _local(child.tag) in names]:
            parent.remove(child)


def _references(element: ET.Element) -> list[str]:
    found = [name for value in element.attrib.values() for name in _REFERENCE.findall(value)]
    href = element.get(f"{{{XLINK}}}href")
    return [*found, href[1:]] if href else found


def _keep_used_ids(root: ET.Element, key: str) -> None:
    used = {name for element in root.iter() for name in _references(element)}
    for element in root.iter():
        own = element.attrib.pop("id", None)
        if own in used:
            element.set("id", f"{key}--{own}")
        for name, value in element.attrib.items():
            element.set(name, _REFERENCE.sub(rf"url(#{key}--\1)", value))
        href = element.get(f"{{{XLINK}}}href")
        if href:
            element.set(f"{{{XLINK}}}href", f"#{key}--{href[1:]}")


def _plain_attributes(element: ET.Element) -> None:
    element.tag = _local(element.tag)
    style = element.attrib.pop("style", "")
    for declaration in filter(None, (part.strip() for part in style.split(";"))):
        name, _, value = declaration.partition(":")
        element.set(name.strip(), value.strip())
    href = element.attrib.pop(f"{{{XLINK}}}href", None)
    if href is not None:
        element.set("xlink:href", href)
    for name in ("d", "x", "y", "width", "height", "stroke-width", "stroke-dasharray"):
        if name in element.attrib:
            element.set(name, _NUMBER.sub(_cents, element.attrib[name]))
    if "transform" in element.attrib:
        moved = _TRANSLATE.sub(lambda m: _NUMBER.sub(_cents, m.group()), element.attrib["transform"])
        element.set("transform", moved)
    if "d" in element.attrib:
        element.set("d", " ".join(element.attrib["d"].split()))
    element.text = None if element.text is None or not element.text.strip() else element.text
    element.tail = "\n"


def _cents(match: re.Match[str]) -> str:
    # Half to even from the six decimals that matplotlib wrote: a second rounding of text, not of noise.
    value = Decimal(match.group()).quantize(_CENT, ROUND_HALF_EVEN).normalize()
    return "0" if value == 0 else f"{value:f}"


def _name(root: ET.Element, key: str, title: str, description: str) -> None:
    root.attrib.pop("version", None)
    root.set("xmlns", SVG)
    root.set("xmlns:xlink", XLINK)
    root.set("role", "img")
    root.set("aria-labelledby", f"{key}--title")
    root.set("aria-describedby", f"{key}--desc")
    # What matplotlib says in a style rule for every element is said once here and inherited.
    root.set("stroke-linejoin", "round")
    root.set("stroke-linecap", "butt")
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        child = ET.Element(tag, {"id": f"{key}--{tag}"})
        child.text, child.tail = text, "\n"
        root.insert(position, child)
    root.text, root.tail = "\n", None
