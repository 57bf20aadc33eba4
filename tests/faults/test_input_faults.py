"""Faults of survey files: each meets its own error, in words, and nothing that was there before changes."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from click.testing import CliRunner

from coprodstats.cli import main
from coprodstats.errors import (
    ConfigError,
    CoprodstatsError,
    DelimiterError,
    EncodingError,
    FormatError,
    InputError,
    IntegrityError,
    ReaderCrashError,
    ResourceLimitError,
    SchemaError,
    TruncatedInputError,
    UnexpectedCodeError,
    UnsafePathError,
)
from coprodstats.survey import child_process, reading
from coprodstats.survey.cleaning import clean
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.file_format import FileFormat
from coprodstats.survey.metadata_reading import read_metadata
from coprodstats.survey.reading import read_survey

from .spreadsheets import day, ods, package, sheet_xml, xlsx

CODEBOOK = """title = "Faults"
{file}
[variables.id]
kind = "id"
[variables.q]
label = "Question"
kind = "nominal"
values = {{ 1 = "yes", 2 = "no" }}
missing = {{ 9 = "refused"{missing} }}
[variables.w]
kind = "weight"
"""
ANALYSIS = """title = "Faults"
root = "{root}"
survey = "{survey}"
codebook = "codebook.toml"
output = "out"
[outcomes.one]
label = "One"
[outcomes.two]
label = "Two"
[[comparisons]]
key = "main"
title = "Main"
kind = "logit"
outcomes = {{ one = "q", two = "q" }}
predictors = "w"
[describe]
by = "q"
"""
GOOD = "id,q,w\na,1,0.5\nb,2,1.5\n"


@dataclass(frozen=True)
class Case:
    """A file, what its codebook says, and the error that it must meet."""

    content: bytes | Callable[[Path], bytes]
    error: type[InputError]
    words: str
    name: str = "survey.csv"
    file: str = ""
    missing: str = ""
    more: Mapping[str, str] = field(default_factory=dict)


def text(content: str, encoding: str = "utf-8") -> bytes:
    return content.encode(encoding)


def sav(folder: Path, frame: pd.DataFrame | None = None, **options: object) -> bytes:
    frame = FRAME if frame is None else frame
    pyreadstat.write_sav(frame, folder / "made.sav", **options)
    return (folder / "made.sav").read_bytes()


def dta(folder: Path, frame: pd.DataFrame | None = None, **options: object) -> bytes:
    frame = FRAME if frame is None else frame
    pyreadstat.write_dta(frame, folder / "made.dta", **options)
    return (folder / "made.dta").read_bytes()


def parquet(_: Path, names: list[str] | None = None) -> bytes:
    stream = io.BytesIO()
    many = pd.concat([FRAME] * 50, ignore_index=True)
    table = pa.Table.from_pandas(many, preserve_index=False).rename_columns(names or list(FRAME))
    pq.write_table(table, stream, write_page_checksum=True, compression="none", use_dictionary=False)
    return stream.getvalue()


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


FRAME = pd.DataFrame({"id": ["a", "b", "c"], "q": [1.0, 2.0, 1.0], "w": [0.5, 1.5, 1.25]})
LETTERED = FRAME.assign(q=pd.Series([1.0, "a", 2.0], dtype=object))
PAGE = (
    '<sss version="2.0"><survey><record ident="A">'
    '<variable ident="1" type="character"><name>id</name><position start="1"/></variable>'
    '<variable ident="2" type="single"><name>q</name><position start="2"/></variable>'
    '<variable ident="3" type="quantity"><name>w</name><position start="2"/></variable>'
    "</record></survey></sss>"
)
SHEET: list[list[object]] = [["id", "q", "w"], ["a", 1, 0.5], ["b", 2, 1.5]]
# A page of 493 kB that unpacks to 200 MB, and a part of 400 bytes that would unfold to a gigabyte.
BOMB = sheet_xml(SHEET).replace("</sheetData>", "<row><c><v>1</v></c></row>" * 8_000_000 + "</sheetData>")
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9))
    + "]><x>&j;</x>"
)
SEMI = '\n[file]\ndelimiter = ";"\ndecimal = ","\n'

CASES = {
    "F01 semicolons and decimal commas, undeclared": Case(
        text("id;q;w\na;1;1,25\nb;2;0,5\n"), DelimiterError,
        r'1 column found by commas, 3 by semicolons.*delimiter = ";", decimal = ","',
    ),
    "F01 tabs in a file of commas": Case(
        text("id\tq\tw\na\t1\t1\n"), DelimiterError, r'1 column found by commas, 3 by tabs.*delimiter = "\\t"'
    ),
    "F03 a quoted decimal comma": Case(
        text('id,q,w\na,1,"1,25"\nb,2,"0,75"\n'), SchemaError,
        "w: lines 2, 3: this looks like a decimal comma"
    ),
    "F04 a point that may separate thousands": Case(
        text("id,q,w\na,1,1.234\nb,2,2.500\n"), DelimiterError,
        "w: lines 2, 3: the point may be a decimal mark or separate thousands",
    ),
    "F04 a point where the mark is a comma": Case(
        text("id;q;w\na;1;1.234\n"), DelimiterError, "line 2: a number with a point, though", file=SEMI
    ),
    "F05 a short row": Case(text("id,q,w\na,1,1\nb,2\n"), SchemaError, "1 of 2 rows.*line 3 has 2"),
    "F05 many short rows": Case(
        text("id,q,w\n" + "a,1\n" * 30), SchemaError, r"30 of 30 rows.*line 21 has 2, … \(10 more\)"
    ),
    "F06 a long row": Case(text("id,q,w\na,1,1,7\nb,2,2\n"), SchemaError, "1 of 2 rows.*line 2 has 4"),
    "F07 a delimiter at the end of every row": Case(
        text("id,q,w\na,1,1,\nb,2,2,\n"), SchemaError, "the header lacks.*trailing_delimiter = true"
    ),
    "F07 declared, and one row without": Case(
        text("id,q,w\na,1,1,\nb,2,2\n"), SchemaError, "line 3 has 3",
        file="\n[file]\ntrailing_delimiter = true\n",
    ),
    "F08 a quote that never closes": Case(
        text('id,q,w\n"a,1,1\nb,2,2\n'), SchemaError, "opens in the record at line 2 never closes"
    ),
    "F09 latin-1 read as UTF-8": Case(
        text("id,q,w\nDüsseldorf,1,1\n", "latin-1"), EncodingError,
        r'line 2, column 2: byte 0xFC is not UTF-8.*encoding = "cp1252".*cp1252 would make .ü.',
    ),
    "F10 UTF-16, undeclared": Case(text(GOOD, "utf-16"), EncodingError, r'UTF-16.*encoding = "utf-16"'),
    "F12 a NUL byte": Case(
        text("id,q,w\na,1,2\0" + "0\n"), SchemaError, r"line 2, column 6: a NUL byte \(1 in the file\)"
    ),
    "F13 a column twice": Case(
        text("id,q,q\na,1,1\n"), SchemaError, "columns at positions 2, 3 have the same name: 'q', 'q'"
    ),
    "F14 columns that are equal at a second look": Case(
        text("id,q,w,W \na,1,1,1\n"), SchemaError, "positions 3, 4 have the same name: 'w', 'W '"
    ),
    "F14 accents composed and not": Case(
        text("id,q,w,\u00e9,e\u0301\na,1,1,1,1\n"), SchemaError, "positions 4, 5 have the same name"
    ),
    "F13 a column twice in a workbook": Case(
        xlsx([["id", "q", "q"], ["a", 1, 2]]), SchemaError, "positions 2, 3 have the same name",
        name="survey.xlsx",
    ),
    "F13 a column twice in Parquet": Case(
        lambda folder: parquet(folder, ["id", "q", "q"]), SchemaError, "positions 2, 3 have the same name",
        name="survey.parquet",
    ),
    "F15 a zero-width space in a name": Case(
        text("id,q\u200b,w\na,1,1\n"), SchemaError, r"position 2 holds U\+200B ZERO WIDTH SPACE"
    ),
    "F15 a Cyrillic letter in a name": Case(
        text("id,q,w,\u0456d\na,1,1,1\n").replace(b"id,q,w,", b"x,q,w,"), SchemaError,
        r"it looks like 'id' and holds U\+0456 CYRILLIC",
    ),
    "F15 a no-break space in a code": Case(
        text("id,q,w\na,1\u00a0,1\n"), SchemaError,
        r"q: a code looks like '1' and holds U\+00A0 NO-BREAK SPACE"
    ),
    "F21 an empty file": Case(b"", InputError, "the file is empty"),
    "F22 a header only": Case(text("id,q,w\n"), InputError, "a header but not a single row"),
    "F23 a login page": Case(
        text("<!DOCTYPE html>\n<html><body>Log in</body></html>"), FormatError,
        "a web page, perhaps a login page: it begins with '<!DOCTYPE html'",
    ),
    "F24 CSV named .sav": Case(
        text(GOOD), FormatError, "the name says SPSS, the content is something else", name="survey.sav"
    ),
    "F24 SPSS named .csv": Case(sav, FormatError, "the name says CSV, the content is an SPSS file"),
    "F24 a workbook named .dta": Case(
        xlsx(SHEET), FormatError, "the name says Stata, the content is a zip archive", name="survey.dta"
    ),
    "F24 Excel named .ods": Case(
        xlsx(SHEET), FormatError, "the name says OpenDocument, the content is an Excel", name="survey.ods"
    ),
    "F25 a truncated gzip": Case(
        gzip.compress(text(GOOD * 50), mtime=0)[:-20], TruncatedInputError, "the archive ends before its end",
        name="survey.csv.gz",
    ),
    "F25 a truncated SPSS file": Case(
        lambda folder: sav(folder)[:-9], TruncatedInputError, "truncated or damaged|says 3 rows and holds",
        name="survey.sav",
    ),
    "F25 a truncated Stata file": Case(
        lambda folder: dta(folder)[:-60], TruncatedInputError, "truncated or damaged", name="survey.dta"
    ),
    "F25 a truncated Parquet file": Case(
        lambda folder: parquet(folder)[:-9], TruncatedInputError, "truncated or damaged",
        name="survey.parquet",
    ),
    "F25 a truncated workbook": Case(
        xlsx(SHEET)[:-40], TruncatedInputError, "the archive ends before its end", name="survey.xlsx"
    ),
    "F26 a bit flip in Parquet": Case(
        lambda folder: flipped(parquet(folder), 60), TruncatedInputError, "truncated or damaged",
        name="survey.parquet",
    ),
    "F26 another file than the one pinned": Case(
        text(GOOD), IntegrityError,
        f"SHA-256 is {hashlib.sha256(text(GOOD)).hexdigest()}, the codebook declares 0000",
        file=f'\n[file]\nsha256 = "{"0" * 64}"\n',
    ),
    "F27 a zip bomb in a workbook": Case(
        lambda _: xlsx(SHEET, parts={"xl/worksheets/sheet1.xml": BOMB}), ResourceLimitError,
        "unpacks to 198 MiB or more", name="survey.xlsx",
    ),
    "F27 a gzip bomb": Case(
        lambda _: gzip.compress(b"id,q,w\n" + b"a,1,1\n" * 20_000_000, mtime=0), ResourceLimitError,
        "unpacks to", name="survey.csv.gz",
    ),
    "F28 entities that laugh": Case(
        xlsx(SHEET, parts={"xl/worksheets/sheet1.xml": LAUGHS}), ResourceLimitError, "defines entities",
        name="survey.xlsx",
    ),
    "F29 100,000 columns": Case(
        text(",".join(f"c{i}" for i in range(100_000)) + "\n1\n"), ResourceLimitError, "100,000 columns"
    ),
    "F29 17,000 columns in a workbook": Case(
        xlsx([[f"c{i}" for i in range(17_000)]]), ResourceLimitError, "17,000 columns", name="survey.xlsx"
    ),
    "F35 a header of two rows": Case(
        xlsx([["about", None, None], *SHEET]), SchemaError, r"header_rows = 2", name="survey.xlsx"
    ),
    "F35 merged cells in the header": Case(
        xlsx([["id", "q", None], *SHEET], merged=["B1:C1"]), SchemaError,
        "merged cells in the header.*header_rows = 2", name="survey.xlsx",
    ),
    "F36 29 February 1900": Case(
        xlsx([["id", "q", "w"], [day(60), 1, 1]]), SchemaError, "id: there are dates before 1 March 1900",
        name="survey.xlsx",
    ),
    "F36 dates and numbers in one column": Case(
        xlsx([["id", "q", "w"], [day(39569), 1, 1], [39570, 2, 1]]), SchemaError,
        "id: some cells are dates and some are numbers", name="survey.xlsx",
    ),
    "F37 a formula without its result": Case(
        xlsx([["id", "q", "w"], ["a", "<c><f>1+1</f></c>", 1]]), SchemaError,
        "a formula whose result isn't stored: B2", name="survey.xlsx",
    ),
    "F37 an error in a cell": Case(
        xlsx([["id", "q", "w"], ["a", '<c t="e"><f>A9</f><v>#REF!</v></c>', 1]]), SchemaError,
        "an error such as #REF!.*B2", name="survey.xlsx",
    ),
    "F38 several sheets": Case(
        xlsx(SHEET, more={"other": SHEET}), InputError, r"2 sheets: 'data', 'other'.*sheet = ",
        name="survey.xlsx",
    ),
    "F38 a sheet that is not there": Case(
        xlsx(SHEET), InputError, "no sheet 'dat'.*did you mean 'data'", name="survey.xlsx",
        file='\n[file]\nsheet = "dat"\n',
    ),
    "F40 a code that SPSS declares missing": Case(
        lambda folder: sav(folder, missing_ranges={"q": [2]}), InputError,
        "q: 2 declared missing by the file, taken for answers", name="survey.sav",
    ),
    "F43 a text that SPSS declares missing": Case(
        lambda folder: sav(folder, missing_ranges={"id": ["b"]}), InputError,
        "id: b declared missing by the file", name="survey.sav",
    ),
    "identifiers that the format has rounded": Case(
        lambda folder: sav(folder, FRAME.assign(id=[2.0**53 + 2, 1.0, 2.0])), SchemaError,
        "id: numbers beyond 9,007,199,254,740,992 are rounded", name="survey.sav",
    ),
    "F16 a word among numbers": Case(
        text("id,q,w,n\na,1,1,refused\nb,2,1,1\n"), UnexpectedCodeError,
        "n: text where a number belongs in fewer than 10 rows",
        file='\n[variables.n]\nlabel = "Number"\nkind = "numeric"\n',
    ),
    "F41 a code that nobody declares missing": Case(
        text("id,q,w\na,1,1\nb,88,1\n"), UnexpectedCodeError,
        "q: codes that the codebook does not declare: '88' in fewer than 10 rows.*looks like a missing code",
    ),
    "F44 a letter of Stata that the codebook does not know": Case(
        lambda folder: dta(folder, LETTERED, missing_user_values={"q": ["a"]}), UnexpectedCodeError,
        r"q: codes that the codebook does not declare: '\.a' in fewer than 10 rows", name="survey.dta",
    ),
    "a Triple-S line that is too short": Case(
        text("a1\nb\n"), SchemaError, "1 of 2 lines are shorter than the 2 characters .*: line 2 has 1",
        name="survey.asc", file='\n[file]\nlayout = "s.sss"\n', more={"s.sss": PAGE},
    ),
    "Triple-S characters outside all positions": Case(
        text("a1 x\nb2\n"), SchemaError, "where s.sss declares nothing: line 1, column 4",
        name="survey.asc", file='\n[file]\nlayout = "s.sss"\n', more={"s.sss": PAGE},
    ),
    "a zip with two files": Case(
        package({"a.csv": GOOD, "b.csv": GOOD}), InputError, "holds 2 files: a.csv, b.csv", name="survey.zip"
    ),
    "columns of another survey": Case(
        text("id,Q1,w\na,1,1\n"), SchemaError, "no column 'q'.*does not declare columns: 'Q1'"
    ),
}  # fmt: skip


def laid_out(folder: Path, case: Case) -> Path:
    """Write an analysis with the output of an earlier run, and return its folder."""
    home = folder / "analysis"
    (home / "out").mkdir(parents=True)
    (home / "out" / "report.html").write_text("the last good report", encoding="utf-8")
    codebook = CODEBOOK.format(file=case.file, missing=case.missing)
    (home / "codebook.toml").write_text(codebook, encoding="utf-8")
    (home / "analysis.toml").write_text(ANALYSIS.format(root=".", survey=case.name), encoding="utf-8")
    (folder / "made").mkdir()
    made = case.content(folder / "made") if callable(case.content) else case.content
    (home / case.name).write_bytes(made)
    for name, content in case.more.items():
        (home / name).write_text(content, encoding="utf-8")
    return home


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def refused(home: Path, error: type[CoprodstatsError], words: str, *, kept: str = "") -> None:
    """Run the analysis in a folder: the error is the one wanted and nothing is written to what is kept."""
    before = hashes(home / kept)
    ran = CliRunner().invoke(main, ["run", str(home / "analysis.toml")])
    told = ran.stderr
    assert told.startswith(f"[{error.code}] {error.__name__}"), told
    assert re.search(words, told, re.DOTALL), told
    assert ran.exit_code == error.exit_status
    assert ran.stdout == ""
    assert "Traceback" not in told
    assert hashes(home / kept) == before


@pytest.mark.parametrize("what", CASES)
def test_a_faulty_file_meets_its_error_and_nothing_changes(what: str, tmp_path: Path) -> None:
    case = CASES[what]
    refused(laid_out(tmp_path, case), case.error, case.words)


# ------------------------------------------------------------------------------------ what is read, and how


def survey_of(folder: Path, case: Case) -> reading.SurveyData:
    home = laid_out(folder, case)
    return read_survey(home / case.name, read_codebook(home / "codebook.toml"))


def cells(survey: reading.SurveyData) -> dict[str, list[str]]:
    return {name: survey.frame[name].fillna("<NA>").tolist() for name in survey.frame}


FINE = Case(text(GOOD), InputError, "")
AS_READ = {"id": ["a", "b"], "q": ["1", "2"], "w": ["0.5", "1.5"]}


@pytest.mark.parametrize(
    "case",
    [
        FINE,
        replace(FINE, content=text("\ufeff" + GOOD)),  # F11
        replace(FINE, content=text(GOOD.replace(",", "\t")), name="survey.tsv"),
        replace(FINE, content=text(GOOD.replace(",", "|")), file='\n[file]\ndelimiter = "|"\n'),
        replace(FINE, content=text("id;q;w\na;1;0,5\nb;2;1,5\n"), file=SEMI),  # F02
        replace(FINE, content=text("\ufeff" + GOOD), file='\n[file]\nencoding = "utf8"\n'),
        replace(FINE, content=text(GOOD, "utf-16"), file='\n[file]\nencoding = "utf-16"\n'),  # F10
        replace(
            FINE,
            content=text("id,q,w\na,1,0.5,\nb,2,1.5,\n"),
            file="\n[file]\ntrailing_delimiter = true\n",
        ),  # F07
        replace(FINE, content=gzip.compress(text(GOOD)), name="survey.csv.gz"),
        replace(FINE, content=package({"folder/s.csv": GOOD}), name="survey.zip"),
        replace(FINE, content=lambda folder: sav(folder, FRAME[:2]), name="survey.sav"),
        replace(FINE, content=lambda folder: sav(folder, FRAME[:2], compress=True), name="survey.zsav"),
        replace(FINE, content=lambda folder: dta(folder, FRAME[:2]), name="survey.dta"),
        replace(FINE, content=xlsx(SHEET), name="survey.xlsx"),
        replace(
            FINE,
            content=xlsx([["Group", None, None], *SHEET], merged=["A1:B1"], more={"x": []}),
            name="survey.xlsx",
            file='\n[file]\nheader_rows = 2\nsheet = "data"\n',
        ),
        replace(FINE, content=ods(SHEET), name="survey.ods"),
    ],
    ids=lambda case: f"{case.name} {' '.join(case.file.split())}",
)
def test_every_format_of_a_survey_gives_the_same_codes(case: Case, tmp_path: Path) -> None:
    assert cells(survey_of(tmp_path, case)) == AS_READ


def test_a_portable_file_gives_the_same_codes(tmp_path: Path) -> None:
    # This format knows names in capitals only.
    pyreadstat.write_por(FRAME[:2].rename(columns=str.upper), tmp_path / "survey.por")
    codebook = tmp_path / "codebook.toml"
    declared = CODEBOOK.format(file="", missing="")
    for name in ("id", "q", "w"):
        declared = declared.replace(f"[variables.{name}]", f"[variables.{name.upper()}]")
    codebook.write_text(declared, encoding="utf-8")
    found = cells(read_survey(tmp_path / "survey.por", read_codebook(codebook)))
    assert found == {name.upper(): values for name, values in AS_READ.items()}


def test_numbers_with_a_decimal_comma_keep_their_value(tmp_path: Path) -> None:
    case = replace(FINE, content=text("id;q;w\na;1;1,25\nb;2;-0,5\nc;1;3\n"), file=SEMI)
    assert cells(survey_of(tmp_path, case))["w"] == ["1.25", "-0.5", "3"]


def test_a_clear_decimal_point_anywhere_settles_the_mark(tmp_path: Path) -> None:
    case = replace(FINE, content=text("id,q,w\na,1,1.234\nb,2,0.5\n"))
    assert cells(survey_of(tmp_path, case))["w"] == ["1.234", "0.5"]


def test_a_declared_decimal_point_settles_the_mark(tmp_path: Path) -> None:
    case = replace(FINE, content=text("id,q,w\na,1,1.234\n"), file='\n[file]\ndecimal = "."\n')
    assert cells(survey_of(tmp_path, case))["w"] == ["1.234"]


def test_names_stay_as_they_are(tmp_path: Path) -> None:
    # F17 to F20: a country called NA, leading zeros, twenty digits, 2**53 + 1.
    ids = ["NA", "007", "12345678901234567890", "9007199254740993"]
    case = replace(FINE, content=text("id,q,w\n" + "".join(f"{i},1,1\n" for i in ids)))
    assert cells(survey_of(tmp_path, case))["id"] == ids


@pytest.mark.parametrize("rows", [65_535, 65_536])
def test_a_file_that_ends_where_spreadsheets_end_is_told(rows: int, tmp_path: Path) -> None:
    # F39; the header may or may not count as a row.
    case = replace(FINE, content=text("id,q,w\n" + "a,1,1\n" * rows))
    survey = survey_of(tmp_path, case)
    assert [
        told.startswith(f"[W-I144] survey.csv: {rows:,} rows is the most") for told in survey.warnings
    ] == [True]


def test_a_file_that_ends_where_spreadsheets_end_is_told_by_check(tmp_path: Path) -> None:
    # F39
    rows = "".join(f"{row},1,1\n" for row in range(65_535))
    home = laid_out(tmp_path, replace(FINE, content=text(f"id,q,w\n{rows}")))
    before = hashes(home)
    ran = CliRunner().invoke(main, ["check", str(home / "survey.csv"), str(home / "codebook.toml")])
    assert ran.exit_code == 0
    assert re.search(r"W-I144\]? survey\.csv: 65,535 rows is the most that such a spreadsheet", ran.output)
    assert hashes(home) == before


def test_reasons_of_spss_stay_beside_the_answers(tmp_path: Path) -> None:
    # F40: 9 is declared missing in both, so it is a reason and no answer.
    frame = pd.DataFrame({"id": ["a", "b", "c"], "q": [1.0, 9.0, 2.0], "w": [1.0, 1.0, 1.0]})
    case = replace(
        FINE, content=lambda folder: sav(folder, frame, missing_ranges={"q": [9]}), name="survey.sav"
    )
    cleaned = clean(survey_of(tmp_path, case))
    assert cleaned.frame["q"].isna().tolist() == [False, True, False]
    assert cleaned.reasons["q"].fillna("").tolist() == ["", "refused", ""]


def test_two_codes_with_one_label_stay_two_codes(tmp_path: Path) -> None:
    # F42
    labels = {"q": {1.0: "Yes", 2.0: "Yes"}}
    case = replace(FINE, content=lambda folder: sav(folder, variable_value_labels=labels), name="survey.sav")
    assert cells(survey_of(tmp_path, case))["q"] == ["1", "2", "1"]


def test_stata_letters_are_codes_with_their_reasons(tmp_path: Path) -> None:
    # F44; in the second column nothing but letters is left.
    frame = pd.DataFrame({"id": ["a", "b", "c"], "q": pd.Series([1.0, "a", "z"], dtype=object), "w": 1.0})
    case = replace(
        FINE,
        content=lambda folder: dta(folder, frame, missing_user_values={"q": ["a", "z"]}),
        name="survey.dta",
        missing=', ".a" = "not asked", ".z" = "lost"',
    )
    survey = survey_of(tmp_path, case)
    assert cells(survey)["q"] == ["1", ".a", ".z"]
    assert clean(survey).reasons["q"].fillna("").tolist() == ["", "not asked", "lost"]


def test_stata_letters_that_the_codebook_does_not_know_are_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["d"], "q": pd.Series(["a"], dtype=object), "w": 1.0})
    frame = pd.concat([FRAME, frame], ignore_index=True)
    case = replace(
        FINE,
        content=lambda folder: dta(folder, frame, missing_user_values={"q": ["a"]}),
        name="survey.dta",
    )
    with pytest.raises(UnexpectedCodeError, match=r"'\.a' in fewer than 10 rows"):
        clean(survey_of(tmp_path, case))


# ------------------------------------------------------------------------------------------ paths and limits


def analysis_of(folder: Path, survey: str, root: str = ".") -> Path:
    home = laid_out(folder, FINE)
    (home / "analysis.toml").write_text(ANALYSIS.format(root=root, survey=survey), encoding="utf-8")
    return home


def test_a_path_out_of_the_folder_is_refused_unless_declared(tmp_path: Path) -> None:
    # F32
    home = analysis_of(tmp_path, "../elsewhere.csv")
    (tmp_path / "elsewhere.csv").write_text("id,q,w\n", encoding="utf-8")
    refused(home, UnsafePathError, "leads out of the folder that the data may lie in")
    (home / "analysis.toml").write_text(
        ANALYSIS.format(root="..", survey="../elsewhere.csv"), encoding="utf-8"
    )
    refused(home, InputError, "a header but not a single row")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    # F33
    home = analysis_of(tmp_path, "linked.csv")
    (tmp_path / "elsewhere.csv").write_bytes(text(GOOD))
    (home / "linked.csv").symlink_to(tmp_path / "elsewhere.csv")
    refused(home, UnsafePathError, "leads out of the folder")


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    home = analysis_of(tmp_path, "linked.csv")
    (home / "linked.csv").symlink_to(home / "survey.csv")
    codebook = read_codebook(home / "codebook.toml")
    assert cells(read_survey(home / "linked.csv", codebook, root=home)) == AS_READ


@pytest.mark.parametrize("path", ["https://example.org/s.csv", "//host/s.csv", "/dev/zero"])
def test_an_analysis_names_no_address_and_no_device(path: str, tmp_path: Path) -> None:
    # F34; a path that can't be right is a fault of the analysis, told before anything is opened.
    refused(analysis_of(tmp_path, path), ConfigError, "survey: it is no path relative to this file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_an_analysis_of_a_pipe_is_refused(tmp_path: Path) -> None:
    # F34
    home = analysis_of(tmp_path, "pipe.csv")
    os.mkfifo(home / "pipe.csv")
    refused(home, UnsafePathError, "pipe.csv: this is a device or a pipe")


@pytest.mark.parametrize("path", ["https://example.org/s.csv", "\\\\host\\s.csv", "//host/s.csv", "a\0.csv"])
def test_an_address_is_no_path(path: str, tmp_path: Path) -> None:
    # F34
    codebook = read_codebook(laid_out(tmp_path, FINE) / "codebook.toml")
    with pytest.raises(UnsafePathError, match="an address, not a path"):
        read_survey(path, codebook)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_or_a_device_is_no_survey(tmp_path: Path) -> None:
    # F34; opening a pipe that nobody writes to would wait for ever.
    codebook = read_codebook(laid_out(tmp_path, FINE) / "codebook.toml")
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path / "pipe.csv", Path("/dev/zero")):
        with pytest.raises(UnsafePathError, match="a device or a pipe"):
            read_survey(path, codebook)


@pytest.mark.parametrize(
    ("size", "words"),
    [(2 * 1024**3, "a line is longer than 64 MiB"), (64 * 1024**3 + 1, "larger than 64 GiB")],
)
def test_a_cell_of_two_gib_is_refused_without_being_read(size: int, words: str, tmp_path: Path) -> None:
    # F30; the file is mostly a hole, so it takes no room. Its hash would take long.
    home = laid_out(tmp_path, FINE)
    with (home / "survey.csv").open("wb") as stream:
        stream.write(b"id,q,w\na,1,")
        stream.truncate(size)
    refused(home, ResourceLimitError, words, kept="out")


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # F45
    home = laid_out(tmp_path, FINE)
    real = reading.check_evidence

    def meddled(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        with (home / "survey.csv").open("ab") as stream:
            stream.write(b"c,1,1\n")

    monkeypatch.setattr(reading, "check_evidence", meddled)
    refused(home, IntegrityError, "survey.csv: the file changed while it was read", kept="out")


# --------------------------------------------------------------------------------------- the reading process


def with_code(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let reading processes run other code than the reader, after the limits are set."""
    start = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[2]); request = json.loads(sys.argv[1]); "
        "from coprodstats.survey.child_reader import limit; "
        f"limit(request['memory'], request['seconds']); {code}"
    )
    monkeypatch.setattr(child_process, "_START", start)


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("import os; os.kill(os.getpid(), 11)", ReaderCrashError, r"crashed \(signal 11\)"),
        ("import os; os.abort()", ReaderCrashError, r"crashed \(signal 6\)"),
        ("sys.exit(3)", ReaderCrashError, r"crashed \(exit status 3\)"),
        ("print('{\"declared_missing\": {}}', flush=True)", ReaderCrashError, "crashed"),
        ("bytearray(8 * 1024**3)", ResourceLimitError, "more memory than"),
    ],
)
def test_a_reader_that_dies_is_an_error_here(
    code: str, error: type[InputError], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # F31
    home = laid_out(tmp_path, replace(FINE, content=sav, name="survey.sav"))
    with_code(monkeypatch, code)
    refused(home, error, words)


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("\nwhile True: pass", {"seconds": 1, "wall_seconds": 60}),
        ("import time; time.sleep(60)", {"seconds": 60, "wall_seconds": 1}),
    ],
)
def test_a_reader_that_hangs_is_ended(
    code: str, limits: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = laid_out(tmp_path, replace(FINE, content=sav, name="survey.sav"))
    with_code(monkeypatch, code)
    short = child_process.Limits(memory=1024**3, **limits)
    monkeypatch.setattr(child_process, "limits_for", lambda _: short)
    refused(home, ResourceLimitError, "more time than")


def test_a_reader_cannot_write_files_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = laid_out(tmp_path, replace(FINE, content=sav, name="survey.sav"))
    with_code(monkeypatch, f"open({str(tmp_path / 'written')!r}, 'wb').write(b'x' * 1_000_000)")
    with pytest.raises(ReaderCrashError, match="crashed"):
        read_survey(home / "survey.sav", read_codebook(home / "codebook.toml"))
    assert (tmp_path / "written").stat().st_size <= 64 * 1024


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("survey.zip", package({"folder/survey.csv": "id;q;w\na;1;0,5\nb;2;1,5\n"})),
        ("survey.csv.gz", gzip.compress(text("id;q;w\na;1;0,5\nb;2;1,5\n"))),
        ("book.zip", package({"survey.xlsx": xlsx(SHEET)})),
    ],
)
def test_an_archive_is_drafted_checked_and_described_by_what_is_in_it(
    name: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    said = read_metadata(tmp_path / name, None if "book" in name else FileFormat(delimiter=";"))
    assert list(said.variables) == ["id", "q", "w"]
    drafted = CliRunner().invoke(main, ["init", str(tmp_path / name)])
    assert drafted.exit_code == 0, drafted.output
    draft = (tmp_path / "codebook.toml").read_text(encoding="utf-8")
    assert ('decimal = ","' in draft) == (name != "book.zip")
    declared = CODEBOOK.format(file="" if name == "book.zip" else SEMI, missing="")
    (tmp_path / "codebook.toml").write_text(declared, encoding="utf-8")
    checked = CliRunner().invoke(main, ["check", str(tmp_path / name), str(tmp_path / "codebook.toml")])
    assert checked.exit_code == 0, checked.output
    assert cells(read_survey(tmp_path / name, read_codebook(tmp_path / "codebook.toml"))) == AS_READ


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("s.csv", "id,q,w\n" + "a,1,1\n" * 5_000_000)
    data = bytearray(stream.getvalue())
    # The size is told twice: before the member, and in the directory at the end.
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.index(mark) + offset
        data[place : place + 4] = struct.pack("<I", 1000)
    refused(
        laid_out(tmp_path, replace(FINE, content=bytes(data), name="survey.zip")),
        TruncatedInputError,
        "damaged",
    )
