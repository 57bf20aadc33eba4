"""Every fault of a design, a formula or a model meets an error of this package, in words of this package."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from coprodstats import SurveyDesign, compare, errors, logit, margins, means, ologit, predict, wald_test
from coprodstats.errors import (
    ArgumentError,
    ComparisonError,
    ConvergenceError,
    CoprodstatsError,
    DesignError,
    EmptyCategoryError,
    Fault,
    FormulaError,
    InsufficientDataError,
    LonelyPSUError,
    ModelError,
    RankDeficiencyError,
    SeparationError,
    WeightError,
    did_you_mean,
    listed,
)

FAMILY = [c for c in vars(errors).values() if inspect.isclass(c) and issubclass(c, CoprodstatsError)]
FOREIGN = re.compile(
    r"singular|linalg|lapack|vmmin|traceback|numpy|pandas|formulaic|broadcast|dtype\(", re.IGNORECASE
)
# Values of respondents that no message may hold; the incomes are drawn to be unlike any count.
SECRET = 987_654.25


def survey() -> pd.DataFrame:
    rng = np.random.default_rng(61)
    n = 240
    frame = pd.DataFrame(
        {
            "age": rng.uniform(18, 90, n),
            "income": rng.uniform(1, 9, n) + SECRET,
            "nation": pd.Categorical(np.resize(["CZ", "DK", "FR"], n)),
            "w": rng.uniform(0.5, 2, n),
            "region": np.repeat([1, 2, 3], n // 3),
        }
    )
    frame["town"] = frame["region"] * 10 + np.resize(np.arange(4), n)
    latent = 0.02 * frame["age"] + rng.logistic(size=n)
    frame["joins"] = (latent > 1).astype(int)
    frame["often"] = pd.cut(latent, [-np.inf, 0.5, 2, np.inf], labels=["never", "some", "often"])
    return frame


Call = Callable[[pd.DataFrame], object]
DESIGN = SurveyDesign(weights="w", strata="region", psu="town")


def weighted(values: Callable[[pd.DataFrame], object]) -> Call:
    return lambda f: logit("joins ~ age", f.assign(w=values(f)), design=SurveyDesign(weights="w"))


FAULTS: dict[str, tuple[Call, type[CoprodstatsError], str]] = {
    "perfect separation": (
        lambda f: logit("joins ~ income", f.assign(joins=(f["income"] > SECRET + 5).astype(int))),
        SeparationError,
        r"separated by income",
    ),
    "quasi separation": (
        lambda f: logit("joins ~ nation", f.assign(joins=f["joins"].where(f["nation"] != "FR", 1))),
        SeparationError,
        r"it is '1' for all 80 respondents with nation = 'FR'",
    ),
    "separation of few": (
        lambda f: logit(
            "joins ~ few + age",
            f.assign(few=np.where(f.index < 4, "yes", "no"), joins=f["joins"].where(f.index >= 4, 1)),
        ),
        SeparationError,
        r"all of the fewer than 10 respondents with few = 'yes'",
    ),
    "ordinal separation": (
        lambda f: ologit("often ~ nation", f.assign(often=f["often"].where(f["nation"] != "DK", "never"))),
        SeparationError,
        r"it is 'never' for all 80 respondents with nation = 'DK'",
    ),
    "separation in a domain": (
        lambda f: logit(
            "joins ~ nation",
            f.assign(joins=f["joins"].where((f["nation"] != "FR") | (f["age"] > 50), 0)),
            domain=f["age"] <= 50,
        ),
        SeparationError,
        r"it is '0' for all \d\d respondents with nation = 'FR'",
    ),
    "duplicate predictor": (
        lambda f: logit("joins ~ income + pay", f.assign(pay=f["income"])),
        RankDeficiencyError,
        r"'pay': it is an exact combination of income",
    ),
    "dummies that sum to one": (
        lambda f: logit(
            "joins ~ a + b + c", f.assign(a=f["nation"] == "CZ", b=f["nation"] == "DK", c=f["nation"] == "FR")
        ),
        RankDeficiencyError,
        r"'c\[T\.True\]': it is an exact combination of a\[T\.True\], b\[T\.True\] \(and the intercept\)",
    ),
    "more columns than rows": (
        lambda f: logit("joins ~ C(income)", f),
        RankDeficiencyError,
        r"239 columns for 240 rows \(C\(income\): 239\)",
    ),
    "top category empty": (
        lambda f: ologit("often ~ age", f.assign(often=f["often"].cat.add_categories("daily"))),
        EmptyCategoryError,
        r"category 'daily' has no respondent among the 240 rows",
    ),
    "middle category empty": (
        lambda f: ologit("often ~ age", f, domain=f["often"] != "some"),
        EmptyCategoryError,
        r"category 'some' has no respondent",
    ),
    "level empty in a domain": (
        lambda f: logit("joins ~ nation", f, domain=f["nation"] != "DK"),
        EmptyCategoryError,
        r"level 'DK' has no respondent among the 160 rows",
    ),
    "constant outcome": (
        lambda f: logit("joins ~ age", f.assign(joins=1)),
        InsufficientDataError,
        r"it is the same in all 240 rows",
    ),
    "constant predictor": (
        lambda f: logit("joins ~ income", f.assign(income=SECRET)),
        InsufficientDataError,
        r"the same value in all 240",
    ),
    "outcome coded 1 and 2": (
        lambda f: logit("joins ~ age", f.assign(joins=f["joins"] + 1)),
        ModelError,
        r"not only 0 and 1",
    ),
    "outcome a number": (lambda f: logit("income ~ age", f), ModelError, r"240 different numbers"),
    "outcome of text": (
        lambda f: ologit("often ~ age", f.assign(often=f["often"].astype("str"))),
        ModelError,
        r"no declared order",
    ),
    "outcome without order": (
        lambda f: ologit("nation ~ age", f),
        ModelError,
        r"its categories have no declared order",
    ),
    "all missing": (
        lambda f: logit("joins ~ income", f.assign(income=np.nan)),
        InsufficientDataError,
        r"0 of 240 rows have a value",
    ),
    "negative weights": (
        weighted(lambda f: f["w"].where(f.index > 2, -SECRET)),
        WeightError,
        r"3 rows have a negative weight",
    ),
    "missing weights": (
        weighted(lambda f: f["w"].where(f.index > 4)),
        WeightError,
        r"5 rows have a missing weight",
    ),
    "infinite weights": (
        weighted(lambda f: f["w"].where(f.index > 1, np.inf)),
        WeightError,
        r"2 rows have an infinite weight",
    ),
    "weights of zero": (weighted(lambda _: 0.0), WeightError, r"all weights are zero"),
    "weights of text": (weighted(lambda f: f["w"].astype("str")), WeightError, r"the column is not numeric"),
    "missing strata": (
        lambda f: logit("joins ~ age", f.assign(region=f["region"].where(f.index > 5)), design=DESIGN),
        DesignError,
        r"strata 'region': 6 rows have no value",
    ),
    "missing PSUs": (
        lambda f: logit("joins ~ age", f.assign(town=f["town"].where(f.index > 5)), design=DESIGN),
        DesignError,
        r"psu 'town': 6 rows have no value",
    ),
    "PSU ids used again": (
        lambda f: logit("joins ~ age", f.assign(town=f["town"] % 10), design=DESIGN),
        DesignError,
        r"read as nested there are 12 PSUs, read as unique ids \d(.|\n)*nested=True",
    ),
    "lonely PSU": (
        lambda f: logit("joins ~ age", f.assign(town=f["town"].where(f["region"] > 1, 1)), design=DESIGN),
        LonelyPSUError,
        r"1 of 3 strata have a single PSU \(1\)",
    ),
    "no degrees of freedom": (
        lambda f: logit(
            "joins ~ age",
            f.assign(own=f["town"]),
            design=SurveyDesign(strata="town", psu="own", lonely_psu="remove"),
        ),
        DesignError,
        r"12 PSUs in 12 strata leave no degree of freedom",
    ),
    "degrees of freedom used up": (
        lambda f: logit(
            "joins ~ age + w + nation + I(age**2) + I(age**3) + I(w**2) + I(w**3) + age:w",
            f,
            design=DESIGN,
            df_rule="r",
        ),
        InsufficientDataError,
        r"9 design degrees of freedom less 9 slopes leave 0",
    ),
    "unseen level": (
        lambda f: predict(logit("joins ~ nation", f), pd.DataFrame({"nation": ["SE"]})),
        ModelError,
        r"levels that the model has not seen \(SE\)\n\s+Allowed: CZ, DK, FR",
    ),
    "unknown term": (
        lambda f: wald_test(logit("joins ~ age", f), "agee"),
        ArgumentError,
        r"no term 'agee'(.|\n)*did you mean 'age'",
    ),
    "unknown predictor": (
        lambda f: margins(logit("joins ~ age", f), "agee"),
        ArgumentError,
        r"not one of its predictors(.|\n)*mean 'age'",
    ),
    "unknown column": (
        lambda f: logit("joins ~ agee", f),
        FormulaError,
        r"no column 'agee'(.|\n)*did you mean 'age'",
    ),
    "unknown covariance": (
        lambda f: logit("joins ~ age", f, covariance="HC0"),
        ArgumentError,
        r"Allowed: None, design, robust, model",
    ),
    "unknown link": (
        lambda f: ologit("often ~ age", f, link="log"),
        ArgumentError,
        r"Allowed: logit, probit",
    ),
    "unknown vce": (
        lambda f: margins(logit("joins ~ age", f), vce="x"),
        ArgumentError,
        r"Allowed: delta, unconditional",
    ),
    "code in a formula": (
        lambda f: logit("joins ~ __import__('os').system('true')", f),
        FormulaError,
        r"characters that formulas don't need",
    ),
    "logarithm of zero": (
        lambda f: logit("joins ~ log(z)", f.assign(z=f["income"] - f["income"].min())),
        ModelError,
        r"1 rows give a number",
    ),
    "infinite predictor": (
        lambda f: logit("joins ~ income", f.assign(income=f["income"].where(f.index > 0, np.inf))),
        ModelError,
        r"1 rows give a number that is not finite",
    ),
    "comparison of other data": (
        lambda f: compare({"a": logit("joins ~ age", f), "b": logit("joins ~ age", f.iloc[::-1])}),
        ComparisonError,
        r"other values of a shared predictor, or another index",
    ),
    "comparison of other designs": (
        lambda f: compare(
            {
                "a": logit("joins ~ age", f, design=DESIGN),
                "b": logit("joins ~ age", f, design=SurveyDesign(weights="w", strata="region")),
            }
        ),
        ComparisonError,
        r"different designs",
    ),
    "comparison of other rules": (
        lambda f: compare(
            {
                "a": logit("joins ~ age", f, design=DESIGN),
                "b": logit("joins ~ age", f, design=DESIGN, df_rule="r"),
            }
        ),
        ComparisonError,
        r"different df rules",
    ),
    "ordinal without event": (
        lambda f: compare({"a": logit("joins ~ age", f), "b": ologit("often ~ age", f)}),
        ComparisonError,
        r"it is ordinal, so that its margins need an event",
    ),
    "mean of text": (lambda f: means(f, "nation"), ArgumentError, r"it is not numeric"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_meet_their_error(fault: str) -> None:
    call, error, message = FAULTS[fault]
    with pytest.raises(error, match=message) as caught:
        call(survey())
    assert type(caught.value) is error
    text = str(caught.value)
    assert text.startswith(f"[{error.code}] {error.__name__}")
    assert not FOREIGN.search(text)
    assert "987" not in text
    assert caught.value.to_dict()["class"] == error.__name__


def test_a_remedy_that_is_offered_works() -> None:
    frame = survey()
    again = frame.assign(town=frame["town"] % 10)
    nested = SurveyDesign(weights="w", strata="region", psu="town", nested=True)
    assert logit("joins ~ age", again, design=nested).n_psu == 12
    alone = frame.assign(town=frame["town"].where(frame["region"] > 1, 1))
    found = {}
    for rule in ("remove", "adjust", "average"):
        design = SurveyDesign(weights="w", strata="region", psu="town", lonely_psu=rule)
        found[rule] = logit("joins ~ age", alone, design=design).bse["age"]
    assert found["remove"] < found["adjust"]
    assert found["average"] == pytest.approx(found["remove"] * np.sqrt(3 / 2), rel=1e-12)
    one_too_many = frame["often"].cat.add_categories("daily").cat.remove_unused_categories()
    assert ologit("often ~ age", frame.assign(often=one_too_many)).convergence.converged


# --- the family ---


@pytest.mark.parametrize("error", FAMILY, ids=lambda c: c.__name__)
def test_every_error_has_a_code_a_meaning_and_a_status(error: type[CoprodstatsError]) -> None:
    assert re.fullmatch(r"E-(000|[A-Z]\d{3})", error.code)
    assert 0 < error.exit_status < 100
    assert inspect.getdoc(error)


def test_codes_are_unique() -> None:
    codes = [c.code for c in FAMILY]
    assert len(codes) == len(set(codes))


def test_a_message_has_its_four_parts() -> None:
    fault = Fault(where="here", found="this", allowed="that", remedy="so")
    assert (
        str(CoprodstatsError(fault))
        == "[E-000] CoprodstatsError\n  - here: this\n    Allowed: that\n    Try: so"
    )
    assert str(Fault(where="here", found="this")) == "here: this"


def test_several_faults_are_counted_and_kept_in_order() -> None:
    faults = [Fault(where=f"w{k}", found="f") for k in range(3)]
    error = ModelError(*faults)
    assert error.faults == tuple(faults)
    assert str(error).splitlines()[0] == "[E-M100] ModelError (3 faults)"
    assert [f["where"] for f in error.to_dict()["faults"]] == ["w0", "w1", "w2"]


def test_an_argument_error_is_a_value_error_too() -> None:
    assert issubclass(ArgumentError, ValueError)


def test_a_convergence_error_carries_its_record() -> None:
    assert ConvergenceError(Fault(where="m", found="f"), convergence="record").convergence == "record"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("agee", "did you mean 'age'?"), ("zzz", ""), ("", ""), ("gender", "did you mean 'gender'?")],
)
def test_the_nearest_name(name: str, wanted: str) -> None:
    assert did_you_mean(name, ["age", "gender"]) == wanted


def test_lists_are_cut() -> None:
    assert listed([]) == ""
    assert listed(range(3)) == "0, 1, 2"
    assert listed(range(5), most=2) == "0, 1, … (3 more)"
