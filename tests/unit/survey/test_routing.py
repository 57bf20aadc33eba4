"""Routing: who was asked, what a blank means then, and routes that can't be."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from coprodstats.errors import CodebookError
from coprodstats.survey.cleaning import clean
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.codebook_table import codebook_csv
from coprodstats.survey.declarations import Codebook
from coprodstats.survey.reading import SurveyData
from coprodstats.survey.routing import read_columns, route_counts

TOML = """
[cleaning]
empty_rows = "drop"
[variables.joins]
label = "Joins a group"
kind = "nominal"
values = { 1 = "yes", 2 = "no" }
missing = { 9 = "refused" }
[variables.hours]
label = "Hours a month"
question = "How many hours a month do you give to the group?"
kind = "numeric"
asked_if = { joins = ["1"] }
[variables.happy]
label = "Likes those hours"
kind = "nominal"
values = { 1 = "yes", 2 = "no" }
asked_if = { hours = ["5"], joins = ["1", "2"] }
"""
#            joins hours happy   who this is
ROWS = [
    ("1", "5", "1"),  # inside both routes
    ("1", None, None),  # inside, blank; nobody knows about the next one
    ("2", None, None),  # not asked, and so neither was the next one
    ("9", None, None),  # not asked
    ("2", "3", None),  # answered outside the route; not asked the next one
    (None, None, None),  # empty
]


def read(folder: Path, text: str = TOML) -> Codebook:
    (folder / "codebook.toml").write_text(text, encoding="utf-8")
    return read_codebook(folder / "codebook.toml")


def codes() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=["joins", "hours", "happy"]).astype("str")


def test_blanks_outside_the_route_were_not_asked(tmp_path: Path) -> None:
    cleaned = clean(SurveyData(frame=codes(), codebook=read(tmp_path)))
    reasons = cleaned.reasons.astype(object).where(cleaned.reasons.notna(), "")
    assert reasons["hours"].tolist() == ["", "blank", "not asked", "not asked", ""]
    assert reasons["happy"].tolist() == ["", "blank", "not asked", "not asked", "not asked"]
    assert cleaned.log.rows_in - cleaned.log.rows_kept == 1  # the empty row stays an empty row
    again = clean(cleaned.survey)
    assert again.reasons.equals(cleaned.reasons)


def test_answers_off_the_route_are_counted(tmp_path: Path) -> None:
    columns = read_columns(codes(), read(tmp_path).variables)
    hours, happy = route_counts(columns)
    assert (hours.variable, happy.variable) == ("hours", "happy")
    assert (hours.not_asked, hours.answered_outside, hours.blank_inside, hours.unknown) == (2, 1, 1, 1)
    assert (happy.not_asked, happy.answered_outside, happy.blank_inside, happy.unknown) == (3, 0, 0, 2)


def test_the_order_of_columns_does_not_matter(tmp_path: Path) -> None:
    codebook = read(tmp_path)
    turned = dict(reversed(list(codebook.variables.items())))
    counts = {count.variable: count for count in route_counts(read_columns(codes(), turned))}
    assert counts["happy"].not_asked == 3


def test_routes_survive_the_table(tmp_path: Path) -> None:
    codebook = read(tmp_path)
    (tmp_path / "codebook.csv").write_text(codebook_csv(codebook), encoding="utf-8")
    assert read_codebook(tmp_path / "codebook.csv").variables == codebook.variables


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('{ joins = ["1"] }', '{ jions = ["1"] }', "no variable is named 'jions'(.|\n)*did you mean 'joins'"),
        ('{ joins = ["1"] }', '{ joins = ["3"] }', "joins has no codes 3(.|\n)*Allowed: 1, 2, 9"),
        ('{ joins = ["1"] }', "{ joins = 1 }", "line 13: variables.hours.asked_if.joins: this is a number"),
        ('{ joins = ["1"] }', "{}", "no question is named"),
        ('{ joins = ["1"] }', '{ happy = ["1"] }', "the route leads back to the question itself"),
    ],
)
def test_routes_that_cannot_be_are_told(old: str, new: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(CodebookError, match=told):
        read(tmp_path, TOML.replace(old, new))


def test_item_nonresponse_never_counts_what_was_not_asked(tmp_path: Path) -> None:
    rule = '[cleaning.item_nonresponse]\nitems = ["hours", "happy"]\naction = "exclude"\nmax_share = 0.4\n'
    text = TOML.replace("[variables.joins]", rule + 'not_counted = ["not asked"]\n[variables.joins]', 1)
    kept = clean(SurveyData(frame=codes(), codebook=read(tmp_path, text)))
    assert kept.frame["joins"].tolist()[:1] == ["yes"]
    plain = TOML.replace("[variables.joins]", rule + "[variables.joins]", 1)
    again = clean(SurveyData(frame=codes(), codebook=read(tmp_path, plain)))
    assert again.log.rows_kept == kept.log.rows_kept == 4
