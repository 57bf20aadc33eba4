"""Replicate weights: the record of them, and the variance that estimates made with each of them give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from coprodstats.errors import DesignError, Fault, listed

if TYPE_CHECKING:
    from coprodstats.survey.resolved import ResolvedDesign

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# A column of replicate weights that the others explain to this share of its length counts for no degree of
# freedom (the tolerance of R's degf); below it on the square, which is what a cross-product shows.
DEPENDENT = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replication:
    """Replicate weights of n rows, and how estimates made with them become a variance.

    Attributes
    ----------
    weights
        Full weights of each replicate, the sampling weight already in them, shape (n, R).
    scale
        What the sum of squares is multiplied by.
    rscales
        What each replicate's square is multiplied by, shape (R,); 0 leaves a replicate out.
    mse
        Whether deviations are taken from the estimate itself, or else from the mean of the replicates.
    method
        ``"jk1"``, ``"jkn"``, ``"jk2"``, ``"brr"``, ``"fay"``, ``"bootstrap"``, ``"sdr"`` or ``"other"``.
    names
        Columns of the data, or ``"replicate 17"``; shape (R,).
    df
        Declared degrees of freedom, or None.
    seed
        The seed that random replicates were made with, or None.
    description
        The method in words.
    made
        Whether the weights were made from strata and PSUs, or else given with the data.
    """

    weights: Floats
    scale: float
    rscales: Floats
    mse: bool
    method: str
    names: tuple[str, ...]
    df: int | None
    seed: int | None
    description: str
    made: bool = False

    @property
    def n_replicates(self) -> int:
        """Number of replicates."""
        return len(self.names)

    def same_as(self, other: Replication | None) -> bool:
        """Return whether other replicates give every variance alike."""
        return self is other or (
            other is not None
            and (self.scale, self.mse, self.df) == (other.scale, other.mse, other.df)
            and np.array_equal(self.rscales, other.rscales)
            and np.array_equal(self.weights, other.weights)
        )


def replicate_variance(replicates: Floats, estimate: Floats, replication: Replication) -> Floats:
    """Return the covariance of estimates from the estimates of each replicate.

    Parameters
    ----------
    replicates
        The m estimates made with each replicate's weights, shape (R, m).
    estimate
        The estimates made with the sampling weights, shape (m,).
    replication
        How the replicates were made.

    Returns
    -------
    numpy.ndarray
        Covariance matrix, shape (m, m).

    Raises
    ------
    DesignError
        If a replicate that counts has no estimate; it names them.

    Notes
    -----
    ``scale sum_r rscales_r (t_r - c)(t_r - c)'`` with ``c`` the estimate if ``mse``, else the mean of the
    replicates whose ``rscales`` are above 0 (``svrVar`` of the R package survey; Wolter 2007, *Introduction
    to Variance Estimation*, chapters 3 to 5).

    Examples
    --------
    >>> jackknife = Replication(
    ...     weights=np.array([[0.0, 2.0], [2.0, 0.0]]),
    ...     scale=0.5,
    ...     rscales=np.ones(2),
    ...     mse=False,
    ...     method="jk1",
    ...     names=("replicate 1", "replicate 2"),
    ...     df=None,
    ...     seed=None,
    ...     description="jackknife",
    ... )
    >>> replicate_variance(np.array([[5.0], [1.0]]), np.array([3.0]), jackknife)
    array([[4.]])
    """
    counted = replication.rscales > 0
    failed = counted & ~np.isfinite(replicates).all(axis=1)
    if failed.any():
        names = [name for name, fails in zip(replication.names, failed, strict=True) if fails]
        raise DesignError(
            Fault(
                where=replication.description,
                found=f"{len(names)} of {replication.n_replicates} replicates give no estimate "
                f"({listed(names)})",
                allowed="an estimate from every replicate",
                remedy="merge small groups: a replicate has no weight left in one of them",
            )
        )
    kept = replicates[counted]
    centre = estimate if replication.mse else kept.mean(axis=0)
    deviations = (kept - centre) * np.sqrt(replication.rscales[counted])[:, None]
    variance = replication.scale * (deviations.T @ deviations)
    return np.asarray((variance + variance.T) / 2)


def replicate_totals(values: Floats, replication: Replication) -> Floats:
    """Return totals of values under the weights of each replicate, shape (R, m).

    Parameters
    ----------
    values
        Values not yet weighted, shape (n, m).
    replication
        The replicate weights.
    """
    return np.asarray(replication.weights.T @ values)


def first_order_variance(influence: Floats, weights: Floats, replication: Replication) -> Floats:
    """Return the covariance of estimators under replicate weights, to first order in those weights.

    Parameters
    ----------
    influence
        Weighted influence of each row on each estimator, shape (n, p), zero outside the rows used.
    weights
        The sampling weights, shape (n,).
    replication
        The replicate weights of the same rows.

    Notes
    -----
    A replicate's estimate is taken as the estimate plus ``T_r = sum_i z_i w_ri / w_i``: exact for totals,
    otherwise without the terms of second order.
    """
    live = (weights > 0)[:, None]
    per_weight = np.divide(influence, weights[:, None], out=np.zeros_like(influence), where=live)
    return replicate_variance(replicate_totals(per_weight, replication), influence.sum(axis=0), replication)


def rank_df(replication: Replication, used: Bools) -> int:
    """Return the rank of the replicate weights of the rows used, minus one: R's degrees of freedom.

    Parameters
    ----------
    replication
        The replicate weights, n rows.
    used
        Which rows are in the estimation sample, shape (n,).

    Notes
    -----
    ``degf.svyrep.design`` of the R package survey.
    """
    columns = replication.weights[used]
    lengths = np.linalg.norm(columns, axis=0)
    columns = columns[:, lengths > 0] / lengths[lengths > 0]
    tall = columns.shape[0] >= columns.shape[1]
    products = columns.T @ columns if tall else columns @ columns.T
    return int((np.linalg.eigvalsh(products) > DEPENDENT**2).sum()) - 1


def bootstrap_weights(design: ResolvedDesign, n_replicates: int, *, seed: int) -> Iterator[Floats]:
    """Yield the weights of each replicate of a rescaled bootstrap of PSUs, shape (n,) each.

    Parameters
    ----------
    design
        The design.
    n_replicates
        How many.
    seed
        Seed of NumPy's PCG64 generator.

    Raises
    ------
    DesignError
        If the design has replicate weights of the data, which say nothing of strata and PSUs.

    Notes
    -----
    In each stratum n_h - 1 of the n_h PSUs are drawn with replacement and the weights multiplied by
    n_h / (n_h - 1) times the number of draws (Rao and Wu 1988, *JASA* 83, 231-241; Rao, Wu and Yue 1992,
    *Survey Methodology* 18, 209-217). A stratum with a single PSU keeps it.

    Examples
    --------
    >>> import pandas as pd
    >>> from coprodstats.survey.design import resolve_design
    >>> design = resolve_design(None, pd.DataFrame({"y": [1.0, 2.0, 3.0, 4.0]}))
    >>> [float(w.sum()) for w in bootstrap_weights(design, 2, seed=1)]
    [4.0, 4.0]
    """
    if design.replication is not None and not design.replication.made:
        found = "the design has replicate weights, but no strata and PSUs to draw from"
        raise DesignError(Fault(where="bootstrap", found=found, allowed="a design with strata and PSUs"))
    rng = np.random.Generator(np.random.PCG64(seed))
    members = [np.flatnonzero(design.psu_stratum == h) for h in range(design.n_strata)]
    for _ in range(n_replicates):
        multiplier = np.ones(design.n_psu)
        for psus in members:
            size = len(psus)
            if size > 1:
                drawn = rng.multinomial(size - 1, np.full(size, 1 / size))
                multiplier[psus] = drawn * (size / (size - 1))
        yield design.weights * multiplier[design.psu]
