"""Many weighted maxima at once against one at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coprodstats.models import batched, search
from coprodstats.models.batched import log_likelihoods, newton, sort_rows
from coprodstats.models.links import LINKS, LinkName

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]

# The two kernels sum in another order: some units in the last place of estimates of about 1.
SAME = 1e-12


def drawn(n: int, p: int, n_cuts: int, n_replicates: int, seed: int = 1) -> Arrays:
    """Draw predictors, categories, and weights of a bootstrap of persons, a third of them zero."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    latent = x @ np.linspace(-0.6, 0.6, p) + rng.logistic(size=n)
    y = np.digitize(latent, np.quantile(latent, np.arange(1, n_cuts + 1) / (n_cuts + 1)))
    counts = rng.multinomial(n, np.full(n, 1 / n), size=n_replicates)
    return x, y, counts * rng.uniform(0.3, 3.0, n)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("n_cuts", [1, 4])
@pytest.mark.parametrize("moved", [False, True])
def test_each_is_the_maximum_of_its_own_likelihood(link: LinkName, n_cuts: int, *, moved: bool) -> None:
    x, y, w = drawn(400, 3, n_cuts, 12)
    offset = np.sin(np.arange(400)) if moved else None
    start = search.maximise(x, y, np.ones(400), n_cuts=n_cuts, link=LINKS[link], offset=offset).theta
    rows = sort_rows(x, y, n_cuts, offset)
    theta, found = newton(rows, w[:, rows.order], start, LINKS[link])
    # Newton's method may need the care of a fit of its own where the log-likelihood is not concave.
    assert found.all() or (link == "cauchit" and found.mean() > 0.5)
    values = log_likelihoods(rows, w[:, rows.order], theta, LINKS[link])
    for r in np.flatnonzero(found):
        weights, live = w[r], w[r] > 0
        part = None if offset is None else offset[live]
        alone = search.maximise(x[live], y[live], weights[live], n_cuts=n_cuts, link=LINKS[link], offset=part)
        assert theta[r] == pytest.approx(alone.theta, abs=SAME)
        assert values[r] == pytest.approx(alone.loglik, rel=SAME)


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_a_last_step_with_the_information_of_the_place_before_leads_to_the_same(
    link: LinkName, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y, w = drawn(3_000, 3, 3, 40)
    start = search.maximise(x, y, np.ones(3_000), n_cuts=3, link=LINKS[link]).theta
    rows = sort_rows(x, y, 3)
    taken: list[int] = []
    as_is = batched.scores

    def counted(*arguments: Any) -> np.ndarray:
        taken.append(len(arguments[1]))
        return as_is(*arguments)

    monkeypatch.setattr(batched, "scores", counted)
    theta, found = newton(rows, w[:, rows.order], start, LINKS[link])
    assert found.all()
    assert sum(taken) > 20  # most of them
    monkeypatch.setattr(batched, "NEGLIGIBLE", 0.0)  # nothing will do but Newton's own steps
    newtons, found = newton(rows, w[:, rows.order], start, LINKS[link])
    assert found.all()
    assert theta == pytest.approx(newtons, abs=SAME)


def test_scores_alone_are_those_of_the_whole() -> None:
    x, y, w = drawn(700, 3, 3, 6)
    for link in LINKS.values():
        rows = sort_rows(x, y, 3)
        theta = np.random.default_rng(5).normal(size=(6, 6)) / 9 + [-1.0, 0.1, 1.2, 0.0, 0.0, 0.0]
        whole, _ = batched.totals(rows, w[:, rows.order], theta, link)
        assert batched.scores(rows, w[:, rows.order], theta, link) == pytest.approx(
            whole, rel=1e-13, abs=1e-10
        )
        values = np.array([np.eye(6)[j] * 1e-5 for j in range(6)])
        ahead, behind = (
            [log_likelihoods(rows, w[:, rows.order], theta + sign * step, link) for step in values]
            for sign in (1, -1)
        )
        assert np.transpose(np.subtract(ahead, behind)) / 2e-5 == pytest.approx(whole, abs=1e-4)


def test_pieces_and_kept_products_change_nothing_but_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, w = drawn(300, 4, 2, 5)
    start = search.maximise(x, y, np.ones(300), n_cuts=2, link=LINKS["logit"]).theta
    rows = sort_rows(x, y, 2)
    whole, _ = newton(rows, w[:, rows.order], start, LINKS["logit"])
    monkeypatch.setattr(batched, "ROWS", 7)
    monkeypatch.setattr(batched, "KEPT_PRODUCTS", 0)
    rows = sort_rows(x, y, 2)
    assert rows.products is None
    pieces, found = newton(rows, w[:, rows.order], start, LINKS["logit"])
    assert found.all()
    assert pieces == pytest.approx(whole, abs=SAME)


def test_a_far_start_is_left_to_a_fit_of_its_own_or_leads_to_the_same_maximum() -> None:
    x, y, w = drawn(300, 3, 2, 6)
    rows = sort_rows(x, y, 2)
    for far in ([-9.0, 9.0, 5.0, -5.0, 5.0], [-800.0, 800.0, 0.0, 0.0, 0.0], [-1e-3, 1e-3, 9.0, 9.0, 9.0]):
        theta, found = newton(rows, w[:, rows.order], np.array(far), LINKS["logit"])
        for r in np.flatnonzero(found):
            alone = search.maximise(x, y, w[r] + 0.0, n_cuts=2, link=LINKS["logit"])
            assert theta[r] == pytest.approx(alone.theta, abs=SAME)


@pytest.mark.parametrize("link", LINKS)
def test_weights_without_a_maximum_are_told_and_do_not_disturb_the_others(link: LinkName) -> None:
    x, y, w = drawn(300, 2, 2, 6)
    x[:, 1] = x[:, 1] > 0
    start = search.maximise(x, y, np.ones(300), n_cuts=2, link=LINKS[link]).theta
    rows = sort_rows(x, y, 2)
    alone, _ = newton(rows, w[:, rows.order], start, LINKS[link])
    bad = w.copy()
    bad[0, y == 1] = 0.0  # an empty category
    bad[2, x[:, 1] == 1] = 0.0  # a column without variation
    bad[4, np.digitize(x[:, 0], [-0.5, 0.5]) != 2 - y] = 0.0  # a predictor that foretells every answer
    theta, found = newton(rows, bad[:, rows.order], start, LINKS[link])
    assert found.tolist() == [False, True, False, True, False, True]
    assert theta[1::2] == pytest.approx(alone[1::2], abs=SAME)
