"""Words of labels in three languages: missing answers, the order of scales, what a column is about."""

from __future__ import annotations

import pytest

from coprodstats.survey.draft_words import means_missing, order_of, partly_ordered, speaks_of

RISING = [
    ["Never", "Rarely", "Sometimes", "Often", "Always"],
    ["jamais", "parfois", "souvent", "toujours"],
    ["nie", "selten", "manchmal", "oft", "immer"],
    ["Never", "Less often", "Once a month", "Once a week", "Every day"],
    ["Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree"],
    ["Disagree strongly", "Tend to disagree", "Neither", "Tend to agree", "Agree strongly"],
    ["Pas du tout d'accord", "Plutôt pas d'accord", "Plutôt d'accord", "Tout à fait d'accord"],
    ["Stimme überhaupt nicht zu", "Stimme eher nicht zu", "Teils, teils", "Stimme eher zu", "Stimme voll zu"],
    ["Very dissatisfied", "Fairly dissatisfied", "Neither", "Fairly satisfied", "Very satisfied"],
    ["sehr unzufrieden", "unzufrieden", "weder noch", "zufrieden", "sehr zufrieden"],
    ["Very bad", "Bad", "Good", "Very good"],
    ["very unsafe", "a bit unsafe", "fairly safe", "very safe"],
    ["Not at all satisfied", "Not very satisfied", "Fairly satisfied", "Very satisfied"],
    ["None", "A little", "Some", "A lot", "A great deal"],
    ["gar nicht", "wenig", "etwas", "ziemlich", "sehr"],
    ["No", "Yes"],
    ["Not mentioned", "Mentioned"],
    ["low", "middle", "high"],
    ["Under 18", "18 to 29", "30 to 44", "45+"],
    ["Primary", "Lower secondary", "Upper secondary", "Tertiary"],
    ["1st decile", "2nd decile", "3rd decile"],
]
UNORDERED = [
    ["man", "woman", "other"],
    ["Denmark", "France", "Germany"],
    ["In work", "Unemployed", "Retired"],
    ["Married", "Divorced", "Widowed"],
    ["never", "never"],
    ["often", "never", "sometimes"],
    [],
    ["often"],
]
MISSING = [
    "Don't know", "DON’T KNOW", "Refused", "Refusal", "No answer", "Not applicable", "N/A",
    "Prefer not to say", "Don't know/refused",
    "Ne sait pas", "Refus", "Sans réponse", "NSP", "Non concerné", "Weiß nicht",
    "weiss nicht", "Keine Angabe", "k.A.", "verweigert", "Can't choose", "Missing value", "(Don't know)",
]  # fmt: skip
ANSWERS = [
    "No",
    "None",
    "Nobody",
    "Other",
    "Neither",
    "Never",
    "Trifft nicht zu",
    "Not at all",
    "National",
    "Know",
]


@pytest.mark.parametrize("labels", RISING, ids=lambda labels: labels[0])
def test_scales_are_seen_to_rise_and_turned_round_to_fall(labels: list[str]) -> None:
    assert order_of(labels) == 1
    assert order_of(labels[::-1]) == -1


@pytest.mark.parametrize("labels", UNORDERED)
def test_other_labels_have_no_order(labels: list[str]) -> None:
    assert order_of(labels) == 0


def test_an_order_that_is_partly_known_is_not_taken_for_granted() -> None:
    labels = ["never", "when somebody asks", "often"]
    assert order_of(labels) == 0
    assert partly_ordered(labels)


@pytest.mark.parametrize("label", MISSING)
def test_words_for_a_lacking_answer(label: str) -> None:
    assert means_missing(label)


@pytest.mark.parametrize("label", ANSWERS)
def test_answers_are_not_taken_for_missing(label: str) -> None:
    assert not means_missing(label)


@pytest.mark.parametrize(
    ("topic", "name", "label"),
    [
        ("weight", "pspwght", ""),
        ("weight", "wt", ""),
        ("weight", "v900", "Design weight"),
        ("stratum", "STRATUM", ""),
        ("psu", "psu", ""),
        ("psu", "v3", "Primary sampling unit"),
        ("id", "respid", ""),
        ("id", "idno", ""),
        ("age", "age", ""),
        ("age", "q2", "Age of respondent"),
        ("gender", "v2", "Geschlecht"),
        ("birth year", "yrbrn", ""),
        ("education", "eisced", ""),
    ],
)
def test_names_and_labels_speak_of_a_topic(topic: str, name: str, label: str) -> None:
    assert speaks_of(topic, name, label)


@pytest.mark.parametrize(
    ("topic", "name", "label"),
    [
        ("weight", "q7", "Body weight in kg"),
        ("weight", "watches", "Keeps an eye on homes"),
        ("age", "manager", "Manages others"),
        ("id", "ideal", ""),
        ("psu", "q1", "Participates"),
    ],
)
def test_other_names_do_not(topic: str, name: str, label: str) -> None:
    assert not speaks_of(topic, name, label)
