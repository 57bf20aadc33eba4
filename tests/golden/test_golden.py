"""Our numbers against R's: ordinal::clm, survey::svyglm, svyolr, svymean, svyciprop, regTermTest.

The expected values stand in numbers/, with R's and the packages' versions; the scripts in r/ made them. An
error is relative to R's number, or to the standard error where a coefficient is smaller than that.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.models.results import FittedModel
from coprodstats.survey.design import resolve_design

from . import make_data
from . import tolerances as tol
from .golden_numbers import cases, data, error, numbers

PREDICTORS = (
    "age", "gender", "education", "employment", "urban", "outcome", "performance", "information",
    "consultation", "efficacy", "country",
)  # fmt: skip
FULL = cps.SurveyDesign(weights="weight", strata="region", psu="municipality")
COLUMN = {"weights": "weight", "strata": "region", "psu": "municipality"}
ELEMENTS = cps.SurveyDesign(weights="weight", strata="stratum", fpc="population")
CLUSTERS = cps.SurveyDesign(weights="weight", strata="stratum", psu="psu", fpc="psu_population")
FORMULAS = {
    "ucla": "apply ~ pared + public + gpa",
    "housing": "Sat ~ Infl + Type + Cont",
    "lonely": "y ~ x",
    "sites": "open ~ size + share + stratum",
}


def formula(outcome, without=()):
    return f"{outcome} ~ {' + '.join(p for p in PREDICTORS if p not in without)}"


def declared(label):
    """Return the design that a label such as "weights,psu" stands for, and the covariance to ask for."""
    if label == "robust":
        return {"design": cps.SurveyDesign(weights="weight"), "covariance": "robust"}
    return {"design": cps.SurveyDesign(**{role: COLUMN[role] for role in label.split(",")})}


def domain(name):
    frame = data("five_nation")
    if name == "france":
        return {"domain": frame["country"] == "France"}, ("country", "gender")
    if name == "young":
        return {"domain": frame["age"] < 40}, ("country", "employment")
    if name == "women":
        return {"domain": frame["gender"] == "woman"}, ("country", "gender")
    return {}, ()


@cache
def fit_clm(case):
    name, outcome, link, weighting = case.split("|")
    weights = {"housing": "Freq"}.get(name, "weight")
    design = cps.SurveyDesign(weights=weights) if weighting == "weights" else None
    text = FORMULAS.get(name) or formula(outcome)
    return cps.ologit(text, data(name), link=link, design=design, covariance="model")


@cache
def fit_svyglm(case, df_rule="stata"):
    name, outcome, label, part = case.split("|")
    frame = data(name)
    if name == "lonely":
        design = cps.SurveyDesign(weights="weight", strata="stratum", psu="psu", lonely_psu=label)
        return cps.logit(FORMULAS[name], frame, design=design, df_rule=df_rule)
    if name == "sites":
        large = {"domain": frame["size"] > 0} if part == "large" else {}
        text = "open ~ size + share" if large else FORMULAS[name]
        design = ELEMENTS if label == "elements" else CLUSTERS
        return cps.logit(text, frame, design=design, df_rule=df_rule, **large)
    where, without = domain(part)
    rows = _observed_levels(frame, where)
    return cps.logit(formula(outcome, without), rows, df_rule=df_rule, **declared(label), **where)


def _observed_levels(frame, where):
    """Drop levels that no row of a domain has, as R's model.matrix does by leaving out empty columns."""
    if not where:
        return frame
    kept = {c: frame.loc[where["domain"], c].cat.remove_unused_categories().cat.categories
            for c in make_data.LEVELS}  # fmt: skip
    return frame.assign(**{c: frame[c].cat.set_categories(levels) for c, levels in kept.items()})


@cache
def fit_svyolr(case):
    _, outcome, link, label = case.split("|")
    return cps.ologit(formula(outcome), data("five_nation"), link=link, **declared(label))


FITTERS = {"clm": fit_clm, "svyglm": fit_svyglm, "svyolr": fit_svyolr}
MODELS = [(script, case) for script in FITTERS for case in cases(script, "estimate")]


def tolerances(case):
    if case.startswith("svyolr|"):
        return tol.SVYOLR_COEFFICIENT, tol.SVYOLR_STD_ERROR
    if "|cauchit|" in case:
        return tol.COEFFICIENT, tol.CAUCHIT_STD_ERROR
    return tol.COEFFICIENT, tol.STD_ERROR


@pytest.mark.parametrize(("script", "case"), MODELS)
def test_coefficients_and_standard_errors(script, case):
    model = FITTERS[script](case)
    expected = {q: numbers(script)[case, q] for q in ("estimate", "std_error")}
    coefficient, std_error = tolerances(case)
    assert error(model.params, expected["estimate"], floor=expected["std_error"]) < coefficient
    assert error(model.bse, expected["std_error"]) < std_error


@pytest.mark.parametrize("case", cases("clm", "loglik"))
def test_log_likelihood(case):
    model = fit_clm(case)
    expected = numbers("clm")[case, "loglik"].iloc[0]
    assert model.llf == pytest.approx(expected, rel=1e-12)
    # with weights clm counts their sum
    n = model.nobs if case.endswith("unweighted") else model.n_weighted
    assert n == pytest.approx(numbers("clm")[case, "n"].iloc[0], rel=1e-12)


@pytest.mark.parametrize("case", cases("clm", "estimate_as_printed"))
def test_cauchit_as_clm_gives_it(case):
    model = fit_clm(case)
    expected = {q: numbers("clm")[case, f"{q}_as_printed"] for q in ("estimate", "std_error", "loglik")}
    assert error(model.params, expected["estimate"], floor=expected["std_error"]) < tol.CLM_CAUCHIT
    assert error(model.bse, expected["std_error"]) < tol.CLM_CAUCHIT
    assert model.llf == pytest.approx(expected["loglik"].iloc[0], rel=tol.CLM_CAUCHIT)


@pytest.mark.parametrize("case", cases("svyglm", "df_r"))
def test_p_values_intervals_and_degrees_of_freedom_by_both_rules(case):
    expected = {q: v for (c, q), v in numbers("svyglm").items() if c == case}
    stata, r = fit_svyglm(case), fit_svyglm(case, "r")
    assert stata.nobs == expected["n"].iloc[0]
    assert stata.df == expected["df_stata"].iloc[0]
    assert r.df == expected["df_r"].iloc[0]
    assert error(stata.pvalues, expected["p_value_stata"], tol.P_FLOOR) < tol.P_VALUE
    assert error(r.pvalues, expected["p_value_r"], tol.P_FLOOR) < tol.P_VALUE
    interval = stata.conf_int()
    for column, side in ((0, "conf_low_stata"), (1, "conf_high_stata")):
        assert error(interval[column], expected[side], floor=stata.bse) < tol.STD_ERROR


COVARIANCES = [(script, case) for script in ("svyglm", "svyolr") for case in cases(script, "covariance")]


@pytest.mark.parametrize(("script", "case"), COVARIANCES)
def test_covariance_matrix(script, case):
    model = FITTERS[script](case)
    expected = numbers(script)[case, "covariance"]
    pairs = [tuple(name.split(" * ")) for name in expected.index]
    ours = pd.Series([model.cov_params().loc[pair] for pair in pairs], index=expected.index)
    size = pd.Series([model.bse[a] * model.bse[b] for a, b in pairs], index=expected.index)
    assert error(ours, expected, floor=size) < 2 * tol.STD_ERROR


def test_r_degrees_of_freedom_of_ordinal_models():
    for case in cases("svyolr", "df_r"):
        _, outcome, link, label = case.split("|")
        model = cps.ologit(formula(outcome), data("five_nation"), link=link, df_rule="r", **declared(label))
        assert model.df == numbers("svyolr")[case, "df_r"].iloc[0]


@pytest.mark.parametrize("case", cases("svyglm", "df_denom", "wald"))
def test_wald_tests(case):
    _, outcome, rule, terms = case.split("|")
    model = fit_svyglm(f"five_nation|{outcome}|weights,strata,psu|all", rule)
    test = cps.wald_test(model, terms.split("+"))
    expected = {q: v.iloc[0] for (c, q), v in numbers("svyglm").items() if c == case}
    assert (test.df_num, test.df_denom) == (expected["df_num"], expected["df_denom"])
    assert test.statistic == pytest.approx(expected["statistic"], rel=tol.TEST)
    assert test.p_value == pytest.approx(expected["p_value"], rel=tol.P_VALUE, abs=tol.P_FLOOR * tol.P_VALUE)


# --- means and proportions ---


def _where(group):
    if group in make_data.LEVELS["country"]:
        return "country"
    return "gender" if group in make_data.LEVELS["gender"] else None


@cache
def described(name, variable, group):
    """Return the row or rows that a case of describe.csv stands for."""
    frame = data(name)
    if name == "five_nation":
        design = FULL
    elif name == "sites":
        design = ELEMENTS if group == "elements" else CLUSTERS
    else:
        design = cps.SurveyDesign(weights="weight", strata="stratum", psu="psu", lonely_psu=group)
    by = _where(group) if name == "five_nation" else None
    summarise = cps.proportions if variable in make_data.LEVELS else cps.means
    found = summarise(frame, variable, by=by, design=design)
    found = found[found[by] == group] if by else found
    return found.set_index("category") if "category" in found else found.set_axis([""] * len(found))


@pytest.mark.parametrize("case", cases("describe", "estimate"))
def test_means_and_proportions(case):
    name, variable, group = case.split("|")
    ours = described(name, variable, group)
    expected = {q: v for (c, q), v in numbers("describe").items() if c == case}
    proportion = variable in make_data.LEVELS
    mean, spread = (tol.PROPORTION, tol.PROPORTION_LIMIT) if proportion else (tol.MEAN, tol.MEAN_STD_ERROR)
    assert error(ours["estimate"], expected["estimate"]) < mean
    assert error(ours["std_error"], expected["std_error"]) < spread
    assert (ours["df"].to_numpy() == expected["df"].to_numpy()).all()
    for side in ("conf_low", "conf_high"):
        assert error(ours[side], expected[side]) < spread
    if (case, "svyby") in numbers("describe"):
        estimate, std_error = expected["svyby"][["estimate", "std_error"]]
        assert ours["estimate"].iloc[0] == pytest.approx(estimate, rel=tol.MEAN)
        assert ours["std_error"].iloc[0] == pytest.approx(std_error, rel=tol.MEAN_STD_ERROR)


# --- margins and comparisons ---


@cache
def survey_model(outcome) -> FittedModel:
    frame = data("five_nation")
    if outcome == "curved":
        text = "collective_any ~ age + I(age**2) + efficacy + country + efficacy:country"
        return cps.logit(text, frame, design=FULL)
    fit = cps.logit if outcome in ("individual_high", "collective_any") else cps.ologit
    return fit(formula(outcome), frame, design=FULL)


def margin_table(model, **options):
    table = cps.margins(model, **options)
    level = table["contrast"].str.rsplit(" - ", n=1).str[0]
    name = table["variable"].where(table["contrast"] == "dy/dx", table["variable"] + "[T." + level + "]")
    return table.set_index(name if model.family == "logit" else name + " = " + table["category"])


@pytest.mark.parametrize(
    "outcome", ["individual_high", "collective_any", "curved", "individual_band", "collective_sectors"]
)
@pytest.mark.parametrize("vce", ["delta", "unconditional"])
def test_margins(outcome, vce):
    case = f"margins|{outcome}"
    ours = margin_table(survey_model(outcome), vce=vce)
    expected = numbers("margins")[case, "estimate"]
    their_se = numbers("margins")[case, "std_error" + ("" if vce == "delta" else "_unconditional")]
    assert error(ours["estimate"], expected, floor=their_se) < tol.MARGIN
    assert error(ours["std_error"], their_se) < tol.MARGIN_STD_ERROR


def test_margins_of_a_model_without_design():
    model = cps.ologit("apply ~ C(pared) + public + gpa", data("ucla"), covariance="model")
    ours = margin_table(model, variables="pared")
    for quantity in ("estimate", "std_error"):
        assert error(ours[quantity], numbers("margins")["margins|ucla", quantity]) < tol.MARGIN_STD_ERROR


PAIRS = {
    "binary": ("individual_high", "collective_any"),
    "ordinal": ("individual_band", "collective_sectors"),
}
EVENTS = {"individual_band": "high", "collective_sectors": "1"}


@pytest.mark.parametrize("case", cases("margins", "difference"))
def test_comparisons(case):
    _, pair, scale, kind = case.split("|")
    outcomes = PAIRS[pair]
    if kind == "robust":
        models = {o: fit_svyglm(f"five_nation|{o}|robust|all") for o in outcomes}
    else:
        models = {o: survey_model(o) for o in outcomes}
    options = {"scale": scale}
    if scale == "margin":
        options |= {"vce": kind, "event": EVENTS if pair == "ordinal" else None}
    comparison = cps.compare(models, **options)
    ours = comparison.to_frame().set_index("term")
    expected = {q: v for (c, q), v in numbers("margins").items() if c == case}
    by_hand = scale == "margin"
    limits = (tol.MARGIN, tol.MARGIN_STD_ERROR) if by_hand else (tol.COEFFICIENT, tol.STD_ERROR)
    assert error(ours["difference"], expected["difference"], floor=expected["std_error"]) < limits[0]
    assert error(ours["std_error"], expected["std_error"]) < limits[1]
    for quantity in ("p_value", "p_adjusted"):
        assert error(ours[quantity], expected[quantity], tol.P_FLOOR) < tol.P_VALUE
    assert comparison.test.df_denom == expected["df_denom"].iloc[0]
    assert comparison.test.statistic == pytest.approx(expected["statistic"].iloc[0], rel=tol.TEST)
    assert comparison.test.p_value == pytest.approx(expected["joint_p_value"].iloc[0], rel=10 * tol.P_VALUE)


# --- the data themselves ---


def test_the_golden_data_are_the_cleaned_synthetic_survey():
    rng = np.random.default_rng(make_data.SEED)
    for name, frame in (("sites", make_data.sites(rng)), ("lonely", make_data.lonely(rng))):
        pd.testing.assert_frame_equal(data(name), frame, check_dtype=False)
    written = make_data.five_nation()
    read = data("five_nation")
    for column in written:
        ours = read[column].cat.codes.replace(-1, np.nan) if column in make_data.LEVELS else read[column]
        theirs = written[column].to_numpy(dtype=float, na_value=np.nan)
        assert np.array_equal(ours.to_numpy(dtype=float), theirs, equal_nan=True), column


def test_psus_minus_strata():
    resolved = resolve_design(FULL, data("five_nation"))
    degf = numbers("svyglm")["five_nation|individual_high|weights,strata,psu|all", "df_stata"].iloc[0]
    assert resolved.n_psu - resolved.n_strata == degf
