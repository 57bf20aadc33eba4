from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

import coprodstats as cps
from coprodstats.models.discrimination import somers_d, somers_d_influence

TOWNS, SIZE = 60, 12


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    town = np.repeat(np.arange(TOWNS), SIZE)
    x = rng.normal(size=len(town)) + 0.7 * rng.normal(size=TOWNS)[town]
    data = pd.DataFrame({"x": x, "town": town, "w": rng.uniform(0.5, 2, TOWNS)[town]})
    latent = 0.7 * x + 0.6 * rng.normal(size=TOWNS)[town] + rng.logistic(size=len(town))
    data["joins"] = (latent > 0).astype(int)
    data["often"] = pd.cut(latent, [-np.inf, -0.5, 1, np.inf], labels=["never", "some", "often"])
    return data


def tied(rng: np.random.Generator, n: int = 60, categories: int = 4):
    return rng.integers(0, 12, n) / 12, rng.integers(0, categories, n), rng.uniform(0.2, 3, n)


def measures(model) -> pd.DataFrame:
    return cps.goodness_of_fit(model).measures.set_index("measure")


def test_every_pair_counts_once() -> None:
    score, y, w = tied(np.random.default_rng(1))
    surplus = pairs = 0.0
    for i in range(len(y)):
        for j in range(i):
            pairs += w[i] * w[j] * (y[i] != y[j])
            surplus += w[i] * w[j] * np.sign((score[i] - score[j]) * (y[i] - y[j]))
    assert somers_d(score, y, w) == pytest.approx(surplus / pairs, rel=1e-12)


def test_the_influence_is_the_derivative_by_the_weight() -> None:
    score, y, w = tied(np.random.default_rng(2))
    d, influence = somers_d_influence(score, y, w)
    assert influence.sum() == pytest.approx(0, abs=1e-14)
    h = 1e-5
    for i in range(0, len(w), 7):
        ends = [somers_d(score, y, w + s * h * np.eye(len(w))[i]) for s in (1, -1)]
        assert influence[i] == pytest.approx(w[i] * (ends[0] - ends[1]) / (2 * h), rel=1e-6, abs=1e-10)
    doubled, same = somers_d_influence(score, y, 2 * w)
    assert doubled == pytest.approx(d, rel=1e-13)
    assert same == pytest.approx(influence, rel=1e-11, abs=1e-15)


@pytest.mark.parametrize("outcome", ["joins", "often"])
def test_the_standard_error_is_that_of_a_jackknife_that_refits(frame: pd.DataFrame, outcome: str) -> None:
    # Whether the coefficients are fitted anew changes it to second order: 60 towns leave some 3 %.
    fit = cps.logit if outcome == "joins" else cps.ologit
    design = cps.SurveyDesign(weights="w", psu="town")
    model = fit(f"{outcome} ~ x", frame, design=design)
    found = measures(model).loc["Somers' D"]
    rows = []
    for town in range(TOWNS):
        kept = (frame["town"] != town).to_numpy()
        part = fit(f"{outcome} ~ x", frame, design=design, domain=kept)
        position = np.arange(len(model.categories))
        score = cps.predict(part).to_numpy() @ position[-cps.predict(part).shape[1] :]
        rows.append(somers_d(score, part.sample_y, part.sample_weights))
    jackknife = np.sqrt((TOWNS - 1) / TOWNS * ((np.array(rows) - np.mean(rows)) ** 2).sum())
    assert found["std_error"] == pytest.approx(jackknife, rel=0.05)


def test_intervals_on_the_logit_scale_of_the_auc(frame: pd.DataFrame) -> None:
    model = cps.logit("joins ~ x", frame, design=cps.SurveyDesign(weights="w", psu="town"))
    area, d = measures(model).loc["AUC"], measures(model).loc["Somers' D"]
    ends = [np.log(area[name] / (1 - area[name])) for name in ("conf_low", "estimate", "conf_high")]
    half = student.ppf(0.975, TOWNS - 1) * area["std_error"] / (area["estimate"] * (1 - area["estimate"]))
    assert np.diff(ends) == pytest.approx([half, half], rel=1e-10)
    for name in ("estimate", "conf_low", "conf_high"):
        assert d[name] == pytest.approx(2 * area[name] - 1, rel=1e-12)
    assert d["std_error"] == pytest.approx(2 * area["std_error"], rel=1e-12)
    rest = measures(model).drop(index=["AUC", "Somers' D"])
    assert rest[["std_error", "conf_low", "conf_high"]].isna().all(axis=None)


def test_counts_are_as_many_respondents(frame: pd.DataFrame) -> None:
    counted = frame.assign(w=1 + frame["town"] % 3)
    repeated = counted.loc[counted.index.repeat(counted["w"])].reset_index(drop=True)
    models = (
        cps.logit("joins ~ x", counted, design=cps.SurveyDesign(weights="w"), covariance="model"),
        cps.logit("joins ~ x", repeated, covariance="model"),
    )
    one, two = (measures(model).loc["AUC"] for model in models)
    for name in ("estimate", "std_error", "conf_low"):
        assert one[name] == pytest.approx(two[name], rel=1e-9)


def test_under_a_design_the_ordinal_sum_of_squares_only_describes(frame: pd.DataFrame) -> None:
    weighted = cps.ologit("often ~ x", frame, design=cps.SurveyDesign(weights="w", psu="town"))
    row = cps.goodness_of_fit(weighted).tests.set_index("test").loc["Fagerland–Hosmer"]
    assert row["statistic"] > 0
    assert (row["distribution"], row["df_num"]) == ("", 0)
    assert np.isnan(row["p_value"])
    assert row["valid_for"].startswith("description alone")
    # With equal weights the same sum has its distribution.
    plain = cps.goodness_of_fit(cps.ologit("often ~ x", frame)).tests.set_index("test")
    equal = cps.ologit("often ~ x", frame, design=cps.SurveyDesign(psu="town"))
    described = cps.goodness_of_fit(equal).tests.set_index("test")
    ours, theirs = (t.loc["Fagerland–Hosmer", "statistic"] for t in (described, plain))
    assert ours == pytest.approx(theirs, rel=1e-9)
    assert plain.loc["Fagerland–Hosmer", "p_value"] > 0
