from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, compare, logit, margins, moderation, ologit
from coprodstats.errors import ArgumentError
from coprodstats.models.moderation import TESTS
from coprodstats.models.results import FittedModel

DESIGN = SurveyDesign(weights="w", strata="country", psu="town")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = 1500
    data = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "gender": pd.Categorical(rng.choice(["man", "woman", "other"], n), ["man", "woman", "other"]),
            "country": pd.Categorical(rng.choice(["CZ", "DE", "DK", "FR"], n)),
            "w": rng.uniform(0.4, 2.5, n),
        }
    )
    data["town"] = data["country"].cat.codes * 100 + rng.integers(0, 12, n)
    slope = np.array([0.00, 0.02, 0.04, 0.02])[data["country"].cat.codes]
    latent = slope * (data["age"] - 50) + 0.4 * (data["gender"] == "woman") + rng.logistic(size=n)
    data["helps"] = (latent > 0).astype(int)
    data["joins"] = (latent + rng.logistic(size=n) > 1).astype(int)
    data["often"] = pd.cut(latent, [-np.inf, -0.5, 1, np.inf], labels=["never", "some", "often"])
    return data


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> FittedModel:
    return logit("helps ~ age * country + gender", frame, design=DESIGN)


def test_margins_by_group_are_those_of_margins(model: FittedModel) -> None:
    found = moderation(model, "gender", by="country")
    wanted = margins(model, "gender", by="country").sort_values(
        ["contrast", "country"], ascending=[False, True]
    )
    ours = found.to_frame()
    assert ours["term"].unique().tolist() == ["gender[T.woman]", "gender[T.other]"]
    assert ours["country"].tolist() == ["CZ", "DE", "DK", "FR"] * 2
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        assert ours[column].to_numpy() == pytest.approx(wanted[column].to_numpy(), rel=1e-12)


def test_countries_fitted_apart_are_the_same_groups(frame: pd.DataFrame) -> None:
    """With every predictor crossed with country the model is one model per country, and Q that of metafor."""
    crossed = logit("helps ~ (age + gender) * country", frame, design=DESIGN)
    apart = [
        margins(
            logit("helps ~ age + gender", frame, design=DESIGN, domain=frame["country"] == c), "age"
        ).iloc[0]
        for c in frame["country"].cat.categories
    ]
    found = moderation(crossed, "age", by="country")
    assert found.to_frame()["estimate"].to_numpy() == pytest.approx([r["estimate"] for r in apart], rel=1e-7)
    assert found.to_frame()["std_error"].to_numpy() == pytest.approx(
        [r["std_error"] for r in apart], rel=1e-6
    )
    # Countries are strata: their errors are independent, and Q is the sum over countries.
    precision = np.array([r["std_error"] for r in apart]) ** -2.0
    estimate = np.array([r["estimate"] for r in apart])
    mean = precision @ estimate / precision.sum()
    row = found.tests().iloc[0]
    assert row["q"] == pytest.approx(precision @ (estimate - mean) ** 2, rel=1e-6)
    assert row["i_squared"] == pytest.approx((row["q"] - 3) / row["q"], rel=1e-9)
    d = crossed.df
    assert row["statistic"] == pytest.approx(row["q"] * (d - 2) / (3 * d), rel=1e-6)
    assert (row["df_num"], row["df_denom"]) == (3, d - 2)
    assert row["p_value"] < 0.01


def test_outcomes_as_groups_are_a_comparison(frame: pd.DataFrame) -> None:
    models = {y: logit(f"{y} ~ age + gender", frame, design=DESIGN) for y in ("helps", "joins")}
    models["often"] = ologit("often ~ age + gender", frame, design=DESIGN)
    found = moderation(models, "gender", event="often")
    both = compare(models, terms=["gender"], event="often")
    assert found.groups == ("helps", "joins", "often")
    by_term = both.term_tests()
    for column in ("statistic", "p_value", "p_adjusted"):
        assert found.tests()[column].to_numpy() == pytest.approx(by_term[column].to_numpy(), rel=1e-12)
    first = found.to_frame().set_index(["term", "outcome"])["estimate"]
    for row in both.intervals().itertuples():
        assert first[row.term, row.model] == row.estimate


def test_a_bend_is_a_difference_between_ages(frame: pd.DataFrame) -> None:
    bent = logit("helps ~ age + I(age**2) + gender", frame, design=DESIGN)
    found = moderation(bent, "age", at={"age": [25, 45, 65]})
    assert found.grouping == "age"
    assert found.groups == ("25", "45", "65")
    assert found.caveats == ()
    wanted = margins(bent, "age", at={"age": [25, 45, 65]})
    assert found.to_frame()["estimate"].to_numpy() == pytest.approx(wanted["estimate"].to_numpy(), rel=1e-12)
    straight = moderation(logit("helps ~ age", frame, design=DESIGN), "age", at={"age": [25, 65]})
    assert straight.caveats == (
        "The model has age as a straight line on its link scale: margins bend only with it.",
    )


def test_groups_that_the_model_holds_alike_are_told(frame: pd.DataFrame) -> None:
    alike = logit("helps ~ age + country", frame, design=DESIGN)
    (caveat,) = moderation(alike, "age", by="country").caveats
    assert "no term of age with country" in caveat
    assert moderation(logit("helps ~ age * country", frame, design=DESIGN), "age", by="country").caveats == ()


def test_errors_that_hang_together_have_no_summary(frame: pd.DataFrame) -> None:
    """Margins of one slope at many ages have two parameters' worth of errors."""
    found = moderation(logit("helps ~ age", frame, design=DESIGN), "age", at={"age": [20, 40, 60, 80]})
    row = found.tests().iloc[0]
    assert row[list(TESTS[6:])].isna().all()
    assert 0 <= row["p_value"] <= 1
    assert row["df_num"] == 2


def test_what_is_shown(model: FittedModel) -> None:
    found = moderation(model, "age", by="country")
    assert repr(found) == "<Moderation of age by country, 4 groups>"
    assert found._repr_html_().count("<caption") == 2
    assert list(found.tests().columns) == list(TESTS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"no groups are given\n\s+Allowed: one of by=, at="),
        ({"by": "country", "at": {"age": [1, 2]}}, r"groups are given by by, at"),
        (
            {"by": "age"},
            r"by: 'age' is not a categorical predictor of model 'helps'\n\s+Allowed: country, gender",
        ),
        ({"at": {"age": [20], "gender": ["man"]}}, r"at: 2 predictors\n\s+Allowed: one predictor"),
        ({"at": {"age": 30}}, r"moderation: 'age': it makes one group\n\s+Allowed: two at least"),
        ({"by": "country", "event": {"helps": "1"}}, r"event: there is one model"),
        ({"by": "country", "adjust": "none"}, r"adjust: 'none'\n\s+Allowed: holm, bh"),
        ({"by": "gender"}, r"by: 'gender' is the predictor itself\n\s+Allowed: another predictor"),
    ],
)
def test_refusals(model: FittedModel, arguments: dict[str, object], message: str) -> None:
    variable = "gender" if arguments.get("by") == "gender" else "age"
    with pytest.raises(ArgumentError, match=message):
        moderation(model, variable, **arguments)


def test_one_model_that_is_none() -> None:
    with pytest.raises(ArgumentError, match=r"model: it is a str\n\s+Allowed: a fitted model, or several"):
        moderation("helps ~ age", "age", by="country")
