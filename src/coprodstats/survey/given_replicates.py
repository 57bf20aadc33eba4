"""Replicate weights that come with the data: columns, checked, and the factors of their method."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import Fault, WeightError, listed
from coprodstats.survey.declared_design import SurveyDesign
from coprodstats.survey.design_faults import METHOD_WORDS
from coprodstats.survey.replicates import Replication

Floats = NDArray[np.float64]

# Mean weights that differ by more than this factor are not weights of the same kind (as R warns).
ALIKE = 5.0


def given_replicates(design: SurveyDesign, frame: pd.DataFrame, weights: Floats) -> Replication:
    """Return the replicate weights that a design names.

    Parameters
    ----------
    design
        A design with ``replicate_weights`` and ``replicate_method``.
    frame
        The data, n rows.
    weights
        The sampling weights, shape (n,).

    Raises
    ------
    WeightError
        If replicate weights are not numbers, missing, infinite or all zero, are positive where the sampling
        weight is zero, or are evidently (not) multiplied by the sampling weight against
        ``replicate_combined``.

    Notes
    -----
    Factors as in ``svrepdesign`` of the R package survey. Single negative weights are accepted, as in R:
    successive differences and calibration make them.
    """
    names = design.replicate_weights or ()
    columns = _numbers(names, frame)
    faults = [
        *_unusable(names, columns),
        *_of_another_kind(columns, weights, combined=design.replicate_combined),
    ]
    full = columns if design.replicate_combined else columns * weights[:, None]
    # Without a sampling weight a row has no influence that a replicate could change.
    beyond = int(((full != 0).any(axis=1) & (weights == 0)).sum())
    if beyond:
        faults.append(
            Fault(
                where="replicate_weights",
                found=f"{beyond} rows have a replicate weight and a sampling weight of zero",
                allowed="a replicate weight of zero where the sampling weight is",
                remedy="exclude those rows before analysis and say so",
            )
        )
    scale, rscales, more = _factors(design, columns)
    if faults + more:
        raise WeightError(*faults, *more)
    method = str(design.replicate_method)
    return Replication(
        weights=full,
        scale=scale,
        rscales=rscales,
        mse=design.mse,
        method=method,
        names=names,
        df=design.replicate_df,
        seed=None,
        description=f"{len(names)} replicate weights: {METHOD_WORDS[method]}",
    )


def _numbers(names: tuple[str, ...], frame: pd.DataFrame) -> Floats:
    text = [
        name
        for name in names
        if not pd.api.types.is_numeric_dtype(frame[name]) or pd.api.types.is_bool_dtype(frame[name])
    ]
    if text:
        found = f"{len(text)} columns are not numeric: {listed(text)}"
        raise WeightError(Fault(where="replicate_weights", found=found, allowed="numbers"))
    return np.column_stack([frame[name].to_numpy(dtype=float, na_value=np.nan) for name in names])


def _unusable(names: tuple[str, ...], columns: Floats) -> list[Fault]:
    faults = []
    for what, bad in (
        ("missing weights", np.isnan(columns).any(axis=0)),
        ("infinite weights", np.isinf(columns).any(axis=0)),
        ("no positive sum", columns.sum(axis=0) <= 0),
    ):
        if bad.any():
            found = f"{int(bad.sum())} columns have {what}: {listed([names[r] for r in np.flatnonzero(bad)])}"
            faults.append(Fault(where="replicate_weights", found=found, allowed="finite numbers"))
    return faults


def _of_another_kind(columns: Floats, weights: Floats, *, combined: bool) -> list[Fault]:
    replicate, sampling = float(columns.mean()), float(weights.mean())
    if combined and replicate < ALIKE and sampling > ALIKE * replicate:
        reading, remedy = "contain the sampling weight", "replicate_combined=False"
    elif not combined and replicate > ALIKE and sampling < ALIKE * replicate:
        reading, remedy = "are to be multiplied by the sampling weight", "replicate_combined=True"
    else:
        return []
    found = f"they do not look as if they {reading}: their mean is {replicate:.4g}, its mean {sampling:.4g}"
    return [Fault(where="replicate_weights", found=found, remedy=remedy)]


def _factors(design: SurveyDesign, columns: Floats) -> tuple[float, Floats, list[Fault]]:
    """Return scale and rscales; R guesses them from multipliers, which full weights don't show."""
    method, many = design.replicate_method, columns.shape[1]
    rscales = np.ones(many) if design.rscales is None else np.broadcast_to(design.rscales, many).astype(float)
    scale, faults = design.scale, []
    if method == "jkn" and design.rscales is None:
        rscales = 1 / columns.max(axis=0)
    if method == "jk1" and scale is None:
        scale = (many - 1) / many
        guessed = 1.0 if design.replicate_combined else 1 / float(columns[:, 0].max()) / scale
        if abs(guessed - 1) > 1e-6:
            found = f"the weights and the number of replicates imply {guessed * scale:.6g} and {scale:.6g}"
            faults.append(Fault(where="scale", found=found, remedy="scale=... from the documentation"))
    fixed = {
        "brr": 1 / many,
        "fay": 1 / (many * (1 - (design.fay_rho or 0.0)) ** 2),
        "sdr": 4 / many,
        "bootstrap": 1 / (many - 1),
    }
    if scale is None:
        scale = fixed.get(str(method), 1.0)
    return float(scale), rscales, faults
