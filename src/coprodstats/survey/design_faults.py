"""What a declared design may hold, and everything that is wrong with one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from coprodstats.errors import Fault, did_you_mean, listed

if TYPE_CHECKING:
    from coprodstats.survey.declared_design import SurveyDesign

LonelyPSU = Literal["error", "remove", "certainty", "adjust", "average"]
ReplicateMethod = Literal["jk1", "jkn", "jk2", "brr", "fay", "bootstrap", "sdr", "other"]
Names = str | tuple[str | None, ...] | None

# What each method is called, and which can be made from strata and PSUs.
METHOD_WORDS = {
    "jk1": "jackknife (JK1)",
    "jkn": "stratified jackknife (JKn)",
    "jk2": "paired jackknife (JK2)",
    "brr": "balanced repeated replication",
    "fay": "Fay's balanced repeated replication",
    "bootstrap": "bootstrap",
    "sdr": "successive differences",
    "other": "declared scale",
}
MADE = ("jk1", "jkn", "brr", "fay", "bootstrap", "sdr")


def per_stage(names: Names) -> tuple[str | None, ...]:
    """Return names as one entry per stage."""
    return names if isinstance(names, tuple) else (names,)


def declaration_faults(design: SurveyDesign) -> list[Fault]:
    """Return everything that is wrong with a declaration, before any data are seen."""
    stages = _stage_faults(design)
    faults = [*_rule_faults(design), *stages, *_replicate_faults(design)]
    return faults if stages else faults + _shared_columns(design)


def _rule_faults(design: SurveyDesign) -> list[Fault]:
    faults = []
    if design.lonely_psu not in get_args(LonelyPSU):
        faults.append(
            Fault(
                where="SurveyDesign: lonely_psu",
                found=f"{design.lonely_psu!r} is not a rule",
                allowed=listed(get_args(LonelyPSU)),
            )
        )
    faults += [
        Fault(where=f"SurveyDesign: {name}", found=f"{getattr(design, name)!r} is not one", allowed=allowed)
        for name, values, allowed in (
            ("nested", (True, False, None), "True, False, None"),
            ("adjust_domain_lonely", (True, False), "True, False"),
            ("mse", (True, False), "True, False"),
            ("replicate_combined", (True, False), "True, False"),
        )
        if not any(getattr(design, name) is value for value in values)
    ]
    if design.adjust_domain_lonely is True and design.lonely_psu not in ("adjust", "average"):
        faults.append(
            Fault(
                where="SurveyDesign: adjust_domain_lonely",
                found=f"lonely_psu={design.lonely_psu!r} adjusts nothing",
                remedy="lonely_psu='adjust' or 'average'",
            )
        )
    return faults


def _stage_faults(design: SurveyDesign) -> list[Fault]:
    strata, psu, fpc = (per_stage(names) for names in (design.strata, design.psu, design.fpc))
    faults = [
        Fault(where=f"SurveyDesign: {role}", found="it is not a column, or a tuple of columns, one per stage")
        for role, names in (("strata", strata), ("psu", psu), ("fpc", fpc))
        if not names or not all(name is None or isinstance(name, str) for name in names)
    ]
    if faults:
        return faults

    def fault(role: str, found: str, remedy: str) -> None:
        faults.append(Fault(where=f"SurveyDesign: {role}", found=found, remedy=remedy))

    if None in psu[:-1]:
        fault("psu", "a stage before the last names no units", "a column for each stage but the last")
    if len(strata) > len(psu):
        fault("strata", f"it has {len(strata)} stages and psu {len(psu)}", "psu=(...) with as many stages")
    if isinstance(design.strata, tuple) and not any(strata):
        fault("strata", "no stage names a column", "leave it out")
    if isinstance(design.fpc, tuple) and not any(fpc):
        fault("fpc", "no stage names a column", "leave it out")
    elif design.fpc is not None and len(fpc) != len(psu):
        first = "a stage without correction is None; psu with its first stage alone has one"
        fault("fpc", f"it has {len(fpc)} stages and psu {len(psu)}", f"a column for each stage; {first}")
    elif any(later is not None and before is None for before, later in pairwise(fpc)):
        fault("fpc", "a stage counts for nothing without a finite population before it", "name that one too")
    return faults


def _replicate_faults(design: SurveyDesign) -> list[Fault]:
    method, names = design.replicate_method, design.replicate_weights
    if method is not None and method not in get_args(ReplicateMethod):
        return [
            Fault(
                where="SurveyDesign: replicate_method",
                found=f"{method!r} is not one",
                allowed=listed(get_args(ReplicateMethod)),
                remedy=did_you_mean(str(method), METHOD_WORDS),
            )
        ]
    if names is None:
        return _made_faults(design)
    faults: list[Fault] = []
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names) or len(names) < 2:
        found = "it is not two or more names of columns"
        faults.append(Fault(where="SurveyDesign: replicate_weights", found=found))
    elif len(set(names)) < len(names):
        again = listed(sorted({name for name in names if names.count(name) > 1}))
        faults.append(Fault(where="SurveyDesign: replicate_weights", found=f"named more than once: {again}"))
    if design.weights is None:
        faults.append(
            Fault(where="SurveyDesign: weights", found="replicate weights need the sampling weights, too")
        )
    if method is None:
        found, allowed = "replicate weights need their method", listed(get_args(ReplicateMethod))
        faults.append(Fault(where="SurveyDesign: replicate_method", found=found, allowed=allowed))
        return faults
    unused = ["strata", "psu", "fpc", "nested", "n_replicates", "seed", "replicate_order"]
    faults += _unused(design, unused, "with columns of replicate weights")
    if design.lonely_psu != "error":
        found = "replicate weights have settled lonely PSUs"
        faults.append(Fault(where="SurveyDesign: lonely_psu", found=found, remedy="leave it out"))
    return faults + _method_faults(design, len(names))


def _made_faults(design: SurveyDesign) -> list[Fault]:
    method = design.replicate_method
    given_only = ["scale", "rscales"]
    if method is None:
        unused = [*given_only, "fay_rho", "replicate_df", "n_replicates", "seed", "replicate_order"]
        faults = _unused(design, unused, "without replicate_method")
        faults += [
            Fault(where=f"SurveyDesign: {name}", found="no use for it without replicate_method")
            for name, idle in (("mse", False), ("replicate_combined", True))
            if getattr(design, name) is not idle
        ]
        return faults
    if method not in MADE:
        found = f"{method!r} can't be made from strata and PSUs"
        return [
            Fault(
                where="SurveyDesign: replicate_method",
                found=found,
                allowed=listed(MADE),
                remedy="name the columns of replicate weights",
            )
        ]
    faults = _unused(design, given_only, f"with {method!r} made from strata and PSUs")
    if design.adjust_domain_lonely is True:
        found = "replicate weights are made before any domain is known"
        faults.append(Fault(where="SurveyDesign: adjust_domain_lonely", found=found, remedy="leave it out"))
    if design.replicate_combined is not True:
        found = "there are no columns of replicate weights"
        faults.append(Fault(where="SurveyDesign: replicate_combined", found=found))
    if method == "bootstrap":
        faults += _needed(design, {"n_replicates": "a number above 1", "seed": "a number of at least 0"})
    else:
        faults += _unused(design, ["n_replicates", "seed"], f"with {method!r}")
    if method == "sdr":
        faults += _needed(design, {"replicate_order": "a column that orders the PSUs"})
    else:
        faults += _unused(design, ["replicate_order"], f"with {method!r}")
    return faults + _method_faults(design, None)


def _method_faults(design: SurveyDesign, n_replicates: int | None) -> list[Fault]:
    """Return what is wrong with the factors of a method, as R's svrepdesign has them."""
    method, made = str(design.replicate_method), n_replicates is None
    faults: list[Fault] = []
    if method == "fay":
        faults += _needed(design, {"fay_rho": "a number of at least 0 and below 1"})
    else:
        faults += _unused(design, ["fay_rho"], f"with {method!r}")
    if not made:
        fixed = {"brr": ["scale"], "fay": ["scale"], "sdr": ["scale", "rscales"], "jk2": ["scale", "rscales"]}
        faults += _unused(design, fixed.get(method, []), f"with {method!r}")
        if method == "jkn" and design.replicate_combined:
            faults += _needed(design, {"rscales": "(n_h - 1) / n_h for the stratum of each replicate"})
        if method == "other":
            faults += _needed(design, {"scale": "the factor of the sum of squares"})
    rscales = design.rscales if isinstance(design.rscales, tuple) else (design.rscales,)
    if not made and isinstance(design.rscales, tuple) and len(rscales) != n_replicates:
        found = f"it has {len(rscales)} numbers for {n_replicates} replicates"
        faults.append(Fault(where="SurveyDesign: rscales", found=found, allowed="one, or one each"))
    numbers = {
        "scale": ((design.scale,), 0.0, np.inf, "a finite number above 0"),
        "rscales": (rscales, -1e-300, np.inf, "finite numbers of at least 0, one above 0"),
        "fay_rho": ((design.fay_rho,), -1e-300, 1.0, "a number of at least 0 and below 1"),
    }
    for name, (values, low, high, allowed) in numbers.items():
        given = [value for value in values if value is not None]
        inside = all(_is_number(value) and low < value < high for value in given)
        if not inside or (name == "rscales" and given and not any(given)):
            found = "it is not what is allowed" if len(given) != 1 else f"it is {given[0]!r}"
            faults.append(Fault(where=f"SurveyDesign: {name}", found=found, allowed=allowed))
    for name, least in (("replicate_df", 1), ("n_replicates", 2), ("seed", 0)):
        value = getattr(design, name)
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if value is not None and not (whole and value >= least):
            allowed = f"a whole number of at least {least}"
            faults.append(Fault(where=f"SurveyDesign: {name}", found=f"it is {value!r}", allowed=allowed))
    return faults


def _unused(design: SurveyDesign, names: list[str], of: str) -> list[Fault]:
    return [
        Fault(where=f"SurveyDesign: {name}", found=f"no use for it {of}", remedy="leave it out")
        for name in names
        if getattr(design, name) is not None
    ]


def _needed(design: SurveyDesign, names: dict[str, str]) -> list[Fault]:
    return [
        Fault(where=f"SurveyDesign: {name}", found=f"{design.replicate_method!r} needs it", allowed=allowed)
        for name, allowed in names.items()
        if getattr(design, name) is None
    ]


def _shared_columns(design: SurveyDesign) -> list[Fault]:
    roles = design.roles()
    del roles["replicate_order"]  # the ids of PSUs may be their order
    roles["fpc"] = tuple(dict.fromkeys(roles["fpc"]))  # stages may share a fraction
    seen: dict[str, str] = {}
    faults = []
    for role, names in roles.items():
        for name in (name for name in names if isinstance(name, str)):
            if seen.setdefault(name, role) != role or (role == "psu" and names.count(name) > 1):
                first = seen[name]
                faults.append(
                    Fault(
                        where=f"SurveyDesign: {role}",
                        found=f"{first} and {role} name the same column {name!r}",
                        remedy="leave out psu if respondents were sampled directly within strata"
                        if (first, role) == ("strata", "psu")
                        else "a column each",
                    )
                )
    return faults


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
