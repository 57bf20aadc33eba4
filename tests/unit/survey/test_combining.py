"""Several files as one survey: what is mapped, what is refused by the name of its file, what is counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from coprodstats.errors import ArgumentError, CodebookError, InputError, SchemaError, UnexpectedCodeError
from coprodstats.survey.cleaning import clean
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.combining import combine
from coprodstats.survey.declarations import Codebook
from coprodstats.survey.reading import SurveyData

COMMON = """
title = "Two countries"
[variables.land]
label = "Country"
kind = "nominal"
values = { UK = "United Kingdom", DE = "Germany" }
[variables.id]
kind = "id"
[variables.psu]
kind = "psu"
missing = { -1 = "unknown" }
[variables.trust]
label = "Trust"
kind = "ordinal"
values = { 1 = "low", 2 = "middle", 3 = "high" }
missing = { 8 = "don't know", 97 = "not asked" }
[variables.age]
label = "Age"
kind = "numeric"
range = [0, 120]
missing = { 999 = "refused" }
[variables.group]
label = "Member of a group"
kind = "nominal"
values = { 1 = "yes", 2 = "no" }
missing = { 97 = "not asked" }
[harmonise]
source = "land"
[harmonise.files.UK]
[harmonise.files.DE]
columns = { trust = "v1", age = "alter" }
not_asked = { group = "97" }
leave_out = ["notiz"]
[harmonise.files.DE.codes]
trust = { 1 = "3", 2 = "3", 3 = "2", 4 = "1", 9 = "8" }
age = { 99 = "999" }
psu = { -1 = "-1" }
"""
UK = """
[variables.id]
kind = "id"
[variables.psu]
kind = "psu"
[variables.trust]
label = "How far do you trust them?"
kind = "ordinal"
values = { 1 = "Low", 2 = "Middle", 3 = "High" }
missing = { 8 = "don't know" }
[variables.age]
label = "Age"
kind = "numeric"
missing = { 999 = "refused" }
[variables.group]
label = "Group"
kind = "nominal"
values = { 1 = "Yes", 2 = "No" }
"""
DE = """
[variables.id]
kind = "id"
[variables.psu]
kind = "psu"
missing = { -1 = "unbekannt" }
[variables.v1]
label = "Vertrauen"
kind = "ordinal"
values = { 1 = "sehr hoch", 2 = "hoch", 3 = "mittel", 4 = "niedrig" }
missing = { 9 = "weiß nicht" }
recode = { 99 = "9" }
[variables.alter]
label = "Alter"
kind = "numeric"
missing = { 99 = "verweigert" }
[variables.notiz]
label = "Notiz"
kind = "nominal"
values = { x = "x" }
"""
UK_ROWS = ["1 10 1 40 1", "2 10 8 999 2", "3 11 3 . ."]
DE_ROWS = ["1 10 1 50 x", "2 10 4 99 .", "3 -1 99 99.0 x", "4 12 . 30 ."]


def codebook_of(folder: Path, text: str, name: str) -> Codebook:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_codebook(path)


def survey_of(folder: Path, text: str, name: str, rows: list[str]) -> SurveyData:
    codebook = codebook_of(folder, text, f"{name}.toml")
    cells = [[None if code == "." else code for code in row.split(" ")] for row in rows]
    frame = pd.DataFrame(cells, columns=list(codebook.variables), dtype="str")
    return SurveyData(frame=frame, codebook=codebook, source=f"{name}.csv", sha256=name * 16)


def combined(
    folder: Path, common: str = COMMON, uk: str = UK, de: str = DE, rows: tuple[list[str], ...] = ()
) -> SurveyData:
    uk_rows, de_rows = rows or (UK_ROWS, DE_ROWS)
    surveys = {"DE": survey_of(folder, de, "de", de_rows), "UK": survey_of(folder, uk, "uk", uk_rows)}
    return combine(surveys, codebook_of(folder, common, "common.toml"))


def test_rows_of_all_files_get_common_codes(tmp_path: Path) -> None:
    both = combined(tmp_path)
    assert both.frame.fillna(".").to_numpy().tolist() == [
        ["UK", "UK:1", "UK:10", "1", "40", "1"],
        ["UK", "UK:2", "UK:10", "8", "999", "2"],
        ["UK", "UK:3", "UK:11", "3", ".", "."],
        ["DE", "DE:1", "DE:10", "3", "50", "97"],
        ["DE", "DE:2", "DE:10", "1", "999", "97"],
        ["DE", "DE:3", "-1", "8", "999", "97"],
        ["DE", "DE:4", "DE:12", ".", "30", "97"],
    ]
    assert both.source == "uk.csv, de.csv"
    assert len(both.sha256) == 64


def test_what_became_of_each_file_is_counted_and_stays_with_the_log(tmp_path: Path) -> None:
    cleaned = clean(combined(tmp_path, COMMON + '[cleaning]\nmissing_design = "drop"\n'))
    told = cleaned.log.sources
    assert told[told["source"] == "DE"].to_numpy().tolist() == [
        ["DE", "rows", "", 4],
        ["DE", "recoded", "id", 4],
        ["DE", "recoded", "psu", 3],
        ["DE", "renamed", "trust", 4],
        ["DE", "recoded", "trust", 3],
        ["DE", "renamed", "age", 4],
        ["DE", "recoded", "age", 2],
        ["DE", "not asked", "group", 4],
        ["DE", "left out", "notiz", 4],
    ]
    assert cleaned.log.steps()["kind"].tolist()[:3] == ["in", "part", "part"]
    assert cleaned.log.rows_in == 7
    assert cleaned.log.rows_kept == 6
    assert cleaned.frame["trust"].astype("str").fillna("").tolist() == ["low", "", "high", "high", "low", ""]
    assert cleaned.reasons["group"].dropna().tolist() == ["blank", *["not asked"] * 3]
    # Cleaned again, the rows of a file are those that were kept of it.
    again = clean(cleaned.survey)
    assert again.log.sources.query("rule == 'rows'")["rows"].tolist() == [3, 3]
    pd.testing.assert_frame_equal(again.frame, cleaned.frame)


def test_units_may_be_shared(tmp_path: Path) -> None:
    both = combined(tmp_path, COMMON.replace('source = "land"', 'source = "land"\nshared = ["psu"]'))
    assert both.frame["psu"].tolist() == ["10", "10", "11", "10", "10", "-1", "12"]
    assert both.frame["id"].tolist()[0] == "UK:1"


def changed(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


@pytest.mark.parametrize(
    ("part", "old", "new", "message"),
    [
        ("common", '4 = "1", ', "", r"DE \(de\.csv\): trust: codes that no common code .*: '4' in fewer"),
        ("common", '9 = "8"', '9 = "3"', "declares missing would become answers: '9' in fewer than 10"),
        ("common", 'age = { 99 = "999" }', "", "missing would become answers: '99' in fewer than 10"),
        (
            "uk",
            '3 = "High"',
            '3 = "Top"',
            "UK .*don't mean the same in uk.toml and common.toml: '3'",
        ),
        ("uk", "don't know", "refused", "don't mean the same .*: '8'"),
        ("uk", 'missing = { 8 = "don\'t know" }', "", "don't mean the same|declares missing are answers"),
        ("uk", 'missing = { 999 = "refused" }', "", "common.toml declares missing are answers .*: '999'"),
        ("uk", 'kind = "numeric"', 'kind = "nominal"\nvalues = { 40 = "40", 41 = "41" }', "mean the same"),
    ],
)
def test_codes_that_would_change_their_meaning_are_refused(
    tmp_path: Path, part: str, old: str, new: str, message: str
) -> None:
    texts = {"common": COMMON, "uk": UK, "de": DE}
    with pytest.raises(UnexpectedCodeError, match=message) as caught:
        combined(tmp_path, **{**texts, part: changed(old, new)(texts[part])})
    assert "codes." in str(caught.value)


@pytest.mark.parametrize(
    ("part", "old", "new", "message"),
    [
        ("common", 'leave_out = ["notiz"]', "", r"DE \(de\.csv\): columns have no place: notiz"),
        ("common", '["notiz"]', '["notz"]', "there is no column 'notz'"),
        ("common", '["notiz"]', '["notiz", "v1"]', "'v1' is left out and used"),
        ("common", 'trust = "v1"', 'trust = "v2"', "de.csv has no column 'v2'"),
        ("common", 'not_asked = { group = "97" }', "", "de.csv has no column 'group'"),
    ],
)
def test_columns_without_a_place_are_refused(
    tmp_path: Path, part: str, old: str, new: str, message: str
) -> None:
    assert part == "common"
    with pytest.raises(SchemaError, match=message):
        combined(tmp_path, changed(old, new)(COMMON))


def test_all_faults_of_all_files_are_told_at_once_without_respondents_words(tmp_path: Path) -> None:
    rows = (["1 10 7 40 3", "2 10 Anna,my-friend 41 1"], ["1 10 5 fifty-ish x"])
    common = COMMON.replace('leave_out = ["notiz"]', "")
    with pytest.raises(InputError, match=r"\(5 faults\)") as caught:
        combined(tmp_path, common, rows=rows)
    told = str(caught.value)
    assert "UK (uk.csv): trust" in told
    assert "DE (de.csv): trust" in told
    assert "others in fewer than 10 rows" in told
    assert "Anna" not in told
    assert "fifty" not in told


def test_the_files_must_be_those_declared(tmp_path: Path) -> None:
    uk = survey_of(tmp_path, UK, "uk", UK_ROWS)
    common = codebook_of(tmp_path, COMMON, "common.toml")
    with pytest.raises(ArgumentError, match=r"(?s)declares no file 'DEU'.*did you mean 'DE'.*'DE', which is"):
        combine({"UK": uk, "DEU": uk}, common)
    with pytest.raises(ArgumentError, match="no files are declared"):
        combine({"UK": uk}, uk.codebook)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('source = "land"', 'source = "lnd"', "did you mean 'land'"),
        ('source = "land"', 'source = "trust"', "'trust' is no plain nominal variable"),
        ("[harmonise.files.UK]", "[harmonise.files.FR]", "land has no code 'FR'"),
        ("[harmonise.files.UK]", "", "1 files are declared"),
        ('leave_out = ["notiz"]', "leave = 1", "did you mean 'leave_out'"),
        ('trust = "v1"', 'turst = "v1"', "did you mean 'trust'"),
        ('group = "97"', 'group = "98"', "'98' is no missing code of 'group'"),
        ('group = "97"', 'trust = "97"', "'trust' has answers and is not asked"),
        ('9 = "8"', '9 = "9"', "code '9' becomes '9', which trust does not declare"),
        ('99 = "999"', '99 = "unknown"', "'unknown' is no number"),
        ('source = "land"', 'source = "land"\nshared = ["trust"]', "'trust' is no id, stratum or PSU"),
        ('trust = "v1"', 'land = "v1"', "'land' is the name of the file itself"),
    ],
)
def test_faulty_mappings_are_refused_where_they_stand(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(CodebookError, match=message) as caught:
        codebook_of(tmp_path, changed(old, new)(COMMON), "common.toml")
    assert ": harmonise" in str(caught.value)
