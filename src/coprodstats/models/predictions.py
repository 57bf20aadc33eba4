"""Predictions: for single rows, and averaged over the sample with predictors set to given values."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, Fault, ModelError
from coprodstats.models.averages import MarginEstimates, Vce, estimate_blocks, vce_faults
from coprodstats.models.crossings import refuse_crossings
from coprodstats.models.intervals import LEVEL, bounded_interval, interval_frame, level_faults
from coprodstats.models.margin_arguments import (
    RESERVED,
    At,
    fixed_names,
    gathering,
    settings_of,
    taken_faults,
)
from coprodstats.models.matrix import rebuild_matrix
from coprodstats.models.outcome_views import Of, OutcomeView, Scores, outcome_view, view_faults
from coprodstats.models.refit import require_model
from coprodstats.models.responses import row_gradients, row_values
from coprodstats.models.results import FittedModel
from coprodstats.models.row_groups import By, row_groups
from coprodstats.models.scenarios import prediction_blocks
from coprodstats.survey.lines import BLOCK

Floats = NDArray[np.float64]


def predict(
    model: FittedModel,
    newdata: pd.DataFrame | None = None,
    *,
    intervals: bool = False,
    of: Of = "category",
    scores: Scores = None,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Return predicted probabilities, or the predicted mean, for each row.

    Parameters
    ----------
    model
        A fitted model.
    newdata
        Rows with all predictors (and the offset, if the model has one), complete; the sample itself by
        default.
    intervals
        Whether to return standard errors and intervals as well.
    of
        ``"category"``: the probability of each category; ``"at_least"``: of each category above the lowest or
        a higher one; ``"score"``: the expected score.
    scores
        For ``of="score"``: each category's score, lowest category first or by its name; 1, 2, … by default.
    level
        Probability with which an interval covers.

    Returns
    -------
    pandas.DataFrame
        One column per category of an ordinal outcome, or one column named after the event, ``"mean"`` for a
        model of a mean, ``"score"``; index of ``newdata``. With intervals one line per row and category
        instead: ``category, estimate, std_error, df, conf_low, conf_high``, each index repeated.

    Raises
    ------
    ModelError
        If a predictor or the offset is absent or missing, a predictor has a level that the model has not
        seen, or slopes that differ between splits make a category's probability negative.
    ArgumentError
        If ``of``, ``scores`` or ``level`` is not one of those allowed, or ``level`` comes without intervals.

    Examples
    --------
    >>> import pandas as pd
    >>> from coprodstats import logit
    >>> frame = pd.DataFrame({"helps": [0, 1, 0, 1, 1, 0, 1, 1], "age": [20, 30, 40, 50, 60, 45, 35, 70]})
    >>> predict(logit("helps ~ age", frame), pd.DataFrame({"age": [25, 65]})).round(3)["1"].tolist()
    [0.321, 0.908]

    Notes
    -----
    Standard errors by the delta method from the model's covariance, whatever it comes from; intervals are
    made on the logit scale between the bounds of what is predicted, so that they stay within them.
    """
    require_model(model, "predict")
    faults = [*view_faults(model, of, scores, "predict"), *level_faults(level, "predict")]
    if level != LEVEL and not intervals:
        faults.append(Fault(where="predict: level", found="there are no intervals", remedy="intervals=True"))
    if faults:
        raise ArgumentError(*faults)
    view = outcome_view(model, of, scores)
    rows = model.sample if newdata is None else newdata
    x = rebuild_matrix(model.spec, rows)
    offset = model.offset if newdata is None else new_offset(model, newdata)
    refuse_crossings(model, x, offset, "the sample" if newdata is None else "new data")
    if intervals:
        return _row_intervals(model, x, offset, view, rows.index, level)
    values = category_probabilities(model, x, offset) @ view.weights.T
    return pd.DataFrame(values, index=rows.index, columns=list(view.names))


def average_predictions(
    model: FittedModel,
    at: At = None,
    *,
    by: By = None,
    of: Of = "category",
    scores: Scores = None,
    vce: Vce = "delta",
    level: float = LEVEL,
) -> pd.DataFrame:
    """Return average adjusted predictions: everyone's predictors set to each of some values in turn.

    Parameters
    ----------
    model
        A fitted model.
    at
        Predictors with a value or several each, such as ``{"age": [20, 40, 60], "gender": "woman"}``; every
        combination is taken, other predictors stay as they are. Everything as it is by default.
    by
        Predictors, or Series over the rows of the data: averages over each group of respondents.
    of, scores
        As for `predict`.
    vce
        As for `coprodstats.margins`.
    level
        Probability with which an interval covers.

    Returns
    -------
    pandas.DataFrame
        Columns ``variable, value`` for one predictor in ``at`` (a column each for several), one per variable
        of ``by``, then ``category, estimate, std_error, statistic, df, p_value, conf_low, conf_high``;
        intervals are made on the logit scale between the bounds of what is predicted, which
        ``attrs["bounds"]`` holds (None: plain t intervals).

    Raises
    ------
    ArgumentError
        With everything that is wrong with the arguments.
    ModelError
        If a term of the formula is not defined at a value.

    Examples
    --------
    >>> import pandas as pd
    >>> from coprodstats import logit
    >>> frame = pd.DataFrame({"helps": [0, 1, 0, 1, 1, 0, 1, 1], "age": [20, 30, 40, 50, 60, 45, 35, 70]})
    >>> average_predictions(logit("helps ~ age", frame), {"age": [25, 65]})["estimate"].round(3).tolist()
    [0.321, 0.908]
    """
    require_model(model, "average_predictions")
    faults = level_faults(level, "average_predictions")
    with gathering(faults):
        found = prediction_estimates(model, at, by=by, of=of, scores=scores, vce=vce)
    if faults:
        raise ArgumentError(*faults)
    frame = interval_frame(found.estimate, found.covariance, model.df, level=level)
    bounds = outcome_view(model, of, scores).bounds
    frame["conf_low"], frame["conf_high"] = bounded_interval(
        found.estimate, frame["std_error"].to_numpy(), model.df, bounds=bounds, level=level
    )
    labels = found.labels
    if at is not None and len(at) == 1:
        name = next(iter(at))
        labels = labels.rename(columns={name: "value"}).assign(value=labels[name].astype(str))
        labels.insert(0, "variable", name)
    table = pd.concat([labels, frame], axis=1)
    table.attrs["bounds"] = bounds
    return table


def prediction_estimates(
    model: FittedModel,
    at: At = None,
    *,
    by: By = None,
    of: Of = "category",
    scores: Scores = None,
    vce: Vce = "delta",
) -> MarginEstimates:
    """Return average adjusted predictions with their influence and covariance; see `average_predictions`."""
    asked = "average_predictions"
    faults = [*view_faults(model, of, scores, asked), *vce_faults(model, vce, asked)]
    faults += taken_faults(at, asked)
    with gathering(faults):
        settings = settings_of(model, at, asked)
    with gathering(faults):
        groups = row_groups(model, by, asked=asked, taken=(*RESERVED, *fixed_names(at)))
    if faults:
        raise ArgumentError(*faults)
    view = outcome_view(model, of, scores)
    return estimate_blocks(model, prediction_blocks(model, settings), groups, view, vce)


def category_probabilities(model: FittedModel, x: Floats, offset: Floats | None = None) -> Floats:
    """Return the values that a model predicts, the probability of each category or the mean, shape (m, v).

    Parameters
    ----------
    model
        The model.
    x
        Design matrix, shape (m, p).
    offset
        Each row's offset, shape (m,), for a model that has one.
    """
    return row_values(model.surface, model.theta, x, offset)


def new_offset(model: FittedModel, newdata: pd.DataFrame) -> Floats | None:
    """Return the offset of new rows, or None for a model without one.

    Raises
    ------
    ModelError
        If the model has one and its column is absent, not numeric, or not a finite number in each row.
    """
    if model.offset is None:
        return None
    where = f"new data: column {model.offset_name!r}"
    if model.offset_name not in newdata.columns:
        raise ModelError(Fault(where=where, found="it is absent, but it is the model's offset"))
    column = newdata[model.offset_name]
    if not pd.api.types.is_numeric_dtype(column):
        raise ModelError(Fault(where=where, found="it is not numeric", allowed="numbers"))
    values = column.to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(values).all():
        gaps = int((~np.isfinite(values)).sum())
        raise ModelError(Fault(where=where, found=f"{gaps} rows have no finite value", allowed="numbers"))
    return np.asarray(values)


def _row_intervals(
    model: FittedModel, x: Floats, offset: Floats | None, view: OutcomeView, index: pd.Index, level: float
) -> pd.DataFrame:
    variance = model.to_user.T @ model.covariance_matrix @ model.to_user  # of (cuts, slopes)
    variances = []
    for start in range(0, max(len(x), 1), BLOCK):  # a gradient for each row, part and parameter is large
        rows = slice(start, start + BLOCK)
        gradient = row_gradients(
            model.surface, model.theta, x[rows], None if offset is None else offset[rows]
        )
        shown = np.einsum("ov,nvq->noq", view.weights, gradient, optimize=True)
        variances.append(np.einsum("noj,jk,nok->no", shown, variance, shown, optimize=True))
    std_error = np.sqrt(np.maximum(np.concatenate(variances), 0.0)).ravel()
    estimate = (category_probabilities(model, x, offset) @ view.weights.T).ravel()
    low, high = bounded_interval(estimate, std_error, model.df, bounds=view.bounds, level=level)
    return pd.DataFrame(
        {
            "category": list(view.names) * len(x),
            "estimate": estimate,
            "std_error": std_error,
            "df": model.df,
            "conf_low": low,
            "conf_high": high,
        },
        index=index.repeat(len(view.names)),
    )
