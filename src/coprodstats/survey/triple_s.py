"""Where the answers of a Triple-S file stand, and how they are written: its page as the layout of its data.

The elements and rules of writing are those of the Triple-S XML standard, versions 1.1 to 3.0: positions count
characters from 1, or fields of a CSV file; codes and numbers stand on the right, filled up with spaces or
zeros; several answers to one question are a character 0 or 1 for each code, or sub-fields that hold codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from coprodstats.errors import Fault, FormatError, Found, SchemaError, did_you_mean, raise_found
from coprodstats.survey.column_names import header_faults
from coprodstats.survey.limits import MOST_COLUMNS
from coprodstats.survey.safe_xml import text_of

_KINDS = ("single", "multiple", "quantity", "character", "logical", "date", "time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One variable of a Triple-S page.

    Attributes
    ----------
    name
        Its name.
    kind
        Its type, such as ``"single"``.
    start, finish
        First and last position, from 1: characters of a line, or fields of a record.
    codes
        The codes of its values.
    subfields
        Number of sub-fields of several answers; 0 if they are characters 0 and 1.
    width
        Characters of a sub-field.

    Examples
    --------
    >>> Field(name="helps", kind="multiple", start=1, finish=3, codes=("1", "3")).columns
    ('helps_1', 'helps_3')
    """

    name: str
    kind: str
    start: int
    finish: int
    codes: tuple[str, ...] = ()
    subfields: int = 0
    width: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that it becomes: several answers are one column for each code."""
        return (
            tuple(f"{self.name}_{code}" for code in self.codes) if self.kind == "multiple" else (self.name,)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the answers of a data file stand.

    Attributes
    ----------
    source
        Name of the page.
    is_csv
        Whether positions are fields of a CSV file, not characters.
    skip
        Number of records before the first answers.
    fields
        The variables, in the order of the page.
    """

    source: str
    is_csv: bool
    skip: int
    fields: tuple[Field, ...]

    @property
    def length(self) -> int:
        """Number of characters of a line, or of fields of a record."""
        return max(field.finish for field in self.fields)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns, in order."""
        return tuple(column for field in self.fields for column in field.columns)


def layout_of_page(root: Element, name: str) -> Layout:
    """Return the layout that a Triple-S page declares.

    Parameters
    ----------
    root
        The root of the page.
    name
        What messages call the page.

    Raises
    ------
    FormatError
        If it is no Triple-S page, or one of several linked files.
    SchemaError
        If positions are missing or can't be, or names repeat.
    """
    records = root.findall("survey/record")
    if root.tag != "sss" or len(records) != 1:
        found = "this is no Triple-S page of one record"
        raise FormatError(Fault(where=name, found=found, allowed="<sss> with one <record>"))
    record = records[0]
    faults: list[Found] = []
    is_csv = record.get("format", "fixed") == "csv"
    skip = _whole(record.get("skip", "0"))
    if skip is None:
        faults.append((SchemaError, Fault(where=name, found="skip of the record is no whole number")))
    fields = [
        field
        for element in record.findall("variable")
        if (field := _field(element, name, faults, is_csv=is_csv)) is not None
    ]
    layout = Layout(source=name, is_csv=is_csv, skip=skip or 0, fields=tuple(fields))
    if not faults:
        faults += header_faults(layout.columns, name) if fields else [_nothing(name)]
    if not faults and (layout.length > MOST_COLUMNS * 10 or len(layout.columns) > MOST_COLUMNS):
        faults.append((SchemaError, Fault(where=name, found="there are too many positions or columns")))
    raise_found(faults, SchemaError)
    return layout


def _nothing(name: str) -> Found:
    return SchemaError, Fault(where=name, found="the page describes no variable")


def _field(element: Element, page: str, found: list[Found], *, is_csv: bool) -> Field | None:
    name, kind = text_of(element.find("name")), element.get("type", "")
    where = f"{page}: {name or 'a variable without a name'}"

    def fault(told: str, allowed: str = "", remedy: str = "") -> None:
        found.append((SchemaError, Fault(where=where, found=told, allowed=allowed, remedy=remedy)))

    if kind not in _KINDS:
        fault(f"there is no type {kind!r}", ", ".join(_KINDS), did_you_mean(kind, _KINDS))
        return None
    position = element.find("position")
    start = None if position is None else _whole(position.get("start", ""))
    finish = start if position is None else _whole(position.get("finish", str(start)))
    if not start or finish is None or finish < start:
        fault("the position is missing or can't be", '<position start="1" finish="4"/>')
        return None
    codes = tuple(_codes(element))
    subfields, width = 0, 0
    if kind == "multiple":
        spread = element.find("spread")
        if spread is not None:
            subfields = _whole(spread.get("subfields", "")) or 0
            width = _whole(spread.get("width", "")) or max(map(len, codes), default=1)
            # The sub-fields of a CSV file are fields of their own, or all in one.
            needed = subfields * width if not is_csv else (1 if finish == start else subfields)
            if not subfields or finish - start + 1 < needed:
                fault(f"positions {start} to {finish} don't hold the sub-fields that <spread> declares")
                return None
        elif not is_csv and finish - start + 1 < max((_whole(code) or 0 for code in codes), default=0):
            fault(f"positions {start} to {finish} are fewer than the highest code, which needs one each")
            return None
        if not codes or any(not _whole(code) for code in codes):
            fault("several answers need values whose codes are whole numbers from 1")
            return None
    return Field(
        name=name, kind=kind, start=start, finish=finish, codes=codes, subfields=subfields, width=width
    )


def _codes(element: Element) -> Iterator[str]:
    for value in element.findall("values/value"):
        if code := value.get("code", ""):
            yield code


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None
