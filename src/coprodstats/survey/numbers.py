"""The grammar of numbers in survey files, narrower than Python's on purpose."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def as_number(text: str) -> float | None:
    """Return the number that a text is, or None.

    A number is digits (0–9) with an optional sign, decimal point and exponent. Python's ``float`` takes more,
    such as ``1_000``, ``nan`` and the digits of other scripts.

    Parameters
    ----------
    text
        The text of one cell.

    Examples
    --------
    >>> as_number("-42.50"), as_number("1_000"), as_number("1,5"), as_number("nan")
    (-42.5, None, None, None)
    """
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None
