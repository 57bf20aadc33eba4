"""Laws of cleaning on arbitrary surveys: it is idempotent, loses nothing, and ignores the order of rows."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coprodstats.errors import CoprodstatsError
from coprodstats.survey.cleaning import CleanedSurvey, clean
from coprodstats.survey.declarations import (
    CleaningRules,
    Codebook,
    Index,
    Items,
    Outcome,
    Variable,
    count_labels,
)
from coprodstats.survey.log import complete_cases
from coprodstats.survey.reading import SurveyData

GAPS = {"8": "don't know", "9": "refused", "88": "don't know"}
LEVELS = {"1": "never", "2": "sometimes", "3": "often"}
MAKES_MISSING = ("missing code", "blank", "undeclared code", "not a number", "out of range", "not derived")


def item(name: str, *, reverse: bool = False) -> Variable:
    values = dict(reversed(LEVELS.items())) if reverse else LEVELS
    return Variable(
        name=name,
        label=name,
        kind="ordinal",
        values=values,
        missing=GAPS,
        reverse=reverse,
        undeclared="missing",
    )


AGE = Variable(
    name="age",
    label="age",
    kind="numeric",
    range=(18.0, 90.0),
    missing={"99": "refused"},
    out_of_range="missing",
    not_a_number="missing",
)
VARIABLES = [
    Variable(name="id", label="id", kind="id", missing={"0": "withheld"}),
    Variable(name="w", label="w", kind="weight", missing={"-1": "none"}),
    Variable(name="s", label="s", kind="stratum"),
    Variable(name="p", label="p", kind="psu"),
    item("a"),
    item("b", reverse=True),
    item("c"),
    AGE,
    replace(AGE, name="points", label="points", range=(0.0, 10.0), missing={}, reverse=True),
]
ITEMS = Items(role="", names=("a", "b", "c"), min_share=0.6)
MIXED = Items(role="", names=("a", "points"), min_answered=2)
INDICES = {
    "i": Index(name="i", label="i", items=ITEMS),
    "m": Index(name="m", label="m", items=MIXED),
}
OUTCOMES = {
    "any": Outcome(
        name="any", label="any", kind="any", labels=("no", "yes"), items=ITEMS, at_least="sometimes"
    ),
    "n": Outcome(name="n", label="n", kind="count", labels=count_labels(3, 2), items=ITEMS, at_least="often"),
    "band": Outcome(
        name="band", label="band", kind="bands", labels=("x", "y", "z"), of="i", cuts=(50.0, 75.0)
    ),
}
ALPHABETS = {
    "id": [None, "0", "1", "2", "3", "4", "5", "01"],
    "w": [None, "-1", "0.5", "1", "2e0", "0"],
    "s": [None, "1", "2"],
    "p": [None, "x", "y", "10"],
    "a": [None, "1", "2", "3", "8", "9", "88", "7", "1.0"],
    "b": [None, "1", "2", "3", "8", "9", "text"],
    "c": [None, "1", "2", "3", "9"],
    "age": [None, "18", "17.9", "44.5", "90", "99", "99.0", "forty", "1_0", "nan"],
    "points": [None, "0", "10", "3.3", "11", "-0"],
}
RULES = CleaningRules(duplicate_ids="drop all", empty_rows="drop", missing_design="drop")
ROWS = st.lists(
    st.tuples(*(st.sampled_from(alphabet) for alphabet in ALPHABETS.values())), min_size=1, max_size=25
)
EMPTY = tuple(None for _ in ALPHABETS)


def survey_of(rows: list[tuple[str | None, ...]], rules: CleaningRules = RULES) -> SurveyData:
    codebook = Codebook(
        title="t",
        synthetic=False,
        variables={variable.name: variable for variable in VARIABLES},
        indices=INDICES,
        outcomes=OUTCOMES,
        cleaning=rules,
    )
    return SurveyData(frame=pd.DataFrame(rows, columns=list(ALPHABETS), dtype="str"), codebook=codebook)


def cleaned_or_none(survey: SurveyData) -> CleanedSurvey | None:
    try:
        return clean(survey)
    except CoprodstatsError as error:
        # The only errors that these rules allow.
        assert any(told in str(error) for told in ("no row is left", "all weights are zero"))  # noqa: PT017
        return None


@pytest.mark.parametrize("duplicate_ids", ["keep first", "drop all"])
@settings(deadline=None, max_examples=40)
@given(rows=ROWS)
def test_cleaning_again_changes_nothing(duplicate_ids: str, rows: list[tuple[str | None, ...]]) -> None:
    rules = replace(RULES, duplicate_ids=duplicate_ids)
    once = cleaned_or_none(survey_of([*rows, EMPTY], rules))
    if once is None:
        return
    twice = clean(once.survey)
    pd.testing.assert_frame_equal(twice.frame, once.frame)
    pd.testing.assert_frame_equal(twice.reasons, once.reasons)
    pd.testing.assert_frame_equal(twice.log.cells, once.log.cells)
    assert twice.log.excluded["rows"].sum() == 0


@settings(deadline=None, max_examples=40)
@given(rows=ROWS)
def test_every_row_and_cell_is_accounted_for(rows: list[tuple[str | None, ...]]) -> None:
    cleaned = cleaned_or_none(survey_of(rows))
    if cleaned is None:
        return
    log, frame, reasons = cleaned.log, cleaned.frame, cleaned.reasons
    assert len(rows) == len(frame) + log.excluded["rows"].sum()
    assert list(frame) == list(reasons) == [*ALPHABETS, *INDICES, *OUTCOMES]
    assert frame.isna().equals(reasons.notna())
    made = log.cells[log.cells["rule"].isin(MAKES_MISSING)].groupby("variable")["cells"].sum()
    for line in log.valid.itertuples():
        n_missing = int(frame[line.variable].isna().sum())
        assert (line.valid, line.missing) == (len(frame) - n_missing, n_missing)
        assert made[line.variable] == n_missing
    by_reason = log.missing_by_reason().groupby("variable")["cells"].sum()
    assert by_reason.to_dict() == {name: n for name, n in frame.isna().sum().items() if n}
    lost = complete_cases(reasons, ["band", "age", "a"])
    assert len(frame) - lost["rows"].sum() == len(frame.dropna(subset=["band", "age", "a"]))


@settings(deadline=None, max_examples=40)
@given(rows=ROWS, random=st.randoms(use_true_random=False))
def test_the_order_of_rows_is_irrelevant(rows: list[tuple[str | None, ...]], random: object) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    straight, mixed = (
        cleaned_or_none(survey_of(rows)),
        cleaned_or_none(survey_of([rows[place] for place in order])),
    )
    assert (straight is None) == (mixed is None)
    if straight is None or mixed is None:
        return
    for ours, theirs in ((straight.log.cells, mixed.log.cells), (straight.log.excluded, mixed.log.excluded)):
        pd.testing.assert_frame_equal(ours, theirs)
    pd.testing.assert_frame_equal(straight.log.valid, mixed.log.valid)
    pd.testing.assert_frame_equal(straight.log.missing, mixed.log.missing)
    # Kept rows carry no number of their own, so that the sets of rows are compared.
    keys = list(ALPHABETS)
    ours, theirs = (
        pd.concat([part.survey.frame, part.frame.add_prefix("clean_")], axis=1).sort_values(
            keys, ignore_index=True
        )
        for part in (straight, mixed)
    )
    pd.testing.assert_frame_equal(ours, theirs)


@settings(deadline=None, max_examples=40)
@given(rows=ROWS)
def test_strict_rules_refuse_what_lenient_rules_would_change(rows: list[tuple[str | None, ...]]) -> None:
    lenient = cleaned_or_none(survey_of(rows))
    try:
        strict = clean(survey_of(rows, CleaningRules()))
    except CoprodstatsError:
        assert lenient is None or lenient.log.excluded["rows"].sum() > 0
        return
    assert lenient is not None
    pd.testing.assert_frame_equal(strict.frame, lenient.frame)
    assert lenient.log.excluded["rows"].sum() == 0


@settings(deadline=None, max_examples=40)
@given(rows=ROWS)
def test_an_index_lies_within_0_and_100_and_bands_follow_it(rows: list[tuple[str | None, ...]]) -> None:
    cleaned = cleaned_or_none(survey_of(rows))
    if cleaned is None:
        return
    frame = cleaned.frame
    assert frame[["i", "m"]].dropna().ge(-1e-9).all(axis=None)
    assert frame[["i", "m"]].dropna().le(100 + 1e-9).all(axis=None)
    means = frame.dropna(subset=["band"]).groupby("band", observed=True)["i"].agg(["min", "max"])
    assert pd.Series(means.to_numpy().ravel()).is_monotonic_increasing
