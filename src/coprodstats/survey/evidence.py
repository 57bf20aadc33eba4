"""What the first bytes of a file say it is, held against what its name says."""

from __future__ import annotations

import re
from typing import BinaryIO

from coprodstats.errors import EncodingError, Fault, FormatError, InputError, ResourceLimitError
from coprodstats.survey.file_format import SHEETS, Format, codec
from coprodstats.survey.limits import MOST_SHEET_BYTES
from coprodstats.survey.opening import OpenFile, check_package

_HEAD = 4096
_NAMES: dict[Format, str] = {
    "csv": "CSV",
    "fixed": "fixed positions",
    "sav": "SPSS",
    "por": "SPSS portable",
    "dta": "Stata",
    "parquet": "Parquet",
    "xlsx": "Excel",
    "ods": "OpenDocument",
}
_BEGINNINGS = {
    b"$FL2": "an SPSS file",
    b"$FL3": "a compressed SPSS file",
    b"PK\x03\x04": "a zip archive, such as an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF",
    b"<stata_dta>": "a Stata file",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"{\\rtf": "a text document",
    b"<?xml": "an XML page",
}
# Names of columns may begin like this; text holds no NUL.
_BINARY_BEGINNINGS = {b"PAR1": "a Parquet file", b"RDX": "a file of R", b"SQLite": "a database"}
_ALLOWED: dict[Format, str] = {
    "csv": "text",
    "fixed": "text",
    "sav": "a file that begins with $FL2 or $FL3",
    "por": "a file that begins with ASCII SPSS PORT FILE",
    "dta": "a file that begins with <stata_dta>, or an older Stata file",
    "parquet": "a file that begins with PAR1",
    "xlsx": "an Excel workbook (.xlsx)",
    "ods": "an OpenDocument spreadsheet",
}


def check_evidence(file: OpenFile, format_: Format, encoding: str = "utf-8") -> None:
    """Check that a file is what it says it is, before any parser sees it.

    Parameters
    ----------
    file
        The file; it is left at its beginning.
    format_
        The format that its name or the codebook says.
    encoding
        The declared encoding of a text file.

    Raises
    ------
    FormatError
        If the content is something else.
    EncodingError
        If a text is UTF-16 and that isn't declared.
    TruncatedInputError
        If the list of parts of a spreadsheet is missing.
    ResourceLimitError
        If a spreadsheet is too large, or would unpack beyond all measure.
    InputError
        If the file is empty.
    """
    head = file.stream.read(_HEAD)
    file.stream.seek(0)
    if not head:
        raise InputError(Fault(where=file.name, found="the file is empty"))
    looks = _looks(head)
    if format_ in {"csv", "fixed"}:
        _check_text(looks, file.name, _NAMES[format_], encoding)
        return
    if not _is(format_, head):
        found = f"the name says {_NAMES[format_]}, the content is {looks or 'something else'}"
        raise FormatError(Fault(where=file.name, found=found, allowed=_ALLOWED[format_]))
    if format_ in SHEETS:
        if file.size > MOST_SHEET_BYTES:
            found = f"the file is larger than {MOST_SHEET_BYTES // 1024**3} GiB"
            raise ResourceLimitError(Fault(where=file.name, found=found, remedy="export it as CSV"))
        _check_sheets(file.stream, file.name, format_)


def _looks(head: bytes) -> str:
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        tag = "<!DOCTYPE html" if start.startswith(b"<!") else "<html"
        return f"a web page, perhaps a login page: it begins with '{tag}'"
    beginnings = {**_BEGINNINGS, **(_BINARY_BEGINNINGS if b"\0" in head else {})}
    return next((kind for begin, kind in beginnings.items() if head.startswith(begin)), "")


def _check_text(looks: str, name: str, kind: str, encoding: str) -> None:
    if looks == "UTF-16 text":
        if codec(encoding).startswith("utf-16"):
            return
        found = f"the name says {kind}, the content is UTF-16 text"
        remedy = 'declare it in the codebook: [file] encoding = "utf-16"'
        raise EncodingError(Fault(where=name, found=found, allowed=f"text in {encoding}", remedy=remedy))
    if looks:
        found = f"the name says {kind}, the content is {looks}"
        raise FormatError(Fault(where=name, found=found, allowed=f"text in {encoding}"))


def _is(format_: Format, head: bytes) -> bool:
    if format_ == "sav":
        return head.startswith((b"$FL2", b"$FL3"))
    if format_ == "por":
        return b"SPSS PORT FILE" in re.sub(rb"[\r\n]", b"", head[:260])
    if format_ == "dta":
        # Before version 117: the version, the byte order and a 1.
        old = len(head) > 3 and 104 <= head[0] <= 115 and head[1] in (1, 2) and head[2] == 1
        return head.startswith(b"<stata_dta>") or old
    if format_ == "parquet":
        return head.startswith(b"PAR1")
    return head.startswith(b"PK\x03\x04")


def _check_sheets(stream: BinaryIO, name: str, format_: Format) -> None:
    parts = check_package(stream, name)
    is_excel = any(part.startswith("xl/") for part in parts)
    is_open = "content.xml" in parts
    if (format_ == "xlsx" and is_excel) or (format_ == "ods" and is_open):
        return
    kinds = {"an Excel workbook": is_excel, "an OpenDocument file": is_open}
    looks = next((kind for kind, fits in kinds.items() if fits), "a zip archive of another kind")
    found = f"the name says {_NAMES[format_]}, the content is {looks}"
    raise FormatError(Fault(where=name, found=found, allowed=_ALLOWED[format_]))
