from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign
from coprodstats.errors import ArgumentError, DesignError, LonelyPSUError, WeightError
from coprodstats.survey.design import design_df, design_variance, psu_totals, resolve_design


def frame() -> pd.DataFrame:
    """Two strata of 2 and 3 PSUs; PSU totals of z are 3, 1 and 1, 2, 6."""
    return pd.DataFrame(
        {
            "stratum": ["a", "a", "a", "b", "b", "b", "b"],
            "psu": [1, 1, 2, 3, 4, 5, 5],
            "z": [1.0, 2.0, 1.0, 1.0, 2.0, 2.0, 4.0],
            "w": [1.0, 2.0, 1.0, 1.0, 1.0, 3.0, 1.0],
            "sampled": [0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1],
            "towns": [4, 4, 4, 30, 30, 30, 30],
        }
    )


def variance(data: pd.DataFrame, **design: object) -> float:
    bound = resolve_design(SurveyDesign(**design), data)
    return float(design_variance(data[["z"]].to_numpy(), bound)[0, 0])


# Stratum a: n/(n-1) = 2, totals 3 and 1 about 2: 2 (1 + 1) = 4.
# Stratum b: n/(n-1) = 3/2, totals 1, 2 and 6 about 3: 3/2 (4 + 1 + 9) = 21.


def test_two_strata_by_hand() -> None:
    assert variance(frame(), strata="stratum", psu="psu") == pytest.approx(4 + 21, rel=1e-14)


def test_without_strata_by_hand() -> None:
    # Totals 3, 1, 1, 2, 6 about 2.6: squares .16 + 2.56 + 2.56 + .36 + 11.56 = 17.2, times 5/4.
    assert variance(frame(), psu="psu") == pytest.approx(21.5, rel=1e-14)


def test_respondents_as_psus_by_hand() -> None:
    # Stratum a: 1, 2, 1 about 4/3: 2/3, times 3/2 is 1. Stratum b: 1, 2, 2, 4 about 9/4: 4.75, times 4/3.
    assert variance(frame(), strata="stratum") == pytest.approx(1 + 4.75 * 4 / 3, rel=1e-14)


@pytest.mark.parametrize("fpc", ["sampled", "towns"])
def test_finite_populations_by_hand(fpc: str) -> None:
    # 2 of 4 PSUs and 3 of 30: either way half and a tenth.
    assert variance(frame(), strata="stratum", psu="psu", fpc=fpc) == pytest.approx(
        4 / 2 + 21 * 0.9, rel=1e-14
    )


def test_a_stratum_taken_whole_adds_nothing() -> None:
    data = frame().assign(sampled=[1.0] * 3 + [0.1] * 4)
    assert variance(data, strata="stratum", psu="psu", fpc="sampled") == pytest.approx(21 * 0.9, rel=1e-14)


def test_covariances_of_two_estimators_by_hand() -> None:
    data = frame()
    both = np.column_stack([data["z"], [1.0, 0, 0, 1, 1, 1, 0]])
    found = design_variance(both, resolve_design(SurveyDesign(strata="stratum", psu="psu"), data))
    # Totals of the second: 1, 0 about 1/2 and 1, 1, 1: 2 (1 x 1/2 + -1 x -1/2) = 2, and 2 (1/4 + 1/4) = 1.
    assert found == pytest.approx(np.array([[25.0, 2.0], [2.0, 1.0]]), rel=1e-14)


def test_totals_of_psus() -> None:
    bound = resolve_design(SurveyDesign(strata="stratum", psu="psu"), frame())
    assert psu_totals(frame()[["z"]].to_numpy(), bound)[:, 0].tolist() == [3, 1, 1, 2, 6]


# --- strata with a single PSU ---


def lonely() -> pd.DataFrame:
    """The two strata above and a third with one PSU of total 7; the grand mean of totals is 20 / 6."""
    more = pd.DataFrame(
        {"stratum": ["c", "c"], "psu": [9, 9], "z": [3.0, 4.0], "w": 1.0, "sampled": 1.0, "towns": 1}
    )
    return pd.concat([frame(), more], ignore_index=True)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [("remove", 25), ("adjust", 25 + (7 - 20 / 6) ** 2), ("average", 25 * 3 / 2)],
)
def test_a_lonely_psu_by_hand(rule: str, wanted: float) -> None:
    assert variance(lonely(), strata="stratum", psu="psu", lonely_psu=rule) == pytest.approx(
        wanted, rel=1e-14
    )


def test_a_lonely_psu_by_default_is_an_error_that_names_the_stratum_and_the_rules() -> None:
    message = r"strata 'stratum': 1 of 3 strata have a single PSU \(c\)(.|\n)*'remove', 'adjust' or 'average'"
    with pytest.raises(LonelyPSUError, match=message):
        variance(lonely(), strata="stratum", psu="psu")


def test_a_single_psu_that_is_the_whole_stratum_is_not_lonely() -> None:
    wanted = 4 / 2 + 21 * 0.9
    for rule in ("error", "remove", "adjust", "average"):
        found = variance(lonely(), strata="stratum", psu="psu", fpc="sampled", lonely_psu=rule)
        assert found == pytest.approx(wanted, rel=1e-14)


# --- degrees of freedom ---


def test_degrees_of_freedom_are_psus_minus_strata() -> None:
    bound = resolve_design(SurveyDesign(strata="stratum", psu="psu"), frame())
    assert design_df(bound, np.ones(7, dtype=bool)) == 3
    without_one_psu = np.array([True, True, True, False, True, True, True])
    assert design_df(bound, without_one_psu) == 3
    assert design_df(bound, without_one_psu, rule="r") == 2
    only_b = np.array([False] * 3 + [True] * 4)
    assert design_df(bound, only_b) == design_df(bound, only_b, rule="r") == 2


def test_rows_without_weight_hold_no_degrees_of_freedom() -> None:
    bound = resolve_design(SurveyDesign(weights="w", psu="psu"), frame().assign(w=[0.0, 0, 1, 1, 1, 1, 1]))
    assert design_df(bound, np.ones(7, dtype=bool), rule="r") == 3
    assert design_df(bound, np.ones(7, dtype=bool)) == 4


def test_no_degrees_of_freedom_are_an_error() -> None:
    data = frame().assign(own=range(7))
    bound = resolve_design(SurveyDesign(strata="own", lonely_psu="remove"), data)
    with pytest.raises(DesignError, match=r"7 PSUs in 7 strata leave no degree of freedom"):
        design_df(bound, np.ones(7, dtype=bool))


# --- ids ---


def test_ids_that_recur_across_strata_state_both_readings() -> None:
    data = frame().assign(psu=[1, 1, 2, 1, 2, 3, 3])
    message = (
        r"read as nested there are 5 PSUs, read as unique ids 3\n\s+Try: SurveyDesign\(\.\.\., nested=True\)"
    )
    for nested in (None, False):
        with pytest.raises(DesignError, match=message):
            variance(data, strata="stratum", psu="psu", nested=nested)
    assert variance(data, strata="stratum", psu="psu", nested=True) == pytest.approx(25, rel=1e-14)


@pytest.mark.parametrize("kind", ["str", "category", "float", "Int64"])
def test_ids_may_be_of_any_type(kind: str) -> None:
    data = frame().assign(psu=frame()["psu"].astype(kind), stratum=frame()["stratum"].astype("category"))
    assert variance(data, strata="stratum", psu="psu") == pytest.approx(25, rel=1e-14)


# --- refusals ---


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            [-1.0, -2, 1, 1, 1, 1, 1],
            r"weights 'w': 2 rows have a negative weight\n.*finite numbers of at least 0",
        ),
        ([np.nan, 1, 1, 1, 1, 1, 1], r"weights 'w': 1 rows have a missing weight"),
        ([np.inf, np.inf, np.inf, 1, 1, 1, 1], r"weights 'w': 3 rows have an infinite weight"),
        ([0.0] * 7, r"weights 'w': all weights are zero\n\s+Allowed: at least one positive weight"),
        (list("1234567"), r"weights 'w': the column is not numeric"),
        ([True] * 7, r"weights 'w': the column is not numeric"),
        (pd.Categorical([1, 2, 3, 4, 5, 6, 7]), r"weights 'w': the column is not numeric"),
        (pd.array([1, None, 1, 1, 1, 1, 1], dtype="Int64"), r"1 rows have a missing weight"),
        ([np.nan, np.inf, -1, 1, 1, 1, 1], r"3 faults"),
    ],
)
def test_weights_that_are_none(weights: object, message: str) -> None:
    with pytest.raises(WeightError, match=message) as caught:
        resolve_design(SurveyDesign(weights="w"), frame().assign(w=weights))
    assert caught.value.code == "E-D300"


@pytest.mark.parametrize(
    ("column", "message"),
    [("stratum", r"strata 'stratum': 2 rows have no value"), ("psu", r"psu 'psu': 2 rows have no value")],
)
def test_missing_strata_and_psus_are_counted(column: str, message: str) -> None:
    data = frame()
    data.loc[:1, column] = None
    with pytest.raises(DesignError, match=message):
        resolve_design(SurveyDesign(strata="stratum", psu="psu"), data)


def test_a_stratum_that_all_rows_of_large_psus_lack_is_missing() -> None:
    data = pd.DataFrame({"psu": np.repeat(np.arange(6), 10), "stratum": np.repeat(list("aaabbb"), 10)})
    data["stratum"] = data["stratum"].astype("category")
    design = SurveyDesign(strata="stratum", psu="psu")
    assert resolve_design(design, data).stratum_labels == ("a", "b")
    data.loc[data["psu"] == 2, "stratum"] = None
    with pytest.raises(DesignError, match=r"strata 'stratum': 10 rows have no value"):
        resolve_design(design, data)


def test_all_absent_columns_at_once() -> None:
    design = SurveyDesign(weights="wt", strata="stratm", psu="PSUs", fpc="N")
    with pytest.raises(DesignError, match=r"4 faults\)(.|\n)*'stratm'\n\s+Try: did you mean 'stratum'"):
        resolve_design(design, frame())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, 1, 1, 30, 30, 30, 30], r"1 strata have more sampled units than the population \(a: 2 of 1\)"),
        ([-1, -1, -1, 30, 30, 30, 30], r"fpc 'towns': 3 rows have no value, a negative one, or text"),
        ([None] * 3 + [30] * 4, r"3 rows have no value, a negative one, or text"),
        (
            [0, 0, 0, 30, 30, 30, 30],
            r"fractions and numbers are mixed: 'towns' has 3 rows below 1 and 4 from 1",
        ),
        ([4, 5, 4, 30, 30, 30, 30], r"1 strata have several values \(a\)\n\s+Allowed: one value per stratum"),
        ([4, 4, 4, 2, 2, 2, 2], r"1 strata have more sampled units than the population \(b: 3 of 2\)"),
        ([4, 5, 4, 2, 2, 2, 2], r"2 faults"),
    ],
)
def test_impossible_finite_populations(values: list[float], message: str) -> None:
    data = frame().assign(towns=values)
    design = SurveyDesign(strata="stratum", psu="psu", fpc="towns")
    with pytest.raises(DesignError, match=message):
        resolve_design(design, data)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"lonely_psu": "fail"},
            r"lonely_psu: 'fail' is not a rule\n\s+Allowed: error, remove, certainty, adjust",
        ),
        ({"nested": "yes"}, r"nested: 'yes' is not one\n\s+Allowed: True, False, None"),
        ({"strata": "s", "psu": "s"}, r"strata and psu name the same column 's'\n\s+Try: leave out psu"),
        ({"weights": "w", "fpc": "w"}, r"weights and fpc name the same column 'w'"),
        ({"weights": "w", "strata": "w", "lonely_psu": "x"}, r"2 faults"),
    ],
)
def test_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        SurveyDesign(**arguments)


def test_no_design_is_a_simple_random_sample() -> None:
    bound = resolve_design(None, frame())
    assert (bound.n_psu, bound.n_strata, bound.n_rows) == (7, 1, 7)
    assert bound.weights.tolist() == [1.0] * 7
    assert bound.description == "equal weights, one stratum, respondents as PSUs"


def test_designs_are_told_apart() -> None:
    one = resolve_design(SurveyDesign(strata="stratum", psu="psu"), frame())
    assert one.same_as(one)
    assert one.same_as(resolve_design(SurveyDesign(strata="stratum", psu="psu"), frame()))
    for other in (
        SurveyDesign(psu="psu"),
        SurveyDesign(strata="stratum"),
        SurveyDesign(strata="stratum", psu="psu", weights="w"),
        SurveyDesign(strata="stratum", psu="psu", fpc="towns"),
        SurveyDesign(strata="stratum", psu="psu", lonely_psu="adjust"),
    ):
        assert not one.same_as(resolve_design(other, frame()))


def test_a_design_says_what_it_is_and_what_it_needs() -> None:
    design = SurveyDesign(weights="w", strata="s", psu="p", fpc="f")
    assert design.columns() == ("w", "s", "p", "f")
    assert design.describe() == "weights: w, strata: s, PSUs: p, finite population: f"
    assert SurveyDesign().columns() == ()


def test_a_design_stays_as_it_is_when_the_data_are_edited() -> None:
    data = frame()
    bound = resolve_design(SurveyDesign(weights="w", strata="stratum", psu="psu"), data)
    kept = bound.weights.copy(), bound.psu.copy(), bound.stratum.copy()
    data.loc[0, "w"] = 99.0
    data.loc[0, "psu"] = 5
    for before, now in zip(kept, (bound.weights, bound.psu, bound.stratum), strict=True):
        assert np.array_equal(before, now)
