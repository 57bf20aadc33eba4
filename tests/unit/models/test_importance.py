"""Importance of predictors: its two measures by hand, and its bootstrap against fits of each replicate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats import FittedModel, SurveyDesign, logit, ologit
from coprodstats.errors import ArgumentError, ModelError
from coprodstats.models.importance import CONTRIBUTION, DROP, block_share, importance
from coprodstats.survey.replicates import bootstrap_weights

TOWNS = SurveyDesign(weights="w", psu="town")


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    n = 400
    town = np.repeat(np.arange(40), 10)
    age, trust = rng.normal(50, 15, n), rng.normal(size=n)
    part = rng.choice(["north", "south", "east"], n)
    latent = age / 25 + 0.8 * trust + (part == "east") + rng.logistic(size=n)
    frame = pd.DataFrame({"age": age, "trust": trust, "part": part, "town": town, "w": rng.uniform(1, 3, n)})
    grades = pd.Categorical.from_codes(np.digitize(latent, [1.5, 2.5, 3.5]), list("abcd"), ordered=True)
    return frame.assign(grade=grades, joins=(latent > 2.5).astype(int))


def fit(frame: pd.DataFrame, right: str, **options: object) -> FittedModel:
    return ologit(f"grade ~ {right}", frame, **{"design": TOWNS} | options)


def measures(frame: pd.DataFrame) -> np.ndarray:
    """Return contribution and drop of age, trust and part by the definitions, one fit for each number."""
    model = fit(frame, "age + trust + part")
    b, w = model.params, frame["w"]
    parts = {
        "age": b["age"] * frame["age"],
        "trust": b["trust"] * frame["trust"],
        "part": sum(
            b[f"part[T.{level}]"] * (frame["part"] == level)
            for level in frame["part"].unique()
            if f"part[T.{level}]" in b.index
        ),
    }
    without = {"age": "trust + part", "trust": "age + part", "part": "age + trust"}
    found = []
    for name, values in parts.items():
        spread = np.sqrt(np.average((values - np.average(values, weights=w)) ** 2, weights=w))
        found.append([spread, model.prsquared - fit(frame, without[name]).prsquared])
    return np.array(found)


def test_estimates_and_replicates_are_those_of_fits_one_by_one(people: pd.DataFrame) -> None:
    model = fit(people, "age + trust + part")
    told: list[tuple[int, int]] = []
    found = importance(model, n_replicates=5, seed=9, progress=lambda done, total: told.append((done, total)))
    assert found.estimates.columns.tolist() == [CONTRIBUTION, DROP]
    assert found.estimates.to_numpy() == pytest.approx(measures(people), rel=1e-9)
    assert (found.failed, told) == (0, [(5, 5)])
    for ours, w in zip(found.replicates, bootstrap_weights(model.design, 5, seed=9), strict=True):
        inside = people.assign(w=w)[w > 0]
        assert ours == pytest.approx(measures(inside), rel=1e-9)


def test_the_share_of_a_block(people: pd.DataFrame) -> None:
    model = fit(people, "age + trust + part")
    share = block_share(model, ["trust", "age"], n_replicates=40, seed=3)
    assert share.estimate == pytest.approx(fit(people, "age + trust").prsquared, rel=1e-9)
    assert 0 < share.conf_low < share.estimate < share.conf_high < 1
    assert share.failed == 0


@pytest.mark.parametrize("level", ["abroad", "west"])
def test_a_level_that_a_replicate_lacks_costs_no_replicate(people: pd.DataFrame, level: str) -> None:
    """The first in the alphabet is the reference: without it the columns of the others add up to one."""
    rare = people.assign(part=people["part"].mask(people["town"] == 1, level))
    model = fit(rare, "age + trust + part")
    found = importance(model, n_replicates=20, seed=1)
    assert found.failed == 0
    lacking = 0
    for ours, w in zip(found.replicates, bootstrap_weights(model.design, 20, seed=1), strict=True):
        inside = rare.assign(w=w)[w > 0]
        lacking += level not in set(inside["part"])
        assert ours == pytest.approx(measures(inside), rel=1e-9)
    assert 0 < lacking < 20


def test_a_replicate_without_the_only_level_that_differs_is_of_no_importance(people: pd.DataFrame) -> None:
    rare = people.assign(part=np.where(people["town"] == 1, "west", "north"))
    model = fit(rare, "part")
    found = importance(model, n_replicates=20, seed=1)
    assert found.failed == 0
    lacking = [not w[rare["part"] == "west"].any() for w in bootstrap_weights(model.design, 20, seed=1)]
    assert 0 < sum(lacking) < 20
    assert found.replicates[lacking] == pytest.approx(0, abs=1e-12)
    assert (np.abs(found.replicates[~np.array(lacking)]) > 1e-6).all()


def test_a_replicate_in_which_two_predictors_are_the_same_tells_nothing_of_either(
    people: pd.DataFrame,
) -> None:
    one = people["trust"] > 0
    twins = people.assign(one=one.astype(int), other=(one ^ (people["town"] == 1)).astype(int))
    for right, variables in (("age + one + other", None), ("age + one + other + one:other", ["age", "one"])):
        model = fit(twins, right)
        lacking = sum(not w[twins["town"] == 1].any() for w in bootstrap_weights(model.design, 60, seed=1))
        assert 6 < lacking < 60
        with pytest.raises(ModelError, match=rf"{lacking} of 60 bootstrap replicates could not be fitted"):
            importance(model, variables, n_replicates=60, seed=1)
    assert importance(model, ["age"], n_replicates=60, seed=1).failed == 0
    assert block_share(model, ["one", "other"], n_replicates=60, seed=1).failed == 0


def test_replicates_without_a_category_are_counted_and_too_many_refused(people: pd.DataFrame) -> None:
    codes = people["grade"].cat.codes.clip(lower=1).where(people["town"] != 7, 0)
    rare = people.assign(grade=pd.Categorical.from_codes(codes.to_numpy(), list("abcd"), ordered=True))
    with pytest.raises(ModelError, match=r"of 30 bootstrap replicates could not be fitted"):
        importance(fit(rare, "age + trust"), n_replicates=30, seed=1)
    codes = codes.where(~people["town"].isin([8, 9]) | (people["age"] > 50), 0)
    rare = people.assign(grade=pd.Categorical.from_codes(codes.to_numpy(), list("abcd"), ordered=True))
    found = importance(fit(rare, "age + trust"), n_replicates=60, seed=1)
    drawn = list(bootstrap_weights(fit(rare, "age").design, 60, seed=1))
    lacking = sum(w[codes.to_numpy() == 0].sum() == 0 for w in drawn)
    assert 0 < found.failed == lacking
    assert len(found.replicates) == 60 - lacking


def test_replicate_weights_made_from_psus_are_no_hindrance_those_given_are(people: pd.DataFrame) -> None:
    made = SurveyDesign(weights="w", psu="town", replicate_method="jk1")
    plain = importance(fit(people, "age + trust"), n_replicates=4, seed=2)
    found = importance(fit(people, "age + trust", design=made), n_replicates=4, seed=2)
    assert found.replicates == pytest.approx(plain.replicates, rel=1e-12)
    columns = {f"r{k}": w for k, w in enumerate(bootstrap_weights(fit(people, "age").design, 6, seed=1))}
    frame = people.assign(**columns)
    given = SurveyDesign(weights="w", replicate_weights=list(columns), replicate_method="bootstrap")
    for asked in (importance, lambda m, seed: block_share(m, ["age"], seed=seed)):
        with pytest.raises(ArgumentError, match="do not say who was sampled together"):
            asked(logit("joins ~ age", frame, design=given), seed=1)


def test_a_replicate_without_a_finite_estimate_is_counted_as_failed(people: pd.DataFrame) -> None:
    """Three respondents of a rare group, two of whom join: in most replicates all that are left agree."""
    rare = people.copy()
    rare.loc[[5, 155, 305], "part"] = "abroad"
    rare.loc[[5, 155, 305], "joins"] = [1, 1, 0]
    model = logit("joins ~ trust + part", rare, design=TOWNS)
    expected = 0
    for w in bootstrap_weights(model.design, 60, seed=3):
        left = rare.loc[(w > 0) & (rare["part"] == "abroad"), "joins"]
        expected += len(left) > 0 and len(set(left)) == 1
    assert 0 < expected < 60
    with pytest.raises(ModelError, match=rf"{expected} of 60 bootstrap replicates could not be fitted"):
        importance(model, n_replicates=60, seed=3)
