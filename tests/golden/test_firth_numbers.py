"""Penalised fits against R's brglm2 and logistf, profile intervals against R's."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.models.results import FittedModel

from . import make_data
from .golden_numbers import data, error, numbers

FORMULA = "HG ~ NV + PI + EH"
# brglm2 iterates until its modified scores are below 1e-13.
COEFFICIENT, STD_ERROR = 1e-11, 1e-10
# Ends of intervals: roots of the profile, which R's side follows to 1e-11 in the others' steps.
LIMIT = 1e-8


@cache
def endometrial() -> pd.DataFrame:
    frame = pd.read_csv(make_data.DATA / "endometrial.csv", comment="#")
    graded = pd.Categorical.from_codes(frame["HG"], ["low", "high"], ordered=True)
    turned = pd.Categorical.from_codes(1 - frame["HG"], ["high", "low"], ordered=True)
    return frame.assign(grade=graded, turned=turned, count=1 + np.arange(1, len(frame) + 1) % 3)


@cache
def fit(case: str) -> FittedModel:
    design = cps.SurveyDesign(weights="count") if case == "counts" else None
    return cps.logit(FORMULA, endometrial(), design=design, covariance="model", separation="firth")


@pytest.mark.parametrize("case", ["logit", "counts"])
def test_firth_is_that_of_brglm2(case: str) -> None:
    model = fit(case)
    expected = {q: v for (c, q), v in numbers("firth").items() if c == f"endometrial|{case}"}
    assert error(model.params, expected["estimate"]) < COEFFICIENT
    assert error(model.bse, expected["std_error"]) < STD_ERROR
    assert model.llf == pytest.approx(expected["loglik"].iloc[0], rel=1e-12)


def test_published_estimates_of_the_endometrial_data() -> None:
    """Heinze and Schemper (2002), as R's logistf prints them to eight decimals."""
    wanted = {"Intercept": 3.77455951, "NV": 2.92927330, "PI": -0.03475175, "EH": -2.60416387}
    # logistf stops at a score of 1e-5.
    assert fit("logit").params.to_dict() == pytest.approx(wanted, rel=3e-7)


@pytest.mark.parametrize(
    ("case", "ours", "outcome", "sign"),
    [
        ("probit", "probit", "grade", {"Intercept": -1, "slope": 1}),
        # P(event) = 1 - exp(-exp(x'b)) in R is "loglog" of the lower category here, "cloglog" turned round.
        ("cloglog", "loglog", "grade", {"Intercept": -1, "slope": 1}),
        ("cloglog", "cloglog", "turned", {"Intercept": 1, "slope": -1}),
    ],
)
def test_jeffreys_prior_under_other_links_is_that_of_brglm2(
    case: str, ours: str, outcome: str, sign: dict[str, int]
) -> None:
    formula = FORMULA.replace("HG", outcome)
    model = cps.ologit(formula, endometrial(), link=ours, covariance="model", separation="firth")
    params = pd.Series(
        {
            "Intercept": sign["Intercept"] * model.thresholds.iloc[0],
            **{name: sign["slope"] * model.params[name] for name in ("NV", "PI", "EH")},
        }
    )
    std_error = model.bse.rename({model.thresholds.index[0]: "Intercept"})
    expected = {q: v for (c, q), v in numbers("firth").items() if c == f"endometrial|{case}"}
    assert error(params, expected["estimate"]) < COEFFICIENT
    assert error(std_error, expected["std_error"]) < STD_ERROR
    assert model.llf == pytest.approx(expected["loglik"].iloc[0], rel=1e-12)
    assert model.penalty == "Jeffreys prior"


def test_profile_intervals_of_the_penalised_likelihood() -> None:
    found = cps.profile_interval(fit("logit"), ["Intercept", "NV", "PI", "EH"]).set_index("parameter")
    for column in ("conf_low", "conf_high", "statistic"):
        assert error(found[column], numbers("firth")["endometrial|profile", column]) < LIMIT, column


def test_profile_intervals_as_logistf_prints_them() -> None:
    """Eight digits of R's logistf 1.24, as the tests of the Python package firthlogist quote them."""
    wanted = {
        "Intercept": (1.0825371, 7.20928050),
        "NV": (0.6097244, 7.85463171),
        "PI": (-0.1244587, 0.04045547),
        "EH": (-4.3651832, -1.23272106),
    }
    found = cps.profile_interval(fit("logit"), list(wanted)).set_index("parameter")
    for name, (low, high) in wanted.items():
        # Seven decimals are printed.
        assert found.loc[name, ["conf_low", "conf_high"]].tolist() == pytest.approx([low, high], abs=6e-8)


def test_profile_intervals_without_penalty() -> None:
    """MASS::confint and ordinal::confint.clm interpolate the profile by a spline."""
    model = cps.logit("HG ~ PI + EH", endometrial(), covariance="model")
    found = cps.profile_interval(model, ["Intercept", "PI", "EH"]).set_index("parameter")
    for column in ("conf_low", "conf_high"):
        assert error(found[column], numbers("firth")["endometrial|plain", column]) < 2e-4, column
    frame = data("ucla")
    model = cps.ologit("apply ~ pared + public + gpa", frame, covariance="model")
    found = cps.profile_interval(model).set_index("parameter")
    for column in ("conf_low", "conf_high"):
        assert error(found[column], numbers("firth")["ucla|plain", column]) < 1e-7, column
