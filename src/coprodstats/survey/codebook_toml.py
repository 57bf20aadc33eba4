"""A whole codebook as TOML: what is read back is the same codebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from coprodstats.survey.declarations import Codebook, Index, Items, Outcome, Variable
from coprodstats.survey.toml_text import toml_document

if TYPE_CHECKING:
    from coprodstats.survey.cleaning_rules import CleaningRules
    from coprodstats.survey.conversions import Conversion
    from coprodstats.survey.harmonise import FileMap, Harmonise

_VARIABLE = (
    "column",
    "question",
    "reverse",
    "range",
    "unit",
    "step",
    "step_label",
    "undeclared",
    "out_of_range",
    "not_a_number",
    "scores",
    "values",
    "missing",
    "recode",
    "collapse",
    "asked_if",
)


def codebook_toml(codebook: Codebook) -> str:
    """Return a codebook as TOML, which `read_codebook` reads back to the same declarations.

    Parameters
    ----------
    codebook
        The codebook, such as one kept as a table, or one that extends another: what is returned stands on its
        own.

    Examples
    --------
    >>> trust = Variable(name="trust", label="Trust", kind="ordinal", values={"1": "low", "2": "high"})
    >>> print(codebook_toml(Codebook(title="Town", synthetic=False, variables={"trust": trust})))
    title = "Town"
    <BLANKLINE>
    [variables.trust]
    label = "Trust"
    kind = "ordinal"
    values = { 1 = "low", 2 = "high" }
    <BLANKLINE>
    """
    return toml_document(codebook_content(codebook))


def codebook_content(codebook: Codebook) -> dict[str, Any]:
    """Return a codebook as the plain data that its TOML holds, usual settings left out.

    Examples
    --------
    >>> person = Variable(name="person", label="person", kind="id")
    >>> codebook_content(Codebook(title="Town", synthetic=True, variables={"person": person}))
    {'title': 'Town', 'synthetic': True, 'variables': {'person': {'kind': 'id'}}}
    """
    content: dict[str, Any] = {
        "title": codebook.title,
        "synthetic": codebook.synthetic,
        "file": {key: getattr(codebook.file, key) for key in codebook.file.declared()},
        "variables": {name: _variable(one) for name, one in codebook.variables.items()},
        "conversions": {name: _conversion(one) for name, one in codebook.conversions.items()},
        "mappings": _plain(codebook.mappings),
        "indices": {name: _index(one) for name, one in codebook.indices.items()},
        "outcomes": {name: _outcome(one) for name, one in codebook.outcomes.items()},
        "cleaning": _cleaning(codebook.cleaning),
        "design": _plain(codebook.sampling),
        "harmonise": _harmonise(codebook.harmonise) if codebook.harmonise else {},
    }
    return {key: value for key, value in content.items() if value}


def _plain(value: Any) -> Any:
    """Return tables and lists as those of TOML."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def _unusual(record: Any, usual: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: _plain(getattr(record, key)) for key in keys if getattr(record, key) != getattr(usual, key)}


def _variable(variable: Variable) -> dict[str, Any]:
    usual = Variable(name=variable.name, label=variable.name, kind=variable.kind)
    needs_label = variable.kind in {"nominal", "ordinal", "numeric"}
    told: dict[str, Any] = {"label": variable.label} if needs_label or variable.label != usual.label else {}
    told |= {"kind": variable.kind} | _unusual(variable, usual, _VARIABLE)
    if variable.kind == "ordinal" and variable.reverse:
        # `reverse` turns the values round again when they are read.
        told["values"] = dict(reversed(told["values"].items()))
    return told


def _conversion(conversion: Conversion) -> dict[str, Any]:
    needed = ("label", "of", "survey_year", "range")
    told = {key: _plain(getattr(conversion, key)) for key in needed}
    usual = {field.name: field.default for field in fields(conversion) if field.name not in (*needed, "name")}
    return told | {key: getattr(conversion, key) for key in usual if getattr(conversion, key) != usual[key]}


def _items(items: Items) -> dict[str, Any]:
    told: dict[str, Any] = {"items": items.role or list(items.names)}
    least = {"min_answered": items.min_answered, "min_share": items.min_share}
    return told | {key: value for key, value in least.items() if value is not None}


def _index(index: Index) -> dict[str, Any]:
    usual = Index(name=index.name, label=index.label, items=index.items)
    return (
        {"label": index.label} | _items(index.items) | _unusual(index, usual, ("unit", "step", "step_label"))
    )


def _outcome(outcome: Outcome) -> dict[str, Any]:
    told: dict[str, Any] = {"label": outcome.label, "kind": outcome.kind}
    if outcome.items is None:
        return told | {"of": outcome.of, "cuts": list(outcome.cuts), "labels": list(outcome.labels)}
    told |= _items(outcome.items) | {"at_least": outcome.at_least}
    if outcome.kind == "any":
        return told | {"labels": list(outcome.labels)}
    return told if outcome.at_most is None else told | {"at_most": outcome.at_most}


def _cleaning(rules: CleaningRules) -> dict[str, Any]:
    keys = ("duplicate_ids", "empty_rows", "missing_design", "ignore_columns")
    told = _unusual(rules, type(rules)(), keys)
    for key in ("same_answers", "speeders", "item_nonresponse"):
        if (rule := getattr(rules, key)) is not None:
            told[key] = _rule(rule)
    if rules.straight_lining:
        told["straight_lining"] = {name: _rule(rule) for name, rule in rules.straight_lining.items()}
    return told


def _rule(rule: Any) -> dict[str, Any]:
    told = {field.name: _plain(getattr(rule, field.name)) for field in fields(rule)}
    if told.get("share_of_median") is not None:
        del told["least"]  # what the share came to in one survey
    return {key: value for key, value in told.items() if value not in (None, [])}


def _harmonise(harmonise: Harmonise) -> dict[str, Any]:
    told: dict[str, Any] = {"source": harmonise.source}
    told |= {"shared": list(harmonise.shared)} if harmonise.shared else {}
    return told | {"files": {name: _file_map(one) for name, one in harmonise.files.items()}}


def _file_map(file: FileMap) -> dict[str, Any]:
    return {field.name: _plain(held) for field in fields(file) if (held := getattr(file, field.name))}
