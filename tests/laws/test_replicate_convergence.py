"""Statistics that no outside program gives under a design, by the jackknife: alike as PSUs grow."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats import (
    SurveyDesign,
    compare,
    goodness_of_fit,
    logit,
    margins,
    ologit,
    parallel_lines_test,
    replicate_design,
)
from coprodstats.models.goodness import weighted_groups
from coprodstats.survey.design import resolve_design
from coprodstats.survey.replicates import replicate_variance

DESIGN = SurveyDesign(weights="w", strata="s", psu="p")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Five strata of 40 PSUs of 8 respondents, with a slope that differs between thresholds."""
    rng = np.random.default_rng(99)
    psu = np.repeat(np.arange(200), 8)
    x = rng.normal(size=1600) + 0.5 * rng.normal(size=200)[psu]
    latent = 0.5 * x + 0.5 * rng.normal(size=200)[psu] + rng.logistic(size=1600)
    answer = pd.cut(latent + 0.15 * x * (latent > 1), [-np.inf, -0.7, 0.7, np.inf], labels=["a", "b", "c"])
    return pd.DataFrame(
        {"x": x, "y": answer, "p": psu, "s": psu // 40, "w": rng.uniform(0.4, 2.0, 1600), "z": latent > 0}
    ).astype({"z": int})


def test_the_design_based_test_of_parallel_lines(frame: pd.DataFrame) -> None:
    """Brant's contrasts from refits of both splits without each PSU in turn."""
    row = parallel_lines_test(ologit("y ~ x", frame, design=DESIGN)).tests.iloc[0]
    jackknife = replicate_design(frame, design=DESIGN, method="jkn")
    splits = {
        f"above_{k}": logit(f"above_{k} ~ x", frame.assign(**{f"above_{k}": (frame["y"].cat.codes > k) * 1}),
                            design=jackknife)
        for k in (0, 1)
    }  # fmt: skip
    both = compare(splits, scale="coefficient").to_frame().iloc[0]
    # Deleting one of 40 PSUs leaves a term of second order: under 2 % of a variance here.
    assert row["statistic"] == pytest.approx(both["statistic"] ** 2, rel=0.04)
    assert row["p_value"] == pytest.approx(both["p_value"], rel=0.2)
    assert row["df_denom"] == both["df"] == 195


def test_archer_and_lemeshows_statistic(frame: pd.DataFrame) -> None:
    """Mean residuals of the groups, recomputed with each replicate's weights."""
    model = logit("z ~ x", frame, design=DESIGN)
    found = goodness_of_fit(model, groups=5).tests.set_index("test").loc["Archer–Lemeshow"]
    p = model.fittedvalues.to_numpy()
    group, _ = weighted_groups(p, frame["w"].to_numpy(), 5)
    residual = frame["z"].to_numpy() - p
    bound = resolve_design(replicate_design(frame, design=DESIGN, method="jkn"), frame)
    assert bound.replication is not None

    def group_means(w: np.ndarray) -> np.ndarray:
        return np.bincount(group, w * residual) / np.bincount(group, w)

    means = group_means(bound.weights)
    again = np.array([group_means(w) for w in bound.replication.weights.T])
    contrast = np.hstack([-np.ones((4, 1)), np.eye(4)])
    covariance = contrast @ replicate_variance(again, means, bound.replication) @ contrast.T
    d, q = model.df, 4
    w = (contrast @ means) @ np.linalg.solve(covariance, contrast @ means)
    assert found["statistic"] == pytest.approx(w * (d - q + 1) / (d * q), rel=0.05)


@pytest.mark.parametrize("vce", ["delta", "unconditional"])
def test_margins_and_their_differences(frame: pd.DataFrame, vce: str) -> None:
    jackknife = replicate_design(frame, design=DESIGN, method="jkn")
    by_refits, linearised = (
        compare(
            {"y": ologit("y ~ x", frame, design=d), "z": logit("z ~ x", frame, design=d)}, event="c", vce=vce
        ).to_frame()
        for d in (jackknife, DESIGN)
    )
    assert by_refits["difference"][0] == pytest.approx(linearised["difference"][0], rel=1e-12)
    assert by_refits["std_error"][0] == pytest.approx(linearised["std_error"][0], rel=0.03)
    one, two = (margins(ologit("y ~ x", frame, design=d), vce=vce) for d in (jackknife, DESIGN))
    assert one["std_error"].to_numpy() == pytest.approx(two["std_error"].to_numpy(), rel=0.03)
