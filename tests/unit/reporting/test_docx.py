from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from types import ModuleType
from xml.etree.ElementTree import Element, fromstring

import docx
import matplotlib.image
import pytest
from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.oxml.ns import qn
from docx.shared import RGBColor

from coprodstats.errors import ReportError
from coprodstats.reporting import document as doc
from coprodstats.reporting import span
from coprodstats.reporting.docx import render_docx
from coprodstats.reporting.docx_template import REQUIRED_STYLES
from coprodstats.reporting.language import say
from coprodstats.reporting.table import Cell, Column, Table
from coprodstats.reporting.text_fit import column_widths

RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
ATTACHED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"
DOC_PROPERTIES = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr"


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def part(data: bytes, name: str) -> Element:
    return fromstring(members(data)[name])  # noqa: S314  (this test had it written)


def body(data: bytes) -> Element:
    return part(data, "word/document.xml")[0]


def text(element: Element) -> str:
    return "".join(part.text or "" for part in element.iter(qn("w:t")))


def style(paragraph: Element) -> str:
    found = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
    return "" if found is None else found.get(qn("w:val"), "")


def paragraphs(data: bytes, *styles: str) -> list[tuple[str, str]]:
    found = [(style(p), text(p)) for p in body(data).iter(qn("w:p"))]
    return [pair for pair in found if not styles or pair[0] in styles]


def small(*blocks: doc.Block, **more: str) -> doc.Document:
    section = doc.Section(key="one", heading="One", blocks=blocks or (doc.Paragraph(text="Text."),))
    return doc.Document(title="Title", sections=(section,), **more)  # type: ignore[arg-type]


def one_table(n_rows: int = 2) -> Table:
    rows = tuple((Cell(value=str(i), text=f"row {i}"), Cell(value=i, text=str(i))) for i in range(n_rows))
    columns = (Column(key="a", label="Row"), Column(key="b", label="Count", role="count"))
    return Table(key="one-table", title="Rows", n="two", source="Invented", columns=columns, rows=rows)


@pytest.fixture(scope="module")
def document(demo: ModuleType) -> doc.Document:
    made: doc.Document = demo.document()
    return made


@pytest.fixture(scope="module")
def word(document: doc.Document) -> bytes:
    return render_docx(document)


def test_the_same_document_gives_the_same_bytes(document: doc.Document, word: bytes) -> None:
    assert render_docx(document) == word
    with zipfile.ZipFile(io.BytesIO(word)) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_properties_are_title_subject_and_language_alone(word: bytes, document: doc.Document) -> None:
    root = part(word, "docProps/core.xml")
    found = {child.tag.rpartition("}")[2]: child.text for child in root}
    assert found == {"title": document.title, "subject": document.subtitle, "language": "en-GB"}


def test_the_language_is_said_once_for_the_whole_document(word: bytes) -> None:
    said = {name: re.findall(rb'<w:lang [^>]*w:val="([^"]*)"', data) for name, data in members(word).items()}
    assert {name: found for name, found in said.items() if found} == {"word/styles.xml": [b"en-GB"]}


def test_headings_are_words_own_and_in_order(word: bytes, document: doc.Document) -> None:
    inner = {section.key for outer in document.sections for section in outer.sections}
    expected = [("Title", document.title)]
    expected += [("Heading2" if s.key in inner else "Heading1", s.heading) for s in document.walk()]
    assert paragraphs(word, "Title", "Heading1", "Heading2")[:-1] == expected
    assert paragraphs(word, "Heading1")[-1][1] == say("formats.numbers")


def printed(table: Table) -> list[list[str]]:
    rows = [[column.label for column in table.columns]]
    for heading, block in table.blocks:
        rows += [[heading, *[""] * (len(table.columns) - 1)]] if heading else []
        rows += [[cell.text for cell in row] for row in block]
    return rows


def test_every_table_reads_as_in_the_document(word: bytes, document: doc.Document) -> None:
    found = [
        [[text(cell) for cell in row.iter(qn("w:tc"))] for row in table.iter(qn("w:tr"))]
        for table in body(word).iter(qn("w:tbl"))
    ]
    assert found == [printed(t) for t in (*document.tables(), *(f.table for f in document.figures()))]


def test_tables_have_one_header_row_and_header_cells_named_for_screen_readers(word: bytes) -> None:
    for table in body(word).iter(qn("w:tbl")):
        rows = list(table.iter(qn("w:tr")))
        heads = [row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None for row in rows]
        assert heads == [True] + [False] * (len(rows) - 1)
        assert all(row.find(f"{qn('w:trPr')}/{qn('w:cantSplit')}") is not None for row in rows)
        properties = table.find(qn("w:tblPr"))
        assert properties is not None
        look = properties.find(qn("w:tblLook"))
        assert look is not None
        assert (look.get(qn("w:firstRow")), look.get(qn("w:firstColumn"))) == ("1", "1")
        told = [properties.find(qn(f"w:{tag}")) for tag in ("tblCaption", "tblDescription")]
        assert all(one is not None and one.get(qn("w:val")) for one in told)


def test_no_cell_is_merged_and_no_table_stands_in_a_table(word: bytes) -> None:
    page = body(word)
    assert not [e for tag in ("gridSpan", "vMerge", "hMerge") for e in page.iter(qn(f"w:{tag}"))]
    assert all(len(list(table.iter(qn("w:tbl")))) == 1 for table in page.iter(qn("w:tbl")))


def test_widths_of_columns_add_up_to_the_page(word: bytes) -> None:
    for table in body(word).iter(qn("w:tbl")):
        widths = [int(column.get(qn("w:w"), "0")) for column in table.iter(qn("w:gridCol"))]
        assert min(widths) > 0
        assert sum(widths) == 9638  # A4, less two centimetres on each side


def test_numbers_have_room_for_their_words() -> None:
    long = Cell(value="", text="a very long text " * 20)
    rows = ((long, Cell(value=1, text="1,234,567")),)
    columns = (Column(key="a", label="A"), Column(key="b", label="B", role="count"))
    table = Table(key="t", title="T", n="1", source="S", columns=columns, rows=rows)
    first, second = column_widths(table, 9000, letter=92, padding=130)
    assert first > 4 * second
    assert second >= 9 * 80  # nine letters of 8.5 points, hardly narrower than half as wide as high


def test_figures_have_alternative_texts_and_pictures(word: bytes, document: doc.Document) -> None:
    drawn = list(body(word).iter(DOC_PROPERTIES))
    assert [one.get("descr") for one in drawn] == [figure.alt for figure in document.figures()]
    assert len({one.get("id") for one in drawn}) == len(drawn)
    pictures = {name: data for name, data in members(word).items() if name.startswith("word/media/")}
    assert len(pictures) == len(drawn)
    for data in pictures.values():
        height, width, _ = matplotlib.image.imread(io.BytesIO(data)).shape
        assert min(height, width) > 300


def test_every_link_leads_to_one_place(word: bytes) -> None:
    names = [mark.get(qn("w:name")) for mark in body(word).iter(qn("w:bookmarkStart"))]
    numbers = [mark.get(qn("w:id")) for mark in body(word).iter(qn("w:bookmarkStart"))]
    assert len(set(names)) == len(names) == len(set(numbers))
    anchors = {link.get(qn("w:anchor")) for link in body(word).iter(qn("w:hyperlink"))}
    assert anchors
    assert anchors <= set(names)


def test_nothing_runs_and_nothing_is_fetched(word: bytes) -> None:
    allowed = r"word/media/image\d+\.png|.*\.xml|.*\.rels"
    for name, data in members(word).items():
        assert re.fullmatch(allowed, name), name
        assert b"TargetMode" not in data
    fields = [element.text for element in body(word).iter(qn("w:instrText"))]
    assert fields == [r' TOC \o "1-2" \h \z \u ']


def test_a_link_to_the_web_is_the_only_thing_outside() -> None:
    data = render_docx(small(doc.Paragraph(text=("See ", span.link("the source", "https://example.org/a")))))
    relations = part(data, "word/_rels/document.xml.rels")
    outside = [r.attrib for r in relations.iter(RELATION) if r.get("TargetMode") == "External"]
    assert [(r["Target"], r["Type"]) for r in outside] == [("https://example.org/a", RT.HYPERLINK)]


def test_hostile_labels_come_out_as_text(word: bytes, demo: ModuleType) -> None:
    seen = "\n".join(found for _, found in paragraphs(word))
    for label in demo.HOSTILE:
        assert seen.count(label) >= 3, label


@pytest.mark.parametrize(
    "hostile", ['=HYPERLINK("https://example.org")', "＝1+1", "@SUM(A1)", "{{7*7}}", "a\x00b\x0bc"]
)
def test_no_text_is_code(hostile: str) -> None:
    data = render_docx(small(doc.Paragraph(text=hostile)))
    expected = hostile.replace("\x00", "\N{REPLACEMENT CHARACTER}").replace("\x0b", " ")
    assert ("", expected) in paragraphs(data)
    assert len(list(body(data).iter(qn("w:instrText")))) == 1


def test_styles_of_words_are_words_styles() -> None:
    spans = (
        span.strong("loud"),
        span.emphasis("soft"),
        span.code("typed"),
        span.link("there", "#one"),
        " plain ",
    )
    runs = list(body(render_docx(small(doc.Paragraph(text=spans)))).iter(qn("w:r")))
    found = {}
    for run in runs:
        named = run.find(f"{qn('w:rPr')}/{qn('w:rStyle')}")
        found[text(run)] = "" if named is None else named.get(qn("w:val"))
    told = {word: found[word] for word in ("loud", "soft", "typed", "there", " plain ")}
    assert told == {
        "loud": "Strong", "soft": "Emphasis", "typed": "ReportCode", "there": "Hyperlink", " plain ": ""
    }  # fmt: skip


def test_every_numbered_list_begins_at_one() -> None:
    numbered = doc.BulletList(items=("first", "second"), ordered=True)
    data = render_docx(small(numbered, doc.Paragraph(text="Then"), numbered))
    lists = [e.get(qn("w:val")) for e in body(data).iter(qn("w:numId"))]
    assert lists[0] == lists[1] != lists[2] == lists[3]
    numbering = part(data, "word/numbering.xml")
    for number in set(lists):
        (num,) = [n for n in numbering.iter(qn("w:num")) if n.get(qn("w:numId")) == number]
        start = num.find(f"{qn('w:lvlOverride')}/{qn('w:startOverride')}")
        assert start is not None
        assert start.get(qn("w:val")) == "1"


def test_two_tables_in_a_row_stay_two() -> None:
    data = render_docx(small(doc.TableBlock(table=one_table())))
    children = [child.tag for child in body(data)]
    after = children[children.index(qn("w:tbl")) + 1]
    assert after == qn("w:p")


# ---- an organisation's own template


def saved(word: docx.document.Document) -> bytes:
    buffer = io.BytesIO()
    word.save(buffer)
    return buffer.getvalue()


@pytest.fixture
def ministry() -> docx.document.Document:
    """A letterhead: another blue, a header, some text that stands in for a letter, an author."""
    word = docx.Document()
    word.styles["Heading 1"].font.color.rgb = RGBColor(0xAA, 0x11, 0x22)
    word.sections[0].header.paragraphs[0].text = "Ministry of Examples"
    word.add_paragraph("Dear reader")
    word.core_properties.author = "A. Uthor"
    word.settings.element.append(docx.oxml.OxmlElement("w:attachedTemplate", {qn("r:id"): "rId99"}))
    word.part.part_related_by(RT.SETTINGS).rels.add_relationship(
        ATTACHED, "file:///server/letterhead.dotx", "rId99", is_external=True
    )
    return word


def test_a_template_keeps_its_look_and_loses_its_text(ministry: docx.document.Document) -> None:
    data = render_docx(small(doc.TableBlock(table=one_table())), template=saved(ministry))
    made = docx.Document(io.BytesIO(data))
    assert made.styles["Heading 1"].font.color.rgb == RGBColor(0xAA, 0x11, 0x22)
    assert made.sections[0].header.paragraphs[0].text == "Ministry of Examples"
    assert made.paragraphs[0].text == "Title"
    whole = b"".join(members(data).values())
    for gone in (b"Dear reader", b"A. Uthor", b"letterhead.dotx", b"attachedTemplate", b"thumbnail"):
        assert gone not in whole
    assert data == render_docx(small(doc.TableBlock(table=one_table())), template=saved(ministry))


def test_the_language_of_a_template_gives_way(ministry: docx.document.Document) -> None:
    data = render_docx(small(), template=saved(ministry))
    assert re.findall(rb'<w:lang [^>]*w:val="([^"]*)"', members(data)["word/styles.xml"]) == [b"en-GB"]


def changed(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    parts = members(data)
    change(parts)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_word_template_file_is_as_good_as_a_document(ministry: docx.document.Document) -> None:
    def as_dotx(parts: dict[str, bytes]) -> None:
        types = parts["[Content_Types].xml"]
        parts["[Content_Types].xml"] = types.replace(b"document.main+xml", b"template.main+xml")

    template = saved(ministry)
    assert render_docx(small(), template=changed(template, as_dotx)) == render_docx(
        small(), template=template
    )


def test_missing_styles_are_named_all_at_once(ministry: docx.document.Document) -> None:
    for name in ("Heading 2", "Caption"):
        ministry.styles[name].delete()
    with pytest.raises(
        ReportError, match=r"no style Heading 2, Caption\n.*Allowed: Title, .*\n.*Word stores"
    ):
        render_docx(small(), template=saved(ministry))


def test_the_styles_that_are_required_are_used(word: bytes) -> None:
    ordered = render_docx(small(doc.BulletList(items=("a",), ordered=True)))
    used = {found for found, _ in (*paragraphs(word), *paragraphs(ordered))}
    assert {name.replace(" ", "") for name in REQUIRED_STYLES} <= used


@pytest.mark.parametrize(
    "name", ["word/vbaProject.bin", "word/activeX/activeX1.xml", "word/embeddings/a.bin"]
)
def test_macros_and_embedded_objects_are_refused(ministry: docx.document.Document, name: str) -> None:
    template = changed(saved(ministry), lambda parts: parts.update({name: b"x"}))
    with pytest.raises(ReportError, match=f"macros or embedded objects: {name}"):
        render_docx(small(), template=template)


def test_parts_from_elsewhere_are_refused(ministry: docx.document.Document) -> None:
    ministry.sections[0].header.part.rels.add_relationship(
        RT.IMAGE, "https://example.org/logo.png", "rId7", is_external=True
    )
    with pytest.raises(ReportError, match="takes a part from elsewhere: image"):
        render_docx(small(), template=saved(ministry))


def test_fields_that_fetch_are_refused_even_in_pieces(ministry: docx.document.Document) -> None:
    run = ministry.sections[0].header.paragraphs[0].add_run()
    for piece in (" INCLUDE", 'PICTURE "https://example.org/x.png" '):
        code = docx.oxml.OxmlElement("w:instrText")
        code.text = piece
        run.element.append(code)
    with pytest.raises(ReportError, match="it holds the field INCLUDEPICTURE"):
        render_docx(small(), template=saved(ministry))


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_word_file_is_refused(data: bytes) -> None:
    with pytest.raises(ReportError, match="it is no Word document"):
        render_docx(small(), template=data)


def test_a_damaged_word_file_is_refused(ministry: docx.document.Document) -> None:
    template = changed(saved(ministry), lambda parts: parts.update({"word/document.xml": b"<broken"}))
    with pytest.raises(ReportError, match="it is no Word document"):
        render_docx(small(), template=template)
