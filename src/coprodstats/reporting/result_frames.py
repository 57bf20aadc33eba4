"""The numbers of a run as tidy frames: what the CSV files in the folder results hold."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from coprodstats.models.margins import margins
from coprodstats.models.results import FittedModel
from coprodstats.reporting.findings import Findings


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
    frames |= findings.pictured.frames()
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
