from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from statsmodels.iolib.summary2 import summary_col

from coprodstats import SurveyDesign, logit, ologit
from coprodstats.errors import ArgumentError
from coprodstats.models.results import FRAME_COLUMNS, FittedModel


@pytest.fixture(scope="module")
def pair() -> tuple[FittedModel, FittedModel]:
    rng = np.random.default_rng(51)
    n = 300
    frame = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "nation": pd.Categorical(rng.choice(["CZ", "DK <x>"], n)),
            "w": rng.uniform(1, 2, n),
            "town": rng.integers(0, 15, n),
        }
    )
    frame.loc[:4, "age"] = np.nan
    latent = 0.02 * frame["age"].fillna(50) + rng.logistic(size=n)
    frame["joins"] = (latent > 1).astype(int)
    frame["often"] = pd.cut(latent, [-np.inf, 0.5, 2, np.inf], labels=["never", "some", "often"])
    design = SurveyDesign(weights="w", psu="town")
    right = "age + nation + age:nation"
    return logit(f"joins ~ {right}", frame, design=design), ologit(
        f"often ~ {right}", frame, design=design, name="B"
    )


def test_every_model_gives_the_same_columns(pair: tuple[FittedModel, FittedModel]) -> None:
    for model in pair:
        table = model.to_frame()
        assert tuple(table.columns) == FRAME_COLUMNS
        assert len(table) == len(model.params)
        assert set(table["kind"]) == {"slope", "threshold"}
        assert (table["n"] == 295).all()
        assert (table["note"] == "; ".join(model.warnings)).all()
    both = pd.concat([model.to_frame() for model in pair])
    assert both["model"].unique().tolist() == ["joins", "B"]
    assert both["outcome"].unique().tolist() == ["joins", "often"]
    assert {str(t) for t in both.dtypes} == {"str", "float64", "int64"}


def test_terms_levels_and_references_are_columns(pair: tuple[FittedModel, FittedModel]) -> None:
    rows = pair[0].to_frame().set_index("term")[["level", "reference", "kind"]]
    assert rows.loc["nation"].tolist() == ["DK <x>", "CZ", "slope"]
    assert rows.loc["age"].tolist() == ["", "", "slope"]
    assert rows.loc["Intercept"].tolist() == ["", "", "threshold"]
    assert pair[1].to_frame()["term"].tolist() == ["age", "nation", "age:nation", "never|some", "some|often"]


def test_tests_and_intervals_agree_with_each_other(pair: tuple[FittedModel, FittedModel]) -> None:
    for model in pair:
        table = model.to_frame()
        assert (table["estimate"] / table["std_error"]).to_numpy() == pytest.approx(
            table["statistic"].to_numpy()
        )
        half = student.ppf(0.975, 14) * table["std_error"]
        assert (table["conf_high"] - table["estimate"]).to_numpy() == pytest.approx(
            half.to_numpy(), rel=1e-12
        )
        assert (model.pvalues < 0.05).tolist() == (table["conf_low"] * table["conf_high"] > 0).tolist()
        assert model.bse.to_numpy() ** 2 == pytest.approx(np.diag(model.cov_params()), rel=1e-12)


def test_wider_intervals_for_more_confidence(pair: tuple[FittedModel, FittedModel]) -> None:
    wide, usual = pair[0].conf_int(0.01), pair[0].conf_int()
    assert (wide[0] < usual[0]).all()
    assert (wide[1] > usual[1]).all()


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 5, "0.05"])
def test_confidence_must_be_a_share(pair: tuple[FittedModel, FittedModel], alpha: float) -> None:
    with pytest.raises(ArgumentError, match=r"conf_int: alpha: .*\n\s+Allowed: between 0 and 1"):
        pair[0].conf_int(alpha)


@pytest.mark.parametrize("attribute", ["estimates", "name", "llf", "df", "warnings", "brand_new"])
def test_a_fitted_model_is_frozen(pair: tuple[FittedModel, FittedModel], attribute: str) -> None:
    with pytest.raises((FrozenInstanceError, TypeError, AttributeError), match=r"cannot assign|super\(type"):
        setattr(pair[0], attribute, None)


def test_counts_of_the_sample(pair: tuple[FittedModel, FittedModel]) -> None:
    model = pair[0]
    assert (model.nobs, model.n_psu, model.n_strata, model.design_df) == (295, 15, 1, 14)
    assert (model.df_model, model.df_resid) == (3, 291)
    assert model.n_weighted == pytest.approx(model.sample_weights.sum())
    assert model.dropped.to_dict("records") == [{"variable": "age", "reason": "missing", "rows": 5}]


def test_thresholds_of_both_families(pair: tuple[FittedModel, FittedModel]) -> None:
    binary, ordinal = pair
    assert binary.thresholds.to_dict() == {"0|1": -binary.params["Intercept"]}
    assert ordinal.thresholds.index.tolist() == ["never|some", "some|often"]


def test_statsmodels_can_set_the_models_side_by_side(pair: tuple[FittedModel, FittedModel]) -> None:
    printed = str(summary_col(list(pair), model_names=["one", "two"]))
    assert f"{pair[0].params['age']:.4f}" in printed


def test_what_is_printed(pair: tuple[FittedModel, FittedModel]) -> None:
    text = str(pair[1].summary())
    for part in ("B: ologit, link logit", "n = 295 (5 rows left out), 15 PSUs, 1 strata", "PSUs: town",
                 "t with 14 df", "5 rows with a missing answer are outside the sample"):  # fmt: skip
        assert part in text
    assert repr(pair[1].summary()) == text == str(pair[1].summary())
    assert repr(pair[0]) == "<FittedModel joins: logit('joins ~ age + nation + age:nation'), n = 295>"


def test_html_is_escaped(pair: tuple[FittedModel, FittedModel]) -> None:
    assert "DK &lt;x&gt;" in pair[0]._repr_html_()
    assert "<x>" not in pair[0]._repr_html_()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"covariance": "model"}, "normal distribution (model-based covariance)"),
        ({"df_rule": "r"}, "t with 18 df (R's rule: PSUs minus strata of the sample, minus parameters)"),
        ({}, "t with 19 df (20 PSUs of the design minus one stratum)"),
    ],
)
def test_the_degrees_of_freedom_in_words(options: dict[str, str], words: str) -> None:
    frame = pd.DataFrame({"x": np.tile([1.0, 2, 3, 4], 5), "y": [0, 1, 1, 0, 1] * 4})
    assert logit("y ~ x", frame, **options).df_statement() == words
