"""The process in which other people's parsers read a file: limits first, then the parser, then its answer.

It is started by `coprodstats.survey.child_process`: the file is its standard input, the request its argument,
the answer (a line of JSON, then an Arrow stream) its standard output.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from coprodstats.survey.metadata import FileMetadata
    from coprodstats.survey.raw_table import RawTable

# What a parser says before it dies has to go somewhere.
_MOST_WRITTEN = 64 * 1024


def main(request: Mapping[str, Any]) -> None:
    """Answer one request.

    Parameters
    ----------
    request
        ``name``, ``format``, ``only_metadata``, ``memory`` (bytes), ``seconds`` and ``settings``.
    """
    # Parsers may print; what they print must not run into the answer.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    limit(request["memory"], request["seconds"])
    from coprodstats.errors import CoprodstatsError  # noqa: PLC0415  (nothing is loaded before the limits)

    try:
        with os.fdopen(0, "rb", closefd=False) as stream:
            table, metadata = _read(stream, request)
    except CoprodstatsError as error:
        faults = [asdict(fault) for fault in error.faults]
        _say(out, {"error": type(error).__name__, "faults": faults})
    except MemoryError:
        _say(out, {"error": "memory"})
    else:
        _answer(out, table, metadata)
    out.close()


def limit(memory: int, seconds: int) -> None:
    """Limit this process' memory and time, and the files that it may write, where the system can.

    Parameters
    ----------
    memory
        Bytes of address space.
    seconds
        Time of the processor.
    """
    try:
        import resource  # noqa: PLC0415  (absent from Windows)
    except ImportError:
        return
    for kind, most in (
        ("RLIMIT_AS", memory),
        ("RLIMIT_CPU", seconds),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_FSIZE", _MOST_WRITTEN),
    ):
        _, hard = resource.getrlimit(getattr(resource, kind))
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(getattr(resource, kind), (allowed, hard))
        except (OSError, ValueError):  # some systems know a limit and don't let it be set
            continue


def _read(stream: BinaryIO, request: Mapping[str, Any]) -> tuple[RawTable | None, FileMetadata]:
    name, format_, settings = request["name"], request["format"], request["settings"]
    only = request["only_metadata"]
    if format_ == "parquet":
        from coprodstats.survey import parquet_file  # noqa: PLC0415  (each loads a library of its own)

        return parquet_file.read_parquet(stream, name, only_metadata=only)
    if format_ in {"xlsx", "ods"}:
        from coprodstats.survey import sheet_file  # noqa: PLC0415

        return sheet_file.read_sheet(stream, name, format_, **settings)
    from coprodstats.survey import stat_file  # noqa: PLC0415

    if only:
        return None, stat_file.stat_metadata(stream, name, format_)
    return stat_file.read_stat(stream, name, format_)


def _say(out: BinaryIO, answer: Mapping[str, Any]) -> None:
    out.write(json.dumps(answer).encode() + b"\n")
    out.flush()


def _answer(out: BinaryIO, table: RawTable | None, metadata: FileMetadata) -> None:
    import pyarrow as pa  # noqa: PLC0415

    answer: dict[str, Any] = {"metadata": metadata.to_dict()}
    if table is not None:
        answer |= {
            "declared_missing": {name: list(codes) for name, codes in table.declared_missing.items()},
            "inexact": list(table.inexact),
            "warnings": list(table.warnings),
        }
    _say(out, answer)
    if table is not None:
        with pa.ipc.new_stream(out, table.table.schema) as writer:
            writer.write_table(table.table)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
