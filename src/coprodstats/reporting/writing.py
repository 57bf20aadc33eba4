"""Writing a folder of output all at once or not at all, and tidy frames as CSV."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from coprodstats.errors import ArgumentError, Fault, ReportError, listed
from coprodstats.reporting.format import is_missing, significant

MANIFEST_NAME = "manifest.json"

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A text that begins with one of these would be calculated by a spreadsheet; it gets a ``'`` in front."""

_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_folder(files: Mapping[str, bytes], folder: Path | str) -> None:
    """Write all files of an output folder, or leave what was there as it was.

    The files are written and flushed to a new folder beside ``folder``, which then takes its place. What an
    earlier run wrote is replaced as a whole, so that nothing of it stays behind.

    Parameters
    ----------
    files
        Contents by name; a name is relative, with ``/`` between folders.
    folder
        Where they go. If it exists it must be empty or hold the files of an earlier run and no others.

    Raises
    ------
    ReportError
        If a name leaves the folder, the folder holds files that no run wrote, or the disk refuses.
    """
    target = Path(folder).absolute()
    faults = name_faults(files)
    if faults:
        raise ReportError(*faults)
    with _told(target):
        target = target.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        _recover(target)
        _check_replaceable(target)
        temporary = target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
        try:
            _fill(temporary, files)
            _swap(temporary, target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def name_faults(names: Mapping[str, Any] | list[str]) -> list[Fault]:
    """Return a fault for every name that would leave its folder, or would not survive another system.

    Examples
    --------
    >>> [fault.found for fault in name_faults(["figures/age.svg", "../age.svg"])]
    ['the name leads out of the folder or is not portable']
    """
    allowed = "relative names with / between folders, such as figures/age.svg"
    faults = [
        Fault(
            where=f"file {name!r}",
            found="the name leads out of the folder or is not portable",
            allowed=allowed,
        )
        for name in names
        if not _is_portable(name)
    ]
    folded: dict[str, str] = {}
    for name in names:
        twin = folded.setdefault(name.casefold(), name)
        if twin != name:
            faults.append(Fault(where=f"file {name!r}", found=f"differs from {twin!r} by case only"))
        faults += [
            Fault(where=f"file {name!r}", found=f"{str(parent)!r} is a file, not a folder")
            for parent in PurePosixPath(name).parents
            if str(parent) in names
        ]
    return faults


def frame_to_csv(frame: pd.DataFrame) -> bytes:
    r"""Return a tidy frame as CSV: UTF-8, one line feed per row, no index.

    Numbers have ten significant digits, since the last bits of a double differ between processors. A text
    that a spreadsheet would calculate gets a ``'`` in front; a missing value is an empty cell.

    Raises
    ------
    ArgumentError
        If the frame has an index that would be lost, or two columns of one name.

    Examples
    --------
    >>> frame_to_csv(pd.DataFrame({"term": ["age", "=1+1"], "estimate": [-0.1, 1 / 3]}))
    b"term,estimate\nage,-0.1\n'=1+1,0.3333333333\n"
    """
    if isinstance(frame.index, pd.MultiIndex) or frame.index.name or not _is_plain(frame.index):
        found = "the frame's index would be lost"
        raise ArgumentError(Fault(where="CSV", found=found, remedy="frame.reset_index()"))
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        raise ArgumentError(Fault(where="CSV", found="two columns have the same name"))
    lines = [[_guarded(name) for name in names]]
    lines += [[csv_cell(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    return "".join(",".join(map(_quoted, line)) + "\n" for line in lines).encode("utf-8")


def csv_cell(value: Any) -> str:
    """Write one value as it stands in a CSV file.

    Examples
    --------
    >>> [csv_cell(value) for value in (2 / 3, -5, True, None, "@home")]
    ['0.6666666667', '-5', 'true', '', "'@home"]
    """
    if is_missing(value):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return repr(significant(float(value)))
    return _guarded(str(value))


def json_bytes(record: Mapping[str, Any]) -> bytes:
    r"""Return a record as JSON: sorted keys, UTF-8, numbers of ten significant digits, no NaN.

    Examples
    --------
    >>> json_bytes({"b": 0.1 + 0.2, "a": float("nan")})
    b'{\n  "a": null,\n  "b": 0.3\n}\n'
    """
    text = json.dumps(plain_data(record), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8")


def plain_data(value: Any) -> Any:
    """Return a value made of what JSON knows: numbers of ten significant digits, ``None`` for missing.

    Raises
    ------
    ArgumentError
        If JSON has no way to write the value.
    """
    if is_missing(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): plain_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_data(item) for item in value]
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float, np.bool_, np.integer, np.floating)):
        return _plain_number(value)
    raise ArgumentError(Fault(where="JSON", found=f"{type(value).__name__} can't be written"))


def _plain_number(value: Any) -> bool | int | float | str:
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    number = significant(float(value))
    return number if np.isfinite(number) else str(number)


def _is_portable(name: str) -> bool:
    if not name or any(ord(letter) < 32 or letter in '\\:*?"<>|' for letter in name):
        return False
    parts = name.split("/")
    return all(
        part and not part.startswith(".") and not part.endswith((".", " ")) and _stem(part) not in _RESERVED
        for part in parts
    )


def _stem(part: str) -> str:
    return part.partition(".")[0].casefold()


def _is_plain(index: pd.Index[Any]) -> bool:
    return len(index) == 0 or pd.api.types.is_integer_dtype(index)


def _quoted(cell: str) -> str:
    # The standard library's writer leaves a lone carriage return bare, and its reader ends the row there.
    return '"' + cell.replace('"', '""') + '"' if any(letter in cell for letter in ',"\n\r') else cell


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


@contextmanager
def _told(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ReportError(_os_fault(error, target)) from error


def _os_fault(error: OSError, target: Path) -> Fault:
    where = f"folder {str(target)!r}"
    untouched = "what was there before is unchanged"
    if error.errno in _READ_ONLY:
        return Fault(
            where=where, found=f"it can't be written to; {untouched}", remedy="another folder, or its rights"
        )
    if error.errno in _FULL:
        return Fault(where=where, found=f"the disk is full; {untouched}", remedy="free some space, run again")
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return Fault(where=where, found=f"the system says: {reason}; {untouched}")


def _previous(target: Path) -> Path:
    return target.parent / f".{target.name}.previous"


def _recover(target: Path) -> None:
    """Put back what a process killed between the two renames had set aside."""
    previous = _previous(target)
    if previous.exists():
        if target.exists():
            shutil.rmtree(previous)
        else:
            previous.rename(target)


def _check_replaceable(target: Path) -> None:
    if not target.exists():
        return
    where = f"folder {str(target)!r}"
    if not target.is_dir():
        raise ReportError(Fault(where=where, found="it is a file", remedy="the name of a folder"))
    there = sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if not path.is_dir())
    ours = recorded_names(target)
    strange = [name for name in there if name not in ours]
    if strange:
        found = f"it holds files that no run wrote: {listed(strange)}"
        raise ReportError(Fault(where=where, found=found, remedy="another folder, or move these files away"))


def recorded_names(folder: Path) -> set[str]:
    """Return the names that a folder's manifest records, with its own; empty without a manifest."""
    try:
        manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
        return {MANIFEST_NAME, *manifest["outputs"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _fill(temporary: Path, files: Mapping[str, bytes]) -> None:
    temporary.mkdir()
    for name in sorted(files):
        path = temporary / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as handle:
            handle.write(files[name])
            handle.flush()
            os.fsync(handle.fileno())
    for directory in [*(path for path in sorted(temporary.rglob("*")) if path.is_dir()), temporary]:
        _sync_folder(directory)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # pragma: no cover  (Windows can't open a folder)
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _swap(temporary: Path, target: Path) -> None:
    previous = _previous(target)
    if target.exists():
        target.rename(previous)
        try:
            temporary.rename(target)
        except BaseException:
            previous.rename(target)
            raise
        shutil.rmtree(previous, ignore_errors=True)
    else:
        temporary.rename(target)
    _sync_folder(target.parent)
