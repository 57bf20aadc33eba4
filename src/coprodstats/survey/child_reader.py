"""The process in which other people's parsers read a file: limits first, then the parser, then its answer.

It is started by `coprodstats.survey.child_process`: the file is its standard input, the request its argument,
the answer its standard output: a line of JSON, then an Arrow stream with some rows at a time, then another
line of JSON. A line may be an error instead, also after part of the rows.
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
    from coprodstats.survey.raw_table import RawBatches

# What a parser says before it dies has to go somewhere.
_MOST_WRITTEN = 64 * 1024


def main(request: Mapping[str, Any]) -> None:
    """Answer one request.

    Parameters
    ----------
    request
        ``name``, ``format``, ``only_metadata``, ``keep`` (names of columns, or None for all), ``memory``
        (bytes), ``seconds`` and ``settings``.
    """
    # Parsers may print; what they print must not run into the answer.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    limit(request["memory"], request["seconds"])
    from coprodstats.errors import CoprodstatsError  # noqa: PLC0415  (nothing is loaded before the limits)

    try:
        with os.fdopen(0, "rb", closefd=False) as stream:
            _answer(out, *_read(stream, request))
    except CoprodstatsError as error:
        faults = [asdict(fault) for fault in error.faults]
        _say(out, {"error": type(error).__name__, "faults": faults})
    except MemoryError:
        _say(out, {"error": "memory"})
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


def _read(stream: BinaryIO, request: Mapping[str, Any]) -> tuple[RawBatches | None, FileMetadata]:
    name, format_, settings = request["name"], request["format"], request["settings"]
    only, keep = request["only_metadata"], request["keep"]
    if format_ == "parquet":
        from coprodstats.survey import parquet_file  # noqa: PLC0415  (each loads a library of its own)

        if only:
            return None, parquet_file.parquet_metadata(stream, name)
        return parquet_file.read_parquet(stream, name, keep)
    if format_ in {"xlsx", "ods"}:
        from coprodstats.survey import sheet_file  # noqa: PLC0415

        batches, metadata = sheet_file.read_sheet(stream, name, format_, keep, **settings)
        return (None if only else batches), metadata
    from coprodstats.survey import stat_file  # noqa: PLC0415

    if only:
        return None, stat_file.stat_metadata(stream, name, format_)
    return stat_file.read_stat(stream, name, format_, keep)


def _say(out: BinaryIO, answer: Mapping[str, Any]) -> None:
    out.write(json.dumps(answer).encode() + b"\n")
    out.flush()


def _answer(out: BinaryIO, table: RawBatches | None, metadata: FileMetadata) -> None:
    import pyarrow as pa  # noqa: PLC0415

    from coprodstats.survey.raw_table import TEXT  # noqa: PLC0415

    answer: dict[str, Any] = {"metadata": metadata.to_dict()}
    if table is None:
        _say(out, answer)
        return
    _say(out, {**answer, "names": table.names})
    schema = pa.schema([(name, TEXT) for name in table.kept])
    with pa.ipc.new_stream(out, schema) as writer:
        for columns in table.batches:
            writer.write_batch(pa.record_batch(list(columns), schema=schema))
    _say(out, asdict(table.remarks))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
