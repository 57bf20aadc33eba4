"""The report: findings in, a document out, in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from coprodstats.reporting import format as fmt
from coprodstats.reporting import layout_claims
from coprodstats.reporting import layout_figures as figures
from coprodstats.reporting import layout_fit as fit
from coprodstats.reporting import layout_patterns as patterns
from coprodstats.reporting import layout_tables as tables
from coprodstats.reporting.document import (
    Block,
    Callout,
    DefinitionList,
    Document,
    FigureBlock,
    Paragraph,
    Section,
    TableBlock,
)
from coprodstats.reporting.explorer import build_explorer
from coprodstats.reporting.findings import Compared, Findings
from coprodstats.reporting.language import listing, said, say, whole
from coprodstats.reporting.layout_warnings import survey_warnings
from coprodstats.reporting.methods import limits_section, methods_section
from coprodstats.reporting.narrative import difference, summary_blocks, together_sentence
from coprodstats.reporting.reading_guide import reading_guide
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.span import Text, link
from coprodstats.reporting.words import Words, term_labels


def build_report(
    findings: Findings, *, version: str, beside: Mapping[str, Document] = MappingProxyType({})
) -> Document:
    """Return the report on an analysis, in the language spoken.

    Parameters
    ----------
    findings
        All numbers, with their words in that language (`translation.translated`).
    version
        The package's version, for the footer.
    beside
        Shorter documents by the name of their file, which the guide to reading leads to.
    """
    words = Words.of(findings)
    sections = [
        _summary(findings),
        _data(findings, words),
        _cleaning(findings, words),
        _sample(findings, words),
        _levels(findings, words),
        _models(findings, words),
        _comparison(findings, words),
        *_predictions(findings, words),
        *_explorer(findings),
        *_groups(findings, words),
        *_importance(findings, words),
        *_fit(findings, words),
        *_claims(findings, words),
        methods_section(findings),
        limits_section(findings),
    ]
    report = Document(
        title=findings.plan.title,
        subtitle=findings.plan.subtitle,
        sections=tuple(sections),
        banner=say("report.synthetic") if findings.cleaned.codebook.synthetic else "",
        footer=(say("report.footer", version=version),),
        theme=findings.plan.theme,
    )
    if not beside:
        return report
    guide = _section("guide", "guide", reading_guide(findings, {**beside, "report.html": report}))
    return replace(report, sections=(guide, *report.sections))


def _section(key: str, name: str, *blocks: Block) -> Section:
    return Section(key=key, heading=say(f"report.{name}"), blocks=blocks)


def _summary(findings: Findings) -> Section:
    together = Callout(
        kind="key",
        title=say("report.together"),
        text=said(
            "report.together_text",
            sentence=together_sentence(findings.main.margins.test, findings.plan.outcomes),
            link=link(say("report.see_comparison"), "#comparison"),
        ),
    )
    return _section("summary", "summary", *summary_blocks(findings), together)


def _data(findings: Findings, words: Words) -> Section:
    cleaned, log = findings.cleaned, findings.cleaned.log
    design, model = findings.bound, findings.main.models[words.series[0].name]
    survey = say("report.survey_value", title=cleaned.codebook.title, file=cleaned.source, n=int(log.rows_in))
    mapping = cleaned.mapping or say("report.no_mapping")
    drawn = say(
        "report.design_value",
        design=words.statement(design.description),
        strata=say("words.strata", n=design.n_strata),
        psus=say("words.psus", n=design.n_psu),
    )
    rows: tuple[tuple[Text, Text], ...] = (
        (say("report.survey"), survey),
        (say("report.file_hash"), cleaned.sha256),
        (say("report.codebook"), say("report.codebook_value", file=cleaned.codebook.source, mapping=mapping)),
        (say("report.design"), drawn),
        (say("report.weights"), _weights_words(design.weights)),
        (say("report.df"), words.statement(model.df_statement())),
    )
    weights = fit.weights_figure(findings, words)
    drawn_weights = (FigureBlock(figure=weights),) if weights is not None else ()
    return _section("data", "data", DefinitionList(items=rows), *drawn_weights)


def _weights_words(weights: NDArray[np.float64]) -> str:
    if np.ptp(weights) == 0:
        return say("report.weights_equal")
    kish = float(len(weights) * (weights**2).sum() / weights.sum() ** 2)
    return say(
        "report.weights_vary",
        low=fmt.number(float(weights.min()), 2),
        high=fmt.number(float(weights.max()), 2),
        kish=fmt.number(kish, 2),
        n=len(weights),
        fewer=fmt.count(round(len(weights) / kish)),
    )


def _cleaning(findings: Findings, words: Words) -> Section:
    log = findings.cleaned.log
    lost = log.rows_in - log.rows_kept
    excluded = (
        say("report.some_excluded", lost=whole(lost), kept=whole(log.rows_kept))
        if lost
        else say("report.none_excluded")
    )
    blocks: list[Block] = [
        Paragraph(text=say("report.cleaned", n=log.rows_in, excluded=excluded)),
        *survey_warnings(findings.cleaned, words),
        FigureBlock(figure=figures.flow_figure(findings, words)),
    ]
    if (log.cells["cells"] > 0).any():
        blocks.append(TableBlock(table=tables.changes_table(findings, words)))
    return _section("cleaning", "cleaning", *blocks, TableBlock(table=tables.lost_table(findings, words)))


def _sample(findings: Findings, words: Words) -> Section:
    if not len(findings.sample):
        return _section("sample", "sample", Paragraph(text=say("report.nothing_described")))
    return _section("sample", "sample", TableBlock(table=tables.sample_table(findings, words)))


def _levels(findings: Findings, words: Words) -> Section:
    blocks: list[Block] = [FigureBlock(figure=figures.levels_figure(findings, words))]
    if len(findings.indices):
        blocks.append(TableBlock(table=tables.indices_table(findings, words)))
    items = figures.items_figure(findings, words)
    if items is not None:
        blocks.append(FigureBlock(figure=items))
    return _section("levels", "levels", *blocks)


def _models(findings: Findings, words: Words) -> Section:
    main = [findings.main, *(c for c in _others(findings) if not c.plan.group)]
    shown = (TableBlock(table=tables.models_table(one, words)) for one in main)
    return _section("models", "models", *shown)


def _comparison(findings: Findings, words: Words) -> Section:
    one = findings.main
    title = _comparison_title(findings, words)
    blocks: list[Block] = [
        Paragraph(text=say("report.correlated")),
        FigureBlock(figure=figures.forest_figure(findings, words, key="comparison-forest", title=title)),
        TableBlock(table=tables.differences_table(one, words, scale="margin")),
        TableBlock(table=tables.differences_table(one, words, scale="coefficient")),
    ]
    for other in _others(findings):
        if not other.plan.group:
            if any(model.categories for model in other.models.values()):
                events = "; ".join(_event(other, words, k) for k in range(len(words.series)))
                blocks.append(Paragraph(text=say("report.events", title=other.plan.title, events=events)))
            blocks.append(TableBlock(table=tables.differences_table(other, words, scale="margin")))
    return _section("comparison", "comparison", *blocks)


def _comparison_title(findings: Findings, words: Words) -> str:
    """Return what the comparison shows: what the two outcomes clearly differ in, if anything."""
    first, second = words.series[0].label, lower_first(words.series[1].label)
    terms = findings.main.margins.terms
    clear = [t for t in findings.plan.phrases if t in terms and difference(findings.main, words, t).is_clear]
    labels = list(dict.fromkeys(lower_first(words.label(t.partition("[")[0])) for t in clear))
    if labels:
        return say("report.differ", first=first, second=second, labels=listing(labels))
    return say("report.both", first=first, second=second)


def _event(one: Compared, words: Words, k: int) -> str:
    series = words.series[k]
    model = one.models[series.name]
    category = one.plan.events.get(series.name, model.categories[-1])
    event = words.level(category)
    # A count's highest category says itself that it may be more.
    if category != model.categories[-1] and "more" not in category:
        event = say("report.or_more", category=event)
    return say("report.event", label=lower_first(series.label), event=event)


def _others(findings: Findings) -> list[Compared]:
    return [c for key, c in findings.compared.items() if key != findings.main.plan.key]


def _predictions(findings: Findings, words: Words) -> Sequence[Section]:
    figure = figures.predictions_figure(findings, words)
    if figure is None:
        return ()
    variable = str(findings.main.predictions["variable"].iloc[0])
    heading = say("report.predictions", label=lower_first(words.label(variable)))
    blocks: list[Block] = [FigureBlock(figure=figure)]
    panels = patterns.panels_figure(findings, words)
    missing = patterns.panels_missing(findings, words)
    if panels is not None:
        blocks.append(FigureBlock(figure=panels))
    elif missing:
        blocks.append(Paragraph(text=missing))
    return (Section(key="predictions", heading=heading, blocks=tuple(blocks)),)


def _explorer(findings: Findings) -> Sequence[Section]:
    block = build_explorer(findings)
    return () if block is None else (_section("explorer", "explorer", block),)


def _groups(findings: Findings, words: Words) -> Sequence[Section]:
    sections = []
    groups = dict.fromkeys(c.plan.group_key for c in _others(findings) if c.plan.group)
    for key in groups:
        members = [c for c in _others(findings) if c.plan.group_key == key]
        group = members[0].plan.group
        blocks: list[Block] = []
        if any(c.plan.mapping for c in members):
            blocks.append(TableBlock(table=tables.sensitivity_table(findings, words, members)))
        else:
            if len(members) > 1:
                blocks.append(FigureBlock(figure=figures.sectors_figure(findings, words, group, members)))
            heat = patterns.heat_figure(findings, words, members)
            if heat is not None:
                blocks.append(FigureBlock(figure=heat))
            for one in members:
                only = _drawn_terms(findings, one, words)
                table = tables.differences_table(one, words, scale="margin", only=only)
                blocks.append(TableBlock(table=table))
        sections.append(Section(key=key, heading=group, blocks=tuple(blocks)))
    return sections


def _drawn_terms(findings: Findings, one: Compared, words: Words) -> list[str] | None:
    """Return the terms of a comparison that the plan wants drawn, under their own names."""
    wanted = findings.plan.forest
    if not wanted:
        return None
    labels = term_labels(words, one.models[words.series[0].name])
    named = {t.term.removesuffix(one.plan.suffix): t.term for t in labels}
    return [
        term for name, term in named.items() if any(name == w or name.startswith(f"{w}[") for w in wanted)
    ]


def _importance(findings: Findings, words: Words) -> Sequence[Section]:
    figure = figures.importance_figure(findings, words)
    if figure is None:
        return ()
    return (_section("importance-ranks", "importance", FigureBlock(figure=figure)),)


def _fit(findings: Findings, words: Words) -> Sequence[Section]:
    shown = fit.fit_figures(findings, words)
    if not shown:
        return ()
    blocks = tuple(FigureBlock(figure=figure) for figure in shown)
    return (Section(key="fit", heading=say("figures.fit"), blocks=blocks),)


def _claims(findings: Findings, words: Words) -> Sequence[Section]:
    claims = findings.claims
    if claims is None:
        return ()
    verdicts = list(claims.verdicts().values())
    told = [
        say("claims.counted", verdict=layout_claims.verdict_words(v), number=verdicts.count(v))
        for v in dict.fromkeys(verdicts)
    ]
    blocks: list[Block] = [Paragraph(text=say("report.claims_told", n=len(verdicts), verdicts=listing(told)))]
    if claims.synthetic:
        title = say("report.synthetic_title")
        blocks.append(Callout(kind="warning", title=title, text=say("report.synthetic")))
    blocks.append(TableBlock(table=layout_claims.verdicts_table(claims, findings, words)))
    blocks.append(TableBlock(table=layout_claims.checks_table(claims, findings, words)))
    return (_section("claims-section", "claims", *blocks),)
