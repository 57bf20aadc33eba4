"""The terms of a fitted model: their columns, their parameters, and the variables that they share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from coprodstats.errors import ArgumentError, Fault, did_you_mean, listed
from coprodstats.models.results import FittedModel


def slope_terms(model: FittedModel) -> dict[str, list[int]]:
    """Return the columns of each term, as positions among the predictors' columns."""
    terms: dict[str, list[int]] = {}
    for j, column in enumerate(model.spec.columns):
        terms.setdefault(column.term, []).append(j)
    return terms


def shared_variables(model: FittedModel) -> dict[str, list[str]]:
    """Return for each term the variables that are in other terms too."""
    variables = {column.term: set(column.variables) for column in model.spec.columns}
    return {
        term: sorted(own & set().union(*(v for other, v in variables.items() if other != term)))
        for term, own in variables.items()
    }


def names_of(given: Any, where: str, *, kind: str = "term", allowed: str = "one at least") -> list[Any]:
    """Return one name, or several, as a list.

    Raises
    ------
    ArgumentError
        If there is none.
    """
    wanted = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    if given is None or not wanted:
        raise ArgumentError(Fault(where=where, found=f"no {kind} is named", allowed=allowed))
    return wanted


def slope_positions(model: FittedModel, terms: Sequence[str] | str, asked: str) -> list[int]:
    """Return the positions among the parameters of the slopes of some terms.

    Parameters
    ----------
    model
        The model.
    terms
        Names of terms or of parameters.
    asked
        The function that asks, for the message.

    Raises
    ------
    ArgumentError
        Naming each that is no term of the model.
    """
    wanted = names_of(terms, f"{asked}: terms")
    slopes = [(j, p) for j, p in enumerate(model.parameters) if p.kind == "slope"]
    names = list(dict.fromkeys(name for _, p in slopes for name in (p.term, p.name)))
    faults = [
        Fault(
            where=f"{asked}: model {model.name!r}",
            found=f"it has no term {term!r}",
            allowed=listed(names, most=30),
            remedy=did_you_mean(str(term), names),
        )
        for term in wanted
        if term not in names
    ]
    if faults:
        raise ArgumentError(*faults)
    return sorted({j for j, p in slopes for term in wanted if term in (p.term, p.name)})
