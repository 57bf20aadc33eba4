"""Scores, indices and outcomes on answers written by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats.survey.declarations import Index, Items, Outcome, Variable, count_labels
from coprodstats.survey.scales import derived, index_values, item_scores, outcome_values, reached

LEVELS = ("never", "sometimes", "often")


def item(name: str, scores: tuple[float, ...] | None = None) -> Variable:
    values = dict(zip("123", LEVELS, strict=True))
    return Variable(name=name, label=name, kind="ordinal", values=values, scores=scores)


def answers(**columns: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: pd.Categorical(column, categories=LEVELS, ordered=True) for name, column in columns.items()}
    )


def bands(*cuts: float, labels: tuple[str, ...]) -> Outcome:
    return Outcome(name="o", label="o", kind="bands", labels=labels, of="x", cuts=cuts)


def test_ordinal_items_are_scored_in_equal_steps() -> None:
    scores = item_scores(answers(a=["never", "sometimes", "often", None]), [item("a")])
    assert scores["a"].fillna(-1).tolist() == [0.0, 50.0, 100.0, -1.0]


def test_declared_scores_set_the_steps() -> None:
    scores = item_scores(answers(a=["never", "sometimes", "often"]), [item("a", (1.0, 2.0, 5.0))])
    assert scores["a"].tolist() == [0.0, 25.0, 100.0]


def test_numbers_are_placed_within_their_range() -> None:
    age = Variable(name="age", label="age", kind="numeric", range=(20.0, 70.0))
    scores = item_scores(pd.DataFrame({"age": [20.0, 45.0, 70.0, np.nan]}), [age])
    assert scores["age"].fillna(-1).tolist() == [0.0, 50.0, 100.0, -1.0]


def test_an_index_is_the_mean_of_the_answered_items_if_they_are_enough() -> None:
    scores = pd.DataFrame({"a": [0.0, 100.0, np.nan], "b": [50.0, np.nan, np.nan], "c": [100.0, 50.0, 100.0]})
    assert index_values(scores, needed=2).fillna(-1).tolist() == [50.0, 75.0, -1.0]
    assert index_values(scores, needed=1).tolist() == [50.0, 75.0, 100.0]


@pytest.mark.parametrize(
    ("share", "size", "needed"),
    [(0.75, 12, 9), (0.75, 8, 6), (0.75, 3, 3), (0.6, 3, 2), (0.7, 10, 7), (0.01, 3, 1), (1.0, 5, 5)],
)
def test_a_share_of_items_is_rounded_up(share: float, size: int, needed: int) -> None:
    items = Items(role="", names=tuple(f"i{number}" for number in range(size)), min_share=share)
    assert items.needed == needed
    assert items.shortfall == f"fewer than {needed} of {size} items answered"


def test_answers_that_reach_a_value_are_counted() -> None:
    frame = answers(a=["never", "often", None], b=["sometimes", "often", None])
    n_reached, n_answered = reached(frame, ["a", "b"], "sometimes")
    assert n_reached.tolist() == [1, 2, 0]
    assert n_answered.tolist() == [2, 2, 0]


def test_items_of_other_lengths_reach_a_value_by_its_label() -> None:
    frame = answers(a=["sometimes", "never"])
    frame["b"] = pd.Categorical(
        ["often", "rarely"], categories=["rarely", "sometimes", "often"], ordered=True
    )
    frame["c"] = pd.Categorical(
        ["often", "never"], categories=["never", "rarely", "sometimes", "often"], ordered=True
    )
    assert reached(frame, ["a", "b", "c"], "sometimes")[0].tolist() == [3, 0]


def test_any_is_missing_with_too_few_answers() -> None:
    frame = answers(a=["never", "often", "often", None], b=["never", "never", None, None])
    items = Items(role="", names=("a", "b"), min_answered=2)
    outcome = Outcome(
        name="o", label="o", kind="any", labels=("no", "yes"), items=items, at_least="sometimes"
    )
    values = outcome_values(frame, outcome)
    assert values.fillna("no").tolist() == ["no", "yes", "no", "no"]
    assert values.isna().tolist() == [False, False, True, True]
    assert values.cat.ordered
    assert values.cat.categories.tolist() == ["no", "yes"]


def test_a_count_is_top_coded() -> None:
    frame = answers(
        a=["often", "often", "never"], b=["often", "never", "never"], c=["often", "often", "never"]
    )
    items = Items(role="", names=("a", "b", "c"), min_answered=3)
    labels = count_labels(3, 2)
    outcome = Outcome(
        name="o", label="o", kind="count", labels=labels, items=items, at_least="often", at_most=2
    )
    assert outcome_values(frame, outcome).tolist() == ["2 or more", "2 or more", "0"]
    labels = count_labels(3, None)
    outcome = Outcome(name="o", label="o", kind="count", labels=labels, items=items, at_least="often")
    assert outcome_values(frame, outcome).tolist() == ["3", "2", "0"]


def test_a_value_equal_to_a_cut_belongs_to_the_band_above() -> None:
    outcome = bands(50, 75, labels=("low", "middle", "high"))
    frame = pd.DataFrame({"x": [0.0, 49.9, 50.0, 74.9, 75.0, 100.0, np.nan]})
    values = outcome_values(frame, outcome)
    assert values.tolist()[:6] == ["low", "low", "middle", "middle", "high", "high"]
    assert values.isna().tolist() == [False] * 6 + [True]


def test_a_mean_that_rounding_puts_below_a_cut_is_not_below_it() -> None:
    # 0.1 + 0.2 - 0.3 shows the size of the error; the true value is exactly the cut.
    frame = pd.DataFrame({"x": [50.0 - 1e-13]})
    assert outcome_values(frame, bands(50, labels=("lower", "higher"))).tolist() == ["higher"]


def test_every_missing_derived_value_has_a_reason() -> None:
    frame = answers(a=["often", None, None], b=["often", "never", None])
    frame["age"] = [30.0, 60.0, np.nan]
    reasons = pd.DataFrame(
        {
            "a": [None, "refused", "don't know"],
            "b": [None, None, "refused"],
            "age": [None, None, "out of range"],
        },
        dtype="str",
    )
    both = Items(role="", names=("a", "b"), min_answered=2)
    single = Items(role="", names=("a",), min_answered=1)
    indices = {
        "both": Index(name="both", label="both", items=both),
        "single": Index(name="single", label="single", items=single),
    }
    outcomes = {
        "band": Outcome(name="band", label="x", kind="bands", labels=("l", "h"), of="both", cuts=(50.0,)),
        "old": Outcome(name="old", label="y", kind="bands", labels=("l", "h"), of="age", cuts=(50.0,)),
    }
    variables = {"a": item("a"), "b": item("b")}
    values, why = derived(frame, reasons, variables, indices, outcomes)
    why = why.astype("str")
    assert list(values) == list(why) == ["both", "single", "band", "old"]
    short = "fewer than 2 of 2 items answered"
    assert why["both"].fillna("").tolist() == ["", short, short]
    assert why["single"].fillna("").tolist() == ["", "refused", "don't know"]
    assert why["band"].fillna("").tolist() == ["", short, short]
    assert why["old"].fillna("").tolist() == ["", "", "out of range"]
    assert values.isna().equals(why.notna())
