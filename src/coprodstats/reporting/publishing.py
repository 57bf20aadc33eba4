"""The files of a run: report, briefing and press line in every format and language, figures, results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from coprodstats import __version__
from coprodstats.reporting.briefing import build_briefing
from coprodstats.reporting.document import Document
from coprodstats.reporting.findings import Findings
from coprodstats.reporting.formats import render_formats
from coprodstats.reporting.language import speaking
from coprodstats.reporting.manifest import manifest_bytes
from coprodstats.reporting.plan import AnalysisPlan
from coprodstats.reporting.press import press_line
from coprodstats.reporting.report import build_report
from coprodstats.reporting.result_frames import result_frames
from coprodstats.reporting.run_manifest import run_manifest
from coprodstats.reporting.translation import translated
from coprodstats.reporting.writing import MANIFEST_NAME, frame_to_csv

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What one language has of a run.

    Attributes
    ----------
    report, briefing
        The documents.
    press
        A paragraph to send out.
    """

    report: Document
    briefing: Document
    press: str


def publication(findings: Findings, code: str) -> Publication:
    """Return the documents of a run in a language of its plan.

    Parameters
    ----------
    findings
        All numbers.
    code
        The language.
    """
    with speaking(code):
        said = translated(findings, code)
        briefing = build_briefing(said, version=__version__)
        report = build_report(said, version=__version__, beside={"briefing.html": briefing})
        return Publication(report=report, briefing=briefing, press=press_line(said))


def publications(findings: Findings, *, progress: Progress | None = None) -> dict[str, Publication]:
    """Return the documents of a run by language, in the order of its plan.

    Parameters
    ----------
    findings
        All numbers.
    progress
        Called with what is laid out next.
    """
    made = {}
    for code in findings.plan.languages:
        if progress:
            progress(f"laying out the report and the briefing{_told(findings.plan, code)}")
        made[code] = publication(findings, code)
    return made


def run_files(
    findings: Findings, made: Mapping[str, Publication], *, progress: Progress | None = None
) -> dict[str, bytes]:
    """Return all files of a run by name, the manifest included.

    The first language stands in the folder itself, each further one in a folder of its own; results, which
    hold names and no language, are there once.

    Parameters
    ----------
    findings
        All numbers.
    made
        The documents by language.
    progress
        Called with what is written next.
    """
    plan = findings.plan
    results = {f"{name}.csv": frame_to_csv(frame) for name, frame in result_frames(findings).items()}
    files = {f"results/{name}": data for name, data in results.items()}
    for code, documents in made.items():
        folder = "" if code == plan.languages[0] else f"{code}/"

        def say(step: str, told: str = _told(plan, code)) -> None:
            if progress:
                progress(f"{step}{told}")

        published = _published(documents, plan, results, progress=say)
        files |= {f"{folder}{name}": data for name, data in published.items()}
    files[MANIFEST_NAME] = manifest_bytes(run_manifest(findings, files))
    return files


def _told(plan: AnalysisPlan, code: str) -> str:
    return f" ({code})" if len(plan.languages) > 1 else ""


def _published(
    made: Publication, plan: AnalysisPlan, results: Mapping[str, bytes], *, progress: Progress
) -> dict[str, bytes]:
    files = {"press.txt": f"{made.press}\n".encode()}
    for document in (made.report, made.briefing):
        files |= render_formats(
            document, plan.formats, results=results, templates=templates(plan), progress=progress
        )
        files |= {f"figures/{figure.key}.svg": figure.svg.encode() for figure in document.figures()}
    return files


def templates(plan: AnalysisPlan) -> dict[str, bytes]:
    """Return the files that give formats their look, by format."""
    return {} if plan.docx_template is None else {"docx": plan.docx_template.read_bytes()}
