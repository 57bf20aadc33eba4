"""The log of cleaning: its steps, its table, and its file, which reads back as it was written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from coprodstats.errors import ArgumentError, CoprodstatsError, InputError
from coprodstats.survey.cleaning import clean
from coprodstats.survey.cleaning_rules import CleaningRules, ItemNonresponse
from coprodstats.survey.declarations import Codebook, Variable
from coprodstats.survey.log import CleaningLog, read_log
from coprodstats.survey.reading import SurveyData


@pytest.fixture
def log() -> CleaningLog:
    item = Variable(
        name="q", label="Q", kind="nominal", values={"1": "ja", "2": "nö"}, missing={"8": "weiß nicht"}
    )
    id_ = Variable(name="id", label="Id", kind="id")
    rules = CleaningRules(
        duplicate_ids="keep first",
        item_nonresponse=ItemNonresponse(items=("q",), action="flag", max_share=0.5),
    )
    codebook = Codebook(title="", synthetic=True, variables={"id": id_, "q": item}, cleaning=rules)
    codes = pd.DataFrame({"id": ["1", "1", "2", "3"], "q": ["1", "2", "8", None]}, dtype="str")
    return clean(SurveyData(frame=codes, codebook=codebook)).log


def test_flags_stand_beside_the_flow_and_in_the_table(log: CleaningLog) -> None:
    steps = log.steps()
    assert steps.iloc[-1].tolist() == ["flagged", "item nonresponse", 2]
    assert log.flow()[-1] == ("rows kept", 3)  # a flag takes no row away
    table = log.to_frame()
    flagged = table[table["stage"] == "flagged"]
    assert flagged[["rule", "rows"]].to_numpy().tolist() == [["item nonresponse", 2]]


def test_the_file_reads_back_and_has_the_same_bytes_twice(log: CleaningLog, tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    log.to_file(first)
    again = read_log(first)
    again.to_file(second)
    assert again.equals(log)
    assert first.read_bytes() == second.read_bytes()
    assert "weiß nicht" in first.read_text(encoding="utf-8")
    assert again.flow() == log.flow()
    assert again.to_frame().equals(log.to_frame())
    assert not again.equals(replace(log, rules=log.rules.iloc[:0]))


def test_only_json_is_written_and_only_where_there_is_a_folder(log: CleaningLog, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"Allowed: a name that ends in \.json"):
        log.to_file(tmp_path / "log.csv")
    with pytest.raises(ArgumentError, match="check that the folder is there"):
        log.to_file(tmp_path / "nowhere" / "log.json")
    assert list(tmp_path.iterdir()) == []


def without_kind(content: dict[str, Any]) -> None:
    content["kind"] = "something else"


def with_a_share(content: dict[str, Any]) -> None:
    content["rows_in"] = 4.5


def without_a_table(content: dict[str, Any]) -> None:
    del content["cells"]


def with_words_for_numbers(content: dict[str, Any]) -> None:
    content["excluded"]["rows"][0] = "none"


def with_a_short_column(content: dict[str, Any]) -> None:
    content["missing"]["reason"].pop()


def with_a_row_too_many(content: dict[str, Any]) -> None:
    content["rows_in"] += 1


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_kind, "this is no coprodstats cleaning log"),
        (with_a_share, "rows_in: this is no whole number"),
        (without_a_table, "cells: this is no table with the columns rule, variable, reason, cells"),
        (with_words_for_numbers, "excluded: columns don't hold what they should: rows"),
        (with_a_short_column, "missing: columns don't hold"),
        (with_a_row_too_many, "5 rows in, 3 kept, 1 excluded"),
    ],
)
def test_a_spoiled_file_is_refused(
    log: CleaningLog, tmp_path: Path, spoil: Callable[[dict[str, Any]], None], message: str
) -> None:
    path = tmp_path / "log.json"
    log.to_file(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    spoil(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_log(path)


def test_what_is_no_json_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    with pytest.raises(InputError, match="no such file"):
        read_log(path)
    for text in (b"\xff\xfe", b"rows: 4", b"[" * 100_000, b"[1]"):
        path.write_bytes(text)
        with pytest.raises(InputError, match=r"this is not JSON|this is no coprodstats cleaning log"):
            read_log(path)


def test_rules_and_reasons_must_tell_of_the_same_rows(log: CleaningLog) -> None:
    rules = log.rules.assign(rows=log.rules["rows"] + 1)
    with pytest.raises(CoprodstatsError, match="rows excluded by the rules, 1 by reason"):
        replace(log, rules=rules)
