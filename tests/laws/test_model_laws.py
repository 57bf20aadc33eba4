"""What must be true of every model, whatever the data: drawn data, no numbers typed in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coprodstats import SurveyDesign, compare, logit, margins, ologit, predict, wald_test
from coprodstats.models.results import FittedModel

law = settings(
    deadline=None,
    max_examples=15,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
DESIGN = SurveyDesign(weights="w", strata="region", psu="town")
RIGHT = "age + x + nation"
SEEDS = st.integers(0, 10_000)
LINKS = st.sampled_from(["logit", "probit", "cloglog", "loglog", "cauchit"])


def draw(seed: int, *, categories: int = 4, n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "x": rng.normal(size=n),
            "nation": pd.Categorical(np.resize(["CZ", "DK", "FR"], n)),
            "w": rng.integers(1, 5, n).astype(float),
            "region": np.repeat([1, 2, 3], n // 3),
        }
    )
    frame["town"] = frame["region"] * 100 + rng.integers(0, 8, n)
    slope = rng.normal(size=3) * [0.015, 0.4, 0.5]
    latent = frame["age"] * slope[0] + frame["x"] * slope[1] + (frame["nation"] == "DK") * slope[2]
    score = latent + rng.logistic(size=n)
    labels = [f"c{k}" for k in range(categories)]
    frame["y"] = pd.Categorical.from_codes(
        np.searchsorted(np.quantile(score, np.linspace(0, 1, categories + 1)[1:-1]), score),
        labels,
        ordered=True,
    )
    frame["z"] = (latent + 1.5 * rng.logistic(size=n) > np.median(latent)).astype(int)
    return frame


def close(one: object, two: object, rel: float = 1e-9) -> bool:
    """Equal up to rounding, measured against the largest number of the two."""
    a, b = np.asarray(one, dtype=float), np.asarray(two, dtype=float)
    return bool(np.abs(a - b).max() <= rel * max(np.abs(b).max(), 1e-12))


def same(one: FittedModel, two: FittedModel, rel: float = 1e-9) -> bool:
    """Estimates compared in units of their standard errors; covariances and p values too."""
    size = two.bse.to_numpy()
    return (
        bool(np.all(np.abs(one.estimates - two.estimates) <= rel * size))
        and close(
            one.covariance_matrix / np.outer(size, size), two.covariance_matrix / np.outer(size, size), rel
        )
        and close(one.pvalues, two.pvalues, 1e-7)
    )


@law
@given(SEEDS)
def test_an_ordinal_model_of_two_categories_is_the_logistic_model(seed: int) -> None:
    frame = draw(seed, categories=2)
    binary, ordinal = (
        logit(f"y ~ {RIGHT}", frame, design=DESIGN),
        ologit(f"y ~ {RIGHT}", frame, design=DESIGN),
    )
    assert close(ordinal.estimates, [*binary.estimates[1:], -binary.estimates[0]], 1e-11)
    assert close(ordinal.bse, [*binary.bse.iloc[1:], binary.bse.iloc[0]], 1e-10)
    assert ordinal.llf == pytest.approx(binary.llf, rel=1e-13)
    assert close(predict(ordinal)["c1"], predict(binary)["c1"], 1e-11)


@law
@given(SEEDS, LINKS, st.integers(2, 6))
def test_reversing_the_outcome_flips_every_sign(seed: int, link: str, categories: int) -> None:
    frame = draw(seed, categories=categories)
    mirror = {"cloglog": "loglog", "loglog": "cloglog"}.get(link, link)
    reversed_ = frame.assign(y=frame["y"].cat.reorder_categories(list(frame["y"].cat.categories[::-1])))
    one = ologit(f"y ~ {RIGHT}", frame, design=DESIGN, link=link)
    other = ologit(f"y ~ {RIGHT}", reversed_, design=DESIGN, link=mirror)
    slopes = one.df_model
    assert close(one.estimates[:slopes], -other.estimates[:slopes])
    assert close(one.thresholds, -other.thresholds[::-1])
    assert close(one.bse.iloc[:slopes], other.bse.iloc[:slopes])
    assert one.llf == pytest.approx(other.llf, rel=1e-12)
    assert close(predict(one), predict(other)[list(predict(one).columns)])


@law
@given(SEEDS, st.floats(1e-6, 1e6), LINKS)
def test_the_scale_of_the_weights_changes_n_weighted_only(seed: int, scale: float, link: str) -> None:
    frame = draw(seed)
    one = ologit(f"y ~ {RIGHT}", frame, design=DESIGN, link=link)
    other = ologit(f"y ~ {RIGHT}", frame.assign(w=frame["w"] * scale), design=DESIGN, link=link)
    assert same(other, one, 1e-8)
    assert (other.nobs, other.df, other.llf) == (one.nobs, one.df, pytest.approx(one.llf, rel=1e-12))
    assert other.n_weighted == pytest.approx(one.n_weighted * scale, rel=1e-12)
    assert close(
        margins(other, vce="unconditional")["std_error"], margins(one, vce="unconditional")["std_error"], 1e-8
    )


@law
@given(SEEDS)
def test_whole_weights_are_repeated_rows(seed: int) -> None:
    frame = draw(seed)
    frame["person"] = np.arange(len(frame))
    often = frame.loc[frame.index.repeat(frame["w"].astype(int))].reset_index(drop=True)
    counted = ologit(f"y ~ {RIGHT}", frame, design=SurveyDesign(weights="w"), covariance="model")
    assert same(counted, ologit(f"y ~ {RIGHT}", often, covariance="model"))
    weighted = ologit(f"y ~ {RIGHT}", frame, design=SurveyDesign(weights="w", psu="person"))
    assert same(weighted, ologit(f"y ~ {RIGHT}", often, design=SurveyDesign(psu="person")))


@law
@given(SEEDS, LINKS)
def test_the_order_of_rows_plays_no_part(seed: int, link: str) -> None:
    frame = draw(seed)
    mixed = frame.sample(frac=1, random_state=seed)
    one, other = (ologit(f"y ~ {RIGHT}", f, design=DESIGN, link=link) for f in (frame, mixed))
    assert same(other, one, 1e-10)
    assert close(predict(other).loc[frame.index], predict(one), 1e-10)
    assert close(margins(other)["std_error"], margins(one)["std_error"], 1e-10)


@law
@given(SEEDS, st.sampled_from(["DK", "FR"]))
def test_another_reference_re_expresses_the_same_fit(seed: int, reference: str) -> None:
    frame = draw(seed)
    one = ologit("y ~ age + nation", frame, design=DESIGN)
    other = ologit(f'y ~ age + C(nation, Treatment("{reference}"))', frame, design=DESIGN)
    term = f'C(nation, Treatment("{reference}"))'
    name = next(p.term for p in other.parameters if p.variables == ("nation",))
    assert name.replace("'", '"') == term
    assert close(predict(other), predict(one), 1e-10)
    assert wald_test(other, name).statistic == pytest.approx(wald_test(one, "nation").statistic, rel=1e-8)
    by_one, by_other = one.params[f"nation[T.{reference}]"], other.params[f"{name}[T.CZ]"]
    assert by_other == pytest.approx(-by_one, rel=1e-8, abs=1e-10)
    assert other.bse[f"{name}[T.CZ]"] == pytest.approx(one.bse[f"nation[T.{reference}]"], rel=1e-8)
    assert close(margins(other, "age")["std_error"], margins(one, "age")["std_error"])


@law
@given(SEEDS, LINKS, st.integers(2, 6))
def test_probabilities_add_up_to_one_and_margins_to_zero(seed: int, link: str, categories: int) -> None:
    model = ologit("y ~ age * nation + I(x**2)", draw(seed, categories=categories), design=DESIGN, link=link)
    assert predict(model).sum(axis=1).to_numpy() == pytest.approx(1, rel=1e-12)
    assert (predict(model) > 0).all(axis=None)
    totals = margins(model).groupby(["variable", "contrast"])["estimate"].sum()
    assert totals.to_numpy() == pytest.approx(0, abs=1e-14)
    assert (np.diff(model.thresholds) > 0).all()


@law
@given(SEEDS)
def test_a_domain_is_weights_of_zero_outside_it(seed: int) -> None:
    frame = draw(seed)
    domain = frame["age"] < 60
    inside = ologit(f"y ~ {RIGHT}", frame, design=DESIGN, domain=domain)
    unweighted = ologit(f"y ~ {RIGHT}", frame.assign(w=frame["w"].where(domain, 0.0)), design=DESIGN)
    assert same(inside, unweighted, 1e-10)
    assert inside.nobs == unweighted.nobs == domain.sum()


@law
@given(SEEDS, st.sampled_from(["margin", "coefficient"]))
def test_a_model_does_not_differ_from_itself(seed: int, scale: str) -> None:
    model = logit(f"z ~ {RIGHT}", draw(seed), design=DESIGN)
    both = compare({"a": model, "b": model}, scale=scale)
    difference, variance = both.differences()
    assert (difference == 0).all()
    assert np.abs(variance).max() <= 1e-14 * np.abs(both.covariance).max()


@law
@given(SEEDS, st.sampled_from(["margin", "coefficient"]), st.sampled_from(["delta", "unconditional"]))
def test_exchanging_the_models_flips_the_difference(seed: int, scale: str, vce: str) -> None:
    frame = draw(seed)
    a, b = logit(f"z ~ {RIGHT}", frame, design=DESIGN), ologit(f"y ~ {RIGHT}", frame, design=DESIGN)
    event = {"b": "c2"} if scale == "margin" else None
    forth = compare({"a": a, "b": b}, scale=scale, event=event, vce=vce)
    back = compare({"b": b, "a": a}, scale=scale, event=event, vce=vce)
    one, other = forth.to_frame(), back.to_frame()
    assert close(one["difference"], -other["difference"], 1e-13)
    assert close(one["std_error"], other["std_error"], 1e-12)
    assert close(one["conf_low"], -other["conf_high"], 1e-12)
    assert forth.test.p_value == pytest.approx(back.test.p_value, rel=1e-8)


@law
@given(SEEDS, st.sampled_from(["delta", "unconditional"]))
def test_diagonal_blocks_of_a_comparison_are_the_models_own(seed: int, vce: str) -> None:
    frame = draw(seed)
    frame.loc[frame.index % 7 == 0, "z"] = pd.NA  # the samples differ
    a, b = (logit(f"z ~ {RIGHT}", frame, design=DESIGN), ologit(f"y ~ {RIGHT}", frame, design=DESIGN))
    joint = compare({"a": a, "b": b}, event={"b": "c3"}, vce=vce)
    m = len(joint.terms)
    assert close(np.sqrt(np.diag(joint.covariance)[:m]), margins(a, vce=vce)["std_error"], 1e-12)
    top = margins(b, vce=vce).query("category == 'c3'")
    assert close(np.sqrt(np.diag(joint.covariance)[m:]), top["std_error"], 1e-12)
    assert np.linalg.eigvalsh(joint.covariance).min() > -1e-12 * np.abs(joint.covariance).max()


@law
@given(SEEDS, st.floats(-1e4, 1e4), st.floats(1e-4, 1e4), LINKS)
def test_shift_and_scale_of_a_predictor(seed: int, shift: float, scale: float, link: str) -> None:
    frame = draw(seed)
    one = ologit(f"y ~ {RIGHT}", frame, design=DESIGN, link=link)
    other = ologit(f"y ~ {RIGHT}", frame.assign(x=(frame["x"] + shift) * scale), design=DESIGN, link=link)
    assert other.params["x"] * scale == pytest.approx(one.params["x"], rel=1e-7, abs=1e-8 * one.bse["x"])
    assert other.bse["x"] * scale == pytest.approx(one.bse["x"], rel=1e-7)
    assert close(other.thresholds, one.thresholds + one.params["x"] * shift, 1e-7)
    assert close(predict(other), predict(one), 1e-8)
    assert close(margins(other, "x")["estimate"] * scale, margins(one, "x")["estimate"], 1e-7)


@law
@given(SEEDS)
def test_labels_of_strata_psus_and_levels_are_only_names(seed: int) -> None:
    frame = draw(seed)
    renamed = frame.assign(
        region=frame["region"].map({1: "z", 2: "a", 3: "m"}),
        town=frame["town"].map(lambda t: f"town {(t * 7919) % 1000:03d}"),
        nation=frame["nation"].cat.rename_categories({"CZ": "Q:1", "DK": "R]", "FR": "S(x"}),
    )
    one, other = (ologit(f"y ~ {RIGHT}", f, design=DESIGN) for f in (frame, renamed))
    assert same(other, one, 1e-11)


@law
@given(SEEDS, LINKS)
def test_years_and_huge_numbers_are_fitted_like_small_ones(seed: int, link: str) -> None:
    frame = draw(seed)
    small = ologit("y ~ age + I(age**2) + x", frame, design=DESIGN, link=link)
    year = ologit(
        "y ~ year + I(year**2) + x", frame.assign(year=2008 - frame["age"]), design=DESIGN, link=link
    )
    big = ologit("y ~ age + I(age**2) + x", frame.assign(x=frame["x"] * 1e8), design=DESIGN, link=link)
    assert year.params["I(year ** 2)"] == pytest.approx(small.params["I(age ** 2)"], rel=1e-6, abs=1e-10)
    assert close(predict(year), predict(small), 1e-8)
    assert close(margins(year, "year")["std_error"], margins(small, "age")["std_error"], 1e-6)
    assert big.bse["x"] * 1e8 == pytest.approx(small.bse["x"], rel=1e-9)
    assert close(predict(big), predict(small), 1e-10)
