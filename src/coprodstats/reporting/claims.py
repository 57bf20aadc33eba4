"""Published findings against this run: claims as data, their checks, and verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from coprodstats.errors import (
    ArgumentError,
    ConfigError,
    DesignError,
    Fault,
    ModelError,
    did_you_mean,
    listed,
)
from coprodstats.models.compare import compare
from coprodstats.models.fit import logit, ologit
from coprodstats.models.importance import Importance, block_share, importance
from coprodstats.models.margins import event_margins
from coprodstats.models.results import FittedModel
from coprodstats.models.wald import wald_test
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.describe import means
from coprodstats.survey.design import SurveyDesign
from coprodstats.survey.toml_table import is_number, parse_toml

Verdict = Literal["agrees", "agrees in direction only", "inconclusive", "disagrees", "not testable"]
LEVEL = 0.05

# The keys that each test needs, beside "test".
TESTS: dict[str, tuple[str, ...]] = {
    "sign": ("model", "term", "expect"),
    "weaker": ("model", "than", "term"),
    "difference": ("model", "than", "term", "expect"),
    "contrast": ("model", "than", "term"),
    "equivalence": ("model", "term", "bound"),
    "rank": ("model", "variable", "among", "share"),
    "gap": ("higher", "lower"),
    "moderation": ("model", "term", "by"),
    "block": ("model", "variables", "below"),
    "band": ("model", "term", "low", "high"),
}
_NUMBERS = ("bound", "share", "below", "low", "high")
_NAMES = ("model", "than", "term", "by", "variable", "higher", "lower")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One test of a claim: its kind and what it is about."""

    test: str
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A published finding.

    Attributes
    ----------
    id
        Such as ``"C1"``.
    statement
        The finding in our words.
    source
        Where it was read.
    checks
        What this run must show for it to agree.
    """

    id: str
    statement: str
    source: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    expected
        What the claim says, in words.
    found
        What this run shows, in words.
    estimate, conf_low, conf_high
        The number checked and its interval (90 % for equivalence), NaN where there is none.
    verdict
        The verdict on this check.
    """

    expected: str
    found: str
    estimate: float
    conf_low: float
    conf_high: float
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResult:
    """A claim with what each of its checks found and the verdict on the whole."""

    claim: Claim
    findings: tuple[Finding, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResults:
    """All claims with their verdicts.

    Attributes
    ----------
    results
        One entry per claim, in file order.
    synthetic
        Whether the survey is synthetic, so that verdicts check the software only.
    """

    results: tuple[ClaimResult, ...]
    synthetic: bool

    def verdicts(self) -> dict[str, Verdict]:
        """Return the verdict on each claim by its id."""
        return {r.claim.id: r.verdict for r in self.results}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per check: claim, test, expectation, numbers, verdict on check and claim."""
        return pd.DataFrame(
            [
                {
                    "id": r.claim.id,
                    "statement": r.claim.statement,
                    "source": r.claim.source,
                    "test": check.test,
                    "expected": finding.expected,
                    "found": finding.found,
                    "estimate": finding.estimate,
                    "conf_low": finding.conf_low,
                    "conf_high": finding.conf_high,
                    "check_verdict": finding.verdict,
                    "verdict": r.verdict,
                    "checks": "the software, on synthetic data" if self.synthetic else "the finding",
                }
                for r in self.results
                for check, finding in zip(r.claim.checks, r.findings, strict=True)
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What the checks draw on."""

    models: Mapping[str, FittedModel]
    data: CleanedSurvey | pd.DataFrame
    design: SurveyDesign | None
    seed: int
    n_replicates: int
    rankings: Mapping[str, Importance]
    events: Mapping[str, str]


def read_claims(path: str | Path) -> tuple[Claim, ...]:
    """Read claims from a TOML file.

    Parameters
    ----------
    path
        A file with one table per claim: ``statement``, ``source`` and ``checks``, a list of tables with a
        ``test`` and what it needs (`TESTS`).

    Returns
    -------
    tuple of Claim
        In file order.

    Raises
    ------
    ConfigError
        With all faults of the file.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> text = '''
    ... [C1]
    ... statement = "Older people vote more often."
    ... source = "An example"
    ... checks = [{ test = "sign", model = "voting", term = "age", expect = "positive" }]
    ... '''
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "claims.toml").write_text(text, encoding="utf-8")
    ...     [claim.id for claim in read_claims(Path(folder) / "claims.toml")]
    ['C1']
    """
    name = Path(path).name
    raw, _, faults = parse_toml(Path(path))
    if not raw and not faults:
        faults = [Fault(where=name, found="it holds no claim", allowed="one table per claim, such as [C1]")]
    claims = tuple(_claim(name, key, table, faults) for key, table in raw.items())
    if faults:
        raise ConfigError(*faults)
    return claims


def check_claims(
    claims: Sequence[Claim],
    models: Mapping[str, FittedModel],
    data: CleanedSurvey | pd.DataFrame,
    *,
    seed: int,
    n_replicates: int = 200,
    design: SurveyDesign | None = None,
    synthetic: bool | None = None,
    rankings: Mapping[str, Importance] | None = None,
    events: Mapping[str, str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> ClaimResults:
    """Test each claim on fitted models.

    Parameters
    ----------
    claims
        The claims.
    models
        Fitted models by the names that the claims use.
    data
        What the models were fitted to.
    seed, n_replicates
        Seed and number of the bootstrap replicates of ranks and shares.
    design
        The design, if ``data`` is a DataFrame.
    synthetic
        Whether the data are synthetic; by default what the codebook of a cleaned survey says.
    rankings
        Importance already computed, by model; used where it ranks just the variables of a claim.
    events
        For ordinal models the category k such that the event is "k or more"; by default the highest.
    progress
        Called with the id of each claim before it is tested.

    Returns
    -------
    ClaimResults
        Verdicts *agrees*, *agrees in direction only*, *inconclusive*, *disagrees*, *not testable*. "Not
        related" is tested for equivalence by two one-sided tests (Schuirmann 1987, *Journal of
        Pharmacokinetics and Biopharmaceutics* 15, 657-680). Tests are at 5 %, on the margin scale; that one
        association is *weaker* than another is tested one-sided.

    Raises
    ------
    ArgumentError
        If ``n_replicates`` is below 20.
    """
    if n_replicates < 20:
        found = f"{n_replicates}"
        raise ArgumentError(Fault(where="check_claims: n_replicates", found=found, allowed="20 or more"))
    if synthetic is None:
        synthetic = isinstance(data, CleanedSurvey) and data.codebook.synthetic
    evidence = Evidence(
        models=models,
        data=data,
        design=design,
        seed=seed,
        n_replicates=n_replicates,
        rankings=rankings or {},
        events=events or {},
    )
    results = []
    for claim in claims:
        if progress is not None:
            progress(claim.id)
        findings = tuple(_run(check, evidence) for check in claim.checks)
        results.append(
            ClaimResult(claim=claim, findings=findings, verdict=overall([f.verdict for f in findings]))
        )
    return ClaimResults(results=tuple(results), synthetic=synthetic)


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict on a claim from those on its checks.

    Examples
    --------
    >>> overall(["agrees", "agrees in direction only"])
    'agrees in direction only'
    """
    found = set(verdicts)
    if "disagrees" in found:
        return "disagrees"
    if "not testable" in found:
        return "not testable"
    if found == {"agrees"}:
        return "agrees"
    return "inconclusive" if "inconclusive" in found else "agrees in direction only"


def by_interval(estimate: float, low: float, high: float, expect: str) -> Verdict:
    """Return the verdict on a sign from an estimate and its interval.

    Examples
    --------
    >>> by_interval(0.2, -0.1, 0.5, "positive")
    'agrees in direction only'
    """
    sign = 1.0 if expect == "positive" else -1.0
    value, floor, ceiling = sign * estimate, *sorted((sign * low, sign * high))
    if not np.isfinite([value, floor, ceiling]).all():
        return "not testable"
    if floor > 0:
        return "agrees"
    if ceiling < 0:
        return "disagrees"
    return "agrees in direction only" if value > 0 else "inconclusive"


def _claim(file: str, key: str, table: Any, faults: list[Fault]) -> Claim:
    where = f"{file}: {key}"
    if not isinstance(table, dict):
        faults.append(
            Fault(where=where, found="it is not a table", allowed=f"[{key}] with statement and checks")
        )
        return Claim(id=key, statement="", source="", checks=())
    known = ("statement", "source", "checks")
    faults += [
        Fault(
            where=where,
            found=f"unknown key {name!r}",
            allowed=listed(known),
            remedy=did_you_mean(name, known),
        )
        for name in table
        if name not in known
    ]
    faults += [
        Fault(where=where, found=f"{name} is missing or not text")
        for name in ("statement", "source")
        if not isinstance(table.get(name), str)
    ]
    raw = table.get("checks")
    if not isinstance(raw, list) or not raw:
        faults.append(Fault(where=where, found="checks is missing or empty", allowed="a list of tables"))
        raw = []
    checks = tuple(_check(f"{where}: check {i}", item, faults) for i, item in enumerate(raw, start=1))
    return Claim(
        id=key, statement=str(table.get("statement", "")), source=str(table.get("source", "")), checks=checks
    )


def _check(where: str, item: Any, faults: list[Fault]) -> Check:
    about = dict(item) if isinstance(item, dict) else {}
    test = str(about.pop("test", ""))
    if test not in TESTS:
        faults.append(
            Fault(
                where=where,
                found=f"{test!r} is no test",
                allowed=listed(list(TESTS)),
                remedy=did_you_mean(test, TESTS),
            )
        )
        return Check(test=test, about=about)
    needed = TESTS[test]
    wrong = [k for k in about if k not in needed]
    lacking = [k for k in needed if k not in about]
    if wrong or lacking:
        words = [*(f"unknown {k!r}" for k in wrong), *(f"no {k!r}" for k in lacking)]
        faults.append(Fault(where=where, found=listed(words), allowed=f"{test} needs {listed(needed)}"))
    faults += [Fault(where=where, found=found, allowed=allowed) for found, allowed in _value_faults(about)]
    return Check(test=test, about=about)


def _value_faults(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with the values of a check, and what is allowed."""
    found = []
    if about.get("expect", "positive") not in ("positive", "negative"):
        found.append(("expect is neither", "'positive' or 'negative'"))
    found += [
        (f"{key} is not a number", "a number")
        for key in _NUMBERS
        if key in about and not is_number(about[key])
    ]
    found += [
        (f"{key} is not a text", "a name in quotes")
        for key in _NAMES
        if key in about and not isinstance(about[key], str)
    ]
    for key in ("among", "variables"):
        names = about.get(key, [""])
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            found.append((f"{key} is no list of names", '["age", "gender"]'))
    return found or _range_faults(about)


def _range_faults(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the values with which a check could only ever give one verdict."""
    found = [
        (f"{key} is {about[key]:g}", "a number above 0")
        for key in ("bound", "below")
        if about.get(key, 1) <= 0
    ]
    if not 0.5 < about.get("share", 1) <= 1:
        found.append((f"share is {about['share']:g}", "above 0.5, up to 1"))
    if about.get("low", 0) >= about.get("high", 1) and {"low", "high"} <= about.keys():
        found.append(("low is not below high", "low < high"))
    among = about.get("among", [])
    if "variable" in about and among and (about["variable"] not in among or len(set(among)) < 2):
        found.append(("variable is not ranked among others", "a variable of among, which names two or more"))
    return found


def _run(check: Check, evidence: Evidence) -> Finding:
    try:
        return _CHECKS[check.test](check.about, evidence)
    except _NotTestableError as reason:
        return _unavailable(str(reason))
    except (ModelError, DesignError) as error:
        return _unavailable(error.faults[0].found if error.faults else "the model could not be fitted")


class _NotTestableError(Exception):
    """These data don't hold what a check needs."""


def _unavailable(reason: str) -> Finding:
    return Finding(
        expected="—",
        found=f"not testable: {reason}",
        estimate=np.nan,
        conf_low=np.nan,
        conf_high=np.nan,
        verdict="not testable",
    )


def _model(evidence: Evidence, name: str) -> FittedModel:
    if name not in evidence.models:
        raise _NotTestableError(f"this analysis has no model {name!r}")
    return evidence.models[name]


def _margin(evidence: Evidence, name: str, term: str) -> tuple[float, float, float]:
    """Return a margin on the event of a model, its standard error and degrees of freedom."""
    model = _model(evidence, name)
    variable = term.partition("[")[0]
    if variable not in model.spec.formula.predictors:
        raise _NotTestableError(f"model {name!r} has no term {term!r}")
    found = event_margins(model, model.categories.index(_event(evidence, name)), variable)
    position = np.flatnonzero((found.labels["term"] == term).to_numpy())
    if len(position) != 1:
        raise _NotTestableError(f"model {name!r} has no term {term!r}")
    j = int(position[0])
    return float(found.estimate[j]), float(np.sqrt(found.covariance[j, j])), float(model.df)


def _event(evidence: Evidence, name: str) -> str:
    return evidence.events.get(name, evidence.models[name].categories[-1])


def _bounds(estimate: float, std_error: float, df: float, alpha: float = LEVEL) -> tuple[float, float]:
    half = float(stats.t.isf(alpha / 2, df)) * std_error
    return estimate - half, estimate + half


def _sign(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    estimate, std_error, df = _margin(evidence, about["model"], about["term"])
    low, high = _bounds(estimate, std_error, df)
    return Finding(
        expected=f"{about['term']} {about['expect']} in {about['model']}",
        found="margin",
        estimate=estimate,
        conf_low=low,
        conf_high=high,
        verdict=by_interval(estimate, low, high, about["expect"]),
    )


def _pair(about: Mapping[str, Any], evidence: Evidence) -> tuple[np.ndarray, np.ndarray, float]:
    """Return margins of ``than`` and ``model`` on one term, their joint covariance and df."""
    pair = {"than": _model(evidence, about["than"]), "model": _model(evidence, about["model"])}
    try:
        named = {"than": about["than"], "model": about["model"]}
        event = {k: _event(evidence, n) for k, n in named.items() if pair[k].family == "ologit"}
        both = compare(pair, terms=[about["term"]], event=event or None)
    except ArgumentError as error:
        raise _NotTestableError(f"{about['term']!r} is not in both models") from error
    # A factor's name alone stands for all of its levels, of which none is the claim's.
    if both.terms != (about["term"],):
        raise _NotTestableError(f"{about['term']!r} is not one term but {listed(both.terms)}")
    return both.estimates[0], both.covariance, both.df


def _difference(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    values, v, df = _pair(about, evidence)
    estimate = float(values[1] - values[0])
    low, high = _bounds(estimate, float(np.sqrt(v[0, 0] + v[1, 1] - 2 * v[0, 1])), df)
    return Finding(
        expected=f"{about['term']}: {about['model']} minus {about['than']} {about['expect']}",
        found="difference of margins",
        estimate=estimate,
        conf_low=low,
        conf_high=high,
        verdict=by_interval(estimate, low, high, about["expect"]),
    )


def _contrast(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    found = _difference({**about, "expect": "positive"}, evidence)
    differs = found.conf_low > 0 or found.conf_high < 0
    return Finding(
        expected=f"{about['term']} differs between {about['model']} and {about['than']}",
        found="difference of margins",
        estimate=found.estimate,
        conf_low=found.conf_low,
        conf_high=found.conf_high,
        verdict="agrees" if differs else "inconclusive",
    )


def _weaker(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    values, v, df = _pair(about, evidence)
    signs = np.sign(values)
    estimate = float(abs(values[0]) - abs(values[1]))
    variance = v[0, 0] + v[1, 1] - 2 * signs[0] * signs[1] * v[0, 1]
    # The claim fixes the direction: one-sided at 5 %, as for equivalence.
    low, high = _bounds(estimate, float(np.sqrt(variance)), df, 2 * LEVEL)
    return Finding(
        expected=f"{about['term']} weaker in {about['model']} than in {about['than']}",
        found="difference of sizes (90 % interval, one-sided test)",
        estimate=estimate,
        conf_low=low,
        conf_high=high,
        verdict=by_interval(estimate, low, high, "positive"),
    )


def _equivalence(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    estimate, std_error, df = _margin(evidence, about["model"], about["term"])
    bound = float(about["bound"])
    low, high = _bounds(estimate, std_error, df, 2 * LEVEL)
    wide = _bounds(estimate, std_error, df)
    verdict: Verdict = "inconclusive"
    if -bound < low and high < bound:
        verdict = "agrees"
    elif wide[0] > 0 or wide[1] < 0:
        verdict = "disagrees"
    return Finding(
        expected=f"{about['term']} within ±{bound:g} in {about['model']}",
        found="margin (90 % interval, two one-sided tests)",
        estimate=estimate,
        conf_low=low,
        conf_high=high,
        verdict=verdict,
    )


def _rank(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    model, variable = _model(evidence, about["model"]), about["variable"]
    absent = [v for v in (*about["among"], variable) if v not in model.spec.formula.predictors]
    if absent:
        raise _NotTestableError(f"model {about['model']!r} has no term {absent[0]!r}")
    if variable not in about["among"]:
        raise _NotTestableError(f"{variable!r} is not among the variables ranked")
    found = evidence.rankings.get(about["model"])
    if found is None or list(found.estimates.index) != list(about["among"]):
        found = importance(model, about["among"], n_replicates=evidence.n_replicates, seed=evidence.seed)
    rows = found.to_frame().query("variable == @variable")
    shares, ranks = rows["share_first"].to_numpy(), rows["rank"].to_numpy()
    verdict: Verdict = "inconclusive"
    if (shares >= about["share"]).all():
        verdict = "agrees"
    elif (ranks == 1).all():
        verdict = "agrees in direction only"
    elif (shares <= 1 - about["share"]).all():
        verdict = "disagrees"
    return Finding(
        expected=f"{variable} ranks first of {len(about['among'])} in {about['model']}",
        found="share of replicates in which it ranks first (the smaller of two measures)",
        estimate=float(shares.min()),
        conf_low=np.nan,
        conf_high=np.nan,
        verdict=verdict,
    )


def _gap(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    frame = evidence.data.frame if isinstance(evidence.data, CleanedSurvey) else evidence.data.copy()
    absent = [about[k] for k in ("higher", "lower") if about[k] not in frame.columns]
    if absent:
        raise _NotTestableError(f"the survey has no variable {absent[0]!r}")
    wordy = [about[k] for k in ("higher", "lower") if not pd.api.types.is_numeric_dtype(frame[about[k]])]
    if wordy:
        raise _NotTestableError(f"{wordy[0]!r} is not numeric")
    design = evidence.design
    if design is None and isinstance(evidence.data, CleanedSurvey):
        design = evidence.data.design
    frame["gap"] = frame[about["higher"]] - frame[about["lower"]]
    row = means(frame, "gap", design=design).iloc[0]
    return Finding(
        expected=f"mean of {about['higher']} above that of {about['lower']}",
        found="paired difference of means",
        estimate=float(row["estimate"]),
        conf_low=float(row["conf_low"]),
        conf_high=float(row["conf_high"]),
        verdict=by_interval(row["estimate"], row["conf_low"], row["conf_high"], "positive"),
    )


def _moderation(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    model = _model(evidence, about["model"])
    term, by = about["term"], about["by"]
    absent = [v for v in (term, by) if v not in model.spec.formula.predictors]
    if absent:
        raise _NotTestableError(f"model {about['model']!r} has no term {absent[0]!r}")
    fit = {"logit": logit, "ologit": ologit}[model.family]
    extra = {} if model.family == "logit" else {"link": model.link.name}
    wider = fit(
        f"{model.formula} + {term}:{by}",
        evidence.data,
        design=evidence.design,
        covariance=model.covariance,
        df_rule=model.df_rule,
        domain=model.used,
        **extra,  # type: ignore[arg-type]
    )
    # The survey under another item mapping has the same columns and rows, but other answers in them.
    if not (np.array_equal(wider.used, model.used) and np.array_equal(wider.sample_y, model.sample_y)):
        raise _NotTestableError(f"model {about['model']!r} was fitted under another item mapping")
    joint = [c.term for c in wider.spec.columns if set(c.variables) == {term, by}]
    test = wald_test(wider, sorted(set(joint)))
    return Finding(
        expected=f"{term} differs by {by} in {about['model']}",
        found=f"F({test.df_num}, {test.df_denom:.0f}) = {test.statistic:.2f}; the number is the p value",
        estimate=test.p_value,
        conf_low=np.nan,
        conf_high=np.nan,
        verdict="agrees" if test.p_value < LEVEL else "inconclusive",
    )


def _block(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    model = _model(evidence, about["model"])
    absent = [v for v in about["variables"] if v not in model.spec.formula.predictors]
    if absent:
        raise _NotTestableError(f"model {about['model']!r} has no term {absent[0]!r}")
    found = block_share(model, about["variables"], n_replicates=evidence.n_replicates, seed=evidence.seed)
    verdict: Verdict = "inconclusive"
    if found.conf_high < about["below"]:
        verdict = "agrees"
    elif found.conf_low > about["below"]:
        verdict = "disagrees"
    elif found.estimate < about["below"]:
        verdict = "agrees in direction only"
    return Finding(
        expected=f"pseudo R² of background alone in {about['model']} below {about['below']:g}",
        found="McFadden's pseudo R²",
        estimate=found.estimate,
        conf_low=found.conf_low,
        conf_high=found.conf_high,
        verdict=verdict,
    )


def _band(about: Mapping[str, Any], evidence: Evidence) -> Finding:
    estimate, std_error, df = _margin(evidence, about["model"], about["term"])
    model = _model(evidence, about["model"])
    if model.spec.is_factor(about["term"].partition("[")[0]):
        raise _NotTestableError(f"{about['term']!r} is not numeric")
    values, w = model.sample[about["term"]].to_numpy(dtype=float), model.sample_weights
    sd = float(np.sqrt(np.average((values - np.average(values, weights=w)) ** 2, weights=w)))
    low, high = _bounds(estimate * sd, std_error * sd, df)
    floor, ceiling = float(about["low"]), float(about["high"])
    verdict: Verdict = "inconclusive"
    if floor < low and high < ceiling:
        verdict = "agrees"
    elif high < floor or low > ceiling:
        verdict = "disagrees"
    elif floor < estimate * sd < ceiling:
        verdict = "agrees in direction only"
    return Finding(
        expected=f"{about['term']} in {floor:g} to {ceiling:g} per standard deviation in {about['model']}",
        found="margin for one weighted standard deviation",
        estimate=estimate * sd,
        conf_low=low,
        conf_high=high,
        verdict=verdict,
    )


_CHECKS: dict[str, Callable[[Mapping[str, Any], Evidence], Finding]] = {
    "sign": _sign,
    "weaker": _weaker,
    "difference": _difference,
    "contrast": _contrast,
    "equivalence": _equivalence,
    "rank": _rank,
    "gap": _gap,
    "moderation": _moderation,
    "block": _block,
    "band": _band,
}
