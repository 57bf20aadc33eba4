"""One analysis in English and French: the same numbers, and no sentence left in the other language."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from coprodstats.errors import ConfigError, ManifestMismatchError
from coprodstats.reporting.analysis import RunResult, reproduce, run_analysis
from coprodstats.reporting.document import Document
from coprodstats.reporting.language import LANGUAGES, texts
from coprodstats.reporting.manifest import sha256_of, verify
from coprodstats.reporting.publishing import publication
from coprodstats.reporting.table import Table

ROOT = Path(__file__).resolve().parents[2]
ANALYSIS = ROOT / "analyses" / "five_nation_2008"
NARROW = "\N{NARROW NO-BREAK SPACE}"

PLAN = """title = "Age and gender"
root = "../.."
survey = "../../data/synthetic/five_nation_2008.csv"
codebook = "codebook.toml"
claims = "claims.toml"
output = "out"
formats = ["html", "md", "tex"]
languages = ["en", "fr"]
translations = { fr = "words.fr.toml" }
theme = "theme.toml"
replicates = 20
limits = ["Five countries are not all countries."]

[outcomes.individual]
label = "Individual"
event = "to be among the more active individual co-producers"
[outcomes.collective]
label = "Collective"
event = "to take part in any group activity"

[describe]
sample = ["age", "gender"]
by = "gender"
indices = ["individual_index"]

[phrases]
"age" = "People ten years older"
"gender[T.woman]" = "Women, compared with men,"

[importance]
model = "collective"
variables = ["age", "gender"]
highlight = "age"

[[comparisons]]
key = "main"
title = "All sectors together"
kind = "logit"
outcomes = { individual = "individual_high", collective = "collective_any" }
predictors = "age + gender"
over = { age = [20, 50, 80] }

[[comparisons]]
key = "ordinal"
title = "Ordered outcomes"
kind = "ologit"
outcomes = { individual = "individual_band", collective = "collective_sectors" }
events = { individual = "high", collective = "1" }
nonparallel = ["age"]
predictors = "age + gender + age:gender"

[[comparisons]]
key = "probit"
title = "Another link"
kind = "ologit"
link = "probit"
outcomes = { individual = "individual_band", collective = "collective_sectors" }
events = { individual = "high", collective = "1" }
predictors = "age + gender"

[[comparisons]]
key = "means"
title = "Means of the indices"
kind = "linear"
outcomes = { individual = "individual_index", collective = "collective_index" }
predictors = "age + gender"

[[comparisons]]
key = "shares"
title = "Shares of the range"
kind = "fractional_logit"
outcomes = { individual = "individual_index", collective = "collective_index" }
predictors = "age + gender"
"""

CLAIMS = """
[C1]
statement = "Age is strongly and positively associated with individual co-production."
source = "An invented source"
checks = [
    { test = "sign", model = "individual", term = "age", expect = "positive" },
    { test = "weaker", model = "collective", than = "individual", term = "age" },
    { test = "difference", model = "collective", than = "individual", term = "age", expect = "negative" },
    { test = "contrast", model = "collective", than = "individual", term = "age" },
    { test = "equivalence", model = "collective", term = "gender[T.woman]", bound = 0.05 },
    { test = "rank", model = "collective", variable = "age", share = 0.95, among = ["age", "gender"] },
    { test = "gap", higher = "individual_index", lower = "collective_index" },
    { test = "moderation", model = "collective", term = "age", by = "gender" },
    { test = "block", model = "collective", variables = ["age"], below = 0.05 },
    { test = "band", model = "individual", term = "age", low = 0.0, high = 0.1 },
    { test = "sign", model = "nothing", term = "age", expect = "positive" },
    { test = "sign", model = "individual", term = "education", expect = "positive" },
    { test = "sign", model = "means/individual", term = "age", expect = "positive" },
]
"""

MORE_WORDS = {
    "Age and gender": "Âge et genre",
    "Five countries are not all countries.": "Cinq pays ne sont pas tous les pays.",
    "Another link": "Un autre lien",
    "Means of the indices": "Moyennes des indices",
    "Shares of the range": "Parts de l’étendue",
}
# Words of English sentences that no French word and no name is written like.
ENGLISH = re.compile(r"\b(the|with|are|were|which|from|than|of|and|this|that|by|each|their)\b")
# Titles of journals and books that methods are cited from.
CITED = re.compile(
    r"The American Statistician|Analysis of Health Surveys|Journal of [A-Z]\w+( [A-Z]\w+)?|Sankhyā"
    r"|Australian Journal of Public Administration|Activating collective.*?blog\."
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an analysis, its French words and its theme."""
    root = tmp_path_factory.mktemp("languages")
    home = root / "analyses" / "small"
    home.mkdir(parents=True)
    (root / "data" / "synthetic").mkdir(parents=True)
    for name in ("codebook.toml", "five_nation_2008.csv"):
        shutil.copy(ROOT / "data" / "synthetic" / name, root / "data" / "synthetic" / name)
    shutil.copy(ANALYSIS / "codebook.toml", home)
    (home / "analysis.toml").write_text(PLAN, encoding="utf-8")
    (home / "claims.toml").write_text(CLAIMS, encoding="utf-8")
    (home / "theme.toml").write_text('organisation = "Ministère des Exemples"\n', encoding="utf-8")
    words = tomllib.loads((ANALYSIS / "words.fr.toml").read_text(encoding="utf-8")) | MORE_WORDS
    held = "".join(
        path.read_text(encoding="utf-8")
        for path in (home / "codebook.toml", root / "data/synthetic/codebook.toml")
    )
    held += PLAN + CLAIMS + '"points (0–100)" "2 or more"'
    lines = [f"{json.dumps(k)} = {json.dumps(v)}\n" for k, v in words.items() if f'"{k}"' in held]
    (home / "words.fr.toml").write_text("".join(lines), encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def result(home: Path) -> RunResult:
    return run_analysis(home / "analysis.toml")


@pytest.fixture(scope="module")
def french(result: RunResult) -> Document:
    return publication(result.findings, "fr").report


class _Words(HTMLParser):
    """The text of a page, and what its attributes tell a reader."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("style", "script", "code")
        self.parts += [v for k, v in attrs if k in ("alt", "aria-label", "title", "content") and v]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "script", "code")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def words_of(path: Path) -> str:
    """Return what a reader reads of a file, on one line."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".html", ".svg"):
        page = _Words()
        page.feed(text)
        text = " ".join(page.parts)
    if path.suffix == ".md":
        # Names of files and columns are the same in every language.
        text = re.sub(r"`[^`]*`|\]\([^)]*\)", "", text)
    return " ".join(text.replace("\\", "").split())


def read_by_people(result: RunResult) -> list[Path]:
    found = [
        path
        for path in sorted((result.folder / "fr").rglob("*"))
        if path.suffix in (".html", ".md", ".txt", ".svg", ".tex")
    ]
    assert {path.suffix for path in found} == {".html", ".md", ".txt", ".svg", ".tex"}
    return found


def test_the_second_language_has_the_same_files_in_a_folder_of_its_own(result: RunResult) -> None:
    english = {n for n in result.files if not n.startswith(("fr/", "results/")) and n != "manifest.json"}
    french = {n.removeprefix("fr/") for n in result.files if n.startswith("fr/")}
    assert english == french
    assert {"report.html", "report.md", "briefing.html", "briefing.md", "press.txt"} <= french
    assert any(name.startswith("results/") for name in result.files)


def test_no_english_sentence_is_left_in_french(result: RunResult) -> None:
    catalogue = texts("en")
    forms = [
        f for entry in catalogue.values() for f in ([entry] if isinstance(entry, str) else entry.values())
    ]
    pieces = {piece.strip(" .:;,()") for form in forms for piece in re.split(r"\{.*?\}|\*+", form)}
    pieces = {piece for piece in pieces if len(piece.split()) >= 4}
    assert len(pieces) > 100
    for path in read_by_people(result):
        text = words_of(path)
        assert [piece for piece in pieces if piece in text] == [], path.name
        left = [text[max(0, m.start() - 60) : m.end() + 60] for m in ENGLISH.finditer(CITED.sub("", text))]
        assert left == [], path.name


def test_no_french_sentence_is_left_in_english(result: RunResult) -> None:
    for name in ("report.md", "briefing.md", "press.txt"):
        text = words_of(result.folder / name)
        assert NARROW not in text
        assert re.findall(r"\b(?:les|des|une|est|dans|pour|avec)\b", text) == [], name


def undone(text: str) -> str:
    """Return a text of numbers as English writes it, without thousands separators."""
    text = text.replace(f"{NARROW}%", "%").replace(" à ", " to ")
    return re.sub(rf"(?<=\d){NARROW}(?=\d)", "", re.sub(r"(?<=\d),(?=\d)", ".", text))


def told_numbers(table: Table) -> pd.DataFrame:
    """Return the texts of a table's columns of numbers, by the columns' place."""
    numeric = [i for i, column in enumerate(table.columns) if column.numeric]
    return pd.DataFrame([[row[i].text for i in numeric] for row in table.rows])


def test_every_number_of_every_table_is_the_same(result: RunResult, french: Document) -> None:
    pairs = list(zip(result.document.tables(), french.tables(), strict=True))
    pairs += [
        (one.table, other.table)
        for one, other in zip(result.document.figures(), french.figures(), strict=True)
    ]
    assert len(pairs) > 15
    for english, translated in pairs:
        assert english.key == translated.key
        ours = told_numbers(english).map(lambda text: text.replace(",", ""))
        pd.testing.assert_frame_equal(told_numbers(translated).map(undone), ours)


def test_the_manifest_records_the_languages_and_what_they_were_made_from(
    result: RunResult, home: Path
) -> None:
    manifest = json.loads((result.folder / "manifest.json").read_bytes())
    assert manifest["languages"] == ["en", "fr"]
    for name in ("words.fr.toml", "theme.toml"):
        assert manifest["inputs"][name]["sha256"] == sha256_of((home / name).read_bytes())
    assert verify(result.folder).n_files == len(result.files) - 1


def test_both_languages_can_be_made_again_on_one_core_and_checked(
    result: RunResult, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coprodstats.reporting.side_process._can_copy", lambda: False)
    assert reproduce(result.folder, home / "analysis.toml") == sorted(result.files)
    changed = result.folder.with_name("changed")
    shutil.copytree(result.folder, changed)
    page = changed / "fr" / "report.md"
    page.write_text(page.read_text(encoding="utf-8") + ".", encoding="utf-8")
    with pytest.raises(ManifestMismatchError, match=r"fr/report\.md"):
        verify(changed)


def test_documents_say_in_which_language_they_are(result: RunResult) -> None:
    for folder, tag in (("", LANGUAGES["en"].tag), ("fr", LANGUAGES["fr"].tag)):
        for name in ("report.html", "briefing.html"):
            text = (result.folder / folder / name).read_text(encoding="utf-8")
            assert f'lang="{tag}"' in text


def test_a_translation_with_gaps_and_strangers_stops_the_run_before_it_begins(
    home: Path, tmp_path: Path
) -> None:
    root = tmp_path / "copy"
    shutil.copytree(home.parents[1], root, ignore=shutil.ignore_patterns("out"))
    words = root / "analyses" / "small" / "words.fr.toml"
    text = words.read_text(encoding="utf-8")
    text = text.replace('"Age and gender" =', '"Age and gendre" =').replace('"woman" = "femme"\n', "")
    words.write_text(text, encoding="utf-8")
    steps: list[str] = []
    with pytest.raises(ConfigError, match="'woman' has no translation") as caught:
        run_analysis(root / "analyses" / "small" / "analysis.toml", progress=steps.append)
    told = str(caught.value)
    assert "'Age and gender' has no translation" in told
    assert "'Age and gendre' is no text of the analysis" in told
    assert "did you mean 'Age and gender'" in told
    assert not any(step.startswith("reading the survey") for step in steps)
