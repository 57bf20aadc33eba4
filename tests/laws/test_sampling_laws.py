"""What must be true of replicate weights and of sampling in stages, whatever the design."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coprodstats import SurveyDesign, crosstab, means, proportions, replicate_design
from coprodstats.survey.design import design_df, design_variance, resolve_design

law = settings(deadline=None, max_examples=25, derandomize=True, database=None)
SEEDS = st.integers(0, 10_000)
PSUS = SurveyDesign(weights="w", strata="stratum", psu="psu")


def draw(seed: int, *, per: int | None = None, n: int | None = None) -> tuple[pd.DataFrame, np.ndarray]:
    """A frame in strata of several PSUs (``per`` each, if given), in any order; three influences."""
    rng = np.random.default_rng(seed)
    strata = int(rng.integers(2, 6))
    sizes = [per or int(rng.integers(2, 6)) for _ in range(strata)]
    n = n or int(rng.integers(60, 140))
    psu = np.resize(np.arange(sum(sizes)), n)
    stratum = np.repeat(np.arange(strata), sizes)[psu]
    shift = rng.normal(size=sum(sizes))[psu]
    frame = pd.DataFrame(
        {
            "stratum": stratum,
            "psu": psu,
            "w": rng.uniform(0.5, 4, n),
            "y": 5 + shift + rng.normal(size=n),
            "g": pd.Categorical(np.where(rng.random(n) < 0.4, "a", "b")),
            "h": pd.Categorical(np.where(rng.random(n) < 0.3, "x", "y")),
        }
    )
    order = rng.permutation(n)
    return frame.iloc[order].reset_index(drop=True), rng.normal(size=(n, 3))


def variance(frame: pd.DataFrame, z: np.ndarray, design: SurveyDesign) -> np.ndarray:
    return design_variance(z, resolve_design(design, frame))


# --- totals: replicates and linearisation are the same ---


@law
@given(SEEDS, st.booleans())
def test_the_jackknife_of_totals_is_linearisation(seed: int, mse: bool) -> None:  # noqa: FBT001
    frame, z = draw(seed)
    frame["f"] = np.random.default_rng(seed).uniform(0, 0.9, 6)[frame["stratum"]]
    for fpc in (None, "f"):
        design = SurveyDesign(weights="w", strata="stratum", psu="psu", fpc=fpc)
        jackknife = replicate_design(frame, design=design, method="jkn", mse=mse)
        assert variance(frame, z, jackknife) == pytest.approx(
            variance(frame, z, design), rel=1e-10, abs=1e-10
        )


@law
@given(SEEDS, st.sampled_from(["brr", "fay"]), st.floats(0, 0.9))
def test_balanced_half_samples_of_totals_are_linearisation(seed: int, method: str, rho: float) -> None:
    frame, z = draw(seed, per=2)
    more = {"fay_rho": rho} if method == "fay" else {}
    half = replicate_design(frame, design=PSUS, method=method, **more)
    assert variance(frame, z, half) == pytest.approx(variance(frame, z, PSUS), rel=1e-9, abs=1e-9)


# A variance from R replicates of a near-normal estimate has a standard error of sqrt(2 / (R - 1)) of itself,
# and few PSUs may widen that: five of them, and half as much again, as there are 25 examples of three.
def bootstrap_bound(many: int) -> float:
    return 1.5 * 5 * np.sqrt(2 / (many - 1))


@law
@given(SEEDS)
def test_the_bootstrap_of_totals_converges_to_linearisation(seed: int) -> None:
    frame, z = draw(seed)
    wanted = np.diag(variance(frame, z, PSUS))
    for many in (200, 4000):
        made = replicate_design(frame, design=PSUS, method="bootstrap", n_replicates=many, seed=seed)
        assert np.diag(variance(frame, z, made)) == pytest.approx(wanted, rel=bootstrap_bound(many))


# --- means: they agree as PSUs grow ---


@pytest.mark.parametrize("method", ["jkn", "brr"])
def test_replicates_of_a_mean_approach_linearisation_as_psus_grow(method: str) -> None:
    # The terms of second order in a ratio are of the order of a PSU's share of the weight.
    apart = []
    for pairs in (8, 80, 400):
        rng = np.random.default_rng(pairs)
        psu = np.repeat(np.arange(2 * pairs), 3)
        frame = pd.DataFrame({"stratum": psu // 2, "psu": psu, "w": rng.uniform(1, 3, len(psu))})
        frame["y"] = 5 + rng.normal(size=2 * pairs)[psu] + rng.normal(size=len(psu))
        linear = means(frame, "y", design=PSUS)["std_error"].item()
        replicated = means(frame, "y", design=replicate_design(frame, design=PSUS, method=method))
        apart.append(abs(replicated["std_error"].item() / linear - 1))
    assert apart[0] < 0.1
    assert apart[1] < 0.01
    assert apart[2] < 0.002


@law
@given(SEEDS)
def test_the_first_order_variance_of_a_mean_is_near_that_of_its_replicates(seed: int) -> None:
    frame, _ = draw(seed, n=1000)
    design = replicate_design(frame, design=PSUS, method="jkn")
    row = means(frame, "y", design=design).iloc[0]
    z = (frame["w"] * (frame["y"] - row["estimate"]) / frame["w"].sum()).to_numpy()[:, None]
    # Each PSU has a tenth of the weight or so.
    assert np.sqrt(variance(frame, z, design)[0, 0]) == pytest.approx(row["std_error"], rel=0.25)


# --- what changes nothing ---

METHODS = st.sampled_from(["jkn", "brr", "bootstrap", "sdr"])


def declared(frame: pd.DataFrame, method: str) -> SurveyDesign:
    more = {
        "bootstrap": {"n_replicates": 30, "seed": 5},
        "sdr": {"order": "psu"},
    }.get(method, {})
    return replicate_design(frame, design=PSUS, method=method, **more)


@law
@given(SEEDS, METHODS)
def test_a_domain_is_weights_of_zero_outside_it(seed: int, method: str) -> None:
    frame, _ = draw(seed, per=2)
    design = declared(frame, method)
    inside = means(frame, "y", by="g", design=design).iloc[0]
    zero = means(frame.assign(w=frame["w"].where(frame["g"] == "a", 0.0)), "y", design=design).iloc[0]
    for quantity in ("estimate", "std_error", "df", "conf_low", "conf_high", "n", "design_effect"):
        assert zero[quantity] == pytest.approx(inside[quantity], rel=1e-11)


@law
@given(SEEDS, METHODS)
def test_the_order_of_rows_is_irrelevant(seed: int, method: str) -> None:
    frame, _ = draw(seed, per=2)
    design = declared(frame, method)
    other = frame.iloc[np.random.default_rng(seed).permutation(len(frame))].reset_index(drop=True)
    one, two = (proportions(data, "g", by="h", design=design) for data in (frame, other))
    numbers = ["estimate", "std_error", "df", "conf_low", "conf_high"]
    assert two[numbers].to_numpy(float) == pytest.approx(one[numbers].to_numpy(float), rel=1e-9)


@law
@given(SEEDS, METHODS, st.floats(1e-3, 1e3))
def test_the_scale_of_the_weights_cancels(seed: int, method: str, scale: float) -> None:
    frame, _ = draw(seed, per=2)
    design = declared(frame, method)
    one, two = (
        crosstab(data, "g", "h", design=design) for data in (frame, frame.assign(w=frame["w"] * scale))
    )
    for test in ("rao_scott", "wald"):
        assert getattr(two, test).statistic == pytest.approx(getattr(one, test).statistic, rel=1e-7)
    columns = ["cell", "cell_std_error", "of_row", "of_row_std_error", "of_column", "of_column_std_error"]
    assert two.to_frame()[columns].to_numpy() == pytest.approx(one.to_frame()[columns].to_numpy(), rel=1e-9)


@law
@given(SEEDS)
def test_given_replicate_weights_are_the_made_ones(seed: int) -> None:
    frame, z = draw(seed)
    made = replicate_design(frame, design=PSUS, method="jkn")
    replication = resolve_design(made, frame).replication
    names = [f"r{r}" for r in range(replication.n_replicates)]
    columns = pd.concat([frame, pd.DataFrame(replication.weights, columns=names)], axis=1)
    given_ = SurveyDesign(
        weights="w", replicate_weights=names, replicate_method="jkn", rscales=replication.rscales
    )
    assert variance(columns, z, given_) == pytest.approx(variance(frame, z, made), rel=1e-12, abs=1e-13)
    everyone = np.ones(len(frame), dtype=bool)
    assert design_df(resolve_design(given_, columns), everyone) == design_df(
        resolve_design(made, frame), everyone
    )


# --- stages ---


@law
@given(SEEDS)
def test_a_census_within_psus_is_one_stage(seed: int) -> None:
    frame, z = draw(seed)
    frame = frame.assign(f=0.3, whole=1.0, home=np.arange(len(frame)) // 2)
    one = variance(frame, z, SurveyDesign(weights="w", strata="stratum", psu="psu", fpc="f"))
    two = SurveyDesign(weights="w", strata="stratum", psu=("psu", "home"), fpc=("f", "whole"))
    assert variance(frame, z, two) == pytest.approx(one, rel=1e-12, abs=1e-13)


@law
@given(SEEDS)
def test_psus_that_are_all_sampled_are_strata(seed: int) -> None:
    frame, z = draw(seed)
    frame = frame.assign(whole=1.0, f=0.3)
    stages = SurveyDesign(weights="w", strata="stratum", psu=("psu", None), fpc=("whole", "f"))
    strata = SurveyDesign(weights="w", strata="psu", fpc="f")
    rules = {"lonely_psu": "remove"}
    one, two = (variance(frame, z, SurveyDesign(**_fields(d), **rules)) for d in (stages, strata))
    assert one == pytest.approx(two, rel=1e-11, abs=1e-12)


def _fields(design: SurveyDesign) -> dict[str, object]:
    return {name: getattr(design, name) for name in ("weights", "strata", "psu", "fpc")}


@law
@given(SEEDS, st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_a_later_stage_adds_to_the_variance_and_more_so_with_a_smaller_fraction(
    seed: int, first: float, second: float
) -> None:
    frame, z = draw(seed)
    frame = frame.assign(f=first, s=second)
    rule = {"weights": "w", "strata": "stratum", "lonely_psu": "remove"}
    one = np.diag(variance(frame, z, SurveyDesign(**rule, psu="psu", fpc="f")))
    two = np.diag(variance(frame, z, SurveyDesign(**rule, psu=("psu", None), fpc=("f", "s"))))
    assert (two >= one).all()
    less = np.diag(
        variance(frame.assign(s=second / 2), z, SurveyDesign(**rule, psu=("psu", None), fpc=("f", "s")))
    )
    assert (less >= two * (1 - 1e-12)).all()
