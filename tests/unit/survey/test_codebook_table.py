"""Codebooks as tables: the same declarations and the same faults as TOML, with the number of the row."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from coprodstats.errors import CodebookError
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.codebook_table import codebook_csv

TOML = """
[variables.person]
kind = "id"
[variables.w]
kind = "weight"
[variables.age]
label = "Age"
kind = "numeric"
range = [18, 90.5]
unit = "years"
step = 10
step_label = "10 years"
out_of_range = "missing"
missing = { 99 = "refused" }
[variables.helps]
label = "Helps, often or not"
kind = "ordinal"
values = { 3 = "never", 2 = "sometimes", 1 = "often" }
missing = { 8 = "don't know", 9 = "refused" }
undeclared = "missing"
[variables.trust]
label = "Trust"
kind = "ordinal"
reverse = true
values = { 1 = "high", 2 = "low", 3 = "none" }
scores = [1, 2.5, 9]
[variables.country]
label = "Country"
kind = "nominal"
values = { NA = "Namibia", DK = "Denmark" }
"""
TABLE = """variable,label,kind,code,value_label,missing_reason,order,range_low,range_high
helps,Helps,ordinal,1,often,,3,,
helps,,,2,sometimes,,2,,
helps,,,3,never,,1,,
helps,,,8,,don't know,,,
age,Age,numeric,,,,,18,90
"""


def saved(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def faults(folder: Path, text: str, name: str = "codebook.csv") -> str:
    with pytest.raises(CodebookError, match="E-C100") as caught:
        read_codebook(saved(folder, name, text))
    return str(caught.value)


def test_a_table_declares_what_toml_declares(tmp_path: Path) -> None:
    codebook = read_codebook(saved(tmp_path, "codebook.csv", TABLE))
    helps, age = codebook.variables["helps"], codebook.variables["age"]
    assert list(dict(helps.values).items()) == [("3", "never"), ("2", "sometimes"), ("1", "often")]
    assert (helps.label, helps.kind, dict(helps.missing)) == ("Helps", "ordinal", {"8": "don't know"})
    assert (age.kind, age.range) == ("numeric", (18.0, 90.0))
    assert codebook.title == "codebook"


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    first = read_codebook(saved(tmp_path, "codebook.toml", TOML))
    second = read_codebook(saved(tmp_path, "codebook.csv", codebook_csv(first)))
    assert second.variables == first.variables
    assert list(second.variables) == list(first.variables)
    assert codebook_csv(second) == codebook_csv(first)


def test_a_toml_codebook_extends_a_table(tmp_path: Path) -> None:
    saved(tmp_path, "columns.csv", TABLE)
    text = """extends = "columns.csv"
title = "Both"
[outcomes.helps_any]
label = "Helps at all"
kind = "any"
items = ["helps"]
at_least = "sometimes"
min_answered = 1
"""
    codebook = read_codebook(saved(tmp_path, "codebook.toml", text))
    assert list(codebook.variables) == ["helps", "age"]
    assert list(codebook.outcomes) == ["helps_any"]
    assert codebook.sha256 != read_codebook(tmp_path / "columns.csv").sha256


@pytest.mark.parametrize(
    ("old", "new", "row", "told"),
    [
        ("kind,code", "kind,cod", 1, "'cod' is no column of a codebook"),
        ("variable,", "name,", 1, "there is no column 'variable'"),
        ("helps,,,2,", ",,,2,", 3, "the cell 'variable' is empty"),
        (
            "helps,,,2,sometimes",
            "helps,,nominal,2,sometimes",
            3,
            "variables.helps.kind: another row says otherwise",
        ),
        ("2,sometimes,", "1,sometimes,", 3, "variables.helps: code '1' has two rows"),
        ("2,sometimes,", "2,sometimes,refused", 3, "variables.helps: code '2' has both a label and a reason"),
        ("2,sometimes,", "2,,", 3, "variables.helps: code '2' has neither a label nor a reason"),
        ("2,sometimes,,2", ",sometimes,,2", 3, "variables.helps: there is no code for value_label, order"),
        ("sometimes,,2", "sometimes,,second", 3, "variables.helps.order: the cell is no number"),
        ("18,90", "18,ninety", 6, "variables.age.range_high: the cell can't be used"),
        ("18,90", "18,", 6, "variables.age.range: the range is not a low and a higher number"),
        ("Helps,ordinal", "Helps,ordianl", 2, "variables.helps.kind: 'ordianl' is not understood"),
        ("Helps,ordinal", ",ordinal", 2, "variables.helps: 'label' is missing"),
        (
            "sometimes,,2",
            "never (3),,2,,\nhelps,,,4,never,,4",
            2,
            "variables.helps.values: labels are there more",
        ),
        ("Helps,ordinal", "Helps,?", 2, "variables.helps.kind: a question is open"),
        ("2,sometimes", "2,?", 3, "variables.helps.values.2: a question is open"),
    ],
)
def test_faults_name_their_row(old: str, new: str, row: int, told: str, tmp_path: Path) -> None:
    assert old in TABLE
    assert f"codebook.csv, row {row}: {told}" in faults(tmp_path, TABLE.replace(old, new, 1))


def test_all_faults_of_a_table_come_at_once(tmp_path: Path) -> None:
    text = TABLE.replace("2,sometimes", "2,").replace("18,90", "18,ninety")
    assert "(2 faults)" in faults(tmp_path, text)


def test_semicolons_do_as_well(tmp_path: Path) -> None:
    text = TABLE.replace(",", ";")
    codebook = read_codebook(saved(tmp_path, "codebook.csv", text))
    assert list(codebook.variables) == ["helps", "age"]


SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def workbook(text: str, path: Path) -> None:
    """Write a table as the smallest workbook that spreadsheets open; whole numbers are numbers in it."""

    def cell(content: str) -> str:
        if content.isdecimal():
            return f"<c><v>{content}</v></c>"
        return f'<c t="inlineStr"><is><t>{escape(content)}</t></is></c>'

    rows = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in csv.reader(io.StringIO(text)))
    office = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" '
        f'ContentType="{office}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" '
        f'ContentType="{office}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>'
        '<sheet name="codebook" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SHEET}"><sheetData>{rows}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{part}')


def test_a_workbook_reads_like_its_csv(tmp_path: Path) -> None:
    workbook(TABLE, tmp_path / "codebook.xlsx")
    read = read_codebook(tmp_path / "codebook.xlsx")
    assert read.variables == read_codebook(saved(tmp_path, "codebook.csv", TABLE)).variables


def test_faults_of_a_workbook_name_their_row(tmp_path: Path) -> None:
    workbook(TABLE.replace("2,sometimes", "2,"), tmp_path / "codebook.xlsx")
    with pytest.raises(CodebookError, match=r"codebook\.xlsx, row 3: variables\.helps: code '2' has neither"):
        read_codebook(tmp_path / "codebook.xlsx")


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CodebookError, match=r"none\.csv"):
        read_codebook(tmp_path / "none.csv")
