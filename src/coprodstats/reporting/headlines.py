"""What an analysis found in at most six sentences, the most general first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from coprodstats.reporting import format as fmt
from coprodstats.reporting.findings import EVERYONE, Findings
from coprodstats.reporting.language import listing, say
from coprodstats.reporting.narrative import Link, level, links
from coprodstats.reporting.plan import OutcomePlan
from coprodstats.reporting.sentences import (
    MOST_WORDS,
    again_sentence,
    count_words,
    direction_sentence,
    level_sentence,
    lower_first,
    say_bound,
    short_size,
)
from coprodstats.reporting.words import Words

Outcomes = tuple[OutcomePlan, OutcomePlan]

MOST = 6
"""Headlines at most (Department for Education, analysts' guide)."""

SURE = 0.95
"""Share of bootstrap replicates, by every measure, in which what ranks first is said to rank first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One finding.

    Attributes
    ----------
    text
        One sentence.
    more
        What stands behind it, in a sentence or two; or empty.
    key
        What it is about: ``"levels"``, a term, ``"difference"`` or ``"importance"``.
    """

    text: str
    more: str
    key: str


def headlines(findings: Findings) -> tuple[Headline, ...]:
    """Return what an analysis found: levels, links with each outcome, where they differ, what ranks first.

    Parameters
    ----------
    findings
        All numbers.

    Returns
    -------
    tuple of Headline
        Six at most; of terms, those that the analysis names first.
    """
    words = Words.of(findings)
    linked = links(findings, words)
    outcomes = findings.plan.outcomes
    last = [difference_headline(linked, outcomes)] if linked else []
    last += _importance(findings, words)
    terms = [link_headline(one, outcomes) for one in linked[: MOST - 1 - len(last)]]
    return (_levels(findings, words), *terms, *last)


def _levels(findings: Findings, words: Words) -> Headline:
    told = [level_sentence(o.event, level(findings, o), with_interval=False) for o in findings.plan.outcomes]
    means = _index_means(findings, words)
    if means and count_words(means) <= MOST_WORDS:
        return Headline(key="levels", text=means, more=" ".join(told))
    return Headline(key="levels", text=told[0], more=told[1])


def _index_means(findings: Findings, words: Words) -> str:
    """Say the means of two indices: where an event is a cut through an index, its share says little."""
    if len(findings.plan.describe.indices) != 2:
        return ""
    frame = findings.indices[findings.indices["group"] == EVERYONE]
    means = dict(zip(frame["index"], frame["estimate"], strict=True))
    one, other = findings.plan.describe.indices
    return say(
        "headlines.means",
        first=lower_first(words.label(one)),
        second=lower_first(words.label(other)),
        one=fmt.number(means[one], 1),
        other=fmt.number(means[other], 1),
    )


def link_headline(one: Link, outcomes: Outcomes) -> Headline:
    """Return how a predictor goes with both outcomes in one sentence, with the sizes behind it.

    Parameters
    ----------
    one
        What was found.
    outcomes
        The outcomes, in the order of subtraction.
    """
    first, second = outcomes
    sizes = {"one": short_size(one.first), "other": short_size(one.second)}
    text = _directions(one, first.event, second.event)
    if count_words(text) <= MOST_WORDS:
        more = say("headlines.sizes", first=first.label, second=lower_first(second.label), **sizes)
        return Headline(key=one.term, text=text, more=more)
    # The analysis' own words are long: names and sizes alone tell it, or the surer link before the other.
    names = {"first": lower_first(first.label), "second": lower_first(second.label)}
    lead = say("headlines.lead", who=one.who.rstrip(" ,"), **names, **sizes)
    if count_words(lead) <= MOST_WORDS:
        return Headline(key=one.term, text=lead, more="")
    told = ((one.first, first.event), (one.second, second.event))
    (surer, event), (other, other_event) = sorted(told, key=lambda pair: pair[0].kind == "open")
    text = direction_sentence(one.who, event, surer)
    return Headline(key=one.term, text=text, more=again_sentence(other_event, other))


def _directions(one: Link, first: str, second: str) -> str:
    """Say the direction of both links in one sentence, or that of the surer one."""
    kinds = (one.first.kind, one.second.kind)
    if kinds == ("open", "open"):
        return say("headlines.open_open", who=lower_first(one.who))
    if "open" not in kinds:
        return say(f"headlines.{kinds[0]}_{kinds[1]}", who=one.who, first=first, second=second)
    if kinds[0] == "open":
        return direction_sentence(one.who, second, one.second)
    return direction_sentence(one.who, first, one.first)


def difference_headline(linked: Sequence[Link], outcomes: Outcomes) -> Headline:
    """Return which links differ between the outcomes, with what is known of the others behind it.

    Parameters
    ----------
    linked
        What was found, of one predictor or more.
    outcomes
        The outcomes, in the order of subtraction.
    """
    named = {what: _named(linked, what) for what in ("clear", "small", "open")}
    one, other = (quoted(o.label) for o in outcomes)
    names, bound = {"first": one, "second": other}, say_bound()
    if named["clear"]:
        n = len(named["clear"])
        text = say("headlines.differ", n=n, what=listing(named["clear"]), **names)
        if count_words(text) > MOST_WORDS:
            text = say("headlines.differ_count", n=n, total=sum(map(len, named.values())), **names)
    elif named["open"]:
        text = say("headlines.differ_open", **names)
    else:
        text = say("headlines.differ_small", bound=bound, **names)
        return Headline(key="difference", text=text, more="")
    more = []
    if named["clear"] and named["open"]:
        more.append(_rest("open", named["open"]))
    if named["small"]:
        more.append(_rest("small", named["small"], bound=bound))
    return Headline(key="difference", text=text, more=" ".join(more))


def _rest(certainty: str, names: Sequence[str], **values: str) -> str:
    text = say(f"headlines.rest_{certainty}", what=listing(names), **values)
    if count_words(text) <= MOST_WORDS:
        return text
    return say(f"headlines.rest_{certainty}_count", n=len(names), **values)


def _named(linked: Sequence[Link], certainty: str) -> list[str]:
    """Return what predictors are called whose difference is of one certainty, each once."""
    return list(dict.fromkeys(quoted(one.label) for one in linked if one.difference.certainty == certainty))


def quoted(label: str) -> str:
    """Return a label for the middle of a sentence; French sets it in quotation marks."""
    return say("headlines.quoted", name=lower_first(label))


def _importance(findings: Findings, words: Words) -> list[Headline]:
    plan = findings.plan.importance
    if findings.importance is None or plan is None or not plan.highlight:
        return []
    frame = findings.importance.to_frame()
    shares = frame.loc[frame["variable"] == plan.highlight, "share_first"]
    outcome = next(o.label for o in findings.plan.outcomes if o.name == plan.model)
    n = int(frame["variable"].nunique())
    return [rank_headline(words.label(plan.highlight), outcome, shares=list(shares), n=n)]


def rank_headline(label: str, outcome: str, *, shares: Sequence[float], n: int) -> Headline:
    """Return whether a predictor goes most closely with an outcome, by every measure.

    Parameters
    ----------
    label, outcome
        What the predictor and the outcome are called.
    shares
        Share of bootstrap replicates in which it ranks first, by each measure.
    n
        Number of predictors ranked.

    Examples
    --------
    >>> rank_headline("Age", "Votes", shares=[0.97, 1.0], n=4).text
    'Of 4 predictors, age went most closely with votes.'
    """
    values = {"label": quoted(label), "outcome": quoted(outcome)}
    least, most = min(shares), max(shares)
    if least >= SURE:
        # Rounded down, as the sentence says "at least".
        share = fmt.percent(math.floor(100 * least) / 100)
        text, more = say("headlines.first", n=n, **values), say("headlines.share_least", share=share)
    elif most <= 1 - SURE:
        share = fmt.percent(math.ceil(100 * most) / 100)
        text, more = say("headlines.not_first", n=n, **values), say("headlines.share_most", share=share)
    else:
        text = say("headlines.first_open", **values)
        more = say("headlines.share_between", low=fmt.percent(least), high=fmt.percent(most))
    return Headline(key="importance", text=text, more=more)
