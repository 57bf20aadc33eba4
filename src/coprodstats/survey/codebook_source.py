"""The files behind a codebook: TOML or a table, joined with what they extend, and where everything stands."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from coprodstats.errors import Fault, listed
from coprodstats.survey.codebook_table import TABLES, parse_table
from coprodstats.survey.toml_lines import Path as KeyPath
from coprodstats.survey.toml_lines import key_lines
from coprodstats.survey.toml_table import parse_toml

NAMED = ("variables", "conversions", "mappings", "indices", "outcomes")
RULES = ("file", "cleaning", "design", "harmonise")
_MOST_EXTENDED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What stands in a codebook and in those that it extends.

    Attributes
    ----------
    content
        Plain data, as TOML gives it.
    sha256
        Hash of the bytes of all files, the most extended one first.
    faults
        What prevents reading.
    places
        Key to the file and line, such as ``"codebook.toml, line 12"``.
    """

    content: Mapping[str, Any]
    sha256: str
    faults: tuple[Fault, ...]
    places: Mapping[KeyPath, str]


def read_source(file: Path) -> Source:
    """Read a codebook after the one that it extends.

    Parameters
    ----------
    file
        A TOML file, or a table: CSV or a spreadsheet.
    """
    digest = hashlib.sha256()
    content, faults, places = _merged(file, (), digest)
    return Source(content=content, sha256=digest.hexdigest(), faults=tuple(faults), places=places)


def located(faults: Iterable[Fault], name: str, places: Mapping[KeyPath, str]) -> list[Fault]:
    """Return faults with the file and line of what they are about.

    Parameters
    ----------
    faults
        Faults whose ``where`` is the name of the file, and after a colon the path of the key.
    name
        Name of the file.
    places
        From `read_source`.

    Examples
    --------
    >>> fault = Fault(where="codebook.toml: variables.age.kind", found="'nmeric' is not understood")
    >>> located([fault], "codebook.toml", {("variables", "age"): "codebook.toml, line 3"})[0].where
    'codebook.toml, line 3: variables.age.kind'
    """
    found = []
    for fault in faults:
        head, _, dotted = fault.where.partition(": ")
        # A key that isn't known is told of the table around it.
        unknown = re.match(r"'(\w+)' is not understood here", fault.found)
        path = f"{dotted}.{unknown[1]}".lstrip(".") if unknown else dotted
        place = _nearest(path, places) if head == name and path else ""
        found.append(replace(fault, where=f"{place}: {dotted}" if dotted else place) if place else fault)
    return found


def _nearest(dotted: str, places: Mapping[KeyPath, str]) -> str:
    # The dots of a path may belong to names, so that the longest known beginning is looked for.
    joined = {".".join(map(str, path)): place for path, place in places.items()}
    while dotted:
        if dotted in joined:
            return joined[dotted]
        dotted = dotted.rpartition(".")[0]
    return ""


def _parsed(file: Path) -> tuple[dict[str, Any], bytes, list[Fault], dict[KeyPath, str]]:
    if file.suffix.lower() in TABLES:
        return parse_table(file)
    content, raw, faults = parse_toml(file)
    lines = key_lines(raw.decode("utf-8", errors="replace")) if content else {}
    return content, raw, faults, {path: f"{file.name}, line {line}" for path, line in lines.items()}


def _merged(
    file: Path, extending: tuple[Path, ...], digest: hashlib._Hash
) -> tuple[dict[str, Any], list[Fault], dict[KeyPath, str]]:
    content, raw, faults, places = _parsed(file)
    if faults or "extends" not in content:
        digest.update(raw)
        return content, faults, places
    base_file, faults = _extended_file(file, content["extends"], extending)
    if base_file is None:
        return content, located(faults, file.name, places), places
    base, faults, base_places = _merged(base_file, (*extending, file.resolve()), digest)
    digest.update(raw)
    found: list[Fault] = []
    joined = _joined(base, content, file.name, found)
    return joined, [*faults, *located(found, file.name, places)], {**base_places, **places}


def _extended_file(file: Path, named: object, extending: tuple[Path, ...]) -> tuple[Path | None, list[Fault]]:
    where = f"{file.name}: extends"
    allowed = 'the path of another codebook relative to this one, such as "../survey/codebook.toml"'
    # A backslash, a colon or a leading slash is a Windows path, a URL or an absolute path.
    inside = (
        isinstance(named, str) and not PurePosixPath(named).is_absolute() and not set(named) & set("\\:~\0")
    )
    if not isinstance(named, str) or not inside or not named.endswith((".toml", *TABLES)):
        return None, [Fault(where=where, found=f"{named!r} is not a relative path", allowed=allowed)]
    target = file.parent / named
    if target.resolve() in (*extending, file.resolve()) or len(extending) >= _MOST_EXTENDED:
        return None, [Fault(where=where, found=f"{named!r} leads back here or too far", allowed=allowed)]
    if not target.is_file():
        return None, [Fault(where=where, found=f"there is no file {named!r}", allowed=allowed)]
    return target, []


def _joined(
    base: Mapping[str, Any], content: Mapping[str, Any], name: str, faults: list[Fault]
) -> dict[str, Any]:
    joined = {**base, **{key: value for key, value in content.items() if key != "extends"}}
    for key in (*NAMED, *RULES):
        ours, theirs = content.get(key, {}), base.get(key, {})
        if not isinstance(ours, dict) or not isinstance(theirs, dict):
            continue
        if again := [entry for entry in ours if entry in theirs]:
            faults.append(
                Fault(
                    where=f"{name}: {key}",
                    found=f"defined in the extended codebook already: {listed(again)}",
                    remedy="give it another name",
                )
            )
        if ours or theirs:
            joined[key] = {**theirs, **ours}
    if base.get("synthetic") is True and content.get("synthetic") is False:
        found = "the extended codebook says that the data are synthetic"
        faults.append(Fault(where=f"{name}: synthetic", found=found, remedy="leave the line out"))
    return joined
