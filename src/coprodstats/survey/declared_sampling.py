"""The ``design`` table of a codebook: how respondents were drawn, beyond the kinds of the columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from coprodstats.errors import ArgumentError, Fault, did_you_mean, listed
from coprodstats.survey.declared_design import SurveyDesign
from coprodstats.survey.design_faults import LonelyPSU, ReplicateMethod

if TYPE_CHECKING:
    from coprodstats.survey.declarations import Kind, Variable
    from coprodstats.survey.toml_table import TomlTable

# Keys that order the stages, and the kinds of columns that they name; respondents may be the last units.
_STAGES: dict[str, tuple[Kind, ...]] = {"strata": ("stratum",), "psu": ("psu", "id"), "fpc": ("fpc",)}
_FLAGS = ("nested", "adjust_domain_lonely", "replicate_combined", "mse")
_NUMBERS = ("scale", "fay_rho")
_WHOLES = {"replicate_df": 1, "n_replicates": 2, "seed": 0}
_KEYS = (
    *_STAGES,
    "lonely_psu",
    "replicate_method",
    *_FLAGS,
    *_NUMBERS,
    *_WHOLES,
    "rscales",
    "replicate_order",
)


def read_sampling(table: TomlTable, variables: Mapping[str, Variable]) -> dict[str, Any]:
    """Return the arguments of a `SurveyDesign` that a ``design`` table declares.

    Parameters
    ----------
    table
        The table; faults are added to its list.
    variables
        The variables of the codebook.
    """
    table.refuse_unknown(_KEYS)
    before = len(table.faults)
    rules: dict[str, Any] = {key: table.texts(key) for key in _STAGES if key in table}
    rules |= {key: table.flag(key) for key in _FLAGS if key in table}
    rules |= {key: table.number(key, None) for key in _NUMBERS if key in table}
    rules |= {key: table.whole(key, least=least) for key, least in _WHOLES.items() if key in table}
    for key, allowed in (
        ("lonely_psu", get_args(LonelyPSU)),
        ("replicate_method", get_args(ReplicateMethod)),
    ):
        if key in table:
            rules[key] = table.choice(key, allowed, None)
    if "rscales" in table:
        rules["rscales"] = table.numbers("rscales")
    if "replicate_order" in table:
        rules["replicate_order"] = table.text("replicate_order")
        _check_names(table, "replicate_order", [rules["replicate_order"]], variables, tuple(variables))
    for key, kinds in _STAGES.items():
        of_kind = [name for name, variable in variables.items() if variable.kind == kinds[0]]
        fitting = tuple(name for name, variable in variables.items() if variable.kind in kinds)
        _check_names(table, key, rules.get(key, ()), variables, fitting)
        if forgotten := [name for name in of_kind if key in rules and name not in rules[key]]:
            table.fault(f"of kind {kinds[0]!r}, and not listed: {listed(forgotten)}", key=key)
        elif key not in rules and len(of_kind) > 1:
            table.fault(
                f"{len(of_kind)} variables are of kind {kinds[0]!r}: {listed(of_kind)}",
                allowed="one, or several in the order of the stages of sampling",
                remedy=f"{key} = {json.dumps(of_kind)} in the table design",
            )
    if len(table.faults) == before:
        _check_design(table, variables, rules)
    return rules


def sampling_design(variables: Mapping[str, Variable], rules: Mapping[str, Any]) -> SurveyDesign | None:
    """Return the design that kinds of columns and rules declare, or None if no column describes one.

    Raises
    ------
    ArgumentError
        If rules and columns contradict each other.
    """

    def of_kind(kind: Kind) -> tuple[str, ...]:
        return tuple(name for name, variable in variables.items() if variable.kind == kind)

    named: dict[str, Any] = {"strata": of_kind("stratum"), "psu": of_kind("psu"), "fpc": of_kind("fpc")}
    named |= {key: rules[key] for key in _STAGES if key in rules}
    named = {key: names if len(names) > 1 else names[0] for key, names in named.items() if names}
    if weights := of_kind("weight"):
        named["weights"] = weights[0]
    if replicates := of_kind("replicate weight"):
        named["replicate_weights"] = replicates
    if not named:
        if rules:
            found = "no column is a weight, stratum, PSU, finite population or replicate weight"
            raise ArgumentError(
                Fault(where="design", found=found, remedy="declare the kinds of those columns")
            )
        return None
    return SurveyDesign(**{**rules, **named})


def _check_names(
    table: TomlTable,
    key: str,
    names: tuple[str, ...] | list[str],
    variables: Mapping[str, Variable],
    fitting: tuple[str, ...],
) -> None:
    for name in names:
        if name not in fitting:
            found = f"{name!r} is of another kind" if name in variables else f"no variable is named {name!r}"
            allowed = f"of these: {listed(fitting)}" if fitting else "there are none"
            table.fault(found, key=key, allowed=allowed, remedy=did_you_mean(name, fitting))


def _check_design(table: TomlTable, variables: Mapping[str, Variable], rules: Mapping[str, Any]) -> None:
    try:
        sampling_design(variables, rules)
    except ArgumentError as error:
        for fault in error.faults:
            key = fault.where.partition(": ")[2]
            table.fault(fault.found, key=key, allowed=fault.allowed, remedy=fault.remedy)
