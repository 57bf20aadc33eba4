"""How many things some items measure: parallel analysis, and two factors beside one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, Fault, InsufficientDataError, listed
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.describe import bind
from coprodstats.survey.design import SurveyDesign
from coprodstats.survey.display import record_html
from coprodstats.survey.domains import Domain, domain_rows
from coprodstats.survey.factors import (
    FEWEST_FOR_TWO,
    FactorSolution,
    eigenvalues,
    factor_solution,
    random_eigenvalues,
)
from coprodstats.survey.items import item_answers
from coprodstats.survey.polychoric import polychoric_matrix
from coprodstats.survey.progress import Progress, progress_faults, teller

Floats = NDArray[np.float64]

# A root mean square residual below it leaves nothing to explain (Hu and Bentler 1999, for the SRMR).
SMALL_RESIDUAL = 0.08
PERCENTILE = 95


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dimensionality:
    """How many dimensions some items have.

    Attributes
    ----------
    eigenvalues
        One row per eigenvalue of the polychoric correlations: ``position, eigenvalue, random_mean,
        random_95, kept``, the largest first; ``random`` is of the items shuffled apart.
    n_dimensions
        Leading eigenvalues above the 95th percentile of chance.
    loadings
        One row per item: ``item, one_factor, first_of_two, second_of_two[, set, nearer]``.
    fit
        One row per solution: ``factors, rmsr, largest_residual, correlation`` of the two factors.
    seed, n_replicates
        Of the shuffles.
    notes
        What the numbers say, in words.
    """

    eigenvalues: pd.DataFrame
    n_dimensions: int
    loadings: pd.DataFrame
    fit: pd.DataFrame
    seed: int
    n_replicates: int
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the eigenvalues beside those of chance."""
        return self.eigenvalues.copy()

    def __repr__(self) -> str:
        return f"<Dimensionality of {len(self.loadings)} items: {self.n_dimensions}>"

    def _repr_html_(self) -> str:
        return record_html(
            self, tables={"eigenvalues": self.eigenvalues, "fit": self.fit, "loadings": self.loadings}
        )


def dimensionality(
    data: CleanedSurvey | pd.DataFrame,
    items: str | Sequence[str] | Mapping[str, Sequence[str]],
    *,
    seed: int,
    n_replicates: int = 100,
    design: SurveyDesign | None = None,
    domain: Domain | None = None,
    progress: bool | Progress | None = None,
) -> Dimensionality:
    """Return how many dimensions items have, and whether two factors tell more than one.

    Parameters
    ----------
    data
        A cleaned survey, which brings its weights, or a DataFrame.
    items
        The name of an index of the codebook; five columns at least; or sets of columns by name, such as
        ``{"individual": [...], "collective": [...]}``, to see whether they come apart as declared.
    seed
        Seed of the shuffles (NumPy's PCG64).
    n_replicates
        How many, 20 at least.
    design, domain
        As for `coprodstats.item_analysis`.
    progress
        True for a bar, or a function that is called with the number of shuffles done and their total.

    Returns
    -------
    Dimensionality
        Parallel analysis, and the one- and two-factor solutions of the polychoric correlations.

    Raises
    ------
    ArgumentError
        With all that is wrong with the items or ``n_replicates``.
    InsufficientDataError
        If an item does not vary.

    Notes
    -----
    Parallel analysis: Horn (1965), *Psychometrika* 30, 179-185, by shuffling each item's answers, against the
    95th percentile (Glorfeld 1995, *Educational and Psychological Measurement* 55, 377-393). Two factors are
    rotated obliquely; on polychoric correlations there is no trustworthy chi-squared test between one factor
    and two, so that what each leaves is compared instead.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> traits = rng.normal(size=(500, 2)).repeat(3, axis=1)
    >>> answers = ((traits + rng.normal(size=(500, 6))) > 0).astype(int)
    >>> frame = pd.DataFrame(answers, columns=list("abcdef"))
    >>> dimensionality(frame, list(frame), seed=1, n_replicates=20).n_dimensions
    2
    """
    asked = "dimensionality"
    sets = {str(k): list(v) for k, v in items.items()} if isinstance(items, Mapping) else {}
    _check(sets, n_replicates, progress, asked)
    tell = teller(progress, "shuffles")
    flat = [name for names in sets.values() for name in names] if sets else items
    answers = item_answers(
        data, flat if not isinstance(flat, Mapping) else [], fewest=FEWEST_FOR_TWO, asked=asked
    )
    frame, bound = bind(data, design, None)
    inside = domain_rows(domain, frame) & (bound.weights > 0)
    codes = np.where(inside[:, None], answers.codes, -1)[inside]
    weights = bound.weights[inside]
    alike = [n for n, c in zip(answers.names, codes.T, strict=True) if len(np.unique(c[c >= 0])) < 2]
    if alike:
        raise InsufficientDataError(
            *(Fault(where=f"{asked}: {name!r}", found="all its answers are the same") for name in alike)
        )
    found = polychoric_matrix(codes, answers.n_categories, weights)
    draws = []
    for values in random_eigenvalues(
        codes, answers.n_categories, weights, n_replicates=n_replicates, seed=seed
    ):
        draws.append(values)
        if tell is not None:
            tell(len(draws), n_replicates)
    table, kept = _against_chance(eigenvalues(found.matrix), np.array(draws))
    one, two = factor_solution(found.matrix, 1), factor_solution(found.matrix, 2)
    loadings = _loadings(answers.names, one, two, sets)
    notes = _notes(kept, one, two, loadings, smoothed=found.smoothed)
    return Dimensionality(
        eigenvalues=table,
        n_dimensions=kept,
        loadings=loadings,
        fit=_fit(one, two),
        seed=seed,
        n_replicates=n_replicates,
        notes=notes,
    )


def _check(sets: dict[str, list[str]], n_replicates: object, progress: object, asked: str) -> None:
    faults = progress_faults(progress, asked)
    names = [name for members in sets.values() for name in members]
    twice = sorted({name for name in names if names.count(name) > 1})
    if sets and len(sets) != 2:
        faults.append(
            Fault(where=f"{asked}: items", found=f"{len(sets)} sets", allowed="two sets, or a list")
        )
    if twice:
        faults.append(Fault(where=f"{asked}: items", found=f"{listed(twice)} is in more than one set"))
    if isinstance(n_replicates, bool) or not isinstance(n_replicates, int) or n_replicates < 20:
        found = f"{n_replicates!r}"
        faults.append(
            Fault(where=f"{asked}: n_replicates", found=found, allowed="a whole number of 20 at least")
        )
    if faults:
        raise ArgumentError(*faults)


def _against_chance(values: Floats, draws: Floats) -> tuple[pd.DataFrame, int]:
    chance = np.percentile(draws, PERCENTILE, axis=0)
    above = values > chance
    kept = len(values) if above.all() else int(np.argmin(above))
    table = pd.DataFrame(
        {
            "position": np.arange(1, len(values) + 1),
            "eigenvalue": values,
            "random_mean": draws.mean(axis=0),
            "random_95": chance,
            "kept": np.arange(len(values)) < kept,
        }
    )
    return table, kept


def _loadings(
    names: tuple[str, ...], one: FactorSolution, two: FactorSolution, sets: dict[str, list[str]]
) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "item": list(names),
            "one_factor": one.loadings[:, 0],
            "first_of_two": two.loadings[:, 0],
            "second_of_two": two.loadings[:, 1],
        }
    )
    if not sets:
        return frame
    home = {name: key for key, members in sets.items() for name in members}
    frame["set"] = [home[name] for name in names]
    first, second = sets
    # Which factor stands for which set: the assignment under which more items lie where they were declared.
    nearer = np.abs(two.loadings).argmax(axis=1)
    as_declared = (nearer == (frame["set"] == second).to_numpy()).sum()
    keys = (first, second) if as_declared * 2 >= len(names) else (second, first)
    frame["nearer"] = [keys[k] for k in nearer]
    return frame


def _fit(one: FactorSolution, two: FactorSolution) -> pd.DataFrame:
    rows = [
        (1, one.rmsr, one.largest_residual, np.nan),
        (2, two.rmsr, two.largest_residual, two.correlation[0, 1]),
    ]
    return pd.DataFrame(rows, columns=["factors", "rmsr", "largest_residual", "correlation"])


def _notes(
    kept: int, one: FactorSolution, two: FactorSolution, loadings: pd.DataFrame, *, smoothed: bool
) -> tuple[str, ...]:
    times = "dimension stands" if kept == 1 else "dimensions stand"
    found = [f"{kept} {times} out from chance."]
    enough = "little" if one.rmsr < SMALL_RESIDUAL else "more than little"
    found.append(
        f"One factor leaves {enough} unexplained (root mean square residual {one.rmsr:.2f}); two leave "
        f"{two.rmsr:.2f}, and they correlate {two.correlation[0, 1]:.2f}."
    )
    if "nearer" in loadings:
        apart = loadings.loc[loadings["set"] != loadings["nearer"], "item"].tolist()
        found.append(
            "Every item lies with its own set."
            if not apart
            else f"Nearer to the other set: {', '.join(apart)}."
        )
    if two.heywood:
        found.append(
            "In the two-factor solution an item has no variance of its own: it is not to be trusted."
        )
    if smoothed:
        found.append(
            "The polychoric correlations were smoothed: pairs answered by different people disagree."
        )
    return tuple(found)
