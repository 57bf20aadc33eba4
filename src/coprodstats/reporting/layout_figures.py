"""Which figures a finding makes: frames in, figures of the document out, no statistics."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import (
    Caption,
    Figure,
    comparison_forest,
    flow_diagram,
    item_bars,
    levels_by_group,
    prediction_lines,
    rank_bars,
    sector_panels,
)
from coprodstats.reporting.findings import Compared, Findings
from coprodstats.reporting.language import listing
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.words import (
    ESTIMATES,
    Words,
    compared_words,
    drawn,
    per_step,
    range_words,
    sample_words,
    term_labels,
)
from coprodstats.survey.conversions import Conversion
from coprodstats.survey.declarations import Variable

MARGIN_SUBTITLE = (
    "Average margin on the probability of each outcome, in percentage points, with 95% intervals"
)


def flow_figure(findings: Findings, words: Words) -> Figure:
    """Return the way from the rows of the file to the rows kept."""
    return flow_diagram(findings.cleaned.log, words.source)


def levels_figure(findings: Findings, words: Words) -> Figure:
    """Return the level of each outcome by group."""
    by = findings.plan.describe.by
    frame = findings.levels
    overall = frame[frame["group"] == "All"].set_index("model")["estimate"]
    first, second = words.series
    shares = [fmt.percent(overall[s.name]) for s in (first, second)]
    caption = Caption(
        key="levels-by-group",
        title=f"{first.label} {shares[0]}, {lower_first(second.label)} {shares[1]}",
        subtitle="Weighted share of respondents; " + "; ".join(
            f"{lower_first(s.label)}: {_event_words(findings, s.name)}" for s in words.series
        ),
        n=f"{int(frame.loc[frame['group'] == 'All', 'n'].max()):,} respondents",
        source=words.source,
        notes=("Intervals hold 95% and are made on the logit scale.",),
    )  # fmt: skip
    return levels_by_group(
        frame,
        caption,
        group_label=words.label(by) if by else "Group",
        value_label="Share of respondents",
        series=words.series,
    )


def _event_words(findings: Findings, name: str) -> str:
    return next(o.event for o in findings.plan.outcomes if o.name == name)


def items_figure(findings: Findings, words: Words) -> Figure | None:
    """Return the shares of the items' answers, if they share two or three."""
    frame = findings.items
    categories = list(dict.fromkeys(frame["category"])) if len(frame) else []
    if not 2 <= len(categories) <= 3:
        return None
    caption = Caption(
        key="items",
        title="Answers item by item",
        subtitle="Weighted share of respondents by answer",
        n=f"{int(frame['n'].min()):,} to {int(frame['n'].max()):,} respondents per item",
        source=words.source,
    )
    return item_bars(frame, caption, categories=categories, value_label="Share of respondents")


def forest_figure(findings: Findings, words: Words, *, key: str, title: str) -> Figure:
    """Return the comparison: both outcomes on one axis and the difference beside it."""
    one = findings.main
    first, second = words.series
    model = one.models[first.name]
    scaled = per_step(words, model, one.margins.intervals(), ESTIMATES)
    difference = per_step(words, model, one.margins.to_frame(), ("difference", "conf_low", "conf_high"))
    caption = Caption(
        key=key,
        title=title,
        subtitle=MARGIN_SUBTITLE,
        n=compared_words(one, words),
        source=words.source,
        notes=(
            f"{one.margins.df_statement}. Numeric variables: per step given in brackets. "
            "Margins are averaged over the weighted sample, other predictors as they are.",
        ),
    )
    return comparison_forest(
        scaled,
        difference,
        caption,
        labels=[t for t in drawn(findings, term_labels(words, model)) if t.term in one.margins.terms],
        series=words.series,
        difference_label=f"{second.label} − {lower_first(first.label)}",
    )


def predictions_figure(findings: Findings, words: Words) -> Figure | None:
    """Return predicted probabilities of both outcomes along the planned variable."""
    one = findings.main
    if not len(one.predictions):
        return None
    variable = str(one.predictions["variable"].iloc[0])
    declared = findings.cleaned.codebook.columns.get(variable)
    unit = f" ({declared.unit})" if isinstance(declared, Variable | Conversion) and declared.unit else ""
    caption = Caption(
        key=f"predicted-by-{variable.replace('_', '-')}",
        title=_ends_title(one.predictions, words, lower_first(words.label(variable))),
        subtitle="Average adjusted prediction: everyone given each value in turn, with 95% intervals",
        n=compared_words(one, words),
        source=words.source,
        notes=("A comparison of people of different ages at one time; it can't tell age from generation.",)
        if variable == "age"
        else (),
    )
    return prediction_lines(
        one.predictions,
        caption,
        variable_label=f"{words.label(variable)}{unit}",
        series=words.series,
    )


def _ends_title(frame: pd.DataFrame, words: Words, label: str) -> str:
    """Say what both outcomes' predictions are at the lowest and the highest value."""
    ends = []
    for value in (frame["value"].min(), frame["value"].max()):
        at = frame[frame["value"] == value].set_index("model")["estimate"]
        shares = listing([f"{lower_first(s.label)} {fmt.percent(at[s.name])}" for s in words.series])
        ends.append(f"at {label} {value:g} {shares}")
    text = "; ".join(ends)
    return text[:1].upper() + text[1:]


def sectors_figure(findings: Findings, words: Words, group: str, members: Sequence[Compared]) -> Figure:
    """Return the margins of several comparisons of one group, side by side."""
    parts, wanted = [], []
    for one in members:
        model = one.models[words.series[0].name]
        frame = per_step(words, model, one.margins.intervals(), ESTIMATES)
        suffix = one.plan.suffix
        frame["term"] = [t.removesuffix(suffix) if suffix else t for t in frame["term"]]
        parts.append(frame.assign(sector=one.plan.title))
        wanted.append(set(frame["term"]))
    shared = set.intersection(*wanted)
    main = findings.main.models[words.series[0].name]
    labels = [t for t in drawn(findings, term_labels(words, main)) if t.term in shared]
    caption = Caption(
        key=f"{group.lower().replace(' ', '-')}-panels",
        title=f"{group} side by side: " + listing([lower_first(one.plan.title) for one in members]),
        subtitle=MARGIN_SUBTITLE,
        n=range_words(members),
        source=words.source,
        notes=(
            "Each panel has outcomes of its own, and predictors where the analysis declares them; the "
            "outcomes "
            "differ in how common they are.",
        ),
    )
    return sector_panels(pd.concat(parts, ignore_index=True), caption, labels=labels, series=words.series)


def importance_figure(findings: Findings, words: Words) -> Figure | None:
    """Return the importance of predictors under two measures."""
    if findings.importance is None or findings.plan.importance is None:
        return None
    frame = findings.importance.to_frame()
    frame = frame.assign(
        predictor=[words.label(v) for v in frame["variable"]],
        importance=frame["estimate"],
        rank_1_share=frame["share_first"],
    )
    plan = findings.plan.importance
    outcome = next(s.label for s in words.series if s.name == plan.model)
    shares = frame.loc[frame["variable"] == plan.highlight, "share_first"]
    title = f"What goes most closely with {lower_first(outcome)}"
    if len(shares) and shares.min() >= 0.5:
        share = fmt.percent(shares.min())
        title = f"{words.label(plan.highlight)}: first for {lower_first(outcome)} in {share} of replicates"
    return rank_bars(
        frame,
        Caption(
            key="importance",
            title=title,
            subtitle="Importance by two measures, and share of replicates in which each ranks first",
            n=sample_words(findings.main.models[plan.model]),
            source=words.source,
            notes=(
                f"{len(findings.importance.replicates)} bootstrap replicates of PSUs within strata; "
                f"{findings.importance.failed} could not be fitted.",
                "Importance depends on what else is in the model.",
            ),
        ),
        highlight=words.label(plan.highlight) if plan.highlight else "",
    )
