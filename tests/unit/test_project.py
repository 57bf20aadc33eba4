"""The project's own files: versions that agree, locks without addresses, pages whose links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import coprodstats

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock")
NOT_OURS = {".git", ".venv", ".hypothesis", "__pycache__", "dist", "build"}
PAGES = sorted(
    p
    for p in ROOT.rglob("*.md")
    if not any(part in NOT_OURS or part.startswith(".") for part in p.parts[:-1])
)
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
TEXT = {".py", ".toml", ".md", ".cff", ".lock", ".json", ".html", ".csv", ".svg", ".R", ".txt", ""}


def ours() -> list[Path]:
    """Return the project's text files, whether or not git is there."""
    found = [p for p in ROOT.rglob("*") if p.is_file() and p.suffix in TEXT]
    inside = [(p, p.relative_to(ROOT).parts) for p in found]
    return [
        p for p, parts in inside
        if not any(d in NOT_OURS or (d.startswith(".") and d != ".ci") for d in parts[:-1])
    ]  # fmt: skip


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_one_version_everywhere() -> None:
    version = PROJECT["project"]["version"]
    assert coprodstats.__version__ == version
    assert f"version: {version}" in lines_of(ROOT / "CITATION.cff")
    newest = next(line for line in lines_of(ROOT / "CHANGELOG.md") if line.startswith("## ["))
    assert newest.startswith(f"## [{version}]")


def test_every_version_says_which_numbers_changed() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = text.split("\n## [")[1:]
    assert entries
    for entry in entries:
        assert "### Numbers changed" in entry, entry.splitlines()[0]


def pinned(lock: str) -> dict[str, set[str]]:
    """Return the pins of a lock, markers included, by package."""
    found: dict[str, set[str]] = {}
    for line in lines_of(ROOT / lock):
        if line and not line[0].isspace():
            pin = line.rstrip("\\ ")
            found.setdefault(re.split(r"[=<>~! ]", pin)[0], set()).add(pin)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hold_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(
        r"^\s*(-i|-f|--index-url|--extra-index-url|--find-links)\b", text, flags=re.MULTILINE
    )
    requirements = re.split(r"\n(?=\S)", text.strip())
    assert requirements
    for requirement in requirements:
        assert re.match(r"[a-z0-9-]+==[^ ]+ ", requirement), requirement[:60]
        assert "--hash=sha256:" in requirement, requirement[:60]


def test_the_lock_of_the_tools_holds_all_that_a_report_needs() -> None:
    run, dev = map(pinned, LOCKS)
    assert {name: dev.get(name) for name in run} == run


@pytest.mark.parametrize(("lock", "groups"), [(LOCKS[0], ["build"]), (LOCKS[1], ["build", "dev"])])
def test_locks_hold_every_declared_dependency(lock: str, groups: list[str]) -> None:
    declared = [*PROJECT["project"]["dependencies"]]
    for group in groups:
        declared += [entry for entry in PROJECT["dependency-groups"][group] if isinstance(entry, str)]
    names = {re.split(r"[<>=~! \[]", entry)[0].lower().replace("_", "-") for entry in declared}
    assert names - set(pinned(lock)) == set()


def test_nothing_names_a_place_that_only_one_machine_has() -> None:
    # Written apart, so that this file does not find itself.
    places = ["/" + "work/", "../" + "shared", "files." + "pythonhosted", "pypi." + "org/simple"]
    found = [
        f"{path.relative_to(ROOT)}: {place}"
        for path in ours()
        for place in places
        if place in path.read_text(encoding="utf-8", errors="replace")
    ]
    assert found == []


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(page.name[:4]) for page in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_decisions_have_their_three_headings(page: Path) -> None:
    lines = lines_of(page)
    assert lines[0].startswith(f"# {page.name[:4]}: ")
    assert [line for line in lines if line.startswith("## ")] == [
        "## Context",
        "## Decision",
        "## Consequence",
    ]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as they are made on the web."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


@pytest.mark.parametrize("page", [p for p in PAGES if "docs" in p.parts], ids=lambda page: page.stem)
def test_files_that_the_documentation_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests|data|analyses|src|scripts)/[\w./-]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
