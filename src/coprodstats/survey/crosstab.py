"""Two-way tables: cell, row and column proportions under the design, and tests of independence."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from coprodstats.errors import ArgumentError, Fault, InsufficientDataError
from coprodstats.survey.cleaning import CleanedSurvey
from coprodstats.survey.describe import bind, require_columns
from coprodstats.survey.design import ResolvedDesign, SurveyDesign, design_df, design_variance
from coprodstats.survey.display import record_html
from coprodstats.survey.domains import Domain, domain_rows
from coprodstats.survey.ratios import ratio_covariance
from coprodstats.survey.replicates import replicate_totals
from coprodstats.survey.weighting import Weighting

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndependenceTest:
    """A test that the two variables of a table are independent.

    Attributes
    ----------
    method
        Which test, in words.
    statistic
        The F statistic.
    df_num, df_denom
        Its degrees of freedom, which need not be whole numbers.
    p_value
        Upper tail probability.
    note
        Why there is no test, if there is none; the numbers are then NaN.
    """

    method: str
    statistic: float
    df_num: float
    df_denom: float
    p_value: float
    note: str = ""

    def __str__(self) -> str:
        if self.note:
            return f"{self.method}: {self.note}"
        df = f"{self.df_num:.4g}, {self.df_denom:.4g}"
        return f"{self.method}: F({df}) = {self.statistic:.4f}, p = {self.p_value:.4g}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crosstab:
    """A two-way table under the design.

    Attributes
    ----------
    rows, columns
        The two variables.
    pearson
        Pearson's chi-squared of the weighted table scaled to the number of respondents; no p value belongs
        to it.
    rao_scott
        Its second-order correction by Rao and Scott, as F.
    wald
        The adjusted Wald test.
    n, n_weighted
        Respondents with both answers and a positive weight, and their weight.

    Examples
    --------
    >>> frame = pd.DataFrame({"sex": list("mmmwww"), "joins": ["no", "no", "yes", "no", "yes", "yes"]})
    >>> crosstab(frame, "sex", "joins").proportions("row").loc["w"].round(3).to_dict()
    {'no': 0.333, 'yes': 0.667}
    """

    rows: str
    columns: str
    pearson: float
    rao_scott: IndependenceTest
    wald: IndependenceTest
    n: int
    n_weighted: float
    _cells: pd.DataFrame = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one line per cell.

        Columns ``row, column, cell, cell_std_error, of_row, of_row_std_error, of_column,
        of_column_std_error, n, n_weighted``: the cell's share of all, of its row and of its column.
        """
        return self._cells.copy()

    def proportions(self, of: str = "cell") -> pd.DataFrame:
        """Return a table of shares of all (``"cell"``), of each ``"row"`` or of each ``"column"``.

        Raises
        ------
        ArgumentError
            If ``of`` is none of these.
        """
        names = {"cell": "cell", "row": "of_row", "column": "of_column"}
        if of not in names:
            raise ArgumentError(
                Fault(where="proportions: of", found=f"{of!r} is not one", allowed="cell, row, column")
            )
        rows, columns = (self._cells[side].cat.categories for side in ("row", "column"))
        return pd.DataFrame(
            self._cells[names[of]].to_numpy().reshape(len(rows), len(columns)),
            index=rows.rename(self.rows),
            columns=columns.rename(self.columns),
        )

    def _repr_html_(self) -> str:
        return record_html(self, tables={"cells": self.to_frame()})


def crosstab(
    data: CleanedSurvey | pd.DataFrame,
    rows: str,
    columns: str,
    *,
    domain: Domain | None = None,
    design: SurveyDesign | None = None,
    weighting: Weighting | None = None,
) -> Crosstab:
    """Return a two-way table of weighted proportions with standard errors and tests of independence.

    Parameters
    ----------
    data
        A cleaned survey, which brings its design, or a DataFrame.
    rows, columns
        Two categorical, logical or text columns; rows of the data where one is missing are left out, their
        PSUs are not.
    domain
        True for each row to be counted; the design keeps the others.
    design
        The sampling design.
    weighting
        Calibration of the design's weights, as for `means`.

    Returns
    -------
    Crosstab
        The table and its tests.

    Raises
    ------
    ArgumentError
        If a column is absent or numeric, or both are the same.
    InsufficientDataError
        If no respondent has both answers.

    Notes
    -----
    Rao and Scott (1984), *Annals of Statistics* 12, 46-60: ``F = X^2 / tr(D)`` on ``d0 = tr(D)^2 / tr(D^2)``
    and ``d0 d`` degrees of freedom, ``D`` the generalised design effects of the interaction, ``d`` PSUs minus
    strata. The Wald test is of ``P_rc - P_r P_c``, adjusted as by Korn and Graubard (1990): ``W (d - q + 1) /
    (d q)`` on (q, d - q + 1). They are ``svychisq`` of the R package survey with ``"F"`` and ``"adjWald"``.
    Categories without respondents take no part in the tests. Prefer Rao-Scott where d is small. With
    replicate weights, shares and Rao-Scott rest on the shares in each replicate, the Wald test on its totals;
    a share of a row or column that some replicate leaves without weight has no standard error.

    Examples
    --------
    >>> frame = pd.DataFrame({"sex": list("mmmwww"), "joins": ["no", "no", "yes", "no", "yes", "yes"]})
    >>> print(crosstab(frame, "sex", "joins").rao_scott)
    Rao-Scott, second order: F(1, 5) = 0.5556, p = 0.4896
    """
    frame, bound = bind(data, design, weighting)
    _require(frame, rows, columns)
    row, column = _categories(frame[rows]), _categories(frame[columns])
    inside = domain_rows(domain, frame)
    used = inside & row.notna().to_numpy() & column.notna().to_numpy() & (bound.weights > 0)
    if not used.any():
        raise InsufficientDataError(
            Fault(
                where=f"crosstab: {rows!r} by {columns!r}",
                found="no respondent has both answers and a positive weight",
                remedy="choose other variables",
            )
        )
    table = _Table(
        bound=bound,
        used=used,
        w=np.where(used, bound.weights, 0.0) / bound.weights[used].sum(),
        row=_indicators(row, used),
        column=_indicators(column, used),
        df=design_df(bound, used),
        n=int(used.sum()),
    )
    pearson, rao_scott = _rao_scott(table)
    return Crosstab(
        rows=rows,
        columns=columns,
        pearson=pearson,
        rao_scott=rao_scott,
        wald=_wald(table),
        n=table.n,
        n_weighted=float(bound.weights[used].sum()),
        _cells=_shares(table, row.cat.categories, column.cat.categories),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Table:
    """The data of a table: weights that add up to one, and indicators of rows and columns."""

    bound: ResolvedDesign
    used: Bools
    w: Floats
    row: Floats
    column: Floats
    df: int
    n: int

    def cell(self) -> Floats:
        """Return indicators of cells, shape (n, rows × columns), rows varying slowest."""
        return np.asarray((self.row[:, :, None] * self.column[:, None, :]).reshape(len(self.w), -1))

    def in_all_replicates(self, base: Floats) -> Bools:
        """Return which bases have weight in every replicate, shape (m,)."""
        replication = self.bound.replication
        if replication is None:
            return np.ones(base.shape[1], dtype=bool)
        counted = replication.rscales > 0
        inside = np.where(self.used[:, None], base, 0.0)
        return np.asarray((replicate_totals(inside, replication)[counted] > 0).all(axis=0))

    def covariance(self, cell: Floats, base: Floats, shares: Floats) -> Floats:
        """Return the covariance of shares of cells in bases, shapes (n, m) and (m,)."""
        return ratio_covariance(cell, base, shares, self.bound, self.used)


def _require(frame: pd.DataFrame, rows: str, columns: str) -> None:
    require_columns(frame, (rows, columns))
    faults = [
        Fault(where=f"crosstab: {name!r}", found="it is numeric", remedy="cut it into categories first")
        for name in (rows, columns)
        if pd.api.types.is_float_dtype(frame[name])
    ]
    if rows == columns:
        faults.append(Fault(where="crosstab", found=f"rows and columns are both {rows!r}", allowed="two"))
    if faults:
        raise ArgumentError(*faults)


def _categories(column: pd.Series) -> pd.Series:
    return column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype("category")


def _indicators(column: pd.Series, used: Bools) -> Floats:
    codes = column.cat.codes.to_numpy()
    found = (codes[:, None] == np.arange(len(column.cat.categories))) & used[:, None]
    return np.asarray(found, dtype=float)


def _shares(table: _Table, rows: pd.Index, columns: pd.Index) -> pd.DataFrame:
    cell = table.cell()
    lines = {
        "row": pd.Categorical(np.repeat(rows, len(columns)), categories=rows),
        "column": pd.Categorical(np.tile(columns, len(rows)), categories=columns),
    }
    of_row = np.repeat(table.row, len(columns), axis=1)
    of_column = np.tile(table.column, (1, len(rows)))
    whole = np.ones_like(cell)
    numbers = {}
    for name, base in (("cell", whole), ("of_row", of_row), ("of_column", of_column)):
        numbers[name], numbers[f"{name}_std_error"] = _ratios(table, cell, base)
    numbers["n"] = cell.sum(axis=0).astype(int)
    numbers["n_weighted"] = table.bound.weights @ cell
    return pd.DataFrame(lines | numbers)


def _ratios(table: _Table, cell: Floats, base: Floats) -> tuple[Floats, Floats]:
    """Return weighted ratios of cells to their bases with standard errors; NaN where a base is empty."""
    size = table.w @ base
    ratio, std_error = np.full(len(size), np.nan), np.full(len(size), np.nan)
    some = size > 0
    ratio[some] = (table.w @ cell)[some] / size[some]
    # A base that some replicate leaves without weight has a share, and no standard error.
    sure = some & table.in_all_replicates(base)
    if sure.any():
        variance = table.covariance(cell[:, sure], base[:, sure], ratio[sure])
        std_error[sure] = np.sqrt(np.diag(variance))
    return ratio, std_error


def _rao_scott(table: _Table) -> tuple[float, IndependenceTest]:
    method = "Rao-Scott, second order"
    table = _without_empty(table)
    r, c = table.row.shape[1], table.column.shape[1]
    cell = table.cell()
    p = table.w @ cell
    expected = np.outer(table.w @ table.row, table.w @ table.column).ravel()
    pearson = float(table.n * ((p - expected) ** 2 / expected).sum())
    if min(r, c) < 2:
        return pearson, _no_test(method, "a variable has a single category")
    inverse = np.divide(1.0, p, out=np.zeros_like(p), where=p > 0)
    contrasts = _interaction(r, c)
    weighted = contrasts * inverse[:, None]
    variance = table.covariance(cell, np.ones_like(cell), p)
    naive = contrasts.T @ weighted / table.n
    if np.linalg.cond(naive) > 1e12:
        return pearson, _no_test(method, "too many cells are empty")
    effects = np.linalg.solve(naive, weighted.T @ variance @ weighted)
    trace = float(np.trace(effects))
    if not trace > 0:
        return pearson, _no_test(method, "the design's variance is zero")
    df = trace**2 / float(np.trace(effects @ effects))
    return pearson, _tested(method, pearson / trace, df, df * table.df)


def _wald(table: _Table) -> IndependenceTest:
    method = "adjusted Wald"
    table = _without_empty(table)
    r, c = table.row.shape[1], table.column.shape[1]
    q = (r - 1) * (c - 1)
    if q < 1:
        return _no_test(method, "a variable has a single category")
    if q > table.df:
        return _no_test(method, f"{q} restrictions and {table.df} degrees of freedom")
    cell, row, column = table.cell(), table.w @ table.row, table.w @ table.column
    # Influence of each respondent on T_rc - T_r T_c / T, with T the totals: they are not centred.
    on = (
        cell
        - np.repeat(table.row, c, axis=1) * np.tile(column, r)
        - np.tile(table.column, (1, r)) * np.repeat(row, c)
        + table.row.sum(axis=1)[:, None] * np.outer(row, column).ravel()
    )
    kept = np.outer(np.arange(r) > 0, np.arange(c) > 0).ravel()
    excess = (table.w @ cell - np.outer(row, column).ravel())[kept]
    variance = design_variance(table.w[:, None] * on[:, kept], table.bound, table.used)
    size = np.sqrt(np.diag(variance))
    if not (size > 0).all() or np.linalg.cond(variance / np.outer(size, size)) > 1e12:
        return _no_test(method, "the covariance of the cells is singular")
    w = float(excess @ np.linalg.solve(variance, excess))
    denominator = table.df - q + 1
    return _tested(method, w * denominator / (table.df * q), q, denominator)


def _without_empty(table: _Table) -> _Table:
    return _Table(
        bound=table.bound,
        used=table.used,
        w=table.w,
        row=table.row[:, table.row.any(axis=0)],
        column=table.column[:, table.column.any(axis=0)],
        df=table.df,
        n=table.n,
    )


def _interaction(r: int, c: int) -> Floats:
    """Return contrasts of cells that are orthogonal to rows and to columns, shape (r c, (r - 1)(c - 1))."""

    def within(k: int) -> Floats:
        centred = np.eye(k)[:, 1:] - 1 / k
        return np.asarray(np.linalg.qr(centred)[0])

    return np.asarray(np.kron(within(r), within(c)), dtype=float)


def _tested(method: str, statistic: float, df_num: float, df_denom: float) -> IndependenceTest:
    p_value = float(stats.f.sf(statistic, df_num, df_denom))
    return IndependenceTest(
        method=method, statistic=float(statistic), df_num=df_num, df_denom=df_denom, p_value=p_value
    )


def _no_test(method: str, note: str) -> IndependenceTest:
    nan = float("nan")
    return IndependenceTest(
        method=method, statistic=nan, df_num=nan, df_denom=nan, p_value=nan, note=f"no test: {note}"
    )
