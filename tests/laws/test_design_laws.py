"""What must be true of the design-based variance, whatever the design."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coprodstats import SurveyDesign, means, proportions
from coprodstats.survey.design import design_df, design_variance, resolve_design

law = settings(deadline=None, max_examples=40, derandomize=True, database=None)
SEEDS = st.integers(0, 10_000)


def draw(seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """A frame whose strata all have two PSUs at least, and influences of three estimators."""
    rng = np.random.default_rng(seed)
    n, strata, per = int(rng.integers(30, 120)), int(rng.integers(1, 5)), int(rng.integers(2, 6))
    stratum = np.resize(np.arange(strata), n)
    psu = stratum * 100 + np.resize(np.repeat(np.arange(per), strata), n)
    frame = pd.DataFrame(
        {
            "stratum": stratum,
            "psu": psu,
            "w": rng.uniform(0.2, 4, n),
            "y": rng.normal(size=n),
            "g": pd.Categorical(np.resize(["a", "b"], n)),
        }
    )
    order = rng.permutation(n)
    return frame.iloc[order].reset_index(drop=True), rng.normal(size=(n, 3))


def variance(frame: pd.DataFrame, z: np.ndarray, **design: object) -> np.ndarray:
    return design_variance(z, resolve_design(SurveyDesign(**design), frame))


@law
@given(SEEDS)
def test_one_stratum_of_single_respondents_is_the_textbook_sandwich(seed: int) -> None:
    frame, z = draw(seed)
    n = len(frame)
    deviations = z - z.mean(axis=0)
    assert variance(frame, z) == pytest.approx(n / (n - 1) * deviations.T @ deviations, rel=1e-12, abs=1e-12)


@law
@given(SEEDS)
def test_the_variance_is_the_sum_over_strata(seed: int) -> None:
    frame, z = draw(seed)
    parts = [variance(part, z[part.index.to_numpy()], psu="psu") for _, part in frame.groupby("stratum")]
    assert variance(frame, z, strata="stratum", psu="psu") == pytest.approx(sum(parts), rel=1e-11, abs=1e-12)


@law
@given(SEEDS)
def test_adding_up_rows_within_psus_first_changes_nothing(seed: int) -> None:
    frame, z = draw(seed)
    totals = pd.DataFrame(z).groupby(frame["psu"]).sum()
    strata = frame.groupby("psu")["stratum"].first().reset_index()
    merged = variance(strata, totals.to_numpy(), strata="stratum", psu="psu")
    assert variance(frame, z, strata="stratum", psu="psu") == pytest.approx(merged, rel=1e-11, abs=1e-12)


@law
@given(SEEDS, st.floats(-50, 50))
def test_scaling_the_influence_scales_the_variance_by_the_square(seed: int, factor: float) -> None:
    frame, z = draw(seed)
    one = variance(frame, z, strata="stratum", psu="psu")
    assert variance(frame, z * factor, strata="stratum", psu="psu") == pytest.approx(
        one * factor**2, rel=1e-10, abs=1e-9
    )


@law
@given(SEEDS)
def test_linear_combinations_carry_over(seed: int) -> None:
    frame, z = draw(seed)
    combine = np.random.default_rng(seed + 1).normal(size=(3, 2))
    one = variance(frame, z, strata="stratum", psu="psu")
    other = variance(frame, z @ combine, strata="stratum", psu="psu")
    assert other == pytest.approx(combine.T @ one @ combine, rel=1e-10, abs=1e-10)


@law
@given(SEEDS)
def test_the_matrix_is_symmetric_and_never_negative(seed: int) -> None:
    frame, z = draw(seed)
    v = variance(frame, z, strata="stratum", psu="psu")
    assert np.array_equal(v, v.T)
    assert np.linalg.eigvalsh(v).min() >= -1e-12 * np.abs(v).max()


@law
@given(SEEDS)
def test_names_and_order_are_irrelevant(seed: int) -> None:
    frame, z = draw(seed)
    rng = np.random.default_rng(seed + 2)
    shift = dict(enumerate(rng.permutation(list("vwxyz"))))
    order = rng.permutation(len(frame))
    renamed = frame.assign(
        stratum=frame["stratum"].map(shift), psu="p" + (frame["psu"] * 31 % 997).astype("str")
    )
    one = variance(frame, z, strata="stratum", psu="psu")
    other = variance(renamed.iloc[order], z[order], strata="stratum", psu="psu")
    assert other == pytest.approx(one, rel=1e-11, abs=1e-12)


@law
@given(SEEDS)
def test_ids_numbered_anew_in_each_stratum_are_the_same_design(seed: int) -> None:
    frame, z = draw(seed)
    anew = frame.assign(psu=frame["psu"] % 100)
    one = variance(frame, z, strata="stratum", psu="psu")
    assert variance(anew, z, strata="stratum", psu="psu", nested=True) == pytest.approx(
        one, rel=1e-12, abs=1e-13
    )


@law
@given(SEEDS, st.floats(0.01, 1.0))
def test_a_sampling_fraction_shrinks_every_variance_alike(seed: int, fraction: float) -> None:
    frame, z = draw(seed)
    one = variance(frame, z, strata="stratum", psu="psu")
    other = variance(frame.assign(f=fraction), z, strata="stratum", psu="psu", fpc="f")
    assert other == pytest.approx(one * (1 - fraction), rel=1e-9, abs=1e-12)


@law
@given(SEEDS)
def test_rules_for_lonely_psus_are_ordered_and_idle_without_them(seed: int) -> None:
    frame, z = draw(seed)
    one = variance(frame, z, strata="stratum", psu="psu")
    rules = {
        r: variance(frame, z, strata="stratum", psu="psu", lonely_psu=r)
        for r in ("remove", "adjust", "average")
    }
    assert all(np.array_equal(v, one) for v in rules.values())
    alone = pd.concat([frame, frame.iloc[:1].assign(stratum=99, psu=9999)], ignore_index=True)
    more = np.vstack([z, z[:1]])
    with_one = {r: np.diag(variance(alone, more, strata="stratum", psu="psu", lonely_psu=r)) for r in rules}
    assert with_one["remove"] == pytest.approx(np.diag(one), rel=1e-12)
    assert (with_one["adjust"] >= with_one["remove"]).all()
    h = frame["stratum"].nunique()
    assert with_one["average"] == pytest.approx(np.diag(one) * (h + 1) / h, rel=1e-12)


@law
@given(SEEDS)
def test_degrees_of_freedom_never_grow_with_fewer_rows(seed: int) -> None:
    frame, _ = draw(seed)
    bound = resolve_design(SurveyDesign(strata="stratum", psu="psu"), frame)
    everyone = np.ones(len(frame), dtype=bool)
    some = frame["g"].eq("a").to_numpy() | (np.arange(len(frame)) > len(frame) // 2)
    assert design_df(bound, everyone) == frame["psu"].nunique() - frame["stratum"].nunique()
    assert design_df(bound, some, rule="r") <= design_df(bound, everyone, rule="r")


# --- descriptions ---


@law
@given(SEEDS)
def test_a_group_is_the_subset_when_groups_are_strata(seed: int) -> None:
    frame, _ = draw(seed)
    frame["nation"] = frame["stratum"].astype("category")
    whole = means(frame, "y", by="nation", design=SurveyDesign(weights="w", strata="stratum", psu="psu"))
    for _, row in whole.iterrows():
        part = frame[frame["nation"] == row["nation"]].assign(nation=0)
        alone = means(part, "y", design=SurveyDesign(weights="w", psu="psu")).iloc[0]
        assert [row["estimate"], row["std_error"], row["df"]] == pytest.approx(
            [alone["estimate"], alone["std_error"], alone["df"]], rel=1e-11
        )


@law
@given(SEEDS, st.floats(-100, 100), st.floats(0.01, 100))
def test_shift_and_scale_of_a_mean(seed: int, shift: float, scale: float) -> None:
    frame, _ = draw(seed)
    design = SurveyDesign(weights="w", strata="stratum", psu="psu")
    one, other = (
        means(f, "y", design=design).iloc[0] for f in (frame, frame.assign(y=shift + scale * frame["y"]))
    )
    assert other["estimate"] == pytest.approx(shift + scale * one["estimate"], rel=1e-9, abs=1e-9)
    assert other["std_error"] == pytest.approx(scale * one["std_error"], rel=1e-7)


@law
@given(SEEDS)
def test_shares_add_up_and_complements_have_the_same_error(seed: int) -> None:
    frame, _ = draw(seed)
    found = proportions(frame, "g", design=SurveyDesign(weights="w", strata="stratum", psu="psu"))
    assert found["estimate"].sum() == pytest.approx(1, rel=1e-14)
    assert found["std_error"].iloc[0] == pytest.approx(found["std_error"].iloc[1], rel=1e-10)
    assert found["conf_low"].iloc[0] == pytest.approx(1 - found["conf_high"].iloc[1], rel=1e-9)
