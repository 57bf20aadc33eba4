"""One analysis in all formats, Word in an organisation's template: written, verified, made again."""

from __future__ import annotations

import io
import json
import shutil
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import docx
import pikepdf
import pytest
from docx.shared import Mm

from coprodstats.reporting.analysis import RunResult, reproduce, run_analysis
from coprodstats.reporting.manifest import PACKAGES, verify

ROOT = Path(__file__).resolve().parents[2]
TABLES = {"html": "html_tables", "md": "markdown_tables", "pdf": "pdf_tables"}
PLAN = """title = "Age and gender"
root = "../.."
survey = "../../data/synthetic/five_nation_2008.csv"
codebook = "codebook.toml"
output = "out"
formats = ["html", "md", "pdf", "docx", "xlsx", "ods", "tex", "pptx"]
docx_template = "house.docx"
[outcomes.individual]
label = "Individual"
[outcomes.collective]
label = "Collective"
[[comparisons]]
key = "main"
title = "All sectors together"
kind = "logit"
outcomes = { individual = "individual_high", collective = "collective_any" }
predictors = "age + gender"
[describe]
by = "gender"
"""


def module_of(name: str) -> ModuleType:
    spec = spec_from_file_location(name, ROOT / "tests" / "unit" / "reporting" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def read_back() -> ModuleType:
    return module_of("read_back")


@pytest.fixture(scope="module")
def office() -> ModuleType:
    return module_of("office_back")


def house_template() -> bytes:
    """Return the template of an organisation: its own heading, letter head and page, and a text that goes."""
    word = docx.Document()
    word.styles["Heading 1"].font.name = "House Sans"
    word.sections[0].header.paragraphs[0].text = "Ministry of Tests"
    word.sections[0].page_width = Mm(200)
    word.add_paragraph("Write here.")
    buffer = io.BytesIO()
    word.save(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    root = tmp_path_factory.mktemp("formats")
    home = root / "analyses" / "small"
    home.mkdir(parents=True)
    (root / "data" / "synthetic").mkdir(parents=True)
    for name in ("codebook.toml", "five_nation_2008.csv"):
        shutil.copy(ROOT / "data" / "synthetic" / name, root / "data" / "synthetic" / name)
    shutil.copy(ROOT / "analyses" / "five_nation_2008" / "codebook.toml", home)
    (home / "house.docx").write_bytes(house_template())
    (home / "analysis.toml").write_text(PLAN, encoding="utf-8")
    return run_analysis(home / "analysis.toml")


def test_every_format_is_there_and_the_folder_is_what_its_manifest_says(result: RunResult) -> None:
    both = {f"{kind}.{name}" for kind in ("report", "briefing") for name in ("html", "md", "pdf", "docx")}
    tables = {f"tables/{table.key}.tex" for table in result.document.tables()}
    assert both | tables | {"tables.xlsx", "tables.ods", "slides.pptx"} <= set(result.files)
    assert verify(result.folder).n_files == len(result.files) - 1


def test_the_manifest_records_what_made_the_formats(result: RunResult) -> None:
    packages = json.loads((result.folder / "manifest.json").read_bytes())["packages"]
    office_packages = {"lxml", "pillow", "python-docx", "python-pptx", "xlsxwriter"}
    assert set(packages) == {*PACKAGES, "fontpkg-atkinson-hyperlegible", "typst", *office_packages}


def test_every_table_reads_the_same_in_every_format(
    result: RunResult, read_back: ModuleType, office: ModuleType
) -> None:
    expected = sorted(read_back.all_printed(result.document))
    for name, read in TABLES.items():
        data = (result.folder / f"report.{name}").read_bytes()
        assert sorted(getattr(read_back, read)(data)) == expected, name
    assert sorted(office.docx_tables((result.folder / "report.docx").read_bytes())) == expected
    for table in result.document.tables():
        source = (result.folder / "tables" / f"{table.key}.tex").read_text(encoding="utf-8")
        assert office.latex_table(source) == read_back.printed(table)


def test_both_workbooks_hold_the_same_cells(result: RunResult, office: ModuleType) -> None:
    one, other = (
        office.workbook((result.folder / f"tables.{name}").read_bytes()) for name in ("xlsx", "ods")
    )
    assert one == other
    assert set(result.document.numbers().values()) <= set(one)


def test_the_table_of_the_briefing_is_on_a_slide(
    result: RunResult, read_back: ModuleType, office: ModuleType
) -> None:
    slides = (result.folder / "slides.pptx").read_bytes()
    assert office.pptx_tables(slides) == [read_back.printed(table) for table in result.briefing.tables()]


@pytest.mark.parametrize("kind", ["report", "briefing"])
def test_word_documents_are_in_the_organisation_s_template(result: RunResult, kind: str) -> None:
    word = docx.Document(str(result.folder / f"{kind}.docx"))
    assert word.styles["Heading 1"].font.name == "House Sans"
    assert word.sections[-1].header.paragraphs[0].text == "Ministry of Tests"
    # Word counts twentieths of a point.
    assert word.sections[-1].page_width.mm == pytest.approx(200, abs=0.02)
    texts = [paragraph.text for paragraph in word.paragraphs]
    assert texts[0] == "Age and gender"
    assert "Write here." not in texts


def test_the_pdf_holds_the_results(result: RunResult) -> None:
    with pikepdf.open(io.BytesIO((result.folder / "report.pdf").read_bytes())) as pdf:
        attached = {name: pdf.attachments[name].get_file().read_bytes() for name in pdf.attachments}
    assert attached == {path.name: path.read_bytes() for path in (result.folder / "results").iterdir()}


def test_drawings_that_the_markdown_refers_to_are_there(result: RunResult) -> None:
    text = "".join(
        (result.folder / f"{kind}.md").read_text(encoding="utf-8") for kind in ("report", "briefing")
    )
    drawings = [name for name in result.files if name.startswith("figures/")]
    assert drawings
    assert all(f"]({name})" in text for name in drawings)


def test_no_format_tells_where_it_was_made(result: RunResult) -> None:
    for name in result.files:
        data = (result.folder / name).read_bytes()
        assert str(ROOT).encode() not in data
        assert str(result.folder).encode() not in data


def test_a_second_run_gives_the_same_bytes(result: RunResult) -> None:
    assert reproduce(result.folder, result.folder.parent / "analysis.toml") == sorted(result.files)
