"""The page docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
from bench_data import Survey
from bench_goals import goals_table
from bench_measured import Measured
from bench_peers import r_versions
from replicates import Replicated, section

INTRODUCTION = """\
# Benchmarks

Written by `python bench/bench.py` (`make bench`), not by hand. Seconds of several fits of the same data: 15
columns in the design matrix, five ordered categories or two, 30 strata, 240 PSUs, unequal weights.
*Numbers*: ten continuous and five binary predictors, no two respondents alike; *categories*: five factors of
four levels. Wall seconds are what one waits for; processor seconds (user and system) show what several
threads, or a busy machine, hide.
"""
READING = """\
## How to read this

- Ours is timed from the call with a formula and a DataFrame and includes the checks of the design, the proof
  that a maximum exists (no separation), the settling of the maximum beyond the last bit, and the covariance
  under strata, PSUs and weights. No peer looks for separation. statsmodels gets finished arrays; R and svy
  get a formula or names of columns, and a design that was declared beforehand, which is not in their time.
- "Times ours" is by median wall seconds: above 1 means slower than ours. As a machine's pace changes by
  half within seconds, a program that does not take long is timed in five rounds, and ours before and after
  each of them; "times ours" is by these, and the first line has all of them.
- statsmodels' clustered GLM knows PSUs and weights but no strata; its OrderedModel has no weights.
- `svyolr`, `polr` and OrderedModel stop at the tolerance of their general optimiser, svy at 1e-8: the last
  column shows the digits that costs.
- The floor is the time to form X'WX and X'r, in blocks that fit the processor's cache, as often as ours
  iterates on all rows. Respondents who are alike in outcome and predictors are fitted together, so that the
  time for categories may be below it.
- Memory is the peak of what Python and numpy allocate during a fit, above what was there before (tracemalloc;
  buffers of compiled libraries are not seen), in units of the design matrix, n × 15 doubles.
- *Row by row* are our fits of categories with respondents who are alike not fitted together; *as many rows of
  numbers* those of the other survey.
- Sums by group over 200,000 rows and more are made on two threads. Threads over the blocks of a fit, and
  over its columns, were tried: they made it slower.

## Not measured

- The time to import the package, reading and cleaning, margins and comparisons, reports.
- Other links, missing answers, replicate weights of other sizes.
- Other machines, other BLAS libraries, more than one fit at a time, more than one BLAS thread.
"""


def page(
    measured: list[Measured], replicated: Replicated, load: float, *, with_r: bool, with_svy: bool
) -> str:
    """Return the page as Markdown."""
    lines = [INTRODUCTION, *goals_table(measured, replicated), *_machine(load, with_r=with_r)]
    lines += _summary(measured)
    for one in measured:
        for model in one.floors:
            lines += _table(one, model)
    lines.append(section(replicated))
    absent = [name for name, there in (("R's programs", with_r), ("svy", with_svy)) if not there]
    without = "".join(f"- {name}: not installed, or not asked for.\n" for name in absent)
    return "\n".join([*lines, READING]) + without


def _summary(measured: list[Measured]) -> list[str]:
    lines = [
        "## Ours at a glance",
        "",
        "| data | model | wall seconds | CPU seconds | times the floor | peak memory / design matrix |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for one in measured:
        for model, least in one.floors.items():
            ours = next(t for t in one.timings if t.model == model)
            share = one.peaks[model] / one.survey.design_matrix_mb
            lines.append(
                f"| {_data(one.survey)} | {model} | {ours.median:.4f} | {ours.median_cpu:.4f} "
                f"| {ours.median / least:.1f} | {share:.2f} |"
            )
    return [*lines, ""]


def _data(survey: Survey) -> str:
    return f"{survey.name}, n = {survey.n:,}"


def _table(one: Measured, model: str) -> list[str]:
    timings = [t for t in one.timings if t.model == model]
    base = timings[0]
    lines = [
        f"## {model}: {_data(one.survey)}",
        "",
        "| program | wall seconds (median) | fastest | CPU seconds (median) | repeats | times ours "
        "| largest difference of a slope |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for t in timings:
        if t.note:
            lines.append(f"| {t.program} | {t.note} | | | | | |")
            continue
        gap = "" if t is base or t.slopes is None else f"{np.abs(t.slopes - base.slopes).max():.1e}"
        times = 1.0 if t is base else t.times_ours
        lines.append(
            f"| {t.program} | {t.median:.4f} | {min(t.wall):.4f} | {t.median_cpu:.4f} | {len(t.wall)} "
            f"| {times:.2f} | {gap} |"
        )
    least = one.floors[model]
    share = least / base.median
    lines.append(
        f"| floor: X'WX and X'r, {one.iterations[model]} times | {least:.4f} | | | | {share:.3f} | |"
    )
    return [*lines, ""]


def _machine(load: float, *, with_r: bool) -> list[str]:
    packages = ("numpy", "scipy", "pandas", "formulaic", "statsmodels")
    versions = ", ".join(f"{p} {version(p)}" for p in packages)
    lines = [
        "## Where this was measured",
        "",
        f"Machine: {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}.",
        f"Load average {load:.1f} when it began: above the number of cores the times are somewhat too long.",
        f"Python {platform.python_version()}, {versions}.",
        f"BLAS threads: {os.environ['OPENBLAS_NUM_THREADS']}.",
    ]
    if with_r:
        lines.append(f"{r_versions()}.")
    return [*lines, ""]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
