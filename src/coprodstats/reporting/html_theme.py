"""A theme as the properties of a style sheet, for paper and for dark screens."""

from __future__ import annotations

import string
from collections.abc import Mapping

from coprodstats.reporting.colour import mixed
from coprodstats.reporting.style import PAPER, contrast
from coprodstats.reporting.theme import DEFAULT_THEME, GRAPHIC_CONTRAST, TEXT_CONTRAST, Theme

DARK_PAPER = "#16181B"
"""What dark screens show instead of white, as in ``report.css``."""

_PLAIN = string.ascii_letters + string.digits + " -"


def theme_css(theme: Theme) -> str:
    """Return the style rules that a theme adds to the report's own; none for the default theme.

    Its colours are meant for white; on dark screens each is mixed with white until it stands out enough.

    Examples
    --------
    >>> theme_css(DEFAULT_THEME)
    ''
    """
    rules = []
    if theme.colours != DEFAULT_THEME.colours:
        colours = theme.colours
        text = {"accent": colours.accent, "link": colours.accent}
        marks = {"individual": colours.individual, "collective": colours.collective}
        dark = {name: on_dark(colour, TEXT_CONTRAST) for name, colour in text.items()}
        dark |= {name: on_dark(colour, GRAPHIC_CONTRAST) for name, colour in marks.items()}
        rules.append(_properties(text | marks))
        rules.append(f"@media screen and (prefers-color-scheme: dark) {{ {_properties(dark)} }}")
    for name, selector in ((theme.fonts.text, "body"), (theme.fonts.headings, "h1, h2, h3")):
        if name:
            rules.append(f"{selector} {{ font-family: {_quoted(name)}, system-ui, sans-serif; }}")
    return "".join(f"{rule}\n" for rule in rules)


def on_dark(colour: str, least: float) -> str:
    """Return a colour mixed with as little white as gives it a contrast on dark screens, to one part in 20.

    Examples
    --------
    >>> on_dark("#FFFFFF", 4.5)
    '#FFFFFF'
    """
    lighter = (mixed(colour, PAPER, share / 20) for share in range(21))
    return next(shade for shade in lighter if contrast(shade, DARK_PAPER) >= least)


def _properties(colours: Mapping[str, str]) -> str:
    declared = " ".join(f"--{name}: {colour};" for name, colour in colours.items())
    return f":root {{ {declared} }}"


def _quoted(name: str) -> str:
    """Return the name of a font as a string of CSS, in which only letters, digits and spaces are bare."""
    return '"' + "".join(c if c in _PLAIN else f"\\{ord(c):x} " for c in name) + '"'
