"""Codebooks in other forms: read back the same, escaped, accessible, and without small counts."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import coprodstats as cps
from coprodstats import cli
from coprodstats.errors import ArgumentError, ReportError
from coprodstats.reporting.codebook_export import FORMS, export_codebook, export_workbook, write_new
from coprodstats.reporting.codebook_page import codebook_html, codebook_markdown
from coprodstats.reporting.run_manifest import codebook_records
from coprodstats.survey.codebook_counts import protected
from coprodstats.survey.ddi import codebook_ddi
from coprodstats.survey.metadata_reading import read_metadata

TOML = """title = "Town <b>& country</b>"
[variables.person]
kind = "id"
[variables.w]
kind = "weight"
[variables.age]
label = "Age | years"
kind = "numeric"
range = [18, 90]
unit = "years"
step = 10
step_label = "10 years"
missing = { 99 = "refused" }
[variables.helps]
label = "Helps <script>alert(1)</script>"
question = "Do you help {{ 7 * 7 }} neighbours?"
kind = "ordinal"
reverse = true
values = { 1 = "often", 2 = "*sometimes*", 3 = "never" }
missing = { 8 = "don't know", 9 = "refused" }
undeclared = "missing"
[variables.hours]
label = "Hours"
kind = "nominal"
values = { 1 = "few", 2 = "many" }
asked_if = { helps = ["1", "2"] }
[outcomes.helps_any]
label = "Helps at all"
kind = "any"
items = ["helps"]
at_least = "*sometimes*"
min_answered = 1
"""
N = {"1": 60, "2": 40, "3": 97, "9": 3}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "codebook.toml").write_text(TOML, encoding="utf-8")
    helps = [code for code, count in N.items() for _ in range(count)]
    rows = [f"{i},1.5,{20 + i % 60},{code},{'1' if code in '12' else ''}" for i, code in enumerate(helps)]
    (tmp_path / "survey.csv").write_text(
        "person,w,age,helps,hours\n" + "\n".join(rows) + "\n", encoding="utf-8"
    )
    return tmp_path


def both(folder: Path) -> tuple[cps.Codebook, cps.SurveyData]:
    codebook = cps.read_codebook(folder / "codebook.toml")
    return codebook, cps.read_survey(folder / "survey.csv", codebook)


@pytest.mark.parametrize("form", ["csv", "toml", "xlsx"])
def test_tables_and_toml_are_read_back_the_same(form: str, folder: Path) -> None:
    told = CliRunner().invoke(
        cli.main,
        [
            "codebook",
            "export",
            str(folder / "codebook.toml"),
            "--to",
            form,
            "--out",
            str(folder / f"again.{form}"),
        ],
    )
    assert told.exit_code == 0, told.stderr
    assert ("left out: outcomes; keep them in a TOML codebook" in told.stderr) == (form != "toml")
    first, again = cps.read_codebook(folder / "codebook.toml"), cps.read_codebook(folder / f"again.{form}")
    assert again.variables == first.variables
    assert (again.outcomes == first.outcomes) == (form == "toml")
    export = export_workbook if form == "xlsx" else partial(export_codebook, form=form)
    written = (folder / f"again.{form}").read_bytes()
    content = export(folder / f"again.{form}")
    assert (content if isinstance(content, bytes) else content.encode()) == written or form == "xlsx"
    assert export(folder / "codebook.toml") == export(folder / "codebook.toml")


def test_archives_read_back_what_was_written(folder: Path) -> None:
    codebook, survey = both(folder)
    (folder / "ddi.xml").write_text(codebook_ddi(codebook, survey), encoding="utf-8")
    said = read_metadata(folder / "ddi.xml")
    assert (said.format, said.title, said.weight, said.n_rows) == ("ddi", codebook.title, "w", 200)
    assert list(said.variables) == list(codebook.variables)
    for name, variable in codebook.variables.items():
        one = said.variables[name]
        assert (one.label, one.question) == (variable.label, variable.question)
        assert dict(one.values) == {**variable.values, **variable.missing}
        assert one.missing == tuple(variable.missing)
    assert [said.variables[name].level for name in ("age", "helps", "hours")] == [
        "scale",
        "ordinal",
        "nominal",
    ]


# Content models of the DDI Alliance's schema of DDI-Codebook 2.5 for what is written here: the order of
# children, which of them are needed, and the words that attributes may hold (None: any text).
DDI_CHILDREN = {
    "codeBook": ["docDscr", "stdyDscr", "fileDscr", "dataDscr", "otherMat"],
    "stdyDscr": ["citation", "studyAuthorization", "stdyInfo"],
    "citation": ["titlStmt", "rspStmt", "prodStmt"],
    "titlStmt": ["titl", "subTitl", "altTitl"],
    "fileDscr": ["fileTxt", "locMap", "notes"],
    "fileTxt": ["fileName", "fileCitation", "dataFingerprint", "fileCont", "fileStrc", "dimensns"],
    "dimensns": ["caseQnty", "varQnty"],
    "dataDscr": ["varGrp", "nCubeGrp", "var", "nCube", "notes"],
    "var": ["location", "labl", "qstn", "valrng", "invalrng", "universe", "txt", "catgry", "varFormat"],
    "qstn": ["preQTxt", "qstnLit", "postQTxt"],
    "valrng": ["item", "range"],
    "invalrng": ["item", "range"],
    "catgry": ["catValu", "labl", "txt", "catStat"],
}
DDI_NEEDED = {"codeBook": {"stdyDscr"}, "citation": {"titlStmt"}, "titlStmt": {"titl"}}
DDI_ATTRIBUTES: dict[str, dict[str, set[str] | None]] = {
    "codeBook": {"version": {"2.5"}},
    "var": {
        "ID": None,
        "name": None,
        "nature": {"nominal", "ordinal", "interval", "ratio", "percent", "other"},
        "wgt": {"wgt", "not-wgt"},
    },
    "universe": {"clusion": {"I", "E"}},
    "range": {"min": None, "max": None},
    "item": {"VALUE": None},
    "catgry": {"missing": {"Y", "N"}},
    "catStat": {"type": {"freq", "percent", "crosstab", "other"}},
    "varFormat": {"type": {"numeric", "character"}},
}


def test_archives_get_what_their_schema_allows(folder: Path) -> None:
    root = ET.fromstring(codebook_ddi(*both(folder)))  # noqa: S314  (written here)
    space = "{ddi:codebook:2_5}"
    ids = [element.attrib["ID"] for element in root.iter(f"{space}var")]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z_][\w.-]*", one) for one in ids)  # an XML name
    for element in root.iter():
        assert element.tag.startswith(space)
        tag = element.tag.removeprefix(space)
        children = [child.tag.removeprefix(space) for child in element]
        order = DDI_CHILDREN.get(tag, [])
        assert set(children) <= set(order), tag
        assert [order.index(child) for child in children] == sorted(order.index(child) for child in children)
        assert DDI_NEEDED.get(tag, set()) <= set(children)
        for name, text in element.attrib.items():
            allowed = DDI_ATTRIBUTES[tag][name]
            assert allowed is None or text in allowed


class Page(HTMLParser):
    """What of a page accessibility and escaping are judged by."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, list[dict[str, str | None]]] = defaultdict(list)
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag].append(dict(attrs))


def test_the_page_is_accessible_and_escaped(folder: Path) -> None:
    text = codebook_html(*both(folder))
    page = Page(text)
    assert page.tags["html"] == [{"lang": "en"}]
    assert len(page.tags["title"]) == len(page.tags["h1"]) == len(page.tags["main"]) == 1
    assert len(page.tags["caption"]) == len(page.tags["table"]) == 4  # age, helps, hours, what is made
    assert all(cell.get("scope") in {"col", "row", "rowgroup"} for cell in page.tags["th"])
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert "Do you help {{ 7 * 7 }} neighbours?" in text
    targets = {link["href"] for link in page.tags["a"]}
    ids = {f"#{attrs['id']}" for found in page.tags.values() for attrs in found if "id" in attrs}
    assert targets <= ids
    assert "Asked only if the answer to helps is “often” or “*sometimes*”." in text


def test_small_counts_are_in_no_form(folder: Path) -> None:
    codebook, survey = both(folder)
    page, markdown, ddi = (
        make(codebook, survey) for make in (codebook_html, codebook_markdown, codebook_ddi)
    )
    assert "| 9 | refused | missing | not shown |" in markdown
    assert "| 1 | often | yes | not shown |" in markdown  # the last large count, hidden beside the small one
    assert "| 2 | \\*sometimes\\* | yes | 40 |" in markdown
    assert "| 3 | never | yes | 97 |" in markdown
    assert ">3</td>" not in page
    assert ">3</catStat>" not in ddi


def test_routes_do_not_tell_hidden_counts(folder: Path) -> None:
    """Not asked were 100, of whom 97 never help: that would leave the 3 who refused to say."""
    markdown = codebook_markdown(*both(folder))
    hours = markdown[markdown.index("## hours") :]
    assert "|  | not asked | missing | not shown |" in hours
    assert "| 100 |" not in hours


def test_markdown_takes_no_label_for_a_mark(folder: Path) -> None:
    text = codebook_markdown(cps.read_codebook(folder / "codebook.toml"))
    assert "# Town \\<b\\>\\& country\\</b\\>" in text
    assert "Age \\| years" in text


def test_hidden_counts_cannot_be_worked_out() -> None:
    """Whoever knows the total, the counts shown and the rule still has two candidates or more."""
    for total in range(10, 45):
        alike: dict[tuple[int | None, ...], list[tuple[int, ...]]] = defaultdict(list)
        for first, second in product(range(total + 1), repeat=2):
            if first + second <= total:
                counts = (first, second, total - first - second)
                alike[tuple(protected(counts))].append(counts)
        for shown, candidates in alike.items():
            for place, count in enumerate(shown):
                if count is None:
                    assert len({one[place] for one in candidates}) > 1, (shown, candidates)


@settings(max_examples=200, deadline=None)
@given(counts=st.lists(st.integers(0, 200), min_size=1, max_size=8))
def test_no_small_count_is_shown_and_none_is_changed(counts: list[int]) -> None:
    shown = protected(counts)
    assert all(there is None or there == count for there, count in zip(shown, counts, strict=True))
    assert not any(there is not None and 0 < there < 10 for there in shown)
    if all(count == 0 or count >= 10 for count in counts):
        assert shown == counts


def test_the_command_writes_each_form_once(folder: Path) -> None:
    for form in FORMS:
        words = ["codebook", "export", str(folder / "codebook.toml"), "--to", form]
        told = CliRunner().invoke(cli.main, [*words, "--out", str(folder / f"out.{form}")])
        assert told.exit_code == 0, told.stderr
        written = (folder / f"out.{form}").read_text(encoding="utf-8")
        assert CliRunner().invoke(cli.main, words).stdout == written
        again = CliRunner().invoke(cli.main, [*words, "--out", str(folder / f"out.{form}")])
        assert again.exit_code == ReportError.exit_status
        assert "it is there already" in again.stderr


def test_what_cannot_be_exported_is_told(folder: Path) -> None:
    with pytest.raises(ArgumentError, match=r"'htlm' is not known(.|\n)*did you mean 'html'"):
        export_codebook(folder / "codebook.toml", "htlm")
    with pytest.raises(ArgumentError, match="'csv' holds no counts"):
        export_codebook(folder / "codebook.toml", "csv", folder / "survey.csv")
    with pytest.raises(ReportError, match=r"a\.md: it can't be written"):
        write_new(folder / "nowhere" / "a.md", "text")


def test_the_manifest_records_a_table_that_a_codebook_extends(folder: Path) -> None:
    table = export_codebook(folder / "codebook.toml", "csv")
    (folder / "columns.csv").write_text(table, encoding="utf-8")
    (folder / "small.toml").write_text('extends = "columns.csv"\n', encoding="utf-8")
    names = [record.name for record in codebook_records(folder / "small.toml")]
    assert names == ["small.toml", "extended/columns.csv"]
