"""Ages from years of birth, and years of birth from ages: the ``conversions`` tables of a codebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, get_args

import pandas as pd

from coprodstats.errors import did_you_mean
from coprodstats.survey.declarations import Refusal, Variable
from coprodstats.survey.toml_table import TomlTable, is_whole

_KEYS = ("label", "of", "survey_year", "range", "out_of_range", "unit", "step", "step_label")
_YEARS = (1900, 2200)
OUT_OF_RANGE = "out of range"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """A number that is the year of the survey less another: an age from a year of birth, or the reverse.

    Attributes
    ----------
    name, label
        Name in formulas; what readers see.
    of
        The numeric variable that is taken from the year.
    survey_year
        The year, or the numeric variable that holds it.
    range
        Lowest and highest number that is plausible, both included.
    out_of_range
        What to do with a number outside ``range``.
    unit, step, step_label
        As for a numeric variable.
    """

    name: str
    label: str
    of: str
    survey_year: int | str
    range: tuple[float, float]
    out_of_range: Refusal = "error"
    unit: str = "years"
    step: float = 1.0
    step_label: str = ""

    @property
    def variable(self) -> Variable:
        """What items and bands see: a numeric variable."""
        return Variable(name=self.name, label=self.label, kind="numeric", range=self.range, unit=self.unit)


def read_conversion(
    name: str, table: TomlTable, variables: Mapping[str, Variable], names: tuple[str, ...]
) -> Conversion | None:
    """Read one conversion; None if it can't be made.

    Parameters
    ----------
    name
        Name of the new variable.
    table
        Its table; faults are added to the table's list.
    variables
        The variables that could be read.
    names
        All names of variables, also of those with faults.
    """
    table.refuse_unknown(_KEYS)
    before = len(table.faults)
    label, of = table.text("label", None), table.text("of", None)
    _check_numeric(table, "of", of, variables, names)
    year = table.content.get("survey_year")
    if isinstance(year, str):
        _check_numeric(table, "survey_year", year, variables, names)
    elif not (is_whole(year) and _YEARS[0] <= cast("int", year) <= _YEARS[1]):
        found = "'survey_year' is missing" if year is None else "this is no year"
        table.fault(found, key="survey_year", allowed="a year, such as 2008, or a numeric variable")
    bounds = table.numbers("range")
    if bounds is None or len(bounds) != 2 or bounds[0] >= bounds[1]:
        found = "'range' is missing" if "range" not in table else "the range is not a low and a higher number"
        table.fault(found, key="range", allowed="what is plausible, such as range = [18, 110]")
    step = table.number("step", 1.0)
    if step is None or step <= 0:
        table.fault("the step is not above 0", key="step", allowed="a number above 0")
    refusal = table.choice("out_of_range", get_args(Refusal), "error")
    unit, step_label = table.text("unit", "years"), table.text("step_label")
    if len(table.faults) > before or bounds is None or step is None or not isinstance(year, (int, str)):
        return None
    return Conversion(
        name=name,
        label=label,
        of=of,
        survey_year=year,
        range=(bounds[0], bounds[1]),
        out_of_range=cast("Refusal", refusal),
        unit=unit,
        step=step,
        step_label=step_label,
    )


def _check_numeric(
    table: TomlTable, key: str, name: str, variables: Mapping[str, Variable], names: tuple[str, ...]
) -> None:
    if name and name not in names:
        table.fault(f"no variable is named {name!r}", key=key, remedy=did_you_mean(name, names))
    elif name in variables and variables[name].kind != "numeric":
        table.fault(f"{name!r} is of kind {variables[name].kind!r}", key=key, allowed="a numeric variable")


def converted(
    frame: pd.DataFrame, reasons: pd.DataFrame, conversion: Conversion
) -> tuple[pd.Series, pd.Series]:
    """Return the year of the survey less a variable, and the reason where there is no such number.

    An age so made is the one that respondents reach in the year of the survey: up to one year more than
    their age on the day of the interview. What is outside the conversion's range is missing.

    Parameters
    ----------
    frame, reasons
        Cleaned answers and the reasons of missing ones.
    conversion
        What to make.

    Examples
    --------
    >>> frame = pd.DataFrame({"born": [1960.0, 1760.0, float("nan")]})
    >>> reasons = pd.DataFrame({"born": [None, None, "refused"]}, dtype="str")
    >>> age = Conversion(name="age", label="Age", of="born", survey_year=2008, range=(18.0, 110.0))
    >>> values, why = converted(frame, reasons, age)
    >>> values.tolist(), why.tolist()
    ([48.0, nan, nan], [nan, 'out of range', 'refused'])
    """
    year, sources = conversion.survey_year, [conversion.of]
    if isinstance(year, str):
        sources.append(year)
    values = (frame[year] if isinstance(year, str) else float(year)) - frame[conversion.of]
    low, high = conversion.range
    outside = values.notna() & ~values.between(low, high)
    why = reasons[sources[0]].astype("str")
    for source in sources[1:]:
        why = why.fillna(reasons[source].astype("str"))
    return values.mask(outside), why.where(~outside, OUT_OF_RANGE)
