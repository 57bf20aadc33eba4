"""Goodness of fit: tests, calibration, discrimination and pseudo R², each with what it is valid for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import ArgumentError, Fault, InsufficientDataError
from coprodstats.models.covariance import spread
from coprodstats.models.margins import category_probabilities, logit_interval
from coprodstats.models.refit import Refit, fit_rows, own_fit, unweighted, working_weights
from coprodstats.models.results import FittedModel
from coprodstats.models.separation import separating_direction
from coprodstats.models.wald import joint_test
from coprodstats.survey.design import design_variance

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

MOST_GROUPS = 100
# Fitted values that agree to this many decimals are ties: identical predictors differ by rounding at most.
TIE_DECIMALS = 12
# Expected counts below it make the chi-squared distribution doubtful; Cochran's rule of thumb.
SMALL_EXPECTED = 5.0
# Variance of the standard logistic, normal and Gumbel distributions, on whose scale the linear predictor is.
LATENT_VARIANCE = {"logit": np.pi**2 / 3, "probit": 1.0, "cloglog": np.pi**2 / 6, "loglog": np.pi**2 / 6}

TEST_COLUMNS = (
    "test", "statistic", "distribution", "df_num", "df_denom", "p_value", "valid_for", "reason",
)  # fmt: skip
MEASURE_COLUMNS = ("measure", "estimate", "valid_for", "reason")
CALIBRATION_COLUMNS = (
    "group", "category", "n", "n_weighted", "predicted", "observed", "std_error", "conf_low", "conf_high",
    "note",
)  # fmt: skip
_INDEPENDENT = "independent respondents, unweighted or counted"


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
        Columns ``measure, estimate, valid_for, reason``.
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
        tests = self.tests.rename(columns={"test": "name", "statistic": "estimate"}).assign(kind="test")
        measures = self.measures.rename(columns={"measure": "name"}).assign(
            kind="measure", distribution="", df_num=0, df_denom=np.nan, p_value=np.nan
        )
        order = ["kind", "name", "estimate", *TEST_COLUMNS[2:]]
        frame = pd.concat([tests[order], measures[order]], ignore_index=True)
        frame.insert(0, "model", self.model)
        return frame


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fitted:
    """What all checks need of a model."""

    model: FittedModel
    x: Floats
    fit: Refit
    weights: Floats
    probabilities: Floats  # (n, K)
    group: Ints
    n_groups: int

    @property
    def y(self) -> Ints:
        return self.model.sample_y

    @property
    def binary(self) -> bool:
        return len(self.model.categories) == 2


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
        Fagerland–Hosmer and Lipsitz for ordinal models of independent, equally weighted respondents.
        ``measures``: AUC, Somers' D, and the pseudo R² of McFadden, Cox–Snell, Nagelkerke, Tjur and
        McKelvey–Zavoina. ``calibration``: what was observed and predicted by group.

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
    fitted = _Fitted(
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
        tests=pd.DataFrame(_tests(fitted), columns=list(TEST_COLUMNS)).astype({"df_num": int}),
        measures=pd.DataFrame(_measures(fitted), columns=list(MEASURE_COLUMNS)),
        calibration=_calibration(fitted),
    )


def weighted_groups(score: Floats, weights: Floats, groups: int) -> tuple[Ints, int]:
    """Return the group of each row, of about equal weight by score, and how many groups there are.

    Parameters
    ----------
    score
        What rows are ordered by, shape (n,); values equal to 12 decimals are ties and stay together.
    weights
        Weights, shape (n,).
    groups
        Groups wanted.

    Examples
    --------
    >>> weighted_groups(np.array([0.1, 0.2, 0.2, 0.4]), np.array([2.0, 1.0, 1.0, 4.0]), 2)
    (array([0, 0, 0, 1]), 2)
    """
    distinct, tie = np.unique(np.round(score, TIE_DECIMALS), return_inverse=True)
    weight = np.bincount(tie, weights, minlength=len(distinct))
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    # Middles that fall on a border by arithmetic must not be moved by rounding.
    raw = np.minimum(np.floor(np.round(middle * groups, 9)), groups - 1).astype(np.intp)
    kept, position = np.unique(raw[tie], return_inverse=True)
    return position.astype(np.intp), len(kept)


# --- tests ---


def _tests(fitted: _Fitted) -> list[dict[str, Any]]:
    if fitted.binary:
        return [_archer_lemeshow(fitted), _pearson_by_group(fitted, "Hosmer–Lemeshow")]
    return [_pearson_by_group(fitted, "Fagerland–Hosmer"), _lipsitz(fitted)]


def _archer_lemeshow(fitted: _Fitted) -> dict[str, Any]:
    model, name, valid = fitted.model, "Archer–Lemeshow", "the model's strata, PSUs and weights"
    if model.covariance == "model":
        return _no_test(name, valid, "it needs covariance='design' or 'robust'")
    if model.link.name != "logit":
        return _no_test(name, valid, f"it is defined for the logit link, this model's is {model.link.name}")
    if fitted.n_groups < 3:
        return _no_test(name, valid, f"the fitted probabilities make {fitted.n_groups} groups")
    residual = fitted.y - fitted.probabilities[:, 1]
    mean, influence = _group_means(residual[:, None], fitted)
    contrast = np.column_stack([-np.ones(fitted.n_groups - 1), np.eye(fitted.n_groups - 1)])
    covariance = design_variance(spread(influence @ contrast.T, model.used), model.design)
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


def _group_means(values: Floats, fitted: _Fitted) -> tuple[Floats, Floats]:
    """Return weighted means by group, shape (g, m), and each row's influence on them, shape (n, g m)."""
    marks = np.eye(fitted.n_groups)[fitted.group] * fitted.weights[:, None]
    share = marks / marks.sum(axis=0)
    mean = share.T @ values
    influence = share[:, :, None] * (values[:, None, :] - mean[None, :, :])
    return mean, influence.reshape(len(values), -1)


def _pearson_by_group(fitted: _Fitted, name: str) -> dict[str, Any]:
    model = fitted.model
    if not unweighted(model):
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
    small = int((expected < SMALL_EXPECTED).sum())
    doubt = f"{small} of {expected.size} expected counts are below {SMALL_EXPECTED:.0f}" if small else ""
    return _test_row(name, _INDEPENDENT, statistic, "chi2", df, np.inf, stats.chi2.sf(statistic, df), doubt)


def _lipsitz(fitted: _Fitted) -> dict[str, Any]:
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


# --- measures ---


def _measures(fitted: _Fitted) -> list[dict[str, Any]]:
    return [*_discrimination(fitted), *_likelihood_measures(fitted), _tjur(fitted), _mckelvey_zavoina(fitted)]


def _discrimination(fitted: _Fitted) -> list[dict[str, Any]]:
    score = fitted.probabilities @ np.arange(fitted.probabilities.shape[1])
    d = somers_d(score, fitted.y, fitted.weights)
    of = "pairs of respondents that differ in the outcome, weighted; ties in the fitted value count half"
    name = "AUC" if fitted.binary else "concordance index"
    return [_measure(name, (d + 1) / 2, of), _measure("Somers' D", d, of)]


def somers_d(score: Floats, y: Ints, weights: Floats) -> float:
    """Return Somers' D: (concordant - discordant pairs) / pairs that differ in an ordered outcome.

    Parameters
    ----------
    score
        The score, shape (n,); values equal to 12 decimals are ties.
    y
        Categories 0 … K-1, shape (n,).
    weights
        Weights, shape (n,); a pair counts the product of its weights.

    Notes
    -----
    Somers (1962), *American Sociological Review* 27, 799-811. For two categories (D + 1) / 2 is the area
    under the ROC curve.

    Examples
    --------
    >>> somers_d(np.array([0.1, 0.3, 0.3, 0.8]), np.array([0, 0, 1, 1]), np.ones(4))
    0.75
    """
    distinct, tie = np.unique(np.round(score, TIE_DECIMALS), return_inverse=True)
    n_categories = int(y.max()) + 1
    table = np.bincount(tie * n_categories + y, weights, minlength=len(distinct) * n_categories).reshape(
        -1, n_categories
    )
    below = np.cumsum(table, axis=0) - table  # weight at lower scores, by category
    lower = np.cumsum(below, axis=1) - below  # … and in lower categories
    higher = below.sum(axis=1, keepdims=True) - lower - below
    totals = table.sum(axis=0)
    pairs = (totals.sum() ** 2 - (totals**2).sum()) / 2
    return float((table * (lower - higher)).sum() / pairs)


def _likelihood_measures(fitted: _Fitted) -> list[dict[str, Any]]:
    model = fitted.model
    of = "the likelihood" if unweighted(model) else "the pseudo-likelihood, weights scaled to sum to n"
    n = fitted.weights.sum()
    cox_snell = -np.expm1(2 * (model.llnull - model.llf) / n)
    return [
        _measure("McFadden", 1 - model.llf / model.llnull, of),
        _measure("Cox–Snell", cox_snell, of),
        _measure("Nagelkerke", cox_snell / -np.expm1(2 * model.llnull / n), of),
    ]


def _tjur(fitted: _Fitted) -> dict[str, Any]:
    of = "binary outcomes: weighted mean probability of those with the event minus that of the others"
    if not fitted.binary:
        return _measure("Tjur", np.nan, of, "not available: the outcome has more than two categories")
    p, w, event = fitted.probabilities[:, 1], fitted.weights, fitted.y == 1
    value = np.average(p[event], weights=w[event]) - np.average(p[~event], weights=w[~event])
    return _measure("Tjur", float(value), of)


def _mckelvey_zavoina(fitted: _Fitted) -> dict[str, Any]:
    of = "the latent outcome: weighted variance of x'b over itself plus that of the link's distribution"
    link = fitted.model.link.name
    if link not in LATENT_VARIANCE:
        return _measure("McKelvey–Zavoina", np.nan, of, f"not available: {link} errors have no variance")
    eta = fitted.x @ fitted.fit.theta[-fitted.x.shape[1] :]
    mean = np.average(eta, weights=fitted.weights)
    variance = float(np.average((eta - mean) ** 2, weights=fitted.weights))
    return _measure("McKelvey–Zavoina", variance / (variance + LATENT_VARIANCE[link]), of)


def _measure(name: str, estimate: float, valid_for: str, reason: str = "") -> dict[str, Any]:
    return {"measure": name, "estimate": float(estimate), "valid_for": valid_for, "reason": reason}


# --- calibration ---


def _calibration(fitted: _Fitted) -> pd.DataFrame:
    model = fitted.model
    first = 1 if fitted.binary else 0  # of two categories the event says all
    indicators = np.eye(len(model.categories))[fitted.y][:, first:]
    observed, influence = _group_means(indicators, fitted)
    predicted, _ = _group_means(fitted.probabilities[:, first:], fitted)
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


def _share_errors(fitted: _Fitted, share: Floats, influence: Floats) -> Floats:
    model = fitted.model
    if model.covariance == "model":  # weights are counts of independent respondents
        size = np.bincount(fitted.group, fitted.weights)
        return np.asarray(np.sqrt(share * (1 - share) / np.repeat(size, len(share) // len(size))))
    return np.asarray(np.sqrt(np.diag(design_variance(spread(influence, model.used), model.design))))
