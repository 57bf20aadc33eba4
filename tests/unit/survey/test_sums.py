"""Sums that don't depend on the order of rows, against fractions."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest

from coprodstats.survey import sums, two_threads
from coprodstats.survey.lines import BITS, aligned, cut, line_bounds, power_above, working
from coprodstats.survey.products import (
    LineSum,
    cross_products,
    cut_lines,
    settled_product,
    symmetric_products,
)
from coprodstats.survey.sums import binned, binned_lines, binned_parts, sums_by, total

ROWS = 9_000  # more than two blocks


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    rng = np.random.default_rng(20)
    return rng.normal(size=(ROWS, 3)) * np.exp(3 * rng.normal(size=(ROWS, 1)))


def test_cut_parts_add_up_and_the_first_has_few_bits(values):
    size = power_above(np.abs(values).max(axis=0))
    high, low = cut(values, size, BITS)
    assert np.array_equal(high + low, values)
    assert np.array_equal(high / size * 2.0**BITS, np.rint(high / size * 2.0**BITS))
    assert np.all(np.abs(low) <= size / 2.0 ** (BITS + 1))


def test_sums_by_group_are_the_rounded_sums(values):
    group = np.arange(ROWS) % 7
    found = sums_by(values, group, 8)
    assert np.array_equal(found[7], np.zeros(3))
    for g in range(7):
        assert found[g].tolist() == [math.fsum(column) for column in values[group == g].T]


@pytest.mark.parametrize("piece", [2_000, sums.PIECE])  # several, and the last of them short; one
@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize("factor", [True, False])
def test_sums_of_lines_are_right_whether_groups_lie_together_or_not(monkeypatch, values, runs, factor, piece):
    monkeypatch.setattr(sums, "PIECE", piece)
    values = values * [1.0, 1e-3, 1e6]  # lines of sizes of their own
    group = np.arange(ROWS) % 7
    group = np.sort(group) if runs else group
    by = np.random.default_rng(22).uniform(-1, 1, ROWS) if factor else None
    others = values[::-1, :2]
    found = binned_lines(group, values.T, 8, factor=by, others=list(others.T))
    terms = values if by is None else values * by[:, None]  # rounded once, as the sums' own terms are
    terms = np.hstack([terms, others])
    assert np.array_equal(found[:, 7], np.zeros(5))
    for g in range(7):
        assert found[:, g].tolist() == [math.fsum(column) for column in terms[group == g].T]


@pytest.mark.parametrize("many", [ROWS + 1, ROWS])  # on one thread, on two
@pytest.mark.parametrize("piece", [10, 2_000])  # as one large table, as small ones by halves
def test_sums_by_two_groups_are_right_in_tables_of_any_size(monkeypatch, values, many, piece):
    monkeypatch.setattr(sums, "PIECE", piece)
    monkeypatch.setattr(two_threads, "MANY_ROWS", many)
    row, group = np.arange(ROWS) % 7, np.arange(ROWS) % 5
    exact, small = binned_parts(row, values[:, 0], 8, within=(group, 6))
    found = (exact + small).reshape(8, 6)
    wanted = [[math.fsum(values[(row == r) & (group == g), 0]) for g in range(6)] for r in range(8)]
    assert found.tolist() == wanted


@pytest.mark.parametrize("length", [1, 8, 511, 512, 4_096, 50_000])
def test_lines_begin_at_a_boundary_of_64_bytes_and_not_pages_apart(length):
    lines = aligned(3, length)
    assert lines.shape == (3, length)
    addresses = [line.ctypes.data for line in lines]
    assert all(address % 64 == 0 for address in addresses)
    assert (addresses[1] - addresses[0]) % 4_096 != 0
    lines[:] = np.arange(3)[:, None]
    assert lines.sum() == 3 * length


def test_memory_to_work_in_is_lent_again_and_never_to_two():
    with working(5, 4_096) as first:
        first[:] = 1.0
        assert first.shape == (5, 4_096)
        assert all(line.ctypes.data % 64 == 0 for line in first)
        with working(5, 4_096) as within, ThreadPoolExecutor(1) as pool:
            elsewhere = pool.submit(lent).result()
            for other in (within, elsewhere):
                assert not np.shares_memory(first, other)
                other[:] = 2.0
        assert np.all(first == 1.0)
    with working(3, 1_000) as again:
        assert np.shares_memory(first, again)
    with working(500, 4_096) as large:
        assert large.shape == (500, 4_096)
        assert not np.shares_memory(first, large)


def lent() -> np.ndarray:
    with working(5, 4_096) as lines:
        return lines


def test_memory_to_work_in_is_free_again_after_an_error():
    with working(2, 10) as first:
        pass
    with pytest.raises(KeyboardInterrupt, match="stopped"), working(2, 10):
        raise KeyboardInterrupt("stopped")
    with working(2, 10) as again:
        assert np.shares_memory(first, again)


def test_the_product_of_lines_cut_in_two_has_more_digits_than_a_double(values):
    left, right = cut_lines(values[:300].T), values[300:600, :2].T
    first, rest = cut(right, line_bounds(right), BITS - 1)
    sums = LineSum.zero(3, 2).plus_cut(np.vstack([left.high, left.low]), np.vstack([first, rest]))
    high, low = sums.parts()
    for i in range(3):
        for j in range(2):
            pairs = list(zip(values[:300, i].tolist(), right[j].tolist(), strict=True))
            truth = sum(Fraction(a) * Fraction(b) for a, b in pairs)
            size = sum(abs(Fraction(a) * Fraction(b)) for a, b in pairs)
            # rounded are only the sums of parts below 2**-20 of the largest
            largest = Fraction(float(line_bounds(values.T)[i, 0])) * Fraction(float(np.abs(right[j]).max()))
            error = abs(Fraction(high[i, j]) + Fraction(low[i, j]) - truth)
            assert error <= Fraction(2) ** -68 * max(size, 300 * largest)


@pytest.mark.parametrize(("b", "a"), [(1, 1), (3, 2), (7, 7), (19, 16)])
def test_products_that_are_symmetric_are_those_of_lines(b: int, a: int) -> None:
    rng = np.random.default_rng(b)
    right = rng.integers(-50, 50, (a, 90)).astype(float)  # whole numbers: all sums are exact
    curvature = rng.integers(1, 9, 90)
    left = np.concatenate([right * curvature, rng.integers(-50, 50, (b - a, 90))])
    assert np.array_equal(symmetric_products(left, right), left @ right.T)
    assert np.array_equal(symmetric_products(right, right), right @ right.T)


@pytest.mark.parametrize("a", [2, 3])
@pytest.mark.parametrize("size", [1.0, 2.0**-500])
def test_a_square_of_lines_of_about_one_size_is_as_exact(a: int, size: float) -> None:
    rng = np.random.default_rng(4)
    lines = rng.normal(size=(3, 2_000)) * [[0.3], [1.0], [2.0]] * size
    bounds = line_bounds(lines)
    largest, work = float(bounds.max()), np.empty((2, *lines.shape))
    scale = 2.0 ** (BITS - 1) / largest
    high, low = LineSum.zero(a, 3).plus_square(lines * scale, bounds, (work[0], work[1]), scale).parts()
    for i, j in ((0, 0), (0, 1), (1, 1), (0, 2), (1, 2)):
        pairs = list(zip(lines[i].tolist(), lines[j].tolist(), strict=True))
        found = Fraction(high[i, j]) + Fraction(low[i, j])
        if j < a:
            found = (found + Fraction(high[j, i]) + Fraction(low[j, i])) / 2
        # first parts are exact; the others are below 2**-20 of the largest number and rounded to 53 bits, but
        # no finer than to the smallest number that there is: the scale's square would be beyond the largest
        error = abs(found - sum(Fraction(one) * Fraction(other) for one, other in pairs))
        assert error <= 2_000 * Fraction(largest) ** 2 * Fraction(1, 2**71) + 4 * Fraction(math.ulp(0.0))


def test_a_block_s_square_has_more_digits_than_a_double(values):
    lines = values[:3_000].T.copy()
    work = np.empty((2, *lines.shape))
    high, low = LineSum.zero(2, 3).plus_square(lines.copy(), line_bounds(lines), (work[0], work[1])).parts()
    for i, j in ((0, 0), (0, 1), (1, 1), (0, 2), (1, 2)):
        pairs = list(zip(lines[i].tolist(), lines[j].tolist(), strict=True))
        truth = sum(Fraction(a) * Fraction(b) for a, b in pairs)
        size = sum(abs(Fraction(a) * Fraction(b)) for a, b in pairs)
        found = Fraction(high[i, j]) + Fraction(low[i, j])
        if j < 2:  # of the left lines: the mean with the transpose
            found = (found + Fraction(high[j, i]) + Fraction(low[j, i])) / 2
        # the sums of parts below 2**-21 of the largest number are rounded, those of the others are not
        largest = Fraction(float(np.abs(lines[i]).max())) * Fraction(float(np.abs(lines[j]).max()))
        assert abs(found - truth) < max(size, 3_000 * largest) * Fraction(1, 2**70)


def test_sums_and_products_are_the_same_in_any_order(values):
    order = np.random.default_rng(21).permutation(ROWS)
    group = np.arange(ROWS) % 5
    shuffled = values[order]
    assert np.array_equal(sums_by(values, group, 5), sums_by(shuffled, group[order], 5))
    assert np.array_equal(cross_products(values, values), cross_products(shuffled, shuffled))
    matrix = np.array([[0.1, 2.0], [1e-3, -1.0], [3.0, 0.0]])
    assert np.array_equal(settled_product(values, matrix)[order], settled_product(shuffled, matrix))


def test_products_are_right_to_the_last_bit(values):
    some = values[:5_000]
    truth = sum(
        Fraction(a) * Fraction(b) for a, b in zip(some[:, 0].tolist(), some[:, 1].tolist(), strict=True)
    )
    assert cross_products(some, some)[0, 1] == float(truth)
    assert cross_products(some[:, :1], some[:, 1:])[0, 0] == float(truth)


def test_nothing_adds_up_to_zero():
    none = np.empty(0)
    assert binned(np.empty(0, dtype=np.intp), none, 2).tolist() == [0.0, 0.0]
    assert total(none) == 0.0
    assert cross_products(np.empty((0, 2)), np.empty((0, 1))).tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("n", [200_001, 500_000])
def test_sums_of_many_numbers_on_two_threads_are_the_rounded_sums_too(n):
    rng = np.random.default_rng(30)
    values, group = rng.normal(size=n) * 10.0 ** rng.integers(-6, 7, n), rng.integers(0, 3, n)
    truth = [math.fsum(values[group == g]) for g in range(3)]
    assert binned(group, values, 3).tolist() == truth
    assert total(values) == math.fsum(values)
    turned = rng.permutation(n)
    assert binned(group[turned], values[turned], 3).tolist() == truth
