"""What margins average: the sample at given values, changes of a predictor, contrasts of levels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import Fault, ModelError
from coprodstats.models.changes import column_derivatives, matrices_at, matrix_shifted, with_values
from coprodstats.models.margin_arguments import Step
from coprodstats.models.matrix import rebuild_matrix
from coprodstats.models.results import FittedModel
from coprodstats.models.row_groups import Contrast, difference_matrix, pairs_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """A changed design matrix, and the derivative of its columns if slopes rather than values are averaged.

    Attributes
    ----------
    x
        Design matrix, shape (n, p).
    moved
        Derivative of its columns, shape (n, p), or None.
    """

    x: Floats
    moved: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """Quantities that are combinations of averages over the same few scenarios.

    Attributes
    ----------
    labels
        One entry per quantity.
    combine
        The quantities as combinations of the scenarios' averages, shape (quantities, scenarios).
    scenarios
        The scenarios, made one after the other.
    """

    labels: tuple[dict[str, Any], ...]
    combine: Floats
    scenarios: Iterator[Scenario]


def margin_blocks(
    model: FittedModel,
    names: Sequence[str],
    *,
    settings: Sequence[Mapping[str, Any]],
    steps: Mapping[str, Step],
    contrast: Contrast,
) -> Iterator[Block]:
    """Yield the margins of each predictor at each combination of fixed values.

    Parameters
    ----------
    model
        The model.
    names
        Predictors whose margins are wanted.
    settings
        What `settings_of` returned.
    steps
        What `steps_of` returned.
    contrast
        Which levels of a factor are compared.
    """
    for fixed, frame, x in _fixed(model, settings):
        for name in names:
            if model.spec.is_factor(name):
                yield _level_block(model, frame, x, name, contrast, fixed)
            else:
                yield _step_block(model, frame, x, name, steps[name], fixed)


def prediction_blocks(model: FittedModel, settings: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    """Yield the average prediction at each combination of fixed values."""
    for fixed, _, x in _fixed(model, settings):
        yield Block(labels=(dict(fixed),), combine=np.eye(1), scenarios=iter([Scenario(x=x)]))


def _fixed(
    model: FittedModel, settings: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Mapping[str, Any], pd.DataFrame, Floats]]:
    """Yield each combination of fixed values with the sample and its design matrix under it."""
    observed = rebuild_matrix(model.spec, model.sample)
    if not settings[0]:
        yield settings[0], model.sample, observed
        return
    matrices = matrices_at(model.spec, model.sample, observed, settings)
    for fixed, x in zip(settings, matrices, strict=True):
        yield fixed, with_values(model.sample, fixed), x


def _level_block(
    model: FittedModel,
    frame: pd.DataFrame,
    x: Floats,
    name: str,
    contrast: Contrast,
    fixed: Mapping[str, Any],
) -> Block:
    reference = model.spec.reference(name)
    declared = model.spec.levels[name]
    # Neighbours are those of the declared order, wherever the reference stands.
    levels = [reference, *(level for level in declared if level != reference)]
    levels = list(declared) if contrast == "sequential" else levels
    pairs = pairs_of(len(levels), contrast)
    named = [(levels[plus], levels[minus]) for plus, minus in pairs]
    labels = tuple(
        {
            **fixed,
            "variable": name,
            "contrast": f"{plus} - {minus}",
            "term": f"{name}[T.{plus}]" if contrast == "reference" else f"{name}[{plus} - {minus}]",
        }
        for plus, minus in named
    )
    matrices = matrices_at(model.spec, frame, x, [{name: level} for level in levels])
    return Block(
        labels=labels,
        combine=difference_matrix(pairs, len(levels)),
        scenarios=(Scenario(x=changed) for changed in matrices),
    )


def _step_block(
    model: FittedModel, frame: pd.DataFrame, x: Floats, name: str, step: Step, fixed: Mapping[str, Any]
) -> Block:
    labels = ({**fixed, "variable": name, "contrast": step.label, "term": name},)
    if step.low is None:
        observed = model.sample[name].to_numpy(dtype=float)
        moved = column_derivatives(model.spec, frame, x, name, observed)
        return Block(labels=labels, combine=np.eye(1), scenarios=iter([Scenario(x=x, moved=moved)]))
    scenarios = (Scenario(x=changed) for changed in _stepped(model, frame, x, name, step))
    return Block(labels=labels, combine=np.array([[-1.0, 1.0]]), scenarios=scenarios)


def _stepped(model: FittedModel, frame: pd.DataFrame, x: Floats, name: str, step: Step) -> Iterator[Floats]:
    """Yield the design matrix at both ends of a step."""
    ends = [end for end in (step.low, step.high) if end is not None]
    try:
        if step.shift:
            for end in ends:
                yield matrix_shifted(model.spec, frame, x, name, end)
        else:
            yield from matrices_at(model.spec, frame, x, [{name: end} for end in ends])
    except ModelError as error:
        raise ModelError(
            Fault(
                where=f"change of {name!r}",
                found="it goes to values for which a term of the formula is not defined",
                remedy="two values within the data, such as change={'age': (20, 60)}, or a derivative",
            )
        ) from error
