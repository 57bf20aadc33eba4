"""The summary in plain words: what a run found about each predictor, as estimates and as sentences."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from coprodstats.models.wald import WaldTest
from coprodstats.reporting.certainty import Estimate
from coprodstats.reporting.document import Block, BulletList, Paragraph
from coprodstats.reporting.findings import EVERYONE, Compared, Findings
from coprodstats.reporting.language import said, say
from coprodstats.reporting.plan import OutcomePlan
from coprodstats.reporting.sentences import (
    again_sentence,
    difference_sentences,
    level_sentence,
    likelihood_sentences,
    lower_first,
    size_sentence,
)
from coprodstats.reporting.span import Text, strong
from coprodstats.reporting.words import ESTIMATES, Words, per_step

_DIFFERENCE = ("difference", "conf_low", "conf_high")
_LEVEL = 0.05  # of the joint test: the level of the intervals beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What goes with the two outcomes for one term that the analysis has words for.

    Attributes
    ----------
    term
        The term, as models name it.
    label
        What the predictor is called.
    who
        Whom the sentences are about.
    first, second
        The difference of probability of each outcome, for numeric predictors per step.
    difference
        Second minus first.
    """

    term: str
    label: str
    who: str
    first: Estimate
    second: Estimate
    difference: Estimate


def links(findings: Findings, words: Words) -> tuple[Link, ...]:
    """Return what was found about each term that the analysis has a phrase for, in its order.

    Parameters
    ----------
    findings
        All numbers.
    words
        The words of the analysis.
    """
    one = findings.main
    first, second = (o.name for o in findings.plan.outcomes)
    return tuple(
        Link(
            term=term,
            label=words.label(term.partition("[")[0]),
            who=who,
            first=margin(one, words, first, term),
            second=margin(one, words, second, term),
            difference=difference(one, words, term),
        )
        for term, who in findings.plan.phrases.items()
        if term in one.margins.terms
    )


def margin(one: Compared, words: Words, outcome: str, term: str) -> Estimate:
    """Return the margin of a term on an outcome, for a numeric predictor per step."""
    frame = one.margins.intervals()
    return _estimate(one, words, frame[frame["model"] == outcome], term, ESTIMATES)


def difference(one: Compared, words: Words, term: str) -> Estimate:
    """Return the difference of a term's margins, second outcome minus first, per step."""
    return _estimate(one, words, one.margins.to_frame(), term, _DIFFERENCE)


def _estimate(
    one: Compared, words: Words, frame: pd.DataFrame, term: str, columns: tuple[str, ...]
) -> Estimate:
    model = one.models[words.series[0].name]
    row = per_step(words, model, frame[frame["term"] == term], columns).iloc[0]
    value, low, high = (float(row[column]) for column in columns)
    return Estimate(value=value, low=low, high=high)


def level(findings: Findings, outcome: OutcomePlan) -> Estimate:
    """Return the share of everyone for whom an outcome's event holds."""
    frame = findings.levels
    row = frame[(frame["group"] == EVERYONE) & (frame["model"] == outcome.name)].iloc[0]
    value, low, high = (float(row[column]) for column in ESTIMATES)
    return Estimate(value=value, low=low, high=high)


def summary_blocks(findings: Findings) -> tuple[Block, ...]:
    """Return the summary of a report: how common each outcome is, and what goes with it.

    Parameters
    ----------
    findings
        All numbers.
    """
    words = Words.of(findings)
    outcomes = findings.plan.outcomes
    items: list[Text] = [
        (strong(f"{o.label}. "), level_sentence(o.event, level(findings, o))) for o in outcomes
    ]
    items += [
        (strong(f"{link.label}. "), " ".join(link_sentences(link, outcomes)))
        for link in links(findings, words)
    ]
    return (Paragraph(text=said("narrative.alike")), BulletList(items=tuple(items)))


def link_sentences(link: Link, outcomes: tuple[OutcomePlan, OutcomePlan]) -> tuple[str, ...]:
    """Say how a predictor goes with each outcome, and whether the two links differ.

    Parameters
    ----------
    link
        What was found.
    outcomes
        The outcomes, in the order of subtraction.
    """
    first, second = outcomes
    names = (lower_first(first.label), lower_first(second.label))
    return (
        *likelihood_sentences(link.who, first.event, link.first),
        again_sentence(second.event, link.second),
        size_sentence(link.second),
        *difference_sentences(link.first, link.second, link.difference, names=names),
    )


def together_sentence(test: WaldTest, outcomes: tuple[OutcomePlan, OutcomePlan]) -> str:
    """Say whether the links as a whole differ between the outcomes; the test itself stands under its table.

    Parameters
    ----------
    test
        The joint test that no link differs.
    outcomes
        The outcomes, in the order of subtraction.
    """
    first, second = (lower_first(outcome.label) for outcome in outcomes)
    if test.p_value < _LEVEL:
        return say("narrative.together_differ", first=first, second=second)
    return say("narrative.together_open", first=first, second=second)
