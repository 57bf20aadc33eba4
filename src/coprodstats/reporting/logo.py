"""The logo of an organisation: a picture from a file, let in only if nothing in it can act or reach out."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from coprodstats.errors import Fault, ReportError, listed

MOST_BYTES = 1_000_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SHOWN = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"sRGB", b"cHRM", b"pHYs"}
_SVG = "{http://www.w3.org/2000/svg}"
_ELEMENTS = {
    "svg", "g", "defs", "title", "desc", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon",
    "use", "clipPath", "linearGradient", "radialGradient", "stop",
}  # fmt: skip
_ATTRIBUTES = {
    "id", "d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "fx", "fy", "width", "height",
    "points", "viewBox", "transform", "version", "role", "offset", "preserveAspectRatio", "gradientUnits",
    "gradientTransform", "spreadMethod", "clipPathUnits", "pathLength", "opacity", "fill", "fill-opacity",
    "fill-rule", "clip-path", "clip-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap",
    "stroke-linejoin", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "stop-color",
    "stop-opacity", "href", "aria-label", "aria-labelledby", "aria-hidden",
}  # fmt: skip
_WITHIN = re.compile(r"#[\w.-]+")
_CALL = re.compile(r"url\((.*?)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """A logo: always a PNG picture, which every format can show, and where there is one a drawing beside it.

    Attributes
    ----------
    alt
        What stands for it where it can't be seen: the organisation's name, as a rule.
    png
        The picture, without the notes that programs leave in it.
    width, height
        Its size in pixels.
    svg
        The same as a drawing that stays sharp at every size; or empty.
    """

    alt: str
    png: bytes
    width: int
    height: int
    svg: bytes = b""


def read_logo(png: bytes, svg: bytes, *, alt: str, where: str = "logo") -> Logo:
    """Return a logo from the contents of its files.

    Parameters
    ----------
    png
        A PNG picture.
    svg
        The same as an SVG drawing; or empty.
    alt
        What stands for it where it can't be seen.
    where
        What messages call it.

    Raises
    ------
    ReportError
        With all faults: a file that is larger than a megabyte or no picture, a drawing that holds scripts,
        styles, pictures, texts or references to anything outside itself.
    """
    chunks, faults = _png_chunks(png, f"{where}.png")
    if svg:
        faults += _svg_faults(svg, f"{where}.svg")
    if faults:
        raise ReportError(*faults)
    width, height = struct.unpack(">II", chunks[0][1][:8])
    kept = b"".join(_packed(kind, content) for kind, content in chunks if kind in _SHOWN)
    return Logo(alt=alt, png=_SIGNATURE + kept, width=width, height=height, svg=svg)


def _png_chunks(content: bytes, where: str) -> tuple[list[tuple[bytes, bytes]], list[Fault]]:
    if len(content) > MOST_BYTES:
        return [], [Fault(where=where, found="it is larger than 1 MB", allowed="a small picture")]
    if not content.startswith(_SIGNATURE):
        return [], [Fault(where=where, found="it is no PNG picture", remedy="save the logo as PNG")]
    chunks = list(_walk(content))
    kinds = [kind for kind, _ in chunks]
    whole = kinds[:1] == [b"IHDR"] and kinds[-1:] == [b"IEND"] and b"IDAT" in kinds
    if not whole or len(chunks[0][1]) != 13:
        return [], [Fault(where=where, found="the picture is damaged or cut off", remedy="save it again")]
    width, height = struct.unpack(">II", chunks[0][1][:8])
    if not (0 < width <= 4000 and 0 < height <= 4000):
        found = f"it is {width} by {height} pixels"
        return [], [Fault(where=where, found=found, allowed="up to 4000 by 4000")]
    return chunks, []


def _walk(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the picture's chunks up to the first that is cut off or doesn't match its check sum."""
    at = len(_SIGNATURE)
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        kind, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        end = at + 12 + length
        if content[at:end] != _packed(kind, data):
            return
        yield kind, data
        at = end


def _packed(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _svg_faults(content: bytes, where: str) -> list[Fault]:
    if len(content) > MOST_BYTES:
        return [Fault(where=where, found="it is larger than 1 MB", allowed="a small drawing")]
    # A document type can declare entities, which grow without end when they are read.
    if b"<!" in re.sub(rb"<!--.*?-->", b"", content, flags=re.DOTALL) or b"<?xml-" in content:
        found = "it declares a document type or a style sheet"
        return [Fault(where=where, found=found, remedy="save the drawing as plain SVG")]
    try:
        root = ET.fromstring(content)  # noqa: S314  (without a document type there are no entities)
    except (ET.ParseError, ValueError, LookupError):
        return [Fault(where=where, found="it is no SVG drawing: its XML can't be read")]
    if root.tag != f"{_SVG}svg":
        return [Fault(where=where, found="it is no SVG drawing", allowed="one <svg> element")]
    elements = {element.tag.removeprefix(_SVG) for element in root.iter()} - _ELEMENTS
    attributes = {(_local(name), value) for element in root.iter() for name, value in element.attrib.items()}
    strange = {name for name, _ in attributes} - _ATTRIBUTES
    faults = []
    for what, names in (("elements", elements), ("attributes", strange)):
        if names:
            found = f"it holds {what} that a drawing has no use for: {listed(sorted(names))}"
            faults.append(Fault(where=where, found=found, remedy="save the drawing as paths, in plain SVG"))
    if any(not _WITHIN.fullmatch(target) for name, value in attributes for target in _targets(name, value)):
        faults.append(Fault(where=where, found="it refers to something outside itself", allowed="#name"))
    return faults


def _local(name: str) -> str:
    return "href" if name == "{http://www.w3.org/1999/xlink}href" else name


def _targets(name: str, value: str) -> list[str]:
    """Return what a value refers to; a call that isn't closed refers to nothing that can be allowed."""
    called = [target.strip(" '\"") for target in _CALL.findall(value)]
    unread = [""] if value.lower().count("url") > len(called) else []
    return [*called, *unread, *([value] if name == "href" else [])]
