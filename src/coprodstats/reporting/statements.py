"""What the other rooms say in English of samples, designs and rules, said again in the language spoken.

The English texts of ``statements.toml`` are those rooms' own sentences. One that has the form of a sentence
there is said in its translation, with the same numbers and names.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from coprodstats.reporting.format import localised
from coprodstats.reporting.language import say, spoken, texts

_SUBJECT = "statements."
_NUMBER = re.compile(r"-?\d+(,\d{3})*(\.\d+)?")


def restated(text: str, names: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a statement in the language spoken.

    Parameters
    ----------
    text
        What was said in English, or a list of such statements joined by commas.
    names
        What readers see instead of a name or a word of the analysis.

    Returns
    -------
    str
        The text itself in English; a statement of no known form is quoted as what it is, so that nothing of
        it is lost.

    Examples
    --------
    >>> from coprodstats.reporting.language import speaking
    >>> with speaking("fr"):
    ...     restated("fewer than 9 of 12 items answered")
    'moins de 9 items sur 12 renseignés'
    """
    if spoken().code == "en":
        return text
    # A list first: the last name of one statement would take in all that follow.
    parts = [_again(part, names) for part in text.split(", ")]
    known = [part for part in parts if part is not None]
    if len(known) == len(parts):
        return ", ".join(known)
    whole = _again(text, names)
    return say("statements.unknown", text=text) if whole is None else whole


def _again(text: str, names: Mapping[str, str]) -> str | None:
    if not text or text in names:
        return names.get(text, text)
    for key, form in _forms():
        match = form.fullmatch(text)
        if match:
            return say(key, **{name: _value(value, names) for name, value in match.groupdict().items()})
    return None


def _value(value: str, names: Mapping[str, str]) -> str:
    if _NUMBER.fullmatch(value):
        return localised(value)
    again = _again(value, names)
    return value if again is None else again


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the forms of all statements, those with the most words of their own first."""
    forms = [
        (key, entry)
        for key, entry in texts("en").items()
        if key.startswith(_SUBJECT) and isinstance(entry, str) and key != "statements.unknown"
    ]
    forms.sort(key=lambda pair: -len(re.sub(r"\{.*?\}", "", pair[1])))
    return tuple((key, _pattern(entry)) for key, entry in forms)


def _pattern(template: str) -> re.Pattern[str]:
    parts = [
        re.escape(literal) + (f"(?P<{name}>.+?)" if name else "")
        for literal, name, _, _ in string.Formatter().parse(template)
    ]
    return re.compile("".join(parts))
