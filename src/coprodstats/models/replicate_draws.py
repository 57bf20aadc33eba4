"""What the fits under replicate weights give: estimates in each replicate, and their covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, DesignError, Fault, listed
from coprodstats.survey.replicates import Replication, replicate_variance

if TYPE_CHECKING:
    from coprodstats.models.results import FittedModel

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Random replicates may fail up to this share and be left out.
MOST_FAILED = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A replicate that could not be fitted: its name, and why."""

    name: str
    reason: str


def failed_replicates(*models: FittedModel) -> Bools:
    """Return which replicates failed in any of some models of one design, shape (R,)."""
    (first, *_) = models
    assert first.design.replication is not None  # noqa: S101  (models that have replicates)
    failed = np.zeros(first.design.replication.n_replicates, dtype=bool)
    for model in models:
        failed |= ~np.isfinite(replicate_draws(model)).all(axis=1)
    return failed & (first.design.replication.rscales > 0)


def replicate_draws(model: FittedModel) -> Floats:
    """Return (cuts, slopes) of a model in each replicate, as `FittedModel.theta`, shape (R, q).

    Rows are NaN where a replicate failed or does not count: see `failed_replicates`.

    Raises
    ------
    ArgumentError
        If the model was not fitted under replicate weights.
    """
    if model.replicates is None:
        raise ArgumentError(
            Fault(
                where=f"model {model.name!r}",
                found="it was not fitted under replicate weights",
                remedy="a design with replicate_method, and covariance='design'",
            )
        )
    return np.asarray(model.replicates @ model.to_user)


def replicate_covariance(
    draws: Floats, estimate: Floats, replication: Replication, *, failed: Bools
) -> Floats:
    """Return the covariance of estimates from what each replicate gives, leaving out those that failed.

    Parameters
    ----------
    draws
        The m estimates in each replicate, shape (R, m).
    estimate
        Those under the sampling weights, shape (m,).
    replication
        The replicate weights.
    failed
        The replicates that are known to have failed, and have been counted and named (`failed_replicates`),
        shape (R,).

    Returns
    -------
    numpy.ndarray
        Covariance matrix, shape (m, m).

    Raises
    ------
    DesignError
        If there are failed replicates and the method can't do without them, or another replicate gives no
        finite numbers.
    """
    return replicate_variance(draws, estimate, without_failed(replication, failed))


def without_failed(replication: Replication, failed: Bools) -> Replication:
    """Return a replication whose failed replicates do not count.

    Parameters
    ----------
    replication
        The replicate weights.
    failed
        Which failed, shape (R,).

    Raises
    ------
    DesignError
        If replicates failed that are not random, or more than a tenth.

    Notes
    -----
    The replicates of a bootstrap are a random sample, whose mean square estimates the variance: with f of R
    lost, ``scale`` becomes ``scale R / (R - f)``. R's svrVar leaves ``scale`` as it is, and the variance gets
    smaller by f / R. A jackknife or balanced half-samples are not random: without one of their replicates
    the sum of squares has lost a PSU or its balance.
    """
    counted = replication.rscales > 0
    failed = failed & counted
    if not failed.any():
        return replication
    many, lost = int(counted.sum()), int(failed.sum())
    names = [name for name, fails in zip(replication.names, failed, strict=True) if fails]
    refuse_failures(replication, [Failure(name=name, reason="no estimate") for name in names])
    return replace(
        replication,
        rscales=np.where(failed, 0.0, replication.rscales),
        scale=replication.scale * many / (many - lost),
    )


def refuse_failures(replication: Replication, failures: Sequence[Failure], where: str = "") -> None:
    """Refuse failed replicates that a variance can't do without; see `without_failed`.

    Raises
    ------
    DesignError
        Naming them and why they failed.
    """
    counted = int((replication.rscales > 0).sum())
    random = replication.method == "bootstrap"
    if not failures or (random and len(failures) <= MOST_FAILED * counted):
        return
    remedy = "merge sparse categories or levels, or leave out a term"
    if replication.made and not random:
        remedy += ", or replicate_design(..., method='bootstrap')"
    raise DesignError(
        Fault(
            where=where or replication.description,
            found=failure_words(replication, failures),
            allowed="at most a tenth of the replicates" if random else "an estimate from every replicate",
            remedy=remedy,
        )
    )


def failure_words(replication: Replication, failures: Sequence[Failure]) -> str:
    """Return in words how many replicates failed, which, and why."""
    reasons = dict.fromkeys(f.reason for f in failures)
    parts = [f"{listed([f.name for f in failures if f.reason == reason])} ({reason})" for reason in reasons]
    counted = int((replication.rscales > 0).sum())
    return f"{len(failures)} of {counted} replicates could not be fitted: {'; '.join(parts)}"
