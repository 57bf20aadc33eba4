"""The explorer: what both models of the main comparison predict for a profile that a reader chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import Any

import numpy as np
import pandas as pd

from coprodstats.models.changes import weighted_quantile
from coprodstats.models.compare import event_start
from coprodstats.models.joint import event_predictions, predicted_differences
from coprodstats.models.results import FittedModel
from coprodstats.reporting import format as fmt
from coprodstats.reporting.document import ExplorerBlock
from coprodstats.reporting.explored import (
    Control,
    Explorer,
    LevelControl,
    NumberControl,
    explored_model,
    shared_plan,
)
from coprodstats.reporting.findings import Compared, Findings
from coprodstats.reporting.language import say
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.table import Column, Role, Table
from coprodstats.reporting.words import ESTIMATES, Words, compared_words
from coprodstats.survey.conversions import Conversion
from coprodstats.survey.declarations import Index, Variable

KEY = "explorer-profiles"
STOPS = 20
"""A number has at least so many values to choose from."""

Pair = tuple[FittedModel, FittedModel]


def build_explorer(findings: Findings) -> ExplorerBlock | None:
    """Return the explorer of an analysis, with a table of typical profiles.

    Parameters
    ----------
    findings
        All numbers.

    Returns
    -------
    ExplorerBlock or None
        For the first comparison; a reader chooses the predictors that the plan has phrases for, those that it
        predicts over, and the one that it describes by. None if a browser can't compute what the models
        predict (see `explored.shared_plan`), or none of these is a predictor.

    Notes
    -----
    A page holds parameters and their covariance, no respondent's value. What numbers may be chosen from is
    planned or declared; else it ends at the 5th and 95th percentile, and these are rounded.
    """
    one, words = findings.main, Words.of(findings)
    models: Pair = (one.models[words.series[0].name], one.models[words.series[1].name])
    chosen = _chosen(findings, models[0])
    if shared_plan(models) is None or not chosen:
        return None
    controls = {
        name: _control(findings, words, models[0], name) for name in models[0].spec.formula.predictors
    }
    typical = {name: _start(models[0], control) for name, control in controls.items()}
    starts = _starts(one, models)
    first, second = findings.plan.outcomes
    return ExplorerBlock(
        table=_table(one, words, starts, controls, chosen),
        explorer=Explorer(
            controls=tuple(controls[name] for name in chosen),
            labels=(first.label, second.label),
            events=(first.event, second.event),
            held=_joined([_named(control) for name, control in controls.items() if name not in chosen]),
            **explored_model(models, starts, typical=typical, chosen=chosen, df=one.margins.df),
        ),
    )


def _chosen(findings: Findings, model: FittedModel) -> tuple[str, ...]:
    plan = findings.plan
    phrased = [term.partition("[")[0] for term in plan.phrases]
    wanted = dict.fromkeys([*phrased, *findings.main.plan.over, plan.describe.by])
    return tuple(name for name in wanted if name in model.spec.formula.predictors)


def _starts(one: Compared, models: Pair) -> tuple[int, int]:
    """Return the position of the lowest category of each model's event."""
    found = [
        event_start(name, m, one.plan.events.get(name)) for name, m in zip(one.models, models, strict=True)
    ]
    return (found[0] or 1, found[1] or 1)


def _control(findings: Findings, words: Words, model: FittedModel, name: str) -> Control:
    """Return a predictor as a reader sets it, starting at its most common level or its average."""
    label, column, weights = words.label(name), model.sample[name], model.sample_weights
    if name in model.spec.levels:
        levels = model.spec.levels[name]
        most = max(levels, key=lambda level: float(weights[(column == level).to_numpy()].sum()))
        options = tuple((str(level), words.level(str(level))) for level in levels)
        return LevelControl(name=name, label=label, options=options, start=str(most))
    low, high, step = _range(findings, model, name)
    mean = float(np.average(column.to_numpy(dtype=float), weights=weights))
    digits = max(0, -round(log10(step)))
    start = round(min(max(low + round((mean - low) / step) * step, low), high), digits)
    unit = getattr(words.codebook.columns.get(name), "unit", "")
    return NumberControl(
        name=name, label=label, unit=unit, low=low, high=high, step=step, start=start, digits=digits
    )


def _range(findings: Findings, model: FittedModel, name: str) -> tuple[float, float, float]:
    """Return the lowest and highest value that can be chosen, and the step between values."""
    declared = findings.cleaned.codebook.columns.get(name)
    if name in findings.main.plan.over:
        values = findings.main.plan.over[name]
        low, high = min(values), max(values)
    elif isinstance(declared, Index):
        low, high = 0.0, 100.0
    elif isinstance(declared, Variable | Conversion) and declared.range is not None:
        low, high = declared.range
    else:
        column = model.sample[name].to_numpy(dtype=float)
        low, high = (weighted_quantile(column, model.sample_weights, share) for share in (0.05, 0.95))
    step = float(10.0 ** floor(log10((high - low or 1.0) / STOPS)))
    return floor(low / step) * step, ceil(high / step) * step, step


def _start(model: FittedModel, control: Control) -> Any:
    """Return where a control starts, as the data have it."""
    if isinstance(control, NumberControl):
        return control.start
    return next(level for level in model.spec.levels[control.name] if str(level) == control.start)


def _table(
    one: Compared,
    words: Words,
    starts: tuple[int, int],
    controls: Mapping[str, Control],
    chosen: Sequence[str],
) -> Table:
    """Return the predictions for the typical profile with one predictor changed at a time."""
    first, second = (s.label for s in words.series)
    held = _joined([_named(control) for name, control in controls.items() if name not in chosen])
    return Table.from_frame(
        _predicted(one, words, starts, controls, chosen),
        [
            Column(key="profile", label=say("explorer.profile")),
            _column("first", first, "percent"),
            _column("second", second, "percent"),
            _column("difference", say("explorer.difference"), "points"),
        ],
        key=KEY,
        title=say("explorer.table_title"),
        n=compared_words(one, words),
        source=words.source,
        notes=[
            say("explorer.typical", profile=_joined([_named(controls[name]) for name in chosen])),
            *([say("explorer.held", predictors=held)] if held else []),
            say("explorer.meaning", first=lower_first(first), second=lower_first(second)),
        ],
        group="group",
    )


def _column(name: str, label: str, role: Role) -> Column:
    return Column(
        key=f"{name}_estimate",
        label=label,
        role=role,
        digits=1,
        low=f"{name}_conf_low",
        high=f"{name}_conf_high",
    )


def _predicted(
    one: Compared,
    words: Words,
    starts: tuple[int, int],
    controls: Mapping[str, Control],
    chosen: Sequence[str],
) -> pd.DataFrame:
    models: Pair = (one.models[words.series[0].name], one.models[words.series[1].name])
    typical = {name: _start(models[0], control) for name, control in controls.items()}
    changed = [(controls[name], value) for name in chosen for value in _stops(models[0], controls[name])]
    rows = pd.DataFrame([typical | {control.name: value} for control, value in changed])
    parts = {
        name: event_predictions(model, start, rows)
        for name, model, start in zip(("first", "second"), models, starts, strict=True)
    }
    parts["difference"] = predicted_differences(models, rows, starts=starts, df=one.margins.df)
    frame = pd.concat([part[list(ESTIMATES)].add_prefix(f"{name}_") for name, part in parts.items()], axis=1)
    return frame.assign(
        group=[control.label for control, _ in changed],
        profile=[value_text(control, value) for control, value in changed],
    )


def _stops(model: FittedModel, control: Control) -> tuple[Any, ...]:
    if isinstance(control, NumberControl):
        return tuple(dict.fromkeys((control.low, control.start, control.high)))
    return model.spec.levels[control.name]


def _joined(parts: Sequence[str]) -> str:
    return say("explorer.joint").join(parts)


def _named(control: Control) -> str:
    return say("explorer.held_at", label=lower_first(control.label), value=value_text(control, control.start))


def value_text(control: Control, value: Any) -> str:
    """Return a value of a control as readers see it.

    Examples
    --------
    >>> age = NumberControl(
    ...     name="age", label="Age", unit="years", low=20, high=85, step=1, start=47, digits=0
    ... )
    >>> value_text(age, 47.0)
    '47 years'
    """
    if isinstance(control, LevelControl):
        return dict(control.options)[str(value)]
    return f"{fmt.localised(f'{value:.{control.digits}f}')} {control.unit}".strip()
