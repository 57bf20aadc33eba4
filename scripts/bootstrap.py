"""Make the virtual environment .venv from a lock file. The Makefile calls this; standard library only.

    python3 scripts/bootstrap.py run     what the report needs (requirements.lock)
    python3 scripts/bootstrap.py dev     that, and the tools of tests and checks (requirements-dev.lock)

It does nothing if .venv already is what the lock says. A .venv of its own that was interrupted, moved or made
from another lock is made anew; one that somebody else made is used as it is if it holds the locked packages,
and completed if it does not. The record of what was done, .venv/coprodstats.json, is completed last.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
RECORD = VENV / "coprodstats.json"
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}
OLDEST = (3, 11)
NEEDED_MB = 1_500
# What pip says when it has no way to its index.
UNREACHABLE = (
    "NewConnectionError", "ConnectTimeout", "ReadTimeout", "ProxyError", "Connection refused",
    "Network is unreachable", "Name or service not known", "Temporary failure in name resolution",
)  # fmt: skip


def say(text=""):
    """Print one line at once, also into a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _newer_python():
    """Return the path of a Python on this machine that is new enough, or None."""
    for minor in (14, 13, 12, 11):
        path = shutil.which("python3.{}".format(minor))  # noqa: UP032  (read by old Pythons)
        if path and subprocess.call([path, "-c", ""], stderr=subprocess.DEVNULL) == 0:  # noqa: S603
            return path
    return None


# Everything above is understood by any Python 3; what is below may not be.
if sys.version_info < OLDEST and __name__ == "__main__":
    found = "{} is Python {}.{}".format(sys.executable, *sys.version_info[:2])
    newer = _newer_python()
    if newer is None:
        say("coprodstats needs Python 3.11 or newer; " + found + ".")
        say("Install one and name it:   make PYTHON=python3.12")
        sys.exit(2)
    say(found + ", which is too old; using " + newer + ".")
    os.execv(newer, [newer] + sys.argv)  # noqa: RUF005, S606  (the newer Python takes over)


class SetUpError(Exception):
    """What stopped the set-up, and what to do about it, in words for the screen."""


def main(arguments: list[str]) -> int:
    """Make .venv ready for ``run`` or ``dev`` and return the exit status."""
    if len(arguments) != 1 or arguments[0] not in LOCKS:
        say((__doc__ or "").strip())
        return 2
    try:
        with _alone():
            _make_ready(arguments[0])
    except SetUpError as problem:
        say()
        say(f"Set-up stopped: {problem}")
        return 2
    except KeyboardInterrupt:
        say()
        say("Set-up interrupted. Run make again: it starts .venv anew and keeps what was downloaded.")
        return 130
    return 0


@contextmanager
def _alone() -> Iterator[None]:
    """Hold a lock, so that two runs at once do not write into one .venv."""
    with Path(__file__).open("rb") as handle:
        try:
            import fcntl  # noqa: PLC0415  (absent on Windows)

            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Another set-up of this folder is under way; waiting for it …")
                fcntl.flock(handle, fcntl.LOCK_EX)
        except (ImportError, OSError):
            pass  # some network file systems lock nothing; then two runs are the user's to avoid
        yield


def _make_ready(purpose: str) -> None:
    record = read_record()
    wanted = fingerprint(purpose)
    reason = reason_to_rebuild(record, wanted, works=works())
    if reason:
        say(f"Making .venv anew: {reason}.")
        shutil.rmtree(VENV)
        record = {}
    if is_done(record, purpose, wanted):
        return
    if not VENV.exists():
        _create(wanted)
        record = read_record()
    lock = LOCKS[purpose]
    absent = lacking(read_lock(ROOT / lock), _installed())
    if absent:
        _install(lock, absent)
    _install_package()
    done = {*record.get("done", []), *(["run", "dev"] if purpose == "dev" else ["run"])}
    _write_record({**wanted, "ours": record.get("ours", False), "done": sorted(done)})
    say(f".venv is ready ({size_mb(VENV):,} MB).")


# --- what is there already ---


def read_record() -> dict:
    """Return the record of an earlier set-up, empty if there is none."""
    try:
        found = json.loads(RECORD.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def fingerprint(purpose: str) -> dict:
    """Return what a .venv made here and now for a purpose would be recorded as."""
    names = [LOCKS["run"]] if purpose == "run" else list(LOCKS.values())
    return {
        "root": str(ROOT),
        "python": ".".join(map(str, sys.version_info[:2])),
        "locks": {name: _sha256(ROOT / name) for name in names},
        "project": _sha256(ROOT / "pyproject.toml"),
    }


def reason_to_rebuild(record: dict, wanted: dict, *, works: bool) -> str:
    """Return why an existing .venv can't be kept, in words, or an empty string."""
    if not VENV.exists():
        return ""
    locks = record.get("locks", {})
    changed = [name for name, digest in wanted["locks"].items() if locks.get(name, digest) != digest]
    ours = record.get("ours", False)  # somebody else's is completed, never thrown away while it works
    reasons = {
        "its Python doesn't run": not works,
        "an earlier set-up did not finish": ours and not record.get("done"),
        "the folder was moved": ours and record.get("root") != wanted["root"],
        f"it has not Python {wanted['python']}": ours and record.get("python") != wanted["python"],
        f"{' and '.join(changed)} changed": ours and bool(changed),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def is_done(record: dict, purpose: str, wanted: dict) -> bool:
    """Return whether an earlier set-up did all that is wanted now."""
    return (
        purpose in record.get("done", [])
        and record.get("project") == wanted["project"]
        and wanted["locks"].items() <= record.get("locks", {}).items()
    )


def works() -> bool:
    """Return whether .venv holds a Python that runs and is new enough."""
    asked = "import sys; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)"
    try:
        return subprocess.run([venv_python(), "-c", asked], capture_output=True, check=False).returncode == 0  # noqa: S603
    except OSError:
        return False


def venv_python() -> str:
    """Return the path of the interpreter in .venv."""
    inside = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return str(VENV.joinpath(*inside))


def read_lock(path: Path) -> dict[str, str]:
    """Return the packages that a lock names for this Python on this machine, with their versions."""
    packages = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        pinned = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*([^\\]+))?", line)
        if pinned and applies((pinned[3] or "").strip()):
            packages[canonical(pinned[1])] = pinned[2]
    return packages


def applies(marker: str) -> bool:
    """Return whether a marker such as ``python_full_version < '3.12'`` holds here.

    Only what the locks contain is understood; anything else counts as true, and pip decides.
    """
    parts = re.fullmatch(r"(\w+) (<|>=|==|!=) '([^']*)'", marker)
    if parts is None:
        return True
    here = {"sys_platform": sys.platform, "platform_python_implementation": _implementation()}
    if parts[1] in here:
        return (here[parts[1]] == parts[3]) == (parts[2] == "==")
    if parts[1] != "python_full_version":
        return True
    bound, ours = tuple(map(int, parts[3].split("."))), sys.version_info[:3]
    return ours < bound if parts[2] == "<" else ours >= bound


def _implementation() -> str:
    return {"cpython": "CPython", "pypy": "PyPy"}.get(sys.implementation.name, sys.implementation.name)


def lacking(wanted: dict[str, str], installed: dict[str, str]) -> list[str]:
    """Return the packages that are absent or have another version."""
    return [name for name, version in wanted.items() if installed.get(name) != version]


def canonical(name: str) -> str:
    """Return a package's name in the one spelling that all its spellings share."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed() -> dict[str, str]:
    asked = (
        "import importlib.metadata as m, json;"
        "print(json.dumps({d.metadata['Name']: d.version for d in m.distributions() if d.metadata['Name']}))"
    )
    found = subprocess.run([venv_python(), "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603
    return {canonical(name): version for name, version in json.loads(found.stdout).items()}


def size_mb(folder: Path) -> int:
    """Return the size of a folder in megabytes."""
    return sum(f.lstat().st_size for f in folder.rglob("*") if not f.is_dir()) // 1_000_000


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_record(record: dict) -> None:
    draft = RECORD.with_suffix(".draft")
    draft.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    draft.replace(RECORD)


# --- what is made ---


def _create(wanted: dict) -> None:
    free = shutil.disk_usage(ROOT).free // 1_000_000
    if free < NEEDED_MB:
        raise SetUpError(f"{free:,} MB are free on this disk, and about {NEEDED_MB:,} MB are needed.")
    with_pip = _can_bundle_pip()
    say(f"Making .venv with Python {sys.version.split()[0]} …")
    VENV.mkdir()
    _write_record({**wanted, "ours": True, "done": []})
    command = [sys.executable, "-m", "venv", *([] if with_pip else ["--without-pip"]), str(VENV)]
    made = subprocess.run(command, capture_output=True, text=True, env=_environment(), check=False)  # noqa: S603
    if made.returncode != 0:
        last = (made.stdout + made.stderr).strip().splitlines()[-1:]
        raise SetUpError(f"Python could not make .venv ({' '.join(last)}).")


def _can_bundle_pip() -> bool:
    """Return whether venv can bring pip along; where it can't, find another way or say what to do.

    Debian's python3 comes without ensurepip, which is in the package python3-venv.
    """
    if _has_ensurepip():
        return True
    if _system_pip():
        return False
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    debian = shutil.which("apt-get") is not None and sys.base_prefix == "/usr"
    if debian and os.name == "posix" and os.geteuid() == 0:
        say(f"This Python can't make virtual environments yet: installing Debian's package {package} …")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
            subprocess.run(["apt-get", *step], env=quiet, stdin=subprocess.DEVNULL, check=False)  # noqa: S603, S607
        if _has_ensurepip():
            return True
    remedy = f"sudo apt-get install {package}" if debian else f"{sys.executable} -m ensurepip"
    raise SetUpError(
        "this Python can't make virtual environments (it has neither ensurepip nor pip).\n"
        f"Run this, then make again:   {remedy}"
    )


def _has_ensurepip() -> bool:
    # Debian leaves the module in place and takes the wheels out, so that importing it is not enough.
    asked = "import ensurepip; ensurepip.version()"
    return subprocess.run([sys.executable, "-c", asked], capture_output=True, check=False).returncode == 0  # noqa: S603


def _system_pip() -> bool:
    """Return whether this Python has a pip that can install into another environment (22.3)."""
    found = subprocess.run(
        [sys.executable, "-m", "pip", "--version"], capture_output=True, text=True, check=False
    )
    version = re.match(r"pip (\d+)\.(\d+)", found.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= (22, 3)


def _pip() -> list[str]:
    """Return the command that installs into .venv."""
    inside = [venv_python(), "-m", "pip"]
    if subprocess.run([*inside, "--version"], capture_output=True, check=False).returncode == 0:  # noqa: S603
        return inside
    if _system_pip():
        return [sys.executable, "-m", "pip", "--python", venv_python()]
    if subprocess.run([venv_python(), "-m", "ensurepip"], capture_output=True, check=False).returncode == 0:  # noqa: S603
        return inside
    raise SetUpError("there is no pip in .venv. Delete the folder .venv and run make again.")


def _install(lock: str, absent: list[str]) -> None:
    n = len(absent)
    about = "about 500 MB on disk" if n > 20 else "small ones"
    say(f"Installing {n} packages ({about}) from {lock}; a few minutes the first time …")
    # --no-deps: the lock is complete. Only wheels: nothing is compiled, no code of a package runs.
    options = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", lock]
    _run_pip(["install", *options], f"the packages in {lock} could not be installed", absent)


def _install_package() -> None:
    say("Installing coprodstats itself …")
    options = ["--no-deps", "--no-build-isolation", "--quiet", "-e", "."]
    _run_pip(["install", *options], "coprodstats itself could not be installed", [])


def _run_pip(arguments: list[str], failure: str, expected: Iterable[str]) -> None:
    """Run pip, say which package it is at, and keep all it said for when it fails."""
    wanted = set(expected)
    seen: set[str] = set()
    heard: list[str] = []
    with subprocess.Popen(  # noqa: S603
        [*_pip(), *arguments],
        cwd=ROOT,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            heard.append(line)
            at = package_in(line)
            if at is not None and at[0] in wanted - seen:
                seen.add(at[0])
                say(f"  {len(seen):>3}/{len(wanted)}  {at[0]} {at[1]}")
            elif line.startswith("Installing collected packages"):
                say("  all there; unpacking (a minute or two) …")
    if process.returncode != 0:
        raise SetUpError(f"{failure}.\n{explained(heard)}")


def package_in(line: str) -> tuple[str, str] | None:
    """Return the package and version that a line of pip's is about, if it begins work on one."""
    found = re.match(r"Collecting ([A-Za-z0-9._-]+)==([^\s;]+)", line) or re.match(
        r"Processing (?:.*/)?([A-Za-z0-9._]+)-([^-/]+)-[^/]*\.whl", line
    )
    return (canonical(found[1]), found[2]) if found else None


def explained(heard: list[str]) -> str:
    """Return what pip said, with what to do where the cause is plain."""
    text = "".join(heard)
    last = "".join(f"  {line.rstrip()}\n" for line in heard[-6:])
    said = f"pip's last words:\n{last}"
    if any(sign in text for sign in UNREACHABLE):
        return (
            "The package index can't be reached: is this machine online? Behind a proxy or with a mirror,\n"
            f"set https_proxy or PIP_INDEX_URL. Then run make again; what was downloaded is kept.\n{said}"
        )
    if "DO NOT MATCH THE HASHES" in text:
        return f"A package is not the one that the lock names. Nothing of it was installed.\n{said}"
    if "No space left" in text:
        return f"The disk is full; about {NEEDED_MB:,} MB are needed.\n{said}"
    if "No matching distribution" in text:
        here = f"Python {sys.version.split()[0]} on {sys.platform}"
        return f"The lock has no ready-made package for {here}. Try another:   make PYTHON=python3.12\n{said}"
    return f"Run make again once this is mended.\n{said}"


def _environment() -> dict[str, str]:
    """Return the environment without settings that would send packages elsewhere than to .venv."""
    astray = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV")
    kept = {name: value for name, value in os.environ.items() if name not in astray}
    return {
        **kept,
        "PIP_USER": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PYTHONUNBUFFERED": "1",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
