"""Sums of scores that are never laid out, against those of the rows."""

from __future__ import annotations

import numpy as np
import pytest

from coprodstats.models import likelihood, scores
from coprodstats.models.blocks import Places, sort_rows
from coprodstats.models.links import LINKS
from coprodstats.models.scores import CumulativeScores, ScoreMatrix, cumulative_scores

N, K, P = 90, 4, 2


def problem(link: str) -> tuple[CumulativeScores, np.ndarray]:
    """Scores in blocks, and the same laid out by the row-wise kernel."""
    rng = np.random.default_rng(4)
    x, w, y = rng.normal(size=(N, P)), rng.uniform(0.5, 2, N), np.r_[0:K, rng.integers(0, K, N - K)]
    theta = np.array([-1.0, 0.2, 0.9, 0.5, -0.3])
    rows, order = sort_rows(x, y, w, K - 1)
    d = likelihood.derivatives(theta, x, y, K - 1, LINKS[link])
    return (
        cumulative_scores(theta, rows, Places(order=order), w, LINKS[link]),
        likelihood.row_scores(d, x, y, K - 1) * w[:, None],
    )


@pytest.mark.parametrize("link", LINKS)
def test_scores_are_those_of_the_rows(link: str) -> None:
    ours, wanted = problem(link)
    assert ours.laid_out() == pytest.approx(wanted, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("n_groups", [1, 7, 200])
def test_totals_by_group(n_groups: int) -> None:
    ours, rows = problem("logit")
    group = np.arange(N) % n_groups if n_groups > 1 else np.zeros(N, dtype=np.intp)
    wanted = np.zeros((n_groups, rows.shape[1]))
    np.add.at(wanted, group, rows)
    assert ours.totals(group, n_groups) == pytest.approx(wanted, rel=1e-12, abs=1e-13)
    assert ScoreMatrix(values=rows).totals(group, n_groups) == pytest.approx(wanted, rel=1e-12, abs=1e-13)


def test_products_and_sizes() -> None:
    ours, rows = problem("probit")
    assert ours.products() == pytest.approx(rows.T @ rows, rel=1e-12, abs=1e-13)
    assert ScoreMatrix(values=rows).products() == pytest.approx(rows.T @ rows, rel=1e-12, abs=1e-13)
    assert ours.sizes() == pytest.approx(np.sqrt((rows**2).sum(axis=0)), rel=1e-12)


@pytest.mark.parametrize(("cells", "at_once"), [(0, 1), (100, 65_536), (100, 30)])  # 30: five rows at once
def test_rows_that_stand_for_several_respondents(
    cells: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scores, "CELLS_PER_RESPONDENT", cells)
    monkeypatch.setattr(scores, "CELLS_AT_ONCE", at_once)
    # Five respondents share each row: their scores are those of the row, by their own weights.
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(12, P)), np.arange(12) % K
    theta = np.array([-1.0, 0.2, 0.9, 0.5, -0.3])
    who, w = np.repeat(np.arange(12), 5), rng.uniform(0.5, 2, 60)
    rows, order = sort_rows(x, y, np.bincount(who, w), K - 1)
    ours = cumulative_scores(theta, rows, Places(order=order, pattern=who), w, LINKS["logit"])
    d = likelihood.derivatives(theta, x[who], y[who], K - 1, LINKS["logit"])
    wanted = likelihood.row_scores(d, x[who], y[who], K - 1) * w[:, None]
    assert ours.laid_out() == pytest.approx(wanted, rel=1e-12, abs=1e-14)
    group = rng.integers(0, 6, 60)
    sums = np.zeros((6, wanted.shape[1]))
    np.add.at(sums, group, wanted)
    assert ours.totals(group, 6) == pytest.approx(sums, rel=1e-12, abs=1e-13)
    assert ours.products() == pytest.approx(wanted.T @ wanted, rel=1e-12)
