"""How much each predictor matters in a model, by two measures, and how sure its rank is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, Fault, ModelError
from coprodstats.models.batched import SortedRows, log_likelihoods, newton, sort_rows
from coprodstats.models.fan_out import in_blocks
from coprodstats.models.margins import predictors_of
from coprodstats.models.matrix import rebuild_matrix
from coprodstats.models.rank import independent
from coprodstats.models.refit import require_plain
from coprodstats.models.replicate_fits import block_size
from coprodstats.models.results import FittedModel
from coprodstats.models.search import maximise
from coprodstats.models.separation import separating_direction
from coprodstats.survey.display import record_html
from coprodstats.survey.replicates import bootstrap_weights

Floats = NDArray[np.float64]

CONTRIBUTION = "standardised contribution"
DROP = "drop in pseudo R²"


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
        Replicates that could not be fitted (their outcome lacked a category or was separated, or variables
        could not be told apart).
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

    def _repr_html_(self) -> str:
        return record_html(self, tables={"ranks": self.to_frame()})


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
        Called with the number of replicates done and their total, after each block of them.

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
        between splits, is of another family than logit and ologit, or its replicate weights came with the
        data.
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
    problem = _Problem.of(model, apart=columns.values())
    everything = list(range(problem.x.shape[1]))
    subsets = [everything, *([j for j in everything if j not in c] for c in columns.values())]

    def measure(fits: list[_Fits], w: Floats) -> Floats:
        slopes = fits[0].theta[:, problem.n_cuts :]
        spread = [_weighted_sd(slopes[:, c] @ problem.x[:, c].T, w) for c in columns.values()]
        null = problem.null_logliks(w)
        drops = [(f.loglik - fits[0].loglik) / null for f in fits[1:]]
        return np.stack([np.array(spread).T, np.array(drops).T], axis=2)

    sample, draws, failed = _bootstrap(problem, subsets, measure, n_replicates, seed, progress)
    return Importance(
        estimates=pd.DataFrame(sample, index=pd.Index(names, name="variable"), columns=[CONTRIBUTION, DROP]),
        replicates=draws,
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
        between splits, is of another family than logit and ologit, or its replicate weights came with the
        data.
    ModelError
        If more than a tenth of the replicates can't be fitted.
    """
    names = predictors_of(model, variables)
    problem = _Problem.of(model, apart=())
    inside = [j for j, column in enumerate(model.spec.columns) if set(column.variables) <= set(names)]

    def measure(fits: list[_Fits], w: Floats) -> Floats:
        return 1 - fits[0].loglik / problem.null_logliks(w)

    sample, draws, failed = _bootstrap(problem, [inside], measure, n_replicates, seed, None)
    low, high = np.quantile(draws, [0.025, 0.975])
    return BlockShare(
        variables=tuple(names),
        estimate=float(sample),
        conf_low=float(low),
        conf_high=float(high),
        failed=failed,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Problem:
    """The model's sample as arrays, predictors centred and scaled by column.

    Columns of one set in ``apart`` must be told from those outside it.
    """

    model: FittedModel
    x: Floats
    y: NDArray[np.intp]
    n_cuts: int
    apart: tuple[frozenset[int], ...]

    @classmethod
    def of(cls, model: FittedModel, apart: Iterable[Sequence[int]]) -> _Problem:
        require_plain(model, "importance")
        _require_psus(model)
        raw = rebuild_matrix(model.spec, model.sample)
        w = model.sample_weights
        centre = np.average(raw, axis=0, weights=w)
        size = np.sqrt(np.average((raw - centre) ** 2, axis=0, weights=w))
        return cls(
            model=model,
            x=(raw - centre) / size,
            y=model.sample_y,
            n_cuts=len(model.categories) - 1,
            apart=tuple(frozenset(columns) for columns in apart),
        )

    def null_logliks(self, w: Floats) -> Floats:
        """Return the log-likelihood without predictors under each set of weights (B, n), shape (B,)."""
        shares = w @ np.eye(self.n_cuts + 1)[self.y]
        part = shares / shares.sum(axis=1, keepdims=True)
        return np.asarray((shares * np.log(part, out=np.zeros_like(part), where=part > 0)).sum(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fits:
    """Fits of some columns under each set of weights: parameters (B, q) and log-likelihoods (B,).

    Both are NaN where there is no maximum.
    """

    theta: Floats
    loglik: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Submodel:
    """Some columns of a problem, and where their fits start: the maximum under the sample's weights."""

    problem: _Problem
    columns: list[int]
    rows: SortedRows
    start: Floats

    @classmethod
    def of(cls, problem: _Problem, columns: list[int]) -> _Submodel:
        x = problem.x[:, columns]
        w = problem.model.sample_weights
        found = maximise(x, problem.y, w, n_cuts=problem.n_cuts, link=problem.model.link)
        rows = sort_rows(x, problem.y, problem.n_cuts)
        return cls(problem=problem, columns=columns, rows=rows, start=found.theta)

    def fits(self, w: Floats) -> _Fits:
        """Return the fits under some sets of weights, shape (B, n)."""
        link = self.problem.model.link
        sorted_w = w[:, self.rows.order]
        theta, found = newton(self.rows, sorted_w, self.start, link)
        for r in np.flatnonzero(~found):
            theta[r] = self._alone(w[r])
        loglik = np.full(len(w), np.nan)
        usable = np.isfinite(theta).all(axis=1)
        loglik[usable] = log_likelihoods(self.rows, sorted_w[usable], theta[usable], link)
        return _Fits(theta=theta, loglik=loglik)

    def _alone(self, w: Floats) -> Floats:
        """Return the fit under one set of weights, NaN where there is none, shape (q,).

        Columns that are combinations of others there, as the indicators of a factor's levels are where its
        reference is missing, get slopes of zero: neither the likelihood nor the spread of what a variable
        adds depends on which of them do, unless its columns are combined with others.
        """
        problem = self.problem
        theta = np.full(len(self.start), np.nan)
        live = w > 0
        y, x = problem.y[live], problem.x[live][:, self.columns]
        if (np.bincount(y, minlength=problem.n_cuts + 1) == 0).any():
            return theta
        kept, made_of = independent(x, w[live])
        for j, parts in made_of.items():
            together = {self.columns[k] for k in (j, *parts)}
            if any(0 < len(together & columns) < len(together) for columns in problem.apart):
                return theta
        if separating_direction(x[:, kept], y, problem.n_cuts) is not None:
            return theta
        found = maximise(x[:, kept], y, w[live], n_cuts=problem.n_cuts, link=problem.model.link)
        if not found.stalled:
            theta[:] = 0
            theta[np.r_[: problem.n_cuts, np.array(kept, dtype=int) + problem.n_cuts]] = found.theta
        return theta


def _require_psus(model: FittedModel) -> None:
    replication = model.design.replication
    if replication is not None and not replication.made:
        raise ArgumentError(
            Fault(
                where=f"importance: model {model.name!r}",
                found="its replicate weights came with the data, which do not say who was sampled together: "
                "there are no PSUs to draw a bootstrap from",
                allowed="a design with strata and PSUs, or of independent respondents",
            )
        )


def _bootstrap(
    problem: _Problem,
    subsets: list[list[int]],
    measure: Callable[[list[_Fits], Floats], Floats],
    n_replicates: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[Floats, Floats, int]:
    """Return a measure of the sample and of each replicate that could be fitted, and how many could not."""
    model = problem.model
    submodels = [_Submodel.of(problem, columns) for columns in subsets]

    def work(w: Floats) -> list[Floats]:
        return list(measure([submodel.fits(w) for submodel in submodels], w))

    weights = (w[model.used] for w in bootstrap_weights(model.design, n_replicates, seed=seed))
    size = block_size(model.nobs)
    blocks = (np.array(list(islice(weights, size))) for _ in range(0, n_replicates, size))
    draws = np.array(in_blocks(work, blocks, n_replicates, progress))
    lost = ~np.isfinite(draws.reshape(n_replicates, -1)).all(axis=1)
    failed = int(lost.sum())
    if failed > n_replicates / 10:
        raise ModelError(
            Fault(
                where=f"importance in model {model.name!r}",
                found=f"{failed} of {n_replicates} bootstrap replicates could not be fitted",
                remedy="merge sparse categories",
            )
        )
    return work(model.sample_weights[None, :])[0], draws[~lost], failed


def _weighted_sd(values: Floats, w: Floats) -> Floats:
    """Return the standard deviation of values (B, n) under weights (B, n), shape (B,)."""
    total = w.sum(axis=1)
    deviations = values - ((w * values).sum(axis=1) / total)[:, None]
    return np.asarray(np.sqrt((w * deviations**2).sum(axis=1) / total))
