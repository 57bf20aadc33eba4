"""Multiple imputation of a survey's missing answers by chained equations that know its design."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import ArgumentError, Fault, listed
from coprodstats.models.imputation_chain import Method, Problem, Target, run_chain
from coprodstats.models.imputation_checks import DesignRole, sources_of
from coprodstats.models.imputation_columns import Coded, coding_of, filled
from coprodstats.models.imputation_request import Plan, plan_imputation
from coprodstats.models.imputation_trace import not_met, scale_reductions, trace_frame
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import ResolvedDesign, SurveyDesign
from coprodstats.survey.display import record_html
from coprodstats.survey.log import CleaningLog, count_by_reason
from coprodstats.survey.progress import Progress, teller
from coprodstats.survey.scales import derived, outcome_values

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Imputations:
    """Completed versions of one data set, and the account of what was put in.

    Iterating over it gives the completed data sets one after another.

    Attributes
    ----------
    data
        What was given: a cleaned survey or a DataFrame.
    design
        The sampling design that predicted, or None.
    m
        Number of completed data sets.
    iterations
        Rounds of each chain.
    seed
        The seed; chain k is the k-th child of its ``numpy.random.SeedSequence``, whatever m is.
    methods
        Method of each imputed variable, in the order in which they were imputed.
    imputed
        ``variable, method, reason, cells``: the cells that were put in.
    left
        ``variable, reason, cells``: the missing cells of the variables that were left as they are.
    trace
        ``variable, imputation, iteration, mean, std`` of the imputed values, categories as 0, 1, ….
    convergence
        ``variable, r_hat_mean, r_hat_std``: potential scale reduction of the trace's later half.
    warnings
        What a reader of the results should know.
    coded
        The imputed variables as numbers.
    rows
        For each the rows imputed, as positions.
    values
        For each completed data set the values put in, by variable: numbers, or positions of categories.
    """

    data: CleanedSurvey | pd.DataFrame = field(repr=False)
    design: SurveyDesign | None
    m: int
    iterations: int
    seed: int
    methods: Mapping[str, Method]
    imputed: pd.DataFrame = field(repr=False)
    left: pd.DataFrame = field(repr=False)
    trace: pd.DataFrame = field(repr=False)
    convergence: pd.DataFrame = field(repr=False)
    warnings: tuple[str, ...]
    coded: Mapping[str, Coded] = field(repr=False)
    rows: Mapping[str, Ints] = field(repr=False)
    values: tuple[Mapping[str, Floats], ...] = field(repr=False)

    def completed(self, number: int) -> CleanedSurvey | pd.DataFrame:
        """Return one completed data set, of the type that was given.

        Parameters
        ----------
        number
            Which one, 1 to m.

        Returns
        -------
        CleanedSurvey or pandas.DataFrame
            A copy. A cleaned survey's indices and outcomes follow the items, or the index, that were imputed,
            and its log counts the imputed cells under the rule ``"imputed"``.

        Raises
        ------
        ArgumentError
            If there is no such data set.
        """
        if number not in range(1, self.m + 1):
            found = f"there is no completed data set {number!r}"
            raise ArgumentError(Fault(where="Imputations", found=found, allowed=f"1 to {self.m}"))
        if isinstance(self.data, CleanedSurvey):
            return _completed_survey(self, self.data, self.values[number - 1])
        return self.data.assign(**_filled(self, self.data, self.values[number - 1]))

    def __iter__(self) -> Iterator[CleanedSurvey | pd.DataFrame]:
        return (self.completed(number) for number in range(1, self.m + 1))

    def __len__(self) -> int:
        return self.m

    def __repr__(self) -> str:
        cells = int(self.imputed["cells"].sum())
        return (
            f"<Imputations: {self.m} times {cells} cells of {len(self.methods)} variables, seed {self.seed}>"
        )

    def _repr_html_(self) -> str:
        return record_html(
            self, tables={"imputed": self.imputed, "left missing": self.left, "convergence": self.convergence}
        )


def impute(
    data: CleanedSurvey | pd.DataFrame,
    variables: Sequence[str],
    *,
    seed: int,
    m: int = 20,
    iterations: int = 10,
    methods: Mapping[str, Method] | None = None,
    reasons: Sequence[str] | Mapping[str, Sequence[str]] | str | None = None,
    predictors: Mapping[str, Sequence[str]] | None = None,
    products: Sequence[tuple[str, str]] = (),
    design: SurveyDesign | None = None,
    design_predictors: Sequence[DesignRole] | None = None,
    donors: int = 5,
    progress: bool | Progress | None = None,
) -> Imputations:
    """Impute missing answers several times, by chained equations in which the sampling design predicts.

    Parameters
    ----------
    data
        A cleaned survey, which brings its design, or a DataFrame.
    variables
        All variables of the analyses to come, outcomes too, and others that tell who does not answer. Those
        with gaps are imputed, and each predicts all others.
    seed
        A whole number from which every draw follows.
    m
        Number of completed data sets, 2 or more; as many as the percentage of incomplete rows is a fair
        choice (White, Royston and Wood 2011, *Statistics in Medicine* 30, 377-399).
    iterations
        Rounds over the variables; `Imputations.convergence` tells whether they were enough.
    methods
        For a variable another method than its default: ``"logit"`` (two categories), ``"ologit"``
        (proportional odds; ordered ones), ``"mlogit"`` (multinomial logit; unordered ones, or ordered ones
        on request), ``"pmm"`` (predictive mean matching; numbers, or ordered categories by their position),
        ``"norm"`` (a normal model, on request; its values need not be ones that anyone could give).
    reasons
        Which missing answers of a cleaned survey are to be imputed: their reasons, for all variables or by
        variable, or ``"all"``. A question that did not apply has no answer to impute: such cells stay
        missing, and predict others by a column that says so. A DataFrame knows no reasons.
    predictors
        For a variable the others that predict it, the design apart; all of ``variables`` by default.
    products
        Pairs of variables, or columns of the design, whose products predict as well. What the analysis
        contains, such as a square or an interaction, belongs here.
    design
        The sampling design; it replaces that of a cleaned survey.
    design_predictors
        What of it predicts: ``"weights"`` (their logarithm), ``"strata"`` (their differences) and ``"psu"``
        (the means of the other respondents of the PSU, in every variable); all that there is by default.
    donors
        From how many like respondents a value of ``"pmm"`` may come.
    progress
        True for a bar, or a function that is called after each round of a chain with the rounds done and
        their total.

    Returns
    -------
    Imputations
        ``completed(1)`` … ``completed(m)``; `coprodstats.pool` combines what is estimated from them.

    Raises
    ------
    ArgumentError
        If an argument does not fit the data; all faults at once.
    DesignError, WeightError
        If the design does not fit the data.
    EmptyCategoryError, InsufficientDataError
        If a variable has a category that nobody has, no value at all, or too few for a linear model.

    Notes
    -----
    The conditional models are fitted without weights, given what the design used: a design left out of them
    biases estimates and their variance (Reiter, Raghunathan and Kinney 2006, *Survey Methodology* 32,
    143-149; Kim, Brick, Fuller and Kalton 2006, *JRSS B* 68, 509-521), and given the design weights add noise
    only. Rows of weight zero take no part. The models are in `coprodstats.models.imputation_models`.

    It is the variables named that are imputed. An index or outcome of the codebook may be one of them, but
    not beside the items that it is made of, nor beside another made of the same items: their imputed values
    would contradict each other. Impute the items, and what is derived from them follows; or impute the
    derived variable itself, as just another variable (von Hippel 2009, *Sociological Methodology* 39,
    265-291).

    Missing at random, given all that predicts, is an assumption; no data can show it.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"age": rng.integers(18, 90, 60), "joins": rng.random(60) < 0.4})
    >>> frame["joins"] = frame["joins"].astype("boolean").mask(rng.random(60) < 0.2)
    >>> imputations = impute(frame, ["age", "joins"], m=3, seed=2)
    >>> imputations.imputed
      variable method   reason  cells
    0    joins  logit  missing     10
    >>> int(imputations.completed(1)["joins"].isna().sum())
    0
    """
    plan = plan_imputation(
        data,
        variables,
        counts={"m": (m, 2), "iterations": (iterations, 1), "donors": (donors, 1), "seed": (seed, 0)},
        methods=methods,
        reasons=reasons,
        predictors=predictors,
        products=products,
        design=design,
        design_predictors=design_predictors,
        progress=progress,
    )
    problem = _problem(plan, donors=donors, iterations=iterations)
    children = np.random.SeedSequence(seed).spawn(m)
    done, tell = count(1), teller(progress, "rounds of imputation")

    def tick() -> None:
        if tell is not None:
            tell(next(done), m * iterations)

    chains = [run_chain(problem, np.random.default_rng(child), tick) for child in children]
    order = [name for name, target in problem.targets.items() if len(target.gaps)]
    traces = np.array([trace for _, trace in chains]).reshape(m, iterations, len(order), 2)
    convergence = scale_reductions(order, traces)
    apart = not_met(convergence, m=m, iterations=iterations)
    return Imputations(
        data=data if isinstance(data, CleanedSurvey) else data.copy(),
        design=plan.design,
        m=m,
        iterations=iterations,
        seed=seed,
        methods={name: plan.methods[name] for name in order},
        imputed=plan.imputed,
        left=plan.left,
        trace=trace_frame(order, traces),
        convergence=convergence,
        warnings=(f"the chains have not met for {listed(apart)}: take more iterations",) if apart else (),
        coded={name: plan.coded[name] for name in order},
        rows={name: plan.gaps[name] for name in order},
        values=tuple(values for values, _ in chains),
    )


def _problem(plan: Plan, *, donors: int, iterations: int) -> Problem:
    """Return the problem over the rows that count."""
    live = np.flatnonzero(plan.live)
    position = np.full(len(plan.live), -1)
    position[live] = np.arange(len(live))
    targets = {}
    # Least incomplete first, so that the first round starts from what is known best.
    for name in sorted(plan.coded, key=lambda name: len(plan.gaps[name])):
        found = plan.coded[name]
        values = found.numbers[live]
        targets[name] = Target(
            name=name,
            coding=coding_of(values, len(found.categories)),
            values=values,
            gaps=position[plan.gaps[name]],
            method=plan.methods[name],
        )
    return Problem(
        targets=targets,
        design=_design_columns(plan.bound, live, plan.roles),
        psu=np.unique(plan.bound.psu[live], return_inverse=True)[1] if "psu" in plan.roles else None,
        predictors=plan.predictors,
        products=plan.products,
        donors=donors,
        iterations=iterations,
    )


def _design_columns(bound: ResolvedDesign, live: Ints, roles: Mapping[DesignRole, str]) -> dict[str, Floats]:
    found = {}
    if "weights" in roles:
        weights = np.log(bound.weights[live])
        if np.ptp(weights) > 0:
            found[roles["weights"]] = coding_of(weights, 0).columns(weights)
    if "strata" in roles:
        stratum = np.unique(bound.stratum[live], return_inverse=True)[1].astype(float)
        if stratum.max() > 0:
            found[roles["strata"]] = coding_of(stratum, int(stratum.max()) + 1).columns(stratum)
    return found


def _filled(found: Imputations, frame: pd.DataFrame, values: Mapping[str, Floats]) -> dict[str, pd.Series]:
    """Return the imputed columns, complete but for the cells that were left."""
    return {
        name: filled(frame[name], found.coded[name], rows, values[name]) for name, rows in found.rows.items()
    }


def _completed_survey(
    found: Imputations, survey: CleanedSurvey, values: Mapping[str, Floats]
) -> CleanedSurvey:
    frame, reasons, codebook = survey.frame, survey.reasons, survey.codebook
    columns = _filled(found, frame, values)
    for name, rows in found.rows.items():
        known = np.zeros(len(frame), dtype=bool)
        known[rows] = True
        reasons[name] = reasons[name].mask(known)
    frame = frame.assign(**columns)
    declared = list(codebook.variables)
    made, why = derived(
        frame[declared],
        reasons[declared],
        codebook.variables,
        codebook.indices,
        codebook.outcomes,
        codebook.conversions,
    )
    for name in map(str, made):
        if name in columns or not sources_of(codebook, name) & set(columns):
            continue
        outcome = codebook.outcomes.get(name)
        if outcome is not None and outcome.of in frame:  # bands of an index, which may be imputed itself
            frame[name] = outcome_values(frame[[outcome.of]], outcome)
            reasons[name] = reasons[outcome.of]
        else:
            frame[name], reasons[name] = made[name], why[name]
    log = _completed_log(found, survey.log, frame, reasons)
    return replace(survey, _frame=frame, _reasons=reasons, log=log)


def _completed_log(
    found: Imputations, log: CleaningLog, frame: pd.DataFrame, reasons: pd.DataFrame
) -> CleaningLog:
    imputed = found.imputed.drop(columns="method").assign(rule="imputed")
    missing = frame.isna().sum().to_numpy()
    return replace(
        log,
        cells=pd.concat([log.cells, imputed[log.cells.columns]], ignore_index=True),
        valid=log.valid.assign(valid=len(frame) - missing, missing=missing),
        missing=count_by_reason(reasons),
    )
