"""Routing: questions that only some respondents were asked, by their answers to others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from coprodstats.errors import did_you_mean, listed
from coprodstats.survey.answers import BLANK, Answers, read_answers
from coprodstats.survey.coded import Mask
from coprodstats.survey.declarations import NOT_ASKED, Variable
from coprodstats.survey.toml_table import TomlTable

# No file holds this code, since cells can't contain NUL.
_CODE = "\0not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteCount:
    """How the answers to a routed question keep to the route.

    Attributes
    ----------
    variable
        The question.
    not_asked
        Rows outside the route without an entry, as it should be.
    answered_outside
        Rows outside the route with an entry.
    blank_inside
        Rows inside the route without an entry.
    unknown
        Rows for which the question before is blank, so that nobody knows.
    """

    variable: str
    not_asked: int
    answered_outside: int
    blank_inside: int
    unknown: int


def check_routes(variables: Mapping[str, Variable], tables: Mapping[str, TomlTable]) -> None:
    """Record what is wrong with the routes of a codebook as faults of its tables.

    Parameters
    ----------
    variables
        The variables that could be read.
    tables
        The table of each variable; faults are added to their list.
    """
    for name, variable in variables.items():
        table = tables[name]
        for before, codes in variable.asked_if.items():
            if before not in tables:
                near = did_you_mean(before, tables)
                table.fault(f"no variable is named {before!r}", key="asked_if", remedy=near)
            elif before in variables and (known := (*variables[before].codes, *variables[before].missing)):
                unknown = [code for code in codes if code not in known]
                if unknown:
                    found = f"{before} has no codes {listed(unknown)}"
                    table.fault(found, key="asked_if", allowed=listed(known))
        if name in _before(name, variables):
            table.fault("the route leads back to the question itself", key="asked_if")


def _before(name: str, variables: Mapping[str, Variable]) -> set[str]:
    """Return all questions that the route to a question depends on."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = variables.get(waiting.pop())
        new = set(current.asked_if) - found if current is not None else set()
        found |= new
        waiting += new
    return found


def read_columns(frame: pd.DataFrame, variables: Mapping[str, Variable]) -> dict[str, Answers]:
    """Judge all columns; blanks of questions that were not asked get that reason.

    Parameters
    ----------
    frame
        Codes as text (n), one column per variable; a blank cell is NA.
    variables
        What the codes mean; their routes lead to no question twice.
    """
    read: dict[str, Answers] = {}
    for name in in_order(variables):
        variable, column = variables[name], frame[name]
        if variable.asked_if:
            outside = _route(variable, read)[1] & column.isna().to_numpy()
            marked = replace(variable, missing={**variable.missing, _CODE: NOT_ASKED})
            # What messages and the log see is the variable as it is declared.
            read[name] = replace(read_answers(column.mask(outside, _CODE), marked), variable=variable)
        else:
            read[name] = read_answers(column, variable)
    return {name: read[name] for name in variables}


def in_order(variables: Mapping[str, Variable]) -> Iterator[str]:
    """Yield the names of all variables, the questions that a route depends on first."""
    done: set[str] = set()
    waiting = list(variables)
    while waiting:
        ready = [name for name in waiting if done.issuperset(variables[name].asked_if)]
        yield from ready
        done.update(ready)
        waiting = [name for name in waiting if name not in done]


def _route(variable: Variable, read: Mapping[str, Answers]) -> tuple[Mask, Mask]:
    """Return which rows are inside the route and which outside; a blank before leaves it open."""
    n_rows = len(next(iter(read.values())).coded.position)
    inside, outside = np.ones(n_rows, dtype=bool), np.zeros(n_rows, dtype=bool)
    for before, codes in variable.asked_if.items():
        answers = read[before]
        fits = np.array([code in codes for code in answers.meant], dtype=bool)
        inside = inside & answers.coded.spread(fits, blank=False)
        outside = outside | answers.coded.spread(~fits, blank=False)
    return inside, outside


def route_counts(columns: Mapping[str, Answers]) -> list[RouteCount]:
    """Count how the answers keep to the declared routes.

    Parameters
    ----------
    columns
        The columns, from `read_columns`.

    Examples
    --------
    >>> helps = Variable(name="helps", label="Helps", kind="nominal", values={"1": "yes", "2": "no"})
    >>> hours = Variable(name="hours", label="Hours", kind="numeric", asked_if={"helps": ("1",)})
    >>> frame = pd.DataFrame({"helps": ["1", "1", "2", "2"], "hours": ["5", None, None, "3"]}, dtype="str")
    >>> counts = route_counts(read_columns(frame, {"helps": helps, "hours": hours}))[0]
    >>> counts.not_asked, counts.answered_outside, counts.blank_inside
    (1, 1, 1)
    """
    found = []
    for name, column in columns.items():
        if not column.variable.asked_if:
            continue
        inside, outside = _route(column.variable, columns)
        not_asked, blank = column.with_reason((NOT_ASKED,)), column.with_reason((BLANK,))
        found.append(
            RouteCount(
                variable=name,
                not_asked=int((not_asked & outside).sum()),
                answered_outside=int((outside & ~not_asked & ~blank).sum()),
                blank_inside=int((inside & blank).sum()),
                unknown=int((~inside & ~outside).sum()),
            )
        )
    return found
