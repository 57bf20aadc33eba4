"""What the numbers of a fitted model are called: by its family and link, never by habit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from coprodstats.models.results import FittedModel
from coprodstats.reporting.language import say
from coprodstats.reporting.table import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureWords:
    """How the numbers of some models are written and what stands under them.

    Attributes
    ----------
    role, digits
        As of a table's column.
    note
        What the numbers are.
    difference_note
        What their differences are.
    several_note
        What the differences of several comparisons beside each other are.
    ratio
        What an exponentiated slope is called; empty where it has no name.
    """

    role: Role
    digits: int
    note: str = ""
    difference_note: str
    several_note: str = ""
    ratio: str = ""


def fit_measure(model: FittedModel) -> str:
    """Return what `FittedModel.prsquared` is: McFadden's measure of probabilities, or R² of a mean."""
    return say("tables.mcfadden") if model.categories else say("tables.r_squared")


def coefficient_words(models: Iterable[FittedModel]) -> MeasureWords:
    """Return the words for coefficients of models that stand side by side.

    Slopes are exponentiated under the logit link alone, where that is an odds ratio.
    """
    links = {model.link.name for model in models}
    ratio = say("tables.odds_ratio") if links == {"logit"} else ""
    if links == {"identity"}:
        unit = say("tables.difference_units")
        return MeasureWords(
            role="number", digits=3, note=say("tables.models_note_mean"), difference_note=unit
        )
    note = say("tables.models_note", ratio=ratio) if ratio else say("tables.models_note_link")
    return MeasureWords(
        role="number", digits=3, note=note, difference_note=say("tables.difference_link"), ratio=ratio
    )


def margin_words(models: Iterable[FittedModel]) -> MeasureWords:
    """Return the words for margins of models: percentage points of a probability, or units of a mean."""
    if all(model.categories for model in models):
        return MeasureWords(
            role="points",
            digits=1,
            difference_note=say("tables.difference_points"),
            several_note=say("tables.sensitivity_points"),
        )
    return MeasureWords(
        role="number",
        digits=2,
        difference_note=say("tables.difference_units"),
        several_note=say("tables.sensitivity_units"),
    )
