"""The ``mappings``, ``indices`` and ``outcomes`` tables of a codebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import cast, get_args

from coprodstats.errors import did_you_mean, listed
from coprodstats.survey.declarations import Index, Items, Outcome, OutcomeKind, Variable, count_labels
from coprodstats.survey.toml_table import TomlTable, is_number

Mappings = Mapping[str, Mapping[str, tuple[str, ...]]]
_ITEMS = ("label", "items", "min_answered", "min_share")
_INDEX_KEYS = (*_ITEMS, "unit", "step", "step_label")
_OUTCOME_KEYS: dict[str, tuple[str, ...]] = {
    "any": (*_ITEMS, "kind", "at_least", "labels"),
    "count": (*_ITEMS, "kind", "at_least", "at_most"),
    "bands": ("label", "kind", "of", "cuts", "labels"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What indices and outcomes may refer to.

    Attributes
    ----------
    variables
        The variables that could be read.
    names
        All names of variables, also of those with faults, so that one mistake is reported once.
    mappings
        The mappings, the first of which is in use.
    """

    variables: Mapping[str, Variable]
    names: tuple[str, ...]
    mappings: Mappings

    @property
    def roles(self) -> Mapping[str, tuple[str, ...]]:
        """The roles of the default mapping."""
        return next(iter(self.mappings.values()), {})


def read_mappings(tables: Mapping[str, TomlTable], names: tuple[str, ...]) -> Mappings:
    """Read the mappings; a role that a later one doesn't name is taken from the first.

    Parameters
    ----------
    tables
        One table per mapping; faults are added to their list.
    names
        Names of the variables that items may name.
    """
    mappings: dict[str, dict[str, tuple[str, ...]]] = {}
    first: dict[str, tuple[str, ...]] = {}
    for position, (name, table) in enumerate(tables.items()):
        roles = {role: table.texts(role) or () for role in table.content}
        for role, items in roles.items():
            if position and role not in first:
                table.fault(
                    f"the role {role!r} is not in the first mapping",
                    allowed=listed(list(first)),
                    remedy=did_you_mean(role, first),
                )
            _check_items(table, role, items, names)
        if not position:
            first = roles
        mappings[name] = {**first, **roles}
    return mappings


def _check_items(table: TomlTable, key: str, items: tuple[str, ...], names: tuple[str, ...]) -> None:
    if not items:
        table.fault("no items are listed", key=key, allowed='a list of variables, such as ["a", "b"]')
    for item in items:
        if item not in names:
            table.fault(f"no variable is named {item!r}", key=key, remedy=did_you_mean(item, names))


def read_index(name: str, table: TomlTable, declared: Declared) -> Index | None:
    """Read one index; None if its items can't be found.

    Parameters
    ----------
    name
        Name of the index.
    table
        Its table; faults are added to the table's list.
    declared
        What the index may refer to.
    """
    table.refuse_unknown(_INDEX_KEYS)
    label = table.text("label", None)
    items = _items(table, declared)
    step = table.number("step", 1.0)
    if step is None or step <= 0:
        table.fault("the step is not above 0", key="step", allowed="a number above 0")
    if items is None:
        return None
    _check_scorable(table, items, declared)
    unit = table.text("unit", "points (0–100)")
    return Index(
        name=name, label=label, items=items, unit=unit, step=step or 1.0, step_label=table.text("step_label")
    )


def _items(table: TomlTable, declared: Declared) -> Items | None:
    found = table.content.get("items")
    role = found if isinstance(found, str) else ""
    if role:
        if role not in declared.roles:
            allowed = listed(list(declared.roles)) or "a list of variables; no mapping is declared"
            remedy = did_you_mean(role, declared.roles)
            table.fault(f"no mapping has the role {role!r}", key="items", allowed=allowed, remedy=remedy)
            return None
        names = declared.roles[role]
    elif found is None:
        table.fault("'items' is missing", allowed="a role of the mapping, or a list of variables")
        return None
    else:
        names = table.texts("items") or ()
        _check_items(table, "items", names, declared.names)
    if not names:
        return None
    items = Items(role=role, names=names, min_answered=table.whole("min_answered"), min_share=_share(table))
    _check_least(table, items, declared)
    return items


def _share(table: TomlTable) -> float | None:
    share = table.number("min_share", None) if "min_share" in table else None
    if share is not None and not 0 < share <= 1:
        table.fault(
            "the share is not within 0–1", key="min_share", allowed="above 0, at most 1, such as 0.75"
        )
        return None
    return share


def _check_least(table: TomlTable, items: Items, declared: Declared) -> None:
    if ("min_answered" in table) == ("min_share" in table):
        found = "both min_answered and min_share are given" if "min_share" in table else "neither is given"
        table.fault(found, allowed="one of min_answered (a number of items) and min_share (a share of them)")
    sizes = {name: len(roles.get(items.role, items.names)) for name, roles in declared.mappings.items()}
    if not items.role:
        sizes = {"": len(items.names)}
    for mapping, size in sizes.items():
        if items.min_answered is not None and items.min_answered > size:
            within = f" of mapping {mapping!r}" if mapping else ""
            table.fault(
                f"{items.min_answered} answers are needed but the items{within} are {size}",
                key="min_answered",
                allowed=f"at most {size}",
                remedy="min_share = 0.75 fits any number of items",
            )


def _members(items: Items, declared: Declared) -> list[Variable]:
    """Return the variables that the items are under any mapping."""
    roles = [mapping[items.role] for mapping in declared.mappings.values()] if items.role else [items.names]
    names = dict.fromkeys(name for role in roles for name in role)
    return [declared.variables[name] for name in names if name in declared.variables]


def _check_scorable(table: TomlTable, items: Items, declared: Declared) -> None:
    for variable in _members(items, declared):
        if variable.kind == "numeric" and variable.range is None:
            table.fault(f"item {variable.name!r} has no range", key="items", remedy="declare its range")
        elif variable.kind not in {"numeric", "ordinal"}:
            found = f"item {variable.name!r} is {variable.kind}, which has no score"
            table.fault(found, key="items", allowed="ordinal, or numeric with a range")


def read_outcome(name: str, table: TomlTable, declared: Declared, indices: tuple[str, ...]) -> Outcome | None:
    """Read one outcome; None if what it is made of can't be found.

    Parameters
    ----------
    name
        Name of the outcome.
    table
        Its table; faults are added to the table's list.
    declared
        What the outcome may refer to.
    indices
        Names of the indices.
    """
    kind = table.choice("kind", get_args(OutcomeKind), None)
    keys = _OUTCOME_KEYS.get(
        kind, tuple(dict.fromkeys(key for keys in _OUTCOME_KEYS.values() for key in keys))
    )
    table.refuse_unknown(keys)
    label = table.text("label", None)
    if kind == "bands":
        return _bands(name, label, table, declared, indices)
    if not kind:
        return None
    items = _items(table, declared)
    at_least = table.text("at_least", None)
    labels, at_most = _labels(table, kind), table.whole("at_most") if kind == "count" else None
    if items is None:
        return None
    _check_at_least(table, at_least, items, declared)
    _check_at_most(table, at_most, items, declared)
    return Outcome(
        name=name,
        label=label,
        kind=cast("OutcomeKind", kind),
        labels=labels or count_labels(len(items.names), at_most),
        items=items,
        at_least=at_least,
        at_most=at_most,
    )


def _labels(table: TomlTable, kind: str) -> tuple[str, ...]:
    if kind == "count":
        return ()
    labels = table.texts("labels") if "labels" in table else ("no", "yes")
    if labels is None or len(labels) != 2:
        table.fault("the labels are not two", key="labels", allowed='labels = ["no", "yes"]')
        return ("no", "yes")
    return labels


def _check_at_least(table: TomlTable, at_least: str, items: Items, declared: Declared) -> None:
    for variable in _members(items, declared):
        if variable.kind != "ordinal":
            found = f"item {variable.name!r} is {variable.kind}, not ordinal"
            table.fault(found, key="items", allowed="ordinal variables")
        elif at_least and at_least not in variable.labels:
            values = list(variable.labels)
            table.fault(
                f"{at_least!r} is no value of item {variable.name!r}",
                key="at_least",
                allowed=listed(values),
                remedy=did_you_mean(at_least, values),
            )
        elif at_least and at_least == next(iter(variable.labels), ""):
            table.fault(
                f"{at_least!r} is the lowest value of item {variable.name!r}, so every answer would count",
                key="at_least",
                allowed="a higher value",
            )


def _check_at_most(table: TomlTable, at_most: int | None, items: Items, declared: Declared) -> None:
    roles = [mapping[items.role] for mapping in declared.mappings.values()] if items.role else [items.names]
    fewest = min(len(role) for role in roles)
    if at_most is not None and at_most > fewest:
        table.fault(f"the top code is above the {fewest} items", key="at_most", allowed=f"1 to {fewest}")


def _bands(
    name: str, label: str, table: TomlTable, declared: Declared, indices: tuple[str, ...]
) -> Outcome | None:
    of = table.text("of", None)
    numeric = [key for key, variable in declared.variables.items() if variable.kind == "numeric"]
    if of and of not in (*indices, *numeric):
        allowed = "an index or a numeric variable: " + listed([*indices, *numeric])
        table.fault(
            f"{of!r} can't be cut", key="of", allowed=allowed, remedy=did_you_mean(of, [*indices, *numeric])
        )
    cuts = table.numbers("cuts")
    rising = cuts is not None and all(low < high for low, high in pairwise(cuts))
    if not cuts or not rising:
        found = "'cuts' is missing" if "cuts" not in table else "the cuts are not rising numbers"
        table.fault(found, key="cuts", allowed="cuts = [50, 75]: where the second, third, … band begins")
        cuts = None
    elif of in indices and not all(0 < cut <= 100 for cut in cuts):
        table.fault(
            "a cut leaves a band empty", key="cuts", allowed="above 0, at most 100, the ends of an index"
        )
    labels = table.texts("labels")
    if labels is None or (cuts is not None and len(labels) != len(cuts) + 1):
        expected = f"{len(cuts) + 1} labels" if cuts else "one label more than cuts"
        table.fault(
            f"there are {len(labels or ())} labels", key="labels", allowed=f"{expected}, lowest band first"
        )
    if not (of and cuts and labels) or not all(is_number(cut) for cut in cuts):
        return None
    return Outcome(name=name, label=label, kind="bands", labels=labels, of=of, cuts=cuts)
