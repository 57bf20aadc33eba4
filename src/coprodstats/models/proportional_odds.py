"""The search for which slopes of an ordinal model may be equal at all splits of its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, Fault, InsufficientDataError, did_you_mean, listed
from coprodstats.models.covariance import CovarianceKind
from coprodstats.models.fit import ologit
from coprodstats.models.links import LinkName
from coprodstats.models.results import FittedModel
from coprodstats.models.vector_fits import EVERY_TERM, nonparallel_faults
from coprodstats.models.wald import WaldTest, joint_test
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import DfRule, SurveyDesign
from coprodstats.survey.display import record_html
from coprodstats.survey.weighting import Weighting

STEP_COLUMNS = ("step", "term", "statistic", "df_num", "df_denom", "p_value", "made_parallel")
CAVEAT = (
    "Which slopes are equal was chosen by looking at these data: the p values of the steps and of the joint "
    "test, and the intervals of the final model, hold for models stated beforehand and are too favourable."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParallelSearch:
    """Which terms a search made parallel, step by step, and the model that it ended with.

    Attributes
    ----------
    model
        The final model.
    steps
        Columns ``step, term, statistic, df_num, df_denom, p_value, made_parallel``: the term made parallel at
        each step with the Wald F that its slopes are equal, then the tests of the terms that stayed.
    parallel
        Terms whose slopes are equal at all splits, in the order in which they were made so.
    nonparallel
        Terms whose slopes differ between splits.
    test
        Joint test, in the first model, of all that was made equal; undefined without a step, or with more
        restrictions than degrees of freedom.
    alpha
        Terms with a p value of at least this were made parallel.
    caveats
        What a reader of the p values must know.
    """

    model: FittedModel
    steps: pd.DataFrame
    parallel: tuple[str, ...]
    nonparallel: tuple[str, ...]
    test: WaldTest
    alpha: float
    caveats: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the steps with the model's name in front."""
        frame = self.steps.copy()
        frame.insert(0, "model", self.model.name)
        return frame

    def __repr__(self) -> str:
        return (
            f"<ParallelSearch {self.model.name}: parallel {listed(self.parallel) or 'none'}; by split "
            f"{listed(self.nonparallel) or 'none'}>"
        )

    def _repr_html_(self) -> str:
        return record_html(self, tables={"steps": self.steps})


def proportional_odds_search(
    formula: str,
    data: CleanedSurvey | pd.DataFrame,
    *,
    terms: Sequence[str] | str = EVERY_TERM,
    alpha: float = 0.05,
    link: LinkName = "logit",
    design: SurveyDesign | None = None,
    covariance: CovarianceKind | None = None,
    domain: pd.Series | NDArray[np.bool_] | None = None,
    df_rule: DfRule = "stata",
    weighting: Weighting | None = None,
    offset: str | None = None,
    name: str | None = None,
) -> ParallelSearch:
    """Search for a partial proportional odds model: make slopes equal until those that are left differ.

    Parameters
    ----------
    formula, data, link, design, covariance, domain, df_rule, weighting, offset, name
        As for `ologit`.
    terms
        Terms whose slopes may differ between splits; every term by default.
    alpha
        A term's slopes are made equal while the p value of their equality is at least this.

    Returns
    -------
    ParallelSearch
        Steps, final model, and a caveat on what a search does to p values.

    Raises
    ------
    FormulaError, DesignError, SeparationError, RankDeficiencyError, EmptyCategoryError,
    InsufficientDataError, ConvergenceError, ArgumentError
        As `ologit` does for the model that it starts from, with slopes by split for all ``terms``; also if a
        term has more slopes to compare than there are degrees of freedom.

    Notes
    -----
    The search of Stata's ``gologit2, autofit`` (Williams 2006, *Stata Journal* 6, 58-82), by whole terms: it
    starts with slopes by split for all terms, tests for each that they are equal (`wald_test`'s adjusted F),
    makes those of the largest p value equal, fits again, and stops when no p value reaches ``alpha``. At the
    end all that was made equal is tested at once in the first model.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> age, city = rng.normal(size=400), rng.integers(0, 2, 400)
    >>> answer = pd.cut(age + rng.logistic(size=400), [-9, -0.5, 0.8, 12], labels=["low", "mid", "high"])
    >>> found = proportional_odds_search("trust ~ age + city", pd.DataFrame(
    ...     {"trust": answer, "age": age, "city": city}))
    >>> sorted(found.parallel), found.nonparallel
    (['age', 'city'], ())
    """
    _check(terms, alpha)
    options: dict[str, Any] = {
        "link": link,
        "design": design,
        "covariance": covariance,
        "domain": domain,
        "df_rule": df_rule,
        "weighting": weighting,
        "offset": offset,
        "name": name,
    }
    first = model = ologit(formula, data, nonparallel=terms, **options)
    left = _own_terms(model, terms)
    made: list[str] = []
    rows: list[dict[str, Any]] = []
    while left:
        tests = {term: equal_slopes_test(model, [term]) for term in left}
        weakest = max(left, key=lambda term: tests[term].p_value)
        if tests[weakest].p_value < alpha:
            rows += [_row(len(made) + 1, term, test, made_parallel=False) for term, test in tests.items()]
            break
        made.append(weakest)
        rows.append(_row(len(made), weakest, tests[weakest], made_parallel=True))
        left.remove(weakest)
        model = ologit(formula, data, nonparallel=left, **options)
    test, untested = _joint(first, made)
    return ParallelSearch(
        model=model,
        steps=pd.DataFrame(rows, columns=list(STEP_COLUMNS)),
        parallel=tuple(made),
        nonparallel=tuple(left),
        test=test,
        alpha=alpha,
        caveats=(CAVEAT, *untested),
    )


def _check(terms: Sequence[str] | str, alpha: float) -> None:
    where = "proportional_odds_search"
    faults = nonparallel_faults(where, terms)
    if not faults and not len(terms):
        faults.append(Fault(where=f"{where}: terms", found="no term is named", allowed="one at least"))
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha < 1:
        faults.append(Fault(where=f"{where}: alpha", found=f"{alpha!r}", allowed="between 0 and 1"))
    if faults:
        raise ArgumentError(*faults)


def _own_terms(model: FittedModel, terms: Sequence[str] | str) -> list[str]:
    """Return the terms that were asked for; the search goes by whole terms, not by their columns."""
    known = list(dict.fromkeys(column.term for column in model.spec.columns))
    if terms == EVERY_TERM:
        return known
    wanted = list(dict.fromkeys([terms] if isinstance(terms, str) else terms))
    faults = [
        Fault(
            where="proportional_odds_search: terms",
            found=f"{term!r} is one column of a term",
            allowed=listed(known),
            remedy=did_you_mean(term, known),
        )
        for term in wanted
        if term not in known
    ]
    if faults:
        raise ArgumentError(*faults)
    return wanted


def equal_slopes_test(model: FittedModel, terms: Sequence[str]) -> WaldTest:
    """Return the test that some terms' slopes are equal at all splits."""
    columns: dict[str, list[int]] = {}
    for j, p in enumerate(model.parameters):
        if p.split and p.term in terms:
            columns.setdefault(p.name.removesuffix(f"[{p.split}]"), []).append(j)
    contrasts = []
    for first, *others in columns.values():
        for j in others:
            row = np.zeros(len(model.estimates))
            row[first], row[j] = -1.0, 1.0
            contrasts.append(row)
    contrast = np.array(contrasts)
    if len(contrast) > model.df:
        raise InsufficientDataError(
            Fault(
                where=f"proportional_odds_search: {listed(terms)}",
                found=f"{len(contrast)} differences between slopes and {model.df:.0f} degrees of freedom",
                remedy="leave it out of terms=, or merge categories",
            )
        )
    return joint_test(
        contrast @ model.estimates,
        contrast @ model.covariance_matrix @ contrast.T,
        df=model.df,
        rule=model.df_rule,
        null=f"the slopes of {listed(terms)} are equal at all splits",
    )


def _joint(first: FittedModel, made: list[str]) -> tuple[WaldTest, tuple[str, ...]]:
    """Return the joint test of all that was made equal, or none and why."""
    null = "nothing was made equal"
    untested: tuple[str, ...] = ()
    if made:
        try:
            return equal_slopes_test(first, made), ()
        except InsufficientDataError as error:
            null = f"the slopes of {listed(made)} are equal at all splits"
            untested = (f"No joint test: {error.faults[0].found}.",)
    nothing = WaldTest(
        statistic=np.nan, df_num=0, df_denom=first.df, p_value=np.nan, n_restrictions=0, null=null
    )
    return nothing, untested


def _row(step: int, term: str, test: WaldTest, *, made_parallel: bool) -> dict[str, Any]:
    numbers = {k: v for k, v in asdict(test).items() if k in STEP_COLUMNS}
    return {"step": step, "term": term, **numbers, "made_parallel": made_parallel}
