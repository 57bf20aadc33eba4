"""Faults of codebooks: each is told with its class, its code and a way out, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.errors import CodebookError, SchemaError, UnexpectedCodeError, did_you_mean

GOOD = """title = "t"

[variables.person]
kind = "id"

[variables.weight]
kind = "weight"

[variables.trust]
label = "Trust"
kind = "ordinal"
values = { 1 = "low", 2 = "middle", 3 = "high" }
"""
TRUST = 'values = { 1 = "low", 2 = "middle", 3 = "high" }'


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give a folder with a survey and a report, and see that neither is touched."""
    (tmp_path / "survey.csv").write_text("person,weight,trust\na,1,1\nb,1,3\n", encoding="utf-8")
    (tmp_path / "report.html").write_text("the last good report", encoding="utf-8")
    kept = {name: (tmp_path / name).read_bytes() for name in ("survey.csv", "report.html")}
    yield tmp_path
    assert {name: (tmp_path / name).read_bytes() for name in kept} == kept
    assert {path.name for path in tmp_path.iterdir()} <= {*kept, "codebook.toml"}


def read(folder: Path, text: str) -> cps.Codebook:
    (folder / "codebook.toml").write_text(text, encoding="utf-8")
    return cps.read_codebook(folder / "codebook.toml")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param(
            'kind = "weight"', 'kind = "weight"\nkind = "id"', "line 8, column .*defined twice", id="F46 key"
        ),
        pytest.param(
            "[variables.weight]", "[variables.person]", "line 6, column .*defined twice", id="F46 table"
        ),
        pytest.param(TRUST, TRUST.replace("2 =", "1 ="), "line 12, column .*defined twice", id="F46 code"),
        pytest.param(TRUST, "values = { 1 = NO, 2 = ON }", "line 12, column .*not valid TOML", id="F47 NO"),
        pytest.param(
            TRUST, "values = { 1 = true, 2 = false }", "line 12: .*code '1' has no text", id="F47 true"
        ),
        pytest.param(
            TRUST, "values = { 1 = 12:30, 2 = 010 }", "line 12, column .*not valid TOML", id="F47 010"
        ),
        pytest.param(
            TRUST,
            "values = { 1 = 12:30:00, 2 = 1979-05-27 }",
            "line 12: .*code '1' has no text",
            id="F47 time",
        ),
        pytest.param(TRUST, "values = " + "{ a = " * 3000 + "1", "codebook.toml", id="F48 nesting"),
        pytest.param('kind = "weight"', 'kind = "wieght"', "line 7: .*did you mean 'weight'", id="F49 kind"),
        pytest.param(
            'label = "Trust"',
            'Lable = "Trust"',
            "line 10: variables.trust: 'Lable' is not .*'label'",
            id="F49 key",
        ),
        pytest.param(TRUST, "", "line 9: variables.trust.*too few values.*values = { 1", id="F50 no order"),
        pytest.param(TRUST, 'values = ["low", "high"]', "line 12: .*this is a list", id="F50 list"),
    ],
)
def test_a_codebook_that_is_wrong_is_refused(old: str, new: str, told: str, folder: Path) -> None:
    with pytest.raises(CodebookError, match=rf"(?s)^\[E-C100\].*{told}") as caught:
        read(folder, GOOD.replace(old, new, 1))
    assert caught.value.exit_status == 3


def test_codes_that_yaml_would_change_stay_text(folder: Path) -> None:
    codes = ["NO", "ON", "yes", "010", "1e3", "null"]
    values = ", ".join(f'{code} = "label {code}"' for code in codes)
    text = GOOD.replace(TRUST, f"values = {{ {values} }}").replace("ordinal", "nominal")
    assert list(read(folder, text).variables["trust"].codes) == codes


def test_a_large_codebook_is_refused(folder: Path) -> None:
    with pytest.raises(CodebookError, match=r"\[E-C100\](?s:.)*larger than 10 MB"):
        read(folder, "# " + "x" * 10_000_000 + "\n" + GOOD)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param(
            "[variables.weight]",
            "[variables.wieght]",
            r"there is no column 'wieght', which codebook\.toml declares(?s:.)*did you mean 'weight'"
            r"(?s:.)*does not declare columns: 'weight'",
            id="F51 both ways",
        ),
        pytest.param(
            '[variables.weight]\nkind = "weight"\n',
            "",
            "does not declare columns: 'weight'(?s:.)*ignore_columns",
            id="F51 only in the file",
        ),
    ],
)
def test_columns_and_codebook_must_match(old: str, new: str, told: str, folder: Path) -> None:
    codebook = read(folder, GOOD.replace(old, new, 1))
    with pytest.raises(SchemaError, match=rf"^\[E-I110\](?s:.)*{told}"):
        cps.read_survey(folder / "survey.csv", codebook)


def cleaned(folder: Path, text: str, *answers: str) -> cps.CleanedSurvey:
    """Clean one answer per row, with weights of 1."""
    codebook = read(folder, text)
    rows = {"person": [str(i) for i, _ in enumerate(answers)], "weight": "1", "trust": list(answers)}
    return cps.clean(cps.survey_from_frame(pd.DataFrame(rows), codebook, source="survey.csv"))


def test_a_missing_code_keeps_its_reason_and_enters_no_mean(folder: Path) -> None:
    """F40."""
    text = GOOD.replace(TRUST, TRUST + '\nmissing = { 88 = "don\'t know", 99 = "refused" }')
    found = cleaned(folder, text, "1", "88", "3", "99")
    assert found.reasons["trust"].fillna("").tolist() == ["", "don't know", "", "refused"]
    numeric = text.replace(TRUST, "range = [1, 3]").replace('"ordinal"', '"numeric"')
    assert cps.means(cleaned(folder, numeric, "1", "88", "3", "99"), "trust")["estimate"].tolist() == [2.0]


def test_a_code_that_nobody_declared_is_refused(folder: Path) -> None:
    """F41."""
    with pytest.raises(UnexpectedCodeError, match=r"^\[E-I200\]") as caught:
        cleaned(folder, GOOD, *["88"] * 12, "1")
    assert caught.value.exit_status == 4
    told = str(caught.value)
    assert "survey.csv: trust: codes that the codebook does not declare: '88' in 12 rows" in told
    assert "looks like a missing code" in told
    assert "declare them in variables.trust.values or .missing" in told


def test_two_codes_with_one_label_are_kept_apart(folder: Path) -> None:
    """F42."""
    text = GOOD.replace('2 = "middle"', '2 = "Low"')
    found = cleaned(folder, text, "1", "2", "3")
    assert found.frame["trust"].tolist() == ["low (1)", "Low (2)", "high"]
    warning = (
        "[W-C122] codebook.toml, line 12: variables.trust.values: several codes share a label, and are told "
        "apart by their codes: low, Low"
    )
    assert found.warnings == (warning,)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, "1"], dtype=object),
        pd.Series([1, "1"], dtype="category"),
        pd.Series([1.0, 1], dtype=object),
        pd.Series(["1", 1.0], dtype="category"),
    ],
    ids=["object", "category", "numbers", "category of numbers"],
)
def test_a_number_and_its_text_are_not_taken_for_two_categories(column: pd.Series, folder: Path) -> None:
    """F42: categories that are written alike are one code, or refused; they never become two."""
    frame = pd.DataFrame({"person": ["a", "b"], "weight": 1.0, "trust": column})
    codebook = read(folder, GOOD)
    try:
        survey = cps.survey_from_frame(frame, codebook)
    except SchemaError as error:
        assert "trust: the cells are not all of one type" in str(error)  # noqa: PT017  (either will do)
    else:
        assert survey.frame["trust"].tolist() == ["1", "1"]


def test_two_spellings_of_a_missing_number_have_one_reason(folder: Path) -> None:
    text = GOOD.replace(TRUST, 'missing = { 99 = "refused", "99.0" = "blank" }').replace("ordinal", "numeric")
    with pytest.raises(CodebookError, match=r"line 12: .*code '99\.0' is the same number as another"):
        read(folder, text)


@pytest.mark.parametrize("name", ["WEIGHT", "Wieght", "wEIGTH"])
def test_suggestions_do_not_mind_capitals(name: str) -> None:
    assert did_you_mean(name, ["weight", "age"]) == "did you mean 'weight'?"
