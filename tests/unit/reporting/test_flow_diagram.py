"""The flow diagram of a cleaning log: what it shows, in which order, and that it needs no colour."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from coprodstats.errors import ArgumentError
from coprodstats.reporting.figures import Caption, cleaning_flow, flow_diagram
from coprodstats.reporting.style import luminance
from coprodstats.survey.log import CleaningLog, empty_table

NONE = {name: empty_table(name) for name in ("cells", "valid", "missing")}
EXCLUDED = pd.DataFrame({"reason": ["empty row", "repeated id", "speeder"], "rows": [1, 0, 4]})
RULES = pd.DataFrame(
    {
        "rule": ["empty row", "repeated id", "speeder", "straight-lining: trust"],
        "action": ["exclude", "exclude", "exclude", "flag"],
        "detail": "",
        "rows": [1, 0, 4, 3],
        "cells": 0,
    }
)
SOURCES = pd.DataFrame({"source": ["DE", "FR"], "rule": "rows", "variable": "", "rows": [12, 8]})
LOG = CleaningLog(rows_in=20, rows_kept=15, excluded=EXCLUDED, rules=RULES, sources=SOURCES, **NONE)
WORDS = Caption(key="f", title="T", subtitle="S", n="N", source="S")


def test_files_exclusions_and_flags_are_shown_in_order() -> None:
    figure = flow_diagram(LOG, "Invented.")
    assert figure.data[["kind", "label", "rows"]].to_numpy().tolist() == [
        ["in", "Rows in the files", 20],
        ["part", "DE", 12],
        ["part", "FR", 8],
        ["excluded", "Empty row", 1],
        ["excluded", "Speeder", 4],
        ["kept", "Rows kept", 15],
        ["flagged", "Straight-lining: trust", 3],
    ]
    assert figure.title == "15 of 20 rows of the files are kept"
    assert figure.alt == (
        "Of 20 rows, 15 are kept (75.0%). Excluded: Empty row, 1; Speeder, 4. "
        "Flagged: Straight-lining: trust, 3."
    )
    assert "DE: 12 of these rows come from this file." in figure.description


def test_the_drawing_is_named_described_and_the_same_twice() -> None:
    figure = flow_diagram(LOG)
    root = ET.fromstring(figure.svg)  # noqa: S314  (drawn by this test)
    found = {element.tag.rpartition("}")[2]: element.text for element in root}
    assert (found["title"], found["desc"]) == (figure.title, figure.alt)
    assert flow_diagram(LOG).svg == figure.svg


def test_the_drawing_is_read_without_colour() -> None:
    # In grey, boxes on the way and beside it differ by their luminance, and no two colours fall together.
    colours = set(re.findall(r"#[0-9a-fA-F]{6}", flow_diagram(LOG).svg))
    greys = sorted(luminance(colour) for colour in colours)
    assert all(high - low > 0.01 for low, high in pairwise(greys))


def test_flags_take_no_row_away_and_files_must_add_up() -> None:
    steps = LOG.steps()
    assert cleaning_flow(steps, WORDS).data["rows"].sum() == 20 + 20 + 1 + 4 + 0 + 15 + 3
    steps.loc[steps["label"] == "FR", "rows"] = 9
    with pytest.raises(ArgumentError, match="the files have 21 rows, 20 come in"):
        cleaning_flow(steps, WORDS)


def test_a_log_of_one_file_speaks_of_one_file() -> None:
    figure = flow_diagram(replace(LOG, sources=empty_table("sources"), rules=empty_table("rules")))
    assert figure.title == "15 of 20 rows of the file are kept"
    assert figure.data["kind"].tolist() == ["in", "excluded", "excluded", "kept"]
