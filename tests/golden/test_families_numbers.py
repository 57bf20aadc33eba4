"""Partial proportional odds, adjacent categories, continuation ratios and offsets against clm and VGAM.

``r/families.R`` takes estimates from ordinal::clm(nominal = ) and VGAM, polishes them by Newton steps on the
likelihood written down anew there, and takes standard errors from that likelihood's scores and observed
information: VGAM's own are those of the expected information, and neither package knows designs.
"""

from __future__ import annotations

from functools import cache

import pytest

import coprodstats as cps
from coprodstats.models.proportional_odds import equal_slopes_test
from coprodstats.models.results import FittedModel

from .golden_numbers import cases, data, error, numbers

# R's derivatives are exact for analytic distribution functions (complex steps), but for the information
# differences of exact scores, by Richardson's rule: some 1e-10. pnorm takes no complex numbers, so that
# probit rests on differences alone.
EXACT = (1e-10, 1e-8)
PROBIT = (1e-8, 1e-6)

FORMULAS = {
    "ucla": "apply ~ pared + public + gpa",
    "housing": "Sat ~ Infl + Type + Cont",
    "five_nation": "individual_band ~ age + efficacy + gender + country",
}
DESIGNS = {
    "weights,strata,psu": cps.SurveyDesign(weights="weight", strata="region", psu="municipality"),
    "weights,psu": cps.SurveyDesign(weights="weight", psu="municipality"),
}
OFFSETS = [case for case in cases("families", "loglik") if "|offset|" in case]
CASES = [case for case in cases("families", "estimate") if "|offset|" not in case]
EQUAL = cases("families", "equal_slopes")


def tolerance(case):
    return PROBIT if "|probit|" in case else EXACT


@cache
def fit(case) -> FittedModel:
    name, family, link, own, *design = case.split("|")
    nonparallel = {"none": (), "all": "all"}.get(own, tuple(own.split(",")))
    options = {"nonparallel": nonparallel, "covariance": "model"}
    if name == "housing":
        options["design"] = cps.SurveyDesign(weights="Freq")
    if name == "five_nation":
        options |= {"design": DESIGNS[design[0]] if design else None, "covariance": "design"}
    if family == "acat":
        return cps.adjacent_categories(FORMULAS[name], data(name), **options)
    fitter = {"cumulative": cps.ologit, "cratio": cps.continuation_ratio}[family]
    return fitter(FORMULAS[name], data(name), link=link, **options)


@pytest.mark.parametrize("case", [case for case in CASES if case.split("|")[4:] or "five" not in case])
def test_coefficients_and_standard_errors(case):
    model = fit(case)
    expected = {q: numbers("families")[case, q] for q in ("estimate", "std_error")}
    coefficient, std_error = tolerance(case)
    assert error(model.params, expected["estimate"], floor=expected["std_error"]) < coefficient
    assert error(model.bse, expected["std_error"]) < std_error


@pytest.mark.parametrize("case", [case for case in cases("families", "loglik") if case not in OFFSETS])
def test_log_likelihood(case):
    model = fit(f"{case}|weights,psu" if "five_nation" in case else case)
    assert model.llf == pytest.approx(numbers("families")[case, "loglik"].iloc[0], rel=1e-12)


@pytest.mark.parametrize("case", EQUAL)
def test_adjusted_wald_tests_that_slopes_are_equal(case):
    model, expected = fit(case), numbers("families")[case, "equal_slopes"]
    for term in ("age", "efficacy"):
        found = equal_slopes_test(model, [term])
        assert found.statistic == pytest.approx(expected[f"{term} F"], rel=1e-7)
        assert found.p_value == pytest.approx(expected[f"{term} p"], rel=1e-6)


@pytest.mark.parametrize("case", OFFSETS)
def test_offsets(case):
    _, _, family, own = case.split("|")
    ucla = data("ucla")
    ucla = ucla.assign(half=0.5 * ucla["gpa"], top=(ucla["apply"] == "very likely"))
    if family == "logit":
        model = cps.logit("top ~ pared + public", ucla, offset="half", covariance="model")
        assert model.llnull == pytest.approx(numbers("families")[case, "null_loglik"].iloc[0], rel=1e-12)
    else:
        nonparallel = () if own == "none" else own
        text = "apply ~ pared + public"
        model = cps.ologit(text, ucla, nonparallel=nonparallel, offset="half", covariance="model")
    expected = {q: numbers("families")[case, q] for q in ("estimate", "std_error", "loglik")}
    assert error(model.params, expected["estimate"], floor=expected["std_error"]) < EXACT[0]
    assert error(model.bse, expected["std_error"]) < EXACT[1]
    assert model.llf == pytest.approx(expected["loglik"].iloc[0], rel=1e-12)
