"""Drafted codebooks: what is guessed from labels and codes, what is asked, and what is never shown."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coprodstats.survey.checks import check_survey
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.ddi import codebook_ddi
from coprodstats.survey.declarations import Codebook, Variable
from coprodstats.survey.declared_variables import name_fault
from coprodstats.survey.draft import draft_survey
from coprodstats.survey.draft_columns import guess_column
from coprodstats.survey.draft_reading import read_undescribed
from coprodstats.survey.draft_records import Column, Guess
from coprodstats.survey.draft_text import codebook_text
from coprodstats.survey.metadata import FileMetadata, VariableMetadata
from coprodstats.survey.toml_lines import OPEN, open_questions


def guess(counts: Mapping[str, int], *, blank: int = 0, name: str = "q1", **said: object) -> Guess:
    variable = VariableMetadata(name=name, **said)  # type: ignore[arg-type]
    return guess_column(Column(said=variable, counts=counts, n_rows=sum(counts.values()) + blank))


def codes(**columns: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame(columns, dtype="str")


def said(source: str = "survey.csv", **labels: str) -> FileMetadata:
    variables = {name: VariableMetadata(name=name, label=label) for name, label in labels.items()}
    return FileMetadata(source=source, format="csv", variables=variables)


YEARS = {str(year): 12 for year in range(18, 80)}
SCALE = {"1": "never", "2": "sometimes", "3": "often"}


@pytest.mark.parametrize(
    ("counts", "facts", "missing"),
    [
        pytest.param({"1": 9, "2": 9, "3": 9, "9": 2}, {"values": SCALE}, {"9": "no answer"}, id="9 after 3"),
        pytest.param({"1": 9, "2": 9, "3": 9, "-1": 2}, {"values": SCALE}, {"-1": "no answer"}, id="-1"),
        pytest.param(
            {"1": 9, "2": 9, "3": 9, "8": 2},
            {"values": SCALE | {"8": "Weiß nicht"}},
            {"8": "Weiß nicht"},
            id="by its label",
        ),
        pytest.param(
            {"1": 9, "2": 9, "3": 9},
            {"values": SCALE, "missing": ("7",)},
            {"7": "missing (7)"},
            id="declared",
        ),
        pytest.param(
            {"1": 9, "2": 9, "3": 9, "77": 1},
            {"values": SCALE | {"77": "Refusal"}, "missing_ranges": ((66.0, 99.0),)},
            {"77": "Refusal"},
            id="in a declared range",
        ),
        pytest.param(
            {"1": 9, "2": 9, "3": 9, ".a": 2},
            {"values": SCALE | {".a": "Refused"}, "missing": (".a",)},
            {".a": "Refused"},
            id="Stata",
        ),
        pytest.param(YEARS | {"999": 3}, {"name": "age"}, {"999": "no answer"}, id="999 far above ages"),
        pytest.param(YEARS | {"99": 3}, {"name": "age"}, {"99": OPEN}, id="99 might be an age"),
        pytest.param(YEARS | {"80": 3}, {"name": "age"}, {}, id="80 is an age"),
        pytest.param(
            {str(point): 20 for point in range(11)} | {"88": 2}, {}, {"88": "no answer"}, id="0 to 10"
        ),
        pytest.param({"DK": 30, "NA": 20, "FR": 25}, {}, {"DK": OPEN, "NA": OPEN}, id="DK and NA ask"),
        pytest.param(
            {"1": 9, "2": 9, "8": 9, "9": 9}, {}, {"8": "no answer", "9": "no answer"}, id="two codes"
        ),
        pytest.param({str(point): 9 for point in range(1, 10)}, {}, {"8": OPEN, "9": OPEN}, id="1 to 9 asks"),
    ],
)
def test_missing_codes(counts: dict[str, int], facts: dict[str, object], missing: dict[str, str]) -> None:
    found = guess(counts, **facts)
    assert dict(found.missing) == missing
    assert ("missing" in found.questions) == (OPEN in missing.values())
    assert not set(found.values) & set(found.missing)


def test_a_falling_scale_is_written_from_lowest_to_highest() -> None:
    found = guess({"1": 50, "2": 50}, values={"1": "Très souvent", "2": "Souvent", "3": "Jamais"})
    assert (found.kind, list(found.values)) == ("ordinal", ["3", "2", "1"])
    assert "lowest to highest" in found.why


def test_a_scale_with_words_at_its_ends_only_is_a_number_if_it_is_long() -> None:
    ends = {"0": "Not at all", "10": "Completely"}
    found = guess({str(point): 20 for point in range(11)}, values=ends)
    assert (found.kind, found.range) == ("numeric", (0.0, 10.0))
    short = guess(
        {str(point): 20 for point in range(1, 6)}, values={"1": "Not at all", "5": "Very"}, level="ordinal"
    )
    assert list(short.values) == ["1", "2", "3", "4", "5"]
    assert short.kind == "ordinal"


def test_an_order_that_words_do_not_show_is_asked_if_the_file_says_ordinal() -> None:
    labels = {"1": "red", "2": "green", "3": "blue"}
    counts = dict.fromkeys(labels, 30)
    assert guess(counts, values=labels).kind == "nominal"
    found = guess(counts, values=labels, level="ordinal")
    assert found.kind == OPEN
    assert "lowest to highest" in found.questions["kind"]


def test_numbers_without_labels_are_asked_about() -> None:
    found = guess({"1": 50, "2": 50, "3": 20})
    assert (found.kind, set(dict(found.values).values())) == (OPEN, {OPEN})
    assert set(found.questions) == {"kind", "values"}


def test_a_range_tells_no_single_respondents_number() -> None:
    found = guess({str(1000 + 37 * i): 1 for i in range(50)}, name="income")
    assert found.kind == "numeric"
    assert found.range == (1000.0, 3000.0)  # 1000 and 2813, outward to whole thousands
    shared = guess(YEARS | {"93": 1}, name="age")
    assert shared.range == (18.0, 100.0)


@pytest.mark.parametrize(
    ("counts", "facts", "why"),
    [
        ({f"words of {i}": 1 for i in range(40)}, {}, "own words"),
        ({"x" * 60: 30, "y" * 60: 30}, {}, "own words"),
        ({"2024-05-01": 4, "2024-05-02": 6}, {}, "dates"),
        ({"13800000000": 4}, {"type": "date"}, "dates"),
        ({}, {}, "no row"),
        ({"1": 40}, {}, "the same"),
        ({"9": 40}, {"values": {"9": "Refused"}}, "missing code"),
    ],
)
def test_what_analyses_cannot_use_is_left_out(
    counts: dict[str, int], facts: dict[str, object], why: str
) -> None:
    found = guess(counts, blank=5, **facts)
    assert found.kind == "left out"
    assert why in found.why


def test_rare_texts_are_not_shown() -> None:
    found = guess({"yes": 60, "no": 60, "perhaps": 3})
    assert list(found.values) == ["no", "yes"]
    assert found.undeclared == OPEN
    draft = draft_survey(codes(answer=["yes"] * 60 + ["no"] * 60 + ["secret"] * 3), said())
    assert "secret" not in codebook_text(draft)


def test_labels_that_repeat_are_told_apart() -> None:
    found = guess({"1": 9, "2": 9, "3": 9}, values={"1": "Other", "2": "Party A", "3": "other"})
    assert list(dict(found.values).values()) == ["Other (1)", "Party A", "other (3)"]
    frame = codes(a=["1", "2"] * 20, b=["3", "4"] * 20)
    labels = {guess.label for guess in draft_survey(frame, said(a="Trust", b="trust")).guesses.values()}
    assert labels == {"Trust (a)", "trust (b)"}


N = 120
ROWS = [str(i) for i in range(N)]
WEIGHTS = [f"{0.5 + (i % 11) / 10:.2f}" for i in range(N)]


@pytest.mark.parametrize(
    ("columns", "kinds"),
    [
        pytest.param({"caseid": ROWS}, {"caseid": "id"}, id="id by its name"),
        pytest.param({"v1": ROWS}, {"v1": OPEN}, id="unique numbers ask"),
        pytest.param({"dweight": WEIGHTS}, {"dweight": "weight"}, id="weight by its name"),
        pytest.param({"v7": WEIGHTS}, {"v7": OPEN}, id="numbers around 1 ask"),
        pytest.param(
            {"dweight": WEIGHTS, "pspwght": WEIGHTS}, {"dweight": OPEN, "pspwght": OPEN}, id="two weights ask"
        ),
        pytest.param(
            {f"repwt{i}": WEIGHTS for i in range(1, 11)},
            {f"repwt{i}": "replicate weight" for i in range(1, 11)},
            id="replicate weights",
        ),
        pytest.param(
            {"stratum": ["1", "2"] * 60, "psu": [str(i % 20) for i in range(N)]},
            {"stratum": "stratum", "psu": "psu"},
            id="strata and PSUs",
        ),
    ],
)
def test_the_design_is_found(columns: dict[str, list[str]], kinds: dict[str, str]) -> None:
    draft = draft_survey(codes(**columns), said())
    assert {name: found.kind for name, found in draft.guesses.items()} == kinds


def test_the_weight_that_the_file_names_is_the_weight() -> None:
    file = FileMetadata(source="s.sav", format="sav", variables={}, weight="pspwght")
    draft = draft_survey(codes(dweight=WEIGHTS, pspwght=WEIGHTS), file)
    assert [draft.guesses[name].kind for name in ("dweight", "pspwght")] == ["left out", "weight"]


def rules(**columns: list[str | None]) -> dict[str, object]:
    return {rule.key: rule.value for rule in draft_survey(codes(**columns), said()).rules}


def test_rows_that_need_a_rule_are_asked_about() -> None:
    trust = ["1", "2"] * 60
    assert rules(caseid=[*ROWS[:-1], "0"], trust=trust) == {"duplicate_ids": OPEN}
    assert rules(weight=[*WEIGHTS[:-1], None], trust=trust) == {"missing_design": OPEN}
    assert rules(caseid=[*ROWS[:-1], None], trust=[*trust[:-1], None]) == {"empty_rows": OPEN}
    assert rules(caseid=ROWS, trust=trust) == {}


def test_psus_are_checked_against_strata() -> None:
    stratum = [str(i % 4) for i in range(N)]
    inside = [f"{i % 4}{i // 4 % 5}" for i in range(N)]
    assert rules(stratum=stratum, psu=inside) == {}
    assert rules(stratum=stratum, psu=[str(i // 4 % 5) for i in range(N)]) == {"nested": True}
    assert rules(stratum=stratum, psu=["00", *inside[:1], "00", *inside[3:]]) == {"nested": OPEN}
    lonely = ["9"] * 10 + stratum[10:]
    assert rules(stratum=lonely, psu=["90"] * 10 + inside[10:]) == {"lonely_psu": OPEN}


def test_a_codebook_can_be_read_once_its_questions_are_answered(tmp_path: Path) -> None:
    frame = codes(
        caseid=ROWS,
        weight=WEIGHTS,
        helps=(["1", "2", "3"] * 40),
        joins=(["3", "2", "9"] * 40),
    )
    labels = {"1": "often", "2": "sometimes", "3": "never", "9": "refused"}
    variables = {
        name: VariableMetadata(name=name, label=label, values=labels)
        for name, label in {"helps": "Helps neighbours", "joins": "Joins a group"}.items()
    }
    file = FileMetadata(source="survey.sav", format="sav", variables=variables)
    text = codebook_text(draft_survey(frame, file))
    for answer in ('["helps"]', '"sometimes"', '["joins"]', '"often"'):
        text = text.replace('= "?"', f"= {answer}", 1)
    (tmp_path / "codebook.toml").write_text(text, encoding="utf-8")
    codebook = read_codebook(tmp_path / "codebook.toml")
    helps = codebook.variables["helps"]
    assert dict(zip(helps.codes, helps.labels, strict=True)) == {"3": "never", "2": "sometimes", "1": "often"}
    assert codebook.variables["joins"].missing == {"9": "refused"}
    assert list(codebook.outcomes) == ["individual_any", "collective_any"]


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("id;w;town\n1;0,5;Köln\n2;1,5;Bonn\n3;1,0;Köln\n", {"delimiter": ";", "decimal": ","}),
        ("id\tw\n1\t0.5\n2\t1.5\n", {"delimiter": "\t"}),
        ("id,w\n1,0.5\n2,1.5\n", {}),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_how_a_text_file_is_written_is_found_out(
    text: str, declared: dict[str, str], encoding: str, tmp_path: Path
) -> None:
    (tmp_path / "survey.csv").write_bytes(text.encode(encoding))
    cells, _, file = read_undescribed(tmp_path / "survey.csv")
    if encoding != "utf-8" and not text.isascii():
        declared = declared | {"encoding": encoding}
    assert {key: getattr(file, key) for key in file.declared()} == declared
    assert cells["w"].tolist()[:2] == ["0.5", "1.5"]


def test_a_page_of_metadata_gives_labels_to_a_csv_file(tmp_path: Path) -> None:
    labels = {"1": "never", "2": "often", "8": "Refused"}
    q1 = Variable(name="q1", label="Helps", question="Do you help?", kind="ordinal", values=labels)
    page = codebook_ddi(Codebook(title="Town", synthetic=False, variables={"q1": q1}))
    (tmp_path / "page.xml").write_text(page, encoding="utf-8")
    (tmp_path / "survey.csv").write_text("q1,q2\n1,1\n2,2\n8,1\n", encoding="utf-8")
    draft = draft_survey(*read_undescribed(tmp_path / "survey.csv", labels=tmp_path / "page.xml"))
    helps = draft.guesses["q1"]
    assert (draft.title, helps.kind, dict(helps.missing)) == ("Town", "ordinal", {"8": "Refused"})
    assert 'question = "Do you help?"' in codebook_text(draft)
    assert draft.guesses["q2"].kind == OPEN


TEXTS = st.text(max_size=30)


@settings(max_examples=60, deadline=None)
@given(
    name=TEXTS.filter(bool),
    label=TEXTS,
    values=st.dictionaries(st.sampled_from(["1", "2", "3", "-1", ".a", "x y", "8"]), TEXTS, max_size=5),
    cells=st.lists(st.sampled_from(["1", "2", "3", "8", "x y", None]), min_size=1, max_size=40),
)
def test_a_draft_is_valid_toml_whatever_the_labels(
    name: str, label: str, values: dict[str, str], cells: list[str | None]
) -> None:
    variable = VariableMetadata(name=name, label=label, values=values)
    file = FileMetadata(source="s.sav", format="sav", variables={name: variable}, title=label)
    frame = pd.DataFrame({name: pd.array(cells, dtype="str")})
    draft = draft_survey(frame, file)
    text = codebook_text(draft)
    parsed = tomllib.loads(text)
    assert open_questions("codebook.toml", text, parsed)  # outcomes are always asked
    variables = parsed.get("variables", {})
    columns = [one.get("column", own) for own, one in variables.items()]
    assert [*columns, *parsed.get("cleaning", {}).get("ignore_columns", [])] == [name]
    assert not any(name_fault(own) for own in variables)


def test_questions_as_names_of_columns_get_short_names(tmp_path: Path) -> None:
    """What a web form exports: whole questions in the header, and one that only differs at its end."""
    rows = 60
    frame = pd.DataFrame(
        {
            "Respondent ID": [f"r{i}" for i in range(rows)],
            "1. How old are you?": [str(18 + i % 30) for i in range(rows)],
            "Do you watch your neighbours' homes, for instance at night?": ["never", "often"] * (rows // 2),
            "Do you watch your neighbours' homes, for instance by day?": ["often", "never"] * (rows // 2),
            "class": ["1", "2"] * (rows // 2),
            "Größe": ["a", "b"] * (rows // 2),
        }
    )
    frame.to_csv(tmp_path / "form.csv", index=False)
    draft = draft_survey(*read_undescribed(tmp_path / "form.csv"))
    text = codebook_text(draft)
    variables = tomllib.loads(text)["variables"]
    assert list(variables) == [
        "Respondent_ID",
        "q1_How_old_are_you",
        "Do_you_watch_your_neighbours",
        "Do_you_watch_your_neighbours_2",
        "class_",
        "Grosse",
    ]
    assert [one["column"] for one in variables.values()] == list(frame)
    assert variables["q1_How_old_are_you"]["label"] == "1. How old are you?"
    assert [one["kind"] for one in variables.values()][:4] == ["id", "numeric", "ordinal", "ordinal"]
    answered = text.replace('kind = "?"', 'kind = "nominal"').replace('1 = "?", 2 = "?"', '1 = "x", 2 = "y"')
    answered = answered.replace('items = "?"', 'items = ["Do_you_watch_your_neighbours"]')
    (tmp_path / "codebook.toml").write_text(
        answered.replace('at_least = "?"', 'at_least = "often"'), encoding="utf-8"
    )
    checked = check_survey(tmp_path / "form.csv", tmp_path / "codebook.toml")
    assert checked.error is None
    assert checked.cleaned is not None
    assert checked.cleaned.frame["class_"].tolist() == ["x", "y"] * (rows // 2)


def test_a_battery_without_words_is_a_scale_of_its_codes() -> None:
    points = [str(1 + i % 6) for i in range(120)]
    frame = codes(
        A1=points, A2=points[1:] + points[:1], A3=points, B1=points, A4=[str(1 + i % 5) for i in range(120)]
    )
    guesses = draft_survey(frame, said()).guesses
    assert [name for name, guess in guesses.items() if guess.kind == "ordinal"] == ["A1", "A2", "A3"]
    assert guesses["A1"].values["6"] == "6"  # noqa: PD011  (no data frame)
    assert not guesses["A1"].questions
    assert guesses["B1"].kind == guesses["A4"].kind == OPEN


def test_columns_of_public_surveys_are_known_by_their_names() -> None:
    """Names of the US health survey (NHANES), as its documentation has them."""
    n = 300
    frame = codes(
        SDMVPSU=[str(1 + i % 3) for i in range(n)],
        SDMVSTRA=[str(75 + i % 15) for i in range(n)],
        WTMEC2YR=[f"{20000 + 37.5 * i}" for i in range(n)],
        agecat=[["(0,19]", "(19,39]", "(39,59]", "(59,Inf]"][i % 4] for i in range(n)],
    )
    guesses = draft_survey(frame, said()).guesses
    assert [guess.kind for guess in guesses.values()] == ["psu", "stratum", "weight", "ordinal"]
    assert list(guesses["agecat"].values) == ["(0,19]", "(19,39]", "(39,59]", "(59,Inf]"]
