"""The peers: statsmodels here, R and svy in processes of their own, the data already in memory."""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from bench_data import CUTS, Survey, write
from bench_time import Timing, timed
from statsmodels.miscmodels.ordinal_model import OrderedModel

HERE = Path(__file__).resolve().parent
R_PROGRAMS = ("R survey::svyglm", "R glm", "R survey::svyolr", "R ordinal::clm", "R MASS::polr")
ORDERED_MODEL = "statsmodels OrderedModel, bfgs"
R_VERSIONS = """
packages <- c("survey", "ordinal", "MASS")
versions <- sapply(packages, packageDescription, fields = "Version")
cat(R.version.string, "; ", paste(packages, versions, collapse = ", "), sep = "")
"""


def from_statsmodels(survey: Survey, repeats: int, *, ordered: bool) -> list[Timing]:
    """Time GLM with weights and clustered covariance, GLM without, and OrderedModel by BFGS, from arrays."""
    frame = survey.frame
    x = design_matrix(survey)
    constant = sm.add_constant(x)
    y, grade = frame["event"].to_numpy(), frame["grade"]
    w, psu = frame["weight"].to_numpy(), frame["psu"].to_numpy()
    binomial = sm.families.Binomial()

    def clustered() -> Any:
        model = sm.GLM(y, constant, family=binomial, var_weights=w)
        return model.fit(cov_type="cluster", cov_kwds={"groups": psu})

    def after_constant(fitted: Any) -> Any:
        return np.asarray(fitted.params)[1:]

    def before_thresholds(fitted: Any) -> Any:
        return np.asarray(fitted.params)[: -len(CUTS)]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # weights with clusters: "not fully supported"
        found = [
            timed("binary, design", "statsmodels GLM, clustered", clustered, after_constant, repeats),
            timed("binary, unweighted", "statsmodels GLM",
                  lambda: sm.GLM(y, constant, family=binomial).fit(), after_constant, repeats),
        ]  # fmt: skip
        if ordered:
            model = OrderedModel(grade, x, distr="logit")
            found.append(
                timed("ordinal, unweighted", ORDERED_MODEL,
                      lambda: model.fit(method="bfgs", disp=False, maxiter=500), before_thresholds, repeats)
            )  # fmt: skip
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


def from_others(
    survey: Survey, repeats: int, *, r_programs: tuple[str, ...], svy_python: str | None
) -> list[Timing]:
    """Time R's programs, and svy by its own Python, each inside its process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(survey, folder)
        if r_programs:
            _run(["Rscript", "--vanilla", str(HERE / "bench.R"), name, str(repeats), *r_programs])
        if svy_python is not None:
            _run([svy_python, str(HERE / "bench_svy.py"), name, str(repeats)])
        return [timing for file in ("r.csv", "svy.csv") for timing in _read(folder / file)]


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True)  # noqa: S603  (our own scripts)


def _read(path: Path) -> list[Timing]:
    if not path.exists():
        return []
    found = []
    for (model, program), part in pd.read_csv(path).groupby(["model", "program"], sort=False):
        values = {quantity: tuple(rows) for quantity, rows in part.groupby("quantity")["value"]}
        found.append(
            Timing(
                model=model,
                program=program,
                wall=values["wall"],
                cpu=values["cpu"],
                slopes=np.array(values["slope"]),
            )
        )
    return found


def r_versions() -> str:
    """Return the versions of R and its packages."""
    command = ["Rscript", "--vanilla", "-e", R_VERSIONS]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
