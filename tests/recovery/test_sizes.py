"""The committed study of sizes and coverages (sizes.json), and its first survey drawn again."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def study() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sizes_study", HERE / "sizes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return json.loads((HERE / "sizes.json").read_text(encoding="utf-8"))


def test_the_first_survey_gives_what_is_committed(study: ModuleType, results: dict[str, Any]) -> None:
    assert (results["seed"], results["surveys"]) == (study.SEED, study.SURVEYS)
    child = np.random.SeedSequence(study.SEED).spawn(1)[0]
    assert study.one_survey(np.random.default_rng(child)) == results["first"]


def test_design_based_tests_reject_true_models_as_often_as_they_say(results: dict[str, Any]) -> None:
    rates = {name: rate for name, rate in results["rates"].items() if name.startswith("size:")}
    assert len(rates) == 4
    # Three standard errors of a rate of 5 % in 1,000 surveys.
    within = 3 * (0.05 * 0.95 / results["surveys"]) ** 0.5
    for name, rate in rates.items():
        assert abs(rate - 0.05) < within, name


def test_ignoring_the_design_rejects_true_models_twice_as_often(results: dict[str, Any]) -> None:
    for term in ("x", "all terms"):
        assert results["rates"][f"size ignoring the design: parallel lines, {term}"] > 0.08


def test_intervals_of_average_margins_cover_the_populations(results: dict[str, Any]) -> None:
    rates = {name: rate for name, rate in results["rates"].items() if name.startswith("coverage")}
    assert len(rates) == 8
    within = 3 * (0.95 * 0.05 / results["surveys"]) ** 0.5
    for name, rate in rates.items():
        assert abs(rate - 0.95) < within, name
