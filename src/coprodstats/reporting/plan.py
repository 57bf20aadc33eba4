"""The plan of an analysis: what its TOML file declares, checked as a whole before anything is computed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from coprodstats.errors import ConfigError, did_you_mean, listed
from coprodstats.models.links import LinkName
from coprodstats.reporting.formats import format_faults
from coprodstats.reporting.language import LANGUAGES
from coprodstats.reporting.sentences import lower_first, too_long
from coprodstats.reporting.suggestions import BriefingPlan, claims_named, read_briefing
from coprodstats.reporting.table import KEY
from coprodstats.reporting.theme import DEFAULT_THEME, Theme, read_theme
from coprodstats.survey.design import DfRule, LonelyPSU
from coprodstats.survey.toml_table import TomlTable, is_number, parse_toml

KINDS = ("logit", "ologit", "linear", "fractional_logit")
OF_MEANS = ("linear", "fractional_logit")
"""The kinds whose margins are of a mean, in the outcome's own unit; the others' are of a probability."""

_TOP = (
    "title", "subtitle", "root", "survey", "codebook", "claims", "output", "formats", "languages",
    "translations", "theme", "docx_template", "seed", "replicates", "df_rule", "lonely_psu", "mapping",
    "outcomes", "describe", "comparisons", "phrases", "forest", "importance", "limits",
    "briefing",
)  # fmt: skip
_COMPARISON = (
    "key", "title", "group", "kind", "outcomes", "events", "predictors", "over", "suffix", "mapping",
    "link", "nonparallel",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomePlan:
    """One of the two things compared: its name, its label, and the words for its event."""

    name: str
    label: str
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPlan:
    """Two models of the same predictors, to be compared.

    Attributes
    ----------
    key, title
        Short name; what readers see.
    group, group_key
        Comparisons of one group stand together; the name by which their section is found, in any language.
    kind
        One of `KINDS`.
    outcomes
        The outcome's column by name of `OutcomePlan`.
    events
        For ordinal models the category k such that the event is "k or more".
    predictors
        The right-hand side of both formulas.
    over
        A predictor and the values along which probabilities are predicted; may be empty.
    suffix
        Ending that sector-specific predictors share, left out where sectors stand side by side.
    mapping
        The codebook's item mapping; empty for the analysis' own.
    link, nonparallel
        For ordinal models the link, and the terms whose slopes differ between the splits of the outcome.
    """

    key: str
    title: str
    group: str
    group_key: str
    kind: str
    outcomes: Mapping[str, str]
    events: Mapping[str, str]
    predictors: str
    over: Mapping[str, tuple[float, ...]]
    suffix: str
    mapping: str
    link: LinkName = "logit"
    nonparallel: tuple[str, ...] = ()


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
    outcomes = _outcomes(top)
    names = tuple(o.name for o in outcomes)
    languages = _languages(top)
    theme_file = _there(top, file, "theme", "a TOML file of colours, logo and fonts")
    plan = AnalysisPlan(
        path=file,
        sha256=hashlib.sha256(data).hexdigest(),
        title=top.text("title", None),
        subtitle=top.text("subtitle"),
        root=_beside(top, file, "root", default="."),
        survey=_beside(top, file, "survey"),
        codebook=_beside(top, file, "codebook"),
        claims=_beside(top, file, "claims") if "claims" in top else None,
        output=_beside(top, file, "output", default="report"),
        formats=_formats(top),
        languages=languages,
        translations=_translations(top, file, languages),
        theme=_theme(top, theme_file),
        theme_file=theme_file,
        docx_template=_docx_template(top, file),
        seed=top.whole("seed") or 1,
        replicates=top.whole("replicates") or 200,
        df_rule=top.choice("df_rule", get_args(DfRule), "stata"),  # type: ignore[arg-type]
        lonely_psu=top.choice("lonely_psu", get_args(LonelyPSU), None)  # type: ignore[arg-type]
        if "lonely_psu" in top
        else None,
        mapping=top.text("mapping"),
        outcomes=outcomes,
        describe=_describe(top),
        comparisons=_comparisons(top, names),
        forest=_forest(top),
        phrases=_texts_by_name(top.table("phrases")),
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


def _beside(top: TomlTable, file: Path, key: str, default: str | None = None) -> Path:
    text = top.text(key, default)
    if "://" in text or text.startswith(("/", "\\")):
        top.fault(
            "it is no path relative to this file", key=key, allowed="a relative path, such as 'data.csv'"
        )
    return file.parent / text


def _formats(top: TomlTable) -> tuple[str, ...]:
    if "formats" not in top:
        return ("html",)
    names = top.texts("formats") or ()
    top.faults += format_faults(f"{top.where}: formats", names)
    return names


def _languages(top: TomlTable) -> tuple[str, ...]:
    codes = top.texts("languages") if "languages" in top else ("en",)
    for code in codes or ():
        if code not in LANGUAGES:
            near = did_you_mean(code, list(LANGUAGES))
            top.fault(
                f"{code!r} is no language that reports are written in",
                key="languages",
                allowed=listed(list(LANGUAGES)),
                remedy=near,
            )
    if not codes:
        top.fault("there is none", key="languages", allowed='languages = ["en"], or several')
    return tuple(code for code in codes or () if code in LANGUAGES) or ("en",)


def _translations(top: TomlTable, file: Path, languages: tuple[str, ...]) -> dict[str, Path]:
    table = top.table("translations")
    found = {}
    for code in table.content:
        path = _there(table, file, code, 'a TOML file of texts, "this" = "that"')
        if path is not None:
            found[code] = path
        if code not in languages[1:]:
            table.fault(
                f"nothing is translated into {code!r}",
                key=code,
                allowed=f"the languages after the first: {listed(list(languages[1:])) or 'there is none'}",
                remedy=did_you_mean(code, languages[1:]),
            )
    for code in languages[1:]:
        if code not in table:
            remedy = f'[translations] {code} = "words.{code}.toml"'
            top.fault(
                f"the analysis' own words are not translated into {code!r}", key="translations", remedy=remedy
            )
    return found


def _theme(top: TomlTable, path: Path | None) -> Theme:
    if path is None or not path.is_file():
        return DEFAULT_THEME
    try:
        return read_theme(path)
    except ConfigError as error:
        top.faults += error.faults
        return DEFAULT_THEME


def _there(top: TomlTable, file: Path, key: str, allowed: str) -> Path | None:
    """Return the file that a key names, or None without the key."""
    if key not in top:
        return None
    path = _beside(top, file, key)
    if isinstance(top.content[key], str) and not path.is_file():
        top.fault("there is no such file", key=key, allowed=allowed)
    return path


def _docx_template(top: TomlTable, file: Path) -> Path | None:
    path = _there(top, file, "docx_template", "a .docx or .dotx file")
    if path is None:
        return None
    if "docx" not in _formats(TomlTable(top.where, top.content)):
        top.fault("no Word report is written", key="docx_template", remedy='formats = ["html", "docx"]')
    return path


def _outcomes(top: TomlTable) -> tuple[OutcomePlan, OutcomePlan]:
    tables = top.tables("outcomes")
    found = []
    for name, table in tables.items():
        table.refuse_unknown(("label", "event"))
        label = table.text("label", None)
        found.append(
            OutcomePlan(name=name, label=label, event=table.text("event") or f"to be {lower_first(label)}")
        )
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
        items=_texts_by_name(table.table("items")),
        indices=table.texts("indices") or (),
    )


def _comparisons(top: TomlTable, names: tuple[str, ...]) -> tuple[ComparisonPlan, ...]:
    raw = top.content.get("comparisons")
    if not isinstance(raw, list) or not raw or not all(isinstance(item, dict) for item in raw):
        top.fault("there is none", key="comparisons", allowed="[[comparisons]], once or more")
        return ()
    found = tuple(
        _comparison(TomlTable(f"{top.where}: comparisons {i}", item, top.faults), names)
        for i, item in enumerate(raw, start=1)
    )
    keys = [c.key for c in found]
    repeated = sorted({k for k in keys if keys.count(k) > 1})
    if found[0].kind in set(KINDS) - {"logit"}:
        top.fault(
            f"the first comparison is of kind {found[0].kind!r}, and levels are described by its outcomes",
            key="comparisons",
            remedy="put a comparison of kind 'logit' first",
        )
    _group_faults(top, found)
    if repeated:
        top.fault(f"keys occur twice: {listed(repeated)}", key="comparisons")
    return found


def _group_faults(top: TomlTable, found: Sequence[ComparisonPlan]) -> None:
    """Record groups that would put percentage points beside units of a mean."""
    for group in dict.fromkeys(c.group for c in found[1:] if c.group):
        members = [c for c in found[1:] if c.group == group]
        means = [c.key for c in members if c.kind in OF_MEANS]
        if means and (len(means) < len(members) or any(c.mapping for c in members)):
            top.fault(
                f"group {group!r} puts means beside probabilities: {listed(means)}",
                key="comparisons",
                remedy="a group of their own, without a mapping",
            )


def _comparison(table: TomlTable, names: tuple[str, ...]) -> ComparisonPlan:
    table.refuse_unknown(_COMPARISON)
    over: dict[str, tuple[float, ...]] = {}
    for variable, values in table.table("over").content.items():
        if isinstance(values, list) and values and all(is_number(v) for v in values):
            over[variable] = tuple(values)
        else:
            table.fault(f"{variable!r} has no list of numbers", key="over", allowed="{ age = [20, 30, 40] }")
    if len(over) > 1:
        table.fault(
            f"there are {len(over)} variables", key="over", allowed="one, along which lines are drawn"
        )
    kind = table.choice("kind", KINDS, None)
    outcomes = _by_name(table, "outcomes", names, required=True)
    events = _by_name(table, "events", names, required=kind == "ologit")
    if over and kind != "logit":
        table.fault("predictions along a variable are drawn for logistic models", key="over")
    if kind == "logit" and events:
        table.fault("a logistic model has one event", key="events", remedy="leave events out")
    if kind in OF_MEANS and events:
        table.fault("a model of a mean has no event", key="events", remedy="leave events out")
    link = table.choice("link", get_args(LinkName), "logit")
    nonparallel = table.texts("nonparallel") or ()
    for key in ("link", "nonparallel"):
        if key in table and kind != "ologit":
            table.fault("it is declared for ordinal models", key=key, remedy=f"leave {key} out")
    group = table.text("group")
    group_key = "-".join(group.lower().split())
    _anchor_fault(table, "key", table.text("key"))
    _anchor_fault(table, "group", group_key)
    return ComparisonPlan(
        key=table.text("key", None),
        title=table.text("title", None),
        group=group,
        group_key=group_key,
        kind=kind,
        outcomes=outcomes,
        events=events,
        predictors=table.text("predictors", None),
        over=over,
        suffix=table.text("suffix"),
        mapping=table.text("mapping"),
        link=link,  # type: ignore[arg-type]
        nonparallel=nonparallel,
    )


def _by_name(table: TomlTable, key: str, names: tuple[str, ...], *, required: bool) -> dict[str, str]:
    inner = table.table(key)
    content = _texts_by_name(inner)
    wrong = [k for k in content if k not in names]
    lacking = [n for n in names if n not in inner] if required or content else []
    for name in wrong:
        table.fault(
            f"no outcome is named {name!r}", key=key, allowed=listed(names), remedy=did_you_mean(name, names)
        )
    if lacking:
        table.fault(f"nothing is given for {listed(lacking)}", key=key)
    return content


def _texts_by_name(table: TomlTable) -> dict[str, str]:
    return {name: table.text(name, None) for name in table.content}


def _anchor_fault(table: TomlTable, key: str, text: str) -> None:
    """Record a fault if a text can't be an anchor of the report and part of a file name."""
    if text and not KEY.fullmatch(text):
        allowed = "letters and digits, joined by spaces, - or _, beginning with a letter"
        table.fault("it can't be part of a file name", key=key, allowed=allowed)


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
