"""Published examples whose data come with R's survey package: read from it where R is installed.

The California schools (`api`) are not copied here. The expected numbers are what survey 4.1-1 and 4.5 print
for svyglm, svyolr, svymean and regTermTest on them.
"""

from __future__ import annotations

import shutil
import subprocess

import pandas as pd
import pytest

import coprodstats as cps

from . import tolerances as tol

pytestmark = pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")

EXPORT = """
if (!requireNamespace("survey", quietly = TRUE)) quit(status = 3)
data(api, package = "survey")
for (name in c("apistrat", "apiclus1"))
  write.csv(get(name), file.path(commandArgs(TRUE)[1], paste0(name, ".csv")), row.names = FALSE, na = "")
"""


@pytest.fixture(scope="module")
def schools(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    script = folder / "export.R"
    script.write_text(EXPORT, encoding="utf-8")
    done = subprocess.run(
        ["Rscript", "--vanilla", str(script), str(folder)], check=False, capture_output=True
    )
    if done.returncode == 3:
        pytest.skip("R's package survey is not installed")
    return {name: pd.read_csv(folder / f"{name}.csv") for name in ("apistrat", "apiclus1")}


def test_svyglm_on_the_stratified_sample(schools):
    frame = schools["apistrat"]
    frame["sch.wide"] = pd.Categorical(frame["sch.wide"], categories=["No", "Yes"], ordered=True)
    frame = frame.rename(columns={"sch.wide": "sch_wide"})
    design = cps.SurveyDesign(weights="pw", strata="stype", fpc="fpc")
    model = cps.logit("sch_wide ~ ell + meals + mobility", frame, design=design, df_rule="r")
    expected = [0.835836525, -0.00248963575, -0.00315236511, 0.0608967787]
    assert model.params.to_list() == pytest.approx(expected, rel=1e-8)
    assert model.design_df == 197
    test = cps.wald_test(model, ["ell", "mobility"])
    assert (test.df_num, test.df_denom) == (2, 194)
    assert test.statistic == pytest.approx(1.87770997, rel=tol.TEST)


def test_svyolr_on_the_cluster_sample(schools):
    frame = schools["apiclus1"].rename(columns={"avg.ed": "avg_ed"})
    frame["mealcat"] = pd.cut(frame["meals"], [0, 25, 50, 75, 100])
    frame["mealcat"] = frame["mealcat"].cat.rename_categories(str)
    design = cps.SurveyDesign(weights="pw", psu="dnum", fpc="fpc")
    model = cps.ologit("mealcat ~ avg_ed + mobility + stype", frame, design=design)
    slopes = model.params[["avg_ed", "mobility", "stype[T.H]", "stype[T.M]"]].to_list()
    assert slopes == pytest.approx(
        [-2.69990762, 0.03250438, -1.75748151, -0.61914518], rel=tol.SVYOLR_COEFFICIENT
    )
    cuts = [-8.85786769, -6.58641884, -4.92489881]
    assert model.thresholds.to_list() == pytest.approx(cuts, rel=tol.SVYOLR_COEFFICIENT)


@pytest.mark.parametrize(
    ("rule", "std_error"), [("remove", 5.8057776), ("adjust", 5.8280579), ("average", 6.0095507)]
)
def test_strata_with_a_single_psu(schools, rule, std_error):
    design = cps.SurveyDesign(weights="pw", strata="dnum", lonely_psu=rule)
    found = cps.means(schools["apiclus1"], "api00", design=design)
    assert found["std_error"].iloc[0] == pytest.approx(std_error, rel=1e-7)
    assert found["df"].iloc[0] == 168
