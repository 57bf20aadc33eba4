from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.models.joint import (
    event_parameters,
    event_predictions,
    joint_parameters,
    predicted_differences,
)
from coprodstats.survey.describe import means

DESIGN = cps.SurveyDesign(weights="w", strata="s", psu="p")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """People in 40 sampling units of 4 strata, with answers that a unit's people share in part."""
    rng = np.random.default_rng(11)
    n = 800
    unit = np.arange(n) % 40
    shared = rng.normal(0, 0.6, 40)[unit]
    age = rng.integers(18, 90, n).astype(float)
    place = rng.choice(["east", "north", "west"], n)
    lean = shared + 0.02 * (age - 50) + 0.5 * (place == "west")
    often = np.digitize(lean + rng.logistic(size=n), [-1.0, 0.2, 1.5])
    return pd.DataFrame(
        {
            "age": age,
            "place": pd.Categorical(place),
            "helps": (lean + rng.logistic(size=n) > 0).astype(int),
            "joins": (shared - 0.02 * (age - 50) + rng.logistic(size=n) > 0.8).astype(int),
            "often": pd.Categorical.from_codes(often, ["never", "rarely", "often", "always"], ordered=True),
            "w": rng.uniform(0.5, 2.0, n),
            "s": unit % 4,
            "p": unit,
        }
    )


def test_a_difference_within_a_group_is_that_of_its_two_means(frame: pd.DataFrame) -> None:
    # Models of one factor predict each group's weighted mean, so that the difference of two predictions is
    # the mean of the two answers' difference: its linearised variance comes from other code.
    models = tuple(cps.logit(f"{y} ~ place", frame, design=DESIGN) for y in ("helps", "joins"))
    groups = pd.DataFrame({"place": ["east", "north", "west"]})
    found = predicted_differences(models, groups, starts=(1, 1), df=36.0)
    plain = means(
        frame.assign(more=(frame["joins"] - frame["helps"]).astype(float)), "more", by="place", design=DESIGN
    )
    # Twelve digits: both are sums over the same rows.
    np.testing.assert_allclose(found["estimate"], plain["estimate"], rtol=1e-11)
    np.testing.assert_allclose(found["std_error"], plain["std_error"], rtol=1e-9)


@pytest.mark.parametrize("design", [DESIGN, None])
def test_the_joint_covariance_is_each_models_own_and_that_between_them(
    frame: pd.DataFrame, design: cps.SurveyDesign | None
) -> None:
    few = frame.assign(joins=frame["joins"].where(frame.index % 9 > 0))
    models = [cps.logit(f"{y} ~ age + place", few, design=design) for y in ("helps", "joins")]
    estimate, covariance = joint_parameters(models)
    np.testing.assert_array_equal(estimate, np.concatenate([m.params for m in models]))
    for k, model in enumerate(models):
        own = slice(4 * k, 4 * k + 4)
        np.testing.assert_array_equal(covariance[own, own], model.cov_params())
    compared = cps.compare(dict(zip("ab", models, strict=True)), scale="coefficient").covariance
    between = covariance[np.ix_([1, 2, 3], [5, 6, 7])]
    named = [p.name for p in models[0].parameters[1:]]
    order = [
        named.index(t) for t in cps.compare(dict(zip("ab", models, strict=True)), scale="coefficient").terms
    ]
    np.testing.assert_allclose(between[np.ix_(order, order)], compared[:3, 3:], rtol=1e-9)


def test_a_model_differs_from_itself_by_exactly_nothing(frame: pd.DataFrame) -> None:
    model = cps.logit("helps ~ age + place", frame, design=DESIGN)
    found = predicted_differences((model, model), frame.head(5), starts=(1, 1), df=36.0)
    assert (found["estimate"] == 0).all()
    # What is left of variances of about 1e-3 that cancel is rounding.
    assert (found["std_error"] < 1e-8).all()


@pytest.mark.parametrize("start", [1, 2, 3])
def test_the_logit_of_an_ordinal_event_has_the_probability_that_predict_gives(
    frame: pd.DataFrame, start: int
) -> None:
    model = cps.ologit("often ~ age + place", frame, design=DESIGN)
    rows = frame.head(20)
    b = event_parameters(model, start) @ model.params.to_numpy()
    logit = b[0] + b[1] * rows["age"] + b[2] * (rows["place"] == "north") + b[3] * (rows["place"] == "west")
    categories = cps.predict(model, rows)
    summed = categories.iloc[:, start:].sum(axis=1)
    np.testing.assert_allclose(1 / (1 + np.exp(-logit)), summed, rtol=1e-12)
    np.testing.assert_allclose(event_predictions(model, start, rows)["estimate"], summed, rtol=1e-12)
