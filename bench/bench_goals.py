"""What was aimed at, beside what was measured in the same run."""

from __future__ import annotations

from collections.abc import Iterator

from bench_measured import OF_NUMBERS, ROW_BY_ROW, Measured
from replicates import Replicated

SIZES = (50_000, 1_000_000)
# Model, program, and how many times our seconds it should take at least, on numbers.
RATIOS = (
    ("ordinal, unweighted", "R ordinal::clm", 10.0),
    ("ordinal, unweighted", "R MASS::polr", 40.0),
    ("ordinal, unweighted", "statsmodels OrderedModel", 150.0),
    ("ordinal, design", "R survey::svyolr", 35.0),
    ("binary, design", "svy", 1.5),
    ("binary, design", "R survey::svyglm", 10.0),
)
# Peak memory of a fit of a million rows in units of the design matrix, and what shared rows gain there.
MOST_MEMORY = 2.0
LEAST_GAIN = 10.0
# Replicate fits: how many times our processor seconds R should take, and how many seconds ours may.
REPLICATES = 1_000
LEAST_OF_R = 80.0
MOST_SECONDS = 1.0

Row = tuple[str, str, str]


def goals_table(measured: list[Measured], replicated: Replicated) -> list[str]:
    """Return the table of goals, as lines of Markdown."""
    rows = [*_ratios(measured), *_of_a_million(measured), *_of_replicates(replicated)]
    return [
        "## Goals",
        "",
        "Ratios are of median wall seconds in this run: how many times ours, timed right before and after, "
        "another program takes.",
        "",
        "| goal | measured | met |",
        "|---|---:|---|",
        *(f"| {goal} | {found} | {met} |" for goal, found, met in rows),
        "",
    ]


def _row(goal: str, found: float | None, limit: float, *, at_most: bool = False, unit: str = "") -> Row:
    if found is None:
        return goal, "not measured", "unknown"
    met = found <= limit if at_most else found >= limit
    return goal, f"{found:.2f}{unit}", "yes" if met else "no"


def _on(measured: list[Measured], name: str, n: int) -> Measured | None:
    return next((one for one in measured if (one.survey.name, one.survey.n) == (name, n)), None)


def _ratios(measured: list[Measured]) -> Iterator[Row]:
    for n in SIZES:
        one = _on(measured, "numbers", n)
        for model, program, least in RATIOS:
            found = None if one is None else one.ratio(model, program)
            yield _row(f"{model}, n = {n:,}: {program} at least {least:g} times", found, least)


def _of_a_million(measured: list[Measured]) -> Iterator[Row]:
    plain, shared = (_on(measured, name, SIZES[-1]) for name in ("numbers", "categories"))
    for model in ("binary, design", "ordinal, design"):
        share = None if plain is None else plain.peaks[model] / plain.survey.design_matrix_mb
        goal = f"{model}, n = {SIZES[-1]:,}: peak memory at most {MOST_MEMORY:g} design matrices"
        yield _row(goal, share, MOST_MEMORY, at_most=True)
        gain = None if shared is None else shared.ratio(model, ROW_BY_ROW)
        goal = f"{model}, categories, n = {SIZES[-1]:,}: at least {LEAST_GAIN:g} times as fast as row by row"
        yield _row(goal, gain, LEAST_GAIN)
        gain = None if shared is None else shared.ratio(model, OF_NUMBERS)
        goal = f"{model}, categories, n = {SIZES[-1]:,}: at least {LEAST_GAIN:g} times as fast as numbers"
        yield _row(goal, gain, LEAST_GAIN)


def _of_replicates(replicated: Replicated) -> Iterator[Row]:
    whole = replicated.replicates == REPLICATES
    both, single, *others = replicated.rows
    theirs = next((row for row in others if row.program.startswith("R ")), None)
    ratio = theirs.cpu / single.cpu if whole and theirs is not None else None
    goal = f"{REPLICATES:,} replicate fits, n = 5,000: R survey::svyolr at least {LEAST_OF_R:g} times (CPU)"
    yield _row(goal, ratio, LEAST_OF_R)
    goal = f"{REPLICATES:,} replicate fits, n = 5,000: at most {MOST_SECONDS:g} s by two jobs"
    yield _row(goal, both.wall if whole else None, MOST_SECONDS, at_most=True, unit=" s")
