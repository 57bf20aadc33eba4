"""How long large survey files take to be read and cleaned, and how much memory.

    python bench/reading.py                                    small files, printed
    python bench/reading.py --only csv --rows 1000000 --columns 60
    python bench/reading.py --only parquet --rows 10000000 --columns 12
    python bench/reading.py --only csv --rows 3000000 --columns 30 --text 900
    python bench/reading.py --limit 2                          with at most 2 GiB of address space
    python bench/reading.py --add docs/reading-benchmarks.md   the lines are put at the end of the page

Made files have an id, a weight of four decimals, strata, PSUs, an age and questions of five categories with
missing codes, all declared; ``--text`` adds a column of so many characters a row that the codebook ignores,
which makes a file larger and should make the process no larger. Every file is read by a fresh process; its
memory is the highest it ever was (VmHWM), that of the reading process of binary formats is told beside it.
Linux only: other systems don't say what a process used.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

CODES = np.array(["1", "2", "3", "4", "5", "8", "9", None], dtype=object)
SHARES = [0.2, 0.2, 0.2, 0.15, 0.15, 0.04, 0.03, 0.03]
FIRST = ("id", "weight", "stratum", "psu", "age")
AT_ONCE = 50_000
GIB = 1024**3
HEADER = (
    "| file | rows | columns | GB | read: wall s | CPU s | peak GiB | of the reading process | clean: wall s "
    "| CPU s | peak GiB | address space |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def batches(rows: int, columns: int, text: int) -> Iterator[pa.Table]:
    """Yield the rows of a made survey."""
    rng = np.random.default_rng(1)
    letters = "".join(rng.choice(list("abcdefghij "), 4 * text + 1))
    for begin in range(0, rows, AT_ONCE):
        n = min(AT_ONCE, rows - begin)
        stratum = rng.integers(1, 31, n)
        made = {
            "id": [f"{begin + row:09d}" for row in range(n)],
            "weight": rng.uniform(0.3, 3, n).round(4),
            "stratum": stratum,
            "psu": stratum * 100 + rng.integers(0, 20, n),
            "age": rng.integers(18, 95, n),
        }
        for name in questions(columns):
            made[name] = pa.array(CODES[rng.choice(8, n, p=SHARES)], pa.string())
        if text:
            made["words"] = [letters[start : start + text] for start in rng.integers(0, 3 * text, n).tolist()]
        yield pa.table(made)


def questions(columns: int) -> list[str]:
    """Return the names of the questions of a survey of so many declared columns."""
    return [f"q{number}" for number in range(1, columns - len(FIRST) + 1)]


def codebook(columns: int, text: int) -> str:
    """Return the codebook of a made survey."""
    parts = ['title = "Made"\nsynthetic = true']
    parts += [f"[variables.{kind}]\nkind = {json.dumps(kind)}" for kind in FIRST[:-1]]
    parts.append('[variables.age]\nlabel = "Age"\nkind = "numeric"\nrange = [18, 110]')
    values = 'values = { 1 = "never", 2 = "rarely", 3 = "at times", 4 = "often", 5 = "always" }'
    missing = 'missing = { 8 = "don\'t know", 9 = "refused" }'
    for name in questions(columns):
        parts.append(f'[variables.{name}]\nlabel = "Question {name}"\nkind = "ordinal"\n{values}\n{missing}')
    if text:
        parts.append('[cleaning]\nignore_columns = ["words"]')
    return "\n".join(parts) + "\n"


def made(path: Path, rows: int, columns: int, text: int) -> None:
    """Write a survey file and its codebook."""
    path.with_name("codebook.toml").write_text(codebook(columns, text), encoding="utf-8")
    writer: pq.ParquetWriter | arrow_csv.CSVWriter | None = None
    for table in batches(rows, columns, text):
        if writer is None and path.suffix == ".parquet":
            writer = pq.ParquetWriter(path, table.schema, write_page_checksum=True)
        elif writer is None:
            plain = arrow_csv.WriteOptions(quoting_style="none")
            writer = arrow_csv.CSVWriter(path, table.schema, write_options=plain)
        writer.write_table(table)
    assert writer is not None  # noqa: S101  (there is a row at least)
    writer.close()


def highest(process: int | str) -> int:
    """Return the most bytes that a process ever held."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


class Children(threading.Thread):
    """Watches what the children of this process hold, while it lasts."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.done = threading.Event()

    def run(self) -> None:
        """Look at them fifty times a second."""
        listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
        while not self.done.wait(0.02):
            self.peak = max([self.peak, *(highest(child) for child in listed.read_text().split())])


def measure(path: Path, limit: float) -> None:
    """Read and clean a file in this process, and print what it took."""
    from coprodstats import clean, read_codebook, read_survey  # noqa: PLC0415  (after the limit)
    from coprodstats.errors import CoprodstatsError  # noqa: PLC0415

    declared = read_codebook(path.with_name("codebook.toml"))
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (int(limit * GIB), resource.RLIM_INFINITY))
    children = Children()
    children.start()
    told: dict[str, object] = {}
    try:
        told |= timed("read", lambda: told.__setitem__("survey", read_survey(path, declared, compact=True)))
        told |= {"read_peak": highest("self"), "child": children.peak}
        told |= timed("clean", lambda: clean(told.pop("survey")))  # type: ignore[arg-type]
    except CoprodstatsError as error:
        told["error"] = str(error)
    except MemoryError:
        told["error"] = "memory"
    children.done.set()
    told.pop("survey", None)
    print(json.dumps({**told, "peak": highest("self")}))  # noqa: T201


def timed(what: str, work: object) -> dict[str, float]:
    """Return how long some work takes; children of this process are counted."""
    wall, cpu = time.perf_counter(), sum(os.times()[:4])
    work()  # type: ignore[operator]
    return {f"{what}_wall": time.perf_counter() - wall, f"{what}_cpu": sum(os.times()[:4]) - cpu}


def line(path: Path, chosen: argparse.Namespace) -> str:
    """Measure one file in a fresh process and return its line of the table."""
    command = [sys.executable, __file__, "--measure", str(path), "--limit", str(chosen.limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (this file)
    columns = chosen.columns + bool(chosen.text)
    shown = f"{chosen.columns:,}" + (f" + {columns - chosen.columns} ignored" if chosen.text else "")
    size = f"| {path.suffix[1:]} | {chosen.rows:,} | {shown} | {path.stat().st_size / 1e9:.2f} |"
    if done.returncode:
        return f"{size} the process died: {done.stderr.strip().splitlines()[-1:]} |"
    told = json.loads(done.stdout)
    room = f"at most {chosen.limit:g} GiB" if chosen.limit else ""
    if "read_wall" not in told:
        return f"{size} refused within {room}: {' '.join(told['error'].split())} |"
    child = f"{told['child'] / GIB:.2f}" if told["child"] else ""
    read = f"{told['read_wall']:.1f} | {told['read_cpu']:.1f} | {told['read_peak'] / GIB:.2f} | {child}"
    if "clean_wall" not in told:
        return f"{size} {read} | refused within {room}: {' '.join(told['error'].split())} |"
    cleaned = f"{told['clean_wall']:.1f} | {told['clean_cpu']:.1f} | {told['peak'] / GIB:.2f}"
    return f"{size} {read} | {cleaned} | {room} |"


def main() -> None:
    """Make files, measure them, and print or add the lines of the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--text", type=int, default=0, help="characters of a column that is ignored")
    parser.add_argument("--only", choices=["csv", "parquet"])
    parser.add_argument("--limit", type=float, default=0, help="GiB of address space")
    parser.add_argument("--add", type=Path, help="page to put the lines at the end of")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        measure(chosen.measure, chosen.limit)
        return
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for suffix in [chosen.only] if chosen.only else ["csv", "parquet"]:
            path = Path(folder) / f"survey.{suffix}"
            made(path, chosen.rows, chosen.columns, chosen.text)
            lines.append(line(path, chosen))
            path.unlink()
    if chosen.add is None:
        print("\n".join([HEADER, *lines]))  # noqa: T201
    else:
        with chosen.add.open("a", encoding="utf-8") as page:
            page.write("".join(f"{one}\n" for one in lines))


if __name__ == "__main__":
    main()
