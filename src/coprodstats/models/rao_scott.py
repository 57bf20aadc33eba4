"""Rao and Scott's likelihood-ratio test: the ratio's distribution is that of the design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import integrate, optimize, stats

from coprodstats.errors import listed
from coprodstats.models.refit import fit_rows, naive_covariance, own_fit, working_weights
from coprodstats.models.results import FittedModel
from coprodstats.models.terms import slope_positions
from coprodstats.survey.display import record_html

Floats = NDArray[np.float64]

# How much the path of integration bends, per squared width; and the share of the sum at which it may end.
BEND = 0.1
NEGLIGIBLE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class RaoScottTest:
    """A likelihood-ratio test whose distribution is that of the design.

    Attributes
    ----------
    model
        The model's name.
    statistic
        F: the likelihood ratio over the sum of the eigenvalues.
    df_num, df_denom
        Its degrees of freedom by Satterthwaite's approximation; an infinite denominator is chi-squared.
    p_value
        Upper tail probability of that F distribution.
    p_value_mixture
        The same without Satterthwaite's approximation: of the weighted sum of chi-squared variables over the
        independent chi-squared variable of the denominator.
    likelihood_ratio
        Twice the difference of the weighted log-likelihoods, weights scaled to sum to n.
    eigenvalues
        Design effects of the tested combinations of coefficients, largest first.
    n_restrictions
        Number of coefficients tested.
    null
        The hypothesis in words.
    """

    model: str
    statistic: float
    df_num: float
    df_denom: float
    p_value: float
    p_value_mixture: float
    likelihood_ratio: float
    eigenvalues: tuple[float, ...]
    n_restrictions: int
    null: str

    def to_frame(self) -> pd.DataFrame:
        """Return the test as one row."""
        names = [
            "model", "statistic", "df_num", "df_denom", "p_value", "p_value_mixture", "likelihood_ratio",
            "n_restrictions", "null",
        ]  # fmt: skip
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def _repr_html_(self) -> str:
        return record_html(self)


def rao_scott_test(model: FittedModel, terms: Sequence[str] | str) -> RaoScottTest:
    """Test by the likelihood ratio that all coefficients of some terms are zero, under the design.

    Parameters
    ----------
    model
        A logistic or ordinal model.
    terms
        Names of terms or parameters, as for `wald_test`.

    Returns
    -------
    RaoScottTest
        The smaller model is fitted to the same respondents.

    Raises
    ------
    ArgumentError
        If a term is not in the model, or the model is penalised or of another family.

    Notes
    -----
    The weighted likelihood ratio is distributed as ``sum_j lambda_j chi²_1`` with lambda the eigenvalues of
    ``V0^-1 V``, V0 the model-based and V the design's covariance of the tested coefficients (Rao and Scott
    1984, *Annals of Statistics* 12, 46-60; Lumley and Scott 2014, *Australian & New Zealand Journal of
    Statistics* 56, 1-14), as ``regTermTest(method = "LRT")`` in R. The mixture's tail is
    the inverse Laplace transform of its moment generating function, integrated numerically through the
    saddlepoint; R's default is Kuonen's (1999, *Biometrika* 86, 929-935) approximation of that integral,
    which is some per cent away.

    Examples
    --------
    >>> from coprodstats import logit
    >>> frame = pd.DataFrame({"helps": [0, 1, 0, 1, 1, 0, 1, 1], "age": [20, 30, 40, 50, 60, 45, 35, 70]})
    >>> test = rao_scott_test(logit("helps ~ age", frame), "age")
    >>> test.df_num, test.df_denom
    (1.0, 7.0)
    """
    x, fit = own_fit(model, "rao_scott_test")
    positions = slope_positions(model, terms, "rao_scott_test")
    slopes = [j for j, parameter in enumerate(model.parameters) if parameter.kind == "slope"]
    kept = [k for k, j in enumerate(slopes) if j not in positions]
    n_cuts = len(model.categories) - 1
    smaller = fit_rows(x[:, kept], model.sample_y, working_weights(model), n_cuts=n_cuts, link=model.link)
    ratio = max(2 * (fit.loglik - smaller.loglik), 0.0)
    block = np.ix_(positions, positions)
    eigenvalues = _eigenvalues(naive_covariance(model, fit)[block], model.covariance_matrix[block])
    statistic = ratio / eigenvalues.sum()
    df_num = float(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())
    wanted = [terms] if isinstance(terms, str) else list(terms)
    return RaoScottTest(
        model=model.name,
        statistic=float(statistic),
        df_num=df_num,
        df_denom=model.df,
        p_value=_f_tail(statistic, df_num, model.df),
        p_value_mixture=mixture_tail(ratio, eigenvalues, model.df),
        likelihood_ratio=float(ratio),
        eigenvalues=tuple(float(value) for value in eigenvalues),
        n_restrictions=len(positions),
        null=f"the coefficients of {listed(wanted)} are zero",
    )


def _eigenvalues(naive: Floats, covariance: Floats) -> Floats:
    """Return the eigenvalues of naive^-1 covariance, largest first; negative rounding is zero."""
    lower = np.linalg.cholesky(naive)
    half = np.linalg.solve(lower, covariance)
    values = np.linalg.eigvalsh(np.linalg.solve(lower, half.T))
    return np.maximum(values[::-1], 0.0)


def _f_tail(statistic: float, df_num: float, df: float) -> float:
    if np.isinf(df):
        return float(stats.chi2.sf(statistic * df_num, df_num))
    return float(stats.f.sf(statistic, df_num, df))


def mixture_tail(value: float, weights: Floats, df: float) -> float:
    """Return P(sum_j weights_j chi²_1 > value * chi²_df / df), all variables independent.

    Parameters
    ----------
    value
        A number of at least 0.
    weights
        Numbers of at least 0, at least one above, shape (q,).
    df
        Degrees of freedom of the denominator; infinite for none.

    Examples
    --------
    >>> round(mixture_tail(3.841459, np.array([1.0]), np.inf), 6)
    0.05
    """
    scaled = np.asarray(weights)[np.asarray(weights) > 0] / np.sum(weights)
    at = value / float(np.sum(weights))
    if at <= 0:
        return 1.0
    a, h, threshold = scaled, np.ones(len(scaled)), at
    if np.isfinite(df):
        a, h, threshold = np.append(a, -at / df), np.append(h, df), 0.0
    return _upper_tail(a, h, threshold)


def _upper_tail(a: Floats, h: Floats, threshold: float) -> float:
    """Return P(sum_j a_j chi²_{h_j} > threshold) with full relative accuracy, however small it is.

    ``exp(K(s) - s threshold) / s`` is integrated along a parabola through the saddlepoint, open to the right,
    where K is the cumulant generating function: there the integrand neither oscillates nor underflows.
    """

    def slope(s: float) -> float:
        return float(h @ (a / (1 - 2 * a * s)) - threshold)

    def exponent(s: complex) -> complex:
        return complex(-0.5 * (h @ np.log(1 - 2 * a * s)) - s * threshold)

    pole = 1 / (2 * float(a.max()))
    at = 0.1 * pole  # any point between 0 and the pole is right; the saddlepoint is the smoothest
    if slope(at) < 0:
        at = float(optimize.brentq(slope, at, pole * (1 - 1e-13)))
    width = 1 / np.sqrt(2 * (h @ (a / (1 - 2 * a * at)) ** 2))
    peak = exponent(complex(at))

    def integrand(u: float) -> float:
        s = complex(at + width * (1j * u + BEND * u * u))
        along = width * (1j + 2 * BEND * u)
        return float((np.exp(exponent(s) - peak) / s * along).imag)

    total = 0.0
    for start, end in pairwise([0.0, *2.0 ** np.arange(60)]):
        part = integrate.quad(integrand, start, end, limit=200, epsabs=1e-14, epsrel=1e-10)[0]
        total += part
        if abs(part) < NEGLIGIBLE * abs(total):
            break
    return float(min(np.exp(peak.real) * total / np.pi, 1.0))
