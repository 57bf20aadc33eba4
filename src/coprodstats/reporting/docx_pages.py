"""How much room the parts of a Word document take: Word itself sets pages only when it is opened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from docx.oxml.ns import qn

from coprodstats.reporting.docx_elements import Setting
from coprodstats.reporting.text_fit import count_lines

_LINE = 1.15
"""Height of a line in sizes of its letters, in fonts such as Arial, where the style sets it single."""
_TWIPS, _EMU = 20, 12_700
"""Twentieths and English metric units of a point."""
_SINGLE = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What a paragraph's style says of its room, in points."""

    size: float
    before: float
    after: float
    line: float
    indent: float
    bold: bool


def height_of(setting: Setting, parts: Iterable[Any]) -> float:
    """Return about how high parts are on the page, in points: on the safe side.

    Parameters
    ----------
    setting
        The document.
    parts
        Its paragraphs and tables.
    """
    looks = _looks(setting)
    width = setting.width / _TWIPS
    total = 0.0
    for part in parts:
        if part.tag == qn("w:tbl"):
            rows = part.iterchildren(qn("w:tr"))
            total += sum(max(_cell_height(cell, looks) for cell in row.iter(qn("w:tc"))) for row in rows)
        else:
            total += _paragraph_height(part, looks, width)
    return total


def _cell_height(cell: Any, looks: dict[str, _Look]) -> float:
    width = int(next(cell.iter(qn("w:tcW"))).get(qn("w:w")))
    # The space beside a cell's text, left and right.
    room = width / _TWIPS - 11
    return sum(_paragraph_height(part, looks, room) for part in cell.iterchildren(qn("w:p")))


def _paragraph_height(part: Any, looks: dict[str, _Look], width: float) -> float:
    style = part.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
    look = looks["" if style is None else style.get(qn("w:val"))]
    text = "".join(words.text or "" for words in part.iter(qn("w:t")))
    strong = part.find(f".//{qn('w:rStyle')}") is not None
    lines = count_lines(text, (width - look.indent) / look.size, bold=look.bold or strong)
    drawn = [int(shape.get("cy")) / _EMU for shape in part.iter(qn("wp:extent"))]
    return look.before + look.after + max([lines * look.size * _LINE * look.line, *drawn])


def _looks(setting: Setting) -> dict[str, _Look]:
    """Return the looks of the paragraph styles by id; that without an id is the document's default."""
    root = setting.word.styles.element
    found = {style.get(qn("w:styleId")): style for style in root.iterchildren(qn("w:style"))}
    defaults = root.find(qn("w:docDefaults"))

    def look(name: str) -> _Look:
        chain, at = [], name
        while at in found:
            chain.append(found[at])
            based = found[at].find(qn("w:basedOn"))
            at = "" if based is None else based.get(qn("w:val"))
        sources = [*chain, defaults]
        return _Look(
            size=_first(sources, "w:sz", "w:val", 22) / 2,
            before=_first(sources, "w:spacing", "w:before", 0) / _TWIPS,
            after=_first(sources, "w:spacing", "w:after", 0) / _TWIPS,
            line=_first(sources, "w:spacing", "w:line", _SINGLE) / _SINGLE,
            indent=_first(sources, "w:ind", "w:left", 360 if "List" in name else 0) / _TWIPS,
            bold=any(source.find(f".//{qn('w:b')}") is not None for source in chain),
        )

    paragraphs = [name for name, style in found.items() if style.get(qn("w:type")) == "paragraph"]
    return {name: look(name) for name in ["", *paragraphs]}


def _first(sources: Iterable[Any], tag: str, name: str, otherwise: int) -> int:
    for source in sources:
        for element in source.iter(qn(tag)):
            if element.get(qn(name)) is not None:
                return int(element.get(qn(name)))
    return otherwise
