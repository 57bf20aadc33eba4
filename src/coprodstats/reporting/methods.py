"""How the numbers of a report were made, and what they can't tell."""

from __future__ import annotations

from coprodstats.reporting.document import BulletList, DefinitionList, Section
from coprodstats.reporting.findings import Findings, agreement
from coprodstats.reporting.format import SIGNIFICANT_DIGITS
from coprodstats.reporting.language import say
from coprodstats.reporting.span import Text

# What a report adds for models that are not of the cumulative-link kind.
_OF_MEANS = {"linear": "report.method_linear_text", "fractional": "report.method_fractional_text"}


def methods_section(findings: Findings) -> Section:
    """Return the methods, each with its source."""
    families = {model.family for model in findings.models().values()}
    models = [say("report.method_models_text")] if families - set(_OF_MEANS) else []
    models += [say(key) for family, key in _OF_MEANS.items() if family in families]
    rows: list[tuple[Text, Text]] = [
        (say("report.method_models"), " ".join(models)),
        (say("report.method_variances"), say("report.method_variances_text")),
        (say("report.method_margins"), say("report.method_margins_text")),
        (say("report.method_comparison"), say("report.method_comparison_text")),
        (say("report.method_proportions"), say("report.method_proportions_text")),
        (say("report.method_separation"), say("report.method_separation_text")),
    ]
    if findings.importance is not None:
        drawn = say(
            "report.method_importance_text",
            replicates=findings.plan.replicates,
            # A seed is a name, not an amount: it has no separators.
            seed=str(findings.plan.seed),
        )
        rows.append((say("report.method_importance"), drawn))
    rows.append((say("report.method_exactness"), _exactness(findings, families)))
    return Section(key="methods", heading=say("report.methods"), blocks=(DefinitionList(items=tuple(rows)),))


def _exactness(findings: Findings, families: set[str]) -> str:
    digits = min(*(m.convergence.digits for m in findings.models().values()), SIGNIFICANT_DIGITS)
    sentences = [say("report.exactness_digits", digits=digits)]
    within = agreement(findings.crosscheck)
    if within is not None and "ologit" in families:
        sentences.insert(0, say("report.exactness_ordinal", within=f"{within:.0e}"))
    elif within is not None:
        sentences.insert(0, say("report.exactness_refitted", within=f"{within:.0e}"))
    return " ".join(sentences)


def limits_section(findings: Findings) -> Section:
    """Return what such a survey can't tell, and what this one in particular can't."""
    items: list[Text] = [
        say("report.limit_cross_section"),
        say("report.limit_self_report"),
        say("report.limit_one_source"),
        say("report.limit_levels"),
        *findings.plan.limits,
    ]
    if findings.cleaned.codebook.synthetic:
        items.insert(0, say("report.synthetic"))
    return Section(key="limits", heading=say("report.limits"), blocks=(BulletList(items=tuple(items)),))
