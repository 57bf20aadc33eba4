"""Whether an association is the same in all groups: countries, sectors, or along a predictor itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, Fault, listed
from coprodstats.models.compare import Event, compare, event_start
from coprodstats.models.comparison import Comparison
from coprodstats.models.heterogeneity import Heterogeneity, heterogeneity
from coprodstats.models.margins import MarginEstimates, Vce, event_margins, interval_frame, margin_estimates
from coprodstats.models.multiplicity import ADJUSTMENTS, Adjust
from coprodstats.models.results import FittedModel
from coprodstats.models.wald import WaldTest, contrast_covariance, joint_test
from coprodstats.survey.design import DfRule
from coprodstats.survey.display import record_html

Floats = NDArray[np.float64]

TESTS = (
    "term", "statistic", "df_num", "df_denom", "p_value", "p_adjusted", "q", "q_df", "q_p_value", "i_squared",
    "tau", "mean", "std_error", "conf_low", "conf_high", "predict_low", "predict_high",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moderation:
    """One predictor's margin in each group, and how much the groups differ.

    Attributes
    ----------
    variable
        The predictor.
    grouping
        What the groups are: a column, a predictor's values, or ``"outcome"``.
    groups
        The groups, in order.
    terms
        The predictor's contrasts: itself if numeric, one per level compared with the reference otherwise.
    estimates
        Margins, shape (terms, groups).
    covariance
        Their covariance, the terms of the first group, then of the second, …, shape (groups x terms, same).
    df
        Degrees of freedom of intervals and tests.
    df_rule
        The rule that gave them.
    df_statement
        Which they are, in words.
    adjust
        How p values are adjusted for the number of terms.
    caveats
        What a reader must know.
    """

    variable: str
    grouping: str
    groups: tuple[str, ...]
    terms: tuple[str, ...]
    estimates: Floats
    covariance: Floats
    df: float
    df_rule: DfRule
    df_statement: str
    adjust: Adjust
    caveats: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per term and group: ``term, <grouping>, estimate, std_error, …, conf_high``."""
        order = self._by_term()
        found = interval_frame(
            self.estimates.T.ravel()[order], self.covariance[np.ix_(order, order)], self.df
        )
        found.insert(0, self.grouping, list(self.groups) * len(self.terms))
        found.insert(0, "term", [term for term in self.terms for _ in self.groups])
        return found

    def tests(self) -> pd.DataFrame:
        """Return one row per term: the test that all groups are equal, heterogeneity, and a summary.

        Columns ``term, statistic, df_num, df_denom, p_value, p_adjusted`` (adjusted Wald F), ``q, q_df,
        q_p_value, i_squared, tau`` and ``mean, std_error, conf_low, conf_high, predict_low, predict_high`` of
        the random-effects summary (see `coprodstats.models.heterogeneity`), missing where the groups' errors
        are not free of each other.
        """
        rows = []
        for k, term in enumerate(self.terms):
            test, spread = self._equality(k), self._heterogeneity(k)
            row = {"term": term, "statistic": test.statistic, "df_num": test.df_num}
            row |= {"df_denom": test.df_denom, "p_value": test.p_value}
            row |= {name: getattr(spread, name, np.nan) for name in TESTS[6:]}
            rows.append(row)
        frame = pd.DataFrame(rows)
        return frame.assign(p_adjusted=ADJUSTMENTS[self.adjust](frame["p_value"].to_numpy()))[list(TESTS)]

    def _by_term(self) -> NDArray[np.intp]:
        return np.arange(self.estimates.size).reshape(len(self.groups), len(self.terms)).T.ravel()

    def _of_term(self, k: int) -> tuple[Floats, Floats]:
        at = np.arange(len(self.groups)) * len(self.terms) + k
        return self.estimates[k], self.covariance[np.ix_(at, at)]

    def _equality(self, k: int) -> WaldTest:
        estimate, covariance = self._of_term(k)
        against_first = np.hstack([-np.ones((len(self.groups) - 1, 1)), np.eye(len(self.groups) - 1)])
        return joint_test(
            against_first @ estimate,
            contrast_covariance(against_first, covariance),
            df=self.df,
            rule=self.df_rule,
            null=f"{self.terms[k]} has the same margin in all groups",
        )

    def _heterogeneity(self, k: int) -> Heterogeneity | None:
        return heterogeneity(*self._of_term(k))

    def __repr__(self) -> str:
        return f"<Moderation of {self.variable} by {self.grouping}, {len(self.groups)} groups>"

    def _repr_html_(self) -> str:
        return record_html(self, tables={"margins by group": self.to_frame(), "tests": self.tests()})


def moderation(
    model: FittedModel | Mapping[str, FittedModel],
    variable: str,
    *,
    by: str | None = None,
    at: Mapping[str, Iterable[Any]] | None = None,
    event: Event | None = None,
    change: Literal["sd"] | None = None,
    vce: Vce = "delta",
    adjust: Adjust = "holm",
) -> Moderation:
    """Return a predictor's average margin in each group, the test that they are equal, and heterogeneity.

    Parameters
    ----------
    model
        A fitted model, with ``by`` or ``at``; or models of several outcomes by name (sectors, say) fitted to
        the same respondents, whose outcomes are the groups.
    variable
        The predictor.
    by
        A categorical predictor: the margin is averaged over each of its groups (countries, say).
    at
        One predictor and the values at which everyone is put in turn: ``{"age": [25, 45, 65]}`` with
        ``variable="age"`` shows whether the association with age bends.
    event
        For ordinal models the category k such that the event is "k or more".
    change, vce, adjust
        As for `coprodstats.compare`.

    Returns
    -------
    Moderation
        ``to_frame()``: the margin in each group; ``tests()``: whether they are equal, Q, I², and the
        random-effects summary.

    Raises
    ------
    ArgumentError
        If not exactly one of ``by``, ``at`` and several models is given, or one names something unknown.
    ComparisonError
        If several models can't be compared; see `coprodstats.compare`.

    Notes
    -----
    Groups of one sample share coefficients and PSUs, so that the margins' full covariance enters everywhere.
    Associations that differ between groups are differences between groups, not of what would change if
    someone moved from one to another.

    Examples
    --------
    >>> import numpy as np
    >>> from coprodstats import logit
    >>> rng = np.random.default_rng(3)
    >>> frame = pd.DataFrame({"age": rng.normal(50, 15, 600), "country": rng.choice(["DK", "FR"], 600)})
    >>> slope = np.where(frame["country"] == "DK", 0.06, 0.01)
    >>> frame["helps"] = rng.random(600) < 1 / (1 + np.exp(-slope * (frame["age"] - 50)))
    >>> found = moderation(logit("helps ~ age * country", frame), "age", by="country")
    >>> found.to_frame()["country"].tolist(), bool(found.tests()["p_value"][0] < 0.01)
    (['DK', 'FR'], True)
    """
    several = isinstance(model, Mapping)
    given = [name for name, there in (("models", several), ("by", by), ("at", at)) if there]
    if len(given) != 1:
        raise ArgumentError(
            Fault(
                where="moderation",
                found=f"groups are given by {listed(given)}" if given else "no groups are given",
                allowed="one of by=, at=, or several models by name",
            )
        )
    if adjust not in (*ADJUSTMENTS,):
        raise ArgumentError(
            Fault(where="moderation: adjust", found=f"{adjust!r}", allowed=listed(list(ADJUSTMENTS)))
        )
    if isinstance(model, Mapping):
        both = compare(model, terms=[variable], event=event, change=change, vce=vce, adjust=adjust)
        return _of_outcomes(both, variable)
    return _of_groups(model, variable, by=by, at=at, event=event, change=change, vce=vce, adjust=adjust)


def _of_outcomes(found: Comparison, variable: str) -> Moderation:
    return Moderation(
        variable=variable,
        grouping="outcome",
        groups=found.names,
        terms=found.terms,
        estimates=found.estimates,
        covariance=found.covariance,
        df=found.df,
        df_rule=found.df_rule,
        df_statement=found.df_statement,
        adjust=found.adjust,
        caveats=found.caveats,
    )


def _of_groups(
    model: FittedModel,
    variable: str,
    *,
    by: str | None,
    at: Mapping[str, Iterable[Any]] | None,
    event: Event | None,
    change: Literal["sd"] | None,
    vce: Vce,
    adjust: Adjust,
) -> Moderation:
    grouping = _grouping(model, variable, by, at)
    if isinstance(event, Mapping):
        found_event = "there is one model, and an event for each of several"
        raise ArgumentError(Fault(where="moderation: event", found=found_event, remedy="event='often'"))
    options: dict[str, Any] = {"vce": vce, "by": by} if by is not None else {"vce": vce, "at": at}
    if change is not None:
        options["change"] = change
    start = event_start(model.name, model, event)
    found = (
        margin_estimates(model, variable, **options)
        if start is None
        else event_margins(model, start, variable, **options)
    )
    labels = found.labels
    groups, terms = list(dict.fromkeys(labels[grouping])), list(dict.fromkeys(labels["term"]))
    if len(groups) < 2:
        one = Fault(where=f"moderation: {grouping!r}", found="it makes one group", allowed="two at least")
        raise ArgumentError(one)
    order = _group_major(found, grouping, groups, terms)
    return Moderation(
        variable=variable,
        grouping=grouping,
        groups=tuple(map(str, groups)),
        terms=tuple(terms),
        estimates=found.estimate[order].reshape(len(groups), len(terms)).T,
        covariance=found.covariance[np.ix_(order, order)],
        df=model.df,
        df_rule=model.df_rule,
        df_statement=model.df_statement(),
        adjust=adjust,
        caveats=_caveats(model, variable, grouping),
    )


def _grouping(model: Any, variable: str, by: str | None, at: Mapping[str, Iterable[Any]] | None) -> str:
    faults = []
    if by is not None and by == variable:
        found = f"{by!r} is the predictor itself"
        remedy = "at={'age': [25, 45, 65]} for a numeric predictor"
        faults.append(Fault(where="moderation: by", found=found, allowed="another predictor", remedy=remedy))
    if not isinstance(model, FittedModel):
        found = f"it is a {type(model).__name__}"
        faults.append(Fault(where="moderation: model", found=found, allowed="a fitted model, or several"))
    elif by is not None and not (isinstance(by, str) and model.spec.is_factor(by)):
        factors = [name for name in model.spec.formula.predictors if model.spec.is_factor(name)]
        found = f"{by!r} is not a categorical predictor of model {model.name!r}"
        faults.append(Fault(where="moderation: by", found=found, allowed=listed(factors) or "one"))
    elif at is not None and (not isinstance(at, Mapping) or len(at) != 1):
        found = f"{len(at)} predictors" if isinstance(at, Mapping) else f"it is a {type(at).__name__}"
        remedy = "at={'age': [25, 45, 65]}"
        faults.append(Fault(where="moderation: at", found=found, allowed="one predictor", remedy=remedy))
    if faults:
        raise ArgumentError(*faults)
    return by if by is not None else next(iter(at or {}))


def _group_major(
    found: MarginEstimates, grouping: str, groups: list[Any], terms: list[str]
) -> NDArray[np.intp]:
    """Return the positions of the estimates, the terms of the first group first."""
    labels = found.labels.reset_index(drop=True)
    position = {(g, t): k for k, (g, t) in enumerate(zip(labels[grouping], labels["term"], strict=True))}
    return np.array([position[g, t] for g in groups for t in terms], dtype=np.intp)


def _caveats(model: FittedModel, variable: str, grouping: str) -> tuple[str, ...]:
    if variable == grouping:
        bends = any(variable in c.variables and c.term != variable for c in model.spec.columns)
        if bends or model.spec.is_factor(variable):
            return ()
        return (f"The model has {variable} as a straight line on its link scale: margins bend only with it.",)
    if any(variable in c.variables and grouping in c.variables for c in model.spec.columns):
        return ()
    return (
        f"The model has no term of {variable} with {grouping}: on its link scale the association is the same "
        "in all groups by assumption, and margins differ only because the groups do otherwise.",
    )
