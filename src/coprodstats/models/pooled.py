"""The record of estimates combined over completed data sets, and joint tests of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from coprodstats.errors import ArgumentError, Fault, did_you_mean, listed
from coprodstats.models.pooling import RubinEstimate, joint_test
from coprodstats.models.wald import WaldTest
from coprodstats.survey.design import DfRule
from coprodstats.survey.display import record_html


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooled:
    """What was estimated on several completed data sets, combined.

    Attributes
    ----------
    m
        Number of completed data sets.
    estimates
        The combined estimates with covariances within and between data sets; those of a table have no
        covariances with one another.
    names
        Their names: a model's parameters, or a comparison's terms; empty for a table.
    terms
        The terms that they belong to, likewise.
    df_rule
        The rule behind the complete-data degrees of freedom; None for a table.
    test
        The joint test of a comparison; None otherwise.
    warnings
        What a reader of the numbers should know.
    """

    m: int
    estimates: RubinEstimate = field(repr=False)
    names: tuple[str, ...]
    terms: tuple[str, ...] = field(repr=False)
    df_rule: DfRule | None = field(repr=False)
    test: WaldTest | None
    warnings: tuple[str, ...]
    _frame: pd.DataFrame = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return the columns of the results that were combined, and ``riv`` and ``fmi``.

        ``std_error``, ``df`` (Barnard and Rubin), tests and intervals are those of the combination; ``riv``
        is the relative increase of the variance due to missing values and ``fmi`` the fraction of information
        that is missing.
        """
        return self._frame.copy()

    def _repr_html_(self) -> str:
        return record_html(self, tables={"combined": self._frame})


def pooled_wald_test(pooled: Pooled, terms: Sequence[str] | str) -> WaldTest:
    """Test that all coefficients of some terms of a combined model are zero.

    Parameters
    ----------
    pooled
        What `coprodstats.pool` made of fitted models.
    terms
        Names of terms (``"age"``, ``"country"``) or parameters (``"country[T.DK]"``).

    Returns
    -------
    WaldTest
        The statistic D1, adjusted for the design as `coprodstats.wald_test` is; see
        `coprodstats.models.pooling.joint_test`.

    Raises
    ------
    ArgumentError
        If it is no combined model, or a term is not in it.
    InsufficientDataError
        If there are too few data sets or degrees of freedom for as many coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> from coprodstats import impute, logit, pool
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"age": rng.integers(18, 90, 200), "joins": rng.random(200) < 0.4})
    >>> frame["joins"] = frame["joins"].astype("boolean").mask(rng.random(200) < 0.2)
    >>> found = pool(impute(frame, ["age", "joins"], m=5, seed=2), lambda data: logit("joins ~ age", data))
    >>> bool(np.isclose(pooled_wald_test(found, "age").p_value, found.to_frame()["p_value"][1]))
    True
    """
    where = "pooled_wald_test"
    if pooled.df_rule is None or pooled.test is not None:
        raise ArgumentError(Fault(where=where, found="it does not combine fitted models"))
    wanted = [terms] if isinstance(terms, str) else list(terms)
    known = list(
        dict.fromkeys(name for pair in zip(pooled.terms, pooled.names, strict=True) for name in pair)
    )
    faults = [
        Fault(
            where=where,
            found=f"the model has no term {term!r}",
            allowed=listed(known, most=30),
            remedy=did_you_mean(str(term), known),
        )
        for term in wanted
        if term not in known
    ]
    if faults or not wanted:
        raise ArgumentError(*faults or [Fault(where=where, found="no term is named", allowed="one at least")])
    pairs = enumerate(zip(pooled.terms, pooled.names, strict=True))
    index = [j for j, pair in pairs if not set(pair).isdisjoint(wanted)]
    null = f"the coefficients of {listed(wanted)} are zero"
    return joint_test(pooled.estimates.part(index), rule=pooled.df_rule, null=null)
