"""Diagnostics of a fitted model: collinearity, influential PSUs, design effects of coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coprodstats.errors import ArgumentError, Fault, listed
from coprodstats.models.matrix import rebuild_matrix
from coprodstats.models.refit import naive_covariance, own_fit, require_model, working_weights
from coprodstats.models.results import FittedModel
from coprodstats.models.terms import shared_variables, slope_terms
from coprodstats.survey.design import psu_totals
from coprodstats.survey.display import record_html

Floats = NDArray[np.float64]

TOP_PSUS = 5


# --- collinearity ---


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Collinearity:
    """How far predictors can be told apart.

    Attributes
    ----------
    model
        The model's name.
    terms
        Columns ``term, df, gvif, gvif_scaled, note``: the (generalised) variance inflation factor, and its
        power 1 / (2 df), by which the term's intervals are longer than without the other terms.
    condition_index
        Largest singular value over the smallest, of the predictors and the constant at unit length.
    condition_indices
        Largest singular value over each, in increasing order, shape (p + 1,).
    """

    model: str
    terms: pd.DataFrame
    condition_index: float
    condition_indices: Floats

    def to_frame(self) -> pd.DataFrame:
        """Return the terms with the model's name and the condition index."""
        frame = self.terms.copy()
        frame.insert(0, "model", self.model)
        return frame.assign(condition_index=self.condition_index)

    def _repr_html_(self) -> str:
        return record_html(self, tables={"terms": self.terms})


def collinearity(model: FittedModel) -> Collinearity:
    """Return variance inflation by term, and the condition index of the predictors.

    Parameters
    ----------
    model
        A fitted model of any family.

    Returns
    -------
    Collinearity
        Of the weighted predictors of the sample, whatever the outcome, the family and the covariance.

    Raises
    ------
    ArgumentError
        If it is no fitted model.

    Notes
    -----
    Fox and Monette (1992), *JASA* 87, 178-183: with R the weighted correlations of all columns, the factor of
    a term is ``det(R_term) det(R_others) / det(R)``; for one column it is 1 / (1 - R²). Condition indices:
    Belsley, Kuh and Welsch (1980), *Regression Diagnostics*; columns are scaled, not centred.

    Examples
    --------
    >>> from coprodstats import logit
    >>> frame = pd.DataFrame({"helps": [0, 1, 0, 1, 1, 0, 1, 1], "age": [20, 30, 40, 50, 60, 45, 35, 70]})
    >>> collinearity(logit("helps ~ age", frame)).terms["gvif"].to_list()
    [1.0]
    """
    require_model(model, "collinearity")
    x, w = rebuild_matrix(model.spec, model.sample), working_weights(model)
    centred = (x - np.average(x, axis=0, weights=w)) * np.sqrt(w)[:, None]
    unit = centred / np.sqrt((centred**2).sum(axis=0))
    correlation = unit.T @ unit
    terms = slope_terms(model)
    crossed = shared_variables(model)
    rows = [
        {
            "term": term,
            "df": len(columns),
            "gvif": (factor := _variance_inflation(correlation, columns)),
            "gvif_scaled": factor ** (1 / (2 * len(columns))),
            "note": f"shares {listed(crossed[term])} with other terms" if crossed[term] else "",
        }
        for term, columns in terms.items()
    ]
    indices = _condition_indices(x, w)
    return Collinearity(
        model=model.name,
        terms=pd.DataFrame(rows),
        condition_index=float(indices[-1]),
        condition_indices=indices,
    )


def _variance_inflation(correlation: Floats, columns: list[int]) -> float:
    others = [j for j in range(len(correlation)) if j not in columns]

    def log_det(part: list[int]) -> float:
        return float(np.linalg.slogdet(correlation[np.ix_(part, part)])[1]) if part else 0.0

    return float(np.exp(log_det(columns) + log_det(others) - log_det([*columns, *others])))


def _condition_indices(x: Floats, w: Floats) -> Floats:
    weighted = np.column_stack([np.ones(len(x)), x]) * np.sqrt(w)[:, None]
    values = np.linalg.svd(weighted / np.sqrt((weighted**2).sum(axis=0)), compute_uv=False)
    return np.asarray(values[0] / values)


# --- influence of PSUs ---


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PSUInfluence:
    """How much each PSU moves the estimates.

    Attributes
    ----------
    model
        The model's name.
    psus
        Columns ``stratum, psu, parameter, dfbeta, dfbetas, share``: the change of the estimate when the PSU
        is left out, to first order; the same in standard errors; and the PSU's share of all PSUs' squared
        changes.
    summary
        Columns ``parameter, largest_dfbetas, stratum, psu, top_share``: the PSU that moves each parameter
        most, and the share of the five largest together.
    left_out
        PSUs with a single respondent of the sample, which are not shown.
    """

    model: str
    psus: pd.DataFrame
    summary: pd.DataFrame
    left_out: int

    def to_frame(self) -> pd.DataFrame:
        """Return the summary with the model's name."""
        frame = self.summary.copy()
        frame.insert(0, "model", self.model)
        return frame

    def _repr_html_(self) -> str:
        return record_html(self, tables={"summary": self.summary})


def influence_by_psu(model: FittedModel, *, labels: ArrayLike | None = None) -> PSUInfluence:
    """Return how much leaving out each PSU would move the estimates; never by respondent.

    Parameters
    ----------
    model
        A model fitted under a design with PSUs of several respondents.
    labels
        Each row's PSU as it is to be called, shape (rows of the data,); by default PSUs are numbered from 1
        within their stratum, in the order of their ids.

    Returns
    -------
    PSUInfluence
        By PSU and parameter, and the most influential PSU of each parameter.

    Raises
    ------
    ArgumentError
        If PSUs are single respondents, or labels are not one per PSU.

    Notes
    -----
    Minus the PSU's total influence, the first-order effect of setting its weights to zero (Binder 1983,
    *International Statistical Review* 51, 279-292).

    Examples
    --------
    >>> from coprodstats import SurveyDesign, logit
    >>> rng = np.random.default_rng(3)
    >>> frame = pd.DataFrame({"town": np.repeat(np.arange(8), 10), "age": rng.normal(size=80)})
    >>> frame["helps"] = (frame["age"] + rng.logistic(size=80) > 0).astype(int)
    >>> model = logit("helps ~ age", frame, design=SurveyDesign(psu="town"))
    >>> influence_by_psu(model, labels=frame["town"]).psus.shape
    (16, 6)
    """
    require_model(model, "influence_by_psu")
    design = model.design
    members = np.bincount(design.psu[model.used], minlength=design.n_psu)
    shown = np.flatnonzero(members > 1)
    if not len(shown):
        raise ArgumentError(
            Fault(
                where=f"influence_by_psu: model {model.name!r}",
                found="every PSU is a single respondent",
                allowed="a design with PSUs of several respondents: influence is not shown by person",
            )
        )
    names = _psu_names(model, labels)
    change = -psu_totals(model.influence, design)
    share = change**2 / (change**2).sum(axis=0)
    p = len(model.estimates)
    parameters = [parameter.name for parameter in model.parameters]
    psus = pd.DataFrame(
        {
            "stratum": np.repeat([design.stratum_labels[design.psu_stratum[c]] for c in shown], p),
            "psu": np.repeat(names[shown], p),
            "parameter": parameters * len(shown),
            "dfbeta": change[shown].ravel(),
            "dfbetas": (change[shown] / model.bse.to_numpy()).ravel(),
            "share": share[shown].ravel(),
        }
    )
    return PSUInfluence(
        model=model.name,
        psus=psus,
        summary=_most_influential(psus, parameters),
        left_out=int((members == 1).sum()),
    )


def _psu_names(model: FittedModel, labels: ArrayLike | None) -> NDArray[np.str_]:
    design = model.design
    if labels is None:
        order = pd.Series(design.psu_stratum).groupby(design.psu_stratum).cumcount() + 1
        return order.astype(str).to_numpy(dtype=str)
    given = np.asarray(labels)
    fault = ""
    if given.shape != (design.n_rows,):
        fault = f"it has shape {given.shape}, the data have {design.n_rows} rows"
    else:
        by_psu = pd.Series(given).astype(str).groupby(design.psu)
        if (by_psu.min() != by_psu.max()).any():
            fault = "some PSUs have more than one label"
    if fault:
        raise ArgumentError(
            Fault(where="influence_by_psu: labels", found=fault, allowed="the data's column of PSUs")
        )
    return by_psu.first().to_numpy(dtype=str)


def _most_influential(psus: pd.DataFrame, parameters: list[str]) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    for name in parameters:
        part = psus[psus["parameter"] == name]
        top = part.iloc[int(np.argmax(part["dfbetas"].abs().to_numpy()))]
        rows.append(
            {
                "parameter": name,
                "largest_dfbetas": top["dfbetas"],
                "stratum": top["stratum"],
                "psu": top["psu"],
                "top_share": part["share"].nlargest(TOP_PSUS).sum(),
            }
        )
    return pd.DataFrame(rows)


# --- design effects ---


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DesignEffects:
    """How much the design changes the variance of each estimate.

    Attributes
    ----------
    model
        The model's name.
    table
        Columns ``parameter, std_error, std_error_srs, deff, deft``: deff is the ratio of the variances, deft
        that of the standard errors.
    kish
        Kish's 1 + cv² of the sample's weights: what unequal weights alone would cost a mean.
    definition
        What the variances are compared with.
    """

    model: str
    table: pd.DataFrame
    kish: float
    definition: str

    def to_frame(self) -> pd.DataFrame:
        """Return the table with the model's name and Kish's factor."""
        frame = self.table.copy()
        frame.insert(0, "model", self.model)
        return frame.assign(kish=self.kish)

    def _repr_html_(self) -> str:
        return record_html(self, tables={"design effects": self.table})


def design_effects(model: FittedModel) -> DesignEffects:
    """Return the design effect of each coefficient.

    Parameters
    ----------
    model
        A model with ``covariance="design"`` or ``"robust"``.

    Returns
    -------
    DesignEffects
        Variance under the design over that of a simple random sample of the same size.

    Raises
    ------
    ArgumentError
        If the model's covariance is not that of a design, or it is penalised or of another family.

    Notes
    -----
    The denominator is the model-based variance (inverse information) with weights scaled to sum to n, that
    is of a simple random sample with replacement in which the model holds; R's ``svyglm(..., deff = TRUE)``
    with ``family = binomial()`` is the same. Kish (1965), *Survey Sampling*.

    Examples
    --------
    >>> from coprodstats import logit
    >>> frame = pd.DataFrame({"helps": [0, 1, 0, 1, 1, 0, 1, 1], "age": [20, 30, 40, 50, 60, 45, 35, 70]})
    >>> design_effects(logit("helps ~ age", frame)).kish
    1.0
    """
    _, fit = own_fit(model, "design_effects")
    if model.covariance == "model":
        raise ArgumentError(
            Fault(
                where=f"design_effects: model {model.name!r}",
                found="its covariance is that of the model, which knows no design",
                remedy="refit with covariance='design'",
            )
        )
    srs = np.sqrt(np.diag(naive_covariance(model, fit)))
    std_error = model.bse.to_numpy()
    w = model.sample_weights
    return DesignEffects(
        model=model.name,
        table=pd.DataFrame(
            {
                "parameter": [parameter.name for parameter in model.parameters],
                "std_error": std_error,
                "std_error_srs": srs,
                "deff": (std_error / srs) ** 2,
                "deft": std_error / srs,
            }
        ),
        kish=float(len(w) * (w**2).sum() / w.sum() ** 2),
        definition="variance under the design over the model-based variance of a simple random sample with "
        "replacement of the same size, weights scaled to sum to n",
    )
