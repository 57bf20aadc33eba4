from __future__ import annotations

import re
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from coprodstats.reporting import document as doc
from coprodstats.reporting import span
from coprodstats.reporting.markdown import heading_anchors, inline, render_markdown

# CommonMark with pipe tables and struck text; raw HTML stays on, so that any that got through is seen.
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# Letters, and all that could be read as markup.
TEXTS = st.text(alphabet="ab1é−– \n*_`[]()<>&|~$\\#+-=.:;!{}%@\"'/^", min_size=1, max_size=12)
STYLES = st.sampled_from(["plain", "strong", "emphasis", "code"])


def one_line(text: str) -> str:
    return " ".join(re.split(r"[ \t\r\n]+", text)).strip(" ")


def text_of(token: Token) -> str:
    """Return what a reader sees of an inline token."""
    kinds = ("text", "code_inline", "text_special")
    return "".join(child.content for child in token.children or () if child.type in kinds)


def styles_of(token: Token) -> list[tuple[str, str]]:
    """Return the runs of text of an inline token, each with its style."""
    runs: list[tuple[str, str]] = []
    style = "plain"
    for child in token.children or ():
        if child.type in ("strong_open", "em_open"):
            style = {"strong_open": "strong", "em_open": "emphasis"}[child.type]
        elif child.type in ("strong_close", "em_close"):
            style = "plain"
        elif child.content:
            now = "code" if child.type == "code_inline" else style
            if runs and runs[-1][0] == now:
                runs[-1] = (now, runs[-1][1] + child.content)
            else:
                runs.append((now, child.content))
    return runs


def read(block: doc.Block) -> list[Token]:
    """Return the tokens of a section that holds one block."""
    section = doc.Section(key="key", heading="Heading", blocks=(block,))
    text = render_markdown(doc.Document(title="Title", sections=(section,)))
    return READER.parse(text.partition("## Heading\n")[2])


@pytest.fixture(scope="module")
def tokens(demo_document: doc.Document) -> list[Token]:
    return READER.parse(render_markdown(demo_document))


def test_nothing_is_read_as_html_and_nothing_leads_elsewhere(
    tokens: list[Token], demo_document: doc.Document
) -> None:
    inner = [child for token in tokens for child in token.children or ()]
    assert not [t for t in (*tokens, *inner) if t.type.startswith("html")]
    assert not [t for t in tokens if t.type in ("code_block", "fence")]
    images = [child.attrGet("src") for child in inner if child.type == "image"]
    assert images == [f"figures/{figure.key}.svg" for figure in demo_document.figures()]
    anchors = set(heading_anchors(demo_document).values())
    links = [str(child.attrGet("href")) for child in inner if child.type == "link_open"]
    assert links
    assert all(link.startswith("#") and link[1:] in anchors for link in links)


def test_headings_are_those_of_the_document(tokens: list[Token], demo_document: doc.Document) -> None:
    found = [(t.tag, text_of(tokens[i + 1])) for i, t in enumerate(tokens) if t.type == "heading_open"]
    inner = {section.key for outer in demo_document.sections for section in outer.sections}
    expected = [("h1", demo_document.title), ("h2", "Contents")]
    expected += [("h3" if s.key in inner else "h2", s.heading) for s in demo_document.walk()]
    assert found == expected


def test_hostile_labels_come_out_as_text(tokens: list[Token], demo: ModuleType) -> None:
    seen = "\n".join(text_of(token) for token in tokens if token.type == "inline")
    for label in demo.HOSTILE:
        assert seen.count(label) >= 3, label


def test_numbers_are_flush_right(tokens: list[Token], demo_document: doc.Document) -> None:
    first = demo_document.tables()[0]
    styles = [t.attrGet("style") for t in tokens if t.type == "th_open"][: len(first.columns)]
    assert styles == ["text-align:left", "text-align:right"]


def test_alternative_texts_are_those_of_the_figures(tokens: list[Token], demo_document: doc.Document) -> None:
    images = [child for token in tokens for child in token.children or () if child.type == "image"]
    assert ["".join(c.content for c in image.children or ()) for image in images] == [
        one_line(figure.alt) for figure in demo_document.figures()
    ]


@given(text=TEXTS)
@example(text="# a")
@example(text="1. a")
@example(text="- a")
@example(text="---")
@example(text="    a")
@example(text="a\n===")
def test_any_text_is_a_paragraph(text: str) -> None:
    tokens = read(doc.Paragraph(text=text))
    seen = one_line(text)
    assert [t.type for t in tokens] == (["paragraph_open", "inline", "paragraph_close"] if seen else [])
    assert not seen or text_of(tokens[1]) == seen


@given(items=st.lists(TEXTS.filter(str.strip), min_size=1, max_size=4), ordered=st.booleans())
def test_any_texts_are_a_list(items: list[str], ordered: bool) -> None:  # noqa: FBT001
    tokens = read(doc.BulletList(items=tuple(items), ordered=ordered))
    assert tokens[0].type == ("ordered_list_open" if ordered else "bullet_list_open")
    assert [text_of(t) for t in tokens if t.type == "inline"] == [one_line(item) for item in items]


@given(parts=st.lists(st.tuples(STYLES, TEXTS), min_size=1, max_size=4))
@example(parts=[("strong", "(a)"), ("plain", "b")])
@example(parts=[("plain", "a"), ("emphasis", "b"), ("plain", "c")])
@example(parts=[("strong", "a"), ("emphasis", "b"), ("strong", "c")])
@example(parts=[("strong", "a. "), ("strong", "b")])
@example(parts=[("plain", "a"), ("code", "`b"), ("plain", "c")])
def test_styles_come_back_as_they_were(parts: list[tuple[doc.SpanStyle, str]]) -> None:
    text = tuple(span.Span(text=text, style=style) for style, text in parts)
    [inner] = READER.parseInline(inline(text, {}))
    expected = [[style, letter] for style, part in parts for letter in part.replace("\n", " ")]
    # A space has no style that could be seen, except in code.
    read_back = [[style, letter] for style, run in styles_of(inner) for letter in run]
    assert [pair for pair in read_back if pair[1] != " "] == [pair for pair in expected if pair[1] != " "]


@given(heading=TEXTS.filter(str.strip), label=TEXTS.filter(str.strip))
def test_any_text_is_a_heading_and_a_link(heading: str, label: str) -> None:
    section = doc.Section(key="k", heading=heading, blocks=(doc.Paragraph(text=span.link(label, "#k")),))
    tokens = READER.parse(render_markdown(doc.Document(title=heading, sections=(section,))))
    headings = [text_of(tokens[i + 1]) for i, t in enumerate(tokens) if t.type == "heading_open"]
    assert headings == [one_line(heading), "Contents", one_line(heading)]
    assert text_of(tokens[-2]) == one_line(label)
    assert next(c.type for c in tokens[-2].children or ()) == "link_open"


def test_links_to_the_web_keep_their_address() -> None:
    target = "https://example.org/a_(b)?q=<c>&d=e f"
    tokens = read(doc.Paragraph(text=span.link("there", target)))
    [opened] = [c for c in tokens[1].children or () if c.type == "link_open"]
    assert opened.attrGet("href") == "https://example.org/a_(b)?q=%3Cc%3E&d=e%20f"
