"""A briefing on paper: two pages of A4 as PDF and in Word, in the look of the organisation."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import page
import pikepdf
import pytest

from coprodstats.reporting import document as doc
from coprodstats.reporting.docx import render_docx
from coprodstats.reporting.figures import Figure
from coprodstats.reporting.logo import Logo
from coprodstats.reporting.markdown import render_markdown
from coprodstats.reporting.pdf import render_pdf
from coprodstats.reporting.picture import png_from_svg
from coprodstats.reporting.theme import Colours, Theme
from coprodstats.reporting.two_pages import second_page

A4 = (595.28, 841.89)
SENTENCE = (
    "People ten years older were more likely to act alone, and less likely to act together with others."
)
# The validator takes a stream for too long if its last compressed byte is a line feed, which it may be.
FALSE_ALARMS = {"STREAM-LENGTH-001"}
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def briefing_of(demo: ModuleType, figure: Figure, *, sentences: int, **more: Any) -> doc.Document:
    items = doc.BulletList(items=(SENTENCE,) * sentences)
    sections = (
        doc.Section(key="found", heading="What we found", blocks=(items,)),
        doc.Section(key="chart", heading="Chart", blocks=(doc.FigureBlock(figure=figure),)),
        doc.Section(key="grid", heading="Table", blocks=(doc.TableBlock(table=demo.table()),)),
        doc.Section(key="policy", heading="Policy", blocks=(items,)),
        doc.Section(key="sure", heading="How sure", blocks=(doc.Paragraph(text=SENTENCE),)),
    )
    return doc.Document(title="A briefing", subtitle="Of tests", sections=sections, kind="briefing", **more)


@pytest.fixture(scope="module")
def themed(demo: ModuleType, drawn: dict[str, Figure]) -> doc.Document:
    logo = Logo(alt="The ministry's logo", png=png_from_svg(drawn["lines"].svg), width=1840, height=900)
    theme = Theme(organisation="Ministry of Tests", logo=logo, colours=Colours(accent="#5B2C6F"))
    return briefing_of(demo, drawn["lines"], sentences=6, theme=theme, banner="These data are synthetic.")


def pages(data: bytes) -> list[tuple[float, float]]:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return [tuple(round(float(x), 2) for x in one.mediabox[2:]) for one in pdf.pages]  # type: ignore[misc]


@pytest.mark.parametrize("sentences", [1, 6, 14])
def test_a_pdf_is_two_pages_whatever_it_says(
    demo: ModuleType, drawn: dict[str, Figure], sentences: int
) -> None:
    document = briefing_of(demo, drawn["lines"], sentences=sentences)
    assert pages(render_pdf(document, {})) == [A4, A4]


def test_the_second_page_begins_after_the_chart(themed: doc.Document) -> None:
    assert second_page(themed) == "grid"
    assert second_page(replace(themed, kind="report")) == ""
    assert second_page(replace(themed, sections=themed.sections[:1])) == ""


def test_the_pdf_meets_both_standards_with_a_logo(themed: doc.Document) -> None:
    data = render_pdf(themed, {"margins.csv": b"term\nage\n"})
    for profile in (page.ValidationProfile.PDF_UA_1, page.ValidationProfile.PDF_A_3A):
        report = page.validate_pdf_bytes(data, profile=profile)
        assert report.rules.total > 100
        assert not [f for f in report.failures if not any(f.rule_id.endswith(a) for a in FALSE_ALARMS)]


def test_the_pdf_shows_the_organisation_and_its_logo(themed: doc.Document, read_back: ModuleType) -> None:
    tagged = read_back.TaggedPdf(render_pdf(themed, {}))
    assert [str(e.Alt) for e in tagged.elements("Figure")] == ["The ministry's logo", themed.figures()[0].alt]
    assert "Ministry of Tests" in [tagged.text(e) for e in tagged.elements("P")]
    # 5B2C6F as Typst writes it: shares of one.
    drawn = b"".join(one.Contents.read_bytes() for one in tagged.pdf.pages)
    assert re.search(rb"0?\.356\d* 0?\.172\d* 0?\.435\d* (rg|scn)", drawn)


def test_the_same_briefing_gives_the_same_bytes(themed: doc.Document) -> None:
    assert render_pdf(themed, {}) == render_pdf(themed, {})
    assert render_docx(themed) == render_docx(themed)


def test_a_briefing_has_no_contents_and_no_appendix(themed: doc.Document, office: ModuleType) -> None:
    texts = office.docx_paragraphs(render_docx(themed))
    assert "Contents" not in texts
    assert "The numbers behind the figures" not in texts
    assert "Contents" not in render_markdown(themed)
    assert texts.count(SENTENCE) == 13


def test_the_word_document_shows_the_organisation_its_logo_and_colour(
    themed: doc.Document, office: ModuleType
) -> None:
    data = render_docx(themed)
    texts = office.docx_paragraphs(data)
    assert texts[1:3] == ["Ministry of Tests", "A briefing"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        styles = archive.read("word/styles.xml").decode()
        drawings = re.findall(r'descr="([^"]*)"', archive.read("word/document.xml").decode())
    assert drawings[0] == "The ministry's logo"
    assert "5B2C6F" in styles
    assert "12436D" not in styles


def test_an_organisation_s_template_keeps_its_own_masthead(themed: doc.Document, office: ModuleType) -> None:
    plain = doc.Section(key="s", heading="S", blocks=(doc.Paragraph(text="Text."),))
    template = render_docx(doc.Document(title="House", sections=(plain,)))
    assert office.docx_paragraphs(render_docx(themed, template=template))[0] == "A briefing"


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_sets_a_briefing_on_two_pages(
    demo: ModuleType, drawn: dict[str, Figure], themed: doc.Document, tmp_path: Path
) -> None:
    made = {"short": briefing_of(demo, drawn["lines"], sentences=2), "themed": themed}
    made["long"] = briefing_of(demo, drawn["lines"], sentences=13)
    for name, document in made.items():
        (tmp_path / f"{name}.docx").write_bytes(render_docx(document))
    command = [
        "soffice",
        "--headless",
        f"-env:UserInstallation=file://{tmp_path}/office",
        "--convert-to",
        "pdf",
    ]
    names = [f"{name}.docx" for name in made]
    subprocess.run([*command, *names], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    for name in made:
        assert len(pages((tmp_path / f"{name}.pdf").read_bytes())) == 2, name
