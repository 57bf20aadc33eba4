"""Our numbers against statsmodels: GLM with weights, OrderedModel without, its tables and its Holm method."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.iolib.summary2 import summary_col
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.stats.multitest import multipletests

import coprodstats as cps

from . import tolerances as tol
from .golden_numbers import data, error

OUTCOMES = ("individual_high", "collective_any")
TERMS = ("age", "gender", "urban", "outcome", "information", "efficacy", "country")


def complete(outcome):
    frame = data("five_nation")
    return frame.dropna(subset=[outcome, *TERMS]).reset_index(drop=True)


def matrix(frame):
    """Return treatment-coded predictors, named as ours, made by pandas."""
    parts = []
    for term in TERMS:
        if isinstance(frame[term].dtype, pd.CategoricalDtype):
            dummies = pd.get_dummies(frame[term], dtype=float).iloc[:, 1:]
            parts.append(dummies.set_axis([f"{term}[T.{level}]" for level in dummies], axis=1))
        else:
            parts.append(frame[[term]].astype(float))
    return pd.concat(parts, axis=1)


def formula(outcome):
    return f"{outcome} ~ {' + '.join(TERMS)}"


def glm(outcome, weights, **covariance):
    frame = complete(outcome)
    x = matrix(frame)
    x.insert(0, "Intercept", 1.0)
    y = frame[outcome].cat.codes.astype(float)
    model = sm.GLM(y, x, family=sm.families.Binomial(), var_weights=weights(frame))
    return model.fit(tol=1e-14, tol_criterion="params", maxiter=100, **covariance)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_robust_logit_is_glm_with_var_weights_and_hc0(outcome):
    frame = complete(outcome)
    theirs = glm(outcome, lambda f: f["weight"], cov_type="HC0")
    ours = cps.logit(formula(outcome), frame, design=cps.SurveyDesign(weights="weight"), covariance="robust")
    n = len(frame)
    assert error(ours.params, theirs.params, floor=theirs.bse) < tol.GLM
    # independent respondents: n / (n - 1), which HC0 leaves out
    assert error(ours.bse, theirs.bse * np.sqrt(n / (n - 1))) < tol.GLM_STD_ERROR


# statsmodels says of var_weights with clusters only that it has not verified every statistic
@pytest.mark.filterwarnings("ignore:cov_type not fully supported with var_weights")
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_psu_covariance_is_glm_clustered(outcome):
    frame = complete(outcome)
    groups = frame["municipality"].to_numpy()
    theirs = glm(
        outcome,
        lambda f: f["weight"],
        cov_type="cluster",
        cov_kwds={"groups": groups, "use_correction": False, "df_correction": False},
    )
    design = cps.SurveyDesign(weights="weight", psu="municipality")
    ours = cps.logit(formula(outcome), frame, design=design)
    g = len(np.unique(groups))
    assert error(ours.params, theirs.params, floor=theirs.bse) < tol.GLM
    assert error(ours.bse, theirs.bse * np.sqrt(g / (g - 1))) < tol.GLM_STD_ERROR


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_model_covariance_is_glm(outcome):
    theirs = glm(outcome, lambda f: np.ones(len(f)))
    ours = cps.logit(formula(outcome), complete(outcome), covariance="model")
    assert error(ours.params, theirs.params, floor=theirs.bse) < tol.GLM
    assert error(ours.bse, theirs.bse) < tol.GLM_STD_ERROR
    assert ours.llf == pytest.approx(theirs.llf, rel=1e-12)


@pytest.mark.parametrize(
    ("outcome", "link"), [("individual_band", "probit"), ("collective_sectors", "logit")]
)
def test_unweighted_ordinal_model_is_ordered_model(outcome, link):
    frame = complete(outcome)
    x = matrix(frame)
    # BFGS on raw scales stalls; statsmodels is given predictors of unit size
    size = x.abs().max()
    fitted = OrderedModel(frame[outcome], x / size, distr=link).fit(method="bfgs", gtol=1e-8, disp=False)
    ours = cps.ologit(formula(outcome), frame, link=link, covariance="model")
    slopes = list(x.columns)
    theirs, their_bse = fitted.params[slopes] / size, fitted.bse[slopes] / size
    assert error(ours.params[slopes], theirs, floor=their_bse) < tol.ORDERED_MODEL
    assert error(ours.bse[slopes], their_bse) < tol.ORDERED_MODEL_STD_ERROR
    cuts = fitted.model.transform_threshold_params(fitted.params.to_numpy())[1:-1]
    assert ours.thresholds.to_numpy() == pytest.approx(cuts, rel=tol.ORDERED_MODEL)
    assert ours.llf == pytest.approx(fitted.llf, rel=1e-9)


def test_summary_col_shows_our_models_side_by_side():
    design = cps.SurveyDesign(weights="weight", strata="region", psu="municipality")
    models = [cps.logit(formula(o), data("five_nation"), design=design) for o in OUTCOMES]
    table = summary_col(models, stars=False, float_format="%.6f").tables[0]
    for column, model in enumerate(models):
        assert table.columns[column].startswith(model.name)
        shown = table.iloc[:, column]
        assert shown["efficacy"] == f"{model.params['efficacy']:.6f}"
        following = shown.iloc[shown.index.get_loc("efficacy") + 1]
        assert following == f"({model.bse['efficacy']:.6f})"


def test_adjusted_p_values_are_holms():
    design = cps.SurveyDesign(weights="weight", strata="region", psu="municipality")
    models = {o: cps.logit(formula(o), data("five_nation"), design=design) for o in OUTCOMES}
    table = cps.compare(models).to_frame()
    expected = multipletests(table["p_value"], method="holm")[1]
    assert table["p_adjusted"].to_numpy() == pytest.approx(expected, rel=1e-12)
