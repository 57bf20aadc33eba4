"""From where the search begins: a maximum that exists is found, wherever some of the rows lead to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.models.blocks import sort_rows
from coprodstats.models.links import LINKS
from coprodstats.models.search import Thinned, maximise_rows

NAMES = list("abcdefgh")


def rare(seed: int, events: int, n: int = 50_000) -> tuple[np.ndarray, np.ndarray]:
    """Return predictors and an outcome that few have: an eighth of the rows hardly knows it."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(NAMES)))
    latent = x @ np.linspace(-0.5, 0.5, len(NAMES)) + rng.logistic(size=n)
    return x, (latent > np.sort(latent)[-events - 1]).astype(np.intp)


@pytest.mark.parametrize(("seed", "events"), [(2, 5), (2, 12), (0, 5), (1, 12)])
def test_rare_events_among_many_rows_have_a_maximum(seed: int, events: int) -> None:
    x, y = rare(seed, events)
    model = cps.logit("y ~ " + " + ".join(NAMES), pd.DataFrame(x, columns=NAMES).assign(y=y))
    assert model.convergence.converged
    # the score of the textbook: residuals that are orthogonal to all predictors
    p = 1 / (1 + np.exp(-(model.params["Intercept"] + x @ model.params[NAMES].to_numpy())))
    assert np.abs(np.column_stack([np.ones(len(y)), x]).T @ (y - p)).max() < 1e-9 * events


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "loglog"])
@pytest.mark.parametrize("events", [3, 12])
def test_a_rare_category_among_many_rows_gives_no_warning(events: int, link: str) -> None:
    rng = np.random.default_rng(events)
    x = rng.normal(size=(50_000, 2))
    y = np.digitize(x @ [0.5, 0.2] + rng.logistic(size=len(x)), [-1.0, 0.0, 1.0])
    y[rng.permutation(len(y))[:events]] = 4
    grades = pd.Categorical.from_codes(y, categories=list("vwxyz"), ordered=True)
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(y=grades)
    found = cps.ologit("y ~ a + b", frame, link=link)
    assert found.convergence.converged
    assert found.convergence.digits >= 12


def test_a_start_that_is_worse_than_none_is_not_taken() -> None:
    x, y = rare(0, 2_000, 9_000)
    rows, _ = sort_rows(x, y, np.ones(len(y)), 1)
    link = LINKS["logit"]
    truth = maximise_rows(rows, link)
    for far in (30.0, 1e6, np.nan):
        few = replace(truth, theta=truth.theta + far)
        found = maximise_rows(rows, link, start=Thinned(fit=few, one_in=8.0))
        # each stops within a billionth of a standard error
        errors = 1 / np.sqrt(np.diag(truth.information))
        assert np.abs((found.theta - truth.theta) / errors).max() < 1e-8
