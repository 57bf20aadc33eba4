"""The sentences themselves, number by number, in both languages; the laws of the narrative are elsewhere."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from coprodstats.models.wald import WaldTest
from coprodstats.reporting.certainty import Estimate, people, tenths
from coprodstats.reporting.language import speaking
from coprodstats.reporting.narrative import together_sentence
from coprodstats.reporting.plan import OutcomePlan
from coprodstats.reporting.sentences import (
    count_words,
    difference_sentences,
    direction_sentence,
    level_sentence,
    likelihood_sentences,
    lower_first,
    short_size,
    size_sentence,
    too_long,
)

NAN = float("nan")


def estimate(value: float, low: float, high: float) -> Estimate:
    """An estimate in percentage points."""
    return Estimate(value=value / 100, low=low / 100, high=high / 100)


@pytest.mark.parametrize(
    ("three", "certainty", "kind"),
    [
        ((5, 2, 8), "clear", "more"),
        ((-5, -8, -2), "clear", "less"),
        # The interval touches zero as it is printed: 0.0 to 1.2.
        ((0.6, 0.04, 1.2), "small", "small"),
        ((0.6, 0.06, 1.2), "clear", "more"),
        ((1.5, 0.04, 3.0), "open", "open"),
        ((0, -1.94, 1.94), "small", "small"),
        # Within two points, but printed as two.
        ((0, -1.96, 1.94), "open", "open"),
        ((0, -2, 1), "open", "open"),
        # Clear and small at once is clear.
        ((1, 0.5, 1.5), "clear", "more"),
        ((NAN, NAN, NAN), "open", "open"),
        ((1, NAN, NAN), "open", "open"),
    ],
)
def test_what_can_be_said_of_an_interval(
    three: tuple[float, float, float], certainty: str, kind: str
) -> None:
    assert (estimate(*three).certainty, estimate(*three).kind) == (certainty, kind)


@pytest.mark.parametrize(
    ("three", "direction", "size"),
    [
        (
            (7.2, 5.1, 9.3),
            "Women, compared with men, were more likely to help.",
            "That is about 7 more in 100 people (7.2 percentage points, 95% interval 5.1 to 9.3).",
        ),
        (
            (-0.4, -0.7, -0.1),
            "Women, compared with men, were less likely to help.",
            "That is less than 1 fewer in 100 people (0.4 percentage points, 95% interval 0.1 to 0.7).",
        ),
        (
            (0.3, -1.2, 1.8),
            "Women, compared with men, were about as likely to help.",
            "Any difference is smaller than 2 points (95% interval −1.2 to +1.8).",
        ),
        (
            (-1.5, -4.4, 1.4),
            "We could not tell whether women, compared with men, were more or less likely to help.",
            "The estimate was −1.5 percentage points (95% interval −4.4 to +1.4).",
        ),
        (
            (6.6, 6.55, 6.64),
            "Women, compared with men, were more likely to help.",
            # Seven would lie outside the interval that stands beside it.
            "That is about 6.6 more in 100 people (6.6 percentage points, 95% interval 6.6 to 6.6).",
        ),
    ],
)
def test_links_in_english(three: tuple[float, float, float], direction: str, size: str) -> None:
    told = likelihood_sentences("Women, compared with men,", "to help", estimate(*three))
    assert told == (direction, size)


@pytest.mark.parametrize(
    ("three", "direction", "size"),
    [
        (
            (7.2, 5.1, 9.3),
            "Les femmes étaient plus susceptibles d’aider.",
            "Cela représente environ 7 de plus sur 100 personnes "
            "(7,2 points de pourcentage, intervalle de confiance à 95 % : 5,1 à 9,3).",
        ),
        (
            # French has the plural from two on only.
            (1.9, 1.1, 2.7),
            "Les femmes étaient plus susceptibles d’aider.",
            "Cela représente environ 2 de plus sur 100 personnes "
            "(1,9 point de pourcentage, intervalle de confiance à 95 % : 1,1 à 2,7).",
        ),
        (
            (-1.5, -4.4, 1.4),
            "Nous ne savons pas si les femmes étaient plus ou moins susceptibles d’aider.",
            "L’estimation est de −1,5 point de pourcentage (intervalle de confiance à 95 % : −4,4 à +1,4).",
        ),
        (
            (0.3, -1.2, 1.8),
            "Les femmes étaient environ aussi susceptibles d’aider.",
            "Tout écart est inférieur à 2 points de pourcentage "
            "(intervalle de confiance à 95 % : −1,2 à +1,8).",
        ),
    ],
)
def test_links_in_french(three: tuple[float, float, float], direction: str, size: str) -> None:
    with speaking("fr"):
        told = likelihood_sentences("Les femmes", "d’aider", estimate(*three))
    # A narrow no-break space stands before percent and colon.
    assert told == (
        direction,
        size.replace(" %", "\N{NARROW NO-BREAK SPACE}%").replace(" :", "\N{NARROW NO-BREAK SPACE}:"),
    )


CLEAR, UNCLEAR = (5, 2, 8), (1, -3, 5)


STRONGER = "The link is stronger for {} than for {}, by 4.0 points (95% interval 1.0 to 7.0)."
HIGHER = "The link lies higher for {} than for {}, by {} points (95% interval {})."


@pytest.mark.parametrize(
    ("first", "second", "difference", "said"),
    [
        (CLEAR, (9, 6, 12), (4, 1, 7), [STRONGER.format("b", "a")]),
        # Both are negative: the larger number is the weaker link.
        ((-9, -12, -6), (-5, -8, -2), (4, 1, 7), [STRONGER.format("a", "b")]),
        (
            (-5, -8, -2),
            CLEAR,
            (10, 6, 14),
            ["The link is positive for b and negative for a: 10.0 points apart (95% interval 6.0 to 14.0)."],
        ),
        (CLEAR, UNCLEAR, (-4, -7, -1), [HIGHER.format("a", "b", "4.0", "1.0 to 7.0")]),
        # Neither is clear alone, and still they differ.
        ((4, -1, 9), (-4, -9, 1), (-8, -14, -2), [HIGHER.format("a", "b", "8.0", "2.0 to 14.0")]),
        # One clear result beside an unclear one is not a difference.
        (
            CLEAR,
            UNCLEAR,
            (-4, -9, 1),
            [
                "We could not tell whether the two links differ "
                "(b minus a: −4.0 points, 95% interval −9.0 to +1.0).",
                "One result being clear and the other not does not show that they differ.",
            ],
        ),
        (
            CLEAR,
            CLEAR,
            (0, -1, 1),
            ["Any difference between the two links is smaller than 2 points (95% interval −1.0 to +1.0)."],
        ),
    ],
)
def test_comparisons(first: tuple, second: tuple, difference: tuple, said: list[str]) -> None:
    told = difference_sentences(estimate(*first), estimate(*second), estimate(*difference), names=("a", "b"))
    assert list(told) == said


SHARE = "in 100 people were estimated to help (95% interval"


@pytest.mark.parametrize(
    ("value", "ends", "said"),
    [
        (0.2, (0.1, 0.4), f"Fewer than 1 {SHARE} 0.1% to 0.4%)."),
        (99.8, (99.6, 99.9), f"More than 99 {SHARE} 99.6% to 99.9%)."),
        (29.5, (25, 35), f"About 30 {SHARE} 25% to 35%)."),
        (0, (0, 0), f"About 0 {SHARE} 0% to 0%)."),
        (100, (NAN, NAN), f"About 100 {SHARE} [x])."),
    ],
)
def test_levels(value: float, ends: tuple[float, float], said: str) -> None:
    assert level_sentence("to help", estimate(value, *ends)) == said


def test_numbers_that_are_missing_say_so() -> None:
    assert (
        size_sentence(estimate(10, NAN, NAN))
        == "The estimate was +10.0 percentage points (95% interval [x])."
    )
    assert short_size(estimate(NAN, NAN, NAN)) == "we could not tell"
    assert difference_sentences(*[estimate(NAN, NAN, NAN)] * 3, names=("a", "b")) == (
        "We could not tell whether the two links differ (b minus a: [x] points, 95% interval [x]).",
    )


def test_long_words_of_an_analysis_are_told_in_two_sentences() -> None:
    who, event = "People " + "very " * 10 + "old,", "to do " + "one " * 7
    told = direction_sentence(who, event.strip(), estimate(5, -2, 8))
    parts = told.split(". ")
    assert parts[0] == "Consider people " + "very " * 10 + "old"
    assert parts[1].startswith("We could not tell whether they were more or less likely to do one")
    assert all(count_words(part) <= 25 for part in parts)


def test_phrases_that_no_sentence_has_room_for() -> None:
    room = {"age": "w " * 12}, {"vote": "w " * 3}, {"vote": "w " * 9}
    assert list(too_long(*room)) == []
    told = list(too_long({"age": "w " * 13}, {"vote": "w " * 4}, {"vote": "w " * 10}))
    assert told == [
        ("phrases.age", "it has 13 words", "at most 12"),
        ("outcomes.vote.label", "it has 4 words", "at most 3"),
        ("outcomes.vote.event", "it has 10 words", "at most 9"),
    ]


def test_people_and_tenths_round_half_to_even_from_the_printed_decimal() -> None:
    # 2.5 and 3.5 people; 0.25 points is 0.2, as Python's own rounding of decimals has it.
    assert people(estimate(2.5, 1, 4)) == "2"
    assert people(estimate(3.5, 1, 6)) == "4"
    assert tenths(0.0025) == round(Decimal("0.0025"), 3)


@pytest.mark.parametrize(
    ("text", "middle"),
    [("Women", "women"), ("EU citizens", "EU citizens"), ("", ""), ("A group", "a group"), ("X", "x")],
)
def test_the_beginning_of_a_phrase_in_the_middle_of_a_sentence(text: str, middle: str) -> None:
    assert lower_first(text) == middle


@pytest.mark.parametrize(("language", "open_words"), [("en", "could not tell"), ("fr", "ne savons pas")])
def test_links_together_differ_only_where_the_joint_test_says_so(language, open_words):
    outcomes = tuple(OutcomePlan(name=n, label=n, event="") for n in ("Alone", "Jointly"))
    for p_value, told in ((0.0499, False), (0.05, True), (0.6, True)):
        test = WaldTest(
            statistic=1.0, df_num=3, df_denom=200.0, p_value=p_value, n_restrictions=3, null="no difference"
        )
        with speaking(language):
            sentence = together_sentence(test, outcomes)
        assert (open_words in sentence) == told
        assert "alone" in sentence
        assert "jointly" in sentence
        assert not re.search(r"\d", sentence)
