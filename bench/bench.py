"""Time our models beside those that people would otherwise use, and write docs/benchmarks.md.

    python bench/bench.py                          measure and write docs/benchmarks.md (some twenty minutes)
    python bench/bench.py --svy VENV/bin/python    with svy too, which needs an environment of its own
    python bench/bench.py --quick                  n = 5,000 and 100 replicates only, two repeats, print only

Ours are timed from the public call on a DataFrame to the fitted model. The peers are timed from data in
memory to the fitted model with its covariance: statsmodels from arrays, R inside R (bench.R), svy inside
svy (bench_svy.py).
"""

# ruff: noqa: T201  (what a command prints)

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from bench_data import DESIGN, FACTORS, Survey, categorical, numeric, write
from bench_measured import OF_NUMBERS, ROW_BY_ROW, Measured
from bench_page import page
from bench_peers import ORDERED_MODEL, R_PROGRAMS, design_matrix, from_r, from_svy, statsmodels_programs
from bench_time import Timing, peak_memory, timed
from replicates import measure as measure_replicates

import coprodstats as cps
from coprodstats.models.blocks import BLOCK_ROWS
from coprodstats.models.results import FittedModel

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
REPEATS = 30
# Another program is timed in so many rounds, and ours so often before and after each, as long as that takes
# less than so many seconds: a machine's pace changes within seconds.
ROUNDS = 5
BESIDE = 6
ENOUGH = 25.0
# Why a program is not run on some survey.
AS_BEFORE = "not run: it takes as long as on numbers"


def main(arguments: list[str] | None = None) -> int:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="n = 5,000, 100 replicates, print only")
    parser.add_argument("--svy", metavar="PYTHON", help="a Python that has svy, polars and pyarrow")
    options = parser.parse_args(arguments)
    if "OPENBLAS_NUM_THREADS" not in os.environ:
        # One thread: two are slower at these sizes, and wait for each other on a busy machine. The variable
        # is read when numpy loads, hence a fresh start.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)  # noqa: S606
    load = os.getloadavg()[0]
    with_r = shutil.which("Rscript") is not None
    plan: list[tuple[Callable[[int], Survey], int, dict[str, str]]] = [
        (numeric, 5_000, {}),
        (numeric, 50_000, {}),
        (numeric, 1_000_000, {}),
        (categorical, 50_000, {}),
        (
            categorical,
            1_000_000,
            dict.fromkeys(("R survey::svyolr", "R MASS::polr", ORDERED_MODEL), AS_BEFORE),
        ),
    ]
    measured = [
        measure(draw(n), 2 if options.quick else REPEATS, left_out, with_r=with_r, svy=options.svy)
        for draw, n, left_out in (plan[:1] if options.quick else plan)
    ]
    replicated = measure_replicates(quick=options.quick)
    text = page(measured, replicated, load, with_r=with_r, with_svy=options.svy is not None)
    print(text)
    if not options.quick:
        PAGE.write_text(text, encoding="utf-8")
        print(f"wrote {PAGE.relative_to(PAGE.parents[1])}")
    return 0


def measure(
    survey: Survey, repeats: int, left_out: dict[str, str], *, with_r: bool, svy: str | None
) -> Measured:
    """Time all programs on one survey."""
    print(f"n = {survey.n:,}, {survey.name}")
    fits = our_fits(survey)
    ours = {model: timed(model, _our_name(model), fit, our_slopes, repeats) for model, fit in fits.items()}
    models = {model: fit() for model, fit in fits.items()}
    peaks = {model: peak_memory(fit) for model, fit in fits.items()}
    others: list[Timing] = []
    with tempfile.TemporaryDirectory() as folder:
        write(survey, Path(folder))
        of_round = -(-repeats // ROUNDS)
        for model, run in _others(survey, Path(folder), of_round, left_out, with_r=with_r, svy=svy):
            beside = partial(timed, model, "  coprodstats", fits[model], our_slopes, BESIDE)
            near, found, start = beside(), run(), time.perf_counter()
            near = near.with_more(beside())
            for _ in range(ROUNDS - 1):
                if time.perf_counter() - start + sum(found.wall) > ENOUGH:
                    break
                found = found.with_more(run())
                near = near.with_more(beside())
            ours[model] = ours[model].with_more(near)
            others.append(replace(found, beside=near.wall))
    others += [Timing(model=_model_of(p), program=p, note=why) for p, why in left_out.items()]
    return Measured(
        survey=survey,
        timings=[*ours.values(), *others],
        floors={name: floor(survey, model) for name, model in models.items()},
        peaks=peaks,
        iterations={name: model.convergence.iterations for name, model in models.items()},
    )


def _others(
    survey: Survey, folder: Path, repeats: int, left_out: dict[str, str], *, with_r: bool, svy: str | None
) -> Iterator[tuple[str, Callable[[], Timing]]]:
    """Yield what each of the other programs fits, and what times it."""
    if survey.predictors == FACTORS:
        for model, fit in our_fits(survey).items():
            yield model, partial(_row_by_row, model, fit, repeats)
        for model, fit in our_fits(numeric(survey.n)).items():
            if "design" in model:
                yield model, partial(timed, model, OF_NUMBERS, fit, _no_slopes, repeats)
    yield from statsmodels_programs(survey, repeats, ordered=ORDERED_MODEL not in left_out).items()
    for program, model in R_PROGRAMS.items():
        if with_r and program not in left_out:
            yield model, partial(from_r, program, folder, repeats)
    if svy is not None:
        yield "binary, design", partial(from_svy, svy, folder, repeats)


def _row_by_row(model: str, fit: Callable[[], FittedModel], repeats: int) -> Timing:
    with patch("coprodstats.models.prepare.find_patterns", return_value=None):
        return timed(model, ROW_BY_ROW, fit, our_slopes, repeats)


def _no_slopes(_: FittedModel) -> None:
    """Return nothing: slopes of other predictors are not to be compared."""


def _our_name(model: str) -> str:
    return f"coprodstats {'ologit' if 'ordinal' in model else 'logit'}"


def our_fits(survey: Survey) -> dict[str, Callable[[], FittedModel]]:
    """Return the public calls, under the design and without one."""
    frame, right = survey.frame, survey.right
    return {
        "binary, design": lambda: cps.logit(f"event ~ {right}", frame, design=DESIGN),
        "binary, unweighted": lambda: cps.logit(f"event ~ {right}", frame, covariance="model"),
        "ordinal, design": lambda: cps.ologit(f"grade ~ {right}", frame, design=DESIGN),
        "ordinal, unweighted": lambda: cps.ologit(f"grade ~ {right}", frame, covariance="model"),
    }


def our_slopes(model: Any) -> np.ndarray:
    """Return a fitted model's slopes."""
    return model.params[[p.name for p in model.parameters if p.kind == "slope"]].to_numpy()


def _model_of(program: str) -> str:
    return R_PROGRAMS.get(program, "ordinal, unweighted")  # OrderedModel has no weights


def floor(survey: Survey, model: FittedModel) -> float:
    """Return the seconds that Newton's iterations take if they only form X'WX and X'r, as fast as it goes.

    Blocks of predictors stay in the processor's cache, so that memory is read once per iteration.
    """
    lines = np.ascontiguousarray(design_matrix(survey).T)
    w = survey.frame["weight"].to_numpy()
    work = np.empty((len(lines) + 1, BLOCK_ROWS))

    def once() -> None:
        for start in range(0, len(w), BLOCK_ROWS):
            part = slice(start, min(start + BLOCK_ROWS, len(w)))
            left = work[:, : part.stop - part.start]
            np.multiply(lines[:, part], w[part], out=left[:-1])
            left[-1] = w[part]
            _ = left @ lines[:, part].T

    times = []
    for _ in range(9):
        start = time.perf_counter()
        once()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * model.convergence.iterations


if __name__ == "__main__":
    sys.exit(main())
