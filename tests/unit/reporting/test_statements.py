"""What models and surveys say in English is said again in another language, and nothing of it is lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.models.crossings import crossing_words
from coprodstats.models.importance import CONTRIBUTION, DROP
from coprodstats.models.results import df_words
from coprodstats.reporting.language import speaking, texts
from coprodstats.reporting.statements import restated
from coprodstats.survey.account import _ACTIONS
from coprodstats.survey.answers import BLANK
from coprodstats.survey.declarations import NOT_ASKED, Items
from coprodstats.survey.design_faults import METHOD_WORDS
from coprodstats.survey.log import CleaningLog, empty_table
from coprodstats.survey.weight_checks import uneven

UNKNOWN = texts("fr")["statements.unknown"].partition("{text}")[2]


def french(text: str) -> str:
    with speaking("fr"):
        return restated(text)


def frame(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    x = rng.normal(size=n)
    helps = np.where(x + rng.logistic(size=n) > 0, "yes", "no")
    rank = np.digitize(x + rng.logistic(size=n), [-1, 1])
    found = pd.DataFrame(
        {"x": x, "z": rng.normal(size=n), "town": np.arange(n) // 10, "w": 1 + rng.random(n)}
    )
    found["area"] = found["town"] // 10
    found["helps"] = pd.Categorical(helps, ["no", "yes"], ordered=True)
    found["rank"] = pd.Categorical.from_codes(rank, ["low", "mid", "high"], ordered=True)
    found.loc[: n // 20, "z"] = np.nan
    return found


DESIGNS = [
    cps.SurveyDesign(),
    cps.SurveyDesign(weights="w"),
    cps.SurveyDesign(weights="w", strata="area", psu="town"),
    cps.SurveyDesign(weights="w", psu="town", replicate_method="bootstrap", n_replicates=20, seed=1),
    cps.SurveyDesign(weights="w", strata="area", psu="town", replicate_method="jkn"),
]


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("df_rule", ["stata", "r"])
def test_all_that_models_say_under_a_table_is_known(design: cps.SurveyDesign, df_rule: str) -> None:
    data = frame()
    models = {
        "first": cps.logit("helps ~ x + z", data, design=design, df_rule=df_rule),
        "second": cps.ologit("rank ~ x", data, design=design, df_rule=df_rule),
    }
    said = [model.df_statement() for model in models.values()]
    said += [model.design.description for model in models.values()]
    said += [warning for model in models.values() for warning in model.warnings]
    for scale, event in (("margin", {"second": "high"}), ("coefficient", None)):
        both = cps.compare(models, scale=scale, event=event)
        said += [both.df_statement, *both.caveats]
    assert any("samples differ" in text for text in said)
    for text in said:
        assert restated(text) == text
        again = french(text)
        assert UNKNOWN not in again, text
        assert again != text


def test_model_based_degrees_of_freedom_are_known() -> None:
    for fit in (
        cps.logit("helps ~ x", frame(), covariance="model"),
        cps.linear("x ~ z", frame(), covariance="model"),
    ):
        assert UNKNOWN not in french(fit.df_statement())


def test_what_cleaning_says_is_known() -> None:
    said = [*_ACTIONS, BLANK, NOT_ASKED, "outside the domain", "weight of zero", CONTRIBUTION, DROP]
    said += [Items(role="", names=("a", "b", "c"), min_answered=2).shortfall]
    said += [f"missing {kind}" for kind in ("weight", "stratum", "psu")]
    said += ["empty row", "repeated id", "same answers", "speeder", "item nonresponse"]
    said += ["straight-lining: trust", *METHOD_WORDS.values()]
    excluded = pd.DataFrame({"reason": ["empty row"], "rows": [1]})
    none = {name: empty_table(name) for name in ("cells", "valid", "missing")}
    log = CleaningLog(rows_in=3, rows_kept=2, excluded=excluded, **none)
    said += list(log.steps()["label"])
    for text in said:
        assert UNKNOWN not in french(text), text
    weights = uneven(np.append(np.ones(99), 60.0))
    assert UNKNOWN not in french(f"[W-D320] survey.csv: w: weights are extreme, {weights}")
    for count in (3, 4000):
        assert UNKNOWN not in french(f"the sample: {crossing_words(count)}")


def test_numbers_are_written_and_names_kept() -> None:
    assert french(df_words(210, 30)) == (
        "t à 210 degrés de liberté (240 unités primaires du plan de sondage moins 30 strates)"
    )
    assert french("weights: w, strata: area, PSUs: town") == (
        "poids\N{NARROW NO-BREAK SPACE}: w, strates\N{NARROW NO-BREAK SPACE}: area, "
        "unités primaires\N{NARROW NO-BREAK SPACE}: town"
    )
    outside = "4,951 rows with a missing answer are outside the sample; their PSUs stay in the design"
    assert french(outside).startswith("4\N{NARROW NO-BREAK SPACE}951 lignes")


def test_the_analysis_own_words_stand_for_its_names() -> None:
    text = "The samples differ: 10 respondents for first, 9 for second, 8 in both."
    with speaking("fr"):
        assert "pour «\N{NARROW NO-BREAK SPACE}alone\N{NARROW NO-BREAK SPACE}»" in restated(
            text, {"first": "alone"}
        )
        assert restated("refused", {"refused": "refus"}) == "refus"


def test_what_is_not_known_is_quoted_whole() -> None:
    assert french("A sentence of another kind.") == (
        "«\N{NARROW NO-BREAK SPACE}A sentence of another kind.\N{NARROW NO-BREAK SPACE}» (en anglais)"
    )
    assert french("") == ""
