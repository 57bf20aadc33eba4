from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import betainc
from scipy.stats import binomtest
from scipy.stats import t as student

from coprodstats import SurveyDesign, means, proportions
from coprodstats.errors import ArgumentError, DesignError, InsufficientDataError
from coprodstats.survey.describe import PrecisionRules

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
        (lambda f: means(f, ["score"]), ArgumentError, r"no column \['score'\]"),
        (lambda f: means(pd.concat([f, f[["w"]]], axis=1), "w"), ArgumentError, r"there are 2 columns 'w'"),
        (lambda f: means(f.rename(columns={"town": "n"}), "w", by="n"), ArgumentError, r"has a column 'n'"),
        (lambda f: proportions(f.assign(category=1), "joins", by="category"), ArgumentError, r"'category'"),
        (lambda f: means(dict(f), "w", design="w", weighting="w"), ArgumentError, r"3 faults"),
        (lambda f: proportions(f, "joins", precision="strict"), ArgumentError, r"precision: it is a str"),
        (lambda f: proportions(f, "joins", interval=None), ArgumentError, r"interval: None is not one"),
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


# --- other intervals ---


def answers(yes: int, no: int) -> pd.DataFrame:
    return pd.DataFrame({"joins": pd.Categorical(["yes"] * yes + ["no"] * no, ["no", "yes"])})


def test_the_exact_interval_of_a_simple_sample_has_one_respondent_less() -> None:
    # V = p (1 - p) / (n - 1), and the two quantiles of t are the same: 21 respondents count as 20.
    row = proportions(answers(7, 14), "joins", interval="korn-graubard").iloc[1]
    yes, no = 20 * 7 / 21, 20 * 14 / 21
    assert betainc(yes, no + 1, row["conf_low"]) == pytest.approx(0.025, rel=1e-10)
    assert betainc(yes + 1, no, row["conf_high"]) == pytest.approx(0.975, rel=1e-10)
    doubled = proportions(answers(14, 28), "joins", interval="korn-graubard").iloc[1]
    assert row["conf_low"] < doubled["conf_low"] < 1 / 3 < doubled["conf_high"] < row["conf_high"]


def test_nobody_and_everybody_have_exact_intervals() -> None:
    found = proportions(answers(0, 12), "joins", interval="korn-graubard").set_index("category")
    exact = binomtest(0, 12).proportion_ci(method="exact")
    assert found.loc["yes", "conf_low"] == 0
    assert found.loc["yes", "conf_high"] == pytest.approx(exact.high, rel=1e-12)
    assert found.loc["no", "conf_low"] == pytest.approx(1 - exact.high, rel=1e-12)
    assert found.loc["no", "conf_high"] == 1


def test_fewer_degrees_of_freedom_widen_the_exact_interval() -> None:
    # At 0 the limit is 1 - 0.025^(1/m), with m = n (t_{n-1} / t_d)^2.
    data = answers(0, 12).assign(psu=[1, 2, 3] * 4)
    row = proportions(data, "joins", interval="korn-graubard", design=SurveyDesign(psu="psu")).iloc[1]
    m = 12 * (student.ppf(0.975, 11) / student.ppf(0.975, 2)) ** 2
    assert row["conf_high"] == pytest.approx(1 - 0.025 ** (1 / m), rel=1e-12)


def test_a_group_smaller_than_the_degrees_of_freedom_gains_nothing_from_them() -> None:
    data = pd.concat([answers(0, 1).assign(g="one"), answers(5, 20).assign(g="rest")], ignore_index=True)
    found = proportions(data, "joins", by="g", interval="korn-graubard").set_index(["g", "category"])
    assert found.loc[("one", "yes"), "conf_high"] == pytest.approx(0.975, rel=1e-12)


@pytest.mark.parametrize("category", ["no", "yes"])
def test_wilson_limits_solve_the_score_equation(category: str) -> None:
    data = answers(3, 17).assign(w=np.linspace(1, 4, 20), psu=[1, 2, 3, 4, 5] * 4)
    design = SurveyDesign(weights="w", psu="psu")
    row = proportions(data, "joins", interval="wilson", design=design).set_index("category").loc[category]
    p, effective = row["estimate"], row["estimate"] * (1 - row["estimate"]) / row["std_error"] ** 2
    for limit in (row["conf_low"], row["conf_high"]):
        score = (p - limit) / np.sqrt(limit * (1 - limit) / effective)
        assert abs(score) == pytest.approx(student.ppf(0.975, 4), rel=1e-11)
    assert row["conf_low"] < p < row["conf_high"]


def test_nobody_and_everybody_have_wilson_intervals() -> None:
    found = proportions(answers(0, 12), "joins", interval="wilson")
    squared = student.ppf(0.975, 11) ** 2
    assert found["conf_low"].tolist() == pytest.approx([12 / (12 + squared), 0])
    assert found["conf_high"].tolist() == pytest.approx([1, squared / (12 + squared)])


@pytest.mark.parametrize("interval", ["korn-graubard", "wilson"])
def test_a_share_without_variance_is_its_own_interval(interval: str) -> None:
    row = proportions(answers(1, 3).assign(f=1.0), "joins", interval=interval, design=SurveyDesign(fpc="f"))
    assert row["conf_low"].tolist() == row["conf_high"].tolist() == [0.75, 0.25]


def test_an_unknown_interval_is_refused() -> None:
    with pytest.raises(
        ArgumentError, match=r"'wilsonn' is not one\n.*logit, korn-graubard, wilson\n.*'wilson'"
    ):
        proportions(answers(1, 3), "joins", interval="wilsonn")


# --- design effects ---


def test_simple_samples_have_no_design_effect() -> None:
    assert proportions(frame(), "joins")["design_effect"].tolist() == pytest.approx([1, 1])
    assert means(frame(), "score")["design_effect"].item() == pytest.approx(1)
    assert np.isnan(proportions(answers(0, 5), "joins")["design_effect"]).all()


def test_doubled_respondents_in_clusters_of_two_have_a_design_effect_by_hand() -> None:
    # V is that of n pairs, s^2 / n; the comparison has 2n respondents with (2n - 2) / (2n - 1) of s^2.
    data = pd.concat([frame()] * 2, ignore_index=True).assign(pair=[1, 2, 3, 4] * 2)
    found = means(data, "score", design=SurveyDesign(psu="pair"))["design_effect"].item()
    assert found == pytest.approx(2 * 7 / 6)


def test_the_scale_of_weights_is_irrelevant_to_the_design_effect() -> None:
    one, other = (
        proportions(frame().assign(w=frame()["w"] * scale), "joins", design=SurveyDesign(weights="w"))
        for scale in (1, 1e5)
    )
    assert one["design_effect"].tolist() == pytest.approx(other["design_effect"].tolist(), rel=1e-12)


# --- precision ---


@pytest.mark.parametrize(
    ("yes", "no", "flag"),
    [
        (14, 14, "suppress"),  # 28 respondents
        (18, 18, "suppress"),  # 36, but the interval is wider than 0.30
        (60, 60, "ok"),  # width 0.19, relative 0.37
        (4, 96, "suppress"),  # width 0.09, more than 1.3 times 0.04
        (96, 4, "review"),  # the same width is small for 0.96, not for its complement
        (40, 960, "ok"),  # width below 0.05
        (1, 2999, "ok"),  # a narrow interval asks no more questions
        (0, 100, "review"),
        (0, 29, "suppress"),
    ],
)
def test_the_precision_flag_of_a_simple_sample(yes: int, no: int, flag: str) -> None:
    found = proportions(answers(yes, no), "joins").set_index("category")
    assert found.loc["yes", "precision"] == flag


def test_few_degrees_of_freedom_ask_for_review() -> None:
    data = answers(500, 500).assign(psu=np.arange(1000) % 8)
    found = proportions(data, "joins", design=SurveyDesign(psu="psu"))
    assert found["df"].tolist() == [7, 7]
    assert found["precision"].tolist() == ["review", "review"]
    more = proportions(data.assign(psu=np.arange(1000) % 9), "joins", design=SurveyDesign(psu="psu"))
    assert more["precision"].tolist() == ["ok", "ok"]


def test_uneven_weights_count_as_fewer_respondents() -> None:
    data = answers(20, 20).assign(w=[30.0] * 4 + [1.0] * 16 + [30.0] * 4 + [1.0] * 16)
    rules = PrecisionRules(wide=1.0, relative=10.0)
    assert proportions(data, "joins", precision=rules)["precision"].tolist() == ["ok", "ok"]
    weighted = proportions(data, "joins", design=SurveyDesign(weights="w"), precision=rules)
    assert weighted["precision"].tolist() == ["suppress", "suppress"]


def test_thresholds_are_a_setting() -> None:
    strict = PrecisionRules(min_n=200)
    assert proportions(answers(60, 60), "joins", precision=strict)["precision"].tolist() == ["suppress"] * 2


@pytest.mark.parametrize("thresholds", [{"min_n": -1}, {"narrow": 0.4}, {"relative": float("nan")}])
def test_thresholds_that_are_none(thresholds) -> None:
    with pytest.raises(ArgumentError, match=r"PrecisionRules: the thresholds are"):
        PrecisionRules(**thresholds)
