"""Cleaning: each rule on a survey of a few rows, and the log that accounts for all of them."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from coprodstats.errors import (
    ArgumentError,
    CoprodstatsError,
    DesignError,
    DuplicateIdError,
    InputError,
    UnexpectedCodeError,
    WeightError,
)
from coprodstats.survey.cleaning import CleanedSurvey, clean
from coprodstats.survey.declarations import CleaningRules, Codebook, Index, Items, Variable
from coprodstats.survey.design import SurveyDesign
from coprodstats.survey.log import CleaningLog, complete_cases
from coprodstats.survey.reading import SurveyData

ANSWERS = {"3": "never", "2": "sometimes", "1": "often"}
GAPS = {"8": "don't know", "9": "refused"}
ID = Variable(name="id", label="Respondent", kind="id")
ITEM = Variable(
    name="q",
    label="Question",
    kind="ordinal",
    values=ANSWERS,
    missing=GAPS,
)
SEX = Variable(
    name="sex", label="Sex", kind="nominal", values={"2": "woman", "1": "man"}, undeclared="missing"
)
AGE = Variable(
    name="age",
    label="Age",
    kind="numeric",
    range=(18.0, 90.0),
    missing={"99": "refused"},
    out_of_range="missing",
    not_a_number="missing",
)
WEIGHT = Variable(name="w", label="Weight", kind="weight")
STRATUM = Variable(name="s", label="Region", kind="stratum")
PSU = Variable(name="p", label="Place", kind="psu", missing={"-1": "unknown"})
DROP = CleaningRules(duplicate_ids="keep first", empty_rows="drop", missing_design="drop")


def survey_of(
    variables: list[Variable], rows: list[str], rules: CleaningRules = DROP, **parts: object
) -> SurveyData:
    """Write rows as codes separated by spaces; a point is a blank cell."""
    cells = [[None if code == "." else code for code in row.split(" ")] for row in rows]
    frame = pd.DataFrame(cells, columns=[variable.name for variable in variables], dtype="str")
    declared = {variable.name: variable for variable in variables}
    codebook = Codebook(title="t", synthetic=False, variables=declared, cleaning=rules, **parts)
    return SurveyData(frame=frame, codebook=codebook, source="survey.csv", sha256="0" * 64)


def cells_of(log: CleaningLog, rule: str) -> dict[tuple[str, str], int]:
    lines = log.cells[log.cells["rule"] == rule]
    return {(line.variable, line.reason): line.cells for line in lines.itertuples()}


def test_columns_get_the_types_of_their_kinds() -> None:
    survey = survey_of(
        [ID, ITEM, SEX, AGE, WEIGHT, STRATUM, PSU], ["007 1 2 40 0.5 10 b", "008 3 1 18.5 2 9 a"]
    )
    frame = clean(survey).frame
    assert frame["id"].tolist() == ["007", "008"]
    assert frame["q"].cat.categories.tolist() == ["never", "sometimes", "often"]
    assert frame["q"].cat.ordered
    assert frame["q"].tolist() == ["often", "never"]
    assert frame["sex"].cat.categories.tolist() == ["woman", "man"]
    assert not frame["sex"].cat.ordered
    assert frame["age"].tolist() == [40.0, 18.5]
    assert frame["w"].tolist() == [0.5, 2.0]
    assert frame["s"].tolist() == ["10", "9"]
    assert frame["p"].cat.categories.tolist() == ["a", "b"]


def test_every_missing_cell_keeps_its_reason() -> None:
    survey = survey_of([ID, ITEM, SEX, AGE], ["1 8 1 17", "2 9 7 99.0", "3 . 2 forty", "4 1 1 50"])
    cleaned = clean(survey)
    assert cleaned.reasons["q"].fillna("").tolist() == ["don't know", "refused", "blank", ""]
    assert cleaned.reasons["sex"].fillna("").tolist() == ["", "undeclared code", "", ""]
    # 99.0 is the missing code 99: for numbers the value counts, not how it is written.
    assert cleaned.reasons["age"].fillna("").tolist() == ["out of range", "refused", "not a number", ""]
    assert cleaned.frame.isna().equals(cleaned.reasons.notna())
    log = cleaned.log
    assert cells_of(log, "missing code") == {
        ("q", "don't know"): 1,
        ("q", "refused"): 1,
        ("age", "refused"): 1,
    }
    assert cells_of(log, "blank")["q", "blank"] == 1
    assert cells_of(log, "undeclared code") == {("q", "undeclared code"): 0, ("sex", "undeclared code"): 1}
    assert cells_of(log, "not a number") == {("age", "not a number"): 1}
    assert cells_of(log, "out of range") == {("age", "out of range"): 1}
    assert cells_of(log, "reversed") == {("", ""): 0}
    assert cells_of(log, "not derived") == {("", ""): 0}
    age = log.valid.set_index("variable").loc["age"]
    assert (age["valid"], age["missing"]) == (1, 3)
    told = log.missing_by_reason()
    assert told.loc[told["variable"] == "q", "reason"].tolist() == ["blank", "don't know", "refused"]


def test_reversed_scales_are_turned_round() -> None:
    turned = replace(ITEM, values=dict(reversed(ANSWERS.items())), reverse=True)
    points = Variable(
        name="n", label="Points", kind="numeric", range=(0.0, 10.0), reverse=True, missing={"88": "x"}
    )
    cleaned = clean(survey_of([turned, points], ["1 0", "3 10", "2 3.5", "8 88"]))
    assert cleaned.frame["q"].cat.categories.tolist() == ["often", "sometimes", "never"]
    assert cleaned.frame["q"].tolist()[:3] == ["often", "never", "sometimes"]
    assert cleaned.frame["n"].tolist()[:3] == [10.0, 0.0, 6.5]
    assert cells_of(cleaned.log, "reversed") == {("q", ""): 3, ("n", ""): 3}


def test_rows_are_excluded_in_order_and_counted() -> None:
    rows = [
        "1 1 2 a",
        "1 2 2 a",
        ". . . .",
        "2 . 1 a",
        "3 1 . a",
        "4 1 1 -1",
        "5 1 1 b",
        ". 1 1 b",
        ". 2 1 b",
    ]
    cleaned = clean(survey_of([ID, ITEM, WEIGHT, PSU], rows))
    assert cleaned.frame["id"].fillna("none").tolist() == ["1", "2", "5", "none", "none"]
    assert cleaned.frame.index.tolist() == [0, 1, 2, 3, 4]
    assert cleaned.log.flow() == [
        ("rows in the file", 9),
        ("excluded: empty row", 1),
        ("excluded: repeated id", 1),
        ("excluded: missing weight", 1),
        ("excluded: missing stratum", 0),
        ("excluded: missing psu", 1),
        ("rows kept", 5),
    ]
    table = cleaned.log.to_frame()
    assert list(table) == ["stage", "rule", "variable", "reason", "rows", "cells"]
    rows_told = table.dropna(subset="rows").set_index(["stage", "reason"])["rows"]
    assert rows_told["rows in", ""] == rows_told["rows kept", ""] + rows_told["excluded"].sum()


def test_all_rows_of_a_repeated_id_are_dropped_if_asked() -> None:
    rules = CleaningRules(duplicate_ids="drop all")
    cleaned = clean(survey_of([ID, ITEM], ["1 1", "2 2", "1 3", "3 1"], rules))
    assert cleaned.frame["id"].tolist() == ["2", "3"]
    assert dict(cleaned.log.flow())["excluded: repeated id"] == 2


def test_rules_that_are_not_declared_are_errors() -> None:
    strict = CleaningRules()
    with pytest.raises(DuplicateIdError, match="E-I210") as repeated:
        clean(survey_of([ID, ITEM], ["1 1", "1 2"], strict))
    assert "fewer than 10 ids occur more than once, in fewer than 10 rows" in str(repeated.value)
    assert 'cleaning.duplicate_ids = "keep first" or "drop all"' in str(repeated.value)
    with pytest.raises(InputError, match="rows have no entry at all"):
        clean(survey_of([ID, ITEM], ["1 1", ". ."], strict))
    with pytest.raises(InputError, match=r"\[E-I100\] InputError\n"):  # an empty row is told once
        clean(survey_of([ID, PSU, WEIGHT], ["1 a 1", ". . ."], strict))
    with pytest.raises(DesignError, match=r"survey\.csv: p: fewer than 10 rows have no psu"):
        clean(survey_of([ID, PSU], ["1 a", "2 -1"], strict))
    with pytest.raises(InputError, match=r"\(3 faults\)"):
        clean(survey_of([ID, PSU, ITEM], ["1 a 1", "2 . 1", "1 a 4"], strict))


def test_undeclared_codes_name_variable_code_and_count_for_all_variables() -> None:
    other = replace(ITEM, name="r", label="Other", missing={})
    rows = ["1 1"] * 3 + ["4 8"] * 12 + ["-1 often"] + ["99 a-long-private-answer"]
    with pytest.raises(UnexpectedCodeError, match=r"\[E-I200\] UnexpectedCodeError \(2 faults\)") as caught:
        clean(survey_of([ITEM, other], rows))
    message = str(caught.value)
    assert "survey.csv: q: codes that the codebook does not declare: '4' in 12 rows" in message
    assert "'4' in 12 rows (nearest declared code '3')" in message
    assert "'-1' in fewer than 10 rows (nearest declared code '1'; looks like a missing code)" in message
    assert "survey.csv: r: codes that the codebook does not declare: '8' in 12 rows" in message
    assert "looks like a missing code" in message
    assert "private" not in message
    assert "texts of more than 12 characters in fewer than 10 rows" in message
    assert 'or set undeclared = "missing"' in message


@pytest.mark.parametrize(("code", "near"), [("1.0", "'1'"), ("01", "'1'"), ("2 ", "'2'"), ("dk", "'DK'")])
def test_the_nearest_code_is_what_was_meant(code: str, near: str) -> None:
    land = replace(ITEM, values={**ANSWERS, "DK": "Denmark"})
    survey = survey_of([land], ["1", "x"])
    survey = replace(survey, frame=pd.DataFrame({"q": ["1", code]}, dtype="str"))
    with pytest.raises(UnexpectedCodeError, match=f"nearest declared code {near}"):
        clean(survey)


def test_text_and_ranges_are_errors_without_their_values() -> None:
    strict = replace(AGE, out_of_range="error", not_a_number="error")
    rows = ["40", "41,5", "refused-by-Anna", "17.123", "1_000", "nan", "999"]
    with pytest.raises(UnexpectedCodeError, match=r"\(2 faults\)") as caught:
        clean(survey_of([strict], rows))
    message = str(caught.value)
    assert "text where a number belongs in fewer than 10 rows, fewer than 10 of which look like" in message
    assert "numbers outside 18 to 90 in fewer than 10 rows, among them 999" in message
    assert "Anna" not in message
    assert "17.123" not in message


def test_a_weight_must_be_a_number() -> None:
    with pytest.raises(WeightError, match=r"survey\.csv: w: text where a number belongs"):
        clean(survey_of([WEIGHT, ITEM], ["1,5 1", "2 1"]))
    assert clean(survey_of([WEIGHT, ITEM], ["0 1", "2 1"])).frame["w"].tolist() == [0.0, 2.0]


def test_no_row_left_is_an_error() -> None:
    with pytest.raises(InputError, match="no row is left after cleaning"):
        clean(survey_of([ID, ITEM], [". .", ". ."]))


def indexed(rows: list[str]) -> SurveyData:
    items = [replace(ITEM, name=name, label=name) for name in ("a", "b")]
    index = Index(name="i", label="Index", items=Items(role="all", names=("a", "b"), min_answered=1))
    mappings = {"both": {"all": ("a", "b")}, "first": {"all": ("a",)}}
    return survey_of(items, rows, indices={"i": index}, mappings=mappings, mapping="both")


def test_the_mapping_is_chosen_by_name() -> None:
    survey = indexed(["1 3", "9 1", "8 9"])
    both, first = clean(survey), clean(survey, mapping="first")
    assert both.frame["i"].fillna(-1).tolist() == [50.0, 100.0, -1.0]
    assert first.frame["i"].fillna(-1).tolist() == [100.0, -1.0, -1.0]
    assert (both.mapping, first.mapping) == ("both", "first")
    assert cells_of(both.log, "not derived") == {("i", "fewer than 1 of 2 items answered"): 1}
    assert both.label_of("i") == "Index"
    with pytest.raises(ArgumentError, match="did you mean 'first'"):
        clean(survey, mapping="frst")


def test_the_design_is_that_of_the_codebook() -> None:
    assert clean(survey_of([ID, WEIGHT, PSU], ["1 1 a"])).design == SurveyDesign(weights="w", psu="p")
    assert clean(survey_of([STRATUM], ["1"])).design == SurveyDesign(strata="s")
    assert clean(survey_of([ID], ["1"])).design is None


def test_a_cleaned_survey_can_not_be_changed_by_its_users() -> None:
    cleaned = clean(survey_of([ID, ITEM], ["1 1", "2 8"]))
    frame, reasons = cleaned.frame, cleaned.reasons
    frame.loc[0, "id"] = "changed"
    reasons["q"] = "changed"
    assert cleaned.frame["id"].tolist() == ["1", "2"]
    assert cleaned.reasons["q"].fillna("").tolist() == ["", "don't know"]
    with pytest.raises(AttributeError, match="log"):
        cleaned.log = cleaned.log  # type: ignore[misc]


def test_what_is_printed_holds_no_answers() -> None:
    cleaned = clean(survey_of([ID, SEX], ["secret 1"]))
    assert repr(cleaned) == "<CleanedSurvey 'survey.csv': 1 rows, 2 columns>"
    assert repr(cleaned.log) == "<CleaningLog: 1 rows in, 1 kept>"
    assert (cleaned.source, cleaned.sha256) == ("survey.csv", "0" * 64)
    assert isinstance(cleaned, CleanedSurvey)


def test_rows_lost_to_a_model_are_counted_at_their_first_gap() -> None:
    survey = survey_of([ID, ITEM, AGE], ["1 8 17", "2 9 40", "3 1 99", "4 1 30", "5 8 99"])
    reasons = clean(survey).reasons
    lost = complete_cases(reasons, ["q", "age", "q"])
    expected = [("q", "don't know", 2), ("q", "refused", 1), ("age", "refused", 1)]
    assert list(lost.itertuples(index=False, name=None)) == expected
    assert 5 - lost["rows"].sum() == 1
    assert list(complete_cases(reasons, ["id"])) == ["variable", "reason", "rows"]
    assert complete_cases(reasons, ["id"]).empty
    with pytest.raises(ArgumentError, match="did you mean 'age'"):
        complete_cases(reasons, ["agee"])


def test_a_log_that_does_not_add_up_is_refused() -> None:
    log = clean(survey_of([ID, ITEM], ["1 1", "2 8"])).log
    with pytest.raises(CoprodstatsError, match="3 rows in, 2 kept, 0 excluded"):
        replace(log, rows_in=3)
    with pytest.raises(CoprodstatsError, match="answers and missing answers are not all rows in q"):
        replace(log, missing=log.missing.iloc[:0])


def test_the_index_of_a_data_frame_does_not_matter() -> None:
    survey = survey_of([ID, ITEM], ["1 1", "1 2", "2 8"])
    shuffled = replace(survey, frame=survey.frame.set_axis([5, 5, 5]))
    assert clean(shuffled).frame.equals(clean(survey).frame)
