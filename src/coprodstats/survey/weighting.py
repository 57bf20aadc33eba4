"""Weights that reproduce known population totals, what they do to variances, and how uneven they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq

from coprodstats.errors import ArgumentError, DesignError, Fault, WeightError, did_you_mean, listed
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import ResolvedDesign, SurveyDesign, resolve_design
from coprodstats.survey.log import how_many

Floats = NDArray[np.float64]
Distance = Literal["linear", "raking"]
Margins = Mapping[str | tuple[str, ...], Mapping[Any, float] | pd.Series]

# Directions in which the calibration variables vary less than this share of the largest are dependence: every
# margin's cells add up to the same total.
DEPENDENCE = 1e-10


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
    iterations
        Newton steps taken.
    largest_deviation
        Largest distance of a weighted total from its population total, relative to that.
    basis
        Orthonormal basis of ``matrix`` in the metric of ``base``, shape (n, rank of ``matrix``).

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
    iterations: int
    largest_deviation: float
    basis: Floats

    def to_frame(self) -> pd.DataFrame:
        """Return each total: ``constraint, population, before, after, deviation`` (relative)."""
        after = self.matrix.T @ self.weights.to_numpy()
        return pd.DataFrame(
            {
                "constraint": list(self.constraints),
                "population": self.totals,
                "before": self.matrix.T @ self.base,
                "after": after,
                "deviation": (after - self.totals) / _sizes(self.matrix, self.base, self.totals),
            }
        )

    def __repr__(self) -> str:
        steps = f"{self.iterations} iteration" + ("" if self.iterations == 1 else "s")
        return f"<Weighting by {self.method}: {len(self.base)} rows, {len(self.totals)} totals, {steps}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightDiagnostics:
    """How uneven weights are; rows of weight zero are counted and left out of the rest.

    Attributes
    ----------
    n, n_zero
        Rows with a positive weight, and rows of weight zero.
    total, mean
        Sum and mean of the positive weights.
    minimum, maximum, ratio
        The smallest and the largest positive weight, and the largest over the smallest.
    kish_effect
        ``n sum(w^2) / sum(w)^2``, one plus the squared coefficient of variation: the factor by which uneven
        weights raise the variance of a mean that is unrelated to them (Kish 1965, *Survey Sampling*).
    effective_n
        ``n`` divided by ``kish_effect``.
    largest_percent_share
        Share of the total that the largest 1 % of weights hold (at least one row).

    Examples
    --------
    >>> weight_diagnostics([1.0, 1.0, 2.0]).ratio
    2.0
    """

    n: int
    n_zero: int
    total: float
    mean: float
    minimum: float
    maximum: float
    ratio: float
    kish_effect: float
    effective_n: float
    largest_percent_share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrimmedWeights:
    """Weights held within limits.

    Attributes
    ----------
    weights
        The weights after trimming.
    n_raised, n_lowered
        How many weights ended on the lower and on the upper limit without having been there.
    scale
        What the other weights were multiplied by.
    total_before, total_after
        Sums of the weights.

    Examples
    --------
    >>> trimmed = trim_weights([1.0, 1.0, 2.0, 8.0], upper=5.0)
    >>> trimmed.weights.tolist(), trimmed.n_lowered
    ([1.75, 1.75, 3.5, 5.0], 1)
    """

    weights: pd.Series
    n_raised: int
    n_lowered: int
    scale: float
    total_before: float
    total_after: float


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
    task = _task("rake", data, margins, {}, weights, tolerance)
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
    task = _task("post_stratify", data, margins, {}, weights, tolerance=1e-8)
    factor = task.totals / (task.matrix.T @ task.base)
    return _weighting(task, task.base * (task.matrix @ factor), "post-stratification", 1)


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
    task = _task("calibrate", data, margins or {}, totals or {}, weights, tolerance)
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
    """
    weights = weighting.weights.to_numpy()
    faults = []
    if design.n_rows != len(weights):
        faults.append(
            Fault(where="weighting", found=f"it has {len(weights)} rows and the data {design.n_rows}")
        )
    elif not (_proportional(design.weights, weighting.base) or _proportional(design.weights, weights)):
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
    return replace(design, weights=weights, description=f"{design.description}, {weighting.method}")


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
    root = np.sqrt(weighting.base)
    live = weights > 0
    per_weight = np.divide(influence, weights[:, None], out=np.zeros_like(influence), where=live[:, None])
    scaled = per_weight * root[:, None]
    fixed = weighting.basis @ (weighting.basis.T @ scaled)
    residual = np.divide(scaled - fixed, root[:, None], out=np.zeros_like(scaled), where=live[:, None])
    return np.asarray(residual * weights[:, None])


def weight_diagnostics(weights: pd.Series | Floats | list[float]) -> WeightDiagnostics:
    """Return how uneven weights are: Kish's effect, effective n, extremes.

    Parameters
    ----------
    weights
        The weights, shape (n,).

    Returns
    -------
    WeightDiagnostics
        The measures.

    Raises
    ------
    WeightError
        If weights are negative, missing, infinite or all zero.

    Examples
    --------
    >>> found = weight_diagnostics([1.0, 1.0, 1.0, 3.0])
    >>> round(found.kish_effect, 6), found.effective_n
    (1.333333, 3.0)
    """
    values = _series(weights).to_numpy()
    w = np.sort(values[values > 0])
    n, total = len(w), float(w.sum())
    kish = float(n * (w @ w) / total**2)
    largest = -(-n // 100)
    return WeightDiagnostics(
        n=n,
        n_zero=int(len(values) - n),
        total=total,
        mean=total / n,
        minimum=float(w[0]),
        maximum=float(w[-1]),
        ratio=float(w[-1] / w[0]),
        kish_effect=kish,
        effective_n=n / kish,
        largest_percent_share=float(w[-largest:].sum() / total),
    )


def trim_weights(
    weights: pd.Series | Floats | list[float],
    *,
    lower: float | None = None,
    upper: float | None = None,
    redistribute: bool = True,
) -> TrimmedWeights:
    """Return weights held within limits, and how many had to be.

    Parameters
    ----------
    weights
        The weights, shape (n,); those of zero stay zero.
    lower, upper
        The limits, on the scale of the weights; none is no limit.
    redistribute
        Whether the sum of the weights is kept: the weights are multiplied by a common factor before they are
        limited, so that those within the limits keep their ratios. Otherwise they are only cut off.

    Returns
    -------
    TrimmedWeights
        The weights and the counts. Margins met before are not met after: compare ``Weighting.to_frame()``.

    Raises
    ------
    ArgumentError
        If no limit is given, or no weights within the limits have that sum.
    WeightError
        If weights are negative, missing, infinite or all zero.

    Examples
    --------
    >>> trim_weights([1.0, 1.0, 2.0, 8.0], upper=4.0, redistribute=False).weights.tolist()
    [1.0, 1.0, 2.0, 4.0]
    """
    series = _series(weights)
    values = series.to_numpy()
    live = values > 0
    w = values[live]
    low, high = (0.0 if lower is None else lower), (np.inf if upper is None else upper)
    _require_limits(lower, upper, w, redistribute=redistribute)
    scale = _common_factor(w, low, high) if redistribute else 1.0
    trimmed = values.copy()
    trimmed[live] = np.clip(scale * w, low, high)
    return TrimmedWeights(
        weights=pd.Series(trimmed, index=series.index, name=series.name),
        n_raised=int((scale * w < low).sum()),
        n_lowered=int((scale * w > high).sum()),
        scale=scale,
        total_before=float(values.sum()),
        total_after=float(trimmed.sum()),
    )


# --- checking margins ---


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Task:
    """What is to be calibrated: base weights, variables with totals, the population if margins tell."""

    function: str
    index: pd.Index = field(repr=False)
    base: Floats
    matrix: Floats
    totals: Floats
    names: tuple[str, ...]
    population: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Block:
    """One margin or numeric total, as columns of the calibration matrix."""

    label: str
    names: tuple[str, ...]
    matrix: Floats
    totals: Floats
    categorical: bool


def _task(
    function: str,
    data: CleanedSurvey | pd.DataFrame,
    margins: Margins,
    totals: Mapping[str, float],
    weights: str | None,
    tolerance: float,
) -> _Task:
    frame = data.frame if isinstance(data, CleanedSurvey) else data
    if weights is None and isinstance(data, CleanedSurvey) and data.design is not None:
        weights = data.design.weights
    base = resolve_design(SurveyDesign(weights=weights), frame).weights
    faults: list[Fault] = []
    blocks: list[_Block] = []
    for key, given in margins.items():
        columns = (key,) if isinstance(key, str) else tuple(key)
        _add(faults, blocks, _margin(function, frame, base, columns, dict(given.items())))
    for name, total in totals.items():
        _add(faults, blocks, _numeric(function, frame, base, name, total))
    if not margins and not totals:
        faults.append(Fault(where=f"{function}: margins", found="none is given", allowed="one at least"))
    faults += _unequal_grand_totals(function, blocks, tolerance)
    if faults:
        raise ArgumentError(*faults)
    return _Task(
        function=function,
        index=frame.index,
        base=base,
        matrix=np.hstack([block.matrix for block in blocks]),
        totals=np.concatenate([block.totals for block in blocks]),
        names=tuple(name for block in blocks for name in block.names),
        population=next((float(block.totals.sum()) for block in blocks if block.categorical), 0.0),
    )


def _add(faults: list[Fault], blocks: list[_Block], found: _Block | list[Fault]) -> None:
    if isinstance(found, _Block):
        blocks.append(found)
    else:
        faults += found


def _margin(
    function: str, frame: pd.DataFrame, base: Floats, columns: tuple[str, ...], given: dict[Any, float]
) -> _Block | list[Fault]:
    label = " × ".join(columns)
    where = f"{function}: margin {label!r}"
    faults = _unusable_columns(where, frame, base, columns)
    if faults:
        return faults
    rows = _cells(frame, columns)
    live = base > 0
    counts = Counter(cell for cell, counted in zip(rows, live, strict=True) if counted)
    undeclared = sorted((cell for cell in counts if cell not in given), key=str)
    empty = [cell for cell in given if cell not in counts]
    faults += [
        Fault(
            where=where,
            found=f"the data have {_words(cell)} ({how_many(counts[cell])} rows), which has no total",
            remedy=did_you_mean(str(cell), map(str, given)) or "declare its population total",
        )
        for cell in undeclared
    ]
    faults += [
        Fault(
            where=where,
            found=f"no respondent with a positive weight is {_words(cell)}",
            remedy="merge it with another category, in the data and in the margin",
        )
        for cell in empty
    ]
    faults += [
        Fault(where=where, found=f"the total of {_words(cell)} is {total!r}", allowed="finite, above 0")
        for cell, total in given.items()
        if not _is_number(total) or not (np.isfinite(total) and total > 0)
    ]
    if faults:
        return faults
    position = {cell: j for j, cell in enumerate(given)}
    codes = np.array(
        [position.get(cell, -1) if counted else -1 for cell, counted in zip(rows, live, strict=True)]
    )
    matrix = (codes[:, None] == np.arange(len(given))).astype(float)
    return _Block(
        label=label,
        names=tuple(f"{label} = {_words(cell)}" for cell in given),
        matrix=matrix,
        totals=np.array(list(given.values()), dtype=float),
        categorical=True,
    )


def _numeric(
    function: str, frame: pd.DataFrame, base: Floats, name: str, total: float
) -> _Block | list[Fault]:
    where = f"{function}: total {name!r}"
    faults = _unusable_columns(where, frame, base, (name,))
    if not faults and not pd.api.types.is_numeric_dtype(frame[name]):
        faults.append(Fault(where=where, found="the column is not numeric", remedy="a margin for categories"))
    if not _is_number(total) or not np.isfinite(total):
        faults.append(Fault(where=where, found=f"it is {total!r}", allowed="a finite number"))
    if faults:
        return faults
    values = np.where(base > 0, frame[name].to_numpy(dtype=float, na_value=np.nan), 0.0)
    if not np.isfinite(values).all():
        return [Fault(where=where, found="some values are infinite", allowed="finite numbers")]
    return _Block(
        label=name,
        names=(name,),
        matrix=values[:, None],
        totals=np.array([float(total)]),
        categorical=False,
    )


def _unusable_columns(where: str, frame: pd.DataFrame, base: Floats, columns: tuple[str, ...]) -> list[Fault]:
    faults = []
    for name in columns:
        if name not in frame.columns:
            near = did_you_mean(name, map(str, frame.columns))
            faults.append(
                Fault(
                    where=where, found=f"there is no column {name!r}", remedy=near or "a column of the data"
                )
            )
            continue
        missing = int((frame[name].isna().to_numpy() & (base > 0)).sum())
        if missing:
            faults.append(
                Fault(
                    where=where,
                    found=f"{name!r} is missing in {how_many(missing)} rows",
                    allowed="a value in every row with a positive weight",
                    remedy="give the missing a category and a total of their own, or exclude them and say so",
                )
            )
    return faults


def _unequal_grand_totals(function: str, blocks: list[_Block], tolerance: float) -> list[Fault]:
    sums = {block.label: float(block.totals.sum()) for block in blocks if block.categorical}
    if not sums or max(sums.values()) - min(sums.values()) <= tolerance * max(sums.values()):
        return []
    return [
        Fault(
            where=f"{function}: margins",
            found="grand totals differ: " + ", ".join(f"{k} {total:.10g}" for k, total in sums.items()),
            allowed="the same population in every margin",
            remedy="scale each margin to one grand total",
        )
    ]


def _cells(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[Any]:
    values = [frame[name].astype(object).tolist() for name in columns]
    return values[0] if len(values) == 1 else list(zip(*values, strict=True))


def _words(cell: object) -> str:
    return ", ".join(map(str, cell)) if isinstance(cell, tuple) else repr(cell)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


# --- making weights ---


def _calibrated(
    task: _Task, distance: Distance, tolerance: float, max_iterations: int, method: str
) -> Weighting:
    """Solve ``sum d F(x'b) x = t`` by Newton's method on its convex dual, halving steps that overshoot."""
    # Columns on a common scale; margins let the weights start at the population's size, which changes nothing
    # of the solution.
    size = np.sqrt(task.base @ task.matrix**2 / task.base.sum())
    size[size == 0] = 1.0
    x, t = task.matrix / size, task.totals / size
    d = task.base * (task.population / task.base.sum() if task.population else 1.0)
    allowed = tolerance * _sizes(task.matrix, task.base, task.totals) / size
    b = np.zeros(len(t))
    weights, slope = _weights_at(x @ b, d, distance)
    met, iterations = False, 0
    while iterations < max_iterations:
        iterations += 1
        step = _solved(x.T @ (slope[:, None] * x), t - x.T @ weights)
        b = _descended(b, step, x, t, d, distance)
        weights, slope = _weights_at(x @ b, d, distance)
        if met:  # the step after the tolerance is met costs little and leaves rounding only
            break
        met = bool((np.abs(t - x.T @ weights) <= allowed).all())
    return _weighting(task, weights, method, iterations, tolerance=tolerance)


def _weights_at(eta: Floats, d: Floats, distance: Distance) -> tuple[Floats, Floats]:
    if distance == "linear":
        return d * (1 + eta), d
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.where(d > 0, d * np.exp(eta), 0.0)
    return weights, weights


def _solved(information: Floats, misfit: Floats) -> Floats:
    values, vectors = np.linalg.eigh(information)
    kept = values > DEPENDENCE * values[-1]
    return np.asarray(vectors[:, kept] @ ((vectors[:, kept].T @ misfit) / values[kept]))


def _descended(b: Floats, step: Floats, x: Floats, t: Floats, d: Floats, distance: Distance) -> Floats:
    if distance == "linear":
        return b + step

    def dual(at: Floats) -> float:
        with np.errstate(over="ignore"):
            return float(d @ np.exp(x @ at) - t @ at)

    start, length = dual(b), 1.0
    slack = 1e-12 * (abs(start) + 1)
    while length > 1e-10 and not dual(b + length * step) <= start + slack:
        length /= 2
    return b + length * step


def _weighting(
    task: _Task, weights: Floats, method: str, iterations: int, tolerance: float = 1e-8
) -> Weighting:
    deviation = np.abs(task.matrix.T @ weights - task.totals) / _sizes(task.matrix, task.base, task.totals)
    worst = int(np.argmax(np.where(np.isfinite(deviation), deviation, np.inf)))
    if not deviation[worst] <= tolerance:
        raise WeightError(
            Fault(
                where=task.function,
                found=f"after {iterations} iterations the worst total is that of {task.names[worst]}, "
                f"{deviation[worst]:.3g} of it away",
                allowed=f"at most {tolerance:.3g}",
                remedy="merge small categories, or leave out a margin; no weights may meet all of these",
            )
        )
    low = (weights <= 0) & (task.base > 0)
    if low.any():
        raise WeightError(
            Fault(
                where=task.function,
                found=f"{how_many(int(low.sum()))} weights would be zero or negative",
                allowed="weights above 0",
                remedy="distance='raking', or merge small categories",
            )
        )
    return Weighting(
        method=method,
        weights=pd.Series(weights, index=task.index, name="weight"),
        base=task.base,
        constraints=task.names,
        totals=task.totals,
        matrix=task.matrix,
        iterations=iterations,
        largest_deviation=float(deviation[worst]),
        basis=_basis(task.matrix * np.sqrt(task.base)[:, None]),
    )


def _basis(columns: Floats) -> Floats:
    norms = np.linalg.norm(columns, axis=0)
    scaled = columns / np.where(norms > 0, norms, 1.0)
    left, values, _ = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray(left[:, values > DEPENDENCE * values[0]])


def _sizes(matrix: Floats, base: Floats, totals: Floats) -> Floats:
    """Return what a deviation is relative to: the total, or for a signed variable its absolute values."""
    signed = (matrix < 0).any(axis=0) | (totals <= 0)
    return np.where(signed, np.maximum(np.abs(totals), np.abs(matrix).T @ base), totals)


def _proportional(one: Floats, other: Floats) -> bool:
    return bool(np.allclose(one * other.sum(), other * one.sum(), rtol=1e-9, atol=0.0))


# --- options and single series ---


def _require_options(tolerance: float, max_iterations: int) -> None:
    faults = []
    if not 0 < tolerance < 1:
        faults.append(Fault(where="tolerance", found=f"it is {tolerance!r}", allowed="between 0 and 1"))
    if max_iterations < 1:
        faults.append(Fault(where="max_iterations", found=f"it is {max_iterations!r}", allowed="1 at least"))
    if faults:
        raise ArgumentError(*faults)


def _series(weights: pd.Series | Floats | list[float]) -> pd.Series:
    series = weights if isinstance(weights, pd.Series) else pd.Series(weights, dtype=float)
    checked = resolve_design(SurveyDesign(weights="weights"), pd.DataFrame({"weights": series})).weights
    return pd.Series(checked, index=series.index, name=series.name)


def _require_limits(lower: float | None, upper: float | None, w: Floats, *, redistribute: bool) -> None:
    low, high = (0.0 if lower is None else lower), (np.inf if upper is None else upper)
    where = "trim_weights"
    found = ""
    if lower is None and upper is None:
        found = "no limit is given"
    elif not 0 <= low < high or np.isinf(low):
        found = f"the limits are {low!r} and {high!r}"
    elif redistribute and not low * len(w) <= w.sum() <= high * len(w):
        found = f"no {len(w)} weights between {low!r} and {high!r} add up to {w.sum():.10g}"
    if found:
        raise ArgumentError(
            Fault(where=where, found=found, allowed="0 <= lower < upper, around the mean of the weights")
        )


def _common_factor(w: Floats, low: float, high: float) -> float:
    """Return the factor c for which weights c w, limited, have the sum of w: that sum grows with c."""
    total = w.sum()

    def excess(log_factor: float) -> float:
        return float(np.clip(np.exp(log_factor) * w, low, high).sum() - total)

    if abs(excess(0.0)) <= 1e-14 * total:
        return 1.0
    ends = [bound / value for bound in (low, high) for value in (w.min(), w.max()) if 0 < bound < np.inf]
    start, stop = np.log(min(*ends, 1e-3) / 2), np.log(max(*ends, 1e3) * 2)
    scaled = w * np.exp(brentq(excess, start, stop, xtol=1e-15, rtol=1e-14))
    free = (scaled > low) & (scaled < high)
    limited = np.clip(scaled, low, high)[~free].sum()
    return float((total - limited) / w[free].sum()) if free.any() else float(scaled[0] / w[0])
