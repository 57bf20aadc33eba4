from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from coprodstats import SurveyDesign, linear, logit, ologit, profile_interval
from coprodstats.errors import ArgumentError, ConvergenceError
from coprodstats.models import profile, search
from coprodstats.models.links import LINKS


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    n = 250
    data = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "rare": pd.Categorical(rng.choice(["no", "yes"], n, p=[0.95, 0.05])),
            "w": rng.uniform(0.5, 2.0, n),
        }
    )
    latent = 0.03 * data["age"] + rng.logistic(size=n)
    latent[data["rare"] == "yes"] = 9.0
    data["joins"] = (latent > 1.5).astype(int)
    data["often"] = pd.cut(latent, [-np.inf, 1.0, 2.5, np.inf], labels=["never", "some", "often"])
    return data


@pytest.mark.parametrize("link", list(LINKS))
def test_without_penalty_the_fixed_parameter_is_an_offset(frame: pd.DataFrame, link: str) -> None:
    """What is held at an end can be put into an offset: the kernel then finds the profile's height."""
    model = ologit("often ~ age", frame, link=link, covariance="model")  # type: ignore[arg-type]
    found = profile_interval(model, "age").iloc[0]
    nothing = np.empty((len(frame), 0))

    def height(b: float) -> float:
        fixed = search.maximise(
            nothing, model.sample_y, model.sample_weights, n_cuts=2, link=model.link,
            offset=b * frame["age"].to_numpy(),
        )  # fmt: skip
        return 2 * (model.llf - fixed.loglik)

    for end in (found["conf_low"], found["conf_high"]):
        assert height(end) == pytest.approx(stats.chi2.ppf(0.95, 1), rel=1e-8)
    assert found["statistic"] == pytest.approx(height(0.0), rel=1e-9)
    assert found["p_value"] == pytest.approx(stats.chi2.sf(height(0.0), 1), rel=1e-8)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_a_share_under_jeffreys_prior_by_hand(level: float) -> None:
    """Two groups are two shares, each with its Beta(1/2, 1/2): the profile of their log odds ratio."""
    rows = [(x, int(i < k)) for x, (n, k) in enumerate(((12, 5), (8, 8))) for i in range(n)]
    table = pd.DataFrame(rows, columns=["x", "y"])
    model = logit("y ~ x", table, covariance="model", separation="firth")

    def height(b: float) -> float:
        def minus(a: float) -> float:
            total = 0.0
            for eta, (n, k) in ((a, (12, 5)), (a + b, (8, 8))):
                total += (k + 0.5) * stats.logistic.logcdf(eta) + (n - k + 0.5) * stats.logistic.logsf(eta)
            return -total

        return -float(optimize.minimize_scalar(minus, bracket=(-1.0, 1.0), tol=1e-12).fun)

    top = height(model.params["x"])
    found = profile_interval(model, "x", level=level).iloc[0]
    for end in (found["conf_low"], found["conf_high"]):
        assert 2 * (top - height(end)) == pytest.approx(stats.chi2.ppf(level, 1), rel=1e-6)
    assert found["statistic"] == pytest.approx(2 * (top - height(0.0)), rel=1e-8)
    assert found["conf_low"] < model.params["x"] < found["conf_high"]


def test_with_many_respondents_it_is_walds(frame: pd.DataFrame) -> None:
    counted = SurveyDesign(weights="count")
    model = logit(
        "joins ~ age", frame.assign(count=1e6), design=counted, covariance="model", separation="firth"
    )
    found = profile_interval(model, ["age", "Intercept"])
    wald = model.conf_int().loc[found["parameter"]]
    half = (wald[1] - wald[0]).to_numpy() / 2
    # The asymmetry falls as the root of the number of respondents, here 2.5e8.
    for column, side in (("conf_low", 0), ("conf_high", 1)):
        assert (np.abs(found[column].to_numpy() - wald[side].to_numpy()) < 1e-3 * half).all()


def test_slopes_by_default_in_their_order(frame: pd.DataFrame) -> None:
    model = ologit("often ~ age + rare", frame, covariance="model", separation="firth")
    found = profile_interval(model)
    assert found.columns.tolist() == [
        "parameter", "estimate", "conf_low", "conf_high", "statistic", "p_value",
    ]  # fmt: skip
    assert found["parameter"].tolist() == ["age", "rare[T.yes]"]
    assert found["estimate"].tolist() == model.params[["age", "rare[T.yes]"]].tolist()
    # A separated coefficient: far more room above than below.
    rare = found.set_index("parameter").loc["rare[T.yes]"]
    assert rare["conf_high"] - rare["estimate"] > 1.5 * (rare["estimate"] - rare["conf_low"])


def test_equal_weights_without_a_design(frame: pd.DataFrame) -> None:
    robust = profile_interval(logit("joins ~ age + rare", frame, separation="firth"))
    counted = profile_interval(logit("joins ~ age + rare", frame, separation="firth", covariance="model"))
    pd.testing.assert_frame_equal(robust, counted)


@pytest.mark.parametrize("options", [{"design": SurveyDesign(weights="w")}, {"design": SurveyDesign()}])
def test_a_design_is_refused(frame: pd.DataFrame, options: dict[str, object]) -> None:
    model = logit("joins ~ age", frame, separation="firth", **options)
    with pytest.raises(ArgumentError, match=r"rests on sampling weights or a design\n.*covariance='model'"):
        profile_interval(model)


def test_all_that_is_wrong_at_once(frame: pd.DataFrame) -> None:
    model = logit("joins ~ age", frame, design=SurveyDesign(weights="w"))
    with pytest.raises(
        ArgumentError, match=r"(?s)4 faults.*level: 1\.5.*'agee'.*did you mean 'age'.*'z'.*des"
    ):
        profile_interval(model, ["agee", "z"], level=1.5)
    with pytest.raises(ArgumentError, match=r"no parameter is named"):
        profile_interval(logit("joins ~ age", frame), [])
    with pytest.raises(ArgumentError, match=r"profile_interval: it was given a str"):
        profile_interval("model")  # type: ignore[arg-type]


def test_other_families(frame: pd.DataFrame) -> None:
    model = linear("age ~ rare", frame, covariance="model")
    with pytest.raises(ArgumentError, match=r"its family is linear\n\s+Allowed: logit and ologit"):
        profile_interval(model)
    apart = ologit("often ~ age", frame, nonparallel="age", covariance="model")
    with pytest.raises(ArgumentError, match=r"models whose slopes are the same at all thresholds"):
        profile_interval(apart)


def test_a_profile_that_does_not_fall_is_an_error(frame: pd.DataFrame, monkeypatch) -> None:
    model = logit("joins ~ age", frame, covariance="model")
    monkeypatch.setattr(profile, "FAR", 1.0)
    with pytest.raises(ConvergenceError, match=r"nearly level up to 1 standard errors"):
        profile_interval(model, level=0.9999)
    monkeypatch.setattr(search, "MAX_ITERATIONS", 1)
    with pytest.raises((ConvergenceError, ArgumentError), match=r"profile_interval"):
        profile_interval(model)
