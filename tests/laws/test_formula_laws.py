"""No text, however hostile, runs anything or meets anything but a parsed formula or a FormulaError."""

from __future__ import annotations

import sys
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coprodstats import logit
from coprodstats.errors import CoprodstatsError, FormulaError
from coprodstats.models.formula import FUNCTIONS, parse_formula

COLUMNS = ("y", "age", "x", "gender", "w")
PIECES = (
    *COLUMNS, *FUNCTIONS, "Treatment", "~", "+", "-", "*", "**", "^", ":", "/", "|", "%", "(", ")",
    "[", "]", "{", "}", ",", ".", "=", "==", ":=", ";", "#", "'", '"', "`", "\\", "\n", "\0", "@",
    "!", "?", "$", "&", "<", ">", " ", "0", "1", "2", "9", "99999999999", "1e309", "0x10", "1j",
    "2.5", "lambda", "import", "os", "np", "if", "else", "for", "in", "not", "and", "yield",
    "await", "None", "True", "__import__", "__class__", "_", "exec", "eval", "open", "system",
    "'touch owned'", "\u200b", "\u202e", "\uff08", "\uff5e", "\u0445", "²", "é", "年", "=HYPERLINK(",
    "{{7*7}}", "%s", "${x}", "df=5", "degree=2", "df=", "reference=", '"DK"', "'man'",
)  # fmt: skip
law = settings(deadline=None, max_examples=400, derandomize=True, database=None)
hostile = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=25).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=25).map(lambda parts: "y ~ " + "".join(parts)),
    st.lists(st.sampled_from(PIECES), max_size=12).map(lambda parts: "y ~ age + I(" + "".join(parts) + ")"),
    st.lists(st.sampled_from(PIECES), max_size=12).map(lambda parts: "y ~ C(gender, " + "".join(parts) + ")"),
    st.text(max_size=60),
    st.text(max_size=40).map(lambda text: f"y ~ {text}"),
)

EVENTS: list[str] = []
WATCHING = [False]
TELLTALE = ("exec", "import", "open", "os.", "socket.", "subprocess.", "shutil.", "ctypes.")


def _hook(event: str, _: object) -> None:
    if WATCHING[0] and event.startswith(TELLTALE):
        EVENTS.append(event)


@pytest.fixture(scope="module", autouse=True)
def _watch() -> None:
    parse_formula("y ~ C(gender) + poly(age, 2)", COLUMNS)  # imports what formulas need
    sys.addaudithook(_hook)


def survey() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 60
    return pd.DataFrame(
        {
            "y": np.resize([0, 1], n),
            "age": rng.uniform(20, 80, n),
            "x": rng.normal(size=n),
            "gender": rng.choice(["man", "woman"], n),
            "w": rng.uniform(1, 2, n),
        }
    )


@law
@given(hostile)
def test_any_text_is_parsed_or_refused_and_runs_nothing(text: str) -> None:
    EVENTS.clear()
    started = time.process_time()
    WATCHING[0] = True
    try:
        parsed = parse_formula(text, COLUMNS)
    except FormulaError:
        parsed = None
    finally:
        WATCHING[0] = False
    assert EVENTS == []
    assert time.process_time() - started < 1
    if parsed is not None:
        assert {parsed.outcome, *parsed.predictors} <= set(COLUMNS)


@settings(law, max_examples=150)
@given(hostile)
def test_any_text_gives_a_model_or_an_error_of_ours(text: str) -> None:
    try:
        model = logit(text, survey())
    except CoprodstatsError:
        return
    assert model.convergence.converged


names = st.sampled_from(["age", "x", "w", "gender"])
factors = st.one_of(
    names,
    st.sampled_from(["age", "x"]).map(lambda n: f"I({n}**2)"),
    st.sampled_from(["age", "w"]).map(lambda n: f"log({n})"),
    st.sampled_from(["center(x)", "scale(age)", "C(gender)", "poly(age, 2)", "bs(x, df=4)", "cr(w, df=3)"]),
    st.tuples(names, names).map(":".join),
)


@settings(law, max_examples=80)
@given(st.lists(factors, min_size=1, max_size=4, unique=True), st.randoms(use_true_random=False))
def test_honest_formulas_pass_in_any_order_and_spacing(parts: list[str], random) -> None:
    plain = parse_formula("y~" + "+".join(parts), COLUMNS)
    shuffled = random.sample(parts, len(parts))
    spaced = parse_formula("  y ~ " + "  +\n ".join(shuffled) + " ", COLUMNS)
    assert set(spaced.predictors) == set(plain.predictors)
    assert {str(t) for t in spaced.terms} == {str(t) for t in plain.terms}
    assert parse_formula(plain.text, COLUMNS).text == plain.text
