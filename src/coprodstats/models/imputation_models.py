"""Conditional models of multiple imputation: one incomplete variable given complete predictors, arrays only.

Each function fits a model to the rows where ``y`` was observed, draws its parameters from their approximate
posterior, and draws a value for each row where it was not (Rubin 1987, *Multiple Imputation for Nonresponse
in Surveys*, ch. 5: the imputations are proper). Predictors ``x`` have no constant; a unit of a column is a
step from one category to another, or two standard deviations of a number.

The slopes have independent normal priors with mean 0 and standard deviation `PRIOR_SCALE`, intercepts and
thresholds flat ones. In categorical models, without a prior, a category that some predictor tells
perfectly has no finite estimate, and draws around it are arbitrary (White, Daniel and Royston 2010,
*Computational Statistics & Data Analysis* 54, 2267-2275). Their remedy, added rows, pulls a rare category
towards equal shares by as many rows as there are predictors; a weak prior on the slopes doesn't (Gelman,
Jakulin, Pittau and Su 2008, *Annals of Applied Statistics* 2, 1360-1383, for its scale).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.special import expit, log_softmax

from coprodstats.errors import ConvergenceError, Fault, InsufficientDataError
from coprodstats.models import likelihood, search
from coprodstats.models.links import LINKS

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Objective = Callable[[Floats], float]
Slopes = Callable[[Floats], tuple[Floats, Floats]]

# Two of these are 5 on the logit scale: that a unit of a predictor takes 1 % to 60 % is at the prior's edge.
PRIOR_SCALE = 2.5
# The step, in posterior standard deviations, that is the last one: what it leaves is about its square.
STEP_TOLERANCE = 1e-3
MAX_ITERATIONS = 100
# With fewer degrees of freedom a drawn residual variance has no expectation.
LEAST_DF = 3
# Predictions that differ by less than this share of their range differ by rounding only.
ROUNDING = 1e-9


def draw_ordered(
    x: Floats,
    y: Ints,
    x_new: Floats,
    *,
    n_categories: int,
    rng: np.random.Generator,
    start: Floats | None = None,
) -> tuple[Ints, Floats]:
    """Draw ordered (or two) categories from a proportional odds (or logistic) model.

    Parameters
    ----------
    x, y
        Predictors and categories 0 … K-1, each of which occurs, of the rows observed, shapes (n, p), (n,).
    x_new
        Predictors of the rows to be drawn, shape (r, p).
    n_categories
        K, at least 2.
    rng
        Source of random numbers.
    start
        Where to start the search, such as the mode of an earlier draw.

    Returns
    -------
    drawn : numpy.ndarray
        Categories, shape (r,).
    mode : numpy.ndarray
        Posterior mode, thresholds first, shape (K-1+p,).

    Notes
    -----
    Parameters are normal around the mode with the inverse information as covariance, thresholds as the first
    one and the logarithms of their distances, so that every draw is increasing.
    """
    n_cuts = n_categories - 1
    mode, precision = ordered_mode(x, y, n_categories, start)
    distances = np.diff(mode[:n_cuts])
    centre = np.concatenate([mode[:1], np.log(distances), mode[n_cuts:]])
    jacobian = np.eye(len(mode))
    jacobian[:n_cuts, :n_cuts] = np.tril(np.ones((n_cuts, n_cuts)) * np.append(1.0, distances))
    theta = _normal_draw(centre, jacobian.T @ precision @ jacobian, rng)
    cuts = np.cumsum(np.append(theta[:1], np.exp(theta[1:n_cuts])))
    cumulative = expit(cuts - (x_new @ theta[n_cuts:])[:, None])
    return (rng.random(len(x_new))[:, None] > cumulative).sum(axis=1), mode


def ordered_mode(x: Floats, y: Ints, n_categories: int, start: Floats | None = None) -> tuple[Floats, Floats]:
    """Return the posterior mode of a proportional odds model and minus the Hessian there."""
    n_cuts, p = n_categories - 1, x.shape[1]
    link, w = LINKS["logit"], np.ones(len(y))
    prior = np.append(np.zeros(n_cuts), np.full(p, PRIOR_SCALE**-2))

    def objective(theta: Floats) -> float:
        return likelihood.log_likelihood(theta, x, y, w, n_cuts, link) - float(prior @ theta**2) / 2

    def slopes(theta: Floats) -> tuple[Floats, Floats]:
        d = likelihood.derivatives(theta, x, y, n_cuts, link)
        gradient = likelihood.score(d, x, y, w, n_cuts) - prior * theta
        return gradient, likelihood.information(d, x, y, w, n_cuts) + np.diag(prior)

    if start is None:
        start = search.starting_values(y, w, n_cuts, p, link)
    return _maximum(start, objective, slopes)


def draw_nominal(
    x: Floats,
    y: Ints,
    x_new: Floats,
    *,
    n_categories: int,
    rng: np.random.Generator,
    start: Floats | None = None,
) -> tuple[Ints, Floats]:
    """Draw unordered categories from a multinomial logit model.

    Parameters
    ----------
    x, y, x_new, n_categories, rng, start
        As for `draw_ordered`.

    Returns
    -------
    drawn : numpy.ndarray
        Categories, shape (r,).
    mode : numpy.ndarray
        Posterior mode, see `nominal_mode`.
    """
    # The most frequent category comes first: the prior is on differences from the first one.
    order = np.argsort(-np.bincount(y, minlength=n_categories), kind="stable")
    mode, precision = nominal_mode(x, np.argsort(order)[y], n_categories, start)
    b = _normal_draw(mode, precision, rng).reshape(n_categories - 1, -1)
    eta = np.column_stack([np.zeros(len(x_new)), b[:, 0] + x_new @ b[:, 1:].T])
    cumulative = np.cumsum(np.exp(log_softmax(eta, axis=1)), axis=1)[:, :-1]
    return order[(rng.random(len(x_new))[:, None] > cumulative).sum(axis=1)], mode


def nominal_mode(x: Floats, y: Ints, n_categories: int, start: Floats | None = None) -> tuple[Floats, Floats]:
    """Return the posterior mode of a multinomial logit model and minus the Hessian there.

    The mode has, for each category but the first, its intercept and slopes, shape ((K-1)(1+p),).
    """
    k, z = n_categories - 1, np.column_stack([np.ones(len(y)), x])
    one = np.eye(n_categories)[y][:, 1:]
    prior = np.tile(np.append(0.0, np.full(x.shape[1], PRIOR_SCALE**-2)), k)

    def log_shares(theta: Floats) -> Floats:
        eta = z @ theta.reshape(k, -1).T
        return np.asarray(log_softmax(np.column_stack([np.zeros(len(y)), eta]), axis=1))

    def objective(theta: Floats) -> float:
        return float(log_shares(theta)[np.arange(len(y)), y].sum() - prior @ theta**2 / 2)

    def slopes(theta: Floats) -> tuple[Floats, Floats]:
        shares = np.exp(log_shares(theta))[:, 1:]
        precision = np.diag(prior).reshape(k, z.shape[1], k, z.shape[1])
        for i in range(k):
            for j in range(i + 1):
                block = z.T @ (z * (shares[:, i] * ((i == j) - shares[:, j]))[:, None])
                precision[i, :, j, :] += block
                if i != j:
                    precision[j, :, i, :] += block
        return ((one - shares).T @ z).ravel() - prior * theta, precision.reshape(len(prior), -1)

    if start is None:
        counts = np.bincount(y, minlength=n_categories)
        start = np.zeros((k, z.shape[1]))
        start[:, 0] = np.log(counts[1:] / counts[0])
    return _maximum(start.ravel(), objective, slopes)


def draw_normal(x: Floats, y: Floats, x_new: Floats, *, rng: np.random.Generator) -> Floats:
    """Draw numbers from a normal linear model.

    Parameters
    ----------
    x, y
        Predictors and values of the rows observed, shapes (n, p), (n,).
    x_new
        Predictors of the rows to be drawn, shape (r, p).
    rng
        Source of random numbers.

    Returns
    -------
    numpy.ndarray
        Values, shape (r,).

    Notes
    -----
    Rubin (1987), example 5.1: flat priors on the intercept and on the logarithm of the residual variance; the
    prior on the slopes has the residual deviation as its unit, and matters only where predictors depend on
    each other. The degrees of freedom are n - 1 minus the trace of the slopes' hat matrix.
    """
    _, centre, sigma = _linear_draw(x, y, x_new, rng)
    return centre + sigma * rng.standard_normal(len(x_new))


def match_means(x: Floats, y: Floats, x_new: Floats, *, donors: int, rng: np.random.Generator) -> Floats:
    """Draw numbers by predictive mean matching: each is an observed value of a row with a like prediction.

    Parameters
    ----------
    x, y, x_new, rng
        As for `draw_normal`.
    donors
        How many of the nearest rows a value may come from.

    Returns
    -------
    numpy.ndarray
        Values of ``y``, shape (r,).

    Notes
    -----
    Type 1 matching (van Buuren 2018, *Flexible Imputation of Missing Data*, section 3.4; the default of the R
    package mice): predictions of the rows observed are by the estimated coefficients, of those to be drawn by
    the coefficients drawn. Little (1988), *Journal of Business & Economic Statistics* 6, 287-296; Morris,
    White and Royston (2014), *BMC Medical Research Methodology* 14:75, for the number of donors.
    """
    predicted, target, _ = _linear_draw(x, y, x_new, rng)
    return np.asarray(y[nearest_donors(predicted, target, donors=donors, rng=rng)])


def nearest_donors(predicted: Floats, target: Floats, *, donors: int, rng: np.random.Generator) -> Ints:
    """Return for each target the position of one of the ``donors`` predictions nearest to it, by chance.

    Predictions that tie, or differ by rounding only, are in an order of chance, so that neither the first
    rows of the file nor a machine's last digit decide.
    """
    k = min(donors, len(predicted))
    grid = ROUNDING * max(float(np.ptp(predicted)), np.finfo(float).tiny / ROUNDING)
    predicted, target = np.rint(predicted / grid), np.rint(target / grid)
    order = rng.permutation(len(predicted))
    order = order[np.argsort(predicted[order], kind="stable")]
    ranked = predicted[order]
    window = np.searchsorted(ranked, target)[:, None] + np.arange(-k, k)
    inside = (window >= 0) & (window < len(ranked))
    window = np.clip(window, 0, len(ranked) - 1)
    distance = np.where(inside, np.abs(ranked[window] - target[:, None]), np.inf)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :k]
    rows = np.arange(len(target))
    picked = nearest[rows, rng.integers(0, k, len(target))]
    return np.asarray(order[window[rows, picked]])


def _linear_draw(
    x: Floats, y: Floats, x_new: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, float]:
    """Return fitted means, means by drawn coefficients in the new rows, and a drawn residual deviation."""
    centre, mean = x.mean(axis=0), y.mean()
    away = x - centre
    prior = PRIOR_SCALE**-2
    upper = linalg.cholesky(away.T @ away + prior * np.eye(x.shape[1]))
    slopes = linalg.cho_solve((upper, False), away.T @ (y - mean))
    fitted = mean + away @ slopes
    inverse = linalg.solve_triangular(upper, np.eye(x.shape[1]))
    estimated = x.shape[1] - prior * float((inverse**2).sum())  # trace of the hat matrix
    df = len(y) - 1 - estimated
    if df < LEAST_DF:
        found = f"{len(y)} observed values for {x.shape[1]} predictors"
        remedy = "fewer predictors (predictors=, design_predictors=)"
        raise InsufficientDataError(Fault(where="imputation model", found=found, remedy=remedy))
    sigma = float(np.sqrt(((y - fitted) ** 2).sum() / rng.chisquare(df)))
    shift = sigma * rng.standard_normal() / np.sqrt(len(y))
    drawn = slopes + sigma * (inverse @ rng.standard_normal(x.shape[1]))
    return fitted, mean + shift + (x_new - centre) @ drawn, sigma


def _normal_draw(centre: Floats, precision: Floats, rng: np.random.Generator) -> Floats:
    """Draw from a normal distribution, given the inverse of its covariance."""
    upper = linalg.cholesky(precision)  # precision = upper' upper
    return np.asarray(centre + linalg.solve_triangular(upper, rng.standard_normal(len(centre))))


def _maximum(theta: Floats, objective: Objective, slopes: Slopes) -> tuple[Floats, Floats]:
    """Return the maximum of a concave function by Newton's method, and minus the Hessian there."""
    value = objective(theta)
    for _ in range(MAX_ITERATIONS):
        gradient, precision = slopes(theta)
        step = linalg.cho_solve(linalg.cho_factor(precision), gradient)
        small = np.max(np.abs(step) * np.sqrt(np.diag(precision))) < STEP_TOLERANCE
        if small:
            return theta + step, precision
        moved = objective(theta + step)
        while moved < value:  # concave: some part of the step goes up
            step = step / 2
            moved = objective(theta + step)
        theta, value = theta + step, moved
    raise ConvergenceError(
        Fault(
            where="imputation model",
            found=f"its posterior was not maximised in {MAX_ITERATIONS} iterations",
            remedy="merge sparse categories, or leave out predictors",
        )
    )
