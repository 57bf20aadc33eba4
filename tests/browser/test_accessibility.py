"""Pages as readers with a small window, a keyboard or a screen reader have them.

With ``AXE`` in the environment (the path of axe.min.js) axe-core's rules are run too; ``make accessibility``
runs them on the committed report and writes down what it found.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from coprodstats.reporting.document import Callout, Document, Paragraph, Section, TableBlock
from coprodstats.reporting.html import render_html
from coprodstats.reporting.span import link
from coprodstats.reporting.table import Cell, Column, Table

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def accessibility() -> ModuleType:
    found = {}
    for name in ("chromium", "accessibility"):  # the second imports the first
        spec = spec_from_file_location(name, HERE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        found[name] = sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(found[name])
    return found["accessibility"]


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return dict(json.loads((HERE / "accessibility.json").read_text(encoding="utf-8")))


def document(kind: Any, language: str) -> Document:
    columns = [Column(key=f"c{i}", label=f"Column number {i}", role="text") for i in range(9)]
    row = tuple(Cell(value=i, text="a long entry " * 2) for i in range(9))
    table = Table(
        key="wide", title="A wide table", n="12", source="Invented", columns=tuple(columns),
        rows=(row, row), groups=("One", "Two"), notes=("A" * 90,),
    )  # fmt: skip
    blocks = (
        Paragraph(text=("See ", link("the table", "#wide"), ". ", "x" * 120)),
        Callout(kind="key", title="Note", text="Something."),
        TableBlock(table=table),
    )
    inner = Section(key="inner", heading="Further down", blocks=(Paragraph(text="Text."),))
    sections = (Section(key="first", heading="First", blocks=blocks, sections=(inner,)),)
    return Document(
        title="Who does what?", subtitle="A subtitle", banner="Invented.", footer=("Made up.",),
        sections=sections, kind=kind, language=language,
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "language"), [("report", "en"), ("briefing", "fr")])
@pytest.mark.parametrize("view", [{"width": 320, "dark": True}, {"width": 1280, "forced": True}])
def test_a_page_fits_its_window(
    page: Any, accessibility: ModuleType, tmp_path: Path, kind: str, language: str, view: dict[str, Any]
) -> None:
    file = tmp_path / "page.html"
    file.write_text(render_html(document(kind, language)), encoding="utf-8")
    axe = Path(os.environ["AXE"]).read_text(encoding="utf-8") if "AXE" in os.environ else ""
    page.emulate(**view)
    told = accessibility.looked_at(page, file, axe)
    assert {kind: told[kind] for kind in ("violations", "reflow", "targets", "headings")} == {
        "violations": [], "reflow": [], "targets": [], "headings": [],
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["report", "briefing"])
@pytest.mark.parametrize("width", [390, 700, 820, 1280])
def test_only_a_table_that_is_wide_itself_scrolls(page: Any, tmp_path: Path, kind: Any, width: int) -> None:
    columns = tuple(Column(key=key, label=key.title(), role="text") for key in ("what", "how"))
    table = Table(
        key="narrow", title="A narrow table with a long title, " * 5, n="12", source="Invented",
        columns=columns, rows=(tuple(Cell(value=1, text="short") for _ in columns),),
    )  # fmt: skip
    section = Section(key="first", heading="First", blocks=(TableBlock(table=table),))
    file = tmp_path / "page.html"
    file.write_text(render_html(replace(document(kind, "en"), sections=(section,))), encoding="utf-8")
    page.emulate(width)
    page.open(file)
    wide, seen = page.evaluate("(e => [e.scrollWidth, e.clientWidth])(document.querySelector('.scroll'))")
    assert wide == seen
    caption = page.evaluate("document.querySelector('.words-of-caption').getBoundingClientRect().width")
    # As wide as what is seen, or the most that is easy to read: 54 sizes of the page's letters.
    letters = page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")
    assert caption == pytest.approx(min(seen, 54 * letters), abs=0.5)


@pytest.mark.parametrize("kind", ["report", "briefing"])
def test_the_keyboard_reaches_everything_in_order_and_leaves(
    page: Any, accessibility: ModuleType, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "page.html"
    file.write_text(render_html(document(kind, "en")), encoding="utf-8")
    page.emulate(768)
    walked = accessibility.walked(page, file)
    # Skip link, a report's two entries of contents, the link in the text, the table that scrolls.
    assert walked == {"stops": 5 if kind == "report" else 3, "faults": [], "skip_link": True}


def test_a_page_that_is_too_wide_and_skips_a_level_is_caught(
    page: Any, accessibility: ModuleType, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    text = render_html(document("report", "en")).replace("<h2 ", "<h3 ", 2)
    text = text.replace("</header>", "<pre>" + "wide " * 40 + "</pre></header>")
    file.write_text(text, encoding="utf-8")
    page.emulate(320)
    told = accessibility.looked_at(page, file, "")
    assert told["reflow"][0] == "the page scrolls sideways"
    assert told["headings"] == ["jump to h3"]


def test_the_record_is_of_the_present_templates(record: dict[str, Any], accessibility: ModuleType) -> None:
    assert record["templates"] == accessibility.templates_hash(), "run make accessibility"


def test_the_record_has_no_fault(record: dict[str, Any], accessibility: ModuleType) -> None:
    assert list(accessibility.faults_of(record)) == []
    assert record["rules"] == list(accessibility.TAGS)
    assert {"report.html", "briefing.html", "fr/report.html", "fr/briefing.html"} <= set(record["pages"])
    views = [f"{w} px, {tone}" for w in accessibility.WIDTHS for tone in ("light", "dark")]
    for name, page in record["pages"].items():
        assert set(page["views"]) == {*views, "1280 px, forced colours"}
        # Rules that had nothing to look at would find nothing.
        assert all(view["passes"] > 40 for view in page["views"].values())
        assert page["keyboard"]["stops"] > (40 if name.endswith("report.html") else 3)
