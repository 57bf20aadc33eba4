"""The words of one analysis: labels of variables and terms, steps, samples, for all tables and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from coprodstats.models.results import FittedModel, Parameter
from coprodstats.models.wald import WaldTest
from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import TermLabel
from coprodstats.reporting.findings import EVERYONE, Compared, Findings
from coprodstats.reporting.language import listing, say, whole
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.statements import restated
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
        The codebook, its labels in the language spoken.
    series
        The two outcomes as they are drawn.
    source
        Where the numbers come from.
    own
        The analysis' own words in the language spoken, by what its files say; empty in their language.
    """

    codebook: Codebook
    series: tuple[Series, Series]
    source: str
    own: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, findings: Findings) -> Words:
        """Return the words of an analysis."""
        themed = findings.plan.theme.colours
        colours = (themed.individual, themed.collective)
        series = tuple(
            replace(s, name=o.name, label=o.label, colour=colour)
            for o, s, colour in zip(findings.plan.outcomes, OUTCOMES, colours, strict=True)
        )
        codebook = findings.cleaned.codebook
        title = codebook.title or findings.cleaned.source
        source = (
            say("words.source_synthetic", title=title)
            if codebook.synthetic
            else say("words.source_real", title=title)
        )
        return cls(codebook=codebook, series=(series[0], series[1]), source=source, own=findings.own)

    def step(self, variable: str) -> tuple[float, str]:
        """Return the change of a numeric variable that reports speak of, and its words."""
        found = self.codebook.columns.get(variable)
        if not isinstance(found, Variable | Conversion | Index):
            return 1.0, ""
        named = f"{fmt.localised(f'{found.step:g}')} {found.unit}".strip() if found.step != 1 else ""
        return found.step, found.step_label or named

    def known(self) -> set[str]:
        """Return the names that the codebook declares."""
        return set(self.codebook.columns)

    def label(self, variable: str) -> str:
        """Return the label of a column."""
        return self.codebook.label_of(variable)

    def level(self, category: str) -> str:
        """Return a category as readers see it; frames and terms keep the codebook's word."""
        return self.own.get(category, category)

    def group(self, name: str) -> str:
        """Return a group of respondents as readers see it, also the one that everyone makes."""
        return say("words.everyone") if name == EVERYONE else self.level(name)

    def split(self, split: str) -> str:
        """Return a split of an ordered outcome, such as ``low|high``, as readers see it."""
        return "|".join(self.level(category) for category in split.split("|"))

    def statement(self, text: str) -> str:
        """Return in the language spoken what another room of the package said in English."""
        # Reasons of missing answers are the codebook's words, in the language of the analysis' files.
        own = {reason: reason for v in self.codebook.variables.values() for reason in v.missing.values()}
        names = {s.name: lower_first(s.label) for s in self.series}
        return restated(text, {**own, **names, **self.own})

    @property
    def contrast(self) -> str:
        """What is subtracted from what, such as ``"Collective − individual"``."""
        first, second = self.series
        return say("words.minus", second=second.label, first=lower_first(first.label))

    def term(self, parameter: Parameter) -> TermLabel:
        """Return how readers see a term of a model."""
        term = comparable(parameter)
        if parameter.kind != "slope":
            name = parameter.name
            return TermLabel(term=term, label=self.split(name) if "|" in name else name, group="")
        if len(parameter.variables) != 1:
            parts = [
                self._part(part) for part in parameter.name.removesuffix(f"[{parameter.split}]").split(":")
            ]
            return TermLabel(term=term, label=self._at_split(" × ".join(parts), parameter), group="")
        variable = parameter.variables[0]
        if parameter.level:
            reference = self.level(parameter.reference)
            group = say("words.compared_with", label=self.label(variable), reference=reference)
            return TermLabel(
                term=term, label=self._at_split(self.level(parameter.level), parameter), group=group
            )
        _, step = self.step(variable)
        label = say("words.step", label=self.label(variable), step=step) if step else self.label(variable)
        return TermLabel(term=term, label=self._at_split(label, parameter), group="")

    def _at_split(self, label: str, parameter: Parameter) -> str:
        if not parameter.split:
            return label
        return say("words.at_split", label=label, split=self.split(parameter.split))

    def _part(self, part: str) -> str:
        """Return one part of an interaction; what is no plain variable keeps its name."""
        variable, _, level = part.partition("[T.")
        if variable not in self.known():
            return part
        if not level:
            return self.label(variable)
        return say("words.level", label=self.label(variable), level=self.level(level.removesuffix("]")))


def comparable(parameter: Parameter) -> str:
    """Return the name under which a parameter is compared on the margin scale."""
    if len(parameter.variables) == 1 and parameter.kind == "slope":
        variable = parameter.variables[0]
        return f"{variable}[T.{parameter.level}]" if parameter.level else variable
    return parameter.name


def term_labels(words: Words, model: FittedModel) -> list[TermLabel]:
    """Return the labels of a model's slopes, in order, each term once."""
    # A margin is one number, also where slopes differ between splits.
    whole_terms = (replace(p, split="") for p in model.parameters if p.kind == "slope")
    found = {comparable(p): words.term(p) for p in whole_terms}
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
    steps = {comparable(p): words.step(p.variables[0])[0] for p in model.parameters if is_numeric(p)}
    return _scaled(frame, steps, columns)


def coefficients_per_step(
    words: Words, model: FittedModel, frame: pd.DataFrame, columns: Sequence[str]
) -> pd.DataFrame:
    """Return a frame of parameters, by name in ``term``, with numbers of numeric variables per step."""
    steps = {p.name: words.step(p.variables[0])[0] for p in model.parameters if is_numeric(p)}
    return _scaled(frame, steps, columns)


def _scaled(frame: pd.DataFrame, steps: Mapping[str, float], columns: Sequence[str]) -> pd.DataFrame:
    factor = np.array([steps.get(term, 1.0) for term in frame["term"]])
    return frame.assign(**{column: frame[column].to_numpy() * factor for column in columns})


def sample_words(model: FittedModel) -> str:
    """Return the sample of a model in words."""
    return say(
        "words.sample",
        respondents=say("words.respondents", n=model.nobs),
        psus=say("words.psus", n=model.n_psu),
        strata=say("words.strata", n=model.n_strata),
    )


def compared_words(one: Compared, words: Words) -> str:
    """Return the samples of two compared models in words."""
    first, second = (one.models[s.name] for s in words.series)
    used = first.used | second.used
    parts = [
        say("words.of_model", label=lower_first(s.label), number=whole(one.models[s.name].nobs))
        for s in words.series
    ]
    return say(
        "words.compared",
        respondents=say("words.respondents", n=one.margins.n_union),
        parts=listing(parts),
        psus=say("words.psus", n=len(np.unique(first.design.psu[used]))),
        strata=say("words.strata", n=len(np.unique(first.design.stratum[first.used]))),
    )


def range_words(members: Sequence[Compared]) -> str:
    """Return the sizes of several comparisons' samples in words."""
    sizes = [one.margins.n_union for one in members]
    if min(sizes) == max(sizes):
        return say("words.respondents", n=sizes[0])
    return say("words.respondents_between", low=whole(min(sizes)), high=whole(max(sizes)))


def p_words(p: float) -> str:
    """Return a p value as it follows the letter p, such as ``"= 0.031"`` or ``"<0.001"``."""
    text = fmt.p_value(p)
    return text if text.startswith(("<", ">", "[")) else say("words.equal", p=text)


def wald_words(test: WaldTest) -> str:
    """Return a Wald test in words."""
    return say(
        "words.wald",
        df_num=test.df_num,
        df_denom=fmt.number(test.df_denom, 0),
        statistic=fmt.number(test.statistic, 2),
        p=p_words(test.p_value),
    )
