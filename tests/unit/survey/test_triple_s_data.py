"""Data files of Triple-S: positions on the line, fields of CSV, codes without what fills them up.

What the cells mean was worked out by hand from the standard's rules of writing. Another program, the package
triple-s-survey 0.3.1, makes the same of the lines (with Zoe for Zoë: it counts bytes) and of the CSV file
with sub-fields in one field: codes 1, 2, 99; ways [1, 3], [], none; first [1, 12], [], [2]; weights 1.25,
0.5, 12.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from coprodstats import read_codebook, read_metadata, read_survey
from coprodstats.cli import main
from coprodstats.errors import FormatError, InputError, SchemaError, UnsafePathError
from coprodstats.survey.coded_fields import answers
from coprodstats.survey.compact import Columns
from coprodstats.survey.triple_s import Field, Layout

PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<sss version="2.0"><survey><title>Neighbours</title><record ident="A"{record}>
  <variable ident="1" type="character"><name>id</name><label>Person</label>
    <position {id}/><size>4</size></variable>
  <variable ident="2" type="single"><name>helps</name><label>Helps neighbours</label>
    <position {helps}/><values><value code="1">yes</value><value code="2">no</value>
    <value code="99">refused</value></values></variable>
  <variable ident="3" type="multiple"><name>ways</name><label>Ways to take part</label>
    <position {ways}/><values><value code="1">sweeps</value><value code="2">waters</value>
    <value code="3">meets</value></values></variable>
  <variable ident="4" type="multiple"><name>first</name><label>Two things first</label>
    <position {first}/><spread subfields="2" width="2"/><values><value code="1">roads</value>
    <value code="2">schools</value><value code="12">parks</value></values></variable>
  <variable ident="5" type="quantity" use="weight"><name>w</name><label>Weight</label>
    <position {w}/><values><range from="0.00" to="99.99"/></values></variable>
  <variable ident="6" type="logical"><name>urban</name><label>In a town</label><position {urban}/></variable>
  <variable ident="7" type="date"><name>day</name><label>Day</label><position {day}/></variable>
</record></survey></sss>
"""
NAMES = ("id", "helps", "ways", "first", "w", "urban", "day")


def page(record: str, **positions: str) -> str:
    return PAGE.format(record=record, **positions)


def places(*numbers: str) -> dict[str, str]:
    ends = [number.split("-") for number in numbers]
    said = [f'start="{one[0]}"' + "".join(f' finish="{last}"' for last in one[1:]) for one in ends]
    return dict(zip(NAMES, said, strict=True))


FIXED = page("", **places("1-4", "5-6", "7-9", "10-13", "14-18", "19", "20-27"))
CSV = page(' format="csv" skip="1"', **places("1", "2", "3", "4-5", "6", "7", "8"))
ONE_FIELD = page(' format="csv"', **places("1", "2", "3", "4", "5", "6", "7"))
LINES = "a1   1101120101.25120080501\r\nb2  020000000000.50        \r\nZoë 99     0212.00 20080502\r\n"
RECORDS = (
    "id,helps,ways,first1,first2,w,urban,day\n"
    'a1,1,101,12,1,1.25,1,20080501\nb2,02,000,0,0,0.5,0,\n"Zoë",99,,,02,12.00,,20080502\n'
)
JOINED = "a1,1,101,1201,1.25,1,20080501\nb2,02,000,0000,0.5,0,\nZoë,99,,0002,12.00,,20080502\n"
CODES: dict[str, list[str | None]] = {
    "id": ["a1", "b2", "Zoë"],
    "helps": ["1", "2", "99"],
    "ways_1": ["1", "0", None],
    "ways_2": ["0", "0", None],
    "ways_3": ["1", "0", None],
    "first_1": ["1", "0", "0"],
    "first_2": ["0", "0", "1"],
    "first_12": ["1", "0", "0"],
    "w": ["1.25", "0.5", "12.00"],
    "urban": ["1", "0", None],
    "day": ["20080501", None, "20080502"],
}
HEAD = 'title = "t"\n[file]\nlayout = "survey.sss"\n'
CODEBOOK = HEAD + "".join(
    f'[variables.{name}]\nlabel = "{name}"\nkind = "nominal"\nvalues = {{ 1 = "one" }}\n' for name in CODES
)


def laid_out(folder: Path, layout: str, name: str, data: bytes, codebook: str = CODEBOOK) -> Path:
    (folder / "survey.sss").write_text(layout, encoding="utf-8")
    (folder / "codebook.toml").write_text(codebook, encoding="utf-8")
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize(
    ("layout", "name", "data"),
    [
        (FIXED, "survey.asc", LINES),
        (FIXED, "survey.asc", LINES.replace("\r\n", "\n").removesuffix("\n")),
        (FIXED.replace('ident="A"', 'ident="A" skip="1"'), "survey.asc", "a line about the file\r\n" + LINES),
        (CSV, "survey.csv", RECORDS),
        (ONE_FIELD, "survey.csv", JOINED),
    ],
    ids=["lines", "lines of another system", "a line before", "fields", "sub-fields in one field"],
)
def test_answers_are_read_as_codes(layout: str, name: str, data: str, tmp_path: Path) -> None:
    path = laid_out(tmp_path, layout, name, data.encode())
    frame = read_survey(path, read_codebook(tmp_path / "codebook.toml")).frame
    found = frame.astype(object).where(frame.notna(), None).to_dict("list")
    # 12.00 and 0.50 are the numbers 12 and 0.5 however they are written.
    found["w"] = ["0.5" if text == "0.50" else text for text in found["w"]]
    if name == "survey.asc":
        assert found["w"][0] == "1.25"  # the zero before it only fills it up
    assert found == CODES


def test_an_encoding_and_an_archive_are_read_too(tmp_path: Path) -> None:
    codebook = CODEBOOK.replace("[file]", '[file]\nencoding = "cp1252"')
    path = laid_out(tmp_path, FIXED, "survey.asc.gz", gzip.compress(LINES.encode("cp1252")), codebook)
    survey = read_survey(path, read_codebook(tmp_path / "codebook.toml"))
    assert survey.frame["id"].tolist() == CODES["id"]


def test_only_declared_columns_are_kept(tmp_path: Path) -> None:
    codebook = HEAD + '[variables.ways_2]\nlabel = "x"\nkind = "stratum"\n'
    others = ", ".join(f'"{name}"' for name in CODES if name != "ways_2")
    path = laid_out(
        tmp_path, FIXED, "survey.asc", LINES.encode(), f"{codebook}[cleaning]\nignore_columns = [{others}]\n"
    )
    frame = read_survey(path, read_codebook(tmp_path / "codebook.toml")).frame
    assert frame.fillna("").to_dict("list") == {"ways_2": ["0", "0", ""]}


def test_a_page_names_the_columns_that_are_read(tmp_path: Path) -> None:
    said = read_metadata(laid_out(tmp_path, FIXED, "survey.asc", b"").with_name("survey.sss"))
    assert list(said.variables) == list(CODES)
    assert said.variables["first_12"].label == "Two things first: parks"
    assert said.weight == "w"


LONG = LINES.replace("20080501", "20080501  x")
FAULTS: dict[str, tuple[str, str, type[InputError], str]] = {
    "a line too short": (
        FIXED, LINES.replace("20080502", "2008"), SchemaError,
        "1 of 3 lines are shorter than the 27 characters that survey.sss declares: line 3 has 23",
    ),
    "characters after the last position": (
        FIXED, LONG, SchemaError,
        "1 of 3 lines hold characters where survey.sss declares nothing: line 1, column 30",
    ),
    "characters between positions": (
        FIXED.replace('start="19"', 'start="28"'), LINES.replace("\r\n", "0\r\n"), SchemaError,
        r"2 of 3 lines hold characters where .* line 1, column 19, line 2, column 19",
    ),
    "two faults at once": (
        FIXED, LONG.replace("20080502", "2008"), SchemaError, r"\(2 faults\)",
    ),
    "another character than 0 and 1": (
        FIXED, LINES.replace("101120", "1x1120"), SchemaError,
        "ways: line 1, column 7: not 3 or more characters 0 or 1",
    ),
    "a sub-field without a code": (
        FIXED, LINES.replace("1011201", "1011207"), SchemaError,
        "first: line 1, column 12: a sub-field with none of the codes",
    ),
    "no bytes": (FIXED, "", InputError, "the file is empty"),
    "a web page": (
        FIXED, "<html><body>" + " " * 40, FormatError, "the name says fixed positions, the content is a web",
    ),
    "fields of CSV": (CSV, LINES, SchemaError, 'counts fields of a CSV file.*format = "csv"'),
    "no type": (
        FIXED.replace('"quantity"', '"quantities"'), LINES, SchemaError,
        "no type 'quantities'.*mean 'quantity'",
    ),
    "no position": (
        FIXED.replace('<position start="19"/>', ""), LINES, SchemaError, "urban: the position is missing",
    ),
    "a position that ends before it starts": (
        FIXED.replace('finish="18"', 'finish="13"'), LINES, SchemaError,
        "w: the position is missing or can't be",
    ),
    "fewer positions than codes": (
        FIXED.replace('start="7" finish="9"', 'start="7" finish="8"'), LINES, SchemaError,
        "ways: positions 7 to 8 are fewer than the highest code",
    ),
    "fewer positions than sub-fields": (
        FIXED.replace('start="10" finish="13"', 'start="10" finish="12"'), LINES, SchemaError,
        "first: positions 10 to 12 don't hold the sub-fields",
    ),
    "a name twice": (
        FIXED.replace("<name>day", "<name>ways_1"), LINES, SchemaError,
        "have the same name: 'ways_1', 'ways_1'",
    ),
    "another kind of page": ("<codeBook/>", LINES, FormatError, "no Triple-S page of one record"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_files_that_are_not_what_their_page_says_are_refused(what: str, tmp_path: Path) -> None:
    layout, data, error, words = FAULTS[what]
    path = laid_out(tmp_path, layout, "survey.asc", data.encode())
    with pytest.raises(error, match=f"(?s){words}") as caught:
        read_survey(path, read_codebook(tmp_path / "codebook.toml"))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (RECORDS.replace("101,", "101,9,"), "1 of 3 rows .* fields than survey.sss.*line 2 has 9"),
        (RECORDS.replace("101,", "10,"), "ways: line 2, field 3: not 3 or more characters 0 or 1"),
        (RECORDS.replace("12,1,", "12,3,"), "first: line 2, field 5: a sub-field with none of the codes"),
    ],
)  # fmt: skip
def test_fields_that_are_not_what_their_page_says_are_refused(data: str, words: str, tmp_path: Path) -> None:
    path = laid_out(tmp_path, CSV, "survey.csv", data.encode())
    with pytest.raises(SchemaError, match=f"(?s){words}"):
        read_survey(path, read_codebook(tmp_path / "codebook.toml"))


def test_without_a_page_positions_are_asked_for(tmp_path: Path) -> None:
    codebook = CODEBOOK.replace('layout = "survey.sss"', "")
    path = laid_out(tmp_path, FIXED, "survey.asc", LINES.encode(), codebook)
    with pytest.raises(InputError, match=r'where the answers stand .*\n.*layout = "survey.sss"'):
        read_survey(path, read_codebook(tmp_path / "codebook.toml"))


def test_a_page_outside_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    codebook = CODEBOOK.replace('"survey.sss"', '"../survey.sss"')
    path = laid_out(tmp_path / "data", FIXED, "survey.asc", LINES.encode(), codebook)
    (tmp_path / "survey.sss").write_text(FIXED, encoding="utf-8")
    declared = read_codebook(path.with_name("codebook.toml"))
    with pytest.raises(UnsafePathError, match="leads out of the folder"):
        read_survey(path, declared)
    assert read_survey(path, declared, root=tmp_path).n_rows == 3


def test_a_codebook_is_drafted_from_a_data_file_and_its_page(tmp_path: Path) -> None:
    path = laid_out(tmp_path, FIXED, "survey.asc", LINES.encode())
    (tmp_path / "codebook.toml").unlink()
    unnamed = CliRunner().invoke(main, ["init", str(path)])
    assert unnamed.exit_code == SchemaError.exit_status
    assert "--labels survey.sss" in unnamed.stderr
    drafted = CliRunner().invoke(main, ["init", str(path), "--labels", str(path.with_suffix(".sss"))])
    assert drafted.exit_code == 0, drafted.output
    text = (tmp_path / "codebook.toml").read_text(encoding="utf-8")
    assert 'layout = "survey.sss"' in text
    assert "Two things first: parks" in text


CHOSEN = st.lists(st.sets(st.sampled_from([1, 2, 5])) | st.none(), min_size=1, max_size=8)


@given(chosen=CHOSEN)
def test_characters_are_the_answers_that_were_written(chosen: list[set[int] | None]) -> None:
    field = Field(name="q", kind="multiple", start=1, finish=5, codes=("1", "2", "5"))
    cells = [" " * 5 if one is None else "".join(str(int(c in one)) for c in range(1, 6)) for one in chosen]
    assert answers_of(field, {"q": cells}) == expected(chosen)


@given(chosen=CHOSEN)
def test_sub_fields_are_the_answers_that_were_written(chosen: list[set[int] | None]) -> None:
    field = Field(name="q", kind="multiple", start=1, finish=6, codes=("1", "2", "5"), subfields=3, width=2)
    rows = [["  "] * 3 if one is None else [f"{c:02d}" for c in (*one, 0, 0, 0)][:3] for one in chosen]
    parts = {f"q/{start}": [row[place] for row in rows] for place, start in enumerate((1, 3, 5))}
    assert answers_of(field, parts) == expected(chosen)


def answers_of(field: Field, parts: dict[str, list[str]]) -> dict[str, list[str | None]]:
    columns = Columns(list(parts))
    columns.add(pa.array(cells).dictionary_encode() for cells in parts.values())
    layout = Layout(source="s.sss", is_csv=False, skip=0, fields=(field,))
    table, faults = answers(columns.table(), layout, None, "s.asc", lambda row: row + 1)
    assert not faults
    return table.to_pydict()


def expected(chosen: list[set[int] | None]) -> dict[str, list[str | None]]:
    return {f"q_{c}": [None if one is None else str(int(c in one)) for one in chosen] for c in (1, 2, 5)}
