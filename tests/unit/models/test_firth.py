from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import coprodstats as cps
from coprodstats import SurveyDesign, logit, ologit
from coprodstats.errors import ArgumentError, SeparationError
from coprodstats.models.importance import importance

DESIGN = SurveyDesign(weights="w", strata="region", psu="town")
LABEL = "Firth (Jeffreys prior)"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Outcomes that all of the few respondents with ``rare`` answer alike."""
    rng = np.random.default_rng(12)
    n = 400
    data = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "efficacy": rng.normal(size=n),
            "rare": pd.Categorical(rng.choice(["no", "yes"], n, p=[0.96, 0.04])),
            "w": rng.uniform(0.3, 3.0, n),
            "region": rng.integers(0, 5, n),
        }
    )
    data["town"] = data["region"] * 10 + rng.integers(0, 6, n)
    latent = 0.02 * data["age"] + 0.5 * data["efficacy"] + rng.logistic(size=n)
    latent[data["rare"] == "yes"] = 5.0
    data["joins"] = (latent > 1).astype(int)
    labels = ["never", "some", "often"]
    data["often"] = pd.cut(latent, [-np.inf, 0.5, 2, np.inf], labels=labels)
    return data


# --- what it estimates ---


@pytest.mark.parametrize(("without", "event"), [((10, 3), (10, 6)), ((10, 3), (8, 8)), ((5, 0), (7, 7))])
def test_a_two_by_two_table_has_half_a_respondent_more_in_each_cell(
    without: tuple[int, int], event: tuple[int, int]
) -> None:
    """The model has a probability for each row, and Jeffreys' prior of a probability is Beta(1/2, 1/2)."""
    rows = [(x, int(i < k)) for x, (n, k) in enumerate((without, event)) for i in range(n)]
    table = pd.DataFrame(rows, columns=["x", "y"])
    model = logit("y ~ x", table, covariance="model", separation="firth")
    shares = [(k + 0.5) / (n + 1) for n, k in (without, event)]
    log_odds = [np.log(p / (1 - p)) for p in shares]
    assert model.params["Intercept"] == pytest.approx(log_odds[0], rel=1e-12)
    assert model.params["x"] == pytest.approx(log_odds[1] - log_odds[0], rel=1e-12)
    variance = [1 / (n * p * (1 - p)) for (n, _), p in zip((without, event), shares, strict=True)]
    assert model.bse.tolist() == pytest.approx([variance[0] ** 0.5, sum(variance) ** 0.5], rel=1e-12)
    assert model.fittedvalues.unique().tolist() == pytest.approx(shares, rel=1e-12)


def test_two_ordered_categories_are_the_logistic_model(frame: pd.DataFrame) -> None:
    data = frame.assign(two=pd.Categorical.from_codes(frame["joins"], ["no", "yes"], ordered=True))
    binary = logit("joins ~ age + efficacy + rare", data, design=DESIGN, separation="firth")
    ordinal = ologit("two ~ age + efficacy + rare", data, design=DESIGN, separation="firth")
    slopes = ["age", "efficacy", "rare[T.yes]"]
    assert ordinal.params[slopes].tolist() == pytest.approx(binary.params[slopes].tolist(), rel=1e-12)
    assert ordinal.bse[slopes].tolist() == pytest.approx(binary.bse[slopes].tolist(), rel=1e-11)
    assert ordinal.thresholds.iloc[0] == pytest.approx(-binary.params["Intercept"], rel=1e-12)


@pytest.mark.parametrize("family", ["logit", "ologit"])
def test_with_many_respondents_it_is_maximum_likelihood(frame: pd.DataFrame, family: str) -> None:
    """The penalty counts as much whatever the number: its share falls as one over it."""
    fitter, outcome = (logit, "joins") if family == "logit" else (ologit, "often")
    plain = fitter(f"{outcome} ~ age + efficacy", frame, covariance="model")
    far = []
    for times in (10.0, 100.0, 1000.0):
        counted = SurveyDesign(weights="count")
        data = frame.assign(count=times)
        model = fitter(
            f"{outcome} ~ age + efficacy", data, design=counted, covariance="model", separation="firth"
        )
        far.append(np.abs(model.estimates - plain.estimates) / plain.bse.to_numpy())
    assert far[0].max() < 0.01
    # One over the number, but for terms of its square.
    assert far[0] / far[1] == pytest.approx(10.0, rel=0.01)
    assert far[1] / far[2] == pytest.approx(10.0, rel=0.001)


@pytest.mark.parametrize("family", ["logit", "ologit"])
def test_predictors_on_another_scale_are_the_same_model(frame: pd.DataFrame, family: str) -> None:
    fitter, outcome = (logit, "joins") if family == "logit" else (ologit, "often")
    usual = fitter(f"{outcome} ~ age + efficacy + rare", frame, design=DESIGN, separation="firth")
    moved = frame.assign(age=1e6 * frame["age"] - 3e7)
    other = fitter(f"{outcome} ~ age + efficacy + rare", moved, design=DESIGN, separation="firth")
    assert other.params["age"] * 1e6 == pytest.approx(usual.params["age"], rel=1e-9)
    assert other.params["rare[T.yes]"] == pytest.approx(usual.params["rare[T.yes]"], rel=1e-9)
    assert other.llf == pytest.approx(usual.llf, rel=1e-12)


def test_an_offset_that_is_constant_moves_the_intercept(frame: pd.DataFrame) -> None:
    usual = logit("joins ~ age + rare", frame, separation="firth")
    data = frame.assign(known=0.7)
    moved = logit("joins ~ age + rare", data, separation="firth", offset="known")
    assert moved.params["Intercept"] == pytest.approx(usual.params["Intercept"] - 0.7, rel=1e-11)
    assert moved.params[["age", "rare[T.yes]"]].tolist() == pytest.approx(
        usual.params[["age", "rare[T.yes]"]].tolist(), rel=1e-11
    )


# --- its covariance ---


@pytest.mark.parametrize("family", ["logit", "ologit"])
def test_influence_is_the_change_of_the_estimate_by_a_weight(frame: pd.DataFrame, family: str) -> None:
    fitter, outcome = (logit, "joins") if family == "logit" else (ologit, "often")
    domain = frame["age"] < 80

    def fit(data: pd.DataFrame) -> cps.FittedModel:
        right = f"{outcome} ~ age + efficacy + rare"
        return fitter(right, data, design=DESIGN, domain=domain, separation="firth")

    model = fit(frame)
    inside = int(np.flatnonzero(domain & (frame["rare"] == "yes"))[0])
    for row in (inside, int(np.flatnonzero(domain)[3])):
        h = 1e-4 * frame["w"].iloc[row]
        sides = []
        for sign in (1, -1):
            changed = frame.copy()
            changed.loc[row, "w"] += sign * h
            sides.append(fit(changed).estimates)
        derivative = (sides[0] - sides[1]) / (2 * h)
        assert model.influence[row] == pytest.approx(derivative * frame["w"].iloc[row], rel=1e-5, abs=1e-9)
    assert model.influence[~domain].any() == np.False_
    assert model.influence.sum(axis=0) == pytest.approx(np.zeros(len(model.estimates)), abs=1e-9)


def test_without_separation_and_with_many_the_sandwich_is_that_of_maximum_likelihood() -> None:
    rng = np.random.default_rng(2)
    n = 20_000
    data = pd.DataFrame(
        {"x": rng.normal(size=n), "w": rng.uniform(0.5, 2, n), "town": rng.integers(0, 200, n)}
    )
    data["y"] = (rng.random(n) < 1 / (1 + np.exp(-data["x"]))).astype(int)
    design = SurveyDesign(weights="w", psu="town")
    plain = logit("y ~ x", data, design=design)
    firth = logit("y ~ x", data, design=design, separation="firth")
    # Both differ by terms of one over n.
    assert firth.bse.tolist() == pytest.approx(plain.bse.tolist(), rel=5 / n)
    assert firth.params.tolist() == pytest.approx(plain.params.tolist(), rel=20 / n)


def test_the_scale_of_sampling_weights_plays_no_part(frame: pd.DataFrame) -> None:
    usual = ologit("often ~ age + rare", frame, design=DESIGN, separation="firth")
    other = ologit("often ~ age + rare", frame.assign(w=1000 * frame["w"]), design=DESIGN, separation="firth")
    assert other.estimates == pytest.approx(usual.estimates, rel=1e-12)
    assert other.bse.to_numpy() == pytest.approx(usual.bse.to_numpy(), rel=1e-12)


# --- what is said of it ---


@pytest.mark.parametrize(("fitter", "outcome"), [(logit, "joins"), (ologit, "often")])
def test_separated_data_stop_unless_it_is_asked_for(frame: pd.DataFrame, fitter, outcome: str) -> None:
    with pytest.raises(SeparationError, match=r"rare = 'yes'"):
        fitter(f"{outcome} ~ age + rare", frame, design=DESIGN)
    model = fitter(f"{outcome} ~ age + rare", frame, design=DESIGN, separation="firth")
    assert 0 < model.params["rare[T.yes]"] < 10
    assert model.convergence.converged


def test_it_is_labelled_wherever_it_is_shown(frame: pd.DataFrame) -> None:
    model = logit("joins ~ age + rare", frame, design=DESIGN, separation="firth")
    plain = logit("joins ~ age", frame, design=DESIGN)
    assert model.penalty == LABEL
    assert plain.penalty == ""
    assert f"penalised likelihood: {LABEL}" in str(model.summary())
    assert "(without the penalty)" in str(model.summary())
    assert LABEL in repr(model)
    assert "Firth" not in repr(plain)
    assert model.to_frame()["note"].str.contains(f"penalised likelihood, {LABEL}", regex=False).all()
    assert any("not a design-consistent maximum-likelihood estimate" in w for w in model.warnings)
    other = logit("joins ~ efficacy", frame, design=DESIGN)
    compared = cps.compare(
        {"a": model, "b": logit("joins ~ age + efficacy", frame, design=DESIGN)}, terms="age"
    )
    assert any(LABEL in caveat for caveat in compared.caveats)
    assert not any(LABEL in w for w in other.warnings)


def test_what_separates_is_named_with_what_that_means(frame: pd.DataFrame) -> None:
    design = logit("joins ~ age + rare", frame, design=DESIGN, separation="firth")
    told = [w for w in design.warnings if w.startswith("the outcome is separated by rare[T.yes]")]
    assert len(told) == 1
    assert "the design standard error is too small there" in told[0]
    counted = logit("joins ~ age + rare", frame, covariance="model", separation="firth")
    told = [w for w in counted.warnings if w.startswith("the outcome is separated by rare[T.yes]")]
    assert "profile_interval" in told[0]
    assert not any("too small" in w or "weights" in w for w in counted.warnings)
    fine = logit("joins ~ age", frame, design=DESIGN, separation="firth")
    assert not any("separated" in w for w in fine.warnings)


def test_the_sandwich_of_a_cell_without_variation_is_too_small() -> None:
    """What the warning says: twenty who all said yes leave no spread about their fitted share."""
    table = pd.DataFrame({"x": [0] * 30 + [1] * 20, "y": [0, 1] * 15 + [1] * 20})
    robust = logit("y ~ x", table, separation="firth")
    counted = logit("y ~ x", table, separation="firth", covariance="model")
    alone = logit("y ~ x", table.assign(y=[0, 1] * 25), separation="firth")
    # Little more than the other cell's, although it should be larger by the root of 1 + 30 / 20 at least.
    assert robust.bse["x"] < 1.2 * robust.bse["Intercept"]
    assert alone.bse["x"] == pytest.approx(alone.bse["Intercept"] * (1 + 30 / 20) ** 0.5, rel=0.05)
    assert counted.bse["x"] > 3 * robust.bse["x"]


def test_margins_and_predictions_stay_within_zero_and_one(frame: pd.DataFrame) -> None:
    model = ologit("often ~ age + rare", frame, design=DESIGN, separation="firth")
    found = cps.predict(model)
    assert ((found > 0) & (found < 1)).all(axis=None)
    margin = cps.margins(model, "rare")
    assert margin["estimate"].sum() == pytest.approx(0, abs=1e-12)
    assert margin["std_error"].notna().all()


@pytest.mark.parametrize(
    "call",
    [
        cps.goodness_of_fit,
        lambda m: cps.rao_scott_test(m, "age"),
        cps.parallel_lines_test,
        cps.design_effects,
        lambda m: importance(m, n_replicates=2, seed=1),
    ],
)
@pytest.mark.parametrize("right", ["age + rare", "age + efficacy"])
def test_what_rests_on_maximum_likelihood_refuses_it(frame: pd.DataFrame, call, right: str) -> None:
    model = ologit(f"often ~ {right}", frame, design=DESIGN, separation="firth")
    with pytest.raises(ArgumentError, match=r"(?s)(penal|Penal)"):
        call(model)


def test_slopes_that_differ_between_splits_have_no_penalty(frame: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match=r"separation: 'firth' is for one slope per column"):
        ologit("often ~ age + rare", frame, nonparallel="age", separation="firth")
