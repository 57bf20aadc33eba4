"""What must be true of models under replicate weights, whatever the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coprodstats import FittedModel, SurveyDesign, logit, ologit, replicate_design
from coprodstats.models.replicate_draws import failed_replicates, replicate_covariance

law = settings(deadline=None, max_examples=10, derandomize=True, database=None)
SEEDS = st.integers(0, 10_000)
TOWNS = SurveyDesign(weights="w", strata="region", psu="town")


def draw(seed: int, n_psu: int = 24, per_psu: int = 14) -> pd.DataFrame:
    """People in pairs of towns, who answer alike within towns; in each region two towns."""
    rng = np.random.default_rng(seed)
    town = np.repeat(np.arange(n_psu), per_psu)
    n = len(town)
    age = rng.normal(size=n) + 0.5 * rng.normal(size=n_psu)[town]
    latent = 0.5 * age + 0.5 * rng.normal(size=n_psu)[town] + rng.logistic(size=n)
    frame = pd.DataFrame(
        {
            "age": age,
            "urban": rng.random(n) < 0.5,
            "town": town,
            "region": town // 2,
            "w": rng.uniform(0.5, 2.0, n),
            "joins": (latent > 0).astype(int),
            "grade": pd.Categorical.from_codes(np.digitize(latent, [-0.8, 0.8]), list("abc"), ordered=True),
        }
    )
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


def fit(frame: pd.DataFrame, design: SurveyDesign, **options: object) -> FittedModel:
    return ologit("grade ~ age + urban", frame, design=design, **options)


def columns(frame: pd.DataFrame, model: FittedModel, rows: np.ndarray | None = None) -> pd.DataFrame:
    """Return the frame with a model's replicate weights as columns, zero outside the rows."""
    replication = model.design.replication
    assert replication is not None
    weights = replication.weights if rows is None else replication.weights * rows[:, None]
    names = {f"c{r}": column for r, column in enumerate(weights.T)}
    return pd.concat([frame, pd.DataFrame(names, index=frame.index)], axis=1)


def as_columns(model: FittedModel, order: np.ndarray | None = None, **more: object) -> SurveyDesign:
    """Return the design in which a model's replicate weights are columns, in any order."""
    replication = model.design.replication
    assert replication is not None
    order = np.arange(replication.n_replicates) if order is None else order
    return SurveyDesign(
        weights="w",
        replicate_weights=[f"c{r}" for r in order],
        replicate_method="other",
        scale=replication.scale,
        rscales=replication.rscales[order].tolist(),
        **more,
    )


@law
@given(SEEDS)
def test_the_order_of_replicates_and_whether_they_are_columns_change_nothing(seed: int) -> None:
    frame = draw(seed)
    made = fit(frame, replicate_design(frame, design=TOWNS, method="jkn"))
    order = np.random.default_rng(seed).permutation(24)
    given_ = fit(columns(frame, made), as_columns(made, order))
    assert made.replicates is not None
    assert given_.replicates is not None
    # Blocks are other sums of the same terms.
    assert given_.replicates == pytest.approx(made.replicates[order], abs=1e-12)
    assert given_.covariance_matrix == pytest.approx(made.covariance_matrix, rel=1e-9)


@law
@given(SEEDS)
def test_deviations_from_the_estimate_are_no_smaller_than_from_the_mean(seed: int) -> None:
    frame = draw(seed)
    design = replicate_design(frame, design=TOWNS, method="brr")
    around_mean, around_estimate = (fit(frame, replace(design, mse=mse)) for mse in (False, True))
    more = around_estimate.covariance_matrix - around_mean.covariance_matrix
    # The difference is one vector times itself: no eigenvalue below rounding.
    assert np.linalg.eigvalsh(more)[0] > -1e-12 * np.trace(around_mean.covariance_matrix)
    assert (np.diag(more) >= 0).all()
    assert around_estimate.replicates is not None
    assert around_mean.replicates is not None
    assert around_estimate.replicates.tobytes() == around_mean.replicates.tobytes()


@law
@given(SEEDS)
def test_a_domain_is_replicate_weights_of_zero_outside_it(seed: int) -> None:
    frame = draw(seed, per_psu=24)
    domain = frame["urban"].to_numpy()
    design = replicate_design(frame, design=TOWNS, method="jkn")
    inside = logit("joins ~ age", frame, design=design, domain=domain)
    zeros = columns(frame, inside, domain).assign(w=frame["w"].where(domain, 0.0))
    outside = logit("joins ~ age", zeros, design=as_columns(inside))
    assert inside.replicates is not None
    assert outside.replicates is not None
    assert outside.replicates == pytest.approx(inside.replicates, abs=1e-12)
    assert outside.covariance_matrix == pytest.approx(inside.covariance_matrix, rel=1e-9)


@law
@given(SEEDS)
def test_the_scale_of_the_weights_changes_nothing(seed: int) -> None:
    frame = draw(seed)
    made = fit(frame, replicate_design(frame, design=TOWNS, method="jkn"))
    scaled = frame.assign(w=frame["w"] * 1e6)
    large = fit(scaled, replicate_design(scaled, design=TOWNS, method="jkn"))
    assert large.covariance_matrix == pytest.approx(made.covariance_matrix, rel=1e-9)


@law
@given(SEEDS)
def test_the_covariance_is_that_of_the_draws(seed: int) -> None:
    frame = draw(seed)
    model = fit(frame, replicate_design(frame, design=TOWNS, method="fay", fay_rho=0.4))
    assert model.replicates is not None
    assert model.design.replication is not None
    by_hand = replicate_covariance(
        model.replicates, model.estimates, model.design.replication, failed=failed_replicates(model)
    )
    assert model.covariance_matrix == pytest.approx(by_hand, rel=1e-13)


@pytest.mark.parametrize("method", ["jk1", "jkn", "brr", "fay"])
def test_replicates_come_to_linearisation_as_psus_grow(method: str) -> None:
    far = []
    for n_psu in (24, 96, 384):
        frame = draw(3, n_psu=n_psu, per_psu=20)
        base = replace(TOWNS, strata=None) if method == "jk1" else TOWNS
        arguments = {"fay_rho": 0.3} if method == "fay" else {}
        made = replicate_design(frame, design=base, method=method, **arguments)
        ratio = fit(frame, made).bse / fit(frame, base).bse
        far.append(float((ratio - 1).abs().max()))
    # Linearisation leaves out terms of the order of one over the number of PSUs.
    assert far[0] < 0.25
    assert far[2] < far[0] / 3
    assert far[2] < 0.01


def test_a_bootstrap_comes_to_linearisation_as_replicates_grow() -> None:
    frame = draw(5, n_psu=120, per_psu=12)
    linearised = fit(frame, replace(TOWNS, strata=None)).bse
    far = []
    for many in (50, 5000):
        design = replicate_design(
            frame, design=replace(TOWNS, strata=None), method="bootstrap", n_replicates=many, seed=2
        )
        far.append(float((fit(frame, design).bse / linearised - 1).abs().max()))
    # A standard error from R replicates has a relative error of about 1 / sqrt(2 R): 0.01 here, and 0.1.
    assert far[1] < 0.035
    assert far[0] < 0.4
