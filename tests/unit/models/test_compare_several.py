"""Comparisons of three outcomes and more, of mixed families, and on other scales."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats import (
    SurveyDesign,
    compare,
    fractional_logit,
    linear,
    logit,
    margins,
    ologit,
    replicate_design,
    wald_test,
)
from coprodstats.errors import ArgumentError, ComparisonError
from coprodstats.models.results import FittedModel

DESIGN = SurveyDesign(weights="w", strata="region", psu="town")
OUTCOMES = ("recycles", "joins", "votes")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(77)
    n = 900
    data = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "gender": pd.Categorical(rng.choice(["man", "woman"], n)),
            "w": rng.uniform(0.3, 3.0, n),
            "region": rng.integers(0, 5, n),
        }
    )
    data["town"] = data["region"] * 10 + rng.integers(0, 6, n)
    shared = rng.normal(size=n)
    for k, name in enumerate(OUTCOMES):
        latent = (0.02 - 0.015 * k) * (data["age"] - 50) + shared + rng.logistic(size=n)
        data[name] = (latent > 0.3).astype(int)
        data[f"{name}_often"] = pd.cut(latent, [-np.inf, 0, 1.5, np.inf], labels=["never", "some", "often"])
    return data


@pytest.fixture(scope="module")
def models(frame: pd.DataFrame) -> dict[str, FittedModel]:
    return {y: logit(f"{y} ~ age + gender", frame, design=DESIGN) for y in OUTCOMES}


@pytest.mark.parametrize("scale", ["margin", "coefficient"])
def test_each_pair_is_the_comparison_of_two(models: dict[str, FittedModel], scale: str) -> None:
    three = compare(models, scale=scale)
    frame = three.to_frame()
    assert frame["contrast"].unique().tolist() == [
        "joins − recycles", "votes − recycles", "votes − joins",
    ]  # fmt: skip
    for contrast, rows in frame.groupby("contrast", sort=False):
        second, first = contrast.split(" − ")
        two = compare({n: models[n] for n in (first, second)}, scale=scale).to_frame()
        for column in ("difference", "std_error", "p_value", "conf_low", "conf_high"):
            assert rows[column].to_numpy() == pytest.approx(two[column].to_numpy(), rel=1e-9)
    assert (frame["p_adjusted"] >= frame["p_value"]).all()
    assert three.test.df_num == 4  # two terms, three outcomes


def test_pairs_with_the_first_only(models: dict[str, FittedModel]) -> None:
    found = compare(models, pairs="first")
    assert found.label == "joins − recycles; votes − recycles"
    assert len(found.to_frame()) == 4
    # Which pairs are listed does not change the hypothesis.
    assert found.test.statistic == pytest.approx(compare(models).test.statistic, rel=1e-12)


def test_the_joint_tests_are_those_of_a_stacked_model(
    frame: pd.DataFrame, models: dict[str, FittedModel]
) -> None:
    """All outcomes in one long frame, respondents thrice in the same PSU: interactions differ."""
    long = pd.concat([frame.assign(y=frame[y], which=y) for y in OUTCOMES], ignore_index=True)
    long["which"] = pd.Categorical(long["which"], categories=OUTCOMES)
    stacked = logit("y ~ (age + gender) * which", long, design=DESIGN)
    ours = compare(models, scale="coefficient")
    assert ours.test.statistic == pytest.approx(
        wald_test(stacked, ["age:which", "gender:which"]).statistic, rel=1e-8
    )
    by_term = ours.term_tests().set_index("term")
    for term, name in (("age", "age:which"), ("gender[T.woman]", "gender:which")):
        theirs = wald_test(stacked, name)
        assert by_term.loc[term, "statistic"] == pytest.approx(theirs.statistic, rel=1e-8)
        assert by_term.loc[term, "p_value"] == pytest.approx(theirs.p_value, rel=1e-8)


def test_with_two_models_a_terms_test_is_its_t_squared(models: dict[str, FittedModel]) -> None:
    two = compare({n: models[n] for n in ("recycles", "joins")})
    assert two.term_tests()["statistic"].to_numpy() == pytest.approx(
        two.to_frame()["statistic"].to_numpy() ** 2, rel=1e-10
    )


def test_the_same_model_thrice_differs_by_nothing(models: dict[str, FittedModel]) -> None:
    found = compare(dict.fromkeys(("a", "b", "c"), models["joins"]))
    difference, covariance = found.differences()
    assert not difference.any()
    assert np.abs(covariance).max() < 1e-18
    assert np.isnan(found.test.p_value)


def test_binary_and_ordinal_outcomes_share_one_event(frame: pd.DataFrame) -> None:
    ordinal = {f"{y}_often": ologit(f"{y}_often ~ age + gender", frame, design=DESIGN) for y in OUTCOMES[:2]}
    binary = logit("votes ~ age + gender", frame, design=DESIGN)
    found = compare({**ordinal, "votes": binary}, event="often").to_frame().drop_duplicates("term")
    for name, model in ordinal.items():
        own = margins(model)
        top = own.loc[own["category"] == "often", "estimate"]
        assert found[name].to_numpy() == pytest.approx(top.to_numpy(), rel=1e-12)
    assert found["votes"].to_numpy() == pytest.approx(margins(binary)["estimate"].to_numpy(), rel=1e-12)
    with pytest.raises(ArgumentError, match=r"event of 'recycles_often': 'always' is not one"):
        compare({**ordinal, "votes": binary}, event="always")


def test_standardised_margins_are_those_of_one_standard_deviation(
    frame: pd.DataFrame, models: dict[str, FittedModel]
) -> None:
    found = compare(models, change="sd")
    w = frame["w"].to_numpy()
    mean = np.average(frame["age"], weights=w)
    sd = np.sqrt(np.average((frame["age"] - mean) ** 2, weights=w))
    scaled = frame.assign(age=(frame["age"] - mean) / sd)
    by_unit = {y: logit(f"{y} ~ age + gender", scaled, design=DESIGN) for y in OUTCOMES}
    own = [margins(model, "age", change=1.0)["estimate"][0] for model in by_unit.values()]
    assert found.estimates[0] == pytest.approx(own, rel=1e-9)
    assert found.estimates[1] == pytest.approx(compare(models).estimates[1], rel=1e-12)  # factors as ever
    assert any("one standard deviation" in caveat for caveat in found.caveats)


@pytest.mark.parametrize("vce", ["delta", "unconditional"])
def test_replicate_weights_give_each_models_own_variance_and_their_covariance(
    frame: pd.DataFrame, vce: str
) -> None:
    """The jackknife of a difference, from the definition: refit without each PSU in turn."""
    few = frame[frame["region"] < 2].reset_index(drop=True)
    design = replicate_design(few, design=DESIGN, method="jkn")
    both = {y: logit(f"{y} ~ age", few, design=design) for y in ("recycles", "joins")}
    found = compare(both, vce=vce)
    own = margins(both["joins"], vce=vce)
    ours = found.intervals().set_index("model")
    assert ours.loc["joins", "std_error"] == pytest.approx(own["std_error"][0], rel=1e-10)
    differences, factor = [], []
    for _, members in few.groupby("region"):
        towns = members["town"].unique()
        for town in towns:
            w = few["w"].where(
                few["region"] != members["region"].iloc[0], few["w"] * len(towns) / (len(towns) - 1)
            )
            without = few.assign(w=w.where(few["town"] != town, 0.0))
            refitted = {
                y: logit(f"{y} ~ age", without, design=SurveyDesign(weights="w"), covariance="robust")
                for y in both
            }
            share = without["w"] if vce == "unconditional" else few["w"]
            slope = [_average_slope(m, few["age"].to_numpy(), share.to_numpy()) for m in refitted.values()]
            differences.append(slope[1] - slope[0])
            factor.append((len(towns) - 1) / len(towns))
    spread = np.array(differences) - np.mean(differences)
    frame_ = found.to_frame()
    assert frame_["std_error"][0] ** 2 == pytest.approx(np.array(factor) @ spread**2, rel=1e-6)


def _average_slope(model: FittedModel, age: np.ndarray, w: np.ndarray) -> float:
    p = 1 / (1 + np.exp(-(model.params["Intercept"] + model.params["age"] * age)))
    return float(np.average(p * (1 - p) * model.params["age"], weights=w))


def test_what_can_not_be_on_one_scale_is_refused(frame: pd.DataFrame) -> None:
    logistic = ologit("joins_often ~ age", frame, design=DESIGN)
    probit = ologit("votes_often ~ age", frame, design=DESIGN, link="probit")
    with pytest.raises(ComparisonError, match=r"slopes of different kinds: cumulative logit, cumulative pro"):
        compare({"a": logistic, "b": probit}, scale="coefficient")
    assert compare({"a": logistic, "b": probit}, event="often").terms == ("age",)
    index = linear("age ~ gender", frame, design=DESIGN)
    with pytest.raises(ComparisonError, match=r"different scales: probabilities, points of an index"):
        compare({"a": logit("joins ~ gender", frame, design=DESIGN), "b": index})


def test_linear_and_fractional_models_of_one_index_agree_where_both_are_saturated(
    frame: pd.DataFrame,
) -> None:
    """With one factor both give the groups' means, so that nothing is left of the difference."""
    share = frame.assign(index=100 * (frame["age"] - 18) / 72)
    both = {
        "linear": linear("index ~ gender", share, design=DESIGN),
        "fractional": fractional_logit("index ~ gender", share, design=DESIGN),
    }
    row = compare(both).to_frame().iloc[0]
    assert row["difference"] == pytest.approx(0.0, abs=1e-9)
    assert row["std_error"] == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(ComparisonError, match=r"slopes of different kinds"):
        compare(both, scale="coefficient")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pairs": "some"}, r"pairs: 'some'\n\s+Allowed: all, first"),
        ({"change": "iqr"}, r"change: 'iqr'"),
        ({"change": "sd", "scale": "coefficient"}, r"change: coefficients are per unit"),
    ],
)
def test_options_of_several(models: dict[str, FittedModel], arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        compare(models, **arguments)


@pytest.mark.parametrize("scale", ["margin", "coefficient"])
@pytest.mark.parametrize("method", [None, "jkn"])
def test_a_model_beside_itself_has_no_difference_and_no_variance(
    frame: pd.DataFrame, method: str | None, scale: str
) -> None:
    design = replicate_design(frame, design=DESIGN, method=method) if method else DESIGN
    for right in ("age + gender", "age * gender", "bs(age, df=5) + gender", "age + I(age**2) + gender"):
        model = logit(f"recycles ~ {right}", frame, design=design)
        found = compare({"one": model, "same": model}, scale=scale)
        assert not found.to_frame()[["difference", "std_error"]].to_numpy().any()
        assert np.isnan(found.test.p_value)
        assert found.term_tests()["p_value"].isna().all()
