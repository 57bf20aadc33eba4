"""Files that pandas reads with other values, and what becomes of them here; docs/parity.md has the table."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from coprodstats.errors import DelimiterError, FormatError, InputError, SchemaError
from coprodstats.survey.declarations import Codebook, Variable
from coprodstats.survey.reading import read_survey

CODEBOOK = Codebook(
    title="t",
    synthetic=False,
    source="codebook.toml",
    variables={
        "id": Variable(name="id", label="id", kind="id"),
        "q": Variable(name="q", label="q", kind="nominal", values={"1": "yes", "2": "no"}),
        "w": Variable(name="w", label="w", kind="weight"),
    },
)
CHANGED: dict[str, tuple[str, list[list[Any]], list[list[Any]] | None]] = {
    "NA, the code of Namibia": (
        "id,q,w\nNA,1,0.5\nDK,2,1.5\n",
        [[None, 1, 0.5], ["DK", 2, 1.5]],
        [["NA", "1", "0.5"], ["DK", "2", "1.5"]],
    ),
    "leading zeros": (
        "id,q,w\n007,1,0.5\n008,2,1.5\n",
        [[7, 1, 0.5], [8, 2, 1.5]],
        [["007", "1", "0.5"], ["008", "2", "1.5"]],
    ),
    "2**53 + 1 beside a blank": (
        "id,q,w\n9007199254740993,1,0.5\n,2,1.5\n",
        [[9007199254740992.0, 1, 0.5], [None, 2, 1.5]],
        [["9007199254740993", "1", "0.5"], [None, "2", "1.5"]],
    ),
}  # fmt: skip
# What pandas makes of the file: its columns, and its first row with the index if it made one.
ACCEPTED: dict[str, tuple[str, list[str], list[Any], type[InputError], str]] = {
    "semicolons and decimal commas": (
        "id;q;w\na;1;1,25\nb;2;0,75\n", ["id;q;w"], ["a;1;1", 25], DelimiterError, "3 by semicolons",
    ),
    "one field more in every row": (
        "id,q,w\na,1,0.5,x\nb,2,1.5,y\n", ["id", "q", "w"], ["a", 1, 0.5, "x"], SchemaError, "2 of 2 rows",
    ),
    "a NUL byte in a code": (
        "id,q,w\na,2\x000,0.5\n", ["id", "q", "w"], ["a", "2\x000", 0.5], SchemaError, "a NUL byte",
    ),
    "a login page": (
        "<!DOCTYPE html>\n<html><body>Log in</body></html>\n",
        ["<!DOCTYPE html>"], ["<html><body>Log in</body></html>"], FormatError, "a login page",
    ),
    "a row cut short": (
        "id,q,w\na,1\n", ["id", "q", "w"], ["a", 1, None], SchemaError, "line 2 has 2",
    ),
    "a column twice": (
        "id,q,q\na,1,2\n", ["id", "q", "q.1"], ["a", 1, 2], SchemaError, "have the same name",
    ),
    "a quoted decimal comma": (
        'id,q,w\na,1,"1,25"\n', ["id", "q", "w"], ["a", 1, "1,25"], SchemaError, "looks like a decimal comma",
    ),
    "a point between thousands": (
        "id,q,w\na,1,1.234\n", ["id", "q", "w"], ["a", 1, 1.234], DelimiterError, "separate thousands",
    ),
}  # fmt: skip


def by_pandas(content: str) -> pd.DataFrame:
    frame = pd.read_csv(io.StringIO(content, newline=""))
    # More fields than names: pandas takes the first for an index.
    return frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()


def rows(frame: pd.DataFrame) -> list[list[Any]]:
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


def written(content: str, tmp_path: Path) -> Path:
    path = tmp_path / "survey.csv"
    path.write_bytes(content.encode())
    return path


@pytest.mark.parametrize("what", CHANGED)
def test_cells_that_pandas_changes_stay(what: str, tmp_path: Path) -> None:
    content, theirs, ours = CHANGED[what]
    assert rows(by_pandas(content)) == theirs
    assert rows(read_survey(written(content, tmp_path), CODEBOOK).frame) == ours


@pytest.mark.parametrize("what", ACCEPTED)
def test_files_that_pandas_accepts_as_something_else_are_refused(what: str, tmp_path: Path) -> None:
    content, names, first, error, words = ACCEPTED[what]
    theirs = by_pandas(content)
    assert list(theirs.columns)[-len(names) :] == names
    assert rows(theirs)[0] == first
    with pytest.raises(error, match=words):
        read_survey(written(content, tmp_path), CODEBOOK)
