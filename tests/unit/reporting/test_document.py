from __future__ import annotations

from types import ModuleType

import pytest

from coprodstats.errors import ArgumentError
from coprodstats.reporting.document import (
    BulletList,
    Callout,
    DefinitionList,
    Document,
    Paragraph,
    Section,
    TableBlock,
)
from coprodstats.reporting.span import Span, link, plain, strong


def section(key: str, *blocks: Paragraph, inner: tuple[Section, ...] = ()) -> Section:
    return Section(key=key, heading=key, blocks=blocks, sections=inner)


def test_tables_and_figures_are_numbered_in_reading_order(demo: ModuleType) -> None:
    numbers = demo.document().numbers()
    assert numbers["hostile-table"] == "Table 1"
    assert [numbers[key] for key in ("forest", "lines", "ranks")] == ["Figure 1", "Figure 2", "Figure 7"]


def test_sections_are_walked_in_reading_order() -> None:
    document = Document(title="T", sections=(section("a", inner=(section("b"), section("c"))), section("d")))
    assert [one.key for one in document.walk()] == ["a", "b", "c", "d"]


def test_a_key_is_used_once(demo: ModuleType) -> None:
    twice = Section(
        key="a", heading="A", blocks=(TableBlock(table=demo.table()), TableBlock(table=demo.table()))
    )
    with pytest.raises(ArgumentError, match="'hostile-table': the key is used more than once"):
        Document(title="T", sections=(twice,))


def test_a_link_must_lead_somewhere() -> None:
    paragraph = Paragraph(text=("See ", link("there", "#resluts")))
    with pytest.raises(ArgumentError, match="did you mean 'results'"):
        Document(title="T", sections=(section("a", paragraph), section("results")))


@pytest.mark.parametrize("target", ["javascript:alert(1)", "http://example.org", "data:text/html,x", "//x"])
def test_a_link_leads_inside_or_to_https(target: str) -> None:
    with pytest.raises(ArgumentError, match="neither in the document nor an https address"):
        link("x", target)


def test_sections_are_two_levels_deep() -> None:
    deep = section("a", inner=(section("b", inner=(section("c"),)),))
    with pytest.raises(ArgumentError, match="three deep"):
        Document(title="T", sections=(deep,))


def test_a_language_without_words_of_its_own_is_refused() -> None:
    with pytest.raises(ArgumentError, match="'de' is unknown"):
        Document(title="T", sections=(section("a"),), language="de")


def test_empty_things_are_refused() -> None:
    with pytest.raises(ArgumentError, match="title is empty or there are no sections"):
        Document(title=" ", sections=())
    with pytest.raises(ArgumentError, match="heading is empty"):
        Document(title="T", sections=(Section(key="a", heading=" "),))
    with pytest.raises(ArgumentError, match="no items"):
        BulletList(items=())
    with pytest.raises(ArgumentError, match="no items"):
        DefinitionList(items=())


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'warning'"):
        Callout(kind="warnin", text="x")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="did you mean 'strong'"):
        Span(text="x", style="strng")  # type: ignore[arg-type]


def test_plain_text_keeps_every_letter() -> None:
    assert plain(("a <b>", strong("*c*"), "")) == "a <b>*c*"
