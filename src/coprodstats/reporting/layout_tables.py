"""Which tables a finding makes: frames in, tables of the document out, no statistics."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from coprodstats.reporting import format as fmt
from coprodstats.reporting.figures import TermLabel
from coprodstats.reporting.findings import Compared, Findings
from coprodstats.reporting.language import say
from coprodstats.reporting.measures import coefficient_words, fit_measure, margin_words
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
    for column in ("rule", "reason"):
        shown[column] = [words.statement(text) for text in shown[column]]
    return Table.from_frame(
        shown,
        [
            Column(key="rule", label=say("tables.changes_rule")),
            Column(key="reason", label=say("tables.changes_reason"), missing=""),
            Column(key="variables", label=say("tables.changes_variables"), role="count"),
            Column(key="cells", label=say("tables.changes_cells"), role="count"),
        ],
        key="cells-changed",
        title=say("tables.changes_title"),
        n=say("tables.rows_kept", n=findings.cleaned.log.rows_kept),
        source=words.source,
        notes=(say("tables.changes_quiet", n=int((cells["cells"] == 0).sum())),),
    )


def lost_table(findings: Findings, words: Words) -> Table:
    """Return the rows that each main model leaves out, by variable and reason: its n can be traced."""
    parts = []
    for s in words.series:
        model = findings.main.models[s.name]
        start = {"label": say("tables.lost_start"), "reason": "", "rows": len(model.used)}
        end = {"label": say("tables.lost_end"), "reason": "", "rows": model.nobs}
        lost = model.dropped.assign(
            label=[_dropped_label(words, v) for v in model.dropped["variable"]],
            reason=[words.statement(reason) for reason in model.dropped["reason"]],
            rows=-model.dropped["rows"],
        )
        frames = [pd.DataFrame([start]), lost, pd.DataFrame([end])]
        parts.append(pd.concat(frames, ignore_index=True).assign(outcome=s.label))
    return Table.from_frame(
        pd.concat(parts, ignore_index=True),
        [
            Column(key="label", label=say("tables.lost_step")),
            Column(key="reason", label=say("tables.lost_reason"), missing=""),
            Column(key="rows", label=say("tables.lost_rows"), role="number", digits=0),
        ],
        key="rows-lost",
        title=say("tables.lost_title"),
        n=say("tables.rows_kept", n=findings.cleaned.log.rows_kept),
        source=words.source,
        notes=(say("tables.lost_note"),),
        group="outcome",
    )


def _dropped_label(words: Words, name: str) -> str:
    # A model leaves out rows by these two beside the codebook's columns.
    special = {"domain": say("tables.lost_domain"), "weights": say("tables.lost_weights")}
    return special[name] if name in special else words.label(name)


def sample_table(findings: Findings, words: Words) -> Table:
    """Return who is in the sample: weighted shares and means."""
    frame = findings.sample
    shown = frame.assign(
        label=[words.label(v) for v in frame["variable"]],
        row=[
            say("tables.sample_mean") if numeric else str(c)
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
            Column(key="row", label=say("tables.sample_answer")),
            Column(key="respondents", label=say("tables.respondents"), role="count"),
            Column(key="shown", label=say("tables.sample_shown")),
        ],
        key="sample-table",
        title=say("tables.sample_title"),
        n=say("tables.n_respondents", n=findings.cleaned.log.rows_kept),
        source=words.source,
        notes=(say("tables.sample_note"),),
        group="label",
    )


def indices_table(findings: Findings, words: Words) -> Table:
    """Return the mean of each index, in all and by group."""
    by, frame = findings.plan.describe.by, findings.indices
    shown = frame.assign(
        label=[words.label(i) for i in frame["index"]], group=[words.group(g) for g in frame["group"]]
    )
    mean = Column(
        key="estimate",
        label=say("tables.indices_mean"),
        role="number",
        digits=1,
        low="conf_low",
        high="conf_high",
    )
    return Table.from_frame(
        shown,
        [
            Column(key="group", label=words.label(by) if by else say("tables.group")),
            Column(key="n", label=say("tables.respondents"), role="count"),
            mean,
        ],
        key="index-means",
        title=say("tables.indices_title"),
        n=say("tables.n_respondents", n=int(frame["n"].max())),
        source=words.source,
        group="label",
    )


def models_table(one: Compared, words: Words) -> Table:
    """Return two models side by side: coefficients with intervals, their ratios, and what they rest on."""
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
    said = coefficient_words(one.models.values())
    columns = [Column(key="label", label=say("tables.term"))]
    for s in words.series:
        columns.append(
            Column(
                key=f"estimate_{s.name}",
                label=say("tables.models_coefficient", label=s.label),
                digits=3,
                role="number",
                low=f"conf_low_{s.name}",
                high=f"conf_high_{s.name}",
                missing="[z]",
            )
        )
        if said.ratio:
            slopes = wide[f"kind_{s.name}"] == "slope"
            wide[f"odds_{s.name}"] = wide[f"estimate_{s.name}"].where(slopes)
            label = say("tables.models_odds", label=s.label, ratio=said.ratio)
            columns.append(Column(key=f"odds_{s.name}", label=label, role="odds_ratio", missing="[z]"))
    return Table.from_frame(
        _together(wide, "part"),
        columns,
        key=f"models-{one.plan.key}",
        title=say("tables.models_title", title=one.plan.title),
        n=compared_words(one, words),
        source=words.source,
        notes=(said.note, *_model_notes(one, words)),
        group="part",
    )


def _part(label: TermLabel, name: str, one: Compared) -> str:
    if any(p.name == name and p.kind == "threshold" for m in one.models.values() for p in m.parameters):
        return say("tables.intercept")
    return label.group or say("tables.per_step")


def _together(frame: pd.DataFrame, group: str) -> pd.DataFrame:
    """Return rows of one group beside each other, groups in the order of their first row."""
    order = {name: i for i, name in enumerate(dict.fromkeys(frame[group]))}
    return frame.sort_values(group, key=lambda c: c.map(order), kind="stable").reset_index(drop=True)


def _model_notes(one: Compared, words: Words) -> tuple[str, ...]:
    found = []
    for s in words.series:
        model = one.models[s.name]
        found.append(
            say(
                "tables.models_facts",
                label=s.label,
                formula=model.formula,
                sample=sample_words(model),
                df=words.statement(model.df_statement()),
                design=words.statement(model.design.description),
                measure=fit_measure(model),
                value=fmt.number(model.prsquared, 3),
            )
        )
        if len(model.categories) > 2:
            categories = ", ".join(words.level(c) for c in model.categories)
            found.append(say("tables.models_categories", label=s.label, categories=categories))
        found += [say("tables.note", label=s.label, note=words.statement(w)) for w in model.warnings]
    return tuple(found)


def differences_table(one: Compared, words: Words, *, scale: str, only: Sequence[str] | None = None) -> Table:
    """Return each difference with its standard error, on the margin or the coefficient scale."""
    comparison = one.margins if scale == "margin" else one.coefficients
    first, second = words.series
    model = one.models[first.name]
    numbers = (first.name, second.name, "difference", "std_error", "conf_low", "conf_high")
    frame = comparison.to_frame()
    if scale == "margin":
        said = margin_words(one.models.values())
        frame = per_step(words, model, frame, numbers)
        labels = {t.term: t for t in term_labels(words, model)}
        title = say("tables.difference_title_margin", title=one.plan.title)
    else:
        said = coefficient_words(one.models.values())
        labels = {p.name: words.term(p) for p in model.parameters}
        frame = coefficients_per_step(words, model, frame, numbers)
        title = say("tables.difference_title_coefficient", title=one.plan.title)
    frame["label"] = [labels[t].label for t in frame["term"]]
    frame["group"] = [labels[t].group or say("tables.numeric") for t in frame["term"]]
    if only is not None:
        frame = frame[frame["term"].isin(only)]
    frame["se"] = frame["std_error"] * (100 if said.role == "points" else 1)
    difference = Column(
        key="difference",
        label=say("tables.difference_column", contrast=words.contrast),
        role=said.role,
        digits=said.digits,
        low="conf_low",
        high="conf_high",
    )
    columns = [
        Column(key="label", label=say("tables.term")),
        Column(key=first.name, label=first.label, role=said.role, digits=said.digits),
        Column(key=second.name, label=second.label, role=said.role, digits=said.digits),
        difference,
        Column(key="se", label=say("tables.difference_se"), role="number", digits=said.digits + 1),
        Column(key="p_value", label=say("tables.difference_p"), role="p_value"),
        Column(key="p_adjusted", label=say("tables.difference_holm"), role="p_value"),
    ]
    df = words.statement(comparison.df_statement)
    return Table.from_frame(
        _together(frame, "group"),
        columns,
        key=f"difference-{scale}-{one.plan.key}",
        title=title,
        n=compared_words(one, words),
        source=words.source,
        notes=(
            said.difference_note,
            say("tables.difference_test", test=wald_words(comparison.test)),
            say("tables.difference_df", df=df, n=len(comparison.terms)),
            *([say("tables.difference_others")] if only is not None else []),
            *(words.statement(caveat) for caveat in comparison.caveats),
        ),
        group="group",
    )


def sensitivity_table(findings: Findings, words: Words, members: Sequence[Compared]) -> Table:
    """Return the differences of the main comparison beside those of its variants, one column per run."""
    runs = [findings.main, *members]
    first = words.series[0]
    model = findings.main.models[first.name]
    labels = drawn(findings, term_labels(words, model))
    wide = pd.DataFrame({"term": [t.term for t in labels], "label": [t.label for t in labels]})
    wide["group"] = [t.group or say("tables.numeric") for t in labels]
    columns = [Column(key="label", label=say("tables.term"))]
    numbers = ("difference", "conf_low", "conf_high")
    said = margin_words([m for one in runs for m in one.models.values()])
    for k, one in enumerate(runs):
        frame = per_step(words, one.models[first.name], one.margins.to_frame(), numbers)
        frame = frame.set_index("term")[list(numbers)].add_suffix(f"_{k}")
        wide = wide.join(frame, on="term")
        columns.append(
            Column(
                key=f"difference_{k}",
                label=one.plan.title,
                role=said.role,
                digits=said.digits,
                low=f"conf_low_{k}",
                high=f"conf_high_{k}",
                missing="[z]",
            )
        )
    return Table.from_frame(
        _together(wide, "group"),
        columns,
        key="sensitivity-table",
        title=say("tables.sensitivity_title", contrast=words.contrast),
        n=range_words(runs),
        source=words.source,
        notes=(said.several_note, say("tables.sensitivity_others")),
        group="group",
    )
