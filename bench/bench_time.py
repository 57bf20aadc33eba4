"""Timing: wall and processor seconds of repeated fits, and the memory that one takes."""

# ruff: noqa: T201  (what a command prints)

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

# A program that has used so many seconds is not repeated beyond three times; one that needs more than the
# second number is run once, and pays for its imports and caches.
PATIENCE = 10.0
ONCE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timing:
    """One program's times on one model.

    Attributes
    ----------
    model
        What was fitted.
    program
        By what.
    wall, cpu
        Seconds of each repetition; none if it was not run.
    slopes
        The estimated slopes in the order of the formula, None if they are not to be compared.
    beside
        Wall seconds of ours right before and right after it.
    note
        Why it was not run.
    """

    model: str
    program: str
    wall: tuple[float, ...] = ()
    cpu: tuple[float, ...] = ()
    slopes: np.ndarray | None = None
    beside: tuple[float, ...] = ()
    note: str = ""

    def with_more(self, other: Timing) -> Timing:
        """Return these times with those of another run of the same."""
        return replace(self, wall=self.wall + other.wall, cpu=self.cpu + other.cpu)

    @property
    def median(self) -> float:
        """Median wall seconds."""
        return statistics.median(self.wall)

    @property
    def times_ours(self) -> float:
        """Median wall seconds as a multiple of ours beside it."""
        return self.median / statistics.median(self.beside)

    @property
    def median_cpu(self) -> float:
        """Median processor seconds."""
        return statistics.median(self.cpu)


def timed(
    model: str, program: str, fit: Callable[[], Any], slopes: Callable[[Any], Any], repeats: int
) -> Timing:
    """Time a fit that is called again and again."""
    wall: list[float] = []
    cpu: list[float] = []

    def once() -> Any:
        start, start_cpu = time.perf_counter(), time.process_time()
        fitted = fit()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
        return fitted

    fitted = once()
    if wall[0] < ONCE:
        wall, cpu = [], []  # the first call paid for imports and caches
        while len(wall) < repeats and not (len(wall) >= 3 and sum(wall) > PATIENCE):
            fitted = once()
    estimated = slopes(fitted)
    found = Timing(
        model=model,
        program=program,
        wall=tuple(wall),
        cpu=tuple(cpu),
        slopes=None if estimated is None else np.asarray(estimated),
    )
    report(found)
    return found


def report(timing: Timing) -> None:
    """Print a line on one timing, so that one sees that something happens."""
    if timing.wall:
        print(f"  {timing.model}, {timing.program}: {timing.median:.3f} s", flush=True)


def peak_memory(fit: Callable[[], Any]) -> float:
    """Return the megabytes that a fit allocates at most at any time, above what was there before.

    Allocations of Python and numpy are traced; buffers of compiled libraries are not seen.
    """
    fit()
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    fit()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (peak - before) / 1e6
