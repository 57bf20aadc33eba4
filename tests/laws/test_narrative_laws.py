"""No sentence says what its number does not: drawn results, read back by another reader, in each language."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coprodstats.reporting.certainty import Estimate
from coprodstats.reporting.headlines import difference_headline, link_headline, rank_headline
from coprodstats.reporting.language import LANGUAGES, speaking, texts
from coprodstats.reporting.narrative import Link, link_sentences
from coprodstats.reporting.plan import OutcomePlan
from coprodstats.reporting.sentences import (
    again_sentence,
    difference_sentences,
    direction_sentence,
    level_sentence,
    likelihood_sentences,
    short_size,
    size_sentence,
)

from .sentence_reader import Claimed, faults_of_wording, normal, read, sentences

TENTH = Decimal("0.1")
BOUND = Decimal(2)
# Half a unit of the last printed digit, and the tenth significant digit that numbers are first cut to.
HALF, HALF_PERSON = Decimal("0.0500000001"), Decimal("0.5000000001")

languages = st.sampled_from(sorted(LANGUAGES))
# Words that stand in nobody's pattern; some begin with capitals, as abbreviations do.
_words = st.sampled_from(
    ["people", "EU", "whom", "âgées", "town", "city's", "a", "UK-born", "ten", "gardens"]
)


def phrases(most: int) -> st.SearchStrategy[str]:
    return st.lists(_words, min_size=1, max_size=most).map(" ".join)


# Where rounding tells lies: near nothing, near the last digit's half, near the bound, and everywhere.
_near = st.one_of(
    st.floats(-1, 1),
    st.floats(-0.003, 0.003),
    st.integers(-40, 40).map(lambda k: k / 2000),
    st.builds(lambda k, d: k / 2000 + d, st.integers(-40, 40), st.floats(-1e-9, 1e-9)),
    st.sampled_from(
        [0.0, -0.0, 5e-324, -5e-324, 0.02, -0.02, 0.01999999999, 0.0005, 0.00049999999999, 1.0, -1.0]
    ),
)


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    match draw(st.sampled_from(["any", "narrow", "clear"])):
        case "narrow":  # a very large survey: an interval narrower than its rounding
            value, half = draw(_near), draw(st.floats(0, 2e-4))
        case "clear":
            value = draw(st.floats(0.005, 0.5)) * draw(st.sampled_from([-1, 1]))
            half = draw(st.floats(0, abs(value)))
        case _:
            low, value, high = sorted(draw(st.tuples(_near, _near, _near)))
            return Estimate(value=value, low=low, high=high)
    return Estimate(value=value, low=max(value - half, -1.0), high=min(value + half, 1.0))


@st.composite
def links(draw: st.DrawFn) -> Link:
    """A predictor whose difference is that of its two links, give or take doubt."""
    first, second = draw(estimates()), draw(estimates())
    value = second.value - first.value
    half = draw(st.one_of(st.floats(0, 0.3), st.just(abs(value)), st.floats(0, 0.002)))
    difference = Estimate(value=value, low=value - half, high=value + half)
    who, label = draw(phrases(12)), draw(phrases(6))
    return Link(term="x", label=label, who=who, first=first, second=second, difference=difference)


@st.composite
def outcomes(draw: st.DrawFn) -> tuple[OutcomePlan, OutcomePlan]:
    # Two names that can be told apart, of three words at the most.
    labels = [" ".join([name, *draw(st.lists(_words, max_size=2))]) for name in ("Alone", "Together")]
    # Events begin as each language wants them; "for" stands in for both.
    events = [f"for {name} {draw(phrases(7))}" for name in ("one", "all")]
    one, other = (OutcomePlan(name=n, label=n, event=e) for n, e in zip(labels, events, strict=True))
    return one, other


def points(share: float) -> Decimal:
    """A share in percentage points, exactly as its first ten digits stand."""
    return Decimal(f"{share:.10g}") * 100


def printed(share: float) -> Decimal:
    return points(share).quantize(TENTH, ROUND_HALF_EVEN)


def certainty(low: Decimal, high: Decimal, e: Estimate) -> str:
    """What may be said, from the printed ends and the raw ones."""
    if (low > 0 and e.low > 0) or (high < 0 and e.high < 0):
        return "clear"
    small = low > -BOUND and high < BOUND and points(e.low) > -BOUND and points(e.high) < BOUND
    return "small" if small else "open"


def printed_right(claimed: Claimed, e: Estimate, *, signed: bool) -> bool:
    """Whether the interval and the points of a sentence are those of the estimate, rounded."""
    ends = (points(e.low), points(e.high))
    wanted = ends if signed else tuple(sorted(map(abs, ends)))
    assert claimed.low is not None
    assert claimed.high is not None
    right = all(
        abs(shown - end) <= HALF for shown, end in zip((claimed.low, claimed.high), wanted, strict=True)
    )
    if claimed.points is not None:
        value = points(e.value) if signed else abs(points(e.value))
        right &= abs(claimed.points - value) <= HALF and claimed.low <= claimed.points <= claimed.high
    return right


@given(estimates(), languages)
@example(Estimate(value=0.006, low=0.0004, high=0.012), "en")
@example(Estimate(value=0.004, low=0.0031, high=0.0049), "fr")
@example(Estimate(value=0.066, low=0.0655, high=0.0664), "fr")
@example(Estimate(value=-0.0005, low=-0.0005, high=-0.0005), "en")
def test_a_direction_and_a_size_say_what_the_interval_says(e: Estimate, language: str) -> None:
    with speaking(language):
        direction, size = likelihood_sentences("Some people", "for a garden", e)
    said, sized = read(direction, language), read(size, language)
    kind = said.what
    assert sized.what.removesuffix(" below one") == f"size {kind}"
    signed = kind in ("small", "open")
    assert printed_right(sized, e, signed=signed)
    low, high = (sized.low, sized.high) if signed or kind == "more" else (-sized.high, -sized.low)
    assert certainty(low, high, e) == ("clear" if kind in ("more", "less") else kind)
    assert kind != "more" or (low > 0 and e.low > 0)
    assert kind != "less" or (high < 0 and e.high < 0)
    assert (sized.bound is None) == (kind != "small")
    assert sized.bound in (None, BOUND)
    if sized.people is not None:
        assert abs(sized.people - abs(points(e.value))) <= HALF_PERSON
        assert sized.low <= sized.people <= sized.high
        assert sized.people > 0
    elif "below one" in sized.what:
        assert abs(points(e.value)) <= Decimal("0.5000000001")


@given(links(), outcomes(), languages)
def test_a_comparison_says_what_both_links_and_their_difference_say(
    one: Link, two: tuple[OutcomePlan, OutcomePlan], language: str
) -> None:
    names = tuple(o.label.lower() for o in two)
    with speaking(language):
        told = difference_sentences(one.first, one.second, one.difference, names=names)
    claimed, *rest = (read(sentence, language) for sentence in told)
    e, value = one.difference, dict(zip(names, (one.first, one.second), strict=True))
    signed = claimed.what in ("links small", "links open")
    assert printed_right(claimed, e, signed=signed)
    low, high = (claimed.low, claimed.high) if signed or e.low > 0 else (-claimed.high, -claimed.low)
    sure = {"links small": "small", "links open": "open"}.get(claimed.what, "clear")
    assert certainty(low, high, e) == sure
    if claimed.what == "links open":
        assert (claimed.more, claimed.less) == (names[1], names[0])
    elif claimed.what != "links small":
        more, less = value[claimed.more], value[claimed.less]
        assert more is not less
        if claimed.what == "links stronger":
            assert more.low * less.low > 0
            assert more.low * more.high > 0
            assert less.low * less.high > 0
            assert abs(more.value) > abs(less.value)
        else:
            assert more.value > less.value
        if claimed.what == "links opposite":
            assert more.low > 0 > less.high
    clear = [certainty(printed(x.low), printed(x.high), x) == "clear" for x in (one.first, one.second)]
    warned = [caution.what for caution in rest] == ["links caution"]
    # Only where one is clear, the other isn't, and the difference isn't either, might a reader jump.
    assert warned == (clear[0] != clear[1] and sure != "clear")


@given(estimates(), languages)
def test_a_level_is_neither_none_nor_all_unless_it_is(e: Estimate, language: str) -> None:
    low, value, high = sorted(map(abs, (e.low, e.value, e.high)))
    e = Estimate(value=value, low=low, high=high)
    with speaking(language):
        claimed = read(level_sentence("for a garden", e), language)
        alone = normal(level_sentence("for a garden", e, with_interval=False))
        told = normal(level_sentence("for a garden", e))
    exact = points(value)
    half = HALF_PERSON if claimed.what == "level about" else HALF
    assert abs(claimed.low - points(low)) <= half
    assert abs(claimed.high - points(high)) <= half
    match claimed.what:
        case "level below one":
            assert value > 0
            assert exact <= HALF_PERSON
        case "level above 99":
            assert value < 1
            assert exact >= 100 - HALF_PERSON
        case _:
            assert abs(claimed.share - exact) <= HALF_PERSON
            assert claimed.low <= claimed.share <= claimed.high
            assert claimed.share not in (0, 100) or value in (0, 1)
    assert alone == told[: told.index(" (")] + "."


def sign(e: Estimate) -> str:
    """What may be said of a link: more, less, small or open, from how it is printed."""
    sure = certainty(printed(e.low), printed(e.high), e)
    return ("more" if e.low > 0 else "less") if sure == "clear" else sure


# What a headline may say of each link, in the words of each language; nothing else is in it.
SIGNS = {
    "en": {"more": "more likely", "less": "less likely", "small": "about as likely"},
    "fr": {"more": "plus", "less": "moins", "small": "environ au"},
}
SIZES = {
    "en": {"more": "more in 100", "less": "fewer in 100", "small": "any difference smaller than 2 points",
           "open": "we could not tell"},
    "fr": {"more": "de plus sur 100", "less": "de moins sur 100", "small": "tout écart inférieur à 2 points",
           "open": "nous ne savons pas"},
}  # fmt: skip


@given(links(), outcomes(), languages)
def test_a_headline_says_of_each_outcome_what_its_link_says(
    one: Link, two: tuple[OutcomePlan, OutcomePlan], language: str
) -> None:
    with speaking(language):
        headline = link_headline(one, two)
        sizes = [normal(short_size(e)) for e in (one.first, one.second)]
    signs = [sign(e) for e in (one.first, one.second)]
    for size, e, wanted in zip(sizes, (one.first, one.second), signs, strict=True):
        assert SIZES[language][wanted] in size
        others = {text for name, text in SIZES[language].items() if name != wanted}
        assert not any(text in size for text in others)
        people = [Decimal(t.replace(",", ".")) for t in size.split() if t[0].isdigit()]
        if wanted in ("more", "less") and people[0] != 1:
            assert abs(people[0] - abs(points(e.value))) <= HALF_PERSON
    text, more = normal(headline.text), normal(headline.more)
    parts = [part for part in (text, more) if all(size in part for size in sizes)]
    # The sizes stand in one sentence, each beside its outcome's label, in the order of the outcomes.
    for part in parts:
        places = [part.lower().index(o.label.lower()) for o in two]
        assert places[0] < places[1]
        assert sizes[0] in part[places[0] : places[1]] and sizes[1] in part[places[1] :]  # noqa: PT018
    if not parts:  # words too long for one sentence: one link after the other
        surer, other = sorted(zip(signs, two, strict=True), key=lambda pair: pair[0] == "open")
        assert read(text, language).what == surer[0] if "open" not in signs else True
        assert surer[1].event in text or signs == ["open", "open"]
        assert other[1].event in more
        assert read(more, language).what == other[0]
    elif more:  # directions in front, sizes behind
        for wanted, outcome in zip(signs, two, strict=True):
            assert (outcome.event in text) == (wanted != "open" and "open" not in signs) or "open" in signs
        _directions_are(text, signs, two, language)


def _directions_are(text: str, signs: list[str], two: tuple[OutcomePlan, OutcomePlan], language: str) -> None:
    told = [(wanted, o) for wanted, o in zip(signs, two, strict=True) if o.event in text]
    if not told:
        assert signs == ["open", "open"]
        return
    if len(told) == 1:
        assert sorted(["open", told[0][0]]) == sorted(signs)
        assert read(text, language).what == told[0][0]
        return
    head, tail = text[: text.index(two[0].event)], text[text.index(two[0].event) + len(two[0].event) :]
    tail = tail[: tail.index(two[1].event)]
    same = signs[0] == signs[1]
    for piece, wanted in ((head, signs[0]), (tail, signs[1])):
        if same and piece is tail:
            assert not any(word in tail.split() for word in ("more", "less", "plus", "moins", "but", "mais"))
            continue
        words = SIGNS[language]
        last = max(words, key=lambda name: piece.rfind(words[name]))
        assert last == wanted, (piece, wanted)


@given(st.lists(links(), min_size=1, max_size=4), outcomes(), languages)
def test_the_headline_of_differences_names_each_predictor_once_for_what_it_is(
    linked: list[Link], two: tuple[OutcomePlan, OutcomePlan], language: str
) -> None:
    linked = [replace(one, label=f"label{k}") for k, one in enumerate(linked)]
    with speaking(language):
        headline = difference_headline(linked, two)
    sure = {one.label: sign(one.difference) for one in linked}
    marks = {
        "en": {"clear": r"differs? between", "open": "could not tell", "small": "smaller than 2 points"},
        "fr": {"clear": "diffèr(e|ent) entre", "open": "ne savons pas", "small": "inférieur à 2 points"},
    }[language]
    told = [normal(text) for text in (headline.text, *sentences(headline.more))]
    kinds = {name: "clear" if s in ("more", "less") else s for name, s in sure.items()}
    for name, kind in kinds.items():
        saying = [text for text in told if name in text]
        if saying:
            assert len(saying) == 1
            assert re.search(marks[kind], saying[0])
        else:  # all are of one kind, or counted
            assert any(re.search(marks[kind], text) for text in told)
    said_clear = re.search(marks["clear"], told[0]) and marks["open"] not in told[0]
    assert ("clear" in kinds.values()) == bool(said_clear)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=3), st.integers(2, 20), phrases(8), phrases(3), languages
)
@example([0.9949, 1.0], 10, "belief", "joining", "en")
def test_a_rank_is_first_only_in_nearly_all_replicates(
    shares: list[float], n: int, label: str, outcome: str, language: str
) -> None:
    with speaking(language):
        headline = rank_headline(label, outcome, shares=shares, n=n)
    text, more = normal(headline.text), normal(headline.more)
    first = "went most closely" in text or "est la plus étroitement" in text
    never = "did not go most closely" in text or "n’est pas la plus étroitement" in text
    assert first == (min(shares) >= 0.95)
    assert never == (max(shares) <= 0.05)
    numbers = [Decimal(text) for text in re.findall(r"\d+", more)]
    if first:
        assert numbers[0] <= 100 * Decimal(str(min(shares)))
    elif never:
        assert numbers[0] >= 100 * Decimal(str(max(shares)))
    else:
        assert abs(numbers[0] - 100 * Decimal(str(min(shares)))) <= HALF_PERSON
        assert abs(numbers[1] - 100 * Decimal(str(max(shares)))) <= HALF_PERSON
    assert not faults_of_wording(f"{text} {more}", language)


@given(links(), outcomes(), languages)
def test_every_sentence_is_short_and_speaks_of_links_only(
    one: Link, two: tuple[OutcomePlan, OutcomePlan], language: str
) -> None:
    with speaking(language):
        level = Estimate(value=0.003, low=0.001, high=0.75) if one.first.low > 0 else one.second
        told = [*link_sentences(one, two), *(level_sentence(o.event, level) for o in two)]
        both = [link_headline(one, two), difference_headline([one], two)]
    told += [text for headline in both for text in (headline.text, headline.more)]
    for text in told:
        assert not faults_of_wording(text, language)
    for headline in both:
        # One sentence; where the analysis' words are as long as they may be, two.
        assert len(sentences(headline.text)) == 1 or "onsid" in headline.text


SUBJECTS = ("briefing", "guide", "headlines", "narrative", "press", "sentences")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_no_text_of_the_catalogue_speaks_of_causes_or_p_values(language: str) -> None:
    for key, entry in texts(language).items():
        if key.partition(".")[0] in SUBJECTS:
            for form in [entry] if isinstance(entry, str) else entry.values():
                assert not faults_of_wording(form.replace("**", ""), language), key


LIES = [
    ("more likely", "less likely"),
    ("more in 100", "fewer in 100"),
    ("We could not tell whether", "Surely"),
    ("about 5", "about 6"),
    ("5.0", "5.2"),
    ("2.0 to 8.0", "2.1 to 8.0"),
]


@pytest.mark.parametrize(("true", "false"), LIES)
def test_the_reader_notices_lies(true: str, false: str) -> None:
    """The laws above would fail if a text were wrong: the checks are run on texts made wrong."""
    clear, unclear = Estimate(value=0.05, low=0.02, high=0.08), Estimate(value=0.05, low=-0.02, high=0.08)
    e = unclear if true.startswith("We") else clear
    told = [sentence.replace(true, false) for sentence in likelihood_sentences("Some", "for one", e)]
    assert told != list(likelihood_sentences("Some", "for one", e))
    with pytest.raises(AssertionError, match=r".*"):
        _is_true(told, e)


def _is_true(told: list[str], e: Estimate) -> None:
    said, sized = (read(sentence, "en") for sentence in told)
    assert said.what == sign(e)
    assert sized.what == f"size {said.what}"
    assert printed_right(sized, e, signed=said.what == "open")
    assert abs(sized.people - points(e.value)) <= HALF_PERSON


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Age has an effect on it.", "en"),
        ("Age causes it.", "en"),
        ("It is significant.", "en"),
        ("It holds (p = 0.03).", "en"),
        ("L’âge a un effet.", "fr"),
        ("L’âge cause cela.", "fr"),
        (" ".join(["word"] * 26) + ".", "en"),
    ],
)
def test_the_reader_notices_wrong_words(text: str, language: str) -> None:
    assert faults_of_wording(text, language)


def test_a_direction_alone_and_again_are_the_same_claim() -> None:
    for low in (-0.3, -0.01, 0.01):
        e = Estimate(value=low + 0.005, low=low, high=low + 0.01)
        for language in LANGUAGES:
            with speaking(language):
                once, again = direction_sentence("Some", "for one", e), again_sentence("for one", e)
                sized = size_sentence(e)
            assert read(once, language).what == read(again, language).what == sign(e)
            assert read(sized, language).what == f"size {sign(e)}"
