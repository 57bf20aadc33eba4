from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import coprodstats as cps
from coprodstats.errors import ArgumentError
from coprodstats.models.parallel import parallel_lines_test

LABELS = ["low", "mid", "high", "top"]
CLUSTERED = cps.SurveyDesign(weights="w", strata="s", psu="p")


def answers(rng, n, k=3, tilt=0.0, cluster=None):
    """Proportional odds in x and g; ``tilt`` adds to x's slope above the first threshold only."""
    x, g = rng.normal(size=n), rng.choice(["a", "b"], n)
    shared = 0.0 if cluster is None else cluster
    latent = 0.8 * x + 0.4 * (g == "b") + shared + rng.logistic(size=n)
    cuts = np.linspace(-0.8, 1.2, k - 1)
    level = (latent > cuts[0]).astype(int)
    for cut in cuts[1:]:
        level += (level > 0) & (latent + tilt * x > cut)
    y = pd.Categorical.from_codes(level, LABELS[:k], ordered=True)
    return pd.DataFrame({"y": y, "x": x, "g": g})


def clustered(rng, n_psu=60, size=10, tilt=0.0):
    psu = np.repeat(np.arange(n_psu), size)
    frame = answers(rng, n_psu * size, tilt=tilt, cluster=0.6 * rng.normal(size=n_psu)[psu])
    return frame.assign(p=psu, s=psu % 3, w=rng.uniform(0.5, 2.0, n_psu)[psu])


def test_with_equal_weights_and_independent_rows_the_design_based_test_tends_to_brants():
    gaps = []
    for n in (300, 20_000):
        frame = answers(np.random.default_rng(1), n, k=4, tilt=6 / np.sqrt(n))
        brant = parallel_lines_test(cps.ologit("y ~ x + g", frame, covariance="model"))
        robust = parallel_lines_test(cps.ologit("y ~ x + g", frame))
        gaps.append(np.abs(robust.splits["std_error"] / brant.splits["std_error"] - 1).max())
    assert gaps[1] < 0.02 < gaps[0]
    chi2 = robust.tests["statistic"] * robust.tests["df_num"]
    assert chi2.to_list() == pytest.approx(brant.tests["statistic"].to_list(), rel=0.06)


def test_counts_are_as_many_rows():
    frame = answers(np.random.default_rng(2), 120).assign(w=np.arange(120) % 3 + 1.0)
    counted = cps.ologit("y ~ x + g", frame, design=cps.SurveyDesign(weights="w"), covariance="model")
    repeated = frame.loc[frame.index.repeat(frame["w"].astype(int))].reset_index(drop=True)
    rows = cps.ologit("y ~ x + g", repeated, covariance="model")
    for method in ("brant", "likelihood-ratio"):
        first, second = (parallel_lines_test(m, method=method).tests for m in (counted, rows))
        assert first["statistic"].to_list() == pytest.approx(second["statistic"].to_list(), rel=1e-8)


def test_the_first_split_is_a_logistic_model_of_its_own():
    frame = clustered(np.random.default_rng(3))
    test = parallel_lines_test(cps.ologit("y ~ x + g", frame, design=CLUSTERED))
    above = frame.assign(above=frame["y"] > "low")
    alone = cps.logit("above ~ x + g", above, design=CLUSTERED)
    first = test.splits[test.splits["split"] == "> low"].set_index("parameter")
    assert first["estimate"].to_dict() == pytest.approx(alone.params.drop("Intercept").to_dict(), rel=1e-9)
    assert first["std_error"].to_dict() == pytest.approx(alone.bse.drop("Intercept").to_dict(), rel=1e-9)


def test_the_design_based_test_is_that_of_two_logistic_models_compared():
    frame = clustered(np.random.default_rng(4), tilt=0.5)
    test = parallel_lines_test(cps.ologit("y ~ x + g", frame, design=CLUSTERED)).tests.set_index("term")
    above = {cut: frame.assign(**{cut: frame["y"] > cut}) for cut in ("low", "mid")}
    models = {cut: cps.logit(f"{cut} ~ x + g", above[cut], design=CLUSTERED) for cut in above}
    compared = cps.compare(models, scale="coefficient", terms=["x", "g[T.b]"])
    assert test.loc["all terms", "statistic"] == pytest.approx(compared.test.statistic, rel=1e-8)
    assert test.loc["all terms", "df_denom"] == compared.test.df_denom == 56
    x = compared.to_frame().set_index("term").loc["x"]
    assert test.loc["x", "statistic"] == pytest.approx(x["statistic"] ** 2, rel=1e-8)


def test_weights_may_be_of_any_scale_and_rows_of_any_order():
    frame = clustered(np.random.default_rng(5))
    shuffled = frame.sample(frac=1, random_state=0).assign(w=lambda f: f["w"] * 1000)
    first, second = (
        parallel_lines_test(cps.ologit("y ~ x + g", f, design=CLUSTERED)).tests for f in (frame, shuffled)
    )
    assert first["statistic"].to_list() == pytest.approx(second["statistic"].to_list(), rel=1e-8)


def test_a_domain_is_zero_weight_outside_it():
    frame = clustered(np.random.default_rng(14), tilt=0.5)
    inside = np.random.default_rng(15).random(len(frame)) < 0.7
    zeroed = frame.assign(w=frame["w"].where(inside, 0.0))
    models = (
        cps.ologit("y ~ x + g", frame, design=CLUSTERED, domain=inside),
        cps.ologit("y ~ x + g", zeroed, design=CLUSTERED),
    )
    first, second = (parallel_lines_test(model).tests for model in models)
    assert first["statistic"].to_list() == pytest.approx(second["statistic"].to_list(), rel=1e-9)
    assert first["df_denom"].to_list() == second["df_denom"].to_list()


def test_under_parallel_lines_in_clusters_one_test_in_twenty_rejects():
    rng = np.random.default_rng(20261121)
    p_values = []
    for _ in range(60):
        frame = clustered(rng, n_psu=45, size=8)
        tests = parallel_lines_test(cps.ologit("y ~ x + g", frame, design=CLUSTERED)).tests
        p_values.append(tests.loc[tests["term"] == "all terms", "p_value"].item())
    rejected = int((np.array(p_values) < 0.05).sum())
    low, high = stats.binom.interval(0.998, len(p_values), 0.05)
    assert low <= rejected <= high
    assert stats.kstest(p_values, "uniform").pvalue > 0.001


def test_slopes_that_differ_are_found_and_named():
    frame = clustered(np.random.default_rng(6), n_psu=200, tilt=1.5)
    tests = parallel_lines_test(cps.ologit("y ~ x + g", frame, design=CLUSTERED)).tests.set_index("term")
    assert tests.loc["x", "p_value"] < 1e-6
    assert tests.loc["all terms", "p_value"] < 1e-6
    assert tests.loc["g", "p_value"] > 0.01


def test_more_restrictions_than_degrees_of_freedom_refuse_the_joint_test_only():
    frame = clustered(np.random.default_rng(7), n_psu=5, size=60).assign(s=0)
    frame["z"] = np.random.default_rng(8).normal(size=len(frame))
    frame["y"] = pd.Categorical(frame["y"], LABELS[:3], ordered=True)
    model = cps.ologit("y ~ x + g + z + I(z**2) + I(x**2)", frame, design=CLUSTERED)
    tests = parallel_lines_test(model).tests.set_index("term")
    joint = tests.loc["all terms"]
    assert joint["reason"] == "not available: 5 restrictions and 4 degrees of freedom"
    assert pd.isna(joint["statistic"])
    assert tests.drop("all terms")["p_value"].notna().all()
    assert (tests.drop("all terms")["df_denom"] == 4).all()


def test_a_split_that_is_separated_is_said_and_has_no_number():
    rng = np.random.default_rng(9)
    frame = answers(rng, 300)
    # "high" is reached by group b only: the ordinal model has an estimate, the split above "mid" has none.
    frame.loc[(frame["g"] == "a") & (frame["y"] == "high"), "y"] = "mid"
    for covariance in ("model", "robust"):
        test = parallel_lines_test(cps.ologit("y ~ x + g", frame, covariance=covariance))
        reason = "the split '> mid' is separated by g[T.b]: its estimates are not finite"
        assert set(test.tests["reason"]) == {f"not available: {reason}"}
        assert test.tests["statistic"].isna().all()
        assert test.splits["note"].to_list() == [reason]


def test_the_likelihood_ratio_without_a_maximum_is_said():
    frame = answers(np.random.default_rng(10), 300)
    frame.loc[(frame["g"] == "a") & (frame["y"] == "high"), "y"] = "mid"
    test = parallel_lines_test(cps.ologit("y ~ x + g", frame), method="likelihood-ratio")
    tests = test.tests.set_index("term")
    assert "no finite maximum" in tests.loc["g", "reason"]
    assert tests.loc["x", "reason"] == ""


def test_the_ratio_of_one_binary_predictor_is_that_of_the_saturated_table():
    frame = answers(np.random.default_rng(11), 500, k=4, tilt=0.4)
    model = cps.ologit("y ~ g", frame, covariance="model")
    counts = pd.crosstab(frame["g"], frame["y"]).to_numpy()
    saturated = (counts * np.log(counts / counts.sum(axis=1, keepdims=True))).sum()
    tests = parallel_lines_test(model, method="likelihood-ratio").tests
    assert tests["statistic"].to_list() == pytest.approx([2 * (saturated - model.llf)] * 2, abs=1e-9)
    assert tests["df_num"].to_list() == [2, 2]


def test_what_it_is_not_for():
    frame = answers(np.random.default_rng(12), 200).assign(w=np.linspace(1, 2, 200))
    binary = cps.logit("b ~ x", frame.assign(b=frame["y"] > "low"))
    with pytest.raises(ArgumentError, match="two categories"):
        parallel_lines_test(binary)
    with pytest.raises(ArgumentError, match="its link is probit"):
        parallel_lines_test(cps.ologit("y ~ x", frame, link="probit"))
    model = cps.ologit("y ~ x", frame, design=cps.SurveyDesign(weights="w"))
    with pytest.raises(ArgumentError, match="'score' is not one"):
        parallel_lines_test(model, method="score")
    with pytest.raises(ArgumentError, match="'brant' is not valid for this model"):
        parallel_lines_test(model, method="brant")
    with pytest.raises(ArgumentError, match="'likelihood-ratio' is not valid for this model"):
        parallel_lines_test(model, method="likelihood-ratio")
    with pytest.raises(ArgumentError, match="given a str"):
        parallel_lines_test("model")


def test_the_frame_names_model_and_method():
    frame = answers(np.random.default_rng(13), 200)
    found = parallel_lines_test(cps.ologit("y ~ x", frame, name="trust")).to_frame()
    assert found.columns[:3].to_list() == ["model", "method", "term"]
    assert set(found["model"]) == {"trust"}
    assert set(found["method"]) == {"design"}
