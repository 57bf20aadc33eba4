"""Goodness of fit: tests, calibration, discrimination and pseudo R², each with what it is valid for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, Fault
from coprodstats.models.covariance import spread
from coprodstats.models.discrimination import somers_d_influence
from coprodstats.models.goodness_tests import TEST_COLUMNS, goodness_tests
from coprodstats.models.grouped_fit import GroupedFit, group_means, weighted_groups
from coprodstats.models.intervals import bounded_interval, logit_interval
from coprodstats.models.predictions import category_probabilities
from coprodstats.models.refit import own_fit, unweighted, working_weights
from coprodstats.models.results import FittedModel
from coprodstats.survey.design import design_variance
from coprodstats.survey.display import record_html

Floats = NDArray[np.float64]

MOST_GROUPS = 100
# Variance of the standard logistic, normal and Gumbel distributions, on whose scale the linear predictor is.
LATENT_VARIANCE = {"logit": np.pi**2 / 3, "probit": 1.0, "cloglog": np.pi**2 / 6, "loglog": np.pi**2 / 6}

MEASURE_COLUMNS = ("measure", "estimate", "std_error", "conf_low", "conf_high", "valid_for", "reason")
CALIBRATION_COLUMNS = (
    "group", "category", "n", "n_weighted", "predicted", "observed", "std_error", "conf_low", "conf_high",
    "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GoodnessOfFit:
    """How well a model fits.

    Attributes
    ----------
    model
        The model's name.
    grouping
        How respondents were grouped, in words.
    n_groups
        Groups made; fewer than asked for where many share a fitted value.
    tests
        Columns ``test, statistic, distribution, df_num, df_denom, p_value, valid_for, reason``: where a test
        is not defined for the model, ``reason`` says why and the numbers are missing. A reason beside a
        number is a doubt about it.
    measures
        Columns ``measure, estimate, std_error, conf_low, conf_high, valid_for, reason``: standard errors and
        intervals of the AUC (the concordance index) and of Somers' D alone.
    calibration
        Columns ``group, category, n, n_weighted, predicted, observed, std_error, conf_low, conf_high, note``:
        weighted mean probability and weighted share of each category in each group, lowest fitted first; the
        share's interval is that of the design, made on the logit scale.
    """

    model: str
    grouping: str
    n_groups: int
    tests: pd.DataFrame
    measures: pd.DataFrame
    calibration: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return tests and measures as one table: ``model, kind, name, estimate, …, valid_for, reason``."""
        tests = self.tests.rename(columns={"test": "name", "statistic": "estimate"}).assign(
            kind="test", std_error=np.nan, conf_low=np.nan, conf_high=np.nan
        )
        measures = self.measures.rename(columns={"measure": "name"}).assign(
            kind="measure", distribution="", df_num=0, df_denom=np.nan, p_value=np.nan
        )
        order = ["kind", "name", *MEASURE_COLUMNS[1:5], *TEST_COLUMNS[2:]]
        frame = pd.concat([tests[order], measures[order]], ignore_index=True)
        frame.insert(0, "model", self.model)
        return frame

    def _repr_html_(self) -> str:
        return record_html(
            self, tables={"tests": self.tests, "measures": self.measures, "calibration": self.calibration}
        )


def goodness_of_fit(model: FittedModel, *, groups: int = 10) -> GoodnessOfFit:
    """Say how well a model fits, by tests, calibration, discrimination and pseudo R².

    Parameters
    ----------
    model
        A logistic or ordinal model.
    groups
        Number of groups of about equal weight for the tests and the calibration table, 3 to 100.

    Returns
    -------
    GoodnessOfFit
        ``tests``: Archer–Lemeshow for binary models under a design; Hosmer–Lemeshow for binary, and
        Fagerland–Hosmer and Lipsitz for ordinal models of independent, equally weighted respondents; under a
        design Fagerland–Hosmer's sum is a description without a p value. ``measures``: AUC and Somers' D with
        intervals, and the pseudo R² of McFadden, Cox–Snell, Nagelkerke, Tjur and McKelvey–Zavoina.
        ``calibration``: what was observed and predicted by group.

    Raises
    ------
    ArgumentError
        If ``groups`` is not a whole number from 3 to 100, or the model is penalised or of another family.

    Notes
    -----
    Respondents are ordered by fitted probability (ordinal: by the fitted mean of the category's position);
    one belongs to the group in which the middle of the weight at their fitted value falls, so that equal
    fitted values stay together.

    Archer, Lemeshow and Hosmer (2007), *Computational Statistics & Data Analysis* 51, 4450-4464: weighted
    mean residuals of the groups, tested equal by the adjusted Wald F on (g - 1, d - g + 2). Hosmer and
    Lemeshow (1980), *Communications in Statistics A* 9, 1043-1069: chi-squared on g - 2. Fagerland and Hosmer
    (2013), *Statistics in Medicine* 32, 2235-2249: chi-squared on (g - 2)(K - 1) + K - 2. Lipsitz,
    Fitzmaurice and Molenberghs (1996), *Applied Statistics* 45, 175-190: likelihood ratio of the groups'
    indicators on g - 1. Tjur (2009), *The American Statistician* 63, 366-372. McKelvey and Zavoina (1975),
    *Journal of Mathematical Sociology* 4, 103-120.

    The standard errors of AUC and Somers' D are linearised under the design and speak of the fitted values as
    they are: the coefficients' own uncertainty is not in them, and vanishes to first order where the model
    holds, because its ordering is then the best (Han 1987, *Journal of Econometrics* 35, 303-316). The AUC's
    interval is made on the logit scale, that of D follows from it.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from coprodstats import logit
    >>> rng = np.random.default_rng(4)
    >>> age = rng.normal(size=200)
    >>> helps = (age + rng.logistic(size=200) > 0).astype(int)
    >>> fit = goodness_of_fit(logit("helps ~ age", pd.DataFrame({"helps": helps, "age": age})))
    >>> fit.n_groups, fit.tests["test"].to_list()
    (10, ['Archer–Lemeshow', 'Hosmer–Lemeshow'])
    """
    x, fit = own_fit(model, "goodness_of_fit")
    if isinstance(groups, bool) or not isinstance(groups, int) or not 3 <= groups <= MOST_GROUPS:
        raise ArgumentError(
            Fault(
                where="goodness_of_fit: groups",
                found=f"{groups!r}",
                allowed=f"a whole number from 3 to {MOST_GROUPS}",
            )
        )
    probabilities = category_probabilities(model, x)
    score = probabilities @ np.arange(probabilities.shape[1])
    group, made = weighted_groups(score, model.sample_weights, groups)
    fitted = GroupedFit(
        model=model,
        x=x,
        fit=fit,
        weights=working_weights(model),
        probabilities=probabilities,
        group=group,
        n_groups=made,
    )
    by = "probability" if fitted.binary else "mean position of the category"
    return GoodnessOfFit(
        model=model.name,
        grouping=f"{made} groups of about equal weight by fitted {by}, equal fitted values together",
        n_groups=made,
        tests=pd.DataFrame(goodness_tests(fitted), columns=list(TEST_COLUMNS)).astype({"df_num": int}),
        measures=pd.DataFrame(_measures(fitted), columns=list(MEASURE_COLUMNS)),
        calibration=_calibration(fitted),
    )


# --- measures ---


def _measures(fitted: GroupedFit) -> list[dict[str, Any]]:
    return [*_discrimination(fitted), *_likelihood_measures(fitted), _tjur(fitted), _mckelvey_zavoina(fitted)]


def _discrimination(fitted: GroupedFit) -> list[dict[str, Any]]:
    model = fitted.model
    score = fitted.probabilities @ np.arange(fitted.probabilities.shape[1])
    d, influence = somers_d_influence(score, fitted.y, fitted.weights)
    of = "pairs of respondents that differ in the outcome, weighted; ties in the fitted value count half"
    name = "AUC" if fitted.binary else "concordance index"
    area = np.array([(d + 1) / 2])
    std_error = np.array([_pairs_error(fitted, influence) / 2])
    low, high = (float(end[0]) for end in bounded_interval(area, std_error, model.df))
    spread_of = {"std_error": float(std_error[0]), "conf_low": low, "conf_high": high}
    doubled = {"std_error": 2 * spread_of["std_error"], "conf_low": 2 * low - 1, "conf_high": 2 * high - 1}
    return [_measure(name, float(area[0]), of) | spread_of, _measure("Somers' D", d, of) | doubled]


def _pairs_error(fitted: GroupedFit, influence: Floats) -> float:
    """Return the standard error of Somers' D of the fitted values as they are."""
    model = fitted.model
    if model.covariance == "model":  # weights are counts of independent respondents
        n = fitted.weights.sum()
        return float(np.sqrt(n / (n - 1) * (influence**2 / fitted.weights).sum()))
    return float(
        np.sqrt(design_variance(spread(influence[:, None], model.used), model.design, model.used)[0, 0])
    )


def _likelihood_measures(fitted: GroupedFit) -> list[dict[str, Any]]:
    model = fitted.model
    of = "the likelihood" if unweighted(model) else "the pseudo-likelihood, weights scaled to sum to n"
    n = fitted.weights.sum()
    cox_snell = -np.expm1(2 * (model.llnull - model.llf) / n)
    return [
        _measure("McFadden", 1 - model.llf / model.llnull, of),
        _measure("Cox–Snell", cox_snell, of),
        _measure("Nagelkerke", cox_snell / -np.expm1(2 * model.llnull / n), of),
    ]


def _tjur(fitted: GroupedFit) -> dict[str, Any]:
    of = "binary outcomes: weighted mean probability of those with the event minus that of the others"
    if not fitted.binary:
        return _measure("Tjur", np.nan, of, "not available: the outcome has more than two categories")
    p, w, event = fitted.probabilities[:, 1], fitted.weights, fitted.y == 1
    value = np.average(p[event], weights=w[event]) - np.average(p[~event], weights=w[~event])
    return _measure("Tjur", float(value), of)


def _mckelvey_zavoina(fitted: GroupedFit) -> dict[str, Any]:
    of = "the latent outcome: weighted variance of x'b over itself plus that of the link's distribution"
    link = fitted.model.link.name
    if link not in LATENT_VARIANCE:
        return _measure("McKelvey–Zavoina", np.nan, of, f"not available: {link} errors have no variance")
    eta = fitted.x @ fitted.fit.theta[-fitted.x.shape[1] :]
    mean = np.average(eta, weights=fitted.weights)
    variance = float(np.average((eta - mean) ** 2, weights=fitted.weights))
    return _measure("McKelvey–Zavoina", variance / (variance + LATENT_VARIANCE[link]), of)


def _measure(name: str, estimate: float, valid_for: str, reason: str = "") -> dict[str, Any]:
    return {
        "measure": name,
        "estimate": float(estimate),
        "std_error": np.nan,
        "conf_low": np.nan,
        "conf_high": np.nan,
        "valid_for": valid_for,
        "reason": reason,
    }


# --- calibration ---


def _calibration(fitted: GroupedFit) -> pd.DataFrame:
    model = fitted.model
    first = 1 if fitted.binary else 0  # of two categories the event says all
    indicators = np.eye(len(model.categories))[fitted.y][:, first:]
    observed, influence = group_means(indicators, fitted)
    predicted, _ = group_means(fitted.probabilities[:, first:], fitted)
    std_error = _share_errors(fitted, observed.ravel(), influence)
    low, high = logit_interval(observed.ravel(), std_error, model.df)
    per_group = observed.shape[1]
    inside = (observed.ravel() > 0) & (observed.ravel() < 1)
    return pd.DataFrame(
        {
            "group": np.repeat(np.arange(1, fitted.n_groups + 1), per_group),
            "category": list(model.categories[first:]) * fitted.n_groups,
            "n": np.repeat(np.bincount(fitted.group), per_group),
            "n_weighted": np.repeat(np.bincount(fitted.group, model.sample_weights), per_group),
            "predicted": predicted.ravel(),
            "observed": observed.ravel(),
            "std_error": np.where(inside, std_error, np.nan),
            "conf_low": low,
            "conf_high": high,
            "note": np.where(inside, "", "no interval: all or none of the group"),
        },
        columns=list(CALIBRATION_COLUMNS),
    )


def _share_errors(fitted: GroupedFit, share: Floats, influence: Floats) -> Floats:
    model = fitted.model
    if model.covariance == "model":  # weights are counts of independent respondents
        size = np.bincount(fitted.group, fitted.weights)
        return np.asarray(np.sqrt(share * (1 - share) / np.repeat(size, len(share) // len(size))))
    return np.asarray(
        np.sqrt(np.diag(design_variance(spread(influence, model.used), model.design, model.used)))
    )
