from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency
from scipy.stats import f as f_distribution

from coprodstats import SurveyDesign, means, proportions
from coprodstats.errors import ArgumentError, InsufficientDataError
from coprodstats.survey.crosstab import crosstab
from coprodstats.survey.weighting import post_stratify


def frame() -> pd.DataFrame:
    """Counts by sex and answer: m no 3, m yes 1, w no 2, w yes 4."""
    cells = [("m", "no", 3), ("m", "yes", 1), ("w", "no", 2), ("w", "yes", 4)]
    rows = [(sex, joins) for sex, joins, count in cells for _ in range(count)]
    data = pd.DataFrame(rows, columns=["sex", "joins"])
    return data.assign(w=[1.0, 2, 1, 1, 2, 1, 1, 3, 1, 2], psu=[1, 2, 3, 4, 5] * 2)


def test_shares_of_all_of_rows_and_of_columns_by_hand() -> None:
    found = crosstab(frame(), "sex", "joins").to_frame()
    assert found["row"].tolist() == ["m", "m", "w", "w"]
    assert found["column"].tolist() == ["no", "yes", "no", "yes"]
    assert found["cell"].tolist() == pytest.approx([0.3, 0.1, 0.2, 0.4])
    assert found["of_row"].tolist() == pytest.approx([3 / 4, 1 / 4, 1 / 3, 2 / 3])
    assert found["of_column"].tolist() == pytest.approx([3 / 5, 1 / 5, 2 / 5, 4 / 5])
    assert found["n"].tolist() == [3, 1, 2, 4]
    # Of four men three say no: n / (n - 1) sum z^2 with z = (y - 3/4) / 4 and n the whole sample of 10.
    error = np.sqrt(10 / 9 * (3 * 0.25**2 + 0.75**2)) / 4
    assert found["of_row_std_error"].iloc[0] == pytest.approx(error)
    assert found["cell_std_error"].iloc[0] == pytest.approx(np.sqrt(0.3 * 0.7 / 9))


def test_shares_of_a_row_are_the_proportions_of_a_group() -> None:
    design = SurveyDesign(weights="w", psu="psu")
    table = crosstab(frame(), "sex", "joins", design=design)
    found = table.to_frame().set_index(["row", "column"])
    by_sex = proportions(frame(), "joins", by="sex", design=design).set_index(["sex", "category"])
    by_answer = proportions(frame(), "sex", by="joins", design=design).set_index(["category", "joins"])
    for (row, column), line in found.iterrows():
        assert line["of_row"] == pytest.approx(by_sex.loc[(row, column), "estimate"])
        assert line["of_row_std_error"] == pytest.approx(by_sex.loc[(row, column), "std_error"])
        assert line["of_column"] == pytest.approx(by_answer.loc[(row, column), "estimate"])
        assert line["of_column_std_error"] == pytest.approx(by_answer.loc[(row, column), "std_error"])
    assert found["n_weighted"].tolist() == [4, 1, 3, 7]
    assert (table.n, table.n_weighted) == (10, 15)


def test_without_weights_the_correction_is_that_of_the_sample_variance() -> None:
    # All design effects are n / (n - 1).
    data = frame()
    table = crosstab(data, "sex", "joins")
    expected = chi2_contingency(pd.crosstab(data["sex"], data["joins"]), correction=False).statistic
    assert table.pearson == pytest.approx(expected)
    assert table.rao_scott.statistic == pytest.approx(expected * 9 / 10)
    assert table.rao_scott.df_num == pytest.approx(1)
    assert table.rao_scott.df_denom == pytest.approx(9)


def test_the_wald_test_of_two_by_two_is_a_t_test_squared() -> None:
    # The covariance of two 0-1 variables by linearisation: z = (x - mean x) (y - mean y) - covariance.
    data = frame()
    x, y = (data["sex"] == "w").astype(float), (data["joins"] == "yes").astype(float)
    product = (x - x.mean()) * (y - y.mean())
    t = product.mean() / (product.std(ddof=1) / np.sqrt(10))
    test = crosstab(data, "sex", "joins").wald
    assert test.statistic == pytest.approx(t**2)
    assert (test.df_num, test.df_denom) == (1, 9)
    assert test.p_value == pytest.approx(f_distribution.sf(t**2, 1, 9))


def test_a_table_as_rows_and_columns() -> None:
    table = crosstab(frame(), "sex", "joins")
    shown = table.proportions("row")
    assert shown.index.name == "sex"
    assert shown.columns.name == "joins"
    assert shown.loc["w", "yes"] == pytest.approx(2 / 3)
    assert table.proportions().to_numpy().sum() == pytest.approx(1)
    assert table.proportions("column").sum().tolist() == pytest.approx([1, 1])
    with pytest.raises(ArgumentError, match=r"'rows' is not one\n\s+Allowed: cell, row, column"):
        table.proportions("rows")


def test_a_category_without_respondents_stays_in_the_table_but_not_in_the_tests() -> None:
    data = frame().assign(sex=pd.Categorical(frame()["sex"], ["m", "w", "x"]))
    table, plain = crosstab(data, "sex", "joins"), crosstab(frame(), "sex", "joins")
    found = table.to_frame().set_index(["row", "column"])
    assert found.loc[("x", "no"), "cell"] == 0
    assert found.loc[("x", "no"), ["of_row", "of_row_std_error"]].isna().all()
    assert found.loc[("x", "no"), "of_column"] == 0
    assert str(table.rao_scott) == str(plain.rao_scott)
    assert str(table.wald) == str(plain.wald)


def test_why_there_is_no_test() -> None:
    alone = crosstab(frame().assign(joins="no"), "sex", "joins")
    assert str(alone.rao_scott) == "Rao-Scott, second order: no test: a variable has a single category"
    assert np.isnan(alone.wald.p_value)
    diagonal = pd.DataFrame({"a": list("aabbcc") * 3, "b": list("aabbcc") * 3})
    assert crosstab(diagonal, "a", "b").rao_scott.note == "no test: too many cells are empty"
    few = frame().assign(psu=[1, 2, 1, 2, 1] * 2, three=list("abcabcabca"), four=list("abcdabcdab"))
    wald = crosstab(few, "three", "four", design=SurveyDesign(psu="psu")).wald
    assert wald.note == "no test: 6 restrictions and 1 degrees of freedom"
    census = crosstab(frame().assign(f=1.0), "sex", "joins", design=SurveyDesign(fpc="f"))
    assert census.rao_scott.note == "no test: the design's variance is zero"
    assert census.wald.note == "no test: the covariance of the cells is singular"


def test_a_calibrated_table_has_the_margin_it_was_calibrated_to() -> None:
    made = post_stratify(frame(), {"sex": {"m": 60, "w": 40}}, weights="w")
    table = crosstab(frame(), "sex", "joins", design=SurveyDesign(weights="w"), weighting=made)
    shares = table.to_frame()
    assert shares.groupby("row", observed=True)["cell"].sum().tolist() == pytest.approx([0.6, 0.4])
    yes = means(
        frame().assign(y=(frame()["joins"] == "yes") * (frame()["sex"] == "m") * 1.0),
        "y",
        design=SurveyDesign(weights="w"),
        weighting=made,
    )
    assert shares["cell_std_error"].iloc[1] == pytest.approx(yes["std_error"].item())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: crosstab(f, "sexx", "join"), ArgumentError, r"\(2 faults\)"),
        (lambda f: crosstab(f, "sex", "w"), ArgumentError, r"'w': it is numeric\n\s+Try: cut it"),
        (lambda f: crosstab(pd.concat([f, f], axis=1), "sex", "joins"), ArgumentError, r"2 columns 'sex'"),
        (lambda f: crosstab(f, "sex", "sex"), ArgumentError, r"rows and columns are both 'sex'"),
        (lambda f: crosstab(f.assign(joins=None), "sex", "joins"), InsufficientDataError, r"no respondent"),
    ],
)
def test_what_cant_be_tabulated(call, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call(frame())
