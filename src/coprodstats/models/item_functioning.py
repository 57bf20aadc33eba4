"""Differential item functioning: whether people of the same level answer an item alike in all groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, Fault, InsufficientDataError, did_you_mean, listed
from coprodstats.models.fit import ologit
from coprodstats.models.margins import margin_estimates
from coprodstats.models.multiplicity import ADJUSTMENTS, Adjust
from coprodstats.models.results import FittedModel
from coprodstats.models.wald import wald_test
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import SurveyDesign
from coprodstats.survey.display import record_html
from coprodstats.survey.items import ItemAnswers, item_answers

Floats = NDArray[np.float64]

# Changes in Nagelkerke's pseudo R squared (Jodoin and Gierl 2001).
MODERATE, LARGE = 0.035, 0.070
ANSWER, LEVEL, GROUP = "item_answer", "level_of_others", "group_of_respondent"
COLUMNS = (
    "item", "n", "uniform_f", "uniform_df_num", "uniform_df_denom", "uniform_p", "uniform_p_adjusted",
    "slopes_f", "slopes_df_num", "slopes_df_denom", "slopes_p", "slopes_p_adjusted", "r_squared_change",
    "size", "largest_gap", "between",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemFunctioning:
    """Whether items work alike in all groups.

    Attributes
    ----------
    group
        The grouping column.
    table
        One row per item: ``item, n``; ``uniform_…``: the test that groups answer alike at the same level of
        the other items; ``slopes_…``: the test that the item goes with the others alike in all groups; both
        as F, its degrees of freedom, p, and p adjusted over items; ``r_squared_change``: Nagelkerke's pseudo
        R squared of the model with groups and slopes minus that without; ``size``: negligible, moderate or
        large; ``largest_gap``: the largest difference between two groups in the expected answer, in steps of
        the item, everyone's other items as they are; ``between``: which two groups, the higher first.
    n_answered
        Respondents who answered every item and whose group is known.
    sentences
        One sentence per item, in plain words.
    """

    group: str
    table: pd.DataFrame
    n_answered: int
    sentences: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def __repr__(self) -> str:
        large = int((self.table["size"] != "negligible").sum())
        return f"<ItemFunctioning of {len(self.table)} items by {self.group}: {large} not negligible>"

    def _repr_html_(self) -> str:
        return record_html(self, tables={"items": self.table})


def item_functioning(
    data: CleanedSurvey | pd.DataFrame,
    items: str | Sequence[str],
    *,
    group: str,
    design: SurveyDesign | None = None,
    adjust: Adjust = "holm",
) -> ItemFunctioning:
    """Test whether items work alike in all groups, given the answers to the other items.

    Parameters
    ----------
    data
        A cleaned survey, which brings its design, or a DataFrame.
    items
        The name of an index of the codebook, or three columns at least that point the same way.
    group
        A categorical column: country, say.
    design
        The sampling design; it replaces that of a cleaned survey.
    adjust
        How p values are adjusted for the number of items: ``"holm"`` or ``"bh"``.

    Returns
    -------
    ItemFunctioning
        Tests under the design, effect sizes, and a sentence per item.

    Raises
    ------
    ArgumentError
        With all that is wrong with the items or the group.
    InsufficientDataError
        If an item does not vary, or no respondent answered all of them.

    Notes
    -----
    Ordinal logistic regression of each item on the mean score of the others (0-1 each), on groups, and on
    groups times score (Swaminathan and Rogers 1990, *Journal of Educational Measurement* 27, 361-370; Zumbo
    1999, *A Handbook on the Theory and Methods of Differential Item Functioning*); adjusted Wald F under the
    design. Sizes after Jodoin and Gierl (2001), *Applied Measurement in Education* 14, 329-349: below 0.035
    negligible, below 0.070 moderate. Differences between groups may come from translation, from how a service
    is organised, or from the trait itself where all other items share a difference.

    Examples
    --------
    >>> rng = np.random.default_rng(6)
    >>> trait, where = rng.normal(size=900), rng.integers(0, 2, 900)
    >>> latent = trait[:, None] + rng.logistic(size=(900, 4)) + np.outer(where, [0, 0, 0, 2.0])
    >>> frame = pd.DataFrame(np.digitize(latent, [-1, 1]), columns=list("abcd"))
    >>> found = item_functioning(frame.assign(land=np.array(["DK", "FR"])[where]), list("abcd"), group="land")
    >>> found.table.set_index("item")["between"]["d"]
    'FR, DK'
    """
    asked = "item_functioning"
    if adjust not in ADJUSTMENTS:
        fault = Fault(where=f"{asked}: adjust", found=f"{adjust!r}", allowed=listed(list(ADJUSTMENTS)))
        raise ArgumentError(fault)
    answers = item_answers(data, items, fewest=3, asked=asked)
    frame = data.frame if isinstance(data, CleanedSurvey) else data
    if design is None and isinstance(data, CleanedSurvey):
        design = data.design
    groups = _groups(frame, group, answers.names, asked)
    known = answers.complete & groups.notna().to_numpy()
    if not known.any():
        found = "no respondent answered every item and has a group"
        raise InsufficientDataError(Fault(where=asked, found=found, remedy="leave items out"))
    rows = [_of_item(answers, j, frame, groups, known, design) for j in range(len(answers.names))]
    table = pd.DataFrame(rows)
    for test in ("uniform", "slopes"):
        table[f"{test}_p_adjusted"] = ADJUSTMENTS[adjust](table[f"{test}_p"].to_numpy(dtype=float))
    labels = {
        name: data.label_of(name) if isinstance(data, CleanedSurvey) else name for name in answers.names
    }
    return ItemFunctioning(
        group=group,
        table=table[list(COLUMNS)],
        n_answered=int(known.sum()),
        sentences=tuple(_sentence(row, labels[row["item"]]) for row in table.to_dict("records")),
    )


def _groups(frame: pd.DataFrame, group: str, items: Sequence[str], asked: str) -> pd.Series:
    where = f"{asked}: group"
    fault = None
    if group not in frame.columns:
        remedy = did_you_mean(group, map(str, frame.columns))
        fault = Fault(where=where, found=f"the data have no column {group!r}", remedy=remedy)
    elif group in items:
        fault = Fault(where=where, found=f"{group!r} is one of the items", allowed="another column")
    elif pd.api.types.is_float_dtype(frame[group]):
        fault = Fault(where=where, found=f"{group!r} is numeric", allowed="categories")
    if fault:
        raise ArgumentError(fault)
    column = frame[group]
    groups = column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype("category")
    groups = groups.cat.remove_unused_categories()
    if len(groups.cat.categories) < 2:
        raise ArgumentError(Fault(where=where, found=f"{group!r} has one group", allowed="two at least"))
    return groups.cat.rename_categories([str(c) for c in groups.cat.categories])


def _of_item(
    answers: ItemAnswers,
    j: int,
    frame: pd.DataFrame,
    groups: pd.Series,
    known: NDArray[np.bool_],
    design: SurveyDesign | None,
) -> dict[str, Any]:
    name = answers.names[j]
    levels = np.unique(answers.codes[known, j])
    steps = np.searchsorted(levels, answers.codes[:, j])
    labels = [str(k) for k in range(len(levels))]
    # Names that no column of a design is likely to have stand beside the design's own columns.
    columns: dict[str, Any] = {} if design is None else {c: frame[c].to_numpy() for c in design.columns()}
    columns[ANSWER] = pd.Categorical(
        [labels[k] if u else None for k, u in zip(steps, known, strict=True)], labels
    )
    columns[ANSWER] = columns[ANSWER].as_ordered()
    columns[LEVEL] = np.where(known, _rest(answers, j), np.nan)
    columns[GROUP] = groups.array
    own = pd.DataFrame(columns)
    base, shifted, crossed = (
        ologit(f"{ANSWER} ~ {right}", own, design=design, domain=known, name=name)
        for right in (LEVEL, f"{LEVEL} + {GROUP}", f"{LEVEL} * {GROUP}")
    )
    change = _nagelkerke(crossed) - _nagelkerke(base)
    gap, between = _largest_gap(shifted)
    return {
        "item": name,
        "n": base.nobs,
        **_test("uniform", shifted, GROUP),
        **_test("slopes", crossed, f"{LEVEL}:{GROUP}"),
        "r_squared_change": change,
        "size": "large" if change >= LARGE else "moderate" if change >= MODERATE else "negligible",
        "largest_gap": gap,
        "between": ", ".join(between),
    }


def _rest(answers: ItemAnswers, j: int) -> Floats:
    """Return the mean of the other items, each from 0 to 1."""
    others = [k for k in range(len(answers.names)) if k != j]
    scores = answers.scores[:, others]
    low, high = np.nanmin(scores, axis=0), np.nanmax(scores, axis=0)
    return np.asarray(((scores - low) / (high - low)).mean(axis=1))


def _test(kind: str, model: FittedModel, term: str) -> dict[str, Any]:
    found = wald_test(model, term)
    return {
        f"{kind}_f": found.statistic,
        f"{kind}_df_num": found.df_num,
        f"{kind}_df_denom": found.df_denom,
        f"{kind}_p": found.p_value,
    }


def _nagelkerke(model: FittedModel) -> float:
    """Return Nagelkerke's pseudo R squared (1991, *Biometrika* 78, 691-692)."""
    n = model.nobs
    return float((1 - np.exp(2 * (model.llnull - model.llf) / n)) / (1 - np.exp(2 * model.llnull / n)))


def _largest_gap(model: FittedModel) -> tuple[float, tuple[str, str]]:
    """Return the largest difference of the expected answer between two groups, and the groups."""
    found = margin_estimates(model, GROUP, of="score", scores=range(len(model.categories)))
    levels = [str(level) for level in model.spec.levels[GROUP]]
    reference = str(model.spec.reference(GROUP))
    height = dict.fromkeys(levels, 0.0)
    for contrast, estimate in zip(found.labels["contrast"], found.estimate, strict=True):
        height[contrast.removesuffix(f" - {reference}")] = float(estimate)
    high, low = max(combinations(levels, 2), key=lambda pair: abs(height[pair[0]] - height[pair[1]]))
    if height[high] < height[low]:
        high, low = low, high
    return height[high] - height[low], (high, low)


def _sentence(row: Mapping[Any, Any], label: str) -> str:
    high, _, low = row["between"].partition(", ")
    if min(row["uniform_p_adjusted"], row["slopes_p_adjusted"]) >= 0.05:
        return (
            f"“{label}”: we could not tell whether people at the same level answer otherwise in some group."
        )
    steps = (
        f"{row['largest_gap']:.1f} of a step" if row["largest_gap"] < 1 else f"{row['largest_gap']:.1f} steps"
    )
    words = {"negligible": "too little to matter", "moderate": "enough to look at", "large": "a lot"}
    return (
        f"“{label}”: at the same level of the other items, answers in {high} are up to {steps} higher than "
        f"in {low}; that is {words[row['size']]}."
    )
