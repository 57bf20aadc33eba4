"""Fits of K-1 linear predictors: partial proportional odds, adjacent categories, continuation ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from coprodstats.errors import (
    ArgumentError,
    Fault,
    RankDeficiencyError,
    SeparationError,
    did_you_mean,
    listed,
)
from coprodstats.models import vector_likelihood
from coprodstats.models.assemble import (
    Form,
    Maximum,
    assemble,
    require_converged,
    shares_loglik,
    slope_parameters,
    threshold_parameters,
)
from coprodstats.models.category_models import CategoryModel
from coprodstats.models.coding import Column
from coprodstats.models.convergence import certificate
from coprodstats.models.crossings import crossing_rows, crossing_words
from coprodstats.models.prepare import Prepared
from coprodstats.models.replicate_fits import live_rows, require_maximum, serial_replicates
from coprodstats.models.results import FittedModel, Parameter
from coprodstats.models.separation import separated_by
from coprodstats.models.standard import standardise
from coprodstats.models.vector_likelihood import Problem
from coprodstats.models.vector_separation import no_maximum
from coprodstats.survey.sums import binned

Floats = NDArray[np.float64]

EVERY_TERM = "all"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """Which columns of a design matrix have a slope for each split of the outcome.

    Attributes
    ----------
    model
        What the categories make of the linear predictors.
    own
        Positions of those columns.
    n_columns
        Number of all columns, p.
    splits
        Names of the splits, ``low|mid``, one per linear predictor.
    """

    model: CategoryModel
    own: tuple[int, ...]
    n_columns: int
    splits: tuple[str, ...]

    @property
    def order(self) -> list[int]:
        """The columns as the kernel has them: those with slopes of their own, then the others."""
        return [*self.own, *(j for j in range(self.n_columns) if j not in self.own)]

    @property
    def slope_map(self) -> Floats:
        """For each linear predictor the matrix from all slopes to its coefficients, shape (m, p, s)."""
        m = len(self.splits)
        width = [m if j in self.own else 1 for j in range(self.n_columns)]
        laid = np.zeros((m, self.n_columns, sum(width)))
        for j, first in enumerate(np.cumsum([0, *width[:-1]])):
            for k in range(m):
                laid[k, j, first + (k if j in self.own else 0)] = 1.0
        return laid


def nonparallel_faults(family: str, nonparallel: Sequence[str] | str) -> list[Fault]:
    """Return a fault if ``nonparallel`` is not made of names."""
    names = [nonparallel] if isinstance(nonparallel, str) else nonparallel
    if isinstance(names, Sequence) and all(isinstance(name, str) for name in names):
        return []
    return [
        Fault(
            where=f"{family}: nonparallel",
            found=f"it is a {type(nonparallel).__name__}, not names of terms",
            allowed="nonparallel=('age', 'gender'), or 'all'",
        )
    ]


def layout_of(ready: Prepared, model: CategoryModel, nonparallel: Sequence[str] | str) -> Layout:
    """Return which columns have a slope for each split.

    Parameters
    ----------
    ready
        The sample.
    model
        What the categories make of the linear predictors.
    nonparallel
        Names of terms or parameters; the string ``"all"`` is every term.

    Raises
    ------
    ArgumentError
        If a name is no term, or the outcome has two categories, so that there is one split only.
    """
    columns, categories = ready.spec.columns, ready.sample.categories
    where = f"{ready.family}: nonparallel"
    names = list(dict.fromkeys(name for column in columns for name in (column.term, column.name)))
    wanted = [nonparallel] if isinstance(nonparallel, str) else list(nonparallel)
    if nonparallel == EVERY_TERM:
        if EVERY_TERM in names:
            found = f"{EVERY_TERM!r} is every term, and also the name of one"
            raise ArgumentError(Fault(where=where, found=found, remedy=f"({EVERY_TERM!r},) for that term"))
        wanted = names
    faults = [
        Fault(
            where=where,
            found=f"{name!r} is no term of the formula",
            allowed=listed(names, most=30),
            remedy=did_you_mean(name, names),
        )
        for name in wanted
        if name not in names
    ]
    if wanted and len(categories) == 2:
        found = "the outcome has two categories, so that there is one split, and one slope per column"
        faults.append(Fault(where=where, found=found, remedy="leave nonparallel out"))
    if faults:
        raise ArgumentError(*faults)
    return Layout(
        model=model,
        own=tuple(j for j, c in enumerate(columns) if c.term in wanted or c.name in wanted),
        n_columns=len(columns),
        splits=tuple(f"{low}|{high}" for low, high in pairwise(categories)),
    )


def vector_fit(ready: Prepared, layout: Layout) -> FittedModel:
    """Return the model of a prepared fit whose slopes may differ between splits.

    Raises
    ------
    SeparationError
        Naming each slope whose estimate would be infinite.
    RankDeficiencyError
        Naming the slopes that no respondent tells apart.
    ConvergenceError
        If the maximum was not found.
    InsufficientDataError
        If no degree of freedom is left.
    """
    replicates = partial(serial_replicates, refit=partial(refit, layout=layout))
    return assemble(ready, vector_maximum(ready, layout), vector_form(ready, layout), replicates)


def vector_maximum(ready: Prepared, layout: Layout) -> Maximum:
    """Return the maximum of the likelihood; see `vector_fit` for errors."""
    problem, to_user = kernel_problem(ready, layout)
    parameters = vector_form(ready, layout).parameters
    _refuse_no_maximum(ready, problem, to_user, parameters)
    found = vector_likelihood.maximise(problem)
    scores = vector_likelihood.row_scores(found.theta, problem)
    size = np.sqrt(((scores * problem.w[:, None]) ** 2).sum(axis=0))
    convergence = certificate(found, size, float(problem.w.sum()), to_user)
    require_converged(ready.name, convergence)
    eta = vector_likelihood.predictors(found.theta, problem)
    crossing = crossing_rows(problem.model.response.values(eta))
    return Maximum(
        theta=found.theta,
        information=found.information,
        scores=scores,
        to_user=to_user,
        loglik=found.loglik,
        null_loglik=_null_loglik(problem),
        convergence=convergence,
        warnings=(f"the sample: {crossing_words(crossing)}",) if crossing else (),
    )


def refit(ready: Prepared, weights: Floats, start: Floats | None, *, layout: Layout) -> Floats:
    """Return the maximum with other weights, in the coordinates of `Maximum.theta`, shape (q,).

    Parameters
    ----------
    ready
        The sample of a fit.
    weights
        Other weights of its rows, on any scale; rows with a weight of 0 are left out, shape (n,).
    start
        Where to start, such as ``Maximum.theta``; None for the fit without predictors.
    layout
        Which columns have a slope for each split.

    Raises
    ------
    ConvergenceError
        If these weights give no finite maximum, as when they leave a category without respondents.
    """
    problem, _ = kernel_problem(ready, layout, weights)
    found = vector_likelihood.maximise(problem, start=start)
    require_maximum(ready, found, float(problem.w.sum()))
    return found.theta


def kernel_problem(ready: Prepared, layout: Layout, weights: Floats | None = None) -> tuple[Problem, Floats]:
    """Return the likelihood in standardised columns, and the matrix from theta to the reported parameters.

    Parameters
    ----------
    ready
        The sample; its weights standardise the columns, whatever ``weights`` are.
    layout
        Which columns have a slope for each split.
    weights
        Weights of the likelihood; those of the sample by default, shape (n,).
    """
    order, f, m = layout.order, len(layout.own), len(layout.splits)
    # Columns with own slopes come first: made orthonormal in that order, they hold none of the others, so
    # that slopes which are equal at all splits stay equal.
    centre, inverse, standard = standardise(ready.x[:, order], ready.scaled)
    problem = Problem(
        model=layout.model,
        own=standard[:, :f],
        shared=standard[:, f:],
        y=ready.sample.y,
        w=ready.scaled,
        m=m,
        offset=ready.offset,
    )
    if weights is not None:
        kept = live_rows(ready, weights)
        scaled = weights[kept] * (kept.sum() / weights[kept].sum())
        problem = replace(problem.rows(kept), w=scaled)
    return problem, _to_user(layout, centre, inverse)


def vector_form(ready: Prepared, layout: Layout) -> Form:
    """Return what the reported parameters stand for: slopes by column and split, then thresholds."""
    m = len(layout.splits)
    slopes: list[Parameter] = []
    for j, parameter in enumerate(slope_parameters(ready.spec.columns)):
        if j in layout.own:
            slopes += [replace(parameter, name=f"{parameter.name}[{s}]", split=s) for s in layout.splits]
        else:
            slopes.append(parameter)
    q = m + len(slopes)
    return Form(
        link=layout.model.link,
        response=layout.model.response,
        slope_map=layout.slope_map,
        parameters=(*slopes, *threshold_parameters(list(layout.splits))),
        to_reported=np.roll(np.eye(q), len(slopes), axis=0),
    )


def _to_user(layout: Layout, centre: Floats, inverse: Floats) -> Floats:
    """Return the matrix from theta in standardised columns to the reported parameters, shape (q, q)."""
    order, f, m = layout.order, len(layout.own), len(layout.splits)
    p = layout.n_columns
    spread = np.zeros((m, p, m * f + p - f))  # from slopes to those of each predictor, columns in order
    for k in range(m):
        spread[k, :f, k * f : (k + 1) * f] = np.eye(f)
        spread[k, f:, m * f :] = np.eye(p - f)
    by_predictor = inverse @ spread
    slopes = [
        by_predictor[k, order.index(j)] for j in range(p) for k in (range(m) if j in layout.own else (0,))
    ]
    to_user = np.zeros((m + len(slopes), m + len(slopes)))
    to_user[: len(slopes), m:] = slopes
    to_user[len(slopes) :, :m] = np.eye(m)
    to_user[len(slopes) :, m:] = centre @ by_predictor
    return to_user


def _null_loglik(problem: Problem) -> float:
    """Return the log-likelihood without predictors, but with the offset."""
    if problem.offset is None:
        return shares_loglik(binned(problem.y, problem.w, int(problem.y.max()) + 1))
    nothing = np.empty((len(problem.y), 0))
    return vector_likelihood.maximise(replace(problem, own=nothing, shared=nothing)).loglik


def _refuse_no_maximum(
    ready: Prepared, problem: Problem, to_user: Floats, parameters: tuple[Parameter, ...]
) -> None:
    found = no_maximum(problem)
    if found is None:
        return
    change = to_user @ found.direction
    slopes = [(p, b) for p, b in zip(parameters, change, strict=True) if p.kind == "slope"]
    largest = max(abs(b) for _, b in slopes)
    moved = [(p, b) for p, b in slopes if abs(b) > 1e-6 * largest]
    where = f"outcome {ready.spec.formula.outcome!r}"
    if found.flat:
        names = listed([p.name for p, _ in moved])
        raise RankDeficiencyError(
            Fault(
                where=where,
                found=f"no respondent tells apart {names}: among those beside a split a column does not vary",
                remedy="slopes of its own for fewer terms (nonparallel=...), or merge categories",
            )
        )
    columns = {column.name: column for column in ready.spec.columns}
    # Levels that miss the reference's reason, and splits, all name it: once is enough.
    faults = dict.fromkeys(
        Fault(
            where=where,
            found=_separated_by(ready, columns[p.name.removesuffix(f"[{p.split}]")])
            or f"its categories are separated by {p.name}, alone or with other terms: "
            f"the estimate would be {'+' if b > 0 else '−'}infinity",
            remedy="merge it with another category in the codebook, or leave the term out"
            + (" of nonparallel" if p.split else ""),
        )
        for p, b in moved
    )
    raise SeparationError(*faults)


def _separated_by(ready: Prepared, column: Column) -> str:
    return separated_by(ready.rows, ready.sample, column)
