"""Sentences made from numbers: direction, size and certainty, and never more than the numbers say."""

from __future__ import annotations

from dataclasses import dataclass

from coprodstats.reporting import format as fmt


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A difference of probabilities (0–1 scale) with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes zero, also as it is printed."""
        return (self.low > 0 or self.high < 0) and not self._touches_zero()

    def _touches_zero(self) -> bool:
        # An interval of 0.04 to 1.2 points is printed "0.0 to 1.2": a reader sees it touch zero.
        return any(fmt.rounded(100 * end, 1) == 0 for end in (self.low, self.high))


def likelihood_sentence(phrase: str, event: str, estimate: Estimate) -> str:
    """Say how much more or less likely some people are to do something, or that we could not tell.

    Examples
    --------
    >>> likelihood_sentence("Women, compared with men,", "to vote", Estimate(value=0.05, low=0.02, high=0.08))
    'Women, compared with men, were 5.0 percentage points more likely to vote (95% interval 2.0 to 8.0).'
    """
    span = f"95% interval {interval_text(estimate)}"
    if not estimate.is_clear:
        return (
            f"We could not tell whether {lower_first(phrase)} were more or less likely {event} "
            f"(estimate {points_text(estimate.value)} points, {span})."
        )
    direction = "more" if estimate.value > 0 else "less"
    size = fmt.number(100 * abs(estimate.value), 1)
    return (
        f"{phrase} were {size} percentage points {direction} likely {event} ({magnitude_interval(estimate)})."
    )


def difference_sentence(subject: str, estimate: Estimate, *, first: str, second: str) -> str:
    """Say whether an association differs between two outcomes, with the interval of the difference.

    Examples
    --------
    >>> difference_sentence("age", Estimate(value=-0.08, low=-0.1, high=-0.06), first="one", second="other")
    'The two associations with age differ by −8.0 points (other minus one, 95% interval −10.0 to −6.0).'
    """
    span = f"{second} minus {first}, 95% interval {interval_text(estimate)}"
    if estimate.is_clear:
        size = points_text(estimate.value)
        return f"The two associations with {subject} differ by {size} points ({span})."
    return (
        f"We could not tell whether the two associations with {subject} differ "
        f"(estimate {points_text(estimate.value)} points, {span})."
    )


def level_sentence(event: str, estimate: Estimate) -> str:
    """Say which share of people do something, with its interval.

    Examples
    --------
    >>> level_sentence("to take part in a group", Estimate(value=0.295, low=0.27, high=0.31))
    'About 30 in 100 people were estimated to take part in a group (95% interval 27% to 31%).'
    """
    share = fmt.number(100 * estimate.value, 0)
    # A few people in a thousand are not none, and nearly everyone is not everyone.
    if 0 < estimate.value < 1 and share in ("0", "100"):
        amount = "Fewer than 1" if share == "0" else "More than 99"
        return f"{amount} in 100 people were estimated {event} ({_level_span(estimate, 1)})."
    return f"About {share} in 100 people were estimated {event} ({_level_span(estimate, 0)})."


def _level_span(estimate: Estimate, digits: int) -> str:
    return f"95% interval {fmt.percent_interval(estimate.low, estimate.high, digits)}"


def points_text(value: float) -> str:
    """Return a difference of probabilities in percentage points, signed, one decimal."""
    return fmt.number(100 * value, 1, sign=True)


def interval_text(estimate: Estimate) -> str:
    """Return an interval in percentage points, signed as it is."""
    return fmt.interval(100 * estimate.low, 100 * estimate.high, 1)


def magnitude_interval(estimate: Estimate) -> str:
    """Return the interval of a clear difference by size, smaller end first."""
    ends = sorted((100 * abs(estimate.low), 100 * abs(estimate.high)))
    return f"95% interval {fmt.interval(ends[0], ends[1], 1)}"


def lower_first(text: str) -> str:
    """Return a phrase for the middle of a sentence; an abbreviation keeps its capitals.

    Examples
    --------
    >>> lower_first("Women, compared with men,"), lower_first("EU citizens")
    ('women, compared with men,', 'EU citizens')
    """
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
