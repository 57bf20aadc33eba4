"""The sample of a fit: which rows enter, what the outcome is there, and why the others do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coprodstats.errors import (
    ArgumentError,
    EmptyCategoryError,
    Fault,
    InsufficientDataError,
    ModelError,
    listed,
)
from coprodstats.models.column_kinds import kind_of
from coprodstats.models.formula import ParsedFormula
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.design import ResolvedDesign, SurveyDesign
from coprodstats.survey.log import complete_cases
from coprodstats.survey.numbering import copied, occurring

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
# A frame, or columns that have been taken out of one already.
Columns = pd.DataFrame | Mapping[str, pd.Series]

# Families whose outcome's categories need an order.
ORDINAL = ("ologit", "acat", "cratio")
# Families whose outcome is a number, of which the mean is modelled.
MEAN = ("linear", "fractional")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """The rows of a frame that enter a fit.

    Attributes
    ----------
    used
        Which rows, shape (n,).
    y
        Their outcome as 0 … K-1, or its numbers in models of a mean.
    categories
        The outcome's categories, lowest first; none in models of a mean.
    dropped
        The other rows: variable, reason, rows.
    finite
        Columns that are known to have a value, and no infinite one, in every row.
    """

    used: Bools
    y: NDArray[Any]
    categories: tuple[str, ...]
    dropped: pd.DataFrame
    finite: frozenset[str] = frozenset()


def unpack(
    data: CleanedSurvey | pd.DataFrame, design: SurveyDesign | None
) -> tuple[pd.DataFrame, pd.DataFrame | None, SurveyDesign | None]:
    """Return the frame, the reasons of missing answers where known, and the design that applies."""
    if isinstance(data, CleanedSurvey):
        return data.frame, data.reason_categories, design if design is not None else data.design
    if not data.columns.is_unique:
        duplicated = [str(c) for c in data.columns[data.columns.duplicated()]]
        raise ModelError(Fault(where="data", found=f"columns occur twice: {listed(duplicated)}"))
    return data, None, design


def domain_rows(domain: pd.Series | NDArray[np.bool_] | None, frame: pd.DataFrame) -> Bools:
    """Return the rows of a subpopulation.

    Raises
    ------
    ArgumentError
        If it is not one true or false per row of the frame.
    """
    if domain is None:
        return np.ones(len(frame), dtype=bool)
    values = np.asarray(domain)
    where = "domain"
    if values.shape != (len(frame),):
        found = f"it has shape {values.shape}, the data have {len(frame)} rows"
        raise ArgumentError(Fault(where=where, found=found, remedy="domain=frame['age'] < 40"))
    if pd.isna(values).any() or not np.isin(values, (True, False)).all():
        raise ArgumentError(
            Fault(where=where, found="it holds something other than true and false", allowed="true or false")
        )
    if isinstance(domain, pd.Series) and not domain.index.equals(frame.index):
        raise ArgumentError(Fault(where=where, found="its index is not that of the data"))
    return values.astype(bool)


def draw_sample(
    parsed: ParsedFormula,
    columns: Columns,
    reasons: pd.DataFrame | None,
    bound: ResolvedDesign,
    domain: Bools,
    family: str,
    *,
    offset: str | None = None,
) -> Sample:
    """Return the rows of the domain that are complete and carry weight, and account for the others.

    A row is complete if it has the outcome, all predictors and the column of the offset, if there is one.

    Raises
    ------
    InsufficientDataError
        If no row is left, or the outcome does not vary.
    EmptyCategoryError
        If a category of the outcome has no row.
    ModelError
        If the outcome's type does not fit the family.
    """
    needed = list(dict.fromkeys([parsed.outcome, *parsed.predictors, *([offset] if offset else [])]))
    weighted = bound.weights > 0
    eligible = domain & weighted
    used, finite = eligible, set()
    for name in needed:
        missing, known = _missing(columns[name])
        if missing is not None:
            used = used & ~missing
        elif known:
            finite.add(name)
    dropped = _lost(columns, reasons, eligible & ~used, needed)
    if not eligible.all():
        others = [
            ("domain", "outside the domain", int((~domain).sum())),
            ("weights", "weight of zero", int((domain & ~weighted).sum())),
        ]
        extra = pd.DataFrame([row for row in others if row[2]], columns=["variable", "reason", "rows"])
        dropped = pd.concat([extra, dropped], ignore_index=True)
    if not used.any():
        raise InsufficientDataError(*_nothing_left(parsed, columns, needed, eligible))
    outcome = columns[parsed.outcome] if used.all() else columns[parsed.outcome][used]
    if family in MEAN:
        numbers = outcome_numbers(outcome, parsed)
        return Sample(used=used, y=numbers, categories=(), dropped=dropped, finite=frozenset(finite))
    y, categories = outcome_codes(outcome, parsed, family)
    return Sample(used=used, y=y, categories=categories, dropped=dropped, finite=frozenset(finite))


def _missing(column: pd.Series) -> tuple[Bools | None, bool]:
    """Return which rows have no value, or None if all have one, and whether none is infinite either."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        codes = column.array.codes
        return (codes < 0 if codes.min(initial=0) < 0 else None), False
    if isinstance(dtype, np.dtype) and dtype.kind in "iub":
        return None, True
    if isinstance(dtype, np.dtype) and dtype.kind == "f":
        values = column.to_numpy()
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(values @ values):  # so are its terms, and nothing else need be laid out
                return None, True
        missing = np.isnan(values)
    else:
        missing = column.isna().to_numpy()
    return (missing if missing.any() else None), False


def _lost(
    columns: Columns, reasons: pd.DataFrame | None, incomplete: Bools, needed: list[str]
) -> pd.DataFrame:
    """Return the account of incomplete rows: variable, reason, rows."""
    if not incomplete.any():
        return _none_lost().copy(deep=False)  # it is copied when it is written to
    if reasons is not None:
        return complete_cases(reasons.loc[incomplete, needed], needed)
    gaps = pd.DataFrame({name: columns[name][incomplete].isna() for name in needed})
    kept = gaps.apply(lambda c: c.map({True: "missing", False: pd.NA}).astype("str"))
    return complete_cases(kept, needed)


@cache
def _none_lost() -> pd.DataFrame:
    return complete_cases(pd.DataFrame(), [])


def _nothing_left(parsed: ParsedFormula, columns: Columns, needed: list[str], eligible: Bools) -> list[Fault]:
    empty = [c for c in needed if columns[c][eligible].isna().all()]
    if not eligible.any():
        return [Fault(where=f"formula '{parsed.text}'", found="the domain has no row with positive weight")]
    return [
        Fault(
            where=f"column {c!r}",
            found=f"0 of {int(eligible.sum())} rows have a value",
            remedy="leave it out",
        )
        for c in empty
    ] or [Fault(where=f"formula '{parsed.text}'", found="no row has a value in all of its columns")]


def outcome_codes(column: pd.Series, parsed: ParsedFormula, family: str) -> tuple[Ints, tuple[str, ...]]:
    """Return the outcome as 0 … K-1 with its categories, lowest first; see `draw_sample` for errors."""
    y, categories, ordered = _categories(column, parsed.outcome, family)
    where = f"outcome {parsed.outcome!r}"
    faults = []
    if family == "logit" and len(categories) != 2:
        faults.append(
            Fault(
                where=where,
                found=f"it has {len(categories)} categories ({listed(categories)})",
                allowed="two",
                remedy="ologit(...) if it is ordered, or a derived two-category outcome in the codebook",
            )
        )
    if family in ORDINAL and not ordered:
        faults.append(
            Fault(
                where=where,
                found="its categories have no declared order",
                remedy="declare it ordinal in the codebook, or pd.Categorical(..., ordered=True)",
            )
        )
    if faults:
        raise ModelError(*faults)
    found = occurring(y, len(categories))
    if found.sum() < 2:
        raise InsufficientDataError(
            Fault(
                where=where,
                found=f"it is the same in all {len(y)} rows used",
                remedy="choose another outcome",
            )
        )
    if not found.all():
        raise EmptyCategoryError(
            *(
                Fault(
                    where=where,
                    found=f"category {categories[k]!r} has no respondent among the {len(y)} rows used",
                    remedy="merge it with a neighbour in the codebook",
                )
                for k in np.flatnonzero(~found)
            )
        )
    return y, categories


def outcome_numbers(column: pd.Series, parsed: ParsedFormula) -> Floats:
    """Return the outcome of a model of its mean, shape (n,).

    Raises
    ------
    ModelError
        If it is not numeric, or not finite.
    InsufficientDataError
        If it does not vary.
    """
    where, allowed = f"outcome {parsed.outcome!r}", "numbers, such as an index from 0 to 100"
    if kind_of(column) != "numbers":
        ordered = isinstance(column.dtype, pd.CategoricalDtype) and column.cat.ordered
        found = (
            "its categories have an order, but are no numbers" if ordered else f"its type is {column.dtype}"
        )
        remedy = "ologit(...)" if ordered else "logit(...) if it has two categories"
        raise ModelError(Fault(where=where, found=found, allowed=allowed, remedy=remedy))
    values = column.to_numpy(dtype=float)
    infinite = int((~np.isfinite(values)).sum())
    if infinite:
        raise ModelError(Fault(where=where, found=f"{infinite} rows are not finite", allowed=allowed))
    if np.ptp(values) == 0:
        found = f"it is the same in all {len(values)} rows used"
        raise InsufficientDataError(Fault(where=where, found=found, remedy="choose another outcome"))
    return values


def _categories(column: pd.Series, name: str, family: str) -> tuple[Ints, tuple[str, ...], bool]:
    kind = kind_of(column)
    if kind == "categories":
        values: pd.Categorical = column.array
        labels = tuple(map(str, values.categories))
        return copied(values.codes, np.intp)[0], labels, bool(values.ordered) or len(labels) == 2
    where = f"outcome {name!r}"
    if family == "logit" and kind in ("truth", "numbers"):
        events = _events(column)
        if events is None:
            raise ModelError(
                Fault(
                    where=where,
                    found=f"it has {column.nunique()} different numbers, not only 0 and 1",
                    allowed="two categories, true and false, or 0 and 1",
                    remedy="declare its codes in the codebook",
                )
            )
        return events, ("0", "1"), True
    raise ModelError(
        Fault(
            where=where,
            found=f"its type is {column.dtype}, which has no declared order",
            allowed="an ordered categorical",
            remedy="declare it in the codebook, or pd.Categorical(..., categories=[...], ordered=True)",
        )
    )


def _events(column: pd.Series) -> Ints | None:
    """Return a column of 0 and 1, or of true and false, as whole numbers; None if it has other ones."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub":
        events, low, high = copied(column.to_numpy(), np.intp)
        return events if low >= 0 and high <= 1 else None
    values = column.to_numpy(dtype=float)
    return values.astype(np.intp) if ((values == 0) | (values == 1)).all() else None
