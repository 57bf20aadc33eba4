"""Item analysis: how well the items of an index belong together, and how exactly they measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import Fault, InsufficientDataError
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.describe import bind
from coprodstats.survey.design import ResolvedDesign, SurveyDesign, design_df, design_variance
from coprodstats.survey.display import record_html
from coprodstats.survey.domains import Domain, domain_rows
from coprodstats.survey.factors import (
    FEWEST_FOR_ONE,
    FactorSolution,
    eigenvalues,
    factor_solution,
    omega_total,
)
from coprodstats.survey.items import ItemAnswers, item_answers
from coprodstats.survey.polychoric import Polychoric, polychoric_matrix

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ITEM_COLUMNS = (
    "item", "n", "mean", "std_dev", "item_rest", "alpha_without", "loading", "loading_polychoric",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemAnalysis:
    """How well some items make one scale.

    Attributes
    ----------
    items
        One row per item: ``item, n`` (respondents who answered it), weighted ``mean`` and ``std_dev`` of its
        scores, ``item_rest`` (its correlation with the sum of the others), ``alpha_without`` it, and its
        loading on the common factor of the correlations, ``loading``, and of the polychoric ones,
        ``loading_polychoric``.
    measures
        One row per measure: ``measure, estimate, std_error, df, conf_low, conf_high, note``.
    polychoric
        Polychoric correlations, items by items.
    n_complete
        Respondents who answered every item: the basis of all but the polychoric correlations and ``n``.
    notes
        What a reader must know.
    """

    items: pd.DataFrame
    measures: pd.DataFrame
    polychoric: pd.DataFrame
    n_complete: int
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the measures."""
        return self.measures.copy()

    def __repr__(self) -> str:
        alpha = self.measures["estimate"].iloc[0]
        return f"<ItemAnalysis of {len(self.items)} items, alpha {alpha:.2f}, n = {self.n_complete}>"

    def _repr_html_(self) -> str:
        return record_html(
            self,
            tables={
                "measures": self.measures,
                "items": self.items,
                "polychoric correlations": self.polychoric.reset_index(names="item"),
            },
        )


def item_analysis(
    data: CleanedSurvey | pd.DataFrame,
    items: str | Sequence[str],
    *,
    design: SurveyDesign | None = None,
    domain: Domain | None = None,
) -> ItemAnalysis:
    """Analyse the items of an index: reliability, item-rest correlations, and one common factor.

    Parameters
    ----------
    data
        A cleaned survey, which brings its design, or a DataFrame.
    items
        The name of an index of the codebook, or three columns at least that point the same way: ordered
        categories, or numbers of a few steps.
    design
        The sampling design; it replaces that of a cleaned survey.
    domain
        True for each row to be analysed.

    Returns
    -------
    ItemAnalysis
        ``measures``: Cronbach's alpha with its interval, McDonald's omega of one factor, both also on the
        polychoric correlations ("ordinal"), the share of the first eigenvalue, the ratio of the first to the
        second, and what one factor leaves (root mean square and largest residual correlation).

    Raises
    ------
    ArgumentError
        With all that is wrong with the items.
    InsufficientDataError
        If an item does not vary, or fewer respondents than items answered all of them.

    Notes
    -----
    Alpha: ``K / (K - 1) (1 - sum of the items' variances / variance of their sum)``, variances weighted
    (Cronbach 1951, *Psychometrika* 16, 297-334; ``svycralpha`` of the R package survey). Its standard error
    is linearised: the influence of a respondent on a variance v is ``w ((x - mean)^2 - v) / sum(w)``, carried
    through the formula to the design's variance; the interval is made on the scale of ``log(1 - alpha)``
    (Bonett 2002, *Journal of Educational and Behavioral Statistics* 27, 335-340). Ordinal alpha: Zumbo,
    Gadermann and Zeisser (2007), *Journal of Modern Applied Statistical Methods* 6, 21-29; it describes the
    normal scores thought to lie behind the answers, not the index made from them.

    Examples
    --------
    >>> rng = np.random.default_rng(9)
    >>> trait = rng.normal(size=400)
    >>> answers = {f"q{k}": np.digitize(trait + rng.normal(size=400), [-1, 0, 1]) for k in range(4)}
    >>> item_analysis(pd.DataFrame(answers), list(answers))
    <ItemAnalysis of 4 items, alpha 0.76, n = 400>
    """
    asked = "item_analysis"
    answers = item_answers(data, items, fewest=FEWEST_FOR_ONE, asked=asked)
    frame, bound = bind(data, design, None)
    inside = domain_rows(domain, frame) & (bound.weights > 0)
    rows = inside & answers.complete
    _require_rows(answers, rows, asked)
    weights = np.where(rows, bound.weights, 0.0)
    covariance = _covariance(answers.scores[rows], weights[rows])
    size = np.sqrt(np.diag(covariance))
    correlations = covariance / np.outer(size, size)
    codes = np.where(inside[:, None], answers.codes, -1)
    ordinal = polychoric_matrix(codes, answers.n_categories, bound.weights)
    plain, latent = factor_solution(correlations, 1), factor_solution(ordinal.matrix, 1)
    measures = [
        _alpha_row(answers.scores, weights, rows, bound),
        _row("McDonald's omega", omega_total(plain)),
        _row("ordinal alpha", alpha(ordinal.matrix), "of the normal scores behind the answers"),
        _row("ordinal omega", omega_total(latent), "of the normal scores behind the answers"),
        *_one_factor_rows(ordinal.matrix, latent),
    ]
    return ItemAnalysis(
        items=_item_rows(answers, weights, covariance, plain, latent, inside),
        measures=pd.DataFrame(measures),
        polychoric=pd.DataFrame(ordinal.matrix, index=list(answers.names), columns=list(answers.names)),
        n_complete=int(rows.sum()),
        notes=_notes(answers, rows, inside, ordinal, (plain, latent)),
    )


def alpha(covariance: Floats) -> float:
    """Return Cronbach's alpha of items with a covariance (or correlation) matrix.

    Examples
    --------
    >>> round(alpha(np.full((3, 3), 0.5) + 0.5 * np.eye(3)), 3)
    0.75
    """
    k = len(covariance)
    return float(k / (k - 1) * (1 - np.trace(covariance) / covariance.sum()))


def alpha_influence(scores: Floats, weights: Floats) -> Floats:
    """Return each respondent's influence on Cronbach's alpha, shape (n,).

    Parameters
    ----------
    scores
        Scores of complete rows, shape (n, items).
    weights
        Weights, shape (n,).
    """
    share = weights / weights.sum()
    k = scores.shape[1]
    parts = np.column_stack([scores, scores.sum(axis=1)])
    squares = (parts - share @ parts) ** 2
    variances = share @ squares
    change = share[:, None] * (squares - variances)
    within, total = variances[:-1].sum(), variances[-1]
    return np.asarray(k / (k - 1) * (-change[:, :-1].sum(axis=1) / total + within * change[:, -1] / total**2))


def _alpha_row(scores: Floats, weights: Floats, rows: Bools, bound: ResolvedDesign) -> dict[str, object]:
    estimate = alpha(_covariance(scores[rows], weights[rows]))
    influence = np.zeros((len(rows), 1))
    influence[rows, 0] = alpha_influence(scores[rows], weights[rows])
    std_error = float(np.sqrt(design_variance(influence, bound, rows)[0, 0]))
    df = design_df(bound, rows)
    half = float(stats.t.isf(0.025, df)) * std_error / (1 - estimate)
    low, high = (1 - (1 - estimate) * float(np.exp(sign * half)) for sign in (1, -1))
    return _row("Cronbach's alpha", estimate) | {
        "std_error": std_error, "df": df, "conf_low": low, "conf_high": high,
    }  # fmt: skip


def _one_factor_rows(matrix: Floats, one: FactorSolution) -> list[dict[str, object]]:
    values = eigenvalues(matrix)
    note = "of the polychoric correlations"
    return [
        _row("share of the first eigenvalue", float(values[0] / values.sum()), note),
        _row("first eigenvalue over second", float(values[0] / values[1]), note),
        _row("root mean square residual of one factor", one.rmsr, note),
        _row("largest residual of one factor", one.largest_residual, note),
    ]


def _item_rows(
    answers: ItemAnswers,
    weights: Floats,
    covariance: Floats,
    plain: FactorSolution,
    latent: FactorSolution,
    inside: Bools,
) -> pd.DataFrame:
    kept = weights > 0
    mean = np.average(answers.scores[kept], axis=0, weights=weights[kept])
    records = []
    for j, name in enumerate(answers.names):
        others = [k for k in range(len(answers.names)) if k != j]
        rest = covariance[np.ix_(others, others)]
        item_rest = covariance[j, others].sum() / np.sqrt(covariance[j, j] * rest.sum())
        answered = int((inside & (answers.codes[:, j] >= 0)).sum())
        records.append(
            (name, answered, mean[j], np.sqrt(covariance[j, j]), item_rest, alpha(rest),
             plain.loadings[j, 0], latent.loadings[j, 0])
        )  # fmt: skip
    return pd.DataFrame(records, columns=list(ITEM_COLUMNS))


def _covariance(scores: Floats, weights: Floats) -> Floats:
    share = weights / weights.sum()
    centred = scores - share @ scores
    # The population's variance, as R's svyvar without its n / (n - 1): a factor that cancels in every ratio.
    return np.asarray((centred * share[:, None]).T @ centred)


def _row(measure: str, estimate: float, note: str = "") -> dict[str, object]:
    blank = {"std_error": np.nan, "df": np.nan, "conf_low": np.nan, "conf_high": np.nan}
    return {"measure": measure, "estimate": estimate, **blank, "note": note}


def _require_rows(answers: ItemAnswers, rows: Bools, asked: str) -> None:
    complete = answers.codes[rows]
    if len(complete) <= len(answers.names):
        found = "fewer respondents than items, or as many, answered every item"
        raise InsufficientDataError(
            Fault(where=asked, found=found, remedy="leave out items that few answered")
        )
    alike = [n for n, column in zip(answers.names, complete.T, strict=True) if np.ptp(column) == 0]
    if alike:
        raise InsufficientDataError(
            *(
                Fault(where=f"{asked}: {n!r}", found="it is the same for all who answered every item")
                for n in alike
            )
        )


def _notes(
    answers: ItemAnswers,
    rows: Bools,
    inside: Bools,
    ordinal: Polychoric,
    solutions: tuple[FactorSolution, FactorSolution],
) -> tuple[str, ...]:
    found = []
    lost = int(inside.sum() - rows.sum())
    if lost:
        found.append(f"{lost:,} of {int(inside.sum()):,} respondents left an item unanswered.")
    pairs = np.argwhere(np.tril(ordinal.at_edge, -1))
    found += [
        f"The polychoric correlation of {answers.names[j]} and {answers.names[i]} is at its edge."
        for i, j in pairs
    ]
    if ordinal.smoothed:
        found.append(
            "The polychoric correlations were smoothed: pairs answered by different people disagree."
        )
    if any(solution.heywood for solution in solutions):
        found.append("An item has no variance of its own beside the factor: omega is not to be trusted.")
    turned = [n for n, value in zip(answers.names, solutions[0].loadings[:, 0], strict=True) if value < 0]
    if turned:
        found.append(f"Pointing the other way than the rest: {', '.join(turned)}.")
    return tuple(found)
