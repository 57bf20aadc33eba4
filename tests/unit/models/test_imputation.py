from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import coprodstats as cps
from coprodstats.errors import ArgumentError, EmptyCategoryError, InsufficientDataError, WeightError
from coprodstats.models.imputation_chain import _means_of_others
from coprodstats.models.imputation_trace import not_met, scale_reduction
from coprodstats.survey.declarations import Codebook, Index, Items, Outcome, Variable

DESIGN = cps.SurveyDesign(weights="w", strata="region", psu="town")
VARIABLES = ["age", "gender", "trust", "party", "helps", "member", "income"]


def draw(n: int = 240, seed: int = 3) -> pd.DataFrame:
    """Draw answers of every type with a tenth of them missing, age and gender excepted."""
    rng = np.random.default_rng(seed)
    region = np.arange(n) * 4 // n
    frame = pd.DataFrame(
        {
            "w": rng.uniform(0.5, 3, n),
            "region": region,
            "town": region * 10 + rng.integers(0, 5, n),
            "age": rng.integers(18, 90, n),
            "gender": pd.Categorical(rng.choice(["man", "woman"], n)),
        }
    )
    latent = 0.03 * (frame["age"] - 50) + rng.logistic(size=n)
    frame["trust"] = pd.cut(latent, [-np.inf, -1, 0, 1, np.inf], labels=["none", "low", "some", "high"])
    frame["party"] = rng.choice(["blue", "green", "red"], n)
    frame["helps"] = pd.Series(latent > 0).astype("boolean")
    frame["member"] = (rng.random(n) < 0.3).astype(float)
    frame["income"] = np.round(20 + 5 * latent + rng.normal(size=n), 1)
    for name in VARIABLES[2:]:
        frame[name] = frame[name].mask(rng.random(n) < 0.1)
    return frame


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return draw()


@pytest.fixture(scope="module")
def imputations(frame: pd.DataFrame) -> cps.Imputations:
    return cps.impute(frame, VARIABLES, seed=1, m=3, iterations=4, design=DESIGN)


def test_gaps_are_filled_in_every_type_and_nothing_else_changes(
    frame: pd.DataFrame, imputations: cps.Imputations
) -> None:
    for completed in imputations:
        assert not completed.isna().any().any()
        assert list(completed.columns) == list(frame.columns)
        assert completed.index.equals(frame.index)
        for name in frame:
            seen = frame[name].notna()
            assert completed.loc[seen, name].tolist() == frame.loc[seen, name].tolist()
            assert completed[name].dtype == frame[name].dtype
            if name != "income":
                assert set(completed[name]) == set(frame[name].dropna())
        assert set(completed["income"]) <= set(frame["income"])  # predictive mean matching


def test_methods_follow_types_and_the_account_counts_every_gap(
    frame: pd.DataFrame, imputations: cps.Imputations
) -> None:
    assert dict(imputations.methods) == {
        "trust": "ologit", "party": "mlogit", "helps": "logit", "member": "logit", "income": "pmm",
    }  # fmt: skip
    table = imputations.imputed.set_index("variable")
    assert table["cells"].to_dict() == frame[VARIABLES[2:]].isna().sum().to_dict()
    assert set(table["reason"]) == {"missing"}
    assert imputations.left.empty
    assert (imputations.seed, len(imputations), imputations.design) == (1, 3, DESIGN)


def test_completed_data_sets_differ_and_are_copies(imputations: cps.Imputations) -> None:
    one, two = imputations.completed(1), imputations.completed(2)
    assert not one.equals(two)
    one["income"] = 0.0
    assert imputations.completed(1)["income"].gt(0).any()


@pytest.mark.parametrize("number", [0, 4, -1])
def test_a_data_set_that_was_not_made_is_refused(imputations: cps.Imputations, number: int) -> None:
    with pytest.raises(ArgumentError, match=r"there is no completed data set .*\n.*Allowed: 1 to 3"):
        imputations.completed(number)


def test_other_methods_on_request(frame: pd.DataFrame) -> None:
    found = cps.impute(
        frame,
        VARIABLES,
        seed=1,
        m=2,
        iterations=2,
        methods={"income": "norm", "trust": "pmm", "member": "pmm"},
        design=DESIGN,
    )
    completed = found.completed(1)
    assert not completed[VARIABLES].isna().any().any()
    assert not set(completed["income"]) <= set(frame["income"])
    assert completed["trust"].cat.categories.tolist() == frame["trust"].cat.categories.tolist()
    assert set(completed["member"]) == {0.0, 1.0}


def test_whole_numbers_stay_whole_unless_a_normal_model_drew_them(frame: pd.DataFrame) -> None:
    whole = frame[["age", "trust"]].assign(age=frame["age"].astype("Int64").mask(frame["age"] < 25))
    matched, drawn = (
        cps.impute(whole, ["age", "trust"], seed=1, m=2, iterations=2, methods=methods).completed(1)
        for methods in ({}, {"age": "norm"})
    )
    assert matched["age"].dtype == "Int64"
    assert drawn["age"].dtype == "Float64"
    assert not drawn["age"].isna().any()


def test_texts_and_objects_are_categories(frame: pd.DataFrame) -> None:
    odd = pd.DataFrame(
        {"age": frame["age"], "helps": frame["helps"].astype(object).where(frame["helps"].notna(), None)}
    )
    completed = cps.impute(odd, ["age", "helps"], seed=1, m=2, iterations=1).completed(1)
    assert completed["helps"].dtype == bool


def test_what_depends_on_a_complete_variable_is_imputed_so() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=900)
    frame = pd.DataFrame({"x": x, "y": 3 * x + rng.normal(size=900), "z": x + rng.logistic(size=900) / 3 > 0})
    frame["z"] = frame["z"].astype("boolean")
    gap = rng.random(900) < 0.4
    holes = frame.assign(y=frame["y"].mask(gap), z=frame["z"].mask(gap))
    completed = cps.impute(holes, ["x", "y", "z"], seed=1, m=2, iterations=5).completed(1)
    # Correlations in the filled rows are those of the rows before they were emptied, within chance.
    for name in ("y", "z"):
        was, is_ = (np.corrcoef(x[gap], f.loc[gap, name].astype(float))[0, 1] for f in (frame, completed))
        assert is_ == pytest.approx(was, abs=0.08)


def test_the_design_predicts() -> None:
    rng = np.random.default_rng(5)
    n = 1200
    region = np.arange(n) % 3
    frame = pd.DataFrame(
        {"w": np.where(rng.random(n) < 0.5, 1.0, 8.0), "region": region, "town": np.arange(n) // 20}
    )
    frame["town"] += 100 * region
    rate = np.where(region == 0, 0.8, 0.3) * np.where(frame["w"] > 1, 0.3, 1.0)
    frame["joins"] = pd.Series(rng.random(n) < rate).astype("boolean").mask(rng.random(n) < 0.4)
    frame["age"] = rng.normal(50, 15, n)
    gap = frame["joins"].isna()
    groups = [frame["w"][gap], frame["region"][gap] == 0]
    with_, without = (
        np.mean(
            [
                c.loc[gap, "joins"].astype(float).groupby(groups).mean()
                for c in cps.impute(
                    frame,
                    ["joins", "age"],
                    seed=1,
                    m=10,
                    iterations=1,
                    design=DESIGN,
                    design_predictors=roles,
                )
            ],
            axis=0,
        )
        for roles in (("weights", "strata"), ())
    )
    truth = np.array([0.3, 0.8, 0.09, 0.24])  # weight 1 and 8, regions 1 and 2, then 0
    # About 120 gaps per group and ten imputations of a fitted model.
    np.testing.assert_allclose(with_, truth, atol=0.09)
    assert np.abs(without - truth).max() > 0.2


def test_the_others_of_a_psu_predict() -> None:
    rng = np.random.default_rng(12)
    town = np.arange(1500) // 25
    level = rng.normal(0, 2, 60)[town]
    frame = pd.DataFrame({"town": town, "age": rng.normal(50, 15, 1500), "y": level + rng.normal(size=1500)})
    gap = rng.random(1500) < 0.3
    holes = frame.assign(y=frame["y"].mask(gap))
    fit = []
    for roles in ((), ("psu",)):
        design = cps.SurveyDesign(psu="town")
        found = cps.impute(
            holes, ["age", "y"], seed=1, m=2, iterations=5, design=design, design_predictors=roles
        )
        fit.append(np.corrcoef(level[gap], found.completed(1).loc[gap, "y"])[0, 1])
    # Of a variance of 5, 4 lie between towns: a correlation of 0.89 if all that is told.
    assert abs(fit[0]) < 0.15
    assert fit[1] == pytest.approx(0.89, abs=0.05)


def test_means_of_others_leave_oneself_out() -> None:
    columns = np.array([[1.0], [2.0], [6.0], [10.0], [20.0]])
    found = _means_of_others(columns, np.array([0, 0, 0, 1, 2]))
    # Two who are alone get the mean of all, (1 + 2 + 6 + 10 + 20) / 5.
    assert found[:, 0].tolist() == [4.0, 3.5, 1.5, 7.8, 7.8]


def test_products_predict() -> None:
    rng = np.random.default_rng(6)
    x, group = rng.normal(size=2000), rng.random(2000) < 0.5
    frame = pd.DataFrame(
        {"x": x, "group": group, "y": np.where(group, 2.0, -2.0) * x + rng.normal(size=2000)}
    )
    gap = rng.random(2000) < 0.3
    holes = frame.assign(y=frame["y"].mask(gap))
    slopes = []
    for products in ((), (("x", "group"),)):
        done = cps.impute(
            holes, list(frame), seed=1, m=2, iterations=1, products=products, methods={"y": "norm"}
        ).completed(1)
        part = done[gap & group]
        slopes.append(np.polyfit(part["x"], part["y"], 1)[0])
    assert abs(slopes[0]) < 0.5
    assert slopes[1] == pytest.approx(2.0, abs=0.25)


def test_predictors_can_be_chosen() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=600)
    frame = pd.DataFrame({"x": x, "other": rng.normal(size=600), "y": 3 * x + rng.normal(size=600)})
    gap = rng.random(600) < 0.4
    holes = frame.assign(y=frame["y"].mask(gap))
    done = cps.impute(holes, list(frame), seed=1, m=2, iterations=1, predictors={"y": "other"}).completed(1)
    assert abs(np.corrcoef(x[gap], done.loc[gap, "y"])[0, 1]) < 0.2


def test_rows_of_weight_zero_take_no_part(frame: pd.DataFrame) -> None:
    dead = frame["age"] < 30
    strange = frame.assign(
        w=frame["w"].mask(dead, 0.0), income=frame["income"].mask(dead & frame["income"].notna(), 1e9)
    )
    found = cps.impute(strange, VARIABLES, seed=1, m=2, iterations=2, design=DESIGN)
    completed = found.completed(1)
    assert completed.loc[~dead, "income"].max() < 1e3
    assert completed.loc[dead].equals(strange.loc[dead])
    assert set(found.left["reason"]) == {"weight of zero"}
    assert found.left["cells"].sum() == strange.loc[dead].isna().sum().sum()


def test_the_trace_has_a_line_for_every_round(imputations: cps.Imputations) -> None:
    trace = imputations.trace
    assert list(trace.columns) == ["variable", "imputation", "iteration", "mean", "std"]
    assert len(trace) == 5 * 3 * 4
    last = trace[(trace["variable"] == "income") & (trace["imputation"] == 2)].iloc[-1]
    values = imputations.completed(2)["income"].to_numpy()[imputations.rows["income"]]
    assert last["mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert last["std"] == pytest.approx(values.std(), rel=1e-12)
    assert imputations.convergence["variable"].tolist() == list(imputations.methods)


def test_chains_that_stay_apart_are_named() -> None:
    rng = np.random.default_rng(8)
    together = rng.normal(size=(20, 10))
    apart = together + 3 * np.arange(20)[:, None]
    assert scale_reduction(together) < 1.2 < scale_reduction(apart)
    table = pd.DataFrame(
        {
            "variable": ["a", "b"],
            "r_hat_mean": [scale_reduction(together), scale_reduction(apart)],
            "r_hat_std": 1.0,
        }
    )
    assert not_met(table, m=20, iterations=10) == ["b"]
    assert not_met(table, m=20, iterations=2) == []


def test_three_chains_that_differ_by_chance_are_not_blamed() -> None:
    rng = np.random.default_rng(9)
    blamed = 0
    for _ in range(300):
        found = scale_reduction(rng.normal(size=(3, 6)))
        table = pd.DataFrame({"variable": ["a"], "r_hat_mean": [found], "r_hat_std": [1.0]})
        blamed += len(not_met(table, m=3, iterations=6))
    assert blamed <= 3  # one in a thousand is meant


def test_progress_is_told_after_each_round(frame: pd.DataFrame) -> None:
    told: list[tuple[int, int]] = []
    cps.impute(frame, ["age", "trust"], seed=1, m=2, iterations=2, progress=lambda *step: told.append(step))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_nothing_missing_is_no_error(frame: pd.DataFrame) -> None:
    whole = frame.dropna()
    found = cps.impute(whole, VARIABLES, seed=1, m=2, design=DESIGN)
    assert found.imputed.empty
    assert all(completed.equals(whole) for completed in found)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"variables": ["agee", "trust"]}, "the data have no column 'agee'\n.*did you mean 'age'"),
    ({"variables": ["age", "age", "trust"]}, "'age' is named twice"),
    ({"variables": []}, "none is named"),
    (
        {"variables": ["age", "trust", "w"]},
        "'w' holds the design's weights, which predict all variables anyway",
    ),
    ({"m": 1}, "impute: m: it is 1\n.*at least 2"),
    ({"m": 2.0}, "impute: m: it is 2.0"),
    ({"seed": -1}, "impute: seed: it is -1"),
    ({"seed": True}, "impute: seed: it is True"),
    ({"iterations": 0}, "impute: iterations: it is 0"),
    ({"donors": 0}, "impute: donors: it is 0"),
    ({"methods": {"trust": "logit"}}, "'logit' is not for 'trust', which is ordinal\n.*ologit, mlogit, pmm"),
    ({"methods": {"trst": "pmm"}}, "'trst' is not among the variables\n.*did you mean 'trust'"),
    ({"reasons": ["refused"]}, "a DataFrame does not say why a value is missing"),
    ({"predictors": {"trust": ["agee"]}}, "'agee' is not among the variables\n.*did you mean 'age'"),
    ({"products": [("age", "town")]}, "'town' is neither a variable nor a column of the design"),
    ({"products": [("age",)]}, "is no pair"),
    ({"design_predictors": ["weight"]}, "'weight' is not one\n.*weights, strata, psu"),
    ({"design": None, "design_predictors": ["psu"]}, "the design has no psu"),
    ({"methods": ["pmm"]}, "impute: methods: it is a list\n.*variable: method"),
    ({"predictors": "age"}, "impute: predictors: it is a str"),
    ({"design": "w"}, "impute: design: it is a str\n.*a SurveyDesign"),
    ({"progress": 3}, "it is a int\n.*True, or a function of"),
    ({"data": [1, 2]}, "it is a list\n.*a cleaned survey or a DataFrame"),
]


@pytest.mark.parametrize(("changed", "message"), REFUSED, ids=[m[:30] for _, m in REFUSED])
def test_what_can_t_be_honoured_is_refused(
    frame: pd.DataFrame, changed: dict[str, Any], message: str
) -> None:
    options = {"data": frame, "variables": VARIABLES, "seed": 1, "m": 2, "design": DESIGN, **changed}
    with pytest.raises(ArgumentError, match=rf"(?s){message}"):
        cps.impute(**options)


def test_all_faults_are_told_at_once(frame: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match="3 faults"):
        cps.impute(frame, ["agee", "trust"], seed=1, m=0, predictors={"trust": ["x"]})


def test_columns_that_can_t_be_imputed_are_refused(frame: pd.DataFrame) -> None:
    n = len(frame)
    with pytest.raises(InsufficientDataError, match=f"0 of {n} rows have a value"):
        cps.impute(frame.assign(none=np.nan), ["age", "none"], seed=1)
    with pytest.raises(InsufficientDataError, match="all of its values are the same"):
        cps.impute(frame.assign(same=1.0), ["age", "same"], seed=1)
    with pytest.raises(ArgumentError, match=f"it holds {n} different texts, as ids and free answers do"):
        cps.impute(frame.assign(name=[f"person {k}" for k in range(n)]), ["age", "name"], seed=1)
    with pytest.raises(ArgumentError, match="its type is datetime64"):
        cps.impute(frame.assign(day=pd.Timestamp("2008-05-01")), ["age", "day"], seed=1)
    with pytest.raises(ArgumentError, match="some of its values are infinite"):
        cps.impute(frame.assign(income=np.inf), ["age", "income"], seed=1)
    with pytest.raises(WeightError, match="1 rows have a missing weight"):
        cps.impute(frame.assign(w=frame["w"].mask(frame.index == 0)), ["age", "trust"], seed=1, design=DESIGN)


def test_a_category_that_nobody_has_is_refused(frame: pd.DataFrame) -> None:
    empty = frame.assign(trust=frame["trust"].cat.add_categories(["full"]))
    with pytest.raises(EmptyCategoryError, match="no respondent has 'full'"):
        cps.impute(empty, ["age", "trust"], seed=1)


def test_too_many_predictors_for_a_number_are_refused_by_name() -> None:
    rng = np.random.default_rng(10)
    frame = pd.DataFrame(rng.normal(size=(12, 31)), columns=[f"x{k}" for k in range(31)])
    frame.loc[:1, "x0"] = np.nan
    with pytest.raises(InsufficientDataError, match="variable 'x0': 10 observed values for 30 predictors"):
        cps.impute(frame, list(frame), seed=1, m=2)


# --- cleaned surveys ---


def cleaned(n: int = 400) -> cps.CleanedSurvey:
    """Clean a drawn survey of two items, their index and outcome, with three reasons for a missing answer."""
    missing = {"8": "don't know", "9": "not applicable"}
    scale = {"1": "never", "2": "sometimes", "3": "often"}
    items = {
        name: Variable(name=name, label=name, kind="ordinal", values=scale, missing=missing)
        for name in ("waters", "sweeps")
    }
    both = Items(role="", names=tuple(items), min_answered=2)
    codebook = Codebook(
        title="",
        synthetic=True,
        variables={
            "id": Variable(name="id", label="Id", kind="id"),
            "w": Variable(name="w", label="Weight", kind="weight"),
            "age": Variable(name="age", label="Age", kind="numeric"),
            **items,
        },
        indices={"index": Index(name="index", label="", items=replace(both, min_answered=1))},
        outcomes={
            "any": Outcome(
                name="any", label="", kind="any", labels=("no", "yes"), items=both, at_least="often"
            ),
            "high": Outcome(
                name="high", label="", kind="bands", labels=("low", "high"), of="index", cuts=(60,)
            ),
        },
    )
    rng = np.random.default_rng(11)
    codes = pd.DataFrame(
        {
            "id": np.arange(n).astype(str),
            "w": rng.integers(1, 4, n).astype(str),
            "age": rng.integers(18, 90, n).astype(str),
            "waters": rng.choice(["1", "2", "3", "8", "9"], n, p=[0.3, 0.3, 0.2, 0.1, 0.1]),
            "sweeps": rng.choice(["1", "2", "3", "8"], n),
        },
        dtype="str",
    )
    codes.loc[:3, "age"] = pd.NA
    return cps.clean(cps.SurveyData(frame=codes, codebook=codebook))


@pytest.fixture(scope="module")
def survey() -> cps.CleanedSurvey:
    return cleaned()


def test_the_question_which_gaps_are_answers_is_put_to_the_user(survey: cps.CleanedSurvey) -> None:
    with pytest.raises(
        ArgumentError, match=r"(?s)it is not said which missing answers.*'not applicable'"
    ) as caught:
        cps.impute(survey, ["age", "waters"], seed=1)
    assert "'blank' (fewer than 10)" in str(caught.value)


def test_only_the_reasons_named_are_imputed(survey: cps.CleanedSurvey) -> None:
    found = cps.impute(survey, ["age", "waters"], seed=1, m=2, iterations=2, reasons=["don't know", "blank"])
    completed = found.completed(1)
    reasons = survey.reasons["waters"]
    assert completed.frame.loc[reasons == "not applicable", "waters"].isna().all()
    assert completed.frame.loc[reasons != "not applicable", "waters"].notna().all()
    assert completed.reasons["waters"].dropna().unique().tolist() == ["not applicable"]
    assert found.left.to_numpy().tolist() == [
        ["waters", "not applicable", int((reasons == "not applicable").sum())]
    ]
    assert found.imputed.set_index("variable").loc["age", ["reason", "cells"]].tolist() == ["blank", 4]


def test_that_a_question_did_not_apply_predicts() -> None:
    frame = cleaned(900).survey.frame
    rng = np.random.default_rng(13)
    outside = rng.random(900) < 0.5
    frame["waters"] = np.where(outside, "9", rng.choice(["1", "2", "3"], 900))
    frame["sweeps"] = np.where(
        rng.random(900) < 0.3, "8", np.where(outside, "3", rng.choice(["1", "2"], 900))
    )
    survey = cps.clean(replace(cleaned().survey, frame=frame.astype("str")))
    found = cps.impute(survey, ["waters", "sweeps"], seed=1, m=2, iterations=1, reasons=["don't know"])
    gap = survey.frame["sweeps"].isna()
    often = found.completed(1).frame["sweeps"] == "often"
    assert often[gap & outside].mean() > 0.9
    assert often[gap & ~outside].mean() < 0.1


def test_reasons_by_variable(survey: cps.CleanedSurvey) -> None:
    found = cps.impute(survey, ["age", "waters"], seed=1, m=2, iterations=1, reasons={"waters": "don't know"})
    assert set(found.methods) == {"waters"}
    assert found.completed(1).frame["age"].isna().sum() == 4


def test_derived_columns_follow_their_items_and_the_log_counts(survey: cps.CleanedSurvey) -> None:
    found = cps.impute(survey, ["age", "waters", "sweeps"], seed=1, m=2, iterations=2, reasons="all")
    completed = found.completed(1)
    frame = completed.frame
    points = {"never": 0.0, "sometimes": 50.0, "often": 100.0}
    mean = frame[["waters", "sweeps"]].map(points.get).astype(float).mean(axis=1)
    assert frame["index"].tolist() == mean.tolist()
    assert (frame["high"] == "high").tolist() == (mean >= 60).tolist()
    often = (frame["waters"] == "often") | (frame["sweeps"] == "often")
    assert (frame["any"] == "yes").tolist() == often.tolist()
    assert completed.log.missing_by_reason().empty
    told = completed.log.cells[completed.log.cells["rule"] == "imputed"]
    assert told["cells"].sum() == survey.frame[["age", "waters", "sweeps"]].isna().sum().sum()
    assert completed.design == survey.design
    assert survey.frame["waters"].isna().any()


def test_a_derived_variable_is_imputed_as_itself(survey: cps.CleanedSurvey) -> None:
    found = cps.impute(survey, ["age", "any"], seed=1, m=2, iterations=2, reasons="all")
    completed = found.completed(1)
    assert completed.frame["any"].notna().all()
    assert completed.frame["waters"].equals(survey.frame["waters"])
    assert completed.frame["index"].equals(survey.frame["index"])


def test_bands_follow_an_imputed_index(survey: cps.CleanedSurvey) -> None:
    frame = cps.impute(survey, ["age", "index"], seed=1, m=2, iterations=1, reasons="all").completed(1).frame
    assert survey.frame["high"].isna().any()
    assert (frame["high"] == "high").tolist() == (frame["index"] >= 60).tolist()
    assert frame["any"].equals(survey.frame["any"])


def test_the_data_given_may_change_later(frame: pd.DataFrame) -> None:
    mine = frame.copy()
    found = cps.impute(mine, ["age", "income"], seed=1, m=2, iterations=1)
    before = found.completed(1)
    mine["age"] = 0
    pd.testing.assert_frame_equal(found.completed(1), before)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["age", "index", "waters"], "one is made of the other"),
        (["age", "index", "high"], "one is made of the other"),
        (["age", "high", "sweeps"], "one is made of the other"),
        (["age", "index", "any"], "both are made of the same items"),
        (["age", "id"], "'id' is an id"),
    ],
)
def test_variables_that_would_contradict_each_other_are_refused(
    survey: cps.CleanedSurvey, names: list[str], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        cps.impute(survey, names, seed=1, reasons="all")


def test_unknown_reasons_are_refused(survey: cps.CleanedSurvey) -> None:
    with pytest.raises(ArgumentError, match=r"(?s)for the reason 'dont know'.*did you mean \"don't know\""):
        cps.impute(survey, ["age", "waters"], seed=1, reasons=["dont know"])
    with pytest.raises(ArgumentError, match="'sweeps' is not among the variables"):
        cps.impute(survey, ["age", "waters"], seed=1, reasons={"sweeps": ["don't know"]})
