"""Margins at given values, by groups, of contrasts, changes, events and scores: the laws that tie them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import mpmath
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from coprodstats import (
    SurveyDesign,
    average_predictions,
    fractional_logit,
    linear,
    logit,
    margins,
    ologit,
    predict,
    proportions,
)
from coprodstats.errors import ArgumentError, ModelError
from coprodstats.models.links import LINKS
from coprodstats.models.margins import event_margins, margin_estimates, prediction_estimates
from coprodstats.models.multiplicity import holm
from coprodstats.models.responses import cumulative
from coprodstats.models.results import FittedModel

DESIGN = SurveyDesign(weights="w", strata="region", psu="town")
BOTH = pytest.mark.parametrize("vce", ["delta", "unconditional"])
NUMBERS = ["estimate", "std_error"]
# Rounding of sums of a few hundred products, relative to the largest number of a table.
ROUNDING = 1e-12


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(41)
    n = 320
    data = pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "x": rng.normal(size=n),
            "w": rng.uniform(0.3, 3.0, n),
            "gender": pd.Categorical(rng.choice(["man", "woman"], n)),
            "nation": pd.Categorical(rng.choice(["CZ", "DK", "FR"], n), categories=["DK", "CZ", "FR"]),
            "retired": rng.random(n) < 0.4,
            "region": np.arange(n) % 4,
        }
    )
    data["town"] = data["region"] * 10 + rng.integers(0, 6, n)
    data["far"] = rng.normal(size=n) / 4
    latent = 0.02 * data["age"] + 0.4 * data["x"] + 0.6 * (data["gender"] == "woman") + rng.logistic(size=n)
    data["joins"] = (latent > 1.2).astype(int)
    data["often"] = pd.cut(
        latent, [-np.inf, 0.2, 1, 2.4, np.inf], labels=["never", "some", "often", "always"]
    )
    data.index = [f"r{k}" for k in range(n)]
    return data


@pytest.fixture(scope="module")
def ordinal(frame: pd.DataFrame) -> FittedModel:
    right = 'age * gender + poly(x, 2) + C(nation, Treatment("CZ")) + retired'
    return ologit(f"often ~ {right}", frame, design=DESIGN)


@pytest.fixture(scope="module")
def binary(frame: pd.DataFrame) -> FittedModel:
    return logit("joins ~ age + x * nation + gender", frame, design=DESIGN)


def numbers(found: pd.DataFrame) -> np.ndarray:
    return found[NUMBERS].to_numpy()


# --- parts of the outcome ---

OPTIONS = [
    {},
    {"at": {"age": [30, 60], "gender": "woman"}},
    {"by": "nation"},
    {"by": ["gender", "retired"], "contrast_by": "pairwise"},
    {"contrast": "pairwise", "change": "sd"},
    {"change": {"age": (30, 50), "x": 0.2}, "contrast": "sequential"},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_categories_sum_to_zero_and_to_events_and_scores(ordinal: FittedModel, options: dict) -> None:
    each = margin_estimates(ordinal, vce="unconditional", **options)
    cells = len(each.estimate) // 4
    scale = np.abs(each.estimate).max()
    assert each.estimate.reshape(cells, 4).sum(axis=1) == pytest.approx(np.zeros(cells), abs=ROUNDING * scale)
    views = {
        "at_least": np.array([[0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]]),
        "score": np.array([[1, 2, 3, 4]]),
    }
    for of, weights in views.items():
        gather = np.kron(np.eye(cells), weights)
        found = margin_estimates(ordinal, vce="unconditional", of=of, **options)
        assert found.estimate == pytest.approx(gather @ each.estimate, abs=ROUNDING * scale)
        wanted = gather @ each.covariance @ gather.T
        assert found.covariance == pytest.approx(wanted, abs=1e-10 * np.abs(wanted).max())


def test_the_events_and_their_names(ordinal: FittedModel) -> None:
    found = margins(ordinal, "gender", of="at_least")
    assert found["category"].tolist() == ["some or more", "often or more", "always"]
    for start in (1, 2, 3):
        event = event_margins(ordinal, start, "gender")
        assert event.labels["category"].tolist() == [ordinal.categories[start]]
        assert event.estimate.item() == pytest.approx(found["estimate"].iloc[start - 1], rel=1e-13)


def test_a_logistic_model_has_one_event_whatever_is_asked(binary: FittedModel) -> None:
    event = margins(binary)
    assert numbers(margins(binary, of="at_least")) == pytest.approx(numbers(event), rel=1e-12)
    assert numbers(margins(binary, of="score")) == pytest.approx(numbers(event), rel=1e-12)
    doubled = margins(binary, of="score", scores={"1": 2, "0": 0})
    assert numbers(doubled) == pytest.approx(2 * numbers(event), rel=1e-12)


def test_predicted_events_and_scores_are_sums_of_categories(
    ordinal: FittedModel, frame: pd.DataFrame
) -> None:
    each = predict(ordinal, frame.iloc[:9])
    events = predict(ordinal, frame.iloc[:9], of="at_least")
    assert events["often or more"].to_numpy() == pytest.approx((each["often"] + each["always"]).to_numpy())
    scores = predict(ordinal, frame.iloc[:9], of="score", scores=[0, 1, 5, 9])
    wanted = each.to_numpy() @ np.array([0, 1, 5, 9])
    assert scores["score"].to_numpy() == pytest.approx(wanted, rel=1e-13)
    found = predict(ordinal, frame.iloc[:9], of="score", scores=[0, 1, 5, 9], intervals=True, level=0.9)
    assert found["estimate"].to_numpy() == pytest.approx(wanted, rel=1e-13)
    assert found["conf_low"].between(0, found["estimate"]).all()
    assert found["conf_high"].between(found["estimate"], 9).all()


# --- groups ---


def test_the_average_over_groups_is_the_whole(ordinal: FittedModel) -> None:
    whole = margin_estimates(ordinal, ["age", "gender"])
    parts = margin_estimates(ordinal, ["age", "gender"], by="nation")
    weight = pd.Series(ordinal.sample_weights).groupby(ordinal.sample["nation"].to_numpy()).sum()
    share = (weight / weight.sum())[["DK", "CZ", "FR"]].to_numpy()
    assert parts.labels["nation"].tolist()[:12:4] == ["DK", "CZ", "FR"]
    gather = np.kron(np.eye(2), np.kron(share[None, :], np.eye(4)))
    assert gather @ parts.estimate == pytest.approx(whole.estimate, abs=ROUNDING)
    joined = gather @ parts.covariance @ gather.T
    assert joined == pytest.approx(whole.covariance, rel=1e-9, abs=1e-12 * joined.max())


def test_a_group_is_its_own_average(ordinal: FittedModel, frame: pd.DataFrame) -> None:
    # Predictors fixed at what the group has anyway change nothing there.
    sex = frame["gender"].rename("sex")
    plain = margins(ordinal, ["age", "x"], by=sex)
    fixed = margins(ordinal, ["age", "x"], by=sex, at={"gender": "woman"})
    women = plain["sex"] == "woman"
    assert numbers(fixed[fixed["sex"] == "woman"]) == pytest.approx(numbers(plain[women]), rel=1e-9)
    assert np.abs(numbers(fixed[fixed["sex"] == "man"]) - numbers(plain[~women])).max() > 1e-4


@BOTH
def test_one_group_is_the_whole(binary: FittedModel, frame: pd.DataFrame, vce: str) -> None:
    everyone = pd.Series("all", index=frame.index, name="group")
    found = margins(binary, by=everyone, vce=vce)
    assert numbers(found) == pytest.approx(numbers(margins(binary, vce=vce)), rel=1e-12)


@BOTH
def test_differences_of_groups_have_the_covariance_of_the_groups(ordinal: FittedModel, vce: str) -> None:
    groups = margin_estimates(ordinal, "age", by="nation", vce=vce)
    found = margins(ordinal, "age", by="nation", contrast_by="pairwise", vce=vce)
    assert found["nation"].tolist()[::4] == ["CZ - DK", "FR - DK", "FR - CZ"]
    matrix = np.kron(np.array([[-1, 1, 0], [-1, 0, 1], [0, -1, 1]]), np.eye(4))
    assert found["estimate"].to_numpy() == pytest.approx(matrix @ groups.estimate, abs=ROUNDING)
    wanted = np.sqrt(np.diag(matrix @ groups.covariance @ matrix.T))
    assert found["std_error"].to_numpy() == pytest.approx(wanted, rel=1e-8)
    first = margins(ordinal, "age", by="nation", contrast_by="reference", vce=vce)
    assert numbers(first) == pytest.approx(numbers(found[:8]), rel=1e-12)


def test_average_predictions_of_groups_are_design_based_shares(frame: pd.DataFrame) -> None:
    # A model with its groups as predictor predicts each group's weighted share, with its influence.
    model = logit("joins ~ nation", frame, design=DESIGN)
    ours = average_predictions(model, by="nation", vce="unconditional").set_index("nation")
    shares = proportions(frame, "joins", by="nation", design=DESIGN)
    theirs = shares[shares["category"] == 1].set_index("nation").loc[ours.index]
    assert numbers(ours) == pytest.approx(numbers(theirs), rel=1e-10)


# --- contrasts and changes ---


@BOTH
def test_pairwise_contrasts_are_differences_of_reference_contrasts(ordinal: FittedModel, vce: str) -> None:
    reference = margin_estimates(ordinal, "nation", vce=vce)
    assert reference.labels["contrast"].tolist()[::4] == ["DK - CZ", "FR - CZ"]
    pairs = margin_estimates(ordinal, "nation", contrast="pairwise", vce=vce)
    assert pairs.labels["contrast"].tolist()[::4] == ["DK - CZ", "FR - CZ", "FR - DK"]
    matrix = np.kron(np.array([[1, 0], [0, 1], [-1, 1]]), np.eye(4))
    assert pairs.estimate == pytest.approx(matrix @ reference.estimate, abs=ROUNDING)
    wanted = matrix @ reference.covariance @ matrix.T
    assert pairs.covariance == pytest.approx(wanted, abs=1e-10 * np.abs(wanted).max())
    # The declared order is DK, CZ, FR, wherever the reference stands.
    neighbours = margins(ordinal, "nation", contrast="sequential", vce=vce)
    assert neighbours["contrast"].tolist()[::4] == ["CZ - DK", "FR - CZ"]
    assert neighbours["estimate"].to_numpy() == pytest.approx(
        np.concatenate([-reference.estimate[:4], reference.estimate[4:]]), abs=ROUNDING
    )


def test_small_changes_are_derivatives(ordinal: FittedModel) -> None:
    # The difference over its length is the derivative, to the square of the length (1e-8 here) and rounding.
    slope = margins(ordinal, ["age", "x"])
    tiny = margins(ordinal, ["age", "x"], change=1e-4)
    assert numbers(tiny) / 1e-4 == pytest.approx(numbers(slope), rel=1e-6, abs=1e-10)


def test_changes_add_up(ordinal: FittedModel) -> None:
    steps = [
        margins(ordinal, "age", change={"age": ends})["estimate"] for ends in ((20, 40), (40, 70), (20, 70))
    ]
    assert (steps[0] + steps[1]).to_numpy() == pytest.approx(steps[2].to_numpy(), abs=ROUNDING)
    back = margins(ordinal, "age", change={"age": (70, 20)})
    assert back["contrast"].tolist() == ["20 - 70"] * 4
    assert back["estimate"].to_numpy() == pytest.approx(-steps[2].to_numpy(), abs=ROUNDING)


def test_a_standard_deviation_is_weighted_and_centred(binary: FittedModel) -> None:
    x, w = binary.sample["x"].to_numpy(), binary.sample_weights
    sd = np.sqrt(np.cov(x, aweights=w, ddof=0))
    found = margins(binary, "x", change="sd")
    assert found["contrast"].tolist() == ["+1 SD"]
    ends = [predict(binary, binary.sample.assign(x=x + s * sd / 2))["1"].to_numpy() for s in (1, -1)]
    assert found["estimate"].item() == pytest.approx(np.average(ends[0] - ends[1], weights=w), rel=1e-12)
    assert numbers(margins(binary, "x", change=float(sd))) == pytest.approx(numbers(found), rel=1e-12)


@pytest.mark.parametrize(("change", "ends"), [("range", [0, 1]), ("iqr", [0.25, 0.75])])
def test_changes_between_quantiles(binary: FittedModel, change: str, ends: list[float]) -> None:
    ages, w = binary.sample["age"].to_numpy(), binary.sample_weights
    order = np.argsort(ages)
    reached = np.cumsum(w[order]) / w.sum()
    low, high = (float(ages[order][np.flatnonzero(reached >= q - 1e-12)[0]]) for q in ends)
    wanted = margins(binary, "age", change={"age": (low, high)})
    assert numbers(margins(binary, "age", change=change)) == pytest.approx(numbers(wanted), rel=1e-13)


@BOTH
def test_changes_of_a_mean_are_multiples_of_its_coefficients(frame: pd.DataFrame, vce: str) -> None:
    model = linear("joins ~ age + x + gender", frame, design=DESIGN)
    for change, times in ((None, 1), (1, 1), (10, 10), ((20, 60), 40)):
        row = margins(model, "age", change=change, vce=vce)
        assert row["category"].tolist() == ["mean"]
        wanted = times * np.array([model.params["age"], model.bse["age"]])
        assert numbers(row)[0] == pytest.approx(wanted, rel=1e-10)
    row = margins(model, "gender", vce=vce)
    assert numbers(row)[0] == pytest.approx([model.params["gender[T.woman]"], model.bse["gender[T.woman]"]])
    found = average_predictions(model, {"age": 50}, vce=vce)
    middle = (found["conf_low"] + found["conf_high"]) / 2
    assert middle.to_numpy() == pytest.approx(found["estimate"].to_numpy(), rel=1e-12)
    with pytest.raises(ArgumentError, match=r"of: model 'joins' has a mean, not categories"):
        margins(model, of="at_least")
    with pytest.raises(ArgumentError, match=r"event: category 1\n\s+Allowed: models of categories"):
        event_margins(model, 1)


def test_a_bounded_mean_is_a_probability_on_its_scale(frame: pd.DataFrame) -> None:
    points = frame.assign(points=20 + 60 * frame["joins"])
    model = fractional_logit("points ~ age + x * nation + gender", points, design=DESIGN, bounds=(20, 80))
    event = logit("joins ~ age + x * nation + gender", frame, design=DESIGN)
    options = {"by": "gender", "change": {"age": "sd"}, "vce": "unconditional"}
    ours, theirs = (margins(m, **options) for m in (model, event))
    assert numbers(ours) == pytest.approx(60 * numbers(theirs), rel=1e-7)
    ours, theirs = (average_predictions(m, {"age": [20, 80]}) for m in (model, event))
    ends = ["estimate", "conf_low", "conf_high"]
    assert ours[ends].to_numpy() == pytest.approx(20 + 60 * theirs[ends].to_numpy(), rel=1e-7)


# --- what is fixed ---


def test_every_combination_is_a_row_of_its_own(ordinal: FittedModel) -> None:
    found = margins(
        ordinal, "x", at={"age": [30, 60], "gender": ["man", "woman"], "retired": True}, of="score"
    )
    assert list(found.columns[:6]) == ["age", "gender", "retired", "variable", "contrast", "category"]
    assert found["age"].tolist() == [30, 30, 60, 60]
    assert found["gender"].tolist() == ["man", "woman"] * 2
    assert found["retired"].tolist() == [True] * 4
    for _, row in found.iterrows():
        fixed = ordinal.sample.assign(age=row["age"], gender=row["gender"], retired=True)
        h = 1e-5
        ends = [predict(ordinal, fixed.assign(x=fixed["x"].clip(-2, 2) + s * h), of="score") for s in (1, -1)]
        inside = fixed["x"].abs() < 2
        slope = ((ends[0] - ends[1]) / (2 * h))["score"]
        ours = margins(
            ordinal,
            "x",
            at={"age": row["age"], "gender": row["gender"], "retired": True},
            by=pd.Series(inside, name="inside"),
            of="score",
        ).set_index("inside")
        wanted = np.average(slope[inside], weights=ordinal.sample_weights[inside])
        assert ours.loc[True, "estimate"] == pytest.approx(wanted, rel=1e-6)


def test_all_predictors_by_default_but_for_factors_that_are_fixed(ordinal: FittedModel) -> None:
    found = margins(ordinal, at={"gender": "woman", "age": 40})
    assert found["variable"].unique().tolist() == ["age", "x", "nation", "retired"]


def test_predictions_at_several_predictors(ordinal: FittedModel) -> None:
    found = average_predictions(
        ordinal, {"gender": ["man", "woman"], "age": [20, 70]}, by="nation", of="score"
    )
    assert list(found.columns[:4]) == ["gender", "age", "nation", "category"]
    assert len(found) == 12
    scores = predict(ordinal, ordinal.sample.assign(gender="woman", age=20), of="score")["score"]
    rows = (ordinal.sample["nation"] == "FR").to_numpy()
    wanted = np.average(scores[rows], weights=ordinal.sample_weights[rows])
    row = found.query("gender == 'woman' and age == 20 and nation == 'FR'")
    assert row["estimate"].item() == pytest.approx(wanted, rel=1e-12)
    assert (row["conf_low"].item() - 1) * (4 - row["conf_high"].item()) > 0


def test_the_margin_of_a_factor_is_the_difference_of_its_predictions(binary: FittedModel) -> None:
    at = {"age": 33}
    levels = prediction_estimates(binary, {"gender": ["man", "woman"], **at}, vce="unconditional")
    margin = margin_estimates(binary, "gender", at=at, vce="unconditional")
    assert margin.estimate.item() == pytest.approx(np.diff(levels.estimate).item(), rel=1e-10)
    variance = np.array([-1, 1]) @ levels.covariance @ np.array([-1, 1])
    assert margin.covariance.item() == pytest.approx(variance, rel=1e-9)


def test_unchanged_predictions_are_the_weighted_share(binary: FittedModel) -> None:
    found = average_predictions(binary)
    assert list(found.columns[:2]) == ["category", "estimate"]
    share = np.average(binary.sample_y, weights=binary.sample_weights)
    assert found["estimate"].item() == pytest.approx(share, rel=1e-10)


# --- offsets ---


def test_offsets_are_part_of_every_prediction(frame: pd.DataFrame) -> None:
    model = logit("joins ~ age + gender", frame, design=DESIGN, offset="far")
    eta = model.params["Intercept"] + model.params["age"] * frame["age"] + frame["far"]
    eta += model.params["gender[T.woman]"] * (frame["gender"] == "woman")
    wanted = 1 / (1 + np.exp(-eta))
    assert predict(model)["1"].to_numpy() == pytest.approx(wanted.to_numpy(), rel=1e-12)
    assert predict(model, frame)["1"].to_numpy() == pytest.approx(wanted.to_numpy(), rel=1e-12)
    average = average_predictions(model)["estimate"].item()
    assert average == pytest.approx(np.average(wanted, weights=frame["w"]), rel=1e-12)
    slope = np.average(wanted * (1 - wanted), weights=frame["w"]) * model.params["age"]
    assert margins(model, "age")["estimate"].item() == pytest.approx(slope, rel=1e-10)
    with pytest.raises(ModelError, match=r"'far': it is absent, but it is the model's offset"):
        predict(model, frame[["age", "gender"]])
    gap = frame.assign(far=frame["far"].where(frame["x"] < 0))
    with pytest.raises(ModelError, match=r"'far': \d+ rows have no finite value"):
        predict(model, gap, intervals=True)
    with pytest.raises(ModelError, match=r"'far': it is not numeric"):
        predict(model, frame.assign(far="near"))


# --- replicates ---


def margin_by_hand(frame: pd.DataFrame, model: FittedModel, weights: np.ndarray, average: np.ndarray) -> list:
    """Women minus men in each half, of a model fitted with some weights, averaged with others."""
    refit = logit("joins ~ age + gender", frame.assign(w=weights), design=SurveyDesign(weights="w"))
    p = [predict(refit, frame.assign(gender=g))["1"].to_numpy() for g in ("woman", "man")]
    halves = [frame["region"].to_numpy() < 2, frame["region"].to_numpy() >= 2]
    assert model.formula == refit.formula
    return [np.average((p[0] - p[1])[half], weights=average[half]) for half in halves]


@BOTH
def test_replicates_are_margins_of_refits(frame: pd.DataFrame, vce: str) -> None:
    design = replace(DESIGN, replicate_method="jkn")
    model = logit("joins ~ age + gender", frame, design=design)
    replication = model.design.replication
    half = (frame["region"] >= 2).rename("half")
    found = margin_estimates(model, "gender", by=half, vce=vce)
    drawn = []
    for weights in replication.weights.T[:5]:
        average = model.sample_weights if vce == "delta" else weights
        drawn.append(margin_by_hand(frame, model, weights, average))
    assert found.replicates[:5] == pytest.approx(np.array(drawn), rel=1e-7)
    deviation = found.replicates - found.replicates.mean(axis=0)
    by_hand = replication.scale * np.einsum("r,ra,rb->ab", replication.rscales, deviation, deviation)
    assert found.covariance == pytest.approx(by_hand, rel=1e-10)
    contrast = margins(model, "gender", by=half, contrast_by="pairwise", vce=vce)
    variance = np.array([-1, 1]) @ by_hand @ np.array([-1, 1])
    assert contrast["std_error"].item() == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_the_jackknife_agrees_with_linearised_unconditional_margins() -> None:
    # Predictors that vary between PSUs, and a curved response: without the rows' own part the ratios below
    # are up to 4.7, without its covariance with the coefficients down to 0.90. Curvature leaves 2 %.
    rng = np.random.default_rng(8)
    towns, size = 90, 12
    town = np.repeat(np.arange(towns), size)
    data = pd.DataFrame({"town": town, "stratum": town % 6})
    data["x"] = rng.normal(size=len(town)) + 1.5 * rng.normal(size=towns)[town]
    data["g"] = pd.Categorical(np.where(rng.random(len(town)) < rng.uniform(0.2, 0.8, towns)[town], "a", "b"))
    data["w"] = rng.uniform(0.5, 2, len(town))
    latent = 1.1 * data["x"] + 0.5 * (data["g"] == "b") + rng.logistic(size=len(town))
    data["often"] = pd.cut(latent, [-np.inf, 0, 1.5, np.inf], labels=["never", "some", "often"])
    plain = SurveyDesign(weights="w", strata="stratum", psu="town")
    linearised, jackknife = (
        ologit("often ~ x * g", data, design=design)
        for design in (plain, replace(plain, replicate_method="jkn"))
    )
    options = {"of": "score", "vce": "unconditional"}
    for more in (
        {},
        {"by": "g"},
        {"by": "g", "contrast_by": "pairwise"},
        {"at": {"g": "a"}, "variables": "x"},
    ):
        one, two = (margins(model, **options, **more) for model in (linearised, jackknife))
        assert two["estimate"].to_numpy() == pytest.approx(one["estimate"].to_numpy(), rel=1e-9)
        ratio = two["std_error"] / one["std_error"]
        assert ratio.between(0.97, 1.03).all(), ratio.to_list()


# --- an outside program ---


def test_statsmodels_average_margins(frame: pd.DataFrame) -> None:
    model = logit("joins ~ age + x + C(region) + gender", frame, covariance="model")
    woman = (frame["gender"] == "woman").astype(float)
    dummies = pd.get_dummies(frame["region"], prefix="region", dtype=float).iloc[:, 1:]
    columns = pd.concat([frame[["age", "x"]], dummies, woman.rename("woman")], axis=1)
    fitted = sm.Logit(frame["joins"], sm.add_constant(columns)).fit(disp=0, tol=1e-12)
    theirs = fitted.get_margeff().summary_frame()
    # Its dummies change one at a time, the others staying as they are: only those alone are comparable.
    ours = margins(model, ["age", "x"])
    wanted = theirs.loc[["age", "x"], ["dy/dx", "Std. Err."]].to_numpy()
    assert numbers(ours) == pytest.approx(wanted, rel=1e-6)
    dummy = fitted.get_margeff(dummy=True).summary_frame().loc["woman", ["dy/dx", "Std. Err."]]
    assert numbers(margins(model, "gender"))[0] == pytest.approx(dummy.to_numpy(dtype=float), rel=1e-6)


# --- the table ---


def test_levels_and_adjusted_p_values(binary: FittedModel) -> None:
    wide, narrow = (margins(binary, level=level, adjust="holm") for level in (0.95, 0.5))
    assert list(wide.columns)[3:] == [
        "estimate", "std_error", "statistic", "df", "p_value", "p_adjusted", "conf_low", "conf_high"
    ]  # fmt: skip
    assert (narrow["conf_high"] < wide["conf_high"]).all()
    assert wide["p_adjusted"].to_numpy() == pytest.approx(holm(wide["p_value"].to_numpy()))
    assert numbers(narrow) == pytest.approx(numbers(wide))


def test_groups_from_outside_the_model(binary: FittedModel, frame: pd.DataFrame) -> None:
    young = pd.cut(frame["age"], [0, 40, 120], labels=["up to 40", "over 40"]).rename("age_group")
    found = margins(binary, "x", by=[young, "gender"])
    assert found["age_group"].tolist() == ["up to 40"] * 2 + ["over 40"] * 2
    assert found["gender"].tolist() == ["man", "woman"] * 2
    part = logit("joins ~ age + x * nation + gender", frame, design=DESIGN, domain=frame["age"] < 60)
    assert len(margins(part, "x", by=young)) == len(margins(part, "x", by=young[frame["age"] < 60])) == 2


# --- refusals ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"at": {"agee": 3}}, r"at: 'agee' is not a predictor(.|\n)*did you mean 'age'\?"),
        ({"at": {"gender": "womann"}}, r"at: 'gender' has no level 'womann'(.|\n)*did you mean 'woman'\?"),
        ({"at": {"age": "thirty"}}, r"at: 'age' is numeric, and 'thirty' is given\n\s+Allowed: finite"),
        ({"at": {"age": [30, np.nan]}}, r"at: 'age' is numeric, and nan is given"),
        ({"at": {"age": True}}, r"at: 'age' is numeric, and True is given"),
        ({"at": {"age": []}}, r"at: 'age' has no values"),
        ({"at": {"age": [30, 30]}}, r"at: 'age' has a value twice"),
        ({"at": {"age": range(600)}}, r"at: 600 combinations\n\s+Allowed: at most 500"),
        ({"at": 30}, r"at: 30\n\s+Allowed: predictors with values"),
        ({"at": {"gender": "man"}, "variables": "gender"}, r"at: gender is fixed, and its margin"),
        ({"at": {"age": 30}, "by": "age"}, r"by: the result has a column 'age' already"),
        ({"by": "region"}, r"by: 'region' is not a predictor of model 'joins'\n\s+Allowed: age, x, nation"),
        ({"by": []}, r"by: no variable is named"),
        ({"by": "x"}, r"by: x makes 320 groups\n\s+Allowed: at most 60"),
        ({"by": 3}, r"by: 3 is not a predictor"),
        ({"contrast": "each"}, r"contrast: 'each'\n\s+Allowed: reference, pairwise, sequential"),
        ({"contrast": "pairwise", "variables": "age"}, r"contrast: no factor is asked for"),
        ({"contrast_by": "pairwise"}, r"contrast_by: there are no groups"),
        ({"contrast_by": "all", "by": "nation"}, r"contrast_by: 'all'"),
        ({"change": "SD"}, r"change: 'SD' for 'age'(.|\n)*change: 'SD' for 'x'"),
        ({"change": 0}, r"change: 0 for 'age'\n\s+Allowed: 'sd', 'iqr', 'range', a number other than 0"),
        ({"change": (3, 3)}, r"change: \(3, 3\) for 'age'"),
        ({"change": True}, r"change: True for 'age'"),
        ({"change": "sd", "variables": "gender"}, r"change: no numeric predictor is asked for"),
        ({"change": {"gender": 1}}, r"change: 'gender' is not a numeric predictor among those"),
        ({"change": {"agee": 1}}, r"change: 'agee' is not(.|\n)*did you mean 'age'\?"),
        ({"change": {"age": (20, 60)}, "at": {"age": 30}}, r"'age' goes from one value to another, and at="),
        ({"of": "score", "scores": [1, 2, 3]}, r"scores: 3 given"),
        ({"of": "score", "scores": [1, 1]}, r"scores: all scores are the same"),
        ({"of": "score", "scores": ["a", "b"]}, r"scores: they are not numbers"),
        ({"of": "score", "scores": {"1": 1}}, r"scores: no score for 0"),
        ({"of": "score", "scores": {"1": 1, "0": 0, "2": 5}}, r"scores: '2' is not a category of 'joins'"),
        ({"scores": [0, 1]}, r"scores: scores play no part in of='category'"),
        ({"of": "categories"}, r"of: 'categories'(.|\n)*did you mean 'category'\?"),
        ({"vce": "robust"}, r"vce: 'robust'"),
        ({"level": 95}, r"level: 95\n\s+Allowed: between 0 and 1"),
        ({"adjust": "bonferroni"}, r"adjust: 'bonferroni'\n\s+Allowed: holm, bh"),
    ],
)
def test_arguments_that_are_refused(binary: FittedModel, options: dict, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        margins(binary, **options)


def test_all_faults_of_a_call_are_said_at_once(binary: FittedModel) -> None:
    with pytest.raises(ArgumentError, match=r"\(8 faults\)") as caught:
        margins(
            binary,
            ["agee", "x"],
            at={"nation": "SE"},
            by="town",
            contrast_by="every",
            of="scores",
            vce="none",
            adjust="all",
            level=2,
        )
    where = {fault.where for fault in caught.value.faults}
    assert {"margins: at", "margins: by", "margins: of", "margins: vce", "margins: level"} <= where
    with pytest.raises(ArgumentError, match=r"\(3 faults\)"):
        predict(binary, of="all", level=0)


def test_groups_that_do_not_fit(binary: FittedModel, frame: pd.DataFrame) -> None:
    town = frame["town"]
    cases = [
        (town.rename(None), r"a Series without a name"),
        (town.reset_index(drop=True), r"'town' does not have the index of the model's data"),
        (town.iloc[:30], r"'town' does not have the index"),
        (town.where(frame["x"] < 0), r"'town' has no value in \d+ rows"),
        (town.rename("estimate"), r"the result has a column 'estimate' already"),
        (["gender", frame["gender"]], r"the result has a column 'gender' already"),
    ]
    for by, message in cases:
        with pytest.raises(ArgumentError, match=message):
            margins(binary, "age", by=by)


def test_a_fixed_variable_may_not_have_the_name_of_a_column(frame: pd.DataFrame) -> None:
    model = logit("joins ~ value + gender", frame.rename(columns={"x": "value"}), design=DESIGN)
    with pytest.raises(ArgumentError, match=r"at: the result has a column 'value' already"):
        average_predictions(model, {"value": 1, "gender": "man"})


def test_changes_beyond_what_the_formula_defines(frame: pd.DataFrame) -> None:
    model = logit("joins ~ bs(x, df=4) + log(age)", frame, design=DESIGN)
    with pytest.raises(ModelError, match=r"change of 'x': it goes to values for which a term"):
        margins(model, "x", change="sd")
    with pytest.raises(ModelError, match=r"change of 'age': it goes to values"):
        margins(model, "age", change=60)
    assert np.isfinite(numbers(margins(model, "age", change={"age": (20, 80)}))).all()


def test_what_is_no_model_is_refused(binary: FittedModel) -> None:
    for call in (margins, predict, average_predictions):
        with pytest.raises(ArgumentError, match=r"it was given a DataFrame\n\s+Allowed: a fitted model"):
            call(binary.sample)
    with pytest.raises(ArgumentError, match=r"event: category 2\n\s+Allowed: 1 to 1"):
        event_margins(binary, 2)


def test_levels_of_prediction_need_intervals(binary: FittedModel) -> None:
    with pytest.raises(ArgumentError, match=r"level: there are no intervals\n\s+Try: intervals=True"):
        predict(binary, level=0.9)


# --- probabilities of the logistic distribution ---


@pytest.mark.parametrize("gaps", [[1.0, 2.5, 0.2], [1e-9, 0.3, 5.0], [40.0, 700.0, 1e-3]])
def test_logistic_probabilities_lose_no_digit(gaps: list[float]) -> None:
    # Against 400 digits, of which the tails leave 100; ten roundings of double precision are 2e-15.
    rng = np.random.default_rng(3)
    eta = np.cumsum(np.column_stack([rng.uniform(-60, 60, 30), *([g] * 30 for g in gaps)]), axis=1)
    found = cumulative(LINKS["logit"]).values(eta)
    with mpmath.workdps(400):
        for row, ours in zip(eta, found, strict=True):
            cdf = [mpmath.mpf(0), *(1 / (1 + mpmath.exp(-mpmath.mpf(e))) for e in row), mpmath.mpf(1)]
            wanted = [float(b - a) for a, b in itertools.pairwise(cdf)]
            assert ours == pytest.approx(np.array(wanted), rel=4e-15, abs=1e-300)


def test_crossed_predictors_give_negative_probabilities() -> None:
    found = cumulative(LINKS["logit"]).values(np.array([[0.5, -0.5, 1.0]]))
    below = 1 / (1 + np.exp(-np.array([0.5, -0.5, 1.0])))
    wanted = np.diff(np.concatenate([[0.0], below, [1.0]]))
    assert wanted[1] < 0
    assert found[0] == pytest.approx(wanted, rel=1e-13)


def test_a_predictor_may_have_any_name(frame: pd.DataFrame) -> None:
    plain = logit("joins ~ age * nation + x", frame)
    named = logit("joins ~ self * nation + x", frame.rename(columns={"age": "self"}))
    for options in ({}, {"change": 10}, {"at": {"x": [0, 1]}}):
        own, other = margins(plain, "age", **options), margins(named, "self", **options)
        assert other["estimate"].tolist() == own["estimate"].tolist()
    at = [average_predictions(m, {n: [30, 60]}) for m, n in ((plain, "age"), (named, "self"))]
    assert at[0]["estimate"].tolist() == at[1]["estimate"].tolist()


@pytest.mark.parametrize("design", [DESIGN, None])
def test_groups_that_a_linear_model_holds_alike_do_not_differ(
    frame: pd.DataFrame, design: SurveyDesign | None
) -> None:
    model = linear("x ~ age + nation + gender", frame, design=design)
    where = frame["region"].rename("where")
    for variable, change in (("nation", None), ("age", None), ("age", 10), ("age", "iqr")):
        found = margins(model, variable, by=where, contrast_by="pairwise", change=change)
        assert not found[["estimate", "std_error"]].to_numpy().any()
        assert found["p_value"].isna().all()


@pytest.mark.parametrize("right", ["age + nation", "age * nation"])
def test_no_rows_have_no_predictions(frame: pd.DataFrame, right: str) -> None:
    model = ologit(f"often ~ {right}", frame, design=DESIGN)
    assert predict(model, frame.iloc[:0]).shape == (0, 4)
    found = predict(model, frame.iloc[:0], intervals=True)
    assert len(found) == 0
    assert list(found.columns) == list(predict(model, frame.iloc[:1], intervals=True).columns)
