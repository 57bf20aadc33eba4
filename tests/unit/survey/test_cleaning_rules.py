"""Declared cleaning rules: what the codebook may say, and what each rule does to a survey of a few rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from coprodstats.errors import CodebookError, CoprodstatsError, InputError, UnexpectedCodeError
from coprodstats.survey.cleaning import CleanedSurvey, clean
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.declarations import Codebook
from coprodstats.survey.reading import SurveyData

ITEM = """
[variables.{name}]
label = "Question {name}"
kind = "ordinal"
values = {{ 1 = "never", 2 = "seldom", 3 = "often", 4 = "always" }}
missing = {{ 8 = "don't know", 7 = "not applicable" }}
"""
MINUTES = """
[variables.minutes]
label = "Minutes"
kind = "numeric"
missing = { -1 = "lost" }
"""
ID = '[variables.id]\nkind = "id"\n'


def items(names: str, extra: str = "") -> str:
    return "".join(ITEM.format(name=name) + extra for name in names)


def filled(text: str, **parts: str) -> str:
    for name, part in parts.items():
        text = text.replace(f"{{{name}}}", part)
    return text


def codebook_of(folder: Path, text: str) -> Codebook:
    path = folder / "codebook.toml"
    path.write_text(text, encoding="utf-8")
    return read_codebook(path)


def cleaned_of(folder: Path, text: str, rows: list[str]) -> CleanedSurvey:
    """Clean rows written as codes separated by spaces; a point is a blank cell."""
    codebook = codebook_of(folder, text)
    cells = [[None if code == "." else code for code in row.split(" ")] for row in rows]
    frame = pd.DataFrame(cells, columns=list(codebook.variables), dtype="str")
    return clean(SurveyData(frame=frame, codebook=codebook, source="survey.csv"))


def rule_of(cleaned: CleanedSurvey, rule: str) -> tuple[str, int, int]:
    line = cleaned.log.rules.set_index("rule").loc[rule]
    return line["action"], int(line["rows"]), int(line["cells"])


def faults_of(folder: Path, text: str) -> str:
    with pytest.raises(CodebookError, match="E-C100") as caught:
        codebook_of(folder, text)
    return str(caught.value)


def test_codes_are_recoded_once_and_before_labels(tmp_path: Path) -> None:
    # 1 and 2 change places: a chain of single steps would make them one.
    text = items("q", 'recode = { 1 = "2", 2 = "1", 99 = "8", "3.0" = "3" }\n') + ID
    cleaned = cleaned_of(tmp_path, text, ["1 a", "2 b", "99 c", "3.0 d", "4 e", ". f"])
    shown = cleaned.frame["q"].astype("str").fillna("")
    assert shown.tolist() == ["seldom", "never", "", "often", "always", ""]
    assert cleaned.reasons["q"].dropna().tolist() == ["don't know", "blank"]
    assert rule_of(cleaned, "recoded") == ("change", 4, 4)
    # The codes themselves stay as they were read: recoding them again would turn 1 and 2 back.
    assert cleaned.survey.frame["q"].tolist()[:3] == ["1", "2", "99"]


def test_a_number_is_recoded_however_it_is_written(tmp_path: Path) -> None:
    text = MINUTES + 'recode = { 999 = "-1" }\n' + ID
    cleaned = cleaned_of(tmp_path, text, ["999.0 1", "9 2"])
    assert cleaned.reasons["minutes"].tolist()[0] == "lost"
    assert rule_of(cleaned, "recoded") == ("change", 1, 1)


def test_labels_are_merged_in_their_order_and_scored_as_one(tmp_path: Path) -> None:
    text = items("q", 'collapse = { "often or more" = ["often", "always"] }\n')
    text += '[indices.i]\nlabel = "I"\nitems = ["q"]\nmin_answered = 1\n'
    cleaned = cleaned_of(tmp_path, text, ["1", "2", "3", "4", "8"])
    assert cleaned.frame["q"].cat.categories.tolist() == ["never", "seldom", "often or more"]
    assert cleaned.frame["q"].tolist()[:4] == ["never", "seldom", "often or more", "often or more"]
    assert cleaned.frame["i"].tolist()[:4] == [0.0, 50.0, 100.0, 100.0]
    assert rule_of(cleaned, "collapsed") == ("change", 2, 2)


def test_a_merge_may_keep_one_of_its_labels_and_counts_the_other(tmp_path: Path) -> None:
    text = items("q", 'reverse = true\ncollapse = { "often" = ["often", "always"] }\n')
    cleaned = cleaned_of(tmp_path, text, ["3", "4", "4", "1"])
    assert cleaned.frame["q"].cat.categories.tolist() == ["often", "seldom", "never"]
    assert rule_of(cleaned, "collapsed") == ("change", 2, 2)
    assert rule_of(cleaned, "reversed") == ("change", 4, 4)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ('recode = { 5 = "6" }', "code '5' is recoded to '6', which is not declared"),
        ('recode = { 1 = "1" }', "recoded to itself"),
        ('collapse = { "x" = ["often", "alwys"] }', "did you mean 'always'"),
        ('collapse = { "x" = ["never", "often"] }', "don't follow one another"),
        ('collapse = { "x" = ["often"] }', "1 labels are merged"),
        ('collapse = { "never" = ["often", "always"] }', "another value has this label"),
        ('collapse = { "x" = ["never", "seldom"], "y" = ["seldom", "often"] }', "more than once: seldom"),
        ('collapse = { "x" = ["never", "seldom", "often", "always"] }', "fewer than two labels are left"),
        ("scores = [0, 1, 2, 3]\ncollapse = { x = ['often', 'always'] }", "the scores don't fit"),
    ],
)
def test_faulty_changes_are_refused_where_they_stand(tmp_path: Path, extra: str, message: str) -> None:
    assert message in faults_of(tmp_path, items("q", extra))


def test_recoding_needs_numbers_for_numbers(tmp_path: Path) -> None:
    assert "'many' is no number" in faults_of(tmp_path, MINUTES + 'recode = { 99 = "many" }\n')
    assert "'recode' does not belong to kind 'id'" in faults_of(tmp_path, ID + 'recode = { 1 = "2" }\n')


SAME = items("abc") + MINUTES + ID + '[cleaning.same_answers]\naction = "{action}"\n'
TWINS = ["1 2 8 10 p", "1 2 8 99 q", "1 2 3 10 r", "8 . 7 5 s", "8 . 7 5 t", "1 2 8 10 u"]


def test_rows_with_the_same_answers_are_kept_once_or_not_at_all(tmp_path: Path) -> None:
    text = SAME.replace('"{action}"', '"{action}"\nvariables = ["a", "b", "c"]')
    first = cleaned_of(tmp_path, filled(text, action="keep first"), TWINS)
    # s and t say nothing at all, so that they don't say the same.
    assert first.frame["id"].tolist() == ["p", "r", "s", "t"]
    assert dict(first.log.flow())["excluded: same answers"] == 2
    none = cleaned_of(tmp_path, filled(text, action="drop all"), TWINS)
    assert none.frame["id"].tolist() == ["r", "s", "t"]
    with pytest.raises(InputError, match="fewer than 10 rows have the same answers as another row"):
        cleaned_of(tmp_path, filled(text, action="error"), TWINS)


def test_same_answers_may_be_flagged_in_all_substantive_variables(tmp_path: Path) -> None:
    cleaned = cleaned_of(tmp_path, filled(SAME, action="flag"), TWINS)
    flag = cleaned.frame["flag_same_answers"]
    # The minutes count as an answer here, since no rule calls them a duration: q differs from p and u.
    assert flag.tolist() == ["yes", "no", "no", "yes", "yes", "yes"]
    assert flag.cat.categories.tolist() == ["no", "yes"]
    assert cleaned.label_of("flag_same_answers") == "Same answers as another row"
    assert rule_of(cleaned, "same answers") == ("flag", 4, 0)
    assert cleaned.log.rows_kept == len(TWINS)
    timed = filled(SAME, action="flag") + '[cleaning.speeders]\nduration = "minutes"\nleast = 1\n'
    timed = cleaned_of(tmp_path, timed + 'action = "exclude"\n', TWINS)
    assert timed.frame["flag_same_answers"].tolist() == ["yes", "yes", "no", "no", "no", "yes"]


def test_same_answers_are_found_among_more_combinations_than_numbers_have_room_for(tmp_path: Path) -> None:
    names = [f"v{number}" for number in range(40)]  # 7 ** 40 is far above 2 ** 63
    text = "".join(ITEM.format(name=name) for name in names)
    text += '[cleaning.same_answers]\naction = "flag"\n'
    one, other = ["1"] * 40, ["1"] * 39 + ["2"]
    third = ["2"] + ["1"] * 39
    rows = [" ".join(row) for row in (one, other, third, one, ["8"] * 39 + ["3"], ["4"] * 40)]
    cleaned = cleaned_of(tmp_path, text, rows)
    assert cleaned.frame["flag_same_answers"].tolist() == ["yes", "no", "no", "yes", "no", "no"]


SPEED = MINUTES + ID + '[cleaning.speeders]\nduration = "minutes"\naction = "{action}"\n{limit}\n'


def test_speeders_are_below_a_limit_or_a_share_of_the_median(tmp_path: Path) -> None:
    rows = ["4 a", "5 b", "10 c", "20 d", "-1 e", "12 f", ". g"]
    fixed = cleaned_of(tmp_path, filled(SPEED, action="exclude", limit="least = 5"), rows)
    assert fixed.frame["id"].tolist() == ["b", "c", "d", "e", "f", "g"]
    # The median of 4, 5, 10, 20 and 12 is 10; half of it is 5.
    share = cleaned_of(tmp_path, filled(SPEED, action="exclude", limit="share_of_median = 0.5"), rows)
    assert share.frame["id"].tolist() == fixed.frame["id"].tolist()
    told = share.log.rules.set_index("rule").loc["speeder"]
    assert (told["action"], told["rows"]) == ("exclude", 1)
    assert told["detail"] == "minutes under 5, 0.5 of the median"
    # The limit stays, though the median of the rows kept is 12: nobody is excluded the second time.
    again = clean(share.survey)
    assert again.log.rules.set_index("rule").loc["speeder", "rows"] == 0
    flagged = cleaned_of(tmp_path, filled(SPEED, action="flag", limit="share_of_median = 0.5"), rows)
    assert flagged.frame["flag_speeder"].tolist() == ["yes", "no", "no", "no", "no", "no", "no"]


def test_a_median_of_no_times_is_refused(tmp_path: Path) -> None:
    text = filled(SPEED, action="exclude", limit="share_of_median = 0.5")
    with pytest.raises(InputError, match="no row has a time, so that there is no median"):
        cleaned_of(tmp_path, text, [". a", "-1 b"])


BATTERY = items("abcd") + ID + "[cleaning.straight_lining.trust]\n"


def test_straight_lines_are_one_code_in_enough_answered_items(tmp_path: Path) -> None:
    rule = 'items = ["a", "b", "c", "d"]\nmin_items = 3\naction = "{action}"\n'
    rows = ["2 2 2 2 v", "2 2 8 2 w", "2 2 . 8 x", "8 8 8 8 y", "2 2 2 3 z"]
    out = cleaned_of(tmp_path, BATTERY + filled(rule, action="exclude"), rows)
    assert out.frame["id"].tolist() == ["x", "y", "z"]
    assert rule_of(out, "straight-lining: trust") == ("exclude", 2, 0)
    flagged = cleaned_of(tmp_path, BATTERY + filled(rule, action="flag"), rows)
    assert flagged.frame["flag_straight_lining_trust"].tolist() == ["yes", "yes", "no", "no", "no"]


def test_straight_lines_are_seen_as_they_were_ticked(tmp_path: Path) -> None:
    text = items("ab") + items("c", "reverse = true\n") + ID
    text += '[cleaning.straight_lining.q]\nitems = ["a", "b", "c"]\naction = "flag"\n'
    cleaned = cleaned_of(tmp_path, text, ["1 1 1 x", "1 1 4 y"])
    assert cleaned.frame["flag_straight_lining_q"].tolist() == ["yes", "no"]


def test_too_few_answers_count_items_asked(tmp_path: Path) -> None:
    text = items("abcd") + ID + '[cleaning.item_nonresponse]\nitems = ["a", "b", "c", "d"]\n'
    text += 'max_share = 0.5\naction = "{action}"\n'
    rows = ["1 1 8 . v", "1 8 8 . w", "7 7 8 1 x", "7 8 8 1 y"]
    plain = cleaned_of(tmp_path, filled(text, action="exclude"), rows)
    assert plain.frame["id"].tolist() == ["v"]
    assert dict(plain.log.flow())["excluded: item nonresponse"] == 3
    asked = filled(text, action="flag") + 'not_counted = ["not applicable"]\n'
    # Of 2 and 3 items asked, 1 and 2 are missing: x is at the limit, y above it.
    cleaned = cleaned_of(tmp_path, asked, rows)
    assert cleaned.frame["flag_item_nonresponse"].tolist() == ["no", "yes", "no", "yes"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("[cleaning]\nspeders = 1", "did you mean 'speeders'"),
        ('[cleaning.same_answers]\naction = "drop"', "did you mean 'drop all'"),
        ('[cleaning.same_answers]\naction = "flag"\nvariables = ["aa"]', "no variable is named 'aa'"),
        ('[cleaning.speeders]\nduration = "minuts"\naction = "flag"\nleast = 3', "did you mean 'minutes'"),
        ('[cleaning.speeders]\nduration = "a"\naction = "flag"\nleast = 3', "'a' is ordinal"),
        ('[cleaning.speeders]\nduration = "minutes"\naction = "flag"', "no limit is given"),
        (
            '[cleaning.speeders]\nduration = "minutes"\naction = "flag"\nleast = 3\nshare_of_median = 0.3',
            "both least and share_of_median",
        ),
        ('[cleaning.speeders]\nduration = "minutes"\naction = "flag"\nleast = 0', "not above 0"),
        ('[cleaning.speeders]\nduration = "minutes"\naction = "flag"\nshare_of_median = 40', "not within"),
        ('[cleaning.speeders]\nduration = "minutes"\nleast = 3', "'action' is missing"),
        ('[cleaning.straight_lining.x]\nitems = ["a", "b"]\naction = "flag"', "2 items are needed of 2"),
        (
            '[cleaning.straight_lining.x]\nitems = ["a", "b", "c"]\naction = "flag"\nmin_items = 4',
            "4 items are needed of 3",
        ),
        ('[cleaning.straight_lining."x y"]\nitems = ["a", "b", "c"]\naction = "flag"', "part of the name"),
        ('[cleaning.straight_lining.x]\naction = "flag"', "'items' is missing"),
        ('[cleaning.straight_lining.x]\nitems = ["a", "b", "id"]\naction = "flag"', "'id' is of kind 'id'"),
        ('[cleaning.item_nonresponse]\nitems = ["a"]\naction = "flag"', "'max_share' is missing"),
        ('[cleaning.item_nonresponse]\nitems = ["a"]\naction = "flag"\nmax_share = 1', "not within 0–1"),
        (
            '[cleaning.item_nonresponse]\nitems = ["a"]\naction = "flag"\nmax_share = 0.5\n'
            'not_counted = ["not aplicable"]',
            "did you mean 'not applicable'",
        ),
    ],
)
def test_faulty_rules_are_refused_where_they_stand(tmp_path: Path, rule: str, message: str) -> None:
    told = faults_of(tmp_path, items("abc") + MINUTES + ID + rule)
    assert message in told
    assert ": cleaning" in told


def test_all_faults_of_the_rules_are_told_at_once(tmp_path: Path) -> None:
    rules = '[cleaning.same_answers]\naction = "flg"\n[cleaning.item_nonresponse]\nitems = ["z"]\n'
    told = faults_of(tmp_path, items("abc") + rules)
    for part in ("'flg' is not understood", "no variable is named 'z'", "'max_share' is missing"):
        assert part in told
    assert "(4 faults)" in told  # the item has no action either


def test_a_flag_can_not_have_the_name_of_a_variable(tmp_path: Path) -> None:
    text = items("abc") + items("_").replace("variables._", "variables.flag_same_answers")
    text += '[cleaning.same_answers]\naction = "flag"\n'
    assert "make columns of these names too: flag_same_answers" in faults_of(tmp_path, text)


BORN = """
[variables.born]
label = "Year of birth"
kind = "numeric"
range = [1800, 2008]
missing = { 9999 = "refused" }
[conversions.age]
label = "Age"
of = "born"
survey_year = 2008
range = [18, 110]
step = 10
"""


def test_an_age_is_made_of_a_year_of_birth(tmp_path: Path) -> None:
    text = BORN + 'out_of_range = "missing"\n' + ID
    text += '[outcomes.old]\nlabel = "Old"\nkind = "bands"\nof = "age"\ncuts = [65]\nlabels = ["no", "yes"]\n'
    cleaned = cleaned_of(tmp_path, text, ["1960 a", "1890 b", "9999 c", "1943 d", ". e"])
    assert cleaned.frame["age"].fillna(0).tolist() == [48.0, 0.0, 0.0, 65.0, 0.0]
    assert cleaned.reasons["age"].fillna("").tolist() == ["", "out of range", "refused", "", "blank"]
    assert cleaned.frame["old"].fillna("no").tolist() == ["no", "no", "no", "yes", "no"]
    assert list(cleaned.frame) == ["born", "id", "age", "old"]
    assert cleaned.label_of("age") == "Age"
    assert rule_of(cleaned, "converted") == ("make", 2, 2)
    assert rule_of(cleaned, "not derived") == ("make missing", 3, 6)
    assert cleaned.log.valid.set_index("variable").loc["age", "missing"] == 3


def test_a_year_of_birth_is_made_of_an_age_and_a_year_in_the_file(tmp_path: Path) -> None:
    text = (
        '[variables.age]\nlabel = "Age"\nkind = "numeric"\nmissing = { 99 = "refused" }\n'
        '[variables.year]\nlabel = "Year"\nkind = "numeric"\nmissing = { 0 = "unknown" }\n'
        '[conversions.born]\nlabel = "Born"\nof = "age"\nsurvey_year = "year"\nrange = [1890, 2000]\n'
    )
    cleaned = cleaned_of(tmp_path, text, ["48 2008", "48 2010", "99 0", "48 0"])
    assert cleaned.frame["born"].tolist()[:2] == [1960.0, 1962.0]
    assert cleaned.reasons["born"].fillna("").tolist() == ["", "", "refused", "unknown"]


def test_implausible_ages_are_refused_unless_declared(tmp_path: Path) -> None:
    with pytest.raises(UnexpectedCodeError, match="born gives numbers outside 18 to 110 in fewer than 10"):
        cleaned_of(tmp_path, BORN + ID, ["1960 a", "1890 b"])
    cleaned = cleaned_of(tmp_path, BORN + ID, ["1960 a", "9999 b"])  # refused is not implausible
    assert rule_of(cleaned, "converted") == ("make", 1, 1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('of = "born"', 'of = "bron"', "did you mean 'born'"),
        ('of = "born"', 'of = "id"', "'id' is of kind 'id'"),
        ("survey_year = 2008", 'survey_year = "yr"', "no variable is named 'yr'"),
        ("survey_year = 2008", "survey_year = 8", "this is no year"),
        ("survey_year = 2008\n", "", "'survey_year' is missing"),
        ("range = [18, 110]\n", "", "'range' is missing"),
        ("range = [18, 110]", "range = [110, 18]", "not a low and a higher number"),
        ("step = 10", "stp = 10", "did you mean 'step'"),
        ("[conversions.age]", "[conversions.born]", "names are there more than once"),
    ],
)
def test_faulty_conversions_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert message in faults_of(tmp_path, BORN.replace(old, new) + ID)


def test_every_declared_rule_reports_also_nothing_in_a_fixed_order(tmp_path: Path) -> None:
    text = items("ab") + items("c", 'recode = { 5 = "4" }\ncollapse = { x = ["often", "always"] }\n')
    text += MINUTES + BORN + ID
    text += '[cleaning]\nduplicate_ids = "drop all"\n[cleaning.same_answers]\naction = "drop all"\n'
    text += '[cleaning.speeders]\nduration = "minutes"\nleast = 1\naction = "exclude"\n'
    text += '[cleaning.straight_lining.b]\nitems = ["a", "b", "c"]\naction = "flag"\n'
    text += '[cleaning.item_nonresponse]\nitems = ["a", "b"]\nmax_share = 0.5\naction = "flag"\n'
    rules = cleaned_of(tmp_path, text, ["1 2 2 9 1960 i"]).log.rules
    assert rules["rule"].tolist() == [
        "empty row",
        "repeated id",
        "same answers",
        "missing weight",
        "missing stratum",
        "missing psu",
        "speeder",
        "recoded",
        "missing code",
        "blank",
        "undeclared code",
        "not a number",
        "out of range",
        "collapsed",
        "reversed",
        "converted",
        "not derived",
        "straight-lining: b",
        "item nonresponse",
    ]
    assert rules.loc[rules["rule"] != "converted", ["rows", "cells"]].eq(0).all(axis=None)


def test_rows_touched_are_counted_once(tmp_path: Path) -> None:
    cleaned = cleaned_of(tmp_path, items("abc"), ["8 8 .", "8 1 1", "1 1 1"])
    assert rule_of(cleaned, "missing code") == ("make missing", 2, 3)
    assert rule_of(cleaned, "blank") == ("make missing", 1, 1)


def test_errors_of_rules_for_rows_come_together_with_those_for_codes(tmp_path: Path) -> None:
    text = filled(SAME, action="error").replace("action", 'variables = ["a", "b", "c"]\naction')
    with pytest.raises(CoprodstatsError, match=r"\(2 faults\)"):
        cleaned_of(tmp_path, text, [*TWINS, "5 1 1 1 v"])


def test_a_flag_speaks_of_the_rows_kept_only(tmp_path: Path) -> None:
    # p and q agree, but q has no weight: cleaned again, p would have no twin.
    text = items("abc") + ID + '[variables.w]\nkind = "weight"\n[cleaning]\nmissing_design = "drop"\n'
    text += '[cleaning.same_answers]\naction = "flag"\n'
    once = cleaned_of(tmp_path, text, ["1 2 3 p 1", "1 2 3 q .", "2 2 2 r 1", "2 2 2 s 1"])
    assert once.frame["flag_same_answers"].tolist() == ["no", "yes", "yes"]
    assert clean(once.survey).frame["flag_same_answers"].tolist() == ["no", "yes", "yes"]
