"""The record of a comparison: several models' numbers side by side, and the differences between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.models.margins import interval_frame
from coprodstats.models.multiplicity import ADJUSTMENTS, Adjust, equivalence_p
from coprodstats.models.wald import WaldTest, contrast_covariance, joint_test
from coprodstats.survey.design import DfRule
from coprodstats.survey.display import record_html

Floats = NDArray[np.float64]
Scale = Literal["margin", "coefficient"]

DIFFERENCE_COLUMNS = (
    "difference", "std_error", "statistic", "df", "p_value", "p_adjusted", "conf_low", "conf_high",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Models of several outcomes side by side, and their differences.

    Attributes
    ----------
    names
        The models' names, in the order given.
    pairs
        Which are subtracted: positions (a, b) for the difference b − a.
    scale
        ``"margin"`` (probability, or points of a mean) or ``"coefficient"`` (link scale).
    terms
        What is compared.
    estimates
        Each model's numbers, shape (terms, models).
    covariance
        Joint covariance of the first model's numbers, then the second's, …, shape (models x terms, same).
    df
        Degrees of freedom of intervals and tests.
    df_rule
        The rule that gave them.
    df_statement
        Which they are, in words.
    test
        Joint test that all models have the same numbers.
    n_union
        Respondents in at least one of the samples.
    caveats
        What a reader of the differences must know.
    adjust
        How p values are adjusted for the number of differences: ``"holm"`` or ``"bh"``.
    equivalence
        Bound within which a difference counts as none, or None.
    """

    names: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]
    scale: Scale
    terms: tuple[str, ...]
    estimates: Floats
    covariance: Floats
    df: float
    df_rule: DfRule
    df_statement: str
    test: WaldTest
    n_union: int
    caveats: tuple[str, ...]
    adjust: Adjust = "holm"
    equivalence: float | None = None

    @property
    def label(self) -> str:
        """What the differences are, such as ``"collective − individual"``."""
        return "; ".join(self._contrasts())

    def to_frame(self) -> pd.DataFrame:
        """Return one row per term and pair: the models' numbers, the difference, its standard error, tests.

        Columns ``term, <one per model>, difference, std_error, statistic, df, p_value, p_adjusted, conf_low,
        conf_high``; with three models or more also ``contrast`` after the models. The difference is the later
        model minus the earlier. ``p_adjusted`` is Holm's over all rows unless asked otherwise. With a bound
        of equivalence, ``p_equivalence`` is the larger p value of two one-sided tests: a small one says that
        the difference lies within the bound (Schuirmann 1987).
        """
        difference, covariance = self.differences()
        frame = interval_frame(difference, covariance, self.df).rename(columns={"estimate": "difference"})
        times = len(self.pairs)
        columns: dict[str, object] = {"term": np.repeat(np.array(self.terms, dtype=object), times)}
        columns |= {name: np.repeat(self.estimates[:, k], times) for k, name in enumerate(self.names)}
        shown = ["term", *self.names]
        if len(self.names) > 2:
            columns["contrast"] = self._contrasts() * len(self.terms)
            shown.append("contrast")
        adjusted = ADJUSTMENTS[self.adjust](frame["p_value"].to_numpy())
        named = pd.DataFrame(columns).join(frame.assign(p_adjusted=adjusted))[[*shown, *DIFFERENCE_COLUMNS]]
        named["term"] = named["term"].astype("str")
        if self.equivalence is None:
            return named
        p = equivalence_p(difference, frame["std_error"].to_numpy(), self.df, self.equivalence)
        return named.assign(p_equivalence=p)

    def intervals(self) -> pd.DataFrame:
        """Return each model's own numbers with intervals: one row per model and term."""
        m = len(self.terms)
        parts = []
        for position, name in enumerate(self.names):
            block = slice(position * m, (position + 1) * m)
            frame = interval_frame(self.estimates[:, position], self.covariance[block, block], self.df)
            frame.insert(0, "term", list(self.terms))
            frame.insert(0, "model", name)
            parts.append(frame)
        return pd.concat(parts, ignore_index=True)

    def differences(self) -> tuple[Floats, Floats]:
        """Return the differences, pair by pair within each term, shape (terms x pairs,), and covariance."""
        contrast = self._contrast_matrix(list(self.pairs))
        return contrast @ self.estimates.T.ravel(), contrast_covariance(contrast, self.covariance)

    def term_tests(self) -> pd.DataFrame:
        """Return for each term the test that all models have the same number.

        Columns ``term, statistic, df_num, df_denom, p_value, p_adjusted``: adjusted Wald F, as in
        `coprodstats.wald_test`.
        """
        against_first = self._contrast_matrix([(0, k) for k in range(1, len(self.names))])
        difference = against_first @ self.estimates.T.ravel()
        covariance = contrast_covariance(against_first, self.covariance)
        width = len(self.names) - 1
        rows = []
        for k, term in enumerate(self.terms):
            part = slice(k * width, (k + 1) * width)
            found = joint_test(
                difference[part],
                covariance[part, part],
                df=self.df,
                rule=self.df_rule,
                null=f"{term} is the same in all models",
            )
            rows.append((term, found.statistic, found.df_num, found.df_denom, found.p_value))
        frame = pd.DataFrame(rows, columns=["term", "statistic", "df_num", "df_denom", "p_value"])
        return frame.assign(p_adjusted=ADJUSTMENTS[self.adjust](frame["p_value"].to_numpy()))

    def _contrasts(self) -> list[str]:
        return [f"{self.names[b]} − {self.names[a]}" for a, b in self.pairs]

    def _contrast_matrix(self, pairs: list[tuple[int, int]]) -> Floats:
        terms, models = len(self.terms), len(self.names)
        matrix = np.zeros((terms, len(pairs), models, terms))
        k = np.arange(terms)
        for position, (a, b) in enumerate(pairs):
            matrix[k, position, a, k] = -1.0
            matrix[k, position, b, k] = 1.0
        return matrix.reshape(terms * len(pairs), models * terms)

    def __repr__(self) -> str:
        return f"<Comparison {self.label} of {len(self.terms)} terms on the {self.scale} scale; {self.test}>"

    def _repr_html_(self) -> str:
        return record_html(
            self,
            facts={
                "differences": self.label,
                "scale": self.scale,
                "joint test": str(self.test),
                "df": self.df_statement,
            },
            tables={"differences": self.to_frame()},
        )
