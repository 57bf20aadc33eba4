from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from coprodstats.errors import ArgumentError, ConfigError
from coprodstats.survey import fieldwork, planted_truth
from coprodstats.survey import simulate as simulating
from coprodstats.survey.fieldwork import PLANTED_FAULTS, as_fieldwork_export
from coprodstats.survey.planted_truth import Effects, Truth, read_truth
from coprodstats.survey.simulate import ACTIVITY_ITEMS, simulate

GROUP_ITEMS = ["saf_group", "env_group", "hlt_group"]
SOLO_ITEMS = [item for item in ACTIVITY_ITEMS if item not in GROUP_ITEMS]
NO_EFFECTS = Truth(
    individual=Effects(), collective=Effects(), efficacy_by_country=(0.0,) * 5, age_by_sector=(0.0,) * 3
)


@pytest.fixture(scope="module")
def large() -> pd.DataFrame:
    return simulate(n_per_country=20_000, seed=7)


def answered(frame: pd.DataFrame, items: list[str]) -> pd.DataFrame:
    """Often 100, sometimes 50, never 0."""
    return frame[items].apply(lambda codes: codes.map({1: 100.0, 2: 50.0, 3: 0.0}))


def weighted_mean(values: pd.Series, weights: pd.Series) -> float:
    used = values.notna()
    return float(np.average(values[used], weights=weights[used]))


def anova_icc(values: pd.Series, groups: pd.Series) -> float:
    """One-way analysis of variance, groups of unequal size (Donner 1986)."""
    data = pd.DataFrame({"y": values, "g": groups}).dropna()
    sizes, means = data.groupby("g")["y"].size(), data.groupby("g")["y"].mean()
    n, k = len(data), len(sizes)
    between = float((sizes * (means - data["y"].mean()) ** 2).sum() / (k - 1))
    within = float(((data["y"] - data["g"].map(means)) ** 2).sum() / (n - k))
    usual_size = (n - float((sizes**2).sum()) / n) / (k - 1)
    return (between - within) / (between + (usual_size - 1) * within)


# --- the frame ---


def test_the_same_seed_gives_the_same_frame_and_another_seed_another() -> None:
    first = simulate(n_per_country=60, seed=5)
    pd.testing.assert_frame_equal(first, simulate(n_per_country=60, seed=5))
    assert not first.equals(simulate(n_per_country=60, seed=6))


def test_every_code_is_one_that_a_fieldwork_file_may_hold(large: pd.DataFrame) -> None:
    allowed = {
        "country": range(1, 6),
        "age": range(18, 91),
        "gender": (1, 2, 3, 9),
        "education": (1, 2, 3),
        "employment": (1, 2, 3, 4),
        "urban": (0, 1),
        **dict.fromkeys(ACTIVITY_ITEMS, (1, 2, 3, 8, 9)),
        "hlt_care": (1, 2, 3, 7, 8, 9),
    }
    for sector in ("saf", "env", "hlt"):
        allowed[f"eff_{sector}"] = (1, 2, 3, 4, 8, 9)
        allowed |= {f"{topic}_{sector}": (1, 2, 3, 4, 5, 8, 9) for topic in ("out", "gov")}
        allowed |= {f"{topic}_{sector}": (*range(11), 88, 99) for topic in ("info", "cons")}
    for name, codes in allowed.items():
        # Every declared code also occurs: no category is empty by construction.
        assert set(large[name]) == set(codes), name
    assert large["resp_id"].is_unique
    assert not large.isna().any(axis=None)


def test_municipalities_nest_in_six_regions_of_each_country() -> None:
    frame = simulate(seed=1)
    assert frame["municipality"].nunique() == 240
    assert len(frame[["municipality", "region"]].drop_duplicates()) == 240
    assert (frame.groupby("region")["municipality"].nunique() == 8).all()
    assert (frame.groupby("country")["region"].nunique() == 6).all()
    assert len(frame[["municipality", "urban"]].drop_duplicates()) == 240
    assert (frame["country"].value_counts() == 1000).all()


def test_larger_surveys_have_more_municipalities_of_the_same_size(large: pd.DataFrame) -> None:
    sizes = large.groupby("municipality").size()
    assert sizes.mean() == pytest.approx(21, abs=0.5)
    assert 3 < sizes.std() < 8
    small = simulate(n_per_country=24, seed=1).groupby("region")["municipality"].nunique()
    assert (small == 2).all()


def test_weights_have_mean_one_and_cost_a_third_of_the_sample(large: pd.DataFrame) -> None:
    weight = large["weight"]
    assert weight.min() > 0
    assert weight.mean() == pytest.approx(1, abs=1e-4)
    kish = len(weight) * (weight**2).sum() / weight.sum() ** 2
    assert 1.28 < kish < 1.42


# --- what was declared can be found ---


def test_index_levels_are_those_declared(large: pd.DataFrame) -> None:
    individual = answered(large, SOLO_ITEMS).mean(axis=1)
    collective = answered(large, GROUP_ITEMS).mean(axis=1, skipna=False)
    assert weighted_mean(individual, large["weight"]) == pytest.approx(61.5, abs=1.5)
    assert weighted_mean(collective, large["weight"]) == pytest.approx(8.6, abs=0.8)
    none = (collective == 0).astype(float).where(collective.notna())
    assert weighted_mean(none, large["weight"]) == pytest.approx(0.72, abs=0.02)


def test_answers_within_municipalities_resemble_each_other(large: pd.DataFrame) -> None:
    psu = large["municipality"]
    assert 0.05 < anova_icc(answered(large, SOLO_ITEMS).mean(axis=1), psu) < 0.10
    assert 0.03 < anova_icc(answered(large, GROUP_ITEMS).mean(axis=1), psu) < 0.10
    assert 0.09 < anova_icc(large["age"].astype(float), psu) < 0.15
    efficacy = large["eff_env"].where(large["eff_env"] < 8).astype(float)
    assert 0.04 < anova_icc(efficacy, psu) < 0.12


def test_without_clusters_nothing_resembles() -> None:
    frame = simulate(replace(NO_EFFECTS, icc=0.0, covariate_icc=0.0), n_per_country=10_000, seed=2)
    index = answered(frame, SOLO_ITEMS).mean(axis=1)
    centred = index - index.groupby(frame["region"]).transform("mean")
    assert abs(anova_icc(centred, frame["municipality"])) < 0.005


def test_residual_propensities_have_the_declared_correlation_and_clustering() -> None:
    rng = np.random.default_rng(3)
    layout = simulating._draw_layout(20_000, rng)
    people = simulating._draw_people(NO_EFFECTS, layout, rng)
    views = simulating._draw_views(NO_EFFECTS, layout, people, rng)
    for view in views.values():
        assert view.std() == pytest.approx(1, abs=0.03)
    drawn = pd.DataFrame(simulating._draw_propensities(NO_EFFECTS, layout, people, views, rng))
    stratum = layout.country * 6 + layout.region
    residual = drawn - drawn.groupby(stratum).transform("mean")
    assert residual["individual"].corr(residual["collective"]) == pytest.approx(0.35, abs=0.02)
    for name in residual:
        assert residual[name].std() == pytest.approx(1, abs=0.02)
        assert anova_icc(residual[name], pd.Series(layout.psu)) == pytest.approx(0.09, abs=0.01)


def logit_z(frame: pd.DataFrame, outcome: pd.Series) -> pd.Series:
    efficacy = frame[["eff_saf", "eff_env", "eff_hlt"]]
    outside = frame[["out_saf", "out_env", "out_hlt"]]
    informed = frame[["info_saf", "info_env", "info_hlt"]]
    X = pd.DataFrame(
        {
            "constant": 1.0,
            "age": frame["age"] / 16,
            "woman": (frame["gender"] == 2).astype(float),
            "efficacy": efficacy.where(efficacy < 8).mean(axis=1),
            "outcome": outside.where(outside < 8).mean(axis=1),
            "information": informed.where(informed <= 10).mean(axis=1) / 2,
        }
    )
    used = X.notna().all(axis=1) & outcome.notna()
    fit = sm.Logit(outcome[used], X[used]).fit(disp=0)
    return fit.params / fit.bse


def test_a_plain_logit_finds_the_signs_that_were_planted(large: pd.DataFrame) -> None:
    high = (answered(large, SOLO_ITEMS).mean(axis=1) >= 60).astype(float)
    groups = answered(large, GROUP_ITEMS)
    some = (groups.max(axis=1) > 0).astype(float).where(groups.notna().all(axis=1))
    individual, collective = logit_z(large, high), logit_z(large, some)
    for name in ("age", "woman", "efficacy", "information"):
        assert individual[name] > 8, name
    assert individual["outcome"] < -8
    assert collective["age"] < -8
    assert abs(collective["woman"]) < 4
    assert collective["efficacy"] > 1.5 * individual["efficacy"]
    assert collective["information"] > 8
    assert collective["outcome"] < -8


def test_without_effects_a_plain_logit_finds_nothing() -> None:
    frame = simulate(replace(NO_EFFECTS, icc=0.0), n_per_country=10_000, seed=11)
    high = (answered(frame, SOLO_ITEMS).mean(axis=1) >= 60).astype(float)
    assert logit_z(frame, high).drop("constant").abs().max() < 3.5


def test_one_scale_of_each_kind_runs_the_other_way(large: pd.DataFrame) -> None:
    five = large.loc[(large[["gov_saf", "gov_env", "gov_hlt"]] < 8).all(axis=1)]
    assert five["gov_saf"].corr(five["gov_env"]) > 0.3
    assert five["gov_saf"].corr(five["gov_hlt"]) < -0.3
    ten = large.loc[(large[["cons_saf", "cons_env", "cons_hlt"]] <= 10).all(axis=1)]
    assert ten["cons_saf"].corr(ten["cons_env"]) > 0.3
    assert ten["cons_saf"].corr(ten["cons_hlt"]) < -0.3


def test_efficacy_is_unknown_more_often_with_age_and_items_are_not(large: pd.DataFrame) -> None:
    old = large["age"] >= 65
    unknown = large["eff_saf"] == 8
    assert unknown[old].mean() > 1.5 * unknown[~old].mean()
    for item in ("saf_lock", "env_group"):
        gone = large[item].isin([8, 9])
        assert abs(gone[old].mean() - gone[~old].mean()) < 0.006
    shares = large[list(ACTIVITY_ITEMS)].isin([8, 9]).mean()
    assert shares.between(0.027, 0.053).all()
    assert shares.mean() == pytest.approx(0.04, abs=0.002)
    assert (large["hlt_care"] == 7).mean() == pytest.approx(0.10, abs=0.01)


def test_gender_other_and_declined_have_their_declared_shares(large: pd.DataFrame) -> None:
    shares = large["gender"].value_counts(normalize=True)
    assert shares[3] == pytest.approx(0.008, abs=0.0015)
    assert shares[9] == pytest.approx(0.008, abs=0.0015)


# --- arguments and declared truths ---


def test_arguments_that_cannot_be_used_are_reported_together() -> None:
    with pytest.raises(ArgumentError, match=r"(?s)n_per_country: 3.*seed: -1"):
        simulate(n_per_country=3, seed=-1)


def test_an_impossible_truth_is_refused_with_all_its_faults() -> None:
    with pytest.raises(ArgumentError, match=r"(?s)2 numbers.*Truth\.icc: 1\.5.*residual_correlation: 1"):
        Truth(efficacy_by_country=(0.1, 0.2), icc=1.5, residual_correlation=1.0)


def test_a_truth_survives_writing_and_reading(tmp_path: Path) -> None:
    truth = replace(
        Truth(),
        name='the "other" truth',
        individual=Effects(age=-0.123456789),
        icc=0.0,
        claims={"C1": "agrees"},
    )
    path = tmp_path / "truth.toml"
    path.write_text(truth.to_toml(), encoding="utf-8")
    assert read_truth(path) == truth


def test_a_truth_with_unknown_absent_and_wrong_keys_is_refused(tmp_path: Path) -> None:
    text = Truth().to_toml().replace("woman =", "women =", 1).replace("icc = 0.09", 'icc = "high"', 1)
    path = tmp_path / "truth.toml"
    path.write_text(text, encoding="utf-8")
    expected = r"(?s)3 faults.*icc: str of the wrong kind.*did you mean 'woman'.*missing: woman"
    with pytest.raises(ConfigError, match=expected):
        read_truth(path)


def test_effects_that_are_no_table_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "truth.toml"
    path.write_text("individual = 3\n" + Truth().to_toml().split("[individual]")[0], encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"(?s)individual: int of the wrong kind.*missing: collective, claims"
    ):
        read_truth(path)


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "truth.toml"
    path.write_text("name = ", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"truth\.toml: not readable as TOML"):
        read_truth(path)


# --- clerical faults ---


def test_the_export_carries_the_faults_that_are_listed() -> None:
    frame = simulate(n_per_country=200, seed=4)
    export = as_fieldwork_export(frame, seed=9)
    filled = export.dropna(how="all")
    assert len(export) - len(filled) == PLANTED_FAULTS["empty rows"]
    assert int(filled.duplicated().sum()) == PLANTED_FAULTS["rows sent twice"]
    assert int(filled["resp_id"].duplicated().sum()) == PLANTED_FAULTS["rows sent twice"]
    once = filled.drop_duplicates().reset_index(drop=True)
    number = pd.to_numeric(once["age"], errors="coerce")
    assert int(number.isna().sum()) == PLANTED_FAULTS["ages in words"]
    assert int((~number.dropna().between(18, 90)).sum()) == PLANTED_FAULTS["ages out of range"]
    for item in ACTIVITY_ITEMS:
        wrong = int((~once[item].isin(["1", "2", "3", "7", "8", "9"])).sum())
        assert wrong == PLANTED_FAULTS.get(f"unlabelled codes in {item}", 0), item
    assert int(once.isna().sum().sum()) == PLANTED_FAULTS["blank cells in info_env"]


def test_the_export_differs_from_the_drawn_survey_in_the_faults_only() -> None:
    frame = simulate(n_per_country=200, seed=4)
    once = as_fieldwork_export(frame, seed=9).dropna(how="all").drop_duplicates().reset_index(drop=True)
    plain = frame.drop(columns="weight").astype("str")
    changed = (once.drop(columns="weight").fillna("") != plain).to_numpy()
    cells = sum(n for fault, n in PLANTED_FAULTS.items() if fault.startswith(("ages", "unlabelled", "blank")))
    assert changed.sum() == cells
    assert changed.sum(axis=1).max() == 1
    np.testing.assert_array_equal(once["weight"].astype(float), frame["weight"])


def test_a_frame_too_small_for_the_faults_is_refused() -> None:
    with pytest.raises(ArgumentError, match="99 rows"):
        as_fieldwork_export(simulate(n_per_country=30, seed=1).head(99), seed=1)


@pytest.mark.parametrize("module", [simulating, planted_truth, fieldwork])
def test_the_modules_know_nothing_of_the_code_that_fits_models(module: ModuleType) -> None:
    tree = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    own = {name for name in imported if name and name.startswith("coprodstats")}
    assert own <= {f"coprodstats.{name}" for name in ("errors", "survey.planted_truth", "survey.display")}
    assert not {"scipy", "statsmodels", "statsmodels.api"} & imported
