"""Logistic and ordinal models under a survey design: from a formula and data to a fitted model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import Fault
from coprodstats.models import search
from coprodstats.models.assemble import (
    Form,
    Maximum,
    assemble,
    require_converged,
    shares_loglik,
    slope_parameters,
    threshold_parameters,
)
from coprodstats.models.blocks import category_weights
from coprodstats.models.category_models import cumulative_model
from coprodstats.models.convergence import certificate
from coprodstats.models.covariance import CovarianceKind
from coprodstats.models.firth import penalised_maximum, penalised_refit, penalty_name
from coprodstats.models.links import LINKS, Link, LinkName
from coprodstats.models.polish import near_enough, reported, settle
from coprodstats.models.prepare import Prepared, Request, prepare, unknown_options
from coprodstats.models.replicate_fits import cumulative_replicates, serial_replicates
from coprodstats.models.responses import cumulative, parallel_map
from coprodstats.models.results import FittedModel
from coprodstats.models.scores import cumulative_scores
from coprodstats.models.search import maximise_rows
from coprodstats.models.separation import Overlap, overlap, refuse_separation
from coprodstats.models.vector_fits import layout_of, nonparallel_faults, vector_fit
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import DfRule, SurveyDesign
from coprodstats.survey.weighting import Weighting

Floats = NDArray[np.float64]
Separation = Literal["error", "firth"]


def logit(
    formula: str,
    data: CleanedSurvey | pd.DataFrame,
    *,
    design: SurveyDesign | None = None,
    covariance: CovarianceKind | None = None,
    domain: pd.Series | NDArray[np.bool_] | None = None,
    separation: Separation = "error",
    df_rule: DfRule = "stata",
    weighting: Weighting | None = None,
    offset: str | None = None,
    name: str | None = None,
) -> FittedModel:
    """Fit a logistic model of a two-category outcome.

    Parameters
    ----------
    formula
        ``"outcome ~ age + gender + efficacy:country"``; see `coprodstats.models.formula` for what is allowed.
        The outcome has two categories (the second is the event), is logical, or is coded 0 and 1.
    data
        A cleaned survey, which brings its design, or a DataFrame.
    design
        The sampling design; it replaces that of a cleaned survey.
    covariance
        ``"design"`` (strata, PSUs and weights; the default with a design), ``"robust"`` (independent
        respondents with weights; the default without) or ``"model"`` (inverse information; weights are
        read as counts).
    domain
        True for the rows of the subpopulation to be modelled; the others keep their place in the design.
    separation
        What to do if the outcome is predicted perfectly: ``"error"`` stops and says by what; ``"firth"``
        fits a penalised likelihood, which has a finite maximum, and says so wherever the model is shown.
    df_rule
        ``"stata"``: PSUs minus strata; ``"r"``: that of the rows used, minus the parameters.
    weighting
        Calibrated weights for all rows of the data (`coprodstats.rake`, `post_stratify`, `calibrate`), made
        from the design's weights; the covariance takes the calibration into account.
    offset
        A numeric column that is added to the linear predictor with a coefficient of 1. Rows without a value
        are outside the sample; predictions for new data need the column.
    name
        The model's name in tables.

    Returns
    -------
    FittedModel
        log(P(event) / (1 - P(event))) = Intercept + x'b + offset.

    Raises
    ------
    FormulaError, DesignError, SeparationError, RankDeficiencyError, EmptyCategoryError,
    InsufficientDataError, ConvergenceError, ArgumentError
        Each for what its name says; nothing is fitted then.

    Notes
    -----
    Weighted pseudo-likelihood; covariance by linearisation (Binder 1983, *International Statistical Review*
    51, 279-292), or, if the design has replicate weights, from a fit under each of them; see
    `coprodstats.replicate_fitting` for how these run. Random (bootstrap) replicates without a finite maximum
    are left out, counted and named in ``warnings``, up to a tenth of them; with other methods they are an
    error. Rows with a missing value are outside the sample, and their PSUs stay in the design.

    ``separation="firth"`` adds half the logarithm of the determinant of the information, Jeffreys' prior
    (Firth 1993, *Biometrika* 80, 27-38; Heinze and Schemper 2002, *Statistics in Medicine* 21, 2409-2419),
    whether the data are separated or not. Against the penalty the weights sum to the number of respondents,
    or are counts for a model-based covariance; see `coprodstats.models.firth` for the covariances, and
    `coprodstats.profile_interval` for intervals that suit separated data.

    Examples
    --------
    >>> frame = pd.DataFrame({"helps": [0, 1, 0, 1, 1, 0, 1, 1], "age": [20, 30, 40, 50, 60, 45, 35, 70]})
    >>> model = logit("helps ~ age", frame)
    >>> round(float(model.params["age"]), 4)
    0.076
    """
    request = Request(
        data=data,
        family="logit",
        design=design,
        covariance=covariance,
        domain=domain,
        df_rule=df_rule,
        weighting=weighting,
        name=name,
        offset=offset,
    )
    return _fit(formula, request, link="logit", separation=separation)


def ologit(
    formula: str,
    data: CleanedSurvey | pd.DataFrame,
    *,
    link: LinkName = "logit",
    nonparallel: Sequence[str] | str = (),
    design: SurveyDesign | None = None,
    covariance: CovarianceKind | None = None,
    domain: pd.Series | NDArray[np.bool_] | None = None,
    separation: Separation = "error",
    df_rule: DfRule = "stata",
    weighting: Weighting | None = None,
    offset: str | None = None,
    name: str | None = None,
) -> FittedModel:
    """Fit a cumulative-link model of an ordered outcome: proportional odds, or partial proportional odds.

    Parameters
    ----------
    formula, data, design, covariance, domain, separation, df_rule, weighting, offset, name
        As for `logit`. The outcome is an ordered categorical with at least two categories.
    link
        ``"logit"``, ``"probit"``, ``"cloglog"``, ``"loglog"`` or ``"cauchit"``, as in R's ordinal.
    nonparallel
        Terms or parameters of the formula whose slopes differ between the splits of the outcome, such as
        ``("age", "country[T.DK]")``; ``"all"`` for every term. By default none.

    Returns
    -------
    FittedModel
        F^-1(P(Y <= k)) = threshold_k - x'b - offset, so that a positive coefficient means *more*. A
        nonparallel column has one slope per split, named ``age[low|mid]``, ``age[mid|high]``: b_k in
        F^-1(P(Y <= k)) = threshold_k - x'b_k, as Stata's gologit2 reports them.

    Raises
    ------
    FormulaError, DesignError, SeparationError, RankDeficiencyError, EmptyCategoryError,
    InsufficientDataError, ConvergenceError, ArgumentError
        Each for what its name says; nothing is fitted then.

    Notes
    -----
    McCullagh (1980), *JRSS B* 42, 109-142; Christensen (2022), R package ordinal. Partial proportional
    odds: Peterson and Harrell (1990), *Applied Statistics* 39, 205-217; Williams (2006), *Stata Journal* 6,
    58-82. R's ``clm(nominal = )`` adds its slopes to the thresholds, and VGAM's ``cumulative()`` speaks of
    P(Y <= k) unless ``reverse = TRUE``: both give these slopes with the opposite sign.

    Lines with slopes of their own cross somewhere, and beyond that a category would have a negative
    probability. The fit steps back from estimates at which some respondent's own category has none; a sample
    in which another category still has a negative one is named in ``warnings``, and `coprodstats.predict`
    and `coprodstats.margins` make no number of such rows.

    Examples
    --------
    >>> answers = pd.Categorical(["low", "mid", "high", "mid", "low", "high", "mid", "low"],
    ...                          categories=["low", "mid", "high"], ordered=True)
    >>> frame = pd.DataFrame({"trust": answers, "age": [20, 35, 60, 41, 52, 33, 28, 47]})
    >>> list(ologit("trust ~ age", frame).thresholds.index)
    ['low|mid', 'mid|high']
    >>> ologit("trust ~ age", frame, nonparallel=("age",)).params.index.tolist()[:2]
    ['age[low|mid]', 'age[mid|high]']
    """
    request = Request(
        data=data,
        family="ologit",
        design=design,
        covariance=covariance,
        domain=domain,
        df_rule=df_rule,
        weighting=weighting,
        name=name,
        offset=offset,
    )
    return _fit(formula, request, link=link, separation=separation, nonparallel=nonparallel)


def _fit(
    formula: str,
    request: Request,
    *,
    link: LinkName,
    separation: Separation,
    nonparallel: Sequence[str] | str = (),
) -> FittedModel:
    family = request.family
    faults = unknown_options(
        family, ("link", link, tuple(LINKS)), ("separation", separation, get_args(Separation))
    )
    wrong = nonparallel_faults(family, nonparallel)
    faults += wrong
    if not wrong and len(nonparallel) and separation == "firth":
        faults.append(
            Fault(
                where=f"{family}: separation",
                found="'firth' is for one slope per column",
                remedy="leave nonparallel out, or separation='error'",
            )
        )
    ready = prepare(formula, request, *faults)
    if len(nonparallel):
        return vector_fit(ready, layout_of(ready, cumulative_model(LINKS[link]), nonparallel))
    form = cumulative_form(ready, LINKS[link])
    if separation == "firth":
        to_user = _to_user(len(ready.sample.categories) - 1, ready.centre, ready.inverse, family)
        unpenalised = _null_loglik(ready, LINKS[link])
        penalised = penalised_maximum(ready, LINKS[link], to_user, unpenalised)
        return assemble(
            ready,
            penalised,
            replace(form, penalty=penalty_name(LINKS[link])),
            partial(serial_replicates, refit=partial(penalised_refit, x=ready.standard, link=LINKS[link])),
        )
    near = overlap(ready.data.rows, ready.data.few)
    ready = replace(ready, data=replace(ready.data, few=None))  # they have served
    if not near.shown:
        refuse_separation(
            ready.spec.formula.outcome,
            ready.sample,
            ready.rows,
            standard=ready.standard,
            inverse=ready.inverse,
            columns=ready.spec.columns,
        )
    replicates = partial(cumulative_replicates, link=LINKS[link])
    return assemble(ready, _maximum(ready, LINKS[link], near), form, replicates)


def _maximum(ready: Prepared, link: Link, near: Overlap) -> Maximum:
    """Return the maximum; under the logit link the search goes on from where it was shown to exist."""
    rows = ready.data.rows
    start = near.start if link.name == "logit" else None
    found = maximise_rows(rows, link, start=start, enough=near_enough)
    to_user = _to_user(rows.n_cuts, ready.centre, ready.inverse, ready.family)
    places, w, scale = ready.data.places, ready.weights, ready.data.scale
    settled = settle(rows, link, found)
    if settled is None:
        found = found if found.stalled else maximise_rows(rows, link, start=found)
        scores = cumulative_scores(found.theta, rows, places, w, link, scale=scale)
        final, score_size = None, scores.sizes()
    else:
        found = settled.estimate(found)
        scores = settled.scores(rows, places, w, ready.data.by_unit, scale=scale)
        final = reported(settled, ready.centre, ready.inverse, _reordered(ready))
        score_size = np.zeros_like(found.theta)  # the score was summed without rounding
    convergence = certificate(found, score_size, float(rows.w.sum()), to_user)
    require_converged(ready.name, convergence)
    return Maximum(
        theta=found.theta,
        information=found.information,
        scores=scores,
        to_user=to_user,
        loglik=found.loglik,
        null_loglik=_null_loglik(ready, link),
        convergence=convergence if final is None else replace(convergence, digits=final.digits),
        settled=final,
    )


def cumulative_form(ready: Prepared, link: Link) -> Form:
    """Return what the parameters of a cumulative-link model with one slope per column stand for."""
    categories, columns = ready.sample.categories, ready.spec.columns
    n_cuts, p = len(categories) - 1, len(columns)
    slopes = slope_parameters(columns)
    if ready.family == "logit":
        parameters = threshold_parameters(["Intercept"]) + slopes
    else:
        names = [f"{low}|{high}" for low, high in pairwise(categories)]
        parameters = slopes + threshold_parameters(names)
    return Form(
        link=link,
        response=cumulative(link),
        slope_map=parallel_map(n_cuts, p),
        parameters=parameters,
        to_reported=_reordered(ready),
    )


def _to_user(n_cuts: int, centre: Floats, inverse: Floats, family: str) -> Floats:
    """Return the matrix from standardised (thresholds, slopes) to the parameters that are reported."""
    p = len(centre)
    to_raw = np.zeros((n_cuts + p, n_cuts + p))
    to_raw[:n_cuts, :n_cuts] = np.eye(n_cuts)
    to_raw[:n_cuts, n_cuts:] = centre @ inverse
    to_raw[n_cuts:, n_cuts:] = inverse
    if family == "logit":
        to_raw[0] *= -1  # the intercept is minus the threshold
        return to_raw
    return np.vstack([to_raw[n_cuts:], to_raw[:n_cuts]])  # slopes first, thresholds last


def _reordered(ready: Prepared) -> Floats:
    """Return the matrix from thresholds and slopes of the predictors as in the data to what is reported."""
    p = len(ready.centre)
    return _to_user(len(ready.sample.categories) - 1, np.zeros(p), np.eye(p), ready.family)


def _null_loglik(ready: Prepared, link: Link) -> float:
    """Return the log-likelihood without predictors, but with the offset."""
    if ready.offset is None:
        return shares_loglik(category_weights(ready.data.rows))
    y, w = ready.sample.y, ready.scaled
    nothing, n_cuts = np.empty((len(y), 0)), len(ready.sample.categories) - 1
    return search.maximise(nothing, y, w, n_cuts=n_cuts, link=link, offset=ready.offset).loglik
