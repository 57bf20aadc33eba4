"""Wald tests of several parameters at once, adjusted for the design's degrees of freedom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import ArgumentError, Fault, InsufficientDataError, did_you_mean, listed
from coprodstats.models.refit import require_model
from coprodstats.models.results import FittedModel
from coprodstats.models.terms import names_of
from coprodstats.survey.design import DfRule
from coprodstats.survey.display import record_html

Floats = NDArray[np.float64]

# Eigenvalues of the correlation matrix below this share of the largest are linear dependence.
DEPENDENCE = 1e-9
# A difference with this share of its sides' variances has none: what is left is rounding, of either sign.
ROUNDING = 64 * np.finfo(float).eps


@dataclass(frozen=True, slots=True, kw_only=True)
class WaldTest:
    """A joint test that some quantities are all zero.

    Attributes
    ----------
    statistic
        The F statistic.
    df_num, df_denom
        Its degrees of freedom; an infinite denominator is a chi-squared test.
    p_value
        Upper tail probability.
    n_restrictions
        Number of linearly independent quantities tested.
    null
        The hypothesis in words.
    """

    statistic: float
    df_num: int
    df_denom: float
    p_value: float
    n_restrictions: int
    null: str

    def __str__(self) -> str:
        denominator = "∞" if np.isinf(self.df_denom) else f"{self.df_denom:.0f}"
        test = f"F({self.df_num}, {denominator}) = {self.statistic:.4f}, p = {self.p_value:.4g}"
        return f"{test}; null: {self.null}"

    def _repr_html_(self) -> str:
        return record_html(self)


def wald_test(model: FittedModel, terms: Sequence[str] | str) -> WaldTest:
    """Test that all coefficients of some terms are zero.

    Parameters
    ----------
    model
        A fitted model.
    terms
        Names of terms (``"age"``, ``"country"``, ``"age:country"``) or parameters (``"country[T.DK]"``).

    Returns
    -------
    WaldTest
        Adjusted F: ``W (d - q + 1) / (d q)`` on (q, d - q + 1) degrees of freedom (Korn and Graubard 1990,
        *The American Statistician* 44, 270-276; Stata's ``test``); with ``df_rule="r"`` ``W / q`` on (q, df).

    Raises
    ------
    ArgumentError
        If a term is not in the model.
    InsufficientDataError
        If there are more coefficients than degrees of freedom.

    Examples
    --------
    >>> import pandas as pd
    >>> from coprodstats import logit
    >>> frame = pd.DataFrame({"helps": [0, 1, 0, 1, 1, 0, 1, 1], "age": [20, 30, 40, 50, 60, 45, 35, 70]})
    >>> model = logit("helps ~ age", frame)
    >>> bool(abs(wald_test(model, "age").statistic - model.tvalues["age"] ** 2) < 1e-9)
    True
    """
    require_model(model, "wald_test")
    wanted = names_of(terms, "wald_test: terms")
    chosen = [_positions(model, term) for term in wanted]
    index = sorted({j for positions in chosen for j in positions})
    return joint_test(
        model.estimates[index],
        model.covariance_matrix[np.ix_(index, index)],
        df=model.df,
        rule=model.df_rule,
        null=f"the coefficients of {listed(wanted)} are zero",
    )


def joint_test(estimate: Floats, covariance: Floats, *, df: float, rule: DfRule, null: str) -> WaldTest:
    """Return the Wald test that all of ``estimate`` is zero.

    Parameters
    ----------
    estimate
        Quantities, shape (q,).
    covariance
        Their covariance, shape (q, q); where it is singular only the independent directions are tested.
    df
        Degrees of freedom of the covariance.
    rule
        ``"stata"``: adjusted F; ``"r"``: ``W / q`` on (q, df).
    null
        The hypothesis in words.

    Raises
    ------
    InsufficientDataError
        If there are more uncertain quantities than degrees of freedom.
    """
    size = np.sqrt(np.diag(covariance))
    keep = size > 0
    if not keep.any():
        return WaldTest(statistic=np.nan, df_num=0, df_denom=df, p_value=np.nan, n_restrictions=0, null=null)
    # Counted before dependence is looked for: d degrees of freedom give a covariance of rank d at most, so
    # that the directions left would be tested in the name of all.
    if keep.sum() > df:
        raise InsufficientDataError(
            Fault(
                where="Wald test",
                found=f"{int(keep.sum())} restrictions and {df:.0f} degrees of freedom",
                allowed="at most as many restrictions as degrees of freedom",
                remedy="test fewer terms together",
            )
        )
    z = estimate[keep] / size[keep]
    values, vectors = np.linalg.eigh(covariance[np.ix_(keep, keep)] / np.outer(size[keep], size[keep]))
    independent = values > DEPENDENCE * values[-1]
    q = int(independent.sum())
    w = float((((vectors.T @ z)[independent]) ** 2 / values[independent]).sum())
    if np.isinf(df):
        statistic, denominator = w / q, np.inf
    elif rule == "stata":
        statistic, denominator = w * (df - q + 1) / (df * q), df - q + 1
    else:
        statistic, denominator = w / q, df
    p_value = stats.chi2.sf(w, q) if np.isinf(df) else stats.f.sf(statistic, q, denominator)
    return WaldTest(
        statistic=statistic,
        df_num=q,
        df_denom=denominator,
        p_value=float(p_value),
        n_restrictions=q,
        null=null,
    )


def contrast_covariance(contrast: Floats, covariance: Floats) -> Floats:
    """Return the covariance of contrasts, exactly zero for those of quantities that always agree.

    Parameters
    ----------
    contrast
        The contrasts, shape (m, q).
    covariance
        Covariance of the quantities, shape (q, q).

    Examples
    --------
    >>> contrast_covariance(np.array([[1.0, -1.0]]), np.full((2, 2), 0.1)).tolist()
    [[0.0]]
    """
    found = np.asarray(contrast @ covariance @ contrast.T)
    none = np.diag(found) <= ROUNDING * (contrast**2 @ np.diag(covariance))
    found[none, :] = found[:, none] = 0.0
    return found


def _positions(model: FittedModel, term: str) -> list[int]:
    found = [j for j, p in enumerate(model.parameters) if term in (p.term, p.name)]
    if not found:
        names = list(dict.fromkeys(name for p in model.parameters for name in (p.term, p.name)))
        raise ArgumentError(
            Fault(
                where=f"model {model.name!r}",
                found=f"it has no term {term!r}",
                allowed=listed(names, most=30),
                remedy=did_you_mean(str(term), names),
            )
        )
    return found
