"""Average margins: how what a model predicts goes with each predictor, with all that comparisons need."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from coprodstats.errors import ArgumentError, Fault, listed
from coprodstats.models.averages import MarginEstimates, Vce, estimate_blocks, joint_covariance, vce_faults
from coprodstats.models.intervals import LEVEL, interval_frame, level_faults, logit_interval
from coprodstats.models.margin_arguments import (
    RESERVED,
    At,
    Change,
    contrast_faults,
    fixed_names,
    gathering,
    predictors_of,
    settings_of,
    steps_of,
    taken_faults,
)
from coprodstats.models.multiplicity import ADJUSTMENTS, Adjust
from coprodstats.models.outcome_views import Of, OutcomeView, Scores, event_view, outcome_view, view_faults
from coprodstats.models.predictions import (
    average_predictions,
    category_probabilities,
    predict,
    prediction_estimates,
)
from coprodstats.models.refit import require_model
from coprodstats.models.results import FittedModel
from coprodstats.models.row_groups import By, Contrast, row_groups
from coprodstats.models.scenarios import margin_blocks

__all__ = [
    "At",
    "By",
    "Change",
    "Contrast",
    "MarginEstimates",
    "Of",
    "Scores",
    "Vce",
    "average_predictions",
    "category_probabilities",
    "event_margins",
    "interval_frame",
    "joint_covariance",
    "logit_interval",
    "margin_estimates",
    "margins",
    "predict",
    "prediction_estimates",
    "predictors_of",
]


def margins(
    model: FittedModel,
    variables: Sequence[str] | str | None = None,
    *,
    at: At = None,
    by: By = None,
    contrast: Contrast = "reference",
    contrast_by: Contrast | None = None,
    change: Change = None,
    of: Of = "category",
    scores: Scores = None,
    vce: Vce = "delta",
    adjust: Adjust | None = None,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Return average margins: how the probability of each category goes with each predictor.

    Parameters
    ----------
    model
        A fitted model.
    variables
        Predictors; all by default, but for factors that ``at`` fixes.
    at
        Predictors with a value or several each, such as ``{"age": 30, "gender": ["man", "woman"]}``: margins
        for every combination, with these predictors so set for everyone, the others as they are.
    by
        Predictors, or Series over the rows of the data: margins averaged over each group of respondents, the
        design kept whole.
    contrast
        For factors: each level against the ``"reference"``, ``"pairwise"`` (the later level minus the
        earlier, the reference first), or ``"sequential"`` (each level minus the one declared before it).
    contrast_by
        Differences of margins between the groups of ``by``, in the same three ways, instead of the margins.
    change
        For numeric predictors: the derivative by default; ``"sd"``, one weighted standard deviation; a number
        of units; ``"iqr"``, from the first to the third weighted quartile; ``"range"``, from the smallest to
        the largest value; ``(20, 60)``, from one value to another; or amounts by name,
        ``{"age": 10, "trust": "sd"}``.
    of
        ``"category"``: the probability of each category (of the event, for a logistic model); ``"at_least"``:
        of each category above the lowest or a higher one; ``"score"``: the expected score.
    scores
        For ``of="score"``: each category's score, lowest category first or by its name; 1, 2, … by default.
    vce
        ``"delta"``: the sample's predictors are taken as fixed; ``"unconditional"``: they are a sample too.
    adjust
        ``"holm"`` or ``"bh"`` (Benjamini-Hochberg): adds ``p_adjusted``, for all rows returned.
    level
        Probability with which an interval covers.

    Returns
    -------
    pandas.DataFrame
        A column for each variable of ``at`` and ``by``, then ``variable, contrast, category, estimate,
        std_error, statistic, df, p_value, conf_low, conf_high``. Numeric predictors: the weighted average
        derivative (``dy/dx``, probability per unit) or change; factors: the weighted average difference of
        two levels. A logistic model has one category, the event; an ordinal model has all, and they sum to
        zero. The event "k or more" is named so, but for the highest category.

    Raises
    ------
    ArgumentError
        With everything that is wrong with the arguments.
    ModelError
        If a term of the formula is not defined at the values that a change or ``at`` asks for, or slopes that
        differ between splits make a category's probability negative there.

    Notes
    -----
    All columns of a variable, interactions and powers included, move together. Changes by an amount are
    centred: from half of it below each one's own value to half above. A standard deviation and quartiles are
    those of the whole weighted sample, whatever the groups, and are taken as fixed numbers.

    Unconditional variance: the influence of row i is ``w_i (g_i - margin) / sum(w)``, in a group with the
    group's sum, plus the gradient times the coefficients' influence (Korn and Graubard 1999, *Analysis of
    Health Surveys*, ch. 3; Stata's ``vce(unconditional)``). Under replicate weights every margin is computed
    anew with the parameters of each replicate, and for the unconditional variance with its weights.

    Examples
    --------
    >>> import pandas as pd
    >>> from coprodstats import logit
    >>> frame = pd.DataFrame({"helps": [0, 1, 0, 1, 1, 0, 1, 1], "age": [20, 30, 40, 50, 60, 45, 35, 70]})
    >>> model = logit("helps ~ age", frame)
    >>> margins(model, "age")["estimate"].round(4).tolist()
    [0.0141]
    >>> margins(model, "age", change=10, at={"age": [30, 60]})[["age", "contrast", "estimate"]].round(3)
       age contrast  estimate
    0   30      +10     0.182
    1   60      +10     0.086
    """
    require_model(model, "margins")
    faults = level_faults(level, "margins")
    if adjust not in (None, *ADJUSTMENTS):
        faults.append(Fault(where="margins: adjust", found=f"{adjust!r}", allowed=listed(list(ADJUSTMENTS))))
    with gathering(faults):
        found = margin_estimates(
            model,
            variables,
            vce=vce,
            at=at,
            by=by,
            contrast=contrast,
            contrast_by=contrast_by,
            change=change,
            of=of,
            scores=scores,
        )
    if faults:
        raise ArgumentError(*faults)
    frame = interval_frame(found.estimate, found.covariance, model.df, level=level)
    if adjust is not None:
        p_adjusted = ADJUSTMENTS[adjust](frame["p_value"].to_numpy())
        frame.insert(list(frame.columns).index("p_value") + 1, "p_adjusted", p_adjusted)
    return pd.concat([found.labels.drop(columns="term"), frame], axis=1)


def margin_estimates(
    model: FittedModel,
    variables: Sequence[str] | str | None = None,
    *,
    vce: Vce = "delta",
    at: At = None,
    by: By = None,
    contrast: Contrast = "reference",
    contrast_by: Contrast | None = None,
    change: Change = None,
    of: Of = "category",
    scores: Scores = None,
) -> MarginEstimates:
    """Return average margins with their influence, covariance and replicates; see `margins`."""
    faults = view_faults(model, of, scores, "margins")
    view = outcome_view(model) if faults else outcome_view(model, of, scores)
    return _estimates(
        model,
        variables,
        view,
        faults,
        vce=vce,
        at=at,
        by=by,
        contrast=contrast,
        contrast_by=contrast_by,
        change=change,
    )


def event_margins(
    model: FittedModel,
    start: int,
    variables: Sequence[str] | str | None = None,
    *,
    vce: Vce = "delta",
    at: At = None,
    by: By = None,
    contrast: Contrast = "reference",
    contrast_by: Contrast | None = None,
    change: Change = None,
) -> MarginEstimates:
    """Return average margins on the probability of one event: category number ``start`` or a higher one.

    Parameters
    ----------
    model, variables, vce, at, by, contrast, contrast_by, change
        As for `margins`.
    start
        Position of the event's lowest category, 1 or more; the event is named after that category.

    Raises
    ------
    ArgumentError
        With everything that is wrong with the arguments.
    """
    top = len(model.categories) - 1
    if not 1 <= start <= top:
        allowed = f"1 to {top}" if model.categories else "models of categories"
        raise ArgumentError(Fault(where="margins: event", found=f"category {start}", allowed=allowed))
    return _estimates(
        model,
        variables,
        event_view(model, start),
        [],
        vce=vce,
        at=at,
        by=by,
        contrast=contrast,
        contrast_by=contrast_by,
        change=change,
    )


def _estimates(
    model: FittedModel,
    variables: Sequence[str] | str | None,
    view: OutcomeView,
    faults: list[Fault],
    *,
    vce: Vce,
    at: At,
    by: By,
    contrast: Contrast,
    contrast_by: Contrast | None,
    change: Change,
) -> MarginEstimates:
    asked = "margins"
    faults += [*vce_faults(model, vce, asked), *taken_faults(at, asked)]
    fixed = fixed_names(at)
    with gathering(faults):
        settings = settings_of(model, at, asked)
    with gathering(faults):
        groups = row_groups(model, by, contrast_by=contrast_by, asked=asked, taken=(*RESERVED, *fixed))
    with gathering(faults):
        names = predictors_of(model, variables)
        own = [name for name in names if name in fixed and model.spec.is_factor(name)]
        if variables is None:
            names = [name for name in names if name not in own]
        elif own:
            found = f"{listed(own)} is fixed, and its margin would set it"
            faults.append(Fault(where=f"{asked}: at", found=found, remedy="leave it out of one of them"))
        if not names:
            found = "it fixes every predictor"
            faults.append(Fault(where=f"{asked}: at", found=found, remedy="average_predictions(…)"))
        faults += contrast_faults(model, names, contrast, asked)
        steps = steps_of(model, names, change, fixed, asked)
    if faults:
        raise ArgumentError(*faults)
    blocks = margin_blocks(model, names, settings=settings, steps=steps, contrast=contrast)
    return estimate_blocks(model, blocks, groups, view, vce)
