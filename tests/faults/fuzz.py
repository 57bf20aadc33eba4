"""Mutated survey files: whatever the bytes, the process that asked for them lives and gets an error of ours.

    python tests/faults/fuzz.py            3,000 mutations a format, into fuzz_results.json
    python tests/faults/fuzz.py --count 50

Files go through the same steps as in `read_survey`. Only the reading process differs: it reads file after
file until one kills it, so that thousands take minutes. Those that kill it are read again the usual way.
An error that is none of ours in the process that asks, or its death, would end the run without a result.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import random
import re
import select
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat

sys.path.insert(0, str(Path(__file__).parent))
from spreadsheets import day, package, xlsx

from coprodstats.errors import CoprodstatsError, ReaderCrashError, ResourceLimitError
from coprodstats.survey.child_process import limits_for, read_in_child
from coprodstats.survey.evidence import check_evidence
from coprodstats.survey.file_format import FileFormat, Format, format_of
from coprodstats.survey.opening import open_survey_file

HERE = Path(__file__).parent
RESULTS = HERE / "fuzz_results.json"
FORMATS: tuple[Format, ...] = ("sav", "dta", "xlsx", "parquet")
# With this one some mutated files do kill the parser of SPSS files.
SEED = 2
COUNT = 3000
_PATIENCE = 30.0
# Numbers that lengths, counts and offsets are made of.
_SPITEFUL = [
    b"\x00" * 4,
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x80\x00\x00\x00",
    b"\x01\x00\x00\x00",
]
_WORKER = """
import io, json, sys
from coprodstats.errors import CoprodstatsError, ReaderCrashError, ResourceLimitError
from coprodstats.survey import child_reader
memory, seconds = int(sys.argv[1]), int(sys.argv[2])
child_reader.limit(memory, seconds)
for line in sys.stdin:
    request = json.loads(line)
    try:
        with open(request["path"], "rb") as stream:
            table, _ = child_reader._read(stream, request)
            for _ in table.batches:
                pass
        said = "read"
    except CoprodstatsError as error:
        said = "refused"
    except MemoryError:
        said = "memory"
    except Exception as error:
        said = "other " + type(error).__name__
    print(said, flush=True)
"""


@dataclass(slots=True)
class Tally:
    """What became of the mutated files of one format."""

    refused_before_parsing: int = 0
    refused_by_the_parser: int = 0
    read: int = 0
    out_of_memory: int = 0
    too_slow: int = 0
    crashes: Counter[str] = field(default_factory=Counter)
    unexpected_errors: Counter[str] = field(default_factory=Counter)
    deadly_and_contained: int = 0
    deadly: list[bytes] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in self.__slots__ if name != "deadly"}
        return {name: dict(sorted(n.items())) if isinstance(n, Counter) else n for name, n in counts.items()}


def bases(format_: Format, folder: Path) -> list[bytes]:
    """Return sound files of a format, with all that a survey may have in it, the same bytes every time."""
    return [_undated(data) for data in _written(format_, folder)]


def _undated(data: bytes) -> bytes:
    """Return a file of SPSS or Stata without the time at which it was written."""
    if data.startswith((b"$FL2", b"$FL3")):
        return data[:92] + b"01 Jan 2600:00:00" + data[109:]
    return re.sub(rb"[0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}", b"01 Jan 2026 00:00", data)


def _written(format_: Format, folder: Path) -> list[bytes]:
    frame = pd.DataFrame(
        {
            "id": ["a", "bb", "ccc", "é"],
            "q": [1.0, 2.0, 8.0, None],
            "w": [0.5, 1.5, 1.25, 3.0],
            "note": ["x" * 300, "", "y", "z"],
        }
    )
    labels = {"q": {1.0: "yes", 2.0: "no", 8.0: "don't know"}}
    path = folder / f"base.{format_}"
    if format_ == "sav":
        made = []
        for compress in (False, True):
            pyreadstat.write_sav(
                frame, path, compress=compress, variable_value_labels=labels, missing_ranges={"q": [8]}
            )
            made.append(path.read_bytes())
        return made
    if format_ == "dta":
        made = []
        for number in (8, 10, 12, 15):
            pyreadstat.write_dta(frame.assign(note="x"), path, version=number, variable_value_labels=labels)
            made.append(path.read_bytes())
        return made
    if format_ == "xlsx":
        rows: list[list[object]] = [
            ["id", "q", "day"],
            ["a", 1, day(39569)],
            ["b", 2.5, day(40000)],
            ["c", None, None],
        ]
        return [xlsx(rows), xlsx(rows, merged=["A4:B4"], date1904=True)]
    stream, other = io.BytesIO(), io.BytesIO()
    table = pa.Table.from_pandas(frame.assign(c=pd.Categorical(frame["id"])), preserve_index=False)
    pq.write_table(table, stream, write_page_checksum=True, compression="none")
    pq.write_table(table, other, compression="snappy", row_group_size=2)
    return [stream.getvalue(), other.getvalue()]


def mutations(data: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Yield mutated files: bytes flipped, numbers made extreme, parts cut, doubled or moved."""
    draw = random.Random(seed)  # noqa: S311  (no secret depends on it)
    for number in range(count):
        sound = data[number % len(data)]
        # Damage to an archive as such is found at once; damage to its parts gets further.
        inside = sound.startswith(b"PK") and number % 4 > 0
        yield _mutated_inside(sound, draw) if inside else _mutated(bytearray(sound), draw)


def _mutated_inside(data: bytes, draw: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    name = draw.choice(sorted(parts))
    parts[name] = _mutated(bytearray(cast("bytes", parts[name])), draw)
    return package(parts)


def _mutated(data: bytearray, draw: random.Random) -> bytes:
    for _ in range(draw.choice([1, 1, 2, 4, 16])):
        place = draw.randrange(len(data))
        kind = draw.randrange(8)
        if kind <= 2:
            data[place] ^= 1 << draw.randrange(8)
        elif kind == 3:
            data[place] = draw.randrange(256)
        elif kind == 4:
            data[place : place + 4] = draw.choice(_SPITEFUL)
        elif kind == 5:
            del data[place : place + draw.randrange(1, 64)]
        elif kind == 6:
            data[place:place] = data[place : place + draw.randrange(1, 64)]
        else:
            data[place:place] = draw.randbytes(draw.randrange(1, 16))
        if not data:
            data = bytearray(b"\0")
    if draw.randrange(10) == 0:
        del data[draw.randrange(len(data)) :]
    return bytes(data)


class Worker:
    """A reading process that lives until a file kills it."""

    def __init__(self, size: int) -> None:
        limits = limits_for(size)
        command = [sys.executable, "-c", _WORKER, str(limits.memory), "100000"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def ask(self, path: Path, format_: Format) -> str:
        """Return what became of a file; ``signal 11`` and the like if it killed the process."""
        settings = {"sheet": "", "header_rows": 1}
        request = {"path": str(path), "name": path.name, "format": format_, "only_metadata": False}
        stdin, stdout = cast("IO[str]", self.process.stdin), cast("IO[str]", self.process.stdout)
        stdin.write(json.dumps({**request, "keep": None, "settings": settings}) + "\n")
        stdin.flush()
        if not select.select([stdout], [], [], _PATIENCE)[0]:
            self.end()
            return "slow"
        said = stdout.readline().strip()
        if said:
            return said
        return f"signal {-self.end()}"

    def end(self) -> int:
        for stream in (self.process.stdin, self.process.stdout):
            cast("IO[str]", stream).close()
        try:
            return self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def fuzz(format_: Format, count: int, seed: int = SEED) -> Tally:
    """Read mutated files of one format."""
    tally = Tally()
    worker: Worker | None = None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"mutated.{format_}"
        for data in mutations(bases(format_, Path(folder)), count, seed):
            path.write_bytes(data)
            try:
                with open_survey_file(path) as file:
                    check_evidence(file, format_)
            except CoprodstatsError:
                tally.refused_before_parsing += 1
                continue
            worker = worker or Worker(len(data))
            said = worker.ask(path, format_)
            _count(tally, said, data)
            if said == "slow" or said.startswith("signal"):
                worker = None
        for data in tally.deadly:
            path.write_bytes(data)
            tally.deadly_and_contained += _is_contained(path)
    if worker:
        worker.end()
    return tally


def _is_contained(path: Path) -> bool:
    """Say whether reading a deadly file the usual way is an error of ours."""
    try:
        with open_survey_file(path) as file:
            read_in_child(file, format_of(path.name, FileFormat()), FileFormat())
    except (ReaderCrashError, ResourceLimitError):
        return True
    return False


def _count(tally: Tally, said: str, data: bytes) -> None:
    kind, _, rest = said.partition(" ")
    if kind == "read":
        tally.read += 1
    elif kind == "refused":
        tally.refused_by_the_parser += 1
    elif kind == "memory":
        tally.out_of_memory += 1
    elif kind == "slow":
        tally.too_slow += 1
        tally.deadly.append(data)
    elif kind == "signal":
        tally.crashes[said] += 1
        tally.deadly.append(data)
    else:
        tally.unexpected_errors[rest] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--keep", type=Path, help="folder for the files that killed a reading process")
    chosen = parser.parse_args()
    found: dict[str, Any] = {
        "seed": chosen.seed,
        "mutations_per_format": chosen.count,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("pyreadstat", "python-calamine", "pyarrow")},
        "formats": {},
    }
    for format_ in FORMATS:
        tally = fuzz(format_, chosen.count, chosen.seed)
        found["formats"][format_] = tally.to_dict()
        print(f"{format_:8} {tally.to_dict()}", flush=True)  # noqa: T201
        for number, data in enumerate(tally.deadly if chosen.keep else []):
            (chosen.keep / f"deadly_{number}.{format_}").write_bytes(data)
    if chosen.count == COUNT and chosen.seed == SEED:
        RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
