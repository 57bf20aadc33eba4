"""Influence of each row on the estimates, and the covariance matrices made of it: arrays only."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from coprodstats.survey.design import Ints, ResolvedDesign, design_variance

Floats = NDArray[np.float64]
CovarianceKind = Literal["design", "robust", "model"]


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


def spread(rows: Floats, used: NDArray[np.bool_]) -> Floats:
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
        stratum=stratum,
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


def covariance(influence: Floats, design: ResolvedDesign) -> Floats:
    """Return the covariance of estimates from their influence on every row of the design, shape (q, q)."""
    return design_variance(influence, design)
