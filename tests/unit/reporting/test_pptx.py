"""Slides: what is on them, how they read to a screen reader, and that another program opens them."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pikepdf
import pytest
from pptx import Presentation

from coprodstats.reporting import document as doc
from coprodstats.reporting.figures import Figure
from coprodstats.reporting.language import speaking
from coprodstats.reporting.logo import Logo
from coprodstats.reporting.pptx import pptx_files, render_pptx
from coprodstats.reporting.slides import Columns, Grid, Opening, Picture, Points, build_deck
from coprodstats.reporting.span import plain, strong
from coprodstats.reporting.table import Table
from coprodstats.reporting.theme import Colours, Fonts, Theme

TITLES = ("title", "ctrTitle")


def briefing_of(demo: ModuleType, figure: Figure, **more: Any) -> doc.Document:
    hostile = demo.HOSTILE
    found = doc.BulletList(items=((strong("First."), " More."), *hostile))
    sections = (
        doc.Section(key="found", heading="What we found", blocks=(found,)),
        doc.Section(
            key="chart", heading="Chart", blocks=(doc.Paragraph(text="x"), doc.FigureBlock(figure=figure))
        ),
        doc.Section(key="grid", heading="Table", blocks=(doc.TableBlock(table=demo.table()),)),
        doc.Section(key="policy", heading="Policy", blocks=(doc.BulletList(items=("Do this.", "Do that.")),)),
        doc.Section(key="sure", heading="How sure", blocks=(doc.Paragraph(text="Very."),)),
        doc.Section(key="more", heading="More", blocks=(doc.Paragraph(text="Elsewhere."),)),
    )
    words: dict[str, Any] = {
        "title": hostile[0],
        "subtitle": hostile[5],
        "banner": "These data are synthetic.",
    }
    return doc.Document(**(words | {"sections": sections, "kind": "briefing", "footer": ("Made.",)} | more))


@pytest.fixture(scope="module")
def briefing(demo: ModuleType, drawn: dict[str, Figure]) -> doc.Document:
    return briefing_of(demo, drawn["lines"])


@pytest.fixture(scope="module")
def made(briefing: doc.Document) -> bytes:
    return render_pptx(build_deck(briefing))


@pytest.fixture(scope="module")
def shown(made: bytes) -> Any:
    return Presentation(io.BytesIO(made))


# ---- what is on the slides


def test_a_briefing_has_five_slides(briefing: doc.Document, drawn: dict[str, Figure]) -> None:
    opening, points, picture, grid, columns = build_deck(briefing).slides
    assert isinstance(opening, Opening)
    assert (opening.title, plain(opening.headline)) == (briefing.title, "First.")
    assert isinstance(points, Points)
    assert [plain(point) for point in points.points[:2]] == ["First. More.", "<script>alert(1)</script>"]
    assert isinstance(picture, Picture)
    assert picture.title == drawn["lines"].title
    assert isinstance(grid, Grid)
    assert grid.table.key == "hostile-table"
    assert isinstance(columns, Columns)
    assert columns.columns == (("Policy", ("Do this.", "Do that.")), ("How sure", ("Very.",)))


def test_a_key_finding_in_a_box_is_the_headline() -> None:
    boxed = doc.Callout(kind="key", text="The key.")
    section = doc.Section(key="found", heading="Found", blocks=(boxed, doc.BulletList(items=("One.",))))
    [opening, _] = build_deck(doc.Document(title="T", sections=(section,), kind="briefing")).slides
    assert isinstance(opening, Opening)
    assert opening.headline == "The key."


def test_a_briefing_of_words_alone_has_no_slides_for_what_it_lacks() -> None:
    section = doc.Section(key="s", heading="S", blocks=(doc.Paragraph(text="Text."),))
    deck = build_deck(doc.Document(title="T", sections=(section,), kind="briefing"))
    assert [type(slide) for slide in deck.slides] == [Opening, Columns]
    assert len(Presentation(io.BytesIO(render_pptx(deck))).slides) == 2


# ---- how they read


def test_every_slide_has_a_title_that_is_read_first(shown: Any, briefing: doc.Document) -> None:
    titles = [slide.shapes.title.text_frame.text for slide in shown.slides]
    expected = [slide.title for slide in build_deck(briefing).slides]
    assert titles == expected
    for slide in shown.slides:
        assert slide.shapes[0].is_placeholder
        assert slide.shapes[0].element.ph.get("type") in TITLES


def test_the_line_at_the_foot_and_the_number_are_read_last(shown: Any, briefing: doc.Document) -> None:
    for slide in shown.slides:
        foot, number = list(slide.shapes)[-2:]
        if not foot.is_placeholder or foot.element.ph.get("type") != "ftr":
            # A picture or a logo may come after them only where nothing else is to be read.
            raise AssertionError(f"{foot.name} stands before the foot")
        assert foot.text_frame.text == briefing.banner
        assert number.element.ph.get("type") == "sldNum"


def test_no_placeholder_is_empty(shown: Any) -> None:
    for slide in shown.slides:
        assert all(shape.text_frame.text.strip() for shape in slide.placeholders if shape.has_text_frame)


def test_pictures_and_tables_say_what_they_are(
    shown: Any, drawn: dict[str, Figure], demo: ModuleType
) -> None:
    told = {
        shape.name: shape.element.xpath(".//p:cNvPr")[0].get("descr")
        for slide in shown.slides
        for shape in slide.shapes
        if shape.has_table or shape.shape_type == 13
    }
    assert told == {"lines": drawn["lines"].alt, "hostile-table": demo.table().title}


def test_the_table_has_a_row_of_headers(shown: Any) -> None:
    [table] = [shape.table for slide in shown.slides for shape in slide.shapes if shape.has_table]
    assert table.first_row


def test_every_run_is_in_the_briefing_s_language(demo: ModuleType, drawn: dict[str, Figure]) -> None:
    with speaking("fr"):
        data = render_pptx(build_deck(briefing_of(demo, drawn["lines"], language="fr")))
    for slide in Presentation(io.BytesIO(data)).slides:
        for page in (slide, slide.notes_slide):
            runs = page.element.xpath(".//a:r/a:rPr | .//a:fld/a:rPr")
            assert len(runs) == len(page.element.xpath(".//a:r | .//a:fld"))
            assert {run.get("lang") for run in runs} == {"fr-FR"}


def test_what_stands_behind_a_slide_is_in_its_notes(shown: Any, drawn: dict[str, Figure]) -> None:
    notes = [slide.notes_slide.notes_text_frame.text for slide in shown.slides]
    assert drawn["lines"].description.split(";")[0] in notes[2]
    assert "Source: ](javascript:alert(1))" in notes[3]
    assert all(note.strip() for note in notes)


# ---- the file


def test_a_second_time_gives_the_same_bytes(made: bytes, briefing: doc.Document) -> None:
    assert pptx_files(briefing, "briefing", {}) == {"slides.pptx": made}


def test_there_is_nothing_active_no_author_and_no_clock(made: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert not [name for name in parts if re.search(r"vba|activeX|embeddings|thumbnail|printer", name)]
    assert not [name for name, data in parts.items() if b'TargetMode="External"' in data]
    core = parts["docProps/core.xml"].decode()
    assert re.findall(r"<(dc:\w+|dcterms:\w+|cp:\w+)>", core) == ["dc:title", "dc:subject", "dc:language"]
    # No two members, so that no archive inside it hides a clock.
    assert not [name for name, data in parts.items() if data[:2] == b"PK"]


def test_the_theme_gives_colours_fonts_logo_and_name(demo: ModuleType, drawn: dict[str, Figure]) -> None:
    png = drawn_png(drawn["lines"])
    logo = Logo(alt="A ministry's logo", png=png, width=1840, height=900)
    theme = Theme(
        organisation="Ministry of Tests",
        logo=logo,
        colours=Colours(accent="#5B2C6F"),
        fonts=Fonts(text="Marianne", headings="Spectral"),
    )
    data = render_pptx(build_deck(briefing_of(demo, drawn["lines"], theme=theme)))
    first = Presentation(io.BytesIO(data)).slides[0]
    assert "Ministry of Tests" in first.placeholders[1].text_frame.text
    [picture] = [shape for shape in first.shapes if shape.shape_type == 13]
    assert picture.element.xpath(".//p:cNvPr")[0].get("descr") == "A ministry's logo"
    assert picture.image.blob == png
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        look = archive.read("ppt/theme/theme1.xml").decode()
    assert '<a:accent1><a:srgbClr val="5B2C6F"/></a:accent1>' in look
    assert re.search(r'<a:majorFont>\s*<a:latin typeface="Spectral"', look)
    assert re.search(r'<a:minorFont>\s*<a:latin typeface="Marianne"', look)


def drawn_png(figure: Figure) -> bytes:
    from coprodstats.reporting.picture import png_from_svg  # noqa: PLC0415

    return png_from_svg(figure.svg)


def test_a_large_table_gets_smaller_letters(demo: ModuleType) -> None:
    def size(rows: int) -> float:
        table = demo.table()
        many = Table(
            key="many", title="Many", n="1", source="S", columns=table.columns, rows=(table.rows * 9)[:rows]
        )
        section = doc.Section(key="s", heading="S", blocks=(doc.TableBlock(table=many),))
        data = render_pptx(build_deck(doc.Document(title="T", sections=(section,), kind="briefing")))
        [made] = [s.table for p in Presentation(io.BytesIO(data)).slides for s in p.shapes if s.has_table]
        return float(made.cell(0, 0).text_frame.paragraphs[0].runs[0].font.size.pt)

    assert size(3) > size(12) > size(16)


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_the_slides_and_shows_all_of_them(made: bytes, tmp_path: Path) -> None:
    (tmp_path / "slides.pptx").write_bytes(made)
    command = [
        "soffice",
        "--headless",
        f"-env:UserInstallation=file://{tmp_path}/office",
        "--convert-to",
        "pdf",
    ]
    subprocess.run([*command, "slides.pptx"], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    if not (tmp_path / "slides.pdf").exists():
        pytest.skip("LibreOffice is here without Impress, which opens slides")
    with pikepdf.open(tmp_path / "slides.pdf") as pdf:
        assert len(pdf.pages) == 5
