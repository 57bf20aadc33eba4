"""Sentences made from numbers: direction, size and certainty, and never more than the numbers say.

What can be said of an estimate is decided in `certainty`; here stands how it is said. A sentence has at most
`MOST_WORDS` words; where an analysis' own words are long, it is told in two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from coprodstats.reporting import format as fmt
from coprodstats.reporting.certainty import SMALL, Estimate, people, tenths
from coprodstats.reporting.language import say

MOST_WORDS = 25
"""Words of a sentence (UK Government Analysis Function, Writing about data)."""

WHO_WORDS, EVENT_WORDS, LABEL_WORDS = 12, 9, 3
"""Words that an analysis may use for whom a sentence is about, for an event, and for an outcome's label.

Each text of the catalogue leaves room for as many within `MOST_WORDS`.
"""


def likelihood_sentences(who: str, event: str, estimate: Estimate) -> tuple[str, str]:
    """Say how much more or less likely some people are to do something, or that we could not tell.

    Parameters
    ----------
    who
        Some people as the subject of a sentence, plural, such as ``"Women, compared with men,"``.
    event
        What they do, in English an infinitive with *to*, in French with *de*.
    estimate
        The difference of probabilities.

    Returns
    -------
    tuple of str
        The direction (two sentences where words are many), and the size with its interval.

    Examples
    --------
    >>> e = Estimate(value=0.05, low=0.02, high=0.08)
    >>> for sentence in likelihood_sentences("Women, compared with men,", "to vote", e):
    ...     print(sentence)
    Women, compared with men, were more likely to vote.
    That is about 5 more in 100 people (5.0 percentage points, 95% interval 2.0 to 8.0).
    """
    return direction_sentence(who, event, estimate), size_sentence(estimate)


def direction_sentence(who: str, event: str, estimate: Estimate) -> str:
    """Say whether some people are more or less likely to do something, without the size.

    Examples
    --------
    >>> direction_sentence("Women", "to vote", Estimate(value=0.01, low=-0.05, high=0.08))
    'We could not tell whether women were more or less likely to vote.'
    """
    kind = estimate.kind
    subject = lower_first(who) if kind == "open" else who
    told = say(f"sentences.likely_{kind}", who=subject, event=event)
    if count_words(told) <= MOST_WORDS:
        return told
    about = say("sentences.consider", who=lower_first(who).rstrip(" ,"))
    return f"{about} {again_sentence(event, estimate)}"


def again_sentence(event: str, estimate: Estimate) -> str:
    """Say whether people who have just been spoken of are more or less likely to do something.

    Examples
    --------
    >>> again_sentence("to vote", Estimate(value=0.05, low=0.02, high=0.08))
    'They were more likely to vote.'
    """
    return say(f"sentences.they_{estimate.kind}", event=event)


def size_sentence(estimate: Estimate) -> str:
    """Say how large a difference is, in people and in percentage points.

    Examples
    --------
    >>> size_sentence(Estimate(value=-0.001, low=-0.012, high=0.011))
    'Any difference is smaller than 2 points (95% interval −1.2 to +1.1).'
    """
    match estimate.kind:
        case "small":
            return say("sentences.size_small", bound=say_bound(), span=signed_span(estimate))
        case "open":
            return say("sentences.size_open", **_signed(estimate))
        case kind:
            if people(estimate) == "0":
                points, span = size(estimate), size_span(estimate)
                return say(f"sentences.size_{kind}_below_one", points=points, span=span)
            return say(f"sentences.size_{kind}", people=people(estimate), **_sized(estimate))


def short_size(estimate: Estimate) -> str:
    """Say in a few words how large a difference is, for a list.

    Examples
    --------
    >>> short_size(Estimate(value=0.05, low=0.02, high=0.08))
    'about 5 more in 100'
    """
    kind = estimate.kind
    match kind:
        case "small":
            return say("sentences.short_small", bound=say_bound())
        case "open":
            return say("sentences.short_open")
        case _ if people(estimate) == "0":
            return say(f"sentences.short_{kind}_below_one")
        case _:
            return say(f"sentences.short_{kind}", people=people(estimate))


def difference_sentences(
    first: Estimate, second: Estimate, difference: Estimate, *, names: Sequence[str]
) -> tuple[str, ...]:
    """Say whether the links of one predictor with two outcomes differ.

    Parameters
    ----------
    first, second
        The link with each outcome.
    difference
        Second minus first, with its own interval.
    names
        What the two outcomes are called in the middle of a sentence.

    Returns
    -------
    tuple of str
        One sentence; a second one where a clear result beside an unclear one might be taken for a difference.

    Examples
    --------
    >>> age = Estimate(value=0.05, low=0.04, high=0.06), Estimate(value=-0.03, low=-0.04, high=-0.02)
    >>> both = Estimate(value=-0.08, low=-0.1, high=-0.06)
    >>> difference_sentences(*age, both, names=("one", "other"))
    ('The link is positive for one and negative for other: 8.0 points apart (95% interval 6.0 to 10.0).',)
    """
    one, other = names
    if difference.is_clear:
        upper, lower = (other, one) if difference.low > 0 else (one, other)
        shown = _sized(difference)
        if not (first.is_clear and second.is_clear):
            return (say("sentences.links_apart", more=upper, less=lower, **shown),)
        if (first.low > 0) != (second.low > 0):
            return (say("sentences.links_opposite", more=upper, less=lower, **shown),)
        stronger, weaker = (upper, lower) if first.low > 0 else (lower, upper)
        return (say("sentences.links_stronger", more=stronger, less=weaker, **shown),)
    caution = (say("sentences.links_caution"),) if first.is_clear != second.is_clear else ()
    if difference.certainty == "small":
        return (say("sentences.links_small", bound=say_bound(), span=signed_span(difference)), *caution)
    return (say("sentences.links_open", first=one, second=other, **_signed(difference)), *caution)


def level_sentence(event: str, estimate: Estimate, *, with_interval: bool = True) -> str:
    """Say which share of people do something, with its interval.

    Examples
    --------
    >>> level_sentence("to take part in a group", Estimate(value=0.295, low=0.27, high=0.31))
    'About 30 in 100 people were estimated to take part in a group (95% interval 27% to 31%).'
    """
    share = fmt.number(100 * estimate.value, 0)
    # A few people in a thousand are not none, and nearly everyone is not everyone.
    edge = 0 < estimate.value < 1 and share in ("0", "100")
    kind = {"0": "below_one", "100": "above_99"}[share] if edge else "about"
    values = {"event": event} if edge else {"event": event, "share": share}
    if not with_interval:
        return say(f"sentences.level_{kind}", **values)
    span = fmt.percent_interval(estimate.low, estimate.high, 1 if edge else 0)
    return say(f"sentences.level_{kind}_with", **values, span=span)


def size(estimate: Estimate) -> str:
    """Return the size of a clear difference in percentage points, without a sign."""
    return fmt.points(abs(estimate.value), sign=False)


def size_span(estimate: Estimate) -> str:
    """Return the interval of the size of a clear difference, smaller end first."""
    low, high = sorted((abs(estimate.low), abs(estimate.high)))
    return say("format.interval", low=fmt.points(low, sign=False), high=fmt.points(high, sign=False))


def signed_span(estimate: Estimate) -> str:
    """Return an interval in percentage points as tables print it."""
    return fmt.points_interval(estimate.low, estimate.high)


def too_long(
    phrases: Mapping[str, str], labels: Mapping[str, str], events: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Yield each text of an analysis that is too long for a sentence: key, what was found, what is allowed.

    Parameters
    ----------
    phrases
        Whom sentences are about, by term.
    labels, events
        Those of the outcomes, by name.

    Examples
    --------
    >>> list(too_long({"age": "People who are " + "very " * 10 + "old"}, {}, {}))
    [('phrases.age', 'it has 14 words', 'at most 12')]
    """
    told = [(f"phrases.{term}", who, WHO_WORDS) for term, who in phrases.items()]
    told += [(f"outcomes.{name}.label", label, LABEL_WORDS) for name, label in labels.items()]
    told += [(f"outcomes.{name}.event", event, EVENT_WORDS) for name, event in events.items()]
    for key, text, most in told:
        if count_words(text) > most:
            yield key, f"it has {count_words(text)} words", f"at most {most}"


def lower_first(text: str) -> str:
    """Return a phrase for the middle of a sentence; an abbreviation keeps its capitals.

    Examples
    --------
    >>> lower_first("Women, compared with men,"), lower_first("EU citizens")
    ('women, compared with men,', 'EU citizens')
    """
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def say_bound() -> str:
    """Return the bound of a small difference in percentage points, as it is printed."""
    return fmt.points(float(SMALL), 0, sign=False)


def count_words(text: str) -> int:
    """Return the number of words: runs between spaces that hold a letter or a digit.

    Examples
    --------
    >>> count_words("About 7 in 100 (95% interval 5 to 9).")
    9
    """
    return sum(any(character.isalnum() for character in run) for run in text.split())


def _sized(estimate: Estimate) -> dict[str, str | int]:
    return {"n": _whole_points(estimate), "points": size(estimate), "span": size_span(estimate)}


def _signed(estimate: Estimate) -> dict[str, str | int]:
    points = fmt.points(estimate.value)
    return {"n": _whole_points(estimate), "points": points, "span": signed_span(estimate)}


def _whole_points(estimate: Estimate) -> int:
    """Return what chooses between singular and plural: French has the plural from two on."""
    return 0 if fmt.is_missing(estimate.value) else int(100 * abs(tenths(estimate.value)))
