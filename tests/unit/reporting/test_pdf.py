from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import page
import pandas as pd
import pikepdf
import pytest

from coprodstats.errors import ReportError
from coprodstats.reporting import document as doc
from coprodstats.reporting import pdf as pdf_module
from coprodstats.reporting import span
from coprodstats.reporting.pdf import pdf_files, render_pdf
from coprodstats.reporting.pdf_tags import tag_row_headers
from coprodstats.reporting.table import Column, Table

RESULTS = {"margins.csv": b"term,estimate\nage,0.1\n", "models.csv": "term\nÅlder\n".encode()}
# The validator takes a stream for too long if its last compressed byte is a line feed, which it may be.
FALSE_ALARMS = {"STREAM-LENGTH-001"}


def failures(data: bytes) -> list[str]:
    """Return what two standards do not allow in a PDF: for screen readers, and for archives."""
    profiles = (page.ValidationProfile.PDF_UA_1, page.ValidationProfile.PDF_A_3A)
    reports = [page.validate_pdf_bytes(data, profile=profile) for profile in profiles]
    assert all(report.rules.total > 100 for report in reports)
    return [
        f"{failure.rule_id}: {failure.message}"
        for report in reports
        for failure in report.failures
        if not any(failure.rule_id.endswith(alarm) for alarm in FALSE_ALARMS)
    ]


def of(*blocks: doc.Block, title: str = "Title") -> doc.Document:
    return doc.Document(title=title, sections=(doc.Section(key="s", heading="Section", blocks=blocks),))


def table(frame: pd.DataFrame, key: str = "table", group: str = "") -> Table:
    columns = [Column(key=name, label=name) for name in frame if name != group]
    return Table.from_frame(frame, columns, key=key, title="A table", n="12", source="Invented", group=group)


@pytest.fixture(scope="module")
def made(demo_document: doc.Document) -> bytes:
    return render_pdf(demo_document, RESULTS)


@pytest.fixture(scope="module")
def tagged(made: bytes, read_back: ModuleType) -> Any:
    return read_back.TaggedPdf(made)


def test_it_meets_both_standards(made: bytes) -> None:
    assert failures(made) == []


def test_the_validator_sees_what_is_wrong(made: bytes) -> None:
    assert failures(made.replace(b"/S/Figure", b"/S/Fogure"))


def test_it_says_what_it_is(tagged: Any, demo_document: doc.Document) -> None:
    root = tagged.pdf.Root
    assert str(root.Lang) == "en-GB"
    assert bool(root.ViewerPreferences.DisplayDocTitle)
    assert str(tagged.pdf.docinfo.Title) == demo_document.title
    assert str(tagged.pdf.docinfo.CreationDate).startswith("D:20000101")
    with tagged.pdf.open_outline() as outline:
        headings = [(item.title, [inner.title for inner in item.children]) for item in outline.root]
    assert headings == [
        *[(outer.heading, [inner.heading for inner in outer.sections]) for outer in demo_document.sections],
        ("The numbers behind the figures", []),
    ]


def test_each_cell_names_the_headers_of_its_column_its_group_and_its_row(
    tagged: Any, demo_document: doc.Document
) -> None:
    named = tagged.named()
    expected = [*demo_document.tables(), *(figure.table for figure in demo_document.figures())]
    for element, of_document in zip(tagged.elements("Table"), expected, strict=True):
        rows = [row for part in tagged.kids(element) if part.S != "/Caption" for row in tagged.kids(part)]
        data = [tagged.kids(row) for row in rows if len(tagged.kids(row)) == len(of_document.columns)][1:]
        groups = of_document.groups or ("",) * len(of_document.rows)
        for cells, group, texts in zip(data, groups, of_document.rows, strict=True):
            assert [str(cell.S) for cell in cells] == ["/TH", *["/TD"] * (len(cells) - 1)]
            assert cells[0].A[0].Scope == "/Row"
            for position, cell in enumerate(cells):
                headers = [tagged.text(named[str(name)]) for name in cell.A[0].Headers]
                row = [texts[0].text] if position else []
                assert headers == [of_document.columns[position].label, *filter(None, [group]), *row]


def test_names_of_headers_are_in_order_and_lead_to_them(tagged: Any) -> None:
    names = [bytes(name) for name in list(tagged.root.IDTree.Names)[::2]]
    assert names == sorted(set(names))
    for name, element in tagged.named().items():
        assert (str(element.ID), element.S) == (name, "/TH")


def test_figures_have_their_alternative_texts(tagged: Any, demo_document: doc.Document) -> None:
    alts = [str(element.Alt) for element in tagged.elements("Figure") if "/Alt" in element]
    assert alts == [" ".join(figure.alt.split()) for figure in demo_document.figures()]


def test_hostile_labels_come_out_as_text(tagged: Any, demo: ModuleType) -> None:
    seen = tagged.text(tagged.root.K[0])
    for label in demo.HOSTILE:
        assert seen.count(label) >= 3, label


def test_there_is_nothing_active_and_nothing_from_elsewhere(made: bytes, tagged: Any) -> None:
    assert not re.search(rb"/(JavaScript|JS|Launch|URI|SubmitForm|OpenAction|AA)\b", made)
    annotations = [note for sheet in tagged.pdf.pages for note in sheet.get("/Annots", [])]
    assert annotations
    assert {str(note.Subtype) for note in annotations} == {"/Link"}


def test_links_to_the_web_keep_their_address(read_back: ModuleType) -> None:
    target = "https://example.org/a?b=c&d=e"
    found = read_back.TaggedPdf(render_pdf(of(doc.Paragraph(text=span.link("there", target))), {})).pdf
    addresses = [
        str(note.A.URI)
        for sheet in found.pages
        for note in sheet.get("/Annots", [])
        if "/URI" in note.get("/A", {})
    ]
    assert addresses == [target]


def test_the_results_are_attached(tagged: Any) -> None:
    attached = tagged.pdf.attachments
    assert {name: attached[name].get_file().read_bytes() for name in attached} == RESULTS
    assert {attached[name].get_file().mime_type for name in attached} == {"text/csv"}
    assert {str(file.AFRelationship) for file in tagged.pdf.Root.AF} == {"/Data"}


def test_only_fonts_of_the_package_are_in_it(tagged: Any) -> None:
    fonts = {
        str(font.BaseFont).partition("+")[2]
        for sheet in tagged.pdf.pages
        for font in sheet.Resources.get("/Font", {}).values()
    }
    assert fonts
    allowed = ("AtkinsonHyperlegible", "DejaVuSans")
    assert all(name.startswith(allowed) for name in fonts)


def test_another_process_gives_the_same_bytes(made: bytes, tmp_path: Path) -> None:
    script = Path(__file__).with_name("demo_report.py")
    code = (
        "import runpy, sys; demo = runpy.run_path(sys.argv[1]);"
        "from coprodstats.reporting.pdf import render_pdf;"
        f"sys.stdout.buffer.write(render_pdf(demo['document'](), {RESULTS!r}))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "SOURCE_DATE_EPOCH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(script)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert done.stdout == made


def test_a_wide_table_gets_a_wide_page(read_back: ModuleType) -> None:
    frame = pd.DataFrame({f"Column {i}": [f"{i}.123 ({i}.001 to {i}.456)"] * 3 for i in range(14)})
    wide = table(frame)
    data = render_pdf(of(doc.Paragraph(text="Before."), doc.TableBlock(table=wide)), {})
    assert read_back.pdf_tables(data) == [read_back.printed(wide)]
    sizes = [[float(x) for x in sheet.MediaBox[2:]] for sheet in read_back.TaggedPdf(data).pdf.pages]
    assert [width > height for width, height in sizes] == [False, True]
    assert failures(data) == []


def test_a_table_too_wide_for_any_page_comes_in_parts(read_back: ModuleType) -> None:
    frame = pd.DataFrame({f"Column {i}": [f"{i}.123 ({i}.001 to {i}.456)"] * 3 for i in range(40)})
    frame["long"] = ["W" * 400, "a", "b"]
    wide = table(frame)
    data = render_pdf(of(doc.TableBlock(table=wide)), {})
    tagged = read_back.TaggedPdf(data)
    captions = [tagged.text(caption) for caption in tagged.elements("Caption")]
    assert captions[0].endswith(f"(part 1 of {len(captions)})")
    assert len(captions) > 1
    parts = [pd.DataFrame(part[1:], columns=part[0]) for part in read_back.pdf_tables(data)]
    joined = pd.concat([parts[0], *(part.iloc[:, 1:] for part in parts[1:])], axis=1)
    expected = read_back.printed(wide)
    assert list(joined) == expected[0]
    # Zero-width spaces let a long word be broken.
    assert [[text.replace("\u200b", "") for text in row] for row in joined.to_numpy()] == expected[1:]
    assert failures(data) == []


def test_a_table_of_one_column_has_groups_too(read_back: ModuleType) -> None:
    narrow = table(pd.DataFrame({"name": ["x", "y"], "group": ["G", "H"]}), group="group")
    data = render_pdf(of(doc.TableBlock(table=narrow)), {})
    assert read_back.pdf_tables(data) == [[["name"], ["G"], ["x"], ["H"], ["y"]]]
    assert failures(data) == []


def test_a_document_of_every_block_but_tables_is_whole(read_back: ModuleType) -> None:
    blocks = (
        doc.Paragraph(text=""),
        doc.Paragraph(text=("a ", span.strong("b"), span.emphasis(" c"), span.code(" `d` "))),
        doc.BulletList(items=("one", "two"), ordered=True),
        doc.Callout(kind="note", text="noted"),
    )
    data = render_pdf(of(*blocks), {})
    tagged = read_back.TaggedPdf(data)
    assert "a b c" in tagged.text(tagged.root.K[0])
    assert failures(data) == []


def test_letters_that_the_fonts_lack_are_marked(read_back: ModuleType) -> None:
    data = render_pdf(of(doc.Paragraph(text="Łódź, Ελλάδα, 日本 \u200b.")), {})
    tagged = read_back.TaggedPdf(data)
    [seen] = [text for p in tagged.elements("P") if (text := tagged.text(p)).startswith("Łódź")]
    assert seen.startswith("Łódź, Ελλάδα, \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}")
    assert failures(data) == []


def test_a_font_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_module, "FONTS", ("No Such Font", "DejaVu Sans"))
    with pytest.raises(ReportError, match="unknown font family: no such font"):
        render_pdf(of(doc.Paragraph(text="Text.")), {})


def test_what_the_standards_refuse_is_an_error(drawn: dict[str, Any]) -> None:
    silent = replace(drawn["flow"], alt="")
    with pytest.raises(ReportError, match="PDF of 'Title': Typst could not set it"):
        render_pdf(of(doc.FigureBlock(figure=silent)), {})


def test_the_file_is_named_after_the_stem() -> None:
    assert list(pdf_files(of(doc.Paragraph(text="Text.")), "brief", {})) == ["brief.pdf"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b"\nxref\n0 ", b"\nxrefs 0 ", "its table of objects"),
        (b"/Headers[", b"/Haeders[", "a cell of a table"),
        (b"/ID(U1x0y0)", b"/IX(U1x0y0)", "a header of a table"),
        (b"/IDTree<<", b"/IDTrie<<", "its list of headers"),
    ],
)
def test_a_pdf_built_otherwise_is_refused(
    old: bytes, new: bytes, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As Typst gave it, before rows get headers.
    monkeypatch.setattr(pdf_module, "tag_row_headers", lambda data: data)
    data = render_pdf(of(doc.TableBlock(table=table(pd.DataFrame({"a": ["x"], "b": ["y"]})))), {})
    assert old in data
    assert tag_row_headers(data) != data
    with pytest.raises(ReportError, match=told):
        tag_row_headers(data.replace(old, new))


def test_a_pdf_without_tables_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_module, "tag_row_headers", lambda data: data)
    data = render_pdf(of(doc.Paragraph(text="Text.")), {})
    assert tag_row_headers(data) == data


def test_the_written_places_of_objects_are_right(made: bytes, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    file.write_bytes(made)
    with pikepdf.open(file, attempt_recovery=False) as whole:
        assert whole.check_pdf_syntax() == []
