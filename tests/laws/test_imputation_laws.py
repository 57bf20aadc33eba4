"""What must be true of every imputation and every combination, whatever the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import coprodstats as cps
from coprodstats.models.imputation_models import draw_nominal, draw_ordered
from coprodstats.models.pooling import barnard_rubin, combine

law = settings(
    deadline=None,
    max_examples=10,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
DESIGN = cps.SurveyDesign(weights="w", strata="region", psu="town", lonely_psu="adjust")
VARIABLES = ["age", "helps", "trust", "nation"]
SEEDS = st.integers(0, 10_000)


def draw(seed: int, *, share: float = 0.2, n: int = 180) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    region = np.arange(n) * 3 // n
    frame = pd.DataFrame(
        {
            "w": rng.uniform(0.5, 3, n),
            "region": region,
            "town": region * 10 + rng.integers(0, 5, n),
            "age": rng.integers(18, 90, n).astype(float),
            "nation": pd.Categorical(rng.choice(["CZ", "DK", "FR"], n)),
        }
    )
    latent = 0.02 * (frame["age"] - 50) + rng.logistic(size=n)
    frame["helps"] = pd.Categorical(np.where(latent > 0, "yes", "no"))
    frame["trust"] = pd.cut(
        latent + rng.normal(size=n), [-np.inf, -1, 1, np.inf], labels=["low", "some", "high"]
    )
    for name in VARIABLES:
        frame[name] = frame[name].mask(rng.random(n) < share)
    return frame


def imputed(frame: pd.DataFrame, seed: int, m: int = 2) -> cps.Imputations:
    return cps.impute(frame, VARIABLES, seed=seed, m=m, iterations=2, design=DESIGN)


def fit(data: pd.DataFrame) -> cps.FittedModel:
    return cps.logit("helps ~ age + nation", data, design=DESIGN)


@law
@given(SEEDS, st.floats(0.02, 0.5))
def test_only_gaps_change_and_only_declared_values_come(seed: int, share: float) -> None:
    frame = draw(seed, share=share)
    for completed in imputed(frame, seed):
        assert not completed.isna().any().any()
        for name in frame:
            seen = frame[name].notna()
            assert completed.loc[seen, name].tolist() == frame.loc[seen, name].tolist()
            assert set(completed[name]) <= set(frame[name].dropna())


@law
@given(SEEDS)
def test_the_same_seed_gives_the_same_whatever_m_is(seed: int) -> None:
    frame = draw(seed)
    two, again, three, other = (
        imputed(frame, s, m) for s, m in ((seed, 2), (seed, 2), (seed, 3), (seed + 1, 2))
    )
    for k in (1, 2):
        pd.testing.assert_frame_equal(two.completed(k), again.completed(k))
        pd.testing.assert_frame_equal(two.completed(k), three.completed(k))
    pd.testing.assert_frame_equal(two.trace, again.trace)
    assert not two.completed(1).equals(other.completed(1))


@law
@given(SEEDS)
def test_the_scale_of_the_weights_and_the_names_of_strata_play_no_part(seed: int) -> None:
    frame = draw(seed)
    # Powers of two: the logarithms differ by a constant up to rounding, which decides nothing.
    other = frame.assign(w=frame["w"] * 1024, region="region " + frame["region"].astype(str))
    for one, two in zip(imputed(frame, seed), imputed(other, seed), strict=True):
        pd.testing.assert_frame_equal(one[VARIABLES], two[VARIABLES])


@law
@given(SEEDS)
def test_with_nothing_missing_the_combination_is_the_fit(seed: int) -> None:
    frame = draw(seed, share=0.0)
    found = imputed(frame, seed, m=3)
    pooled = cps.pool(found, fit)
    own, table = fit(frame), pooled.to_frame()
    assert table["estimate"].tolist() == own.estimates.tolist()
    assert table["std_error"].tolist() == own.bse.tolist()
    assert table["fmi"].eq(0).all()
    assert table["riv"].eq(0).all()
    d = own.design_df
    np.testing.assert_allclose(table["df"], d * (d + 1) / (d + 3), rtol=1e-12)
    single, joint = cps.wald_test(own, ["age", "nation"]), cps.pooled_wald_test(pooled, ["age", "nation"])
    np.testing.assert_allclose(joint.statistic, single.statistic, rtol=1e-9)


@law
@given(SEEDS, st.integers(2, 30), st.floats(3, 500))
def test_combinations_keep_their_bounds(seed: int, m: int, d: float) -> None:
    rng = np.random.default_rng(seed)
    estimates = rng.normal(size=(m, 3)) * rng.uniform(0, 2, 3)
    found = combine(estimates, np.array([np.diag(rng.uniform(0.1, 2, 3)) for _ in range(m)]), complete_df=d)
    assert ((found.fmi >= 0) & (found.fmi <= 1)).all()
    # Missing values cost precision and degrees of freedom, and a larger design never has fewer of those.
    assert (found.std_error**2 >= np.diag(found.within)).all()
    assert (found.df < d).all()
    assert (barnard_rubin(found.missing_share, m, 2 * d) > found.df).all()
    shuffled = rng.permutation(m)
    again = combine(estimates[shuffled], np.array([found.within] * m), complete_df=d)
    np.testing.assert_allclose(again.between, found.between, rtol=1e-9, atol=1e-12)


@law
@given(SEEDS, st.integers(2, 5), st.integers(1, 4))
def test_draws_stay_within_the_categories_whatever_the_predictors(seed: int, k: int, p: int) -> None:
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), rng.integers(0, k, 20)])
    # Columns that tell a category perfectly, that are constant, and that repeat each other.
    x = np.column_stack([y == 0, np.ones(len(y)), rng.normal(size=(len(y), p)), y == k - 1, y == 0]).astype(
        float
    )
    x_new = np.vstack([x, 20 * x])
    for draw_ in (draw_ordered, draw_nominal):
        drawn, mode = draw_(x, y, x_new, n_categories=k, rng=rng)
        assert set(drawn) <= set(range(k))
        assert np.isfinite(mode).all()
