"""Writing TOML: keys, texts, numbers and lists, in the form that a person would write."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

_BARE = re.compile(r"[A-Za-z0-9_-]+")


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


def toml_inline(table: Mapping[str, str]) -> str:
    """Write a table of texts on one line.

    Examples
    --------
    >>> toml_inline({"1": "never", "2": "often"})
    '{ 1 = "never", 2 = "often" }'
    """
    entries = ", ".join(f"{toml_key(key)} = {toml_value(value)}" for key, value in table.items())
    return f"{{ {entries} }}" if entries else "{}"
