"""Scores of respondents at a maximum: laid out only when asked for, else summed as covariances need them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from coprodstats.models.blocks import Block, Places, Rows, bounds_of
from coprodstats.models.evaluation import derived_blocks
from coprodstats.models.links import Link
from coprodstats.survey.lines import BITS, BLOCK, cut, next_power, working
from coprodstats.survey.numbering import Codes
from coprodstats.survey.products import SMALL_PRODUCT, CutLines, LineSum, cross_products, cut_lines
from coprodstats.survey.sums import binned, binned_lines, binned_parts, sums_by

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# A table of all rows and groups is made if it has no more cells than this for each respondent.
CELLS_PER_RESPONDENT = 2
# So many of its cells are multiplied at once at most, which stay in the processor's cache.
CELLS_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupWeights:
    """What the respondents of each group weigh in each row that they share.

    Attributes
    ----------
    group
        Group of each respondent, shape (n,).
    weight
        Weights, not scaled, shape (m, groups).
    """

    group: Ints
    weight: Floats


def weights_by_group(
    group: Ints, n_groups: int, row: Codes, n_rows: int, w: Floats
) -> tuple[Floats, Floats] | None:
    """Return what respondents weigh by row and group, as exact and small parts, shape (m, groups) each.

    None if these are many, compared with the respondents.

    Parameters
    ----------
    group, row, w
        Group, row and weight of each respondent, shape (n,).
    n_groups, n_rows
        Number of groups and of rows, m.
    """
    if n_groups * n_rows > CELLS_PER_RESPONDENT * len(row):
        return None
    exact, small = binned_parts(row, w, n_rows, within=(group, n_groups))
    return exact.reshape(n_rows, n_groups), small.reshape(n_rows, n_groups)


class Scores(Protocol):
    """Weighted scores of n respondents on q parameters."""

    def laid_out(self) -> Floats:
        """Return them, shape (n, q)."""

    def totals(self, group: Ints, n_groups: int) -> Floats:
        """Return their sums by group, shape (n_groups, q); ``group`` has shape (n,)."""

    def products(self) -> Floats:
        """Return the sum of s s' over respondents, s the scores of one, shape (q, q)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreMatrix:
    """Weighted scores that are laid out already, shape (n, q)."""

    values: Floats

    def laid_out(self) -> Floats:
        """Return them, shape (n, q)."""
        return self.values

    def totals(self, group: Ints, n_groups: int) -> Floats:
        """Return their sums by group, shape (n_groups, q)."""
        return sums_by(self.values, group, n_groups)

    def products(self) -> Floats:
        """Return the sum of s s' over respondents, shape (q, q)."""
        return cross_products(self.values, self.values)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CumulativeScores:
    """Scores of a cumulative-link likelihood whose data are in blocks.

    Attributes
    ----------
    rows
        The data, m rows; each stands for the respondents that share it.
    residual
        Minus the derivative by the linear predictor, weighted, shape (m,).
    above, below
        Derivatives by the threshold above and below, weighted, 0 where there is none, shape (m,).
    places
        Which row each respondent is.
    weights
        Each respondent's weight before it is scaled, shape (n,).
    scale
        By what weights are multiplied.
    by_unit
        Weights, not scaled, by some groups and pattern, where they are known.
    """

    rows: Rows
    residual: Floats
    above: Floats
    below: Floats
    places: Places
    weights: Floats
    scale: float = 1.0
    by_unit: GroupWeights | None = None

    @property
    def w(self) -> Floats:
        """Each respondent's weight, laid out anew, shape (n,)."""
        return self.weights * self.scale

    def laid_out(self) -> Floats:
        """Return them, shape (n, q)."""
        row = self.places.row()
        share = self.w / self.rows.w[row]
        return np.asarray((self._lines()[:, row] * share).T)

    def totals(self, group: Ints, n_groups: int) -> Floats:
        """Return their sums by group, shape (n_groups, q)."""
        if self.places.pattern is not None:
            return self._shared_totals(group, n_groups)
        by_row = np.take(group, self.places.order, mode="clip")  # "raise" would go through a buffer
        n_cuts, p = self.rows.n_cuts, len(self.rows.x)
        single = n_cuts == 1  # each row has an end at the only threshold
        if not single:
            for block in self.rows.blocks:
                by_row[block.rows] += block.category * n_groups
        sums = binned_lines(
            by_row,
            self.rows.x,
            n_groups if single else n_groups * (n_cuts + 1),
            factor=self.residual,
            others=[self.residual] if single else [self.above, self.below],
            bounds=bounds_of(self.rows),
        )
        if single:
            return np.vstack([sums[p:], -sums[:p]]).T
        of_category = sums.reshape(p + 2, n_cuts + 1, n_groups)
        ends = of_category[p, :-1] + of_category[p + 1, 1:]
        return np.vstack([ends, -of_category[:p].sum(axis=1)]).T

    def _shared_totals(self, group: Ints, n_groups: int) -> Floats:
        """Return `totals` where respondents share rows: from their weights in each row and group, if few."""
        weight = self._weight(group, n_groups)
        if weight is not None:
            lines = np.empty((self.rows.n_cuts + len(self.rows.x), len(weight)))
            lines[:, self.places.order] = self._lines() * (self.scale / self.rows.w)
            return _product(weight, lines)
        row = self.places.row()
        share = self.w / self.rows.w[row]
        sums = [binned(group, line[row] * share, n_groups) for line in self._lines()]
        return np.vstack(sums).T

    def _weight(self, group: Ints, n_groups: int) -> Floats | None:
        """Return the weights by pattern and group, not scaled, shape (m, groups), if there are few."""
        if self.by_unit is not None and self.by_unit.group is group:  # the very array: to compare takes time
            return self.by_unit.weight
        pattern = self.places.pattern
        parts = None
        if pattern is not None:
            parts = weights_by_group(group, n_groups, pattern, len(self.places.order), self.weights)
        return None if parts is None else parts[0] + parts[1]

    def products(self) -> Floats:
        """Return the sum of s s' over respondents, shape (q, q)."""
        squared = binned(self.places.row(), self.w**2, len(self.rows.w)) / self.rows.w**2
        q = self.rows.n_cuts + len(self.rows.x)
        total = np.zeros((q, q))
        for k in range(self.rows.n_cuts + 1):
            parts = [(b, *self._part(b)) for b in self.rows.blocks if b.category == k]
            positions = parts[0][1]
            products = LineSum.zero(len(positions), len(positions))
            for block, _, lines in parts:
                products = products.plus(cut_lines(lines), lines * squared[block.rows])
            total[np.ix_(positions, positions)] += products.rounded()
        return (total + total.T) / 2

    def sizes(self) -> Floats:
        """Return the root of the sum over rows of squared scores, shape (q,)."""
        total = np.zeros(self.rows.n_cuts + len(self.rows.x))
        for block in self.rows.blocks:
            positions, lines = self._part(block)
            total[positions] += np.vecdot(lines, lines)
        return np.sqrt(total)

    def _part(self, block: Block) -> tuple[Ints, Floats]:
        """Return the parameters that a block's scores are not 0 for, and the scores on them, by line."""
        k, n_cuts = block.category, self.rows.n_cuts
        x = self.rows.x[:, block.rows]
        ends = [(k - 1, self.below)] * (k > 0) + [(k, self.above)] * (k < n_cuts)
        lines = np.empty((len(ends) + len(x), x.shape[1]))
        for line, (_, values) in zip(lines, ends, strict=False):
            line[:] = values[block.rows]
        np.multiply(x, -self.residual[block.rows], out=lines[len(ends) :])
        return np.array([*(cut for cut, _ in ends), *range(n_cuts, n_cuts + len(x))]), lines

    def _lines(self) -> Floats:
        """Return the weighted scores of the rows, shape (q, m)."""
        laid = np.zeros((self.rows.n_cuts + len(self.rows.x), len(self.rows.w)))
        for block in self.rows.blocks:
            positions, lines = self._part(block)
            laid[positions, block.rows] = lines
        return laid


def _product(weight: Floats, lines: Floats) -> Floats:
    """Return weight' lines' of weights by pattern and group, (m, groups), and lines, (q, m)."""
    m, n_groups = weight.shape
    totals = LineSum.zero(n_groups, len(lines))
    bound = next_power(float(weight.max(initial=0.0)))
    cells = min(SMALL_PRODUCT // len(lines), CELLS_AT_ONCE)
    step = min(max(cells // n_groups, 1), BLOCK)
    with working(2, min(step, m) * n_groups) as work:
        for start in range(0, m, step):
            part = slice(start, min(start + step, m))
            values = weight[part].ravel()  # in one piece: numpy takes rows of a table through a buffer
            high, low = cut(values, bound, BITS, (work[0, : len(values)], work[1, : len(values)]))
            left = CutLines(high=high.reshape(-1, n_groups).T, low=low.reshape(-1, n_groups).T)
            totals = totals.plus(left, lines[:, part])
    return totals.rounded()


def cumulative_scores(
    theta: Floats, rows: Rows, places: Places, weights: Floats, link: Link, *, scale: float = 1.0
) -> CumulativeScores:
    """Return the scores of a cumulative-link likelihood at one point.

    Parameters
    ----------
    theta
        Thresholds, then slopes, shape (q,).
    rows
        The data in blocks.
    places
        Which row each respondent is.
    weights
        Each respondent's weight before it is scaled, shape (n,).
    link
        The link.
    scale
        By what weights are multiplied.
    """
    m = len(rows.w)
    residual, above, below = np.empty(m), np.zeros(m), np.zeros(m)
    for block, d in derived_blocks(theta, rows, link):
        residual[block.rows] = d.residual
        for position, end in d.ends:
            side = above if position == block.category else below
            side[block.rows] = end.first + end.shared * rows.w[block.rows]
    return CumulativeScores(
        rows=rows,
        residual=residual,
        above=above,
        below=below,
        places=places,
        weights=weights,
        scale=scale,
    )
