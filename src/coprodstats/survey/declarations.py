"""What a codebook declares: variables, item mappings, indices, outcomes and cleaning rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from coprodstats.errors import ArgumentError, Fault, did_you_mean, listed
from coprodstats.survey.cleaning_rules import CleaningRules, Flag
from coprodstats.survey.display import record_html
from coprodstats.survey.file_format import FileFormat

if TYPE_CHECKING:
    from coprodstats.survey.conversions import Conversion
    from coprodstats.survey.harmonise import Harmonise

Kind = Literal["id", "nominal", "ordinal", "numeric", "weight", "stratum", "psu", "fpc", "replicate weight"]
# Kinds whose codes are numbers.
NUMBERS: tuple[Kind, ...] = ("numeric", "weight", "fpc", "replicate weight")
NOT_ASKED = "not asked"
"""The reason of a blank to a question that the route left out."""
OutcomeKind = Literal["any", "count", "bands"]
Refusal = Literal["error", "missing"]
Derived = TypeVar("Derived", "Index", "Outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One column of the survey file, as its codebook declares it.

    Attributes
    ----------
    name
        Name in formulas, and of the column in the file unless ``column`` says otherwise.
    label
        What readers see.
    kind
        What the column is.
    values
        Code to label; for an ordinal variable from lowest to highest, reversal already applied.
    missing
        Code to the reason for which the answer is missing.
    range
        Lowest and highest number allowed, both included.
    reverse
        Whether the codes of the file run against the meaning of the label.
    unit
        Unit of a numeric variable, such as ``"years"``.
    step
        The change that reports speak of, in units.
    step_label
        That change in words.
    undeclared
        What to do with a code that is neither a value nor missing.
    out_of_range
        What to do with a number outside ``range``.
    not_a_number
        What to do with text where a number belongs.
    scores
        One number per label, lowest first, if the steps between labels aren't equal.
    recode
        Code of the file to the code that it stands for; applied once, before anything else.
    collapse
        New label to the labels of the values that it merges.
    asked_if
        Questions before to the codes of those who were asked this one; empty if everybody was.
    question
        Wording of the question.
    column
        Name of the column in the file, where it is another than ``name``; else empty.
    """

    name: str
    label: str
    kind: Kind
    values: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    range: tuple[float, float] | None = None
    reverse: bool = False
    unit: str = ""
    step: float = 1.0
    step_label: str = ""
    undeclared: Refusal = "error"
    out_of_range: Refusal = "error"
    not_a_number: Refusal = "error"
    scores: tuple[float, ...] | None = None
    recode: Mapping[str, str] = field(default_factory=dict)
    collapse: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    asked_if: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    question: str = ""
    column: str = ""

    @property
    def file_column(self) -> str:
        """Name of the column in the file.

        Examples
        --------
        >>> Variable(name="trust", label="Trust", kind="nominal", column="Q1. Trust").file_column
        'Q1. Trust'
        """
        return self.column or self.name

    @property
    def label_by_code(self) -> dict[str, str]:
        """Code to the label that answers get: ``values`` with merged labels in their places.

        Examples
        --------
        >>> trust = Variable(
        ...     name="trust",
        ...     label="Trust",
        ...     kind="ordinal",
        ...     values={"1": "low", "2": "high", "3": "very high"},
        ...     collapse={"high or more": ("high", "very high")},
        ... )
        >>> trust.label_by_code
        {'1': 'low', '2': 'high or more', '3': 'high or more'}
        """
        merged = {label: new for new, labels in self.collapse.items() for label in labels}
        return {code: merged.get(label, label) for code, label in self.values.items()}

    @property
    def merged_codes(self) -> set[str]:
        """The codes whose label ``collapse`` changes."""
        after = self.label_by_code
        return {code for code, label in self.values.items() if after[code] != label}

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that answers get, in their order."""
        return tuple(dict.fromkeys(self.label_by_code.values()))

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the values, in their order."""
        return tuple(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """Which variables an index or outcome is made of, and how many answers it needs.

    Attributes
    ----------
    role
        Name of the mapping's role, or an empty string if the items are listed.
    names
        The items.
    min_answered
        Least number of answered items, if declared as a number.
    min_share
        Least share of answered items (0–1), if declared as a share.
    """

    role: str
    names: tuple[str, ...]
    min_answered: int | None = None
    min_share: float | None = None

    @property
    def needed(self) -> int:
        """Least number of answered items.

        Examples
        --------
        >>> Items(role="", names=("a", "b", "c"), min_share=0.75).needed
        3
        """
        if self.min_answered is not None:
            return self.min_answered
        # 0.7 of 10 items is 7, though 0.7 * 10 may come out a hair above it.
        return max(1, math.ceil((self.min_share or 0.0) * len(self.names) - 1e-9))

    @property
    def shortfall(self) -> str:
        """The reason given where too few items were answered."""
        return f"fewer than {self.needed} of {len(self.names)} items answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A mean of items, each scored 0–100.

    Attributes
    ----------
    name, label
        Name in formulas; what readers see.
    items
        The items and the least number of answers.
    unit, step, step_label
        As for a numeric variable.
    """

    name: str
    label: str
    items: Items
    unit: str = "points (0–100)"
    step: float = 1.0
    step_label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An ordered outcome made from items or from an index.

    Attributes
    ----------
    name, label
        Name in formulas; what readers see.
    kind
        ``"any"`` item, the ``"count"`` of items, or ``"bands"`` of an index or a numeric variable.
    labels
        The categories, lowest first.
    items
        The items of an ``any`` or a ``count``; None for bands.
    at_least
        The lowest answer that counts, as a label of the items.
    at_most
        Top code of a count: this number or more is one category.
    of
        The index or numeric variable that is cut into bands.
    cuts
        Where the bands begin: a value equal to a cut belongs to the band above it.
    """

    name: str
    label: str
    kind: OutcomeKind
    labels: tuple[str, ...]
    items: Items | None = None
    at_least: str = ""
    at_most: int | None = None
    of: str = ""
    cuts: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Codebook:
    """All that is declared about a survey file.

    Attributes
    ----------
    title
        Title of the survey.
    synthetic
        Whether the data were made by a program.
    variables
        Name to variable, in the order of the codebook.
    mappings
        Name to roles, and each role to its items; the first is the default.
    indices, outcomes
        Name to what is derived from the items, with the items of ``mapping``.
    conversions
        Name to what is derived from a number and the year of the survey.
    cleaning
        Rules for rows and columns.
    sha256
        Hash of the bytes of the codebook file, preceded by those of the codebook that it extends.
    source
        Name of the codebook file, without its folder.
    mapping
        Name of the mapping in use, or an empty string if none is declared.
    sampling
        Arguments of the `SurveyDesign` that the kinds of columns don't say.
    file
        How the survey file is written.
    harmonise
        How several files become one survey; None if nothing is declared.
    warnings
        What is worth telling about the declarations and stops nothing.
    """

    title: str
    synthetic: bool
    variables: Mapping[str, Variable]
    mappings: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    indices: Mapping[str, Index] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    conversions: Mapping[str, Conversion] = field(default_factory=dict)
    cleaning: CleaningRules = field(default_factory=CleaningRules)
    sha256: str = ""
    source: str = "codebook"
    mapping: str = ""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    file: FileFormat = field(default_factory=FileFormat)
    harmonise: Harmonise | None = None
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return (
            f"<Codebook {self.source!r}: {len(self.variables)} variables, {len(self.indices)} indices, "
            f"{len(self.outcomes)} outcomes, mapping {self.mapping!r} of {list(self.mappings)}>"
        )

    def with_mapping(self, name: str) -> Codebook:
        """Return the same codebook with the items of another mapping.

        Parameters
        ----------
        name
            Name of a declared mapping.

        Raises
        ------
        ArgumentError
            If no mapping has that name.
        """
        if name not in self.mappings:
            fault = Fault(
                where=self.source,
                found=f"no mapping is named {name!r}",
                allowed=listed(list(self.mappings)) or "none is declared",
                remedy=did_you_mean(name, self.mappings),
            )
            raise ArgumentError(fault)
        roles = self.mappings[name]
        return replace(
            self,
            mapping=name,
            indices={key: _with_roles(index, roles) for key, index in self.indices.items()},
            outcomes={key: _with_roles(outcome, roles) for key, outcome in self.outcomes.items()},
        )

    def named(self, kind: Kind) -> str:
        """Return the name of the first variable of a kind, or an empty string.

        Examples
        --------
        >>> weight = Variable(name="w", label="weight", kind="weight")
        >>> Codebook(title="", synthetic=False, variables={"w": weight}).named("weight")
        'w'
        """
        return next((name for name, variable in self.variables.items() if variable.kind == kind), "")

    def all_named(self, kind: Kind) -> tuple[str, ...]:
        """Return the names of all variables of a kind, in the order of the codebook.

        Examples
        --------
        >>> town, home = (Variable(name=name, label=name, kind="psu") for name in ("town", "home"))
        >>> Codebook(title="", synthetic=False, variables={"t": town, "h": home}).all_named("psu")
        ('t', 'h')
        """
        return tuple(name for name, variable in self.variables.items() if variable.kind == kind)

    @property
    def columns(self) -> dict[str, Variable | Conversion | Index | Outcome | Flag]:
        """All columns of the cleaned survey, by name, in their order."""
        flags = self.cleaning.flags
        return {**self.variables, **self.conversions, **self.indices, **self.outcomes, **flags}

    def label_of(self, column: str) -> str:
        """Return the label of a variable, conversion, index, outcome or flag.

        Raises
        ------
        ArgumentError
            If the codebook declares nothing of that name.
        """
        known = self.columns
        if column in known:
            return known[column].label
        fault = Fault(
            where=self.source,
            found=f"nothing is named {column!r}",
            allowed=listed(list(known)),
            remedy=did_you_mean(column, known),
        )
        raise ArgumentError(fault)

    def _repr_html_(self) -> str:
        return record_html(
            self,
            facts={"title": self.title, "source": self.source, "mapping": self.mapping},
            tables={
                "columns": [
                    {
                        "name": name,
                        "label": column.label,
                        "kind": getattr(column, "kind", type(column).__name__.lower()),
                    }
                    for name, column in self.columns.items()
                ]
            },
        )


def _with_roles(derived: Derived, roles: Mapping[str, tuple[str, ...]]) -> Derived:
    items = derived.items
    if items is None or not items.role:
        return derived
    changed = replace(derived, items=replace(items, names=roles[items.role]))
    if isinstance(changed, Outcome) and changed.kind == "count":
        return replace(changed, labels=count_labels(len(roles[items.role]), changed.at_most))
    return changed


def count_labels(n_items: int, at_most: int | None) -> tuple[str, ...]:
    """Return the categories of a count of items, top-coded if asked.

    Examples
    --------
    >>> count_labels(3, None)
    ('0', '1', '2', '3')
    >>> count_labels(3, 2)
    ('0', '1', '2 or more')
    """
    if at_most is None or at_most >= n_items:
        return tuple(str(count) for count in range(n_items + 1))
    return (*(str(count) for count in range(at_most)), f"{at_most} or more")
