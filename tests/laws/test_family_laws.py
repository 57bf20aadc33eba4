"""Laws of the ordinal families on drawn data, whatever they hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from coprodstats import SurveyDesign, adjacent_categories, continuation_ratio, logit, margins, ologit
from coprodstats.errors import ConvergenceError, ModelError
from coprodstats.models.results import FittedModel

law = settings(
    deadline=None,
    max_examples=5,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
FITTERS = [ologit, adjacent_categories, continuation_ratio]
DESIGN = SurveyDesign(weights="w", strata="s", psu="p")


@st.composite
def surveys(draw: st.DrawFn) -> pd.DataFrame:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, k = draw(st.integers(120, 200)), draw(st.integers(3, 5))
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "g": pd.Categorical(rng.choice(["a", "b", "c"], n)),
            "w": rng.uniform(0.3, 3.0, n),
            "s": rng.integers(0, 3, n),
        }
    )
    frame["p"] = frame["s"] * 10 + rng.integers(0, 6, n)
    latent = draw(st.floats(-1, 1)) * frame["x"] + 0.5 * (frame["g"] == "b") + rng.logistic(size=n)
    code = pd.qcut(latent, k, labels=False)
    return frame.assign(y=pd.Categorical.from_codes(code, list("abcde")[:k], ordered=True))


def fit(fitter, frame: pd.DataFrame, **options) -> FittedModel:
    try:
        return fitter("y ~ x + g", frame, **options)
    except (ModelError, ConvergenceError):  # separated, or crossing at the best fit: another draw
        reject()


@pytest.mark.parametrize("fitter", FITTERS)
@given(frame=surveys())
@law
def test_neither_the_scale_of_weights_nor_the_order_of_rows_matters(fitter, frame: pd.DataFrame) -> None:
    one = fit(fitter, frame, nonparallel="x", design=DESIGN)
    other = frame.assign(w=frame["w"] * 1e4).sample(frac=1, random_state=1)
    two = fitter("y ~ x + g", other, nonparallel="x", design=DESIGN)
    # sums in another order: rounding, times the condition of the information
    assert two.estimates == pytest.approx(one.estimates, rel=1e-8, abs=1e-9)
    assert two.bse.to_numpy() == pytest.approx(one.bse.to_numpy(), rel=1e-8)
    assert two.llf == pytest.approx(one.llf, rel=1e-11)


@pytest.mark.parametrize("fitter", FITTERS)
@given(frame=surveys())
@law
def test_slopes_of_their_own_never_fit_worse_and_margins_sum_to_zero(fitter, frame: pd.DataFrame) -> None:
    parallel, some = fit(fitter, frame), fit(fitter, frame, nonparallel="x")
    every = fit(fitter, frame, nonparallel="all")
    assert parallel.llf <= some.llf + 1e-9
    assert some.llf <= every.llf + 1e-9
    assume(not some.warnings)  # crossing lines have no margins
    try:
        found = margins(some)
    except ModelError:  # they cross for someone set to another level
        reject()
    sums = found.groupby(["variable", "contrast"])["estimate"].sum()
    assert sums.to_numpy() == pytest.approx(np.zeros(len(sums)), abs=1e-12)


@given(frame=surveys())
@law
def test_continuation_ratios_by_split_are_the_sum_of_their_stages(frame: pd.DataFrame) -> None:
    ours = fit(continuation_ratio, frame, nonparallel="all", covariance="model")
    code = frame["y"].cat.codes
    stages = [
        logit("goes ~ x + g", frame.assign(goes=(code > k)), domain=code >= k, covariance="model").llf
        for k in range(code.max())
    ]
    assert ours.llf == pytest.approx(sum(stages), rel=1e-12)


@pytest.mark.parametrize("fitter", FITTERS)
@given(frame=surveys())
@law
def test_counts_are_respondents(fitter, frame: pd.DataFrame) -> None:
    times = 1 + (np.arange(len(frame)) % 3)
    counted = fit(fitter, frame.assign(w=times.astype(float)), nonparallel="x",
                  design=SurveyDesign(weights="w"), covariance="model")  # fmt: skip
    spread = frame.loc[frame.index.repeat(times)].reset_index(drop=True)
    each = fitter("y ~ x + g", spread, nonparallel="x", covariance="model")
    assert counted.estimates == pytest.approx(each.estimates, rel=1e-9, abs=1e-10)
    assert counted.bse.to_numpy() == pytest.approx(each.bse.to_numpy(), rel=1e-9)
