"""The comparison of two outcomes on the same respondents, with the standard error of each difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import ArgumentError, ComparisonError, Fault, did_you_mean, listed
from coprodstats.models.covariance import independent_rows
from coprodstats.models.margins import Vce, event_margins, interval_frame
from coprodstats.models.results import FittedModel, df_words
from coprodstats.models.wald import WaldTest, joint_test
from coprodstats.survey.design import ResolvedDesign, design_df, design_variance

Floats = NDArray[np.float64]
Scale = Literal["margin", "coefficient"]
Adjust = Literal["holm", "bh"]

DIFFERENCE_COLUMNS = (
    "difference", "std_error", "statistic", "df", "p_value", "p_adjusted", "conf_low", "conf_high",
)  # fmt: skip

SCALE_CAVEAT = (
    "Coefficients of different outcomes are on scales fixed by each outcome's unexplained variation, so that "
    "their difference mixes association with scale (Allison 1999; Mood 2010); compare the margins too."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Two models side by side, and their differences.

    Attributes
    ----------
    names
        The models' names, in the order given.
    label
        What the difference is, such as ``"collective − individual"``.
    scale
        ``"margin"`` (probability) or ``"coefficient"`` (link scale).
    terms
        What is compared, one entry per row.
    estimates
        Each model's numbers, shape (terms, 2).
    covariance
        Joint covariance of the first model's numbers, then the second's, shape (2 terms, 2 terms).
    df
        Degrees of freedom of intervals and tests.
    df_statement
        Which they are, in words.
    test
        Joint test that all differences are zero.
    n_union
        Respondents in at least one of the samples.
    caveats
        What a reader of the differences must know.
    adjust
        How p values are adjusted for the number of terms: ``"holm"`` or ``"bh"`` (Benjamini-Hochberg).
    equivalence
        Bound within which a difference counts as none, or None.
    """

    names: tuple[str, str]
    label: str
    scale: Scale
    terms: tuple[str, ...]
    estimates: Floats
    covariance: Floats
    df: float
    df_statement: str
    test: WaldTest
    n_union: int
    caveats: tuple[str, ...]
    adjust: Adjust = "holm"
    equivalence: float | None = None

    def to_frame(self) -> pd.DataFrame:
        """Return one row per term: each model's number, the difference, its standard error and tests.

        Columns ``term, <one per model>, difference, std_error, statistic, df, p_value, p_adjusted, conf_low,
        conf_high``; the difference is the second model minus the first; ``p_adjusted`` is Holm's unless asked
        otherwise. With a bound of equivalence, ``p_equivalence`` is the larger p value of two one-sided
        tests: a small one says that the difference lies within the bound (Schuirmann 1987).
        """
        difference, covariance = self.differences()
        frame = interval_frame(difference, covariance, self.df).rename(columns={"estimate": "difference"})
        columns: dict[str, object] = {"term": list(self.terms)}
        columns |= {name: self.estimates[:, k] for k, name in enumerate(self.names)}
        named = pd.DataFrame(columns).join(
            frame.assign(p_adjusted=_ADJUSTED[self.adjust](frame["p_value"].to_numpy()))
        )
        shown = named[["term", *self.names, *DIFFERENCE_COLUMNS]]
        if self.equivalence is None:
            return shown
        return shown.assign(
            p_equivalence=_equivalence(difference, frame["std_error"], self.df, self.equivalence)
        )

    def intervals(self) -> pd.DataFrame:
        """Return each model's own numbers with intervals: one row per model and term."""
        m = len(self.terms)
        parts = []
        for position, name in enumerate(self.names):
            block = slice(position * m, (position + 1) * m)
            frame = interval_frame(self.estimates[:, position], self.covariance[block, block], self.df)
            frame.insert(0, "term", list(self.terms))
            frame.insert(0, "model", name)
            parts.append(frame)
        return pd.concat(parts, ignore_index=True)

    def differences(self) -> tuple[Floats, Floats]:
        """Return the differences (second minus first), shape (terms,), and their covariance."""
        m = len(self.terms)
        v = self.covariance
        first, second, cross = v[:m, :m], v[m:, m:], v[:m, m:]
        return self.estimates[:, 1] - self.estimates[:, 0], first + second - cross - cross.T

    def __repr__(self) -> str:
        return f"<Comparison {self.label} of {len(self.terms)} terms on the {self.scale} scale; {self.test}>"

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False, float_format=lambda value: f"{value:.4f}"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Side:
    """One model's numbers: their terms, values and influence on every row of the frame."""

    terms: tuple[str, ...]
    estimate: Floats
    influence: Floats


def compare(
    models: Mapping[str, FittedModel],
    *,
    scale: Scale = "margin",
    event: Mapping[str, str] | None = None,
    terms: Sequence[str] | None = None,
    vce: Vce = "delta",
    adjust: Adjust = "holm",
    equivalence: float | None = None,
) -> Comparison:
    """Compare two outcomes on the same respondents, with the standard error of each difference.

    Parameters
    ----------
    models
        Two fitted models by name, fitted to the same frame under the same design. Their samples may differ.
    scale
        ``"margin"``: average margins on the probability of each model's event; ``"coefficient"``: slopes.
    event
        For ordinal models on the margin scale: per model the category k such that the event is "k or more".
    terms
        Predictors to compare; all that both models share by default.
    vce
        As for `coprodstats.margins`.
    adjust
        ``"holm"`` (any false finding among the terms) or ``"bh"`` (share of false findings; Benjamini and
        Hochberg 1995, *JRSS B* 57, 289-300).
    equivalence
        A positive bound, on the scale of the differences, within which they count as none.

    Returns
    -------
    Comparison
        ``to_frame()``, ``intervals()`` and the joint test ``test``.

    Raises
    ------
    ComparisonError
        If there are not two models, they were fitted to other data or under another design, share no term, or
        an ordinal model has no event.
    ArgumentError
        If ``scale``, ``terms`` or ``event`` name something unknown.

    Notes
    -----
    The covariance across models comes from the stacked influences of both, laid out over the union of their
    samples, through the same design variance as each model's own (Weesie 1999, *Stata Technical Bulletin* 52;
    Binder 1983). Degrees of freedom are those of the union's design.

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
    names, fitted = _two(models)
    if scale not in get_args(Scale):
        raise ArgumentError(
            Fault(where="compare: scale", found=f"{scale!r}", allowed=listed(get_args(Scale)))
        )
    _check_tests(adjust, equivalence)
    _refuse_other_data(names, fitted)
    sides = (
        [_slopes(model) for model in fitted]
        if scale == "coefficient"
        else [_event_margins(n, m, (event or {}).get(n), vce) for n, m in zip(names, fitted, strict=True)]
    )
    _check_events(names, event, scale)
    shared = _shared(sides, terms)
    design, used = _union(fitted)
    picked = [[side.terms.index(term) for term in shared] for side in sides]
    stacked = np.hstack([s.influence[:, i] for s, i in zip(sides, picked, strict=True)])
    estimates = np.column_stack([s.estimate[i] for s, i in zip(sides, picked, strict=True)])
    covariance = design_variance(stacked, design)
    rule = fitted[0].df_rule
    d = float(design_df(design, used, rule=rule))
    df = d if rule == "stata" else min(model.df for model in fitted)
    label = f"{names[1]} − {names[0]}"
    draft = Comparison(
        names=names,
        label=label,
        scale=scale,
        terms=tuple(shared),
        estimates=estimates,
        covariance=covariance,
        df=df,
        df_statement=df_words(d, len(np.unique(design.stratum[used])))
        if rule == "stata"
        else min(fitted, key=lambda model: model.df).df_statement(),
        test=WaldTest(statistic=np.nan, df_num=0, df_denom=df, p_value=np.nan, n_restrictions=0, null=""),
        n_union=int(used.sum()),
        caveats=_caveats(names, fitted, sides, shared, scale, terms),
        adjust=adjust,
        equivalence=equivalence,
    )
    difference, between = draft.differences()
    null = f"all differences {label} are zero"
    if len(shared) > df:
        untested = f"No joint test: {len(shared)} differences, {df:.0f} degrees of freedom."
        return replace(draft, test=replace(draft.test, null=null), caveats=(*draft.caveats, untested))
    return replace(draft, test=joint_test(difference, between, df=df, rule=rule, null=null))


def _check_tests(adjust: Adjust, equivalence: float | None) -> None:
    faults = []
    if adjust not in get_args(Adjust):
        faults.append(Fault(where="compare: adjust", found=f"{adjust!r}", allowed=listed(get_args(Adjust))))
    if equivalence is not None and not (np.isfinite(equivalence) and equivalence > 0):
        found = f"{equivalence!r}"
        faults.append(Fault(where="compare: equivalence", found=found, allowed="a positive number"))
    if faults:
        raise ArgumentError(*faults)


def _equivalence(difference: Floats, std_error: pd.Series, df: float, bound: float) -> Floats:
    """Return the larger p value of the tests that a difference is below the bound and above minus it."""
    se = std_error.to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = (bound - np.abs(difference)) / se
    return np.asarray(
        np.where(se > 0, stats.t.sf(inside, df), np.where(np.abs(difference) < bound, 0.0, 1.0))
    )


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Return Benjamini and Hochberg's adjusted p values (1995, *JRSS B* 57, 289-300); NaN stays NaN.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.04, 0.04]
    """
    adjusted = np.full(len(p_values), np.nan)
    known = ~np.isnan(p_values)
    if known.any():
        adjusted[known] = stats.false_discovery_control(p_values[known], method="bh")
    return adjusted


def holm(p_values: Floats) -> Floats:
    """Return Holm's step-down adjusted p values (Holm 1979, *Scandinavian Journal of Statistics* 6, 65-70).

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    adjusted = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    stepped = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0) if len(order) else stepped
    return adjusted


_ADJUSTED = {"holm": holm, "bh": benjamini_hochberg}


def _two(models: Mapping[str, FittedModel]) -> tuple[tuple[str, str], list[FittedModel]]:
    if not isinstance(models, Mapping):
        raise ComparisonError(
            Fault(
                where="compare: models",
                found=f"it is a {type(models).__name__}",
                allowed="two fitted models by name",
                remedy="compare({'individual': individual, 'collective': collective})",
            )
        )
    wrong = [str(n) for n, m in models.items() if not isinstance(m, FittedModel)]
    if len(models) != 2 or wrong:
        raise ComparisonError(
            Fault(
                where="compare: models",
                found=f"{len(models)} entries"
                + (f", of which {listed(wrong)} are no fitted models" if wrong else ""),
                allowed="two fitted models by name",
                remedy="compare({'individual': individual, 'collective': collective})",
            )
        )
    first, second = models
    taken = [n for n in (first, second) if n in ("term", *DIFFERENCE_COLUMNS)]
    if taken:
        raise ComparisonError(
            Fault(
                where="compare: models",
                found=f"{listed(taken)} is a column of the result",
                remedy="rename it",
            )
        )
    return (str(first), str(second)), [models[first], models[second]]


def _refuse_other_data(names: tuple[str, str], fitted: Sequence[FittedModel]) -> None:
    one, two = fitted
    where = f"compare: {names[0]!r} and {names[1]!r}"
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
    if faults:
        raise ComparisonError(*faults)


def _other_rows(one: FittedModel, two: FittedModel) -> bool:
    """Return whether the rows that both samples hold are visibly not the same respondents."""
    both = one.used & two.used
    first, second = one.sample.loc[both[one.used]], two.sample.loc[both[two.used]]
    shared = [column for column in first.columns if column in second.columns]
    return not (first.index.equals(second.index) and first[shared].equals(second[shared]))


def _slopes(model: FittedModel) -> _Side:
    index = [j for j, p in enumerate(model.parameters) if p.kind == "slope"]
    return _Side(
        terms=tuple(model.parameters[j].name for j in index),
        estimate=model.estimates[index],
        influence=model.influence[:, index],
    )


def _event_margins(name: str, model: FittedModel, event: str | None, vce: Vce) -> _Side:
    start = 1 if model.family == "logit" else _event_start(name, model, event)
    if model.family == "logit" and event not in (None, model.categories[1]):
        raise ArgumentError(
            Fault(
                where=f"compare: event of {name!r}",
                found=f"{event!r}, but a logistic model has one event",
                allowed=repr(model.categories[1]),
            )
        )
    found = event_margins(model, start, vce=vce)
    return _Side(terms=tuple(found.labels["term"]), estimate=found.estimate, influence=found.influence)


def _event_start(name: str, model: FittedModel, event: str | None) -> int:
    if event is None:
        raise ComparisonError(
            Fault(
                where=f"compare: {name!r}",
                found="it is ordinal, so that its margins need an event",
                allowed=listed([f"{c!r} or more" for c in model.categories[1:]]),
                remedy=f"event={{{name!r}: {model.categories[1]!r}, …}}, or scale='coefficient'",
            )
        )
    if event not in model.categories[1:]:
        raise ArgumentError(
            Fault(
                where=f"compare: event of {name!r}",
                found=f"{event!r} is not one of its categories above the lowest",
                allowed=listed(model.categories[1:]),
                remedy=did_you_mean(str(event), model.categories[1:]),
            )
        )
    return model.categories.index(event)


def _check_events(names: tuple[str, str], event: Mapping[str, str] | None, scale: Scale) -> None:
    unknown = [str(name) for name in (event or {}) if name not in names]
    if unknown:
        raise ArgumentError(
            Fault(
                where="compare: event", found=f"no model is called {listed(unknown)}", allowed=listed(names)
            )
        )
    if event and scale == "coefficient":
        raise ArgumentError(
            Fault(where="compare: event", found="coefficients have no event", remedy="leave event out")
        )


def _shared(sides: Sequence[_Side], terms: Sequence[str] | None) -> list[str]:
    common = [term for term in sides[0].terms if term in sides[1].terms]
    if terms is None:
        chosen = common
    else:
        wanted = [terms] if isinstance(terms, str) else list(terms)
        chosen = [c for c in common if any(c == t or c.startswith(f"{t}[") for t in wanted)]
        unknown = [t for t in wanted if not any(c == t or c.startswith(f"{t}[") for c in common)]
        if unknown:
            raise ArgumentError(
                Fault(
                    where="compare: terms",
                    found=f"{listed(unknown)} is not in both models",
                    allowed=listed(common, most=30),
                    remedy=did_you_mean(str(unknown[0]), common),
                )
            )
    if not chosen:
        raise ComparisonError(
            Fault(where="compare", found="the models share no term", allowed="one at least")
        )
    return chosen


def _union(fitted: Sequence[FittedModel]) -> tuple[ResolvedDesign, NDArray[np.bool_]]:
    used = fitted[0].used | fitted[1].used
    design = fitted[0].design
    return (independent_rows(design, used) if fitted[0].covariance == "robust" else design), used


def _caveats(
    names: tuple[str, str],
    fitted: Sequence[FittedModel],
    sides: Sequence[_Side],
    shared: Sequence[str],
    scale: Scale,
    terms: Sequence[str] | None,
) -> tuple[str, ...]:
    found = []
    if scale == "coefficient" and fitted[0].outcome != fitted[1].outcome:
        found.append(SCALE_CAVEAT)
    alone = [t for side in sides for t in side.terms if t not in shared]
    if alone and terms is None:
        found.append(f"In one model only, and not compared: {listed(alone)}.")
    one, two = fitted
    if not np.array_equal(one.used, two.used):
        found.append(
            f"The samples differ: {one.nobs:,} respondents for {names[0]}, {two.nobs:,} for {names[1]}, "
            f"{int((one.used & two.used).sum()):,} in both."
        )
    return tuple(found)
