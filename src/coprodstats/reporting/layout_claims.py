"""The claims as tables: the verdicts at a glance, then what each check found."""

from __future__ import annotations

import pandas as pd

from coprodstats.reporting import format as fmt
from coprodstats.reporting.claim_checks import Check, Finding
from coprodstats.reporting.claims import ClaimResults
from coprodstats.reporting.findings import Findings
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.table import Column, Table
from coprodstats.reporting.words import Words, compared_words

# Checks whose number is a margin, which reads as percentage points per step of its variable.
_IN_POINTS = ("sign", "difference", "weaker", "contrast", "equivalence")


def verdicts_table(results: ClaimResults, findings: Findings, words: Words) -> Table:
    """Return one row per claim: statement, source, verdict."""
    frame = pd.DataFrame(
        [
            {"id": r.claim.id, "statement": r.claim.statement, "source": r.claim.source, "verdict": r.verdict}
            for r in results.results
        ]
    )
    return Table.from_frame(
        frame,
        [
            Column(key="id", label="Claim"),
            Column(key="statement", label="Published finding, in our words"),
            Column(key="source", label="Source"),
            Column(key="verdict", label="This run"),
        ],
        key="claims-verdicts",
        title="Published findings and the verdicts of this run",
        n=compared_words(findings.main, words),
        source=words.source,
        notes=_notes(results),
    )


def checks_table(results: ClaimResults, findings: Findings, words: Words) -> Table:
    """Return one row per check: what the claim expects, the number and the verdict on it."""
    rows = []
    for r in results.results:
        for check, finding in zip(r.claim.checks, r.findings, strict=True):
            rows.append(
                {
                    "group": f"{r.claim.id}. {r.claim.statement}",
                    "expected": expectation(check, findings, words),
                    "number": _number(check, finding, words),
                    "verdict": finding.verdict,
                }
            )
    return Table.from_frame(
        pd.DataFrame(rows),
        [
            Column(key="expected", label="What the claim expects"),
            Column(key="number", label="What this run shows"),
            Column(key="verdict", label="This check"),
        ],
        key="claims-checks",
        title="What each claim was checked by",
        n=compared_words(findings.main, words),
        source=words.source,
        notes=(
            "Points are percentage points of probability, for numeric variables per step as in the forest "
            "plot. "
            "Intervals hold 95%, except for 'weaker' and 'within' (90%, one-sided tests at 5%).",
            "No published figure is quoted.",
        ),
        group="group",
    )


def _notes(results: ClaimResults) -> tuple[str, ...]:
    words = "Verdicts: agrees, agrees in direction only, inconclusive, disagrees, not testable."
    if results.synthetic:
        return ("The data are synthetic: a verdict checks the software, not the literature.", words)
    return (words,)


def expectation(  # noqa: PLR0911  (one return per kind of test)
    check: Check, findings: Findings, words: Words
) -> str:
    """Return what a check expects, in readers' words."""
    about = check.about
    named = str(about.get("term", about.get("variable", "")))
    term = _term(named, words) if check.test in _IN_POINTS else _variable(named, words)
    model = _model(str(about.get("model", "")), findings)
    than = _model(str(about.get("than", "")), findings)
    match check.test:
        case "sign":
            return f"{term}: {about['expect']} for {model}"
        case "weaker":
            return f"{term}: weaker for {model} than for {than}"
        case "difference":
            return f"{term}: {model} minus {than} {about['expect']}"
        case "contrast":
            return f"{term}: differs between {model} and {than}"
        case "equivalence":
            bound = 100 * float(about["bound"]) * _step(str(about["term"]), words)
            return f"{term}: within ±{bound:.4g} points for {model}"
        case "rank":
            return f"{term}: ranks first of {len(about['among'])} for {model}"
        case "gap":
            return f"{words.label(about['higher'])} above {words.label(about['lower'])}"
        case "moderation":
            return f"{term}: differs by {lower_first(words.label(about['by']))} for {model}"
        case "block":
            return f"Pseudo R² of background alone below {about['below']:g} for {model}"
        case _:
            low, high = (fmt.number(100 * about[k], 0) for k in ("low", "high"))
            return f"{term}: between {low} and {high} points per standard deviation for {model}"


def _step(term: str, words: Words) -> float:
    return 1.0 if "[" in term else words.step(term)[0]


def _variable(name: str, words: Words) -> str:
    return words.label(name) if name in words.known() else name


def _term(term: str, words: Words) -> str:
    if not term:
        return ""
    variable, _, level = term.partition("[T.")
    if variable not in words.known():
        return term
    if level:
        return f"{words.label(variable)}, {level.rstrip(']')}"
    size, step = words.step(variable)
    return f"{words.label(variable)} (+{step})" if size != 1 else words.label(variable)


def _model(name: str, findings: Findings) -> str:
    comparison, _, outcome = name.rpartition("/")
    label = next((lower_first(o.label) for o in findings.plan.outcomes if o.name == outcome), outcome)
    if not comparison:
        return label
    title = next((lower_first(c.title) for c in findings.plan.comparisons if c.key == comparison), comparison)
    return f"{label} ({title})"


def _number(  # noqa: PLR0911  (one return per kind of test)
    check: Check, finding: Finding, words: Words
) -> str:
    if finding.verdict == "not testable":
        return finding.found
    value, low, high = finding.estimate, finding.conf_low, finding.conf_high
    match check.test:
        case "rank":
            return f"first in {fmt.percent(value)} of replicates (the smaller of two measures)"
        case "moderation":
            p = fmt.p_value(value)
            return f"joint test p {'' if p.startswith('<') else '= '}{p}"
        case "gap":
            return f"paired difference {fmt.estimate(value, low, high, 1)}"
        case "block":
            return f"pseudo R² {fmt.estimate(value, low, high, 3)}"
        case "band":
            return f"{fmt.points_estimate(value, low, high)} points"
        case test if test in _IN_POINTS:
            size = _step(str(check.about["term"]), words)
            return f"{fmt.points_estimate(value * size, low * size, high * size)} points"
        case _:
            return fmt.estimate(value, low, high, 4)
