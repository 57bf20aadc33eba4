"""The blocks against the row-wise kernel, which other tests hold against 50-digit arithmetic."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from coprodstats.models import blocks, likelihood, search
from coprodstats.models.evaluation import evaluate
from coprodstats.models.links import LINKS


def problem(
    n_cuts: int, n: int = 400, p: int = 3, seed: int = 11
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_cuts + 1), rng.integers(0, n_cuts + 1, n - n_cuts - 1)])
    theta = np.concatenate([np.linspace(-1.2, 1.1, n_cuts), rng.normal(size=p) / 3])
    return rng.normal(size=(n, p)), y, rng.uniform(0.2, 3, n), rng.normal(size=n) / 2, theta


def row_wise(
    theta: np.ndarray, data: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], name: str
) -> tuple[float, np.ndarray, np.ndarray]:
    x, y, w, offset = data
    n_cuts = len(theta) - x.shape[1]
    d = likelihood.derivatives(theta, x, y, n_cuts, LINKS[name], offset=offset)
    return (
        float(w @ d.log_p),
        likelihood.score(d, x, y, w, n_cuts),
        likelihood.information(d, x, y, w, n_cuts),
    )


@pytest.mark.parametrize("n_cuts", [1, 2, 4])
@pytest.mark.parametrize("name", LINKS)
def test_blocks_add_up_to_the_row_wise_derivatives(
    name: str, n_cuts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 17)
    monkeypatch.setattr(blocks, "SORTED_ROWS", 150)
    x, y, w, offset, theta = problem(n_cuts)
    rows, _ = blocks.sort_rows(x, y, w, n_cuts, offset=offset)
    ours = evaluate(theta, rows, LINKS[name])
    loglik, score, info = row_wise(theta, (x, y, w, offset), name)
    # sums of 400 terms in another order
    assert ours.loglik == pytest.approx(loglik, rel=1e-13)
    assert ours.score == pytest.approx(score, rel=1e-12, abs=1e-12)
    assert ours.information == pytest.approx(info, rel=1e-12, abs=1e-12)


def test_sorting_keeps_every_row_with_its_category() -> None:
    x, y, w, offset, _ = problem(3)
    rows, order = blocks.sort_rows(x, y, w, 3, offset=offset)
    assert sorted(order) == list(range(len(y)))
    assert np.array_equal(rows.x, x.T[:, order])
    assert np.array_equal(rows.w, w[order])
    assert np.array_equal(rows.offset, offset[order])
    laid = np.concatenate([np.full(b.rows.stop - b.rows.start, b.category) for b in rows.blocks])
    assert np.array_equal(laid, y[order])
    assert blocks.category_weights(rows) == pytest.approx([w[y == k].sum() for k in range(4)], rel=1e-13)


def lying(rows: blocks.Rows) -> list[tuple[float, ...]]:
    """Return each row's category, weight and predictors."""
    laid = np.concatenate([np.full(b.rows.stop - b.rows.start, b.category) for b in rows.blocks])
    return list(zip(laid.tolist(), rows.w.tolist(), *rows.x.tolist(), strict=True))


def test_one_row_in_three_is_the_same_whatever_the_order() -> None:
    x, y, w, offset, theta = problem(3, n=3_000)
    rows, _ = blocks.sort_rows(x, y, w, 3, offset=offset)
    some = blocks.one_in(rows, 3)
    assert some.offset is not None
    # the root of the variance of a count of 3,000 rows that are taken by chance is 26
    assert abs(len(some.w) - 1_000) < 4 * 26
    place = {row: i for i, row in enumerate(zip(y.tolist(), w.tolist(), *x.T.tolist(), strict=True))}
    kept = [place[row] for row in lying(some)]
    assert some.offset.tolist() == offset[kept].tolist()
    theirs = row_wise(theta, (x[kept], y[kept], w[kept], offset[kept]), "logit")
    ours = evaluate(theta, some, LINKS["logit"])
    assert ours.loglik == pytest.approx(theirs[0], rel=1e-13)
    assert ours.score == pytest.approx(theirs[1], rel=1e-12, abs=1e-12)
    order = np.random.default_rng(5).permutation(len(y))
    again = blocks.one_in(blocks.sort_rows(x[order], y[order], w[order], 3, offset=offset[order])[0], 3)
    assert sorted(lying(again)) == sorted(lying(some))


def test_rows_that_are_alike_are_taken_as_they_lie() -> None:
    y = np.repeat([0, 1], [70, 50])
    rows, _ = blocks.sort_rows(np.ones((120, 2)), y, np.arange(1.0, 121.0), 1)
    assert blocks.one_in(rows, 4).w.tolist() == list(range(1, 121, 4))


def test_no_category_is_without_rows() -> None:
    x, drawn, w, _, _ = problem(2, n=900)
    for rare in range(3):
        y = np.where(drawn == rare, (rare + 1) % 3, drawn)
        y[7:9] = rare
        rows, _ = blocks.sort_rows(x, y, w, 2)
        few = blocks.one_in(rows, 100)
        assert {b.category for b in few.blocks} == {0, 1, 2}
        assert all(b.rows.start < b.rows.stop for b in few.blocks)


def test_rows_of_one_category_are_joined_up_to_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 20)
    x, y, w, _, _ = problem(1)
    rows, _ = blocks.sort_rows(x, y, w, 1)
    few = blocks.one_in(rows, 4)
    sizes = [b.rows.stop - b.rows.start for b in few.blocks]
    assert sum(sizes) == len(few.w)
    assert max(sizes) <= 20
    counts = np.bincount([int(row[0]) for row in lying(few)])
    assert len(sizes) == sum(-(-count // 20) for count in counts.tolist())  # no fewer hold them
    assert set(lying(few)) <= set(lying(rows))


def test_groups_lie_together_within_categories() -> None:
    y = np.array([1, 0, 1, 0, 1, 0, 1, 0])
    order, _ = blocks.sorted_order(y, 1, np.array([1, 1, 0, 0, 1, 1, 0, 0]))
    assert order.tolist() == [3, 7, 1, 5, 2, 6, 0, 4]


def test_thresholds_out_of_order_have_no_likelihood() -> None:
    x, y, w, _, theta = problem(2)
    rows, _ = blocks.sort_rows(x, y, w, 2)
    theta[:2] = [0.5, 0.5]
    assert evaluate(theta, rows, LINKS["logit"]).loglik == -np.inf


@pytest.mark.parametrize("eta", [-40.0, -8.0, 1e-9, 12.0, 300.0, 345.0, 600.0, 2000.0])
@pytest.mark.parametrize("category", [0, 1, 2])
def test_a_single_logistic_row_has_fourteen_digits_in_both_tails(eta: float, category: int) -> None:
    # odds up to exp(350) are computed as such, beyond that on the log scale
    cuts = (-0.7, 0.9)
    rows, _ = blocks.sort_rows(np.array([[eta]]), np.array([category]), np.ones(1), 2)
    ours = evaluate(np.array([*cuts, 1.0]), rows, LINKS["logit"])
    with mpmath.workdps(1000):  # of 1 - exp(-2000) too something must be left

        def log_p(theta: list[mpmath.mpf]) -> mpmath.mpf:
            ends = [
                mpmath.mpf(0),
                *(1 / (1 + mpmath.exp(theta[2] * eta - t)) for t in theta[:2]),
                mpmath.mpf(1),
            ]
            return mpmath.log(ends[category + 1] - ends[category])

        theta = [mpmath.mpf(cuts[0]), mpmath.mpf(cuts[1]), mpmath.mpf(1)]
        h = mpmath.mpf(10) ** -20

        def slope(j: int) -> mpmath.mpf:
            up, down = ([*theta[:j], theta[j] + step, *theta[j + 1 :]] for step in (h, -h))
            return (log_p(up) - log_p(down)) / (2 * h)

        truth = float(log_p(theta)), [float(slope(j)) for j in range(3)]
    # exp(eta) carries the rounding of eta itself: |eta| units in the last place
    rounding = 1e-15 * max(abs(eta), 10)
    assert ours.loglik == pytest.approx(truth[0], rel=rounding, abs=1e-300)
    assert ours.score == pytest.approx(truth[1], rel=rounding, abs=1e-290)


def test_many_rows_start_at_the_fit_of_a_few_and_end_where_others_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, y, w, _, theta = problem(3, n=3000)
    y = np.digitize(x @ theta[3:] * 9 + np.random.default_rng(1).logistic(size=len(y)), theta[:3])
    plain = search.maximise(x, y, w, n_cuts=3, link=LINKS["logit"])
    monkeypatch.setattr(search, "MANY_ROWS", 100)
    thinned = search.maximise(x, y, w, n_cuts=3, link=LINKS["logit"])
    assert thinned.theta == pytest.approx(plain.theta, rel=1e-12, abs=1e-13)
    assert thinned.loglik == pytest.approx(plain.loglik, rel=1e-14)
    assert thinned.iterations < plain.iterations


def test_a_few_rows_that_are_separated_mislead_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every sixteenth row after sorting has y = (x > 0); the others overlap.
    rng = np.random.default_rng(3)
    x = rng.normal(size=(640, 1))
    y = rng.integers(0, 2, 640)
    order = np.argsort(y, kind="stable")
    x[order[::16], 0] = np.abs(x[order[::16], 0]) * np.where(y[order[::16]] == 1, 1, -1)
    plain = search.maximise(x, y, np.ones(640), n_cuts=1, link=LINKS["logit"])
    monkeypatch.setattr(search, "MANY_ROWS", 100)
    thinned = search.maximise(x, y, np.ones(640), n_cuts=1, link=LINKS["logit"])
    assert not thinned.stalled
    assert thinned.theta == pytest.approx(plain.theta, rel=1e-12)
