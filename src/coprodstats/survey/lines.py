"""Lines of numbers in memory, and numbers cut in two at a fixed place, so that sums of parts are exact.

A double is cut into a high part of few bits, whose products and sums a double holds exactly, whatever their
order, and a low part that is at most 2**-21 of the largest: rounding in the sums of the low parts is below
2**-73 of the size of a term, far below the last bit of the result (Rump, Ogita and Oishi 2008, *SIAM Journal
on Scientific Computing* 31, 189-224; Ozaki, Ogita, Oishi and Rump 2012, *Numerical Algorithms* 59, 95-118).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# 21 bits on one side and 20 on the other, and the sum over 4,096 rows: 53 bits.
BITS = 21
BLOCK = 4096
# Numbers that the processor handles at once, and numbers in a page of memory. Lines that begin pages apart
# would share places in its cache, and are kept a little further apart.
AT_ONCE = 8
PAGE = 512
PADDING = 64
# Numbers in a huge page of two megabytes, and of the memory that is kept to work in.
HUGE_PAGE = 2**18
KEPT = 2 * HUGE_PAGE


def aligned(lines: int, length: int) -> Floats:
    """Return memory for lines of numbers, shape (lines, length), each from a boundary of 64 bytes on.

    Numbers on both sides of such a boundary are read and written half as fast.
    """
    return _laid(np.empty(lines * _apart(length) + AT_ONCE), lines, length)


def _apart(length: int) -> int:
    """Return how far apart lines of some length begin."""
    apart = -(-length // AT_ONCE) * AT_ONCE
    return apart + PADDING if apart % PAGE == 0 else apart


def _laid(memory: Floats, lines: int, length: int) -> Floats:
    """Return lines at the beginning of some memory."""
    apart = _apart(length)
    return _from_boundary(memory, AT_ONCE)[: lines * apart].reshape(lines, apart)[:, :length]


def _from_boundary(memory: Floats, numbers: int) -> Floats:
    """Return memory from the first boundary of so many numbers on."""
    return memory[-(memory.__array_interface__["data"][0] // memory.itemsize) % numbers :]


class _Kept(threading.local):
    """Memory of a thread that serves again and again, and whether it is in use."""

    memory: Floats | None = None
    taken = False


_kept = _Kept()


@contextmanager
def working(lines: int, length: int) -> Iterator[Floats]:
    """Lend memory for lines of numbers to work in, as `aligned` lays them out; what is in it is anything.

    The same memory is lent again and again: it lies in the processor's cache, and in huge pages, which numpy
    asks for where there are so many numbers. More than `KEPT`, or within another loan, is new memory.
    """
    if lines * (length + PADDING + AT_ONCE) + AT_ONCE > KEPT or _kept.taken:
        yield aligned(lines, length)
        return
    if _kept.memory is None:
        _kept.memory = _from_boundary(np.empty(KEPT + HUGE_PAGE), HUGE_PAGE)[:KEPT]
    _kept.taken = True
    try:
        yield _laid(_kept.memory, lines, length)
    finally:
        _kept.taken = False


def cut(
    values: Floats, size: Floats | float, bits: int, out: tuple[Floats, Floats] | None = None
) -> tuple[Floats, Floats]:
    """Return values as the sum of multiples of ``size / 2**bits`` and rests of at most half of that.

    Parameters
    ----------
    values
        Numbers.
    size
        Powers of two, at least as large as any of them; broadcast to ``values``.
    bits
        How many bits the first part keeps.
    out
        Arrays to hold the parts.
    """
    # Added and taken away again, it rounds to a multiple of its last bit.
    anchor = size * (1.5 * 2.0 ** (52 - bits))
    high, low = (None, None) if out is None else out
    high = np.add(values, anchor, out=high)
    high -= anchor
    return high, np.subtract(values, high, out=low)


def power_above(size: Floats) -> Floats:
    """Return the smallest powers of two that are not below some sizes; 1 for zero.

    Examples
    --------
    >>> power_above(np.array([0.3, 0.0, 4.0, 5.0])).tolist()
    [0.5, 1.0, 4.0, 8.0]
    """
    mantissa, exponent = np.frexp(size)
    exact = mantissa == 0.5
    return np.where(size > 0, np.ldexp(1.0, exponent - exact), 1.0)


def next_power(size: float) -> float:
    """Return the smallest power of two that is not below a number; 1 for zero.

    Examples
    --------
    >>> [next_power(size) for size in (0.3, 0.0, 4.0, 5.0)]
    [0.5, 1.0, 4.0, 8.0]
    """
    mantissa, exponent = math.frexp(size)
    return math.ldexp(1.0, exponent - (mantissa == 0.5)) if size > 0 else 1.0


def line_bounds(lines: Floats) -> Floats:
    """Return powers of two that no number of a line exceeds in size, shape (a, 1)."""
    largest = np.maximum(lines.max(axis=1, initial=0.0), -lines.min(axis=1, initial=0.0))
    return power_above(largest)[:, None]
