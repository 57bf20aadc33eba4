from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from coprodstats import SurveyDesign, means, proportions
from coprodstats.errors import ArgumentError, DesignError, InsufficientDataError

COLUMNS = ["estimate", "std_error", "df", "conf_low", "conf_high", "n", "n_weighted", "design_effect"]


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "score": [1.0, 2.0, 3.0, 6.0],
            "w": [1.0, 1.0, 2.0, 4.0],
            "town": [1, 1, 2, 2],
            "region": ["n", "s", "n", "s"],
            "joins": pd.Categorical(["no", "yes", "no", "yes"], ["no", "yes"]),
        }
    )


def test_a_weighted_mean_by_hand() -> None:
    # (1 + 2 + 6 + 24) / 8 = 33/8. Influences w (y - 33/8) / 8 = (-25, -17, -18, 60) / 64, mean 0.
    row = means(frame(), "score", design=SurveyDesign(weights="w")).iloc[0]
    assert row["estimate"] == 33 / 8
    error = np.sqrt(4 / 3 * (25**2 + 17**2 + 18**2 + 60**2)) / 64
    assert row["std_error"] == pytest.approx(error, rel=1e-14)
    assert (row["df"], row["n"], row["n_weighted"]) == (3, 4, 8)
    assert row["conf_low"] == pytest.approx(33 / 8 - student.ppf(0.975, 3) * error, rel=1e-12)
    assert row["conf_high"] == pytest.approx(33 / 8 + student.ppf(0.975, 3) * error, rel=1e-12)


def test_the_unweighted_mean_has_the_textbook_error() -> None:
    row = means(frame(), "score").iloc[0]
    assert row["estimate"] == 3
    assert row["std_error"] == pytest.approx(frame()["score"].std(ddof=1) / 2, rel=1e-14)


def test_the_mean_of_two_clusters_by_hand() -> None:
    # Totals of the influences: -42/64 and 42/64, n/(n-1) = 2: sqrt(2 (42² + 42²)) / 64 = 84/64.
    row = means(frame(), "score", design=SurveyDesign(weights="w", psu="town")).iloc[0]
    assert row["std_error"] == pytest.approx(84 / 64, rel=1e-14)
    assert row["df"] == 1


def test_a_finite_population_shrinks_the_error() -> None:
    data = frame().assign(f=0.5)
    whole = means(data, "score")["std_error"].item()
    half = means(data, "score", design=SurveyDesign(fpc="f"))["std_error"].item()
    assert half == pytest.approx(whole * np.sqrt(0.5), rel=1e-14)


def test_a_group_is_a_domain_of_the_whole_design() -> None:
    # Group s: 2 and 6 with weights 1 and 4: 26/5; influences (2 - 26/5)/5 = -16/25 and +16/25.
    found = means(frame(), "score", by="region", design=SurveyDesign(weights="w")).set_index("region")
    assert list(found.columns) == COLUMNS
    assert found.loc["s", "estimate"] == 26 / 5
    assert found.loc["s", "std_error"] == pytest.approx(np.sqrt(4 / 3 * 2) * 16 / 25, rel=1e-13)  # n stays 4
    assert found["n"].tolist() == [2, 2]


def test_missing_answers_leave_their_psu_in_the_design() -> None:
    data = pd.concat([frame(), frame().assign(score=np.nan, town=[3, 3, 4, 4])], ignore_index=True)
    row = means(data, "score", design=SurveyDesign(weights="w", psu="town")).iloc[0]
    assert row["n"] == 4
    assert row["df"] == 3
    assert row["std_error"] == pytest.approx(np.sqrt(4 / 3 * 2) * 42 / 64, rel=1e-14)


def test_a_share_is_the_mean_of_a_zero_one_variable() -> None:
    design = SurveyDesign(weights="w")
    share = proportions(frame(), "joins", design=design).set_index("category").loc["yes"]
    mean = means(frame().assign(z=(frame()["joins"] == "yes").astype(float)), "z", design=design).iloc[0]
    assert share["estimate"] == mean["estimate"] == 5 / 8
    assert share["std_error"] == mean["std_error"]


def test_intervals_of_shares_are_made_on_the_logit_scale() -> None:
    row = proportions(frame(), "joins").iloc[1]
    p, error = 0.5, np.sqrt(0.25 / 3)
    assert row["std_error"] == pytest.approx(error, rel=1e-14)
    half = student.ppf(0.975, 3) * error / (p * (1 - p))
    assert row["conf_low"] == pytest.approx(1 / (1 + np.exp(half)), rel=1e-12)
    assert row["conf_high"] == pytest.approx(1 / (1 + np.exp(-half)), rel=1e-12)


@pytest.mark.parametrize("by", [None, "region"])
def test_shares_add_up_to_one(by: str | None) -> None:
    data = frame().assign(joins=pd.Categorical(["a", "b", "c", "a"], ["a", "b", "c", "d"]))
    found = proportions(data, "joins", by=by, design=SurveyDesign(weights="w"))
    totals = found.groupby(by)["estimate"].sum() if by else found["estimate"].sum()
    assert np.all(np.isclose(totals, 1, rtol=0, atol=1e-15))
    assert list(found.columns) == [*([by] if by else []), "category", *COLUMNS, "precision"]


def test_shares_of_nobody_and_of_everybody_have_no_interval() -> None:
    data = frame().assign(joins=pd.Categorical(["no"] * 4, ["no", "yes"]))
    found = proportions(data, "joins")
    assert found["estimate"].tolist() == [1.0, 0.0]
    assert found["std_error"].tolist() == [0.0, 0.0]
    assert found[["conf_low", "conf_high"]].isna().all(axis=None)


def test_text_logicals_and_codes_have_shares_too() -> None:
    data = frame().assign(flag=[True, False, True, True], code=[1, 2, 1, 1])
    assert proportions(data, "region")["category"].tolist() == ["n", "s"]
    assert proportions(data, "flag")["estimate"].tolist() == [0.25, 0.75]
    assert proportions(data, "code")["estimate"].tolist() == [0.75, 0.25]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: means(f, "scor"), ArgumentError, r"no column 'scor'\n\s+Try: did you mean 'score'\?"),
        (lambda f: means(f, "income", by="nation"), ArgumentError, r"2 faults"),
        (lambda f: means(f, "joins"), ArgumentError, r"'joins': it is not numeric\n\s+Try: proportions"),
        (lambda f: proportions(f, "score"), ArgumentError, r"'score': it is numeric\n\s+Try: means"),
        (lambda f: means(f.assign(score=np.nan), "score"), InsufficientDataError, r"'score': no respondent"),
        (lambda f: means(f.assign(score=np.inf), "score"), ArgumentError, r"'score': 4 values are infinite"),
        (lambda f: means(f, "score", design=SurveyDesign(psu="one")), DesignError, r"no column 'one'"),
    ],
)  # fmt: skip
def test_what_cant_be_described(call, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call(frame())


@pytest.mark.parametrize("function", [means, proportions])
def test_a_group_without_respondents_is_named(function) -> None:
    data = frame().assign(region=pd.Categorical(frame()["region"], ["n", "s", "w"]))
    variable = "score" if function is means else "joins"
    with pytest.raises(
        InsufficientDataError, match=rf"'{variable}' where region = 'w': no respondent has a value"
    ):
        function(data, variable, by="region")
