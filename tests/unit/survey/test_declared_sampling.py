"""What a codebook may say about how respondents were drawn."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from coprodstats import SurveyDesign, clean, means, read_codebook
from coprodstats.errors import ArgumentError, CodebookError, DesignError
from coprodstats.survey.declarations import Codebook, Variable
from coprodstats.survey.reading import SurveyData

COLUMNS = """
[variables.id]
kind = "id"
[variables.w]
kind = "weight"
[variables.region]
kind = "stratum"
[variables.town]
kind = "psu"
[variables.score]
kind = "numeric"
label = "Score"
"""
HOMES = """
[variables.home]
kind = "psu"
[variables.towns]
kind = "fpc"
[variables.homes]
kind = "fpc"
"""
REPLICATES = """
[variables.id]
kind = "id"
[variables.w]
kind = "weight"
[variables.r1]
kind = "replicate weight"
[variables.r2]
kind = "replicate weight"
missing = { -9 = "not computed" }
"""
ROWS = "1 2 a 11 5,2 2 a 12 7,3 1 b 21 1,4 1 b 22 8"


def codebook(tmp_path: Path, text: str) -> Codebook:
    path = tmp_path / "codebook.toml"
    path.write_text(text, encoding="utf-8")
    return read_codebook(path)


def design(tmp_path: Path, text: str, rows: str = ROWS) -> SurveyDesign | None:
    declared = codebook(tmp_path, text)
    cells = [row.split(" ") for row in rows.split(",")]
    frame = pd.DataFrame(cells, columns=list(declared.variables), dtype="str")
    return clean(SurveyData(frame=frame, codebook=declared)).design


TOWNS = {"weights": "w", "strata": "region", "psu": "town"}


@pytest.mark.parametrize(
    ("table", "rules"),
    [
        ("", {}),
        ("[design]\nnested = true", {"nested": True}),
        ("[design]\nnested = false", {"nested": False}),
        (
            '[design]\nlonely_psu = "adjust"\nadjust_domain_lonely = true',
            {"lonely_psu": "adjust", "adjust_domain_lonely": True},
        ),
        ('[design]\nreplicate_method = "jkn"\nmse = true', {"replicate_method": "jkn", "mse": True}),
        (
            '[design]\nreplicate_method = "bootstrap"\nn_replicates = 50\nseed = 0\nreplicate_df = 9',
            {"replicate_method": "bootstrap", "n_replicates": 50, "seed": 0, "replicate_df": 9},
        ),
        (
            '[design]\nreplicate_method = "sdr"\nreplicate_order = "town"',
            {"replicate_method": "sdr", "replicate_order": "town"},
        ),
        ('[design]\nstrata = ["region"]', {}),
        ('[design]\npsu = ["town", "id"]', {"psu": ("town", "id")}),
    ],
)
def test_rules_reach_the_design(tmp_path: Path, table: str, rules: dict[str, object]) -> None:
    assert design(tmp_path, COLUMNS + table) == SurveyDesign(**(TOWNS | rules))


def test_stages_are_put_in_order(tmp_path: Path) -> None:
    text = COLUMNS + HOMES + '[design]\npsu = ["town", "home"]\nfpc = ["towns", "homes"]\n'
    rows = "1 2 a 11 5 1 4 9,2 2 a 11 6 2 4 9,3 2 a 12 7 1 4 9,4 1 a 12 1 2 4 9"
    wanted = SurveyDesign(**(TOWNS | {"psu": ("town", "home"), "fpc": ("towns", "homes")}))
    assert design(tmp_path, text, rows) == wanted


def test_replicate_weights_of_the_file(tmp_path: Path) -> None:
    text = REPLICATES + '[design]\nreplicate_method = "fay"\nfay_rho = 0.3\n'
    wanted = {"weights": "w", "replicate_weights": ("r1", "r2"), "replicate_method": "fay", "fay_rho": 0.3}
    assert design(tmp_path, text, "1 2 1 3,2 2 3 1") == SurveyDesign(**wanted)
    factors = (
        '[design]\nreplicate_method = "other"\nscale = 0.5\nrscales = [1, 2]\nreplicate_combined = false\n'
    )
    more = {"replicate_method": "other", "scale": 0.5, "rscales": (1, 2), "replicate_combined": False}
    found = design(tmp_path, REPLICATES + factors, "1 2 1 3,2 2 3 1")
    assert found == SurveyDesign(**({k: v for k, v in wanted.items() if k != "fay_rho"} | more))


def test_a_cleaned_survey_brings_its_replicate_weights(tmp_path: Path) -> None:
    text = REPLICATES + '[variables.y]\nkind = "numeric"\nlabel = "Y"\n[design]\nreplicate_method = "jk1"\n'
    declared = codebook(tmp_path, text)
    rows = [["1", "1", "0", "2", "3"], ["2", "1", "2", "0", "7"]]
    frame = pd.DataFrame(rows, columns=list(declared.variables), dtype="str")
    row = means(clean(SurveyData(frame=frame, codebook=declared)), "y").iloc[0]
    # Replicate means 7 and 3 about 5, times (2 - 1) / 2.
    assert (row["estimate"], row["std_error"], row["df"]) == (5.0, 2.0, 1)


def test_rows_without_a_replicate_weight_are_counted(tmp_path: Path) -> None:
    text = REPLICATES + '[design]\nreplicate_method = "brr"\n'
    with pytest.raises(DesignError, match=r"r1, r2: fewer than 10 rows have no replicate weight"):
        design(tmp_path, text, "1 2 1 3,2 2 3 -9")
    declared = codebook(tmp_path, text + '[cleaning]\nmissing_design = "drop"\n')
    frame = pd.DataFrame([["1", "2", "1", "3"], ["2", "2", "3", "-9"]], columns=list(declared.variables))
    log = clean(SurveyData(frame=frame.astype("str"), codebook=declared)).log
    assert log.excluded.set_index("reason")["rows"]["missing replicate weight"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[design]\nnestd = true", r"design: 'nestd' is not understood here(.|\n)*did you mean 'nested'"),
        ('[design]\nlonely_psu = "ajust"', r"design.lonely_psu: 'ajust' is not understood(.|\n)*'adjust'"),
        ('[design]\nreplicate_method = "brrr"', r"design.replicate_method: 'brrr'(.|\n)*did you mean 'brr'"),
        ('[design]\nnested = "yes"', r"design.nested: this is a text\n\s+Allowed: true or false"),
        ("[design]\nseed = -1", r"design.seed: this is a number\n\s+Allowed: a whole number, 0 or more"),
        ('[design]\npsu = ["towm"]', r"design.psu: no variable is named 'towm'\n(.|\n)*did you mean 'town'"),
        (
            '[design]\npsu = ["region"]',
            r"design.psu: 'region' is of another kind\n\s+Allowed: of these: id, town",
        ),
        ('[design]\nfpc = ["score"]', r"design.fpc: 'score' is of another kind\n\s+Allowed: there are none"),
        ('[design]\nreplicate_order = "turn"', r"design.replicate_order: no variable is named 'turn'"),
        ("[design]\nseed = 1", r"design.seed: no use for it without replicate_method"),
        (
            "[design]\nadjust_domain_lonely = true",
            r"adjust_domain_lonely: lonely_psu='error' adjusts nothing",
        ),
        (
            HOMES,
            r"2 variables are of kind 'psu': town, home\n(.|\n)*psu = \[\"town\", \"home\"\] in the table",
        ),
        (HOMES + '[design]\npsu = ["town"]', r"design.psu: of kind 'psu', and not listed: home"),
        (
            '[variables.v]\nkind = "weight"',
            r"2 variables are of kind 'weight': w, v\n\s+Allowed: at most one",
        ),
        (
            '[variables.v]\nkind = "replicate weigt"',
            r"'replicate weigt' is not understood(.|\n)*'replicate weight'",
        ),
    ],
)
def test_faults_of_the_table(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CodebookError, match=message):
        codebook(tmp_path, COLUMNS + text)


def test_rules_without_columns_are_refused(tmp_path: Path) -> None:
    text = '[variables.id]\nkind = "id"\n[design]\nlonely_psu = "remove"\n'
    with pytest.raises(CodebookError, match=r"design: no column is a weight, stratum, PSU"):
        codebook(tmp_path, text)


def test_columns_that_contradict_each_other_are_refused_without_a_codebook_file() -> None:
    kinds = {"w": "weight", "p": "psu", "r": "replicate weight", "q": "replicate weight"}
    variables = {name: Variable(name=name, label=name, kind=kind) for name, kind in kinds.items()}
    book = Codebook(title="", synthetic=False, variables=variables, sampling={"replicate_method": "brr"})
    frame = pd.DataFrame([["1", "1", "1", "1"]], columns=list(kinds), dtype="str")
    with pytest.raises(ArgumentError, match=r"psu: no use for it with columns of replicate weights"):
        clean(SurveyData(frame=frame, codebook=book))


def test_an_extending_codebook_adds_rules_and_repeats_none(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(COLUMNS + "[design]\nnested = true\n", encoding="utf-8")
    extended = codebook(tmp_path, 'extends = "base.toml"\n[design]\nlonely_psu = "remove"\n')
    assert extended.sampling == {"nested": True, "lonely_psu": "remove"}
    with pytest.raises(CodebookError, match=r"design: defined in the extended codebook already: nested"):
        codebook(tmp_path, 'extends = "base.toml"\n[design]\nnested = false\n')
