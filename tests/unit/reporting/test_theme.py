from __future__ import annotations

import io
from dataclasses import fields
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread, imsave

from coprodstats.errors import ConfigError, ReportError
from coprodstats.reporting.colour import SIGHTS, apart
from coprodstats.reporting.logo import read_logo
from coprodstats.reporting.style import PAPER, contrast
from coprodstats.reporting.theme import DEFAULT_THEME, Colours, read_theme

DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10"><!-- mark -->
<defs><clipPath id="edge"><rect width="20" height="10"/></clipPath></defs>
<g clip-path="url(#edge)"><circle cx="5" cy="5" r="4" fill="#12436D"/></g></svg>"""


def picture(**notes: str) -> bytes:
    made = io.BytesIO()
    imsave(made, np.full((4, 8, 4), 0.5), format="png", metadata=notes)
    return made.getvalue()


def written(folder: Path, text: str) -> Path:
    (folder / "logo.png").write_bytes(picture())
    (folder / "logo.svg").write_text(DRAWING)
    path = folder / "theme.toml"
    path.write_text(text)
    return path


def test_a_whole_theme_is_read(tmp_path: Path) -> None:
    fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
    (tmp_path / "Sans.ttf").write_bytes((fonts / "DejaVuSans.ttf").read_bytes())
    text = """organisation = "Ministry of Public Services"
[logo]
png = "logo.png"
svg = "logo.svg"
alt = "Ministry"
[fonts]
text = "DejaVu Sans"
files = ["Sans.ttf"]
[colours]
accent = "#003366"
individual = "#003366"
"""
    theme = read_theme(written(tmp_path, text))
    assert theme.organisation == "Ministry of Public Services"
    assert theme.logo is not None
    assert (theme.logo.alt, theme.logo.width, theme.logo.height) == ("Ministry", 8, 4)
    assert theme.logo.svg == DRAWING.encode()
    assert theme.colours == Colours(accent="#003366", individual="#003366")
    assert theme.fonts.files == (tmp_path / "Sans.ttf",)
    assert set(theme.inputs) == {"theme.toml", "logo.png", "logo.svg", "Sans.ttf"}


def test_a_theme_that_declares_nothing_is_the_default(tmp_path: Path) -> None:
    theme = read_theme(written(tmp_path, ""))
    assert (theme.colours, theme.logo, theme.fonts) == (DEFAULT_THEME.colours, None, DEFAULT_THEME.fonts)


def test_all_faults_of_a_theme_come_at_once(tmp_path: Path) -> None:
    (tmp_path / "Sans.ttf").write_bytes(b"no font")
    text = """organization = "Ministry"
[logo]
png = "logo.jpg"
svg = "../logo.svg"
[fonts]
files = ["Sans.ttf"]
[colours]
accent = "#949494"
individual = "#F4A0A0"
collective = "orange"
positive = 3
"""
    with pytest.raises(ConfigError, match=r"'organization' is not understood here") as caught:
        read_theme(written(tmp_path, text))
    told = str(caught.value)
    for words in (
        "'alt' is missing",
        "there is no file 'logo.jpg'",
        "'../logo.svg' is no file beside the theme",
        "'Sans.ttf' is no font",
        "colours.accent: #949494 has a contrast of 3.03 to 1 against white",
        "colours.individual: #F4A0A0 has a contrast of",
        "'ORANGE' is no colour",
        "this is a number",
    ):
        assert words in told
    assert len(caught.value.faults) == 9


# For red and green cones missing, these green and red look alike; the pair is the classic one of textbooks.
def test_two_outcomes_that_some_readers_confuse_are_refused(tmp_path: Path) -> None:
    text = '[colours]\nindividual = "#7A6B00"\ncollective = "#A85400"\n'
    with pytest.raises(ConfigError, match="readers with deuteranopia see it") as caught:
        read_theme(written(tmp_path, text))
    assert all("individual" in fault.found for fault in caught.value.faults)
    assert not any("tritanopia" in fault.found for fault in caught.value.faults)


def test_a_font_that_no_file_holds_is_refused(tmp_path: Path) -> None:
    fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
    (tmp_path / "Sans.ttf").write_bytes((fonts / "DejaVuSans.ttf").read_bytes())
    text = '[fonts]\nheadings = "Georgia"\nfiles = ["Sans.ttf"]\n'
    with pytest.raises(ConfigError, match=r"no font file holds 'Georgia'\n    Allowed: DejaVu Sans"):
        read_theme(written(tmp_path, text))


def test_the_shipped_colours_stand_out_and_are_told_apart_by_every_kind_of_sight() -> None:
    colours = DEFAULT_THEME.colours
    for one in fields(Colours):
        assert contrast(getattr(colours, one.name), PAPER) >= 3
    assert contrast(colours.accent, PAPER) >= 4.5
    for sight in SIGHTS:
        assert apart(colours.individual, colours.collective, sight) >= 10
        assert apart(colours.negative, colours.positive, sight) >= 10


def test_a_picture_keeps_its_pixels_and_loses_its_notes() -> None:
    logo = read_logo(picture(Author="A. Name", Software="Paint"), b"", alt="Ministry")
    assert b"Name" not in logo.png
    assert b"Paint" not in logo.png
    assert np.array_equal(imread(io.BytesIO(logo.png)), imread(io.BytesIO(picture())))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"GIF89a", "it is no PNG picture"),
        (picture()[:-5], "damaged or cut off"),
        (picture().replace(b"IDAT", b"IDAX"), "damaged or cut off"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_what_is_no_whole_picture_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(ReportError, match=words):
        read_logo(content, b"", alt="Ministry")


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ("<script>alert(1)</script>", "elements that a drawing has no use for: script"),
        ("<style>*{}</style>", "style"),
        ('<rect onclick="x()"/>', "attributes that a drawing has no use for: onclick"),
        ('<rect style="fill:red"/>', "attributes that a drawing has no use for: style"),
        ('<image href="http://example.org/x.png"/>', "image"),
        ('<use href="http://example.org/x.svg#a"/>', "outside itself"),
        ('<use xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="data:x"/>', "outside itself"),
        ('<rect fill="url(http://example.org/x)"/>', "outside itself"),
        ('<rect fill="url(http://example.org/x"/>', "outside itself"),
        ('<foreignObject xmlns="http://www.w3.org/1999/xhtml"/>', "foreignObject"),
        ("<text>Letters</text>", "text"),
    ],
)
def test_a_drawing_that_could_act_or_reach_out_is_refused(inside: str, words: str) -> None:
    svg = DRAWING.replace("</svg>", f"{inside}</svg>")
    with pytest.raises(ReportError, match=words):
        read_logo(picture(), svg.encode(), alt="Ministry")


@pytest.mark.parametrize(
    "svg",
    [
        '<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg"/>',
        '<?xml-stylesheet href="x.css"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        "<html/>",
        "<svg",
    ],
)
def test_what_is_no_plain_drawing_is_refused(svg: str) -> None:
    with pytest.raises(ReportError, match=r"document type|no SVG drawing"):
        read_logo(picture(), svg.encode(), alt="Ministry")
