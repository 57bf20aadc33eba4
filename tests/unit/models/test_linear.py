from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

import coprodstats as cps
from coprodstats import SurveyDesign, linear
from coprodstats.errors import (
    ArgumentError,
    InsufficientDataError,
    ModelError,
    RankDeficiencyError,
)
from coprodstats.models.importance import importance

DESIGN = SurveyDesign(weights="w", strata="region", psu="town")


def survey(n: int = 300, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "efficacy": rng.normal(size=n),
            "gender": pd.Categorical(rng.choice(["man", "woman"], n)),
            "w": rng.uniform(0.3, 3.0, n),
            "region": rng.integers(0, 5, n),
        }
    )
    data["town"] = data["region"] * 10 + rng.integers(0, 6, n)
    data["index"] = np.clip(20 + 0.4 * data["age"] + 8 * data["efficacy"] + 15 * rng.normal(size=n), 0, 100)
    data["often"] = pd.cut(data["index"], [-1, 30, 60, 101], labels=["never", "some", "often"])
    return data


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return survey()


def columns(frame: pd.DataFrame) -> pd.DataFrame:
    woman = (frame["gender"] == "woman").astype(float)
    return sm.add_constant(frame[["age", "efficacy"]].assign(woman=woman))


# --- against statsmodels ---


def test_without_a_design_it_is_ordinary_least_squares(frame: pd.DataFrame) -> None:
    ours = linear("index ~ age + efficacy + gender", frame, covariance="model")
    theirs = sm.OLS(frame["index"], columns(frame)).fit()
    names = ["Intercept", "age", "efficacy", "gender[T.woman]"]
    assert ours.params[names].tolist() == pytest.approx(theirs.params.tolist(), rel=1e-12)
    assert ours.bse[names].tolist() == pytest.approx(theirs.bse.tolist(), rel=1e-12)
    assert ours.pvalues[names].tolist() == pytest.approx(theirs.pvalues.tolist(), rel=1e-10)
    assert ours.conf_int().loc[names].to_numpy() == pytest.approx(theirs.conf_int().to_numpy(), rel=1e-11)
    assert ours.llf == pytest.approx(theirs.llf, rel=1e-13)
    assert ours.prsquared == pytest.approx(theirs.rsquared, rel=1e-12)
    assert ours.df == ours.df_resid == theirs.df_resid
    assert ours.fittedvalues.tolist() == pytest.approx(theirs.fittedvalues.tolist(), rel=1e-12)


def test_robust_is_the_sandwich(frame: pd.DataFrame) -> None:
    ours = linear("index ~ age + efficacy + gender", frame, design=SurveyDesign(weights="w"))
    theirs = sm.WLS(frame["index"], columns(frame), weights=frame["w"]).fit(cov_type="HC0")
    n = len(frame)
    names = ["Intercept", "age", "efficacy", "gender[T.woman]"]
    assert ours.params[names].tolist() == pytest.approx(theirs.params.tolist(), rel=1e-12)
    assert ours.bse[names].tolist() == pytest.approx((theirs.bse * np.sqrt(n / (n - 1))).tolist(), rel=1e-11)


def test_counts_are_as_many_respondents(frame: pd.DataFrame) -> None:
    counted = frame.assign(count=1 + np.arange(len(frame)) % 3)
    written = counted.loc[counted.index.repeat(counted["count"])]
    short = linear("index ~ age", counted, design=SurveyDesign(weights="count"), covariance="model")
    long = linear("index ~ age", written, covariance="model")
    assert short.estimates == pytest.approx(long.estimates, rel=1e-12)
    assert short.bse.to_numpy() == pytest.approx(long.bse.to_numpy(), rel=1e-11)
    assert (short.df, short.llf) == pytest.approx((long.df, long.llf), rel=1e-12)


# --- laws ---


def test_a_domain_is_weights_of_zero_elsewhere(frame: pd.DataFrame) -> None:
    inside = frame["age"] < 60
    domain = linear("index ~ age + efficacy", frame, design=DESIGN, domain=inside)
    zero = linear("index ~ age + efficacy", frame.assign(w=frame["w"].where(inside, 0.0)), design=DESIGN)
    assert domain.estimates == pytest.approx(zero.estimates, rel=1e-13)
    assert domain.covariance_matrix == pytest.approx(zero.covariance_matrix, rel=1e-11)
    assert domain.df == zero.df


@settings(max_examples=20, deadline=None)
@given(
    shift=st.floats(-1e4, 1e4),
    scale=st.sampled_from([1e-6, 0.5, 1e6]),
    weight=st.floats(1e-3, 1e3),
)
def test_units_of_outcome_predictor_and_weight(shift: float, scale: float, weight: float) -> None:
    frame = survey(80)
    usual = linear("index ~ age + efficacy", frame, design=DESIGN)
    moved = frame.assign(age=scale * frame["age"] + shift, w=weight * frame["w"], index=-2 * frame["index"])
    other = linear("index ~ age + efficacy", moved, design=DESIGN)
    # The shifted column has that many digits less, by its mean over its spread.
    loose = 1e-12 * (1 + abs(shift) / (scale * 20))
    assert other.params["age"] * scale / -2 == pytest.approx(usual.params["age"], rel=loose)
    assert other.bse["age"] * scale / 2 == pytest.approx(usual.bse["age"], rel=max(loose, 1e-10))
    assert other.prsquared == pytest.approx(usual.prsquared, rel=max(loose, 1e-10))


def test_an_offset_is_taken_from_the_outcome(frame: pd.DataFrame) -> None:
    known = frame.assign(known=3 * frame["efficacy"] ** 2)
    offset = linear("index ~ age", known, design=DESIGN, offset="known")
    less = linear("rest ~ age", known.assign(rest=known["index"] - known["known"]), design=DESIGN)
    assert offset.estimates == pytest.approx(less.estimates, rel=1e-13)
    assert offset.fittedvalues.tolist() == pytest.approx((less.fittedvalues + known["known"]).tolist())


def test_influence_is_the_change_of_the_estimate_by_a_weight(frame: pd.DataFrame) -> None:
    model = linear("index ~ age + gender", frame, design=DESIGN)
    h = 1e-4 * frame["w"].iloc[7]
    sides = []
    for sign in (1, -1):
        changed = frame.copy()
        changed.loc[7, "w"] += sign * h
        sides.append(linear("index ~ age + gender", changed, design=DESIGN).estimates)
    derivative = (sides[0] - sides[1]) / (2 * h)
    assert model.influence[7] == pytest.approx(derivative * frame["w"].iloc[7], rel=1e-6, abs=1e-10)


def test_replicates_are_fits_under_their_weights(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    names = [f"r{k}" for k in range(6)]
    replicated = frame.assign(**{name: frame["w"] * rng.integers(0, 3, len(frame)) for name in names})
    design = SurveyDesign(
        weights="w", replicate_weights=tuple(names), replicate_method="bootstrap", scale=1 / 5,
        rscales=(1.0,) * 6, mse=True,
    )  # fmt: skip
    model = linear("index ~ age + gender", replicated, design=design)
    assert model.replicates is not None
    fits = [
        linear("index ~ age + gender", replicated, design=SurveyDesign(weights=n)).estimates for n in names
    ]
    assert model.replicates == pytest.approx(np.array(fits), rel=1e-10)
    far = np.array(fits) - model.estimates
    assert model.covariance_matrix == pytest.approx(far.T @ far / 5, rel=1e-8)


def test_replicate_weights_may_be_negative_here_and_there(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(2)
    names = [f"r{k}" for k in range(6)]
    replicated = frame.assign(**{n: frame["w"] * rng.uniform(-0.1, 2, len(frame)) for n in names})
    design = SurveyDesign(weights="w", replicate_weights=tuple(names), replicate_method="sdr")
    model = linear("index ~ age + gender", replicated, design=design)
    x = np.column_stack([np.ones(len(frame)), frame["age"], frame["gender"] == "woman"]).astype(float)
    weights = replicated[names].to_numpy(dtype=float).T
    by_hand = [np.linalg.solve((x.T * w) @ x, (x.T * w) @ frame["index"]) for w in weights]
    assert model.replicates == pytest.approx(np.array(by_hand), rel=1e-9)
    replicated["high"] = (frame["index"] > frame["index"].median()).astype(int)
    with pytest.raises(
        cps.CoprodstatsError, match=r"a weight is negative, under which the penalty is not defined"
    ):
        cps.logit("high ~ age", replicated, design=design, separation="firth")


# --- hard numbers ---


def test_a_birth_year_and_its_square_to_twelve_digits(frame: pd.DataFrame) -> None:
    year = 2008.0 - frame["age"].round()
    raw = linear("index ~ year + I(year**2)", frame.assign(year=year), covariance="model")
    centred = linear("index ~ since + I(since**2)", frame.assign(since=year - 1960), covariance="model")
    a, b, c = centred.params[["Intercept", "since", "I(since ** 2)"]]
    # The centred fit, well conditioned, has fifteen digits; carrying them over costs the intercept three.
    assert raw.params["I(year ** 2)"] == pytest.approx(c, rel=1e-12)
    assert raw.params["year"] == pytest.approx(b - 2 * 1960 * c, rel=1e-12)
    assert raw.params["Intercept"] == pytest.approx(a - 1960 * b + 1960**2 * c, rel=1e-11)
    assert raw.bse["I(year ** 2)"] == pytest.approx(centred.bse["I(since ** 2)"], rel=1e-11)
    assert raw.convergence.digits >= 12
    assert raw.llf == pytest.approx(centred.llf, rel=1e-13)


def test_the_record_of_a_fit_without_search(frame: pd.DataFrame) -> None:
    record = linear("index ~ age", frame).convergence
    assert record.converged
    assert record.iterations <= 3
    assert record.gradient < 1e-15
    assert record.digits >= 14


# --- what it says ---


def test_what_is_printed(frame: pd.DataFrame) -> None:
    model = linear("index ~ age + gender", frame, design=DESIGN, name="Individual")
    text = str(model.summary())
    assert text.startswith("Individual: linear, link identity")
    assert "R squared" in text
    assert "McFadden" not in text
    assert (
        "t with 295 df (respondents minus parameters"
        in linear("index ~ age + efficacy + gender + I(age**2)", frame, covariance="model").df_statement()
    )
    assert model.to_frame()["kind"].tolist() == ["threshold", "slope", "slope"]
    assert model.categories == ()
    assert len(model.thresholds) == 0
    assert cps.predict(model).columns.tolist() == ["mean"]


def test_a_margin_is_a_coefficient_until_the_line_bends(frame: pd.DataFrame) -> None:
    straight = linear("index ~ age + gender", frame, design=DESIGN)
    found = cps.margins(straight)
    assert found["estimate"].tolist() == pytest.approx(straight.params[["age", "gender[T.woman]"]].tolist())
    assert found["std_error"].tolist() == pytest.approx(straight.bse[["age", "gender[T.woman]"]].tolist())
    bent = linear("index ~ age + I(age**2)", frame, design=DESIGN)
    mean_age = np.average(frame["age"], weights=frame["w"])
    a, b = bent.params[["age", "I(age ** 2)"]]
    assert cps.margins(bent)["estimate"].item() == pytest.approx(a + 2 * b * mean_age, rel=1e-10)


def test_intervals_of_predictions_are_symmetric_and_not_bounded(frame: pd.DataFrame) -> None:
    model = linear("index ~ age", frame, design=DESIGN)
    found = cps.predict(model, pd.DataFrame({"age": [20.0, 400.0]}), intervals=True)
    assert (found["estimate"] - found["conf_low"]).tolist() == pytest.approx(
        (found["conf_high"] - found["estimate"]).tolist()
    )
    assert found["conf_high"].iloc[1] > 100


def test_models_of_two_indices_are_compared_in_points(frame: pd.DataFrame) -> None:
    data = frame.assign(other=100 - frame["index"] + np.random.default_rng(0).normal(size=len(frame)))
    pair = {n: linear(f"{n} ~ age + gender", data, design=DESIGN) for n in ("index", "other")}
    found = cps.compare(pair)
    same = cps.compare(pair, scale="coefficient")
    assert found.to_frame()["difference"].tolist() == pytest.approx(same.to_frame()["difference"].tolist())
    assert found.to_frame()["std_error"].tolist() == pytest.approx(same.to_frame()["std_error"].tolist())
    assert found.caveats == same.caveats == ()
    binary = cps.logit("high ~ age + gender", data.assign(high=data["index"] > 50), design=DESIGN)
    with pytest.raises(ModelError, match=r"different scales"):
        cps.compare({"index": pair["index"], "binary": binary})
    with pytest.raises(ModelError, match=r"slopes of different kinds"):
        cps.compare({"index": pair["index"], "binary": binary}, scale="coefficient")


# --- refusals ---


@pytest.mark.parametrize(
    ("outcome", "error", "message"),
    [
        (lambda f: f["often"], ModelError, r"its categories have an order, but are no numbers\n.*\n.*ologit"),
        (lambda f: f["gender"], ModelError, r"its type is category\n.*numbers, such as an index.*\n.*logit"),
        (lambda f: f["gender"].astype("str"), ModelError, r"its type is str\n"),
        (lambda f: f["age"] > 50, ModelError, r"its type is bool\n.*\n.*logit\(\.\.\.\) if it has two"),
        (lambda f: f["index"].where(f["age"] > 20, np.inf), ModelError, r"\d+ rows are not finite"),
        (lambda f: 0 * f["index"] + 3, InsufficientDataError, r"it is the same in all 300 rows used"),
        (lambda f: np.nan * f["index"], InsufficientDataError, r"column 'z': 0 of 300 rows have a value"),
        (lambda f: 3 * f["age"] - 1, ModelError, r"the predictors reproduce the outcome exactly"),
    ],
)  # fmt: skip
def test_outcomes(frame: pd.DataFrame, outcome, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        linear("z ~ age", frame.assign(z=outcome(frame)))


def test_integers_and_nullable_numbers(frame: pd.DataFrame) -> None:
    rounded = frame["index"].round()
    usual = linear("z ~ age", frame.assign(z=rounded))
    for dtype in ("int64", "Int64", "Float64", "float32"):
        other = linear("z ~ age", frame.assign(z=rounded.astype(dtype)))
        assert np.array_equal(other.estimates, usual.estimates)
    missing = rounded.astype("Int64")
    missing[:4] = pd.NA
    assert linear("z ~ age", frame.assign(z=missing)).nobs == 296


def test_weights_that_are_no_counts(frame: pd.DataFrame) -> None:
    small = frame.assign(w=frame["w"] / frame["w"].sum())
    with pytest.raises(InsufficientDataError, match=r"read as counts, sum to 1 for 2 parameters"):
        linear("index ~ age", small, design=DESIGN, covariance="model")
    assert linear("index ~ age", small, design=DESIGN).df == 25


def test_the_usual_refusals(frame: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match=r"linear: covariance: 'HC3' is not one"):
        linear("index ~ age", frame, covariance="HC3")  # type: ignore[arg-type]
    with pytest.raises(RankDeficiencyError, match=r"'again': it is an exact combination of age"):
        linear("index ~ age + again", frame.assign(again=frame["age"]))


@pytest.mark.parametrize(
    "call",
    [
        cps.goodness_of_fit,
        lambda m: cps.rao_scott_test(m, "age"),
        cps.parallel_lines_test,
        cps.e_values,
        lambda m: importance(m, n_replicates=2, seed=1),
    ],
)
def test_what_is_for_categories_refuses_it(frame: pd.DataFrame, call) -> None:
    model = linear("index ~ age + gender", frame, design=DESIGN)
    with pytest.raises(ArgumentError, match=r"linear"):
        call(model)
