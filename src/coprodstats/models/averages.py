"""Weighted averages over a sample of what a model predicts, with all that their covariance needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import Fault, listed
from coprodstats.models.crossings import refuse_crossings
from coprodstats.models.outcome_views import OutcomeView
from coprodstats.models.pair_matrices import sandwich
from coprodstats.models.replicate_draws import failed_replicates, replicate_covariance
from coprodstats.models.responses import averaged_slopes, averaged_values, row_slopes, row_values
from coprodstats.models.results import FittedModel
from coprodstats.models.row_groups import RowGroups
from coprodstats.models.scenarios import Block, Scenario
from coprodstats.survey.design import ResolvedDesign, design_variance
from coprodstats.survey.products import settled_product
from coprodstats.survey.sums import binned, sums_by

Floats = NDArray[np.float64]
Vce = Literal["delta", "unconditional"]

# A difference between groups that is this share of what it is made of is none: what is left is rounding.
ROUNDING = 64 * np.finfo(float).eps


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarginEstimates:
    """Average margins or predictions with what is needed to combine them.

    Attributes
    ----------
    labels
        One row per quantity: a column per variable of ``at`` and ``by``, then for margins ``variable,
        contrast``, always ``category``, and for margins ``term``, the name of the parameter that it stands
        beside.
    estimate
        The quantities, shape (m,).
    influence
        Influence of each row of the frame on them, shape (n, m).
    covariance
        Their covariance, shape (m, m).
    replicates
        The quantities of each replicate of the design, shape (R, m), or None without replicate weights.
    """

    labels: pd.DataFrame
    estimate: Floats
    influence: Floats
    covariance: Floats
    replicates: Floats | None = None


def joint_covariance(
    influence: Floats,
    replicates: Floats | None,
    estimate: Floats,
    design: ResolvedDesign,
    models: Sequence[FittedModel],
) -> Floats:
    """Return the covariance of quantities: from their replicates where there are any, else linearised.

    Parameters
    ----------
    influence
        Influence of each row of the frame on them, shape (n, m).
    replicates
        Their values in each replicate, shape (R, m), or None.
    estimate
        Their values, shape (m,).
    design
        The design of the frame.
    models
        The models that they are of; a replicate in which one of them failed is left out, as in its own
        covariance.
    """
    if replicates is not None and design.replication is not None:
        failed = failed_replicates(*models)
        return replicate_covariance(replicates, estimate, design.replication, failed=failed)
    used = np.logical_or.reduce([model.used for model in models])
    return design_variance(influence, design, used)


def vce_faults(model: FittedModel, vce: object, asked: str) -> list[Fault]:
    """Return what is wrong with the kind of variance."""
    if vce not in get_args(Vce):
        return [Fault(where=f"{asked}: vce", found=f"{vce!r}", allowed=listed(get_args(Vce)))]
    if vce == "unconditional" and model.covariance == "model":
        return [
            Fault(
                where=f"{asked}: model {model.name!r}",
                found="its covariance is model-based, which says nothing of how predictors were sampled",
                remedy="fit it with covariance='robust' or a design",
            )
        ]
    return []


def estimate_blocks(
    model: FittedModel, blocks: Iterable[Block], groups: RowGroups, view: OutcomeView, vce: Vce
) -> MarginEstimates:
    """Return the quantities of all blocks, for each group and part of the outcome, with their covariance.

    Parameters
    ----------
    model
        The model.
    blocks
        What is averaged.
    groups
        Over whom.
    view
        What of the outcome.
    vce
        ``"delta"``: rows and their weights are fixed; ``"unconditional"``: they are a sample.

    Notes
    -----
    Averages over a group are ratios of weighted totals: with ``share_i = w_i / sum_g w`` the influence of row
    i is ``share_i (m_i - mean_g)`` within the group, plus the gradient times the parameters' influence.
    Replicates are evaluated at each replicate's parameters, under the sample's weights (delta) or the
    replicate's (unconditional).
    """
    parts = [_block_estimates(model, block, groups, view, vce) for block in blocks]
    labels = pd.concat([part.labels for part in parts], ignore_index=True)
    estimate = np.concatenate([part.estimate for part in parts])
    gradient = np.vstack([part.gradient for part in parts])
    influence = settled_product(model.influence, gradient.T)
    start = 0
    for part in parts:
        end = start + len(part.labels)
        if part.direct is not None:
            influence[model.used, start:end] += _by_entry(part.direct, groups)
        start = end
    drawn = [part.replicates for part in parts if part.replicates is not None]
    replicates = np.hstack(drawn) if drawn else None
    conditional = model.influence_source.covariance_of(gradient) if vce == "delta" else None
    if conditional is not None:
        covariance = conditional
    elif model.covariance == "model":
        covariance = sandwich(gradient, model.covariance_matrix)
    else:
        covariance = joint_covariance(influence, replicates, estimate, model.design, [model])
    return MarginEstimates(
        labels=labels, estimate=estimate, influence=influence, covariance=covariance, replicates=replicates
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """One block's quantities: values, gradient by the reported parameters, and the rows' own influence."""

    labels: pd.DataFrame
    estimate: Floats  # (m,)
    gradient: Floats  # (m, q)
    direct: Floats | None  # (quantities, rows of the sample, parts), None for the delta method
    replicates: Floats | None  # (R, m)


def _block_estimates(
    model: FittedModel, block: Block, groups: RowGroups, view: OutcomeView, vce: Vce
) -> _Part:
    estimates, gradients, deviations, replicates = [], [], [], []
    for scenario in block.scenarios:
        values, gradient = _averaged(model, scenario, groups)
        shown = settled_product(values, view.weights.T)
        mean = _group_means(shown, groups, model.sample_weights)
        estimates.append(mean)
        # (cuts, slopes) → reported parameters: `to_user` only reorders and changes signs.
        gradients.append(np.einsum("ov,gvq->goq", view.weights, gradient) @ model.to_user.T)
        if vce == "unconditional":
            share = groups.shares(model.sample_weights)
            deviations.append(share[:, None] * (shown - mean[groups.code]))
        if model.replicates is not None:
            replicates.append(_replicate_means(model, scenario, groups, view, vce))
    labels = _labels(block, groups, view)
    m = len(labels)
    # k quantities of the block, s scenarios; p entries of the groups, g groups; o parts of the outcome.
    estimate = _combined("ks,pg,sgo->kpo", block.combine, groups.combine, np.array(estimates))
    gradient = _combined("ks,pg,sgoq->kpoq", block.combine, groups.combine, np.array(gradients))
    direct = np.einsum("ks,sno->kno", block.combine, np.array(deviations)) if deviations else None
    drawn = None
    if replicates:
        drawn = _combined("ks,pg,srgo->rkpo", block.combine, groups.combine, np.array(replicates))
        drawn = drawn.reshape(len(drawn), m)
    return _Part(
        labels=labels,
        estimate=estimate.reshape(m),
        gradient=gradient.reshape(m, -1),
        direct=direct,
        replicates=drawn,
    )


def _combined(path: str, quantities: Floats, entries: Floats, averages: Floats) -> Floats:
    """Return averages combined over scenarios and groups; differences of equal groups are exactly zero."""
    found = np.einsum(path, quantities, entries, averages)
    if (entries < 0).any():
        size = np.einsum(path, np.abs(quantities), np.abs(entries), np.abs(averages))
        found[np.abs(found) <= ROUNDING * size] = 0.0
    return np.asarray(found)


def _by_entry(direct: Floats, groups: RowGroups) -> Floats:
    """Return the rows' own influence on each quantity, entry of the groups and part, shape (rows, m)."""
    laid = np.einsum("np,kno->nkpo", groups.combine.T[groups.code], direct)
    return np.asarray(laid.reshape(len(laid), -1))


def _labels(block: Block, groups: RowGroups, view: OutcomeView) -> pd.DataFrame:
    """Return one row per quantity, entry of the groups and part of the outcome, in that order."""
    rows = []
    for label in block.labels:
        fixed = {k: v for k, v in label.items() if k not in {"variable", "contrast", "term"}}
        own = {k: v for k, v in label.items() if k in {"variable", "contrast"}}
        last = {k: v for k, v in label.items() if k == "term"}
        rows += [
            {**fixed, **entry, **own, "category": name, **last}
            for entry in groups.labels.to_dict("records")
            for name in view.names
        ]
    return pd.DataFrame(rows)


def _averaged(model: FittedModel, scenario: Scenario, groups: RowGroups) -> tuple[Floats, Floats]:
    """Return each row's values (n, v), and the gradient of each group's average by theta, shape (g, v, q)."""
    surface, theta = model.surface, model.theta
    share = groups.shares(model.sample_weights)
    refuse_crossings(model, scenario.x, model.offset, "the sample, predictors set as asked")
    values = np.empty((len(scenario.x), surface.n_values))
    gradients = []
    for rows in groups.rows():
        x, offset = scenario.x[rows], None if model.offset is None else model.offset[rows]
        if scenario.moved is None:
            values[rows], gradient = averaged_values(surface, theta, x, share[rows], offset)
        else:
            moved = scenario.moved[rows]
            values[rows], gradient = averaged_slopes(surface, theta, x, moved, share[rows], offset)
        gradients.append(gradient)
    return values, np.array(gradients)


def _group_means(values: Floats, groups: RowGroups, weights: Floats) -> Floats:
    """Return weighted means of columns in each group, shape (g, columns); NaN where there is no weight."""
    totals = sums_by(weights[:, None] * values, groups.code, groups.n_groups)
    size = binned(groups.code, weights, groups.n_groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(totals / size[:, None])


def _replicate_means(
    model: FittedModel, scenario: Scenario, groups: RowGroups, view: OutcomeView, vce: Vce
) -> Floats:
    """Return each group's average in each replicate, shape (R, g, o); NaN where a replicate has none."""
    parameters, replication = model.replicates, model.design.replication
    if parameters is None or replication is None:
        return np.empty((0, groups.n_groups, len(view.names)))
    found = np.full((len(parameters), groups.n_groups, len(view.names)), np.nan)
    for r, theta in enumerate(parameters @ model.to_user):
        if not np.isfinite(theta).all():
            continue
        if scenario.moved is None:
            values = row_values(model.surface, theta, scenario.x, model.offset)
        else:
            values = row_slopes(model.surface, theta, scenario.x, scenario.moved, model.offset)
        fixed = vce == "delta"
        weights = model.sample_weights if fixed else replication.weights[model.used, r]
        found[r] = _group_means(values @ view.weights.T, groups, weights)
    return found
