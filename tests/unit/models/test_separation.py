from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, logit, ologit
from coprodstats.errors import CoprodstatsError, ModelError, SeparationError
from coprodstats.models.blocks import sort_rows
from coprodstats.models.separation import overlap, separating_direction

KINDS = ("complete", "quasi", "overlap")


def standardised(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=0)
    return np.linalg.qr(centred)[0] * np.sqrt(len(x))


def cut_by(values: np.ndarray, by: np.ndarray, categories: int) -> np.ndarray:
    """Categories of equal size of ``values``, in the order of ``by``."""
    return np.searchsorted(np.quantile(values, np.linspace(0, 1, categories + 1)[1:-1]), by)


def generated(seed: int) -> tuple[np.ndarray, np.ndarray, int, str]:
    """Data of known status; predictors are of very different scale, and some are dummies."""
    rng = np.random.default_rng(seed)
    n, p, categories = int(rng.integers(80, 250)), int(rng.integers(1, 5)), int(rng.integers(2, 6))
    x = rng.normal(size=(n, p)) * 10.0 ** rng.integers(-5, 6, size=p)
    x[:, rng.random(p) < 0.3] = rng.random((n, 1)) < 0.4
    x = np.unique(x, axis=1)
    eta = x @ (rng.normal(size=x.shape[1]) / x.std(axis=0))
    kind = KINDS[seed % 3]
    if kind == "complete":
        x = np.column_stack([x, eta + rng.normal(size=n)])
        score = x[:, -1] + 0.5 * eta
        y = cut_by(score, score, categories)
    else:
        noise = eta + rng.logistic(size=n) * 3 * max(eta.std(), 0.1)
        y = cut_by(noise, noise, categories)
    if kind == "quasi":
        level = rng.random(n) < 0.2
        x = np.column_stack([x, level])
        y[level] = categories - 1 if rng.random() < 0.5 else 0
    return x, y, categories, kind


def certificate_holds(x: np.ndarray, y: np.ndarray, n_cuts: int, direction: np.ndarray) -> bool:
    """Along the direction no row's interval shrinks, and some row's grows: exact but for rounding."""
    cuts, eta = direction[:n_cuts], x @ direction[n_cuts:]
    gains = [
        side
        for category, e in zip(y, eta, strict=True)
        for side in (
            *([cuts[category] - e] if category < n_cuts else []),
            *([e - cuts[category - 1]] if category else []),
        )
    ]
    return min(gains) > -1e-6 and max(gains) > 1e-4


@pytest.mark.parametrize("block", range(12))
def test_generated_data_of_known_status(block: int) -> None:
    for seed in range(block * 35, block * 35 + 35):
        x, y, categories, kind = generated(seed)
        if len(np.unique(y)) < categories or np.linalg.matrix_rank(standardised(x)) < x.shape[1]:
            continue
        ready = standardised(x)
        direction = separating_direction(ready, y, categories - 1)
        assert (direction is None) == (kind == "overlap"), (seed, kind)
        if direction is not None:
            assert certificate_holds(ready, y, categories - 1, direction), seed


@pytest.mark.parametrize("level_size", [1, 3, 40])
def test_a_rare_level_among_many_rows_is_not_overlooked(level_size: int) -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        n, categories = 4_000, int(rng.integers(2, 5))
        x = np.column_stack([rng.normal(size=(n, 3)), np.zeros(n)])
        score = x[:, 0] + rng.logistic(size=n)
        y = cut_by(score, score, categories)
        rare = rng.choice(n, level_size, replace=False)
        x[rare, 3] = 1.0
        y[rare] = categories - 1
        direction = separating_direction(standardised(x), y, categories - 1)
        assert direction is not None, seed
        assert certificate_holds(standardised(x), y, categories - 1, direction), seed
        # One respondent of the level elsewhere is enough for a finite estimate.
        x[np.flatnonzero(y == 0)[seed], 3] = 1.0
        assert separating_direction(standardised(x), y, categories - 1) is None, seed


def test_most_generated_cases_are_usable() -> None:
    usable = [seed for seed in range(420) if len(np.unique(generated(seed)[1])) == generated(seed)[2]]
    assert len(usable) > 330


def overlaps_in_rationals(x: list[int], y: list[int]) -> bool:
    """One predictor, two categories: finite exactly if the ranges overlap beyond a shared end."""
    low = [Fraction(a) for a, b in zip(x, y, strict=True) if b == 0]
    high = [Fraction(a) for a, b in zip(x, y, strict=True) if b == 1]
    return max(low) > min(high) and max(high) > min(low)


def test_one_predictor_against_the_rule_of_overlapping_ranges() -> None:
    rng = np.random.default_rng(8)
    seen = set()
    for _ in range(300):
        x = rng.integers(0, 6, 8)
        y = (x + rng.integers(-2, 3, 8) > 2).astype(int)
        if len(np.unique(y)) < 2 or len(np.unique(x)) < 2:
            continue
        finite = overlaps_in_rationals(x.tolist(), y.tolist())
        assert (separating_direction(standardised(x[:, None].astype(float)), y, 1) is None) == finite, (x, y)
        seen.add(finite)
    assert seen == {True, False}


def survey(n: int = 600, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "x": rng.normal(size=n),
            "nation": pd.Categorical(rng.choice(["CZ", "DK", "FR"], n)),
        }
    )
    frame["joins"] = (rng.random(n) < 0.4).astype(int)
    frame["often"] = pd.Categorical(
        rng.choice(["never", "some", "often"], n), ["never", "some", "often"], ordered=True
    )
    return frame


def test_a_level_that_predicts_perfectly_is_named_with_its_count() -> None:
    frame = survey()
    frame.loc[frame["nation"] == "FR", "joins"] = 1
    count = int((frame["nation"] == "FR").sum())
    message = (
        rf"it is '1' for all {count} respondents with nation = 'FR', so that the estimate for nation\[T\.FR\]"
    )
    with pytest.raises(SeparationError, match=message):
        logit("joins ~ age + nation", frame)


def test_a_reference_level_that_predicts_perfectly_is_named_once() -> None:
    frame = survey()
    frame.loc[frame["nation"] == "CZ", "joins"] = 0
    with pytest.raises(
        SeparationError, match=r"it is '0' for all \d+ respondents with nation = 'CZ', the ref"
    ) as e:
        logit("joins ~ age + nation", frame)
    assert len(e.value.faults) == 1


@pytest.mark.parametrize("size", [3, 9])
def test_counts_below_ten_are_not_told(size: int) -> None:
    frame = survey()
    few = pd.Series("no", index=frame.index)
    few[:size] = "yes"
    frame["few"] = few.astype("category")
    frame.loc[: size - 1, "joins"] = 1
    with pytest.raises(
        SeparationError, match=r"all of the fewer than 10 respondents with few = 'yes'"
    ) as caught:
        logit("joins ~ age + few", frame)
    assert f" {size} " not in str(caught.value)


@pytest.mark.parametrize(("category", "flagged"), [("never", True), ("some", False), ("often", True)])
def test_an_ordinal_outcome_is_separated_by_its_ends_only(category: str, flagged: bool) -> None:  # noqa: FBT001
    frame = survey()
    frame.loc[frame["nation"] == "DK", "often"] = category
    if flagged:
        with pytest.raises(
            SeparationError, match=rf"it is '{category}' for all \d+ respondents with nation = 'DK'"
        ):
            ologit("often ~ nation + age", frame)
    else:
        assert ologit("often ~ nation + age", frame).convergence.converged


def test_a_number_that_separates_is_named_with_the_sign() -> None:
    frame = survey()
    frame["joins"] = (frame["age"] < 40).astype(int)
    with pytest.raises(
        SeparationError, match=r"separated by age, alone or .*: the estimate would be −infinity"
    ):
        logit("joins ~ age", frame)


def test_two_predictors_that_separate_only_together() -> None:
    frame = survey()
    frame["joins"] = (frame["age"] / 20 + frame["x"] > 2.7).astype(int)
    with pytest.raises(SeparationError, match=r"separated by age, alone or with other") as caught:
        logit("joins ~ age + x + nation", frame)
    assert "separated by x," in str(caught.value)
    assert logit("joins ~ age", frame).convergence.converged
    assert logit("joins ~ x", frame).convergence.converged


def test_separation_within_a_domain_only() -> None:
    frame = survey()
    young = frame["age"] < 45
    frame.loc[young & (frame["nation"] == "DK"), "joins"] = 0
    assert logit("joins ~ nation", frame).convergence.converged
    with pytest.raises(SeparationError, match=r"with nation = 'DK'"):
        logit("joins ~ nation", frame, domain=young)


def test_rows_without_weight_do_not_hide_separation() -> None:
    frame = survey().assign(w=1.0)
    french = frame["nation"] == "FR"
    frame.loc[french, "joins"] = 1
    frame.loc[frame.index[french][:5], ["joins", "w"]] = [0, 0.0]
    with pytest.raises(SeparationError, match=r"with nation = 'FR'"):
        logit("joins ~ nation", frame, design=SurveyDesign(weights="w"))


def test_an_interaction_that_separates_is_named() -> None:
    frame = survey()
    frame["sex"] = pd.Categorical(np.where(frame["x"] > 0, "man", "woman"))
    frame.loc[(frame["nation"] == "FR") & (frame["sex"] == "woman"), "joins"] = 1
    with pytest.raises(SeparationError, match=r"nation\[T\.FR\]:sex\[T\.woman\]"):
        logit("joins ~ nation * sex", frame)


@pytest.mark.parametrize("gap", [1e-3, 1e-5])
def test_data_that_overlap_in_a_single_pair_are_fitted(gap: float) -> None:
    x = np.concatenate([np.linspace(0, 1, 40), np.linspace(1 - gap, 2, 40)])
    frame = pd.DataFrame({"x": x, "y": np.repeat([0, 1], 40)})
    model = logit("y ~ x", frame)
    assert model.convergence.converged
    assert model.params["x"] > 5


def test_whatever_the_gap_the_answer_is_a_fit_or_an_error_of_ours() -> None:
    for gap in 10.0 ** -np.arange(6, 17):
        x = np.concatenate([np.linspace(0, 1, 40), np.linspace(1 - gap, 2, 40)])
        frame = pd.DataFrame({"x": x, "y": np.repeat([0, 1], 40)})
        try:
            model = logit("y ~ x", frame)
        except CoprodstatsError:
            continue
        assert model.convergence.converged


@pytest.mark.slow
def test_twenty_thousand_respondents() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20_000, 12)) * 10.0 ** rng.integers(-6, 7, size=12)
    x[:, :4] = x[:, :4] > 0
    eta = x @ (rng.normal(size=12) / x.std(axis=0))
    noisy = eta + rng.logistic(size=len(x))
    assert separating_direction(standardised(x), cut_by(noisy, noisy, 4), 3) is None
    assert separating_direction(standardised(x), cut_by(eta, eta, 4), 3) is not None


def test_an_unsolved_programme_is_an_error_and_never_a_clean_bill(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unsolved:
        success = False
        x = None

    monkeypatch.setattr("coprodstats.models.separation.linprog", lambda *_, **__: Unsolved())
    with pytest.raises(ModelError, match="was not solved, so that no fit can be trusted"):
        separating_direction(np.array([[0.0], [1.0], [0.0], [1.0]]), np.array([0, 1, 0, 1]), 1)


def finite_by_rationals(x: np.ndarray, y: np.ndarray) -> bool:
    """Two predictors, two categories: no half-plane or line through the differences, by enumeration.

    A binary fit is finite exactly if no direction (c, b) has c - x'b >= 0 where y = 0 and <= 0 where y = 1
    with one of them strict. Extreme directions are orthogonal to two of the rows: all pairs are tried.
    """
    rows = [tuple(int(s) * v for v in (1, -int(a), -int(b))) for (a, b), s in zip(x, 1 - 2 * y, strict=True)]
    for i, (a1, a2, a3) in enumerate(rows):
        for b1, b2, b3 in rows[i + 1 :]:
            normal = (a2 * b3 - a3 * b2, a3 * b1 - a1 * b3, a1 * b2 - a2 * b1)
            for sign in (1, -1):
                gains = [sign * sum(n * r for n, r in zip(normal, row, strict=True)) for row in rows]
                if min(gains) >= 0 and max(gains) > 0:
                    return False
    return True


def test_the_certificate_by_a_fit_is_never_given_to_separated_data() -> None:
    # Integers on a small grid: ties, shared ends and near separation are frequent.
    rng = np.random.default_rng(21)
    certified = finite = separated = 0
    for _ in range(200):
        x = rng.integers(-2, 3, (int(rng.integers(6, 14)), 2))
        y = (x @ rng.integers(-2, 3, 2) + rng.integers(-5, 6, len(x)) > 0).astype(np.intp)
        centred = x - x.mean(axis=0)
        if len(np.unique(y)) < 2 or np.linalg.matrix_rank(centred) < 2:
            continue
        truth = finite_by_rationals(x, y)
        shown = overlap(sort_rows(centred / centred.std(axis=0), y, np.ones(len(y)), 1)[0]).shown
        assert not (shown and not truth), (x, y)
        assert (separating_direction(centred / centred.std(axis=0), y, 1) is None) == truth, (x, y)
        certified += shown
        finite += truth
        separated += not truth
    assert min(finite, separated) > 50
    assert certified > 0.9 * finite  # or else the linear programme would do all the work


@pytest.mark.parametrize("block", range(4))
def test_many_rows_are_judged_like_few(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coprodstats.models.separation.MANY_ROWS", 60)
    monkeypatch.setattr("coprodstats.models.separation.THINNING", 3)
    monkeypatch.setattr("coprodstats.models.separation.PROGRAMME_ROWS", 20)
    for seed in range(block * 40, block * 40 + 40):
        x, y, categories, kind = generated(seed)
        if len(np.unique(y)) < categories or np.linalg.matrix_rank(standardised(x)) < x.shape[1]:
            continue
        direction = separating_direction(standardised(x), y, categories - 1)
        assert (direction is None) == (kind == "overlap"), (seed, kind)
        if direction is not None:
            assert certificate_holds(standardised(x), y, categories - 1, direction), seed


def test_fifty_thousand_respondents_and_thirty_predictors_take_less_than_a_second() -> None:
    # 0.02 s where estimates are finite, 0.4 s where they are not, on an idle core: five times that at most
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50_000, 30))
    x[:, 15:] = x[:, 15:] > 0
    eta = x @ np.linspace(-0.5, 0.5, 30)
    noisy = eta + rng.logistic(size=len(x))
    for by, finite in ((noisy, True), (eta, False)):
        y = cut_by(by, by, 5)
        start = time.process_time()
        assert (separating_direction((x - x.mean(axis=0)) / x.std(axis=0), y, 4) is None) == finite
        assert time.process_time() - start < 2.5
