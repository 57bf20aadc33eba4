from __future__ import annotations

import pytest

from coprodstats.errors import ConfigError
from coprodstats.reporting.suggestions import Suggestion, read_briefing, refuse_unknown_claims
from coprodstats.survey.toml_table import TomlTable

YOUNG = {"text": "Address younger people.", "source": "Someone (2013)", "claims": ["C1"]}


def faults(content: dict[str, object]) -> str:
    table = TomlTable("analysis.toml: briefing", content)
    read_briefing(table)
    return "; ".join(f"{f.where}: {f.found}" for f in table.faults)


def test_what_an_analysis_declares_is_read() -> None:
    found = read_briefing(TomlTable("briefing", {"suggestions": [YOUNG], "references": ["A book."]}))
    assert found.suggestions == (
        Suggestion(text="Address younger people.", source="Someone (2013)", claims=("C1",)),
    )
    assert found.references == ("A book.",)
    assert read_briefing(TomlTable("briefing", {})).suggestions == ()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"suggestion": []}, "suggestion"),
        ({"suggestions": "Do it."}, "suggestions: it is no list of tables"),
        ({"suggestions": [{**YOUNG, "clams": []}]}, "suggestions 1"),
        ({"suggestions": [YOUNG, {"source": "Someone"}]}, "suggestions 2: 'text' is missing"),
        ({"suggestions": [{"text": "Do it."}]}, "suggestions 1: 'source' is missing"),
        ({"suggestions": [{**YOUNG, "claims": [1]}]}, "suggestions 1.claims"),
    ],
)
def test_what_is_wrong_with_a_declaration_is_named(content: dict[str, object], found: str) -> None:
    assert found in faults(content)


def test_claims_that_are_not_put_to_the_analysis_are_refused() -> None:
    made = [Suggestion(text="a", source="b", claims=("C1", "C9")), Suggestion(text="c", source="d")]
    refuse_unknown_claims("analysis.toml", made, ["C1", "C9"])
    with pytest.raises(ConfigError, match=r"briefing.suggestions: there is no claim 'C9'[\s\S]*Allowed: C1"):
        refuse_unknown_claims("analysis.toml", made, ["C1"])


@pytest.mark.parametrize(
    ("verdicts", "standing"),
    [
        (["agrees", "agrees"], "agrees"),
        (["agrees", "disagrees"], "disagrees"),
        (["not testable", "disagrees"], "disagrees"),
        (["agrees", "inconclusive"], "open"),
        (["agrees in direction only", "agrees"], "open"),
        (["agrees", "not testable"], "open"),
        (["not testable", "not testable"], "untested"),
    ],
)
def test_a_suggestion_stands_no_better_than_its_worst_claim(verdicts: list, standing: str) -> None:
    one = Suggestion(text="a", source="b", claims=("C1", "C2"))
    assert one.standing(dict(zip(("C1", "C2"), verdicts, strict=True))) == standing
    assert Suggestion(text="a", source="b").standing({"C1": "disagrees"}) == "unlinked"
