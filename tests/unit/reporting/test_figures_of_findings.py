"""Figures that are made from findings: their words from the numbers, their colours from the theme."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from coprodstats.reporting.figure_data import weight_bins
from coprodstats.reporting.language import speaking
from coprodstats.reporting.layout_fit import calibration_figure, weights_figure
from coprodstats.reporting.layout_patterns import heat_figure, panels_figure, panels_missing
from coprodstats.reporting.style import OUTCOMES
from coprodstats.reporting.theme import Colours, Theme
from coprodstats.reporting.words import Words

COLOURS = Colours(accent="#00594C", negative="#8A3A00", positive="#004E7A")


def words() -> Words:
    codebook = SimpleNamespace(columns={}, label_of=lambda name: name.capitalize())
    return Words(codebook=as_any(codebook), series=(OUTCOMES[0], OUTCOMES[1]), source="Invented.")


def as_any(thing: object) -> Any:
    return thing


def member(key: str, title: str) -> Any:
    plan = SimpleNamespace(key=key, title=title, group="Sectors", group_key="sectors")
    return SimpleNamespace(plan=plan, margins=SimpleNamespace(n_union=500))


def findings(**pictured: pd.DataFrame) -> Any:
    plan = SimpleNamespace(theme=Theme(colours=COLOURS), describe=SimpleNamespace(by="country"))
    return SimpleNamespace(
        plan=plan, pictured=SimpleNamespace(**pictured), main=member("main", "All sectors")
    )


def test_the_weights_figure_says_what_kish_says() -> None:
    w = np.array([0.0, 1.0, 1.0, 2.0, 4.0])
    found = findings(weights=weight_bins(w))
    found.bound = SimpleNamespace(weights=w)
    figure = weights_figure(found, words())
    assert figure is not None
    # (1 + 1 + 2 + 4)^2 / (1 + 1 + 4 + 16) = 64 / 22 = 2.9; the weight of zero counts nobody.
    assert figure.title == "4 respondents tell as much about a mean as 3 with equal weights"
    assert COLOURS.accent.lower() in figure.svg.lower()
    assert "#12436d" not in figure.svg.lower()


def test_equal_weights_have_no_figure() -> None:
    assert weights_figure(findings(weights=weight_bins(np.ones(4))), words()) is None


def margins(missing: tuple[str, ...] = ()) -> pd.DataFrame:
    rows = [
        (key, model, "belief", group, 0.001 * (k + 1), 0.0005 * (k + 1), 0.0015 * (k + 1))
        for key in ("main", "safety", "health")
        for model in ("individual", "collective")
        for k, group in enumerate(("DE", "FR"))
    ]
    columns = ["comparison", "model", "variable", "group", "estimate", "conf_low", "conf_high"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.loc[frame["comparison"].isin(missing), ["estimate", "conf_low", "conf_high"]] = np.nan
    return frame


SECTORS = [member("safety", "Safety"), member("health", "Health")]


def test_the_map_warns_of_chance_and_names_what_is_missing() -> None:
    figure = heat_figure(findings(margins=margins(("health",))), words(), SECTORS)
    assert figure is not None
    # A twentieth of 8 intervals is none.
    assert figure.notes[1] == "Health: the model with a slope for each group could not be fitted."
    assert [row[0].text for row in figure.table.rows[:6:2]] == ["All sectors", "Safety", "Health"]
    assert figure.table.rows[4][2].text == "[x]"
    assert COLOURS.positive.lower() in figure.svg.lower()
    whole = heat_figure(findings(margins=margins()), words(), SECTORS)
    assert whole is not None
    assert "Of 12 intervals, about 1 would exclude zero by chance alone" in whole.notes[1]


@pytest.mark.parametrize(("missing", "named"), [(("collective",), "collective"), ((), "")])
def test_panels_of_a_model_that_could_not_be_fitted_are_told_of(missing: tuple[str, ...], named: str) -> None:
    columns = ["model", "group", "variable", "value", "estimate", "conf_low", "conf_high"]
    rows = [
        (model, group, "age", value, 0.2 + value / 1000, 0.1, 0.4)
        for model in ("individual", "collective")
        for group in ("DE", "FR")
        for value in (20.0, 60.0)
    ]
    frame = pd.DataFrame(rows, columns=columns)
    gaps = pd.DataFrame({"model": missing, "variable": "age"}, columns=columns)
    frame = pd.concat([frame[~frame["model"].isin(missing)], gaps.astype(frame.dtypes)], ignore_index=True)
    told = panels_missing(findings(predictions=frame), words())
    label = {series.name: series.label for series in OUTCOMES}.get(named, "")
    wanted = "Not shown by group, as the model with a slope for each group could not be fitted"
    assert told == (f"{wanted}: {label}." if missing else "")
    if missing:
        assert panels_figure(findings(predictions=frame), words()) is None


def test_a_map_needs_sectors_and_numbers() -> None:
    everything = ("main", "safety", "health")
    assert heat_figure(findings(margins=margins(everything)), words(), SECTORS) is None
    alone = margins()
    assert heat_figure(findings(margins=alone[alone["comparison"] == "main"]), words(), SECTORS) is None


def test_the_map_speaks_french() -> None:
    with speaking("fr"):
        figure = heat_figure(findings(margins=margins()), words(), SECTORS)
    assert figure is not None
    assert figure.title.startswith(
        "Belief\N{NARROW NO-BREAK SPACE}: forme individual nettement plus probable"
    )


@pytest.mark.parametrize("present", [[], ["individual"]])
def test_calibration_needs_both_outcomes(present: list[str]) -> None:
    frame = pd.DataFrame({"model": present})
    assert calibration_figure(findings(calibration=frame), words()) is None
