"""Adjacent-category and continuation-ratio models under a survey design."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.models.category_models import adjacent_model, continuation_model
from coprodstats.models.covariance import CovarianceKind
from coprodstats.models.links import LINKS, LinkName
from coprodstats.models.prepare import Request, prepare, unknown_options
from coprodstats.models.results import FittedModel
from coprodstats.models.vector_fits import layout_of, nonparallel_faults, vector_fit
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import DfRule, SurveyDesign
from coprodstats.survey.weighting import Weighting


def adjacent_categories(
    formula: str,
    data: CleanedSurvey | pd.DataFrame,
    *,
    nonparallel: Sequence[str] | str = (),
    design: SurveyDesign | None = None,
    covariance: CovarianceKind | None = None,
    domain: pd.Series | NDArray[np.bool_] | None = None,
    df_rule: DfRule = "stata",
    weighting: Weighting | None = None,
    offset: str | None = None,
    name: str | None = None,
) -> FittedModel:
    """Fit an adjacent-category logit: the odds of a category against the one below it.

    Parameters
    ----------
    formula, data, nonparallel, design, covariance, domain, df_rule, weighting, offset, name
        As for `ologit`.

    Returns
    -------
    FittedModel
        log(P(Y = k) / P(Y = k+1)) = threshold_k - x'b - offset: one unit more of x multiplies the odds of the
        higher of two neighbouring categories by exp(b), so that a positive coefficient means *more*. Its
        family is ``"acat"``; thresholds and slopes by split are named as for `ologit`.

    Raises
    ------
    FormulaError, DesignError, SeparationError, RankDeficiencyError, EmptyCategoryError,
    InsufficientDataError, ConvergenceError, ArgumentError
        Each for what its name says; nothing is fitted then.

    Notes
    -----
    Goodman (1983), *Biometrics* 39, 149-160; Agresti (2010), *Analysis of Ordinal Categorical Data*, ch. 4.
    VGAM's ``acat(reverse = FALSE)``, log(P(Y = k+1) / P(Y = k)), has the same slopes, and minus these
    thresholds as intercepts; ``reverse = TRUE`` has the slopes with the opposite sign. With every term
    nonparallel it is the multinomial logit, whose slopes against the lowest category are the sums of these.

    Examples
    --------
    >>> answers = pd.Categorical(["low", "mid", "high", "mid", "low", "high", "mid", "low"],
    ...                          categories=["low", "mid", "high"], ordered=True)
    >>> frame = pd.DataFrame({"trust": answers, "age": [20, 35, 60, 41, 52, 33, 28, 47]})
    >>> adjacent_categories("trust ~ age", frame).params.index.tolist()
    ['age', 'low|mid', 'mid|high']
    """
    request = Request(
        data=data,
        family="acat",
        design=design,
        covariance=covariance,
        domain=domain,
        df_rule=df_rule,
        weighting=weighting,
        name=name,
        offset=offset,
    )
    ready = prepare(formula, request, *nonparallel_faults("acat", nonparallel))
    return vector_fit(ready, layout_of(ready, adjacent_model(), nonparallel))


def continuation_ratio(
    formula: str,
    data: CleanedSurvey | pd.DataFrame,
    *,
    link: LinkName = "logit",
    nonparallel: Sequence[str] | str = (),
    design: SurveyDesign | None = None,
    covariance: CovarianceKind | None = None,
    domain: pd.Series | NDArray[np.bool_] | None = None,
    df_rule: DfRule = "stata",
    weighting: Weighting | None = None,
    offset: str | None = None,
    name: str | None = None,
) -> FittedModel:
    """Fit a continuation-ratio model: whether one who has reached a category stops there or goes on.

    Parameters
    ----------
    formula, data, nonparallel, design, covariance, domain, df_rule, weighting, offset, name
        As for `ologit`.
    link
        ``"logit"``, ``"probit"``, ``"cloglog"``, ``"loglog"`` or ``"cauchit"``.

    Returns
    -------
    FittedModel
        F^-1(P(Y = k | Y >= k)) = threshold_k - x'b - offset, so that a positive coefficient means going on,
        and *more*. Its family is ``"cratio"``; thresholds and slopes by split are named as for `ologit`.

    Raises
    ------
    FormulaError, DesignError, SeparationError, RankDeficiencyError, EmptyCategoryError,
    InsufficientDataError, ConvergenceError, ArgumentError
        Each for what its name says; nothing is fitted then.

    Notes
    -----
    Agresti (2010), *Analysis of Ordinal Categorical Data*, ch. 4; the lowest category is the first that one
    may stop at, as in Stata's ocratio. VGAM's ``sratio(reverse = FALSE)`` is P(Y = k | Y >= k) and has these
    thresholds, and the slopes with the opposite sign, for all links; its ``cratio(reverse = FALSE)`` is
    P(Y > k | Y >= k) and has, for the symmetric links, the same slopes and minus these thresholds. With every
    term nonparallel it is a binary model of each split among those who reached it. With the cloglog link it
    is the proportional hazards model of discrete time, and the cumulative model with that link (Läärä and
    Matthews 1985, *Biometrika* 72, 206-207).

    Examples
    --------
    >>> answers = pd.Categorical(["low", "mid", "high", "mid", "low", "high", "mid", "low"],
    ...                          categories=["low", "mid", "high"], ordered=True)
    >>> frame = pd.DataFrame({"trust": answers, "age": [20, 35, 60, 41, 52, 33, 28, 47]})
    >>> continuation_ratio("trust ~ age", frame).params.index.tolist()
    ['age', 'low|mid', 'mid|high']
    """
    faults = unknown_options("cratio", ("link", link, tuple(LINKS)))
    faults += nonparallel_faults("cratio", nonparallel)
    request = Request(
        data=data,
        family="cratio",
        design=design,
        covariance=covariance,
        domain=domain,
        df_rule=df_rule,
        weighting=weighting,
        name=name,
        offset=offset,
    )
    ready = prepare(formula, request, *faults)
    return vector_fit(ready, layout_of(ready, continuation_model(LINKS[link]), nonparallel))
