"""How often each code of a codebook occurs, small counts hidden so that no subtraction brings them back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from coprodstats.survey.answers import BLANK, Answers
from coprodstats.survey.declarations import NOT_ASKED
from coprodstats.survey.routing import in_order, read_columns

if TYPE_CHECKING:
    from coprodstats.survey.declarations import Codebook, Variable
    from coprodstats.survey.reading import SurveyData

LEAST_SHOWN = 10
_COUNTED = {"nominal", "ordinal", "numeric"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One code of a variable.

    Attributes
    ----------
    code
        The code; empty for what has none, such as numbers and blanks.
    label
        Label of a value, or reason of a missing answer.
    kind
        Whether it is an answer.
    count
        How many rows have it; None if that is hidden or unknown.
    hidden
        Whether the count is hidden.
    """

    code: str
    label: str
    kind: Literal["value", "missing"]
    count: int | None = None
    hidden: bool = False


def codebook_lines(codebook: Codebook, survey: SurveyData | None = None) -> dict[str, list[Line]]:
    """Return the codes of every variable, with counts if there is a survey.

    Parameters
    ----------
    codebook
        The codebook.
    survey
        The survey as it was read; counts are unweighted numbers of its rows.

    Returns
    -------
    dict
        Name of the variable to its lines. Ids, weights, strata and PSUs are not counted.
    """
    columns = read_columns(survey.frame, codebook.variables) if survey is not None else {}
    found: dict[str, list[Line]] = {}
    for name in in_order(codebook.variables):
        variable = codebook.variables[name]
        # Who was not asked are those with some answers before: their number would tell what is hidden there.
        tells = any(line.hidden for before in variable.asked_if for line in found[before])
        found[name] = _lines(variable, columns.get(name), tells=tells)
    return {name: found[name] for name in codebook.variables}


def _lines(variable: Variable, column: Answers | None, *, tells: bool) -> list[Line]:
    plain = [Line(code=code, label=label, kind="value") for code, label in dict(variable.values).items()]
    plain += [Line(code=code, label=reason, kind="missing") for code, reason in variable.missing.items()]
    if column is None or variable.kind not in _COUNTED:
        return plain
    by_code = dict(zip(column.meant, column.coded.counts(), strict=True))
    if variable.kind == "numeric":
        plain.insert(0, Line(code="", label="a number", kind="value"))
    lines = [(line, int(by_code.get(line.code, 0))) for line in plain]
    told = sum(count for _, count in lines)
    for reason in (NOT_ASKED, BLANK):
        if count := int(column.with_reason((reason,)).sum()):
            lines.append((Line(code="", label=reason, kind="missing"), count))
            told += count
    rest = len(column.coded.position) - told
    if variable.kind == "numeric":
        lines[0] = (lines[0][0], rest)
    elif rest:
        lines.append((Line(code="", label="other codes", kind="missing"), rest))
    not_asked = [place for place, (line, _) in enumerate(lines) if line.label == NOT_ASKED]
    shown = protected([count for _, count in lines], not_asked if tells else ())
    return [
        Line(code=line.code, label=line.label, kind=line.kind, count=count, hidden=count is None)
        for (line, _), count in zip(lines, shown, strict=True)
    ]


def protected(counts: Sequence[int], also: Collection[int] = ()) -> list[int | None]:
    """Hide counts of 1 to 9, and as many others as it takes that nobody can work them out from the total.

    Parameters
    ----------
    counts
        Counts of categories that exclude each other; their total is known.
    also
        Places of counts that are hidden whatever they are.

    Returns
    -------
    list
        The counts, None where hidden: what is hidden can't be worked out from the total, the counts shown and
        this rule.

    Notes
    -----
    With q small counts hidden, and m larger ones beside them, the others leave room for a small count of 9 if
    the hidden sum is at least 9 + (q - 1) + 10 m. Where that can't be reached, everything is hidden.

    Examples
    --------
    >>> protected([120, 40, 3])
    [120, None, None]
    >>> protected([1, 10, 300])
    [None, 10, None]
    >>> protected([4, 0])
    [None, None]
    >>> protected([120, 40, 0])
    [120, 40, 0]
    """
    small = {place for place, count in enumerate(counts) if 0 < count < LEAST_SHOWN or place in also}
    if not small:
        return list(counts)
    hidden = set(small)
    # An order that depends on the counts, such as smallest first, would itself tell something about them.
    for place in reversed(range(len(counts))):
        n_larger = len(hidden) - len(small)
        room = sum(counts[i] for i in hidden) - (len(small) - 1) - LEAST_SHOWN * n_larger
        if n_larger and room >= LEAST_SHOWN - 1:
            break
        if counts[place] >= LEAST_SHOWN and place not in small:
            hidden.add(place)
    else:
        hidden = set(range(len(counts)))
    return [None if place in hidden else count for place, count in enumerate(counts)]


def shown_count(line: Line) -> str:
    """Return a count as it is printed; empty if nothing was counted.

    Examples
    --------
    >>> shown_count(Line(code="1", label="yes", kind="value", count=1200))
    '1,200'
    """
    if line.hidden:
        return "not shown"
    return "" if line.count is None else f"{line.count:,}"


def any_hidden(lines: Mapping[str, Sequence[Line]]) -> bool:
    """Say whether any count is hidden."""
    return any(line.hidden for own in lines.values() for line in own)
