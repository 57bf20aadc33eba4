"""Heterogeneity of groups against R's metafor."""

from __future__ import annotations

import numpy as np
import pytest

from coprodstats.models.heterogeneity import Heterogeneity, heterogeneity

from .golden_numbers import cases, numbers


def found(case: str) -> Heterogeneity:
    r = numbers("heterogeneity")
    y = r[case, "estimate"].to_numpy()
    result = heterogeneity(y, r[case, "covariance"].to_numpy().reshape(len(y), len(y)))
    assert result is not None
    return result


@pytest.mark.parametrize("case", cases("heterogeneity", "summary"))
def test_heterogeneity_and_the_random_effects_summary(case: str) -> None:
    ours, theirs = found(case), numbers("heterogeneity")[case, "summary"].drop("plain_se", errors="ignore")
    # rma iterates to 1e-14 in tau²; rma.mv's optimiser stops where the likelihood is flat.
    tolerance = 1e-9 if "i_squared" in theirs.index else 5e-6
    for name, value in theirs.items():
        assert getattr(ours, name) == pytest.approx(value, rel=tolerance, abs=1e-12), name


@pytest.mark.parametrize("case", ["correlated", "against each other"])
def test_correlated_errors_scale_the_plain_standard_error(case: str) -> None:
    """Hartung and Knapp: the plain standard error times sqrt(Q* / (G - 1)), where that is above 1."""
    r, ours = numbers("heterogeneity"), found(case)
    y = r[case, "estimate"].to_numpy()
    total = r[case, "covariance"].to_numpy().reshape(len(y), len(y)) + ours.tau**2 * np.eye(len(y))
    spread = (y - ours.mean) @ np.linalg.solve(total, y - ours.mean) / (len(y) - 1)
    assert ours.std_error == pytest.approx(r[case, "summary"]["plain_se"] * max(1, spread) ** 0.5, rel=5e-6)


def test_errors_that_are_not_free_of_each_other_have_no_summary() -> None:
    assert heterogeneity(np.array([1.0, 2.0]), np.ones((2, 2))) is None
    assert heterogeneity(np.array([1.0, 2.0]), np.zeros((2, 2))) is None
