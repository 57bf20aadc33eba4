from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coprodstats.errors import ArgumentError, ManifestMismatchError, ReportError
from coprodstats.reporting.manifest import (
    build_manifest,
    input_record,
    manifest_bytes,
    package_versions,
    sha256_of,
    source_tree_sha256,
    verify,
)
from coprodstats.reporting.writing import write_folder

OUTPUTS = {"report.html": b"<p>", "results/a.csv": b"x\n1\n"}


def build(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    data = tmp_path / "survey.csv"
    data.write_bytes(b"id\n1\n2\n")
    arguments: dict[str, Any] = {
        "title": "A run",
        "inputs": [input_record(data, name="data/survey.csv", n_rows=2)],
        "codebook_sha256": sha256_of(b"codebook"),
        "analysis_sha256": sha256_of(b"analysis"),
        "rows": {"rows_in": 2, "rows_kept": 2},
        "design": {"n_psu": 2},
        "models": {"individual": {"n": 2}},
        "outputs": OUTPUTS,
        "seed": 7,
    }
    return build_manifest(**{**arguments, **changes})


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    write_folder({**OUTPUTS, "manifest.json": manifest_bytes(build(tmp_path))}, folder)
    return folder


def test_a_manifest_says_what_was_read_and_written(tmp_path: Path) -> None:
    manifest = build(tmp_path)
    assert manifest["inputs"]["data/survey.csv"] == {
        "bytes": 7,
        "rows": 2,
        "sha256": hashlib.sha256(b"id\n1\n2\n").hexdigest(),
    }
    assert manifest["outputs"]["report.html"]["sha256"] == hashlib.sha256(b"<p>").hexdigest()
    assert manifest["random"] == {"generator": "PCG64", "seed": 7}
    assert manifest["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert build(tmp_path, seed=None)["random"] is None


def test_keys_are_sorted_everywhere(tmp_path: Path) -> None:
    def check(value: Any) -> None:
        if isinstance(value, dict):
            assert list(value) == sorted(value)
            for item in value.values():
                check(item)

    check(build(tmp_path, rows={"z": 1, "a": {"d": 1, "c": 2}}))


def test_nothing_of_the_machine_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/zqx-canary")
    monkeypatch.setenv("USER", "zqx-canary")
    monkeypatch.chdir(tmp_path)
    text = manifest_bytes(build(tmp_path)).decode()
    assert "zqx-canary" not in text
    assert str(tmp_path) not in text
    assert manifest_bytes(build(tmp_path)).decode() == text


def test_an_untouched_folder_verifies(finished: Path) -> None:
    record = verify(finished)
    assert (record.n_files, record.n_bytes) == (2, 7)
    assert record.manifest_sha256 == hashlib.sha256((finished / "manifest.json").read_bytes()).hexdigest()


def test_every_difference_is_listed(finished: Path) -> None:
    (finished / "report.html").write_bytes(b"<q>")
    (finished / "results" / "a.csv").unlink()
    (finished / "results" / "b.csv").write_bytes(b"")
    with pytest.raises(ManifestMismatchError, match="3 faults") as caught:
        verify(finished)
    assert [(fault.where, fault.found.split(":")[0]) for fault in caught.value.faults] == [
        ("file 'report.html'", "its content was changed"),
        ("file 'results/a.csv'", "it is missing"),
        ("file 'results/b.csv'", "it is not listed in the manifest"),
    ]


def test_a_link_is_no_file(finished: Path) -> None:
    shutil.copy(finished / "report.html", finished.parent / "twin.html")
    (finished / "report.html").unlink()
    (finished / "report.html").symlink_to(finished.parent / "twin.html")
    with pytest.raises(ManifestMismatchError, match="it is a link, not a file"):
        verify(finished)


def spoil(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def spoiled(raw: bytes) -> bytes:
        manifest = json.loads(raw)
        change(manifest)
        return json.dumps(manifest).encode()

    return spoiled


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda _: b"not json",
        lambda _: b"[]",
        spoil(lambda m: m.pop("outputs")),
        spoil(lambda m: m["outputs"].update(a=1)),
        spoil(lambda m: m.pop("package")),
    ],
)
def test_what_is_no_manifest_is_told(finished: Path, spoiled: Callable[[bytes], bytes]) -> None:
    path = finished / "manifest.json"
    path.write_bytes(spoiled(path.read_bytes()))
    with pytest.raises(ReportError, match="no manifest of this package"):
        verify(finished)


def test_a_manifest_can_t_point_out_of_its_folder(finished: Path) -> None:
    path = finished / "manifest.json"
    escape = spoil(lambda m: m["outputs"].update({"../survey.csv": {"bytes": 1, "sha256": "0"}}))
    path.write_bytes(escape(path.read_bytes()))
    with pytest.raises(ManifestMismatchError, match="leads out of the folder"):
        verify(finished)


def test_a_folder_without_a_manifest_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"has no manifest\.json"):
        verify(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"codebook_sha256": "abc"}, "codebook_sha256: it is no SHA-256"),
        ({"outputs": {"/etc/x": b""}}, "leads out of the folder"),
        ({"outputs": {"manifest.json": b""}}, "its own hash"),
        ({"extra": {"seed": 1, "rows": 2}}, "key 'rows' is the manifest's own"),
    ],
)
def test_what_can_t_be_recorded_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        build(tmp_path, **changes)


def test_an_input_is_known_by_a_relative_name(tmp_path: Path) -> None:
    record = input_record(Path(__file__), name="/home/me/survey.csv")
    with pytest.raises(ArgumentError, match="leads out of the folder"):
        build(tmp_path, inputs=[record])
    with pytest.raises(ReportError, match=r"'gone\.csv': it can't be read"):
        input_record(tmp_path / "gone.csv")


def test_the_source_hash_sees_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x = 1\n")
    first = source_tree_sha256(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.py").write_bytes(b"")
    (tmp_path / "a.pyc").write_bytes(b"")
    assert source_tree_sha256(tmp_path) == first
    (tmp_path / "a.py").write_bytes(b"x = 1\r\n")
    assert source_tree_sha256(tmp_path) == first  # a checkout with other line ends is the same code
    (tmp_path / "a.py").write_bytes(b"x = 2\n")
    assert source_tree_sha256(tmp_path) != first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    (tmp_path / "b.py").write_bytes(b"x = 1\n")
    assert source_tree_sha256(tmp_path) != first


def test_an_absent_package_is_told() -> None:
    with pytest.raises(ReportError, match="'no-such-package-here' is not installed"):
        package_versions(["numpy", "no-such-package-here"])
