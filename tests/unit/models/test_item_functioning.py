from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, item_functioning, ologit, wald_test
from coprodstats.errors import ArgumentError

DESIGN = SurveyDesign(weights="w", strata="land", psu="town")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Five items; in FR the last is answered higher, in DE the fourth hardly goes with the others."""
    rng = np.random.default_rng(21)
    n = 2400
    land = rng.integers(0, 3, n)
    trait = rng.normal(size=n) + 0.5 * (land == 1)
    slope = np.ones((n, 5))
    slope[land == 0, 3] = 0.1
    latent = slope * trait[:, None] * 1.5 + rng.logistic(size=(n, 5))
    latent[land == 2, 4] += 2.0
    data = pd.DataFrame(np.digitize(latent, [-1.5, 0, 1.5]), columns=list("abcde"))
    data["land"] = np.array(["DE", "DK", "FR"])[land]
    data["w"] = rng.uniform(0.5, 2.0, n)
    data["town"] = land * 100 + rng.integers(0, 15, n)
    return data


def test_planted_differences_are_found_and_no_others(frame: pd.DataFrame) -> None:
    found = item_functioning(frame, list("abcde"), group="land", design=DESIGN)
    table = found.table.set_index("item")
    assert table.loc["e", "uniform_p_adjusted"] < 1e-6
    assert table.loc["e", "size"] != "negligible"
    assert table.loc["e", "between"].startswith("FR")
    # About one and a half of three steps: two of latent scale, where a step is 1.5 wide.
    assert 0.7 < table.loc["e", "largest_gap"] < 1.6
    assert table["slopes_p_adjusted"].idxmin() == "d"
    assert table.loc["d", "slopes_p_adjusted"] < 1e-6
    assert (table.loc[["a", "b", "c"], "r_squared_change"] < 0.035).all()
    assert (table["n"] == 2400).all()
    assert "answers in FR are up to" in found.sentences[4]


def test_the_tests_are_those_of_ordinal_models_by_hand(frame: pd.DataFrame) -> None:
    row = item_functioning(frame, list("abc"), group="land", design=DESIGN).table.set_index("item").loc["b"]
    own = frame.assign(y=pd.Categorical(frame["b"], ordered=True), rest=(frame["a"] / 3 + frame["c"] / 3) / 2)
    uniform = wald_test(ologit("y ~ rest + land", own, design=DESIGN), "land")
    slopes = wald_test(ologit("y ~ rest * land", own, design=DESIGN), "rest:land")
    for kind, test in (("uniform", uniform), ("slopes", slopes)):
        assert row[f"{kind}_f"] == pytest.approx(test.statistic, rel=1e-9)
        assert row[f"{kind}_p"] == pytest.approx(test.p_value, rel=1e-9)
        assert (row[f"{kind}_df_num"], row[f"{kind}_df_denom"]) == (test.df_num, test.df_denom)


def test_items_alike_everywhere_are_called_negligible() -> None:
    rng = np.random.default_rng(2)
    latent = rng.normal(size=(900, 1)) + rng.logistic(size=(900, 4))
    data = pd.DataFrame(np.digitize(latent, [-1, 1]), columns=list("abcd"))
    found = item_functioning(data.assign(land=rng.choice(["DK", "FR"], 900)), list("abcd"), group="land")
    assert (found.table["size"] == "negligible").all()
    assert repr(found) == "<ItemFunctioning of 4 items by land: 0 not negligible>"
    assert all("could not tell whether" in s or "too little to matter" in s for s in found.sentences)
    assert "<table" in found._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"group": "lan"}, r"the data have no column 'lan'(.|\n)*did you mean 'land'"),
        ({"group": "a"}, r"'a' is one of the items"),
        ({"group": "w"}, r"'w' is numeric\n\s+Allowed: categories"),
        ({"group": "land", "adjust": "none"}, r"adjust: 'none'\n\s+Allowed: holm, bh"),
    ],
)
def test_refusals(frame: pd.DataFrame, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        item_functioning(frame, list("abc"), **arguments)


def test_one_group_is_none(frame: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match=r"'land' has one group\n\s+Allowed: two at least"):
        item_functioning(frame[frame["land"] == "DK"], list("abc"), group="land")
