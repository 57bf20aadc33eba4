"""French texts are set as French is: bound spaces before high marks, guillemets, curved apostrophes."""

from __future__ import annotations

import re

import pytest

from coprodstats.reporting.language import texts

FORMS = [
    (key, form)
    for key, entry in texts("fr").items()
    for form in ([entry] if isinstance(entry, str) else entry.values())
]


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (" [:;?!%»]", "a space before a high mark that may break the line"),
        ("« ", "a space after an opening mark that may break the line"),
        (r"\w'\w", "a straight apostrophe"),
        (r"\w[;?!%»]", "no space before a high mark"),
        ('"', "a straight quotation mark"),
    ],
)
def test_french_marks(wrong: str, what: str) -> None:
    assert [key for key, form in FORMS if re.search(wrong, form)] == [], what


def test_nothing_is_called_an_effect() -> None:
    assert [key for key, form in FORMS if re.search(r"\beffets? (?:de|du|d’|sur)", form)] == []
