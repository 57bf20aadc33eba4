"""One paragraph for the press: what was found, and what kind of finding it is."""

from __future__ import annotations

from coprodstats.reporting.findings import Findings
from coprodstats.reporting.headlines import headlines
from coprodstats.reporting.language import say


def press_line(findings: Findings) -> str:
    """Return a paragraph that can be sent out: it says first if the data are synthetic.

    Parameters
    ----------
    findings
        All numbers.
    """
    codebook = findings.cleaned.codebook
    about = "press.synthetic" if codebook.synthetic else "press.survey"
    survey = say(about, survey=codebook.title or findings.cleaned.source, n=findings.cleaned.log.rows_kept)
    return " ".join([survey, *(headline.text for headline in headlines(findings)), say("press.link")])
