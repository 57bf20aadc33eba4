"""Two-way tables, intervals of shares, design effects and calibrated weights against R's survey package."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

from coprodstats import SurveyDesign, logit, means, proportions
from coprodstats.survey.crosstab import crosstab
from coprodstats.survey.weighting import calibrate, post_stratify, rake

from . import tolerances as tol
from .golden_numbers import cases, data, error, numbers

POPULATION = 80_000
SHARES = {
    "education": {"low": 0.3, "middle": 0.45, "high": 0.25},
    "urban": {"rural": 0.38, "urban": 0.62},
    "country": {
        "Czech Republic": 0.15,
        "Denmark": 0.1,
        "France": 0.25,
        "Germany": 0.3,
        "United Kingdom": 0.2,
    },
}
MARGINS = {
    name: {cell: POPULATION * share for cell, share in shares.items()} for name, shares in SHARES.items()
}
CROSSED = {
    ("education", "urban"): {
        (a, b): POPULATION * p * q for a, p in SHARES["education"].items() for b, q in SHARES["urban"].items()
    }
}
AGE = {"age": POPULATION * 47.5}
MODEL = (
    "collective_any ~ age + gender + education + employment + urban + outcome + performance + information"
    " + consultation + efficacy + country"
)
COLUMN = {"weights": "weight", "strata": "region", "psu": "municipality"}


def declared(label):
    return SurveyDesign(**{role: COLUMN[role] for role in label.split(",")})


def expected_of(script, case):
    return {quantity: values for (name, quantity), values in numbers(script).items() if name == case}


# --- tables ---


@cache
def table(case):
    _, rows, columns, label = case.split("|")
    return crosstab(data("five_nation"), rows, columns, design=declared(label))


@pytest.mark.parametrize("case", cases("tables", "cell"))
def test_cell_row_and_column_shares(case):
    expected = expected_of("tables", case)
    found = table(case).to_frame()
    found.index = "(" + found["row"].astype("str") + ", " + found["column"].astype("str") + ")"
    for share in ("cell", "of_row", "of_column"):
        assert error(found[share], expected[share], floor=1e-6) < tol.MEAN
        std_error = expected[f"{share}_std_error"]
        assert error(found[f"{share}_std_error"], std_error, floor=1e-6) < tol.MEAN_STD_ERROR
    assert error(found["n"], expected["n"], floor=1.0) == 0


@pytest.mark.parametrize("case", cases("tables", "cell"))
@pytest.mark.parametrize(("name", "which"), [("F", "rao_scott"), ("adjWald", "wald")])
def test_independence(case, name, which):
    expected = {quantity: values.iloc[0] for quantity, values in expected_of("tables", case).items()}
    test = getattr(table(case), which)
    assert test.statistic == pytest.approx(expected[f"{name}_statistic"], rel=tol.CHI_SQUARED)
    assert test.df_num == pytest.approx(expected[f"{name}_df_num"], rel=tol.CHI_SQUARED)
    assert test.df_denom == pytest.approx(expected[f"{name}_df_denom"], rel=tol.CHI_SQUARED)
    assert test.p_value == pytest.approx(expected[f"{name}_p_value"], rel=10 * tol.CHI_SQUARED)


# --- shares and means ---


@pytest.mark.parametrize("case", cases("tables", "conf_low"))
def test_korn_graubard_limits_and_design_effects(case):
    _, variable, label = case.split("|")
    expected = expected_of("tables", case)
    found = proportions(
        data("five_nation"), variable, design=declared(label), interval="korn-graubard"
    ).set_index("category")
    for column in ("conf_low", "conf_high", "design_effect"):
        assert error(found[column], expected[column]) < tol.BETA_LIMIT


@pytest.mark.parametrize("case", cases("tables", "design_effect_of_mean"))
def test_design_effects_of_means(case):
    _, variable, label = case.split("|")
    found = means(data("five_nation"), variable, design=declared(label))["design_effect"].item()
    expected = expected_of("tables", case)["design_effect_of_mean"].iloc[0]
    assert found == pytest.approx(expected, rel=tol.BETA_LIMIT)


# --- weights ---


@cache
def sample():
    frame = data("five_nation")
    return frame.dropna(subset=["education", "urban", "age"]).reset_index(drop=True)


@cache
def weighted(method):
    frame = sample()
    if method == "post-stratification":
        return post_stratify(frame, CROSSED, weights="weight")
    if method == "linear":
        return calibrate(frame, MARGINS, totals=AGE, weights="weight")
    if method == "raking":
        return calibrate(frame, MARGINS, distance="raking", weights="weight")
    return rake(frame, MARGINS, weights="weight")


@pytest.mark.parametrize("case", cases("weighting", "weight"))
def test_weights(case):
    expected = expected_of("weighting", case)
    w = weighted(case.split("|")[1]).weights
    chosen = expected["weight"]
    ours = pd.Series(w.to_numpy()[chosen.index.astype(int)], index=chosen.index)
    assert error(ours, chosen) < tol.WEIGHT
    assert w @ w == pytest.approx(expected["sum_of_squares"].iloc[0], rel=tol.WEIGHT)


def described(method, label):
    frame = sample().assign(joins=lambda f: (f["collective_any"] == "yes").where(f["collective_any"].notna()))
    frame["joins"] = frame["joins"].astype(float)
    options = {"design": declared(label), "weighting": weighted(method)}
    found = pd.concat(
        {v: means(frame, v, **options).iloc[0] for v in ("collective_index", "efficacy", "joins")}, axis=1
    ).T
    by_country = means(frame, "collective_index", by="country", **options).set_index("country")
    found.loc["France"] = by_country.loc["France"]
    return found.astype(float)


@pytest.mark.parametrize("case", [c for c in cases("weighting", "std_error") if "|rake|" not in c])
def test_means_after_calibration(case):
    _, method, label = case.split("|")
    expected = expected_of("weighting", case)
    found = described(method, label)
    assert error(found["estimate"], expected["estimate"]) < tol.WEIGHT
    assert error(found["std_error"], expected["std_error"]) < tol.CALIBRATED_STD_ERROR


@pytest.mark.parametrize("case", cases("weighting", "coefficient"))
def test_models_after_calibration(case):
    _, method, label, _ = case.split("|")
    expected = expected_of("weighting", case)
    std_error = expected["coefficient_se"]
    model = logit(MODEL, sample(), design=declared(label), weighting=weighted(method))
    assert error(model.params, expected["coefficient"], std_error) < tol.COEFFICIENT
    assert error(model.bse, std_error) < tol.STD_ERROR


@pytest.mark.parametrize("case", [c for c in cases("weighting", "std_error") if "|rake|" in c])
def test_means_after_rs_own_raking(case):
    _, method, label = case.split("|")
    expected = expected_of("weighting", case)
    found = described(method, label)
    assert error(found["estimate"], expected["estimate"]) < tol.WEIGHT
    assert error(found["std_error"], expected["std_error"]) < tol.RAKE_STD_ERROR
