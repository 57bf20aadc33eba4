"""Margins at given values, by groups, of contrasts, changes, events and scores, against R's; and emmeans.

R computes each number as a plain function of the parameters with a numerical delta method, so that the
limits are those of all margins in `tolerances`.
"""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.models.results import FittedModel

from . import tolerances as tol
from .golden_numbers import data, error, numbers

FULL = cps.SurveyDesign(weights="weight", strata="region", psu="municipality")
SCRIPT = "margin_contrasts"
CELLS = [f"at|{age}|{gender}" for age in (30, 60) for gender in ("man", "woman")]
BANDS = ["low", "middle", "high"]


@cache
def binary() -> FittedModel:
    right = "age + I(age**2) + gender + efficacy + country + efficacy:country + age:gender"
    return cps.logit(f"individual_high ~ {right}", data("five_nation"), design=FULL)


@cache
def ordinal() -> FittedModel:
    text = "individual_band ~ age + gender + efficacy + country"
    return cps.ologit(text, data("five_nation"), design=FULL)


def agrees(case: str, ours: dict[str, pd.DataFrame]) -> None:
    """Hold tables by kind of variance, their index R's names, to R's numbers."""
    theirs = {q: values for (c, q), values in numbers(SCRIPT).items() if c == case}
    for vce, table in ours.items():
        std_error = theirs["std_error" + ("" if vce == "delta" else "_unconditional")]
        assert error(table["estimate"], theirs["estimate"], floor=std_error) < tol.MARGIN, vce
        assert error(table["std_error"], std_error) < tol.MARGIN_STD_ERROR, vce


def both(make, index) -> dict[str, pd.DataFrame]:
    tables = {vce: make(vce) for vce in ("delta", "unconditional")}
    return {vce: table.set_index(index(table)) for vce, table in tables.items()}


def numbered(table: pd.DataFrame, columns: list[str], categories: list[str]) -> pd.Index:
    """Return names such as "France|2": the group and the number of the category."""
    group = table[columns].astype(str).agg(", ".join, axis=1) if columns else pd.Series("", table.index)
    number = table["category"].map({name: str(k + 1) for k, name in enumerate(categories)})
    return pd.Index(group + "|" + number)


@pytest.mark.parametrize("vce", ["delta", "unconditional"])
def test_at_every_combination(vce):
    at = {"age": [30, 60], "gender": ["man", "woman"]}
    found = cps.margins(binary(), ["efficacy", "age", "country"], at=at, vce=vce)
    found = found[found["contrast"].isin(["dy/dx", "France - Czech Republic"])]
    names = found["variable"].replace({"country": "France"})
    cases = "at|" + found["age"].astype(str) + "|" + found["gender"] + "|" + names
    assert len(found) == 12
    for case, (_, row) in zip(cases, found.iterrows(), strict=True):
        agrees(case, {vce: row.to_frame().T.set_axis(["|1"])})


@pytest.mark.parametrize("cell", CELLS)
def test_predictions_of_groups_at_every_combination(cell):
    _, age, gender = cell.split("|")
    at = {"age": float(age), "gender": gender}
    ours = both(
        lambda vce: cps.average_predictions(binary(), at, by="country", vce=vce),
        lambda table: numbered(table, ["country"], ["higher"]),
    )
    agrees(f"{cell}|predicted", ours)


@pytest.mark.parametrize(("case", "variable"), [("by|efficacy", "efficacy"), ("by|woman", "gender")])
def test_by_country(case, variable):
    def make(vce):
        found = cps.margins(binary(), variable, by="country", vce=vce)
        return found[found["contrast"].isin(["dy/dx", "woman - man"])]

    agrees(case, both(make, lambda table: numbered(table, ["country"], ["higher"])))


def test_by_two_variables_one_of_which_is_no_predictor():
    urban = data("five_nation")["urban"]
    # Respondents without an answer would belong to no group; none of the sample's.
    assert urban[ordinal().used].notna().all()
    ours = both(
        lambda vce: cps.margins(ordinal(), "age", by=["country", urban], vce=vce),
        lambda table: numbered(table, ["country", "urban"], BANDS),
    )
    agrees("by|ordinal|age", ours)


@pytest.mark.parametrize(
    "pair", [("Denmark", "Czech Republic"), ("France", "Denmark"), ("United Kingdom", "Germany")]
)
@pytest.mark.parametrize("contrast", ["pairwise", "sequential"])
def test_contrasts_of_levels(pair, contrast):
    label = f"{pair[0]} - {pair[1]}"

    def make(vce):
        found = cps.margins(ordinal(), "country", contrast=contrast, vce=vce)
        return found[found["contrast"] == label]

    agrees(f"contrast|{pair[0]}|{pair[1]}", both(make, lambda table: numbered(table, [], BANDS)))


def test_differences_between_groups():
    ours = both(
        lambda vce: cps.margins(binary(), "efficacy", by="country", contrast_by="pairwise", vce=vce),
        lambda table: pd.Index(table["country"]),
    )
    agrees("contrast_by|efficacy", ours)


@pytest.mark.parametrize(
    ("case", "change"),
    [
        ("sd", {"efficacy": "sd"}),
        ("10", {"age": 10}),
        ("20 to 60", {"age": (20, 60)}),
        ("range", {"age": "range"}),
    ],
)
def test_changes(case, change):
    ours = both(
        lambda vce: cps.margins(binary(), list(change), change=change, vce=vce),
        lambda table: numbered(table, [], ["higher"]),
    )
    agrees(f"change|{case}", ours)


@pytest.mark.parametrize(("case", "variable"), [("at_least|age", "age"), ("at_least|woman", "gender")])
def test_events(case, variable):
    def make(vce):
        found = cps.margins(ordinal(), variable, of="at_least", vce=vce)
        return found[found["contrast"].isin(["dy/dx", "woman - man"])]

    agrees(case, both(make, lambda table: numbered(table, [], ["middle or more", "high"])))


def test_scores():
    scores = {"low": 0, "middle": 50, "high": 100}
    ours = both(
        lambda vce: cps.margins(ordinal(), "age", of="score", scores=scores, vce=vce),
        lambda table: numbered(table, [], ["score"]),
    )
    agrees("score|age", ours)
    ours = both(
        lambda vce: cps.average_predictions(
            ordinal(), by="country", of="score", scores=[0, 50, 100], vce=vce
        ),
        lambda table: numbered(table, ["country"], ["score"]),
    )
    agrees("score|by", ours)


def test_counterfactual_means_of_emmeans():
    frame = data("ucla").assign(likely=lambda d: (d["apply"] != "unlikely").astype(int))
    frame = frame.assign(pared=frame["pared"].astype(str), public=frame["public"].astype(str))
    model = cps.logit("likely ~ pared * gpa + public", frame, covariance="model")
    cells = cps.average_predictions(model, {"pared": ["0", "1"], "public": ["0", "1"]})
    cells = cells.set_index(cells["pared"] + "|" + cells["public"])
    agrees("emmeans|cells", {"delta": cells})
    agrees("emmeans|difference", {"delta": cps.margins(model, "pared").set_axis(["pared"])})
