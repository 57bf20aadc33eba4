"""The catalogue of texts: every language has the same ones, and the code asks for no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coprodstats.errors import ArgumentError
from coprodstats.reporting import format as fmt
from coprodstats.reporting.language import (
    LANGUAGES,
    fields,
    listing,
    said,
    say,
    speaking,
    spoken,
    texts,
    whole,
)
from coprodstats.reporting.span import link

SOURCE = Path(__file__).parents[3] / "src" / "coprodstats"
ASKED = re.compile(r"\b(?:say|said)\(\s*\"([a-z_0-9]+\.[a-z_0-9]+)\"")


def forms(entry):
    return [entry] if isinstance(entry, str) else list(entry.values())


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_each_language_has_the_same_texts_with_the_same_fields(code):
    english, other = texts("en"), texts(code)
    assert sorted(english) == sorted(other)
    for key, entry in english.items():
        assert isinstance(entry, str) == isinstance(other[key], str), key
        wanted = set().union(*(fields(form) for form in forms(entry)))
        assert set().union(*(fields(form) for form in forms(other[key]))) == wanted, key


def test_every_text_that_the_code_asks_for_is_there():
    asked = {key for file in SOURCE.rglob("*.py") for key in ASKED.findall(file.read_text(encoding="utf-8"))}
    assert asked <= set(texts("en")), sorted(asked - set(texts("en")))
    assert "document.table" in asked


def test_french_writes_numbers_as_the_french_do():
    with speaking("fr"):
        assert fmt.number(-1234.5, 1) == "−1\N{NARROW NO-BREAK SPACE}234,5"
        assert fmt.percent(0.123, 1) == "12,3\N{NARROW NO-BREAK SPACE}%"
        assert fmt.interval(0.25, 0.5) == "0,25 à 0,50"
        assert fmt.p_value(0.0001) == "<0,001"
        assert listing(["âge", "sexe", "pays"]) == "âge, sexe et pays"
    assert fmt.number(-1234.5, 1) == "−1,234.5"


def test_the_language_spoken_ends_with_its_block():
    with pytest.raises(ZeroDivisionError, match="division"), speaking("fr"):
        1 / 0  # noqa: B018
    assert spoken().code == "en"


def test_an_unknown_language_is_refused():
    with pytest.raises(ArgumentError, match="'frr' is unknown"), speaking("frr"):
        pass


def test_an_unknown_text_and_wrong_fields_are_refused():
    with pytest.raises(ArgumentError, match="there is no such text"):
        say("list.nor")
    with pytest.raises(ArgumentError, match="it has the fields"):
        say("format.interval", low="1")


def test_values_are_text_whatever_they_hold():
    spans = said("format.interval", low="*1*", high=link("{2}", "#two"))
    assert [(span.text, span.style, span.target) for span in spans if span.text != " to "] == [
        ("*1*", "plain", ""),
        ("{2}", "plain", "#two"),
    ]


def test_whole_numbers_have_the_languages_separator():
    with speaking("fr"):
        assert whole(1234567) == "1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567"
