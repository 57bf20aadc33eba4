"""Re-run the R scripts that the golden numbers come from, where R is installed.

    python tests/golden/run.py            remake tests/golden/numbers/ and say what changed
    python tests/golden/run.py --check    compare only; the exit status is 1 if a number moved

Needs R with the packages survey, ordinal and numDeriv; Debian: r-base-core r-cran-survey r-cran-ordinal
r-cran-numderiv. Where they are missing it says so and leaves the committed numbers as they are.
"""

# ruff: noqa: T201  (what a command prints)

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels

HERE = Path(__file__).resolve().parent
NUMBERS = HERE / "numbers"
SCRIPTS = (
    "clm",
    "svyglm",
    "svyolr",
    "describe",
    "margins",
    "margin_contrasts",
    "parallel",
    "families",
    "firth",
    "means",
    "splines",
    "tables",
    "weighting",
    "goodness",
    "discrimination",
    "diagnostics",
    "heterogeneity",
    "scales",
    "domain_lonely",
    "designs",
    "replicates",
    "replicate_fits",
    "pooling",
)
PACKAGES = (
    "survey", "ordinal", "numDeriv", "metafor", "emmeans", "mice", "mitml", "mitools", "VGAM", "brglm2",
    "survival", "pROC", "psych", "lavaan", "GPArotation", "polycor",
)  # fmt: skip
UCLA = Path(statsmodels.__file__).parent / "miscmodels" / "tests" / "results" / "ologit_ucla.csv"
# Two builds of R and BLAS agree to about this; a larger difference is a change of method or data.
MOVED = 1e-7


def main(arguments: list[str] | None = None) -> int:
    """Run the scripts and report the largest change of each file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    options = parser.parse_args(arguments)
    absent = _absent()
    if absent:
        print(f"golden: {absent}; the numbers in {NUMBERS.name}/ stay as they are, nothing was re-run")
        return 0
    if not options.check:
        subprocess.run([sys.executable, str(HERE / "make_data.py")], check=True)
        subprocess.run([sys.executable, str(HERE / "make_design_data.py")], check=True)
        subprocess.run([sys.executable, str(HERE / "make_completed.py")], check=True)
        NUMBERS.mkdir(exist_ok=True)
    moved = False
    with tempfile.TemporaryDirectory() as folder:
        for script in SCRIPTS:
            made = Path(folder) / f"{script}.csv"
            print(f"golden: R runs {script}.R …", flush=True)
            command = ["Rscript", "--vanilla", str(HERE / "r" / f"{script}.R"), str(HERE / "data"), str(made)]
            subprocess.run([*command, str(UCLA)], check=True)
            moved |= _report(made, NUMBERS / made.name)
            if not options.check:
                shutil.copyfile(made, NUMBERS / made.name)
    return int(options.check and moved)


def _absent() -> str:
    if shutil.which("Rscript") is None:
        return "R is not installed (no Rscript)"
    asked = f"cat(setdiff(c({', '.join(map(repr, PACKAGES))}), rownames(installed.packages())))"
    found = subprocess.run(["Rscript", "--vanilla", "-e", asked], capture_output=True, text=True, check=True)
    return f"R lacks the packages {found.stdout.strip()}" if found.stdout.strip() else ""


def _report(made: Path, committed: Path) -> bool:
    new = _read(made)
    if not committed.exists():
        print(f"  {len(new)} numbers, new")
        return True
    old = _read(committed)
    gone, come = len(old.index.difference(new.index)), len(new.index.difference(old.index))
    both = old.index.intersection(new.index)
    change = np.abs(new[both] - old[both]) / np.maximum(np.abs(old[both]), 1e-6)
    print(f"  {len(new)} numbers: {come} new, {gone} gone, largest relative change {change.max():.2g}")
    return bool(gone or come or change.max() > MOVED)


def _read(path: Path) -> pd.Series:
    frame = pd.read_csv(path, comment="#", keep_default_na=False)
    return frame.set_index(["case", "quantity", "name"])["value"]


if __name__ == "__main__":
    sys.exit(main())
