"""The peers: statsmodels here, R and svy in processes of their own, the data already in memory."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from bench_data import CUTS, Survey
from bench_time import Timing, timed
from statsmodels.miscmodels.ordinal_model import OrderedModel

HERE = Path(__file__).resolve().parent
# R's programs, and what each fits.
R_PROGRAMS = {
    "R survey::svyglm": "binary, design",
    "R glm": "binary, unweighted",
    "R survey::svyolr": "ordinal, design",
    "R ordinal::clm": "ordinal, unweighted",
    "R MASS::polr": "ordinal, unweighted",
}
ORDERED_MODEL = "statsmodels OrderedModel, bfgs"
R_VERSIONS = """
packages <- c("survey", "ordinal", "MASS")
versions <- sapply(packages, packageDescription, fields = "Version")
cat(R.version.string, "; ", paste(packages, versions, collapse = ", "), sep = "")
"""


def statsmodels_programs(survey: Survey, repeats: int, *, ordered: bool) -> dict[str, Callable[[], Timing]]:
    """Return what times each, from arrays: GLM with weights and clusters or without, OrderedModel by BFGS."""
    frame = survey.frame
    x = design_matrix(survey)
    constant = sm.add_constant(x)
    y, grade = frame["event"].to_numpy(), frame["grade"]
    w, psu = frame["weight"].to_numpy(), frame["psu"].to_numpy()
    binomial = sm.families.Binomial()

    def clustered() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # weights with clusters: "not fully supported"
            model = sm.GLM(y, constant, family=binomial, var_weights=w)
            return model.fit(cov_type="cluster", cov_kwds={"groups": psu})

    def plain() -> Any:
        return sm.GLM(y, constant, family=binomial).fit()

    def after_constant(fitted: Any) -> Any:
        return np.asarray(fitted.params)[1:]

    def before_thresholds(fitted: Any) -> Any:
        return np.asarray(fitted.params)[: -len(CUTS)]

    found = {
        "binary, design": partial(
            timed, "binary, design", "statsmodels GLM, clustered", clustered, after_constant, repeats
        ),
        "binary, unweighted": partial(
            timed, "binary, unweighted", "statsmodels GLM", plain, after_constant, repeats
        ),
    }
    if ordered:
        model = OrderedModel(grade, x, distr="logit")
        found["ordinal, unweighted"] = partial(
            timed,
            "ordinal, unweighted",
            ORDERED_MODEL,
            lambda: model.fit(method="bfgs", disp=False, maxiter=500),
            before_thresholds,
            repeats,
        )
    return found


def design_matrix(survey: Survey) -> np.ndarray:
    """Return the 15 columns, factors against their first level, shape (n, 15)."""
    columns = []
    for name in survey.predictors:
        column = survey.frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            columns += [(column.cat.codes == k).to_numpy() for k in range(1, len(column.cat.categories))]
        else:
            columns.append(column.to_numpy())
    return np.column_stack(columns).astype(float)


def from_r(program: str, folder: Path, repeats: int) -> Timing:
    """Time a program of R in a process of its own, on data that `bench_data.write` wrote there."""
    _run(["Rscript", "--vanilla", str(HERE / "bench.R"), str(folder), str(repeats), program])
    return _read(folder / "r.csv")


def from_svy(python: str, folder: Path, repeats: int) -> Timing:
    """Time svy by its own Python, on such data."""
    _run([python, str(HERE / "bench_svy.py"), str(folder), str(repeats)])
    return _read(folder / "svy.csv")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True)  # noqa: S603  (our own scripts)


def _read(path: Path) -> Timing:
    rows = pd.read_csv(path)
    values = {quantity: tuple(part) for quantity, part in rows.groupby("quantity")["value"]}
    return Timing(
        model=rows["model"].iloc[0],
        program=rows["program"].iloc[0],
        wall=values["wall"],
        cpu=values["cpu"],
        slopes=np.array(values["slope"]),
    )


def r_versions() -> str:
    """Return the versions of R and its packages."""
    command = ["Rscript", "--vanilla", "-e", R_VERSIONS]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
