"""What an analysis finds: every number of a report, computed from a plan before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from coprodstats.errors import ConfigError, CoprodstatsError, Fault
from coprodstats.models.compare import compare
from coprodstats.models.comparison import Comparison
from coprodstats.models.fit import logit, ologit
from coprodstats.models.fractional import fractional_logit
from coprodstats.models.importance import Importance, importance
from coprodstats.models.linear import linear
from coprodstats.models.margins import average_predictions
from coprodstats.models.matrix import rebuild_matrix
from coprodstats.models.results import FittedModel
from coprodstats.reporting.claims import Claim, ClaimResults, check_claims, read_claims
from coprodstats.reporting.figure_data import FigureData, figure_data
from coprodstats.reporting.plan import AnalysisPlan
from coprodstats.reporting.plan_checks import refuse_unknown_names, refuse_unknown_terms
from coprodstats.reporting.planned_comparisons import ComparisonPlan
from coprodstats.reporting.side_process import side_processes
from coprodstats.reporting.suggestions import refuse_unknown_claims
from coprodstats.reporting.translation import read_translations
from coprodstats.survey.cleaning import CleanedSurvey, clean
from coprodstats.survey.codebook import read_codebook
from coprodstats.survey.describe import means, proportions
from coprodstats.survey.design import ResolvedDesign, SurveyDesign, resolve_design
from coprodstats.survey.reading import read_survey

Progress = Callable[[str], None]
_FITS: Mapping[str, Callable[..., FittedModel]] = {
    "logit": logit,
    "ologit": ologit,
    "linear": linear,
    "fractional_logit": fractional_logit,
}
EVERYONE = "All"
"""The name of the group that all respondents make, in `Findings.levels` and `Findings.indices`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """One comparison of the plan, carried out.

    Attributes
    ----------
    plan
        What was planned.
    models
        The two models by outcome name.
    margins
        Their comparison on the margin scale.
    coefficients
        Their comparison on the link scale.
    predictions
        Average adjusted predictions: ``model`` and the columns of `average_predictions`; may be empty.
    """

    plan: ComparisonPlan
    models: Mapping[str, FittedModel]
    margins: Comparison
    coefficients: Comparison
    predictions: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """Every number of a report.

    Attributes
    ----------
    plan
        The plan.
    cleaned
        The survey under the analysis' own mapping.
    design
        The design that all numbers are computed under.
    sample
        Who is in the sample: ``variable, category, estimate, conf_low, conf_high, n`` (a mean for a numeric
        variable, whose category is empty).
    items
        Weighted shares of the items' answers: ``group, item, category, estimate``.
    levels
        Each outcome's event by group and in all: ``group, model, estimate, conf_low, conf_high, n``.
    indices
        Mean indices in the same form.
    compared
        The comparisons, by key.
    importance
        Ranks of predictors, or None.
    claims
        The claims with their verdicts, or None.
    pictured
        What figures draw beside what tables hold.
    crosscheck
        Largest difference of a coefficient from statsmodels, by model.
    translations
        The analysis' own words in each of its further languages.
    own
        Those that stand in plan, codebook and frames now; empty for the words of the files.
    """

    plan: AnalysisPlan
    cleaned: CleanedSurvey
    design: SurveyDesign | None
    sample: pd.DataFrame
    items: pd.DataFrame
    levels: pd.DataFrame
    indices: pd.DataFrame
    compared: Mapping[str, Compared]
    importance: Importance | None
    claims: ClaimResults | None
    pictured: FigureData
    crosscheck: Mapping[str, float]
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)

    @property
    def bound(self) -> ResolvedDesign:
        """The design over the rows of the cleaned survey."""
        return resolve_design(self.design, self.cleaned.frame)

    @property
    def main(self) -> Compared:
        """The first comparison, the heart of the report."""
        return self.compared[self.plan.comparisons[0].key]

    def models(self) -> dict[str, FittedModel]:
        """Return all models; those of further comparisons are named ``comparison/outcome``."""
        return model_names(self.plan, self.compared)


def compute(plan: AnalysisPlan, *, progress: Progress | None = None) -> Findings:
    """Carry out a plan.

    Parameters
    ----------
    plan
        The plan.
    progress
        Called with what is done next.

    Raises
    ------
    CoprodstatsError
        Whatever is wrong with the survey, the codebook, the plan or the models; nothing has been written.
    """
    say = progress or (lambda _: None)
    say("reading the codebook")
    codebook = read_codebook(plan.codebook)
    refuse_unknown_names(plan, codebook)
    claimed = read_claims(plan.claims) if plan.claims is not None else None
    refuse_unknown_claims(plan.path.name, plan.briefing.suggestions, [claim.id for claim in claimed or ()])
    translations = read_translations(plan, codebook, claimed or ())
    say("reading the survey")
    survey = read_survey(
        plan.survey,
        codebook,
        root=plan.root,
        compact=True,
        progress=lambda done, size: say(f"reading the survey: {done / size:.0%}"),
    )
    say("cleaning")
    by_mapping = {name: clean(survey, mapping=name or None) for name in _mappings(plan)}
    cleaned = by_mapping[plan.mapping]
    design = cleaned.design
    if design is not None and plan.lonely_psu is not None:  # otherwise the codebook's rule stands
        design = replace(design, lonely_psu=plan.lonely_psu)
    compared: dict[str, Compared] = {}
    for one in plan.comparisons:
        say(f"fitting and comparing: {one.title}")
        compared[one.key] = _carry_out(one, plan, by_mapping[one.mapping or plan.mapping], design)
        if len(compared) == 1:
            refuse_unknown_terms(plan, compared[one.key].margins.terms)
    models = model_names(plan, compared)
    pictured = partial(figure_data, plan, {key: one.models for key, one in compared.items()}, cleaned, design)
    with side_processes({"pictured": pictured}) as beside:
        say("ranking predictors")
        ranked = _rank(plan, compared)
        say("testing claims")
        claims = _claims(plan, claimed, models, cleaned, design, ranked)
        say("describing the sample")
        return Findings(
            plan=plan,
            cleaned=cleaned,
            design=design,
            sample=_sample(plan, cleaned, design),
            items=_items(plan, cleaned, design),
            levels=_levels(plan, cleaned, design),
            indices=_indices(plan, cleaned, design),
            compared=compared,
            importance=ranked,
            claims=claims,
            pictured=beside["pictured"](),
            crosscheck=_crosscheck(models),
            translations=translations,
        )


def model_names(plan: AnalysisPlan, compared: Mapping[str, Compared]) -> dict[str, FittedModel]:
    """Return all models by name; those after the first comparison are named ``comparison/outcome``."""
    first = plan.comparisons[0].key
    return {
        name if key == first else f"{key}/{name}": model
        for key, one in compared.items()
        for name, model in one.models.items()
    }


def _mappings(plan: AnalysisPlan) -> list[str]:
    return list(dict.fromkeys([plan.mapping, *(c.mapping for c in plan.comparisons if c.mapping)]))


def _carry_out(
    one: ComparisonPlan, plan: AnalysisPlan, cleaned: CleanedSurvey, design: SurveyDesign | None
) -> Compared:
    options = {"link": one.link, "nonparallel": one.nonparallel} if one.kind == "ologit" else {}
    models = {}
    for outcome in plan.outcomes:
        name = outcome.name if one.key == plan.comparisons[0].key else f"{one.key}/{outcome.name}"
        models[outcome.name] = _located(one.key)(
            lambda column=one.outcomes[outcome.name], name=name: _FITS[one.kind](  # type: ignore[misc]
                f"{column} ~ {one.predictors}",
                cleaned,
                design=design,
                df_rule=plan.df_rule,
                name=name,
                **options,
            )
        )
    event = dict(one.events) or None
    return Compared(
        plan=one,
        models=models,
        margins=_located(one.key)(lambda: compare(models, event=event)),
        coefficients=_located(one.key)(lambda: compare(models, scale="coefficient")),
        predictions=_located(one.key)(lambda: _predictions(one, models)),
    )


def _located(key: str) -> Callable[[Callable[[], Any]], Any]:
    """Return a runner that adds the comparison's key to whatever error comes out."""

    def run(step: Callable[[], Any]) -> Any:
        try:
            return step()
        except CoprodstatsError as error:
            error.faults = tuple(
                Fault(
                    where=f"comparison {key!r}, {f.where}", found=f.found, allowed=f.allowed, remedy=f.remedy
                )
                for f in error.faults
            )
            raise

    return run


def _predictions(one: ComparisonPlan, models: Mapping[str, FittedModel]) -> pd.DataFrame:
    frames = []
    for variable, values in one.over.items():
        for name, model in models.items():
            found = average_predictions(model, {variable: values})
            found = found[found["category"] == one.events.get(name, model.categories[-1])]
            frames.append(found.assign(model=name, value=[float(v) for v in found["value"]]))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _rank(plan: AnalysisPlan, compared: Mapping[str, Compared]) -> Importance | None:
    if plan.importance is None:
        return None
    model = compared[plan.comparisons[0].key].models[plan.importance.model]
    return importance(model, plan.importance.variables or None, n_replicates=plan.replicates, seed=plan.seed)


def _claims(
    plan: AnalysisPlan,
    claimed: Sequence[Claim] | None,
    models: Mapping[str, FittedModel],
    cleaned: CleanedSurvey,
    design: SurveyDesign | None,
    ranked: Importance | None,
) -> ClaimResults | None:
    if claimed is None:
        return None
    rankings = {plan.importance.model: ranked} if plan.importance and ranked else {}
    return check_claims(
        claimed,
        models,
        cleaned,
        seed=plan.seed,
        n_replicates=plan.replicates,
        design=design,
        rankings=rankings,
        events=_events(plan),
    )


def _events(plan: AnalysisPlan) -> dict[str, str]:
    """Return the event of each ordinal model by the model's name."""
    first = plan.comparisons[0].key
    return {
        name if c.key == first else f"{c.key}/{name}": event
        for c in plan.comparisons
        for name, event in c.events.items()
    }


def _sample(plan: AnalysisPlan, cleaned: CleanedSurvey, design: SurveyDesign | None) -> pd.DataFrame:
    frame = cleaned.frame
    parts = []
    for variable in plan.describe.sample:
        numeric = pd.api.types.is_float_dtype(frame[variable])
        found = (means if numeric else proportions)(cleaned, variable, design=design)
        if numeric:
            found = found.assign(category="")
            found["respondents"] = found["n"]
        else:
            counts = frame[variable].value_counts()
            found["respondents"] = [int(counts[c]) for c in found["category"]]
        found["category"] = found["category"].astype(str)
        parts.append(found.assign(variable=variable, numeric=numeric))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _items(plan: AnalysisPlan, cleaned: CleanedSurvey, design: SurveyDesign | None) -> pd.DataFrame:
    parts = []
    mapping = cleaned.codebook.mappings.get(cleaned.mapping, {})
    for heading, role in plan.describe.items.items():
        for item in mapping[role]:
            found = proportions(cleaned, item, design=design)
            parts.append(found.assign(group=heading, item=cleaned.label_of(item), variable=item))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _levels(plan: AnalysisPlan, cleaned: CleanedSurvey, design: SurveyDesign | None) -> pd.DataFrame:
    _refuse_everyones_name(plan, cleaned)
    main = plan.comparisons[0]
    parts = []
    for outcome in plan.outcomes:
        column = main.outcomes[outcome.name]
        for by in _groupings(plan):
            found = proportions(cleaned, column, by=by, design=design)
            event = str(cleaned.frame[column].cat.categories[-1])
            found = found.loc[found["category"].astype(str) == event]
            parts.append(found.assign(model=outcome.name, group=_group_names(found, by)))
    return pd.concat(parts, ignore_index=True)


def _indices(plan: AnalysisPlan, cleaned: CleanedSurvey, design: SurveyDesign | None) -> pd.DataFrame:
    parts = []
    for index in plan.describe.indices:
        for by in _groupings(plan):
            found = means(cleaned, index, by=by, design=design)
            parts.append(found.assign(index=index, group=_group_names(found, by)))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _groupings(plan: AnalysisPlan) -> list[str | None]:
    return [None, plan.describe.by] if plan.describe.by else [None]


def _group_names(found: pd.DataFrame, by: str | None) -> list[str]:
    return [str(value) for value in found[by]] if by else [EVERYONE] * len(found)


def _refuse_everyones_name(plan: AnalysisPlan, cleaned: CleanedSurvey) -> None:
    by = plan.describe.by
    if by and EVERYONE in set(cleaned.frame[by].dropna().astype(str)):
        raise ConfigError(
            Fault(
                where=f"{plan.path.name}: describe.by",
                found=f"a group of {by!r} is named {EVERYONE!r}, which stands for everyone",
                remedy="give that code another label in the codebook",
            )
        )


def _crosscheck(models: Mapping[str, FittedModel]) -> dict[str, float]:
    """Refit what statsmodels can fit under weights, and return the largest difference of a coefficient."""
    from statsmodels.genmod.families import Binomial  # noqa: PLC0415  (seconds that a plain fit must not pay)
    from statsmodels.genmod.generalized_linear_model import GLM  # noqa: PLC0415

    found = {}
    for name, model in models.items():
        if model.family != "logit":
            continue
        x = rebuild_matrix(model.spec, model.sample)
        w = model.sample_weights * (len(x) / model.sample_weights.sum())
        other = GLM(
            model.sample_y, np.column_stack([np.ones(len(x)), x]), family=Binomial(), var_weights=w
        ).fit(tol=1e-12, maxiter=100)
        found[name] = float(np.abs(other.params - model.estimates).max())
    return found


def agreement(crosscheck: Mapping[str, float]) -> float | None:
    """Return a power of ten above the largest difference, 1e-12 at the least: below it is rounding.

    Examples
    --------
    >>> agreement({"individual": 3e-15, "collective": 2e-14}), agreement({"individual": 3e-9})
    (1e-12, 1e-08)
    """
    if not crosscheck:
        return None
    return max(1e-12, float(10.0 ** np.ceil(np.log10(max(*crosscheck.values(), 1e-16)))))
