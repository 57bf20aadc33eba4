"""Our numbers for the certified problems, by the public functions, and how many digits of each are right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

import coprodstats as cps
from coprodstats.models.results import FittedModel

from .problems import Model, Problem

VALUES = Path(__file__).resolve().parent / "values"
# A double has no more: NIST's convention for its reference data sets.
MOST_DIGITS = 15.0

Key = tuple[str, str, str]  # quantity, model, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """A certified number, and the size that its error is relative to."""

    value: Fraction
    against: Fraction

    def digits(self, found: float) -> float:
        """Return the log relative error of a number, -log10(|found - value| / |against|), without a limit."""
        if not np.isfinite(found):
            return -np.inf
        error = abs(Fraction(found) - self.value)
        return -np.log10(float(error / self.against)) if error else np.inf


@cache
def certified(name: str) -> dict[Key, Certified]:
    """Return a problem's certified numbers."""
    entries = json.loads((VALUES / f"{name}.json").read_text(encoding="utf-8"))
    return {
        (e["quantity"], e["model"], e["name"]): Certified(
            value=Fraction(e["value"]), against=abs(Fraction(e.get("against", e["value"])))
        )
        for e in entries
    }


def design_of(p: Problem) -> cps.SurveyDesign | None:
    """Return a problem's design; none if it has no weights, strata or PSUs."""
    if not (p.weights or p.strata or p.psu):
        return None
    return cps.SurveyDesign(weights=p.weights, strata=p.strata, psu=p.psu, fpc=p.fpc, lonely_psu=p.lonely_psu)


def is_binary(p: Problem, model: Model) -> bool:
    """Return whether an outcome is coded 0 and 1."""
    return p.categories(model) == [0, 1]


@cache
def fitted(p: Problem) -> tuple[FittedModel, ...]:
    """Return a problem's models as this package fits them."""
    frame, design = p.frame(), design_of(p)
    found = []
    for model in p.models:
        domain = None if model.domain is None else frame[model.domain] == 1
        if is_binary(p, model):
            fit = cps.logit(model.formula, frame, design=design, covariance=p.covariance, domain=domain)
        else:
            fit = cps.ologit(
                model.formula, frame, link=model.link, design=design, covariance=p.covariance, domain=domain
            )
        found.append(fit)
    return tuple(found)


def computed(p: Problem) -> dict[Key, float]:
    """Return our value of each certified quantity of a problem."""
    found: dict[Key, float] = {}
    for model, fit in zip(p.models, fitted(p), strict=True):
        found.update(_estimates(model, fit))
        for vce in p.margins:
            found.update(_margins(model, cps.margins(fit, vce=vce), vce))
        if p.parallel:
            found.update(_parallel(model, fit))
    for scale in p.compare:
        found.update(_compared(p, scale))
    return found


def lowest_digits(p: Problem) -> dict[str, float]:
    """Return, for each kind of quantity of a problem, the right digits of the least exact, at most 15."""
    ours = computed(p)
    lowest: dict[str, float] = {}
    for key, truth in certified(p.name).items():
        digits = min(truth.digits(ours[key]), MOST_DIGITS)
        lowest[key[0]] = min(lowest.get(key[0], MOST_DIGITS), digits)
    return lowest


def estimate_digits(p: Problem) -> Iterator[tuple[FittedModel, float]]:
    """Yield each model of a problem with the right digits of its least exact parameter, without a limit."""
    for model, fit in zip(p.models, fitted(p), strict=True):
        ours = dict(_estimates(model, fit))
        yield (
            fit,
            min(
                truth.digits(ours[key])
                for key, truth in certified(p.name).items()
                if key[1] == model.outcome and key[0] in ("coefficient", "threshold")
            ),
        )


def _estimates(model: Model, fit: FittedModel) -> Iterator[tuple[Key, float]]:
    for name, value in fit.params.items():
        yield ("threshold" if "|" in name else "coefficient", model.outcome, name), float(value)
    for name, value in fit.bse.items():
        yield ("standard error", model.outcome, name), float(value)


def _margins(model: Model, frame: pd.DataFrame, vce: str) -> Iterator[tuple[Key, float]]:
    kind = "margin standard error" if vce == "delta" else "unconditional standard error"
    for row in frame.itertuples():
        name = f"{row.variable} {row.contrast} {row.category}"
        yield ("margin", model.outcome, name), row.estimate
        yield (kind, model.outcome, name), row.std_error


def _parallel(model: Model, fit: FittedModel) -> Iterator[tuple[Key, float]]:
    for row in cps.parallel_lines_test(fit).tests.itertuples():
        yield ("parallel lines", model.outcome, row.term), row.statistic


def _compared(p: Problem, asked: str) -> Iterator[tuple[Key, float]]:
    scale, _, vce = asked.partition(" ")
    models = dict(zip([model.outcome for model in p.models], fitted(p), strict=True))
    event = {m.outcome: m.event for m in p.models if m.event} if scale == "margin" else None
    both = cps.compare(models, scale=scale, event=event, vce=vce or "delta")
    pair, m = ", ".join(both.names), len(both.terms)
    for j, first in enumerate(both.terms):
        for k, second in enumerate(both.terms):
            name = f"{asked}: {first}, {second}"
            yield ("covariance across models", pair, name), float(both.covariance[j, m + k])
    for row in both.to_frame().itertuples():
        yield ("difference", pair, f"{asked}: {row.term}"), row.difference
        yield ("difference standard error", pair, f"{asked}: {row.term}"), row.std_error
