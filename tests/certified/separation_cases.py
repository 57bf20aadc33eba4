"""Data of known status: separated because a direction was planted, or not because an overlap was.

All predictors are whole numbers, so that status is a matter of exact arithmetic. A case is separated if some
(thresholds, slopes), not all zero, has threshold_k - x'b >= 0 for every row below the highest category and
x'b - threshold_{k-1} >= 0 for every row above the lowest (Albert and Anderson 1984, *Biometrika* 71, 1-10).

- Planted direction: whole slopes b are drawn, categories follow x'b; `Case.direction` then fulfils all
  inequalities, one of them strictly.
- Planted overlap: pairs of respondents with the same predictors in the two lowest categories, at points that
  span the space. Each pair turns two inequalities into x'b = threshold_1; together they leave only zero, and
  since all categories occur the other thresholds are zero too.
- Planted simplex: the corners of a simplex in one category, a respondent of the other with given barycentric
  coordinates of it. If all are positive, that row is a strictly positive combination of the others and
  nothing separates (Stiemke's lemma); if one is zero, the facet opposite separates quasi-completely; if one
  is negative, completely.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

Ints = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One data set: predictors (n, p), categories 0 … K-1 (n,), and whether it is separated."""

    kind: str
    x: Ints
    y: Ints
    n_cuts: int
    separated: bool
    direction: Ints | None = None  # thresholds, then slopes


def gains(case: Case, direction: Ints) -> Ints:
    """Return what each inequality gains by a direction, in exact arithmetic."""
    cuts, along = direction[: case.n_cuts], case.x @ direction[case.n_cuts :]
    low, high = case.y < case.n_cuts, case.y > 0
    return np.concatenate([cuts[case.y[low]] - along[low], along[high] - cuts[case.y[high] - 1]])


def complete(case: Case) -> bool:
    """Return whether a case is one that a fit accepts: all categories, and predictors of full rank."""
    wide = np.column_stack([np.ones(len(case.y)), case.x])
    return len(np.unique(case.y)) == case.n_cuts + 1 and np.linalg.matrix_rank(wide) == wide.shape[1]


def cases(count: int, seed: int) -> Iterator[Case]:
    """Yield cases of all kinds in turn, half of them separated."""
    rng = np.random.default_rng(seed)
    makers = (planted_direction, planted_overlap, planted_level, planted_middle, planted_simplex, in_domain)
    made = 0
    while made < count:
        case = makers[made % len(makers)](rng, separated=bool(made // len(makers) % 2))
        if complete(case):
            made += 1
            yield case


def _size(rng: np.random.Generator) -> tuple[int, int, int]:
    """Return rows, predictors and thresholds; a third of the cases are binary."""
    p = int(rng.integers(1, 6))
    return int(rng.integers(25, 90)), p, int(rng.choice([1, 1, 2, 3, 4, 6]))


def _predictors(rng: np.random.Generator, n: int, p: int) -> Ints:
    """Return columns of different kinds: small and large numbers, marks, birth years."""
    columns = []
    for _ in range(p):
        kind = rng.integers(4)
        if kind == 0:
            columns.append(rng.integers(-9, 10, n))
        elif kind == 1:
            columns.append(rng.integers(0, 2, n))
        elif kind == 2:
            columns.append(rng.integers(1920, 1995, n))
        else:
            columns.append(1000 * rng.integers(0, 60, n))
    return np.column_stack(columns)


def _slopes(rng: np.random.Generator, x: Ints) -> Ints:
    """Return whole slopes of which most columns matter about equally, some not at all."""
    spread = np.maximum(x.max(axis=0) - x.min(axis=0), 1)
    slopes = np.array([int(rng.integers(-4, 5)) * int(max(1, 1000 // s)) for s in spread])
    if not slopes.any():
        slopes[rng.integers(len(slopes))] = 1
    return slopes


def planted_direction(rng: np.random.Generator, *, separated: bool) -> Case:
    """Return categories that follow a combination of the predictors; if not separated, pairs break it."""
    n, p, n_cuts = _size(rng)
    x = _predictors(rng, n, p)
    slopes = _slopes(rng, x)
    along = x @ slopes
    values = np.unique(along)
    cuts = np.sort(rng.choice(values, n_cuts, replace=len(values) < n_cuts))
    y = (along[:, None] > cuts).sum(axis=1)
    # Rows on a threshold may lie on either side of it: separation is then only quasi-complete.
    on = np.flatnonzero(np.isin(along, cuts))
    moved = on[rng.random(len(on)) < 0.5]
    y[moved] = np.minimum(y[moved] + 1, n_cuts)
    case = Case(
        kind="direction", x=x, y=y, n_cuts=n_cuts, separated=True, direction=np.concatenate([cuts, slopes])
    )
    return case if separated else _with_pairs(rng, case, "direction, broken by pairs")


def planted_overlap(rng: np.random.Generator, *, separated: bool) -> Case:
    """Return random categories with planted pairs; if separated, a level is added that holds one extreme."""
    n, p, n_cuts = _size(rng)
    case = Case(
        kind="overlap", x=_predictors(rng, n, p), y=rng.integers(0, n_cuts + 1, n), n_cuts=n_cuts,
        separated=False,
    )  # fmt: skip
    case = _with_pairs(rng, case, "overlap")
    return _with_level(rng, case, highest=True) if separated else case


def planted_level(rng: np.random.Generator, *, separated: bool) -> Case:
    """Return overlapping data with a level whose members are all in the lowest category, or all but one."""
    n, p, n_cuts = _size(rng)
    y = rng.integers(0, n_cuts + 1, n)
    case = Case(kind="level", x=_predictors(rng, n, p), y=y, n_cuts=n_cuts, separated=False)
    case = _with_level(rng, _with_pairs(rng, case, "level"), highest=False)
    if separated:
        return case
    # One member in another category than another with the same predictors: the pair that was missing.
    member = np.flatnonzero(case.x[:, -1] == 1)[0]
    x, y = np.vstack([case.x, case.x[member]]), np.append(case.y, 1)
    return Case(kind="all but one of a level", x=x, y=y, n_cuts=n_cuts, separated=False)


def planted_middle(rng: np.random.Generator, *, separated: bool) -> Case:
    """Return overlapping data with a level in a middle category only, which separates nothing."""
    n, p, _ = _size(rng)
    n_cuts = int(rng.integers(2, 5))
    y = rng.integers(0, n_cuts + 1, n)
    case = Case(kind="middle", x=_predictors(rng, n, p), y=y, n_cuts=n_cuts, separated=False)
    case = _with_pairs(rng, case, "middle")
    mark = np.zeros(len(case.y), dtype=np.int64)
    # All else is zero by the pairs: threshold_k - b >= 0 and b - threshold_{k-1} >= 0 leave b = 0.
    added = int(rng.integers(1, 5))
    where = rng.integers(0, len(case.y), added)
    x = np.vstack([np.column_stack([case.x, mark]), np.column_stack([case.x[where], np.ones(added, int)])])
    middle = int(rng.integers(1, n_cuts))
    y = np.append(case.y, np.full(added, middle))
    case = Case(kind="a level in a middle category", x=x, y=y, n_cuts=n_cuts, separated=False)
    return _with_level(rng, case, highest=bool(rng.integers(2))) if separated else case


def planted_simplex(rng: np.random.Generator, *, separated: bool) -> Case:
    """Return a respondent just inside, on the border of, or just outside the simplex of all others."""
    p, n_cuts = int(rng.integers(1, 6)), int(rng.choice([1, 2, 3]))
    parts = int(rng.choice([10, 1_000, 1_000_000]))
    corners = rng.integers(-9, 10, (p + 1, p)) * parts
    share = rng.integers(1, parts // (2 * p) + 1, p + 1)
    share[0] = rng.integers(-1, 1) if separated else 1
    share[-1] = parts - share[:-1].sum()  # they sum to `parts`; the last is positive
    inner = (share @ corners) // parts  # exact: corners are multiples of `parts`
    x, y = [*corners, inner], [1] * (p + 1) + [0]
    for _ in range(int(rng.integers(5, 30))):  # within the simplex: they fulfil what the corners fulfil
        weights = rng.multinomial(parts, np.full(p + 1, 1 / (p + 1)))
        x.append((weights @ corners) // parts)
        y.append(1)
    for category in range(
        2, n_cuts + 1
    ):  # the highest categories lie at the first corner, away from the facet
        x.append(corners[0])
        y.append(category)
    kind = "simplex, separated" if separated else "simplex, one part in " + str(parts)
    return Case(kind=kind, x=np.array(x), y=np.array(y), n_cuts=n_cuts, separated=separated)


def in_domain(rng: np.random.Generator, *, separated: bool) -> Case:
    """Return a domain of data whose other rows would decide otherwise; see `planted_direction`.

    The case holds the rows of the domain only, as a fit sees them: the rows outside, which are not built,
    can't matter. The test makes whole frames of some and fits them with ``domain=``.
    """
    case = planted_direction(rng, separated=separated)
    return Case(
        kind="domain", x=case.x, y=case.y, n_cuts=case.n_cuts, separated=separated, direction=case.direction
    )


def outside_rows(rng: np.random.Generator, case: Case) -> tuple[Ints, Ints]:
    """Return rows to stand outside a domain: pairs that overlap if it is separated, and none if it is not."""
    if not case.separated:
        return case.x[:1], case.y[:1]
    paired = _with_pairs(rng, case, "outside")
    return paired.x[len(case.y) :], paired.y[len(case.y) :]


def _with_pairs(rng: np.random.Generator, case: Case, kind: str) -> Case:
    """Return a case with p + 1 pairs of rows added: the same predictors in the two lowest categories."""
    p = case.x.shape[1]
    base = case.x[rng.integers(len(case.x))]
    spread = np.maximum(case.x.max(axis=0) - case.x.min(axis=0), 1)
    points = np.vstack([base, base + np.diag(spread)])  # affinely independent
    x = np.vstack([case.x, points, points])
    y = np.concatenate([case.y, np.zeros(p + 1, dtype=int), np.ones(p + 1, dtype=int)])
    return Case(kind=kind, x=x, y=y, n_cuts=case.n_cuts, separated=False)


def _with_level(rng: np.random.Generator, case: Case, *, highest: bool) -> Case:
    """Return a case with members of a new level added, all of them in the highest or lowest category."""
    added = int(rng.integers(1, 8))
    where = rng.integers(0, len(case.y), added)
    mark = np.concatenate([np.zeros(len(case.y), dtype=int), np.ones(added, dtype=int)])
    x = np.column_stack([np.vstack([case.x, case.x[where]]), mark])
    y = np.append(case.y, np.full(added, case.n_cuts if highest else 0))
    direction = np.zeros(case.n_cuts + x.shape[1], dtype=int)
    direction[-1] = 1 if highest else -1
    return Case(
        kind=f"{case.kind}, a level in one extreme", x=x, y=y, n_cuts=case.n_cuts, separated=True,
        direction=direction,
    )  # fmt: skip
