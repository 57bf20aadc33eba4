from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from coprodstats import logit, margins, predict
from coprodstats.errors import EmptyCategoryError, InsufficientDataError, ModelError, RankDeficiencyError
from coprodstats.models.formula import parse_formula
from coprodstats.models.matrix import (
    build_matrix,
    design_columns,
    prepare_columns,
    read_predictors,
    rebuild_matrix,
)
from coprodstats.models.rank import rank_deficient, refuse_too_many


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "y": [0, 1] * 4,
            "age": [20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 25.0, 35.0],
            "kids": [0, 1, 2, 3, 0, 1, 2, 3],
            "nation": pd.Categorical(["CZ", "DK", "FR", "CZ", "DK", "FR", "CZ", "DK"]),
            "sex": ["man", "woman", "woman", "man", "woman", "man", "man", "woman"],
            "trust": pd.Categorical(["low", "mid", "high", "low", "mid", "high", "mid", "low"],
                                    ["low", "mid", "high"], ordered=True),
        }
    )  # fmt: skip


def built(right: str, data: pd.DataFrame | None = None):
    data = frame() if data is None else data
    return build_matrix(parse_formula(f"y ~ {right}", tuple(data.columns)), data)


def test_numbers_keep_their_values() -> None:
    x, spec = built("age + kids")
    assert x.tolist() == [[a, k] for a, k in zip(frame()["age"], frame()["kids"], strict=True)]
    assert [c.name for c in spec.columns] == ["age", "kids"]


def test_factors_are_compared_with_their_first_level() -> None:
    x, spec = built("nation")
    assert x.tolist() == [[float(v == "DK"), float(v == "FR")] for v in frame()["nation"]]
    assert [(c.term, c.level, c.reference) for c in spec.columns] == [
        ("nation", "DK", "CZ"),
        ("nation", "FR", "CZ"),
    ]


def test_text_is_a_factor_with_levels_in_alphabetical_order() -> None:
    _, spec = built("sex")
    assert spec.levels == {"sex": ("man", "woman")}
    assert [c.name for c in spec.columns] == ["sex[T.woman]"]


def test_the_order_of_an_ordered_predictor_makes_the_first_level_the_reference_and_nothing_else() -> None:
    x, spec = built("trust")
    assert [c.level for c in spec.columns] == ["mid", "high"]
    assert set(np.unique(x)) == {0.0, 1.0}


def test_another_reference_is_recorded() -> None:
    _, spec = built('C(nation, Treatment("FR"))')
    assert [(c.level, c.reference) for c in spec.columns] == [("CZ", "FR"), ("DK", "FR")]
    assert spec.reference("nation") == "FR"


def test_numbers_declared_as_factor() -> None:
    _, spec = built("C(kids)")
    assert spec.is_factor("kids")
    assert [c.level for c in spec.columns] == ["1", "2", "3"]
    assert spec.reference("kids") == 0


def test_interactions_know_both_levels_and_both_variables() -> None:
    x, spec = built("nation * sex + age:sex")
    by_name = {c.name: c for c in spec.columns}
    both = by_name["nation[T.FR]:sex[T.woman]"]
    assert (both.level, both.reference, both.variables) == ("FR:woman", "CZ:man", ("nation", "sex"))
    position = [c.name for c in spec.columns].index("nation[T.FR]:sex[T.woman]")
    wanted = ((frame()["nation"] == "FR") & (frame()["sex"] == "woman")).astype(float)
    assert x[:, position].tolist() == wanted.tolist()


def test_labels_with_the_marks_of_the_grammar_are_kept_apart() -> None:
    data = frame()
    data["g"] = pd.Categorical(
        ["a", "a:b", "b]", "a", "a:b", "b]", "[T.a", "[T.a"], ["a", "a:b", "b]", "[T.a"]
    )
    _, spec = built("g", data)
    assert [(c.level, c.reference) for c in spec.columns] == [("a:b", "a"), ("b]", "a"), ("[T.a", "a")]


def test_a_label_with_the_mark_of_contrasts_has_no_reference_where_there_is_none() -> None:
    odd = frame().assign(nation=frame()["nation"].cat.rename_categories({"DK": "x[T.y]"}))
    _, spec = built("nation:age + poly(kids, 2)", odd)
    found = {c.level: c.reference for c in spec.columns if c.term == "nation:age"}
    assert found == {"CZ": "", "x[T.y]": "", "FR": ""}


def test_the_same_columns_are_rebuilt_for_other_rows() -> None:
    right = "center(age) + scale(kids) + nation*sex + poly(age, 2)"
    x, spec = built(right)
    assert rebuild_matrix(spec, frame()).tolist() == x.tolist()
    # Centres, scales and levels are those of the first data, not of the new.
    assert rebuild_matrix(spec, frame().iloc[[3]]).tolist() == x[[3]].tolist()


@pytest.mark.parametrize(
    "term", ["bs(age, df=4)", "cr(age, df=4)", "poly(age, degree=2)", "log(age)", "sqrt(age)"]
)
def test_transformations_remember_their_state(term: str) -> None:
    x, spec = built(term)
    assert rebuild_matrix(spec, frame().iloc[2:4]) == pytest.approx(x[2:4], rel=1e-14)


def test_natural_splines_are_centred_so_that_they_do_not_span_the_intercept() -> None:
    x, _ = built("cr(age, df=4)")
    assert x.shape == (8, 4)
    assert x.mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-14)
    assert np.linalg.matrix_rank(np.column_stack([np.ones(8), x])) == 5
    line = np.linalg.lstsq(np.column_stack([np.ones(8), x]), frame()["age"], rcond=None)[1]
    assert line == pytest.approx([0.0], abs=1e-15 * 70**2 * 8)  # splines hold straight lines


# --- refusals ---


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"age": None}, r"column 'age': it is absent, but the model needs it"),
        ({"age": [np.nan] * 8}, r"column 'age': 8 rows have no value"),
        ({"age": ["x"] * 8}, r"column 'age': it is not numeric"),
        ({"nation": ["SE"] * 8}, r"1 levels that the model has not seen \(SE\)\n\s+Allowed: CZ, DK, FR"),
    ],
)
def test_new_data_must_fit(change: dict[str, object], message: str) -> None:
    _, spec = built("age + nation")
    ((name, values),) = change.items()
    new = frame().drop(columns=name) if values is None else frame().assign(**{name: values})
    with pytest.raises(ModelError, match=message):
        rebuild_matrix(spec, new)


def test_all_faults_of_new_data_at_once() -> None:
    _, spec = built("age + nation")
    with pytest.raises(ModelError, match=r"2 faults"):
        rebuild_matrix(spec, frame().assign(age=np.nan, nation="SE"))


def test_new_data_that_are_no_frame() -> None:
    _, spec = built("age")
    with pytest.raises(ModelError, match=r"new data: it is a dict\n\s+Allowed: a DataFrame"):
        rebuild_matrix(spec, {"age": [1]})  # type: ignore[arg-type]


def test_a_column_of_new_data_that_occurs_twice() -> None:
    _, spec = built("age")
    with pytest.raises(ModelError, match=r"column 'age': it occurs twice"):
        rebuild_matrix(spec, pd.concat([frame(), frame()[["age"]]], axis=1))


def test_splines_do_not_reach_beyond_their_data() -> None:
    _, spec = built("bs(age, df=4)")
    with pytest.raises(ModelError, match=r"stay within the range of the data"):
        rebuild_matrix(spec, frame().assign(age=99.0))


def test_new_data_outside_the_range_of_a_logarithm() -> None:
    _, spec = built("log(age)")
    with pytest.raises(ModelError, match=r"term 'log\(age\)': 8 rows give a number that is not finite"):
        rebuild_matrix(spec, frame().assign(age=-1.0))


def test_a_level_without_rows() -> None:
    data = frame()
    data["nation"] = data["nation"].cat.add_categories(["SE", "NO"])
    with pytest.raises(
        EmptyCategoryError, match=r"2 faults\)(.|\n)*level 'SE' has no respondent among the 8 rows"
    ):
        built("nation", data)


def test_a_constant_number_and_a_factor_of_one_level() -> None:
    with pytest.raises(
        InsufficientDataError, match=r"2 faults\)(.|\n)*'one': it has the same value in all 8 rows"
    ):
        built("one + same", frame().assign(one=1.0, same="x"))


def test_dates_are_no_predictors() -> None:
    with pytest.raises(
        ModelError, match=r"predictor 'day': its type is datetime64.*\n\s+Allowed: numbers, text"
    ):
        built("day", frame().assign(day=pd.Timestamp("2008-01-01")))


def test_infinite_numbers_are_counted() -> None:
    data = frame()
    data.loc[:1, "age"] = np.inf
    with pytest.raises(ModelError, match=r"term 'age': 2 rows give a number that is not finite"):
        built("age", data)


def test_a_product_of_finite_numbers_may_be_infinite() -> None:
    data = frame().assign(large=[1e200, -1e200] * 4, larger=[1e200] * 3 + [1.0] * 5)
    formula = parse_formula("y ~ large * larger", tuple(data.columns))
    columns, _ = design_columns(read_predictors(formula, data, frozenset({"large", "larger"})))
    with pytest.raises(ModelError, match=r"term 'large:larger': 3 rows give a number that is not finite"):
        list(columns)


def test_integers_and_nullable_numbers_are_numbers() -> None:
    data = frame().assign(whole=pd.array(range(8), dtype="Int64"))
    prepared, levels = prepare_columns(data, parse_formula("y ~ whole + kids", tuple(data.columns)))
    assert levels == {}
    assert {str(column.dtype) for column in prepared.values()} == {"float64"}


def deficient(**columns: list[float]) -> str:
    data = frame().assign(**columns)
    x, spec = built(" + ".join(["age", *columns]), data)
    with pytest.raises(RankDeficiencyError, match="E-M210") as caught:
        rank_deficient(x, np.ones(len(x)), spec.columns)
    return str(caught.value)


def test_a_duplicate_is_named_with_its_twin() -> None:
    assert "predictor 'again': it is an exact combination of age (and" in deficient(
        again=frame()["age"].tolist()
    )


def test_a_linear_copy_of_another_scale_is_a_duplicate_too() -> None:
    copy = (1e9 * (2008 - frame()["age"])).tolist()
    assert "predictor 'born': it is an exact combination of age (and" in deficient(born=copy)


def test_dummies_that_add_up_to_one() -> None:
    dummies = pd.get_dummies(frame()["nation"]).astype(float)
    message = deficient(**{name: dummies[name].tolist() for name in dummies})
    assert "predictor 'FR': it is an exact combination of CZ, DK (and the intercept)" in message


def test_more_columns_than_rows_are_told_by_term_without_levels() -> None:
    data = frame().assign(person=[f"id{k}" for k in range(8)])
    x, spec = built("person + age", data)
    with pytest.raises(RankDeficiencyError, match=r"8 columns for 8 rows \(person: 7, age: 1\)") as caught:
        refuse_too_many(len(x), spec.columns)
    assert "id3" not in str(caught.value)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_independent_columns_of_any_scale_pass(scale: float) -> None:
    data = frame().assign(kids=frame()["kids"] * scale)
    x, spec = built("age + kids + nation", data)
    rank_deficient(x, np.ones(8), spec.columns)
    assert np.linalg.matrix_rank(x / np.abs(x).max(axis=0)) == x.shape[1]  # another program agrees


def test_a_year_and_its_square_pass() -> None:
    year = 1990.0 - frame()["age"]
    x, spec = built("year + I(year**2)", frame().assign(year=year))
    rank_deficient(x, np.ones(8), spec.columns)
    assert np.linalg.matrix_rank(x / np.abs(x).max(axis=0)) == x.shape[1]  # another program agrees


def test_a_logical_predictor_is_a_factor_whose_margin_is_a_difference() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"member": rng.random(200) < 0.4, "age": rng.normal(50, 10, 200)})
    frame["votes"] = (rng.random(200) < 0.3 + 0.3 * frame["member"]).astype(int)
    model = logit("votes ~ member + age", frame)
    assert list(model.params.index) == ["Intercept", "member[T.True]", "age"]
    found = margins(model, "member")
    assert found["contrast"].tolist() == ["True - False"]
    both = [predict(model, frame.assign(member=value))["1"].mean() for value in (True, False)]
    assert found["estimate"].iloc[0] == pytest.approx(both[0] - both[1], rel=1e-12)


@pytest.mark.parametrize("kind", ["int64", "float64", "boolean", "object"])
def test_zero_and_one_are_false_and_true_in_new_data(kind: str) -> None:
    member = frame().assign(member=[True, False] * 4)
    x, spec = built("member", member)
    assert rebuild_matrix(spec, member.astype({"member": kind})).tolist() == x.tolist()
