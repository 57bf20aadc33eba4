from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2
from scipy.stats import f as fisher

from coprodstats import SurveyDesign, logit, wald_test
from coprodstats.errors import ArgumentError, InsufficientDataError
from coprodstats.models.results import FittedModel
from coprodstats.models.wald import joint_test


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return fitted()


def fitted(**options: object) -> FittedModel:
    rng = np.random.default_rng(12)
    n = 400
    frame = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "x": rng.normal(size=n),
            "nation": pd.Categorical(rng.choice(["CZ", "DK", "FR", "UK"], n)),
            "town": rng.integers(0, 12, n),
        }
    )
    frame["joins"] = (0.02 * frame["age"] + rng.logistic(size=n) > 1).astype(int)
    return logit("joins ~ age * x + nation", frame, design=SurveyDesign(psu="town"), **options)


def by_hand(model: FittedModel, names: list[str]) -> float:
    b = model.params[names].to_numpy()
    v = model.cov_params().loc[names, names].to_numpy()
    return float(b @ np.linalg.inv(v) @ b)


NATIONS = ["nation[T.DK]", "nation[T.FR]", "nation[T.UK]"]


def test_the_adjusted_f_of_a_factor(model: FittedModel) -> None:
    found = wald_test(model, "nation")
    d, q = 11, 3
    assert model.df == d
    f = by_hand(model, NATIONS) * (d - q + 1) / (d * q)
    assert found.statistic == pytest.approx(f, rel=1e-9)
    assert (found.df_num, found.df_denom, found.n_restrictions) == (3, 9, 3)
    assert found.p_value == pytest.approx(fisher.sf(f, 3, 9), rel=1e-9)


def test_rs_rule_does_not_adjust() -> None:
    by_r = fitted(df_rule="r")
    found = wald_test(by_r, "nation")
    assert by_r.df == 11 - 6
    assert found.statistic == pytest.approx(by_hand(by_r, NATIONS) / 3, rel=1e-9)
    assert (found.df_num, found.df_denom) == (3, 5)


def test_a_model_based_covariance_has_the_chi_squared_test() -> None:
    found = wald_test(m := fitted(covariance="model"), "nation")
    assert found.df_denom == np.inf
    assert found.p_value == pytest.approx(chi2.sf(by_hand(m, NATIONS), 3), rel=1e-9)
    assert "F(3, ∞)" in str(found)


def test_one_parameter_is_its_t_test(model: FittedModel) -> None:
    found = wald_test(model, "age:x")
    assert found.statistic == pytest.approx(model.tvalues["age:x"] ** 2, rel=1e-9)
    assert found.p_value == pytest.approx(model.pvalues["age:x"], rel=1e-9)


def test_terms_and_parameters_may_be_mixed_and_repeated(model: FittedModel) -> None:
    names = ["age", "nation[T.DK]", "age"]
    assert wald_test(model, names).df_num == 2
    assert wald_test(model, [*NATIONS, "nation"]).statistic == wald_test(model, "nation").statistic


def test_the_null_is_said_in_words(model: FittedModel) -> None:
    assert str(wald_test(model, ["age", "x"])).endswith("null: the coefficients of age, x are zero")


def test_linearly_dependent_quantities_count_once() -> None:
    found = joint_test(np.array([1.0, 2.0]), np.array([[1.0, 2.0], [2.0, 4.0]]), df=50, rule="stata", null="")
    alone = joint_test(np.array([1.0]), np.array([[1.0]]), df=50, rule="stata", null="")
    assert found.n_restrictions == 1
    assert found.p_value == pytest.approx(alone.p_value, rel=1e-12)


def test_nothing_uncertain_is_no_test() -> None:
    found = joint_test(np.zeros(2), np.zeros((2, 2)), df=50, rule="stata", null="")
    assert np.isnan(found.p_value)
    assert found.df_num == 0


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ("agee", r"it has no term 'agee'(.|\n)*did you mean 'age'"),
        ("nation[T.XX]", r"it has no term 'nation\[T\.XX\]'"),
        ([], r"wald_test: terms: no term is named"),
        (None, r"wald_test: terms: no term is named"),
        (5, r"it has no term 5"),
    ],
)
def test_unknown_terms(model: FittedModel, terms: object, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        wald_test(model, terms)  # type: ignore[arg-type]


def test_what_is_no_model_has_no_terms() -> None:
    with pytest.raises(ArgumentError, match=r"wald_test: it was given a str"):
        wald_test("joins ~ age", "age")  # type: ignore[arg-type]


def test_more_restrictions_than_degrees_of_freedom() -> None:
    with pytest.raises(InsufficientDataError, match=r"3 restrictions and 2 degrees of freedom"):
        joint_test(np.ones(3), np.eye(3), df=2, rule="stata", null="")


def test_few_psus_are_not_hidden_by_the_rank_of_their_covariance() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"a": rng.normal(size=90), "b": rng.normal(size=90), "psu": np.repeat([0, 1], 45)})
    frame["y"] = (rng.random(90) < 0.5).astype(int)
    model = logit("y ~ a + b", frame, design=SurveyDesign(psu="psu"))
    with pytest.raises(InsufficientDataError, match=r"2 restrictions and 1 degrees of freedom"):
        wald_test(model, ["a", "b"])
