from __future__ import annotations

import importlib.util
import json
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

HERE = Path(__file__).resolve().parent
OBSERVED = HERE.parents[1] / "data" / "synthetic" / "truth_observed.toml"
MAIN = ("age", "gender[T.woman]", "efficacy", "information", "consultation", "outcome")
OUTCOMES = ("individual_high", "collective_any")
LOGISTIC = [f"{kind}.{outcome}" for kind in ("coefficients", "margins") for outcome in OUTCOMES]
JUDGED = [*LOGISTIC, "margins.difference"]
ORDINAL = ("coefficients.individual_band", "coefficients.collective_sectors")


@pytest.fixture(scope="module")
def study() -> ModuleType:
    spec = importlib.util.spec_from_file_location("recovery_study", HERE / "study.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its records look up their own module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return json.loads((HERE / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def coverage(results: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(results["coverage"]).set_index(["quantity", "method", "term"]).sort_index()


def _main(coverage: pd.DataFrame, quantity: str, method: str) -> pd.Series:
    return coverage.loc[quantity, method]["coverage"].loc[list(MAIN)]


def test_the_committed_result_is_of_the_present_truth_and_study(
    study: ModuleType, results: dict[str, Any], coverage: pd.DataFrame
) -> None:
    assert results["truth_sha256"] == study.truth_sha256()
    assert results["seed"] == study.SEED
    assert results["truth"]["respondents"] == study.BATCHES * study.BATCH_PER_COUNTRY * 5
    assert results["surveys"] == study.SURVEYS
    assert study.SURVEYS > 500
    # Too few of a rare gender, all with one answer: to be expected in about one survey of a thousand.
    assert results["refused"] <= 0.005 * study.SURVEYS
    answered = study.SURVEYS - results["refused"]
    assert (coverage.loc[JUDGED, "surveys"].xs("design", level="method") == answered).all()
    contrasted = coverage.xs("ignoring the design", level="method")["surveys"]
    assert contrasted.between(study.CONTRASTED - results["refused"], study.CONTRASTED).all()


def test_the_committed_table_shows_the_committed_result(study: ModuleType, results: dict[str, Any]) -> None:
    assert (HERE / "results.md").read_text(encoding="utf-8") == study.table(results)
    assert (HERE / "results.json").read_text(encoding="utf-8") == study.as_json(results)


@pytest.mark.parametrize("quantity", JUDGED)
def test_design_based_intervals_cover(coverage: pd.DataFrame, quantity: str) -> None:
    covered = _main(coverage, quantity, "design")
    assert covered.between(0.93, 0.97).all(), covered.to_dict()


@pytest.mark.parametrize("quantity", JUDGED)
def test_estimates_are_centred_and_standard_errors_are_their_spread(
    coverage: pd.DataFrame, quantity: str
) -> None:
    rows = coverage.loc[quantity, "design"].loc[list(MAIN)]
    # A bias of a fifth of a standard error would cost half a point of coverage.
    assert (rows["bias_in_std_errors"].abs() < 0.2).all()
    assert rows["std_error_over_spread"].between(0.92, 1.08).all()


def test_the_region_of_all_differences_covers(results: dict[str, Any]) -> None:
    assert 0.93 <= results["joint_coverage"] <= 0.97


@pytest.mark.parametrize("quantity", JUDGED)
def test_intervals_that_ignore_the_design_cover_less(coverage: pd.DataFrame, quantity: str) -> None:
    ignoring = _main(coverage, quantity, "ignoring the design")
    assert (ignoring < _main(coverage, quantity, "design")).all()
    assert (ignoring < 0.93).all()
    assert ignoring.mean() < 0.92


def test_differences_of_models_taken_as_independent_are_wrong(coverage: pd.DataFrame) -> None:
    quantity = "margins.difference"
    own = _main(coverage, quantity, "design")
    too_wide = _main(coverage, quantity, "design, models as independent")
    assert (too_wide > own).all()
    assert too_wide.mean() > 0.96
    # Two errors of opposite direction: less far below than either error alone would be.
    both_errors = _main(coverage, quantity, "ignoring the design, models as independent")
    assert _main(coverage, quantity, "ignoring the design").mean() < both_errors.mean() < own.mean()


@pytest.mark.parametrize("quantity", ORDINAL)
def test_ordinal_models_cover(coverage: pd.DataFrame, study: ModuleType, quantity: str) -> None:
    rows = coverage.loc[quantity, "design"]
    # Of fewer surveys: three standard errors of a coverage of 95 %.
    wide = 3 * np.sqrt(0.95 * 0.05 / study.CONTRASTED)
    assert rows["coverage"].between(0.95 - wide, 0.95 + wide).all()
    assert list(rows.index) == sorted(study.ORDINAL_MAIN)


def test_the_truth_is_far_more_exact_than_a_survey(coverage: pd.DataFrame) -> None:
    assert (coverage.loc[JUDGED, "truth_error_in_std_errors"] < 1 / 15).all()


def test_the_truth_is_the_one_that_ships(results: dict[str, Any]) -> None:
    shipped = tomllib.loads(OBSERVED.read_text(encoding="utf-8"))
    fewer = results["truth"]["respondents"] / shipped["n"]
    for quantity in JUDGED:
        kind, name = quantity.split(".")
        for term, (value, error) in results["truth"]["quantities"][quantity].items():
            # The error of the shipped truth is told more exactly by the study's, which has more batches.
            both = error * np.sqrt(1 + fewer)
            assert abs(value - shipped[kind][name][term]["value"]) < 4.5 * both, (quantity, term)


def test_the_first_surveys_still_give_the_stored_numbers(study: ModuleType, results: dict[str, Any]) -> None:
    first = list(enumerate(study.seeds(study.STORED)))
    assert len(results["first"]) == len(first)
    for job, stored in zip(first, results["first"], strict=True):
        again = study.stored_numbers(study.one_survey(job))
        assert [row[:3] for row in again] == [row[:3] for row in stored]
        numbers, expected = (np.array([row[3:] for row in rows]) for rows in (again, stored))
        np.testing.assert_allclose(numbers, expected, rtol=1e-6)


def test_coverage_counts_intervals_that_hold_the_truth(study: ModuleType) -> None:
    truth = {"quantities": {"margins.difference": {"age": [1.0, 0.1]}}}
    low_and_high = [(0.0, 2.0), (0.5, 0.9), (1.0, 1.4), (1.1, 3.0)]
    surveys = [
        study.Survey(
            estimates=pd.DataFrame(
                {
                    "quantity": "margins.difference", "method": "design", "term": "age",
                    "estimate": [(low + high) / 2], "std_error": 0.5, "conf_low": low, "conf_high": high,
                }
            ),
            covariance=np.eye(1), df=10.0,
        )
        for low, high in low_and_high
    ]  # fmt: skip
    (record,) = study.coverage(surveys, truth)
    assert record["coverage"] == 0.5
    # Estimates 1.0, 0.7, 1.2, 2.05: mean 1.2375, so 0.2375 / 0.5 from the truth.
    assert record["bias_in_std_errors"] == 0.475
    assert record["truth_error_in_std_errors"] == 0.2


@pytest.mark.parametrize(("correlation", "errors"), [(0.0, [5.0, 10.0]), (1.0, [1.0, 2.0])])
def test_standard_errors_of_a_difference(study: ModuleType, correlation: float, errors: list[float]) -> None:
    terms = pd.Index(["age", "efficacy"], name="term")
    first = pd.DataFrame({"estimate": [1.0, 2.0], "std_error": [3.0, 6.0]}, index=terms)
    second = pd.DataFrame({"estimate": [3.0, 5.0], "std_error": [4.0, 8.0]}, index=terms)
    found = study._difference(first, second, correlation, np.inf)
    assert found["estimate"].tolist() == [2.0, 3.0]
    assert found["std_error"].tolist() == errors
    np.testing.assert_allclose(found["conf_high"], [2, 3] + 1.959964 * np.array(errors), rtol=1e-6)
