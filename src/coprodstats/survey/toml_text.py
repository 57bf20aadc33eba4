"""Writing TOML: keys, texts, numbers, lists and tables, in the form that a person would write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH = 110
_HEADED = 2
"""Tables within this many others have a header of their own; deeper ones stand on one line if they fit."""


def toml_key(key: str) -> str:
    """Write a key, in quotes only if it needs them.

    Examples
    --------
    >>> toml_key("age"), toml_key("-1"), toml_key(".a")
    ('age', '-1', '".a"')
    """
    return key if _BARE.fullmatch(key) else toml_value(key)


def toml_value(value: object) -> str:
    r"""Write a text, a number, true or false, or a list of these.

    Examples
    --------
    >>> toml_value('say "no"'), toml_value(True), toml_value(10.0), toml_value(["a", "b"])
    ('"say \\"no\\""', 'true', '10', '["a", "b"]')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    if isinstance(value, str):
        # JSON escapes all that TOML wants escaped, apart from one character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Sequence):
        return f"[{', '.join(toml_value(part) for part in value)}]"
    message = f"no TOML for {type(value).__name__}"
    raise TypeError(message)


def toml_inline(table: Mapping[str, object]) -> str:
    """Write a table of texts, numbers or lists on one line.

    Examples
    --------
    >>> toml_inline({"1": "never", "2": "often"})
    '{ 1 = "never", 2 = "often" }'
    """
    entries = ", ".join(f"{toml_key(key)} = {toml_value(value)}" for key, value in table.items())
    return f"{{ {entries} }}" if entries else "{}"


def toml_document(content: Mapping[str, Any]) -> str:
    """Write plain data, as `tomllib` gives them, as a TOML file.

    Examples
    --------
    >>> content = {"title": "t", "variables": {"q": {"kind": "nominal", "values": {"1": "yes"}}}}
    >>> print(toml_document(content))
    title = "t"
    <BLANKLINE>
    [variables.q]
    kind = "nominal"
    values = { 1 = "yes" }
    <BLANKLINE>
    """
    return "\n\n".join("\n".join(lines) for lines in _tables((), content)) + "\n"


def _tables(path: tuple[str, ...], content: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the lines of a table, then those of the tables in it that have a header."""
    inside = {key: value for key, value in content.items() if _has_header((*path, key), value)}
    lines = [_entry(key, value) for key, value in content.items() if key not in inside]
    if path and (lines or not inside):
        lines.insert(0, f"[{'.'.join(map(toml_key, path))}]")
    if lines:
        yield lines
    for key, value in inside.items():
        yield from _tables((*path, key), value)


def _has_header(path: tuple[str, ...], value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    if len(path) <= _HEADED or any(isinstance(one, Mapping) for one in value.values()):
        return True
    return len(_entry(path[-1], value)) > _WIDTH


def _entry(key: str, value: Any) -> str:
    """Return a key and its value; a long list has a line for each member."""
    line = f"{toml_key(key)} = {toml_inline(value) if isinstance(value, Mapping) else toml_value(value)}"
    if len(line) <= _WIDTH or not isinstance(value, list):
        return line
    members = "".join(f"    {toml_value(part)},\n" for part in value)
    return f"{toml_key(key)} = [\n{members}]"
