"""Descriptions of subpopulations that keep the whole design."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, crosstab, means, proportions
from coprodstats.errors import ArgumentError, InsufficientDataError

DESIGN = SurveyDesign(psu="town")


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "town": [1, 1, 2, 2, 3, 3, 4, 4],
            "age": [20, 30, 60, 70, 25, 35, 80, 90],
            "y": [1.0, 3, 9, 9, 5, 7, 9, 9],
            "sex": pd.Categorical(list("mwmwmwmw")),
            "area": pd.Categorical(list("ccttccvv")),
            "joins": ["no", "yes", "no", "no", "yes", "yes", "no", "yes"],
        }
    )


YOUNG = frame()["age"] < 40


def test_towns_without_anyone_in_the_domain_stay_in_the_variance() -> None:
    row = means(frame(), "y", domain=YOUNG, design=DESIGN).iloc[0]
    # The mean of 1, 3, 5, 7 is 4; towns' influences (4 - 8) / 4 = -1 and (12 - 8) / 4 = 1, and twice 0:
    # 4/3 (1 + 1).
    assert (row["estimate"], row["n"], row["df"]) == (4.0, 4, 3)
    assert row["std_error"] == pytest.approx(np.sqrt(8 / 3), rel=1e-15)
    alone = means(frame()[YOUNG], "y", design=DESIGN).iloc[0]
    assert alone["std_error"] == pytest.approx(2.0, rel=1e-15)


def test_groups_outside_the_domain_have_no_line() -> None:
    found = means(frame(), "y", by="area", domain=YOUNG, design=DESIGN)
    assert found["area"].tolist() == ["c"]
    shares = proportions(frame(), "joins", by="area", domain=(frame()["age"] > 40).to_numpy(), design=DESIGN)
    assert shares["area"].tolist() == ["t", "t", "v", "v"]


def test_a_domain_is_a_group_by_another_name() -> None:
    data = frame().assign(young=YOUNG)
    inside = proportions(data, "joins", domain=YOUNG, design=DESIGN)
    group = proportions(data, "joins", by="young", design=DESIGN)
    pd.testing.assert_frame_equal(inside, group[group["young"]].drop(columns="young").reset_index(drop=True))
    table = crosstab(data, "sex", "joins", domain=YOUNG, design=DESIGN)
    assert (table.n, table.n_weighted) == (4, 4.0)
    shares = table.to_frame().set_index(["row", "column"])["of_row"]
    assert shares.to_dict() == {("m", "no"): 0.5, ("m", "yes"): 0.5, ("w", "no"): 0.0, ("w", "yes"): 1.0}


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        (
            [True] * 7,
            r"domain: it has shape \(7,\), the data have 8 rows\n\s+Try: domain=frame\['age'\] < 40",
        ),
        (np.arange(8), r"domain: it holds something other than true and false"),
        (pd.Series([True] * 7 + [None]), r"domain: it holds something other than true and false"),
        (YOUNG.set_axis(range(1, 9)), r"domain: its index is not that of the data"),
    ],
)
def test_what_is_no_domain(domain: object, message: str) -> None:
    for call in (
        lambda: means(frame(), "y", domain=domain),
        lambda: proportions(frame(), "joins", domain=domain),
        lambda: crosstab(frame(), "sex", "joins", domain=domain),
    ):
        with pytest.raises(ArgumentError, match=message):
            call()


def test_a_domain_of_nobody() -> None:
    nobody = np.zeros(8, dtype=bool)
    with pytest.raises(InsufficientDataError, match=r"means: 'y': no respondent has a value and a positive"):
        means(frame(), "y", domain=nobody)
    with pytest.raises(
        InsufficientDataError, match=r"means: 'y' where area = 'c': no respondent has a value"
    ):
        means(frame(), "y", by="area", domain=nobody)
    with pytest.raises(InsufficientDataError, match=r"crosstab: 'sex' by 'joins': no respondent"):
        crosstab(frame(), "sex", "joins", domain=nobody)
