"""The figure record: a drawing together with the words and the numbers that say the same."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from coprodstats.errors import ArgumentError, Fault
from coprodstats.reporting.language import say
from coprodstats.reporting.table import Column, Table, key_faults

ALT_LENGTH = 250
"""The most characters of an alternative text; what needs more goes into the description."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """The words of a figure that only its author knows.

    Attributes
    ----------
    key
        Short name in lower case; becomes the anchor and the file name.
    title
        The headline: what the figure says.
    subtitle
        What is measured, in which unit.
    n
        How many respondents it rests on, in words.
    source
        Where the numbers come from.
    notes
        Sentences under the figure.
    alt
        Pattern, size and uncertainty in at most `ALT_LENGTH` characters; empty: written from the numbers.
    description
        The long description; empty: written from the numbers.
    """

    key: str
    title: str
    subtitle: str
    n: str
    source: str
    notes: tuple[str, ...] = ()
    alt: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        where = f"figure {self.key!r}"
        faults = key_faults("figure", self.key)
        for name in ("title", "subtitle", "n", "source"):
            if not getattr(self, name).strip():
                faults.append(Fault(where=where, found=f"the {name} is empty", remedy=f"{name}=..."))
        if len(self.alt) > ALT_LENGTH:
            found = f"the alternative text has {len(self.alt)} characters"
            faults.append(Fault(where=where, found=found, allowed=f"{ALT_LENGTH}", remedy="description=..."))
        if faults:
            raise ArgumentError(*faults)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figure:
    """A figure: an SVG drawing, its words, and its numbers as a frame and as a table.

    Attributes
    ----------
    key, title, subtitle, n, source, notes
        See `Caption`.
    alt
        Short alternative text, at most `ALT_LENGTH` characters.
    description
        Long description: every number of the drawing in words.
    svg
        The drawing, one ``<svg>`` element that can stand in a page or in a file of its own.
    data
        The numbers drawn, tidy.
    table
        The same numbers as they are printed.
    """

    key: str
    title: str
    subtitle: str
    n: str
    source: str
    notes: tuple[str, ...]
    alt: str
    description: str
    svg: str
    data: pd.DataFrame
    table: Table

    def _repr_html_(self) -> str:
        # As a picture the drawing keeps its names to itself; it is drawn for white paper.
        picture = b64encode(self.svg.encode()).decode("ascii")
        return (
            f"<figure><figcaption><strong>{escape(self.title)}</strong><br>{escape(self.subtitle)}</figcaption>"
            f'<img src="data:image/svg+xml;base64,{picture}" alt="{escape(self.alt)}" '
            'style="background: #ffffff"></figure>'
        )


def data_table(caption: Caption, data: pd.DataFrame, columns: Sequence[Column], group: str = "") -> Table:
    """Return the numbers of a figure as a table, under the figure's own words."""
    return Table.from_frame(
        data,
        columns,
        key=f"{caption.key}-data",
        title=say("figures.data_of", title=caption.title),
        n=caption.n,
        source=caption.source,
        group=group,
    )


def shortened(sentences: Sequence[str], most: int = ALT_LENGTH) -> str:
    """Join as many sentences as fit, in order; the first one is cut if it does not fit alone.

    Examples
    --------
    >>> shortened(["One two.", "Three four five.", "Six."], most=14)
    'One two. Six.'
    """
    text = ""
    for sentence in filter(None, sentences):
        joined = f"{text} {sentence}".strip()
        if len(joined) <= most:
            text = joined
        elif not text:
            text = sentence[: most - 1].rstrip() + "…"
    return text
