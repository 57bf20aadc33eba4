"""Fractional logit models, of the mean of an outcome with limits, under a survey design."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from coprodstats.errors import ConvergenceError, Fault, ModelError
from coprodstats.models import search
from coprodstats.models.assemble import Maximum, assemble
from coprodstats.models.convergence import certificate
from coprodstats.models.covariance import CovarianceKind
from coprodstats.models.links import LINKS
from coprodstats.models.mean_models import from_standard, mean_form, residual_df, with_constant
from coprodstats.models.prepare import Prepared, Request, prepare
from coprodstats.models.replicate_fits import NO_MAXIMUM, require_maximum, serial_replicates
from coprodstats.models.responses import mean_of_logit
from coprodstats.models.results import FittedModel
from coprodstats.models.search import Estimate
from coprodstats.models.separation import refuse_separation
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import DfRule, SurveyDesign
from coprodstats.survey.weighting import Weighting

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

LOGIT = LINKS["logit"]


def fractional_logit(
    formula: str,
    data: CleanedSurvey | pd.DataFrame,
    *,
    bounds: tuple[float, float] = (0.0, 100.0),
    design: SurveyDesign | None = None,
    covariance: CovarianceKind | None = None,
    domain: pd.Series | NDArray[np.bool_] | None = None,
    df_rule: DfRule = "stata",
    weighting: Weighting | None = None,
    offset: str | None = None,
    name: str | None = None,
) -> FittedModel:
    """Fit a fractional logit model of an outcome with limits, such as an index from 0 to 100.

    Parameters
    ----------
    formula, data, design, covariance, domain, df_rule, weighting, offset, name
        As for `coprodstats.logit`. The outcome is numeric. ``covariance="model"`` is that of R's
        ``quasibinomial``: the inverse information times the dispersion (Pearson's chi-squared by respondents
        minus parameters), with t on as many; weights are then read as counts.
    bounds
        The lowest and the highest value that the outcome can have; both may occur.

    Returns
    -------
    FittedModel
        mean = low + (high - low) / (1 + exp(-(Intercept + x'b + offset))). Margins and predictions are on the
        outcome's own scale; ``prsquared`` is R squared.

    Raises
    ------
    FormulaError, DesignError, SeparationError, RankDeficiencyError, InsufficientDataError, ConvergenceError,
    ModelError, ArgumentError
        Each for what its name says; nothing is fitted then.

    Notes
    -----
    Papke and Wooldridge (1996), *Journal of Applied Econometrics* 11, 619-632. The quasi-likelihood is that
    of a logistic model in which each respondent counts as an event by the share that the outcome has of its
    range, and as none by the rest; it needs no more than that the mean is right. ``llf`` is the
    quasi-log-likelihood.

    Examples
    --------
    >>> frame = pd.DataFrame({"index": [0.0, 35.0, 30.0, 55.0, 100.0], "age": [20, 30, 40, 50, 60]})
    >>> fractional_logit("index ~ age", frame).params.round(3).tolist()
    [-5.335, 0.123]
    """
    request = Request(
        data=data,
        family="fractional",
        design=design,
        covariance=covariance,
        domain=domain,
        df_rule=df_rule,
        weighting=weighting,
        name=name,
        offset=offset,
    )
    ready = prepare(formula, request, *_bounds_faults(bounds))
    low, high = float(bounds[0]), float(bounds[1])
    share = _share_of_range(ready, low, high)
    form = mean_form(ready, LOGIT, mean_of_logit(low, high))
    x = ready.standard
    refits = partial(serial_replicates, refit=partial(_refit, x=x, share=share))
    return assemble(ready, _maximum(ready, x, share, (f"{low:g}", f"{high:g}")), form, refits)


def _bounds_faults(bounds: object) -> list[Fault]:
    try:
        low, high = (float(b) for b in bounds)  # type: ignore[attr-defined]
        fine = bool(np.isfinite([low, high]).all()) and low < high
    except (TypeError, ValueError):
        fine = False
    where, allowed = "fractional_logit: bounds", "the lowest and the highest possible value, as in (0, 100)"
    return [] if fine else [Fault(where=where, found=f"{bounds!r}", allowed=allowed)]


def _share_of_range(ready: Prepared, low: float, high: float) -> Floats:
    """Return the outcome as a share of its range, shape (n,).

    Raises
    ------
    ModelError
        If values lie outside the bounds, with their number.
    """
    y = ready.sample.y
    counts = ((int((y < low).sum()), "below", low), (int((y > high).sum()), "above", high))
    outside = [f"{count} of {len(y)} values are {side} {bound:g}" for count, side, bound in counts if count]
    if outside:
        raise ModelError(
            Fault(
                where=f"outcome {ready.spec.formula.outcome!r}",
                found=" and ".join(outside),
                allowed=f"{low:g} to {high:g}",
                remedy="bounds=(lowest, highest possible value), or linear(...)",
            )
        )
    return np.asarray((y - low) / (high - low))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Events:
    """The logistic model that has the same likelihood: rows that count as an event, as none, or as both.

    Attributes
    ----------
    rows
        Row of the sample, shape (m,).
    y
        0 for none, 1 for an event, shape (m,).
    w
        Weight of the row times its share of this outcome, shape (m,).
    """

    rows: Ints
    y: Ints
    w: Floats


def _as_events(share: Floats, w: Floats) -> _Events:
    parts = (w * (1 - share), w * share)
    rows = [np.flatnonzero(part > 0) for part in parts]
    return _Events(
        rows=np.concatenate(rows),
        y=np.repeat(np.array([0, 1], dtype=np.intp), [len(r) for r in rows]),
        w=np.concatenate([part[r] for part, r in zip(parts, rows, strict=True)]),
    )


def _maximum(ready: Prepared, x: Floats, share: Floats, bounds: tuple[str, str]) -> Maximum:
    w, columns = ready.scaled, with_constant(x)
    events = _as_events(share, w)
    refuse_separation(
        ready.spec.formula.outcome,
        replace(ready.sample, y=events.y, categories=bounds),
        ready.rows.iloc[events.rows],
        standard=x[events.rows],
        inverse=ready.inverse,
        columns=ready.spec.columns,
    )
    found = _fit(ready, events, x, None)
    fixed = 0.0 if ready.offset is None else ready.offset
    mean = expit(columns @ found.theta + fixed)
    scores = columns * (share - mean)[:, None]
    df = residual_df(ready)
    dispersion = float(w @ ((share - mean) ** 2 / (mean * (1 - mean)))) / df
    size = np.sqrt(((scores * w[:, None]) ** 2).sum(axis=0))
    to_user = from_standard(ready)
    return Maximum(
        theta=found.theta,
        information=found.information,
        scores=scores,
        to_user=to_user,
        loglik=found.loglik,
        null_loglik=_fit(ready, events, np.empty((len(share), 0)), None).loglik,
        convergence=certificate(found, size, float(w.sum()), to_user),
        model_based=np.asarray(np.linalg.inv(found.information) * dispersion, dtype=np.float64),
        residual_df=df,
    )


def _fit(ready: Prepared, events: _Events, x: Floats, start: Floats | None) -> Estimate:
    """Return the maximum in (constant, slopes); the kernel has a threshold, minus the constant."""
    turn = np.ones(1 + x.shape[1])
    turn[0] = -1.0
    found = search.maximise(
        x[events.rows],
        events.y,
        events.w,
        n_cuts=1,
        link=LOGIT,
        start=None if start is None else start * turn,
        offset=None if ready.offset is None else ready.offset[events.rows],
    )
    return replace(
        found,
        theta=found.theta * turn,
        information=found.information * np.outer(turn, turn),
        last_step=found.last_step * turn,
    )


def _refit(ready: Prepared, weights: Floats, start: Floats | None, *, x: Floats, share: Floats) -> Floats:
    """Return the quasi-likelihood's maximum under other weights, shape (1+p,)."""
    events = _as_events(share, weights * (ready.scaled.sum() / weights.sum()))
    if len(np.unique(events.y)) < 2:
        raise ConvergenceError(Fault(where=f"model {ready.name!r}", found=NO_MAXIMUM))
    found = _fit(ready, events, x, start)
    require_maximum(ready, found, float(events.w.sum()))
    return found.theta
