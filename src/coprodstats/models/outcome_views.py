"""What of an outcome is reported: each category, "at least k" for every k, or the expected score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from coprodstats.errors import Fault, did_you_mean, listed
from coprodstats.models.results import FittedModel

Floats = NDArray[np.float64]
Of = Literal["category", "at_least", "score"]
Scores = Sequence[float] | Mapping[str, float] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomeView:
    """Linear combinations of the values that a model's response gives.

    Attributes
    ----------
    names
        What each is called in tables.
    weights
        The combinations, shape (m, v).
    bounds
        Where they lie, or None without limits.
    """

    names: tuple[str, ...]
    weights: Floats
    bounds: tuple[float, float] | None


def outcome_view(model: FittedModel, of: Of = "category", scores: Scores = None) -> OutcomeView:
    """Return the view of a model's outcome that was asked for; arguments as `view_faults` accepts them.

    Parameters
    ----------
    model
        The model.
    of
        ``"category"``: the values that tables show; ``"at_least"``: each category above the lowest or a
        higher one; ``"score"``: the expected score.
    scores
        Each category's score, lowest category first or by its name; 1, 2, … by default.
    """
    values = len(model.value_names)
    if of == "at_least":
        # Row k sums the categories from k + 1 on.
        return OutcomeView(
            names=at_least_names(model), weights=np.triu(np.ones((values, values)))[1:], bounds=(0.0, 1.0)
        )
    if of == "score":
        points = _points(model, scores)
        return OutcomeView(
            names=("score",), weights=points[None, :], bounds=(float(points.min()), float(points.max()))
        )
    shown = list(model.shown)
    return OutcomeView(
        names=tuple(model.value_names[k] for k in shown),
        weights=np.eye(values)[shown],
        bounds=model.response.bounds,
    )


def event_view(model: FittedModel, start: int) -> OutcomeView:
    """Return the view of one event: category number ``start`` or a higher one, named after the category."""
    everything = outcome_view(model, "at_least")
    return OutcomeView(
        names=(model.categories[start],), weights=everything.weights[[start - 1]], bounds=everything.bounds
    )


def at_least_names(model: FittedModel) -> tuple[str, ...]:
    """Return the names of the events "k or more" for each category above the lowest.

    The highest category's event is that category, and bears its name.
    """
    *middle, top = model.categories[1:]
    return (*(f"{category} or more" for category in middle), top)


def view_faults(model: FittedModel, of: Any, scores: Any, asked: str) -> list[Fault]:
    """Return what is wrong with ``of`` and ``scores``."""
    if of not in get_args(Of):
        return [
            Fault(
                where=f"{asked}: of",
                found=f"{of!r}",
                allowed=listed(get_args(Of)),
                remedy=did_you_mean(str(of), get_args(Of)),
            )
        ]
    if of != "category" and not model.categories:
        found = f"model {model.name!r} has a mean, not categories"
        return [Fault(where=f"{asked}: of", found=found, allowed="category, which is the mean")]
    if scores is None:
        return []
    if of != "score":
        found, remedy = f"scores play no part in of={of!r}", "of='score'"
        return [Fault(where=f"{asked}: scores", found=found, remedy=remedy)]
    return _score_faults(model, scores, f"{asked}: scores")


def _score_faults(model: FittedModel, scores: Any, where: str) -> list[Fault]:
    allowed = f"one number for each of {listed(model.categories)}"
    if isinstance(scores, Mapping):
        unknown = [str(name) for name in scores if name not in model.categories]
        absent = [category for category in model.categories if category not in scores]
        faults = [
            Fault(
                where=where,
                found=f"{name!r} is not a category of {model.outcome!r}",
                allowed=allowed,
                remedy=did_you_mean(name, model.categories),
            )
            for name in unknown
        ]
        if absent:
            faults.append(Fault(where=where, found=f"no score for {listed(absent)}", allowed=allowed))
        if faults:
            return faults
        scores = list(scores.values())
    try:
        points = np.asarray(list(scores), dtype=float)
    except (TypeError, ValueError):
        return [Fault(where=where, found="they are not numbers", allowed=allowed)]
    if points.shape != (len(model.categories),) or not np.isfinite(points).all():
        return [Fault(where=where, found=f"{points.size} given, or not all finite", allowed=allowed)]
    if np.ptp(points) == 0:
        return [Fault(where=where, found="all scores are the same", allowed="scores that differ")]
    return []


def _points(model: FittedModel, scores: Scores) -> Floats:
    if scores is None:
        return np.arange(1.0, len(model.categories) + 1)
    if isinstance(scores, Mapping):
        return np.array([scores[category] for category in model.categories], dtype=float)
    return np.asarray(list(scores), dtype=float)
