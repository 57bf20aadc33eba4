"""The look of an organisation's reports: its name, logo, fonts and colours, from one TOML file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType

from coprodstats.errors import ConfigError, CoprodstatsError, Fault
from coprodstats.reporting.colour import SIGHTS, apart
from coprodstats.reporting.logo import Logo, read_logo
from coprodstats.reporting.style import ABOVE, ANSWERS, BELOW, DARK_BLUE, ORANGE, PAPER, contrast
from coprodstats.survey.toml_table import TomlTable, parse_toml

TEXT_CONTRAST = 4.5
GRAPHIC_CONTRAST = 3.0
"""Least contrast against white of text and of marks: WCAG 2.2, 1.4.3 and 1.4.11."""

LEAST_APART = 10.0
"""Least CIEDE2000 difference of two colours that must not be confused, for every kind of sight."""

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_PAIRS = (("individual", "collective"), ("negative", "positive"))
_MOST_FONT_BYTES = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """The colours of a theme, hexadecimal, all to stand on white.

    Attributes
    ----------
    accent
        Headings, links and boxes; text is written in it and on it.
    individual, collective
        The two outcomes wherever they are drawn. Markers and line styles tell them apart as well.
    answers
        The dark end of the scale of ordered answers, whose other end is almost white.
    negative, positive
        The ends of the scale of differences, whose middle is almost white.
    """

    accent: str = DARK_BLUE
    individual: str = DARK_BLUE
    collective: str = ORANGE
    answers: str = ANSWERS
    negative: str = BELOW
    positive: str = ABOVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Fonts:
    """The fonts of a theme; an empty name leaves each format its own.

    Attributes
    ----------
    text, headings
        Names of font families. HTML, Word and PowerPoint use them if the reader's machine has them.
    files
        Font files, which the PDF needs to hold those letters; a PDF without them keeps its own fonts.
    """

    text: str = ""
    headings: str = ""
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """The look of an organisation's reports.

    Attributes
    ----------
    organisation
        Who publishes; or empty.
    logo
        Its logo, or None.
    colours, fonts
        See `Colours` and `Fonts`.
    inputs
        The SHA-256 of every file read, by its name beside the theme, for the record of a run.

    Examples
    --------
    >>> DEFAULT_THEME.colours.collective
    '#F46A25'
    """

    organisation: str = ""
    logo: Logo | None = None
    colours: Colours = field(default_factory=Colours)
    fonts: Fonts = field(default_factory=Fonts)
    inputs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


DEFAULT_THEME = Theme()
"""The theme of reports that name none: colours of the UK government's Analysis Function, and no logo."""


def read_theme(path: str | Path) -> Theme:
    """Read a theme.

    Every entry may be left out and is then as in `DEFAULT_THEME`::

        organisation = "Ministry of Public Services"

        [logo]
        png = "logo.png"            # beside this file
        svg = "logo.svg"            # may be added: sharp at every size
        alt = "Ministry of Public Services"

        [fonts]
        text = "Marianne"
        headings = "Marianne"
        files = ["Marianne-Regular.ttf", "Marianne-Bold.ttf"]

        [colours]
        accent = "#12436D"
        individual = "#12436D"
        collective = "#F46A25"
        answers = "#0B4F4A"
        negative = "#A6480A"
        positive = "#542788"

    Parameters
    ----------
    path
        The TOML file.

    Raises
    ------
    ConfigError
        With all faults: unknown entries, files that aren't there or aren't what they should be, colours that
        stand out too little from white, and two colours that some readers could not tell apart.
    """
    file = Path(path)
    content, data, faults = parse_toml(file)
    if faults:
        raise ConfigError(*faults)
    top = TomlTable(file.name, content)
    top.refuse_unknown(("organisation", "logo", "fonts", "colours"))
    read = _Beside(folder=file.parent, inputs={file.name: hashlib.sha256(data).hexdigest()})
    theme = Theme(
        organisation=top.text("organisation"),
        logo=_logo(top, read) if "logo" in top else None,
        colours=_colours(top.table("colours")),
        fonts=_fonts(top.table("fonts"), read),
        inputs=MappingProxyType(read.inputs),
    )
    if top.faults:
        raise ConfigError(*top.faults)
    return theme


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """Reads files beside the theme and keeps their hashes."""

    folder: Path
    inputs: dict[str, str]

    def bytes_of(self, table: TomlTable, key: str, name: str, most: int) -> bytes | None:
        file = self.folder / name
        if not name or Path(name).is_absolute() or "://" in name or ".." in Path(name).parts:
            table.fault(f"{name!r} is no file beside the theme", key=key, allowed='such as "logo.png"')
        elif not file.is_file():
            table.fault(f"there is no file {name!r}", key=key)
        elif not file.resolve().is_relative_to(self.folder.resolve()):
            table.fault(f"{name!r} leads out of the theme's folder", key=key)
        elif file.stat().st_size > most:
            table.fault(f"{name!r} is larger than {most // 1_000_000} MB", key=key)
        else:
            content = file.read_bytes()
            self.inputs[name] = hashlib.sha256(content).hexdigest()
            return content
        return None


def _logo(top: TomlTable, read: _Beside) -> Logo | None:
    table = top.table("logo")
    table.refuse_unknown(("png", "svg", "alt"))
    alt, most = table.text("alt", None), 1_000_000
    png = read.bytes_of(table, "png", table.text("png", None), most) if "png" in table else None
    svg = read.bytes_of(table, "svg", table.text("svg"), most) if "svg" in table else b""
    if "png" not in table:
        table.fault(
            "'png' is missing",
            allowed="a PNG picture",
            remedy="Word and PowerPoint need it; svg may be added",
        )
    if png is None or svg is None:
        return None
    try:
        return read_logo(png, svg, alt=alt, where=table.where)
    except CoprodstatsError as error:
        table.faults.extend(error.faults)
        return None


def _fonts(table: TomlTable, read: _Beside) -> Fonts:
    table.refuse_unknown(("text", "headings", "files"))
    fonts = Fonts(text=table.text("text"), headings=table.text("headings"))
    files, families = [], set()
    for name in table.texts("files") or ():
        if read.bytes_of(table, "files", name, _MOST_FONT_BYTES) is None:
            continue
        family = _family(read.folder / name)
        if not family:
            table.fault(f"{name!r} is no font", key="files", allowed="TrueType or OpenType files")
        families.add(family)
        files.append(read.folder / name)
    for key, wanted in (("text", fonts.text), ("headings", fonts.headings)):
        if files and wanted and wanted not in families:
            table.fault(
                f"no font file holds {wanted!r}", key=key, allowed=", ".join(sorted(filter(None, families)))
            )
    return Fonts(text=fonts.text, headings=fonts.headings, files=tuple(files))


def _family(file: Path) -> str:
    from matplotlib.font_manager import get_font  # noqa: PLC0415  (slow, and few themes have fonts)

    try:
        return str(get_font(str(file)).family_name)
    except RuntimeError:  # what the font reader says of a file that is no font
        return ""


def _colours(table: TomlTable) -> Colours:
    names = [one.name for one in fields(Colours)]
    table.refuse_unknown(names)
    given = {name: table.text(name).upper() for name in names if name in table}
    unread = [name for name, colour in given.items() if not _COLOUR.fullmatch(colour)]
    for name in unread:
        if isinstance(table.content[name], str):
            table.fault(f"{given[name]!r} is no colour", key=name, allowed='such as "#12436D"')
    colours = Colours(**{name: colour for name, colour in given.items() if name not in unread})
    table.faults += _contrast_faults(table.where, colours) + _confusion_faults(table.where, colours)
    return colours


def _contrast_faults(where: str, colours: Colours) -> list[Fault]:
    found = []
    for name in (one.name for one in fields(Colours)):
        least = TEXT_CONTRAST if name == "accent" else GRAPHIC_CONTRAST
        ratio = contrast(getattr(colours, name), PAPER)
        if ratio < least:
            found.append(
                Fault(
                    where=f"{where}.{name}",
                    found=f"{getattr(colours, name)} has a contrast of {ratio:.2f} to 1 against white",
                    allowed=f"{least} to 1 or more" + (", as text needs" if name == "accent" else ""),
                    remedy="take a darker colour",
                )
            )
    return found


def _confusion_faults(where: str, colours: Colours) -> list[Fault]:
    found = []
    for one, other in _PAIRS:
        for sight in SIGHTS:
            distance = apart(getattr(colours, one), getattr(colours, other), sight)
            if distance < LEAST_APART:
                found.append(
                    Fault(
                        where=f"{where}.{other}",
                        found=f"readers with {sight} see it {distance:.1f} apart from {one} (CIEDE2000)",
                        allowed=f"{LEAST_APART:.0f} or more",
                        remedy="make one of the two darker",
                    )
                )
    return found
