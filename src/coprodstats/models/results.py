"""The fitted model: a record that is complete at birth and speaks statsmodels."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import ArgumentError, Fault
from coprodstats.models.convergence import Convergence
from coprodstats.models.covariance import CovarianceKind, Influence
from coprodstats.models.links import Link
from coprodstats.models.matrix import DesignSpec, rebuild_matrix
from coprodstats.models.responses import Response, Surface, row_values
from coprodstats.survey.design import DfRule, ResolvedDesign
from coprodstats.survey.display import record_html
from coprodstats.survey.replicates import Replication
from coprodstats.survey.sums import total

Floats = NDArray[np.float64]

FRAME_COLUMNS = (
    "model", "outcome", "term", "level", "reference", "kind", "estimate", "std_error", "statistic", "df",
    "p_value", "conf_low", "conf_high", "n", "n_weighted", "note",
)  # fmt: skip


def df_words(df: float, n_strata: int, replication: Replication | None = None) -> str:
    """Return Stata's degrees of freedom in words: the PSUs and strata that they count, or the replicates.

    Examples
    --------
    >>> df_words(210, 30)
    't with 210 df (240 PSUs of the design minus 30 strata)'
    """
    counted = _replicate_words(df, replication)
    if counted:
        return f"t with {df:.0f} df ({counted})"
    strata = f"{n_strata:,} strata" if n_strata != 1 else "one stratum"
    return f"t with {df:.0f} df ({df + n_strata:,.0f} PSUs of the design minus {strata})"


def _replicate_words(df: float, replication: Replication | None) -> str:
    """Return what degrees of freedom count where that is not PSUs and strata; see `design_df`."""
    if replication is None:
        return ""
    if replication.df is not None:
        return "declared for the replicate weights"
    many = replication.n_replicates
    if not replication.made:
        return f"rank of the {many:,} replicate weights, minus one"
    few = replication.method == "bootstrap" and df == many - 1
    return f"{many:,} replicates, minus one" if few else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter: its name, and the term, level and reference it stands for.

    A slope that differs between the splits of an outcome belongs to one ``split``, such as ``low|mid``.
    """

    name: str
    term: str
    level: str
    reference: str
    kind: str
    variables: tuple[str, ...]
    split: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelNames:
    """The names of outcome and parameters where statsmodels' table functions look for them."""

    endog_names: str
    exog_names: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A printed overview of one model, without a clock, so that it is the same tomorrow."""

    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.text)}</pre>"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedModel:
    """A model fitted under a survey design.

    Attributes
    ----------
    name
        The model's name in tables; the outcome unless given.
    family
        ``"logit"``, ``"ologit"``, ``"acat"`` (adjacent categories), ``"cratio"`` (continuation ratio),
        ``"linear"``, ``"fractional"`` (fractional logit).
    link
        The link.
    response
        From linear predictors to the values that margins speak of.
    slope_map
        For each linear predictor the matrix from the slopes to its coefficients, shape (m, p, s).
    spec
        The formula, the columns and what rebuilds them.
    outcome
        The outcome's column.
    categories
        The outcome's categories, lowest first; none in models of a mean.
    parameters
        What each parameter stands for, in the order of ``params``.
    estimates
        Estimates, shape (p,): see ``params``.
    covariance_matrix
        Their covariance, shape (p, p).
    to_user
        Matrix from (cuts, slopes) of the linear predictors to ``params``; it reorders and changes signs.
    influence_source
        What ``influence`` is laid out from.
    covariance
        ``"design"``, ``"robust"`` or ``"model"``.
    design
        The design of the whole frame, as used for the covariance.
    used
        Which rows of the frame are in the sample, shape (n,).
    sample
        The sample's predictors, and the column of its offset.
    sample_y
        The sample's outcome as 0 … K-1, or its numbers in models of a mean.
    sample_weights
        The sample's weights.
    llf
        Log-likelihood, without a penalty; weights scaled to sum to n unless ``covariance="model"``, which
        reads them as counts.
    llnull
        The same without predictors.
    design_df
        PSUs minus strata.
    df_rule
        The rule that turns it into the degrees of freedom of the tests.
    df
        Those degrees of freedom; infinite for ``covariance="model"`` unless a residual variance is estimated.
    dropped
        Rows outside the sample: variable, reason, rows.
    convergence
        How exactly the maximum was found.
    warnings
        What a reader of the numbers should know.
    penalty
        The penalty under which it was fitted, empty for plain maximum likelihood.
    offset
        What is added to the slopes' part of the linear predictor in the sample, shape (n,), or None.
    offset_name
        The column it comes from, empty without one.
    replicates
        ``params`` of each replicate of the design, shape (R, p), NaN where it failed (``warnings`` says
        which) or does not count; None without replicate weights.
    """

    name: str
    family: str
    link: Link
    response: Response
    slope_map: Floats
    spec: DesignSpec
    outcome: str
    categories: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    estimates: Floats
    covariance_matrix: Floats
    to_user: Floats
    influence_source: Influence
    covariance: CovarianceKind
    design: ResolvedDesign
    used: NDArray[np.bool_]
    sample: pd.DataFrame
    sample_y: NDArray[Any]
    sample_weights: Floats
    llf: float
    llnull: float
    design_df: int
    df_rule: DfRule
    df: float
    dropped: pd.DataFrame
    convergence: Convergence
    warnings: tuple[str, ...]
    penalty: str = ""
    offset: Floats | None = None
    offset_name: str = ""
    replicates: Floats | None = None

    @property
    def surface(self) -> Surface:
        """The model's values as a function of its parameters and a design matrix."""
        return Surface(response=self.response, slope_map=self.slope_map)

    @property
    def theta(self) -> Floats:
        """Cuts, then slopes, of the linear predictors: ``estimates`` in the order of `responses`."""
        return np.asarray(self.to_user.T @ self.estimates)

    @property
    def value_names(self) -> tuple[str, ...]:
        """Names of what the response gives: the categories, or ``"mean"``."""
        return self.categories or ("mean",)

    @property
    def shown(self) -> tuple[int, ...]:
        """Positions of the values that tables show: the event of a logistic model, else all."""
        return (1,) if self.family == "logit" else tuple(range(len(self.value_names)))

    @property
    def influence(self) -> Floats:
        """Influence of each row of the whole frame on ``params``, shape (n, p), zero outside the sample.

        It is laid out anew each time: of many rows it is larger than the predictors.
        """
        return self.influence_source.laid_out()

    @property
    def formula(self) -> str:
        """The formula as text."""
        return self.spec.formula.text

    @property
    def nonparallel(self) -> tuple[str, ...]:
        """The columns whose slopes differ between the splits of the outcome."""
        owners = [p.name.removesuffix(f"[{p.split}]") for p in self.parameters if p.split]
        return tuple(dict.fromkeys(owners))

    @property
    def params(self) -> pd.Series:
        """Estimates on the link scale, named as in formulaic and statsmodels."""
        return pd.Series(self.estimates, index=self._names(), name="estimate")

    @property
    def bse(self) -> pd.Series:
        """Standard errors of ``params``."""
        return pd.Series(np.sqrt(np.diag(self.covariance_matrix)), index=self._names(), name="std_error")

    @property
    def tvalues(self) -> pd.Series:
        """Estimates over their standard errors."""
        return (self.params / self.bse).rename("statistic")

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided p values by Student's t with ``df`` degrees of freedom."""
        return pd.Series(2 * stats.t.sf(np.abs(self.tvalues), self.df), index=self._names(), name="p_value")

    @property
    def thresholds(self) -> pd.Series:
        """Thresholds of the splits, as each family defines them; for a logistic model minus the intercept.

        Models of a mean have none.
        """
        if self.family == "logit":
            return pd.Series([-self.estimates[0]], index=["|".join(self.categories)], name="threshold")
        splits = [p.kind == "threshold" and bool(self.categories) for p in self.parameters]
        return self.params[splits].rename("threshold")

    @property
    def nobs(self) -> int:
        """Number of respondents in the sample."""
        return int(self.used.sum())

    @property
    def n_weighted(self) -> float:
        """Sum of the sample's weights."""
        return total(self.sample_weights)

    @property
    def n_psu(self) -> int:
        """PSUs that hold a respondent of the sample."""
        return len(np.unique(self.design.psu[self.used]))

    @property
    def n_strata(self) -> int:
        """Strata that hold a respondent of the sample."""
        return len(np.unique(self.design.stratum[self.used]))

    @property
    def df_resid(self) -> int:
        """Respondents minus parameters."""
        return self.nobs - len(self.estimates)

    @property
    def df_model(self) -> int:
        """Number of slopes."""
        return sum(p.kind == "slope" for p in self.parameters)

    @property
    def prsquared(self) -> float:
        """McFadden's pseudo R squared, 1 - log-likelihood / that without predictors; R squared of a mean."""
        if self.categories:
            return 1 - self.llf / self.llnull
        w = self.sample_weights
        left = w @ (self.sample_y - self.fittedvalues.to_numpy()) ** 2
        return float(1 - left / (w @ (self.sample_y - np.average(self.sample_y, weights=w)) ** 2))

    @property
    def fittedvalues(self) -> pd.Series | pd.DataFrame:
        """Fitted probability of the higher category or of each category, or the fitted mean."""
        x = rebuild_matrix(self.spec, self.sample)
        fitted = row_values(self.surface, self.theta, x, self.offset)
        if len(self.shown) == 1:
            return pd.Series(fitted[:, self.shown[0]], index=self.sample.index, name=self.outcome)
        return pd.DataFrame(fitted, index=self.sample.index, columns=list(self.value_names))

    @property
    def model(self) -> ModelNames:
        """Names of outcome and parameters, for statsmodels' table functions."""
        return ModelNames(endog_names=self.name, exog_names=self._names())

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Return intervals of ``params`` that cover with probability 1 - alpha, columns 0 and 1.

        Raises
        ------
        ArgumentError
            If ``alpha`` is not between 0 and 1.
        """
        if not (isinstance(alpha, int | float) and 0 < alpha < 1):
            raise ArgumentError(Fault(where="conf_int: alpha", found=f"{alpha!r}", allowed="between 0 and 1"))
        half = stats.t.isf(alpha / 2, self.df) * self.bse
        return pd.DataFrame({0: self.params - half, 1: self.params + half})

    def cov_params(self) -> pd.DataFrame:
        """Return the covariance of ``params``."""
        return pd.DataFrame(self.covariance_matrix, index=self._names(), columns=self._names())

    def to_frame(self) -> pd.DataFrame:
        """Return one row per parameter on the link scale, with the columns that all models share.

        The note of a slope that differs between splits begins with its split.
        """
        interval = self.conf_int()
        splits = [(f"slope at {p.split}",) if p.split else () for p in self.parameters]
        note = ["; ".join([*split, *self.warnings]) for split in splits]
        return pd.DataFrame(
            {
                "model": self.name,
                "outcome": self.outcome,
                "term": [p.term for p in self.parameters],
                "level": [p.level for p in self.parameters],
                "reference": [p.reference for p in self.parameters],
                "kind": [p.kind for p in self.parameters],
                "estimate": self.params.to_numpy(),
                "std_error": self.bse.to_numpy(),
                "statistic": self.tvalues.to_numpy(),
                "df": self.df,
                "p_value": self.pvalues.to_numpy(),
                "conf_low": interval[0].to_numpy(),
                "conf_high": interval[1].to_numpy(),
                "n": self.nobs,
                "n_weighted": self.n_weighted,
                "note": note,
            },
            columns=list(FRAME_COLUMNS),
        )

    def summary(self) -> Summary:
        """Return a printed overview: the model, its sample and design, and the coefficients."""
        frame = self.to_frame()[["estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]]
        frame.index = pd.Index(self._names())
        lost, replication = int(self.dropped["rows"].sum()), self.design.replication
        units = f"{self.n_psu} PSUs, {self.n_strata} strata"
        if replication is not None and not replication.made:
            units = f"{replication.n_replicates} replicates"
        head = [
            f"{self.name}: {self.family}, link {self.link.name}"
            + (f", penalised likelihood: {self.penalty}" if self.penalty else "")
            + (f", slopes by split: {', '.join(self.nonparallel)}" if self.nonparallel else "")
            + (f", offset {self.offset_name}" if self.offset_name else ""),
            f"{self.formula}",
            f"n = {self.nobs:,} ({lost:,} rows left out), {units}",
            f"covariance: {self.covariance}; {self.design.description}; {self.df_statement()}",
            self.fit_statement(),
            f"{self.convergence.iterations} iterations, {self.convergence.digits} correct digits",
        ]
        table = frame.to_string(float_format=lambda value: f"{value:.4f}")
        return Summary(text="\n".join([*head, "", table, *(f"note: {w}" for w in self.warnings)]))

    def fit_statement(self) -> str:
        """Return how well the model fits, with the measures' names."""
        kind = "quasi-log-likelihood" if self.family == "fractional" else "log-likelihood"
        measure = "McFadden pseudo R squared" if self.categories else "R squared"
        without = " (without the penalty)" if self.penalty else ""
        return f"{kind} {self.llf:.4f}{without}, {measure} {self.prsquared:.4f}"

    def df_statement(self) -> str:
        """Return which degrees of freedom the tests use, for the foot of a table."""
        if self.covariance == "model" and np.isfinite(self.df):
            return f"t with {self.df:.6g} df (respondents minus parameters; model-based covariance)"
        if self.covariance == "model":
            return "normal distribution (model-based covariance)"
        if self.df_rule == "r":
            counted = _replicate_words(self.design_df, self.design.replication)
            counted = counted or "PSUs minus strata of the sample"
            return f"t with {self.df:.0f} df (R's rule: {counted}, minus parameters)"
        return df_words(self.design_df, self.n_strata, self.design.replication)

    def _names(self) -> list[str]:
        return [p.name for p in self.parameters]

    def __repr__(self) -> str:
        penalised = f", {self.penalty}" if self.penalty else ""
        return f"<FittedModel {self.name}: {self.family}({self.formula!r}{penalised}), n = {self.nobs}>"

    def _repr_html_(self) -> str:
        facts = {
            "model": f"{self.family}, link {self.link.name}" + (f", {self.penalty}" if self.penalty else ""),
            "formula": self.formula,
            "respondents": f"{self.nobs} ({int(self.dropped['rows'].sum())} rows left out)",
            "design": self.design.description,
            "covariance": f"{self.covariance}; {self.df_statement()}",
            "fit": self.fit_statement(),
        }
        shown = ["estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]
        frame = self.to_frame()[shown].set_axis(pd.Index(self._names(), name="term"))
        return record_html(self, title=self.name, facts=facts, tables={"coefficients": frame})
