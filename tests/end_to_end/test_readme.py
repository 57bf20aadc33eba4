"""The README's examples, run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.reporting.analysis import run_analysis

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """Run the Python example from the repository's root and return its names."""
    (code,) = blocks("python")
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102  (the README's own example)
    names["printed"] = capsys.readouterr().out
    return names


def test_the_python_example_shows_the_planted_differences(example: dict[str, object]) -> None:
    both, printed = example["both"], str(example["printed"])
    assert isinstance(both, cps.Comparison)
    table = both.to_frame().set_index("term")
    assert table.loc["age", "individual"] > 0 > table.loc["age", "collective"]
    assert table.loc["efficacy", "difference"] > 0
    assert "null: all differences collective − individual are zero" in printed
    assert "p_adjusted" in both.to_frame()


def test_the_python_example_is_short() -> None:
    (code,) = blocks("python")
    assert sum(1 for line in code.splitlines() if line.strip()) <= 12


def small_survey(path: Path) -> None:
    """Write an invented survey: the older watch more, nothing goes with joining a group."""
    rng = np.random.default_rng(5)
    n = 600
    district, age = rng.integers(0, 4, n), rng.integers(18, 91, n)
    watches = np.where(rng.random(n) < age / 90, rng.choice(["1", "2"], n), "3")
    pd.DataFrame(
        {
            "id": np.arange(n),
            "weight": rng.uniform(0.5, 2.0, n).round(3),
            "district": district,
            "street": district * 100 + rng.integers(0, 10, n),
            "age": age,
            "gender": rng.choice(["1", "2", "9"], n, p=[0.49, 0.49, 0.02]),
            "watches": watches,
            "group": rng.choice(["1", "2", "3", "8"], n, p=[0.2, 0.25, 0.5, 0.05]),
        }
    ).to_csv(path, index=False)


def test_the_codebook_and_analysis_of_your_own_survey_run(tmp_path: Path) -> None:
    for text in blocks("toml"):
        name = re.match(r"# (\w+\.toml)\n", text)
        assert name is not None
        (tmp_path / name[1]).write_text(text, encoding="utf-8")
    small_survey(tmp_path / "neighbours.csv")
    result = run_analysis(tmp_path / "analysis.toml")
    assert result.folder == tmp_path / "report"
    assert cps.verify(result.folder)
    report = (result.folder / "report.html").read_text(encoding="utf-8")
    assert "Who watches, and who joins in?" in report
    differences = pd.read_csv(result.folder / "results" / "differences.csv")
    assert set(differences["term"]) >= {"age", "gender[T.woman]"}


def test_commands_that_the_readme_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make ([a-z]+)", " ".join(blocks("sh"))):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
