from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, clean, means, proportions
from coprodstats.errors import ArgumentError, DesignError, WeightError
from coprodstats.survey.declarations import Codebook, Variable
from coprodstats.survey.design import resolve_design
from coprodstats.survey.reading import SurveyData
from coprodstats.survey.trimming import trim_weights, weight_diagnostics
from coprodstats.survey.weighting import (
    calibrate,
    calibrated_design,
    calibrated_influence,
    post_stratify,
    rake,
)

SEX = {"m": 50.0, "w": 50.0}
AREA = {"c": 20.0, "t": 80.0}


def frame() -> pd.DataFrame:
    """Four cells of 4, 1, 2 and 3 respondents: m c, m t, w c, w t."""
    cells = [("m", "c", 4), ("m", "t", 1), ("w", "c", 2), ("w", "t", 3)]
    rows = [(sex, area) for sex, area, count in cells for _ in range(count)]
    data = pd.DataFrame(rows, columns=["sex", "area"])
    return data.assign(d=np.arange(1.0, 11.0), age=[20.0, 30, 40, 50, 25, 35, 45, 55, 60, 40])


def totals(data: pd.DataFrame, weights: pd.Series, by: list[str]) -> pd.Series:
    return data.assign(w=weights).groupby(by)["w"].sum()


# --- weights by hand ---


def test_raking_meets_both_margins_and_keeps_the_odds_ratio() -> None:
    # The two properties that single out the limit of iterative proportional fitting of a 2 by 2 table.
    made = rake(frame(), {"sex": SEX, "area": AREA}, weights="d")
    assert totals(frame(), made.weights, ["sex"]).tolist() == pytest.approx([50, 50], rel=1e-13)
    assert totals(frame(), made.weights, ["area"]).tolist() == pytest.approx([20, 80], rel=1e-13)
    after = totals(frame(), made.weights, ["sex", "area"])
    before = totals(frame(), frame()["d"], ["sex", "area"])
    odds = [t["m", "c"] * t["w", "t"] / (t["m", "t"] * t["w", "c"]) for t in (before, after)]
    assert odds[1] == pytest.approx(odds[0], rel=1e-12)
    ratio = made.weights / frame()["d"]
    assert ratio.groupby([frame()["sex"], frame()["area"]]).agg(np.ptp).max() < 1e-12
    assert made.method == "raking"
    assert made.largest_deviation < 1e-12


def test_raking_is_where_iterative_proportional_fitting_ends() -> None:
    w = frame()["d"].copy()
    for _ in range(200):
        for name, target in (("sex", SEX), ("area", AREA)):
            w *= frame()[name].map(target) / w.groupby(frame()[name]).transform("sum")
    made = rake(frame(), {"sex": SEX, "area": AREA}, weights="d")
    assert made.weights.to_numpy() == pytest.approx(w.to_numpy(), rel=1e-12)


def test_post_stratification_divides_each_total_among_its_cell() -> None:
    cells = {("m", "c"): 20, ("m", "t"): 30, ("w", "c"): 26, ("w", "t"): 54}
    made = post_stratify(frame(), {("sex", "area"): cells}, weights="d")
    # Weights before of the four cells: 1 + 2 + 3 + 4, 5, 6 + 7, 8 + 9 + 10.
    factors = np.repeat([2.0, 6.0, 2.0, 2.0], [4, 1, 2, 3])
    assert made.weights.to_numpy() == pytest.approx(frame()["d"].to_numpy() * factors, rel=1e-15)
    assert made.constraints[0] == "sex × area = m, c"


def test_a_series_is_a_margin_too() -> None:
    index = pd.MultiIndex.from_tuples([("m", "c"), ("m", "t"), ("w", "c"), ("w", "t")])
    made = post_stratify(frame(), {("sex", "area"): pd.Series([4, 1, 2, 3], index=index)})
    assert made.weights.tolist() == [1.0] * 10
    made = rake(frame(), {"sex": pd.Series({"m": 10.0, "w": 10.0})})
    assert made.weights.to_numpy() == pytest.approx(np.full(10, 2.0), rel=1e-14)


def test_a_linear_weight_of_one_total_by_hand() -> None:
    # w = d (1 + x b) with sum d x (1 + x b) = T.
    d, x = frame()["d"].to_numpy(), frame()["age"].to_numpy()
    b = (2500 - d @ x) / (d @ x**2)
    made = calibrate(frame(), totals={"age": 2500}, weights="d")
    assert made.weights.to_numpy() == pytest.approx(d * (1 + x * b), rel=1e-13)
    assert made.method == "linear calibration"


def test_linear_weights_give_the_regression_estimator() -> None:
    made = calibrate(frame(), {"sex": SEX}, totals={"age": 4200}, weights="d")
    y = np.random.default_rng(1).normal(size=10)
    x = np.column_stack([frame()["sex"] == "m", frame()["sex"] == "w", frame()["age"]]).astype(float)
    root = np.sqrt(frame()["d"].to_numpy())
    slope = np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0]
    assert made.weights @ y == pytest.approx(
        np.array([50, 50, 4200]) @ slope + frame()["d"] @ (y - x @ slope)
    )


def test_what_was_done_is_told_total_by_total() -> None:
    made = post_stratify(frame(), {"sex": SEX}, weights="d")
    found = made.to_frame()
    assert found["constraint"].tolist() == ["sex = 'm'", "sex = 'w'"]
    assert found["population"].tolist() == [50, 50]
    assert found["before"].tolist() == [15, 40]
    assert found["after"].tolist() == pytest.approx([50, 50], rel=1e-15)
    assert found["deviation"].abs().max() < 1e-15


def test_a_cleaned_survey_brings_its_weights() -> None:
    variables = {
        "sex": Variable(name="sex", label="Sex", kind="nominal", values={"1": "m", "2": "w"}),
        "w": Variable(name="w", label="Weight", kind="weight"),
    }
    codes = pd.DataFrame({"sex": ["1", "1", "2"], "w": ["1", "3", "2"]}, dtype="str")
    codebook = Codebook(title="", synthetic=False, variables=variables)
    cleaned = clean(SurveyData(frame=codes, codebook=codebook))
    made = post_stratify(cleaned, {"sex": SEX})
    assert made.weights.tolist() == [12.5, 37.5, 50.0]
    assert means_of(cleaned, made) == pytest.approx([0.5, 0.5])


def means_of(cleaned, made) -> list[float]:
    return proportions(cleaned, "sex", weighting=made)["estimate"].tolist()


def test_rows_of_weight_zero_stay_out() -> None:
    data = frame().assign(d=[0.0] * 4 + [1.0] * 6)
    data.loc[0, "sex"] = None
    data.loc[1, "sex"] = "other"
    made = rake(data, {"sex": {"m": 10, "w": 20}}, weights="d")
    assert made.weights.to_numpy() == pytest.approx([0, 0, 0, 0, 10, 4, 4, 4, 4, 4])


# --- what can't be met ---


@pytest.mark.parametrize(
    ("margins", "message"),
    [
        ({}, r"rake: margins: none is given"),
        ({"sexx": SEX}, r"margin 'sexx': there is no column 'sexx'\n\s+Try: did you mean 'sex'\?"),
        ({"sex": {"m": 50}}, r"the data have 'w' \(fewer than 10 rows\), which has no total"),
        ({"sex": {**SEX, "x": 1}}, r"margin 'sex': no respondent with a positive weight is 'x'"),
        ({"sex": {"m": 0, "w": 50}}, r"the total of 'm' is 0\n\s+Allowed: finite, above 0"),
        ({"sex": {"m": -5, "w": 50}}, r"the total of 'm' is -5"),
        ({"sex": {"m": float("nan"), "w": 50}}, r"the total of 'm' is nan"),
        ({"sex": {"m": "50", "w": 50}}, r"the total of 'm' is '50'"),
        ({"sex": SEX, "area": {"c": 20, "t": 81}}, r"grand totals differ: sex 100, area 101"),
        ({"sex": {"m": 50}, "area": {"c": 20}}, r"\(2 faults\)"),
        ({("sex", "area"): {("m", "c"): 1, ("m", "t"): 1, ("w", "c"): 1}}, r"the data have w, t"),
    ],
)
def test_margins_that_do_not_fit_the_data(margins, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        rake(frame(), margins)


def test_missing_values_have_no_margin() -> None:
    data = frame()
    data.loc[2, "sex"] = None
    with pytest.raises(ArgumentError, match=r"'sex' is missing in fewer than 10 rows"):
        rake(data, {"sex": SEX})


def test_margins_that_no_weights_meet_are_refused_by_name() -> None:
    # All men live in c and all women in t, but the margins want 50 and 50 of one and 20 and 80 of the other.
    data = pd.DataFrame({"sex": list("mmww"), "area": list("cctt")})
    with pytest.raises(WeightError, match=r"after \d+ iterations the worst total is that of (sex|area) = "):
        rake(data, {"sex": SEX, "area": AREA})
    with pytest.raises(WeightError, match=r"after \d+ iterations the worst total is that of (sex|area) = "):
        calibrate(data, {"sex": SEX, "area": AREA})


def test_an_empty_inner_cell_that_leaves_no_solution_is_refused() -> None:
    # m t is empty, so c must hold all 50 men.
    data = pd.DataFrame({"sex": list("mmwwww"), "area": list("ccccct")})
    data.loc[4, "area"] = "t"
    with pytest.raises(WeightError, match=r"total is that of area = 'c': 40 instead of 20, 1 of it away"):
        rake(data, {"sex": SEX, "area": AREA})


def test_margins_that_force_weights_to_zero_are_refused() -> None:
    # All 50 of x are p, and so are 50 in all: the third row, y and p, is left with nothing.
    data = pd.DataFrame({"a": list("xxyy"), "b": list("pppq")})
    margins = {"a": {"x": 50, "y": 50}, "b": {"p": 50, "q": 50}}
    with pytest.raises(WeightError, match=r"after \d+ iterations some weights still shrink towards zero"):
        rake(data, margins)
    with pytest.raises(WeightError, match=r"fewer than 10 weights would be zero or negative"):
        calibrate(data, margins)
    near = {"a": {"x": 50, "y": 50}, "b": {"p": 50.001, "q": 49.999}}
    assert rake(data, near).weights.tolist() == pytest.approx([25, 25, 0.001, 49.999], rel=1e-6)


def test_too_few_iterations_are_told_with_the_deviation() -> None:
    with pytest.raises(WeightError, match=r"after 1 iterations .* of it away\n\s+Allowed: at most 1e-08"):
        rake(frame(), {"sex": SEX, "area": AREA}, weights="d", max_iterations=1)


def test_negative_weights_are_refused_not_cut_off() -> None:
    data = pd.DataFrame({"x": [1.0, 2.0, 10.0], "one": "all"})
    with pytest.raises(WeightError, match=r"fewer than 10 weights would be zero or negative"):
        calibrate(data, {"one": {"all": 3}}, totals={"x": 4})
    made = calibrate(data, {"one": {"all": 3}}, totals={"x": 4}, distance="raking")
    assert (made.weights > 0).all()
    assert made.weights @ data["x"] == pytest.approx(4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: calibrate(f, totals={"age": float("inf")}), r"total 'age': it is inf"),
        (lambda f: calibrate(f, totals={"sex": 3}), r"total 'sex': the column is not numeric"),
        (lambda f: calibrate(f, totals={"agee": 3}), r"did you mean 'age'\?"),
        (lambda f: calibrate(f.assign(age=np.inf), totals={"age": 3}), r"some values are infinite"),
        (lambda f: calibrate(f, {"sex": SEX}, distance="ranking"), r"'ranking' is not one\n.*\n.*'raking'\?"),
        (lambda f: rake(f, {"sex": SEX}, tolerance=0), r"tolerance: it is 0"),
        (lambda f: rake(f, {"sex": SEX}, max_iterations=0), r"max_iterations: it is 0"),
        (lambda f: post_stratify(f, {"sex": SEX, "area": AREA}), r"there are 2\n\s+Allowed: exactly"),
    ],
)  # fmt: skip
def test_arguments_that_are_refused(call, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call(frame())


def test_weights_to_start_from_are_checked() -> None:
    with pytest.raises(
        WeightError, match=r"fewer than 10 rows have a negative weight|1 rows have a negative"
    ):
        rake(frame().assign(d=[-1.0] + [1.0] * 9), {"sex": SEX}, weights="d")
    with pytest.raises(DesignError, match=r"no column 'dd'"):
        rake(frame(), {"sex": SEX}, weights="dd")


# --- variances ---


def test_the_variance_of_a_post_stratified_mean_by_hand() -> None:
    # Totals 60 and 40 of three and one: weights 20 20 20 40, mean 0.6 * 3 + 0.4 * 5.
    data = pd.DataFrame({"sex": list("mmmw"), "y": [1.0, 2.0, 6.0, 5.0]})
    made = post_stratify(data, {"sex": {"m": 60, "w": 40}})
    row = means(data, "y", weighting=made).iloc[0]
    assert row["estimate"] == pytest.approx(3.8, rel=1e-15)
    # Residuals from the cells' means: -2, -1, 3, 0, times 20 / 100; they add up to zero.
    assert row["std_error"] == pytest.approx(np.sqrt(4 / 3 * (4 + 1 + 9)) * 0.2, rel=1e-13)
    assert row["n_weighted"] == pytest.approx(100)


def test_what_the_margins_fix_has_no_variance() -> None:
    made = rake(frame(), {"sex": SEX, "area": AREA}, weights="d")
    found = proportions(frame(), "area", design=SurveyDesign(weights="d"), weighting=made)
    assert found["estimate"].tolist() == pytest.approx([0.2, 0.8], rel=1e-13)
    assert found["std_error"].max() < 1e-15


def test_residuals_are_taken_once() -> None:
    made = calibrate(frame(), {"sex": SEX}, totals={"age": 4200}, weights="d")
    bound = calibrated_design(resolve_design(SurveyDesign(weights="d"), frame()), made)
    z = np.random.default_rng(2).normal(size=(10, 3))
    once = calibrated_influence(z, made, bound)
    assert calibrated_influence(once, made, bound) == pytest.approx(once, rel=1e-11, abs=1e-13)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f, made: means(f, "age", weighting=made), r"the design's weights are not those"),
        (lambda f, made: means(f.head(9), "age", weighting=made), r"it has 10 rows and the data 9"),
        (
            lambda f, made: calibrated_influence(
                np.ones((10, 1)), made, resolve_design(SurveyDesign(weights="d"), f)
            ),
            r"the design doesn't have the calibrated weights\n\s+Try: calibrated_design",
        ),
    ],
)
def test_a_weighting_belongs_to_its_rows_and_weights(call, message: str) -> None:
    made = rake(frame(), {"sex": SEX}, weights="d")
    with pytest.raises(DesignError, match=message):
        call(frame(), made)


def test_a_column_of_calibrated_weights_is_known_again() -> None:
    made = rake(frame(), {"sex": SEX, "area": AREA}, weights="d")
    data = frame().assign(calibrated=made.weights)
    before, after = (
        means(data, "age", design=SurveyDesign(weights=w), weighting=made).iloc[0]
        for w in ("d", "calibrated")
    )
    assert before["std_error"] == after["std_error"]
    plain = means(data, "age", design=SurveyDesign(weights="calibrated")).iloc[0]
    assert plain["estimate"] == after["estimate"]
    assert plain["std_error"] != after["std_error"]


# --- how uneven weights are ---


def test_diagnostics_by_hand() -> None:
    found = weight_diagnostics(pd.Series([0.0, 1.0, 1.0, 2.0, 4.0]))
    assert (found.n, found.n_zero, found.total, found.mean) == (4, 1, 8.0, 2.0)
    assert (found.minimum, found.maximum, found.ratio) == (1.0, 4.0, 4.0)
    assert found.kish_effect == pytest.approx(4 * 22 / 64)
    assert found.effective_n == pytest.approx(64 / 22)
    assert found.largest_percent_share == 0.5


def test_the_largest_percent_is_rounded_up_to_whole_rows() -> None:
    assert weight_diagnostics(np.r_[np.ones(148), 76.0, 76.0]).largest_percent_share == pytest.approx(
        152 / 300
    )


def test_equal_weights_have_no_effect() -> None:
    found = weight_diagnostics([3.0] * 7)
    assert found.kish_effect == pytest.approx(1)
    assert found.effective_n == pytest.approx(7)


def test_trimming_by_hand() -> None:
    # c (1 + 1 + 2) + 5 + 5 = 24 wants c = 3.5, but 7 is above 5: c (1 + 1) + 15 = 24, c = 4.5.
    trimmed = trim_weights(pd.Series([1.0, 1.0, 2.0, 10.0, 10.0], index=list("abcde")), upper=5.0)
    assert trimmed.weights.tolist() == pytest.approx([4.5, 4.5, 5, 5, 5], rel=1e-13)
    assert trimmed.weights.index.tolist() == list("abcde")
    assert (trimmed.n_lowered, trimmed.n_raised) == (3, 0)
    assert trimmed.total_after == pytest.approx(24, rel=1e-14)
    cut = trim_weights([0.0, 1.0, 2.0, 10.0], lower=1.5, upper=5, redistribute=False)
    assert cut.weights.tolist() == [0.0, 1.5, 2.0, 5.0]
    assert (cut.n_raised, cut.n_lowered, cut.scale) == (1, 1, 1.0)
    assert (cut.total_before, cut.total_after) == (13, 8.5)


def test_limits_that_hold_already_change_nothing() -> None:
    trimmed = trim_weights([1.0, 2.0, 3.0], lower=0.5, upper=4)
    assert trimmed.weights.tolist() == [1.0, 2.0, 3.0]
    assert (trimmed.n_raised, trimmed.n_lowered) == (0, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"no limit is given"),
        ({"lower": 3, "upper": 2}, r"the limits are 3 and 2"),
        ({"lower": -1}, r"the limits are -1 and inf"),
        ({"upper": 1.5}, r"no 3 weights between 0.0 and 1.5 add up to 6"),
    ],
)
def test_limits_that_are_refused(options, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        trim_weights([1.0, 2.0, 3.0], **options)


@pytest.mark.parametrize("function", [weight_diagnostics, lambda w: trim_weights(w, upper=3)])
def test_weights_that_are_none(function) -> None:
    with pytest.raises(WeightError, match=r"a missing weight"):
        function([1.0, np.nan])
    with pytest.raises(WeightError, match=r"all weights are zero"):
        function([0.0, 0.0])
