"""Two models of the same respondents as one: the covariance between their parameters, and what follows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.models.averages import joint_covariance
from coprodstats.models.covariance import independent_rows
from coprodstats.models.intervals import interval_frame
from coprodstats.models.matrix import rebuild_matrix
from coprodstats.models.outcome_views import event_view
from coprodstats.models.predictions import predict
from coprodstats.models.responses import row_gradients, row_values
from coprodstats.models.results import FittedModel
from coprodstats.survey.design import ResolvedDesign

Floats = NDArray[np.float64]


def union_of(models: Sequence[FittedModel]) -> tuple[ResolvedDesign, NDArray[np.bool_]]:
    """Return the design that several models of one frame share, and which rows any of them uses."""
    used = np.logical_or.reduce([model.used for model in models])
    design = models[0].design
    return (independent_rows(design, used) if models[0].covariance == "robust" else design), used


def joint_parameters(models: Sequence[FittedModel]) -> tuple[Floats, Floats]:
    """Return the parameters of several models, one model after the other, and their joint covariance.

    Parameters
    ----------
    models
        Models of the same frame under the same design, as `coprodstats.compare` accepts them.

    Returns
    -------
    estimate : numpy.ndarray
        ``params`` of the first, then of the second, …, shape (q,).
    covariance : numpy.ndarray
        Their covariance, shape (q, q): each model's own in the blocks on the diagonal, between them that of
        the influences stacked over the union of the samples, or of the replicates.
    """
    design, _ = union_of(models)
    estimate = np.concatenate([model.estimates for model in models])
    influence = np.hstack([model.influence for model in models])
    drawn = [model.replicates for model in models if model.replicates is not None]
    replicates = np.hstack(drawn) if len(drawn) == len(models) else None
    covariance = joint_covariance(influence, replicates, estimate, design, models)
    start = 0
    for model in models:
        own = slice(start, start + len(model.estimates))
        covariance[own, own] = model.covariance_matrix
        start = own.stop
    return estimate, covariance


def event_parameters(model: FittedModel, start: int) -> Floats:
    """Return the matrix from ``params`` to the intercept and slopes of the logit of an event.

    Parameters
    ----------
    model
        A cumulative model.
    start
        Position of the event's lowest category, 1 or more: the event is that category or a higher one.

    Returns
    -------
    numpy.ndarray
        Shape (1+p, q): P(event) = F((1, x)' matrix params) for a symmetric distribution function F.
    """
    cuts, p, slopes = model.slope_map.shape
    by_theta = np.zeros((1 + p, cuts + slopes))
    by_theta[0, start - 1] = -1.0
    by_theta[1:, cuts:] = model.slope_map[start - 1]
    return np.asarray(by_theta @ model.to_user.T)


def event_predictions(model: FittedModel, start: int, newdata: pd.DataFrame) -> pd.DataFrame:
    """Return the probability of an event for each row, as `coprodstats.predict` gives it.

    Parameters
    ----------
    model
        A model of categories.
    start
        Position of the event's lowest category, 1 or more.
    newdata
        Complete rows with all predictors.

    Returns
    -------
    pandas.DataFrame
        Columns ``category, estimate, std_error, df, conf_low, conf_high``, the index of ``newdata``.
    """
    events = len(model.categories) - 1
    return predict(model, newdata, intervals=True, of="at_least").iloc[start - 1 :: events]


def predicted_differences(
    models: tuple[FittedModel, FittedModel],
    newdata: pd.DataFrame,
    *,
    starts: tuple[int, int],
    df: float,
) -> pd.DataFrame:
    """Return for each row how the probabilities of two models' events differ: the second minus the first.

    Parameters
    ----------
    models
        Two models of the same frame under the same design.
    newdata
        Complete rows with all predictors.
    starts
        Position of the lowest category of each model's event.
    df
        Degrees of freedom.

    Returns
    -------
    pandas.DataFrame
        Columns ``estimate, std_error, statistic, df, p_value, conf_low, conf_high``, the index of
        ``newdata``. By the delta method, as `coprodstats.compare` has its differences.
    """
    _, covariance = joint_parameters(models)
    shares, gradients = [], []
    for model, start, sign in zip(models, starts, (-1.0, 1.0), strict=True):
        x, weights = rebuild_matrix(model.spec, newdata), event_view(model, start).weights[0]
        shares.append(sign * row_values(model.surface, model.theta, x) @ weights)
        by_theta = np.einsum("v,nvq->nq", weights, row_gradients(model.surface, model.theta, x))
        gradients.append(sign * by_theta @ model.to_user.T)
    gradient = np.hstack(gradients)
    frame = interval_frame(sum(shares), gradient @ covariance @ gradient.T, df)
    frame.index = newdata.index
    return frame
