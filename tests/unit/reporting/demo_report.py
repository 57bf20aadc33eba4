"""A small report on invented numbers with hostile labels; run as a script it prints the page."""

from __future__ import annotations

import sys

import pandas as pd

from coprodstats.reporting import document as doc
from coprodstats.reporting import span
from coprodstats.reporting.figures import (
    Caption,
    Figure,
    TermLabel,
    calibration_plot,
    cleaning_flow,
    comparison_forest,
    heat_map,
    item_bars,
    levels_by_group,
    prediction_lines,
    prediction_panels,
    rank_bars,
    sector_panels,
    threshold_slopes,
    weight_columns,
)
from coprodstats.reporting.html import render_html
from coprodstats.reporting.table import Column, Table

HOSTILE = (
    "<script>alert(1)</script>",
    "{{7*7}}",
    r"$\int$",
    "=1+1",
    "](javascript:alert(1))",
    '"><img src=x onerror=alert(1)>',
    "<!-- x -->",
    "{% raw %}",
    "</svg></style>",
)


def caption(key: str, title: str = "A headline") -> Caption:
    return Caption(key=key, title=title, subtitle="What is measured", n="12 people", source="Invented")


def labels() -> list[TermLabel]:
    rows = [TermLabel(term=f"t{i}", label=label) for i, label in enumerate(HOSTILE)]
    return [
        *rows,
        TermLabel(term="g1", label="One", group=HOSTILE[0]),
        TermLabel(term="g2", label="Two", group="B"),
    ]


def intervals(names: list[str], models: tuple[str, ...] = ("individual", "collective")) -> pd.DataFrame:
    rows = []
    for shift, model in enumerate(models):
        for i, term in enumerate(names):
            middle = 0.01 * i - 0.03 + 0.02 * shift
            rows.append((model, term, middle, middle - 0.015, middle + 0.015))
    return pd.DataFrame(rows, columns=["model", "term", "estimate", "conf_low", "conf_high"])


def forest() -> Figure:
    terms = [row.term for row in labels()]
    differences = intervals(terms, ("difference",)).rename(columns={"estimate": "difference"})
    return comparison_forest(intervals(terms), differences, caption("forest", HOSTILE[0]), labels=labels())


def lines() -> Figure:
    frame = intervals(["20", "40", "60"]).assign(value=lambda d: d["term"].astype(int))
    frame[["estimate", "conf_low", "conf_high"]] += 0.4
    return prediction_lines(frame, caption("lines"), variable_label=HOSTILE[2])


def levels() -> Figure:
    frame = intervals(list(HOSTILE)).rename(columns={"term": "group"})
    frame[["estimate", "conf_low", "conf_high"]] += 0.4
    return levels_by_group(frame, caption("levels"))


def sectors() -> Figure:
    terms = [row.term for row in labels()]
    frame = pd.concat([intervals(terms).assign(sector=name) for name in (HOSTILE[0], "Health")])
    return sector_panels(frame, caption("sectors"), labels=labels())


def flow() -> Figure:
    return cleaning_flow(
        [(HOSTILE[0], 20), (HOSTILE[3], 5), (HOSTILE[5], 3), (HOSTILE[1], 12)], caption("flow")
    )


def items() -> Figure:
    rows = [
        (group, item, category, share)
        for group in ("Individual", HOSTILE[1])
        for item in HOSTILE[:4]
        for category, share in (("never", 0.25), ("sometimes", 0.25), ("often", 0.5))
    ]
    return item_bars(pd.DataFrame(rows, columns=["group", "item", "category", "estimate"]), caption("items"))


def ranks() -> Figure:
    rows = [(m, p, 0.1 * (i + 1), 0.1) for m in ("One", HOSTILE[0]) for i, p in enumerate(HOSTILE)]
    frame = pd.DataFrame(rows, columns=["measure", "predictor", "importance", "rank_1_share"])
    return rank_bars(frame, caption("ranks"), highlight=HOSTILE[0])


def heat() -> Figure:
    parts = [intervals(list(HOSTILE[:3])).assign(column=column) for column in ("North", HOSTILE[4])]
    return heat_map(pd.concat(parts).rename(columns={"term": "row"}), caption("heat"))


def panels() -> Figure:
    parts = []
    for group in HOSTILE[:4]:
        frame = intervals(["20", "40", "60"]).assign(value=lambda d: d["term"].astype(int), group=group)
        frame[["estimate", "conf_low", "conf_high"]] += 0.4
        parts.append(frame)
    return prediction_panels(pd.concat(parts), caption("panels"), variable_label=HOSTILE[2])


def thresholds() -> Figure:
    terms = [row.term for row in labels()]
    frame = pd.concat([intervals(terms).assign(split=split) for split in ("", HOSTILE[1], "Higher")])
    return threshold_slopes(frame, caption("thresholds"), labels=labels())


def calibration() -> Figure:
    frame = intervals(["1", "2", "3"])
    frame[["estimate", "conf_low", "conf_high"]] += 0.4
    frame = frame.rename(columns={"estimate": "observed"}).assign(group=frame["term"].astype(int), n=20)
    return calibration_plot(frame.assign(predicted=0.2 + 0.1 * frame.index), caption("calibration"))


def weights() -> Figure:
    frame = pd.DataFrame({"low": [0.0, 0.5, 1.0], "high": [0.5, 1.0, 1.5], "share": [0.2, 0.5, 0.3]})
    return weight_columns(frame, caption("weights"), respondents=1200, effective=1000.4)


def figures() -> dict[str, Figure]:
    made = (
        *(forest(), lines(), levels(), sectors(), flow(), items(), ranks()),
        *(heat(), panels(), thresholds(), calibration(), weights()),
    )
    return {figure.key: figure for figure in made}


def table() -> Table:
    frame = pd.DataFrame({"name": HOSTILE, "share": [0.5, None] + [0.25] * 7, "block": ["a"] * 4 + ["b"] * 5})
    columns = [
        Column(key="name", label=HOSTILE[0]),
        Column(key="share", label=HOSTILE[1], role="percent"),
    ]
    return Table.from_frame(
        frame,
        columns,
        key="hostile-table",
        title=HOSTILE[0],
        n=HOSTILE[3],
        source=HOSTILE[4],
        notes=HOSTILE,
        group="block",
    )


def document() -> doc.Document:
    first = doc.Section(
        key="first",
        heading=HOSTILE[0],
        blocks=(
            doc.Paragraph(text=("See ", span.link(HOSTILE[4], "#forest"), span.strong(HOSTILE[5]))),
            doc.BulletList(items=HOSTILE),
            doc.Callout(kind="warning", title=HOSTILE[0], text=span.emphasis(HOSTILE[1])),
            doc.DefinitionList(items=((span.code(HOSTILE[2]), HOSTILE[8]),)),
            doc.TableBlock(table=table()),
        ),
        sections=(doc.Section(key="inner", heading="Inside", blocks=(doc.Paragraph(text="Text."),)),),
    )
    blocks = tuple(doc.FigureBlock(figure=figure) for figure in figures().values())
    return doc.Document(
        title=HOSTILE[0],
        subtitle=HOSTILE[5],
        banner=HOSTILE[8],
        footer=HOSTILE,
        sections=(first, doc.Section(key="second", heading="Figures", blocks=blocks)),
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(render_html(document()).encode())
