"""Two thousand data sets whose status is known by construction, and what we say of each."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.errors import SeparationError
from coprodstats.models.separation import separating_direction
from coprodstats.models.standard import standardise

from .separation_cases import Case, cases, gains, outside_rows

COUNT = 2_000
SEED = 20_110_617
FITTED = 60  # of these also through the public functions


@cache
def all_cases() -> tuple[Case, ...]:
    return tuple(cases(COUNT, SEED))


def test_planted_directions_separate():
    planted = [case for case in all_cases() if case.direction is not None]
    assert len(planted) > COUNT / 3
    for case in planted:
        gained = gains(case, case.direction)
        assert case.separated
        assert gained.min() >= 0
        assert gained.max() > 0


def test_cases_are_of_all_kinds():
    found = all_cases()
    assert abs(sum(case.separated for case in found) - COUNT // 2) < 10
    assert (
        min(sum(case.separated == status for case in found if case.n_cuts == 1) for status in (True, False))
        > 200
    )
    assert {case.n_cuts for case in found} == {1, 2, 3, 4, 6}


def test_no_verdict_is_wrong():
    wrong = []
    for case in all_cases():
        _, _, standard = standardise(case.x.astype(float), np.ones(len(case.y)))
        said = separating_direction(standard, case.y, case.n_cuts) is not None
        if said != case.separated:
            wrong.append((case.kind, case.x.shape, case.n_cuts, case.separated))
    assert wrong == []


def frame_of(case: Case, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a frame with the case as its domain, and rows around it that would decide otherwise."""
    x, y = outside_rows(rng, case)
    inside = np.concatenate([np.ones(len(case.y), dtype=bool), np.zeros(len(y), dtype=bool)])
    both = np.vstack([case.x, x])
    order = rng.permutation(len(inside))
    frame = pd.DataFrame(both[order], columns=[f"x{j}" for j in range(both.shape[1])])
    names = [f"c{k}" for k in range(case.n_cuts + 1)]
    codes = np.concatenate([case.y, y])[order]
    frame["y"] = pd.Categorical.from_codes(codes, categories=names, ordered=True)
    return frame, inside[order]


@pytest.mark.parametrize("status", [True, False])
def test_fits_stop_exactly_where_the_domain_is_separated(*, status: bool):
    rng = np.random.default_rng(SEED)
    chosen = [case for case in all_cases() if case.separated == status][: FITTED // 2]
    for case in chosen:
        frame, inside = frame_of(case, rng)
        fit = cps.logit if case.n_cuts == 1 else cps.ologit
        formula = "y ~ " + " + ".join(c for c in frame.columns if c != "y")
        if status:
            with pytest.raises(SeparationError, match="infini"):
                fit(formula, frame, domain=inside)
        else:
            assert fit(formula, frame, domain=inside).convergence.converged
