from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.outliers_influence import variance_inflation_factor

import coprodstats as cps
from coprodstats.errors import ArgumentError
from coprodstats.models.diagnostics import collinearity, design_effects, influence_by_psu
from coprodstats.models.e_values import e_value, e_values
from coprodstats.models.rao_scott import mixture_tail, rao_scott_test

CLUSTERED = cps.SurveyDesign(weights="w", strata="s", psu="p")
FORMULA = "y ~ x + z + g"


@pytest.fixture(scope="module")
def frame():
    return clustered(np.random.default_rng(1))


def clustered(rng, n_psu=40, size=12):
    psu = np.repeat(np.arange(n_psu), size)
    n = len(psu)
    x = rng.normal(size=n) + rng.normal(size=n_psu)[psu]
    z = 0.6 * x + rng.normal(size=n)
    g = rng.choice(["a", "b", "c"], n)
    y = 0.5 * x - 0.3 * z + 0.5 * (g == "b") + rng.normal(size=n_psu)[psu] + rng.logistic(size=n) > 0.3
    level = pd.cut(x + rng.logistic(size=n), [-np.inf, -1, 1, np.inf], labels=["low", "mid", "high"])
    return pd.DataFrame(
        {"y": y.astype(int), "level": level, "x": x, "z": z, "g": g, "p": psu, "s": psu % 4,
         "w": rng.uniform(0.3, 3.0, n)}
    )  # fmt: skip


# --- collinearity ---


def test_variance_inflation_is_that_of_statsmodels_without_weights(frame):
    found = collinearity(cps.logit(FORMULA, frame)).terms.set_index("term")["gvif"]
    dummies = pd.get_dummies(frame["g"], drop_first=True, dtype=float)
    x = np.column_stack([np.ones(len(frame)), frame[["x", "z"]], dummies])
    assert found["x"] == pytest.approx(variance_inflation_factor(x, 1), rel=1e-9)
    assert found["z"] == pytest.approx(variance_inflation_factor(x, 2), rel=1e-9)


def test_variance_inflation_does_not_depend_on_the_reference_level(frame):
    other = frame.assign(g=pd.Categorical(frame["g"], categories=["c", "a", "b"]))
    first, second = (collinearity(cps.logit(FORMULA, f, design=CLUSTERED)).terms for f in (frame, other))
    assert first["gvif"].to_list() == pytest.approx(second["gvif"].to_list(), rel=1e-9)
    assert first["gvif_scaled"].to_list() == pytest.approx((first["gvif"] ** (0.5 / first["df"])).to_list())


def test_two_predictors_by_their_correlation_and_condition_by_eigenvalues(frame):
    found = collinearity(cps.logit("y ~ x + z", frame, design=CLUSTERED))
    r = np.cov(frame["x"], frame["z"], aweights=frame["w"])
    squared = r[0, 1] ** 2 / (r[0, 0] * r[1, 1])
    assert found.terms["gvif"].to_list() == pytest.approx([1 / (1 - squared)] * 2, rel=1e-9)
    columns = np.column_stack([np.ones(len(frame)), frame["x"], frame["z"]])
    cross = columns.T @ (columns * frame["w"].to_numpy()[:, None])
    size = np.sqrt(np.diag(cross))
    values = np.linalg.eigvalsh(cross / np.outer(size, size))
    assert found.condition_index == pytest.approx(np.sqrt(values[-1] / values[0]), rel=1e-9)
    assert found.to_frame()["condition_index"].to_list() == [found.condition_index] * 2


def test_collinearity_is_that_of_the_predictors_whatever_the_family(frame):
    wanted = collinearity(cps.logit(FORMULA, frame, design=CLUSTERED))
    right = FORMULA.partition("~")[2]
    index = frame.assign(index=50 + 10 * np.tanh(frame["x"] + frame["z"]))
    models = [
        cps.ologit(f"level ~ {right}", frame, design=CLUSTERED),
        cps.ologit(f"level ~ {right}", frame, nonparallel="x", design=CLUSTERED),
        cps.continuation_ratio(f"level ~ {right}", frame, design=CLUSTERED),
        cps.logit(f"y ~ {right}", frame, design=CLUSTERED, separation="firth"),
        cps.linear(f"index ~ {right}", index, design=CLUSTERED),
        cps.fractional_logit(f"index ~ {right}", index, bounds=(0, 100), design=CLUSTERED),
    ]
    for model in models:
        found = collinearity(model)
        pd.testing.assert_frame_equal(found.terms, wanted.terms)
        assert found.condition_index == wanted.condition_index


def test_terms_that_share_a_variable_are_noted(frame):
    notes = collinearity(cps.logit("y ~ x * g + z", frame)).terms.set_index("term")["note"]
    assert notes["x"] == "shares x with other terms"
    assert notes["x:g"] == "shares g, x with other terms"
    assert notes["z"] == ""


# --- influence of PSUs ---


def test_influence_is_the_derivative_of_the_estimates_by_the_weights_of_a_psu(frame):
    model = cps.logit(FORMULA, frame, design=CLUSTERED)
    found = influence_by_psu(model, labels=frame["p"]).psus
    step = 1e-4
    for psu in (0, 17, 39):
        moved = []
        for sign in (-1, 1):
            weights = frame["w"].where(frame["p"] != psu, frame["w"] * (1 + sign * step))
            moved.append(cps.logit(FORMULA, frame.assign(w=weights), design=CLUSTERED).params)
        derivative = (moved[0] - moved[1]) / (2 * step)  # per unit of weight taken away
        ours = found[found["psu"] == str(psu)].set_index("parameter")["dfbeta"]
        assert ours.to_dict() == pytest.approx(derivative.to_dict(), rel=1e-4, abs=1e-8)


def test_influence_is_nearly_the_change_when_a_psu_is_left_out(frame):
    model = cps.logit(FORMULA, frame, design=CLUSTERED)
    found = influence_by_psu(model, labels=frame["p"])
    row = found.summary.set_index("parameter").loc["x"]
    without = cps.logit(FORMULA, frame[frame["p"] != int(row["psu"])], design=CLUSTERED)
    change = (without.params["x"] - model.params["x"]) / model.bse["x"]
    assert row["largest_dfbetas"] == pytest.approx(change, rel=0.25)


def test_influences_sum_to_nothing_and_shares_to_one(frame):
    psus = influence_by_psu(cps.ologit("level ~ x + g", frame, design=CLUSTERED)).psus
    by_parameter = psus.groupby("parameter")
    assert by_parameter["dfbeta"].sum().abs().max() < 1e-8
    assert by_parameter["share"].sum().to_list() == pytest.approx([1.0] * 5)
    assert psus["psu"].drop_duplicates().to_list() == [str(k) for k in range(1, 11)]
    assert set(psus["stratum"]) == {"0", "1", "2", "3"}


def test_influence_is_never_shown_by_person(frame):
    for model in (
        cps.logit("y ~ x", frame),
        cps.logit("y ~ x", frame, design=CLUSTERED, covariance="robust"),
    ):
        with pytest.raises(ArgumentError, match="every PSU is a single respondent"):
            influence_by_psu(model)
    alone = frame.assign(p=frame["p"].where(frame.index > 0, 999))
    found = influence_by_psu(cps.logit("y ~ x", alone, design=CLUSTERED), labels=alone["p"])
    assert found.left_out == 1
    assert "999" not in set(found.psus["psu"])


def test_labels_are_one_per_psu(frame):
    model = cps.logit("y ~ x", frame, design=CLUSTERED)
    with pytest.raises(ArgumentError, match="some PSUs have more than one label"):
        influence_by_psu(model, labels=frame["g"])
    with pytest.raises(ArgumentError, match=r"it has shape \(3,\)"):
        influence_by_psu(model, labels=["a", "b", "c"])


# --- design effects ---


def test_weights_alone_cost_what_kish_says_when_they_tell_nothing():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=20_000), "w": rng.choice([1.0, 6.0], 20_000)})
    frame["y"] = (frame["x"] + rng.logistic(size=20_000) > 0).astype(int)
    found = design_effects(cps.logit("y ~ x", frame, design=cps.SurveyDesign(weights="w")))
    assert found.kish == pytest.approx(1 + frame["w"].var(ddof=0) / frame["w"].mean() ** 2)
    assert found.table["deff"].to_list() == pytest.approx([found.kish] * 2, rel=0.05)


def test_every_row_four_times_as_a_psu_has_a_design_effect_of_four():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"x": rng.normal(size=2000)})
    rows["y"] = (rows["x"] + rng.logistic(size=2000) > 0).astype(int)
    frame = rows.loc[rows.index.repeat(4)].assign(p=lambda f: f.index).reset_index(drop=True)
    clusters = design_effects(cps.logit("y ~ x", frame, design=cps.SurveyDesign(psu="p"))).table
    once = design_effects(cps.logit("y ~ x", rows)).table
    assert clusters["deff"].to_list() == pytest.approx((4 * once["deff"]).to_list(), rel=1e-8)
    assert clusters["deft"].to_list() == pytest.approx(np.sqrt(clusters["deff"]).to_list())


def test_design_effects_do_not_depend_on_the_scale_of_weights_or_predictors(frame):
    scaled = frame.assign(w=frame["w"] * 1e6, x=frame["x"] * 1e6 + 1e7)
    first, second = (
        design_effects(cps.ologit("level ~ x", f, design=CLUSTERED)).table for f in (frame, scaled)
    )
    assert first["deff"].iloc[0] == pytest.approx(second["deff"].iloc[0], rel=1e-8)


def test_design_effects_need_a_design(frame):
    with pytest.raises(ArgumentError, match="which knows no design"):
        design_effects(cps.logit("y ~ x", frame, covariance="model"))


# --- E-values ---


def test_the_example_of_the_r_package():
    """EValue, evalues.OR(0.86, 0.75, 0.99, rare = FALSE): by hand, RR = sqrt(OR)."""
    above, limit = 1 / np.sqrt(0.86), 1 / np.sqrt(0.99)
    expected = [above + np.sqrt(above * (above - 1)), limit + np.sqrt(limit * (limit - 1))]
    assert e_value([np.sqrt(0.86), np.sqrt(0.99)]).tolist() == pytest.approx(expected)
    assert expected == pytest.approx([1.369, 1.076], abs=5e-4)


def test_the_published_example_of_smoking_and_of_breast_feeding():
    """VanderWeele and Ding (2017): RR 10.73 [8.02, 14.36] gives 20.9, 15.5; RR 3.9 [1.8, 8.7] 7.2, 3.0."""
    assert e_value([10.73, 8.02, 3.9, 1.8]) == pytest.approx([20.9, 15.5, 7.2, 3.0], abs=0.07)


@pytest.mark.parametrize("ratio", [1.0, 1.3, 4.0, 0.4])
def test_confounding_of_that_strength_just_explains_the_ratio(ratio):
    """Ding and VanderWeele's bounding factor with both associations equal to the E-value."""
    e = e_value(ratio)
    assert e * e / (2 * e - 1) == pytest.approx(max(ratio, 1 / ratio))


def test_e_values_of_a_model(frame):
    model = cps.logit(FORMULA, frame, design=CLUSTERED)
    found = e_values(model, change={"x": 2})
    table = found.table.set_index("parameter")
    assert table["change"].to_dict() == {"x": 2.0, "z": 1.0, "g[T.b]": 1.0, "g[T.c]": 1.0}
    assert table.loc["x", "odds_ratio"] == pytest.approx(np.exp(2 * model.params["x"]))
    assert table.loc["x", "risk_low"] ** 2 == pytest.approx(np.exp(2 * model.conf_int().loc["x", 0]))
    assert found.conversion == "common outcome: risk ratio = sqrt(OR)"
    covers = model.conf_int()[0].mul(model.conf_int()[1]).drop("Intercept") < 0
    assert (table["e_value_limit"] == 1).eq(covers).all()
    assert (table["e_value"] >= table["e_value_limit"]).all()
    rare = e_values(model, "x", rare=True).table
    assert rare["risk_ratio"].item() == pytest.approx(np.exp(model.params["x"]))


def test_a_rare_event_is_seen_with_its_weights():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"x": rng.normal(size=600)})
    frame["y"] = (frame["x"] + rng.logistic(size=600) > 1).astype(int)
    frame["w"] = np.where(frame["y"] == 1, 0.1, 1.0)
    assert frame["y"].mean() > 0.15
    assert e_values(cps.logit("y ~ x", frame)).conversion.startswith("common")
    weighted = cps.logit("y ~ x", frame, design=cps.SurveyDesign(weights="w"))
    assert e_values(weighted).conversion.startswith("rare")


def test_terms_without_a_coefficient_of_their_own_have_no_e_value(frame):
    model = cps.logit("y ~ x * g + z", frame)
    found = e_values(model)
    assert found.table["parameter"].to_list() == ["z"]
    assert set(found.left_out) == {"x", "g", "x:g"}
    with pytest.raises(ArgumentError, match="'x': no one coefficient says"):
        e_values(model, "x")


def test_what_e_values_refuse(frame):
    model = cps.logit(FORMULA, frame)
    with pytest.raises(ArgumentError, match="whose coefficients are no odds ratios"):
        e_values(cps.ologit("level ~ x", frame, link="probit"))
    with pytest.raises(ArgumentError, match="'g' is no numeric term"):
        e_values(model, change={"g": 2})
    with pytest.raises(ArgumentError, match="-1 for 'x'"):
        e_values(model, change={"x": -1})
    with pytest.raises(ArgumentError, match="it has no term 'q'"):
        e_values(model, ["q"])
    with pytest.raises(ArgumentError, match="rare: 'no'"):
        e_values(model, rare="no")


# --- Rao–Scott test ---


@pytest.mark.parametrize("family", ["logit", "ologit"])
def test_without_a_design_it_is_the_likelihood_ratio_test(frame, family):
    outcome = {"logit": "y", "ologit": "level"}[family]
    larger = getattr(cps, family)(f"{outcome} ~ x + z + g", frame, covariance="model")
    smaller = getattr(cps, family)(f"{outcome} ~ x", frame, covariance="model")
    test = rao_scott_test(larger, ["g", "z"])
    ratio = 2 * (larger.llf - smaller.llf)
    assert test.likelihood_ratio == pytest.approx(ratio, rel=1e-9)
    assert test.eigenvalues == pytest.approx([1.0] * 3)
    expected = stats.chi2.sf(ratio, 3)
    assert (test.p_value, test.p_value_mixture) == pytest.approx((expected, expected), rel=1e-7)


def test_eigenvalues_of_one_coefficient_are_its_design_effect(frame):
    model = cps.logit(FORMULA, frame, design=CLUSTERED)
    test = rao_scott_test(model, "x")
    deff = design_effects(model).table.set_index("parameter")["deff"]["x"]
    assert test.eigenvalues == pytest.approx([deff], rel=1e-9)
    assert test.statistic == pytest.approx(test.likelihood_ratio / deff, rel=1e-12)
    assert test.p_value_mixture == pytest.approx(test.p_value, rel=1e-8)
    assert test.df_denom == 36
    # near the null the likelihood ratio is the square of Wald's t
    assert test.statistic == pytest.approx(model.tvalues["x"] ** 2, rel=0.1)


def test_dropping_every_term_compares_with_the_model_without_predictors(frame):
    model = cps.ologit("level ~ x + g", frame, design=CLUSTERED)
    test = rao_scott_test(model, ["x", "g"])
    assert test.likelihood_ratio == pytest.approx(2 * (model.llf - model.llnull), rel=1e-9)
    assert test.to_frame().loc[0, "n_restrictions"] == 3


def test_p_values_are_uniform_under_the_null_in_clusters():
    rng = np.random.default_rng(20261121)
    p_values = []
    for _ in range(60):
        n_psu, size = 50, 8
        psu = np.repeat(np.arange(n_psu), size)
        x, z = rng.normal(size=n_psu)[psu], rng.normal(size=n_psu)[psu]
        y = (rng.normal(size=n_psu)[psu] + rng.logistic(size=n_psu * size) > 0).astype(int)
        frame = pd.DataFrame({"y": y, "x": x, "z": z, "p": psu})
        model = cps.logit("y ~ x + z", frame, design=cps.SurveyDesign(psu="p"))
        p_values.append(rao_scott_test(model, ["x", "z"]).p_value_mixture)
    assert stats.kstest(p_values, "uniform").pvalue > 0.001
    low, high = stats.binom.interval(0.998, 60, 0.05)
    assert low <= (np.array(p_values) < 0.05).sum() <= high


@pytest.mark.parametrize("q", [1, 2, 7])
@pytest.mark.parametrize("df", [1, 5, 211, np.inf])
@pytest.mark.parametrize("value", [0.01, 0.8, 1.2, 9.0, 60.0])
def test_equal_weights_make_an_f_variable(q, df, value):
    expected = stats.f.sf(value, q, df) if np.isfinite(df) else stats.chi2.sf(q * value, q)
    assert mixture_tail(q * value, np.ones(q), df) == pytest.approx(expected, rel=1e-9)


def test_unequal_weights_against_simulation():
    rng = np.random.default_rng(5)
    weights = np.array([2.0, 0.9, 0.4, 0.1])
    draws = 400_000
    total = rng.chisquare(1, (draws, 4)) @ weights
    for df in (12, np.inf):
        over = total if np.isinf(df) else total / (rng.chisquare(df, draws) / df)
        for value in (1.0, 4.0, 12.0):
            p = mixture_tail(value, weights, df)
            assert abs((over > value).mean() - p) < 4 * np.sqrt(p * (1 - p) / draws)


def test_two_by_two_weights_in_closed_form():
    """a chi²_2 + b chi²_2 is a difference of exponentials: P(> t) = (a e^{-t/2a} - b e^{-t/2b}) / (a - b)."""
    a, b = 1.5, 0.5
    for t in (0.5, 4.0, 80.0):
        expected = (a * np.exp(-t / (2 * a)) - b * np.exp(-t / (2 * b))) / (a - b)
        assert mixture_tail(t, np.array([a, a, b, b]), np.inf) == pytest.approx(expected, rel=1e-9)


def test_what_it_can_not_test(frame):
    model = cps.logit(FORMULA, frame)
    with pytest.raises(ArgumentError, match="it has no term 'gg'"):
        rao_scott_test(model, ["x", "gg"])
    with pytest.raises(ArgumentError, match="no term is named"):
        rao_scott_test(model, [])
    with pytest.raises(ArgumentError, match="it has no term 'Intercept'"):
        rao_scott_test(model, "Intercept")
    with pytest.raises(ArgumentError, match="given a NoneType"):
        rao_scott_test(None, "x")
