"""Item analysis against R's psych, lavaan and survey."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, item_analysis
from coprodstats.survey.factors import factor_solution
from coprodstats.survey.polychoric import polychoric_matrix

from .golden_numbers import numbers
from .make_data import DATA
from .make_item_data import ITEMS

FIRST = list(ITEMS[:5])
R = numbers("scales")
DESIGN = SurveyDesign(weights="weight", strata="stratum", psu="psu")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pd.read_csv(DATA / "items.csv")


def _matrix(frame: pd.DataFrame, weights: np.ndarray) -> pd.Series:
    codes = frame[list(ITEMS)].fillna(-1).to_numpy().astype(int)
    counts = tuple(int(column.max()) + 1 for column in codes.T)
    found = polychoric_matrix(codes, counts, weights).matrix
    pairs = combinations(range(len(ITEMS)), 2)
    return pd.Series({f"{ITEMS[i]} * {ITEMS[j]}": found[i, j] for i, j in pairs})


def test_reliability_and_items_of_independent_respondents(frame: pd.DataFrame) -> None:
    found = item_analysis(frame, FIRST)
    items = found.items.set_index("item")
    alpha = found.measures.set_index("measure").loc["Cronbach's alpha", "estimate"]
    assert alpha == pytest.approx(R["psych", "alpha"].item(), rel=1e-12)
    for column in ("item_rest", "alpha_without"):
        theirs = R["psych", column]
        assert items.loc[theirs.index, column].to_numpy() == pytest.approx(theirs.to_numpy(), rel=1e-10)
    # Both maximise the same likelihood numerically; psych stops at about four digits.
    theirs = R["psych", "loading"]
    assert items.loc[theirs.index, "loading"].to_numpy() == pytest.approx(theirs.to_numpy(), abs=5e-4)


def test_weighted_alpha_and_its_standard_error(frame: pd.DataFrame) -> None:
    row = item_analysis(frame, FIRST, design=DESIGN).measures.iloc[0]
    assert row["estimate"] == pytest.approx(R["survey", "alpha"].item(), rel=1e-9)
    jackknife = R["survey", "jackknife"]
    assert row["estimate"] == pytest.approx(jackknife["alpha"], rel=1e-12)
    # The jackknife of 60 PSUs differs from the linearised error by a term of second order.
    assert row["std_error"] == pytest.approx(jackknife["std_error"], rel=0.03)
    assert row["df"] == 48
    assert row["conf_low"] < row["estimate"] < row["conf_high"] < 1


# They optimise to about 1e-5 by default; psych rounds the bivariate normal to about 1e-6.
@pytest.mark.parametrize(("program", "tolerance"), [("psych", 1e-4), ("lavaan", 2e-5), ("polycor", 1e-4)])
def test_polychoric_correlations(frame: pd.DataFrame, program: str, tolerance: float) -> None:
    theirs = R[program, "polychoric"]
    ours = _matrix(frame, frame["weight"].to_numpy() if program == "polycor" else np.ones(len(frame)))
    assert np.abs(ours[theirs.index] - theirs).max() < tolerance


@pytest.mark.parametrize("n_factors", [1, 2])
def test_factors_of_a_matrix(n_factors: int) -> None:
    matrix = np.eye(len(ITEMS))
    for name, value in R["factors", "matrix"].items():
        i, j = (ITEMS.index(part) for part in name.split(" * "))
        matrix[i, j] = matrix[j, i] = value
    ours = factor_solution(matrix, n_factors)
    order = np.argsort(-np.abs(ours.loadings[0]))
    for k in range(n_factors):
        theirs = R["factors", f"loadings {n_factors} {k + 1}"].to_numpy()
        # Two optimisers of one likelihood; psych's stops at about four digits.
        assert ours.loadings[:, order[k]] == pytest.approx(theirs, abs=1e-3)
    assert ours.rmsr == pytest.approx(R["factors", f"rmsr {n_factors}"].item(), abs=1e-4)
    if n_factors == 2:
        assert abs(ours.correlation[0, 1]) == pytest.approx(R["factors", "correlation"].item(), abs=1e-3)
