"""Models of a domain that leaves a stratum with a single PSU, against R's survey."""

from __future__ import annotations

import pandas as pd
import pytest

from coprodstats import SurveyDesign, compare, logit

from .golden_numbers import cases, error, numbers
from .make_data import DATA


@pytest.mark.parametrize("case", cases("domain_lonely", "std_error"))
def test_standard_errors(case: str) -> None:
    rule, adjust, outcome = case.split("|")
    frame = pd.read_csv(DATA / "domain_lonely.csv")
    design = SurveyDesign(
        weights="w", strata="s", psu="p", lonely_psu=rule, adjust_domain_lonely=adjust == "TRUE"
    )
    models = {y: logit(f"{y} ~ x", frame, design=design, domain=frame["dom"] == 1) for y in ("y", "z")}
    theirs = numbers("domain_lonely")[case, "std_error"]
    # svyglm's own convergence leaves about 1e-11.
    assert error(models[outcome].bse, theirs) < 1e-9
    both = compare(models, scale="coefficient").intervals().set_index("model")
    assert both.loc[outcome, "std_error"] == pytest.approx(theirs["x"], rel=1e-9)
