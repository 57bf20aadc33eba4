from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, clean, dimensionality, item_analysis, read_codebook, read_survey
from coprodstats.errors import ArgumentError, InsufficientDataError
from coprodstats.survey.factors import factor_solution, omega_total
from coprodstats.survey.reliability import alpha, alpha_influence


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(12)
    n = 2500
    traits = rng.multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]], n)
    latent = traits[:, [0, 0, 0, 1, 1, 1]] + 0.8 * rng.normal(size=(n, 6))
    data = pd.DataFrame(np.digitize(latent, [-1, 0, 1]), columns=list("abcdef"))
    data["turned"] = 3 - data["a"]
    data["same"] = 1
    data["income"] = rng.normal(size=n)
    data["text"] = "x"
    data["level"] = pd.Categorical(rng.choice(["low", "high"], n), ["low", "high", "none"])
    data["w"] = rng.uniform(0.5, 2, n)
    return data


def test_influence_is_the_derivative_by_the_weights(frame: pd.DataFrame) -> None:
    scores, w = frame[list("abc")].to_numpy(dtype=float), frame["w"].to_numpy()

    def of(weights: np.ndarray) -> float:
        return alpha(np.cov(scores.T, aweights=weights, ddof=0))

    influence = alpha_influence(scores, w)
    for i in (0, 10, 99):
        step = 1e-4 * (np.arange(len(w)) == i)
        # w dα/dw is the influence of a row on an estimator that ignores the scale of weights.
        assert w[i] * (of(w + step) - of(w - step)) / 2e-4 == pytest.approx(influence[i], rel=1e-5, abs=1e-10)
    assert influence.sum() == pytest.approx(0.0, abs=1e-12)


def test_parallel_items_by_the_formulas() -> None:
    """Items that correlate by r: alpha and omega are both K r / (1 + (K - 1) r)."""
    matrix = np.full((5, 5), 0.4) + 0.6 * np.eye(5)
    wanted = 5 * 0.4 / (1 + 4 * 0.4)
    assert alpha(matrix) == pytest.approx(wanted, rel=1e-12)
    assert omega_total(factor_solution(matrix, 1)) == pytest.approx(wanted, abs=1e-5)


def test_an_item_that_points_the_other_way_is_named(frame: pd.DataFrame) -> None:
    found = item_analysis(frame, ["turned", "b", "c"])
    assert "Pointing the other way than the rest: turned." in found.notes
    assert found.items.set_index("item").loc["turned", "item_rest"] < 0


def test_missing_answers_are_counted(frame: pd.DataFrame) -> None:
    gaps = frame.astype({"a": "Int64"})
    gaps.loc[:49, "a"] = pd.NA
    found = item_analysis(gaps, ["a", "b", "c"])
    assert found.n_complete == 2450
    assert found.notes[0] == "50 of 2,500 respondents left an item unanswered."
    assert found.items["n"].tolist() == [2450, 2500, 2500]
    young = item_analysis(gaps, ["a", "b", "c"], domain=gaps.index >= 50)
    assert young.n_complete == 2450
    assert young.notes == ()


def test_the_index_of_a_codebook() -> None:
    codebook = read_codebook("analyses/five_nation_2008/codebook.toml")
    cleaned = clean(read_survey("data/synthetic/five_nation_2008.csv", codebook))
    found = item_analysis(cleaned, "individual_index")
    items = codebook.indices["individual_index"].items.names
    assert found.items["item"].tolist() == list(items)
    scores = cleaned.frame["individual_index"]
    assert found.items["mean"].between(0, 100).all()
    assert scores.notna().sum() >= found.n_complete
    alpha_row = found.measures.iloc[0]
    assert alpha_row["df"] == 210
    with pytest.raises(
        ArgumentError, match=r"'individual_indx' is not an index(.|\n)*did you mean 'individual_index'"
    ):
        item_analysis(cleaned, "individual_indx")


def test_two_traits_come_apart(frame: pd.DataFrame) -> None:
    found = dimensionality(frame, {"first": list("abc"), "second": list("def")}, seed=4, n_replicates=20)
    assert found.n_dimensions == 2
    assert (found.loadings["set"] == found.loadings["nearer"]).all()
    assert found.fit["rmsr"].tolist()[0] > 3 * found.fit["rmsr"].tolist()[1]
    # Planted: errors of variance 0.64 beside traits of variance 1; the traits correlate by 0.3.
    assert found.fit["correlation"][1] == pytest.approx(0.3, abs=0.1)
    strong = np.where(
        found.loadings["set"] == "first", found.loadings["first_of_two"], found.loadings["second_of_two"]
    )
    other = np.where(
        found.loadings["set"] == "first", found.loadings["second_of_two"], found.loadings["first_of_two"]
    )
    both = np.sort([np.abs(strong), np.abs(other)], axis=0)
    assert both[1] == pytest.approx(1 / np.sqrt(1.64), abs=0.1)
    assert both[0].max() < 0.1
    assert "Every item lies with its own set." in found.notes


def test_one_trait_and_no_trait() -> None:
    rng = np.random.default_rng(1)
    n = 400
    one = pd.DataFrame(
        np.digitize(rng.normal(size=(n, 1)) + rng.normal(size=(n, 5)), [-1, 1]), columns=list("vwxyz")
    )
    assert dimensionality(one, list("vwxyz"), seed=1, n_replicates=30).n_dimensions == 1
    none = pd.DataFrame(rng.integers(0, 3, (n, 5)), columns=list("vwxyz"))
    # By chance one eigenvalue of five exceeds its 95th percentile at most.
    assert dimensionality(none, list("vwxyz"), seed=1, n_replicates=30).n_dimensions <= 1


def test_the_same_seed_gives_the_same(frame: pd.DataFrame) -> None:
    first, again, other = (
        dimensionality(frame, list("abcdef"), seed=s, n_replicates=20).eigenvalues for s in (7, 7, 8)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not first["random_95"].equals(other["random_95"])


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (["a", "b"], r"2 items \(a, b\)\n\s+Allowed: 3 at least"),
        (["a", "b", "bb"], r"'bb': the data have no such column"),
        (
            ["a", "b", "income", "text"],
            r"(?s)'income': it has 2500 different numbers.*'text': its type is str",
        ),
        ("a", r"'a' is a single name\n\s+Allowed: a list of columns"),
    ],
)
def test_items_that_are_none(frame: pd.DataFrame, items: list[str], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        item_analysis(frame, items)


def test_unordered_categories_and_constants(frame: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match=r"'level': its categories have no declared order"):
        item_analysis(frame, ["a", "b", "level"])
    with pytest.raises(InsufficientDataError, match=r"'same': all its answers are the same"):
        item_analysis(frame, ["a", "b", "same"])
    few = frame.astype({"a": "Int64"})
    few.loc[few.index[few["a"] == 0][1:].union(few.index[few["a"] > 0][2:]), "a"] = pd.NA
    with pytest.raises(InsufficientDataError, match=r"fewer respondents than items"):
        item_analysis(few, ["a", "b", "c"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"items": {"x": ["a"], "y": ["a", "b"], "z": []}}, r"(?s)3 sets.*a is in more than one set"),
        ({"items": list("abcd")}, r"4 items(.|\n)*5 at least"),
        ({"items": list("abcdef"), "n_replicates": 3}, r"n_replicates: 3\n\s+Allowed: a whole number of 20"),
    ],
)
def test_arguments_of_dimensionality(frame: pd.DataFrame, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        dimensionality(frame, **{"seed": 1, **arguments})


def test_what_is_shown(frame: pd.DataFrame) -> None:
    found = item_analysis(frame, list("abc"), design=SurveyDesign(weights="w"))
    assert repr(found).startswith("<ItemAnalysis of 3 items, alpha 0.")
    assert found._repr_html_().count("<table>") == 4
    flat = dimensionality(frame, list("abcdef"), seed=1, n_replicates=20)
    assert flat._repr_html_().count("<table>") == 4
    assert "nearer" not in flat.loadings
