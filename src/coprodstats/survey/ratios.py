"""Weighted ratios of totals under a design: means, proportions, shares; their covariance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coprodstats.survey.replicates import replicate_totals, replicate_variance
from coprodstats.survey.resolved import ResolvedDesign
from coprodstats.survey.variance import design_variance

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def ratio_covariance(
    numerators: Floats, denominators: Floats, ratios: Floats, design: ResolvedDesign, domain: Bools
) -> Floats:
    """Return the covariance of ratios of weighted totals in a domain.

    Parameters
    ----------
    numerators, denominators
        Values not yet weighted, shapes (n, m).
    ratios
        The ratios of their weighted totals in the domain, shape (m,).
    design
        The design of the same n rows.
    domain
        Which rows are in the domain, shape (n,).

    Returns
    -------
    numpy.ndarray
        Covariance matrix, shape (m, m).

    Raises
    ------
    DesignError
        If a replicate leaves a denominator without weight.

    Notes
    -----
    Linearised; with replicate weights, from the ratio in each replicate (``svymean`` and ``svyratio`` of the
    R package survey for both kinds of design).
    """
    inside = domain[:, None]
    if design.replication is not None:
        above = replicate_totals(np.where(inside, numerators, 0.0), design.replication)
        below = replicate_totals(np.where(inside, denominators, 0.0), design.replication)
        replicates = np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
        return replicate_variance(replicates, ratios, design.replication)
    w = np.where(domain, design.weights, 0.0)
    influence = w[:, None] * (numerators - ratios * denominators) / (w @ denominators)
    return design_variance(influence, design, domain)
