"""One analysis in several formats: written, verified and made again with the same bytes."""

from __future__ import annotations

import io
import json
import shutil
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pikepdf
import pytest

from coprodstats.reporting.analysis import RunResult, reproduce, run_analysis
from coprodstats.reporting.manifest import PACKAGES, verify

ROOT = Path(__file__).resolve().parents[2]
TABLES = {"html": "html_tables", "md": "markdown_tables", "pdf": "pdf_tables"}
PLAN = """title = "Age and gender"
root = "../.."
survey = "../../data/synthetic/five_nation_2008.csv"
codebook = "codebook.toml"
output = "out"
formats = ["html", "md", "pdf"]
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


@pytest.fixture(scope="module")
def read_back() -> ModuleType:
    path = ROOT / "tests" / "unit" / "reporting" / "read_back.py"
    spec = spec_from_file_location("read_back", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    root = tmp_path_factory.mktemp("formats")
    home = root / "analyses" / "small"
    home.mkdir(parents=True)
    (root / "data" / "synthetic").mkdir(parents=True)
    for name in ("codebook.toml", "five_nation_2008.csv"):
        shutil.copy(ROOT / "data" / "synthetic" / name, root / "data" / "synthetic" / name)
    shutil.copy(ROOT / "analyses" / "five_nation_2008" / "codebook.toml", home)
    (home / "analysis.toml").write_text(PLAN, encoding="utf-8")
    return run_analysis(home / "analysis.toml")


def test_every_format_is_there_and_the_folder_is_what_its_manifest_says(result: RunResult) -> None:
    assert {f"report.{name}" for name in TABLES} <= set(result.files)
    assert verify(result.folder).n_files == len(result.files) - 1


def test_the_manifest_records_what_made_the_formats(result: RunResult) -> None:
    packages = json.loads((result.folder / "manifest.json").read_bytes())["packages"]
    assert set(packages) == {*PACKAGES, "fontpkg-atkinson-hyperlegible", "typst"}


def test_every_table_reads_the_same_in_every_format(result: RunResult, read_back: ModuleType) -> None:
    expected = sorted(read_back.all_printed(result.document))
    for name, read in TABLES.items():
        data = (result.folder / f"report.{name}").read_bytes()
        assert sorted(getattr(read_back, read)(data)) == expected, name


def test_the_pdf_holds_the_results(result: RunResult) -> None:
    with pikepdf.open(io.BytesIO((result.folder / "report.pdf").read_bytes())) as pdf:
        attached = {name: pdf.attachments[name].get_file().read_bytes() for name in pdf.attachments}
    assert attached == {path.name: path.read_bytes() for path in (result.folder / "results").iterdir()}


def test_drawings_that_the_markdown_refers_to_are_there(result: RunResult) -> None:
    text = (result.folder / "report.md").read_text(encoding="utf-8")
    drawings = [name for name in result.files if name.startswith("figures/")]
    assert drawings
    assert all(f"]({name})" in text for name in drawings)


def test_no_format_tells_where_it_was_made(result: RunResult) -> None:
    for name in TABLES:
        data = (result.folder / f"report.{name}").read_bytes()
        assert str(ROOT).encode() not in data
        assert str(result.folder).encode() not in data


def test_a_second_run_gives_the_same_bytes(result: RunResult) -> None:
    assert reproduce(result.folder, result.folder.parent / "analysis.toml") == sorted(result.files)
