"""Tables call the numbers of every kind of model by their name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from coprodstats.models.fit import logit, ologit
from coprodstats.models.fractional import fractional_logit
from coprodstats.models.linear import linear
from coprodstats.models.results import FittedModel
from coprodstats.reporting.language import speaking
from coprodstats.reporting.measures import coefficient_words, fit_measure, margin_words
from coprodstats.reporting.style import OUTCOMES
from coprodstats.reporting.words import Words, term_labels
from coprodstats.survey.codebook import read_codebook

CODEBOOK = """title = "t"
[variables.age]
label = "Age"
kind = "numeric"
step = 10
step_label = "10 years"
[variables.gender]
label = "Gender"
kind = "nominal"
values = { 1 = "man", 2 = "woman" }
missing = { 9 = "sans avis" }
[variables.helps]
label = "Helps"
kind = "ordinal"
values = { 1 = "no", 2 = "some", 3 = "much" }
"""


@pytest.fixture(scope="module")
def models() -> dict[str, FittedModel]:
    rng = np.random.default_rng(11)
    age = rng.uniform(20, 80, 500)
    pull = (age - 50) / 20 + rng.logistic(size=500)
    data = pd.DataFrame(
        {"age": age, "score": 100 / (1 + np.exp(-pull)), "gender": rng.choice(["man", "woman"], 500)}
    )
    data["votes"] = pd.Categorical(np.where(pull > 0, "yes", "no"), ["no", "yes"], ordered=True)
    data["helps"] = pd.Categorical.from_codes(
        np.digitize(pull, [-1, 1]), ["no", "some", "much"], ordered=True
    )
    return {
        "logit": logit("votes ~ age", data),
        "ologit": ologit("helps ~ age", data),
        "probit": ologit("helps ~ age", data, link="probit"),
        "split": ologit("helps ~ age + gender", data, nonparallel=("age",)),
        "linear": linear("score ~ age", data),
        "fractional": fractional_logit("score ~ age", data),
        "crossed": logit("votes ~ age * gender", data),
    }


@pytest.fixture
def words(tmp_path: Path) -> Words:
    (tmp_path / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    return Words(codebook=read_codebook(tmp_path / "codebook.toml"), series=OUTCOMES, source="An example.")


def test_slopes_are_exponentiated_where_that_is_an_odds_ratio(models: dict[str, FittedModel]) -> None:
    for name in ("logit", "ologit", "fractional"):
        assert coefficient_words([models[name]]).ratio == "odds ratio", name
    for name in ("probit", "linear"):
        assert coefficient_words([models[name]]).ratio == "", name
        assert "odds" not in coefficient_words([models[name]]).note
    assert coefficient_words([models["logit"], models["probit"]]).ratio == ""
    assert "outcome's own unit" in coefficient_words([models["linear"]]).note


def test_margins_are_points_of_a_probability_or_units_of_a_mean(models: dict[str, FittedModel]) -> None:
    for name in ("logit", "ologit", "probit"):
        assert margin_words([models[name]]).role == "points", name
    for name in ("linear", "fractional"):
        assert margin_words([models[name]]).role == "number", name
        assert "ercentage points" not in margin_words([models[name]]).difference_note


def test_the_fit_of_a_mean_is_no_pseudo_measure(models: dict[str, FittedModel]) -> None:
    assert fit_measure(models["linear"]) == "R²"
    assert fit_measure(models["logit"]) == "McFadden's pseudo R²"


def test_a_slope_by_split_says_where_it_holds(models: dict[str, FittedModel], words: Words) -> None:
    found = {p.name: words.term(p).label for p in models["split"].parameters}
    assert found["age[no|some]"] == "Age (+10 years), at no|some"
    assert found["age[some|much]"] == "Age (+10 years), at some|much"
    assert found["no|some"] == "no|some"
    margins = {t.term: t.label for t in term_labels(words, models["split"])}
    assert margins["age"] == "Age (+10 years)"


def test_an_interaction_is_put_in_words(models: dict[str, FittedModel], words: Words) -> None:
    found = {p.name: words.term(p).label for p in models["crossed"].parameters}
    assert found["age:gender[T.woman]"] == "Age × Gender: woman"


def test_categories_are_said_in_other_words_and_terms_stay(
    models: dict[str, FittedModel], words: Words
) -> None:
    french = replace(words, own={"woman": "femme", "man": "homme", "some": "un peu"})
    parameter = next(p for p in models["split"].parameters if p.level == "woman")
    label = french.term(parameter)
    assert (label.term, label.label) == ("gender[T.woman]", "femme")
    assert "homme" in label.group
    assert french.split("no|some") == "no|un peu"


def test_a_codebook_may_give_reasons_in_the_language_of_the_report(words: Words) -> None:
    with speaking("fr"):
        assert words.statement("sans avis") == "sans avis"
        assert words.statement("blank") == "case vide"
