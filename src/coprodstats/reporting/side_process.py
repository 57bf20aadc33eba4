"""Work done in a copy of this process, on another core, while this one goes on."""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, TypeVar

Made = TypeVar("Made")
Work = Callable[[], Any]

PATIENCE = 600.0
"""Seconds after which a copy is given up and its work done here."""

# Its threads would not be in the copy, which would wait for them for ever.
_THREADED = "typst"


@contextmanager
def side_processes(works: Mapping[str, Callable[[], Made]]) -> Iterator[Mapping[str, Callable[[], Made]]]:
    """Start each work in a copy of this process; inside the block, ask for what it made.

    Parameters
    ----------
    works
        What is to be made, by name: something that can be pickled, the same wherever it is made.

    Returns
    -------
    AbstractContextManager
        Functions by name that wait and return what was made. Where a copy can't be made, or ended without
        it, the work is done when it is asked for, so that whatever is wrong is raised here.

    Examples
    --------
    >>> with side_processes({"fr": lambda: {"press.txt": b"Bonjour"}}) as made:
    ...     made["fr"]()
    {'press.txt': b'Bonjour'}
    """
    if not _can_copy():
        yield works
        return
    started = {name: _started(work) for name, work in works.items()}
    try:
        yield {name: _waiting(works[name], pipe) for name, (_, pipe) in started.items()}
    finally:
        for pid, pipe in started.values():
            pipe.close()
            _end(pid)


def _can_copy() -> bool:
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1 and _THREADED not in sys.modules


def _started(work: Work) -> tuple[int, BinaryIO]:
    readable, writable = os.pipe()
    with warnings.catch_warnings():
        # Python warns of other threads, which this work needs none of.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _work(work, readable, writable)
    os.close(writable)
    return pid, os.fdopen(readable, "rb")


def _work(work: Work, readable: int, writable: int) -> None:  # pragma: no cover  (in the copy)
    # Nothing of the original may run on: no handlers, no buffers, no cleaning up.
    status = 1
    try:
        os.close(readable)
        with os.fdopen(writable, "wb") as pipe:
            pickle.dump(work(), pipe)
        status = 0
    finally:
        os._exit(status)


def _waiting(work: Work, pipe: BinaryIO) -> Work:
    def wait() -> Any:
        if not select.select([pipe], [], [], PATIENCE)[0]:
            return work()
        try:
            return pickle.load(pipe)  # noqa: S301  (what the copy wrote)
        except (EOFError, pickle.UnpicklingError):
            return work()

    return wait


def _end(pid: int) -> None:
    """End a copy that nobody waits for any more."""
    os.kill(pid, signal.SIGKILL)  # one that has ended keeps its number until it is waited for
    os.waitpid(pid, 0)
