"""A figure's drawing as PNG, for formats whose readers may not show SVG; made from the drawing itself."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Bbox
from PIL import Image

from coprodstats.errors import Fault, ReportError
from coprodstats.reporting.svg import SVG, XLINK

_STEP = re.compile(r"[A-Za-z]|-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?")
_TRANSFORM = re.compile(r"(\w+)\(([^)]*)\)")
_CODES: Mapping[str, tuple[list[int], int]] = {
    "M": ([int(Path.MOVETO)], 2),
    "L": ([int(Path.LINETO)], 2),
    "Q": ([int(Path.CURVE3)] * 2, 4),
    "C": ([int(Path.CURVE4)] * 3, 6),
}
_INHERITED = (
    "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
    "stroke-dashoffset", "stroke-linejoin", "stroke-linecap",
)  # fmt: skip
_PER_INCH = 72.0
# matplotlib has no types for its canvases.
_Canvas: Any = RendererAgg


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pen:
    """What an element inherits: where it stands and how it is painted."""

    place: Affine2D
    paint: Mapping[str, str] = field(default_factory=dict)
    clip: Bbox | None = None


@lru_cache(maxsize=32)
def png_from_svg(svg: str, *, dpi: int = 200) -> bytes:
    r"""Return a drawing that `finish_svg` made as a PNG picture of the same shapes.

    It reads no other SVG: paths of absolute moves, lines and curves, references to them, rectangular clips.

    Parameters
    ----------
    svg
        The drawing, measured in points.
    dpi
        Pixels per inch.

    Raises
    ------
    ReportError
        If the drawing holds something else.

    Examples
    --------
    >>> svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 36"><path d="M 0 0 L 9 9" /></svg>'
    >>> png_from_svg(svg)[:8]
    b'\x89PNG\r\n\x1a\n'
    """
    root = ET.fromstring(svg)  # noqa: S314  (`finish_svg` wrote it)
    width, height = picture_size(svg)
    scale = dpi / _PER_INCH
    pixels = (round(width * dpi), round(height * dpi))
    canvas: Any = _Canvas(*pixels, dpi)
    named = {name: element for element in root.iter() if (name := element.get("id"))}
    start = _Pen(place=Affine2D().scale(scale, -scale).translate(0.0, pixels[1]))
    _draw(canvas, root, start, named)
    buffer = io.BytesIO()
    _few_colours(Image.fromarray(_on_paper(canvas))).save(buffer, format="png", dpi=(dpi, dpi))
    return buffer.getvalue()


def _few_colours(image: Image.Image) -> Image.Image:
    """Return a picture of at most 256 colours: a chart's few and their edges, in a third of the bytes."""
    return image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)


def _on_paper(canvas: Any) -> Any:
    """Return the pixels on white paper: ink on nothing would vanish on a dark page."""
    drawn = np.asarray(canvas.buffer_rgba()).astype(np.uint16)
    ink = drawn[..., 3:]
    return ((drawn[..., :3] * ink + 255 * (255 - ink) + 127) // 255).astype(np.uint8)


def picture_size(svg: str) -> tuple[float, float]:
    """Return the width and height of a drawing in inches.

    Examples
    --------
    >>> picture_size('<svg viewBox="0 0 72 36" />')
    (1.0, 0.5)
    """
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    if box is None:
        raise ReportError(Fault(where="drawing", found="it has no view box that begins at 0 0"))
    return float(box[1]) / _PER_INCH, float(box[2]) / _PER_INCH


def _draw(canvas: Any, element: ET.Element, pen: _Pen, named: Mapping[str, ET.Element]) -> None:
    kind = element.tag.removeprefix(f"{{{SVG}}}")
    if kind in ("defs", "title", "desc", "clipPath"):
        return
    pen = _inherited(element, pen, named)
    if kind == "path":
        _paint(canvas, _path(element.get("d", "")), pen)
    elif kind == "rect":
        _paint(canvas, _rectangle(element), pen)
    elif kind == "use":
        shift = Affine2D().translate(_number(element, "x"), _number(element, "y"))
        target = named[element.get(f"{{{XLINK}}}href", "")[1:]]
        _draw(canvas, target, replace(pen, place=_within(shift, pen.place)), named)
    elif kind in ("svg", "g"):
        for child in element:
            _draw(canvas, child, pen, named)
    else:
        raise ReportError(Fault(where="drawing", found=f"it holds a {kind}, which has no picture"))


def _inherited(element: ET.Element, pen: _Pen, named: Mapping[str, ET.Element]) -> _Pen:
    moved = element.get("transform")
    place = _within(_transform(moved), pen.place) if moved else pen.place
    paint = {**pen.paint, **{name: element.attrib[name] for name in _INHERITED if name in element.attrib}}
    reference = element.get("clip-path")
    clip = pen.clip
    if reference is not None:
        shape = named[reference.removeprefix("url(#").removesuffix(")")][0]
        own = _rectangle(shape).transformed(place).get_extents()
        clip = own if clip is None else Bbox.intersection(clip, own) or Bbox.from_bounds(0, 0, 0, 0)
    return _Pen(place=place, paint=paint, clip=clip)


def _within(inner: Affine2D, outer: Affine2D) -> Affine2D:
    """Return one transform after another as a matrix; matplotlib's own sum works it out at every use."""
    return Affine2D(outer.get_matrix() @ inner.get_matrix())


def _transform(text: str) -> Affine2D:
    made = Affine2D()
    for name, inner in reversed(_TRANSFORM.findall(text)):
        values = [float(value) for value in inner.replace(",", " ").split()]
        if name == "translate":
            made = made.translate(values[0], values[1] if len(values) > 1 else 0.0)
        elif name == "scale":
            made = made.scale(values[0], values[-1])
        elif name == "rotate" and len(values) == 1:
            made = made.rotate_deg(values[0])
        else:
            raise ReportError(Fault(where="drawing", found=f"it is moved by {name}, which has no picture"))
    return made


@lru_cache(maxsize=2048)
def _path(text: str) -> Path:
    steps = _STEP.findall(text)
    points: list[float] = []
    codes: list[int] = []
    at = 0
    while at < len(steps):
        letter = steps[at]
        at += 1
        if letter in "zZ":
            points += [0.0, 0.0]
            codes.append(int(Path.CLOSEPOLY))
            continue
        if letter not in _CODES:
            raise ReportError(Fault(where="drawing", found=f"a path has a step {letter!r}"))
        added, count = _CODES[letter]
        points += [float(value) for value in steps[at : at + count]]
        codes += added
        at += count
    return Path(np.reshape(points, (-1, 2)), codes)


def _rectangle(element: ET.Element) -> Path:
    x, y, width, height = (_number(element, name) for name in ("x", "y", "width", "height"))
    return Path.unit_rectangle().transformed(Affine2D().scale(width, height).translate(x, y))


def _number(element: ET.Element, name: str) -> float:
    return float(element.get(name, "0"))


def _paint(canvas: Any, path: Path, pen: _Pen) -> None:
    paint, fill, stroke = pen.paint, pen.paint.get("fill", "#000000"), pen.paint.get("stroke", "none")
    gc = canvas.new_gc()
    if pen.clip is not None:
        gc.set_clip_rectangle(pen.clip)
    gc.set_linewidth(0.0)
    # Letters are shapes without a line; moved to whole pixels they would differ in weight.
    gc.set_snap(None if stroke != "none" else False)
    if stroke != "none":
        enlarged = math.sqrt(abs(np.linalg.det(pen.place.get_matrix()[:2, :2]))) / (canvas.dpi / _PER_INCH)
        gc.set_linewidth(float(paint.get("stroke-width", "1")) * enlarged)
        gc.set_foreground((*to_rgb(stroke), float(paint.get("stroke-opacity", "1"))), isRGBA=True)
        gc.set_joinstyle(paint.get("stroke-linejoin", "miter"))
        cap = paint.get("stroke-linecap", "butt")
        gc.set_capstyle("projecting" if cap == "square" else cap)
        dashes = [float(value) for value in paint.get("stroke-dasharray", "").replace(",", " ").split()]
        if dashes:
            gc.set_dashes(float(paint.get("stroke-dashoffset", "0")), dashes)
    face = None if fill == "none" else (*to_rgb(fill), float(paint.get("fill-opacity", "1")))
    canvas.draw_path(gc, path, pen.place, face)
    gc.restore()
