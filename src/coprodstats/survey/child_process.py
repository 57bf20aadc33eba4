"""Reading a file in a process of its own, so that a crash, a hang or a memory bomb there is an error here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from coprodstats import errors
from coprodstats.errors import Fault, InputError, ReaderCrashError, ResourceLimitError
from coprodstats.survey.compact import Columns
from coprodstats.survey.file_format import FileFormat, Format
from coprodstats.survey.memory import check_room
from coprodstats.survey.metadata import FileMetadata, metadata_from
from coprodstats.survey.opening import OpenFile
from coprodstats.survey.raw_table import RawTable

_GIB = 1024**3
_MOST_MEMORY = 16 * _GIB
_LONGEST_LINE = 256 * 1024**2
# Systems allow an argument of 128 KiB.
_LONGEST_REQUEST = 64 * 1024
Progress = Callable[[int, int], None]
# The child finds this package where the parent found it, whatever its environment says.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from coprodstats.survey.child_reader import main; main(json.loads(sys.argv[1]))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a reading process may use.

    Attributes
    ----------
    memory
        Bytes of address space.
    seconds
        Time of the processor.
    wall_seconds
        Time on the clock, after which the process is killed.
    """

    memory: int
    seconds: int
    wall_seconds: int


def limits_for(size: int) -> Limits:
    """Return the limits for a file of so many bytes.

    Examples
    --------
    >>> limits_for(2**20).seconds
    62
    """
    # The slowest parser took half a second per MiB of a compressed SPSS file.
    seconds = 60 + 2 * size // 1024**2
    return Limits(memory=min(_GIB + 24 * size, _MOST_MEMORY), seconds=seconds, wall_seconds=60 + 4 * seconds)


def read_in_child(
    file: OpenFile,
    format_: Format,
    declared: FileFormat,
    *,
    keep: Collection[str] | None = None,
    only_metadata: bool = False,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> tuple[RawTable | None, FileMetadata]:
    """Read a file of a binary format in a process of its own.

    Parameters
    ----------
    file
        The file.
    format_
        Its format.
    declared
        How it is written.
    keep
        Names of the columns wanted; None for all.
    only_metadata
        Whether only labels and the like are wanted.
    limits
        What the process may use; by default `limits_for` the size of the file.
    progress
        Called with the rows read so far and their number, if the file says it.

    Returns
    -------
    tuple
        The columns, or None if only metadata are wanted; and what the file says about them.

    Raises
    ------
    ReaderCrashError
        If the process dies.
    ResourceLimitError
        If it needs too much memory or time, or the columns need more memory than is left here.
    InputError
        If the reader refuses the file.

    Notes
    -----
    Memory, processor time and the writing of files are limited by the operating system; Windows has no such
    limits, and there only the clock ends a process.
    """
    limits = limits or limits_for(file.size)
    request = {
        "name": file.name,
        "format": format_,
        "only_metadata": only_metadata,
        "keep": _asked(keep),
        "memory": limits.memory,
        "seconds": limits.seconds,
        "settings": {"sheet": declared.sheet, "header_rows": declared.header_rows},
    }
    with tempfile.TemporaryFile() as told:
        child = _started(request, file, told)
        timer = threading.Timer(limits.wall_seconds, child.kill)
        timer.start()
        assert child.stdout is not None  # noqa: S101  (it was asked for)
        received = None
        try:
            received = _received(child.stdout, file.name, keep, progress)
        finally:
            # A child that is still writing has nobody left to write to.
            child.stdout.close()
            status = child.wait()
            late = not timer.is_alive()
            timer.cancel()
        if received is None:
            raise _death(file.name, status, _tail(told), late=late)
    return received


def _asked(keep: Collection[str] | None) -> list[str] | None:
    """Return the names to ask for: all if they don't fit on a command line, to be sorted out here."""
    names = None if keep is None else sorted(keep)
    return names if len(json.dumps(names)) < _LONGEST_REQUEST else None


def _started(request: Mapping[str, Any], file: OpenFile, told: IO[bytes]) -> subprocess.Popen[bytes]:
    paths = [entry or str(Path.cwd()) for entry in sys.path]
    # A pool that reserves address space in advance would run into the limit.
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1"}
    # The child reads from the place where the parent's descriptor stands.
    file.stream.seek(0)
    os.lseek(file.stream.fileno(), 0, os.SEEK_SET)
    return subprocess.Popen(  # noqa: S603  (this interpreter and this package)
        [sys.executable, "-I", "-c", _START, json.dumps(request), json.dumps(paths)],
        stdin=file.stream.fileno(),
        stdout=subprocess.PIPE,
        stderr=told,
        env=environment,
    )


def _received(
    stream: IO[bytes], name: str, keep: Collection[str] | None, progress: Progress | None
) -> tuple[RawTable | None, FileMetadata] | None:
    """Return the answer, or None if it ends before its end."""
    answer = _line(stream, name)
    if answer is None or "metadata" not in answer:
        return None
    metadata = metadata_from(answer["metadata"])
    if "names" not in answer:
        return None, metadata
    try:
        with pa.ipc.open_stream(stream) as reader:
            table = _table(reader, metadata.n_rows, name, keep, progress)
    except (pa.ArrowException, OSError, EOFError):
        return None
    remarks = _line(stream, name)
    if remarks is None:
        return None
    missing = {column: tuple(codes) for column, codes in remarks["declared_missing"].items()}
    return (
        RawTable(
            table=table,
            names=tuple(answer["names"]),
            declared_missing=missing,
            inexact=tuple(remarks["inexact"]),
            warnings=tuple(remarks["warnings"]),
        ),
        metadata,
    )


def _line(stream: IO[bytes], name: str) -> dict[str, Any] | None:
    line = stream.readline(_LONGEST_LINE)
    if not line.endswith(b"\n"):
        return None
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise _error(answer, name)
    return answer


def _table(
    reader: pa.RecordBatchReader,
    n_told: int | None,
    name: str,
    keep: Collection[str] | None,
    progress: Progress | None,
) -> pa.Table:
    kept = [column for column in reader.schema.names if keep is None or column in keep]
    columns, n_rows = Columns(kept), 0
    for batch in reader:
        columns.add(batch.column(column) for column in kept)
        n_rows += batch.num_rows
        check_room(columns.nbytes, n_rows, name)
        if progress and n_told:
            progress(min(n_rows, n_told), n_told)
    return columns.table()


def _tail(told: IO[bytes]) -> str:
    told.seek(0, os.SEEK_END)
    told.seek(max(0, told.tell() - 4096))
    return told.read().decode("utf-8", errors="replace")


def _error(answer: Mapping[str, Any], name: str) -> InputError:
    if answer["error"] == "memory":
        return _too_much(name, "memory")
    family = getattr(errors, answer["error"])
    found: InputError = family(*(Fault(**fault) for fault in answer["faults"]))
    return found


def _too_much(name: str, what: str) -> ResourceLimitError:
    found = f"reading the file takes more {what} than a file of its size may need"
    remedy = "if the file is sound, export it as CSV or Parquet"
    return ResourceLimitError(Fault(where=name, found=found, remedy=remedy))


def _death(name: str, status: int, last_words: str, *, late: bool) -> InputError:
    """Return the error for a process that gave no answer."""
    if late or -status == getattr(signal, "SIGXCPU", 0):
        return _too_much(name, "time")
    if any(
        words in last_words for words in ("memory allocation of", "MemoryError", "bad_alloc", "out of memory")
    ):
        return _too_much(name, "memory")
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    found = f"the reader crashed ({how}); it ran in a process of its own, and nothing was read"
    remedy = "the file is damaged, or made to do harm: get it again from its source"
    return ReaderCrashError(Fault(where=name, found=found, remedy=remedy))
