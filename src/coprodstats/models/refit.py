"""A model's own sample fitted anew with other columns or another outcome, for tests that need such fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from coprodstats.errors import ArgumentError, Fault, listed
from coprodstats.models import likelihood, search
from coprodstats.models.covariance import influence_rows
from coprodstats.models.links import Link
from coprodstats.models.matrix import rebuild_matrix
from coprodstats.models.results import FittedModel

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# A plain fit is found again to rounding; what differs more was not fitted by maximum likelihood alone.
SAME_FIT = 1e-6
# The score, in standard errors, below which a refit counts as maximised; as for the models themselves.
CONVERGED = 1e-6
PLAIN = "logit and ologit without penalty, offset or slopes that differ between splits"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refit:
    """One maximum of the weighted likelihood.

    Attributes
    ----------
    theta
        Thresholds, then slopes, of the raw predictors, shape (K-1+p,).
    naive
        Inverse information, shape (K-1+p, K-1+p).
    influence
        Each row's influence on ``theta``, shape (n, K-1+p).
    loglik
        Weighted log-likelihood.
    converged
        Whether the score vanishes and the information is positive definite.
    """

    theta: Floats
    naive: Floats
    influence: Floats
    loglik: float
    converged: bool


def fit_rows(x: Floats, y: Ints, w: Floats, *, n_cuts: int, link: Link) -> Refit:
    """Maximise the weighted likelihood of a cumulative-link model; two categories are the binary model.

    Parameters
    ----------
    x
        Predictors without a constant, full rank, shape (n, p); p may be 0.
    y
        Categories 0 … K-1, shape (n,).
    w
        Positive weights, shape (n,).
    n_cuts
        K-1.
    link
        The link.
    """
    standard, to_raw = _standardise(x, w, n_cuts)
    found = search.maximise(standard, y, w, n_cuts=n_cuts, link=link)
    d = likelihood.derivatives(found.theta, standard, y, n_cuts, link)
    values = np.linalg.eigvalsh(found.information)
    positive = bool(values[0] > search.SINGULAR * values[-1])
    q = len(found.theta)
    naive, influence = np.full((q, q), np.nan), np.full((len(y), q), np.nan)
    if positive:
        scores = likelihood.row_scores(d, standard, y, n_cuts)
        naive = to_raw @ np.linalg.inv(found.information) @ to_raw.T
        influence = influence_rows(scores, w, found.information) @ to_raw.T
    return Refit(
        theta=to_raw @ found.theta,
        naive=(naive + naive.T) / 2,
        influence=influence,
        loglik=found.loglik,
        converged=positive and not found.stalled and bool(np.sqrt(found.decrement) < CONVERGED),
    )


def working_weights(model: FittedModel) -> Floats:
    """Return the weights of a model's likelihood: counts, or sampling weights scaled to sum to n."""
    w = model.sample_weights
    return w if model.covariance == "model" else w * (len(w) / w.sum())


def unweighted(model: FittedModel) -> bool:
    """Return whether a model's rows were read as independent, each as much as its weight counts."""
    if model.covariance == "model":
        return True
    return model.covariance == "robust" and bool(np.ptp(model.sample_weights) == 0)


def own_fit(model: FittedModel, asked: str) -> tuple[Floats, Refit]:
    """Return a model's predictors and its fit found anew, so that its information is at hand.

    Parameters
    ----------
    model
        The model.
    asked
        The function that asks, for the message.

    Raises
    ------
    ArgumentError
        If the model is not a logistic or cumulative-link model fitted by maximum likelihood alone.
    """
    require_plain(model, asked)
    x = rebuild_matrix(model.spec, model.sample)
    n_cuts = len(model.categories) - 1
    refit = fit_rows(x, model.sample_y, working_weights(model), n_cuts=n_cuts, link=model.link)
    scale = np.sqrt(np.diag(model.to_user @ refit.naive @ model.to_user.T))
    if not np.all(np.abs(model.to_user @ refit.theta - model.estimates) <= SAME_FIT * scale):
        found = "its estimates are not those of its columns by maximum likelihood alone"
        raise ArgumentError(Fault(where=f"{asked}: model {model.name!r}", found=found, allowed=PLAIN))
    return x, refit


def naive_covariance(model: FittedModel, fit: Refit) -> Floats:
    """Return the inverse information in the order of ``model.params``, shape (q, q)."""
    return np.asarray(model.to_user @ fit.naive @ model.to_user.T)


def require_model(model: object, asked: str) -> None:
    """Refuse what is not a fitted model.

    Raises
    ------
    ArgumentError
        Naming the type that was given.
    """
    if not isinstance(model, FittedModel):
        found = f"it was given a {type(model).__name__}"
        raise ArgumentError(Fault(where=asked, found=found, allowed="a fitted model"))


def require_plain(model: FittedModel, asked: str) -> None:
    """Refuse what would not be found again by fitting a cumulative-link model to the same columns.

    Parameters
    ----------
    model
        The model.
    asked
        The function that asks, for the message.

    Raises
    ------
    ArgumentError
        If the model is of another family, is penalised, has an offset or slopes that differ between splits.
    """
    require_model(model, asked)
    found = []
    if model.family not in {"logit", "ologit"}:
        found.append(f"its family is {model.family}")
    if model.penalty:
        found.append(f"it is penalised: {model.penalty}")
    if model.offset_name:
        found.append(f"it has an offset, {model.offset_name!r}")
    if model.nonparallel:
        found.append(f"its slopes of {listed(model.nonparallel)} differ between splits")
    if found:
        where = f"{asked}: model {model.name!r}"
        raise ArgumentError(Fault(where=where, found="; ".join(found), allowed=PLAIN))


def _standardise(x: Floats, w: Floats, n_cuts: int) -> tuple[Floats, Floats]:
    """Return orthonormal predictors, and the matrix that takes their parameters to the raw ones."""
    p = x.shape[1]
    to_raw = np.eye(n_cuts + p)
    if p == 0:
        return x, to_raw
    centre = np.average(x, axis=0, weights=w)
    _, upper = linalg.qr((x - centre) * np.sqrt(w / w.sum())[:, None], mode="economic")
    inverse = linalg.solve_triangular(upper, np.eye(p))
    to_raw[:n_cuts, n_cuts:] = centre @ inverse
    to_raw[n_cuts:, n_cuts:] = inverse
    return (x - centre) @ inverse, to_raw
