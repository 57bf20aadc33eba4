"""Numbers that only figures need: against models fitted by hand, and simple arithmetic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprodstats.errors import Fault, SeparationError
from coprodstats.models.fit import logit, ologit
from coprodstats.models.predictions import predict
from coprodstats.models.results import FittedModel
from coprodstats.reporting.figure_data import FigureData, figure_data, focus, weight_bins
from coprodstats.reporting.plan import AnalysisPlan, read_plan
from coprodstats.survey.cleaning import CleanedSurvey, clean
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.reading import read_survey

ANALYSIS = Path(__file__).resolve().parents[3] / "analyses" / "five_nation_2008" / "analysis.toml"
SHORT = {
    "main": "age + gender + efficacy + country",
    "ordinal": "age + gender + efficacy",
    "safety": "age + efficacy_saf + country",
}

Models = dict[str, dict[str, FittedModel]]


@pytest.fixture(scope="module")
def plan() -> AnalysisPlan:
    whole = read_plan(ANALYSIS)
    shorter = tuple(replace(c, predictors=SHORT[c.key]) for c in whole.comparisons if c.key in SHORT)
    ages = replace(shorter[0], over={"age": (20.0, 60.0)})
    return replace(whole, comparisons=(ages, *shorter[1:]))


@pytest.fixture(scope="module")
def cleaned(plan: AnalysisPlan) -> CleanedSurvey:
    return clean(read_survey(plan.survey, read_codebook(plan.codebook), root=plan.root))


@pytest.fixture(scope="module")
def models(plan: AnalysisPlan, cleaned: CleanedSurvey) -> Models:
    return {
        one.key: {
            name: (logit if one.kind == "logit" else ologit)(
                f"{column} ~ {one.predictors}", cleaned, design=cleaned.design, name=name
            )
            for name, column in one.outcomes.items()
        }
        for one in plan.comparisons
    }


@pytest.fixture(scope="module")
def data(plan: AnalysisPlan, cleaned: CleanedSurvey, models: Models) -> FigureData:
    return figure_data(plan, models, cleaned, cleaned.design)


def test_the_predictor_put_first_is_the_highlighted_one(plan: AnalysisPlan, models: Models) -> None:
    assert focus(plan, models["main"]) == "efficacy"
    assert focus(replace(plan, importance=None), models["main"]) == "age"
    assert focus(replace(plan, importance=None, phrases={"gender[T.woman]": "Women"}), models["main"]) == ""


def test_margins_by_country_are_mean_slopes_times_p_times_1_minus_p(
    data: FigureData, cleaned: CleanedSurvey
) -> None:
    """The average derivative of a logistic model, by hand, from a fit of the same formula written out."""
    frame = cleaned.frame
    formula = "collective_any ~ age + gender + efficacy * country"
    model = logit(formula, cleaned, design=cleaned.design)
    b = model.params
    for country in frame["country"].cat.categories:
        own = b["efficacy"] + b.get(f"efficacy:country[T.{country}]", 0.0)
        rows = (frame["country"] == country).to_numpy() & model.used
        p = predict(model, frame[rows]).iloc[:, 0].to_numpy()
        w = cleaned.frame.loc[rows, plan_weight(cleaned)]
        expected = float(np.average(own * p * (1 - p), weights=w))
        found = data.margins.query("comparison == 'main' and model == 'collective' and group == @country")
        # Two fits of one model in other parametrisations: both converge to about 12 digits.
        assert found["estimate"].item() == pytest.approx(expected, rel=1e-8)
        assert found["conf_low"].item() < expected < found["conf_high"].item()


def plan_weight(cleaned: CleanedSurvey) -> str:
    assert cleaned.design is not None
    assert isinstance(cleaned.design.weights, str)
    return cleaned.design.weights


def test_every_comparison_of_the_predictor_has_every_country(data: FigureData) -> None:
    counts = data.margins.groupby(["comparison", "model"])["group"].nunique()
    assert counts.to_dict() == {
        (key, name): 5 for key in ("main", "safety") for name in ("individual", "collective")
    }
    assert set(data.margins.query("comparison == 'safety'")["variable"]) == {"efficacy_saf"}


def test_predictions_by_country_are_means_of_predictions(data: FigureData, cleaned: CleanedSurvey) -> None:
    model = logit("individual_high ~ gender + efficacy + age * country", cleaned, design=cleaned.design)
    rows = (cleaned.frame["country"] == "France").to_numpy() & model.used
    p = predict(model, cleaned.frame[rows].assign(age=60.0)).iloc[:, 0].to_numpy()
    w = cleaned.frame.loc[rows, plan_weight(cleaned)]
    found = data.predictions.query("model == 'individual' and group == 'France' and value == 60")
    assert found["estimate"].item() == pytest.approx(float(np.average(p, weights=w)), rel=1e-8)


def test_a_model_that_can_t_be_fitted_by_country_leaves_a_row_without_numbers(
    monkeypatch: pytest.MonkeyPatch, plan: AnalysisPlan, cleaned: CleanedSurvey, models: Models
) -> None:
    def fit(formula: str, *data: Any, name: str, **options: Any) -> FittedModel:
        if name == "collective":
            raise SeparationError(Fault(where="model 'collective'", found="it is separated"))
        return logit(formula, *data, name=name, **options)

    monkeypatch.setattr("coprodstats.reporting.figure_data.logit", fit)
    found = figure_data(plan, models, cleaned, cleaned.design)
    counts = found.predictions.groupby("model")["estimate"].agg(["size", "count"])
    assert counts.loc["collective"].tolist() == [1, 0]
    assert counts.loc["individual"].tolist() == [10, 10]
    assert found.margins.query("model == 'collective'")["estimate"].isna().all()
    assert found.margins.query("model == 'individual'")["estimate"].notna().all()


def test_slopes_at_thresholds_are_those_of_binary_models(data: FigureData, cleaned: CleanedSurvey) -> None:
    frame = cleaned.frame
    above = frame["individual_band"].cat.codes.where(frame["individual_band"].notna()) > 0
    binary = frame.assign(above=above.where(frame["individual_band"].notna()).astype("float"))
    model = logit("above ~ age + gender + efficacy", binary, design=cleaned.design)
    found = data.slopes.query("model == 'individual' and split == '> low'").set_index("parameter")
    for name in ("age", "gender[T.woman]", "efficacy"):
        assert found.loc[name, "estimate"] == pytest.approx(model.params[name], rel=1e-7)
        # The same design, the same rows: the same interval.
        assert found.loc[name, "conf_high"] == pytest.approx(model.conf_int().loc[name, 1], rel=1e-6)
    assert set(data.slopes["split"]) == {"", "> low", "> middle", "> 0", "> 1"}
    assert data.parallel["p_value"].between(0, 1).all()


def test_calibration_has_ten_groups_of_each_outcome(data: FigureData) -> None:
    assert data.calibration.groupby("model").size().to_dict() == {"individual": 10, "collective": 10}
    assert data.calibration["predicted"].between(0, 1).all()


def test_countries_that_are_no_predictor_give_no_figures(plan: AnalysisPlan, cleaned: CleanedSurvey) -> None:
    bare = replace(plan.comparisons[0], predictors="age + gender + efficacy")
    models = {
        "main": {
            name: logit(f"{column} ~ {bare.predictors}", cleaned, design=cleaned.design, name=name)
            for name, column in bare.outcomes.items()
        }
    }
    found = figure_data(replace(plan, comparisons=(bare,)), models, cleaned, cleaned.design)
    assert found.margins.empty
    assert found.predictions.empty
    assert found.slopes.empty


weights = st.lists(st.floats(0.01, 50), min_size=2, max_size=60)


@given(weights)
def test_bins_hold_every_weight_once(values: list[float]) -> None:
    w = np.array(values)
    found = weight_bins(w)
    if found.empty:
        assert np.ptp(w) < 2e-6 * w.mean()
        return
    assert found["share"].sum() == pytest.approx(1)
    assert len(found) <= 26
    assert np.allclose(found["low"].iloc[1:], found["high"].iloc[:-1])
    relative = w / w.mean()
    assert found["low"].iloc[0] <= relative.min() + 1e-6
    assert relative.max() <= found["high"].iloc[-1] + 1e-6
    assert found["share"].iloc[0] > 0
    assert found["share"].iloc[-1] > 0


def test_bins_of_equal_weights_are_none_and_zero_weights_do_not_count() -> None:
    assert weight_bins(np.ones(5)).empty
    assert weight_bins(np.array([0.0, 1.0, 1.0])).empty
    pd.testing.assert_frame_equal(weight_bins(np.array([0.0, 1.0, 3.0])), weight_bins(np.array([1.0, 3.0])))
