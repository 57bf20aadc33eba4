"""The language that documents are written in: its texts, and how it writes numbers and lists.

The texts stand in ``texts/<language>/<subject>.toml``, one entry per sentence or word. A named field in
braces is filled in; ``**…**`` is strong and ``*…*`` emphasised. An entry with a number of things is a table
of ``one`` and ``other``, chosen by the field ``n``.

Which language is spoken is a context, as in gettext: whoever lays out or formats asks for it here.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from coprodstats.errors import ArgumentError, Fault, did_you_mean, listed
from coprodstats.reporting.span import Span, emphasis, strong

Value = str | int | Span
Entry = str | Mapping[str, str]

_MARKED = re.compile(r"\*\*(.+?)\*\*|\*(.+?)\*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language.

    Attributes
    ----------
    code
        Its name in analysis files and folders, such as ``"fr"``.
    tag
        Its name in documents (BCP 47), such as ``"fr-FR"``.
    decimal, thousands, percent
        What stands before decimals, between thousands, and after a percentage.
    zero_is_singular
        Whether nothing takes the singular, as in French.
    """

    code: str
    tag: str
    decimal: str
    thousands: str
    percent: str
    zero_is_singular: bool = False


LANGUAGES: Mapping[str, Language] = {
    "en": Language(code="en", tag="en-GB", decimal=".", thousands=",", percent="%"),
    "fr": Language(
        code="fr",
        tag="fr-FR",
        decimal=",",
        thousands="\N{NARROW NO-BREAK SPACE}",
        percent="\N{NARROW NO-BREAK SPACE}%",
        zero_is_singular=True,
    ),
}
"""Every language by its code."""

_spoken: ContextVar[Language] = ContextVar("language", default=LANGUAGES["en"])


def spoken() -> Language:
    """Return the language that is spoken here; English unless `speaking` says otherwise."""
    return _spoken.get()


@contextmanager
def speaking(code: str) -> Iterator[Language]:
    """Speak a language within a block.

    Raises
    ------
    ArgumentError
        If there is no such language.

    Examples
    --------
    >>> with speaking("fr") as language:
    ...     whole(4951) == f"4{language.thousands}951"
    True
    """
    if code not in LANGUAGES:
        near = did_you_mean(code, list(LANGUAGES))
        fault = Fault(
            where="language", found=f"{code!r} is unknown", allowed=listed(list(LANGUAGES)), remedy=near
        )
        raise ArgumentError(fault)
    token = _spoken.set(LANGUAGES[code])
    try:
        yield LANGUAGES[code]
    finally:
        _spoken.reset(token)


def say(key: str, **values: str | int) -> str:
    """Return a text of the language spoken, filled in.

    Parameters
    ----------
    key
        Subject and name, such as ``"list.and"``.
    values
        What its fields stand for. Whole numbers get the language's separators; any other number comes as
        text, so that it is rounded in one place.

    Raises
    ------
    ArgumentError
        If there is no such text, or its fields are others.

    Examples
    --------
    >>> say("list.and")
    'and'
    """
    return "".join(part.text for part in _filled(key, values, marked=False))


def said(key: str, **values: Value) -> tuple[Span, ...]:
    """Return a text of the language spoken with its emphasis; fields may be links or other spans.

    Examples
    --------
    >>> [span.text for span in said("list.and")]
    ['and']
    """
    return tuple(_filled(key, values, marked=True))


def whole(n: int) -> str:
    """Write a whole number with the separators of the language spoken.

    Examples
    --------
    >>> whole(4951)
    '4,951'
    """
    return f"{n:,}".replace(",", spoken().thousands)


def listing(words: Sequence[str], *, last: str = "and") -> str:
    """Write words as a list; ``last`` is the entry of ``list`` that joins the last one.

    Examples
    --------
    >>> listing(["age", "gender", "country"]), listing(["age"])
    ('age, gender and country', 'age')
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {say(f'list.{last}')} {words[-1]}"


@cache
def texts(code: str) -> Mapping[str, Entry]:
    """Return all texts of a language by key."""
    folder = files("coprodstats.reporting") / "texts" / code
    found: dict[str, Entry] = {}
    for file in folder.iterdir():
        if file.name.endswith(".toml"):
            content = tomllib.loads(file.read_text(encoding="utf-8"))
            found |= {f"{file.name.removesuffix('.toml')}.{name}": entry for name, entry in content.items()}
    return found


def fields(template: str) -> frozenset[str]:
    """Return the names of a text's fields.

    Examples
    --------
    >>> sorted(fields("{first} minus {second}"))
    ['first', 'second']
    """
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name)


def _filled(key: str, values: Mapping[str, Value], *, marked: bool) -> Iterator[Span]:
    for literal, name, _, _ in string.Formatter().parse(_template(key, values)):
        # Marks count in our own text alone: a value with stars in it stays as it is.
        yield from _spans(literal) if marked else (Span(text=literal),)
        if name:
            value = values[name]
            yield value if isinstance(value, Span) else Span(text=_written(value))


def _template(key: str, values: Mapping[str, Value]) -> str:
    known = texts(spoken().code)
    if key not in known:
        near = did_you_mean(key, list(known))
        raise ArgumentError(Fault(where=f"text {key!r}", found="there is no such text", remedy=near))
    entry = known[key]
    forms = {"": entry} if isinstance(entry, str) else entry
    # "One stratum" says its number without a field.
    wanted = {"n"} if "" not in forms else set()
    wanted |= {name for form in forms.values() for name in fields(form)}
    if wanted != set(values):
        found = f"it has the fields {listed(sorted(wanted))}, not {listed(sorted(values))}"
        raise ArgumentError(Fault(where=f"text {key!r}", found=found))
    return forms[""] if "" in forms else forms[_form(values["n"])]


def _form(n: Value) -> str:
    if not isinstance(n, int):
        found = f"{type(n).__name__} chooses between singular and plural"
        raise ArgumentError(Fault(where="text", found=found, allowed="a whole number n"))
    return "one" if n == 1 or (n == 0 and spoken().zero_is_singular) else "other"


def _written(value: str | int) -> str:
    return value if isinstance(value, str) else whole(value)


def _spans(literal: str) -> Iterator[Span]:
    end = 0
    for match in _MARKED.finditer(literal):
        if match.start() > end:
            yield Span(text=literal[end : match.start()])
        yield strong(match[1]) if match[1] else emphasis(match[2])
        end = match.end()
    if end < len(literal):
        yield Span(text=literal[end:])
