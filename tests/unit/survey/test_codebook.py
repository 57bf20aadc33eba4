"""Codebooks: what is read, and that every fault is told with a way out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from coprodstats.errors import ArgumentError, CodebookError
from coprodstats.survey.codebook import Codebook, read_codebook

ITEMS = """
title = "Small survey"
[variables.id]
kind = "id"
[variables.w]
kind = "weight"
[variables.a]
label = "Item a"
kind = "ordinal"
values = { 3 = "never", 2 = "sometimes", 1 = "often" }
missing = { 8 = "don't know" }
[variables.b]
label = "Item b"
kind = "ordinal"
values = { 1 = "never", 2 = "sometimes", 3 = "often" }
[variables.c]
label = "Item c"
kind = "ordinal"
values = { 1 = "never", 2 = "sometimes", 3 = "often" }
[variables.age]
label = "Age"
kind = "numeric"
range = [18, 90]
unit = "years"
step = 10
step_label = "10 years"
[variables.country]
label = "Country"
kind = "nominal"
values = { NA = "Namibia", DK = "Denmark" }
"""
MAPPED = """
[mappings.wide]
all = ["a", "b", "c"]
pair = ["a", "b"]
[mappings.narrow]
all = ["c", "b"]
[indices.mean_all]
label = "Mean of all"
items = "all"
min_share = 0.75
[outcomes.any_all]
label = "Any of all"
kind = "any"
items = "all"
at_least = "sometimes"
min_answered = 2
[outcomes.how_many]
label = "Number of items"
kind = "count"
items = "all"
at_least = "often"
min_answered = 1
[outcomes.bands]
label = "Three bands"
kind = "bands"
of = "mean_all"
cuts = [50, 75]
labels = ["low", "middle", "high"]
"""


def read(tmp_path: Path, text: str, name: str = "codebook.toml") -> Codebook:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_codebook(path)


def faults(tmp_path: Path, text: str) -> str:
    with pytest.raises(CodebookError, match="E-C100") as caught:
        read(tmp_path, text)
    return str(caught.value)


def test_variables_keep_the_order_of_the_file_and_of_the_values(tmp_path: Path) -> None:
    codebook = read(tmp_path, ITEMS)
    assert list(codebook.variables) == ["id", "w", "a", "b", "c", "age", "country"]
    assert codebook.variables["a"].labels == ("never", "sometimes", "often")
    assert codebook.variables["a"].codes == ("3", "2", "1")
    assert codebook.variables["a"].missing == {"8": "don't know"}
    assert codebook.variables["country"].codes == ("NA", "DK")
    age = codebook.variables["age"]
    assert (age.range, age.unit, age.step, age.step_label) == ((18.0, 90.0), "years", 10.0, "10 years")
    assert (codebook.title, codebook.synthetic, codebook.source) == ("Small survey", False, "codebook.toml")
    assert codebook.variables["w"].label == "w"
    assert codebook.named("weight") == "w"
    assert codebook.named("psu") == ""


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    codebook = read(tmp_path, ITEMS)
    assert codebook.sha256 == hashlib.sha256(ITEMS.encode()).hexdigest()


def test_rules_are_strict_unless_declared(tmp_path: Path) -> None:
    rules = read(tmp_path, ITEMS).cleaning
    assert (rules.duplicate_ids, rules.empty_rows, rules.missing_design) == ("error", "error", "error")
    text = (
        ITEMS + '[cleaning]\nduplicate_ids = "keep first"\nempty_rows = "drop"\nignore_columns = ["note"]\n'
    )
    rules = read(tmp_path, text).cleaning
    assert (rules.duplicate_ids, rules.empty_rows, rules.ignore_columns) == ("keep first", "drop", ("note",))


def test_a_reversed_scale_runs_from_its_last_value(tmp_path: Path) -> None:
    text = ITEMS.replace(
        'kind = "ordinal"\nvalues = { 1', 'kind = "ordinal"\nreverse = true\nvalues = { 1', 1
    )
    assert read(tmp_path, text).variables["b"].labels == ("often", "sometimes", "never")


def test_items_are_those_of_the_first_mapping(tmp_path: Path) -> None:
    codebook = read(tmp_path, ITEMS + MAPPED)
    assert codebook.mapping == "wide"
    assert codebook.indices["mean_all"].items.names == ("a", "b", "c")
    assert codebook.indices["mean_all"].items.needed == 3  # 0.75 of 3 is 2.25
    assert codebook.outcomes["any_all"].labels == ("no", "yes")
    assert codebook.outcomes["how_many"].labels == ("0", "1", "2", "3")
    assert codebook.mappings["narrow"]["pair"] == ("a", "b")


def test_another_mapping_changes_items_and_what_follows_from_their_number(tmp_path: Path) -> None:
    wide = read(tmp_path, ITEMS + MAPPED)
    narrow = wide.with_mapping("narrow")
    assert narrow.indices["mean_all"].items.names == ("c", "b")
    assert narrow.indices["mean_all"].items.needed == 2
    assert narrow.outcomes["how_many"].labels == ("0", "1", "2")
    assert narrow.outcomes["bands"] == wide.outcomes["bands"]
    assert narrow.with_mapping("wide") == wide
    with pytest.raises(ArgumentError, match="did you mean 'narrow'"):
        wide.with_mapping("narow")


def test_labels_are_found_for_all_columns(tmp_path: Path) -> None:
    codebook = read(tmp_path, ITEMS + MAPPED)
    assert [codebook.label_of(c) for c in ("a", "mean_all", "bands")] == [
        "Item a",
        "Mean of all",
        "Three bands",
    ]
    with pytest.raises(ArgumentError, match="did you mean 'mean_all'"):
        codebook.label_of("mean_al")


def test_one_codebook_extends_another(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "base.toml").write_text("synthetic = true\n" + ITEMS, encoding="utf-8")
    (tmp_path / "analysis").mkdir()
    own = 'extends = "../data/base.toml"\n' + MAPPED
    codebook = read(tmp_path / "analysis", own)
    assert list(codebook.variables)[:2] == ["id", "w"]
    assert list(codebook.outcomes) == ["any_all", "how_many", "bands"]
    assert (codebook.title, codebook.synthetic) == ("Small survey", True)
    both = ("synthetic = true\n" + ITEMS + own).encode()
    assert codebook.sha256 == hashlib.sha256(both).hexdigest()


@pytest.mark.parametrize(
    "target",
    [
        "/etc/base.toml",
        "https://example.org/base.toml",
        "C:\\base.toml",
        "//host/share/base.toml",
        "base.txt",
    ],
)
def test_only_a_relative_codebook_is_extended(tmp_path: Path, target: str) -> None:
    assert "is not a relative path" in faults(tmp_path, f"extends = {target!r}\n")


def test_an_extended_codebook_is_not_redefined(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("synthetic = true\n" + ITEMS, encoding="utf-8")
    text = 'extends = "base.toml"\nsynthetic = false\n[variables.a]\nkind = "id"\n'
    message = faults(tmp_path, text)
    assert "codebook.toml: variables: defined in the extended codebook already: a" in message
    assert (
        "codebook.toml, line 2: synthetic: the extended codebook says that the data are synthetic" in message
    )


def test_codebooks_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('extends = "codebook.toml"\n', encoding="utf-8")
    assert "leads back here" in faults(tmp_path, 'extends = "other.toml"\n')
    assert "there is no file 'none.toml'" in faults(tmp_path, 'extends = "none.toml"\n')


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[variables.a]\nkind = "id"\nkind = "psu"\n', "line 3, column 13: a key or table is defined twice"),
        ('[variables.a]\nkind = "id"\n[variables.a]\n', "line 3, column 13: a key or table is defined twice"),
        ("title = Small\n", "line 1, column 9: not valid TOML"),
        ("title = NO\n", "line 1, column 9: not valid TOML"),
        ("x = " + "9" * 5000, "not valid TOML"),
        ("a = " + "[" * 100_000, "nested too deeply"),
    ],
)
def test_invalid_toml_is_located(tmp_path: Path, text: str, told: str) -> None:
    assert told in faults(tmp_path, text)


def test_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CodebookError, match=r"none\.toml: no such file"):
        read_codebook(tmp_path / "none.toml")
    path = tmp_path / "codebook.toml"
    path.write_bytes(b'title = "a"\nlabel = "D\xfcsseldorf"\n')
    with pytest.raises(CodebookError, match="line 2: byte 0xFC is not UTF-8"):
        read_codebook(path)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = """
titel = "Survey"
[variables.a]
kind = "ordianl"
[variables.b]
label = "B"
kind = "ordinal"
values = { 1 = "low" }
lable = "B"
[variables.c]
label = "C"
kind = "numeric"
range = [90, 18]
[clean]
"""
    with pytest.raises(CodebookError, match=r"\(6 faults\)") as caught:
        read(tmp_path, text)
    message = str(caught.value)
    for told in (
        "'titel' is not understood here",
        "did you mean 'title'?",
        "'clean' is not understood here",
        "'ordianl' is not understood",
        "did you mean 'ordinal'?",
        "did you mean 'label'?",
        "too few values are declared: 1",
        "codebook.toml, line 13: variables.c.range: the range is not a low and a higher number",
    ):
        assert told in message, told


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ('label = "A"', "'kind' is missing"),
        ('kind = "nominal"\nvalues = { 1 = "x" }', "'label' is missing"),
        ('kind = "nominal"\nlabel = "A"', "too few values are declared: 0"),
        (
            'kind = "nominal"\nlabel = "A"\nvalues = { 1 = "x" }\nrange = [1, 2]',
            "'range' does not belong to kind",
        ),
        (
            'kind = "nominal"\nlabel = "A"\nvalues = { 1 = "x", 2 = "X", 3 = "x (1)" }',
            "labels are there more than once: x (1)",
        ),
        (
            'kind = "nominal"\nlabel = "A"\nvalues = { 1 = "x", 9 = "y" }\nmissing = { 9 = "none" }',
            "codes are both a value and missing: 9",
        ),
        ('kind = "nominal"\nlabel = "A"\nvalues = { 1 = 5 }', "code '1' has no text as its label"),
        (
            'kind = "nominal"\nlabel = "A"\nvalues = { 1.5 = "x" }',
            'a code with a point needs quotes, such as "42.5"',
        ),
        ('kind = "nominal"\nlabel = "A"\nvalues = { 1 = "x\\u200B" }', "it holds U+200B"),
        ('kind = "nominal"\nlabel = "A "\nvalues = { 1 = "x" }', "it begins or ends with a space"),
        (
            'kind = "nominal"\nlabel = "A"\nvalues = { 1 = "" }',
            "the label of code '1' can't be used: it is empty",
        ),
        ('kind = "nominal"\nlabel = "A"\nvalues = ["x"]', "variables.a.values: this is a list"),
        (
            'kind = "ordinal"\nlabel = "A"\nvalues = { 1 = "x", 2 = "y" }\nscores = [1, 1]',
            "the scores don't fit the values",
        ),
        ('kind = "ordinal"\nlabel = "A"\nvalues = { 1 = "x", 2 = "y" }\nscores = [1]', "2 rising numbers"),
        (
            'kind = "ordinal"\nlabel = "A"\nvalues = { 1 = "x", 2 = "y" }\nundeclared = "drop"',
            "'drop' is not",
        ),
        ('kind = "numeric"\nlabel = "A"\nrange = [0, true]', "this is a list"),
        ('kind = "numeric"\nlabel = "A"\nrange = [0, nan]', "Allowed: a list of numbers"),
        ('kind = "numeric"\nlabel = "A"\nrange = [0, 1, 2]', "the range is not a low and a higher number"),
        ('kind = "numeric"\nlabel = "A"\nrange = [0, ' + "9" * 400 + "]", "Allowed: a list of numbers"),
        ('kind = "numeric"\nlabel = "A"\nreverse = true', "'reverse' needs a range"),
        ('kind = "numeric"\nlabel = "A"\nout_of_range = "missing"', "'out_of_range' needs a range"),
        ('kind = "numeric"\nlabel = "A"\nstep = 0', "the step is not above 0"),
        (
            'kind = "numeric"\nlabel = "A"\nrange = [0, 99]\nmissing = { 99 = "refused" }',
            "codes are both missing and inside the range: 99",
        ),
        ('kind = "weight"\nnot_a_number = "missing"', "'not_a_number' does not belong to kind 'weight'"),
    ],
)
def test_what_a_variable_may_not_declare(tmp_path: Path, variable: str, told: str) -> None:
    assert told in faults(tmp_path, f"[variables.a]\n{variable}\n")


@pytest.mark.parametrize("name", ["log", "C", "Intercept", "class", "2a", "a.b", "a b", "größe", "_a", "a-b"])
def test_names_must_be_usable_in_formulas(tmp_path: Path, name: str) -> None:
    assert f"variables.{name}: " in faults(tmp_path, f'[variables."{name}"]\nkind = "id"\n')


@pytest.mark.parametrize("kind", ["id", "weight", "stratum", "psu"])
def test_some_kinds_are_there_once(tmp_path: Path, kind: str) -> None:
    text = f'[variables.x]\nkind = "{kind}"\n[variables.y]\nkind = "{kind}"\n'
    assert f"2 variables are of kind '{kind}': x, y" in faults(tmp_path, text)


def test_names_and_labels_are_there_once(tmp_path: Path) -> None:
    text = ITEMS + '[variables.AGE]\nlabel = "Item a"\nkind = "numeric"\n' + MAPPED.replace("how_many", "age")
    message = faults(tmp_path, text)
    assert "capitals aside: AGE, age" in message
    assert "variables share a label: Item a" in message


def test_a_codebook_declares_variables(tmp_path: Path) -> None:
    assert "no variables are declared" in faults(tmp_path, 'title = "x"\n')
    assert "variables: this is a number" in faults(tmp_path, "variables = 3\n")
    assert "synthetic: this is a text" in faults(tmp_path, 'synthetic = "yes"\n' + ITEMS)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('all = ["c", "b"]', 'al = ["c", "b"]', "the role 'al' is not in the first mapping"),
        ('all = ["c", "b"]', 'all = ["c", "bb"]', "no variable is named 'bb'"),
        ('all = ["c", "b"]', 'all = ["c", "c"]', "c stands there more than once"),
        ('all = ["c", "b"]', "all = []", "mappings.narrow.all: no items are listed"),
        ('all = ["c", "b"]', 'all = ["c", "country"]', "item 'country' is nominal, which has no score"),
        ('items = "all"\nmin_share', 'items = "al"\nmin_share', "no mapping has the role 'al'"),
        (
            'items = "all"\nmin_share',
            'items = ["a", "z"]\nmin_share',
            "indices.mean_all.items: no variable is named",
        ),
        ('items = "all"\nmin_share', "min_share", "'items' is missing"),
        ("min_share = 0.75", "min_share = 1.5", "the share is not within 0–1"),
        ("min_share = 0.75", "min_answered = 3", "the items of mapping 'narrow' are 2"),
        ("min_share = 0.75", "min_answered = 0", "a whole number, 1 or more"),
        ("min_share = 0.75", "", "neither is given"),
        (
            "min_share = 0.75",
            "min_answered = 2\nmin_share = 0.75",
            "both min_answered and min_share are given",
        ),
        ("min_share = 0.75", "min_share = 0.75\ncuts = [1]", "'cuts' is not understood here"),
        ('at_least = "sometimes"', 'at_least = "sometime"', "did you mean 'sometimes'?"),
        ('at_least = "sometimes"', 'at_least = "never"', "'never' is the lowest value"),
        ('at_least = "sometimes"', "", "'at_least' is missing"),
        ('kind = "any"', 'kind = "all"', "'all' is not understood"),
        ('kind = "any"', 'kind = "any"\nlabels = ["no"]', "the labels are not two"),
        ('at_least = "often"', 'at_least = "often"\nat_most = 3', "the top code is above the 2 items"),
        ("cuts = [50, 75]", "cuts = [75, 50]", "the cuts are not rising numbers"),
        ("cuts = [50, 75]", "cuts = [0, 50]", "a cut leaves a band empty"),
        ("cuts = [50, 75]", "", "'cuts' is missing"),
        ("cuts = [50, 75]", "cuts = [50]", "there are 3 labels"),
        ('of = "mean_all"', 'of = "country"', "'country' can't be cut"),
        ('of = "mean_all"', 'of = "mean_al"', "did you mean 'mean_all'?"),
    ],
)
def test_what_mappings_indices_and_outcomes_may_not_declare(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert MAPPED.count(old) == 1
    assert told in faults(tmp_path, ITEMS + MAPPED.replace(old, new))


def test_an_index_may_join_different_scales_but_not_numbers_without_a_range(tmp_path: Path) -> None:
    index = '[indices.i]\nlabel = "I"\nitems = ["a", "age"]\nmin_answered = 1\n'
    assert read(tmp_path, ITEMS + index).indices["i"].items.names == ("a", "age")
    message = faults(tmp_path, ITEMS.replace("range = [18, 90]\n", "") + index)
    assert "item 'age' has no range" in message


def test_bands_may_cut_a_numeric_variable(tmp_path: Path) -> None:
    text = ITEMS + '[outcomes.o]\nlabel="O"\nkind="bands"\nof="age"\ncuts=[40]\nlabels=["young","old"]\n'
    assert read(tmp_path, text).outcomes["o"].of == "age"


def test_cleaning_rules_are_checked(tmp_path: Path) -> None:
    text = ITEMS + '[cleaning]\nduplicate_ids = "keep last"\nempty_row = "drop"\nignore_columns = ["a"]\n'
    message = faults(tmp_path, text)
    assert "'keep last' is not understood" in message
    assert "did you mean 'empty_rows'?" in message
    assert "declared as variables too: a" in message


def test_nothing_of_a_codebook_can_be_reassigned(tmp_path: Path) -> None:
    codebook = read(tmp_path, ITEMS)
    with pytest.raises(AttributeError, match="title"):
        codebook.title = "another"  # type: ignore[misc]
    assert repr(codebook) == (
        "<Codebook 'codebook.toml': 7 variables, 0 indices, 0 outcomes, mapping '' of []>"
    )
