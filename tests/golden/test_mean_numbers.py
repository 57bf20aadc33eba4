"""Linear and fractional-logit models, their margins and comparisons, against R's svyglm, lm and glm."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.models.results import FittedModel

from . import tolerances as tol
from .golden_numbers import cases, data, error, numbers

PREDICTORS = (
    "age", "gender", "education", "employment", "urban", "outcome", "performance", "information",
    "consultation", "efficacy", "country",
)  # fmt: skip
CURVED = "age + I(age**2) + gender + efficacy + country + efficacy:country"
FULL = cps.SurveyDesign(weights="weight", strata="region", psu="municipality")
WEIGHTS = cps.SurveyDesign(weights="weight")
FITTERS = {"linear": cps.linear, "fractional": cps.fractional_logit}
# svyglm, lm and glm solve by QR in double precision: rounding. The information of a glm is that of its last
# iteration but one.
COEFFICIENT = 1e-11
STD_ERROR = {"linear": 1e-11, "fractional": 1e-8}
# R's margins take derivatives by differences and Jacobians numerically; see tolerances.py.
MARGIN, MARGIN_STD_ERROR = tol.MARGIN, tol.MARGIN_STD_ERROR


@cache
def fit(family: str, outcome: str, label: str, part: str = "all", df_rule: str = "stata") -> FittedModel:
    frame = data("five_nation")
    right = PREDICTORS if part == "all" else ("age", "gender", "efficacy", "outcome")
    options: dict[str, object] = {"domain": frame["age"] < 40} if part == "young" else {}
    if label == "model":
        options["covariance"] = "model"
    else:
        options["design"] = FULL if label == "weights,strata,psu" else WEIGHTS
        options["covariance"] = "robust" if label == "robust" else "design"
        options["df_rule"] = df_rule
    return FITTERS[family](f"{outcome} ~ {' + '.join(right)}", frame, **options)


@pytest.mark.parametrize("case", cases("means", "estimate", "design"))
def test_under_a_design(case: str) -> None:
    _, family, outcome, label, part = case.split("|")
    model = fit(family, outcome, label, part)
    expected = {q: v for (c, q), v in numbers("means").items() if c == case}
    assert error(model.params, expected["estimate"], floor=expected["std_error"]) < COEFFICIENT
    assert error(model.bse, expected["std_error"]) < STD_ERROR[family]
    assert error(model.pvalues, expected["p_value"], tol.P_FLOOR) < tol.P_VALUE
    assert model.df == expected["df_stata"].iloc[0]
    assert fit(family, outcome, label, part, "r").df == expected["df_r"].iloc[0]


@pytest.mark.parametrize("case", cases("means", "estimate", "model"))
def test_without_a_design(case: str) -> None:
    _, family, outcome = case.split("|")
    model = fit(family, outcome, "model")
    expected = {q: v for (c, q), v in numbers("means").items() if c == case}
    assert error(model.params, expected["estimate"], floor=expected["std_error"]) < COEFFICIENT
    assert error(model.bse, expected["std_error"]) < STD_ERROR[family]
    assert error(model.pvalues, expected["p_value"], tol.P_FLOOR) < tol.P_VALUE
    assert model.df == expected["df_r"].iloc[0]
    assert model.llf == pytest.approx(expected["loglik"].iloc[0], rel=1e-12)
    assert model.prsquared == pytest.approx(expected["r_squared"].iloc[0], rel=1e-10)


def test_a_birth_year_and_its_square() -> None:
    """R's numbers are those of the centred fit, carried over: the intercept loses three digits to that."""
    frame = data("five_nation").assign(year=lambda d: 2008 - d["age"])
    model = cps.linear("individual_index ~ year + I(year**2)", frame, covariance="model")
    wanted = numbers("means")["year", "estimate"]
    assert error(model.params, wanted) < 1e-10
    assert model.bse["I(year ** 2)"] == pytest.approx(
        numbers("means")["year", "std_error"].iloc[0], rel=1e-10
    )


@cache
def curved(family: str, outcome: str) -> FittedModel:
    return FITTERS[family](f"{outcome} ~ {CURVED}", data("five_nation"), design=FULL, name=outcome)


@pytest.mark.parametrize("case", cases("means", "estimate", "margins"))
@pytest.mark.parametrize("vce", ["delta", "unconditional"])
def test_margins_in_points(case: str, vce: str) -> None:
    _, family, outcome = case.split("|")
    found = cps.margins(curved(family, outcome), ["age", "gender", "efficacy", "country"], vce=vce)
    terms = [
        v if c == "dy/dx" else f"{v}[T.{c.split(' - ')[0]}]"
        for v, c in zip(found["variable"], found["contrast"], strict=True)
    ]
    found = found.set_axis(terms)
    expected = numbers("means")[case, "estimate"]
    name = "std_error" if vce == "delta" else "std_error_unconditional"
    std_error = numbers("means")[case, name]
    assert (found["category"] == "mean").all()
    assert error(found.loc[expected.index, "estimate"], expected, floor=std_error) < MARGIN
    assert error(found.loc[expected.index, "std_error"], std_error) < MARGIN_STD_ERROR


def compared(case: str) -> cps.Comparison:
    _, family, scale = case.split("|")
    pair = {
        o: curved(family, o) if scale == "margin" else fit(family, o, "weights,strata,psu")
        for o in ("individual_index", "collective_index")
    }
    terms = ["age", "gender[T.woman]", "efficacy", "country[T.Denmark]"] if scale == "margin" else None
    return cps.compare(pair, scale=scale, terms=terms)


@pytest.mark.parametrize("case", cases("means", "difference", "compare"))
def test_comparisons_of_two_indices(case: str) -> None:
    found = compared(case)
    frame = found.to_frame().set_index("term")
    expected = {q: v for (c, q), v in numbers("means").items() if c == case}
    assert error(frame["difference"], expected["difference"], floor=expected["std_error"]) < MARGIN
    assert error(frame["std_error"], expected["std_error"]) < MARGIN_STD_ERROR
    assert found.test.statistic == pytest.approx(expected["statistic"].iloc[0], rel=1e-5)
    assert found.test.p_value == pytest.approx(expected["joint_p_value"].iloc[0], rel=1e-4)
    # Both are points of an index from 0 to 100: their difference has one unit.
    assert not any("scales" in caveat for caveat in found.caveats)


def test_a_comparison_is_the_regression_of_both_outcomes_stacked() -> None:
    """No influence is written by hand there: one svyglm of 10,000 rows, predictors crossed with which."""
    frame = compared("compare|linear|coefficient").to_frame().set_index("term")
    expected = {q: v for (c, q), v in numbers("means").items() if c == "stacked"}
    assert isinstance(expected["difference"], pd.Series)
    assert error(frame["difference"], expected["difference"], floor=expected["std_error"]) < COEFFICIENT
    assert error(frame["std_error"], expected["std_error"]) < STD_ERROR["linear"]
