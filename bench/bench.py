"""Time our models beside those that people would otherwise use, and write docs/benchmarks.md.

    python bench/bench.py            measure and write docs/benchmarks.md
    python bench/bench.py --quick    n = 5,000 only, two repeats, print only

Ours are timed from the public call on a DataFrame to the fitted model. The peers are timed from data in
memory to the fitted model with its covariance: statsmodels from arrays, R inside R (bench.R). Times are
processor seconds, which a busy machine disturbs least.
"""

# ruff: noqa: T201  (what a command prints)

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsmodels.miscmodels.ordinal_model import OrderedModel

import coprodstats as cps

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
SIZES = (5_000, 50_000)
PREDICTORS = tuple(f"x{j}" for j in range(1, 16))
CUTS = (-1.5, -0.5, 0.5, 1.5)
SEED = 20_080_918
DESIGN = cps.SurveyDesign(weights="weight", strata="stratum", psu="psu")
REPEATS = 5
R_VERSIONS = """
packages <- c("survey", "ordinal", "MASS")
versions <- sapply(packages, packageDescription, fields = "Version")
cat(R.version.string, "; ", paste(packages, versions, collapse = ", "), sep = "")
"""
INTRODUCTION = """\
# Benchmarks

Written by `python bench/bench.py` (`make bench`), not by hand. Processor seconds (user and system, one BLAS
thread) of several fits of the same data: 15 predictors, five ordered categories or two, 30 strata, 240 PSUs,
unequal weights. On an idle machine they are the seconds that one waits; on a busy one they move less.
"""
READING = """\
## How to read this

- Ours includes the formula, the checks of the design, the exact check for separation, the influences and the
  covariance under strata, PSUs and weights. No peer looks for separation. statsmodels gets finished arrays;
  R's programs take a formula and a data frame, as ours do.
- "Times ours" above 1 means slower than ours.
- statsmodels' clustered GLM knows PSUs and weights but no strata; its OrderedModel has no weights.
- `svyolr`, `polr` and OrderedModel stop at the tolerance of their general optimiser: the last column shows
  the digits that costs.

## Not measured

- Memory, the time to import the package, reading and cleaning, margins and comparisons, reports.
- Categorical predictors with many levels, other links, missing answers, replicate weights.
- Other machines, other BLAS libraries, more than one fit at a time, more than one BLAS thread.
"""
# A program that has used this many seconds is not repeated beyond three times.
PATIENCE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One program's times on one model."""

    n: int
    model: str
    program: str
    seconds: tuple[float, ...]
    slopes: np.ndarray | None

    @property
    def median(self) -> float:
        """Median processor seconds."""
        return statistics.median(self.seconds)


def main(arguments: list[str] | None = None) -> int:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="n = 5,000, two repeats, print only")
    options = parser.parse_args(arguments)
    sizes, repeats = ((SIZES[0],), 2) if options.quick else (SIZES, REPEATS)
    if "OPENBLAS_NUM_THREADS" not in os.environ:
        # One thread: two are slower at these sizes, and wait for each other on a busy machine. The variable
        # is read when numpy loads, hence a fresh start.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)  # noqa: S606
    load = os.getloadavg()[0]
    timings: list[Timing] = []
    floors: dict[tuple[int, str], float] = {}
    with_r = shutil.which("Rscript") is not None
    for n in sizes:
        frame = draw(n)
        timings += ours(frame, repeats)
        timings += from_statsmodels(frame, repeats)
        if with_r:
            timings += from_r(frame, repeats)
        floors |= floor(frame)
    if not with_r:
        print("R is not installed: its programs are left out")
    text = page(timings, floors, load, with_r=with_r)
    print(text)
    if not options.quick:
        PAGE.write_text(text, encoding="utf-8")
        print(f"wrote {PAGE.relative_to(HERE.parent)}")
    return 0


def draw(n: int) -> pd.DataFrame:
    """Draw a survey: ten numeric and five binary predictors, 30 strata of eight PSUs, unequal weights."""
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(n, len(PREDICTORS)))
    x[:, 10:] = x[:, 10:] > 0
    latent = x @ np.linspace(-0.5, 0.5, len(PREDICTORS)) + rng.logistic(size=n)
    frame = pd.DataFrame(x, columns=list(PREDICTORS))
    stratum = np.arange(n) % 30
    return frame.assign(
        grade=pd.Categorical.from_codes(np.digitize(latent, CUTS), list("abcde"), ordered=True),
        event=(latent > 0).astype(int),
        weight=rng.uniform(0.3, 3.0, n),
        stratum=stratum,
        psu=100 * stratum + rng.integers(0, 8, n),
    )


def ours(frame: pd.DataFrame, repeats: int) -> list[Timing]:
    """Time the public calls, under the design and without one."""
    right = " + ".join(PREDICTORS)

    def timed(model: str, label: str, fit: Callable[[], Any]) -> Timing:
        return _timing(frame, model, label, fit, lambda m: m.params[list(PREDICTORS)].to_numpy(), repeats)

    return [
        timed("binary, design", "coprodstats logit",
              lambda: cps.logit(f"event ~ {right}", frame, design=DESIGN)),
        timed("binary, unweighted", "coprodstats logit",
              lambda: cps.logit(f"event ~ {right}", frame, covariance="model")),
        timed("ordinal, design", "coprodstats ologit",
              lambda: cps.ologit(f"grade ~ {right}", frame, design=DESIGN)),
        timed("ordinal, unweighted", "coprodstats ologit",
              lambda: cps.ologit(f"grade ~ {right}", frame, covariance="model")),
    ]  # fmt: skip


def from_statsmodels(frame: pd.DataFrame, repeats: int) -> list[Timing]:
    """Time GLM with weights and clustered covariance, GLM without, and OrderedModel by BFGS."""
    x = frame[list(PREDICTORS)].to_numpy()
    constant = sm.add_constant(x)
    y, grade = frame["event"].to_numpy(), frame["grade"]
    w, psu = frame["weight"].to_numpy(), frame["psu"].to_numpy()
    binomial = sm.families.Binomial()

    def clustered() -> Any:
        return sm.GLM(y, constant, family=binomial, var_weights=w).fit(
            cov_type="cluster", cov_kwds={"groups": psu}
        )

    def timed(model: str, label: str, fit: Callable[[], Any], first: int) -> Timing:
        return _timing(
            frame, model, label, fit, lambda m: np.asarray(m.params)[first : first + len(PREDICTORS)], repeats
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # weights with clusters: "not fully supported"
        return [
            timed("binary, design", "statsmodels GLM, clustered", clustered, 1),
            timed("binary, unweighted", "statsmodels GLM",
                  lambda: sm.GLM(y, constant, family=binomial).fit(), 1),
            timed("ordinal, unweighted", "statsmodels OrderedModel, bfgs",
                  lambda: OrderedModel(grade, x, distr="logit").fit(
                      method="bfgs", disp=False, maxiter=500), 0),
        ]  # fmt: skip


def from_r(frame: pd.DataFrame, repeats: int) -> list[Timing]:
    """Time clm, polr, glm, svyglm and svyolr inside R, the data already loaded."""
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data.csv", Path(folder) / "times.csv"
        frame.to_csv(data, index=False)
        command = [
            "Rscript",
            "--vanilla",
            str(HERE / "bench.R"),
            str(data),
            str(out),
            str(repeats),
            str(PATIENCE),
        ]
        subprocess.run(command, check=True)  # noqa: S603  (our own script)
        rows = pd.read_csv(out)
    found = []
    for (model, program), part in rows.groupby(["model", "program"], sort=False):
        seconds = tuple(part.loc[part["quantity"] == "seconds", "value"])
        slopes = part.loc[part["quantity"] == "slope", "value"].to_numpy()
        found.append(Timing(n=len(frame), model=model, program=program, seconds=seconds, slopes=slopes))
    return found


def floor(frame: pd.DataFrame) -> dict[tuple[int, str], float]:
    """Return what Newton's iterations cost if they did nothing but form X'WX and X'r."""
    x = frame[list(PREDICTORS)].to_numpy()
    w = frame["weight"].to_numpy()
    right = " + ".join(PREDICTORS)
    found = {}
    for model, fit, outcome, extra in (
        ("binary, design", cps.logit, "event", 1),
        ("ordinal, design", cps.ologit, "grade", len(CUTS)),
    ):
        wide = np.column_stack([x, np.ones((len(x), extra))])
        iterations = fit(f"{outcome} ~ {right}", frame, design=DESIGN).convergence.iterations
        times = []
        for _ in range(15):
            start = time.process_time()
            for _ in range(iterations):
                _ = wide.T @ (wide * w[:, None]), wide.T @ w
            times.append(time.process_time() - start)
        found[len(frame), model] = statistics.median(times)
    return found


def page(timings: list[Timing], floors: dict[tuple[int, str], float], load: float, *, with_r: bool) -> str:
    """Return the page as Markdown."""
    lines = [INTRODUCTION, *_machine(load, with_r=with_r)]
    for n in dict.fromkeys(t.n for t in timings):
        for model in dict.fromkeys(t.model for t in timings):
            rows = [t for t in timings if (t.n, t.model) == (n, model)]
            lines += _table(n, model, rows, floors.get((n, model)))
    without_r = "" if with_r else "- R's programs: R was not installed.\n"
    return "\n".join([*lines, READING]) + without_r


def _table(n: int, model: str, timings: list[Timing], least: float | None) -> list[str]:
    base = timings[0]
    lines = [
        f"## {model}, n = {n:,}",
        "",
        "| program | CPU seconds (median) | fastest | repeats | times ours | largest difference of a slope |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for t in timings:
        gap = "" if t is base else f"{np.abs(t.slopes - base.slopes).max():.1e}"
        lines.append(
            f"| {t.program} | {t.median:.3f} | {min(t.seconds):.3f} | {len(t.seconds)} "
            f"| {t.median / base.median:.2f} | {gap} |"
        )
    if least is not None:
        lines.append(
            f"| floor: X'WX and X'r, as often as we iterate | {least:.4f} | | | {least / base.median:.3f} | |"
        )
    return [*lines, ""]


def _machine(load: float, *, with_r: bool) -> list[str]:
    versions = ", ".join(
        f"{p} {version(p)}" for p in ("numpy", "scipy", "pandas", "formulaic", "statsmodels")
    )
    lines = [
        f"Machine: {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}.",
        f"Load average {load:.1f} when it began: above the number of cores the times are somewhat too long.",
        f"Python {platform.python_version()}, {versions}; BLAS threads: {_threads()}.",
    ]
    if with_r:
        command = ["Rscript", "--vanilla", "-e", R_VERSIONS]
        found = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
        lines.append(f"{found.stdout.strip()}.")
    return [*lines, ""]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def _threads() -> str:
    return os.environ["OPENBLAS_NUM_THREADS"]


def _timing(
    frame: pd.DataFrame,
    model: str,
    program: str,
    fit: Callable[[], Any],
    slopes: Callable[[Any], Any],
    repeats: int,
) -> Timing:
    fitted = fit()  # the first call pays for imports and caches
    seconds: list[float] = []
    while len(seconds) < repeats and not (len(seconds) >= 3 and sum(seconds) > PATIENCE):
        start = time.process_time()
        fitted = fit()
        seconds.append(time.process_time() - start)
    print(f"n = {len(frame)}, {model}, {program}: {statistics.median(seconds):.3f} s", flush=True)
    return Timing(n=len(frame), model=model, program=program, seconds=tuple(seconds), slopes=slopes(fitted))


if __name__ == "__main__":
    sys.exit(main())
