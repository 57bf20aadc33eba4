"""Which tables and figures a finding makes: frames in, records of the document out, no statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from coprodstats.models.results import FittedModel, Parameter
from coprodstats.reporting import format as fmt
from coprodstats.reporting.claims import ClaimResults
from coprodstats.reporting.figures import Caption, Figure
from coprodstats.reporting.figures.flow import cleaning_flow
from coprodstats.reporting.figures.forest import TermLabel, comparison_forest
from coprodstats.reporting.figures.items import item_bars
from coprodstats.reporting.figures.levels import levels_by_group
from coprodstats.reporting.figures.lines import prediction_lines
from coprodstats.reporting.figures.ranks import rank_bars
from coprodstats.reporting.figures.sectors import sector_panels
from coprodstats.reporting.findings import Compared, Findings
from coprodstats.reporting.style import OUTCOMES, Series
from coprodstats.reporting.table import Column, Table
from coprodstats.survey.declarations import Codebook

ESTIMATES = ("estimate", "conf_low", "conf_high")
MARGIN_SUBTITLE = (
    "Average margin on the probability of each outcome, in percentage points, with 95% intervals"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What names stand for in one analysis, and what stands under all of its tables.

    Attributes
    ----------
    codebook
        The codebook.
    series
        The two outcomes as they are drawn.
    source
        Where the numbers come from.
    """

    codebook: Codebook
    series: tuple[Series, Series]
    source: str

    @classmethod
    def of(cls, findings: Findings) -> Words:
        """Return the words of an analysis."""
        series = tuple(
            Series(name=o.name, label=o.label, colour=s.colour, marker=s.marker, dashes=s.dashes)
            for o, s in zip(findings.plan.outcomes, OUTCOMES, strict=True)
        )
        codebook = findings.cleaned.codebook
        kind = "synthetic data, not a real survey" if codebook.synthetic else "survey data"
        return cls(
            codebook=codebook,
            series=(series[0], series[1]),
            source=f"{codebook.title or findings.cleaned.source} ({kind}).",
        )

    def step(self, variable: str) -> tuple[float, str]:
        """Return the change of a numeric variable that reports speak of, and its words."""
        for declared in (self.codebook.variables, self.codebook.indices):
            if variable in declared:
                found = declared[variable]
                return found.step, found.step_label or f"{found.step:g} {found.unit}".strip()
        return 1.0, "1"

    def label(self, variable: str) -> str:
        """Return the label of a column."""
        return self.codebook.label_of(variable)

    def term(self, parameter: Parameter) -> TermLabel:
        """Return how readers see a term of a model."""
        term = comparable(parameter)
        if len(parameter.variables) != 1 or parameter.kind != "slope":
            return TermLabel(term=term, label=parameter.name, group="")
        variable = parameter.variables[0]
        if parameter.level:
            group = f"{self.label(variable)} (compared with {parameter.reference})"
            return TermLabel(term=term, label=parameter.level, group=group)
        size, words = self.step(variable)
        shown = f" (+{words})" if size != 1 or words != "1" else ""
        return TermLabel(term=term, label=f"{self.label(variable)}{shown}", group="")


def lower_label(label: str) -> str:
    """Return a label for the middle of a sentence; an abbreviation keeps its capitals."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def comparable(parameter: Parameter) -> str:
    """Return the name under which a parameter is compared on the margin scale."""
    if len(parameter.variables) == 1 and parameter.kind == "slope":
        variable = parameter.variables[0]
        return f"{variable}[T.{parameter.level}]" if parameter.level else variable
    return parameter.name


def term_labels(words: Words, model: FittedModel) -> list[TermLabel]:
    """Return the labels of a model's slopes, in order, each term once."""
    found = {comparable(p): words.term(p) for p in model.parameters if p.kind == "slope"}
    return list(found.values())


def per_step(words: Words, model: FittedModel, frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return a frame of terms with the numbers of numeric variables per step instead of per unit."""
    scaled = frame.copy()
    for p in model.parameters:
        if p.kind == "slope" and len(p.variables) == 1 and not p.level:
            size, _ = words.step(p.variables[0])
            rows = scaled["term"] == comparable(p)
            scaled.loc[rows, list(columns)] = scaled.loc[rows, list(columns)] * size
    return scaled


def sample_words(model: FittedModel) -> str:
    """Return the sample of a model in words."""
    return f"{model.nobs:,} respondents, {model.n_psu} PSUs, {model.n_strata} strata"


def compared_words(one: Compared, words: Words) -> str:
    """Return the samples of two compared models in words."""
    parts = [f"{s.label.lower()} {one.models[s.name].nobs:,}" for s in words.series]
    model = one.models[words.series[0].name]
    union = f"{one.margins.n_union:,} respondents ({fmt.listing(parts)})"
    return f"{union}, {model.n_psu} PSUs, {model.n_strata} strata"


def flow_figure(findings: Findings, words: Words) -> Figure:
    """Return the way from the rows of the file to those of each main model."""
    steps = findings.cleaned.log.flow()
    log = findings.cleaned.log
    title = f"{log.rows_kept:,} of {log.rows_in:,} rows of the file are kept"
    caption = Caption(
        key="cleaning-flow",
        title=title,
        subtitle="Rows of the survey file, and rows excluded by reason",
        n=f"{log.rows_in:,} rows in the file",
        source=words.source,
    )
    shown = [
        (_sentence(label), rows) for i, (label, rows) in enumerate(steps) if rows or i in (0, len(steps) - 1)
    ]
    return cleaning_flow(shown, caption)


def _sentence(label: str) -> str:
    plain = label.removeprefix("excluded: ")
    return plain[:1].upper() + plain[1:]


def changes_table(findings: Findings, words: Words) -> Table:
    """Return the cells that cleaning made missing or turned round, by rule and variable."""
    cells = findings.cleaned.log.cells
    shown = cells[cells["cells"] > 0].assign(
        label=[_column_label(words, v) for v in cells.loc[cells["cells"] > 0, "variable"]]
    )
    quiet = int((cells["cells"] == 0).sum())
    return Table.from_frame(
        shown,
        [
            Column(key="label", label="Variable"),
            Column(key="rule", label="Rule"),
            Column(key="reason", label="Reason", missing=""),
            Column(key="cells", label="Cells", role="count"),
        ],
        key="cells-changed",
        title="What cleaning changed",
        n=f"{findings.cleaned.log.rows_kept:,} rows kept",
        source=words.source,
        notes=(
            f"{quiet} further rules were applied and changed nothing; results/cleaning.csv lists them all.",
        ),
    )


def _column_label(words: Words, name: str) -> str:
    return words.label(name) if name else "All variables"


def lost_table(findings: Findings, words: Words) -> Table:
    """Return the rows that each main model leaves out, by variable and reason: its n can be traced."""
    parts = []
    for s in words.series:
        model = findings.main.models[s.name]
        start = pd.DataFrame([{"label": "Rows kept by cleaning", "reason": "", "rows": len(model.used)}])
        lost = model.dropped.assign(label=[_dropped_label(words, v) for v in model.dropped["variable"]])
        lost["rows"] = -lost["rows"]
        end = pd.DataFrame([{"label": "Rows in the model", "reason": "", "rows": model.nobs}])
        parts.append(
            pd.concat([start, lost, end], ignore_index=True).assign(outcome=f"{s.label} co-production")
        )
    frame = pd.concat(parts, ignore_index=True)
    frame["shown"] = [fmt.number(r, 0) if r < 0 else fmt.count(int(r)) for r in frame["rows"]]
    return Table.from_frame(
        frame,
        [
            Column(key="label", label="Step"),
            Column(key="reason", label="Reason", missing=""),
            Column(key="shown", label="Rows"),
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


def levels_figure(findings: Findings, words: Words) -> Figure:
    """Return the level of each outcome by group."""
    by = findings.plan.describe.by
    frame = findings.levels
    overall = frame[frame["group"] == "All"].set_index("model")["estimate"]
    first, second = words.series
    shares = [fmt.percent(overall[s.name]) for s in (first, second)]
    caption = Caption(
        key="levels-by-group",
        title=f"{first.label} {shares[0]}, {second.label.lower()} {shares[1]}",
        subtitle="Weighted share of respondents; " + "; ".join(
            f"{s.label.lower()}: {_event_words(findings, s.name)}" for s in words.series
        ),
        n=f"{int(frame.loc[frame['group'] == 'All', 'n'].max()):,} respondents",
        source=words.source,
        notes=("Intervals hold 95% and are made on the logit scale.",),
    )  # fmt: skip
    return levels_by_group(
        frame,
        caption,
        group_label=words.label(by) if by else "Group",
        value_label="Share of respondents",
        series=words.series,
    )


def _event_words(findings: Findings, name: str) -> str:
    return next(o.event for o in findings.plan.outcomes if o.name == name)


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


def items_figure(findings: Findings, words: Words) -> Figure | None:
    """Return the shares of the items' answers, if they share two or three."""
    frame = findings.items
    categories = list(dict.fromkeys(frame["category"])) if len(frame) else []
    if not 2 <= len(categories) <= 3:
        return None
    caption = Caption(
        key="items",
        title="What people say they do, item by item",
        subtitle="Weighted share of respondents by answer",
        n=f"{int(frame['n'].min()):,} to {int(frame['n'].max()):,} respondents per item",
        source=words.source,
    )
    return item_bars(frame, caption, categories=categories, value_label="Share of respondents")


def models_table(one: Compared, words: Words) -> Table:
    """Return two models side by side: coefficients with intervals, odds ratios, and what they rest on."""
    frames = []
    for s in words.series:
        model = one.models[s.name]
        frame = model.to_frame()
        frame["name"] = [p.name for p in model.parameters]
        frames.append(frame.set_index("name")[[*ESTIMATES, "kind"]].add_suffix(f"_{s.name}"))
    names = list(dict.fromkeys(n for f in frames for n in f.index))
    wide = pd.concat([f.reindex(names) for f in frames], axis=1)
    labels = {p.name: words.term(p) for m in one.models.values() for p in m.parameters}
    wide["label"] = [labels[n].label for n in names]
    wide["part"] = [_part(labels[n], n, one) for n in names]
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
    return label.group or "Per unit of the variable"


def _model_notes(one: Compared, words: Words) -> tuple[str, ...]:
    found = ["Coefficients are log-odds per unit, with 95% intervals; odds ratios are given for slopes only."]
    for s in words.series:
        model = one.models[s.name]
        found.append(
            f"{s.label}: {model.formula}. {sample_words(model)}; {model.df_statement()}; "
            f"covariance under the design ({model.design.description}); McFadden's pseudo R² "
            f"{fmt.number(model.prsquared, 3)}; {model.convergence.digits} correct digits."
        )
        if model.family == "ologit":
            found.append(
                f"{s.label}: categories {', '.join(model.categories)}; a positive coefficient means more."
            )
        found += [f"{s.label}: {w}." for w in model.warnings]
    return tuple(found)


def forest_figure(one: Compared, words: Words, *, key: str, title: str) -> Figure:
    """Return the comparison: both outcomes on one axis and the difference beside it."""
    first, second = words.series
    model = one.models[first.name]
    scaled = per_step(words, model, one.margins.intervals(), ESTIMATES)
    difference = per_step(words, model, one.margins.to_frame(), ("difference", "conf_low", "conf_high"))
    caption = Caption(
        key=key,
        title=title,
        subtitle=MARGIN_SUBTITLE,
        n=compared_words(one, words),
        source=words.source,
        notes=(
            f"{one.margins.df_statement}. Numeric variables: per step given in brackets. "
            "Margins are averaged over the weighted sample, other predictors as they are.",
        ),
    )
    return comparison_forest(
        scaled,
        difference,
        caption,
        labels=[t for t in term_labels(words, model) if t.term in one.margins.terms],
        series=words.series,
        difference_label=f"{second.label} − {first.label.lower()}",
    )


def differences_table(one: Compared, words: Words, *, scale: str) -> Table:
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
    frame["label"] = [labels[t].label for t in frame["term"]]
    frame["group"] = [labels[t].group or "Numeric predictors" for t in frame["term"]]
    role, digits = ("points", 1) if scale == "margin" else ("number", 3)
    frame["se"] = [fmt.number(100 * v if scale == "margin" else v, digits + 1) for v in frame["std_error"]]
    columns = [
        Column(key="label", label="Term"),
        Column(key=first.name, label=first.label, role=role, digits=digits),  # type: ignore[arg-type]
        Column(key=second.name, label=second.label, role=role, digits=digits),  # type: ignore[arg-type]
        Column(
            key="difference",
            label=f"{second.label} − {first.label.lower()} (95% interval)",
            role=role,  # type: ignore[arg-type]
            digits=digits,
            low="conf_low",
            high="conf_high",
        ),
        Column(key="se", label="Standard error of the difference"),
        Column(key="p_value", label="p", role="p_value"),
        Column(key="p_adjusted", label="p (Holm)", role="p_value"),
    ]
    unit = (
        "Percentage points of probability; numeric predictors per step given in brackets."
        if scale == "margin"
        else "Coefficients on the link scale, per unit of each predictor."
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
            f"All differences together: {test_words(comparison.test)}.",
            f"{comparison.df_statement}. Holm's p values allow for the {len(comparison.terms)} terms.",
            *comparison.caveats,
        ),
        group="group",
    )


def test_words(test: object) -> str:
    """Return a Wald test in words."""
    df = fmt.number(getattr(test, "df_denom", 0.0), 0)
    value = fmt.number(getattr(test, "statistic", float("nan")), 2)
    p = fmt.p_value(getattr(test, "p_value", float("nan")))
    sign = "" if p.startswith(("<", "[")) else "= "
    return f"adjusted Wald F({getattr(test, 'df_num', 0)}, {df}) = {value}, p {sign}{p}"


def predictions_figure(findings: Findings, words: Words) -> Figure | None:
    """Return predicted probabilities of both outcomes along the planned variable."""
    one = findings.main
    if not len(one.predictions):
        return None
    variable = str(one.predictions["variable"].iloc[0])
    declared = findings.cleaned.codebook.variables.get(variable)
    unit = f" ({declared.unit})" if declared is not None and declared.unit else ""
    caption = Caption(
        key=f"predicted-by-{variable.replace('_', '-')}",
        title=f"Predicted probabilities by {lower_label(words.label(variable))}",
        subtitle="Average adjusted prediction: everyone given each value in turn, with 95% intervals",
        n=compared_words(one, words),
        source=words.source,
        notes=("A comparison of people of different ages at one time; it can't tell age from generation.",)
        if variable == "age"
        else (),
    )
    return prediction_lines(
        one.predictions,
        caption,
        variable_label=f"{words.label(variable)}{unit}",
        series=words.series,
    )


def sectors_figure(findings: Findings, words: Words, group: str, members: Sequence[Compared]) -> Figure:
    """Return the margins of several comparisons of one group, side by side."""
    parts, wanted = [], []
    for one in members:
        model = one.models[words.series[0].name]
        frame = per_step(words, model, one.margins.intervals(), ESTIMATES)
        suffix = one.plan.suffix
        frame["term"] = [t.removesuffix(suffix) if suffix else t for t in frame["term"]]
        parts.append(frame.assign(sector=one.plan.title))
        wanted.append(set(frame["term"]))
    shared = set.intersection(*wanted)
    main = findings.main.models[words.series[0].name]
    labels = [
        t for t in term_labels(words, main) if t.term in shared and not t.term.startswith(f"{_by(findings)}[")
    ]
    caption = Caption(
        key=f"{group.lower().replace(' ', '-')}-panels",
        title=f"{group} side by side: " + fmt.listing([one.plan.title.lower() for one in members]),
        subtitle=MARGIN_SUBTITLE,
        n=_range_words(members),
        source=words.source,
        notes=(
            "Outcomes and perceptions are those of each panel; the outcomes differ in how common they are.",
        ),
    )
    return sector_panels(pd.concat(parts, ignore_index=True), caption, labels=labels, series=words.series)


def _range_words(members: Sequence[Compared]) -> str:
    sizes = [one.margins.n_union for one in members]
    return f"{min(sizes):,} to {max(sizes):,} respondents"


def _by(findings: Findings) -> str:
    return findings.plan.describe.by or "?"


def importance_figure(findings: Findings, words: Words) -> Figure | None:
    """Return the importance of predictors under two measures."""
    if findings.importance is None or findings.plan.importance is None:
        return None
    frame = findings.importance.to_frame()
    frame = frame.assign(
        predictor=[words.label(v) for v in frame["variable"]],
        importance=frame["estimate"],
        rank_1_share=frame["share_first"],
    )
    plan = findings.plan.importance
    outcome = next(s.label for s in words.series if s.name == plan.model)
    shares = frame.loc[frame["variable"] == plan.highlight, "share_first"]
    title = f"What goes most closely with {outcome.lower()} co-production"
    if len(shares) and shares.min() >= 0.5:
        title = f"{words.label(plan.highlight)} ranks first in {fmt.percent(shares.min())} of replicates"
    return rank_bars(
        frame,
        Caption(
            key="importance",
            title=title,
            subtitle="Importance by two measures, and share of replicates in which each ranks first",
            n=sample_words(findings.main.models[plan.model]),
            source=words.source,
            notes=(
                f"{len(findings.importance.replicates)} bootstrap replicates of PSUs within strata; "
                f"{findings.importance.failed} could not be fitted.",
                "Importance depends on what else is in the model.",
            ),
        ),
        highlight=words.label(plan.highlight) if plan.highlight else "",
    )


def claims_table(results: ClaimResults, words: Words, n: str) -> Table:
    """Return the claims with what each check found and the verdicts."""
    frame = results.to_frame()
    frame["claim"] = frame["id"] + ". " + frame["statement"] + " [" + frame["source"] + "]"
    frame["numbers"] = [
        _claim_numbers(t, e, low, high)
        for t, e, low, high in zip(frame["test"], *(frame[c] for c in ESTIMATES), strict=True)
    ]
    frame["group"] = [f"{c} Verdict: {v}." for c, v in zip(frame["claim"], frame["verdict"], strict=True)]
    notes = ["Verdicts: agrees, agrees in direction only, inconclusive, disagrees, not testable."]
    if results.synthetic:
        notes.insert(0, "The data are synthetic: a verdict checks the software, not the literature.")
    notes.append("Margins are probabilities per unit; no published figure is quoted, because none was read.")
    return Table.from_frame(
        frame,
        [
            Column(key="expected", label="What the claim expects"),
            Column(key="found", label="What was computed"),
            Column(key="numbers", label="Number (interval)"),
            Column(key="check_verdict", label="This check"),
        ],
        key="claims",
        title="Published findings against this run",
        n=n,
        source=words.source,
        notes=notes,
        group="group",
    )


def _claim_numbers(test: str, estimate: float, low: float, high: float) -> str:
    if test == "rank":
        return fmt.percent(estimate)
    if test == "moderation":
        return f"p {fmt.p_value(estimate)}"
    if test == "gap":
        return fmt.estimate(estimate, low, high, 1)
    return fmt.estimate(estimate, low, high, 4)


def sensitivity_table(findings: Findings, words: Words, members: Sequence[Compared]) -> Table:
    """Return the differences of the main comparison beside those of its variants."""
    runs = [findings.main, *members]
    parts = []
    for one in runs:
        model = one.models[words.series[0].name]
        frame = per_step(words, model, one.margins.to_frame(), ("difference", "conf_low", "conf_high"))
        labels = {t.term: t for t in term_labels(words, model)}
        frame["label"] = [f"{labels[t].group}: {labels[t].label}".removeprefix(": ") for t in frame["term"]]
        parts.append(frame.assign(run=one.plan.title))
    shared = [t for t in parts[0]["term"] if all(t in set(p["term"]) for p in parts)]
    wide = pd.concat(parts, ignore_index=True)
    wide = wide[wide["term"].isin(shared)]
    order = {t: i for i, t in enumerate(shared)}
    wide = wide.sort_values("term", key=lambda c: c.map(order), kind="stable")
    first, second = words.series
    return Table.from_frame(
        wide,
        [
            Column(key="run", label="Run"),
            Column(
                key="difference",
                label=f"{second.label} − {first.label.lower()} (95% interval)",
                role="points",
                low="conf_low",
                high="conf_high",
            ),
        ],
        key="sensitivity-table",
        title="The difference under other choices",
        n=_range_words(runs),
        source=words.source,
        notes=("Percentage points of probability; numeric predictors per step given in brackets.",),
        group="label",
    )
