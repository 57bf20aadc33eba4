"""From an analysis file to a folder with the report, its figures, its numbers and its manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from coprodstats import __version__
from coprodstats.errors import Fault, IntegrityError, ManifestMismatchError, ReportError
from coprodstats.models.margins import margins
from coprodstats.models.results import FittedModel
from coprodstats.reporting.document import Document
from coprodstats.reporting.findings import Findings, agreement, compute
from coprodstats.reporting.format import SIGNIFICANT_DIGITS
from coprodstats.reporting.formats import check_templates, format_packages, render_formats
from coprodstats.reporting.manifest import (
    PACKAGES,
    InputRecord,
    build_manifest,
    input_record,
    manifest_bytes,
    read_manifest,
    sha256_of,
    verify,
)
from coprodstats.reporting.plan import AnalysisPlan, read_plan
from coprodstats.reporting.report import build_report
from coprodstats.reporting.writing import MANIFEST_NAME, frame_to_csv, write_folder
from coprodstats.survey.toml_table import parse_toml

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunResult:
    """What a run found and where it was written.

    Attributes
    ----------
    findings
        All numbers.
    document
        The report.
    folder
        The folder that holds ``report.html`` (and the report in the plan's other formats), ``figures/``,
        ``results/`` and ``manifest.json``.
    files
        Length in bytes of each file.
    """

    findings: Findings
    document: Document
    folder: Path
    files: Mapping[str, int]


def run_analysis(
    path: str | Path, *, out: str | Path | None = None, progress: Progress | None = None
) -> RunResult:
    """Run an analysis file: read, clean, fit, compare, test claims, write the report.

    Parameters
    ----------
    path
        The analysis file (TOML).
    out
        The output folder; by default the one that the file names.
    progress
        Called with what is done next.

    Returns
    -------
    RunResult
        The numbers, the document and the folder.

    Raises
    ------
    CoprodstatsError
        If anything is wrong; nothing is written then, and an earlier output stays as it was.
    """
    say = progress or (lambda _: None)
    plan = read_plan(path)
    check_templates(_templates(plan))
    folder = Path(out) if out is not None else plan.output
    findings = compute(plan, progress=say)
    say("laying out the report")
    document = build_report(findings, version=__version__)
    files = render(findings, document)
    say("writing")
    write_folder(files, folder)
    return RunResult(
        findings=findings,
        document=document,
        folder=folder,
        files={name: len(data) for name, data in sorted(files.items())},
    )


def reproduce(
    folder: str | Path, path: str | Path | None = None, *, progress: Progress | None = None
) -> list[str]:
    """Run an analysis again and compare with what a folder holds, writing nothing.

    Parameters
    ----------
    folder
        A folder that a run wrote.
    path
        The analysis file that it was made from; by default the one below the working directory whose hash the
        manifest records.
    progress
        Called with what is done next.

    Returns
    -------
    list of str
        The names of the files, all of which came out the same.

    Raises
    ------
    ManifestMismatchError
        Naming each file that comes out different.
    ReportError
        If the folder has no readable manifest, or its analysis file isn't found.
    """
    verify(folder)
    findings = compute(read_plan(path or _analysis_of(Path(folder))), progress=progress)
    files = render(findings, build_report(findings, version=__version__))
    there = Path(folder)
    faults = [
        Fault(where=name, found=found, remedy="compare package versions and inputs in manifest.json")
        for name, data in sorted(files.items())
        for found in [_difference(there / name, data)]
        if found
    ]
    if faults:
        raise ManifestMismatchError(*faults)
    return sorted(files)


def _analysis_of(folder: Path) -> Path:
    """Return the analysis file that a folder was made from: found by its hash, as no path is recorded."""
    wanted = read_manifest(folder)["analysis_sha256"]
    for file in sorted(Path.cwd().rglob("*.toml")):
        if (
            not any(part.startswith(".") for part in file.parts[1:])
            and sha256_of(file.read_bytes()) == wanted
        ):
            return file
    raise ReportError(
        Fault(
            where=f"folder {folder.name!r}",
            found="no TOML file below the working directory is the analysis that it was made from",
            remedy="name it: coprodstats reproduce FOLDER ANALYSIS.toml",
        )
    )


def _difference(file: Path, data: bytes) -> str:
    if not file.is_file():
        return "this run makes it, and the folder doesn't hold it"
    return "" if file.read_bytes() == data else "it comes out different"


def render(findings: Findings, document: Document) -> dict[str, bytes]:
    """Return all files of a run by name, the manifest included."""
    results = {f"{name}.csv": frame_to_csv(frame) for name, frame in result_frames(findings).items()}
    plan = findings.plan
    files = render_formats(document, plan.formats, results=results, templates=_templates(plan))
    for figure in document.figures():
        files[f"figures/{figure.key}.svg"] = figure.svg.encode("utf-8")
    for name, data in results.items():
        files[f"results/{name}"] = data
    files[MANIFEST_NAME] = manifest_bytes(_manifest(findings, files))
    return files


def _templates(plan: AnalysisPlan) -> dict[str, bytes]:
    return {} if plan.docx_template is None else {"docx": plan.docx_template.read_bytes()}


def result_frames(findings: Findings) -> dict[str, pd.DataFrame]:
    """Return the numbers of a run as tidy frames by name, each in its variable's own unit."""
    models = findings.models()
    frames = {
        "models": pd.concat([m.to_frame() for m in models.values()], ignore_index=True),
        "margins": pd.concat(
            [_named(margins(m), model=name, outcome=m.outcome) for name, m in models.items()],
            ignore_index=True,
        ),
        "differences": _differences(findings),
        "tests": _tests(findings),
        "rows": _rows(models),
        "cleaning": findings.cleaned.log.to_frame(),
        "sample": findings.sample.drop(columns="numeric", errors="ignore"),
        "levels": findings.levels[["model", "group", "category", *_LEVEL]],
    }
    if len(findings.indices):
        frames["indices"] = findings.indices[["index", "group", *_LEVEL]]
    if len(findings.items):
        frames["items"] = findings.items[["group", "variable", "item", "category", *_LEVEL]]
    predicted = [
        _named(c.predictions, comparison=k) for k, c in findings.compared.items() if len(c.predictions)
    ]
    if predicted:
        frames["predictions"] = pd.concat(predicted, ignore_index=True)
    if findings.importance is not None:
        # A drop in pseudo R² is a small difference of large numbers: beyond nine decimals it is rounding.
        frames["importance"] = findings.importance.to_frame().round(9)
    if findings.claims is not None:
        frames["claims"] = findings.claims.to_frame()
    return {name: frame for name, frame in frames.items() if len(frame)}


_LEVEL = ["estimate", "std_error", "df", "conf_low", "conf_high", "n", "n_weighted"]


def _named(frame: pd.DataFrame, **columns: str) -> pd.DataFrame:
    named = frame.copy()
    for position, (name, value) in enumerate(columns.items()):
        named.insert(position, name, value)
    return named


def _differences(findings: Findings) -> pd.DataFrame:
    first, second = (o.name for o in findings.plan.outcomes)
    parts = []
    for key, one in findings.compared.items():
        for comparison in (one.margins, one.coefficients):
            frame = comparison.to_frame().rename(columns={first: "first", second: "second"})
            parts.append(
                _named(frame, comparison=key, scale=comparison.scale, difference_of=comparison.label)
            )
    return pd.concat(parts, ignore_index=True)


def _tests(findings: Findings) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "comparison": key,
                "scale": comparison.scale,
                "null": comparison.test.null,
                "statistic": comparison.test.statistic,
                "df_num": comparison.test.df_num,
                "df_denom": comparison.test.df_denom,
                "p_value": comparison.test.p_value,
            }
            for key, one in findings.compared.items()
            for comparison in (one.margins, one.coefficients)
        ]
    )


def _rows(models: Mapping[str, FittedModel]) -> pd.DataFrame:
    parts = []
    for name, model in models.items():
        parts.append(_named(model.dropped, model=name))
        used = {"model": name, "variable": "", "reason": "in the model", "rows": model.nobs}
        parts.append(pd.DataFrame([used]))
    return pd.concat(parts, ignore_index=True)


def _survey_record(path: Path, sha256: str, n_rows: int) -> InputRecord:
    record = input_record(path, n_rows=n_rows)
    if record.sha256 != sha256:
        found = "the file changed while the analysis ran"
        raise IntegrityError(Fault(where=path.name, found=found, remedy="run the analysis again"))
    return record


def _manifest(findings: Findings, files: Mapping[str, bytes]) -> dict[str, Any]:
    plan, cleaned = findings.plan, findings.cleaned
    log = cleaned.log
    inputs = [input_record(plan.path), *_codebook_records(plan.codebook)]
    inputs.append(_survey_record(plan.survey, cleaned.sha256, log.rows_in))
    if plan.claims is not None:
        inputs.append(input_record(plan.claims))
    if plan.docx_template is not None:
        inputs.append(input_record(plan.docx_template))
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
            "synthetic": cleaned.codebook.synthetic,
            "mapping": cleaned.mapping,
            "replicates": plan.replicates,
            "statsmodels_largest_difference_below": agreement(findings.crosscheck),
        },
    )


def _codebook_records(path: Path) -> list[InputRecord]:
    """Return the codebook and those that it extends, the deeper ones named by how far down they are."""
    records, depth, extended = [], 0, path
    while True:
        content, _, _ = parse_toml(extended)
        records.append(input_record(extended, name=f"{'extended/' * depth}{extended.name}"))
        if "extends" not in content:
            return records
        extended, depth = extended.parent / content["extends"], depth + 1


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
