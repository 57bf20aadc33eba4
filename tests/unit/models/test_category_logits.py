"""Partial proportional odds, adjacent categories, continuation ratios: what they mean and refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import coprodstats as cps
from coprodstats import SurveyDesign, adjacent_categories, continuation_ratio, logit, margins, ologit, predict
from coprodstats.errors import (
    ArgumentError,
    ComparisonError,
    ConvergenceError,
    ModelError,
    RankDeficiencyError,
    SeparationError,
)
from coprodstats.models.category_models import adjacent_model, cumulative_model
from coprodstats.models.importance import importance
from coprodstats.models.links import LINKS
from coprodstats.models.prepare import Request, prepare
from coprodstats.models.results import FRAME_COLUMNS
from coprodstats.models.vector_fits import layout_of, refit, vector_fit, vector_maximum

LABELS = ["never", "some", "often"]
DESIGN = SurveyDesign(weights="w", strata="region", psu="town")
FITTERS = [ologit, adjacent_categories, continuation_ratio]
LINKED = [ologit, continuation_ratio]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(31)
    n = 500
    data = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "efficacy": rng.normal(size=n),
            "gender": pd.Categorical(rng.choice(["man", "woman"], n)),
            "w": rng.uniform(0.3, 3.0, n),
            "region": rng.integers(0, 5, n),
        }
    )
    data["town"] = data["region"] * 10 + rng.integers(0, 6, n)
    latent = 0.01 * data["age"] + 0.6 * data["efficacy"] + 0.4 * (data["gender"] == "woman")
    data["often"] = pd.cut(latent + rng.logistic(size=n), [-np.inf, 0.2, 1.6, np.inf], labels=LABELS)
    data["joins"] = (data["often"] != "never").astype(int)
    return data


def table(counts: dict[int, tuple[int, int, int]]) -> pd.DataFrame:
    """A table of x by three categories, one row per respondent."""
    rows = [(x, LABELS[k]) for x, row in counts.items() for k, n in enumerate(row) for _ in range(n)]
    found = pd.DataFrame(rows, columns=["x", "y"])
    return found.assign(y=pd.Categorical(found["y"], categories=LABELS, ordered=True))


# --- by hand: a binary predictor with slopes by split reproduces its table ---

COUNTS = {0: (20, 15, 10), 1: (8, 18, 22)}


def odds(a: int, b: int) -> float:
    return float(np.log(a / b))


def test_partial_proportional_odds_of_a_table() -> None:
    (a, b, c), (d, e, f) = COUNTS.values()
    model = ologit("y ~ x", table(COUNTS), nonparallel="x", covariance="model")
    assert model.params.to_dict() == pytest.approx(
        {
            "x[never|some]": odds(e + f, d) - odds(b + c, a),
            "x[some|often]": odds(f, d + e) - odds(c, a + b),
            "never|some": odds(a, b + c),
            "some|often": odds(a + b, c),
        },
        rel=1e-12,
    )
    # the log odds ratio of a collapsed two-by-two table has the textbook error
    assert model.bse["x[never|some]"] == pytest.approx(
        np.sqrt(1 / a + 1 / (b + c) + 1 / d + 1 / (e + f)), rel=1e-11
    )
    assert model.bse["x[some|often]"] == pytest.approx(
        np.sqrt(1 / (a + b) + 1 / c + 1 / (d + e) + 1 / f), rel=1e-11
    )


def test_adjacent_categories_of_a_table() -> None:
    (a, b, c), (d, e, f) = COUNTS.values()
    model = adjacent_categories("y ~ x", table(COUNTS), nonparallel="all", covariance="model")
    assert model.params.to_dict() == pytest.approx(
        {
            "x[never|some]": odds(e, d) - odds(b, a),
            "x[some|often]": odds(f, e) - odds(c, b),
            "never|some": odds(a, b),
            "some|often": odds(b, c),
        },
        rel=1e-12,
    )
    assert model.bse["x[some|often]"] == pytest.approx(np.sqrt(1 / b + 1 / c + 1 / e + 1 / f), rel=1e-11)


def test_continuation_ratios_of_a_table() -> None:
    (a, b, c), (d, e, f) = COUNTS.values()
    model = continuation_ratio("y ~ x", table(COUNTS), nonparallel=["x"], covariance="model")
    assert model.params.to_dict() == pytest.approx(
        {
            "x[never|some]": odds(e + f, d) - odds(b + c, a),
            "x[some|often]": odds(f, e) - odds(c, b),
            "never|some": odds(a, b + c),
            "some|often": odds(b, c),
        },
        rel=1e-12,
    )
    saturated = sum(n * np.log(n / sum(row)) for row in COUNTS.values() for n in row)
    assert model.llf == pytest.approx(saturated, rel=1e-13)
    shares = np.array([28, 33, 32])
    assert model.llnull == pytest.approx(shares @ np.log(shares / 93), rel=1e-13)


# --- against other software, and against the package's own other models ---


@pytest.mark.parametrize("covariance", ["model", "robust"])
def test_adjacent_categories_by_split_are_the_multinomial_logit(frame: pd.DataFrame, covariance: str) -> None:
    ours = adjacent_categories("often ~ age + efficacy", frame, nonparallel="all", covariance=covariance)
    x = sm.add_constant(frame[["age", "efficacy"]])
    kind = {"model": "nonrobust", "robust": "HC0"}[covariance]
    theirs = sm.MNLogit(frame["often"].cat.codes, x).fit(
        method="newton", tol=1e-14, maxiter=50, disp=False, cov_type=kind
    )
    # against the lowest category: sums of what each step up adds
    steps = np.array([[-ours.params[t] for t in ours.thresholds.index]]
                     + [[ours.params[f"{v}[{s}]"] for s in ours.thresholds.index]
                        for v in ("age", "efficacy")])  # fmt: skip
    assert np.cumsum(steps, axis=1) == pytest.approx(theirs.params.to_numpy(), rel=1e-9)
    n = len(frame)
    small = np.sqrt(n / (n - 1)) if covariance == "robust" else 1.0
    assert ours.bse["age[never|some]"] == pytest.approx(small * theirs.bse.loc["age", 0], rel=1e-8)
    assert ours.llf == pytest.approx(theirs.llf, rel=1e-13)


def test_continuation_ratios_by_split_are_binary_models_of_those_who_got_there(frame: pd.DataFrame) -> None:
    ours = continuation_ratio("often ~ age + efficacy", frame, nonparallel="all", design=DESIGN)
    first = logit("joins ~ age + efficacy", frame, design=DESIGN)
    reached = frame.assign(top=frame["often"] == "often")
    second = logit("top ~ age + efficacy", reached, design=DESIGN, domain=frame["joins"] == 1)
    for split, binary in zip(ours.thresholds.index, (first, second), strict=True):
        for term in ("age", "efficacy"):
            name = f"{term}[{split}]"
            assert ours.params[name] == pytest.approx(binary.params[term], rel=1e-11)
            assert ours.bse[name] == pytest.approx(binary.bse[term], rel=1e-10)
        assert ours.params[split] == pytest.approx(-binary.params["Intercept"], rel=1e-11)
    plain = continuation_ratio("often ~ age + efficacy", frame, nonparallel="all", covariance="model")
    parts = [
        logit("joins ~ age + efficacy", frame, covariance="model").llf,
        logit("top ~ age + efficacy", reached, covariance="model", domain=frame["joins"] == 1).llf,
    ]
    assert plain.llf == pytest.approx(sum(parts), rel=1e-13)


def test_proportional_hazards_are_the_cumulative_model_with_that_link(frame: pd.DataFrame) -> None:
    cumulative = ologit("often ~ age + efficacy", frame, link="cloglog", design=DESIGN)
    stages = continuation_ratio("often ~ age + efficacy", frame, link="cloglog", design=DESIGN)
    assert stages.llf == pytest.approx(cumulative.llf, rel=1e-13)
    for term in ("age", "efficacy"):
        assert stages.params[term] == pytest.approx(cumulative.params[term], rel=1e-10)
        assert stages.bse[term] == pytest.approx(cumulative.bse[term], rel=1e-9)


@pytest.mark.parametrize("fitter", FITTERS)
def test_two_categories_are_a_logistic_model(frame: pd.DataFrame, fitter) -> None:
    two = frame.assign(joins=pd.Categorical.from_codes(frame["joins"], ["no", "yes"], ordered=True))
    ours = fitter("joins ~ age + gender", two, design=DESIGN)
    binary = logit("joins ~ age + gender", two, design=DESIGN)
    assert ours.params["age"] == pytest.approx(binary.params["age"], rel=1e-11)
    assert ours.params["no|yes"] == pytest.approx(-binary.params["Intercept"], rel=1e-11)
    assert ours.bse["gender[T.woman]"] == pytest.approx(binary.bse["gender[T.woman]"], rel=1e-10)
    assert ours.llf == pytest.approx(binary.llf, rel=1e-13)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "loglog", "cauchit"])
def test_no_nonparallel_term_is_the_model_with_one_slope_per_column(frame: pd.DataFrame, link: str) -> None:
    usual = ologit("often ~ age + gender", frame, link=link, design=DESIGN)
    none = ologit("often ~ age + gender", frame, link=link, design=DESIGN, nonparallel=())
    assert np.array_equal(none.estimates, usual.estimates)
    request = Request(data=frame, family="ologit", design=DESIGN, covariance=None, domain=None,
                      df_rule="stata", weighting=None, name=None)  # fmt: skip
    ready = prepare("often ~ age + gender", request)
    general = vector_fit(ready, layout_of(ready, cumulative_model(LINKS[link]), ()))
    assert general.estimates == pytest.approx(usual.estimates, rel=1e-10)
    assert general.bse.to_numpy() == pytest.approx(usual.bse.to_numpy(), rel=1e-9)


@pytest.mark.parametrize("nonparallel", [(), "gender", "all"])
@pytest.mark.parametrize("fitter", [ologit, adjacent_categories])
def test_reversed_categories_reverse_signs(frame: pd.DataFrame, fitter, nonparallel) -> None:
    forward = fitter("often ~ age + gender", frame, nonparallel=nonparallel, design=DESIGN)
    turned = frame.assign(often=frame["often"].cat.reorder_categories(LABELS[::-1], ordered=True))
    backward = fitter("often ~ age + gender", turned, nonparallel=nonparallel, design=DESIGN)
    swap = {"never|some": "some|never", "some|often": "often|some"}

    def other(name: str) -> str:
        for ours, theirs in swap.items():
            name = name.replace(ours, theirs)
        return name

    for name in forward.params.index:
        assert forward.params[name] == pytest.approx(-backward.params[other(name)], rel=1e-9)
        assert forward.bse[name] == pytest.approx(backward.bse[other(name)], rel=1e-8)


@pytest.mark.parametrize("fitter", FITTERS)
def test_units_of_a_predictor_play_no_part(frame: pd.DataFrame, fitter) -> None:
    years = fitter("often ~ age + gender + efficacy", frame, nonparallel="age")
    shifted = frame.assign(age=(frame["age"] - 2000) * 1000)
    other = fitter("often ~ age + gender + efficacy", shifted, nonparallel="age")
    assert other.llf == pytest.approx(years.llf, rel=1e-12)
    assert other.params["age[never|some]"] * 1000 == pytest.approx(years.params["age[never|some]"], rel=1e-8)
    assert other.params["efficacy"] == pytest.approx(years.params["efficacy"], rel=1e-8)


@pytest.mark.parametrize("fitter", FITTERS)
def test_the_order_of_terms_plays_no_part(frame: pd.DataFrame, fitter) -> None:
    one = fitter("often ~ age + gender + efficacy", frame, nonparallel="efficacy", design=DESIGN)
    two = fitter("often ~ efficacy + age + gender", frame, nonparallel="efficacy", design=DESIGN)
    assert two.params[one.params.index].to_numpy() == pytest.approx(one.params.to_numpy(), rel=1e-10)
    assert two.bse[one.params.index].to_numpy() == pytest.approx(one.bse.to_numpy(), rel=1e-9)


@pytest.mark.parametrize("fitter", FITTERS)
def test_a_domain_is_zero_weights_outside(frame: pd.DataFrame, fitter) -> None:
    young = frame["age"] < 60
    inside = fitter("often ~ age + gender", frame, nonparallel="age", design=DESIGN, domain=young)
    zero = frame.assign(w=frame["w"].where(young, 0.0))
    outside = fitter("often ~ age + gender", zero, nonparallel="age", design=DESIGN)
    assert outside.params.to_numpy() == pytest.approx(inside.params.to_numpy(), rel=1e-11)
    assert outside.bse.to_numpy() == pytest.approx(inside.bse.to_numpy(), rel=1e-10)


# --- what is reported ---


def test_names_kinds_and_notes(frame: pd.DataFrame) -> None:
    model = ologit("often ~ age + gender", frame, nonparallel="gender[T.woman]", design=DESIGN)
    woman = ["gender[T.woman][never|some]", "gender[T.woman][some|often]"]
    assert model.params.index.tolist() == ["age", *woman, "never|some", "some|often"]
    assert model.thresholds.index.tolist() == ["never|some", "some|often"]
    assert model.nonparallel == ("gender[T.woman]",)
    assert model.df_model == 3
    found = model.to_frame()
    assert tuple(found.columns) == FRAME_COLUMNS
    assert found["kind"].tolist() == ["slope"] * 3 + ["threshold"] * 2
    assert found["level"].tolist() == ["", "woman", "woman", "", ""]
    assert found["note"].tolist() == ["", "slope at never|some", "slope at some|often", "", ""]
    assert "slopes by split: gender[T.woman]" in str(model.summary())
    assert f"[{model.family}]" not in repr(model)


@pytest.mark.parametrize("fitter", FITTERS)
def test_fitted_values_predictions_and_margins(frame: pd.DataFrame, fitter) -> None:
    model = fitter("often ~ age + gender", frame, nonparallel="age", design=DESIGN)
    fitted = model.fittedvalues
    assert list(fitted.columns) == LABELS
    assert fitted.sum(axis=1).to_numpy() == pytest.approx(np.ones(len(frame)), abs=1e-13)
    assert predict(model).to_numpy() == pytest.approx(fitted.to_numpy(), abs=1e-15)
    found = margins(model)
    sums = found.groupby(["variable", "contrast"])["estimate"].sum()
    assert sums.to_numpy() == pytest.approx(np.zeros(2), abs=1e-14)
    shifted = [
        np.average(predict(model, frame.assign(age=frame["age"] + h)), axis=0, weights=frame["w"])
        for h in (1e-4, -1e-4)
    ]
    slope = (shifted[0] - shifted[1]) / 2e-4
    age = found.loc[found["variable"] == "age", "estimate"].to_numpy()
    assert age == pytest.approx(slope, abs=1e-10)  # central difference, h = 1e-4


@pytest.mark.parametrize("fitter", FITTERS)
def test_the_delta_method_is_that_of_numerical_derivatives(frame: pd.DataFrame, fitter) -> None:
    model = fitter("often ~ age * gender", frame, nonparallel="gender", design=DESIGN)
    found = margins(model, ["age", "gender"])
    scale, h = model.bse.to_numpy(), 1e-4
    columns = []
    for j in range(len(scale)):
        step = h * scale[j] * np.eye(len(scale))[j]
        both = [
            margins(replace(model, estimates=model.estimates + s), ["age", "gender"])["estimate"].to_numpy()
            for s in (step, -step)
        ]
        columns.append((both[0] - both[1]) / (2 * h * scale[j]))
    gradient = np.column_stack(columns)
    variance = np.diag(gradient @ model.covariance_matrix @ gradient.T)
    # central differences of a ten-thousandth of a standard error
    assert found["std_error"].to_numpy() == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_wald_tests_take_all_splits_of_a_term_or_one(frame: pd.DataFrame) -> None:
    model = ologit("often ~ age + gender", frame, nonparallel="age", design=DESIGN)
    assert cps.wald_test(model, "age").df_num == 2
    one = cps.wald_test(model, "age[some|often]")
    assert one.statistic == pytest.approx(model.tvalues["age[some|often]"] ** 2, rel=1e-12)


def test_comparisons_of_margins_take_any_family_and_of_coefficients_one(frame: pd.DataFrame) -> None:
    by_split = ologit("often ~ age + gender", frame, nonparallel="age", design=DESIGN, name="a")
    adjacent = adjacent_categories("often ~ age + gender", frame, design=DESIGN, name="b")
    found = cps.compare({"a": by_split, "b": adjacent}, event={"a": "some", "b": "some"})
    assert found.terms == ("age", "gender[T.woman]")
    same = cps.compare({"a": by_split, "b": by_split}, scale="coefficient")
    assert same.terms == ("age[never|some]", "age[some|often]", "gender[T.woman]")
    assert same.to_frame()["std_error"].to_numpy() == pytest.approx(np.zeros(3), abs=1e-10)
    with pytest.raises(ComparisonError, match="slopes of different kinds"):
        cps.compare({"a": by_split, "b": adjacent}, scale="coefficient")


def test_influence_by_psu_takes_any_family(frame: pd.DataFrame) -> None:
    model = continuation_ratio("often ~ age + gender", frame, nonparallel="age", design=DESIGN)
    found = cps.influence_by_psu(model)
    assert set(found.psus["parameter"]) == set(model.params.index)


def test_e_values_of_slopes_by_split_are_those_of_each_split(frame: pd.DataFrame) -> None:
    model = ologit("often ~ age + gender", frame, nonparallel="gender", design=DESIGN)
    found = cps.e_values(model, "gender").table.set_index("parameter")
    name = "gender[T.woman][some|often]"
    assert found.loc[name, "odds_ratio"] == pytest.approx(np.exp(model.params[name]), rel=1e-14)
    with pytest.raises(ArgumentError, match="acat with the logit link, whose coefficients are no odds"):
        cps.e_values(adjacent_categories("often ~ age", frame))


CHECKS = {
    "parallel_lines_test": cps.parallel_lines_test,
    "goodness_of_fit": cps.goodness_of_fit,
    "rao_scott_test": lambda model: cps.rao_scott_test(model, "age"),
    "design_effects": cps.design_effects,
    "importance": lambda model: importance(model, seed=1),
}


@pytest.mark.parametrize("check", CHECKS)
def test_what_would_fit_another_model_refuses(frame: pd.DataFrame, check: str) -> None:
    by_split = ologit("often ~ age + gender", frame, nonparallel="age", design=DESIGN)
    with pytest.raises(ArgumentError, match=f"{check}.*slopes of age differ between splits"):
        CHECKS[check](by_split)
    with pytest.raises(ArgumentError, match=f"{check}.*family is cratio"):
        CHECKS[check](continuation_ratio("often ~ age + gender", frame, design=DESIGN))
    with pytest.raises(ArgumentError, match=f"{check}.*has an offset, 'efficacy'"):
        CHECKS[check](ologit("often ~ age + gender", frame, offset="efficacy", design=DESIGN))


# --- lines that cross ---


def crossing_frame() -> pd.DataFrame:
    """The lowest split falls with x, the next rises: beyond the data they cross."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, 400)
    lower, upper = 1 / (1 + np.exp(1.2 + 1.5 * x)), 1 / (1 + np.exp(-1.2 + 1.5 * x))
    u = rng.random(400)
    code = np.where(u < lower, 0, np.where(u < np.maximum(upper, lower), 1, 2))
    return pd.DataFrame({"x": x, "y": pd.Categorical.from_codes(code, LABELS, ordered=True)})


def test_predictions_where_lines_cross_are_refused() -> None:
    frame = crossing_frame()
    flipped = frame.assign(x=np.where(frame["y"] == "often", -frame["x"], frame["x"]))
    model = ologit("y ~ x", flipped, nonparallel="x")
    assert model.warnings == ()
    near = predict(model, pd.DataFrame({"x": [0.0, 0.5]}))
    assert (near.to_numpy() > 0).all()
    with pytest.raises(ModelError, match=r"new data: for fewer than 10 rows .* negative probability"):
        predict(model, pd.DataFrame({"x": [0.0, -400.0, 400.0]}))
    assert (predict(ologit("y ~ x", flipped), pd.DataFrame({"x": [-40.0, 40.0]})).to_numpy() >= 0).all()


def test_a_sample_in_which_lines_cross_is_named_and_no_margin_is_made_of_it() -> None:
    # Nobody at x = 6 is in the middle, so that nothing there keeps the two lines apart.
    counts = {0: (30, 40, 30), 1: (30, 20, 30), 6: (30, 0, 15)}
    model = ologit("y ~ x", table(counts), nonparallel="x")
    eta = [model.params[t] - 6 * model.params[f"x[{t}]"] for t in model.thresholds.index]
    assert eta[0] > eta[1]  # by hand: P(some) < 0 for those 45
    warning = "the sample: for 45 rows the slopes that differ between splits make lines cross"
    assert model.warnings[0].startswith(warning)
    assert model.to_frame()["note"].str.contains(warning).all()
    for make in (margins, predict):
        with pytest.raises(ModelError, match=r"the sample.*for 45 rows"):
            make(model)
    with pytest.raises(ModelError, match="the sample, predictors set as asked: for 225 rows"):
        cps.average_predictions(model, {"x": [0, 6]})
    assert not predict(model, pd.DataFrame({"x": [0, 1]})).lt(0).any(axis=None)


# --- no finite maximum ---


def test_separation_at_one_split_is_found() -> None:
    # x never goes with "never" above 0: the lowest split is separated, the other is not.
    rng = np.random.default_rng(8)
    x = np.concatenate([rng.uniform(-1, 0, 30), rng.uniform(0.1, 1, 60)])
    y = np.concatenate([np.zeros(30, int), rng.integers(1, 3, 60)])
    frame = pd.DataFrame({"x": x, "y": pd.Categorical.from_codes(y, LABELS, ordered=True)})
    for fitter in FITTERS:
        with pytest.raises(SeparationError, match=r"separated by x\[never\|some\].*\n.*of nonparallel"):
            fitter("y ~ x", frame, nonparallel="x")


def test_separation_of_a_level_says_which(frame: pd.DataFrame) -> None:
    some = frame.assign(club=pd.Categorical(np.where(frame["often"] == "never", "none", "member")))
    for fitter in FITTERS:
        with pytest.raises(SeparationError, match=r"it is 'never' for all .* club = 'none'"):
            fitter("often ~ age + club", some, nonparallel="age")


def test_what_separates_no_cumulative_model_separates_no_other_but_by_split() -> None:
    # All of one level are in the middle: parallel slopes are finite, slopes by split run off both ways.
    counts = {0: (20, 20, 20), 1: (0, 12, 0)}
    frame = table(counts)
    for fitter in (ologit, adjacent_categories):
        assert np.isfinite(fitter("y ~ x", frame).estimates).all()
        with pytest.raises(SeparationError, match=r"x\[never\|some\].*\n?.*infinity"):
            fitter("y ~ x", frame, nonparallel="x")


@pytest.mark.parametrize("fitter", LINKED)
def test_a_slope_that_nobody_tells_is_refused(fitter) -> None:
    # x is the same for everyone beside the top split, so that nothing tells its slope there.
    codes = np.repeat([0, 1, 2, 3], [20, 20, 10, 10])
    x = np.concatenate([np.tile([-1.0, 1.0], 20), np.zeros(20)])
    frame = pd.DataFrame({"x": x, "y": pd.Categorical.from_codes(codes, list("abcd"), ordered=True)})
    with pytest.raises(RankDeficiencyError, match=r"no respondent tells apart x\[c\|d\]"):
        fitter("y ~ x", frame, nonparallel="x")


# --- arguments ---


@pytest.mark.parametrize("fitter", FITTERS)
@pytest.mark.parametrize(
    ("nonparallel", "message"),
    [
        ("agee", r"'agee' is no term of the formula[\s\S]*did you mean 'age'"),
        (("age", "country"), "'country' is no term"),
        (5, "it is a int, not names of terms"),
        ((1, 2), "it is a tuple, not names of terms"),
        (None, "it is a NoneType, not names"),
    ],
)
def test_wrong_nonparallel_terms(frame: pd.DataFrame, fitter, nonparallel, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        fitter("often ~ age + gender", frame, nonparallel=nonparallel)


@pytest.mark.parametrize("fitter", FITTERS)
def test_two_categories_have_one_split(frame: pd.DataFrame, fitter) -> None:
    two = frame.assign(joins=pd.Categorical.from_codes(frame["joins"], ["no", "yes"], ordered=True))
    with pytest.raises(ArgumentError, match="two categories, so that there is one split"):
        fitter("joins ~ age", two, nonparallel="age")


def test_a_term_named_all_is_not_every_term(frame: pd.DataFrame) -> None:
    named = frame.assign(all=frame["efficacy"])
    with pytest.raises(ArgumentError, match=r"'all' is every term, and also the name of one"):
        ologit("often ~ age + all", named, nonparallel="all")
    assert ologit("often ~ age + all", named, nonparallel=("all",)).nonparallel == ("all",)


def test_firth_is_for_one_slope_per_column(frame: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match="'firth' is for one slope per column"):
        ologit("often ~ age", frame, nonparallel="age", separation="firth")


def test_an_unknown_link_and_wrong_terms_are_one_error(frame: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match="2 faults"):
        continuation_ratio("often ~ age", frame, link="logistic", nonparallel=3)


@pytest.mark.parametrize("fitter", [adjacent_categories, continuation_ratio])
def test_categories_need_an_order(frame: pd.DataFrame, fitter) -> None:
    unordered = frame.assign(often=pd.Categorical(frame["often"].astype(str)))
    with pytest.raises(ModelError, match="its categories have no declared order"):
        fitter("often ~ age", unordered)


# --- other weights ---


def test_a_refit_with_other_weights_is_the_fit_with_them(frame: pd.DataFrame) -> None:
    def ready_with(data: pd.DataFrame):
        request = Request(data=data, family="acat", design=DESIGN, covariance=None, domain=None,
                          df_rule="stata", weighting=None, name=None)  # fmt: skip
        return prepare("often ~ age + gender", request)

    ready = ready_with(frame)
    layout = layout_of(ready, adjacent_model(), "age")
    found = vector_maximum(ready, layout)
    rng = np.random.default_rng(4)
    other = frame["w"].to_numpy() * rng.integers(0, 3, len(frame))
    again = refit(ready, other, found.theta, layout=layout)
    kept = frame.assign(w=other)[other > 0]
    direct = adjacent_categories(
        "often ~ age + gender", kept, nonparallel="age", design=SurveyDesign(weights="w")
    )
    assert found.to_user @ again == pytest.approx(direct.estimates, rel=1e-10)
    gone = np.where(frame["often"] == "some", 0.0, other)
    with pytest.raises(ConvergenceError, match="categor"):
        refit(ready, gone, found.theta, layout=layout)


@pytest.mark.parametrize("fitter", FITTERS)
def test_replicate_weights_refit_any_family(frame: pd.DataFrame, fitter) -> None:
    towns = frame["town"].unique()
    # delete-one jackknife by hand: one town's weights to zero, the others' up
    g = len(towns)
    columns = {f"r{k}": frame["w"] * (frame["town"] != town) * g / (g - 1) for k, town in enumerate(towns)}
    replicated = pd.concat([frame, pd.DataFrame(columns)], axis=1)
    design = SurveyDesign(weights="w", replicate_weights=tuple(columns), replicate_method="jk1")
    model = fitter("often ~ age + gender", replicated, nonparallel="age", design=design)
    linear = fitter(
        "often ~ age + gender", frame, nonparallel="age", design=SurveyDesign(weights="w", psu="town")
    )
    assert model.params.to_numpy() == pytest.approx(linear.params.to_numpy(), rel=1e-10)
    # the jackknife and linearisation agree to the order of 1 / number of towns
    assert model.bse.to_numpy() == pytest.approx(linear.bse.to_numpy(), rel=0.15)


def test_splits_are_named_after_neighbouring_categories(frame: pd.DataFrame) -> None:
    for fitter in LINKED:
        thresholds = fitter("often ~ age", frame, link="probit").thresholds
        assert thresholds.index.tolist() == ["never|some", "some|often"]
