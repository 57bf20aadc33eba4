"""A design bound to the rows of one frame: the arrays that variances are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coprodstats.survey.design_faults import LonelyPSU
from coprodstats.survey.replicates import Replication

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


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
class Stage:
    """One stage of sampling: units drawn within strata, the strata within units of the stage before.

    Attributes
    ----------
    unit
        Unit of each row as 0, 1, …, unique across strata, shape (n,).
    unit_stratum
        Stratum of each unit, shape (number of units,).
    stratum_parent
        Unit of the stage before in which each stratum lies, shape (number of strata,); all 0 at the first.
    fraction
        Sampling fraction of units in each stratum, shape (number of strata,); 0 without correction.
    labels
        The strata's names, for messages; shape (number of strata,).
    """

    unit: Ints
    unit_stratum: Ints
    stratum_parent: Ints
    fraction: Floats
    labels: tuple[str, ...]

    @property
    def n_units(self) -> int:
        """Number of units sampled."""
        return len(self.unit_stratum)

    @property
    def n_strata(self) -> int:
        """Number of strata."""
        return len(self.fraction)

    @property
    def sizes(self) -> Ints:
        """Number of units in each stratum, shape (number of strata,)."""
        if self.n_strata == 1:
            return np.array([self.n_units])
        return np.bincount(self.unit_stratum, minlength=self.n_strata)

    def same_as(self, other: Stage) -> bool:
        """Return whether another stage has the same units, strata and fractions."""
        return (
            np.array_equal(self.unit, other.unit)
            and np.array_equal(self.unit_stratum, other.unit_stratum)
            and np.array_equal(self.fraction, other.fraction)
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResolvedDesign:
    """A design bound to the rows of one frame, as arrays.

    Attributes
    ----------
    weights
        Sampling weights, shape (n,), as in the data.
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
        How the weights were calibrated to population totals, or None. Replicate weights are calibrated one
        by one, and it speaks only where they are not used (a robust covariance).
    stages
        The stages of sampling after the first; none without finite populations (ultimate clusters).
    adjust_domain_lonely
        Whether the rule also holds for strata of which a domain leaves a single PSU.
    replication
        The replicate weights that variances come from, or None.
    """

    weights: Floats
    psu: Ints
    psu_stratum: Ints
    fraction: Floats
    stratum_labels: tuple[str, ...]
    lonely_psu: LonelyPSU
    description: str
    calibration: Calibration | None = None
    stages: tuple[Stage, ...] = ()
    adjust_domain_lonely: bool = False
    replication: Replication | None = None

    @property
    def stratum(self) -> Ints:
        """Stratum of each row as 0, 1, …, made anew each time, shape (n,)."""
        return np.take(self.psu_stratum, self.psu, mode="clip")  # "raise" would go through a buffer

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

    @property
    def first_stage(self) -> Stage:
        """The strata and PSUs as a stage like the others."""
        return Stage(
            unit=self.psu,
            unit_stratum=self.psu_stratum,
            stratum_parent=np.zeros(self.n_strata, dtype=np.intp),
            fraction=self.fraction,
            labels=self.stratum_labels,
        )

    def _calibrated_as(self, other: ResolvedDesign) -> bool:
        one, two = self.calibration, other.calibration
        if one is None or two is None:
            return one is two
        return np.array_equal(one.base, two.base) and np.array_equal(one.basis, two.basis)

    def _staged_as(self, other: ResolvedDesign) -> bool:
        mine, others = (self.first_stage, *self.stages), (other.first_stage, *other.stages)
        return len(mine) == len(others) and all(map(Stage.same_as, mine, others))

    def _replicated_as(self, other: ResolvedDesign) -> bool:
        if self.replication is None:
            return other.replication is None
        return self.replication.same_as(other.replication)

    def same_as(self, other: ResolvedDesign) -> bool:
        """Return whether another design gives every variance of the same rows alike."""
        return self is other or (
            np.array_equal(self.weights, other.weights)
            and self._staged_as(other)
            and (self.lonely_psu, self.adjust_domain_lonely) == (other.lonely_psu, other.adjust_domain_lonely)
            and self._calibrated_as(other)
            and self._replicated_as(other)
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
