"""The plan of an analysis: what its TOML file declares, checked as a whole before anything is computed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from coprodstats.errors import ConfigError, did_you_mean, listed
from coprodstats.reporting.language import say, speaking
from coprodstats.reporting.planned_comparisons import ComparisonPlan, read_comparisons, texts_by_name
from coprodstats.reporting.planned_outputs import (
    beside,
    read_docx_template,
    read_formats,
    read_languages,
    read_plan_theme,
    read_translation_files,
    there,
)
from coprodstats.reporting.sentences import lower_first, too_long
from coprodstats.reporting.suggestions import BriefingPlan, claims_named, read_briefing
from coprodstats.reporting.theme import Theme
from coprodstats.survey.design import DfRule, LonelyPSU
from coprodstats.survey.toml_table import TomlTable, parse_toml

_TOP = (
    "title", "subtitle", "root", "survey", "codebook", "claims", "output", "formats", "languages",
    "translations", "theme", "docx_template", "seed", "replicates", "df_rule", "lonely_psu", "mapping",
    "outcomes", "describe", "comparisons", "phrases", "forest", "importance", "limits",
    "briefing",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomePlan:
    """One of the two things compared: its name, its label, and the words for its event."""

    name: str
    label: str
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribePlan:
    """What is described before anything is modelled."""

    sample: tuple[str, ...]
    by: str
    items: Mapping[str, str]
    indices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportancePlan:
    """Whose importance is ranked in which of the first comparison's models."""

    model: str
    variables: tuple[str, ...]
    highlight: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisPlan:
    """All that an analysis file declares.

    Attributes
    ----------
    path
        The file; the other paths are resolved from its folder.
    sha256
        Hash of its bytes.
    root
        The folder that the survey file must lie in, links followed: the file's own unless declared.
    survey, codebook, output
        Paths; ``claims`` may be None.
    formats
        What the report is written in, names of `formats.FORMATS`; ``html`` is always among them.
    languages
        What the run is written in, codes of `language.LANGUAGES`: first the language of the analysis' own
        words, then others, each into a folder of its own.
    translations
        The file of the analysis' own words in each further language.
    theme, theme_file
        Colours, logo, fonts and organisation, and the file that declares them, or None.
    docx_template
        The Word file whose styles, headers and footers the Word report has; or None.
    outcomes
        The two outcomes in the order of subtraction.
    comparisons
        At least one; the first is the heart of the report.
    phrases
        Who a sentence of the summary is about, by term.
    forest
        Variables and terms that forest plots draw, in order; empty for all.
    limits
        What this survey in particular can't tell, beside what no such survey can.
    briefing
        What the literature suggests to policy, and where to read it.
    """

    path: Path
    sha256: str
    title: str
    subtitle: str
    root: Path
    survey: Path
    codebook: Path
    claims: Path | None
    output: Path
    formats: tuple[str, ...]
    languages: tuple[str, ...]
    translations: Mapping[str, Path]
    theme: Theme
    theme_file: Path | None
    docx_template: Path | None
    seed: int
    replicates: int
    df_rule: DfRule
    lonely_psu: LonelyPSU | None
    mapping: str
    outcomes: tuple[OutcomePlan, OutcomePlan]
    describe: DescribePlan
    comparisons: tuple[ComparisonPlan, ...]
    phrases: Mapping[str, str]
    forest: tuple[str, ...]
    importance: ImportancePlan | None
    limits: tuple[str, ...]
    briefing: BriefingPlan = field(default_factory=BriefingPlan)


def read_plan(path: str | Path) -> AnalysisPlan:
    """Read an analysis file.

    Parameters
    ----------
    path
        The TOML file.

    Raises
    ------
    ConfigError
        With all faults of the file.
    """
    file = Path(path)
    content, data, faults = parse_toml(file)
    if faults:
        raise ConfigError(*faults)
    top = TomlTable(file.name, content)
    top.refuse_unknown(_TOP)
    languages = read_languages(top)
    with speaking(languages[0]):
        outcomes = _outcomes(top)
    names = tuple(o.name for o in outcomes)
    theme_file = there(top, file, "theme", "a TOML file of colours, logo and fonts")
    plan = AnalysisPlan(
        path=file,
        sha256=hashlib.sha256(data).hexdigest(),
        title=top.text("title", None),
        subtitle=top.text("subtitle"),
        root=beside(top, file, "root", default="."),
        survey=beside(top, file, "survey"),
        codebook=beside(top, file, "codebook"),
        claims=beside(top, file, "claims") if "claims" in top else None,
        output=beside(top, file, "output", default="report"),
        formats=read_formats(top),
        languages=languages,
        translations=read_translation_files(top, file, languages),
        theme=read_plan_theme(top, theme_file),
        theme_file=theme_file,
        docx_template=read_docx_template(top, file),
        seed=top.whole("seed") or 1,
        replicates=top.whole("replicates") or 200,
        df_rule=top.choice("df_rule", get_args(DfRule), "stata"),  # type: ignore[arg-type]
        lonely_psu=top.choice("lonely_psu", get_args(LonelyPSU), None)  # type: ignore[arg-type]
        if "lonely_psu" in top
        else None,
        mapping=top.text("mapping"),
        outcomes=outcomes,
        describe=_describe(top),
        comparisons=read_comparisons(top, names),
        forest=_forest(top),
        phrases=texts_by_name(top.table("phrases")),
        importance=_importance(top, names),
        limits=top.texts("limits") or (),
        briefing=_briefing(top),
    )
    for key, found, allowed in long_texts(plan):
        top.fault(found, key=key, allowed=allowed)
    if top.faults:
        raise ConfigError(*top.faults)
    return plan


def long_texts(plan: AnalysisPlan) -> list[tuple[str, str, str]]:
    """Return the phrases of a plan that sentences have no room for: key, what was found, what is allowed."""
    labels = {outcome.name: outcome.label for outcome in plan.outcomes}
    events = {outcome.name: outcome.event for outcome in plan.outcomes}
    return list(too_long(plan.phrases, labels, events))


def _outcomes(top: TomlTable) -> tuple[OutcomePlan, OutcomePlan]:
    tables = top.tables("outcomes")
    found = []
    for name, table in tables.items():
        table.refuse_unknown(("label", "event"))
        label = table.text("label", None)
        event = table.text("event") or say("words.to_be", label=lower_first(label))
        found.append(OutcomePlan(name=name, label=label, event=event))
    if len(found) != 2:
        top.fault(f"there are {len(found)} outcomes", key="outcomes", allowed="two, to be compared")
        blank = OutcomePlan(name="", label="", event="")
        return blank, blank
    return found[0], found[1]


def _describe(top: TomlTable) -> DescribePlan:
    table = top.table("describe")
    table.refuse_unknown(("sample", "by", "items", "indices"))
    return DescribePlan(
        sample=table.texts("sample") or (),
        by=table.text("by"),
        items=texts_by_name(table.table("items")),
        indices=table.texts("indices") or (),
    )


def _briefing(top: TomlTable) -> BriefingPlan:
    found = read_briefing(top.table("briefing"))
    if claims_named(found.suggestions) and "claims" not in top:
        top.fault("suggestions rest on claims, and none are put to this analysis", key="briefing.suggestions")
    return found


def _forest(top: TomlTable) -> tuple[str, ...]:
    table = top.table("forest")
    table.refuse_unknown(("terms",))
    return table.texts("terms") or ()


def _importance(top: TomlTable, names: tuple[str, ...]) -> ImportancePlan | None:
    if "importance" not in top:
        return None
    table = top.table("importance")
    table.refuse_unknown(("model", "variables", "highlight"))
    variables = table.texts("variables") or ()
    highlight = table.text("highlight")
    if highlight and variables and highlight not in variables:
        near = did_you_mean(highlight, variables)
        table.fault(f"{highlight!r} is not ranked", key="highlight", allowed=listed(variables), remedy=near)
    return ImportancePlan(model=table.choice("model", names, None), variables=variables, highlight=highlight)
