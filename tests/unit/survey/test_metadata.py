"""What files and pages say about variables, whatever their format."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from coprodstats import FileFormat, FileMetadata, VariableMetadata, read_metadata
from coprodstats.errors import FormatError, InputError, ResourceLimitError, TruncatedInputError
from coprodstats.survey.metadata import metadata_from

FRAME = pd.DataFrame({"id": ["a", "b"], "q": [1.0, 9.0], "day": [13_797_216_000.0, 13_797_216_000.0]})

DDI = """<?xml version="1.0" encoding="UTF-8"?>
<codeBook xmlns="ddi:codebook:2_5" version="2.5">
  <stdyDscr><citation><titlStmt><titl>Neighbours 2031</titl></titlStmt></citation></stdyDscr>
  <fileDscr><fileTxt><dimensns><caseQnty>1200</caseQnty></dimensns></fileTxt></fileDscr>
  <dataDscr>
    <var ID="V1" name="trust" nature="ordinal">
      <labl>Trust in the
        municipality</labl>
      <qstn><qstnLit>How much do you trust your municipality?</qstnLit></qstn>
      <invalrng><range min="90" max="99"/><item VALUE="-1"/></invalrng>
      <catgry><catValu>1</catValu><labl>low</labl></catgry>
      <catgry><catValu>2</catValu><labl>high</labl></catgry>
      <catgry missing="Y"><catValu>8</catValu><labl>don't know</labl></catgry>
      <varFormat type="numeric" schema="SPSS" formatname="F2.0"/>
    </var>
    <var ID="V2" name="w" wgt="wgt" nature="ratio"><labl>Weight</labl><varFormat type="numeric"/></var>
    <var ID="V3" name="town"><varFormat type="character"/></var>
  </dataDscr>
</codeBook>
"""
TRIPLE_S = """<?xml version="1.0" encoding="UTF-8"?>
<sss version="2.0"><survey><title>Neighbours 2031</title><record ident="A">
  <variable ident="1" type="single"><name>helps</name><label>Helps neighbours</label>
    <position start="1"/><values><value code="1">yes</value><value code="2">no</value></values></variable>
  <variable ident="2" type="quantity" use="weight"><name>w</name><label>Weight</label>
    <position start="2" finish="7"/><values><range from="0.00" to="99.99"/></values></variable>
  <variable ident="3" type="character"><name>town</name><label>Town</label><position start="8" finish="20"/>
    <size>13</size></variable>
</record></survey></sss>
"""


def page(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "page.xml"
    path.write_text(content, encoding="utf-8")
    return path


def test_spss_says_labels_missing_codes_levels_and_dates(tmp_path: Path) -> None:
    path = tmp_path / "s.sav"
    pyreadstat.write_sav(
        FRAME, path, file_label="Neighbours", column_labels=["Id", "Trust", "Day"],
        variable_value_labels={"q": {1.0: "low", 9.0: "refused"}},
        missing_ranges={"q": [9, {"lo": 95, "hi": 99}], "id": ["b"]},
        variable_measure={"q": "ordinal"}, variable_format={"day": "DATE11"},
    )  # fmt: skip
    said = read_metadata(path)
    assert (said.source, said.format, said.title, said.n_rows) == ("s.sav", "sav", "Neighbours", 2)
    assert said.variables["q"] == VariableMetadata(
        name="q", label="Trust", type="number", level="ordinal", values={"1": "low", "9": "refused"},
        missing=("9",), missing_ranges=((95.0, 99.0),), format="F8.2",
    )  # fmt: skip
    assert (said.variables["id"].type, said.variables["id"].missing) == ("text", ("b",))
    assert (said.variables["day"].type, said.variables["day"].format) == ("date", "DATE11")


def test_stata_says_labels_and_letters(tmp_path: Path) -> None:
    path = tmp_path / "s.dta"
    frame = FRAME.assign(q=pd.Series([1.0, "a"], dtype=object))
    pyreadstat.write_dta(
        frame, path, column_labels=["Id", "Trust", "Day"],
        variable_value_labels={"q": {1: "low", "a": "not asked"}}, missing_user_values={"q": ["a"]},
        variable_format={"day": "%tc"},
    )  # fmt: skip
    said = read_metadata(path).variables
    assert said["q"] == VariableMetadata(
        name="q", label="Trust", type="number", values={"1": "low", ".a": "not asked"}, missing=(".a",),
        format="%10.0g",
    )  # fmt: skip
    assert said["day"].type == "date"


def test_parquet_says_types_and_labels(tmp_path: Path) -> None:
    fields = [
        pa.field("q", pa.int8(), metadata={"label": "Trust", "value_labels": '{"1": "low"}'}),
        pa.field("day", pa.date32()),
        pa.field("town", pa.dictionary(pa.int8(), pa.string())),
    ]
    pq.write_table(pa.table([[1], [0], ["a"]], schema=pa.schema(fields)), tmp_path / "s.parquet")
    said = read_metadata(tmp_path / "s.parquet")
    assert [(one.name, one.label, one.type) for one in said.variables.values()] == [
        ("q", "Trust", "number"), ("day", "", "date"), ("town", "", "text"),
    ]  # fmt: skip
    assert [one.values for one in said.variables.values()] == [{"1": "low"}, {}, {}]  # noqa: PD011
    assert said.n_rows == 1


def test_csv_says_names_in_its_own_way_of_writing(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_bytes("größe;q\n1,5;1\n".encode("cp1252"))
    declared = FileFormat(delimiter=";", decimal=",", encoding="cp1252")
    assert list(read_metadata(tmp_path / "s.csv", declared).variables) == ["größe", "q"]


def test_a_ddi_page_says_what_spss_would(tmp_path: Path) -> None:
    said = read_metadata(page(tmp_path, DDI))
    assert (said.format, said.title, said.n_rows, said.weight) == ("ddi", "Neighbours 2031", 1200, "w")
    assert said.variables["trust"] == VariableMetadata(
        name="trust", label="Trust in the municipality", type="number", level="ordinal",
        values={"1": "low", "2": "high", "8": "don't know"}, missing=("8", "-1"),
        missing_ranges=((90.0, 99.0),), format="F2.0",
        question="How much do you trust your municipality?",
    )  # fmt: skip
    assert [(v.type, v.level) for v in said.variables.values()][1:] == [
        ("number", "scale"), ("text", "unknown"),
    ]  # fmt: skip


def test_an_older_ddi_page_without_a_namespace_is_read_too(tmp_path: Path) -> None:
    older = DDI.replace(' xmlns="ddi:codebook:2_5" version="2.5"', "")
    assert read_metadata(page(tmp_path, older)) == read_metadata(page(tmp_path, DDI))


def test_a_triple_s_page_says_names_types_and_values(tmp_path: Path) -> None:
    said = read_metadata(page(tmp_path, TRIPLE_S))
    assert (said.format, said.title, said.weight) == ("triple-s", "Neighbours 2031", "w")
    assert said.variables["helps"] == VariableMetadata(
        name="helps", label="Helps neighbours", type="number", level="nominal",
        values={"1": "yes", "2": "no"}, format="single",
    )  # fmt: skip
    assert [(v.type, v.level) for v in said.variables.values()][1:] == [
        ("number", "scale"), ("text", "unknown"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        ("<html><body/></html>", FormatError, "its root is <html>"),
        ("<codeBook><dataDscr/></codeBook>", FormatError, "describes no variable"),
        (DDI[:-40], TruncatedInputError, r"line 17, column 30: this is no well-formed XML"),
        ("", TruncatedInputError, "no well-formed XML"),
        ("<a></b>", FormatError, "line 1, column 6: this is no well-formed XML"),
        (
            '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
            ResourceLimitError,
            "line 1: the page defines an entity",
        ),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', FormatError, "its root is <a>"),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', ResourceLimitError, "an entity"),
        ("<a>" * 200, ResourceLimitError, "nested more than 100 deep"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', FormatError, "encoding|no well-formed XML"),
    ],
)
def test_pages_that_are_none_are_refused(
    content: str, error: type[InputError], words: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        read_metadata(page(tmp_path, content))


def test_metadata_survive_being_written_as_plain_data(tmp_path: Path) -> None:
    said = read_metadata(page(tmp_path, DDI))
    assert isinstance(said, FileMetadata)
    assert metadata_from(said.to_dict()) == said
