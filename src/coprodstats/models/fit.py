"""Logistic and ordinal models under a survey design: from a formula and data to a fitted model."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg

from coprodstats.errors import (
    ArgumentError,
    ConvergenceError,
    Fault,
    InsufficientDataError,
    listed,
)
from coprodstats.models import likelihood
from coprodstats.models.covariance import (
    CovarianceKind,
    independent_rows,
    influence_rows,
    spread,
)
from coprodstats.models.covariance import (
    covariance as covariance_of,
)
from coprodstats.models.formula import parse_formula
from coprodstats.models.links import LINKS, Link, LinkName
from coprodstats.models.matrix import Column, DesignSpec, build_matrix, rank_deficient
from coprodstats.models.results import FittedModel, Parameter
from coprodstats.models.sample import Sample, domain_rows, draw_sample, unpack
from coprodstats.models.separation import refuse_separation
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import DfRule, ResolvedDesign, SurveyDesign, design_df, resolve_design
from coprodstats.survey.weighting import Weighting, calibrated_design

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]
Separation = Literal["error"]


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
        What to do if the outcome is predicted perfectly: ``"error"`` stops and says by what.
    df_rule
        ``"stata"``: PSUs minus strata; ``"r"``: that of the rows used, minus the parameters.
    weighting
        Calibrated weights for all rows of the data (`coprodstats.rake`, `post_stratify`, `calibrate`), made
        from the design's weights; the covariance takes the calibration into account.
    name
        The model's name in tables.

    Returns
    -------
    FittedModel
        log(P(event) / (1 - P(event))) = Intercept + x'b.

    Raises
    ------
    FormulaError, DesignError, SeparationError, RankDeficiencyError, EmptyCategoryError,
    InsufficientDataError, ConvergenceError, ArgumentError
        Each for what its name says; nothing is fitted then.

    Notes
    -----
    Weighted pseudo-likelihood; covariance by linearisation (Binder 1983, *International Statistical Review*
    51, 279-292). Rows with a missing value are outside the sample, and their PSUs stay in the design.

    Examples
    --------
    >>> frame = pd.DataFrame({"helps": [0, 1, 0, 1, 1, 0, 1, 1], "age": [20, 30, 40, 50, 60, 45, 35, 70]})
    >>> model = logit("helps ~ age", frame)
    >>> round(float(model.params["age"]), 4)
    0.076
    """
    return _fit(
        formula,
        data,
        family="logit",
        link="logit",
        design=design,
        covariance=covariance,
        domain=domain,
        separation=separation,
        df_rule=df_rule,
        weighting=weighting,
        name=name,
    )


def ologit(
    formula: str,
    data: CleanedSurvey | pd.DataFrame,
    *,
    link: LinkName = "logit",
    design: SurveyDesign | None = None,
    covariance: CovarianceKind | None = None,
    domain: pd.Series | NDArray[np.bool_] | None = None,
    separation: Separation = "error",
    df_rule: DfRule = "stata",
    weighting: Weighting | None = None,
    name: str | None = None,
) -> FittedModel:
    """Fit a cumulative-link (proportional odds) model of an ordered outcome.

    Parameters
    ----------
    formula, data, design, covariance, domain, separation, df_rule, weighting, name
        As for `logit`. The outcome is an ordered categorical with at least two categories.
    link
        ``"logit"``, ``"probit"``, ``"cloglog"``, ``"loglog"`` or ``"cauchit"``, as in R's ordinal.

    Returns
    -------
    FittedModel
        F^-1(P(Y <= k)) = threshold_k - x'b, so that a positive coefficient means *more*.

    Raises
    ------
    FormulaError, DesignError, SeparationError, RankDeficiencyError, EmptyCategoryError,
    InsufficientDataError, ConvergenceError, ArgumentError
        Each for what its name says; nothing is fitted then.

    Notes
    -----
    McCullagh (1980), *JRSS B* 42, 109-142; Christensen (2022), R package ordinal.

    Examples
    --------
    >>> answers = pd.Categorical(["low", "mid", "high", "mid", "low", "high", "mid", "low"],
    ...                          categories=["low", "mid", "high"], ordered=True)
    >>> frame = pd.DataFrame({"trust": answers, "age": [20, 35, 60, 41, 52, 33, 28, 47]})
    >>> list(ologit("trust ~ age", frame).thresholds.index)
    ['low|mid', 'mid|high']
    """
    return _fit(
        formula,
        data,
        family="ologit",
        link=link,
        design=design,
        covariance=covariance,
        domain=domain,
        separation=separation,
        df_rule=df_rule,
        weighting=weighting,
        name=name,
    )


def _fit(
    formula: str,
    data: CleanedSurvey | pd.DataFrame,
    *,
    family: str,
    link: LinkName,
    design: SurveyDesign | None,
    covariance: CovarianceKind | None,
    domain: pd.Series | NDArray[np.bool_] | None,
    separation: Separation,
    df_rule: DfRule,
    weighting: Weighting | None,
    name: str | None,
) -> FittedModel:
    kind = _check_arguments(
        data=data,
        family=family,
        link=link,
        design=design,
        covariance=covariance,
        separation=separation,
        df_rule=df_rule,
        weighting=weighting,
    )
    frame, reasons, declared = unpack(data, design)
    parsed = parse_formula(formula, tuple(map(str, frame.columns)))
    bound = resolve_design(declared, frame)
    if weighting is not None:
        bound = calibrated_design(bound, weighting)
    sample = draw_sample(parsed, frame, reasons, bound, domain_rows(domain, frame), family)
    rows = frame.loc[sample.used, list(parsed.predictors)]
    x, spec = build_matrix(parsed, rows)
    weights = bound.weights[sample.used]
    scaled = weights if kind == "model" else weights * (len(weights) / weights.sum())
    rank_deficient(x, scaled, spec.columns)
    centre, inverse, standard = _standardise(x, scaled)
    refuse_separation(parsed.outcome, sample, rows, standard=standard, inverse=inverse, columns=spec.columns)
    return _estimate(
        name=name or parsed.outcome,
        family=family,
        link=LINKS[link],
        spec=spec,
        sample=sample,
        rows=rows,
        x=standard,
        centre=centre,
        inverse=inverse,
        weights=weights,
        scaled=scaled,
        bound=bound,
        kind=kind,
        df_rule=df_rule,
    )


def _estimate(
    *,
    name: str,
    family: str,
    link: Link,
    spec: DesignSpec,
    sample: Sample,
    rows: pd.DataFrame,
    x: Floats,
    centre: Floats,
    inverse: Floats,
    weights: Floats,
    scaled: Floats,
    bound: ResolvedDesign,
    kind: CovarianceKind,
    df_rule: DfRule,
) -> FittedModel:
    n_cuts = len(sample.categories) - 1
    found = likelihood.maximise(x, sample.y, scaled, n_cuts=n_cuts, link=link)
    d = likelihood.derivatives(found.theta, x, sample.y, n_cuts, link)
    to_user = _to_user(n_cuts, centre, inverse, family)
    convergence = likelihood.certify(found, d, x, sample.y, scaled, to_user)
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
    scores = likelihood.row_scores(d, x, sample.y, n_cuts)
    influence = spread(influence_rows(scores, scaled, found.information) @ to_user.T, sample.used)
    used_design = independent_rows(bound, sample.used) if kind == "robust" else bound
    matrix = (
        to_user @ np.linalg.inv(found.information) @ to_user.T
        if kind == "model"
        else covariance_of(influence, used_design)
    )
    df_design = design_df(used_design, sample.used, rule=df_rule)
    return FittedModel(
        name=name,
        family=family,
        link=link,
        spec=spec,
        outcome=spec.formula.outcome,
        categories=sample.categories,
        parameters=_parameters(spec.columns, sample.categories, family),
        estimates=to_user @ found.theta,
        covariance_matrix=(matrix + matrix.T) / 2,
        to_user=_to_user(n_cuts, np.zeros_like(centre), np.eye(len(centre)), family),
        influence=influence,
        covariance=kind,
        design=used_design,
        used=sample.used,
        sample=rows,
        sample_y=sample.y,
        sample_weights=weights,
        llf=found.loglik,
        llnull=_null_loglik(sample.y, scaled),
        design_df=df_design,
        df_rule=df_rule,
        df=_test_df(df_design, kind, df_rule, spec, name),
        dropped=sample.dropped,
        convergence=convergence,
        warnings=_warnings(sample, bound, kind),
    )


def _check_arguments(
    *,
    data: Any,
    family: str,
    link: str,
    design: Any,
    covariance: CovarianceKind | None,
    separation: str,
    df_rule: str,
    weighting: Any,
) -> CovarianceKind:
    faults = [
        Fault(where=f"{family}: {argument}", found=f"{value!r} is not one", allowed=listed(allowed))
        for argument, value, allowed in (
            ("link", link, tuple(LINKS)),
            ("covariance", covariance, (None, *get_args(CovarianceKind))),
            ("separation", separation, get_args(Separation)),
            ("df_rule", df_rule, get_args(DfRule)),
        )
        if value not in allowed
    ]
    if not isinstance(data, CleanedSurvey | pd.DataFrame):
        faults.append(
            Fault(
                where=f"{family}: data",
                found=f"it is a {type(data).__name__}",
                allowed="a cleaned survey or a DataFrame",
            )
        )
    elif design is not None and not isinstance(design, SurveyDesign):
        faults.append(
            Fault(
                where=f"{family}: design", found=f"it is a {type(design).__name__}", allowed="a SurveyDesign"
            )
        )
    elif covariance == "design" and design is None and getattr(data, "design", None) is None:
        faults.append(
            Fault(
                where=f"{family}: covariance",
                found="covariance='design' without a design",
                remedy="design=SurveyDesign(weights=..., strata=..., psu=...), or covariance='robust'",
            )
        )
    if weighting is not None and not isinstance(weighting, Weighting):
        found = f"it is a {type(weighting).__name__}"
        faults.append(Fault(where=f"{family}: weighting", found=found, allowed="what rake(...) returns"))
    elif weighting is not None and covariance == "model":
        faults.append(
            Fault(
                where=f"{family}: covariance",
                found="a model-based covariance reads weights as counts, and calibrated weights are none",
                remedy="covariance='robust', or a design",
            )
        )
    if faults:
        raise ArgumentError(*faults)
    if covariance is not None:
        return covariance
    has_design = design is not None or getattr(data, "design", None) is not None
    return "design" if has_design else "robust"


def _standardise(x: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    """Return weighted means, R^-1 and the orthonormal predictors (x - means) R^-1."""
    centre = np.average(x, axis=0, weights=w)
    share = np.sqrt(w / w.sum())
    _, upper = linalg.qr((x - centre) * share[:, None], mode="economic")
    inverse = linalg.solve_triangular(upper, np.eye(x.shape[1]))
    return centre, inverse, (x - centre) @ inverse


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


def _parameters(
    columns: tuple[Column, ...], categories: tuple[str, ...], family: str
) -> tuple[Parameter, ...]:
    slopes = tuple(
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
    names = ["Intercept"] if family == "logit" else [f"{low}|{high}" for low, high in pairwise(categories)]
    cuts = tuple(
        Parameter(name=n, term=n, level="", reference="", kind="threshold", variables=()) for n in names
    )
    return cuts + slopes if family == "logit" else slopes + cuts


def _null_loglik(y: Ints, w: Floats) -> float:
    shares = np.bincount(y, w)
    return float(shares @ np.log(shares / shares.sum()))


def _test_df(df: int, kind: CovarianceKind, rule: DfRule, spec: DesignSpec, name: str) -> float:
    if kind == "model":
        return np.inf
    if rule == "stata":
        return float(df)
    # R's svyglm subtracts p - 1 with the intercept in p; svyolr the slopes: the same number.
    left = df - len(spec.columns)
    if left < 1:
        raise InsufficientDataError(
            Fault(
                where=f"model {name!r}",
                found=f"{df} design degrees of freedom less {len(spec.columns)} slopes leave {left}",
                remedy="fewer terms, or df_rule='stata'",
            )
        )
    return float(left)


def _warnings(sample: Sample, bound: ResolvedDesign, kind: CovarianceKind) -> tuple[str, ...]:
    found = []
    lost = sample.dropped.loc[~sample.dropped["variable"].isin(["domain", "weights"]), "rows"].sum()
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
    holding = np.unique(bound.psu[used])
    per_stratum = np.bincount(bound.psu_stratum[holding], minlength=bound.n_strata)
    in_design = np.bincount(bound.psu_stratum, minlength=bound.n_strata)
    return int(((per_stratum == 1) & (in_design > 1)).sum())
