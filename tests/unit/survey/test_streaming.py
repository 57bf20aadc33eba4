"""Files read some rows at a time: what is kept, what room it takes, and what is told meanwhile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from coprodstats import clean, read_codebook, read_survey
from coprodstats.errors import InputError, ResourceLimitError, TruncatedInputError
from coprodstats.survey import child_process, cleaning, compact, memory
from coprodstats.survey.compact import Columns
from coprodstats.survey.declarations import Codebook, Variable
from coprodstats.survey.reading import SurveyData

CODEBOOK = """title = "t"
[variables.id]
kind = "id"
[variables.q]
label = "Question"
kind = "ordinal"
values = { 1 = "low", 2 = "high" }
missing = { 9 = "refused" }
[variables.w]
kind = "weight"
[cleaning]
ignore_columns = ["words"]
"""


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    n = 3000
    return pd.DataFrame(
        {
            "id": [f"{row:05d}" for row in range(n)],
            "words": "some, \"text\" of é",
            "q": rng.choice([1.0, 2.0, 9.0, np.nan], n),
            "w": rng.uniform(0.5, 2, n).round(3),
        }
    )  # fmt: skip


def files(folder: Path, frame: pd.DataFrame) -> dict[str, Path]:
    (folder / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    paths = {ending: folder / f"survey.{ending}" for ending in ("csv", "parquet", "sav", "dta")}
    frame.assign(q=frame["q"].astype("Int64")).to_csv(paths["csv"], index=False)
    table = pa.Table.from_pandas(frame)
    pq.write_table(table, paths["parquet"], row_group_size=700, write_page_checksum=True)
    pyreadstat.write_sav(frame, paths["sav"])
    pyreadstat.write_dta(frame, paths["dta"])
    return paths


def test_compact_surveys_are_the_same_survey(frame: pd.DataFrame, tmp_path: Path) -> None:
    for ending, path in files(tmp_path, frame).items():
        codebook = read_codebook(tmp_path / "codebook.toml")
        usual, small = read_survey(path, codebook), read_survey(path, codebook, compact=True)
        assert [str(dtype) for dtype in usual.frame.dtypes] == ["str"] * 3
        assert [str(dtype) for dtype in small.frame.dtypes] == ["str", "category", "category"], ending
        pd.testing.assert_frame_equal(small.frame.astype("str"), usual.frame)
        assert usual.frame["q"].fillna("0").astype(float).tolist() == frame["q"].fillna(0).tolist()
        first, second = clean(usual), clean(small)
        pd.testing.assert_frame_equal(first.frame, second.frame)
        pd.testing.assert_frame_equal(first.reasons, second.reasons)
        assert first.log.equals(second.log)


def test_survey_data_may_be_categories_of_texts_only() -> None:
    variable = Variable(name="q", label="q", kind="id")
    codebook = Codebook(title="", synthetic=False, variables={"q": variable})
    assert SurveyData(frame=pd.DataFrame({"q": pd.Categorical(["1", "2"])}), codebook=codebook).n_rows == 2
    with pytest.raises(InputError, match="columns are not text: q"):
        SurveyData(frame=pd.DataFrame({"q": pd.Categorical([1, 2])}), codebook=codebook)


def test_progress_is_told_to_the_end(frame: pd.DataFrame, tmp_path: Path) -> None:
    paths = files(tmp_path, frame)
    codebook = read_codebook(tmp_path / "codebook.toml")
    for ending, total in (("csv", paths["csv"].stat().st_size), ("parquet", 3000)):
        told: list[tuple[int, int]] = []
        read_survey(paths[ending], codebook, progress=lambda *said, told=told: told.append(said))
        assert told == sorted(told)
        assert told[-1] == (total, total)


def test_a_damaged_page_counts_only_where_it_is_read(frame: pd.DataFrame, tmp_path: Path) -> None:
    path = files(tmp_path, frame)["parquet"]
    codebook = read_codebook(tmp_path / "codebook.toml")
    data = bytearray(path.read_bytes())
    group = pq.ParquetFile(path).metadata.row_group(2)
    for column, refused in ((1, False), (2, True)):
        damaged = bytearray(data)
        chunk = group.column(column)
        damaged[chunk.data_page_offset + chunk.total_compressed_size // 2] ^= 1
        path.write_bytes(damaged)
        if refused:
            with pytest.raises(TruncatedInputError, match="truncated or damaged"):
                read_survey(path, codebook)
        else:
            assert read_survey(path, codebook).n_rows == 3000


def test_more_columns_than_a_command_line_holds_are_read(
    frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files(tmp_path, frame)["sav"]
    monkeypatch.setattr(child_process, "_LONGEST_REQUEST", 3)
    assert list(read_survey(path, read_codebook(tmp_path / "codebook.toml")).frame) == ["id", "q", "w"]


def test_columns_of_too_many_texts_become_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact, "_MOST_TEXTS", 3)
    columns = Columns(["few", "many"])
    cells = [["a", "b", None, "\u2003"], ["c", " ", "a", "b"], ["d", "d", "e", None]]
    for part in cells:
        few = pa.array(["x", "y", "x", ""]).dictionary_encode()
        columns.add([few, pa.array(part).dictionary_encode()])
    columns.add([pa.array(["z"]).dictionary_encode(), pa.array(["\x1f"])])
    assert columns.nbytes > 0
    table = columns.table()
    assert table["few"].type == pa.dictionary(pa.int8(), pa.string())
    assert table["few"].to_pylist() == ["x", "y", "x", None] * 3 + ["z"]
    assert table["many"].type == pa.string()
    assert table["many"].to_pylist() == ["a", "b", None, None, "c", None, "a", "b", "d", "d", "e", None, None]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_survey_without_room_is_refused_with_a_way_out(
    ending: str, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files(tmp_path, frame)[ending]
    codebook = read_codebook(tmp_path / "codebook.toml")
    monkeypatch.setattr(memory, "free_memory", lambda: 100 * 1024**2)
    words = r"by row [0-9,]+, and no memory(?s:.)*ignore_columns.*compact"
    with pytest.raises(ResourceLimitError, match=words):
        read_survey(path, codebook, compact=True)
    monkeypatch.setattr(memory, "_RESERVE", 100 * 1024**2)
    with pytest.raises(ResourceLimitError, match=r"need 0\.0 GiB as text(?s:.)*what is free: 0\.1 GiB"):
        read_survey(path, codebook)
    assert read_survey(path, codebook, compact=True).n_rows == 3000


def test_free_memory_is_the_least_of_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    5000 kB\n", encoding="ascii")
    (tmp_path / "memory.max").write_text("4000000\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("1000000\n", encoding="ascii")
    monkeypatch.setattr(memory, "_PROC", tmp_path)
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    assert memory.free_memory() == 3_000_000
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert memory.free_memory() == 5000 * 1024
    (tmp_path / "meminfo").unlink()
    assert memory.free_memory() is None


MEASURED = """
import sys
from coprodstats import read_codebook, read_survey
survey = read_survey(sys.argv[1], read_codebook(sys.argv[2]), compact=True)
assert survey.n_rows == int(sys.argv[3])
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
def test_memory_does_not_grow_with_what_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    n, peaks = 40_000, []
    for width in (1, 5000):
        path = tmp_path / f"survey_{width}.csv"
        text = "x" * width
        with path.open("w", encoding="utf-8") as stream:
            stream.write("id,words,q,w\n")
            stream.writelines(f"{row},{text},1,0.5\n" for row in range(n))
        command = [sys.executable, "-c", MEASURED, str(path), str(tmp_path / "codebook.toml"), str(n)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) * 1024)
        path.unlink()
    # The larger file has 200 MB more. Blocks of 8 MiB are held as bytes, decoded, and as places of marks.
    assert peaks[1] - peaks[0] < 80 * 1024**2


@pytest.mark.parametrize("kind", [MemoryError, pa.ArrowMemoryError])
def test_cleaning_without_memory_is_told_in_our_words(kind, monkeypatch):
    def ended(*_: object) -> None:
        raise kind("malloc of size 8589934592 failed")

    monkeypatch.setattr(cleaning, "read_columns", ended)
    survey = SurveyData(
        frame=pd.DataFrame(index=range(3)),
        codebook=Codebook(title="", synthetic=False, variables={}),
        source="large.csv",
    )
    with pytest.raises(ResourceLimitError, match=r"large\.csv: no memory is left") as told:
        clean(survey)
    assert "malloc" not in str(told.value)
    assert told.value.__cause__ is None
