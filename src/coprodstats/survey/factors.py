"""One and two common factors of a correlation matrix, and how many there are: arrays only.

The factors themselves are statsmodels' maximum-likelihood solution; what is added is a sign, measures of what
the factors leave, and a comparison with data in which items have nothing in common.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from coprodstats.survey.polychoric import polychoric_matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Two factors of five items leave one degree of freedom; of four, less than none.
FEWEST_FOR_TWO = 5
FEWEST_FOR_ONE = 3
_NO_VARIANCE = 0.005
_SHARE = 0.9
"""How much of an item's correlations with the others a search for one factor starts from."""
_MOST_STEPS, _SMALL_STEP, _LONGEST_STEP = 500, 1e-13, 0.5
_LARGEST_TURN = 0.01
"""A search that turns axes further than this has gone to another solution."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FactorSolution:
    """Common factors of a correlation matrix.

    Attributes
    ----------
    loadings
        Loadings, shape (items, factors); two factors are rotated obliquely (quartimin).
    correlation
        Correlation of the factors, shape (factors, factors).
    uniqueness
        Share of each item that no factor explains, shape (items,).
    rmsr
        Root mean square of the correlations that are left, off the diagonal.
    largest_residual
        The largest of them by absolute value.
    heywood
        Whether an item has no variance of its own (a uniqueness near zero): not to be trusted then.
    """

    loadings: Floats
    correlation: Floats
    uniqueness: Floats
    rmsr: float
    largest_residual: float
    heywood: bool


def factor_solution(matrix: Floats, n_factors: int) -> FactorSolution:
    """Return one or two maximum-likelihood factors of a correlation matrix.

    Parameters
    ----------
    matrix
        Correlations, positive definite, shape (items, items); three items at least for one factor, five
        for two.
    n_factors
        One or two.

    Notes
    -----
    Jöreskog (1967), *Psychometrika* 32, 443-482, by statsmodels' ``Factor``, whose search ends some digits
    early, and further steps from there; quartimin rotation after
    Jennrich (2002), *Psychometrika* 67, 7-20. Factors point the way in which their loadings sum to more than
    zero; the first of two is the one on which the first item loads more.

    Examples
    --------
    >>> loadings = np.array([0.8, 0.7, 0.6, 0.5])
    >>> matrix = np.outer(loadings, loadings) + np.diag(1 - loadings**2)
    >>> factor_solution(matrix, 1).loadings.ravel().round(3).tolist()
    [0.8, 0.7, 0.6, 0.5]
    """
    from statsmodels.multivariate.factor import Factor  # noqa: PLC0415  (loading it takes a second)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it would warn of, a uniqueness of zero, is an attribute here
        found = Factor(corr=matrix, n_factor=n_factors, method="ml").fit(maxiter=1000)
        pattern = _polished(matrix, np.asarray(found.loadings_no_rot, dtype=float))
        correlation = np.eye(n_factors)
        if n_factors > 1:
            pattern, correlation = _oblique(pattern)
    sign = np.where(pattern.sum(axis=0) < 0, -1.0, 1.0)
    pattern, correlation = pattern * sign, correlation * np.outer(sign, sign)
    implied = pattern @ correlation @ pattern.T
    below = np.tril_indices(len(matrix), -1)
    left = (matrix - implied)[below]
    uniqueness = 1 - np.diag(implied)
    return FactorSolution(
        loadings=pattern,
        correlation=correlation,
        uniqueness=uniqueness,
        rmsr=float(np.sqrt((left**2).mean())),
        largest_residual=float(left[np.argmax(np.abs(left))]),
        heywood=bool((uniqueness < _NO_VARIANCE).any()),
    )


def _polished(matrix: Floats, loadings: Floats) -> Floats:
    """Return the unrotated loadings of the highest maximum of the likelihood, to the last digits.

    Two strong traits make two maxima of one factor, and which one a search ends in is chance. So it starts
    from given loadings and from each item's own correlations, and the highest maximum is taken.
    """
    n_factors = loadings.shape[1]
    if ((loadings**2).sum(axis=1) > 1 - _NO_VARIANCE).any():
        return loadings  # at the edge there is no maximum to step to
    starts = [1 - (loadings**2).sum(axis=1)]
    if n_factors == 1:
        starts += [1 - (_SHARE * column) ** 2 for column in matrix]
    ends = [end for start in starts if (end := _maximum(matrix, start, n_factors)) is not None]
    if not ends:
        return loadings
    return min(ends, key=lambda end: end[0])[1]


def _maximum(matrix: Floats, uniqueness: Floats, n_factors: int) -> tuple[float, Floats] | None:
    """Return the discrepancy and the loadings in which Jöreskog's steps end, or None if they don't.

    With the eigenvalues g and vectors v of the correlations scaled by the uniquenesses u, those of the
    factors aside, the discrepancy is ``sum(g - log g - 1)``, its gradient in log(u) ``sum v^2 (1 - g)``, and
    its curvature near the maximum ``(sum v v')^2`` element by element (Jöreskog 1967, section 4).
    """
    size = np.inf
    for _ in range(_MOST_STEPS):
        root = np.sqrt(uniqueness)
        values, vectors = np.linalg.eigh(matrix / np.outer(root, root))
        inner, left = values[:-n_factors], vectors[:, :-n_factors]
        if size < _SMALL_STEP:
            pattern = (
                root[:, None] * vectors[:, -n_factors:] * np.sqrt(np.maximum(values[-n_factors:] - 1, 0))
            )
            return float((inner - np.log(inner) - 1).sum()), np.asarray(pattern[:, ::-1])
        step = np.linalg.lstsq((left @ left.T) ** 2, left**2 @ (1 - inner), rcond=None)[0]
        size = float(np.abs(step).max())
        uniqueness = uniqueness * np.exp(-np.clip(step, -_LONGEST_STEP, _LONGEST_STEP))
        if (uniqueness < _NO_VARIANCE).any():
            return None
    return None


def _oblique(loadings: Floats) -> tuple[Floats, Floats]:
    """Return quartimin-rotated loadings of two factors, and the factors' correlation."""
    from statsmodels.multivariate.factor_rotation import rotate_factors  # noqa: PLC0415

    best, axes = np.inf, np.eye(2)
    for angle in np.linspace(0, np.pi / 2, 5, endpoint=False):
        # Symmetric loadings are a stationary point from which the search does not move: start elsewhere too.
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        pattern, turned = rotate_factors(loadings @ turn, "oblimin", 0, "oblique")
        complexity = float((pattern[:, 0] ** 2 * pattern[:, 1] ** 2).sum())
        if complexity < best - 1e-12:
            best, axes = complexity, turn @ np.asarray(turned)
    axes = _settled(loadings, axes)
    pattern = loadings @ np.linalg.inv(axes).T
    if abs(pattern[0, 1]) > abs(pattern[0, 0]):
        pattern, axes = pattern[:, ::-1], axes[:, ::-1]
    return pattern, np.asarray(axes.T @ axes)


def _settled(loadings: Floats, axes: Floats) -> Floats:
    """Return axes of two factors at which quartimin's complexity stands still to the last digits.

    With axes at the angles a and b, the loadings are ``u / s`` and ``v / s``, where
    ``u = l1 sin b - l2 cos b``, ``v = l2 cos a - l1 sin a`` and ``s = sin(b - a)``.
    """

    def gradient(angles: Floats) -> Floats:
        a, b = angles
        u, v = loadings @ [np.sin(b), -np.cos(b)], loadings @ [-np.sin(a), np.cos(a)]
        du, dv = loadings @ [np.cos(b), np.sin(b)], loadings @ [-np.cos(a), -np.sin(a)]
        size, tilt = np.sin(b - a), 2 * (u**2 @ v**2) / np.tan(b - a)
        return np.asarray([u**2 @ (v * dv) + tilt, (u * du) @ v**2 - tilt], dtype=float) * float(size) ** -4

    start = np.arctan2(axes[1], axes[0])
    found: Floats = optimize.root(gradient, start, tol=1e-15).x
    if np.abs(found - start).max() > _LARGEST_TURN:
        return axes
    return np.array([np.cos(found), np.sin(found)], dtype=float)


def omega_total(solution: FactorSolution) -> float:
    """Return McDonald's omega of one factor: the share of the sum's variance that the factor explains.

    Notes
    -----
    McDonald (1999), *Test Theory*, ch. 6: ``(sum l)^2 / ((sum l)^2 + sum u)``.

    Examples
    --------
    >>> loadings = np.full(4, 0.7)
    >>> matrix = np.outer(loadings, loadings) + np.diag(1 - loadings**2)
    >>> round(omega_total(factor_solution(matrix, 1)), 3)
    0.794
    """
    common = float(solution.loadings[:, 0].sum()) ** 2
    return common / (common + float(solution.uniqueness.sum()))


def random_eigenvalues(
    codes: Ints, n_categories: tuple[int, ...], weights: Floats, *, n_replicates: int, seed: int
) -> Iterator[Floats]:
    """Yield the eigenvalues of items shuffled apart, largest first, shape (items,) each.

    Each item's answers are dealt anew to the respondents who answered it, together with nothing else, so that
    items keep their shares of categories and missing answers, and have nothing in common (parallel analysis
    by permutation: Horn 1965, *Psychometrika* 30, 179-185; Buja and Eyuboglu 1992, *Multivariate Behavioral
    Research* 27, 509-540).

    Parameters
    ----------
    codes, n_categories, weights
        As for `polychoric_matrix`.
    n_replicates
        How many.
    seed
        Seed of NumPy's PCG64 generator.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    for _ in range(n_replicates):
        shuffled = codes.copy()
        for j in range(codes.shape[1]):
            answered = np.flatnonzero(codes[:, j] >= 0)
            shuffled[answered, j] = codes[rng.permutation(answered), j]
        yield eigenvalues(polychoric_matrix(shuffled, n_categories, weights).matrix)


def eigenvalues(matrix: Floats) -> Floats:
    """Return the eigenvalues of a symmetric matrix, largest first."""
    return np.asarray(np.linalg.eigvalsh(matrix)[::-1])
