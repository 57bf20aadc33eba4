"""The main analysis from its file to its folder, and runs that fail."""

from __future__ import annotations

import datetime
import json
import re
import shutil
import socket
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from coprodstats import (
    check_claims,
    clean,
    compare,
    logit,
    margins,
    means,
    ologit,
    proportions,
    read_claims,
    read_codebook,
    read_survey,
    verify,
)
from coprodstats.cli import main
from coprodstats.errors import ManifestMismatchError, ReportError, SeparationError
from coprodstats.models.results import FittedModel
from coprodstats.reporting.analysis import RunResult, run_analysis
from coprodstats.survey.cleaning import CleanedSurvey

ROOT = Path(__file__).resolve().parents[2]
ANALYSIS = ROOT / "analyses" / "five_nation_2008"
DATA = ROOT / "data" / "synthetic"
DECOYS = ("null", "reversed", "equal_efficacy")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return run_analysis(ANALYSIS / "analysis.toml", out=tmp_path_factory.mktemp("main") / "five_nation_2008")


@pytest.fixture(scope="module")
def manifest(result: RunResult) -> dict[str, object]:
    found: dict[str, object] = json.loads((result.folder / "manifest.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def cleaned() -> CleanedSurvey:
    return clean(read_survey(DATA / "five_nation_2008.sav", read_codebook(ANALYSIS / "codebook.toml")))


def table(result: RunResult, name: str) -> pd.DataFrame:
    return pd.read_csv(result.folder / "results" / f"{name}.csv", keep_default_na=False, na_values=[""])


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def command(*words: object) -> Result:
    return CliRunner().invoke(main, [str(w) for w in words])


# ---------------------------------------------------------------------------------------- the main run


def made_with(folder: Path) -> tuple[str, dict[str, str]]:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return manifest["python"], manifest["packages"]


@pytest.mark.slow
def test_the_committed_report_is_what_the_analysis_makes(result: RunResult) -> None:
    committed = ROOT / "reports" / "five_nation_2008"
    there, made = content(committed), content(result.folder)
    assert sorted(there) == sorted(made)
    if made_with(committed) == made_with(result.folder):
        assert [name for name in made if there[name] != made[name]] == []
        return
    # Another Python or other packages may draw differently and sum in another order: the numbers must agree.
    for name in (n for n in made if n.endswith(".csv")):
        ours, theirs = (
            pd.read_csv(folder / name, keep_default_na=False, na_values=[""])
            for folder in (result.folder, committed)
        )
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-7, atol=1e-9)


@pytest.mark.slow
def test_the_folder_is_what_its_manifest_says(result: RunResult) -> None:
    assert verify(result.folder).n_files == len(result.files) - 1
    told = command("verify", result.folder)
    assert told.exit_code == 0
    assert f"{len(result.files) - 1} files as recorded" in told.stdout


@pytest.mark.slow
def test_a_changed_file_is_named(result: RunResult, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(result.folder, copy)
    target = copy / "results" / "differences.csv"
    target.write_bytes(target.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(ManifestMismatchError, match=r"results/differences\.csv"):
        verify(copy)
    told = command("verify", copy)
    assert told.exit_code == ManifestMismatchError.exit_status
    assert "results/differences.csv" in told.stderr
    assert "report.html" not in told.stderr
    assert "Traceback" not in told.output


@pytest.mark.slow
def test_the_verdicts_recover_the_planted_truth(result: RunResult) -> None:
    truth = tomllib.loads((DATA / "truth.toml").read_text(encoding="utf-8"))["claims"]
    claims = table(result, "claims")
    assert dict(zip(claims["id"], claims["verdict"], strict=True)) == truth
    assert set(claims["checks"]) == {"the software, on synthetic data"}


@pytest.mark.slow
def test_every_row_is_accounted_for(result: RunResult, manifest: dict[str, object]) -> None:
    rows = manifest["rows"]
    assert rows["in"] == len(pd.read_csv(DATA / "five_nation_2008.csv", dtype="str"))
    assert rows["in"] == rows["kept"] + sum(rows["excluded"].values())
    assert len(manifest["models"]) == 2 * len(result.findings.plan.comparisons)
    csv = table(result, "rows").groupby("model")["rows"].sum()
    for name, record in manifest["models"].items():
        assert record["n"] + sum(record["left_out"].values()) == rows["kept"], name
        assert csv[name] == rows["kept"], name
    fitted = table(result, "models").groupby("model")["n"].unique()
    for name, record in manifest["models"].items():
        assert fitted[name].tolist() == [record["n"]], name


@pytest.mark.slow
def test_inputs_are_recorded_by_content_only(manifest: dict[str, object]) -> None:
    assert set(manifest["inputs"]) >= {
        "analysis.toml",
        "codebook.toml",
        "claims.toml",
        "five_nation_2008.sav",
    }
    assert manifest["random"] == {"generator": "PCG64", "seed": 2008}
    assert manifest["synthetic"] is True


@pytest.mark.slow
def test_the_files_hold_what_the_functions_return(result: RunResult, cleaned: CleanedSurvey) -> None:
    plan = {c.key: c for c in result.findings.plan.comparisons}
    keys = ["comparison", "scale", "term"]
    differences = table(result, "differences").set_index(keys).sort_index()
    for key in ("main", "ordinal"):
        one = plan[key]
        fit = logit if one.kind == "logit" else ologit
        models = {n: fit(f"{c} ~ {one.predictors}", cleaned) for n, c in one.outcomes.items()}
        for scale, event in (("margin", dict(one.events) or None), ("coefficient", None)):
            both = compare(models, scale=scale, event=event)
            shown = differences.loc[(key, scale)].loc[list(both.terms)]
            frame = both.to_frame().set_index("term")
            for column, name in (
                ("first", "individual"),
                ("second", "collective"),
                *(
                    (c, c)
                    for c in ("difference", "std_error", "p_value", "p_adjusted", "conf_low", "conf_high")
                ),
            ):
                expected = pytest.approx(frame[name].to_list(), rel=1e-9, abs=1e-12)
                assert shown[column].to_list() == expected, (key, scale, column)
        if key == "main":
            shown_margins = table(result, "margins").query("model == 'collective'")
            expected = pytest.approx(margins(models["collective"])["estimate"].to_list(), rel=1e-9)
            assert shown_margins["estimate"].to_list() == expected
    levels = table(result, "levels").query("model == 'collective' and group != 'All'")
    shares = proportions(cleaned, "collective_any", by="country").query("category == 'yes'")
    assert levels["estimate"].to_list() == pytest.approx(shares["estimate"].to_list(), rel=1e-9)
    indices = table(result, "indices").query("index == 'individual_index' and group == 'All'")
    expected = pytest.approx(means(cleaned, "individual_index")["std_error"].to_list(), rel=1e-9)
    assert indices["std_error"].to_list() == expected


@pytest.mark.slow
def test_the_other_format_of_the_survey_gives_the_same_differences(result: RunResult) -> None:
    one = result.findings.plan.comparisons[0]
    other = clean(read_survey(DATA / "five_nation_2008.csv", read_codebook(ANALYSIS / "codebook.toml")))
    models = {n: logit(f"{c} ~ {one.predictors}", other) for n, c in one.outcomes.items()}
    frame = compare(models).to_frame()
    shown = table(result, "differences").query("comparison == 'main' and scale == 'margin'")
    assert shown["std_error"].to_list() == pytest.approx(frame["std_error"].to_list(), rel=1e-9)


class Page(HTMLParser):
    """Collects tags that never close, references and the text in a page."""

    VOID = frozenset({"meta", "link", "br", "hr", "img", "input", "col", "wbr"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.handlers: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self._note(attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._note(attrs)

    def _note(self, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "xlink:href", "action", "data", "srcset", "poster"):
                self.references.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


@pytest.mark.slow
def test_the_page_stands_alone(result: RunResult) -> None:
    text = (result.folder / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    page.close()
    assert (page.open, page.crossed) == ([], [])
    assert page.tags & {"iframe", "object", "embed", "link", "base"} == set()
    # The explorer has a script and a form of its own; neither can reach anything outside the page.
    assert text.count("<script") == 2
    assert "default-src 'none'" in text
    assert "form-action 'none'" in text
    assert page.handlers == []
    assert [r for r in page.references if not r.startswith("#")] == []
    assert {r[1:] for r in page.references} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert re.findall(r"@import|@font-face|url\((?!#)", text) == []
    assert "javascript:" not in text


@pytest.mark.slow
def test_the_page_says_first_that_the_data_are_synthetic(result: RunResult) -> None:
    page = Page()
    page.feed((result.folder / "report.html").read_text(encoding="utf-8"))
    words = " ".join(" ".join(page.words).split())
    assert 0 <= words.index("These data are synthetic") < words.index("Summary") + 2000
    main_models = result.findings.main.models.values()
    for n in (result.findings.cleaned.log.rows_in, *(m.nobs for m in main_models)):
        assert f"{n:,}" in words


@pytest.mark.slow
def test_no_byte_tells_where_when_or_by_whom(result: RunResult) -> None:
    host = socket.gethostname()
    telling = [str(result.folder.parent), str(Path.home()), str(ROOT), datetime.date.today().isoformat()]
    telling += [host] if len(host) > 6 else []
    for name, data in content(result.folder).items():
        found = [word for word in telling if len(word) > 1 and word.encode() in data]
        assert found == [], name
        assert re.search(rb"\b[0-2]\d:[0-5]\d:[0-5]\d\b", data) is None, name


# --------------------------------------------------------------------------------------------- decoys


def fit_for_claims(data: CleanedSurvey) -> dict[str, FittedModel]:
    """The models that the claims name; one that is separated is refused, and its claims aren't testable."""
    plan = tomllib.loads((ANALYSIS / "analysis.toml").read_text(encoding="utf-8"))["comparisons"]
    named = {c["key"]: c for c in plan}
    wanted = [("main", "individual"), ("main", "collective")]
    wanted += [(sector, "individual") for sector in ("safety", "environment", "health")]
    models = {}
    for key, outcome in wanted:
        name = outcome if key == "main" else f"{key}/{outcome}"
        formula = f"{named[key]['outcomes'][outcome]} ~ {named[key]['predictors']}"
        try:
            models[name] = logit(formula, data, name=name)
        except SeparationError:
            continue
    return models


@pytest.mark.slow
@pytest.mark.parametrize("name", DECOYS)
def test_claims_do_not_agree_where_the_truth_is_another(name: str) -> None:
    truth = tomllib.loads((DATA / "decoys" / f"{name}.toml").read_text(encoding="utf-8"))["claims"]
    data = clean(read_survey(DATA / "decoys" / f"{name}.csv", read_codebook(ANALYSIS / "codebook.toml")))
    models = fit_for_claims(data)
    assert {"individual", "collective"} <= set(models)
    claims = read_claims(ANALYSIS / "claims.toml")
    verdicts = check_claims(claims, models, data, seed=1, n_replicates=40).verdicts()
    must_not = [c for c, wanted in truth.items() if wanted == "must not agree"]
    assert must_not
    assert [c for c in must_not if verdicts[c] == "agrees"] == []
    if name == "reversed":
        assert {verdicts[c] for c in ("C1", "C3", "C6")} == {"disagrees"}
    stay = [c for c, wanted in truth.items() if wanted == "agrees"]
    assert [c for c in stay if verdicts[c] == "disagrees"] == []


# ------------------------------------------------------------------------------- small runs, and failures

SMALL = """title = "Age and gender"
root = "../.."
survey = "../../data/synthetic/five_nation_2008.csv"
codebook = "codebook.toml"
output = "out"

[outcomes.individual]
label = "Individual"
[outcomes.collective]
label = "Collective"

[[comparisons]]
key = "main"
title = "All sectors together"
kind = "logit"
outcomes = { individual = "individual_high", collective = "collective_any" }
predictors = "age + gender"

[describe]
by = "gender"
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a small run needs, with the output of one run in it."""
    root = tmp_path_factory.mktemp("tree")
    (root / "data" / "synthetic").mkdir(parents=True)
    (root / "analyses" / "small").mkdir(parents=True)
    for name in ("codebook.toml", "five_nation_2008.csv"):
        shutil.copy(DATA / name, root / "data" / "synthetic" / name)
    shutil.copy(ANALYSIS / "codebook.toml", root / "analyses" / "small" / "codebook.toml")
    (root / "analyses" / "small" / "analysis.toml").write_text(SMALL, encoding="utf-8")
    ran = command("run", root / "analyses" / "small" / "analysis.toml")
    assert ran.exit_code == 0, ran.output
    return root


@pytest.fixture
def small(tree: Path, tmp_path: Path) -> Path:
    shutil.copytree(tree, tmp_path / "copy")
    return tmp_path / "copy" / "analyses" / "small"


@pytest.mark.slow
def test_a_run_can_be_reproduced_and_says_what_differs(small: Path) -> None:
    before = content(small / "out")
    told = command("reproduce", small / "out", small / "analysis.toml")
    assert told.exit_code == 0, told.output
    assert f"{len(before)} files came out the same" in told.stdout
    text = SMALL.replace('title = "Age and gender"', 'title = "Gender and age"')
    (small / "analysis.toml").write_text(text, encoding="utf-8")
    told = command("reproduce", small / "out", small / "analysis.toml")
    assert told.exit_code == ManifestMismatchError.exit_status
    assert "report.html" in told.stderr
    assert "manifest.json" in told.stderr
    assert "results/differences.csv" not in told.stderr
    assert content(small / "out") == before


@pytest.mark.slow
def test_a_run_finds_its_analysis_by_hash_below_the_working_directory(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small.parents[1])
    told = command("reproduce", small / "out")
    assert told.exit_code == 0, told.output
    (small / "analysis.toml").write_text(SMALL + "# another\n", encoding="utf-8")
    told = command("reproduce", small / "out")
    assert told.exit_code == ReportError.exit_status
    assert "coprodstats reproduce FOLDER ANALYSIS.toml" in told.stderr


def test_outcomes_without_an_event_and_no_description_still_make_a_report(small: Path) -> None:
    names = set(content(small / "out"))
    assert {"report.html", "manifest.json", "results/differences.csv"} <= names
    assert "results/claims.csv" not in names
    assert "results/sample.csv" not in names


def test_progress_is_told_on_stderr_and_the_result_on_stdout(small: Path) -> None:
    ran = command("run", small / "analysis.toml", "--out", small / "again")
    assert ran.exit_code == 0, ran.output
    assert "open" in ran.stdout
    assert "done" in ran.stderr
    assert "done" not in ran.stdout
    assert content(small / "again") == content(small / "out")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


BREAKS = {
    "no TOML": ("analysis.toml", "title =", "title = =", 2, "not valid TOML"),
    "an unknown key": ("analysis.toml", "output", "outptu", 2, "did you mean 'output'?"),
    "an unknown outcome": ("analysis.toml", '"collective_any"', '"colective_any"', 2, "colective_any"),
    "an unknown mapping": ("analysis.toml", "output =", 'mapping = "narow"\noutput =', 2, "narow"),
    "another mapping of a comparison": (
        "analysis.toml", 'kind = "logit"', 'kind = "logit"\nmapping = "narow"', 2, "narow",
    ),
    "a phrase about nothing": (
        "analysis.toml", "[[comp", '[phrases]\n"agee" = "Older people"\n\n[[comp', 2, "agee",
    ),
    "a phrase about a factor": (
        "analysis.toml", "[[comp", '[phrases]\n"gender" = "Women"\n\n[[comp', 2, "gender[T.woman]",
    ),
    "a forest of nothing": (
        "analysis.toml", "[[comparisons]]", '[forest]\nterms = ["agee"]\n\n[[comparisons]]', 2, "agee",
    ),
    "predictions along a category": (
        "analysis.toml", "predictors =", "over = { gender = [1] }\npredictors =", 2, "comparison 'main'",
    ),
    "a group that is named like everyone": (
        "../../data/synthetic/codebook.toml", '1 = "man"', '1 = "All"', 2, "which stands for everyone",
    ),
    "an unknown predictor": ("analysis.toml", "age + gender", "age + gendre", 6, "gendre"),
    "a survey that is not there": ("analysis.toml", "2008.csv", "2009.csv", 4, "five_nation_2009.csv"),
    "a codebook that is not there": ("analysis.toml", '"codebook.toml"', '"codebok.toml"', 3, "codebok.toml"),
    "a broken codebook": ("codebook.toml", "min_share = 0.75", "min_share = 7.5", 3, "min_share"),
    "an undeclared code": ("../../data/synthetic/codebook.toml", ', 3 = "other"', "", 4, "gender"),
}  # fmt: skip


@pytest.mark.parametrize("what", BREAKS)
def test_a_run_that_fails_leaves_everything_as_it_was(what: str, small: Path) -> None:
    file, old, new, status, said = BREAKS[what]
    replace(small / file, old, new)
    before = content(small.parents[1])
    ran = command("run", small / "analysis.toml")
    assert ran.exit_code == status, ran.output
    assert said in ran.stderr
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    assert isinstance(ran.exception, SystemExit)
    assert content(small.parents[1]) == before
    fresh = command("run", small / "analysis.toml", "--out", small / "fresh")
    assert fresh.exit_code == status
    assert not (small / "fresh").exists()


def test_a_folder_of_other_files_is_not_replaced(small: Path) -> None:
    (small / "mine").mkdir()
    (small / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    ran = command("run", small / "analysis.toml", "--out", small / "mine")
    assert ran.exit_code == 8
    assert "thesis.txt" in ran.stderr
    assert content(small / "mine") == {"thesis.txt": b"years of work"}


def test_a_failure_in_the_middle_of_writing_leaves_the_earlier_output(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(small)
    replace(small / "analysis.toml", "Age and gender", "Another title")
    changed = {**before, "analysis.toml": (small / "analysis.toml").read_bytes()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("coprodstats.reporting.writing._swap", full)
    ran = command("run", small / "analysis.toml")
    assert ran.exit_code == 8
    assert "disk is full" in ran.stderr
    assert content(small) == changed
