"""What was measured on one survey."""

from __future__ import annotations

from dataclasses import dataclass

from bench_data import Survey
from bench_time import Timing

# Ours, with respondents who are alike not fitted together.
ROW_BY_ROW = "coprodstats, row by row"
# Ours, of the survey of numbers, in which no two are alike.
OF_NUMBERS = "coprodstats, as many rows of numbers"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What was measured on one survey, by model: ours is the first timing of each model.

    Attributes
    ----------
    survey
        The survey.
    timings
        Times of all programs.
    floors
        Seconds that X'WX and X'r take as often as ours iterates.
    peaks
        Megabytes that our fit allocates at most.
    iterations
        How often ours iterates.
    """

    survey: Survey
    timings: list[Timing]
    floors: dict[str, float]
    peaks: dict[str, float]
    iterations: dict[str, int]

    def ours(self, model: str) -> Timing:
        """Return our times on one model."""
        return next(t for t in self.timings if t.model == model)

    def ratio(self, model: str, program: str) -> float | None:
        """Return how many times our wall seconds a program takes, None if it was not run."""
        theirs = [t for t in self.timings if t.model == model and t.program.startswith(program) and t.wall]
        return theirs[0].times_ours if theirs else None
