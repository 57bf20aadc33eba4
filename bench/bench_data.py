"""The surveys that are timed, and the file in which other programs get them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import coprodstats as cps

CUTS = (-1.5, -0.5, 0.5, 1.5)
SEED = 20_080_918
DESIGN = cps.SurveyDesign(weights="weight", strata="stratum", psu="psu")
NUMBERS = tuple(f"x{j}" for j in range(1, 16))
FACTORS = tuple(f"f{j}" for j in range(1, 6))
LEVELS = ("p", "q", "r", "s")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survey:
    """A survey to be modelled: 15 columns in the design matrix, 30 strata of eight PSUs, unequal weights."""

    name: str
    frame: pd.DataFrame
    predictors: tuple[str, ...]

    @property
    def right(self) -> str:
        """The formula's right-hand side."""
        return " + ".join(self.predictors)

    @property
    def n(self) -> int:
        """Number of respondents."""
        return len(self.frame)

    @property
    def design_matrix_mb(self) -> float:
        """Megabytes of 15 columns of doubles."""
        return self.n * 15 * 8 / 1e6


def numeric(n: int) -> Survey:
    """Draw ten continuous and five binary predictors: no two respondents are alike."""
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(n, len(NUMBERS)))
    x[:, 10:] = x[:, 10:] > 0
    frame = pd.DataFrame(x, columns=list(NUMBERS))
    latent = x @ np.linspace(-0.5, 0.5, len(NUMBERS)) + rng.logistic(size=n)
    return Survey(name="numbers", frame=_outcomes(frame, latent, rng), predictors=NUMBERS)


def categorical(n: int) -> Survey:
    """Draw five factors of four levels: 1,024 combinations, which respondents share."""
    rng = np.random.default_rng(SEED)
    codes = rng.integers(0, len(LEVELS), size=(n, len(FACTORS)))
    frame = pd.DataFrame(
        {name: pd.Categorical.from_codes(codes[:, j], list(LEVELS)) for j, name in enumerate(FACTORS)}
    )
    latent = (codes * np.linspace(-0.3, 0.3, len(FACTORS))).sum(axis=1) + rng.logistic(size=n)
    return Survey(name="categories", frame=_outcomes(frame, latent, rng), predictors=FACTORS)


def _outcomes(frame: pd.DataFrame, latent: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    n = len(frame)
    stratum = np.arange(n) % 30
    return frame.assign(
        grade=pd.Categorical.from_codes(np.digitize(latent, CUTS), list("abcde"), ordered=True),
        event=(latent > 0).astype(int),
        weight=rng.uniform(0.3, 3.0, n),
        stratum=stratum,
        psu=100 * stratum + rng.integers(0, 8, n),
    )


def write(survey: Survey, folder: Path) -> None:
    """Write one file of doubles, column after column, and the names of the columns."""
    codes = survey.frame.apply(lambda c: c.cat.codes if isinstance(c.dtype, pd.CategoricalDtype) else c)
    with (folder / "data.bin").open("wb") as file:
        for name in codes:
            file.write(np.ascontiguousarray(codes[name], dtype="<f8").tobytes())
    (folder / "columns.txt").write_text("\n".join(codes), encoding="utf-8")
