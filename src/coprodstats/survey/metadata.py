"""What a survey file, or a page that comes with it, says about its variables: labels, missing codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from coprodstats.survey.display import record_html

ValueType = Literal["number", "text", "date", "unknown"]
Level = Literal["nominal", "ordinal", "scale", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableMetadata:
    """What a file says about one variable.

    Attributes
    ----------
    name, label
        Name of the column; what the file calls it.
    type
        What its cells hold. Dates of SPSS and Stata are numbers with a format; their type is ``"date"``.
    level
        Level of measurement, where the file states one.
    values
        Code to label, in the order of the file; codes are text, written as the reader writes cells.
    missing
        Codes declared missing one by one, such as ``"88"`` or Stata's ``".a"``.
    missing_ranges
        Lowest and highest number of each range declared missing, both included.
    format
        The file's own display format, such as ``"F8.2"``.
    question
        Wording of the question, where the file holds it.

    Examples
    --------
    >>> values = {"1": "low", "2": "high", "8": "don't know"}
    >>> VariableMetadata(name="trust", values=values, missing=("8",)).missing
    ('8',)
    """

    name: str
    label: str = ""
    type: ValueType = "unknown"
    level: Level = "unknown"
    values: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    missing_ranges: tuple[tuple[float, float], ...] = ()
    format: str = ""
    question: str = ""

    def _repr_html_(self) -> str:
        return record_html(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMetadata:
    """What a file says about itself and its variables.

    Attributes
    ----------
    source
        Name of the file, without its folder.
    format
        ``"csv"``, ``"sav"``, ``"por"``, ``"dta"``, ``"parquet"``, ``"xlsx"``, ``"ods"``, ``"ddi"`` or
        ``"triple-s"``.
    variables
        Name to what is said about the variable, in the order of the file.
    title
        Title of the survey.
    n_rows
        Number of rows that the file states, or None.
    weight
        Name of the variable that the file itself uses as weight, or an empty string.
    notes
        Other texts of the file, such as the documents of SPSS.

    Examples
    --------
    >>> trust = VariableMetadata(name="trust", label="Trust in the municipality")
    >>> FileMetadata(source="survey.sav", format="sav", variables={"trust": trust}).variables["trust"].label
    'Trust in the municipality'
    """

    source: str
    format: str
    variables: Mapping[str, VariableMetadata]
    title: str = ""
    n_rows: int | None = None
    weight: str = ""
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, which `metadata_from` turns back."""
        return asdict(self)

    def _repr_html_(self) -> str:
        return record_html(
            self,
            tables={
                "variables": [
                    {"name": v.name, "label": v.label, "type": v.type, "level": v.level}
                    for v in self.variables.values()
                ]
            },
        )


def metadata_from(plain: Mapping[str, Any]) -> FileMetadata:
    """Return the record that `FileMetadata.to_dict` wrote as plain data, possibly by way of JSON.

    Examples
    --------
    >>> q = VariableMetadata(name="q", missing=("8",), missing_ranges=((90.0, 99.0),))
    >>> said = FileMetadata(source="survey.sav", format="sav", variables={"q": q})
    >>> metadata_from(said.to_dict()) == said
    True
    """
    variables = {
        name: VariableMetadata(
            **{
                **one,
                "missing": tuple(one["missing"]),
                "missing_ranges": tuple((low, high) for low, high in one["missing_ranges"]),
            }
        )
        for name, one in plain["variables"].items()
    }
    return FileMetadata(**{**plain, "variables": variables, "notes": tuple(plain["notes"])})
