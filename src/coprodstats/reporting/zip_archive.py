"""Office files as archives: the same bytes twice, no author, no clock, and text that XML can hold."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Mapping
from xml.sax.saxutils import escape

_EPOCH = (1980, 1, 1, 0, 0, 0)
_ORDINARY_FILE = 0o600 << 16
_UNIX = 3

# What XML 1.0 can't hold: most control characters, lone surrogates and two non-characters.
_ILLEGAL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_BREAKS = re.compile("[\t\n\x0b\x0c\r\x1c-\x1f\x85\u2028\u2029]+")


def normalise_zip(
    data: bytes, *, replace: Mapping[str, bytes] | None = None, drop: Collection[str] = ()
) -> bytes:
    """Return a zip archive that depends on its members' names and contents alone.

    Members are sorted by name, carry the earliest date that the format knows, and are stored as they are:
    what deflating gives depends on the release of zlib, and so on the machine.

    Parameters
    ----------
    data
        A zip archive.
    replace
        Contents of members that are replaced or added, by name.
    drop
        Names of members to leave out.

    Examples
    --------
    >>> buffer = io.BytesIO()
    >>> with zipfile.ZipFile(buffer, "w") as archive:
    ...     archive.writestr("b", "2")
    ...     archive.writestr("a", "1")
    >>> zipfile.ZipFile(io.BytesIO(normalise_zip(buffer.getvalue()))).namelist()
    ['a', 'b']
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    members |= replace or {}
    return zip_of({name: content for name, content in members.items() if name not in drop})


def zip_of(members: Mapping[str, bytes], *, first: str = "") -> bytes:
    """Return members as a zip archive in the order of their names, except that ``first`` leads.

    Examples
    --------
    >>> archive = zip_of({"a": b"1", "mimetype": b"text/plain"}, first="mimetype")
    >>> zipfile.ZipFile(io.BytesIO(archive)).namelist()
    ['mimetype', 'a']
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members, key=lambda name: (name != first, name)):
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.create_system = _UNIX
            info.external_attr = _ORDINARY_FILE
            archive.writestr(info, members[name], compress_type=zipfile.ZIP_STORED)
    return buffer.getvalue()


def core_properties(*, title: str, subject: str = "", language: str) -> bytes:
    """Return ``docProps/core.xml`` of a DOCX or XLSX file: title, subject, language, and nothing else.

    Examples
    --------
    >>> b"<dc:title>A &amp; B</dc:title>" in core_properties(title="A & B", language="en-GB")
    True
    """
    values = {"dc:title": title, "dc:subject": subject, "dc:language": language}
    lines = "".join(f"<{tag}>{escape(xml_text(text))}</{tag}>" for tag, text in values.items() if text)
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        "<cp:coreProperties"
        ' xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/">{lines}</cp:coreProperties>'
    ).encode()


def xml_text(text: str) -> str:
    r"""Return text that XML can hold, on one line: a sign stands where a letter can't be written.

    Examples
    --------
    >>> xml_text("one\ntwo\x00")
    'one two�'
    """
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", _BREAKS.sub(" ", text))
