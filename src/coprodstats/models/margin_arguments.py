"""The arguments of margins and predictions, checked: predictors, values to fix, and how each is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, get_args

import numpy as np

from coprodstats.errors import ArgumentError, Fault, did_you_mean, listed
from coprodstats.models.changes import weighted_quantile, weighted_sd
from coprodstats.models.results import FittedModel
from coprodstats.models.row_groups import Contrast
from coprodstats.models.terms import names_of

At = Mapping[str, Any] | None
Amount = Literal["sd", "iqr", "range"] | float | tuple[float, float]
Change = Amount | Mapping[str, Amount] | None

# Rows of a table are read by people; the product of many values is a mistake.
MOST_COMBINATIONS = 500

# Columns of every table of margins or predictions; a variable of that name could not be told from them.
RESERVED = (
    "variable", "value", "contrast", "category", "term", "estimate", "std_error", "statistic", "df",
    "p_value", "p_adjusted", "conf_low", "conf_high",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How one numeric predictor is changed.

    Attributes
    ----------
    label
        The change in words, for the column ``contrast``.
    low, high
        What is added to each one's own value (``shift``), or the two values; both None for a derivative.
    shift
        Which of both.
    """

    label: str
    low: float | None = None
    high: float | None = None
    shift: bool = False


@contextmanager
def gathering(faults: list[Fault]) -> Iterator[None]:
    """Keep the faults of a step that refuses its arguments, so that other steps are checked as well."""
    try:
        yield
    except ArgumentError as error:
        faults += error.faults


def predictors_of(model: FittedModel, variables: Sequence[str] | str | None, asked: str = "") -> list[str]:
    """Return the predictors asked for, all of a model's for ``None``.

    Raises
    ------
    ArgumentError
        If one is not in the model, or none is named.
    """
    known = model.spec.formula.predictors
    where = f"{asked}: model {model.name!r}" if asked else f"model {model.name!r}"
    given = known if variables is None else variables
    wanted = names_of(given, where, kind="predictor", allowed=listed(known))
    faults = [
        Fault(
            where=where,
            found=f"{name!r} is not one of its predictors",
            allowed=listed(known),
            remedy=did_you_mean(str(name), known),
        )
        for name in wanted
        if name not in known
    ]
    faults += [_offset_fault(where, name) for name in wanted if name == model.offset_name]
    if faults:
        raise ArgumentError(*faults)
    return wanted


def _offset_fault(where: str, name: str) -> Fault:
    found = f"{name!r} is the model's offset as well, which stays as it is"
    return Fault(where=where, found=found, allowed="other predictors")


def settings_of(model: FittedModel, at: At, asked: str) -> list[dict[str, Any]]:
    """Return every combination of the values of ``at``; one without any for None.

    Parameters
    ----------
    model
        The model.
    at
        Predictors, each with a value or several.
    asked
        The function that asks, for messages.

    Raises
    ------
    ArgumentError
        If a predictor is not in the model, has no value, a level that the model has not seen, or a value that
        is no finite number.
    """
    where = f"{asked}: at"
    if at is None:
        return [{}]
    if not isinstance(at, Mapping) or not at:
        raise ArgumentError(
            Fault(where=where, found=f"{at!r}", allowed="predictors with values, such as {'age': [30, 60]}")
        )
    known = model.spec.formula.predictors
    faults: list[Fault] = []
    values: dict[str, list[Any]] = {}
    for name, given in at.items():
        if name not in known:
            found, remedy = f"{name!r} is not a predictor of {model.name!r}", did_you_mean(str(name), known)
            faults.append(Fault(where=where, found=found, allowed=listed(known), remedy=remedy))
            continue
        if name == model.offset_name:
            faults.append(_offset_fault(where, name))
        values[name] = _as_list(given)
        faults += _value_faults(model, name, values[name], where)
    if faults:
        raise ArgumentError(*faults)
    combinations = int(np.prod([len(v) for v in values.values()]))
    if combinations > MOST_COMBINATIONS:
        allowed = f"at most {MOST_COMBINATIONS} combinations"
        raise ArgumentError(Fault(where=where, found=f"{combinations} combinations", allowed=allowed))
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def fixed_names(at: Any) -> tuple[Any, ...]:
    """Return the predictors that ``at`` fixes."""
    return tuple(at) if isinstance(at, Mapping) else ()


def taken_faults(at: Any, asked: str) -> list[Fault]:
    """Return a fault for each variable of ``at`` that has the name of a column of the result."""
    return [
        Fault(where=f"{asked}: at", found=f"the result has a column {name!r} already", remedy="rename it")
        for name in fixed_names(at)
        if name in RESERVED
    ]


def _as_list(given: Any) -> list[Any]:
    if isinstance(given, str | bytes) or not hasattr(given, "__iter__"):
        return [given]
    return list(given)


def _value_faults(model: FittedModel, name: str, values: list[Any], where: str) -> list[Fault]:
    if not values:
        return [Fault(where=where, found=f"{name!r} has no values", allowed="one at least")]
    repeated = len({str(value) for value in values}) < len(values)
    if repeated:
        return [Fault(where=where, found=f"{name!r} has a value twice", allowed="each value once")]
    if model.spec.is_factor(name):
        levels = model.spec.levels[name]
        return [
            Fault(
                where=where,
                found=f"{name!r} has no level {value!r}",
                allowed=listed(levels),
                remedy=did_you_mean(str(value), map(str, levels)),
            )
            for value in values
            if value not in levels
        ]
    return [
        Fault(where=where, found=f"{name!r} is numeric, and {value!r} is given", allowed="finite numbers")
        for value in values
        if not _finite(value)
    ]


def _finite(value: Any) -> bool:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return number and bool(np.isfinite(value))


def steps_of(
    model: FittedModel, names: Sequence[str], change: Any, fixed: Sequence[str], asked: str
) -> dict[str, Step]:
    """Return how each numeric predictor among ``names`` is changed.

    Parameters
    ----------
    model
        The model.
    names
        The predictors whose margins are asked for.
    change
        One amount for all numeric ones, or amounts by name; derivatives where there is none.
    fixed
        Predictors that ``at`` fixes.
    asked
        The function that asks, for messages.

    Raises
    ------
    ArgumentError
        If an amount is not one, or can't be honoured.
    """
    where = f"{asked}: change"
    numeric = [name for name in names if not model.spec.is_factor(name)]
    faults: list[Fault] = []
    if isinstance(change, Mapping):
        amounts = dict(change)
        faults += [
            Fault(
                where=where,
                found=f"{name!r} is not a numeric predictor among those asked for",
                allowed=listed(numeric) or "none of them is numeric",
                remedy=did_you_mean(str(name), numeric),
            )
            for name in amounts
            if name not in numeric
        ]
    else:
        amounts = {} if change is None else dict.fromkeys(numeric, change)
        if change is not None and not numeric:
            found = "no numeric predictor is asked for, and factors change by their levels"
            faults.append(Fault(where=where, found=found, remedy="leave change out"))
    steps = {name: Step(label="dy/dx") for name in numeric}
    for name in [name for name in numeric if name in amounts]:
        with gathering(faults):
            steps[name] = _step(model, name, amounts[name], where)
        if name in fixed and not steps[name].shift and steps[name].low is not None:
            found = f"{name!r} goes from one value to another, and at= fixes it"
            faults.append(Fault(where=where, found=found, remedy="leave it out of at"))
    if faults:
        raise ArgumentError(*faults)
    return steps


def _step(model: FittedModel, name: str, amount: Any, where: str) -> Step:
    values, weights = model.sample[name].to_numpy(dtype=float), model.sample_weights
    if isinstance(amount, str):
        if amount == "sd":
            half = weighted_sd(values, weights) / 2
            return Step(label="+1 SD", low=-half, high=half, shift=True)
        ends = {
            "iqr": lambda: (
                weighted_quantile(values, weights, 0.25),
                weighted_quantile(values, weights, 0.75),
            ),
            "range": lambda: (float(values.min()), float(values.max())),
        }
        if amount in ends:
            low, high = ends[amount]()
            if low == high:
                found = f"the quartiles of {name!r} are equal"
                raise ArgumentError(Fault(where=where, found=found, remedy="'sd', or two values"))
            return Step(label={"iqr": "Q3 - Q1", "range": "max - min"}[amount], low=low, high=high)
    elif _finite(amount) and amount != 0:
        return Step(label=f"{float(amount):+g}", low=-amount / 2, high=amount / 2, shift=True)
    elif _is_pair(amount):
        low, high = map(float, amount)
        return Step(label=f"{high:g} - {low:g}", low=low, high=high)
    raise ArgumentError(
        Fault(
            where=where,
            found=f"{amount!r} for {name!r}",
            allowed="'sd', 'iqr', 'range', a number other than 0, or two values (from, to)",
            remedy=did_you_mean(str(amount), ("sd", "iqr", "range")),
        )
    )


def _is_pair(amount: Any) -> bool:
    pair = isinstance(amount, tuple | list) and len(amount) == 2 and all(map(_finite, amount))
    return pair and bool(amount[0] != amount[1])


def contrast_faults(model: FittedModel, names: Sequence[str], contrast: Any, asked: str) -> list[Fault]:
    """Return what is wrong with the kind of contrast."""
    where = f"{asked}: contrast"
    if contrast not in get_args(Contrast):
        return [
            Fault(
                where=where,
                found=f"{contrast!r}",
                allowed=listed(get_args(Contrast)),
                remedy=did_you_mean(str(contrast), get_args(Contrast)),
            )
        ]
    if contrast != "reference" and not any(map(model.spec.is_factor, names)):
        return [Fault(where=where, found="no factor is asked for, and only levels have contrasts")]
    return []
