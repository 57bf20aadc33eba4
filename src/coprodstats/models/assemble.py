"""What every fit has in common: from formula and data to arrays, and from a maximum to a fitted model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, ConvergenceError, Fault, InsufficientDataError, listed
from coprodstats.models.coding import Column
from coprodstats.models.covariance import (
    CovarianceKind,
    Influence,
    independent_rows,
    robust_score_covariance,
    score_covariance,
    smallest_units,
)
from coprodstats.models.formula import parse_formula
from coprodstats.models.likelihood import Convergence
from coprodstats.models.links import Link
from coprodstats.models.matrix import DesignSpec, design_columns, read_predictors, rebuild_matrix
from coprodstats.models.offsets import offset_faults, read_offset
from coprodstats.models.pair_matrices import sandwich
from coprodstats.models.patterns import find_patterns
from coprodstats.models.polish import Reported
from coprodstats.models.replicate_draws import failure_words, refuse_failures, replicate_covariance
from coprodstats.models.replicate_fits import ReplicateFits
from coprodstats.models.responses import Response
from coprodstats.models.results import FittedModel, Parameter
from coprodstats.models.sample import Sample, domain_rows, draw_sample, unpack
from coprodstats.models.scores import ScoreMatrix, Scores
from coprodstats.models.standard import Standard, standard_rows
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import DfRule, ResolvedDesign, SurveyDesign, design_df, resolve_design
from coprodstats.survey.replicates import Replication
from coprodstats.survey.sums import total
from coprodstats.survey.weighting import Weighting, calibrated_design

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Request:
    """What was asked of a fit besides the formula: checked arguments that every model has.

    Attributes
    ----------
    data
        A cleaned survey or a DataFrame; its type, and that of ``design`` and ``weighting``, is checked here.
    family
        The family, for messages and tables.
    design, covariance, domain, df_rule, weighting, name, offset
        As for `coprodstats.logit`.
    """

    data: Any
    family: str
    design: Any
    covariance: CovarianceKind | None
    domain: pd.Series | Bools | None
    df_rule: DfRule
    weighting: Any
    name: str | None
    offset: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """The sample of a fit as arrays.

    Attributes
    ----------
    name, family, kind, df_rule
        The model's name, its family, the kind of covariance, the rule of degrees of freedom.
    spec
        The formula's columns, and what rebuilds them.
    sample
        Which rows are used, and their outcome.
    rows
        The used rows' predictors, and the column of the offset.
    data
        The used rows, predictors well conditioned, in blocks of one category (or a single one).
    weights
        The used rows' weights as in the data, shape (n,).
    scaled
        Those of the likelihood: scaled to sum to n, or counts for a model-based covariance, shape (n,).
    bound
        The design of the whole frame.
    offset
        Known part of the linear predictor, shape (n,), or None.
    offset_name
        The column it comes from, empty without one.
    """

    name: str
    family: str
    kind: CovarianceKind
    df_rule: DfRule
    spec: DesignSpec
    sample: Sample
    rows: pd.DataFrame
    data: Standard
    weights: Floats
    scaled: Floats
    bound: ResolvedDesign
    offset: Floats | None = None
    offset_name: str = ""

    @property
    def x(self) -> Floats:
        """Design matrix of the used rows without an intercept, as in the data, coded anew, shape (n, p)."""
        return rebuild_matrix(self.spec, self.rows)

    @property
    def standard(self) -> Floats:
        """The predictors ``(x - centre) inverse``, well conditioned, laid out anew, shape (n, p)."""
        return self.data.predictors

    @property
    def centre(self) -> Floats:
        """Weighted means of ``x``, shape (p,)."""
        return self.data.centre

    @property
    def inverse(self) -> Floats:
        """Matrix that scales the centred columns, and turns them where they are correlated, shape (p, p)."""
        return self.data.inverse


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


def prepare(formula: str, request: Request, *faults: Fault) -> Prepared:
    """Return the rows, design matrix and weights of a fit.

    Parameters
    ----------
    formula
        The formula.
    request
        What else was asked.
    *faults
        Faults of the caller's own arguments, raised together with those found here.

    Raises
    ------
    FormulaError, DesignError, RankDeficiencyError, EmptyCategoryError, InsufficientDataError, ArgumentError
        Each for what its name says.
    """
    kind = check_request(request, *faults)
    frame, reasons, declared = unpack(request.data, request.design)
    parsed = parse_formula(formula, tuple(map(str, frame.columns.tolist())))
    wrong_offset = offset_faults(request.offset, parsed.outcome, frame)
    if wrong_offset:
        raise ArgumentError(*wrong_offset)
    bound = resolve_design(declared, frame)
    if request.weighting is not None:
        bound = calibrated_design(bound, request.weighting)
    inside = domain_rows(request.domain, frame)
    shown = list(dict.fromkeys([*parsed.predictors, *([request.offset] if request.offset else [])]))
    columns = {name: frame[name] for name in (parsed.outcome, *shown)}
    sample = draw_sample(parsed, columns, reasons, bound, inside, request.family, offset=request.offset)
    every_row = bool(sample.used.all())
    # Made of the columns themselves, it copies nothing, whichever they are.
    rows = pd.DataFrame({name: columns[name] for name in shown}, index=frame.index, copy=False)
    if not every_row:
        rows = rows[sample.used]
    predictors = read_predictors(parsed, columns if every_row else rows, sample.finite)
    weights = bound.weights if every_row else bound.weights[sample.used]
    scaled = weights if kind == "model" else weights * (len(weights) / total(weights))
    offset = read_offset(rows, request.offset) if request.offset else None
    # Models of a mean have no categories to sort by.
    codes = sample.y if sample.categories else np.zeros(len(rows), dtype=np.intp)
    n_cuts = max(len(sample.categories) - 1, 0)
    groupable = sample.categories and predictors.plan is not None and offset is None
    patterns = find_patterns(predictors.columns, codes) if groupable else None
    found, spec = design_columns(predictors, None if patterns is None else patterns.first)
    units = smallest_units(bound) if kind == "design" and bound.replication is None else None
    data = standard_rows(
        found,
        codes,
        scaled,
        n_cuts,
        columns=spec.columns,
        offset=offset,
        patterns=patterns,
        together=units if units is None or every_row else units[sample.used],
    )
    return Prepared(
        name=request.name or parsed.outcome,
        family=request.family,
        kind=kind,
        df_rule=request.df_rule,
        spec=spec,
        sample=sample,
        rows=rows,
        data=data,
        weights=weights,
        scaled=scaled,
        bound=bound,
        offset=offset,
        offset_name=request.offset or "",
    )


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


def check_request(request: Request, *more: Fault) -> CovarianceKind:
    """Return the kind of covariance that applies.

    Parameters
    ----------
    request
        What was asked.
    *more
        Faults of the caller's own arguments, raised together with these.

    Raises
    ------
    ArgumentError
        With all faults of the arguments.
    """
    family, data = request.family, request.data
    faults = list(more)
    faults += unknown_options(
        family,
        ("covariance", request.covariance, (None, *get_args(CovarianceKind))),
        ("df_rule", request.df_rule, get_args(DfRule)),
    )
    has_design = request.design is not None or getattr(data, "design", None) is not None
    if not isinstance(data, CleanedSurvey | pd.DataFrame):
        faults.append(_wrong_type(family, "data", data, "a cleaned survey or a DataFrame"))
    elif request.design is not None and not isinstance(request.design, SurveyDesign):
        faults.append(_wrong_type(family, "design", request.design, "a SurveyDesign"))
    elif request.covariance == "design" and not has_design:
        faults.append(
            Fault(
                where=f"{family}: covariance",
                found="covariance='design' without a design",
                remedy="design=SurveyDesign(weights=..., strata=..., psu=...), or covariance='robust'",
            )
        )
    if request.weighting is not None and not isinstance(request.weighting, Weighting):
        faults.append(_wrong_type(family, "weighting", request.weighting, "what rake(...) returns"))
    elif request.weighting is not None and request.covariance == "model":
        faults.append(
            Fault(
                where=f"{family}: covariance",
                found="a model-based covariance reads weights as counts, and calibrated weights are none",
                remedy="covariance='robust', or a design",
            )
        )
    if faults:
        raise ArgumentError(*faults)
    return request.covariance or ("design" if has_design else "robust")


def unknown_options(family: str, *options: tuple[str, Any, tuple[Any, ...]]) -> list[Fault]:
    """Return a fault for each (argument, value, allowed values) whose value is not allowed."""
    return [
        Fault(where=f"{family}: {argument}", found=f"{value!r} is not one", allowed=listed(allowed))
        for argument, value, allowed in options
        if value not in allowed
    ]


def _wrong_type(family: str, argument: str, value: object, allowed: str) -> Fault:
    return Fault(where=f"{family}: {argument}", found=f"it is a {type(value).__name__}", allowed=allowed)


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
