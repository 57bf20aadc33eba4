from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from coprodstats import SurveyDesign, logit, margins, ologit, predict
from coprodstats.errors import ArgumentError, ModelError
from coprodstats.models.links import LinkName
from coprodstats.models.margins import average_predictions, category_probabilities, margin_estimates
from coprodstats.models.matrix import rebuild_matrix
from coprodstats.models.results import FittedModel

FORMULAS = (
    "age + x + gender + nation", "age * gender + x", "age * x", "I(age**2) + age + gender", "log(age) + x",
    "poly(age, 3) * gender", "bs(age, df=5) + x", "cr(age, df=4) + gender", "sqrt(age) + exp(x) + scale(w)",
    "I(x**5) + x + age", "I(x**3):I(x**3) + I(age * x**2)", "age:gender:x + nation*gender",
    'C(nation, Treatment("FR")) * age',
)  # fmt: skip
DESIGN = SurveyDesign(weights="w", strata="region", psu="town")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(31)
    n = 300
    data = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "x": rng.normal(size=n),
            "w": rng.uniform(0.3, 3.0, n),
            "gender": pd.Categorical(rng.choice(["man", "woman"], n)),
            "nation": pd.Categorical(rng.choice(["CZ", "DK", "FR"], n)),
            "region": rng.integers(0, 5, n),
        }
    )
    data["town"] = data["region"] * 10 + rng.integers(0, 6, n)
    latent = 0.02 * data["age"] + 0.4 * data["x"] + 0.5 * (data["gender"] == "woman") + rng.logistic(size=n)
    data["joins"] = (latent > 1.2).astype(int)
    data["often"] = pd.cut(latent, [-np.inf, 0.4, 2, np.inf], labels=["never", "some", "often"])
    return data


def fit(frame: pd.DataFrame, right: str, family: str = "ologit", **options: object) -> FittedModel:
    options = {"design": DESIGN, **options}
    return (
        logit(f"joins ~ {right}", frame, **options)
        if family == "logit"
        else ologit(f"often ~ {right}", frame, **options)
    )


def average(model: FittedModel, sample: pd.DataFrame) -> np.ndarray:
    """Weighted average probability of each category for a changed sample."""
    share = model.sample_weights / model.sample_weights.sum()
    found = share @ category_probabilities(model, rebuild_matrix(model.spec, sample))
    return found[[1]] if model.family == "logit" else found


def numerically(model: FittedModel, variable: str) -> np.ndarray:
    """Average margins from nothing but predictions of a changed sample."""
    sample = model.sample
    if model.spec.is_factor(variable):
        reference = model.spec.reference(variable)
        others = [level for level in model.spec.levels[variable] if level != reference]
        at = {level: average(model, sample.assign(**{variable: level})) for level in [reference, *others]}
        return np.concatenate([at[level] - at[reference] for level in others])
    values = sample[variable].to_numpy()
    h = 1e-4 * values.std()
    if "bs(" in model.formula or "cr(" in model.formula:
        values = np.clip(values, values.min() + h, values.max() - h)  # splines end with their data
    up, down = (sample.assign(**{variable: values + step}) for step in (h, -h))
    return (average(model, up) - average(model, down)) / (2 * h)


def moved(model: FittedModel, j: int, by: float) -> FittedModel:
    estimates = model.estimates.copy()
    estimates[j] += by
    return replace(model, estimates=estimates)


@pytest.mark.parametrize("right", FORMULAS)
@pytest.mark.parametrize("family", ["logit", "ologit"])
def test_margins_are_differences_of_average_predictions(frame: pd.DataFrame, right: str, family: str) -> None:
    model = fit(frame, right, family)
    for variable in model.spec.formula.predictors:
        ours = margins(model, variable)["estimate"].to_numpy()
        scale = max(np.abs(ours).max(), 1e-3)
        assert ours == pytest.approx(numerically(model, variable), abs=2e-5 * scale), variable


@pytest.mark.parametrize("right", FORMULAS)
def test_their_standard_errors_follow_from_the_numerical_gradient(frame: pd.DataFrame, right: str) -> None:
    model = fit(frame, right)
    for variable in model.spec.formula.predictors:
        columns = []
        for j, error in enumerate(model.bse):
            h = 1e-4 * error
            sides = [margin_estimates(moved(model, j, s * h), variable).estimate for s in (1, -1)]
            columns.append((sides[0] - sides[1]) / (2 * h))
        gradient = np.column_stack(columns)
        wanted = np.sqrt(np.diag(gradient @ model.covariance_matrix @ gradient.T))
        assert margins(model, variable)["std_error"].to_numpy() == pytest.approx(wanted, rel=1e-5), variable


@pytest.mark.parametrize("power", [2, 3, 4, 5])
def test_derivatives_of_powers_are_exact(frame: pd.DataFrame, power: int) -> None:
    model = fit(frame, f"I(x**{power})", "logit")
    p = predict(model)["1"].to_numpy()
    slope = model.params.iloc[1] * power * model.sample["x"] ** (power - 1)
    wanted = np.average(p * (1 - p) * slope, weights=model.sample_weights)
    assert margins(model)["estimate"].item() == pytest.approx(wanted, rel=1e-9)


def test_the_margin_of_a_two_by_two_table_is_the_difference_of_shares() -> None:
    table = pd.DataFrame({"x": ["a"] * 10 + ["b"] * 10, "y": [1] * 3 + [0] * 7 + [1] * 6 + [0] * 4})
    model = logit("y ~ x", table, covariance="model")
    row = margins(model).iloc[0]
    assert (row["variable"], row["contrast"], row["category"]) == ("x", "b - a", "1")
    assert row["estimate"] == pytest.approx(0.6 - 0.3, rel=1e-12)
    assert row["std_error"] == pytest.approx(np.sqrt(0.3 * 0.7 / 10 + 0.6 * 0.4 / 10), rel=1e-12)


def test_margins_of_an_ordinal_model_have_every_category(frame: pd.DataFrame) -> None:
    found = margins(fit(frame, "age + gender + nation"))
    assert found["category"].tolist() == ["never", "some", "often"] * 4
    assert (
        found["contrast"].tolist() == ["dy/dx"] * 3 + ["woman - man"] * 3 + ["DK - CZ"] * 3 + ["FR - CZ"] * 3
    )
    numbers = ["estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high"]
    assert list(found.columns) == ["variable", "contrast", "category", *numbers]


def test_intervals_and_tests_use_the_models_degrees_of_freedom(frame: pd.DataFrame) -> None:
    model = fit(frame, "age")
    row = margins(model).iloc[0]
    assert row["df"] == model.design_df == frame["town"].nunique() - 5
    half = student.ppf(0.975, row["df"]) * row["std_error"]
    assert row["conf_high"] - row["estimate"] == pytest.approx(half, rel=1e-12)
    assert row["p_value"] == pytest.approx(2 * student.cdf(-abs(row["statistic"]), row["df"]), rel=1e-10)


# --- the sample's predictors as a sample ---


def test_the_unconditional_variance_against_a_delete_one_psu_jackknife() -> None:
    rng = np.random.default_rng(7)
    n, towns = 800, 40
    data = pd.DataFrame({"town": np.repeat(np.arange(towns), n // towns)})
    data["x"] = 0.5 * rng.normal(size=n) + 2 * rng.normal(size=towns)[data["town"]]
    data["w"] = rng.uniform(0.5, 2, n)
    data["joins"] = (1.2 * data["x"] + rng.logistic(size=n) > 1).astype(int)
    design = SurveyDesign(weights="w", psu="town")
    model = logit("joins ~ x", data, design=design)
    rows = [
        margins(logit("joins ~ x", data, design=design, domain=data["town"] != town))["estimate"].item()
        for town in range(towns)
    ]
    jackknife = np.sqrt((towns - 1) / towns * ((np.array(rows) - np.mean(rows)) ** 2).sum())
    ours = margins(model, vce="unconditional")["std_error"].item()
    assert ours == pytest.approx(jackknife, rel=0.06)
    assert margins(model)["std_error"].item() < 0.8 * jackknife  # the predictors vary from town to town


def test_the_unconditional_mean_of_predictions_is_the_design_based_share(frame: pd.DataFrame) -> None:
    # With an intercept the average fitted probability is the weighted share, and so is its influence.
    from coprodstats import proportions  # noqa: PLC0415

    model = fit(frame, "nation", "logit")
    share = np.average(model.sample_y, weights=model.sample_weights)
    assert np.average(predict(model)["1"], weights=model.sample_weights) == pytest.approx(share, rel=1e-12)
    by_nation = proportions(frame, "joins", by="nation", design=DESIGN)
    ours = average_predictions(model, {"nation": ["CZ", "DK", "FR"]}, vce="unconditional")
    wanted = by_nation[by_nation["category"] == 1]
    assert ours["estimate"].to_numpy() == pytest.approx(wanted["estimate"].to_numpy(), rel=1e-10)
    assert ours["std_error"].to_numpy() == pytest.approx(wanted["std_error"].to_numpy(), rel=1e-10)


def test_model_based_models_have_no_unconditional_variance(frame: pd.DataFrame) -> None:
    model = fit(frame, "age", "logit", covariance="model")
    with pytest.raises(ArgumentError, match=r"model-based.*\n.*covariance='robust' or a design"):
        margins(model, vce="unconditional")


# --- predictions ---


def test_predictions_at_given_values(frame: pd.DataFrame) -> None:
    model = fit(frame, "age * gender + log(w)")
    found = average_predictions(model, {"age": [20, 80]})
    assert found["category"].tolist() == ["never", "some", "often"] * 2
    for value in (20, 80):
        rows = found["value"] == str(value)
        assert found.loc[rows, "estimate"].sum() == pytest.approx(1, rel=1e-13)
        wanted = average(model, model.sample.assign(age=float(value)))
        assert found.loc[rows, "estimate"].to_numpy() == pytest.approx(wanted, rel=1e-12)
    assert found["conf_low"].between(0, found["estimate"]).all()
    assert found["conf_high"].between(found["estimate"], 1).all()


def test_predictions_for_new_rows(frame: pd.DataFrame) -> None:
    model = fit(frame, "age + gender")
    new = pd.DataFrame({"gender": ["woman", "man"], "age": [30, 70]}, index=["a", "b"])
    found = predict(model, new)
    assert found.index.tolist() == ["a", "b"]
    assert found.columns.tolist() == ["never", "some", "often"]
    cuts, b = model.thresholds, model.params
    eta = np.array([30 * b["age"] + b["gender[T.woman]"], 70 * b["age"]])
    below = 1 / (1 + np.exp(-(cuts.to_numpy()[None, :] - eta[:, None])))
    wanted = np.diff(np.column_stack([np.zeros(2), below, np.ones(2)]), axis=1)
    assert found.to_numpy() == pytest.approx(wanted, rel=1e-12)


def test_predictions_of_the_sample_are_the_fitted_values(frame: pd.DataFrame) -> None:
    model = fit(frame, "poly(age, 2) + bs(x, df=4)", "logit")
    assert predict(model)["1"].to_numpy() == pytest.approx(model.fittedvalues.to_numpy(), rel=1e-13)
    ordinal = fit(frame, "age")
    pd.testing.assert_frame_equal(predict(ordinal), ordinal.fittedvalues)


def test_unseen_levels_raise(frame: pd.DataFrame) -> None:
    model = fit(frame, "nation + age")
    with pytest.raises(
        ModelError, match=r"'nation': 1 levels that the model has not seen \(SE\)\n\s+Allowed: CZ, DK"
    ):
        predict(model, pd.DataFrame({"nation": ["CZ", "SE"], "age": [3, 4]}))
    with pytest.raises(ArgumentError, match=r"'nation' has no level 'SE'\n\s+Allowed: CZ, DK, FR"):
        average_predictions(model, {"nation": ["SE"]})


# --- refusals ---


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: margins(m, "agee"), r"'agee' is not one of its predictors(.|\n)*did you mean 'age'\?"),
        (lambda m: margins(m, ["age", "foo", "bar"]), r"2 faults"),
        (lambda m: margins(m, []), r"no predictor is named\n\s+Allowed: age, gender"),
        (lambda m: margins(m, by=np.arange(9)), r"by: a ndarray is not a predictor"),
        (lambda m: margins(m, 5), r"5 is not one of its predictors\n\s+Allowed: age, gender"),
        (lambda m: margins(m, adjust=["holm"]), r"adjust: \['holm'\]\n\s+Allowed: holm, bh"),
        (lambda m: margins(m, "often"), r"'often' is not one of its predictors"),
        (lambda m: margins(m, vce="bootstrap"), r"vce: 'bootstrap'\n\s+Allowed: delta, unconditional"),
        (lambda m: average_predictions(m, {}), r"at: {}\n\s+Allowed: predictors with values"),
        (lambda m: average_predictions(m, {"agee": [1]}), r"did you mean 'age'"),
        (lambda m: average_predictions(m, {"age": []}), r"at: 'age' has no values"),
    ],
)  # fmt: skip
def test_arguments(frame: pd.DataFrame, call, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call(fit(frame, "age + gender"))


def test_intervals_of_a_logistic_prediction_are_those_of_its_linear_predictor() -> None:
    rng = np.random.default_rng(21)
    frame = pd.DataFrame({"x": rng.normal(size=300), "g": rng.choice(["a", "b"], 300)})
    frame["y"] = (rng.random(300) < 1 / (1 + np.exp(-frame["x"]))).astype(int)
    model = logit("y ~ x + g", frame)
    new = pd.DataFrame({"x": [-1.0, 0.5], "g": ["a", "b"]}, index=["first", "second"])
    found = predict(model, new, intervals=True)
    assert list(found.index) == ["first", "second"]
    design = np.array([[1.0, 0.0, -1.0], [1.0, 1.0, 0.5]])
    names = ["Intercept", "g[T.b]", "x"]
    eta = design @ model.params[names].to_numpy()
    se = np.sqrt(np.diag(design @ model.cov_params().loc[names, names].to_numpy() @ design.T))
    half = student.isf(0.025, model.df) * se
    assert found["estimate"].to_numpy() == pytest.approx(1 / (1 + np.exp(-eta)), rel=1e-12)
    # For the logit link the interval on the probability's logit is that of the linear predictor.
    assert found["conf_low"].to_numpy() == pytest.approx(1 / (1 + np.exp(half - eta)), rel=1e-10)
    assert found["conf_high"].to_numpy() == pytest.approx(1 / (1 + np.exp(-half - eta)), rel=1e-10)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "loglog", "cauchit"])
def test_intervals_of_ordinal_predictions_by_moving_each_parameter(link: LinkName) -> None:
    rng = np.random.default_rng(22)
    frame = pd.DataFrame({"x": rng.normal(size=400), "z": rng.normal(size=400)})
    latent = frame["x"] - 0.5 * frame["z"] + rng.logistic(size=400)
    frame["y"] = pd.cut(latent, [-99, -1, 0, 1, 99], labels=list("abcd"))
    model = ologit("y ~ x + z", frame, link=link)
    new = frame[["x", "z"]].iloc[:5]
    step = 1e-5
    slopes = []
    for j in range(len(model.estimates)):
        ends = []
        for sign in (1, -1):
            moved = model.estimates.copy()
            moved[j] += sign * step
            ends.append(predict(replace(model, estimates=moved), new).to_numpy().ravel())
        slopes.append((ends[0] - ends[1]) / (2 * step))
    jacobian = np.column_stack(slopes)
    expected = np.sqrt(np.diag(jacobian @ model.covariance_matrix @ jacobian.T))
    found = predict(model, new, intervals=True)
    assert found["category"].tolist() == list("abcd") * 5
    assert found["std_error"].to_numpy() == pytest.approx(expected, rel=1e-6)
    assert ((found["conf_low"] > 0) & (found["conf_high"] < 1)).all()
