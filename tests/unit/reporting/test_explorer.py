from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coprodstats.reporting.document import ExplorerBlock
from coprodstats.reporting.explored import Explorer, LevelControl, NumberControl
from coprodstats.reporting.explorer import build_explorer
from coprodstats.reporting.findings import Findings, compute
from coprodstats.reporting.language import speaking
from coprodstats.reporting.plan import read_plan

ROOT = Path(__file__).resolve().parents[3]
PLAN = """
title = "Two models"
root = "{root}"
survey = "{root}/data/synthetic/five_nation_2008.sav"
codebook = "{root}/analyses/five_nation_2008/codebook.toml"
mapping = "published"
outcomes.individual = {{ label = "Individual", event = "to be active" }}
outcomes.collective = {{ label = "Collective", event = "to take part" }}
describe = {{ sample = [], by = "country", items = {{}}, indices = [] }}
phrases = {{ "gender[T.woman]" = "Women" }}
[[comparisons]]
key = "main"
title = "All"
kind = "logit"
outcomes = {{ individual = "individual_high", collective = "collective_any" }}
predictors = "{predictors}"
over = {{ age = [20, 50, 85] }}
"""


def found(folder: Path, predictors: str) -> Findings:
    file = folder / "analysis.toml"
    root = os.path.relpath(ROOT, folder)
    file.write_text(PLAN.format(root=root, predictors=predictors), encoding="utf-8")
    return compute(read_plan(file))


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    return found(tmp_path_factory.mktemp("plan"), "age * gender + country + efficacy")


@pytest.fixture(scope="module")
def block(findings: Findings) -> ExplorerBlock:
    made = build_explorer(findings)
    assert made is not None
    return made


def predicted(explorer: Explorer, profile: dict[str, float | str]) -> list[float]:
    """Return both probabilities for a profile, from what the page holds."""
    centres = explorer.model()["centres"]
    x = [
        np.prod([profile[n] - centres[n] if level is None else profile[n] == level for n, level in product])
        for product in explorer.products
    ]
    return [float(1 / (1 + np.exp(-np.dot(b, x)))) for b in explorer.coefficients]


def test_readers_choose_what_the_plan_speaks_of(block: ExplorerBlock, findings: Findings) -> None:
    gender, age, country = block.explorer.controls
    frame, weights = findings.cleaned.frame, findings.cleaned.frame["weight"]
    assert isinstance(gender, LevelControl)
    assert gender.start == weights.groupby(frame["gender"], observed=True).sum().idxmax()
    assert isinstance(age, NumberControl)
    assert (age.low, age.high, age.step, age.unit) == (20.0, 85.0, 1.0, "years")
    known = frame["age"].notna()
    mean = float(np.average(frame["age"][known], weights=weights[known]))
    assert abs(age.start - mean) <= 1  # a whole number; the model leaves a few more people out
    assert country.name == "country"
    assert block.explorer.held.startswith("belief that ordinary citizens can make a difference: ")


def test_the_table_has_every_level_and_the_numbers_of_the_page(block: ExplorerBlock) -> None:
    explorer, table = block.explorer, block.table
    typical = {control.name: control.start for control in explorer.controls}
    profiles = []
    for control in explorer.controls:
        number = isinstance(control, NumberControl)
        stops = (control.low, control.start, control.high) if number else [o for o, _ in control.options]
        profiles += [typical | {control.name: stop} for stop in stops]
    assert len(profiles) == len(table.rows) == 3 + 3 + 5
    for profile, (_, first, second, difference) in zip(profiles, table.rows, strict=True):
        expected = predicted(explorer, profile)
        # Ten digits of each coefficient are written.
        np.testing.assert_allclose([first.value, second.value], expected, atol=1e-9)
        assert difference.value == pytest.approx(expected[1] - expected[0], abs=1e-9)
    # The typical profile stands in each group, and is the same in each.
    texts = [tuple(cell.text for cell in row[1:]) for row in table.rows]
    assert sum(text == texts[4] for text in texts) == 3


def test_a_page_in_french_has_french_words_and_numbers(findings: Findings) -> None:
    with speaking("fr"):
        made = build_explorer(findings)
    assert made is not None
    assert made.table.title == "Probabilités prédites pour des profils types"
    assert all("," in row[1].text and "." not in row[1].text for row in made.table.rows)
    assert any("confiance à 95\N{NARROW NO-BREAK SPACE}%" in note for note in made.table.notes)


def test_there_is_none_where_a_browser_could_not_compute_it(tmp_path: Path) -> None:
    assert build_explorer(found(tmp_path, "log(age) + gender")) is None


def test_there_is_none_where_the_plan_speaks_of_no_predictor(findings: Findings) -> None:
    main = findings.main
    bare = replace(findings.plan, phrases={}, describe=replace(findings.plan.describe, by=""))
    compared = {"main": replace(main, plan=replace(main.plan, over={}))}
    assert build_explorer(replace(findings, plan=bare, compared=compared)) is None
