from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from coprodstats import SurveyDesign, compare, logit, margins, ologit
from coprodstats.errors import ArgumentError, ComparisonError
from coprodstats.models.multiplicity import holm
from coprodstats.models.results import FittedModel

DESIGN = SurveyDesign(weights="w", strata="region", psu="town")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(41)
    n = 700
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
    one = 0.03 * data["age"] + shared + rng.logistic(size=n)
    two = 0.6 * (data["gender"] == "woman") + shared + rng.logistic(size=n)
    data["recycles"] = (one > 1.5).astype(int)
    data["joins"] = (two > 0.5).astype(int)
    data["often"] = pd.cut(one, [-np.inf, 0.5, 2, np.inf], labels=["never", "some", "often"])
    return data


def models(frame: pd.DataFrame, **options: object) -> dict[str, FittedModel]:
    options = {"design": DESIGN, **options}
    return {y: logit(f"{y} ~ age + gender", frame, **options) for y in ("recycles", "joins")}


def test_the_difference_is_the_last_minus_the_first(frame: pd.DataFrame) -> None:
    found = compare(models(frame)).to_frame()
    assert found["term"].tolist() == ["age", "gender[T.woman]"]
    assert found["difference"].to_numpy() == pytest.approx((found["joins"] - found["recycles"]).to_numpy())
    assert list(found.columns) == ["term", "recycles", "joins", "difference", "std_error", "statistic", "df",
                                   "p_value", "p_adjusted", "conf_low", "conf_high"]  # fmt: skip


def test_each_side_is_the_models_own_margin(frame: pd.DataFrame) -> None:
    fitted = models(frame)
    long = compare(fitted).intervals()
    for name, model in fitted.items():
        own = margins(model)
        part = long[long["model"] == name]
        for column in ("estimate", "std_error", "conf_low", "conf_high"):
            assert part[column].to_numpy() == pytest.approx(own[column].to_numpy(), rel=1e-12)


@pytest.mark.parametrize("covariance", ["design", "robust"])
def test_diagonal_blocks_are_the_models_own_covariances(frame: pd.DataFrame, covariance: str) -> None:
    fitted = models(frame, covariance=covariance)
    joint = compare(fitted, scale="coefficient").covariance
    for block, model in zip((joint[:2, :2], joint[2:, 2:]), fitted.values(), strict=True):
        assert block == pytest.approx(model.covariance_matrix[1:, 1:], rel=1e-10)


def test_samples_that_share_nobody_are_independent_but_for_the_psus(frame: pd.DataFrame) -> None:
    young = (frame["age"] < 50).to_numpy()
    fitted = {
        "young": logit("joins ~ gender", frame, domain=young, covariance="robust"),
        "old": logit("joins ~ gender", frame, domain=~young, covariance="robust"),
    }
    found = compare(fitted, scale="coefficient")
    _, variance = found.differences()
    apart = sum(model.bse["gender[T.woman]"] ** 2 for model in fitted.values())
    assert variance.item() == pytest.approx(apart, rel=5e-3)  # n/(n-1) of each part, of both together
    assert found.n_union == 700
    assert any("The samples differ" in caveat and "0 in both" in caveat for caveat in found.caveats)


def test_the_variance_of_the_difference_against_a_stacked_model(frame: pd.DataFrame) -> None:
    """Both outcomes in one long frame, respondents as PSUs: the interaction is the difference."""
    fitted = models(frame, design=SurveyDesign(weights="w"))
    long = pd.concat([frame.assign(y=frame[y], second=s) for s, y in enumerate(("recycles", "joins"))])
    long["person"] = np.tile(np.arange(len(frame)), 2)
    stacked = logit("y ~ (age + gender) * second", long, design=SurveyDesign(weights="w", psu="person"))
    ours = compare(fitted, scale="coefficient").to_frame().set_index("term")
    for term, name in (("age", "age:second"), ("gender[T.woman]", "gender[T.woman]:second")):
        assert ours.loc[term, "difference"] == pytest.approx(stacked.params[name], rel=1e-9)
        assert ours.loc[term, "std_error"] == pytest.approx(stacked.bse[name], rel=1e-9)


def test_an_ordinal_event_adds_up_the_categories_above(frame: pd.DataFrame) -> None:
    ordinal = ologit("often ~ age + gender", frame, design=DESIGN)
    binary = models(frame)["joins"]
    for event, wanted in (("some", ["some", "often"]), ("often", ["often"])):
        found = compare({"often": ordinal, "joins": binary}, event={"often": event}).to_frame()
        own = margins(ordinal)
        sums = own[own["category"].isin(wanted)].groupby("variable", sort=False)["estimate"].sum()
        assert found["often"].to_numpy() == pytest.approx(sums.to_numpy(), rel=1e-12)


def test_caveats_of_scale_and_of_terms(frame: pd.DataFrame) -> None:
    fitted = models(frame)
    assert any("scales fixed by each outcome" in c for c in compare(fitted, scale="coefficient").caveats)
    assert compare(fitted).caveats == ()
    fitted["joins"] = logit("joins ~ age", frame, design=DESIGN)
    assert compare(fitted).caveats == ("In one model only, and not compared: gender[T.woman].",)
    assert compare(fitted, terms=["age"]).caveats == ()


def test_terms_choose_all_levels_of_a_factor(frame: pd.DataFrame) -> None:
    assert compare(models(frame), terms=["gender"]).terms == ("gender[T.woman]",)
    assert compare(models(frame), terms="age").terms == ("age",)


def test_the_joint_test_and_the_words(frame: pd.DataFrame) -> None:
    found = compare(models(frame))
    assert found.test.df_num == 2
    assert found.test.df_denom == found.df - 1
    assert found.label == "joins − recycles"
    assert found.df == frame["town"].nunique() - 5
    assert "joins − recycles of 2 terms on the margin scale" in repr(found)
    assert "<table" in found._repr_html_()


def test_one_term_has_the_same_p_value_everywhere(frame: pd.DataFrame) -> None:
    found = compare(models(frame), terms=["age"])
    row = found.to_frame().iloc[0]
    assert row["p_value"] == pytest.approx(found.test.p_value, rel=1e-9)
    assert row["p_adjusted"] == row["p_value"]


@pytest.mark.parametrize(
    ("p", "wanted"),
    [
        ([0.01, 0.02, 0.03, 0.04], [0.04, 0.06, 0.06, 0.06]),
        ([0.04, 0.01], [0.04, 0.02]),
        ([0.5, 0.9, 0.7], [1.0, 1.0, 1.0]),
        ([0.01, np.nan, 0.04], [0.02, np.nan, 0.04]),
        ([np.nan], [np.nan]),
        ([], []),
    ],
)
def test_holm_by_hand(p: list[float], wanted: list[float]) -> None:
    assert holm(np.array(p, dtype=float)) == pytest.approx(wanted, nan_ok=True)


# --- refusals ---


def test_models_of_other_data(frame: pd.DataFrame) -> None:
    one = models(frame)["recycles"]
    shuffled = frame.sample(frac=1, random_state=1)
    for other in (frame.iloc[:-1], frame.assign(w=1.0), shuffled, shuffled.reset_index(drop=True)):
        with pytest.raises(
            ComparisonError, match=r"different data|other values of a shared predictor, or another"
        ):
            compare({"a": one, "b": logit("joins ~ age + gender", other, design=DESIGN)})


def test_models_of_other_data_without_a_design(frame: pd.DataFrame) -> None:
    one = logit("recycles ~ age", frame)
    mixed = frame.sample(frac=1, random_state=1).reset_index(drop=True)
    with pytest.raises(ComparisonError, match=r"other values of a shared predictor"):
        compare({"a": one, "b": logit("joins ~ age", mixed)})


@pytest.mark.parametrize(
    "design",
    [
        SurveyDesign(weights="w", psu="town"),
        SurveyDesign(weights="w", strata="region"),
        SurveyDesign(weights="w", strata="region", psu="town", lonely_psu="adjust"),
    ],
)
def test_models_under_other_designs(frame: pd.DataFrame, design: SurveyDesign) -> None:
    fitted = models(frame)
    with pytest.raises(ComparisonError, match=r"they were fitted under different designs"):
        compare({"a": fitted["recycles"], "b": logit("joins ~ age", frame, design=design)})


def test_models_with_other_rules_and_covariances(frame: pd.DataFrame) -> None:
    one = models(frame)["recycles"]
    by_r, robust = (
        logit("joins ~ age", frame, design=DESIGN, **o) for o in ({"df_rule": "r"}, {"covariance": "robust"})
    )
    with pytest.raises(ComparisonError, match=r"they have different df rules"):
        compare({"a": one, "b": by_r})
    with pytest.raises(ComparisonError, match=r"different designs"):
        compare({"a": one, "b": robust})
    with pytest.raises(ComparisonError, match=r"a model-based covariance says nothing"):
        compare(models(frame, covariance="model"))


def test_ordinal_models_need_an_event(frame: pd.DataFrame) -> None:
    fitted = {"often": ologit("often ~ age", frame), "joins": logit("joins ~ age", frame)}
    with pytest.raises(
        ComparisonError, match=r"it is ordinal.*\n.*'some' or more, 'often' or more\n.*event=\{'often'"
    ):
        compare(fitted)
    assert compare(fitted, scale="coefficient").terms == ("age",)
    with pytest.raises(
        ArgumentError, match=r"'oftn' is not one of its categories(.|\n)*did you mean 'often'"
    ):
        compare(fitted, event={"often": "oftn"})
    with pytest.raises(ArgumentError, match=r"'never' is not one of its categories above the lowest"):
        compare(fitted, event={"often": "never"})
    with pytest.raises(ArgumentError, match=r"no model is called x\n\s+Allowed: often, joins"):
        compare(fitted, event={"often": "some", "x": "some"})
    with pytest.raises(ArgumentError, match=r"'0', but a logistic model has one event\n\s+Allowed: '1'"):
        compare(fitted, event={"often": "some", "joins": "0"})
    with pytest.raises(ArgumentError, match=r"coefficients have no event"):
        compare(fitted, scale="coefficient", event={"often": "some"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": "odds"}, r"scale: 'odds'\n\s+Allowed: margin, coefficient"),
        ({"terms": ["agee"]}, r"terms: agee is not in both models(.|\n)*did you mean 'age'"),
        ({"vce": "boot"}, r"vce: 'boot'"),
        ({"equivalence": "0.1"}, r"equivalence: '0.1'\n\s+Allowed: a positive number"),
    ],
)
def test_arguments(frame: pd.DataFrame, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        compare(models(frame), **arguments)


@pytest.mark.parametrize(
    ("pick", "message"),
    [
        (lambda m: {"a": m}, r"1 entry\n\s+Allowed: two fitted models or more, by name"),
        (lambda m: {"a": m, "b": 3}, r"2 entries, of which b are no fitted models"),
        (lambda m: {"term": m, "b": m}, r"term is a column of the result\n\s+Try: rename it"),
        (lambda m: [m, m], r"it is a list\n\s+Allowed: two fitted models or more, by name"),
    ],
)
def test_what_is_compared(frame: pd.DataFrame, pick, message: str) -> None:
    with pytest.raises(ComparisonError, match=message):
        compare(pick(models(frame)["joins"]))


def test_models_that_share_no_term(frame: pd.DataFrame) -> None:
    fitted = {"a": logit("recycles ~ age", frame), "b": logit("joins ~ gender", frame)}
    with pytest.raises(ComparisonError, match=r"the models share no term"):
        compare(fitted)


@pytest.mark.parametrize("scale", ["margin", "coefficient"])
def test_levels_are_not_compared_against_different_references(frame: pd.DataFrame, scale: str) -> None:
    nation = np.array(["CZ", "DK", "FR"])[frame["region"] % 3]
    data = frame.assign(nation=nation, joins=frame["joins"].where(nation != "CZ"))
    fitted = {y: logit(f"{y} ~ age + nation", data, design=DESIGN) for y in ("recycles", "joins")}
    with pytest.raises(ComparisonError, match=r"'nation\[T.FR\]' has another reference in each model"):
        compare(fitted, scale=scale)
    assert compare(fitted, scale=scale, terms="age").terms == ("age",)
    named = {
        "recycles": logit('recycles ~ C(nation, Treatment("DK"))', data, design=DESIGN),
        "joins": logit("joins ~ nation", data, design=DESIGN),
    }
    assert compare(named).terms == ("nation[T.FR]",)


@pytest.mark.parametrize("term", ["scale(age)", "bs(age, df=4)", "poly(age, 2)"])
def test_slopes_of_columns_of_different_samples_are_not_compared(frame: pd.DataFrame, term: str) -> None:
    fitted = models(frame, domain=frame["age"] < 60)
    other = {
        "a": logit(f"recycles ~ {term}", frame, design=DESIGN),
        "b": logit(f"joins ~ {term}", frame, design=DESIGN, domain=fitted["joins"].used),
    }
    with pytest.raises(ComparisonError, match=r"is made from each model's own sample, and the samples diff"):
        compare(other, scale="coefficient")
    assert compare(other).terms == ("age",)


def test_more_differences_than_degrees_of_freedom_have_no_joint_test(frame: pd.DataFrame) -> None:
    few = SurveyDesign(psu="half")
    data = frame.assign(half=frame["region"] % 2)
    fitted = {y: logit(f"{y} ~ age + gender", data, design=few) for y in ("recycles", "joins")}
    found = compare(fitted)
    assert found.df == 1
    assert np.isnan(found.test.p_value)
    assert found.caveats == ("No joint test: 2 differences, 1 degrees of freedom.",)
    assert found.to_frame()["p_value"].notna().all()
    assert compare(fitted, terms=["age"]).test.df_num == 1


def test_adjustments_are_those_of_statsmodels_and_equivalence_is_two_one_sided_tests() -> None:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(500, 4)), columns=list("abcd"))
    for name, slope in (("one", 0.5), ("two", 0.1)):
        frame[name] = (rng.random(500) < 1 / (1 + np.exp(-slope * frame["a"]))).astype(int)
    models = {name: logit(f"{name} ~ a + b + c + d", frame) for name in ("one", "two")}
    for adjust, method in (("holm", "holm"), ("bh", "fdr_bh")):
        found = compare(models, adjust=adjust).to_frame()
        expected = multipletests(found["p_value"], method=method)[1]
        assert found["p_adjusted"].to_numpy() == pytest.approx(expected, rel=1e-12)
    bound = 0.08
    found = compare(models, equivalence=bound).to_frame()
    lower = stats.t.sf((found["difference"] + bound) / found["std_error"], found["df"])
    upper = stats.t.cdf((found["difference"] - bound) / found["std_error"], found["df"])
    assert found["p_equivalence"].to_numpy() == pytest.approx(np.maximum(lower, upper), rel=1e-10)
    # Within the bound at 5 % exactly where the 90 % interval lies within it.
    half = stats.t.isf(0.05, found["df"]) * found["std_error"]
    inside = (found["difference"] - half > -bound) & (found["difference"] + half < bound)
    assert ((found["p_equivalence"] < 0.05) == inside).all()
    itself = compare({"one": models["one"], "same": models["one"]}, equivalence=bound).to_frame()
    assert (itself["p_equivalence"] == 0).all()


def test_unknown_adjustments_and_bounds_are_told_together() -> None:
    frame = pd.DataFrame({"x": np.tile([1.0, 2, 3, 4], 5), "y": [0, 1, 1, 0, 1] * 4})
    models = {name: logit("y ~ x", frame) for name in ("one", "two")}
    with pytest.raises(ArgumentError, match=r"(?s)adjust: 'hom'.*Allowed: holm, bh.*equivalence: -1"):
        compare(models, adjust="hom", equivalence=-1)  # type: ignore[arg-type]
