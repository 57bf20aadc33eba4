"""Checks of what a call of `impute` names: variables, the design's part, predictors and products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import pandas as pd

from coprodstats.errors import Fault, did_you_mean, listed
from coprodstats.survey.declarations import Codebook
from coprodstats.survey.design import ResolvedDesign, SurveyDesign

DesignRole = Literal["weights", "strata", "psu"]


def sources_of(codebook: Codebook, name: str) -> frozenset[str]:
    """Return the variables and indices that a derived column is made of; none for a variable of the file."""
    sources: frozenset[str] = frozenset()
    if name in codebook.conversions:
        made = codebook.conversions[name]
        sources = frozenset({made.of, str(made.survey_year)} & set(codebook.variables))
    elif name in codebook.indices:
        sources = frozenset(codebook.indices[name].items.names)
    elif name in codebook.outcomes:
        outcome = codebook.outcomes[name]
        sources = frozenset({outcome.of} if outcome.items is None else outcome.items.names)
    return sources.union(*(sources_of(codebook, source) for source in sources))


def _first(column: str | tuple[str | None, ...] | None) -> str | None:
    """Return the first stage's column."""
    return column[0] if isinstance(column, tuple) else column


def design_roles(
    design: SurveyDesign | None, bound: ResolvedDesign, wanted: Sequence[DesignRole] | None
) -> tuple[dict[DesignRole, str], list[Fault]]:
    """Return what of the design predicts, role to column, and what is wrong with the wish."""
    columns: dict[DesignRole, str | None] = {"weights": None, "strata": None, "psu": None}
    if design is not None:
        columns = {
            "weights": _first(design.weights), "strata": _first(design.strata), "psu": _first(design.psu)
        }  # fmt: skip
    there = {role: column for role, column in columns.items() if column is not None}
    if "psu" in there and bound.n_psu == bound.n_rows:
        del there["psu"]  # respondents, whose PSU has no others
    if wanted is None:
        return there, []
    where = "impute: design_predictors"
    faults = [
        Fault(where=where, found=f"{role!r} is not one", allowed=listed(get_args(DesignRole)))
        if role not in columns
        else Fault(where=where, found=f"the design has no {role}", allowed=listed(list(there)) or "none")
        for role in wanted
        if role not in there
    ]
    return {role: there[role] for role in wanted if role in there}, faults


def named_variables(
    frame: pd.DataFrame, variables: Sequence[str], roles: Mapping[DesignRole, str]
) -> tuple[list[str], list[Fault]]:
    """Return the variables that exist, and what is wrong with how they are named."""
    where = "impute: variables"
    names = [variables] if isinstance(variables, str) else list(variables)
    columns = [str(column) for column in frame.columns]
    faults = [
        Fault(where=where, found=f"the data have no column {name!r}", remedy=did_you_mean(str(name), columns))
        for name in names
        if name not in frame.columns
    ]
    faults += [
        Fault(where=where, found=f"{name!r} is named twice")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    faults += [
        Fault(
            where=where,
            found=f"{name!r} holds the design's {role}, which predict all variables anyway",
            remedy="leave it out",
        )
        for role, name in roles.items()
        if name in names
    ]
    if not names:
        faults.append(Fault(where=where, found="none is named", allowed="those that the analyses use"))
    return [name for name in names if name in frame.columns], faults


def codebook_faults(codebook: Codebook, frame: pd.DataFrame, names: Sequence[str]) -> list[Fault]:
    """Return the ids among the variables, and the pairs that are made of one another."""
    where = "impute: variables"
    faults = [
        Fault(where=where, found=f"{name!r} is an id", remedy="leave it out")
        for name in names
        if name in codebook.variables and codebook.variables[name].kind == "id"
    ]
    sources = {name: sources_of(codebook, name) for name in names}
    open_ = [name for name in names if frame[name].isna().any()]
    for k, one in enumerate(names):
        for two in names[k + 1 :]:
            made = two in sources[one] or one in sources[two]
            if (made or sources[one] & sources[two]) and (one in open_ or two in open_):
                what = "one is made of the other" if made else "both are made of the same items"
                faults.append(
                    Fault(
                        where=where,
                        found=f"{one!r} and {two!r}: {what}, so that imputed values would contradict "
                        "each other",
                        remedy="name the items, and what is derived from them follows; or one of the two",
                    )
                )
    return faults


def predictor_faults(predictors: Mapping[str, Sequence[str]], names: Sequence[str]) -> list[Fault]:
    """Return the unknown names in a mapping of variables to their predictors."""
    where = "impute: predictors"
    unknown = dict.fromkeys(
        n for name, others in predictors.items() for n in (name, *others) if n not in names
    )
    return [
        Fault(
            where=where, found=f"{name!r} is not among the variables", remedy=did_you_mean(str(name), names)
        )
        for name in unknown
    ]


def product_faults(products: Sequence[Sequence[str]], known: Sequence[str]) -> list[Fault]:
    """Return what is wrong with the pairs whose products are to predict."""
    where = "impute: products"
    faults = []
    for pair in products:
        if len(pair) != 2:  # a string of two letters is a pair of unknown names below
            faults.append(Fault(where=where, found=f"{pair!r} is no pair", allowed="(('age', 'gender'), …)"))
            continue
        faults += [
            Fault(
                where=where,
                found=f"{name!r} is neither a variable nor a column of the design",
                allowed=listed(known),
                remedy=did_you_mean(str(name), known),
            )
            for name in dict.fromkeys(pair)
            if name not in known
        ]
    return faults
