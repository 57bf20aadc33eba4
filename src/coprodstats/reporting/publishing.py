"""The files of a run: report, briefing and press line in every format and language, figures, results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

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
from coprodstats.reporting.side_process import side_processes
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


def run_files(
    findings: Findings, *, progress: Progress | None = None
) -> tuple[Publication, dict[str, bytes]]:
    """Return the documents of the first language, and all files of a run by name, the manifest included.

    The first language stands in the folder itself, each further one in a folder of its own; results, which
    hold names and no language, are there once. Further languages are made on other cores.

    Parameters
    ----------
    findings
        All numbers.
    progress
        Called with what is made next.
    """
    say = progress or (lambda _: None)
    plan = findings.plan
    results = {f"{name}.csv": frame_to_csv(frame) for name, frame in result_frames(findings).items()}
    files = {f"results/{name}": data for name, data in results.items()}
    first, *further = plan.languages

    def made(code: str) -> dict[str, bytes]:
        return _files_of(publication(findings, code), plan, results, progress=lambda _: None)

    with side_processes({code: partial(made, code) for code in further}) as others:
        say("laying out the report and the briefing")
        published = publication(findings, first)
        files |= _files_of(published, plan, results, progress=say)
        for code, wait in others.items():
            say(f"writing in another language: {code}")
            files |= {f"{code}/{name}": data for name, data in wait().items()}
    files[MANIFEST_NAME] = manifest_bytes(run_manifest(findings, files))
    return published, files


def _files_of(
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
