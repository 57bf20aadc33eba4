"""Linear models under a survey design."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ConvergenceError, Fault, ModelError
from coprodstats.models import search
from coprodstats.models.assemble import Maximum, assemble
from coprodstats.models.convergence import certificate
from coprodstats.models.covariance import CovarianceKind
from coprodstats.models.least_squares import LeastSquares, least_squares
from coprodstats.models.links import Link
from coprodstats.models.mean_models import from_standard, mean_form, residual_df
from coprodstats.models.prepare import Prepared, Request, prepare
from coprodstats.models.replicate_fits import serial_replicates
from coprodstats.models.responses import mean_of_predictor
from coprodstats.models.results import FittedModel
from coprodstats.models.search import Estimate
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import DfRule, SurveyDesign
from coprodstats.survey.weighting import Weighting

Floats = NDArray[np.float64]

# Residuals this small beside the outcome's own spread are rounding.
EXACT = 1e-11


def linear(
    formula: str,
    data: CleanedSurvey | pd.DataFrame,
    *,
    design: SurveyDesign | None = None,
    covariance: CovarianceKind | None = None,
    domain: pd.Series | NDArray[np.bool_] | None = None,
    df_rule: DfRule = "stata",
    weighting: Weighting | None = None,
    offset: str | None = None,
    name: str | None = None,
) -> FittedModel:
    """Fit a linear model of a numeric outcome, such as an index from 0 to 100.

    Parameters
    ----------
    formula, data, design, covariance, domain, df_rule, weighting, offset, name
        As for `coprodstats.logit`. The outcome is numeric. ``covariance="model"`` is that of residuals with
        one variance, with t on respondents minus parameters; weights are then read as counts.

    Returns
    -------
    FittedModel
        mean = Intercept + x'b + offset; ``prsquared`` is R squared.

    Raises
    ------
    FormulaError, DesignError, RankDeficiencyError, InsufficientDataError, ModelError, ArgumentError
        Each for what its name says; nothing is fitted then.

    Notes
    -----
    Weighted least squares; covariance under a design by linearisation (Fuller 1975, *Sankhyā* C 37, 117-132;
    Binder 1983), as R's ``svyglm``. ``llf`` is the log-likelihood of normal residuals.

    Examples
    --------
    >>> frame = pd.DataFrame({"index": [20.0, 35.0, 30.0, 55.0, 60.0], "age": [20, 30, 40, 50, 60]})
    >>> linear("index ~ age", frame).params.round(2).tolist()
    [0.0, 1.0]
    """
    request = Request(
        data=data,
        family="linear",
        design=design,
        covariance=covariance,
        domain=domain,
        df_rule=df_rule,
        weighting=weighting,
        name=name,
        offset=offset,
    )
    ready = prepare(formula, request)
    form = mean_form(ready, IDENTITY, mean_of_predictor())
    # What is left for intercept and slopes to explain.
    y = ready.sample.y if ready.offset is None else ready.sample.y - ready.offset
    fit = least_squares(ready.x, y, ready.scaled, centre=ready.centre, inverse=ready.inverse)
    refits = partial(serial_replicates, refit=partial(_refit, columns=fit.columns, y=y))
    return assemble(ready, _maximum(ready, fit, y), form, refits)


def _no_distribution(_: Floats) -> Floats:
    message = "the identity link has no distribution function"
    raise NotImplementedError(message)


IDENTITY = Link(
    name="identity",
    log_cdf=_no_distribution,
    log_sf=_no_distribution,
    log_pdf=_no_distribution,
    pdf_slope=_no_distribution,
)


def _maximum(ready: Prepared, fit: LeastSquares, y: Floats) -> Maximum:
    w = ready.scaled
    squares, total = float(w @ fit.residuals**2), float(w @ (y - np.average(y, weights=w)) ** 2)
    if squares <= EXACT**2 * total:
        raise ModelError(
            Fault(
                where=f"model {ready.name!r}",
                found="the predictors reproduce the outcome exactly, so that there is nothing to infer",
                remedy="leave out the predictor from which the outcome is made",
            )
        )
    df = residual_df(ready)
    variance = squares / df
    scores = fit.columns * (fit.residuals / variance)[:, None]
    information = (fit.columns * (w / variance)[:, None]).T @ fit.columns
    estimate = Estimate(
        theta=fit.theta,
        loglik=_loglik(squares, w),
        information=information,
        iterations=fit.refinements,
        last_step=fit.last_step,
        decrement=float(fit.last_step @ information @ fit.last_step),
        stalled=False,
    )
    # The score's terms are summed in long double.
    size = np.sqrt(((scores * w[:, None]) ** 2).sum(axis=0)) * (fit.rounding / np.finfo(float).eps)
    to_user = from_standard(ready)
    return Maximum(
        theta=fit.theta,
        information=information,
        scores=scores,
        to_user=to_user,
        loglik=estimate.loglik,
        null_loglik=_loglik(total, w),
        convergence=certificate(estimate, size, float(w.sum()), to_user),
        residual_df=df,
    )


def _loglik(squares: float, w: Floats) -> float:
    """Return the log-likelihood of normal residuals, their variance at its maximum."""
    n = float(w.sum())
    return float(-n / 2 * (np.log(2 * np.pi * squares / n) + 1))


def _refit(ready: Prepared, weights: Floats, _: Floats | None, *, columns: Floats, y: Floats) -> Floats:
    """Return the least-squares estimates under other weights, shape (1+p,).

    Columns are orthonormal under the sample's weights, so that their products lose nothing; single weights
    may be negative, which have no root.
    """
    products = columns.T @ (columns * weights[:, None])
    size = np.linalg.eigvalsh(products)
    if size[0] <= search.SINGULAR * size[-1]:
        raise ConvergenceError(
            Fault(where=f"model {ready.name!r}", found="a column does not vary, or only with others")
        )
    return np.asarray(np.linalg.solve(products, columns.T @ (weights * y)))
