"""Numbers that only figures need: by country, by threshold, by predicted probability, of the weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import CoprodstatsError
from coprodstats.models.fit import logit
from coprodstats.models.goodness import goodness_of_fit
from coprodstats.models.intervals import LEVEL
from coprodstats.models.margins import margins
from coprodstats.models.parallel import ALL_TERMS, parallel_lines_test
from coprodstats.models.predictions import average_predictions
from coprodstats.models.results import FittedModel
from coprodstats.reporting.plan import AnalysisPlan
from coprodstats.reporting.planned_comparisons import ComparisonPlan
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import SurveyDesign, resolve_design

Found = TypeVar("Found")
Models = Mapping[str, FittedModel]

_BOUNDS = ["estimate", "conf_low", "conf_high"]
_BINS = 24
# Weights that differ by less are equal but for rounding.
_EQUAL = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FigureData:
    """What figures draw beside what tables hold; a frame without rows where a figure does not apply.

    Attributes
    ----------
    margins
        Average margins of one predictor by group: ``comparison, model, variable, group, estimate, conf_low,
        conf_high``, probability per unit, from models in which its slope differs between groups. Numbers are
        missing for a comparison whose model could not be fitted so.
    predictions
        Average predictions by group: ``model, group, variable, value, estimate, conf_low, conf_high``, from
        such models of the first comparison. A model that could not be fitted so has a row without numbers.
    slopes
        Slopes of ordinal models on the log-odds scale: ``comparison, model, parameter, split, estimate,
        conf_low, conf_high``; the common slope has an empty split, and that above a category has
        ``> category``.
    parallel
        The tests of parallel lines of all terms: ``comparison, model, p_value``.
    calibration
        Observed and predicted shares of the events of the first comparison: ``model, group, predicted,
        observed, conf_low, conf_high, n``.
    weights
        Shares of respondents by weight, in multiples of its mean: ``low, high, share``.
    """

    margins: pd.DataFrame
    predictions: pd.DataFrame
    slopes: pd.DataFrame
    parallel: pd.DataFrame
    calibration: pd.DataFrame
    weights: pd.DataFrame

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the frames by the name that their files have."""
        return {
            "margins_by_group": self.margins,
            "predictions_by_group": self.predictions,
            "slopes_by_threshold": self.slopes,
            "parallel_lines": self.parallel,
            "calibration": self.calibration,
            "weights": self.weights,
        }


def figure_data(
    plan: AnalysisPlan, models: Mapping[str, Models], cleaned: CleanedSurvey, design: SurveyDesign | None
) -> FigureData:
    """Compute what only figures need.

    Parameters
    ----------
    plan
        The plan.
    models
        The models by comparison and outcome.
    cleaned
        The survey under the analysis' own mapping.
    design
        The design that all numbers are computed under.
    """
    main = models[plan.comparisons[0].key]
    refit = _Refit(plan=plan, cleaned=cleaned, design=design)
    slopes, parallel = _slopes(plan, models)
    return FigureData(
        margins=_margins_by_group(refit, models),
        predictions=_predictions_by_group(refit, main),
        slopes=slopes,
        parallel=parallel,
        calibration=_calibration(main),
        weights=weight_bins(resolve_design(design, cleaned.frame).weights),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Refit:
    """Fits models anew, with a slope of one predictor for each of the groups described."""

    plan: AnalysisPlan
    cleaned: CleanedSurvey
    design: SurveyDesign | None

    @property
    def by(self) -> str:
        return self.plan.describe.by

    def groups(self) -> list[str]:
        return [str(group) for group in self.cleaned.frame[self.by].cat.categories]

    def applies_to(self, models: Models) -> bool:
        """Say whether the groups are a predictor of the models, of which each group has one level."""
        return bool(self.by) and all(
            any(p.variables == (self.by,) and p.level for p in model.parameters)
            and not any(self.by in p.variables and len(p.variables) > 1 for p in model.parameters)
            for model in models.values()
        )

    def model(self, one: ComparisonPlan, name: str, variable: str) -> FittedModel:
        formula = f"{one.outcomes[name]} ~ {one.predictors} + {self.by}:{variable}"
        return logit(formula, self.cleaned, design=self.design, df_rule=self.plan.df_rule, name=name)


def focus(plan: AnalysisPlan, models: Models) -> str:
    """Return the numeric predictor that the analysis puts first; an empty text if it puts none.

    It is the one highlighted among the ranks, or else the first that a sentence of the summary is about.
    """
    named = [plan.importance.highlight] if plan.importance is not None else []
    numeric = set.intersection(*(_numeric(model) for model in models.values()))
    return next((name for name in [*named, *plan.phrases] if name in numeric), "")


def weight_bins(weights: NDArray[np.float64], most: int = _BINS) -> pd.DataFrame:
    """Return the shares of respondents by weight, in multiples of its mean, in bins of a round width.

    Parameters
    ----------
    weights
        Weights, shape (n,); respondents whose weight is zero are left out.
    most
        The most bins.

    Returns
    -------
    pandas.DataFrame
        Columns ``low, high, share``; none if all weights are equal. A weight on an edge counts in the bin
        above it.

    Examples
    --------
    >>> weight_bins(np.array([0.5, 0.5, 1.0, 2.0])).query("share > 0")["share"].tolist()
    [0.5, 0.25, 0.25]
    """
    used = weights[weights > 0]
    relative = np.array([float(f"{w:.10g}") for w in used / used.mean()]) if used.size else used
    if not used.size or np.ptp(relative) < _EQUAL:
        return pd.DataFrame({"low": [], "high": [], "share": []}, dtype=float)
    width = _round_width(float(np.ptp(relative)) / (most - 1))
    # Whole numbers of widths: an edge that is a sum of widths would not be a round number.
    place = np.floor(relative / width + 1e-9).astype(int)
    first, last = int(place.min()), int(place.max())
    counts = np.bincount(place - first, minlength=last - first + 1)
    edges = [float(f"{edge * width:.10g}") for edge in range(first, last + 2)]
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "share": counts / len(used)})


def _round_width(least: float) -> float:
    """Return 1, 2 or 5 times a power of ten that is not smaller."""
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-12)))


def _numeric(model: FittedModel) -> set[str]:
    return {
        p.name for p in model.parameters if p.kind == "slope" and p.variables == (p.name,) and not p.level
    }


def _margins_by_group(refit: _Refit, models: Mapping[str, Models]) -> pd.DataFrame:
    columns = ["comparison", "model", "variable", "group", *_BOUNDS]
    plan = refit.plan
    chosen = focus(plan, models[plan.comparisons[0].key])
    parts = []
    for one in plan.comparisons if chosen else ():
        own = models[one.key]
        named = (chosen, f"{chosen}{one.suffix}")
        variable = next((v for v in named if all(v in _numeric(model) for model in own.values())), "")
        if one.kind != "logit" or one.mapping or not variable or not refit.applies_to(own):
            continue
        for name in own:
            found = _available(partial(_group_margins, refit, one, name, variable))
            empty = pd.DataFrame({"group": refit.groups()})
            frame = (empty if found is None else found).assign(comparison=one.key, model=name)
            parts.append(frame.assign(variable=variable).reindex(columns=columns))
    return _joined(parts, columns)


def _group_margins(refit: _Refit, one: ComparisonPlan, name: str, variable: str) -> pd.DataFrame:
    found = margins(refit.model(one, name, variable), variable, by=refit.by)
    return found.rename(columns={refit.by: "group"}).assign(group=lambda f: f["group"].astype(str))


def _predictions_by_group(refit: _Refit, main: Models) -> pd.DataFrame:
    columns = ["model", "group", "variable", "value", *_BOUNDS]
    one = refit.plan.comparisons[0]
    parts = []
    for variable, values in one.over.items():
        numeric = all(variable in _numeric(model) for model in main.values())
        if one.kind != "logit" or not numeric or not refit.applies_to(main):
            continue
        for name in main:
            found = _available(partial(_group_predictions, refit, name, variable, thinned(values)))
            if found is None:
                found = pd.DataFrame({"variable": [variable]})
            parts.append(found.assign(model=name).reindex(columns=columns))
    return _joined(parts, columns)


def thinned(values: tuple[float, ...], most: int = 8) -> tuple[float, ...]:
    """Return about so many of some values, the first and the last among them: a small panel needs no more.

    Examples
    --------
    >>> thinned((20.0, 30.0, 40.0, 50.0, 60.0, 70.0), most=3)
    (20.0, 50.0, 70.0)
    """
    step = max(1, -(-(len(values) - 1) // (most - 1)))
    return (*values[:-1:step], values[-1])


def _group_predictions(refit: _Refit, name: str, variable: str, values: tuple[float, ...]) -> pd.DataFrame:
    model = refit.model(refit.plan.comparisons[0], name, variable)
    found = average_predictions(model, {variable: values}, by=refit.by)
    found = found.rename(columns={refit.by: "group"})
    return found.assign(group=found["group"].astype(str), value=found["value"].astype(float))


def _slopes(plan: AnalysisPlan, models: Mapping[str, Models]) -> tuple[pd.DataFrame, pd.DataFrame]:
    columns = ["comparison", "model", "parameter", "split", *_BOUNDS]
    parts: list[pd.DataFrame] = []
    tests = []
    for one in plan.comparisons:
        for name, model in models[one.key].items():
            one_slope = model.family == "ologit" and not any(p.split for p in model.parameters)
            tested = _available(partial(parallel_lines_test, model)) if one_slope else None
            # Without finite estimates at each threshold there is a note, and nothing to draw.
            if tested is None or tested.splits.empty or tested.splits["note"].any():
                continue
            by_split = _with_interval(tested.splits, model.df)
            both = pd.concat([_common_slopes(model), by_split], ignore_index=True)
            parts.append(both.assign(comparison=one.key, model=name)[columns])
            whole = tested.tests["term"] == ALL_TERMS
            tests.append((one.key, name, float(tested.tests.loc[whole, "p_value"].iloc[0])))
    return _joined(parts, columns), pd.DataFrame(tests, columns=["comparison", "model", "p_value"])


def _common_slopes(model: FittedModel) -> pd.DataFrame:
    bounds = model.conf_int()
    frame = pd.DataFrame(
        {
            "parameter": [p.name for p in model.parameters],
            "split": "",
            "estimate": model.params.to_numpy(),
            "conf_low": bounds[0].to_numpy(),
            "conf_high": bounds[1].to_numpy(),
        }
    )
    return frame[[p.kind == "slope" for p in model.parameters]]


def _with_interval(splits: pd.DataFrame, df: float) -> pd.DataFrame:
    half = float(stats.t.isf((1 - LEVEL) / 2, df)) * splits["std_error"]
    return splits.assign(conf_low=splits["estimate"] - half, conf_high=splits["estimate"] + half)


def _calibration(main: Models) -> pd.DataFrame:
    columns = ["model", "group", "predicted", "observed", "conf_low", "conf_high", "n"]
    parts = []
    for name, model in main.items():
        found = _available(partial(goodness_of_fit, model)) if model.family == "logit" else None
        if found is not None:
            parts.append(found.calibration.assign(model=name)[columns])
    return _joined(parts, columns)


def _available(step: Callable[[], Found]) -> Found | None:
    """Return what a step finds, or None if the data don't allow it: a figure then has gaps or is left out."""
    try:
        return step()
    except CoprodstatsError:
        return None


def _joined(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
