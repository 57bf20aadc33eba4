"""Columns whose names in the file can't stand in formulas: read under names of the codebook."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

import coprodstats as cps
from coprodstats.errors import CodebookError, SchemaError

TRUST, LAMBDA, SPACED = "Q1. Trust in the town – 1=low", "lambda", " age "
TOML = f"""
[variables.person]
kind = "id"
[variables.trust]
column = "{TRUST}"
label = "Trust"
kind = "ordinal"
values = {{ 1 = "low", 2 = "high" }}
[variables.lambda_]
column = "lambda"
label = "Lambda"
kind = "numeric"
[variables.age]
column = "{SPACED}"
label = "Age"
kind = "numeric"
[cleaning]
ignore_columns = ["trust", "other "]
"""
# The file has a column "trust" of its own, which is another one.
FRAME = pd.DataFrame(
    {
        "trust": ["x", "y"],
        "person": ["a", "b"],
        TRUST: ["2", "1"],
        "other ": ["", "z"],
        LAMBDA: ["0.5", "7"],
        SPACED: ["40", "41"],
    }
)


def codebook(folder: Path, text: str = TOML) -> cps.Codebook:
    (folder / "codebook.toml").write_text(text, encoding="utf-8")
    return cps.read_codebook(folder / "codebook.toml")


def test_columns_are_read_under_the_names_of_the_codebook(tmp_path: Path) -> None:
    declared = codebook(tmp_path)
    FRAME.to_csv(tmp_path / "survey.csv", index=False)
    for survey in (
        cps.read_survey(tmp_path / "survey.csv", declared),
        cps.survey_from_frame(FRAME, declared),
    ):
        cleaned = cps.clean(survey)
        assert list(cleaned.frame) == ["person", "trust", "lambda_", "age"]
        assert cleaned.frame["trust"].tolist() == ["high", "low"]
        assert cleaned.frame["lambda_"].tolist() == [0.5, 7.0]
        assert cleaned.frame["age"].tolist() == [40.0, 41.0]


def test_missing_codes_of_the_file_keep_to_their_column(tmp_path: Path) -> None:
    """SPSS declares 2 missing for the column that the codebook calls trust, and takes for an answer."""
    frame = pd.DataFrame({"a.b": [1.0, 2.0], "trust": [1.0, 1.0]})
    pyreadstat.write_sav(frame, tmp_path / "survey.sav", missing_ranges={"a.b": [2]})
    text = """
[variables.trust]
column = "a.b"
label = "Trust"
kind = "ordinal"
values = { 1 = "low", 2 = "high" }
[cleaning]
ignore_columns = ["trust"]
"""
    with pytest.raises(cps.CoprodstatsError, match=r"survey\.sav: trust: 2 declared missing by the file"):
        cps.read_survey(tmp_path / "survey.sav", codebook(tmp_path, text))


def test_a_column_that_is_not_there_is_told_by_its_name_in_the_file(tmp_path: Path) -> None:
    declared = codebook(tmp_path)
    with pytest.raises(SchemaError, match=r"there is no column 'Q1\. Trust in the town – 1=low'") as caught:
        cps.survey_from_frame(FRAME.rename(columns={TRUST: TRUST[:-1]}), declared)
    assert f"did you mean {TRUST[:-1]!r}?" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('column = "lambda"', 'column = "person"', "line 10: .*the column 'person' is that of 'person' too"),
        ('column = "lambda"', 'column = ""', "line 10: .*it is empty"),
        ('column = "lambda"', "column = 3", "line 10: .*this is a number"),
        ('"other "', f'"{TRUST}"', "ignore_columns: declared as variables too: Q1. Trust"),
        ("[variables.lambda_]", "[variables.lambda]", "means something else in formulas(?s:.)*column = "),
    ],
)
def test_a_column_has_one_variable(old: str, new: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(CodebookError, match=told):
        codebook(tmp_path, TOML.replace(old, new))
