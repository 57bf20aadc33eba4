"""One chain of imputation: each incomplete variable in turn, given all others and the design; arrays only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from coprodstats.errors import CoprodstatsError
from coprodstats.models.imputation_columns import Coding
from coprodstats.models.imputation_models import draw_nominal, draw_normal, draw_ordered, match_means

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
Method = Literal["logit", "ologit", "mlogit", "pmm", "norm"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """A variable of the imputation model, over the rows that count.

    Attributes
    ----------
    name
        Its name.
    coding
        How it predicts others.
    values
        Numbers or positions of categories, NaN where missing, shape (n,).
    gaps
        Rows to be imputed; none for a variable that only predicts.
    method
        How they are; ignored without gaps.
    """

    name: str
    coding: Coding
    values: Floats
    gaps: Ints
    method: Method

    @property
    def left(self) -> Bools:
        """Rows in which it is missing and stays so."""
        missing = np.isnan(self.values)
        missing[self.gaps] = False
        return missing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """What all chains share.

    Attributes
    ----------
    targets
        The variables by name, those to be imputed in the order in which they are.
    design
        Columns of the design that predict every variable, by the design's column, each of shape (n, width).
    psu
        PSU of each row as 0, 1, …, if the means of the others in it are to predict; else None.
    predictors
        For a variable the others that predict it; all where it isn't named.
    products
        Pairs of variables or columns of the design whose products predict.
    donors
        Donors of predictive mean matching.
    iterations
        Rounds over all variables.
    """

    targets: Mapping[str, Target]
    design: Mapping[str, Floats]
    psu: Ints | None
    predictors: Mapping[str, tuple[str, ...]]
    products: tuple[tuple[str, str], ...]
    donors: int
    iterations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """Columns of the matrix of predictors: what they are made of, and where they stand."""

    kind: Literal["main", "product", "psu", "design"]
    names: tuple[str, ...]
    start: int = 0
    stop: int = 0

    @property
    def place(self) -> slice:
        return slice(self.start, self.stop)


def run_chain(
    problem: Problem, rng: np.random.Generator, tick: Callable[[], None] = lambda: None
) -> tuple[dict[str, Floats], Floats]:
    """Run one chain.

    Parameters
    ----------
    problem
        The variables and what predicts them.
    rng
        Source of random numbers.
    tick
        Called after each round.

    Returns
    -------
    imputed : dict of str to numpy.ndarray
        The values of the last round, in the order of each variable's gaps.
    trace : numpy.ndarray
        Mean and standard deviation of the imputed values, shape (iterations, number of imputed variables, 2).

    Notes
    -----
    Chained equations (van Buuren and Groothuis-Oudshoorn 2011, *Journal of Statistical Software* 45(3)): gaps
    start with observed values at random. A variable's own columns and products do not predict it; the mean of
    its PSU's other members does, if asked for.
    """
    imputed = {name: target for name, target in problem.targets.items() if len(target.gaps)}
    values = {name: target.values.copy() for name, target in problem.targets.items()}
    for name, target in imputed.items():
        values[name][target.gaps] = rng.choice(target.values[~np.isnan(target.values)], len(target.gaps))
    segments, x = _layout(problem)
    for segment in segments:
        _write(x, segment, problem, values)
    modes: dict[str, Floats] = {}
    trace = np.empty((problem.iterations, len(imputed), 2))
    for iteration in range(problem.iterations):
        for position, (name, target) in enumerate(imputed.items()):
            drawn = _draw(problem, target, x[:, _chosen(problem, segments, name)], rng, modes)
            values[name][target.gaps] = drawn
            trace[iteration, position] = drawn.mean(), drawn.std()
            for segment in segments:
                if name in segment.names:
                    _write(x, segment, problem, values)
        tick()
    return {name: values[name][target.gaps] for name, target in imputed.items()}, trace


def _draw(
    problem: Problem, target: Target, x: Floats, rng: np.random.Generator, modes: dict[str, Floats]
) -> Floats:
    seen = ~np.isnan(target.values)
    y, x_seen, x_new = target.values[seen], x[seen], x[target.gaps]
    try:
        if target.method == "pmm":
            return match_means(x_seen, y, x_new, donors=problem.donors, rng=rng)
        if target.method == "norm":
            return draw_normal(x_seen, y, x_new, rng=rng)
        draw = draw_nominal if target.method == "mlogit" else draw_ordered
        drawn, modes[target.name] = draw(
            x_seen,
            y.astype(np.intp),
            x_new,
            n_categories=target.coding.n_categories,
            rng=rng,
            start=modes.get(target.name),
        )
    except CoprodstatsError as error:
        where = f"impute: variable {target.name!r}"
        raise type(error)(*(replace(fault, where=where) for fault in error.faults)) from error
    return drawn.astype(float)


def _layout(problem: Problem) -> tuple[list[_Segment], Floats]:
    """Return where each group of columns stands, and a matrix to hold them."""
    targets = problem.targets
    plan = [_Segment(kind="main", names=(name,)) for name in targets]
    plan += [_Segment(kind="product", names=pair) for pair in problem.products]
    plan += [_Segment(kind="psu", names=(name,)) for name in targets if problem.psu is not None]
    plan += [_Segment(kind="design", names=(name,)) for name in problem.design]
    widths = [_width(segment, problem) for segment in plan]
    ends = np.cumsum([0, *widths]).tolist()
    n = len(next(iter(targets.values())).values)
    placed = [replace(s, start=a, stop=b) for s, (a, b) in zip(plan, pairwise(ends), strict=True)]
    return placed, np.zeros((n, ends[-1]))


def _width(segment: _Segment, problem: Problem) -> int:
    widths = [
        problem.targets[name].coding.width if name in problem.targets else problem.design[name].shape[1]
        for name in segment.names
    ]
    has_left = segment.kind == "main" and bool(problem.targets[segment.names[0]].left.any())
    return int(np.prod(widths)) + has_left


def _write(x: Floats, segment: _Segment, problem: Problem, values: Mapping[str, Floats]) -> None:
    """Put a segment's columns into the matrix, made of the present values."""
    parts = [
        _columns(problem.targets[name], values[name]) if name in problem.targets else problem.design[name]
        for name in segment.names
    ]
    if segment.kind == "product":
        columns = (parts[0][:, :, None] * parts[1][:, None, :]).reshape(len(x), -1)
    elif segment.kind == "psu" and problem.psu is not None:
        columns = _means_of_others(parts[0], problem.psu)
    elif segment.kind == "main" and (left := problem.targets[segment.names[0]].left).any():
        columns = np.column_stack([parts[0], left])
    else:
        columns = parts[0]
    x[:, segment.place] = columns


def _columns(target: Target, values: Floats) -> Floats:
    """Return a variable's columns; where it stays missing they are zero, and a column of its own says so."""
    return np.where(np.isnan(values)[:, None], 0.0, target.coding.columns(values))


def _means_of_others(columns: Floats, psu: Ints) -> Floats:
    """Return the mean over the other rows of each row's PSU; that of all rows for one who is alone."""
    sizes = np.bincount(psu)[psu][:, None]
    totals = np.column_stack([np.bincount(psu, column) for column in columns.T])[psu]
    return np.where(sizes > 1, (totals - columns) / np.maximum(sizes - 1, 1), columns.mean(axis=0))


def _chosen(problem: Problem, segments: Sequence[_Segment], name: str) -> Ints:
    """Return the columns that predict a variable."""
    wanted = {*problem.predictors.get(name, tuple(problem.targets)), *problem.design}
    places = [
        (segment.start, segment.stop)
        for segment in segments
        if (segment.kind == "psu" and segment.names[0] == name)
        or (name not in segment.names and wanted.issuperset(segment.names))
    ]
    return np.concatenate([np.arange(start, stop) for start, stop in places] or [np.zeros(0, np.intp)])
