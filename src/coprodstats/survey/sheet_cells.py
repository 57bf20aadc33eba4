"""Cells of a spreadsheet that hold no value: errors, and formulas whose result was never stored.

The parser of spreadsheets reads both as blank, so they are looked for in the sheet's own XML.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import IO, BinaryIO

from coprodstats.errors import Fault, TruncatedInputError, listed
from coprodstats.survey.opening import BROKEN_ARCHIVE
from coprodstats.survey.safe_xml import parse_xml

_BLOCK = 4 * 1024**2
_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_PLACE = re.compile(rb'\br="([A-Z]{1,3}[0-9]{1,7})"')
_VALUE = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?>[^<]")
_EMPTY_TEXT = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?(?:/>|></)")
_ODS_ERROR = re.compile(rb'calcext:value-type="error"')


def cell_faults(stream: BinaryIO, name: str, format_: str, sheet: str) -> list[Fault]:
    """Return the faults of cells that seem blank and are not.

    Parameters
    ----------
    stream
        The workbook; it is left at its beginning.
    name
        What messages call the file.
    format_
        ``"xlsx"`` or ``"ods"``.
    sheet
        Name of the sheet.

    Raises
    ------
    TruncatedInputError
        If a part of the workbook is damaged.
    """
    uncached: list[str] = []
    try:
        with zipfile.ZipFile(stream) as archive:
            if format_ == "ods":
                errors = _in_ods(archive)
            else:
                errors, uncached = _in_xlsx(archive, name, sheet)
    except (*BROKEN_ARCHIVE, KeyError):
        found = "a part of the workbook is missing or damaged"
        fault = Fault(where=name, found=found, remedy="copy or export the file again")
        raise TruncatedInputError(fault) from None
    finally:
        stream.seek(0)
    where = f"{name}: sheet {sheet!r}"
    faults = []
    if errors:
        found = f"cells with an error such as #REF! or #DIV/0!: {listed(errors, 20)}"
        faults.append(Fault(where=where, found=found, remedy="mend the formulas, or blank the cells"))
    if uncached:
        found = f"cells with a formula whose result isn't stored: {listed(uncached, 20)}"
        faults.append(Fault(where=where, found=found, remedy="open the file in its program and save it"))
    return faults


def _in_ods(archive: zipfile.ZipFile) -> list[str]:
    count, tail = 0, b""
    with archive.open("content.xml") as part:
        while block := part.read(_BLOCK):
            text = tail + block
            count += len(_ODS_ERROR.findall(text))
            # A match can't lie in the tail alone, so it isn't counted twice.
            tail = text[-27:]
    return [f"{count:,} of them"] if count else []


def _in_xlsx(archive: zipfile.ZipFile, name: str, sheet: str) -> tuple[list[str], list[str]]:
    errors, uncached = [], []
    with archive.open(_part_of(archive, name, sheet)) as part:
        for attributes, content in _cells(part):
            is_error = b't="e"' in attributes
            if not is_error and not (b"<f" in content or b":f" in content):
                continue
            found = _PLACE.search(attributes)
            place = found.group(1).decode() if found else "(place unknown)"
            if is_error:
                errors.append(place)
                continue
            stored = _VALUE.search(content) or (b't="str"' in attributes and _EMPTY_TEXT.search(content))
            if not stored:
                uncached.append(place)
    return errors, uncached


def _cells(part: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    tail = b""
    while block := part.read(_BLOCK):
        text = tail + block
        end = 0
        for match in _CELL.finditer(text):
            end = match.end()
            yield match.group(1), match.group(2) or b""
        tail = text[max(end, len(text) - _BLOCK) :]


def _part_of(archive: zipfile.ZipFile, name: str, sheet: str) -> str:
    workbook = parse_xml(BytesIO(archive.read("xl/workbook.xml")), name)
    links = parse_xml(BytesIO(archive.read("xl/_rels/workbook.xml.rels")), name)
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    for found in workbook.findall("sheets/sheet"):
        if found.get("name") == sheet:
            target = targets.get(found.get("id"), "")
            return target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
    raise KeyError(sheet)
