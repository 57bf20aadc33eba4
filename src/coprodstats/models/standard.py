"""Predictors centred, scaled and, if need be, turned, so that a likelihood is well conditioned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from coprodstats.errors import Fault, ModelError
from coprodstats.models.blocks import BLOCK_ROWS, Places, Rows, one_in, sorted_order
from coprodstats.models.coding import Column
from coprodstats.models.patterns import Patterns
from coprodstats.models.rank import rank_deficient, refuse_too_many
from coprodstats.models.scores import GroupWeights, weights_by_group
from coprodstats.models.search import THINNING
from coprodstats.survey.lines import BITS, aligned, cut, power_above
from coprodstats.survey.products import symmetric_products
from coprodstats.survey.sums import binned, total

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# With a smallest eigenvalue of their correlations above this, predictors need not be turned.
MILD = 0.05
# From this many rows on one in so many is looked at first.
MANY_ROWS = 20_000
# Above this, their Cholesky factor has ten digits, and none is near a combination of others; below it, an
# orthogonal factorisation and a search for such columns.
WELL_CONDITIONED = 1e-6
# Below this share of its mean a column's deviation may be that of rounding: does the column vary at all?
ROUNDING = 1e-10
# Below this share of the squared mean a variance has lost too many digits to be told from it.
CANCELLED = 1e-6
# A column's deviation is to lie between these, so that squares of it and of estimates are numbers.
SMALLEST, LARGEST = 1e-100, 1e100
# Bits that centres and the matrix keep, relative to the spread and to the largest of a column: so few that
# they are the same whatever the order of rows and the BLAS library, and that products with them are exact.
CENTRE_BITS = 8
MATRIX_BITS = 24
# Added to the binary logarithm of a deviation, so that none that is the root of a whole number, as those of
# answers in equal shares are, lies between two powers of two, where rounding would choose.
UPWARDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standard:
    """The data of a fit, predictors centred, about of unit variance, and not far from orthogonal.

    Attributes
    ----------
    centre
        Weighted means of the predictors as in the data, to a part of their spread, shape (p,).
    inverse
        Matrix that scales the centred predictors, and turns them where they are correlated, shape (p, p).
    rows
        The data in blocks, ``(x - centre) inverse`` as predictors.
    places
        Which of ``rows`` each respondent is.
    few
        One in so many of ``rows`` (`coprodstats.models.search.THINNING`), where there are many.
    by_unit
        What respondents weigh by sampling unit and pattern, where they share rows and there are few of both.
    scale
        By what the weights as given are multiplied to be those of ``rows``.
    """

    centre: Floats
    inverse: Floats
    rows: Rows
    places: Places
    few: Rows | None = None
    by_unit: GroupWeights | None = None
    scale: float = 1.0

    @property
    def predictors(self) -> Floats:
        """The predictors of ``rows`` of each respondent, laid out anew, shape (n, p)."""
        return np.asarray(self.rows.x.T[self.places.row()])


def standardise(x: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    """Return weighted means, R^-1 and the orthonormal predictors (x - means) R^-1.

    Parameters
    ----------
    x
        Predictors, shape (n, p).
    w
        Weights, shape (n,).
    """
    centre = np.average(x, axis=0, weights=w)
    share = np.sqrt(w / w.sum())
    _, upper = linalg.qr((x - centre) * share[:, None], mode="economic")
    inverse = linalg.solve_triangular(upper, np.eye(x.shape[1]))
    return centre, inverse, (x - centre) @ inverse


def standard_rows(
    found: Iterable[NDArray[Any]],
    y: Ints,
    w: Floats,
    n_cuts: int,
    *,
    columns: tuple[Column, ...],
    counts: bool = False,
    offset: Floats | None = None,
    patterns: Patterns | None = None,
    together: tuple[Ints, int] | None = None,
) -> Standard:
    """Return a sample with predictors about orthonormal, in blocks of one category.

    Parameters
    ----------
    found
        Predictors of the respondents, or of the patterns, one after another, shape (n,) or (m,) each: as a
        matrix they would take much memory twice.
    y
        Categories 0 … K-1, shape (n,).
    w
        Weights, shape (n,).
    n_cuts
        K-1.
    columns
        What the predictors stand for.
    counts
        Whether weights count respondents; others are scaled to sum to n.
    offset
        Known part of the linear predictor, shape (n,).
    patterns
        Respondents who share a row; each has one without. They have no offset.
    together
        Groups of respondents whose rows are to be neighbours, if that costs nothing, 0 … m-1, shape (n,); m.

    Raises
    ------
    RankDeficiencyError
        If a predictor is an exact combination of others, or there are as many as respondents.
    ModelError
        If a predictor's numbers are so large or so small that variances can't be computed.
    """
    n = len(y)
    refuse_too_many(n, columns)
    by_unit, within = None, None
    if patterns is not None:
        y = y[patterns.first]
        w, by_unit = _shared_weights(patterns, w, together)
    elif together is not None:
        within, _ = together
    scale = 1.0 if counts else n / total(w)
    order, blocks = sorted_order(y, n_cuts, within)
    lines, centre, size, bounds = _centred(found, columns, w, order)
    w = np.take(w, order, mode="clip")
    w *= scale
    rows = Rows(
        x=lines,
        w=w,
        offset=None if offset is None else offset[order],
        n_cuts=n_cuts,
        blocks=blocks,
        bounds=bounds,
    )
    few = one_in(rows, THINNING) if len(w) > MANY_ROWS else None
    inverse = _whitening(rows, few, columns)
    if inverse is not None:
        _turn(lines, inverse, bounds)
        rows, few = replace(rows, bounds=None), None
    return Standard(
        centre=centre,
        inverse=np.diag(1 / size) if inverse is None else inverse / size[:, None],
        rows=rows,
        few=few,
        places=Places(order=order, pattern=None if patterns is None else patterns.of_row),
        by_unit=by_unit,
        scale=scale,
    )


def _shared_weights(
    patterns: Patterns, w: Floats, units: tuple[Ints, int] | None
) -> tuple[Floats, GroupWeights | None]:
    """Return the weight of each pattern, shape (m,), and by sampling unit, where both are few."""
    m = len(patterns.first)
    parts = None
    if units is not None:
        parts = weights_by_group(*units, patterns.of_row, m, w)
    if units is None or parts is None:
        return binned(patterns.of_row, w, m), None
    exact, small = parts
    weight = exact.sum(axis=1) + small.sum(axis=1)
    exact += small  # in place: so large a table is slow to lay out
    return weight, GroupWeights(group=units[0], weight=exact)


def _centred(
    found: Iterable[NDArray[Any]], columns: tuple[Column, ...], w: Floats, order: Ints
) -> tuple[Floats, Floats, Floats, Floats]:
    """Centre, scale and reorder predictors.

    Returns
    -------
    lines : numpy.ndarray
        The predictors, shape (p, n).
    centre, size : numpy.ndarray
        By what they were centred and scaled, shape (p,) each.
    bounds : numpy.ndarray
        Powers of two that no number of a line exceeds, shape (p, 1).
    """
    whole = w.sum()
    lines = aligned(len(columns), len(w))
    centre, size, largest = np.ones((3, len(columns)))
    faults: list[Fault] = []
    line = aligned(1, len(w))[0]
    for j, values in enumerate(found):
        numbers = np.asarray(values, dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            mean, deviation = _mean_and_deviation(numbers, w, whole, line)
            constant = deviation < ROUNDING * abs(mean) and np.ptp(numbers) == 0
        if not (constant or SMALLEST < deviation < LARGEST):
            faults.append(_out_of_range(columns[j], SMALLEST if deviation <= SMALLEST else LARGEST))
            continue
        size[j] = 1.0 if constant else _power_of_two(deviation)
        unit = size[j] / 2.0**CENTRE_BITS
        centre[j] = numbers[0] if constant else np.rint(mean / unit) * unit
        np.subtract(numbers, centre[j], out=line)
        if size[j] != 1.0:
            line *= 1 / size[j]
        largest[j] = max(line.max(), -line.min())
        np.take(line, order, out=lines[j], mode="clip")  # "raise" would go through a buffer
    if faults:
        raise ModelError(*faults)
    return lines, centre, size, power_above(largest)[:, None]


def _mean_and_deviation(numbers: Floats, w: Floats, whole: float, line: Floats) -> tuple[float, float]:
    """Return the weighted mean of numbers and their standard deviation; a line to work in is overwritten."""
    mean = float(numbers @ w / whole)
    np.multiply(numbers, w, out=line)
    variance = float(line @ numbers / whole) - mean * mean
    if variance < CANCELLED * mean * mean:  # in digits of both: around one of the numbers there are more
        np.subtract(numbers, numbers[0], out=line)
        beyond = float(line @ w / whole)
        mean = float(numbers[0]) + beyond
        line *= line
        variance = float(line @ w / whole) - beyond * beyond
    return mean, float(np.sqrt(max(variance, 0.0)))


def _out_of_range(column: Column, limit: float) -> Fault:
    beyond = "above" if limit == LARGEST else "below"
    return Fault(
        where=f"term {column.name!r}",
        found=f"its standard deviation is {beyond} {limit:g}: variances would be beyond the range of numbers",
        allowed=f"{SMALLEST:g} to {LARGEST:g}",
        remedy="express it in another unit",
    )


def _turn(lines: Floats, inverse: Floats, bound: Floats) -> None:
    """Replace lines, which don't exceed some bounds, by inverse' lines, exactly but for the last rounding."""
    few, rest = cut(inverse, power_above(np.abs(inverse).max(axis=0)), MATRIX_BITS)
    for start in range(0, lines.shape[1], BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        high, low = cut(lines[:, part], bound, BITS)
        small = inverse.T @ low
        if rest.any():
            small += rest.T @ high
        lines[:, part] = few.T @ high + small


def _power_of_two(size: float) -> float:
    """Return the power of two next to a size: scaling by it rounds nothing."""
    return float(2.0 ** np.round(np.log2(size) + UPWARDS)) if size > 0 else 1.0


def _whitening(rows: Rows, few: Rows | None, columns: tuple[Column, ...]) -> Floats | None:
    """Return the upper triangular matrix that makes centred lines orthonormal, shape (p, p).

    None if they are near that as they are: turned, each would lose the exactness that survey answers have.
    """
    if few is not None and _least_correlated(few) > MILD:
        return None  # and so with more rows: they add to all products
    lines, w = rows.x, rows.w
    products = _products(lines, w)
    least = _least_correlated(rows, products)
    if least > MILD:
        return None
    if least > WELL_CONDITIONED:
        found = linalg.solve_triangular(linalg.cholesky(products), np.eye(len(lines)))
        return cut(found, power_above(np.abs(found).max(axis=0)), MATRIX_BITS)[0]
    rank_deficient(lines.T, w, columns)
    upper = np.linalg.qr(lines.T * np.sqrt(w / w.sum())[:, None], mode="r")
    return np.asarray(linalg.solve_triangular(upper, np.eye(len(lines))))


def _products(lines: Floats, w: Floats) -> Floats:
    """Return the weighted means of products of lines, shape (p, p)."""
    products = np.zeros((len(lines), len(lines)))
    for start in range(0, len(w), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        products += symmetric_products(lines[:, part] * w[part], lines[:, part])
    return np.asarray(products / w.sum())


def _least_correlated(rows: Rows, products: Floats | None = None) -> float:
    """Return the smallest eigenvalue of the lines' correlations; 0 if a line does not vary.

    Lines are centred at rounded means: what is left of these would hide that lines sum to a constant.
    """
    lines, w = rows.x, rows.w
    mean = lines @ w / w.sum()
    covariance = (_products(lines, w) if products is None else products) - np.outer(mean, mean)
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    if spread.min(initial=np.inf) == 0:
        return 0.0
    return float(np.linalg.eigvalsh(covariance / np.outer(spread, spread))[0])
