"""Reading survey files: every cell as it is in the file, and no file read by guessing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from coprodstats.errors import InputError
from coprodstats.survey.cleaning import clean
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.declarations import CleaningRules, Codebook, Kind, Variable
from coprodstats.survey.numbers import as_number
from coprodstats.survey.reading import SurveyData, read_survey

YES_NO = {"1": "yes", "2": "no"}


def codebook_of(**kinds: Kind) -> Codebook:
    variables = {}
    for name, kind in kinds.items():
        values = YES_NO if kind in {"nominal", "ordinal"} else {}
        variables[name] = Variable(name=name, label=name, kind=kind, values=values)
    return Codebook(title="t", synthetic=False, variables=variables, source="codebook.toml")


PAIR = codebook_of(id="id", q="nominal")


def csv_file(tmp_path: Path, content: str | bytes, name: str = "survey.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(tmp_path: Path, content: str | bytes, codebook: Codebook = PAIR, name: str = "survey.csv") -> str:
    with pytest.raises(InputError, match=r"\[E-I1\d\d\]") as caught:
        read_survey(csv_file(tmp_path, content, name), codebook)
    return str(caught.value)


def test_cells_stay_text_and_columns_follow_the_codebook(tmp_path: Path) -> None:
    content = "q,id\r\n1,007\r\nNA,12345678901234567890\r\n,9007199254740993\r\n nan,1.50\r\n"
    survey = read_survey(csv_file(tmp_path, content), PAIR)
    assert list(survey.frame) == ["id", "q"]
    assert survey.frame["id"].tolist() == ["007", "12345678901234567890", "9007199254740993", "1.50"]
    assert survey.frame["q"].fillna("<NA>").tolist() == ["1", "NA", "<NA>", " nan"]
    assert [str(dtype) for dtype in survey.frame.dtypes] == ["str", "str"]
    assert (survey.n_rows, survey.source) == (4, "survey.csv")
    assert survey.sha256 == hashlib.sha256(content.encode()).hexdigest()
    assert repr(survey) == "<SurveyData 'survey.csv': 4 rows, 2 columns>"


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    survey = read_survey(csv_file(tmp_path, b"\xef\xbb\xbfid,q\n1,2\n"), PAIR)
    assert survey.frame["id"].tolist() == ["1"]


def test_quoted_fields_hold_commas_quotes_and_lines(tmp_path: Path) -> None:
    survey = read_survey(csv_file(tmp_path, 'id,q\n"a,b","say ""x"""\n"two\nlines",1\n'), PAIR)
    assert survey.frame["id"].tolist() == ["a,b", "two\nlines"]
    assert survey.frame["q"].tolist() == ['say "x"', "1"]


def test_blank_lines_and_cells_of_spaces_are_blank(tmp_path: Path) -> None:
    survey = read_survey(csv_file(tmp_path, "id,q\n1,  \n\n2,1\n"), PAIR)
    assert survey.frame["id"].isna().tolist() == [False, True, False]
    assert survey.frame["q"].isna().tolist() == [True, True, False]


def test_ignored_columns_are_left_out_by_name_only(tmp_path: Path) -> None:
    rules = CleaningRules(ignore_columns=("note",))
    survey = read_survey(csv_file(tmp_path, "id,note,q\n1,x,2\n"), replace(PAIR, cleaning=rules))
    assert list(survey.frame) == ["id", "q"]


def test_columns_must_be_those_of_the_codebook(tmp_path: Path) -> None:
    message = refused(tmp_path, "id,Q1\n1,2\n", codebook_of(id="id", q1="nominal", q2="nominal"))
    assert "there is no column 'q1', which codebook.toml declares" in message
    assert "there is no column 'q2', which codebook.toml declares" in message
    assert "codebook.toml does not declare columns: 'Q1'" in message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"id,q\n", "there is a header but not a single row"),
        (b"id;q\n1;2,5\n", "1 column found by commas, 2 by semicolons"),
        (b"id\tq\n1\t2\n", "1 column found by commas, 2 by tabs"),
        (b"id,q,\n1,2,\n", "columns without a name at positions 3"),
        (b"id,q,ID\n1,2,3\n", "columns at positions 1, 3 have the same name: 'id', 'ID'"),
        (b"id,q, q\n1,2,3\n", "columns at positions 2, 3 have the same name: 'q', ' q'"),
        ("id,é,e\u0301\n1,2,3\n".encode(), "columns at positions 2, 3 have the same name"),
        (b"id,q\n1,2\n3\n4,5,6\n", "2 of 3 rows have another number of fields than the header (2)"),
        (b"id,q\n1,2\n3\n4,5,6\n", "line 3 has 1, line 4 has 3"),
        (b'id,q\n"a\nb",2\n3\n', "line 4 has 1"),
        (b"id,q\n1,2,\n3,4,\n", "every row ends with a comma that the header lacks"),
        (b'id,q\n1,2\n3,"4\n5,6\n', "a quote that opens in the record at line 3 never closes"),
        (b'id,q\n1,"2"x\n', "the record at line 2: a closing quote is not followed by a delimiter"),
        (b"id,q\n1,D\xfcsseldorf\n", "line 2, column 4: byte 0xFC is not UTF-8"),
        (b"\xef\xbb\xbfid,q\n1,\xc3\xa9\xfc\n", "line 2, column 4: byte 0xFC is not UTF-8"),
        (b"id,q\n1,2\x000\n", "line 2, column 4: a NUL byte (1 in the file)"),
        (b"  <!DOCTYPE html><html>", "the content is a web page, perhaps a login page"),
        (b"<HTML><body>", "the content is a web page"),
        ("id,q\n1,2\n".encode("utf-16"), "the content is UTF-16 text"),
        (b"PK\x03\x04xxxx", "the content is a zip archive"),
        (b"$FL2@(#)", "the content is an SPSS file"),
        (b"\x1f\x8b\x08", "the content is a gzip archive"),
        (b"id,q\n1," + b"x" * (1024**2 + 1), "line 2: a cell is longer than 1,048,576 characters"),
    ],
)
def test_a_csv_that_needs_guessing_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    assert told in refused(tmp_path, content)


def test_messages_hold_no_answers(tmp_path: Path) -> None:
    message = refused(tmp_path, "id,q\nsecret-name,2,secret-text\n")
    assert "secret" not in message


def test_many_bad_lines_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    message = refused(tmp_path, "id,q\n" + "1\n" * 50)
    assert "50 of 50 rows" in message
    assert "line 21 has 1, … (30 more)" in message


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: no such file"):
        read_survey(tmp_path / "none.csv", PAIR)
    with pytest.raises(InputError, match="this is a folder"):
        read_survey(tmp_path, PAIR)
    with pytest.raises(InputError, match=r"files that end in '\.doc' can't be read"):
        read_survey(csv_file(tmp_path, "id,q\n", "survey.doc"), PAIR)


def sav_file(tmp_path: Path, columns: dict[str, list[object]], **options: object) -> Path:
    path = tmp_path / "survey.sav"
    pyreadstat.write_sav(pd.DataFrame(columns), path, **options)
    return path


def test_spss_codes_are_written_like_those_of_a_csv(tmp_path: Path) -> None:
    columns = {
        "id": ["001", "NA ", "  x"],
        "q": [1.0, 2.0, np.nan],
        "w": [0.1, 42.5, 1e-7],
    }
    path = sav_file(tmp_path, columns, variable_value_labels={"q": {1: "yes", 2: "no"}})
    survey = read_survey(path, codebook_of(id="id", q="nominal", w="weight"))
    assert survey.frame["id"].tolist() == ["001", "NA", "  x"]
    assert survey.frame["q"].fillna("<NA>").tolist() == ["1", "2", "<NA>"]
    assert [float(text) for text in survey.frame["w"]] == [0.1, 42.5, 1e-7]
    assert survey.frame["w"][1] == "42.5"
    assert survey.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_user_missing_codes_stay_codes(tmp_path: Path) -> None:
    codebook = codebook_of(id="id", q="nominal")
    q = replace(codebook.variables["q"], missing={"8": "don't know", "9": "refused"})
    codebook = replace(codebook, variables={**codebook.variables, "q": q})
    columns: dict[str, list[object]] = {"id": ["a", "b", "c"], "q": [1.0, 8.0, 9.0]}
    path = sav_file(tmp_path, columns, missing_ranges={"q": [{"lo": 8, "hi": 9}]})
    assert read_survey(path, codebook).frame["q"].tolist() == ["1", "8", "9"]


def test_a_code_that_the_file_declares_missing_is_no_answer(tmp_path: Path) -> None:
    codebook = codebook_of(id="id", q="nominal", age="numeric")
    columns: dict[str, list[object]] = {"id": ["a", "b"], "q": [1.0, 2.0], "age": [44.0, 97.0]}
    path = sav_file(tmp_path, columns, missing_ranges={"q": [2], "age": [{"lo": 96, "hi": 99}], "id": ["b"]})
    with pytest.raises(InputError, match=r"\(3 faults\)") as caught:
        read_survey(path, codebook)
    message = str(caught.value)
    assert "survey.sav: q: 2 declared missing by the file, taken for answers by codebook.toml" in message
    assert "survey.sav: age: 97 declared missing by the file" in message
    assert "list them in variables.id.missing with their reasons" in message


def test_dates_stay_numbers(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {"id": ["a"], "day": [pd.Timestamp("1582-10-15")]}
    survey = read_survey(sav_file(tmp_path, columns), codebook_of(id="id", day="numeric"))
    assert survey.frame["day"].tolist() == ["86400"]  # SPSS counts seconds from 14 October 1582


@pytest.mark.parametrize("cut", [3, 100, 300, -1])
def test_a_truncated_spss_file_is_refused(tmp_path: Path, cut: int) -> None:
    whole = sav_file(tmp_path, {"id": ["a", "b"], "q": [1.0, 2.0]}).read_bytes()
    message = refused(tmp_path, whole[:cut], name="cut.sav")
    assert "truncated or damaged" in message or "something else" in message


def test_the_name_and_the_content_agree(tmp_path: Path) -> None:
    assert "the name says SPSS, the content is something else" in refused(
        tmp_path, "id,q\n1,2\n", name="s.sav"
    )
    assert "the name says SPSS, the content is a web page" in refused(tmp_path, "<html>", name="s.sav")
    empty = pd.DataFrame({"id": pd.Series([], dtype="str"), "q": pd.Series([], dtype=float)})
    pyreadstat.write_sav(empty, tmp_path / "empty.sav")
    with pytest.raises(InputError, match="the file holds no rows"):
        read_survey(tmp_path / "empty.sav", PAIR)


def test_survey_data_are_text_in_the_columns_of_the_codebook() -> None:
    frame = pd.DataFrame({"id": ["1"], "q": ["2"]}, dtype="str")
    assert SurveyData(frame=frame, codebook=PAIR).n_rows == 1
    with pytest.raises(InputError, match="not in the order of the codebook"):
        SurveyData(frame=frame[["q", "id"]], codebook=PAIR)
    with pytest.raises(InputError, match="does not declare columns: 'x'"):
        SurveyData(frame=frame.assign(x="1"), codebook=PAIR)
    with pytest.raises(InputError, match="columns are not text: q"):
        SurveyData(frame=frame.assign(q=[1]), codebook=PAIR)


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0.0), ("-1", -1.0), ("+2.50", 2.5), ("1e3", 1000.0), ("007", 7.0), ("2.5E-1", 0.25)],
)
def test_numbers(text: str, number: float) -> None:
    assert as_number(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1_000",
        "1,5",
        "1.234,5",
        "nan",
        "inf",
        "1e999",
        "٣",
        "1.",
        ".",
        "--1",
        "0x10",
        "1\n",
        "½",
    ],
)
def test_what_is_no_number(text: str) -> None:
    assert as_number(text) is None


@pytest.mark.parametrize("folder", ["data/synthetic", "analyses/five_nation_2008"])
def test_both_formats_of_the_shipped_survey_hold_the_same_codes(folder: str) -> None:
    root = Path(__file__).parents[3]
    codebook = read_codebook(root / folder / "codebook.toml")
    csv, sav = (
        read_survey(root / "data" / "synthetic" / f"five_nation_2008.{suffix}", codebook)
        for suffix in ("csv", "sav")
    )
    pd.testing.assert_frame_equal(csv.frame, sav.frame)
    pd.testing.assert_frame_equal(clean(csv).frame, clean(sav).frame)
    pd.testing.assert_frame_equal(clean(csv).reasons, clean(sav).reasons)
    for mapping in codebook.mappings:
        assert clean(csv, mapping=mapping).mapping == mapping
