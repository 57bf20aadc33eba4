"""Published findings against this run: claims as data, their checks, and verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from coprodstats.errors import (
    ArgumentError,
    ConfigError,
    Fault,
    did_you_mean,
    listed,
)
from coprodstats.models.importance import Importance
from coprodstats.models.results import FittedModel
from coprodstats.reporting.claim_checks import Check, Evidence, Finding, Verdict, run_check
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import SurveyDesign
from coprodstats.survey.display import record_html
from coprodstats.survey.toml_table import is_number, parse_toml

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

    def _repr_html_(self) -> str:
        return record_html(self)


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

    def _repr_html_(self) -> str:
        return record_html(
            self,
            facts={"verdicts on": "the software, on synthetic data" if self.synthetic else "the findings"},
            tables={
                "claims": [
                    {
                        "id": r.claim.id,
                        "claim": r.claim.statement,
                        "source": r.claim.source,
                        "verdict": r.verdict,
                    }
                    for r in self.results
                ]
            },
        )


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
        findings = tuple(run_check(check, evidence) for check in claim.checks)
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
