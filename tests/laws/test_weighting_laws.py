"""What must be true of calibrated weights and of two-way tables, whatever the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from coprodstats import SurveyDesign, means
from coprodstats.survey.crosstab import crosstab
from coprodstats.survey.design import design_variance, resolve_design
from coprodstats.survey.trimming import trim_weights, weight_diagnostics
from coprodstats.survey.weighting import (
    Weighting,
    calibrate,
    calibrated_design,
    calibrated_influence,
    post_stratify,
    rake,
)

law = settings(deadline=None, max_examples=30, derandomize=True, database=None)
SEEDS = st.integers(0, 10_000)
MARGINS = ("a", "b", "c")
DESIGN = SurveyDesign(weights="w", strata="stratum", psu="psu")


def draw(seed: int) -> pd.DataFrame:
    """A stratified cluster sample in which every cell of a, b and c has respondents."""
    rng = np.random.default_rng(seed)
    cells = pd.MultiIndex.from_product([list("xy"), list("lmh"), [1, 2]], names=MARGINS).to_frame(index=False)
    extra = cells.sample(int(rng.integers(30, 150)), replace=True, random_state=int(rng.integers(2**31)))
    frame = pd.concat([cells, extra], ignore_index=True)
    n = len(frame)
    stratum = np.resize(np.arange(3), n)
    psu = stratum * 100 + rng.permutation(np.resize(np.arange(5), n))
    frame = frame.assign(stratum=stratum, psu=psu, w=rng.uniform(0.2, 4, n), y=rng.normal(size=n))
    return frame.sample(frac=1, random_state=int(rng.integers(2**31))).reset_index(drop=True)


def margins_of(frame: pd.DataFrame, seed: int, total: float = 1000.0) -> dict[str, dict[object, float]]:
    """Population margins that differ from the sample's by up to a half."""
    rng = np.random.default_rng(seed + 1)
    made = {}
    for name in MARGINS:
        share = frame.groupby(name)["w"].sum()
        share = share * rng.uniform(0.7, 1.5, len(share))
        made[name] = (share / share.sum() * total).to_dict()
    return made


def reached(frame: pd.DataFrame, weights: pd.Series, by: str | list[str]) -> dict[object, float]:
    return weights.groupby([frame[name] for name in ([by] if isinstance(by, str) else by)]).sum().to_dict()


@law
@given(SEEDS)
def test_raked_and_linear_weights_reproduce_their_margins(seed: int) -> None:
    frame = draw(seed)
    margins = margins_of(frame, seed)
    for made in (
        rake(frame, margins, weights="w"),
        calibrate(frame, margins, totals={"y": 100.0}, distance="raking", weights="w"),
    ):
        for name, target in margins.items():
            assert reached(frame, made.weights, name) == pytest.approx(target, rel=1e-9)
    assert made.weights @ frame["y"] == pytest.approx(100, rel=1e-8)
    assert (made.weights > 0).all()


@law
@given(SEEDS)
def test_raking_to_the_full_cross_is_post_stratification(seed: int) -> None:
    frame = draw(seed)
    rng = np.random.default_rng(seed + 2)
    cells = frame.groupby(list(MARGINS))["w"].sum() * rng.uniform(0.5, 2.0, 12)
    raked, post = (f(frame, {MARGINS: cells.to_dict()}, weights="w") for f in (rake, post_stratify))
    assert raked.weights.to_numpy() == pytest.approx(post.weights.to_numpy(), rel=1e-11)
    linear = calibrate(frame, {MARGINS: cells.to_dict()}, weights="w")
    assert linear.weights.to_numpy() == pytest.approx(post.weights.to_numpy(), rel=1e-11)


@law
@given(SEEDS)
def test_margins_that_hold_already_change_nothing(seed: int) -> None:
    frame = draw(seed)
    margins = {name: frame.groupby(name)["w"].sum().to_dict() for name in MARGINS}
    totals = {"y": float(frame["w"] @ frame["y"])}
    for made in (
        rake(frame, margins, weights="w"),
        calibrate(frame, margins, totals=totals, weights="w"),
        post_stratify(frame, {"a": margins["a"]}, weights="w"),
    ):
        assert made.weights.to_numpy() == pytest.approx(frame["w"].to_numpy(), rel=1e-12)


@law
@given(SEEDS, st.floats(1e-3, 1e6), st.floats(1e-3, 1e6))
def test_weights_follow_the_population_and_forget_the_scale_before(
    seed: int, before: float, after: float
) -> None:
    frame = draw(seed)
    margins = margins_of(frame, seed)
    one = rake(frame, margins, weights="w").weights.to_numpy()
    scaled = {name: {k: v * after for k, v in given.items()} for name, given in margins.items()}
    other = rake(frame.assign(w=frame["w"] * before), scaled, weights="w").weights.to_numpy()
    assert other == pytest.approx(one * after, rel=1e-10)


@law
@given(SEEDS)
def test_order_of_rows_and_margins_is_irrelevant(seed: int) -> None:
    frame = draw(seed)
    margins = margins_of(frame, seed)
    one = rake(frame, margins, weights="w").weights
    mixed = frame.sample(frac=1, random_state=seed)
    turned = {name: dict(reversed(margins[name].items())) for name in reversed(MARGINS)}
    other = rake(mixed, turned, weights="w").weights
    assert other.sort_index().to_numpy() == pytest.approx(one.to_numpy(), rel=1e-10)


@law
@given(SEEDS)
def test_raked_weights_are_a_product_of_factors_of_the_margins(seed: int) -> None:
    frame = draw(seed)
    made = rake(frame, margins_of(frame, seed), weights="w")
    log_factor = np.log(made.weights / frame["w"])
    dummies = pd.get_dummies(frame[list(MARGINS)].astype(str), dtype=float).to_numpy()
    fitted = dummies @ np.linalg.lstsq(dummies, log_factor.to_numpy(), rcond=None)[0]
    assert fitted == pytest.approx(log_factor.to_numpy(), abs=1e-10)


# --- variances ---


def residual_variance(frame: pd.DataFrame, made: Weighting, z: np.ndarray) -> np.ndarray:
    bound = calibrated_design(resolve_design(DESIGN, frame), made)
    return design_variance(calibrated_influence(z, made, bound), bound)


@law
@given(SEEDS)
def test_what_is_calibrated_has_no_variance(seed: int) -> None:
    frame = draw(seed)
    made = rake(frame, margins_of(frame, seed), weights="w")
    z = made.matrix * made.weights.to_numpy()[:, None]
    whole = np.diag(design_variance(z, resolve_design(DESIGN, frame)))
    assert (np.diag(residual_variance(frame, made, z)) < 1e-20 * whole.max()).all()


@law
@given(SEEDS)
def test_the_variance_does_not_see_what_the_margins_explain(seed: int) -> None:
    frame = draw(seed)
    made = rake(frame, margins_of(frame, seed), weights="w")
    explained = frame["y"] + 5.0 * (frame["a"] == "x") - 3.0 * (frame["b"] == "m")
    one, other = (
        means(frame.assign(y=y), "y", design=DESIGN, weighting=made)["std_error"].item()
        for y in (frame["y"], explained)
    )
    assert other == pytest.approx(one, rel=1e-9)


@law
@given(SEEDS)
def test_residuals_are_taken_once_whatever_the_influences(seed: int) -> None:
    frame = draw(seed)
    made = calibrate(
        frame,
        margins_of(frame, seed),
        totals={"y": float(frame["y"].sum())},
        distance="raking",
        weights="w",
    )
    z = np.random.default_rng(seed).normal(size=(len(frame), 2))
    bound = calibrated_design(resolve_design(DESIGN, frame), made)
    once = calibrated_influence(z, made, bound)
    assert calibrated_influence(once, made, bound) == pytest.approx(once, rel=1e-9, abs=1e-11)


@law
@given(SEEDS)
def test_a_group_is_the_same_as_weight_zero_outside_it(seed: int) -> None:
    frame = draw(seed)
    inside = frame["a"] == "x"
    alone = frame.assign(w=frame["w"].where(inside, 0.0))
    one = means(frame, "y", by="a", design=DESIGN).set_index("a").loc["x"]
    other = means(alone, "y", design=DESIGN).iloc[0]
    assert other[["estimate", "std_error", "n"]].tolist() == pytest.approx(
        one[["estimate", "std_error", "n"]].tolist(), rel=1e-11
    )
    missing = frame.assign(b=frame["b"].where(inside))
    tables = [crosstab(data, "b", "c", design=DESIGN).to_frame() for data in (missing, alone)]
    columns = ["cell_std_error", "of_row", "of_row_std_error", "of_column_std_error", "n"]
    for column in columns:
        assert tables[0][column].tolist() == pytest.approx(tables[1][column].tolist(), rel=1e-10)


# --- two-way tables ---


@law
@given(SEEDS)
def test_shares_of_a_table_add_up_to_one(seed: int) -> None:
    table = crosstab(draw(seed), "a", "b", design=DESIGN)
    assert table.proportions().to_numpy().sum() == pytest.approx(1, rel=1e-13)
    assert table.proportions("row").sum(axis=1).tolist() == pytest.approx([1, 1], rel=1e-13)
    assert table.proportions("column").sum(axis=0).tolist() == pytest.approx([1, 1, 1], rel=1e-13)


@law
@given(SEEDS)
def test_with_simple_random_sampling_rao_scott_is_pearson(seed: int) -> None:
    frame = draw(seed)
    n = len(frame)
    test = crosstab(frame, "b", "c")
    pearson = chi2_contingency(pd.crosstab(frame["b"], frame["c"]), correction=False)
    assert test.pearson == pytest.approx(pearson.statistic, rel=1e-10)
    # the sample variance has n - 1, Pearson's n
    assert test.rao_scott.statistic * test.rao_scott.df_num * n / (n - 1) == pytest.approx(
        pearson.statistic, rel=1e-9
    )
    assert test.rao_scott.df_num == pytest.approx(pearson.dof, rel=1e-10)


@law
@given(SEEDS, st.floats(1e-3, 1e5))
def test_tests_ignore_the_scale_of_weights_and_the_side_of_the_table(seed: int, scale: float) -> None:
    frame = draw(seed)
    one = crosstab(frame, "a", "b", design=DESIGN)
    for other in (
        crosstab(frame.assign(w=frame["w"] * scale), "a", "b", design=DESIGN),
        crosstab(frame, "b", "a", design=DESIGN),
    ):
        for which in ("rao_scott", "wald"):
            mine, theirs = getattr(one, which), getattr(other, which)
            assert theirs.statistic == pytest.approx(mine.statistic, rel=1e-7)
            assert theirs.df_num == pytest.approx(mine.df_num, rel=1e-9)


# --- how uneven weights are ---


@law
@given(SEEDS, st.floats(1e-6, 1e6))
def test_kish_is_one_plus_the_squared_coefficient_of_variation(seed: int, scale: float) -> None:
    w = draw(seed)["w"]
    found = weight_diagnostics(w * scale)
    assert found.kish_effect == pytest.approx(1 + (w.std(ddof=0) / w.mean()) ** 2, rel=1e-11)
    assert 1 <= found.effective_n <= found.n


@law
@given(SEEDS, st.floats(0.1, 0.9), st.floats(1.1, 4.0))
def test_trimming_keeps_the_total_the_order_and_inner_ratios(seed: int, low: float, high: float) -> None:
    w = draw(seed)["w"]
    lower, upper = low * w.mean(), high * w.mean()
    trimmed = trim_weights(w, lower=lower, upper=upper)
    made = trimmed.weights
    assert made.sum() == pytest.approx(w.sum(), rel=1e-12)
    assert made.between(lower * (1 - 1e-12), upper * (1 + 1e-12)).all()
    assert (np.diff(made[w.sort_values().index]) >= -1e-12).all()
    inner = (made > lower * (1 + 1e-9)) & (made < upper * (1 - 1e-9))
    assert (made / w)[inner].to_numpy() == pytest.approx(np.full(inner.sum(), trimmed.scale), rel=1e-11)
    assert trimmed.n_raised + trimmed.n_lowered + inner.sum() == len(w)
