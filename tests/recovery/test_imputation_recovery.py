from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

HERE = Path(__file__).resolve().parent
COEFFICIENTS = ("coefficients.individual", "coefficients.collective")


@pytest.fixture(scope="module")
def study() -> ModuleType:
    spec = importlib.util.spec_from_file_location("imputation_study", HERE / "imputation_study.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def results(study: ModuleType) -> dict[str, Any]:
    return json.loads(study.RESULTS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def table(results: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(results["coverage"]).set_index(["method", "quantity", "term"]).sort_index()


def test_the_committed_result_is_of_the_present_study(study: ModuleType, results: dict[str, Any]) -> None:
    assert (results["seed"], results["surveys"]) == (study.SEED, study.SURVEYS)
    assert (results["m"], results["iterations"]) == (study.M, study.ITERATIONS)
    assert study.as_json(results) == study.RESULTS.read_text(encoding="utf-8")


def test_intervals_after_imputation_cover(table: pd.DataFrame, study: ModuleType) -> None:
    imputed = table.loc["imputed"]
    # 17 quantities: 200 surveys give a standard error of 1.5 points, three of which few leave by chance.
    wide = 3 * np.sqrt(0.95 * 0.05 / study.SURVEYS)
    assert imputed["coverage"].between(0.95 - wide, 1.0).all(), imputed["coverage"].to_dict()
    assert imputed["coverage"].mean() == pytest.approx(0.95, abs=0.015)


def test_estimates_after_imputation_are_centred(table: pd.DataFrame) -> None:
    imputed = table.loc["imputed"]
    assert (imputed["bias_in_std_errors"].abs() < 0.4).all(), imputed["bias_in_std_errors"].to_dict()
    assert imputed["bias_in_std_errors"].abs().mean() < 0.15


def test_standard_errors_after_imputation_are_the_estimates_spread(table: pd.DataFrame) -> None:
    # A standard deviation of 200 estimates is known to 5 %.
    assert table.loc["imputed", "std_error_over_spread"].between(0.85, 1.2).all()


def test_complete_cases_are_biased_where_the_outcome_tells_who_is_missing(table: pd.DataFrame) -> None:
    cases, imputed = table.loc["complete cases"], table.loc["imputed"]
    age = [("coefficients.individual", "age"), ("margins.individual", "age"), ("margins.difference", "age")]
    assert (cases.loc[age, "coverage"] < 0.85).all()
    assert (cases.loc[age, "bias_in_std_errors"].abs() > 1).all()
    # And they are less precise throughout.
    assert (cases["std_error"] > imputed["std_error"]).all()


def test_leaving_the_design_out_of_the_imputation_biases(table: pd.DataFrame) -> None:
    without, imputed = table.loc["without the design"], table.loc["imputed"]
    told_by_weights = [("shares.collective", "none"), ("shares.collective", "more")]
    assert (without.loc[told_by_weights, "bias_in_std_errors"].abs() > 1).all()
    assert (without.loc[told_by_weights, "coverage"] < imputed.loc[told_by_weights, "coverage"]).all()


def test_missing_information_is_where_answers_are_missing(table: pd.DataFrame) -> None:
    fmi = table.loc["imputed", "fmi"]
    assert fmi["coefficients.individual", "age"] < 0.1
    assert fmi[[(quantity, "efficacy") for quantity in COEFFICIENTS]].between(0.2, 0.5).all()
    before = table.loc["before", "std_error"]
    assert (table.loc["imputed", "std_error"] > before).all()


def test_the_first_surveys_still_give_the_stored_numbers(study: ModuleType, results: dict[str, Any]) -> None:
    assert len(results["first"]) == study.STORED
    for number, stored in enumerate(results["first"]):
        again = study.stored_numbers(study.one_survey(number))
        assert [row[:3] for row in again] == [row[:3] for row in stored]
        numbers, expected = (np.array([row[3:] for row in rows]) for rows in (again, stored))
        # Draws are decided by random numbers, never by rounding; the fits to them agree to far more digits.
        np.testing.assert_allclose(numbers, expected, rtol=1e-6)


def test_the_truth_is_what_the_formulas_say(study: ModuleType) -> None:
    true = study.truth()
    assert sum(true["shares.collective", name] for name in ("none", "one", "more")) == pytest.approx(1)
    assert true["coefficients.collective", "efficacy"] == study.SLOPES["collective"][2]
    # Averages of p (1 - p) are at most a quarter of the slope.
    assert 0 < true["margins.individual", "age"] < study.SLOPES["individual"][0] / 4
