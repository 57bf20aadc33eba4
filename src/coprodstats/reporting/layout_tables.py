"""Which tables a finding makes: frames in, tables of the document out, no statistics."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import TermLabel
from coprodstats.reporting.findings import Compared, Findings
from coprodstats.reporting.sentences import lower_first
from coprodstats.reporting.table import Column, Table
from coprodstats.reporting.words import (
    ESTIMATES,
    Words,
    coefficients_per_step,
    compared_words,
    drawn,
    is_numeric,
    per_step,
    range_words,
    sample_words,
    term_labels,
    wald_words,
)


def changes_table(findings: Findings, words: Words) -> Table:
    """Return the cells that cleaning made missing or turned round, by rule and reason."""
    cells = findings.cleaned.log.cells
    derived = set(words.codebook.indices) | set(words.codebook.outcomes)
    touched = cells[(cells["cells"] > 0) & ~cells["variable"].isin(derived)]
    shown = touched.groupby(["rule", "reason"], sort=False, dropna=False, as_index=False).agg(
        variables=("variable", "nunique"), cells=("cells", "sum")
    )
    quiet = int((cells["cells"] == 0).sum())
    return Table.from_frame(
        shown,
        [
            Column(key="rule", label="Rule"),
            Column(key="reason", label="Reason kept with the cell", missing=""),
            Column(key="variables", label="Variables", role="count"),
            Column(key="cells", label="Cells", role="count"),
        ],
        key="cells-changed",
        title="What cleaning changed in the answers",
        n=f"{findings.cleaned.log.rows_kept:,} rows kept",
        source=words.source,
        notes=(
            f"{quiet} further rules were applied and changed nothing. results/cleaning.csv lists every rule "
            "by "
            "variable, and what is missing in indices and outcomes.",
        ),
    )


def lost_table(findings: Findings, words: Words) -> Table:
    """Return the rows that each main model leaves out, by variable and reason: its n can be traced."""
    parts = []
    for s in words.series:
        model = findings.main.models[s.name]
        start = pd.DataFrame([{"label": "Rows kept by cleaning", "reason": "", "rows": len(model.used)}])
        lost = model.dropped.assign(label=[_dropped_label(words, v) for v in model.dropped["variable"]])
        lost["rows"] = -lost["rows"]
        end = pd.DataFrame([{"label": "Rows in the model", "reason": "", "rows": model.nobs}])
        parts.append(pd.concat([start, lost, end], ignore_index=True).assign(outcome=s.label))
    frame = pd.concat(parts, ignore_index=True)
    return Table.from_frame(
        frame,
        [
            Column(key="label", label="Step"),
            Column(key="reason", label="Reason", missing=""),
            Column(key="rows", label="Rows", role="number", digits=0),
        ],
        key="rows-lost",
        title="From the rows kept to the rows in each model",
        n=f"{findings.cleaned.log.rows_kept:,} rows kept",
        source=words.source,
        notes=(
            "A row is counted at its first missing variable. Rows left out keep their place in the design.",
        ),
        group="outcome",
    )


def _dropped_label(words: Words, name: str) -> str:
    return name.capitalize() if name in ("domain", "weights") else words.label(name)


def sample_table(findings: Findings, words: Words) -> Table:
    """Return who is in the sample: weighted shares and means."""
    frame = findings.sample
    shown = frame.assign(
        label=[words.label(v) for v in frame["variable"]],
        row=[
            "Mean" if numeric else str(c)
            for c, numeric in zip(frame["category"], frame["numeric"], strict=True)
        ],
        shown=[
            fmt.estimate(e, low, high, 1) if numeric else fmt.percent_estimate(e, low, high, 1)
            for e, low, high, numeric in zip(*(frame[c] for c in (*ESTIMATES, "numeric")), strict=True)
        ],
    )
    return Table.from_frame(
        shown,
        [
            Column(key="row", label="Answer"),
            Column(key="respondents", label="Respondents", role="count"),
            Column(key="shown", label="Weighted share or mean (95% interval)"),
        ],
        key="sample-table",
        title="Who is in the sample",
        n=f"{findings.cleaned.log.rows_kept:,} respondents",
        source=words.source,
        notes=("Respondents are unweighted counts; shares and means are weighted.",),
        group="label",
    )


def indices_table(findings: Findings, words: Words) -> Table:
    """Return the mean of each index, in all and by group."""
    frame = findings.indices
    shown = frame.assign(label=[words.label(i) for i in frame["index"]])
    return Table.from_frame(
        shown,
        [
            Column(
                key="group",
                label=words.label(findings.plan.describe.by) if findings.plan.describe.by else "Group",
            ),
            Column(key="n", label="Respondents", role="count"),
            Column(
                key="estimate",
                label="Mean (95% interval)",
                role="number",
                digits=1,
                low="conf_low",
                high="conf_high",
            ),
        ],
        key="index-means",
        title="Mean of each index",
        n=f"{int(frame['n'].max()):,} respondents",
        source=words.source,
        group="label",
    )


def models_table(one: Compared, words: Words) -> Table:
    """Return two models side by side: coefficients with intervals, odds ratios, and what they rest on."""
    frames = []
    for s in words.series:
        model = one.models[s.name]
        frame = model.to_frame()
        frame["name"] = [p.name for p in model.parameters]
        steps = [words.step(p.variables[0])[0] if is_numeric(p) else 1.0 for p in model.parameters]
        frame[list(ESTIMATES)] = frame[list(ESTIMATES)].mul(steps, axis=0)
        frames.append(frame.set_index("name")[[*ESTIMATES, "kind"]].add_suffix(f"_{s.name}"))
    names = list(dict.fromkeys(n for f in frames for n in f.index))
    wide = pd.concat([f.reindex(names) for f in frames], axis=1)
    labels = {p.name: words.term(p) for m in one.models.values() for p in m.parameters}
    wide["label"] = [labels[n].label for n in names]
    wide["part"] = [_part(labels[n], n, one) for n in names]
    wide = _together(wide, "part")
    columns = [Column(key="label", label="Term")]
    logistic = all(m.link.name == "logit" for m in one.models.values())
    for s in words.series:
        low, high = f"conf_low_{s.name}", f"conf_high_{s.name}"
        columns.append(
            Column(
                key=f"estimate_{s.name}",
                label=f"{s.label}: coefficient",
                digits=3,
                role="number",
                low=low,
                high=high,
                missing="[z]",
            )
        )
        if logistic:
            slopes = wide[f"kind_{s.name}"] == "slope"
            wide[f"odds_{s.name}"] = wide[f"estimate_{s.name}"].where(slopes)
            columns.append(
                Column(key=f"odds_{s.name}", label=f"{s.label}: odds ratio", role="odds_ratio", missing="[z]")
            )
    return Table.from_frame(
        wide.reset_index(drop=True),
        columns,
        key=f"models-{one.plan.key}",
        title=f"{one.plan.title}: the two models side by side",
        n=compared_words(one, words),
        source=words.source,
        notes=_model_notes(one, words),
        group="part",
    )


def _part(label: TermLabel, name: str, one: Compared) -> str:
    if any(p.name == name and p.kind == "threshold" for m in one.models.values() for p in m.parameters):
        return "Intercept and thresholds"
    return label.group or "Numeric predictors, per step"


def _together(frame: pd.DataFrame, group: str) -> pd.DataFrame:
    """Return rows of one group beside each other, groups in the order of their first row."""
    order = {name: i for i, name in enumerate(dict.fromkeys(frame[group]))}
    return frame.sort_values(group, key=lambda c: c.map(order), kind="stable").reset_index(drop=True)


def _model_notes(one: Compared, words: Words) -> tuple[str, ...]:
    found = [
        "Coefficients are on the link scale with 95% intervals, for numeric predictors per step in brackets; "
        "odds ratios are given for slopes only. results/models.csv has them per unit."
    ]
    for s in words.series:
        model = one.models[s.name]
        found.append(
            f"{s.label}: {model.formula}. {sample_words(model)}; {model.df_statement()}; "
            f"covariance under the design ({model.design.description}); McFadden's pseudo R² "
            f"{fmt.number(model.prsquared, 3)}."
        )
        if model.family == "ologit":
            found.append(
                f"{s.label}: categories {', '.join(model.categories)}; a positive coefficient means more."
            )
        found += [f"{s.label}: {w}." for w in model.warnings]
    return tuple(found)


def differences_table(one: Compared, words: Words, *, scale: str, only: Sequence[str] | None = None) -> Table:
    """Return each difference with its standard error, on the margin or the coefficient scale."""
    comparison = one.margins if scale == "margin" else one.coefficients
    first, second = words.series
    model = one.models[first.name]
    numbers = (first.name, second.name, "difference", "std_error", "conf_low", "conf_high")
    frame = comparison.to_frame()
    if scale == "margin":
        frame = per_step(words, model, frame, numbers)
        labels = {t.term: t for t in term_labels(words, model)}
    else:
        labels = {p.name: words.term(p) for p in model.parameters}
        frame = coefficients_per_step(words, model, frame, numbers)
    frame["label"] = [labels[t].label for t in frame["term"]]
    frame["group"] = [labels[t].group or "Numeric predictors" for t in frame["term"]]
    if only is not None:
        frame = frame[frame["term"].isin(only)]
    frame = _together(frame, "group")
    role, digits = ("points", 1) if scale == "margin" else ("number", 3)
    frame["se"] = frame["std_error"] * (100 if scale == "margin" else 1)
    columns = [
        Column(key="label", label="Term"),
        Column(key=first.name, label=first.label, role=role, digits=digits),  # type: ignore[arg-type]
        Column(key=second.name, label=second.label, role=role, digits=digits),  # type: ignore[arg-type]
        Column(
            key="difference",
            label=f"{second.label} − {lower_first(first.label)} (95% interval)",
            role=role,  # type: ignore[arg-type]
            digits=digits,
            low="conf_low",
            high="conf_high",
        ),
        Column(key="se", label="Standard error", role="number", digits=digits + 1),
        Column(key="p_value", label="p", role="p_value"),
        Column(key="p_adjusted", label="p (Holm)", role="p_value"),
    ]
    unit = (
        "Percentage points of probability; numeric predictors per step given in brackets."
        if scale == "margin"
        else "Coefficients on the link scale; numeric predictors per step given in brackets."
    )
    return Table.from_frame(
        frame,
        columns,
        key=f"difference-{scale}-{one.plan.key}",
        title=f"{one.plan.title}: the difference, on the {scale} scale",
        n=compared_words(one, words),
        source=words.source,
        notes=(
            unit,
            f"All differences together: {wald_words(comparison.test)}.",
            f"{comparison.df_statement}. Holm's p values allow for the {len(comparison.terms)} terms "
            "compared.",
            *(["Other terms are in results/differences.csv."] if only is not None else []),
            *comparison.caveats,
        ),
        group="group",
    )


def sensitivity_table(findings: Findings, words: Words, members: Sequence[Compared]) -> Table:
    """Return the differences of the main comparison beside those of its variants, one column per run."""
    runs = [findings.main, *members]
    first, second = words.series
    model = findings.main.models[first.name]
    labels = drawn(findings, term_labels(words, model))
    wide = pd.DataFrame({"term": [t.term for t in labels], "label": [t.label for t in labels]})
    wide["group"] = [t.group or "Numeric predictors" for t in labels]
    columns = [Column(key="label", label="Term")]
    numbers = ("difference", "conf_low", "conf_high")
    for k, one in enumerate(runs):
        frame = per_step(words, one.models[first.name], one.margins.to_frame(), numbers)
        frame = frame.set_index("term")[list(numbers)].add_suffix(f"_{k}")
        wide = wide.join(frame, on="term")
        columns.append(
            Column(
                key=f"difference_{k}",
                label=one.plan.title,
                role="points",
                low=f"conf_low_{k}",
                high=f"conf_high_{k}",
                missing="[z]",
            )
        )
    return Table.from_frame(
        _together(wide, "group"),
        columns,
        key="sensitivity-table",
        title=f"{second.label} − {lower_first(first.label)} under other choices",
        n=range_words(runs),
        source=words.source,
        notes=(
            "Percentage points of probability with 95% intervals; numeric predictors per step in brackets.",
            "All terms are in results/differences.csv.",
        ),
        group="group",
    )
