"""What can be said of an estimate: clear, small, or open, as it is printed.

A result is *clear* if its interval leaves zero out, *small* if the interval lies within `SMALL` on both sides
of zero, and otherwise *open*: we could not tell. Both the interval as it is and the interval as it is printed
must say so, so that a reader of the printed numbers comes to the same end.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from coprodstats.reporting import format as fmt

Certainty = Literal["clear", "small", "open"]
Kind = Literal["more", "less", "small", "open"]

SMALL = Decimal("0.02")
"""Two people in 100: a difference below which hardly anyone would treat two groups differently.

It is compared with the 95 % interval, which is stricter than two one-sided tests at 5 % (Schuirmann 1987,
Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680), so that the interval printed shows it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A difference of probabilities, or a probability (0–1 scale), with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def certainty(self) -> Certainty:
        """What can be said, judged by the interval as it is and as it is printed.

        Examples
        --------
        >>> Estimate(value=0.05, low=0.02, high=0.08).certainty
        'clear'
        >>> Estimate(value=0.001, low=-0.01, high=0.012).certainty
        'small'
        """
        if self._has_gap():
            return "open"
        # An interval of 0.04 to 1.2 points is printed "0.0 to 1.2": a reader sees it touch zero.
        if (self.low > 0 or self.high < 0) and 0 not in (tenths(self.low), tenths(self.high)):
            return "clear"
        within = all(max(abs(Decimal(end)), abs(tenths(end))) < SMALL for end in (self.low, self.high))
        return "small" if within else "open"

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes zero, also as it is printed."""
        return self.certainty == "clear"

    @property
    def kind(self) -> Kind:
        """The direction if it is clear, otherwise the certainty."""
        if self.certainty == "clear":
            return "more" if self.low > 0 else "less"
        return "small" if self.certainty == "small" else "open"

    def _has_gap(self) -> bool:
        return any(fmt.is_missing(number) for number in (self.value, self.low, self.high))


def tenths(share: float) -> Decimal:
    """Return a share or difference of shares as it is printed: to a tenth of a percentage point.

    Examples
    --------
    >>> tenths(0.07249)
    Decimal('0.072')
    """
    return fmt.rounded(share, 3)


def people(estimate: Estimate) -> str:
    """Return how many people in 100 a difference is: a whole number if the printed interval holds it.

    Examples
    --------
    >>> people(Estimate(value=-0.072, low=-0.1, high=-0.05))
    '7'
    >>> people(Estimate(value=0.066, low=0.0655, high=0.0662))
    '6.6'
    """
    value = abs(estimate.value)
    whole = fmt.rounded(value, 2)
    ends = sorted(abs(tenths(end)) for end in (estimate.low, estimate.high))
    held = whole == 0 or ends[0] <= whole <= ends[1]
    return fmt.points(value, 0 if held else 1, sign=False)
