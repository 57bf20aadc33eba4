"""Models under replicate weights: what each replicate is, what fails, and how the fits are run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from coprodstats import (
    FittedModel,
    SurveyDesign,
    adjacent_categories,
    continuation_ratio,
    logit,
    margins,
    ologit,
    replicate_fitting,
)
from coprodstats.errors import ArgumentError, DesignError
from coprodstats.models.replicate_draws import (
    failed_replicates,
    replicate_covariance,
    replicate_draws,
    without_failed,
)

R = 12
COLUMNS = [f"r{r}" for r in range(R)]


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """Three hundred people, and weights of which every replicate changes each by up to a half."""
    rng = np.random.default_rng(8)
    n = 300
    age, town = rng.normal(50, 12, n), rng.integers(0, 30, n)
    latent = 0.04 * (age - 50) + 0.3 * rng.normal(size=30)[town] + rng.logistic(size=n)
    frame = pd.DataFrame(
        {
            "age": age,
            "part": np.where(rng.random(n) < 0.4, "south", "north"),
            "grade": pd.Categorical.from_codes(
                np.digitize(latent, [-1, 0, 1.2]), ["none", "few", "some", "many"], ordered=True
            ),
            "town": town,
            "w": rng.uniform(0.5, 2.0, n),
        }
    )
    frame["joins"] = (latent > 0.4).astype(int)
    factors = rng.uniform(0.5, 1.5, (n, R))
    return frame.assign(**{name: frame["w"] * factors[:, r] for r, name in enumerate(COLUMNS)})


def given(method: str = "bootstrap", columns: list[str] = COLUMNS, **more: object) -> SurveyDesign:
    return SurveyDesign(weights="w", replicate_weights=columns, replicate_method=method, **more)


Fit = Callable[..., FittedModel]
FAMILIES: dict[str, Fit] = {
    "logit": lambda f, **o: logit("joins ~ age + part", f, **o),
    "logit with an offset": lambda f, **o: logit("joins ~ part", f.assign(o=f["age"] / 30), offset="o", **o),
    "penalised": lambda f, **o: logit("joins ~ age + part", f, separation="firth", **o),
    "ologit": lambda f, **o: ologit("grade ~ age + part", f, **o),
    "cloglog": lambda f, **o: ologit("grade ~ age + part", f, link="cloglog", **o),
    "nonparallel": lambda f, **o: ologit("grade ~ age + part", f, nonparallel=("part",), **o),
    "adjacent": lambda f, **o: adjacent_categories("grade ~ age + part", f, **o),
    "continuation": lambda f, **o: continuation_ratio("grade ~ age + part", f, **o),
}


@pytest.mark.parametrize("fit", FAMILIES.values(), ids=FAMILIES)
def test_a_replicate_is_the_model_with_its_weights(people: pd.DataFrame, fit: Fit) -> None:
    model = fit(people, design=given())
    assert model.replicates is not None
    assert model.replicates.shape == (R, len(model.params))
    for r in (0, 5, R - 1):
        alone = fit(people, design=SurveyDesign(weights=COLUMNS[r]))
        # Serial fits stop at a step of 1e-9 standard errors; estimates here are up to about 4.
        assert model.replicates[r] == pytest.approx(alone.estimates, rel=1e-9, abs=1e-9)
    deviations = model.replicates - model.replicates.mean(axis=0)
    assert model.covariance_matrix == pytest.approx(deviations.T @ deviations / (R - 1), rel=1e-12)
    assert model.warnings == fit(people, design=SurveyDesign(weights="w")).warnings


def test_draws_are_cuts_and_slopes_of_each_replicate(people: pd.DataFrame) -> None:
    model = FAMILIES["logit"](people, design=given())
    draws = replicate_draws(model)
    assert model.replicates is not None
    assert draws[:, 0].tolist() == (-model.replicates[:, 0]).tolist()  # an intercept is minus its cut
    assert draws[:, 1:].tolist() == model.replicates[:, 1:].tolist()
    with pytest.raises(ArgumentError, match="was not fitted under replicate weights"):
        replicate_draws(FAMILIES["logit"](people, design=SurveyDesign(weights="w")))


@pytest.mark.parametrize("covariance", ["robust", "model"])
def test_other_covariances_have_no_replicates(people: pd.DataFrame, covariance: str) -> None:
    model = FAMILIES["logit"](people, design=given(), covariance=covariance)
    plain = FAMILIES["logit"](people, design=SurveyDesign(weights="w"), covariance=covariance)
    assert model.replicates is None
    assert model.bse.tolist() == plain.bse.tolist()


def test_any_number_of_jobs_gives_the_same_bits_and_tells_how_far_it_is(people: pd.DataFrame) -> None:
    design = SurveyDesign(weights="w", psu="town", replicate_method="bootstrap", n_replicates=150, seed=4)
    told: list[tuple[int, int]] = []
    models = []
    for n_jobs in (1, 2, 3):
        with replicate_fitting(n_jobs=n_jobs, progress=lambda done, total: told.append((done, total))):
            models.append(FAMILIES["ologit"](people, design=design))
    assert told == [(64, 150), (128, 150), (150, 150)] * 3
    first, *others = (model.replicates for model in [*models, FAMILIES["ologit"](people, design=design)])
    assert first is not None
    for other in others:
        assert other is not None
        assert first.tobytes() == other.tobytes()
    assert len(told) == 9  # nobody is told outside the block


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_jobs": 0}, "n_jobs: 0"),
        ({"n_jobs": -2}, "n_jobs: -2"),
        ({"n_jobs": True}, "n_jobs: True"),
        ({"n_jobs": 1.5}, "n_jobs: 1.5"),
        ({"progress": "yes"}, "progress: it is a str"),
    ],
)
def test_how_fits_run_is_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message), replicate_fitting(**options):
        pass


def without(people: pd.DataFrame, names: list[str], category: str = "many") -> pd.DataFrame:
    """Take the weight of a category away in some replicates."""
    return people.assign(**{name: people[name].where(people["grade"] != category, 0.0) for name in names})


@pytest.mark.parametrize("family", ["ologit", "nonparallel", "adjacent", "continuation"])
def test_a_random_replicate_that_fails_is_left_out_counted_and_named(
    people: pd.DataFrame, family: str
) -> None:
    model = FAMILIES[family](without(people, ["r3"]), design=given())
    whole = FAMILIES[family](people, design=given())
    assert model.replicates is not None
    assert whole.replicates is not None
    assert np.isnan(model.replicates).all(axis=1).tolist() == [r == 3 for r in range(R)]
    assert failed_replicates(model).tolist() == [r == 3 for r in range(R)]
    assert (
        "1 of 12 replicates could not be fitted: r3 (no respondent in category many); "
        "the variance is that of the others"
    ) in model.warnings
    kept = np.delete(whole.replicates, 3, axis=0)
    mean_square = ((kept - kept.mean(axis=0)) ** 2).mean(axis=0)
    # The bootstrap's factor is R / (R - 1) on the mean of squares, whichever replicates are left.
    assert model.bse.to_numpy() == pytest.approx(np.sqrt(mean_square * R / (R - 1)), rel=1e-12)
    assert margins(model, ["age"])["std_error"].notna().all()


@pytest.mark.parametrize("family", ["logit", "ologit", "cloglog", "nonparallel", "adjacent", "continuation"])
def test_separation_inside_a_replicate_is_a_failure_with_a_reason(people: pd.DataFrame, family: str) -> None:
    foretold = np.digitize(people["age"], people["age"].quantile([0.2, 0.6, 0.8]))
    agrees = people["grade"].cat.codes == foretold
    if family == "logit":
        agrees = people["joins"] == (people["age"] > 50)
    flat = people["part"] == "south"
    changed = people.assign(r7=people["r7"].where(agrees, 0.0))
    (words,) = FAMILIES[family](changed, design=given()).warnings
    assert "r7 (the likelihood has no finite maximum: the outcome is separated" in words
    (words,) = FAMILIES[family](people.assign(r2=people["r2"].where(flat, 0.0)), design=given()).warnings
    assert "r2 (the likelihood has no finite maximum" in words


def test_with_a_penalty_a_separated_replicate_has_a_maximum(people: pd.DataFrame) -> None:
    changed = people.assign(r7=people["r7"].where(people["joins"] == (people["age"] > 50), 0.0))
    model = FAMILIES["penalised"](changed, design=given())
    assert not failed_replicates(model).any()


def test_too_many_failures_are_refused(people: pd.DataFrame) -> None:
    with pytest.raises(
        DesignError,
        match=r"2 of 12 replicates could not be fitted: r3, r4 \(no respondent in category many\)",
    ):
        FAMILIES["ologit"](without(people, ["r3", "r4"]), design=given())


@pytest.mark.parametrize("method", ["jk1", "jkn", "brr", "sdr", "other"])
def test_replicates_that_are_not_random_can_not_fail(people: pd.DataFrame, method: str) -> None:
    design = given(method, **{"jkn": {"rscales": 0.5}, "other": {"scale": 0.1}}.get(method, {}))
    with pytest.raises(DesignError, match=r"(?s)model 'grade': 1 of 12 replicates .* an estimate from every"):
        FAMILIES["ologit"](without(people, ["r3"]), design=design)


def test_a_replicate_that_does_not_count_is_not_fitted(people: pd.DataFrame) -> None:
    rscales = tuple(float(r != 3) for r in range(R))
    model = FAMILIES["ologit"](without(people, ["r3"]), design=given("jkn", rscales=rscales))
    assert model.replicates is not None
    assert np.isnan(model.replicates[3]).all()
    assert not failed_replicates(model).any()
    assert model.warnings == ()


def test_only_known_failures_are_left_out(people: pd.DataFrame) -> None:
    model = FAMILIES["logit"](people, design=given())
    replication = model.design.replication
    assert replication is not None
    draws = replicate_draws(model)
    draws[4] = np.nan
    nobody = np.zeros(R, dtype=bool)
    assert without_failed(replication, nobody) is replication
    with pytest.raises(DesignError, match="1 of 12 replicates give no estimate"):
        replicate_covariance(draws, model.theta, replication, failed=nobody)
    found = replicate_covariance(draws, model.theta, replication, failed=np.arange(R) == 4)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("options", "rule", "words"),
    [
        ({}, "stata", "t with 11 df (rank of the 12 replicate weights, minus one)"),
        ({}, "r", "t with 9 df (R's rule: rank of the 12 replicate weights, minus one, minus parameters)"),
        ({"replicate_df": 5}, "stata", "t with 5 df (declared for the replicate weights)"),
    ],
)
def test_degrees_of_freedom_in_words(
    people: pd.DataFrame, options: dict[str, int], rule: str, words: str
) -> None:
    model = FAMILIES["logit"](people, design=given(**options), df_rule=rule)
    assert model.df_statement() == words
    assert "12 replicates; covariance" not in str(model.summary())
    assert "(0 rows left out), 12 replicates\n" in str(model.summary())


def test_a_small_bootstrap_has_the_degrees_of_freedom_of_its_replicates(people: pd.DataFrame) -> None:
    made = {"weights": "w", "psu": "town", "replicate_method": "bootstrap", "seed": 1}
    few = FAMILIES["logit"](people, design=SurveyDesign(**made, n_replicates=10))
    assert few.df_statement() == "t with 9 df (10 replicates, minus one)"
    many = FAMILIES["logit"](people, design=SurveyDesign(**made, n_replicates=60))
    assert many.df_statement() == "t with 29 df (30 PSUs of the design minus one stratum)"
