"""Names of columns: different from each other at a second look too, and without characters that hide."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from coprodstats.errors import Fault, Found, SchemaError, listed

# Letters of other scripts that look like those of the Latin alphabet, in one order.
_FOREIGN = "АВЕЅІЈКМНОРСТХУаеѕіјорсхуԁһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρϲ"
_LATIN = "ABESIJKMHOPCTXYaesijopcxydhqwABEZHIKMNOPTYXovpc"
_SKELETON = str.maketrans(_FOREIGN, _LATIN)


def header_faults(header: Sequence[str], name: str) -> list[Found]:
    """Return what is wrong with the names of columns.

    Parameters
    ----------
    header
        The names.
    name
        What messages call the file.

    Examples
    --------
    >>> [fault.found for _, fault in header_faults(["q", "Q "], "survey.csv")]
    ["columns at positions 1, 2 have the same name: 'q', 'Q '"]
    """
    places: dict[str, list[int]] = {}
    for position, column in enumerate(header, start=1):
        places.setdefault(unicodedata.normalize("NFC", column).strip().casefold(), []).append(position)
    faults = []
    if nameless := places.pop("", []):
        found = f"columns without a name at positions {listed(nameless)}"
        remedy = "name them in the header"
        if nameless == [1]:
            remedy += "; R's row names are left out by write.csv(data, file, row.names = FALSE)"
        faults.append(Fault(where=name, found=found, remedy=remedy))
    for positions in places.values():
        if len(positions) > 1:
            written = listed([repr(header[position - 1]) for position in positions])
            faults.append(
                Fault(
                    where=name,
                    found=f"columns at positions {listed(positions)} have the same name: {written}",
                    allowed="names that differ by more than capitals, spaces and the encoding of accents",
                )
            )
    for position, column in enumerate(header, start=1):
        if odd := hidden_characters(column):
            found = f"the name of the column at position {position} holds {listed(odd)}"
            faults.append(Fault(where=name, found=found, remedy="type the name again"))
    return [(SchemaError, fault) for fault in faults]


def hidden_characters(text: str) -> list[str]:
    """Return the characters of a text that can't be seen, as code points.

    Examples
    --------
    >>> hidden_characters("a" + chr(0x200B) + "ge")
    ['U+200B ZERO WIDTH SPACE']
    """
    hidden = {"Cc", "Cf", "Zl", "Zp", "Zs"}
    return [
        code_point(char)
        for char in dict.fromkeys(text)
        if char != " " and unicodedata.category(char) in hidden
    ]


def lookalike(text: str, declared: Sequence[str]) -> tuple[str, list[str]] | None:
    """Return the declared text that a text only looks like, and the characters that differ.

    Parameters
    ----------
    text
        A name or code that isn't declared.
    declared
        Those that are.

    Examples
    --------
    >>> lookalike("n" + chr(0x43E), ["yes", "no"])
    ('no', ['U+043E CYRILLIC SMALL LETTER O'])
    """
    skeleton = _skeleton(text)
    for other in declared:
        if other != text and _skeleton(other) == skeleton:
            odd = [
                code_point(char) for char in dict.fromkeys(text) if char not in other and not char.isascii()
            ]
            if odd:
                return other, odd
    return None


def code_point(char: str) -> str:
    """Return a character as its number and name in Unicode."""
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()


def _skeleton(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    visible = "".join(char for char in plain if unicodedata.category(char) != "Cf")
    return visible.translate(_SKELETON).strip()
