from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from coprodstats.reporting.document import Document, Paragraph, Section
from coprodstats.reporting.html import render_html
from coprodstats.reporting.html_theme import DARK_PAPER, theme_css
from coprodstats.reporting.style import contrast
from coprodstats.reporting.theme import Fonts, Theme, read_theme

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Reads a page as a browser would: elements with attributes, the text of each, and nesting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"<{tag}> has an attribute twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def html(demo: ModuleType) -> str:
    return render_html(demo.document())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_every_element_is_closed(page: Page) -> None:
    assert page.open == []


def test_hostile_labels_come_out_as_text(page: Page, demo: ModuleType) -> None:
    text = "".join(page.texts)
    assert all(text.count(label) >= 3 for label in demo.HOSTILE)
    assert "49" not in re.sub(r"[^a-z0-9 ]", " ", text.split("{{7*7}}")[1][:40])


def test_there_is_nothing_active_and_nothing_from_elsewhere(page: Page) -> None:
    tags = {tag for tag, _ in page.elements}
    assert not tags & {
        "script",
        "img",
        "iframe",
        "object",
        "embed",
        "link",
        "form",
        "base",
        "foreignobject",
        "image",
    }
    for tag, attributes in page.elements:
        assert not [
            name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset")
        ], tag
        for name in ("href", "xlink:href"):
            assert str(attributes.get(name) or "#").startswith("#")


def test_ids_are_unique_and_references_resolve(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(set(ids)) == len(ids)
    for _, attributes in page.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(str(attributes.get(name) or "").split()) <= set(ids)
        for name in ("href", "xlink:href"):
            if attributes.get(name):
                assert str(attributes[name])[1:] in ids


def test_the_policy_allows_the_style_sheet_and_nothing_else(html: str, page: Page) -> None:
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    css = html.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in str(policy)
    assert "default-src 'none'" in str(policy)
    assert "unsafe" not in str(policy)
    assert html.count("<style") == 1
    assert not re.search(r"url\(|@import|http", css)


def test_headings_go_down_one_step_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_tables_are_marked_up(html: str, page: Page, demo: ModuleType) -> None:
    figures = len(demo.document().figures())
    tables = figures + len(demo.document().tables())
    assert len(page.all("caption")) == len(page.all("thead")) == len(page.all("table")) == tables
    assert all(th.get("scope") in ("col", "row", "rowgroup") for th in page.all("th"))
    for row in re.findall(r"<tr>(.*?)</tr>", html, flags=re.DOTALL):
        assert row.startswith(('<th scope="col"', '<th scope="row"'))
    regions = [attributes for _, attributes in page.elements if attributes.get("role") == "region"]
    assert all(region.get("tabindex") == "0" and region.get("aria-labelledby") for region in regions)
    assert len(regions) == tables + figures


def test_the_page_says_what_it_is(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en-GB"
    assert len(page.all("title")) >= 1
    assert len(page.all("main")) == len(page.all("nav")) == 1
    first_link = page.all("a")[0]
    assert (first_link["class"], first_link["href"]) == ("skip", "#main")
    contents = [attributes["href"] for attributes in page.all("a")[1:4]]
    assert contents == ["#first", "#inner", "#second"]


def test_every_figure_has_its_numbers_in_words_and_in_a_table(page: Page, demo: ModuleType) -> None:
    figures = len(demo.document().figures())
    assert len(page.all("figure")) == len(page.all("figcaption")) == len(page.all("details")) == figures


def test_colours_of_the_page_can_be_read() -> None:
    css = (files("coprodstats.reporting") / "templates" / "report.css").read_text(encoding="utf-8")
    for block in re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL):
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for ground in ("paper", "tint", "warn-tint", "note-tint"):
            for ink in ("ink", "quiet", "link"):
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
        assert contrast(colours["accent"], colours["paper"]) >= 3


def one_section(**about: Any) -> Document:
    section = Section(key="first", heading="Premier", blocks=(Paragraph(text="Un."),))
    return Document(title="Titre", banner="Attention.", sections=(section,), **about)


def test_a_french_page_says_so_and_has_french_words() -> None:
    text = render_html(one_section(language="fr"))
    page = Page(text)
    assert page.all("html")[0]["lang"] == "fr-FR"
    assert page.all("aside")[0]["aria-label"] == "À propos de ces données"
    assert {"Sommaire", "Aller au contenu"} <= set(page.texts)


def test_a_briefing_has_no_contents() -> None:
    page = Page(render_html(one_section(kind="briefing")))
    assert page.all("nav") == []
    assert page.all("body")[0]["class"] == "briefing"


def test_a_theme_gives_colours_fonts_and_a_logo(tmp_path: Path) -> None:
    import matplotlib.pyplot as plt  # noqa: PLC0415

    plt.imsave(tmp_path / "logo.png", [[0.0, 1.0], [1.0, 0.0]])
    (tmp_path / "theme.toml").write_text(
        'organisation = "A <Ministry>"\nfonts.text = "Marianne"\n'
        'logo = { png = "logo.png", alt = "A \'crest\'" }\n'
        'colours = { accent = "#7A0019", individual = "#7A0019", collective = "#1B7F79" }\n',
        encoding="utf-8",
    )
    theme = read_theme(tmp_path / "theme.toml")
    html = render_html(one_section(theme=theme))
    page = Page(html)
    assert "A <Ministry>" in page.texts
    picture = page.all("img")[0]
    assert picture["alt"] == "A 'crest'"
    assert theme.logo is not None
    assert base64.b64decode(str(picture["src"]).removeprefix("data:image/png;base64,")) == theme.logo.png
    css = html.partition("<style>")[2].partition("</style>")[0]
    assert "--accent: #7A0019;" in css
    assert 'body { font-family: "Marianne", system-ui, sans-serif; }' in css
    dark = css.partition("@media screen and (prefers-color-scheme: dark)")[2]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9A-F]{6})", dark))
    # WCAG 2.2: 4.5 for text, 3 for marks.
    least = {"accent": 4.5, "link": 4.5, "individual": 3.0, "collective": 3.0}
    assert {n for n, c in colours.items() if contrast(c, DARK_PAPER) >= least[n]} == set(least)
    assert f"--paper: {DARK_PAPER.lower()}" in css


@pytest.mark.parametrize("name", ['";}</style><script>', "a\\b", "Ünï"])
def test_the_name_of_a_font_stays_a_string(name: str) -> None:
    rule = theme_css(Theme(fonts=Fonts(headings=name)))
    quoted = re.fullmatch(r'h1, h2, h3 \{ font-family: "([^"<>{};]*)", system-ui, sans-serif; \}\n', rule)
    assert quoted is not None
    # CSS: a backslash, the letter's code in hexadecimal, a space.
    assert re.sub(r"\\([0-9a-f]+) ", lambda m: chr(int(m[1], 16)), quoted[1]) == name


def test_two_processes_give_the_same_bytes(html: str) -> None:
    script = Path(__file__).with_name("demo_report.py")
    pages = []
    for seed, zone, locale in (("1", "Asia/Tokyo", "C"), ("2", "America/Lima", "C.UTF-8")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale}
        done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, check=True)
        pages.append(done.stdout)
    assert pages[0] == pages[1] == html.encode()
