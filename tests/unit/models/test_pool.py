from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import coprodstats as cps
from coprodstats.errors import ArgumentError, InsufficientDataError, ModelError, SeparationError
from coprodstats.models.multiplicity import holm
from coprodstats.models.pooling import RubinEstimate, barnard_rubin, combine, joint_test

DESIGN = cps.SurveyDesign(weights="w", strata="region", psu="town")
RIGHT = "age + gender + income"


def draw(seed: int = 3, n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    region = np.arange(n) * 4 // n
    frame = pd.DataFrame(
        {
            "w": rng.uniform(0.5, 3, n),
            "region": region,
            "town": region * 10 + rng.integers(0, 6, n),
            "age": rng.integers(18, 90, n),
            "gender": pd.Categorical(rng.choice(["man", "woman"], n)),
            "income": rng.normal(30, 8, n),
        }
    )
    latent = 0.03 * (frame["age"] - 50) + 0.05 * (frame["income"] - 30) + rng.logistic(size=n)
    frame["helps"] = (latent > 0).astype(int)
    frame["joins"] = (latent + 2 * rng.logistic(size=n) > 1).astype(int)
    frame["meets"] = (rng.logistic(size=n) > 0.5).astype(int)
    frame["trust"] = pd.cut(latent, [-np.inf, -1, 1, np.inf], labels=["low", "some", "high"])
    return frame


def holes(frame: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return frame.assign(income=frame["income"].mask(rng.random(len(frame)) < 0.3))


@pytest.fixture(scope="module")
def imputations() -> cps.Imputations:
    variables = ["age", "gender", "income", "helps", "joins", "meets", "trust"]
    return cps.impute(holes(draw()), variables, seed=1, m=4, iterations=2, design=DESIGN)


def models(data: pd.DataFrame, **options: Any) -> dict[str, cps.FittedModel]:
    outcomes = ("helps", "joins", "meets")
    return {y: cps.logit(f"{y} ~ {RIGHT}", data, design=DESIGN, **options) for y in outcomes}


def test_rubins_rules_by_hand() -> None:
    found = combine(
        np.array([[1.0, 5.0], [2.0, 5.0], [6.0, 5.0]]),
        np.array([np.diag([1.0, 2.0]), np.diag([2.0, 2.0]), np.diag([3.0, 2.0])]),
        complete_df=20.0,
    )
    # Mean 3; U = 2; B = (4 + 1 + 9) / 2 = 7; T = 2 + 4/3 * 7 = 34/3. The second never varies.
    assert found.estimate.tolist() == [3.0, 5.0]
    np.testing.assert_allclose(found.covariance, np.diag([34 / 3, 2.0]))
    share = 28 / 34
    old, observed = 2 / share**2, (1 - share) * 20 * 21 / 23
    df = 1 / (1 / old + 1 / observed)
    np.testing.assert_allclose(found.df, [df, 20 * 21 / 23])
    np.testing.assert_allclose(found.riv, [28 / 6, 0.0])
    np.testing.assert_allclose(found.fmi, [(28 / 6 + 2 / (old + 3)) / (28 / 6 + 1), 0.0])


def test_degrees_of_freedom_of_large_samples_are_rubins() -> None:
    found = barnard_rubin(np.array([0.0, 0.2, 1.0]), 5, np.inf)
    np.testing.assert_allclose(found, [np.inf, 4 / 0.04, 4.0])
    # They are the limit of those of ever larger designs.
    np.testing.assert_allclose(barnard_rubin(np.array([0.2]), 5, 1e9), [100.0], rtol=1e-6)


def test_combine_refuses_what_does_not_fit() -> None:
    with pytest.raises(ArgumentError, match=r"m at least 2"):
        combine(np.ones((1, 2)), np.ones((1, 2, 2)), complete_df=10.0)
    with pytest.raises(ArgumentError, match=r"estimates of shape \(3, 2\) and covariances of shape \(3, 2\)"):
        combine(np.ones((3, 2)), np.ones((3, 2)), complete_df=10.0)


def test_a_pooled_model_is_the_mean_with_both_variances(imputations: cps.Imputations) -> None:
    fits = [models(data)["helps"] for data in imputations]
    pooled = cps.pool(imputations, lambda data: models(data)["helps"])
    frame = pooled.to_frame()
    own = fits[0].to_frame()
    assert list(frame.columns) == [*own.columns, "riv", "fmi"]
    pd.testing.assert_frame_equal(
        frame[["model", "outcome", "term", "level", "reference", "kind", "n", "n_weighted"]],
        own[["model", "outcome", "term", "level", "reference", "kind", "n", "n_weighted"]],
    )
    estimates = np.array([fit.estimates for fit in fits])
    within = np.mean([fit.bse**2 for fit in fits], axis=0)
    between = estimates.var(axis=0, ddof=1)
    np.testing.assert_allclose(frame["estimate"], estimates.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(frame["std_error"], np.sqrt(within + 1.25 * between), rtol=1e-12)
    np.testing.assert_allclose(frame["statistic"], frame["estimate"] / frame["std_error"], rtol=1e-12)
    p = 2 * stats.t.sf(frame["statistic"].abs(), frame["df"])
    np.testing.assert_allclose(frame["p_value"], p, rtol=1e-12)
    half = stats.t.isf(0.025, frame["df"]) * frame["std_error"]
    np.testing.assert_allclose(frame["conf_high"] - frame["estimate"], half, rtol=1e-9)
    assert (frame["df"] < fits[0].df).all()
    # Only income has gaps, so that it loses most.
    assert frame.loc[frame["term"] == "income", "fmi"].item() == frame["fmi"].max()
    assert set(frame["note"]) == {"4 imputations"}


def test_several_results_by_name_are_those_one_by_one(imputations: cps.Imputations) -> None:
    def analysis(data: pd.DataFrame) -> dict[str, Any]:
        fitted = models(data)
        return {"helps": fitted["helps"], "margins": cps.margins(fitted["helps"])}

    both = cps.pool(imputations, analysis)
    alone = cps.pool(imputations, lambda data: cps.margins(models(data)["helps"]))
    assert list(both) == ["helps", "margins"]
    pd.testing.assert_frame_equal(both["margins"].to_frame(), alone.to_frame())


def test_pooled_margins(imputations: cps.Imputations) -> None:
    frames = [cps.margins(models(data)["helps"]) for data in imputations]
    pooled = cps.pool(imputations, lambda data: cps.margins(models(data)["helps"])).to_frame()
    assert list(pooled.columns) == [*frames[0].columns, "riv", "fmi"]
    between = np.var([frame["estimate"] for frame in frames], axis=0, ddof=1)
    within = np.mean([frame["std_error"] ** 2 for frame in frames], axis=0)
    np.testing.assert_allclose(pooled["estimate"], np.mean([f["estimate"] for f in frames], axis=0))
    np.testing.assert_allclose(pooled["std_error"], np.sqrt(within + 1.25 * between), rtol=1e-12)
    expected = barnard_rubin(1.25 * between / (within + 1.25 * between), 4, frames[0]["df"][0])
    np.testing.assert_allclose(pooled["df"], expected, rtol=1e-12)


def test_pooled_predictions_of_a_score_keep_intervals_between_its_bounds(
    imputations: cps.Imputations,
) -> None:
    points = [0.0, 40.0, 100.0]

    def of_one(data: pd.DataFrame) -> pd.DataFrame:
        model = cps.ologit(f"trust ~ {RIGHT}", data, design=DESIGN)
        return cps.average_predictions(model, {"age": [30, 60]}, of="score", scores=points)

    pooled = cps.pool(imputations, of_one).to_frame()
    singles = [of_one(data) for data in imputations]
    means = np.mean([table["estimate"] for table in singles], axis=0)
    assert pooled["estimate"].to_numpy() == pytest.approx(means, rel=1e-14)
    share, error = pooled["estimate"] / 100, pooled["std_error"] / 100
    half = stats.t.isf(0.025, pooled["df"]) * error / (share * (1 - share))
    for column, sign in (("conf_low", -1), ("conf_high", 1)):
        logit = np.log(share / (1 - share)) + sign * half
        assert pooled[column].to_numpy() == pytest.approx(100 / (1 + np.exp(-logit)), rel=1e-12)


def test_pooled_proportions_keep_intervals_on_the_logit_scale(imputations: cps.Imputations) -> None:
    rare = [data.assign(rich=np.where(data["income"] > 46, "yes", "no")) for data in imputations]
    pooled = cps.pool(rare, lambda data: cps.proportions(data, "rich", design=DESIGN)).to_frame()
    assert {"n", "n_weighted"} <= set(pooled)
    assert not {"design_effect", "precision"} & set(pooled)
    row = pooled[pooled["category"] == "yes"].iloc[0]
    centre = np.log(row["estimate"] / (1 - row["estimate"]))
    half = stats.t.isf(0.025, row["df"]) * row["std_error"] / (row["estimate"] * (1 - row["estimate"]))
    low, high = 1 / (1 + np.exp(half - centre)), 1 / (1 + np.exp(-half - centre))
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((low, high), rel=1e-9)
    pooled = cps.pool(rare, lambda data: cps.means(data, "income", design=DESIGN)).to_frame()
    np.testing.assert_allclose(pooled["estimate"] * 2, pooled["conf_low"] + pooled["conf_high"], rtol=1e-12)


@pytest.mark.parametrize("outcomes", [("helps", "joins"), ("helps", "joins", "meets")])
def test_pooled_comparisons(imputations: cps.Imputations, outcomes: tuple[str, ...]) -> None:
    def comparison(data: pd.DataFrame) -> cps.Comparison:
        fitted = models(data)
        return cps.compare({y: fitted[y] for y in outcomes}, equivalence=0.1)

    each = [comparison(data) for data in imputations]
    pooled = cps.pool(imputations, comparison)
    frame = pooled.to_frame()
    assert list(frame.columns) == [*each[0].to_frame().columns, "riv", "fmi"]
    frames = [c.to_frame() for c in each]
    for column in ("difference", *outcomes):
        np.testing.assert_allclose(frame[column], np.mean([f[column] for f in frames], axis=0), rtol=1e-10)
    between = np.var([f["difference"] for f in frames], axis=0, ddof=1)
    within = np.mean([f["std_error"] ** 2 for f in frames], axis=0)
    np.testing.assert_allclose(frame["std_error"], np.sqrt(within + 1.25 * between), rtol=1e-10)
    np.testing.assert_allclose(frame["p_adjusted"], holm(frame["p_value"].to_numpy()), rtol=1e-12)
    inside = (0.1 - frame["difference"].abs()) / frame["std_error"]
    np.testing.assert_allclose(frame["p_equivalence"], stats.t.sf(inside, frame["df"]), rtol=1e-9)
    assert pooled.test is not None
    assert pooled.test.null == each[0].test.null
    assert pooled.test.df_num == 3 * (len(outcomes) - 1)
    if len(outcomes) == 3:
        assert frame["contrast"].tolist() == frames[0]["contrast"].tolist()


def test_the_joint_test_of_one_coefficient_is_that_of_the_table(imputations: cps.Imputations) -> None:
    pooled = cps.pool(imputations, lambda data: models(data)["helps"])
    for term in ("age", "gender", "income"):
        test = cps.pooled_wald_test(pooled, term)
        row = pooled.to_frame().set_index("term").loc[term]
        assert test.statistic == pytest.approx(row["statistic"] ** 2, rel=1e-9)
        assert test.df_denom == pytest.approx(row["df"], rel=1e-9)
        assert test.p_value == pytest.approx(row["p_value"], rel=1e-9)


def test_the_joint_test_is_adjusted_for_the_design_as_a_single_fit_is(imputations: cps.Imputations) -> None:
    by_rule = {}
    for rule in ("stata", "r"):
        pooled = cps.pool(imputations, lambda data, rule=rule: models(data, df_rule=rule)["helps"])
        by_rule[rule] = cps.pooled_wald_test(pooled, ["age", "income"])
    # 24 towns in 4 regions: d = 20, q = 2.
    assert by_rule["stata"].statistic == pytest.approx(by_rule["r"].statistic * 19 / 20, rel=1e-9)
    assert by_rule["stata"].null == "the coefficients of age, income are zero"


def test_dependent_quantities_are_tested_once() -> None:
    rng = np.random.default_rng(4)
    estimates = rng.normal(1, 0.2, (6, 2))
    both = np.column_stack([estimates, estimates.sum(axis=1)])
    map_ = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    u = np.array([np.eye(2) * 0.3] * 6)
    two = joint_test(combine(estimates, u, complete_df=50.0), rule="stata", null="")
    three = joint_test(combine(both, map_ @ u @ map_.T, complete_df=50.0), rule="stata", null="")
    assert three.df_num == 2
    assert three.statistic == pytest.approx(two.statistic, rel=1e-9)
    assert three.df_denom == pytest.approx(two.df_denom, rel=1e-9)


def test_the_joint_test_has_its_size_with_few_psus() -> None:
    # Estimates of five zeros whose covariance within data sets, in truth 1, comes from d = 24 as in a small
    # design, and that between them is 0.1.
    rng = np.random.default_rng(5)
    q, d, m, rejected = 5, 24, 20, {"stata": 0, "r": 0}
    for _ in range(2000):
        within = np.cov(rng.normal(size=(d + 1, q)).T)
        estimates = rng.normal(0, np.sqrt(1.1), q) + rng.normal(0, np.sqrt(0.1), (m, q))
        found = combine(estimates, np.array([within] * m), complete_df=float(d))
        for rule in rejected:
            rejected[rule] += joint_test(found, rule=rule, null="").p_value < 0.05
    # 2,000 tests: a standard error of half a point.
    assert 0.035 < rejected["stata"] / 2000 < 0.065
    assert rejected["r"] / 2000 > 0.065


def test_too_little_for_a_joint_test_is_said() -> None:
    rng = np.random.default_rng(6)

    def found(m: int, q: int, d: float, spread: float = 0.1) -> RubinEstimate:
        return combine(rng.normal(0, spread, (m, q)), np.array([np.eye(q)] * m), complete_df=d)

    with pytest.raises(InsufficientDataError, match=r"6 quantities and 5 degrees of freedom"):
        joint_test(found(5, 6, 5.0), rule="stata", null="")
    with pytest.raises(InsufficientDataError, match=r"2 completed data sets for 3 quantities"):
        joint_test(found(2, 3, 40.0), rule="stata", null="")
    with pytest.raises(InsufficientDataError, match=r"too few are left by what is missing"):
        joint_test(found(5, 3, 12.0, spread=3.0), rule="stata", null="")


def test_a_comparison_with_too_many_terms_has_no_joint_test(imputations: cps.Imputations) -> None:
    few = cps.SurveyDesign(weights="w", strata="region", psu="half")

    def comparison(data: pd.DataFrame) -> cps.Comparison:
        halves = data.assign(half=data["region"] * 2 + data["town"] % 2)
        fitted = {y: cps.logit(f"{y} ~ {RIGHT}", halves, design=few) for y in ("helps", "joins", "meets")}
        return cps.compare(fitted)

    pooled = cps.pool(imputations, comparison)
    assert pooled.test is not None
    assert np.isnan(pooled.test.p_value)
    assert any(w.startswith("No joint test: 6 quantities and 4 degrees") for w in pooled.warnings)


def test_what_can_t_be_pooled_is_refused(imputations: cps.Imputations) -> None:
    with pytest.raises(ArgumentError, match=r"there are 1 completed data sets"):
        cps.pool([draw()], lambda data: models(data)["helps"])
    with pytest.raises(ArgumentError, match=r"'estimate' is a float"):
        cps.pool(imputations, lambda data: data["income"].mean())
    with pytest.raises(ArgumentError, match=r"its columns lack std_error"):
        cps.pool(imputations, lambda data: data[["income"]].rename(columns={"income": "estimate"}))
    with pytest.raises(ArgumentError, match=r"its intervals are neither"):
        cps.pool(
            imputations,
            lambda data: cps.proportions(data, "trust", design=DESIGN, interval="wilson"),
        )
    with pytest.raises(ArgumentError, match=r"does not give the same names"):
        cps.pool(imputations, lambda data: {str(data["income"].iloc[:40].sum()): models(data)["helps"]})


def test_other_rows_in_some_data_set_are_refused() -> None:
    frame = draw()
    other = frame.assign(gender=frame["gender"].cat.add_categories("other"))
    other.loc[:30, "gender"] = "other"
    with pytest.raises(ModelError, match=r"data set 2 gives other rows than data set 1"):
        cps.pool([frame, other], lambda data: cps.margins(models(data)["helps"]))
    with pytest.raises(ModelError, match=r"data set 2 gives other rows than data set 1"):
        cps.pool([frame, other], lambda data: models(data)["helps"])


def test_an_error_names_its_data_set() -> None:
    frame = draw()
    told = frame.assign(helps=(frame["gender"] == "woman").astype(int))
    with pytest.raises(SeparationError, match=r"completed data set 2: "):
        cps.pool([frame, told], lambda data: models(data)["helps"])


def test_terms_of_a_pooled_test_must_be_in_the_model(imputations: cps.Imputations) -> None:
    pooled = cps.pool(imputations, lambda data: models(data)["helps"])
    with pytest.raises(ArgumentError, match=r"(?s)the model has no term 'incom'.*did you mean 'income'"):
        cps.pooled_wald_test(pooled, ["age", "incom"])
    with pytest.raises(ArgumentError, match=r"no term is named"):
        cps.pooled_wald_test(pooled, [])
    table = cps.pool(imputations, lambda data: cps.margins(models(data)["helps"]))
    with pytest.raises(ArgumentError, match=r"it does not combine fitted models"):
        cps.pooled_wald_test(table, "age")


def test_numbers_of_respondents_that_differ_are_averaged(imputations: cps.Imputations) -> None:
    def rich(data: pd.DataFrame) -> cps.FittedModel:
        return cps.logit("helps ~ age", data, design=DESIGN, domain=data["income"] > 30)

    sizes = [rich(data).nobs for data in imputations]
    assert any(one != two for one, two in pairwise(sizes))
    assert cps.pool(imputations, rich).to_frame()["n"].iloc[0] == pytest.approx(np.mean(sizes))


def test_a_pooled_result_shows_itself(imputations: cps.Imputations) -> None:
    pooled = cps.pool(imputations, lambda data: models(data)["helps"])
    assert "<table" in pooled._repr_html_()
    assert repr(imputations).startswith("<Imputations: 4 times ")
