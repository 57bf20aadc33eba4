"""The checks of claims: each takes what it is about and the evidence, and returns a finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from coprodstats.errors import ArgumentError, DesignError, ModelError, listed
from coprodstats.models.compare import compare
from coprodstats.models.fit import logit, ologit
from coprodstats.models.importance import Importance, block_share, importance
from coprodstats.models.margins import event_margins
from coprodstats.models.results import FittedModel
from coprodstats.models.wald import wald_test
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.describe import means
from coprodstats.survey.design import SurveyDesign

Verdict = Literal["agrees", "agrees in direction only", "inconclusive", "disagrees", "not testable"]
LEVEL = 0.05
_ORDINAL = ("ologit", "acat", "cratio")
_FITS: dict[str, Callable[..., FittedModel]] = {"logit": logit, "ologit": ologit}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One test of a claim: its kind and what it is about."""

    test: str
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    expected
        What the claim says, in words.
    found
        What this run shows, in words.
    estimate, conf_low, conf_high
        The number checked and its interval (90 % for equivalence), NaN where there is none.
    verdict
        The verdict on this check.
    """

    expected: str
    found: str
    estimate: float
    conf_low: float
    conf_high: float
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What the checks draw on."""

    models: Mapping[str, FittedModel]
    data: CleanedSurvey | pd.DataFrame
    design: SurveyDesign | None
    seed: int
    n_replicates: int
    rankings: Mapping[str, Importance]
    events: Mapping[str, str]


def by_interval(estimate: float, low: float, high: float, expect: str) -> Verdict:
    """Return the verdict on a sign from an estimate and its interval.

    Examples
    --------
    >>> by_interval(0.2, -0.1, 0.5, "positive")
    'agrees in direction only'
    """
    sign = 1.0 if expect == "positive" else -1.0
    value, floor, ceiling = sign * estimate, *sorted((sign * low, sign * high))
    if not np.isfinite([value, floor, ceiling]).all():
        return "not testable"
    if floor > 0:
        return "agrees"
    if ceiling < 0:
        return "disagrees"
    return "agrees in direction only" if value > 0 else "inconclusive"


def run_check(check: Check, evidence: Evidence) -> Finding:
    """Return what a check finds; what these data don't hold is a finding, too: not testable."""
    try:
        return _CHECKS[check.test](check.about, evidence)
    except _NotTestableError as reason:
        return _unavailable(str(reason))
    except (ModelError, DesignError) as error:
        return _unavailable(error.faults[0].found if error.faults else "the model could not be fitted")


class _NotTestableError(Exception):
    """These data don't hold what a check needs."""


def _unavailable(reason: str) -> Finding:
    return Finding(
        expected="—",
        found=f"not testable: {reason}",
        estimate=np.nan,
        conf_low=np.nan,
        conf_high=np.nan,
        verdict="not testable",
    )


def _model(evidence: Evidence, name: str) -> FittedModel:
    if name not in evidence.models:
        raise _NotTestableError(f"this analysis has no model {name!r}")
    if not evidence.models[name].categories:
        raise _NotTestableError(f"model {name!r} is of a mean, and claims are about probabilities")
    return evidence.models[name]


def _margin(evidence: Evidence, name: str, term: str) -> tuple[float, float, float]:
    """Return a margin on the event of a model, its standard error and degrees of freedom."""
    model = _model(evidence, name)
    variable = term.partition("[")[0]
    if variable not in model.spec.formula.predictors:
        raise _NotTestableError(f"model {name!r} has no term {term!r}")
    found = event_margins(model, model.categories.index(_event(evidence, name)), variable)
    position = np.flatnonzero((found.labels["term"] == term).to_numpy())
    if len(position) != 1:
        raise _NotTestableError(f"model {name!r} has no term {term!r}")
    j = int(position[0])
    return float(found.estimate[j]), float(np.sqrt(found.covariance[j, j])), float(model.df)


def _event(evidence: Evidence, name: str) -> str:
    return evidence.events.get(name, evidence.models[name].categories[-1])


def _bounds(estimate: float, std_error: float, df: float, alpha: float = LEVEL) -> tuple[float, float]:
    half = float(stats.t.isf(alpha / 2, df)) * std_error
    return estimate - half, estimate + half


def _sign(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    estimate, std_error, df = _margin(evidence, about["model"], about["term"])
    low, high = _bounds(estimate, std_error, df)
    return Finding(
        expected=f"{about['term']} {about['expect']} in {about['model']}",
        found="margin",
        estimate=estimate,
        conf_low=low,
        conf_high=high,
        verdict=by_interval(estimate, low, high, about["expect"]),
    )


def _pair(about: Mapping[str, Any], evidence: Evidence) -> tuple[np.ndarray, np.ndarray, float]:
    """Return margins of ``than`` and ``model`` on one term, their joint covariance and df."""
    pair = {"than": _model(evidence, about["than"]), "model": _model(evidence, about["model"])}
    try:
        named = {"than": about["than"], "model": about["model"]}
        event = {k: _event(evidence, n) for k, n in named.items() if pair[k].family in _ORDINAL}
        both = compare(pair, terms=[about["term"]], event=event or None)
    except ArgumentError as error:
        raise _NotTestableError(f"{about['term']!r} is not in both models") from error
    # A factor's name alone stands for all of its levels, of which none is the claim's.
    if both.terms != (about["term"],):
        raise _NotTestableError(f"{about['term']!r} is not one term but {listed(both.terms)}")
    return both.estimates[0], both.covariance, both.df


def _difference(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    values, v, df = _pair(about, evidence)
    estimate = float(values[1] - values[0])
    low, high = _bounds(estimate, float(np.sqrt(v[0, 0] + v[1, 1] - 2 * v[0, 1])), df)
    return Finding(
        expected=f"{about['term']}: {about['model']} minus {about['than']} {about['expect']}",
        found="difference of margins",
        estimate=estimate,
        conf_low=low,
        conf_high=high,
        verdict=by_interval(estimate, low, high, about["expect"]),
    )


def _contrast(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    found = _difference({**about, "expect": "positive"}, evidence)
    differs = found.conf_low > 0 or found.conf_high < 0
    return Finding(
        expected=f"{about['term']} differs between {about['model']} and {about['than']}",
        found="difference of margins",
        estimate=found.estimate,
        conf_low=found.conf_low,
        conf_high=found.conf_high,
        verdict="agrees" if differs else "inconclusive",
    )


def _weaker(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    values, v, df = _pair(about, evidence)
    signs = np.sign(values)
    estimate = float(abs(values[0]) - abs(values[1]))
    variance = v[0, 0] + v[1, 1] - 2 * signs[0] * signs[1] * v[0, 1]
    # The claim fixes the direction: one-sided at 5 %, as for equivalence.
    low, high = _bounds(estimate, float(np.sqrt(variance)), df, 2 * LEVEL)
    return Finding(
        expected=f"{about['term']} weaker in {about['model']} than in {about['than']}",
        found="difference of sizes (90 % interval, one-sided test)",
        estimate=estimate,
        conf_low=low,
        conf_high=high,
        verdict=by_interval(estimate, low, high, "positive"),
    )


def _equivalence(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    estimate, std_error, df = _margin(evidence, about["model"], about["term"])
    bound = float(about["bound"])
    low, high = _bounds(estimate, std_error, df, 2 * LEVEL)
    wide = _bounds(estimate, std_error, df)
    verdict: Verdict = "inconclusive"
    if -bound < low and high < bound:
        verdict = "agrees"
    elif wide[0] > 0 or wide[1] < 0:
        verdict = "disagrees"
    return Finding(
        expected=f"{about['term']} within ±{bound:g} in {about['model']}",
        found="margin (90 % interval, two one-sided tests)",
        estimate=estimate,
        conf_low=low,
        conf_high=high,
        verdict=verdict,
    )


def _rank(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    model, variable = _model(evidence, about["model"]), about["variable"]
    absent = [v for v in (*about["among"], variable) if v not in model.spec.formula.predictors]
    if absent:
        raise _NotTestableError(f"model {about['model']!r} has no term {absent[0]!r}")
    if variable not in about["among"]:
        raise _NotTestableError(f"{variable!r} is not among the variables ranked")
    found = evidence.rankings.get(about["model"])
    if found is None or list(found.estimates.index) != list(about["among"]):
        found = importance(model, about["among"], n_replicates=evidence.n_replicates, seed=evidence.seed)
    rows = found.to_frame().query("variable == @variable")
    shares, ranks = rows["share_first"].to_numpy(), rows["rank"].to_numpy()
    verdict: Verdict = "inconclusive"
    if (shares >= about["share"]).all():
        verdict = "agrees"
    elif (ranks == 1).all():
        verdict = "agrees in direction only"
    elif (shares <= 1 - about["share"]).all():
        verdict = "disagrees"
    return Finding(
        expected=f"{variable} ranks first of {len(about['among'])} in {about['model']}",
        found="share of replicates in which it ranks first (the smaller of two measures)",
        estimate=float(shares.min()),
        conf_low=np.nan,
        conf_high=np.nan,
        verdict=verdict,
    )


def _gap(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    frame = evidence.data.frame if isinstance(evidence.data, CleanedSurvey) else evidence.data.copy()
    absent = [about[k] for k in ("higher", "lower") if about[k] not in frame.columns]
    if absent:
        raise _NotTestableError(f"the survey has no variable {absent[0]!r}")
    wordy = [about[k] for k in ("higher", "lower") if not pd.api.types.is_numeric_dtype(frame[about[k]])]
    if wordy:
        raise _NotTestableError(f"{wordy[0]!r} is not numeric")
    design = evidence.design
    if design is None and isinstance(evidence.data, CleanedSurvey):
        design = evidence.data.design
    frame["gap"] = frame[about["higher"]] - frame[about["lower"]]
    row = means(frame, "gap", design=design).iloc[0]
    return Finding(
        expected=f"mean of {about['higher']} above that of {about['lower']}",
        found="paired difference of means",
        estimate=float(row["estimate"]),
        conf_low=float(row["conf_low"]),
        conf_high=float(row["conf_high"]),
        verdict=by_interval(row["estimate"], row["conf_low"], row["conf_high"], "positive"),
    )


def _moderation(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    model = _model(evidence, about["model"])
    term, by = about["term"], about["by"]
    absent = [v for v in (term, by) if v not in model.spec.formula.predictors]
    if absent:
        raise _NotTestableError(f"model {about['model']!r} has no term {absent[0]!r}")
    if model.design.calibration is not None:
        raise _NotTestableError("the model has calibrated weights, which a wider model is not refitted with")
    if model.family not in _FITS or model.penalty or model.offset_name or model.nonparallel:
        raise _NotTestableError(
            "a wider model is fitted only to logit and ologit models without penalty, offset or slopes that "
            "differ between splits"
        )
    fit = _FITS[model.family]
    extra = {} if model.family == "logit" else {"link": model.link.name}
    wider = fit(
        f"{model.formula} + {term}:{by}",
        evidence.data,
        design=evidence.design,
        covariance=model.covariance,
        df_rule=model.df_rule,
        domain=model.used,
        **extra,
    )
    # The survey under another item mapping has the same columns and rows, but other answers in them.
    if not (np.array_equal(wider.used, model.used) and np.array_equal(wider.sample_y, model.sample_y)):
        raise _NotTestableError(f"model {about['model']!r} was fitted under another item mapping")
    joint = [c.term for c in wider.spec.columns if set(c.variables) == {term, by}]
    test = wald_test(wider, sorted(set(joint)))
    return Finding(
        expected=f"{term} differs by {by} in {about['model']}",
        found=f"F({test.df_num}, {test.df_denom:.0f}) = {test.statistic:.2f}; the number is the p value",
        estimate=test.p_value,
        conf_low=np.nan,
        conf_high=np.nan,
        verdict="agrees" if test.p_value < LEVEL else "inconclusive",
    )


def _block(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    model = _model(evidence, about["model"])
    absent = [v for v in about["variables"] if v not in model.spec.formula.predictors]
    if absent:
        raise _NotTestableError(f"model {about['model']!r} has no term {absent[0]!r}")
    found = block_share(model, about["variables"], n_replicates=evidence.n_replicates, seed=evidence.seed)
    verdict: Verdict = "inconclusive"
    if found.conf_high < about["below"]:
        verdict = "agrees"
    elif found.conf_low > about["below"]:
        verdict = "disagrees"
    elif found.estimate < about["below"]:
        verdict = "agrees in direction only"
    return Finding(
        expected=f"pseudo R² of background alone in {about['model']} below {about['below']:g}",
        found="McFadden's pseudo R²",
        estimate=found.estimate,
        conf_low=found.conf_low,
        conf_high=found.conf_high,
        verdict=verdict,
    )


def _band(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    estimate, std_error, df = _margin(evidence, about["model"], about["term"])
    model = _model(evidence, about["model"])
    if model.spec.is_factor(about["term"].partition("[")[0]):
        raise _NotTestableError(f"{about['term']!r} is not numeric")
    values, w = model.sample[about["term"]].to_numpy(dtype=float), model.sample_weights
    sd = float(np.sqrt(np.average((values - np.average(values, weights=w)) ** 2, weights=w)))
    low, high = _bounds(estimate * sd, std_error * sd, df)
    floor, ceiling = float(about["low"]), float(about["high"])
    verdict: Verdict = "inconclusive"
    if floor < low and high < ceiling:
        verdict = "agrees"
    elif high < floor or low > ceiling:
        verdict = "disagrees"
    elif floor < estimate * sd < ceiling:
        verdict = "agrees in direction only"
    return Finding(
        expected=f"{about['term']} in {floor:g} to {ceiling:g} per standard deviation in {about['model']}",
        found="margin for one weighted standard deviation",
        estimate=estimate * sd,
        conf_low=low,
        conf_high=high,
        verdict=verdict,
    )


_CHECKS: dict[str, Callable[[Mapping[str, Any], Evidence], Finding]] = {
    "sign": _sign,
    "weaker": _weaker,
    "difference": _difference,
    "contrast": _contrast,
    "equivalence": _equivalence,
    "rank": _rank,
    "gap": _gap,
    "moderation": _moderation,
    "block": _block,
    "band": _band,
}
