"""The set-up of .venv, with everything that would take minutes or a network taken out."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "bootstrap.py"
LOCK = """\
click==8.5.1 \\
    --hash=sha256:aa
new_one==2.5 ; python_full_version >= '3.12' \\
    --hash=sha256:bb
old.one==2.4 ; python_full_version < '3.12' \\
    --hash=sha256:cc
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:dd
"""


class Place:
    """A folder with locks in which bootstrap believes to live, and what it did there."""

    def __init__(self, bootstrap: ModuleType, root: Path) -> None:
        self.bootstrap, self.root, self.did = bootstrap, root, []
        self.installed: dict[str, str] = {}
        self.python_runs = True

    def record(self) -> dict[str, Any]:
        return json.loads((self.root / ".venv" / "coprodstats.json").read_text(encoding="utf-8"))

    def set_up(self, purpose: str = "run") -> list[str]:
        self.did.clear()
        status = self.bootstrap.main([purpose])
        return [*self.did] if status == 0 else [*self.did, f"status {status}"]


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def place(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    root = tmp_path / "a folder"
    root.mkdir()
    for name in ("requirements.lock", "requirements-dev.lock"):
        (root / name).write_text(LOCK, encoding="utf-8")
    (root / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    here = Place(bootstrap, root)

    def create(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        if command[1:3] == ["-m", "venv"]:
            here.did.append("create")
            here.python_runs = True
        return subprocess.CompletedProcess(command, 0, "", "")

    def install(lock: str, absent: list[str]) -> None:
        here.did.append(f"install {len(absent)} from {lock}")
        here.installed = bootstrap.read_lock(root / lock)

    monkeypatch.setattr(bootstrap, "ROOT", root)
    monkeypatch.setattr(bootstrap, "VENV", root / ".venv")
    monkeypatch.setattr(bootstrap, "RECORD", root / ".venv" / "coprodstats.json")
    monkeypatch.setattr(bootstrap.subprocess, "run", create)
    monkeypatch.setattr(bootstrap, "works", lambda: here.python_runs)
    monkeypatch.setattr(bootstrap, "_installed", lambda: here.installed)
    monkeypatch.setattr(bootstrap, "_install", install)
    monkeypatch.setattr(bootstrap, "_install_package", lambda: here.did.append("package"))
    return here


def test_the_first_time_makes_all_and_the_second_nothing(place: Place) -> None:
    assert place.set_up() == ["create", "install 2 from requirements.lock", "package"]
    assert place.record()["done"] == ["run"]
    assert place.set_up() == []


def test_the_tools_are_added_to_what_a_report_needs(place: Place) -> None:
    place.set_up("run")
    (place.root / "requirements-dev.lock").write_text(LOCK + "pytest==9.2.0 \\\n", encoding="utf-8")
    assert place.set_up("dev") == ["install 1 from requirements-dev.lock", "package"]
    assert place.set_up("run") == []
    assert place.set_up("dev") == []


def test_an_unfinished_one_is_made_anew(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(lock: str, absent: list[str]) -> None:
        raise place.bootstrap.SetUpError(f"no network for {len(absent)} packages of {lock}")

    with monkeypatch.context() as patch:
        patch.setattr(place.bootstrap, "_install", fails)
        assert place.set_up() == ["create", "status 2"]
    assert place.record()["done"] == []
    assert place.set_up() == ["create", "install 2 from requirements.lock", "package"]


def test_an_interruption_is_no_stack_trace(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_lock: str, _absent: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(place.bootstrap, "_install", interrupted)
    assert place.set_up() == ["create", "status 130"]
    assert "Run make again" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("lock", "requirements.lock changed"),
        ("moved", "the folder was moved"),
        ("python", "it has not Python"),
        ("broken", "its Python doesn't run"),
    ],
)
def test_a_stale_one_is_made_anew_and_says_why(
    place: Place, capsys: pytest.CaptureFixture[str], change: str, reason: str
) -> None:
    place.set_up()
    file = place.root / ".venv" / "coprodstats.json"
    if change == "lock":
        text = LOCK.replace("8.5.1", "8.5.2")
        (place.root / "requirements.lock").write_text(text, encoding="utf-8")
        place.installed = {}
    elif change == "broken":
        place.python_runs = False
    else:
        key = {"moved": "root", "python": "python"}[change]
        file.write_text(json.dumps({**place.record(), key: "another"}), encoding="utf-8")
    assert place.set_up()[0] == "create"
    assert reason in capsys.readouterr().out


def test_one_that_somebody_else_made_is_kept(place: Place) -> None:
    (place.root / ".venv").mkdir()
    (place.root / ".venv" / "mine").touch()
    place.installed = place.bootstrap.read_lock(place.root / "requirements.lock")
    assert place.set_up() == ["package"]
    changed = LOCK.replace("8.5.1", "8.5.2")
    (place.root / "requirements.lock").write_text(changed, encoding="utf-8")
    assert place.set_up() == ["install 1 from requirements.lock", "package"]
    assert (place.root / ".venv" / "mine").exists()


def test_a_changed_project_file_installs_the_package_again_only(place: Place) -> None:
    place.set_up()
    (place.root / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    assert place.set_up() == ["package"]


def test_without_means_to_make_a_venv_the_remedy_is_one_command(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(place.bootstrap, "_has_ensurepip", lambda: False)
    monkeypatch.setattr(place.bootstrap, "_system_pip", lambda: False)
    monkeypatch.setattr(place.bootstrap.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(place.bootstrap.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(place.bootstrap.sys, "base_prefix", "/usr")
    assert place.set_up() == ["status 2"]
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"sudo apt-get install python{version}-venv" in capsys.readouterr().out
    assert not (place.root / ".venv").exists()


def test_only_what_applies_here_is_read_from_a_lock(bootstrap: ModuleType, place: Place) -> None:
    mine = {"new-one": "2.5"} if sys.version_info >= (3, 12) else {"old-one": "2.4"}
    if sys.platform == "win32":
        mine["colorama"] = "0.4.6"
    assert bootstrap.read_lock(place.root / "requirements.lock") == {"click": "8.5.1", **mine}


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("Collecting numpy==2.4.6 (from -r requirements.lock (line 3))\n", ("numpy", "2.4.6")),
        ("Collecting numpy==2.4.6; python_version < '3.12'\n", ("numpy", "2.4.6")),
        ("Processing ./a b/python_dateutil-4.0.0-py2.py3-none-any.whl\n", ("python-dateutil", "4.0.0")),
        ("  Using cached numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl (16 MB)\n", None),
    ],
)
def test_the_package_that_pip_is_at(
    bootstrap: ModuleType, line: str, package: tuple[str, str] | None
) -> None:
    assert bootstrap.package_in(line) == package


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "WARNING: Retrying: NewConnectionError('…')\nERROR: No matching distribution found",
            "is this machine online",
        ),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            "not the one that the lock",
        ),
        ("ERROR: Could not install: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: No matching distribution found for numpy==2.4.6", "no ready-made package"),
        ("ERROR: something new", "something new"),
    ],
)
def test_what_pip_said_is_put_in_plain_words(bootstrap: ModuleType, said: str, told: str) -> None:
    assert told in bootstrap.explained(said.splitlines(keepends=True))


def test_paths_of_the_user_do_not_lead_packages_astray(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("PIP_TARGET", "elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "a mirror")
    environment = bootstrap._environment()
    assert "PYTHONPATH" not in environment
    assert "PIP_TARGET" not in environment
    assert environment["PIP_USER"] == "0"
    assert environment["PIP_INDEX_URL"] == "a mirror"


def test_an_unknown_purpose_shows_how_it_is_called(
    bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bootstrap.main(["everything"]) == 2
    assert "requirements-dev.lock" in capsys.readouterr().out
