"""Headlines of figures, made from the numbers that they draw: plain frames in, one sentence out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures.calibration import within
from coprodstats.reporting.figures.heat import clear_cells
from coprodstats.reporting.language import listing, say
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.style import Series

LEAST_SURE = 0.05
"""The p value below which a test is said to show something."""


def levels_title(overall: Mapping[str, float], series: Sequence[Series]) -> str:
    """Return the level of each outcome.

    Examples
    --------
    >>> from coprodstats.reporting.style import OUTCOMES
    >>> levels_title({"individual": 0.55, "collective": 0.3}, OUTCOMES)
    'Individual 55%, collective 30%'
    """
    labels = [series[0].label, *(lower_first(s.label) for s in series[1:])]
    parts = [f"{label} {fmt.percent(overall[s.name])}" for label, s in zip(labels, series, strict=True)]
    return ", ".join(parts)


def items_title(items: pd.DataFrame, category: str) -> str:
    """Return between which shares the items' highest answer lies, and for which items.

    Parameters
    ----------
    items
        Columns ``item, category, estimate``.
    category
        The highest answer.
    """
    own = items[items["category"] == category]
    sizes = own["estimate"].to_numpy()
    low, high = own.iloc[int(sizes.argmin())], own.iloc[int(sizes.argmax())]
    shares = {"low": fmt.percent(low["estimate"]), "high": fmt.percent(high["estimate"])}
    if shares["low"] == shares["high"]:
        return say("figures.items_title_same", category=category, share=shares["low"])
    return say(
        "figures.items_title", category=category, low_item=low["item"], high_item=high["item"], **shares
    )


def ends_title(predictions: pd.DataFrame, label: str, series: Sequence[Series]) -> str:
    """Return what the predictions are at the lowest and at the highest value.

    Parameters
    ----------
    predictions
        Columns ``model, value, estimate``.
    label
        The variable's label as it stands in a sentence.
    series
        The outcomes.
    """
    ends = []
    for value in (predictions["value"].min(), predictions["value"].max()):
        at = predictions[predictions["value"] == value].set_index("model")["estimate"]
        shares = listing([f"{lower_first(s.label)} {fmt.percent(at[s.name])}" for s in series])
        ends.append(say("figures.ends_at", label=label, value=_plain(value), shares=shares))
    return _capital(say("figures.semicolon").join(ends))


def changes_title(predictions: pd.DataFrame, label: str, series: Sequence[Series]) -> str:
    """Return how much the predictions change from the lowest to the highest value, across groups.

    Parameters
    ----------
    predictions
        Columns ``group, model, value, estimate``.
    label
        The variable's label as it stands in a sentence.
    series
        The outcomes.
    """
    low, high = predictions["value"].min(), predictions["value"].max()
    by = predictions.set_index(["model", "value", "group"])["estimate"].sort_index()
    ways = []
    for one in series:
        change = by.loc[one.name, high] - by.loc[one.name, low]
        least, most = float(change.min()), float(change.max())
        same = fmt.points(least, 0) == fmt.points(most, 0)
        text = fmt.points(least, 0) if same else fmt.points_interval(least, most, 0)
        ways.append(say("figures.change", outcome=lower_first(one.label), points=text))
    return _capital(
        say(
            "figures.changes_title",
            label=label,
            low=_plain(low),
            high=_plain(high),
            ways=listing(ways),
            n=int(predictions["group"].nunique()),
        )
    )


def heat_title(margins: pd.DataFrame, label: str, series: Sequence[Series]) -> str:
    """Return in how many cells a predictor clearly goes with more of each outcome, and with less.

    Parameters
    ----------
    margins
        Columns ``model, estimate, conf_low, conf_high``.
    label
        The predictor's label.
    series
        The outcomes.
    """
    ways = []
    for one in series:
        above, below, cells = clear_cells(margins[margins["model"] == one.name])
        key = "figures.heat_both" if below else "figures.heat_above"
        numbers = {"above": above, "cells": cells} | ({"below": below} if below else {})
        ways.append(say(key, outcome=lower_first(one.label), **numbers))
    return say("figures.heat_title", label=label, ways=say("figures.semicolon").join(ways))


def thresholds_title(tests: Mapping[str, float], series: Sequence[Series]) -> str:
    """Return whether the slopes of each model differ between thresholds, as far as a test can tell.

    Parameters
    ----------
    tests
        The p value of the test of all terms, by outcome; missing where there is no test.
    series
        The outcomes.
    """
    ways = []
    for one in series:
        p = tests[one.name]
        if math.isnan(p):
            ways.append(say("figures.thresholds_untested", outcome=one.label))
            continue
        key = "figures.thresholds_differ" if p < LEAST_SURE else "figures.thresholds_same"
        ways.append(say(key, outcome=one.label, p=_p_words(p)))
    return say("figures.semicolon").join(ways)


def calibration_title(groups: pd.DataFrame, series: Sequence[Series]) -> str:
    """Return in how many groups the interval of what was observed holds what was predicted.

    Parameters
    ----------
    groups
        The calibration of the models: ``model, predicted, conf_low, conf_high``.
    series
        The outcomes.
    """
    ways = []
    for one in series:
        holds, n = within(groups[groups["model"] == one.name])
        ways.append(say("figures.holds", outcome=lower_first(one.label), holds=holds, all=n))
    return say("figures.calibration_title", ways=listing(ways))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _p_words(p: float) -> str:
    text = fmt.p_value(p)
    return f"p {text}" if text.startswith(("<", ">")) else f"p = {text}"


def _plain(value: float) -> str:
    return fmt.localised(f"{value:g}")
