"""Recovery study: do 95 % intervals cover the truth that the simulated surveys were drawn from?

    python tests/recovery/study.py                   all surveys; rewrites results.json and results.md
    python tests/recovery/study.py --surveys 40      a quick run: the table on stdout, nothing is written

Each survey is drawn by `simulate` (5,000 respondents), cleaned through the codebook of the analysis and
fitted with its formula. The truth is what the same estimators give in very large draws, in which every
stratum has more PSUs, not larger ones: for the logistic models by make.py's own indices and statsmodels,
for the ordinal models by the package. It is the mean over batches, and its error their spread.

The number of surveys was fixed before any coverage was seen: with 500, the standard error of a coverage is
one point, and one or two of the 30 that are judged would leave 93-97 % by chance alone; with 1,500 it is
little over half a point. A survey for which an estimate does not exist (all respondents of gender "other",
some 30, gave the same answer) is refused by the package; it is counted and left out.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

import coprodstats as cps
from coprodstats.errors import SeparationError
from coprodstats.models.wald import joint_test
from coprodstats.survey.planted_truth import read_truth

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS, TABLE = HERE / "results.json", HERE / "results.md"
TRUTH = ROOT / "data" / "synthetic" / "truth.toml"
CODEBOOK = ROOT / "analyses" / "five_nation_2008" / "codebook.toml"

SEED = 20_090_501
SURVEYS = 1500  # with design-based intervals of the logistic models
CONTRASTED = 500  # the first of them: also intervals that ignore the design, and ordinal models
STORED = 3  # the first of them: their numbers are kept, so that a test can draw them again
PER_COUNTRY = 1000
BATCHES, BATCH_PER_COUNTRY = 30, 20_000
ORDINAL_BATCHES = 15  # the first of them: ordinal models of so many rows take long
PROCESSES = 2

INDIVIDUAL, COLLECTIVE = "individual_high", "collective_any"
ORDINAL = ("individual_band", "collective_sectors")
MAIN = ("age", "gender[T.woman]", "efficacy", "information", "consultation", "outcome")
ORDINAL_MAIN = ("age", "gender[T.woman]", "efficacy")
VARIABLES = ("age", "gender", "efficacy", "information", "consultation", "outcome")

DESIGN = "design"
IGNORING = "ignoring the design"
IGNORING_INDEPENDENT = "ignoring the design, models as independent"
INDEPENDENT = "design, models as independent"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survey:
    """What one simulated survey gave.

    Attributes
    ----------
    estimates
        Columns quantity, method, term, estimate, std_error, conf_low, conf_high.
    covariance
        Covariance of the differences of the main terms' margins, shape (6, 6).
    df
        Degrees of freedom of the comparison.
    """

    estimates: pd.DataFrame
    covariance: Floats
    df: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study, or a quick part of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--surveys", type=int, help="only so many surveys; the table goes to stdout")
    options = parser.parse_args(arguments)
    # Read by the linear algebra libraries of the processes that are started below.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    if options.surveys is not None:
        stored = json.loads(RESULTS.read_text(encoding="utf-8"))
        sys.stdout.write(table(study(options.surveys, stored["truth"])))
        return 0
    results = study(SURVEYS, observed_truth())
    RESULTS.write_text(as_json(results), encoding="utf-8")
    TABLE.write_text(table(results), encoding="utf-8")
    return 0


def study(n_surveys: int, truth: Mapping[str, Any]) -> dict[str, Any]:
    """Draw surveys and return how often their intervals cover the truth, ready to be stored."""
    jobs = list(enumerate(seeds(n_surveys)))
    drawn = in_parallel(one_survey, jobs, "surveys")
    surveys = [survey for survey in drawn if survey is not None]
    return {
        "truth_sha256": truth_sha256(),
        "seed": SEED,
        "surveys": len(drawn),
        "refused": len(drawn) - len(surveys),
        "respondents": 5 * PER_COUNTRY,
        "truth": truth,
        "joint_coverage": joint_coverage(surveys, truth),
        "coverage": coverage(surveys, truth),
        "first": [stored_numbers(survey) for survey in surveys[:STORED]],
    }


def in_parallel(function: Any, jobs: Sequence[Any], what: str) -> list[Any]:
    """Return the function's value for each job, in the order of the jobs."""
    # Started afresh, so that the number of threads is read before numpy is loaded.
    context = multiprocessing.get_context("spawn")
    done = []
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        for value in pool.map(function, jobs):
            done.append(value)
            if len(done) % max(1, len(jobs) // 20) == 0:
                sys.stderr.write(f"{len(done)} of {len(jobs)} {what}\n")
    return done


def seeds(n: int, *, stream: int = 0) -> list[int]:
    """Return seeds of independent draws; the first ones do not depend on how many are wanted."""
    children = np.random.SeedSequence([SEED, stream]).spawn(n)
    return [int(child.generate_state(1, np.uint64)[0]) for child in children]


def truth_sha256() -> str:
    """Return the hash of the planted truth."""
    return hashlib.sha256(TRUTH.read_bytes()).hexdigest()


# --- one survey ---


def one_survey(job: tuple[int, int]) -> Survey | None:
    """Return what a survey gave, or None if it was refused because an estimate does not exist."""
    try:
        return _fitted(*job)
    except SeparationError:
        return None


def _fitted(number: int, seed: int) -> Survey:
    """Draw, clean and fit one survey; the first ones also without the design and with ordinal models."""
    drawn = cps.simulate(read_truth(TRUTH), n_per_country=PER_COUNTRY, seed=seed)
    survey = cleaned(drawn)
    models = {outcome: cps.logit(formula(outcome), survey) for outcome in (INDIVIDUAL, COLLECTIVE)}
    both = cps.compare(models)
    parts = [*_design_based(models, both)]
    if number < CONTRASTED:
        parts += _contrasts(survey, parts, df=both.df)
        parts += _ordinal(survey)
    place = [both.terms.index(term) for term in MAIN]
    return Survey(
        estimates=pd.concat(parts, ignore_index=True),
        covariance=both.differences()[1][np.ix_(place, place)],
        df=both.df,
    )


def cleaned(drawn: pd.DataFrame) -> cps.CleanedSurvey:
    """Clean a drawn survey through the codebook of the analysis, without a file between."""
    return cps.clean(cps.SurveyData(frame=drawn.astype("str"), codebook=codebook()))


@cache
def codebook() -> cps.Codebook:
    """Return the codebook of the analysis."""
    return cps.read_codebook(CODEBOOK)


@cache
def make() -> ModuleType:
    """Return the command that makes the synthetic survey: it knows the formula and fits by other means."""
    spec = importlib.util.spec_from_file_location("make_synthetic", ROOT / "data" / "synthetic" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def formula(outcome: str) -> str:
    """Return the analysis' formula for an outcome."""
    return f"{outcome} ~ {' + '.join(make().model_terms())}"


def _design_based(models: Mapping[str, cps.FittedModel], both: cps.Comparison) -> Iterator[pd.DataFrame]:
    for outcome, model in models.items():
        yield _coefficients(outcome, model)
    for outcome, margins in both.intervals().groupby("model", sort=False):
        yield _part(f"margins.{outcome}", DESIGN, margins)
    yield _part("margins.difference", DESIGN, both.to_frame().rename(columns={"difference": "estimate"}))


def _contrasts(
    survey: cps.CleanedSurvey, design: Sequence[pd.DataFrame], *, df: float
) -> Iterator[pd.DataFrame]:
    """Return intervals that ignore the design: inverse information, with weights scaled to sum to n."""
    margins = []
    for outcome in (INDIVIDUAL, COLLECTIVE):
        model = cps.logit(formula(outcome), survey, covariance="model")
        inflation = np.sqrt(model.n_weighted / model.nobs)
        slopes = _slopes(model).loc[list(MAIN)].reset_index()
        yield _part(f"coefficients.{outcome}", IGNORING, _normal(slopes, inflation))
        found = cps.margins(model, list(VARIABLES))
        found.insert(0, "term", _terms(found))
        found = found[found["term"].isin(MAIN)].reset_index(drop=True)
        margins.append(_part(f"margins.{outcome}", IGNORING, _normal(found, inflation)))
        yield margins[-1]
    yield from contrasted_differences(design[2:5], margins, df=df)


def contrasted_differences(
    design: Sequence[pd.DataFrame], ignoring: Sequence[pd.DataFrame], *, df: float
) -> Iterator[pd.DataFrame]:
    """Return intervals of the differences that leave out the design, or that both models share people.

    Ignoring the design makes standard errors too small and taking the models as independent makes them too
    large, so that doing both hides either. To show the first alone, the two estimates keep the correlation
    that they have under the design.

    Parameters
    ----------
    design
        Design-based margins of both models, and their differences.
    ignoring
        Margins of both models whose standard errors ignore the design.
    df
        Degrees of freedom of the design.
    """
    first, second, difference = (part.set_index("term").loc[list(MAIN)] for part in design)
    errors = first["std_error"], second["std_error"]
    shared = (errors[0] ** 2 + errors[1] ** 2 - difference["std_error"] ** 2) / (2 * errors[0] * errors[1])
    naive = [part.set_index("term").loc[list(MAIN)] for part in ignoring]
    for method, pair, correlation, freedom in (
        (IGNORING, naive, shared, np.inf),
        (IGNORING_INDEPENDENT, naive, 0.0, np.inf),
        (INDEPENDENT, [first, second], 0.0, df),
    ):
        yield _part("margins.difference", method, _difference(*pair, correlation, freedom).reset_index())


def _ordinal(survey: cps.CleanedSurvey) -> Iterator[pd.DataFrame]:
    for outcome in ORDINAL:
        part = _coefficients(outcome, cps.ologit(formula(outcome), survey))
        yield part[part["term"].isin(ORDINAL_MAIN)]


def _coefficients(outcome: str, model: cps.FittedModel) -> pd.DataFrame:
    return _part(f"coefficients.{outcome}", DESIGN, _slopes(model).reset_index())


def _slopes(model: cps.FittedModel) -> pd.DataFrame:
    interval = model.conf_int()
    columns = {
        "estimate": model.params, "std_error": model.bse, "conf_low": interval[0], "conf_high": interval[1]
    }  # fmt: skip
    kept = [p.name for p in model.parameters if p.kind == "slope"]
    return pd.DataFrame(columns).loc[kept].rename_axis("term")


def _terms(margins: pd.DataFrame) -> list[str]:
    level = margins["contrast"].str.partition(" - ")[0]
    return [
        str(name) if contrast == "dy/dx" else f"{name}[T.{first}]"
        for name, contrast, first in zip(margins["variable"], margins["contrast"], level, strict=True)
    ]


def _normal(frame: pd.DataFrame, inflation: float) -> pd.DataFrame:
    return _with_interval(frame.assign(std_error=frame["std_error"] * inflation), np.inf)


def _difference(
    first: pd.DataFrame, second: pd.DataFrame, correlation: pd.Series | float, df: float
) -> pd.DataFrame:
    """Return second minus first, by term, given how far the two estimates are correlated."""
    one, two = first["std_error"], second["std_error"]
    columns = {
        "estimate": second["estimate"] - first["estimate"],
        "std_error": np.sqrt(one**2 + two**2 - 2 * correlation * one * two),
    }
    return _with_interval(pd.DataFrame(columns), df)


def _with_interval(frame: pd.DataFrame, df: float) -> pd.DataFrame:
    half = stats.t.isf(0.025, df) * frame["std_error"]
    return frame.assign(conf_low=frame["estimate"] - half, conf_high=frame["estimate"] + half)


def _part(quantity: str, method: str, frame: pd.DataFrame) -> pd.DataFrame:
    columns = ["term", "estimate", "std_error", "conf_low", "conf_high"]
    return frame[columns].assign(quantity=quantity, method=method)


# --- the truth ---


def observed_truth() -> dict[str, Any]:
    """Return what the estimators give in very large draws, with Monte Carlo errors."""
    batches = in_parallel(one_batch, list(enumerate(seeds(BATCHES, stream=1))), "batches of the truth")
    quantities = {}
    for quantity in batches[0]:
        parts = pd.concat([batch[quantity] for batch in batches if quantity in batch], axis=1)
        error = parts.std(axis=1, ddof=1) / np.sqrt(parts.shape[1])
        quantities[quantity] = {
            term: [_rounded(value), _rounded(error[term])] for term, value in parts.mean(axis=1).items()
        }
    size = 5 * BATCH_PER_COUNTRY
    return {
        "respondents": BATCHES * size,
        "respondents_ordinal": ORDINAL_BATCHES * size,
        "respondents_per_batch": size,
        "quantities": quantities,
    }


def one_batch(job: tuple[int, int]) -> dict[str, pd.Series]:
    """Return the estimates of one very large draw, without intercepts and thresholds."""
    number, seed = job
    drawn = cps.simulate(read_truth(TRUTH), n_per_country=BATCH_PER_COUNTRY, seed=seed)
    fitted = make().fit_both(make().analysis_columns(drawn))
    found = {
        f"{kind}.{outcome}": fitted[outcome][kind].drop("Intercept", errors="ignore")
        for kind in ("coefficients", "margins")
        for outcome in (INDIVIDUAL, COLLECTIVE)
    }
    found["margins.difference"] = found[f"margins.{COLLECTIVE}"] - found[f"margins.{INDIVIDUAL}"]
    if number < ORDINAL_BATCHES:
        survey = cleaned(drawn)
        for outcome in ORDINAL:
            params = cps.ologit(formula(outcome), survey).params
            found[f"coefficients.{outcome}"] = params[list(ORDINAL_MAIN)]
    return found


# --- summary ---


def coverage(surveys: Sequence[Survey], truth: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one record per quantity, method and term."""
    every = pd.concat([survey.estimates for survey in surveys], ignore_index=True)
    records = []
    for (quantity, method, term), rows in every.groupby(["quantity", "method", "term"], sort=False):
        value, error = truth["quantities"][quantity][term]
        covered = (rows["conf_low"] <= value) & (value <= rows["conf_high"])
        size = rows["std_error"].mean()
        spread = rows["estimate"].std(ddof=1)
        records.append(
            {
                "quantity": quantity,
                "method": method,
                "term": term,
                "surveys": len(rows),
                "coverage": round(float(covered.mean()), 4),
                "bias_in_std_errors": round(float((rows["estimate"].mean() - value) / size), 3),
                "std_error_over_spread": round(float(size / spread), 3),
                "truth_error_in_std_errors": round(float(error / size), 4),
            }
        )
    return records


def joint_coverage(surveys: Sequence[Survey], truth: Mapping[str, Any]) -> float:
    """Return how often the 95 % region of the main terms' differences covers their truth."""
    quantity = "margins.difference"
    target = np.array([truth["quantities"][quantity][term][0] for term in MAIN])
    covered = []
    for survey in surveys:
        rows = survey.estimates.query("quantity == @quantity and method == @DESIGN").set_index("term")
        away = rows["estimate"].loc[list(MAIN)].to_numpy() - target
        test = joint_test(away, survey.covariance, df=survey.df, rule="stata", null="the truth")
        covered.append(test.p_value >= 0.05)
    return round(float(np.mean(covered)), 4)


def stored_numbers(survey: Survey) -> list[list[Any]]:
    """Return quantity, method, term, estimate and standard error of all that a survey gave."""
    rows = survey.estimates[["quantity", "method", "term", "estimate", "std_error"]]
    return [
        [quantity, method, term, _rounded(estimate), _rounded(error)]
        for quantity, method, term, estimate, error in rows.itertuples(index=False)
    ]


def _rounded(value: float) -> float:
    return float(f"{value:.8g}")


def as_json(results: Mapping[str, Any]) -> str:
    """Return JSON with one record a line, so that a difference between two runs can be read."""
    plain = {key: value for key, value in results.items() if key not in {"coverage", "first"}}
    head = json.dumps(plain, indent=1).rstrip("\n}")
    rows = ",\n  ".join(json.dumps(record) for record in results["coverage"])
    first = ",\n ".join(
        "[\n  " + ",\n  ".join(json.dumps(row) for row in numbers) + "]" for numbers in results["first"]
    )
    return f'{head},\n "coverage": [\n  {rows}],\n "first": [{first}]\n}}\n'


def table(results: Mapping[str, Any]) -> str:
    """Return the coverages of the main terms as a Markdown table."""
    records = pd.DataFrame(results["coverage"])
    truth = results["truth"]
    lines = [
        "# Coverage of 95 % intervals",
        "",
        "Written by `study.py`, which says how it was done; every term is in `results.json`.",
        f"Surveys of {results['respondents']:,} respondents; the truth is estimated from",
        f"{truth['respondents']:,}, for ordinal models from {truth['respondents_ordinal']:,}.",
        "",
        "| Quantity | Intervals | Surveys | " + " | ".join(MAIN) + " |",
        "|---|---|--:|" + "--:|" * len(MAIN),
    ]
    for (quantity, method), rows in records.groupby(["quantity", "method"], sort=False):
        share = rows.set_index("term")["coverage"].reindex(MAIN)
        cells = ["" if np.isnan(one) else f"{100 * one:.1f}" for one in share]
        lines.append(f"| {quantity} | {method} | {rows['surveys'].iloc[0]:,} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_in_words(results, records)]) + "\n"


def _in_words(results: Mapping[str, Any], records: pd.DataFrame) -> list[str]:
    own = records[records["term"].isin(MAIN) & (records["method"] == DESIGN)]
    bias, ratio = own["bias_in_std_errors"], own["std_error_over_spread"]
    return [
        f"Refused, as an estimate did not exist: {results['refused']} of {results['surveys']:,} surveys.",
        f"The 95 % region of all six differences covers in {100 * results['joint_coverage']:.1f} %.",
        "",
        "Main terms, design-based, ordinal models included:",
        "",
        f"- mean of the estimates minus truth: {bias.min():+.3f} to {bias.max():+.3f} standard errors",
        f"- mean standard error over the estimates' spread: {ratio.min():.3f} to {ratio.max():.3f}",
        f"- error of the truth: at most {own['truth_error_in_std_errors'].max():.3f} standard errors",
    ]


if __name__ == "__main__":
    sys.exit(main())
