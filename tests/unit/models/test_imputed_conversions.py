"""What is made of an imputed number follows it: an age from a year of birth, and the bands of that age."""

from __future__ import annotations

import numpy as np
import pandas as pd

from coprodstats.models.imputation import impute
from coprodstats.survey.cleaning import clean
from coprodstats.survey.conversions import Conversion
from coprodstats.survey.declarations import Codebook, Outcome, Variable
from coprodstats.survey.reading import SurveyData


def test_ages_and_their_bands_follow_imputed_years_of_birth() -> None:
    born = Variable(
        name="born", label="Born", kind="numeric", range=(1900.0, 2008.0), missing={"0": "refused"}
    )
    size = Variable(name="size", label="Size", kind="numeric")
    age = Conversion(name="age", label="Age", of="born", survey_year=2008, range=(0.0, 120.0))
    old = Outcome(name="old", label="Old", kind="bands", labels=("no", "yes"), of="age", cuts=(50.0,))
    codebook = Codebook(
        title="t",
        synthetic=True,
        variables={"born": born, "size": size},
        outcomes={"old": old},
        conversions={"age": age},
    )
    rng = np.random.default_rng(5)
    years = rng.integers(1920, 1990, 80)
    codes = pd.DataFrame({"born": years.astype(str), "size": (years + rng.integers(-5, 5, 80)).astype(str)})
    codes.loc[:9, "born"] = "0"
    cleaned = clean(SurveyData(frame=codes.astype("str"), codebook=codebook))
    assert cleaned.frame["age"].isna().sum() == 10
    completed = impute(cleaned, ["born", "size"], m=2, seed=1, reasons="all").completed(1)
    frame = completed.frame
    assert frame["age"].tolist() == (2008 - frame["born"]).tolist()
    assert (frame["old"] == "yes").tolist() == (frame["age"] >= 50).tolist()
    assert completed.reasons.isna().all(axis=None)
