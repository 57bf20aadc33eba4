"""What a survey gives to think about, as part of its report: a paragraph for each warning."""

from __future__ import annotations

from coprodstats.reporting.document import Block, Paragraph
from coprodstats.reporting.language import said
from coprodstats.reporting.words import Words
from coprodstats.survey.cleaning import CleanedSurvey


def survey_warnings(cleaned: CleanedSurvey, words: Words) -> list[Block]:
    """Return a paragraph for each warning, or nothing if there is none.

    Parameters
    ----------
    cleaned
        The survey.
    words
        Its labels.
    """
    return [
        Paragraph(text=said("warnings.one", text=words.statement(warning))) for warning in cleaned.warnings
    ]
