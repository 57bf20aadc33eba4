"""Figures of what the models rest on: their thresholds, their calibration, and the weights."""

from __future__ import annotations

import pandas as pd

from coprodstats.reporting import figure_titles as titles
from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import (
    Caption,
    Figure,
    calibration_plot,
    threshold_slopes,
    weight_columns,
)
from coprodstats.reporting.findings import Compared, Findings
from coprodstats.reporting.language import say
from coprodstats.reporting.words import (
    ESTIMATES,
    Words,
    coefficients_per_step,
    comparable,
    compared_words,
    drawn,
    term_labels,
)


def fit_figures(findings: Findings, words: Words) -> tuple[Figure, ...]:
    """Return how well the models of the report fit, as far as there are numbers for it."""
    ordinal = [thresholds_figure(findings, words, one) for one in findings.compared.values()]
    found = (calibration_figure(findings, words), *ordinal)
    return tuple(figure for figure in found if figure is not None)


def thresholds_figure(findings: Findings, words: Words, one: Compared) -> Figure | None:
    """Return the slopes of an ordinal comparison at each threshold, if both models have them."""
    frame = findings.pictured.slopes
    frame = frame[frame["comparison"] == one.plan.key]
    names = [s.name for s in words.series]
    if set(frame["model"]) != set(names):
        return None
    parts = []
    for name in names:
        model = one.models[name]
        own = frame[frame["model"] == name].assign(term=lambda f: f["parameter"])
        own = coefficients_per_step(words, model, own, ESTIMATES)
        terms = {p.name: comparable(p) for p in model.parameters}
        parts.append(own.assign(term=own["term"].map(terms)))
    shared = set.intersection(*(set(part["term"]) for part in parts))
    scaled = pd.concat(parts, ignore_index=True)
    tests = findings.pictured.parallel
    tests = tests[tests["comparison"] == one.plan.key]
    caption = Caption(
        key=f"{one.plan.key}-thresholds",
        title=titles.thresholds_title(dict(zip(tests["model"], tests["p_value"], strict=True)), words.series),
        subtitle=say("figures.thresholds_subtitle", title=one.plan.title),
        n=compared_words(one, words),
        source=words.source,
        notes=(say("figures.thresholds_note"),),
    )
    labels = drawn(findings, term_labels(words, one.models[names[0]]))
    return threshold_slopes(
        scaled.assign(split=[_above(split, words) for split in scaled["split"]]),
        caption,
        labels=[label for label in labels if label.term in shared],
        series=words.series,
    )


def _above(split: str, words: Words) -> str:
    return say("figures.above", category=words.level(split.removeprefix("> "))) if split else ""


def calibration_figure(findings: Findings, words: Words) -> Figure | None:
    """Return observed against predicted shares of the first comparison's events."""
    frame = findings.pictured.calibration
    if set(frame["model"]) != {s.name for s in words.series}:
        return None
    caption = Caption(
        key="calibration",
        title=titles.calibration_title(frame, words.series),
        subtitle=say("figures.calibration_subtitle"),
        n=compared_words(findings.main, words),
        source=words.source,
        notes=(say("figures.calibration_note"),),
    )
    return calibration_plot(frame, caption, series=words.series)


def weights_figure(findings: Findings, words: Words) -> Figure | None:
    """Return how unequal the weights are, unless they are all equal."""
    frame = findings.pictured.weights
    if not len(frame):
        return None
    weights = findings.bound.weights
    used = weights[weights > 0]
    effective = float(used.sum() ** 2 / (used**2).sum())
    caption = Caption(
        key="weights",
        title=say("figures.effective", n=len(used), effective=fmt.count(round(effective))),
        subtitle=say("figures.weights_subtitle"),
        n=say("words.respondents", n=len(used)),
        source=words.source,
        notes=(say("figures.weights_note"),),
    )
    return weight_columns(
        frame,
        caption,
        respondents=len(used),
        effective=effective,
        colour=findings.plan.theme.colours.accent,
    )
