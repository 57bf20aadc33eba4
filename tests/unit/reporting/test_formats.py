from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from coprodstats.errors import ArgumentError, ConfigError
from coprodstats.reporting import formats
from coprodstats.reporting.document import Document, Paragraph, Section
from coprodstats.reporting.formats import FORMATS, format_packages, render_formats
from coprodstats.reporting.html import render_html
from coprodstats.reporting.manifest import PACKAGES, package_versions
from coprodstats.reporting.plan import read_plan

DOCUMENT = Document(
    title="Two things", sections=(Section(key="one", heading="One", blocks=(Paragraph(text="Text."),)),)
)
PLAN = """title = "A title"
survey = "survey.csv"
codebook = "codebook.toml"
{formats}
[outcomes.alone]
label = "Alone"
[outcomes.together]
label = "Together"
[[comparisons]]
key = "main"
title = "Both"
kind = "logit"
outcomes = {{ alone = "helps", together = "joins" }}
predictors = "age"
"""


def planned(folder: Path, line: str) -> tuple[str, ...]:
    file = folder / "analysis.toml"
    file.write_text(PLAN.format(formats=line), encoding="utf-8")
    return read_plan(file).formats


def test_an_analysis_without_formats_is_a_web_page(tmp_path: Path) -> None:
    assert planned(tmp_path, "") == ("html",)


def test_formats_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    names = tuple(reversed(FORMATS))
    assert planned(tmp_path, f"formats = {list(names)}".replace("'", '"')) == names


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('formats = ["html", "htlm"]', r"'htlm' is no format.*\n.*Allowed.*\n.*'html'"),
        ('formats = ["pd"]', "'html' is not there, and the other formats stand beside it"),
        ("formats = []", "'html' is not there"),
        ('formats = "html"', "a list of texts in quotes"),
        ('formats = ["html", "html"]', "more than once"),
    ],
)
def test_what_is_no_list_of_formats_is_refused(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        planned(tmp_path, line)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_renderer_and_packages_with_a_version(name: str) -> None:
    parameters = inspect.signature(FORMATS[name].load()).parameters
    more = ["template"] if FORMATS[name].check_template else []
    assert list(parameters) == ["document", "stem", "results", *more]
    versions = package_versions(format_packages([name]))
    assert not set(versions) & set(PACKAGES)


def test_files_of_all_formats_come_together() -> None:
    files = render_formats(DOCUMENT, ["html"], stem="brief", results={})
    assert files == {"brief.html": render_html(DOCUMENT).encode()}


def test_an_unknown_format_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ArgumentError, match="'word' is no format"):
        render_formats(DOCUMENT, ["html", "word"], results={})


def test_two_formats_that_write_one_file_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = dataclasses.replace(FORMATS["html"], title="twin")
    monkeypatch.setattr(formats, "FORMATS", {"html": twin, "twin": twin})
    with pytest.raises(ArgumentError, match=r"report\.html is written by another format too"):
        render_formats(DOCUMENT, ["html", "twin"], results={})


def test_reading_a_plan_loads_no_renderer() -> None:
    code = "import sys, coprodstats.reporting.plan; print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not [
        name for name in ("jinja2", "typst", "docx", "xlsxwriter", "matplotlib") if f"'{name}'" in loaded
    ]
