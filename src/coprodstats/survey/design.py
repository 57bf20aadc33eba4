"""Sampling designs: what is declared, and how a declaration is bound to the rows of a frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from coprodstats.errors import DesignError, Fault, LonelyPSUError, WeightError, did_you_mean, listed
from coprodstats.survey.declared_design import SurveyDesign
from coprodstats.survey.design_faults import LonelyPSU, ReplicateMethod
from coprodstats.survey.given_replicates import given_replicates
from coprodstats.survey.made_replicates import made_replicates
from coprodstats.survey.numbering import copied
from coprodstats.survey.resolved import (
    Calibration,
    Floats,
    Ints,
    ResolvedDesign,
    Stage,
    calibration_residuals,
)
from coprodstats.survey.stages import bind_stages, inverse_fractions
from coprodstats.survey.variance import (
    DfRule,
    design_df,
    design_variance,
    psu_totals,
)

__all__ = [
    "Calibration",
    "DfRule",
    "Floats",
    "Ints",
    "LonelyPSU",
    "ReplicateMethod",
    "ResolvedDesign",
    "Stage",
    "SurveyDesign",
    "calibration_residuals",
    "design_df",
    "design_variance",
    "psu_totals",
    "resolve_design",
]


def resolve_design(design: SurveyDesign | None, frame: pd.DataFrame) -> ResolvedDesign:
    """Bind a design to a frame and check every value that it needs.

    Parameters
    ----------
    design
        The design; ``None`` is simple random sampling with equal weights.
    frame
        The data, one row per respondent, shape (n, any).

    Returns
    -------
    ResolvedDesign
        The design as arrays over the rows of ``frame``.

    Raises
    ------
    DesignError
        If a column is absent, strata or units are missing, ids recur across strata without ``nested`` being
        declared, a finite population is impossible, or replicate weights can't be used or made.
    WeightError
        If weights are negative, missing, infinite or all zero.
    LonelyPSUError
        If a stratum has one unit and ``lonely_psu="error"``.

    Examples
    --------
    >>> frame = pd.DataFrame({"w": [1.0, 2.0, 1.0, 1.0], "s": list("aabb"), "p": [1, 2, 3, 4]})
    >>> bound = resolve_design(SurveyDesign(weights="w", strata="s", psu="p"), frame)
    >>> bound.n_psu, bound.n_strata
    (4, 2)
    """
    design = design or SurveyDesign()
    _require_columns(design, frame)
    stages = bind_stages(design, frame)
    weights = _weights(design, frame, stages)
    first = stages[0]
    resolved = ResolvedDesign(
        weights=weights,
        psu=first.unit,
        psu_stratum=first.unit_stratum,
        fraction=first.fraction,
        stratum_labels=first.labels,
        lonely_psu=design.lonely_psu,
        description=design.describe(),
        stages=stages[1:] if design.has_fpc else (),
        adjust_domain_lonely=design.adjust_domain_lonely,
    )
    _refuse_lonely(design, resolved)
    if design.replicate_weights is not None:
        return replace(resolved, replication=given_replicates(design, frame, weights))
    if design.replicate_method is not None:
        return replace(resolved, replication=made_replicates(design, resolved, frame))
    return resolved


def _require_columns(design: SurveyDesign, frame: pd.DataFrame) -> None:
    faults = [
        Fault(
            where=f"SurveyDesign: {role}",
            found=f"the data have no column {name!r}",
            remedy=did_you_mean(name, map(str, frame.columns)) or "name a column of the data",
        )
        for role, names in design.roles().items()
        for name in names
        if name is not None and name not in frame.columns
    ]
    if faults:
        raise DesignError(*faults)


def _weights(design: SurveyDesign, frame: pd.DataFrame, stages: tuple[Stage, ...]) -> Floats:
    if design.weights is None:
        implied = inverse_fractions(stages) if design.has_fpc else np.ones(len(frame))
        if implied is None:
            found = "they do not follow from the finite populations: a stage has none, or a fraction of 0"
            raise WeightError(Fault(where="weights", found=found, remedy="SurveyDesign(weights=...)"))
        return implied
    column = frame[design.weights]
    where = f"weights {design.weights!r}"
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        raise WeightError(
            Fault(where=where, found="the column is not numeric", allowed="numbers of at least 0")
        )
    # A copy: what is done to the frame later on must not reach the design.
    weights, low, high = copied(column.to_numpy(dtype=float, na_value=np.nan), np.float64)
    if low >= 0 and 0 < high < np.inf:  # a missing one would be neither
        return weights
    faults = [
        Fault(
            where=where,
            found=f"{int(bad.sum())} rows have {what} weight",
            allowed="finite numbers of at least 0",
            remedy="mend the file, or exclude those rows before analysis and say so",
        )
        for what, bad in (
            ("a missing", np.isnan(weights)),
            ("an infinite", np.isinf(weights)),
            ("a negative", weights < 0),
        )
        if bad.any()
    ]
    if not faults and not (weights > 0).any():
        faults = [Fault(where=where, found="all weights are zero", allowed="at least one positive weight")]
    if faults:
        raise WeightError(*faults)
    return weights


def _refuse_lonely(design: SurveyDesign, resolved: ResolvedDesign) -> None:
    if design.lonely_psu == "average":
        # Nothing is to be averaged over where no other stratum is: the variance of zeros finds out.
        design_variance(np.zeros((resolved.n_rows, 1)), resolved, np.ones(resolved.n_rows, dtype=bool))
    if design.lonely_psu != "error":
        return
    faults = []
    for number, stage in enumerate((resolved.first_stage, *resolved.stages)):
        lonely = np.flatnonzero((stage.sizes == 1) & (stage.fraction < 1))
        where, unit = f"strata {design.stages[number][0]!r}", "PSU"
        if number:
            named = f", {where}" if design.stages[number][0] else ""
            where, unit = f"stage {number + 1}{named} in {design.stages[number - 1][1]!r}", "unit"
        if len(lonely):
            names = listed([stage.labels[h] for h in lonely])
            faults.append(
                Fault(
                    where=where,
                    found=f"{len(lonely)} of {stage.n_strata} strata have a single {unit} ({names}), "
                    "so that their variance can't be estimated",
                    allowed="lonely_psu = 'remove', 'adjust' or 'average'",
                    remedy="join similar strata, or lonely_psu='adjust' for a cautious variance",
                )
            )
    if faults:
        raise LonelyPSUError(*faults)
