"""A plan against what it speaks of: the codebook's columns and mappings, and the terms of its models."""

from __future__ import annotations

from collections.abc import Sequence

from coprodstats.errors import ConfigError, Fault, did_you_mean, listed
from coprodstats.reporting.plan import AnalysisPlan
from coprodstats.survey.declarations import Codebook


def refuse_unknown_names(plan: AnalysisPlan, codebook: Codebook) -> None:
    """Refuse a plan that speaks of columns, mappings or item roles which the codebook doesn't declare.

    Parameters
    ----------
    plan
        The plan.
    codebook
        The codebook.

    Raises
    ------
    ConfigError
        With all of them.
    """
    faults = [*_column_faults(plan, codebook), *_mapping_faults(plan, codebook)]
    if faults:
        raise ConfigError(*faults)


def _column_faults(plan: AnalysisPlan, codebook: Codebook) -> list[Fault]:
    columns = list(codebook.columns)
    wanted = [*plan.describe.sample, *plan.describe.indices, *filter(None, [plan.describe.by])]
    for one in plan.comparisons:
        wanted += [*one.outcomes.values(), *one.over]
    if plan.importance is not None:
        wanted += plan.importance.variables
    wanted += [term.partition("[")[0] for term in (*plan.phrases, *plan.forest)]
    return [
        Fault(
            where=plan.path.name,
            found=f"the codebook declares no {name!r}",
            remedy=did_you_mean(name, columns) or f"it declares {listed(columns, 20)}",
        )
        for name in dict.fromkeys(wanted)
        if name not in columns
    ]


def _mapping_faults(plan: AnalysisPlan, codebook: Codebook) -> list[Fault]:
    where = plan.path.name
    mappings = list(codebook.mappings)
    wanted = dict.fromkeys(filter(None, [plan.mapping, *(c.mapping for c in plan.comparisons)]))
    faults = [
        Fault(
            where=where,
            found=f"the codebook has no mapping {name!r}",
            allowed=listed(mappings) or "none is declared",
            remedy=did_you_mean(name, mappings),
        )
        for name in wanted
        if name not in mappings
    ]
    roles = codebook.mappings.get(plan.mapping or codebook.mapping, {})
    return faults + [
        Fault(where=f"{where}: describe.items", found=f"no role {role!r}", allowed=listed(list(roles)))
        for role in plan.describe.items.values()
        if role not in roles and not faults
    ]


def refuse_unknown_terms(plan: AnalysisPlan, terms: Sequence[str]) -> None:
    """Refuse phrases and forest terms that the first comparison doesn't compare.

    Parameters
    ----------
    plan
        The plan.
    terms
        The terms that are compared on the margin scale.

    Raises
    ------
    ConfigError
        With all of them.
    """
    drawn = {*terms, *(term.partition("[")[0] for term in terms)}
    wrong = [("phrases", name) for name in plan.phrases if name not in terms]
    wrong += [("forest.terms", name) for name in plan.forest if name not in drawn]
    faults = [
        Fault(
            where=f"{plan.path.name}: {key}",
            found=f"the first comparison has no term {name!r}",
            allowed=listed(terms, 30),
            remedy=did_you_mean(name, terms),
        )
        for key, name in wrong
    ]
    if faults:
        raise ConfigError(*faults)
