"""How far long work is: a bar on a terminal, one closing line elsewhere; always on stderr."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coprodstats.errors import Fault

Progress = Callable[[int, int], None]


def progress_faults(progress: object, where: str) -> list[Fault]:
    """Return what is wrong with a ``progress`` argument: True, a function of (done, total), or None."""
    if progress is None or isinstance(progress, bool) or callable(progress):
        return []
    found = f"it is a {type(progress).__name__}"
    return [Fault(where=f"{where}: progress", found=found, allowed="True, or a function of (done, total)")]


def teller(progress: bool | Progress | None, what: str) -> Progress | None:  # noqa: FBT001  (the user's own)
    """Return whom to tell how far some work is: a bar for True, the function that was given, or nobody.

    Parameters
    ----------
    progress
        The argument as users give it.
    what
        What is counted: "replicates", say.

    Examples
    --------
    >>> teller(None, "replicates") is teller(False, "replicates") is None
    True
    """
    if progress is True:
        return _Bar(what)
    return progress or None


class _Bar:
    """One bar per run of the work: begun by its first word, ended by its last."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown: Any = None
        self._task: Any = None

    def __call__(self, done: int, total: int) -> None:
        from rich.console import Console  # noqa: PLC0415  (only those who ask for a bar wait for it)
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
        from rich.progress import Progress as RichProgress  # noqa: PLC0415

        console = Console(stderr=True)
        if self._shown is None and console.is_terminal:
            columns = (TextColumn(self._what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._shown = RichProgress(*columns, console=console, transient=True)
            self._shown.start()
            self._task = self._shown.add_task(self._what, total=total)
        if self._shown is not None:
            self._shown.update(self._task, completed=done)
        if done >= total:
            if self._shown is not None:
                self._shown.stop()
            self._shown = None
            console.print(f"{total:,} {self._what}", highlight=False)
