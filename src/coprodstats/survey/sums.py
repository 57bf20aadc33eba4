"""Sums of numbers, by group or of all, that depend neither on the order of rows nor on threads.

See `coprodstats.survey.lines` for how numbers are cut in two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from coprodstats.survey.lines import BLOCK, cut, line_bounds, next_power, working
from coprodstats.survey.numbering import Codes
from coprodstats.survey.two_threads import by_halves, side_by_side

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Single lines are summed in pieces of so many numbers, which stay in the processor's cache.
PIECE = 32_768
# Runs of neighbours of one group are added up as such if there are so many numbers in each.
NUMBERS_PER_RUN = 8


def binned(group: Codes, values: Floats, n_groups: int) -> Floats:
    """Return the sums of numbers by group, whatever their order, shape (groups,).

    Parameters
    ----------
    group
        Group of each number, 0 … n_groups - 1, shape (n,).
    values
        The numbers, shape (n,).
    n_groups
        Number of groups.

    Examples
    --------
    >>> binned(np.zeros(3, dtype=np.intp), np.array([1e17, 1.0, -1e17]), 1).tolist()
    [1.0]
    """
    if len(values) == 0:
        return np.zeros(n_groups)
    high, low = binned_parts(group, values, n_groups)
    return np.asarray(high + low)


def binned_parts(
    group: Codes, values: Floats, n_groups: int, *, within: tuple[Ints, int] | None = None
) -> tuple[Floats, Floats]:
    """Return the sums of numbers by group as an exact part and a small rest; see `binned`.

    Of groups ``within`` others, of which there are so many, group is that of the latter.
    """
    if within is not None:
        n_groups *= within[1]
    bound, bits = _exact_cut(values)
    if n_groups > PIECE:
        return _tables(group, within, values, n_groups, (bound, bits))

    def of_part(part: slice) -> tuple[Floats, Floats]:
        places = _places(group, within, part)
        exact, small = np.zeros((2, n_groups))
        for rows, high, low in _pieces(values[part], bound, bits):
            exact += np.bincount(places[rows], high, n_groups)
            small += np.bincount(places[rows], low, n_groups)
        return exact, small

    (exact, small), *others = by_halves(of_part, len(values))
    for more_exact, more_small in others:
        exact += more_exact
        small += more_small
    return exact, small


def _places(group: Codes, within: tuple[Ints, int] | None, rows: slice) -> Codes:
    """Return the place in a table of some rows, by groups within others."""
    if within is None:
        return group[rows]
    # As numbers of few bytes, which groups may be, they would overflow.
    places = np.multiply(group[rows], within[1], dtype=np.intp)
    places += within[0][rows]
    return places


def _tables(
    group: Codes, within: tuple[Ints, int] | None, values: Floats, n_groups: int, size: tuple[float, int]
) -> tuple[Floats, Floats]:
    """Return the sums by group of the exact parts and of the rests, each in a table of its own.

    To make so large a table takes as long as to look for places in it: there is one of each, not one of each
    half of the rows. Two threads lay out half of the rows each, then each makes a table.
    """
    n = len(values)
    places: Codes = np.empty(n, dtype=np.int32 if max(n, n_groups) < 2**31 else np.intp)
    parts = np.empty((2, n))

    def lay_out(half: slice) -> None:
        for start in range(half.start, half.stop, PIECE):
            rows = slice(start, min(start + PIECE, half.stop))
            places[rows] = _places(group, within, rows)
            cut(values[rows], *size, (parts[0, rows], parts[1, rows]))

    by_halves(lay_out, n)
    exact, small = parts
    return side_by_side(partial(_table, places, exact, n_groups), partial(_table, places, small, n_groups), n)


def _table(places: Codes, values: Floats, n_places: int) -> Floats:
    """Return the sums of numbers by place, as `np.bincount`, from places of half the bytes read once."""
    whole = np.array([0, len(values)], dtype=places.dtype)
    return np.asarray(sparse.csc_array((values, places, whole), shape=(n_places, 1)) @ np.ones(1))


def binned_lines(
    group: Ints,
    lines: Floats,
    n_groups: int,
    *,
    factor: Floats | None = None,
    others: Sequence[Floats] = (),
    bounds: Floats | None = None,
) -> Floats:
    """Return the sums by group of lines of numbers, whatever their order, shape (a + b, groups).

    Parameters
    ----------
    group
        Group of each number of a line, 0 … n_groups - 1, shape (m,).
    lines
        The numbers, shape (a, m).
    n_groups
        Number of groups.
    factor
        What these lines are multiplied by, shape (m,).
    others
        b further lines, which are not, shape (m,) each.
    bounds
        Powers of two that no number of ``lines`` exceeds, shape (a, 1); they are looked for if not given.

    Examples
    --------
    >>> binned_lines(np.array([0, 1, 0]), np.array([[1e17, 1.0, -1e17]]), 2).tolist()
    [[0.0, 1.0]]
    """
    m = lines.shape[1]
    changes = np.ones(m, dtype=bool)
    np.not_equal(group[1:], group[:-1], out=changes[1:])
    changes[::PIECE] = True
    begins = np.flatnonzero(changes)
    if len(begins) * NUMBERS_PER_RUN > m:
        each = (line if factor is None else line * factor for line in lines)
        return np.array([binned(group, line, n_groups) for line in chain(each, others)])
    # Neighbours of one group are added up first: that takes far less than to look for the place of each.
    bounds = line_bounds(lines) if bounds is None else bounds
    if factor is not None:
        bounds = bounds * line_bounds(factor[None])
    top = 2.0 ** _exact_bits(m)
    scales = (top / bounds[:, 0]).tolist()
    runs, of = _runs(begins, m), group[begins]
    found: dict[int, tuple[Floats, Floats]] = {}
    with working(2, min(PIECE, m)) as work:
        for scale in set(scales):  # one scaled factor at a time: it is as long as a line
            by = scale if factor is None else factor * scale
            alike = [j for j, own in enumerate(scales) if own == scale]
            found |= {j: _run_sums(lines[j], by, scale, runs, work) for j in alike}
        sums = [found[j] for j in range(len(lines))]
        for line in others:
            scale = float(top / line_bounds(line[None])[0, 0])
            sums.append(_run_sums(line, scale, scale, runs, work))
    return np.array([np.bincount(of, one, n_groups) + np.bincount(of, two, n_groups) for one, two in sums])


def _runs(begins: Ints, m: int) -> list[tuple[slice, Ints]]:
    """Return each piece of m numbers, and where in it runs begin; one begins with every piece."""
    edges = np.searchsorted(begins, np.arange(0, m + PIECE, PIECE)).tolist()
    pieces = zip(range(0, m, PIECE), pairwise(edges), strict=True)
    return [(slice(start, min(start + PIECE, m)), begins[one:two] - start) for start, (one, two) in pieces]


def _run_sums(
    line: Floats, factor: Floats | float, scale: float, runs: list[tuple[slice, Ints]], work: Floats
) -> tuple[Floats, Floats]:
    """Return the sums of runs of a line, times a factor, as exact and small parts, shape (runs,) each.

    The factor includes a scale, a power of two that makes whole numbers of what is exact: to round to these
    takes a pass less than `cut`.
    """
    exact, small = [], []
    for part, first in runs:
        values, whole = work[:, : part.stop - part.start]
        np.multiply(line[part], factor if isinstance(factor, float) else factor[part], out=values)
        np.rint(values, out=whole)
        values -= whole
        exact.append(np.add.reduceat(whole, first))
        small.append(np.add.reduceat(values, first))
    return np.concatenate(exact) / scale, np.concatenate(small) / scale


def _exact_cut(values: Floats) -> tuple[float, int]:
    """Return the size and the bits to which numbers are cut for their first parts to add up exactly."""
    n = len(values)
    pieces = [values[start : start + PIECE] for start in range(0, n, PIECE)]
    largest = max(max(float(piece.max()), -float(piece.min())) for piece in pieces)
    return next_power(largest), _exact_bits(n)


def _pieces(
    values: Floats, bound: float, bits: int, piece: int = PIECE
) -> Iterator[tuple[slice, Floats, Floats]]:
    """Yield numbers in pieces, cut in two parts.

    A piece's parts last until the next one: whole lines of them would take longer to lay out than to add up.
    """
    work = np.empty((2, min(piece, len(values))))
    for start in range(0, len(values), piece):
        rows = slice(start, min(start + piece, len(values)))
        part = work[:, : rows.stop - rows.start]
        yield rows, *cut(values[rows], bound, bits, (part[0], part[1]))


def _exact_bits(n: int) -> int:
    """Return of how many bits n numbers may be for their sum to be exact."""
    return 52 - (n - 1).bit_length()


def sums_by(values: Floats, group: Ints, n_groups: int) -> Floats:
    """Return the sums of rows by group, whatever the order of the rows, shape (groups, p).

    Parameters
    ----------
    values
        Numbers, shape (n, p).
    group
        Group of each row, 0 … n_groups - 1, shape (n,).
    n_groups
        Number of groups.
    """
    n, p = values.shape
    if 0 < n <= BLOCK:  # all columns at once: each call costs more than so few numbers
        cell = (group[:, None] * p + np.arange(p)).ravel()
        bounds = line_bounds(values.T).T
        parts = cut(values, bounds, _exact_bits(n))
        sums = (np.bincount(cell, part.ravel(), n_groups * p) for part in parts)
        return np.asarray(sum(sums)).reshape(n_groups, p)
    found = np.empty((n_groups, p))
    for j, column in enumerate(values.T):
        found[:, j] = binned(group, np.ascontiguousarray(column), n_groups)
    return found


def total(values: Floats) -> float:
    """Return the sum of numbers, whatever their order.

    Examples
    --------
    >>> total(np.array([1e17, 1.0, -1e17]))
    1.0
    """
    if len(values) == 0:
        return 0.0
    size = _exact_cut(values)

    def of_part(part: slice) -> tuple[float, float]:
        exact = small = 0.0
        for _, high, low in _pieces(values[part], *size):
            exact += float(high.sum())
            small += float(low.sum())
        return exact, small

    sums = by_halves(of_part, len(values))
    return sum(exact for exact, _ in sums) + sum(small for _, small in sums)
