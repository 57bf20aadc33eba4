"""Long passes over arrays, half of the rows on each of two threads, which numpy lets work side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Found = TypeVar("Found")

# With fewer rows a second thread gains less than it takes to begin.
MANY_ROWS = 200_000


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
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(work, (slice(0, n // 2), slice(n // 2, n))))
