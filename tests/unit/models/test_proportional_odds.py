"""The search for parallel slopes, and the likelihood-ratio test that rests on the same models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from coprodstats import SurveyDesign, ologit, parallel_lines_test, proportional_odds_search
from coprodstats.errors import ArgumentError, InsufficientDataError
from coprodstats.models.proportional_odds import CAVEAT, STEP_COLUMNS

DESIGN = SurveyDesign(weights="w", psu="town")
FORMULA = "y ~ bends + straight + group"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Known truth: ``bends`` has a slope of 0.2 at the low split and of 1.2 at the high one."""
    rng = np.random.default_rng(9)
    n = 3000
    data = pd.DataFrame(
        {
            "bends": rng.uniform(-1, 1, n),
            "straight": rng.normal(size=n),
            "group": pd.Categorical(rng.choice(list("abc"), n)),
            "w": rng.uniform(0.5, 1.5, n),
            "town": rng.integers(0, 60, n),
        }
    )
    other = 0.5 * data["straight"] + 0.4 * (data["group"] == "b")
    u = rng.logistic(size=n)
    above = (u < 1.0 + other + 0.2 * data["bends"]).astype(int)
    higher = (u < -1.4 + other + 1.2 * data["bends"]).astype(int)
    data["y"] = pd.Categorical.from_codes(above + higher, ["low", "mid", "high"], ordered=True)
    return data


def wald(model, columns: list[str], d: float) -> tuple[float, float]:
    """The adjusted Wald F that slopes at the two splits are equal, by hand."""
    names = [(f"{c}[low|mid]", f"{c}[mid|high]") for c in columns]
    difference = np.array([model.params[high] - model.params[low] for low, high in names])
    contrast = pd.DataFrame(0.0, index=range(len(names)), columns=model.params.index)
    for i, (low, high) in enumerate(names):
        contrast.loc[i, [low, high]] = [-1.0, 1.0]
    v = contrast.to_numpy() @ model.cov_params().to_numpy() @ contrast.to_numpy().T
    q = len(names)
    f = difference @ np.linalg.solve(v, difference) * (d - q + 1) / (d * q)
    return f, stats.f.sf(f, q, d - q + 1)


def test_the_search_finds_what_bends_and_says_how(frame: pd.DataFrame) -> None:
    found = proportional_odds_search(FORMULA, frame, design=DESIGN)
    assert found.nonparallel == ("bends",)
    assert sorted(found.parallel) == ["group", "straight"]
    assert tuple(found.steps.columns) == STEP_COLUMNS
    assert found.steps["term"].tolist() == [*found.parallel, "bends"]
    assert found.steps["made_parallel"].tolist() == [True, True, False]
    assert found.steps["step"].tolist() == [1, 2, 3]
    assert found.caveats == (CAVEAT,)
    final = ologit(FORMULA, frame, nonparallel="bends", design=DESIGN)
    assert np.array_equal(found.model.estimates, final.estimates)
    assert found.to_frame()["model"].unique().tolist() == ["y"]
    assert "by split bends" in repr(found)


def test_each_step_is_an_adjusted_wald_test_of_the_model_before_it(frame: pd.DataFrame) -> None:
    found = proportional_odds_search(FORMULA, frame, design=DESIGN)
    columns = {"bends": ["bends"], "straight": ["straight"], "group": ["group[T.b]", "group[T.c]"]}
    left = list(columns)
    d = frame["town"].nunique() - 1
    for _, step in found.steps.iterrows():
        model = ologit(FORMULA, frame, nonparallel=left, design=DESIGN)
        tests = {term: wald(model, columns[term], d) for term in left}
        assert step["term"] == max(left, key=lambda t: tests[t][1])
        assert (step["statistic"], step["p_value"]) == pytest.approx(tests[step["term"]], rel=1e-9)
        left.remove(step["term"])
    first = ologit(FORMULA, frame, nonparallel="all", design=DESIGN)
    joint = wald(first, columns["straight"] + columns["group"], d)
    assert (found.test.statistic, found.test.p_value) == pytest.approx(joint, rel=1e-9)
    assert found.test.df_num == 3


def test_the_level_decides_how_far_it_goes(frame: pd.DataFrame) -> None:
    everything = proportional_odds_search(FORMULA, frame, alpha=1e-300, covariance="model")
    plain = ologit(FORMULA, frame, covariance="model")
    assert everything.nonparallel == ()
    assert np.array_equal(everything.model.estimates, plain.estimates)
    nothing = proportional_odds_search(FORMULA, frame, alpha=1 - 1e-12)
    assert nothing.parallel == ()
    assert np.isnan(nothing.test.p_value)
    assert nothing.steps["made_parallel"].sum() == 0
    assert set(nothing.model.nonparallel) == {"bends", "straight", "group[T.b]", "group[T.c]"}


def test_only_terms_that_are_named_are_searched(frame: pd.DataFrame) -> None:
    found = proportional_odds_search(FORMULA, frame, terms=("straight",))
    assert found.parallel == ("straight",)
    assert found.model.nonparallel == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0}, "alpha: 0"),
        ({"alpha": True}, "alpha: True"),
        ({"terms": ()}, "no term is named"),
        ({"terms": 4}, "it is a int, not names"),
        ({"terms": "group[T.b]"}, r"'group\[T.b\]' is one column of a term"),
        ({"terms": "bend"}, "'bend' is no term"),
        ({"alpha": 2, "terms": 4}, "2 faults"),
    ],
)
def test_wrong_arguments(frame: pd.DataFrame, options: dict, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        proportional_odds_search(FORMULA, frame, **options)


def test_more_differences_than_degrees_of_freedom(frame: pd.DataFrame) -> None:
    few = frame.assign(town=frame["town"] % 3)
    with pytest.raises(InsufficientDataError, match=r"group: 2 differences .* 1 degrees of freedom"):
        proportional_odds_search(FORMULA, few.assign(town=frame["town"] % 2), design=DESIGN, terms="group")
    found = proportional_odds_search(FORMULA, few, design=DESIGN, alpha=1e-300)
    assert found.caveats[1].startswith("No joint test: 4 differences")
    assert np.isnan(found.test.statistic)


def test_likelihood_ratio_tests_of_parallel_lines_are_of_these_models(frame: pd.DataFrame) -> None:
    plain = ologit(FORMULA, frame, covariance="model")
    found = parallel_lines_test(plain, method="likelihood-ratio").tests.set_index("term")
    for term, nonparallel in (("bends", "bends"), ("group", "group"), ("all terms", "all")):
        wider = ologit(FORMULA, frame, covariance="model", nonparallel=nonparallel)
        assert found.loc[term, "statistic"] == pytest.approx(2 * (wider.llf - plain.llf), abs=1e-8)
        assert found.loc[term, "df_num"] == wider.df_model - plain.df_model
