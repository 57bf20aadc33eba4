"""Tests of fit by groups of fitted values, each with what it is valid for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import InsufficientDataError
from coprodstats.models.covariance import spread
from coprodstats.models.grouped_fit import GroupedFit, group_means
from coprodstats.models.refit import fit_rows, unweighted
from coprodstats.models.separation import separating_direction
from coprodstats.models.wald import joint_test
from coprodstats.survey.design import design_variance

Floats = NDArray[np.float64]

# Expected counts below it make the chi-squared distribution doubtful; Cochran's rule of thumb.
SMALL_EXPECTED = 5.0

TEST_COLUMNS = (
    "test", "statistic", "distribution", "df_num", "df_denom", "p_value", "valid_for", "reason",
)  # fmt: skip
_INDEPENDENT = "independent respondents, unweighted or counted"
_DESCRIPTIVE = "description alone: weights scaled to sum to the respondents"
_UNPUBLISHED = "no distribution under weights or clusters is published: see the calibration table"


def goodness_tests(fitted: GroupedFit) -> list[dict[str, Any]]:
    """Return the rows of the table of tests: see `coprodstats.goodness_of_fit`."""
    if fitted.binary:
        return [_archer_lemeshow(fitted), _pearson_by_group(fitted, "Hosmer–Lemeshow")]
    return [_pearson_by_group(fitted, "Fagerland–Hosmer"), _lipsitz(fitted)]


def _archer_lemeshow(fitted: GroupedFit) -> dict[str, Any]:
    model, name, valid = fitted.model, "Archer–Lemeshow", "the model's strata, PSUs and weights"
    if model.covariance == "model":
        return _no_test(name, valid, "it needs covariance='design' or 'robust'")
    if model.link.name != "logit":
        return _no_test(name, valid, f"it is defined for the logit link, this model's is {model.link.name}")
    if fitted.n_groups < 3:
        return _no_test(name, valid, f"the fitted probabilities make {fitted.n_groups} groups")
    residual = fitted.y - fitted.probabilities[:, 1]
    mean, influence = group_means(residual[:, None], fitted)
    contrast = np.column_stack([-np.ones(fitted.n_groups - 1), np.eye(fitted.n_groups - 1)])
    covariance = design_variance(spread(influence @ contrast.T, model.used), model.design, model.used)
    try:
        test = joint_test(
            contrast @ mean.ravel(), covariance, df=model.df, rule=model.df_rule, null="equal mean residuals"
        )
    except InsufficientDataError:
        return _no_test(
            name, valid, f"{fitted.n_groups} groups and {model.df:.0f} degrees of freedom: ask for fewer"
        )
    if test.n_restrictions < fitted.n_groups - 1:
        return _no_test(name, valid, "the covariance of the groups' mean residuals is singular")
    return _test_row(name, valid, test.statistic, "F", test.df_num, test.df_denom, test.p_value)


def _pearson_by_group(fitted: GroupedFit, name: str) -> dict[str, Any]:
    model = fitted.model
    weighted = not unweighted(model)
    if weighted and fitted.binary:
        return _no_test(
            name, _INDEPENDENT, "no version for weights or clusters is published: see the calibration table"
        )
    if model.link.name != "logit":
        return _no_test(
            name, _INDEPENDENT, f"its distribution is known for the logit link, not for {model.link.name}"
        )
    if fitted.n_groups < 3:
        return _no_test(name, _INDEPENDENT, f"the fitted values make {fitted.n_groups} groups")
    n_categories = fitted.probabilities.shape[1]
    marks = np.eye(fitted.n_groups)[fitted.group] * fitted.weights[:, None]
    observed = marks.T @ np.eye(n_categories)[fitted.y]
    expected = marks.T @ fitted.probabilities
    statistic = float(((observed - expected) ** 2 / expected).sum())
    df = (fitted.n_groups - 2) * (n_categories - 1) + n_categories - 2
    if weighted:
        return _test_row(name, _DESCRIPTIVE, statistic, "", 0, np.nan, np.nan, _UNPUBLISHED)
    small = int((expected < SMALL_EXPECTED).sum())
    doubt = f"{small} of {expected.size} expected counts are below {SMALL_EXPECTED:.0f}" if small else ""
    return _test_row(name, _INDEPENDENT, statistic, "chi2", df, np.inf, stats.chi2.sf(statistic, df), doubt)


def _lipsitz(fitted: GroupedFit) -> dict[str, Any]:
    model, name = fitted.model, "Lipsitz"
    if not unweighted(model):
        return _no_test(name, _INDEPENDENT, "it is a likelihood-ratio test, and weights make no likelihood")
    marks = np.eye(fitted.n_groups)[fitted.group][:, 1:]
    wide = np.hstack([fitted.x, marks])
    centred = wide - wide.mean(axis=0)
    unit = centred / np.sqrt((centred**2).mean(axis=0))
    if np.linalg.matrix_rank(unit) < unit.shape[1]:
        return _no_test(name, _INDEPENDENT, "the groups are combinations of the model's predictors")
    n_cuts = len(model.categories) - 1
    if separating_direction(unit, fitted.y, n_cuts) is not None:
        return _no_test(name, _INDEPENDENT, "the groups' indicators separate the outcome: ask for fewer")
    larger = fit_rows(wide, fitted.y, fitted.weights, n_cuts=n_cuts, link=model.link)
    if not larger.converged:
        return _no_test(name, _INDEPENDENT, "the model with the groups' indicators has no maximum")
    statistic, df = max(2 * (larger.loglik - fitted.fit.loglik), 0.0), marks.shape[1]
    return _test_row(name, _INDEPENDENT, statistic, "chi2", df, np.inf, stats.chi2.sf(statistic, df))


def _test_row(
    name: str,
    valid_for: str,
    *numbers: float | str,
) -> dict[str, Any]:
    statistic, distribution, df_num, df_denom, p_value, *doubt = numbers
    return {
        "test": name,
        "statistic": statistic,
        "distribution": distribution,
        "df_num": df_num,
        "df_denom": df_denom,
        "p_value": float(p_value),
        "valid_for": valid_for,
        "reason": doubt[0] if doubt else "",
    }


def _no_test(name: str, valid_for: str, reason: str) -> dict[str, Any]:
    return _test_row(name, valid_for, np.nan, "", 0, np.nan, np.nan, f"not available: {reason}")
