"""E-values: the unmeasured confounding that would be needed to explain an association away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coprodstats.errors import ArgumentError, Fault, did_you_mean, listed
from coprodstats.models.links import LINKS
from coprodstats.models.refit import require_model
from coprodstats.models.results import FittedModel
from coprodstats.models.terms import shared_variables, slope_positions
from coprodstats.survey.display import record_html

Floats = NDArray[np.float64]

# VanderWeele and Ding's line between a rare and a common outcome.
RARE = 0.15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EValues:
    """How strong unmeasured confounding would have to be to explain associations away.

    Attributes
    ----------
    model
        The model's name.
    table
        Columns ``parameter, change, odds_ratio, odds_low, odds_high, risk_ratio, risk_low, risk_high,
        e_value, e_value_limit``; a limit's of 1 says that the interval covers no association already.
    conversion
        How odds ratios were turned into risk ratios.
    left_out
        Terms without an E-value, and why.
    """

    model: str
    table: pd.DataFrame
    conversion: str
    left_out: dict[str, str]

    def to_frame(self) -> pd.DataFrame:
        """Return the table with the model's name and the conversion."""
        frame = self.table.copy()
        frame.insert(0, "model", self.model)
        return frame.assign(conversion=self.conversion)

    def _repr_html_(self) -> str:
        return record_html(self, tables={"E-values": self.table})


def e_values(
    model: FittedModel,
    terms: Sequence[str] | str | None = None,
    *,
    change: Mapping[str, float] | None = None,
    rare: bool | None = None,
) -> EValues:
    """Return E-values: the confounding that would be needed to explain each association away.

    Parameters
    ----------
    model
        A model with the logit link.
    terms
        Terms or parameters; by default all that share no variable with another term.
    change
        For numeric terms the change whose odds ratio is meant, such as ``{"age": 10}``; one unit by default.
    rare
        Whether the outcome is rare, so that odds ratios are nearly risk ratios. By default that is so for a
        binary outcome whose event has a weighted share below 15 %.

    Returns
    -------
    EValues
        The E-value of each estimate and of the limit of its 95 % interval that is nearer to no association.

    Raises
    ------
    ArgumentError
        If the link is not the logit, a term is unknown or shares its variables with another, or a change is
        not of a numeric term or not a positive number.

    Notes
    -----
    VanderWeele and Ding (2017), *Annals of Internal Medicine* 167, 268-274: ``RR + sqrt(RR (RR - 1))`` for
    RR above 1, else that of 1 / RR. An unmeasured confounder would have to be associated with predictor and
    outcome by a risk ratio of at least that, beyond the model's covariates, each. The odds ratio of a common
    outcome is turned into ``sqrt(OR)`` (VanderWeele 2020, *Biometrics* 76, 746-752); the odds ratio of an
    ordinal model is that of each split of its outcome, and is treated as common.

    Examples
    --------
    >>> from coprodstats import logit
    >>> frame = pd.DataFrame({"helps": [0, 1, 0, 1, 1, 0, 1, 1], "age": [20, 30, 40, 50, 60, 45, 35, 70]})
    >>> found = e_values(logit("helps ~ age", frame), change={"age": 10})
    >>> found.table["e_value_limit"].to_list()
    [1.0]
    """
    _check_e_values(model, change=change, rare=rare)
    left_out, positions = _e_value_positions(model, terms)
    units = {} if change is None else dict(change)
    step = np.array([float(units.get(model.parameters[j].term, 1.0)) for j in positions])
    low, high = (model.conf_int()[side].to_numpy()[positions] * step for side in (0, 1))
    is_rare = _is_rare(model) if rare is None else rare
    odds = [np.exp(values) for values in (model.estimates[positions] * step, low, high)]
    risks = [values if is_rare else np.sqrt(values) for values in odds]
    nearer = np.where(risks[1] > 1, risks[1], np.where(risks[2] < 1, risks[2], 1.0))
    names = ("odds_ratio", "odds_low", "odds_high", "risk_ratio", "risk_low", "risk_high")
    table = pd.DataFrame(
        {
            "parameter": [model.parameters[j].name for j in positions],
            "change": step,
            **dict(zip(names, [*odds, *risks], strict=True)),
            "e_value": e_value(risks[0]),
            "e_value_limit": e_value(nearer),
        }
    )
    conversion = (
        "rare outcome: risk ratio = odds ratio" if is_rare else "common outcome: risk ratio = sqrt(OR)"
    )
    return EValues(model=model.name, table=table, conversion=conversion, left_out=left_out)


def e_value(risk_ratio: ArrayLike) -> Floats:
    """Return the E-value of risk ratios.

    Parameters
    ----------
    risk_ratio
        Positive numbers, any shape.

    Examples
    --------
    >>> float(round(e_value(3.9)[()], 2))
    7.26
    """
    ratio = np.asarray(risk_ratio, dtype=float)
    above = np.where(ratio < 1, 1 / ratio, ratio)
    return np.asarray(above + np.sqrt(above * (above - 1)))


def _check_e_values(model: FittedModel, *, change: Mapping[str, float] | None, rare: bool | None) -> None:
    require_model(model, "e_values")
    where = f"e_values: model {model.name!r}"
    faults = []
    if model.family not in {"logit", "ologit"} or model.link is not LINKS["logit"]:
        found = f"it is {model.family} with the {model.link.name} link, whose coefficients are no odds ratios"
        faults.append(Fault(where=where, found=found, allowed="the logit link"))
    if rare not in (None, True, False):
        faults.append(Fault(where="e_values: rare", found=f"{rare!r}", allowed="True, False, None"))
    numeric = [c.term for c in model.spec.columns if not c.level]
    for term, size in (change or {}).items():
        if term not in numeric:
            faults.append(
                Fault(
                    where="e_values: change",
                    found=f"{term!r} is no numeric term of the model",
                    allowed=listed(numeric),
                    remedy=did_you_mean(str(term), numeric),
                )
            )
        elif isinstance(size, bool) or not isinstance(size, int | float | np.number) or not 0 < size < np.inf:
            found = f"{size!r} for {term!r}"
            faults.append(Fault(where="e_values: change", found=found, allowed="a positive number"))
    if faults:
        raise ArgumentError(*faults)


def _e_value_positions(
    model: FittedModel, terms: Sequence[str] | str | None
) -> tuple[dict[str, str], list[int]]:
    crossed = {
        term: f"no one coefficient says how the outcome goes with it: {listed(shared)} is in other terms"
        for term, shared in shared_variables(model).items()
        if shared
    }
    if terms is None:
        return crossed, [
            j for j, p in enumerate(model.parameters) if p.kind == "slope" and p.term not in crossed
        ]
    positions = slope_positions(model, terms, "e_values")
    faults = [
        Fault(where="e_values: terms", found=f"{term!r}: {crossed[term]}", remedy="margins(model, ...)")
        for term in dict.fromkeys(model.parameters[j].term for j in positions)
        if term in crossed
    ]
    if faults:
        raise ArgumentError(*faults)
    return {}, positions


def _is_rare(model: FittedModel) -> bool:
    if len(model.categories) > 2:
        return False
    return bool(np.average(model.sample_y == 1, weights=model.sample_weights) < RARE)
