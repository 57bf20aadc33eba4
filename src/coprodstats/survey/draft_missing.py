"""Which codes of a column probably stand for missing answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from coprodstats.errors import listed
from coprodstats.survey.draft_records import Column, tidy
from coprodstats.survey.draft_words import means_missing
from coprodstats.survey.metadata import VariableMetadata
from coprodstats.survey.numbers import as_number
from coprodstats.survey.toml_lines import OPEN

_SHORT_SCALE = 7
"""Scales up to this number have 8 and 9 as usual missing codes; longer ones 77, 88 and 99."""


def missing_codes(column: Column) -> tuple[dict[str, str], str]:
    """Return the codes that stand for missing answers, with reasons, and the question that remains.

    Codes count as missing if the file declares them so or their labels say so. Usual ones without a label,
    such as 99 or −1, count if they lie apart from the answers; where they might be answers, the reason is
    asked.

    Parameters
    ----------
    column
        The column.
    """
    said = column.said
    labels = {code: tidy(label) for code, label in said.values.items()}
    known = dict.fromkeys([*labels, *column.counts])
    declared = [code for code in known if _is_declared(code, said)]
    declared += [code for code in said.missing if code not in known]
    spoken = [code for code, label in labels.items() if means_missing(label)]
    spoken += [code for code in column.counts if code not in labels and _text_for_missing(code)]
    missing = {code: labels.get(code) or _own_words(code) for code in dict.fromkeys([*declared, *spoken])}
    sure, doubtful = _usual_codes(column, [code for code in known if code not in missing], labels)
    missing |= dict.fromkeys(sure, "no answer")
    letters = [code for code in column.counts if _might_be_country(code) and means_missing(code)]
    doubtful += [code for code in letters if code not in missing]
    missing |= dict.fromkeys(doubtful, OPEN)
    if not doubtful:
        return missing, ""
    many = "codes for missing answers" if len(doubtful) > 1 else "a code for a missing answer"
    asked = f"Is {listed(doubtful)} {many}? Write the reason; if it is an answer like others, take it out."
    return missing, asked


def _own_words(code: str) -> str:
    return tidy(code) if means_missing(code) else f"missing ({code})"


def _is_declared(code: str, said: VariableMetadata) -> bool:
    number = as_number(code)
    return code in said.missing or (
        number is not None and any(low <= number <= high for low, high in said.missing_ranges)
    )


def _text_for_missing(code: str) -> bool:
    return as_number(code) is None and not _might_be_country(code) and means_missing(code)


def _might_be_country(code: str) -> bool:
    """Say whether letters that stand for missing answers, such as NA and DK, are also those of a country."""
    return code.isupper() and len(code) <= 3 and code.isalpha()


def _usual_codes(
    column: Column, codes: Sequence[str], labels: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Return codes that by their digits and place are surely, and possibly, missing ones."""
    numbers = {code: number for code in codes if (number := as_number(code)) is not None}
    if len(numbers) < len(codes) or len(numbers) < 3:
        return [], []
    special = {code for code, number in numbers.items() if code not in labels and _is_special(number)}
    plain = sorted(number for code, number in numbers.items() if code not in special)
    if not plain:
        return [], []
    low, high = plain[0], plain[-1]
    sure: list[str] = []
    doubtful: list[str] = []
    last, chosen = math.inf, doubtful
    for code in sorted(special & set(column.counts), key=lambda code: numbers[code]):
        number = numbers[code]
        if number < 0:
            (sure if low >= 0 else doubtful).append(code)
        elif number == high + 1 and (number == _SHORT_SCALE or (high > _SHORT_SCALE and not labels)):
            high = number  # one more in a row: the last of seven points, or an age of 97
        elif number > high:
            clear = number > 2 * high if high > _SHORT_SCALE and not labels else number > high + 1
            # A 9 right after an 8 is what the 8 is.
            chosen = chosen if number == last + 1 else (sure if clear else doubtful)
            chosen.append(code)
            last = number
    return sure, [] if low < 0 else doubtful


def _is_special(number: float) -> bool:
    if not number.is_integer():
        return False
    digits = str(int(abs(number)))
    usual = len(set(digits)) == 1 and digits[0] in "789"
    return usual or digits in {"97", "98", "997", "998", "9997", "9998"} or (number < 0 and number >= -9)
