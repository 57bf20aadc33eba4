"""Weighted least squares to the last digit: an orthogonal start, refined in long double; arrays only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Floats = NDArray[np.float64]

# Rows at a time in long double, which takes twice the memory.
BLOCK = 65_536
MAX_REFINEMENTS = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeastSquares:
    """The least-squares fit of one column by others and a constant.

    Attributes
    ----------
    theta
        Constant, then the coefficients of the standardised columns, shape (1+p,).
    residuals
        Outcome minus fit, shape (n,).
    columns
        Constant and standardised columns, shape (n, 1+p).
    refinements
        Rounds of refinement.
    last_step
        The correction that would come next, shape (1+p,): the error that is left.
    rounding
        Relative rounding of the residuals' precision, times what the standardisation magnifies it by.
    """

    theta: Floats
    residuals: Floats
    columns: Floats
    refinements: int
    last_step: Floats
    rounding: float


def least_squares(x: Floats, y: Floats, w: Floats, *, centre: Floats, inverse: Floats) -> LeastSquares:
    """Minimise the weighted sum of squares.

    Parameters
    ----------
    x
        Predictors as in the data, without a constant, shape (n, p).
    y
        Outcome, shape (n,).
    w
        Positive weights, shape (n,).
    centre, inverse
        What makes the columns ``(x - centre) inverse`` about orthonormal, shapes (p,) and (p, p).

    Notes
    -----
    Orthogonal triangularisation, then iterative refinement: residuals and their products with the columns
    are taken in long double (64 bits of mantissa on x86), corrections in double (Björck 1996, *Numerical
    Methods for Least Squares Problems*, chapter 2). They start from the data's own columns each time, so that
    a birth year and its square lose nothing to the standardisation.
    Where long double is no longer than double, ``rounding`` says so.
    """
    standard = np.column_stack([np.ones(len(y)), (x - centre) @ inverse])
    root = np.sqrt(w)[:, None]
    _, upper = linalg.qr(standard * root, mode="economic")
    exact = np.zeros(standard.shape[1], dtype=np.longdouble)
    residuals, step = y, np.zeros(len(exact))
    left, refinements = np.inf, 0
    while refinements < MAX_REFINEMENTS:
        gradient, residuals = _gradient(x, y, w, exact, centre=centre, inverse=inverse)
        step = linalg.solve_triangular(upper, linalg.solve_triangular(upper, gradient, trans="T"))
        size = float(np.abs(step).max())
        # All coefficients of the standardised columns share the outcome's unit. Corrections that no longer
        # shrink are rounding.
        if size <= np.finfo(float).eps / 8 * float(np.abs(exact).max()) or size > left / 2:
            break
        exact, left, refinements = exact + step, size, refinements + 1
    return LeastSquares(
        theta=exact.astype(np.float64),
        residuals=residuals,
        columns=standard,
        refinements=refinements,
        last_step=np.asarray(step, dtype=np.float64),
        rounding=float(np.finfo(np.longdouble).eps) * (1.0 + float(np.linalg.cond(inverse))),
    )


def _gradient(
    x: Floats, y: Floats, w: Floats, theta: NDArray[np.longdouble], *, centre: Floats, inverse: Floats
) -> tuple[Floats, Floats]:
    """Return the weighted products of columns and residuals (1+p,), and the residuals (n,)."""
    turn = inverse.astype(np.longdouble)
    slopes = turn @ theta[1:]
    constant, along = np.longdouble(0), np.zeros(len(slopes), dtype=np.longdouble)
    residuals = np.empty(len(y))
    for rows in _blocks(len(y)):
        columns = x[rows].astype(np.longdouble) - centre
        left = y[rows] - theta[0] - columns @ slopes
        residuals[rows] = left
        weighted = w[rows] * left
        constant += weighted.sum()
        along += weighted @ columns
    return np.concatenate([[constant], along @ turn]).astype(np.float64), residuals


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, n, BLOCK))
