"""How exactly the maximum of a likelihood was found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coprodstats.models.search import SINGULAR, Estimate

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """How well the maximum was found.

    Attributes
    ----------
    converged
        Whether the gradient vanishes *and* the information is positive definite.
    iterations
        Newton iterations.
    gradient
        Length of the score in standard-error units, sqrt(s' I^-1 s), at the solution.
    smallest_eigenvalue
        Smallest eigenvalue of the information per unit of weight, predictors standardised and orthogonal.
    condition
        Condition number of that information.
    digits
        Correct significant digits of the least exact coefficient, by the size of the last Newton step and a
        bound on the rounding of the score.
    """

    converged: bool
    iterations: int
    gradient: float
    smallest_eigenvalue: float
    condition: float
    digits: int


def certificate(estimate: Estimate, score_size: Floats, total: float, to_user: Floats) -> Convergence:
    """Return how exact the maximum of a likelihood is.

    Parameters
    ----------
    estimate
        The maximum, in standardised coordinates, q of them.
    score_size
        Root of the sum over rows of squared weighted scores, shape (q,).
    total
        Sum of the weights.
    to_user
        Matrix that turns standardised coordinates into the user's, shape (q, q).

    Notes
    -----
    The error left is the next Newton step (Elden, Wittmeyer-Koch and Nielsen 2004, the method-independent
    error theorem) plus the rounding of the score, sqrt(sum of squared terms) times a few units in the last
    place, carried through the inverse information.
    """
    values = np.linalg.eigvalsh(estimate.information) / total
    rounding = 8 * np.finfo(float).eps * score_size
    positive = values[0] > SINGULAR * values[-1]
    digits = 0
    if positive:
        inverse = np.linalg.inv(estimate.information)
        user = to_user @ estimate.theta
        error = np.abs(to_user) @ (np.abs(estimate.last_step) + np.abs(inverse) @ rounding)
        error += np.finfo(float).eps * (np.abs(to_user) @ np.abs(estimate.theta))
        relative = error / np.maximum(np.abs(user), np.finfo(float).tiny)
        digits = int(np.clip(np.floor(-np.log10(max(relative.max(), 1e-16))), 0, 15))
    gradient = float(np.sqrt(estimate.decrement))
    return Convergence(
        converged=bool(positive and not estimate.stalled and gradient < 1e-6),
        iterations=estimate.iterations,
        gradient=gradient,
        smallest_eigenvalue=float(values[0]),
        condition=float(values[-1] / values[0]) if values[0] > 0 else np.inf,
        digits=digits,
    )
