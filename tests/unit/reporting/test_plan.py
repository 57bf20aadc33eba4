from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from coprodstats.errors import ConfigError
from coprodstats.reporting.plan import AnalysisPlan, read_plan
from coprodstats.reporting.plan_checks import refuse_unknown_names, refuse_unknown_terms
from coprodstats.reporting.theme import DEFAULT_THEME
from coprodstats.survey.codebook import read_codebook

ROOT = Path(__file__).resolve().parents[3]

WHOLE = """title = "A title"
survey = "survey.csv"
codebook = "codebook.toml"

[outcomes.alone]
label = "Alone"
event = "to help alone"
[outcomes.together]
label = "EU projects"

[describe]
sample = ["age"]
items = { "Groups" = "collective" }

[[comparisons]]
key = "main"
title = "Both"
kind = "logit"
outcomes = { alone = "helps", together = "joins" }
predictors = "age + gender"
over = { age = [20, 30.5] }

[[comparisons]]
key = "ordered"
title = "In order"
group = "More of it"
kind = "ologit"
outcomes = { alone = "helps3", together = "joins3" }
events = { alone = "some", together = "1" }
predictors = "age"

[phrases]
"age" = "People ten years older"

[forest]
terms = ["age", "gender"]

[importance]
model = "together"
variables = ["age", "gender"]
highlight = "age"
"""

CODEBOOK = """title = "t"
[variables.age]
label = "Age"
kind = "numeric"
[variables.gender]
label = "Gender"
kind = "nominal"
values = { 1 = "man", 2 = "woman" }
[variables.helps]
label = "Helps"
kind = "ordinal"
values = { 1 = "no", 2 = "yes" }
[variables.joins]
label = "Joins"
kind = "ordinal"
values = { 1 = "no", 2 = "yes" }
[mappings.wide]
collective = ["joins"]
[mappings.narrow]
collective = ["helps"]
[outcomes.helps3]
label = "h"
kind = "count"
items = ["helps", "joins"]
at_least = "yes"
min_answered = 1
[outcomes.joins3]
label = "j"
kind = "count"
items = ["helps", "joins"]
at_least = "yes"
min_answered = 1
"""


def read(tmp_path: Path, text: str = WHOLE) -> AnalysisPlan:
    path = tmp_path / "analysis.toml"
    path.write_text(text, encoding="utf-8")
    return read_plan(path)


def faults(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError, match=r"analysis\.toml") as caught:
        read(tmp_path, text)
    assert str(tmp_path) not in str(caught.value)
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert WHOLE.count(old) >= 1, old
    return WHOLE.replace(old, new, 1)


def test_a_plan_is_read_as_written(tmp_path: Path) -> None:
    plan = read(tmp_path)
    assert (plan.title, plan.subtitle, plan.seed, plan.replicates) == ("A title", "", 1, 200)
    assert (plan.df_rule, plan.lonely_psu, plan.mapping) == ("stata", None, "")
    assert plan.survey == tmp_path / "survey.csv"
    assert plan.output == tmp_path / "report"
    assert plan.claims is None
    assert [o.name for o in plan.outcomes] == ["alone", "together"]
    assert [o.event for o in plan.outcomes] == ["to help alone", "to be EU projects"]
    main, ordered = plan.comparisons
    assert main.over == {"age": (20, 30.5)}
    assert main.outcomes == {"alone": "helps", "together": "joins"}
    assert ordered.events == {"alone": "some", "together": "1"}
    assert ordered.group == "More of it"
    assert plan.phrases == {"age": "People ten years older"}
    assert plan.importance is not None
    assert plan.importance.highlight == "age"
    assert plan.sha256 == hashlib.sha256(WHOLE.encode()).hexdigest()


def test_a_label_alone_names_its_event(tmp_path: Path) -> None:
    plan = read(tmp_path, changed('label = "EU projects"', 'label = "Active in groups"'))
    assert plan.outcomes[1].event == "to be active in groups"


def test_the_main_analysis_is_a_plan() -> None:
    plan = read_plan(ROOT / "analyses" / "five_nation_2008" / "analysis.toml")
    refuse_unknown_names(plan, read_codebook(plan.codebook))
    assert plan.comparisons[0].key == "main"


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    text = """titel = "A title"
survey = "/data/survey.csv"
codebook = "https://example.org/codebook.toml"
seed = 0
replicates = "many"
df_rule = "statta"
lonely_psu = "ajust"

[outcomes.alone]
labl = "Alone"

[describe]
sampel = ["age"]
items = { "Groups" = 3 }

[[comparisons]]
kye = "main"
title = "Both"
kind = "logitt"
outcomes = { alon = "helps" }
predictors = 3
over = { age = ["twenty"] }

[importance]
model = "nobody"
"""
    said = faults(tmp_path, text)
    for part in (
        "'titel' is not understood here",
        "did you mean 'title'?",
        "'title' is missing",
        "survey: it is no path relative to this file",
        "codebook: it is no path relative to this file",
        "analysis.toml: seed",
        "analysis.toml: replicates",
        "did you mean 'stata'?",
        "did you mean 'adjust'?",
        "there are 1 outcomes",
        "outcomes.alone: 'labl' is not understood here",
        "describe: 'sampel' is not understood here",
        "describe.items.Groups",
        "comparisons 1: 'kye' is not understood here",
        "did you mean 'key'?",
        "did you mean 'logit'?",
        "comparisons 1.predictors",
        "'age' has no list of numbers",
        "'nobody' is not understood",
    ):
        assert part in said, part


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('alone = "helps",', "", "nothing is given for alone"),
        ("{ alone =", "{ alonee = 'x', alone =", "did you mean 'alone'?"),
        ('alone = "helps"', "alone = 3", "comparisons 1.outcomes.alone: this is a number"),
        ('together = "1" }', "together = 1 }", "comparisons 2.events.together: this is a number"),
        ('events = { alone = "some", together = "1" }\n', "", "nothing is given for alone, together"),
        ("over =", 'events = { alone = "yes", together = "yes" }\nover =', "a logistic model has one event"),
        ("over = { age = [20, 30.5] }", "over = { age = [] }", "no list of numbers"),
        ("over = { age = [20, 30.5] }", "over = { age = [true] }", "no list of numbers"),
        ("over = { age = [20, 30.5] }", "over = { age = [nan] }", "no list of numbers"),
        ('kind = "ologit"', 'kind = "ologit"\nover = { age = [20] }', "drawn for logistic models"),
        ("over = { age", "over = { gender = [1], age", "comparisons 1.over: there are 2 variables"),
        ('key = "ordered"', 'key = "main"', "keys occur twice: main"),
        ('key = "ordered"', 'key = "in/order"', "it can't be part of a file name"),
        ('group = "More of it"', 'group = "More & more"', "it can't be part of a file name"),
        ('"age" = "People ten years older"', '"age" = 10', "phrases.age: this is a number"),
        ('"age" = "People ten years older"', '"age" = ""', "it is empty"),
        ('terms = ["age", "gender"]', 'term = ["age"]', "did you mean 'terms'?"),
        ('highlight = "age"', 'highlight = "agee"', "'agee' is not ranked"),
        ('variables = ["age", "gender"]', 'variables = "age"', "importance.variables"),
        ('[outcomes.together]\nlabel = "EU projects"', "", "there are 1 outcomes"),
        ('survey = "survey.csv"', "", "'survey' is missing"),
        ("[phrases]", "[phrase]", "did you mean 'phrases'?"),
    ],
)
def test_each_fault_is_told_where_it_is(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in faults(tmp_path, changed(old, new))


def test_a_plan_without_comparisons_is_none(tmp_path: Path) -> None:
    head, _, _ = WHOLE.partition("[[comparisons]]")
    assert "there is none" in faults(tmp_path, head)
    assert "there is none" in faults(tmp_path, head.replace("title", "comparisons = []\ntitle", 1))
    with pytest.raises(ConfigError, match=r"absent\.toml: no such file"):
        read_plan(tmp_path / "absent.toml")
    assert "not valid TOML" in faults(tmp_path, "title = ")


def test_names_that_the_codebook_does_not_declare(tmp_path: Path) -> None:
    (tmp_path / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    codebook = read_codebook(tmp_path / "codebook.toml")
    refuse_unknown_names(read(tmp_path), codebook)
    text = WHOLE
    for old, new in (
        ('title = "A title"', 'title = "A title"\nmapping = "narow"'),
        ('sample = ["age"]', 'sample = ["agee"]\nby = "countri"\nindices = ["indx"]'),
        ('alone = "helps"', 'alone = "hepls"'),
        ("over = { age", "over = { year"),
        ('"age" = "People', '"gendr[T.woman]" = "People'),
        ('terms = ["age", "gender"]', 'terms = ["aeg"]'),
        ('variables = ["age", "gender"]\nhighlight = "age"', 'variables = ["genre"]'),
        ('kind = "ologit"', 'kind = "ologit"\nmapping = "wider"'),
    ):
        assert old in text, old
        text = text.replace(old, new, 1)
    with pytest.raises(ConfigError, match="10 faults") as caught:
        refuse_unknown_names(read(tmp_path, text), codebook)
    for name in ("agee", "countri", "indx", "hepls", "year", "gendr", "aeg", "genre", "narow", "wider"):
        assert f"'{name}'" in str(caught.value), name
    assert "did you mean 'narrow'?" in str(caught.value)


def test_roles_of_items_are_those_of_the_mapping(tmp_path: Path) -> None:
    (tmp_path / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    codebook = read_codebook(tmp_path / "codebook.toml")
    for mapping in ("wide", "narrow"):
        refuse_unknown_names(read(tmp_path, f'mapping = "{mapping}"\n{WHOLE}'), codebook)
    with pytest.raises(ConfigError, match="no role 'colective'"):
        refuse_unknown_names(read(tmp_path, changed('"collective"', '"colective"')), codebook)


def test_phrases_and_forests_speak_of_terms_that_are_compared(tmp_path: Path) -> None:
    plan = read(tmp_path)
    refuse_unknown_terms(plan, ["age", "gender[T.woman]"])
    with pytest.raises(ConfigError, match=r"forest\.terms: the first comparison has no term 'gender'"):
        refuse_unknown_terms(plan, ["age"])
    with pytest.raises(ConfigError, match="2 faults"):
        refuse_unknown_terms(plan, ["gender[T.woman]"])
    other = read(tmp_path, changed('"age" = "People', '"gender" = "People'))
    with pytest.raises(ConfigError, match="phrases: the first comparison has no term 'gender'"):
        refuse_unknown_terms(other, ["age", "gender[T.woman]"])


# -------------------------------------------------------------------------- languages, theme, kinds of models

FRENCH = 'languages = ["en", "fr"]\ntranslations = { fr = "words.fr.toml" }\n'


def test_a_plan_without_them_is_in_english_under_the_default_theme(tmp_path: Path) -> None:
    plan = read(tmp_path)
    assert (plan.languages, plan.translations, plan.theme_file) == (("en",), {}, None)
    assert plan.theme is DEFAULT_THEME


def test_languages_after_the_first_name_their_translation(tmp_path: Path) -> None:
    (tmp_path / "words.fr.toml").write_text("", encoding="utf-8")
    plan = read(tmp_path, FRENCH + WHOLE)
    assert plan.languages == ("en", "fr")
    assert plan.translations == {"fr": tmp_path / "words.fr.toml"}
    french_first = read(tmp_path, 'languages = ["fr"]\n' + WHOLE)
    assert (french_first.languages, french_first.translations) == (("fr",), {})


def test_all_that_is_wrong_with_languages_is_told_at_once(tmp_path: Path) -> None:
    told = faults(
        tmp_path,
        'languages = ["en", "fr", "gr"]\ntranslations = { de = "woerter.toml" }\n' + WHOLE,
    )
    assert "'gr' is no language that reports are written in" in told
    assert "own words are not translated into 'fr'" in told
    assert "nothing is translated into 'de'" in told
    assert "there is no such file" in told
    assert "there is none" in faults(tmp_path, "languages = []\n" + WHOLE)
    assert "stands there more than once" in faults(tmp_path, 'languages = ["en", "en"]\n' + WHOLE)


def test_a_theme_is_read_with_the_plan_and_so_are_its_faults(tmp_path: Path) -> None:
    theme = tmp_path / "theme.toml"
    theme.write_text('organisation = "Ministry of Examples"\n', encoding="utf-8")
    plan = read(tmp_path, 'theme = "theme.toml"\n' + WHOLE)
    assert plan.theme.organisation == "Ministry of Examples"
    assert plan.theme_file == theme
    theme.write_text('organisatoin = "Ministry"\n', encoding="utf-8")
    told = faults(tmp_path, 'theme = "theme.toml"\ncolour = "red"\n' + WHOLE)
    assert "'organisatoin' is not understood here" in told
    assert "'colour' is not understood here" in told
    assert "there is no such file" in faults(tmp_path, 'theme = "thema.toml"\n' + WHOLE)


MEANS = """
[[comparisons]]
key = "means"
title = "Means"
group = "Means"
kind = "linear"
outcomes = { alone = "helps", together = "joins" }
predictors = "age"
"""


def test_models_of_means_and_slopes_by_split_can_be_planned(tmp_path: Path) -> None:
    ordered = 'kind = "ologit"\nlink = "probit"\nnonparallel = ["age"]'
    plan = read(tmp_path, changed('kind = "ologit"', ordered).replace("[phrases]", MEANS + "\n[phrases]"))
    _, split, means = plan.comparisons
    assert (split.link, split.nonparallel, split.group_key) == ("probit", ("age",), "more-of-it")
    assert (means.kind, means.link, means.nonparallel) == ("linear", "logit", ())


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('kind = "logit"', 'kind = "linear"', "the first comparison is of kind 'linear'"),
        ('kind = "logit"', 'kind = "logit"\nlink = "probit"', "it is declared for ordinal models"),
        ('kind = "logit"', 'kind = "logit"\nnonparallel = ["age"]', "it is declared for ordinal models"),
        ('kind = "ologit"', 'kind = "linear"', "a model of a mean has no event"),
        ('kind = "ologit"', 'kind = "ologit"\nlink = "logitt"', "did you mean 'logit'"),
        ("[phrases]", MEANS.replace('"Means"', '"More of it"') + "\n[phrases]", "puts means beside prob"),
        (
            "[phrases]",
            MEANS.replace("predictors", 'mapping = "wide"\npredictors') + "\n[phrases]",
            "puts means beside prob",
        ),
    ],
)
def test_kinds_that_do_not_fit_are_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert told in faults(tmp_path, changed(old, new))


def test_an_analysis_in_french_needs_no_english(tmp_path: Path) -> None:
    text = changed('group = "More of it"', 'group = "Sensibilité aux choix"')
    plan = read(tmp_path, 'languages = ["fr"]\n' + text)
    assert plan.outcomes[1].event == "d’être EU projects"
    assert plan.comparisons[1].group_key == "sensibilite-aux-choix"
