"""Which figures a finding makes: frames in, figures of the document out, no statistics."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import pandas as pd

from coprodstats.models.results import FittedModel
from coprodstats.reporting import figure_titles as titles
from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import (
    Caption,
    Figure,
    TermLabel,
    comparison_forest,
    flow_diagram,
    item_bars,
    levels_by_group,
    prediction_lines,
    rank_bars,
    sector_panels,
)
from coprodstats.reporting.figures.items import MOST_ANSWERS
from coprodstats.reporting.findings import EVERYONE, Compared, Findings
from coprodstats.reporting.language import listing, say, whole
from coprodstats.reporting.measures import margin_words
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


def flow_figure(findings: Findings, words: Words) -> Figure:
    """Return the way from the rows of the file to the rows kept."""
    return flow_diagram(
        findings.cleaned.log,
        words.source,
        worded=words.statement,
        colour=findings.plan.theme.colours.accent,
    )


def levels_figure(findings: Findings, words: Words) -> Figure:
    """Return the level of each outcome by group."""
    by = findings.plan.describe.by
    frame = findings.levels
    everyone = frame[frame["group"] == EVERYONE]
    events = [
        say("figures.level_of", outcome=lower_first(s.label), event=_event_words(findings, s.name))
        for s in words.series
    ]
    caption = Caption(
        key="levels-by-group",
        title=titles.levels_title(
            dict(zip(everyone["model"], everyone["estimate"], strict=True)), words.series
        ),
        subtitle=say("figures.levels_subtitle", told=say("figures.semicolon").join(events)),
        n=say("words.respondents", n=int(everyone["n"].max())),
        source=words.source,
        notes=(say("figures.levels_note"),),
    )
    return levels_by_group(
        frame.assign(group=[words.group(name) for name in frame["group"]]),
        caption,
        group_label=words.label(by) if by else say("figures.group"),
        value_label=say("figures.share_of_respondents"),
        series=words.series,
    )


def _event_words(findings: Findings, name: str) -> str:
    return next(o.event for o in findings.plan.outcomes if o.name == name)


def items_figure(findings: Findings, words: Words) -> Figure | None:
    """Return the shares of the items' answers, if all items have the same ones and they are few."""
    frame = findings.items
    categories = list(dict.fromkeys(frame["category"])) if len(frame) else []
    if not 2 <= len(categories) <= MOST_ANSWERS or not _shared(frame, categories):
        return None
    low, high = int(frame["n"].min()), int(frame["n"].max())
    caption = Caption(
        key="items",
        title=titles.items_title(frame, categories[-1]),
        subtitle=say("figures.items_subtitle"),
        n=say("figures.items_n", low=whole(low), high=whole(high)),
        source=words.source,
    )
    return item_bars(
        frame,
        caption,
        categories=categories,
        value_label=say("figures.share_of_respondents"),
        colour=findings.plan.theme.colours.answers,
    )


def _shared(frame: pd.DataFrame, categories: Sequence[str]) -> bool:
    return bool((frame.groupby(["group", "item"])["category"].nunique() == len(categories)).all())


def forest_figure(findings: Findings, words: Words, *, key: str, title: str) -> Figure:
    """Return the comparison: both outcomes on one axis and the difference beside it."""
    one = findings.main
    model = one.models[words.series[0].name]
    measure = margin_words(one.models.values())
    points = measure.role == "points"
    caption = Caption(
        key=key,
        title=title,
        subtitle=_margin_subtitle([one]),
        n=compared_words(one, words),
        source=words.source,
        notes=(say("figures.forest_note", df=words.statement(one.margins.df_statement)),),
    )
    return comparison_forest(
        per_step(words, model, one.margins.intervals(), ESTIMATES),
        per_step(words, model, one.margins.to_frame(), ("difference", "conf_low", "conf_high")),
        caption,
        labels=_labels(findings, words, model, set(one.margins.terms)),
        unit="points" if points else "number",
        series=words.series,
        axis_label=say("figures.percentage_points") if points else say("figures.own_units"),
        difference_label=words.contrast,
    )


def _margin_subtitle(members: Sequence[Compared]) -> str:
    measure = margin_words([model for one in members for model in one.models.values()])
    return say("figures.forest_subtitle" if measure.role == "points" else "figures.forest_subtitle_units")


def _labels(findings: Findings, words: Words, model: FittedModel, terms: set[str]) -> list[TermLabel]:
    return [label for label in drawn(findings, term_labels(words, model)) if label.term in terms]


def predictions_figure(findings: Findings, words: Words) -> Figure | None:
    """Return predicted probabilities of both outcomes along the planned variable."""
    one = findings.main
    if not len(one.predictions):
        return None
    variable = str(one.predictions["variable"].iloc[0])
    caption = Caption(
        key=f"predicted-by-{anchored(variable)}",
        title=titles.ends_title(one.predictions, lower_first(words.label(variable)), words.series),
        subtitle=say("figures.predictions_subtitle"),
        n=compared_words(one, words),
        source=words.source,
        notes=age_notes(variable),
    )
    return prediction_lines(
        one.predictions, caption, variable_label=with_unit(findings, words, variable), series=words.series
    )


def anchored(name: str) -> str:
    """Return a column's name as a part of a figure's key: plain small letters and digits.

    Examples
    --------
    >>> anchored("Self_efficacy"), anchored("Âge"), anchored("年齢")
    ('self-efficacy', 'age', 'column')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "column"


def age_notes(variable: str) -> tuple[str, ...]:
    """Return the note that figures along age have."""
    return (say("figures.age_note"),) if variable == "age" else ()


def with_unit(findings: Findings, words: Words, variable: str) -> str:
    """Return a variable's label with its unit, such as ``"Age (years)"``."""
    declared = findings.cleaned.codebook.columns.get(variable)
    unit = declared.unit if isinstance(declared, Variable | Conversion) else ""
    label = words.label(variable)
    return say("figures.unit", label=label, unit=words.level(unit)) if unit else label


def sectors_figure(findings: Findings, words: Words, group: str, members: Sequence[Compared]) -> Figure:
    """Return the margins of several comparisons of one group, side by side."""
    parts, wanted = [], []
    for one in members:
        model = one.models[words.series[0].name]
        frame = per_step(words, model, one.margins.intervals(), ESTIMATES)
        frame["term"] = [term.removesuffix(one.plan.suffix) for term in frame["term"]]
        parts.append(frame.assign(sector=one.plan.title))
        wanted.append(set(frame["term"]))
    main = findings.main.models[words.series[0].name]
    listed = listing([lower_first(one.plan.title) for one in members])
    points = margin_words([m for one in members for m in one.models.values()]).role == "points"
    caption = Caption(
        key=f"{members[0].plan.group_key}-panels",
        title=say("figures.sectors_title", group=group, titles=listed),
        subtitle=_margin_subtitle(members),
        n=range_words(members),
        source=words.source,
        notes=(say("figures.sectors_note"),),
    )
    return sector_panels(
        pd.concat(parts, ignore_index=True),
        caption,
        labels=_labels(findings, words, main, set.intersection(*wanted)),
        unit="points" if points else "number",
        series=words.series,
        axis_label=say("figures.percentage_points") if points else say("figures.own_units"),
    )


def importance_figure(findings: Findings, words: Words) -> Figure | None:
    """Return the importance of predictors under two measures."""
    if findings.importance is None or findings.plan.importance is None:
        return None
    frame = findings.importance.to_frame()
    plan = findings.plan.importance
    outcome = lower_first(next(s.label for s in words.series if s.name == plan.model))
    shares = frame.loc[frame["variable"] == plan.highlight, "share_first"]
    title = say("figures.importance_title", outcome=outcome)
    if len(shares) and shares.min() >= 0.5:
        predictor, share = words.label(plan.highlight), fmt.percent(shares.min())
        title = say("figures.importance_first", predictor=predictor, outcome=outcome, share=share)
    frame = frame.assign(
        measure=[words.statement(measure) for measure in frame["measure"]],
        predictor=[words.label(variable) for variable in frame["variable"]],
        importance=frame["estimate"],
        rank_1_share=frame["share_first"],
    )
    caption = Caption(
        key="importance",
        title=title,
        subtitle=say("figures.importance_subtitle"),
        n=sample_words(findings.main.models[plan.model]),
        source=words.source,
        notes=(
            say(
                "figures.importance_replicates",
                n=len(findings.importance.replicates),
                failed=whole(findings.importance.failed),
            ),
            say("figures.importance_depends"),
        ),
    )
    return rank_bars(
        frame,
        caption,
        highlight=words.label(plan.highlight) if plan.highlight else "",
        colour=findings.plan.theme.colours.accent,
    )
