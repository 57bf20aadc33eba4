"""The analysis' own words in a further language: its titles, labels, categories, claims.

Names and categories stay what they are in formulas, frames and results: only what a reader sees is said in
another language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from coprodstats.errors import ConfigError, Fault, did_you_mean
from coprodstats.reporting.claims import Claim, ClaimResults
from coprodstats.reporting.plan import AnalysisPlan, DescribePlan, OutcomePlan, long_texts
from coprodstats.reporting.planned_comparisons import ComparisonPlan
from coprodstats.reporting.suggestions import BriefingPlan
from coprodstats.survey.conversions import Conversion
from coprodstats.survey.declarations import Codebook, Index, Outcome, Variable
from coprodstats.survey.toml_table import TomlTable, odd_characters, parse_toml

if TYPE_CHECKING:
    from coprodstats.reporting.findings import Findings

Own = Mapping[str, str]
_BOUND_SPACES = dict.fromkeys(map(ord, "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"), "x")
Column = TypeVar("Column", Variable, Conversion, Index)

_NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWords:
    """The texts that an analysis' files hold.

    Attributes
    ----------
    shown
        Those that a report may show: each further language needs them.
    known
        All of them, also those of columns that this analysis leaves alone.
    """

    shown: tuple[str, ...]
    known: tuple[str, ...]


def own_words(plan: AnalysisPlan, codebook: Codebook, claims: Sequence[Claim] = ()) -> OwnWords:
    """Return the texts of an analysis that readers see and that a translation may hold.

    Parameters
    ----------
    plan
        The plan.
    codebook
        The codebook that it uses.
    claims
        The claims that it tests.
    """
    used = _used(plan, codebook)
    shown = [*_of_plan(plan), codebook.title, *(claim.statement for claim in claims)]
    shown += [text for name in used for text in _of_column(codebook, name)]
    # Which answers can't be used is told of every item that cleaning touched.
    reasons = [reason for v in codebook.variables.values() for reason in v.missing.values()]
    known = [text for name in codebook.columns for text in _of_column(codebook, name)]
    known += [claim.source for claim in claims]
    known += [suggestion.source for suggestion in plan.briefing.suggestions]
    return OwnWords(
        shown=_once([*shown, *reasons]),
        known=_once([*shown, *reasons, *known, *plan.phrases.values()]),
    )


def read_translations(plan: AnalysisPlan, codebook: Codebook, claims: Sequence[Claim]) -> dict[str, Own]:
    """Read the translations that a plan names: TOML files of ``"text" = "its translation"``.

    Parameters
    ----------
    plan, codebook, claims
        What is translated.

    Returns
    -------
    dict
        Text to text, by language.

    Raises
    ------
    ConfigError
        With each text that a file lacks and each that the analysis does not hold, over all files.
    """
    own = own_words(plan, codebook, claims)
    faults: list[Fault] = []
    found = {code: _read(path, own, faults) for code, path in plan.translations.items()}
    for code, path in plan.translations.items():
        faults += [
            Fault(where=f"{path.name}: {key}", found=long, allowed=allowed)
            for key, long, allowed in long_texts(_plan(plan, found[code]))
        ]
    if faults:
        raise ConfigError(*faults)
    return found


def translated(findings: Findings, code: str) -> Findings:
    """Return findings whose plan, codebook, claims and frames hold the words of a language.

    Parameters
    ----------
    findings
        The findings, in the words of the analysis' files.
    code
        A language of its plan; the first leaves everything as it is.
    """
    own = findings.translations.get(code)
    if own is None:
        return findings
    plan = _plan(findings.plan, own)
    return replace(
        findings,
        plan=plan,
        cleaned=replace(findings.cleaned, codebook=_codebook(findings.cleaned.codebook, own)),
        sample=_frame(findings.sample, ("category",), own),
        items=_frame(findings.items, ("group", "item", "category"), own),
        levels=_frame(findings.levels, ("group",), own),
        indices=_frame(findings.indices, ("group",), own),
        compared={one.key: replace(findings.compared[one.key], plan=one) for one in plan.comparisons},
        claims=None if findings.claims is None else _claims(findings.claims, own),
        own=own,
    )


def _read(path: Path, own: OwnWords, faults: list[Fault]) -> Own:
    content, _, wrong = parse_toml(path)
    faults += wrong
    if wrong:
        return {}
    table = TomlTable(path.name, content, faults)
    found = {text: _checked(table, text) for text in content}
    faults += [
        Fault(
            where=path.name,
            found=f"{text!r} is no text of the analysis, its codebook or its claims",
            remedy=did_you_mean(text, own.known),
        )
        for text in found
        if text not in own.known
    ]
    faults += [
        Fault(where=path.name, found=f"{text!r} has no translation", remedy=f'"{text}" = "…"')
        for text in own.shown
        if text not in found
    ]
    return found


def _checked(table: TomlTable, text: str) -> str:
    found = table.text(text, None, exact=True)
    # French puts no-break spaces before some marks; nothing else unseen may stand in a text.
    odd = odd_characters(found.translate(_BOUND_SPACES))
    if found and odd:
        table.fault(f"the text can't be used: {odd}", key=text)
    return found


def _of_plan(plan: AnalysisPlan) -> Iterator[str]:
    yield from (plan.title, plan.subtitle, *plan.limits, *plan.phrases.values(), *plan.describe.items)
    yield from (suggestion.text for suggestion in plan.briefing.suggestions)
    for outcome in plan.outcomes:
        yield from (outcome.label, outcome.event)
    for one in plan.comparisons:
        yield from (one.title, one.group)


def _used(plan: AnalysisPlan, codebook: Codebook) -> list[str]:
    """Return the codebook's columns that the analysis speaks of."""
    names = [*plan.describe.sample, plan.describe.by, *plan.describe.indices]
    if plan.importance is not None:
        names += plan.importance.variables
    mappings = {plan.mapping or codebook.mapping, *(c.mapping for c in plan.comparisons)}
    for mapping in mappings - {""}:
        roles = codebook.mappings.get(mapping, {})
        names += [item for role in plan.describe.items.values() for item in roles.get(role, ())]
    for one in plan.comparisons:
        names += [*one.outcomes.values(), *_NAME.findall(one.predictors)]
    return [name for name in dict.fromkeys(names) if name in codebook.columns]


def _of_column(codebook: Codebook, name: str) -> Iterator[str]:
    column = codebook.columns[name]
    yield column.label
    if isinstance(column, Variable):
        yield from column.labels
    if isinstance(column, Outcome):
        yield from column.labels
    if isinstance(column, Variable | Conversion | Index):
        yield from (column.unit, column.step_label)


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    # A number needs no translation; formats write it.
    return tuple(dict.fromkeys(text for text in texts if text and not text.strip("+").isdigit()))


def _said(text: str, own: Own) -> str:
    return own.get(text, text)


def _frame(frame: pd.DataFrame, columns: tuple[str, ...], own: Own) -> pd.DataFrame:
    there = [column for column in columns if column in frame]
    return frame.assign(**{column: [_said(str(value), own) for value in frame[column]] for column in there})


def _plan(plan: AnalysisPlan, own: Own) -> AnalysisPlan:
    first, second = (_outcome(outcome, own) for outcome in plan.outcomes)
    return replace(
        plan,
        title=_said(plan.title, own),
        subtitle=_said(plan.subtitle, own),
        limits=tuple(_said(text, own) for text in plan.limits),
        phrases={term: _said(text, own) for term, text in plan.phrases.items()},
        describe=_describe(plan.describe, own),
        outcomes=(first, second),
        comparisons=tuple(_comparison(one, own) for one in plan.comparisons),
        briefing=_briefing(plan.briefing, own),
    )


def _briefing(briefing: BriefingPlan, own: Own) -> BriefingPlan:
    suggestions = tuple(
        replace(one, text=_said(one.text, own), source=_said(one.source, own)) for one in briefing.suggestions
    )
    return replace(briefing, suggestions=suggestions)


def _outcome(outcome: OutcomePlan, own: Own) -> OutcomePlan:
    return replace(outcome, label=_said(outcome.label, own), event=_said(outcome.event, own))


def _describe(describe: DescribePlan, own: Own) -> DescribePlan:
    return replace(describe, items={_said(text, own): role for text, role in describe.items.items()})


def _comparison(one: ComparisonPlan, own: Own) -> ComparisonPlan:
    return replace(one, title=_said(one.title, own), group=_said(one.group, own))


def _codebook(codebook: Codebook, own: Own) -> Codebook:
    """Return a codebook with other labels; its categories are names in terms and frames, and stay."""
    return replace(
        codebook,
        title=_said(codebook.title, own),
        variables={name: _stepped(v, own) for name, v in codebook.variables.items()},
        conversions={name: _stepped(c, own) for name, c in codebook.conversions.items()},
        indices={name: _stepped(i, own) for name, i in codebook.indices.items()},
        outcomes={name: replace(o, label=_said(o.label, own)) for name, o in codebook.outcomes.items()},
    )


def _stepped(column: Column, own: Own) -> Column:
    return replace(
        column,
        label=_said(column.label, own),
        unit=_said(column.unit, own),
        step_label=_said(column.step_label, own),
    )


def _claims(results: ClaimResults, own: Own) -> ClaimResults:
    said = [
        replace(
            result,
            claim=replace(
                result.claim,
                statement=_said(result.claim.statement, own),
                source=_said(result.claim.source, own),
            ),
        )
        for result in results.results
    ]
    return replace(results, results=tuple(said))
