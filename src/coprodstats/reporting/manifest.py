"""The manifest: what a run read, did and wrote, by hash; without a clock, a path or a name."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from coprodstats.errors import ArgumentError, Fault, ManifestMismatchError, ReportError
from coprodstats.reporting.writing import MANIFEST_NAME, json_bytes, name_faults, plain_data
from coprodstats.survey.display import record_html

PACKAGES = (
    "formulaic",
    "jinja2",
    "matplotlib",
    "numpy",
    "pandas",
    "pyreadstat",
    "scipy",
    "seaborn",
    "statsmodels",
)
"""The packages whose version can change a number or a byte."""

FORMAT = 1
_SOURCE_SUFFIXES = {".py", ".j2", ".css", ".js", ".typ", ".toml", ".typed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRecord:
    """A file that a run read, known by its content.

    Attributes
    ----------
    name
        Relative name, with ``/`` between folders.
    sha256
        Hash of the content, 64 hexadecimal digits.
    n_bytes
        Length in bytes.
    n_rows
        Rows, for a file of data.
    """

    name: str
    sha256: str
    n_bytes: int
    n_rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A folder whose files are what its manifest says.

    Attributes
    ----------
    n_files, n_bytes
        Files checked, the manifest not counted, and their length together.
    manifest_sha256
        Hash of the manifest itself, which stands for the whole run.
    package_version
        The version of this package that wrote the folder.
    """

    n_files: int
    n_bytes: int
    manifest_sha256: str
    package_version: str

    def _repr_html_(self) -> str:
        return record_html(self)


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of bytes in hexadecimal digits.

    Examples
    --------
    >>> sha256_of(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()


def input_record(path: Path | str, *, name: str | None = None, n_rows: int | None = None) -> InputRecord:
    """Return the record of a file.

    Parameters
    ----------
    path
        The file.
    name
        What the manifest calls it; ``None`` takes the file's own name without its folder.
    n_rows
        Rows, for a file of data.

    Raises
    ------
    ReportError
        If the file can't be read.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ReportError(Fault(where=f"file {path.name!r}", found="it can't be read")) from error
    return InputRecord(name=name or path.name, sha256=sha256_of(data), n_bytes=len(data), n_rows=n_rows)


def source_tree_sha256(root: Path | str | None = None) -> str:
    """Return one hash of all source files below a folder: names and contents, in the order of the names.

    Parameters
    ----------
    root
        The folder; ``None`` takes this package's own.
    """
    folder = Path(__file__).resolve().parents[1] if root is None else Path(root)
    digest = hashlib.sha256()
    paths = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.suffix in _SOURCE_SUFFIXES and path.is_file() and "__pycache__" not in path.parts
    }
    for name in sorted(paths):
        content = paths[name].read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def package_versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Return the installed versions of packages, in the order of their names.

    Raises
    ------
    ReportError
        If one is not installed.
    """
    versions, faults = {}, []
    for name in sorted(packages):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            faults.append(Fault(where="manifest", found=f"package {name!r} is not installed"))
    if faults:
        raise ReportError(*faults)
    return versions


def build_manifest(
    *,
    title: str,
    inputs: Sequence[InputRecord],
    codebook_sha256: str,
    analysis_sha256: str,
    rows: Mapping[str, Any],
    design: Mapping[str, Any],
    models: Mapping[str, Mapping[str, Any]],
    outputs: Mapping[str, bytes],
    seed: int | None = None,
    rng: str = "PCG64",
    packages: Sequence[str] = PACKAGES,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the manifest of a run as plain data with sorted keys.

    Parameters
    ----------
    title
        What the run made.
    inputs
        The files it read.
    codebook_sha256, analysis_sha256
        Hashes of the declarations, as the codebook (with those it extends) and the analysis file give them.
    rows
        Row accounting: rows in, excluded by reason, kept.
    design
        Summary of the sampling design: weights, strata, PSUs, lonely rule, df rule.
    models
        Accounting of each model: rows used, rows outside the fit by reason, and the like.
    outputs
        The files it wrote, by name; their hashes are recorded.
    seed
        Seed of what was drawn at random, or ``None`` if nothing was.
    rng
        Name of the bit generator; recorded if there is a seed.
    packages
        The packages whose versions are recorded.
    extra
        More to record, under keys that the manifest does not use itself.

    Raises
    ------
    ArgumentError
        If a name is absolute or leads out of its folder, a hash is none, or a key is used twice.
    """
    manifest = {
        "analysis_sha256": analysis_sha256,
        "codebook_sha256": codebook_sha256,
        "design": design,
        "format": FORMAT,
        "inputs": {record.name: _input_entry(record) for record in inputs},
        "models": models,
        "outputs": {name: {"bytes": len(data), "sha256": sha256_of(data)} for name, data in outputs.items()},
        "package": {
            "name": "coprodstats",
            "source_sha256": source_tree_sha256(),
            "version": metadata.version("coprodstats"),
        },
        "packages": package_versions(packages),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "random": None if seed is None else {"generator": rng, "seed": seed},
        "rows": rows,
        "title": title,
    }
    faults = _faults(manifest, inputs, outputs, extra or {})
    if faults:
        raise ArgumentError(*faults)
    plain: dict[str, Any] = _sorted(plain_data({**manifest, **(extra or {})}))
    return plain


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    """Return a manifest as the bytes of ``manifest.json``."""
    return json_bytes(manifest)


def verify(folder: Path | str) -> Verified:
    """Check that a folder holds exactly the files that its manifest records, byte for byte.

    Parameters
    ----------
    folder
        A folder that a run wrote.

    Returns
    -------
    Verified
        How many files were checked, and the manifest's own hash.

    Raises
    ------
    ManifestMismatchError
        With one fault for every changed, missing or unlisted file.
    ReportError
        If the folder has no readable manifest.

    Examples
    --------
    >>> verify("no/such/folder")
    Traceback (most recent call last):
        ...
    coprodstats.errors.ReportError: [E-R100] ReportError
      - folder 'folder': it has no manifest.json
        Try: the folder that a run wrote
    """
    folder = Path(folder)
    raw, manifest = _read(folder)
    recorded = manifest["outputs"]
    faults = [Fault(where=fault.where, found=fault.found) for fault in name_faults(recorded)]
    there = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }
    there.pop(MANIFEST_NAME, None)
    if not faults:
        faults = _differences(recorded, there)
    if faults:
        raise ManifestMismatchError(*faults)
    return Verified(
        n_files=len(recorded),
        n_bytes=sum(entry["bytes"] for entry in recorded.values()),
        manifest_sha256=sha256_of(raw),
        package_version=manifest["package"]["version"],
    )


def _input_entry(record: InputRecord) -> dict[str, Any]:
    entry: dict[str, Any] = {"bytes": record.n_bytes, "sha256": record.sha256}
    return entry if record.n_rows is None else {**entry, "rows": record.n_rows}


def _faults(
    manifest: Mapping[str, Any],
    inputs: Sequence[InputRecord],
    outputs: Mapping[str, bytes],
    extra: Mapping[str, Any],
) -> list[Fault]:
    names = [record.name for record in inputs]
    faults = [*name_faults(names), *name_faults(outputs)]
    if len(set(names)) < len(names):
        faults.append(Fault(where="manifest", found="two inputs have the same name"))
    if MANIFEST_NAME in outputs:
        faults.append(Fault(where="manifest", found="it can't record its own hash", remedy="leave it out"))
    hashes = {"codebook_sha256": manifest["codebook_sha256"], "analysis_sha256": manifest["analysis_sha256"]}
    hashes |= {f"input {record.name!r}": record.sha256 for record in inputs}
    for where, value in hashes.items():
        if len(value) != 64 or set(value) - set("0123456789abcdef"):
            faults.append(Fault(where=f"manifest: {where}", found="it is no SHA-256 in hexadecimal digits"))
    own = sorted(set(extra) & set(manifest))
    return faults + [Fault(where="manifest", found=f"the key {key!r} is the manifest's own") for key in own]


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def read_manifest(folder: Path | str) -> dict[str, Any]:
    """Return the manifest of a folder as plain data.

    Raises
    ------
    ReportError
        If the folder has no readable manifest.
    """
    return _read(Path(folder))[1]


def _read(folder: Path) -> tuple[bytes, dict[str, Any]]:
    where = f"folder {folder.name!r}"
    try:
        raw = (folder / MANIFEST_NAME).read_bytes()
    except OSError as error:
        found = f"it has no {MANIFEST_NAME}"
        raise ReportError(Fault(where=where, found=found, remedy="the folder that a run wrote")) from error
    try:
        manifest = json.loads(raw)
        whole = all(
            isinstance(entry["sha256"], str) and isinstance(entry["bytes"], int)
            for entry in manifest["outputs"].values()
        ) and isinstance(manifest["package"]["version"], str)
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise ReportError(Fault(where=f"{where}: {MANIFEST_NAME}", found="it is no manifest of this package"))
    return raw, manifest


def _differences(recorded: Mapping[str, Mapping[str, Any]], there: Mapping[str, Path]) -> list[Fault]:
    faults = []
    for name in sorted({*recorded, *there}):
        where = f"file {name!r}"
        if name not in there:
            faults.append(Fault(where=where, found="it is missing"))
        elif there[name].is_symlink():
            faults.append(Fault(where=where, found="it is a link, not a file"))
        elif name not in recorded:
            faults.append(Fault(where=where, found="it is not listed in the manifest"))
        else:
            faults += _content_fault(where, there[name], recorded[name])
    return faults


def _content_fault(where: str, path: Path, entry: Mapping[str, Any]) -> list[Fault]:
    try:
        data = path.read_bytes()
    except OSError:
        return [Fault(where=where, found="it can't be read")]
    if sha256_of(data) == entry["sha256"]:
        return []
    found = f"its content was changed: {len(data)} bytes now, {entry['bytes']} recorded"
    return [Fault(where=where, found=found)]
