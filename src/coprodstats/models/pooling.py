"""Rubin's rules: the same estimates from several completed data sets as one set, arrays only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import ArgumentError, Fault, InsufficientDataError
from coprodstats.models.wald import DEPENDENCE, WaldTest
from coprodstats.survey.design import DfRule

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RubinEstimate:
    """Estimates combined over m completed data sets.

    Attributes
    ----------
    m
        Number of completed data sets.
    complete_df
        Degrees of freedom that the estimates would have without missing values, one number for all or one
        each, shape (q,); may be infinite.
    estimate
        Mean of the estimates, shape (q,).
    within
        Mean of their covariances, U, shape (q, q).
    between
        Covariance of the estimates across data sets, B, with divisor m - 1, shape (q, q).

    Notes
    -----
    Rubin (1987), *Multiple Imputation for Nonresponse in Surveys*, ch. 3; Barnard and Rubin (1999),
    *Biometrika* 86, 948-955.
    """

    m: int
    complete_df: float | Floats
    estimate: Floats
    within: Floats
    between: Floats

    @property
    def covariance(self) -> Floats:
        """Total covariance, T = U + (1 + 1/m) B, shape (q, q)."""
        return self.within + (1 + 1 / self.m) * self.between

    @property
    def std_error(self) -> Floats:
        """Square roots of the total variances, shape (q,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    @property
    def riv(self) -> Floats:
        """Relative increase of each variance due to missing values, (1 + 1/m) B / U, shape (q,)."""
        share = self.missing_share
        with np.errstate(divide="ignore"):
            return np.asarray(share / (1 - share))

    @property
    def missing_share(self) -> Floats:
        """Share of each total variance that is due to missing values, (1 + 1/m) B / T, shape (q,)."""
        total, missing = np.diag(self.covariance), (1 + 1 / self.m) * np.diag(self.between)
        return np.divide(missing, total, out=np.zeros_like(total), where=total > 0)

    @property
    def fmi(self) -> Floats:
        """Fraction of missing information, (r + 2/(v + 3)) / (r + 1), shape (q,).

        r is the relative increase of the variance and v = (m - 1) / share^2 Rubin's degrees of freedom for
        large samples (Rubin 1987, eq. 3.1.10; SAS MIANALYZE; mice with ``dfcom = Inf``), so that nothing
        missing is a fraction of 0.
        """
        share = self.missing_share
        return np.asarray(share + (1 - share) * 2 * share**2 / (self.m - 1 + 3 * share**2))

    @property
    def df(self) -> Floats:
        """Degrees of freedom of each estimate by Barnard and Rubin, shape (q,)."""
        return barnard_rubin(self.missing_share, self.m, self.complete_df)

    def part(self, index: Sequence[int]) -> RubinEstimate:
        """Return some of the estimates, by position; they share their degrees of freedom."""
        block = np.ix_(index, index)
        return RubinEstimate(
            m=self.m,
            complete_df=float(np.min(self.complete_df)),
            estimate=self.estimate[list(index)],
            within=self.within[block],
            between=self.between[block],
        )


def combine(estimates: Floats, covariances: Floats, *, complete_df: float | Floats) -> RubinEstimate:
    """Combine the estimates of m completed data sets by Rubin's rules.

    Parameters
    ----------
    estimates
        One row per data set, shape (m, q).
    covariances
        Their covariances, shape (m, q, q).
    complete_df
        Degrees of freedom that they would have without missing values; for a survey those of the design. One
        number for all, or one each.

    Returns
    -------
    RubinEstimate
        The combination.

    Raises
    ------
    ArgumentError
        If there are fewer than two data sets, or the shapes do not fit.

    Examples
    --------
    >>> found = combine(np.array([[1.0], [2.0], [3.0]]), np.full((3, 1, 1), 0.5), complete_df=np.inf)
    >>> found.estimate.tolist(), found.covariance.round(4).tolist(), found.df.round(2).tolist()
    ([2.0], [[1.8333]], [3.78])
    """
    m = len(estimates)
    if m < 2 or np.shape(covariances) != (m, estimates.shape[1], estimates.shape[1]):
        found = f"estimates of shape {np.shape(estimates)} and covariances of shape {np.shape(covariances)}"
        allowed = "(m, q) and (m, q, q), m at least 2"
        raise ArgumentError(Fault(where="combine", found=found, allowed=allowed))
    # Taken from the first data set, so that equal estimates have no spread by rounding.
    away, apart = estimates - estimates[0], covariances - covariances[0]
    shift = away.mean(axis=0)
    return RubinEstimate(
        m=m,
        complete_df=complete_df,
        estimate=estimates[0] + shift,
        within=covariances[0] + apart.mean(axis=0),
        between=(away - shift).T @ (away - shift) / (m - 1),
    )


def barnard_rubin(missing_share: Floats, m: int, complete_df: float | Floats) -> Floats:
    """Return the degrees of freedom of combined estimates.

    Parameters
    ----------
    missing_share
        Share of the total variance that is due to missing values, 0 to 1.
    m
        Number of completed data sets.
    complete_df
        Degrees of freedom without missing values; may be infinite.

    Notes
    -----
    Barnard and Rubin (1999), *Biometrika* 86, 948-955: 1/v = 1/v_m + 1/v_obs with v_m = (m - 1)/share^2 and
    v_obs = (1 - share) d (d + 1)/(d + 3), put so that a share of zero needs no limit: it gives v_obs.

    Examples
    --------
    >>> barnard_rubin(np.array([0.0, 0.5]), 5, 30.0).round(3).tolist()
    [28.182, 7.492]
    """
    share = np.asarray(missing_share, dtype=float)
    d = np.asarray(complete_df, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (1 - share) * (d + 1) * d
        small = (m - 1) * t / ((d + 3) * (m - 1) + share**2 * t)
        return np.where(np.isinf(d), (m - 1) / share**2, small)


def joint_test(found: RubinEstimate, *, rule: DfRule, null: str) -> WaldTest:
    """Test that all combined estimates are zero: the statistic D1.

    Parameters
    ----------
    found
        The combined estimates.
    rule
        ``"r"``: D1 as it is; ``"stata"``: times (d - q + 1)/d, as in the adjusted Wald test of a single data
        set (`coprodstats.wald_test`), for the covariance within data sets is estimated from a design with d
        degrees of freedom. Without it, five true hypotheses tested on d = 24 are rejected in 8 % at 5 %, with
        it in 4.5 % (simulated, a tenth of the information missing).
    null
        The hypothesis in words.

    Returns
    -------
    WaldTest
        F on (q, v) degrees of freedom. Linearly dependent estimates are tested once.

    Raises
    ------
    InsufficientDataError
        If there are too few data sets or too few degrees of freedom for as many quantities.

    Notes
    -----
    ``D1 = q'U^-1 q / (k (1 + r))`` with ``r = (1 + 1/m) tr(B U^-1) / k`` (Li, Raghunathan and Rubin 1991,
    *JASA* 86, 1065-1073); degrees of freedom after Reiter (2007), *Biometrika* 94, 502-508, those of Li and
    others for an infinite d; one quantity has Barnard and Rubin's, so that its test is that of the table.
    """
    size = np.sqrt(np.diag(found.within))
    keep = size > 0
    d = float(np.min(found.complete_df))
    if not keep.any():
        return WaldTest(statistic=np.nan, df_num=0, df_denom=d, p_value=np.nan, n_restrictions=0, null=null)
    if keep.sum() > d:
        raise _too_little(f"{int(keep.sum())} quantities and {d:.0f} degrees of freedom")
    values, vectors = np.linalg.eigh(found.within[np.ix_(keep, keep)] / np.outer(size[keep], size[keep]))
    free = values > DEPENDENCE * values[-1]
    whiten = (vectors[:, free] / np.sqrt(values[free])).T / size[keep]
    z = whiten @ found.estimate[keep]
    q = len(z)
    r = (1 + 1 / found.m) * float(np.trace(whiten @ found.between[np.ix_(keep, keep)] @ whiten.T)) / q
    adjusted = rule == "stata" and np.isfinite(d)
    statistic = float(z @ z) / (q * (1 + r)) * ((d - q + 1) / d if adjusted else 1.0)
    df = float(barnard_rubin(np.array(r / (1 + r)), found.m, d)) if q == 1 else _denominator(r, q, found.m, d)
    p_value = float(stats.f.sf(statistic, q, df) if np.isfinite(df) else stats.chi2.sf(q * statistic, q))
    return WaldTest(statistic=statistic, df_num=q, df_denom=df, p_value=p_value, n_restrictions=q, null=null)


def _denominator(r: float, k: int, m: int, d: float) -> float:
    """Return the denominator's degrees of freedom of D1 for k >= 2 quantities."""
    t = k * (m - 1)
    if np.isinf(d):
        if r == 0:
            return np.inf
        if t > 4:
            return 4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2
        return t * (1 + 1 / k) * (1 + 1 / r) ** 2 / 2
    if t <= 4:
        raise _too_little(f"{m} completed data sets for {k} quantities", "m larger")
    a = r * t / (t - 2)
    v = (d + 1) / (d + 3) * d
    c1, c2 = v - 2 * (1 + a), v - 4 * (1 + a)
    if c2 <= 0:
        raise _too_little(f"{d:.0f} degrees of freedom, of which too few are left by what is missing")
    missing = (
        a**2 * c1 / ((1 + a) ** 2 * c2)
        + 8 * a**2 * c1 / ((1 + a) * c2**2)
        + 4 * a**2 / ((1 + a) * c2)
        + 4 * a**2 / (c2 * c1)
        + 16 * a**2 * c1 / c2**3
        + 8 * a**2 / c2**2
    )
    return float(4 + 1 / (1 / c2 + missing / (t - 4)))


def _too_little(found: str, remedy: str = "test fewer terms together") -> InsufficientDataError:
    return InsufficientDataError(Fault(where="joint test after imputation", found=found, remedy=remedy))
