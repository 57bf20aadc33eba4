from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize
from scipy.special import expit
from statsmodels.iolib.summary2 import summary_col

import coprodstats as cps
from coprodstats import SurveyDesign, fractional_logit, logit
from coprodstats.errors import ArgumentError, ModelError, SeparationError

DESIGN = SurveyDesign(weights="w", strata="region", psu="town")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(6)
    n = 300
    data = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "gender": pd.Categorical(rng.choice(["man", "woman"], n)),
            "w": rng.uniform(0.3, 3.0, n),
            "region": rng.integers(0, 5, n),
        }
    )
    data["town"] = data["region"] * 10 + rng.integers(0, 6, n)
    # An index that piles up at its ends.
    data["index"] = np.clip(-30 + 1.2 * data["age"] + 40 * rng.normal(size=n), 0, 100).round()
    return data


@pytest.mark.filterwarnings("ignore:cov_type not fully supported with var_weights")
def test_it_is_a_glm_of_shares(frame: pd.DataFrame) -> None:
    x = sm.add_constant(frame[["age"]].assign(woman=(frame["gender"] == "woman").astype(float)))
    glm = sm.GLM(frame["index"] / 100, x, family=sm.families.Binomial(), var_weights=frame["w"])
    theirs = glm.fit(tol=1e-14, cov_type="HC0")
    ours = fractional_logit("index ~ age + gender", frame, design=SurveyDesign(weights="w"))
    n = len(frame)
    assert ours.params.tolist() == pytest.approx(theirs.params.tolist(), rel=1e-11)
    assert ours.bse.tolist() == pytest.approx((theirs.bse * np.sqrt(n / (n - 1))).tolist(), rel=1e-10)
    assert ours.fittedvalues.tolist() == pytest.approx((100 * theirs.fittedvalues).tolist(), rel=1e-11)


def test_its_model_based_covariance_has_a_dispersion(frame: pd.DataFrame) -> None:
    x = sm.add_constant(frame[["age"]])
    theirs = sm.GLM(frame["index"] / 100, x, family=sm.families.Binomial()).fit(tol=1e-14, scale="X2")
    ours = fractional_logit("index ~ age", frame, covariance="model")
    assert ours.bse.tolist() == pytest.approx(theirs.bse.tolist(), rel=1e-10)
    assert ours.df == len(frame) - 2
    assert "respondents minus parameters" in ours.df_statement()


def test_of_zeros_and_ones_it_is_the_logistic_model(frame: pd.DataFrame) -> None:
    data = frame.assign(high=(frame["index"] > 50).astype(float))
    fraction = fractional_logit("high ~ age + gender", data, design=DESIGN, bounds=(0, 1))
    binary = logit("high ~ age + gender", data, design=DESIGN)
    assert fraction.estimates == pytest.approx(binary.estimates, rel=1e-12)
    assert fraction.covariance_matrix == pytest.approx(binary.covariance_matrix, rel=1e-11)
    assert (fraction.llf, fraction.llnull) == pytest.approx((binary.llf, binary.llnull), rel=1e-12)
    assert cps.margins(fraction)["estimate"].tolist() == pytest.approx(
        cps.margins(binary)["estimate"].tolist(), rel=1e-10
    )


def test_bounds_are_units(frame: pd.DataFrame) -> None:
    usual = fractional_logit("index ~ age + gender", frame, design=DESIGN)
    grades = fractional_logit(
        "grade ~ age + gender", frame.assign(grade=1 + frame["index"] / 25), design=DESIGN, bounds=(1, 5)
    )
    assert grades.estimates == pytest.approx(usual.estimates, rel=1e-12)
    assert grades.bse.to_numpy() == pytest.approx(usual.bse.to_numpy(), rel=1e-11)
    assert cps.margins(grades)["estimate"].tolist() == pytest.approx(
        (cps.margins(usual)["estimate"] / 25).tolist(), rel=1e-10
    )
    assert cps.predict(grades)["mean"].tolist() == pytest.approx(
        (1 + cps.predict(usual)["mean"] / 25).tolist()
    )
    assert grades.prsquared == pytest.approx(usual.prsquared, rel=1e-10)


def test_turned_round_only_signs_change(frame: pd.DataFrame) -> None:
    usual = fractional_logit("index ~ age + gender", frame, design=DESIGN)
    turned = fractional_logit("rest ~ age + gender", frame.assign(rest=100 - frame["index"]), design=DESIGN)
    assert turned.estimates == pytest.approx(-usual.estimates, rel=1e-12)
    assert turned.covariance_matrix == pytest.approx(usual.covariance_matrix, rel=1e-11)


def test_an_offset_is_a_slope_of_one(frame: pd.DataFrame) -> None:
    """Moved by a column that the model has, the offset's one is taken off that column's slope."""
    known = frame.assign(known=0.01 * frame["age"])
    usual = fractional_logit("index ~ age", known, design=DESIGN)
    moved = fractional_logit("index ~ age", known, design=DESIGN, offset="known")
    assert moved.params["age"] == pytest.approx(usual.params["age"] - 0.01, rel=1e-10)
    assert moved.bse.tolist() == pytest.approx(usual.bse.tolist(), rel=1e-9)
    share, w = frame["index"] / 100, frame["w"] * len(frame) / frame["w"].sum()
    constant = optimize.brentq(lambda a: w @ (share - expit(a + known["known"])), -10, 10, xtol=1e-14)
    eta = constant + known["known"]
    null = w @ (share * np.log(expit(eta)) + (1 - share) * np.log(expit(-eta)))
    assert moved.llnull == pytest.approx(null, rel=1e-12)
    assert moved.fittedvalues.tolist() == pytest.approx(usual.fittedvalues.tolist(), rel=1e-10)


def test_influence_is_the_change_of_the_estimate_by_a_weight(frame: pd.DataFrame) -> None:
    model = fractional_logit("index ~ age + gender", frame, design=DESIGN)
    h = 1e-4 * frame["w"].iloc[7]
    sides = []
    for sign in (1, -1):
        changed = frame.copy()
        changed.loc[7, "w"] += sign * h
        sides.append(fractional_logit("index ~ age + gender", changed, design=DESIGN).estimates)
    derivative = (sides[0] - sides[1]) / (2 * h)
    assert model.influence[7] == pytest.approx(derivative * frame["w"].iloc[7], rel=1e-6, abs=1e-10)


def test_replicates_are_fits_under_their_weights(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    names = [f"r{k}" for k in range(5)]
    replicated = frame.assign(**{name: frame["w"] * rng.integers(0, 3, len(frame)) for name in names})
    design = SurveyDesign(
        weights="w", replicate_weights=tuple(names), replicate_method="bootstrap", scale=1 / 4,
        rscales=(1.0,) * 5, mse=True,
    )  # fmt: skip
    model = fractional_logit("index ~ age + gender", replicated, design=design)
    fits = [
        fractional_logit("index ~ age + gender", replicated, design=SurveyDesign(weights=n)).estimates
        for n in names
    ]
    assert model.replicates == pytest.approx(np.array(fits), rel=1e-9)


def test_margins_and_intervals_stay_within_the_bounds(frame: pd.DataFrame) -> None:
    model = fractional_logit("index ~ age", frame, design=DESIGN)
    far = cps.predict(model, pd.DataFrame({"age": [-200.0, 300.0]}), intervals=True)
    assert far[["conf_low", "conf_high"]].to_numpy().min() >= 0
    assert far[["conf_low", "conf_high"]].to_numpy().max() <= 100
    h = 1e-4
    sides = [cps.predict(model, frame.assign(age=frame["age"] + s * h))["mean"] for s in (1, -1)]
    slope = np.average((sides[0] - sides[1]) / (2 * h), weights=frame["w"])
    assert cps.margins(model)["estimate"].item() == pytest.approx(slope, rel=1e-7)


def test_what_is_printed(frame: pd.DataFrame) -> None:
    text = str(fractional_logit("index ~ age", frame, design=DESIGN).summary())
    assert text.startswith("index: fractional, link logit")
    assert "quasi-log-likelihood" in text
    assert ", R squared" in text


def test_statsmodels_tables_take_them(frame: pd.DataFrame) -> None:
    models = [
        cps.linear("index ~ age", frame, name="line"),
        fractional_logit("index ~ age", frame, name="curve"),
    ]
    table = str(summary_col(models))
    assert "line" in table
    assert "curve" in table


def test_r_squared_is_the_share_of_the_variance(frame: pd.DataFrame) -> None:
    model = fractional_logit("index ~ age", frame, design=DESIGN)
    w, y = frame["w"], frame["index"]
    left = np.average((y - model.fittedvalues) ** 2, weights=w)
    assert model.prsquared == pytest.approx(
        1 - left / np.average((y - np.average(y, weights=w)) ** 2, weights=w)
    )


# --- refusals ---


@pytest.mark.parametrize(
    "bounds", [(100, 0), (0, 0), (0, np.inf), (0, np.nan), "ab", 100, (0, 50, 100), None]
)
def test_bounds_that_are_none(frame: pd.DataFrame, bounds: object) -> None:
    with pytest.raises(ArgumentError, match=r"bounds: .*\n\s+Allowed: the lowest and the highest"):
        fractional_logit("index ~ age", frame, bounds=bounds)  # type: ignore[arg-type]


def test_values_outside_the_bounds_are_counted(frame: pd.DataFrame) -> None:
    low, high = int((frame["index"] < 20).sum()), int((frame["index"] > 90).sum())
    with pytest.raises(
        ModelError,
        match=rf"{low} of 300 values are below 20 and {high} of 300 values are above 90\n.*20 to 90",
    ):
        fractional_logit("index ~ age", frame, bounds=(20, 90))


def test_an_ordered_outcome(frame: pd.DataFrame) -> None:
    band = pd.cut(frame["index"], [-1, 30, 60, 101], labels=["low", "mid", "high"])
    with pytest.raises(ModelError, match=r"its categories have an order, but are no numbers\n.*\n.*ologit"):
        fractional_logit("band ~ age", frame.assign(band=band))


def test_a_group_at_one_end_of_the_range(frame: pd.DataFrame) -> None:
    data = frame.assign(index=frame["index"].where(frame["gender"] == "man", 100.0))
    with pytest.raises(SeparationError, match=r"it is '100' for all \d+ respondents with gender = 'woman'"):
        fractional_logit("index ~ age + gender", data)
    # One who is not at the end is enough.
    data.loc[data.index[data["gender"] == "woman"][0], "index"] = 99.0
    assert fractional_logit("index ~ age + gender", data).convergence.converged
