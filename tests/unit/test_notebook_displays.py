"""Every record that a public function returns shows itself in a notebook: text, and nobody's answers."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.models.importance import Importance, importance
from coprodstats.reporting.analysis import RunResult
from coprodstats.reporting.claims import Claim, ClaimResults
from coprodstats.reporting.manifest import Verified
from coprodstats.survey.display import record_html
from coprodstats.survey.metadata import FileMetadata, VariableMetadata

ITEMS = ("one", "two", "three", "four", "five")
HOSTILE = "<script>alert(1)</script>"
ANSWER = "73.125"
"""A respondent's age, and nobody else's."""

CODEBOOK = f'''
title = "{HOSTILE}"
synthetic = true
[variables.id]
label = "Id"
kind = "id"
[variables.age]
label = "Age {HOSTILE}"
kind = "numeric"
range = [0, 120]
[variables.helps]
label = "Helps"
kind = "nominal"
values = {{ 0 = "no", 1 = "{HOSTILE}" }}
missing = {{ 9 = "refused {HOSTILE}" }}
'''


def records() -> dict[str, type[Any]]:
    """Return the dataclasses that are public or that a public function says it returns, by name."""
    known: dict[str, type[Any]] = {}
    for module in pkgutil.walk_packages(cps.__path__, "coprodstats."):
        if not module.name.endswith("__main__"):
            found = vars(importlib.import_module(module.name))
            known |= {n: o for n, o in found.items() if isinstance(o, type) and dataclasses.is_dataclass(o)}
    public = [getattr(cps, name) for name in cps.__all__]
    named = {name for name, one in known.items() if one in public}
    for one in public:
        if inspect.isfunction(one):
            named |= set(re.findall(r"\w+", str(inspect.signature(one).return_annotation))) & set(known)
    return {name: known[name] for name in named} | {"Importance": Importance}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 400
    lean = rng.normal(size=n)
    drawn = pd.DataFrame({"age": rng.integers(20, 70, n).astype(float), "psu": np.arange(n) % 20})
    drawn.loc[7, "age"] = float(ANSWER)
    drawn["place"] = pd.Categorical(rng.choice(["east", HOSTILE], n))
    drawn["helps"] = (lean + 0.02 * drawn["age"] + rng.logistic(size=n) > 1).astype(int)
    drawn["joins"] = (lean + rng.logistic(size=n) > 0).astype(int)
    for item in ITEMS:
        codes = np.digitize(lean + rng.normal(size=n), [-1.0, 0.0, 1.0])
        drawn[item] = pd.Categorical.from_codes(codes, ["a", "b", "c", HOSTILE], ordered=True)
    return drawn


def cleaned(folder: Path) -> cps.CleanedSurvey:
    (folder / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    rows = [("a", ANSWER, "0"), ("b", "40", "1"), ("c", "50", "9"), ("d", "60", "1")]
    raw = pd.DataFrame(rows, columns=["id", "age", "helps"], dtype="str")
    return cps.clean(cps.survey_from_frame(raw, cps.read_codebook(folder / "codebook.toml")))


def makers(frame: pd.DataFrame, folder: Path) -> Mapping[str, Callable[[], Any]]:
    design = cps.SurveyDesign(psu="psu")
    items = list(ITEMS)
    helps = cps.logit("helps ~ age + place", frame, design=design, name=HOSTILE)
    joins = cps.logit("joins ~ age + place", frame, design=design)
    ordinal = cps.ologit("one ~ age + place", frame, design=design)
    survey = cleaned(folder)
    gaps = frame.assign(age=frame["age"].where(frame.index % 9 > 0))
    imputed = cps.impute(gaps[["age", "helps"]], ["age", "helps"], seed=1, m=2, iterations=2)
    return {
        "Checked": lambda: cps.check_survey(survey_file(folder), folder / "codebook.toml"),
        "Claim": lambda: Claim(id="c", statement=HOSTILE, source="s", checks=()),
        "ClaimResults": lambda: ClaimResults(results=(), synthetic=True),
        "CleanedSurvey": lambda: survey,
        "CleaningLog": lambda: survey.log,
        "Codebook": lambda: survey.codebook,
        "Collinearity": lambda: cps.collinearity(helps),
        "Comparison": lambda: cps.compare({HOSTILE: helps, "joins": joins}),
        "Crosstab": lambda: cps.crosstab(frame, "place", "one", design=design),
        "DesignEffects": lambda: cps.design_effects(helps),
        "Dimensionality": lambda: cps.dimensionality(frame, items, seed=1, n_replicates=20),
        "EValues": lambda: cps.e_values(helps),
        "Figure": lambda: cps.flow_diagram(survey.log, source=HOSTILE),
        "FileFormat": lambda: cps.FileFormat(format="csv", delimiter="<"),
        "FileMetadata": lambda: FileMetadata(
            source=HOSTILE, format="csv", variables={"a": VariableMetadata(name="a", label=HOSTILE)}
        ),
        "FittedModel": lambda: helps,
        "GoodnessOfFit": lambda: cps.goodness_of_fit(helps),
        "Importance": lambda: importance(helps, ["age", "place"], n_replicates=20, seed=1),
        "Imputations": lambda: imputed,
        "ItemAnalysis": lambda: cps.item_analysis(frame, items),
        "ItemFunctioning": lambda: cps.item_functioning(frame, items, group="place"),
        "Moderation": lambda: cps.moderation(
            cps.logit("helps ~ age * place", frame, design=design), "age", by="place"
        ),
        "ParallelLinesTest": lambda: cps.parallel_lines_test(ordinal),
        "ParallelSearch": lambda: cps.proportional_odds_search("one ~ age + place", frame, design=design),
        "Pooled": lambda: cps.pool(imputed, lambda data: cps.logit("helps ~ age", data)),
        "PrecisionRules": cps.PrecisionRules,
        "PSUInfluence": lambda: cps.influence_by_psu(helps),
        "RaoScottTest": lambda: cps.rao_scott_test(helps, ["age"]),
        "RunResult": lambda: RunResult(
            findings=None,
            document=None,
            briefing=None,
            folder=Path("out"),
            files={HOSTILE: 1},  # type: ignore[arg-type]
        ),
        "SurveyData": lambda: survey.survey,
        "SurveyDesign": lambda: design,
        "TrimmedWeights": lambda: cps.trim_weights([1.0, 2.0, 9.0], upper=4.0),
        "Truth": cps.Truth,
        "VariableMetadata": lambda: VariableMetadata(name="a", label=HOSTILE, values={"1": HOSTILE}),
        "Verified": lambda: Verified(n_files=1, n_bytes=2, manifest_sha256="0", package_version="0"),
        "WaldTest": lambda: cps.wald_test(helps, ["age"]),
        "WaveChanges": lambda: cps.compare_waves(survey, survey),
        "WeightDiagnostics": lambda: cps.weight_diagnostics([1.0, 2.0]),
        "Weighting": lambda: cps.rake(frame, {"place": {"east": 0.4, HOSTILE: 0.6}}),
    }


def survey_file(folder: Path) -> Path:
    file = folder / "survey.csv"
    file.write_text(f"id,age,helps\na,{ANSWER},0\nb,40,1\nc,50,9\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def made(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {name: make() for name, make in makers(frame, tmp_path_factory.mktemp("records")).items()}


class Display(HTMLParser):
    """Reads a display; whatever is not closed in order, or could act, is a fault."""

    ALLOWED = frozenset({
        "div", "p", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td", "pre",
        "figure", "figcaption", "br", "img",
    })  # fmt: skip

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.feed(text)
        self.close()
        self.faults += self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag not in self.ALLOWED:
            self.faults.append(tag)
        self.faults += [f"{tag} {name}" for name in names if name not in ("scope", "style", "alt", "src")]
        if tag != "img" and "color" in str(names.get("style")):
            self.faults.append("a colour")
        if tag == "th" and names.get("scope") not in ("col", "row"):
            self.faults.append("a heading of nothing")
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open.pop() != tag:
            self.faults.append(f"/{tag}")


def test_every_public_record_has_a_display_and_is_tried_here(made: dict[str, Any]) -> None:
    public = records()
    assert [name for name, one in public.items() if not hasattr(one, "_repr_html_")] == []
    assert set(public) == set(made)
    assert all(type(one) is public[name] for name, one in made.items())


def test_displays_are_text_that_cannot_act(made: dict[str, Any]) -> None:
    faults = {name: Display(one._repr_html_()).faults for name, one in made.items()}
    assert {name: found for name, found in faults.items() if found} == {}


def test_displays_are_alike_twice_and_show_nobodys_answers(made: dict[str, Any]) -> None:
    for name, one in made.items():
        shown = one._repr_html_()
        assert shown == one._repr_html_(), name
        assert ANSWER not in shown, name


def test_a_long_table_says_what_is_left_out() -> None:
    shown = record_html(cps.PrecisionRules(), tables={"steps": pd.DataFrame({"step": range(100)})})
    assert shown.count("<tr>") == 5 + 1 + 60
    assert "steps (the first 60 of 100 rows)" in shown


def test_a_models_display_has_its_numbers(made: dict[str, Any]) -> None:
    model = made["FittedModel"]
    shown = model._repr_html_()
    for name, value in model.params.items():
        cell = str(name).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert f'{cell}</th><td style="text-align: right">{value:.4f}</td>' in shown
