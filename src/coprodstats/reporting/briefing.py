"""The briefing: two pages for people who decide, from the same findings as the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from coprodstats.reporting import layout_figures as figures
from coprodstats.reporting.document import (
    Block,
    BulletList,
    Document,
    FigureBlock,
    Paragraph,
    Section,
    TableBlock,
)
from coprodstats.reporting.findings import EVERYONE, Findings
from coprodstats.reporting.headlines import headlines, quoted
from coprodstats.reporting.language import said, say
from coprodstats.reporting.narrative import difference
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.span import Text, code, emphasis, strong
from coprodstats.reporting.suggestions import Suggestion
from coprodstats.reporting.table import Column, Table
from coprodstats.reporting.words import Words

MOST_TERMS = 5
"""Rows of the chart at most."""


def build_briefing(findings: Findings, *, version: str) -> Document:
    """Return the briefing on an analysis: what was found, what it means, how sure we are.

    Parameters
    ----------
    findings
        All numbers.
    version
        The package's version, for the footer.
    """
    words = Words.of(findings)
    sections = [
        _found(findings),
        _chart(findings, words),
        _table(findings, words),
        *_policy(findings),
        _sure(findings),
        _how(findings, words),
        _more(findings),
    ]
    return Document(
        title=findings.plan.title,
        subtitle=findings.plan.subtitle,
        sections=tuple(sections),
        banner=say("report.synthetic") if findings.cleaned.codebook.synthetic else "",
        footer=(say("briefing.footer", version=version),),
        kind="briefing",
        theme=findings.plan.theme,
    )


def _found(findings: Findings) -> Section:
    items: list[Text] = [
        (strong(one.text), f" {one.more}") if one.more else strong(one.text) for one in headlines(findings)
    ]
    return _section("found", BulletList(items=tuple(items)))


def _section(key: str, *blocks: Block) -> Section:
    return Section(key=key, heading=say(f"briefing.{key}"), blocks=blocks)


def _chart(findings: Findings, words: Words) -> Section:
    terms = tuple(findings.plan.phrases) or findings.main.margins.terms
    drawn = replace(findings, plan=replace(findings.plan, forest=terms[:MOST_TERMS]))
    title = chart_title(findings, words, terms[:MOST_TERMS])
    figure = figures.forest_figure(drawn, words, key="briefing-forest", title=title)
    plain_words = replace(
        figure,
        subtitle=say("briefing.chart_subtitle"),
        n=say("briefing.respondents", n=findings.main.margins.n_union),
        notes=(say("briefing.chart_note"),),
    )
    return _section("chart", Paragraph(text=said("briefing.chart_reading")), FigureBlock(figure=plain_words))


def chart_title(findings: Findings, words: Words, terms: Sequence[str]) -> str:
    """Return how many of the links drawn differ between the two outcomes.

    Parameters
    ----------
    findings
        All numbers.
    words
        The words of the analysis.
    terms
        The terms that are drawn.
    """
    clear = sum(difference(findings.main, words, term).is_clear for term in terms)
    names = {which: quoted(s.label) for which, s in zip(("first", "second"), words.series, strict=True)}
    if not clear:
        return say("briefing.chart_none", **names)
    if clear == len(terms):
        return say("briefing.chart_all", n=clear, **names)
    return say("briefing.chart_some", n=clear, total=len(terms), **names)


def _table(findings: Findings, words: Words) -> Section:
    return _section("levels", TableBlock(table=levels_table(findings, words)))


def levels_table(findings: Findings, words: Words) -> Table:
    """Return the share of people for whom each outcome's event holds, by group and in all.

    Parameters
    ----------
    findings
        All numbers.
    words
        The words of the analysis.
    """
    by = findings.plan.describe.by
    wide = findings.levels.pivot(index="group", columns="model", values=["estimate", "conf_low", "conf_high"])
    wide.columns = ["_".join(pair) for pair in wide.columns]
    groups = [group for group in dict.fromkeys(findings.levels["group"]) if group != EVERYONE]
    wide = wide.loc[[*groups, EVERYONE]]
    named = [*groups, say("briefing.everyone")]
    columns = [Column(key="name", label=words.label(by) if by else say("briefing.group"))]
    columns += [
        Column(
            key=f"estimate_{o.name}",
            label=o.label,
            role="percent",
            low=f"conf_low_{o.name}",
            high=f"conf_high_{o.name}",
        )
        for o in findings.plan.outcomes
    ]
    events = [say("briefing.event", label=o.label, event=o.event) for o in findings.plan.outcomes]
    return Table.from_frame(
        wide.assign(name=named).reset_index(drop=True),
        columns,
        key="briefing-levels",
        title=say("briefing.levels_title"),
        n=say("briefing.respondents", n=int(findings.levels["n"].max())),
        source=words.source,
        notes=(" ".join(events), say("briefing.levels_note")),
    )


def _policy(findings: Findings) -> tuple[Section, ...]:
    suggestions = findings.plan.briefing.suggestions
    if not suggestions:
        return ()
    items = tuple(_suggested(one, findings) for one in suggestions)
    return (_section("policy", Paragraph(text=said("briefing.policy_intro")), BulletList(items=items)),)


def _suggested(one: Suggestion, findings: Findings) -> Text:
    """Return a suggestion with its source, and how this run stands to what it rests on."""
    verdicts = findings.claims.verdicts() if findings.claims else {}
    standing = one.standing(verdicts)
    said_by = emphasis(say("briefing.source", source=one.source))
    if standing == "unlinked":
        return (f"{one.text} ", said_by)
    return (f"{one.text} ", said_by, " ", strong(say(f"briefing.standing_{standing}")))


def _sure(findings: Findings) -> Section:
    items: list[Text] = [
        said("briefing.sure_interval"),
        said("briefing.sure_once"),
        said("briefing.sure_told"),
        *findings.plan.limits,
    ]
    return _section("sure", BulletList(items=tuple(items)))


def _how(findings: Findings, words: Words) -> Section:
    log, design = findings.cleaned.log, findings.bound
    one, other = (lower_first(s.label) for s in words.series)
    survey = findings.cleaned.codebook.title or findings.cleaned.source
    items: tuple[Text, ...] = (
        say("briefing.how_survey", survey=survey, n=log.rows_in, kept=log.rows_kept),
        say("briefing.how_design", psus=design.n_psu, strata=design.n_strata),
        say("briefing.how_models", first=one, second=other),
        say("briefing.how_difference"),
    )
    return _section("how", BulletList(items=items, ordered=True))


def _more(findings: Findings) -> Section:
    report = said("briefing.more_report", report=code("report.html"), results=code("results"))
    return _section("more", BulletList(items=(report, *findings.plan.briefing.references)))
