"""On which line of a TOML file a key stands, and which questions of a drafted file are still open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from coprodstats.errors import Fault

Path = tuple[str | int, ...]
OPEN: Final = "?"
"""The value that stands where a drafted file asks for an answer."""
QUESTION = "QUESTION:"
_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")


def key_lines(text: str) -> dict[Path, int]:
    r"""Return the line, from 1, of every table and key of a TOML text; inline tables are one key.

    Parameters
    ----------
    text
        A text that is valid TOML. Lines of a text over several lines may be taken for keys; nobody asks for
        those.

    Examples
    --------
    >>> key_lines('title = "t"\n[variables.age]\nkind = "numeric"\n')
    {('title',): 1, ('variables', 'age'): 2, ('variables', 'age', 'kind'): 3}
    """
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.fullmatch(line):
            table = _parts(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *_parts(key[1])), number)
    return lines


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def line_of(path: Path, lines: Mapping[Path, int]) -> int | None:
    """Return the line of a key, or of the nearest table around it; None if there is none."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)


def open_questions(name: str, text: str, content: Mapping[str, Any]) -> list[Fault]:
    r"""Return a fault for every question that a drafted file still asks.

    Parameters
    ----------
    name
        Name of the file.
    text
        The file.
    content
        The same, parsed. A question is open where a value is ``"?"``; comments above the key say what is
        asked.

    Examples
    --------
    >>> draft = '# QUESTION: What is it called?\ntitle = "?"\n'
    >>> print(open_questions("codebook.toml", draft, {"title": "?"})[0].found)
    a question is open: What is it called?
    """
    lines, written = key_lines(text), text.splitlines()
    asked: dict[tuple[int | None, str], Fault] = {}
    for path in _unanswered(content, ()):
        line = line_of(path, lines)
        shown = ".".join(str(part + 1 if isinstance(part, int) else part) for part in path)
        question = _asked_above(written, line) if line else ""
        # A line that holds several marks, such as the labels of all values, asks once.
        asked.setdefault(
            (line, "" if line else shown),
            Fault(
                where=f"{name}, line {line}: {shown}" if line else f"{name}: {shown}",
                found=f"a question is open: {question}" if question else "a question is open",
                remedy=f'write the answer in place of "{OPEN}"',
            ),
        )
    return sorted(asked.values(), key=lambda fault: _number_in(fault.where))


def _unanswered(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, str):
        if value == OPEN:
            yield path
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _unanswered(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _unanswered(inner, (*path, position))


def _asked_above(written: Sequence[str], line: int) -> str:
    """Return the question in the comments right above a line."""
    comments: list[str] = []
    for above in reversed(written[: line - 1]):
        text = above.strip()
        if not text.startswith("#"):
            break
        comments.insert(0, text.lstrip("# ").strip())
        if comments[0].startswith(QUESTION):
            comments[0] = comments[0].removeprefix(QUESTION).strip()
            return " ".join(comments)
    return ""


def _number_in(where: str) -> int:
    found = re.search(r", line (\d+):", where)
    return int(found[1]) if found else 0
