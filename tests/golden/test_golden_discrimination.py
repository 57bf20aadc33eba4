"""Standard errors of the AUC and Somers' D: against pROC, survival, and sums over all pairs by a design."""

from __future__ import annotations

import numpy as np
import pytest

import coprodstats as cps
from coprodstats.models.discrimination import somers_d_influence

from .golden_numbers import data, numbers

FULL = cps.SurveyDesign(weights="weight", strata="region", psu="municipality")
# Sums over pairs in another order: rounding, which the square root of a variance halves.
PAIRS = 1e-10


def ucla(binary):
    frame = data("ucla")
    if not binary:
        return cps.ologit("apply ~ pared + public + gpa", frame, covariance="model")
    likely = frame.assign(likely=(frame["apply"] != "unlikely").astype(int))
    return cps.logit("likely ~ pared + public + gpa", likely, covariance="model")


def number(case, quantity):
    return numbers("discrimination")[case, quantity].iloc[0]


def test_delongs_variance_is_made_of_the_same_components():
    model = ucla(binary=True)
    y = model.sample_y
    d, influence = somers_d_influence(model.fittedvalues.to_numpy(), y, np.ones(len(y)))
    assert (d + 1) / 2 == pytest.approx(number("ucla|binary", "estimate"), rel=PAIRS)
    parts = [influence[y == k] / 2 for k in (0, 1)]
    delong = sum((part**2).sum() * len(part) / (len(part) - 1) for part in parts)
    assert delong == pytest.approx(number("ucla|binary", "variance_delong"), rel=PAIRS)


@pytest.mark.parametrize("case", ["binary", "ordinal"])
def test_independent_respondents(case):
    model = ucla(case == "binary")
    measures = cps.goodness_of_fit(model).measures.set_index("measure")
    area = measures.loc["AUC" if case == "binary" else "concordance index"]
    assert area["estimate"] == pytest.approx(number(f"ucla|{case}", "estimate"), rel=PAIRS)
    n = model.nobs  # the jackknife of survival divides by n, ours by n - 1
    jackknife = number(f"ucla|{case}", "variance_jackknife")
    assert area["std_error"] ** 2 == pytest.approx(jackknife * n / (n - 1), rel=PAIRS)
    if case == "binary":
        # DeLong's divides within both outcomes: 1 / 180 apart at most.
        delong = np.sqrt(number("ucla|binary", "variance_delong"))
        assert area["std_error"] == pytest.approx(delong, rel=1 / 180)


@pytest.mark.parametrize("outcome", ["individual_high", "collective_any", "individual_band"])
def test_under_the_design(outcome):
    family = cps.ologit if outcome == "individual_band" else cps.logit
    model = family(f"{outcome} ~ age + gender + efficacy + country", data("five_nation"), design=FULL)
    row = cps.goodness_of_fit(model).measures.set_index("measure").loc["Somers' D"]
    assert row["estimate"] == pytest.approx(number(f"design|{outcome}", "estimate"), rel=PAIRS)
    assert row["std_error"] == pytest.approx(number(f"design|{outcome}", "std_error"), rel=PAIRS)
