"""The comparison of outcomes on the same respondents, with the standard error of each difference."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, ComparisonError, Fault, did_you_mean, listed
from coprodstats.models.comparison import DIFFERENCE_COLUMNS, Comparison, Scale
from coprodstats.models.joint import union_of
from coprodstats.models.margins import (
    Vce,
    event_margins,
    joint_covariance,
    margin_estimates,
)
from coprodstats.models.multiplicity import Adjust
from coprodstats.models.results import FittedModel, df_words
from coprodstats.models.terms import names_of
from coprodstats.models.wald import WaldTest, joint_test
from coprodstats.survey.design import ResolvedDesign, design_df

Floats = NDArray[np.float64]
Pairs = Literal["all", "first"]
Event = str | Mapping[str, str]

SCALE_CAVEAT = (
    "Coefficients of different outcomes are on scales fixed by each outcome's unexplained variation, so that "
    "their difference mixes association with scale (Allison 1999; Mood 2010); compare the margins too."
)

SD_CAVEAT = (
    "Margins are for a change of one standard deviation of each numeric predictor in the model's own sample, "
    "which is taken as known."
)


# Functions of a formula whose slopes are per unit, or along curves, of the sample that they are made from.
OF_THE_SAMPLE = re.compile(r"\b(scale|poly|bs|cr)\(")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Side:
    """One model's numbers: their terms, values, and influence on every row of the frame or replicates.

    ``contrasts`` are what the terms are differences of: a factor's levels, or its reference.
    """

    terms: tuple[str, ...]
    contrasts: tuple[str, ...]
    estimate: Floats
    influence: Floats
    replicates: Floats | None


def compare(
    models: Mapping[str, FittedModel],
    *,
    scale: Scale = "margin",
    event: Event | None = None,
    terms: Sequence[str] | None = None,
    change: Literal["sd"] | None = None,
    vce: Vce = "delta",
    pairs: Pairs = "all",
    adjust: Adjust = "holm",
    equivalence: float | None = None,
) -> Comparison:
    """Compare outcomes on the same respondents, with the standard error of each difference.

    Parameters
    ----------
    models
        Two or more fitted models by name, fitted to the same frame under the same design. Their samples may
        differ, and so may their families: logistic and ordinal models share the scale of probabilities.
    scale
        ``"margin"``: average margins on the probability of each model's event, or on the mean of linear and
        fractional models; ``"coefficient"``: slopes.
    event
        For ordinal models on the margin scale the category k such that the event is "k or more": one for all
        of them, or by model.
    terms
        Predictors to compare; all that the models share by default.
    change
        ``"sd"``: margins for a change of one weighted standard deviation of each numeric predictor; by
        default per unit.
    vce
        As for `coprodstats.margins`.
    pairs
        With three models or more: ``"all"`` differences between two, or each against the ``"first"``.
    adjust
        ``"holm"`` (any false finding among the differences) or ``"bh"`` (share of false findings; Benjamini
        and Hochberg 1995, *JRSS B* 57, 289-300).
    equivalence
        A positive bound, on the scale of the differences, within which they count as none.

    Returns
    -------
    Comparison
        ``to_frame()``, ``intervals()``, ``term_tests()`` and the joint test ``test``.

    Raises
    ------
    ComparisonError
        If there are fewer than two models, they were fitted to other data, under another design or on another
        scale, share no term, a level has another reference in each, or an ordinal model has no event.
    ArgumentError
        If an argument names something unknown.

    Notes
    -----
    The covariance across models comes from the stacked influences of all, laid out over the union of their
    samples, through the same design variance as each model's own (Weesie 1999, *Stata Technical Bulletin* 52;
    Binder 1983), or, with replicate weights, from each replicate's differences. Degrees of freedom are those
    of the union's design.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from coprodstats import logit
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"age": rng.normal(50, 15, 400)})
    >>> frame["recycles"] = rng.random(400) < 1 / (1 + np.exp(-(frame["age"] - 50) / 20))
    >>> frame["joins"] = rng.random(400) < 0.3
    >>> both = compare({n: logit(f"{n} ~ age", frame) for n in ("recycles", "joins")})
    >>> both.to_frame().columns[:4].tolist()
    ['term', 'recycles', 'joins', 'difference']
    """
    names, fitted = _named_models(models)
    _check_options(scale=scale, pairs=pairs, adjust=adjust, change=change, equivalence=equivalence)
    _refuse_other_data(names, fitted)
    _refuse_other_scales(names, fitted, scale)
    events = _events(names, fitted, event, scale)
    sides = (
        [_slopes(model) for model in fitted]
        if scale == "coefficient"
        else [_margins(model, events[n], vce, change) for n, model in zip(names, fitted, strict=True)]
    )
    shared = _shared(sides, terms)
    _refuse_other_contrasts(sides, shared)
    if scale == "coefficient":
        _refuse_own_columns(fitted, shared)
    design, used = union_of(fitted)
    estimates, covariance = _stacked(sides, shared, design, fitted)
    rule = fitted[0].df_rule
    d = float(design_df(design, used, rule=rule))
    df = d if rule == "stata" else min(model.df for model in fitted)
    chosen = combinations(range(len(names)), 2) if pairs == "all" else ((0, k) for k in range(1, len(names)))
    draft = Comparison(
        names=names,
        pairs=tuple(chosen),
        scale=scale,
        terms=tuple(shared),
        estimates=estimates,
        covariance=covariance,
        df=df,
        df_rule=rule,
        df_statement=df_words(d, len(np.unique(design.stratum[used])), design.replication)
        if rule == "stata"
        else min(fitted, key=lambda model: model.df).df_statement(),
        test=WaldTest(statistic=np.nan, df_num=0, df_denom=df, p_value=np.nan, n_restrictions=0, null=""),
        n_union=int(used.sum()),
        caveats=_caveats(
            dict(zip(names, fitted, strict=True)),
            alone=_alone(sides, shared) if terms is None else [],
            scale=scale,
            change=change,
        ),
        adjust=adjust,
        equivalence=equivalence,
    )
    return _with_joint_test(draft)


def _with_joint_test(draft: Comparison) -> Comparison:
    null = f"all differences {draft.label} are zero"
    restrictions = len(draft.terms) * (len(draft.names) - 1)
    if restrictions > draft.df:
        untested = f"No joint test: {restrictions} differences, {draft.df:.0f} degrees of freedom."
        return replace(draft, test=replace(draft.test, null=null), caveats=(*draft.caveats, untested))
    against_first = replace(draft, pairs=tuple((0, k) for k in range(1, len(draft.names))))
    difference, between = against_first.differences()
    test = joint_test(difference, between, df=draft.df, rule=draft.df_rule, null=null)
    return replace(draft, test=test)


def _stacked(
    sides: Sequence[_Side], shared: Sequence[str], design: ResolvedDesign, fitted: Sequence[FittedModel]
) -> tuple[Floats, Floats]:
    """Return the shared terms' numbers, shape (terms, models), and their joint covariance."""
    picked = [[side.terms.index(term) for term in shared] for side in sides]
    estimates = np.column_stack([s.estimate[i] for s, i in zip(sides, picked, strict=True)])
    influence = np.hstack([s.influence[:, i] for s, i in zip(sides, picked, strict=True)])
    drawn = [None if s.replicates is None else s.replicates[:, i] for s, i in zip(sides, picked, strict=True)]
    replicates = None if any(d is None for d in drawn) else np.hstack([d for d in drawn if d is not None])
    return estimates, joint_covariance(influence, replicates, estimates.T.ravel(), design, fitted)


def _check_options(*, scale: str, pairs: str, adjust: str, change: object, equivalence: float | None) -> None:
    faults = [
        Fault(where=f"compare: {argument}", found=f"{value!r}", allowed=listed(allowed))
        for argument, value, allowed in (
            ("scale", scale, get_args(Scale)),
            ("pairs", pairs, get_args(Pairs)),
            ("adjust", adjust, get_args(Adjust)),
            ("change", change, (None, "sd")),
        )
        if value not in allowed
    ]
    if change is not None and scale == "coefficient":
        faults.append(
            Fault(
                where="compare: change",
                found="coefficients are per unit of each predictor",
                remedy="scale='margin', or scale(...) in the formula",
            )
        )
    number = isinstance(equivalence, int | float) and not isinstance(equivalence, bool)
    if equivalence is not None and not (number and np.isfinite(equivalence) and equivalence > 0):
        found = f"{equivalence!r}"
        faults.append(Fault(where="compare: equivalence", found=found, allowed="a positive number"))
    if faults:
        raise ArgumentError(*faults)


def _named_models(models: Any) -> tuple[tuple[str, ...], list[FittedModel]]:
    where, remedy = "compare: models", "compare({'individual': individual, 'collective': collective})"
    allowed = "two fitted models or more, by name"
    if not isinstance(models, Mapping):
        found = f"it is a {type(models).__name__}"
        raise ComparisonError(Fault(where=where, found=found, allowed=allowed, remedy=remedy))
    wrong = [str(n) for n, m in models.items() if not isinstance(m, FittedModel)]
    if len(models) < 2 or wrong:
        found = f"{len(models)} {'entry' if len(models) == 1 else 'entries'}"
        found += f", of which {listed(wrong)} are no fitted models" if wrong else ""
        raise ComparisonError(Fault(where=where, found=found, allowed=allowed, remedy=remedy))
    taken = [str(n) for n in models if n in ("term", "contrast", *DIFFERENCE_COLUMNS)]
    if taken:
        found = f"{listed(taken)} is a column of the result"
        raise ComparisonError(Fault(where=where, found=found, remedy="rename it"))
    return tuple(map(str, models)), list(models.values())


def _refuse_other_data(names: Sequence[str], fitted: Sequence[FittedModel]) -> None:
    faults = []
    for a, b in combinations(range(len(fitted)), 2):
        faults += _pair_faults(f"compare: {names[a]!r} and {names[b]!r}", fitted[a], fitted[b])
    if faults:
        raise ComparisonError(*faults)


def _pair_faults(where: str, one: FittedModel, two: FittedModel) -> list[Fault]:
    faults = []
    if len(one.used) != len(two.used) or not np.array_equal(one.design.weights, two.design.weights):
        faults.append(
            Fault(
                where=where,
                found=f"they were fitted to different data ({len(one.used)} and {len(two.used)} rows)",
                allowed="the same frame; a model of a subpopulation takes domain=",
            )
        )
    elif _other_rows(one, two):
        faults.append(
            Fault(
                where=where,
                found="respondents who are in both samples have other values of a shared predictor, "
                "or another index",
                allowed="the same frame, with its rows in the same order",
            )
        )
    elif one.covariance != two.covariance or (
        one.covariance == "design" and not one.design.same_as(two.design)
    ):
        faults.append(
            Fault(where=where, found="they were fitted under different designs", allowed="the same design")
        )
    if one.df_rule != two.df_rule:
        faults.append(Fault(where=where, found="they have different df rules", allowed="the same df_rule"))
    if "model" in (one.covariance, two.covariance):
        faults.append(
            Fault(
                where=where,
                found="a model-based covariance says nothing of how two outcomes of one person go together",
                remedy="fit both with covariance='robust' or under a design",
            )
        )
    return faults


def _other_rows(one: FittedModel, two: FittedModel) -> bool:
    """Return whether the rows that both samples hold are visibly not the same respondents."""
    both = one.used & two.used
    first, second = one.sample.loc[both[one.used]], two.sample.loc[both[two.used]]
    shared = [column for column in first.columns if column in second.columns]
    return not (first.index.equals(second.index) and first[shared].equals(second[shared]))


def _refuse_other_scales(names: Sequence[str], fitted: Sequence[FittedModel], scale: Scale) -> None:
    if scale == "coefficient":
        kinds = {f"{m.response.name}": n for n, m in zip(names, fitted, strict=True)}
        found, remedy = "slopes of different kinds", "scale='margin', or models with the same link"
    else:
        kinds = {_value_scale(m): n for n, m in zip(names, fitted, strict=True)}
        found = "margins on different scales"
        remedy = "models of probabilities together, or models of means"
    if len(kinds) > 1:
        raise ComparisonError(
            Fault(where=f"compare: {listed(names)}", found=f"{found}: {listed(list(kinds))}", remedy=remedy)
        )


def _value_scale(model: FittedModel) -> str:
    return "probabilities" if model.categories else "points of an index"


def _slopes(model: FittedModel) -> _Side:
    index = [j for j, p in enumerate(model.parameters) if p.kind == "slope"]
    return _Side(
        terms=tuple(model.parameters[j].name for j in index),
        contrasts=tuple(f"against {model.parameters[j].reference}" for j in index),
        estimate=model.estimates[index],
        influence=model.influence[:, index],
        replicates=None if model.replicates is None else model.replicates[:, index],
    )


def _margins(model: FittedModel, start: int | None, vce: Vce, change: Literal["sd"] | None) -> _Side:
    found = (
        margin_estimates(model, vce=vce, change=change)
        if start is None
        else event_margins(model, start, vce=vce, change=change)
    )
    return _Side(
        terms=tuple(found.labels["term"]),
        contrasts=tuple(found.labels["contrast"]),
        estimate=found.estimate,
        influence=found.influence,
        replicates=found.replicates,
    )


def _events(
    names: Sequence[str], fitted: Sequence[FittedModel], event: Event | None, scale: Scale
) -> dict[str, int | None]:
    """Return for each model the position of its event's lowest category; None for a mean."""
    if event is not None and scale == "coefficient":
        found = "coefficients have no event"
        raise ArgumentError(Fault(where="compare: event", found=found, remedy="leave event out"))
    if scale == "coefficient":
        return {}
    if isinstance(event, Mapping):
        unknown = [str(name) for name in event if name not in names]
        if unknown:
            found = f"no model is called {listed(unknown)}"
            raise ArgumentError(Fault(where="compare: event", found=found, allowed=listed(names)))
        asked = {name: event.get(name) for name in names}
    else:
        several = [len(m.categories) > 2 for m in fitted]
        asked = {n: event if s or not any(several) else None for n, s in zip(names, several, strict=True)}
    return {n: event_start(n, m, asked[n]) for n, m in zip(names, fitted, strict=True)}


def event_start(name: str, model: FittedModel, event: str | None) -> int | None:
    """Return the position of the lowest category of a model's event; None for the model of a mean.

    Parameters
    ----------
    name
        The model's name, for messages.
    model
        The model.
    event
        The category k such that the event is "k or more"; needed by ordinal models.

    Raises
    ------
    ComparisonError
        If an ordinal model has none.
    ArgumentError
        If it is not one of the model's categories above the lowest.
    """
    where = f"event of {name!r}"
    if not model.categories:
        if event is None:
            return None
        raise ArgumentError(Fault(where=where, found=f"{event!r}, but it is the model of a mean"))
    if model.family == "logit":
        if event in (None, model.categories[1]):
            return 1
        found = f"{event!r}, but a logistic model has one event"
        raise ArgumentError(Fault(where=where, found=found, allowed=repr(model.categories[1])))
    if event is None:
        raise ComparisonError(
            Fault(
                where=where,
                found="it is ordinal, so that its margins need an event",
                allowed=listed([f"{c!r} or more" for c in model.categories[1:]]),
                remedy=f"event={{{name!r}: {model.categories[1]!r}, …}}, or scale='coefficient'",
            )
        )
    if event not in model.categories[1:]:
        raise ArgumentError(
            Fault(
                where=where,
                found=f"{event!r} is not one of its categories above the lowest",
                allowed=listed(model.categories[1:]),
                remedy=did_you_mean(str(event), model.categories[1:]),
            )
        )
    return model.categories.index(event)


def _shared(sides: Sequence[_Side], terms: Sequence[str] | None) -> list[str]:
    common = [term for term in sides[0].terms if all(term in side.terms for side in sides[1:])]
    if terms is None:
        chosen = common
    else:
        wanted = names_of(terms, "compare: terms")
        chosen = [c for c in common if any(c == t or c.startswith(f"{t}[") for t in wanted)]
        unknown = [t for t in wanted if not any(c == t or c.startswith(f"{t}[") for c in common)]
        if unknown:
            raise ArgumentError(
                Fault(
                    where="compare: terms",
                    found=f"{listed(unknown)} is not in {'both' if len(sides) == 2 else 'all'} models",
                    allowed=listed(common, most=30),
                    remedy=did_you_mean(str(unknown[0]), common),
                )
            )
    if not chosen:
        raise ComparisonError(
            Fault(where="compare", found="the models share no term", allowed="one at least")
        )
    return chosen


def _refuse_other_contrasts(sides: Sequence[_Side], shared: Sequence[str]) -> None:
    """Refuse terms that are named alike but compare a level with another reference in each model."""
    faults = []
    for term in shared:
        contrasts = dict.fromkeys(side.contrasts[side.terms.index(term)] for side in sides)
        if len(contrasts) > 1:
            found = f"{term!r} has another reference in each model: {listed(list(contrasts))}"
            remedy = "declare the levels (pd.Categorical) before fitting, or name other terms"
            faults.append(Fault(where="compare: terms", found=found, remedy=remedy))
    if faults:
        raise ComparisonError(*faults)


def _refuse_own_columns(fitted: Sequence[FittedModel], shared: Sequence[str]) -> None:
    """Refuse slopes of columns that each model makes from its own sample, if the samples differ."""
    if all(np.array_equal(fitted[0].used, model.used) for model in fitted[1:]):
        return
    own = [p.name for p in fitted[0].parameters if p.name in shared and OF_THE_SAMPLE.search(p.term)]
    if own:
        found = f"{listed(own)} is made from each model's own sample, and the samples differ"
        remedy = "scale='margin', or make the column before fitting"
        raise ComparisonError(Fault(where="compare: terms", found=found, remedy=remedy))


def _alone(sides: Sequence[_Side], shared: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(term for side in sides for term in side.terms if term not in shared))


def _caveats(
    models: Mapping[str, FittedModel], *, alone: Sequence[str], scale: Scale, change: str | None
) -> tuple[str, ...]:
    found = []
    names, fitted = list(models), list(models.values())
    categorical = any(model.categories for model in fitted)
    if scale == "coefficient" and categorical and len({model.outcome for model in fitted}) > 1:
        found.append(SCALE_CAVEAT)
    if change == "sd":
        found.append(SD_CAVEAT)
    if alone:
        where = "In one model only" if len(names) == 2 else "Not in all models"
        found.append(f"{where}, and not compared: {listed(alone)}.")
    if any(not np.array_equal(fitted[0].used, model.used) for model in fitted[1:]):
        sizes = [f"{m.nobs:,} for {n}" for n, m in zip(names, fitted, strict=True)]
        sizes[0] = sizes[0].replace(" for", " respondents for", 1)
        together = int(np.logical_and.reduce([model.used for model in fitted]).sum())
        where = "both" if len(names) == 2 else "all"
        found.append(f"The samples differ: {', '.join(sizes)}, {together:,} in {where}.")
    found += [f"{n} is fitted with a penalty ({m.penalty})." for n, m in models.items() if m.penalty]
    return tuple(found)
