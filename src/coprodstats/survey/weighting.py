"""Weights that reproduce known population totals, and what they do to variances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, DesignError, Fault, WeightError, did_you_mean, listed
from coprodstats.survey.calibration import (
    CalibrationTask,
    Distance,
    Solution,
    deviations,
    orthonormal_basis,
    recalibrated,
    solve_calibration,
)
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import Calibration, ResolvedDesign, calibration_residuals
from coprodstats.survey.display import record_html
from coprodstats.survey.log import how_many
from coprodstats.survey.population import Margins, PopulationTotals, population_totals
from coprodstats.survey.replicates import Replication

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighting:
    """Weights made to reproduce population totals, and what a variance needs to know of how they were made.

    Attributes
    ----------
    method
        ``"raking"``, ``"post-stratification"`` or ``"linear calibration"``.
    weights
        The weights, one per row of the data, with its index.
    base
        The weights before, shape (n,).
    constraints
        The cells and variables whose totals are reproduced, in words, such as ``"gender = woman"``.
    totals
        Their population totals, shape (m,).
    matrix
        Their values for each row (1 and 0 for cells), shape (n, m).
    sizes
        What deviations are relative to: the totals, or for a variable with negative values the sum of its
        absolute values; shape (m,).
    iterations
        Newton steps taken.
    largest_deviation
        Largest distance of a weighted total from its population total, relative to that.
    basis
        Orthonormal basis of ``matrix`` in the metric of ``base``, shape (n, rank of ``matrix``).
    task
        What was solved, for replicate weights, each of which is calibrated on its own.

    Examples
    --------
    >>> frame = pd.DataFrame({"sex": ["man", "man", "man", "woman"]})
    >>> made = rake(frame, {"sex": {"man": 30, "woman": 30}})
    >>> made.weights.round(6).tolist()
    [10.0, 10.0, 10.0, 30.0]
    >>> made
    <Weighting by raking: 4 rows, 2 totals, 6 iterations>
    """

    method: str
    weights: pd.Series
    base: Floats
    constraints: tuple[str, ...]
    totals: Floats
    matrix: Floats
    sizes: Floats
    iterations: int
    largest_deviation: float
    basis: Floats
    task: CalibrationTask

    def to_frame(self) -> pd.DataFrame:
        """Return each total: ``constraint, population, before, after, deviation`` (relative)."""
        after = self.matrix.T @ self.weights.to_numpy()
        return pd.DataFrame(
            {
                "constraint": list(self.constraints),
                "population": self.totals,
                "before": self.matrix.T @ self.base,
                "after": after,
                "deviation": (after - self.totals) / self.sizes,
            }
        )

    def __repr__(self) -> str:
        steps = f"{self.iterations} iteration" + ("" if self.iterations == 1 else "s")
        return f"<Weighting by {self.method}: {len(self.base)} rows, {len(self.totals)} totals, {steps}>"

    def _repr_html_(self) -> str:
        return record_html(self, tables={"totals": self.to_frame()})


def rake(
    data: CleanedSurvey | pd.DataFrame,
    margins: Margins,
    *,
    weights: str | None = None,
    tolerance: float = 1e-8,
    max_iterations: int = 100,
) -> Weighting:
    """Return weights that reproduce several population margins, as near to those before as can be.

    Parameters
    ----------
    data
        A cleaned survey, which brings its weights, or a DataFrame.
    margins
        For each column the population total of each of its categories; a tuple of columns is a crossed
        margin, whose cells are tuples. Totals may be on any scale, the same for all margins.
    weights
        Column of the weights to start from; none means those of a cleaned survey's design, else equal ones.
    tolerance
        Largest deviation allowed between a weighted total and its population total, relative to the latter.
    max_iterations
        Newton steps allowed.

    Returns
    -------
    Weighting
        The weights, with the account of how they came about.

    Raises
    ------
    ArgumentError
        If a margin doesn't fit the data: a column is absent or has missing values, a category is undeclared
        or has no respondents, a total is not positive, grand totals differ.
    WeightError
        If the margins are not met after ``max_iterations``; it names the worst.

    Notes
    -----
    The weights ``w = d exp(x'b)`` are those to which iterative proportional fitting converges (Deming and
    Stephan 1940); they are found by Newton's method (Deville and Särndal 1992, *JASA* 87, 376-382), so that
    the distance to the margins is what decides, not the change from one round to the next.

    Examples
    --------
    >>> frame = pd.DataFrame({"sex": list("mmww"), "area": list("cttt")})
    >>> made = rake(frame, {"sex": {"m": 50, "w": 50}, "area": {"c": 20, "t": 80}})
    >>> made.weights.round(6).tolist()
    [20.0, 30.0, 25.0, 25.0]
    """
    _require_options(tolerance, max_iterations)
    task = population_totals("rake", data, margins, {}, weights, tolerance)
    return _calibrated(task, "raking", tolerance, max_iterations, "raking")


def post_stratify(
    data: CleanedSurvey | pd.DataFrame,
    margins: Margins,
    *,
    weights: str | None = None,
) -> Weighting:
    """Return weights that reproduce the population total of every cell of one, often crossed, margin.

    Parameters
    ----------
    data, weights
        As for `rake`.
    margins
        Exactly one margin: ``{("gender", "area"): {("woman", "urban"): 1200, ...}}``.

    Returns
    -------
    Weighting
        Weights before, times population total over weighted sample total of the cell.

    Raises
    ------
    ArgumentError
        If there is not exactly one margin, or it doesn't fit the data (see `rake`).

    Examples
    --------
    >>> frame = pd.DataFrame({"sex": ["m", "m", "w"]})
    >>> post_stratify(frame, {"sex": {"m": 50, "w": 50}}).weights.tolist()
    [25.0, 25.0, 50.0]
    """
    if len(margins) != 1:
        raise ArgumentError(
            Fault(
                where="post_stratify: margins",
                found=f"there are {len(margins)}",
                allowed="exactly one, whose key is a column or a tuple of columns",
                remedy="rake(...) for several margins",
            )
        )
    totals = population_totals("post_stratify", data, margins, {}, weights, tolerance=1e-8)
    factor = totals.totals / (totals.matrix.T @ totals.base)
    stratified = totals.base * (totals.matrix @ factor)
    # A linear calibration to the cells of one margin is post-stratification: so are replicates calibrated.
    task = _task(totals, "linear", tolerance=1e-8, max_iterations=3)
    return _weighting(totals, task, Solution(weights=stratified, iterations=1), "post-stratification")


def calibrate(
    data: CleanedSurvey | pd.DataFrame,
    margins: Margins | None = None,
    *,
    totals: Mapping[str, float] | None = None,
    distance: Distance = "linear",
    weights: str | None = None,
    tolerance: float = 1e-8,
    max_iterations: int = 100,
) -> Weighting:
    """Return weights that reproduce population margins and totals of numeric variables.

    Parameters
    ----------
    data, margins, weights, tolerance, max_iterations
        As for `rake`.
    totals
        Population totals of numeric columns.
    distance
        ``"linear"``: ``w = d (1 + x'b)``, the generalised regression estimator; ``"raking"``: ``w = d
        exp(x'b)``, never negative.

    Returns
    -------
    Weighting
        The weights, with the account of how they came about.

    Raises
    ------
    ArgumentError
        If a margin or total doesn't fit the data (see `rake`).
    WeightError
        If the totals are not met, naming the worst, or linear weights are not positive: they are not cut off.

    Notes
    -----
    Deville and Särndal (1992), *JASA* 87, 376-382; as ``calibrate`` of the R package survey.

    Examples
    --------
    >>> frame = pd.DataFrame({"sex": list("mmw"), "age": [20.0, 40.0, 30.0]})
    >>> made = calibrate(frame, {"sex": {"m": 2, "w": 2}}, totals={"age": 116})
    >>> made.weights.round(6).tolist()
    [1.2, 0.8, 2.0]
    """
    _require_options(tolerance, max_iterations)
    if distance not in get_args(Distance):
        raise ArgumentError(
            Fault(
                where="calibrate: distance",
                found=f"{distance!r} is not one",
                allowed=listed(get_args(Distance)),
                remedy=did_you_mean(str(distance), get_args(Distance)),
            )
        )
    task = population_totals("calibrate", data, margins or {}, totals or {}, weights, tolerance)
    method = "raking" if distance == "raking" else "linear calibration"
    return _calibrated(task, distance, tolerance, max_iterations, method)


def calibrated_design(design: ResolvedDesign, weighting: Weighting) -> ResolvedDesign:
    """Return the design with calibrated weights in the place of those they were made from.

    Parameters
    ----------
    design
        The design of the same rows, with the weights before or after calibration.
    weighting
        What `rake`, `post_stratify` or `calibrate` returned.

    Raises
    ------
    DesignError
        If the rows or the weights are not those that were calibrated.
    WeightError
        If replicates can't be calibrated; it names them.

    Notes
    -----
    Replicate weights are calibrated one by one, as by ``postStratify``, ``rake`` and ``calibrate`` of the R
    package survey for its replicate designs.
    """
    weights = weighting.weights.to_numpy()
    faults = []
    before = design.n_rows == len(weights) and _proportional(design.weights, weighting.base)
    if design.n_rows != len(weights):
        faults.append(
            Fault(where="weighting", found=f"it has {len(weights)} rows and the data {design.n_rows}")
        )
    elif not (before or _proportional(design.weights, weights)):
        faults.append(
            Fault(
                where="weighting",
                found="the design's weights are not those that were calibrated",
                allowed="the weights before calibration, or the calibrated ones",
                remedy="SurveyDesign(weights=...) with the column that was given to calibration",
            )
        )
    if faults:
        raise DesignError(*faults)
    described = replace(
        design,
        weights=weights,
        description=f"{design.description}, {weighting.method}",
        calibration=Calibration(base=weighting.base, basis=weighting.basis),
    )
    if design.replication is None:
        return described
    # Replicates are calibrated on the scale on which the weights were.
    factor = float((weighting.base if before else weights).sum() / design.weights.sum())
    return replace(described, replication=_calibrated_replicates(design.replication, factor, weighting))


def calibrated_influence(influence: Floats, weighting: Weighting, design: ResolvedDesign) -> Floats:
    """Return influences without what calibration has fixed: residuals of a regression on the margins.

    Parameters
    ----------
    influence
        Weighted influence of each row on each estimator under the calibrated weights, shape (n, p).
    weighting
        How the weights were made.
    design
        The design of the same rows with the calibrated weights.

    Returns
    -------
    numpy.ndarray
        Influence to give to `design_variance`, shape (n, p). Doing it twice changes nothing.

    Raises
    ------
    DesignError
        If the design's weights are not the calibrated ones.

    Notes
    -----
    ``w_i e_i`` with ``e`` the residual of ``z_i / w_i`` regressed on the calibration variables under the
    weights before calibration (Deville and Särndal 1992, section 3; ``calibrate`` and ``postStratify`` of the
    R package survey).

    Examples
    --------
    >>> frame = pd.DataFrame({"sex": list("mmww"), "y": [1.0, 1.0, 5.0, 5.0]})
    >>> made = post_stratify(frame, {"sex": {"m": 60, "w": 40}})
    >>> from coprodstats.survey.design import resolve_design
    >>> design = calibrated_design(resolve_design(None, frame), made)
    >>> mean = frame["y"] @ made.weights / 100
    >>> influence = (made.weights * (frame["y"] - mean) / 100).to_numpy()[:, None]
    >>> bool(abs(calibrated_influence(influence, made, design)).max() < 1e-15)
    True
    """
    weights = weighting.weights.to_numpy()
    if not _proportional(design.weights, weights):
        raise DesignError(
            Fault(
                where="weighting",
                found="the design doesn't have the calibrated weights",
                remedy="calibrated_design(design, weighting)",
            )
        )
    return calibration_residuals(influence, weights, Calibration(base=weighting.base, basis=weighting.basis))


def _calibrated(
    totals: PopulationTotals, distance: Distance, tolerance: float, max_iterations: int, method: str
) -> Weighting:
    task = _task(totals, distance, tolerance, max_iterations)
    return _weighting(totals, task, solve_calibration(totals.base, task), method)


def _task(
    totals: PopulationTotals, distance: Distance, tolerance: float, max_iterations: int
) -> CalibrationTask:
    return CalibrationTask(
        matrix=totals.matrix,
        totals=totals.totals,
        sizes=totals.sizes(),
        population=totals.population,
        distance=distance,
        tolerance=tolerance,
        max_iterations=max_iterations,
    )


def _weighting(totals: PopulationTotals, task: CalibrationTask, found: Solution, method: str) -> Weighting:
    weights, iterations = found.weights, found.iterations
    deviation = deviations(weights, task)
    j = int(np.argmax(deviation))
    if not deviation[j] <= task.tolerance:
        reached = task.matrix[:, j] @ weights
        raise WeightError(
            Fault(
                where=totals.function,
                found=f"after {iterations} iterations the worst total is that of {totals.names[j]}: "
                f"{reached:.6g} instead of {task.totals[j]:.6g}, {deviation[j]:.3g} of it away",
                allowed=f"at most {task.tolerance:.3g}",
                remedy="merge small categories, or leave out a margin; no weights may meet all of these",
            )
        )
    if not found.settled:
        raise WeightError(
            Fault(
                where=totals.function,
                found=f"after {iterations} iterations some weights still shrink towards zero: "
                "the margins leave nothing for them",
                remedy="merge small categories, or leave out a margin",
            )
        )
    low = (weights <= 0) & (totals.base > 0)
    if low.any():
        raise WeightError(
            Fault(
                where=totals.function,
                found=f"{how_many(int(low.sum()))} weights would be zero or negative",
                allowed="weights above 0",
                remedy="distance='raking', or merge small categories",
            )
        )
    return Weighting(
        method=method,
        weights=pd.Series(weights, index=totals.index, name="weight"),
        base=totals.base,
        constraints=totals.names,
        totals=task.totals,
        matrix=task.matrix,
        sizes=task.sizes,
        iterations=iterations,
        largest_deviation=float(deviation[j]),
        basis=orthonormal_basis(task.matrix * np.sqrt(totals.base)[:, None]),
        task=task,
    )


def _calibrated_replicates(replication: Replication, factor: float, weighting: Weighting) -> Replication:
    """Return replicate weights, each of which meets the population totals."""
    weights, missed = recalibrated(replication.weights * factor, weighting.task)
    far = ~(missed <= weighting.task.tolerance).all(axis=1) & (replication.rscales > 0)
    if far.any():
        names = [name for name, fails in zip(replication.names, far, strict=True) if fails]
        first = int(np.flatnonzero(far)[0])
        worst = weighting.constraints[int(np.argmax(missed[first]))]
        raise WeightError(
            Fault(
                where=weighting.method,
                found=f"{len(names)} of {replication.n_replicates} replicates can't be calibrated "
                f"({listed(names)}); the worst total of {names[0]} is that of {worst}",
                allowed="every replicate meets the population totals",
                remedy="merge small categories, or leave out a margin",
            )
        )
    return replace(replication, weights=weights)


def _proportional(one: Floats, other: Floats) -> bool:
    return bool(np.allclose(one * other.sum(), other * one.sum(), rtol=1e-9, atol=0.0))


def _require_options(tolerance: float, max_iterations: int) -> None:
    faults = []
    if not 0 < tolerance < 1:
        faults.append(Fault(where="tolerance", found=f"it is {tolerance!r}", allowed="between 0 and 1"))
    if max_iterations < 1:
        faults.append(Fault(where="max_iterations", found=f"it is {max_iterations!r}", allowed="1 at least"))
    if faults:
        raise ArgumentError(*faults)
