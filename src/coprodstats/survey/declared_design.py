"""The declaration of a sampling design: names of columns and rules, checked before any data are seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from coprodstats.errors import ArgumentError
from coprodstats.survey.design_faults import (
    METHOD_WORDS,
    LonelyPSU,
    Names,
    ReplicateMethod,
    declaration_faults,
    per_stage,
)
from coprodstats.survey.display import record_html


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyDesign:
    """Names of the columns that describe how respondents were sampled.

    Either strata and PSUs, from which variances are linearised, or columns of replicate weights, or
    replicate weights to be made from the strata and PSUs (``replicate_method`` without columns; see
    `replicate_design`).

    Parameters
    ----------
    weights
        Column of sampling weights (inverse inclusion probabilities, any scale). Without it weights are equal,
        or with ``fpc`` those that follow from the finite populations.
    strata
        Column of strata; none means a single stratum. A tuple gives a column, or None, for each stage.
    psu
        Column of primary sampling units; none means that each respondent is one. A tuple gives the units of
        each stage, the first one first; a last None means the respondents themselves.
    fpc
        Column with, per stratum, either the sampling fraction of units (at most 1) or the number of units in
        the population (at least 1); none means sampling with replacement. With several stages a tuple: one
        entry per stage, all fractions or all numbers, None (only after the last that is given) or a fraction
        of 0 where a stage has no correction. Without any, later stages are in the PSUs' variance (ultimate
        clusters).
    lonely_psu
        What a stratum with a single unit contributes to the variance: ``"error"`` refuses, ``"remove"`` and
        ``"certainty"`` count nothing, ``"adjust"`` centres that unit at the mean of all units, ``"average"``
        gives it the mean contribution of the other strata.
    nested
        How PSU ids that occur in several strata are read: ``True``, they are different PSUs; ``False``, they
        are an error of the file; ``None``, the question is put to you.
    adjust_domain_lonely
        Whether ``"adjust"`` and ``"average"`` also hold for strata of which a domain leaves a single PSU.
    replicate_weights
        Columns of replicate weights.
    replicate_method
        ``"jk1"``, ``"jkn"``, ``"jk2"``, ``"brr"``, ``"fay"``, ``"bootstrap"``, ``"sdr"`` or ``"other"``.
    replicate_combined
        Whether the replicate weights contain the sampling weight, or else are to be multiplied by it.
    scale, rscales
        Factors of the sum of squares and of each replicate's square, where the method does not fix them.
    mse
        Whether replicates deviate from the estimate, or else from their mean.
    fay_rho
        Fay's coefficient, at least 0 and below 1.
    replicate_df
        Degrees of freedom, if the data's documentation gives them.
    n_replicates, seed
        Number of replicates and seed of a bootstrap that is made.
    replicate_order
        Column that orders the PSUs as they were drawn, for successive differences that are made.

    Raises
    ------
    ArgumentError
        With every argument that is outside what is accepted, or that its method has no use for.

    Notes
    -----
    Stages as in ``svydesign``, replicate weights as in ``svrepdesign`` of the R package survey, whose
    defaults are: ``scale`` (R - 1) / R for JK1 and 1 / (R - 1) for the bootstrap, ``rscales`` 1.

    Examples
    --------
    >>> SurveyDesign(weights="w", strata="region", psu="municipality").describe()
    'weights: w, strata: region, PSUs: municipality'
    >>> SurveyDesign(weights="w", replicate_weights=["w1", "w2", "w3"], replicate_method="jk1").describe()
    'weights: w, 3 replicate weights: jackknife (JK1)'
    """

    weights: str | None = None
    strata: Names = None
    psu: Names = None
    fpc: Names = None
    lonely_psu: LonelyPSU = "error"
    nested: bool | None = None
    adjust_domain_lonely: bool = False
    replicate_weights: tuple[str, ...] | None = None
    replicate_method: ReplicateMethod | None = None
    replicate_combined: bool = True
    scale: float | None = None
    rscales: float | tuple[float, ...] | None = None
    mse: bool = False
    fay_rho: float | None = None
    replicate_df: int | None = None
    n_replicates: int | None = None
    seed: int | None = None
    replicate_order: str | None = None

    def __post_init__(self) -> None:
        for name in ("strata", "psu", "fpc", "replicate_weights", "rscales"):
            value = getattr(self, name)
            if isinstance(value, Iterable) and not isinstance(value, str):
                object.__setattr__(self, name, tuple(value))
        if faults := declaration_faults(self):
            raise ArgumentError(*faults)

    @property
    def stages(self) -> tuple[tuple[str | None, str | None, str | None], ...]:
        """Strata, units and finite population of each stage, as columns."""
        psu = per_stage(self.psu)
        strata, fpc = (
            (*per_stage(names), *[None] * len(psu))[: len(psu)] for names in (self.strata, self.fpc)
        )
        return tuple(zip(strata, psu, fpc, strict=True))

    @property
    def has_fpc(self) -> bool:
        """Whether any stage has a finite population."""
        return any(name is not None for name in per_stage(self.fpc))

    def columns(self) -> tuple[str, ...]:
        """Return the columns that the design needs."""
        named = (name for names in self.roles().values() for name in names)
        return tuple(dict.fromkeys(name for name in named if name is not None))

    def roles(self) -> dict[str, tuple[str | None, ...]]:
        """Return what each role names, stage by stage."""
        return {
            "weights": (self.weights,),
            "strata": per_stage(self.strata),
            "psu": per_stage(self.psu),
            "fpc": per_stage(self.fpc),
            "replicate_weights": self.replicate_weights or (),
            "replicate_order": (self.replicate_order,),
        }

    def describe(self) -> str:
        """Return the design in words, for the foot of a table."""
        derived = self.has_fpc and self.replicate_weights is None
        unnamed = "weights from the finite populations" if derived else "equal weights"
        parts = [f"weights: {self.weights}" if self.weights else unnamed]
        if self.replicate_weights is not None:
            method = METHOD_WORDS[str(self.replicate_method)]
            return f"{parts[0]}, {len(self.replicate_weights)} replicate weights: {method}"
        parts.append(f"strata: {_named(self.strata, 'none')}" if self.strata else "one stratum")
        parts.append(f"PSUs: {_named(self.psu, 'respondents')}" if self.psu else "respondents as PSUs")
        if self.has_fpc:
            parts.append(f"finite population: {_named(self.fpc, 'none')}")
        elif len(self.stages) > 1:
            parts.append("ultimate clusters")
        if self.replicate_method is not None:
            drawn = f": {self.n_replicates} replicates, seed {self.seed}" if self.n_replicates else ""
            parts.append(METHOD_WORDS[self.replicate_method] + drawn)
        return ", ".join(parts)

    def _repr_html_(self) -> str:
        return record_html(self)


def _named(names: Names, absent: str) -> str:
    return " > ".join(name if name is not None else absent for name in per_stage(names))
