"""How much memory is free, so that a survey that doesn't fit is refused before the machine stands still."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyarrow import ArrowException

from coprodstats.errors import Fault, ResourceLimitError

_PROC, _GROUP = Path("/proc"), Path("/sys/fs/cgroup")
_GIB = 1024**3
# What the rest of the work needs at the least.
_RESERVE = 256 * 1024**2


def free_memory() -> int | None:
    """Return the bytes that this process may still take, or None where the system doesn't say.

    The least of what the machine has available, its container may take, and the process itself was allowed.
    """
    free = [_available(), _left_in_container(), _left_to_process()]
    return min((one for one in free if one is not None), default=None)


def check_room(used: int, n_rows: int, name: str) -> None:
    """Refuse to go on reading where memory ends.

    Parameters
    ----------
    used
        Bytes that the declared columns take so far.
    n_rows
        Number of rows read so far.
    name
        What messages call the file.

    Raises
    ------
    ResourceLimitError
        If hardly any memory is left.
    """
    free = free_memory()
    if free is not None and free < _RESERVE:
        found = f"the declared columns take {used / _GIB:.1f} GiB by row {n_rows:,}, and no memory is left"
        raise ResourceLimitError(_too_large(found, name, free))


def check_fits(needed: int, name: str) -> None:
    """Refuse to lay out columns that need more memory than there is.

    Parameters
    ----------
    needed
        Bytes.
    name
        What messages call the file.

    Raises
    ------
    ResourceLimitError
        If they don't fit.
    """
    free = free_memory()
    if free is not None and needed + _RESERVE > free:
        found = f"the declared columns need {needed / _GIB:.1f} GiB as text"
        raise ResourceLimitError(_too_large(found, name, free))


@contextmanager
def memory_told(name: str) -> Iterator[None]:
    """Say in our words that memory ended within a block.

    Parameters
    ----------
    name
        What messages call the survey.

    Raises
    ------
    ResourceLimitError
        If memory ends.

    Examples
    --------
    >>> with memory_told("survey.csv"):
    ...     print("there is room")
    there is room
    """
    try:
        yield
    except (MemoryError, ArrowException) as error:
        free = free_memory()
        # Arrow has no name of its own for some failures to take memory.
        if not isinstance(error, MemoryError) and (free is None or free > _RESERVE):
            raise
        raise ResourceLimitError(_too_large("no memory is left", name, free or 0)) from None


def _too_large(found: str, name: str, free: int) -> Fault:
    remedy = (
        "declare only the columns that are needed and list the others as cleaning.ignore_columns; "
        "read_survey(…, compact=True) takes a byte or two a cell"
    )
    return Fault(where=name, found=found, allowed=f"what is free: {free / _GIB:.1f} GiB", remedy=remedy)


def _available() -> int | None:
    return _told_in_kib(_PROC / "meminfo", "MemAvailable")


def _left_in_container() -> int | None:
    most, used = (_number(_GROUP / name) for name in ("memory.max", "memory.current"))
    return None if most is None or used is None else max(most - used, 0)


def _left_to_process() -> int | None:
    try:
        import resource  # noqa: PLC0415  (absent from Windows)
    except ImportError:
        return None
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    used = _told_in_kib(_PROC / "self" / "status", "VmSize")
    return None if most == resource.RLIM_INFINITY or used is None else max(most - used, 0)


def _told_in_kib(path: Path, key: str) -> int | None:
    found = re.search(rf"^{key}:\s*([0-9]+) kB", _text(path), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
