"""Time an ordered logit under 1,000 sets of replicate weights beside R's svyolr and one fit after another.

    python bench/replicates.py            measure and print the section for docs/benchmarks.md
    python bench/replicates.py --quick    100 replicates, one repeat, without R

Ours is the public call on a DataFrame: formula, checks of the design, the making of the bootstrap weights,
the search for separation, all fits and the covariance. R is timed from the data in memory, with fewer
replicates (each takes it long), and its time for 1,000 is what one costs times 1,000.
"""

# ruff: noqa: T201  (what a command prints)

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import coprodstats as cps
from coprodstats.models import search
from coprodstats.models.links import LINKS

HERE = Path(__file__).resolve().parent
N, CATEGORIES, SEED = 5_000, list("abcde"), 20_080_919
PREDICTORS = [f"x{j}" for j in range(1, 16)]
REPLICATES, QUICK_REPLICATES = 1_000, 100
REPEATS = 5
# Replicates for which R, and one fit after another, are timed.
R_REPLICATES = (10, 50)
SERIAL_REPLICATES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Seconds on the clock and of the processor that something took, and for how many replicates."""

    program: str
    replicates: int
    wall: float
    cpu: float

    def of(self, replicates: int) -> Spent:
        """Return what as many replicates take at the same cost each."""
        factor = replicates / self.replicates
        return Spent(
            program=self.program, replicates=replicates, wall=self.wall * factor, cpu=self.cpu * factor
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicated:
    """What fits under replicate weights took.

    Attributes
    ----------
    replicates
        Sets of replicate weights.
    rows
        What each program took for as many: ours by two jobs and by one, then the others.
    counted
        How many the others were timed on, in words.
    gap
        Largest difference of ours from one fit after another, in standard errors.
    """

    replicates: int
    rows: tuple[Spent, ...]
    counted: str
    gap: float


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print the section."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="100 replicates, one repeat, without R")
    options = parser.parse_args(arguments)
    print(section(measure(quick=options.quick)))
    return 0


def measure(*, quick: bool = False) -> Replicated:
    """Time all programs.

    Parameters
    ----------
    quick
        Whether a tenth of the replicates will do, once, without R.
    """
    replicates, repeats = (QUICK_REPLICATES, 1) if quick else (REPLICATES, REPEATS)
    frame = draw()
    model, both = ours(frame, replicates, repeats, n_jobs=2)
    _, single = ours(frame, replicates, repeats, n_jobs=1)
    serial, gap = one_by_one(model, min(replicates, SERIAL_REPLICATES))
    rows = [both, single, serial.of(replicates)]
    counted = f"one fit after another: {serial.replicates} timed"
    if not quick and shutil.which("Rscript") is not None:
        rows.append(from_r(frame).of(replicates))
        counted += f"; R: what one replicate costs beside others ({R_REPLICATES[1]} less {R_REPLICATES[0]})"
    return Replicated(replicates=replicates, rows=tuple(rows), counted=counted, gap=gap)


def section(found: Replicated) -> str:
    """Return the section of docs/benchmarks.md on replicate weights."""
    _, single, *_ = found.rows
    lines = [
        f"## {found.replicates:,} replicate weights, ordinal, n = {N:,}",
        "",
        "Rao and Wu's bootstrap of 240 PSUs in 30 strata, 15 predictors, five categories.",
        f"Scaled to {found.replicates:,} replicates: {found.counted}.",
        "",
        "| program | seconds | CPU seconds | times ours (CPU, one job) |",
        "|---|---:|---:|---:|",
        *(
            f"| {row.program} | {row.wall:.2f} | {row.cpu:.2f} | {row.cpu / single.cpu:.1f} |"
            for row in found.rows
        ),
        "",
        f"Largest difference of ours from one fit after another: {found.gap:.1e} of a standard error.",
        f"Load average {os.getloadavg()[0]:.1f}: above the number of cores the seconds are too many.",
        "",
    ]
    return "\n".join(lines)


def draw() -> pd.DataFrame:
    """Draw a survey: ten numeric and five binary predictors, 30 strata of eight PSUs, unequal weights."""
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(N, len(PREDICTORS)))
    x[:, 10:] = x[:, 10:] > 0
    latent = x @ np.linspace(-0.5, 0.5, len(PREDICTORS)) + rng.logistic(size=N)
    stratum = np.arange(N) % 30
    return pd.DataFrame(x, columns=PREDICTORS).assign(
        grade=pd.Categorical.from_codes(
            np.digitize(latent, [-1.5, -0.5, 0.5, 1.5]), CATEGORIES, ordered=True
        ),
        weight=rng.uniform(0.3, 3.0, N),
        stratum=stratum,
        psu=100 * stratum + rng.integers(0, 8, N),
    )


def ours(frame: pd.DataFrame, replicates: int, repeats: int, *, n_jobs: int) -> tuple[cps.FittedModel, Spent]:
    """Time the public call on a number of threads."""
    design = cps.SurveyDesign(
        weights="weight",
        strata="stratum",
        psu="psu",
        replicate_method="bootstrap",
        n_replicates=replicates,
        seed=SEED,
    )
    formula = f"grade ~ {' + '.join(PREDICTORS)}"

    def fit() -> cps.FittedModel:
        with cps.replicate_fitting(n_jobs=n_jobs):
            return cps.ologit(formula, frame, design=design)

    threads = "one job" if n_jobs == 1 else f"{n_jobs} jobs"
    return fit(), _timed(f"coprodstats ologit, {threads}", replicates, repeats, fit)


def one_by_one(model: cps.FittedModel, replicates: int) -> tuple[Spent, float]:
    """Time Newton's method for one replicate after another, each started at the sample's estimates.

    Returns
    -------
    spent : Spent
        What they took.
    gap : float
        Largest difference from the model's own replicates, in standard errors.
    """
    replication = model.design.replication
    if replication is None or model.replicates is None:
        message = "the model was not fitted under replicate weights"
        raise ValueError(message)
    x, y = model.sample[PREDICTORS].to_numpy(), model.sample_y
    n_cuts, p = len(CATEGORIES) - 1, len(PREDICTORS)
    centre, size = x.mean(axis=0), x.std(axis=0)
    standard = (x - centre) / size
    to_standard = np.eye(n_cuts + p)
    to_standard[:n_cuts, n_cuts:] = -centre
    to_standard[n_cuts:, n_cuts:] = np.diag(size)
    start = to_standard @ model.theta
    columns = np.ascontiguousarray(replication.weights.T[:replicates])

    def fit() -> np.ndarray:
        found = []
        for w in columns:
            live = w > 0
            found.append(
                search.maximise(
                    standard[live], y[live], w[live], n_cuts=n_cuts, link=LINKS["logit"], start=start
                ).theta
            )
        return np.array(found)

    theirs = fit() @ np.linalg.inv(to_standard).T @ model.to_user.T
    gap = np.abs(theirs - model.replicates[:replicates]) / model.bse.to_numpy()
    return _timed("one Newton fit after another", replicates, 1, fit), float(gap.max())


def from_r(frame: pd.DataFrame) -> Spent:
    """Return what R's svyolr takes for as many replicates as the difference between its two numbers."""
    few, many = R_REPLICATES
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data.csv", Path(folder) / "times.csv"
        frame.to_csv(data, index=False)
        command = [
            "Rscript", "--vanilla", str(HERE / "replicates.R"), str(data), str(out), str(many), str(few),
        ]  # fmt: skip
        subprocess.run(command, check=True, stdout=sys.stderr)  # noqa: S603  (our own script)
        rows = pd.read_csv(out).set_index("replicates")
    spent = rows.loc[many] - rows.loc[few]
    return Spent(program="R survey::svyolr", replicates=many - few, wall=spent["wall"], cpu=spent["cpu"])


def _timed(program: str, replicates: int, repeats: int, fit: Callable[[], object]) -> Spent:
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        fit()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    wall, cpu = statistics.median(walls), statistics.median(cpus)
    print(f"{program}, {replicates} replicates: {wall:.3f} s, CPU {cpu:.3f} s", file=sys.stderr, flush=True)
    return Spent(program=program, replicates=replicates, wall=wall, cpu=cpu)


if __name__ == "__main__":
    sys.exit(main())
