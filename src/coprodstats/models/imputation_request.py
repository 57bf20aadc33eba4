"""What a call of `impute` asks for, checked against the data before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, CoprodstatsError, Fault, did_you_mean, listed
from coprodstats.models.imputation_chain import Method
from coprodstats.models.imputation_checks import (
    DesignRole,
    codebook_faults,
    design_roles,
    named_variables,
    predictor_faults,
    product_faults,
)
from coprodstats.models.imputation_columns import Coded, Kind, coded
from coprodstats.models.sample import unpack
from coprodstats.survey.answers import BLANK, NOT_A_NUMBER, OUT_OF_RANGE, UNDECLARED
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import ResolvedDesign, SurveyDesign, resolve_design
from coprodstats.survey.log import count_by_reason, how_many
from coprodstats.survey.progress import progress_faults

Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
Reasons = Sequence[str] | Mapping[str, Sequence[str]] | str | None

# The first is the default.
METHODS: dict[Kind, tuple[Method, ...]] = {
    "binary": ("logit", "pmm"),
    "ordinal": ("ologit", "mlogit", "pmm"),
    "nominal": ("mlogit",),
    "numeric": ("pmm", "norm"),
}
MISSING, WEIGHT_OF_ZERO = "missing", "weight of zero"
# Reasons that cleaning gives of its own accord.
GENERAL_REASONS = {BLANK, UNDECLARED, NOT_A_NUMBER, OUT_OF_RANGE}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What is to be imputed, by what.

    Attributes
    ----------
    coded
        The variables as numbers, in the order given.
    gaps
        For each the rows to be imputed, as positions in the data.
    methods
        For each its method.
    imputed, left
        ``variable, method, reason, cells`` and ``variable, reason, cells``.
    design, bound
        The design, or None, and as arrays over the rows.
    live
        Rows with a positive weight, shape (n,).
    roles
        What of the design predicts: role to the design's column.
    predictors, products
        As in `coprodstats.impute`.
    """

    coded: Mapping[str, Coded]
    gaps: Mapping[str, Ints]
    methods: Mapping[str, Method]
    imputed: pd.DataFrame
    left: pd.DataFrame
    design: SurveyDesign | None
    bound: ResolvedDesign
    live: Bools
    roles: Mapping[DesignRole, str]
    predictors: Mapping[str, tuple[str, ...]]
    products: tuple[tuple[str, str], ...]


def plan_imputation(
    data: CleanedSurvey | pd.DataFrame,
    variables: Sequence[str],
    *,
    counts: Mapping[str, tuple[Any, int]],
    methods: Mapping[str, Method] | None,
    reasons: Reasons,
    predictors: Mapping[str, Sequence[str]] | None,
    products: Sequence[tuple[str, str]],
    design: SurveyDesign | None,
    design_predictors: Sequence[DesignRole] | None,
    progress: object,
) -> Plan:
    """Check a request and return what is to be done; see `coprodstats.impute` for arguments and errors.

    Parameters
    ----------
    counts
        Name of an argument to its value and the least that it may be.
    """
    faults = [
        Fault(
            where=f"impute: {name}", found=f"it is {value!r}", allowed=f"a whole number of at least {least}"
        )
        for name, (value, least) in counts.items()
        if not isinstance(value, int) or isinstance(value, bool) or value < least
    ]
    types: dict[str, tuple[Any, bool, str]] = {
        "data": (data, isinstance(data, CleanedSurvey | pd.DataFrame), "a cleaned survey or a DataFrame"),
        "design": (design, design is None or isinstance(design, SurveyDesign), "a SurveyDesign"),
        "methods": (methods, methods is None or isinstance(methods, Mapping), "{variable: method}"),
        "predictors": (
            predictors, predictors is None or isinstance(predictors, Mapping), "{variable: [others]}"
        ),
        "progress": (progress, not progress_faults(progress, ""), "True, or a function of (done, total)"),
    }  # fmt: skip
    wrong = [
        Fault(where=f"impute: {name}", found=f"it is a {type(value).__name__}", allowed=allowed)
        for name, (value, fine, allowed) in types.items()
        if not fine
    ]
    if wrong:
        raise ArgumentError(*faults, *wrong)
    frame, _, design = unpack(data, design)
    bound = resolve_design(design, frame)
    roles, role_faults = design_roles(design, bound, design_predictors)
    names, name_faults = named_variables(frame, variables, roles)
    faults += role_faults + name_faults
    if isinstance(data, CleanedSurvey):
        faults += codebook_faults(data.codebook, frame, names)
    known = [*names, *dict.fromkeys(roles[role] for role in ("weights", "strata") if role in roles)]
    others = {
        name: (given,) if isinstance(given, str) else tuple(given)
        for name, given in (predictors or {}).items()
    }
    faults += predictor_faults(others, names) + product_faults(products, known)
    if faults:
        raise ArgumentError(*faults)
    live = bound.weights > 0
    variables_coded = _coded(frame, names, live)
    chosen = _methods(methods or {}, variables_coded)
    answers = _answers(data, frame, names, live)
    allowed = _allowed_reasons(data, answers, reasons)
    gaps = {name: _gaps(answers[name], allowed[name]) for name in names}
    imputed, left = _accounts(answers, gaps, chosen)
    return Plan(
        coded=variables_coded,
        gaps=gaps,
        methods=chosen,
        imputed=imputed,
        left=left,
        design=design,
        bound=bound,
        live=live,
        roles=roles,
        predictors=others,
        products=tuple((one, two) for one, two in products),
    )


def _coded(frame: pd.DataFrame, names: Sequence[str], live: Bools) -> dict[str, Coded]:
    found: dict[str, Coded] = {}
    errors: list[CoprodstatsError] = []
    for name in names:
        try:
            found[name] = coded(frame[name], live)
        except CoprodstatsError as error:
            errors.append(error)
    if errors:
        raise type(errors[0])(*(fault for error in errors for fault in error.faults))
    return found


def _methods(wanted: Mapping[str, Method], found: Mapping[str, Coded]) -> dict[str, Method]:
    where = "impute: methods"
    faults = [
        Fault(
            where=where, found=f"{name!r} is not among the variables", remedy=did_you_mean(str(name), found)
        )
        if name not in found
        else Fault(
            where=where,
            found=f"{method!r} is not for {name!r}, which is {found[name].kind}",
            allowed=listed(METHODS[found[name].kind]),
        )
        for name, method in wanted.items()
        if name not in found or method not in METHODS[found[name].kind]
    ]
    if faults:
        raise ArgumentError(*faults)
    return {name: wanted.get(name, METHODS[variable.kind][0]) for name, variable in found.items()}


def _answers(
    data: CleanedSurvey | pd.DataFrame, frame: pd.DataFrame, names: Sequence[str], live: Bools
) -> pd.DataFrame:
    """Return for each cell the reason why it is missing, NA where it is not."""
    if isinstance(data, CleanedSurvey):
        why = data.reasons[list(names)]
    else:
        gaps = frame[list(names)].isna()
        why = gaps.apply(lambda column: column.map({True: MISSING, False: None}).astype("str"))
    return why.where(live[:, None] | why.isna(), WEIGHT_OF_ZERO)


def _allowed_reasons(
    data: CleanedSurvey | pd.DataFrame, answers: pd.DataFrame, reasons: Reasons
) -> dict[str, tuple[str, ...]]:
    """Return for each variable the reasons whose cells are imputed."""
    where, names = "impute: reasons", [str(name) for name in answers]
    present = {name: set(answers[name].dropna()) - {WEIGHT_OF_ZERO} for name in names}
    everything = {name: tuple(sorted(found)) for name, found in present.items()}
    if not isinstance(data, CleanedSurvey):
        if reasons is None:
            return everything
        found = "a DataFrame does not say why a value is missing"
        raise ArgumentError(Fault(where=where, found=found, remedy="leave it out, or give a cleaned survey"))
    if reasons == "all" or not any(present.values()):
        return everything
    if reasons is None:
        raise ArgumentError(_unsaid(answers, everything))
    common = [reasons] if isinstance(reasons, str) else reasons
    by_name = common if isinstance(common, Mapping) else dict.fromkeys(names, common)
    given = {name: (r,) if isinstance(r, str) else tuple(r) for name, r in by_name.items()}
    known = sorted(
        set().union(*present.values(), GENERAL_REASONS, *(_declared(data, name) for name in names))
    )
    faults = [
        Fault(
            where=where, found=f"{name!r} is not among the variables", remedy=did_you_mean(str(name), names)
        )
        for name in given
        if name not in names
    ]
    faults += [
        Fault(
            where=where,
            found=f"no answer is missing for the reason {reason!r}",
            allowed=listed(known),
            remedy=did_you_mean(str(reason), known),
        )
        for reason in dict.fromkeys(reason for each in given.values() for reason in each)
        if reason not in known
    ]
    if faults:
        raise ArgumentError(*faults)
    return {name: given.get(name, ()) for name in names}


def _unsaid(answers: pd.DataFrame, reasons: Mapping[str, Sequence[str]]) -> Fault:
    told = [
        f"{name}: " + ", ".join(f"{r!r} ({how_many(int((answers[name] == r).sum()))})" for r in found)
        for name, found in reasons.items()
        if found
    ]
    return Fault(
        where="impute: reasons",
        found=f"it is not said which missing answers are to be imputed: {'; '.join(told)}",
        allowed="reasons for all variables, or {variable: reasons}, or 'all'",
        remedy="name all but the reasons of questions that did not apply",
    )


def _declared(data: CleanedSurvey, name: str) -> set[str]:
    variable = data.codebook.variables.get(name)
    return set(variable.missing.values()) if variable else set()


def _gaps(answers: pd.Series, allowed: Sequence[str]) -> Ints:
    return np.flatnonzero(answers.isin(list(allowed)).to_numpy())


def _accounts(
    answers: pd.DataFrame, gaps: Mapping[str, Ints], methods: Mapping[str, Method]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the cells that are imputed and those left, by variable and reason."""
    filled = np.zeros(answers.shape, dtype=bool)
    for position, name in enumerate(answers):
        filled[gaps[str(name)], position] = True
    imputed, left = count_by_reason(answers.where(filled)), count_by_reason(answers.mask(filled))
    imputed.insert(1, "method", imputed["variable"].map(dict(methods)).astype("str"))
    return imputed, left
