"""What docs/parity.md says about statsmodels, seen in the version that is installed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.miscmodels.ordinal_model import OrderedModel

import coprodstats as cps

WEIGHTED = cps.SurveyDesign(weights="w")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    x, w = rng.normal(size=400), rng.uniform(0.2, 3.0, size=400)
    latent = x * np.where(w > 1.5, 1.5, 0.2) + rng.logistic(size=400)  # the slope goes with the weight
    y = pd.cut(latent, [-np.inf, -1.0, 1.0, np.inf], labels=["low", "middle", "high"])
    return pd.DataFrame({"x": x, "w": w, "y": y, "is_high": (y == "high").astype(int)})


def ordered_model(frame: pd.DataFrame, **weights: pd.Series) -> pd.Series:
    model = OrderedModel(frame["y"], frame[["x"]], distr="logit", **weights)
    return model.fit(method="bfgs", gtol=1e-8, disp=False).params


def test_ordered_model_ignores_weights_and_ours_does_not(frame: pd.DataFrame) -> None:
    plain = ordered_model(frame)
    pd.testing.assert_series_equal(ordered_model(frame, freq_weights=frame["w"]), plain, rtol=1e-12)
    unweighted = cps.ologit("y ~ x", frame).params["x"]
    weighted = cps.ologit("y ~ x", frame, design=WEIGHTED)
    assert unweighted == pytest.approx(plain["x"], rel=1e-4)
    assert abs(weighted.params["x"] - unweighted) > weighted.bse["x"]


def test_ordered_model_reports_increments_and_ours_thresholds(frame: pd.DataFrame) -> None:
    first, increment = ordered_model(frame)[["low/middle", "middle/high"]]
    ours = cps.ologit("y ~ x", frame).thresholds
    assert ours["low|middle"] == pytest.approx(first, rel=1e-4)
    assert ours["middle|high"] == pytest.approx(first + np.exp(increment), rel=1e-4)


def test_frequency_weights_shrink_standard_errors_and_a_design_does_not(frame: pd.DataFrame) -> None:
    def glm(factor: float) -> pd.Series:
        model = sm.GLM(
            frame["is_high"],
            sm.add_constant(frame[["x"]]),
            family=sm.families.Binomial(),
            freq_weights=frame["w"] * factor,
        )
        return model.fit(cov_type="HC0", tol=1e-12).bse

    def ours(factor: float) -> pd.Series:
        rescaled = frame.assign(w=frame["w"] * factor)
        return cps.logit("is_high ~ x", rescaled, design=WEIGHTED).bse

    assert (glm(1.0) / glm(1000.0)).to_numpy() == pytest.approx(np.sqrt(1000.0), rel=1e-3)
    assert ours(1000.0).to_numpy() == pytest.approx(ours(1.0).to_numpy(), rel=1e-9)


def test_formulas_of_statsmodels_run_code_and_ours_are_refused(
    frame: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    formula = "is_high ~ I(__import__('builtins').print('ran') or x)"
    sm.formula.glm(formula, frame, family=sm.families.Binomial())
    assert "ran" in capsys.readouterr().out
    with pytest.raises(cps.CoprodstatsError, match="characters that formulas don't need"):
        cps.logit(formula, frame)
    assert not capsys.readouterr().out
