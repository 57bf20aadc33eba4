"""Replicate weights made from strata and PSUs: jackknife, balanced half-samples, bootstrap, differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import DesignError, Fault, listed
from coprodstats.survey.declared_design import SurveyDesign
from coprodstats.survey.design_faults import METHOD_WORDS
from coprodstats.survey.hadamard import hadamard_matrix
from coprodstats.survey.replicates import Replication
from coprodstats.survey.resolved import ResolvedDesign

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Rows times replicates that are held at once: 2 GB.
MOST_WEIGHTS = 250_000_000

# Amplitude of a sign in successive differences (Fay and Train 1995).
AMPLITUDE = 2**-1.5


def made_replicates(design: SurveyDesign, resolved: ResolvedDesign, frame: pd.DataFrame) -> Replication:
    """Return replicate weights made from the strata and PSUs of a design.

    Parameters
    ----------
    design
        A design with a ``replicate_method`` and no columns of replicate weights.
    resolved
        The same design bound to the frame, without replicates.
    frame
        The data, n rows.

    Raises
    ------
    DesignError
        If the method can't represent the design; it says what and where.

    Notes
    -----
    As ``as.svrepdesign`` of the R package survey with types JK1, JKn, BRR, Fay and subbootstrap. JKn centres
    a lonely PSU under ``"adjust"`` as R does; under ``"average"`` squares are multiplied by strata over
    strata with several PSUs, as linearised variances are (R: by PSUs over replicates). Successive
    differences go round in each stratum (Ash 2014, *Survey Methodology* 40, 47-59): half the sum of squared
    differences between neighbours.
    """
    method = str(design.replicate_method)
    faults = [*_unrepresented(design, resolved), *_too_many(design, resolved)]
    if faults:
        raise DesignError(*faults)
    made = _made(design, resolved, frame)
    many = made.multipliers.shape[1]
    weights = made.multipliers[resolved.psu]
    weights *= resolved.weights[:, None]
    drawn = f", seed {design.seed}" if design.seed is not None else ""
    return Replication(
        weights=weights,
        scale=made.scale,
        rscales=np.ones(many) if made.rscales is None else made.rscales,
        mse=design.mse,
        method=method,
        names=tuple(f"replicate {r + 1}" for r in range(many)),
        df=design.replicate_df,
        seed=design.seed,
        description=f"{METHOD_WORDS[method]}: {many} replicates{drawn}",
        made=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Made:
    """What each replicate multiplies the weights of each PSU by, shape (PSUs, R), and the factors."""

    multipliers: Floats
    scale: float
    rscales: Floats | None = None


def _made(design: SurveyDesign, resolved: ResolvedDesign, frame: pd.DataFrame) -> _Made:
    match design.replicate_method:
        case "jk1":
            return _jk1(resolved)
        case "jkn":
            return _jkn(resolved)
        case "bootstrap":
            return _bootstrap(resolved, design.n_replicates or 0, design.seed or 0)
        case "sdr":
            return _successive(resolved, _positions(str(design.replicate_order), resolved, frame))
        case _:
            return _balanced(resolved, design.fay_rho or 0.0)


def _jk1(resolved: ResolvedDesign) -> _Made:
    n = resolved.n_psu
    return _Made(multipliers=_leave_one_out(n), scale=(1 - float(resolved.fraction[0])) * (n - 1) / n)


def _jkn(resolved: ResolvedDesign) -> _Made:
    columns, rscales = [], []
    n_strata, sizes = resolved.n_strata, resolved.first_stage.sizes
    sampled_whole = resolved.fraction >= 1
    lonely = (sizes == 1) & ~sampled_whole
    for h in range(n_strata):
        psus = np.flatnonzero(resolved.psu_stratum == h)
        if sampled_whole[h] or (lonely[h] and resolved.lonely_psu != "adjust"):
            continue
        if lonely[h]:
            block = np.full((resolved.n_psu, 1), n_strata / (n_strata - 1))
            block[psus] = 0.0
            share = (n_strata - 1) / n_strata
        else:
            block = np.ones((resolved.n_psu, sizes[h]))
            block[psus] = _leave_one_out(int(sizes[h]))
            share = (sizes[h] - 1) / sizes[h]
        columns.append(block)
        rscales += [(1 - resolved.fraction[h]) * share] * block.shape[1]
    raised = n_strata / (n_strata - lonely.sum()) if resolved.lonely_psu == "average" else 1.0
    return _Made(multipliers=np.hstack(columns), scale=float(raised), rscales=np.array(rscales))


def _leave_one_out(n: int) -> Floats:
    return np.asarray((1 - np.eye(n)) * (n / (n - 1)))


def _balanced(resolved: ResolvedDesign, rho: float) -> _Made:
    signs = hadamard_matrix(resolved.n_strata + 1)
    many = signs.shape[1]
    first = np.r_[True, resolved.psu_stratum[1:] != resolved.psu_stratum[:-1]]
    sign = signs[1 + resolved.psu_stratum] * np.where(first, 1, -1)[:, None]
    return _Made(multipliers=np.asarray(1 + (1 - rho) * sign, dtype=float), scale=1 / (many * (1 - rho) ** 2))


def _bootstrap(resolved: ResolvedDesign, many: int, seed: int) -> _Made:
    rng = np.random.Generator(np.random.PCG64(seed))
    multipliers = np.ones((resolved.n_psu, many))
    for h, size in enumerate(resolved.first_stage.sizes):
        if size > 1:
            drawn = rng.multinomial(size - 1, np.full(size, 1 / size), size=many)
            multipliers[resolved.psu_stratum == h] = drawn.T * (size / (size - 1))
    return _Made(multipliers=multipliers, scale=1 / (many - 1))


def _successive(resolved: ResolvedDesign, position: Ints) -> _Made:
    order = np.lexsort((position, resolved.psu_stratum))
    signs = hadamard_matrix(resolved.n_psu + 1)[1:]
    multipliers = np.ones((resolved.n_psu, signs.shape[1]))
    start = 0
    for size in resolved.first_stage.sizes:
        rows = start + np.arange(size)
        difference = signs[rows].astype(float) - signs[np.roll(rows, -1)]
        multipliers[order[rows]] += AMPLITUDE * difference
        start += size
    return _Made(multipliers=multipliers, scale=4 / signs.shape[1])


def _positions(column: str, resolved: ResolvedDesign, frame: pd.DataFrame) -> Ints:
    """Return where each PSU stands in the order of a column."""
    where = f"replicate_order {column!r}"
    codes = pd.factorize(frame[column], sort=True)[0]
    by_psu = pd.DataFrame({"psu": resolved.psu, "code": codes}).groupby("psu")["code"].agg(["min", "max"])
    faults = []
    if (codes < 0).any():
        faults.append(Fault(where=where, found=f"{int((codes < 0).sum())} rows have no value"))
    elif several := int((by_psu["min"] != by_psu["max"]).sum()):
        faults.append(Fault(where=where, found=f"{several} PSUs have several values", allowed="one per PSU"))
    elif ties := int(pd.DataFrame({"s": resolved.psu_stratum, "p": by_psu["min"]}).duplicated().sum()):
        found = f"{ties} PSUs stand where another PSU of their stratum stands"
        faults.append(Fault(where=where, found=found, allowed="different values within a stratum"))
    if faults:
        raise DesignError(*faults)
    return by_psu["min"].to_numpy()


def _unrepresented(design: SurveyDesign, resolved: ResolvedDesign) -> list[Fault]:
    """Return what of a design the method can't represent."""
    method = str(design.replicate_method)
    where = f"replicate_method {method!r}"
    sizes, labels = resolved.first_stage.sizes, np.array(resolved.stratum_labels, dtype=object)
    faults = []
    if method == "jk1" and resolved.n_strata > 1:
        faults.append(Fault(where=where, found=f"there are {resolved.n_strata} strata", remedy="'jkn'"))
    if method == "jk1" and resolved.n_psu < 2:
        faults.append(Fault(where=where, found="there is a single PSU", allowed="two or more PSUs"))
    if method == "jkn" and not ((sizes > 1) & (resolved.fraction < 1)).any():
        found = "no stratum has several PSUs of a larger population"
        faults.append(Fault(where=where, found=found, allowed="a stratum from which PSUs were drawn"))
    if method in ("brr", "fay") and (sizes != 2).any():
        other = [
            f"{label}: {size}" for label, size in zip(labels[sizes != 2], sizes[sizes != 2], strict=True)
        ]
        faults.append(
            Fault(
                where=where,
                found=f"{len(other)} of {len(sizes)} strata do not have two PSUs ({listed(other)})",
                allowed="exactly two PSUs in every stratum",
                remedy="replicate_method='jkn' or 'bootstrap'",
            )
        )
    lonely = (sizes == 1) & (resolved.fraction < 1)
    if method in ("bootstrap", "sdr") and resolved.lonely_psu in ("adjust", "average") and lonely.any():
        found = f"it can't apply lonely_psu={resolved.lonely_psu!r} to {listed(list(labels[lonely]))}"
        remedy = "lonely_psu='remove', join strata, or replicate_method='jkn'"
        faults.append(Fault(where=where, found=found, remedy=remedy))
    return faults + _finite_faults(design, resolved, where)


def _finite_faults(design: SurveyDesign, resolved: ResolvedDesign, where: str) -> list[Fault]:
    if not design.has_fpc:
        return []
    if design.replicate_method not in ("jk1", "jkn"):
        found = "it has no place for finite populations"
        remedy = "leave out fpc (a cautious variance), or replicate_method='jkn'"
        return [Fault(where=where, found=found, remedy=remedy)]
    if resolved.stages:
        found = "it has no place for finite populations after the first stage"
        remedy = "leave out fpc (ultimate clusters, a cautious variance)"
        return [Fault(where=where, found=found, remedy=remedy)]
    return []


def _too_many(design: SurveyDesign, resolved: ResolvedDesign) -> list[Fault]:
    method = str(design.replicate_method)
    many = design.n_replicates or (resolved.n_strata + 1 if method in ("brr", "fay") else resolved.n_psu)
    if many * resolved.n_rows <= MOST_WEIGHTS:
        return []
    found = f"{many:,} replicates of {resolved.n_rows:,} rows are more weights than are held at once"
    remedy = "replicate_method='bootstrap' with fewer replicates"
    return [Fault(where=f"replicate_method {method!r}", found=found, remedy=remedy)]
