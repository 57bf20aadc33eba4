"""An analysis' own words in another language: which they are, and what is wrong with a translation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coprodstats.errors import ConfigError
from coprodstats.reporting.claims import Claim
from coprodstats.reporting.plan import AnalysisPlan, read_plan
from coprodstats.reporting.translation import own_words, read_translations
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.declarations import Codebook

PLAN = """title = "Who helps"
survey = "survey.csv"
codebook = "codebook.toml"
languages = ["en", "fr"]
translations = { fr = "words.fr.toml" }
limits = ["One town only."]
[outcomes.alone]
label = "Alone"
event = "to help alone"
[outcomes.together]
label = "Together"
event = "to help together"
[describe]
by = "gender"
items = { "Group activities" = "collective" }
[phrases]
"age" = "Older people"
[[comparisons]]
key = "main"
title = "Both"
kind = "logit"
outcomes = { alone = "helps", together = "joins" }
predictors = "age + gender"
"""
CODEBOOK = """title = "A survey"
mapping = "wide"
[variables.age]
label = "Age"
kind = "numeric"
unit = "years"
step = 10
step_label = "10 years"
[variables.gender]
label = "Gender"
kind = "nominal"
values = { 1 = "man", 2 = "woman" }
missing = { 9 = "refused" }
[variables.helps]
label = "Helps"
kind = "ordinal"
values = { 1 = "no", 2 = "yes" }
[variables.joins]
label = "Joins"
kind = "ordinal"
values = { 1 = "no", 2 = "yes" }
[variables.income]
label = "Income"
kind = "ordinal"
values = { 1 = "little", 2 = "a lot" }
[mappings.wide]
collective = ["joins"]
"""
CLAIMS = (Claim(id="C1", statement="Older people help more.", source="A book", checks=()),)
SHOWN = {
    "Who helps", "One town only.", "Alone", "to help alone", "Together", "to help together",
    "Group activities", "Older people", "Both", "A survey", "Older people help more.", "Age", "years",
    "10 years", "Gender", "man", "woman", "refused", "Helps", "Joins", "no", "yes",
}  # fmt: skip


def declared(folder: Path, words: dict[str, str]) -> tuple[AnalysisPlan, Codebook]:
    (folder / "analysis.toml").write_text(PLAN, encoding="utf-8")
    (folder / "codebook.toml").write_text(CODEBOOK.replace('mapping = "wide"\n', ""), encoding="utf-8")
    lines = [f"{json.dumps(k)} = {json.dumps(v)}\n" for k, v in words.items()]
    (folder / "words.fr.toml").write_text("".join(lines), encoding="utf-8")
    plan = read_plan(folder / "analysis.toml")
    return plan, read_codebook(plan.codebook)


def refused(folder: Path, words: dict[str, str]) -> str:
    plan, codebook = declared(folder, words)
    with pytest.raises(ConfigError, match=r"words\.fr\.toml") as caught:
        read_translations(plan, codebook, CLAIMS)
    return str(caught.value)


def test_the_words_that_readers_see_are_found(tmp_path: Path) -> None:
    found = own_words(*declared(tmp_path, {}), CLAIMS)
    assert set(found.shown) == SHOWN
    assert len(found.shown) == len(SHOWN)
    assert {"Income", "little", "a lot", "A book"} <= set(found.known)


def test_a_whole_translation_is_read(tmp_path: Path) -> None:
    words = {text: f"«\N{NARROW NO-BREAK SPACE}{text}" for text in SHOWN} | {"A book": "Un livre"}
    plan, codebook = declared(tmp_path, words)
    assert read_translations(plan, codebook, CLAIMS) == {"fr": words}


def test_all_that_is_missing_or_unknown_is_told_at_once(tmp_path: Path) -> None:
    words = {text: text for text in SHOWN - {"man", "Who helps"}} | {"womann": "femme"}
    told = refused(tmp_path, words)
    assert "'man' has no translation" in told
    assert "'Who helps' has no translation" in told
    assert "'womann' is no text of the analysis, its codebook or its claims" in told
    assert "did you mean 'woman'" in told
    assert "(3 faults)" in told


@pytest.mark.parametrize("wrong", ["", "fem\N{ZERO WIDTH SPACE}me", " femme"])
def test_a_translation_that_can_not_be_shown_is_refused(tmp_path: Path, wrong: str) -> None:
    told = refused(tmp_path, {text: text for text in SHOWN} | {"woman": wrong})
    assert "woman: the text can't be used" in told


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    plan, codebook = declared(tmp_path, {})
    (tmp_path / "words.fr.toml").write_text('"man" = homme', encoding="utf-8")
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_translations(plan, codebook, CLAIMS)
