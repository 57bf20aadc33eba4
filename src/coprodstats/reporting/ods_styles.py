"""How an OpenDocument spreadsheet looks: its named styles, and those that its cells ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

from coprodstats.reporting.format import MINUS
from coprodstats.reporting.workbook import Number
from coprodstats.reporting.workbook_layout import FONT, LINK, SIZE, TITLE
from coprodstats.reporting.writing import FORMULA_STARTS

_CM_PER_LETTER = 0.216
_HEADING = "Heading_20_1"
"""The named style of titles, as LibreOffice has it."""


def element(name: str, attributes: Mapping[str, str | int] | None = None, *inner: str) -> str:
    """Return an element of a file; ``inner`` is markup already.

    Examples
    --------
    >>> element("text:p", {"text:style-name": "A & B"}, "words")
    '<text:p text:style-name="A &amp; B">words</text:p>'
    """
    words = "".join(f" {key}={quoteattr(str(value))}" for key, value in (attributes or {}).items())
    return f"<{name}{words}>{''.join(inner)}</{name}>" if inner else f"<{name}{words}/>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Styles:
    """The styles that sheets use, each made once, by name."""

    language: str
    country: str
    made: dict[str, str] = field(default_factory=dict)

    def column(self, letters: int) -> str:
        """Return the name of the style of a column of this width."""
        width = {"style:column-width": f"{letters * _CM_PER_LETTER:.2f}cm"}
        return self._named(f"co{letters}", "table-column", element("style:table-column-properties", width))

    def row(self, height: float) -> str:
        """Return the name of the style of a row of this height."""
        points = f"{height:.1f}"
        attributes = {"style:row-height": f"{points}pt", "style:use-optimal-row-height": "true"}
        name = f"ro{points.replace('.', '_')}"
        return self._named(name, "table-row", element("style:table-row-properties", attributes))

    def text(self, text: str, kind: str, side: str = "left") -> str:
        """Return the name of the style of a text; what editing would make a formula is kept as text."""
        data = ""
        if text.lstrip().startswith(FORMULA_STARTS):
            data = "as_text"
            self.made.setdefault(data, _text_format(data))
        return self._cell(kind, side, data)

    def number(self, number: Number) -> str:
        """Return the name of the style of a number, which shows it as the document does."""
        name = f"n{number.decimals}{'g' * number.grouped}{'s' * number.signed}{'p' * bool(number.percent)}"
        if name not in self.made:
            self.made.update(_number_formats(name, number, self.language, self.country))
        return self._cell("text", "right", name)

    def _cell(self, kind: str, side: str, data: str) -> str:
        parent = _HEADING if kind == "title" else f"Report_{kind}"
        align = {"fo:text-align": "end" if side == "right" else "start"}
        paragraph = element("style:paragraph-properties", align)
        name = f"{kind}_{side}{f'_{data}' * bool(data)}"
        return self._named(name, "table-cell", paragraph, parent=parent, data=data)

    def _named(self, name: str, family: str, *properties: str, parent: str = "", data: str = "") -> str:
        attributes = {"style:name": name, "style:family": family}
        attributes |= {"style:parent-style-name": parent} if parent else {}
        attributes |= {"style:data-style-name": data} if data else {}
        self.made.setdefault(name, element("style:style", attributes, *properties))
        return name


def _number_formats(name: str, number: Number, language: str, country: str) -> dict[str, str]:
    """Return the format of a number, with those of positive and negative numbers that it leads to."""
    space = number.percent.removesuffix("%")
    kind = "number:percentage-style" if number.percent else "number:number-style"
    digits = {
        "number:decimal-places": number.decimals,
        "number:min-decimal-places": number.decimals,
        "number:min-integer-digits": 1,
        "number:grouping": "true" if number.grouped else "false",
    }
    about = {"number:language": language, "number:country": country}

    def one(own: str, sign: str, *maps: str) -> str:
        before = [element("number:text", {}, sign)] if sign else []
        after = [element("number:text", {}, f"{space}%")] if number.percent else []
        parts = [*before, element("number:number", digits), *after, *maps]
        return element(kind, {"style:name": own, **about}, *parts)

    below, above = f"{name}_below", f"{name}_above"
    maps = [element("style:map", {"style:condition": "value()<0", "style:apply-style-name": below})]
    made = {below: one(below, MINUS)}
    if number.signed:
        maps.append(element("style:map", {"style:condition": "value()>0", "style:apply-style-name": above}))
        made[above] = one(above, "+")
    return {**made, name: one(name, "", *maps)}


def _text_format(name: str) -> str:
    return element("number:text-style", {"style:name": name}, element("number:text-content"))


def fonts() -> str:
    """Return the declaration of the fonts."""
    face = element("style:font-face", {"style:name": FONT, "svg:font-family": FONT})
    return element("office:font-face-decls", {}, face)


def common_styles(language: str, country: str) -> list[str]:
    """Return the content of the file of styles: what holds for every sheet."""
    text = {
        "style:font-name": FONT,
        "fo:font-size": f"{SIZE}pt",
        "fo:language": language,
        "fo:country": country,
    }
    wrapped = element(
        "style:table-cell-properties", {"fo:wrap-option": "wrap", "style:vertical-align": "top"}
    )
    default = element(
        "style:default-style", {"style:family": "table-cell"}, element("style:text-properties", text)
    )
    base = element("style:style", {"style:name": "Default", "style:family": "table-cell"}, wrapped)
    ruled = {"style:vertical-align": "bottom", "fo:border-bottom": "0.75pt solid #000000"}
    bold = {"fo:font-weight": "bold"}
    named = [
        _named(_HEADING, {**bold, "fo:font-size": f"{round(SIZE * TITLE)}pt"}, display="Heading 1"),
        _named("Report_text", {}),
        _named("Report_head", bold, cell=ruled),
        _named("Report_link", {"fo:color": LINK, "style:text-underline-style": "solid"}),
    ]
    paper: dict[str, str | int] = {
        "fo:page-width": "29.7cm",
        "fo:page-height": "21cm",
        "style:print-orientation": "landscape",
        "style:scale-to-X": 1,
        "style:scale-to-Y": 0,
    }
    page = element(
        "style:page-layout", {"style:name": "page"}, element("style:page-layout-properties", paper)
    )
    master = element("style:master-page", {"style:name": "Default", "style:page-layout-name": "page"})
    return [
        fonts(),
        element("office:styles", {}, default, base, *named),
        element("office:automatic-styles", {}, page),
        element("office:master-styles", {}, master),
    ]


def _named(
    name: str, text: Mapping[str, str], *, cell: Mapping[str, str] | None = None, display: str = ""
) -> str:
    attributes = {"style:name": name, "style:family": "table-cell", "style:parent-style-name": "Default"}
    attributes |= {"style:display-name": display} if display else {}
    properties = [element("style:table-cell-properties", cell)] if cell else []
    properties += [element("style:text-properties", text)] if text else []
    return element("style:style", attributes, *properties)
