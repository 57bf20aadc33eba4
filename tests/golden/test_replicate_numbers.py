"""Replicate weights, given and made, and their calibration against R's survey package."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, crosstab, means, proportions, replicate_design
from coprodstats.survey.design import design_df, design_variance, resolve_design
from coprodstats.survey.weighting import Weighting, calibrate, calibrated_design, post_stratify, rake

from . import tolerances as tol
from .golden_numbers import cases, data, error, numbers

COLUMNS = [f"rw{r}" for r in range(1, 13)]
RSCALES = (0.5, 0.6, 0.7, 0.8, 0.9, 1, 0.5, 0.6, 0, 0.8, 0.9, 1)
GIVEN: dict[str, dict[str, object]] = {
    "jk1": {"replicate_method": "jk1"},
    "jk1_scale": {"replicate_method": "jk1", "scale": 0.3},
    "jkn": {"replicate_method": "jkn", "rscales": RSCALES},
    "jk2": {"replicate_method": "jk2"},
    "brr": {"replicate_method": "brr"},
    "fay": {"replicate_method": "fay", "fay_rho": 0.3},
    "bootstrap": {"replicate_method": "bootstrap"},
    "bootstrap_scale": {"replicate_method": "bootstrap", "scale": 0.2},
    "sdr": {"replicate_method": "sdr"},
    "other": {"replicate_method": "other", "scale": 0.25, "rscales": RSCALES},
    "multipliers": {"replicate_method": "brr", "replicate_combined": False},
    "jkn_multipliers": {"replicate_method": "jkn", "replicate_combined": False},
}
PSUS = {"weights": "weight", "strata": "stratum", "psu": "psu"}
MADE: dict[str, tuple[str, dict[str, object], dict[str, object]]] = {
    "jk1": ("jk1", {"strata": None}, {}),
    "jk1_fpc": ("jk1", {"strata": None, "fpc": "all"}, {}),
    "jkn": ("jkn", {}, {}),
    "jkn_fpc": ("jkn", {"fpc": "N"}, {}),
    "jkn_certain": ("jkn", {"fpc": "f"}, {}),
    "brr": ("brr", {}, {}),
    "fay": ("fay", {}, {"fay_rho": 0.3}),
}
GRADES = {"grade": {"low": 800, "middle": 1200, "high": 900}}
MARGINS = GRADES | {"group": {"a": 1700, "b": 1200}}
CALIBRATIONS = {
    "post-stratification": lambda people: post_stratify(people, GRADES, weights="weight"),
    "rake": lambda people: rake(people, MARGINS, weights="weight"),
    "raking": lambda people: calibrate(people, MARGINS, distance="raking", weights="weight"),
    "linear": lambda people: calibrate(people, MARGINS, totals={"score": 2900 * 51}, weights="weight"),
}


def expected(case: str) -> dict[str, pd.Series]:
    return {quantity: values for (name, quantity), values in numbers("replicates").items() if name == case}


@cache
def pairs() -> pd.DataFrame:
    frame = data("pairs")
    frame = frame.assign(
        joins_1=(frame["joins"] == "yes").astype(float),
        N=22 + 4 * (frame["stratum"] == "s01"),
        f=np.where(frame["stratum"] == "s02", 1.0, 0.1),
        all=200,
        grade=pd.Categorical(frame["grade"]),
    )
    multipliers = {f"m{r}": frame[name] / frame["weight"] for r, name in enumerate(COLUMNS)}
    return frame.assign(**multipliers)


def declared(case: str) -> tuple[pd.DataFrame, SurveyDesign]:
    """Return the data and the design of a case."""
    kind, name, *rest = case.split("|")
    mse = rest[:1] == ["TRUE"]
    if kind == "alone":
        people = pairs()[pairs()["psu"] != 12].reset_index(drop=True)
        rule = SurveyDesign(**PSUS, lonely_psu=name)
        return people, replicate_design(people, design=rule, method="jkn")
    if kind == "calibrated":
        kind, name = name, "brr" if name == "given" else "jkn"
    if kind == "given":
        apart = GIVEN[name].get("replicate_combined") is False
        columns = [f"m{r}" for r in range(12)] if apart else COLUMNS
        return pairs(), SurveyDesign(weights="weight", replicate_weights=columns, mse=mse, **GIVEN[name])
    method, changed, arguments = MADE[name]
    base = SurveyDesign(**(PSUS | changed))
    return pairs(), replicate_design(pairs(), design=base, method=method, mse=mse, **arguments)


def compare(
    case: str, people: pd.DataFrame, design: SurveyDesign, weighting: Weighting | None = None
) -> None:
    """Compare means, the total and degrees of freedom; outside a domain weights are zero."""
    wanted = expected(case)
    rows = {v: means(people, v, design=design, weighting=weighting).iloc[0] for v in ("score", "joins_1")}
    ours = pd.DataFrame(rows).T.astype(float)
    assert error(ours["estimate"], wanted["estimate"]) < tol.MEAN
    # A mean that calibration has fixed has no error: only rounding is left, of the size of the total.
    floor = 1e-2 if weighting is not None else 0.0
    assert error(ours["std_error"], wanted["std_error"], floor) < tol.REPLICATE_STD_ERROR
    bound = resolve_design(design, people)
    bound = bound if weighting is None else calibrated_design(bound, weighting)
    total = (bound.weights * people["score"]).to_numpy()[:, None]
    std_error = np.sqrt(design_variance(total, bound)[0, 0])
    rounding = 1e-13 * total.sum()
    assert std_error == pytest.approx(
        wanted["total_std_error"]["score"], rel=tol.REPLICATE_STD_ERROR, abs=rounding
    )


WHOLE = cases("replicates", "limits")


@pytest.mark.parametrize("case", WHOLE)
def test_means_and_limits(case: str) -> None:
    people, design = declared(case)
    compare(case, people, design)
    share = proportions(people, "joins", design=design).set_index("category").loc["yes"]
    wanted = expected(case)
    assert share["df"] == design_df(resolve_design(design, people), np.ones(len(people), bool))
    if share["df"] == wanted["df"].item():
        assert (
            error(share[["conf_low", "conf_high"]].astype(float), wanted["limits"]) < tol.REPLICATE_STD_ERROR
        )


@pytest.mark.parametrize("case", WHOLE)
def test_a_domain_is_a_subset(case: str) -> None:
    people, design = declared(case)
    wanted = expected(f"{case}|domain")
    for variable in ("score", "joins_1"):
        row = means(people, variable, domain=people["group"] == "a", design=design).iloc[0]
        assert row["estimate"] == pytest.approx(wanted["estimate"][variable], rel=tol.MEAN)
        assert row["std_error"] == pytest.approx(wanted["std_error"][variable], rel=tol.REPLICATE_STD_ERROR)
    bound = resolve_design(design, people)
    inside = (people["group"] == "a").to_numpy()
    total = np.where(inside, bound.weights * people["score"], 0.0)[:, None]
    std_error = np.sqrt(design_variance(total, bound)[0, 0])
    assert std_error == pytest.approx(wanted["total_std_error"]["score"], rel=tol.REPLICATE_STD_ERROR)


@pytest.mark.parametrize("case", cases("replicates", "adjWald"))
def test_tables(case: str) -> None:
    people, design = declared(case.removesuffix("|domain"))
    inside = people["group"] == "a" if case.endswith("domain") else None
    made = crosstab(people, "joins", "grade", domain=inside, design=design)
    wanted = expected(case)
    cells = made.to_frame()
    cells.index = cells["row"].astype(str) + "|" + cells["column"].astype(str)
    assert error(cells["of_row"], wanted["of_row"]) < tol.MEAN
    assert error(cells["of_row_std_error"], wanted["of_row_std_error"]) < tol.REPLICATE_STD_ERROR
    if wanted["df"].item() != made.wald.df_denom + made.wald.df_num - 1:
        return  # R's degrees of freedom leave out certain PSUs, see test_degrees_of_freedom
    for name, test in (("F", made.rao_scott), ("adjWald", made.wald)):
        ours = pd.Series({field: getattr(test, field) for field in wanted[name].index})
        assert error(ours, wanted[name], 1e-6) < tol.CHI_SQUARED


@pytest.mark.parametrize("case", [c for c in cases("replicates", "df") if c.startswith(("given", "made"))])
def test_degrees_of_freedom(case: str) -> None:
    people, design = declared(case.removesuffix("|domain"))
    inside = (people["group"] == "a").to_numpy() | (not case.endswith("|domain"))
    wanted = expected(case)["df"].item()
    if "certain" in case:  # the rank knows nothing of a stratum without replicates; PSUs minus strata do
        wanted += 1
    assert design_df(resolve_design(design, people), inside, rule="r") == wanted


@pytest.mark.parametrize("case", cases("replicates", "scale"))
def test_weights_that_are_made(case: str) -> None:
    people, design = declared(case)
    bound = resolve_design(design, people)
    if case.startswith("calibrated"):
        bound = calibrated_design(bound, CALIBRATIONS[case.split("|")[2]](people))
    replication, wanted = bound.replication, expected(case)
    assert replication is not None
    assert replication.n_replicates == wanted["replicates"].item()
    factors = float((replication.scale * replication.rscales).sum())
    assert factors == pytest.approx(wanted["scale"].item(), rel=1e-14)
    sums = np.sort(replication.weights.T @ np.arange(1.0, len(people) + 1))
    assert sums == pytest.approx(wanted["weights"].to_numpy(), rel=tol.WEIGHT)


@pytest.mark.parametrize("method", ["brr", "fay"])
def test_balanced_half_samples_by_another_matrix(method: str) -> None:
    people, design = declared(f"made|{method}|FALSE")
    total = (people["weight"] * people["score"]).to_numpy()[:, None]
    found = np.sqrt(design_variance(total, resolve_design(design, people))[0, 0])
    wanted = expected(f"made|{method}|own")["total_std_error"]["score"]
    assert found == pytest.approx(wanted, rel=tol.REPLICATE_STD_ERROR)


@pytest.mark.parametrize("case", cases("replicates", "scale", "alone"))
def test_jackknife_of_a_stratum_with_one_psu(case: str) -> None:
    compare(case, *declared(case))


@pytest.mark.parametrize("case", cases("replicates", "scale", "calibrated"))
def test_calibrated_replicates(case: str) -> None:
    people, design = declared(case)
    compare(case, people, design, CALIBRATIONS[case.split("|")[2]](people))
