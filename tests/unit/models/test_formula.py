from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

from coprodstats import logit
from coprodstats.errors import FormulaError, ModelError
from coprodstats.models.formula import MAX_LENGTH, named_reference, parse_formula, polynomial_degree

COLUMNS = ("y", "o", "age", "x", "gender", "country", "w")

ATTACKS = (
    # code by name, attribute, call or subscript
    "y ~ __import__('os').system('touch owned')", "y ~ I(__import__('os').system('true'))",
    "y ~ I(().__class__.__bases__)", "y ~ C(x.__class__)", "y ~ x.__dict__", "y ~ x._mgr", "y ~ x.to_csv",
    "y ~ x.to_csv('owned')", "y ~ I(x.to_csv('owned'))", "y ~ log(x.values)", "y ~ exec('1')",
    "y ~ eval('1')", "y ~ I(eval('1'))", "y ~ compile('1','','eval')", "y ~ open('owned')",
    "y ~ I(open('owned','w'))", "y ~ print(x)", "y ~ input()", "y ~ breakpoint()",
    "y ~ getattr(x, 'values')", "y ~ globals()", "y ~ locals()", "y ~ vars(x)", "y ~ dir()", "y ~ type(x)",
    "y ~ help()", "y ~ exit()", "y ~ np.log(x)", "y ~ numpy.exp(x)", "y ~ os.system('true')",
    "y ~ pd.read_pickle('owned')", "y ~ subprocess.run('true')", "y ~ np.load('owned')", "y ~ I(np)",
    "y ~ lambda: 1", "y ~ I(lambda: 1)", "y ~ (lambda x: x)(age)", "y ~ I((lambda: 1)())",
    "y ~ x if age else x", "y ~ I(x if x else age)", "y ~ I([x for x in age])", "y ~ [x]", "y ~ I([1])",
    "y ~ {x}", "y ~ {1+1}", "y ~ {__import__('os')}", "y ~ I({1: 2})", "y ~ x[0]", "y ~ I(x[0])", "y ~ `x`",
    "y ~ `__import__('os')`", "y ~ I(f'{x}')", "y ~ f'{x}'", "y ~ I(x := 3)", "y ~ (x := age)",
    "y ~ I(await x)", "y ~ I(yield x)", "y ~ I(not x)", "y ~ I(x and age)", "y ~ I(x == age)",
    "y ~ I(x < age)", "y ~ I(*x)", "y ~ I(**x)", "y ~ log(*x)", "y ~ log(x, out=x)",
    "y ~ log(x, where=age)", "y ~ exp(x, age)", "y ~ log(base=x)", "y ~ C(x, eval)",
    "y ~ C(x, contr.treatment)", "y ~ C(x, Treatment(eval('1')))", "y ~ C(x, Treatment(x))",
    "y ~ C(x, spans_intercept=True)", "y ~ C(x, levels=[1])", "y ~ Treatment('a')", "y ~ contr",
    "y ~ hashed(x)", "y ~ lag(x)", "y ~ stateful_transform(x)", "y ~ Q('x')", "y ~ bs(x, knots=[1])",
    "y ~ bs(x, df=age)", "y ~ bs(x, df=99999999)", "y ~ bs(x, df=True)", "y ~ poly(x, 10**9)",
    "y ~ poly(x, 99)", "y ~ poly(x, raw=1)", "y ~ poly(x, degree=4, degree=5)", "y ~ cr(x, df=0)",
    "y ~ cr(x, 1.5)",
    # size
    "y ~ I(9**9**9)", "y ~ I(x**9**9**9)", "y ~ I(x**999999999)", "y ~ x**99", "y ~ (x + age)**9",
    "y ~ I(x**(9**9))", "y ~ I(x * 9**9)", "y ~ I(x + 1)", "y ~ I(x ** -1)", "y ~ I(x**2.5)",
    "y ~ I(x**True)", "y ~ " + "(" * 100_000 + "x" + ")" * 100_000, "y ~ " + "(" * 20 + "x" + ")" * 20,
    "y ~ " + "x+" * 50_000 + "x", "y ~ I(" + "x*" * 2_000 + "x)",
    "y ~ " + "*".join(["x", "age", "gender", "country", "w"] * 6),
    "y ~ (x + age + gender + country + w)**5**5", "y ~ " + "~".join("x" * 50),
    # not a formula
    "", " ", "~", "y ~", "y ~ 1", "y ~ 0 + x", "y ~ 0", "y ~ x - 1", "y ~ x + 0", "y ~ -1 + x", "x", "y",
    "y ~ .", "y ~ x ~ age", "~ x", "y + o ~ x", "log(y) ~ x", "C(y) ~ x", "y[0] ~ x", "y.z ~ x", "2 ~ x",
    "'y' ~ x", "__class__ ~ x", "y ~ 'x'", "y ~ \"x\"", "y ~ 'x", "y ~ x'", "y ~ 3", "y ~ 2*x", "y ~ 2.5:x",
    "y ~ x, age", "y ~ x; import os", "y ~ x\nimport os", "y ~ x # age", "y ~ x = 3", "y ~ x == 3",
    "y ~ x | age", "y ~ x % age", "y ~ x / age", "y ~ x @ age", "y ~ x & age", "y ~ (x", "y ~ x)",
    "y ~ )x(", "y ~ ()", "y ~ x + ", "y ~ + + x *", "y ~ x**", "y ~ **x", "y ~ x^2", "y ~ age:x^2",
    "y ~ x**age", "y ~ y + x", "y ~ None", "y ~ True", "y ~ lambda", "y ~ class", "y ~ import", "y ~ \x00x",
    "y ~ x\x00", "y ~ x\u200b", "y ~ x\u202e", "y ~ \u0445", "y ~ \uff58", "y ~ \uff4c\uff4f\uff47(x)",
    "y \uff5e x", "y ~ x\u00b2", "y ~ \ufb01t", "y ~ 𝓍", "y ~ eval\u200d('1')",
    "y ~ \uff3f\uff3fimport\uff3f\uff3f('os')", "=HYPERLINK('http://x')", "y ~ <script>", "y ~ {{7*7}}",
    "y ~ $x", "y ~ \\x41", "y ~ %s", "y ~ ${x}", "y ~ x--", "y ~ nosuch", "nosuch ~ x", "y ~ log(nosuch)",
    "y ~ log()", "y ~ I()", "y ~ C()", "y ~ C(x, age)", "y ~ C('x')", "y ~ log(1)", "y ~ log(log(x))",
    "y ~ exp(I(x))", "y ~ C(C(x))", "y ~ center(scale(x))", "y ~ I(log(x))",
)  # fmt: skip

HONEST = {
    "y ~ age": ("age",),
    "y~age+gender": ("age", "gender"),
    "y ~ age * gender": ("age", "gender"),
    "y ~ age:gender + x": ("x", "age", "gender"),
    "y ~ (age + x + gender)**2": ("age", "x", "gender"),
    "y ~ (age + x)^2": ("age", "x"),
    "y ~ I(age**2) + age": ("age",),
    "y ~ I(age * x)": ("age", "x"),
    'y ~ C(country, Treatment("DK"))': ("country",),
    "y ~ C(country, Treatment('a ~ b (c) + __'.))".replace(".))", "))").replace("__", "_"): ("country",),
    "y ~ center(age) + scale(x) + log(w) + sqrt(w) + exp(x)": ("age", "x", "w"),
    "y ~ poly(age, 3) + bs(x, df=5) + cr(w, df=4)": ("age", "x", "w"),
    "y ~ poly(age, degree=2) + bs(x, df=6, degree=3)": ("age", "x"),
    "y ~ 1 + age": ("age",),
    "  y   ~ \n age\t+ x ": ("age", "x"),
}


@contextmanager
def watched() -> Iterator[list[str]]:
    """Record what the interpreter does: code run, modules imported, files, sockets, processes."""
    events: list[str] = []
    telltale = ("exec", "import", "open", "os.", "socket.", "subprocess.", "shutil.", "ctypes.", "marshal.")
    active = True

    def hook(event: str, _: object) -> None:
        if active and event.startswith(telltale):
            events.append(event)

    sys.addaudithook(hook)  # hooks can't be removed, only silenced
    try:
        yield events
    finally:
        active = False


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 200
    data = pd.DataFrame(
        {
            "age": rng.uniform(20, 80, n),
            "x": rng.normal(size=n),
            "w": rng.uniform(1, 2, n),
            "gender": pd.Categorical(rng.choice(["man", "woman"], n)),
            "country": pd.Categorical(rng.choice(["CZ", "DK", "FR"], n)),
        }
    )
    data["y"] = (rng.random(n) < 0.5).astype(int)
    data["o"] = pd.Categorical(rng.choice(["a", "b", "c"], n), ordered=True)
    return data


@pytest.fixture(scope="module", autouse=True)
def _warm(frame: pd.DataFrame) -> None:
    """Import everything that formulas need, so that an import seen later is the formula's own."""
    logit("y ~ poly(age, 2) + C(gender) + cr(w, df=4) + bs(x, df=4)", frame)


def test_there_are_more_than_a_hundred_attacks() -> None:
    assert len(set(ATTACKS)) > 150


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda text: ascii(text[:40]))
def test_attacks_are_refused_quickly_and_run_nothing(attack: str, frame: pd.DataFrame) -> None:
    for run in (lambda: parse_formula(attack, COLUMNS), lambda: logit(attack, frame)):
        started = time.process_time()
        with watched() as events, pytest.raises(FormulaError, match=r"E-F100"):
            run()
        assert events == []
        assert time.process_time() - started < 0.5


def test_the_watcher_sees_what_it_should(frame: pd.DataFrame) -> None:
    with watched() as events:
        exec("1")  # noqa: S102
        logit("y ~ log(w)", frame)  # formulaic evaluates honest transformations
    assert events.count("exec") >= 2


@pytest.mark.parametrize("formula", HONEST, ids=ascii)
def test_honest_formulas_name_their_predictors(formula: str) -> None:
    parsed = parse_formula(formula, COLUMNS)
    assert (parsed.outcome, parsed.predictors) == ("y", HONEST[formula])


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ agee", r"no column 'agee'\n\s+Try: did you mean 'age'\?"),
        ("y ~ income", r"no column 'income'\n\s+Try: the columns are y, o, age"),
        ("y ~ age + y", r"the outcome 'y' is also a predictor"),
        ("y ~ age^2", r"age\^2 means age itself in a formula\n\s+Try: I\(age\*\*2\)"),
        ("y ~ 0 + age", r"the intercept was taken out"),
        ("y ~ 1", r"it has no predictor"),
        ("y ~ class + age", r"'class' is a word of the Python language\n\s+Try: rename the column"),
        (
            "y ~ C(gender, Treatment(reference='man'))",
            r'Allowed: C\(name\) or C\(name, Treatment\("level"\)\)',
        ),
        ("y ~ age*x*gender*country*w*age*x*gender*country", r"expands to more than 300 terms"),
        ("y ~ x" + "+x" * MAX_LENGTH, r"longer than 5000 characters"),
        ("y ~ I(x**6)", r"a power is above 5"),
        ("y ~ \uff58", r"only look like plain ones"),
        ("y ~ x - age", r"characters that formulas don't need"),
        ("y + o ~ x", r"left-hand side is not the name of one column"),
    ],
)  # fmt: skip
def test_messages_say_what_is_wrong_and_what_to_write(formula: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        parse_formula(formula, COLUMNS)


def test_a_formula_is_held_against_the_columns_of_each_data() -> None:
    text = "y ~ age + C(country)"
    assert parse_formula(text, COLUMNS).predictors == ("age", "country")
    with pytest.raises(FormulaError, match=r"2 faults\)(.|\n)*no column 'age'(.|\n)*no column 'country'"):
        parse_formula(text, ("y", "x"))
    assert parse_formula(text, COLUMNS).factors == ("country",)


def test_something_that_is_no_text_is_refused() -> None:
    with pytest.raises(FormulaError, match=r"it is not text"):
        parse_formula(3, COLUMNS)  # type: ignore[arg-type]


def test_all_faults_come_at_once() -> None:
    with pytest.raises(FormulaError, match=r"3 faults") as caught:
        parse_formula("yy ~ agee + xx", COLUMNS)
    assert len(caught.value.faults) == 3


# --- columns that are called like functions ---

FUNCTIONS = ("C", "log", "I", "Treatment", "exp", "bs", "poly", "center", "scale", "sqrt", "cr")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_column_called_like_a_function_is_a_column(name: str, frame: pd.DataFrame) -> None:
    renamed = logit(f"y ~ {name} + age", frame.rename(columns={"x": name}))
    assert renamed.estimates == pytest.approx(logit("y ~ x + age", frame).estimates, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("C", "C(gender)"),
        ("log", "log(w)"),
        ("I", "I(x**2)"),
        ("Treatment", "C(country, Treatment('DK'))"),
        ("exp", "exp(x)"),
        ("cr", "cr(x, df=4)"),
    ],
)
def test_a_column_and_a_function_of_one_name_are_kept_apart(name: str, use: str, frame: pd.DataFrame) -> None:
    both = frame.assign(**{name: frame["age"]})
    with pytest.raises(
        FormulaError, match=rf"column '{name}' has the name of a function that the formula uses"
    ):
        logit(f"y ~ {name} + {use}", both)
    # Unused, such a column shadows nothing.
    assert logit(f"y ~ {use}", both).estimates == pytest.approx(logit(f"y ~ {use}", frame).estimates)


@pytest.mark.parametrize(
    "name", ["print", "eval", "exec", "open", "np", "os", "self", "âge", "年齢", "été_2"]
)
def test_columns_called_like_builtins_or_in_any_alphabet_are_columns(name: str, frame: pd.DataFrame) -> None:
    renamed = frame.rename(columns={"x": name})
    assert logit(f"y ~ {name}", renamed).params.index.tolist() == ["Intercept", name]


# --- factors ---


def test_c_makes_a_factor_of_numbers() -> None:
    parsed = parse_formula("y ~ C(age) + x", COLUMNS)
    assert parsed.factors == ("age",)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('C(g, Treatment("b"))', ("g", "b")),
        ("C(g, Treatment(2))", ("g", 2)),
        ("C(g)", None),
        ("g", None),
        ("log(g)", None),
    ],
)
def test_the_named_reference(expression: str, found: tuple[str, object] | None) -> None:
    assert named_reference(expression) == found


@pytest.mark.parametrize(
    ("expression", "degree"),
    [
        ("x", 1),
        ("z", 0),
        ("I(x ** 5)", 5),
        ("I(x ** 2 * z ** 3)", 2),
        ("I(x * x * x)", 3),
        ("I((x * z) ** 2)", 2),
    ],
)
def test_the_degree_of_a_product_of_powers(expression: str, degree: int) -> None:
    assert polynomial_degree(expression, "x") == degree


def test_an_unknown_reference_is_named_with_the_nearest(frame: pd.DataFrame) -> None:
    with pytest.raises(
        FormulaError, match=r"'gender' has no level 'womn'.*\n.*man, woman\n.*did you mean 'woman'"
    ):
        logit("y ~ C(gender, Treatment('womn'))", frame)


@pytest.mark.parametrize("term", ["log(gender)", "poly(gender, 2)", "bs(x, df=2)", "exp(country)"])
def test_transformations_that_cant_be_computed_say_so(term: str, frame: pd.DataFrame) -> None:
    with pytest.raises(ModelError, match=r"a transformation can't be computed for these data"):
        logit(f"y ~ {term}", frame)


@pytest.mark.parametrize("make", [lambda n: "+".join(["x"] * n), lambda n: ":".join(["x"] * n)])
def test_long_honest_formulas_pass(make: Callable[[int], str]) -> None:
    assert parse_formula(f"y ~ {make(250)}", COLUMNS).predictors == ("x",)
