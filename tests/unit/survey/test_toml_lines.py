"""Lines of TOML files, and the questions that a draft leaves open."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from coprodstats.errors import CodebookError, ConfigError
from coprodstats.reporting.plan import read_plan
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.toml_lines import key_lines, open_questions

DRAFT = """# A drafted codebook
title = "Draft"

[variables.trust]
label = "Trust"
# QUESTION: Is there an order?
#     "ordinal" if so, "nominal" if not.
kind = "?"
values = { 1 = "low", 2 = "high" }

[variables."odd name".values]
# QUESTION: What do the codes mean?
values = { 1 = "?", 2 = "?" }

[[comparisons]]
key = "a"
[[comparisons]]
key = "?"
"""


def test_lines_are_those_of_tables_and_keys() -> None:
    lines = key_lines(DRAFT)
    assert lines["variables", "trust"] == 4
    assert lines["variables", "trust", "kind"] == 8
    assert lines["variables", "odd name", "values"] == 11
    assert lines["comparisons", 1, "key"] == 18


def test_every_line_of_a_known_file_is_found() -> None:
    text = "a = 1\nb.c = 2\n[t]\n'd e' = 3\n[t.u] # remark\nf = [\n  1,\n]\n"
    expected = {("a",): 1, ("b", "c"): 2, ("t",): 3, ("t", "d e"): 4, ("t", "u"): 5, ("t", "u", "f"): 6}
    assert key_lines(text) == expected


def test_open_questions_are_told_with_line_and_words() -> None:
    found = open_questions("codebook.toml", DRAFT, tomllib.loads(DRAFT))
    assert [fault.where for fault in found] == [
        "codebook.toml, line 8: variables.trust.kind",
        "codebook.toml, line 13: variables.odd name.values.values.1",
        "codebook.toml, line 18: comparisons.2.key",
    ]
    asked = 'a question is open: Is there an order? "ordinal" if so, "nominal" if not.'
    assert found[0].found == asked
    assert found[2].found == "a question is open"


def test_neither_codebook_nor_analysis_goes_on_with_a_question(tmp_path: Path) -> None:
    file = tmp_path / "draft.toml"
    file.write_text(DRAFT, encoding="utf-8")
    with pytest.raises(CodebookError, match=r"\(3 faults\)[\s\S]*line 8: variables.trust.kind: a question"):
        read_codebook(file)
    with pytest.raises(ConfigError, match=r"\(3 faults\)[\s\S]*line 18: comparisons.2.key: a question"):
        read_plan(file)


def test_a_question_mark_inside_a_text_is_no_question() -> None:
    assert open_questions("c.toml", 'title = "Why?"', {"title": "Why?"}) == []
