"""Another wave: what changed is told, also when cleaning would refuse it; nothing else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from coprodstats.errors import ArgumentError, UnexpectedCodeError
from coprodstats.survey.cleaning import clean
from coprodstats.survey.cleaning_rules import CleaningRules, ItemNonresponse
from coprodstats.survey.conversions import Conversion
from coprodstats.survey.declarations import Codebook, Variable
from coprodstats.survey.log import read_log
from coprodstats.survey.reading import SurveyData
from coprodstats.survey.waves import compare_waves

TRUST = Variable(
    name="trust",
    label="Trust",
    kind="ordinal",
    values={"1": "low", "2": "high"},
    missing={"8": "don't know", "9": "refused"},
)
AGE = Variable(name="age", label="Age", kind="numeric", range=(0.0, 120.0), missing={"999": "refused"})
ID = Variable(name="id", label="Id", kind="id")
COLUMNS = ["id", "trust", "age"]


def wave(rows: list[str], *variables: Variable) -> SurveyData:
    declared = {variable.name: variable for variable in variables or (ID, TRUST, AGE)}
    cells = [[None if code == "." else code for code in row.split(" ")] for row in rows]
    frame = pd.DataFrame(cells, columns=list(declared), dtype="str")
    return SurveyData(frame=frame, codebook=Codebook(title="", synthetic=True, variables=declared))


FIRST = wave(["a 1 40", "b 2 50", "c 8 60", "d 2 999"])


def told(old: object, new: object, least_change: float = 0.05) -> list[list[object]]:
    frame = compare_waves(old, new, least_change=least_change).to_frame()  # type: ignore[arg-type]
    frame = frame[frame["change"] != "rows"]
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def test_the_same_wave_has_no_changes() -> None:
    changes = compare_waves(FIRST, FIRST)
    assert changes.same
    assert changes.notes == ("4 rows before, 4 now",)


def test_other_people_with_the_same_codes_are_no_change() -> None:
    # Ids and ages are others in every wave.
    assert told(FIRST, wave(["x 1 41", "y 2 51", "z 8 61", "u 2 999"])) == []


def test_new_and_vanished_codes_are_told_before_cleaning_refuses_them() -> None:
    second = wave(["e 2 40", "f 3 50", "g 8 60", "h 2 999"])
    with pytest.raises(UnexpectedCodeError, match="'3'"):
        clean(second)
    assert told(FIRST, second) == [
        ["trust", "code is gone", "1", 1.0, 0.0],
        ["trust", "code is new", "3", 0.0, 1.0],
        ["trust", "missing", "", 0.25, 0.5],
        ["trust", "reason is new", "undeclared code", 0.0, 0.25],
    ]


def test_missing_answers_are_told_from_a_change_on() -> None:
    second = wave(["e 1 40", "f 2 50", "g 8 60", "h 2 999", "i 1 999"])
    # Don't know: a fourth, now a fifth. Refused age: a fourth, now two fifths.
    assert told(FIRST, second, 0.051) == [
        ["age", "missing", "", 0.25, 0.4],
        ["age", "missing by reason", "refused", 0.25, 0.4],
    ]
    assert [line[0] for line in told(FIRST, second, 0.05)] == ["trust", "trust", "age", "age"]
    assert told(FIRST, second, 0.5) == []


def test_reasons_that_appear_or_vanish_are_told_however_rare() -> None:
    second = wave(["e 1 40", "f 2 50", "g 9 60", "h 2 -5"])
    assert told(FIRST, second, 1.0) == [
        ["trust", "code is gone", "8", 1.0, 0.0],
        ["trust", "code is new", "9", 0.0, 1.0],
        ["trust", "reason is gone", "don't know", 0.25, 0.0],
        ["trust", "reason is new", "refused", 0.0, 0.25],
        ["age", "reason is new", "out of range", 0.0, 0.25],
        ["age", "reason is gone", "refused", 0.25, 0.0],
    ]


def test_columns_and_meanings_of_another_codebook_are_told() -> None:
    trust = replace(TRUST, values={"1": "high", "2": "low"}, kind="nominal")
    new = replace(AGE, name="born", label="Born")
    second = wave(["a 1 40", "b 2 50", "c 8 60", "d 2 999"], ID, trust, new)
    changes = compare_waves(FIRST, second)
    assert changes.notes == (
        "4 rows before, 4 now",
        "trust: ordinal before, nominal now",
        "trust: code 1 has another meaning",
        "trust: code 2 has another meaning",
        "age: the column is gone",
        "born: a new column",
    )
    assert not changes.same


def test_recoded_codes_are_what_they_stand_for() -> None:
    recoded = replace(TRUST, recode={"1.0": "1"})
    assert told(FIRST, wave(["e 1.0 40", "f 2 50", "g 8 60", "h 2 999"], ID, recoded, AGE)) == []


def test_respondents_words_are_not_repeated() -> None:
    second = wave(["e 1 40", "f my-neighbour-Anna 50", "g 8 60", "h 2 999"])
    changes = compare_waves(FIRST, second)
    assert "Anna" not in "".join(changes.notes)
    assert "trust: code texts of more than 12 characters is new, in 1 rows" in changes.notes


def test_a_log_from_a_file_tells_what_it_knows(tmp_path: Path) -> None:
    clean(FIRST).log.to_file(tmp_path / "log.json")
    log = read_log(tmp_path / "log.json")
    second = wave(["e 3 40", "f 2 50"])
    assert told(log, second) == [
        ["trust", "missing", "", 0.25, 0.5],
        ["trust", "reason is gone", "don't know", 0.25, 0.0],
        ["trust", "reason is new", "undeclared code", 0.0, 0.5],
        ["age", "missing", "", 0.25, 0.0],
        ["age", "reason is gone", "refused", 0.25, 0.0],
    ]
    assert told(log, clean(FIRST)) == []


def test_a_log_knows_columns_of_the_file_from_those_that_were_made() -> None:
    born = Conversion(name="born", label="Born", of="age", survey_year=2008, range=(1880.0, 2008.0))
    rules = CleaningRules(item_nonresponse=ItemNonresponse(items=("trust",), action="flag", max_share=0.5))
    codebook = replace(FIRST.codebook, conversions={"born": born}, cleaning=rules)
    log = clean(replace(FIRST, codebook=codebook)).log
    gone = [["age", "column is gone", "", None, None]]
    assert told(log, wave(["a 1", "b 2", "c 8", "d 2"], ID, TRUST)) == gone


def test_the_least_change_is_a_share() -> None:
    with pytest.raises(ArgumentError, match="this is no share"):
        compare_waves(FIRST, FIRST, least_change=5)
