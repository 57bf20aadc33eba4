from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign
from coprodstats.errors import ArgumentError, DesignError, WeightError
from coprodstats.survey.design import design_df, design_variance, resolve_design
from coprodstats.survey.replicates import Replication, replicate_variance


def record(weights: list[list[float]], **changed: object) -> Replication:
    columns = np.array(weights, dtype=float)
    names = tuple(f"replicate {r + 1}" for r in range(columns.shape[1]))
    given = {
        "weights": columns,
        "scale": 1.0,
        "rscales": np.ones(len(names)),
        "mse": False,
        "method": "other",
        "names": names,
        "df": None,
        "seed": None,
        "description": "declared scale",
    }
    return Replication(**(given | changed))


ESTIMATES = np.array([[1.0, 0.0], [3.0, 4.0], [5.0, 2.0]])


# By hand. First column: mean 3, deviations -2, 0, 2; second: mean 2, deviations -2, 2, 0.
# Squares 8 and 8, product 4.


def test_deviations_from_the_mean_of_the_replicates_by_hand() -> None:
    found = replicate_variance(ESTIMATES, np.array([0.0, 0.0]), record([[1, 1, 1]], scale=0.5))
    assert found.tolist() == [[4.0, 2.0], [2.0, 4.0]]


def test_deviations_from_the_estimate_by_hand() -> None:
    found = replicate_variance(ESTIMATES, np.array([1.0, 2.0]), record([[1, 1, 1]], mse=True))
    # 0, 2, 4 and -2, 2, 0: squares 20 and 8, product 4.
    assert found.tolist() == [[20.0, 4.0], [4.0, 8.0]]


def test_a_replicate_that_counts_nothing_is_not_in_the_mean_either() -> None:
    replication = record([[1, 1, 1]], rscales=np.array([1.0, 3.0, 0.0]))
    # The first column: 1 and 3 about 2, 1 x 1 + 3 x 1 = 4; the third is left out, failed or not.
    estimates = np.vstack([ESTIMATES[:2], [[np.nan, np.nan]]])
    found = replicate_variance(estimates, np.zeros(2), replication)
    assert found == pytest.approx(np.array([[4.0, 8.0], [8.0, 16.0]]), rel=1e-15)


def test_replicates_without_an_estimate_are_counted_and_named() -> None:
    estimates = ESTIMATES.copy()
    estimates[1, 0] = np.nan
    estimates[2, 1] = np.inf
    message = r"declared scale: 2 of 3 replicates give no estimate \(replicate 2, replicate 3\)"
    with pytest.raises(DesignError, match=message):
        replicate_variance(estimates, np.zeros(2), record([[1, 1, 1]]))


# --- columns of a file ---


def frame() -> pd.DataFrame:
    """Four respondents as PSUs of one stratum; w1 to w4 are their jackknife, m1 to m4 without weights."""
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 9.0], "w": [1.0, 2.0, 3.0, 4.0]})
    for r in range(4):
        data[f"m{r + 1}"] = [0.0 if i == r else 4 / 3 for i in range(4)]
        data[f"w{r + 1}"] = data["w"] * data[f"m{r + 1}"]
    return data


FULL, FACTORS = [f"w{r}" for r in range(1, 5)], [f"m{r}" for r in range(1, 5)]


def declared(**arguments: object) -> SurveyDesign:
    return SurveyDesign(**({"weights": "w", "replicate_weights": FULL} | arguments))


def test_the_jackknife_of_a_total_is_its_linearised_variance() -> None:
    data = frame()
    total = data[["y"]].to_numpy() * data[["w"]].to_numpy()
    wanted = design_variance(total, resolve_design(SurveyDesign(weights="w"), data))
    for mse in (True, False):
        bound = resolve_design(declared(replicate_method="jk1", mse=mse), data)
        assert design_variance(total, bound) == pytest.approx(wanted, rel=1e-13)
    apart = declared(replicate_weights=FACTORS, replicate_combined=False, replicate_method="jk1")
    assert design_variance(total, resolve_design(apart, data)) == pytest.approx(wanted, rel=1e-13)


# scale and rscales as the source of R's svrepdesign sets them; four replicates.
@pytest.mark.parametrize(
    ("arguments", "scale", "rscales"),
    [
        ({"replicate_method": "jk1"}, 3 / 4, 1),
        ({"replicate_method": "jk1", "scale": 0.2}, 0.2, 1),
        ({"replicate_method": "jkn", "rscales": [0.5, 0.5, 0.75, 0.75]}, 1, [0.5, 0.5, 0.75, 0.75]),
        ({"replicate_method": "jkn", "rscales": 0.5}, 1, 0.5),
        ({"replicate_method": "jkn", "replicate_weights": FACTORS, "replicate_combined": False}, 1, 0.75),
        ({"replicate_method": "jk2"}, 1, 1),
        ({"replicate_method": "brr"}, 1 / 4, 1),
        ({"replicate_method": "fay", "fay_rho": 0.3}, 1 / (4 * 0.49), 1),
        ({"replicate_method": "bootstrap"}, 1 / 3, 1),
        ({"replicate_method": "bootstrap", "scale": 2.0}, 2, 1),
        ({"replicate_method": "sdr"}, 4 / 4, 1),
        ({"replicate_method": "other", "scale": 2, "rscales": (1, 0, 1, 1)}, 2, [1, 0, 1, 1]),
    ],
)
def test_factors_of_each_method(arguments: dict[str, object], scale: float, rscales: object) -> None:
    replication = resolve_design(declared(**arguments), frame()).replication
    assert replication is not None
    assert replication.scale == pytest.approx(scale, rel=1e-15)
    assert replication.rscales == pytest.approx(np.broadcast_to(rscales, 4), rel=1e-15)
    assert replication.n_replicates == 4
    assert not replication.mse


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"replicate_method: replicate weights need their method\n\s+Allowed: jk1, jkn, jk2, brr"),
        ({"replicate_method": ["brr"]}, r"\['brr'\] is not one"),
        (
            {"replicate_method": "brr", "replicate_weights": [["w1"], ["w2"]]},
            r"not two or more names of columns",
        ),
        ({"replicate_method": "brrr"}, r"'brrr' is not one(.|\n)*did you mean 'brr'\?"),
        ({"replicate_method": "jkn"}, r"rscales: 'jkn' needs it\n\s+Allowed: \(n_h - 1\) / n_h"),
        ({"replicate_method": "other"}, r"scale: 'other' needs it"),
        ({"replicate_method": "fay"}, r"fay_rho: 'fay' needs it"),
        ({"replicate_method": "fay", "fay_rho": 1.0}, r"fay_rho: it is 1.0\n\s+Allowed: .*below 1"),
        ({"replicate_method": "fay", "fay_rho": 0.5, "scale": 1.0}, r"scale: no use for it with 'fay'"),
        ({"replicate_method": "brr", "fay_rho": 0.5}, r"fay_rho: no use for it with 'brr'"),
        ({"replicate_method": "brr", "scale": 0.5}, r"scale: no use for it with 'brr'"),
        ({"replicate_method": "sdr", "scale": 0.5, "rscales": 1.0}, r"2 faults"),
        ({"replicate_method": "jk2", "rscales": 1.0}, r"rscales: no use for it with 'jk2'"),
        ({"replicate_method": "jkn", "rscales": [1, 1, 1]}, r"rscales: it has 3 numbers for 4 replicates"),
        ({"replicate_method": "jkn", "rscales": [0, 0, 0, 0]}, r"rscales: it is not what is allowed"),
        ({"replicate_method": "jkn", "rscales": [-1, 1, 1, 1]}, r"rscales: it is not what is allowed"),
        ({"replicate_method": "jk1", "scale": 0.0}, r"scale: it is 0.0\n\s+Allowed: a finite number above 0"),
        ({"replicate_method": "jk1", "scale": True}, r"scale: it is True"),
        ({"replicate_method": "brr", "weights": None}, r"weights: replicate weights need the sampling"),
        (
            {"replicate_method": "brr", "psu": "p", "strata": "s"},
            r"2 faults(.|\n)*columns of replicate weights",
        ),
        ({"replicate_method": "brr", "lonely_psu": "adjust"}, r"lonely_psu: replicate weights have settled"),
        ({"replicate_method": "brr", "seed": 1}, r"seed: no use for it with columns of replicate weights"),
        (
            {"replicate_method": "brr", "replicate_df": 0},
            r"replicate_df: it is 0\n\s+Allowed: a whole number",
        ),
        ({"replicate_method": "brr", "mse": "yes"}, r"mse: 'yes' is not one\n\s+Allowed: True, False"),
        ({"replicate_method": "brr", "replicate_weights": "w1"}, r"not two or more names of columns"),
        ({"replicate_method": "brr", "replicate_weights": ["w1"]}, r"not two or more names of columns"),
        ({"replicate_method": "brr", "replicate_weights": ["w1", "w1"]}, r"named more than once: w1"),
        (
            {"replicate_method": "brr", "replicate_weights": ["w1", "w"]},
            r"weights and replicate_weights name",
        ),
        ({"replicate_weights": None, "scale": 1.0}, r"scale: no use for it without replicate_method"),
        ({"replicate_weights": None, "mse": True}, r"mse: no use for it without replicate_method"),
        ({"replicate_weights": None, "replicate_method": "jk2"}, r"'jk2' can't be made from strata and PSUs"),
    ],
)
def test_declarations_that_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        declared(**arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w2": [1.0, np.nan, 1, 1]}, r"1 columns have missing weights: w2"),
        (
            {"w2": [np.inf, 1.0, 1, 1], "w3": 0.0},
            r"2 faults(.|\n)*infinite weights: w2(.|\n)*no positive sum: w3",
        ),
        ({"w2": list("abcd")}, r"1 columns are not numeric: w2"),
        ({"w": [0.0, 2, 3, 4]}, r"1 rows have a replicate weight and a sampling weight of zero"),
        ({"w": [100.0, 200, 300, 400]}, r"do not look as if they contain the sampling weight"),
    ],
)
def test_columns_that_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(WeightError, match=message):
        resolve_design(declared(replicate_method="brr"), frame().assign(**change))


def test_multipliers_that_are_full_weights_are_refused() -> None:
    data = frame().assign(**{name: frame()[name] * 10 for name in ["w", *FULL]})
    design = declared(replicate_method="brr", replicate_combined=False)
    with pytest.raises(
        WeightError, match=r"are to be multiplied by the sampling weight(.|\n)*_combined=True"
    ):
        resolve_design(design, data)


def test_multipliers_that_contradict_the_number_of_replicates_are_refused() -> None:
    names = FACTORS[:3]
    design = declared(replicate_weights=names, replicate_method="jk1", replicate_combined=False)
    with pytest.raises(WeightError, match=r"imply 0.75 and 0.666667\n\s+Try: scale="):
        resolve_design(design, frame())


def test_absent_columns_of_replicate_weights() -> None:
    design = declared(replicate_weights=["w1", "w22"], replicate_method="brr")
    with pytest.raises(
        DesignError, match=r"replicate_weights: the data have no column 'w22'\n.*did you mean 'w2'"
    ):
        resolve_design(design, frame())


def test_degrees_of_freedom_are_the_rank_minus_one_or_what_is_declared() -> None:
    everyone = np.ones(4, dtype=bool)
    bound = resolve_design(declared(replicate_method="jk1"), frame())
    assert design_df(bound, everyone) == design_df(bound, everyone, rule="r") == 3
    assert design_df(bound, np.array([True, True, True, False])) == 2
    stated = resolve_design(declared(replicate_method="jk1", replicate_df=17), frame())
    assert design_df(stated, everyone) == 17
    alone = np.array([True, False, False, False])
    with pytest.raises(DesignError, match=r"the 4 replicate weights leave no degree of freedom"):
        design_df(bound, alone)


def test_replicate_designs_are_told_apart() -> None:
    one = resolve_design(declared(replicate_method="jk1"), frame())
    assert one.same_as(resolve_design(declared(replicate_method="jk1"), frame()))
    others = [
        resolve_design(declared(replicate_method="jk1", mse=True), frame()),
        resolve_design(declared(replicate_method="brr"), frame()),
        resolve_design(declared(replicate_method="jk1", replicate_df=2), frame()),
        resolve_design(declared(replicate_method="jk1"), frame().assign(w1=[1.0, 1, 1, 1])),
        resolve_design(SurveyDesign(weights="w"), frame()),
    ]
    assert not any(one.same_as(other) or other.same_as(one) for other in others)
    assert declared(replicate_method="jk1").columns() == ("w", *FULL)
