from __future__ import annotations

import csv
import errno
import io
import json
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprodstats.errors import ArgumentError, ReportError
from coprodstats.reporting import writing
from coprodstats.reporting.writing import frame_to_csv, json_bytes, name_faults, write_folder


def manifest(*names: str) -> bytes:
    return json.dumps({"outputs": {name: {} for name in names}}).encode()


def run(**files: bytes) -> dict[str, bytes]:
    """Return files as a run gives them, with a manifest that lists them."""
    named = {name.replace("__", "/").replace("_", "."): data for name, data in files.items()}
    return {**named, "manifest.json": manifest(*named)}


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_folder_holds_exactly_what_was_given(tmp_path: Path) -> None:
    first, second = run(a_txt=b"1", figures__b_svg=b"2"), run(c_txt=b"3")
    write_folder(first, tmp_path / "deep" / "out")
    assert tree(tmp_path) == {f"deep/out/{name}": data for name, data in first.items()}
    write_folder(second, tmp_path / "deep" / "out")
    assert tree(tmp_path) == {f"deep/out/{name}": data for name, data in second.items()}


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_folder(run(a_txt=b"1"), tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").read_bytes() == b"1"


@pytest.mark.parametrize("call", ["fsync", "rename"])
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "x"), KeyboardInterrupt()], ids=["full", "interrupt"]
)
def test_a_failure_at_any_moment_leaves_the_last_good_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, nth: int, error: BaseException
) -> None:
    out = tmp_path / "out"
    write_folder(run(a_txt=b"old"), out)
    before = tree(tmp_path)
    calls = 0
    owner = os if call == "fsync" else Path
    real = getattr(owner, call)

    def failing(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise error
        return real(*args)

    monkeypatch.setattr(owner, call, failing)
    if call == "rename" and nth == 3:  # only two renames make a run
        write_folder(run(a_txt=b"new"), out)
        assert (out / "a.txt").read_bytes() == b"new"
        return
    with pytest.raises((ReportError, KeyboardInterrupt), match=r"disk is full|^$"):
        write_folder(run(a_txt=b"new", b_txt=b"new"), out)
    assert tree(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_a_run_killed_between_the_renames_is_repaired(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_folder(run(a_txt=b"old"), out)
    out.rename(tmp_path / ".out.previous")
    with pytest.raises(ReportError, match="leads out of the folder"):
        write_folder({"../x": b""}, out)
    write_folder(run(b_txt=b"new"), out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert (out / "b.txt").read_bytes() == b"new"


def test_files_that_no_run_wrote_are_never_removed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_folder(run(a_txt=b"1"), out)
    (out / "thesis.docx").write_bytes(b"years")
    with pytest.raises(ReportError, match=r"files that no run wrote: thesis\.docx"):
        write_folder(run(a_txt=b"2"), out)
    assert tree(out)["thesis.docx"] == b"years"
    assert tree(out)["a.txt"] == b"1"


def test_a_folder_without_a_manifest_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"mine")
    with pytest.raises(ReportError, match=r"no run wrote: notes\.txt"):
        write_folder(run(a_txt=b"1"), tmp_path)


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(ReportError, match="it is a file"):
        write_folder(run(a_txt=b"1"), tmp_path / "out")


@pytest.mark.parametrize(
    ("number", "message"),
    [(errno.EROFS, "can't be written to"), (errno.ENOSPC, "disk is full"), (errno.EIO, "the system says")],
)
def test_the_system_s_refusals_are_told_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "raw words")

    monkeypatch.setattr(writing, "_fill", refuse)
    with pytest.raises(ReportError, match=message) as caught:
        write_folder(run(a_txt=b"1"), tmp_path / "out")
    assert "raw words" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../a",
        "a/../b",
        "a//b",
        "a/",
        "./a",
        "a\\b",
        "C:a",
        ".hidden",
        "a\0",
        "nul.txt",
        "a.",
        "a?",
    ],
)
def test_names_that_leave_the_folder_or_fail_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReportError, match="leads out of the folder or is not portable"):
        write_folder({name: b""}, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_names_that_clash_are_refused() -> None:
    assert "by case only" in str(name_faults(["A.txt", "a.txt"])[0])
    assert "is a file, not a folder" in str(name_faults(["a", "a/b"])[0])


@given(st.lists(st.tuples(st.text(), st.floats(allow_nan=False), st.integers()), min_size=1))
def test_csv_reads_back(rows: list[tuple[str, float, int]]) -> None:
    frame = pd.DataFrame(rows, columns=["text", "float", "int"])
    read = list(csv.reader(io.StringIO(frame_to_csv(frame).decode(), newline="")))[1:]
    for (text, number, whole), (text_read, number_read, whole_read) in zip(rows, read, strict=True):
        assert text_read.removeprefix("'") == text.removeprefix("'")
        assert not text_read.startswith(writing.FORMULA_STARTS)
        assert float(number_read) == pytest.approx(number, rel=1e-9, abs=0)
        assert int(whole_read) == whole


def test_csv_by_hand() -> None:
    frame = pd.DataFrame(
        {
            "=term": ["-age", "a,b", "＝1", None],
            "estimate": [-0.0, 1e-20, np.float32(0.5), math.nan],
            "n": pd.array([1, 2, 3, None], dtype="Int64"),
            "flag": [True, False, True, True],
            "level": pd.Categorical(["low", "@high", None, "low"]),
        }
    )
    assert frame_to_csv(frame).decode() == (
        "'=term,estimate,n,flag,level\n"
        "'-age,0.0,1,true,low\n"
        '"a,b",1e-20,2,false,\'@high\n'
        "'＝1,0.5,3,true,\n"
        ",,,true,low\n"
    )


def test_noise_in_the_last_bits_changes_no_byte() -> None:
    one, other = (pd.DataFrame({"x": [value]}) for value in (0.1 + 0.2, 0.3))
    assert frame_to_csv(one) == frame_to_csv(other)


def test_a_csv_loses_no_index() -> None:
    with pytest.raises(ArgumentError, match="index would be lost"):
        frame_to_csv(pd.DataFrame({"x": [1]}, index=["age"]))
    with pytest.raises(ArgumentError, match="two columns have the same name"):
        frame_to_csv(pd.DataFrame([[1, 2]], columns=["x", "x"]))
    assert frame_to_csv(pd.DataFrame({"x": [1, 2, 3]}).query("x > 1")) == b"x\n2\n3\n"


def test_json_is_sorted_and_plain() -> None:
    record = {
        "b": (np.int64(1), np.True_, np.float64(1 / 3)),
        "a": {"z": None, "y": pd.NA, "x": math.inf},
    }
    expected = {"a": {"x": "inf", "y": None, "z": None}, "b": [1, True, 0.3333333333]}
    assert json.loads(json_bytes(record)) == expected
    assert json_bytes(record) == json_bytes(dict(reversed(record.items())))


def test_json_refuses_what_it_can_t_write() -> None:
    with pytest.raises(ArgumentError, match="PosixPath can't be written"):
        json_bytes({"a": Path("x")})
