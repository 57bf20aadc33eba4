"""The check before an analysis: all faults at once, and notes on what is worth a look."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from click.testing import CliRunner

from coprodstats import cli
from coprodstats.errors import CodebookError, SchemaError, UnexpectedCodeError
from coprodstats.survey.checks import Checked, check_survey

TOML = """title = "t"
[variables.person]
kind = "id"
[variables.joins]
label = "Joins"
kind = "nominal"
values = { 1 = "yes", 2 = "no", 3 = "sometimes" }
missing = { 9 = "refused" }
[variables.hours]
label = "Hours"
kind = "numeric"
range = [0, 99]
asked_if = { joins = ["1"] }
"""
DIFFER = "labels differ from the file's own: "
ROWS = {"person": ["a", "b", "c", "d"], "joins": ["1", "2", "2", "1"], "hours": ["5", "", "3", ""]}


def check(folder: Path, rows: dict[str, list[str]], text: str = TOML) -> Checked:
    pd.DataFrame(rows).to_csv(folder / "survey.csv", index=False)
    (folder / "codebook.toml").write_text(text, encoding="utf-8")
    return check_survey(folder / "survey.csv", folder / "codebook.toml")


def test_notes_stop_nothing(tmp_path: Path) -> None:
    checked = check(tmp_path, ROWS)
    assert checked.error is None
    assert checked.cleaned is not None
    found = {(note.where, note.found) for note in checked.notes()}
    assert found == {
        ("codebook.toml: variables.joins.values", "declared, and never occurs: 3"),
        ("codebook.toml: variables.joins.missing", "declared, and never occurs: 9"),
        (
            "survey.csv: hours",
            "asked by the answer to Joins: fewer than 10 rows answered outside the route, "
            "fewer than 10 rows blank inside the route",
        ),
    }


def test_faults_of_the_codebook_come_first(tmp_path: Path) -> None:
    checked = check(tmp_path, ROWS, TOML.replace("nominal", "nominel").replace("range", "rnge"))
    assert isinstance(checked.error, CodebookError)
    table = checked.to_frame()
    assert table["severity"].tolist() == ["fault", "fault"]
    assert table["code"].tolist() == ["E-C100", "E-C100"]
    assert table["where"].tolist() == [
        "codebook.toml, line 6: variables.joins.kind",
        "codebook.toml, line 12: variables.hours",
    ]
    assert table["remedy"].tolist() == ["did you mean 'nominal'?", "did you mean 'range'?"]


def test_faults_of_the_file_and_of_its_codes(tmp_path: Path) -> None:
    absent = check(tmp_path, {key: ROWS[key] for key in ("person", "joins")})
    assert isinstance(absent.error, SchemaError)
    unknown = check(tmp_path, ROWS | {"joins": ["1", "2", "7", "1"], "hours": ["5", "", "", "120"]})
    assert isinstance(unknown.error, UnexpectedCodeError)
    assert [finding.severity for finding in unknown.findings] == ["fault", "fault", "note", "note"]


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({1: "Yes", 2: "No", 3: "Sometimes"}, set()),
        (
            {1: "No", 2: "Yes"},
            {DIFFER + "1 is 'No' there and 'yes' here, 2 is 'Yes' there and 'no' here"},
        ),
        (
            {3: "Refused"},
            {
                DIFFER + "3 is 'Refused' there and 'sometimes' here",
                "an answer here, and by the file's label a missing one: 3",
            },
        ),
    ],
)
def test_labels_are_compared_with_the_files_own(
    labels: dict[int, str], told: set[str], tmp_path: Path
) -> None:
    frame = pd.DataFrame({"person": ["a", "b", "c"], "joins": [1.0, 2.0, 3.0], "hours": [5.0, None, None]})
    pyreadstat.write_sav(frame, tmp_path / "survey.sav", variable_value_labels={"joins": labels})
    (tmp_path / "codebook.toml").write_text(TOML, encoding="utf-8")
    checked = check_survey(tmp_path / "survey.sav", tmp_path / "codebook.toml")
    about = "codebook.toml: variables.joins.values"
    assert {note.found for note in checked.notes() if note.where == about} == told


def test_the_command_prints_a_table(tmp_path: Path) -> None:
    check(tmp_path, ROWS | {"joins": ["1", "2", "7", "1"]})
    words = ["check", str(tmp_path / "survey.csv"), str(tmp_path / "codebook.toml")]
    told = CliRunner().invoke(cli.main, [*words, "--format", "csv"])
    assert told.exit_code == UnexpectedCodeError.exit_status
    lines = told.stdout.splitlines()
    assert lines[0] == "severity,code,where,found,allowed,remedy"
    assert lines[1].startswith("fault,E-I200,survey.csv: joins,")
    spoken = CliRunner().invoke(cli.main, words)
    assert spoken.exit_code == UnexpectedCodeError.exit_status
    assert "    note  codebook.toml: variables.joins.values: declared, and never occurs: 3" in spoken.stdout
    assert "[E-I200] UnexpectedCodeError" in spoken.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == ["codebook.toml", "survey.csv"]


def test_labels_and_wordings_of_variables_are_compared_with_the_files_own(tmp_path: Path) -> None:
    frame = pd.DataFrame({"person": ["a", "b"], "joins.q1": [1.0, 2.0], "hours": [5.0, 6.0]})
    labels = ["Respondent number", "Joins  a club", "Hours per week"]
    pyreadstat.write_sav(frame, tmp_path / "survey.sav", column_labels=labels)
    text = TOML.replace("[variables.joins]", '[variables.joins]\ncolumn = "joins.q1"')
    text = text.replace('"Joins"', '"Joins a club (joins)"').replace('"Hours"', '"Hours a day"')
    (tmp_path / "codebook.toml").write_text(text, encoding="utf-8")
    checked = check_survey(tmp_path / "survey.sav", tmp_path / "codebook.toml")
    told = [(note.where, note.found) for note in checked.notes() if note.where.endswith(".label")]
    assert told == [
        (
            "codebook.toml: variables.hours.label",
            "the file's own label is 'Hours per week', here it is 'Hours a day'",
        )
    ]


RULES = """[cleaning]
empty_rows = "drop"
[cleaning.speeders]
duration = "hours"
action = "flag"
least = 4
[cleaning.same_answers]
action = "flag"
variables = ["joins", "hours"]
"""


def test_every_rule_is_told_with_what_it_touches(tmp_path: Path) -> None:
    """Two of four rows are the same (1 hour), and both took less than 4; no row is empty."""
    rows = {"person": ["a", "b", "c", "d"], "joins": ["1", "1", "1", "2"], "hours": ["1", "1", "9", ""]}
    checked = check(tmp_path, rows, TOML + RULES)
    table = checked.rules().set_index("rule")
    assert table.loc[["speeder", "same answers"], ["action", "rows"]].to_numpy().tolist() == [
        ["flag", 2],
        ["flag", 2],
    ]
    assert table.loc["empty row", ["action", "rows"]].tolist() == ["exclude", 0]
    plain = checked.to_frame()
    told = plain.loc[plain["severity"] == "rule", ["where", "found"]].to_numpy().tolist()
    assert ["speeder: hours under 4", "flag: 2 rows, 0 cells"] in told
    assert ["empty row", "exclude: 0 rows, 0 cells"] in told
    words = ["check", str(tmp_path / "survey.csv"), str(tmp_path / "codebook.toml")]
    lines = CliRunner().invoke(cli.main, words).stdout.splitlines()
    assert ["2", "0", "flag", "speeder", "(hours", "under", "4)"] in [line.split() for line in lines]
    assert ["0", "0", "exclude", "empty", "row"] in [line.split() for line in lines]


def test_a_check_tells_warnings_with_faults_and_without(tmp_path: Path) -> None:
    text = TOML.replace('3 = "sometimes"', '3 = "no"')
    for rows in (ROWS, ROWS | {"joins": ["1", "2", "7", "1"]}):
        checked = check(tmp_path, rows, text)
        (warning,) = checked.warnings()
        assert (warning.code, warning.where) == ("W-C122", "survey.csv")
        assert "several codes share a label" in warning.found
