"""From the maximum of a criterion to a fitted model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coprodstats.errors import ConvergenceError, Fault, InsufficientDataError
from coprodstats.models.coding import Column
from coprodstats.models.convergence import Convergence
from coprodstats.models.covariance import (
    CovarianceKind,
    Influence,
    independent_rows,
    robust_score_covariance,
    score_covariance,
)
from coprodstats.models.links import Link
from coprodstats.models.pair_matrices import sandwich
from coprodstats.models.polish import Reported
from coprodstats.models.prepare import Prepared
from coprodstats.models.replicate_draws import failure_words, refuse_failures, replicate_covariance
from coprodstats.models.replicate_fits import ReplicateFits
from coprodstats.models.responses import Response
from coprodstats.models.results import FittedModel, Parameter
from coprodstats.models.sample import Sample
from coprodstats.models.scores import ScoreMatrix, Scores
from coprodstats.survey.design import DfRule, ResolvedDesign, design_df
from coprodstats.survey.replicates import Replication

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Maximum:
    """Where a weighted criterion is greatest, in coordinates of the fit's own.

    Attributes
    ----------
    theta
        The maximum: cuts, then slopes, shape (q,).
    information
        Minus the derivative of the summed weighted scores, shape (q, q).
    scores
        Each row's score: unweighted, shape (n, q), or weighted scores to be laid out when asked for.
    to_user
        Matrix from ``theta`` to the reported parameters, shape (q, q).
    loglik, null_loglik
        Log-likelihood there, and without predictors.
    convergence
        How exact it is.
    warnings
        What a reader of the numbers should know of this fit.
    model_based
        Model-based covariance of ``theta`` where it is not the inverse information, shape (q, q).
    residual_df
        Degrees of freedom of the model-based covariance; infinite unless a residual variance is estimated.
    settled
        The maximum in the reported parameters to the last bit, where it has been settled.
    """

    theta: Floats
    information: Floats
    scores: Floats | Scores
    to_user: Floats
    loglik: float
    null_loglik: float
    convergence: Convergence
    warnings: tuple[str, ...] = ()
    model_based: Floats | None = None
    residual_df: float = np.inf
    settled: Reported | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Form:
    """What a family's reported parameters stand for.

    Attributes
    ----------
    link
        The link.
    response
        From linear predictors to values.
    slope_map
        For each linear predictor the matrix from all slopes to its coefficients, shape (m, p, s).
    parameters
        The reported parameters.
    to_reported
        Matrix from (cuts, slopes) of the predictors as in the data to the reported parameters: it reorders
        and changes signs, shape (q, q).
    penalty
        The penalty's name, empty for plain maximum likelihood.
    """

    link: Link
    response: Response
    slope_map: Floats
    parameters: tuple[Parameter, ...]
    to_reported: Floats
    penalty: str = ""


# From a sample and its estimates (q,) to the fits under each set of replicate weights.
Refits = Callable[[Prepared, Floats], ReplicateFits]


def assemble(ready: Prepared, found: Maximum, form: Form, refits: Refits) -> FittedModel:
    """Return the fitted model of a maximum: its covariance, degrees of freedom and record.

    Parameters
    ----------
    ready
        The sample.
    found
        The maximum.
    form
        What its parameters stand for.
    refits
        From the sample and ``found.theta`` to the fits under each set of replicate weights; called only if
        the design has them.

    Raises
    ------
    ConvergenceError
        If the maximum was not found.
    InsufficientDataError
        If no degree of freedom is left.
    DesignError
        If replicates can't be fitted that the variance can't do without.
    """
    require_converged(ready.name, found.convergence)
    scores = found.scores
    if isinstance(scores, np.ndarray):
        scores = ScoreMatrix(values=scores * ready.scaled[:, None])
    settled = found.settled
    if settled is None:
        estimates = found.to_user @ found.theta
        bread = np.asarray(np.linalg.solve(found.information, found.to_user.T).T)
    else:
        estimates, bread = settled.estimates, settled.bread
    used = ready.sample.used
    design = independent_rows(ready.bound, used) if ready.kind == "robust" else ready.bound
    replicates: Floats | None = None
    failed: tuple[str, ...] = ()
    filling: Floats | None = None
    if ready.kind == "model" and found.model_based is None:
        filling = found.information
        matrix = sandwich(bread, filling) if settled is None else settled.naive
    elif ready.kind == "model" and found.model_based is not None:
        matrix = found.to_user @ found.model_based @ found.to_user.T
    elif design.replication is not None:
        replicates, matrix, failed = _replicated(ready, found, refits, design.replication)
    else:
        of_scores = robust_score_covariance if ready.kind == "robust" else score_covariance
        filling = of_scores(scores, used, design)
        matrix = sandwich(bread, filling)
    df_design = design_df(design, used, rule=ready.df_rule)
    n_slopes = sum(p.kind == "slope" for p in form.parameters)
    return FittedModel(
        name=ready.name,
        family=ready.family,
        link=form.link,
        response=form.response,
        slope_map=form.slope_map,
        spec=ready.spec,
        outcome=ready.spec.formula.outcome,
        categories=ready.sample.categories,
        parameters=form.parameters,
        estimates=estimates,
        covariance_matrix=(matrix + matrix.T) / 2,
        to_user=form.to_reported,
        influence_source=Influence(scores=scores, bread=bread, used=used, filling=filling),
        covariance=ready.kind,
        penalty=form.penalty,
        design=design,
        used=ready.sample.used,
        sample=ready.rows,
        sample_y=ready.sample.y,
        sample_weights=ready.weights,
        llf=found.loglik,
        llnull=found.null_loglik,
        design_df=df_design,
        df_rule=ready.df_rule,
        df=found.residual_df
        if ready.kind == "model"
        else _test_df(df_design, ready.df_rule, n_slopes, ready.name),
        dropped=ready.sample.dropped,
        convergence=found.convergence,
        warnings=(*_warnings(ready.sample, ready.bound, ready.kind), *found.warnings, *failed),
        offset=ready.offset,
        offset_name=ready.offset_name,
        replicates=replicates,
    )


def _replicated(
    ready: Prepared, found: Maximum, refits: Refits, replication: Replication
) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Return the reported parameters in each replicate, their covariance, and what failed in words."""
    fits = refits(ready, found.theta)
    refuse_failures(replication, fits.failures, f"model {ready.name!r}")
    draws = fits.theta @ found.to_user.T
    failed = np.asarray(np.isnan(draws).any(axis=1))
    matrix = replicate_covariance(draws, found.to_user @ found.theta, replication, failed=failed)
    lost = f"{failure_words(replication, fits.failures)}; the variance is that of the others"
    return draws, matrix, (lost,) if fits.failures else ()


def require_converged(name: str, convergence: Convergence) -> None:
    """Refuse a fit that did not reach its maximum; see `assemble`."""
    if not convergence.converged:
        raise ConvergenceError(
            Fault(
                where=f"model {name!r}",
                found=f"the likelihood was not maximised in {convergence.iterations} iterations (score "
                f"{convergence.gradient:.2g} standard errors from 0, condition {convergence.condition:.2g})",
                remedy="merge sparse categories, or leave out terms; nothing is reported",
            ),
            convergence=convergence,
        )


def shares_loglik(weights: Floats) -> float:
    """Return the log-likelihood of the categories' shares, from the weight of each, shape (K,)."""
    return float(weights @ np.log(weights / weights.sum()))


def slope_parameters(columns: tuple[Column, ...]) -> tuple[Parameter, ...]:
    """Return the parameters of a design matrix's columns."""
    return tuple(
        Parameter(
            name=c.name,
            term=c.term,
            level=c.level,
            reference=c.reference,
            kind="slope",
            variables=c.variables,
        )
        for c in columns
    )


def threshold_parameters(names: list[str]) -> tuple[Parameter, ...]:
    """Return the parameters that belong to no predictor: intercept or thresholds."""
    return tuple(
        Parameter(name=n, term=n, level="", reference="", kind="threshold", variables=()) for n in names
    )


def _test_df(df: int, rule: DfRule, n_slopes: int, name: str) -> float:
    if rule == "stata":
        return float(df)
    # R's svyglm subtracts p - 1 with the intercept in p; svyolr the slopes: the same number.
    left = df - n_slopes
    if left < 1:
        raise InsufficientDataError(
            Fault(
                where=f"model {name!r}",
                found=f"{df} design degrees of freedom less {n_slopes} slopes leave {left}",
                remedy="fewer terms, or df_rule='stata'",
            )
        )
    return float(left)


def _warnings(sample: Sample, bound: ResolvedDesign, kind: CovarianceKind) -> tuple[str, ...]:
    found = []
    dropped = sample.dropped
    lost = len(dropped) and dropped.loc[~dropped["variable"].isin(["domain", "weights"]), "rows"].sum()
    if lost:
        found.append(
            f"{int(lost)} rows with a missing answer are outside the sample; their PSUs stay in the design"
        )
    if kind == "design":
        alone = _domain_lonely(sample.used, bound)
        if alone:
            found.append(f"in {alone} strata a single PSU holds all of the sample")
    return tuple(found)


def _domain_lonely(used: Bools, bound: ResolvedDesign) -> int:
    if used.all():
        return 0
    holding = np.bincount(bound.psu[used], minlength=bound.n_psu) > 0
    per_stratum = np.bincount(bound.psu_stratum[holding], minlength=bound.n_strata)
    in_design = np.bincount(bound.psu_stratum, minlength=bound.n_strata)
    return int(((per_stratum == 1) & (in_design > 1)).sum())
