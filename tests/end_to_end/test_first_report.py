"""From an SPSS or Stata file that nobody has described to a first report, as a newcomer would do it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from click.testing import CliRunner, Result

import coprodstats as cps
from coprodstats import cli
from coprodstats.errors import CodebookError, ReportError

N = 600
ENGLISH = {
    "respid": ("Respondent number", {}),
    "stratum": ("Sampling stratum", {}),
    "psu": ("Primary sampling unit", {}),
    "wgt": ("Survey weight", {}),
    "intdate": ("Date of interview", {}),
    "age": ("Age of respondent", {999: "Not stated"}),
    "sex": ("Sex of respondent", {1: "Male", 2: "Female", 9: "Refused"}),
    "educ": ("Highest education", {1: "Low", 2: "Middle", 3: "High", 9: "No answer"}),
    "watch": ("Keeps an eye on neighbours' homes", {1: "Often", 2: "Sometimes", 3: "Never", 8: "Don't know"}),
    "waste": ("Sorts household waste", {1: "Often", 2: "Sometimes", 3: "Never", 8: "Don't know"}),
    "group": ("Takes part in a group", {1: "Often", 2: "Sometimes", 3: "Never", 8: "Don't know"}),
    "satis": (
        "Satisfaction with life",
        {0: "Extremely dissatisfied", 10: "Extremely satisfied", 88: "Don't know"},
    ),
    "comment": ("Anything else?", {}),
}
GERMAN = {
    "respid": ("Befragtennummer", {}),
    "stratum": ("Schicht der Stichprobe", {}),
    "psu": ("Klumpen", {}),
    "wgt": ("Gewicht", {}),
    "intdate": ("Datum des Interviews", {}),
    "age": ("Alter", {999: "Keine Angabe"}),
    "sex": ("Geschlecht", {1: "männlich", 2: "weiblich", 9: "verweigert"}),
    "educ": ("Bildung", {1: "niedrig", 2: "mittel", 3: "hoch", 9: "keine Angabe"}),
    "watch": ("Achtet auf die Nachbarschaft", {1: "oft", 2: "manchmal", 3: "nie", 8: "weiß nicht"}),
    "waste": ("Trennt Abfall", {1: "oft", 2: "manchmal", 3: "nie", 8: "weiß nicht"}),
    "group": ("Macht in einer Gruppe mit", {1: "oft", 2: "manchmal", 3: "nie", 8: "weiß nicht"}),
    "satis": ("Zufriedenheit", {0: "äußerst unzufrieden", 10: "äußerst zufrieden", 88: "weiß nicht"}),
    "comment": ("Sonst noch etwas?", {}),
}  # fmt: skip


def survey() -> pd.DataFrame:
    """Return an invented survey: the older watch more, the younger join groups more."""
    rng = np.random.default_rng(41)
    stratum, age = rng.integers(1, 6, N), rng.integers(18, 90, N)

    def item(share: np.ndarray) -> np.ndarray:
        answers = np.where(rng.random(N) < share, rng.choice([1.0, 2.0], N), 3.0)
        return np.where(rng.random(N) < 0.03, 8.0, answers)

    return pd.DataFrame(
        {
            "respid": np.arange(5001.0, 5001.0 + N),
            "stratum": stratum.astype(float),
            "psu": stratum * 100.0 + rng.integers(1, 9, N),
            "wgt": rng.gamma(9, 1 / 9, N).round(4),
            "intdate": 13_800_000_000.0 + 86_400 * rng.integers(0, 20, N),
            "age": np.where(rng.random(N) < 0.03, 999.0, age),
            "sex": rng.choice([1.0, 2.0, 9.0], N, p=[0.48, 0.5, 0.02]),
            "educ": rng.choice([1.0, 2.0, 3.0, 9.0], N, p=[0.3, 0.4, 0.28, 0.02]),
            "watch": item(0.2 + age / 150),
            "waste": item(np.full(N, 0.4)),
            "group": item(0.8 - age / 150),
            "satis": rng.choice([*range(11), 88], N).astype(float),
            "comment": [f"words of respondent {i}" for i in range(N)],
        }
    )


def write_sav(folder: Path) -> Path:
    frame = survey()
    pyreadstat.write_sav(
        frame,
        folder / "town.sav",
        file_label="Town survey",
        column_labels=[ENGLISH[name][0] for name in frame],
        variable_value_labels={name: labels for name, (_, labels) in ENGLISH.items() if labels},
        missing_ranges={"watch": [8], "satis": [{"lo": 77, "hi": 99}]},
        variable_format={"intdate": "DATETIME20"},
    )
    return folder / "town.sav"


def write_dta(folder: Path) -> Path:
    frame = survey().drop(columns="intdate")
    pyreadstat.write_dta(
        frame,
        folder / "stadt.dta",
        column_labels=[GERMAN[name][0] for name in frame],
        variable_value_labels={
            name: labels for name, (_, labels) in GERMAN.items() if labels and name in frame
        },
    )
    return folder / "stadt.dta"


def command(*words: object) -> Result:
    return CliRunner().invoke(cli.main, [str(word) for word in words])


def answer(file: Path) -> int:
    """Write the answer that the draft suggests over each question mark; return how many there were."""
    text, n = re.subn(r'^# {5}(.+)\n(\w+) = "\?"$', r"\2 = \1", file.read_text(encoding="utf-8"), flags=re.M)
    file.write_text(text, encoding="utf-8")
    return n


@pytest.mark.parametrize("write", [write_sav, write_dta])
def test_a_file_never_seen_becomes_a_report(write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    data = write(tmp_path)
    before = data.read_bytes()
    monkeypatch.chdir(tmp_path)

    drafted = command("init", data.name)
    assert drafted.exit_code == 0, drafted.stderr
    assert f"coprodstats check {data.name} codebook.toml" in drafted.stdout
    assert "words of respondent" not in (tmp_path / "codebook.toml").read_text(encoding="utf-8")

    refused = command("check", data.name, "codebook.toml")
    assert refused.exit_code == CodebookError.exit_status
    assert "codebook.toml, line" in refused.stderr
    assert "a question is open: Which items show what people do on their own?" in refused.stderr

    assert answer(tmp_path / "codebook.toml") == 4
    assert command("check", data.name, "codebook.toml").exit_code == 0

    refused = command("run", "analysis.toml")
    assert refused.exit_code == 2
    assert refused.stderr.count("a question is open") == 1
    assert answer(tmp_path / "analysis.toml") == 1

    ran = command("run", "analysis.toml")
    assert ran.exit_code == 0, ran.stderr
    assert cps.verify(tmp_path / "report")
    differences = pd.read_csv(tmp_path / "report" / "results" / "differences.csv")
    age = differences[(differences["scale"] == "margin") & (differences["term"] == "age")].iloc[0]
    assert age["first"] > 0 > age["second"]  # as the survey was made
    assert data.read_bytes() == before


def test_both_files_of_one_survey_give_the_same_codes(tmp_path: Path) -> None:
    kinds = []
    for data in (write_sav(tmp_path), write_dta(tmp_path)):
        folder = tmp_path / data.suffix[1:]
        assert command("init", data, "--out", folder).exit_code == 0
        answer(folder / "codebook.toml")
        variables = cps.read_codebook(folder / "codebook.toml").variables
        kinds.append({n: (v.kind, v.codes, tuple(v.missing), v.range) for n, v in variables.items()})
    assert kinds[0] == kinds[1]
    assert kinds[0]["watch"] == ("ordinal", ("3", "2", "1"), ("8",), None)
    assert kinds[0]["satis"] == ("numeric", (), ("88",), (0.0, 10.0))
    assert [kind for kind, *_ in kinds[0].values()][:4] == ["id", "stratum", "psu", "weight"]


def test_a_draft_overwrites_nothing(tmp_path: Path) -> None:
    data = write_dta(tmp_path)
    (tmp_path / "analysis.toml").write_text("mine", encoding="utf-8")
    told = command("init", data)
    assert told.exit_code == ReportError.exit_status
    assert "analysis.toml: it is there already" in told.stderr
    assert (tmp_path / "analysis.toml").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "codebook.toml").exists()


def test_drafts_elsewhere_find_the_survey(tmp_path: Path) -> None:
    data = write_dta(tmp_path)
    assert command("init", data, "--out", tmp_path / "work" / "first").exit_code == 0
    text = (tmp_path / "work" / "first" / "analysis.toml").read_text(encoding="utf-8")
    assert 'survey = "../../stadt.dta"' in text
    assert 'root = "../.."' in text
