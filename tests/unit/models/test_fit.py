from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.miscmodels.ordinal_model import OrderedModel

from coprodstats import SurveyDesign, logit, ologit
from coprodstats.errors import (
    ArgumentError,
    ConvergenceError,
    DesignError,
    EmptyCategoryError,
    InsufficientDataError,
    ModelError,
    RankDeficiencyError,
)
from coprodstats.models import search, separation


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(20)
    n = 600
    data = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "efficacy": rng.normal(size=n),
            "gender": pd.Categorical(rng.choice(["man", "woman"], n)),
            "w": rng.uniform(0.3, 3.0, n),
            "region": rng.integers(0, 6, n),
        }
    )
    data["town"] = data["region"] * 10 + rng.integers(0, 5, n)
    latent = 0.02 * data["age"] + 0.5 * data["efficacy"] + rng.logistic(size=n)
    data["joins"] = (latent > 1).astype(int)
    labels = ["never", "some", "often"]
    data["often"] = pd.cut(latent, [-np.inf, 0.5, 2, np.inf], labels=labels)
    return data


DESIGN = SurveyDesign(weights="w", strata="region", psu="town")

# --- against other software ---


def test_unweighted_logit_is_that_of_statsmodels(frame: pd.DataFrame) -> None:
    ours = logit("joins ~ age + efficacy + gender", frame, covariance="model")
    x = sm.add_constant(frame[["age", "efficacy"]].assign(woman=(frame["gender"] == "woman").astype(float)))[
        ["const", "age", "efficacy", "woman"]
    ]
    theirs = sm.Logit(frame["joins"], x).fit(disp=False, method="newton", tol=1e-14)
    assert ours.params[["Intercept", "age", "efficacy", "gender[T.woman]"]].to_numpy() == pytest.approx(
        theirs.params.to_numpy(), rel=1e-9
    )
    assert ours.bse.loc["age"] == pytest.approx(theirs.bse["age"], rel=1e-8)
    assert ours.llf == pytest.approx(theirs.llf, rel=1e-12)
    assert ours.llnull == pytest.approx(theirs.llnull, rel=1e-9)  # theirs is a fit of its own
    assert ours.prsquared == pytest.approx(theirs.prsquared, rel=1e-7)


def test_weights_as_in_a_glm_with_probability_weights(frame: pd.DataFrame) -> None:
    ours = logit("joins ~ age + efficacy", frame, design=SurveyDesign(weights="w"))
    x = sm.add_constant(frame[["age", "efficacy"]])
    weighted = sm.GLM(frame["joins"], x, family=sm.families.Binomial(), var_weights=frame["w"])
    theirs = weighted.fit(tol=1e-14, cov_type="HC0")
    assert ours.params.to_numpy() == pytest.approx(theirs.params.to_numpy(), rel=1e-9)
    n = len(frame)
    assert ours.bse.to_numpy() == pytest.approx(theirs.bse.to_numpy() * np.sqrt(n / (n - 1)), rel=1e-8)


@pytest.mark.filterwarnings("ignore:cov_type not fully supported with var_weights")
def test_clusters_as_in_a_glm_with_clustered_covariance(frame: pd.DataFrame) -> None:
    ours = logit("joins ~ age + efficacy", frame, design=SurveyDesign(weights="w", psu="town"))
    x = sm.add_constant(frame[["age", "efficacy"]])
    weighted = sm.GLM(frame["joins"], x, family=sm.families.Binomial(), var_weights=frame["w"])
    groups = {"groups": frame["town"], "use_correction": False}
    theirs = weighted.fit(tol=1e-14, cov_type="cluster", cov_kwds=groups)
    g = frame["town"].nunique()
    assert ours.bse.to_numpy() == pytest.approx(theirs.bse.to_numpy() * np.sqrt(g / (g - 1)), rel=1e-8)


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_unweighted_ordinal_models_are_those_of_statsmodels(frame: pd.DataFrame, link: str) -> None:
    ours = ologit("often ~ age + efficacy", frame, link=link, covariance="model")
    model = OrderedModel(frame["often"], frame[["age", "efficacy"]], distr=link)
    theirs = model.fit(method="newton", disp=False, tol=1e-12)
    assert ours.params[["age", "efficacy"]].to_numpy() == pytest.approx(
        theirs.params[["age", "efficacy"]].to_numpy(), rel=1e-6
    )
    cuts = model.transform_threshold_params(theirs.params.to_numpy())[1:-1]
    assert ours.thresholds.to_numpy() == pytest.approx(cuts, rel=1e-6)
    assert ours.llf == pytest.approx(theirs.llf, rel=1e-10)


# --- by hand: a 2 x 2 table has its estimate in closed form ---


def test_a_two_by_two_table() -> None:
    table = pd.DataFrame({"x": [0] * 10 + [1] * 10, "y": [1] * 3 + [0] * 7 + [1] * 6 + [0] * 4})
    model = logit("y ~ x", table, covariance="model")
    assert model.params["Intercept"] == pytest.approx(np.log(3 / 7), rel=1e-13)
    assert model.params["x"] == pytest.approx(np.log(6 * 7 / (4 * 3)), rel=1e-13)
    assert model.bse["x"] == pytest.approx(np.sqrt(1 / 3 + 1 / 7 + 1 / 6 + 1 / 4), rel=1e-13)
    assert model.llf == pytest.approx(
        3 * np.log(0.3) + 7 * np.log(0.7) + 6 * np.log(0.6) + 4 * np.log(0.4), rel=1e-14
    )


def test_weights_of_a_two_by_two_table_are_counts() -> None:
    cells = pd.DataFrame({"x": [0, 0, 1, 1], "y": [1, 0, 1, 0], "w": [3.0, 7.0, 6.0, 4.0]})
    cells = pd.concat([cells, cells.assign(w=0.0)], ignore_index=True)
    model = logit("y ~ x", cells, design=SurveyDesign(weights="w"), covariance="model")
    assert model.params["x"] == pytest.approx(np.log(6 * 7 / (4 * 3)), rel=1e-13)
    assert model.bse["x"] == pytest.approx(np.sqrt(1 / 3 + 1 / 7 + 1 / 6 + 1 / 4), rel=1e-13)


# --- what the data and the arguments may be ---


@pytest.mark.parametrize(
    "recode",
    [
        lambda y: y,
        lambda y: y.astype(bool),
        lambda y: y.astype(float),
        lambda y: y.astype("Int64"),
        lambda y: y.astype("boolean"),
        lambda y: pd.Categorical.from_codes(y, ["no", "yes"]),
        lambda y: pd.Categorical.from_codes(y, ["yes", "no"], ordered=True),  # the second is the event
    ],
)
def test_two_categories_in_any_type(frame: pd.DataFrame, recode) -> None:
    usual = logit("joins ~ age", frame)
    other = logit("joins ~ age", frame.assign(joins=recode(frame["joins"])))
    assert other.estimates == pytest.approx(usual.estimates, rel=1e-12)


def test_the_index_of_the_data_plays_no_part(frame: pd.DataFrame) -> None:
    usual = logit("joins ~ age * gender", frame, design=DESIGN)
    for index in (
        np.zeros(len(frame), dtype=int),
        [f"r{k}" for k in range(len(frame))],
        range(7, 7 + len(frame)),
    ):
        other = logit("joins ~ age * gender", frame.set_axis(index), design=DESIGN)
        assert np.array_equal(other.estimates, usual.estimates)
        assert np.array_equal(other.covariance_matrix, usual.covariance_matrix)


def test_the_data_are_left_as_they_were(frame: pd.DataFrame) -> None:
    before = frame.copy(deep=True)
    ologit("often ~ age * gender + C(region)", frame, design=DESIGN)
    pd.testing.assert_frame_equal(frame, before)


def test_rows_are_accounted_for(frame: pd.DataFrame) -> None:
    data = frame.copy()
    data.loc[:9, "age"] = np.nan
    data.loc[5:19, "joins"] = pd.NA
    data.loc[30:34, "w"] = 0.0
    domain = data.index < 500
    model = logit("joins ~ age", data, design=DESIGN, domain=domain)
    lost = model.dropped.set_index(["variable", "reason"])["rows"]
    assert lost[("domain", "outside the domain")] == 100
    assert lost[("weights", "weight of zero")] == 5
    assert model.nobs == 600 - 100 - 5 - 20
    assert model.nobs + model.dropped["rows"].sum() == 600
    assert len(model.sample) == len(model.sample_y) == len(model.sample_weights) == model.nobs
    assert (model.influence[~model.used] == 0).all()


def test_the_sample_may_lose_psus_that_the_design_keeps(frame: pd.DataFrame) -> None:
    town = frame["town"].iloc[0]
    data = frame.assign(age=frame["age"].where(frame["town"] != town))
    model = logit("joins ~ age", data, design=DESIGN)
    assert model.n_psu == frame["town"].nunique() - 1
    assert model.design_df == frame["town"].nunique() - frame["region"].nunique()
    by_r = logit("joins ~ age", data, design=DESIGN, df_rule="r")
    assert by_r.design_df == model.design_df - 1
    assert by_r.df == by_r.design_df - 1
    assert any("rows with a missing answer" in w for w in model.warnings)


def test_a_single_psu_left_in_a_stratum_is_told(frame: pd.DataFrame) -> None:
    domain = ~((frame["region"] == 0) & (frame["town"] != frame.loc[frame["region"] == 0, "town"].min()))
    model = logit("joins ~ age", frame, design=DESIGN, domain=domain)
    assert "in 1 strata a single PSU holds all of the sample" in model.warnings


def test_covariances_by_default(frame: pd.DataFrame) -> None:
    assert logit("joins ~ age", frame).covariance == "robust"
    assert logit("joins ~ age", frame, design=DESIGN).covariance == "design"
    assert logit("joins ~ age", frame, covariance="model").df == np.inf


def test_robust_is_the_design_of_independent_respondents(frame: pd.DataFrame) -> None:
    robust = logit("joins ~ age", frame, design=DESIGN, covariance="robust")
    independent = logit("joins ~ age", frame, design=SurveyDesign(weights="w"))
    assert robust.covariance_matrix == pytest.approx(independent.covariance_matrix, rel=1e-12)
    assert robust.design_df == len(frame) - 1


# --- refusals ---


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"covariance": "HC3"}, r"covariance: 'HC3' is not one\n\s+Allowed: None, design, robust, model"),
        ({"separation": "drop"}, r"separation: 'drop' is not one\n\s+Allowed: error, firth"),
        ({"df_rule": "sas"}, r"df_rule: 'sas' is not one\n\s+Allowed: stata, r"),
        ({"design": "w"}, r"design: it is a str\n\s+Allowed: a SurveyDesign"),
        ({"covariance": "design"}, r"covariance='design' without a design"),
        ({"domain": [True]}, r"domain: it has shape \(1,\), the data have 600 rows"),
        ({"domain": np.full(600, 2)}, r"domain: it holds something other than true and false"),
        ({"domain": pd.Series([True] * 599 + [None])}, r"domain: it holds something other than true and"),
        ({"domain": pd.Series([True] * 600, index=range(1, 601))}, r"domain: its index is not that of the"),
    ],
)  # fmt: skip
def test_arguments(frame: pd.DataFrame, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        logit("joins ~ age", frame, **arguments)


def test_the_link_of_an_ordinal_model(frame: pd.DataFrame) -> None:
    with pytest.raises(
        ArgumentError, match=r"link: 'log' is not one\n\s+Allowed: logit, probit, cloglog, loglog"
    ):
        ologit("often ~ age", frame, link="log")  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [None, {"y": [1]}, [[1]], np.eye(3), "file.csv"])
def test_data_of_another_type(data: object) -> None:
    with pytest.raises(ArgumentError, match=r"data: it is a .*\n\s+Allowed: a cleaned survey or a DataFrame"):
        logit("y ~ x", data)  # type: ignore[arg-type]


def test_all_wrong_arguments_at_once(frame: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match=r"3 faults"):
        ologit("often ~ age", frame, link="x", covariance="y", df_rule="z")  # type: ignore[arg-type]


def test_columns_that_occur_twice(frame: pd.DataFrame) -> None:
    twice = pd.concat([frame, frame[["age"]]], axis=1)
    with pytest.raises(ModelError, match=r"data: columns occur twice: age"):
        logit("joins ~ age", twice)


@pytest.mark.parametrize(
    ("outcome", "error", "message"),
    [
        (lambda f: f["joins"] + 1, ModelError, r"2 different numbers, not only 0 and 1\n.*two categories"),
        (lambda f: f["age"], ModelError, r"600 different numbers, not only 0 and 1"),
        (lambda f: f["often"], ModelError, r"3 categories \(never, some, often\)\n.*two\n.*ologit"),
        (lambda f: f["often"].astype("str"), ModelError, r"its type is str, which has no declared order"),
        (lambda f: f["often"].astype(object), ModelError, r"its type is object, which has no declared order"),
        (lambda f: 0 * f["joins"], InsufficientDataError, r"it is the same in all 600 rows used"),
        (lambda f: np.nan * f["joins"], InsufficientDataError, r"column 'z': 0 of 600 rows have a value"),
    ],
)  # fmt: skip
def test_outcomes_of_a_logistic_model(frame: pd.DataFrame, outcome, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        logit("z ~ efficacy", frame.assign(z=outcome(frame)))


@pytest.mark.parametrize(
    ("outcome", "error", "message"),
    [
        (lambda f: f["joins"] + 1, ModelError, r"its type is int64, which has no declared order"),
        (lambda f: f["often"].astype("str"), ModelError, r"its type is str, which has no declared order"),
        (lambda f: f["often"].cat.as_unordered(), ModelError, r"its categories have no declared order"),
        (lambda f: f["often"].cat.add_categories("always"), EmptyCategoryError, r"category 'always' has"),
        (lambda f: f["often"].cat.set_categories(["never", "rarely", "some", "often"]), EmptyCategoryError,
         r"category 'rarely' has no respondent among the 600 rows used\n.*merge it with a neighbour"),
        (lambda f: f["often"].where(f["often"] == "some"), InsufficientDataError, r"it is the same in all"),
    ],
)  # fmt: skip
def test_outcomes_of_an_ordinal_model(frame: pd.DataFrame, outcome, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        ologit("z ~ efficacy", frame.assign(z=outcome(frame)))


def test_a_category_that_is_empty_in_the_domain(frame: pd.DataFrame) -> None:
    domain = frame["often"] != "some"
    with pytest.raises(
        EmptyCategoryError, match=rf"'some' has no respondent among the {domain.sum()} rows used"
    ):
        ologit("often ~ efficacy", frame, domain=domain)


def test_a_level_that_is_empty_in_the_domain(frame: pd.DataFrame) -> None:
    domain = frame["gender"] == "man"
    with pytest.raises(
        EmptyCategoryError, match=rf"level 'woman' has no respondent among the {domain.sum()} rows"
    ):
        logit("joins ~ age + gender", frame, domain=domain)


@pytest.mark.parametrize("domain", [np.zeros(600, dtype=bool)])
def test_an_empty_domain(frame: pd.DataFrame, domain: np.ndarray) -> None:
    with pytest.raises(InsufficientDataError, match=r"the domain has no row with positive weight"):
        logit("joins ~ age", frame, domain=domain)


def test_no_rows_at_all(frame: pd.DataFrame) -> None:
    with pytest.raises(InsufficientDataError, match=r"no row with positive weight"):
        logit("joins ~ age", frame.iloc[:0])


def test_an_all_missing_predictor(frame: pd.DataFrame) -> None:
    with pytest.raises(InsufficientDataError, match=r"column 'age': 0 of 600 rows have a value"):
        logit("joins ~ age + efficacy", frame.assign(age=np.nan))


def test_columns_that_are_never_complete_together(frame: pd.DataFrame) -> None:
    odd = frame.index % 2 == 1
    data = frame.assign(age=frame["age"].where(odd), efficacy=frame["efficacy"].where(~odd))
    with pytest.raises(InsufficientDataError, match=r"no row has a value in all of its columns"):
        logit("joins ~ age + efficacy", data)


def test_duplicates_sums_and_too_many(frame: pd.DataFrame) -> None:
    with pytest.raises(RankDeficiencyError, match=r"'again': it is an exact combination of age"):
        logit("joins ~ age + again", frame.assign(again=frame["age"]))
    with pytest.raises(
        RankDeficiencyError, match=r"predictors: they make \d+ columns for 30 rows \(C\(town\): \d+"
    ):
        logit("joins ~ C(town) + age + efficacy", frame.drop_duplicates("town").assign(town=range(30)))


def test_a_predictor_that_is_constant_in_the_domain(frame: pd.DataFrame) -> None:
    with pytest.raises(InsufficientDataError, match=r"'region': it has the same value in all \d+ rows used"):
        logit("joins ~ age + region", frame, domain=frame["region"] == 2)


def test_the_iteration_cap_is_an_error_with_its_record(frame: pd.DataFrame, monkeypatch) -> None:
    monkeypatch.setattr(search, "MAX_ITERATIONS", 2)
    monkeypatch.setattr(separation, "STEPS", 0)  # or the search would begin where that for overlap ends
    with pytest.raises(
        ConvergenceError, match=r"not maximised in 2 iterations \(score .* standard errors"
    ) as caught:
        ologit("often ~ age + efficacy", frame)
    assert not caught.value.convergence.converged


def test_no_degrees_of_freedom(frame: pd.DataFrame) -> None:
    alone = SurveyDesign(strata="region", psu="region2", lonely_psu="remove")
    with pytest.raises(DesignError, match=r"6 PSUs in 6 strata leave no degree of freedom"):
        logit("joins ~ age", frame.assign(region2=frame["region"]), design=alone)


def test_rs_rule_may_run_out_of_degrees_of_freedom(frame: pd.DataFrame) -> None:
    few = SurveyDesign(psu="region")
    assert logit("joins ~ age + efficacy + gender + w + I(age**2)", frame, design=few).df == 5
    with pytest.raises(InsufficientDataError, match=r"5 design degrees of freedom less 5 slopes leave 0"):
        logit("joins ~ age + efficacy + gender + w + I(age**2)", frame, design=few, df_rule="r")


# --- hard numbers ---


def test_a_year_and_its_square_have_ten_digits_or_say_so(frame: pd.DataFrame) -> None:
    year = 2008.0 - frame["age"].round()
    raw = logit("joins ~ year + I(year**2)", frame.assign(year=year))
    centred = logit("joins ~ year + I(year**2)", frame.assign(year=year - 1960))
    a, b = centred.params["year"], centred.params["I(year ** 2)"]
    assert raw.params["I(year ** 2)"] == pytest.approx(b, rel=1e-9)
    assert raw.params["year"] == pytest.approx(a - 2 * 1960 * b, rel=1e-9)
    assert raw.bse["I(year ** 2)"] == pytest.approx(centred.bse["I(year ** 2)"], rel=1e-8)
    assert raw.llf == pytest.approx(centred.llf, rel=1e-13)


@pytest.mark.parametrize("factor", [1e-12, 1e-8, 1e8, 1e12])
def test_predictors_of_any_scale(frame: pd.DataFrame, factor: float) -> None:
    usual = ologit("often ~ age + efficacy", frame, design=DESIGN)
    scaled = ologit("often ~ age + efficacy", frame.assign(age=frame["age"] * factor), design=DESIGN)
    assert scaled.params["age"] * factor == pytest.approx(usual.params["age"], rel=1e-11)
    assert scaled.bse["age"] * factor == pytest.approx(usual.bse["age"], rel=1e-10)
    assert scaled.params["efficacy"] == pytest.approx(usual.params["efficacy"], rel=1e-11)


def test_many_random_data_sets_give_a_fit_or_an_error_of_ours() -> None:
    rng = np.random.default_rng(4)
    fitted = 0
    for _ in range(200):
        n = int(rng.integers(12, 60))
        x = rng.normal(size=n) * 10.0 ** rng.integers(-6, 7)
        k = int(rng.integers(2, 6))
        codes = rng.integers(0, k, n)
        data = pd.DataFrame(
            {"x": x, "y": pd.Categorical.from_codes(codes, [f"c{j}" for j in range(k)], ordered=True)}
        )
        try:
            model = ologit(
                "y ~ x", data, link=rng.choice(["logit", "probit", "cloglog", "loglog", "cauchit"])
            )
        except ModelError:
            continue
        fitted += 1
        assert model.convergence.converged
        assert np.isfinite(model.estimates).all()
        assert (np.diff(model.thresholds) > 0).all()
    assert fitted > 150


def test_without_predictors_each_category_has_its_share_of_the_weight() -> None:
    # So many rows that those of a unit lie together, and a category's are no neighbours.
    n, rng = 70_000, np.random.default_rng(5)
    data = pd.DataFrame(
        {
            "y": pd.Categorical.from_codes(rng.integers(0, 3, n), ["low", "mid", "high"], ordered=True),
            "x": rng.normal(size=n),
            "w": rng.uniform(0.5, 2, n),
            "psu": rng.integers(0, 100, n),
        }
    )
    model = ologit("y ~ x", data, design=SurveyDesign(weights="w", psu="psu"))
    weight = data.groupby("y", observed=True)["w"].sum() * n / data["w"].sum()
    # The sums of 70,000 weights are rounded.
    assert model.llnull == pytest.approx((weight * np.log(weight / n)).sum(), rel=1e-12)
