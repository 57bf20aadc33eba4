"""What a variable of a codebook declares about its codes and labels: recoding and collapsing."""

from __future__ import annotations

from collections.abc import Mapping

from coprodstats.errors import did_you_mean, listed
from coprodstats.survey.declarations import NUMBERS, Kind
from coprodstats.survey.numbers import as_number
from coprodstats.survey.toml_table import TomlTable


def read_recode(
    table: TomlTable, kind: Kind, values: Mapping[str, str], missing: Mapping[str, str]
) -> dict[str, str]:
    """Read which codes of the file stand for others; faults are added to the table's list.

    Parameters
    ----------
    table
        The table of the variable.
    kind
        The kind of the variable.
    values, missing
        The codes that are declared, to which others may be recoded.

    Examples
    --------
    >>> table = TomlTable("codebook.toml: variables.q", {"recode": {"1.0": "1", "99": "9"}})
    >>> read_recode(table, "nominal", {"1": "yes"}, {"9": "refused"})
    {'1.0': '1', '99': '9'}
    """
    recode = table.codes("recode")
    declared = [*values, *missing]
    for code, target in recode.items():
        if code == target:
            table.fault(f"code {code!r} is recoded to itself", key="recode")
        elif kind in NUMBERS and as_number(target) is None and target not in missing:
            table.fault(f"{target!r} is no number", key="recode", allowed="a number or a missing code")
        elif values and target not in declared:
            table.fault(
                f"code {code!r} is recoded to {target!r}, which is not declared",
                key="recode",
                allowed=listed(declared),
                remedy=did_you_mean(target, declared),
            )
    return recode


def read_collapse(table: TomlTable, kind: Kind, values: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Read which labels are merged into a new one; faults are added to the table's list.

    Parameters
    ----------
    table
        The table of the variable.
    kind
        The kind of the variable.
    values
        Code to label, from lowest to highest if there is an order.

    Examples
    --------
    >>> merges = {"high": ["high", "very high"]}
    >>> table = TomlTable("codebook.toml: variables.q", {"collapse": merges})
    >>> read_collapse(table, "ordinal", {"1": "low", "2": "high", "3": "very high"})
    {'high': ('high', 'very high')}
    """
    parent = table.table("collapse")
    labels = list(values.values())
    merges = {new: parent.texts(new) or () for new in parent.content}
    merged = [label for old in merges.values() for label in old]
    for new, old in merges.items():
        _check_merge(parent, new, old, labels, ordered=kind == "ordinal")
        if new in labels and new not in old:
            parent.fault("another value has this label", key=new, remedy="give the merged values a new one")
    if twice := sorted({label for label in merged if merged.count(label) > 1}):
        parent.fault(f"labels are merged more than once: {listed(twice)}")
    left = len(labels) - len(merged) + len(merges)
    if merges and kind == "ordinal" and left < 2:
        parent.fault("fewer than two labels are left", allowed="two or more for kind 'ordinal'")
    return merges


def _check_merge(
    parent: TomlTable, new: str, old: tuple[str, ...], labels: list[str], *, ordered: bool
) -> None:
    if len(old) < 2:
        parent.fault(f"{len(old)} labels are merged", key=new, allowed="a list of two or more labels")
    for label in old:
        if label not in labels:
            found = f"no value has the label {label!r}"
            parent.fault(found, key=new, allowed=listed(labels), remedy=did_you_mean(label, labels))
    places = sorted(labels.index(label) for label in old if label in labels)
    if ordered and places and places[-1] - places[0] >= len(places):
        parent.fault("the labels don't follow one another in the order of the values", key=new)
