from __future__ import annotations

import doctest
import inspect
import json
import subprocess
import sys

import pytest

import coprodstats

MISSING = [name for name in coprodstats.__all__ if not hasattr(coprodstats, name)]
FUNCTIONS = [n for n in coprodstats.__all__ if inspect.isfunction(getattr(coprodstats, n, None))]
CLASSES = [n for n in coprodstats.__all__ if inspect.isclass(getattr(coprodstats, n, None))]
# Records that only functions of the package make: their example is that function's.
MADE_BY_FUNCTIONS = {
    "Checked",
    "CleanedSurvey",
    "Codebook",
    "Comparison",
    "FittedModel",
    "SurveyData",
    "CleaningLog",
    "WaveChanges",
    "Dimensionality",
    "Imputations",
    "ItemAnalysis",
    "ItemFunctioning",
    "Moderation",
    "Pooled",
}

# They take a whole analysis; the end-to-end tests are their examples.
TAKE_AN_ANALYSIS = {"run_analysis", "check_claims"}


def in_a_new_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_every_public_name_resolves() -> None:
    assert MISSING == []
    assert set(coprodstats.__all__) <= set(dir(coprodstats))
    assert coprodstats.__all__ == sorted(set(coprodstats.__all__))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'coprodstats' has no attribute 'ologitt'"):
        _ = coprodstats.ologitt  # type: ignore[attr-defined]


def test_the_type_checker_sees_the_names_that_run_time_sees() -> None:
    source = inspect.getsource(coprodstats)
    declared = {
        line.rpartition(" as ")[2].strip()
        for line in source.splitlines()
        if " as " in line and "import" in line
    }
    assert declared == set(coprodstats.__all__)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, json, coprodstats; print(json.dumps(sorted(m.partition('.')[0] for m in sys.modules)))"
    )
    loaded = set(json.loads(in_a_new_process(code)))
    assert not loaded & {
        "numpy",
        "pandas",
        "scipy",
        "formulaic",
        "statsmodels",
        "matplotlib",
        "seaborn",
        "click",
    }


def test_the_models_load_no_plotting() -> None:
    code = (
        "import sys, coprodstats; coprodstats.ologit, coprodstats.compare; print('matplotlib' in sys.modules)"
    )
    assert in_a_new_process(code).strip() == "False"


@pytest.mark.parametrize("name", [n for n in coprodstats.__all__ if n not in MISSING])
def test_every_public_name_says_what_it_is(name: str) -> None:
    text = inspect.getdoc(getattr(coprodstats, name)) or ""
    summary = text.partition("\n")[0]
    assert summary.endswith(".")
    assert len(summary) < 110


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_document_arguments_results_and_errors(name: str) -> None:
    function = getattr(coprodstats, name)
    text = inspect.getdoc(function)
    returns = [] if inspect.signature(function).return_annotation in ("None", None) else ["Returns"]
    for section in ["Parameters", *returns, "Raises"]:
        assert f"{section}\n{'-' * len(section)}" in text, section
    parameters = text.partition("Parameters\n")[2].partition("\nRaises\n")[0]
    for parameter in inspect.signature(function).parameters:
        assert parameter in parameters, parameter


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in TAKE_AN_ANALYSIS])
def test_functions_have_an_example(name: str) -> None:
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(getattr(coprodstats, name)))
    assert examples, f"{name} has no example"


@pytest.mark.parametrize("name", [n for n in CLASSES if n not in MADE_BY_FUNCTIONS | {"CoprodstatsError"}])
def test_classes_that_users_make_have_an_example(name: str) -> None:
    assert doctest.DocTestParser().get_examples(inspect.getdoc(getattr(coprodstats, name)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_fully_annotated(name: str) -> None:
    function = getattr(coprodstats, name)
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())


@pytest.mark.parametrize("name", [n for n in CLASSES if n != "CoprodstatsError"])
def test_records_are_frozen_and_their_methods_annotated(name: str) -> None:
    record = getattr(coprodstats, name)
    assert record.__dataclass_params__.frozen
    for attribute, member in vars(record).items():
        if inspect.isfunction(member) and not attribute.startswith("_"):
            signature = inspect.signature(member)
            assert signature.return_annotation is not inspect.Signature.empty, attribute
            assert inspect.getdoc(member), attribute


@pytest.mark.parametrize("name", FUNCTIONS)
def test_options_are_given_by_name(name: str) -> None:
    """At most three positional arguments: what, of what, and at what."""
    kinds = [p.kind for p in inspect.signature(getattr(coprodstats, name)).parameters.values()]
    assert kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD) <= 3
