"""The report: findings in, a document out, in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from coprodstats.reporting import format as fmt
from coprodstats.reporting import layout_claims
from coprodstats.reporting import layout_figures as figures
from coprodstats.reporting import layout_tables as tables
from coprodstats.reporting.document import (
    Block,
    BulletList,
    Callout,
    DefinitionList,
    Document,
    FigureBlock,
    Paragraph,
    Section,
    TableBlock,
)
from coprodstats.reporting.findings import Compared, Findings, agreement
from coprodstats.reporting.language import listing
from coprodstats.reporting.narrative import difference, summary_blocks
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.span import Text, link
from coprodstats.reporting.words import Words, strata_words, term_labels, wald_words

SYNTHETIC = (
    "These data are synthetic: a program drew them from a declared truth. Nothing here is a finding about "
    "real "
    "people, and every verdict checks the software, not the literature."
)


def build_report(findings: Findings, *, version: str) -> Document:
    """Return the report on an analysis.

    Parameters
    ----------
    findings
        All numbers.
    version
        The package's version, for the footer.
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
        *_groups(findings, words),
        *_importance(findings, words),
        *_claims(findings, words),
        _methods(findings),
        _limits(findings),
    ]
    return Document(
        title=findings.plan.title,
        subtitle=findings.plan.subtitle,
        sections=tuple(sections),
        banner=SYNTHETIC if findings.cleaned.codebook.synthetic else "",
        footer=(
            f"Made by coprodstats {version}. The numbers behind every table and figure are in the folder "
            "results; "
            "manifest.json holds the hashes of all inputs and outputs.",
        ),
    )


def _summary(findings: Findings) -> Section:
    together = Callout(
        kind="key",
        title="The two outcomes compared",
        text=(
            f"All differences together: {wald_words(findings.main.margins.test)}. ",
            link("See the comparison", "#comparison"),
            ".",
        ),
    )
    return Section(key="summary", heading="Summary", blocks=(*summary_blocks(findings), together))


def _data(findings: Findings, words: Words) -> Section:
    cleaned, log = findings.cleaned, findings.cleaned.log
    design, model = findings.bound, findings.main.models[words.series[0].name]
    rows: list[tuple[Text, Text]] = [
        ("Survey", f"{cleaned.codebook.title}; file {cleaned.source}, {log.rows_in:,} rows"),
        ("File's SHA-256", cleaned.sha256),
        ("Codebook", f"{cleaned.codebook.source}; item mapping {cleaned.mapping or 'none'}"),
        ("Design", f"{design.description}; {strata_words(design.n_strata)}, {design.n_psu:,} PSUs"),
        ("Weights", _weights_words(design.weights)),
        ("Degrees of freedom", model.df_statement()),
    ]
    return Section(key="data", heading="What the data are", blocks=(DefinitionList(items=tuple(rows)),))


def _weights_words(weights: NDArray[np.float64]) -> str:
    kish = float(len(weights) * (weights**2).sum() / weights.sum() ** 2)
    if np.ptp(weights) == 0:
        return "equal"
    low, high = fmt.number(float(weights.min()), 2), fmt.number(float(weights.max()), 2)
    return (
        f"from {low} to {high}; their variation multiplies variances by about {fmt.number(kish, 2)} (Kish), "
        "so that "
        f"{len(weights):,} respondents tell as much about a mean as {fmt.count(round(len(weights) / kish))} "
        "with "
        "equal weights would"
    )


def _cleaning(findings: Findings, words: Words) -> Section:
    log = findings.cleaned.log
    lost = log.rows_in - log.rows_kept
    excluded = (
        f"{lost:,} were excluded, each for one reason, and {log.rows_kept:,} kept"
        if lost
        else "all were kept"
    )
    text = (
        f"The file has {log.rows_in:,} rows; {excluded}. Answers that can't be used became missing with "
        "their reason; "
        "none was guessed or filled in."
    )
    return Section(
        key="cleaning",
        heading="From the file to the analysis",
        blocks=(
            Paragraph(text=text),
            FigureBlock(figure=figures.flow_figure(findings, words)),
            *(
                [TableBlock(table=tables.changes_table(findings, words))]
                if (log.cells["cells"] > 0).any()
                else []
            ),
            TableBlock(table=tables.lost_table(findings, words)),
        ),
    )


def _sample(findings: Findings, words: Words) -> Section:
    blocks: tuple[Block, ...] = (Paragraph(text="Nothing is described in the analysis file."),)
    if len(findings.sample):
        blocks = (TableBlock(table=tables.sample_table(findings, words)),)
    return Section(key="sample", heading="Who is in the sample", blocks=blocks)


def _levels(findings: Findings, words: Words) -> Section:
    blocks: list[Block] = [FigureBlock(figure=figures.levels_figure(findings, words))]
    if len(findings.indices):
        blocks.append(TableBlock(table=tables.indices_table(findings, words)))
    items = figures.items_figure(findings, words)
    if items is not None:
        blocks.append(FigureBlock(figure=items))
    return Section(key="levels", heading="How much of each", blocks=tuple(blocks))


def _models(findings: Findings, words: Words) -> Section:
    main = [findings.main, *(c for c in _others(findings) if not c.plan.group)]
    return Section(
        key="models",
        heading="The models side by side",
        blocks=tuple(TableBlock(table=tables.models_table(one, words)) for one in main),
    )


def _comparison(findings: Findings, words: Words) -> Section:
    one = findings.main
    first, second = words.series
    clear = [t for t in _clear_terms(one, words) if t in findings.plan.phrases]
    labels = list(dict.fromkeys(lower_first(words.label(t.partition("[")[0])) for t in clear))
    title = (
        f"{first.label} and {lower_first(second.label)} differ in how they go with {listing(labels)}"
        if labels
        else f"{first.label} and {lower_first(second.label)}, and their difference"
    )
    text = (
        "Both outcomes come from the same respondents, so that the two models' estimates are correlated. "
        "The "
        "standard error of each difference takes this into account, through the influence of every "
        "respondent on "
        "both models under the survey's design."
    )
    blocks: list[Block] = [
        Paragraph(text=text),
        FigureBlock(figure=figures.forest_figure(findings, words, key="comparison-forest", title=title)),
        TableBlock(table=tables.differences_table(one, words, scale="margin")),
        TableBlock(table=tables.differences_table(one, words, scale="coefficient")),
    ]
    for other in _others(findings):
        if not other.plan.group:
            events = "; ".join(f"{lower_first(s.label)}: {_event(other, s.name)}" for s in words.series)
            blocks.append(Paragraph(text=f"{other.plan.title}. The events compared are: {events}."))
            blocks.append(TableBlock(table=tables.differences_table(other, words, scale="margin")))
    return Section(key="comparison", heading="The comparison", blocks=tuple(blocks))


def _event(one: Compared, name: str) -> str:
    model = one.models[name]
    category = one.plan.events.get(name, model.categories[-1])
    more = " or more" if category != model.categories[-1] and "more" not in category else ""
    return f"{category}{more}"


def _clear_terms(one: Compared, words: Words) -> list[str]:
    """Return the terms whose difference the summary, too, would call clear."""
    return [term for term in one.margins.terms if difference(one, words, term).is_clear]


def _others(findings: Findings) -> list[Compared]:
    return [c for key, c in findings.compared.items() if key != findings.main.plan.key]


def _predictions(findings: Findings, words: Words) -> Sequence[Section]:
    figure = figures.predictions_figure(findings, words)
    if figure is None:
        return ()
    variable = str(findings.main.predictions["variable"].iloc[0])
    heading = f"Predicted probabilities by {lower_first(words.label(variable))}"
    return (Section(key="predictions", heading=heading, blocks=(FigureBlock(figure=figure),)),)


def _groups(findings: Findings, words: Words) -> Sequence[Section]:
    sections = []
    groups = list(dict.fromkeys(c.plan.group for c in _others(findings) if c.plan.group))
    for group in groups:
        members = [c for c in _others(findings) if c.plan.group == group]
        key = "-".join(group.lower().split())
        blocks: list[Block] = []
        if any(c.plan.mapping for c in members):
            blocks.append(TableBlock(table=tables.sensitivity_table(findings, words, members)))
        else:
            if len(members) > 1:
                blocks.append(FigureBlock(figure=figures.sectors_figure(findings, words, group, members)))
            blocks += [
                TableBlock(
                    table=tables.differences_table(
                        one, words, scale="margin", only=_drawn_terms(findings, one, words)
                    )
                )
                for one in members
            ]
        sections.append(Section(key=key, heading=group, blocks=tuple(blocks)))
    return sections


def _drawn_terms(findings: Findings, one: Compared, words: Words) -> list[str] | None:
    """Return the terms of a comparison that the plan wants drawn, under their own names."""
    if not findings.plan.forest:
        return None
    labels = term_labels(words, one.models[words.series[0].name])
    suffix = one.plan.suffix
    named = {t.term.removesuffix(suffix) if suffix else t.term: t.term for t in labels}
    wanted = findings.plan.forest
    return [
        term for name, term in named.items() if any(name == w or name.startswith(f"{w}[") for w in wanted)
    ]


def _importance(findings: Findings, words: Words) -> Sequence[Section]:
    figure = figures.importance_figure(findings, words)
    if figure is None:
        return ()
    return (
        Section(
            key="importance-ranks", heading="Which predictors stand out", blocks=(FigureBlock(figure=figure),)
        ),
    )


def _claims(findings: Findings, words: Words) -> Sequence[Section]:
    if findings.claims is None:
        return ()
    verdicts = list(findings.claims.verdicts().values())
    told = [f"{v} ({verdicts.count(v)})" for v in dict.fromkeys(verdicts)]
    text = f"{len(verdicts)} published claims were put to this run. Verdicts: {listing(told)}."
    blocks: list[Block] = [Paragraph(text=text)]
    if findings.claims.synthetic:
        blocks.append(Callout(kind="warning", title="Synthetic data", text=SYNTHETIC))
    blocks.append(TableBlock(table=layout_claims.verdicts_table(findings.claims, findings, words)))
    blocks.append(TableBlock(table=layout_claims.checks_table(findings.claims, findings, words)))
    return (
        Section(key="claims-section", heading="Published findings against this run", blocks=tuple(blocks)),
    )


def _methods(findings: Findings) -> Section:
    within = agreement(findings.crosscheck)
    check = (
        "Each logistic model was refitted by statsmodels, and the largest difference of a coefficient is "
        "below "
        f"{within:.0e}; statsmodels has no weighted ordinal model, so that the ordinal ones could not be "
        "refitted. "
        if within is not None
        else ""
    )
    digits = min(*(m.convergence.digits for m in findings.models().values()), fmt.SIGNIFICANT_DIGITS)
    rows: list[tuple[Text, Text]] = [
        (
            "Models",
            "Cumulative-link models by weighted pseudo-likelihood, Newton's method with step halving; two "
            "categories "
            "are the logistic model (McCullagh 1980, JRSS B 42, 109-142).",
        ),
        (
            "Variances",
            "Taylor linearisation: PSU totals of each respondent's influence within strata, n/(n−1) (Binder "
            "1983, "
            "International Statistical Review 51, 279-292). Rows left out of a model keep their PSU in the "
            "design.",
        ),
        (
            "Margins",
            "Average derivative for a number, average difference from the reference for a category, "
            "weighted, by the "
            "delta method (Korn and Graubard 1999, Analysis of Health Surveys).",
        ),
        (
            "Comparison",
            "Influences of both models stacked over the union of their samples, through the same design "
            "variance "
            "(Weesie 1999, Stata Technical Bulletin 52). Joint tests: adjusted Wald F (Korn and Graubard "
            "1990, "
            "The American Statistician 44, 270-276). Holm's adjustment (1979).",
        ),
        (
            "Proportions",
            "Ratio means with linearised variance; intervals on the logit scale.",
        ),
        (
            "Separation",
            "Looked for by linear programming before each fit (Konis 2007); a separated model is refused.",
        ),
        (
            "Exactness",
            f"{check}Every coefficient carries at least {digits} correct digits by its own error bound.",
        ),
    ]
    if findings.importance is not None:
        rows.insert(
            -1,
            (
                "Importance",
                f"Standardised contribution and drop in McFadden's pseudo R²; {findings.plan.replicates} "
                "bootstrap "
                f"replicates of PSUs (Rao and Wu 1988, JASA 83, 231-241), seed {findings.plan.seed}, "
                "generator PCG64.",
            ),
        )
    return Section(key="methods", heading="Methods", blocks=(DefinitionList(items=tuple(rows)),))


def _limits(findings: Findings) -> Section:
    items: list[Text] = [
        "Cross-sectional: everyone was asked once. What goes together need not cause each other, and the "
        "direction may be the reverse.",
        "Self-reported: answers may be coloured by what people think they should say.",
        "Same source: predictors and outcomes come from one interview, which can make them look more alike.",
        "The two outcomes differ in how common they are; a difference in percentage points partly reflects "
        "that.",
        *findings.plan.limits,
    ]
    if findings.cleaned.codebook.synthetic:
        items.insert(0, SYNTHETIC)
    return Section(key="limits", heading="Limits", blocks=(BulletList(items=tuple(items)),))
