"""Combined estimates against mice's, mitml's and mitools' on the same completed data sets."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.models.imputation_models import draw_ordered
from coprodstats.models.pooling import RubinEstimate, joint_test

from . import make_completed
from .golden_numbers import numbers

DESIGN = cps.SurveyDesign(weights="weight", strata="stratum", psu="psu")
RIGHT = "age + woman + score"
LEVELS = ["low", "middle", "high"]
DF = 15  # 20 PSUs in 5 strata

# As for single models (tolerances.py): both sides' coefficients are exact, svyglm's covariance carries nine
# digits or more. What is made of them loses little.
ESTIMATE = 1e-11
VARIANCE = 1e-9
TEST = 1e-9
# The R side of the margins takes the delta method's derivatives by numDeriv.
MARGIN = 1e-8
# mitml differentiates the constraints, which are the coefficients themselves, numerically.
CONSTRAINTS = 1e-7


@cache
def completed() -> tuple[pd.DataFrame, ...]:
    frame = pd.read_csv(make_completed.DATA / "completed.csv")
    frame["trust"] = pd.Categorical.from_codes(frame["trust"], LEVELS, ordered=True)
    return tuple(part.reset_index(drop=True) for _, part in frame.groupby("imputation"))


def analysis(data: pd.DataFrame) -> dict[str, Any]:
    helps, joins = (cps.logit(f"{y} ~ {RIGHT}", data, design=DESIGN) for y in ("helps", "joins"))
    return {
        "logit": helps,
        "ologit": cps.ologit(f"trust ~ {RIGHT}", data, design=DESIGN),
        "difference": cps.compare({"helps": helps, "joins": joins}, scale="coefficient"),
        "margin": cps.margins(helps),
    }


@cache
def pooled() -> dict[str, cps.Pooled]:
    return cps.pool(completed(), analysis)


def names_of(case: str) -> list[str]:
    if case == "ologit":  # R has the thresholds first
        return list(pooled()[case].names)
    return list(pooled()[case].names) or list(pooled()[case].to_frame()["variable"])


def column(case: str, label: str, quantity: str) -> np.ndarray:
    return numbers("pooling")[label, quantity][names_of(case)].to_numpy()


def large(found: RubinEstimate) -> RubinEstimate:
    """The same with infinitely many degrees of freedom."""
    return RubinEstimate(
        m=found.m,
        complete_df=np.inf,
        estimate=found.estimate,
        within=found.within,
        between=found.between,
    )


def test_the_data_are_what_the_script_writes() -> None:
    assert make_completed.main(["--check"]) == 0


@pytest.mark.parametrize("case", ["logit", "ologit", "difference", "margin"])
def test_parts_of_the_combination_are_those_of_mice(case: str) -> None:
    found = pooled()[case].estimates
    one = 1.0 if case != "margin" else MARGIN / VARIANCE
    for quantity, ours, tolerance in (
        ("qbar", found.estimate, ESTIMATE),
        ("ubar", np.diag(found.within), VARIANCE * one),
        ("b", np.diag(found.between), VARIANCE),
        ("t", np.diag(found.covariance), VARIANCE * one),
        ("r", found.riv, TEST * one),
        ("df", found.df, TEST * one),
    ):
        np.testing.assert_allclose(ours, column(case, f"{case}|df={DF}", quantity), rtol=tolerance)


@pytest.mark.parametrize("case", ["logit", "ologit", "difference", "margin"])
def test_large_samples_have_rubins_df_and_fraction_of_missing_information(case: str) -> None:
    found = large(pooled()[case].estimates)
    # mice takes shares below 1e-4 for 1e-4; the data have none.
    assert found.missing_share.min() > 1e-4
    tolerance = TEST if case != "margin" else MARGIN
    np.testing.assert_allclose(found.df, column(case, f"{case}|df=Inf", "df"), rtol=tolerance)
    # Without a finite number of degrees of freedom mice's fraction is Rubin's (see RubinEstimate.fmi).
    np.testing.assert_allclose(found.fmi, column(case, f"{case}|df=Inf", "fmi"), rtol=tolerance)


def test_the_table_is_that_of_mice_pool() -> None:
    frame = pooled()["logit"].to_frame()
    for quantity in ("estimate", "std_error", "df", "p_value"):
        theirs = numbers("pooling")["logit|pool", quantity][names_of("logit")].to_numpy()
        np.testing.assert_allclose(frame[quantity], theirs, rtol=TEST)


@pytest.mark.parametrize("case", ["logit", "ologit", "difference"])
@pytest.mark.parametrize("terms", [("age", "woman", "score"), ("woman", "score")])
@pytest.mark.parametrize("df", [DF, np.inf])
def test_the_joint_test_is_that_of_mitml(case: str, terms: tuple[str, ...], df: float) -> None:
    found = pooled()[case].estimates
    index = [names_of(case).index(term) for term in terms]
    part = (found if df == DF else large(found)).part(index)
    test = joint_test(part, rule="r", null="")
    label, name = f"{case}|df={'Inf' if np.isinf(df) else df}", " + ".join(terms)
    theirs = [numbers("pooling")[label, q][name] for q in ("D1_F", "D1_df1", "D1_df2", "D1_p")]
    ours = [test.statistic, test.df_num, test.df_denom, test.p_value]
    np.testing.assert_allclose(ours, theirs, rtol=CONSTRAINTS)


def test_the_joint_test_is_that_of_mice_on_the_models() -> None:
    index = [names_of("logit").index(term) for term in ("woman", "score")]
    test = joint_test(pooled()["logit"].estimates.part(index), rule="r", null="")
    assert test.statistic == pytest.approx(numbers("pooling")["logit|pool", "D1_F"].iloc[0], rel=CONSTRAINTS)
    assert test.df_denom == pytest.approx(numbers("pooling")["logit|pool", "D1_df2"].iloc[0], rel=CONSTRAINTS)


@pytest.mark.parametrize("case", ["logit", "ologit", "difference", "margin"])
def test_mitools_agrees_but_for_its_degrees_of_freedom(case: str) -> None:
    found = pooled()[case].estimates
    tolerance = VARIANCE if case != "margin" else MARGIN
    np.testing.assert_allclose(found.estimate, column(case, case, "mitools_estimate"), rtol=ESTIMATE)
    np.testing.assert_allclose(found.std_error, column(case, case, "mitools_std_error"), rtol=tolerance)
    # mitools leaves (1 + 1/m) out of the share of missing information in Barnard and Rubin's v_obs, by hand:
    b, u, m = np.diag(found.between), np.diag(found.within), found.m
    old = (m - 1) * (1 + 1 / found.riv) ** 2
    observed = (DF + 1) / (DF + 3) * DF * u / (u + b)
    theirs = column(case, case, "mitools_df")
    np.testing.assert_allclose(1 / (1 / old + 1 / observed), theirs, rtol=10 * tolerance)
    assert (found.df < theirs).all()


def test_proportional_odds_draws_have_the_shares_of_mice() -> None:
    frame = pd.read_csv(make_completed.DATA / "incomplete.csv")
    seen, x = frame["answer"].notna().to_numpy(), frame[["x"]].to_numpy()
    y = frame.loc[seen, "answer"].to_numpy().astype(np.intp)
    rng = np.random.default_rng(4712)
    high = x[~seen, 0] > 0
    shares = []
    for _ in range(60):
        drawn, _mode = draw_ordered(x[seen], y, x[~seen], n_categories=4, rng=rng)
        counts = [np.bincount(drawn[part], minlength=4) / part.sum() for part in (~high, high)]
        shares.append(np.ravel(counts, order="F"))
    theirs = numbers("pooling")["polr", "mean_share"].to_numpy()
    spread = numbers("pooling")["polr", "std_share"].to_numpy()
    # Means of 60 draws on either side. mice does not draw the model's parameters, so that our spread, which
    # must not be smaller, is the larger; five standard errors of the difference of two means.
    error = np.std(shares, axis=0, ddof=1)
    assert (np.abs(np.mean(shares, axis=0) - theirs) < 5 * np.hypot(error, spread) / np.sqrt(60)).all()
    assert np.mean(error / spread) > 1
