"""The comparisons of an analysis: which models are fitted, and which of them are compared."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from coprodstats.errors import did_you_mean, listed
from coprodstats.models.links import LinkName
from coprodstats.reporting.table import KEY
from coprodstats.survey.toml_table import TomlTable, is_number

KINDS = ("logit", "ologit", "linear", "fractional_logit")
OF_MEANS = ("linear", "fractional_logit")
"""The kinds whose margins are of a mean, in the outcome's own unit; the others' are of a probability."""

_KEYS = (
    "key", "title", "group", "kind", "outcomes", "events", "predictors", "over", "suffix", "mapping",
    "link", "nonparallel",
)  # fmt: skip


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


def read_comparisons(top: TomlTable, names: tuple[str, ...]) -> tuple[ComparisonPlan, ...]:
    """Return the comparisons of an analysis file; what is wrong with them becomes its faults.

    Parameters
    ----------
    top
        The file's table.
    names
        The two outcomes, by name.
    """
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
    table.refuse_unknown(_KEYS)
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
    group_key = _anchor(group)
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
    content = texts_by_name(inner)
    wrong = [k for k in content if k not in names]
    lacking = [n for n in names if n not in inner] if required or content else []
    for name in wrong:
        table.fault(
            f"no outcome is named {name!r}", key=key, allowed=listed(names), remedy=did_you_mean(name, names)
        )
    if lacking:
        table.fault(f"nothing is given for {listed(lacking)}", key=key)
    return content


def texts_by_name(table: TomlTable) -> dict[str, str]:
    """Return all texts of a table by key."""
    return {name: table.text(name, None) for name in table.content}


def _anchor(text: str) -> str:
    """Return a text as an anchor of the report and part of a file name: lower case, without accents."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "-".join(plain.lower().split())


def _anchor_fault(table: TomlTable, key: str, text: str) -> None:
    """Record a fault if a text can't be an anchor of the report and part of a file name."""
    if text and not KEY.fullmatch(text):
        allowed = "letters and digits, joined by spaces, - or _, beginning with a letter"
        table.fault("it can't be part of a file name", key=key, allowed=allowed)
