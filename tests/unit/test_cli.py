from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from click.testing import CliRunner, Result

import coprodstats
from coprodstats import cli, errors
from coprodstats.errors import CoprodstatsError, Fault

COMMANDS = ("run", "verify", "reproduce", "init", "check", "codebook")
CODEBOOK = """title = "t"
[cleaning]
duplicate_ids = "keep first"
[variables.person]
kind = "id"
[variables.trust]
label = "Trust"
kind = "ordinal"
values = { 1 = "low", 2 = "high" }
missing = { 9 = "refused" }
"""


def command(*words: object) -> Result:
    return CliRunner().invoke(cli.main, [str(w) for w in words])


@pytest.mark.parametrize("words", [("--help",), ("-h",), *((name, "--help") for name in COMMANDS)])
def test_help_is_given(words: tuple[str, ...]) -> None:
    told = command(*words)
    assert told.exit_code == 0
    assert "Usage:" in told.stdout
    assert told.stderr == ""


def test_help_names_every_command() -> None:
    assert set(cli.main.commands) == set(COMMANDS)
    for name in COMMANDS:
        assert f"  {name} " in command("--help").stdout


def test_the_version_is_the_packages() -> None:
    assert command("--version").stdout == f"coprodstats, version {coprodstats.__version__}\n"


@pytest.mark.parametrize(
    "words", [("rnu",), ("run",), ("run", "a", "b"), ("check", "a"), ("run", "--ot", "x", "y")]
)
def test_wrong_words_are_a_usage_error(words: tuple[str, ...]) -> None:
    told = command(*words)
    assert told.exit_code == 2
    assert told.stdout == ""
    assert "Usage:" in told.stderr


def classes(base: type[CoprodstatsError] = CoprodstatsError) -> list[type[CoprodstatsError]]:
    return [base, *(found for child in base.__subclasses__() for found in classes(child))]


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_an_error_becomes_its_words_and_its_status(
    kind: type[CoprodstatsError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise kind(Fault(where="here", found="it is wrong", remedy="another way"))

    monkeypatch.setattr("coprodstats.reporting.manifest.verify", fail)
    told = command("verify", "folder")
    assert told.exit_code == kind.exit_status != 0
    assert told.stdout == ""
    assert told.stderr.startswith(f"[{kind.code}] {kind.__name__}")
    assert "it is wrong" in told.stderr
    assert "Traceback" not in told.stderr


def test_errors_of_one_room_have_one_status() -> None:
    own = {kind.__name__: kind.exit_status for kind in classes()}
    assert own["ConfigError"] == own["ArgumentError"] == 2
    assert own["CodebookError"] == 3
    assert own["UnexpectedCodeError"] == own["InputError"] == 4
    assert own["LonelyPSUError"] == own["DesignError"] == 5
    assert own["FormulaError"] == 6
    assert own["SeparationError"] == own["ModelError"] == 7
    assert own["ManifestMismatchError"] == own["ReportError"] == 8
    codes = [kind.code for kind in classes()]
    assert len(codes) == len(set(codes))


def test_a_missing_analysis_is_told(tmp_path: Path) -> None:
    told = command("run", tmp_path / "absent.toml")
    assert told.exit_code == errors.ConfigError.exit_status
    assert told.stderr.startswith("[E-A100] ConfigError\n  - absent.toml: no such file")
    assert list(tmp_path.iterdir()) == []


def test_progress_goes_to_stderr_and_only_a_finished_run_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Done:
        files: ClassVar = {"report.html": 3}
        folder = tmp_path
        warnings = ("[W-D320] survey.csv: w: weights are extreme",)

    def run(path: Path, *, out: Path | None, progress: Callable[[str], None]) -> Done:
        progress("fitting")
        assert (path, out) == (Path("a.toml"), tmp_path)
        return Done()

    monkeypatch.setattr("coprodstats.reporting.analysis.run_analysis", run)
    told = command("run", "a.toml", "--out", tmp_path)
    assert told.exit_code == 0
    assert told.stdout == f"1 files in {tmp_path}; open {tmp_path / 'report.html'}\n"
    assert told.stderr.splitlines() == [
        "coprodstats a.toml: done",
        "warning  [W-D320] survey.csv: w: weights are extreme",
    ]

    def fail(*_: object, **__: object) -> None:
        raise errors.ModelError(Fault(where="here", found="it is wrong"))

    monkeypatch.setattr("coprodstats.reporting.analysis.run_analysis", fail)
    told = command("run", "a.toml")
    assert told.exit_code == 7
    assert told.stdout == ""
    assert "done" not in told.stderr


def test_a_survey_can_be_checked_alone(tmp_path: Path) -> None:
    (tmp_path / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    (tmp_path / "survey.csv").write_text("person,trust\na,1\nb,2\nb,1\nc,9\n", encoding="utf-8")
    told = command("check", tmp_path / "survey.csv", tmp_path / "codebook.toml")
    assert told.exit_code == 0
    lines = [line.split(maxsplit=1) for line in told.stdout.splitlines() if line]
    assert ["4", "rows in the file"] in [[n, label.strip()] for n, label in lines]
    assert any(n == "1" and "trust" in label for n, label in lines)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["codebook.toml", "survey.csv"]


def test_a_survey_with_codes_that_are_not_declared_is_refused(tmp_path: Path) -> None:
    (tmp_path / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    (tmp_path / "survey.csv").write_text("person,trust\na,1\nb,7\n", encoding="utf-8")
    told = command("check", tmp_path / "survey.csv", tmp_path / "codebook.toml")
    assert told.exit_code == errors.UnexpectedCodeError.exit_status
    assert "trust" in told.stderr
    assert "fewer than 10" in told.stderr


HEAVY = ("numpy", "pandas", "scipy", "matplotlib", "seaborn", "statsmodels", "formulaic", "rich", "jinja2")
IMPORTS = {
    "the package": "import coprodstats",
    "its version": "import coprodstats; coprodstats.__version__; dir(coprodstats)",
    "the command's help": "from coprodstats.cli import main; main(['--help'], standalone_mode=False)",
    "the errors": "import coprodstats.errors",
}


@pytest.mark.parametrize("what", IMPORTS)
def test_little_is_imported_before_it_is_needed(what: str) -> None:
    code = f"{IMPORTS[what]}\nimport sys\nprint('HEAVY', *[m for m in {HEAVY!r} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "HEAVY"


def test_importing_the_package_does_not_import_click() -> None:
    code = "import coprodstats, sys; print('click' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
