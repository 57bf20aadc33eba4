"""Sampling designs: weights, strata, PSUs, finite populations, and the variance routine that uses them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import (
    ArgumentError,
    DesignError,
    Fault,
    LonelyPSUError,
    WeightError,
    did_you_mean,
    listed,
)

LonelyPSU = Literal["error", "remove", "adjust", "average"]
DfRule = Literal["stata", "r"]
Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyDesign:
    """Names of the columns that describe how respondents were sampled.

    Parameters
    ----------
    weights
        Column of sampling weights (inverse inclusion probabilities, any scale); none means equal weights.
    strata
        Column of strata; none means a single stratum.
    psu
        Column of primary sampling units; none means that each respondent is one.
    fpc
        Column with, per stratum, either the sampling fraction of PSUs (at most 1) or the number of PSUs in
        the population (above 1); none means sampling with replacement.
    lonely_psu
        What a stratum with a single PSU contributes to the variance: ``"error"`` refuses, ``"remove"`` counts
        nothing, ``"adjust"`` centres that PSU at the mean of all PSUs, ``"average"`` gives it the mean
        contribution of the other strata.
    nested
        How PSU ids that occur in several strata are read: ``True``, they are different PSUs; ``False``, they
        are an error of the file; ``None``, the question is put to you.

    Raises
    ------
    ArgumentError
        If ``lonely_psu`` or ``nested`` is not one of those named, or two roles name the same column.

    Examples
    --------
    >>> SurveyDesign(weights="w", strata="region", psu="municipality").describe()
    'weights: w, strata: region, PSUs: municipality'
    """

    weights: str | None = None
    strata: str | None = None
    psu: str | None = None
    fpc: str | None = None
    lonely_psu: LonelyPSU = "error"
    nested: bool | None = None

    def __post_init__(self) -> None:
        faults = []
        if self.lonely_psu not in get_args(LonelyPSU):
            faults.append(
                Fault(
                    where="SurveyDesign: lonely_psu",
                    found=f"{self.lonely_psu!r} is not a rule",
                    allowed=listed(get_args(LonelyPSU)),
                )
            )
        if self.nested not in (True, False, None):
            faults.append(
                Fault(
                    where="SurveyDesign: nested",
                    found=f"{self.nested!r} is not one",
                    allowed="True, False, None",
                )
            )
        faults += self._shared_columns()
        if faults:
            raise ArgumentError(*faults)

    def _shared_columns(self) -> list[Fault]:
        roles = {"weights": self.weights, "strata": self.strata, "psu": self.psu, "fpc": self.fpc}
        return [
            Fault(
                where=f"SurveyDesign: {second}",
                found=f"{first} and {second} name the same column {roles[second]!r}",
                remedy="leave out psu if respondents were sampled directly within strata"
                if (first, second) == ("strata", "psu")
                else "a column each",
            )
            for first, second in combinations(roles, 2)
            if roles[first] is not None and roles[first] == roles[second]
        ]

    def columns(self) -> tuple[str, ...]:
        """Return the columns that the design needs."""
        return tuple(name for name in (self.weights, self.strata, self.psu, self.fpc) if name is not None)

    def describe(self) -> str:
        """Return the design in words, for the foot of a table."""
        parts = [f"weights: {self.weights}" if self.weights else "equal weights"]
        parts.append(f"strata: {self.strata}" if self.strata else "one stratum")
        parts.append(f"PSUs: {self.psu}" if self.psu else "respondents as PSUs")
        if self.fpc:
            parts.append(f"finite population: {self.fpc}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """What a variance needs to know of calibrated weights.

    Attributes
    ----------
    base
        The weights before calibration, shape (n,).
    basis
        Orthonormal basis of the calibration variables in the metric of ``base``, shape (n, m).
    """

    base: Floats
    basis: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResolvedDesign:
    """A design bound to the rows of one frame, as arrays.

    Attributes
    ----------
    weights
        Sampling weights, shape (n,), as in the data.
    stratum
        Stratum of each row as 0, 1, …, shape (n,).
    psu
        PSU of each row as 0, 1, …, unique across strata, shape (n,).
    psu_stratum
        Stratum of each PSU, shape (number of PSUs,).
    fraction
        Sampling fraction of PSUs in each stratum, shape (number of strata,); 0 without correction.
    stratum_labels
        The strata's names, for messages.
    lonely_psu
        The rule for strata with a single PSU.
    description
        The design in words.
    calibration
        How the weights were calibrated to population totals, or None.
    """

    weights: Floats
    stratum: Ints
    psu: Ints
    psu_stratum: Ints
    fraction: Floats
    stratum_labels: tuple[str, ...]
    lonely_psu: LonelyPSU
    description: str
    calibration: Calibration | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows of the frame."""
        return len(self.weights)

    @property
    def n_psu(self) -> int:
        """Number of PSUs in the design."""
        return len(self.psu_stratum)

    @property
    def n_strata(self) -> int:
        """Number of strata in the design."""
        return len(self.fraction)

    def _calibrated_as(self, other: ResolvedDesign) -> bool:
        one, two = self.calibration, other.calibration
        if one is None or two is None:
            return one is two
        return np.array_equal(one.base, two.base) and np.array_equal(one.basis, two.basis)

    def same_as(self, other: ResolvedDesign) -> bool:
        """Return whether another design has the same rows, weights, strata and PSUs."""
        return self is other or (
            np.array_equal(self.weights, other.weights)
            and np.array_equal(self.stratum, other.stratum)
            and np.array_equal(self.psu, other.psu)
            and np.array_equal(self.fraction, other.fraction)
            and self.lonely_psu == other.lonely_psu
            and self._calibrated_as(other)
        )


def calibration_residuals(influence: Floats, weights: Floats, calibration: Calibration) -> Floats:
    """Return influences without what calibration has fixed, shape (n, p).

    Parameters
    ----------
    influence
        Weighted influence of each row on each estimator under the calibrated weights, shape (n, p).
    weights
        The calibrated weights, shape (n,).
    calibration
        How they were made.

    Notes
    -----
    ``w_i e_i`` with ``e`` the residual of ``z_i / w_i`` regressed on the calibration variables under the
    weights before calibration (Deville and Särndal 1992, *JASA* 87, 376-382, section 3; ``calibrate`` and
    ``postStratify`` of the R package survey). Doing it twice changes nothing.
    """
    root = np.sqrt(calibration.base)
    live = (weights > 0)[:, None]
    per_weight = np.divide(influence, weights[:, None], out=np.zeros_like(influence), where=live)
    scaled = per_weight * root[:, None]
    fixed = calibration.basis @ (calibration.basis.T @ scaled)
    residual = np.divide(scaled - fixed, root[:, None], out=np.zeros_like(scaled), where=live)
    return np.asarray(residual * weights[:, None])


def resolve_design(design: SurveyDesign | None, frame: pd.DataFrame) -> ResolvedDesign:
    """Bind a design to a frame and check every value that it needs.

    Parameters
    ----------
    design
        The design; ``None`` is simple random sampling with equal weights.
    frame
        The data, one row per respondent, shape (n, any).

    Returns
    -------
    ResolvedDesign
        The design as arrays over the rows of ``frame``.

    Raises
    ------
    DesignError
        If a column is absent, strata or PSUs are missing, PSU ids recur across strata without ``nested``
        being declared, or a finite population is impossible.
    WeightError
        If weights are negative, missing, infinite or all zero.
    LonelyPSUError
        If a stratum has one PSU and ``lonely_psu="error"``.

    Examples
    --------
    >>> frame = pd.DataFrame({"w": [1.0, 2.0, 1.0, 1.0], "s": list("aabb"), "p": [1, 2, 3, 4]})
    >>> bound = resolve_design(SurveyDesign(weights="w", strata="s", psu="p"), frame)
    >>> bound.n_psu, bound.n_strata
    (4, 2)
    """
    design = design or SurveyDesign()
    _require_columns(design, frame)
    weights = _weights(design, frame)
    stratum, strata = _codes(frame, design.strata, "strata")
    psu_labels, _ = _codes(frame, design.psu, "psu")
    psu, psu_stratum = _psus(design, stratum, psu_labels)
    resolved = ResolvedDesign(
        weights=weights,
        stratum=stratum,
        psu=psu,
        psu_stratum=psu_stratum,
        fraction=_fractions(design, frame, stratum, strata, psu_stratum),
        stratum_labels=strata,
        lonely_psu=design.lonely_psu,
        description=design.describe(),
    )
    _refuse_lonely(design, resolved)
    return resolved


def design_variance(influence: Floats, design: ResolvedDesign) -> Floats:
    """Return the linearised (Taylor) covariance of estimators from their influence on each row.

    Parameters
    ----------
    influence
        Weighted influence of each row on each estimator, shape (n, p), zero outside the rows used.
    design
        The design of the same n rows.

    Returns
    -------
    numpy.ndarray
        Covariance matrix, shape (p, p).

    Notes
    -----
    ``V = sum_h (1 - f_h) n_h / (n_h - 1) sum_c (z_hc - zbar_h)(z_hc - zbar_h)'`` with ``z_hc`` the total of
    PSU c in stratum h (Binder 1983, *International Statistical Review* 51, 279-292; ultimate clusters).
    Strata with a single PSU follow ``design.lonely_psu`` as in the R package survey.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0]})
    >>> influence = (frame[["y"]].to_numpy() - 3.0) / 4
    >>> variance_of_mean = design_variance(influence, resolve_design(None, frame))[0, 0]
    >>> round(float(variance_of_mean), 6), float(round(frame["y"].var() / 4, 6))
    (0.833333, 0.833333)
    """
    if design.calibration is not None:
        influence = calibration_residuals(influence, design.weights, design.calibration)
    totals = psu_totals(influence, design)
    sizes = np.bincount(design.psu_stratum, minlength=design.n_strata)
    means = _sum_by(totals, design.psu_stratum, design.n_strata) / sizes[:, None]
    deviations = totals - means[design.psu_stratum]
    lonely = (sizes == 1) & (design.fraction < 1)
    with np.errstate(divide="ignore"):
        factor = np.where(sizes > 1, sizes / np.maximum(sizes - 1, 1), 0.0) * (1 - design.fraction)
    if design.lonely_psu == "adjust" and lonely.any():
        rows = lonely[design.psu_stratum]
        deviations[rows] = totals[rows] - totals.sum(axis=0) / design.n_psu
        factor = np.where(lonely, 1 - design.fraction, factor)
    scaled = deviations * np.sqrt(factor)[design.psu_stratum][:, None]
    variance = scaled.T @ scaled
    if design.lonely_psu == "average" and lonely.any():
        variance *= design.n_strata / (design.n_strata - lonely.sum())
    return np.asarray((variance + variance.T) / 2)


def psu_totals(influence: Floats, design: ResolvedDesign) -> Floats:
    """Return the total influence of each PSU, shape (number of PSUs, p)."""
    return _sum_by(influence, design.psu, design.n_psu)


def design_df(design: ResolvedDesign, used: NDArray[np.bool_], *, rule: DfRule = "stata") -> int:
    """Return the design's degrees of freedom: PSUs minus strata.

    Parameters
    ----------
    design
        The design, n rows.
    used
        Which rows are in the estimation sample, shape (n,).
    rule
        ``"stata"`` counts all PSUs of the strata in which any row is used, so that a domain and weights of
        zero outside it come to the same; ``"r"`` counts only PSUs and strata that hold a used row (the
        parameters are subtracted by the model, as R's svyglm does).

    Raises
    ------
    DesignError
        If no degree of freedom is left.
    """
    rows = used & (design.weights > 0)
    strata = np.unique(design.stratum[rows])
    if rule == "r":
        n_psu = len(np.unique(design.psu[rows]))
    else:
        n_psu = int(np.isin(design.psu_stratum, strata).sum())
    df = n_psu - len(strata)
    if df < 1:
        raise DesignError(
            Fault(
                where="SurveyDesign",
                found=f"{n_psu} PSUs in {len(strata)} strata leave no degree of freedom",
                allowed="more PSUs than strata",
                remedy="join strata that were sampled alike",
            )
        )
    return df


def _sum_by(values: Floats, group: Ints, n_groups: int) -> Floats:
    return np.column_stack([np.bincount(group, column, minlength=n_groups) for column in values.T])


def _require_columns(design: SurveyDesign, frame: pd.DataFrame) -> None:
    faults = [
        Fault(
            where=f"SurveyDesign: {role}",
            found=f"the data have no column {name!r}",
            remedy=did_you_mean(name, map(str, frame.columns)) or "name a column of the data",
        )
        for role, name in (
            ("weights", design.weights),
            ("strata", design.strata),
            ("psu", design.psu),
            ("fpc", design.fpc),
        )
        if name is not None and name not in frame.columns
    ]
    if faults:
        raise DesignError(*faults)


def _weights(design: SurveyDesign, frame: pd.DataFrame) -> Floats:
    if design.weights is None:
        return np.ones(len(frame))
    column = frame[design.weights]
    where = f"weights {design.weights!r}"
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        raise WeightError(
            Fault(where=where, found="the column is not numeric", allowed="numbers of at least 0")
        )
    weights = column.to_numpy(dtype=float, na_value=np.nan)
    faults = [
        Fault(
            where=where,
            found=f"{int(bad.sum())} rows have {what} weight",
            allowed="finite numbers of at least 0",
            remedy="mend the file, or exclude those rows before analysis and say so",
        )
        for what, bad in (
            ("a missing", np.isnan(weights)),
            ("an infinite", np.isinf(weights)),
            ("a negative", weights < 0),
        )
        if bad.any()
    ]
    if not faults and not (weights > 0).any():
        faults = [Fault(where=where, found="all weights are zero", allowed="at least one positive weight")]
    if faults:
        raise WeightError(*faults)
    return weights


def _codes(frame: pd.DataFrame, column: str | None, role: str) -> tuple[Ints, tuple[str, ...]]:
    if column is None:
        if role == "strata":
            return np.zeros(len(frame), dtype=np.intp), ("all",)
        return np.arange(len(frame), dtype=np.intp), ()
    missing = int(frame[column].isna().sum())
    if missing:
        raise DesignError(
            Fault(
                where=f"{role} {column!r}",
                found=f"{missing} rows have no value",
                remedy="complete the column, or exclude those rows before analysis and say so",
            )
        )
    codes, labels = pd.factorize(frame[column], sort=True)
    return codes.astype(np.intp), tuple(str(label) for label in labels)


def _psus(design: SurveyDesign, stratum: Ints, psu: Ints) -> tuple[Ints, Ints]:
    pair = stratum.astype(np.int64) * (int(psu.max(initial=0)) + 1) + psu
    distinct, index = np.unique(pair, return_inverse=True)
    owner = np.zeros(len(distinct), dtype=np.intp)
    owner[index] = stratum
    recurring = len(distinct) - len(np.unique(psu))
    if recurring and design.nested is not True:
        raise DesignError(
            Fault(
                where=f"psu {design.psu!r}",
                found=f"PSU ids recur in several strata of {design.strata!r}: read as nested there are "
                f"{len(distinct)} PSUs, read as unique ids {len(np.unique(psu))}",
                remedy="SurveyDesign(..., nested=True) if the ids are numbered anew in each stratum; "
                "otherwise correct the file: a PSU lies in one stratum",
            )
        )
    return index.astype(np.intp), owner


def _fractions(
    design: SurveyDesign, frame: pd.DataFrame, stratum: Ints, strata: tuple[str, ...], psu_stratum: Ints
) -> Floats:
    fraction = np.zeros(len(strata))
    if design.fpc is None:
        return fraction
    where = f"fpc {design.fpc!r}"
    values = pd.to_numeric(frame[design.fpc], errors="coerce").to_numpy(dtype=float)
    faults = []
    if not np.all(np.isfinite(values)) or (values <= 0).any():
        faults.append(
            Fault(where=where, found="some values are missing or not positive", allowed="numbers above 0")
        )
        raise DesignError(*faults)
    sizes = np.bincount(psu_stratum, minlength=len(strata))
    for h, name in enumerate(strata):
        given = np.unique(values[stratum == h])
        population = given[0] if given[0] > 1 else sizes[h] / given[0]
        if len(given) > 1:
            faults.append(Fault(where=where, found=f"stratum {name} has {len(given)} different values"))
        elif population < sizes[h]:
            faults.append(
                Fault(where=where, found=f"stratum {name} has {sizes[h]} sampled PSUs of {population:g}")
            )
        else:
            fraction[h] = sizes[h] / population
    if faults:
        raise DesignError(*faults)
    return fraction


def _refuse_lonely(design: SurveyDesign, resolved: ResolvedDesign) -> None:
    if design.lonely_psu != "error":
        return
    sizes = np.bincount(resolved.psu_stratum, minlength=resolved.n_strata)
    lonely = np.flatnonzero((sizes == 1) & (resolved.fraction < 1))
    if len(lonely):
        names = listed([resolved.stratum_labels[h] for h in lonely])
        raise LonelyPSUError(
            Fault(
                where=f"strata {design.strata!r}",
                found=f"{len(lonely)} of {resolved.n_strata} strata have a single PSU ({names}), "
                "so that their variance can't be estimated",
                allowed="lonely_psu = 'remove', 'adjust' or 'average'",
                remedy="join similar strata, or lonely_psu='adjust' for a cautious variance",
            )
        )
