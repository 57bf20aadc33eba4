"""Influence of each row on the estimates, and the covariance matrices made of it: arrays only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from coprodstats.models.pair_matrices import sandwich
from coprodstats.models.scores import Scores
from coprodstats.survey.design import Ints, ResolvedDesign, design_variance
from coprodstats.survey.numbering import first_rows, occurring
from coprodstats.survey.products import settled_product

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
CovarianceKind = Literal["design", "robust", "model"]

# Rows are summed by sampling unit before their influence is formed where a unit holds this many on average.
ROWS_PER_UNIT = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Influence:
    """The influence of each row of a frame on q estimates: what it takes to lay it out.

    Attributes
    ----------
    scores
        Weighted scores of the rows used.
    bread
        Matrix from scores to influence, shape (q, q).
    used
        Which rows of the frame are used, shape (n,).
    filling
        Covariance of the total of the scores, shape (q, q); None where the estimates' is not made of it.
    """

    scores: Scores
    bread: Floats
    used: Bools
    filling: Floats | None = None

    def laid_out(self) -> Floats:
        """Return it, zero where a row is not used, shape (n, q)."""
        return spread(settled_product(self.scores.laid_out(), self.bread.T), self.used)

    def covariance_of(self, gradient: Floats) -> Floats | None:
        """Return the covariance of functions of the estimates with a gradient (m, q), or None; shape (m, m).

        It has more digits than that of the estimates where these are correlated, such as those of a year and
        its square.
        """
        if self.filling is None:
            return None
        return sandwich(settled_product(gradient, self.bread), self.filling)


def influence_rows(scores: Floats, weights: Floats, information: Floats) -> Floats:
    """Return each row's influence on the estimates: weighted score times inverse information.

    Parameters
    ----------
    scores
        Unweighted scores, shape (n, q).
    weights
        Weights, shape (n,).
    information
        Observed information of the weighted likelihood, shape (q, q).

    Returns
    -------
    numpy.ndarray
        Influence, shape (n, q). The scale of the weights cancels.

    Notes
    -----
    Binder (1983), *International Statistical Review* 51, 279-292.
    """
    return np.asarray(np.linalg.solve(information, (scores * weights[:, None]).T).T)


def spread(rows: Floats, used: Bools) -> Floats:
    """Return rows laid out over the whole frame, zero where a row is not used, shape (n, q)."""
    whole = np.zeros((len(used), rows.shape[1]))
    whole[used] = rows
    return whole


def independent_rows(design: ResolvedDesign, used: NDArray[np.bool_]) -> ResolvedDesign:
    """Return the design in which the used rows are drawn independently: the robust covariance.

    Rows that are not used keep their place, as a PSU each of a stratum of their own, so that influences can
    still be laid out over the same frame.
    """
    n = len(used)
    stratum: Ints = np.where(used, 0, 1).astype(np.intp)
    n_strata = 2 if not used.all() else 1
    return ResolvedDesign(
        weights=design.weights,
        psu=np.arange(n, dtype=np.intp),
        psu_stratum=stratum,
        fraction=np.zeros(n_strata),
        stratum_labels=("used", "not used")[:n_strata],
        lonely_psu="remove",
        description="independent respondents" + (", " + design.description if _weighted(design) else ""),
        calibration=design.calibration,
    )


def _weighted(design: ResolvedDesign) -> bool:
    return bool(np.ptp(design.weights) > 0)


def score_covariance(scores: Scores, used: Bools, design: ResolvedDesign) -> Floats:
    """Return the linearised covariance of the total of scores under a design, shape (q, q).

    Parameters
    ----------
    scores
        Weighted scores of the rows used.
    used
        Which rows of the frame these are, shape (n,).
    design
        The design of the frame.

    Notes
    -----
    Variances are of totals of sampling units, so that scores are summed by the smallest of these first: the
    influence of every row is laid out only where that would save nothing, or where calibration or replicate
    weights ask for it.
    """
    units, n_units = smallest_units(design)
    by_row = design.calibration is not None or design.replication is not None
    if by_row or n_units * ROWS_PER_UNIT > len(units):
        return design_variance(spread(scores.laid_out(), used), design, used)
    inside = units if used.all() else units[used]
    totals = scores.totals(inside, n_units)
    return design_variance(totals, _of_units(design, units, n_units), occurring(inside, n_units))


def smallest_units(design: ResolvedDesign) -> tuple[Ints, int]:
    """Return the sampling unit of the last stage that each row belongs to, shape (n,), and their number."""
    last = design.stages[-1] if design.stages else design.first_stage
    return last.unit, last.n_units


def _of_units(design: ResolvedDesign, units: Ints, n_units: int) -> ResolvedDesign:
    """Return a design in which each sampling unit is one row, that of equal weights."""
    rows = first_rows(units, n_units)
    return replace(
        design,
        weights=np.ones(len(rows)),
        psu=design.psu[rows],
        stages=tuple(replace(stage, unit=stage.unit[rows]) for stage in design.stages),
    )


def robust_score_covariance(scores: Scores, used: Bools, design: ResolvedDesign) -> Floats:
    """Return the covariance of the total of scores of independent rows, shape (q, q); see `independent_rows`.

    Parameters
    ----------
    scores, used, design
        As for `score_covariance`.

    Notes
    -----
    ``n / (n - 1) sum_i (s_i - sbar)(s_i - sbar)'``; at a maximum sbar is rounding.
    """
    if design.calibration is not None:
        return score_covariance(scores, used, design)
    n = int(used.sum())
    total = scores.totals(np.zeros(n, dtype=np.intp), 1)[0]
    return (scores.products() - np.outer(total, total) / n) * (n / (n - 1))
