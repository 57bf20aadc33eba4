"""Runs of text with a style or a link: what every text of a document is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from coprodstats.errors import ArgumentError, Fault, did_you_mean, listed

SpanStyle = Literal["plain", "strong", "emphasis", "code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A run of text with one style; ``target`` makes it a link to ``#key`` or to an ``https://`` address."""

    text: str
    style: SpanStyle = "plain"
    target: str = ""

    def __post_init__(self) -> None:
        if self.style not in get_args(SpanStyle):
            styles = get_args(SpanStyle)
            found, remedy = f"{self.style!r} is unknown", did_you_mean(self.style, styles)
            raise ArgumentError(Fault(where="span", found=found, allowed=listed(styles), remedy=remedy))
        if self.target and not self.target.startswith(("#", "https://")):
            found = "the target of a link is neither in the document nor an https address"
            raise ArgumentError(Fault(where="link", found=found, allowed="#key, https://..."))


Text = str | Span | tuple[str | Span, ...]


def strong(text: str) -> Span:
    """Return text of strong importance."""
    return Span(text=text, style="strong")


def emphasis(text: str) -> Span:
    """Return emphasised text."""
    return Span(text=text, style="emphasis")


def code(text: str) -> Span:
    """Return text that is typed, such as a formula or the name of a file."""
    return Span(text=text, style="code")


def link(text: str, target: str) -> Span:
    """Return text that leads to ``#key`` in the document or to an ``https://`` address."""
    return Span(text=text, target=target)


def spans(text: Text) -> tuple[Span, ...]:
    """Return any text as spans.

    Examples
    --------
    >>> [span.style for span in spans(("Not ", strong("one"), " cause."))]
    ['plain', 'strong', 'plain']
    """
    parts = text if isinstance(text, tuple) else (text,)
    return tuple(part if isinstance(part, Span) else Span(text=part) for part in parts)


def plain(text: Text) -> str:
    """Return any text without its styles.

    Examples
    --------
    >>> plain(("Not ", strong("one"), " cause."))
    'Not one cause.'
    """
    return "".join(span.text for span in spans(text))
