from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, compare, logit, means, ologit, post_stratify, rake, replicate_design
from coprodstats.errors import ArgumentError, ComparisonError, DesignError
from coprodstats.reporting.claim_checks import Check
from coprodstats.reporting.claims import Claim, check_claims
from coprodstats.survey.design import design_variance

POPULATION = {"sex": {"man": 480.0, "woman": 520.0}, "town": {"a": 300.0, "b": 700.0}}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    n = 600
    data = pd.DataFrame(
        {
            "sex": rng.choice(["man", "woman"], n, p=[0.6, 0.4]),
            "town": rng.choice(["a", "b"], n),
            "age": rng.normal(45, 15, n),
            "w": rng.uniform(0.5, 2.0, n),
            "s": np.repeat(np.arange(10), 60),
            "p": np.repeat(np.arange(60), 10),
        }
    )
    eta = 0.03 * (data["age"] - 45) + 0.5 * (data["sex"] == "woman")
    data["votes"] = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int)
    data["joins"] = (rng.random(n) < 1 / (1 + np.exp(1 - eta))).astype(int)
    return data


DESIGN = SurveyDesign(weights="w", strata="s", psu="p")


def test_an_intercept_and_cells_that_calibration_fixes_have_no_variance(frame: pd.DataFrame) -> None:
    # Who is a woman is known after post-stratification by sex: a model of it has nothing left to estimate.
    known = frame.assign(woman=(frame["sex"] == "woman").astype(int))
    made = post_stratify(known, {"sex": POPULATION["sex"]}, weights="w")
    share = means(known.assign(woman=known["woman"].astype(float)), "woman", design=DESIGN, weighting=made)
    assert share["estimate"].iloc[0] == pytest.approx(0.52, rel=1e-12)
    assert share["std_error"].iloc[0] == pytest.approx(0.0, abs=1e-12)


def test_a_calibrated_fit_has_those_weights_and_the_variance_of_residuals(frame: pd.DataFrame) -> None:
    made = rake(frame, POPULATION, weights="w")
    calibrated = logit("votes ~ age + sex", frame, design=DESIGN, weighting=made)
    plain = logit(
        "votes ~ age + sex",
        frame.assign(w2=made.weights),
        design=SurveyDesign(weights="w2", strata="s", psu="p"),
    )
    assert calibrated.params.to_numpy() == pytest.approx(plain.params.to_numpy(), rel=1e-12)
    # Its variance by another way: least squares of influence per weight on the margins' cells.
    w = made.weights.to_numpy()
    cells = pd.get_dummies(frame[["sex", "town"]]).to_numpy(dtype=float)
    root = np.sqrt(frame["w"].to_numpy())[:, None]
    per_weight = plain.influence / w[:, None]
    slopes = np.linalg.lstsq(cells * root, per_weight * root, rcond=None)[0]
    residual = (per_weight - cells @ slopes) * w[:, None]
    expected = design_variance(residual, plain.design)
    assert calibrated.covariance_matrix == pytest.approx(expected, rel=1e-9, abs=1e-14)
    assert not np.allclose(calibrated.covariance_matrix, plain.covariance_matrix, rtol=1e-3)
    assert "raking" in calibrated.design.description


def test_compare_takes_the_calibration_of_both_models(frame: pd.DataFrame) -> None:
    made = rake(frame, POPULATION, weights="w")
    models = {
        name: logit(f"{name} ~ age + sex", frame, design=DESIGN, weighting=made)
        for name in ("votes", "joins")
    }
    both = compare(models, scale="coefficient")
    for position, model in enumerate(models.values()):
        block = slice(2 * position, 2 * position + 2)
        own = model.covariance_matrix[1:, 1:]
        assert both.covariance[block, block] == pytest.approx(own, rel=1e-10, abs=1e-14)
    other = logit("joins ~ age + sex", frame, design=DESIGN)
    with pytest.raises(ComparisonError, match="different"):
        compare({"votes": models["votes"], "joins": other})


def test_an_ordinal_two_category_model_is_the_logistic_one_after_calibration(frame: pd.DataFrame) -> None:
    made = rake(frame, POPULATION, weights="w")
    answers = pd.Categorical(
        np.where(frame["votes"] == 1, "yes", "no"), categories=["no", "yes"], ordered=True
    )
    two = ologit("answer ~ age + sex", frame.assign(answer=answers), design=DESIGN, weighting=made)
    one = logit("votes ~ age + sex", frame, design=DESIGN, weighting=made)
    assert two.params[["age", "sex[T.woman]"]].to_numpy() == pytest.approx(
        one.params.to_numpy()[1:], rel=1e-10
    )
    assert two.bse[["age", "sex[T.woman]"]].to_numpy() == pytest.approx(one.bse.to_numpy()[1:], rel=1e-10)


def test_a_robust_covariance_takes_the_calibration_whether_or_not_there_are_replicates(
    frame: pd.DataFrame,
) -> None:
    made = rake(frame, POPULATION, weights="w")
    jackknife = replicate_design(frame, design=DESIGN, method="jkn")
    one, two = (
        logit("votes ~ age + sex", frame, design=design, weighting=made, covariance="robust")
        for design in (DESIGN, jackknife)
    )
    assert (one.covariance_matrix == two.covariance_matrix).all()


def test_what_is_no_weighting_of_these_rows_is_refused(frame: pd.DataFrame) -> None:
    made = rake(frame, POPULATION, weights="w")
    with pytest.raises(ArgumentError, match=r"logit: weighting: it is a Series\n\s+Allowed: what rake"):
        logit("votes ~ age", frame, design=DESIGN, weighting=made.weights)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="calibrated weights are none"):
        logit("votes ~ age", frame, design=DESIGN, weighting=made, covariance="model")
    with pytest.raises(DesignError, match="it has 600 rows and the data 599"):
        logit("votes ~ age", frame.iloc[1:], design=DESIGN, weighting=made)
    with pytest.raises(DesignError, match="the design's weights are not those that were calibrated"):
        logit("votes ~ age", frame, design=SurveyDesign(strata="s", psu="p"), weighting=made)


def test_a_claim_of_moderation_is_not_tested_with_other_weights_than_the_models(frame: pd.DataFrame) -> None:
    made = rake(frame, POPULATION, weights="w")
    claim = Claim(
        id="A",
        statement="Age differs by sex.",
        source="none",
        checks=(Check(test="moderation", about={"model": "votes", "term": "age", "by": "sex"}),),
    )
    for weighting, verdict in ((None, {"agrees", "inconclusive"}), (made, {"not testable"})):
        model = logit("votes ~ age + sex", frame, design=DESIGN, weighting=weighting)
        found = check_claims([claim], {"votes": model}, frame, seed=1, design=DESIGN)
        assert found.verdicts()["A"] in verdict
