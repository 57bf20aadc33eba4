"""Faults of weights, ids and sampling units: told with class, code and a way out; nothing is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import coprodstats as cps
from coprodstats import cli
from coprodstats.errors import CoprodstatsError, DesignError, DuplicateIdError, LonelyPSUError, WeightError

N = 40
CODEBOOK = """title = "t"
[variables.person]
kind = "id"
[variables.region]
kind = "stratum"
[variables.town]
kind = "psu"
[variables.w]
kind = "weight"
[variables.age]
label = "Age"
kind = "numeric"
range = [18, 90]
[variables.helps]
label = "Helps"
kind = "ordinal"
values = { 1 = "never", 2 = "often" }
[variables.joins]
label = "Joins"
kind = "ordinal"
values = { 1 = "never", 2 = "often" }
[outcomes.alone]
label = "Alone"
kind = "any"
items = ["helps"]
at_least = "often"
min_answered = 1
[outcomes.together]
label = "Together"
kind = "any"
items = ["joins"]
at_least = "often"
min_answered = 1
"""
ANALYSIS = """title = "t"
survey = "survey.csv"
codebook = "codebook.toml"
output = "report"
seed = 1
[outcomes.individual]
label = "Individual"
event = "to help"
[outcomes.collective]
label = "Collective"
event = "to join"
[describe]
sample = ["age"]
[[comparisons]]
key = "main"
title = "Both"
kind = "logit"
outcomes = { individual = "alone", collective = "together" }
predictors = "age"
[phrases]
"""


def survey() -> pd.DataFrame:
    """Return a survey of two strata with four towns each."""
    number = pd.Series(range(N))
    return pd.DataFrame(
        {
            "person": "p" + number.astype(str),
            "region": (number % 2).map({0: "north", 1: "south"}),
            "town": (number % 8).astype(str),
            "w": "1.5",
            "age": (20 + number * 7 % 61).astype(str),
            "helps": (1 + number * 5 % 7 % 2).astype(str),
            "joins": (1 + number * 3 % 11 % 2).astype(str),
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give a folder with an analysis and its last good report, and see that the report stays as it is."""
    (tmp_path / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    (tmp_path / "analysis.toml").write_text(ANALYSIS, encoding="utf-8")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.html").write_text("the last good report", encoding="utf-8")
    yield tmp_path
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["report.html"]
    assert (tmp_path / "report" / "report.html").read_text(encoding="utf-8") == "the last good report"
    assert {path.name for path in tmp_path.iterdir()} == {
        "analysis.toml",
        "codebook.toml",
        "report",
        "survey.csv",
    }


def refused(folder: Path, frame: pd.DataFrame) -> CoprodstatsError:
    """Return what a check finds, and see that the check and a run say the same and exit alike."""
    frame.to_csv(folder / "survey.csv", index=False)
    checked = cps.check_survey(folder / "survey.csv", folder / "codebook.toml")
    error = checked.error
    assert error is not None
    for words in (
        ["check", str(folder / "survey.csv"), str(folder / "codebook.toml")],
        ["run", str(folder / "analysis.toml")],
    ):
        told = CliRunner().invoke(cli.main, words)
        assert told.exit_code == error.exit_status
        assert str(error) in told.stderr
    return error


def with_weights(*weights: str) -> pd.DataFrame:
    """Return the survey with these weights in its first rows."""
    frame = survey()
    frame.loc[: len(weights) - 1, "w"] = list(weights)
    return frame


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        pytest.param(with_weights("-1"), "fewer than 10 rows have a negative weight", id="F52 negative"),
        pytest.param(
            with_weights(*["-2"] * 12), "12 rows have a negative weight\n    Allowed: numbers", id="F52 many"
        ),
        pytest.param(
            with_weights(""), "fewer than 10 rows have no weight\n    Try: set clean", id="F53 blank"
        ),
        pytest.param(with_weights("NaN"), "text where a number belongs in fewer than 10 rows", id="F53 NaN"),
        pytest.param(
            with_weights("inf"), "in fewer than 10 rows, fewer than 10 of which are infinite", id="F54 inf"
        ),
        pytest.param(
            with_weights("-Infinity", "1e999"), "belongs in fewer than 10 rows, fewer than", id="F54 -inf"
        ),
        pytest.param(with_weights(*["0"] * N), "all weights are zero\n    Allowed: at least", id="F55 zero"),
        pytest.param(
            with_weights("heavy"), "text where a number belongs in fewer than 10 rows\n    Allowed", id="F56"
        ),
    ],
)
def test_weights_that_are_none_are_refused(frame: pd.DataFrame, found: str, folder: Path) -> None:
    error = refused(folder, frame)
    assert type(error) is WeightError
    assert str(error).startswith("[E-D300] WeightError\n  - survey.csv: w: ")
    assert found in str(error)
    assert "-2" not in str(error)
    assert "heavy" not in str(error)


def test_all_faults_of_weights_come_at_once(folder: Path) -> None:
    error = refused(folder, with_weights("-1", "heavy"))
    assert type(error) is WeightError
    assert len(error.faults) == 2


def test_ids_that_repeat_are_refused(folder: Path) -> None:
    """F58: ids come twice, and nobody says whether that is one respondent or two."""
    frame = survey()
    frame.loc[:11, "person"] = [f"p{i // 2}" for i in range(12)]
    error = refused(folder, frame)
    assert type(error) is DuplicateIdError
    assert str(error).startswith("[E-I210] DuplicateIdError\n  - survey.csv: person: ")
    assert "fewer than 10 ids occur more than once, in 12 rows" in str(error)
    assert 'cleaning.duplicate_ids = "keep first"' in str(error)


@pytest.mark.parametrize("column", ["region", "town"])
def test_rows_without_stratum_or_psu_are_refused(column: str, folder: Path) -> None:
    """F62."""
    frame = survey()
    frame.loc[0, column] = ""
    error = refused(folder, frame)
    assert type(error) is DesignError
    kind = {"region": "stratum", "town": "psu"}[column]
    assert f"[E-D100] DesignError\n  - survey.csv: {column}: fewer than 10 rows have no {kind}" in str(error)
    assert 'set cleaning.missing_design = "drop"' in str(error)


@pytest.mark.parametrize(
    ("frame", "family", "told"),
    [
        pytest.param(
            survey().assign(town=lambda frame: frame["town"].where(frame["region"] == "north", "1")),
            LonelyPSUError,
            r"\[E-D310\].*1 of 2 strata have a single PSU \(south\)",
            id="F59 lonely",
        ),
        pytest.param(
            survey().assign(town=lambda frame: frame["town"].replace("1", "0")),
            DesignError,
            r"\[E-D100\].*in several strata",
            id="F61 not nested",
        ),
    ],
)
def test_sampling_units_that_say_nothing_are_refused(
    frame: pd.DataFrame, family: type[CoprodstatsError], told: str, folder: Path
) -> None:
    frame.to_csv(folder / "survey.csv", index=False)
    run = CliRunner().invoke(cli.main, ["run", str(folder / "analysis.toml")])
    assert run.exit_code == family.exit_status
    assert re.search(told, run.stderr, re.DOTALL)


@pytest.mark.parametrize(
    ("weights", "ratio", "effect", "n_eff"),
    [
        # One weight of 51 times the median: Kish's effect is 40 (39 + 51^2) / (39 + 51)^2 = 13.04.
        (["76.5"], "51", "13", "3.07"),
        # Two of 20 times the median: 40 (38 + 800) / (38 + 40)^2 = 5.51.
        (["30", "30"], "20", "5.51", "7.26"),
        # One of 5 times the median: 40 (39 + 25) / 44^2 = 1.32, which is nothing to speak of.
        (["7.5"], "", "", ""),
    ],
)
def test_extreme_weights_are_told_and_stop_nothing(
    weights: list[str], ratio: str, effect: str, n_eff: str, tmp_path: Path
) -> None:
    """F57: the warning reaches the cleaned survey, its log, the log's file and the check."""
    with_weights(*weights).to_csv(tmp_path / "survey.csv", index=False)
    (tmp_path / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    warning = (
        f"[W-D320] survey.csv: w: weights are extreme, the largest is {ratio} times the median, "
        f"Kish's design effect is {effect}: 40 rows tell as much as n_eff = {n_eff}"
    )
    expected = (warning,) if ratio else ()
    cleaned = cps.clean(
        cps.read_survey(tmp_path / "survey.csv", cps.read_codebook(tmp_path / "codebook.toml"))
    )
    assert cleaned.warnings == expected
    assert cps.clean(cleaned.survey).warnings == expected
    cleaned.log.to_file(tmp_path / "log.json")
    assert cps.read_log(tmp_path / "log.json").equals(cleaned.log)
    assert tuple(cps.read_log(tmp_path / "log.json").warnings["warning"]) == expected
    checked = CliRunner().invoke(
        cli.main, ["check", str(tmp_path / "survey.csv"), str(tmp_path / "codebook.toml")]
    )
    assert checked.exit_code == 0
    assert checked.stderr == (f"warning  {warning.replace('[', '').replace(']', '')}\n" if ratio else "")


def test_a_report_tells_its_warnings(tmp_path: Path) -> None:
    with_weights("76.5").to_csv(tmp_path / "survey.csv", index=False)
    (tmp_path / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    (tmp_path / "analysis.toml").write_text(ANALYSIS, encoding="utf-8")
    ran = CliRunner().invoke(cli.main, ["run", str(tmp_path / "analysis.toml")])
    assert ran.exit_code == 0, ran.stderr
    assert "warning  [W-D320] survey.csv: w: weights are extreme" in ran.stderr
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "To keep in mind:" in page
    assert "n_eff = 3.07" in page
    assert "W-D320" in (tmp_path / "report" / "manifest.json").read_text(encoding="utf-8")
