"""What is coded directly is formulaic's matrix to the last bit, with its columns in its order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprodstats.models import matrix
from coprodstats.models.coding import Plan
from coprodstats.models.formula import parse_formula
from coprodstats.models.matrix import DesignSpec, build_matrix, rebuild_matrix

N = 60
NUMBERS = ("age", "kids", "score")
FACTORS = (
    "nation", "sex", "works", "C(kids)", "C(code)", 'C(nation, Treatment("FR"))', "C(sex, Treatment('man'))",
)  # fmt: skip


def frame(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.integers(0, 2, N),
            "age": rng.uniform(18, 90, N),
            "kids": rng.integers(0, 3, N),
            "score": rng.integers(-3, 4, N).astype("float32"),
            "code": rng.choice([1.5, 2.0, 10.0], N),
            "nation": pd.Categorical(rng.choice(["CZ", "DK", "FR", "UK:GB"], N)),
            "sex": rng.choice(["woman", "man"], N),
            "works": rng.random(N) < 0.5,
        }
    )


def formulaic_matrix(
    formula: str, data: pd.DataFrame, other: pd.DataFrame
) -> tuple[np.ndarray, DesignSpec, np.ndarray]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(matrix, "plan_of", lambda *_: None)
        x, spec = build_matrix(parse_formula(formula, tuple(data.columns)), data)
        return x, spec, rebuild_matrix(spec, other)


def same(right: str) -> bool:
    """Compare both codings; say whether the formula was coded directly at all."""
    data, other = frame(), frame(seed=2)
    x, spec = build_matrix(parse_formula(f"y ~ {right}", tuple(data.columns)), data)
    expected, expected_spec, expected_other = formulaic_matrix(f"y ~ {right}", data, other)
    assert spec.columns == expected_spec.columns, right
    assert spec.levels == expected_spec.levels
    assert np.array_equal(x, expected), right
    assert np.array_equal(rebuild_matrix(spec, other), expected_other), right
    for variable in spec.levels:
        assert spec.reference(variable) == expected_spec.reference(variable), (right, variable)
    return isinstance(spec.state, Plan)


@given(st.lists(st.sampled_from([*NUMBERS, *FACTORS]), min_size=1, max_size=4, unique=True))
def test_main_terms(names: list[str]) -> None:
    assert same(" + ".join(names))


@given(
    st.lists(st.sampled_from([*NUMBERS, *FACTORS]), min_size=2, max_size=3, unique=True),
    st.sampled_from([" * ", " + ", ":"]),
    st.sampled_from(["", " + age", " + nation", " + nation:age", " + sex * works", " + sex:works:age"]),
)
def test_interactions(names: list[str], sign: str, more: str) -> None:
    same(sign.join(names) + more)


@pytest.mark.parametrize(
    "right",
    [
        "age * nation * sex", "(age + nation + works)^2", "nation * C(code)", "age:kids", "C(kids) + kids",
        'C(nation, Treatment("UK:GB")) * works + age', "C(kids):C(code) + C(kids) + C(code)",
    ],
)  # fmt: skip
def test_crossed_terms_with_their_parts_are_coded_directly(right: str) -> None:
    assert same(right)


@pytest.mark.parametrize(
    "right", ["nation:sex", "age + nation:age:sex", "nation + nation:sex", "log(age) + sex"]
)
def test_what_formulaic_alone_can_do_is_left_to_it(right: str) -> None:
    # Without the parts of an interaction some factor keeps all of its levels; formulaic transforms.
    assert not same(right)
