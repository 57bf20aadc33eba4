"""How much each predictor matters in a model, by two measures, and how sure its rank is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import Fault, ModelError
from coprodstats.models.likelihood import Estimate, log_likelihood, maximise, starting_values
from coprodstats.models.margins import predictors_of
from coprodstats.models.matrix import rebuild_matrix
from coprodstats.models.refit import require_plain
from coprodstats.models.results import FittedModel
from coprodstats.survey.replicates import bootstrap_weights

Floats = NDArray[np.float64]

CONTRIBUTION = "standardised contribution"
DROP = "drop in pseudo R²"

# Replicates start at the full sample's estimates; a step this small leaves an error of about its square.
REPLICATE_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Importance:
    """Importance of predictors with bootstrap intervals and ranks.

    Attributes
    ----------
    estimates
        The sample's importance, one row per variable, one column per measure.
    replicates
        The same for each replicate, shape (replicates, variables, 2).
    failed
        Replicates that could not be fitted (their outcome or a predictor did not vary, or was separated).
    """

    estimates: pd.DataFrame
    replicates: Floats
    failed: int

    def to_frame(self) -> pd.DataFrame:
        """Return ``variable, measure, estimate, conf_low, conf_high, rank, share_first``.

        Intervals hold the middle 95 % of replicates; ``share_first`` is the share of replicates in which the
        variable ranks first.
        """
        frames = []
        for k, measure in enumerate(self.estimates.columns):
            draws = self.replicates[:, :, k]
            first = np.bincount(draws.argmax(axis=1), minlength=draws.shape[1]) / len(draws)
            low, high = np.quantile(draws, [0.025, 0.975], axis=0)
            values = self.estimates[measure]
            frames.append(
                pd.DataFrame(
                    {
                        "variable": self.estimates.index,
                        "measure": measure,
                        "estimate": values.to_numpy(),
                        "conf_low": low,
                        "conf_high": high,
                        "rank": values.rank(ascending=False, method="min").astype(int).to_numpy(),
                        "share_first": first,
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockShare:
    """McFadden's pseudo R squared of a model with some of the predictors only.

    Attributes
    ----------
    variables
        The predictors.
    estimate
        Of the sample.
    conf_low, conf_high
        The middle 95 % of bootstrap replicates.
    failed
        Replicates that could not be fitted.
    """

    variables: tuple[str, ...]
    estimate: float
    conf_low: float
    conf_high: float
    failed: int


def importance(
    model: FittedModel,
    variables: Sequence[str] | None = None,
    *,
    n_replicates: int = 200,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Importance:
    """Return the importance of predictors by two measures, with bootstrap intervals and ranks.

    Parameters
    ----------
    model
        A fitted model.
    variables
        Predictors to rank; all by default.
    n_replicates
        Bootstrap replicates of the design.
    seed
        Seed of the replicates.
    progress
        Called with the number of replicates done and their total.

    Returns
    -------
    Importance
        *Standardised contribution*: the weighted standard deviation of the variable's part of the linear
        predictor (for a numeric variable |b| times its standard deviation). *Drop in pseudo R²*: how much
        McFadden's pseudo R squared falls when the variable leaves the model.

    Raises
    ------
    ArgumentError
        If a variable is not in the model, or the model is penalised, has an offset or slopes that differ
        between splits, or is of another family than logit and ologit.
    ModelError
        If more than a tenth of the replicates can't be fitted.

    Notes
    -----
    Which predictor is "most important" depends on the others in the model and on the measure (Grömping 2015,
    *WIREs Computational Statistics* 7, 137-152), hence two. Calibrated weights are not calibrated anew in
    each replicate, so that intervals leave out what the calibration gains.
    """
    names = predictors_of(model, variables)
    columns = {
        name: [j for j, column in enumerate(model.spec.columns) if name in column.variables] for name in names
    }
    problem = _Problem.of(model)
    everything = list(range(problem.x.shape[1]))
    subsets = [everything, *([j for j in everything if j not in c] for c in columns.values())]

    def measure(fits: list[Estimate], w: Floats) -> Floats:
        null = problem.null_loglik(w)
        slopes = fits[0].theta[problem.n_cuts :]
        spread = [_weighted_sd(problem.x[:, c] @ slopes[c], w) for c in columns.values()]
        drops = [(f.loglik - fits[0].loglik) / null for f in fits[1:]]
        return np.column_stack([spread, drops])

    sample, draws, failed = _bootstrap(problem, subsets, measure, n_replicates, seed, progress)
    return Importance(
        estimates=pd.DataFrame(sample, index=pd.Index(names, name="variable"), columns=[CONTRIBUTION, DROP]),
        replicates=np.stack(draws),
        failed=failed,
    )


def block_share(
    model: FittedModel, variables: Sequence[str], *, n_replicates: int = 200, seed: int
) -> BlockShare:
    """Return how much of an outcome some predictors alone explain, as McFadden's pseudo R squared.

    Parameters
    ----------
    model
        A fitted model that holds the predictors, and others.
    variables
        The predictors of the smaller model, fitted to the same rows.
    n_replicates, seed
        As for `importance`.

    Raises
    ------
    ArgumentError
        If a variable is not in the model, or the model is penalised, has an offset or slopes that differ
        between splits, or is of another family than logit and ologit.
    ModelError
        If more than a tenth of the replicates can't be fitted.
    """
    names = predictors_of(model, variables)
    problem = _Problem.of(model)
    inside = [j for j, column in enumerate(model.spec.columns) if set(column.variables) <= set(names)]

    def measure(fits: list[Estimate], w: Floats) -> Floats:
        return np.array([1 - fits[0].loglik / problem.null_loglik(w)])

    sample, draws, failed = _bootstrap(problem, [inside], measure, n_replicates, seed, None)
    low, high = np.quantile(np.concatenate(draws), [0.025, 0.975])
    return BlockShare(
        variables=tuple(names),
        estimate=float(sample[0]),
        conf_low=float(low),
        conf_high=float(high),
        failed=failed,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Problem:
    """The model's sample as arrays, predictors centred and scaled by column."""

    model: FittedModel
    x: Floats
    y: NDArray[np.intp]
    n_cuts: int

    @classmethod
    def of(cls, model: FittedModel) -> _Problem:
        require_plain(model, "importance")
        raw = rebuild_matrix(model.spec, model.sample)
        w = model.sample_weights
        centre = np.average(raw, axis=0, weights=w)
        size = np.sqrt(np.average((raw - centre) ** 2, axis=0, weights=w))
        return cls(model=model, x=(raw - centre) / size, y=model.sample_y, n_cuts=len(model.categories) - 1)

    def fit(self, columns: list[int], w: Floats, start: Floats | None) -> Estimate:
        inside = w > 0  # a replicate leaves out about a third of the PSUs
        return maximise(
            self.x[inside][:, columns],
            self.y[inside],
            w[inside],
            n_cuts=self.n_cuts,
            link=self.model.link,
            start=start,
            tolerance=REPLICATE_TOLERANCE,
        )

    def null_loglik(self, w: Floats) -> float:
        shares = np.bincount(self.y, w, minlength=self.n_cuts + 1)
        return float(shares[shares > 0] @ np.log(shares[shares > 0] / shares.sum()))


def _bootstrap(
    problem: _Problem,
    subsets: list[list[int]],
    measure: Callable[[list[Estimate], Floats], Floats],
    n_replicates: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[Floats, list[Floats], int]:
    model = problem.model
    w = model.sample_weights
    fits = [problem.fit(columns, w, None) for columns in subsets]
    sample = measure(fits, w)
    draws: list[Floats] = []
    failed = 0
    for done, weights in enumerate(bootstrap_weights(model.design, n_replicates, seed=seed), start=1):
        again = [
            problem.fit(
                columns, weights[model.used], _restart(problem, fit.theta, columns, weights[model.used])
            )
            for columns, fit in zip(subsets, fits, strict=True)
        ]
        measured = measure(again, weights[model.used])
        if any(fit.stalled for fit in again) or not np.isfinite(measured).all():
            failed += 1
        else:
            draws.append(measured)
        if progress is not None:
            progress(done, n_replicates)
    if failed > n_replicates / 10:
        raise ModelError(
            Fault(
                where=f"importance in model {model.name!r}",
                found=f"{failed} of {n_replicates} bootstrap replicates could not be fitted",
                remedy="merge sparse categories",
            )
        )
    return sample, draws, failed


def _restart(problem: _Problem, theta: Floats, columns: list[int], w: Floats) -> Floats:
    """Return the sample's estimate, or the default start where a replicate makes that impossible."""
    x = problem.x[:, columns]
    value = log_likelihood(theta, x, problem.y, w, problem.n_cuts, problem.model.link)
    if np.isfinite(value):
        return theta
    return starting_values(problem.y, w, problem.n_cuts, x.shape[1], problem.model.link)


def _weighted_sd(values: Floats, w: Floats) -> float:
    centre = np.average(values, weights=w)
    return float(np.sqrt(np.average((values - centre) ** 2, weights=w)))
