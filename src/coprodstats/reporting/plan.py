"""The plan of an analysis: what its TOML file declares, checked as a whole before anything is computed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from coprodstats.errors import ConfigError, Fault, did_you_mean, listed
from coprodstats.survey.design import DfRule, LonelyPSU
from coprodstats.survey.toml_table import TomlTable, is_number, parse_toml

KINDS = ("logit", "ologit")
_TOP = (
    "title", "subtitle", "survey", "codebook", "claims", "output", "seed", "replicates", "df_rule",
    "lonely_psu", "mapping", "outcomes", "describe", "comparisons", "phrases", "forest", "importance",
)  # fmt: skip
_COMPARISON = (
    "key", "title", "group", "kind", "outcomes", "events", "predictors", "over", "suffix", "mapping",
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
    group
        Comparisons of one group stand together.
    kind
        ``"logit"`` or ``"ologit"``.
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
    """

    key: str
    title: str
    group: str
    kind: str
    outcomes: Mapping[str, str]
    events: Mapping[str, str]
    predictors: str
    over: Mapping[str, tuple[float, ...]]
    suffix: str
    mapping: str


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
    survey, codebook, output
        Paths; ``claims`` may be None.
    outcomes
        The two outcomes in the order of subtraction.
    comparisons
        At least one; the first is the heart of the report.
    phrases
        Who a sentence of the summary is about, by term.
    forest
        Variables and terms that forest plots draw, in order; empty for all.
    """

    path: Path
    sha256: str
    title: str
    subtitle: str
    survey: Path
    codebook: Path
    claims: Path | None
    output: Path
    seed: int
    replicates: int
    df_rule: DfRule
    lonely_psu: LonelyPSU
    mapping: str
    outcomes: tuple[OutcomePlan, OutcomePlan]
    describe: DescribePlan
    comparisons: tuple[ComparisonPlan, ...]
    phrases: Mapping[str, str]
    forest: tuple[str, ...]
    importance: ImportancePlan | None


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
    plan = AnalysisPlan(
        path=file,
        sha256=hashlib.sha256(data).hexdigest(),
        title=top.text("title", None),
        subtitle=top.text("subtitle"),
        survey=_beside(top, file, "survey"),
        codebook=_beside(top, file, "codebook"),
        claims=_beside(top, file, "claims") if "claims" in top else None,
        output=_beside(top, file, "output", default="report"),
        seed=top.whole("seed") or 1,
        replicates=top.whole("replicates") or 200,
        df_rule=top.choice("df_rule", get_args(DfRule), "stata"),  # type: ignore[arg-type]
        lonely_psu=top.choice("lonely_psu", get_args(LonelyPSU), "error"),  # type: ignore[arg-type]
        mapping=top.text("mapping"),
        outcomes=outcomes,
        describe=_describe(top),
        comparisons=_comparisons(top, names),
        forest=_forest(top),
        phrases={k: v for k, v in top.table("phrases").content.items() if isinstance(v, str)},
        importance=_importance(top, names),
    )
    if top.faults:
        raise ConfigError(*top.faults)
    return plan


def _beside(top: TomlTable, file: Path, key: str, default: str | None = None) -> Path:
    text = top.text(key, default)
    if "://" in text or text.startswith(("/", "\\")):
        top.fault(
            "it is no path relative to this file", key=key, allowed="a relative path, such as 'data.csv'"
        )
    return file.parent / text


def _outcomes(top: TomlTable) -> tuple[OutcomePlan, OutcomePlan]:
    tables = top.tables("outcomes")
    found = []
    for name, table in tables.items():
        table.refuse_unknown(("label", "event"))
        label = table.text("label", None)
        found.append(
            OutcomePlan(name=name, label=label, event=table.text("event") or f"to be {label.lower()}")
        )
    if len(found) != 2:
        top.fault(f"there are {len(found)} outcomes", key="outcomes", allowed="two, to be compared")
        blank = OutcomePlan(name="", label="", event="")
        return blank, blank
    return found[0], found[1]


def _describe(top: TomlTable) -> DescribePlan:
    table = top.table("describe")
    table.refuse_unknown(("sample", "by", "items", "indices"))
    items = table.table("items").content
    if any(not isinstance(v, str) for v in items.values()):
        table.fault("it holds something else than text", key="items", allowed='{ "Heading" = "role" }')
    return DescribePlan(
        sample=table.texts("sample") or (),
        by=table.text("by"),
        items={str(k): str(v) for k, v in items.items()},
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
    if repeated:
        top.fault(f"keys occur twice: {listed(repeated)}", key="comparisons")
    return found


def _comparison(table: TomlTable, names: tuple[str, ...]) -> ComparisonPlan:
    table.refuse_unknown(_COMPARISON)
    over: dict[str, tuple[float, ...]] = {}
    for variable, values in table.table("over").content.items():
        if isinstance(values, list) and values and all(is_number(v) for v in values):
            over[variable] = tuple(values)
        else:
            table.fault(f"{variable!r} has no list of numbers", key="over", allowed="{ age = [20, 30, 40] }")
    kind = table.choice("kind", KINDS, None)
    outcomes = _by_name(table, "outcomes", names, required=True)
    events = _by_name(table, "events", names, required=kind == "ologit")
    if over and kind == "ologit":
        table.fault("predictions along a variable are drawn for logistic models", key="over")
    if kind == "logit" and events:
        table.fault("a logistic model has one event", key="events", remedy="leave events out")
    return ComparisonPlan(
        key=table.text("key", None),
        title=table.text("title", None),
        group=table.text("group"),
        kind=kind,
        outcomes=outcomes,
        events=events,
        predictors=table.text("predictors", None),
        over=over,
        suffix=table.text("suffix"),
        mapping=table.text("mapping"),
    )


def _by_name(table: TomlTable, key: str, names: tuple[str, ...], *, required: bool) -> dict[str, str]:
    content: Mapping[str, Any] = table.table(key).content
    wrong = [k for k in content if k not in names]
    lacking = [n for n in names if n not in content] if required or content else []
    for name in wrong:
        table.fault(
            f"no outcome is named {name!r}", key=key, allowed=listed(names), remedy=did_you_mean(name, names)
        )
    if lacking:
        table.fault(f"nothing is given for {listed(lacking)}", key=key)
    return {str(k): str(v) for k, v in content.items()}


def _forest(top: TomlTable) -> tuple[str, ...]:
    table = top.table("forest")
    table.refuse_unknown(("terms",))
    return table.texts("terms") or ()


def _importance(top: TomlTable, names: tuple[str, ...]) -> ImportancePlan | None:
    if "importance" not in top:
        return None
    table = top.table("importance")
    table.refuse_unknown(("model", "variables", "highlight"))
    return ImportancePlan(
        model=table.choice("model", names, None),
        variables=table.texts("variables") or (),
        highlight=table.text("highlight"),
    )


def refuse_unknown_columns(plan: AnalysisPlan, columns: tuple[str, ...], roles: tuple[str, ...]) -> None:
    """Refuse a plan that describes columns or item roles which the codebook doesn't declare.

    Raises
    ------
    ConfigError
        With all of them.
    """
    where = plan.path.name
    wanted = [
        *plan.describe.sample,
        *plan.describe.indices,
        *([plan.describe.by] if plan.describe.by else []),
    ]
    wanted += [c for comparison in plan.comparisons for c in comparison.outcomes.values()]
    faults = [
        Fault(
            where=where,
            found=f"the codebook declares no {name!r}",
            remedy=did_you_mean(name, columns) or f"it declares {listed(columns, 20)}",
        )
        for name in dict.fromkeys(wanted)
        if name not in columns
    ]
    faults += [
        Fault(where=f"{where}: describe.items", found=f"no role {role!r}", allowed=listed(roles))
        for role in plan.describe.items.values()
        if role not in roles
    ]
    if faults:
        raise ConfigError(*faults)
