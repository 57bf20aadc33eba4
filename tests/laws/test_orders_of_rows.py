"""A model knows nothing of the order of its rows: all its numbers have the same bits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import coprodstats as cps

ORDERS = 8
DESIGN = cps.SurveyDesign(weights="weight", strata="stratum", psu="psu")


def survey(n: int) -> pd.DataFrame:
    """Return a survey in which a predictor is far from normal and two are correlated."""
    rng = np.random.default_rng(n)
    frame = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "income": np.exp(rng.normal(8, 1, n)),
            "region": rng.choice(["east", "north", "south", "west"], n),
            "trust": rng.integers(0, 11, n).astype(float),
            "psu": rng.integers(0, n // 20, n),
            "weight": rng.gamma(2.0, 0.7, n),
        }
    )
    frame["years"] = frame["age"] / 3 + rng.normal(size=n)
    frame["stratum"] = frame["psu"] // 7
    latent = frame["age"] / 60 + 0.1 * frame["trust"] + (frame["region"] == "west") + rng.logistic(size=n)
    grades = np.digitize(latent, [0.4, 1.4, 2.6])
    frame["grade"] = pd.Categorical.from_codes(
        grades, categories=["low", "some", "more", "high"], ordered=True
    )
    frame["yes"] = (latent + rng.logistic(size=n) > 2.0).astype(int)
    return frame


# Below 10,000 rows all are taken at once; above, some begin; above 20,000 some are prepared beforehand.
@pytest.mark.parametrize("n", [1_200, 7_000, 13_000, 26_000])
@pytest.mark.parametrize("outcome", ["yes", "grade"])
def test_all_bits_are_the_same_in_any_order(n: int, outcome: str) -> None:
    frame = survey(n)
    formula = f"{outcome} ~ age + years + trust + income + C(region)"
    for link in ("logit",) if outcome == "yes" else ("logit", "cloglog"):
        models = []
        for order in range(ORDERS):
            rows = frame if order == 0 else frame.sample(frac=1.0, random_state=order, ignore_index=True)
            fit = cps.logit(formula, rows, design=DESIGN) if outcome == "yes" else None
            models.append(fit or cps.ologit(formula, rows, link=link, design=DESIGN))
        first, *others = models
        for other in others:
            assert np.array_equal(first.theta, other.theta)
            assert np.array_equal(first.covariance_matrix, other.covariance_matrix)
            for vce in ("delta", "unconditional"):
                pd.testing.assert_frame_equal(
                    cps.margins(first, "trust", vce=vce),
                    cps.margins(other, "trust", vce=vce),
                    check_exact=True,
                )


def test_fits_on_several_threads_have_the_same_bits() -> None:
    frame = survey(13_000)
    formulas = [
        f"yes ~ {right}" for right in ("age + trust", "years + income", "age + C(region)", "trust")
    ] * 3

    def fit(formula: str) -> np.ndarray:
        return cps.logit(formula, frame, design=DESIGN).covariance_matrix

    alone = [fit(formula) for formula in formulas]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(alone, pool.map(fit, formulas), strict=True):
            assert np.array_equal(one, other)
