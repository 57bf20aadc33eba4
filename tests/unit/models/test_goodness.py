from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.diagnostic_gen import test_chisquare_binning as chisquare_by_bins

import coprodstats as cps
from coprodstats.errors import ArgumentError
from coprodstats.models.discrimination import somers_d
from coprodstats.models.goodness import goodness_of_fit
from coprodstats.models.grouped_fit import weighted_groups

CLUSTERED = cps.SurveyDesign(weights="w", strata="s", psu="p")


def binary(rng, n=400, curve=0.0):
    x = rng.normal(size=n)
    y = (0.9 * x + curve * (x**2 - 1) + rng.logistic(size=n) > 0.2).astype(int)
    return pd.DataFrame({"y": y, "x": x})


def ordinal(rng, n=400):
    x = rng.normal(size=n)
    y = pd.cut(x + rng.logistic(size=n), [-np.inf, -1, 0.5, 2, np.inf], labels=["0", "1", "2", "3"])
    return pd.DataFrame({"y": y, "x": x})


def clustered(rng, n_psu=60, size=10, curve=0.0):
    frame = binary(rng, n_psu * size, curve)
    psu = np.repeat(np.arange(n_psu), size)
    return frame.assign(p=psu, s=psu % 3, w=rng.uniform(0.5, 2.0, n_psu)[psu])


def by_test(fit):
    return fit.tests.set_index("test")


def measures_of(fit):
    return fit.measures.set_index("measure")["estimate"]


@pytest.mark.parametrize("family", ["logit", "ologit"])
def test_sums_by_group_are_those_of_statsmodels(family):
    frame = binary(np.random.default_rng(1)) if family == "logit" else ordinal(np.random.default_rng(1))
    model = getattr(cps, family)("y ~ x", frame, covariance="model")
    name = {"logit": "Hosmer–Lemeshow", "ologit": "Fagerland–Hosmer"}[family]
    row = by_test(goodness_of_fit(model)).loc[name]
    counts = pd.get_dummies(frame["y"]).to_numpy(dtype=float)
    p = np.asarray(model.fittedvalues)
    p = np.column_stack([1 - p, p]) if family == "logit" else p
    expected = chisquare_by_bins(
        counts, p, sort_var=p @ np.arange(p.shape[1]), bins=10, ordered=family == "ologit"
    )
    assert row["statistic"] == pytest.approx(expected.statistic, rel=1e-9)
    assert row["df_num"] == expected.df == {"logit": 8, "ologit": 26}[family]
    assert row["p_value"] == pytest.approx(expected.pvalue, rel=1e-9)


def test_small_expected_counts_are_said_beside_the_number():
    fit = goodness_of_fit(cps.ologit("y ~ x", ordinal(np.random.default_rng(2), 100), covariance="model"))
    row = by_test(fit).loc["Fagerland–Hosmer"]
    assert row["statistic"] > 0
    assert "of 40 expected counts are below 5" in row["reason"]


def test_counts_are_as_many_rows():
    frame = ordinal(np.random.default_rng(3), 150).assign(w=np.arange(150) % 3 + 1.0)
    counted = cps.ologit("y ~ x", frame, design=cps.SurveyDesign(weights="w"), covariance="model")
    repeated = frame.loc[frame.index.repeat(frame["w"].astype(int))].reset_index(drop=True)
    rows = cps.ologit("y ~ x", repeated, covariance="model")
    first, second = goodness_of_fit(counted), goodness_of_fit(rows)
    for part, column in (("tests", "statistic"), ("measures", "estimate"), ("calibration", "std_error")):
        one, other = (getattr(fit, part)[column].to_numpy() for fit in (first, second))
        np.testing.assert_allclose(one, other, rtol=1e-8)


def test_groups_hold_about_equal_weight_and_keep_ties_together():
    rng = np.random.default_rng(4)
    score, weights = rng.integers(0, 300, 5000) / 300, rng.uniform(0.1, 5.0, 5000)
    group, made = weighted_groups(score, weights, 10)
    assert made == 10
    shares = np.bincount(group, weights) / weights.sum()
    assert np.abs(shares - 0.1).max() < 0.01
    assert pd.Series(group).groupby(score).nunique().max() == 1
    assert (np.diff(pd.Series(score).groupby(group).min()) > 0).all()


def test_fewer_fitted_values_than_groups():
    frame = binary(np.random.default_rng(5)).assign(x=lambda f: (f["x"] > 0).astype(float))
    fit = goodness_of_fit(cps.logit("y ~ x", frame))
    assert fit.n_groups == 2
    assert (by_test(fit)["reason"].str.contains("make 2 groups")).all()
    assert len(fit.calibration) == 2
    # with one binary predictor the fit is the table itself
    assert fit.calibration["predicted"].to_list() == pytest.approx(fit.calibration["observed"].to_list())


def test_archer_and_lemeshows_p_values_are_uniform_when_the_model_holds():
    rng = np.random.default_rng(20261121)
    p_values = []
    for _ in range(100):
        fit = goodness_of_fit(cps.logit("y ~ x", clustered(rng, 50, 8), design=CLUSTERED))
        p_values.append(by_test(fit).loc["Archer–Lemeshow", "p_value"])
    low, high = stats.binom.interval(0.998, 100, 0.05)
    assert low <= (np.array(p_values) < 0.05).sum() <= high


def test_a_domain_is_zero_weight_outside_it():
    frame = clustered(np.random.default_rng(19))
    inside = np.random.default_rng(20).random(len(frame)) < 0.7
    zeroed = frame.assign(w=frame["w"].where(inside, 0.0))
    models = (
        cps.logit("y ~ x", frame, design=CLUSTERED, domain=inside),
        cps.logit("y ~ x", zeroed, design=CLUSTERED),
    )
    first, second = (goodness_of_fit(model) for model in models)
    pd.testing.assert_frame_equal(first.to_frame(), second.to_frame(), rtol=1e-9)
    pd.testing.assert_frame_equal(first.calibration, second.calibration, rtol=1e-9)


def test_a_missing_square_is_found():
    frame = clustered(np.random.default_rng(6), 150, 10, curve=0.6)
    without = goodness_of_fit(cps.logit("y ~ x", frame, design=CLUSTERED))
    with_it = goodness_of_fit(cps.logit("y ~ x + I(x**2)", frame, design=CLUSTERED))
    assert by_test(without).loc["Archer–Lemeshow", "p_value"] < 1e-4
    assert by_test(with_it).loc["Archer–Lemeshow", "p_value"] > 0.01


def test_nothing_that_is_not_defined_has_a_number():
    frame = clustered(np.random.default_rng(7), 12, 30)
    fit = goodness_of_fit(cps.logit("y ~ x", frame, design=CLUSTERED), groups=12)
    reasons = by_test(fit)["reason"]
    assert "12 groups and 9 degrees of freedom" in reasons["Archer–Lemeshow"]
    assert "no version for weights or clusters is published" in reasons["Hosmer–Lemeshow"]
    assert fit.tests["statistic"].isna().all()
    cut = ordinal(np.random.default_rng(8))
    fit = goodness_of_fit(cps.ologit("y ~ x", cut, link="cauchit"))
    assert "its distribution is known for the logit link" in by_test(fit).loc["Fagerland–Hosmer", "reason"]
    absent = fit.measures.set_index("measure")["reason"]
    assert absent["Tjur"].endswith("more than two categories")
    assert absent["McKelvey–Zavoina"].endswith("cauchit errors have no variance")
    for frame_of in (fit.tests.rename(columns={"statistic": "estimate"}), fit.measures):
        assert (frame_of["estimate"].notna() | frame_of["reason"].str.startswith("not available")).all()


def test_tjurs_measure_is_the_mean_of_two_r_squared():
    """Tjur (2009), theorem 1: by explained and by residual sums of squares, for the logistic model."""
    frame = clustered(np.random.default_rng(9))
    model = cps.logit("y ~ x", frame, design=CLUSTERED)
    p, y, w = model.fittedvalues.to_numpy(), frame["y"].to_numpy(), frame["w"].to_numpy()
    mean = np.average(y, weights=w)
    total = w @ (y - mean) ** 2
    expected = ((w @ (p - mean) ** 2) / total + 1 - (w @ (y - p) ** 2) / total) / 2
    assert measures_of(goodness_of_fit(model))["Tjur"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("link", "error"), [("logit", stats.logistic), ("probit", stats.norm), ("cloglog", stats.gumbel_l)]
)
def test_mckelvey_and_zavoina_share_the_latent_variance(link, error):
    frame = ordinal(np.random.default_rng(10))
    model = cps.ologit("y ~ x", frame, link=link)
    explained = model.params["x"] ** 2 * frame["x"].var(ddof=0)
    expected = explained / (explained + error.var())
    assert measures_of(goodness_of_fit(model))["McKelvey–Zavoina"] == pytest.approx(expected, rel=1e-9)


def test_somers_d_counts_pairs():
    rng = np.random.default_rng(11)
    score, y, w = rng.integers(0, 6, 60) / 6, rng.integers(0, 3, 60), rng.uniform(0.5, 3, 60)
    net = pairs = 0.0
    for i in range(60):
        for j in range(i):
            weight = w[i] * w[j]
            net += weight * np.sign(score[i] - score[j]) * np.sign(y[i] - y[j])
            pairs += weight * (y[i] != y[j])
    assert somers_d(score, y, w) == pytest.approx(net / pairs, rel=1e-12)


def test_auc_is_that_of_mann_and_whitney():
    frame = binary(np.random.default_rng(12))
    model = cps.logit("y ~ x", frame)
    p, y = model.fittedvalues, frame["y"]
    u = stats.mannwhitneyu(p[y == 1], p[y == 0]).statistic / ((y == 1).sum() * (y == 0).sum())
    found = measures_of(goodness_of_fit(model))
    assert found["AUC"] == pytest.approx(u, rel=1e-12)
    assert found["Somers' D"] == pytest.approx(2 * u - 1, rel=1e-12)
    assert found["McFadden"] == pytest.approx(model.prsquared, rel=1e-14)


def test_calibration_balances_overall_and_marks_empty_shares():
    frame = clustered(np.random.default_rng(13))
    model = cps.logit("y ~ x", frame, design=CLUSTERED)
    table = goodness_of_fit(model).calibration
    assert table["n"].sum() == len(frame)
    assert table["n_weighted"].sum() == pytest.approx(frame["w"].sum())
    # the score of the intercept: predicted and observed totals are equal
    observed, predicted = (table["n_weighted"] @ table[c] for c in ("observed", "predicted"))
    assert observed == pytest.approx(predicted, rel=1e-9)
    inside = table["conf_low"].lt(table["observed"]) & table["observed"].lt(table["conf_high"])
    assert inside.all()
    sharp = binary(np.random.default_rng(14), 100)
    sharp["y"] = (sharp["x"] + 0.05 * np.random.default_rng(15).logistic(size=100) > 0).astype(int)
    table = goodness_of_fit(cps.logit("y ~ x", sharp)).calibration
    extreme = table["observed"].isin([0.0, 1.0])
    assert extreme.any()
    assert (table.loc[extreme, "note"] == "no interval: all or none of the group").all()
    assert table["conf_low"].isna().eq(extreme).all()


def test_lipsitz_says_when_groups_repeat_the_predictors():
    frame = ordinal(np.random.default_rng(16)).assign(g=lambda f: pd.cut(f["x"], 4, labels=list("abcd")))
    fit = goodness_of_fit(cps.ologit("y ~ g", frame, covariance="model"))
    assert "combinations of the model's predictors" in by_test(fit).loc["Lipsitz", "reason"]


@pytest.mark.parametrize("groups", [2, 101, 5.0, True, "ten"])
def test_groups_are_a_whole_number(groups):
    model = cps.logit("y ~ x", binary(np.random.default_rng(17)))
    with pytest.raises(ArgumentError, match="a whole number from 3 to 100"):
        goodness_of_fit(model, groups=groups)


def test_the_frame_has_tests_and_measures():
    fit = goodness_of_fit(cps.logit("y ~ x", binary(np.random.default_rng(18)), name="helps"))
    frame = fit.to_frame()
    assert list(frame.columns[:4]) == ["model", "kind", "name", "estimate"]
    assert set(frame["model"]) == {"helps"}
    assert len(frame) == len(fit.tests) + len(fit.measures)
