"""Opening a survey file: a regular file in its folder, unpacked within limits, unchanged at the end."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from coprodstats.errors import (
    Fault,
    FormatError,
    InputError,
    IntegrityError,
    ResourceLimitError,
    TruncatedInputError,
    UnsafePathError,
    listed,
)
from coprodstats.survey.limits import ALWAYS_EXPANDED, MOST_BYTES, MOST_EXPANDED, MOST_RATIO

BROKEN_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    OSError,
)
_CHUNK = 1024**2
_MOST_MEMBERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenFile:
    """A survey file, open for reading.

    Attributes
    ----------
    name
        Name of the file, without its folder: what messages call it.
    plain_name
        Name of the plain file inside, whose ending says the format.
    stream
        The plain bytes, at their beginning; it has a file descriptor.
    size
        Number of plain bytes.
    packed
        The bytes of the file itself.
    """

    name: str
    plain_name: str
    stream: BinaryIO
    size: int
    packed: BinaryIO

    def digest(self) -> str:
        """Return the SHA-256 of the bytes of the file itself, packed as it is."""
        self.packed.seek(0)
        digest = _hash(self.packed)
        self.packed.seek(0)
        return digest


@contextmanager
def open_survey_file(
    path: str | PathLike[str], *, root: str | PathLike[str] | None = None, sha256: str = ""
) -> Iterator[OpenFile]:
    """Open a survey file and check at the end that it is still the same.

    Parameters
    ----------
    path
        The file; ``.gz`` and ``.zip`` are unpacked to a temporary file without a name.
    root
        The folder that the file must lie in, links followed; None if any place will do.
    sha256
        The hash that the file must have; empty if any will do.

    Yields
    ------
    OpenFile
        The plain file.

    Raises
    ------
    UnsafePathError
        If the path is an address, a device, or leads out of ``root``.
    ResourceLimitError
        If the file, or what is packed in it, is too large.
    TruncatedInputError
        If a packed file is damaged.
    IntegrityError
        If the hash differs, or the file changes before the end.
    InputError
        If there is no such file.
    """
    file = _safe_path(path, root)
    with _opened(file) as stream:
        before = os.fstat(stream.fileno())
        if before.st_size > MOST_BYTES:
            found = f"the file is larger than {MOST_BYTES // 1024**3} GiB"
            raise ResourceLimitError(Fault(where=file.name, found=found))
        if sha256:
            _refuse_other(stream, file.name, sha256)
        with _unpacked(stream, file.name) as (plain, plain_name):
            plain.seek(0, os.SEEK_END)
            size = plain.tell()
            plain.seek(0)
            yield OpenFile(name=file.name, plain_name=plain_name, stream=plain, size=size, packed=stream)
        _refuse_change(file, before)


def _safe_path(path: str | PathLike[str], root: str | PathLike[str] | None) -> Path:
    text = os.fspath(path)
    file = Path(text)
    if "://" in text or text.startswith(("\\\\", "//")) or "\0" in text:
        found = "this is an address, not a path of a file on this machine"
        remedy = "download the file first and name it by its path"
        raise UnsafePathError(Fault(where=file.name or text, found=found, remedy=remedy))
    if root is not None:
        folder = Path(root).resolve()
        if not file.resolve().is_relative_to(folder):
            found = "the path leads out of the folder that the data may lie in"
            raise UnsafePathError(
                Fault(where=file.name, found=found, allowed=f"files below {folder.name!r}, links followed")
            )
    return file


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    # A pipe would wait for its writer; this way it opens at once and is refused.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_CLOEXEC", 0)
    remedy = "check the path and the working directory"
    try:
        mode = file.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(Fault(where=file.name, found="this is a folder", remedy=remedy))
        if not stat.S_ISREG(mode):
            found = "this is a device or a pipe"
            raise UnsafePathError(Fault(where=file.name, found=found, allowed="a regular file"))
        descriptor = os.open(file, flags)
    except FileNotFoundError:
        raise InputError(Fault(where=file.name, found="no such file", remedy=remedy)) from None
    except (OSError, ValueError) as error:
        told = "the file can't be opened"
        if isinstance(error, PermissionError):
            told += ": you may not read it"
        raise InputError(Fault(where=file.name, found=told, remedy=remedy)) from None
    with open(descriptor, "rb") as stream:  # noqa: PTH123  (a descriptor has no path)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnsafePathError(Fault(where=file.name, found="this is a device or a pipe"))
        yield stream


def _hash(stream: BinaryIO) -> str:
    return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]


def _refuse_other(stream: BinaryIO, name: str, sha256: str) -> None:
    digest = _hash(stream)
    stream.seek(0)
    if digest != sha256:
        found = f"the file's SHA-256 is {digest}, the codebook declares {sha256}"
        remedy = "use the file that was declared, or declare this one: file.sha256"
        raise IntegrityError(Fault(where=name, found=found, remedy=remedy))


def _refuse_change(file: Path, before: os.stat_result) -> None:
    now = None
    with suppress(OSError):
        now = file.stat()
    kept = ("st_ino", "st_dev", "st_size", "st_mtime_ns")
    if now is None or any(getattr(now, part) != getattr(before, part) for part in kept):
        found = "the file changed while it was read"
        raise IntegrityError(Fault(where=file.name, found=found, remedy="read it again once it is complete"))


@contextmanager
def _unpacked(stream: BinaryIO, name: str) -> Iterator[tuple[BinaryIO, str]]:
    suffix = Path(name).suffix.lower()
    start = stream.read(4)
    stream.seek(0)
    if suffix == ".gz":
        if not start.startswith(b"\x1f\x8b"):
            raise FormatError(Fault(where=name, found="the name says gzip, the content is something else"))
        with tempfile.TemporaryFile() as plain, gzip.GzipFile(fileobj=stream) as packed:
            _copy(packed, plain, name, os.fstat(stream.fileno()).st_size)
            with _readable(plain) as file:
                yield file, Path(name).stem
    elif suffix == ".zip":
        if not start.startswith(b"PK"):
            raise FormatError(Fault(where=name, found="the name says zip, the content is something else"))
        with tempfile.TemporaryFile() as plain:
            inner = _unzip(stream, plain, name)
            with _readable(plain) as file:
                yield file, inner
    else:
        yield stream, name


def _readable(plain: BinaryIO) -> BinaryIO:
    """Return a written file for reading only: a reading process may move where its descriptor stands."""
    file = os.fdopen(os.dup(plain.fileno()), "rb")
    file.seek(0)
    return file


def _unzip(stream: BinaryIO, plain: BinaryIO, name: str) -> str:
    try:
        archive = zipfile.ZipFile(stream)
    except BROKEN_ARCHIVE:
        raise TruncatedInputError(_damaged(name)) from None
    with archive:
        members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
        if len(members) != 1:
            shown = listed([PurePosixPath(member.filename).name for member in members])
            found = f"the archive holds {len(members)} files" + (f": {shown}" if members else "")
            raise InputError(Fault(where=name, found=found, allowed="one file", remedy="unpack it"))
        member = members[0]
        if member.flag_bits & 1:
            raise InputError(
                Fault(where=name, found="the archive is locked by a password", remedy="unpack it")
            )
        refuse_expansion(member.compress_size, member.file_size, name)
        try:
            packed = archive.open(member)
        except BROKEN_ARCHIVE:
            raise TruncatedInputError(_damaged(name)) from None
        with packed:
            _copy(packed, plain, name, member.compress_size)
    return PurePosixPath(member.filename).name


def _copy(packed: object, plain: BinaryIO, name: str, packed_size: int) -> None:
    size = 0
    while True:
        try:
            part = packed.read(_CHUNK)  # type: ignore[attr-defined]
        except BROKEN_ARCHIVE:
            raise TruncatedInputError(_damaged(name)) from None
        if not part:
            break
        size += len(part)
        refuse_expansion(packed_size, size, name)
        _write(plain, part, name)
    _write(plain, b"", name)


def _write(plain: BinaryIO, part: bytes, name: str) -> None:
    try:
        plain.write(part)
        plain.flush()
    except OSError:
        found = "there is no room to unpack it"
        remedy = "make room, or name another folder for temporary files: TMPDIR"
        raise ResourceLimitError(Fault(where=name, found=found, remedy=remedy)) from None


def refuse_expansion(packed: int, expanded: int, name: str) -> None:
    """Refuse a packed file that would grow beyond all measure.

    Parameters
    ----------
    packed, expanded
        Number of bytes.
    name
        What messages call the file.

    Raises
    ------
    ResourceLimitError
        If it grows beyond 16 GiB, or more than hundredfold.
    """
    if expanded > MOST_EXPANDED or (expanded > ALWAYS_EXPANDED and expanded > MOST_RATIO * max(packed, 1)):
        found = f"it unpacks to {expanded / 1024**2:,.0f} MiB or more from {packed / 1024:,.0f} KiB"
        allowed = f"at most {MOST_EXPANDED / 1024**3:.0f} GiB and {MOST_RATIO} times the packed size"
        raise ResourceLimitError(Fault(where=name, found=found, allowed=allowed))


def check_package(stream: BinaryIO, name: str) -> list[str]:
    """Return the names of the parts of a spreadsheet, which is a zip archive, after checking their sizes.

    Parameters
    ----------
    stream
        The file; it is left at its beginning.
    name
        What messages call the file.

    Raises
    ------
    TruncatedInputError
        If the list of parts, at the end of the file, is missing or damaged.
    ResourceLimitError
        If a part would grow beyond all measure.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            defining = [m.filename for m in members if m.filename.endswith(".xml") and _defines(archive, m)]
    except BROKEN_ARCHIVE:
        raise TruncatedInputError(_damaged(name)) from None
    finally:
        stream.seek(0)
    if len(members) > _MOST_MEMBERS:
        raise ResourceLimitError(Fault(where=name, found=f"the file holds {len(members):,} parts"))
    if defining:
        found = f"{defining[0]} defines entities, which can make a small file grow without end"
        raise ResourceLimitError(Fault(where=name, found=found, remedy="save the file again in its program"))
    for member in members:
        refuse_expansion(member.compress_size, member.file_size, name)
    total = sum(member.file_size for member in members)
    refuse_expansion(max(total, 1), total, name)
    return [member.filename for member in members]


def _defines(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Say whether an XML part has a document type, which no spreadsheet program writes."""
    with archive.open(member) as part:
        head = part.read(4096)
    return b"<!DOCTYPE" in head or b"<!ENTITY" in head


def _damaged(name: str) -> Fault:
    found = "the archive ends before its end, or is damaged"
    return Fault(where=name, found=found, remedy="copy or export the file again")
