"""From a formula and data to the arrays of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, Fault, listed
from coprodstats.models.covariance import CovarianceKind, smallest_units
from coprodstats.models.formula import parse_formula
from coprodstats.models.matrix import DesignSpec, design_columns, read_predictors, rebuild_matrix
from coprodstats.models.offsets import offset_faults, read_offset
from coprodstats.models.patterns import find_patterns
from coprodstats.models.sample import Sample, domain_rows, draw_sample, unpack
from coprodstats.models.standard import Standard, standard_rows
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import DfRule, ResolvedDesign, SurveyDesign, resolve_design
from coprodstats.survey.weighting import Weighting, calibrated_design

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


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
    bound: ResolvedDesign
    offset: Floats | None = None
    offset_name: str = ""

    @property
    def scaled(self) -> Floats:
        """The weights of the likelihood, laid out anew, shape (n,)."""
        return self.weights * self.data.scale

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
    offset = read_offset(rows, request.offset) if request.offset else None
    # Models of a mean have no categories to sort by.
    codes = sample.y if sample.categories else np.zeros(len(rows), dtype=np.intp)
    n_cuts = max(len(sample.categories) - 1, 0)
    groupable = sample.categories and predictors.plan is not None and offset is None
    patterns = find_patterns(predictors.columns, codes) if groupable else None
    found, spec = design_columns(predictors, None if patterns is None else patterns.first)
    units = None
    if kind == "design" and bound.replication is None:
        of_row, n_units = smallest_units(bound)
        units = of_row if every_row else of_row[sample.used], n_units
    data = standard_rows(
        found,
        codes,
        weights,
        n_cuts,
        counts=kind == "model",
        columns=spec.columns,
        offset=offset,
        patterns=patterns,
        together=units,
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
        bound=bound,
        offset=offset,
        offset_name=request.offset or "",
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
