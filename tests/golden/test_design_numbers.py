"""Sampling in several stages, units that are alone, and domains against R's survey package."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, crosstab
from coprodstats.survey.describe import means, proportions
from coprodstats.survey.design import design_df, design_variance, resolve_design

from . import make_design_data
from . import tolerances as tol
from .golden_numbers import cases, data, error, numbers

PSU = {
    "1": "municipality",
    "2": ("municipality", "household"),
    "3": ("municipality", "household", "person"),
}
STRATA = {"1": "region", "2": ("region", "locality"), "3": ("region", "locality")}
FPC = {"numbers": ("N1", "N2", "N3"), "fractions": ("f1", "f2", "f3")}


def expected(case: str) -> dict[str, pd.Series]:
    return {quantity: values for (name, quantity), values in numbers("designs").items() if name == case}


@cache
def frame() -> pd.DataFrame:
    stages = data("stages")
    return stages.assign(joins_1=(stages["joins"] == "yes").astype(float))


def sample(case: str) -> tuple[pd.DataFrame, np.ndarray, SurveyDesign]:
    """Return the data of a case, the rows of its domain, and its design."""
    kind, *rest = case.split("|")
    people = frame() if kind == "lonely" else frame()[frame()["part"] == "whole"].reset_index(drop=True)
    everyone = np.ones(len(people), dtype=bool)
    if kind == "domain":
        rule, adjusted = rest
        inside = (people["region"] != "coast") | (people["municipality"] == 2)
        design = drawn("1", "numbers", lonely_psu=rule, adjust_domain_lonely=adjusted == "TRUE")
        return people, inside.to_numpy(), design
    if kind == "lonely":
        stages, rule, domain = rest
        mainland = (people["region"] != "islands") & (people["group"] == "a")
        inside = mainland.to_numpy() if domain == "mainland" else everyone
        return people, inside, drawn(stages, "numbers", lonely_psu=rule)
    stages, fpc, *domain = rest
    if domain:
        absent = (people["region"] == "inland") & (people["municipality"] == 3)
        everyone = ((people["group"] == "a") & ~absent).to_numpy()
    return people, everyone, drawn(stages, fpc)


def drawn(stages: str, fpc: str, **rules: object) -> SurveyDesign:
    declared: dict[str, object] = {"weights": "weight", "psu": PSU[stages], "strata": STRATA[stages]}
    many = int(stages)
    if fpc == "none":
        declared["strata"] = "region"
    elif fpc == "first":
        declared["fpc"] = ("N1", None)
    elif fpc == "implied":
        declared |= {"fpc": FPC["numbers"][:many], "weights": None}
    else:
        declared["fpc"] = FPC[fpc][:many]
    return SurveyDesign(nested=True, **(declared | rules))


def test_the_data_are_what_the_script_draws() -> None:
    for name, made in make_design_data.made().items():
        committed = pd.read_csv(make_design_data.DATA / name)
        pd.testing.assert_frame_equal(committed, made, check_dtype=False, rtol=1e-12)


def compare(case: str, people: pd.DataFrame, used: np.ndarray, **group: object) -> None:
    wanted, design = expected(case), sample(case)[2]
    rows = {v: means(people, v, design=design, **group).iloc[0] for v in ("score", "joins_1")}
    ours = pd.DataFrame(rows).T
    assert error(ours["estimate"].astype(float), wanted["estimate"]) < tol.MEAN
    assert error(ours["std_error"].astype(float), wanted["std_error"]) < tol.MEAN_STD_ERROR
    bound = resolve_design(design, people)
    weighted = np.where(used, bound.weights * people["score"], 0.0)[:, None]
    assert weighted.sum() == pytest.approx(wanted["total"]["score"], rel=tol.MEAN)
    if "adjust" in case:  # R 4.1-1 centres a lonely PSU at zero, not at the mean: the same for means only
        return
    std_error = np.sqrt(design_variance(weighted, bound, used)[0, 0])
    assert std_error == pytest.approx(wanted["total_std_error"]["score"], rel=tol.MEAN_STD_ERROR)


@pytest.mark.parametrize("case", cases("designs", "estimate"))
def test_means_and_totals(case: str) -> None:
    people, inside, _ = sample(case)
    compare(case, people, inside, domain=inside)


DOMAINS = [c for c in cases("designs", "estimate") if c.endswith(("domain", "mainland")) or c[:6] == "domain"]


@pytest.mark.parametrize("case", DOMAINS)
def test_a_group_and_weights_of_zero_outside_come_to_the_same(case: str) -> None:
    people, inside, _ = sample(case)
    compare(case, people.assign(inside=np.where(inside, "in", "out")), inside, by="inside")
    everyone = np.ones(len(people), dtype=bool)
    compare(case, people.assign(weight=people["weight"].where(inside, 0.0)), everyone)


@pytest.mark.parametrize("case", cases("designs", "df"))
def test_degrees_of_freedom(case: str) -> None:
    people, inside, design = sample(case)
    assert design_df(resolve_design(design, people), inside, rule="r") == expected(case)["df"].item()


@pytest.mark.parametrize("case", cases("designs", "adjWald"))
def test_tables(case: str) -> None:
    people, inside, design = sample(case)
    made = crosstab(people, "joins", "grade", domain=inside, design=design)
    for name, test in (("F", made.rao_scott), ("adjWald", made.wald)):
        wanted = expected(case)[name]
        if case.endswith("domain"):  # R counts the PSUs that hold a row of the subset, we those of its strata
            wanted = wanted[["df_num"] if name == "adjWald" else ["statistic", "df_num"]]
        ours = pd.Series({field: getattr(test, field) for field in wanted.index})
        assert error(ours, wanted, 1e-6) < tol.CHI_SQUARED
    cells = made.to_frame()
    cells.index = cells["row"].astype(str) + "|" + cells["column"].astype(str)
    assert error(cells["of_row"], expected(case)["of_row"]) < tol.MEAN
    assert error(cells["of_row_std_error"], expected(case)["of_row_std_error"]) < tol.MEAN_STD_ERROR


def test_shares_are_means_of_indicators() -> None:
    people, _, design = sample("whole|3|numbers")
    shares = proportions(people, "joins", design=design).set_index("category").loc["yes"]
    wanted = expected("whole|3|numbers")
    assert shares["estimate"] == pytest.approx(wanted["estimate"]["joins_1"], rel=tol.MEAN)
    assert shares["std_error"] == pytest.approx(wanted["std_error"]["joins_1"], rel=tol.MEAN_STD_ERROR)
