from __future__ import annotations

import importlib.util
import math
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pandas as pd
import pyreadstat
import pytest

from coprodstats.survey.cleaning import clean
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.fieldwork import PLANTED_FAULTS
from coprodstats.survey.planted_truth import Truth, read_truth
from coprodstats.survey.reading import read_survey
from coprodstats.survey.simulate import simulate

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data" / "synthetic"
# Cells whose answer was overwritten by a fault, by the column that is made from them.
PLANTED_CELLS = {"age": 9, "information": 12, "individual_high": 9}
DECOYS = ("null", "reversed", "equal_efficacy")


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_synthetic", DATA / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def csv() -> pd.DataFrame:
    return pd.read_csv(DATA / "five_nation_2008.csv", dtype="str", keep_default_na=False)


def test_committed_files_are_what_the_command_writes(
    make: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make.main(["--check"]) == 0
    assert capsys.readouterr().out == ""
    names = make.write_all(tmp_path)
    assert len(names) == 8
    for name in names:
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes(), name


def test_the_check_names_a_file_that_differs(
    make: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make, "FAULT_SEED", 1)
    assert make.main(["--check"]) == 1
    assert "five_nation_2008.csv: differs" in capsys.readouterr().out


def test_both_files_hold_the_same_codes(csv: pd.DataFrame) -> None:
    sav, meta = pyreadstat.read_sav(DATA / "five_nation_2008.sav", user_missing=True)
    assert meta.column_names == list(csv.columns)
    for name in csv.columns:
        if meta.readstat_variable_types[name] == "string":
            codes = sav[name].fillna("").tolist()
        else:
            codes = [
                "" if math.isnan(x) else str(int(x)) if x == int(x) else repr(x) for x in sav[name].tolist()
            ]
        assert codes == csv[name].tolist(), name
    assert {n for n, kind in meta.readstat_variable_types.items() if kind == "string"} == {"resp_id", "age"}


def test_the_sav_file_carries_labels_and_user_missing_codes() -> None:
    _, meta = pyreadstat.read_sav(DATA / "five_nation_2008.sav", user_missing=True)
    declared = tomllib.loads((DATA / "codebook.toml").read_text(encoding="utf-8"))["variables"]
    assert meta.column_names_to_labels == {name: variable["label"] for name, variable in declared.items()}
    assert meta.variable_value_labels["hlt_care"][7.0] == "not applicable"
    assert meta.missing_ranges["hlt_care"] == [{"lo": 7.0, "hi": 9.0}]
    assert meta.missing_ranges["info_saf"] == [{"lo": 88.0, "hi": 88.0}, {"lo": 99.0, "hi": 99.0}]
    assert meta.variable_measure["saf_lock"] == "ordinal"
    assert meta.variable_measure["cons_hlt"] == "scale"
    assert (DATA / "five_nation_2008.sav").read_bytes()[92:109] == b"01 Jan 0800:00:00"


def test_the_codebook_declares_the_columns_in_their_order(csv: pd.DataFrame) -> None:
    declared = tomllib.loads((DATA / "codebook.toml").read_text(encoding="utf-8"))
    assert list(declared["variables"]) == list(csv.columns)
    assert declared["synthetic"] is True


def test_codes_outside_the_codebook_are_the_planted_ones(csv: pd.DataFrame) -> None:
    declared = tomllib.loads((DATA / "codebook.toml").read_text(encoding="utf-8"))["variables"]
    filled = csv[csv["resp_id"] != ""].drop_duplicates()
    assert len(filled) == 5000
    assert len(csv) == 5000 + PLANTED_FAULTS["rows sent twice"] + PLANTED_FAULTS["empty rows"]
    for name, variable in declared.items():
        if "values" not in variable:
            continue
        known = {*variable["values"], *variable.get("missing", {})}
        unlabelled = int((~filled[name].isin(known)).sum())
        assert unlabelled == PLANTED_FAULTS.get(f"unlabelled codes in {name}", 0), name
        assert bool(unlabelled) == (variable.get("undeclared") == "missing"), name


def test_the_readme_states_the_planted_faults() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    stated = {fault.replace("`", ""): int(n) for fault, n in re.findall(r"^\| (.+?) \| (\d+) \|", text, re.M)}
    assert stated == dict(PLANTED_FAULTS)


def test_the_default_truth_is_the_one_that_ships() -> None:
    assert read_truth(DATA / "truth.toml") == Truth()


def test_decoys_declare_what_must_fail() -> None:
    planted = read_truth(DATA / "truth.toml")
    truths = {name: read_truth(DATA / f"decoys/{name}.toml") for name in DECOYS}
    assert truths["null"].individual == truths["null"].collective
    assert not any(truths["null"].efficacy_by_country)
    assert truths["reversed"].individual.age == -planted.individual.age
    assert truths["reversed"].collective.efficacy == -planted.collective.efficacy
    for name, truth in truths.items():
        assert set(truth.claims.values()) == {"agrees", "must not agree"}, name
        assert truth.claims["C6"] == "must not agree", name
        assert (DATA / f"decoys/{name}.csv").stat().st_size < 1_000_000


# --- the package cleans what was planted ---


def test_both_files_clean_to_what_was_drawn_before_the_faults(make: ModuleType) -> None:
    codebook = read_codebook(ROOT / "analyses" / "five_nation_2008" / "codebook.toml")
    frames = [
        clean(read_survey(DATA / f"five_nation_2008.{kind}", codebook)).frame for kind in ("csv", "sav")
    ]
    pd.testing.assert_frame_equal(*frames)
    cleaned = frames[0].set_index("resp_id")
    drawn = simulate(read_truth(DATA / "truth.toml"), seed=make.SEED)
    expected = make.analysis_columns(drawn).set_index(drawn["resp_id"])
    for name in (*make.NUMERIC, *make.FACTORS, *make.OUTCOMES):
        ours, theirs = cleaned[name].loc[expected.index], expected[name]
        if name in make.OUTCOMES:
            ours = ours.cat.codes.astype(float).where(ours.notna())
        same = (ours.astype("object") == theirs.astype("object")) | (ours.isna() & theirs.isna())
        if name in make.NUMERIC:
            same |= (ours - theirs).abs() < 1e-9
        assert (~same).sum() <= PLANTED_CELLS.get(name, 0), name


# --- the truth on the observed scale ---


@pytest.fixture(scope="module")
def observed() -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    return tomllib.loads((DATA / "truth_observed.toml").read_text(encoding="utf-8"))


def test_the_observed_truth_is_that_of_the_planted_truth(make: ModuleType, observed: dict) -> None:
    # A draw as large as one of the ten batches must agree within its own error.
    drawn = simulate(read_truth(DATA / "truth.toml"), n_per_country=20_000, seed=1)
    fits = make.fit_both(make.analysis_columns(drawn))
    for outcome, fit in fits.items():
        for kind in ("coefficients", "margins"):
            stated = observed[kind][outcome]
            assert list(stated) == list(fit[kind].index)
            for term, number in stated.items():
                # The error is itself estimated from ten batches: hence the generous factor.
                tolerance = 6 * math.sqrt(11) * number["error"]
                assert fit[kind][term] == pytest.approx(number["value"], abs=tolerance), (outcome, term)


def test_the_observed_difference_is_collective_minus_individual(observed: dict) -> None:
    margins = observed["margins"]
    for term, number in margins["difference"].items():
        expected = margins["collective_any"][term]["value"] - margins["individual_high"][term]["value"]
        assert number["value"] == pytest.approx(expected, abs=2e-8), term


def test_margins_of_efficacy_are_equal_in_the_decoy_that_says_so(make: ModuleType) -> None:
    truth = read_truth(DATA / "decoys/equal_efficacy.toml")
    gaps = []
    for seed in range(1, 5):
        fits = make.fit_both(make.analysis_columns(simulate(truth, n_per_country=10_000, seed=seed)))
        pair = [fits[outcome]["margins"]["efficacy"] for outcome in ("individual_high", "collective_any")]
        gaps.append(pair[1] - pair[0])
        assert min(pair) > 0.002
    # A sixth of the planted survey's difference, and some four standard errors of the mean of four draws.
    assert abs(sum(gaps) / 4) < 0.00025
