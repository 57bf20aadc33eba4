"""The manifest of a run, from its findings and files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coprodstats.errors import Fault, IntegrityError
from coprodstats.models.results import FittedModel
from coprodstats.reporting.findings import Findings, agreement
from coprodstats.reporting.format import SIGNIFICANT_DIGITS
from coprodstats.reporting.formats import format_packages
from coprodstats.reporting.manifest import PACKAGES, InputRecord, build_manifest, input_record
from coprodstats.reporting.plan import AnalysisPlan
from coprodstats.survey.toml_table import parse_toml


def _survey_record(path: Path, sha256: str, n_rows: int) -> InputRecord:
    record = input_record(path, n_rows=n_rows)
    if record.sha256 != sha256:
        found = "the file changed while the analysis ran"
        raise IntegrityError(Fault(where=path.name, found=found, remedy="run the analysis again"))
    return record


def run_manifest(findings: Findings, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the manifest of a run: what it read, did and wrote.

    Parameters
    ----------
    findings
        The numbers, with the plan.
    files
        The files written, by name.

    Raises
    ------
    IntegrityError
        If the survey changed after it was read.
    """
    plan, cleaned = findings.plan, findings.cleaned
    log = cleaned.log
    inputs = [input_record(plan.path), *codebook_records(plan.codebook)]
    inputs.append(_survey_record(plan.survey, cleaned.sha256, log.rows_in))
    if plan.claims is not None:
        inputs.append(input_record(plan.claims))
    declared = [*plan.translations.values(), plan.docx_template, *_theme_files(plan)]
    inputs += [input_record(path) for path in declared if path is not None]
    design = findings.bound
    return build_manifest(
        title=plan.title,
        inputs=inputs,
        codebook_sha256=cleaned.codebook.sha256,
        analysis_sha256=plan.sha256,
        rows={
            "in": log.rows_in,
            "kept": log.rows_kept,
            "excluded": {
                str(r): int(n) for r, n in zip(log.excluded["reason"], log.excluded["rows"], strict=True)
            },
        },
        design={
            "description": design.description,
            "n_strata": design.n_strata,
            "n_psu": design.n_psu,
            "weights_sum": float(design.weights.sum()),
            "weights_kish": float(
                len(design.weights) * np.square(design.weights).sum() / design.weights.sum() ** 2
            ),
            "lonely_psu": design.lonely_psu,
            "df_rule": plan.df_rule,
        },
        models={name: _model_record(model) for name, model in findings.models().items()},
        outputs=files,
        seed=plan.seed,
        packages=(*PACKAGES, *format_packages(plan.formats)),
        extra={
            "languages": list(plan.languages),
            "synthetic": cleaned.codebook.synthetic,
            "mapping": cleaned.mapping,
            "warnings": list(cleaned.warnings),
            "replicates": plan.replicates,
            "statsmodels_largest_difference_below": agreement(findings.crosscheck),
        },
    )


def codebook_records(path: Path) -> list[InputRecord]:
    """Return the codebook and those that it extends, the deeper ones named by how far down they are."""
    records, depth, extended = [], 0, path
    while True:
        content, _, _ = parse_toml(extended)
        records.append(input_record(extended, name=f"{'extended/' * depth}{extended.name}"))
        if "extends" not in content:
            return records
        extended, depth = extended.parent / content["extends"], depth + 1


def _theme_files(plan: AnalysisPlan) -> list[Path]:
    """Return the theme's file and those that it names beside it."""
    if plan.theme_file is None:
        return []
    return [plan.theme_file.parent / name for name in plan.theme.inputs]


def _model_record(model: FittedModel) -> dict[str, Any]:
    lost = model.dropped
    return {
        "formula": model.formula,
        "family": model.family,
        "link": model.link.name,
        "n": model.nobs,
        "n_psu": model.n_psu,
        "n_strata": model.n_strata,
        "df": model.df,
        "correct_digits_at_least": min(model.convergence.digits, SIGNIFICANT_DIGITS),
        "left_out": {
            f"{v}: {r}": int(n)
            for v, r, n in zip(lost["variable"], lost["reason"], lost["rows"], strict=True)
        },
    }
