"""The covariance of estimators under a design, from the influence of each row; degrees of freedom."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from coprodstats.errors import DesignError, Fault, LonelyPSUError, listed
from coprodstats.survey.numbering import occurring
from coprodstats.survey.products import cross_products
from coprodstats.survey.replicates import first_order_variance, rank_df
from coprodstats.survey.resolved import ResolvedDesign, Stage, calibration_residuals
from coprodstats.survey.sums import sums_by

DfRule = Literal["stata", "r"]
Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]


def design_variance(influence: Floats, design: ResolvedDesign, used: Bools | None = None) -> Floats:
    """Return the covariance of estimators under a design from their influence on each row.

    Parameters
    ----------
    influence
        Weighted influence of each row on each estimator, shape (n, p), zero outside the rows used.
    design
        The design of the same n rows.
    used
        Which rows the estimators are made from, shape (n,); without it, those with any influence. It matters
        only to what lonely PSUs contribute (``"average"``, ``adjust_domain_lonely``).

    Returns
    -------
    numpy.ndarray
        Covariance matrix, shape (p, p).

    Raises
    ------
    LonelyPSUError
        If lonely PSUs are to get the average of other strata and there are none.

    Notes
    -----
    ``V = sum_h (1 - f_h) n_h / (n_h - 1) sum_c (z_hc - zbar_h)(z_hc - zbar_h)'`` with ``z_hc`` the total of
    PSU c in stratum h (Binder 1983, *International Statistical Review* 51, 279-292; ultimate clusters). Each
    later stage adds the same sum over the strata within the units of the stage before, times the sampling
    fractions of all stages before it (Särndal, Swensson and Wretman 1992, *Model Assisted Survey Sampling*,
    result 4.3.1; ``svyrecvar`` of the R package survey). Strata with a single unit follow
    ``design.lonely_psu`` as in R. With replicate weights it is their variance, to first order.

    Examples
    --------
    >>> import pandas as pd
    >>> from coprodstats.survey.design import resolve_design
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0]})
    >>> influence = (frame[["y"]].to_numpy() - 3.0) / 4
    >>> variance_of_mean = design_variance(influence, resolve_design(None, frame))[0, 0]
    >>> round(float(variance_of_mean), 6), float(round(frame["y"].var() / 4, 6))
    (0.833333, 0.833333)
    """
    if design.replication is not None:
        return first_order_variance(influence, design.weights, design.replication)
    if design.calibration is not None:
        # Residuals live in every row, as in R, whose calibrated designs keep all rows of a subset.
        influence = calibration_residuals(influence, design.weights, design.calibration)
        used = np.ones(design.n_rows, dtype=bool)
    live = (influence != 0).any(axis=1) if used is None else used & (design.weights > 0)
    stage = design.first_stage
    share = np.ones(design.n_strata)
    variance = _stage_variance(influence, design, stage, share, live)
    for later in design.stages:
        above = stage.unit_stratum[later.stratum_parent]
        share = (share * stage.fraction)[above]
        stage = later
        variance = variance + _stage_variance(influence, design, stage, share, live)
    return np.asarray((variance + variance.T) / 2)


def _stage_variance(
    influence: Floats, design: ResolvedDesign, stage: Stage, share: Floats, live: Bools
) -> Floats:
    """Return what one stage adds; ``share`` is the product of the fractions above each stratum."""
    totals = sums_by(influence, stage.unit, stage.n_units)
    sizes, within = stage.sizes, stage.unit_stratum
    deviations = totals - (sums_by(totals, within, stage.n_strata) / sizes[:, None])[within]
    factor = sizes / np.maximum(sizes - 1, 1) * (1 - stage.fraction)
    lonely, held = lonely_strata(design, stage, live)
    if design.lonely_psu == "adjust" and lonely.any():
        parents = stage.stratum_parent
        units = np.bincount(parents, sizes * (held > 0))
        centre = sums_by(totals, parents[within], len(units)) / np.maximum(units, 1)[:, None]
        rows = lonely[within]
        deviations[rows] = totals[rows] - centre[parents[within][rows]]
    else:
        factor = np.where(lonely, 0.0, factor)
    if design.lonely_psu == "average" and lonely.any():
        factor = factor * _raised(stage, lonely, held, share)
    scaled = deviations * np.sqrt(factor * share)[within][:, None]
    return cross_products(scaled, scaled)


def lonely_strata(design: ResolvedDesign, stage: Stage, live: Bools) -> tuple[Bools, Ints]:
    """Return which strata of a stage count as lonely, and how many of their units hold a live row.

    A stratum is lonely with a single unit, unless that is the whole stratum; with ``adjust_domain_lonely``
    also if a single one of its units holds a live row.
    """
    held = np.bincount(
        stage.unit_stratum[_present(stage.unit[live], stage.n_units)], minlength=stage.n_strata
    )
    lonely = stage.sizes == 1
    if design.adjust_domain_lonely:
        lonely |= held == 1
    return lonely & (stage.fraction < 1), held


def _raised(stage: Stage, lonely: Bools, held: Ints, share: Floats) -> Floats:
    """Return the factor that gives lonely strata the average of the others in the same unit above."""
    present = held > 0
    n_parents = int(stage.stratum_parent.max()) + 1
    strata = np.bincount(stage.stratum_parent, present, minlength=n_parents)
    others = strata - np.bincount(stage.stratum_parent, present & lonely, minlength=n_parents)
    without = present & (share > 0) & (others == 0)[stage.stratum_parent]
    if without.any():
        names = [stage.labels[h] for h in np.flatnonzero(without)]
        raise LonelyPSUError(
            Fault(
                where="lonely_psu='average'",
                found=f"no other stratum to take the average of: {listed(names)}",
                allowed="beside a stratum with a single unit one with several",
                remedy="lonely_psu='adjust', or join similar strata",
            )
        )
    ratio = np.divide(strata, others, out=np.ones(n_parents), where=others > 0)
    return np.asarray(ratio[stage.stratum_parent])


def psu_totals(influence: Floats, design: ResolvedDesign) -> Floats:
    """Return the total influence of each PSU, shape (number of PSUs, p)."""
    return sums_by(influence, design.psu, design.n_psu)


def design_df(design: ResolvedDesign, used: Bools, *, rule: DfRule = "stata") -> int:
    """Return the design's degrees of freedom: PSUs minus strata, or what the replicate weights give.

    Parameters
    ----------
    design
        The design, n rows.
    used
        Which rows are in the estimation sample, shape (n,).
    rule
        ``"stata"`` counts all PSUs of the strata in which any row is used, so that a domain and weights of
        zero outside it come to the same; ``"r"`` counts only PSUs and strata that hold a used row (the
        parameters are subtracted by the model, as R's svyglm does).

    Raises
    ------
    DesignError
        If no degree of freedom is left.

    Notes
    -----
    With replicate weights: those declared (``replicate_df``); else, if they were made from strata and PSUs,
    the same count, at most the replicates minus one; else the rank of the weights of the rows used, minus
    one, under both rules.
    """
    live = used & (design.weights > 0)
    replication = design.replication
    if replication is not None and replication.df is not None:
        return replication.df
    if replication is not None and not replication.made:
        df = rank_df(replication, live)
        found = f"the {replication.n_replicates} replicate weights leave no degree of freedom"
        remedy = "replicate_df=... if the data's documentation gives it"
    else:
        psus, strata = _counted(design, live, rule)
        df = psus - strata
        found = f"{psus} PSUs in {strata} strata leave no degree of freedom"
        remedy = "join strata that were sampled alike"
    if df < 1:
        allowed = "more PSUs than strata"
        raise DesignError(Fault(where="SurveyDesign", found=found, allowed=allowed, remedy=remedy))
    return df if replication is None else min(df, replication.n_replicates - 1)


def _counted(design: ResolvedDesign, live: Bools, rule: DfRule) -> tuple[int, int]:
    """Return how many PSUs and strata count towards the degrees of freedom; see `design_df`."""
    if live.all():
        return design.n_psu, design.n_strata
    held = occurring(design.psu[live], design.n_psu)
    strata = occurring(design.psu_stratum[held], design.n_strata)
    psus = held if rule == "r" else strata[design.psu_stratum]
    return int(psus.sum()), int(strata.sum())


def _present(codes: Ints, n: int) -> Ints:
    """Return which of the codes 0 … n-1 occur, without sorting the rows."""
    return np.flatnonzero(occurring(codes, n))
