"""Predicted probabilities and average margins, with their influence so that they can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import ArgumentError, Fault, did_you_mean, listed
from coprodstats.models.formula import polynomial_degree
from coprodstats.models.matrix import DesignSpec, rebuild_matrix
from coprodstats.models.responses import averaged_slopes, averaged_values, row_gradients, row_values
from coprodstats.models.results import FittedModel
from coprodstats.survey.design import ResolvedDesign, design_variance
from coprodstats.survey.replicates import replicate_variance

Floats = NDArray[np.float64]
Vce = Literal["delta", "unconditional"]

# Functions through which a predictor is not a polynomial of low degree; see `_derivative`.
_CURVED = ("log(", "exp(", "sqrt(", "bs(", "cr(", "poly(")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarginEstimates:
    """Average margins or predictions with what is needed to combine them.

    Attributes
    ----------
    labels
        One row per quantity: variable, contrast (or value), category, term; shape (m, 4).
    estimate
        The quantities, on the probability scale, shape (m,).
    influence
        Influence of each row of the frame on them, shape (n, m).
    covariance
        Their covariance, shape (m, m).
    replicates
        The quantities of each replicate of the design, shape (R, m), or None without replicate weights.
    """

    labels: pd.DataFrame
    estimate: Floats
    influence: Floats
    covariance: Floats
    replicates: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Quantity:
    """Values of one quantity for each sampled row and category, and the average's derivatives."""

    label: dict[str, str]
    per_row: Floats  # (rows, K)
    gradient: Floats  # (K, q): derivative of the weighted average by (thresholds, slopes)


def margins(
    model: FittedModel, variables: Sequence[str] | str | None = None, *, vce: Vce = "delta"
) -> pd.DataFrame:
    """Return average margins: how the probability of each category goes with each predictor.

    Parameters
    ----------
    model
        A fitted model.
    variables
        Predictors; all by default.
    vce
        ``"delta"``: the sample's predictors are taken as fixed; ``"unconditional"``: they are a sample too.

    Returns
    -------
    pandas.DataFrame
        Columns ``variable, contrast, category, estimate, std_error, statistic, df, p_value, conf_low,
        conf_high``. Numeric predictors: the weighted average derivative (``dy/dx``, probability per unit);
        factors: the weighted average difference from the reference level. A logistic model has one
        category, the event; an ordinal model has all, and they sum to zero.

    Raises
    ------
    ArgumentError
        If a variable is not in the model, or ``vce`` is not one of the two.

    Notes
    -----
    All columns of a variable, interactions and powers included, move together. Unconditional variance: the
    influence of row i is ``w_i (g_i - margin) / sum(w)`` plus the gradient times the coefficients' influence
    (Korn and Graubard 1999, *Analysis of Health Surveys*, ch. 3; Stata's ``vce(unconditional)``).

    Examples
    --------
    >>> import pandas as pd
    >>> from coprodstats import logit
    >>> frame = pd.DataFrame({"helps": [0, 1, 0, 1, 1, 0, 1, 1], "age": [20, 30, 40, 50, 60, 45, 35, 70]})
    >>> margins(logit("helps ~ age", frame), "age")["estimate"].round(4).tolist()
    [0.0141]
    """
    found = margin_estimates(model, variables, vce=vce)
    frame = interval_frame(found.estimate, found.covariance, model.df)
    return pd.concat([found.labels[["variable", "contrast", "category"]], frame], axis=1)


def predict(
    model: FittedModel, newdata: pd.DataFrame | None = None, *, intervals: bool = False
) -> pd.DataFrame:
    """Return predicted probabilities for each row.

    Parameters
    ----------
    model
        A fitted model.
    newdata
        Rows with all predictors, complete; the sample itself by default.
    intervals
        Whether to return standard errors and 95 % intervals as well.

    Returns
    -------
    pandas.DataFrame
        One column per category of an ordinal outcome, or one column named after the event; index of
        ``newdata``. With intervals one line per row and category instead: ``category, estimate, std_error,
        df, conf_low, conf_high``, the index of ``newdata`` repeated.

    Raises
    ------
    ModelError
        If a predictor is absent or missing, or has a level that the model has not seen.

    Examples
    --------
    >>> import pandas as pd
    >>> from coprodstats import logit
    >>> frame = pd.DataFrame({"helps": [0, 1, 0, 1, 1, 0, 1, 1], "age": [20, 30, 40, 50, 60, 45, 35, 70]})
    >>> predict(logit("helps ~ age", frame), pd.DataFrame({"age": [25, 65]})).round(3)["1"].tolist()
    [0.321, 0.908]

    Notes
    -----
    Standard errors by the delta method; intervals are made on the logit scale of the probability, so that
    they stay within 0 and 1.
    """
    rows = model.sample if newdata is None else newdata
    x = rebuild_matrix(model.spec, rows)
    probabilities = category_probabilities(model, x)
    if intervals:
        return _predicted_intervals(model, x, probabilities, rows.index)
    frame = pd.DataFrame(probabilities, index=rows.index, columns=list(model.categories))
    return frame[[model.categories[1]]] if model.family == "logit" else frame


def average_predictions(
    model: FittedModel, at: Mapping[str, Iterable[Any]], *, vce: Vce = "delta"
) -> pd.DataFrame:
    """Return average adjusted predictions: everyone's predictor set to each of some values in turn.

    Parameters
    ----------
    model
        A fitted model.
    at
        One predictor and its values, such as ``{"age": [20, 40, 60]}``.
    vce
        As for `margins`.

    Returns
    -------
    pandas.DataFrame
        Columns ``variable, value, category, estimate, std_error, statistic, df, p_value, conf_low,
        conf_high``; intervals are made on the logit scale, so that they stay within 0 and 1.

    Raises
    ------
    ArgumentError
        If the predictor is not in the model.

    Examples
    --------
    >>> import pandas as pd
    >>> from coprodstats import logit
    >>> frame = pd.DataFrame({"helps": [0, 1, 0, 1, 1, 0, 1, 1], "age": [20, 30, 40, 50, 60, 45, 35, 70]})
    >>> average_predictions(logit("helps ~ age", frame), {"age": [25, 65]})["estimate"].round(3).tolist()
    [0.321, 0.908]
    """
    found = prediction_estimates(model, at, vce=vce)
    frame = interval_frame(found.estimate, found.covariance, model.df)
    low, high = logit_interval(found.estimate, frame["std_error"].to_numpy(), model.df)
    frame["conf_low"], frame["conf_high"] = low, high
    labels = found.labels.rename(columns={"contrast": "value"})[["variable", "value", "category"]]
    return pd.concat([labels, frame], axis=1)


def margin_estimates(
    model: FittedModel, variables: Sequence[str] | str | None = None, *, vce: Vce = "delta"
) -> MarginEstimates:
    """Return average margins with their influence and covariance; see `margins`."""
    names = predictors_of(model, variables)
    x = rebuild_matrix(model.spec, model.sample)
    quantities: list[_Quantity] = []
    for name in names:
        if model.spec.is_factor(name):
            quantities += _level_contrasts(model, x, name)
        else:
            quantities.append(_average_slope(model, x, name))
    return _collect(model, quantities, vce)


def event_margins(
    model: FittedModel, start: int, variables: Sequence[str] | str | None = None, *, vce: Vce = "delta"
) -> MarginEstimates:
    """Return average margins on the probability of one event: category number ``start`` or a higher one.

    Parameters
    ----------
    model, variables, vce
        As for `margins`.
    start
        Position of the event's lowest category, 1 or more.
    """
    found = margin_estimates(model, variables, vce=vce)
    inside = found.labels["category"].isin(model.categories[start:]).to_numpy()
    first = found.labels.drop_duplicates(["variable", "contrast"])
    position = {key: k for k, key in enumerate(zip(first["variable"], first["contrast"], strict=True))}
    gather = np.zeros((len(first), len(found.labels)))
    for j, key in enumerate(zip(found.labels["variable"], found.labels["contrast"], strict=True)):
        gather[position[key], j] = float(inside[j])
    return MarginEstimates(
        labels=first.assign(category=model.categories[start]).reset_index(drop=True),
        estimate=gather @ found.estimate,
        influence=found.influence @ gather.T,
        covariance=gather @ found.covariance @ gather.T,
    )


def joint_covariance(
    influence: Floats, replicates: Floats | None, estimate: Floats, design: ResolvedDesign
) -> Floats:
    """Return the covariance of quantities: from their replicates where there are any, else linearised.

    Parameters
    ----------
    influence
        Influence of each row of the frame on them, shape (n, m).
    replicates
        Their values in each replicate, shape (R, m), or None.
    estimate
        Their values, shape (m,).
    design
        The design of the frame.
    """
    if replicates is not None and design.replication is not None:
        return replicate_variance(replicates, estimate, design.replication)
    return design_variance(influence, design)


def prediction_estimates(
    model: FittedModel, at: Mapping[str, Iterable[Any]], *, vce: Vce = "delta"
) -> MarginEstimates:
    """Return average adjusted predictions with their influence and covariance; see `average_predictions`."""
    if len(at) != 1:
        found = f"{len(at)} predictors"
        raise ArgumentError(Fault(where="average_predictions: at", found=found, allowed="one predictor"))
    name = next(iter(at))
    values = list(at[name])
    predictors_of(model, name)
    if not values:
        raise ArgumentError(Fault(where="average_predictions: at", found=f"{name!r} has no values"))
    x = rebuild_matrix(model.spec, model.sample)
    quantities = []
    for value, changed in zip(values, _with_values(model, x, name, values), strict=True):
        probability, gradient = _averaged(model, changed)
        label = {"variable": name, "contrast": str(value), "term": name}
        quantities.append(_Quantity(label=label, per_row=probability, gradient=gradient))
    return _collect(model, quantities, vce)


def category_probabilities(model: FittedModel, x: Floats) -> Floats:
    """Return the probability of each category for each row of a design matrix, shape (m, K)."""
    return row_values(model.surface, model.theta, x)


def interval_frame(estimate: Floats, covariance: Floats, df: float) -> pd.DataFrame:
    """Return estimates with standard errors, t tests against zero and 95 % intervals."""
    std_error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(std_error > 0, estimate / std_error, np.nan)
    half = stats.t.isf(0.025, df) * std_error
    return pd.DataFrame(
        {
            "estimate": estimate,
            "std_error": std_error,
            "statistic": statistic,
            "df": df,
            "p_value": 2 * stats.t.sf(np.abs(statistic), df),
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        }
    )


def logit_interval(estimate: Floats, std_error: Floats, df: float) -> tuple[Floats, Floats]:
    """Return 95 % intervals of proportions made on the logit scale; undefined at 0 and 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = np.log(estimate) - np.log1p(-estimate)
        half = stats.t.isf(0.025, df) * std_error / (estimate * (1 - estimate))
        low, high = 1 / (1 + np.exp(half - centre)), 1 / (1 + np.exp(-half - centre))
    inside = (estimate > 0) & (estimate < 1)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def predictors_of(model: FittedModel, variables: Sequence[str] | str | None) -> list[str]:
    """Return the predictors asked for, all of a model's for ``None``.

    Raises
    ------
    ArgumentError
        If one is not in the model, or none is named.
    """
    known = model.spec.formula.predictors
    if variables is None:
        return list(known)
    wanted = [variables] if isinstance(variables, str) else list(variables)
    if not wanted:
        raise ArgumentError(
            Fault(where=f"model {model.name!r}", found="no predictor is named", allowed=listed(known))
        )
    faults = [
        Fault(
            where=f"model {model.name!r}",
            found=f"{name!r} is not one of its predictors",
            allowed=listed(known),
            remedy=did_you_mean(str(name), known),
        )
        for name in wanted
        if name not in known
    ]
    if faults:
        raise ArgumentError(*faults)
    return wanted


def _collect(model: FittedModel, quantities: list[_Quantity], vce: str) -> MarginEstimates:
    if vce not in get_args(Vce):
        raise ArgumentError(Fault(where="vce", found=f"{vce!r}", allowed=listed(get_args(Vce))))
    if vce == "unconditional" and model.covariance == "model":
        raise ArgumentError(
            Fault(
                where=f"model {model.name!r}",
                found="its covariance is model-based, which says nothing of how predictors were sampled",
                remedy="fit it with covariance='robust' or a design",
            )
        )
    kept = model.shown
    share = model.sample_weights / model.sample_weights.sum()
    labels = pd.DataFrame(
        [{**q.label, "category": model.value_names[k]} for q in quantities for k in kept],
        columns=["variable", "contrast", "category", "term"],
    )
    values = np.column_stack([q.per_row[:, k] for q in quantities for k in kept])
    estimate = share @ values
    # (thresholds, slopes) → reported parameters: `to_user` only reorders and changes signs.
    gradient = np.vstack([q.gradient[k] for q in quantities for k in kept]) @ model.to_user.T
    influence = model.influence @ gradient.T
    if vce == "unconditional":
        influence[model.used] += share[:, None] * (values - estimate)
    if model.covariance == "model":
        covariance = gradient @ model.covariance_matrix @ gradient.T
    else:
        covariance = design_variance(influence, model.design)
    return MarginEstimates(labels=labels, estimate=estimate, influence=influence, covariance=covariance)


def _predicted_intervals(
    model: FittedModel, x: Floats, probabilities: Floats, index: pd.Index
) -> pd.DataFrame:
    kept = list(model.shown)
    variance = model.to_user.T @ model.covariance_matrix @ model.to_user  # of (cuts, slopes)
    gradient = row_gradients(model.surface, model.theta, x)[:, kept]
    spread = np.einsum("nvj,jk,nvk->nv", gradient, variance, gradient, optimize=True)
    std_error = np.sqrt(np.maximum(spread, 0.0)).ravel()
    estimate = probabilities[:, kept].ravel()
    low, high = logit_interval(estimate, std_error, model.df)
    return pd.DataFrame(
        {
            "category": [model.value_names[k] for k in kept] * len(x),
            "estimate": estimate,
            "std_error": std_error,
            "df": model.df,
            "conf_low": low,
            "conf_high": high,
        },
        index=index.repeat(len(kept)),
    )


def _averaged(model: FittedModel, x: Floats) -> tuple[Floats, Floats]:
    share = model.sample_weights / model.sample_weights.sum()
    return averaged_values(model.surface, model.theta, x, share, model.offset)


def _level_contrasts(model: FittedModel, x: Floats, name: str) -> list[_Quantity]:
    reference = model.spec.reference(name)
    others = [level for level in model.spec.levels[name] if level != reference]
    matrices = _with_values(model, x, name, [reference, *others])
    base, base_gradient = _averaged(model, next(matrices))
    found = []
    for level, changed in zip(others, matrices, strict=True):
        values, gradient = _averaged(model, changed)
        label = {"variable": name, "contrast": f"{level} - {reference}", "term": f"{name}[T.{level}]"}
        found.append(_Quantity(label=label, per_row=values - base, gradient=gradient - base_gradient))
    return found


def _average_slope(model: FittedModel, x: Floats, name: str) -> _Quantity:
    moved = _derivative(model.spec, model.sample, x, name)
    share = model.sample_weights / model.sample_weights.sum()
    values, gradient = averaged_slopes(model.surface, model.theta, x, moved, share, model.offset)
    label = {"variable": name, "contrast": "dy/dx", "term": name}
    return _Quantity(label=label, per_row=values, gradient=gradient)


def _curved(spec: DesignSpec, name: str) -> bool:
    """Return whether some term is no polynomial of at most the fourth degree in one predictor."""
    terms = [[factor.expr for factor in term.factors] for term in spec.formula.terms]
    return any(mark + name in expression for term in terms for expression in term for mark in _CURVED) or any(
        sum(polynomial_degree(expression, name) for expression in term) > 4 for term in terms
    )


def _alone(spec: DesignSpec, name: str) -> bool:
    return all(column.variables == (name,) for column in spec.columns if name in column.variables)


def _with_values(model: FittedModel, x: Floats, name: str, values: Sequence[Any]) -> Iterator[Floats]:
    """Yield the sample's design matrix with one predictor set to each value for everyone."""
    columns = [j for j, column in enumerate(model.spec.columns) if name in column.variables]
    if _alone(model.spec, name):
        # Its columns depend on nothing else: one row per value tells them all.
        first = model.sample.iloc[[0] * len(values)].reset_index(drop=True)
        for row in rebuild_matrix(model.spec, first.assign(**{name: values})):
            changed = x.copy()
            changed[:, columns] = row[columns]
            yield changed
        return
    for value in values:
        same = pd.Series([value] * len(model.sample), index=model.sample.index)
        yield rebuild_matrix(model.spec, model.sample.assign(**{name: same}))


def _derivative(spec: DesignSpec, frame: pd.DataFrame, x: Floats, name: str) -> Floats:
    """Return the derivative of each column by one numeric predictor at each row, shape (n, p).

    A five-point difference is exact for polynomials up to the fourth degree at any step, so that plain terms,
    products and powers take a step of a standard deviation, as a power of two, which adds without rounding.
    Higher powers, logarithms, roots and splines take a small step, one-sided near the ends of the data, where
    splines stop.
    """
    moved = np.zeros_like(x)
    columns = [j for j, column in enumerate(spec.columns) if name in column.variables]
    if all(spec.columns[j].term == name for j in columns):
        moved[:, columns] = 1.0
        return moved
    values = frame[name].to_numpy(dtype=float)
    curved = _curved(spec, name)
    spread = float(np.std(values))
    step = 2.0 ** np.round(np.log2(spread)) * (2.0**-9 if curved else 1.0)
    shift = np.zeros(len(values))
    if curved:
        shift = np.where(values - 2 * step < values.min(), 2.0, shift)
        shift = np.where(values + 2 * step > values.max(), -2.0, shift)

    def at(offset: float) -> Floats:
        return rebuild_matrix(spec, frame.assign(**{name: values + (offset + shift) * step}))[:, columns]

    total = np.zeros((len(values), len(columns)))
    stencils = {0.0: _CENTRAL, 2.0: _FORWARD, -2.0: _BACKWARD}
    for position, offset in enumerate((-2.0, -1.0, 0.0, 1.0, 2.0)):
        weight = np.select([shift == s for s in stencils], [stencils[s][position] for s in stencils])
        if np.any(weight != 0):
            total += weight[:, None] * at(offset)
    moved[:, columns] = total / step
    return moved


# Weights of f(x + k h), k = -2 … 2 about the (shifted) centre, for f'(x); Fornberg (1988).
_CENTRAL = (1 / 12, -8 / 12, 0.0, 8 / 12, -1 / 12)
_FORWARD = (-25 / 12, 48 / 12, -36 / 12, 16 / 12, -3 / 12)
_BACKWARD = (3 / 12, -16 / 12, 36 / 12, -48 / 12, 25 / 12)
