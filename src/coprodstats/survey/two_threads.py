"""Long passes over arrays on two threads, which numpy lets work side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

First = TypeVar("First")
Second = TypeVar("Second")
Found = TypeVar("Found")

# With fewer rows a second thread gains less than it takes to begin.
MANY_ROWS = 200_000


def side_by_side(one: Callable[[], First], two: Callable[[], Second], n: int) -> tuple[First, Second]:
    """Return what two pieces of work on n rows give, the second on a thread of its own if the rows are many.

    Examples
    --------
    >>> side_by_side(lambda: 1, lambda: 2, 9)
    (1, 2)
    """
    if n < MANY_ROWS:
        return one(), two()
    with ThreadPoolExecutor(max_workers=1) as pool:
        beside = pool.submit(two)
        return one(), beside.result()


def by_halves(work: Callable[[slice], Found], n: int) -> list[Found]:
    """Return what work gives for the first half of n rows and for the second, or for all, if they are few.

    The halves are the same however long each takes, so that results don't depend on it.

    Examples
    --------
    >>> by_halves(lambda rows: rows.stop - rows.start, 9)
    [9]
    >>> by_halves(lambda rows: rows.stop - rows.start, 200_001)
    [100000, 100001]
    """
    if n < MANY_ROWS:
        return [work(slice(0, n))]
    return list(side_by_side(partial(work, slice(0, n // 2)), partial(work, slice(n // 2, n)), n))
