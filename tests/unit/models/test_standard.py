from __future__ import annotations

import numpy as np
import pytest

from coprodstats.errors import ModelError, RankDeficiencyError
from coprodstats.models import standard
from coprodstats.models.coding import Column
from coprodstats.models.standard import Standard, standard_rows

N = 300


def columns(p: int) -> tuple[Column, ...]:
    names = [f"x{j}" for j in range(p)]
    return tuple(Column(name=n, term=n, level="", reference="", variables=(n,)) for n in names)


def made(x: np.ndarray, w: np.ndarray, y: np.ndarray, offset: np.ndarray | None = None) -> Standard:
    return standard_rows(x.T, y, w, int(y.max()), columns=columns(x.shape[1]), counts=True, offset=offset)


def draw(seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, 3)) * [1e-6, 1, 1e8] + [0, 50, 3e8]
    return x, rng.uniform(0.3, 3, N), rng.integers(0, 4, N)


def test_predictors_that_are_hardly_correlated_keep_their_bits() -> None:
    # Integers, centred and scaled by powers of two: exact, with mean and variance about 0 and 1.
    rng = np.random.default_rng(9)
    _, w, y = draw()
    x = rng.integers([18, 0, -3000], [90, 2, 3000], (N, 3)).astype(float)
    found = made(x, w, y)
    assert np.array_equal(found.predictors, (x - found.centre) @ found.inverse)
    assert np.array_equal(found.predictors @ np.linalg.inv(found.inverse) + found.centre, x)
    assert np.average(found.predictors, axis=0, weights=w) == pytest.approx(np.zeros(3), abs=2**-8)
    assert (np.abs(np.log2(found.predictors.std(axis=0))) < 0.6).all()


@pytest.mark.parametrize("far", [0.0, 2.0**10, 2.0**30, 2.0**45])
def test_the_mean_and_spread_of_whole_numbers_far_from_zero(far: float) -> None:
    rng = np.random.default_rng(10)
    _, w, y = draw()
    x = rng.integers(0, 5, (N, 2)).astype(float)
    found, near = made(x + far, w, y), made(x, w, y)
    # at 2**45 a double still has seven bits after the point: as many as centres have but one
    assert found.centre - far == pytest.approx(near.centre, abs=2**-7)
    assert np.array_equal(found.inverse, near.inverse)
    assert found.predictors == pytest.approx(near.predictors, abs=2**-6)


def test_predictors_have_mean_zero_and_are_orthonormal_under_the_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(standard, "MILD", 1.0)
    x, w, y = draw()
    found = made(x, w, y)
    z, share = found.predictors, w / w.sum()
    # Centres are kept to 2**-8 of the spread, the matrix to 24 bits: see CENTRE_BITS and MATRIX_BITS.
    assert share @ z == pytest.approx(np.zeros(3), abs=0.01)
    assert z.T @ (z * share[:, None]) == pytest.approx(np.eye(3), abs=1e-6)
    # columns of size 1e8 are centred with an error of 1e-16 of that
    assert z == pytest.approx((x - found.centre) @ found.inverse, abs=1e-13)


def test_respondents_keep_their_weight_offset_and_category() -> None:
    x, w, y = draw()
    offset = np.linspace(-1, 1, N)
    found = made(x, w, y, offset)
    assert np.array_equal(found.rows.w[found.places.row()], w)
    assert np.array_equal(found.rows.offset[found.places.row()], offset)
    category = np.empty(N, dtype=int)
    for block in found.rows.blocks:
        category[block.rows] = block.category
    assert np.array_equal(category[found.places.row()], y)


def test_a_year_and_its_square_are_orthonormal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    year = rng.integers(1930, 2001, N).astype(float)
    x = np.column_stack([year, year**2])
    _, w, y = draw()
    share = w / w.sum()
    # Correlated to 0.9999997: the fast way makes the columns orthonormal to fewer digits, the careful to all.
    for limit, digits in ((1e-9, 1e-4), (1e-3, 1e-10)):
        monkeypatch.setattr(standard, "WELL_CONDITIONED", limit)
        z = made(x, w, y).predictors
        assert z.T @ (z * share[:, None]) == pytest.approx(np.eye(2), abs=digits)


def test_the_order_of_rows_changes_no_bit() -> None:
    x, w, y = draw()
    order = np.random.default_rng(6).permutation(N)
    one, two = made(x, w, y), made(x[order], w[order], y[order])
    assert np.array_equal(one.centre, two.centre)
    assert np.array_equal(one.inverse, two.inverse)
    assert np.array_equal(one.predictors[order], two.predictors)


@pytest.mark.parametrize("twin", ["copy", "sum", "constant"])
def test_combinations_are_refused(twin: str) -> None:
    x, w, y = draw()
    more = {"copy": x[:, 1] * 3 - 1, "sum": x[:, 0] * 1e6 + x[:, 1], "constant": np.full(N, 2.0)}[twin]
    with pytest.raises(RankDeficiencyError, match="predictor 'x3'"):
        made(np.column_stack([x, more]), w, y)


def test_as_many_columns_as_rows_are_refused() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(RankDeficiencyError, match="5 columns for 6 rows"):
        made(rng.normal(size=(6, 5)), np.ones(6), np.arange(6) % 2)


@pytest.mark.parametrize(
    ("scale", "said"), [(1e160, "above 1e[+]100"), (1e307, "above"), (1e-200, "below 1e-100")]
)
def test_numbers_whose_squares_are_none_are_refused_by_name(scale: float, said: str) -> None:
    x, w, y = draw()
    x[:, 1] *= scale / 50
    with pytest.raises(ModelError, match=f"(?s)term 'x1'.*standard deviation is {said}.*another unit"):
        made(x, w, y)
