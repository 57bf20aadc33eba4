"""Cleaning: from codes to typed answers, every step logged, nothing lost without a count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from coprodstats.errors import Fault, InputError, UnexpectedCodeError, WeightError, raise_found
from coprodstats.survey.account import account
from coprodstats.survey.answers import Answers
from coprodstats.survey.coded import Mask
from coprodstats.survey.declared_sampling import sampling_design
from coprodstats.survey.design import SurveyDesign
from coprodstats.survey.display import columns_table, record_html
from coprodstats.survey.log import CleaningLog, how_many
from coprodstats.survey.memory import memory_told
from coprodstats.survey.reading import SurveyData
from coprodstats.survey.routing import read_columns
from coprodstats.survey.row_selection import Selection, flag_rows, select_rows
from coprodstats.survey.scales import derived
from coprodstats.survey.weight_checks import uneven, weight_faults

if TYPE_CHECKING:
    from coprodstats.survey.declarations import Codebook


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CleanedSurvey:
    """A survey that is ready for analysis, with the account of how it came about.

    Attributes
    ----------
    log
        What happened to every row and cell.
    codebook
        The codebook with the item mapping in use, and with the limits that shares in its rules came to.
    design
        The sampling design that the codebook declares, or None.
    survey
        The codes of the rows kept, as they were read.
    """

    _frame: pd.DataFrame
    _reasons: pd.DataFrame
    log: CleaningLog
    codebook: Codebook
    design: SurveyDesign | None
    survey: SurveyData = field(repr=False)

    @property
    def frame(self) -> pd.DataFrame:
        """A copy of the answers, rows in the order of the file.

        Variables come first, then conversions, indices, outcomes and flags.
        """
        return self._frame.copy()

    @property
    def reasons(self) -> pd.DataFrame:
        """A copy of the reasons: same shape, the reason where the answer is missing, NA elsewhere."""
        return self._reasons.astype("str")

    @property
    def reason_categories(self) -> pd.DataFrame:
        """The same as `reasons`, each column a categorical: what large surveys have room and time for."""
        return self._reasons.copy()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the codebook, the reader and the weights give to think about, and stops nothing."""
        return tuple(self.log.warnings["warning"])

    @property
    def mapping(self) -> str:
        """Name of the item mapping in use, or an empty string."""
        return self.codebook.mapping

    @property
    def source(self) -> str:
        """Name of the survey file."""
        return self.survey.source

    @property
    def sha256(self) -> str:
        """Hash of the bytes of the survey file."""
        return self.survey.sha256

    def label_of(self, column: str) -> str:
        """Return the label of a column.

        Parameters
        ----------
        column
            Name of a variable, conversion, index, outcome or flag.

        Raises
        ------
        ArgumentError
            If there is no such column.
        """
        return self.codebook.label_of(column)

    def __repr__(self) -> str:
        rows, columns = self._frame.shape
        mapping = f", mapping {self.mapping!r}" if self.mapping else ""
        return f"<CleanedSurvey {self.source!r}: {rows} rows, {columns} columns{mapping}>"

    def _repr_html_(self) -> str:
        return record_html(
            self,
            facts={"source": self.source, "rows": len(self._frame), "mapping": self.mapping},
            tables={"columns": columns_table(self._frame, self.codebook.columns)},
        )


def clean(survey: SurveyData, *, mapping: str | None = None) -> CleanedSurvey:
    """Clean a survey by the rules of its codebook.

    Every rule reports the rows and cells that it touched, also none. They are applied in this order:

    1. rows are excluded: empty rows; repeated ids; the same answers; no weight, stratum or PSU; speeders;
       straight-lining; item nonresponse;
    2. cells of the rows kept: recoding; missing codes; blanks; undeclared codes; text for numbers; numbers
       out of range; collapsing; reversal;
    3. columns are made: conversions, indices, outcomes;
    4. rows kept are flagged: the same answers, speeders, straight-lining, item nonresponse.

    Rules for rows see the codes after recoding, before labels are merged and scales reversed; an id that is
    itself missing repeats nothing. Flags are columns that nothing uses unless it is named.

    Parameters
    ----------
    survey
        Codes as read.
    mapping
        Name of the item mapping for indices and outcomes; the default is the codebook's first.

    Returns
    -------
    CleanedSurvey
        Cleaning its ``survey`` again changes nothing and excludes no row.

    Raises
    ------
    UnexpectedCodeError
        If codes or numbers are not declared and the codebook doesn't say what to do with them.
    DuplicateIdError
        If ids repeat and the codebook doesn't say what to do.
    DesignError
        If rows lack a stratum or PSU and the codebook doesn't say what to do.
    WeightError
        If rows lack a weight, or weights are text, negative or all zero.
    InputError
        If several of these are found, or no row is left; it holds all faults.
    ResourceLimitError
        If memory ends.
    ArgumentError
        If no mapping has that name.

    Examples
    --------
    >>> from coprodstats.survey.declarations import Codebook, Variable
    >>> from coprodstats.survey.reading import SurveyData
    >>> trust = Variable(
    ...     name="trust",
    ...     label="Trust",
    ...     kind="ordinal",
    ...     values={"1": "low", "2": "high"},
    ...     missing={"8": "don't know"},
    ... )
    >>> codebook = Codebook(title="", synthetic=False, variables={"trust": trust})
    >>> codes = pd.DataFrame({"trust": ["2", "8", "1"]}, dtype="str")
    >>> cleaned = clean(SurveyData(frame=codes, codebook=codebook))
    >>> cleaned.frame["trust"].tolist()
    ['high', nan, 'low']
    >>> cleaned.log.missing_by_reason()
      variable      reason  cells
    0    trust  don't know      1
    """
    if mapping is not None:
        survey = replace(survey, codebook=survey.codebook.with_mapping(mapping))
    with memory_told(survey.source):
        return _cleaned(survey)


def _cleaned(survey: SurveyData) -> CleanedSurvey:
    codebook, source = survey.codebook, survey.source
    columns = read_columns(survey.frame, codebook.variables)
    selection = select_rows(columns, codebook, source, survey.n_rows)
    columns = {name: column.rows(selection.kept) for name, column in columns.items()}
    found = selection.found
    for column in columns.values():
        family = WeightError if column.variable.kind == "weight" else UnexpectedCodeError
        found += [(family, fault) for fault in column.faults(source)]
    found += weight_faults(columns, source)
    if not found and not selection.kept.any():
        found.append((InputError, Fault(where=source, found="no row is left after cleaning")))
    raise_found(found, InputError)
    frame = survey.frame if selection.kept.all() else survey.frame.loc[selection.kept]
    rows = replace(
        survey,
        frame=frame.reset_index(drop=True),
        codebook=replace(codebook, cleaning=selection.rules),
        sources=_sources_kept(survey, columns),
    )
    return _assembled(rows, columns, selection, survey.sources)


def _sources_kept(survey: SurveyData, columns: Mapping[str, Answers]) -> pd.DataFrame | None:
    """Return what became of each file, with the rows that are kept of it."""
    if survey.sources is None or survey.codebook.harmonise is None:
        return survey.sources
    coded = columns[survey.codebook.harmonise.source].coded
    kept = dict(zip(coded.codes, coded.counts().tolist(), strict=True))
    sources = survey.sources.copy()
    is_total = sources["rule"] == "rows"
    sources.loc[is_total, "rows"] = [kept.get(name, 0) for name in sources.loc[is_total, "source"]]
    return sources


def _assembled(
    survey: SurveyData,
    columns: Mapping[str, Answers],
    selection: Selection,
    sources: pd.DataFrame | None,
) -> CleanedSurvey:
    codebook = survey.codebook
    values = pd.DataFrame({name: column.typed(survey.frame[name]) for name, column in columns.items()})
    reasons = pd.DataFrame({name: column.reasons() for name, column in columns.items()})
    made, why = derived(
        values, reasons, codebook.variables, codebook.indices, codebook.outcomes, codebook.conversions
    )
    _refuse_implausible(survey, reasons, why)
    flags = flag_rows(columns, codebook.cleaning, len(values))
    marks = pd.DataFrame({name: _marks(rows) for name, rows in flags.items()}, index=values.index)
    no_reason = pd.DataFrame(dict.fromkeys(flags), index=values.index, dtype="str")
    frame = pd.concat([values, made, marks], axis=1)
    reasons = pd.concat([reasons, why, no_reason], axis=1)
    log = account(
        frame,
        reasons,
        columns=columns,
        codebook=codebook,
        selection=selection,
        flags=flags,
        sources=sources,
        warnings=(*codebook.warnings, *survey.warnings, *_uneven_weights(frame, codebook, survey.source)),
    )
    design = sampling_design(codebook.variables, codebook.sampling)
    return CleanedSurvey(
        _frame=frame, _reasons=reasons, log=log, codebook=codebook, design=design, survey=survey
    )


def _uneven_weights(frame: pd.DataFrame, codebook: Codebook, source: str) -> list[str]:
    name = codebook.named("weight")
    told = uneven(frame[name].to_numpy(dtype=float)) if name else ""
    return [f"[W-D320] {source}: {name}: weights are extreme, {told}"] if told else []


def _marks(rows: Mask) -> pd.Categorical:
    return pd.Categorical.from_codes(rows.astype(np.int8), categories=pd.Index(["no", "yes"], dtype="str"))


def _refuse_implausible(survey: SurveyData, reasons: pd.DataFrame, why: pd.DataFrame) -> None:
    faults = []
    for name, conversion in survey.codebook.conversions.items():
        sources = [source for source in (conversion.of, conversion.survey_year) if isinstance(source, str)]
        outside = int((why[name].notna() & reasons[sources].isna().all(axis=1)).sum())
        if outside and conversion.out_of_range == "error":
            low, high = conversion.range
            fault = Fault(
                where=f"{survey.source}: {name}",
                found=f"{conversion.of} gives numbers outside {low:g} to {high:g} "
                f"in {how_many(outside)} rows",
                allowed=f"range = [{low:g}, {high:g}]",
                remedy=f'mend the file, or set conversions.{name}.out_of_range = "missing"',
            )
            faults.append((UnexpectedCodeError, fault))
    raise_found(faults, InputError)
