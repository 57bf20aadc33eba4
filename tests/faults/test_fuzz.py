"""A sample of the mutated files of fuzz.py, and what its full run found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coprodstats.errors import ReaderCrashError, TruncatedInputError
from coprodstats.survey.metadata_reading import read_metadata

from . import fuzz

HERE = Path(__file__).parent
FOUND = json.loads((HERE / "fuzz_results.json").read_text(encoding="utf-8"))
PER_FORMAT = 60


@pytest.mark.parametrize("format_", fuzz.FORMATS)
def test_mutated_files_end_in_an_error_of_ours_or_are_read(format_: str) -> None:
    tally = fuzz.fuzz(format_, PER_FORMAT, seed=11).to_dict()  # type: ignore[arg-type]
    assert tally["unexpected_errors"] == {}
    assert tally["deadly_and_contained"] == sum(tally["crashes"].values()) + tally["too_slow"]


@pytest.mark.parametrize("format_", fuzz.FORMATS)
def test_the_full_run_is_recorded_and_nothing_came_through(format_: str) -> None:
    assert FOUND["mutations_per_format"] == fuzz.COUNT == 3000
    tally = FOUND["formats"][format_]
    deadly = sum(tally["crashes"].values()) + tally["too_slow"]
    others = ("refused_before_parsing", "refused_by_the_parser", "read", "out_of_memory")
    assert sum(tally[name] for name in others) + deadly == fuzz.COUNT
    assert tally["unexpected_errors"] == {}
    assert tally["deadly_and_contained"] == deadly


def test_a_file_that_kills_the_parser_is_an_error_here() -> None:
    # Found by fuzz.py; it ends pyreadstat 1.3.7 by signal 11. Another version may say that it is damaged.
    with pytest.raises((ReaderCrashError, TruncatedInputError), match=r"crashed|truncated or damaged"):
        read_metadata(HERE / "deadly.sav")


def test_mutations_are_the_same_every_time(tmp_path: Path) -> None:
    first, again = (list(fuzz.mutations(fuzz.bases("sav", tmp_path), 20, seed=3)) for _ in range(2))
    assert first == again
