"""Replicate weights made from strata and PSUs, and what they can't be made from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, clean, crosstab, means, replicate_design
from coprodstats.errors import ArgumentError, DesignError, WeightError
from coprodstats.survey.declarations import Codebook, Variable
from coprodstats.survey.design import design_df, design_variance, resolve_design
from coprodstats.survey.hadamard import hadamard_matrix
from coprodstats.survey.reading import SurveyData
from coprodstats.survey.replicates import Replication, bootstrap_weights
from coprodstats.survey.weighting import calibrated_design, post_stratify, rake

PAIRS = SurveyDesign(weights="w", strata="region", psu="town")


def frame() -> pd.DataFrame:
    """Three regions of two towns with a respondent or two in each."""
    return pd.DataFrame(
        {
            "region": list("aaabbbccc"),
            "town": [1, 1, 2, 3, 4, 4, 5, 5, 6],
            "w": [1.0, 2, 3, 4, 1, 1, 2, 2, 5],
            "y": [1.0, 5, 2, 8, 3, 4, 9, 7, 6],
            "sex": list("mwmwmwmwm"),
            "turn": [1, 1, 2, 2, 1, 1, 1, 1, 2],
        }
    )


def made(
    method: str, design: SurveyDesign = PAIRS, data: pd.DataFrame | None = None, **given: object
) -> Replication:
    data = frame() if data is None else data
    replicated = replicate_design(data, design=design, method=method, **given)
    replication = resolve_design(replicated, data).replication
    assert replication is not None
    assert replication.made
    return replication


# --- what each method multiplies the weights of a town by ---


def by_town(replication: Replication) -> np.ndarray:
    factors = pd.DataFrame(replication.weights / frame()[["w"]].to_numpy()).groupby(frame()["town"])
    assert np.ptp(factors.max() - factors.min()) == 0
    return factors.first().to_numpy()


def test_the_jackknife_leaves_each_town_out_once() -> None:
    one = made("jk1", SurveyDesign(weights="w", psu="town"))
    assert by_town(one) == pytest.approx((1 - np.eye(6)) * 6 / 5, rel=1e-15)
    assert one.scale == pytest.approx(5 / 6, rel=1e-15)
    each = made("jkn")
    pair = np.array([[0.0, 2.0], [2.0, 0.0]])
    assert by_town(each) == pytest.approx(np.kron(np.eye(3), pair) + np.kron(1 - np.eye(3), np.ones((2, 2))))
    assert (each.scale, each.rscales.tolist()) == (1, [0.5] * 6)
    assert each.description == "stratified jackknife (JKn): 6 replicates"
    assert each.names[0] == "replicate 1"


def test_half_samples_are_balanced() -> None:
    factors = by_town(made("brr"))
    assert set(factors.ravel()) == {0.0, 2.0}
    assert (factors[::2] + factors[1::2] == 2).all()
    signs = factors[::2] - 1
    assert signs @ signs.T == pytest.approx(4 * np.eye(3))
    assert signs.sum(axis=1).tolist() == [0, 0, 0]
    fay = made("fay", fay_rho=0.25)
    assert by_town(fay) == pytest.approx(1 + 0.75 * (factors - 1), rel=1e-15)
    assert fay.scale == pytest.approx(1 / (4 * 0.75**2), rel=1e-15)


def test_the_bootstrap_draws_one_town_fewer_and_keeps_the_seed() -> None:
    one = made("bootstrap", n_replicates=200, seed=8)
    factors = by_town(one)
    # One of two towns, doubled.
    assert set(factors.ravel()) == {0.0, 2.0}
    assert (factors[::2] + factors[1::2] == 2).all()
    assert one.scale == pytest.approx(1 / 199, rel=1e-15)
    assert (one.seed, one.n_replicates) == (8, 200)
    assert one.description == "bootstrap: 200 replicates, seed 8"
    assert np.array_equal(one.weights, made("bootstrap", n_replicates=200, seed=8).weights)
    assert not np.array_equal(one.weights, made("bootstrap", n_replicates=200, seed=9).weights)


def test_successive_differences_are_half_the_squares_between_neighbours() -> None:
    # Two regions of three and two towns in the order of `turn`; totals of z by hand: 2, 9, 4 and 1, 5 there.
    data = pd.DataFrame(
        {
            "region": list("aaabb"),
            "town": [1, 2, 3, 4, 5],
            "turn": [30, 10, 20, 7, 1],
            "z": [4.0, 2, 9, 5, 1],
        }
    )
    design = replicate_design(
        data, design=SurveyDesign(strata="region", psu="town"), method="sdr", order="turn"
    )
    bound = resolve_design(design, data)
    # Round the circle: (9 - 2)^2 + (4 - 9)^2 + (2 - 4)^2 = 78 and (5 - 1)^2 + (1 - 5)^2 = 32; half of 110.
    assert design_variance(data[["z"]].to_numpy(), bound)[0, 0] == pytest.approx(55, rel=1e-14)
    assert bound.replication is not None
    assert bound.replication.weights.min() > 0.29
    assert bound.replication.n_replicates == 8


def test_towns_that_are_certain_have_no_replicates() -> None:
    data = frame().assign(f=np.where(frame()["region"] == "b", 1.0, 0.5))
    replication = made("jkn", SurveyDesign(weights="w", strata="region", psu="town", fpc="f"), data)
    assert replication.n_replicates == 4
    assert replication.rscales == pytest.approx([0.25] * 4)


# --- towns that are alone ---


def lonely() -> tuple[pd.DataFrame, dict[str, str]]:
    return frame()[lambda d: d["town"] != 6].reset_index(drop=True), {"strata": "region", "psu": "town"}


@pytest.mark.parametrize("rule", ["remove", "certainty", "average"])
def test_a_jackknife_of_totals_treats_a_town_that_is_alone_as_linearised_variances_do(rule: str) -> None:
    data, strata = lonely()
    z = data[["y"]].to_numpy()
    design = SurveyDesign(**strata, lonely_psu=rule)
    wanted = design_variance(z, resolve_design(design, data))
    found = design_variance(z, resolve_design(replicate_design(data, design=design, method="jkn"), data))
    assert found == pytest.approx(wanted, rel=1e-13)


@pytest.mark.parametrize("method", ["bootstrap", "sdr"])
def test_a_town_that_is_alone_never_varies_in_random_replicates(method: str) -> None:
    data, strata = lonely()
    data = data.assign(turn=data["town"])
    more = {"n_replicates": 20, "seed": 1} if method == "bootstrap" else {"order": "turn"}
    replication = made(method, SurveyDesign(**strata, lonely_psu="remove"), data, **more)
    assert (replication.weights[data["region"] == "c"] == 1).all()
    for rule in ("adjust", "average"):
        design = SurveyDesign(**strata, lonely_psu=rule)
        with pytest.raises(DesignError, match=f"it can't apply lonely_psu='{rule}' to c"):
            replicate_design(data, design=design, method=method, **more)


# --- refusals ---


def test_half_samples_need_two_psus_in_every_stratum() -> None:
    data = pd.concat([frame(), frame().iloc[:1].assign(town=9)], ignore_index=True)
    message = r"'brr': 1 of 3 strata do not have two PSUs \(a: 3\)\n.*exactly two(.|\n)*'jkn' or 'bootstrap'"
    with pytest.raises(DesignError, match=message):
        replicate_design(data, design=PAIRS, method="brr")


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        ("brr", {"fpc": "f"}, r"'brr': it has no place for finite populations\n\s+Try: leave out fpc"),
        ("bootstrap", {"fpc": "f"}, r"'bootstrap': it has no place for finite populations"),
        (
            "jkn",
            {"psu": ("town", "home"), "fpc": ("f", "f"), "lonely_psu": "remove"},
            r"no place for finite populations after the first",
        ),
        ("jk1", {}, r"'jk1': there are 3 strata\n\s+Try: 'jkn'"),
        ("jkn", {"fpc": "whole"}, r"no stratum has several PSUs of a larger population"),
        ("jk1", {"strata": None, "psu": "one", "lonely_psu": "remove"}, r"there is a single PSU"),
        ("sdr", {"order": "w"}, r"replicate_order 'w': 1 PSUs have several values"),
        ("sdr", {"order": "flat"}, r"replicate_order 'flat': 3 PSUs stand where another PSU"),
        ("sdr", {"order": "gap"}, r"replicate_order 'gap': 1 rows have no value"),
        ("sdr", {"order": "trun"}, r"no column 'trun'\n.*did you mean 'turn'"),
    ],
)
def test_designs_that_a_method_can_not_represent(
    method: str, arguments: dict[str, object], message: str
) -> None:
    data = frame().assign(f=0.5, whole=1.0, one=1, flat=1, home=range(9), gap=[None, *range(8)])
    given: dict[str, object] = {"n_replicates": 10, "seed": 1} if method == "bootstrap" else {}
    given |= {"order": arguments["order"]} if "order" in arguments else {}
    declared = {"strata": "region", "psu": "town"} | {k: v for k, v in arguments.items() if k != "order"}
    with pytest.raises(DesignError, match=message):
        replicate_design(data, design=SurveyDesign(**declared), method=method, **given)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "jackknife"}, r"replicate_method: 'jackknife' is not one"),
        (
            {"method": "bootstrap"},
            r"2 faults(.|\n)*n_replicates: 'bootstrap' needs it(.|\n)*seed: 'bootstrap'",
        ),
        ({"method": "bootstrap", "n_replicates": 1, "seed": 0}, r"n_replicates: it is 1\n.*at least 2"),
        ({"method": "bootstrap", "n_replicates": 10, "seed": -1}, r"seed: it is -1\n.*at least 0"),
        ({"method": "jkn", "seed": 1}, r"seed: no use for it with 'jkn'"),
        ({"method": "brr", "fay_rho": 0.5}, r"fay_rho: no use for it with 'brr'"),
        ({"method": "fay"}, r"fay_rho: 'fay' needs it"),
        ({"method": "sdr"}, r"replicate_order: 'sdr' needs it"),
        ({"method": "jkn", "order": "turn"}, r"replicate_order: no use for it with 'jkn'"),
        ({"method": "jkn", "df": 0}, r"replicate_df: it is 0"),
        ({"method": "jkn", "design": None}, r"replicate_design: design: there is none"),
        (
            {
                "method": "jkn",
                "design": SurveyDesign(psu="town", lonely_psu="adjust", adjust_domain_lonely=True),
            },
            r"adjust_domain_lonely: replicate weights are made before any domain is known",
        ),
        (
            {"method": "jkn", "design": SurveyDesign(psu="town", replicate_method="jk1")},
            r"design: it has replicate weights already",
        ),
    ],
)
def test_arguments_that_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        replicate_design(frame(), **({"design": PAIRS} | arguments))


def test_more_weights_than_are_held_are_refused_before_they_are_made() -> None:
    data = pd.DataFrame({"y": np.zeros(20_000)})
    message = r"20,000 replicates of 20,000 rows are more weights than are held at once(.|\n)*'bootstrap'"
    with pytest.raises(DesignError, match=message):
        replicate_design(data, design=SurveyDesign(), method="jk1")


def test_replicate_weights_of_a_file_have_no_psus_to_draw_from() -> None:
    data = frame().assign(r1=frame()["w"], r2=frame()["w"])
    given = SurveyDesign(weights="w", replicate_weights=["r1", "r2"], replicate_method="brr")
    with pytest.raises(DesignError, match=r"bootstrap: the design has replicate weights, but no strata"):
        next(bootstrap_weights(resolve_design(given, data), 2, seed=1))


# --- use ---


def test_a_cleaned_survey_brings_its_design() -> None:
    kinds = {"region": "stratum", "town": "psu"}
    variables = {name: Variable(name=name, label=name, kind=kind) for name, kind in kinds.items()}
    codes = frame()[list(kinds)].astype(str).astype("str")
    book = Codebook(title="", synthetic=False, variables=variables)
    cleaned = clean(SurveyData(frame=codes, codebook=book))
    assert replicate_design(cleaned, method="brr") == SurveyDesign(
        strata="region", psu="town", replicate_method="brr"
    )


def test_degrees_of_freedom_are_those_of_the_towns_at_most_the_replicates_minus_one() -> None:
    everyone = np.ones(9, dtype=bool)
    for method, more, wanted in (
        ("jkn", {}, 3),
        ("brr", {}, 3),
        ("bootstrap", {"n_replicates": 3, "seed": 2}, 2),
        ("jkn", {"df": 30}, 30),
    ):
        bound = resolve_design(replicate_design(frame(), design=PAIRS, method=method, **more), frame())
        assert design_df(bound, everyone) == wanted
    bound = resolve_design(replicate_design(frame(), design=PAIRS, method="jkn"), frame())
    assert design_df(bound, (frame()["region"] != "a").to_numpy()) == 2


def test_a_group_that_a_replicate_leaves_without_weight_is_named() -> None:
    data = frame().assign(group=[*"xx", *"yyyyyyy"])
    design = replicate_design(data, design=PAIRS, method="jkn")
    message = (
        r"stratified jackknife \(JKn\): 6 replicates: 1 of 6 replicates give no estimate \(replicate 1\)"
    )
    with pytest.raises(DesignError, match=message):
        means(data, "y", by="group", design=design)
    table = crosstab(data, "group", "sex", design=design).to_frame().set_index(["row", "column"])
    assert table.loc[("x", "m"), "of_row"] == pytest.approx(1 / 3)
    assert np.isnan(table.loc[("x", "m"), "of_row_std_error"])
    assert table.loc[("x", "m"), "cell_std_error"] > 0


def test_every_replicate_meets_the_margins() -> None:
    design = replicate_design(frame(), design=PAIRS, method="jkn")
    made = rake(frame(), {"sex": {"m": 60, "w": 50}}, weights="w")
    bound = calibrated_design(resolve_design(design, frame()), made)
    assert bound.replication is not None
    sums = pd.DataFrame(bound.replication.weights).groupby(frame()["sex"]).sum()
    assert sums.loc["m"].to_numpy() == pytest.approx([60] * 6, rel=1e-13)
    assert sums.loc["w"].to_numpy() == pytest.approx([50] * 6, rel=1e-13)
    # Doing it twice changes nothing, nor does the scale of the weights before.
    again = calibrated_design(bound, made).replication
    assert again is not None
    assert again.weights == pytest.approx(bound.replication.weights, rel=1e-12)
    tenfold = frame().assign(w=frame()["w"] * 10)
    other = calibrated_design(resolve_design(design, tenfold), made).replication
    assert other is not None
    assert other.weights == pytest.approx(bound.replication.weights, rel=1e-12)


def test_replicates_that_can_not_be_calibrated_are_named() -> None:
    data = frame().assign(sex=[*"vv", *"mwmwmwm"])
    design = replicate_design(data, design=PAIRS, method="jkn")
    for make, method in ((rake, "raking"), (post_stratify, "post-stratification")):
        made = make(data, {"sex": {"v": 10, "m": 60, "w": 50}}, weights="w")
        message = rf"{method}: 1 of 6 replicates can't be calibrated \(replicate 1\); .* that of sex = 'v'"
        with pytest.raises(WeightError, match=message):
            means(data, "y", design=design, weighting=made)


# --- Hadamard matrices ---


@pytest.mark.parametrize("least", [1, 2, 3, 4, 5, 12, 17, 27, 36, 45, 52, 100, 130, 250])
def test_hadamard_matrices_are_orthogonal_and_balanced(least: int) -> None:
    matrix = hadamard_matrix(least).astype(int)
    order = len(matrix)
    assert least <= order <= least + 8
    assert (np.abs(matrix) == 1).all()
    assert (matrix @ matrix.T == order * np.eye(order)).all()
    assert (matrix[0] == 1).all()
    assert (matrix[1:].sum(axis=1) == 0).all()
