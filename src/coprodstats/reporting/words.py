"""The words of one analysis: labels of variables and terms, steps, samples, for all tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from coprodstats.models.results import FittedModel, Parameter
from coprodstats.models.wald import WaldTest
from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import TermLabel
from coprodstats.reporting.findings import Compared, Findings
from coprodstats.reporting.language import listing
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.style import OUTCOMES, Series
from coprodstats.survey.conversions import Conversion
from coprodstats.survey.declarations import Codebook, Index, Variable

ESTIMATES = ("estimate", "conf_low", "conf_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What names stand for in one analysis, and what stands under all of its tables.

    Attributes
    ----------
    codebook
        The codebook.
    series
        The two outcomes as they are drawn.
    source
        Where the numbers come from.
    """

    codebook: Codebook
    series: tuple[Series, Series]
    source: str

    @classmethod
    def of(cls, findings: Findings) -> Words:
        """Return the words of an analysis."""
        series = tuple(
            Series(name=o.name, label=o.label, colour=s.colour, marker=s.marker, dashes=s.dashes)
            for o, s in zip(findings.plan.outcomes, OUTCOMES, strict=True)
        )
        codebook = findings.cleaned.codebook
        kind = "synthetic data, not a real survey" if codebook.synthetic else "survey data"
        return cls(
            codebook=codebook,
            series=(series[0], series[1]),
            source=f"{codebook.title or findings.cleaned.source} ({kind}).",
        )

    def step(self, variable: str) -> tuple[float, str]:
        """Return the change of a numeric variable that reports speak of, and its words."""
        found = self.codebook.columns.get(variable)
        if not isinstance(found, Variable | Conversion | Index):
            return 1.0, ""
        named = f"{found.step:g} {found.unit}".strip() if found.step != 1 else ""
        return found.step, found.step_label or named

    def known(self) -> set[str]:
        """Return the names that the codebook declares."""
        return set(self.codebook.columns)

    def label(self, variable: str) -> str:
        """Return the label of a column."""
        return self.codebook.label_of(variable)

    def term(self, parameter: Parameter) -> TermLabel:
        """Return how readers see a term of a model."""
        term = comparable(parameter)
        if len(parameter.variables) != 1 or parameter.kind != "slope":
            return TermLabel(term=term, label=parameter.name, group="")
        variable = parameter.variables[0]
        if parameter.level:
            group = f"{self.label(variable)} (compared with {parameter.reference})"
            return TermLabel(term=term, label=parameter.level, group=group)
        _, words = self.step(variable)
        shown = f" (+{words})" if words else ""
        return TermLabel(term=term, label=f"{self.label(variable)}{shown}", group="")


def comparable(parameter: Parameter) -> str:
    """Return the name under which a parameter is compared on the margin scale."""
    if len(parameter.variables) == 1 and parameter.kind == "slope":
        variable = parameter.variables[0]
        return f"{variable}[T.{parameter.level}]" if parameter.level else variable
    return parameter.name


def term_labels(words: Words, model: FittedModel) -> list[TermLabel]:
    """Return the labels of a model's slopes, in order, each term once."""
    found = {comparable(p): words.term(p) for p in model.parameters if p.kind == "slope"}
    return list(found.values())


def is_numeric(parameter: Parameter) -> bool:
    """Return whether a parameter is the slope of one numeric variable."""
    return parameter.kind == "slope" and len(parameter.variables) == 1 and not parameter.level


def drawn(findings: Findings, labels: Sequence[TermLabel]) -> list[TermLabel]:
    """Return the labels of the terms that the plan wants drawn, in its order; all if it names none."""
    wanted = findings.plan.forest
    if not wanted:
        return list(labels)
    return [t for name in wanted for t in labels if t.term == name or t.term.startswith(f"{name}[")]


def per_step(words: Words, model: FittedModel, frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return a frame of terms with the numbers of numeric variables per step instead of per unit."""
    scaled = frame.copy()
    for p in model.parameters:
        if is_numeric(p):
            size, _ = words.step(p.variables[0])
            rows = scaled["term"] == comparable(p)
            scaled.loc[rows, list(columns)] = scaled.loc[rows, list(columns)] * size
    return scaled


def coefficients_per_step(
    words: Words, model: FittedModel, frame: pd.DataFrame, columns: Sequence[str]
) -> pd.DataFrame:
    """Return a frame of parameters, by name in ``term``, with numbers of numeric variables per step."""
    steps = {p.name: words.step(p.variables[0])[0] for p in model.parameters if is_numeric(p)}
    scaled = frame.copy()
    factor = [steps.get(name, 1.0) for name in scaled["term"]]
    scaled[list(columns)] = scaled[list(columns)].mul(factor, axis=0)
    return scaled


def sample_words(model: FittedModel) -> str:
    """Return the sample of a model in words."""
    return f"{model.nobs:,} respondents, {model.n_psu:,} PSUs, {strata_words(model.n_strata)}"


def strata_words(n: int) -> str:
    """Return a number of strata in words."""
    return f"{n:,} strata" if n != 1 else "one stratum"


def compared_words(one: Compared, words: Words) -> str:
    """Return the samples of two compared models in words."""
    parts = [f"{lower_first(s.label)} {one.models[s.name].nobs:,}" for s in words.series]
    first, second = (one.models[s.name] for s in words.series)
    used = first.used | second.used
    psus = len(np.unique(first.design.psu[used]))
    strata = len(np.unique(first.design.stratum[first.used]))
    union = f"{one.margins.n_union:,} respondents ({listing(parts)})"
    return f"{union}, {psus:,} PSUs, {strata_words(strata)}"


def range_words(members: Sequence[Compared]) -> str:
    """Return the sizes of several comparisons' samples in words."""
    sizes = [one.margins.n_union for one in members]
    if min(sizes) == max(sizes):
        return f"{sizes[0]:,} respondents"
    return f"{min(sizes):,} to {max(sizes):,} respondents"


def wald_words(test: WaldTest) -> str:
    """Return a Wald test in words."""
    p = fmt.p_value(test.p_value)
    sign = "" if p.startswith(("<", "[")) else "= "
    df = fmt.number(test.df_denom, 0)
    return f"adjusted Wald F({test.df_num}, {df}) = {fmt.number(test.statistic, 2)}, p {sign}{p}"
