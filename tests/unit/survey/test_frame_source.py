"""Data frames taken for surveys, and Parquet files: typed columns as codes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from coprodstats import Codebook, SurveyData, read_survey, survey_from_frame
from coprodstats.errors import InputError, SchemaError
from coprodstats.survey.declarations import Kind, Variable

NAN = float("nan")
# Cells as they come, and the codes that they are.
COLUMNS: dict[str, tuple[Any, list[str | None]]] = {
    "whole": ([1, 2, 2**53 + 1], ["1", "2", "9007199254740993"]),
    "halves": ([1.0, NAN, 2.5], ["1", None, "2.5"]),
    "tenths": ([0.1, 1e-7, 1e22], ["0.1", "1e-07", "1e+22"]),
    "texts": (["007", "NA", " "], ["007", "NA", None]),
    "truth": ([True, False, None], ["true", "false", None]),
    "kinds": (pd.Categorical(["a", None, "b"]), ["a", None, "b"]),
    "numbered": (pd.Categorical([2, 1, 2]), ["2", "1", "2"]),
    "days": ([dt.date(2008, 5, 1), None, dt.date(2009, 1, 1)], ["2008-05-01", None, "2009-01-01"]),
    "times": (
        pd.to_datetime(["2008-05-01 12:30", "2008-05-01 00:00", None]),
        ["2008-05-01T12:30:00", "2008-05-01", None],
    ),
    "exact": ([Decimal("1.50"), Decimal("-2"), None], ["1.5", "-2", None]),
    "none": ([None, None, None], [None, None, None]),
    "nullable": (pd.array([1, None, 3], dtype="Int64"), ["1", None, "3"]),
}


def codebook_of(**kinds: Kind) -> Codebook:
    variables = {name: Variable(name=name, label=name, kind=kind) for name, kind in kinds.items()}
    return Codebook(title="t", synthetic=False, variables=variables, source="codebook.toml")


def codes(survey: SurveyData, column: str) -> list[str | None]:
    assert survey.frame[column].dtype == "str"
    return [None if pd.isna(cell) else cell for cell in survey.frame[column]]


@pytest.mark.parametrize("what", COLUMNS)
def test_cells_of_a_data_frame_become_codes(what: str) -> None:
    cells, expected = COLUMNS[what]
    # Decimals are no identifiers beyond 2**53, and other kinds take any text too.
    survey = survey_from_frame(pd.DataFrame({"c": cells}), codebook_of(c="numeric"))
    assert codes(survey, "c") == expected


def test_a_parquet_file_gives_the_codes_of_its_data_frame(tmp_path: Path) -> None:
    frame = pd.DataFrame({name: cells for name, (cells, _) in COLUMNS.items()})
    codebook = codebook_of(**dict.fromkeys(COLUMNS, "numeric"))
    frame.to_parquet(tmp_path / "s.parquet", index=False, row_group_size=2)
    read = read_survey(tmp_path / "s.parquet", codebook)
    pd.testing.assert_frame_equal(read.frame, survey_from_frame(frame, codebook).frame)


def test_columns_follow_the_codebook_and_the_index_is_left_out() -> None:
    frame = pd.DataFrame({"b": [1], "a": [2]}, index=[17])
    survey = survey_from_frame(frame, codebook_of(a="id", b="id"), source="my frame")
    assert survey.frame.to_dict("list") == {"a": ["2"], "b": ["1"]}
    assert survey.frame.index.tolist() == [0]
    assert survey.source == "my frame"


def test_a_data_frame_with_faults_is_refused_with_all_of_them() -> None:
    rows = [[1, "x", [1, 2], 1j, 1, 2], [2, 3, [1], 2j, 1, 2]]
    frame = pd.DataFrame(rows, columns=["id", "mixed", "lists", "complex", "q", "Q"])
    with pytest.raises(SchemaError, match=r"\(4 faults\)") as caught:
        survey_from_frame(frame, codebook_of(id="id"))
    told = str(caught.value)
    assert "data frame: mixed: the cells are not all of one type" in told
    assert "data frame: lists: the cells are neither texts, numbers, dates" in told
    assert "data frame: complex: the cells are" in told
    assert "columns at positions 5, 6 have the same name: 'q', 'Q'" in told


def test_an_empty_data_frame_is_refused() -> None:
    with pytest.raises(InputError, match="not a single row"):
        survey_from_frame(pd.DataFrame({"id": []}), codebook_of(id="id"))


def test_identifiers_rounded_to_floats_are_refused() -> None:
    frame = pd.DataFrame({"id": [2.0**53 + 2, np.nan], "w": [2.0**60, 1.0]})
    with pytest.raises(SchemaError, match="id: numbers beyond 9,007,199,254,740,992 are rounded") as caught:
        survey_from_frame(frame, codebook_of(id="id", w="weight"))
    assert "w:" not in str(caught.value)


def test_a_parquet_file_of_lists_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [[1, 2]], "t": [dt.timedelta(1)]}), tmp_path / "s.parquet")
    with pytest.raises(SchemaError, match=r"\(2 faults\)") as caught:
        read_survey(tmp_path / "s.parquet", codebook_of(id="id", t="numeric"))
    assert "s.parquet: id: the cells are neither texts, numbers, dates" in str(caught.value)
