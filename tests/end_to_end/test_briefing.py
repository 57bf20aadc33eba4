"""The briefing, headlines and press line of the shipped survey, in both languages."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from io import BytesIO
from pathlib import Path
from types import ModuleType

import pikepdf
import pytest

from coprodstats.errors import ConfigError
from coprodstats.reporting.briefing import build_briefing
from coprodstats.reporting.claims import read_claims
from coprodstats.reporting.document import (
    BulletList,
    Callout,
    DefinitionList,
    Document,
    FigureBlock,
    Paragraph,
    Section,
    TableBlock,
)
from coprodstats.reporting.findings import Findings, compute
from coprodstats.reporting.formats import render_formats
from coprodstats.reporting.headlines import headlines
from coprodstats.reporting.language import LANGUAGES, speaking
from coprodstats.reporting.narrative import summary_blocks
from coprodstats.reporting.plan import read_plan
from coprodstats.reporting.press import press_line
from coprodstats.reporting.reading_guide import reading_guide, words_of
from coprodstats.reporting.span import Text, plain
from coprodstats.reporting.suggestions import BriefingPlan, Suggestion
from coprodstats.reporting.translation import read_translations, translated

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reader() -> ModuleType:
    spec = spec_from_file_location("sentence_reader", ROOT / "tests" / "laws" / "sentence_reader.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Its record looks itself up.
    sys.modules["sentence_reader"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def findings() -> Findings:
    """The five-nation analysis with its own words, but one comparison and few replicates."""
    whole = read_plan(ROOT / "analyses" / "five_nation_2008" / "analysis.toml")
    plan = replace(whole, comparisons=whole.comparisons[:1], replicates=20, translations={})
    found = compute(plan)
    claims = read_claims(whole.claims) if whole.claims else ()
    return replace(found, translations=read_translations(whole, found.cleaned.codebook, claims))


@pytest.fixture(scope="module")
def briefings(findings: Findings) -> dict[str, Document]:
    made = {}
    for code in LANGUAGES:
        with speaking(code):
            made[code] = build_briefing(translated(findings, code), version="0")
    return made


def texts(section: Section) -> list[str]:
    """The running text of a section, list items and paragraphs one by one."""
    found: list[Text] = []
    for block in section.blocks:
        match block:
            case Paragraph() | Callout():
                found.append(block.text)
            case BulletList():
                found += block.items
            case DefinitionList():
                found += [text for pair in block.items for text in pair]
            case FigureBlock():
                found += [*block.figure.notes, block.figure.subtitle]
            case TableBlock():
                found += block.table.notes
    return [plain(text) for text in found]


def section(document: Document, key: str) -> list[str]:
    return texts(next(one for one in document.sections if one.key == key))


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_a_briefing_has_what_people_who_decide_look_for(
    code: str, briefings: Mapping[str, Document], findings: Findings
) -> None:
    document = briefings[code]
    keys = [one.key for one in document.sections]
    assert keys == ["found", "chart", "levels", "policy", "sure", "how", "more"]
    assert (document.kind, document.language) == ("briefing", code)
    assert len(document.figures()) == len(document.tables()) == 1
    assert document.banner
    assert len(section(document, "found")) <= 6
    assert len(section(document, "how")) == 4
    assert len(section(document, "policy")) == 1 + len(findings.plan.briefing.suggestions)
    # Two pages of A4: 600 to 800 words; French needs some more for the same.
    assert 600 <= words_of(document) <= 900


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_every_sentence_is_short_and_none_speaks_of_causes(
    code: str, briefings: Mapping[str, Document], findings: Findings, reader: ModuleType
) -> None:
    said = [
        text for key in ("found", "chart", "policy", "sure", "how") for text in section(briefings[code], key)
    ]
    with speaking(code):
        here = translated(findings, code)
        said += [press_line(here)]
        for block in summary_blocks(here):
            said += [plain(block.text)] if isinstance(block, Paragraph) else [plain(t) for t in block.items]
    for text in said:
        if text not in here.plan.limits:
            assert not reader.faults_of_wording(text, code), text


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_the_summary_says_what_the_models_found(code: str, findings: Findings, reader: ModuleType) -> None:
    """Every sentence on age, gender and belief, read back, against the margins themselves."""
    with speaking(code):
        here = translated(findings, code)
        items = summary_blocks(here)[1].items
    margins = findings.main.margins.intervals().set_index(["model", "term"])
    differences = findings.main.margins.to_frame().set_index("term")
    steps = {"age": 10, "gender[T.woman]": 1, "efficacy": 25}
    assert list(findings.plan.phrases) == list(steps)
    for (term, step), item in zip(steps.items(), items[2:], strict=True):
        _, *sentences = reader.sentences(plain(item))
        claimed = [one for one in (reader.read(s, code) for s in sentences) if one.what != "consider"]
        for outcome, (kind, sized) in zip(
            ("individual", "collective"), (claimed[:2], claimed[2:4]), strict=True
        ):
            row = margins.loc[(outcome, term)] * step * 100
            sure = row["conf_low"] > 0 or row["conf_high"] < 0
            assert kind.what == (("more" if row["estimate"] > 0 else "less") if sure else "open")
            size = abs(row["estimate"]) if sure else row["estimate"]
            # One decimal is printed.
            assert float(sized.points) == pytest.approx(size, abs=0.0501)
            assert sized.people is None or float(sized.people) == pytest.approx(size, abs=0.501)
        apart = differences.loc[term, "difference"] * step * 100
        assert float(claimed[4].points) == pytest.approx(abs(apart), abs=0.0501)
        names = {o.label.lower(): k for k, o in enumerate(here.plan.outcomes)}
        assert (names[claimed[4].more] == 1) == (apart > 0)


def test_headlines_of_the_five_nations(findings: Findings) -> None:
    """What was planted: older people individually, younger people and belief in citizens collectively."""
    told = {one.key: one for one in headlines(findings)}
    assert list(told) == ["levels", "age", "gender[T.woman]", "efficacy", "difference", "importance"]
    assert re.search(r"more likely to be .* but less likely to take part in any group", told["age"].text)
    assert re.fullmatch(
        r"Women.* were more likely to be [^.]*individual[^.]*\.", told["gender[T.woman]"].text
    )
    assert told["gender[T.woman]"].more.endswith("collective: we could not tell.")
    assert re.search(r"age, gender and belief .* differ between", told["difference"].text)


def test_a_chart_in_plain_words(briefings: Mapping[str, Document]) -> None:
    figure = briefings["en"].figures()[0]
    assert figure.title == "All 3 links differ between individual and collective"
    assert list(figure.data["term"]) == ["age", "gender[T.woman]", "efficacy"]
    assert "PSU" not in " ".join([figure.n, *figure.notes])


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_a_briefing_is_two_pages_of_a4(code: str, briefings: Mapping[str, Document]) -> None:
    data = render_formats(briefings[code], ["html", "pdf"], stem="briefing", results={})["briefing.pdf"]
    with pikepdf.open(BytesIO(data)) as pdf:
        assert len(pdf.pages) == 2
        # A4 in points.
        assert [float(x) for x in pdf.pages[0].mediabox[2:]] == pytest.approx([595.28, 841.89], abs=0.1)


def suggesting(findings: Findings, *suggestions: Suggestion) -> list[str]:
    plan = replace(findings.plan, briefing=BriefingPlan(suggestions=suggestions))
    return section(build_briefing(replace(findings, plan=plan), version="0"), "policy")[1:]


def test_suggestions_say_whose_they_are_and_how_the_run_stands_to_them(findings: Findings) -> None:
    assert findings.claims is not None
    results = list(findings.claims.results)
    turned = replace(results[0], verdict="disagrees")
    doubtful = replace(results[1], verdict="inconclusive")
    claims = replace(findings.claims, results=(turned, doubtful, *results[2:]))
    verdicts = claims.verdicts()
    # One comparison alone has no sectors.
    assert verdicts["C9"] == "not testable"
    names = (("C3",), ("C1", "C3"), ("C2", "C3"), ("C9",), ())
    made = [Suggestion(text=f"Do {k}.", source="Someone (2013)", claims=ids) for k, ids in enumerate(names)]
    told = suggesting(replace(findings, claims=claims), *made)
    assert told == [
        "Do 0. Suggested by Someone (2013). On these data, what it rests on holds.",
        "Do 1. Suggested by Someone (2013). On these data, what it rests on does not hold.",
        "Do 2. Suggested by Someone (2013). On these data, we could not tell whether what it rests on holds.",
        "Do 3. Suggested by Someone (2013). These data cannot test what it rests on.",
        "Do 4. Suggested by Someone (2013).",
    ]


def test_an_analysis_that_declares_no_suggestions_gets_none(findings: Findings) -> None:
    plan = replace(findings.plan, briefing=BriefingPlan(), phrases={})
    document = build_briefing(replace(findings, plan=plan), version="0")
    assert "policy" not in [one.key for one in document.sections]
    # Without phrases there are levels and ranks, and the chart draws the first five terms.
    assert [one.key for one in headlines(replace(findings, plan=plan))] == ["levels", "importance"]
    assert len(document.figures()[0].data) == 5
    assert "Bovaird" not in " ".join(text for one in document.walk() for text in texts(one))


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_a_press_line_says_first_that_the_data_are_synthetic(code: str, findings: Findings) -> None:
    with speaking(code):
        line = press_line(translated(findings, code))
    assert line.startswith({"en": "Synthetic data, not a real survey", "fr": "Données synthétiques"}[code])
    assert line.endswith(
        {"en": "a link, not proof of cause.", "fr": "un lien, non la preuve d’une cause."}[code]
    )
    assert "\n" not in line
    codebook = replace(findings.cleaned.codebook, synthetic=False)
    with speaking(code):
        real = press_line(replace(findings, cleaned=replace(findings.cleaned, codebook=codebook)))
    assert not re.search("synth[eé]ti(c|que)s? data|Données synth", real)


def test_the_guide_tells_minutes_counted_from_words(
    findings: Findings, briefings: Mapping[str, Document]
) -> None:
    words = " ".join(["word"] * 1001)
    long = Document(
        title="Report", sections=(Section(key="a", heading="b", blocks=(Paragraph(text=words),)),)
    )
    guide = reading_guide(findings, {"briefing.html": briefings["en"], "report.html": long})
    told = [(plain(term), plain(text)) for term, text in guide.items]
    # 1,001 words, a title and a heading at 200 a minute are 5.015 minutes.
    assert told[1][0] == "6 minutes"
    assert told[1][1].startswith("report.html: everything")
    assert told[0][0] == f"{-(-words_of(briefings['en']) // 200)} minutes"
    assert told[2][0] == "Longer"
    assert "published findings" in told[2][1]
    assert "published findings" not in plain(reading_guide(replace(findings, claims=None), {}).items[0][1])


def test_suggestions_on_unknown_claims_stop_the_run_before_the_survey_is_read() -> None:
    whole = read_plan(ROOT / "analyses" / "five_nation_2008" / "analysis.toml")
    astray = BriefingPlan(suggestions=(Suggestion(text="a", source="b", claims=("C1", "C33")),))
    with pytest.raises(ConfigError, match=r"briefing\.suggestions: there is no claim 'C33'"):
        compute(replace(whole, briefing=astray, survey=ROOT / "absent.csv"))


def test_phrases_that_make_long_sentences_and_claims_that_are_not_there_are_refused(tmp_path: Path) -> None:
    home = ROOT / "analyses" / "five_nation_2008"
    text = (home / "analysis.toml").read_text(encoding="utf-8")
    text = text.replace('"People ten years older"', f'"People {"much " * 12}older"')
    text = re.sub(r"^(claims = \"claims|languages =|translations =|theme =).*$", "", text, flags=re.MULTILINE)
    (tmp_path / "analysis.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="phrases") as caught:
        read_plan(tmp_path / "analysis.toml")
    assert {(f.where.partition(": ")[2], f.found, f.allowed) for f in caught.value.faults} == {
        ("phrases.age", "it has 14 words", "at most 12"),
        ("briefing.suggestions", "suggestions rest on claims, and none are put to this analysis", ""),
    }
