"""Figures of what differs between countries and sectors: small multiples and a map of margins."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from coprodstats.models.intervals import LEVEL
from coprodstats.reporting import figure_titles as titles
from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import Caption, Figure, heat_map, prediction_panels
from coprodstats.reporting.findings import Compared, Findings
from coprodstats.reporting.language import listing, say
from coprodstats.reporting.layout_figures import age_notes, anchored, with_unit
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.words import ESTIMATES, Words, compared_words, range_words


def panels_figure(findings: Findings, words: Words) -> Figure | None:
    """Return predicted probabilities along the planned variable, one panel for each group described.

    None where that does not apply, or a model could not be fitted (`panels_missing`).
    """
    frame = findings.pictured.predictions
    if not len(frame) or panels_missing(findings, words):
        return None
    variable, by = str(frame["variable"].iloc[0]), findings.plan.describe.by
    label = words.label(variable)
    caption = Caption(
        key=f"predicted-by-{anchored(variable)}-and-{anchored(by)}",
        title=titles.changes_title(frame, lower_first(label), words.series),
        subtitle=say("figures.predictions_subtitle"),
        n=compared_words(findings.main, words),
        source=words.source,
        notes=(say("figures.panels_note", variable=label), *age_notes(variable)),
    )
    return prediction_panels(
        frame.assign(group=[words.level(group) for group in frame["group"]]),
        caption,
        variable_label=with_unit(findings, words, variable),
        group_label=words.label(by),
        series=words.series,
    )


def panels_missing(findings: Findings, words: Words) -> str:
    """Return a sentence on the models without which there are no panels; an empty text if there are all."""
    frame = findings.pictured.predictions
    missing = set(frame.loc[frame["estimate"].isna(), "model"])
    labels = [series.label for series in words.series if series.name in missing]
    return say("figures.panels_missing", missing=listing(labels)) if labels else ""


def heat_figure(findings: Findings, words: Words, members: Sequence[Compared]) -> Figure | None:
    """Return the margins of the predictor that the analysis puts first, by comparison and group.

    Parameters
    ----------
    findings
        All numbers.
    words
        Their words.
    members
        Comparisons of one group, such as sectors; the first comparison of all is drawn above them.
    """
    shown = [findings.main, *members]
    titled = {one.plan.key: one.plan.title for one in shown}
    frame = findings.pictured.margins
    frame = frame[frame["comparison"].isin(titled)]
    if frame["comparison"].nunique() < 2 or frame["estimate"].isna().all():
        return None
    variable = str(frame["variable"].iloc[0])
    scaled = _per_step(words, frame)
    scaled = scaled.assign(
        row=[titled[key] for key in scaled["comparison"]],
        column=[words.level(group) for group in scaled["group"]],
    )
    _, step = words.step(variable)
    caption = Caption(
        key=f"{members[0].plan.group_key}-by-{anchored(findings.plan.describe.by)}",
        title=titles.heat_title(scaled, words.label(variable), words.series),
        subtitle=say("figures.heat_subtitle", step=step) if step else say("figures.heat_subtitle_unit"),
        n=range_words(shown),
        source=words.source,
        notes=_heat_notes(scaled, words.label(variable)),
    )
    colours = findings.plan.theme.colours
    return heat_map(
        scaled,
        caption,
        row_label=members[0].plan.group,
        column_label=words.label(findings.plan.describe.by),
        series=words.series,
        ends=(colours.negative, colours.positive),
    )


def _per_step(words: Words, frame: pd.DataFrame) -> pd.DataFrame:
    size = [words.step(variable)[0] for variable in frame["variable"]]
    scaled = frame.copy()
    scaled[list(ESTIMATES)] = scaled[list(ESTIMATES)].mul(size, axis=0)
    return scaled


def _heat_notes(frame: pd.DataFrame, label: str) -> tuple[str, ...]:
    there = frame["estimate"].notna()
    n = int(there.sum())
    notes = [say("figures.panels_note", variable=label)]
    by_chance = fmt.number(n * (1 - LEVEL), 0)
    if by_chance != "0":
        notes.append(say("figures.heat_chance", n=n, by_chance=by_chance))
    if not there.all():
        missing = listing(list(dict.fromkeys(frame.loc[~there, "row"])))
        notes.append(say("figures.heat_missing", missing=missing))
    return tuple(notes)
