"""From an analysis file to a folder with the report, its figures, its numbers and its manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from coprodstats.errors import Fault, ManifestMismatchError, ReportError
from coprodstats.reporting.document import Document
from coprodstats.reporting.findings import Findings, compute
from coprodstats.reporting.formats import check_templates
from coprodstats.reporting.manifest import read_manifest, sha256_of, verify
from coprodstats.reporting.plan import read_plan
from coprodstats.reporting.publishing import run_files, templates
from coprodstats.reporting.writing import write_folder
from coprodstats.survey.display import record_html

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunResult:
    """What a run found and where it was written.

    Attributes
    ----------
    findings
        All numbers.
    document, briefing
        The report and the briefing in the first language.
    folder
        The folder that holds ``report.html`` and ``briefing.html`` (and both in the plan's other formats),
        ``press.txt``, ``figures/``, ``results/`` and ``manifest.json``; further languages have folders of
        their own in it.
    files
        Length in bytes of each file.
    """

    findings: Findings
    document: Document
    briefing: Document
    folder: Path
    files: Mapping[str, int]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the codebook, the survey file and the weights give to think about."""
        return self.findings.cleaned.warnings

    def _repr_html_(self) -> str:
        return record_html(
            self,
            facts={"folder": str(self.folder)},
            tables={"files": [{"file": file, "bytes": size} for file, size in self.files.items()]},
        )


def run_analysis(
    path: str | Path, *, out: str | Path | None = None, progress: Progress | None = None
) -> RunResult:
    """Run an analysis file: read, clean, fit, compare, test claims, write the report.

    Parameters
    ----------
    path
        The analysis file (TOML).
    out
        The output folder; by default the one that the file names.
    progress
        Called with what is done next.

    Returns
    -------
    RunResult
        The numbers, the document and the folder.

    Raises
    ------
    CoprodstatsError
        If anything is wrong; nothing is written then, and an earlier output stays as it was.
    """
    say = progress or (lambda _: None)
    plan = read_plan(path)
    check_templates(templates(plan))
    folder = Path(out) if out is not None else plan.output
    findings = compute(plan, progress=say)
    first, files = run_files(findings, progress=progress)
    say("writing the folder")
    write_folder(files, folder)
    return RunResult(
        findings=findings,
        document=first.report,
        briefing=first.briefing,
        folder=folder,
        files={name: len(data) for name, data in sorted(files.items())},
    )


def reproduce(
    folder: str | Path, path: str | Path | None = None, *, progress: Progress | None = None
) -> list[str]:
    """Run an analysis again and compare with what a folder holds, writing nothing.

    Parameters
    ----------
    folder
        A folder that a run wrote.
    path
        The analysis file that it was made from; by default the one below the working directory whose hash the
        manifest records.
    progress
        Called with what is done next.

    Returns
    -------
    list of str
        The names of the files, all of which came out the same.

    Raises
    ------
    ManifestMismatchError
        Naming each file that comes out different.
    ReportError
        If the folder has no readable manifest, or its analysis file isn't found.
    """
    verify(folder)
    findings = compute(read_plan(path or _analysis_of(Path(folder))), progress=progress)
    _, files = run_files(findings, progress=progress)
    there = Path(folder)
    faults = [
        Fault(where=name, found=found, remedy="compare package versions and inputs in manifest.json")
        for name, data in sorted(files.items())
        for found in [_difference(there / name, data)]
        if found
    ]
    if faults:
        raise ManifestMismatchError(*faults)
    return sorted(files)


def _analysis_of(folder: Path) -> Path:
    """Return the analysis file that a folder was made from: found by its hash, as no path is recorded."""
    wanted = read_manifest(folder)["analysis_sha256"]
    for file in sorted(Path.cwd().rglob("*.toml")):
        if (
            not any(part.startswith(".") for part in file.parts[1:])
            and sha256_of(file.read_bytes()) == wanted
        ):
            return file
    raise ReportError(
        Fault(
            where=f"folder {folder.name!r}",
            found="no TOML file below the working directory is the analysis that it was made from",
            remedy="name it: coprodstats reproduce FOLDER ANALYSIS.toml",
        )
    )


def _difference(file: Path, data: bytes) -> str:
    if not file.is_file():
        return "this run makes it, and the folder doesn't hold it"
    return "" if file.read_bytes() == data else "it comes out different"
