"""Respondents who are alike are fitted together: every number is that of the respondents one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coprodstats import SurveyDesign, logit, ologit
from coprodstats.models import prepare
from coprodstats.models.results import FittedModel

N = 1_500
DESIGN = SurveyDesign(weights="w", strata="stratum", psu="town")
WAYS: tuple[dict[str, Any], ...] = (
    {"design": DESIGN}, {}, {"covariance": "model"}, {"design": SurveyDesign(weights="w")},
    {"design": DESIGN, "domain": "late"},
)  # fmt: skip


def survey(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "kind": pd.Categorical(rng.choice(list("abc"), N)),
            "late": rng.random(N) < 0.5,
            "items": rng.integers(0, 4, N),
            "w": rng.uniform(0.3, 3, N),
            "stratum": np.arange(N) % 10,
        }
    )
    latent = (frame["kind"] == "b") * 0.6 - 0.2 * frame["items"] + 0.3 * frame["late"] + rng.logistic(size=N)
    grade = pd.Categorical.from_codes(np.digitize(latent, [-1, 0, 1]), list("ABCD"), ordered=True)
    town = frame["stratum"] * 100 + rng.integers(0, 6, N)
    return frame.assign(grade=grade, agrees=(latent > 0).astype(int), town=town)


def fitted(outcome: str, frame: pd.DataFrame, way: dict[str, Any]) -> FittedModel:
    options = {**way, "domain": frame["late"]} if "domain" in way else way
    right = "kind * items" if "domain" in way else "kind * late + items"
    return (logit if outcome == "agrees" else ologit)(f"{outcome} ~ {right}", frame, **options)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(WAYS), st.sampled_from(["agrees", "grade"]))
def test_numbers_are_those_of_respondents_one_by_one(seed: int, way: dict[str, Any], outcome: str) -> None:
    frame = survey(seed)
    together = fitted(outcome, frame, way)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(prepare, "find_patterns", lambda *_: None)
        one_by_one = fitted(outcome, frame, way)
    assert len(together.influence_source.scores.rows.w) < len(one_by_one.influence_source.scores.rows.w) / 4
    # a few units in the last place, of standard errors where estimates are small
    gap = np.abs(together.params - one_by_one.params) / one_by_one.bse
    assert gap.max() < 1e-13
    assert together.cov_params().to_numpy() == pytest.approx(
        one_by_one.cov_params().to_numpy(), rel=1e-11, abs=1e-16
    )
    assert together.bse.to_numpy() == pytest.approx(one_by_one.bse.to_numpy(), rel=1e-13)
    assert together.llf == pytest.approx(one_by_one.llf, rel=1e-14)
    size = np.abs(one_by_one.influence).max()
    assert together.influence == pytest.approx(one_by_one.influence, rel=1e-11, abs=1e-13 * size)
    assert together.dropped.equals(one_by_one.dropped)
