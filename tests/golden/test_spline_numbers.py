"""Margins and predictions through splines, polynomials and interactions, against derivatives written in R."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.models.results import FittedModel

from . import tolerances as tol
from .golden_numbers import cases, data, error, numbers

FULL = cps.SurveyDesign(weights="weight", strata="region", psu="municipality")
OUTCOME = {"logit": "collective_any", "linear": "individual_index", "ologit": "individual_band"}
USED = ["age", "gender", "efficacy", "urban"]
# Derivatives by five points a 512th of a standard deviation apart are exact within a piece of a cubic; about
# a knot their errors cancel. R's derivatives are exact, its standard errors' Jacobians numerical.
MARGIN, MARGIN_STD_ERROR = 1e-10, 1e-7
NEWDATA = pd.DataFrame(
    {
        "age": [19, 33.5, 48, 61, 84],
        "gender": "woman",
        "efficacy": [10, 80, 45, 60, 30],
        "urban": ["rural", "urban", "urban", "rural", "urban"],
    }
)


@cache
def fit(case: str) -> FittedModel:
    family, right = case.split("|")
    frame = data("five_nation")
    if family == "domain":
        inside = (frame["country"] == "Denmark") & frame["gender"].isin(["man", "woman"])
        return cps.logit(
            f"collective_any ~ {right}", frame, design=FULL, domain=inside & frame[USED].notna().all(axis=1)
        )
    # R's side takes the rows that are complete in all four predictors.
    complete = frame[USED].notna().all(axis=1).to_numpy()
    fitter = {"logit": cps.logit, "linear": cps.linear, "ologit": cps.ologit}[family]
    return fitter(f"{OUTCOME[family]} ~ {right}", frame, design=FULL, domain=complete)


def margins_of(case: str) -> pd.DataFrame:
    model = fit(case)
    found = cps.margins(model)
    found = found[~found["contrast"].str.startswith("other")]
    if case.startswith("ologit"):
        code = {c: k for k, c in enumerate(model.categories, start=1)}
        labels = [f"{code[c]} {v}" for v, c in zip(found["variable"], found["category"], strict=True)]
    else:
        labels = found["variable"].tolist()
    return found.set_axis(labels)


@pytest.mark.parametrize("case", cases("splines", "estimate"))
def test_margins(case: str) -> None:
    found = margins_of(case)
    expected, std_error = numbers("splines")[case, "estimate"], numbers("splines")[case, "std_error"]
    assert error(found["estimate"], expected, floor=std_error) < MARGIN
    assert error(found["std_error"], std_error) < MARGIN_STD_ERROR


@pytest.mark.parametrize("case", cases("splines", "predicted"))
def test_predictions_from_the_same_knots(case: str) -> None:
    model = fit(case)
    new = NEWDATA.assign(age=[25, 33.5, 48, 61, 74]) if case.startswith("domain") else NEWDATA
    ours = cps.predict(model, new)
    flat = pd.Series(
        {f"{i + 1} {k + 1}": ours.iloc[i, k] for i in range(len(ours)) for k in range(ours.shape[1])}
    )
    assert error(flat, numbers("splines")[case, "predicted"]) < tol.COEFFICIENT
