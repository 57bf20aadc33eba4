"""Models under replicate weights against R's svyglm, svyolr, and clm fitted under each set of weights."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from coprodstats import FittedModel, SurveyDesign, logit, ologit

from . import tolerances as tol
from .golden_numbers import cases, error, numbers
from .test_replicate_numbers import declared

GRADES = ["low", "middle", "high"]
KINDS = cases("replicate_fits", "std_error")


@cache
def fitted(case: str, rule: str = "r") -> FittedModel:
    kind, *rest = case.split("|")
    people, design = declared("|".join(rest))
    people = people.assign(grade=pd.Categorical(people["grade"], categories=GRADES, ordered=True))
    return fit(kind, people, design, rule)


def fit(kind: str, people: pd.DataFrame, design: SurveyDesign, rule: str) -> FittedModel:
    options = {"design": design, "df_rule": rule}
    if kind == "domain":
        return logit("joins_1 ~ score", people, domain=people["group"] == "a", **options)
    if kind == "logit":
        return logit("joins_1 ~ score + group", people, **options)
    link = "logit" if kind in {"ologit", "svyolr"} else kind
    return ologit("grade ~ score + group", people, link=link, **options)


def expected(case: str, quantity: str) -> pd.Series:
    return numbers("replicate_fits")[case, quantity]


@pytest.mark.parametrize("case", [case for case in KINDS if not case.startswith("svyolr")])
def test_estimates_and_standard_errors(case: str) -> None:
    model = fitted(case)
    std_error = expected(case, "std_error")
    assert error(model.params, expected(case, "estimate"), std_error) < tol.COEFFICIENT
    assert error(model.bse, std_error) < tol.REPLICATE_FIT_STD_ERROR


@pytest.mark.parametrize("case", [case for case in KINDS if case.startswith("svyolr")])
def test_svyolr_to_its_own_noise(case: str) -> None:
    model = fitted(case)
    std_error = expected(case, "std_error")
    assert error(model.params, expected(case, "estimate"), std_error) < tol.SVYOLR_REPLICATE
    assert error(model.bse, std_error) < tol.SVYOLR_REPLICATE


@pytest.mark.parametrize("case", [case for case in cases("replicate_fits", "df_r") if "domain" not in case])
def test_degrees_of_freedom(case: str) -> None:
    # R's are the rank of the weights minus one in every case; where weights were made, PSUs minus strata.
    assert fitted(case).df == expected(case, "df_r").item()


def test_replicates_are_rows_of_parameters() -> None:
    model = fitted("ologit|given|jkn|FALSE")
    assert model.replicates is not None
    assert model.replicates.shape == (12, 4)
    assert np.isnan(model.replicates).all(axis=1).tolist() == [r == 8 for r in range(12)]  # its rscale is 0
