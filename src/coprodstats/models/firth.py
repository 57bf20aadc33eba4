"""Firth's way on where the outcome is separated: the penalised maximum of a prepared fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coprodstats.errors import ConvergenceError, Fault, listed
from coprodstats.models import jeffreys, penalised
from coprodstats.models.assemble import Maximum
from coprodstats.models.convergence import certificate
from coprodstats.models.links import Link
from coprodstats.models.prepare import Prepared
from coprodstats.models.replicate_fits import live_rows, require_maximum
from coprodstats.models.separation import separating_direction

Floats = NDArray[np.float64]


def penalty_name(link: Link) -> str:
    """Return what the penalty is called; Firth's correction is Jeffreys' prior under the logit link."""
    return "Firth (Jeffreys prior)" if link.name == "logit" else "Jeffreys prior"


def penalised_maximum(ready: Prepared, link: Link, to_user: Floats, null_loglik: float) -> Maximum:
    """Return the maximum of the likelihood times Jeffreys' prior.

    Parameters
    ----------
    ready
        The sample.
    link
        The link.
    to_user
        Matrix from standardised (thresholds, slopes) to the reported parameters, shape (q, q).
    null_loglik
        Log-likelihood without predictors and without penalty.

    Notes
    -----
    The model-based covariance is the inverse expected information at the penalised estimate, as in R's
    brglm2 (logistf divides by another matrix, X'W(1+h)X). Under a design, scores and information are those of
    the penalised likelihood, so that a row's influence is the derivative of the estimate by its weight. No
    sandwich knows how uncertain a separated coefficient is: respondents who all answered alike leave no
    spread. The fit says so in its warnings.
    """
    problem = jeffreys.Problem(
        x=ready.standard,
        y=ready.sample.y,
        w=ready.scaled,
        n_cuts=len(ready.sample.categories) - 1,
        link=link,
        offset=ready.offset,
    )
    found = penalised.maximise(problem)
    estimate = found.estimate
    size = penalised.score_size(problem, estimate.theta)
    return Maximum(
        theta=estimate.theta,
        information=estimate.information,
        scores=penalised.influence_scores(problem, estimate.theta, fixed_total=ready.kind != "model"),
        to_user=to_user,
        loglik=estimate.loglik,
        null_loglik=null_loglik,
        convergence=certificate(estimate, size, float(problem.w.sum()), to_user),
        model_based=np.asarray(np.linalg.inv(found.fisher), dtype=np.float64),
        warnings=_warnings(ready, link),
    )


def penalised_refit(
    ready: Prepared, weights: Floats, start: Floats | None, *, x: Floats, link: Link
) -> Floats:
    """Return the penalised maximum under other weights, shape (q,).

    Parameters
    ----------
    ready
        The sample.
    weights
        Other weights of its rows, shape (n,); against the penalty they sum to what the sample's do.
    start
        Where to start; None for no slopes.
    x
        The sample's standardised predictors, shape (n, p).
    link
        The link.

    Raises
    ------
    ConvergenceError
        If it was not found, a category has no weight left, or a weight is negative.
    """
    live = live_rows(ready, weights)
    if (weights < 0).any():
        found = "a weight is negative, under which the penalty is not defined"
        raise ConvergenceError(Fault(where=f"model {ready.name!r}", found=found))
    problem = jeffreys.Problem(
        x=x[live],
        y=ready.sample.y[live],
        w=weights[live] * (ready.scaled.sum() / weights.sum()),
        n_cuts=len(ready.sample.categories) - 1,
        link=link,
        offset=None if ready.offset is None else ready.offset[live],
    )
    estimate = penalised.maximise(problem, start=start).estimate
    require_maximum(ready, estimate, float(problem.w.sum()))
    return estimate.theta


def _warnings(ready: Prepared, link: Link) -> tuple[str, ...]:
    found = [
        f"penalised likelihood, {penalty_name(link)}: estimates are drawn towards no association and are no "
        "maximum-likelihood estimates"
    ]
    if ready.kind != "model" and np.ptp(ready.weights) > 0:
        found.append(
            "the penalty depends on the scale of the weights, here scaled to sum to the number of "
            "respondents: this is not a design-consistent maximum-likelihood estimate"
        )
    separated = _separated_terms(ready)
    if separated:
        found.append(
            f"the outcome is separated by {listed(separated)}: finite by the penalty only"
            + (
                f"; the {ready.kind} standard error is too small there, as those respondents all answered "
                "alike: covariance='model' and profile_interval(...) say how uncertain it is"
                if ready.kind != "model"
                else "; profile_interval(...) says how uncertain it is"
            )
        )
    return tuple(found)


def _separated_terms(ready: Prepared) -> list[str]:
    """Return the terms whose maximum-likelihood estimate would be infinite."""
    n_cuts = len(ready.sample.categories) - 1
    direction = separating_direction(ready.standard, ready.sample.y, n_cuts)
    if direction is None:
        return []
    slopes = np.abs(ready.inverse @ direction[n_cuts:])
    infinite = slopes > 1e-6 * slopes.max()
    columns = ready.spec.columns
    return list(dict.fromkeys(c.name for c, yes in zip(columns, infinite, strict=True) if yes))
