"""TOML files and their tables, read with every fault collected and nothing coerced."""

from __future__ import annotations

import math
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from coprodstats.errors import Fault, did_you_mean, listed
from coprodstats.survey.toml_lines import open_questions

Value = TypeVar("Value")
_MOST_BYTES = 10_000_000


def parse_toml(path: Path) -> tuple[dict[str, Any], bytes, list[Fault]]:
    """Read a TOML file; what prevents it comes back as faults that name the line.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    tuple
        The content, the bytes of the file, and the faults; with faults the content is empty. A drafted file
        with open questions is read when they are answered.
    """
    name = path.name
    if not path.is_file():
        return (
            {},
            b"",
            [Fault(where=name, found="no such file", remedy="check the path and the working directory")],
        )
    content = path.read_bytes()
    if len(content) > _MOST_BYTES:
        return {}, content, [Fault(where=name, found="the file is larger than 10 MB", allowed="a TOML text")]
    try:
        text = content.decode("utf-8")
        parsed = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        found = f"line {line}: byte 0x{content[error.start]:02X} is not UTF-8"
        return {}, content, [Fault(where=name, found=found, remedy="save the file as UTF-8")]
    except ValueError as error:  # also a number of more digits than Python converts
        return {}, content, [_syntax_fault(name, str(error))]
    except RecursionError:
        return {}, content, [Fault(where=name, found="tables or lists are nested too deeply")]
    questions = open_questions(name, text, parsed)
    return ({} if questions else parsed), content, questions


def _syntax_fault(name: str, message: str) -> Fault:
    located = re.search(r"\(at (line \d+, column \d+|end of document)\)", message)
    place = located.group(1) if located else "an unknown line"
    if re.search(r"overwrite|twice|[Dd]uplicate|mutate", message):
        return Fault(
            where=name,
            found=f"{place}: a key or table is defined twice",
            remedy="remove one of the two; a name has one definition",
        )
    reason = message[: located.start()].strip() if located else message
    return Fault(
        where=name,
        found=f"{place}: not valid TOML ({reason})",
        remedy='codes that are not plain whole numbers or words need quotes, such as \'"42.5" = "label"\'',
    )


def odd_characters(text: str) -> str:
    """Return what makes a text unfit to be shown, or an empty string.

    Examples
    --------
    >>> odd_characters("often")
    ''
    >>> odd_characters("of" + chr(0x200B) + "ten")
    'it holds U+200B'
    """
    if not text:
        return "it is empty"
    if text != text.strip():
        return "it begins or ends with a space"
    odd = [
        char for char in text if char != " " and unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Zs"}
    ]
    if odd:
        return "it holds " + listed([f"U+{ord(char):04X}" for char in dict.fromkeys(odd)])
    return "" if unicodedata.is_normalized("NFC", text) else "its accents are not composed (Unicode NFC)"


@dataclass(slots=True)
class TomlTable:
    """One table of a TOML file, whose entries are taken out by type.

    What doesn't fit becomes a fault and the default is returned, so that reading goes on to the next fault.

    Attributes
    ----------
    where
        What messages call the table, such as ``"codebook.toml: variables.age"``.
    content
        The table as parsed.
    faults
        The list that faults are added to; tables of one file share it.
    warnings
        The list of what is worth telling and stops nothing, shared likewise.
    """

    where: str
    content: Mapping[str, Any]
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    def __contains__(self, key: str) -> bool:
        return key in self.content

    def fault(self, found: str, *, key: str = "", allowed: str = "", remedy: str = "") -> None:
        """Record a fault of the table, or of one of its keys."""
        where = self._below(key) if key else self.where
        self.faults.append(Fault(where=where, found=found, allowed=allowed, remedy=remedy))

    def warn(self, found: str, *, key: str, remedy: str) -> None:
        """Record what is worth telling about a key and stops nothing."""
        self.warnings.append(Fault(where=self._below(key), found=found, remedy=remedy))

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Record every key that isn't known."""
        names = list(known)
        for key in self.content:
            if key not in names:
                self.fault(
                    f"{key!r} is not understood here",
                    allowed=listed(names, 20),
                    remedy=did_you_mean(key, names),
                )

    def text(self, key: str, default: str | None = "", *, exact: bool = False) -> str:
        """Return a text; without a default it is required.

        With ``exact`` it is a name that stands elsewhere, and may hold what texts for readers may not.
        """
        found: str | None = self._typed(
            key, default, "a text in quotes", lambda value: isinstance(value, str)
        )
        if found is None:
            return ""
        if key in self.content and (odd := _odd(found, exact=exact)) and found != default:
            self.fault(f"the text can't be used: {odd}", key=key)
        return found

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return true or false."""
        return bool(self._typed(key, default, "true or false", lambda value: isinstance(value, bool)))

    def whole(self, key: str, *, least: int = 1) -> int | None:
        """Return a whole number of at least ``least``, or None if the key is absent."""
        if key not in self.content:
            return None
        found: int | None = self._typed(
            key, None, f"a whole number, {least} or more", lambda v: is_whole(v) and v >= least
        )
        return found

    def number(self, key: str, default: float | None) -> float | None:
        """Return a finite number."""
        if key not in self.content:
            return default
        found = self._typed(key, default, "a number", is_number)
        return None if found is None else float(found)

    def numbers(self, key: str) -> tuple[float, ...] | None:
        """Return a list of finite numbers, or None if the key is absent."""
        return self._listed(key, "a list of numbers", is_number, float)

    def texts(self, key: str, *, exact: bool = False) -> tuple[str, ...] | None:
        """Return a list of different texts, or None if the key is absent; ``exact`` as for `text`."""
        found = self._listed(key, "a list of texts in quotes", lambda value: isinstance(value, str), str)
        for text in found or ():
            if odd := _odd(text, exact=exact):
                self.fault(f"{text!r} can't be used: {odd}", key=key)
        if repeated := duplicates(found or ()):
            self.fault(f"{listed(repeated)} stands there more than once", key=key)
        return found

    def choice(self, key: str, allowed: Sequence[str], default: str | None) -> str:
        """Return one of the allowed words; without a default it is required."""
        if key not in self.content and default is not None:
            return default
        found = self.text(key, None)
        if key in self.content and isinstance(self.content[key], str) and found not in allowed:
            self.fault(
                f"{found!r} is not understood",
                key=key,
                allowed=listed(allowed),
                remedy=did_you_mean(found, allowed),
            )
            return ""
        return found

    def codes(self, key: str) -> dict[str, str]:
        """Return a table of codes and their labels, in the order written."""
        table = self.table(key)
        for code, label in table.content.items():
            if not isinstance(label, str):
                remedy = 'a code with a point needs quotes, such as "42.5"' if isinstance(label, dict) else ""
                table.fault(
                    f"code {code!r} has no text as its label", allowed='code = "label"', remedy=remedy
                )
            elif odd := odd_characters(label):
                table.fault(f"the label of code {code!r} can't be used: {odd}")
            if odd := odd_characters(code):
                table.fault(f"code {code!r} can't be used: {odd}")
        return {code: label for code, label in table.content.items() if isinstance(label, str)}

    def table(self, key: str) -> TomlTable:
        """Return the table under a key; an absent one is empty."""
        found = self._typed(key, {}, "a table", lambda value: isinstance(value, dict))
        return TomlTable(self._below(key), found or {}, self.faults, self.warnings)

    def tables(self, key: str) -> dict[str, TomlTable]:
        """Return the named tables under a key, in the order written."""
        parent = self.table(key)
        return {name: parent.table(name) for name in parent.content}

    def _below(self, key: str) -> str:
        # "codebook.toml" + "variables" reads "codebook.toml: variables"; deeper levels are joined by points.
        joint = "." if ": " in self.where else ": "
        return f"{self.where}{joint}{key}"

    def _typed(self, key: str, default: Any, allowed: str, fits: Callable[[Any], bool]) -> Any:
        if key not in self.content:
            if default is None:
                near = did_you_mean(key, [other for other in self.content if other != key])
                self.fault(f"{key!r} is missing", allowed=allowed, remedy=near)
            return default
        if not fits(self.content[key]):
            self.fault(f"this is {_kind_of(self.content[key])}", key=key, allowed=allowed)
            return default
        return self.content[key]

    def _listed(
        self, key: str, allowed: str, fits: Callable[[Any], bool], convert: Callable[[Any], Value]
    ) -> tuple[Value, ...] | None:
        if key not in self.content:
            return None
        found = self._typed(key, (), allowed, lambda v: isinstance(v, list) and all(fits(part) for part in v))
        return tuple(convert(part) for part in found)


def _odd(text: str, *, exact: bool) -> str:
    return ("" if text else "it is empty") if exact else odd_characters(text)


def is_number(value: object) -> bool:
    """Say whether a TOML value is a finite number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    # A whole number in TOML may be larger than any float.
    return math.isfinite(value) if isinstance(value, float) else abs(value) < 1e300


def is_whole(value: object) -> bool:
    """Say whether a TOML value is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def folded(name: str) -> str:
    """Return a name as readers compare it: capitals and accents' encoding aside.

    Examples
    --------
    >>> folded(" Often ")
    'often'
    """
    return unicodedata.normalize("NFC", name).strip().casefold()


def duplicates(names: Iterable[str]) -> list[str]:
    """Return the names that are there more than once, capitals and accents' encoding aside.

    Examples
    --------
    >>> duplicates(["Often", "never", "often"])
    ['often']
    """
    seen: set[str] = set()
    repeated = []
    for name in names:
        key = folded(name)
        if key in seen:
            repeated.append(name)
        seen.add(key)
    return repeated


def _kind_of(value: object) -> str:
    kinds = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "a table",
    }
    return kinds.get(type(value), "a date or time")
