"""The claims as tables: the verdicts at a glance, then what each check found."""

from __future__ import annotations

import pandas as pd

from coprodstats.reporting import format as fmt
from coprodstats.reporting.claim_checks import Check, Finding, Verdict
from coprodstats.reporting.claims import ClaimResults
from coprodstats.reporting.findings import Findings
from coprodstats.reporting.language import say
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.table import Column, Table
from coprodstats.reporting.words import Words, compared_words, p_words

# Checks whose number is a margin, which reads as percentage points per step of its variable.
_IN_POINTS = ("sign", "difference", "weaker", "contrast", "equivalence")


def verdict_words(verdict: Verdict) -> str:
    """Return a verdict as readers see it.

    Examples
    --------
    >>> verdict_words("agrees in direction only")
    'agrees in direction only'
    """
    return say(f"claims.{verdict.replace(' ', '_')}")


def verdicts_table(results: ClaimResults, findings: Findings, words: Words) -> Table:
    """Return one row per claim: statement, source, verdict."""
    rows = [
        {
            "id": r.claim.id,
            "statement": r.claim.statement,
            "source": r.claim.source,
            "verdict": verdict_words(r.verdict),
        }
        for r in results.results
    ]
    told = (say("claims.verdicts_synthetic"),) if results.synthetic else ()
    return Table.from_frame(
        pd.DataFrame(rows),
        [
            Column(key="id", label=say("claims.id")),
            Column(key="statement", label=say("claims.statement")),
            Column(key="source", label=say("claims.source")),
            Column(key="verdict", label=say("claims.verdict")),
        ],
        key="claims-verdicts",
        title=say("claims.verdicts_title"),
        n=compared_words(findings.main, words),
        source=words.source,
        notes=(*told, say("claims.verdicts_words")),
    )


def checks_table(results: ClaimResults, findings: Findings, words: Words) -> Table:
    """Return one row per check: what the claim expects, the number and the verdict on it."""
    rows = [
        {
            "group": say("claims.named", id=r.claim.id, statement=r.claim.statement),
            "expected": expectation(check, findings, words),
            "number": _number(check, finding, words),
            "verdict": verdict_words(finding.verdict),
        }
        for r in results.results
        for check, finding in zip(r.claim.checks, r.findings, strict=True)
    ]
    return Table.from_frame(
        pd.DataFrame(rows),
        [
            Column(key="expected", label=say("claims.expected")),
            Column(key="number", label=say("claims.shown")),
            Column(key="verdict", label=say("claims.check")),
        ],
        key="claims-checks",
        title=say("claims.checks_title"),
        n=compared_words(findings.main, words),
        source=words.source,
        notes=(say("claims.checks_points"), say("claims.checks_unquoted")),
        group="group",
    )


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
            expect = say(f"claims.{about['expect']}")
            return say("claims.expect_sign", term=term, expect=expect, model=model)
        case "weaker":
            return say("claims.expect_weaker", term=term, model=model, than=than)
        case "difference":
            expect = say(f"claims.{about['expect']}")
            return say("claims.expect_difference", term=term, model=model, than=than, expect=expect)
        case "contrast":
            return say("claims.expect_contrast", term=term, model=model, than=than)
        case "equivalence":
            bound = 100 * float(about["bound"]) * _step(str(about["term"]), words)
            return say("claims.expect_equivalence", term=term, bound=_short(bound), model=model)
        case "rank":
            return say("claims.expect_rank", term=term, many=len(about["among"]), model=model)
        case "gap":
            higher, lower = (words.label(about[k]) for k in ("higher", "lower"))
            return say("claims.expect_gap", higher=higher, lower=lower)
        case "moderation":
            by = lower_first(words.label(about["by"]))
            return say("claims.expect_moderation", term=term, by=by, model=model)
        case "block":
            return say("claims.expect_block", below=_short(float(about["below"])), model=model)
        case _:
            low, high = (fmt.number(100 * about[k], 0) for k in ("low", "high"))
            return say("claims.expect_band", term=term, low=low, high=high, model=model)


def _short(value: float) -> str:
    return fmt.localised(f"{value:.4g}")


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
        return f"{words.label(variable)}, {words.level(level.rstrip(']'))}"
    size, step = words.step(variable)
    return say("words.step", label=words.label(variable), step=step) if size != 1 else words.label(variable)


def _model(name: str, findings: Findings) -> str:
    comparison, _, outcome = name.rpartition("/")
    label = next((lower_first(o.label) for o in findings.plan.outcomes if o.name == outcome), outcome)
    if not comparison:
        return label
    title = next((lower_first(c.title) for c in findings.plan.comparisons if c.key == comparison), comparison)
    return say("claims.model", label=label, title=title)


def _number(  # noqa: PLR0911  (one return per kind of test)
    check: Check, finding: Finding, words: Words
) -> str:
    if finding.verdict == "not testable":
        return words.statement(finding.found)
    value, low, high = finding.estimate, finding.conf_low, finding.conf_high
    match check.test:
        case "rank":
            return say("claims.number_rank", share=fmt.percent(value))
        case "moderation":
            return say("claims.number_moderation", p=p_words(value))
        case "gap":
            return say("claims.number_gap", estimate=fmt.estimate(value, low, high, 1))
        case "block":
            return say("claims.number_block", estimate=fmt.estimate(value, low, high, 3))
        case "band":
            return say("claims.number_points", estimate=fmt.points_estimate(value, low, high))
        case test if test in _IN_POINTS:
            size = _step(str(check.about["term"]), words)
            estimate = fmt.points_estimate(value * size, low * size, high * size)
            return say("claims.number_points", estimate=estimate)
        case _:
            return fmt.estimate(value, low, high, 4)
