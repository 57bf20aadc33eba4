"""Checks of fitted models against R: parallel lines, goodness of fit, diagnostics.

The expected values stand in numbers/; the scripts of the same names in r/ made them.
"""

from __future__ import annotations

import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.models.diagnostics import collinearity, design_effects
from coprodstats.models.goodness import goodness_of_fit
from coprodstats.models.parallel import parallel_lines_test
from coprodstats.models.rao_scott import rao_scott_test

from .golden_numbers import cases, data, error, numbers

PREDICTORS = (
    "age", "gender", "education", "employment", "urban", "outcome", "performance", "information",
    "consultation", "efficacy", "country",
)  # fmt: skip
FULL = cps.SurveyDesign(weights="weight", strata="region", psu="municipality")
CLUSTERS = cps.SurveyDesign(weights="weight", strata="stratum", psu="psu", fpc="psu_population")
# Checks of a fit (parallel lines, goodness of fit, diagnostics) against R by hand from glm, svyglm and clm:
# Wald statistics of differences pass on the standard errors' relative error, enlarged where a statistic is
# the square of a difference that is itself near zero.
CHECK = 1e-8
CHECK_FLOOR = 1e-3

# Twice a difference of log-likelihoods of some -1,700, each exact to 1e-13 of itself.
LIKELIHOOD_RATIO = 1e-9

# Ratios of two variances, each as exact as R's information.
DESIGN_EFFECT = 1e-9

# p values pass on the errors of their statistics, enlarged in the tail.
P_VALUE = 1e-8

# R's default is a saddlepoint approximation, some per cent away from the mixture itself (for a single
# coefficient, where the mixture is F(1, d), 8 % at p = 1e-5).
SADDLEPOINT = 0.09

UCLA = "apply ~ pared + public + gpa"


def formula(outcome):
    return f"{outcome} ~ {' + '.join(PREDICTORS)}"


def by_term(test, column="statistic"):
    return test.tests.set_index("term")[column]


# --- parallel lines ---


def test_brant_as_computed_by_hand_from_glm():
    test = parallel_lines_test(cps.ologit(UCLA, data("ucla"), covariance="model"))
    assert test.method == "brant"
    for column in ("statistic", "df_num", "p_value"):
        assert error(by_term(test, column), numbers("parallel")["brant|ucla", column]) < CHECK


@pytest.mark.parametrize(
    ("name", "text", "design"),
    [("ucla", UCLA, None), ("housing", "Sat ~ Infl + Type + Cont", cps.SurveyDesign(weights="Freq"))],
)
def test_likelihood_ratios_of_clm_with_nominal_terms(name, text, design):
    model = cps.ologit(text, data(name), design=design, covariance="model")
    expected = numbers("parallel")[f"ratio|{name}", "statistic"]
    found = by_term(parallel_lines_test(model, method="likelihood-ratio"))[expected.index]
    assert float((found - expected).abs().max()) < LIKELIHOOD_RATIO


@pytest.mark.parametrize("case", ["individual_band", "collective_sectors", "sites"])
def test_design_based_parallel_lines_from_influences_of_svyglm(case):
    frame = data("sites" if case == "sites" else "five_nation")
    if case == "sites":
        grade = pd.Categorical(frame["grade"], ordered=True)
        model = cps.ologit("grade ~ size + share + stratum", frame.assign(grade=grade), design=CLUSTERS)
    else:
        model = cps.ologit(formula(case), frame, design=FULL)
    test = parallel_lines_test(model)
    for column in ("statistic", "df_num", "p_value"):
        expected = numbers("parallel")[f"design|{case}", column]
        found = by_term(test, column)[expected.index]
        assert error(found, expected, floor=CHECK_FLOOR) < CHECK


# --- goodness of fit ---


def found_tests(fit):
    return fit.tests.set_index("test")


@pytest.mark.parametrize("outcome", ["individual_high", "collective_any"])
@pytest.mark.parametrize("groups", [5, 10])
def test_archer_lemeshow_is_a_regression_of_residuals_on_groups(outcome, groups):
    fit = goodness_of_fit(cps.logit(formula(outcome), data("five_nation"), design=FULL), groups=groups)
    test = found_tests(fit).loc["Archer–Lemeshow"]
    for column in ("statistic", "df_denom", "p_value"):
        expected = numbers("goodness")[f"archer_lemeshow|{outcome}|{groups}", column].iloc[0]
        assert test[column] == pytest.approx(expected, rel=CHECK)


@pytest.mark.parametrize("outcome", ["individual_high", "collective_any"])
def test_shares_by_group_are_those_of_svyby(outcome):
    fit = goodness_of_fit(cps.logit(formula(outcome), data("five_nation"), design=FULL), groups=5)
    for column in ("observed", "std_error"):
        expected = numbers("goodness")[f"calibration|{outcome}", column].to_list()
        assert fit.calibration[column].to_list() == pytest.approx(expected, rel=CHECK)


@pytest.mark.parametrize("outcome", ["individual_high", "collective_any", "individual_band"])
def test_pseudo_r_squared_and_concordance_with_weights(outcome):
    family = cps.ologit if outcome == "individual_band" else cps.logit
    fit = goodness_of_fit(family(formula(outcome), data("five_nation"), design=FULL))
    expected = numbers("goodness")[f"measures|{outcome}", "estimate"]
    found = fit.measures.set_index("measure")["estimate"][expected.index]
    assert error(found, expected) < 1e-9


def test_the_tests_of_independent_respondents():
    frame = data("ucla")
    binary = cps.logit("high ~ pared + public + gpa", frame.assign(high=frame["apply"] != "unlikely"))
    fits = (goodness_of_fit(binary), goodness_of_fit(cps.ologit(UCLA, frame, covariance="model")))
    found = pd.concat([found_tests(fit)["statistic"] for fit in fits])
    expected = numbers("goodness")["ucla", "statistic"]
    assert error(found[expected.index], expected) < CHECK


# --- diagnostics ---


@pytest.mark.parametrize("outcome", ["individual_high", "collective_any", "individual_band"])
def test_design_effects_of_coefficients(outcome):
    family = cps.ologit if outcome == "individual_band" else cps.logit
    found = design_effects(family(formula(outcome), data("five_nation"), design=FULL))
    expected = numbers("diagnostics")[f"deff|{outcome}", "deff"]
    assert error(found.table.set_index("parameter")["deff"], expected) < DESIGN_EFFECT


RAO_SCOTT = [case for case in cases("diagnostics", "statistic") if "individual_band" not in case]


@pytest.mark.parametrize("case", RAO_SCOTT)
def test_rao_scott_tests_of_regtermtest(case):
    _, outcome, terms = case.split("|")
    test = rao_scott_test(cps.logit(formula(outcome), data("five_nation"), design=FULL), terms.split("+"))
    expected = {q: v for (c, q), v in numbers("diagnostics").items() if c == case}
    assert test.statistic == pytest.approx(expected["statistic"].iloc[0], rel=CHECK)
    assert test.df_num == pytest.approx(expected["df_num"].iloc[0], rel=CHECK)
    shares = [value / sum(test.eigenvalues) for value in test.eigenvalues]
    assert shares == pytest.approx(expected["eigenvalues"].to_list(), rel=CHECK)
    assert test.p_value == pytest.approx(expected["p_value_satterthwaite"].iloc[0], rel=P_VALUE)
    saddlepoint = expected["p_value_saddlepoint"].iloc[0]
    if saddlepoint > 1e-6:
        assert test.p_value_mixture == pytest.approx(saddlepoint, rel=SADDLEPOINT)


def test_the_rao_scott_test_of_an_ordinal_model():
    test = rao_scott_test(cps.ologit(formula("individual_band"), data("five_nation"), design=FULL), "country")
    case = "rao_scott|individual_band|country"
    for quantity in ("likelihood_ratio", "statistic"):
        assert getattr(test, quantity) == pytest.approx(
            numbers("diagnostics")[case, quantity].iloc[0], rel=CHECK
        )


def test_variance_inflation_and_condition_indices():
    found = collinearity(cps.logit(formula("collective_any"), data("five_nation"), design=FULL))
    expected = numbers("diagnostics")["collinearity", "gvif"]
    assert error(found.terms.set_index("term")["gvif"], expected) < CHECK
    indices = numbers("diagnostics")["collinearity", "condition_index"].to_list()
    assert found.condition_indices.tolist() == pytest.approx(indices, rel=CHECK)
